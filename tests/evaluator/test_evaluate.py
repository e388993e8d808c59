"""The evaluator against whole-number arithmetic worked here, and what a result promises."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from engine.compiler import capacity
from engine.compiler.capacity import Kernel, TooWide
from engine.compiler.program import BOOLEAN, PRIMITIVES, Constants, Program, Rounding, Step, Type, Version
from engine.evaluator.evaluate import Plans, Result, evaluate
from engine.evaluator.lower import RULES
from engine.evaluator.rows import Column, Rows, UnknownColumns
from tests.evaluator.builder import END, START, Builder, batch
from tests.evaluator.test_kernels import rounded


def test_every_primitive_has_a_rule_and_a_capacity() -> None:
    assert PRIMITIVES.keys() == RULES.keys()
    assert PRIMITIVES.keys() == capacity._CAPACITIES.keys()


# ---- any program


def worked(program: Program, constants: Constants, version: int, row: dict[str, int]) -> list[int]:
    """Every step of one row in Python's whole numbers."""
    values: list[int] = []
    for step in program.steps:
        operands = [program.steps[i] for i in step.operands]
        came = [values[i] for i in step.operands]
        values.append(_worked(program, constants, version, row, step, operands, came))
    return values


def _worked(
    program: Program,
    constants: Constants,
    version: int,
    row: dict[str, int],
    step: Step,
    operands: list[Step],
    came: list[int],
) -> int:
    tens = sum(one.type.places for one in operands) - step.type.places
    match step.primitive:
        case "input":
            return row[step.name]
        case "literal":
            return step.value
        case "constant" | "cell":
            figure = constants.figures[version][step.slot][came[0] if came else 0]
            return step.type.low if figure is None else figure.value
        case "index":
            at = sum(s * (v - o) for v, s, o in zip(came, step.strides, step.offsets, strict=True))
            return min(max(at, step.type.low), step.type.high)
        case "calendar":
            table = program.calendars[step.slot]
            return table.values[came[0] - table.first_day]
        case "add":
            return came[0] + came[1]
        case "subtract":
            return came[0] - came[1]
        case "multiply":
            return came[0] * came[1]
        case "rescale":
            return came[0] * int(10 ** (step.type.places - operands[0].type.places))
        case "negate":
            return -came[0]
        case "absolute":
            return abs(came[0])
        case "minimum":
            return min(came)
        case "maximum":
            return max(came)
        case "select":
            return came[1] if came[0] else came[2]
        case "round" | "multiply_round":
            product = Fraction(came[0]) * (came[1] if len(came) > 1 else 1)
            return rounded(product / Fraction(10) ** tens, step.mode)
        case "divide" | "multiply_divide":
            product = Fraction(came[0]) * (came[1] if len(came) > 2 else 1)
            tens -= 2 * operands[-1].type.places
            return rounded(product / Fraction(10) ** tens / (came[-1] or 1), step.mode)
        case "sqrt":
            exact: int = max(came[0], 0) * 10 ** (2 * step.type.places - operands[0].type.places)
            root = isqrt(exact)
            more = {Rounding.UP: root * root < exact, Rounding.CEILING: root * root < exact}
            half = step.mode in {Rounding.HALF_UP, Rounding.HALF_EVEN} and exact - root * root > root
            return root + (more.get(step.mode, half))
        case "less":
            return int(came[0] < came[1])
        case "less_equal":
            return int(came[0] <= came[1])
        case "equal":
            return int(came[0] == came[1])
        case "both":
            return int(came[0] and came[1])
        case "either":
            return int(came[0] or came[1])
        case "negation":
            return int(not came[0])
        case "claim":
            return came[0]
    raise AssertionError(step.primitive)


