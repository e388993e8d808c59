"""transformer_loss: what a transformer uses, where the meter stands on its low side (变损, 高供低计).

`method` says how, and the sources differ:

table    monthly kWh and kvarh by bands of load, as a utility prints them; a cell may be a table's, by shift
k        copper loss is a percentage of the energy, its reactive part K times it; a monthly iron loss is added
formula  A = P0·24·d + c·(P² + Q²)/10⁶ with c = shift·Pk·10⁶/(24·d·S²), rounded to `constants` places;
         R = I0·S·24·d + e·(P² + Q²)/10⁶ with e = shift·Uk·10⁶/(24·d·S), and both terms of it rounded so;
         d days, P and Q of the meter [kWh, kvarh]; without a reactive meter P/0.8 stands for √(P² + Q²) and R is zero
fixed    agreed kWh and kvarh a month

A month has thirty days: what is printed per month is taken by `thirtieths` of it, those of the billing period unless
said otherwise. Sources: the formulas, the 0.8 and the rounding of c and e as in an engine in use (Guidong, 2019); its
e has Uk·10⁴ and Uk in per cent, I0·S/100 likewise. The K method as in the published case of a 400 kVA customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final, Literal

from engine.charges.base import Context, LoweredRefusal
from engine.charges.tiers import check_order
from engine.language.expressions import ZERO, Compare, Expr, If, maximum, number, rounded, total
from engine.language.fields import FormulaField, Model, PlacesField, Priced, PricedField
from engine.language.units import DIMENSIONLESS, Unit, parse_unit
from engine.quantities import over_lists as lists
from engine.quantities.base import Kind, LoweredQuantity, QuantityModel

KINDS: Final = (("active", lists.KWH), ("reactive", lists.KVARH))
HOURS_A_DAY = number(24, lists.HOUR / lists.MONTH)  # a month's thirtieths are its days
WITHOUT_REACTIVE_METER = number("1.5625")  # 1/0.8²: what an engine in use takes where no meter shows kvarh
MILLION, MILLIONTH = number(1_000_000), number("0.000001")

METHODS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {  # method -> keys it needs, keys it may have
    "table": (("bands",), ("active", "load")),
    "k": (("active", "iron", "copper_percent", "k"), ()),
    "formula": (
        ("active", "capacity", "no_load_kw", "short_circuit_kw", "constants"),
        ("reactive", "shift", "no_load_percent", "impedance_percent"),
    ),
    "fixed": (("fixed",), ()),
}
OF_METHODS: Final = frozenset(key for needed, other in METHODS.values() for key in (*needed, *other))


class Loss(Model):
    """Energy a month."""

    what = "a loss"

    active: PricedField
    reactive: PricedField | None = None


class LoadBand(Loss):
    what = "a band of load"

    up_to: PricedField | None = None


class Share(Model):
    """One customer's share of a transformer that several use."""

    what = "a share of the loss"

    percent: PricedField | None = None
    part: FormulaField | None = None
    whole: FormulaField | None = None
    places: PlacesField | None = None


class LossRound(lists.Round):
    """Rounding of losses: iron and copper apart, or their sum."""

    per: Literal["each", "sum"] = "sum"


class TransformerLoss(QuantityModel):
    method: Literal["table", "k", "formula", "fixed"]
    active: FormulaField | None = None
    reactive: FormulaField | None = None
    round: LossRound
    thirtieths: FormulaField | None = None
    share: Share | None = None
    bands: list[LoadBand] = []
    load: FormulaField | None = None
    iron: Loss | None = None
    copper_percent: PricedField | None = None
    k: PricedField | None = None
    capacity: FormulaField | None = None
    no_load_kw: PricedField | None = None
    short_circuit_kw: PricedField | None = None
    no_load_percent: PricedField | None = None
    impedance_percent: PricedField | None = None
    shift: PricedField | None = None
    constants: PlacesField | None = None
    fixed: Loss | None = None


def lower(model: TransformerLoss, context: Context) -> LoweredQuantity:
    """Lower to what is printed a month, times thirtieths of months / 30, plus what follows the energy; rounded."""
    _check(model, context)
    found: list[tuple[str, Expr]] = []
    refusals: tuple[LoweredRefusal, ...] = ()
    match model.method:
        case "table":
            found = _by_table(model, context)
        case "k":
            found = _by_k(model, context)
        case "formula":
            found = _by_formula(model, context)
            refusals = _spans_days(model, context)
        case _:
            assert model.fixed is not None
            found = _monthly(model, context, "fixed", model.fixed)
    share = _share(model, context)
    if share is not None:
        found = [(name, rounded(loss * share, model.round.places, model.round.mode)) for name, loss in found]
    return LoweredQuantity(None, tuple(found), refusals)


