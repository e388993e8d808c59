"""Tariff notices: what an activation changes is kept with it, once or not at all; a withdrawal takes it back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.comparison.problems import ComparisonProblem
from engine.compiler.book import RateBook
from engine.language.problems import ProblemsFound, problem
from engine.notices.announcing import Announcer
from engine.registry.database import Database
from engine.registry.instants import microseconds
from engine.registry.registry import Registry
from engine.warnings.kept import after, announce
from engine.warnings.warning import Wanted, WarningRecord
from tests.registry.books import HOUR, NOON, build_in_process, home
from tests.registry.office import Office, codes

HOME, SHOP = "cn.test.home", "cn.test.shop"


class Desk:
    """Who activates, and what customers are told."""

    def __init__(self, office: Office, url: str) -> None:
        self.office, self.registry = office, office.registry
        self.database = Database(url)
        self.announcer = Announcer(self.registry, self.book)

    def book(self, version: str) -> RateBook:
        return build_in_process(self.registry.files(version)).book

    def approved(self, price: str, **more: bytes) -> str:
        return self.office.approved(price, **more).version

    def activate(self, version: str, request: str = "", **more: Any) -> None:
        options: dict[str, Any] = {"active_from": None} | more
        self.announcer.activate(
            version, who="Wang", why="notice 7", request_id=request or self.office.request(), **options
        )

    def withdraw(self, version: str, to: str) -> None:
        self.announcer.withdraw(version, who="Wang", reason="录入错误", return_to=to, request_id=self.office.request())

    def notices(self) -> list[WarningRecord]:
        with self.database.reading() as connection:
            return after(connection, 0, 100, Wanted())


def numbers(notice: WarningRecord) -> tuple[str, ...]:
    """The old price and the new one, without unit and day."""
    return tuple(notice.values[f"energy.price.{side}"].split()[0] for side in ("old", "new"))


@pytest.fixture
def desk(office: Office, database_url: str) -> Iterator[Desk]:
    found = Desk(office, database_url)
    yield found
    found.database.close()


@pytest.fixture
def two(desk: Desk) -> tuple[str, str]:
    """A version that answers, and one with another price that is approved."""
    old, new = desk.approved("0.50"), desk.approved("0.60")
    desk.activate(old)
    return old, new


def test_the_first_version_changes_nothing(desk: Desk) -> None:
    desk.activate(desk.approved("0.50"))

    assert desk.notices() == []


def test_a_rule_set_that_changes_has_one_notice_with_both_numbers(desk: Desk, two: tuple[str, str]) -> None:
    """Beside it stands a rule set that stays as it was, of which nobody is told."""
    old = desk.approved("0.50", shop=home("0.90", id_=SHOP))
    new = desk.approved("0.60", shop=home("0.90", id_=SHOP))
    desk.activate(old)
    desk.activate(new, active_from=NOON + HOUR)

    *_, notice = desk.notices()

    assert [SHOP, HOME] == [one.ruleset for one in desk.notices()]  # the first activation added the shop
    assert ("tariff_notice", "", "raised", "", "customer", "info") == (
        notice.kind,
        notice.trigger,
        notice.state,
        notice.account,
        notice.recipient,
        notice.level,
    )
    assert ("cn.test", "home.ruleset.yaml:1") == (notice.region, notice.place)
    told = {
        "version": new,
        "version_before": old,
        "active_from": "2026-03-01T13:00:00Z",
        "customer_class": "home",
        "changes": "1",
        "first_day": "2026-01-01",
        "last_day": "",
        "energy.price.old": "0.50 CNY/kWh (2026-01-01)",
        "energy.price.new": "0.60 CNY/kWh (2026-01-01)",
    }
    assert told == {name: text for name, text in notice.values.items() if not name.endswith("_en")}
    assert ("电价调整：居民", "tariff change: 居民") == (notice.title, notice.values["title_en"])
    assert ["居民有 1 处变化，新版本自 2026-03-01T13:00:00Z 起答复。", *notice.causes] == notice.message.split("\n")
    line = "energy.price：0.50 CNY/kWh (2026-01-01) → 0.60 CNY/kWh (2026-01-01)（自 2026-01-01 起）；made up for a test"
    assert (line,) == notice.causes
    assert notice.values["message_en"].split("\n")[1] == (
        "energy.price: 0.50 CNY/kWh (2026-01-01) → 0.60 CNY/kWh (2026-01-01) (from 2026-01-01); made up for a test"
    )


def test_its_id_is_made_of_what_it_says(desk: Desk, two: tuple[str, str]) -> None:
    """Row 5 of the trail: two publications and approvals, one activation before it... and this one, the sixth."""
    desk.activate(two[1])

    (notice,) = desk.notices()

    assert "history:6" == notice.event
    assert microseconds(NOON) == notice.at == notice.recorded_at
    told = json.dumps([HOME, "raised", "", [], microseconds(NOON), "history:6"], separators=(",", ":"))
    assert hashlib.sha256(told.encode()).hexdigest()[:32] == notice.id


def test_a_request_that_is_repeated_adds_nothing(desk: Desk, two: tuple[str, str]) -> None:
    for _ in range(2):
        desk.activate(two[1], "the same request")

    assert [1] == [one.seq for one in desk.notices()]


def test_a_step_that_is_refused_tells_nobody(desk: Desk, two: tuple[str, str]) -> None:
    raw = desk.office.publish("0.70").version

    assert ["not-approved"] == codes(lambda: desk.activate(raw))
    assert ["unknown-version"] == codes(lambda: desk.activate("f" * 64))
    assert ["instant-past"] == codes(lambda: desk.activate(two[1], active_from=NOON - HOUR))
    assert [] == desk.notices()


def test_what_ends_between_the_step_and_its_notices_leaves_neither(
    desk: Desk, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are of one transaction: whoever sees the one sees the other. The step can be taken again."""

    def ends(*told: Any) -> int:
        announce(*told)
        raise MemoryError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr("engine.notices.announcing.announce", ends)
        with pytest.raises(MemoryError):
            desk.activate(two[1], "request")
    between = desk.registry.answering(None), desk.notices()
    desk.activate(two[1], "request")

    assert (two[0], []) == between
    assert two[1] == desk.registry.answering(None)
    assert 1 == len(desk.notices())


