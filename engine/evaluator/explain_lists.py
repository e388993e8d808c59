"""Lists in an explanation: few items one by one, of many the sum and both ends.

Takes the lists of a bill, or a value on a list; gives what is worth showing of it, as data. A load curve of thousands
of intervals comes to some lines: its first and last intervals with their local times, and what each tou_period has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from engine.calendars.days import day_number
from engine.compiler.program import AxisSpec, InputSpec, Program, Step, Type
from engine.evaluator import decimals, row_intervals
from engine.evaluator.reference import Bill, step_text, unit_text
from engine.evaluator.row_lists import Items

ITEMS_SHOWN: Final = 12  # of a list
ENDS_SHOWN: Final = 3  # of a list with more, and of a value that has many items: at either end


@dataclass(frozen=True, slots=True)
class Several:
    """What is shown of a value on a list."""

    count: int
    first: tuple[str, ...]
    last: tuple[str, ...] = ()  # where some are left out between
    total: str = ""  # of numbers
    tally: tuple[tuple[str, int], ...] = ()  # of codes and truths: how many items have each
    whole: int = 0  # items of the bill, where a part has some of them


@dataclass(frozen=True, slots=True)
class ColumnShown:
    """An input of a list."""

    name: str  # of an item's value: kva
    title: str
    unit: str
    total: str  # of numbers


@dataclass(frozen=True, slots=True)
class ItemShown:
    """One item: its number from 1 and, in an interval list, the local time at which it begins."""

    number: int
    time: str
    values: tuple[str, ...]  # by column; "" where absent


@dataclass(frozen=True, slots=True)
class PeriodShown:
    """What the intervals of one period of a schedule come to."""

    schedule: str
    period: str
    count: int
    totals: tuple[str, ...]  # by column; "" where it is no number


@dataclass(frozen=True, slots=True)
class ListShown:
    """A list of a bill."""

    name: str
    title: str
    count: int
    columns: tuple[ColumnShown, ...]
    items: tuple[ItemShown, ...]  # some are left out where there are fewer than `count`
    largest: tuple[ItemShown, ...]  # of an interval list: the first item with a column's largest number, and that alone
    periods: tuple[PeriodShown, ...]


def lists_shown(program: Program, bill: Bill) -> Iterable[ListShown]:
    """Show the lists that a row gives."""
    for axis in program.axes:
        items = bill.lists[axis.name]
        if items.given:
            specs = [spec for spec in program.inputs if spec.type.axis == axis.name]
            yield _shown(program, axis, specs, items, bill)


def _shown(program: Program, axis: AxisSpec, specs: Sequence[InputSpec], items: Items, bill: Bill) -> ListShown:
    days = day_number(bill.period_from), day_number(bill.period_to)
    times = row_intervals.times(program, axis, *days) if axis.minutes else []
    whole = items.count <= ITEMS_SHOWN
    head = ITEMS_SHOWN if whole or not axis.minutes else ENDS_SHOWN
    tail = ENDS_SHOWN if axis.minutes and not whole else 0
    chosen = [*range(min(head, items.count)), *range(items.count - tail, items.count)]
    return ListShown(
        axis.name,
        axis.title,
        items.count,
        tuple(
            ColumnShown(
                spec.name.removeprefix(f"{axis.name}."),
                spec.title,
                _unit(spec.type),
                _total(spec.type, _present(items.values[spec.name])),
            )
            for spec in specs
        ),
        tuple(
            ItemShown(
                at + 1,
                times[at] if times else "",
                tuple(_text(items.values[spec.name][at], spec) for spec in specs),
            )
            for at in chosen
        ),
        tuple(_largest(specs, items, times)),
        tuple(_periods(program, axis, specs, items, days)) if axis.minutes else (),
    )


def _largest(specs: Sequence[InputSpec], items: Items, times: Sequence[str]) -> Iterable[ItemShown]:
    """When each number of an interval list was largest: what is asked of a demand."""
    for column, spec in enumerate(specs):
        values = items.values[spec.name]
        present = _present(values)
        if times and present and spec.type.kind == "number":
            at = values.index(max(present))
            shown = [_text(values[at], spec) if other == column else "" for other in range(len(specs))]
            yield ItemShown(at + 1, times[at], tuple(shown))


def _text(value: Decimal | None, spec: InputSpec) -> str:
    return "" if value is None else step_text(value, spec.type)


def _unit(of: Type) -> str:
    return unit_text(of.unit) if of.kind == "number" else ""


def _present(values: Iterable[Decimal | None]) -> list[Decimal]:
    return [value for value in values if value is not None]


def _total(of: Type, values: Sequence[Decimal]) -> str:
    return step_text(sum(values, decimals.ZERO), of) if of.kind == "number" else ""


def _periods(
    program: Program, axis: AxisSpec, specs: Sequence[InputSpec], items: Items, days: tuple[int, int]
) -> Iterable[PeriodShown]:
    """Add up an interval list by the periods of each schedule that divides it."""
    for at, timeline in enumerate(program.timelines):
        if at == axis.clock or timeline.minutes != axis.minutes or not timeline.names:
            continue
        codes = row_intervals.values(program, axis, at, *days)
        for code, name in enumerate(timeline.names):
            own = [item for item, one in enumerate(codes) if one == code]
            if own:
                totals = (_total(spec.type, _present(items.values[spec.name][item] for item in own)) for spec in specs)
                yield PeriodShown(timeline.name, name, len(own), tuple(totals))


def several(program: Program, step: Step, values: Sequence[Decimal | None]) -> Several:
    """Show a value on a list; None where an item has none."""
    of = step.type
    names: Mapping[int, str] = {}
    if step.primitive == "timeline" and not of.codes:
        names = dict(enumerate(program.timelines[step.slot].names))
    present = _present(values)
    texts = ["-" if value is None else names.get(int(value), "") or step_text(value, of) for value in values]
    if names or of.kind in ("code", "boolean"):
        return Several(len(texts), (), tally=tuple(Counter(texts).items()))
    if len(texts) <= ITEMS_SHOWN:
        return Several(len(texts), tuple(texts), total=_total(of, present))
    return Several(len(texts), tuple(texts[:ENDS_SHOWN]), tuple(texts[-ENDS_SHOWN:]), _total(of, present))
