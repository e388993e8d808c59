"""The door for one row: plain values in, decimals in the declared bounds out, or the first reason to refuse the row.

The same checks in the same order, with the same codes, as the door for columns (`engine.evaluator.door`), written
without it: the billing period, the version of each part, changes inside the period, then each input and each list as
declared. In a rule set that splits, a row comes out as parts: one where its period crosses no change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from engine.compiler.program import END_DAY, FIRST_DAY, PARTS_MAX, ROW, Compiled, InputSpec, Refusal, Rounding
from engine.evaluator import decimals, row_intervals
from engine.evaluator.row_lists import Items, read_list
from engine.evaluator.row_values import Fault as Fault
from engine.evaluator.row_values import day_of, fault, read_value, written
from engine.evaluator.rows import day_text

BUILT_IN: Final = ("period_from", "period_to", "day", "bill_from", "bill_to", "part", "parts")
"""Inputs of a program that the door supplies, beside those of the bill."""
OF_BILL: Final = "@bill"
"""What the name of a divided input ends in where the undivided one is meant."""


def supplied(name: str) -> bool:
    """Tell an input that the door supplies from one that a row gives.

    >>> supplied("day"), supplied("kwh@bill"), supplied("kwh")
    (True, True, False)
    """
    return name in BUILT_IN or name.endswith(OF_BILL)


def row_inputs(compiled: Compiled) -> tuple[InputSpec, ...]:
    """Give the inputs that a row gives by themselves: neither those of its lists nor those of the door."""
    return tuple(spec for spec in compiled.program.inputs if spec.type.axis == ROW and not supplied(spec.name))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a row's billing period, as one run of the program sees it."""

    first: int
    end: int
    version: int
    inputs: Mapping[str, Decimal]  # with those that the door supplies
    lists: Mapping[str, Items]
    before: Mapping[str, int]  # list -> items of the row that belong to earlier parts


@dataclass(frozen=True, slots=True)
class Admitted:
    """A row that may be computed. Values are decimals as `engine.evaluator.interpretation` reads them."""

    inputs: Mapping[str, Decimal]  # undivided, with defaults
    given: Mapping[str, bool]  # inputs and lists
    lists: Mapping[str, Items]
    parts: tuple[Part, ...]

    @property
    def version(self) -> int:
        """That of the first part."""
        return self.parts[0].version


def admit_row(
    compiled: Compiled, row: Mapping[str, object], period_from: object, period_to: object
) -> Admitted | Fault:
    """Check one row as it came.

    Args:
        compiled: the rule set.
        row: input name -> Decimal, int, text, bool, date or None, list name -> its items; None and absence are the
            same.
        period_from: first day billed: a date, its text, or a day number.
        period_to: the day after the last day billed.
    """
    days: list[int] = []
    for name, came in (("period_from", period_from), ("period_to", period_to)):
        if came is None:
            return fault("missing-value", name, "")
        day = day_of(came)
        if day is None or not FIRST_DAY <= day < END_DAY:
            return fault("bad-date", name, written(came) if day is None else day_text(day))
        days.append(day)
    first, end = days
    if end <= first:
        return _of_period("bad-period", first, end, {})
    cuts = [day for day in compiled.change_days if first < day < end]
    spans = list(pairwise([first, *cuts, end])) if compiled.changes == "split" else [(first, end)]
    if len(spans) > PARTS_MAX:
        told = {"found": str(len(spans)), "at_most": str(PARTS_MAX)}
        return _of_period("too-many-parts", first, end, told)
    found = [_version(compiled, compiled.version_day(*span)) for span in spans]
    missing = [one for one in found if isinstance(one, Fault)]
    if missing:
        left = _leaves(compiled, spans)
        return missing[0] if left is None else _of_period("period-crosses-change", first, end, {"day": day_text(left)})
    if cuts and compiled.changes == "refuse":
        return _of_period("period-crosses-change", first, end, {"day": day_text(cuts[0])})
    read = _read_inputs(compiled, row)
    if isinstance(read, Fault):
        return read
    inputs, given = read
    lists: dict[str, Items] = {}
    for axis in compiled.program.axes:
        items = read_list(compiled.program, axis, row.get(axis.name), first, end)
        if isinstance(items, Fault):
            return items
        lists[axis.name] = items
        given[axis.name] = items.given
    given |= {f"{spec.name}{OF_BILL}": given[spec.name] for spec in row_inputs(compiled) if spec.split}
    versions = [one for one in found if not isinstance(one, Fault)]
    return Admitted(inputs, given, lists, _parts(compiled, spans, versions, inputs, lists))


