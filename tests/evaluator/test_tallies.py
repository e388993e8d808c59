"""Tallies of interval lists: every layout, integer type and bound against sums in plain Python and the reference."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator import tallying
from engine.evaluator.batch import dispatch
from engine.evaluator.blocks import ITEMS_MAX
from engine.evaluator.compare import compare
from engine.evaluator.evaluate import Plans, evaluate
from engine.evaluator.plan import plan
from engine.evaluator.rows import EPOCH, Children, Column, Rows

ZONE = ZoneInfo("America/Los_Angeles")
FLOAT_EXACT = 2**53

RULES = """
ruleset: cn.example.tallied
title: 按小时负荷数据
source: {{standing: example}}
in_force: {{from: 2024-01-01, until_replaced: true}}
version_by: period_from

calendar:
  timezone: America/Los_Angeles
  day_types: {{weekend: [saturday, sunday], workday: rest}}
  tou_periods:
    - {{months: 5-10, day_types: workday, peak: [12:00-18:00], night: [00:00-06:00], flat: rest}}
    - {{months: 11-4, day_types: workday, peak: [17:00-20:00], night: [00:00-06:00], flat: rest}}
    - {{months: all, day_types: weekend, night: [00:00-06:00], flat: rest}}

lists:
  load:
    title: 负荷数据
    every: {minutes} minutes
    at_most: 3100
    optional: true
    inputs:
      kwh: {{unit: kWh, places: 2, from: {low}, to: {high}}}

quantities:
  all_kwh:          sum(load.kwh)
  peak_kwh:         sum(load.kwh if load.tou_period == peak else 0)
  not_night_kwh:    "sum(load.kwh if not (load.tou_period == night) else 0)"
  most_kwh:         max(load.kwh, if_empty=-1[kWh])
  least_kwh:        min(load.kwh, if_empty=-1[kWh])
  most_at_peak_kwh: max(load.kwh if load.tou_period == peak else 0, if_empty=-1[kWh])
  least_flat_kwh:   min(load.kwh if load.tou_period == flat else 0, if_empty=-1[kWh])
{more}
energy: {{not_priced: 只看合计}}

charges:
  all:          {{title: 全部, kind: formula, amount: "all_kwh * 1[CNY/kWh]"}}
  peak:         {{title: 峰, kind: formula, amount: "peak_kwh * 1[CNY/kWh]"}}
  not_night:    {{title: 非谷, kind: formula, amount: "not_night_kwh * 1[CNY/kWh]"}}
  most:         {{title: 最大, kind: formula, amount: "most_kwh * 1[CNY/kWh]"}}
  least:        {{title: 最小, kind: formula, amount: "least_kwh * 1[CNY/kWh]"}}
  most_at_peak: {{title: 峰段最大, kind: formula, amount: "most_at_peak_kwh * 1[CNY/kWh]"}}
  least_flat:   {{title: 平段最小, kind: formula, amount: "least_flat_kwh * 1[CNY/kWh]"}}
{charge}
tests:
  - name: 没有负荷数据
    vouched_by: {{who: 手算, from: 空列表}}
    billing_period: {{from: 2026-03-02, to: 2026-03-03}}
    given: {{}}
    expect: {{all: 0.00, most: -1.00, least: -1.00, most_at_peak: -1.00, least_flat: -1.00{tested}}}
