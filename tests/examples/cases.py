"""Which rule set bills which worked example, from what, and which figure of the example the bill must show.

`given` is what a billing system would send. `figures` are amounts of the bill, as decimal text: a line id, `total`, or
a sum of line ids joined by ` + `. Every figure stands in the example itself; a test looks for it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracles.given import Value

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
        derived: the facts behind the determinants where the example starts from rawer ones; "" where it does not.
        asks: what the example asks for where it is not a bill; "" where it is.
        differs: why a figure differs from the published one; "" where none does.
        together: the sum of the bills' totals where the example states one.
    """

    id: str
    bills: tuple[Billed, ...]
    derived: str = ""
    asks: str = ""
    differs: str = ""
    together: str = ""


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


EXAMPLES = (
    Example(
        "cn-ladder-hunan-monthly-uplift",
        (
            Billed(
                "example.hunan.residential",
                {"ladder": "winter_summer", "kwh": Decimal(650)},
                {"energy.base": "382.20", "energy.2": "13.50", "energy.3": "60.00", "total": "455.70"},
                (date(2013, 7, 1), date(2013, 8, 1)),
            ),
        ),
        derived="650 kWh from the readings 300 and 950",
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
    ),
    Example(
        "cn-res-tou-jinan-1",
        (
            Billed(
                "example.shandong.residential",
                {"on_tou": True, "kwh_peak": Decimal(95), "kwh_valley": Decimal(5)},
                {"energy_tou.peak": "54.81", "energy_tou.valley": "1.88", "total": "56.69"},
            ),
            Billed("example.shandong.residential", {"on_tou": False, "kwh": Decimal(100)}, {"total": "54.69"}),
        ),
    ),
    Example(
        "cn-res-tou-anhui-solve",
        (
            Billed(
                "example.anhui.residential",
                {"on_tou": True, "kwh_flat": Decimal(40), "kwh_valley": Decimal(60)},
                {"total": "42.73"},
            ),
            Billed(
                "example.anhui.residential",
                {"on_tou": False, "kwh_flat": Decimal(40), "kwh_valley": Decimal(60)},
                {"total": "56.53"},
            ),
        ),
        asks="the price x = 0.5653 that makes the bill 42.73; without time of use 56.53, 13.80 more",
        differs="the example leaves the lines at 23.812 and 18.918 and rounds their sum; a bill's lines are rounded to "
        "23.81 and 18.92, with the same total",
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
    ),
    Example(
        "cn-ladder-zhejiang-annual-5000",
        (
            Billed(
                "example.zhejiang.residential",
                {"kwh": Decimal(5000)},
                {"total": "2852.00"},
                (date(2025, 1, 1), date(2026, 1, 1)),
            ),
        ),
    ),
    Example(
        "cn-ladder-annual-cumulative-by-month",
        _year(),
        derived="what was used before in the year, summed from the months before",
        together="2175.23",
    ),
    Example(
        "cn-tou-share-18pct",
        (
            Billed(
                "example.tou_share",
                {
                    "on_tou": True,
                    "kwh_peak": Decimal(20000),
                    "kwh_flat": Decimal(30000),
                    "kwh_valley": Decimal(50000),
                },
                {"total": "82000"},
            ),
            Billed(
                "example.tou_share",
                {
                    "on_tou": False,
                    "kwh_peak": Decimal(20000),
                    "kwh_flat": Decimal(30000),
                    "kwh_valley": Decimal(50000),
                },
                {"total": "100000"},
            ),
        ),
        asks="how much less in percent; at one yuan a kWh 82,000 against 100,000, 18 % less",
    ),
    Example(
        "cn-bill-twopart-5000kva-full",
        (
            Billed(
                "cn.national.two_part_1996",
                {
                    "capacity_kva": Decimal(5000),
                    "kwh_peak": Decimal(107700),
                    "kwh_flat": Decimal(321700),
                    "kwh_valley": Decimal(80400),
                    "kwh_lighting": Decimal(2000),
                    "kvarh": Decimal(110100),
                },
                {
                    "basic": "75000",
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
                (date(2001, 6, 1), date(2001, 7, 1)),
            ),
        ),
        derived="kWh and kvarh from readings x 3000; the 2000 kWh of lighting taken out of the flat period",
    ),
    Example(
        "cn-basic-suspend-newcustomer-50pct",
        (
            Billed(
                "cn.national.two_part_1996",
                {
                    "capacity_kva": Decimal(1630),
                    "suspended_kva": Decimal(1000),
                    "suspended_days": Decimal(20),
                    "within_two_years": True,
                    **{f"kwh_{period}": Decimal(0) for period in ("peak", "flat", "valley")},
                    "kvarh": Decimal(0),
                },
                {"total": "19450"},
                (date(2001, 6, 1), date(2001, 7, 1)),
            ),
            Billed(
                "cn.national.two_part_1996",
                {
                    "capacity_kva": Decimal(1630),
                    "suspended_kva": Decimal(1000),
                    "suspended_days": Decimal(20),
                    **{f"kwh_{period}": Decimal(0) for period in ("peak", "flat", "valley")},
                    "kvarh": Decimal(0),
                },
                {"total": "14450"},
                (date(2001, 6, 1), date(2001, 7, 1)),
            ),
        ),
        derived="20 suspended days from the sealing day 11 June, which itself is charged",
    ),
    Example(
        "cn-demand-over-105-three-readings",
        (_demand("a", "92416.00"), _demand("b", "96748.00"), _demand("c", "101080.00")),
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
    ),
    Example(
        "cn-pf-loss-included-250kva",
        (
            Billed(
                "example.pf_losses",
                {
                    "kwh_metered": Decimal(40000),
                    "kwh_loss": Decimal(1037),
                    "kvarh_metered": Decimal(10000),
                    "kvarh_loss": Decimal(7200),
                },
                {"power_factor": "-63.40"},
            ),
        ),
        derived="the transformer's losses are given, as the example gives them; losses from a nameplate come later",
    ),
    Example(
        "cn-pf-empty-transformer-250kva",
        (
            Billed(
                "example.pf_empty",
                {"kwh": Decimal("460.80"), "kwh_whole": Decimal(461), "kvarh": Decimal("2043.21")},
                {"energy": "268.06", "power_factor": "270.74", "fund": "12.52", "total": "551.32"},
            ),
        ),
        derived="460.80 kWh of iron loss from 0.64 kW x 720 h, and the kvarh at which the factor is the stated 0.22",
        differs="published as 551, the sum 551.32 without its fen",
    ),
    Example(
        "cn-energy-fishfarm",
        (Billed("example.fishfarm.agriculture", {"kwh": Decimal(10500)}, {"total": "6436.50"}),),
        derived="kWh and composite price as stated: the page's table of readings was not stored",
    ),
    Example(
        "cn-agency-hubei-2026-01-single-<1kV",
        _agency(
            "single",
            "below_1kv",
            {"flat": "0.735686", "sharp": "1.133999", "peak": "0.930961", "valley": "0.516924"},
        ),
        asks="the printed prices; billed on 1,000,000 kWh of each period",
        differs="the printed flat price is billed; the components' sum 0.735886 is an exception recorded in the notice",
    ),
    Example(
        "cn-agency-hubei-2026-01-single-1-10kV",
        _agency(
            "single",
            "from_1_to_20kv",
            {"flat": "0.715686", "sharp": "1.113999", "peak": "0.910961", "valley": "0.496924"},
        ),
        asks="the printed prices; billed on 1,000,000 kWh of each period",
        differs="the printed flat price is billed; the components' sum 0.715886 is an exception recorded in the notice",
    ),
    Example(
        "cn-agency-hubei-2026-01-two-1-10kV",
        _agency(
            "two_part",
            "from_1_to_20kv",
            {"flat": "0.651886", "sharp": "1.049999", "peak": "0.848961", "valley": "0.432924"},
        ),
        asks="the printed prices; billed on 1,000,000 kWh of each period",
        differs="the printed peak price is billed; the formula's 0.846961 is an exception recorded in the notice",
    ),
    Example(
        "cn-agency-hubei-2026-01-two-220kV+",
        _agency(
            "two_part",
            "at_220kv",
            {"flat": "0.594986", "sharp": "0.993099", "peak": "0.790061", "valley": "0.376024"},
        ),
        asks="the printed prices; billed on 1,000,000 kWh of each period",
    ),
)
