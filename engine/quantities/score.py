"""score: a weighted number given to a customer. Each indicator's points by its band, times its weight, rounded once.

    score = round(sum of weight x points)
    score = divide(sum of weight x points, sum of weights) over the indicators given, where one may be left out

Scores have a section of their own in a rule set: this is no `kind` that is written under `quantities:`.
"""

from __future__ import annotations

from decimal import Decimal

from engine.charges.base import Context, LoweredRefusal
from engine.language.expressions import ZERO, Call, Compare, Expr, If, Name, Number, rounded, total
from engine.language.fields import Printed
from engine.language.problems import Place, problem
from engine.language.profile_models import LEFT_OUT, REFUSE, IndicatorRule, ScoreRule
from engine.language.units import DIMENSIONLESS
from engine.quantities.base import Kind, LoweredQuantity
from engine.quantities.limits import conditions, of_band, of_one, presence, where

ONE = Number(Decimal(1))


def lower(score: ScoreRule, context: Context) -> LoweredQuantity:
    """Lower to the rounded weighted sum, with measure, points and weight of each indicator by name."""
    if not score.indicators:
        context.fail("nothing-listed", score.place_of("indicators"), None, key="indicators")
    refusals: list[LoweredRefusal] = []
    products: list[Expr] = []
    weights: list[Expr] = []
    counted: list[Expr] = []  # the weights of the indicators that are there
    printed = Decimal(0)
    for key, rule in score.indicators.items():
        name = str(key)
        weight = context.figure(f"{name}.weight", rule.weight, DIMENSIONLESS)
        points, present = _points(context, name, rule, refusals)
        named = context.define(f"{name}.points", points)
        weights.append(weight)
        counts = where(present, weight, ZERO) if str(rule.missing or "") == LEFT_OUT else weight
        counted.append(counts)
        products.append(counts * named)
        refusals.append(_positive(context, name, weight, rule.weight.place))
        printed += rule.weight.value if isinstance(rule.weight, Printed) else 0
    place = score.place_of("indicators")
    if all(isinstance(rule.weight, Printed) for rule in score.indicators.values()) and printed != 1:
        context.fail("weights-not-one", place, None, name=context.name, sum=f"{printed:f}")
    # said of printed weights too: one of them may be tried with another number
    whole = total(weights)
    told = problem("weights-not-one", place, None, name=context.name, sum="-")
    message = f"{context.name}: the weights add up to {{sum}}, not to 1"
    add_up = Compare("==", whole, ONE, place=place)
    refusals.append(LoweredRefusal(add_up, context.name, message, told, (("sum", whole),)))
    if counted == weights:
        return LoweredQuantity(rounded(total(products), score.places, score.round), (), tuple(refusals))
    shared = context.define("weight", total(counted))
    positive = Compare(">", shared, ZERO, place=place)
    refusals.append(LoweredRefusal(positive, context.name, f"{context.name}: no indicator is given"))
    # where nothing is given the row is refused; the division is over one then, and never over zero
    over = If(positive, shared, ONE, place=place)
    value = Call("divide", (total(products), over), score.places, score.round, place=place)
    return LoweredQuantity(value, (), tuple(refusals))


def _positive(context: Context, name: str, weight: Expr, place: Place | None) -> LoweredRefusal:
    """That a weight is above zero."""
    full = f"{context.name}.{name}"
    told = problem("weight-not-positive", place, None, name=full)
    message = f"{full}: the weight {{weight}} is not above zero"
    return LoweredRefusal(Compare(">", weight, ZERO, place=place), full, message, told, (("weight", weight),))


def _points(
    context: Context, name: str, rule: IndicatorRule, refusals: list[LoweredRefusal]
) -> tuple[Expr, Expr | None]:
    """The points of an indicator, and the condition that it is there."""
    full = f"{context.name}.{name}"
    if (rule.measure is None) == (rule.choice is None):
        context.fail("measure-or-choice", rule.place, None, name=full)
    if (rule.choice is None) != (rule.points is None) or (rule.choice is not None and rule.bands is not None):
        context.fail("choice-points", rule.place, None, name=full)
    measure: Expr | None = rule.measure
    if rule.choice is not None:
        measure = Name(str(rule.choice), place=rule.choice.place)
    assert measure is not None
    present = presence(context, measure, rule.absent_when, rule.missing, rule.place, full)
    if present is not None:
        context.define(f"{name}.present", present)  # the condition itself stands in formulas: it guards what they read
        if str(rule.missing) == REFUSE:
            message = f"{full}: the indicator is missing"
            refusals.append(LoweredRefusal(present, full, message))
    missing: Expr = ZERO
    if isinstance(rule.missing, Printed):
        missing = context.figure(f"{name}.missing", rule.missing, DIMENSIONLESS)
    if rule.choice is not None:
        return where(present, _by_code(context, name, rule), missing), present
    unit = context.unit_of(measure)
    named = context.define(f"{name}.measure", where(present, measure, ZERO))
    if rule.bands is None:
        if rule.quantiles_from is not None:
            context.fail("quantiles-unread", rule.quantiles_from.place, None, name=full)
        return where(present, named, missing), present
    if not rule.bands:
        context.fail("nothing-listed", rule.place_of("bands"), None, key="bands")
    within, rising = conditions(context, rule.bands, named, rule.quantiles_from, name, unit)
    refusals += rising
    values = [context.figure(f"{name}.{k}.points", band.points, DIMENSIONLESS) for k, band in enumerate(rule.bands, 1)]
    return where(present, of_band(rule.bands, within, values), missing), present


def _by_code(context: Context, name: str, rule: IndicatorRule) -> Expr:
    """The points of a code input's word."""
    assert rule.choice is not None
    assert rule.points is not None
    codes = context.codes_of(rule.choice)
    words = {str(word): word for word in rule.points}
    extra = [word for one, word in words.items() if one not in codes]
    lacking = [code for code in codes if code not in words]
    if not codes or extra or lacking:
        place = extra[0].place if extra else rule.choice.place
        told = {"name": f"{context.name}.{name}", "choice": rule.choice, "codes": ", ".join(codes) or "-"}
        context.fail("points-by-code", place, None, **told)
    choice = Name(str(rule.choice), place=rule.choice.place)
    values = [context.figure(f"{name}.{code}.points", rule.points[words[code]], DIMENSIONLESS) for code in codes]
    is_it = [Compare("==", choice, Name(code, place=choice.place), place=choice.place) for code in codes[:-1]]
    return of_one(is_it, values)


SCORE = Kind("score", ScoreRule, lower)
