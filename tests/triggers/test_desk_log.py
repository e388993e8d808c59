"""The log of the desk: replay, memory made anew, snapshots, rate books that change, and what an account costs."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete

from engine.compiler.compile import compile_paths
from engine.compiler.program import InputSpec, Type
from engine.compiler.trigger import DAY_US, EventType, Watch
from engine.language.problems import ProblemsFound
from engine.language.units import parse_unit
from engine.triggers.events import Event, RawEvent
from engine.warnings.correlator import AccountMemory
from engine.warnings.desk import Desk
from engine.warnings.packing import (
    NO_TYPE,
    Field,
    Shape,
    pack_event,
    pack_memory,
    packer,
    read_again,
    unpack_event,
    unpack_memory,
)
from engine.warnings.tables import MEMORY, WARNING
from tests.triggers.four import BEGIN, RULES, chunks, end, stream, watch_of

DeskOf = Callable[..., Desk]


def filled(desk: Desk, count: int = 600, accounts: int = 10) -> Desk:
    """A desk that has recorded a stream, the last two days of which wait."""
    for chunk in chunks(stream(count, accounts, rough=0.5), 200):
        desk.record(chunk, end(count, accounts))
    return desk


def codes(found: pytest.ExceptionInfo[ProblemsFound]) -> list[str]:
    return [one.code for one in found.value.problems]


def test_a_replay_of_the_log_brings_what_is_kept_and_names_what_differs(desk_of: DeskOf) -> None:
    desk = filled(desk_of())
    every = desk.warnings(limit=10_000)

    before = desk.replay()
    with desk.database.writing() as connection:
        connection.execute(delete(WARNING).where(WARNING.c.id == every[3].id))
        connection.execute(WARNING.update().where(WARNING.c.id == every[7].id).values(id="f" * 32))
        connection.execute(WARNING.update().where(WARNING.c.id == every[8].id).values(region="elsewhere"))
        number = next(one.id for one in every[9:] if "energy" in one.values)
        connection.execute(WARNING.update().where(WARNING.c.id == number).values({"values": '{"energy": "0.01"}'}))
    after, later = desk.replay(), desk.replay(since=every[-1].at)

    assert (True, len(every), len(every)) == (before.equal, before.warnings, before.kept)
    assert before.events == 600 - desk.status().waiting < 600
    assert (False, 2, 1) == (after.equal, after.missing_count, after.unexpected_count)
    assert ({every[8].id, number}, 2) == (set(after.different), after.different_count)
    assert ({every[3].id, every[7].id}, ("f" * 32,)) == (set(after.missing), after.unexpected)
    assert (True, sum(one.at >= every[-1].at for one in every)) == (later.equal, later.warnings)


def test_memory_made_anew_from_the_log_is_that_which_was_there(desk_of: DeskOf) -> None:
    """One desk loses its memory and makes it anew; the other never did. Both go on alike."""
    mine, other = filled(desk_of("mine")), filled(desk_of("other"))
    with mine.database.writing() as connection:
        connection.execute(delete(MEMORY))
    assert 0 == mine.status().accounts

    rebuilt = mine.replay(rebuild=True)

    assert (True, True) == (rebuilt.equal, rebuilt.rebuilt)
    assert other.status().accounts == mine.status().accounts
    until = end(600, 10)
    mine.record([], until, complete_until=until)
    other.record([], until, complete_until=until)
    assert other.warnings(limit=10_000) == mine.warnings(limit=10_000)


def test_a_snapshot_of_sqlite_goes_on_in_postgresql(desk_of: DeskOf, tmp_path: Path, postgresql_url: str) -> None:
    mine, theirs = filled(desk_of()), desk_of(url=postgresql_url)
    mine.acknowledge(mine.warnings()[0].id, "王工", 7, "已核实")

    rows = mine.snapshot(tmp_path / "desk.snapshot")
    restored = theirs.restore(tmp_path / "desk.snapshot")
    again = theirs.snapshot(tmp_path / "again.snapshot")

    assert rows == restored == again > 600
    assert mine.status() == theirs.status()
    assert gzip.decompress((tmp_path / "desk.snapshot").read_bytes()) == gzip.decompress(
        (tmp_path / "again.snapshot").read_bytes()
    )
    until = end(600, 10)
    assert mine.record([], until, complete_until=until) == theirs.record([], until, complete_until=until)
    assert mine.warnings(limit=10_000) == theirs.warnings(limit=10_000)


def test_a_snapshot_that_is_not_whole_is_refused_and_nothing_of_it_is_kept(desk_of: DeskOf, tmp_path: Path) -> None:
    mine, other = filled(desk_of()), desk_of("other")
    mine.snapshot(tmp_path / "whole")
    text = gzip.decompress((tmp_path / "whole").read_bytes())
    lines = text.splitlines(keepends=True)
    (tmp_path / "short").write_bytes(gzip.compress(b"".join(lines[:-3] + lines[-1:])))
    (tmp_path / "changed").write_bytes(gzip.compress(text.replace(b"rise3", b"fall3")))
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:-200])
    (tmp_path / "other").write_bytes(gzip.compress(b'{"dianjia":"bills"}\n{"rows":0}\n'))
    (tmp_path / "none").write_bytes(b"")
    (tmp_path / "named").write_bytes(gzip.compress(text.replace(b'["watch_event",', b'["watch_evant",', 1)))
    (tmp_path / "column").write_bytes(gzip.compress(text.replace(b'"watermark"', b'"wateRmark"', 1)))
    (tmp_path / "longer").write_bytes(gzip.compress(text.replace(b'["watch_memory",', b'["watch_memory",1,', 1)))
    other.record([], BEGIN)  # its triggers are entered, and nothing else

    for name in ("short", "changed", "cut", "other", "none", "missing", "named", "column", "longer"):
        with pytest.raises(ProblemsFound) as found:
            other.restore(tmp_path / name)
        assert ["snapshot-unreadable"] == codes(found), name
        assert (0, 0) == (other.status().events, other.status().warnings), name
    other.restore(tmp_path / "whole")
    assert mine.status() == other.status()
    with pytest.raises(ProblemsFound) as found:
        other.restore(tmp_path / "whole")
    assert ["warnings-not-empty"] == codes(found)


def test_a_log_without_its_beginning_rebuilds_nothing(desk_of: DeskOf) -> None:
    """The longest horizon is 365 days: warnings of the first 365 days after the cut are not compared."""
    desk = filled(desk_of())

    gone = desk.forget(BEGIN + 30 * DAY_US)
    replayed = desk.replay()
    with pytest.raises(ProblemsFound) as found:
        desk.replay(rebuild=True)

    assert 0 < gone == 600 - desk.status().events
    assert (BEGIN + 30 * DAY_US, BEGIN + 395 * DAY_US) == (desk.status().log_from, replayed.since)
    assert ["log-too-short"] == codes(found)


def test_a_rate_book_that_changes_reads_the_log_as_it_declares_it(desk_of: DeskOf, tmp_path: Path) -> None:
    """Energy has four decimal places from now on, and a reading is new. The memory of rise3 has another structure, and
    begins anew; made from the log it knows of the three uses before, and the fourth, which waited, completes the rise.
    """
    changed = RULES.replace(
        "{energy: {unit: kWh, places: 2, from: 0, to: 10000000}}",
        "{reading: {unit: kWh, places: 0, from: 0, to: 99, optional: true},"
        " energy: {unit: kWh, places: 4, from: 0, to: 10000000}}",
    )
    now = BEGIN + 100 * DAY_US
    raws = [
        RawEvent(f"e{n}", "usage_recorded", "1", BEGIN + n * 30 * DAY_US, {"energy": energy})
        for n, energy in enumerate(("1.00", "1.01", "1.02", "1.03"))
    ]
    desk_of().record(raws, now)

    after = desk_of(watch=watch_of(tmp_path, changed))
    unread = after.status().unread
    again = after.record(raws, now)
    rebuilt = after.replay(rebuild=True)
    after.record([], now, complete_until=now)

    assert "cn.test.four:rise3" in unread
    assert (4, ()) == (again.duplicates, again.refused)
    assert (3, True) == (rebuilt.events, rebuilt.equal)
    assert ["1.0200 → 1.0300 千瓦时，连续三期增长"] == [one.message for one in after.warnings()]
    assert () == after.status().unread


def test_a_rule_set_that_gets_a_second_version_begins_anew_and_status_says_so(desk_of: DeskOf, tmp_path: Path) -> None:
    """Its bill of the first version waits for a payment under another name; made from the log it is known again."""
    now = BEGIN + 40 * DAY_US
    desk_of().record([RawEvent("i", "bill_issued", "1", BEGIN, {"amount": "9"}, {"bill": "b"})], now, BEGIN + DAY_US)
    shared = (
        "shared: cn.test.events\ntitle: 事件\nsource: {standing: example}\n"
        + RULES[RULES.index("events:") : RULES.index("triggers:")]
    )
    (tmp_path / "events.shared.yaml").write_text(shared, encoding="utf-8")
    for name, days in (
        ("a", "{from: 2000-01-01, through: 2025-12-31}"),
        ("b", "{from: 2026-01-01, until_replaced: true}"),
    ):
        head = RULES[: RULES.index("events:")].replace("{from: 2000-01-01, until_replaced: true}", days)
        text = head + "version_by: period_from\nuses: [cn.test.events]\n" + RULES[RULES.index("triggers:") :]
        (tmp_path / f"{name}.ruleset.yaml").write_text(text, encoding="utf-8")
    desk = desk_of(watch=compile_paths([tmp_path]).watch)

    unread = desk.status().unread
    desk.replay(rebuild=True)
    desk.record([], now, complete_until=now)

    names = ("arrears30", "demand2", "lowsurge", "rise3")
    assert unread == tuple(f"cn.test.four@{day}:{name}" for day in ("2000-01-01", "2026-01-01") for name in names)
    assert ["cn.test.four@2000-01-01:arrears30"] == [one.trigger for one in desk.warnings()]


CHANGED = {
    "a value that is required": "{reading: {unit: kWh, places: 0, from: 0, to: 99}, "
    "energy: {unit: kWh, places: 2, from: 0, to: 10000000}}",
    "fewer places": "{energy: {unit: kWh, places: 0, from: 0, to: 10000000}}",
    "another unit": "{energy: {unit: kW, places: 2, from: 0, to: 10000000}}",
}


@pytest.mark.parametrize("changed", CHANGED)
def test_a_waiting_event_that_does_not_fit_its_type_any_more_is_not_looked_at(
    desk_of: DeskOf, tmp_path: Path, changed: str
) -> None:
    """The desk goes on: of the three rises after the change the first has nothing before it to compare with."""
    rules = RULES.replace("{energy: {unit: kWh, places: 2, from: 0, to: 10000000}}", CHANGED[changed])
    if changed == "another unit":
        rules = rules.replace("400[kWh]", "400[kW]")
    now = BEGIN + 200 * DAY_US
    before = [
        RawEvent(f"e{n}", "usage_recorded", "1", BEGIN + n * DAY_US // 3, {"energy": f"1.0{n + 1}"}) for n in range(3)
    ]
    more = {"reading": "7"} if changed == "a value that is required" else {}
    after = [
        RawEvent(f"f{n}", "usage_recorded", "1", BEGIN + n * 30 * DAY_US, {"energy": str(n), **more})
        for n in range(1, 6)
    ]
    desk_of().record(before, now)
    desk = desk_of(watch=watch_of(tmp_path, rules))

    recorded = desk.record(after, now, complete_until=now)
    again = desk.record([replace(after[0], id="e0")], now)

    assert (5, ()) == (recorded.accepted, recorded.refused)
    assert ["event-id-taken"] == [one.code for one in again.refused]
    assert [("rise3", "f4")] == [(one.trigger.partition(":")[2], one.event) for one in desk.warnings()]
    assert desk.replay().equal


def test_an_event_that_comes_again_where_a_value_with_a_default_is_new_is_a_duplicate(
    desk_of: DeskOf, tmp_path: Path
) -> None:
    rules = RULES.replace(
        "inputs: {energy:", "inputs: {reading: {unit: kWh, places: 0, from: 0, to: 99, default: 5}, energy:"
    )
    raw = RawEvent("e", "usage_recorded", "1", BEGIN, {"energy": "1.00"})
    now = BEGIN + 9 * DAY_US
    desk_of().record([raw], now)

    again = desk_of(watch=watch_of(tmp_path, rules)).record([raw], now, complete_until=now)

    assert (1, ()) == (again.duplicates, again.refused)


def test_a_logged_event_is_read_as_its_type_is_declared_now() -> None:
    """Places where the number stays the same, codes by their text; what is new has its default or is absent."""
    old = Shape("use", (Field("energy", 2, "kWh"), Field("gone"), Field("state", 0, "code", ("on", "off"))), ("meter",))
    number, code = (
        Type(unit=parse_unit("kWh")[0], places=1, high=10**6),
        Type(kind="code", high=2, codes=("", "off", "on")),
    )
    now = EventType(
        "use",
        "",
        ("meter",),
        (
            InputSpec("new", Type(high=9), optional=True),
            InputSpec("energy", number),
            InputSpec("state", code),
            InputSpec("filled", Type(high=9), default=4, optional=True),
        ),
        0,
    )
    event = Event("e", "use", "1", 5, (1230, 7, 0), ("m1",), "r", "cn.x")

    def read(event: Event, type_: EventType = now) -> Event:
        return read_again(event, old, type_)

    assert event == unpack_event(5, "e", "1", old, pack_event(packer(), event))
    assert old == Shape.from_json("use", old.to_json())
    assert replace(event, values=(None, 123, 2, 4)) == read(event)
    assert NO_TYPE == read(replace(event, values=(1234, 7, 0))).type  # 12.34 has no one place
    assert NO_TYPE == read(event, replace(now, keys=("meter", "site"))).type
    assert NO_TYPE == read(event, replace(now, inputs=(InputSpec("fresh", number),))).type
    assert NO_TYPE == read(event, replace(now, inputs=(InputSpec("energy", Type(places=2, high=10**6)),))).type


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, -(10**30)])
def test_whole_numbers_of_any_size_are_packed_exactly(number: int) -> None:
    memory = AccountMemory("1", slots={("t", ("b",)): ((number, 1), 9)})

    packed = pack_memory(packer(), {"t": 3}, memory)

    assert memory.slots == unpack_memory({3: "t"}, packed)
    assert {} == unpack_memory({4: "t"}, packed)


def test_an_account_of_four_triggers_takes_less_than_a_kilobyte(desk_of: DeskOf, four: Watch) -> None:
    """Every trigger remembers as much as it can: bills of three months open, a run, a count, a low balance."""
    desk = desk_of()
    found: list[RawEvent] = []
    for account in range(50):
        id_ = f"{account:010}"
        for month in range(3):
            at = BEGIN + month * 9 * DAY_US
            found += [
                RawEvent(
                    f"b{id_}{month}", "bill_issued", id_, at, {"amount": "9999.99"}, {"bill": f"2025-{month}"}, "华东"
                ),
                RawEvent(f"u{id_}{month}", "usage_recorded", id_, at, {"energy": f"{9999 + month}.99"}),
                RawEvent(f"l{id_}{month}", "balance_reported", id_, at, {"balance": "-99.99"}),
            ]
        found.append(RawEvent(f"d{id_}", "demand_recorded", id_, at, {"demand": "9999.999", "contract": 1}))

    desk.record(found, BEGIN + 20 * DAY_US, complete_until=BEGIN + 19 * DAY_US)

    with desk.database.reading() as connection:
        rows = connection.execute(MEMORY.select()).all()
    sizes = [len(row.packed) + len(row.account) + len(row.region.encode()) + 16 for row in rows]
    assert 50 == len(sizes)
    assert 6 == len(unpack_memory(dict(enumerate("abcdef")), rows[0].packed))
    assert max(sizes) <= 1024
