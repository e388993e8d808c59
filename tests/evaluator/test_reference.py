"""The reference: every primitive, the roundings, the door for one row, and the faults it notices.

Expected amounts are worked out by hand in the comments beside them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, Inexact
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compiler.program import BOOLEAN, PRIMITIVES, InputSpec, Refusal, Rounding, Step, Type, Version
from engine.evaluator import decimals
from engine.evaluator.interpretation import INTERPRETATION
from engine.evaluator.reference import Bill, Unsound
from engine.evaluator.rows import RowProblem
from tests.alone import alike
from tests.evaluator.programs import (
    FROM_2024,
    JANUARY,
    WIDE,
    literal,
    rounding,
    steps_only,
    two_tiers,
)


def bill(row: dict[str, object], **period: Any) -> Bill:
    billed = alike(two_tiers(), row, **(period or JANUARY))
    assert isinstance(billed, Bill), billed
    return billed


def refused(row: dict[str, object], **period: Any) -> tuple[str, str, str]:
    problem = alike(two_tiers(), row, **(period or JANUARY))
    assert isinstance(problem, RowProblem), problem
    return problem.code, problem.field, problem.value


def last_value(*steps: Step, row: dict[str, object] | None = None, inputs: tuple[InputSpec, ...] = ()) -> Decimal:
    billed = alike(steps_only(steps, inputs), row or {}, **JANUARY)
    assert isinstance(billed, Bill), billed
    value = billed.parts[0].values[-1]
    assert isinstance(value, Decimal)
    return value


def test_every_primitive_has_an_interpretation() -> None:
    assert PRIMITIVES.keys() == INTERPRETATION.keys()


# bills


def test_a_bill_with_both_tiers() -> None:
    # 100 x 0.5283 = 52.83; 50.50 x 0.5783 = 29.20415 -> 29.20; 82.03
    found = bill({"kwh": "150.50"})

    assert [("energy.1", "52.83", "100.00", "0.5283"), ("energy.2", "29.20", "50.50", "0.5783")] == [
        (line.id, str(line.amount), str(line.quantity), str(line.price)) for line in found.lines
    ]
    assert (Decimal("82.03"), {"energy": Decimal("82.03")}) == (found.total, found.ledgers)
    assert ("kWh", "CNY/kWh") == (found.line("energy.1").quantity_unit, found.line("energy.1").price_unit)


def test_the_year_before_has_its_own_price() -> None:
    # 10 x 0.5000 = 5.00
    found = bill({"kwh": 10}, period_from=date(2024, 12, 1), period_to=date(2025, 1, 1))

    assert Decimal("5.00") == found.total


@pytest.mark.parametrize(
    ("kwh", "total", "lines"),
    [
        ("0", "0.00", ["energy.1"]),
        ("99.99", "52.82", ["energy.1"]),  # 52.824717
        ("100", "52.83", ["energy.1"]),
        ("100.01", "52.84", ["energy.1", "energy.2"]),  # 52.83 + 0.005783 -> 0.01
        ("1000", "573.30", ["energy.1", "energy.2"]),  # 52.83 + 520.47
    ],
)
def test_the_edges_of_the_tier(kwh: str, total: str, lines: list[str]) -> None:
    found = bill({"kwh": kwh})

    assert (total, lines) == (str(found.total), [line.id for line in found.lines])


def test_a_warning_says_its_value() -> None:
    assert [("second_tier", "本月 100.01 千瓦时")] == [(w.id, w.message) for w in bill({"kwh": "100.01"}).warnings]
    assert () == bill({"kwh": "100"}).warnings


# the door


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (None, ("missing-value", "kwh", "")),
        ("", ("not-a-number", "kwh", "")),
        ("1e3", ("not-a-number", "kwh", "1e3")),
        ("１２", ("not-a-number", "kwh", "１２")),
        ("1_000", ("not-a-number", "kwh", "1_000")),
        (Decimal("NaN"), ("not-a-number", "kwh", "NaN")),
        (Decimal("1E+99999999"), ("not-a-number", "kwh", "1E+99999999")),  # not written with all its zeros
        (True, ("not-a-number", "kwh", "true")),
        (0.1, ("binary-float", "kwh", "0.1")),
        ("1.005", ("too-many-places", "kwh", "1.005")),
        ("-0.01", ("out-of-bounds", "kwh", "-0.01")),
        (10001, ("out-of-bounds", "kwh", "10001")),
        ("1000.01", ("refused-by-rule", "kwh", "1000.01")),
    ],
)
def test_values_that_are_refused(came: object, expected: tuple[str, str, str]) -> None:
    assert expected == refused({"kwh": came})


@pytest.mark.parametrize("came", ["10", "+10", "10.0", "10.000000", Decimal("10"), Decimal("1E+1"), 10])
def test_ways_to_write_ten(came: object) -> None:
    assert Decimal("5.28") == bill({"kwh": came}).total  # 5.283


@pytest.mark.parametrize(
    ("period_from", "period_to", "expected"),
    [
        ("2025-01-32", "2025-02-01", ("bad-date", "period_from", "2025-01-32")),
        ("2025-01-01", datetime(2025, 2, 1, tzinfo=UTC), ("bad-date", "period_to", "2025-02-01 00:00:00+00:00")),
        ("1989-12-31", "2025-02-01", ("bad-date", "period_from", "1989-12-31")),
        ("2025-01-01", "2100-01-01", ("bad-date", "period_to", "2100-01-01")),
        ("2025-01-01", "2025-01-01", ("bad-period", "period_to", "2025-01-01")),
        ("2023-12-31", "2024-01-02", ("no-price-in-force", "xx.small", "2023-12-31")),
        ("2026-01-01", "2026-01-02", ("no-price-in-force", "xx.small", "2026-01-01")),
        ("2024-12-31", "2025-01-02", ("period-crosses-change", "period_to", "2025-01-02")),
        (None, "2025-01-02", ("missing-value", "period_from", "")),
    ],
)  # fmt: skip
def test_periods_that_are_refused(period_from: Any, period_to: Any, expected: tuple[str, str, str]) -> None:
    assert expected == refused({"kwh": "x"}, period_from=period_from, period_to=period_to)


def test_a_period_may_end_on_the_day_of_a_change() -> None:
    assert Decimal("0.50") == bill({"kwh": 1}, period_from="2024-12-31", period_to="2025-01-01").total


def test_the_first_problem_wins() -> None:
    """Days, then the version, then a change, then inputs, then the rule set's own refusals."""
    assert "bad-date" == refused({"kwh": 2000}, period_from="x", period_to="2025-01-02")[0]
    assert "no-price-in-force" == refused({"kwh": "x"}, period_from="2023-01-01", period_to="2025-01-02")[0]
    assert "out-of-bounds" == refused({"kwh": 20000})[0]


