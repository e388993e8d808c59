"""Infer: formulas become typed steps. Units are checked here, needs collected, constants found.

Takes a `Scope` and expressions; gives `Value`s: a step with the needs that stand before it. Names are read in
`names.py`, functions in `calls.py`; the steps themselves are made, folded and bounded in `builder.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NoReturn

from engine.compiler.builder import Builder
from engine.compiler.calls import call
from engine.compiler.context import list_of
from engine.compiler.inferring import Make
from engine.compiler.names import is_schedule, price_needs, read_name
from engine.compiler.needs import Need, Value, givens, guarded, joined
from engine.compiler.program import DayTable, Refusal, Type
from engine.compiler.scope import Scope
from engine.compiler.tables import Lookup
from engine.language.expressions import (
    Binary,
    Call,
    Compare,
    Expr,
    If,
    Item,
    Logic,
    Name,
    Number,
    PartOf,
    Unary,
    factors,
    written,
)
from engine.language.problems import Place, ProblemsFound, problem
from engine.language.reading import did_you_mean
from engine.language.units import parse_unit

KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "boolean": {"kind": "a condition", "kind_zh": "条件"},
    "code": {"kind": "a code", "kind_zh": "代码"},
    "date": {"kind": "a day", "kind_zh": "日期"},
}


DAY: Final = parse_unit("day")[0]


class Inference:
    """Turns expressions of one scope into steps of one builder."""

    def __init__(
        self,
        scope: Scope,
        builder: Builder,
        version_days: Sequence[int],
        months: DayTable,
        part: Inference | None = None,
    ) -> None:
        self.scope = scope
        self.builder = builder
        self.version_days = version_days  # first day of each version
        self.months = months
        self.lookup = Lookup(builder, version_days)
        self.inputs_read: set[str] = set()
        self.definitions: dict[str, Value] = {}
        self.open: list[str] = []
        self.given_here: set[str] = set()  # optional inputs known to be given here
        self.lenient = False  # what reads an optional input needs it, without being asked to say so
        self.asked_for: set[str] = set()  # optional inputs that the charge at hand is billed with alone
        self.bill = part is not None
        self.part = self if part is None else part
        self.whole = self
        if part is not None:
            self.inputs_read = part.inputs_read
        elif scope.splits:
            self.whole = Inference(scope, builder, version_days, months, self)

    def list_of(self, expr: Expr) -> str:
        return list_of(expr, self.scope.axes, self.scope.definitions)

    def fail(self, code: str, place: Place | None, other: Place | None = None, **parameters: object) -> NoReturn:
        raise ProblemsFound((problem(code, place, other, **parameters),))

    def type(self, value: Value) -> Type:
        return self.builder.type(value.step)

    # expressions

    def value(self, expr: Expr) -> Value:
        before = self.builder.here
        self.builder.here = expr.place or before
        try:
            return self.node(expr)
        finally:
            self.builder.here = before

    def node(self, expr: Expr) -> Value:  # one case a node of the language
        match expr:
            case Number():
                return self.number(expr)
            case Name():
                return read_name(self, expr)
            case Item():
                return self.item(expr)
            case Unary(op="-", operand=operand):
                inner = self.numeric(operand)
                return Value(self.builder.negate(inner.step), inner.needs, inner.zero)
            case Unary(operand=operand):
                condition = self.condition(operand)
                return Value(self.builder.negation(condition.step), condition.needs)
            case Binary(op="*"):
                return self.product(factors(expr), expr.place)
            case Binary(op=op, left=left, right=right):
                return self.sum(op, left, right, expr)
            case Compare():
                return self.compare(expr)
            case Logic():
                return self.logic(expr)
            case If(condition=condition_expr, then=then, otherwise=otherwise):
                return self.choice(expr, condition_expr, self.value, then, otherwise)
            case Call():
                return call(self, expr)
            case PartOf(operand=operand, whole=whole):
                return self.part_of(self.value(operand), self.numeric(whole), expr)
            case _:
                raise AssertionError(type(expr))

    def number(self, expr: Number) -> Value:
        exponent = expr.value.as_tuple().exponent
        assert isinstance(exponent, int)
        places = max(0, -exponent)
        step = self.builder.literal(int(expr.value.scaleb(places)), Type(unit=expr.unit, places=places))
        return Value(step, (), expr.bare and expr.value == 0)

    def numeric(self, expr: Expr) -> Value:
        value = self.value(expr)
        if self.type(value).kind != "number":
            self.fail("not-a-quantity", expr.place, None, formula=written(expr), **KINDS[self.type(value).kind])
        return value

    def condition(self, expr: Expr) -> Value:
        value = self.value(expr)
        if self.type(value).kind != "boolean":
            self.fail("not-a-condition", expr.place, formula=written(expr))
        return value

    def same_unit(
        self, what: str, a: Value, b: Value, place: Place | None, left: Expr | None = None, right: Expr | None = None
    ) -> tuple[Value, Value]:
        """Two values that are to be added, compared or chosen between; a bare zero takes the other's unit."""
        x, y = self.type(a), self.type(b)
        if x.unit == y.unit:
            return a, b
        if a.zero:
            return replace(a, step=self.builder.literal(0, replace(x, unit=y.unit)), zero=False), b
        if b.zero:
            return a, replace(b, step=self.builder.literal(0, replace(y, unit=x.unit)), zero=False)
        sides = {"left": written(left) if left else "", "right": written(right) if right else ""}
        units = {"left_unit": str(x.unit) or "1", "right_unit": str(y.unit) or "1"}
        self.fail("unit-mismatch", place, None, operator=what, **sides, **units, **_unit_advice(left, right, x, y))

    def sum(self, op: str, left: Expr, right: Expr, expr: Expr) -> Value:
        a, b = self.value(left), self.value(right)
        if op == "-" and self.type(a).kind == self.type(b).kind == "date":
            low, high = self.type(a).low - self.type(b).high, self.type(a).high - self.type(b).low
            span = Type("number", DAY, 0, low, high)
            return Value(self.builder.make("subtract", (a.step, b.step), span), joined(self.builder, a.needs, b.needs))
        shifted = self.shifted(op, a, b)
        if shifted is not None:
            return shifted
        for side, side_expr in ((a, left), (b, right)):
            kind = self.type(side).kind
            if kind != "number":
                self.fail("not-a-quantity", side_expr.place, None, formula=written(side_expr), **KINDS[kind])
        a, b = self.same_unit(op, a, b, expr.place, left, right)
        unit = self.type(a).unit
        step = self.builder.add(a.step, b.step, unit, subtract=op == "-", place=expr.place)
        return Value(step, joined(self.builder, a.needs, b.needs), a.zero and b.zero)

    def shifted(self, op: str, day: Value, by: Value) -> Value | None:
        """A day so many days later or earlier: `from_day + 1[day]`; None where this is not what is added."""
        x, y = self.type(day), self.type(by)
        if x.kind != "date" or y.kind != "number" or y.unit != DAY or y.places:
            return None
        low, high = (x.low + y.low, x.high + y.high) if op == "+" else (x.low - y.high, x.high - y.low)
        primitive = "add" if op == "+" else "subtract"
        step = self.builder.make(primitive, (day.step, by.step), Type("date", low=low, high=high))
        return Value(step, joined(self.builder, day.needs, by.needs))

    def product(self, factors: Sequence[Expr], place: Place | None) -> Value:
        values = [self.numeric(factor) for factor in factors]
        first, *rest = self.by_size(values)
        for other in rest:
            unit = self.type(first).unit * self.type(other).unit
            step = self.builder.multiply(first.step, other.step, unit, place)
            first = Value(step, joined(self.builder, first.needs, other.needs), first.zero or other.zero)
        return first

    def by_size(self, values: Sequence[Value]) -> list[Value]:
        """Constants first, so that they fold; then the narrowest, so that exact products stay small."""

        def key(value: Value) -> tuple[bool, int]:
            step = self.builder.steps[value.step]
            constant = step.primitive in ("literal", "constant", "cell")
            return not constant, max(abs(step.type.low), abs(step.type.high))

        return sorted(values, key=key)

    def choice(self, expr: Expr, condition_expr: Expr, make: Make, then: Expr, otherwise: Expr) -> Value:
        condition = self.condition(condition_expr)
        known = self.builder.known(condition.step)
        if known is not None:
            return self.within(condition, make, then if known else otherwise, condition_expr, positive=known)
        a = self.within(condition, make, then, condition_expr, positive=True)
        b = self.within(condition, make, otherwise, condition_expr, positive=False)
        kind = self.type(a).kind
        if kind != self.type(b).kind or kind not in ("number", "boolean", "date"):
            self.fail("branches-differ", expr.place, then=written(then), otherwise=written(otherwise))
        if kind == "number":
            a, b = self.same_unit("if", a, b, expr.place, then, otherwise)
        x, y, places = self.builder.align(a.step, b.step)
        type_ = replace(self.builder.type(x), places=places)
        step = self.builder.select(condition.step, x, y, type_)
        return Value(step, joined(self.builder, condition.needs, a.needs, b.needs), a.zero and b.zero)

    def within(self, condition: Value, make: Make, expr: Expr, condition_expr: Expr, *, positive: bool) -> Value:
        """A branch, its needs guarded; under `given(x)` the optional x may be read."""
        before = set(self.given_here)
        self.given_here |= givens(condition_expr, positive)
        try:
            value = make(expr)
        finally:
            self.given_here = before
        guard = condition.step if positive else self.builder.negation(condition.step)
        return replace(value, needs=guarded(self.builder, guard, value.needs))

    def logic(self, expr: Logic) -> Value:
        primitive = "both" if expr.op == "and" else "either"
        before = set(self.given_here)
        result: Value | None = None
        try:
            for item in expr.items:
                value = self.condition(item)
                if result is not None:
                    guard = result.step if expr.op == "and" else self.builder.negation(result.step)
                    needs = joined(self.builder, result.needs, guarded(self.builder, guard, value.needs))
                    value = Value(self.builder.logic(primitive, result.step, value.step), needs)
                self.given_here |= givens(item, expr.op == "and")
                result = value
        finally:
            self.given_here = before
        assert result is not None
        return result

    def compare(self, expr: Compare) -> Value:
        coded = self.code_compare(expr)
        if coded is not None:
            return coded
        a, b = self.value(expr.left), self.value(expr.right)
        x, y = self.type(a), self.type(b)
        if x.kind != y.kind or x.kind == "boolean":
            self.fail("cannot-compare", expr.place, left=written(expr.left), right=written(expr.right))
        if x.kind == "code" and (expr.op not in ("==", "!=") or x.codes != y.codes):
            self.fail("cannot-compare", expr.place, left=written(expr.left), right=written(expr.right))
        if x.kind == "number":
            a, b = self.same_unit(expr.op, a, b, expr.place, expr.left, expr.right)
        build = self.builder
        match expr.op:
            case "<":
                step = build.compare("less", a.step, b.step)
            case "<=":
                step = build.compare("less_equal", a.step, b.step)
            case ">":
                step = build.compare("less", b.step, a.step)
            case ">=":
                step = build.compare("less_equal", b.step, a.step)
            case "==":
                step = build.compare("equal", a.step, b.step)
            case _:
                step = build.negation(build.compare("equal", a.step, b.step))
        return Value(step, joined(self.builder, a.needs, b.needs))

    def code_compare(self, expr: Compare) -> Value | None:
        """`scheme == two_part`: one side is of code type, the other is one of its codes."""
        for side, other in ((expr.left, expr.right), (expr.right, expr.left)):
            if not isinstance(other, Name) or not isinstance(side, Name) or not self.names_code(side):
                continue
            value = self.value(side)
            type_ = self.type(value)
            if other.path not in type_.codes:
                if other.path in self.scope.known():
                    continue
                told = {"written": other.path, "name": side.path, "known": ", ".join(type_.codes)}
                self.fail("unknown-code-in-formula", other.place, None, **told, **did_you_mean(other.path, type_.codes))
            if expr.op not in ("==", "!="):
                self.fail("cannot-compare", expr.place, left=written(expr.left), right=written(expr.right))
            position = type_.codes.index(other.path)
            code = self.builder.literal(position, Type("code", codes=type_.codes))
            step = self.builder.compare("equal", value.step, code)
            return Value(step if expr.op == "==" else self.builder.negation(step), value.needs)
        return None

    def names_code(self, name: Name) -> bool:
        rule = self.scope.inputs.get(name.path)
        if name.path in self.scope.definitions:
            return self.type(self.value(name)).kind == "code"
        if rule is not None:
            return rule.spec.type.kind == "code"
        return (name.path == "season" and self.scope.season is not None) or is_schedule(self, name.path)

    def part_of(self, value: Value, whole: Value, expr: Expr) -> Value:
        """A value that lies between zero and another one."""
        step = self.builder.claim_part(value.step, whole.step, expr.place)
        return Value(step, joined(self.builder, value.needs, whole.needs))

    def item(self, expr: Item) -> Value:
        table = self.scope.tables.get(expr.table)
        if table is None:
            near = did_you_mean(expr.table, self.scope.tables)
            self.fail("unknown-table", within(expr.place, 0, len(expr.table)), None, name=expr.table, **near)
        if expr.column is None:
            known = ", ".join(table.columns)
            self.fail("row-needs-column", expr.place, row=written(expr), example=next(iter(table.columns)), known=known)
        if len(expr.keys) != len(table.keys):
            self.fail("table-keys", expr.place, table=expr.table, keys=", ".join(table.keys))
        keys = [self.value(key) for key in expr.keys]
        by_code = expr.column if isinstance(expr.column, Expr) else None
        if isinstance(expr.column, str) and expr.column not in table.columns:
            place, near = within(expr.place, -len(expr.column)), did_you_mean(expr.column, table.columns)
            told = {"column": expr.column, "table": expr.table, "known": ", ".join(table.columns)}
            self.fail("column-not-in-table", place, None, **told, **near)
        column = expr.column if isinstance(expr.column, str) else self.value(by_code) if by_code is not None else ""
        assert column != ""
        key_values = [*keys, column] if isinstance(column, Value) else keys
        found = self.lookup.cell(
            table, [value.step for value in key_values], column if isinstance(column, str) else None, expr
        )
        needs = joined(self.builder, *(value.needs for value in key_values), price_needs(self, found.slot))
        if found.present is not None:
            places = tuple((str(name), value.step) for name, value in zip(table.keys, keys, strict=True))
            message = " ".join(f"{name}={{{name}}}" for name in table.keys)
            refusal = Refusal("no-table-cell", expr.table, message, places, expr.place)
            needs = joined(self.builder, needs, (Need(found.present, None, refusal),))
        return Value(found.step, needs)


def _unit_advice(left: Expr | None, right: Expr | None, x: Type, y: Type) -> Mapping[str, str]:
    """What to write: a number lacks its unit, or two things are joined that do not go together."""
    for side, unit in ((left, y.unit), (right, x.unit)):
        if isinstance(side, Number) and side.bare:
            example = f"{written(side)}[{unit}]"
            return {"advice": f"Write `{example}`.", "advice_zh": f"请写 `{example}`。"}
    return {
        "advice": "Write a number with its unit as `260[kWh/kVA]`; a price times a quantity gives money.",
        "advice_zh": "带单位的数写成 `260[kWh/kVA]`；价格乘以数量得金额。",
    }


def within(place: Place | None, start: int, end: int | None = None) -> Place | None:
    """Part of a formula's place, by characters from its beginning, or from its end where negative."""
    if place is None or place.line != place.end_line:
        return place
    first, last = (place.column, place.end_column) if start >= 0 else (place.end_column, place.end_column)
    last = last if end is None else place.column + end
    return replace(place, column=first + start, end_column=last)
