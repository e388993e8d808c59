"""What a structure compiles to: typed, single-assignment steps, and the constants beside them.

A program is plain data. It holds no price: constants live in `Constants`, slot x version x cell, so that a new
price changes the table and leaves the program as it is. Interpretations of a program are tables keyed by
primitive (`engine.evaluator.evaluate`, `engine.evaluator.reference`).

Every number is a whole number of its smallest declared place: 0.5283 CNY/kWh with places 4 is 5283.
Dates are whole days since 1970-01-01. Codes are positions in the input's closed list. Booleans are 0 and 1.

This module does not compute any amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal

from engine.calendars.days import END_DAY as END_DAY
from engine.calendars.days import FIRST_DAY as FIRST_DAY
from engine.calendars.timeline import Timeline as Timeline
from engine.compiler.profile import Score, Segment
from engine.compiler.test_case import TestCase as TestCase
from engine.language.problems import Place
from engine.language.units import DIMENSIONLESS, Unit

Kind = Literal["number", "boolean", "code", "date"]


class Rounding(StrEnum):
    """A rounding that a rule names. `half_up` is half away from zero, for both signs."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    UP = "up"  # away from zero
    DOWN = "down"  # towards zero
    FLOOR = "floor"
    CEILING = "ceiling"


@dataclass(frozen=True, slots=True)
class Type:
    """Unit, places, proven bounds (whole numbers of the smallest place, both included) and axis of a value."""

    kind: Kind = "number"
    unit: Unit = DIMENSIONLESS
    places: int = 0
    low: int = 0
    high: int = 0
    axis: str = "row"
    codes: tuple[str, ...] = ()


BOOLEAN = Type(kind="boolean", low=0, high=1)
ROW = "row"  # the axis of what a row, or a part of its billing period, has one of
PARTS_MAX = 24  # of a billing period; a row with more is refused

# primitive -> number of operands (None: one or more)
PRIMITIVES: Mapping[str, int | None] = {
    # sources
    "input": 0,  # name: the row's value, or the type's low (absent inputs are made safe at the door)
    "given": 0,  # name: boolean, whether the row gives that input
    "literal": 0,  # value
    "constant": 0,  # slot: its one cell at the row's version
    "cell": 1,  # slot, operand = index: the cell at the row's version; an absent cell reads as the type's low
    "index": None,  # codes or numbers -> position in a table: sum(strides[i] * (operand[i] - offsets[i]))
    "calendar": 1,  # table: a day -> a whole number, by take
    # exact; the compiler has aligned the places of operands where they must agree
    "add": 2,
    "subtract": 2,
    "multiply": 2,  # places add up
    "rescale": 1,  # to more places
    "negate": 1,
    "absolute": 1,
    "minimum": 2,
    "maximum": 2,
    "select": 3,  # condition, then, otherwise
    # rounded once to the type's places, as `mode` says; a divisor of zero reads as one (a `require` stands beside it)
    "round": 1,
    "multiply_round": 2,  # a * b
    "divide": 2,  # a / b
    "multiply_divide": 3,  # a * b / c
    "sqrt": 1,
    "power_factor": 2,  # active, reactive -> p / sqrt(p^2 + q^2); both zero gives zero
    # comparisons and logic -> boolean
    "less": 2,
    "less_equal": 2,
    "equal": 2,
    "both": 2,
    "either": 2,
    "negation": 1,
    # statements
    "claim": 1,  # the operand; its type's bounds are narrower, by a kind's own knowledge or by a `require` beside it
    "require": None,  # condition [, guard]: where guard holds and condition does not, the row is refused by `refusal`
    # lists: a step whose type has the axis of a list holds a value for each item; all others hold one for each row
    "spread": 1,  # row value -> each item of the row
    "sum_items": 1,  # list value -> row; empty: 0
    "largest_item": 2,  # list value, row value where empty -> row
    "smallest_item": 2,
    "first_item": 2,
    "last_item": 2,
    "all_items": 1,  # list boolean -> row boolean; empty: true
    "running_sum": 1,  # list value -> list value: sum of the row's items up to this one, this one included
    "previous_item": 2,  # list value, list value at the first item -> list value: that of the item before
    "timeline": 0,  # slot: position in Program.timelines; the item's value by its place on the clock
    # parts of a row whose billing period crosses a change; a row that crosses none is one part
    "earlier_parts": 2,  # value, group: sum of the value over earlier parts of the row with an equal group
    "all_parts": 1,  # value: its sum over all parts of the row, given to each
    "largest_part": 1,  # value: its largest over all parts of the row, given to each
}