def test_a_version_without_a_price_names_the_series() -> None:
    rules = two_tiers()
    missing = Refusal("no-price-in-force", "prices")
    versions = (Version(FROM_2024, rules.constants.versions[0].end_day, (missing,)), rules.constants.versions[1])
    rules = replace(rules, constants=replace(rules.constants, versions=versions))

    problem = alike(rules, {"kwh": 1}, period_from="2024-05-01", period_to="2024-06-01", row_id="r1", position=3)

    assert isinstance(problem, RowProblem)
    assert ("no-price-in-force", "prices", 3, "r1") == (problem.code, problem.field, problem.row, problem.row_id)
    assert "no price of `prices` is in force on 2024-05-01." == problem.reason


@pytest.mark.parametrize(
    ("version_by", "expected"), [("period_from", "5.00"), ("last_day", "5.00"), ("reading_day", "5.28")]
)
def test_the_day_that_picks_the_version(version_by: Any, expected: str) -> None:
    rules = replace(two_tiers(), version_by=version_by, change_days=())

    billed = alike(rules, {"kwh": 10}, period_from="2024-12-01", period_to="2025-01-01")

    assert isinstance(billed, Bill)
    assert expected == str(billed.total)


def test_codes_booleans_and_dates() -> None:
    code = InputSpec("voltage", Type("code", high=1, codes=("low", "high")))
    flag = InputSpec("poor", BOOLEAN, default=0)
    day = InputSpec("since", Type("date", low=0, high=40_000), optional=True)
    rules = steps_only([literal(0)], (code, flag, day))

    def read(**row: object) -> object:
        billed = alike(rules, row, **JANUARY)
        if isinstance(billed, RowProblem):
            return billed.code, billed.field
        return [billed.inputs.get(name) for name in ("voltage", "poor", "since")]

    assert [1, 1, 1] == read(voltage="high", poor=True, since="1970-01-02")
    assert [0, 0, None] == read(voltage="low")
    assert ("unknown-code", "voltage") == read(voltage="LOW")
    assert ("unknown-code", "poor") == read(voltage="low", poor="yes")
    assert ("bad-date", "since") == read(voltage="low", since="2024-02-30")
    assert ("out-of-bounds", "since") == read(voltage="low", since="1969-12-31")


