"""Which rows of an input are billed: those with some values, those that a change reaches, and those that follow them.

    values            a row's cells must be among those named, of every column named
    days, following   a row's billing period must touch a stretch of its rule set; or it must begin with or after a row
                      of the same account, scope and rule set that does, where what it costs follows from that row

Rows of an account lie in one partition, so that a partition is enough to tell which of its rows are wanted.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.bulk import cells, files, row_ids
from engine.bulk.arrays import field_places, is_text, plain
from engine.bulk.overlaps import ACCOUNT, SCOPE
from engine.bulk.partitions import Wanted
from engine.bulk.problems import FileProblem
from engine.bulk.sources import Source
from engine.compiler.program import Compiled
from engine.evaluator.seen import Words

Mask = NDArray[np.bool_]
Whole = NDArray[np.int64]

ROWS: Final = 262_144  # read at once
_DAYS: Final = cells.Wanted(frozenset({"date"}))
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_EPOCH: Final = date(1970, 1, 1)
_NEVER: Final = np.iinfo(np.int64).max
_BEFORE: Final = np.iinfo(np.int64).min


def selection(wanted: Wanted, book: Mapping[str, Compiled], source: Source) -> Mask | None:
    """Tell which rows of a partition are billed.

    Args:
        wanted: what is asked for.
        book: the rule sets.
        source: the partition's slices.

    Returns:
        (row,) of the partition; None where all are.

    Raises:
        FileProblem: a file is damaged, or has no such column or values.
    """
    if wanted.everything:
        return None
    return _Selection(wanted, book, source).mask()


def wanted_by_ruleset(wanted: Wanted, book: Mapping[str, Compiled], source: Source) -> Counter[str]:
    """Count a partition's wanted rows by rule set id; `""`: those that name none."""
    found = _Selection(wanted, book, source)
    mask = found.mask()
    numbers = np.bincount(found.ruleset[mask] + 1, minlength=len(found.names) + 1)
    counts = zip(("", *found.names), numbers.tolist(), strict=True)
    return Counter({name: number for name, number in counts if number})


def check_wanted(wanted: Wanted, source: Source) -> None:
    """See that rows can be chosen by the columns and values that are asked for.

    Raises:
        FileProblem: there is no such column, or it cannot hold such a value.
    """
    for column, texts in wanted.values.items():
        if column not in source.schema.names:
            known = ", ".join(f"`{name}`" for name in source.schema.names)
            raise FileProblem("portfolio-only-column", str(source.path), column=column, known=known)
        cell_test(source.schema.field(column), texts, str(source.path))


