"""What names mean inside one rule set: inputs, constants, tables, definitions, calendar.

Made by the resolve pass, read by inference. Plain data; looking a name up is all it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.calendars.calendar import Calendar
from engine.charges.base import LoweredRefusal
from engine.compiler.constants import ConstantSource
from engine.compiler.program import AxisSpec, DayTable, InputSpec
from engine.language.expressions import Expr, Number
from engine.language.problems import Place

BILL = ("bill_from", "bill_to", "bill_days", "bill_months")  # of the whole bill, where a period is cut into parts
BUILT_IN = ("period_from", "period_to", "days", "months", "month", "season", "part", "parts", *BILL)


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
    charge: str = ""  # the charge that it belongs to
    amount: bool = False  # money of its charge: over the whole bill it is the sum of its parts
    once: bool = False  # of a charge that is billed once, a score or a segment: it reads the whole bill
    refusals: tuple[LoweredRefusal, ...] = ()  # of a quantity: what must hold where it is read


@dataclass(frozen=True, slots=True)
class AxisRule:
    """A list with its condition."""

    spec: AxisSpec
    needed_when: Expr | None
    place: Place


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
    axes: Mapping[str, AxisRule] = field(default_factory=dict)
    calendar: Calendar | None = None
    splits: bool = False  # billing periods are cut into parts
    whens: Mapping[str, Expr] = field(default_factory=dict)  # charge -> its condition
    reads: frozenset[str] = frozenset()  # what shared files read: what it is depends on the rule set

    def known(self) -> tuple[str, ...]:
        """All names, for suggestions."""
        return (
            *self.inputs,
            *self.constants,
            *self.tables,
            *self.definitions,
            *self.axes,
            *(name for name in BUILT_IN if name != "season" or self.season is not None),
        )