def _check(model: TransformerLoss, context: Context) -> None:
    """The keys of the method, all and no other."""
    needed, other = METHODS[model.method]
    because = f"method: {model.method}"
    for key in needed:
        if not getattr(model, key) and getattr(model, key) != 0:
            place = model.place_of("method")
            context.fail("quantity-key-needed", place, name=context.name, because=because, key=key)
    for key in sorted(OF_METHODS - {*needed, *other}):
        if getattr(model, key):
            told = {"name": context.name, "because": because, "key": key}
            context.fail("quantity-key-unread", model.place_of(key), None, **told)
    if model.method == "table" and model.load is None and model.active is None:
        context.fail("quantity-key-needed", model.place_of("method"), name=context.name, because=because, key="active")
    if (model.no_load_percent is None) != (model.impedance_percent is None):
        has, lacks = ("no_load_percent", "impedance_percent")
        has, lacks = (has, lacks) if model.no_load_percent is not None else (lacks, has)
        context.fail("quantity-key-needed", model.place_of(has), name=context.name, because=has, key=lacks)


def _thirtieths(model: TransformerLoss, context: Context) -> Expr:
    """How long the transformer was in service."""
    return lists.thirtieths_of_period(context) if model.thirtieths is None else model.thirtieths


def _months(model: TransformerLoss, context: Context, monthly: Expr, more: Expr | None = None) -> Expr:
    """A loss per month for the thirtieths in service, with what comes to it; divided once, and rounded."""
    if "month" not in dict(context.unit_of(monthly).dims):  # a formula may give the loss of the period itself
        return _sum_of(model, context, [monthly] if more is None else [monthly, more])
    top = lists.to_row(context, monthly * _thirtieths(model, context))
    if more is None:
        return lists.quotient(top, number(30), model.round)
    more = lists.to_row(context, more)
    if model.round.per == "each":
        return lists.quotient(top, number(30), model.round) + lists.settled(more, model.round)
    return lists.quotient(top + more * number(30), number(30), model.round)


def _sum_of(model: TransformerLoss, context: Context, parts: list[Expr]) -> Expr:
    """Terms added, each rounded or all together."""
    parts = [lists.to_row(context, part) for part in parts]
    if model.round.per == "each":
        return total([lists.settled(part, model.round) for part in parts])
    return lists.settled(total(parts), model.round)


def _written(priced: Priced | None) -> Priced:
    """A figure that the method needs."""
    assert priced is not None
    return priced


def _figure(context: Context, path: str, priced: Priced, unit: Unit) -> Expr:
    return context.figure(path, priced, unit / lists.MONTH)


def _monthly(model: TransformerLoss, context: Context, path: str, loss: Loss) -> list[tuple[str, Expr]]:
    """What is agreed or printed a month."""
    found = []
    for name, unit in KINDS:
        priced = getattr(loss, name)
        if priced is not None:
            found.append((name, _months(model, context, _figure(context, f"{path}.{name}", priced, unit))))
    return found


def _by_table(model: TransformerLoss, context: Context) -> list[tuple[str, Expr]]:
    for band in model.bands[:-1]:
        if band.up_to is None:
            context.fail("load-band-open", band.place, name=context.name)
    if model.bands[-1].up_to is not None:
        context.fail("load-band-last", model.bands[-1].place_of("up_to"), name=context.name)
    load = model.active if model.load is None else model.load
    assert load is not None
    check_order(context, [band.up_to for band in model.bands if band.up_to is not None])
    limits = [
        context.figure(f"{k}.up_to", band.up_to, context.unit_of(load))
        for k, band in enumerate(model.bands, 1)
        if band.up_to is not None
    ]
    found = []
    for name, unit in KINDS:
        printed = [getattr(band, name) for band in model.bands]
        if all(one is None for one in printed):
            continue
        for band, one in zip(model.bands, printed, strict=True):
            if one is None:
                told = {"name": context.name, "because": "bands", "key": name}
                context.fail("quantity-key-needed", band.place, None, **told)
        cells = [_figure(context, f"{k}.{name}", one, unit) for k, one in enumerate(printed, 1)]
        losses = [_months(model, context, cell) for cell in cells]
        chosen = losses[-1]
        for limit, loss in zip(reversed(limits), reversed(losses[:-1]), strict=True):
            chosen = If(Compare("<=", load, limit, place=load.place), loss, chosen, place=load.place)
        found.append((name, chosen))
    return found


