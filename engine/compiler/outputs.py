"""What a rule set gives, as steps: conditions on inputs, refusals, lines of charges, warnings.

Takes a `Resolved` rule set and an `Inference`; gives `Outputs`. Every problem of every charge is collected. The order
of needs is the order in which a row is refused: inputs, the rule set's own checks, energy, charges.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from engine.calendars import timeline as timelines
from engine.charges.base import LoweredLine, LoweredRefusal
from engine.compiler import profiles
from engine.compiler.assemble import Assembled
from engine.compiler.builder import Builder
from engine.compiler.energy import energy_needs
from engine.compiler.in_parts import in_force_throughout, in_some_part, undivided
from engine.compiler.infer import Inference
from engine.compiler.lower import ChargeRule, Resolved
from engine.compiler.messages import of_row, values_in, warning
from engine.compiler.names import CONSTANTS, is_given
from engine.compiler.names import number as part_number
from engine.compiler.needs import (
    NO_PRICE,
    Need,
    Value,
    asked_already,
    givens,
    guarded,
    on_row,
    reads_input,
    reduced,
    surely,
)
from engine.compiler.profile import Score, Segment
from engine.compiler.program import BOOLEAN, Line, Refusal, Step, Type, Warning, Working
from engine.compiler.reads import unlike
from engine.compiler.scope import InputRule
from engine.compiler.working import working
from engine.language.expressions import Expr, Name, written
from engine.language.models import ReadRule
from engine.language.nodes import Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean
from engine.language.units import DIMENSIONLESS, parse_unit

OTHER_LEDGER = "other"


@dataclass(slots=True)
class Outputs:
    lines: list[Line] = field(default_factory=list)
    charges: dict[str, int] = field(default_factory=dict)  # charge -> step of its amount
    total: int = -1
    ledgers: dict[str, int] = field(default_factory=dict)
    warnings: list[Warning] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
    segments: tuple[Segment, ...] = ()


class OutputMaker:
    def __init__(self, assembled: Assembled, resolved: Resolved, inference: Inference) -> None:
        self.assembled = assembled
        self.resolved = resolved
        self.inference = inference
        self.whole = inference.whole  # what names mean over the whole bill
        self.builder: Builder = inference.builder
        self.outputs = Outputs(scores=profiles.scores(assembled), segments=profiles.segments(assembled))
        self.problems: list[Problem] = []
        self.unlike: set[str] = set()  # shared files that read what the rule set has as something else
        self.held: set[int] = set()  # conditions without which a score or segment refuses the row
        self.currency = parse_unit(assembled.ruleset.currency)[0]

    def make(self) -> Outputs:
        self.collect(self.lists)
        self.collect(self.inputs)
        for name in self.assembled.refuse:
            self.collect(partial(self.refuse, name))
        self.collect(self.energy)
        for rule in self.resolved.charges:
            self.collect(partial(self.charge, rule))
        for rule in self.resolved.charges if self.resolved.scope.splits else ():
            self.collect(partial(self.divided, rule))
        self.total()
        read = frozenset(self.inference.definitions)  # a warning refuses no row: what it alone reads keeps its bounds
        profiled: tuple[Score | Segment, ...] = (*self.outputs.scores, *self.outputs.segments)
        for one in profiled:
            self.collect(partial(self.profile, one))
        for read_name, rule_ in self.assembled.reads:
            self.collect(partial(self.reads, read_name, rule_))
        for name in self.assembled.warnings:
            self.collect(partial(self.warning, name))
        for name in (*self.assembled.quantities, *self.measured()):
            place = self.resolved.scope.definitions[name].place
            if place is None or place.file not in self.unlike:
                self.collect(partial(self.named, name, read))
        for name, given in self.resolved.scope.inputs.items():
            if given.spec.carried is not None:
                self.collect(partial(self.carried, name, given))
        return self.outputs

    def collect(self, make: Callable[[], None]) -> None:
        try:
            make()
        except ProblemsFound as found:
            self.problems += [one for one in found.problems if one not in self.problems]

    # conditions on inputs

    def lists(self) -> None:
        """A list is given where it is needed, and nowhere else; an item's inputs where the item needs them."""
        for name, rule in self.resolved.scope.axes.items():
            if rule.spec.minutes and self.resolved.scope.calendar is not None:
                first_day = self.inference.version_days[0]
                clock = timelines.clock(self.resolved.scope.calendar, rule.spec.minutes, first_day)
                self.builder.clocks[name] = self.builder.timeline(clock)
            if rule.needed_when is None:
                continue
            asked = self.whole.condition(rule.needed_when)
            self.of_row(asked, rule.needed_when)
            needed, given = self.surely(asked), is_given(self.inference, name)
            self.need(Need(given, needed, Refusal("missing-value", name, "", (), rule.place)))
            extra = Refusal("not-needed", name, written(rule.needed_when), (), rule.place)
            allowed = in_some_part(self.inference, needed)
            self.need(Need(self.builder.logic("either", self.builder.negation(given), allowed), None, extra))

    def inputs(self) -> None:
        for rule in self.resolved.scope.inputs.values():
            if rule.needed_when is None:
                continue
            spec = rule.spec
            asked = self.whole.condition(rule.needed_when)
            self.of_row(asked, rule.needed_when)
            for need in asked.needs:
                if need.refusal.code == NO_PRICE:  # whether the input is needed cannot be told on such a day
                    self.need(need)
            needed = self.surely(asked)
            given = is_given(self.inference, spec.name)
            missing = Refusal("missing-value", spec.name, "", (), spec.place)
            if spec.default is None:
                self.need(Need(given, needed, missing))
            allowed = needed
            if rule.ignored_when is not None:
                ignored = self.whole.condition(rule.ignored_when)
                self.of_row(ignored, rule.ignored_when)
                allowed = self.builder.logic("either", needed, self.surely(ignored))
            allowed = in_some_part(self.inference, allowed)
            came = self.builder.emit(Step("input", (), spec.type, name=spec.name))
            extra = Refusal("not-needed", spec.name, written(rule.needed_when), ((spec.name, came),), spec.place)
            self.need(Need(self.builder.logic("either", self.builder.negation(given), allowed), None, extra))

    def surely(self, condition: Value) -> int:
        """The condition where all that it reads is there; false elsewhere."""
        return surely(self.builder, condition)

    def need(self, need: Need) -> None:
        need = on_row(self.builder, need)
        if self.builder.known(need.condition) is True:
            return
        if need.guard is not None and self.builder.known(need.guard) is False:
            return
        if need not in self.outputs.needs:
            self.outputs.needs.append(need)

    def refuse(self, name: str) -> None:
        rule = self.assembled.refuse[name]
        condition = self.whole.condition(rule.when)
        values, _ = values_in(self.inference, rule.message, rule.when, on=self.builder.type(condition.step).axis)
        about = str(rule.field) if rule.field is not None else name
        refusal = Refusal("refused-by-rule", about, str(rule.message), values, rule.place)
        for need in condition.needs:
            self.need(need)
        self.need(Need(self.builder.negation(condition.step), None, refusal))

    def energy(self) -> None:
        for need in energy_needs(self.assembled, self.resolved, self.inference):
            self.need(need)

    # charges

    def charge(self, rule: ChargeRule) -> None:
        asked = set() if rule.when is None else givens(rule.when, positive=True)
        self.inference.asked_for = self.whole.asked_for = asked
        try:
            self.billed(rule)
        finally:
            self.inference.asked_for = self.whole.asked_for = set()

    def billed(self, rule: ChargeRule) -> None:
        """A charge's lines, and what refuses a row because of it."""
        name, build = rule.name, self.builder
        here = self.whole if rule.once and self.inference.scope.splits else self.inference
        when = here.condition(rule.when) if rule.when is not None else None
        if when is not None:
            self.of_row(when, rule.when)
            for need in when.needs:
                self.need(need)
            if here.bill:
                for need in in_force_throughout(self.whole, rule):
                    self.need(need)
                when = replace(when, step=self.in_last(when.step))
        for item in rule.lowered.lines:
            self.money(f"{name}.{item.id}" if item.id else name, item)
        whole = self.amount(name, rule.model.place)
        self.outputs.charges[name] = whole.step
        self.outputs.names[name] = whole.step
        by_charge = rule.model.round == "charge"
        for item in rule.lowered.lines:
            path = f"{name}.{item.id}" if item.id else name
            amount = self.amount(f"{path}.amount", item.place)
            shown = when.step if when is not None else self.in_last(None) if here.bill else None
            if item.shown is not None:
                extra = here.condition(item.shown)
                self.of_row(extra, item.shown)
                shown = extra.step if shown is None else build.logic("both", shown, extra.step)
            if shown is not None and build.known(shown):
                shown = None
            quantity, price = (self.optional(path, part) for part in ("quantity", "price"))
            self.outputs.names[path] = amount.step
            self.outputs.names[f"{path}.amount"] = amount.step
            line = Line(
                id=path if not by_charge or item.id else f"{path}.amount",
                charge=name,
                title=item.title or str(rule.model.title or ""),
                amount=amount.step,
                shown=shown,
                quantity=quantity,
                price=price,
                ledger=str(rule.model.ledger or OTHER_LEDGER),
                money=not by_charge and not item.informs,
                working=working(here, item.amount, rule.name),
                place=item.place,
                source=rule.source.label if rule.source is not None else "",
            )
            self.outputs.lines.append(line)
            for need in amount.needs:
                self.need(need)
        if by_charge:
            self.outputs.lines.append(self.sum_line(rule, whole.step, when))
        for refusal in rule.lowered.refusals:
            self.refusal(refusal, when, rule.model.place, here)

    def divided(self, rule: ChargeRule) -> None:
        """Tell a charge that would be billed in full in each part of a bill, where it does not say so."""
        if rule.once or rule.name not in self.outputs.charges:
            return
        others = {line.amount for line in self.outputs.lines if line.charge != rule.name}
        others |= {step for name, step in self.outputs.charges.items() if name != rule.name}
        energy = self.assembled.energy
        priced = energy is not None and rule.name in map(str, energy.priced_by or [])
        same = undivided(self.inference, rule, others, priced=priced)
        if same is not None:
            told = {"charge": rule.name, "formula": written(same)}
            raise ProblemsFound([problem("same-in-parts", same.place or rule.model.place, None, **told)])

    def of_row(self, value: Value, expr: Expr | None) -> None:
        """Tell a formula that is a value of each item where the row needs one."""
        of_row(self.builder, value, expr)

    def in_last(self, condition: int | None) -> int:
        """The condition, in the last part of a bill."""
        last = self.builder.compare("equal", part_number(self.inference, "part"), part_number(self.inference, "parts"))
        return last if condition is None else self.builder.logic("both", last, condition)

    def refusal(self, refusal: LoweredRefusal, when: Value | None, place: Place, here: Inference) -> None:
        """A condition of a charge: a problem of the rules where constants decide that it does not hold, else a need."""
        allowed = here.condition(refusal.unless)
        if self.builder.known(allowed.step) is True:
            return
        if refusal.problem is not None and self.builder.steps[allowed.step].primitive in CONSTANTS:
            raise ProblemsFound([refusal.problem])
        values = tuple((name, here.value(expr).step) for name, expr in refusal.values)
        why = Refusal("refused-by-rule", refusal.field, refusal.message, values, place)
        needs = (*allowed.needs, Need(allowed.step, None, why))
        for need in guarded(self.builder, when.step, needs) if when is not None else needs:
            self.need(need)

    def money(self, path: str, item: LoweredLine) -> None:
        """Tell a line that is no money where its formula stands; or its price, where numbers in it lack their unit."""
        try:
            self.amount(f"{path}.amount", item.amount.place or item.place)
        except ProblemsFound as found:
            amount_unit = all(one.code == "amount-unit" for one in found.problems)
            if not amount_unit or item.price is None or item.quantity is None:
                raise
            price, quantity = self.inference.value(item.price), self.inference.value(item.quantity)
            if self.inference.type(price).unit != DIMENSIONLESS:
                raise
            expected = self.currency / self.inference.type(quantity).unit
            formula = item.price
            if isinstance(formula, Name) and formula.path in self.resolved.scope.definitions:
                formula = self.resolved.scope.definitions[formula.path].expr
            told = {"formula": written(formula), "unit": "1", "expected": expected}
            raise ProblemsFound([problem("figure-unit", formula.place, None, **told)]) from None

    def amount(self, path: str, place: Place | None) -> Value:
        """An amount of money, in the rule set's currency and with the places of its minor unit."""
        value = self.inference.value(Name(path, place=place))
        self.of_row(value, Name(path.removesuffix(".amount"), place=place))
        type_ = self.inference.type(value)
        if type_.kind != "number" or (type_.unit != self.currency and not value.zero):
            raise ProblemsFound(
                (
                    problem(
                        "amount-unit",
                        place,
                        charge=path.removesuffix(".amount"),
                        unit=str(type_.unit) or "1",
                        currency=self.currency,
                    ),
                )
            )
        return value

    def optional(self, path: str, part: str) -> int | None:
        scope, full = self.resolved.scope, f"{path}.{part}"
        if full not in scope.definitions and full not in scope.constants:
            return None
        value = self.inference.value(Name(full))
        self.of_row(value, scope.definitions[full].expr if full in scope.definitions else None)
        self.outputs.names[full] = value.step
        return value.step

    def sum_line(self, rule: ChargeRule, step: int, when: Value | None) -> Line:
        once = rule.once and self.resolved.scope.splits
        shown = when.step if when is not None else self.in_last(None) if once else None
        shown = None if shown is None or self.builder.known(shown) else shown
        exprs = [Name(f"{rule.name}.{line.id}" if line.id else rule.name) for line in rule.lowered.lines]
        formula = f"round({' + '.join(written(one) for one in exprs)}, {self.assembled.ruleset.minor_places}, half_up)"
        names = tuple((line.id, line.amount) for line in self.outputs.lines if line.charge == rule.name)
        exact = self.inference.value(Name(f"{rule.name}.unrounded")).step
        return Line(
            id=rule.name,
            charge=rule.name,
            title=str(rule.model.title or ""),
            amount=step,
            shown=shown,
            quantity=None,
            price=None,
            ledger=str(rule.model.ledger or OTHER_LEDGER),
            money=True,
            working=Working(formula, names, exact, ()),
            place=rule.model.place,
            source=rule.source.label if rule.source is not None else "",
        )

    def total(self) -> None:
        """Sums over the lines that carry money."""
        minor = self.assembled.ruleset.minor_places
        zero = self.builder.literal(0, Type(unit=self.currency, places=minor))
        whole = zero
        for name in self.outputs.charges:
            whole = self.builder.add(whole, self.outputs.charges[name], self.currency)
        self.outputs.total = self.builder.rescale(whole, max(minor, self.builder.type(whole).places))
        self.outputs.names["total"] = self.outputs.total
        for line in self.outputs.lines:
            if line.money:
                before = self.outputs.ledgers.get(line.ledger, zero)
                self.outputs.ledgers[line.ledger] = self.builder.add(before, line.amount, self.currency)

    def reads(self, name: Text, rule: ReadRule) -> None:
        """What a shared file reads is here what it takes it to be; else its warnings have nothing to say."""
        differs = unlike(name, rule, self.assembled.names[str(name)], self.whole)
        if differs is not None:
            self.unlike.add(name.place.file)
            raise ProblemsFound([differs])

    def warning(self, name: str) -> None:
        rule = self.assembled.warnings[name]
        if rule.place.file not in self.unlike:
            self.outputs.warnings.append(warning(self.inference, name, rule, self.held))

    def profile(self, one: Score | Segment) -> None:
        """A score or segment is of the whole bill; what it needs refuses the row, as absence does only what it says."""
        value = self.whole.value(Name(one.id, place=one.place))
        self.of_row(value, Name(one.id, place=one.place))
        type_ = self.inference.type(value)
        if type_.unit != DIMENSIONLESS:
            raise ProblemsFound([problem("score-unit", one.place, None, name=one.id, unit=type_.unit)])
        for need in value.needs:
            if not asked_already(self.builder, self.outputs.needs, need):
                self.need(need)
        self.held |= {need.condition for need in value.needs if need.guard is None}
        self.outputs.names[one.id] = value.step
        for path in profiles.paths(one, self.resolved.scope.constants):
            self.outputs.names[path] = self.whole.value(Name(path)).step

    def measured(self) -> Iterable[str]:
        """Paths of the quantities that have a kind."""
        heads = self.assembled.measured
        return [path for path in self.resolved.scope.definitions if path.partition(".")[0] in heads]

    def carried(self, name: str, rule: InputRule) -> None:
        """What an input is carried from: an input or quantity of the bill, of the same unit and no more places."""
        carried = rule.spec.carried
        assert carried is not None
        place = rule.spec.place
        scope = self.resolved.scope
        if carried.of not in scope.inputs and carried.of not in scope.definitions:
            near = did_you_mean(carried.of, (*scope.inputs, *scope.definitions))
            raise ProblemsFound([problem("unknown-name", place, None, name=carried.of, **near)])
        value = self.whole.value(Name(carried.of, place=place))
        self.of_row(value, Name(carried.of, place=place))
        if reads_input(self.builder, value.step, name):
            raise ProblemsFound([problem("carried-circle", place, None, name=name, of=carried.of)])
        of, into = self.builder.type(value.step), rule.spec.type
        always = [need.refusal for need in value.needs if need.guard is None]
        absent = next((why for why in always if why.code == "missing-value"), None)
        if absent is not None:  # what an earlier row does not give is not nothing
            raise ProblemsFound([problem("may-be-absent", place, absent.place, name=absent.field)])
        if of.kind != "number" or of.unit != into.unit or of.places > into.places:
            told = {"name": name, "of": carried.of, "unit": of.unit, "expected": into.unit, "places": of.places}
            raise ProblemsFound([problem("carried-differs", place, None, **told)])
        self.outputs.names[f"{carried.of}@carried"] = value.step

    def named(self, name: str, read: Container[str]) -> None:
        """A quantity keeps its name, for messages and explanations; its bounds count even where nothing reads it."""
        self.inference.lenient = name in self.whole.definitions  # a warning may read more of the whole than of a part
        try:
            value = self.inference.value(Name(name))
        finally:
            self.inference.lenient = False
        value = replace(value, needs=reduced(self.builder, value.needs))
        self.outputs.names[name] = value.step
        bounds = [need for need in value.needs if (need.refusal.code, need.refusal.field) == ("out-of-bounds", name)]
        if bounds and name not in read:
            others = tuple(need for need in value.needs if need not in bounds)
            computed = self.surely(Value(self.builder.literal(1, BOOLEAN), others))
            for need in guarded(self.builder, computed, bounds):
                self.need(need)