def test_a_step_that_comes_between_is_seen(desk: Desk, two: tuple[str, str]) -> None:
    """What was computed against the version before it is computed again: old numbers are those that held last."""
    other = desk.approved("0.55")
    between = iter([other])

    def book(version: str) -> RateBook:
        for one in between:
            desk.office.registry.activate(one, who="Li", why="", active_from=None, request_id="between")
        return desk.book(version)

    desk.announcer = Announcer(desk.registry, book)
    desk.activate(two[1])

    (notice,) = desk.notices()
    assert ("0.55", "0.60") == numbers(notice)


def test_rules_that_this_release_does_not_compile_are_activated_all_the_same(desk: Desk, two: tuple[str, str]) -> None:
    def book(version: str) -> RateBook:
        raise ProblemsFound([problem("compile-too-long", None, None, seconds=120)])

    desk.announcer = Announcer(desk.registry, book)
    desk.activate(two[1])

    (notice,) = desk.notices()
    assert ("", "compile-too-long") == (notice.ruleset, notice.values["not_told"])
    assert two[1] == desk.registry.answering(None)


def test_a_withdrawn_version_is_said_to_be(desk: Desk, two: tuple[str, str]) -> None:
    old, new = two
    desk.activate(new)
    desk.withdraw(new, old)

    _, notice = desk.notices()

    assert ("yellow", HOME, "电价调整撤回：居民") == (notice.level, notice.ruleset, notice.title)
    assert (new, old, "录入错误", "true") == tuple(
        notice.values[name] for name in ("version", "returns_to", "reason", "withdrawn")
    )
    assert ("0.60", "0.50") == numbers(notice)
    assert "居民此前通知的调整已撤回：录入错误。现按下列恢复：" == notice.message.split("\n")[0]


def test_a_version_that_nobody_was_told_of_is_withdrawn_in_silence(desk: Desk, two: tuple[str, str]) -> None:
    desk.withdraw(two[1], two[0])

    assert [] == desk.notices()


