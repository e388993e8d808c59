"""Units of measure: what may be added, and what a product is.

A unit is a product of powers of base symbols; kWh is kW*h and kvarh is kvar*h, so that kWh divided by h is kW, and
printing puts them together again. MWh, fen or percent are a unit and a scale: 2.00 fen/kWh is 0.0200 CNY/kWh.
Day, month, year and hour are apart: none is a fixed number of another.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import NoReturn

from engine.language.nodes import Text
from engine.language.problems import ProblemsFound, problem


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of powers: ((symbol, exponent), ...), sorted by symbol, no exponent zero.

    >>> kwh = parse_unit("kWh")[0]
    >>> price = parse_unit("CNY/kWh")[0]
    >>> str(kwh * price)
    'CNY'
    """

    dims: tuple[tuple[str, int], ...] = ()

    def __mul__(self, other: Unit) -> Unit:
        return _unit((*self.dims, *other.dims))

    def __truediv__(self, other: Unit) -> Unit:
        return self * other**-1

    def __pow__(self, exponent: int) -> Unit:
        return _unit((symbol, power * exponent) for symbol, power in self.dims)

    def root(self, degree: int = 2) -> Unit:
        """The unit whose power this is.

        Raises:
            ValueError: an exponent is not a multiple of the degree.
        """
        if any(power % degree for _, power in self.dims):
            raise ValueError(f"[{self}] has no root of degree {degree}")
        return _unit((symbol, power // degree) for symbol, power in self.dims)

    def __str__(self) -> str:
        return _written(self)


def _unit(powers: Iterable[tuple[str, int]]) -> Unit:
    total: dict[str, int] = {}
    for symbol, power in powers:
        total[symbol] = total.get(symbol, 0) + power
    return Unit(tuple(sorted((symbol, power) for symbol, power in total.items() if power)))


DIMENSIONLESS = Unit()

_POWER_AND_HOURS = (("kWh", "kW"), ("kvarh", "kvar"), ("kVAh", "kVA"))
_HOUR = "h"


def _base(symbol: str) -> tuple[Unit, Fraction]:
    return Unit(((symbol, 1),)), Fraction(1)


def _of(symbol: str, numerator: int, denominator: int = 1) -> tuple[Unit, Fraction]:
    return Unit(((symbol, 1),)), Fraction(numerator, denominator)


def _hours(symbol: str, scale: Fraction) -> tuple[Unit, Fraction]:
    return _unit(((symbol, 1), (_HOUR, 1))), scale


CURRENCIES = ("CNY", "USD", "EUR", "GBP", "HKD", "JPY")

# symbol -> (unit, how many of that unit one is)
SYMBOLS: Mapping[str, tuple[Unit, Fraction]] = {
    **{currency: _base(currency) for currency in CURRENCIES},
    "fen": _of("CNY", 1, 100),
    "cent": _of("USD", 1, 100),
    "pence": _of("GBP", 1, 100),
    "kW": _base("kW"),
    "W": _of("kW", 1, 1000),
    "MW": _of("kW", 1000),
    "kWh": _hours("kW", Fraction(1)),
    "Wh": _hours("kW", Fraction(1, 1000)),
    "MWh": _hours("kW", Fraction(1000)),
    "GWh": _hours("kW", Fraction(1000000)),
    "kvar": _base("kvar"),
    "Mvar": _of("kvar", 1000),
    "kvarh": _hours("kvar", Fraction(1)),
    "Mvarh": _hours("kvar", Fraction(1000)),
    "kVA": _base("kVA"),
    "MVA": _of("kVA", 1000),
    "kVAh": _hours("kVA", Fraction(1)),
    "kV": _base("kV"),
    "V": _of("kV", 1, 1000),
    "A": _base("A"),
    "h": _base("h"),
    "day": _base("day"),
    "month": _base("month"),
    "year": _base("year"),
    "person": _base("person"),
    "household": _base("household"),
    "customer": _base("customer"),
    "tonne": _base("tonne"),
    "kg": _of("tonne", 1, 1000),
    "m3": _base("m3"),
    "percent": (DIMENSIONLESS, Fraction(1, 100)),
    "%": (DIMENSIONLESS, Fraction(1, 100)),
    "permille": (DIMENSIONLESS, Fraction(1, 1000)),
    "‰": (DIMENSIONLESS, Fraction(1, 1000)),
    "1": (DIMENSIONLESS, Fraction(1)),
}

# how notices name them
_CHINESE: Mapping[str, str] = {
    "元": "CNY",
    "人民币": "CNY",
    "分": "fen",
    "美元": "USD",
    "美分": "cent",
    "千瓦时": "kWh",
    "度": "kWh",
    "兆瓦时": "MWh",
    "千瓦": "kW",
    "兆瓦": "MW",
    "千乏": "kvar",
    "千乏时": "kvarh",
    "千伏安": "kVA",
    "千伏": "kV",
    "小时": "h",
    "时": "h",
    "天": "day",
    "日": "day",
    "月": "month",
    "年": "year",
    "人": "person",
    "户": "household",
    "吨": "tonne",
    "立方米": "m3",
}
_TEN_THOUSAND = "万"

_TOKEN = re.compile(r"\s*(?:(?P<sign>[*/·])|(?P<word>[^\s*/·^\d][^\s*/·^]*|1)(?:\s*\^\s*(?P<power>-?[1-9]))?)")
_WORD = re.compile(r"[^\s*/·^]+")
_LENGTH_MAX = 60


def parse_unit(text: str) -> tuple[Unit, Fraction]:
    """Read a unit as written in a rule.

    Args:
        text: units joined by `*` and `/`, read from the left: `CNY/kVA/month`; `h^2` is a power.

    Returns:
        The unit, and how many of it the written one is: `fen/kWh` gives CNY/kWh and 1/100.

    Raises:
        ProblemsFound: a word is no unit, is a Chinese word or counts in ten thousands.
    """
    try:
        return _product(str(text))
    except ProblemsFound as found:
        place = text.place if isinstance(text, Text) else None
        raise ProblemsFound(replace(one, place=place) for one in found.problems) from None


def _fail(code: str, **parameters: str) -> NoReturn:
    raise ProblemsFound([problem(code, None, None, **parameters)])


@lru_cache(maxsize=1024)
def _product(text: str) -> tuple[Unit, Fraction]:
    unit, scale = DIMENSIONLESS, Fraction(1)
    position, sign, wants_word = 0, 1, True
    stripped = text.strip()
    if len(stripped) > _LENGTH_MAX:
        _fail("unit-syntax", text=f"{stripped[:_LENGTH_MAX]}…")
    while position < len(stripped):
        token = _TOKEN.match(stripped, position)
        if token is None or (token["word"] is None) == wants_word:
            _fail("unit-syntax", text=stripped)
        position = token.end()
        wants_word = not wants_word
        if token["word"] is None:
            sign = -1 if token["sign"] == "/" else 1
            continue
        one, times = _symbol(token["word"], stripped)
        power = sign * int(token["power"] or 1)
        unit, scale = unit * one**power, scale * times**power
    if wants_word:
        _fail("unit-syntax", text=stripped)
    return unit, scale


def _symbol(word: str, whole: str) -> tuple[Unit, Fraction]:
    known = SYMBOLS.get(word)
    if known is not None:
        return known
    translated = _WORD.sub(lambda found: _CHINESE.get(plain := found[0].removeprefix(_TEN_THOUSAND), plain), whole)
    if word.startswith(_TEN_THOUSAND):
        _fail("unit-of-ten-thousand", word=word, suggestion=translated)
    if word in _CHINESE:
        _fail("unit-in-chinese", word=word, suggestion=translated)
    near = _nearest(word)
    _fail(
        "unknown-unit",
        word=word,
        known=", ".join(SYMBOLS),
        suggestion=f"Write `{near}`. " if near else "",
        suggestion_zh=f"请写 `{near}`。" if near else "",
    )


def _nearest(word: str) -> str:
    """The symbol that differs least: by case first (kwh, KWH), then by spelling."""
    same = [symbol for symbol in SYMBOLS if symbol.lower() == word.lower()]
    close = same or [symbol for symbol in SYMBOLS if symbol.lower() + "s" == word.lower()]
    close = close or difflib.get_close_matches(word, [symbol for symbol in SYMBOLS if len(symbol) > 1], n=1)
    return close[0] if close else ""


@lru_cache(maxsize=1024)
def _written(unit: Unit) -> str:
    powers = dict(unit.dims)
    for name, power_symbol in _POWER_AND_HOURS:
        power, hours = powers.get(power_symbol, 0), powers.get(_HOUR, 0)
        if power * hours > 0:
            together = min(power, hours, key=abs)
            powers[name] = together
            powers[power_symbol] = power - together
            powers[_HOUR] = hours - together
    ordered = sorted(((s, p) for s, p in powers.items() if p), key=lambda item: (_rank(item[0]), item[0]))
    above = "*".join(_power(symbol, power) for symbol, power in ordered if power > 0)
    below = "".join(f"/{_power(symbol, -power)}" for symbol, power in ordered if power < 0)
    return f"{above or '1'}{below}"


def _power(symbol: str, power: int) -> str:
    return symbol if power == 1 else f"{symbol}^{power}"


def _rank(symbol: str) -> int:
    """Money first, time last: CNY/kVA/month."""
    if symbol in CURRENCIES:
        return 0
    return 2 if symbol in ("h", "day", "month", "year") else 1
