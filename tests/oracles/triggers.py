"""Warnings over time in plain Decimal: which warnings a list of events brings, as docs/warnings.md says it.

Takes rule files as PyYAML reads them, text by text, and events with decimals; gives every warning. Each trigger,
account and key is looked at by itself, over the whole sorted list of its events, twice: first when its pattern is
complete, which does not depend on what was raised; then which of those moments raise a warning and which events clear
one. Slow and short.

It knows no units but their scales, proves no bounds and refuses no rules: what it is given compiles.
"""

from __future__ import annotations

import ast
import json
import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from functools import cache
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.oracles.amounts import ZERO, hundred_digits

Value = Decimal | bool | str
Document = Mapping[str, Any]

DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DURATIONS = {"week": 7 * DAY_US, "day": DAY_US, "hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000}
_SCALES = {"fen": Decimal("0.01"), "percent": Decimal("0.01"), "MWh": Decimal(1000), "MW": Decimal(1000)}
_ROUNDINGS = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
}


@dataclass(frozen=True)
class Event:
    """What happened. `at` [us since 1970-01-01 UTC]; a value that is not given is not in `values`."""

    id: str
    type: str
    account: str
    at: int
    values: Mapping[str, Value] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    ruleset: str = ""


@dataclass(frozen=True)
class Warned:
    """A warning raised or cleared. `values`: name in the message -> value, None where it cannot be computed."""

    trigger: str
    state: str
    account: str
    key: tuple[str, ...]
    at: int
    event: str  # "" where a deadline completed it
    region: str = ""  # what the account's events last said up to then
    values: Mapping[str, Value | None] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same for the same warning, however often it is found."""
        parts = [self.trigger, self.state, self.account, list(self.key), self.at, self.event]
        return sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Complete:
    """A pattern that is complete: when, at which event (None: at a deadline), with the events that made it so."""

    at: int
    event: Event | None
    named: Mapping[str, Event] = field(default_factory=dict)
    more: Mapping[str, Value] = field(default_factory=dict)


class CannotBeComputed(Exception):
    """A value is absent, a divisor is zero, or no number is in force."""


@hundred_digits
def warnings_of(documents: Sequence[Document], events: Iterable[Event], until: int) -> list[Warned]:
    """Return every warning that the triggers of the documents raise or clear.

    Args:
        documents: rule sets and the shared files that they use, as `yaml.load(text, yaml.BaseLoader)` gives them.
        events: in any order, each once.
        until: everything before has come [us]: events before it count, deadlines before it pass.
    """
    before = sorted((event for event in events if event.at < until), key=lambda event: (event.at, event.id))
    shared = {document["shared"]: document for document in documents if "shared" in document}
    found: list[Warned] = []
    for document in documents:
        for name, declared in document.get("triggers", {}).items() if "ruleset" in document else ():
            found += _Trigger(document, [shared[one] for one in document.get("uses", ())], name, declared).of(
                before, until
            )
    found = [replace(one, region=_region(before, one)) for one in found]
    return sorted(found, key=lambda one: (one.at, one.account, one.trigger, one.key, one.state))


def _region(events: Sequence[Event], warned: Warned) -> str:
    """Return the region that the account's events last said, up to a warning's own event or deadline."""
    until = (warned.at, warned.event) if warned.event else (warned.at + 1, "")
    said = [e.region for e in events if e.account == warned.account and e.region and (e.at, e.id) <= until]
    return said[-1] if said else ""


def accepted(arrivals: Iterable[Event], lateness: int) -> tuple[list[Event], dict[str, str], int]:
    """Return what becomes of events that come one after another.

    Args:
        arrivals: in the order in which they come.
        lateness: how long after a later event one may come [us].

    Returns:
        The events that are taken, by id why others are refused, and the watermark: everything before has come [us].
    """
    taken: dict[str, Event] = {}
    refused: dict[str, str] = {}
    watermark = 0
    for event in arrivals:
        if event.id in taken:
            if event != taken[event.id]:
                refused[event.id] = "event-id-taken"
        elif event.at < watermark:
            refused[event.id] = "event-too-late"
        else:
            taken[event.id] = event
            watermark = max(watermark, event.at - lateness)
    return list(taken.values()), refused, watermark


def duration(text: str) -> int:
    """Return a duration [us].

    >>> duration("30 days") == 30 * DAY_US, duration("1 hour")
    (True, 3600000000)
    """
    number, unit = text.split()
    return int(number) * _DURATIONS[unit.removesuffix("s")]


class _Trigger:
    """One trigger, with what stands around it in its file and the files that this uses."""

    def __init__(self, document: Document, uses: Sequence[Document], name: str, declared: Document) -> None:
        self.id, self.declared, self.kind = f"{document['ruleset']}:{name}", declared, str(declared["kind"])
        self.each: Sequence[str] = declared.get("each", ())
        self.ruleset = str(document["ruleset"]) if "charges" in document else ""
        self.days = document["in_force"]
        files = [*uses, document]
        self.zone = ZoneInfo(next((one["calendar"]["timezone"] for one in files if "calendar" in one), "Asia/Shanghai"))
        self.types: dict[str, Document] = {}
        self.figures: dict[str, Document] = {}
        self.quantities: dict[str, Any] = {}
        for one in files:
            self.types |= one.get("events", {})
            self.figures |= one.get("values", {})
            self.quantities |= one.get("quantities", {})
        self.quantities |= declared.get("quantities", {})
        self.codes = {
            code
            for one in self.types.values()
            for spec in one.get("inputs", {}).values()
            for code in spec.get("codes", ())
        }

    def of(self, events: Iterable[Event], until: int) -> list[Warned]:
        """Return the trigger's warnings, account by account and key by key."""
        groups: dict[tuple[str, tuple[str, ...]], list[Event]] = {}
        for event in events:
            if (
                event.type in self.watched()
                and self.ruleset in ("", event.ruleset)
                and self.in_force(self.day(event.at))
            ):
                key = tuple(event.keys[name] for name in self.each)
                groups.setdefault((event.account, key), []).append(self.filled(event))
        return [one for (account, key), its in groups.items() for one in self.warned(account, key, its, until)]

    def watched(self) -> set[str]:
        """Return the event types that the trigger names anywhere."""
        named = [self.declared, *self.declared.get("steps", ())]
        named += [self.declared[key] for key in ("one", "other", "unless", "clears") if key in self.declared]
        return {str(one[key]) for one in named for key in ("on", "absent") if key in one}

    def filled(self, event: Event) -> Event:
        """Return the event with the values that its type has where none is given."""
        inputs = self.types[event.type].get("inputs", {})
        usual = {name: _read(spec["default"]) for name, spec in inputs.items() if "default" in spec}
        return replace(event, values={**usual, **event.values})

    def day(self, at: int) -> date:
        """Return the local day of a time."""
        return (_EPOCH + timedelta(microseconds=at)).astimezone(self.zone).date()

    def in_force(self, day: date) -> bool:
        """Say whether the rule set counts on a day."""
        return (
            date.fromisoformat(self.days["from"]) <= day <= date.fromisoformat(self.days.get("through", "9999-12-31"))
        )

    # From the moments when the pattern is complete to the warnings.

    def warned(self, account: str, key: tuple[str, ...], events: Sequence[Event], until: int) -> list[Warned]:
        """Return the warnings of one account and key."""
        patterns: dict[str, Callable[[Sequence[Event], int], list[Complete]]] = {
            "event": self.event,
            "trend": self.trend,
            "count": self.count,
            "sequence": self.sequence,
            "pair": self.pair,
            "total": self.total,
        }
        # At one time come events in their order, then what a deadline at that time completes. At one event comes the
        # clearing, then the pattern.
        moments: list[tuple[tuple[int, int, str, int], Complete | None, Event | None]] = [
            ((one.at, 1, "", 1) if one.event is None else (one.at, 0, one.event.id, 1), one, None)
            for one in patterns[self.kind](events, until)
        ]
        clears = self.declared.get("clears")
        if clears:
            moments += [((e.at, 0, e.id, 0), None, e) for e in events if self.fits(clears, e)]
        held, last_raised = False, None
        cool_down = duration(self.declared.get("cool_down", "0 days"))
        found: list[Warned] = []
        for _, complete, clearing in sorted(moments, key=lambda one: one[0]):
            if clearing is not None and held:
                held = False
                found.append(Warned(self.id, "cleared", account, key, clearing.at, clearing.id))
            if complete is not None:
                cooling = last_raised is not None and complete.at - last_raised < cool_down
                if cooling or (clears and held):
                    continue
                held, last_raised = True, complete.at
                event = "" if complete.event is None else complete.event.id
                found.append(Warned(self.id, "raised", account, key, complete.at, event, "", self.told(complete)))
        return found

    def told(self, complete: Complete) -> dict[str, Value | None]:
        """Return what the message names."""
        found: dict[str, Value | None] = {}
        for name in re.findall(r"\{([a-z_][\w.]*)\}", self.declared["message"]):
            if name in self.each:
                continue  # a key is told as it came
            try:
                found[name] = self.value(_tree(name), name, complete)
            except CannotBeComputed:
                found[name] = None
        return found

    # The kinds: when each is complete.

    def event(self, events: Sequence[Event], until: int) -> list[Complete]:
        """At each event that fits."""
        return [Complete(event.at, event) for event in events if self.fits(self.declared, event)]

    def trend(self, events: Sequence[Event], until: int) -> list[Complete]:
        """Where the last `times` events fitted, each near enough to the one before."""
        its = [event for event in events if event.type == self.declared["on"]]
        gap, times = duration(self.declared["at_most_apart"]), int(self.declared["times"])
        compares = self.names_previous(self.formula("when"))

        def linked(at: int) -> bool:
            return at > 0 and its[at].at - its[at - 1].at <= gap

        def fits(at: int) -> bool:
            named = {"previous": its[at - 1]} if linked(at) else {}
            return (linked(at) or not compares) and self.fits(self.declared, its[at], named)

        found = []
        for last, event in enumerate(its):
            run, at = 0, last
            while fits(at):
                run += 1
                if not linked(at):
                    break
                at -= 1
            if run >= times:
                found.append(Complete(event.at, event, {"previous": its[last - 1]} if linked(last) else {}))
        return found

    def names_previous(self, formula: str) -> bool:
        """Say whether a formula compares with the event before, itself or by a quantity that it names."""
        words = set(re.findall(r"[a-z_]\w*", formula))
        named = [self.quantities[word] for word in words & set(self.quantities)]
        return "previous" in words or any(
            self.names_previous(one if isinstance(one, str) else one["formula"]) for one in named
        )

    def count(self, events: Sequence[Event], until: int) -> list[Complete]:
        """At an event that fits, where `times` - 1 before it fitted, the first of them not longer ago than `within`."""
        fitting = [event for event in events if self.fits(self.declared, event)]
        within, before = duration(self.declared["within"]), int(self.declared["times"]) - 1
        return [
            Complete(event.at, event)
            for at, event in enumerate(fitting)
            if at >= before and event.at - fitting[at - before].at <= within
        ]

    def sequence(self, events: Sequence[Event], until: int) -> list[Complete]:
        """Step after step; at the last one, or where an absent event did not come in time."""
        steps = self.declared["steps"]
        latest = self.declared.get("keeps", "first") == "latest"
        taken: list[Event] = []  # of the one match that is open
        found: list[Complete] = []

        def named() -> dict[str, Event]:
            return {step["as"]: event for step, event in zip(steps, taken, strict=False) if "as" in step}

        def absent() -> bool:
            return bool(taken) and "absent" in steps[len(taken)]

        def passes(now: int) -> None:
            """Let the time of the step that is waited for run out."""
            nonlocal taken
            if taken and "within" in steps[len(taken)]:
                end = taken[-1].at + duration(steps[len(taken)]["within"])
                if now > end:
                    if absent() and self.in_force(
                        self.day(end)
                    ):  # after the rules nothing is looked at that could answer
                        found.append(Complete(end, None, named()))
                    taken = []

        for event in events:
            passes(event.at)
            unless = self.declared.get("unless")
            if taken and unless and self.fits(unless, event, named()):
                taken = []
                continue
            if taken and self.fits(steps[len(taken)], event, named()):
                if absent():
                    taken = []
                else:
                    taken.append(event)
                    if len(taken) == len(steps):
                        found.append(Complete(event.at, event, named()))
                        taken = []
                    continue
            if (not taken or (len(taken) == 1 and latest)) and self.fits(steps[0], event):
                taken = [event]
        if absent():
            passes(until)
        return found

    def pair(self, events: Sequence[Event], until: int) -> list[Complete]:
        """Two events in either order that belong together."""
        sides = {"one": self.declared["one"], "other": self.declared["other"]}
        within = duration(self.declared["within"])
        latest: dict[str, Event] = {}
        found: list[Complete] = []
        for event in events:
            side = next((side for side, step in sides.items() if self.fits(step, event)), None)
            if side is None:
                continue
            latest[side] = event
            near = len(latest) == 2 and abs(latest["one"].at - latest["other"].at) <= within
            named = {sides[one]["as"]: latest[one] for one in latest}
            if near and self.holds(self.formula("joined_when"), Complete(event.at, event, named)):
                found.append(Complete(event.at, event, named))
                latest = {}
        return found

    def total(self, events: Sequence[Event], until: int) -> list[Complete]:
        """Where what came together in the month or year fulfils the condition."""
        its = [event for event in events if event.type == self.declared["on"]]
        to, found = Decimal(self.declared["to"]), []
        done: set[date] = set()
        for at, event in enumerate(its):
            first, days = self.period(self.day(event.at))
            total, known = ZERO, False
            for one in its[: at + 1]:
                if self.period(self.day(one.at))[0] == first:
                    try:
                        more = self.value(_tree(self.declared["of"]), self.declared["of"], Complete(one.at, one))
                        assert isinstance(more, Decimal)
                        total, known = min(total + more, to), True
                    except CannotBeComputed:
                        known = False
            passed = Decimal((self.day(event.at) - first).days + 1)
            complete = Complete(
                event.at, event, {}, {"total": total, "days_passed": passed, "days_in_period": Decimal(days)}
            )
            if known and self.holds(self.formula("when"), complete) and first not in done:
                found.append(complete)
                done |= {first} if str(self.declared.get("once")) == "true" else set()
        return found

    def period(self, day: date) -> tuple[date, int]:
        """Return the first day of the month or year, and how many days it has."""
        if self.declared["over"] == "month":
            return day.replace(day=1), monthrange(day.year, day.month)[1]
        return date(day.year, 1, 1), 366 if monthrange(day.year, 2)[1] == 29 else 365

    # Conditions and formulas.

    def formula(self, key: str) -> str:
        """Return a condition of the trigger; one that is left out holds."""
        return str(self.declared.get(key, ""))

    def fits(self, step: Document, event: Event, named: Mapping[str, Event] | None = None) -> bool:
        """Say whether an event is of the type of a step and fulfils its condition."""
        if event.type != step.get("on", step.get("absent")):
            return False
        return self.holds(str(step.get("when", "")), Complete(event.at, event, named or {}))

    def holds(self, formula: str, where: Complete) -> bool:
        """Say whether a condition holds; one that cannot be computed does not."""
        if not formula:
            return True
        try:
            return self.value(_tree(formula), formula, where) is True
        except CannotBeComputed:
            return False

    def value(self, node: ast.expr, text: str, where: Complete) -> Value:
        """Compute a part of a formula. `text` is the whole formula, for the digits as they are written."""
        result: Value = self.computed(node, text, where)
        return result

    def computed(self, node: ast.expr, text: str, where: Complete) -> Any:
        """Compute it, whatever comes of it."""

        def of(part: ast.expr) -> Any:
            return self.computed(part, text, where)

        match node:
            case ast.Constant():
                return Decimal(ast.get_source_segment(text, node) or "")
            case ast.Subscript(value=ast.Constant() as number, slice=unit):
                return Decimal(ast.get_source_segment(text, number) or "") * _scale(
                    ast.get_source_segment(text, unit) or ""
                )
            case ast.Name(id=name):
                return self.name(name, where)
            case ast.Attribute(value=ast.Name(id=step), attr=name):
                if step not in where.named or name not in where.named[step].values:
                    raise CannotBeComputed
                return where.named[step].values[name]
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not of(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return ZERO - of(operand)
            case ast.BinOp(left=left, op=op, right=right):
                a, b = of(left), of(right)
                return {"Add": lambda: a + b, "Sub": lambda: a - b, "Mult": lambda: a * b}[type(op).__name__]()
            case ast.BoolOp(op=ast.And(), values=parts):
                return all(of(part) for part in parts)
            case ast.BoolOp(values=parts):
                return any(of(part) for part in parts)
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return of(body) if of(test) else of(otherwise)
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [left, *others]
                return all(_compared(op, of(sides[at]), of(sides[at + 1])) for at, op in enumerate(ops))
            case ast.Call(func=ast.Name(id="given"), args=[part]):
                try:
                    of(part)
                except CannotBeComputed:
                    return False
                return True
            case ast.Call(func=ast.Name(id=function), args=parts):
                return self.called(function, parts, of)
        raise AssertionError(f"formulas have no {ast.dump(node)}")

    def called(self, function: str, parts: Sequence[ast.expr], of: Callable[[ast.expr], Any]) -> Value:
        """Compute a function."""
        if function in ("round", "divide", "sqrt", "power_factor"):
            *arguments, places, mode = parts
            assert isinstance(places, ast.Constant)
            assert isinstance(mode, ast.Name)
            first, *more = [of(argument) for argument in arguments]
            if function == "divide":
                if more[0] == 0:
                    raise CannotBeComputed
                first /= more[0]
            elif function == "sqrt":
                first = first.sqrt()
            elif function == "power_factor" and first != 0:
                first /= (first * first + more[0] * more[0]).sqrt()
            # A zero below nothing is written as zero.
            step = Decimal(1).scaleb(-int(str(places.value)))
            return Decimal(first.quantize(step, rounding=_ROUNDINGS[mode.id])) + ZERO
        plain: dict[str, Callable[..., Any]] = {
            "min": min,
            "max": max,
            "abs": abs,
            "sum": lambda *all_: sum(all_, ZERO),
        }
        result: Value = plain[function](*map(of, parts))
        return result

    def name(self, name: str, where: Complete) -> Value:
        """Return what a name without a dot means."""
        if name in where.more:
            return where.more[name]
        if name in self.quantities:
            declared = self.quantities[name]
            formula = str(declared if isinstance(declared, str) else declared["formula"])
            return self.value(_tree(formula), formula, where)
        if name in self.figures:
            # A deadline may lie after the last day of the rules: their last numbers count.
            last = date.fromisoformat(self.days.get("through", "9999-12-31"))
            return self.figure(self.figures[name], min(last, self.day(where.at)))
        if where.event is not None and name in self.types[where.event.type].get("inputs", {}):
            if name not in where.event.values:
                raise CannotBeComputed
            return where.event.values[name]
        assert name in self.codes, f"{name} means nothing"
        return name

    def figure(self, declared: Document, day: date) -> Decimal:
        """Return a printed number on a day."""
        scale = _scale(str(declared["unit"]))
        if "printed" in declared:
            return Decimal(declared["printed"]) * scale
        for one in declared["dated"]:
            if one["from"] <= day.isoformat() <= one.get("through", "9999-12-31"):
                return Decimal(one["printed"]) * scale
        raise CannotBeComputed


@cache
def _tree(formula: str) -> ast.expr:
    return ast.parse(formula.strip(), mode="eval").body


def _read(text: str) -> Value:
    return text == "true" if text in ("true", "false") else Decimal(text) if re.fullmatch(r"-?[0-9.]+", text) else text


def _scale(unit: str) -> Decimal:
    above, *below = unit.split("/")
    scale = _SCALES.get(above.strip(), Decimal(1))
    for one in below:
        scale /= _SCALES.get(one.strip(), Decimal(1))
    return scale


def _compared(op: ast.cmpop, left: Any, right: Any) -> bool:
    found: dict[str, Callable[[], Any]] = {
        "Lt": lambda: left < right,
        "LtE": lambda: left <= right,
        "Gt": lambda: left > right,
        "GtE": lambda: left >= right,
        "Eq": lambda: left == right,
        "NotEq": lambda: left != right,
    }
    return bool(found[type(op).__name__]())


def read(text: str) -> Document:
    """Read a rule file; every scalar stays text."""
    document: Document = yaml.load(text, yaml.BaseLoader)  # noqa: S506  # the loader that makes nothing but text
    return document
