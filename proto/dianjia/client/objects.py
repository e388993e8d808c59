"""Python's own values -> columns: what a list, a column of objects or a call of one row holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

import numpy as np

from dianjia.client.described import Kind, Wanted
from dianjia.client.values import (
    PLACES_MAX,
    Coded,
    Column,
    Days,
    Flags,
    Items,
    Mask,
    Scaled,
    Texts,
)

FLOATS: Final = (
    "binary floats cannot hold most decimal numbers, and what was meant is lost once somebody has computed with them. "
    "Pass decimals, whole numbers or text; Scaled.of_floats(values, places) takes floats that are beyond doubt."
)
_EPOCH: Final = date(1970, 1, 1).toordinal()


def missing(value: object) -> bool:
    """Whether a value stands for none: None, NaN, pandas' NaT and NA."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, (float, Decimal, np.floating)) and value != value


def column_of(name: str, values: Sequence[Any], wanted: Wanted) -> Column:
    """Make a column of Python's values; None is not given.

    Raises:
        ValueError: values are not of the kind that is wanted, or are binary floats.
    """
    if wanted.items is not None:
        return items_of(name, values, wanted)
    if wanted.kind is Kind.NUMBER and set(map(type, values)) == {Decimal}:
        # A quicker way for the usual column; whatever is odd about it is looked at below.
        with contextlib.suppress(ValueError):
            return Scaled.of_decimals(values, wanted.places)
    own = [value.item() if isinstance(value, np.generic) else value for value in values]
    absent = [missing(value) for value in own]
    given = None if not any(absent) else ~np.array(absent, dtype=bool)
    kinds = {type(value) for value, gone in zip(own, absent, strict=True) if not gone}
    if any(issubclass(kind, float) for kind in kinds):
        raise ValueError(f"`{name}` holds binary floats: {FLOATS}")
    if kinds <= {str} and kinds:
        return _of_texts(own, given, wanted)
    match wanted.kind:
        case Kind.NUMBER if all(issubclass(kind, (int, Decimal)) and kind is not bool for kind in kinds):
            return _numbers(own, given, wanted.places)
        case Kind.NUMBER if kinds <= {int, Decimal, str}:
            return _texts(own, given)
        case Kind.BOOLEAN if kinds <= {bool}:
            return Flags(np.array([value is True for value in own], dtype=bool), given)
        case Kind.DATE if all(issubclass(kind, date) for kind in kinds):
            return Days(np.array([_day(name, value) for value in own], dtype=np.int32), given)
        case Kind.CODE if kinds <= {int, str}:
            return coded(own)
        case Kind.TEXT if kinds <= {int, Decimal, str}:
            return _texts(own, given)
        case Kind.MIXED:
            return _texts(own, given)
    came = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise ValueError(f"`{name}` holds values of {came}; it takes {wanted.described}")


def _of_texts(own: list[Any], given: Mask | None, wanted: Wanted) -> Column:
    return coded(own) if wanted.kind is Kind.CODE else _texts(own, given)


def coded(values: Sequence[Any]) -> Coded:
    """Say each text once; what is missing is not given.

    >>> coded(["b", None, "b", "a"]).names
    ('b', 'a')
    """
    absent = [missing(value) for value in values]
    names: dict[str, int] = {}
    positions = [
        0 if gone else names.setdefault(str(value), len(names)) for value, gone in zip(values, absent, strict=True)
    ]
    given = None if not any(absent) else ~np.array(absent, dtype=bool)
    return Coded(np.array(positions, dtype=np.int64), tuple(names), given)


def _texts(own: list[Any], given: Mask | None) -> Texts:
    array = np.empty(len(own), dtype=object)
    array[:] = ["" if missing(value) else text_of(value) for value in own]
    return Texts(array, given)


def text_of(value: object) -> str:
    """Write a value as the service reads it.

    >>> text_of(Decimal("1E+3")), text_of(True), text_of(date(2026, 1, 31))
    ('1000', 'true', '2026-01-31')
    """
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
    return str(value)


def _numbers(own: list[Any], given: Mask | None, places: int) -> Column:
    """Whole numbers of the declared places, or of as many as are needed, which the service then judges row by row."""
    filled = [0 if missing(value) else value for value in own]
    exponents = (value.normalize().as_tuple().exponent for value in filled if isinstance(value, Decimal) and value)
    try:
        return _scaled(filled, places, given)
    except ValueError:
        needed = max((-each for each in exponents if isinstance(each, int)), default=0)
    try:
        return _scaled(filled, min(max(needed, 0), PLACES_MAX), given)
    except ValueError:
        return _texts(own, given)


def _scaled(filled: list[Any], places: int, given: Mask | None) -> Scaled:
    whole = Scaled.of_decimals(filled, places)
    return Scaled(whole.values, places, given)


def _day(name: str, value: object) -> int:
    if missing(value):
        return 0
    if isinstance(value, datetime):
        if value.tzinfo is not None or value.time() != time():
            raise ValueError(f"`{name}` holds {value.isoformat()}, which is no day; pass local days")
        value = value.date()
    assert isinstance(value, date)
    return value.toordinal() - _EPOCH


def items_of(name: str, values: Sequence[Any], wanted: Wanted) -> Items:
    """Make a list column: each row's value is a list of mappings, or of plain values where items have one input.

    Raises:
        ValueError: a value is no list, or an item has a name that is not the list's.
    """
    assert wanted.items is not None
    absent = [missing(value) for value in values]
    lengths = np.zeros(len(values), dtype=np.int64)
    flat: list[Any] = []
    for at, value in enumerate(values):
        if absent[at]:
            continue
        if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
            raise ValueError(f"`{name}` is a list; row {at} holds {value!r}")
        before = len(flat)
        flat.extend(value)
        lengths[at] = len(flat) - before
    given = None if not any(absent) else ~np.array(absent, dtype=bool)
    if not flat:
        return Items(lengths, {}, given)
    if not any(isinstance(item, Mapping) for item in flat):
        if len(wanted.items) != 1:
            raise ValueError(f"an item of `{name}` is a mapping with {_listed(wanted.items)}; came {flat[0]!r}")
        (only,) = wanted.items
        return Items(lengths, {only: column_of(f"{name}.{only}", flat, wanted.items[only])}, given)
    mapped = [item if isinstance(item, Mapping) else {} for item in flat]
    for item in mapped:
        for key in item:
            if key not in wanted.items:
                raise ValueError(f"`{name}` has no `{key}`; an item has {_listed(wanted.items)}")
    return Items(
        lengths,
        {
            key: column_of(f"{name}.{key}", [item.get(key) for item in mapped], one)
            for key, one in wanted.items.items()
            if any(key in item for item in mapped)
        },
        given,
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
