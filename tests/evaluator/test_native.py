"""Plans in machine code give what numpy gives, of plain rows and of all others, and keep what they compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from benchmarks import dianjia, workloads
from engine.compiler.compile import compile_paths
from engine.compiler.program import ROW, Rounding, Version
from engine.evaluator import kernels as exact
from engine.evaluator import native_numba, native_source
from engine.evaluator.blocks import Block
from engine.evaluator.compare import compare_random
from engine.evaluator.door import admit
from engine.evaluator.evaluate import Plans, Result, evaluate
from engine.evaluator.homes import Home
from engine.evaluator.instructions import Do
from engine.evaluator.kernels import DTYPES, Call, Rep
from engine.evaluator.native import Looped, Native
from engine.evaluator.plan import Plan
from engine.evaluator.rows import Array, Column, Whole, same
from engine.evaluator.run import run
from engine.evaluator.settle import FactorAgain, Settle
from engine.evaluator.worker import At, Table, Worker
from tests.evaluator.builder import END, START, Builder, batch
from tests.evaluator.list_programs import Drawn, drawn_batch, drawn_programs
from tests.evaluator.test_evaluate import columns_for, programs
from tests.evaluator.test_lists import rows_of

RULES = Path(__file__).parents[2] / "rules"
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]
PHASES = [Phase.explicit, Phase.generate]  # to make a failing program smaller would take hours of compiling
ANY_BOUNDS = np.zeros(0, np.int64)


def assert_same(expected: Result, got: Result) -> None:
    """Two results are one, to the last digit and word."""
    assert expected.problems == got.problems
    assert expected.kept.tolist() == got.kept.tolist()
    for name in ("amounts", "shown", "ledgers", "quantities", "prices", "warnings"):
        one, other = getattr(expected, name), getattr(got, name)
        assert one.keys() == other.keys()
        for key, values in one.items():
            np.testing.assert_array_equal(values, other[key], f"{name} {key}")
    np.testing.assert_array_equal(expected.total, got.total)


def compiled_plan(plans: Plans) -> Native:
    """The one plan that was compiled."""
    (made,) = [one for workers in plans._made.values() for one in workers.natives.values()]
    return made


# ---- single calls

Asked = tuple[Call, tuple[Rep, ...], Rep]  # call, representations of operands, of the result

WHOLE = [0, 1, -1, 2, -2, 3, 4095, 4096, 10**8, -(10**8), 10**8 - 1, 2**53 + 1, 2**62, -(2**62), 2**63 - 1, -(2**63)]
DOUBLE = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999999999999994, 1.0, -1.0, 3.0, 1e15, -1e15, 2.0**52, -7.25, 4e18]
OF_WHOLE: list[Asked] = [
    *((call, ("i8", "i8"), "i8") for call in (np.add, np.subtract, np.multiply, np.minimum, np.maximum)),
    *((call, ("i8", "i8"), "i8") for call in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.floor_divide)),
    *((call, ("i8",), "i8") for call in (np.negative, np.absolute, np.invert)),
    *((call, ("i8", "i8"), "bool") for call in native_source.COMPARISONS),
    (exact.cast, ("i8",), "f8"),
    (exact.differ, ("i8", "i8"), "i8"),
    (exact.keep, ("i8", "f8"), "f8"),
]
OF_DOUBLE: list[Asked] = [
    *((call, ("f8", "f8"), "f8") for call in (np.add, np.subtract, np.multiply, np.divide, np.minimum, np.maximum)),
    *((call, ("f8",), "f8") for call in (np.negative, np.absolute, np.rint, np.floor, np.ceil, np.trunc, np.sqrt)),
    *((call, ("f8", "f8"), "bool") for call in native_source.COMPARISONS),
    (exact.cast, ("f8",), "i8"),
    (exact.differ, ("f8", "f8"), "i8"),
    (exact.unbiased, ("f8", "i8"), "i8"),
    (exact.unbiased_negative, ("f8", "i8"), "i8"),
    (np.add, ("f8", "bool"), "f8"),
]
OF_CONDITIONS: list[Asked] = [
    (np.logical_and, ("bool", "bool"), "bool"),
    (np.logical_or, ("bool", "bool"), "bool"),
    *((call, ("bool", "bool"), "bool") for call in native_source.COMPARISONS),
    (np.logical_not, ("bool",), "bool"),
    (exact.spread, ("bool",), "i8"),
    (exact.cast, ("bool",), "f8"),
    (np.add, ("i8", "bool"), "i8"),
]


@pytest.mark.parametrize("asked", [OF_WHOLE, OF_DOUBLE, OF_CONDITIONS], ids=["whole", "double", "conditions"])
def test_a_call_gives_what_numpy_gives(asked: Sequence[Asked]) -> None:
    """Also where int64 overflows and where the divisor is zero; of float64, of numbers alone."""
    columns: dict[Rep, Array] = {"i8": np.array(WHOLE), "f8": np.array(DOUBLE), "bool": np.arange(16) % 3 == 0}
    pairs = [{rep: np.repeat(column, 16) for rep, column in columns.items()}]
    pairs.append({rep: np.tile(column, 16) for rep, column in columns.items()})
    homes = [Home("register", rep, at) for at in (0, 1) for rep in DTYPES]
    place = {(at, rep): 3 * at + number for at in (0, 1) for number, rep in enumerate(DTYPES)}
    calls = []
    for call, reps, to in asked:
        homes.append(Home("register", to, len(homes)))
        calls.append(Do(call, tuple(place[at, rep] for at, rep in enumerate(reps)), len(homes) - 1))
    plan = Plan((), tuple(calls), tuple(homes), tuple(range(len(homes))), (), frozenset(), frozenset())
    outs = [one.out for one in calls]

    made = native_source.segment(plan, ROW, False, calls, outs, {}, (), (), by_row=False)
    loop = native_numba.compiled(made.text, [(one.rep, one.written) for one in made.arguments], None)
    values = {place[at, rep]: pairs[at][rep] for at in (0, 1) for rep in DTYPES}
    values |= {out: np.empty(256, DTYPES[homes[out].rep]) for out in outs}
    assert not loop(1, 256, ANY_BOUNDS, *(values[one.number] for one in made.arguments))

    for one in calls:
        expected = np.empty(256, DTYPES[homes[one.out].rep])
        with np.errstate(all="ignore"):
            one.call(*(values[operand] for operand in one.operands), out=expected)
        sound = np.ones(256, np.bool_)
        if homes[one.operands[0]].rep == "f8":
            results = expected if expected.dtype == np.float64 else values[one.operands[0]]
            sound = np.isfinite(results) & (np.abs(results) < 2.0**63)
        np.testing.assert_array_equal(expected[sound], values[one.out][sound], str(one.call))


@pytest.mark.parametrize("divisor", [3, 8191, 8192, 8193, 10**4, 10**8, 10**18 - 1, 2**62 - 1, 2**62, 2**63 - 1])
@pytest.mark.parametrize("call", [np.floor_divide, exact.floor_divide_positive])
def test_a_division_by_a_known_number_is_the_floor_of_python(call: Call, divisor: int) -> None:
    """Beside multiples that may be mistaken: the largest quotients, and numbers beside zero and the bounds."""
    low, high = (-(2**63), 2**63 - 1) if call is np.floor_divide else (0, 2**64 - 1)
    most = high // divisor
    quotients = {q for of in (0, 1, 2, most // 3, most - 1, most) for q in (of, -of)}
    numbers = sorted({q * divisor + beside for q in quotients for beside in (-1, 0, 1)} | {low, high})
    numbers = [number for number in numbers if low <= number <= high]
    a = np.array([number % 2**64 for number in numbers], np.uint64).view(np.int64)
    homes = (Home("register", "i8", 0), Home("prepared", "i8", 0), Home("register", "i8", 1))
    one = Do(call, (0, 1), 2)
    plan = Plan((), (one,), homes, (0, 1, 2), (np.array([[divisor]]),), frozenset(), frozenset())
    out = np.empty_like(a)

    made = native_source.segment(plan, ROW, False, [one], [2], {}, (), (), by_row=False)
    loop = native_numba.compiled(made.text, [(one.rep, one.written) for one in made.arguments], None)
    loop(1, len(a), ANY_BOUNDS, a, out)

    assert ("quotient" in made.text) == (2**13 <= divisor < 2**62)
    assert [number // divisor for number in numbers] == [
        number % 2**64 if low == 0 else number for number in out.tolist()
    ]


def test_what_overflows_comes_back() -> None:
    """A square and a sum beyond 2^63, read without their sign: nothing takes it that they are not negative."""
    a = np.array([0, 1, -5, 2**31, 3 * 10**9, 2**33 + 1], np.int64)
    numbers = (2**63 - 5808, 10**4)
    homes = tuple(Home("register", "i8", at) for at in range(4))
    homes += tuple(Home("prepared", "i8", at) for at in range(2))
    calls = [Do(np.multiply, (0, 0), 1), Do(np.add, (1, 4), 2), Do(exact.floor_divide_positive, (2, 5), 3)]
    prepared = tuple(np.array([[number]]) for number in numbers)
    plan = Plan((), tuple(calls), homes, tuple(range(6)), prepared, frozenset(), frozenset())
    out = np.empty_like(a)

    made = native_source.segment(plan, ROW, False, calls, [3], {}, (), (), by_row=False)
    native_numba.compiled(made.text, [(one.rep, one.written) for one in made.arguments], None)(1, 6, ANY_BOUNDS, a, out)

    assert [(int(one) ** 2 + numbers[0]) % 2**64 // numbers[1] for one in a] == out.tolist()


@pytest.mark.parametrize(
    ("at_halves", "limit", "error", "sure"),
    [(True, 0.375, 0.0, 3), (True, 0.5, 2.0**-5, 3), (True, 0.375, 2.0**-4, 1), (False, 0.25, 0.0, -4)],
)
def test_an_estimate_near_a_boundary_is_not_settled(at_halves: bool, limit: float, error: float, sure: int) -> None:
    """On either side of the limit, with both signs; what is no number neither. An error grows with the number."""
    distances = np.array([0.0, 0.25, -0.25, 0.375, -0.375, 0.5, -0.5, np.nan])
    wholes = np.full(len(distances), -2.0)
    homes = (Home("register", "f8", 0), Home("register", "f8", 1), Home("register", "f8", 2), Home("register", "f8", 3))
    call = Do(Settle(FactorAgain(2, Rounding.HALF_UP), limit, at_halves, error), (0, 1, 2, 2), 3)
    plan = Plan((), (call,), homes, (0, 1, 2, 3), (), frozenset(), frozenset())
    bad = np.empty(len(distances), np.bool_)

    made = native_source.segment(plan, ROW, False, [call], [3], {}, (), (), by_row=True)
    loop = native_numba.compiled(made.text, [(one.rep, one.written) for one in made.arguments], None)
    columns = {0: wholes, 1: distances, 3: np.empty(len(distances))}
    found = loop(
        1, len(bad), ANY_BOUNDS, *(bad if one.kind == "bad" else columns[one.number] for one in made.arguments)
    )

    certain = range(sure) if sure > 0 else range(sure - 1, -1)
    assert found
    assert [at not in {one % len(bad) for one in certain} for at in range(len(bad))] == bad.tolist()


# ---- programs


@settings(max_examples=12, deadline=None, suppress_health_check=CHECKS, phases=PHASES)
@for_all(programs(), st.integers(0, 10**6), st.sampled_from([7, 64, 1000]), st.sampled_from([1, 2]))
def test_any_program(made: tuple[Builder, list[int]], seed: int, block_rows: int, threads: int) -> None:
    """Steps in any order, with versions in long runs and mixed, by blocks and threads, all in machine code."""
    b, wanted = made
    for step in wanted:
        b.line(f"line{step}", step)
    compiled = b.compiled(wanted[-1], (Version(START, START + 10), Version(START + 10, END)))
    rows = 300
    starts = START + np.random.default_rng(seed).integers(*((0, 20), (0, 10), (10, 20))[seed % 3], rows)
    columns = columns_for(b, rows, seed)
    codes = {spec.name: spec.type.codes or None for spec in b.inputs}
    places = {spec.name: 0 if spec.type.kind in {"code", "boolean"} else spec.type.places for spec in b.inputs}
    came = batch({n: Column(v, places[n], codes=codes[n]) for n, v in columns.items()}, rows, starts)
    plans = Plans(compiled, "native")

    got = evaluate(compiled, came, plans=plans, block_rows=block_rows, threads=threads)

    assert_same(evaluate(compiled, came), got)
    native, all_ = plans.native_share()
    assert native == all_ > 0


@settings(max_examples=8, deadline=None, suppress_health_check=CHECKS, phases=PHASES)
@for_all(
    drawn_programs(),
    st.sampled_from(["ragged", "regular", "even", "long", "empty"]),
    st.sampled_from(["alike", "any"]),
    st.integers(1, 12),
    st.sampled_from([3, 64]),
    st.integers(0, 10**6),
)
def test_any_program_over_lists_and_parts(
    made: Drawn, shape: str, periods: str, rows: int, block_rows: int, seed: int
) -> None:
    """Loops over rows, over items and over the places of items, with numpy calls between them."""
    rng = np.random.default_rng(seed)
    starts = np.full(rows, START + 1) if periods == "alike" else START + rng.integers(0, 6, rows)
    ends = starts + (2 if periods == "alike" else rng.integers(1, 6, rows))
    came = drawn_batch(made, starts, ends, shape, seed)
    compiled = made.compiled()
    door = admit(compiled, rows_of(came.columns, {made.axis: came.children}, starts, ends))
    steps = compiled.program.steps
    items = {step: int(door.lists[made.axis][-1]) for step in made.steps if steps[step].type.axis != ROW}
    dtypes = {step: np.bool_ if steps[step].type.kind == "boolean" else np.int64 for step in made.steps}
    tables = []
    for backend in ("numpy", "native"):
        table = Table(len(door.version), dtypes, items=items)
        workers = Plans(compiled, backend).of(made.steps)
        came_as = (door.inputs, door.given, door.version, table)
        run(workers, *came_as, threads=1, block_rows=block_rows, lists=door.lists, bills=door.offsets)
        tables.append(table)

    for step in made.steps:
        np.testing.assert_array_equal(tables[0].outputs[step], tables[1].outputs[step], str(steps[step]))


# Versions mixed, parts of bills, lists of transformers and of intervals, power factors on ties, refusals of all kinds.
SHIPPED = (
    *("cn/national/two_part_1996.ruleset.yaml", "cn/national/special_transformer.ruleset.yaml"),
    *("cn/sichuan/residential.ruleset.yaml", "us/example/coincident_peak.ruleset.yaml"),
)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_rule_sets_bill_as_the_reference_says(name: str) -> None:
    (compiled,) = compile_paths([RULES / name]).rulesets.values()

    found = compare_random(compiled, 150, 5, processes=1, backend="native")

    assert found.differences == ()
    assert found.billed > 0
    assert found.rows > found.billed


# ---- the two bills that engines are measured on


def both(workload: workloads.Workload, columns: workloads.Columns) -> tuple[Result, Result, Plans]:
    """Bill by numpy and in machine code."""
    plans, rows = dianjia._load(workload, columns)
    made = Plans(plans.compiled, "native")
    return evaluate(plans.compiled, rows), evaluate(plans.compiled, rows, plans=made), made


@pytest.mark.parametrize("workload", [workloads.W1, workloads.W2], ids=["W1", "W2"])
def test_one_loop_does_all_of_a_benchmark(workload: workloads.Workload) -> None:
    """At every limit and tie, and on drawn rows; with nothing rounded once where numpy rounds twice."""
    for columns in (workload.edges(), workloads.columns(workload, 40_000)):
        expected, got, plans = both(workload, columns)

        assert_same(expected, got)
    made = compiled_plan(plans)
    (step,) = made.steps
    assert isinstance(step, Looped)
    assert made.by_row
    assert made.native == made.instructions
    dispatcher: Any = step.call
    (signature,) = dispatcher.signatures
    assert "vfm" not in dispatcher.inspect_asm(signature)


def _energy(sharp: int, valley: int) -> int:
    """What the hundredths of kWh of two periods cost [0.01 yuan], each rounded half up."""
    return sum((kwh * price + 5 * 10**7) // 10**8 for kwh, price in ((sharp, 112_345_678), (valley, 31_415_926)))


def test_rows_that_are_not_plain_are_billed_by_numpy_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of bounds, refused by the rule set, on a tie of the discount; where they are many, the whole block is."""
    columns = {name: values.copy() for name, values in workloads.columns(workloads.W2, 3000).items()}
    columns["kvarh"][7] = -1
    columns["kwh_flat"][1500] = 2**62
    columns["kwh_peak"][100] = 500_000_000  # with the others, more than 5,000,000 kWh
    sharp = next(sharp for sharp in range(1000) if _energy(sharp, 200_000_000 - sharp) % 100 == 50)
    for name, kwh in (("sharp", sharp), ("peak", 0), ("flat", 0), ("valley", 200_000_000 - sharp)):
        columns[f"kwh_{name}"][200] = kwh  # half of them above 1,000,000 kWh: 1 % of the energy, which is on a tie
    columns["capacity_kva"][2000:2900] = 0
    alone: list[int] = []
    computed = Worker._alone

    def noted(self: Worker, at: At, block: Block, rows: Whole) -> None:
        alone.extend((rows + block.rows.start).tolist())
        computed(self, at, block, rows)

    monkeypatch.setattr(Worker, "_alone", noted)
    plans, rows = dianjia._load(workloads.W2, columns)

    got = evaluate(plans.compiled, rows, plans=Plans(plans.compiled, "native"), block_rows=1000)

    assert_same(evaluate(plans.compiled, rows), got)
    assert {7, 100, 200, 1500} <= set(alone)
    assert not set(range(2000, 3000)) & set(alone)
    assert len(alone) < 10