def parse_only(written: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read `COLUMN=VALUE[,VALUE]`, each from one option; a value with a comma stands in double quotes.

    >>> parse_only(["region=north,south", 'name="Li, Wei"', "region=west"])
    {'region': ('north', 'south', 'west'), 'name': ('Li, Wei',)}

    Raises:
        ValueError: one is not of that form.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in written:
        column, sign, values = text.partition("=")
        column = column.strip()
        try:
            row = next(csv.reader([values], strict=True), []) if sign else []
        except csv.Error:  # a quote that does not end
            row = []
        if not column or not row or not all(row):
            raise ValueError(f"`{text}` names no rows. Write COLUMN=VALUE or COLUMN=VALUE,VALUE.")
        found[column] = tuple(dict.fromkeys((*found.get(column, ()), *row)))
    return found


class _Selection:
    """What is read of a partition to tell its wanted rows; shape (row,) each."""

    def __init__(self, wanted: Wanted, book: Mapping[str, Compiled], source: Source) -> None:
        check_wanted(wanted, source)
        self._wanted, self._book, self._source, self._file = wanted, book, source, str(source.path)
        self.names: dict[str, int] = {}
        names = source.schema.names
        self._account = [name for name in (ACCOUNT, SCOPE) if name in names and wanted.following]
        days = ["period_from", "period_to"] if wanted.days is not None else []
        columns = list(dict.fromkeys(["ruleset", *days, *self._account, *wanted.values]))
        tests = {name: cell_test(source.schema.field(name), texts, self._file) for name, texts in wanted.values.items()}
        parts: list[_Part] = [self._part(table, tests) for table in self._tables(columns)]
        self.ruleset: Whole = _joined([one.ruleset for one in parts], np.int64)  # -1: none
        self._matches: Mask = _joined([one.matches for one in parts], np.bool_)
        self._touches: Mask = _joined([one.touches for one in parts], np.bool_)
        self._from: Whole = _joined([one.period_from for one in parts], np.int64)
        self._primary: Words = _joined([one.primary for one in parts], np.uint64)
        self._check: Words = _joined([one.check for one in parts], np.uint64)
        self._named: Mask = _joined([one.named for one in parts], np.bool_)

    def mask(self) -> Mask:
        """(row,) which are wanted."""
        if self._wanted.days is None:
            return self._matches
        reached = self._touches.copy()
        ids = [number for name, number in self.names.items() if name in self._wanted.following]
        if ids and ACCOUNT in self._account:
            of = np.flatnonzero(np.isin(self.ruleset, ids) & self._named)
            reached[of] |= self._follows(of)
        return self._matches & reached

    def _follows(self, of: Whole) -> Mask:
        """Which of some rows begin with or after one of their account, scope and rule set that is reached.

        Versions of one id are one rule set: what a row carries comes from rows of any of them.
        """
        ids = [self._book[name].id if name in self._book else name for name in self.names]
        same = np.array([ids.index(id_) for id_ in ids], dtype=np.int64)
        keys = (same[self.ruleset[of]], self._check[of], self._primary[of])
        order = np.lexsort(keys)
        new = np.ones(len(of), dtype=bool)
        for key in keys:
            new[1:] &= key[order][1:] == key[order][:-1]
        new[1:] = ~new[1:]
        group = np.cumsum(new) - 1
        begins = np.where(self._touches[of], self._from[of], _NEVER)[order]
        first = np.minimum.reduceat(begins, np.flatnonzero(new)) if len(of) else begins
        found = np.zeros(len(of), dtype=bool)
        found[order] = self._from[of][order] >= first[group]
        return found

    def _tables(self, columns: Sequence[str]) -> Iterator[Any]:
        source = self._source
        if source.slices:
            for one in source.slices:
                yield from files.sliced(one, source.schema, ["ruleset"], ROWS, columns)
        elif source.format != "parquet" or source.rows:
            for table in files.tables(source.path, source.format, source.schema, ["ruleset"], ROWS):
                yield table.select(columns)

    def _part(self, table: Any, tests: Mapping[str, Callable[[Any], Mask]]) -> _Part:
        rows = table.num_rows
        matches = np.ones(rows, dtype=bool)
        for name, test in tests.items():
            matches &= test(table.column(name))
        ruleset = self._rulesets(table.column("ruleset"))
        touches, period_from = np.ones(rows, dtype=bool), np.zeros(0, dtype=np.int64)
        if self._wanted.days is not None:
            touches, period_from = self._touching(table, ruleset)
        primary = check = np.zeros(0, dtype=np.uint64)
        named = np.zeros(0, dtype=bool)
        if ACCOUNT in self._account:
            primary, check, named = self._accounts(table)
        return _Part(ruleset, matches, touches, period_from, primary, check, named)

    def _rulesets(self, column: Any) -> Whole:
        array = plain(column)
        if not pa.types.is_dictionary(array.type):
            array = array.cast(pa.string()).dictionary_encode()
        numbers = [self.names.setdefault(name, len(self.names)) for name in array.dictionary.to_pylist()]
        indices = np.asarray(array.indices.fill_null(len(numbers))).astype(np.int64)
        return np.array([*numbers, -1], dtype=np.int64)[indices]

    def _touching(self, table: Any, ruleset: Whole) -> tuple[Mask, Whole]:
        """Which rows' periods touch a stretch of their rule set, and their first days; unreadable ones touch none."""
        days = {
            name: cells.read(table.column(name), table.schema.field(name), _DAYS, self._file)
            for name in ("period_from", "period_to")
        }
        known = np.ones(len(ruleset), dtype=bool)
        for one in days.values():
            known &= True if one.column.valid is None else one.column.valid
            known &= True if one.unreadable is None else ~one.unreadable
        first, end = (days[name].column.values.astype(np.int64) for name in ("period_from", "period_to"))
        first = np.where(known, first, _BEFORE)
        touches = np.zeros(len(ruleset), dtype=bool)
        for id_, stretches in (self._wanted.days or {}).items():
            if id_ not in self.names:
                continue
            of = known & (ruleset == self.names[id_])
            for begins, ends in stretches:
                # A period without a day, which is refused, counts as its first day.
                touches |= of & (first < ends) & (np.maximum(end, first + 1) > begins)
        return touches, first

    def _accounts(self, table: Any) -> tuple[Words, Words, Mask]:
        named = row_ids.names(table.column(ACCOUNT))
        primary, check = row_ids.keys(named)
        given = np.asarray(named.is_valid()) if named.null_count else np.ones(len(named), dtype=bool)
        if SCOPE in self._account:
            scope, scope_check = row_ids.keys(row_ids.names(table.column(SCOPE)))
            primary, check = primary ^ (scope * _ODD), check ^ (scope_check * _ODD + scope)
        return primary, check, given


@dataclass(frozen=True, slots=True)
class _Part:
    """What is read of some rows; arrays of what is not asked for are empty."""

    ruleset: Whole
    matches: Mask
    touches: Mask
    period_from: Whole
    primary: Words
    check: Words
    named: Mask


def _joined(arrays: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype=dtype), *arrays])


