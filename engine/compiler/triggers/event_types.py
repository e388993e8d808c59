"""Events as declared become event types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from engine.compiler.assemble import RESERVED as WORDS
from engine.compiler.inputs import default_of, input_type
from engine.compiler.program import InputSpec
from engine.compiler.trigger import EventType, FromRow
from engine.language.models import EventRule, Input
from engine.language.nodes import Text
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean

RESERVED: Final = ("id", "event", "account", "at", "region", "ruleset", "total", "days_passed", "days_in_period")
NO_SUGGESTION: Final = {"suggestion": "", "suggestion_zh": ""}
_NOT_OF_EVENTS: Final = ("needed_when", "ignored_when", "carried", "split")


def event_types(rules: Mapping[Text, EventRule], problems: list[Problem]) -> dict[str, EventType]:
    """Read the events that documents declare; what is wrong with one is told, and it is left out."""
    found: dict[str, EventType] = {}
    for name, rule in rules.items():
        try:
            found[str(name)] = _event_type(name, rule)
        except ProblemsFound as bad:
            problems += bad.problems
    return found


def _event_type(name: Text, rule: EventRule) -> EventType:
    problems: list[Problem] = []
    names: dict[str, Text] = {}
    for one in (*rule.keys, *rule.inputs):
        if str(one) in RESERVED:
            problems.append(problem("event-name-taken", one.place, None, name=one))
        elif str(one) in names:
            problems.append(problem("name-twice", one.place, names[str(one)].place, name=one))
        names[str(one)] = one
    inputs = []
    for own, given in rule.inputs.items():
        try:
            inputs.append(input_spec(own, given))
        except ProblemsFound as bad:
            problems += bad.problems
    if rule.from_rows is not None and not problems:
        problems += _rows(rule, inputs)
    if problems:
        raise ProblemsFound(problems)
    rows = tuple(FromRow(str(one), tuple(map(str, given))) for one, given in (rule.from_rows or {}).items())
    keys = tuple(str(key) for key in rule.keys)
    return EventType(str(name), str(rule.title or name), keys, tuple(inputs), rule.lateness, rows, name.place)


def input_spec(name: Text, given: Input) -> InputSpec:
    """Read an input of an event."""
    if str(name) in WORDS:
        raise ProblemsFound([problem("name-reserved", name.place, None, text=name)])
    for key in _NOT_OF_EVENTS:
        if getattr(given, key) is not None:
            raise ProblemsFound([problem("event-input", given.place_of(key), None, key=key)])
    type_ = input_type(str(name), given.type or ("code" if given.codes else "decimal"), given, name.place)
    default = None if given.default is None else default_of(str(name), given.default, type_)
    titles = tuple(str(title) for title in (given.codes or {}).values())
    optional = given.optional or given.default is not None
    return InputSpec(str(name), replace(type_), str(given.title or ""), default, optional, name.place, titles)


def _rows(rule: EventRule, inputs: list[InputSpec]) -> list[Problem]:
    """What is wrong with how rows of a run become events."""
    assert rule.from_rows is not None
    known = ", ".join(spec.name for spec in inputs)
    place = rule.place_of("from_rows")
    if rule.keys:
        told = {"what": "the event has keys, which no row gives", "what_zh": "事件有键，账单行没有"}
        return [problem("from-rows-input", place, None, known=known, **told, **NO_SUGGESTION)]
    found = []
    names = {spec.name for spec in inputs}
    for name in rule.from_rows:
        if str(name) not in names:
            near = did_you_mean(str(name), names)
            told = {"what": f"`{name}` is no input of the event", "what_zh": f"`{name}` 不是事件的输入"}
            found.append(problem("from-rows-input", name.place, None, known=known, **told, **near))
    given = {str(name) for name in rule.from_rows}
    for spec in inputs:
        if spec.name not in given and spec.default is None and not spec.optional:
            told = {"what": f"`{spec.name}` is not given", "what_zh": f"没有给出 `{spec.name}`"}
            found.append(problem("from-rows-input", place, None, known=known, **told, **NO_SUGGESTION))
    return found