def _of_period(code: str, first: int, end: int, told: Mapping[str, str]) -> Fault:
    """Say what is wrong with a billing period."""
    both = {"period_from": day_text(first), "period_to": day_text(end)}
    return Fault(code, "period_to", day_text(end), {"field": "period_to", "value": day_text(end), **both, **told})


def divided(value: Decimal, places: int, days: Sequence[int]) -> list[Decimal]:
    """Divide a value between parts by their days.

    Each part but the last gets its share, rounded half away from zero to the places, but never more than what is left;
    the last gets the rest. What the parts get adds up to the value.

    >>> divided(Decimal(100), 0, [10, 21])
    [Decimal('32'), Decimal('68')]
    """
    whole = decimals.to_whole(value, places)
    assert whole is not None, f"{value} has more than {places} places"
    sign, left, total = (-1 if whole < 0 else 1), abs(whole), sum(days)
    shares = []
    for at, length in enumerate(days):
        share = decimals.rounded_ratio(abs(whole) * length, total, Rounding.HALF_UP)
        share = left if at == len(days) - 1 else min(share, left)
        shares.append(decimals.of_whole(sign * share, places))
        left -= share
    return shares


def _in_force(compiled: Compiled, day: int) -> bool:
    return compiled.first_day <= day and (compiled.end_day is None or day < compiled.end_day)


def _leaves(compiled: Compiled, spans: Sequence[tuple[int, int]]) -> int | None:
    """The day on which parts of a row enter or leave the days of the rule set; None: all or none are within."""
    for before, after in pairwise(spans):
        if _in_force(compiled, compiled.version_day(*before)) != _in_force(compiled, compiled.version_day(*after)):
            return after[0]
    return None


def _version(compiled: Compiled, day: int) -> int | Fault:
    if _in_force(compiled, day):
        for at, version in enumerate(compiled.constants.versions):
            if version.first_day <= day < version.end_day:
                if version.missing:
                    return _no_price(version.missing[0], day)
                return at
    return fault("no-price-in-force", compiled.id, day_text(day), day=day_text(day), place=compiled.place)


def _no_price(missing: Refusal, day: int) -> Fault:
    return fault(missing.code, missing.field, day_text(day), day=day_text(day), place=missing.place)


def _read_inputs(compiled: Compiled, row: Mapping[str, object]) -> tuple[dict[str, Decimal], dict[str, bool]] | Fault:
    """Read the inputs of the row itself, and tell which it gives."""
    inputs: dict[str, Decimal] = {}
    given: dict[str, bool] = {}
    for spec in row_inputs(compiled):
        came = row.get(spec.name)
        given[spec.name] = came is not None
        if came is None:
            if spec.default is not None:
                inputs[spec.name] = decimals.of_whole(spec.default, spec.type.places)
            elif not spec.optional:
                return fault("missing-value", spec.name, "", place=spec.place)
            continue
        read = read_value(spec, came)
        if isinstance(read, Fault):
            return read
        inputs[spec.name] = read
    return inputs, given


def _parts(
    compiled: Compiled,
    spans: Sequence[tuple[int, int]],
    versions: Sequence[int],
    inputs: Mapping[str, Decimal],
    lists: Mapping[str, Items],
) -> tuple[Part, ...]:
    """Cut a row: days and versions by part, divided inputs by days, interval lists by the clock, all else to each."""
    lengths = [end - first for first, end in spans]
    shares = {
        spec.name: divided(inputs[spec.name], spec.type.places, lengths)
        for spec in row_inputs(compiled)
        if spec.split and spec.name in inputs
    }
    of_bill = {"bill_from": Decimal(spans[0][0]), "bill_to": Decimal(spans[-1][1]), "parts": Decimal(len(spans))}
    of_bill |= {f"{name}{OF_BILL}": inputs[name] for name in shares}
    before = {axis.name: 0 for axis in compiled.program.axes}
    parts = []
    for at, ((first, end), version) in enumerate(zip(spans, versions, strict=True)):
        supplies = {"period_from": first, "period_to": end, "day": compiled.version_day(first, end), "part": at + 1}
        items, following = dict(lists), dict(before)
        for axis in compiled.program.axes:
            if axis.minutes and lists[axis.name].given:
                start = before[axis.name]
                following[axis.name] = start + row_intervals.count(compiled.program, axis, first, end)
                items[axis.name] = lists[axis.name].between(start, following[axis.name])
        parts.append(
            Part(
                first,
                end,
                version,
                {
                    **inputs,
                    **{name: share[at] for name, share in shares.items()},
                    **of_bill,
                    **{name: Decimal(number) for name, number in supplies.items()},
                },
                items,
                before,
            )
        )
        before = following
    return tuple(parts)
