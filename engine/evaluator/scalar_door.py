"""The door for one row in whole numbers: what may be billed comes out, None where something is not as it should be.

It never says why: `engine.evaluator.scalar` then asks the reference, whose door is the same and tells the first
reason. Values in the forms that a program sends (`Number`, Decimal, int, bool, the text of a code) are read here; any
other form, texts of numbers for one, is read as `engine.evaluator.row_values` reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from engine.calendars.days import EPOCH
from engine.compiler.program import END_DAY, FIRST_DAY, PARTS_MAX, AxisSpec, Compiled, InputSpec, Program
from engine.evaluator import decimals, row_intervals, row_values

EXPONENT_MAX: Final = 400  # of a decimal that is read; as `engine.evaluator.row_values`
PLACES_MAX: Final = 100  # of a Number that is read at once; any other is read as the Decimal that it is
_LARGE: Final = 10**100
PERIODS_KEPT: Final = 4096  # billing periods whose parts and versions are remembered, by rule set
CLOCKS_KEPT: Final = 64  # billing periods whose intervals are remembered, by timeline


class Number(NamedTuple):
    """A decimal as a whole number of its last place: `Number(12345, 2)` is 123.45."""

    unscaled: int
    places: int

    def decimal(self) -> Decimal:
        """Give the number as a Decimal.

        >>> Number(-5, 2).decimal()
        Decimal('-0.05')
        """
        if type(self.unscaled) is not int or type(self.places) is not int:
            raise ValueError(f"a Number holds two ints; came {tuple(self)!r}")
        digits = Decimal(abs(self.unscaled)).as_tuple().digits
        return Decimal((int(self.unscaled < 0), digits, -self.places))


Reader = Callable[[object], int | None]
"""A value as it came -> the whole number that a program takes; None: the row is refused, or it is absent."""


def reader(spec: InputSpec) -> Reader:
    """Make what reads an input in any form."""
    number, low, high, places = spec.type.kind == "number", spec.type.low, spec.type.high, spec.type.places
    power = 10**places
    # A decimal of at most so many places is a fraction of lowest terms whose denominator divides a power of ten.
    times = {2**a * 5**b: power // (2**a * 5**b) for a in range(places + 1) for b in range(places + 1)}

    def read(came: object) -> int | None:
        if came is None:
            return None
        if number:
            if type(came) is Number:
                unscaled, own = came
                if type(unscaled) is int and type(own) is int and 0 <= own < PLACES_MAX and abs(unscaled) < _LARGE:
                    whole, rest = divmod(unscaled * power, 10**own)
                    return None if rest or not low <= whole <= high else whole
            elif type(came) is Decimal and -EXPONENT_MAX <= came.adjusted() <= EXPONENT_MAX and came.is_finite():
                top, bottom = came.as_integer_ratio()
                by = times.get(bottom)
                return None if by is None or not low <= top * by <= high else top * by
            elif type(came) is int:
                return came * power if low <= came * power <= high else None
        found = row_values.read_value(spec, came.decimal() if isinstance(came, Number) else came)
        return None if isinstance(found, row_values.Fault) else decimals.to_whole(found, places)

    return read


def day_number(came: object) -> int | None:
    """Read a day: a date, `2026-01-31`, or a number of days since 1970-01-01; None: it is no day."""
    if type(came) is date:
        return came.toordinal() - _EPOCH
    return row_values.day_of(came)


_EPOCH: Final = EPOCH.toordinal()


class Span(NamedTuple):
    """A part of a billing period, with the version of the constants that bills it."""

    first: int
    end: int
    day: int  # that decides
    version: int


def spans_of(compiled: Compiled, first: int | None, end: int | None) -> tuple[Span, ...] | None:
    """Cut a billing period at the changes inside, as the rule set declares; None: it cannot be billed."""
    if first is None or end is None or not FIRST_DAY <= first < end < END_DAY:
        return None
    days = [first, end]
    if compiled.changes != "whole":
        days[1:1] = (day for day in compiled.change_days if first < day < end)
    if len(days) > 2 and (compiled.changes == "refuse" or len(days) > PARTS_MAX + 1):
        return None
    found: list[Span] = []
    for span in pairwise(days):
        day = compiled.version_day(*span)
        version = _version(compiled, day) if compiled.in_force(*span) else None
        if version is None:
            return None
        found.append(Span(*span, day, version))
    return tuple(found)


def _version(compiled: Compiled, day: int) -> int | None:
    for at, version in enumerate(compiled.constants.versions):
        if version.first_day <= day < version.end_day:
            return None if version.missing else at
    return None


def shares(value: int, days: Sequence[int]) -> list[int]:
    """Divide a whole number between parts by their days.

    Each part but the last gets its share, half away from zero, but never more than is left; the last gets the rest.

    >>> shares(100, [10, 21]), shares(-1, [1, 1, 1])
    ([32, 68], [0, 0, -1])
    """
    sign, size, total = (-1 if value < 0 else 1), abs(value), sum(days)
    found, left = [], size
    for length in days[:-1]:
        share = min((2 * size * length + total) // (2 * total), left)
        found.append(sign * share)
        left -= share
    return [*found, sign * left]


class List(NamedTuple):
    """One list of a row."""

    size: int  # items
    given: bool
    columns: tuple[Sequence[int | None], ...]  # by input; None: absent

    def between(self, start: int, end: int) -> List:
        """Give the items [start, end) alone."""
        return List(end - start, self.given, tuple(column[start:end] for column in self.columns))


@dataclass(frozen=True, slots=True)
class ListReader:
    """What reads one list of a row."""

    axis: AxisSpec
    specs: Mapping[str, InputSpec]  # by their names in an item: kva
    readers: Mapping[str, Reader]
    intervals: Callable[[int, int], int] | None  # of an interval list: how many the days [first, end) have

    def read(self, came: object, first: int, end: int) -> List | None:
        """Read a list of a billing period; None: it is not as it should be."""
        if came is None:
            return List(0, False, ((),) * len(self.specs)) if self.axis.optional else None
        columns = self._by_columns(came) if isinstance(came, Mapping) else self._by_items(came)
        if columns is None:
            return None
        lengths = {len(column) for column in columns.values()}
        count = max(lengths, default=len(came) if isinstance(came, Sequence) else 0)
        if len(lengths) > 1 or count > self.axis.at_most:
            return None
        if self.intervals is not None and count != self.intervals(first, end):
            return None
        found = []
        for name, spec in self.specs.items():
            read = _items(spec, self.readers[name], columns.get(name, [None] * count))
            if read is None:
                return None
            found.append(read)
        return List(count, True, tuple(found))

    def _by_columns(self, came: Mapping[str, object]) -> Mapping[str, Sequence[object]] | None:
        columns = {}
        for name, column in came.items():
            if name not in self.specs:
                return None
            if column is not None:
                if not _is_sequence(column):
                    return None
                columns[name] = column
        return columns  # type: ignore[return-value]  # what is no sequence was refused

    def _by_items(self, came: object) -> Mapping[str, Sequence[object]] | None:
        if not _is_sequence(came):
            return None
        assert isinstance(came, Sequence)
        single = len(self.specs) == 1
        items: list[Mapping[str, object]] = []
        for item in came:
            if isinstance(item, Mapping):
                if not item.keys() <= self.specs.keys():
                    return None
                items.append(item)
            elif item is None:
                items.append({})
            elif single and not _is_sequence(item):
                items.append(dict.fromkeys(self.specs, item))
            else:
                return None
        return {name: [item.get(name) for item in items] for name in self.specs}


def parts_of(
    came: Sequence[int | None],
    lists: Sequence[List],
    spans: Sequence[Span],
    split: Sequence[int],
    readers: Sequence[ListReader],
) -> Iterator[tuple[object, ...]]:
    """Give what each part of a row brings to the generated text, in the order of its parameters.

    Days and versions by part, divided inputs by days, interval lists by the clock, all else to each.

    Args:
        came: inputs of the row.
        lists: lists of the row.
        spans: the parts.
        split: positions of inputs that are divided.
        readers: of the lists.
    """
    lengths = [end - first for first, end, _, _ in spans]
    whole = spans[0].first, spans[-1].end
    divided = {at: shares(value, lengths) for at in split if (value := came[at]) is not None}
    starts = [0] * len(lists)
    for at, (first, end, day, _) in enumerate(spans):
        own = [divided[i][at] if i in divided else value for i, value in enumerate(came)]
        brought: list[object] = [first, end, day, *whole, at + 1, len(spans), *own, *(came[i] for i in split)]
        for number, (items, one) in enumerate(zip(lists, readers, strict=True)):
            if one.intervals is not None and items.given and len(spans) > 1:
                start = starts[number]
                starts[number] += one.intervals(first, end)
                items = items.between(start, starts[number])
            brought += [items.size, items.given, *items.columns]
        yield tuple(brought)


def list_readers(program: Program) -> tuple[ListReader, ...]:
    """Make what reads the lists of a row."""
    found = []
    for axis in program.axes:
        own = [spec for spec in program.inputs if spec.type.axis == axis.name]
        specs = {spec.name.removeprefix(f"{axis.name}."): spec for spec in own}
        readers = {name: reader(spec) for name, spec in specs.items()}
        found.append(ListReader(axis, specs, readers, intervals(program, axis) if axis.minutes else None))
    return tuple(found)


def intervals(program: Program, axis: AxisSpec) -> Callable[[int, int], int]:
    """Make what counts the intervals of the days [first, end), and remembers."""

    @lru_cache(maxsize=CLOCKS_KEPT)
    def count(first: int, end: int) -> int:
        return row_intervals.count(program, axis, first, end)

    return count


def clock(program: Program, axis: AxisSpec, timeline: int) -> Callable[[int, int], list[int]]:
    """Make what reads a timeline for the intervals of the days [first, end), and remembers; nobody writes to it."""

    @lru_cache(maxsize=CLOCKS_KEPT)
    def values(first: int, end: int) -> list[int]:
        return row_intervals.values(program, axis, timeline, first, end)

    return values


def _items(spec: InputSpec, read: Reader, column: Sequence[object]) -> list[int | None] | None:
    number, places, low, high = spec.type.kind == "number", spec.type.places, spec.type.low, spec.type.high
    may_lack = spec.optional or spec.default is not None
    found: list[int | None] = []
    if number and set(map(type, column)) == {Number}:
        # Load curves come so: thousands of numbers of the declared places.
        wholes, own = zip(*column, strict=True)
        if set(own) == {places} and set(map(type, wholes)) == {int}:
            return list(wholes) if low <= min(wholes) and max(wholes) <= high else None
    for came in column:
        value = read(came)
        if value is None and not (came is None and may_lack):
            return None
        found.append(value)
    return found


def _is_sequence(came: object) -> bool:
    return isinstance(came, Sequence) and not isinstance(came, str | bytes | Number)


def plain_row(row: Mapping[str, object]) -> Mapping[str, object]:
    """Give a row as the reference reads it: every `Number` a Decimal, in lists too."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    if isinstance(value, Number):
        return value.decimal()
    # What holds no Number is told of as it came.
    if isinstance(value, Mapping):
        items = {name: _plain(item) for name, item in value.items()}
        return items if any(item is not value[name] for name, item in items.items()) else value
    if _is_sequence(value):
        assert isinstance(value, Sequence)
        column = [_plain(item) for item in value]
        return column if any(item is not came for item, came in zip(column, value, strict=True)) else value
    return value
