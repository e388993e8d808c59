"""Reading what a customer's row gives: numbers, words, truths, and what stands in where nothing was given."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

Value = Decimal | int | bool | str | None
Given = Mapping[str, Value]


def number(given: Given, name: str, otherwise: Decimal | None = None) -> Decimal:
    """Return a number; `otherwise` where none was given."""
    value = given.get(name)
    if value is None:
        assert otherwise is not None, f"{name} is needed"
        return otherwise
    assert not isinstance(value, bool | str), f"{name} is no number"
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
