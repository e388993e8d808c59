"""Resolve: charges become formulas, and everything named comes into one scope.

Takes an `Assembled` rule set; gives a `Scope` with its inputs, constants, tables and definitions, and the charges with
their lowered lines. Charge kinds do the lowering; this module is what they see of the compiler (`Context`). Nothing is
typed yet: a unit is looked up only to give a printed number the unit that its place expects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from engine.calendars.calendar import Calendar, season_table
from engine.calendars.days import END_DAY, FIRST_DAY
from engine.charges.base import ChargeModel, Kind, Lowered
from engine.compiler.assemble import Assembled
from engine.compiler.constants import scaled, single
from engine.compiler.context import DAY, ENERGY, MONTH, ONE, ChargeContext, unknown_charge
from engine.compiler.expand import axis_rule, carried_of
from engine.compiler.figures import check_plausible, days, label
from engine.compiler.inputs import default_of, input_type
from engine.compiler.program import ROW, DayTable, InputSpec, Type
from engine.compiler.scope import AxisRule, Definition, InputRule, Scope, TableSource
from engine.language import scalars
from engine.language.expressions import Binary, Call, Expr, If, Item, Logic, Name, Number, PartOf, Unary, rounded, total
from engine.language.fields import Printed, Source
from engine.language.formulas import parse
from engine.language.models import Input
from engine.language.nodes import Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.profile_models import ScoreRule, SegmentRule
from engine.language.units import DIMENSIONLESS, Unit, parse_unit

DAYS: Final = ("period_from", "period_to", "bill_from", "bill_to")
SAME_UNIT: Final = frozenset(
    {
        *("min", "max", "sum", "abs", "round", "running_sum", "earlier_parts", "all_parts"),
        *("largest_item", "smallest_item", "first_item", "last_item", "previous_item"),
    }
)  # functions whose result has the unit of their operands


@dataclass(frozen=True, slots=True)
class ChargeRule:
    """A charge with its lines lowered."""

    name: str
    model: ChargeModel
    lowered: Lowered
    source: Source | None
    when: Expr | None  # with the charge's own days in force
    days: tuple[int, int]

    @property
    def once(self) -> bool:
        """Whether it is billed once, on the whole bill."""
        return self.model.per == "bill"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A rule set as formulas."""

    scope: Scope
    charges: tuple[ChargeRule, ...]
    boundaries: frozenset[int]  # days on which a charge begins or ends


