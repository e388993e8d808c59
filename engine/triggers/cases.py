"""The tests of triggers that stand in rule sets, each through three engines.

Takes a test; admits its events as they come, the late and the repeated ones too; gives what the machine, the panel and
the decimals bring otherwise than expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.calendars.local import local_text
from engine.compiler.trigger import EventType, ExpectedWarning, Trigger, TriggerCase, Watch
from engine.evaluator.rows import RowProblem
from engine.triggers.events import Event, RawEvent, read_event
from engine.triggers.machine import Machine, Memory, Raised, text_of, values_of
from engine.triggers.panel import EventColumns, panel
from engine.triggers.reference import reference_run


@dataclass(frozen=True, slots=True)
class Difference:
    """What a test expects and does not get, or gets and does not expect."""

    what: str  # the warning, or the event
    expected: str
    got: str
    engine: str  # machine, panel, decimals; all where they agree; events: before any of them


def run_case(watch: Watch, case: TriggerCase) -> list[Difference]:
    """Run one test and give what is not as expected."""
    triggers = [watch.triggers[id_] for id_ in case.triggers]
    events, refused = admitted(watch.events, case)
    found = [
        Difference(f"event {id_}", case_code, refused.get(id_, "accepted"), "events")
        for id_, case_code in case.refused
        if refused.get(id_) != case_code
    ]
    named = dict(case.refused)
    found += [
        Difference(f"event {id_}", "accepted", code, "events") for id_, code in refused.items() if id_ not in named
    ]
    if found:
        return found
    engines = {
        "machine": by_machine(triggers, events, case.until),
        "panel": list(panel(triggers, columns_of(watch.events, events), case.until)),
        "decimals": [one for trigger in triggers for one in reference_run(trigger, events, case.until)],
    }
    differences = {name: compared(watch, case, raised) for name, raised in engines.items()}
    told = list(differences.values())
    if all(one == told[0] for one in told):
        return [Difference(*one, "all") for one in told[0]]
    return [Difference(*one, name) for name, several in differences.items() for one in several]


def admitted(types: Mapping[str, EventType], case: TriggerCase) -> tuple[list[Event], dict[str, str]]:
    """Take events in the order in which they stand in the test; the refused ones by id, with their codes."""
    lateness = max((one.lateness for one in types.values()), default=0)
    events: dict[str, Event] = {}
    refused: dict[str, str] = {}
    watermark = 0
    for one in case.events:
        raw = RawEvent(
            one.id, one.event, one.account, one.at, dict(one.values), dict(one.keys), one.region, one.ruleset
        )
        event = read_event(types, raw)
        if isinstance(event, RowProblem):
            refused[one.id] = event.code
        elif event.id in events:
            if events[event.id] != event:
                refused[one.id] = "event-id-taken"
        elif event.at < watermark:
            refused[one.id] = "event-too-late"
        else:
            events[event.id] = event
            watermark = max(watermark, event.at - lateness)
    return list(events.values()), refused


def by_machine(triggers: Iterable[Trigger], events: Sequence[Event], until: int) -> list[Raised]:
    """Run triggers over events, one after another."""
    found: list[Raised] = []
    ordered = sorted((event for event in events if event.at < until), key=lambda one: one.order)
    for trigger in triggers:
        machine = Machine(trigger)
        memories: dict[tuple[str, tuple[str, ...]], Memory] = {}
        regions: dict[str, str] = {}
        for event in ordered:
            region = event.region or regions.get(event.account, "")
            key = machine.key_of(event)
            if key is not None:
                # a deadline that has passed belongs to the region before this event
                before = memories.get((event.account, key), machine.start)
                late, raised = machine.on_watermark(
                    before, event.account, key, regions.get(event.account, ""), event.at
                )
                found += raised
                memories[event.account, key], raised = machine.on_event(late, event, key, region)
                found += raised
            regions[event.account] = region
        for (account, key), memory in memories.items():
            _, raised = machine.on_watermark(memory, account, key, regions[account], until)
            found += raised
    return sorted(found, key=lambda one: one.order)


def columns_of(types: Mapping[str, EventType], events: Sequence[Event]) -> list[EventColumns]:
    """Lay events out in columns, by type."""
    found = []
    for name, type_ in types.items():
        own = [event for event in events if event.type == name]
        if own:
            values = {spec.name: [event.values[at] for event in own] for at, spec in enumerate(type_.inputs)}
            found.append(
                EventColumns(
                    name,
                    np.array([event.id for event in own], object),
                    np.array([event.account for event in own], object),
                    np.array([event.at for event in own], np.int64),
                    {one: np.array([value or 0 for value in column], np.int64) for one, column in values.items()},
                    {one: np.array([value is not None for value in column]) for one, column in values.items()},
                    {key: np.array([event.keys[at] for event in own], object) for at, key in enumerate(type_.keys)},
                    np.array([event.region for event in own], object),
                    np.array([event.ruleset for event in own], object),
                )
            )
    return found


def compared(watch: Watch, case: TriggerCase, raised: Sequence[Raised]) -> list[tuple[str, str, str]]:
    """Give what was raised otherwise than expected: what, expected, got."""
    left = list(raised)
    found: list[tuple[str, str, str]] = []
    for expected in case.expect:
        got = next((one for one in left if _is(watch.triggers[expected.trigger], expected, one)), None)
        what = _named(watch.triggers[expected.trigger], expected.state, expected.account, expected.at)
        if got is None:
            found.append((what, expected.state, "nothing"))
            continue
        left.remove(got)
        values = values_of(watch.triggers[expected.trigger], got)
        for name, text in expected.values:
            if values.get(name) != text:
                found.append((f"{what}: {name}", text, values.get(name, "nothing")))
        message = text_of(watch.triggers[expected.trigger], got)
        if expected.message and message != expected.message:
            found.append((f"{what}: message", expected.message, message))
    found += [
        (_named(watch.triggers[one.trigger], one.state, one.account, one.at), "nothing", one.state) for one in left
    ]
    return found


def _is(trigger: Trigger, expected: ExpectedWarning, one: Raised) -> bool:
    told = (expected.trigger, expected.account, expected.at, expected.state)
    if (one.trigger, one.account, one.at, one.state) != told:
        return False
    keys = dict(zip(trigger.each, one.key, strict=True))  # of another trigger there may be others
    return all(keys[name] == value for name, value in expected.keys)


def _named(trigger: Trigger, state: str, account: str, at: int) -> str:
    """Name a warning, with its time as the rule set's place has it."""
    what = "" if state == "raised" else " (cleared)"
    return f"{trigger.name} of {account} at {local_text(at, trigger.timezone)}{what}"
