"""What a name means as a value: definitions, inputs, constants, the row's own days and what follows from them."""

from __future__ import annotations

from dataclasses import replace

from engine.compiler.fold import change_places
from engine.compiler.inferring import Inferring
from engine.compiler.needs import NO_PRICE, Need, Value, joined
from engine.compiler.program import BOOLEAN, END_DAY, FIRST_DAY, DayTable, Refusal, Rounding, Step, Type
from engine.compiler.scope import BUILT_IN, Definition, InputRule
from engine.compiler.tables import constant_slot, covered, day_flag_slot
from engine.language.expressions import Name, written
from engine.language.reading import did_you_mean
from engine.language.units import DIMENSIONLESS, parse_unit

MONTHS_MAX = 24  # a billing period of more months is refused where a charge counts months


def read_name(infer: Inferring, expr: Name) -> Value:
    """Look a name up and give its value."""
    path = expr.path
    if path in infer.scope.definitions:
        return definition(infer, infer.scope.definitions[path], expr)
    if path in infer.scope.inputs:
        return read_input(infer, infer.scope.inputs[path], expr)
    if path in infer.scope.constants:
        slot = constant_slot(infer.builder, infer.scope.constants[path], infer.version_days)
        return Value(infer.builder.constant(slot), price_needs(infer, slot))
    if path in infer.scope.flags:
        return Value(
            infer.builder.constant(day_flag_slot(infer.builder, path, infer.scope.flags[path], infer.version_days))
        )
    if path in BUILT_IN and (path != "season" or infer.scope.season is not None):
        return built_in(infer, path)
    if path in infer.scope.tables:
        table = infer.scope.tables[path]
        example = f"{path}[{', '.join(table.keys)}].{next(iter(table.columns))}"
        infer.fail("table-needs-keys", expr.place, table=path, example=example)
    infer.fail("unknown-name", expr.place, None, name=path, **did_you_mean(path, infer.scope.known()))


def definition(infer: Inferring, definition: Definition, expr: Name) -> Value:
    """A named formula, inferred once."""
    path = definition.path
    if path in infer.definitions:
        return infer.definitions[path]
    if path in infer.open:
        ring = infer.open[infer.open.index(path) :]
        places = {name: infer.scope.definitions[name].place for name in ring}
        placed = sorted((place, name) for name, place in places.items() if place is not None)
        first = ring.index(placed[0][1]) if placed else 0  # wherever it was entered, it is told as one ring
        names = [*ring[first:], *ring[: first + 1]]
        infer.fail("cycle", places[names[0]] or expr.place, ring=" -> ".join(names))
    infer.open.append(path)
    given, infer.given_here = infer.given_here, set()
    try:
        value = infer.value(definition.expr)
    finally:
        infer.open.pop()
        infer.given_here = given
    value = bounded(infer, definition, value)
    infer.definitions[path] = value
    return value


def bounded(infer: Inferring, definition: Definition, value: Value) -> Value:
    """Declared `from`/`to` of a quantity: a row outside is refused by name, later bounds follow."""
    if definition.low is not None and definition.high is not None and definition.low.value > definition.high.value:
        told = {"name": definition.path, "low": written(definition.low), "high": written(definition.high)}
        infer.fail("bounds-reversed", definition.high.place, definition.low.place, **told)
    for limit, is_low in ((definition.low, True), (definition.high, False)):
        if limit is None:
            continue
        if limit.bare:
            limit = replace(limit, unit=infer.type(value).unit, bare=False)
        bound = infer.same_unit("from" if is_low else "to", value, infer.value(limit), definition.place)[1]
        pair = (bound.step, value.step) if is_low else (value.step, bound.step)
        inside = infer.builder.compare("less_equal", *pair)
        type_, edge = infer.type(value), infer.builder.type(bound.step)
        # the side that is not declared is what the formula can reach
        edges = {"low": infer.builder.literal(type_.low, type_), "high": infer.builder.literal(type_.high, type_)}
        edges["low" if is_low else "high"] = bound.step
        values = ((definition.path, value.step), *edges.items())
        refusal = Refusal("out-of-bounds", definition.path, "", values, definition.place)
        needs = joined(infer.builder, value.needs, (Need(inside, None, refusal),))
        # of the numbers with the value's places those that lie inside
        at = change_places(edge.low, edge.places, type_.places, Rounding.CEILING if is_low else Rounding.FLOOR)
        low, high = (at, type_.high) if is_low else (type_.low, at)
        value = Value(infer.builder.claim(value.step, low, high, definition.place), needs)
    return value