@st.composite
def programs(draw: st.DrawFn) -> tuple[Builder, list[int]]:
    """A program of up to 25 steps over inputs of any size; a step that no kernel holds is left out."""
    b = Builder()
    numbers, booleans = [], []
    for i in range(draw(st.integers(1, 3))):
        high = draw(st.sampled_from([1, 9, 10**3, 4 * 10**5, 10**9, 2**49 + 1, 2**53, 2**60, 2**63 - 1]))
        low = draw(st.sampled_from([0, 0, -high, 1]))
        numbers.append(b.input(f"x{i}", draw(st.integers(0, 4)), low, high))
    booleans.append(b.input("flag", kind="boolean"))
    key = b.input("key", kind="code", codes=("a", "b", "c"))
    for _ in range(draw(st.integers(1, 2))):
        figures = st.lists(st.integers(-(10**6), 10**9), min_size=2, max_size=2)
        numbers.append(b.constant(draw(figures), draw(st.integers(0, 8))))
    cells = st.lists(st.integers(-999, 999999), min_size=3, max_size=3)
    numbers.append(b.cell(b.index([key], [1], [0], 3), [draw(cells), draw(cells)], draw(st.integers(0, 4))))
    numbers.append(b.literal(draw(st.integers(-50, 1000)), draw(st.integers(0, 2))))
    for _ in range(draw(st.integers(1, 15))):
        before = len(b.steps)
        made = draw(some_step(b, numbers, booleans))
        fits = all(
            capacity.kernels(step, [b.steps[i] for i in step.operands])
            and (step.type.kind == "boolean" or capacity.magnitude(step) <= capacity.INTEGER_EXACT)
            for step in b.steps[before:]
        )
        if not fits:
            del b.steps[before:]
        elif b.type(made).kind == "boolean":
            booleans.append(made)
        else:
            numbers.append(made)
    return b, numbers + booleans


KINDS = (
    *("add", "subtract", "multiply", "minimum", "maximum", "select", "negate", "absolute", "rescale"),
    *("less", "less_equal", "equal", "both", "either", "negation"),
    *("round", "multiply_round", "multiply_round", "divide", "divide", "multiply_divide", "sqrt"),
)


