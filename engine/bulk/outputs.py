"""A billed batch -> Arrow tables: bills, lines, refused, warnings, profiles, the same for every kind of file.

`bills` keeps the order of the input. `lines` is wide, one table a structure: a column a line, whole numbers with their
`places` and `currency` in the column's metadata, or decimals; where a rule set splits billing periods, a record a part.
A line that does not appear on a bill is null. Nothing here writes a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bulk import arrays
from engine.bulk.messages import warning_messages
from engine.bulk.money import decimals, precision_of
from engine.bulk.partitions import Amounts
from engine.bulk.problems import FileProblem
from engine.bulk.profiles import ProfileTable, profile_rows, profile_table
from engine.bulk.sources import Batch, Source
from engine.compiler.program import Compiled, Line, Type
from engine.evaluator.batch import Dispatched, Group
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import RowProblem

AS_GIVEN: Final = frozenset({"out-of-bounds", "too-many-places", "unknown-column"})  # name a cell: 007, not 7
LEVELS: Final = ("info", "yellow", "amber", "red")

REFUSED: Final = (
    ("ruleset", pa.string()),
    ("code", pa.string()),
    ("field", pa.string()),
    ("value", pa.string()),
    ("reason", pa.string()),
    ("at", pa.string()),
)  # fmt: skip - a table

PART: Final = (("part", pa.int32()), ("part_from", pa.date32()), ("part_to", pa.date32()))


@dataclass(frozen=True, slots=True)
class Layout:
    """The tables' columns, settled by the rate book and the file before the first row."""

    book: Mapping[str, Compiled]
    keys: tuple[str, ...]  # of the book: its ids, and `id@first-day` where several share one
    rulesets: tuple[str, ...]  # ids: a rule set's code in the outputs is its position here
    codes: NDArray[np.int32]  # (key,) that code
    ledgers: tuple[str, ...]
    places: int  # of totals
    bills: Any  # pyarrow Schemas
    refused: Any
    warnings: Any
    lines: Mapping[str, tuple[str, Any]]  # key -> name of its structure's table, its columns; of those that have lines
    amounts: Amounts
    details: bool
    places_of: Mapping[int, int]  # identity of a rule set -> position of its key in `keys`
    profiles: ProfileTable | None = None  # None: nobody has scores or segments

    def key(self, compiled: Compiled) -> str:
        """Find a rule set's key in the book."""
        return self.keys[self.places_of[id(compiled)]]

    def numbers(self, group: Group) -> NDArray[np.int32]:
        """(row,) position in `keys` of each row's rule set."""
        own = np.array([self.places_of[id(one)] for one in group.members], dtype=np.int32)
        return np.full(len(group.result.total), own[0], dtype=np.int32) if group.code is None else own.take(group.code)


def lay_out(book: Mapping[str, Compiled], source: Source, amounts: Amounts, details: bool) -> Layout:
    """Settle names and types of all columns."""
    keys = tuple(sorted(book))
    rulesets = tuple(sorted({book[key].id for key in keys}))
    codes = np.array([rulesets.index(book[key].id) for key in keys], dtype=np.int32)
    ledgers = tuple(dict.fromkeys(code for key in keys for code, _ in book[key].program.ledgers))
    totals = [_type(book[key], book[key].program.total) for key in keys]
    places = max((of.places for of in totals), default=2)
    scale = [10 ** (places - of.places) for of in totals]
    low = min((of.low * by for of, by in zip(totals, scale, strict=True)), default=0)
    high = max((of.high * by for of, by in zip(totals, scale, strict=True)), default=0)
    money = pa.decimal128(precision_of(low, high), places)
    row_id = _row_id_field(source)
    nothing = source.schema.empty_table()
    passing = [nothing.field(name).with_type(arrays.passing(nothing.column(name)).type) for name in source.passing]
    bills = pa.schema(
        [
            row_id,
            *passing,
            pa.field("ruleset", _named()),
            pa.field("version", _named()),
            pa.field("period_from", pa.date32()),
            pa.field("period_to", pa.date32()),
            pa.field("total", money),
            *(pa.field(f"ledger_{code}", money) for code in ledgers),
            pa.field("currency", _named()),
        ]
    )
    refused = pa.schema([row_id, *(pa.field(name, type_) for name, type_ in REFUSED)])
    warnings = pa.schema(
        [
            row_id,
            pa.field("ruleset", _named()),
            pa.field("warning", _named()),
            pa.field("level", _named()),
            pa.field("message", pa.string()),
        ]
    )
    for name in source.passing:
        if bills.names.count(name) > 1:
            raise FileProblem("portfolio-column-taken", str(source.path), column=name)
    lines = _structures(book, keys, row_id, amounts, details)
    places_of = {id(book[key]): at for at, key in reversed(list(enumerate(keys)))}
    return Layout(
        book,
        keys,
        rulesets,
        codes,
        ledgers,
        places,
        bills,
        refused,
        warnings,
        lines,
        amounts,
        details,
        places_of,
        profile_table(book, row_id),
    )


