"""Resolve: charges become formulas, and everything named comes into one scope.

Takes an `Assembled` rule set; gives a `Scope` with its inputs, constants, tables and definitions, and the charges with
their lowered lines. Charge kinds do the lowering; this module is what they see of the compiler (`Context`). Nothing is
typed yet: a unit is looked up only to give a printed number the unit that its place expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NoReturn

from engine.calendars.calendar import Calendar, season_table, tou_period_names
from engine.calendars.days import END_DAY, FIRST_DAY, day_number
from engine.charges.base import ChargeModel, Lowered
from engine.compiler.assemble import Assembled
from engine.compiler.constants import ConstantSource, Piece, scaled, single
from engine.compiler.figures import check_plausible, days, label
from engine.compiler.program import DayTable, InputSpec, Type
from engine.compiler.scope import Definition, InputRule, Scope, TableSource
from engine.language import scalars
from engine.language.fields import Dated, Priced, Printed, Source
from engine.language.formulas import (
    Binary,
    Call,
    Expr,
    If,
    Item,
    Logic,
    Name,
    Number,
    PartOf,
    Unary,
    parse,
    rounded,
    total,
    written,
)
from engine.language.models import Input
from engine.language.nodes import Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean
from engine.language.units import DIMENSIONLESS, Unit, parse_unit

MONTH = parse_unit("month")[0]
DAY = parse_unit("day")[0]
ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class ChargeRule:
    """A charge with its lines lowered."""

    name: str
    model: ChargeModel
    lowered: Lowered
    source: Source | None
    when: Expr | None  # with the charge's own days in force
    days: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A rule set as formulas."""

    scope: Scope
    charges: tuple[ChargeRule, ...]
    boundaries: frozenset[int]  # days on which a charge begins or ends


