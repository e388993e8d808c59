"""What names mean inside one rule set: inputs, constants, tables, definitions, calendar.

Made by the resolve pass, read by inference. Plain data; looking a name up is all it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.compiler.constants import ConstantSource
from engine.compiler.program import DayTable, InputSpec
from engine.language.expressions import Expr, Number
from engine.language.problems import Place

BUILT_IN = ("period_from", "period_to", "days", "months", "month", "season")


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table: names of its keys, and a constant a column."""

    path: str
    keys: tuple[str, ...]
    columns: Mapping[str, ConstantSource]
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A named formula; `low`/`high` are declared bounds, as numbers in the unit, that a row check guards."""

    path: str
    expr: Expr
    place: Place | None
    title: str = ""
    low: Number | None = None
    high: Number | None = None


@dataclass(frozen=True, slots=True)
class InputRule:
    """An input with its conditions."""

    spec: InputSpec
    optional: bool  # declared `optional: true`: read only under given()
    needed_when: Expr | None
    ignored_when: Expr | None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    inputs: Mapping[str, InputRule]
    constants: Mapping[str, ConstantSource]
    tables: Mapping[str, TableSource]
    definitions: Mapping[str, Definition]
    season: DayTable | None = None
    flags: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # true on days in [first, end)

    def known(self) -> tuple[str, ...]:
        """All names, for suggestions."""
        return (
            *self.inputs,
            *self.constants,
            *self.tables,
            *self.definitions,
            *(name for name in BUILT_IN if name != "season" or self.season is not None),
        )