ELEMENTWISE_NOT: frozenset[str] = frozenset(
    {
        *("spread", "sum_items", "largest_item", "smallest_item", "first_item", "last_item", "all_items"),
        *("running_sum", "previous_item", "timeline", "earlier_parts", "all_parts"),
        *("largest_part", "require"),
    }
)
"""Primitives that do not take each item, or each row, by itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """One assignment. Operands are positions of earlier steps in `Program.steps`."""

    primitive: str
    operands: tuple[int, ...]
    type: Type
    name: str = ""  # input, given: the input's name
    value: int = 0  # literal
    slot: int = -1  # constant, cell: in Constants.slots; calendar: in Program.calendars; timeline: in Program.timelines
    mode: Rounding = Rounding.HALF_UP  # rounded primitives
    strides: tuple[int, ...] = ()  # index
    offsets: tuple[int, ...] = ()  # index
    refusal: int = -1  # require: position in Program.refusals
    place: Place | None = None  # of the formula that first asked for it


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is refused: a problem's code, the field it concerns, and the message (may name `{inputs}`)."""

    code: str
    field: str
    message: str = ""
    values: tuple[tuple[str, int], ...] = ()  # name in the message -> step that holds it
    place: Place | None = None
    items: tuple[str, int] | None = None  # list, and the condition on it: what is told is of the first item that fails


@dataclass(frozen=True, slots=True)
class DayTable:
    """day -> whole number for days in [first_day, first_day + len(values)); the door keeps days inside."""

    name: str
    first_day: int
    values: tuple[int, ...]
    names: tuple[str, ...] = ()  # of the values, where they are codes (seasons)


@dataclass(frozen=True, slots=True)
class AxisSpec:
    """A list: what comes many to a row."""

    name: str
    at_most: int  # items of a row
    title: str = ""
    optional: bool = False  # may be absent, and then reads as empty
    minutes: int = 0  # of an interval list: how long each interval is; 0: items follow no clock
    clock: int = -1  # of an interval list: position in Program.timelines of the timeline "clock"
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """How an input follows from the same account's earlier rows, where a run computes it."""

    how: Literal["sum", "max", "last", "remainder"]
    of: str  # quantity or input, by name in Program.names
    year_starts: int = 0  # sum: month in which the year begins that the sum is over; 0: no year
    months: int = 0  # max: of so many months before
    whole: int = 0  # remainder: what is billed in whole numbers of, as a whole number of the input's places
    opening: int | None = None  # for an account's first row; whole number of the input's places
    by_first_day: bool = False  # sum: a row counts in the year of its first day, as its rule set bills periods whole


@dataclass(frozen=True, slots=True)
class InputSpec:
    """A named column that a rule set reads; `type.axis` is the list that it belongs to, or "row"."""

    name: str
    type: Type
    title: str = ""
    default: int | None = None
    optional: bool = False  # may be absent: has a default, `optional: true`, or needed_when
    place: Place | None = None
    code_titles: tuple[str, ...] = ()
    split: bool = False  # divided by days between the parts of a billing period
    carried: Carried | None = None


@dataclass(frozen=True, slots=True)
class Working:
    """Where explain finds the working of an amount: names in its formula and the steps that hold them."""

    formula: str  # as written in the rule, or as the kind lowered it
    names: tuple[tuple[str, int], ...]  # name -> step
    unrounded: int | None  # step before rounding; None where the last operation rounds by itself
    slots: tuple[int, ...]  # the constants that it reads


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill. All `int | None` fields are steps."""

    id: str  # energy.2, energy.sharp, basic.capacity, renewables
    charge: str
    title: str
    amount: int  # step; whole numbers of its type's places
    shown: int | None  # step of a boolean: the line appears on the bill only where it holds; None: always
    quantity: int | None
    price: int | None
    ledger: str
    money: bool  # False: informs only (`round: charge`), the charge's own line carries the money
    working: Working
    part: str = ""
    place: Place | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Warning:
    """A stateless trigger: raised where `when` holds."""

    id: str
    title: str
    level: Literal["info", "yellow", "amber", "red"]
    when: int  # step
    message: str  # may name `{inputs}`
    values: tuple[tuple[str, int], ...]
    causes: tuple[str, ...] = ()
    action: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A structure: what is computed, without the numbers."""

    inputs: tuple[InputSpec, ...]
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...]
    calendars: tuple[DayTable, ...]
    lines: tuple[Line, ...]
    total: int  # step
    ledgers: tuple[tuple[str, int], ...]  # ledger code -> step of its sum
    warnings: tuple[Warning, ...]
    names: Mapping[str, int] = field(default_factory=dict)  # every named quantity, charge and line path -> step
    structure: str = ""  # hash of what is above, less titles and places
    axes: tuple[AxisSpec, ...] = ()
    timelines: tuple[Timeline, ...] = ()
    scores: tuple[Score, ...] = ()
    segments: tuple[Segment, ...] = ()

    @property
    def profile(self) -> tuple[int, ...]:
        """Steps of the scores, then of the segments."""
        return tuple(self.names[id_] for id_ in (*(one.id for one in self.scores), *(one.id for one in self.segments)))


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed number with where it stands: text as written, value, the notice, the day it took effect."""

    text: str
    value: int  # whole number of the slot's places
    place: Place | None
    source: str  # the notice or document it comes from
    standing: str  # official | copy | recalled | ...
    since: date | None  # the day it took effect


@dataclass(frozen=True, slots=True)
class Slot:
    """A constant of a structure: one cell, or a table's cells in the order of its `index`."""

    path: str  # energy.2.price, prices.energy_price.sharp
    type: Type  # bounds over every version and cell
    keys: tuple[tuple[str, ...], ...] = ()  # per table key the names of its positions; () for a single cell

    @property
    def cells(self) -> int:
        n = 1
        for names in self.keys:
            n *= len(names)
        return n


