"""Constants and table cells as slots: dense over the codes of the input that looks them up, version by version.

A table's rows name some combinations of keys; the slot has a cell for every combination of the codes that the row's
keys can have, and those that the table does not print are absent. A row that reads an absent cell is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import NoReturn

from engine.calendars.days import day_date
from engine.compiler.builder import Builder
from engine.compiler.constants import Cell, ConstantSource, Piece, piece_at
from engine.compiler.program import BOOLEAN, Figure, Step, Type
from engine.compiler.scope import TableSource
from engine.compiler.slots import SlotData
from engine.language.expressions import Expr, Item, written
from engine.language.nodes import Text
from engine.language.problems import Place, ProblemsFound, problem
from engine.language.reading import did_you_mean

NUMBER_KEYS_MAX = 10_000  # a number with more steps than this is no table key


@dataclass(frozen=True, slots=True)
class Found:
    step: int
    slot: int
    present: int | None  # a boolean step, where some combination has no cell


def constant_slot(builder: Builder, source: ConstantSource, version_days: Sequence[int]) -> int:
    """The slot of a single value; made once."""
    known = next((i for i, slot in enumerate(builder.slots) if slot.path == source.path and not slot.keys), None)
    if known is not None:
        return known
    values: list[list[int | None]] = []
    figures: list[list[Figure | None]] = []
    uncovered: list[bool] = []
    for day in version_days:
        piece = piece_at(source, day)
        cell = piece.cells.get(()) if piece is not None else None
        values.append([None if cell is None else whole(cell, source.places)])
        figures.append([None if cell is None or piece is None else figure(cell, piece, source.places, version_days[0])])
        uncovered.append(cell is None)
    type_ = Type("number", source.unit, source.places)
    data = SlotData(source.path, type_, (), values, figures, tuple(uncovered), source.field)
    data.plausible = source.plausible
    return builder.slot(data)


def day_flag_slot(builder: Builder, path: str, days: tuple[int, int], version_days: Sequence[int]) -> int:
    """A condition that holds on days in [first, end): a charge's own days in force."""
    known = next((i for i, slot in enumerate(builder.slots) if slot.path == path), None)
    if known is not None:
        return known
    values: list[list[int | None]] = [[int(days[0] <= day < days[1])] for day in version_days]
    nothing: list[list[Figure | None]] = [[None] for _ in version_days]
    return builder.slot(SlotData(path, BOOLEAN, (), values, nothing))


def covered(builder: Builder, slot: int) -> int | None:
    """A boolean constant: whether a price is in force. None where one is in force in every version.

    What reads the slot needs it, so that a price that is missing refuses the rows that it would price and no others.
    """
    data = builder.slots[slot]
    if not any(data.uncovered):
        return None
    path = f"{data.path} covered"
    known = next((i for i, other in enumerate(builder.slots) if other.path == path), None)
    if known is None:
        values: list[list[int | None]] = [[int(not missing)] for missing in data.uncovered]
        nothing: list[list[Figure | None]] = [[None] for _ in data.uncovered]
        known = builder.slot(SlotData(path, BOOLEAN, (), values, nothing))
    return builder.constant(known)


def whole(cell: Cell, places: int) -> int:
    """A printed number as a whole number of its slot's places."""
    return int(cell.value.scaleb(places))


def figure(cell: Cell, piece: Piece, places: int, first_day: int) -> Figure:
    """A printed number with its source and the day it took effect: its own, or the rule set's first day."""
    since = day_date(max(piece.first_day, first_day))
    return Figure(cell.text, whole(cell, places), cell.place, piece.source, piece.standing, since)


