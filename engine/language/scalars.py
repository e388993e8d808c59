"""What a written scalar means: numbers, days, names, units, read strictly and explained when they are not.

Each function takes a `Text` and gives the value, or raises ProblemsFound with the text's place. pydantic's own
readings are far wider (`1e3`, `1_000`, full-width digits, `yes`), so none of them is used.
"""

from __future__ import annotations

import keyword
import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, NoReturn

from engine.language.nodes import Text
from engine.language.problems import Place, ProblemsFound, problem
from engine.language.syntax import full_width, half_width
from engine.language.units import Unit, parse_unit

DECIMALS_MAX = 8
DIGITS_MAX = 15  # before the point: a number of 15 digits and a few decimals still fits the evaluator's whole numbers

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_NUMERIC = re.compile(r"[-+]?[0-9.,_]*[0-9][0-9.,_]*([eE][-+]?[0-9]+)?\s*[%‰]?")
_WITH_UNIT = re.compile(r"([¥￥$]?)\s*(-?[0-9]+(?:\.[0-9]+)?)\s*([^0-9\s.,][^0-9]*)?")
_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_LIKE_DAY = re.compile(r"([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})(?:\s*[-/.月]\s*([0-9]{1,2})?\s*日?)?(?:[T ].*)?")
_COMPACT_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_DIGITS_LIKE = str.maketrans("OolI", "0011")  # letters that are taken for digits
_DASHES = "—–−－"  # what an input method, or a copied table, has for the `-` of an absent cell
_YES = frozenset({"yes", "y", "on", "true", "1", "是"})


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as a notice prints it; `places` counts its written decimals, zeros at the end too."""

    text: str
    value: Decimal
    places: int
    place: Place


@dataclass(frozen=True, slots=True)
class WrittenUnit:
    """A unit as written: 2.00 of `fen/kWh` is 2.00 × `scale` of `unit` [CNY/kWh]."""

    text: str
    unit: Unit
    scale: Fraction
    place: Place


_DURATION = re.compile(r"([1-9][0-9]{0,5}) (second|minute|hour|day|week)s?")
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_LIKE_DURATION = re.compile(r"([1-9][0-9]{0,3}) ?([A-Za-z]+)")
_YEARS_MAX_S = 20 * 366 * 86_400


def _fail(code: str, place: Place, **parameters: object) -> NoReturn:
    raise ProblemsFound([problem(code, place, None, **parameters)])


def refuse_full_width(text: Text) -> None:
    """Raise where a full-width sign, digit or letter stands in what is meant for the engine, not for people."""
    wide = full_width(text)
    if wide is not None:
        at, character, replacement = wide
        _fail("full-width-punctuation", text.piece(at, at + 1), character=character, replacement=replacement)


def looks_numeric(text: str) -> bool:
    """Whether a text was meant as a number and not as a formula, well written or not."""
    return _NUMERIC.fullmatch("".join(map(half_width, text)).strip()) is not None


def number(text: Text) -> Printed:
    """A decimal number: an optional minus, digits, and at most 8 decimals after a point."""
    if NUMBER.fullmatch(text) is None:
        _explain_number(text)
    whole, _, decimals = text.lstrip("-").partition(".")
    if len(decimals) > DECIMALS_MAX:
        _fail("number-too-fine", text.place, text=text, places=len(decimals), limit=DECIMALS_MAX)
    if len(whole) > DIGITS_MAX:
        _fail("number-too-long", text.place, digits=len(whole), limit=DIGITS_MAX)
    value = Decimal(str(text))
    return Printed(str(text), abs(value) if value.is_zero() else value, len(decimals), text.place)


def _explain_number(text: Text) -> NoReturn:
    """Say what keeps a text from being a number."""
    written = str(text)
    if looks_numeric(written):
        refuse_full_width(text)
    bare = written.rstrip("%‰ ")
    if bare != written and NUMBER.fullmatch(bare):
        _fail("percent-sign", text.place, text=written, suggestion=bare)
    if _THOUSANDS.fullmatch(written):
        _fail("thousands-comma", text.place, text=written, suggestion=written.replace(",", ""))
    if re.fullmatch(r"-?[0-9]+,[0-9]+", written):
        _fail("decimal-comma", text.place, text=written, suggestion=written.replace(",", "."))
    if looks_numeric(written) and (plain := _plain(written)):
        _fail("number-notation", text.place, text=written, suggestion=plain)
    digits = written.translate(_DIGITS_LIKE)
    if NUMBER.fullmatch(digits) and any(sign.isdigit() for sign in written):
        _fail("number-notation", text.place, text=written, suggestion=digits)
    if written and not written.strip(_DASHES):
        refuse_full_width(text)
    with_unit = _WITH_UNIT.fullmatch(written)
    if with_unit is not None and (with_unit[1] or with_unit[3]) and not re.search(r"[-+*/()<>=]", with_unit[3] or ""):
        _fail("unit-in-number", text.place, text=written, suggestion=with_unit[2])
    _fail("number-expected", text.place, text=written)


def _plain(written: str) -> str:
    """`1e3`, `1_000`, `+5`, `.5` and `5.` as notices print them; empty where that cannot be told."""
    tidy = written.replace("_", "").lstrip("+").rstrip(".")
    tidy = re.sub(r"^(-?)\.", r"\g<1>0.", tidy)
    if NUMBER.fullmatch(tidy):
        return tidy
    exponent = re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?[eE]([-+]?[0-9]{1,2})", tidy)
    return format(Decimal(tidy), "f") if exponent and abs(int(exponent[1])) <= DIGITS_MAX else ""


def whole_number(text: Text) -> int:
    """A whole number, in digits."""
    if re.fullmatch(r"-?[0-9]+", text) is None:
        if looks_numeric(text):
            refuse_full_width(text)
        _fail("whole-number-expected", text.place, text=text)
    if len(text.lstrip("-")) > DIGITS_MAX:
        _fail("number-too-long", text.place, digits=len(text.lstrip("-")), limit=DIGITS_MAX)
    return int(text)


def truth(text: Text) -> bool:
    """`true` or `false`."""
    if text not in ("true", "false"):
        suggestion = "true" if text.strip().lower() in _YES else "false"
        _fail("true-or-false-expected", text.place, text=text, suggestion=suggestion)
    return text == "true"


def day(text: Text) -> date:
    """A day, as YYYY-MM-DD."""
    found = _DAY.fullmatch(text)
    if found is None:
        near = "".join(map(half_width, text)).strip()
        like = _LIKE_DAY.fullmatch(near) or _COMPACT_DAY.fullmatch(near)
        example = f"{int(like[1]):04}-{int(like[2]):02}-{int(like[3] or 1):02}" if like else "2026-01-05"
        _fail("day-format", text.place, text=text, suggestion=f"`{example}`")
    year, month, number_of_day = (int(part) for part in found.groups())
    if not 1 <= month <= 12:
        reason, reason_zh = "a year has the months 01 to 12", "月份为 01 至 12"
    elif year < 1:
        reason, reason_zh = "years begin at 0001", "年份从 0001 开始"
    else:
        last = monthrange(year, month)[1]
        if 1 <= number_of_day <= last:
            return date(year, month, number_of_day)
        reason, reason_zh = f"{text[:7]} has the days 01 to {last}", f"{text[:7]} 的日期为 01 至 {last}"
    _fail("day-not-in-calendar", text.place, text=text, reason=reason, reason_zh=reason_zh)


def name(text: Text) -> Text:
    """A name that formulas can use: ASCII letters, digits and `_`, a letter first, no word of the formula language."""
    if _NAME.fullmatch(text) is None:
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", "".join(map(half_width, text))).strip("_")
        suggestion = f" (`{plain}`)" if _NAME.fullmatch(plain) else ""
        suggestion_zh = f"（`{plain}`）" if suggestion else ""
        _fail("name-expected", text.place, text=text, suggestion=suggestion, suggestion_zh=suggestion_zh)
    if keyword.iskeyword(text):
        _fail("name-reserved", text.place, text=text)
    return text


def dotted_id(text: Text) -> Text:
    """An id: names joined by dots, `cn.hubei.agency.2026-01`."""
    if _ID.fullmatch(text) is None:
        refuse_full_width(text)
        _fail("id-expected", text.place, text=text)
    return text


def duration(text: Text) -> int:
    """A length of time, `30 days`, in whole microseconds; a day has 24 hours."""
    found = _DURATION.fullmatch(text)
    if found is None:
        _fail("duration-expected", text.place, text=text, **_duration_advice(text))
    seconds = int(found[1]) * _SECONDS[found[2]]
    if seconds > _YEARS_MAX_S:
        _fail("duration-range", text.place, text=text)
    return seconds * 1_000_000


def _duration_advice(text: str) -> dict[str, str]:
    """What was meant, where that can be told: `45d`, `1 year`."""
    near = _LIKE_DURATION.fullmatch(text.strip())
    word = "" if near is None else near[2].lower().rstrip("s")
    if near is not None and word in ("month", "mon", "year", "yr", "y"):
        days = int(near[1]) * (365 if word.startswith("y") else 30)
        return {
            "suggestion": f"Months and years have no fixed length: write days, such as `{days} days`. ",
            "suggestion_zh": f"月和年的长短不定，请写天数，例如 `{days} days`。",
        }
    meant = [unit for unit in _SECONDS if word and unit.startswith(word)]
    if near is None or len(meant) != 1:
        return {"suggestion": "", "suggestion_zh": ""}
    return {"suggestion": f"Write `{near[1]} {meant[0]}s`. ", "suggestion_zh": f"请写 `{near[1]} {meant[0]}s`。"}


def words(text: Text) -> Text:
    """Text for people; it may not be empty."""
    if not text.strip():
        _fail("text-empty", text.place)
    return text


def unit(text: Text) -> WrittenUnit:
    """A unit of measure, as `engine.language.units` reads it."""
    if not text.isascii():
        wide = full_width(text)
        if wide is not None and wide[1] != "‰":
            refuse_full_width(text)
    parsed, scale = parse_unit(text)
    return WrittenUnit(str(text), parsed, scale, text.place)
