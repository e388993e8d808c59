"""Plain values as bytes and back: dataclasses of numbers, texts, days, closed lists, tuples and mappings.

Takes a value and its type; gives JSON, and the value again. What may stand in a file is what the type says and nothing
else: reading one makes values of those dataclasses, and cannot name a function, a class or a module. `pack` is a small
pickle without its dangers, and reads faster, since what is equal is written and made once:

    one table for each type     Step, tuple[int, ...], Mapping[str, int], date, Rounding, ...
    a row for each value        its fields: numbers and texts as they are, other values as positions in their tables
    by columns                  one list a field, so that types are checked and values are made a column at a time
    whole numbers by bytes      a long column of them, such as a calendar's days, is compressed

A table stands behind the tables that its rows name. A type that is not plain, or that holds itself, is a TypeError.
"""

from __future__ import annotations

import binascii
import json
import sys
import zlib
from array import array
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from itertools import accumulate, pairwise
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

_PLAIN: Final = (int, str, bool, NoneType)
_LONG: Final = 512  # cells of a column of whole numbers from which it is written as bytes
_Column = Sequence[Any]  # a list, or an array of whole numbers
_NESTED: Final[frozenset[Any]] = frozenset({int})  # how the value of another table is written


def pack(value: T, form: type[T]) -> bytes:
    """Write a value.

    Args:
        value: frozen, and not changed meanwhile.
        form: its type.

    Raises:
        TypeError: the type is not plain.
        ValueError: a value is not of the type that its field says.
    """
    tables = _tables(cast("Hashable", form))
    writers = [_Writer(table) for table in tables]
    known = {id(writer.table): writer for writer in writers}
    writers[-1].position_of(value, known)
    content = [[_shortened(column) for column in writer.columns] for writer in writers]
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), check_circular=False)
    return text.encode("utf-8", "surrogatepass")  # half of a surrogate pair can be written in YAML; `loads` reads it


def unpack(data: bytes, form: type[T]) -> T:
    """Read what `pack` wrote.

    Raises:
        TypeError: the type is not plain.
        ValueError: it was not written by `pack` for this type.
    """
    tables = _tables(cast("Hashable", form))
    try:
        content = json.loads(data)
        if len(content) != len(tables):
            raise ValueError(f"{len(content)} tables, where {form.__name__} has {len(tables)}")
        made: dict[int, list[Any]] = {}
        for table, written in zip(tables, content, strict=True):
            columns = [_restored(one) if type(one) is str else one for one in written]
            read = [cell.read(column, made) for cell, column in zip(table.cells, columns[1:], strict=True)]
            made[id(table)] = table.make(columns[0], read)
        (value,) = made[id(tables[-1])]
    except (TypeError, KeyError, IndexError, AttributeError, RecursionError, zlib.error) as error:
        raise ValueError(f"not a packed {form.__name__}: {error}") from None
    return cast("T", value)


def _shortened(column: Any) -> Any:
    """A long column of whole numbers as compressed bytes in base 64; any other as it is."""
    if not isinstance(column, list) or len(column) < _LONG or set(map(type, column)) != {int}:
        return column
    try:
        numbers = array("q", column)
    except OverflowError:
        return column
    return binascii.b2a_base64(zlib.compress(_little(numbers).tobytes(), 1), newline=False).decode("ascii")


def _restored(text: str) -> array[int]:
    numbers = array("q")
    numbers.frombytes(zlib.decompress(binascii.a2b_base64(text)))
    return _little(numbers)


