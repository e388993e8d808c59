"""The desk: what is accepted, what is raised, each once, whatever the order, the chunks, and who dies meanwhile."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from random import Random

import pytest

from engine.compiler.trigger import DAY_US, Watch
from engine.language.problems import ProblemsFound
from engine.triggers.events import Event, RawEvent
from engine.triggers.machine import Raised
from engine.warnings.built_in import BuiltIn
from engine.warnings.correlator import History, Memories
from engine.warnings.desk import Desk
from engine.warnings.warning import NewWarning, Wanted, WarningRecord
from tests.triggers.four import BEGIN, chunks, end, stream

DeskOf = Callable[..., Desk]
NOW = BEGIN + 400 * DAY_US  # when everything came


def day(number: int) -> int:
    """That many days after the beginning [us]."""
    return BEGIN + number * DAY_US


def use(id_: str, number: int, energy: str, account: str = "1", region: str = "") -> RawEvent:
    """Use recorded on a day."""
    return RawEvent(id_, "usage_recorded", account, day(number), {"energy": energy}, region=region)


def bill(id_: str, number: int, amount: str, account: str = "1", bill: str = "b1", region: str = "") -> RawEvent:
    """A bill issued on a day."""
    return RawEvent(id_, "bill_issued", account, day(number), {"amount": amount}, {"bill": bill}, region)


RISING = [use("e1", 0, "100"), use("e2", 30, "110.00"), use("e3", 60, "121"), use("e4", 90, "133.1")]


def told(desk: Desk) -> list[tuple[str, str, str, int]]:
    """Trigger, state, account and day of each warning, in the order in which they were kept."""
    return [
        (one.trigger.partition(":")[2], one.state, one.account, (one.at - BEGIN) // DAY_US) for one in desk.warnings()
    ]


def by_id(desk: Desk) -> list[WarningRecord]:
    """All that is kept, in an order that chunks do not change."""
    return sorted((replace(one, seq=0) for one in desk.warnings(limit=10_000)), key=lambda one: one.id)


def test_the_fourth_use_of_three_rises_warns_once_with_its_values(desk_of: DeskOf) -> None:
    desk = desk_of()

    recorded = desk.record(RISING, NOW, complete_until=day(91))

    assert (4, 0, (), 1) == (recorded.accepted, recorded.duplicates, recorded.refused, recorded.warnings)
    assert day(91) == recorded.watermark
    found = desk.warnings()
    assert [("rise3", "raised", "1", 90)] == told(desk)
    assert "121.00 → 133.10 千瓦时，连续三期增长" == found[0].message
    assert ("yellow", "account_manager", "e4", 1, NOW) == (
        found[0].level,
        found[0].recipient,
        found[0].event,
        found[0].seq,
        found[0].recorded_at,
    )
    assert {"previous.energy": "121.00", "energy": "133.10"} == found[0].values


def test_what_comes_again_is_a_duplicate_and_with_other_content_refused(desk_of: DeskOf) -> None:
    desk = desk_of()
    desk.record(RISING, NOW, complete_until=day(91))

    again = desk.record([*RISING, use("e4", 90, "133.11"), use("e4", 90, "133.10", "2")], NOW)

    assert (0, 4, 0) == (again.accepted, again.duplicates, again.warnings)
    assert [(4, "event-id-taken"), (5, "event-id-taken")] == [(one.row, one.code) for one in again.refused]
    assert 1 == len(desk.warnings())


def test_an_id_twice_in_one_chunk_is_one_event(desk_of: DeskOf) -> None:
    desk = desk_of()

    found = desk.record([*RISING, RISING[0], use("e1", 0, "101")], NOW, complete_until=day(91))

    assert (4, 1, ["event-id-taken"]) == (found.accepted, found.duplicates, [one.code for one in found.refused])
    assert 1 == found.warnings


def test_an_event_before_the_watermark_comes_too_late_and_one_at_it_does_not(desk_of: DeskOf) -> None:
    """The longest lateness is two days: an event of day 10 settles what is before day 8."""
    desk = desk_of()

    found = desk.record(
        [use("a", 10, "1"), replace(use("b", 8, "1"), at=day(8) - 1), use("c", 8, "1"), use("d", 402, "1")], NOW
    )

    assert day(8) == found.watermark
    assert [("b", "event-too-late", "at"), ("d", "event-from-the-future", "at")] == [
        (one.row_id, one.code, one.field) for one in found.refused
    ]
    assert "comes too late: everything before 2025-01-08T16:00:00Z is settled" in found.refused[0].reason
    assert 2 == found.accepted


def test_a_deadline_fires_once_the_watermark_has_passed_it(desk_of: DeskOf) -> None:
    """Issued on day 3: the deadline is day 33. At it a payment may still come; a microsecond later none can."""
    desk = desk_of()
    desk.record([bill("i", 3, "100.00")], NOW, complete_until=day(33))
    assert [] == told(desk)

    found = desk.record([], NOW, complete_until=day(33) + 1)

    assert 1 == found.warnings
    assert [("arrears30", "raised", "1", 33)] == told(desk)
    assert ({"bill": "b1"}, "", "100.00 元三十日未交") == (
        desk.warnings()[0].keys,
        desk.warnings()[0].event,
        desk.warnings()[0].message,
    )


def test_a_watermark_a_source_tells_may_not_lie_ahead(desk_of: DeskOf) -> None:
    desk = desk_of()

    with pytest.raises(ProblemsFound) as found:
        desk.record([use("a", 1, "1")], day(2), complete_until=day(3) + 1)

    assert ["complete-until-ahead"] == [one.code for one in found.value.problems]
    assert 0 == desk.status().events


@pytest.mark.parametrize("size", [7, 61])
def test_neither_chunks_nor_order_nor_repetition_change_what_is_raised(desk_of: DeskOf, size: int) -> None:
    """600 events of 10 accounts at once and in order; then in small chunks as they come, a fifth of them twice."""
    drawn, until = stream(600, 10, rough=0.5), end(600, 10)
    whole, parts = desk_of("whole"), desk_of("parts")
    draw = Random(size)
    twice: list[RawEvent] = []
    for event in drawn:
        twice += [event] * (1 + (draw.random() < 0.2))

    whole.record(sorted(drawn, key=lambda one: (one.at, one.id)), until, complete_until=until)
    for chunk in chunks(twice, size):
        assert () == parts.record(chunk, until).refused
    parts.record([], until, complete_until=until)

    assert 50 < len(whole.warnings(limit=10_000))
    assert by_id(whole) == by_id(parts)


def test_accounts_whose_32_bit_hashes_collide_stay_apart(desk_of: DeskOf) -> None:
    """Two rises each, which would be three of one account."""
    desk = desk_of()
    mine = [use(f"a{n}", 30 * n, f"{100 + n}", "C554695123") for n in range(3)]
    other = [use(f"b{n}", 30 * n + 15, f"{200 + n}", "C884777665") for n in range(3)]

    desk.record([*mine, *other], NOW, complete_until=NOW)

    assert [] == told(desk)


def test_a_deadline_has_the_region_of_its_own_time(desk_of: DeskOf) -> None:
    """The account moves to the south after the deadline has passed, in the same chunk."""
    desk = desk_of()

    desk.record([bill("i", 3, "100", region="north"), use("u", 40, "1", region="south")], NOW, complete_until=day(41))

    assert [("arrears30", "north")] == [(one.trigger.partition(":")[2], one.region) for one in desk.warnings()]


def test_the_connection_that_is_kept_open_lets_the_write_ahead_log_be_emptied(desk_of: DeskOf) -> None:
    """Else the log would grow with every chunk, and each page be looked for in all of it."""
    desk = desk_of()
    desk.record(RISING, NOW, complete_until=day(91))

    with closing(sqlite3.connect(str(desk.database.url.database), timeout=0, isolation_level=None)) as connection:
        found = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    assert (0, 0, 0) == found  # not busy, and nothing left in the log


def test_what_is_idle_past_its_horizon_is_forgotten(desk_of: DeskOf) -> None:
    """Everything of a hundred accounts can be forgotten after two years and more; their regions, too."""
    desk = desk_of()
    desk.record([use(f"e{n}", 1, "1", f"{n}", "r") for n in range(100)], NOW, complete_until=day(100))
    before = desk.status().accounts
    later = day(1000)

    for number in range(40):
        desk.record(
            [replace(use(f"l{number}", 0, "1", "later"), at=later + number)], NOW + later, complete_until=later + number
        )

    assert 100 == before
    assert desk.status().accounts <= 1


def test_a_chunk_is_kept_whole_or_not_at_all(desk_of: DeskOf, four: Watch) -> None:
    """The correlator fails after its work is done: log, memory, warnings and watermark stay as they were."""

    class Fails(BuiltIn):
        failing = True
        resumed = 0

        def resume(self, history: History, watermark: int) -> None:
            self.resumed += 1

        def process(self, memories: Memories, events: Sequence[Event], watermark: int) -> list[Raised]:
            found = super().process(memories, events, watermark)
            if self.failing and events:
                raise RuntimeError("no more")
            return found

    desk = desk_of()
    desk.correlator = correlator = Fails(four)
    desk.record([], NOW, complete_until=day(0))
    before = desk.status()

    with pytest.raises(RuntimeError, match="no more"):
        desk.record(RISING, NOW, complete_until=day(91))
    after = desk.status()
    correlator.failing = False
    desk.record(RISING, NOW, complete_until=day(91))

    assert before == after
    assert [("rise3", "raised", "1", 90)] == told(desk)
    assert 2 == correlator.resumed


def test_two_desks_on_one_database_record_in_turns(desk_of: DeskOf, four: Watch) -> None:
    """A correlator that holds something of its own is told to take up where the other desk left off."""
    took_up: list[list[str]] = []

    class Watches(BuiltIn):
        def resume(self, history: History, watermark: int) -> None:
            took_up.append([event.id for event in history(0, watermark)])

    one, other = desk_of(), desk_of()
    one.correlator = Watches(four)

    one.record(RISING[:2], NOW, complete_until=day(31))
    other.record(RISING[2:3], NOW, complete_until=day(61))
    one.record(RISING[3:], NOW, complete_until=day(91))
    one.record([], NOW, complete_until=day(92))

    assert [("rise3", "raised", "1", 90)] == told(one)
    assert [[], ["e1", "e2", "e3"]] == took_up


def test_a_desk_on_postgresql_keeps_what_one_on_sqlite_does(desk_of: DeskOf, postgresql_url: str) -> None:
    """Ids that a language would sort otherwise than their characters, at one time: 'B' comes before 'a'."""
    drawn = stream(1_000, 10, rough=0.5)
    drawn += [use("a", 20, "2", "x"), use("B", 20, "1", "x"), use("c", 20, "3", "x"), use("d", 20, "4", "x")]
    drawn.sort(key=lambda one: one.at)  # type: ignore[arg-type, return-value]  # whole numbers
    until = end(1_000, 10)
    mine, theirs = desk_of(), desk_of(url=postgresql_url)

    for chunk in chunks(drawn, 100):
        assert mine.record(chunk, until) == theirs.record(chunk, until)
    mine.record([], until, complete_until=until)
    theirs.record([*drawn[:50]], until, complete_until=until)

    found = mine.warnings(limit=10_000)
    assert any(one.account == "x" and one.trigger.endswith("rise3") for one in found)
    assert found == theirs.warnings(limit=10_000)
    assert replace(mine.status(), chunks=0) == replace(theirs.status(), chunks=0)
    assert theirs.replay().equal


def test_warnings_are_read_by_cursor_and_by_what_is_wanted(desk_of: DeskOf) -> None:
    desk = desk_of()
    desk.record(stream(600, 10, rough=0.5), end(600, 10), complete_until=end(600, 10))
    every = desk.warnings(limit=10_000)

    assert list(range(1, len(every) + 1)) == [one.seq for one in every]
    assert every[10:15] == desk.warnings(after=10, limit=5)
    assert [] == desk.warnings(after=len(every))
    assert every[-1:-4:-1] == desk.newest(limit=3)
    assert every[3:1:-1] == desk.newest(before=5, limit=2)
    for wanted, holds in (
        (Wanted(regions=("r1", "r2")), lambda one: one.region in ("r1", "r2")),
        (Wanted(levels=("red",)), lambda one: one.level == "red"),
        (Wanted(recipients=("credit_control",), states=("cleared",)), lambda one: one.state == "cleared"),
        (Wanted(triggers=("cn.test.four:rise3",)), lambda one: one.trigger == "cn.test.four:rise3"),
        (Wanted(rulesets=("cn.other",)), lambda _: False),
        (Wanted(kinds=("tariff_notice",)), lambda _: False),
        (Wanted(since=day(60), until=day(90)), lambda one: day(60) <= one.at < day(90)),
        (Wanted(ids=(every[4].id,)), lambda one: one.seq == 5),
    ):
        assert [one for one in every if holds(one)] == desk.warnings(0, 10_000, wanted), wanted


def test_the_first_to_take_a_warning_up_is_kept(desk_of: DeskOf) -> None:
    desk = desk_of()
    desk.record(RISING, NOW, complete_until=day(91))
    id_ = desk.warnings()[0].id

    first = desk.acknowledge(id_, "王工", NOW + 1, "已电话核实")
    second = desk.acknowledge(id_, "李工", NOW + 2)
    with pytest.raises(ProblemsFound) as found:
        desk.acknowledge("0" * 32, "王工", NOW)

    assert (NOW + 1, "王工", "已电话核实") == (first.acknowledged_at, first.acknowledged_by, first.note)
    assert first == second == desk.warnings()[0]
    assert [first] == desk.warnings(wanted=Wanted(acknowledged=True))
    assert ([], 0) == (desk.warnings(wanted=Wanted(acknowledged=False)), desk.status().unacknowledged)
    assert ["warning-not-found"] == [one.code for one in found.value.problems]


def test_notices_are_kept_among_warnings_each_once(desk_of: DeskOf) -> None:
    desk = desk_of()
    desk.record(RISING, NOW, complete_until=day(91))
    notice = NewWarning(
        id="n1",
        kind="tariff_notice",
        trigger="",
        state="raised",
        account="",
        keys={},
        at=NOW,
        event="",
        region="",
        ruleset="cn.x",
        level="info",
        recipient="customer",
        title="调价",
        message="7月1日起",
        values={"from": "2025-07-01"},
        causes=(),
        action="",
        place="",
        source="",
    )

    assert (1, 0) == (desk.announce([notice, notice], NOW), desk.announce([notice], NOW + 1))

    found = desk.warnings(wanted=Wanted(kinds=("tariff_notice",)))
    assert [(2, "n1", {"from": "2025-07-01"})] == [(one.seq, one.id, one.values) for one in found]
    assert desk.replay().equal


def test_a_desk_killed_at_any_moment_loses_and_doubles_nothing() -> None:
    """`make kill-triggers` does so fifty times in 100,000 events. Processes are forked, which threads here forbid."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.triggers.killing", "--events", "5000", "--kills", "3"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "3 kills" in done.stdout
