"""durable_rules gives what the built-in correlator gives, to the last value, and loses nothing where its process dies.

These tests need the extra `durable` (`make install-durable`) and are run where they are named, as CI does:
`pytest tests/triggers/durable`. What the library is refused for is in tests/triggers/test_durable_refusals.py.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.compiler.trigger import DAY_US, Watch
from engine.language.problems import ProblemsFound
from engine.registry.database import Database
from engine.triggers.events import Event, RawEvent, read_event
from engine.warnings.built_in import BuiltIn
from engine.warnings.correlator import Correlator
from engine.warnings.desk import Desk
from engine.warnings.durable import Durable
from engine.warnings.durable_child import hash_of
from engine.warnings.durable_plan import durable_problems
from engine.warnings.durable_process import Child
from engine.warnings.warning import WarningRecord
from tests.triggers.drawing import ACCOUNTS, draw_events, draw_files
from tests.triggers.durable.standing import Held, compiled, read_events, watched
from tests.triggers.four import BEGIN, chunks, end, stream

COLLIDING = ("C554695123", "C884777665")
NOW = BEGIN + 400 * DAY_US


@contextmanager
def durable(watch: Watch, **more: Any) -> Iterator[Durable]:
    correlator = Durable(watch, **more)
    try:
        yield correlator
    finally:
        correlator.close()


def accepted(watch: Watch) -> Watch:
    """What durable_rules takes of drawn triggers."""
    refused = {one.parameters["trigger"] for one in durable_problems(watch)}
    return replace(watch, triggers={name: one for name, one in watch.triggers.items() if name not in refused})


def released(watch: Watch, raws: list[RawEvent]) -> list[Event]:
    """Events in order."""
    read = [read_event(watch.events, raw) for raw in raws]
    return sorted((one for one in read if isinstance(one, Event)), key=lambda one: one.order)


@pytest.mark.parametrize("seed", range(6))
def test_drawn_triggers_over_drawn_events_are_watched_alike(seed: int) -> None:
    """Every warning and all that is remembered are the same: values, regions, keys, what is raised and cleared."""
    random = Random(seed)
    drawn = draw_files(random)
    watch = accepted(compiled(drawn.files))
    events = read_events(watch.events, draw_events(random, drawn, 60))
    until = events[-1].at + 400 * DAY_US
    by_built_in, by_durable = Held(), Held()

    expected = watched(BuiltIn(watch), events, until, Random(seed), by_built_in)
    with durable(watch) as correlator:
        found = watched(correlator, events, until, Random(seed), by_durable)

    assert expected == found
    assert by_built_in.accounts == by_durable.accounts
    assert len(watch.triggers) >= 3
    assert expected
    assert 1 == correlator.started


def test_drawn_accounts_share_a_hash_of_the_library() -> None:
    """So that all of the above is about accounts that durable_rules by itself mixes up."""
    assert hash_of(COLLIDING[0]) == hash_of(COLLIDING[1])
    assert set(COLLIDING) <= set(ACCOUNTS)


def test_accounts_whose_hash_is_the_same_stay_apart(four: Watch) -> None:
    """One has risen twice and the other once: by a common state that would be three rises."""
    rows = [(0, 0, "100"), (1, 0, "50"), (0, 30, "110"), (1, 30, "60"), (0, 60, "120"), (0, 90, "90")]
    raws = [
        RawEvent(f"e{number}", "usage_recorded", COLLIDING[which], BEGIN + day * DAY_US, {"energy": energy})
        for number, (which, day, energy) in enumerate(rows)
    ]
    third = RawEvent("last", "usage_recorded", COLLIDING[1], BEGIN + 61 * DAY_US, {"energy": "70"})
    fourth = RawEvent("more", "usage_recorded", COLLIDING[1], BEGIN + 91 * DAY_US, {"energy": "80"})

    with durable(four) as correlator:
        none = watched(correlator, released(four, raws), NOW, Random(1))
        correlator.resume(lambda _since, _at: (), 0)
        one = watched(correlator, released(four, [*raws, third, fourth]), NOW, Random(1))

    assert [] == none
    assert [(COLLIDING[1], "more")] == [(found.account, found.event) for found in one]


def test_the_four_triggers_warn_as_by_hand(four: Watch) -> None:
    """Three rises; a bill unpaid at its thirtieth day; demand over contract twice; a low balance, then a surge."""
    rows: list[tuple[str, int, dict[str, object], dict[str, object]]] = [
        ("usage_recorded", 0, {"energy": "100"}, {}),
        ("usage_recorded", 30, {"energy": "110.01"}, {}),
        ("usage_recorded", 60, {"energy": "110.02"}, {}),
        ("bill_issued", 61, {"amount": "80.5"}, {"bill": "b1"}),
        ("payment_received", 62, {"amount": "80.49"}, {"bill": "b1"}),  # too little: it clears, and answers nothing
        ("demand_recorded", 63, {"demand": "101", "contract": "100"}, {}),
        ("usage_recorded", 90, {"energy": "133.1"}, {}),
        ("balance_reported", 100, {"balance": "29.99"}, {}),
        ("balance_reported", 102, {"balance": "-1"}, {}),
        ("usage_recorded", 105, {"energy": "400.01"}, {}),  # three days to the second after the latest
        ("demand_recorded", 428, {"demand": "120.5", "contract": "100"}, {}),  # 365 days after the first
    ]
    raws = [
        RawEvent(f"e{number}", type_, "户号甲", BEGIN + day * DAY_US, values, keys)
        for number, (type_, day, values, keys) in enumerate(rows)
    ]

    with durable(four) as correlator:
        found = watched(correlator, released(four, raws), BEGIN + 500 * DAY_US, Random(1))

    assert [
        ("rise3", 90, "e6", (11002, 13310)),
        ("arrears30", 91, "", (8050,)),
        ("lowsurge", 105, "e9", (-100, 40001)),
        ("demand2", 428, "e10", (120500, 100000)),
    ] == [(one.trigger.partition(":")[2], (one.at - BEGIN) // DAY_US, one.event, one.values) for one in found]


OPTIONAL = """\
ruleset: cn.test.optional
title: 可以不给的数
source: {standing: example}
in_force: {from: 2020-01-01, until_replaced: true}
events:
  fed:  {lateness: 1 day, inputs: {x: {unit: kWh, places: 2, from: 0, to: 1000, optional: true}}}
  sold: {lateness: 1 day, inputs: {x: {unit: kWh, places: 2, from: 0, to: 1000, optional: true}}}