def _little(numbers: array[int]) -> array[int]:
    """The numbers with their lowest byte first, or such numbers as this machine has them."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


class _Cell:
    """What stands in one field: some plain types, closed texts, or positions in a table."""

    def __init__(self, plain: frozenset[type], closed: frozenset[str] | None, table: _Table | None) -> None:
        self.plain = plain
        self.closed = closed  # None: any text
        self.table = table
        self.seen = plain if table is None else plain | _NESTED

    def read(self, column: _Column, made: Mapping[int, list[Any]]) -> _Column:
        """Make the values of a column.

        Raises:
            ValueError: a cell has another type, or names no row.
        """
        found = _NESTED if type(column) is array else set(map(type, column))
        if not found <= self.seen:
            raise ValueError(f"cells of type {', '.join(sorted(one.__name__ for one in found - self.seen))}")
        if self.closed is not None and not {one for one in set(column) if type(one) is str} <= self.closed:
            raise ValueError("a text outside its closed list")
        if self.table is None:
            return column
        rows = made[id(self.table)]
        if found <= _NESTED:
            if column and min(column) < 0:
                raise ValueError("a position before the first")
            return list(map(rows.__getitem__, column))
        if any(type(one) is int and one < 0 for one in column):
            raise ValueError("a position before the first")
        return [rows[one] if type(one) is int else one for one in column]

    def written(self, column: Collection[Any], known: Mapping[int, _Writer]) -> tuple[Any, ...]:
        """Write the values of a column.

        Raises:
            ValueError: one has another type.
        """
        if self.closed is None and set(map(type, column)) <= self.plain:
            return tuple(column)
        return tuple(self._written(value, known) for value in column)

    def _written(self, value: Any, known: Mapping[int, _Writer]) -> Any:
        kind = type(value)
        if kind in self.plain:
            if self.closed is not None and kind is str and value not in self.closed:
                raise ValueError(f"{value!r} is outside its closed list")
            return value
        if isinstance(value, str) and not isinstance(value, Enum) and str in self.plain:
            return str.__str__(value)  # a text with its place equals the text
        if self.table is None:
            raise ValueError(f"{kind.__name__} where {', '.join(sorted(one.__name__ for one in self.plain))} belongs")
        return known[id(self.table)].position_of(value, known)


class _Table:
    """One type: the cells of a row, how a value is taken apart, and how the values of columns are made.

    Attributes:
        lists: a row has as many of its cells as it likes; the first column says how many.
        shared: equal rows are one value.
    """

    def __init__(
        self,
        cells: Sequence[_Cell],
        apart: Callable[[Any], Iterable[Collection[Any]]],
        make: Callable[[Any, list[_Column]], list[Any]],
        *,
        lists: bool = False,
        shared: bool = True,
    ) -> None:
        self.cells = tuple(cells)
        self.apart = apart
        self.make = make
        self.lists = lists
        self.shared = shared


class _Writer:
    """The rows of one table, while a value is written."""

    def __init__(self, table: _Table) -> None:
        self.table = table
        self.columns: list[Any] = [[] if table.lists else 0, *([] for _ in table.cells)]
        self.rows = 0
        self.by_row: dict[Any, int] = {}
        self.by_id: dict[int, int] = {}  # the whole value lives while it is written, and so does each part

    def position_of(self, value: Any, known: Mapping[int, _Writer]) -> int:
        """Write a value unless it is written, and say where."""
        position = self.by_id.get(id(value))
        if position is None:
            apart = self.table.apart(value)
            row = tuple(cell.written(column, known) for cell, column in zip(self.table.cells, apart, strict=True))
            position = self.by_row.get(row) if self.table.shared else None
            if position is None:
                position = self._add(row)
            self.by_id[id(value)] = position
        return position

    def _add(self, row: tuple[tuple[Any, ...], ...]) -> int:
        if self.table.lists:
            self.columns[0].append(len(row[0]))
        else:
            self.columns[0] += 1
        for column, cells in zip(self.columns[1:], row, strict=True):
            column.extend(cells)
        if self.table.shared:
            self.by_row[row] = self.rows
        self.rows += 1
        return self.rows - 1


@cache
def _tables(form: Hashable) -> tuple[_Table, ...]:
    """The tables of a type, each behind those that it names; its own is the last."""
    made: dict[Any, _Table] = {}
    _table(form, made, ())
    return tuple(made.values())


def _table(form: Any, made: dict[Any, _Table], inside: tuple[Any, ...]) -> _Table:
    """Give the table of a type, after those that it names."""
    if form in made:
        return made[form]
    if form in inside:
        raise TypeError(f"{form} holds itself")
    inside = (*inside, form)
    origin, arguments = get_origin(form), get_args(form)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        made[form] = _Table([_cell(arguments[0], made, inside)], _of_tuple, _make_tuples, lists=True)
    elif origin is tuple:
        cells = [_cell(one, made, inside) for one in arguments]
        made[form] = _Table(cells, _by_cell, lambda count, columns: list(zip(*columns, strict=True)))
    elif origin is not None and issubclass(origin, Mapping):
        cells = [_cell(one, made, inside) for one in arguments]
        made[form] = _Table(cells, _of_mapping, _make_mappings, lists=True, shared=False)
    elif is_dataclass(form) and isinstance(form, type):
        made[form] = _of_dataclass(form, made, inside)
    elif isinstance(form, type) and issubclass(form, Enum):
        texts = _Cell(frozenset({str}), frozenset(one.value for one in form), None)
        made[form] = _Table([texts], lambda value: ((value.value,),), lambda count, columns: list(map(form, *columns)))
    elif form is date:
        texts = _Cell(frozenset({str}), None, None)
        made[form] = _Table([texts], lambda value: ((value.isoformat(),),), _make_days)
    else:
        raise TypeError(f"{form} is not plain: it is no dataclass, tuple, mapping, day, closed list, number or text")
    return made[form]


def _of_dataclass(form: type, made: dict[Any, _Table], inside: tuple[Any, ...]) -> _Table:
    hints = get_type_hints(form)
    names = [one.name for one in fields(form)]
    cells = [_cell(hints[name], made, inside) for name in names]

    def apart(value: Any) -> list[tuple[Any]]:
        if type(value) is not form:
            raise ValueError(f"{type(value).__name__} where {form.__name__} belongs")
        return [(getattr(value, name),) for name in names]

    return _Table(cells, apart, lambda count, columns: list(map(form, *columns)))


def _cell(form: Any, made: dict[Any, _Table], inside: tuple[Any, ...]) -> _Cell:
    """What a field of some type holds; at most one arm of a union is a value of another table."""
    arms = get_args(form) if get_origin(form) in (Union, UnionType) else (form,)
    plain: set[type] = set()
    closed: set[str] | None = None
    table: _Table | None = None
    for arm in arms:
        if arm in _PLAIN:
            plain.add(arm)
        elif get_origin(arm) is Literal and all(type(one) is str for one in get_args(arm)):
            plain.add(str)
            closed = {*(closed or ()), *get_args(arm)}
        elif table is None:
            table = _table(arm, made, inside)
        else:
            raise TypeError(f"{form} has two arms that are not plain")
    if table is not None and int in plain:
        raise TypeError(f"{form} has a number beside positions")
    if closed is not None and str in arms:
        closed = None
    return _Cell(frozenset(plain), None if closed is None else frozenset(closed), table)


def _make_days(count: int, columns: list[_Column]) -> list[Any]:
    return list(map(date.fromisoformat, *columns))


def _of_tuple(value: Any) -> list[tuple[Any, ...]]:
    if type(value) is not tuple:
        raise ValueError(f"{type(value).__name__} where tuple belongs")
    return [value]


def _by_cell(value: Any) -> list[tuple[Any]]:
    (whole,) = _of_tuple(value)
    return [(one,) for one in whole]


def _of_mapping(value: Any) -> tuple[Collection[Any], Collection[Any]]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{type(value).__name__} where a mapping belongs")
    return value.keys(), value.values()


def _make_tuples(counts: Sequence[int], columns: list[_Column]) -> list[Any]:
    (flat,) = columns
    return [tuple(flat[first:end]) for first, end in _stretches(counts, len(flat))]


def _make_mappings(counts: Sequence[int], columns: list[_Column]) -> list[Any]:
    keys, values = columns
    if len(keys) != len(values):
        raise ValueError(f"{len(keys)} keys and {len(values)} values")
    spans = _stretches(counts, len(keys))
    return [dict(zip(keys[first:end], values[first:end], strict=True)) for first, end in spans]


def _stretches(counts: Sequence[int], cells: int) -> list[tuple[int, int]]:
    """Where each row begins and ends among the cells of all rows."""
    ends = list(accumulate(counts, initial=0))
    if ends[-1] != cells or (counts and min(counts) < 0):
        raise ValueError(f"{ends[-1]} cells announced, {cells} there")
    return list(pairwise(ends))