@st.composite
def some_step(draw: st.DrawFn, b: Builder, numbers: list[int], booleans: list[int]) -> int:
    one, two, three = (draw(st.sampled_from(numbers)) for _ in range(3))
    mode = draw(st.sampled_from([*[Rounding.HALF_UP] * 8, *Rounding]))
    places = draw(st.integers(0, 3))
    kind = draw(st.sampled_from(KINDS))
    if kind in {"add", "subtract", "minimum", "maximum", "select", "less", "less_equal", "equal"}:
        most = max(b.type(one).places, b.type(two).places)
        one, two = (i if b.type(i).places == most else b.rescale(i, most) for i in (one, two))
    match kind:
        case "add" | "subtract" | "multiply" | "minimum" | "maximum":
            return b.binary(kind, one, two)
        case "select":
            return b.select(draw(st.sampled_from(booleans)), one, two)
        case "less" | "less_equal" | "equal":
            return b.holds(kind, one, two)
        case "both" | "either":
            return b.holds(kind, draw(st.sampled_from(booleans)), draw(st.sampled_from(booleans)))
        case "negation":
            return b.holds(kind, draw(st.sampled_from(booleans)))
        case "negate":
            return b.negate(one)
        case "absolute":
            return b.absolute(one)
        case "rescale":
            return b.rescale(one, b.type(one).places + places)
        case "round":
            return b.rounded(kind, (one,), places, mode)
        case "multiply_round" | "divide":
            return b.rounded(kind, (one, two), places, mode)
        case "multiply_divide":
            return b.rounded(kind, (one, two, three), places, mode)
    of = b.type(one)
    root_places = max(places, (of.places + 1) // 2)
    high = isqrt(max(of.high, 0) * 10 ** (2 * root_places - of.places)) + 1
    return b.step("sqrt", (one,), Type(places=root_places, high=high), mode=mode)


def columns_for(b: Builder, rows: int, seed: int) -> dict[str, np.ndarray]:
    """Each input's bounds, numbers beside them, small ones, ties and random ones."""
    rng = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {}
    for spec in b.inputs:
        low, high = spec.type.low, spec.type.high
        found = rng.integers(low, high, rows, dtype=np.int64, endpoint=True)
        special = [low, high, min(low + 1, high), max(high - 1, low), *(min(max(n, low), high) for n in (-5, 0, 5, 50))]
        mixed = rng.random(rows) < 0.4
        columns[spec.name] = np.where(mixed, rng.choice(np.array(special, np.int64), rows), found)
    return columns


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@for_all(programs(), st.integers(0, 10**6), st.sampled_from([1, 7, 64]), st.sampled_from([1, 3]))
def test_any_program(made: tuple[Builder, list[int]], seed: int, block_rows: int, threads: int) -> None:
    """Steps in any order, over two versions, give what whole numbers give."""
    b, wanted = made
    for step in wanted:
        b.line(f"line{step}", step)
    versions = (Version(START, START + 10), Version(START + 10, END))
    compiled = b.compiled(wanted[-1], versions)
    rows = 40
    columns = columns_for(b, rows, seed)
    starts = START + np.random.default_rng(seed).integers(*((0, 20), (0, 10), (10, 20))[seed % 3], rows)
    came = {name: Column(values) for name, values in columns.items()}
    for spec in b.inputs:
        values = columns[spec.name]
        if spec.type.kind == "code":
            came[spec.name] = Column(values, codes=spec.type.codes)
        else:
            came[spec.name] = Column(values, spec.type.places)

    got = evaluate(compiled, batch(came, rows, starts), threads=threads, block_rows=block_rows)

    assert got.problems == ()
    for row in range(rows):
        version = int(starts[row] >= START + 10)
        given = {name: int(values[row]) for name, values in columns.items()}
        expected = worked(compiled.program, compiled.constants, version, given)
        for step in wanted:
            assert expected[step] == got.amounts[f"line{step}"][row], (step, compiled.program.steps[step], given)


@pytest.mark.parametrize("mode", list(Rounding))
@pytest.mark.parametrize("high", [10**4, 10**7, 10**9, 10**12, 2 * 10**18])
@pytest.mark.parametrize("low", [0, -1])
def test_a_share_of_a_whole(mode: Rounding, high: int, low: int) -> None:
    """amount * part / whole, whose result is no more than the amount: float64, int64 and wide by its size."""
    b = Builder()
    most = min(high, 2**48)
    amount, part, whole = (
        b.input(name, 2, low * top, top) for name, top in zip("apw", (most, high, high), strict=True)
    )
    share = b.rounded("multiply_divide", (amount, part, whole), 2, mode, (low * most, most))
    ratio = b.rounded("divide", (part, whole), 3, mode, (-1000, 1000))
    b.line("share", share)
    b.line("ratio", ratio)
    rng = np.random.default_rng(high)
    wholes = np.concatenate([rng.integers(1, high, 70), rng.integers(1, min(high, 999), 30), [0, high]])
    parts = np.array([int(rng.integers(0, one, endpoint=True)) for one in wholes])
    parts[:20] = wholes[:20] // 2
    amounts = np.where(rng.random(102) < 0.2, 1, rng.integers(0, most, 102))
    signs = np.array([1, low * 2 + 1])
    came = [column * rng.choice(signs, 102) for column in (amounts, parts, wholes)]

    got = evaluate(b.compiled(share), batch({n: Column(c, 2) for n, c in zip("apw", came, strict=True)}, 102))

    of = [tuple(map(int, row)) for row in zip(*came, strict=True)]
    assert [rounded(Fraction(a * p, w or 1), mode) for a, p, w in of] == got.amounts["share"].tolist()
    assert [rounded(Fraction(p * 1000, w or 1), mode) for a, p, w in of] == got.amounts["ratio"].tolist()


# ---- one residential bill, in decimals


def residential() -> Builder:
    """Tiers over the year, time of use, a free quota and a warning."""
    b = Builder()
    peak, valley = b.input("kwh_peak", 2, 0, 400000), b.input("kwh_valley", 2, 0, 400000)
    ytd, last = b.input("ytd_kwh", 2, 0, 10**8), b.input("last_year_kwh", 2, 0, 10**7)
    size = b.input("household_size", 0, 1, 20)
    poor, tou = b.input("low_income", kind="boolean"), b.input("on_tou", kind="boolean")
    month = b.sum(peak, valley)
    many = b.holds("less_equal", b.literal(5), size)
    first = b.select(many, b.constant(396000, 2), b.constant(276000, 2))
    second = b.select(many, b.constant(600000, 2), b.constant(480000, 2))
    end = b.sum(ytd, month)
    below = [
        b.binary("subtract", b.binary("minimum", end, limit), b.binary("minimum", ytd, limit))
        for limit in (first, second)
    ]
    tiers = [below[0], b.binary("subtract", below[1], below[0]), b.binary("subtract", month, below[1])]
    zero = b.literal(0, 2)
    lines = [
        b.price(b.claim(tier, 0, 800000), b.constant(price, 4))
        for tier, price in zip(tiers, (5283, 5783, 8283), strict=True)
    ]
    lines += [
        b.select(tou, b.price(quantity, b.constant(price, 2)), zero) for quantity, price in ((peak, 3), (valley, -17))
    ]
    free = b.price(b.binary("minimum", b.literal(1500, 2), month), b.constant(5283, 4))
    lines.append(b.select(poor, b.negate(free), zero))
    for name, step in zip(("t1", "t2", "t3", "peak", "valley", "credit"), lines, strict=True):
        b.line(name, step)
    limit = b.binary("multiply", last, b.literal(15, 1))
    b.warning("high", b.holds("less", limit, b.rescale(month, 3)), (("month", month),))
    b.sum(*lines)
    return b


def residential_bill(row: dict[str, Decimal]) -> tuple[list[Decimal], bool]:
    def fen(amount: Decimal) -> Decimal:
        return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)

    month = row["kwh_peak"] + row["kwh_valley"]
    wider = 1200 if row["household_size"] >= 5 else 0
    start, end = row["ytd_kwh"], row["ytd_kwh"] + month
    edges = [Decimal(0), Decimal(2760 + wider), Decimal(4800 + wider), Decimal(10**9)]
    prices = ["0.5283", "0.5783", "0.8283"]
    lines = [
        fen(max(Decimal(0), min(end, upper) - max(start, lower)) * Decimal(price))
        for lower, upper, price in zip(edges, edges[1:], prices, strict=False)
    ]
    lines.append(fen(row["kwh_peak"] * Decimal("0.03")) if row["on_tou"] else Decimal(0))
    lines.append(fen(row["kwh_valley"] * Decimal("-0.17")) if row["on_tou"] else Decimal(0))
    lines.append(-fen(min(Decimal(15), month) * Decimal("0.5283")) if row["low_income"] else Decimal(0))
    return lines, month > Decimal("1.5") * row["last_year_kwh"]


