"""One column of a batch -> whole numbers in the declared bounds, and which rows have none.

Takes a column as it came and the input that it is for; gives int64 (or bool) values, which rows gave one, and a fault
for each row whose value cannot be billed. Nothing is rounded and nothing is guessed. Whole numbers of the declared
places, the usual case, are looked at once, for their least and largest, and not copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.calendars.days import day_number, read_day
from engine.compiler.program import InputSpec, Type
from engine.evaluator.rows import Array, Column, Mask, Whole, day_text, value_text, whole_text

# What a file or a message may write. Exponents are for programs that print floats, and floats are not money.
NUMBER = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?")
TRUTHS: Mapping[str, int] = {"0": 0, "1": 1, "false": 0, "true": 1}
FLOAT_WHOLE_MAX = 2.0**50  # of a float64 times its power of ten: the nearest whole number is then the one meant
EXPONENT_MAX = 400  # of a Decimal; beyond it a number would be made, and written out, only to be refused
FLOAT_DIGITS = 15  # decimal digits that a float64 always keeps


class Fault(IntEnum):
    """What is wrong with a value. The names are codes of the catalogue."""

    NONE = 0
    MISSING_VALUE = 1
    NOT_A_NUMBER = 2
    TOO_MANY_PLACES = 3
    OUT_OF_BOUNDS = 4
    UNKNOWN_CODE = 5
    BINARY_FLOAT = 6
    BAD_DATE = 7

    @property
    def code(self) -> str:
        return self.name.lower().replace("_", "-")


Faults = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Reading:
    """A column read.

    Attributes:
        values: shape (row,) int64, or bool for a boolean; an absent or faulty row holds something harmless.
        given: shape (row,); None: every row gives a value.
        faults: shape (row,) of `Fault`; None: there is none.
    """

    values: Array
    given: Mask | None = None
    faults: Faults | None = None


def read_column(spec: InputSpec, column: Column) -> Reading:
    """Check a column against the input that it is for."""
    given = _given(column)
    values = column.values
    fill = spec.type.low if spec.default is None else spec.default
    filled = _filled(spec.type, column, given, fill)
    if filled is not None:
        read = filled
    elif column.codes is not None:
        read = _by_dictionary(spec.type, column, given)
    elif values.dtype.kind in "OU":
        read = _by_value(spec.type, values, given)
    else:
        read = _READERS[spec.type.kind](spec.type, column, given)
    if given is None:
        return read
    faults = read.faults
    if filled is None:
        read = Reading(np.where(given, read.values, np.asarray(fill, read.values.dtype)))
        faults = None if faults is None else np.where(given, faults, 0).astype(np.int8)
    if spec.default is None and not spec.optional:
        faults = np.zeros(len(values), np.int8) if faults is None else faults
        faults[~given] = Fault.MISSING_VALUE
    return Reading(read.values, given, faults)


def _filled(of: Type, column: Column, given: Mask | None, fill: int) -> Reading | None:
    """Read whole numbers of the declared places, some absent, in one pass that fills these; None: others."""
    values = column.values
    plain = of.kind == "number" and column.codes is None and column.places == of.places and of.low <= fill <= of.high
    if given is None or not plain or values.dtype.kind not in "iu":
        return None
    ends = np.iinfo(values.dtype)
    if not ends.min <= fill <= ends.max:
        return None
    return _within(of, np.where(given, values, values.dtype.type(fill)), of.low, of.high)


def as_it_came(of: Type, column: Column) -> tuple[int, int] | None:
    """Tell whether a column's values can be computed on without a copy, if they lie within bounds: give those bounds.

    They are whole numbers of the declared places, each is given, and what lies outside the bounds is a fault of the
    batch's (`read_column` says which). None: the column has to be read.
    """
    values, codes = column.values, column.codes
    if values.dtype.kind not in "iu" or values.dtype == np.uint64 or _given(column) is not None:
        return None
    if of.kind == "code":
        return (0, len(of.codes) - 1) if codes == of.codes else None
    if codes is not None or column.places != (of.places if of.kind == "number" else 0):
        return None
    return (0, 1) if of.kind == "boolean" else (of.low, of.high)


def absent(spec: InputSpec, rows: int) -> Reading:
    """Read an input that the batch has no column for."""
    return read_column(spec, Column(np.zeros(rows, np.int64), valid=np.zeros(rows, np.bool_)))


def fault_text(spec: InputSpec, column: Column | None, row: int, fault: Fault) -> str:
    """Write the value that a fault concerns; "" where none was given."""
    if column is None or fault is Fault.MISSING_VALUE:
        return ""
    came = column.values[row]
    came = (column.codes or ("",))[int(came)] if column.codes is not None else came
    came = came.item() if isinstance(came, np.generic) and not isinstance(came, np.datetime64) else came
    if isinstance(came, int) and not isinstance(came, bool):
        whole = spec.type.kind != "date" or column.places
        return whole_text(came, column.places) if whole else day_text(came)
    return _written(came)


def _written(came: object) -> str:
    """Write a value as an analyst would: no capital in true and false, no exponent but one that is no reading."""
    if isinstance(came, bool):
        return "true" if came else "false"
    if isinstance(came, float) and isfinite(came):
        came = Decimal(repr(came))
    short = isinstance(came, Decimal) and came.is_finite() and abs(came.adjusted()) <= EXPONENT_MAX
    return f"{came:f}" if short else str(came)


def _given(column: Column) -> Mask | None:
    given = None if column.valid is None or column.valid.all() else column.valid
    if column.values.dtype.kind == "O":
        some = np.array([came is not None for came in column.values.tolist()], np.bool_)
        if not some.all():
            both: Mask = some if given is None else np.logical_and(given, some)
            return both
    return given


def _by_dictionary(of: Type, column: Column, given: Mask | None) -> Reading:
    """Read each text of the dictionary once."""
    codes = column.codes or ("",)
    positions = column.values if given is None else np.where(given, column.values, column.values.dtype.type(0))
    if not inside(positions, 0, len(codes) - 1):
        raise ValueError(f"a dictionary of {len(codes)} texts has no position {positions.min()}..{positions.max()}")
    if of.kind == "code" and codes == of.codes:
        return Reading(positions.astype(np.int64, copy=False))
    parsed = [_parse(of, text) for text in codes]
    return _taken(of, parsed, positions.astype(np.int64, copy=False))


def _by_value(of: Type, values: Array, given: Mask | None) -> Reading:
    """Read each distinct value once."""
    seen: dict[tuple[type, object], int] = {}
    parsed: list[tuple[int, Fault]] = [(of.low, Fault.NONE)]
    positions = np.zeros(len(values), np.int64)
    whole = values.tolist()
    for row in range(len(whole)) if given is None else np.flatnonzero(given).tolist():
        came = whole[row]
        try:
            known = seen.get((type(came), came))
        except TypeError:  # not hashable: no value that can be billed is
            parsed.append((of.low, _unreadable(of)))
            positions[row] = len(parsed) - 1
            continue
        if known is None:
            parsed.append(_parse(of, came))
            known = seen[type(came), came] = len(parsed) - 1
        positions[row] = known
    return _taken(of, parsed, positions)


def _taken(of: Type, parsed: list[tuple[int, Fault]], positions: Whole) -> Reading:
    table = np.array([value for value, _ in parsed], np.bool_ if of.kind == "boolean" else np.int64)
    faults = np.array([fault for _, fault in parsed], np.int8)
    return Reading(table.take(positions), None, faults.take(positions) if faults.any() else None)


def _parse(of: Type, came: object) -> tuple[int, Fault]:
    """Read one value of text or object; a faulty one reads as the type's low."""
    came = came.item() if isinstance(came, np.generic) else came
    match of.kind:
        case "number":
            return _parse_number(of, came)
        case "boolean":
            truth = TRUTHS.get(_written(came))
            return (0, Fault.UNKNOWN_CODE) if truth is None else (truth, Fault.NONE)
        case "code":
            text = str(came) if isinstance(came, int) and not isinstance(came, bool) else came
            known = isinstance(text, str) and text in of.codes
            return (of.codes.index(str(text)), Fault.NONE) if known else (of.low, Fault.UNKNOWN_CODE)
        case "date":
            day = _day(came)
            return (of.low, Fault.BAD_DATE) if day is None else _bounded(of, day)


