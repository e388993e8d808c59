"""What a name means as a value: definitions, inputs, constants, the row's own days and what follows from them."""

from __future__ import annotations

from dataclasses import replace

from engine.calendars import calendar as calendars
from engine.calendars import timeline as timelines
from engine.compiler.context import ENERGY
from engine.compiler.inferring import Inferring
from engine.compiler.needs import NO_PRICE, Need, Value, givens, joined, on_row, reduced
from engine.compiler.program import (
    BOOLEAN,
    END_DAY,
    FIRST_DAY,
    PARTS_MAX,
    ROW,
    DayTable,
    Refusal,
    Step,
    Timeline,
    Type,
)
from engine.compiler.scope import BILL, BUILT_IN, Definition, InputRule
from engine.compiler.tables import constant_slot, covered, day_flag_slot
from engine.language.expressions import Name, written
from engine.language.problems import ProblemsFound
from engine.language.reading import did_you_mean
from engine.language.units import DIMENSIONLESS, parse_unit

CONSTANTS = ("literal", "constant", "cell")  # primitives of what no row changes
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
    if is_schedule(infer, path):
        return schedule(infer, *path.split("."))
    if path in infer.scope.axes:
        infer.fail("list-needs-input", expr.place, None, list=path)
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
    if infer.bill and definition.once and definition.amount and in_charge(infer, definition.charge):
        return infer.value(definition.expr)  # a charge that is billed once adds its own lines up before it is cut
    if infer.bill and (definition.amount or billed_energy(definition)):  # of a charge, over the whole bill
        part = read_name(infer.part, expr)
        if definition.amount or infer.type(part).unit in ENERGY:
            infer.definitions[path] = Value(infer.builder.all_parts(part.step), part.needs)
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
    asked = infer.whole.asked_for, infer.part.asked_for
    condition = infer.scope.whens.get(definition.charge)
    infer.whole.asked_for = infer.part.asked_for = set() if condition is None else givens(condition, positive=True)
    try:
        within = infer.whole if definition.once else infer
        value = within.value(definition.expr)
        value = required(infer if definition.charge else within, definition, value)
    finally:
        infer.open.pop()
        infer.given_here = given
        infer.whole.asked_for, infer.part.asked_for = asked
    if definition.once and definition.amount:
        value = in_last_part(infer, value)
    value = bounded(infer, definition, value)
    infer.definitions[path] = value
    return value


def billed_energy(definition: Definition) -> bool:
    """Whether a formula may be what a charge bills part by part: its kWh in the bill are those that its lines show."""
    return bool(definition.charge) and not definition.once and definition.path.endswith((".quantity", ".kwh"))


def in_charge(infer: Inferring, charge: str) -> bool:
    """Whether a formula of that charge is being inferred."""
    return bool(infer.part.open) and infer.part.open[-1].partition(".")[0] == charge


def required(infer: Inferring, definition: Definition, value: Value) -> Value:
    """What a quantity's kind asks of the row wherever the quantity is read."""
    needs = value.needs
    for refusal in definition.refusals:
        allowed = infer.value(refusal.unless)
        if infer.builder.known(allowed.step) is True:
            continue
        if refusal.problem is not None and infer.builder.steps[allowed.step].primitive in CONSTANTS:
            raise ProblemsFound([refusal.problem])
        values = tuple((name, infer.value(expr).step) for name, expr in refusal.values)
        why = Refusal("refused-by-rule", refusal.field, refusal.message, values, definition.place)
        own = on_row(infer.builder, Need(allowed.step, None, why))
        needs = joined(infer.builder, needs, reduced(infer.builder, allowed.needs), (own,))
    return replace(value, needs=needs)


def in_last_part(infer: Inferring, value: Value) -> Value:
    """The amount of a charge that is billed once: in the last part of the bill."""
    type_ = infer.type(value)
    last = infer.builder.compare("equal", number(infer, "part"), number(infer, "parts"))
    zero = infer.builder.literal(0, replace(type_, axis=ROW))
    step = infer.builder.select(last, value.step, zero, type_)
    return Value(step, value.needs, value.zero)


def number(infer: Inferring, name: str) -> int:
    """Which part of the bill this is, and how many there are."""
    return infer.builder.emit(Step("input", (), Type(low=1, high=PARTS_MAX), name=name))


def is_schedule(infer: Inferring, path: str) -> bool:
    """Whether a name is that of an interval list with a schedule of the calendar: intervals.tou_period."""
    head, _, tail = path.partition(".")
    rule, calendar = infer.scope.axes.get(head), infer.scope.calendar
    return (
        rule is not None
        and rule.spec.minutes > 0
        and calendar is not None
        and tail in calendars.schedule_names(calendar)
    )