@dataclass(frozen=True, slots=True)
class Version:
    """Days in [first_day, end_day) on which every constant keeps its value."""

    first_day: int
    end_day: int
    missing: tuple[Refusal, ...] = ()  # not empty: no bill on these days, for the first of these reasons


@dataclass(frozen=True, slots=True)
class Constants:
    """slots[s] at versions[v] has figures[v][s][cell]; None is an absent cell."""

    slots: tuple[Slot, ...]
    versions: tuple[Version, ...]
    figures: tuple[tuple[tuple[Figure | None, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Premise:
    """Something that holds for every row and version, by the bounds of steps.

    known          `a` is `value`
    at_most        `a` is at most `b`
    below          `a` is below `b`
    not_negative   `a` is zero or more
    unchanged      the constant that `a` reads has the same values as when it was compiled
    """

    holds: Literal["known", "at_most", "below", "not_negative", "unchanged"]
    a: int
    b: int = -1
    value: int = 0


@dataclass(frozen=True, slots=True)
class Claimed:
    """Where the bounds of a step come from that has narrower ones than its operands give.

    part_of   between zero and `by`
    from, to  no lower, no higher than `by`
    fixed     between `low` and `high`
    """

    step: int
    of: int  # the same value without the claim
    how: Literal["part_of", "from", "to", "fixed"]
    by: int = -1
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Operand:
    """What a folded constant was made from: a constant, or a literal where `slot` is below zero."""

    slot: int
    value: int = 0
    places: int = 0


@dataclass(frozen=True, slots=True)
class Folded:
    """How a constant follows from others, cell by cell."""

    slot: int
    primitive: str
    mode: Rounding
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Plausible:
    """Between which numbers a document lets a constant lie, both included; decimal texts in the constant's unit."""

    slot: int
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Premises:
    """What a program stands on besides its steps: what was settled from numbers when it was compiled.

    A compiler that knows the bounds of each value leaves out what they decide: a sum with a price of zero, a maximum
    of two values of which one is always larger, a check that always holds. It folds formulas of parameters alone into
    new constants. All of that is true of the numbers that were compiled. So that one of them can be replaced, and the
    rest be proven again (`engine.comparison.what_if`), what was left out is kept here, with the steps that decided
    it. No bill needs it. Steps are counted as in the program; behind the program's own come those that are kept here.

    Attributes:
        steps: that no bill needs, and that premises or claims read.
        before: of each the number of the program's steps that stand before it.
        folded: each behind those that it is made from.
    """

    steps: tuple[Step, ...] = ()
    before: tuple[int, ...] = ()
    premises: tuple[Premise, ...] = ()
    claims: tuple[Claimed, ...] = ()
    folded: tuple[Folded, ...] = ()
    plausible: tuple[Plausible, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """One rule set, ready to bill."""

    id: str
    title: str
    place_code: str  # cn.jiangsu
    customer_class: str  # residential
    currency: str
    minor_places: int  # 2: money is in fen
    version_by: Literal["period_from", "last_day", "reading_day"]
    first_day: int  # in force from
    end_day: int | None  # half-open; None: until replaced
    program: Program
    constants: Constants
    change_days: tuple[int, ...]  # sorted; a billing period may not hold one strictly inside
    tests: tuple[TestCase, ...]
    source: str
    standing: str
    files: tuple[str, ...]
    content_hash: str  # of every file it was compiled from
    place: Place
    changes: Literal["refuse", "split", "whole"] = "refuse"  # a change inside a billing period
    replaces_due: tuple[tuple[str, int], ...] = ()  # (what, end_day) that end without a successor
    premises: Premises = Premises()

    def version_day(self, period_from: int, period_to: int) -> int:
        """The day of the period [period_from, period_to) that decides which version bills it."""
        match self.version_by:
            case "period_from":
                return period_from
            case "last_day":
                return period_to - 1
            case "reading_day":
                return period_to

    def in_force(self, period_from: int, period_to: int) -> bool:
        """Whether the rule set is in force on the day that decides."""
        day = self.version_day(period_from, period_to)
        return self.first_day <= day and (self.end_day is None or day < self.end_day)