# primitives


@pytest.mark.parametrize(
    ("primitive", "a", "b", "expected"),
    [
        ("add", "1.5", "2.25", "3.75"),
        ("subtract", "1.5", "2.25", "-0.75"),
        ("multiply", "-1.5", "2.25", "-3.375"),
        ("multiply", "-1.5", "0", "0"),
        ("minimum", "-1.5", "2.25", "-1.5"),
        ("maximum", "-1.5", "2.25", "2.25"),
        ("less", "1.50", "1.5", "0"),
        ("less_equal", "1.50", "1.5", "1"),
        ("equal", "1.50", "1.5", "1"),
    ],
)
def test_two_operands(primitive: str, a: str, b: str, expected: str) -> None:
    of = BOOLEAN if primitive in ("less", "less_equal", "equal") else replace(WIDE, places=8)

    found = last_value(_decimal(a), _decimal(b), Step(primitive, (0, 1), of))

    assert Decimal(expected) == found
    assert not (found == 0 and found.is_signed())


def _decimal(text: str) -> Step:
    places = -int(Decimal(text).as_tuple().exponent)
    return literal(int(Decimal(text).scaleb(places)), places)


@pytest.mark.parametrize(
    ("primitive", "a", "expected"),
    [("negate", "1.5", "-1.5"), ("negate", "0", "0"), ("absolute", "-1.5", "1.5"), ("rescale", "1.5", "1.5")],
)
def test_one_operand(primitive: str, a: str, expected: str) -> None:
    found = last_value(_decimal(a), Step(primitive, (0,), replace(WIDE, places=8)))

    assert Decimal(expected) == found
    assert not (found == 0 and found.is_signed())


@pytest.mark.parametrize("a", [0, 1])
@pytest.mark.parametrize("b", [0, 1])
def test_logic(a: int, b: int) -> None:
    truths = [Step("literal", (), BOOLEAN, value=value) for value in (a, b)]

    def of(primitive: str, *operands: int) -> bool:
        return bool(last_value(*truths, Step(primitive, operands, BOOLEAN)))

    assert (bool(a and b), bool(a or b), not a) == (of("both", 0, 1), of("either", 0, 1), of("negation", 0))


@pytest.mark.parametrize(("condition", "expected"), [(1, "2"), (0, "3")])
def test_select(condition: int, expected: str) -> None:
    truth = Step("literal", (), BOOLEAN, value=condition)

    assert Decimal(expected) == last_value(truth, literal(2), literal(3), Step("select", (0, 1, 2), WIDE))


# value, place, then half_up, half_even, up, down, floor, ceiling: by hand
ROUNDINGS = [
    ("3.045", 2, ["3.05", "3.04", "3.05", "3.04", "3.04", "3.05"]),
    ("-3.045", 2, ["-3.05", "-3.04", "-3.05", "-3.04", "-3.05", "-3.04"]),
    ("1.245", 2, ["1.25", "1.24", "1.25", "1.24", "1.24", "1.25"]),
    ("-0.004", 2, ["0.00", "0.00", "-0.01", "0.00", "-0.01", "0.00"]),
    ("2.5", 0, ["3", "2", "3", "2", "2", "3"]),
    ("3.5", 0, ["4", "4", "4", "3", "3", "4"]),
    ("7", 2, ["7.00"] * 6),
]
MODES = [Rounding.HALF_UP, Rounding.HALF_EVEN, Rounding.UP, Rounding.DOWN, Rounding.FLOOR, Rounding.CEILING]


