"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner, Result

from engine.cli import main
from engine.compiler.schema import json_schema
from tests.bulk.book import HOME, HOME_YAML, SHOP, SHOP_YAML
from tests.bulk.test_carried_run import LADDER
from tests.bulk.test_carried_run import YAML as LADDER_YAML
from tests.documents import ROOT

TESTED = (
    HOME_YAML
    + """
tests:
  - name: 一百度
    vouched_by: {who: worked by hand, from: 100 × 0.5283}
    billing_period: 2026-01
    given: {kwh: 100}
    expect: {energy: 52.83, energy.quantity: 100, energy.price: 0.5283, relief: 0, total: 52.83}
    warnings: []
  - name: 太多
    vouched_by: {who: the rule itself, from: bounds of the input}
    billing_period: 2026-01
    given: {kwh: 100001}
    refused: {code: out-of-bounds, field: kwh}
"""
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `rules` in it, as the current one."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "home.ruleset.yaml").write_text(TESTED, encoding="utf-8")
    (tmp_path / "rules" / "shop.ruleset.yaml").write_text(SHOP_YAML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)
    return tmp_path


def dianjia(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_help_imports_nothing_heavy() -> None:
    """`dianjia --help` answers at once: numpy, pydantic, YAML and pyarrow wait until a command needs them."""
    code = (
        "import sys; from click.testing import CliRunner; from engine.cli import main; "
        "done = CliRunner().invoke(main, ['--help']); assert done.exit_code == 0; "
        "print([m for m in ('numpy', 'pydantic', 'yaml', 'pyarrow', 'rich') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_misuse_ends_with_2(here: Path) -> None:
    assert dianjia("bill").exit_code == 2
    assert dianjia("nonsense").exit_code == 2
    assert dianjia("check", "--format", "xml").exit_code == 2


class TestCheck:
    def test_nothing_wrong(self, here: Path) -> None:
        done = dianjia("check")

        assert (done.exit_code, done.stdout, done.stderr) == (0, "2 rule sets of 2 files: no problem\n", "")

    def test_a_problem_is_shown_with_its_place_and_remedy(self, here: Path) -> None:
        replace(here / "rules" / "home.ruleset.yaml", "{title: 电费, quantity: kwh,", "{title: 电费, quantty: kwh,")

        done = dianjia("check", "rules")

        assert done.exit_code == 1
        assert done.stdout == ""
        lines = done.stderr.splitlines()
        (at,) = (at for at, line in enumerate(lines) if line.startswith("rules/home.ruleset.yaml:16:23: unknown-key: "))
        assert lines[at + 2].strip("| ") == "^^^^^^^"
        assert "Write `quantity`" in lines[at + 3]

    def test_for_a_program(self, here: Path) -> None:
        replace(here / "rules" / "home.ruleset.yaml", "price: 0.5283", "price: 0,5283")

        done = dianjia("check", "--format", "json")

        problems = json.loads(done.stdout)["problems"]
        assert done.exit_code == 1
        assert problems[0]["place"]["file"] == "rules/home.ruleset.yaml"
        assert problems[0]["place"]["line"] == 16
        assert problems[0]["headline_zh"]

    def test_for_a_pull_request(self, here: Path) -> None:
        replace(here / "rules" / "home.ruleset.yaml", "price: 0.5283", "prise: 0.5283")

        done = dianjia("check", "--format", "github")

        assert done.exit_code == 1
        assert "::error file=rules/home.ruleset.yaml,line=16,endLine=16,col=" in done.stdout
        assert ",title=unknown-key::" in done.stdout
        assert "%0A" in done.stdout

    def test_in_chinese(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        replace(here / "rules" / "home.ruleset.yaml", "price: 0.5283", "prise: 0.5283")
        by_option = dianjia("check", "--language", "zh").stderr
        monkeypatch.setenv("DIANJIA_LANGUAGE", "zh")

        by_environment = dianjia("check").stderr

        assert "个问题" in by_option
        assert by_environment == by_option

    def test_a_notice_alone(self) -> None:
        """It is checked, so it is counted."""
        done = dianjia("check", str(ROOT / "rules" / "cn" / "hubei" / "agency_2026-01.notice.yaml"))

        assert done.stdout == "0 rule sets of 1 file: no problem\n"

    def test_a_path_that_is_not_there(self, here: Path) -> None:
        done = dianjia("check", "nowhere")

        assert done.exit_code == 1
        assert "nowhere" in done.stderr

    def test_no_rules_here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Outside a folder with rules, those that came with the engine are read."""
        monkeypatch.chdir(tmp_path)

        assert "rule sets and 26 triggers of" in dianjia("check").stdout


class TestTest:
    def test_all_pass(self, here: Path) -> None:
        done = dianjia("test")

        assert done.exit_code == 0
        assert done.stdout == "2 rule sets, 2 tests, 0 failed\n"
        assert done.stderr == f"{SHOP}: no tests\n"

    def test_one_fails(self, here: Path) -> None:
        """The line that differs, what was expected and what came, under the test's place."""
        replace(here / "rules" / "home.ruleset.yaml", "energy: 52.83,", "energy: 52.84,")

        done = dianjia("test", "rules/home.ruleset.yaml")

        line = (here / "rules" / "home.ruleset.yaml").read_text(encoding="utf-8").splitlines().index(
            "  - name: 一百度"
        ) + 1
        assert done.exit_code == 1
        assert done.stdout == "1 rule set, 2 tests, 1 failed\n"
        assert done.stderr == (
            f"rules/home.ruleset.yaml:{line}:5: test-failed: {HOME}: 一百度\n"
            "  line    expected    got  difference\n"
            "  ------  --------  -----  ----------\n"
            "  energy     52.84  52.83       -0.01\n"
            "\n"
        )

    @pytest.mark.parametrize(
        ("old", "new", "path", "expected", "got"),
        [
            ("total: 52.83}", "totals: 52.83}", "totals", "52.83", "no such line"),
            ("energy.price: 0.5283", "energy.price: 0.5284", "energy.price", "0.5284", "0.5283"),
            ("warnings: []", "warnings: [much]", "warnings", "much", ""),
            ("given: {kwh: 100}", "given: {kwh: 1.005}", "refused", "billed", "too-many-places kwh"),
            ("field: kwh}", "field: zone}", "refused", "out-of-bounds zone", "out-of-bounds kwh"),
            ("given: {kwh: 100001}", "given: {kwh: 5}", "refused", "out-of-bounds kwh", "billed"),
        ],
    )
    def test_what_differs(self, old: str, new: str, path: str, expected: str, got: str, here: Path) -> None:
        replace(here / "rules" / "home.ruleset.yaml", old, new)

        done = dianjia("test", "--format", "json")

        (failed,) = [one for one in json.loads(done.stdout)["results"] if not one["passed"]]
        (difference,) = failed["differences"]
        assert done.exit_code == 1
        assert (difference["path"], difference["expected"]) == (path, expected)
        assert difference["got"].startswith(got)
        assert difference["interpreter"] == "all"

    def test_random_rows(self, here: Path) -> None:
        done = dianjia("test", "--random", "200", "--seed", "3", "--format", "json")

        found = json.loads(done.stdout)["rulesets"]
        assert [one["ruleset"] for one in found] == [HOME, SHOP]
        assert all(one["rows"] == 200 == one["billed"] + sum(one["refused"].values()) for one in found)


class TestBill:
    def test_the_line_that_adds_up(self, here: Path) -> None:
        done = dianjia("bill", HOME, "--period", "2026-01", "--set", "kwh=100", "--set", "low_income=true")

        assert done.exit_code == 0
        assert done.stdout == (
            "cn.test.home  居民\n"
            "2026-01-01..2026-02-01\n"
            "\n"
            "line    title       quantity           price  amount\n"
            "------  --------  ----------  --------------  ------\n"
            "energy  电费      100.00 kWh  0.5283 CNY/kWh   52.83\n"
            "relief  困难补贴                               -5.00\n"
            "total                                    CNY   47.83\n"
        )

    def test_for_a_program(self, here: Path) -> None:
        done = dianjia("bill", HOME, "--period", "2026-01", "--set", "kwh=1000.01", "--format", "json")

        found = json.loads(done.stdout)
        assert len(found.pop("version")) == 16
        assert found == {
            "ruleset": HOME,
            "period": {"from": "2026-01-01", "to": "2026-02-01"},
            "lines": [
                {
                    "charge": "energy",
                    "title": "电费",
                    "amount": "528.31",
                    "part": "",
                    "part_from": "2026-01-01",
                    "part_to": "2026-02-01",
                    "quantity": "1000.01",
                    "unit": "kWh",
                    "price": "0.5283",
                    "ledger": "energy",
                    "money": True,
                }
            ],
            "total": "528.31",
            "ledgers": {"energy": "528.31", "aid": "0.00"},
            "currency": "CNY",
            "warnings": [
                {
                    "warning": "much",
                    "title": "用电多",
                    "level": "amber",
                    "message": "用电 1000.01 千瓦时，north",
                    "causes": [],
                    "action": "",
                }
            ],
        }

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--set", "kwh=1,5"], "Write kwh=15 or kwh=1.5, whichever is meant."),
            (["--set", "kwh=1，500"], "a comma may be a decimal point"),
            (["--set", "kwh=15kWh"], "Write kwh in kWh, without it."),
            (["--set", "kwh"], "is not NAME=VALUE"),
            (["--set", "kwh=1", "--set", "kwh=2"], "`kwh` is given twice"),
            (["--set", "khw=1"], "Did you mean `kwh`?"),
            (["--set", "period_from=2026-01-01"], "reads no input `period_from`"),
        ],
    )
    def test_values_that_are_not_understood(self, arguments: list[str], said: str, here: Path) -> None:
        done = dianjia("bill", HOME, "--period", "2026-01", *arguments)

        assert done.exit_code == 2
        assert said in done.stderr

    @pytest.mark.parametrize("period", ["2026", "2026-13", "2026-01-01", "2026-01-01..2026-02-30", "一月"])
    def test_periods_that_are_not_understood(self, period: str, here: Path) -> None:
        done = dianjia("bill", HOME, "--period", period, "--set", "kwh=1")

        assert done.exit_code == 2
        assert f"`{period}` is no billing period" in done.stderr

    def test_no_period(self, here: Path) -> None:
        assert dianjia("bill", HOME, "--set", "kwh=1").exit_code == 2

    def test_a_rule_set_that_is_not_there(self, here: Path) -> None:
        done = dianjia("bill", "cn.test.hom", "--period", "2026-01", "--set", "kwh=1")

        assert done.exit_code == 2
        assert "Did you mean `cn.test.home`" in done.stderr

    def test_a_row_that_cannot_be_billed(self, here: Path) -> None:
        done = dianjia("bill", HOME, "--period", "2026-01", "--set", "kwh=1.005")

        assert done.exit_code == 1
        assert done.stdout == ""
        assert "too-many-places: `kwh` is 1.005" in done.stderr

    def test_days_from_and_to(self, here: Path) -> None:
        done = dianjia("bill", HOME, "--period", "2026-01-15..2026-02-15", "--set", "kwh=1", "--format", "json")

        assert json.loads(done.stdout)["period"] == {"from": "2026-01-15", "to": "2026-02-15"}

    def test_json_numbers_are_not_read_as_floats(self, here: Path) -> None:
        """As a binary fraction, 0.1 + 0.2 would be refused and 1.10 would lose nothing; text keeps both as written."""
        (here / "rows.json").write_text('[{"kwh": 1.10, "low_income": true, "period": "2026-01"}, {"kwh": 1e1}]')

        done = dianjia("bill", HOME, "--input", "rows.json", "--period", "2026-01", "--format", "json")

        first, second = json.loads(done.stdout)
        assert done.exit_code == 1
        assert first["total"] == "-4.42"  # 0.58 - 5.00
        assert (second["refused"]["code"], second["refused"]["value"]) == ("not-a-number", "1e1")

    @pytest.mark.parametrize("text", ["{", "[]", "[1]", '{"kwh": [1]}'])
    def test_json_of_another_shape(self, text: str, here: Path) -> None:
        (here / "rows.json").write_text(text)

        done = dianjia("bill", HOME, "--input", "rows.json", "--period", "2026-01")

        assert done.exit_code == 1
        assert done.stderr.startswith("rows.json: json-")

    def test_rows_of_a_portfolio(self, here: Path) -> None:
        write_portfolio(here)

        every = dianjia("bill", HOME, "--input", "rows.parquet", "--format", "json")
        one = dianjia("bill", HOME, "--input", "rows.parquet", "--row", "b", "--format", "json")
        none = dianjia("bill", HOME, "--input", "rows.parquet", "--row", "z")

        assert [bill["row_id"] for bill in json.loads(every.stdout)] == ["a", "b"]
        assert [bill["total"] for bill in json.loads(one.stdout)] == ["6.52"]
        assert none.exit_code == 1
        assert "has no row `z`" in none.stderr


def write_portfolio(folder: Path) -> None:
    rows = {
        "row_id": ["a", "b", "c", "a"],
        "ruleset": [HOME, HOME, SHOP, SHOP],
        "period_from": [date(2026, 1, 1)] * 4,
        "period_to": [date(2026, 2, 1)] * 4,
        "kwh": [Decimal("100.00"), Decimal("12.34"), Decimal("5.00"), Decimal("1.00")],
    }
    pq.write_table(pa.table(rows), folder / "rows.parquet")


class TestExplain:
    def test_the_working_of_a_line(self, here: Path) -> None:
        done = dianjia("explain", HOME, "--period", "2026-01", "--set", "kwh=41.55")

        assert done.exit_code == 0
        assert "21.950865" in done.stdout  # 41.55 × 0.5283, before rounding
        assert "21.95" in done.stdout
        assert "rules/home.ruleset.yaml:16:" in done.stdout

    def test_for_a_program(self, here: Path) -> None:
        done = dianjia("explain", HOME, "--period", "2026-01", "--set", "kwh=41.55", "--format", "json")

        found = json.loads(done.stdout)
        assert found["total"] == "21.95"
        assert found["lines"][0]["before_rounding"] == "21.950865"

    def test_what_the_row_does_not_give_has_no_value(self) -> None:
        """Absence never means zero, so the working of a plain meter does not say `kwh_peak = 0.00`."""
        rules = ["--rules", str(ROOT / "rules" / "cn" / "jiangsu")]
        given = ["--set", "kwh_total=100", "--set", "kwh_year_before=0", "--format", "json"]

        done = dianjia("explain", "cn.jiangsu.residential", *rules, "--period", "2026-01", *given)

        (first, *_) = json.loads(done.stdout)["lines"]
        named = {one["name"]: one["value"] for one in first["names"]}
        assert (named["kwh"], named["kwh_year_before"]) == ("100.00", "0.00")
        assert "kwh_peak" not in named

    def test_in_chinese(self, here: Path) -> None:
        done = dianjia("explain", HOME, "--period", "2026-01", "--set", "kwh=41.55", "--language", "zh")

        assert "账单" in done.stdout


class TestRun:
    def test_a_portfolio(self, here: Path) -> None:
        write_portfolio(here)

        done = dianjia("run", "--rules", "rules", "--input", "rows.parquet", "--output", "out", "--format", "json")

        summary = json.loads(done.stdout)
        assert done.exit_code == 0
        assert (summary["rows"], summary["billed"], summary["refused"]["by_code"]) == (4, 3, {"duplicate-row": 1})
        assert [one["total"] for one in summary["rulesets"]] == ["59.35", "5.00"]
        assert sorted(path.name for path in (here / "out").iterdir()) == [
            "_run",
            "bills",
            "lines",
            "refused",
            "summary.json",
            "warnings",
        ]
        assert sorted(path.relative_to(here / "out").as_posix() for path in (here / "out").rglob("*.parquet")) == [
            "bills/00000.parquet",
            f"lines/{HOME}/00000.parquet",
            f"lines/{SHOP}/00000.parquet",
            "refused/00000.parquet",
            "warnings/00000.parquet",
        ]

    def test_as_text(self, here: Path) -> None:
        write_portfolio(here)

        done = dianjia("run", "--input", "rows.parquet", "--output", "out")

        (run, *counts) = [line.split() for line in done.stdout.splitlines()[:4]]
        assert run == ["run", done.stderr.strip()]
        assert counts == [["received", "4"], ["billed", "3"], ["refused", "1"]]
        assert "duplicate-row" in done.stdout
        assert done.stdout.endswith("\nout\n")

    def test_what_is_wrong_with_a_file(self, here: Path) -> None:
        (here / "rows.csv").write_text("row_id,kwh\n")

        english = dianjia("run", "--input", "rows.csv", "--output", "out")
        chinese = dianjia("run", "--input", "rows.csv", "--output", "out", "--language", "zh")

        assert english.exit_code == 1
        assert english.stderr.startswith("rows.csv: portfolio-column-missing: there is no column `ruleset`")
        assert chinese.stderr.startswith("rows.csv: portfolio-column-missing: 没有列 `ruleset`")
        assert not (here / "out").exists()

    def test_results_are_there_already(self, here: Path) -> None:
        write_portfolio(here)
        arguments = ["run", "--input", "rows.parquet", "--output", "out"]
        dianjia(*arguments)

        again = dianjia(*arguments)
        over = dianjia(*arguments, "--overwrite", "--format-out", "csv", "--details", "--threads", "1")

        assert again.exit_code == 1
        assert "output-not-empty" in again.stderr
        assert over.exit_code == 0
        assert (here / "out" / "bills" / "00000.csv").exists()
        assert not (here / "out" / "bills" / "00000.parquet").exists()


class TestListAndDue:
    def test_list(self, here: Path) -> None:
        done = dianjia("list")

        assert done.stdout == (
            "place    class  rule set      days in force                 standing  title\n"
            "-------  -----  ------------  ----------------------------  --------  -----\n"
            "cn.test  home   cn.test.home  2026-01-01 .. until replaced  example   居民\n"
            "cn.test  shop   cn.test.shop  2026-01-01 .. until replaced  example   商业\n"
        )

    def test_list_for_a_program(self, here: Path) -> None:
        done = dianjia("list", "--format", "json")

        assert [one["ruleset"] for one in json.loads(done.stdout)] == [HOME, SHOP]

    def test_nothing_is_due(self, here: Path) -> None:
        done = dianjia("due", "--on", "2026-01-01")

        assert (done.exit_code, done.stdout) == (0, "nothing ends by 2026-01-21 without a successor\n")

    @pytest.mark.parametrize(
        ("day", "code"), [("2026-06-10", 0), ("2026-06-11", 1), ("2026-06-30", 1), ("2027-01-01", 1)]
    )
    def test_a_rule_set_that_ends(self, day: str, code: int, here: Path) -> None:
        """The last day is 30 June: 20 days before 1 July, the first day without a price, is 11 June."""
        replace(here / "rules" / "shop.ruleset.yaml", "until_replaced: true", "through: 2026-06-30")

        done = dianjia("due", "--within", "20d", "--on", day, "--format", "json")

        assert done.exit_code == code
        assert [(one["ruleset"], one["through"]) for one in json.loads(done.stdout)] == [(SHOP, "2026-06-30")] * code

    @pytest.mark.parametrize("arguments", [["--within", "soon"], ["--on", "tomorrow"]])
    def test_days_that_are_not_understood(self, arguments: list[str], here: Path) -> None:
        assert dianjia("due", *arguments).exit_code == 2


class _PlainDays(yaml.SafeLoader):
    """Leaves days, and `on`, `off`, `yes`, `no`, as text, as the rule language and the YAML of editors (1.2) do."""


_PlainDays.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:timestamp" and not (tag == "tag:yaml.org,2002:bool" and first in "yYnNoO")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _validator() -> Any:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


class TestSchema:
    def test_the_committed_one_is_current(self) -> None:
        """`make schema` writes it again."""
        assert json.loads((ROOT / "rules" / "schema.json").read_text(encoding="utf-8")) == json_schema()

    @pytest.mark.parametrize("file", sorted((ROOT / "rules").rglob("*.yaml")), ids=lambda file: file.stem)
    def test_shipped_rules_conform(self, file: Path) -> None:
        document = yaml.load(file.read_text(encoding="utf-8"), _PlainDays)  # noqa: S506 - a safe loader with less

        assert [error.message for error in _validator().iter_errors(document)] == []

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("quantity: kwh,", "quantty: kwh,"),
            ("kind: formula", "kind: formular"),
            ("version_by: period_from", "version_by: whenever"),
            ("level: amber", "level: orange"),
            ("standing: example", "standing: heard"),
            ("places: 2", "places: two"),
        ],
    )
    def test_an_editor_marks_slips(self, old: str, new: str) -> None:
        assert old in HOME_YAML
        document = yaml.load(HOME_YAML.replace(old, new), _PlainDays)  # noqa: S506 - a safe loader with less

        assert list(_validator().iter_errors(document)) != []

    def test_a_charge_of_a_kind_has_the_keys_of_that_kind(self) -> None:
        document = yaml.load(HOME_YAML, _PlainDays)  # noqa: S506 - a safe loader with less
        document["charges"]["energy"] = {"kind": "tiered", "quantity": "kwh", "tiers": [{"price": 1}]}

        (error,) = _validator().iter_errors(document)

        assert "'over' is a required property" in error.message