class Resolver:
    """Collects the scope of one rule set."""

    def __init__(self, assembled: Assembled, calendar: Calendar | None) -> None:
        self.assembled = assembled
        self.calendar = calendar
        self.currency = parse_unit(assembled.ruleset.currency)[0]
        self.constants = dict(assembled.constants)
        self.tables: dict[str, TableSource] = {**assembled.tables, **assembled.bands}
        self.definitions: dict[str, Definition] = {}
        self.inputs: dict[str, InputRule] = {}
        self.axes: dict[str, AxisRule] = {}
        self.splits = assembled.ruleset.changes == "split"
        self.flags: dict[str, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self.unknown: set[str] = set()  # names in the formulas of the charge at hand that have no unit yet
        self._unit_open: set[str] = set()
        self._lowered: dict[str, ChargeRule | None] = {}
        self._measured: set[str] = set()

    def resolve(self) -> Resolved:
        for name, given_list in self.assembled.lists.items():
            try:
                self.axes[name] = axis_rule(name, given_list, self.assembled.names[name], self.calendar)
            except ProblemsFound as found:
                self.problems += found.problems
        for name, given in self.assembled.inputs.items():
            try:
                self.inputs[name] = self.input(name, given, self.assembled.input_places[name])
            except ProblemsFound as found:
                self.problems += found.problems
        self.fills()
        for name, quantity in self.assembled.quantities.items():
            low, high = (
                Number(bound.value, place=bound.place) if bound is not None else None
                for bound in (quantity.from_, quantity.to)
            )
            self.definitions[name] = Definition(
                name, quantity.formula, quantity.place, str(quantity.title or ""), low, high
            )
        for name in self.assembled.measured:
            self.measure(name)
        charges = [rule for name in self.assembled.charges if (rule := self.charge(name)) is not None]
        if charges and "total" not in self.assembled.names:
            amounts: list[Expr] = [Name(name, place=self.assembled.ruleset.place) for name in self.assembled.charges]
            self.define("total", total(amounts), self.assembled.ruleset.place)
        season = None
        if self.calendar is not None and self.calendar.seasons:
            names = tuple(name for name, _ in self.calendar.seasons)
            season = DayTable("season", FIRST_DAY, season_table(self.calendar), names)
        scope = Scope(
            self.inputs,
            self.constants,
            self.tables,
            self.definitions,
            season,
            self.flags,
            self.axes,
            self.calendar,
            self.splits,
            {rule.name: rule.when for rule in charges if rule.when is not None},
            frozenset(str(name) for name, _ in self.assembled.reads),
        )
        boundaries = {day for rule in charges for day in rule.days if FIRST_DAY < day < END_DAY}
        return Resolved(scope, tuple(charges), frozenset(boundaries))

    def define(self, path: str, expr: Expr, place: Place | None, *, amount: bool = False) -> None:
        known = self.definitions.get(path) or self.constants.get(path)
        if known is not None:  # two lines of one charge that would have one name
            raise ProblemsFound([problem("name-twice", place, known.place, name=path)])
        charge = path.partition(".")[0]
        model, _ = self.assembled.charges.get(charge, (None, None))
        measured, _ = self.assembled.measured.get(charge, (None, None))
        once = model.per == "bill" if model is not None else isinstance(measured, ScoreRule | SegmentRule)
        once = self.splits and once
        owner = charge if model is not None else ""
        self.definitions[path] = Definition(path, expr, place, charge=owner, amount=amount, once=once)

    def measure(self, name: str) -> None:
        """Lower a quantity that has a kind, once. One whose formulas name another has that one lowered first."""
        if name in self._measured:
            return
        self._measured.add(name)
        unknown, self.unknown = self.unknown, set()
        try:
            self._measure(name)
        except ProblemsFound as found:
            self.problems += found.problems
        self.unknown = unknown

    def _measure(self, name: str) -> None:
        model, kind = self.assembled.measured[name]
        context = ChargeContext(name, model, self, self.assembled.quantity_sources[name])
        lowered = kind.lower(model, context)
        title = str(model.title or "")
        values = [(name, lowered.value)] if lowered.value is not None else []
        values += [(f"{name}.{part}", expr) for part, expr in lowered.parts]
        for path, expr in values:
            self.define(path, expr, expr.place or model.place)
            self.definitions[path] = replace(self.definitions[path], title=title, refusals=lowered.refusals)

    def fills(self) -> None:
        """Holes that are filled by a number."""
        for name, text in self.assembled.settings.items():
            if scalars.looks_numeric(text) or "[" in text:
                try:
                    number = parse(text)
                except ProblemsFound as found:
                    self.problems += found.problems
                    continue
                if isinstance(number, Unary) and isinstance(number.operand, Number):
                    number = replace(number.operand, value=-number.operand.value)
                if isinstance(number, Number):
                    written = scalars.number(text) if scalars.looks_numeric(text) else None
                    places = written.places if written is not None else 0
                    printed = Printed(str(text), number.value, places, text.place)
                    own, cell = label(self.assembled.ruleset.source), scaled(printed, ONE)
                    self.problems += check_plausible(cell, number.unit, None, ONE)
                    self.constants[name] = single(name, number.unit, cell, *own, name, text.place)

    def input(self, name: str, given: Input, place: Place) -> InputRule:
        """The declaration as a type with whole-number bounds."""
        kind = given.type or ("code" if given.codes else "decimal")
        type_ = input_type(name, kind, given, place)
        optional = given.optional or given.needed_when is not None or given.default is not None
        if given.optional and given.needed_when is not None:
            place, other = given.place_of("optional"), given.place_of("needed_when")
            raise ProblemsFound((problem("optional-and-needed", place, other, name=name),))
        if given.ignored_when is not None and given.needed_when is None:
            raise ProblemsFound([problem("ignored-without-needed", given.place_of("ignored_when"), None, name=name)])
        default = None if given.default is None else default_of(name, given.default, type_)
        titles = tuple(str(title) for title in (given.codes or {}).values())
        axis = name.partition(".")[0] if "." in name else ROW
        type_ = replace(type_, axis=axis)
        carried = carried_of(name, given, type_, place)
        if carried is not None and self.assembled.ruleset.changes == "whole":
            carried = replace(carried, by_first_day=True)
        split = self.split(name, given, type_, place)
        spec = InputSpec(name, type_, str(given.title or ""), default, optional, place, titles, split, carried)
        return InputRule(spec, given.optional and default is None, given.needed_when, given.ignored_when)

    def split(self, name: str, given: Input, type_: Type, place: Place) -> bool:
        """Whether an input is divided between the parts of a bill; energy has to say."""
        if given.split is not None and (not self.splits or type_.axis != ROW or type_.kind != "number"):
            raise ProblemsFound([problem("split-unread", given.place_of("split"), None, name=name)])
        if self.splits and given.split is None and type_.axis == ROW and type_.unit in ENERGY:
            raise ProblemsFound([problem("split-not-said", place, None, name=name)])
        return given.split == "by_days"

    def charge(self, name: str) -> ChargeRule | None:
        """Lower a charge, once. One whose formulas name another's lines has that one lowered first."""
        if name not in self._lowered:
            self._lowered[name] = None  # while it is open, a circle of charges ends here; inference tells it
            unknown, self.unknown = self.unknown, set()
            try:
                self._lowered[name] = self._charge(name)
            except ProblemsFound as found:
                self.problems += found.problems
            self.unknown = unknown
        return self._lowered[name]

    def _charge(self, name: str) -> ChargeRule:
        model, kind = self.assembled.charges[name]
        source = self.assembled.charge_sources[name]
        context = ChargeContext(name, model, self, source)
        self.check_parts(name, model, kind)
        lowered = kind.lower(model, context)
        if model.prorate is not None and not context.prorated:
            raise ProblemsFound([problem("prorate-unread", model.place_of("prorate"), None, charge=name)])
        interval = (FIRST_DAY, END_DAY)
        when = model.when
        if model.in_force is not None:
            interval = days(model.in_force.from_, model.in_force.through)
            flag = f"{name}.in_force"
            self.flags[flag] = interval
            in_force: Expr = Name(flag, place=model.in_force.place)
            when = in_force if when is None else _both(in_force, when)
        self.lines(name, model, lowered, when)
        return ChargeRule(name, model, lowered, source, when, interval)

    def check_parts(self, name: str, model: ChargeModel, kind: Kind) -> None:
        """That a charge says whether it is billed by part, where it has to and nowhere else."""
        if model.per is not None and not self.splits:
            raise ProblemsFound([problem("per-unread", model.place_of("per"), None, charge=name)])
        if self.splits and model.per is None and not kind.linear:
            raise ProblemsFound([problem("per-not-said", model.place, None, charge=name, kind=kind.name)])

    def lines(self, name: str, model: ChargeModel, lowered: Lowered, when: Expr | None) -> None:
        """Definitions of a charge: its amount, and quantity, price and amount of its lines."""
        minor = self.assembled.ruleset.minor_places
        zero = Number(Decimal(0), self.currency, False)
        amounts: list[Expr] = []
        exact: list[Expr] = []
        for line in lowered.lines:
            path = f"{name}.{line.id}" if line.id else name
            shown = line.shown if when is None else when if line.shown is None else _both(when, line.shown)
            for part, expr in (("quantity", line.quantity), ("price", line.price)):
                if expr is not None and f"{path}.{part}" not in self.definitions | self.constants:
                    self.define(f"{path}.{part}", expr, expr.place or line.place)
            unrounded = line.amount
            money = rounded(line.amount, minor) if model.round == "line" else line.amount
            if shown is not None:
                money = If(shown, money, zero, place=line.place)
                unrounded = If(shown, line.amount, zero, place=line.place)
            self.define(f"{path}.amount", money, line.place, amount=True)
            if line.id:
                self.define(path, Name(f"{path}.amount", place=line.place), line.place, amount=True)
            if line.informs:
                continue
            amounts.append(Name(f"{path}.amount", place=line.place))
            exact.append(unrounded)
        whole = total(amounts) if model.round == "line" else rounded(total(amounts), minor)
        if name not in self.definitions:  # a line that informs may have the charge's own name
            self.define(name, whole, model.place, amount=True)
        self.define(f"{name}.unrounded", total(exact), model.place, amount=True)

    def charges_named(self, name: Text, asking: str) -> list[str]:
        """The charge of that name, or the charges of that ledger code other than the one that asks."""
        charges = self.assembled.charges
        if str(name) in charges:
            return [str(name)]
        found = [one for one, (model, _) in charges.items() if one != asking and str(model.ledger or "") == str(name)]
        if not found:
            raise ProblemsFound([unknown_charge(name, self.assembled)])
        return found

    def unit_of(self, expr: Expr) -> Unit:  # one case a node
        """The unit that an expression will have, as far as its names tell."""
        match expr:
            case Number(unit=unit):
                return unit
            case Name(path=path):
                return self.unit_of_name(path)
            case Item(table=table, column=column):
                source = self.tables.get(table)
                if source is None or not source.columns:
                    self.unknown.add(table)
                    return DIMENSIONLESS
                first = next(iter(source.columns.values()))
                return (
                    source.columns[column].unit if isinstance(column, str) and column in source.columns else first.unit
                )
            case Unary(op="-", operand=operand):
                return self.unit_of(operand)
            case Binary(op="*", left=left, right=right):
                return self.unit_of(left) * self.unit_of(right)
            case Binary(op="-", left=left, right=right) if self.is_day(left) and self.is_day(right):
                return DAY
            case Binary(left=left, right=right) if self.is_day(left):
                return DIMENSIONLESS
            case Binary(left=left, right=right):
                return self.unit_of(right if isinstance(left, Number) and left.bare else left)
            case If(then=then, otherwise=otherwise):
                return self.unit_of(otherwise if isinstance(then, Number) and then.bare else then)
            case PartOf(operand=operand):
                return self.unit_of(operand)
            case Call(function="divide", arguments=(top, bottom)):
                return self.unit_of(top) / self.unit_of(bottom)
            case Call(function="count" | "year" | "month"):
                return DIMENSIONLESS
            case Call(function="thirtieths"):
                return MONTH
            case Call(function=function, arguments=arguments) if function in SAME_UNIT:
                dimensioned = [one for one in arguments if not (isinstance(one, Number) and one.bare)]
                return self.unit_of((dimensioned or list(arguments))[0])
            case Call(function="sqrt", arguments=(inner,)):
                return self.unit_of(inner).root(2)
            case Call(function="unrounded"):
                return self.currency
            case _:
                return DIMENSIONLESS

    def is_day(self, expr: Expr) -> bool:
        """Whether an expression is a day, as far as its names tell."""
        match expr:
            case Name(path=path):
                known = self.inputs.get(path)
                if known is None and path in self.definitions and path not in self._unit_open:
                    return self.is_day(self.definitions[path].expr)
                return path in DAYS if known is None else known.spec.type.kind == "date"
            case Call(function=function, arguments=arguments):
                same = function in SAME_UNIT and bool(arguments) and self.is_day(arguments[0])
                return same or function in ("day", "month_start", "month_end", "year_end")
            case If(then=then):
                return self.is_day(then)
            case Binary(op="+" | "-", left=left, right=right):
                return self.is_day(left) and not self.is_day(right)
            case _:
                return False

    def unit_of_name(self, path: str) -> Unit:
        if path in self.inputs:
            return self.inputs[path].spec.type.unit
        if path in self.constants:
            return self.constants[path].unit
        if path in ("months", "bill_months"):
            return MONTH
        if path in ("days", "bill_days"):
            return DAY
        if path in self.assembled.charges:
            return self.currency
        if path in self.definitions and path not in self._unit_open:
            self._unit_open.add(path)
            try:
                return self.unit_of(self.definitions[path].expr)
            finally:
                self._unit_open.discard(path)
        first = path.partition(".")[0]
        if first in self.assembled.measured and first not in self._measured:
            self.measure(first)
            return self.unit_of_name(path)
        if first in self.assembled.charges and first not in self._lowered:
            self.charge(first)
            return self.unit_of_name(path)
        head, _, tail = path.rpartition(".")
        if tail == "price" and head.partition(".")[0] in self.assembled.charges:
            charge, _ = self.assembled.charges[head.partition(".")[0]]
            quantity = getattr(charge, "quantity", None)
            return self.currency / self.unit_of(quantity) if isinstance(quantity, Expr) else DIMENSIONLESS
        self.unknown.add(path)
        return DIMENSIONLESS


def _both(a: Expr, b: Expr) -> Expr:
    return Logic("and", (a, b), place=b.place or a.place)


def resolve(assembled: Assembled, calendar: Calendar | None) -> tuple[Resolved, list[Problem]]:
    """Lower a rule set to formulas."""
    resolver = Resolver(assembled, calendar)
    resolved = resolver.resolve()
    return resolved, resolver.problems
