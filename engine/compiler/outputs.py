"""What a rule set gives, as steps: conditions on inputs, refusals, lines of charges, warnings.

Takes a `Resolved` rule set and an `Inference`; gives `Outputs`. Every problem of every charge is collected. The order
of needs is the order in which a row is refused: inputs, the rule set's own checks, energy, charges.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from engine.charges.base import LoweredLine, LoweredRefusal
from engine.compiler.assemble import Assembled
from engine.compiler.builder import Builder
from engine.compiler.energy import energy_needs
from engine.compiler.infer import Inference, givens
from engine.compiler.lower import ChargeRule, Resolved
from engine.compiler.names import is_given, read_input
from engine.compiler.needs import NO_PRICE, Need, Value, guarded, joined
from engine.compiler.program import BOOLEAN, Line, Refusal, Step, Type, Warning, Working
from engine.compiler.scope import BUILT_IN
from engine.language.expressions import Expr, Name, children, written
from engine.language.nodes import Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean
from engine.language.units import DIMENSIONLESS, parse_unit

_BRACES = re.compile(r"\{([^{}]*)\}")
OTHER_LEDGER = "other"
CONSTANTS = ("literal", "constant", "cell")  # primitives of what no row changes


@dataclass(slots=True)
class Outputs:
    lines: list[Line] = field(default_factory=list)
    charges: dict[str, int] = field(default_factory=dict)  # charge -> step of its amount
    total: int = -1
    ledgers: dict[str, int] = field(default_factory=dict)
    warnings: list[Warning] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)


class OutputMaker:
    def __init__(self, assembled: Assembled, resolved: Resolved, inference: Inference) -> None:
        self.assembled = assembled
        self.resolved = resolved
        self.inference = inference
        self.builder: Builder = inference.builder
        self.outputs = Outputs()
        self.problems: list[Problem] = []
        self.currency = parse_unit(assembled.ruleset.currency)[0]

    def make(self) -> Outputs:
        self.collect(self.inputs)
        for name in self.assembled.refuse:
            self.collect(partial(self.refuse, name))
        self.collect(self.energy)
        for rule in self.resolved.charges:
            self.collect(partial(self.charge, rule))
        self.total()
        for name in self.assembled.warnings:
            self.collect(partial(self.warning, name))
        read = frozenset(self.inference.definitions)
        for name in self.assembled.quantities:
            self.collect(partial(self.named, name, read))
        return self.outputs

    def collect(self, make: Callable[[], None]) -> None:
        try:
            make()
        except ProblemsFound as found:
            self.problems += [one for one in found.problems if one not in self.problems]

    # conditions on inputs

    def inputs(self) -> None:
        for rule in self.resolved.scope.inputs.values():
            if rule.needed_when is None:
                continue
            spec = rule.spec
            asked = self.inference.condition(rule.needed_when)
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
                ignored = self.surely(self.inference.condition(rule.ignored_when))
                allowed = self.builder.logic("either", needed, ignored)
            came = self.builder.emit(Step("input", (), spec.type, name=spec.name))
            extra = Refusal("not-needed", spec.name, written(rule.needed_when), ((spec.name, came),), spec.place)
            self.need(Need(self.builder.logic("either", self.builder.negation(given), allowed), None, extra))

    def surely(self, condition: Value) -> int:
        """The condition where all that it reads is there; false elsewhere."""
        step = condition.step
        for need in condition.needs:
            holds = need.condition
            if need.guard is not None:
                holds = self.builder.logic("either", self.builder.negation(need.guard), holds)
            step = self.builder.logic("both", holds, step)
        return step

    def need(self, need: Need) -> None:
        if self.builder.known(need.condition) is True:
            return
        if need.guard is not None and self.builder.known(need.guard) is False:
            return
        if need not in self.outputs.needs:
            self.outputs.needs.append(need)

    def refuse(self, name: str) -> None:
        rule = self.assembled.refuse[name]
        condition = self.inference.condition(rule.when)
        values, _ = self.values_in(rule.message, rule.when)
        about = str(rule.field) if rule.field is not None else name
        refusal = Refusal("refused-by-rule", about, str(rule.message), values, rule.place)
        for need in condition.needs:
            self.need(need)
        self.need(Need(self.builder.negation(condition.step), None, refusal))

    def values_in(self, message: Text, when: Expr) -> tuple[tuple[tuple[str, int], ...], tuple[Need, ...]]:
        """The names in a message's braces with the steps that hold them, and what named formulas need.

        An optional input can be named where `when` makes sure that it is given: absence has no number to show.
        """
        found: dict[str, int] = {}
        given = givens(when, True)
        needs: list[Need] = []
        for match in _BRACES.finditer(str(message)):
            name = match[1].strip()
            if name in self.resolved.scope.inputs:
                if self.resolved.scope.inputs[name].optional and name not in given:
                    place = message.piece(match.start(1), match.end(1))
                    raise ProblemsFound([problem("message-may-be-absent", place, when.place, name=name)])
                self.inference.inputs_read.add(name)
                anywhere = replace(self.resolved.scope.inputs[name], optional=False, needed_when=None)
                found[name] = read_input(self.inference, anywhere, Name(name)).step
            elif name in self.resolved.scope.known():
                value = self.inference.value(Name(name, place=message.place))
                found[name] = value.step
                needs += value.needs
            else:
                known, near = ", ".join(self.resolved.scope.inputs), did_you_mean(name, self.resolved.scope.known())
                place = message.piece(match.start(1), match.end(1))
                raise ProblemsFound([problem("message-name", place, None, name=name, known=known, **near)])
        return tuple(found.items()), tuple(needs)

    def energy(self) -> None:
        for need in energy_needs(self.assembled, self.resolved, self.inference):
            self.need(need)

    # charges

    def charge(self, rule: ChargeRule) -> None:
        name, build = rule.name, self.builder
        when = self.inference.condition(rule.when) if rule.when is not None else None
        if when is not None:
            for need in when.needs:
                self.need(need)
        for item in rule.lowered.lines:
            self.money(f"{name}.{item.id}" if item.id else name, item)
        whole = self.amount(name, rule.model.place)
        self.outputs.charges[name] = whole.step
        self.outputs.names[name] = whole.step
        by_charge = rule.model.round == "charge"
        for item in rule.lowered.lines:
            path = f"{name}.{item.id}" if item.id else name
            amount = self.amount(f"{path}.amount", item.place)
            shown = when.step if when is not None else None
            if item.shown is not None:
                extra = self.inference.condition(item.shown)
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
                money=not by_charge,
                working=self.working(item.amount, rule),
                place=item.place,
                source=rule.source.label if rule.source is not None else "",
            )
            self.outputs.lines.append(line)
            for need in amount.needs:
                self.need(need)
        if by_charge:
            self.outputs.lines.append(self.sum_line(rule, whole.step, when))
        for refusal in rule.lowered.refusals:
            self.refusal(refusal, when, rule.model.place)

    def refusal(self, refusal: LoweredRefusal, when: Value | None, place: Place) -> None:
        """A condition of a charge: a problem of the rules where constants decide that it does not hold, else a need."""
        allowed = self.inference.condition(refusal.unless)
        if self.builder.known(allowed.step) is True:
            return
        if refusal.problem is not None and self.builder.steps[allowed.step].primitive in CONSTANTS:
            raise ProblemsFound([refusal.problem])
        values = tuple((name, self.inference.value(expr).step) for name, expr in refusal.values)
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
        self.outputs.names[full] = value.step
        return value.step

    def sum_line(self, rule: ChargeRule, step: int, when: Value | None) -> Line:
        shown = when.step if when is not None and not self.builder.known(when.step) else None
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

    def working(self, expr: Expr, rule: ChargeRule) -> Working:
        """Every name of an amount's formula, and of the formulas behind them, with the steps that hold them."""
        names: dict[str, int] = {}
        slots: dict[int, None] = {}
        for path in self.reads(expr, rule.name):
            try:
                value = self.inference.value(Name(path))
            except ProblemsFound:
                continue  # an optional input that the formula guards with given()
            names[path] = value.step
        unrounded: int | None = None
        try:
            unrounded = self.inference.value(expr).step
        except ProblemsFound:
            unrounded = None
        if unrounded is not None:
            for slot in self.slots_below(unrounded):
                slots[slot] = None
        return Working(written(expr), tuple(names.items()), unrounded, tuple(slots))

    def slots_below(self, step: int) -> Iterable[int]:
        """Constants that a step reads, and those that were folded into them."""
        open_steps, seen = [step], {step}
        found: dict[int, None] = {}
        while open_steps:
            current = self.builder.steps[open_steps.pop()]
            if current.primitive in ("constant", "cell"):
                queue = [current.slot]
                while queue:
                    slot = queue.pop()
                    if slot not in found:
                        found[slot] = None
                        queue += self.builder.slots[slot].parents
            for operand in current.operands:
                if operand not in seen:
                    seen.add(operand)
                    open_steps.append(operand)
        return sorted(found)

    def reads(self, expr: Expr, charge: str) -> list[str]:
        """Names of a formula and of the formulas behind them; another charge is one name."""
        found: dict[str, None] = {}
        queue: list[Expr] = [expr]
        while queue:
            current = queue.pop(0)
            if isinstance(current, Name) and current.path not in found:
                known = self.resolved.scope
                if any(current.path in names for names in (known.inputs, known.constants, known.definitions, BUILT_IN)):
                    found[current.path] = None
                if current.path in known.definitions:
                    head = current.path.partition(".")[0]
                    if head == charge or head not in self.assembled.charges:
                        queue.append(known.definitions[current.path].expr)
            queue.extend(children(current))
        return list(found)

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

    def warning(self, name: str) -> None:
        """A warning is not raised where something that it reads is missing; it never refuses a bill."""
        rule = self.assembled.warnings[name]
        condition = self.inference.condition(rule.when)
        values, needs = self.values_in(rule.message, rule.when)
        step = self.surely(replace(condition, needs=joined(self.builder, condition.needs, needs)))
        self.outputs.warnings.append(
            Warning(
                name,
                str(rule.title),
                rule.level,
                step,
                str(rule.message),
                values,
                tuple(str(cause) for cause in rule.causes or []),
                str(rule.action or ""),
                rule.place,
            )
        )

    def named(self, name: str, read: Container[str]) -> None:
        """A quantity keeps its name, for messages and explanations; its bounds count even where nothing reads it."""
        value = self.inference.value(Name(name))
        self.outputs.names[name] = value.step
        bounds = [need for need in value.needs if (need.refusal.code, need.refusal.field) == ("out-of-bounds", name)]
        if bounds and name not in read:
            others = tuple(need for need in value.needs if need not in bounds)
            computed = self.surely(Value(self.builder.literal(1, BOOLEAN), others))
            for need in guarded(self.builder, computed, bounds):
                self.need(need)