@pytest.mark.parametrize(
    ("arguments", "english", "chinese"),
    [
        (["bill", HOME], "a bill needs its billing period", "账单需要计费周期"),
        (["bill", HOME, "--period", "2026-13"], "is no billing period", "不是计费周期"),
        (["bill", "home", "--period", "2026-01"], "Did you mean", "是否指"),
        (["bill", HOME, "--period", "2026-01", "--set", "kwk=1"], "reads no input `kwk`", "没有输入 `kwk`"),
        (["bill", HOME, "--period", "2026-01", "--set", "kwh=1,5"], "a comma may be", "逗号可能是"),
        (["bill", HOME, "--input", "none.json"], "cannot be read", "文件读不出"),
        (["due", "--within", "soon"], "is no number of days", "不是天数"),
    ],
)
def test_what_was_typed_wrong_is_said_in_both_languages(
    arguments: list[str], english: str, chinese: str, here: Path
) -> None:
    plain = dianjia(*arguments)
    in_chinese = dianjia("--language", "zh", *arguments)

    assert english in plain.stderr
    assert chinese in in_chinese.stderr
    assert plain.exit_code == in_chinese.exit_code > 0


def test_a_broken_rule_set_does_not_stop_the_bills_of_another(here: Path) -> None:
    """It is mentioned; its own bills, and a file that two claim, do stop."""
    arguments = ["bill", HOME, "--period", "2026-01", "--set", "kwh=100", "--format", "json"]
    replace(here / "rules" / "shop.ruleset.yaml", "price:", "prise:")

    mentioned = dianjia(*arguments)
    own = dianjia("bill", SHOP, *arguments[2:])
    (here / "rules" / "copy.ruleset.yaml").write_text(TESTED, encoding="utf-8")
    twice = dianjia(*arguments)

    assert json.loads(mentioned.stdout)["total"] == "52.83"
    assert "in other rules; `dianjia check` shows what is wrong" in mentioned.stderr
    assert (own.exit_code, own.stdout) == (1, "")
    assert "unknown-key: `prise`" in own.stderr
    assert (twice.exit_code, twice.stdout) == (1, "")
    assert "document-twice" in twice.stderr