@pytest.mark.parametrize(("value", "places", "expected"), ROUNDINGS)
def test_roundings(value: str, places: int, expected: list[str]) -> None:
    rounded = [str(last_value(_decimal(value), rounding("round", (0,), places, mode))) for mode in MODES]
    multiplied = [
        str(last_value(_decimal(value), literal(1), rounding("multiply_round", (0, 1), places, mode))) for mode in MODES
    ]
    divided = [str(last_value(_decimal(value), literal(1), rounding("divide", (0, 1), places, mode))) for mode in MODES]

    assert [expected] * 3 == [rounded, multiplied, divided]


def test_a_product_and_quotient_is_rounded_once() -> None:
    # 10 x 0.1 / 3 = 0.3333; 2 / 3 x 1 -> 0.67
    steps = [literal(10), literal(1, 1), literal(3)]

    assert Decimal("0.33") == last_value(*steps, rounding("multiply_divide", (0, 1, 2), 2))
    assert Decimal("-0.67") == last_value(
        literal(-2), literal(1), literal(3), rounding("multiply_divide", (0, 1, 2), 2)
    )
    assert Decimal("0.67") == last_value(literal(-2), literal(-3), rounding("divide", (0, 1), 2))


def test_a_divisor_of_zero_reads_as_one_of_its_places() -> None:
    assert Decimal("50.00") == last_value(literal(5), literal(0, 1), rounding("divide", (0, 1), 2))


def test_square_roots() -> None:
    # 1.414213..., 1.5 exactly, 0.5 ties away from zero to 1
    assert Decimal("1.4142") == last_value(literal(2), rounding("sqrt", (0,), 4))
    assert Decimal("1.4143") == last_value(literal(2), rounding("sqrt", (0,), 4, Rounding.UP))
    assert Decimal("2") == last_value(literal(225, 2), rounding("sqrt", (0,), 0))
    assert Decimal("1") == last_value(literal(25, 2), rounding("sqrt", (0,), 0))
    assert Decimal("0") == last_value(literal(25, 2), rounding("sqrt", (0,), 0, Rounding.HALF_EVEN))


def test_power_factors() -> None:
    # 80 and 60 make 100; 0.95 of 19 and sqrt(400 - 361); both zero gives zero
    factor = Type(places=2, low=0, high=100)

    def of(active: int, reactive: int) -> str:
        return str(last_value(literal(active), literal(reactive), Step("power_factor", (0, 1), factor)))

    assert ["0.80", "0.00", "1.00", "0.71"] == [of(80, 60), of(0, 0), of(5, 0), of(7, 7)]


def test_cells_are_found_by_their_keys() -> None:
    def cell(a: int, x: int) -> str:
        index = Step("index", (0, 1), Type(high=3), strides=(2, 1), offsets=(0, 5))
        at = Step("cell", (2,), Type(places=1, low=5, high=70), slot=0)
        return str(last_value(literal(a), literal(x), index, at))

    assert ["0.5", "6.0", "7.0"] == [cell(0, 5), cell(1, 5), cell(1, 6)]
    assert "0.5" == cell(0, 6)  # absent: reads as the type's low
    assert "7.0" == cell(9, 9)  # kept inside the table


def test_a_calendar_reads_the_day() -> None:
    day = Step("input", (), Type("date", low=0, high=50_000), name="day")
    table = Step("calendar", (0,), replace(WIDE), slot=0)

    # The table numbers days from 1990-01-01; 2025-01-01 is 12,784 days later: 35 years of 365 and 9 leap days.
    assert Decimal(12_784) == last_value(day, table)


# refusals and faults


def _guarded(condition: int, guard: int) -> RowProblem | Bill:
    truths = [Step("literal", (), BOOLEAN, value=value) for value in (condition, guard)]
    steps = [*truths, Step("require", (0, 1), BOOLEAN, refusal=0)]
    return alike(steps_only(steps, refusals=[Refusal("divide-by-zero", "kwh")]), {}, **JANUARY)


def test_a_requirement_counts_only_where_its_guard_holds() -> None:
    assert isinstance(_guarded(0, 0), Bill)
    assert isinstance(_guarded(1, 1), Bill)
    assert isinstance(_guarded(0, 1), RowProblem)