PLACES = {"kwh_peak": 2, "kwh_valley": 2, "ytd_kwh": 2, "last_year_kwh": 2, "household_size": 0}


def residential_rows(rows: int) -> dict[str, Column]:
    rng = np.random.default_rng(7)
    found = {
        "kwh_peak": rng.integers(0, 40000, rows),
        "kwh_valley": rng.integers(0, 40000, rows),
        "ytd_kwh": rng.choice([0, 275999, 276000, 276001, 395000, 470000, 480000, 600000, 10**7], rows),
        "last_year_kwh": rng.integers(0, 40000, rows),
        "household_size": rng.integers(1, 8, rows),
    }
    columns = {name: Column(values, PLACES[name]) for name, values in found.items()}
    columns["low_income"] = Column(rng.random(rows) < 0.3)
    columns["on_tou"] = Column((rng.random(rows) < 0.6).astype(np.uint8))
    return columns


def test_residential_bills_are_decimal_arithmetic() -> None:
    b = residential()
    columns = residential_rows(3000)

    got = evaluate(b.compiled(len(b.steps) - 1), batch(columns, 3000), block_rows=700)

    for row in range(3000):
        given = {name: Decimal(int(one.values[row])).scaleb(-one.places) for name, one in columns.items()}
        lines, warned = residential_bill(given)
        assert [int(line * 100) for line in lines] == [int(amounts[row]) for amounts in got.amounts.values()]
        assert int(sum(lines) * 100) == got.total[row]
        assert warned == got.warnings["high"][row]


