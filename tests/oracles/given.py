"""Reading what a customer's row gives: numbers, words, truths, and what stands in where nothing was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

Single = Decimal | int | bool | str | date | None
Item = Mapping[str, Single]
Value = Single | Sequence[Item]
Given = Mapping[str, Value]


def number(given: Given, name: str, otherwise: Decimal | None = None) -> Decimal:
    """Return a number; `otherwise` where none was given."""
    value = given.get(name)
    if value is None:
        assert otherwise is not None, f"{name} is needed"
        return otherwise
    assert isinstance(value, Decimal | int), f"{name} is no number"
    assert not isinstance(value, bool), f"{name} is no number"
    return Decimal(value)


def truth(given: Given, name: str) -> bool:
    """Return a yes or no; no where nothing was given."""
    value = given.get(name)
    assert value is None or isinstance(value, bool), f"{name} is neither yes nor no"
    return bool(value)


def word(given: Given, name: str) -> str:
    """Return a code."""
    value = given.get(name)
    assert isinstance(value, str), f"{name} is no code"
    return value


def day(given: Given, name: str) -> date:
    """Return a day."""
    value = given.get(name)
    assert isinstance(value, date), f"{name} is no day"
    return value


def items(given: Given, name: str) -> Sequence[Item]:
    """Return the items of a list."""
    value = given.get(name)
    assert isinstance(value, Sequence), f"{name} is no list"
    assert not isinstance(value, str), f"{name} is no list"
    return value
