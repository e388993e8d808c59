"""Bands over one number, for scores and segments: which band a value falls in, its limits in order.

Limits are printed numbers, names of values, or quantiles of a portfolio. A quantile's limit is a value of a notice,
made from the portfolio once (`dianjia quantiles`), so that one row and a million rows fall in the same bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from engine.charges.base import Context, LoweredRefusal
from engine.charges.tiers import check_order
from engine.language.expressions import ZERO, Call, Compare, Expr, If, Name, Unary, both, written
from engine.language.fields import Priced, Printed
from engine.language.nodes import Text
from engine.language.problems import Place, problem
from engine.language.profile_models import Limit
from engine.language.reading import did_you_mean
from engine.language.units import Unit

KEYS = ("up_to", "below", "up_to_quantile", "below_quantile")


def quantile_name(owner: str, quantile: str) -> str:
    """Name of the value of a notice that holds a limit by quantile: `four_highs_monthly_kwh_q0_25`."""
    return f"{owner.replace('.', '_')}_q{quantile.replace('.', '_')}"


def presence(
    context: Context, measure: Expr, absent_when: Expr | None, missing: Text | Printed | None, place: Place, name: str
) -> Expr | None:
    """The condition that a measure is there; None: it always is. What absence does has to be said, and only then."""
    optional = context.may_be_absent(measure)
    given: list[Expr] = [Call("given", (Name(one, place=measure.place),), place=measure.place) for one in optional]
    if absent_when is not None:
        given.append(Unary("not", absent_when, place=absent_when.place))
    found = both(*given)
    if found is not None and missing is None:
        told = ", ".join(f"`{one}`" for one in optional) or "`absent_when`"
        context.fail("missing-not-said", place, None, name=name, inputs=told)
    if found is None and missing is not None:
        context.fail("missing-unread", place, None, name=name)
    return found


def conditions(
    context: Context, bands: Sequence[Limit], measure: Expr, quantiles_from: Text | None, owner: str, unit: Unit
) -> tuple[list[Expr], tuple[LoweredRefusal, ...]]:
    """Whether the measure lies within each band's limit, for all bands but the last.

    Returns:
        The conditions; that limits rise.
    """
    limits: list[Expr] = []
    within: list[Expr] = []
    by_quantile = False
    printed: list[Priced] = []
    for k, band in enumerate(bands, 1):
        written_keys = [key for key in KEYS if getattr(band, key) is not None]
        last = k == len(bands)
        if len(written_keys) != (0 if last else 1):
            context.fail("profile-band-limit", band.place, None, name=f"{context.name}.{owner}".rstrip("."), band=k)
        if last:
            break
        key = written_keys[0]
        value = getattr(band, key)
        if key.endswith("_quantile"):
            by_quantile = True
            limit = _quantile(context, value, quantiles_from, owner, band.place)
        else:
            printed.append(value)
            limit = context.figure(f"{owner}.{k}.limit".lstrip("."), value, unit)
        limits.append(limit)
        within.append(Compare("<=" if key.startswith("up_to") else "<", measure, limit, place=band.place))
    if quantiles_from is not None and not by_quantile:
        context.fail("quantiles-unread", quantiles_from.place, None, name=f"{context.name}.{owner}".rstrip("."))
    if len(printed) == len(limits):
        check_order(context, printed)
    return within, _rising(context, limits, [_printed(band) for band in bands[:-1]])


def _quantile(context: Context, value: Printed, quantiles_from: Text | None, owner: str, place: Place) -> Expr:
    if not 0 < value.value < 1:
        context.fail("quantile-range", value.place, None, quantile=value.text)
    if quantiles_from is None:
        context.fail("quantiles-from", place, None, name=f"{context.name}.{owner}".rstrip("."), quantile=value.text)
    of = f"{context.name}.{owner}".rstrip(".")
    fills = context.fills()
    if str(quantiles_from) not in fills:
        near = did_you_mean(str(quantiles_from), fills)
        context.fail("quantiles-not-filled", quantiles_from.place, None, name=of, hole=str(quantiles_from), **near)
    name = f"{quantiles_from}.{quantile_name(of, value.text)}"
    if not context.declares(name):
        told = {"series": fills[str(quantiles_from)], "value": quantile_name(of, value.text)}
        context.fail("quantile-not-there", value.place, None, name=of, quantile=value.text, **told)
    return Name(name, place=value.place)


def _rising(context: Context, limits: Sequence[Expr], printed: Sequence[bool]) -> tuple[LoweredRefusal, ...]:
    """Limits rise, whatever they are tried with; two that are not both printed may be equal: nothing lies between."""
    message = f"{context.name}: the limits {{lower}} and {{upper}} do not rise"
    found = []
    for at, (lower, upper) in enumerate(pairwise(limits)):
        op = "<" if printed[at] and printed[at + 1] else "<="
        told = problem("tiers-out-of-order", upper.place, lower.place, lower=written(lower), upper=written(upper))
        rises = Compare(op, lower, upper, place=upper.place)
        found.append(LoweredRefusal(rises, context.name, message, told, (("lower", lower), ("upper", upper))))
    return tuple(found)


def _printed(band: Limit) -> bool:
    return isinstance(band.up_to, Printed) or isinstance(band.below, Printed)


def chosen(within: Sequence[Expr], values: Sequence[Expr]) -> Expr:
    """The value of the first condition that holds; the last value has none."""
    result = values[-1]
    for condition, value in zip(reversed(within), reversed(values[:-1]), strict=True):
        result = If(condition, value, result, place=condition.place if value.place is None else value.place)
    return result


def of_band(bands: Sequence[Limit], within: Sequence[Expr], values: Sequence[Expr]) -> Expr:
    """The value of the band, as the last one and what each limit adds: in columns cheaper than a chain of choices.

    Where a limit holds, those behind it hold too; but for two limits that may be equal, the first of which lies in its
    band and the second not.
    """
    for band, after in pairwise(bands[:-1]):
        held = band.up_to is not None or band.up_to_quantile is not None
        holds = after.up_to is not None or after.up_to_quantile is not None
        if held and not holds and not (_printed(band) and _printed(after)):
            return chosen(within, values)
    result = values[-1]
    for condition, value, following in zip(within, values, values[1:], strict=False):
        result = result + If(condition, value - following, ZERO, place=condition.place)
    return result


def of_one(conditions: Sequence[Expr], values: Sequence[Expr]) -> Expr:
    """The value of the one condition that holds; the last value where none does."""
    result = values[-1]
    for condition, value in zip(conditions, values, strict=False):
        result = result + If(condition, value - values[-1], ZERO, place=condition.place)
    return result


def where(present: Expr | None, value: Expr, otherwise: Expr) -> Expr:
    """The value where the measure is there."""
    return value if present is None else If(present, value, otherwise, place=value.place)
