"""A bill of whole numbers in decimals: what the reference has of a row when it has run it.

Takes what each part brought to the generated text and the value of every step; gives `engine.evaluator.reference.Ran`,
of which the reference makes a bill and `engine.evaluator.explain` its working.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from engine.compiler.program import Compiled, InputSpec, Type
from engine.evaluator import decimals
from engine.evaluator.interpretation import Value
from engine.evaluator.reference import Ran
from engine.evaluator.row_door import OF_BILL, Admitted, Part
from engine.evaluator.row_lists import Items
from engine.evaluator.scalar_source import SUPPLIED, Layout

Came = tuple[tuple[Any, ...], int, tuple[Any, ...]]
"""Of a part: the parameters of the generated text, the version, the value of every step."""


def ran_of(compiled: Compiled, layout: Layout, parts: Sequence[Came]) -> Ran:
    """Give a row that was run as the reference gives it."""
    axes = [axis.name for axis in compiled.program.axes]
    types = [step.type for step in compiled.program.steps]
    first = parts[0][0]
    start = len(SUPPLIED)
    undivided = list(first[start : start + len(layout.inputs)])
    split = first[start + len(undivided) : start + len(undivided) + len(layout.split)]
    for at, whole in zip(layout.split, split, strict=True):
        undivided[at] = whole
    inputs = _decimals(layout.inputs, undivided)
    given = {spec.name: whole is not None for spec, whole in zip(layout.inputs, undivided, strict=True)}
    of_bill = {f"{layout.inputs[at].name}{OF_BILL}": layout.inputs[at].name for at in layout.split}
    lists_by_part = [_lists(axes, layout, came) for came, _, _ in parts]
    lists = lists_by_part[0]
    before = dict.fromkeys(axes, 0)
    made = []
    for (came, version, _), own in zip(parts, lists_by_part, strict=True):
        shares = _decimals(layout.inputs, came[start : start + len(undivided)])
        supplied = {name: Decimal(day) for name, day in zip(SUPPLIED, came, strict=False)}
        more = {name: inputs[of] for name, of in of_bill.items() if of in inputs}
        made.append(Part(came[0], came[1], version, {**shares, **supplied, **more}, own, dict(before)))
        for axis in compiled.program.axes:
            if axis.minutes:
                before[axis.name] += own[axis.name].count
    if len(parts) > 1:
        timed = {axis.name for axis in compiled.program.axes if axis.minutes}
        lists = {name: _joined([own[name] for own in lists_by_part]) if name in timed else lists[name] for name in axes}
    given |= {name: items.given for name, items in lists.items()}
    given |= {name: given[of] for name, of in of_bill.items()}
    values = tuple(tuple(_value(value, of) for value, of in zip(values, types, strict=True)) for _, _, values in parts)
    return Ran(Admitted(inputs, given, lists, tuple(made)), values)


def _decimals(specs: Sequence[InputSpec], wholes: Sequence[int | None]) -> dict[str, Decimal]:
    """Give the inputs that are there, or have a default."""
    found = {}
    for spec, came in zip(specs, wholes, strict=True):
        whole = spec.default if came is None else came
        if whole is not None:
            found[spec.name] = _decimal(whole, spec.type.places)
    return found


def _lists(axes: Sequence[str], layout: Layout, came: Sequence[Any]) -> Mapping[str, Items]:
    """Give the lists of a part."""
    at = len(SUPPLIED) + len(layout.inputs) + len(layout.split)
    found = {}
    for axis, specs in zip(axes, layout.lists, strict=True):
        count, given, *columns = came[at : at + 2 + len(specs)]
        at += 2 + len(specs)
        values, are_given = {}, {}
        for spec, column in zip(specs, columns, strict=True):
            wholes = [spec.default if whole is None else whole for whole in column]
            values[spec.name] = tuple(None if one is None else _decimal(one, spec.type.places) for one in wholes)
            are_given[spec.name] = tuple(whole is not None for whole in column)
        found[axis] = Items(count, given, values, are_given)
    return found


def _joined(lists: Sequence[Items]) -> Items:
    """Put the items of all parts behind one another."""
    return Items(
        sum(items.count for items in lists),
        lists[0].given,
        {name: tuple(value for items in lists for value in items.values[name]) for name in lists[0].values},
        {name: tuple(value for items in lists for value in items.are_given[name]) for name in lists[0].are_given},
    )


def _value(whole: Any, of: Type) -> Value:
    if isinstance(whole, list | tuple):
        return tuple(_decimal(item, of.places) for item in whole)
    return _decimal(whole, of.places)


def _decimal(whole: int, places: int) -> Decimal:
    return decimals.of_whole(int(whole), places)