def test_columns_come_as_they_are() -> None:
    """Narrow integers, booleans as numbers or as such, every other row of a longer column, one value for all rows."""
    columns = workloads.columns(workloads.W1, 5000)
    _, rows = dianjia._load(workloads.W1, columns)
    compiled = dianjia.compiled("W1")
    plans = Plans(compiled, "native")
    variants: dict[str, dict[str, Array]] = {
        "narrow": {
            "kwh_peak": columns["kwh_peak"].astype(np.int32),
            "household_size": columns["household_size"].astype(np.int8),
        },
        "booleans": {
            "on_tou": columns["on_tou"].astype(np.bool_),
            "low_income": columns["low_income"].astype(np.uint8),
        },
        "strided": {"kwh_valley": np.repeat(columns["kwh_valley"], 2)[::2]},
        "same": {"household_size": same(np.int64(5), 5000), "on_tou": same(np.True_, 5000)},
        "read-only": {"ytd_kwh": np.frombuffer(columns["ytd_kwh"].tobytes(), np.int64)},
    }
    for changed in variants.values():
        came = {name: Column(changed.get(name, column.values), column.places) for name, column in rows.columns.items()}
        batch_ = replace(rows, columns=came)

        assert_same(evaluate(compiled, batch_), evaluate(compiled, batch_, plans=plans, block_rows=512, threads=2))
