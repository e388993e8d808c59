"""What each kind of trigger does at its limits, by hand from docs/warnings.md: the oracle and every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.compiler.compile import compile_paths
from engine.compiler.trigger import Watch
from engine.triggers.cases import run_case
from tests.oracles import triggers as oracle
from tests.triggers.drawing import Drawn
from tests.triggers.engines import ENGINES, Stream, compiled, expected
from tests.triggers.shipped import moment

EVENTS = """\
shared: cn.example.events
title: 两种事件
source: {standing: example}
events:
  up:
    lateness: 1 day
    inputs: {x: {unit: 1, places: 0, from: -1000, to: 1000}, y: {unit: 1, places: 0, from: 0, to: 1000, optional: true}}
  down:
    lateness: 1 day
    inputs: {x: {unit: 1, places: 0, from: -1000, to: 1000}, y: {unit: 1, places: 0, from: 0, to: 1000, optional: true}}
"""
RULES = """\
ruleset: cn.example.rules
title: 一个触发器
source: {standing: example}
in_force: {from: 2025-01-01, through: 2025-11-30}
uses: [cn.example.events]
values:
  limit: {unit: 1, dated: [{from: 2025-01-01, through: 2025-01-31, printed: 5}, {from: 2025-02-01, printed: 9}]}