triggers:
  loss:
    kind: pair
    title: 线损
    level: yellow
    recipient: inspection
    message: 供 {a.x}，售 {b.x}
    one: {as: a, on: fed}
    other: {as: b, on: sold}
    joined_when: a.x > b.x
    within: 10 days
"""


def test_a_side_without_the_value_that_is_compared_replaces_the_one_before() -> None:
    """The later one of a side replaces the earlier, whether or not the two sides can be compared."""
    watch = compiled({"watch.ruleset.yaml": OPTIONAL})
    rows = [("fed", {"x": "9"}), ("fed", {}), ("sold", {"x": "5"}), ("fed", {"x": "6"})]
    raws = [RawEvent(f"e{day}", type_, "1", BEGIN + day * DAY_US, values) for day, (type_, values) in enumerate(rows)]

    with durable(watch) as correlator:
        found = watched(correlator, released(watch, raws), NOW, Random(1))

    assert [("e3", (600, 500))] == [(one.event, one.values) for one in found]
    assert found == watched(BuiltIn(watch), released(watch, raws), NOW, Random(1))


def test_more_accounts_than_a_rule_set_holds_are_watched_alike(four: Watch) -> None:
    """The library holds 1,024 sessions in a rule set, and here it has more accounts than that."""
    raws = stream(5_000, 1_100, seed=3)
    events = released(four, raws)
    until = end(5_000, 1_100)

    expected = watched(BuiltIn(four), events, until, Random(2))
    with durable(four) as correlator:
        found = watched(correlator, events, until, Random(2))

    assert expected == found
    assert len(expected) > 100


def test_a_child_that_grows_too_large_is_followed_by_another(four: Watch) -> None:
    """Nothing is lost with it: what is remembered is told to the next."""
    raws = stream(700, 140, seed=4)
    events = released(four, raws)
    until = end(700, 140)

    expected = watched(BuiltIn(four), events, until, Random(2))
    with durable(four, memory_bytes=64 << 20) as correlator:
        found = watched(correlator, events, until, Random(2))

    assert expected == found
    assert correlator.started > 2


def test_one_correlator_takes_over_from_the_other_at_any_chunk(four: Watch) -> None:
    """What is remembered means the same to both."""
    events = released(four, stream(1_500, 40, seed=5))
    until = end(1_500, 40)
    expected = watched(BuiltIn(four), events, until, Random(2))
    built_in, memories, found = BuiltIn(four), Held(), []

    with durable(four) as correlator:
        engines: list[Correlator] = [built_in, correlator]
        for number, first in enumerate(range(0, len(events), 100)):
            last = first + 100 >= len(events)
            watermark = until if last else events[first + 100].at
            engine = engines[number % 2]
            engine.resume(lambda _since, _at: (), 0)
            found += engine.process(memories, events[first : first + 100], watermark)

    assert sorted(one.order for one in expected) == sorted(one.order for one in found)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):  # it was put away meanwhile
        os.kill(pid, signal.SIGKILL)


class Dying:
    """Kills the child at every so many questions: as it is asked, while it works, or once it has answered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, every: int) -> None:
        self.deaths = 0
        self._every, self._asked, self._ask = every, 0, Child.ask
        monkeypatch.setattr(Child, "ask", lambda child, told: self.ask(child, told))

    def ask(self, child: Child, told: Any) -> dict[str, Any]:
        self._asked += 1
        if self._asked % self._every:
            return self._ask(child, told)
        self.deaths += 1
        if self.deaths % 3 == 0:
            answer = self._ask(child, told)
            _kill(child.pid)
            return answer
        pause = 0.002 if self.deaths % 3 == 1 else 0.0
        killer = threading.Timer(pause, _kill, (child.pid,))
        killer.start()
        if not pause:
            killer.join()
        try:
            return self._ask(child, told)
        finally:
            killer.join()


