"""Programs written step by step, with types inferred by interval arithmetic, and batches of columns for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.compiler.program import (
    BOOLEAN,
    Compiled,
    Constants,
    DayTable,
    Figure,
    InputSpec,
    Kind,
    Line,
    Program,
    Refusal,
    Rounding,
    Slot,
    Step,
    Type,
    Version,
    Warning,
    Working,
)
from engine.evaluator.rows import Array, Column, Rows
from engine.language.problems import Place

HERE = Place("hand.ruleset.yaml", 1, 1, 1, 2)
START = 20454  # 2026-01-01
END = START + 3650

_ARITHMETIC: Mapping[str, Callable[[int, int], int]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "minimum": min,
    "maximum": max,
}


@dataclass
class Builder:
    """Steps one by one; each method gives the step's position."""

    steps: list[Step] = field(default_factory=list)
    inputs: list[InputSpec] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    calendars: list[DayTable] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    cells: list[list[tuple[int | None, ...]]] = field(default_factory=list)  # slot x version
    lines: list[Line] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)

    def step(self, primitive: str, operands: Sequence[int], type_: Type, **more: object) -> int:
        self.steps.append(Step(primitive, tuple(operands), type_, **more))  # type: ignore[arg-type]  # fields by name
        return len(self.steps) - 1

    def type(self, step: int) -> Type:
        return self.steps[step].type

    def input(
        self,
        name: str,
        places: int = 0,
        low: int = 0,
        high: int = 10**6,
        *,
        kind: Kind = "number",
        codes: tuple[str, ...] = (),
        default: int | None = None,
        optional: bool = False,
    ) -> int:
        match kind:
            case "boolean":
                type_ = BOOLEAN
            case "code":
                type_ = Type("code", high=len(codes) - 1, codes=codes)
            case _:
                type_ = Type(kind, places=places, low=low, high=high)
        self.inputs.append(InputSpec(name, type_, default=default, optional=optional or default is not None))
        return self.step("input", (), type_, name=name)

    def day(self, name: str) -> int:
        """An input that the door supplies."""
        return self.step("input", (), Type("date", low=START - 400, high=END + 400), name=name)

    def given(self, name: str) -> int:
        return self.step("given", (), BOOLEAN, name=name)

    def literal(self, value: int, places: int = 0) -> int:
        return self.step("literal", (), Type(places=places, low=value, high=value), value=value)

    def constant(self, values: int | Sequence[int], places: int = 0) -> int:
        """A constant with a value a version."""
        numbers = [values] if isinstance(values, int) else list(values)
        type_ = Type(places=places, low=min(numbers), high=max(numbers))
        self.slots.append(Slot(f"slot{len(self.slots)}", type_))
        self.cells.append([(number,) for number in numbers])
        return self.step("constant", (), type_, slot=len(self.slots) - 1)

    def cell(self, index: int, tables: Sequence[Sequence[int | None]], places: int = 0) -> int:
        """A table, version x cell."""
        known = [number for table in tables for number in table if number is not None]
        type_ = Type(places=places, low=min(known), high=max(known))
        self.slots.append(Slot(f"slot{len(self.slots)}", type_, (tuple(map(str, range(len(tables[0])))),)))
        self.cells.append([tuple(table) for table in tables])
        return self.step("cell", (index,), type_, slot=len(self.slots) - 1)

    def index(self, operands: Sequence[int], strides: Sequence[int], offsets: Sequence[int], cells: int) -> int:
        type_ = Type(low=0, high=cells - 1)
        return self.step("index", operands, type_, strides=tuple(strides), offsets=tuple(offsets))

    def calendar(self, day: int, first_day: int, values: Sequence[int]) -> int:
        self.calendars.append(DayTable(f"calendar{len(self.calendars)}", first_day, tuple(values)))
        return self.step("calendar", (day,), Type(low=min(values), high=max(values)), slot=len(self.calendars) - 1)

    def binary(self, primitive: str, a: int, b: int) -> int:
        """add, subtract, multiply, minimum or maximum."""
        left, right = self.type(a), self.type(b)
        assert primitive == "multiply" or left.places == right.places
        does = _ARITHMETIC[primitive]
        ends = [does(x, y) for x in (left.low, left.high) for y in (right.low, right.high)]
        places = left.places + right.places if primitive == "multiply" else left.places
        return self.step(primitive, (a, b), Type(places=places, low=min(ends), high=max(ends)))

    def sum(self, first: int, *others: int) -> int:
        for other in others:
            first = self.binary("add", first, other)
        return first

    def negate(self, a: int) -> int:
        of = self.type(a)
        return self.step("negate", (a,), Type(places=of.places, low=-of.high, high=-of.low))

    def absolute(self, a: int) -> int:
        of = self.type(a)
        return self.step("absolute", (a,), Type(places=of.places, low=0, high=max(abs(of.low), abs(of.high))))

    def rescale(self, a: int, places: int) -> int:
        of = self.type(a)
        by = 10 ** (places - of.places)
        return self.step("rescale", (a,), Type(places=places, low=of.low * by, high=of.high * by))

    def select(self, condition: int, then: int, otherwise: int) -> int:
        a, b = self.type(then), self.type(otherwise)
        assert a.places == b.places
        type_ = Type(a.kind, places=a.places, low=min(a.low, b.low), high=max(a.high, b.high))
        return self.step("select", (condition, then, otherwise), type_)

    def claim(self, a: int, low: int, high: int) -> int:
        return self.step("claim", (a,), Type(places=self.type(a).places, low=low, high=high))

    def rounded(
        self,
        primitive: str,
        operands: Sequence[int],
        places: int,
        mode: Rounding = Rounding.HALF_UP,
        bounds: tuple[int, int] | None = None,
    ) -> int:
        """round, multiply_round, divide or multiply_divide; bounds a little wider than the corners, unless given."""
        types = [self.type(i) for i in operands]
        low, high = _rounded_bounds(primitive, types, places) if bounds is None else bounds
        return self.step(primitive, operands, Type(places=places, low=low, high=high), mode=mode)

    def price(self, quantity: int, price: int) -> int:
        """quantity * price, half up to fen."""
        return self.rounded("multiply_round", (quantity, price), 2)

    def holds(self, primitive: str, *operands: int) -> int:
        """A comparison or logic."""
        return self.step(primitive, operands, BOOLEAN)

    def require(self, condition: int, guard: int | None = None, **refusal: object) -> int:
        fields: dict[str, object] = {"code": "refused-by-rule", "field": "x", **refusal}
        self.refusals.append(Refusal(**fields))  # type: ignore[arg-type]  # fields by name
        operands = (condition,) if guard is None else (condition, guard)
        return self.step("require", operands, BOOLEAN, refusal=len(self.refusals) - 1)

    def line(
        self, name: str, amount: int, shown: int | None = None, quantity: int | None = None, price: int | None = None
    ) -> None:
        working = Working("", (), None, ())
        self.lines.append(Line(name, name, name, amount, shown, quantity, price, "energy", True, working))

    def warning(self, name: str, when: int, values: tuple[tuple[str, int], ...] = ()) -> None:
        self.warnings.append(Warning(name, name, "info", when, name, values))

    def program(self, total: int) -> Program:
        return Program(
            inputs=tuple(self.inputs),
            steps=tuple(self.steps),
            refusals=tuple(self.refusals),
            calendars=tuple(self.calendars),
            lines=tuple(self.lines),
            total=total,
            ledgers=(("energy", total),),
            warnings=tuple(self.warnings),
        )

    def constants(self, versions: Sequence[Version] = ()) -> Constants:
        spans = tuple(versions) or (Version(START, END),)
        cells = [[column[v if len(column) > 1 else 0] for column in self.cells] for v in range(len(spans))]
        figures = tuple(tuple(tuple(map(_figure, row)) for row in version) for version in cells)
        return Constants(tuple(self.slots), spans, figures)

    def compiled(self, total: int, versions: Sequence[Version] = (), **more: object) -> Compiled:
        fields: dict[str, object] = {
            "id": "cn.test.hand",
            "title": "By hand",
            "place_code": "cn.test",
            "customer_class": "residential",
            "currency": "CNY",
            "minor_places": 2,
            "version_by": "period_from",
            "first_day": START,
            "end_day": None,
            "program": self.program(total),
            "constants": self.constants(versions),
            "change_days": (),
            "tests": (),
            "source": "",
            "standing": "derived",
            "files": (),
            "content_hash": "",
            "place": HERE,
        }
        return Compiled(**{**fields, **more})  # type: ignore[arg-type]  # fields by name


