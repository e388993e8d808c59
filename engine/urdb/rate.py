"""Read a rate from JSON: its fields by their version 8 names, with every number's written digits.

Takes text; gives a `Rate`. A key that stands twice, two spellings that disagree, and several rates where one is wanted
are problems, because each would drop something in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NoReturn

from engine.urdb.fields import ALIASES
from engine.urdb.flattened import unflatten
from engine.urdb.problems import NotTranslated, fail, found, short

EXPONENT_MAX: Final = 400  # of a number: the largest double, which means no end, has 308; more would fill the memory


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate's fields by their version 8 names, in the order of the file, and how the file spells each."""

    values: Mapping[str, Any]
    spelled: Mapping[str, tuple[str, ...]]

    def get(self, name: str) -> Any:
        """Give a field's value; None where it is absent, null or an empty text."""
        value = self.values.get(name)
        return None if value == "" else value

    def without(self, names: frozenset[str]) -> Rate:
        """Leave fields out."""
        return Rate({name: value for name, value in self.values.items() if name not in names}, self.spelled)


def read_rate(text: str, label: str | None = None) -> Rate:
    """Read one rate of a JSON text: the object itself, a list, or the API's answer with `items`.

    Raises:
        NotTranslated: the text is not JSON, a key stands twice, or it is not said which rate is meant.
    """
    try:
        whole = json.loads(
            text, parse_float=_number, parse_int=_number, parse_constant=_no_number, object_pairs_hook=_object
        )
    except ValueError as error:
        raise fail("not-json", why=error) from None
    return _rate(_chosen(whole, label))


def billable(number: Decimal) -> bool:
    """Whether a number can be written with all of its digits."""
    return number.is_finite() and abs(number.adjusted()) <= EXPONENT_MAX


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not billable(number):
        raise ValueError(f"{text} is no number that can be billed")
    return number


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for key, value in pairs:
        if key in known:
            raise fail("key-twice", field=key)
        known[key] = value
    return known


def _chosen(whole: Any, label: str | None) -> dict[str, Any]:
    """The one rate that is meant."""
    listed = whole["items"] if isinstance(whole, dict) and isinstance(whole.get("items"), list) else whole
    rates = [one for one in (listed if isinstance(listed, list) else [listed]) if isinstance(one, dict) and one]
    if not rates:
        raise fail("no-rate")
    labels = [str(rate.get("label", "-")) for rate in rates]
    if label is not None:
        rates = [rate for rate in rates if str(rate.get("label")) == label]
        if not rates:
            raise fail("no-such-label", label=label, labels=", ".join(labels))
    if len(rates) > 1:
        raise fail("many-rates", count=len(rates), labels=", ".join(labels))
    return rates[0]


def _rate(written: Mapping[str, Any]) -> Rate:
    values: dict[str, Any] = {}
    spelled: dict[str, tuple[str, ...]] = {}
    problems = []
    fields, sources = unflatten(written)
    for key, value in fields.items():
        name = ALIASES.get(key.lower(), key.lower())
        if name in values and values[name] != value:
            first = spelled[name][0]
            shown = {"one": short(values[name]), "other": short(value)}
            problems.append(found("same-field", first=first, second=key, **shown))
        values.setdefault(name, value)
        spelled[name] = (*spelled.get(name, ()), *sources.get(key, (key,)))
    if problems:
        raise NotTranslated(problems)
    return Rate(MappingProxyType(values), MappingProxyType(spelled))
