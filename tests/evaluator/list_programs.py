"""Programs over lists and parts for the evaluator: written step by step, drawn at random, and worked in plain loops.

`worked` is the oracle: every step of one row in Python's whole numbers, item by item and part by part. It shares with
the engine the meaning of a program and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate, pairwise

import numpy as np
from hypothesis import strategies as st

from engine.compiler import capacity
from engine.compiler.program import (
    BOOLEAN,
    AxisSpec,
    Compiled,
    InputSpec,
    Kind,
    Program,
    Step,
    Timeline,
    Type,
    Version,
)
from engine.evaluator.rows import Children, Column
from tests.evaluator.builder import END, START, Builder
from tests.evaluator.test_evaluate import _worked, some_step

SHORT, LONG = START + 3, START + 5  # days of 23 and of 25 hours
FIXED = ("literal", "constant")
Value = int | list[int]


@dataclass
class Lists(Builder):
    """A builder whose steps may be on a list."""

    axes: list[AxisSpec] = field(default_factory=list)
    timelines: list[Timeline] = field(default_factory=list, repr=False)

    def axis(self, name: str, at_most: int = 200, *, optional: bool = False, hours: bool = False) -> str:
        """Declare a list; one of hours follows a clock with a day of 23 and one of 25."""
        clock = -1
        if hours:
            clock = len(self.timelines)
            self.timelines += hour_timelines()
        self.axes.append(AxisSpec(name, at_most, optional=optional, minutes=60 * hours, clock=clock))
        return name

    def item(
        self,
        axis: str,
        name: str,
        places: int = 0,
        low: int = 0,
        high: int = 10**6,
        *,
        kind: Kind = "number",
        default: int | None = None,
        optional: bool = False,
    ) -> int:
        """An input of a list's items."""
        type_ = BOOLEAN if kind == "boolean" else Type(kind, places=places, low=low, high=high)
        type_ = replace(type_, axis=axis)
        name = f"{axis}.{name}"
        self.inputs.append(InputSpec(name, type_, default=default, optional=optional or default is not None))
        return self.step("input", (), type_, name=name)

    def on(self, axis: str, step: int) -> int:
        """Put the last step, which goes item by item, on a list."""
        assert step == len(self.steps) - 1
        self.steps[step] = replace(self.steps[step], type=replace(self.type(step), axis=axis))
        return step

    def spread(self, axis: str, step: int) -> int:
        return self.step("spread", (step,), replace(self.type(step), axis=axis))

    def at(self, axis: str, step: int) -> int:
        """A value for each item; literals and constants are one already."""
        if self.type(step).axis == axis or self.steps[step].primitive in FIXED:
            return step
        return self.spread(axis, step)

    def sum_items(self, step: int) -> int:
        of = self.type(step)
        most = next(spec.at_most for spec in self.axes if spec.name == of.axis)
        return self.step(
            "sum_items", (step,), replace(of, axis="row", low=min(0, of.low * most), high=max(0, of.high * most))
        )

    def chosen(self, primitive: str, step: int, otherwise: int) -> int:
        a, b = self.type(step), self.type(otherwise)
        type_ = replace(a, axis="row", low=min(a.low, b.low), high=max(a.high, b.high))
        return self.step(primitive, (step, otherwise), type_)

    def running(self, step: int) -> int:
        of = self.type(step)
        most = next(spec.at_most for spec in self.axes if spec.name == of.axis)
        return self.step(
            "running_sum", (step,), replace(of, low=min(of.low, of.low * most), high=max(of.high, of.high * most))
        )

    def previous(self, step: int, first: int) -> int:
        a, b = self.type(step), self.type(first)
        type_ = replace(a, low=min(a.low, b.low), high=max(a.high, b.high))
        return self.step("previous_item", (step, first), type_)

    def timeline(self, axis: str, slot: int) -> int:
        values = [value for pattern in self.timelines[slot].patterns for value in pattern]
        return self.step("timeline", (), Type(low=min(values), high=max(values), axis=axis), slot=slot)

    def over_parts(self, primitive: str, *operands: int) -> int:
        of = self.type(operands[0])
        type_ = replace(of, low=min(0, 24 * of.low), high=max(0, 24 * of.high))
        return self.step(primitive, operands, type_)

    def program(self, total: int) -> Program:
        return replace(super().program(total), axes=tuple(self.axes), timelines=tuple(self.timelines))


