"""Makes steps: each once, constants folded, every type inferred from the operands' types.

Takes operands as positions of earlier steps; gives positions. Bounds are proven by interval arithmetic on whole
numbers. A step whose operands are all constants becomes a constant of the table, version by version, so that a
formula of parameters alone costs nothing per row. Units are the caller's work (`engine.compiler.infer`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.compiler.fold import change_places, root, round_ratio
from engine.compiler.program import BOOLEAN, DayTable, Figure, Rounding, Step, Type
from engine.language.problems import Place
from engine.language.units import Unit


@dataclass(slots=True)
class SlotData:
    """A constant while compiling: whole numbers and figures by version and cell."""

    path: str
    type: Type
    keys: tuple[tuple[str, ...], ...]
    values: list[list[int | None]]
    figures: list[list[Figure | None]]
    uncovered: tuple[bool, ...] = ()  # per version whether no price is in force; (): one always is
    field: str = ""  # what a refusal names there
    parents: tuple[int, ...] = ()


Fold = Callable[[Sequence[int], Sequence[Type], Type, Rounding], int]


def _ratio(numerator: int, denominator: int, shift: int, mode: Rounding) -> int:
    """Round numerator / denominator * 10^shift; a divisor of zero reads as one."""
    denominator = denominator or 1
    if shift >= 0:
        return round_ratio(numerator * 10**shift, denominator, mode)
    return round_ratio(numerator, denominator * 10**-shift, mode)


FOLDS: Final[Mapping[str, Fold]] = {
    "add": lambda v, o, t, m: v[0] + v[1],
    "subtract": lambda v, o, t, m: v[0] - v[1],
    "multiply": lambda v, o, t, m: v[0] * v[1],
    "rescale": lambda v, o, t, m: v[0] * 10 ** (t.places - o[0].places),
    "negate": lambda v, o, t, m: -v[0],
    "absolute": lambda v, o, t, m: abs(v[0]),
    "minimum": lambda v, o, t, m: min(v),
    "maximum": lambda v, o, t, m: max(v),
    "select": lambda v, o, t, m: v[1] if v[0] else v[2],
    "round": lambda v, o, t, m: change_places(v[0], o[0].places, t.places, m),
    "multiply_round": lambda v, o, t, m: change_places(v[0] * v[1], o[0].places + o[1].places, t.places, m),
    "divide": lambda v, o, t, m: _ratio(v[0], v[1], t.places + o[1].places - o[0].places, m),
    "multiply_divide": lambda v, o, t, m: _ratio(
        v[0] * v[1], v[2], t.places + o[2].places - o[0].places - o[1].places, m
    ),
    "sqrt": lambda v, o, t, m: root(v[0], o[0].places, t.places, m),
    "less": lambda v, o, t, m: int(v[0] < v[1]),
    "less_equal": lambda v, o, t, m: int(v[0] <= v[1]),
    "equal": lambda v, o, t, m: int(v[0] == v[1]),
    "both": lambda v, o, t, m: int(bool(v[0]) and bool(v[1])),
    "either": lambda v, o, t, m: int(bool(v[0]) or bool(v[1])),
    "negation": lambda v, o, t, m: int(not v[0]),
}


class Builder:
    """Steps, slots and day tables of one structure in the making."""

    def __init__(self, versions: int) -> None:
        self.versions = versions
        self.steps: list[Step] = []
        self.slots: list[SlotData] = []
        self.calendars: list[DayTable] = []
        self._seen: dict[tuple[object, ...], int] = {}

    def type(self, step: int) -> Type:
        return self.steps[step].type

    def emit(self, step: Step) -> int:
        """Add a step, or give the one that does the same."""
        claimed = (step.type.low, step.type.high) if step.primitive == "claim" else ()
        key: tuple[object, ...] = (
            step.primitive,
            step.operands,
            *(step.name, step.value, step.slot, step.mode, step.strides, step.offsets, step.refusal),
            *(step.type.kind, step.type.unit, step.type.places),
            *claimed,
        )
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = len(self.steps)
            self.steps.append(step)
        return found

    # sources

    def literal(self, value: int, type_: Type) -> int:
        return self.emit(Step("literal", (), replace(type_, low=value, high=value), value=value))

    def slot(self, data: SlotData) -> int:
        """Register a constant; its bounds are those of its values over all versions."""
        present = [value for row in data.values for value in row if value is not None]
        data.type = replace(data.type, low=min(present, default=0), high=max(present, default=0))
        self.slots.append(data)
        return len(self.slots) - 1

    def constant(self, slot: int) -> int:
        return self.emit(Step("constant", (), self.slots[slot].type, slot=slot))

    def constant_at(self, step: int, version: int) -> int | None:
        """The value of a literal or a constant at a version."""
        known = self.steps[step]
        return known.value if known.primitive == "literal" else self.slots[known.slot].values[version][0]

    def cell(self, slot: int, index: int) -> int:
        return self.emit(Step("cell", (index,), self.slots[slot].type, slot=slot))

    def calendar(self, table: DayTable, day: int, type_: Type) -> int:
        names = [known.name for known in self.calendars]
        if table.name not in names:
            self.calendars.append(table)
            names.append(table.name)
        return self.emit(Step("calendar", (day,), type_, slot=names.index(table.name)))

    # arithmetic

    def make(
        self,
        primitive: str,
        operands: tuple[int, ...],
        type_: Type,
        mode: Rounding = Rounding.HALF_UP,
        place: Place | None = None,
    ) -> int:
        """Add a computing step, or fold it where all its operands are constants."""
        folded = self._fold(primitive, operands, type_, mode)
        if folded is not None:
            return folded
        return self.emit(Step(primitive, operands, type_, mode=mode, place=place))

    def rescale(self, step: int, places: int) -> int:
        """The same number with more places."""
        type_ = self.type(step)
        if type_.places == places:
            return step
        by = 10 ** (places - type_.places)
        wider = replace(type_, places=places, low=type_.low * by, high=type_.high * by)
        return self.make("rescale", (step,), wider)

    def align(self, a: int, b: int) -> tuple[int, int, int]:
        places = max(self.type(a).places, self.type(b).places)
        return self.rescale(a, places), self.rescale(b, places), places

    def add(self, a: int, b: int, unit: Unit, *, subtract: bool = False, place: Place | None = None) -> int:
        a, b, places = self.align(a, b)
        x, y = self.type(a), self.type(b)
        if subtract:
            if y.low == y.high == 0:
                return a
            bounds = Type("number", unit, places, x.low - y.high, x.high - y.low)
            return self.make("subtract", (a, b), bounds, place=place)
        if x.low == x.high == 0:
            return b
        if y.low == y.high == 0:
            return a
        if b < a:
            a, b = b, a
        bounds = Type("number", unit, places, x.low + y.low, x.high + y.high)
        return self.make("add", (a, b), bounds, place=place)

    def negate(self, a: int) -> int:
        x = self.type(a)
        return self.make("negate", (a,), replace(x, low=-x.high, high=-x.low))

    def absolute(self, a: int) -> int:
        x = self.type(a)
        low = 0 if x.low <= 0 <= x.high else min(abs(x.low), abs(x.high))
        return self.make("absolute", (a,), replace(x, low=low, high=max(abs(x.low), abs(x.high))))

    def multiply(self, a: int, b: int, unit: Unit, place: Place | None = None) -> int:
        for one, other in ((a, b), (b, a)):
            literal = self.steps[one]
            if literal.primitive == "literal" and literal.value == 1 and literal.type.places == 0:
                return self._with_unit(other, unit)
        a, b = (b, a) if b < a else (a, b)
        x, y = self.type(a), self.type(b)
        low, high = product_bounds(x, y)
        return self.make("multiply", (a, b), Type("number", unit, x.places + y.places, low, high), place=place)

    def _with_unit(self, step: int, unit: Unit) -> int:
        type_ = self.type(step)
        if type_.unit == unit:
            return step
        return self.make("claim", (step,), replace(type_, unit=unit))

    def extreme(self, primitive: str, a: int, b: int, unit: Unit) -> int:
        a, b, places = self.align(a, b)
        x, y = self.type(a), self.type(b)
        if primitive == "minimum":
            if x.high <= y.low:
                return a
            if y.high <= x.low:
                return b
            bounds = min(x.low, y.low), min(x.high, y.high)
        else:
            if x.low >= y.high:
                return a
            if y.low >= x.high:
                return b
            bounds = max(x.low, y.low), max(x.high, y.high)
        a, b = (b, a) if b < a else (a, b)
        return self.make(primitive, (a, b), Type("number", unit, places, *bounds))

    def select(self, condition: int, then: int, otherwise: int, type_: Type) -> int:
        """`then` where the condition holds; both sides have the places of `type_`, whose bounds are made here."""
        if then == otherwise:
            return then
        known = self.known(condition)
        if known is not None:
            return then if known else otherwise
        x, y = self.type(then), self.type(otherwise)
        hull = replace(type_, low=min(x.low, y.low), high=max(x.high, y.high))
        return self.make("select", (condition, then, otherwise), hull)

    def known(self, condition: int) -> bool | None:
        """Whether a condition is the same for every row and version."""
        type_ = self.type(condition)
        return bool(type_.low) if type_.low == type_.high else None

    def round(self, a: int, places: int, mode: Rounding, place: Place | None = None) -> int:
        x = self.type(a)
        if places >= x.places:
            return self.rescale(a, places)
        low = change_places(x.low, x.places, places, mode)
        high = change_places(x.high, x.places, places, mode)
        return self.make("round", (a,), replace(x, places=places, low=low, high=high), mode, place)

    def multiply_round(
        self, a: int, b: int, unit: Unit, places: int, mode: Rounding, place: Place | None = None
    ) -> int:
        """Product rounded once; exact where it has no more places than asked for."""
        x, y = self.type(a), self.type(b)
        if x.places + y.places <= places:
            return self.rescale(self.multiply(a, b, unit), places)
        a, b = (b, a) if b < a else (a, b)
        low, high = (change_places(v, x.places + y.places, places, mode) for v in product_bounds(x, y))
        return self.make("multiply_round", (a, b), Type("number", unit, places, low, high), mode, place)

    def divide(self, a: int, b: int, unit: Unit, places: int, mode: Rounding, place: Place | None = None) -> int:
        x, y = self.type(a), self.type(b)
        bounds = _quotient_bounds((x.low, x.high), y, places + y.places - x.places, mode)
        return self.make("divide", (a, b), Type("number", unit, places, *bounds), mode, place)

    def multiply_divide(
        self, a: int, b: int, c: int, unit: Unit, places: int, mode: Rounding, place: Place | None = None
    ) -> int:
        x, y, z = self.type(a), self.type(b), self.type(c)
        shift = places + z.places - x.places - y.places
        bounds = _quotient_bounds(product_bounds(x, y), z, shift, mode)
        return self.make("multiply_divide", (a, b, c), Type("number", unit, places, *bounds), mode, place)

    # logic

    def compare(self, primitive: str, a: int, b: int) -> int:
        a, b, _ = self.align(a, b)
        x, y = self.type(a), self.type(b)
        if primitive == "less" and (x.high < y.low or x.low >= y.high):
            return self.literal(int(x.high < y.low), BOOLEAN)
        if primitive == "less_equal" and (x.high <= y.low or x.low > y.high):
            return self.literal(int(x.high <= y.low), BOOLEAN)
        if primitive == "equal":
            if x.high < y.low or y.high < x.low:
                return self.literal(0, BOOLEAN)
            a, b = (b, a) if b < a else (a, b)
        return self.make(primitive, (a, b), BOOLEAN)

    def logic(self, primitive: str, a: int, b: int) -> int:
        absorbing = 0 if primitive == "both" else 1
        for one, other in ((a, b), (b, a)):
            known = self.known(one)
            if known is not None:
                return self.literal(absorbing, BOOLEAN) if int(known) == absorbing else other
        if a == b:
            return a
        if self.steps[a].primitive == "negation" and self.steps[a].operands == (b,):
            return self.literal(absorbing, BOOLEAN)
        if self.steps[b].primitive == "negation" and self.steps[b].operands == (a,):
            return self.literal(absorbing, BOOLEAN)
        return self.make(primitive, (a, b), BOOLEAN)

    def negation(self, a: int) -> int:
        known = self.known(a)
        if known is not None:
            return self.literal(int(not known), BOOLEAN)
        if self.steps[a].primitive == "negation":
            return self.steps[a].operands[0]
        return self.make("negation", (a,), BOOLEAN)

    def claim(self, a: int, low: int, high: int, place: Place | None = None) -> int:
        """The same value with bounds that a kind knows, or that a `require` guards."""
        x = self.type(a)
        low, high = max(low, x.low), min(high, x.high)
        if (low, high) == (x.low, x.high) or low > high:
            return a
        return self.emit(Step("claim", (a,), replace(x, low=low, high=high), place=place))

    # folding

    def _fold(self, primitive: str, operands: tuple[int, ...], type_: Type, mode: Rounding) -> int | None:
        fold = FOLDS.get(primitive)
        steps = [self.steps[operand] for operand in operands]
        if fold is None or not all(step.primitive in ("literal", "constant", "cell") for step in steps):
            return None
        types = [step.type for step in steps]
        if all(step.primitive == "literal" for step in steps):
            return self.literal(fold([step.value for step in steps], types, type_, mode), type_)
        cells = [step for step in steps if step.primitive == "cell"]
        shapes = {(step.operands, self.slots[step.slot].keys) for step in cells}
        if len(shapes) > 1:
            return None
        data = self._folded_slot(fold, steps, type_, mode, primitive)
        key = ("fold", primitive, operands, type_.places, type_.kind, mode)
        slot = self._seen.get(key)
        if slot is None:
            slot = self._seen[key] = self.slot(data)
        return self.cell(slot, cells[0].operands[0]) if cells else self.constant(slot)

    def _folded_slot(self, fold: Fold, steps: Sequence[Step], type_: Type, mode: Rounding, primitive: str) -> SlotData:
        parents = [self.slots[step.slot] for step in steps if step.primitive != "literal"]
        keys = next((slot.keys for slot in parents if slot.keys), ())
        count = 1
        for names in keys:
            count *= len(names)
        values: list[list[int | None]] = []
        figures: list[list[Figure | None]] = []
        for v in range(self.versions):
            row: list[int | None] = []
            shown: list[Figure | None] = []
            for c in range(count):
                given = [self._cell(step, v, c) for step in steps]
                known = [value for value, _ in given if value is not None]
                value = None
                if len(known) == len(given):
                    value = fold(known, [step.type for step in steps], type_, mode)
                first = next((figure for _, figure in given if figure is not None), None)
                row.append(value)
                shown.append(None if value is None or first is None else replace(first, value=value))
            values.append(row)
            figures.append(shown)
        path = f"{primitive}({', '.join(self._label(step) for step in steps)})"
        ancestors = tuple(dict.fromkeys(step.slot for step in steps if step.primitive != "literal"))
        return SlotData(path, type_, keys, values, figures, parents=ancestors)

    def _label(self, step: Step) -> str:
        if step.primitive == "literal":
            return str(step.value) if step.type.places == 0 else f"{step.value}e-{step.type.places}"
        return self.slots[step.slot].path

    def _cell(self, step: Step, version: int, cell: int) -> tuple[int | None, Figure | None]:
        if step.primitive == "literal":
            return step.value, None
        slot = self.slots[step.slot]
        at = cell if slot.keys else 0
        return slot.values[version][at], slot.figures[version][at]


def product_bounds(x: Type, y: Type) -> tuple[int, int]:
    """Bounds of a product, from the four corners."""
    corners = [a * b for a in (x.low, x.high) for b in (y.low, y.high)]
    return min(corners), max(corners)


def _quotient_bounds(top: tuple[int, int], divisor: Type, shift: int, mode: Rounding) -> tuple[int, int]:
    """Bounds of a rounded quotient; the divisor is at least one of its smallest place (a `require` sees to zero)."""
    corners = [_ratio(a, b, shift, mode) for a in top for b in (max(divisor.low, 1), max(divisor.high, 1))]
    return min(corners), max(corners)
