"""Carried inputs put into the rows that lack them, where they were computed; the other rows are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from engine.bulk.arrays import take
from engine.bulk.carried import Mask, State, Whole
from engine.bulk.cells import of_float
from engine.bulk.pieces import chosen_rows
from engine.compiler.program import Compiled, InputSpec
from engine.evaluator.columns import read_column
from engine.evaluator.rows import Column, Rows

WHOLE_MAX = 2**63 - 1

REASONS: Mapping[State, str] = {
    State.GAP: "carried-gap",
    State.REFUSED: "carried-from-refused",
    State.NO_OPENING: "missing-value",
}


@dataclass(frozen=True, slots=True)
class CarriedColumn:
    """A carried input by the file's rows; shape (row,)."""

    values: Whole  # whole numbers of `places`
    states: NDArray[np.uint8]  # engine.bulk.carried.State
    places: int


@dataclass(frozen=True, slots=True)
class Carriage:
    """Everything that a file's rows carry.

    Attributes:
        columns: by input.
        reduced: book of rule sets that say why a row is refused, whatever it carries.
    """

    columns: Mapping[str, CarriedColumn]
    reduced: Mapping[str, Compiled]


@dataclass(frozen=True, slots=True)
class Filled:
    """Rows with their carried inputs.

    Attributes:
        rows: that may be billed.
        kept: their positions among those that came.
        refused: positions of others -> code and input.
        doomed: positions of rows that have no bill whatever they carry.
    """

    rows: Rows
    kept: Whole
    refused: Mapping[int, tuple[str, str]]
    doomed: Whole


def filled(carriage: Carriage, rows: Rows, where: Whole) -> Filled:
    """Fill in what rows carry.

    Args:
        carriage: of the file.
        rows: of a batch.
        where: (row,) positions of the rows in the file.
    """
    refused: dict[int, tuple[str, str]] = {}
    doomed = np.zeros(len(rows), dtype=bool)
    columns = dict(rows.columns)
    for name, carried in carriage.columns.items():
        states = carried.states[where]
        if not bool(states.any()):
            continue
        doomed |= states == State.DOOMED
        for state, code in REASONS.items():
            for at in np.flatnonzero(states == state).tolist():
                refused.setdefault(at, (code, name))
        computed = states == State.COMPUTED
        if bool(computed.any()):
            columns[name] = _with(columns.get(name), carried.values[where], computed, carried.places)
    apart = doomed.copy()
    apart[list(refused)] = True
    kept = np.flatnonzero(~apart)
    left = chosen_rows(replace(rows, columns=columns), kept)
    return Filled(left, kept, {at: why for at, why in refused.items() if not doomed[at]}, np.flatnonzero(doomed))


def _with(column: Column | None, values: Whole, computed: Mask, places: int) -> Column:
    """A column with values where it has none."""
    if column is None:
        return Column(np.where(computed, values, 0), places, None if bool(computed.all()) else computed)
    valid = None if column.valid is None else column.valid | computed
    if valid is not None and bool(valid.all()):
        valid = None
    if column.codes is None and column.values.dtype == np.int64:
        common = max(column.places, places)
        came = _scaled(column.values, common - column.places)
        more = _scaled(np.where(computed, values, 0), common - places)
        if came is not None and more is not None:
            return Column(np.where(computed, more, came), common, valid)
    objects = _objects(column)
    for at in np.flatnonzero(computed).tolist():
        objects[at] = Decimal(int(values[at])).scaleb(-places)
    return Column(objects, 0, valid)


def _scaled(values: Whole, places: int) -> Whole | None:
    """Whole numbers with more places; None where 64 bits do not hold them."""
    by = 10**places
    if by == 1 or not len(values):
        return values
    if max(abs(int(values.min())), abs(int(values.max()))) > WHOLE_MAX // by:
        return None
    scaled: Whole = values * by
    return scaled


def _objects(column: Column) -> NDArray[np.object_]:
    """A column of any kind as Python values."""
    found = np.empty(len(column.values), dtype=object)
    came = column.values.tolist()
    if column.codes is not None:
        came = [column.codes[at] for at in came]
    elif column.values.dtype == np.float64:
        came = [of_float(value) for value in came]
    elif column.places:
        came = [Decimal(value).scaleb(-column.places) for value in came]
    found[:] = came
    return found


def given_values(spec: InputSpec, rows: Rows, of: Whole, places: int) -> tuple[Mask, Whole]:
    """Which rows give an input, and what, in whole numbers of `places`; a faulty value is refused elsewhere."""
    column = rows.columns.get(spec.name)
    if column is None:
        return np.zeros(len(of), dtype=bool), np.zeros(len(of), dtype=np.int64)
    read = read_column(replace(spec, optional=True, default=None), take(column, of))
    given = np.ones(len(of), dtype=bool) if read.given is None else read.given
    return given, np.where(given, read.values, 0) * 10 ** (places - spec.type.places)
