"""Columns of lists -> offsets and the columns of their items: what comes many to a row, read at once for a batch.

Arrow lists of structs, and of values where the list has one input, are read from their offsets and flat child arrays;
nothing is done item by item. Cells of text hold JSON (`engine.bulk.list_texts`). A cell that is no list marks its row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bulk import cells
from engine.bulk.arrays import Cells, Wanted, is_text, object_column, plain, take, validity
from engine.bulk.list_texts import Laid, NotAList, read_list_text
from engine.bulk.problems import FileProblem
from engine.compiler.program import Compiled, InputSpec
from engine.evaluator.rows import Children

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WantedList:
    """How the rule sets of a book read a list: each of its inputs, and how many items it may have."""

    inputs: Mapping[str, Wanted]  # by their names within the list: kva
    at_most: int


@dataclass(frozen=True, slots=True)
class ListCells:
    """A column of lists of one batch, as the evaluator takes it.

    `children` holds at least every row that is not marked in `unreadable`; `as_came(positions)` gives rows, marked ones
    too, with their items as they came. Rows in `wrong` hold no list, and are refused.
    """

    children: Children
    unreadable: NDArray[np.bool_] | None
    as_came: Callable[[Whole], Children]
    wrong: Mapping[int, NotAList]


def short_name(spec: InputSpec) -> str:
    """Name a list's input as its items do: `kva`, not `transformers.kva`."""
    return spec.name.removeprefix(f"{spec.type.axis}.")


def wanted_lists(book: Mapping[str, Compiled]) -> dict[str, WantedList]:
    """How the rule sets of a book read each list."""
    kinds: dict[str, dict[str, set[str]]] = {}
    places: dict[tuple[str, str], int] = {}
    at_most: dict[str, int] = {}
    for compiled in book.values():
        for axis in compiled.program.axes:
            kinds.setdefault(axis.name, {})
            at_most[axis.name] = max(at_most.get(axis.name, 0), axis.at_most)
        for spec in compiled.program.inputs:
            axis_name = spec.type.axis
            if axis_name == "row":
                continue
            name = short_name(spec)
            kinds[axis_name].setdefault(name, set()).add(spec.type.kind)
            places[axis_name, name] = max(places.get((axis_name, name), 0), spec.type.places)
    return {
        axis: WantedList(
            {name: Wanted(frozenset(read), places[axis, name]) for name, read in inputs.items()}, at_most[axis]
        )
        for axis, inputs in kinds.items()
    }


def read_lists(array: Any, field: Any, wanted: WantedList, file: str, unread: Collection[str] = ()) -> ListCells:
    """Read a column of lists.

    Args:
        array: a pyarrow Array, (row,).
        field: its pyarrow Field; `places` stands in the metadata of a struct's field, or of a list's value field.
        wanted: the inputs of the list.
        file: for the problem.
        unread: fields of the items that are meant to be unread, as `transformers.maker`.

    Raises:
        FileProblem: the column's type cannot hold the list, or its items have a field that nothing reads.
    """
    array = plain(array)
    if pa.types.is_null(array.type):
        nothing = Children(np.zeros(len(array) + 1, dtype=np.int64), {}, np.zeros(len(array), dtype=bool))
        return _whole(nothing)
    if is_text(array.type) or pa.types.is_dictionary(array.type):
        return _texts(array, wanted)
    if not _is_list(array.type):
        raise _wrong_type(field, str(array.type), wanted, file)
    if b"places" in (field.metadata or {}):
        came = field.metadata[b"places"].decode("utf-8", errors="replace")
        raise FileProblem("portfolio-list-places", file, column=field.name, came=came)
    return _arrow(array, field, wanted, file, unread)


def _is_list(type_: Any) -> bool:
    kinds = ("is_list", "is_large_list", "is_fixed_size_list", "is_list_view", "is_large_list_view")
    return any(check(type_) for check in (getattr(pa.types, kind, None) for kind in kinds) if check is not None)


def _arrow(array: Any, field: Any, wanted: WantedList, file: str, unread: Collection[str]) -> ListCells:
    offsets, items, valid = flat(array)
    read: dict[str, Cells] = {}
    for name, child, child_field in _fields(items, array.type.value_field, field, wanted, file, unread):
        named = child_field.with_name(f"{field.name}.{name}")
        read[name] = cells.read(child, named, wanted.inputs[name], file)
    children = Children(offsets, {name: one.column for name, one in read.items()}, valid)
    marked = [one.unreadable for one in read.values() if one.unreadable is not None]
    if not marked:
        return _whole(children)
    rows = np.repeat(np.arange(len(array)), np.diff(offsets))
    unreadable = np.zeros(len(array), dtype=bool)
    unreadable[rows[np.logical_or.reduce(marked)]] = True

    def as_came(positions: Whole) -> Children:
        chosen, index = chosen_items(offsets, positions)
        columns = {name: one.as_came(index) for name, one in read.items()}
        return Children(chosen, columns, None if valid is None else valid[positions])

    return ListCells(children, unreadable, as_came, {})


