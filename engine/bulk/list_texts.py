"""Lists that come as JSON text, as in a cell of a CSV file -> the values of each input, item by item.

An array of objects, an object of arrays, or an array of values where the list has one input. Numbers keep the digits
that are written: no binary fraction comes between.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

TEXT_MAX: Final = 60  # characters of a cell that are shown


@dataclass(frozen=True, slots=True)
class NotAList:
    """Why a text is no list: a code of the catalogue, the value that it concerns, and its parameters."""

    code: str  # not-a-list, unknown-item-key
    value: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Laid:
    """A list by its inputs."""

    count: int
    columns: Mapping[str, Sequence[object]]  # Decimal, int, str, bool, None; an input that is not there is absent


def read_list_text(text: str, inputs: Collection[str]) -> Laid | NotAList:
    """Read the text of one cell.

    Args:
        text: JSON.
        inputs: names of the list's inputs.

    >>> read_list_text('{"kwh": ["1.2", 3.40]}', ["kwh"]).columns
    {'kwh': ['1.2', Decimal('3.40')]}
    """
    came = parsed(text)
    return _laid_out(came, inputs, text)


def parsed(text: str) -> Any:
    """What JSON text holds, numbers with their written digits; the text itself where it is no JSON."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_object)
    except (ValueError, ArithmeticError, RecursionError):
        return text


def _laid_out(came: Any, inputs: Collection[str], text: str) -> Laid | NotAList:
    if isinstance(came, dict):
        unknown = [name for name in came if name not in inputs]
        if unknown:
            return _unknown(unknown[0], inputs)
        columns = {name: values for name, values in came.items() if values is not None}
        if any(not isinstance(values, list) for values in columns.values()):
            return _not_a_list(text)
        counts = {len(values) for values in columns.values()}
        if len(counts) > 1:
            return _not_a_list(text)
        return Laid(max(counts, default=0), {name: [_value(one) for one in items] for name, items in columns.items()})
    if not isinstance(came, list):
        return _not_a_list(text)
    items: list[Mapping[str, object]] = []
    sole = next(iter(inputs)) if len(inputs) == 1 else None
    for item in came:
        if isinstance(item, dict):
            unknown = [name for name in item if name not in inputs]
            if unknown:
                return _unknown(unknown[0], inputs)
            items.append(item)
        elif item is None:
            items.append({})
        elif sole is not None and not isinstance(item, list):
            items.append({sole: item})
        else:
            return _not_a_list(text)
    names = [name for name in inputs if any(name in item for item in items)]
    return Laid(len(items), {name: [_value(item.get(name)) for item in items] for name in names})


def _not_a_list(text: str) -> NotAList:
    return NotAList("not-a-list", text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…", {})


def _unknown(name: str, inputs: Collection[str]) -> NotAList:
    return NotAList("unknown-item-key", name, {"known": ", ".join(sorted(inputs))})


def _value(came: object) -> object:
    """A value of an item; what is nested deeper is no value, and is refused with its text."""
    return json.dumps(came, ensure_ascii=False, default=str) if isinstance(came, dict | list) else came


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")