"""
HEAD = "level: info, recipient: customer, title: 例, "

# name: the trigger; the events (id, type, time, x, y where it has one); what comes of them (event or deadline, state)
CASES = {
    "three rises need four events, and a fourth completes again": (
        "kind: trend, on: up, when: x > previous.x, times: 3, at_most_apart: 10 days, message: '{previous.x} {x}'",
        "a up 01-01 1; b up 01-02 2; c up 01-03 3; d up 01-04 4; e up 01-05 5; f up 01-06 5; g up 01-07 6",
        "d raised, e raised",
    ),
    "two events are linked at exactly the gap, and not a microsecond later": (
        "kind: trend, on: up, when: x > previous.x, times: 1, at_most_apart: 10 days, message: '{x}'",
        "a up 01-01 1; b up 01-11 2; c up 01-21T00:00:00.000001 3; d up 01-31T00:00:00.000001 4",
        "b raised, d raised",
    ),
    "a trend that compares with nothing begins anew after a gap": (
        "kind: trend, on: up, when: x > 0, times: 2, at_most_apart: 1 day, message: '{x}'",
        "a up 01-01 1; b up 01-03 1; c up 01-04 1; d up 01-05 0; e up 01-06 1; f up 01-07 1",
        "c raised, f raised",
    ),
    "a count takes in the event at exactly its time, and uses nothing up": (
        "kind: count, on: up, when: x > 0, times: 2, within: 1 day, message: '{x}'",
        "a up 01-01 1; b up 01-02 1; c up 01-03 1; d up 01-03T12 0; e up 01-04T00:00:00.000001 1",
        "b raised, c raised",
    ),
    "a count at one time goes in the order of ids": (
        "kind: count, on: up, times: 2, within: 1 day, message: '{x}'",
        "e9 up 01-01 1; e10 up 01-01 2",
        "e9 raised",
    ),
    "what comes at the deadline has come in time, and a microsecond later not": (
        "kind: sequence, steps: [{as: s, on: up}, {absent: down, within: 1 day}], keeps: first, message: '{s.x}'",
        "a up 01-01 1; b down 01-02 1; c up 01-03 1; d down 01-04T00:00:00.000001 1",
        "01-04 raised",
    ),
    "the first event keeps its deadline": (
        "kind: sequence, steps: [{as: s, on: up}, {absent: down, within: 2 days}], keeps: first, message: '{s.x}'",
        "a up 01-01 1; b up 01-02 2; c up 01-04 3",
        "01-03 raised, 01-06 raised",
    ),
    "the latest event moves the deadline": (
        "kind: sequence, steps: [{as: s, on: up}, {absent: down, within: 2 days}], keeps: latest, message: '{s.x}'",
        "a up 01-01 1; b up 01-02 2; c up 01-04 3",
        "01-06 raised",
    ),
    "what answers may begin anew, and what withdraws may not": (
        "kind: sequence, steps: [{as: s, on: up}, {absent: up, when: x > s.x, within: 2 days}], keeps: first, "
        "unless: {on: up, when: x == 0}, message: '{s.x}'",
        "a up 01-01 1; b up 01-02 2; c up 01-03 0; d up 01-10 0",
        "01-12 raised",
    ),
    "a step that comes too late begins the sequence where it fits the first": (
        "kind: sequence, steps: [{as: s, on: up}, {as: t, on: up, when: x > s.x, within: 1 day}], keeps: first, "
        "message: '{s.x} {t.x}'",
        "a up 01-01 1; b up 01-03 2; c up 01-04 3; d up 01-05 4",
        "c raised",
    ),
    "a pair comes in either order, an event that fits both is the one, and both are used up": (
        "kind: pair, one: {as: p, on: up}, other: {as: q, on: down, when: x > 0}, joined_when: p.x == q.x, "
        "within: 1 day, message: '{p.x} {q.x}'",
        "a down 01-01 1; b up 01-02 1; c up 01-02T01 1; d down 01-03T01 1; e down 01-03T02 1; f up 01-05 2",
        "b raised, d raised",
    ),
    "a pair of one type of event is never complete where each fits the first side": (
        "kind: pair, one: {as: p, on: up}, other: {as: q, on: up}, within: 1 day, message: '{p.x}'",
        "a up 01-01 1; b up 01-01T01 1; c up 01-01T02 1",
        "",
    ),
    "the sides of a pair may have any name": (
        "kind: pair, one: {as: raised, on: up}, other: {as: held, on: down}, within: 1 day, cool_down: 1 day, "
        "clears: {on: down, when: x > 5}, message: '{raised.x} {held.x}'",
        "a up 01-01 1; b down 01-01T12 2; c down 01-03 6; d up 01-03T01 1",
        "b raised, c cleared, d raised",
    ),
    "a total begins anew at the first moment of a local month, and stays at its most": (
        "kind: total, on: up, of: 'max(x, 0)', over: month, to: 10, when: total >= 10, message: '{days_passed}'",
        "a up 01-01 9; b up 01-31T23:59:59.999999 1; c up 02-01 9; d up 02-02 500; e up 02-03 0",
        "b raised, d raised, e raised",
    ),
    "a total goes on where its formula cannot be computed, and is not complete there": (
        "kind: total, on: up, of: y, over: year, to: 100, when: total >= 5, message: '{total}'",
        "a up 01-01 0 5; b up 01-02 0; c up 01-03 0 0",
        "a raised, c raised",
    ),
    "it is raised again at exactly the cool-down": (
        "kind: event, on: up, when: x > 0, cool_down: 2 days, message: '{x}'",
        "a up 01-01 1; b up 01-02T23:59:59.999999 1; c up 01-03 1; d up 01-04 1",
        "a raised, c raised",
    ),
    "an event clears a warning and raises it again, and what is held is not raised": (
        "kind: event, on: up, when: x > 0, clears: {on: up, when: x > 5}, message: '{x}'",
        "a up 01-01 1; b up 01-02 1; c up 01-03 6; d up 01-04 1",
        "a raised, c cleared, c raised",
    ),
    "the cool-down counts from when it was raised, cleared or not": (
        "kind: event, on: up, when: x > 0, cool_down: 3 days, clears: {on: down}, message: '{x}'",
        "a up 01-01 1; b down 01-02 0; c up 01-03 1; d up 01-04 1",
        "a raised, b cleared, d raised",
    ),
    "a deadline is held before the event that clears it": (
        "kind: sequence, steps: [{as: s, on: up}, {absent: down, within: 1 day}], keeps: first, "
        "clears: {on: down}, message: '{s.x}'",
        "a up 01-01 1; b down 01-05 1",
        "01-02 raised, b cleared",
    ),
    "a value counts from the first moment of its local day": (
        "kind: event, on: up, when: x >= limit, message: '{limit}'",
        "a up 01-31T23:59:59.999999 5; b up 02-01 5; c up 02-01T00:00:00.000001 9",
        "a raised, c raised",
    ),
    "a condition that cannot be computed does not hold, and neither does one that has it within `not`": (
        "kind: event, on: up, when: 'not divide(1, y, 2, half_up) > 1', message: '{y}'",
        "a up 01-01 1; b up 01-02 1 0; c up 01-03 1 4",
        "c raised",
    ),
    "events outside of the days in force are not looked at": (
        "kind: count, on: up, times: 2, within: 2 days, message: '{x}'",
        "a up 11-30 1; b up 11-30T23:59:59.999999 2; c up 12-01 3; d up 12-01T01 3",
        "b raised",
    ),
}


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    """All triggers in one file, as compiling takes longest."""
    return _drawn(*(trigger for trigger, _, _ in CASES.values()))


@pytest.fixture(scope="module")
def watch(drawn: Drawn) -> Watch:
    """The file compiled."""
    return compiled(drawn)


@pytest.mark.parametrize("name", CASES)
def test_at_the_limits(name: str, drawn: Drawn, watch: Watch) -> None:
    id_ = f"cn.example.rules:t{list(CASES).index(name)}"
    _, events, comes = CASES[name]
    stream = Stream(tuple(_event(one) for one in events.split("; ")), 400 * oracle.DAY_US, _at("12-31"), seed=1)

    wanted = [one for one in expected(drawn.documents, stream) if one.trigger == id_]

    told = sorted(f"{one.event or _text(one.at)} {one.state}" for one in wanted)
    assert told == sorted(filter(None, comes.split(", ")))
    alone = replace(watch, triggers={id_: watch.triggers[id_]})
    found = {engine: run(alone, stream) for engine, run in ENGINES.items() if engine != "desk"}
    assert found == dict.fromkeys(found, wanted)


def test_a_month_with_a_clock_that_goes_back_is_remembered_to_its_end() -> None:
    """October has 31 days and an hour in London: what came in its first hour counts in its last."""
    trigger = "kind: total, on: up, of: 'max(x, 0)', over: month, to: 10, when: total >= 10, message: '{total}'"
    drawn = _drawn(trigger, more="calendar: {timezone: Europe/London}\n")
    arrivals = (
        oracle.Event("a", "up", "1", moment("2025-09-30T23:00:00+00:00"), {"x": Decimal(5)}),
        oracle.Event("b", "up", "2", moment("2025-11-01T23:10:00+00:00"), {"x": Decimal(5)}),
        oracle.Event("c", "up", "1", moment("2025-10-31T23:30:00+00:00"), {"x": Decimal(5)}),
    )
    watch = compiled(drawn)

    for seed in range(3):
        stream = Stream(arrivals, oracle.DAY_US, moment("2025-12-01T00:00:00+00:00"), seed)
        wanted = expected(drawn.documents, stream)

        assert [one.event for one in wanted] == ["c"]
        assert {engine: run(watch, stream) for engine, run in ENGINES.items()} == dict.fromkeys(ENGINES, wanted)


def test_a_deadline_has_the_region_that_was_known_at_its_time() -> None:
    """An event after it that names the region first does not change that, however events come in chunks."""
    trigger = "kind: sequence, steps: [{as: s, on: up}, {absent: down, within: 1 day}], keeps: first, message: '{s.x}'"
    drawn = _drawn(trigger)
    arrivals = (
        oracle.Event("a", "up", "1", _at("01-01"), {"x": Decimal(5)}),
        oracle.Event("b", "up", "1", _at("01-08"), {"x": Decimal(5)}, {}, "苏州"),
        oracle.Event("c", "up", "1", _at("01-18"), {"x": Decimal(5)}),
        oracle.Event("d", "up", "1", _at("01-28"), {"x": Decimal(5)}, {}, "南京"),
    )
    watch = compiled(drawn)

    for seed in range(3):
        stream = Stream(arrivals, 30 * oracle.DAY_US, _at("03-01"), seed)
        wanted = expected(drawn.documents, stream)

        assert [one.region for one in wanted] == ["", "苏州", "苏州", "南京"]
        assert {engine: run(watch, stream) for engine, run in ENGINES.items()} == dict.fromkeys(ENGINES, wanted)


def _drawn(*triggers: str, more: str = "") -> Drawn:
    written = "".join(f"  t{number}: {{{HEAD}{trigger}}}\n" for number, trigger in enumerate(triggers))
    files = {"events.shared.yaml": EVENTS, "rules.ruleset.yaml": f"{RULES}{more}triggers:\n{written}"}
    return Drawn(files, (), (), oracle.DAY_US)


def _event(text: str) -> oracle.Event:
    id_, type_, at, x, *y = text.split()
    values = {"x": Decimal(x), **({"y": Decimal(y[0])} if y else {})}
    return oracle.Event(id_, type_, "C554695123", _at(at), values)


def _at(text: str) -> int:
    return moment(f"2025-{text}")


def _text(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, ZoneInfo("Asia/Shanghai")).strftime("%m-%d")


def test_a_test_that_fails_beside_a_trigger_with_other_keys_says_what_differs(tmp_path: Path) -> None:
    """What the other trigger raised has no such keys; it is not what was expected, and no reason to stop."""
    (tmp_path / "two.ruleset.yaml").write_text(
        """\