def test_a_run_that_is_stopped(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C says what stays, and how to go on from there."""
    write_portfolio(here)

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("engine.runs.engines.local.LocalEngine.submit", stopped)
        done = dianjia("run", "--input", "rows.parquet", "--output", "out")
    (run, said) = done.stderr.splitlines()
    on = dianjia("runs", "resume", run, "--format", "json")

    assert done.exit_code == 130
    assert said == (
        "stopped; what is done stays. `dianjia runs list` shows the run, `dianjia runs resume RUN` goes on."
    )
    assert (on.exit_code, json.loads(on.stdout)["billed"]) == (0, 3)


def test_the_installed_command(here: Path) -> None:
    """The script itself, as a user calls it: exit code, output and errors apart."""
    command = Path(sys.executable).parent / "dianjia"

    good = subprocess.run([command, "check"], capture_output=True, text=True, check=False)
    bad = subprocess.run([command, "check", "nowhere"], capture_output=True, text=True, check=False)

    assert (good.returncode, good.stderr) == (0, "")
    assert (bad.returncode, bad.stdout) == (1, "")


def test_demo(here: Path) -> None:
    """A small portfolio over the shipped rules: what is planted is what is refused, and one bill is explained."""
    rules = str(ROOT / "rules")

    only = dianjia("demo", "--rows", "2000", "--portfolio-only", "p.parquet", "--format", "json")
    done = dianjia("demo", "--rows", "2000", "--rules", rules)

    assert json.loads(only.stdout)["rows"] == 2000
    assert pq.read_metadata("p.parquet").num_rows == 2000
    assert done.exit_code == 0
    assert ["received", "2,000"] in [line.split() for line in done.stdout.splitlines()]
    assert "dianjia explain cn." in done.stdout
    assert "Working" in done.stdout
    assert re.fullmatch(r"run-\d{8}-\d{6}-[0-9a-f]{4}\n", done.stderr)


def test_demo_with_other_rules(here: Path) -> None:
    """Rules that the portfolio was not made for refuse other rows than the planted ones; that is said, and no fault."""
    done = dianjia("demo", "--rows", "400", "--rules", str(ROOT / "rules" / "cn" / "jiangsu"))

    assert done.exit_code == 0
    assert "10 rows were planted, " in done.stderr
    assert "these rules differ from the shipped ones" in done.stderr


LISTS = """\
ruleset: cn.test.plant
title: 工厂
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
changes: split
calendar:
  timezone: Asia/Shanghai
  seasons: {warm: "months 6-9", cold: "months 1-5, 10-12"}
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000, split: by_days}
lists:
  transformers:
    at_most: 3
    inputs:
      kva: {unit: kVA, places: 0, from: 0, to: 5000}
      spare: {type: boolean, default: false}