def _figure(number: int | None) -> Figure | None:
    return None if number is None else Figure(str(number), number, None, "hand", "derived", None)


def _rounded_bounds(primitive: str, types: Sequence[Type], places: int) -> tuple[int, int]:
    divides = primitive in {"divide", "multiply_divide"}
    factors = types[:-1] if divides else types
    ends = [1]
    for of in factors:
        ends = [x * y for x in ends for y in (of.low, of.high)]
    surplus = sum(of.places for of in factors) - places - (types[-1].places if divides else 0)
    least = types[-1].low if divides and types[-1].low > 0 else 1
    largest = max(map(abs, ends)) * 10 ** max(-surplus, 0) // (10 ** max(surplus, 0) * least) + 1
    negative = min(ends) < 0 or (divides and types[-1].low < 0)
    return -largest if negative else 0, largest


def batch(columns: Mapping[str, Column | Array], rows: int, start: int | Array = START, days: int = 28) -> Rows:
    """Rows of some days each; plain arrays are whole numbers of no places."""
    period_from = np.broadcast_to(np.asarray(start, np.int64), (rows,)).copy()
    return Rows(
        row_id=np.arange(rows),
        ruleset=Column(np.zeros(rows, np.int64), codes=("cn.test.hand",)),
        period_from=period_from,
        period_to=period_from + days,
        columns={name: one if isinstance(one, Column) else Column(one) for name, one in columns.items()},
    )