# ---- what a result promises


def same(one: Result, other: Result) -> None:
    assert one.kept.tolist() == other.kept.tolist()
    assert one.version.tolist() == other.version.tolist()
    assert one.total.tolist() == other.total.tolist()
    assert {k: v.tolist() for k, v in one.amounts.items()} == {k: v.tolist() for k, v in other.amounts.items()}
    assert one.problems == other.problems


def two_prices(**more: object) -> tuple[Builder, int]:
    b = Builder()
    kwh = b.input("kwh", 2, 0, 10**7)
    amount = b.price(kwh, b.constant([5283, 6000, 7001], 4))
    b.line("energy", amount, quantity=kwh, price=b.steps[amount].operands[1])
    return b, amount


THREE = (Version(START, START + 100), Version(START + 100, START + 200), Version(START + 200, END))


@pytest.mark.parametrize("mixed", [True, False], ids=["mixed", "in runs"])
@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("block_rows", [5, 1000, 10**6])
def test_each_row_is_billed_at_its_version(mixed: bool, threads: int, block_rows: int) -> None:
    b, amount = two_prices()
    rng = np.random.default_rng(1)
    starts = rng.integers(START, START + 300, 9000)
    starts = starts if mixed else np.sort(starts)
    kwh = rng.integers(0, 10**7, 9000)

    got = evaluate(
        b.compiled(amount, THREE),
        batch({"kwh": Column(kwh, 2)}, 9000, starts),
        threads=threads,
        block_rows=block_rows,
    )

    version = (starts - START) // 100
    prices = np.array([5283, 6000, 7001])[version]
    assert ((kwh * prices + 5000) // 10000).tolist() == got.total.tolist()
    assert version.tolist() == got.version.tolist()


def test_details_hold_quantities_prices_and_the_values_in_messages() -> None:
    b, amount = two_prices()
    kwh = b.steps[amount].operands[0]
    b.warning("any", b.holds("less_equal", b.literal(0, 2), kwh), (("kwh", kwh),))
    compiled = b.compiled(amount, THREE)
    rows = batch({"kwh": Column(np.array([100, 250]), 2)}, 2, np.array([START, START + 150]))

    got = evaluate(compiled, rows, details=True)

    assert got.quantities["energy"].tolist() == [100, 250]
    assert got.prices["energy"].tolist() == [5283, 6000]
    assert got.warning_values["any"]["kwh"].tolist() == [100, 250]
    plain = evaluate(compiled, rows)
    assert (plain.quantities, plain.prices, plain.warning_values) == ({}, {}, {})
    only = evaluate(compiled, rows, totals_only=True)
    assert only.total.tolist() == got.total.tolist()
    assert (only.amounts, only.ledgers, only.warnings) == ({}, {}, {})


def refusing() -> tuple[Builder, int]:
    """kwh above 100.00 is refused first, then, for a shop, an odd number of fen."""
    b = Builder()
    kwh = b.input("kwh", 2, 0, 10**7)
    shop = b.input("shop", kind="boolean")
    b.require(
        b.holds("less_equal", kwh, b.literal(10000, 2)),
        field="limit",
        message="{kwh} kWh is over the limit",
        values=(("kwh", kwh),),
    )
    limited = b.claim(kwh, 0, 10000)
    half = b.rounded("divide", (limited, b.literal(2)), 2, Rounding.DOWN)
    b.require(b.holds("equal", b.sum(half, half), limited), shop, code="divide-by-zero", field="shop")
    amount = b.price(limited, b.constant(5283, 4))
    b.line("energy", amount)
    return b, amount


def test_a_require_refuses_its_rows_and_bills_the_others() -> None:
    b, amount = refusing()
    kwh = [10000, 10001, 333, 333, 444, 99999]
    shop = [True, True, True, False, True, False]
    rows = batch({"kwh": Column(np.array(kwh), 2), "shop": Column(np.array(shop))}, 6)

    got = evaluate(b.compiled(amount), rows)

    assert got.kept.tolist() == [0, 3, 4]
    assert got.total.tolist() == [5283, 176, 235]
    assert [(one.row, one.code, one.field) for one in got.problems] == [
        (1, "refused-by-rule", "limit"),
        (2, "divide-by-zero", "shop"),
        (5, "refused-by-rule", "limit"),
    ]
    assert got.problems[0].reason == "100.01 kWh is over the limit"
    assert got.problems[0].value == "kwh = 100.01"
    assert got.received == len(got.kept) + len(got.problems)


def test_the_door_and_the_rules_refuse_side_by_side() -> None:
    b, amount = refusing()
    kwh = np.array([10**8, 10001, 333, 5])
    valid = np.array([True, True, True, False])
    rows = batch({"kwh": Column(kwh, 2, valid), "shop": Column(np.zeros(4, np.bool_))}, 4)

    got = evaluate(b.compiled(amount), rows)

    assert got.kept.tolist() == [2]
    assert [one.code for one in got.problems] == ["out-of-bounds", "refused-by-rule", "missing-value"]


@settings(max_examples=50, deadline=None)
@for_all(st.lists(st.tuples(st.integers(0, 12000), st.booleans()), min_size=1, max_size=30), st.randoms())
def test_a_batch_is_its_rows_and_order_does_not_matter(pairs: list[tuple[int, bool]], random: object) -> None:
    b, amount = refusing()
    compiled = b.compiled(amount)
    plans = Plans(compiled)

    def bills(chosen: list[tuple[int, bool]]) -> Result:
        kwh, shop = (np.array(one) for one in zip(*chosen, strict=True))
        rows = batch({"kwh": Column(kwh, 2), "shop": Column(shop)}, len(chosen))
        return evaluate(compiled, rows, plans=plans, block_rows=4)

    whole, backwards = bills(pairs), bills(pairs[::-1])
    single = [bills([pair]) for pair in pairs]

    assert whole.total.tolist() == [one.total[0] for one in single if len(one.kept)]
    assert whole.total.tolist() == backwards.total.tolist()[::-1]
    assert len(whole.problems) == len(backwards.problems) == sum(len(one.problems) for one in single)


def test_an_empty_batch() -> None:
    b, amount = two_prices()

    got = evaluate(b.compiled(amount, THREE), batch({"kwh": Column(np.zeros(0, np.int64), 2)}, 0))

    assert (got.received, len(got.kept), got.problems, len(got.total)) == (0, 0, (), 0)


def test_positions_choose_rows_of_the_batch() -> None:
    b, amount = two_prices()
    rows = batch({"kwh": Column(np.array([100, 200, 10**9, 400]), 2), "note": Column(np.arange(4))}, 4)

    got = evaluate(b.compiled(amount, THREE), rows, positions=np.array([1, 2, 3]), pass_through={"note"})

    assert got.kept.tolist() == [1, 3]
    assert [(one.row, one.row_id) for one in got.problems] == [(2, 2)]
    with pytest.raises(UnknownColumns, match="reads no `note`; it reads `kwh`"):
        evaluate(b.compiled(amount, THREE), rows)


def test_the_branch_not_taken_reaches_nothing() -> None:
    """A root of a negative number, and a claim that does not hold, in the branch not taken."""
    b = Builder()
    x = b.input("x", 0, -(10**6), 10**6)
    negative = b.holds("less", x, b.literal(0))
    root = b.step("sqrt", (x,), Type(places=2, high=10**5))
    claimed = b.claim(x, 0, 10)
    share = b.rounded("divide", (root, claimed), 2, bounds=(0, 10**7))
    total = b.select(negative, b.literal(7, 2), share)
    b.line("x", total)

    got = evaluate(b.compiled(total), batch({"x": np.array([-4, -(10**6), 4, 0, 9])}, 5))

    assert got.total.tolist() == [7, 7, 50, 0, 33]


def test_absent_inputs_read_as_their_default_or_low() -> None:
    b = Builder()
    given = b.given("x")
    x = b.input("x", 2, 100, 10**5, default=500)
    y = b.input("y", 2, 100, 10**5, optional=True)
    total = b.select(given, x, b.sum(x, y))
    b.line("x", total)
    valid = np.array([True, False])

    got = evaluate(b.compiled(total), batch({"x": Column(np.array([300, 0]), 2, valid)}, 2))

    assert got.total.tolist() == [300, 600]


def test_days_and_calendars() -> None:
    b = Builder()
    day, first, end = b.day("day"), b.day("period_from"), b.day("period_to")
    season = b.calendar(day, START - 1, [9, 0, 0, 1, 1, 2, *[3] * 40])
    length = b.step("subtract", (end, first), Type(low=1, high=400))
    total = b.sum(b.binary("multiply", season, b.literal(1000)), length)
    b.line("x", total)
    compiled = b.compiled(total, version_by="last_day")

    got = evaluate(compiled, batch({}, 3, np.array([START, START + 2, START + 3]), days=2))

    assert got.total.tolist() == [2, 1002, 2002]


def test_two_keys_and_an_absent_cell() -> None:
    b = Builder()
    scheme, level = b.input("scheme", kind="code", codes=("a", "b")), b.input("level", 0, 5, 7)
    index = b.index([scheme, level], [3, 1], [0, 5], 6)
    total = b.cell(index, [[10, 11, 12, 20, 21, None]], 2)
    b.line("x", total)
    scheme_codes = Column(np.array([0, 1, 1]), codes=("b", "a"))
    columns = {"scheme": scheme_codes, "level": Column(np.array([5, 7, 6]))}

    got = evaluate(b.compiled(total), batch(columns, 3))

    assert got.total.tolist() == [20, 12, 11]
    assert evaluate(
        b.compiled(total), batch({"scheme": Column(np.array(["b"])), "level": np.array([7])}, 1)
    ).total.tolist() == [10]


def test_power_factor_of_aligned_places() -> None:
    b = Builder()
    active, reactive = b.input("kwh", 2, -(10**9), 10**9), b.input("kvarh", 0, 0, 10**7)
    total = b.step("power_factor", (active, reactive), Type(places=2, low=0, high=100))
    b.line("x", total)
    rows = batch({"kwh": Column(np.array([8000, 0, -300, 500]), 2), "kvarh": np.array([60, 0, 4, 0])}, 4)

    got = evaluate(b.compiled(total), rows)

    assert got.total.tolist() == [80, 0, 60, 100]


class TestCapacity:
    def test_a_step_that_nothing_holds_is_named_with_its_operands_bounds(self) -> None:
        b = Builder()
        x, y = b.input("x", 2, 0, 10**12), b.input("y", 2, 0, 10**12)
        total = b.binary("multiply", x, y)
        b.line("x", total)
        compiled = b.compiled(total)

        found = capacity.too_wide(compiled.program)

        assert [(one.step, one.bounds) for one in found] == [(total, ((0, 10**12), (0, 10**12)))]
        with pytest.raises(TooWide, match=f"step {total} with operands in 0..1000000000000 and"):
            evaluate(compiled, batch({"x": Column(np.zeros(1, np.int64)), "y": Column(np.zeros(1, np.int64))}, 1))

    def test_the_same_product_rounded_at_once_is_wide(self) -> None:
        b = Builder()
        x, y = b.input("x", 6, 0, 10**12), b.input("y", 6, 0, 10**12)
        total = b.rounded("multiply_round", (x, y), 2)
        operands = [b.steps[x], b.steps[y]]

        assert capacity.kernels(b.steps[total], operands) == (Kernel.WIDE,)
        assert capacity.too_wide(b.program(total)) == []

    def test_what_nothing_reads_may_be_too_wide(self) -> None:
        b = Builder()
        x = b.input("x", 2, 0, 10**12)
        b.binary("multiply", x, x)
        b.line("x", x)

        assert capacity.too_wide(b.program(x)) == []

    @pytest.mark.parametrize(("high", "expected"), [(2**50 // 3, Kernel.FLOAT), (2**50 // 3 + 1, Kernel.INTEGER)])
    def test_two_passes_up_to_their_bound(self, high: int, expected: Kernel) -> None:
        price = Step("literal", (), Type(places=4, low=3, high=3), value=3)
        kwh = Step("input", (), Type(places=2, high=high))
        amount = Step("multiply_round", (0, 1), Type(places=2, high=high))

        assert capacity.kernels(amount, [kwh, price])[0] is expected

    def test_a_price_of_thirty_cents_weighs_as_three_tenths(self) -> None:
        price = Step("literal", (), Type(places=4, low=3000, high=3000), value=3000)
        kwh = Step("input", (), Type(places=2, high=2**50 // 3))
        amount = Step("multiply_round", (0, 1), Type(places=2, high=2**50))

        assert capacity.kernels(amount, [kwh, price])[0] is Kernel.FLOAT


def test_booleans_are_chosen_too() -> None:
    b = Builder()
    x, y, z = (b.input(name, kind="boolean") for name in "xyz")
    either = b.step("select", (x, y, z), BOOLEAN)
    total = b.select(either, b.literal(1), b.literal(0))
    b.line("x", total, shown=either)
    every = np.array([[x >> 2 & 1, x >> 1 & 1, x & 1] for x in range(8)], np.uint8)

    got = evaluate(b.compiled(total), batch({name: every[:, i].copy() for i, name in enumerate("xyz")}, 8))

    expected = [bool(y if x else z) for x, y, z in every.tolist()]
    assert got.shown["x"].tolist() == expected
    assert got.total.tolist() == [int(one) for one in expected]


def test_misuse_says_what_came() -> None:
    b, amount = two_prices()
    compiled, rows = b.compiled(amount, THREE), batch({"kwh": Column(np.zeros(1, np.int64), 2)}, 1)

    with pytest.raises(ValueError, match="threads and block_rows are 1 or more; came 0 and "):
        evaluate(compiled, rows, threads=0)
    with pytest.raises(ValueError, match="a batch has one"):
        Rows(rows.row_id, rows.ruleset, rows.period_from, rows.period_to[:0])
    with pytest.raises(ValueError, match="a column of float32 cannot be billed"):
        Column(np.zeros(1, np.float32))


def test_a_result_outlives_later_batches_and_inputs_stay_as_they_came() -> None:
    """Inputs and outputs are computed on in place, and results lend their memory from a pool."""
    b = Builder()
    big = b.input("big", 0, 0, 2**60)
    flag = b.input("flag", kind="boolean")
    more = b.sum(big, b.literal(1))
    chosen = b.select(flag, more, big)
    total = b.sum(chosen, more)
    for name, step in (("more", more), ("chosen", chosen), ("big", big), ("again", more)):
        b.line(name, step, shown=flag)
    b.warning("flagged", flag)
    compiled = b.compiled(total, (Version(START, START + 1), Version(START + 1, END)))
    plans = Plans(compiled)
    rng = np.random.default_rng(3)
    kept: list[tuple[Result, np.ndarray, np.ndarray]] = []
    for batch_number in range(6):
        bigs, flags = rng.integers(0, 2**60, 5000), rng.random(5000) < 0.5
        rows = batch({"big": bigs.copy(), "flag": flags.copy()}, 5000, START + rng.integers(0, 2, 5000))
        rows = batch(rows.columns, 5000) if batch_number % 2 else rows
        kept.append((evaluate(compiled, rows, plans=plans, block_rows=999, threads=2), bigs, flags))
        assert rows.columns["big"].values.tolist() == bigs.tolist()
        assert rows.columns["flag"].values.tolist() == flags.tolist()
        if batch_number == 3:
            del kept[1]

    for result, bigs, flags in kept:
        expected = np.where(flags, bigs + 1, bigs)
        assert result.amounts["chosen"].tolist() == expected.tolist()
        assert result.amounts["again"].tolist() == (bigs + 1).tolist()
        assert result.amounts["big"].tolist() == bigs.tolist()
        assert result.total.tolist() == (expected + bigs + 1).tolist()
        assert result.warnings["flagged"].tolist() == flags.tolist()