"""
LINES = ("all", "peak", "not_night", "most", "least", "most_at_peak", "least_flat")
MORE = "  doubled_kwh: max(load.kwh * 2, if_empty=-1[kWh])\n"
NOTHING_MORE = {"more": "", "charge": "", "tested": ""}
MORE_CHARGE = '  doubled:      {title: 两倍, kind: formula, amount: "doubled_kwh * 1[CNY/kWh]"}\n'


@cache
def rules(low: str, high: str, minutes: int = 60, *, more: bool = False) -> Compiled:
    """Compile the rule set; with `more` something reads the items beside the tallies."""
    extra = {"more": MORE, "charge": MORE_CHARGE, "tested": ", doubled: -1.00"} if more else NOTHING_MORE
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tallied.ruleset.yaml"
        file.write_text(RULES.format(low=low, high=high, minutes=minutes, **extra), encoding="utf-8")
        return compile_paths([file]).rulesets["cn.example.tallied"]


def day(year: int, month: int, of_month: int) -> int:
    return date(year, month, of_month).toordinal() - EPOCH


def local_times(first: int, end: int, minutes: int) -> list[datetime]:
    start, stop = (
        datetime.combine(date.fromordinal(at + EPOCH), datetime.min.time(), ZONE).astimezone(UTC) for at in (first, end)
    )
    step = timedelta(minutes=minutes)
    return [(start + step * at).astimezone(ZONE) for at in range((stop - start) // step)]


def period(time: datetime) -> str:
    if time.hour < 6:
        return "night"
    peak = range(12, 18) if 5 <= time.month <= 10 else range(17, 20)
    return "peak" if time.weekday() < 5 and time.hour in peak else "flat"


def figures(values: list[int], times: list[datetime]) -> tuple[int, ...]:
    """The same figures in plain Python."""
    if not values:
        return (0, 0, 0, -100, -100, -100, -100)
    of = [period(time) for time in times]
    pairs = list(zip(values, of, strict=True))
    return (
        sum(values),
        sum(value for value, its in pairs if its == "peak"),
        sum(value for value, its in pairs if its != "night"),
        max(values),
        min(values),
        max(value if its == "peak" else 0 for value, its in pairs),
        min(value if its == "flat" else 0 for value, its in pairs),
    )


def batch(compiled: Compiled, starts: list[int], ends: list[int], children: Children) -> Rows:
    rows = len(starts)
    ruleset = Column(np.zeros(rows, np.int64), codes=(compiled.id,))
    return Rows(np.arange(rows), ruleset, np.array(starts), np.array(ends), {}, {"load": children})


def billed(compiled: Compiled, rows: Rows, block_rows: int = 16384, threads: int = 1) -> list[tuple[int, ...]]:
    result = evaluate(compiled, rows, block_rows=block_rows, threads=threads)
    assert result.problems == ()
    return list(zip(*(result.amounts[line].tolist() for line in LINES), strict=True))


def drawn(rng: np.random.Generator, low: int, high: int, items: int) -> np.ndarray:
    """Values in the bounds, and often at them."""
    values = rng.integers(low, high, items, endpoint=True)
    return np.where(rng.random(items) < 0.2, rng.choice(np.array([low, high, max(low, 0)]), items), values)


MONTHS = [day(2026, month, 1) for month in range(1, 13)] + [day(2027, 1, 1)]
DAYS_OF_CHANGE = [day(2026, 3, 6), day(2026, 3, 7), day(2026, 10, 31), day(2026, 11, 2)]
PERIODS: dict[str, list[tuple[int, int]]] = {
    "one month": [(day(2026, 3, 1), day(2026, 4, 1))] * 40,
    "a month without a change of the clock": [(day(2026, 1, 1), day(2026, 2, 1))] * 40,
    "months of several meters": list(pairwise(MONTHS)) * 4,
    "a month of one day more each": [(day(2026, 10, 20) + at, day(2026, 11, 5) + 2 * at) for at in range(20)],
    "any days": [(day(2026, 2, 1) + 9 * at % 300, day(2026, 2, 1) + 9 * at % 300 + at % 34 + 1) for at in range(60)],
    "days of many meters in any order": [
        (first, first + 2) for first in np.random.default_rng(4).choice(DAYS_OF_CHANGE, 90).tolist()
    ],
    "single days of 23, 24 and 25 hours": [
        (first, first + 1) for first in (day(2026, 3, 7), day(2026, 3, 8), day(2026, 11, 1), day(2026, 11, 2))
    ],
    "as long, but of other days": [(day(2026, 5, 1) + at, day(2026, 5, 9) + at) for at in range(30)],
}


def test_what_tallies_answer() -> None:
    """Sums and extremes of the column, of all items or by the clock; what is computed from items is none of them."""
    for more in (False, True):
        compiled = rules("0", "100", more=more)
        of = plan(compiled.program, compiled.constants, {line.amount for line in compiled.program.lines})

        (tally,) = of.tallies
        assert sorted(one.how for one in tally.questions) == ["largest"] * 2 + ["smallest"] * 2 + ["sum"] * 3
        assert len(tally.conditions) == 3
        assert of.tallied == (set() if more else {"load"})


@pytest.mark.parametrize("name", PERIODS)
@pytest.mark.parametrize("more", [False, True], ids=["tallies alone", "items read beside"])
@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        ("0", "100", np.int64),
        ("0", "100", np.int32),
        ("0", "100", np.uint16),
        ("0", "100", np.uint32),
        ("-50", "100", np.int64),
        ("-50", "100", np.int16),
        ("20", "100", np.int32),
        ("0", "20000000", np.uint32),
    ],
)
def test_every_layout_gives_what_plain_python_gives(
    name: str, low: str, high: str, dtype: type[np.integer], *, more: bool
) -> None:
    compiled = rules(low, high, more=more)
    rng = np.random.default_rng(7)
    times = [local_times(first, end, 60) for first, end in PERIODS[name]]
    given = rng.random(len(times)) < 0.9
    counts = [len(its) if there else 0 for its, there in zip(times, given.tolist(), strict=True)]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    values = drawn(rng, int(low) * 100, int(high) * 100, int(offsets[-1])).astype(dtype)
    expected = [
        figures(values[a:b].tolist(), its) for (a, b), its in zip(pairwise(offsets.tolist()), times, strict=True)
    ]
    starts, ends = ([pair[at] for pair in PERIODS[name]] for at in (0, 1))
    rows = batch(compiled, starts, ends, Children(offsets, {"kwh": Column(values, 2)}, given))

    found = [billed(compiled, rows, block_rows) for block_rows in (16384, 7, 1)]

    assert found == [expected] * 3


@pytest.mark.parametrize("name", ["one month", "a month without a change of the clock", "as long, but of other days"])
@pytest.mark.parametrize("more", [False, True], ids=["tallies alone", "items read beside"])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int16])
@pytest.mark.parametrize("lies", ["by row", "by interval", "by row, turned", "by interval, with gaps"])
def test_a_grid_is_read_as_it_lies(name: str, dtype: type[np.integer], lies: str, *, more: bool) -> None:
    """Either order of the axes, in either order of memory, checked in blocks or read by a mask."""
    compiled = rules("-50", "100", more=more)
    times = [local_times(first, end, 60) for first, end in PERIODS[name]]
    starts, ends = ([pair[at] for pair in PERIODS[name]] for at in (0, 1))
    values = drawn(np.random.default_rng(3), -5000, 10000, len(times) * len(times[0])).astype(dtype)
    values = values.reshape(len(times), -1)
    laid = {
        "by row": values,
        "by interval": np.ascontiguousarray(values.T),
        "by row, turned": np.asfortranarray(values),
        "by interval, with gaps": np.repeat(values.T, 2, axis=1)[:, ::2],
    }[lies]
    expected = [figures(row.tolist(), its) for row, its in zip(values, times, strict=True)]
    for valid in (None, np.ones(laid.shape, np.bool_)):
        children = Children.grid({"kwh": Column(laid, 2, valid)}, time_major=lies.startswith("by interval"))
        rows = batch(compiled, starts, ends, children)

        found = [billed(compiled, rows, block_rows, threads) for block_rows, threads in ((16384, 1), (7, 2), (1, 1))]

        assert found == [expected] * 3


def test_a_grid_says_the_same_to_the_reference() -> None:
    """Rows refused for a value, at either end, in the first and the last item, and rows that give no list."""
    compiled = rules("-50", "100")
    values = np.random.default_rng(5).integers(-5000, 10001, (8, 24))
    values[1, 0], values[2, 23], values[3, [4, 9]] = 10001, -5001, np.iinfo(np.int64).max
    given = np.array([True] * 6 + [False] * 2)
    for time_major in (False, True):
        for valid in (None, given):
            laid = np.ascontiguousarray(values.T) if time_major else values
            children = Children.grid({"kwh": Column(laid, 2)}, time_major=time_major, valid=valid)
            rows = batch(compiled, [day(2026, 1, 5)] * 8, [day(2026, 1, 6)] * 8, children)

            result, compared = evaluate(compiled, rows), compare(compiled, rows)

            told = [(one.row, one.code, one.field, one.value, one.parameters["item"]) for one in result.problems]
            assert told == [
                (1, "out-of-bounds", "load.kwh", "100.01", "1"),
                (2, "out-of-bounds", "load.kwh", "-50.01", "24"),
                (3, "out-of-bounds", "load.kwh", "92233720368547758.07", "5"),
            ]
            assert (compared.different, compared.rows) == (0, 8)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint8, np.uint32])
@pytest.mark.parametrize(("low", "high"), [("0", "1"), ("-1", "1"), ("0.5", "1")])
def test_rows_out_of_bounds_are_refused_in_every_integer_type(dtype: type[np.integer], low: str, high: str) -> None:
    """Bounds inside and outside of what the type holds; no other row changes."""
    compiled = rules(low, high)
    least, most = round(float(low) * 100), round(float(high) * 100)
    ends = np.iinfo(dtype)
    values = np.clip(np.full((6, 48), most), ends.min, ends.max).astype(dtype)
    values[1, 3], values[2, 47], values[4, 0] = ends.max, ends.min, max(ends.min, min(least, ends.max))
    bad = {row for row in range(6) if any(not least <= value <= most for value in values[row].tolist())}
    starts, stops = [day(2026, 1, 5)] * 6, [day(2026, 1, 7)] * 6
    plain = Children(np.arange(7) * 48, {"kwh": Column(values.reshape(-1), 2)})
    lines = Children.grid({"kwh": Column(np.ascontiguousarray(values.T), 2)}, time_major=True)

    results = [evaluate(compiled, batch(compiled, starts, stops, its)) for its in (plain, lines)]

    for result in results:
        assert {one.row for one in result.problems} == bad
        assert all(one.code == "out-of-bounds" for one in result.problems)
        assert result.amounts["all"].tolist() == [sum(values[row].tolist()) for row in range(6) if row not in bad]


@pytest.mark.parametrize("beyond", [0, 1], ids=["up to 2^53 a day", "beyond"])
@pytest.mark.parametrize("same", [True, False], ids=["same days", "any days"])
def test_a_day_at_the_largest_sum_that_a_float_holds(beyond: int, *, same: bool) -> None:
    """Products in float64 up to the bound, sums in int64 beyond it: odd values at the bounds lose nothing."""
    longest = 100  # intervals of 15 minutes in a day of 25 hours
    most = FLOAT_EXACT // longest + beyond
    compiled = rules(f"-{most // 100}.{most % 100:02d}", f"{most // 100}.{most % 100:02d}", minutes=15)
    spans = [(day(2026, 10, 30), day(2026, 11, 3))] * 6 if same else PERIODS["a month of one day more each"][:6]
    times = [local_times(first, end, 15) for first, end in spans]
    rng = np.random.default_rng(11)
    lists = [
        [most] * len(times[0]),
        [-most] * len(times[1]),
        [most - at % 2 for at in range(len(times[2]))],
        [most if at % 3 else most - 1 for at in range(len(times[3]))],
        (most - rng.integers(0, 2, len(times[4]))).tolist(),
        (rng.choice([-most, most, most - 1, 1 - most], len(times[5]))).tolist(),
    ]
    offsets = np.concatenate([[0], np.cumsum([len(its) for its in lists])])
    children = Children(offsets, {"kwh": Column(np.concatenate(lists), 2)})
    rows = batch(compiled, [a for a, _ in spans], [b for _, b in spans], children)

    assert billed(compiled, rows) == [figures(its, when) for its, when in zip(lists, times, strict=True)]


def test_blocks_cut_between_rows() -> None:
    """More items than a block or a chunk holds, on one thread and on two, of one month and of any."""
    compiled, more = rules("0", "100"), rules("0", "100", more=True)
    spans = list(pairwise(MONTHS)) * 20
    starts, ends = [a for a, _ in spans], [b for _, b in spans]
    known = {span: local_times(*span, 60) for span in spans[:12]}
    offsets = np.concatenate([[0], np.cumsum([len(known[span]) for span in spans])])
    assert offsets[-1] > 3 * ITEMS_MAX
    values = np.random.default_rng(1).integers(0, 10001, int(offsets[-1]))
    expected = [
        figures(values[a:b].tolist(), known[span])
        for (a, b), span in zip(pairwise(offsets.tolist()), spans, strict=True)
    ]

    for one in (compiled, more):
        rows = batch(one, starts, ends, Children(offsets, {"kwh": Column(values, 2)}))

        assert [billed(one, rows, threads=threads) for threads in (1, 2)] == [expected] * 2


def test_pieces_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few items are looked at together, or rows gathered, or days multiplied, the figures are the same."""
    compiled = rules("-50", "100")
    rng = np.random.default_rng(9)
    for name in ("one month", "days of many meters in any order", "any days"):
        spans = PERIODS[name]
        times = [local_times(first, end, 60) for first, end in spans]
        offsets = np.concatenate([[0], np.cumsum([len(its) for its in times])])
        values = drawn(rng, -5000, 10000, int(offsets[-1]))
        expected = [
            figures(values[a:b].tolist(), its) for (a, b), its in zip(pairwise(offsets.tolist()), times, strict=True)
        ]
        layouts = [Children(offsets, {"kwh": Column(values, 2)})]
        if name == "one month":
            lines = np.ascontiguousarray(values.reshape(len(spans), -1).T)
            layouts.append(Children.grid({"kwh": Column(lines, 2)}, time_major=True))
        for chunk, few in ((1, 1), (100, 60), (2000, 300)):
            for limit, most in (("CHUNK", chunk), ("LINES", chunk), ("GATHERED", chunk), ("PRODUCT_MAX", few)):
                monkeypatch.setattr(tallying, limit, most)
            for children in layouts:
                rows = batch(compiled, [a for a, _ in spans], [b for _, b in spans], children)

                assert billed(compiled, rows) == expected