def read_input(infer: Inferring, rule: InputRule, expr: Name) -> Value:
    """An input as a step; what may be absent comes with its need."""
    spec = rule.spec
    infer.inputs_read.add(spec.name)
    step = infer.builder.emit(Step("input", (), spec.type, name=spec.name))
    if rule.needed_when is not None and spec.default is None:
        refusal = Refusal("missing-value", spec.name, "", (), spec.place)
        return Value(step, (Need(is_given(infer, spec.name), None, refusal),))
    if rule.optional and spec.name not in infer.given_here:
        infer.fail("may-be-absent", expr.place, spec.place, name=spec.name)
    return Value(step)


def price_needs(infer: Inferring, slot: int) -> tuple[Need, ...]:
    """That a price is in force on the row's day; nothing where one always is."""
    in_force = covered(infer.builder, slot)
    if in_force is None:
        return ()
    values = (("day", day(infer, "day")),)
    return (Need(in_force, None, Refusal(NO_PRICE, infer.builder.slots[slot].field, "", values)),)


def is_given(infer: Inferring, name: str) -> int:
    """Whether the row gives an input."""
    return infer.builder.emit(Step("given", (), BOOLEAN, name=name))


def day(infer: Inferring, name: str) -> int:
    """One of the row's days."""
    return infer.builder.emit(Step("input", (), Type("date", low=FIRST_DAY, high=END_DAY - 1), name=name))


def built_in(infer: Inferring, path: str) -> Value:
    """A name that every rule set has."""
    build = infer.builder
    if path in ("period_from", "period_to"):
        return Value(day(infer, path))
    if path == "days":
        span = build.make(
            "subtract",
            (day(infer, "period_to"), day(infer, "period_from")),
            Type("number", parse_unit("day")[0], 0, FIRST_DAY - END_DAY, END_DAY - FIRST_DAY),
        )
        return Value(build.claim(span, 1, END_DAY - FIRST_DAY))
    if path == "season":
        assert infer.scope.season is not None
        codes = infer.scope.season.names
        return Value(
            build.calendar(infer.scope.season, day(infer, "day"), Type("code", high=len(codes) - 1, codes=codes))
        )
    month_type = Type("number", DIMENSIONLESS, 0, min(infer.months.values), max(infer.months.values))
    if path == "month":
        names = tuple(str(month) for month in range(1, 13))
        table = DayTable("month", FIRST_DAY, tuple(value % 12 + 1 for value in infer.months.values), names)
        return Value(build.calendar(table, day(infer, "day"), Type("number", low=1, high=12)))
    first = build.calendar(infer.months, day(infer, "period_from"), month_type)
    last = build.calendar(infer.months, day(infer, "period_to"), month_type)
    unit = parse_unit("month")[0]
    span = build.add(last, first, unit, subtract=True)
    one = build.literal(1, Type(unit=unit))
    counted = build.extreme("maximum", span, one, unit)
    limit = build.literal(MONTHS_MAX, Type(unit=unit))
    inside = build.compare("less_equal", counted, limit)
    days = tuple((name, day(infer, name)) for name in ("period_from", "period_to"))
    need = Need(inside, None, Refusal("period-too-long", "period_to", str(MONTHS_MAX), days))
    return Value(build.claim(counted, 1, MONTHS_MAX), (need,))