class ChargeContext:
    """What a charge kind sees while it lowers one charge (`engine.charges.base.Context`)."""

    def __init__(self, name: str, charge: ChargeModel, resolver: Resolver, source: Source | None) -> None:
        self.name = name
        self.charge = charge
        self.resolver = resolver
        self.source = source
        self.place = resolver.assembled.names[name]
        self.currency = resolver.currency
        self.minor_places = resolver.assembled.ruleset.minor_places

    def figure(self, path: str, priced: Priced, unit: Unit, scale: Fraction = ONE) -> Expr:
        full = f"{self.name}.{path}"
        if isinstance(priced, Printed):
            cell = scaled(priced, scale)
            self.resolver.problems += check_plausible(cell, unit, None, ONE)
            source = single(full, unit, cell, *label(self.source), full, priced.place)
        elif isinstance(priced, Dated):
            source = self.dated(full, priced, unit, scale)
        else:
            self.expect_unit(priced, unit)
            self.resolver.define(full, priced, priced.place)
            return Name(full, place=priced.place)
        self.resolver.constants[full] = source
        return Name(full, place=source.place)

    def dated(self, full: str, priced: Dated, unit: Unit, scale: Fraction) -> ConstantSource:
        pieces = []
        for entry, after in zip(priced.dated, [*priced.dated[1:], None], strict=True):
            first, end = days(entry.from_, entry.through)
            if entry.through is None and after is not None:
                end = day_number(after.from_)
            cell = scaled(entry.printed, scale)
            self.resolver.problems += check_plausible(cell, unit, None, ONE)
            pieces.append(Piece(first, end, {(): cell}, *label(entry.source or self.source)))
        return ConstantSource(full, unit, full, (), tuple(pieces), priced.place)

    def expect_unit(self, expr: Expr, unit: Unit) -> None:
        """Tell a price or limit of the wrong unit at its own place, before it meets a quantity."""
        got = self.unit_of(expr)
        if got != DIMENSIONLESS and got not in (unit, unit / MONTH, unit / DAY, unit * MONTH):
            self.fail("figure-unit", expr.place, formula=written(expr), unit=got, expected=str(unit) or "1")

    def unit_of(self, expr: Expr) -> Unit:
        return self.resolver.unit_of(expr)

    def per_period(self, expr: Expr) -> Expr:
        powers = dict(self.unit_of(expr).dims)
        if powers.get("month", 0) == -1:
            return expr * Name("months", place=expr.place)
        if powers.get("day", 0) == -1:
            return expr * Name("days", place=expr.place)
        return expr

    def define(self, name: str, expr: Expr) -> Name:
        full = f"{self.name}.{name}"
        self.resolver.define(full, expr, expr.place or self.charge.place)
        return Name(full, place=expr.place)

    def base(self, names: list[Text]) -> Expr:
        items: list[Expr] = []
        for name in names:
            found = self.resolver.charges_named(str(name), self.name)
            if not found:
                raise self.unknown_charge(name)
            items += [Name(one, place=name.place) for one in found]
        return total(items)

    def columns(self, table_row: Expr) -> tuple[str, ...]:
        if not isinstance(table_row, Item):
            return ()
        table = self.resolver.tables.get(table_row.table)
        return tuple(table.columns) if table is not None else ()

    def tou_periods(self) -> tuple[str, ...]:
        calendar = self.resolver.calendar
        return tou_period_names(calendar) if calendar is not None else ()

    def setting(self, text: Text, allowed: tuple[str, ...]) -> str:
        chosen, known = self.resolver.assembled.settings.get(str(text), text), ", ".join(allowed)
        near = did_you_mean(chosen, allowed)
        if str(chosen) in allowed:
            return str(chosen)
        if chosen is text:
            self.fail("unknown-word", text.place, None, text=text, allowed=known, **near)
        told = {"setting": text, "value": chosen, "charge": self.name, "known": known}
        self.fail("setting-not-known", chosen.place, text.place, **told, **near)

    def price_of(self, charge: Text) -> Expr:
        self._charge(charge)
        return Name(f"{charge}.price", place=charge.place)

    def amount_of(self, charge: Text) -> Expr:
        self._charge(charge)
        return Name(str(charge), place=charge.place)

    def _charge(self, charge: Text) -> None:
        if str(charge) not in self.resolver.assembled.charges:
            raise self.unknown_charge(charge)

    def unknown_charge(self, name: Text) -> ProblemsFound:
        return ProblemsFound([unknown_charge(name, self.resolver.assembled)])

    def bands(self) -> tuple[str, ...]:
        return tuple(self.resolver.assembled.bands)

    def printed(self, expr: Expr) -> Printed | None:
        if isinstance(expr, Number):
            return Printed(f"{expr.value:f}", expr.value, 0, expr.place or self.place)
        source = self.resolver.constants.get(expr.path) if isinstance(expr, Name) else None
        cells = [cell for piece in source.pieces for cell in piece.cells.values()] if source is not None else []
        if len(cells) != 1 or cells[0] is None:
            return None
        return Printed(cells[0].text, cells[0].value, cells[0].places, cells[0].place or self.place)

    def fail(self, code: str, place: Place | None, other: Place | None = None, **parameters: object) -> NoReturn:
        raise ProblemsFound((problem(code, place, other, **parameters),))


