"""One row -> its message, from Python's own values alone: no rule set need be asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from dianjia.client.described import Kind, Wanted
from dianjia.client.messages import column_message
from dianjia.client.objects import FLOATS, column_of, missing, text_of
from dianjia.client.values import PLACES_MAX, none_given
from dianjia.type.v1 import type_pb2 as types

Single = Decimal | int | str | bool | date | None
_INT64: Final = range(-(2**63), 2**63)


def row_message(
    ruleset: str,
    period_from: date | str,
    period_to: date | str,
    values: Mapping[str, Any],
    lists: Mapping[str, Sequence[Mapping[str, Any]]],
    row_id: str,
) -> types.Row:
    """Write a row; a value of None is not given.

    Raises:
        ValueError: a value is a binary float, or of no kind that a row has.
    """
    row = types.Row(row_id=row_id, ruleset=ruleset, period_from=text_of(period_from), period_to=text_of(period_to))
    for name, value in values.items():
        if not missing(value):
            row.values[name].CopyFrom(value_message(name, value))
    row.lists.extend(_list(name, items) for name, items in lists.items())
    return row


def value_message(name: str, value: Any) -> types.Value:
    """Write one value.

    Raises:
        ValueError: it is a binary float, or of no kind that a row or an event has.
    """
    own = value.item() if hasattr(value, "item") else value
    match own:
        case bool():
            return types.Value(boolean=own)
        case int() if own in _INT64:
            return types.Value(number=types.Decimal(unscaled=own))
        case Decimal():
            return _decimal(own)
        case int() | str() | date():
            return types.Value(text=text_of(own))
        case float():
            raise ValueError(f"`{name}` is a binary float: {FLOATS}")
    raise ValueError(
        f"`{name}` is of {type(value).__name__}; a value is a decimal, a whole number, text, a day or a bool"
    )


def _decimal(value: Decimal) -> types.Value:
    _, digits, exponent = value.as_tuple()
    if isinstance(exponent, int) and -PLACES_MAX <= exponent <= PLACES_MAX and len(digits) <= PLACES_MAX:
        whole = int("".join(map(str, digits))) * 10 ** max(exponent, 0)
        whole = -whole if value.is_signed() else whole
        if whole in _INT64:
            return types.Value(number=types.Decimal(unscaled=whole, places=max(-exponent, 0)))
    return types.Value(text=text_of(value))


def _list(name: str, items: Sequence[Mapping[str, Any]]) -> types.ListValue:
    for item in items:
        if not isinstance(item, Mapping):
            raise ValueError(f"an item of `{name}` is a mapping of names to values; came {item!r}")
    message = types.ListValue(name=name, items=len(items))
    for key in dict.fromkeys(key for item in items for key in item):
        values = [item.get(key) for item in items]
        column = column_of(f"{name}.{key}", values, _wanted(values))
        if not none_given(column):
            message.columns.append(column_message(key, column))
    return message


def _wanted(values: Sequence[Any]) -> Wanted:
    """What the values themselves say: as many places as the longest has."""
    given = [value for value in values if not missing(value)]
    if all(isinstance(value, bool) for value in given):
        return Wanted(Kind.BOOLEAN)
    if all(isinstance(value, date) for value in given):
        return Wanted(Kind.DATE)
    if all(isinstance(value, str) for value in given):
        return Wanted(Kind.MIXED)
    exponents = [value.as_tuple().exponent for value in given if isinstance(value, Decimal)]
    places = max((-one for one in exponents if isinstance(one, int)), default=0)
    return Wanted(Kind.NUMBER, min(max(places, 0), PLACES_MAX))
