"""What is billed in each part of a bill is what a part has less of than the bill: else the bill has it many times.

Takes the steps of one rule set that cuts billing periods; says of a value whether parts divide it. Parts divide inputs
that are split, days, intervals, and what is billed once; a price or season of the part's own changes it and divides
nothing. A condition divides where it is of the part's days: an event is of one part.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.compiler.builder import Builder
from engine.compiler.context import ENERGY
from engine.compiler.energy import linear
from engine.compiler.infer import Inference
from engine.compiler.lower import ChargeRule
from engine.compiler.needs import Need, guarded
from engine.compiler.program import Refusal, Type
from engine.language.expressions import ZERO, Call, Compare, Expr, If, Logic, Name, number

_OF_DAYS = frozenset({"period_from", "period_to", "part", "parts"})
_OVER_PARTS = ("all_parts", "largest_part")  # each part is given the same


def undivided(infer: Inference, rule: ChargeRule, others: Collection[int], *, priced: bool) -> Expr | None:
    """What a charge would bill all of in each part of a bill, though it does not say `per: part`; None: nothing.

    Args:
        others: steps of the amounts of other charges, of which is asked apart.
        priced: whether each kWh is promised to be priced once by it and others: then it is not asked what it says.
    """
    found: list[tuple[Expr, int]] = []
    energy = rule.lowered.energy
    if energy is not None and (priced or rule.model.per is None):
        value = infer.value(energy)
        if infer.type(value).unit in ENERGY:  # term by term: of a sum none may be whole
            found += [(energy, term) for term in linear(infer.builder, value.step)]
    for line in rule.lowered.lines if rule.model.per is None else ():
        path = f"{rule.name}.{line.id}.amount" if line.id else f"{rule.name}.amount"
        found += [] if line.informs else [(line.amount, infer.value(Name(path)).step)]
    return next((expr for expr, step in found if not _nothing(infer, step) and not _divided(infer, step, others)), None)


def _nothing(infer: Inference, step: int) -> bool:
    """Whether a value is zero in every row."""
    return infer.builder.nothing(step)


def _divided(infer: Inference, step: int, others: Collection[int]) -> bool:
    """Whether parts divide a step's value, as far as its operands tell."""
    builder, inputs = infer.builder, infer.scope.inputs
    clocks = {name for name, axis in builder.axes.items() if axis.minutes}
    queue = [(step, False)]
    seen: set[tuple[int, bool]] = set()
    while queue:
        current, condition = queue.pop()
        if (current, condition) in seen:
            continue
        seen.add((current, condition))
        known = builder.steps[current]
        if current in others and current != step:
            return True
        condition = condition or known.type.kind == "boolean"
        if known.primitive == "input":
            split = known.name in inputs and inputs[known.name].spec.split
            if known.name in _OF_DAYS or (not condition and (split or known.type.axis in clocks)):
                return True
        elif known.primitive in ("spread", "timeline") and known.type.axis in clocks and not condition:
            return True
        elif known.primitive == "calendar" and builder.calendars[known.slot].name == "month_index":
            continue  # a part has a month at least, so that months are not divided
        elif known.primitive in _OVER_PARTS:
            continue
        operands = known.operands[:1] if known.primitive == "earlier_parts" else known.operands
        queue += [(operand, condition) for operand in operands]
    return False


def in_force_throughout(whole: Inference, rule: ChargeRule) -> tuple[Need, ...]:
    """That a charge which is billed once neither begins nor ends inside the bill: no day of it says how much."""
    if rule.model.in_force is None:
        return ()
    here, place = Name(f"{rule.name}.in_force"), rule.model.in_force.place
    days = Call("all_parts", (If(here, number(1), ZERO),), place=place)
    same = Logic("or", tuple(Compare("==", days, one) for one in (ZERO, Name("parts"))), place=place)
    message = f"{rule.name} begins or ends inside the bill, and is billed once"
    need = Need(whole.condition(same).step, None, Refusal("refused-by-rule", rule.name, message, (), place))
    if rule.model.when is None:
        return (need,)
    return guarded(whole.builder, whole.condition(rule.model.when).step, (need,))


def in_some_part(infer: Inference, condition: int) -> int:
    """Whether a condition on the row holds in any part of its bill: prices and seasons are those of each part."""
    builder = infer.builder
    if not infer.scope.splits or not _differs(builder, condition):
        return condition
    one, nothing = (builder.literal(n, Type()) for n in (1, 0))
    return builder.compare("equal", builder.largest_part(builder.select(condition, one, nothing, Type())), one)


def _differs(builder: Builder, step: int) -> bool:
    """Whether a value of the row may be another in the parts of one bill: it reads a day, a price or a season."""
    queue, seen = [step], {step}
    while queue:
        known = builder.steps[queue.pop()]
        if known.primitive in ("constant", "cell") or known.name in ("day", *_OF_DAYS):
            return True
        queue += [operand for operand in known.operands if operand not in seen]
        seen.update(known.operands)
    return False