def unknown_charge(name: Text, assembled: Assembled) -> Problem:
    """That no charge and no ledger code has a name."""
    charges = assembled.charges
    ledgers = [str(model.ledger) for model, _ in charges.values() if model.ledger is not None]
    near = did_you_mean(name, [*charges, *ledgers])
    return problem("unknown-charge", name.place, None, name=name, known=", ".join(charges), **near)


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
        self.flags: dict[str, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self._unit_open: set[str] = set()

    def resolve(self) -> Resolved:
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
        rules = [rule for name in self.assembled.charges if (rule := self.charge(name)) is not None]
        if rules and "total" not in self.assembled.names:
            amounts: list[Expr] = [Name(name, place=self.assembled.ruleset.place) for name in self.assembled.charges]
            self.define("total", total(amounts), self.assembled.ruleset.place)
        season = None
        if self.calendar is not None and self.calendar.seasons:
            names = tuple(name for name, _ in self.calendar.seasons)
            season = DayTable("season", FIRST_DAY, season_table(self.calendar), names)
        scope = Scope(self.inputs, self.constants, self.tables, self.definitions, season, self.flags)
        boundaries = {day for rule in rules for day in rule.days if FIRST_DAY < day < END_DAY}
        return Resolved(scope, tuple(rules), frozenset(boundaries))

    def define(self, path: str, expr: Expr, place: Place | None) -> None:
        self.definitions[path] = Definition(path, expr, place)

    def fills(self) -> None:
        """Holes that are filled by a number."""
        for name, text in self.assembled.settings.items():
            if scalars.looks_numeric(text) or "[" in text:
                try:
                    number = parse(text)
                except ProblemsFound as found:
                    self.problems += found.problems
                    continue
                if isinstance(number, Number):
                    written = scalars.number(text) if scalars.looks_numeric(text) else None
                    places = written.places if written is not None else 0
                    printed = Printed(str(text), number.value, places, text.place)
                    own = label(self.assembled.ruleset.source)
                    self.constants[name] = single(name, number.unit, scaled(printed, ONE), *own, name, text.place)

    def input(self, name: str, given: Input, place: Place) -> InputRule:
        """The declaration as a type with whole-number bounds."""
        kind = given.type or ("code" if given.codes else "decimal")
        type_ = _input_type(name, kind, given, place)
        optional = given.optional or given.needed_when is not None or given.default is not None
        if given.optional and given.needed_when is not None:
            place, other = given.place_of("optional"), given.place_of("needed_when")
            raise ProblemsFound((problem("optional-and-needed", place, other, name=name),))
        default = None if given.default is None else _default(name, given.default, type_)
        titles = tuple(str(title) for title in (given.codes or {}).values())
        spec = InputSpec(name, type_, str(given.title or ""), default, optional, place, titles)
        return InputRule(spec, given.optional and default is None, given.needed_when, given.ignored_when)

    def charge(self, name: str) -> ChargeRule | None:
        model, kind = self.assembled.charges[name]
        source = self.assembled.charge_sources[name]
        context = ChargeContext(name, model, self, source)
        try:
            lowered = kind.lower(model, context)
        except ProblemsFound as found:
            self.problems += found.problems
            return None
        for path, expr in lowered.definitions:
            self.define(f"{name}.{path}", expr, model.place)
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
            self.define(f"{path}.amount", money, line.place)
            if line.id:
                self.define(path, Name(f"{path}.amount", place=line.place), line.place)
            amounts.append(Name(f"{path}.amount", place=line.place))
            exact.append(unrounded)
        whole = total(amounts) if model.round == "line" else rounded(total(amounts), minor)
        self.define(name, whole, model.place)
        self.define(f"{name}.unrounded", total(exact), model.place)

    def charges_named(self, name: str, asking: str) -> list[str]:
        """The charge of that name, or the charges of that ledger code other than the one that asks."""
        if name in self.assembled.charges:
            return [name]
        ledger = [other for other, (model, _) in self.assembled.charges.items() if str(model.ledger or "") == name]
        return [other for other in ledger if other != asking]

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
                    return DIMENSIONLESS
                first = next(iter(source.columns.values()))
                return (
                    source.columns[column].unit if isinstance(column, str) and column in source.columns else first.unit
                )
            case Unary(op="-", operand=operand):
                return self.unit_of(operand)
            case Binary(op="*", left=left, right=right):
                return self.unit_of(left) * self.unit_of(right)
            case Binary(left=left, right=right):
                return self.unit_of(right if isinstance(left, Number) and left.bare else left)
            case If(then=then, otherwise=otherwise):
                return self.unit_of(otherwise if isinstance(then, Number) and then.bare else then)
            case PartOf(operand=operand):
                return self.unit_of(operand)
            case Call(function="divide", arguments=(top, bottom)):
                return self.unit_of(top) / self.unit_of(bottom)
            case Call(function="min" | "max" | "sum" | "abs" | "round", arguments=arguments):
                dimensioned = [one for one in arguments if not (isinstance(one, Number) and one.bare)]
                return self.unit_of((dimensioned or list(arguments))[0])
            case Call(function="sqrt", arguments=(inner,)):
                return self.unit_of(inner).root(2)
            case Call(function="unrounded"):
                return self.currency
            case _:
                return DIMENSIONLESS

    def unit_of_name(self, path: str) -> Unit:
        if path in self.inputs:
            return self.inputs[path].spec.type.unit
        if path in self.constants:
            return self.constants[path].unit
        if path == "months":
            return MONTH
        if path == "days":
            return DAY
        if path in self.assembled.charges:
            return self.currency
        if path in self.definitions and path not in self._unit_open:
            self._unit_open.add(path)
            try:
                return self.unit_of(self.definitions[path].expr)
            finally:
                self._unit_open.discard(path)
        head, _, tail = path.rpartition(".")
        if tail == "price" and head.partition(".")[0] in self.assembled.charges:
            charge, _ = self.assembled.charges[head.partition(".")[0]]
            quantity = getattr(charge, "quantity", None)
            return self.currency / self.unit_of(quantity) if isinstance(quantity, Expr) else DIMENSIONLESS
        return DIMENSIONLESS


def _both(a: Expr, b: Expr) -> Expr:
    return Logic("and", (a, b), place=b.place or a.place)


def _input_type(name: str, kind: str, given: Input, place: Place) -> Type:
    if kind == "boolean":
        return Type("boolean", high=1)
    if kind == "date":
        return Type("date", low=FIRST_DAY, high=END_DAY - 1)
    if kind == "code":
        if not given.codes:
            raise ProblemsFound((problem("code-without-codes", place, name=name),))
        codes = tuple(str(code) for code in given.codes)
        return Type("code", high=len(codes) - 1, codes=codes)
    missing = [key for key, value in (("from", given.from_), ("to", given.to)) if value is None]
    if kind == "decimal" and given.places is None:
        missing.append("places")
    if missing:
        raise ProblemsFound((problem("input-without-bounds", place, name=name, missing=", ".join(missing)),))
    assert given.from_ is not None
    assert given.to is not None
    places = given.places or 0
    unit = given.unit.unit if given.unit is not None else DIMENSIONLESS
    if given.unit is not None and given.unit.scale != 1:
        raise ProblemsFound((problem("input-unit", given.unit.place, name=name, unit=given.unit.text, base=unit),))
    bounds = []
    for bound in (given.from_, given.to):
        if bound.places > places:
            raise ProblemsFound((problem("bound-places", bound.place, name=name, bound=bound.text, places=places),))
        bounds.append(int(bound.value.scaleb(places)))
    if bounds[0] > bounds[1]:
        told = {"name": name, "low": given.from_.text, "high": given.to.text}
        raise ProblemsFound([problem("bounds-reversed", given.to.place, given.from_.place, **told)])
    return Type("number", unit, places, bounds[0], bounds[1])


def _default(name: str, text: Text, type_: Type) -> int:
    if type_.kind == "boolean":
        return int(scalars.truth(text))
    if type_.kind == "code":
        if str(text) not in type_.codes:
            known, near = ", ".join(type_.codes), did_you_mean(str(text), type_.codes)
            raise ProblemsFound(
                (problem("default-not-a-code", text.place, None, name=name, value=text, known=known, **near),)
            )
        return type_.codes.index(str(text))
    if type_.kind == "date":
        return day_number(scalars.day(text))
    number = scalars.number(text)
    value = int(number.value.scaleb(type_.places))
    if number.places > type_.places or not type_.low <= value <= type_.high:
        low, high = (f"{Decimal(bound).scaleb(-type_.places):f}" for bound in (type_.low, type_.high))
        told = {"name": name, "value": text, "low": low, "high": high, "places": type_.places}
        raise ProblemsFound([problem("default-out-of-bounds", text.place, None, **told)])
    return value


def resolve(assembled: Assembled, calendar: Calendar | None) -> tuple[Resolved, list[Problem]]:
    """Lower a rule set to formulas."""
    resolver = Resolver(assembled, calendar)
    resolved = resolver.resolve()
    return resolved, resolver.problems