def test_plans_serve_batches_of_any_layout_in_turn() -> None:
    """What a plan keeps of one batch, its scratch and its days, does not show in the next."""
    compiled = rules("0", "100", more=True)
    plans = Plans(compiled)
    values = np.random.default_rng(2).integers(0, 10001, (30, 48))
    expected = values.sum(axis=1).tolist()

    for first in (day(2026, 1, 5), day(2026, 6, 5)):
        for time_major in (False, True, False):
            laid = np.ascontiguousarray(values.T) if time_major else values
            children = Children.grid({"kwh": Column(laid, 2)}, time_major=time_major)
            result = evaluate(compiled, batch(compiled, [first] * 30, [first + 2] * 30, children), plans=plans)

            assert result.amounts["all"].tolist() == expected
            assert result.amounts["doubled"].tolist() == (2 * values.max(axis=1)).tolist()


class TestGrid:
    """What `Children.grid` takes."""

    def test_nothing_is_copied(self) -> None:
        values = np.arange(6).reshape(2, 3)
        for laid, time_major in ((values, False), (values.T, True), (values, True), (values.T, False)):
            grid = Children.grid({"kwh": Column(laid)}, time_major=time_major)

            assert np.shares_memory(grid.columns["kwh"].values, values)
            by_row = laid.T if time_major else laid
            assert grid.by_row().columns["kwh"].values.tolist() == by_row.reshape(-1).tolist()
            assert np.diff(grid.offsets).tolist() == [by_row.shape[1]] * len(by_row)

    def test_shapes_that_do_not_fit(self) -> None:
        two = Column(np.zeros((2, 3), np.int64))
        for columns in (
            {},
            {"kwh": Column(np.zeros(3, np.int64))},
            {"kwh": two, "kw": Column(np.zeros((3, 2), np.int64))},
        ):
            with pytest.raises(ValueError, match="one shape of two axes"):
                Children.grid(columns)
        with pytest.raises(ValueError, match=r"pass `Children.grid`"):
            Children(np.array([0, 3, 6]), {"kwh": two})
        with pytest.raises(ValueError, match="as many items each"):
            Children(np.array([0, 2, 6]), {"kwh": Column(np.zeros(6, np.int64))}, time_major=True)
        with pytest.raises(ValueError, match="has shape"):
            batch_of_two_axes()