def _parse_number(of: Type, came: object) -> tuple[int, Fault]:
    if isinstance(came, float):
        return of.low, Fault.BINARY_FLOAT
    if isinstance(came, str) and NUMBER.fullmatch(came) is not None:
        number = Decimal(came)
    elif isinstance(came, Decimal) and came.is_finite() and abs(came.adjusted()) <= EXPONENT_MAX:
        number = came
    elif isinstance(came, int) and not isinstance(came, bool):
        return _bounded(of, came * 10**of.places)
    else:
        return of.low, Fault.NOT_A_NUMBER
    top, bottom = number.as_integer_ratio()
    whole, rest = divmod(top * 10**of.places, bottom)
    return (of.low, Fault.TOO_MANY_PLACES) if rest else _bounded(of, whole)


def _bounded(of: Type, whole: int) -> tuple[int, Fault]:
    return (whole, Fault.NONE) if of.low <= whole <= of.high else (of.low, Fault.OUT_OF_BOUNDS)


def _day(came: object) -> int | None:
    """Read a day: a date, its text, or a number of days since 1970-01-01. A clock time is not a day."""
    if isinstance(came, int) and not isinstance(came, bool):
        return came
    day = read_day(came) if isinstance(came, str) else came
    return day_number(day) if isinstance(day, date) and not isinstance(day, datetime) else None


