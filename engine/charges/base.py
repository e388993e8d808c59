"""What every charge has, and what a charge kind gives the compiler.

A kind is one file in this folder with a model (its YAML keys) and a `lower` function that turns the model into
formulas; the file ends in `KIND = Kind(name, model, lower)`. `engine.charges.kinds` finds it by that name.
Nothing here computes money: lowering builds expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NoReturn, Protocol

from engine.language.expressions import Expr, Name
from engine.language.fields import FormulaField, Model, NameField, Priced, Printed, Source, TextField
from engine.language.models import InForce
from engine.language.nodes import Text
from engine.language.problems import Place, Problem
from engine.language.units import Unit

Prorate = Literal["months", "thirtieths", "days"]
"""How a price per month meets a billing period: whole calendar months, 1/30 a day, or by days of the bill."""


class ChargeModel(Model):
    """The keys that every kind has."""

    kind: NameField | None = None
    title: TextField | None = None
    when: FormulaField | None = None
    in_force: InForce | None = None
    source: Source | None = None
    ledger: NameField | None = None
    round: Literal["line", "charge"] = "line"
    per: Literal["part", "bill"] | None = None
    prorate: Prorate | None = None
    replaces: NameField | None = None
    reason: TextField | None = None


@dataclass(frozen=True, slots=True)
class LoweredLine:
    """A line: `id` is its name inside the charge ("" is the charge itself), `amount` is not rounded yet."""

    id: str
    amount: Expr
    title: str = ""
    quantity: Expr | None = None
    price: Expr | None = None
    shown: Expr | None = None
    place: Place | None = None
    informs: bool = False  # says something about other lines (a tax that they contain); no money of its own


@dataclass(frozen=True, slots=True)
class LoweredRefusal:
    """A row is refused by the rule where `unless` does not hold; `problem` is told where constants alone decide that.

    What the braces of `message` name are the `values`.
    """

    unless: Expr
    field: str
    message: str
    problem: Problem | None = None
    values: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Lowered:
    lines: tuple[LoweredLine, ...]
    energy: Expr | None = None  # the kWh that this charge prices, where it can be counted for `energy: priced_by`
    refusals: tuple[LoweredRefusal, ...] = ()


class Context(Protocol):
    """What the compiler offers a kind while it lowers one charge."""

    name: str
    place: Place  # of the charge's name, for what the charge lacks
    currency: Unit
    minor_places: int

    def figure(self, path: str, priced: Priced, unit: Unit, scale: Fraction = ...) -> Expr:
        """A price or limit: a printed number times `scale` becomes a constant `charge.path` in `unit`; a formula
        gets that name, and must have that unit or the same per month or day.
        """

    def unit_of(self, expr: Expr) -> Unit:
        """The unit of an expression, as far as names tell; problems are left to inference."""

    def per_period(self, expr: Expr) -> Expr:
        """`expr` times the months or days of the billing period where it is per month or per day, else `expr`.

        An amount per month comes back rounded to money where the charge prorates it by days: pass whole amounts.
        """

    def list_of(self, expr: Expr) -> str:
        """The list that a formula is on, as far as names tell; "" where it is a value of the row."""

    def every(self, list_name: str) -> int:
        """How long the items of an interval list are [min]; 0 where the list follows no clock."""

    def may_be_absent(self, expr: Expr) -> tuple[str, ...]:
        """Optional inputs without a default that a formula reads, and no `given` is asked of, by it or a quantity."""

    def codes_of(self, name: Text) -> tuple[str, ...]:
        """Words of a code input; () where no input of that name has codes."""

    def schedules(self) -> Mapping[str, tuple[str, ...]]:
        """Schedule of the calendar -> its periods: `tou_period` and what stands under `schedules`."""

    def window_end(self, list_name: str, minutes: int) -> Expr:
        """On an interval list: whether the item ends a block of so many minutes, counted from midnight."""

    def splits(self) -> bool:
        """Whether the rule set cuts billing periods into parts."""

    def divided(self, expr: Expr) -> bool:
        """Whether a formula reads an input that is divided between the parts of a bill, as far as names tell."""

    def earlier(self, expr: Expr, group: Expr | None = None) -> Expr:
        """Sum of a row value over the earlier parts of the bill, of those with an equal `group`; zero without parts."""

    def define(self, name: str, expr: Expr) -> Name:
        """Give a value a name under the charge's, and return the name."""

    def base(self, names: list[Text]) -> Expr:
        """Sum of the amounts of charges and ledger codes that the names list."""

    def columns(self, table_row: Expr) -> tuple[str, ...]:
        """Names of the columns of the table that a row expression reads; () where it is not a row."""

    def tou_periods(self) -> tuple[str, ...]:
        """Time-of-use periods of the calendar; () without one."""

    def setting(self, text: Text, allowed: tuple[str, ...]) -> str:
        """A choice of the rule: the word itself, or what fills the hole of that name."""

    def price_of(self, charge: Text) -> Expr:
        """The price of a charge of one line with one price (a fund)."""

    def amount_of(self, charge: Text) -> Expr:
        """The rounded amount of another charge."""

    def bands(self) -> tuple[str, ...]:
        """Names of the band tables in reach."""

    def fills(self) -> Mapping[str, str]:
        """What the rule set's holes are filled with."""

    def declares(self, path: str) -> bool:
        """Whether a value of that name is declared, by the rule set or a notice."""

    def printed(self, expr: Expr) -> Printed | None:
        """The number that an expression is, or that the value or hole has which it names; None: it is computed."""

    def fail(self, code: str, place: Place | None, other: Place | None = None, **parameters: object) -> NoReturn:
        """Raise a problem with its place."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of charge. Where it is not `linear`, billing by part and billing the sum of the parts are not the same."""

    name: str
    model: type[ChargeModel]
    lower: Callable[[Any, Context], Lowered]
    linear: bool = True


def per_unit(context: Context, quantity: Expr) -> Unit:
    """The unit of a price per unit of `quantity` [currency/quantity]."""
    return context.currency / context.unit_of(quantity)