def batch_of_two_axes() -> Rows:
    rows = Column(np.zeros(2, np.int64), codes=("a",))
    return Rows(
        np.arange(2), rows, np.zeros(2, np.int64), np.ones(2, np.int64), {"kwh": Column(np.zeros((2, 3), np.int64))}
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int8])
@pytest.mark.parametrize("rows", [3, 3000])
def test_a_sum_of_all_items_alone(dtype: type[np.integer], rows: int) -> None:
    """Of an interval of all rows after another: numpy adds unsigned numbers up as uint64."""
    compiled = rules("0", "2.55")
    line = next(one for one in compiled.program.lines if one.id == "all")
    alone = replace(compiled, program=replace(compiled.program, lines=(line,), total=line.amount, ledgers=()))
    values = np.random.default_rng(5).integers(0, np.iinfo(dtype).max, (48, rows), endpoint=True).clip(0, 255)
    load = Children.grid({"kwh": Column(values.astype(dtype), 2)}, time_major=True)

    got = evaluate(alone, batch(compiled, [day(2026, 5, 4)] * rows, [day(2026, 5, 6)] * rows, load))

    assert got.total.tolist() == [sum(of) for of in values.T.tolist()]


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int64])
@pytest.mark.parametrize("lies", ["by row", "by interval", "of other days"])
def test_items_below_zero_in_narrow_columns_refuse_their_rows(dtype: type[np.integer], lies: str) -> None:
    """Of int8, -1 reads as 255 without its sign, which is in the bounds."""
    values = np.random.default_rng(6).integers(0, 100, (20, 24))
    values[[2, 7], [5, 20]] = -1, -128
    starts = [day(2026, 5, 4) + (at if lies == "of other days" else 0) for at in range(20)]
    turned = lies == "by interval"
    load = Children.grid({"kwh": Column((values.T if turned else values).astype(dtype), 2)}, time_major=turned)

    got = evaluate(rules("0", "9000"), batch(rules("0", "9000"), starts, [at + 1 for at in starts], load))

    assert [(one.row, one.value, one.parameters["item"]) for one in got.problems] == [
        (2, "-0.01", "6"),
        (7, "-1.28", "21"),
    ]
    assert got.amounts["all"].tolist() == [sum(of) for of in values[got.kept].tolist()]


