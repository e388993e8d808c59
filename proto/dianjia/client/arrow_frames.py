"""Arrow tables and record batches as a frame; results are tables with decimal128.

Whole numbers carry `places` in the metadata of their field, as Dianjia's own files do: with 2, 1234 is 12.34.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dianjia.client.described import Kind, Wanted
from dianjia.client.frames import Made, Positions, Same, no_floats, wrong_type
from dianjia.client.objects import FLOATS, text_of
from dianjia.client.values import PLACES_MAX, Coded, Column, Days, Flags, Items, Mask, Scaled, Texts

_DIGITS: Final = 19  # of a whole number of 64 bits
_DIGITS_MAX: Final = 38


@dataclass(frozen=True, slots=True)
class ArrowFrame:
    """A table."""

    table: Any
    rows: int
    names: tuple[str, ...]

    @classmethod
    def of(cls, given: Any) -> ArrowFrame:
        """Take a Table or a RecordBatch."""
        table = pa.Table.from_batches([given]) if isinstance(given, pa.RecordBatch) else given
        if len(set(table.column_names)) < len(table.column_names):
            raise ValueError(f"column names come twice: {', '.join(table.column_names)}")
        return cls(table, table.num_rows, tuple(table.column_names))

    def column(self, name: str, wanted: Wanted, start: int, stop: int) -> Column:
        """Read a column of some rows."""
        field = self.table.schema.field(name)
        return column_of_arrow(name, one_piece(self.table.column(name).slice(start, stop - start)), field, wanted)

    def made(self, columns: Made, positions: Positions) -> Any:
        """Make a table."""
        arrays = {}
        for name, one in columns.items():
            if isinstance(one, Same):
                arrays[name] = self.table.column(one.name).take(pa.array(one.positions))
            else:
                arrays[name] = array_of(one)
        return pa.table(arrays)


def one_piece(column: Any) -> Any:
    """A column as one array that begins at its own first value."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    try:
        return column.combine_chunks()
    except pa.ArrowInvalid:  # Arrow joins no dictionaries that hold a null
        return pa.chunked_array([piece.dictionary_decode() for piece in column.chunks]).combine_chunks()


def column_of_arrow(name: str, array: Any, field: Any, wanted: Wanted) -> Column:
    """Read an array.

    Raises:
        ValueError: its type cannot be what is wanted.
    """
    if isinstance(array, pa.ChunkedArray):
        array = one_piece(array)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    type_ = array.type
    if wanted.items is not None:
        return _items(name, array, field, wanted)
    given = _given(array)
    if pa.types.is_null(type_):
        return Texts(np.full(len(array), "", dtype=object), np.zeros(len(array), dtype=bool))
    if pa.types.is_floating(type_):
        raise no_floats(name, type_, FLOATS)
    if pa.types.is_dictionary(type_):
        if wanted.kind is Kind.CODE and _is_text(type_.value_type) and array.dictionary.null_count == 0:
            positions = np.asarray(pc.fill_null(array.indices.cast(pa.int64()), 0))
            return Coded(positions, tuple(array.dictionary.to_pylist()), given)
        return column_of_arrow(name, array.dictionary_decode(), field, wanted)
    if pa.types.is_integer(type_):
        return _whole(name, array, field, wanted, given)
    if pa.types.is_decimal(type_) and wanted.kind in (Kind.NUMBER, Kind.MIXED):
        return _texts(array, given) if wanted.kind is Kind.MIXED else _decimals(array, wanted.places, given)
    if pa.types.is_boolean(type_) and wanted.kind is Kind.BOOLEAN:
        return Flags(np.asarray(pc.fill_null(array, False)).astype(bool), given)
    if pa.types.is_date(type_) and wanted.kind is Kind.DATE:
        days = pc.fill_null(array.cast(pa.date32()).cast(pa.int32()), 0)
        return Days(np.asarray(days), given)
    if _is_text(type_):
        if wanted.kind is Kind.CODE:
            return column_of_arrow(name, array.cast(pa.string()).dictionary_encode(), field, wanted)
        return _texts(array, given)
    if wanted.kind is Kind.MIXED and (pa.types.is_boolean(type_) or pa.types.is_date32(type_)):
        return _texts(array, given)
    more = "Cast it to date32, each a local day." if pa.types.is_timestamp(type_) else ""
    raise wrong_type(name, type_, wanted, more)


def _is_text(type_: Any) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def _given(array: Any) -> Mask | None:
    return None if array.null_count == 0 else np.asarray(array.is_valid()).astype(bool)


def _texts(array: Any, given: Mask | None) -> Texts:
    if pa.types.is_decimal(array.type):  # Arrow writes 0E-9, and an exponent is no number to the service
        texts = ["" if value is None else text_of(value) for value in array.to_pylist()]
    else:
        texts = pc.fill_null(array.cast(pa.string()), "").to_pylist()
    return Texts(np.array(texts, dtype=object), given)


