"""Each kWh is priced exactly once: proven where the formulas show it, checked row by row where they do not.

A rule set says what its energy is (`total`) and which charges price it (`priced_by`). Both sides are written as sums
over inputs. Where they agree term by term, in every case of two opposite conditions, that is the proof. Otherwise a
row whose priced energy differs from its total is refused as `energy-priced-once`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from engine.compiler.assemble import Assembled
from engine.compiler.builder import Builder
from engine.compiler.context import unknown_charge
from engine.compiler.infer import Inference
from engine.compiler.lower import ChargeRule, Resolved
from engine.compiler.needs import Need
from engine.compiler.program import ROW, Refusal
from engine.language.expressions import ZERO, Call, Compare, Expr, If, total, written
from engine.language.problems import ProblemsFound, problem
from engine.language.units import parse_unit

KWH = parse_unit("kWh")[0]


def energy_needs(assembled: Assembled, resolved: Resolved, inference: Inference) -> Iterable[Need]:
    """The row check that is needed; none where the proof succeeds."""
    declared = assembled.energy
    own = (rule for name, rule in resolved.scope.inputs.items() if name not in assembled.stand_ins)
    has_energy = any(rule.spec.type.unit == KWH for rule in own)
    if declared is None:
        if has_energy and assembled.charges:
            raise ProblemsFound((problem("energy-not-declared", assembled.ruleset.ruleset.place),))
        return ()
    if declared.not_priced is not None:
        if declared.total is not None or declared.priced_by is not None:
            raise ProblemsFound((problem("energy-both", declared.place),))
        return ()
    if declared.total is None or not declared.priced_by:
        raise ProblemsFound((problem("energy-both", declared.place),))
    priced: list[ChargeRule] = []
    for name in declared.priced_by:
        rule = next((rule for rule in resolved.charges if rule.name == str(name)), None)
        if rule in priced:
            first = declared.priced_by[priced.index(rule)]
            raise ProblemsFound([problem("listed-twice", name.place, first.place, name=name)])
        if rule is None:
            if str(name) in assembled.charges:
                return ()  # the charge has problems of its own
            raise ProblemsFound([unknown_charge(name, assembled)])
        if rule.lowered.energy is None:
            raise ProblemsFound((problem("charge-prices-no-energy", name.place, name=name),))
        priced.append(rule)
    axis = inference.type(inference.value(declared.total)).axis
    if axis != ROW:
        told = {"formula": written(declared.total), "list": axis}
        raise ProblemsFound([problem("list-not-reduced", declared.total.place, None, **told)])
    if _proven(declared.total, priced, inference):
        return ()
    parts: list[Expr] = []
    for rule in priced:
        assert rule.lowered.energy is not None
        parts.append(rule.lowered.energy if rule.when is None else If(rule.when, rule.lowered.energy, ZERO))
    whole = inference.whole  # rounding to parts may move a kWh between registers
    sides = total(parts), declared.total
    if not any(rule.once for rule in priced):  # each part has its own conditions
        sides = Call("all_parts", sides[:1], place=declared.place), Call("all_parts", sides[1:], place=declared.place)
    both = whole.value(Compare("==", *sides, place=declared.place))
    left, right = (whole.value(side) for side in sides)
    message = "{priced} kWh / {total} kWh"
    values = (("priced", left.step), ("total", right.step))
    refusal = Refusal("energy-priced-once", ", ".join(map(str, declared.priced_by)), message, values, declared.place)
    return (*both.needs, Need(both.step, None, refusal))


def _proven(whole: Expr, priced: Sequence[ChargeRule], inference: Inference) -> bool:
    """Whether the charges' energy is the total in every case, term by term."""
    build = inference.builder
    target = linear(build, inference.value(whole).step)
    always: list[Mapping[int, Decimal]] = []
    cases: dict[int, list[Mapping[int, Decimal]]] = {}
    for rule in priced:
        assert rule.lowered.energy is not None
        terms = linear(build, inference.value(rule.lowered.energy).step)
        if rule.when is None:
            always.append(terms)
            continue
        cases.setdefault(inference.condition(rule.when).step, []).append(terms)
    if not cases:
        return _sum(always) == target
    if len(cases) != 2:
        return False
    one, other = cases
    if build.negation(one) != other:
        return False
    return all(_sum([*always, *terms]) == target for terms in cases.values())


def linear(build: Builder, step: int) -> Mapping[int, Decimal]:
    """A step as a sum of other steps: step -> factor."""
    current = build.steps[step]
    match current.primitive:
        case "add":
            return _sum([linear(build, operand) for operand in current.operands])
        case "subtract":
            left, right = (linear(build, operand) for operand in current.operands)
            return _sum([left, {term: -factor for term, factor in right.items()}])
        case "negate":
            return {term: -factor for term, factor in linear(build, current.operands[0]).items()}
        case "rescale" | "claim":
            return linear(build, current.operands[0])
        case _:
            return {step: Decimal(1)}


def _sum(terms: Sequence[Mapping[int, Decimal]]) -> Mapping[int, Decimal]:
    result: dict[int, Decimal] = {}
    for one in terms:
        for term, factor in one.items():
            result[term] = result.get(term, Decimal(0)) + factor
    return {term: factor for term, factor in result.items() if factor}
