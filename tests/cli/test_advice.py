"""`dianjia advise` and `dianjia compare-plans`: what they print and write, and what they say where they cannot."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from engine.cli import main

RULES: Final = """
ruleset: cn.test.{id}
title: {title}
source: {{standing: example}}
class: shop
in_force: {{from: 2026-01-01, until_replaced: true}}
version_by: period_from
inputs:
  kwh: {{unit: kWh, places: 0, from: 0, to: 100000, title: 电量}}
  limit_kw: {{unit: kW, places: 0, from: 0, to: 1000, optional: true, title: 申请容量}}
values:
  price: {{unit: CNY/kWh, printed: {price}, source: {{standing: example}}}}
  fee: {{unit: CNY, printed: {fee}, source: {{standing: example}}}}
energy: {{total: kwh, priced_by: [energy]}}
charges:
  energy: {{title: 电费, kind: flat, quantity: kwh, price: price}}
  service: {{title: 服务费, kind: formula, amount: "fee + (1[CNY/kW] * limit_kw if given(limit_kw) else 0)"}}
"""

ADVICE: Final = """
advice: cn.test.plans
title: 套餐
source: {standing: example, note: 编的}
for: [cn.test.plain]
in_force: {from: 2026-01-01, until_replaced: true}
inputs:
  spare_kw: {unit: kW, places: 0, from: 0, to: 1000, optional: true, title: 富余容量}
alternatives:
  big: {title: 大户套餐, kind: plan, ruleset: cn.test.big, cost: "20[CNY]"}
  less: {title: 少用一成, kind: measure, set: {kwh: "round(kwh * 0.9, 0, half_up)"}, how: 换灯}
  lower: {title: 降低容量, kind: choice, set: {limit_kw: limit_kw - spare_kw}}
  few: {title: 小户, kind: choice, lawful: "kwh < 10[kWh]", otherwise: "每月 {kwh} 千瓦时，不算小户", set: {kwh: kwh}}
tests:
  - name: 两千度
    vouched_by: {who: 手算, from: 2000 × 0.4 + 100}
    ruleset: cn.test.plain
    rows:
      - {billing_period: 2026-01, given: {kwh: 2000}}
    expect: {now: 1000.00, big: 900.00, less: 900.00}
    not_lawful: [few]
"""

ROWS: Final = """row_id,account,ruleset,period_from,period_to,kwh,limit_kw,spare_kw
1,A,cn.test.plain,2026-01-01,2026-02-01,2000,,
2,A,cn.test.plain,2026-02-01,2026-03-01,1000,,
3,B,cn.test.plain,2026-01-01,2026-02-01,many,,
4,C,cn.test.big,2026-01-01,2026-02-01,100,,
5,D,cn.test.plain,2026-01-01,2026-02-01,100,,
5,D,cn.test.plain,2026-02-01,2026-03-01,100,,
6,,cn.test.plain,2026-01-01,2026-02-01,100,,
7,E,cn.test.plain,2026-01-01,2026-02-01,100,10,4
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("advice")
    (made / "rules").mkdir()
    for id_, title, price, fee in (("plain", "普通", "0.50", "0"), ("big", "大户", "0.40", "100")):
        text = RULES.format(id=id_, title=title, price=price, fee=fee)
        (made / "rules" / f"{id_}.ruleset.yaml").write_text(text, encoding="utf-8")
    (made / "rules" / "plans.advice.yaml").write_text(ADVICE, encoding="utf-8")
    (made / "rows.csv").write_text(ROWS, encoding="utf-8")
    return made


def typed(folder: Path, command: str, *arguments: str) -> Result:
    words = [command, str(folder / "rules"), str(folder / "rows.csv"), *arguments]
    return CliRunner().invoke(main, words, catch_exceptions=False)


def lines(told: Result) -> list[str]:
    return [" ".join(line.split()) for line in told.stdout.splitlines()]