def _unreadable(of: Type) -> Fault:
    by_kind = {"number": Fault.NOT_A_NUMBER, "date": Fault.BAD_DATE}
    return by_kind.get(of.kind, Fault.UNKNOWN_CODE)


def _all_faulty(of: Type, column: Column, fault: Fault) -> Reading:
    rows = len(column.values)
    dtype = np.bool_ if of.kind == "boolean" else np.int64
    return Reading(np.full(rows, of.low, dtype), None, np.full(rows, fault, np.int8))


def _read_number(of: Type, column: Column, given: Mask | None) -> Reading:
    values = column.values
    if values.dtype.kind in "bM":
        return _all_faulty(of, column, Fault.NOT_A_NUMBER)
    if values.dtype.kind == "f":
        return _read_float(of, values, given)
    shift = of.places - column.places
    if given is not None:
        values = np.where(given, values, values.dtype.type(0))
    if shift == 0:
        return _within(of, values, of.low, of.high)
    if shift > 0:
        by = 10**shift
        # Compared before they are multiplied, so that nothing overflows; a power beyond int64 leaves zeros alone.
        read = _within(of, values, -(-of.low // by), of.high // by)
        return Reading(read.values * np.int64(by if by < 2**63 else 0), None, read.faults)
    by = 10**-shift
    whole = values.astype(np.uint64 if values.dtype == np.uint64 else np.int64, copy=False)
    quotient, rest = np.divmod(whole, whole.dtype.type(by))
    read = _within(of, quotient, of.low, of.high)
    if not rest.any():
        return read
    faults = np.zeros(len(values), np.int8) if read.faults is None else read.faults
    faults[rest != 0] = Fault.TOO_MANY_PLACES
    return Reading(read.values, None, faults)


def _within(of: Type, values: Array, low: int, high: int) -> Reading:
    """Integers as int64; outside [low, high] is a fault."""
    if inside(values, low, high):
        return Reading(values.astype(np.int64, copy=False))
    ends = np.iinfo(values.dtype)
    outside = np.zeros(len(values), np.bool_)
    if low > ends.min:
        outside |= values < min(low, ends.max) if low <= ends.max else np.True_
    if high < ends.max:
        outside |= values > max(high, ends.min) if high >= ends.min else np.True_
    harmless = np.where(outside, values.dtype.type(0), values).astype(np.int64)
    return Reading(harmless, None, np.where(outside, np.int8(Fault.OUT_OF_BOUNDS), np.int8(0)))


def inside(values: Array, low: int, high: int) -> bool:
    """Whether all integers are in [low, high]."""
    if len(values) == 0:
        return True
    if one_look(values.dtype, low, high):
        return int(values.view(f"u{values.itemsize}").max()) <= high
    return low <= int(values.min()) and int(values.max()) <= high


def one_look(dtype: np.dtype[Any], low: int, high: int) -> bool:
    """Whether the largest integer, read without its sign, tells that all are in [low, high].

    It does where low is zero: a negative number is then larger than any bound that the type holds. Of int8, -1 reads
    as 255, which a bound of 1000 would let in.

    >>> one_look(np.dtype(np.int8), 0, 127), one_look(np.dtype(np.int8), 0, 1000)
    (True, False)
    """
    return low == 0 <= high and (dtype.kind == "u" or high <= np.iinfo(dtype).max)


def _read_float(of: Type, values: NDArray[np.float64], given: Mask | None) -> Reading:
    """Doubles that are each the nearest to a number of the declared places.

    With n = rint(x * 10^places) up to 2^50, n is the only candidate, and n / 10^places is rounded correctly, as both
    are exact: the quotient is x only where x is nearest to that number.
    """
    scale = np.float64(10**of.places)
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.rint(values * scale)
        near = (np.abs(whole) <= FLOAT_WHOLE_MAX) & (whole / scale == values)
    if given is not None:
        near |= ~given
        whole = np.where(given, whole, 0.0)
    if near.all():
        return _within(of, whole.astype(np.int64), of.low, of.high)
    read = _within(of, np.where(near, whole, 0.0).astype(np.int64), of.low, of.high)
    faults = np.zeros(len(values), np.int8) if read.faults is None else read.faults
    for row in np.flatnonzero(~near).tolist():
        faults[row] = _float_fault(of, float(values[row]))
    return Reading(read.values, None, faults)


def _float_fault(of: Type, value: float) -> Fault:
    """Tell a number with too many places from the result of binary arithmetic: that needs more digits than 15."""
    if not isfinite(value):
        return Fault.NOT_A_NUMBER
    number = Decimal(repr(value))
    if len(number.normalize().as_tuple().digits) > FLOAT_DIGITS:
        return Fault.BINARY_FLOAT
    _, fault = _parse_number(of, number)
    return fault or Fault.BINARY_FLOAT  # in bounds, but so large that a double no longer tells which number is meant


def of_float(of: Type, value: float) -> Decimal | str | float:
    """Give a cell of a float64 column as the row door reads it: to the value or the fault that `read_column` finds."""
    if not isfinite(value):
        return str(value)
    faults = _read_float(of, np.array([value]), None).faults
    return value if faults is not None and faults[0] == Fault.BINARY_FLOAT else Decimal(repr(value))


def _read_boolean(of: Type, column: Column, given: Mask | None) -> Reading:
    values = column.values
    if values.dtype.kind == "b":
        return Reading(values)
    if values.dtype.kind not in "iu" or column.places:
        return _all_faulty(of, column, Fault.UNKNOWN_CODE)
    values = values if given is None else np.where(given, values, values.dtype.type(0))
    read = _within(of, values, 0, 1)
    faults = None if read.faults is None else np.where(read.faults, np.int8(Fault.UNKNOWN_CODE), np.int8(0))
    return Reading(read.values.astype(np.bool_), None, faults)


def _read_code(of: Type, column: Column, given: Mask | None) -> Reading:
    """A code may be a number in the file: 10 stands for the code `10`."""
    if column.values.dtype.kind not in "iu" or column.places:
        return _all_faulty(of, column, Fault.UNKNOWN_CODE)
    return _by_value(of, column.values, given)


def _read_date(of: Type, column: Column, given: Mask | None) -> Reading:
    values = column.values
    if values.dtype.kind not in "iuM" or column.places:
        return _all_faulty(of, column, Fault.BAD_DATE)
    if values.dtype.kind == "M":
        values = values.astype(np.int64)  # a NaT is the least int64, out of any bounds
    values = values if given is None else np.where(given, values, values.dtype.type(0))
    return _within(of, values, of.low, of.high)


_READERS: Mapping[str, Callable[[Type, Column, Mask | None], Reading]] = {
    "number": _read_number,
    "boolean": _read_boolean,
    "code": _read_code,
    "date": _read_date,
}


def bounds_text(of: Type) -> tuple[str, str]:
    """Write the declared bounds."""
    return value_text(of.low, of), value_text(of.high, of)