def _row_id_field(source: Source) -> Any:
    type_ = source.schema.field("row_id").type
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    whole = pa.types.is_integer(type_) and not pa.types.is_uint64(type_)
    return pa.field("row_id", pa.int64() if whole else pa.string())


def _named() -> Any:
    return pa.dictionary(pa.int32(), pa.string())


def _type(compiled: Compiled, step: int) -> Type:
    return compiled.program.steps[step].type


def _structures(
    book: Mapping[str, Compiled], keys: Sequence[str], row_id: Any, amounts: Amounts, details: bool
) -> dict[str, tuple[str, Any]]:
    """Give each rule set its table of lines; rule sets of one structure share it, under the first one's key."""
    names: dict[object, str] = {}
    found = {}
    for rule_key in keys:
        compiled = book[rule_key]
        if not compiled.program.lines:  # it only profiles
            continue
        fields = [row_id, pa.field("ruleset", _named())]
        if compiled.changes == "split":
            fields += [pa.field(name, type_) for name, type_ in PART]
        for line in compiled.program.lines:
            steps = [("", line.amount)]
            if details:
                steps += [(f".{name}", at) for name, at in _beside(line)]
            for suffix, step in steps:
                of = _type(compiled, step)
                metadata = {"places": str(of.places), "unit": str(of.unit), "charge": line.charge}
                if not suffix:
                    metadata |= {"currency": compiled.currency, "ledger": line.ledger, "money": str(line.money).lower()}
                type_ = pa.int64() if amounts == "scaled" else pa.decimal128(precision_of(of.low, of.high), of.places)
                fields.append(pa.field(f"{line.id}{suffix}", type_, metadata=metadata))
        schema = pa.schema(fields)
        key = (compiled.program.structure, schema.to_string(show_field_metadata=True))
        found[rule_key] = (f"lines/{names.setdefault(key, rule_key)}", schema)
    return found


def _beside(line: Line) -> list[tuple[str, int]]:
    """Name the steps that `details` writes beside a line's amount."""
    both = (("quantity", line.quantity), ("price", line.price))
    return [(name, step) for name, step in both if step is not None]


@dataclass(frozen=True, slots=True)
class Tables:
    """What one batch adds to each file."""

    bills: Any
    refused: Any
    warnings: tuple[Any, ...]
    lines: tuple[tuple[str, Any], ...]
    profiles: tuple[Any, ...] = ()


def tables(layout: Layout, batch: Batch, done: Sequence[Dispatched]) -> tuple[Tables, tuple[RowProblem, ...]]:
    """Lay out a billed batch.

    Args:
        layout: of the run.
        batch: as it was read.
        done: what became of each of its pieces.

    Returns:
        The tables, and every refusal of the batch in the order of its rows, with row ids as the file has them.
    """
    refused = sorted(
        [
            *batch.refused,
            *(
                renamed(found, batch, int(piece.positions[found.row]))
                for piece, one in zip(batch.pieces, done, strict=True)
                for found in one.refused
            ),
        ],
        key=lambda found: found.row,
    )
    lines, warnings = [], []
    profiles: list[Any] = []
    for piece, one in zip(batch.pieces, done, strict=True):
        for group in one.groups:
            if not len(group.result.total):
                continue
            for part in _by_table(layout, group) if group.compiled.program.lines else ():
                table, schema = layout.lines[layout.key(part.own(0))]
                lines.append((table, _lines(layout, batch, part, piece.positions[part.result.kept], schema)))
            raised = warning_messages(group, piece.rows)
            for warning, at, messages in raised:
                positions = piece.positions[group.result.kept[at]]
                warnings.append(_warnings(layout, batch, group, warning, at, positions, messages))
            if layout.profiles is not None:
                positions = pa.array(piece.positions[group.result.kept])
                profiles += profile_rows(layout.profiles, batch, group, _ids(layout, group, None), positions)
    bills, turned_away = _bills(layout, batch, done), _refused(layout, batch, refused)
    return Tables(bills, turned_away, tuple(warnings), tuple(lines), tuple(profiles)), tuple(refused)


