"""Tests of triggers as written in a rule set: events, and the warnings that they bring."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from engine.calendars.local import moment
from engine.compiler.trigger import EventType, ExpectedWarning, Trigger, TriggerCase, TriggerEvent
from engine.language.models import ExpectedRule, TriggerTest
from engine.language.nodes import Map, Text
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean

T = TypeVar("T")

_LOCAL: Final = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?")
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_OWN: Final = ("event", "id", "account", "at", "region", "ruleset")


def trigger_cases(
    tests: Sequence[TriggerTest],
    key: str,
    triggers: Mapping[str, Trigger],
    types: Mapping[str, EventType],
    zone: str,
    problems: list[Problem],
) -> list[TriggerCase]:
    """Read the tests of one rule set.

    Args:
        tests: as written.
        key: of the rule set in its rate book.
        triggers: of the rule set, by name.
        types: event types that it knows.
        zone: in which times without a zone are.
        problems: to which what is wrong is added.
    """
    found = []
    for test in tests:
        try:
            found.append(_case(test, key, triggers, types, zone))
        except ProblemsFound as bad:
            problems += bad.problems
    return found


def _case(
    test: TriggerTest, key: str, triggers: Mapping[str, Trigger], types: Mapping[str, EventType], zone: str
) -> TriggerCase:
    problems: list[Problem] = []

    def tried(make: Callable[[], T]) -> list[T]:
        """What is made, if it can be; else what is wrong with it is told with the rest."""
        try:
            return [make()]
        except ProblemsFound as bad:
            problems.extend(bad.problems)
            return []

    named = [one for name in test.triggers or () for one in tried(partial(_trigger, name, triggers))]
    asked = list(triggers) if test.triggers is None else named
    own = key if any(triggers[name].own for name in asked) else ""
    nodes = enumerate(test.events, 1)
    events = [one for number, node in nodes for one in tried(partial(_event, node, number, types, zone, own))]
    until = tried(partial(_time, test.until, zone))
    expect = [one for rule in test.expect for one in tried(partial(_expected, rule, key, triggers, asked, zone))]
    ids = {one.id for one in events}
    for name in test.refused if not problems else ():
        if str(name) not in ids:
            near = did_you_mean(str(name), ids)
            told = {"what": "event", "what_zh": "事件", "name": name, "known": ", ".join(sorted(ids)), **near}
            problems.append(problem("trigger-test-name", name.place, None, **told))
    if problems:
        raise ProblemsFound(problems)
    return TriggerCase(
        str(test.name),
        key,
        tuple(f"{key}:{name}" for name in asked),
        tuple(events),
        until[0],
        tuple(expect),
        tuple((str(event), str(code)) for event, code in test.refused.items()),
        (("who", str(test.vouched_by.who)), ("from", str(test.vouched_by.from_))),
        test.place,
    )


def _trigger(name: Text, triggers: Mapping[str, Trigger]) -> str:
    if str(name) not in triggers:
        told = {"what": "trigger", "what_zh": "触发器", "name": name, "known": ", ".join(triggers) or "-"}
        near = did_you_mean(str(name), triggers)
        raise ProblemsFound([problem("trigger-test-name", name.place, None, **told, **near)])
    return str(name)


def _event(node: object, number: int, types: Mapping[str, EventType], zone: str, ruleset: str) -> TriggerEvent:
    if not isinstance(node, Map) or not all(isinstance(value, Text) for value in node.values()):
        place = node.place if isinstance(node, Map | Text) else None
        raise ProblemsFound([problem("trigger-test-event", place)])
    given = {str(name): value for name, value in node.items() if isinstance(value, Text)}
    if "event" not in given or "at" not in given:
        raise ProblemsFound([problem("trigger-test-event", node.place)])
    type_ = types.get(str(given["event"]))
    if type_ is None:
        name = given["event"]
        known, near = ", ".join(sorted(types)) or "-", did_you_mean(str(name), types)
        raise ProblemsFound([problem("unknown-event-type", name.place, None, name=name, known=known, **near)])
    fields = [*type_.keys, *(spec.name for spec in type_.inputs)]
    for name in node:
        if str(name) not in (*_OWN, *fields):
            told = {"what": "field", "what_zh": "字段", "name": name, "known": ", ".join(fields) or "-"}
            near = did_you_mean(str(name), fields)
            raise ProblemsFound([problem("trigger-test-name", name.place, None, **told, **near)])
    return TriggerEvent(
        type_.name,
        str(given.get("id", f"e{number}")),
        str(given.get("account", "1")),
        _time(given["at"], zone),
        tuple((name, str(given[name])) for name in type_.keys if name in given),
        tuple((spec.name, str(given[spec.name])) for spec in type_.inputs if spec.name in given),
        str(given.get("region", "")),
        str(given.get("ruleset", ruleset)),
        node.place,
    )


def _expected(
    rule: ExpectedRule, key: str, triggers: Mapping[str, Trigger], asked: Sequence[str], zone: str
) -> ExpectedWarning:
    name = _trigger(rule.trigger, {one: triggers[one] for one in asked})
    trigger = triggers[name]
    named = [value for value, _ in trigger.values]
    for value in rule.values:
        if str(value) not in named:
            told = {"what": "value in the message", "what_zh": "消息中的数值", "name": value}
            told |= {"known": ", ".join(named) or "-", **did_you_mean(str(value), named)}
            raise ProblemsFound([problem("trigger-test-name", value.place, None, **told)])
    for one in rule.keys:
        if str(one) not in trigger.each:
            told = {"what": "key", "what_zh": "键", "name": one, "known": ", ".join(trigger.each) or "-"}
            near = did_you_mean(str(one), trigger.each)
            raise ProblemsFound([problem("trigger-test-name", one.place, None, **told, **near)])
    return ExpectedWarning(
        f"{key}:{name}",
        str(rule.account or "1"),
        _time(rule.at, zone),
        rule.state,
        tuple((str(one), str(value)) for one, value in rule.keys.items()),
        tuple((str(one), str(value)) for one, value in rule.values.items()),
        str(rule.message or ""),
    )


def _time(text: Text, zone: str) -> int:
    """A time as written: local time of the rule set's zone, or with a zone of its own."""
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError:
        read = None
    at = None
    if read is not None and read.tzinfo is not None:
        at = (read - _EPOCH) // timedelta(microseconds=1)
    elif read is not None and _LOCAL.fullmatch(str(text)):
        at = moment(read, zone)
    if at is None:
        raise ProblemsFound([problem("trigger-test-time", text.place, None, text=text)])
    return at