ruleset: cn.example.two
source: {standing: example}
in_force: {from: 2026-01-01, through: 2026-01-30}
events:
  told: {lateness: 1 day, keys: [bill], inputs: {amount: {unit: CNY, places: 2, from: 0, to: 1000}}}
  paid: {lateness: 1 day, keys: [bill]}
triggers:
  any: {title: 例, level: info, recipient: billing, kind: event, on: told, when: amount > 0, message: "{amount}"}
  unpaid:
    {title: 例, level: info, recipient: billing, kind: sequence, keeps: first, each: [bill], message: "{bill}",
     steps: [{as: issued, on: told}, {absent: paid, within: 30 days}]}
trigger_tests:
  - name: 期限在最后一天之后
    vouched_by: {who: 手算, from: 1月1日 + 30天 = 1月31日}
    events: [{event: told, at: 2026-01-01, bill: a, amount: 1}]
    until: 2026-03-01
    expect: [{trigger: unpaid, at: 2026-01-31, keys: {bill: a}}, {trigger: any, at: 2026-01-01}]
""",
        "utf-8",
    )
    watch = compile_paths([tmp_path]).watch

    (found,) = run_case(watch, watch.tests[0])

    assert ("unpaid of 1 at 2026-01-31", "raised", "nothing") == (found.what, found.expected, found.got)
