"""Makes steps: each once, constants folded, every type inferred from the operands' types.

Takes operands as positions of earlier steps; gives positions. Bounds are proven by interval arithmetic on whole
numbers. A step whose operands are all constants becomes a constant of the table, version by version, so that a
formula of parameters alone costs nothing per row. Units are the caller's work (`engine.compiler.infer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.compiler.bounds import edge_bounds, part_bounds, product_bounds, quotient_bounds
from engine.compiler.fold import change_places
from engine.compiler.folds import FOLDS
from engine.compiler.program import (
    BOOLEAN,
    PARTS_MAX,
    ROW,
    AxisSpec,
    Claimed,
    DayTable,
    Premise,
    Rounding,
    Step,
    Timeline,
    Type,
)
from engine.compiler.slots import SlotData, folded_slot
from engine.language.problems import Place, ProblemsFound, problem
from engine.language.units import Unit


class Builder:
    """Steps, slots and day tables of one structure in the making."""

    def __init__(self, versions: int) -> None:
        self.versions = versions
        self.steps: list[Step] = []
        self.slots: list[SlotData] = []
        self.calendars: list[DayTable] = []
        self.timelines: list[Timeline] = []
        self.axes: dict[str, AxisSpec] = {}
        self.clocks: dict[str, int] = {}  # interval list -> its clock among the timelines
        self.here: Place | None = None  # the formula being inferred, for what two lists in one formula are told
        self.premises: dict[Premise, None] = {}  # what was settled from bounds, in order
        self.claims: dict[int, Claimed] = {}
        self._seen: dict[tuple[object, ...], int] = {}

    def type(self, step: int) -> Type:
        return self.steps[step].type

    def emit(self, step: Step, claimed_by: tuple[object, ...] = ()) -> int:
        """Add a step, or give the one that does the same."""
        bounded = step.primitive in ("claim", "divide", "multiply_divide")
        claimed = (step.type.low, step.type.high) if bounded else ()
        key: tuple[object, ...] = (
            step.primitive,
            step.operands,
            *(step.name, step.value, step.slot, step.mode, step.strides, step.offsets, step.refusal),
            *(step.type.kind, step.type.unit, step.type.places, step.type.axis),
            *claimed,
            *claimed_by,
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
        type_ = replace(self.slots[slot].type, axis=self.type(index).axis)
        return self.emit(Step("cell", (index,), type_, slot=slot))

    def calendar(self, table: DayTable, day: int, type_: Type) -> int:
        names = [known.name for known in self.calendars]
        if table.name not in names:
            self.calendars.append(table)
            names.append(table.name)
        type_ = replace(type_, axis=self.type(day).axis)
        return self.emit(Step("calendar", (day,), type_, slot=names.index(table.name)))

    def timeline(self, timeline: Timeline) -> int:
        """Register a timeline; its position."""
        if timeline not in self.timelines:
            self.timelines.append(timeline)
        return self.timelines.index(timeline)

    # lists

    def axis_of(self, steps: Sequence[int]) -> str:
        """The list that a step over these operands is on, or ROW."""
        axes = sorted({self.type(step).axis for step in steps} - {ROW})
        if len(axes) > 1:
            raise self.joined(axes[0], axes[1])
        return axes[0] if axes else ROW

    def spread(self, step: int, axis: str) -> int:
        """A row's value for each item of a list; literals and constants are there already."""
        type_ = self.type(step)
        if axis == ROW or type_.axis == axis:
            return step
        if type_.axis != ROW:
            raise self.joined(type_.axis, axis)
        return self.emit(Step("spread", (step,), replace(type_, axis=axis)))

    def claim_axis(self, step: int, axis: str) -> int:
        """A literal or constant as a value of each item, to be summed over them."""
        return self.emit(Step("spread", (step,), replace(self.type(step), axis=axis)))

    def joined(self, one: str, other: str) -> ProblemsFound:
        """What to raise where one formula reads two lists."""
        return ProblemsFound([problem("lists-joined", self.here, None, first=one, second=other)])

    def aligned(self, operands: Sequence[int], axis: str) -> tuple[int, ...]:
        """Operands for an item by item step."""
        fixed = ("literal", "constant")
        return tuple(
            step if self.steps[step].primitive in fixed or axis == ROW else self.spread(step, axis) for step in operands
        )

    def sum_items(self, step: int) -> int:
        """Sum over a row's items; `at_most` of them bound it."""
        x = self.type(step)
        n = self.axes[x.axis].at_most
        return self.emit(
            Step("sum_items", (step,), replace(x, axis=ROW, low=min(0, n * x.low), high=max(0, n * x.high)))
        )

    def running_sum(self, step: int) -> int:
        """Sum of a row's items up to each."""
        x = self.type(step)
        n = self.axes[x.axis].at_most
        bounds = replace(x, low=min(x.low, n * x.low), high=max(x.high, n * x.high))
        return self.emit(Step("running_sum", (step,), bounds))

    def chosen_item(self, primitive: str, step: int, otherwise: int) -> int:
        """The largest, smallest, first or last of a row's items, `otherwise` where there is none."""
        a, b, _ = self.align(step, otherwise)
        x, y = self.type(a), self.type(b)
        hull = replace(x, axis=ROW, low=min(x.low, y.low), high=max(x.high, y.high))
        return self.emit(Step(primitive, (a, b), hull))

    def previous_item(self, step: int, first: int) -> int:
        """The item before; `first` at the first one."""
        axis = self.axis_of((step, first))
        a, b, _ = self.align(step, first)
        a, b = self.spread(a, axis), self.spread(b, axis)
        x, y = self.type(a), self.type(b)
        return self.emit(Step("previous_item", (a, b), replace(x, low=min(x.low, y.low), high=max(x.high, y.high))))

    def all_items(self, condition: int) -> int:
        """Whether a condition on a list holds for each item."""
        if self.type(condition).axis == ROW:
            return condition
        return self.emit(Step("all_items", (condition,), BOOLEAN))

    # parts

    def earlier_parts(self, step: int, group: int) -> int:
        """Sum over the earlier parts of the bill of an equal group."""
        x = self.type(step)
        bounds = replace(x, low=min(0, PARTS_MAX * x.low), high=max(0, PARTS_MAX * x.high))
        return self.emit(Step("earlier_parts", (step, group), bounds))

    def largest_part(self, step: int) -> int:
        """The largest over all parts of the bill."""
        return self.emit(Step("largest_part", (step,), self.type(step)))

    def all_parts(self, step: int) -> int:
        """Sum over all parts of the bill."""
        x = self.type(step)
        bounds = replace(x, low=min(0, PARTS_MAX * x.low), high=max(0, PARTS_MAX * x.high))
        return self.emit(Step("all_parts", (step,), bounds))

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
        axis = self.axis_of(operands)
        operands, type_ = self.aligned(operands, axis), replace(type_, axis=axis)
        return self.emit(Step(primitive, operands, type_, mode=mode, place=place or self.here))

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
            if self.nothing(b):
                return a
            bounds = Type("number", unit, places, x.low - y.high, x.high - y.low)
            return self.make("subtract", (a, b), bounds, place=place)
        if self.nothing(a):
            return b
        if self.nothing(b):
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
                return self.with_unit(other, unit)
        a, b = (b, a) if b < a else (a, b)
        x, y = self.type(a), self.type(b)
        low, high = product_bounds(x, y)
        return self.make("multiply", (a, b), Type("number", unit, x.places + y.places, low, high), place=place)

    def with_unit(self, step: int, unit: Unit) -> int:
        """The same number, in another unit."""
        type_ = self.type(step)
        if type_.unit == unit:
            return step
        return self.make("claim", (step,), replace(type_, unit=unit))

    def extreme(self, primitive: str, a: int, b: int, unit: Unit) -> int:
        a, b, places = self.align(a, b)
        x, y = self.type(a), self.type(b)
        if primitive == "minimum":
            if x.high <= y.low:
                return self._settled(a, Premise("at_most", a, b))
            if y.high <= x.low:
                return self._settled(b, Premise("at_most", b, a))
            bounds = min(x.low, y.low), min(x.high, y.high)
        else:
            if x.low >= y.high:
                return self._settled(a, Premise("at_most", b, a))
            if y.low >= x.high:
                return self._settled(b, Premise("at_most", a, b))
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
        if type_.low != type_.high:
            return None
        self.premises[Premise("known", condition, value=type_.low)] = None
        return bool(type_.low)

    def nothing(self, step: int) -> bool:
        """Whether a number is zero for every row and version."""
        return self.type(step).low == self.type(step).high == 0 and self.known(step) is False

    def not_negative(self, step: int) -> bool:
        """Whether a number is zero or more for every row and version."""
        if self.type(step).low >= 0:
            self.premises[Premise("not_negative", step)] = None
        return self.type(step).low >= 0

    def _settled(self, step: int, premise: Premise) -> int:
        self.premises[premise] = None
        return step

    def _decided(self, holds: bool, premise: Premise) -> int:
        return self._settled(self.literal(int(holds), BOOLEAN), premise)

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
        bounds = quotient_bounds((x.low, x.high), y, places + y.places - x.places, mode)
        return self.make("divide", (a, b), Type("number", unit, places, *bounds), mode, place)

    def multiply_divide(
        self, a: int, b: int, c: int, unit: Unit, places: int, mode: Rounding, place: Place | None = None
    ) -> int:
        x, y, z = self.type(a), self.type(b), self.type(c)
        shift = places + z.places - x.places - y.places
        bounds = quotient_bounds(product_bounds(x, y), z, shift, mode)
        return self.make("multiply_divide", (a, b, c), Type("number", unit, places, *bounds), mode, place)

    # logic

    def compare(self, primitive: str, a: int, b: int) -> int:
        a, b, _ = self.align(a, b)
        x, y = self.type(a), self.type(b)
        if primitive == "less" and x.high < y.low:
            return self._decided(True, Premise("below", a, b))
        if primitive == "less" and x.low >= y.high:
            return self._decided(False, Premise("at_most", b, a))
        if primitive == "less_equal" and x.high <= y.low:
            return self._decided(True, Premise("at_most", a, b))
        if primitive == "less_equal" and x.low > y.high:
            return self._decided(False, Premise("below", b, a))
        if primitive == "equal":
            if x.high < y.low or y.high < x.low:
                return self._decided(False, Premise("below", a, b) if x.high < y.low else Premise("below", b, a))
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
        """The same value with bounds that a kind knows."""
        return self._claimed(a, (low, high), Claimed(-1, a, "fixed", low=low, high=high), place)

    def claim_part(self, a: int, whole: int, place: Place | None) -> int:
        """The same value, which lies between zero and `whole`."""
        return self._claimed(a, part_bounds(self.type(a), self.type(whole)), Claimed(-1, a, "part_of", whole), place)

    def claim_edge(self, a: int, edge: int, *, is_low: bool, place: Place | None) -> int:
        """The same value, which a `require` keeps from being lower, or higher, than `edge`."""
        bounds = edge_bounds(self.type(a), self.type(edge), is_low=is_low)
        return self._claimed(a, bounds, Claimed(-1, a, "from" if is_low else "to", edge), place)

    def _claimed(self, a: int, bounds: tuple[int, int], claim: Claimed, place: Place | None) -> int:
        x = self.type(a)
        low, high = max(bounds[0], x.low), min(bounds[1], x.high)
        if (low, high) == (x.low, x.high) or low > high:
            return a
        step = self.steps[a]
        made = Step("claim", (a,), replace(x, low=low, high=high), place=place)
        if step.primitive in ("divide", "multiply_divide"):  # known before it is computed: a kernel need hold no more
            made = replace(step, type=replace(x, low=low, high=high), place=place or step.place)
        # claims by two values are two, however equal these are
        found = self.emit(made, (claim.how, claim.of, claim.by))
        self.claims[found] = replace(claim, step=found)
        return found

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
        key = ("fold", primitive, operands, type_.places, type_.kind, mode)
        slot = self._seen.get(key)
        if slot is None:
            slot = self._seen[key] = self.slot(folded_slot(self.slots, steps, type_, mode, primitive))
        return self.cell(slot, cells[0].operands[0]) if cells else self.constant(slot)
