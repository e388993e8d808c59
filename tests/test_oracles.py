"""The oracles themselves: they import nothing of the engine, and they give the published answers."""

from __future__ import annotations

import ast
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.oracles import (
    back_billing,
    banded,
    basic_charge,
    event_credit,
    exclusive,
    free_quota,
    guangdong_residential,
    hubei_industry_commerce,
    jiangsu_residential,
    late_fee,
    penalty,
    portfolio_2025,
    power_factor,
    scores,
    tax,
    tiered,
    tiered_time_of_use,
    time_of_use,
    two_part_1996,
)
from tests.oracles.amounts import Refused, half_up
from tests.oracles.given import Value

D = Decimal
ORACLES = sorted((Path(__file__).parent / "oracles").glob("*.py"))


@pytest.mark.parametrize("file", ORACLES, ids=lambda file: file.stem)
def test_oracle_imports_nothing_of_the_engine(file: Path) -> None:
    """An oracle that shared code with the engine would share its mistakes."""
    tree = ast.parse(file.read_text(encoding="utf-8"))

    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}

    assert {name.split(".")[0] for name in imported} & {"engine", "numpy"} == set()


def test_half_up_goes_away_from_zero() -> None:
    """四舍五入, for refunds as for charges."""
    assert [half_up(D(n)) for n in ("1.245", "3.045", "-1.245", "1.2449")] == [
        D("1.25"),
        D("3.05"),
        D("-1.25"),
        D("1.24"),
    ]


def test_hunan_by_uplift() -> None:
    """The published sum: 382.20 + 13.50 + 60.00 = 455.70."""
    tiers: list[tiered.Tier] = [(D(180), D("0.588")), (D(450), D("0.638")), (None, D("0.888"))]

    assert tiered.uplift(D(650), tiers) == {"base": D("382.20"), "2": D("13.50"), "3": D("60.00")}


def test_jinan_by_period() -> None:
    """The published lines: 54.81 and 1.88."""
    lines = time_of_use.time_of_use({"peak": D(95), "valley": D(5)}, {"peak": D("0.5769"), "valley": D("0.3769")})

    assert lines == {"peak": D("54.81"), "valley": D("1.88")}


@pytest.mark.parametrize(("over", "amount"), [("A", "92416"), ("B", "96748"), ("C", "101080"), ("D", "101080")])
def test_demand_above_the_contract(over: str, amount: str) -> None:
    """2600 kW on a contract of 2400 at 36.1 yuan, in the ways that the sources have."""
    lines = basic_charge.contract_demand(D(2400), D(2600), D("36.1"), over)

    assert sum(lines.values()) == D(amount)


@pytest.mark.parametrize(
    ("measured", "billed"), [("2279", "82308"), ("2280", "82308"), ("2300", "83030"), ("2520", "90972")]
)
def test_demand_below_the_contract_in_way_d(measured: str, billed: str) -> None:
    """0.95 x 2400 = 2280 kW at least, x 36.1 = 82,308; to 105 % the demand itself: 2300 x 36.1 = 83,030."""
    lines = basic_charge.contract_demand(D(2400), D(measured), D("36.1"), "D")

    assert lines == {"contract_demand": D(billed), "over_contract": D(0)}


@pytest.mark.parametrize(("kwh", "price"), [("900000", "37.8"), ("832000", "37.8"), ("831999.99", "42")])
def test_260_rule(kwh: str, price: str) -> None:
    """900,000 / 3200 = 281.25; 260 x 3200 = 832,000, the limit included."""
    assert basic_charge.demand_price(D(42), D(kwh), D(3200)) == D(price)


@pytest.mark.parametrize(
    ("standard", "factor", "percent"),
    [
        ("0.90", 100, "-0.75"),
        ("0.90", 95, "-0.75"),
        ("0.90", 94, "-0.60"),
        ("0.90", 91, "-0.15"),
        ("0.90", 90, "0"),
        ("0.90", 89, "0.5"),
        ("0.90", 70, "10"),
        ("0.90", 69, "11"),
        ("0.90", 65, "15"),
        ("0.90", 64, "17"),
        ("0.90", 22, "101"),
        ("0.85", 100, "-1.10"),
        ("0.85", 94, "-1.10"),
        ("0.85", 93, "-0.95"),
        ("0.85", 90, "-0.5"),
        ("0.85", 86, "-0.1"),
        ("0.85", 85, "0"),
        ("0.85", 65, "10"),
        ("0.85", 60, "15"),
        ("0.85", 59, "17"),
        ("0.80", 100, "-1.30"),
        ("0.80", 92, "-1.30"),
        ("0.80", 91, "-1.15"),
        ("0.80", 90, "-1.0"),
        ("0.80", 80, "0"),
        ("0.80", 60, "10"),
        ("0.80", 55, "15"),
        ("0.80", 54, "17"),
    ],
)
def test_power_factor_tables(standard: str, factor: int, percent: str) -> None:
    """The ends of every stretch of the three national tables, and the published 101 %."""
    assert power_factor.percent(D(standard), factor) == D(percent)