class Lookup:
    """Reads cells of tables in one builder."""

    def __init__(self, builder: Builder, version_days: Sequence[int]) -> None:
        self.builder = builder
        self.version_days = version_days

    def cell(self, table: TableSource, keys: Sequence[int], column: str | None, expr: Item) -> Found:
        """A cell by the steps of its keys; without `column` the last key chooses the column."""
        names = [self.names(key, table, position, expr) for position, key in enumerate(keys)]
        if column is None:
            row_names, columns = names[:-1], names[-1]
            sources = [table.columns.get(name) for name in columns]
        else:
            row_names, columns = names, ()
            sources = [table.columns[column]]
        present_sources = [source for source in sources if source is not None]
        if not present_sources:
            assert isinstance(expr.column, Expr)
            told = {"column": written(expr.column), "table": table.path, "known": ", ".join(table.columns)}
            self.fail("column-not-in-table", expr, expr.column.place, **told, suggestion="", suggestion_zh="")
        if len({source.unit for source in present_sources}) > 1:
            self.fail("columns-differ", expr, table=table.path)
        path = f"{table.path}.{column}" if column is not None else f"{table.path}[{written(expr)}]"
        slot = self.slot(path, table, tuple(names), row_names, sources, expr)
        index = self.index(keys, names)
        present = self.present(slot, index)
        return Found(self.builder.cell(slot, index), slot, present)

    def fail(self, code: str, expr: Item, place: Place | None = None, **parameters: object) -> NoReturn:
        raise ProblemsFound((problem(code, place or expr.place, None, **parameters),))

    def names(self, key: int, table: TableSource, position: int, expr: Item) -> tuple[str, ...]:
        """What a key can be, in the order of its positions."""
        type_ = self.builder.type(key)
        if type_.kind == "code":
            return type_.codes
        if type_.kind == "boolean":
            return ("false", "true")
        if type_.kind == "number" and type_.high - type_.low < NUMBER_KEYS_MAX:
            return tuple(f"{Decimal(n).scaleb(-type_.places):f}" for n in range(type_.low, type_.high + 1))
        key_name = table.keys[position] if position < len(table.keys) else "column"
        written_key = expr.keys[position] if position < len(expr.keys) else expr.column
        place = written_key.place if isinstance(written_key, Expr) else expr.place
        self.fail("key-not-a-code", expr, place, key=key_name, table=table.path)

    def index(self, keys: Sequence[int], names: Sequence[tuple[str, ...]]) -> int:
        """Position in the table, row-major over the keys."""
        strides, cells = [], 1
        for these in reversed(names):
            strides.append(cells)
            cells *= len(these)
        offsets = tuple(self.builder.type(key).low for key in keys)
        axis = self.builder.axis_of(keys)
        operands = self.builder.aligned(keys, axis)
        type_ = Type(high=cells - 1, axis=axis)
        return self.builder.emit(Step("index", operands, type_, strides=tuple(reversed(strides)), offsets=offsets))

    def slot(
        self,
        path: str,
        table: TableSource,
        names: tuple[tuple[str, ...], ...],
        row_names: Sequence[tuple[str, ...]],
        sources: Sequence[ConstantSource | None],
        expr: Item,
    ) -> int:
        for i, known in enumerate(self.builder.slots):
            if known.path == path and known.keys == names:
                return i
        first = next(source for source in sources if source is not None)
        places = max(source.places for source in sources if source is not None)
        self.check_rows(first, row_names, table)
        values: list[list[int | None]] = []
        figures: list[list[Figure | None]] = []
        uncovered: list[bool] = []
        for day in self.version_days:
            row: list[int | None] = []
            shown: list[Figure | None] = []
            in_force = False
            for key in product(*row_names):
                for source in sources:
                    piece = piece_at(source, day) if source is not None else None
                    in_force = in_force or piece is not None
                    cell = piece.cells.get(key) if piece is not None else None
                    row.append(None if cell is None else whole(cell, places))
                    shown.append(
                        None if cell is None or piece is None else figure(cell, piece, places, self.version_days[0])
                    )
            values.append(row)
            figures.append(shown)
            uncovered.append(not in_force)
        type_ = Type("number", first.unit, places)
        data = SlotData(path, type_, names, values, figures, tuple(uncovered), first.field)
        declared = [source.plausible for source in sources if source is not None and source.plausible is not None]
        if declared:
            data.plausible = min(low for low, _ in declared), max(high for _, high in declared)
        return self.builder.slot(data)

    def check_rows(self, source: ConstantSource, names: Sequence[tuple[str, ...]], table: TableSource) -> None:
        """Each printed row is one that the key's codes can reach."""
        for piece in source.pieces:
            for key in piece.cells:
                for text, known, name in zip(key, names, table.keys, strict=True):
                    if text not in known:
                        place = text.place if isinstance(text, Text) else table.place
                        near, listed = did_you_mean(text, known), ", ".join(known[:12])
                        raise ProblemsFound(
                            [problem("key-not-known", place, None, key=text, name=name, known=listed, **near)]
                        )

    def present(self, slot: int, index: int) -> int | None:
        """A boolean cell a combination: whether the table prints it. None where it prints all."""
        data = self.builder.slots[slot]
        in_force = [row for row, missing in zip(data.values, data.uncovered, strict=True) if not missing]
        if all(value is not None for row in in_force for value in row):
            return None
        flags: list[list[int | None]] = [
            [int(value is not None or missing) for value in row]
            for row, missing in zip(data.values, data.uncovered, strict=True)
        ]
        path = f"{data.path} printed"
        known = next((i for i, s in enumerate(self.builder.slots) if s.path == path and s.keys == data.keys), None)
        if known is None:
            nothing: list[list[Figure | None]] = [[None] * len(row) for row in flags]
            known = self.builder.slot(SlotData(path, BOOLEAN, data.keys, flags, nothing))
        return self.builder.cell(known, index)