def hour_timelines() -> tuple[Timeline, Timeline]:
    """The clock by hours, and a schedule of three periods, other hours on odd days than on even ones."""
    usual = tuple(60 * hour for hour in range(24))
    short = tuple(minute for minute in usual if minute != 120)
    long = (*usual[:3], *usual[2:])
    first = START - 400
    days = tuple({SHORT: 1, LONG: 2}.get(day, 0) for day in range(first, END + 400))
    clock = Timeline("clock", 60, first, days, (usual, short, long))
    periods = tuple(
        tuple((minute >= flat) + (minute >= 1200) for minute in pattern)
        for flat in (480, 600)
        for pattern in clock.patterns
    )
    own = tuple(pattern + 3 * (at % 2) for at, pattern in enumerate(days))
    return clock, Timeline("tou_period", 60, first, own, periods, ("valley", "flat", "peak"))


def hours_of(day: int) -> int:
    """Hours of a local day."""
    return {SHORT: 23, LONG: 25}.get(day, 24)


# ---- the oracle


@dataclass
class Part:
    """A part of a row: its days, its version, and the values of its inputs, those of lists as lists."""

    first: int
    end: int
    version: int
    inputs: Mapping[str, Value]
    given: Mapping[str, Value]


def shares(value: Decimal, places: int, days: Sequence[int]) -> list[Decimal]:
    """Divide by days: each part but the last rounded half up and no more than what is left; the last the rest."""
    found: list[Decimal] = []
    for length in days[:-1]:
        share = (value * length / sum(days)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        left = value - sum(found)
        found.append(share if abs(share) <= abs(left) else left)
    return [*found, value - sum(found)]


def worked(compiled: Compiled, parts: Sequence[Part]) -> list[list[Value]]:
    """Every step of every part of one row."""
    program = compiled.program
    values: list[list[Value]] = [[] for _ in parts]
    for step in program.steps:
        came = [[own[i] for i in step.operands] for own in values]
        for at, part in enumerate(parts):
            values[at].append(_step(compiled, step, parts, at, part, came))
    return values


def _step(
    compiled: Compiled, step: Step, parts: Sequence[Part], at: int, part: Part, came: Sequence[list[Value]]
) -> Value:
    program, own = compiled.program, came[at]
    match step.primitive:
        case "input":
            return part.inputs[step.name]
        case "given":
            return part.given[step.name]
        case "earlier_parts":
            return sum(whole(x) for x, group in came[:at] if group == own[1])
        case "all_parts":
            return sum(whole(x) for (x,) in came)
        case "timeline":
            if not part.given[step.type.axis]:
                return []
            of = program.timelines[step.slot]
            days = range(part.first, part.end)
            return [value for day in days for value in of.patterns[of.days[day - of.first_day]]]
        case "require":
            return int(own[0])  # type: ignore[arg-type]  # of the row
    if step.primitive in _OVER_ITEMS:
        items = own[0]
        if isinstance(items, int):  # a literal or constant that is the same for each item
            raise AssertionError("the builder spreads what is summed")
        return _OVER_ITEMS[step.primitive](items, *own[1:])
    operands = [program.steps[i] for i in step.operands]

    def one(values: list[int]) -> int:
        if step.primitive == "spread":
            return values[0]
        return _worked(program, compiled.constants, part.version, {}, step, operands, values)

    if step.type.axis == "row":
        return one([whole(value) for value in own])
    counts = [len(value) for value in own if isinstance(value, list)] or [_count(step.type.axis, part)]
    return [one([value[i] if isinstance(value, list) else value for value in own]) for i in range(counts[0])]


def whole(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _count(axis: str, part: Part) -> int:
    value = next(value for name, value in part.inputs.items() if name.startswith(f"{axis}."))
    assert isinstance(value, list)
    return len(value)


def _previous(items: list[int], first: Value) -> list[int]:
    return [first[0] if isinstance(first, list) else first, *items[:-1]] if items else []


_OVER_ITEMS: Mapping[str, Callable[..., Value]] = {
    "sum_items": lambda items: sum(items),
    "largest_item": lambda items, otherwise: max(items, default=otherwise),
    "smallest_item": lambda items, otherwise: min(items, default=otherwise),
    "first_item": lambda items, otherwise: items[0] if items else otherwise,
    "last_item": lambda items, otherwise: items[-1] if items else otherwise,
    "all_items": lambda items: int(all(items)),
    "running_sum": lambda items: list(accumulate(items)),
    "previous_item": _previous,
}


# ---- programs drawn at random


class Drawn:
    """A program: its steps worth looking at, on rows and on the list."""

    def __init__(self, builder: Lists, axis: str, steps: list[int], splits: bool) -> None:
        self.builder = builder
        self.axis = axis
        self.steps = steps
        self.splits = splits

    def __repr__(self) -> str:
        """Leave out the days of the timelines."""
        return f"Drawn({self.builder.axes}, splits={self.splits}, steps={self.builder.steps})"

    def compiled(self) -> Compiled:
        versions = (Version(START, START + 4), Version(START + 4, END))
        total = next(step for step in self.steps if self.builder.type(step).axis == "row")
        changes = {"changes": "split" if self.splits else "whole", "change_days": (START + 2, START + 4)}
        return self.builder.compiled(total, versions, **changes)


@st.composite
def drawn_programs(draw: st.DrawFn) -> Drawn:
    """A program of up to 30 steps over one list, with two versions; a step that no kernel holds is left out."""
    b = Lists()
    hours = draw(st.booleans())
    axis = b.axis("items", optional=draw(st.booleans()), hours=hours)
    numbers: dict[str, list[int]] = {"row": [], axis: []}
    booleans: dict[str, list[int]] = {"row": [], axis: []}
    highs = st.sampled_from([1, 9, 10**3, 4 * 10**5, 10**9, 2**49 + 1, 2**55])
    for i in range(draw(st.integers(1, 2))):
        high = draw(highs)
        numbers["row"].append(b.input(f"x{i}", draw(st.integers(0, 3)), draw(st.sampled_from([0, -high])), high))
        high = draw(highs)
        low = draw(st.sampled_from([0, -high]))
        numbers[axis].append(b.item(axis, f"y{i}", draw(st.integers(0, 3)), low, high, optional=draw(st.booleans())))
    b.inputs[0] = replace(b.inputs[0], split=True)
    booleans["row"].append(b.input("flag", kind="boolean"))
    booleans[axis].append(b.item(axis, "flag", kind="boolean", default=0))
    booleans[axis].append(b.on(axis, b.given(f"{axis}.y0")))
    booleans["row"].append(b.given(axis))
    for _ in range(draw(st.integers(1, 2))):
        figures = st.lists(st.integers(-(10**4), 10**6), min_size=2, max_size=2)
        numbers["row"].append(b.constant(draw(figures), draw(st.integers(0, 4))))
    numbers["row"].append(b.literal(draw(st.integers(-50, 1000)), draw(st.integers(0, 2))))
    numbers["row"] += [b.step("input", (), Type(low=1, high=24), name=name) for name in ("part", "parts")]
    if hours:
        numbers[axis] += [b.timeline(axis, 1), b.timeline(axis, 0)]
        key = numbers[axis][-2]
        index = b.on(axis, b.index([key], [1], [0], 3))
        cells = st.lists(st.integers(-999, 99999), min_size=3, max_size=3)
        numbers[axis].append(b.on(axis, b.cell(index, [draw(cells), draw(cells)], draw(st.integers(0, 4)))))
        periods = [b.on(axis, b.holds("equal", key, b.literal(period))) for period in range(3)]
        booleans[axis] += [*periods, b.on(axis, b.holds("negation", periods[0]))]
    for _ in range(draw(st.integers(1, 22))):
        before = len(b.steps)
        where = draw(st.sampled_from(["row", axis, axis, "reduce", "reduce", "along", "parts"]))
        made = _step_somewhere(draw, b, axis, where, numbers, booleans)
        fits = all(
            capacity.kernels(step, [b.steps[i] for i in step.operands])
            and (step.type.kind == "boolean" or capacity.magnitude(step) <= capacity.INTEGER_EXACT)
            for step in b.steps[before:]
        )
        if not fits:
            del b.steps[before:]
            continue
        kinds = booleans if b.type(made).kind == "boolean" else numbers
        kinds[b.type(made).axis].append(made)
    steps = [*numbers["row"], *booleans["row"], *numbers[axis], *booleans[axis]]
    return Drawn(b, axis, steps, draw(st.booleans()))


def _step_somewhere(
    draw: st.DrawFn,
    b: Lists,
    axis: str,
    where: str,
    numbers: Mapping[str, list[int]],
    booleans: Mapping[str, list[int]],
) -> int:
    def pick(kinds: Mapping[str, list[int]], of: str) -> int:
        return draw(st.sampled_from(kinds[of]))

    def aligned(*steps: int) -> list[int]:
        """Steps of equal places; a rescaled one stays on its axis."""
        most = max(b.type(step).places for step in steps)
        found = []
        for step in steps:
            if b.type(step).places < most:
                step = b.on(b.type(step).axis, b.rescale(step, most))
            found.append(step)
        return found

    match where:
        case "row":
            return draw(some_step(b, numbers["row"], booleans["row"]))
        case "reduce":
            kind = draw(st.sampled_from(["sum_items", "all_items", "largest_item", "smallest_item", "first_item"]))
            kind = draw(st.sampled_from([kind, "last_item", "sum_items"]))
            if kind == "all_items":
                return b.step(kind, (pick(booleans, axis),), BOOLEAN)
            if kind == "sum_items" and draw(st.booleans()):
                # What lists of intervals are mostly summed by: the items of a period.
                then = pick(numbers, axis)
                zero = b.literal(0, b.type(then).places)
                return b.sum_items(b.on(axis, b.select(pick(booleans, axis), then, zero)))
            if kind == "sum_items":
                fixed = [step for step in numbers["row"] if b.steps[step].primitive in FIXED]
                spread = draw(st.booleans()) and draw(st.booleans())
                return b.sum_items(
                    b.spread(axis, draw(st.sampled_from(fixed + numbers["row"]))) if spread else pick(numbers, axis)
                )
            items, otherwise = aligned(pick(numbers, axis), pick(numbers, "row"))
            return b.chosen(kind, items, otherwise)
        case "along":
            kind = draw(st.sampled_from(["running", "previous", "spread"]))
            if kind == "running":
                return b.running(pick(numbers, axis))
            if kind == "spread":
                return b.spread(axis, pick(numbers, "row"))
            items, first = aligned(pick(numbers, axis), pick(numbers, draw(st.sampled_from(["row", axis]))))
            return b.previous(items, b.at(axis, first))
        case "parts":
            if draw(st.booleans()):
                return b.over_parts("all_parts", pick(numbers, "row"))
            group = draw(st.sampled_from(numbers["row"] + booleans["row"]))
            return b.over_parts("earlier_parts", pick(numbers, "row"), group)
    # Item by item: operands are on the list, or literals and constants.
    some = [b.at(axis, step) for step in draw(st.lists(st.sampled_from(numbers["row"]), max_size=2))]
    known = len(b.steps)
    made = draw(some_step(b, [*numbers[axis], *some], booleans[axis]))
    for step in range(known, len(b.steps)):
        if any(b.type(i).axis == axis for i in b.steps[step].operands):
            b.steps[step] = replace(b.steps[step], type=replace(b.type(step), axis=axis))
    return made


# ---- batches for them


@dataclass
class Batch:
    """Columns of a batch and the same values row by row."""

    columns: dict[str, Column]
    children: Children
    rows: list[tuple[dict[str, Value], dict[str, Value]]]  # inputs and given, undivided


def drawn_batch(made: Drawn, starts: np.ndarray, ends: np.ndarray, shape: str, seed: int) -> Batch:
    """Inputs in their bounds for each row, and items: as many as the hours, or as `shape` says."""
    rng = np.random.default_rng(seed)
    rows = len(starts)
    axis = made.builder.axes[0]
    if axis.minutes:
        counts = np.array([sum(map(hours_of, range(a, b))) for a, b in zip(starts, ends, strict=True)], np.int64)
    else:
        counts = {
            "ragged": rng.integers(0, 6, rows),
            "regular": np.full(rows, 3),
            "even": np.full(rows, 40),
            "long": rng.choice([0, 1, 40, 50], rows),
            "empty": np.zeros(rows, np.int64),
        }[shape].astype(np.int64)
    valid = rng.random(rows) < 0.8 if axis.optional else None
    if valid is not None:
        counts = np.where(valid, counts, 0)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    columns: dict[str, Column] = {}
    own: dict[str, Column] = {}
    inputs: list[dict[str, Value]] = [{} for _ in range(rows)]
    given: list[dict[str, Value]] = [{axis.name: int(valid is None or bool(valid[row]))} for row in range(rows)]
    for spec in made.builder.inputs:
        on_list = spec.type.axis != "row"
        length = int(offsets[-1]) if on_list else rows
        low, high = spec.type.low, spec.type.high
        values = rng.integers(low, high, length, dtype=np.int64, endpoint=True)
        values = np.where(rng.random(length) < 0.3, rng.choice(np.array([low, high, max(low, 0)]), length), values)
        some = rng.random(length) < 0.8 if spec.optional else np.ones(length, np.bool_)
        kind_valid = some if spec.optional else None
        stored = values.astype(np.bool_) if spec.type.kind == "boolean" else values
        column = Column(stored, spec.type.places, kind_valid)
        fill = low if spec.default is None else spec.default
        read = np.where(some, values, fill)
        (own if on_list else columns)[spec.name.partition(".")[2] if on_list else spec.name] = column
        for row in range(rows):
            at = slice(offsets[row], offsets[row + 1])
            inputs[row][spec.name] = read[at].tolist() if on_list else int(read[row])
            given[row][spec.name] = some[at].astype(int).tolist() if on_list else int(some[row])
    return Batch(columns, Children(offsets, own, valid), list(zip(inputs, given, strict=True)))


def parts_of(made: Drawn, start: int, end: int, inputs: dict[str, Value], given: dict[str, Value]) -> list[Part]:
    """Cut one row as the rule set says."""
    changes = [day for day in (START + 2, START + 4) if start < day < end] if made.splits else []
    spans = list(pairwise([start, *changes, end]))
    axis = made.builder.axes[0]
    divided = {
        spec.name: shares(Decimal(whole(inputs[spec.name])), 0, [b - a for a, b in spans])
        for spec in made.builder.inputs
        if spec.split
    }
    parts = []
    at = 0
    for number, (first, last) in enumerate(spans):
        until = at + sum(map(hours_of, range(first, last)))
        own: dict[str, Value] = {**inputs, "part": number + 1, "parts": len(spans)}
        own |= {name: int(share[number]) for name, share in divided.items()}
        its = dict(given)
        if axis.minutes:
            for values in (own, its):
                for name, items in values.items():
                    if isinstance(items, list):
                        values[name] = items[at:until]
        at = until
        parts.append(Part(first, last, int(first >= START + 4), own, its))
    return parts