quantities:
  capacity: "sum(0[kVA] if transformers.spare else transformers.kva)"
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: "0.5[CNY/kWh] if season == warm else 0.6[CNY/kWh]"}
  basic: {title: 基本电费, quantity: capacity, price: 2.00, per: bill}
refuse:
  no_transformer: {when: "count(transformers) == 0", message: 没有变压器, field: transformers}

tests:
  - name: 跨季
    vouched_by: {who: worked by hand, from: 31 × 0.6 + 30 × 0.5 + 1000 × 2}
    billing_period: {from: 2026-05-01, to: 2026-07-01}
    given:
      kwh: 61
      transformers: [{kva: 1000}, {kva: 630, spare: true}]
    expect:
      energy: 33.60
      energy@1: 18.60
      energy.quantity@2: 30.00
      energy.price@1: 0.6
      capacity: 1000
      basic: 2000.00
      total: 2033.60
"""
UNITS = '[{"kva": 1000}, {"kva": "630", "spare": true}]'


class TestListsAndParts:
    """Lists on the command line and in files; a bill in two parts. 31 × 0.6 + 30 × 0.5 + 1000 × 2."""

    @pytest.fixture
    def plant(self, here: Path) -> Path:
        (here / "rules" / "plant.ruleset.yaml").write_text(LISTS, encoding="utf-8")
        return here

    def arguments(self) -> list[str]:
        period = ["--period", "2026-05-01..2026-07-01"]
        return ["bill", "cn.test.plant", *period, "--set", "kwh=61", "--set", f"transformers={UNITS}"]

    def test_a_bill_is_grouped_by_its_parts(self, plant: Path) -> None:
        done = dianjia(*self.arguments())

        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout == (
            "cn.test.plant  工厂\n"
            "2026-05-01..2026-07-01\n"
            "\n"
            "line    title                    quantity         price   amount\n"
            "------  ----------------------  ---------  ------------  -------\n"
            "part 1  2026-05-01..2026-06-01\n"
            "energy  电费                    31.00 kWh   0.6 CNY/kWh    18.60\n"
            "part 2  2026-06-01..2026-07-01\n"
            "energy  电费                    30.00 kWh   0.5 CNY/kWh    15.00\n"
            "basic   基本电费                 1000 kVA  2.00 CNY/kVA  2000.00\n"
            "total                                               CNY  2033.60\n"
        )

    def test_in_chinese(self, plant: Path) -> None:
        done = dianjia(*self.arguments(), "--language", "zh")

        assert "分段 1  2026-05-01..2026-06-01" in done.stdout
        assert "合计" in done.stdout

    def test_for_a_program(self, plant: Path) -> None:
        lines = json.loads(dianjia(*self.arguments(), "--format", "json").stdout)["lines"]

        assert [(one["charge"], one["part"], one["part_from"], one["part_to"], one["amount"]) for one in lines] == [
            ("energy", "1", "2026-05-01", "2026-06-01", "18.60"),
            ("energy", "2", "2026-06-01", "2026-07-01", "15.00"),
            ("basic", "2", "2026-06-01", "2026-07-01", "2000.00"),
        ]

    @pytest.mark.parametrize(
        "units", [UNITS, '{"kva": [1000, 630], "spare": [null, true]}', '[{"kva": 1000}, {"kva": 630.0, "spare": "1"}]']
    )
    def test_a_file_of_json(self, units: str, plant: Path) -> None:
        row = f'{{"period_from": "2026-05-01", "period_to": "2026-07-01", "kwh": 61, "transformers": {units}}}'
        (plant / "row.json").write_text(row, encoding="utf-8")

        done = dianjia("bill", "cn.test.plant", "--input", "row.json", "--format", "json")

        assert [one["total"] for one in json.loads(done.stdout)] == ["2033.60"]

    def test_a_list_that_is_none(self, plant: Path) -> None:
        done = dianjia("bill", "cn.test.plant", "--period", "2026-05", "--set", "kwh=61", "--set", "transformers=1000")

        assert done.exit_code == 2
        assert done.stderr.startswith("dianjia: --set: `transformers=1000` is no list.\n  Write it as JSON")

    def test_a_refusal_shows_the_line_of_the_rule(self, plant: Path) -> None:
        done = dianjia("bill", "cn.test.plant", "--period", "2026-05", "--set", "kwh=61", "--set", "transformers=[]")

        assert done.exit_code == 1
        assert set(done.stderr.splitlines()[2].removeprefix("      | ")) == {" ", "^"}
        assert done.stderr.splitlines() == [
            "rules/plant.ruleset.yaml:25:19: refused-by-rule: 没有变压器",
            '   25 |   no_transformer: {when: "count(transformers) == 0", message: 没有变压器, field: transformers}',
            done.stderr.splitlines()[2],
            "  The rule set refuses such rows (`transformers`).",
        ]

    def test_the_rule_set_tests_itself(self, plant: Path) -> None:
        """A list in `given`; `energy@1` is the first part's, `energy` the sum, `capacity` a named quantity."""
        done = dianjia("test", "rules")

        assert (done.exit_code, done.stdout) == (0, "3 rule sets, 3 tests, 0 failed\n")

    @pytest.mark.parametrize(
        ("old", "new", "got"),
        [
            ("energy: 33.60", "energy: 33.61", "33.60"),
            ("energy@1: 18.60", "energy@1: 18.61", "18.60"),
            ("capacity: 1000", "capacity: 1001", "1000"),
            ("energy.price@1: 0.6", "energy.price@3: 0.6", "no such line"),
        ],
    )
    def test_what_a_test_of_parts_gets(self, old: str, new: str, got: str, plant: Path) -> None:
        replace(plant / "rules" / "plant.ruleset.yaml", old, new)

        done = dianjia("test", "--format", "json")

        (failed,) = [one for one in json.loads(done.stdout)["results"] if not one["passed"]]
        assert [(one["got"], one["interpreter"]) for one in failed["differences"]] == [(got, "all")]

    def test_explain(self, plant: Path) -> None:
        done = dianjia("explain", *self.arguments()[1:])

        assert done.exit_code == 0
        assert "2033.60" in done.stdout.replace(",", "")