def _by_table(layout: Layout, group: Group) -> Iterable[Group]:
    """Cut a family's rows where its members' lines stand in several tables: their columns differ in precision."""
    alike = len({layout.lines[layout.key(one)][0] for one in group.members}) == 1
    return (group,) if alike else group.apart()


def renamed(found: RowProblem, batch: Batch, position: int) -> RowProblem:
    """Name the row and its cell as the file has them: the evaluator was given a position and, for text, a number."""
    row_id = batch.row_id[position].as_py()
    if found.code == "duplicate-row":
        return row_problem(position, row_id, found.code, found.field, str(row_id))
    if found.code in AS_GIVEN and found.field in batch.texts:
        more = {name: text for name, text in found.parameters.items() if name not in {"field", "value"}}
        text = batch.texts[found.field][position].as_py()
        if text is not None:  # a carried value was not given as text
            return row_problem(position, row_id, found.code, found.field, text, found.place, **more)
    return RowProblem(
        position, row_id, found.code, found.field, found.value, found.reason, found.place, found.parameters
    )


def _bills(layout: Layout, batch: Batch, done: Sequence[Dispatched]) -> Any:
    ruleset = billed_by(layout, batch, done)
    billed = np.flatnonzero(ruleset >= 0)
    every = len(billed) == batch.size
    # Amounts go to where their bill stands among the billed rows, which leaves nothing to be taken out afterwards.
    rank = np.arange(batch.size) if every else np.cumsum(ruleset >= 0) - 1
    total = np.zeros(len(billed), dtype=np.int64)
    # Ledgers that nothing of the batch is booked to stay null.
    here = {code for one in done for group in one.groups for code in group.result.ledgers}
    ledgers = {code: np.zeros(len(billed), dtype=np.int64) for code in layout.ledgers if code in here}
    booked = {code: np.zeros(len(billed), dtype=bool) for code in ledgers}
    for piece, one in zip(batch.pieces, done, strict=True):
        for group in one.groups:
            compiled, result = group.compiled, group.result
            at = rank[piece.positions[result.kept]]
            by = 10 ** (layout.places - _type(compiled, compiled.program.total).places)
            total[at] = result.total if by == 1 else result.total * by
            for code, amounts in result.ledgers.items():
                ledgers[code][at] = amounts if by == 1 else amounts * by
                booked[code][at] = True

    def kept(values: NDArray[Any]) -> NDArray[Any]:
        return values if every else values[billed]

    def taken(array: Any) -> Any:
        return array if every else array.take(pa.array(billed))

    book = [layout.book[key] for key in layout.keys]
    which = kept(ruleset)
    ids = pa.array(layout.codes[which])
    precision = layout.bills.field("total").type.precision
    columns = [
        taken(batch.row_id),
        *(taken(array) for array in batch.passing.values()),
        pa.DictionaryArray.from_arrays(ids, pa.array(layout.rulesets, pa.string())),
        _one_of([one.content_hash for one in book], which),
        _days(kept(batch.period_from)),
        _days(kept(batch.period_to)),
        decimals(total, layout.places, precision),
        *(
            decimals(ledgers[code], layout.places, precision, booked[code])
            if code in ledgers
            else pa.nulls(len(billed), layout.bills.field(f"ledger_{code}").type)
            for code in layout.ledgers
        ),
        _one_of([one.currency for one in book], which),
    ]
    return pa.Table.from_arrays(columns, schema=layout.bills)


def _one_of(texts: Sequence[str], which: NDArray[np.int32]) -> Any:
    """A column of texts that repeat: of a dictionary that names one twice, Arrow writes whatever was in memory."""
    names = tuple(dict.fromkeys(texts))
    code = np.array([names.index(text) for text in texts], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(code.take(which)), pa.array(names, pa.string()))