def test_the_first_requirement_in_program_order_refuses() -> None:
    no = Step("literal", (), BOOLEAN, value=0)
    steps = [no, Step("require", (0,), BOOLEAN, refusal=1), Step("require", (0,), BOOLEAN, refusal=0)]
    refusals = [Refusal("divide-by-zero", "second"), Refusal("divide-by-zero", "first")]

    problem = alike(steps_only(steps, refusals=refusals), {}, **JANUARY)

    assert isinstance(problem, RowProblem)
    assert "first" == problem.field


def test_a_value_outside_its_type_is_a_fault_of_ours() -> None:
    with pytest.raises(Unsound, match="outside"):
        last_value(literal(5), literal(6), Step("add", (0, 1), Type(low=0, high=10)))
    with pytest.raises(Unsound, match="outside"):
        last_value(literal(5, 1), literal(5, 1), Step("multiply", (0, 1), Type(places=1, low=0, high=100)))


def test_a_claim_may_fail_only_where_nothing_reads_it() -> None:
    claim = Step("claim", (0,), Type(low=0, high=10))
    no = Step("literal", (), BOOLEAN, value=0)
    yes = Step("literal", (), BOOLEAN, value=1)
    chosen = Step("select", (2, 1, 3), Type(low=0, high=10))

    def run(condition: Step) -> RowProblem | Bill:
        rules = steps_only([literal(-5), claim, condition, literal(0), chosen])
        return alike(replace(rules, program=replace(rules.program, total=4)), {}, **JANUARY)

    untaken = run(no)

    assert isinstance(untaken, Bill)
    assert 0 == untaken.total
    with pytest.raises(Unsound, match="no branch"):
        run(yes)


def test_a_digit_cannot_be_lost() -> None:
    """A product of 102 digits does not fit the context, and no rule names how to cut it."""
    wide = Type(low=0, high=10**120)
    many = Step("literal", (), wide, value=10**51 + 1)

    with pytest.raises(Inexact):
        last_value(many, Step("multiply", (0, 0), wide), Step("multiply", (0, 1), replace(wide, high=10**160)))


# properties


@given(
    st.integers(-(10**20), 10**20),
    st.integers(-(10**12), 10**12).filter(bool),
    st.integers(0, 6),
    st.sampled_from(MODES),
)
def test_a_quotient_is_within_half_a_place_or_a_place(top: int, bottom: int, places: int, mode: Rounding) -> None:
    found = Fraction(decimals.divided(Decimal(top), Decimal(bottom), places, mode))
    exact = Fraction(top, bottom)
    unit = Fraction(1, 10**places)

    match mode:
        case Rounding.HALF_UP | Rounding.HALF_EVEN:
            assert abs(found - exact) <= unit / 2
        case Rounding.UP:
            assert 0 <= abs(found) - abs(exact) < unit
        case Rounding.DOWN:
            assert 0 <= abs(exact) - abs(found) < unit
        case Rounding.FLOOR:
            assert 0 <= exact - found < unit
        case Rounding.CEILING:
            assert 0 <= found - exact < unit


@given(st.integers(0, 10**18), st.integers(1, 10**9), st.integers(0, 5), st.sampled_from(MODES))
def test_a_root_squares_back(top: int, bottom: int, places: int, mode: Rounding) -> None:
    root = Fraction(decimals.rounded_root(top, bottom, places, mode))
    exact = Fraction(top, bottom)
    unit = Fraction(1, 10**places)

    match mode:
        case Rounding.DOWN | Rounding.FLOOR:
            assert root**2 <= exact < (root + unit) ** 2
        case Rounding.UP | Rounding.CEILING:
            assert root**2 >= exact
            assert root == 0 or (root - unit) ** 2 < exact
        case _:
            assert (root + unit / 2) ** 2 >= exact
            assert root == 0 or (root - unit / 2) ** 2 <= exact


@given(st.integers(-(10**15), 10**15), st.integers(0, 8), st.integers(0, 8), st.sampled_from(MODES))
def test_rounding_by_quantize_and_by_whole_numbers_agree(whole: int, places: int, to: int, mode: Rounding) -> None:
    value = decimals.of_whole(whole, places)

    assert decimals.divided(value, Decimal(1), to, mode) == decimals.rounded(value, to, mode, decimals.naming())