def cell_test(field: Any, texts: Sequence[str], file: str) -> Callable[[Any], Mask]:
    """Make the test whether a column's cells are among some values.

    Raises:
        FileProblem: it cannot hold such a value.
    """
    type_ = _of_values(field.type)
    if pa.types.is_integer(type_):
        places = field_places(field, file)
        return _among([_scaled(field, text, places, file) for text in texts], type_)
    if pa.types.is_decimal(type_):
        return _among([_scaled(field, text, 0, file) for text in texts], type_)
    if pa.types.is_floating(type_):
        return _among([float(_number(field, text, file)) for text in texts], type_)
    if pa.types.is_date32(type_):
        return _among([_day(field, text, file) for text in texts], type_)
    if pa.types.is_boolean(type_):
        return _among([_known(field, text, {"true": True, "false": False}, file) for text in texts], type_)
    if is_text(type_):
        return _among(list(texts), pa.string())
    raise FileProblem("portfolio-only-value", file, column=field.name, came=texts[0], found=str(field.type))


def _of_values(type_: Any) -> Any:
    return type_.value_type if pa.types.is_dictionary(type_) or pa.types.is_run_end_encoded(type_) else type_


def _among(values: Sequence[Any], type_: Any) -> Callable[[Any], Mask]:
    held = []
    for value in values:
        if value is None:
            continue  # no whole number
        try:
            held.append(pa.scalar(value, type_).as_py())
        except (pa.ArrowInvalid, OverflowError):
            continue  # of more digits than the column holds: no cell has it
    among = pa.array(held, type_)

    def test(column: Any) -> Mask:
        array = plain(column)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        return np.asarray(pc.is_in(array, value_set=among), dtype=bool)

    return test


def _scaled(field: Any, text: str, places: int, file: str) -> Any:
    number = _number(field, text, file).scaleb(places)
    if pa.types.is_decimal(_of_values(field.type)):
        return number
    return int(number) if number == number.to_integral_value() else None


def _number(field: Any, text: str, file: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise FileProblem("portfolio-only-value", file, column=field.name, came=text, found=str(field.type))
    return number


def _day(field: Any, text: str, file: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FileProblem("portfolio-only-value", file, column=field.name, came=text, found=str(field.type)) from None


def _known(field: Any, text: str, values: Mapping[str, Any], file: str) -> Any:
    if text not in values:
        raise FileProblem("portfolio-only-value", file, column=field.name, came=text, found=str(field.type))
    return values[text]