def flat(array: Any) -> tuple[Whole, Any, NDArray[np.bool_] | None]:
    """Offsets from zero, the items that they mean and no others, and which rows have a list."""
    kind = array.type
    if pa.types.is_fixed_size_list(kind):
        starts = (np.arange(len(array), dtype=np.int64) + array.offset) * kind.list_size
        lengths = np.full(len(array), kind.list_size, dtype=np.int64)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        ends = np.asarray(array.offsets).astype(np.int64, copy=False)
        starts, lengths = ends[:-1], np.diff(ends)
    else:  # a view, which says where each list begins and how long it is
        starts, lengths = (np.asarray(one).astype(np.int64) for one in (array.offsets, array.sizes))
    valid = validity(array)
    if valid is not None:
        lengths = np.where(valid, lengths, 0)  # what lies behind a null is no item
    offsets = np.zeros(len(array) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    items = array.values
    if not len(array):
        return offsets, items.slice(0, 0), valid
    if bool((starts[1:] == starts[:-1] + lengths[:-1]).all()):
        return offsets, items.slice(int(starts[0]), int(offsets[-1])), valid
    index = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    return offsets, items.take(pa.array(index)), valid


def _fields(
    items: Any, value_field: Any, field: Any, wanted: WantedList, file: str, unread: Collection[str]
) -> list[tuple[str, Any, Any]]:
    """Name, array and field of each input among a list's items; a null struct gives nothing."""
    if isinstance(items, pa.ExtensionArray):
        items = items.storage
    kind = items.type
    if pa.types.is_null(kind):
        return []
    if not pa.types.is_struct(kind):
        if len(wanted.inputs) != 1 or pa.types.is_nested(kind):
            raise _wrong_type(field, f"a list of {kind}", wanted, file)
        return [(next(iter(wanted.inputs)), items, value_field)]
    fields = [kind.field(at) for at in range(kind.num_fields)]
    names = [one.name for one in fields]
    for name in names:
        if names.count(name) > 1:
            raise FileProblem("portfolio-column-twice", file, column=f"{field.name}.{name}")
        if name not in wanted.inputs and f"{field.name}.{name}" not in unread:
            known = ", ".join(f"`{one}`" for one in wanted.inputs)
            raise FileProblem("portfolio-list-field", file, column=field.name, field=name, known=known)
    arrays = items.flatten()  # with the nulls of the structs, which their own fields do not have
    return [(name, arrays[at], fields[at]) for at, name in enumerate(names) if name in wanted.inputs]


def _texts(array: Any, wanted: WantedList) -> ListCells:
    wrong: dict[int, NotAList] = {}
    laid: list[Laid | None] = []
    for position, text in enumerate(array.to_pylist()):
        found = None if text is None else read_list_text(text, wanted.inputs)
        if isinstance(found, NotAList):
            wrong[position] = found
            found = None
        laid.append(found)
    lengths = np.array([0 if one is None else one.count for one in laid], dtype=np.int64)
    offsets = np.zeros(len(laid) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    columns = {}
    for name in wanted.inputs:
        if any(one is not None and name in one.columns for one in laid):
            values: list[object] = []
            for one in laid:
                if one is not None:
                    values += one.columns.get(name, (None,) * one.count)
            columns[name] = object_column(values)
    return ListCells(
        Children(offsets, columns, validity(array)),
        None,
        lambda positions: taken(Children(offsets, columns, validity(array)), positions),
        wrong,
    )


def taken(children: Children, positions: Whole) -> Children:
    """The lists of some rows."""
    children = children.by_row()
    offsets, index = chosen_items(children.offsets, positions)
    columns = {name: take(column, index) for name, column in children.columns.items()}
    return Children(offsets, columns, None if children.valid is None else children.valid[positions])


def chosen_items(offsets: Whole, positions: Whole) -> tuple[Whole, Whole]:
    """Offsets of some rows' items, and where those items stand."""
    starts, lengths = offsets[positions], offsets[positions + 1] - offsets[positions]
    chosen = np.zeros(len(positions) + 1, dtype=np.int64)
    np.cumsum(lengths, out=chosen[1:])
    return chosen, np.repeat(starts - chosen[:-1], lengths) + np.arange(chosen[-1])


def _whole(children: Children) -> ListCells:
    return ListCells(children, None, lambda positions: taken(children, positions), {})


def _wrong_type(field: Any, came: str, wanted: WantedList, file: str) -> FileProblem:
    names = ", ".join(wanted.inputs)
    return FileProblem(
        "portfolio-column-type",
        file,
        column=field.name,
        came=came,
        instead=f"The rule sets read a list of structs ({names}); write it so, or leave the column out.",
        instead_zh=f"规则集需要结构体列表（{names}）；请照此填写，或去掉这一列。",
    )