def compared(desk: Desk, old: str, new: str, folder: Path, bills: list[tuple[str | None, str, str, str, str]]) -> Path:
    """A folder as `dianjia compare` writes it: bills by account, rule set, currency, old and new total."""
    told = {"old": desk.book(old).hash, "new": desk.book(new).hash, "partial": None, "files": {"bills": len(bills)}}
    (folder / "bills").mkdir(parents=True)
    (folder / "comparison.json").write_text(json.dumps(told))
    money = pa.decimal128(19, 2)

    def amounts(at: int, less: int | None = None) -> pa.Array:
        of = [Decimal(one[at] or 0) - (0 if less is None else Decimal(one[less] or 0)) for one in bills]
        return pa.array(of, money)

    table = pa.table(
        {
            "row_id": pa.array(range(len(bills))),
            "account": pa.array([one[0] for one in bills], pa.string()),
            "ruleset": pa.array([one[1] for one in bills]).dictionary_encode(),
            "period_from": pa.array(["2026-01-01"] * len(bills)).cast(pa.date32()),
            "period_to": pa.array(["2026-02-01"] * len(bills)).cast(pa.date32()),
            "old": amounts(3),
            "new": amounts(4),
            "difference": amounts(4, 3),
            "currency": pa.array([one[2] for one in bills]).dictionary_encode(),
        }
    )
    pq.write_table(table, folder / "bills" / "00000.parquet")
    return folder


BILLS: list[tuple[str | None, str, str, str, str]] = [
    ("7", HOME, "CNY", "50.00", "60.00"),
    ("8", HOME, "CNY", "10.10", "9.05"),
    ("7", SHOP, "CNY", "0.05", "0.10"),
    ("", HOME, "CNY", "1.00", "2.00"),
    (None, HOME, "CNY", "1.00", "2.00"),
]


def test_an_account_is_told_what_its_bills_come_to(desk: Desk, two: tuple[str, str], tmp_path: Path) -> None:
    """Account 7: 50.00 + 0.05 -> 60.00 + 0.10; account 8: 10.10 -> 9.05; the bills without an account are nobody's."""
    folder = compared(desk, *two, tmp_path / "compared", BILLS)

    desk.activate(two[1], comparison=folder)

    _, seven, eight = desk.notices()
    names = ("old", "new", "difference", "currency", "bills")
    assert ("7", ["50.05", "60.10", "10.05", "CNY", "2"]) == (seven.account, [seven.values[one] for one in names])
    assert ("8", ["10.10", "9.05", "-1.05", "CNY", "1"]) == (eight.account, [eight.values[one] for one in names])
    assert ("", HOME) == (seven.ruleset, eight.ruleset)
    assert "cn.test" == eight.region
    assert {"currency": "CNY"} == eight.keys
    assert (
        "按新规则计算，2026-01-01 .. 2026-02-01 的 1 张账单共 9.05 CNY，原为 10.10 CNY，相差 -1.05 CNY。"
        == eight.message
    )


def test_accounts_that_were_told_hear_of_the_withdrawal(desk: Desk, two: tuple[str, str], tmp_path: Path) -> None:
    desk.activate(two[1], comparison=compared(desk, *two, tmp_path / "compared", BILLS))
    desk.withdraw(two[1], two[0])

    *_, seven, eight = desk.notices()

    assert ("7", "8", "yellow") == (seven.account, eight.account, eight.level)
    assert "此前通知的账单变化（10.10 → 9.05 CNY）已撤回：录入错误。" == eight.message
    assert 6 == len({one.id for one in desk.notices()})


def test_a_comparison_of_other_versions_is_refused_and_nothing_is_activated(
    desk: Desk, two: tuple[str, str], tmp_path: Path
) -> None:
    old, new = two
    other = compared(desk, new, old, tmp_path / "turned", BILLS)
    (tmp_path / "empty").mkdir()

    found = []
    for folder in (other, tmp_path / "empty"):
        with pytest.raises(ComparisonProblem) as told:
            desk.activate(new, comparison=folder)
        found.append(told.value.code)

    assert ["notice-books", "notice-comparison"] == found
    assert old == desk.registry.answering(None)


def test_where_nothing_answers_there_is_nothing_to_compare_with(registry: Registry, desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(ComparisonProblem) as told:
        desk.activate(desk.approved("0.50"), comparison=tmp_path)

    assert "notice-first" == told.value.code
    assert registry.answering(None) is None