def test_a_row_that_gives_another_rule_set_its_input(here: Path) -> None:
    """`bill` refuses what `run` refuses, and `--pass` lets it by in both."""
    table = {"row_id": ["a"], "ruleset": [HOME], "kwh": ["1"], "kvarh": [7]}
    days = {"period_from": [date(2026, 1, 1)], "period_to": [date(2026, 2, 1)]}
    pq.write_table(pa.table(table | days), here / "rows.parquet")

    refused = dianjia("bill", HOME, "--input", "rows.parquet")
    passed = dianjia("bill", HOME, "--input", "rows.parquet", "--pass", "kvarh")

    assert refused.exit_code == 1
    assert refused.stderr == (
        "a: unknown-column: the rule set reads no column `kvarh`.\n"
        "  Columns that it reads: `kwh`, `low_income`, `moved_in`, `zone`.\n"
    )
    assert passed.exit_code == 0


def test_a_rule_set_of_several_versions_is_named_by_its_id(here: Path) -> None:
    replace(here / "rules" / "home.ruleset.yaml", "until_replaced: true", "through: 2026-05-31")
    later = HOME_YAML.replace("from: 2026-01-01", "from: 2026-06-01").replace("price: 0.5283", "price: 0.6000")
    (here / "rules" / "later.ruleset.yaml").write_text(later, encoding="utf-8")

    totals = [
        json.loads(dianjia("bill", HOME, "--period", month, "--set", "kwh=100", "--format", "json").stdout)["total"]
        for month in ("2026-05", "2026-06")
    ]
    listed = json.loads(dianjia("list", "--format", "json").stdout)
    due = dianjia("due", "--on", "2026-05-20", "--within", "30d")

    assert totals == ["52.83", "60.00"]
    assert [(one["ruleset"], one["in_force"]["from"]) for one in listed] == [
        (HOME, "2026-01-01"),
        (HOME, "2026-06-01"),
        (SHOP, "2026-01-01"),
    ]
    assert due.exit_code == 0