def schedule(infer: Inferring, name: str, of: str) -> Value:
    """The period of a schedule in which each interval lies."""
    assert infer.scope.calendar is not None
    minutes = infer.scope.axes[name].spec.minutes
    return along(infer, name, timelines.schedule_timeline(infer.scope.calendar, of, minutes, infer.version_days[0]))


def along(infer: Inferring, name: str, timeline: Timeline) -> Value:
    """A timeline's value at each interval; a day that the calendar does not know refuses the row."""
    build = infer.builder
    values = [value for pattern in timeline.patterns for value in pattern]
    low, high = -1 if -1 in timeline.days else min(values, default=0), max(values, default=0)
    type_ = Type("code" if timeline.names else "number", low=low, high=high, axis=name, codes=timeline.names)
    step = build.emit(Step("timeline", (), type_, slot=build.timeline(timeline)))
    if low >= 0:
        return Value(step)
    zero = build.literal(0, replace(type_, axis=ROW, low=0, high=0))
    known = build.compare("less_equal", zero, step)
    refusal = Refusal("calendar-not-known", timeline.name, "", (), infer.scope.axes[name].place)
    return Value(build.claim(step, 0, high), (Need(known, None, refusal),))


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
        type_ = infer.type(value)
        # the side that is not declared is what the formula can reach
        edges = {"low": infer.builder.literal(type_.low, type_), "high": infer.builder.literal(type_.high, type_)}
        edges["low" if is_low else "high"] = bound.step
        values = ((definition.path, value.step), *edges.items())
        refusal = Refusal("out-of-bounds", definition.path, "", values, definition.place)
        needs = joined(infer.builder, value.needs, (Need(inside, None, refusal),))
        value = Value(infer.builder.claim_edge(value.step, bound.step, is_low=is_low, place=definition.place), needs)
    return value


def read_input(infer: Inferring, rule: InputRule, expr: Name) -> Value:
    """An input as a step; what may be absent comes with its need."""
    spec = rule.spec
    infer.inputs_read.add(spec.name)
    name, type_ = spec.name, spec.type
    if spec.split and infer.bill:
        name = f"{name}@bill"
    elif spec.split:  # a part has any share of it
        type_ = replace(type_, low=min(0, type_.low), high=max(0, type_.high))
    step = infer.builder.emit(Step("input", (), type_, name=name))
    if rule.needed_when is not None and spec.default is None:
        refusal = Refusal("missing-value", spec.name, "", (), spec.place)
        return Value(step, (Need(is_given(infer, spec.name), None, refusal),))
    if rule.optional and spec.name not in infer.given_here and (spec.name in infer.asked_for or infer.lenient):
        # of a charge that is billed where it is given: whoever reads it elsewhere needs it
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
    """Whether the row gives an input or a list, or an item an input of its own."""
    axis = name.partition(".")[0] if "." in name else ROW
    return infer.builder.emit(Step("given", (), replace(BOOLEAN, axis=axis), name=name))


def day(infer: Inferring, name: str) -> int:
    """One of the row's days."""
    return infer.builder.emit(Step("input", (), Type("date", low=FIRST_DAY, high=END_DAY - 1), name=name))


def built_in(infer: Inferring, path: str) -> Value:
    """A name that every rule set has."""
    build = infer.builder
    if path in ("part", "parts"):
        return Value(number(infer, path))
    whole = infer.scope.splits and (infer.bill or path in BILL)
    first_day, end_day = ("bill_from", "bill_to") if whole else ("period_from", "period_to")
    path = path.replace("bill_", "") if path in BILL and path not in ("bill_from", "bill_to") else path
    if path in ("period_from", "bill_from"):
        return Value(day(infer, first_day))
    if path in ("period_to", "bill_to"):
        return Value(day(infer, end_day))
    if path == "days":
        span = build.make(
            "subtract",
            (day(infer, end_day), day(infer, first_day)),
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
    first = build.calendar(infer.months, day(infer, first_day), month_type)
    last = build.calendar(infer.months, day(infer, end_day), month_type)
    unit = parse_unit("month")[0]
    span = build.add(last, first, unit, subtract=True)
    one = build.literal(1, Type(unit=unit))
    counted = build.extreme("maximum", span, one, unit)
    limit = build.literal(MONTHS_MAX, Type(unit=unit))
    inside = build.compare("less_equal", counted, limit)
    days = (("period_from", day(infer, first_day)), ("period_to", day(infer, end_day)))
    need = Need(inside, None, Refusal("period-too-long", "period_to", str(MONTHS_MAX), days))
    return Value(build.claim(counted, 1, MONTHS_MAX), (need,))