def _by_k(model: TransformerLoss, context: Context) -> list[tuple[str, Expr]]:
    rate = context.figure("copper_rate", _written(model.copper_percent), DIMENSIONLESS, Fraction(1, 100))
    copper = lists.present(model.active) * rate
    if model.round.per == "each":
        copper = lists.settled(copper, model.round)
    copper = context.define("copper", copper)
    factor = context.figure("k", _written(model.k), lists.KVARH / lists.KWH)
    found: list[tuple[str, Expr]] = []
    for (name, unit), own in zip(KINDS, (copper, copper * factor), strict=True):
        priced: Priced | None = getattr(model.iron, name)
        if priced is None:
            found.append((name, lists.settled(lists.to_row(context, own), model.round)))
        else:
            iron = _figure(context, f"iron.{name}", priced, unit)
            found.append((name, _months(model, context, iron, own)))
    return found


def _by_formula(model: TransformerLoss, context: Context) -> list[tuple[str, Expr]]:
    """The formulas are printed without units: numbers alone go in, and what comes out is kWh and kvarh."""
    kw = parse_unit("kW")[0]
    days = maximum(_thirtieths(model, context), number(1, lists.MONTH))  # there is one: else the row is refused
    hours = context.define("hours", lists.bare(context, HOURS_A_DAY * days))
    capacity = lists.bare(context, lists.present(model.capacity))
    shift = number(1) if model.shift is None else context.figure("shift", model.shift, DIMENSIONLESS)
    squares = context.define("squares", _squares(model, context))
    places = lists.present(model.constants)
    short_circuit = context.figure("short_circuit_kw", _written(model.short_circuit_kw), kw)
    no_load = context.figure("no_load_kw", _written(model.no_load_kw), kw)
    numerator = shift * lists.bare(context, short_circuit) * MILLION
    c = context.define("c", lists.quotient(numerator, hours * capacity * capacity, places))
    active = _sum_of(model, context, [lists.bare(context, no_load) * hours, c * squares * MILLIONTH])
    if model.reactive is None or model.no_load_percent is None or model.impedance_percent is None:
        return [("active", lists.in_unit(active, lists.KWH)), ("reactive", lists.in_unit(ZERO, lists.KVARH))]
    current = context.figure("no_load_rate", model.no_load_percent, DIMENSIONLESS, Fraction(1, 100))
    impedance = context.figure("impedance_rate", model.impedance_percent, DIMENSIONLESS, Fraction(1, 100))
    steady = rounded(current * capacity * hours, places)
    e = context.define("e", lists.quotient(shift * impedance * MILLION, hours * capacity, places))
    reactive = _sum_of(model, context, [steady, e * squares * MILLIONTH])
    return [("active", lists.in_unit(active, lists.KWH)), ("reactive", lists.in_unit(reactive, lists.KVARH))]


def _squares(model: TransformerLoss, context: Context) -> Expr:
    """P² + Q², or (P/0.8)²."""
    active = lists.bare(context, lists.present(model.active))
    if model.reactive is None:
        return active * active * WITHOUT_REACTIVE_METER
    reactive = lists.bare(context, model.reactive)
    return active * active + reactive * reactive


def _spans_days(model: TransformerLoss, context: Context) -> tuple[LoweredRefusal, ...]:
    """A transformer that was in service on no day has no load to divide; the 31st alone adds none to its month."""
    if model.thirtieths is None and not context.splits():
        return ()
    some = Compare("<", ZERO, _thirtieths(model, context), place=model.place)
    return (LoweredRefusal(some, context.name, f"{context.name}: the transformer was in service on no day"),)


def _share(model: TransformerLoss, context: Context) -> Expr | None:
    """This customer's share: a percentage, or a quotient with its places; of nothing there is no share."""
    share = model.share
    if share is None:
        return None
    of_whole = (share.part, share.whole, share.places)
    written = [one for one in of_whole if one is not None]
    if len(written) != (0 if share.percent is not None else len(of_whole)):
        context.fail("loss-share", share.place, name=context.name)
    if share.percent is not None:
        return context.figure("share", share.percent, DIMENSIONLESS, Fraction(1, 100))
    part, whole = lists.present(share.part), lists.present(share.whole)
    ratio = lists.quotient(part, whole, lists.present(share.places))
    return context.define("share", If(lists.equals(whole, ZERO), ZERO, ratio, place=share.place))


KIND = Kind("transformer_loss", TransformerLoss, lower)