def test_each_account_is_advised_or_told_why_not(folder: Path) -> None:
    """A has 3,000 kWh: 1,500 now; 1,200 + 2 × 100 with the other plan; nine tenths of it: 1,350."""
    told = typed(folder, "advise")

    assert told.exit_code == 0, told.output
    assert "A 2026-01-01..2026-03-01 2 bills now 1,500.00 CNY" in lines(told)
    assert "1 less 少用一成 1,350.00 150.00" in lines(told)
    assert "2 big 大户套餐 1,400.00 100.00 20.00 1" in lines(told)
    assert "few 小户 每月 2000 千瓦时，不算小户" in lines(told)
    assert "lower 降低容量 not given: 申请容量 (limit_kw), 富余容量 (spare_kw)" in lines(told)
    assert "lower 降低容量 56.00 4.00" in [line.removeprefix("2 ") for line in lines(told)]
    (unread,) = (line for line in lines(told) if line.startswith("3: "))
    assert "many" in unread
    assert any(line.startswith("5: ") and "duplicate-row" in line for line in lines(told))
    assert any(line.startswith("6: ") and "`account`" in line for line in lines(told))
    assert "nothing of what was asked for is declared for `cn.test.big`" in lines(told)
    assert lines(told)[-3:] == ["accounts received 6", "advised 2", "not advised 4"]


def test_days_without_a_bill_and_days_billed_twice_are_told(folder: Path, tmp_path: Path) -> None:
    """F has no March, and February in two rows; G is billed in two pieces each month, which is as it should be."""
    months = ["2026-01-01,2026-02-01", "2026-02-01,2026-03-01", "2026-02-01,2026-03-01", "2026-04-01,2026-05-01"]
    rows = [f"f{at},F,cn.test.plain,{month},1000," for at, month in enumerate(months, start=1)]
    rows += [f"g{at},G,cn.test.plain,2026-01-01,2026-02-01,1000,meter {at}" for at in (1, 2)]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(["row_id,account,ruleset,period_from,period_to,kwh,scope", *rows]), encoding="utf-8")

    def told(*arguments: str) -> Result:
        words = ["advise", str(folder / "rules"), str(file), *arguments]
        return CliRunner().invoke(main, words, catch_exceptions=False)

    text, zh = lines(told()), lines(told("--language", "zh", "--proposal", str(tmp_path / "pages")))
    f, g = json.loads(told("--format", "json").stdout)["accounts"]

    assert "F 2026-01-01..2026-05-01 4 bills now 2,000.00 CNY" in text
    assert "no bill for 2026-03-01..2026-04-01" in text
    assert "f2 and f3 overlap: what both bill counts twice" in text
    assert "2026-03-01..2026-04-01 没有账单" in zh
    assert "f2 与 f3 的周期重叠：重叠部分算了两次" in zh
    assert f["days_without_bill"] == [{"from": "2026-03-01", "to": "2026-04-01"}]
    assert f["billed_twice"] == [["f2", "f3"]]
    assert (g["days_without_bill"], g["billed_twice"]) == ([], [])
    page = (tmp_path / "pages" / "F.html").read_text(encoding="utf-8")
    assert "2026年3月没有账单，其间的节省没有计入。" in page
    assert "账单 f2 与 f3 的周期重叠，重叠部分算了两次。" in page
    assert "重叠部分" not in (tmp_path / "pages" / "G.html").read_text(encoding="utf-8")


def test_an_account_whose_rule_sets_have_nothing_in_common_is_told_so(folder: Path, tmp_path: Path) -> None:
    """One of them has alternatives, the other has none: an alternative has to be open to every row."""
    rows = ["1,A,cn.test.plain,2026-01-01,2026-02-01,100", "2,A,cn.test.big,2026-02-01,2026-03-01,100"]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(["row_id,account,ruleset,period_from,period_to,kwh", *rows]), encoding="utf-8")

    told = {
        (command, language): CliRunner().invoke(
            main, [command, str(folder / "rules"), str(file), "--language", language], catch_exceptions=False
        )
        for command in ("advise", "compare-plans")
        for language in ("en", "zh")
    }

    both = "`cn.test.plain`, `cn.test.big`"
    assert f"nothing of what was asked for is declared for all of its rule sets: {both}" in lines(told["advise", "en"])
    assert f"所问的办法没有一种适用于该户的全部规则集：{both}" in lines(told["advise", "zh"])
    assert f"no other plan is declared for all of its rule sets: {both}" in lines(told["compare-plans", "en"])
    assert f"没有一种其他套餐适用于该户的全部规则集：{both}" in lines(told["compare-plans", "zh"])


def test_json_has_every_account_and_every_bill(folder: Path) -> None:
    told = json.loads(typed(folder, "advise", "--format", "json").stdout)

    assert (told["received"], told["advised"], told["not_advised"]) == (6, 2, 4)
    assert [one["account"] for one in told["accounts"]] == ["A", "E"]
    (big,) = (one for one in told["accounts"][0]["alternatives"] if one["alternative"] == "big")
    assert (big["then"], big["saving"], big["bills"]) == ("1400.00", "100.00", ["900.00", "500.00"])
    assert (big["cost"], big["payback_months"], big["percent"]) == ("20.00", 1, "6.7")
    assert [one["account"] for one in told["unadvised"]] == ["B", "C", "D", ""]
    assert [one["code"] for one in told["unadvised"]] == [None, "nothing-declared", None, None]


