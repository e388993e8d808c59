"""Arrow decimals -> PostgreSQL's numeric as its `numeric_recv` reads it: digits of base 10,000, a column at a time.

A numeric is a count of digits, the power of 10,000 of the first, a sign, the places shown, and the digits, each in 16
bits. Every number of a column gets the same digits, as many as the largest needs: PostgreSQL strips zeros at both ends.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

BASE: Final = 10_000
BASE_PLACES: Final = 4
FAST_PLACES_MAX: Final = 16  # the fraction, filled up to whole digits, is then below 10^16
_LIMB: Final = np.uint64(32)
_LOW: Final = np.uint64(0xFFFF_FFFF)

Whole = NDArray[np.uint64]
Parts = list[bytes | NDArray[Any]]


def numeric_parts(array: Any) -> Parts:
    """Give a decimal or uint64 array as the parts of a `numeric`: constants, and (row,) signs and digits.

    What stands under a null says nothing.

    Raises:
        pyarrow.ArrowInvalid: a scale below zero asks for more than 76 digits.
    """
    type_ = array.type
    if pa.types.is_uint64(type_):
        magnitude = np.asarray(array.fill_null(0) if array.null_count else array)
        return _parts(None, _whole_digits(magnitude), [], 0)
    if type_.scale < 0:
        array = array.cast(pa.decimal256(76, 0))
    elif type_.bit_width < 128:
        array = array.cast(pa.decimal128(type_.precision, type_.scale))
    words = _words(array)
    places = array.type.scale
    low = words[:, 0].view(np.int64)
    if places <= FAST_PLACES_MAX and bool((words[:, 1:].view(np.int64) == (low >> 63)[:, None]).all()):
        return _of_64_bits(np.ascontiguousarray(low), places)
    return _of_limbs(words, places)


def _words(array: Any) -> Whole:
    """(row, word) 64-bit words of decimals, the lowest first; zero where null."""
    width = array.type.bit_width // 64
    data = np.frombuffer(array.buffers()[1], np.uint64).reshape(-1, width)
    words = data[array.offset : array.offset + len(array)]
    if array.null_count:
        words = np.where(np.asarray(array.is_valid())[:, None], words, np.uint64(0))
    return words


def _of_64_bits(values: NDArray[np.int64], places: int) -> Parts:
    negative = None
    if int(values.min(initial=0)) < 0:
        negative = values < 0
        values = np.abs(values)  # of -2^63, too: its bits are those of 2^63
    magnitude = values.view(np.uint64)
    groups = -(-places // BASE_PLACES)
    whole, fraction = magnitude, np.zeros(0, np.uint64)
    if places:
        by = np.uint64(10**places)
        whole = magnitude // by
        fraction = (magnitude - whole * by) * np.uint64(10 ** (groups * BASE_PLACES - places))
    return _parts(negative, _whole_digits(whole), _digits(fraction, groups), places)


def _whole_digits(values: Whole) -> list[Whole]:
    largest, groups = int(values.max(initial=0)), 0
    while largest:
        largest //= BASE
        groups += 1
    return _digits(values, groups)


def _digits(values: Whole, groups: int) -> list[Whole]:
    """The lowest digits, the highest of them first."""
    found = []
    base = np.uint64(BASE)
    for left in range(groups, 0, -1):
        if left == 1:
            found.append(values)  # what is left is below the base
            break
        rest = values // base
        found.append(values - rest * base)
        values = rest
    return found[::-1]


def _of_limbs(words: Whole, places: int) -> Parts:
    """Numbers of any width: long division of 32-bit limbs by the base."""
    negative = words[:, -1].view(np.int64) < 0
    limbs = [half for word in words.T for half in (word & _LOW, word >> _LIMB)]
    carry = negative.astype(np.uint64)
    flip = np.where(negative, _LOW, np.uint64(0))
    for at, limb in enumerate(limbs):  # the magnitude of a two's complement
        limb = (limb ^ flip) + carry
        limbs[at], carry = limb & _LOW, limb >> _LIMB
    groups = -(-places // BASE_PLACES)
    by, carry = np.uint64(10 ** (groups * BASE_PLACES - places)), np.zeros(len(words), np.uint64)
    for at, limb in enumerate(limbs):  # zeros behind the point fill the last digit
        limb = limb * by + carry
        limbs[at], carry = limb & _LOW, limb >> _LIMB
    limbs.append(carry)
    found: list[Whole] = []
    base = np.uint64(BASE)
    while len(found) < groups or any(bool(limb.any()) for limb in limbs):
        rest = np.zeros(len(words), np.uint64)
        for at in range(len(limbs) - 1, -1, -1):
            current = (rest << _LIMB) | limbs[at]
            limbs[at] = current // base
            rest = current - limbs[at] * base
        found.append(rest)
    return _parts(negative, found[groups:][::-1], found[:groups][::-1], places)


def _parts(negative: NDArray[np.bool_] | None, whole: list[Whole], fraction: list[Whole], places: int) -> Parts:
    digits = [digit.astype(">u2") for digit in (*whole, *fraction)]
    head = np.array([len(digits), len(whole) - 1], ">i2").tobytes()
    shown = np.array(places, ">u2").tobytes()
    if negative is None:
        return [head + bytes(2) + shown, *digits]
    # The upper byte of the sign, 0x40 or 0x00.
    return [head, negative.view(np.uint8) << 6, b"\0" + shown, *digits]
