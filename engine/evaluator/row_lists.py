"""What comes many to a row: a list as it came, read into items in the declared bounds, or the first fault.

Takes a sequence of items (mappings from input to value), or a mapping from input to the values of all items; gives the
values of each input, item by item. The same checks in the same order as the door for columns: is the list given, is it
a list, has it too many items, has an interval list one for each interval, then each input as declared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from engine.compiler.program import AxisSpec, InputSpec, Program
from engine.evaluator import decimals, row_intervals
from engine.evaluator.row_values import Fault, fault, read_value, written

WRITTEN_MAX: Final = 60  # characters of a value that is no list, in a message


@dataclass(frozen=True, slots=True)
class Items:
    """One list of a row."""

    count: int
    given: bool  # an optional list that is not given is empty
    values: Mapping[str, tuple[Decimal | None, ...]]  # by input, `transformers.kva`; None: absent, and without default
    are_given: Mapping[str, tuple[bool, ...]]  # by input

    def between(self, start: int, end: int) -> Items:
        """Give the items [start, end) alone."""
        return Items(
            end - start,
            self.given,
            {name: items[start:end] for name, items in self.values.items()},
            {name: items[start:end] for name, items in self.are_given.items()},
        )


def read_list(program: Program, axis: AxisSpec, came: object, first: int, end: int) -> Items | Fault:
    """Read a list.

    Args:
        program: whose list it is.
        axis: the list.
        came: a sequence of mappings, a mapping of sequences, or None; the values alone where the list has one input.
        first: first day of the billing period.
        end: the day after its last.
    """
    specs = {_short(spec): spec for spec in program.inputs if spec.type.axis == axis.name}
    if came is None:
        if not axis.optional:
            return fault("missing-value", axis.name, "", place=axis.place)
        nothing = {spec.name: () for spec in specs.values()}
        return Items(0, False, nothing, nothing)
    laid = _columns(axis, came, specs)
    if isinstance(laid, Fault):
        return laid
    count, columns = laid
    if count > axis.at_most:
        return fault("too-many-items", axis.name, str(count), axis.place, found=str(count), at_most=str(axis.at_most))
    if axis.minutes:
        expected = row_intervals.count(program, axis, first, end)
        if count != expected:
            said = {"expected": str(expected), "found": str(count)}
            return fault("interval-count", axis.name, str(count), axis.place, **said)
    values: dict[str, tuple[Decimal | None, ...]] = {}
    are_given: dict[str, tuple[bool, ...]] = {}
    for short, spec in specs.items():
        items = columns.get(short, [None] * count)
        read = _read_items(spec, items)
        if isinstance(read, Fault):
            return read
        values[spec.name] = read
        are_given[spec.name] = tuple(item is not None for item in items)
    return Items(count, True, values, are_given)


def _short(spec: InputSpec) -> str:
    """Name an input as its items do: `kva`, not `transformers.kva`."""
    return spec.name.removeprefix(f"{spec.type.axis}.")


def _read_items(spec: InputSpec, items: Sequence[object]) -> tuple[Decimal | None, ...] | Fault:
    default = None if spec.default is None else decimals.of_whole(spec.default, spec.type.places)
    found: list[Decimal | None] = []
    for at, item in enumerate(items):
        if item is None:
            if default is None and not spec.optional:
                return _of_item(fault("missing-value", spec.name, "", place=spec.place), at)
            found.append(default)
            continue
        read = read_value(spec, item)
        if isinstance(read, Fault):
            return _of_item(read, at)
        found.append(read)
    return tuple(found)


def _of_item(found: Fault, at: int) -> Fault:
    return replace(found, parameters={**found.parameters, "item": str(at + 1)})


def _columns(
    axis: AxisSpec, came: object, specs: Mapping[str, InputSpec]
) -> tuple[int, Mapping[str, Sequence[object]]] | Fault:
    """Lay a list out by its inputs, with the number of its items."""
    if isinstance(came, Mapping):
        unknown = [name for name in came if name not in specs]
        if unknown:
            return _unknown_key(axis, unknown[0], specs)
        columns = {name: column for name, column in came.items() if column is not None}
        lengths = {name: len(column) if _is_sequence(column) else None for name, column in columns.items()}
        if None in lengths.values() or len(set(lengths.values())) > 1:
            said = ", ".join(f"{name}: {'-' if length is None else length}" for name, length in lengths.items())
            return _not_a_list(axis, said)
        return next((length for length in lengths.values() if length is not None), 0), columns
    if not _is_sequence(came):
        return _not_a_list(axis, written(came))
    assert isinstance(came, Sequence)
    items: list[Mapping[str, object]] = []
    for at, item in enumerate(came):
        if isinstance(item, Mapping):
            unknown = [name for name in item if name not in specs]
            if unknown:
                return _of_item(_unknown_key(axis, unknown[0], specs), at)
            items.append(item)
        elif item is None:
            items.append({})
        elif len(specs) == 1 and not _is_sequence(item):
            items.append(dict.fromkeys(specs, item))
        else:
            return _of_item(_not_a_list(axis, written(item)), at)
    return len(items), {name: [item.get(name) for item in items] for name in specs}


def _is_sequence(came: object) -> bool:
    return isinstance(came, Sequence) and not isinstance(came, str | bytes)


def _not_a_list(axis: AxisSpec, said: str) -> Fault:
    short = said if len(said) <= WRITTEN_MAX else f"{said[:WRITTEN_MAX]}…"
    return fault("not-a-list", axis.name, short, axis.place)


def _unknown_key(axis: AxisSpec, key: object, specs: Mapping[str, InputSpec]) -> Fault:
    return fault("unknown-item-key", axis.name, str(key), axis.place, known=", ".join(sorted(specs)))
