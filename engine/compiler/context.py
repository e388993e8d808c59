"""What a charge kind sees of the compiler while it lowers one charge (`engine.charges.base.Context`)."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from fractions import Fraction
from typing import NoReturn, Protocol

from engine.calendars import calendar as calendars
from engine.calendars.calendar import Calendar, tou_period_names
from engine.calendars.days import day_number
from engine.charges.base import ChargeModel
from engine.charges.tiers import LadderModel
from engine.compiler.assemble import Assembled, Measured
from engine.compiler.constants import ConstantSource, Piece, scaled, single
from engine.compiler.figures import check_plausible, days, label
from engine.compiler.scope import AxisRule, Definition, InputRule, TableSource
from engine.language.expressions import ZERO, Call, Expr, Item, Name, Number, children, number, total, written
from engine.language.fields import Dated, Priced, Printed, Source
from engine.language.nodes import Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean
from engine.language.units import DIMENSIONLESS, Unit, parse_unit

MONTH = parse_unit("month")[0]
DAY = parse_unit("day")[0]
ENERGY = (parse_unit("kWh")[0], parse_unit("kvarh")[0])  # what a period of fewer days has less of
ONE = Fraction(1)
# functions that take a list to the row -> most arguments with which they do
REDUCES: Mapping[str, int] = {
    "sum": 1,
    "count": 1,
    **dict.fromkeys(("largest_item", "smallest_item", "first_item", "last_item"), 2),
}


class Resolving(Protocol):
    """What a charge's context needs of the rule set being resolved; `engine.compiler.lower.Resolver` is it."""

    assembled: Assembled
    calendar: Calendar | None
    currency: Unit
    constants: dict[str, ConstantSource]
    tables: dict[str, TableSource]
    definitions: dict[str, Definition]
    axes: dict[str, AxisRule]
    inputs: dict[str, InputRule]
    splits: bool
    problems: list[Problem]
    unknown: set[str]

    def define(self, path: str, expr: Expr, place: Place | None) -> None:
        """Give a formula a name."""

    def unit_of(self, expr: Expr) -> Unit:
        """The unit that an expression will have."""

    def charges_named(self, name: Text, asking: str) -> list[str]:
        """The charge of that name, or the charges of that ledger code."""