def test_tables_say_the_same(folder: Path, tmp_path: Path) -> None:
    """Parquet and CSV have a record an alternative of an account, and one a reason of each that has none."""
    done = [typed(folder, "advise", "-o", str(tmp_path / f"advice.{ending}")) for ending in ("csv", "parquet")]

    assert [one.exit_code for one in done] == [0, 0]
    assert "not advised        4" in done[0].stderr
    with (tmp_path / "advice.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    table = pq.read_table(tmp_path / "advice.parquet").to_pylist()
    assert len(written) == len(table) == 2 * 4 + 4
    assert (table[0]["account"], table[0]["alternative"], table[0]["saving"]) == ("A", "less", Decimal(150))
    for text, value in zip(written, table, strict=True):
        for name, cell in value.items():
            if isinstance(cell, Decimal):
                assert Decimal(text[name]) == cell
            else:
                assert text[name] == ("" if cell is None else str(cell))


def test_an_account_that_is_named_and_gets_nothing_ends_with_1(folder: Path) -> None:
    assert typed(folder, "advise", "--account", "A").exit_code == 0
    assert typed(folder, "advise", "--account", "B").exit_code == 1
    nobody = typed(folder, "advise", "--account", "Z", "--language", "zh")

    assert nobody.exit_code == 1
    assert nobody.stderr.endswith("没有户号 `Z` 的行。\n")


def test_what_cannot_be_asked(folder: Path, tmp_path: Path) -> None:
    unknown = typed(folder, "advise", "--only", "smaller")
    one_page = typed(folder, "advise", "--proposal", str(tmp_path / "all.html"))
    (tmp_path / "there.csv").write_text("mine", encoding="utf-8")
    there = typed(folder, "advise", "-o", str(tmp_path / "there.csv"))

    assert (unknown.exit_code, one_page.exit_code, there.exit_code) == (2, 2, 1)
    assert "`smaller`" in unknown.stderr
    assert "`less`" in unknown.stderr
    assert "--account" in one_page.stderr
    assert (tmp_path / "there.csv").read_text(encoding="utf-8") == "mine"
    assert typed(folder, "advise", "--format", "parquet").exit_code == 2


def test_rows_need_an_account(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS.replace("account", "customer"), encoding="utf-8")

    told = CliRunner().invoke(main, ["advise", str(folder / "rules"), str(tmp_path / "rows.csv")])

    assert told.exit_code == 1
    assert "portfolio-column-missing: there is no column `account`" in told.stderr


def test_plans_are_ranked_with_the_present_one(folder: Path) -> None:
    told = typed(folder, "compare-plans", "--account", "A", "--account", "E", "--language", "zh")

    assert told.exit_code == 0, told.output
    assert "1 cn.test.big 大户套餐 1,400.00 100.00" in lines(told)
    assert "2 cn.test.plain 普通 1,500.00 0.00 现行" in lines(told)
    assert "1 cn.test.plain 普通 60.00 0.00 现行" in lines(told)
    assert "2 cn.test.big 大户套餐 150.00 -90.00" in lines(told)
    assert lines(told)[-3:] == ["收到户数 2", "已比较 2", "未比较 0"]
    data = json.loads(typed(folder, "compare-plans", "--format", "json").stdout)
    assert [(one["rank"], one["present"]) for one in data["accounts"][1]["plans"]] == [(1, True), (2, False)]
    assert (data["received"], data["compared"], data["not_compared"]) == (6, 2, 4)


def test_a_page_each_where_a_folder_is_named(folder: Path, tmp_path: Path) -> None:
    first = typed(folder, "advise", "--proposal", str(tmp_path / "pages"), "--language", "zh")
    again = typed(folder, "advise", "--proposal", str(tmp_path / "pages"))

    assert (first.exit_code, again.exit_code) == (0, 1)
    assert sorted(one.name for one in (tmp_path / "pages").iterdir()) == ["A.html", "E.html"]
    text = (tmp_path / "pages" / "A.html").read_text(encoding="utf-8")
    assert "少用一成" in text
    assert '<data data-figure="saving:less" value="150.00">150.00 元</data>' in text
