"""banded: a price or a percentage by the band in which a measured ratio falls: kWh per tonne, kWh per kW, use to quota.

Each band is closed on the side that the notice says: `up_to` holds its limit, `below` does not. A ratio is compared
exactly, with the limit multiplied; where a notice rounds it first, `places` and `round` say how.
`whole` bills all of the quantity at the price of the band. `marginal` bills what lies in each band at that band's
price, as hours of use are: the first 200 kWh of each kW, the next 200. The last band of a whole may go on in steps:
0.01 yuan more for every 20 kWh a tonne (发改价格〔2021〕1239号).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, LoweredRefusal, per_unit
from engine.charges.items import PERCENT, check_one_of, check_together
from engine.charges.tiers import check_order, split
from engine.language.expressions import ZERO, Call, Compare, Expr, Unary, both, maximum, written
from engine.language.fields import FormulaField, Model, PlacesField, Priced, PricedField, TextField
from engine.language.problems import problem
from engine.language.units import DIMENSIONLESS, Unit

ONE = Fraction(1)


class Ratio(Model):
    what = "a ratio"

    of: FormulaField
    per: FormulaField
    places: PlacesField | None = None
    round: Literal["half_up", "half_even", "up", "down", "floor", "ceiling"] | None = None


class Steps(Model):
    what = "the steps of a band"

    every: PricedField
    add: PricedField
    count: Literal["started", "full"]


class Band(Model):
    what = "a band"

    title: TextField | None = None
    up_to: PricedField | None = None
    below: PricedField | None = None
    price: PricedField | None = None
    percent: PricedField | None = None
    steps: Steps | None = None


class Banded(ChargeModel):
    ratio: Ratio | None = None
    measure: FormulaField | None = None
    method: Literal["whole", "marginal"]
    quantity: FormulaField | None = None
    base: list[TextField] | None = None
    price_times: FormulaField | None = None
    bands: list[Band]


def lower(charge: Banded, context: Context) -> Lowered:
    """Lower to a line a band: shown where the ratio falls in it, or for what lies in it."""
    _check(charge, context)
    written_limits = [
        (f"{k}.up_to" if band.up_to is not None else f"{k}.below", band.up_to or band.below)
        for k, band in enumerate(charge.bands, 1)
    ]
    limits = _limits(charge, context, [(path, limit) for path, limit in written_limits if limit is not None])
    refusals = _rising(context, limits)
    if charge.ratio is not None:
        per = charge.ratio.per
        positive = Compare(">", per, ZERO, place=per.place)
        message = f"{context.name}: there is no ratio to {{per}}"
        refusals.append(LoweredRefusal(positive, context.name, message, values=(("per", per),)))
    whole = context.base(charge.base) if charge.base is not None else charge.quantity
    assert whole is not None
    if charge.method == "marginal":
        assert charge.ratio is not None
        parts = split(whole, None, [limit * charge.ratio.per for limit in limits])
        parts = [context.define(f"{k}.part", part) for k, part in enumerate(parts, 1)]
        lines = [_line(charge, context, k, part, None, None) for k, part in enumerate(parts, 1)]
    else:
        measured = _measured(charge, context)
        within = [
            Compare("<=" if band.up_to is not None else "<", measured, _limit(charge, limit), place=limit.place)
            for band, limit in zip(charge.bands, limits, strict=False)
        ]
        lines = []
        for k in range(1, len(charge.bands) + 1):
            beyond: Expr | None = Unary("not", within[k - 2], place=within[k - 2].place) if k > 1 else None
            shown = both(beyond, within[k - 1] if k <= len(within) else None)
            above = measured - _limit(charge, limits[-1]) if limits else measured
            lines.append(_line(charge, context, k, whole, shown, above))
    return Lowered(tuple(lines), energy=charge.quantity, refusals=tuple(refusals))


def _check(charge: Banded, context: Context) -> None:
    """That the keys fit together."""
    check_one_of(charge, context, "ratio", "measure")
    check_one_of(charge, context, "quantity", "base")
    ratio = charge.ratio
    if ratio is not None:
        check_together(ratio, context, ("places", "places: 2"), ("round", "round: half_up"))
    if charge.method == "marginal" and (ratio is None or ratio.places is not None or ratio.of != charge.quantity):
        context.fail("band-marginal", charge.place_of("method"), charge=context.name)
    wanted, other = ("price", "percent") if charge.quantity is not None else ("percent", "price")
    since = "quantity" if charge.quantity is not None else "base"
    for k, band in enumerate(charge.bands, 1):
        if getattr(band, wanted) is None or getattr(band, other) is not None:
            context.fail("band-figure", band.place_of(other), charge=context.name, wanted=wanted, since=since)
        last = k == len(charge.bands)
        if (band.up_to is not None) + (band.below is not None) != (0 if last else 1):
            context.fail("band-limit", band.place_of("up_to" if band.below is None else "below"), charge=context.name)
        if band.steps is not None and (not last or charge.method == "marginal"):
            context.fail("band-steps", band.place_of("steps"), charge=context.name)


def _limits(charge: Banded, context: Context, limits: Sequence[tuple[str, Priced]]) -> list[Expr]:
    check_order(context, [limit for _, limit in limits])
    unit = _unit(charge, context)
    return [context.figure(path, limit, unit) for path, limit in limits]


def _unit(charge: Banded, context: Context) -> Unit:
    """The unit of the ratio, which its limits have too."""
    if charge.ratio is None:
        assert charge.measure is not None
        return context.unit_of(charge.measure)
    return context.unit_of(charge.ratio.of) / context.unit_of(charge.ratio.per)


def _rising(context: Context, limits: Sequence[Expr]) -> list[LoweredRefusal]:
    """Limits that are not printed rise too."""
    message = f"{context.name}: the bands' limits {{lower}} and {{upper}} do not rise"
    return [
        LoweredRefusal(
            Compare("<", lower, upper, place=upper.place),
            context.name,
            message,
            problem("tiers-out-of-order", upper.place, lower.place, lower=written(lower), upper=written(upper)),
            (("lower", lower), ("upper", upper)),
        )
        for lower, upper in pairwise(limits)
    ]


def _measured(charge: Banded, context: Context) -> Expr:
    """What limits are compared with: the measure, the rounded ratio, or the exact ratio times its divisor."""
    if charge.ratio is None:
        assert charge.measure is not None
        return charge.measure
    ratio = charge.ratio
    if ratio.places is None or ratio.round is None:
        return ratio.of
    return context.define("ratio", Call("divide", (ratio.of, ratio.per), ratio.places, ratio.round, place=ratio.place))


def _limit(charge: Banded, limit: Expr) -> Expr:
    """A limit as `_measured` is compared with it."""
    return limit * charge.ratio.per if charge.ratio is not None and charge.ratio.places is None else limit


def _line(
    charge: Banded, context: Context, k: int, quantity: Expr, shown: Expr | None, above: Expr | None
) -> LoweredLine:
    band = charge.bands[k - 1]
    priced = band.percent if band.price is None else band.price
    assert priced is not None
    unit, scale = (per_unit(context, quantity), ONE) if band.price is not None else (DIMENSIONLESS, PERCENT)
    computed = band.steps is not None or charge.price_times is not None
    price = context.figure(f"{k}.first_price" if computed else f"{k}.price", priced, unit, scale)
    if band.steps is not None:
        assert above is not None
        every = context.figure(f"{k}.every", band.steps.every, _unit(charge, context))
        divided = (maximum(above, ZERO), _limit(charge, every))
        mode = "ceiling" if band.steps.count == "started" else "floor"
        steps = context.define(f"{k}.steps", Call("divide", divided, 0, mode, place=band.steps.place))
        price = price + context.figure(f"{k}.add", band.steps.add, unit, scale) * steps
    if charge.price_times is not None:
        price = price * charge.price_times
    amount = context.per_period(quantity * price)
    return LoweredLine(str(k), amount, str(band.title or ""), quantity, price, shown, band.place)


KIND = Kind("banded", Banded, lower, linear=False)