@pytest.mark.parametrize(
    ("active", "reactive", "factor"),
    [("511800", "110100", 98), ("40000", "30000", 80), ("42268.11", "17716", 92), ("0", "5", 0), ("5", "0", 100)],
)
def test_power_factor_is_rounded_half_up(active: str, reactive: str, factor: int) -> None:
    """The factors of the published bills."""
    assert power_factor.hundredths(D(active), D(reactive)) == factor


def test_no_energy_no_power_factor() -> None:
    """Neither kWh nor kvarh: no adjustment, not the worst one."""
    assert power_factor.adjustment(D(0), D(0), D("0.90"), D(1000)) == 0


def test_fixed_refund_of_two_months() -> None:
    """7.84 yuan a month, 15.68 for two."""
    assert free_quota.refund_whatever_used(D(15), D("0.5224"), 2) == D("-15.68")


def test_shares_of_a_tier_add_up() -> None:
    """100 kWh, 33.33 and 66.67, over a limit with 50 left: 16.67 (16.665 half up) and the remainder 33.33 in tier 1."""
    tiers: list[tiered_time_of_use.Tier] = [
        (D(3120), {"peak": D(1), "valley": D(1)}),
        (None, {"peak": D(1), "valley": D(1)}),
    ]
    lines = tiered_time_of_use.pooled_pro_rata({"peak": D("33.33"), "valley": D("66.67")}, tiers, 2, before=D(3070))

    assert lines == {"1.peak": D("16.67"), "1.valley": D("33.33"), "2.peak": D("16.67"), "2.valley": D("33.33")}


def test_jiangsu_over_two_tiers() -> None:
    """The last month of a year of 5000 kWh: 300 x 0.5783 + 200 x 0.8283."""
    given = {"kwh_peak": D(200), "kwh_valley": D(300), "kwh_year_before": D(4500)}

    bill = jiangsu_residential.bill_of(given, date(2025, 12, 1), date(2026, 1, 1))

    assert bill == {"energy.1": D(0), "energy.2": D("173.49"), "energy.3": D("165.66"), "total": D("339.15")}


def test_guangdong_in_july() -> None:
    """650 kWh in Zhanjiang: 390.13, and 17.00 + 15.00 on the higher tiers."""
    given: dict[str, Value] = {"city": "zhanjiang", "meter": "household", "kwh": D(650)}

    bill = guangdong_residential.bill_of(given, date(2026, 7, 1), date(2026, 8, 1))

    assert bill == {"energy": D("390.13"), "tier_uplift.1": D(17), "tier_uplift.2": D(15), "total": D("422.13")}


def test_hubei_two_part() -> None:
    """10 kV, 1000 kVA, factor 0.96: worked by hand from the fourth row of the table."""
    given: dict[str, Value] = {
        "scheme": "two_part",
        "voltage": "from_1_to_20kv",
        "basic_mode": "capacity",
        "capacity_kva": D(1000),
        "contract_kva": D(1000),
        "kwh_sharp": D(20000),
        "kwh_peak": D(50000),
        "kwh_flat": D(80000),
        "kwh_valley": D(50000),
        "kvarh": D(60000),
    }

    bill = hubei_industry_commerce.bill_of(given, date(2026, 1, 1), date(2026, 2, 1))

    assert not isinstance(bill, Refused)
    assert (bill["energy.sharp"], bill["power_factor"], bill["total"]) == (D("20095.98"), D("-1158.79"), D("162386.32"))


def test_two_part_1996() -> None:
    """The published bill of a 5000 kVA customer: 327,024.56 yuan."""
    given: dict[str, Value] = {
        "transformers": [{"kva": D(5000)}],
        "pt_ratio": D(100),
        "ct_ratio": D(30),
        "total_start": D("5953.8"),
        "total_end": D("6124.4"),
        "peak_start": D("4639.2"),
        "peak_end": D("4675.1"),
        "valley_start": D("4565.9"),
        "valley_end": D("4592.7"),
        "reactive_start": D("3459.8"),
        "reactive_end": D("3496.5"),
        "kwh_lighting": D(2000),
    }

    bill = two_part_1996.bill_of(given, date(2001, 6, 1), date(2001, 7, 1))

    assert not isinstance(bill, Refused)
    assert bill["total"] == D("327024.56")


@pytest.mark.parametrize(("cross_year", "fee"), [("new_year_only", "126"), ("split", "190"), ("all", "222")])
def test_a_late_fee_over_the_turn_of_the_year(cross_year: str, fee: str) -> None:
    """The three published answers to one question: 2000 yuan of December, 3000 of January, paid on 18 January."""
    paid = date(2001, 1, 18)
    december = late_fee.accrued(
        D(2000), date(2000, 12, 15), paid, late_fee.DAY_AFTER, D("0.002"), D("0.003"), cross_year
    )
    january = late_fee.accrued(D(3000), date(2001, 1, 15), paid, late_fee.DAY_AFTER, D("0.002"), D("0.003"), cross_year)

    assert late_fee.fee([december, january]) == D(fee)


