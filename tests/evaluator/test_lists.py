"""Lists and parts in the evaluator, against plain loops in Python and against hand arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from engine.compiler.program import BOOLEAN, AxisSpec, Timeline, Type
from engine.evaluator import blocks
from engine.evaluator.blocks import cut_blocks
from engine.evaluator.clock import axis_clock, laid_out, time_text
from engine.evaluator.compare import compare
from engine.evaluator.door import admit
from engine.evaluator.evaluate import Plans, evaluate
from engine.evaluator.rows import Children, Column, Rows
from engine.evaluator.run import run
from engine.evaluator.worker import Table
from tests.evaluator.builder import START, batch
from tests.evaluator.list_programs import (
    LONG,
    SHORT,
    Drawn,
    Lists,
    Value,
    drawn_batch,
    drawn_programs,
    hours_of,
    parts_of,
    worked,
)


def rows_of(columns: dict[str, Column], children: dict[str, Children], starts: np.ndarray, ends: np.ndarray) -> Rows:
    """A batch with lists."""
    return replace(batch(columns, len(starts), starts), period_to=ends.astype(np.int64), children=children)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@for_all(
    drawn_programs(),
    st.sampled_from(["ragged", "regular", "even", "long", "empty"]),
    st.sampled_from(["one day", "alike", "any"]),
    st.integers(0, 12),
    st.sampled_from([1, 3, 64]),
    st.sampled_from([1, 3]),
    st.integers(0, 10**6),
)
def test_any_program_over_lists_and_parts(
    made: Drawn, shape: str, periods: str, rows: int, block_rows: int, threads: int, seed: int
) -> None:
    """Each step on rows, on items and over parts gives what loops give: by small blocks, threads and versions mixed."""
    rng = np.random.default_rng(seed)
    starts = np.full(rows, START + 1) if periods == "alike" else START + rng.integers(0, 6, rows)
    lengths = {"one day": np.full(rows, 1), "alike": np.full(rows, 2)}.get(periods, rng.integers(1, 6, rows))
    ends = starts + lengths
    came = drawn_batch(made, starts, ends, shape, seed)
    compiled = made.compiled()
    door = admit(compiled, rows_of(came.columns, {made.axis: came.children}, starts, ends))
    assert door.problems == ()
    steps = compiled.program.steps
    lengths_of = {step: int(door.lists[made.axis][-1]) for step in made.steps if steps[step].type.axis != "row"}
    dtypes = {step: np.bool_ if steps[step].type.kind == "boolean" else np.int64 for step in made.steps}
    table = Table(len(door.version), dtypes, items=lengths_of)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ITEMS_MAX", 100)
        workers = Plans(compiled).of(made.steps)
        run(
            workers,
            door.inputs,
            door.given,
            door.version,
            table,
            threads=threads,
            block_rows=block_rows,
            lists=door.lists,
            bills=door.offsets,
        )

    part = 0
    for row, (inputs, given) in enumerate(came.rows):
        parts = parts_of(made, int(starts[row]), int(ends[row]), inputs, given)
        for own in worked(compiled, parts):
            items = slice(*door.lists[made.axis][part : part + 2])
            for step in made.steps:
                column = table.outputs[step]
                got: Value = column[items].tolist() if step in lengths_of else column[part].item()
                assert own[step] == got, (step, steps[step], [steps[i] for i in steps[step].operands])
            part += 1
    assert part == len(door.version)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@for_all(
    drawn_programs(), st.sampled_from(["ragged", "regular", "even", "long"]), st.integers(0, 8), st.integers(0, 10**6)
)
def test_the_reference_says_the_same_of_bills_and_refusals(made: Drawn, shape: str, rows: int, seed: int) -> None:
    """Amounts by part, totals, and why rows are refused: by conditions on rows and items, by faulty lists and items."""
    rng = np.random.default_rng(seed)
    starts = START + rng.integers(0, 6, rows)
    ends = starts + rng.integers(1, 6, rows)
    b = made.builder
    for step in made.steps:
        if b.type(step).axis == "row":
            b.line(f"line{step}", step)
    conditions = [step for step in made.steps if b.type(step).kind == "boolean"]
    of_row, of_item = made.steps[0], next(step for step in made.steps if b.type(step).axis != "row")
    for step in conditions[:: max(1, len(conditions) // 2)]:
        values = (("row", of_row), ("of_item", of_item))
        if b.type(step).axis == "row":
            b.require(step, message="{row}", values=values[:1])
        else:
            on_row = b.step("all_items", (step,), BOOLEAN)
            b.require(on_row, message="{item}: {row}, {of_item}", values=values, items=(made.axis, step))
    came = drawn_batch(made, starts, ends, shape, seed)
    spoilt = came.children
    if rng.random() < 0.4 and rows:
        items = np.sort(rng.integers(0, spoilt.offsets[-1], len(spoilt.offsets), endpoint=True))
        spoilt = replace(spoilt, offsets=spoilt.offsets if rng.random() < 0.5 else items)
        column = spoilt.columns["y0"]
        faulty = np.where(rng.random(len(column.values)) < 0.02, -(2**60), column.values)
        spoilt = replace(spoilt, columns={**spoilt.columns, "y0": replace(column, values=faulty)})

    found = compare(made.compiled(), rows_of(came.columns, {made.axis: spoilt}, starts, ends))

    assert found.differences == ()
    assert found.different == 0


class TestSums:
    """Sums that float64 would not hold."""

    @pytest.mark.parametrize("count", [2, 40])
    def test_items_that_fit_float64_may_have_a_sum_that_does_not(self, count: int) -> None:
        """Whole numbers up to 2^53 are exact in float64, and the sum of these is odd and beyond."""
        b = Lists()
        b.axis("items", 50)
        half = b.item("items", "x", high=2**52 + 1)
        total = b.sum_items(b.on("items", b.rounded("multiply_round", (half, b.literal(1)), 0)))
        values = np.full(count, 2**52 + 1)
        values[0] = 2**52
        children = {"items": Children(np.array([0, count]), {"x": Column(values)})}

        result = evaluate(b.compiled(total), replace(batch({}, 1), children=children))

        assert result.total.tolist() == [sum(values.tolist())]

    def test_counting_a_list(self) -> None:
        """A literal for each item, summed: three, none and forty items."""
        b = Lists()
        b.axis("items", 50)
        b.item("items", "x")
        total = b.sum_items(b.spread("items", b.literal(1)))
        children = {"items": Children(np.array([0, 3, 3, 43]), {"x": Column(np.ones(43, np.int64))})}

        result = evaluate(b.compiled(total), replace(batch({}, 3), children=children))

        assert result.total.tolist() == [3, 0, 40]

    @pytest.mark.parametrize("starts", [[0, 0, 0, 0], [0, 1, 0, 1], [1, 2, 2, 1]])
    @pytest.mark.parametrize("rounded", [False, True])
    def test_the_items_of_a_period(self, starts: list[int], rounded: bool) -> None:
        """By rows of the same day and of others, also for most of the day; of whole numbers and of rounded products."""
        b = Lists()
        b.axis("load", hours=True)
        kwh = b.item("load", "kwh", 1)
        if rounded:
            kwh = b.on("load", b.rounded("multiply_round", (kwh, b.literal(15, 1)), 1))
        period = b.timeline("load", 1)
        zero = b.literal(0, 1)
        for which in range(3):
            holds = b.on("load", b.holds("equal", period, b.literal(which)))
            other = b.on("load", b.holds("negation", holds))
            for name, condition in ((f"{which}", holds), (f"not {which}", other)):
                b.line(name, b.sum_items(b.on("load", b.select(condition, kwh, zero))))
        days = START + np.array(starts)
        lengths = [hours_of(day) for day in days]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        items = np.random.default_rng(1).integers(0, 1000, offsets[-1])
        children = {"load": Children(offsets, {"kwh": Column(items, 1)})}

        result = evaluate(b.compiled(b.lines[0].amount), replace(batch({}, 4, days, 1), children=children))

        schedule = b.timelines[1]
        for row, day in enumerate(days.tolist()):
            own = items[offsets[row] : offsets[row + 1]].tolist()
            own = [(15 * item + 5) // 10 for item in own] if rounded else own
            periods = schedule.patterns[schedule.days[day - schedule.first_day]]
            for which in range(3):
                expected = sum(item for item, of in zip(own, periods, strict=True) if of == which)
                assert expected == result.amounts[f"{which}"][row]
                assert sum(own) - expected == result.amounts[f"not {which}"][row]

    def test_what_overflows_in_one_row_does_not_reach_the_next(self) -> None:
        """Running sums of a block are one sum through all its items, here far beyond int64."""
        b = Lists()
        b.axis("items", 2)
        x = b.item("items", "x", high=2**61)
        total = b.chosen("last_item", b.running(x), b.literal(0))
        rows = 50
        children = {"items": Children(np.arange(0, 2 * rows + 1, 2), {"x": Column(np.full(2 * rows, 2**61))})}

        result = evaluate(b.compiled(total), replace(batch({}, rows), children=children))

        assert result.total.tolist() == [2**62] * rows


class TestBlocks:
    """How rows are cut into blocks."""

    def test_items_bound_a_block(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """At most ten items: a row of twelve stands alone, empty rows go along."""
        monkeypatch.setattr(blocks, "ITEMS_MAX", 10)
        offsets = np.array([0, 4, 8, 20, 20, 30, 30, 31])

        found = cut_blocks([(0, 0, 7)], 100, {"items": offsets}, {}, None)

        assert [(one.rows.start, one.rows.stop) for one in found] == [(0, 2), (2, 3), (3, 6), (6, 7)]
        assert [(s.start, s.stop) for s in (one.spans["items"].items for one in found)] == [
            (0, 8),
            (8, 20),
            (20, 30),
            (30, 31),
        ]

    def test_the_tightest_of_several_lists_bounds_a_block(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blocks, "ITEMS_MAX", 10)
        lists = {"a": np.array([0, 9, 18, 18]), "b": np.array([0, 1, 2, 3])}

        found = cut_blocks([(0, 0, 3)], 100, lists, {}, None)

        assert [(one.rows.start, one.rows.stop) for one in found] == [(0, 1), (1, 3)]

    def test_the_parts_of_a_bill_stay_together(self) -> None:
        bills = np.array([0, 1, 5, 6, 8, 9])

        found = cut_blocks([(0, 0, 9)], 3, {}, {}, bills)

        assert [(one.rows.start, one.rows.stop) for one in found] == [(0, 1), (1, 5), (5, 8), (8, 9)]

    def test_each_version_has_its_own_blocks(self) -> None:
        found = cut_blocks([(0, 0, 3), (1, 3, 5)], 2, {"items": np.arange(6)}, {}, None)

        assert [(one.version, one.rows.start, one.rows.stop) for one in found] == [(0, 0, 2), (0, 2, 3), (1, 3, 5)]

    @pytest.mark.parametrize("block_rows", [1, 2, 7])
    def test_blocks_of_many_sizes(self, block_rows: int) -> None:
        """Rows of 0 to 59 items, each once, twice over: calls are bound anew, for short lists and for long ones."""
        b = Lists()
        b.axis("items", 60)
        x = b.item("items", "x")
        biggest = b.chosen("largest_item", x, b.literal(7))
        b.line("biggest", biggest)
        rising = b.on("items", b.holds("less", b.previous(x, b.at("items", b.input("before"))), x))
        steps = b.sum_items(b.on("items", b.select(rising, x, b.literal(0))))
        b.line("steps", steps)
        rng = np.random.default_rng(3)
        counts = np.concatenate([rng.permutation(60), rng.permutation(60)])
        offsets = np.concatenate([[0], np.cumsum(counts)])
        items, before = rng.integers(0, 100, offsets[-1]), rng.integers(0, 100, 120)
        children = {"items": Children(offsets, {"x": Column(items)})}
        compiled = b.compiled(biggest)
        plans = Plans(compiled)
        rows = replace(batch({"before": before}, 120), children=children)

        for _ in range(2):
            result = evaluate(compiled, rows, block_rows=block_rows, plans=plans)

            for row in range(120):
                own = items[offsets[row] : offsets[row + 1]].tolist()
                assert max(own, default=7) == result.amounts["biggest"][row]
                pairs = zip([before[row], *own], own, strict=False)
                assert sum(item for last, item in pairs if last < item) == result.amounts["steps"][row]


class TestClock:
    """Which interval is which of what day."""

    def axis(self) -> tuple[Lists, AxisSpec]:
        b = Lists()
        b.axis("load", hours=True)
        return b, b.axes[0]

    def test_days_have_their_own_number_of_intervals(self) -> None:
        b, axis = self.axis()

        clock = axis_clock(b.program(0), axis, SHORT, LONG + 2)

        assert clock.starts.tolist() == [0, 23, 47, 72, 96]
        assert clock.begins(np.array([LONG, LONG + 2])).tolist() == [47, 96]

    def test_a_repeated_hour_is_told_twice(self) -> None:
        """On the day of 25 hours 2:00 comes twice; on that of 23 hours 3:00 follows 1:00."""
        b, axis = self.axis()
        clock = axis_clock(b.program(0), axis, SHORT, LONG + 1)
        minutes = laid_out(b.timelines[0], clock)

        texts = [time_text(clock, minutes, at)[-5:] for at in (1, 2, 22, 49, 50, 51)]

        assert texts == ["01:00", "03:00", "23:00", "02:00", "02:00", "03:00"]
        assert time_text(clock, minutes, 23) == f"{np.datetime64(SHORT + 1, 'D')} 00:00"

    def test_days_outside_a_timeline_read_as_its_ends_and_unknown_days_as_minus_one(self) -> None:
        clock = Timeline("clock", 720, START, (0, 0, 0), ((0, 720),))
        schedule = Timeline("tou_period", 720, START + 1, (0, -1, 1), ((1, 2), (3, 4)))
        axis = AxisSpec("load", 100, minutes=720, clock=0)
        program = replace(Lists().program(0), axes=(axis,), timelines=(clock, schedule))

        found = laid_out(schedule, axis_clock(program, axis, START - 1, START + 6))

        assert found.reshape(-1, 2).tolist() == [[1, 2], [1, 2], [1, 2], [-1, -1], [3, 4], [3, 4], [3, 4]]

    def test_a_day_whose_type_is_not_known_refuses_its_rows(self) -> None:
        b = Lists()
        b.axis("load", hours=True)
        schedule = b.timelines[1]
        days = list(schedule.days)
        days[START + 1 - schedule.first_day] = -1
        b.timelines[1] = replace(schedule, days=tuple(days))
        period = b.step("timeline", (), Type(low=-1, high=2, axis="load"), slot=1)
        known = b.on("load", b.holds("less_equal", b.literal(0), period))
        b.require(b.step("all_items", (known,), BOOLEAN), field="tou_period", message="{item}", items=("load", known))
        kwh = b.item("load", "kwh")
        peak = b.on("load", b.holds("equal", b.on("load", b.claim(period, 0, 2)), b.literal(2)))
        total = b.sum_items(b.on("load", b.select(peak, kwh, b.literal(0))))
        children = {"load": Children(np.array([0, 24, 48]), {"kwh": Column(np.ones(48, np.int64))})}

        result = evaluate(b.compiled(total), replace(batch({}, 2, START + np.array([0, 1]), 1), children=children))

        assert result.total.tolist() == [4]  # hours from 20:00 on
        assert [(one.row, one.code, one.parameters["item"]) for one in result.problems] == [(1, "refused-by-rule", "1")]
