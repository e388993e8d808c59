"""tiered_time_of_use: a price for each tier × time-of-use period, a line a cell.

`scope: per_period`: each period's kWh climbs a ladder by itself; the periods may have ladders of their own.
`scope: pooled_pro_rata`: the total climbs the ladder, and each tier's kWh are shared among the periods in proportion.
With `share: kwh(2)` each cell's kWh are rounded to 2 places and the last period takes the tier's remainder; with
`share: exact` the cell's money is tier kWh × period kWh × price ÷ total kWh, rounded once.
`scope: pooled_chronological`: the total climbs the ladder interval by interval, in order of time. Item i leads the use
from c_i-1 to c_i; what of it lies in tier k counts for the period of the item.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.charges.base import Context, Kind, Lowered, LoweredLine, LoweredRefusal, per_unit
from engine.charges.items import check_read
from engine.charges.tiers import LadderModel, Limits, Tier, between, check_ladder, lower_limits, split, used_before
from engine.language.expressions import ZERO, Call, Compare, Expr, If, Logic, Name, PartOf, total
from engine.language.fields import FormulaField, Model, NameField, Priced, PricedField, TextField
from engine.language.nodes import Text
from engine.language.problems import Place
from engine.language.reading import did_you_mean


class TierRow(Model):
    what = "a tier"

    title: TextField | None = None
    up_to: PricedField | None = None
    price: dict[NameField, PricedField]


class TieredTimeOfUse(LadderModel):
    quantity: dict[NameField, FormulaField] | None = None
    intervals: FormulaField | None = None
    period: FormulaField | None = None
    scope: Literal["per_period", "pooled_pro_rata", "pooled_chronological"]
    share: TextField | None = None
    tiers: list[TierRow] | dict[NameField, list[Tier]]
    titles: dict[NameField, TextField] = {}


@dataclass(frozen=True, slots=True)
class Cell:
    """A tier of a period: which, what it is called, what it costs."""

    k: int
    period: str
    title: str
    price: Priced
    place: Place


@dataclass(frozen=True, slots=True)
class Ladder:
    """The limits of one period, or of all together."""

    written: tuple[tuple[str, Priced], ...]
    cells: Mapping[str, tuple[Cell, ...]]  # of each period, tier by tier


def lower(charge: TieredTimeOfUse, context: Context) -> Lowered:
    """Lower to a product a cell of tier × period."""
    check_ladder(charge, context)
    _check_keys(charge, context)
    if charge.scope == "pooled_chronological":
        return _chronological(charge, context)
    assert charge.quantity is not None
    quantities = {str(period): quantity for period, quantity in charge.quantity.items()}
    pooled = total(list(quantities.values()))
    ladders = _ladders(charge, context, tuple(quantities))
    limits = [lower_limits(charge, context, ladder.written, pooled) for ladder in ladders]
    refusals = [refusal for one in limits for refusal in one.rising]
    if charge.scope == "per_period":
        if charge.before is not None:
            context.fail("per-period-before", charge.place_of("before"), charge=context.name)
        parts: dict[str, list[Expr]] = {}
        for ladder, one in zip(ladders, limits, strict=True):
            for period in ladder.cells:
                before = used_before(charge, context, quantities[period])
                parts[period] = split(quantities[period], before, one.values)
        lines = _lines_of(ladders, parts, context)
    else:
        (ladder,), (one,) = ladders, limits
        lines = _pooled(charge, context, quantities, pooled, ladder, one)
        refusals += [_share(context, period, quantity) for period, quantity in quantities.items()]
    return Lowered(tuple(lines), energy=pooled, refusals=tuple(refusals))


def _check_keys(charge: TieredTimeOfUse, context: Context) -> None:
    """What each scope reads: an interval list for the order of time, else a quantity for each period."""
    in_order = charge.scope == "pooled_chronological"
    given = {key for key in ("quantity", "intervals", "period") if getattr(charge, key) is not None}
    if given != ({"intervals", "period"} if in_order else {"quantity"}):
        context.fail("scope-keys", charge.place_of("scope"), None, charge=context.name, scope=charge.scope)
    check_read(charge, context, "share", "scope: pooled_pro_rata", read=charge.scope == "pooled_pro_rata")
    if isinstance(charge.tiers, dict) and charge.scope == "pooled_pro_rata":
        context.fail("tiers-by-period", charge.place_of("tiers"), charge=context.name)


# the ladders as written


def _ladders(charge: TieredTimeOfUse, context: Context, periods: Sequence[str]) -> list[Ladder]:
    """One ladder for all periods, or one for each."""
    if isinstance(charge.tiers, dict):
        places = {str(period): period.place for period in charge.tiers}
        _same_periods(context, charge.place_of("tiers"), periods, places)
        return [
            _ladder(context, tiers, {str(period): [tier.price for tier in tiers]}, charge.titles, f"{period}.")
            for period, tiers in charge.tiers.items()
        ]
    for row in charge.tiers:
        _same_periods(context, row.place_of("price"), periods, {str(name): name.place for name in row.price})
    prices: dict[str, list[Priced]] = {
        period: [next(price for name, price in row.price.items() if str(name) == period) for row in charge.tiers]
        for period in periods
    }
    return [_ladder(context, charge.tiers, prices, charge.titles, "")]


def _same_periods(context: Context, place: Place, periods: Sequence[str], priced: Mapping[str, Place]) -> None:
    missing = [period for period in periods if period not in priced]
    extra = [period for period in priced if period not in periods]
    if missing:
        context.fail("tou-period-not-priced", place, charge=context.name, missing=", ".join(missing))
    if extra:
        near = did_you_mean(extra[0], periods, priced)
        told = {"period": extra[0], "known": ", ".join(periods)}
        context.fail("unknown-tou-period", priced[extra[0]], None, **told, **near)


def _ladder(
    context: Context,
    tiers: Sequence[TierRow | Tier],
    prices: Mapping[str, Sequence[Priced]],
    titles: Mapping[Text, Text],
    prefix: str,
) -> Ladder:
    """Check that all tiers but the last have a limit, and name what is printed."""
    for tier in tiers[:-1]:
        if tier.up_to is None:
            context.fail("tier-without-limit", tier.place)
    if tiers[-1].up_to is not None:
        context.fail("last-tier-with-limit", tiers[-1].place_of("up_to"))
    written = tuple((f"{prefix}{k}.up_to", tier.up_to) for k, tier in enumerate(tiers, 1) if tier.up_to is not None)
    named = {str(period): str(title) for period, title in titles.items()}
    cells = {
        period: tuple(
            Cell(k, period, " ".join(filter(None, (str(tier.title or ""), named.get(period)))), price, tier.place)
            for k, (tier, price) in enumerate(zip(tiers, of_period, strict=True), 1)
        )
        for period, of_period in prices.items()
    }
    return Ladder(written, cells)


# the kWh of each cell


def _lines_of(ladders: Sequence[Ladder], parts: Mapping[str, Sequence[Expr]], context: Context) -> list[LoweredLine]:
    """A line a cell, tier by tier."""
    cells = [cell for ladder in ladders for row in ladder.cells.values() for cell in row]
    lines = []
    for cell in sorted(cells, key=lambda cell: cell.k):  # a stable order: periods as written
        kwh = context.define(f"{cell.k}.{cell.period}.kwh", parts[cell.period][cell.k - 1])
        lines.append(_line(context, cell, kwh))
    return lines


def _chronological(charge: TieredTimeOfUse, context: Context) -> Lowered:
    item, of = charge.intervals, charge.period
    assert item is not None
    assert of is not None
    known = context.schedules().get(of.path.rpartition(".")[2]) if isinstance(of, Name) else None
    first = charge.tiers[0].price if isinstance(charge.tiers, list) else charge.tiers
    periods = known or tuple(str(period) for period in first)
    ladders = _ladders(charge, context, periods)
    whole = Call("sum", (item,), place=item.place)
    before = used_before(charge, context, whole)
    reached: Expr = Call("running_sum", (item,), place=item.place)
    if before is not None:
        reached = before + reached
    parts: dict[str, list[Expr]] = {}
    refusals: list[LoweredRefusal] = []
    for ladder in ladders:
        limits = lower_limits(charge, context, ladder.written, whole)
        refusals += limits.rising
        in_tiers = between(reached, reached - item, item, limits.values)
        for period in ladder.cells:
            here = Compare("==", of, Name(period, place=of.place), place=of.place)
            parts[period] = [
                Call("sum", (If(here, part, ZERO, place=item.place),), place=item.place) for part in in_tiers
            ]
    if not known:  # codes of the list itself: an interval of another code would go unpriced
        one_of = tuple(Compare("==", of, Name(period, place=of.place), place=of.place) for period in periods)
        priced = one_of[0] if len(one_of) == 1 else Logic("or", one_of, place=of.place)
        refusals.append(LoweredRefusal(priced, context.name, f"{context.name}: an interval's period has no price"))
    return Lowered(tuple(_lines_of(ladders, parts, context)), energy=whole, refusals=tuple(refusals))


def _pooled(
    charge: TieredTimeOfUse,
    context: Context,
    quantities: Mapping[str, Expr],
    pooled: Expr,
    ladder: Ladder,
    limits: Limits,
) -> list[LoweredLine]:
    share = str(charge.share or "")
    rounding = re.fullmatch(r"kwh\((\d)\)", share)
    if rounding is None and share != "exact":
        key = "scope" if charge.share is None else "share"
        context.fail("share-not-declared", charge.place_of(key), charge=context.name)
    whole = context.define("kwh", pooled)
    nothing = Compare("==", whole, ZERO, place=charge.place)
    before = used_before(charge, context, whole)
    lines = []
    *but_last, _ = quantities
    for k, part in enumerate(split(whole, before, limits.values), 1):
        tier = context.define(f"{k}.kwh", part)
        rest: Expr = tier
        for period, quantity in quantities.items():
            cell = ladder.cells[period][k - 1]
            if rounding is None:
                lines.append(_exact(context, cell, quantity, tier, whole, nothing))
                continue
            kwh = rest
            if period in but_last:
                shared = Call("divide", (quantity * tier, whole), int(rounding[1]), "half_up", place=charge.place)
                kwh = If(nothing, ZERO, PartOf(shared, tier, place=charge.place), place=charge.place)
            named = context.define(f"{k}.{period}.kwh", kwh)
            rest = rest - named
            lines.append(_line(context, cell, named))
    return lines


def _share(context: Context, period: str, quantity: Expr) -> LoweredRefusal:
    """That a period has a share of the whole: none is below zero."""
    message = f"{context.name}: {{kwh}} kWh in {period} are no share of the whole"
    not_below = Compare(">=", quantity, ZERO, place=quantity.place)
    return LoweredRefusal(not_below, context.name, message, values=(("kwh", quantity),))


def _line(context: Context, cell: Cell, kwh: Expr) -> LoweredLine:
    name = f"{cell.k}.{cell.period}"
    price = context.figure(f"{name}.price", cell.price, per_unit(context, kwh))
    return LoweredLine(name, kwh * price, cell.title, kwh, price, place=cell.place)


def _exact(context: Context, cell: Cell, quantity: Expr, tier: Expr, whole: Expr, nothing: Expr) -> LoweredLine:
    """A cell whose share of the tier's kWh is not rounded: money is, once."""
    name, place = f"{cell.k}.{cell.period}", cell.place
    price = context.figure(f"{name}.price", cell.price, per_unit(context, quantity))
    exact = Call("divide", (tier * price * quantity, whole), context.minor_places, "half_up", place=place)
    amount = If(nothing, ZERO, PartOf(exact, tier * price, place=place), place=place)
    return LoweredLine(name, amount, cell.title, None, price, place=place)


KIND = Kind("tiered_time_of_use", TieredTimeOfUse, lower)
