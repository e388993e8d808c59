"""Constants of a rule set before they are slots: printed figures with the days they hold, under one namespace.

Takes the assembled rule set; gives `ConstantSource`s by path. A value is one cell; a table's column has a cell a row
of the table. Which versions a structure has follows from the days at which the constants it reads change
(`boundaries`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from engine.calendars.days import END_DAY, FIRST_DAY
from engine.language.fields import Printed
from engine.language.problems import Place
from engine.language.units import Unit


@dataclass(frozen=True, slots=True)
class Cell:
    """A printed number, scaled to its source's unit."""

    text: str
    value: Decimal
    places: int
    place: Place | None


@dataclass(frozen=True, slots=True)
class Piece:
    """What holds on days in [first_day, end_day): cells by the key texts of their row; () for a single value."""

    first_day: int
    end_day: int
    cells: Mapping[tuple[str, ...], Cell | None]
    source: str
    standing: str


@dataclass(frozen=True, slots=True)
class ConstantSource:
    """A named constant through time."""

    path: str
    unit: Unit
    field: str  # what a refusal names when no piece covers the day
    keys: tuple[str, ...] = ()  # names of the table's keys
    pieces: tuple[Piece, ...] = ()
    place: Place | None = None
    plausible: tuple[Decimal, Decimal] | None = None  # of any cell, as its document says

    @property
    def places(self) -> int:
        """Most decimal places of any cell."""
        cells = (cell for piece in self.pieces for cell in piece.cells.values() if cell is not None)
        return max((cell.places for cell in cells), default=0)


def scaled(printed: Printed, scale: Fraction) -> Cell:
    """A printed number times the scale of its unit: 2.00 fen is 0.0200 CNY."""
    value = printed.value * Decimal(scale.numerator) / Decimal(scale.denominator)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return Cell(printed.text, value, max(0, -exponent), printed.place)


def single(
    path: str, unit: Unit, cell: Cell, source: str, standing: str, field_name: str, place: Place | None
) -> ConstantSource:
    """A constant that holds on all days."""
    piece = Piece(FIRST_DAY, END_DAY, {(): cell}, source, standing)
    return ConstantSource(path, unit, field_name, (), (piece,), place)


def boundaries(sources: Iterable[ConstantSource], first_day: int, end_day: int) -> list[int]:
    """Days in (first_day, end_day) on which a constant begins, ends or changes."""
    days: set[int] = set()
    for source in sources:
        for piece in source.pieces:
            days |= {piece.first_day, piece.end_day}
    return sorted(day for day in days if first_day < day < end_day)


def piece_at(source: ConstantSource, day: int) -> Piece | None:
    """The piece that holds on a day."""
    return next((piece for piece in source.pieces if piece.first_day <= day < piece.end_day), None)