def billed_by(layout: Layout, batch: Batch, done: Sequence[Dispatched]) -> NDArray[np.int32]:
    """(row,) position in `layout.keys` of the rule set that billed a row; -1 where none did."""
    found = np.full(batch.size, -1, dtype=np.int32)
    for piece, one in zip(batch.pieces, done, strict=True):
        for group in one.groups:
            found[piece.positions[group.result.kept]] = layout.numbers(group)
    return found


def _days(days: NDArray[np.int64]) -> Any:
    return pa.array(days.astype(np.int32)).view(pa.date32())


def _row_ids(batch: Batch, positions: NDArray[np.int64]) -> Any:
    every = len(positions) == batch.size and bool((positions == np.arange(batch.size)).all())
    return batch.row_id if every else batch.row_id.take(pa.array(positions))


def _ids(layout: Layout, group: Group, rows: NDArray[np.int64] | None) -> Any:
    """A column of rule sets' ids, of some rows of a group; None: of all."""
    codes = layout.codes.take(layout.numbers(group))
    at = codes if rows is None else codes[rows]
    return pa.DictionaryArray.from_arrays(pa.array(at), pa.array(layout.rulesets, pa.string()))


def _lines(layout: Layout, batch: Batch, group: Group, positions: NDArray[np.int64], schema: Any) -> Any:
    compiled, result = group.compiled, group.result
    of_parts = None if result.offsets is None else result.row
    if of_parts is not None:
        positions = positions[of_parts]
    columns = [_row_ids(batch, positions), _ids(layout, group, of_parts)]
    if compiled.changes == "split":
        number = np.ones(len(positions), dtype=np.int32)
        if result.offsets is not None:
            number += (np.arange(len(positions)) - result.offsets[result.row]).astype(np.int32)
        columns += [pa.array(number), _days(result.period_from), _days(result.period_to)]
    for line in compiled.program.lines:
        shown = result.shown.get(line.id)
        every = shown is None or bool(shown.all())
        several = [result.amounts[line.id]]
        if layout.details:
            beside = {"quantity": result.quantities, "price": result.prices}
            several += [beside[name][line.id] for name, _ in _beside(line)]
        for values in several:
            field = schema.field(len(columns))
            if layout.amounts == "scaled":
                columns.append(pa.array(values, mask=None if shown is None or every else ~shown))
            else:
                of = field.type
                columns.append(decimals(values, of.scale, of.precision, None if every else shown))
    return pa.Table.from_arrays(columns, schema=schema)


def _warnings(
    layout: Layout,
    batch: Batch,
    group: Group,
    warning: int,
    rows: NDArray[np.int64],
    positions: NDArray[np.int64],
    messages: Any,
) -> Any:
    one = group.compiled.program.warnings[warning]
    same = np.zeros(len(positions), dtype=np.int32)
    level = np.full(len(positions), LEVELS.index(one.level), dtype=np.int32)
    columns = [
        batch.row_id.take(pa.array(positions)),
        _ids(layout, group, rows),
        pa.DictionaryArray.from_arrays(pa.array(same), pa.array([one.id], pa.string())),
        pa.DictionaryArray.from_arrays(pa.array(level), pa.array(LEVELS, pa.string())),
        messages,
    ]
    return pa.Table.from_arrays(columns, schema=layout.warnings)


def _refused(layout: Layout, batch: Batch, found: Sequence[RowProblem]) -> Any:
    ruleset = batch.ruleset
    names = ruleset.codes or ()

    def of(position: int) -> str | None:
        if ruleset.valid is not None and not ruleset.valid[position]:
            return None
        return names[int(ruleset.values[position])]

    positions = pa.array([one.row for one in found], pa.int64())
    columns = [
        batch.row_id.take(positions),
        pa.array([of(one.row) for one in found], pa.string()),
        pa.array([one.code for one in found], pa.string()),
        pa.array([one.field for one in found], pa.string()),
        pa.array([one.value for one in found], pa.string()),
        pa.array([one.reason for one in found], pa.string()),
        pa.array([None if one.place is None else str(one.place) for one in found], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=layout.refused)