def test_the_least_late_fee() -> None:
    """60 yuan for 10 days at 1 per mille: 0.60, which is 1.00."""
    home = late_fee.accrued(D(60), date(2024, 3, 10), date(2024, 3, 20), late_fee.DAY_AFTER, D("0.001"))

    assert late_fee.fee([home], at_least=D(1)) == D(1)


@pytest.mark.parametrize(("kwh", "price"), [(13700, "0"), (13701, "0.02"), (13800, "0.02"), (13801, "0.08")])
def test_aluminium_bands(kwh: int, price: str) -> None:
    """To 13,700 kWh a tonne nothing, to 13,800 0.02 yuan, above it 0.08 (2014)."""
    prices = [D(0), D("0.02"), D("0.08")]
    (amount,) = banded.whole(D(1000), Fraction(kwh), [(D(13700), True), (D(13800), True)], prices).values()

    assert amount == D(1000) * D(price)


def test_aluminium_steps() -> None:
    """13,355 is 55 above 13,300: three steps of 20 were started, two are full."""
    assert banded.steps_started(Fraction(13355), D(13300), D(20)) == 3
    assert banded.steps_full(Fraction(13355), D(13300), D(20)) == 2
    assert banded.steps_started(Fraction(13300), D(13300), D(20)) == 0


def test_penalty_of_the_unrounded_difference() -> None:
    """The published answer: 1590.084, and 3180.17 at two times."""
    assert penalty.penalty(D("1590.084"), D(2)) == {"back": D("1590.08"), "penalty": D("3180.17")}


def test_tax_in_a_price() -> None:
    """113.00 at 13 %: 100.00 and 13.00."""
    assert tax.contained(D("113.00"), D(13)) == (D(100), D(13))


@pytest.mark.parametrize(("recorded", "again"), [("900000", "50000"), ("90000", "5000")])
def test_a_slow_meter(recorded: str, again: str) -> None:
    """The published answers: 10 % slow, half of the difference."""
    assert back_billing.half_of_error(D(recorded), D(-10)) == D(again)


def test_meters_wrongly_connected() -> None:
    """The published answer: K = 9/5, 500,000 kWh billed, 400,000 to be billed again."""
    assert back_billing.by_factor(D(500000), D("1.8")) == D(400000)


def test_compensation_for_an_outage() -> None:
    """The published answer: 30 hours at 30,000 kWh a month and 0.40 yuan, four times."""
    assert back_billing.outage(D(30000), D(30), D("0.40"), 4) == D(-2000)


def test_an_event_between_its_shares() -> None:
    """1000 kW committed at 12 yuan: 1300 are paid as 1200, 850 as they are, 799 not at all."""
    earned = [event_credit.earned(D(kw), D(12), D(1000), D(80), D(120)) for kw in (1300, 850, 799)]

    assert earned == [D(14400), D(10200), D(0)]


def test_of_equal_reductions_the_first() -> None:
    """Equal by amount: the earlier; one that takes nothing off: none."""
    assert exclusive.largest([("a", True, D(-5)), ("b", True, D(-5)), ("c", False, D(-9))]) == {"a": D(-5)}
    assert exclusive.largest([("a", True, D(5))]) == {}


def test_nearest_rank() -> None:
    """Of 1, 2, 3, 4: half do not exceed 2, a little more than half need 3; a quarter is 1."""
    values = [D(4), D(1), D(3), D(2)]

    assert [portfolio_2025.nearest_rank(values, D(share)) for share in ("0.25", "0.5", "0.51", "1")] == [1, 2, 3, 4]


def test_an_indicator_left_out_gives_its_weight_to_the_others() -> None:
    """0.3 x 80 + 0.2 x 60 + 0.15 x 100 = 51, by 0.65: 78.46; with all five 78.5."""
    there = [("0.30", D(80)), ("0.20", D(60)), ("0.20", None), ("0.15", None), ("0.15", D(100))]
    everyone = [("0.30", D(80)), ("0.20", D(60)), ("0.20", D(70)), ("0.15", D(90)), ("0.15", D(100))]

    assert scores.score(there) == D("78.5")
    assert scores.score(everyone) == D("78.5")
    assert scores.score([("1", None)]) is None


def test_a_limit_belongs_to_the_band_that_says_so() -> None:
    """`below` leaves its limit to the next band, `up_to` keeps it."""
    assert [scores.below(D(value), ["10"], [1, 2]) for value in ("9.99", "10")] == [1, 2]
    assert [scores.up_to(D(value), ["10"], [1, 2]) for value in ("10", "10.01")] == [1, 2]
