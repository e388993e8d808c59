"""Which rule set bills which worked example, from which facts, and which figures of the example must come out.

`given` is what a billing system would send: what the example states, before anything is computed from it. `figures` are
amounts of the bill, as decimal text: a line id, `total`, a sum of line ids joined by ` + `, or the name of a quantity
(`kwh`, `loss.active`). Every figure stands in the example itself; a test looks for it there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracles.given import Item, Value

HUBEI = "cn.hubei.industry_commerce"
JANUARY = (date(2026, 1, 1), date(2026, 2, 1))


@dataclass(frozen=True)
class Billed:
    """One bill of an example."""

    ruleset: str
    given: Mapping[str, Value]
    figures: Mapping[str, str]
    period: tuple[date, date] = (date(2025, 1, 1), date(2025, 2, 1))


@dataclass(frozen=True)
class Example:
    """An example and its bills.

    Args:
        id: in tests/data/examples.json.
        bills: one or several.
        facts: what it is billed from.
        asks: what the example asks for where it is not a bill; "" where it is.
        differs: why a figure differs from the published one; "" where none does.
        together: the sum of the bills' totals where the example states one.
        average: total by kWh to fen, where the example states it.
        run: the bills are rows of one account, and a run carries what lies before each.
    """

    id: str
    bills: tuple[Billed, ...]
    facts: str
    asks: str = ""
    differs: str = ""
    together: str = ""
    average: str = ""
    run: bool = False


def _kwh(**periods: int) -> dict[str, Value]:
    zero = dict.fromkeys(("sharp", "peak", "flat", "valley"), 0) | periods
    return {f"kwh_{period}": Decimal(kwh) for period, kwh in zero.items()}


def _agency(scheme: str, voltage: str, prices: Mapping[str, str]) -> tuple[Billed, ...]:
    """Return a bill of 1,000,000 kWh for each printed price: energy and funds together are price x 1,000,000."""
    terms: dict[str, Value] = {"scheme": scheme, "voltage": voltage, "kvarh": Decimal(0)}
    if scheme == "two_part":
        terms |= {"basic_mode": "capacity", "capacity_kva": Decimal(1000), "contract_kva": Decimal(1000)}
    return tuple(
        Billed(
            HUBEI,
            {**terms, **_kwh(**{period: 1000000})},
            {f"energy.{period} + grid_loan + resettlement + renewables": str(Decimal(price) * 1000000)},
            JANUARY,
        )
        for period, price in prices.items()
    )


def _demand(way: str, total: str) -> Billed:
    given = {"contract_kw": Decimal(2400), "demand_kw": Decimal(2600)}
    return Billed(f"example.demand_{way}.industry_commerce", given, {"total": total})


# Use and bill of each month, as the example's steps print them.
MONTHLY = (
    (100, "52.83"),
    (150, "79.25"),
    (200, "105.66"),
    (250, "132.08"),
    (300, "158.49"),
    (500, "264.15"),
    (700, "369.81"),
    (650, "347.90"),
    (350, "202.41"),
    (250, "144.58"),
    (250, "144.58"),
    (300, "173.49"),
)


def _year() -> tuple[Billed, ...]:
    before = [sum(kwh for kwh, _ in MONTHLY[:month]) for month in range(12)]
    return tuple(
        Billed(
            "cn.jiangsu.residential",
            {"kwh_total": Decimal(kwh), "kwh_year_before": Decimal(before[month])},
            {"total": amount},
            (date(2025, month + 1, 1), date(2025 + (month + 1) // 12, (month + 1) % 12 + 1, 1)),
        )
        for month, (kwh, amount) in enumerate(MONTHLY)
    )


def _idle(**more: Value) -> Mapping[str, Value]:
    """What a customer of the 1996 rules gives whose meters stood still."""
    registers = [f"{name}_{side}" for name in ("total", "peak", "valley", "reactive") for side in ("start", "end")]
    return {**dict.fromkeys(registers, Decimal(0)), **more}


SEALED: Sequence[Item] = ({"kva": Decimal(1000), "sealed_day": date(2001, 6, 11)}, {"kva": Decimal(630)})
JUNE = (date(2001, 6, 1), date(2001, 7, 1))
ARREARS: Sequence[Item] = (
    {"owed": Decimal(2000), "due_day": date(2000, 12, 15), "paid_day": date(2001, 1, 18)},
    {"owed": Decimal(3000), "due_day": date(2001, 1, 15), "paid_day": date(2001, 1, 18)},
)


def _late(ruleset: str, fee: str) -> Billed:
    given: Mapping[str, Value] = {"user": "other", "arrears": ARREARS}
    return Billed(f"cn.national.{ruleset}", given, {"late_fee": fee}, (date(2001, 1, 1), date(2001, 2, 1)))


def _creep(id_: str, seconds: int, kwh: str) -> Example:
    """A disc that turned without load, 19 hours a day for 36 days."""
    given = {
        "seconds_per_turn": Decimal(seconds),
        "hours_a_day": Decimal(19),
        "days_found": Decimal(36),
        "constant": Decimal(3600),
    }
    facts = f"one turn in {seconds} s, 19 hours a day without load for 36 days, 3600 turns a kWh"
    return Example(id_, (Billed("example.creep", given, {"kwh_again": kwh}),), facts, asks="kWh")


def _slow(id_: str, kwh: int, figures: Mapping[str, str]) -> Example:
    """A meter that is 10 % slow; the shipped rule set prices what is billed again, here at nothing."""
    measured: Mapping[str, Value] = {"kwh_recorded": Decimal(kwh), "error_percent": Decimal(-10)}
    case: Mapping[str, Value] = {
        "fault": "meter_error",
        "permitted_percent": Decimal(2),
        "price": Decimal(0),
        **measured,
    }
    again = {"kwh_again": figures["kwh_again"]}
    bills = (
        Billed("cn.national.back_billing_1996", case, again, JUNE),
        Billed("example.meter_error", measured, figures, JUNE),
    )
    return Example(id_, bills, "what the meter recorded and its error", asks="kWh")


EXAMPLES = (
    Example(
        "cn-ladder-hunan-monthly-uplift",
        (
            Billed(
                "example.hunan.residential",
                {"ladder": "winter_summer", "start": Decimal(300), "end": Decimal(950)},
                {"kwh": "650", "energy.base": "382.20", "energy.2": "13.50", "energy.3": "60.00", "total": "455.70"},
                (date(2013, 7, 1), date(2013, 8, 1)),
            ),
        ),
        "the readings 300 and 950",
    ),
    Example(
        "cn-ladder-guangdong-summer-650",
        (
            Billed(
                "example.guangdong.residential",
                {"kwh": Decimal(650)},
                {"energy.1": "166.40", "energy.2": "234.60", "energy.3": "47.00", "total": "448.00"},
                (date(2013, 7, 1), date(2013, 8, 1)),
            ),
        ),
        "kWh as stated",
    ),
    Example(
        "cn-res-tou-jinan-1",
        (
            Billed(
                "cn.shandong.residential",
                {
                    "on_tou": True,
                    "kwh": Decimal(100),
                    "kwh_peak": Decimal(95),
                    "kwh_valley": Decimal(5),
                    "kwh_year_before": Decimal(0),
                },
                {"energy_tou.peak": "54.81", "energy_tou.valley": "1.88", "total": "56.69"},
            ),
            Billed("cn.shandong.residential", {"kwh": Decimal(100), "kwh_year_before": Decimal(0)}, {"total": "54.69"}),
        ),
        "kWh of peak and valley as stated, in the first tier",
    ),
    Example(
        "cn-res-tou-anhui-solve",
        (
            Billed(
                "example.anhui.residential",
                {"on_tou": True, "kwh_flat": Decimal(40), "kwh_valley": Decimal(60)},
                {"energy_tou.flat": "23.812", "energy_tou.valley": "18.918", "total": "42.73"},
            ),
            Billed(
                "example.anhui.residential",
                {"on_tou": False, "kwh_flat": Decimal(40), "kwh_valley": Decimal(60)},
                {"total": "56.53"},
            ),
        ),
        "kWh of flat and valley as stated",
        asks="the price x = 0.5653 that makes the bill 42.73; without time of use 56.53, 13.80 more",
    ),
    Example(
        "cn-lowincome-sichuan-refund",
        (
            Billed(
                "cn.sichuan.residential",
                {"kwh": Decimal(5), "low_income": True},
                {"free_quota": "-7.84"},
            ),
        ),
        "the household's entitlement; the refund is the same whatever it uses, here 5 kWh",
    ),
    Example(
        "cn-ladder-jiangsu-annual-5000",
        (
            Billed(
                "cn.jiangsu.residential",
                {"kwh_total": Decimal(5000), "kwh_year_before": Decimal(0)},
                {"total": "2803.50"},
                (date(2025, 1, 1), date(2026, 1, 1)),
            ),
        ),
        "kWh of the year as stated, in one bill",
    ),
    Example(
        "cn-ladder-beijing-annual-5000",
        (
            Billed(
                "example.beijing.residential",
                {"kwh": Decimal(5000)},
                {"total": "2597.50"},
                (date(2025, 1, 1), date(2026, 1, 1)),
            ),
        ),
        "kWh of the year as stated, in one bill",
    ),
    Example(
        "cn-ladder-zhejiang-annual-5000",
        (
            Billed(
                "cn.zhejiang.residential",
                {"kwh": Decimal(5000), "kwh_year_before": Decimal(0)},
                {"total": "2852.00"},
                (date(2025, 1, 1), date(2026, 1, 1)),
            ),
        ),
        "kWh of the year as stated, in one bill",
    ),
    Example(
        "cn-ladder-annual-cumulative-by-month",
        _year(),
        "each month's kWh alone: twelve rows of one account, and `dianjia run` carries what lies before in the year",
        together="2175.23",
        run=True,
    ),
    Example(
        "cn-tou-share-18pct",
        (
            Billed(
                "example.tou_share",
                {"on_tou": True, "kwh": Decimal(100000), "kwh_peak": Decimal(20000), "kwh_valley": Decimal(50000)},
                {"kwh_flat": "30000", "less_percent": "18.0", "total": "82000"},
            ),
            Billed(
                "example.tou_share",
                {"on_tou": False, "kwh": Decimal(100000), "kwh_peak": Decimal(20000), "kwh_valley": Decimal(50000)},
                {"total": "100000"},
            ),
        ),
        "kWh in all, of peak and of valley; flat is the rest",
        asks="how much less in percent; at one yuan a kWh 82,000 against 100,000, 18 % less",
    ),
    Example(
        "cn-bill-twopart-5000kva-full",
        (
            Billed(
                "cn.national.two_part_1996",
                {
                    "transformers": [{"kva": Decimal(5000)}],
                    "pt_ratio": Decimal(10000) / Decimal(100),
                    "ct_ratio": Decimal(150) / Decimal(5),
                    "total_start": Decimal("5953.8"),
                    "total_end": Decimal("6124.4"),
                    "peak_start": Decimal("4639.2"),
                    "peak_end": Decimal("4675.1"),
                    "valley_start": Decimal("4565.9"),
                    "valley_end": Decimal("4592.7"),
                    "reactive_start": Decimal("3459.8"),
                    "reactive_end": Decimal("3496.5"),
                    "kwh_lighting": Decimal(2000),
                },
                {
                    "multiplier": "3000",
                    "kwh": "511800",
                    "kvarh": "110100",
                    "power.peak": "107700",
                    "power.valley": "80400",
                    "power.flat": "321700",
                    "basic.capacity": "75000",
                    "energy.peak": "72697.50",
                    "energy.valley": "18090.00",
                    "energy.flat": "144765.00",
                    "power_factor": "-2329.14",
                    "loan_fund": "10236.00",
                    "three_gorges_fund": "3582.60",
                    "local_fund": "3582.60",
                    "lighting": "1400.00",
                    "total": "327024.56",
                },
                JUNE,
            ),
        ),
        "readings of four registers × PT 10000/100 × CT 150/5; the fixed 2000 kWh of lighting, taken out of flat; the "
        "transformer",
        average="0.64",
    ),
    Example(
        "cn-basic-suspend-newcustomer-50pct",
        (
            Billed(
                "cn.national.two_part_1996",
                _idle(within_two_years=True, transformers=SEALED),
                {"basic.capacity": "19450", "total": "19450"},
                JUNE,
            ),
            Billed("cn.national.two_part_1996", _idle(transformers=SEALED), {"total": "14450"}, JUNE),
        ),
        "two transformers; that of 1000 kVA was sealed on 11 June, a day that is free already, and not unsealed",
    ),
    Example(
        "cn-violation-sealed-2000kva",
        (
            Billed(
                "cn.national.breach_1996",
                {
                    "breach": "sealed",
                    "scheme": "two_part",
                    "breach_kva": Decimal(2000),
                    "price_basic": Decimal(15),
                    "from_day": date(2002, 5, 10),
                    "found_day": date(2002, 7, 30),
                },
                {"sealed.back": "81000", "sealed.penalty": "162000"},
                (date(2002, 7, 1), date(2002, 8, 1)),
            ),
        ),
        "kVA, price, the day of sealing, which does not count, and the day of discovery, which does",
        differs="the page breaks off behind 81000; the penalty is 81000 × 2 = 162000 by the rule",
    ),
    Example(
        "cn-theft-residential-2kw",
        (
            Billed(
                "cn.national.theft_1996",
                {
                    "manner": "own_connection",
                    "use": "lighting",
                    "found_day": date(2002, 7, 15),
                    "connected_kw": Decimal(2),
                    "price": Decimal("0.30"),
                },
                {"kwh_taken": "2160", "theft.back": "648", "theft.penalty": "1944"},
                (date(2002, 7, 1), date(2002, 8, 1)),
            ),
        ),
        "2 kW, lighting, the price, and no day on which it began: 180 days of 6 hours by the rule",
        differs="the page breaks off behind 2160 kWh; by the rule 2160 × 0.30 = 648, and 648 × 3 = 1944 for the breach",
    ),
    Example(
        "cn-demand-over-105-three-readings",
        (_demand("a", "92416.00"), _demand("b", "96748.00"), _demand("c", "101080.00")),
        "contract and measured demand as stated",
    ),
    Example(
        "cn-demand-260kwh-per-kva-90pct",
        (
            Billed(
                HUBEI,
                {
                    "scheme": "two_part",
                    "voltage": "from_1_to_20kv",
                    "basic_mode": "actual_demand",
                    "contract_kva": Decimal(3200),
                    "demand_kw": Decimal(2000),
                    **_kwh(flat=900000),
                    "kvarh": Decimal(0),
                },
                {"basic.actual_demand": "75600.00"},
                JANUARY,
            ),
            Billed(
                HUBEI,
                {
                    "scheme": "two_part",
                    "voltage": "from_1_to_20kv",
                    "basic_mode": "actual_demand",
                    "contract_kva": Decimal(3200),
                    "demand_kw": Decimal(2000),
                    **_kwh(flat=831999),
                    "kvarh": Decimal(0),
                },
                {"basic.actual_demand": "84000"},
                JANUARY,
            ),
        ),
        "kWh, transformer kVA and measured demand as stated; and with 831,999 kWh, one short of 260 a kVA",
    ),
    Example(
        "cn-pf-bidirectional-500kva",
        (
            Billed(
                "example.pf_bidirectional",
                {
                    "capacity_kva": Decimal(500),
                    "kwh": Decimal(40000),
                    "kvarh_forward": Decimal(25000),
                    "kvarh_reverse": Decimal(-5000),
                },
                {"power_factor": "750.00"},
            ),
        ),
        "kWh, and kvarh in both directions",
    ),
    Example(
        "cn-pf-loss-included-250kva",
        (
            Billed(
                "example.pf_losses",
                {
                    "kwh_read": Decimal(40000),
                    "kvarh_read": Decimal(10000),
                    "loss_kwh": Decimal(1037),
                    "loss_kvarh": Decimal(7200),
                },
                {"kwh": "42268.11", "kvarh": "17716", "power_factor": "-63.40"},
            ),
        ),
        "what the meters show, the transformer's losses as the example gives them, and the line's 3 % of both together",
    ),
    Example(
        "cn-pf-empty-transformer-250kva",
        (
            Billed(
                "example.pf_empty",
                {"kwh_read": Decimal(0), "no_load_kw": Decimal("0.64"), "kvarh": Decimal("2043.21")},
                {
                    "loss.active": "460.80",
                    "kwh_whole": "461",
                    "energy": "268.06",
                    "power_factor": "270.74",
                    "fund": "12.52",
                    "total": "551.32",
                },
            ),
        ),
        "a meter that stood still and a no-load loss of 0.64 kW, for 720 hours; the factor 0.22 is published without "
        "its kvarh, and 2043.21 have it",
        differs="published as 551: 268.06 + 270.74 + 12.52 = 551.32 without its fen",
    ),
    Example(
        "cn-loss-400kva-k-method",
        (
            Billed(
                "example.loss_k",
                {
                    "capacity_kva": Decimal(400),
                    "iron_kwh": Decimal(300),
                    "iron_kvarh": Decimal(400),
                    "k": Decimal("2.3"),
                    "kwh_read": Decimal(15000),
                    "kvarh_read": Decimal(6000),
                },
                {"loss.active": "450", "loss.reactive": "745", "kwh": "15450", "kvarh": "6745"},
            ),
        ),
        "what the meters show, the transformer's kVA, its monthly iron losses and K",
        asks="kWh and kvarh",
        differs="one published line reads 345 + 150 = 450, where 300 + 150 is meant: the answer stands",
    ),
    _slow("cn-backbill-slow10-900000", 900000, {"kwh_again": "50000"}),
    _slow("cn-backbill-slow10-90000", 90000, {"kwh_missed": "10000", "kwh_again": "5000"}),
    Example(
        "cn-backbill-ct-mixed",
        (
            Billed(
                "example.ct_mixed",
                {
                    "kwh_billed": Decimal(500000),
                    "ratio_billed": Decimal(200) / Decimal(5),
                    "ratio_a": Decimal(150) / Decimal(5),
                    "ratio_b": Decimal(150) / Decimal(5),
                    "ratio_c": Decimal(200) / Decimal(5),
                    "reversed_c": True,
                },
                {"more_percent": "80", "kwh_again": "400000"},
            ),
        ),
        "kWh billed, the ratio they were billed with, the three ratios and which phase was reversed",
        asks="kWh",
    ),
    Example(
        "cn-meter-watt-second",
        (
            Billed(
                "example.meter_test",
                {
                    "constant": Decimal(3600),
                    "lamp_w": Decimal(60),
                    "revolutions": Decimal(6),
                    "seconds": Decimal(60),
                },
                {"true_seconds": "100", "error_percent": "66.7"},
            ),
        ),
        "the meter's constant, the lamp's watts, turns and seconds",
        asks="the meter's error in percent",
    ),
    _creep("cn-meter-creep-40s", 40, "17.1"),
    _creep("cn-meter-creep-50s", 50, "13.68"),
    _creep("cn-meter-creep-30s", 30, "22.8"),
    Example(
        "cn-latefee-crossyear-B",
        (_late("late_fee", "190"), _late("late_fee_new_year_only", "126"), _late("late_fee_all_later", "222")),
        "two months' bills, the day they were due and the day they were paid",
        differs="three answers are published, each by its own reading of the rule: 64 + 108 + 18 = 190 with each day "
        "at its year's rate (`split`), 108 + 18 = 126 with the days of the new year alone (`new_year_only`), "
        "204 + 18 = 222 with all days at the later rate (`all`); 190 is nearest to its wording",
    ),
    Example(
        "cn-latefee-min-1yuan",
        (
            Billed(
                "cn.national.late_fee",
                {
                    "user": "household",
                    "arrears": [
                        {"owed": Decimal(60), "due_day": date(2001, 3, 10), "paid_day": date(2001, 3, 20)},
                    ],
                },
                {"late_fee": "1.00"},
                (date(2001, 3, 1), date(2001, 4, 1)),
            ),
        ),
        "a household's bill, the day it was due and the day it was paid, 10 days later",
    ),
    Example(
        "cn-outage-compensation-single",
        (
            Billed(
                "cn.national.compensation_1996",
                {
                    "scheme": "single",
                    "outages": [{"hours": Decimal(30)}],
                    "kwh_normal": Decimal(30000),
                    "price_energy": Decimal("0.40"),
                },
                {"outage": "-2000"},
                JUNE,
            ),
        ),
        "a normal month's kWh, the price and the hours without supply",
    ),
    Example(
        "cn-energy-fishfarm",
        (Billed("example.fishfarm.agriculture", {"kwh": Decimal(10500)}, {"total": "6436.50"}),),
        "kWh and composite price as stated: the page's table of readings was not stored",
    ),
    Example(
        "cn-agency-hubei-2026-01-single-<1kV",
        _agency(
            "single",
            "below_1kv",
            {"flat": "0.735686", "sharp": "1.133999", "peak": "0.930961", "valley": "0.516924"},
        ),
        "1,000,000 kWh of each period, billed at the printed prices",
        asks="the prices",
        differs="0.384470 + 0.013643 + 0.2103 + 0.0452 + 0.082273 = 0.735886, and sharp, peak and valley hold with "
        "these components: the printed flat price is 0.0002 too low. It is billed as printed; the notice records it",
    ),
    Example(
        "cn-agency-hubei-2026-01-single-1-10kV",
        _agency(
            "single",
            "from_1_to_20kv",
            {"flat": "0.715686", "sharp": "1.113999", "peak": "0.910961", "valley": "0.496924"},
        ),
        "1,000,000 kWh of each period, billed at the printed prices",
        asks="the prices",
        differs="0.384470 + 0.013643 + 0.1903 + 0.0452 + 0.082273 = 0.715886, and sharp, peak and valley hold with "
        "these components: the printed flat price is 0.0002 too low. It is billed as printed; the notice records it",
    ),
    Example(
        "cn-agency-hubei-2026-01-two-1-10kV",
        _agency(
            "two_part",
            "from_1_to_20kv",
            {"flat": "0.651886", "sharp": "1.049999", "peak": "0.848961", "valley": "0.432924"},
        ),
        "1,000,000 kWh of each period, billed at the printed prices",
        asks="the prices",
        differs="1.49 × (0.384470 + 0.013643) + 0.1263 + 0.0452 + 0.082273 = 0.846961, and 1.49 holds in all other "
        "rows: the printed peak price is 0.002 too high. It is billed as printed; the notice records it",
    ),
    Example(
        "cn-agency-hubei-2026-01-two-220kV+",
        _agency(
            "two_part",
            "at_220kv",
            {"flat": "0.594986", "sharp": "0.993099", "peak": "0.790061", "valley": "0.376024"},
        ),
        "1,000,000 kWh of each period, billed at the printed prices",
        asks="the prices",
    ),
)