def test_overlapping_rows_are_a_warning(here: Path) -> None:
    table = {"row_id": ["a", "b"], "account": ["7", "7"], "ruleset": [HOME, HOME], "kwh": ["1", "1"]}
    days = {"period_from": [date(2026, 1, 1)] * 2, "period_to": [date(2026, 2, 1)] * 2}
    pq.write_table(pa.table(table | days), here / "rows.parquet")

    done = dianjia("run", "--input", "rows.parquet", "--output", "out")

    assert done.exit_code == 0
    assert "1 billed rows overlap another row of their account and rule set:\n" in done.stdout
    assert "7        cn.test.home  b    2026-01-01..2026-02-01  a         2026-01-01..2026-02-01\n" in done.stdout


def test_a_row_that_carries_is_explained_as_the_run_billed_it(here: Path) -> None:
    """A value after --set stands in place of what cannot be carried."""
    (here / "rules" / "ladder.ruleset.yaml").write_text(LADDER_YAML, encoding="utf-8")
    lines = ["row_id,account,ruleset,period_from,period_to,kwh,kwh_year_before"]
    lines += [f"{at},a,cn.test.ladder,2026-0{at}-01,2026-0{at + 1}-01,{kwh}," for at, kwh in ((1, 600), (2, 600))]
    lines += ["4,a,cn.test.ladder,2026-04-01,2026-05-01,600,"]
    (here / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    explained = dianjia("explain", LADDER, "--input", "rows.csv", "--row", "2", "--format", "json")
    gap = dianjia("bill", LADDER, "--input", "rows.csv", "--row", "4")
    told = dianjia("bill", LADDER, "--input", "rows.csv", "--row", "4", "--set", "kwh_year_before=2000")

    (made,) = json.loads(explained.stdout)
    assert {one["name"]: one["value"] for one in made["inputs"]}["kwh_year_before"] == "600.00"
    assert made["total"] == "320.00"  # 600 × 0.50 and 200 × 0.10
    assert (gap.exit_code, "carried-gap" in gap.stderr) == (1, True)
    assert "total" in told.stdout
    assert "460.00" in told.stdout  # 300.00 and 1600 × 0.10
