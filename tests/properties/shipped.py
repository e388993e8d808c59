"""Cases for the shipped rule sets: what a customer of each may look like, mostly right, sometimes to be refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.oracles import (
    guangdong_residential,
    hubei_industry_commerce,
    jiangsu_residential,
    shanghai_residential,
    sichuan_residential,
    two_part_1996,
)
from tests.oracles.given import Value
from tests.properties import draw
from tests.properties.case import Case, Row, joined, rows_of
from tests.properties.kinds_money import REACTIVE

D = Decimal
PEOPLE = st.sampled_from([None, D(1), D(4), D(5), D(30)])
RARELY = st.sampled_from([False, False, False, False, True])
FLAG = st.sampled_from([None, False, True])
Registers = Mapping[str, Value]


def _annual_registers(near: list[int]) -> SearchStrategy[Registers]:
    """Draw a total register, peak and valley, or all three, which seldom disagree."""
    kwh = draw.number(0, 1000000, 2, near=[*near, 300, *draw.ties("0.5783"), *draw.ties("0.03")], usual=1500)
    split = st.tuples(kwh, kwh)
    billed: list[SearchStrategy[Registers]] = [
        kwh.map(lambda total: {"kwh_total": total}),
        split.map(lambda pair: {"kwh_peak": pair[0], "kwh_valley": pair[1], "on_tou": True}),
        split.map(lambda pair: {"kwh_peak": pair[0], "kwh_valley": pair[1]}),
    ]
    return st.one_of(
        *billed * 3,
        st.tuples(kwh, kwh).map(lambda pair: {"kwh_total": pair[0], "kwh_peak": pair[1]}),
        split.map(
            lambda pair: {
                "kwh_total": min(D(1000000), pair[0] + pair[1]),
                "kwh_peak": pair[0],
                "kwh_valley": pair[1],
                "on_tou": True,
            }
        ),
        kwh.map(lambda peak: {"kwh_peak": peak, "on_tou": True}),
    )


JIANGSU_LIMITS = [2760, 3960, 4800, 6000]
JIANGSU = Case(
    "cn.jiangsu.residential",
    joined(
        rows_of(
            st.one_of(
                draw.month([2013, 2021, 2024, 2026]),
                st.sampled_from(
                    [
                        draw.several(2025, 1, 2),
                        draw.several(2025, 11, 2),
                        draw.several(2025, 12, 2),
                        draw.several(2012, 6, 1),
                        draw.several(2012, 7, 1),
                        draw.several(2021, 2, 1),
                        draw.several(2021, 3, 1),
                    ]
                ),
            ),
            voltage=st.sampled_from([None, None, "below_1kv", "from_1_to_10kv"]),
            meter=st.sampled_from([None, "household", "household", "household", "shared"]),
            kwh_year_before=st.one_of(
                draw.number(0, 12000000, 2, near=[*JIANGSU_LIMITS, *(n - 300 for n in JIANGSU_LIMITS)], usual=7000),
                st.sampled_from([D(0), D(4500), D(2500), D(2760), D(2700), None]),
            ),
            household_size=PEOPLE,
            low_income=FLAG,
        ),
        _annual_registers(JIANGSU_LIMITS),
    ),
    jiangsu_residential.bill_of,
)

SHANGHAI_LIMITS = [3120, 4320, 4800, 6000]
SHANGHAI = Case(
    "cn.shanghai.residential",
    joined(
        rows_of(
            st.one_of(
                draw.month([2021, 2024, 2026]),
                st.sampled_from(
                    [
                        draw.several(2020, 7, 1),
                        draw.several(2020, 8, 1),
                        draw.several(2025, 12, 2),
                        draw.several(2025, 3, 3),
                    ]
                ),
            ),
            user=st.sampled_from([None, "household", "household", "household", "non_household"]),
            voltage=st.sampled_from([None, None, "below_1kv", "at_10kv"]),
            kwh_year_before=st.one_of(
                draw.number(0, 12000000, 2, near=[*SHANGHAI_LIMITS, *(n - 300 for n in SHANGHAI_LIMITS)], usual=7000),
                st.sampled_from([D(0), D(3000), D(3120), D(4700), None]),
            ),
            household_size=PEOPLE,
        ),
        _annual_registers(SHANGHAI_LIMITS),
    ),
    shanghai_residential.bill_of,
)

LADDER = [n * m for n in (200, 260, 300, 360, 400, 500, 600, 700) for m in (1, 2)]


def _guangdong_registers() -> SearchStrategy[Registers]:
    kwh = draw.number(0, 1000000, 2, near=[*LADDER, *draw.ties("0.6002"), *draw.ties("0.05")], usual=1500)
    part = draw.number(0, 300000, 2, near=LADDER, usual=500)
    return st.one_of(
        *[kwh.map(lambda total: {"kwh": total})] * 4,
        *[
            st.tuples(part, part, part).map(
                lambda p: {
                    "on_tou": True,
                    "kwh": p[0] + p[1] + p[2],
                    "kwh_peak": p[0],
                    "kwh_flat": p[1],
                    "kwh_valley": p[2],
                }
            )
        ]
        * 4,
        st.tuples(kwh, part).map(
            lambda p: {"on_tou": True, "kwh": p[0], "kwh_peak": p[1], "kwh_flat": D(0), "kwh_valley": D(0)}
        ),
        st.tuples(kwh, part).map(lambda p: {"on_tou": False, "kwh": p[0], "kwh_peak": p[1]}),
        kwh.map(lambda total: {"on_tou": True, "kwh": total, "kwh_peak": total}),
    )


GUANGDONG = Case(
    "cn.guangdong.residential",
    joined(
        rows_of(
            st.one_of(
                draw.month([2026, 2027]),
                st.sampled_from(
                    [
                        draw.several(2026, 7, 2),
                        draw.several(2026, 11, 2),
                        draw.several(2026, 4, 2),
                        draw.several(2026, 10, 2),
                        draw.several(2026, 12, 2),
                        draw.several(2025, 12, 1),
                    ]
                ),
            ),
            city=st.sampled_from(["zhanjiang", "shenzhen"]),
            meter=st.sampled_from([None, "household", "household", "shared"]),
            household_size=PEOPLE,
        ),
        _guangdong_registers(),
    ),
    guangdong_residential.bill_of,
)


def _sichuan_registers() -> SearchStrategy[Registers]:
    near = [n * m for n in (180, 260, 280) for m in (1, 2)]
    kwh = draw.number(0, 1000000, 2, near=[*near, *draw.ties("0.5224")], usual=800)
    part = draw.number(0, 500000, 2, near=near, usual=300)
    return st.one_of(
        *[kwh.map(lambda total: {"kwh": total})] * 3,
        *[st.tuples(part, part).map(lambda p: {"on_tou": True, "kwh": p[0] + p[1], "kwh_valley": p[1]})] * 4,
        st.tuples(kwh, part).map(lambda p: {"on_tou": True, "kwh": p[0], "kwh_valley": p[1]}),
        st.tuples(kwh, part).map(lambda p: {"kwh": p[0], "kwh_valley": p[1]}),
        kwh.map(lambda total: {"on_tou": True, "kwh": total}),
    )


SICHUAN = Case(
    "cn.sichuan.residential",
    joined(
        rows_of(
            st.one_of(
                draw.month([2022, 2025, 2026, 2027]),
                st.sampled_from(
                    [
                        draw.several(2026, 1, 2),
                        draw.several(2026, 7, 2),
                        draw.several(2025, 7, 3),
                        draw.several(2026, 6, 2),
                        draw.several(2025, 12, 2),
                        draw.several(2021, 6, 1),
                        draw.several(2021, 7, 1),
                    ]
                ),
            ),
            user=st.sampled_from([None, "household", "household", "household", "shared", "non_household"]),
            low_income=FLAG,
        ),
        _sichuan_registers(),
    ),
    sichuan_residential.bill_of,
)

KVA = st.one_of(st.sampled_from([D(315), D(1000), D(3200)]), draw.number(0, 2000000, usual=10000))
KWH = draw.number(0, 500000000, 2, near=[260000, 832000, 65000], usual=500000)


def _demand(mode: str) -> SearchStrategy[Registers]:
    """Draw capacities and demands of a mode that stand in a likely ratio, seldom in an impossible one.

    The kWh of all metering points, where given, are 260 for each kVA, or 0.01 kWh aside.
    """
    contracts = st.sampled_from([D("0.3"), D("0.4"), D("0.41"), D("0.9"), D(1)])
    measured = st.sampled_from([D("0.3"), D("0.94"), D("0.95"), D(1), D("1.05"), D("1.06"), D("1.5"), D("1.51")])
    capacities = st.sampled_from([D(1), D(1), D("0.5"), D("1.01")])

    def values(
        kva: Decimal, contract: Decimal, share: Decimal, capacity: Decimal, running: Decimal | None, aside: int | None
    ) -> Registers:
        contract_kw = (kva * contract).to_integral_value()
        given: dict[str, Value] = {"contract_kva": kva}
        if mode == "capacity":
            given["capacity_kva"] = min(D(2000000), (kva * capacity).to_integral_value())
        else:
            given["demand_kw"] = min(D(2000000), (contract_kw * share).quantize(D("0.0001")))
        if mode == "contract_demand":
            given["contract_kw"] = contract_kw
        if running is not None:
            given["running_kva"] = min(D(2000000), (kva * running).to_integral_value())
        if aside is not None:
            given["kwh_all_points"] = max(D(0), 260 * kva + D(aside) / 100)
        return given

    return st.builds(
        values,
        KVA,
        contracts,
        measured,
        capacities,
        st.sampled_from([None, None, None, D(0), D("0.7"), D(1), D("1.2")]),
        st.sampled_from([None, None, None, -1, 0, 1]),
    )


OUTSIDE = [draw.several(2026, 2, 1), draw.several(2025, 12, 2), draw.several(2026, 1, 2)]
JANUARY = st.sampled_from([*[draw.several(2026, 1, 1)] * 20, *OUTSIDE])
FACTOR: SearchStrategy[Registers] = st.one_of(
    REACTIVE.map(
        lambda pair: {
            "kwh_sharp": D(0),
            "kwh_peak": D(0),
            "kwh_flat": pair[0],
            "kwh_valley": D(0),
            "kvarh": pair[1],
        }
    ),
    *[draw.number(0, 500000000, 2, usual=500000).map(lambda kvarh: {"kvarh": kvarh})] * 4,
    st.sampled_from([{}, {"under_100_kva": True, "kvarh": D(1)}, {"under_100_kva": True}]),
)


def _hubei(scheme: str, mode: str | None) -> SearchStrategy[Row]:
    """Draw rows of a scheme; a voltage that it has no price for is one of six."""
    priced = [voltage for class_, voltage in hubei_industry_commerce.ENERGY if class_ == scheme]
    rows = rows_of(
        JANUARY,
        scheme=st.just(scheme),
        basic_mode=st.just(mode),
        voltage=st.sampled_from([*priced * 4, "below_1kv", "at_110kv", "at_220kv"]),
        kwh_sharp=KWH,
        kwh_peak=KWH,
        kwh_flat=KWH,
        kwh_valley=KWH,
    )
    if scheme == "single":
        small = st.sampled_from([{}, {}, {"under_100_kva": True, "kvarh": None}])
        return joined(joined(rows, FACTOR), small)
    full = joined(rows, FACTOR)
    return full if mode is None else joined(full, _demand(mode))


HUBEI = Case(
    "cn.hubei.industry_commerce",
    st.one_of(
        _hubei("single", None),
        _hubei("single", None),
        _hubei("two_part", "capacity"),
        _hubei("two_part", "contract_demand"),
        _hubei("two_part", "contract_demand"),
        _hubei("two_part", "contract_demand"),
        _hubei("two_part", "actual_demand"),
        _hubei("two_part", "actual_demand"),
        st.one_of(_hubei("two_part", None), _hubei("single", "capacity")),
    ),
    hubei_industry_commerce.bill_of,
)

MONTH_1996 = st.one_of(
    *[draw.month([1997, 2001, 2020])] * 4,
    st.sampled_from([(date(1996, 10, 1), date(1996, 11, 1)), draw.several(2024, 5, 1), draw.several(2024, 6, 1)]),
)
SEALED = st.one_of(
    *[st.none()] * 2,
    *[st.dates(date(year, 1, 1), date(year, 12, 31)) for year in (1997, 2001, 2020)],
)
# A whole suspension, one that goes on, one that is undone on a day before it began.
SUSPENSION: SearchStrategy[Registers] = st.one_of(
    st.just({}),
    SEALED.map(lambda day: {"sealed_day": day}),
    st.builds(
        lambda day, length: {"sealed_day": day, "unsealed_day": day and day + timedelta(days=length)},
        SEALED,
        st.sampled_from([0, 13, 14, 15, 16, 30, 31, 60, 14, 15, 20, 200, -1]),
    ),
)
TRANSFORMER = st.builds(
    lambda kva, suspension: {"kva": kva, **suspension},
    draw.number(0, 100000, near=[315, 630, 1000], usual=3000),
    SUSPENSION,
)
ADVANCE = draw.number(0, 1000, 2, near=[0, "35.90", "26.80"], usual=200)
DIAL = draw.number(0, 900000, 2, usual=9000)


def _read(dial: Decimal, peak: Decimal, flat: Decimal, valley: Decimal, reactive: Decimal) -> Registers:
    """Readings of a meter: what each register showed and shows."""
    advances = {"total": peak + flat + valley, "peak": peak, "valley": valley, "reactive": reactive}
    return {
        **{f"{name}_start": dial for name in advances},
        **{f"{name}_end": dial + advance for name, advance in advances.items()},
    }


def _at_factor(dial: Decimal, pair: tuple[Decimal, Decimal]) -> Registers:
    """Readings whose factor lies at the edge of a step."""
    active, reactive = (min(energy, D(99000)) for energy in pair)
    return _read(dial, D(0), active, D(0), reactive)


# The last two: registers that add up to more than the total, and a reactive register that goes back.
READINGS: SearchStrategy[Registers] = st.one_of(
    *[st.builds(_read, DIAL, ADVANCE, ADVANCE, ADVANCE, ADVANCE)] * 3,
    st.builds(_at_factor, DIAL, REACTIVE),
    st.builds(_read, DIAL.map(lambda dial: dial + 1), ADVANCE, st.just(D("-0.01")), ADVANCE, ADVANCE),
    st.builds(_read, DIAL.map(lambda dial: dial + 1), ADVANCE, ADVANCE, ADVANCE, st.just(D("-0.01"))),
)
TWO_PART = Case(
    "cn.national.two_part_1996",
    joined(
        rows_of(
            MONTH_1996,
            pt_ratio=st.sampled_from([None, D(1), D(100), D(1100)]),
            ct_ratio=st.sampled_from([None, D(1), D(30), D(400)]),
            reverse_start=st.sampled_from([None, D(0), D("0.01")]),
            reverse_end=st.sampled_from([None, D("0.01"), D(50)]),
            kwh_lighting=st.sampled_from([None, D(0), D(2000), D("0.01")]),
            within_two_years=FLAG,
            transformers=st.lists(TRANSFORMER, max_size=4),
        ),
        READINGS,
    ),
    two_part_1996.bill_of,
)

CASES = (JIANGSU, SHANGHAI, GUANGDONG, SICHUAN, HUBEI, TWO_PART)