def _whole(name: str, array: Any, field: Any, wanted: Wanted, given: Mask | None) -> Column:
    places = int((field.metadata or {}).get(b"places", b"0")) if field is not None else 0
    if wanted.kind in (Kind.CODE, Kind.MIXED) and places == 0:
        return column_of_arrow(name, array.cast(pa.string()), None, wanted)
    if wanted.kind is not Kind.NUMBER and (wanted.kind is not Kind.TEXT or places):
        raise wrong_type(name, f"{array.type} with {places} places" if places else array.type, wanted)
    try:
        whole = pc.fill_null(array, 0).cast(pa.int64())
    except pa.ArrowInvalid:  # beyond 2^63: the service says so, row by row
        return _texts(array.cast(pa.decimal128(_DIGITS_MAX - PLACES_MAX, 0)), given)
    return Scaled(np.asarray(whole), places, given)


def _decimals(array: Any, places: int, given: Mask | None) -> Column:
    """Read decimals at their own scale; a wide scale is first brought to the declared one, where nothing is lost."""
    if not pa.types.is_decimal128(array.type) or array.type.scale < 0:
        try:
            array = array.cast(pa.decimal128(_DIGITS_MAX, max(array.type.scale, 0)))
        except pa.ArrowInvalid:
            return _texts(array, given)
    if array.type.scale > places:
        try:
            array = array.cast(pa.decimal128(_DIGITS_MAX, places))
        except pa.ArrowInvalid:
            if array.type.scale > PLACES_MAX:
                return _texts(array, given)
    words = np.frombuffer(array.buffers()[1], dtype="<i8", count=2 * (array.offset + len(array)))
    pairs = words.reshape(-1, 2)[array.offset :]
    low, high = pairs[:, 0], pairs[:, 1]
    if given is not None:
        low, high = np.where(given, low, 0), np.where(given, high, 0)
    if not bool((high == low >> 63).all()):
        return _texts(array, given)
    return Scaled(np.ascontiguousarray(low), array.type.scale, given)


def _items(name: str, array: Any, field: Any, wanted: Wanted) -> Items:
    """Read lists of structs, or of plain values where items have one input."""
    assert wanted.items is not None
    type_ = array.type
    if pa.types.is_null(type_):
        return Items(np.zeros(len(array), dtype=np.int64), {}, np.zeros(len(array), dtype=bool))
    if pa.types.is_fixed_size_list(type_) or not (pa.types.is_list(type_) or pa.types.is_large_list(type_)):
        if not pa.types.is_nested(type_) or pa.types.is_struct(type_) or pa.types.is_map(type_):
            raise wrong_type(name, type_, wanted)
        array = array.cast(pa.large_list(type_.value_field))
    given = _given(array)
    lengths = np.asarray(pc.fill_null(pc.list_value_length(array), 0)).astype(np.int64)
    values, own = array.flatten(), array.type.value_field
    if pa.types.is_struct(values.type):
        fields = [values.type.field(at) for at in range(values.type.num_fields)]
        for one in fields:
            if one.name not in wanted.items:
                raise ValueError(f"`{name}` has no `{one.name}`; it takes {wanted.described}")
        read = {
            one.name: column_of_arrow(f"{name}.{one.name}", piece, one, wanted.items[one.name])
            for one, piece in zip(fields, values.flatten(), strict=True)
        }
        return Items(lengths, read, given)
    if len(wanted.items) != 1:
        raise wrong_type(name, type_, wanted)
    (only,) = wanted.items
    return Items(lengths, {only: column_of_arrow(name, values, own, wanted.items[only])}, given)


def array_of(column: Column | Positions) -> Any:
    """Make an array of what came back."""
    match column:
        case np.ndarray():
            return pa.array(column)
        case Scaled(values, places, given):
            return decimals_of(values, places, given)
        case Coded(positions, names, given):
            codes = pa.array(positions.astype(np.int32), mask=_absent(given))
            return pa.DictionaryArray.from_arrays(codes, pa.array(list(names), pa.string()))
        case Days(values, given):
            return pa.array(values, pa.int32(), mask=_absent(given)).cast(pa.date32())
        case Flags(values, given):
            return pa.array(values, mask=_absent(given))
        case Texts(values, given):
            return pa.array(values.tolist(), pa.string(), mask=_absent(given))
    raise AssertionError("no list comes back")


def decimals_of(values: Any, places: int, given: Mask | None) -> Any:
    """Make decimal128 of whole numbers: the low word, and the sign as the high one."""
    words = np.empty((len(values), 2), dtype="<i8")
    words[:, 0] = values
    words[:, 1] = values >> 63
    valid = None if given is None else pa.py_buffer(np.packbits(given, bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.decimal128(_DIGITS, places), len(values), [valid, pa.py_buffer(words.tobytes())])


def _absent(given: Mask | None) -> Mask | None:
    return None if given is None else ~given