def kept(desk: Desk) -> list[WarningRecord]:
    """All warnings, in an order of their own."""
    return sorted((replace(one, seq=0) for one in desk.warnings(limit=100_000)), key=lambda one: one.id)


def test_a_child_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    four: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A desk on a file, events out of order and sent twice, the child killed at every seventh question."""
    raws, until = stream(1_200, 30, seed=6), end(1_200, 30)
    with ExitStack() as closing:

        def desk(name: str, correlator: Correlator) -> Desk:
            database = Database(f"sqlite:///{tmp_path / name}.sqlite")
            closing.callback(database.close)
            made = Desk(database, four, correlator)
            closing.callback(made.close)
            return made

        undisturbed = desk("built-in", BuiltIn(four))
        for chunk in chunks(raws, 60):
            undisturbed.record(chunk, until)
        undisturbed.record([], until, complete_until=until)
        dying = Dying(monkeypatch, 7)
        disturbed = desk("durable", Durable(four))
        for chunk in chunks(raws, 60):
            disturbed.record(chunk, until)
            if dying.deaths % 2:
                again = disturbed.record(chunk, until)
                assert 0 == again.accepted
        disturbed.record([], until, complete_until=until)

        assert kept(undisturbed) == kept(disturbed)
        assert len(kept(disturbed)) > 50
        assert dying.deaths >= 3
        assert disturbed.replay().equal


def test_a_child_that_dies_each_time_ends_the_chunk_and_nothing_is_kept(
    four: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the same events are taken, by a child that lives."""
    raws, until = stream(200, 5, seed=8), end(200, 5)
    with ExitStack() as closing:
        database = Database(f"sqlite:///{tmp_path / 'desk'}.sqlite")
        closing.callback(database.close)
        desk = Desk(database, four, Durable(four))
        closing.callback(desk.close)
        with monkeypatch.context() as dying:
            Dying(dying, 1)
            with pytest.raises(ProblemsFound, match="durable-stopped: durable_rules stopped 3 times"):
                desk.record(raws, until, complete_until=until)
        assert (0, 0) == (desk.status().events, desk.status().cursor)

        recorded = desk.record(raws, until, complete_until=until)

        assert (200, 0) == (recorded.accepted, recorded.duplicates)
        assert recorded.warnings > 0
