"""Alternatives as named steps of one program.

    NAME.lawful              boolean; false where it cannot be computed
    NAME.set.INPUT           what it sets, with the places of the input
    NAME.best.from, .to      between which values the best one is searched
    NAME.cost                money
    NAME.otherwise.PATH      what stands in the braces of the reason
    NAME.needs.N             boolean: something is there that its formulas read

and, behind the name of what a row may lack something for, `.present`: the boolean that all is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from engine.calendars import timeline as timelines
from engine.compiler.advice.targets import Offer, Target, plan_problems
from engine.compiler.advice.wording import condition, label
from engine.compiler.advising import Alternative, Best, Change, Needed
from engine.compiler.assemble import Assembled
from engine.compiler.builder import Builder
from engine.compiler.capacity import kernels
from engine.compiler.infer import Inference
from engine.compiler.lower import Resolved
from engine.compiler.messages import BRACES
from engine.compiler.needs import Need, Value, joined, on_row, surely
from engine.compiler.outputs import Outputs
from engine.compiler.plan import Planned, plan
from engine.compiler.program import BOOLEAN, ROW, Type
from engine.compiler.version_days import first_days, months
from engine.compiler.width import width_problem
from engine.language import advice_models as models
from engine.language import scalars
from engine.language.expressions import Expr, Name, written
from engine.language.formulas import parse
from engine.language.nodes import Node, Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.reading import ONE_VALUE, did_you_mean, wrong_shape
from engine.language.units import parse_unit

T = TypeVar("T")

ABSENT: Final = "absent"
PRESENT: Final = ".present"

_KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "number": {"kind": "a number", "kind_zh": "数"},
    "boolean": {"kind": "a condition", "kind_zh": "条件"},
    "date": {"kind": "a day", "kind_zh": "日期"},
    "code": {"kind": "a code", "kind_zh": "代码"},
}


class Making:
    """Turns the alternatives of one file into steps of one program."""

    def __init__(
        self,
        document: models.Advice,
        key: str,
        assembled: Assembled,
        resolved: Resolved,
        offers: Mapping[str, Sequence[Offer]],
    ) -> None:
        self.document = document
        self.key = key
        self.assembled = assembled
        self.resolved = resolved
        self.offers = offers
        self.own = {str(name) for name in document.inputs}
        self.currency = str(assembled.ruleset.currency)
        self.names: dict[str, int] = {}
        self.problems: list[Problem] = []
        scope = resolved.scope
        self.version_days = first_days(resolved, *assembled.days)
        self.builder = Builder(len(self.version_days))
        self.builder.axes = {name: rule.spec for name, rule in scope.axes.items()}
        for name, rule in scope.axes.items():
            if rule.spec.minutes and scope.calendar is not None:
                clock = timelines.clock(scope.calendar, rule.spec.minutes, self.version_days[0])
                self.builder.clocks[name] = self.builder.timeline(clock)
        self.inference = Inference(scope, self.builder, self.version_days, months())
        self.inference.lenient = True  # what is not given is found out row by row

    def alternative(self, name: str, rule: models.AlternativeRule) -> Alternative | None:
        """One alternative; None: a problem is told."""
        problems: list[Problem] = []
        values: list[Value] = []

        def tried(make: Callable[[], T]) -> T | None:
            try:
                return make()
            except ProblemsFound as found:
                problems.extend(found.problems)
                return None

        target = self._target(rule)
        if rule.ruleset is not None:
            own = [one.spec for one in self.resolved.scope.inputs.values()]
            problems += plan_problems(name, rule, self.currency, own, self.offers[str(rule.ruleset)])
        lawful = tried(partial(self._lawful, name, rule, values))
        changes = [
            tried(partial(self._change, name, target, input_, node, values)) for input_, node in rule.set_.items()
        ]
        best = None if rule.best is None else tried(partial(self._best, name, target, rule.best, values))
        cost = None if rule.cost is None else tried(partial(self._cost, name, rule.cost))
        braces = None if rule.otherwise is None else tried(partial(self._braces, name, rule.otherwise))
        if problems:
            self.problems += [one for one in problems if one not in self.problems]
            return None
        source, standing = label(rule.source or self.document.source)
        return Alternative(
            id=name,
            title=str(rule.title),
            kind=rule.kind,
            first=tuple(map(str, rule.first)),
            ruleset=str(rule.ruleset or ""),
            lawful=lawful[0] if lawful else "",
            lawful_present=lawful[1] if lawful else "",
            otherwise=str(rule.otherwise or ""),
            values=braces or (),
            changes=tuple(one for one in changes if one is not None),
            best=best,
            cost=cost[0] if cost else "",
            cost_present=cost[1] if cost else "",
            how=str(rule.how or ""),
            conditions=tuple(condition(one) for one in rule.conditions),
            needs=self._needs(name, values),
            source=source,
            standing=standing,
            place=rule.place,
        )

    # parts of an alternative

    def _target(self, rule: models.AlternativeRule) -> Target:
        """The inputs of the rule set that bills the rewritten rows."""
        if rule.ruleset is not None:
            return Target(str(rule.ruleset), self.offers[str(rule.ruleset)])
        specs = [one.spec for name, one in self.resolved.scope.inputs.items() if name not in self.own]
        id_ = str(self.assembled.ruleset.ruleset)
        return Target(id_, [Offer(tuple(specs), self.currency, id_)])

    def _lawful(self, name: str, rule: models.AlternativeRule, values: list[Value]) -> tuple[str, str] | None:
        if rule.lawful is None:
            return None
        value = self.inference.condition(rule.lawful)
        self._of_row(value, rule.lawful)
        values.append(value)
        step = surely(self.builder, value)
        if self.builder.known(step) is True:
            return None
        return self._named(f"{name}.lawful", step), self._present(f"{name}.lawful", value.needs)

    def _change(self, name: str, target: Target, input_: Text, node: Node, values: list[Value]) -> Change:
        if not isinstance(node, Text):
            raise ProblemsFound([wrong_shape(node, ONE_VALUE)])
        spec = target.input(input_)
        if str(node) == ABSENT:
            if not spec.optional and spec.default is None:
                told = {"name": input_, "ruleset": target.id}
                raise ProblemsFound([problem("advice-absent", node.place, spec.place, **told)])
            return Change(str(input_), absent=True)
        if spec.type.kind == "code":
            if str(node) not in spec.type.codes:
                told = {"name": input_, "written": node, "known": ", ".join(spec.type.codes)}
                near = did_you_mean(str(node), spec.type.codes)
                raise ProblemsFound([problem("advice-code", node.place, spec.place, **told, **near)])
            return Change(str(input_), code=str(node))
        value = self._value(node, spec.type)
        values.append(value)
        step = self._fitted(value, spec.type, input_, node.place, spec.place, str(node))
        full = f"{name}.set.{input_}"
        return Change(str(input_), self._named(full, step), self._present(full, value.needs))

    def _value(self, node: Text, type_: Type) -> Value:
        """A formula, or a written boolean or day."""
        if type_.kind == "boolean" and str(node) in ("true", "false"):
            return Value(self.builder.literal(int(scalars.truth(node)), BOOLEAN))
        scalars.refuse_full_width(node)
        expr = parse(node)
        value = self.inference.value(expr)
        self._of_row(value, expr)
        return value

    def _fitted(
        self,
        value: Value,
        type_: Type,
        input_: Text,
        place: Place,
        other: Place | None,
        formula: str,
        finer: bool = False,
    ) -> int:
        """A step with the unit and the places of an input; `finer`: it may have more places."""
        own = self.builder.type(value.step)
        if own.kind != type_.kind:
            told = {"name": input_, "formula": formula, **_KINDS[type_.kind]}
            raise ProblemsFound([problem("advice-kind", place, other, **told)])
        if own.kind != "number":
            return value.step
        if own.unit != type_.unit and not value.zero:
            told = {"name": input_, "formula": formula, "unit": str(own.unit), "expected": str(type_.unit)}
            raise ProblemsFound([problem("advice-unit", place, other, **told)])
        if value.zero:  # a bare one fits any unit
            return self.builder.literal(0, replace(type_, low=0, high=0))
        step = value.step
        if own.places > type_.places:
            if finer:
                return step
            told = {"name": input_, "formula": formula, "places": f"{own.places}", "expected": f"{type_.places}"}
            raise ProblemsFound([problem("advice-places", place, other, **told)])
        return self.builder.rescale(step, type_.places)

    def _best(self, name: str, target: Target, rule: models.BestRule, values: list[Value]) -> Best:
        spec = target.input(rule.input)
        if spec.type.kind != "number":
            raise ProblemsFound([problem("advice-best-input", rule.input.place, spec.place, name=rule.input)])
        if rule.step.places > spec.type.places:
            told = {"name": rule.input, "step": rule.step.text, "places": spec.type.places}
            raise ProblemsFound([problem("advice-step-places", rule.step.place, spec.place, **told)])
        steps = []
        needs: tuple[Need, ...] = ()
        for expr in (rule.from_, rule.to):
            value = self.inference.value(expr)
            self._of_row(value, expr)
            values.append(value)
            needs = joined(self.builder, needs, value.needs)
            place = expr.place or rule.place
            steps.append(self._fitted(value, spec.type, rule.input, place, spec.place, written(expr), finer=True))
        return Best(
            input=str(rule.input),
            low=self._named(f"{name}.best.from", steps[0]),
            high=self._named(f"{name}.best.to", steps[1]),
            present=self._present(f"{name}.best", needs),
            step=int(rule.step.value.scaleb(spec.type.places)),
            places=spec.type.places,
            title=spec.title,
            unit=str(spec.type.unit),
        )

    def _cost(self, name: str, expr: Expr) -> tuple[str, str]:
        """What it costs is told where it is known; it keeps nobody from advice, so that its needs stay apart."""
        value = self.inference.value(expr)
        self._of_row(value, expr)
        type_ = self.builder.type(value.step)
        currency = parse_unit(self.currency)[0]
        if type_.kind != "number" or (type_.unit != currency and not value.zero):
            told = {"formula": written(expr), "unit": str(type_.unit) or "1", "currency": self.currency}
            raise ProblemsFound([problem("advice-cost", expr.place, None, **told)])
        full = f"{name}.cost"
        return self._named(full, self.builder.with_unit(value.step, currency)), self._present(full, value.needs)

    def _braces(self, name: str, message: Text) -> tuple[tuple[str, str], ...]:
        """The names in braces, each with the name of its step."""
        found: dict[str, str] = {}
        scope = self.resolved.scope
        for match in BRACES.finditer(str(message)):
            path, place = match[1].strip(), message.piece(match.start(1), match.end(1))
            if path not in scope.known():
                known, near = ", ".join(scope.inputs), did_you_mean(path, scope.known())
                raise ProblemsFound([problem("message-name", place, None, name=path, known=known, **near)])
            expr = Name(path, place=place)
            value = self.inference.value(expr)
            self._of_row(value, expr)
            full = f"{name}.otherwise.{path}"
            found[path] = self._named(full, value.step)
            self._present(full, value.needs)
        return tuple(found.items())

    def _needs(self, name: str, values: Sequence[Value]) -> tuple[Needed, ...]:
        """What the formulas read and a row may lack."""
        found = []
        for number, need in enumerate(joined(self.builder, *(value.needs for value in values))):
            met = surely(self.builder, Value(self.builder.literal(1, BOOLEAN), (need,)))
            why = on_row(self.builder, need).refusal
            if self.builder.known(met) is not True:
                found.append(Needed(why.field, why.code, self._named(f"{name}.needs.{number}", met)))
        return tuple(found)

    # steps and their names

    def _named(self, name: str, step: int) -> str:
        self.names[name] = step
        return name

    def _present(self, name: str, needs: Sequence[Need]) -> str:
        """Name the boolean that all is there; "": it always is."""
        step = surely(self.builder, Value(self.builder.literal(1, BOOLEAN), tuple(needs)))
        return "" if self.builder.known(step) is True else self._named(f"{name}{PRESENT}", step)

    def _of_row(self, value: Value, expr: Expr) -> None:
        axis = self.builder.type(value.step).axis
        if axis != ROW:
            raise ProblemsFound([problem("list-not-reduced", expr.place, None, formula=written(expr), list=axis)])

    def planned(self) -> tuple[Planned, list[Problem]]:
        """The program that holds every named step."""
        outputs = Outputs(total=self.builder.literal(0, Type()), names=self.names)
        made = plan(self.builder, self.resolved, outputs, self.version_days, self.assembled.days[1])
        steps = made.program.steps
        wide = [
            width_problem(made.program, position)
            for position, step in enumerate(steps)
            if not kernels(step, [steps[operand] for operand in step.operands])
        ]
        return made, list({one.parameters["name"]: one for one in reversed(wide)}.values())