@pytest.mark.parametrize("lies", ["every other", "backwards", "one value"])
@pytest.mark.parametrize("name", ["months of several meters", "any days", "one month"])
def test_items_with_gaps_between_them(name: str, lies: str) -> None:
    """A column may be a view of anything."""
    times = [local_times(first, end, 60) for first, end in PERIODS[name]]
    offsets = np.cumsum([0, *map(len, times)])
    known = drawn(np.random.default_rng(8), 0, 10000, int(offsets[-1]))
    values = {
        "every other": np.repeat(known, 2)[::2],
        "backwards": np.ascontiguousarray(known[::-1])[::-1],
        "one value": np.broadcast_to(known[:1], known.shape),
    }[lies]
    starts, ends = ([pair[at] for pair in PERIODS[name]] for at in (0, 1))

    got = billed(
        rules("0", "100"), batch(rules("0", "100"), starts, ends, Children(offsets, {"kwh": Column(values, 2)}))
    )

    of_rows = zip(pairwise(offsets.tolist()), times, strict=True)
    assert got == [figures(values[start:end].tolist(), its) for (start, end), its in of_rows]


@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("some", [False, True], ids=["every item", "two items"])
def test_a_column_of_a_grid_that_the_rule_set_does_not_read(*, time_major: bool, some: bool) -> None:
    """Its rows are refused, each for its first item that has a value, however the grid lies."""
    spare = np.arange(10 * 24).reshape(10, 24)
    valid = np.isin(spare, [3 * 24 + 5, 3 * 24 + 9, 8 * 24 + 7]) if some else np.full(spare.shape, fill_value=True)
    kwh, column = Column(np.zeros((10, 24), np.int64), 2), Column(spare, 0, valid)
    columns = {"kwh": kwh, "spare": column}
    if time_major:
        columns = {
            name: replace(c, values=np.ascontiguousarray(c.values.T), valid=_turned(c.valid))
            for name, c in columns.items()
        }
    compiled = rules("0", "100")
    load = Children.grid(columns, time_major=time_major)

    done = dispatch({compiled.id: compiled}, batch(compiled, [day(2026, 5, 4)] * 10, [day(2026, 5, 5)] * 10, load))

    told = [(one.row, one.code, one.field, one.value, one.parameters["item"]) for one in done.refused]
    refused = {3: 5, 8: 7} if some else dict.fromkeys(range(10), 0)
    assert told == [
        (row, "unknown-column", "load.spare", str(24 * row + at), str(at + 1)) for row, at in refused.items()
    ]


def _turned(valid: np.ndarray | None) -> np.ndarray | None:
    return None if valid is None else np.ascontiguousarray(valid.T)
