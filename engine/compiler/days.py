"""Functions of days as steps: lookups in tables over the days, and arithmetic between them.

A day is a whole number, so that months and years of a row's days, or of a list's, are read from tables that begin on
FIRST_DAY (`engine.calendars.days`); a day outside is no day that a row can give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from engine.calendars import days as tables
from engine.compiler.inferring import Inferring
from engine.compiler.needs import Value, joined
from engine.compiler.program import END_DAY, FIRST_DAY, DayTable, Type
from engine.language.expressions import Call, Expr, written
from engine.language.units import parse_unit

MONTH: Final = parse_unit("month")[0]


@cache
def table(name: str) -> DayTable:
    """A table over the days, by the name of its function in `engine.calendars.days`."""
    # the row's own `month` and a season change a bill; a function of days does not, so its table has another name
    return DayTable(f"{name} of", FIRST_DAY, getattr(tables, f"{name}_table")(FIRST_DAY, END_DAY + 1))


def a_day(infer: Inferring, expr: Expr) -> Value:
    """A formula that is a day."""
    value = infer.value(expr)
    if infer.type(value).kind != "date":
        infer.fail("not-a-day", expr.place, None, formula=written(expr))
    return value


def looked_up(infer: Inferring, name: str, day: Value, kind: Type) -> Value:
    """A table's value on a day; its type's bounds are those of the table."""
    values = table(name).values
    kind = Type(kind.kind, kind.unit, 0, min(values), max(values))
    return Value(infer.builder.calendar(table(name), day.step, kind), day.needs)


def of_one(name: str, kind: Type) -> Callable[[Inferring, Call], Value]:
    """A function of one day that is a table."""
    return lambda infer, expr: looked_up(infer, name, a_day(infer, expr.arguments[0]), kind)


def thirtieths(infer: Inferring, expr: Call) -> Value:
    """30ths of months in the days [a, b): a calendar month that they cover whole counts 30, of others each day one.

    The closed formula is that of `engine.calendars.days.thirtieths`.
    """
    a, b = (a_day(infer, one) for one in expr.arguments)
    build, number = infer.builder, Type(unit=MONTH)
    month_a, month_b = (looked_up(infer, "month_index", one, Type()).step for one in (a, b))
    begin = looked_up(infer, "thirtieths_begin", a, number).step
    end = looked_up(infer, "thirtieths_end", b, number).step
    x, y = infer.type(a), infer.type(b)
    inside = build.make("subtract", (b.step, a.step), Type("number", MONTH, 0, y.low - x.high, y.high - x.low))
    across = build.add(end, begin, MONTH, subtract=True)
    counted = build.select(build.compare("equal", month_a, month_b), inside, across, number)
    counted = build.extreme("maximum", counted, build.literal(0, number), MONTH)
    return Value(counted, joined(build, a.needs, b.needs))


def extreme_day(infer: Inferring, expr: Call) -> Value:
    """The earliest or latest of days."""
    result = a_day(infer, expr.arguments[0])
    for argument in expr.arguments[1:]:
        other = a_day(infer, argument)
        x, y = infer.type(result), infer.type(other)
        earliest = expr.function == "min"
        low, high = (min(x.low, y.low), min(x.high, y.high)) if earliest else (max(x.low, y.low), max(x.high, y.high))
        type_ = Type("date", low=low, high=high)
        step = infer.builder.make(f"{expr.function}imum", (result.step, other.step), type_)
        result = Value(step, joined(infer.builder, result.needs, other.needs))
    return result


OF_DAYS: Final[Mapping[str, Callable[[Inferring, Call], Value]]] = {
    "thirtieths": thirtieths,
    "year_end": of_one("year_end", Type("date")),
    "month_start": of_one("month_start", Type("date")),
    "month_end": of_one("month_end", Type("date")),
    "year": of_one("year", Type()),
    "month": of_one("month", Type()),
}