class ChargeContext:
    """What a charge kind sees while it lowers one charge (`engine.charges.base.Context`)."""

    def __init__(self, name: str, charge: ChargeModel | Measured, resolver: Resolving, source: Source | None) -> None:
        self.name = name
        self.charge = charge
        self.resolver = resolver
        self.source = source
        self.place = resolver.assembled.names[name]
        self.currency = resolver.currency
        self.minor_places = resolver.assembled.ruleset.minor_places
        self.prorated = False  # whether an amount per month was met

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
        if self.resolver.unknown:
            return  # a name that is not known is told by inference; no unit can be made of it
        if got != DIMENSIONLESS and got not in (unit, unit / MONTH, unit / DAY, unit * MONTH):
            self.fail("figure-unit", expr.place, formula=written(expr), unit=got, expected=str(unit) or "1")

    def unit_of(self, expr: Expr) -> Unit:
        return self.resolver.unit_of(expr)

    def per_period(self, expr: Expr) -> Expr:
        powers = dict(self.unit_of(expr).dims)
        if powers.get("month", 0) == -1:
            return self._per_month(expr)
        if powers.get("day", 0) == -1:
            return expr * Name("days", place=expr.place)
        return expr

    def _per_month(self, expr: Expr) -> Expr:
        """Times the months of the period; an amount of money by days, where the charge prorates it so."""
        prorate = getattr(self.charge, "prorate", None)
        money = self.unit_of(expr) * MONTH == self.currency
        cut = self.splits() and getattr(self.charge, "per", None) != "bill"
        if money and cut and prorate in (None, "months"):
            self.fail("prorate-not-said", self.charge.place, None, charge=self.name)
        if not money and cut and not isinstance(self.charge, LadderModel):  # a ladder says what its parts have
            self.fail("month-in-parts", expr.place, None, charge=self.name, formula=written(expr))
        self.prorated = self.prorated or money
        if not money or prorate in (None, "months"):
            return expr * Name("months", place=expr.place)
        if prorate == "thirtieths":
            shares: tuple[Expr, Expr] = expr * self._thirtieths(expr.place, cut=cut), number(30)
        else:
            shares = expr * Name("bill_months") * Name("days"), Name("bill_days")
        return Call("divide", shares, self.minor_places, "half_up", place=expr.place)

    def _thirtieths(self, place: Place | None, *, cut: bool) -> Expr:
        """30ths of months in the period; of a part what it adds to those before, so that a month has 30 and no more."""
        until = Call("thirtieths", (Name("bill_from"), Name("period_to")), place=place)
        if not cut:
            return until
        return until - Call("thirtieths", (Name("bill_from"), Name("period_from")), place=place)

    def list_of(self, expr: Expr) -> str:
        return list_of(expr, self.resolver.assembled.lists, self.resolver.definitions)

    def every(self, list_name: str) -> int:
        rule = self.resolver.axes.get(list_name)
        return rule.spec.minutes if rule is not None else 0

    def may_be_absent(self, expr: Expr) -> tuple[str, ...]:
        asked = {written(one.arguments[0]) for one in calls_below(expr, "given", self.resolver.definitions)}
        named = names_below(expr, self.resolver.definitions) - asked
        return tuple(
            name
            for name, rule in self.resolver.inputs.items()
            if name in named and rule.spec.optional and rule.spec.default is None
        )

    def codes_of(self, name: Text) -> tuple[str, ...]:
        rule = self.resolver.inputs.get(str(name))
        return rule.spec.type.codes if rule is not None else ()

    def schedules(self) -> Mapping[str, tuple[str, ...]]:
        calendar = self.resolver.calendar
        if calendar is None:
            return {}
        return {name: calendars.period_names(calendar, name) for name in calendars.schedule_names(calendar)}

    def window_end(self, list_name: str, minutes: int) -> Expr:
        return Call("window_end", (Name(list_name, place=self.place), number(minutes)), place=self.place)

    def splits(self) -> bool:
        return self.resolver.splits

    def divided(self, expr: Expr) -> bool:
        inputs = {name for name, rule in self.resolver.inputs.items() if rule.spec.split}
        return any(name in inputs for name in names_below(expr, self.resolver.definitions))

    def earlier(self, expr: Expr, group: Expr | None = None) -> Expr:
        return Call("earlier_parts", (expr, ZERO if group is None else group), place=expr.place)

    def define(self, name: str, expr: Expr) -> Name:
        full = f"{self.name}.{name}"
        self.resolver.define(full, expr, expr.place or self.charge.place)
        return Name(full, place=expr.place)

    def base(self, names: list[Text]) -> Expr:
        items: dict[str, Name] = {}
        if not names:
            self.fail("nothing-listed", self.charge.place, None, key="base")
        for name in names:
            for one in self.resolver.charges_named(name, self.name):
                if one in items:
                    self.fail("listed-twice", name.place, items[one].place, name=one)
                items[one] = Name(one, place=name.place)
        return total(list(items.values()))

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
        self._fund(charge)
        fund, _ = self.resolver.assembled.charges[str(charge)]
        if self.splits() and (fund.per == "bill") != (getattr(self.charge, "per", None) == "bill"):
            there = fund.place_of("per") if fund.per is not None else fund.place
            self.fail("less-other-parts", charge.place, there, name=charge, charge=self.name)
        return Name(f"{charge}.price", place=charge.place)

    def amount_of(self, charge: Text) -> Expr:
        self._fund(charge)
        return Name(str(charge), place=charge.place)

    def _fund(self, charge: Text) -> None:
        """A charge that is taken out of a price is billed in every row: else it is not said who bears it."""
        if str(charge) not in self.resolver.assembled.charges:
            raise ProblemsFound([unknown_charge(charge, self.resolver.assembled)])
        model, _ = self.resolver.assembled.charges[str(charge)]
        for key in ("when", "in_force"):
            if getattr(model, key) is not None:
                self.fail("less-not-always", charge.place, model.place_of(key), name=charge, charge=self.name)

    def bands(self) -> tuple[str, ...]:
        return tuple(self.resolver.assembled.bands)

    def fills(self) -> Mapping[str, str]:
        return {str(name): str(text) for name, text in self.resolver.assembled.ruleset.fills.items()}

    def declares(self, path: str) -> bool:
        return path in self.resolver.constants or path in self.resolver.definitions

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


def list_of(expr: Expr, lists: Container[str], definitions: Mapping[str, Definition]) -> str:
    """The list that a formula is on, as far as names tell; "" where it is a value of the row."""
    seen: set[str] = set()
    queue = [expr]
    while queue:
        current = queue.pop()
        if isinstance(current, Call) and len(current.arguments) <= REDUCES.get(current.function, 0):
            continue
        if isinstance(current, Call) and current.function == "given" and written(current.arguments[0]) in lists:
            continue  # of a list itself; `given(list.input)` asks each item
        if isinstance(current, Name):
            head = current.path.partition(".")[0]
            if head in lists:
                return head
            if current.path in definitions and current.path not in seen:
                seen.add(current.path)
                queue.append(definitions[current.path].expr)
        queue.extend(children(current))
    return ""


def names_below(expr: Expr, definitions: Mapping[str, Definition]) -> set[str]:
    """Names of a formula and of the formulas behind them."""
    found: set[str] = set()
    queue = [expr]
    while queue:
        current = queue.pop()
        if isinstance(current, Name) and current.path not in found:
            found.add(current.path)
            queue += [definitions[current.path].expr] if current.path in definitions else []
        queue += children(current)
    return found


def calls_below(expr: Expr, function: str, definitions: Mapping[str, Definition]) -> Iterator[Call]:
    """Calls of a function in a formula and in the formulas behind its names."""
    known = {name for name in names_below(expr, definitions) if name in definitions}
    queue = [expr, *(definitions[name].expr for name in known)]
    while queue:
        current = queue.pop()
        if isinstance(current, Call) and current.function == function:
            yield current
        queue += children(current)


def unknown_charge(name: Text, assembled: Assembled) -> Problem:
    """That no charge and no ledger code has a name."""
    charges = assembled.charges
    ledgers = [str(model.ledger) for model, _ in charges.values() if model.ledger is not None]
    near = did_you_mean(name, [one for one in (*charges, *ledgers) if one != str(name)])
    return problem("unknown-charge", name.place, None, name=name, known=", ".join(charges), **near)
