"""Each field of a rate, billed as it says. Expected amounts are worked by hand, beside each test.

Loads are of June or January 2018, 720 or 744 hours of 1 kWh with some hours changed, so that sums are easy to follow.
1 June 2018 is a Friday.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engine.urdb.problems import NotTranslated
from engine.urdb.rate import read_rate
from engine.urdb.translate import translate
from tests.oracles.amounts import Refused
from tests.properties.case import Row
from tests.urdb.billing import INTERPRETERS, by_ledger, imported, options

DAY = [0] * 8 + [1] * 12 + [0] * 4  # period 1 from 8 to 20
NIGHT = [0] * 24
HOURS = {"energyweekdayschedule": [DAY] * 12, "energyweekendschedule": [NIGHT] * 12}
SUMMER = [0] * 5 + [1] * 4 + [0] * 3  # June to September
JUNE = (date(2018, 6, 1), date(2018, 7, 1))
JANUARY = (date(2018, 1, 1), date(2018, 2, 1))


def rate(**fields: Any) -> dict[str, Any]:
    """A rate with a name, and energy at 10 cents unless it says otherwise."""
    energy = {"energyratestructure": [[{"rate": 0.10, "unit": "kWh"}]]}
    return {"utility": "Example Co", "name": "Rate 1", "label": "0", **energy, **fields}


def hours(days: int = 30, per_hour: int = 1, **changed: str) -> list[dict[str, Decimal]]:
    """1 kWh an hour; `at_13="5"` makes it 5 kWh in the fourteenth hour."""
    load = [{"kwh": Decimal(1)} for _ in range(24 * days * per_hour)]
    for name, kwh in changed.items():
        load[int(name.removeprefix("at_"))] = {"kwh": Decimal(kwh)}
    return load


def billed(
    fields: Mapping[str, Any], given: Mapping[str, Any], days: tuple[date, date] = JUNE, **said: Any
) -> dict[str, str]:
    """Bill one row with both interpreters, which agree; amounts by ledger, in cents, without those of nothing."""
    compiled = imported(json.dumps(fields), options(minor_places=2, kwh_places=3, **said))
    bills = [bill(compiled, [Row(given, *days)])[0] for bill in INTERPRETERS.values()]
    found = [{ledger: str(amount) for ledger, amount in by_ledger(compiled, one).items() if amount} for one in bills]
    assert found[0] == found[1]
    return found[0]


def refused(
    fields: Mapping[str, Any], given: Mapping[str, Any], days: tuple[date, date] = JUNE, **said: Any
) -> set[str]:
    """Say with which codes both interpreters refuse a row."""
    compiled = imported(json.dumps(fields), options(minor_places=2, kwh_places=3, **said))
    bills = [bill(compiled, [Row(given, *days)])[0] for bill in INTERPRETERS.values()]
    assert all(isinstance(one, Refused) for one in bills), bills
    return {code for one in bills if isinstance(one, Refused) for code in one.codes}


def problem(fields: Mapping[str, Any], **said: Any) -> str:
    """Say why a rate is not translated."""
    with pytest.raises(NotTranslated) as caught:
        translate(read_rate(json.dumps(fields)), options(**said))
    return str(caught.value)


# energy


def test_a_rate_without_hours_bills_a_meters_total() -> None:
    """250 kWh at 10 cents, and 5.00 a month."""
    fields = rate(fixedchargefirstmeter=5, fixedchargeunits="$/month")

    assert {"energy": "25.00", "fixed": "5.00", "total": "30.00"} == billed(fields, {"kwh": Decimal(250)})


def test_rate_and_adjustment_make_the_price() -> None:
    """250 x (0.10 - 0.02)."""
    fields = rate(energyratestructure=[[{"rate": 0.10, "adj": -0.02, "unit": "kWh"}]])

    assert {"energy": "20.00", "total": "20.00"} == billed(fields, {"kwh": Decimal(250)})


def test_periods_follow_the_hours() -> None:
    """June has 21 weekdays: 21 x 12 = 252 hours of period 1 at 30 cents, 468 of period 0 at 10 cents."""
    fields = rate(energyratestructure=[[{"rate": 0.10}], [{"rate": 0.30}]], **HOURS)

    assert {"energy": "122.40", "total": "122.40"} == billed(fields, {"intervals": hours()})


def test_months_have_their_prices() -> None:
    """100 kWh at 10 cents in January, at 30 cents in June; a bill over both is refused."""
    months = [[period] * 24 for period in SUMMER]
    fields = rate(
        energyratestructure=[[{"rate": 0.10}], [{"rate": 0.30}]],
        energyweekdayschedule=months,
        energyweekendschedule=months,
    )

    assert {"energy": "10.00", "total": "10.00"} == billed(fields, {"kwh": Decimal(100)}, JANUARY)
    assert {"energy": "30.00", "total": "30.00"} == billed(fields, {"kwh": Decimal(100)})
    assert {"period-crosses-change"} == refused(fields, {"kwh": Decimal(100)}, (date(2018, 5, 20), date(2018, 6, 20)))


@pytest.mark.parametrize(
    ("unit", "limit", "expected"),
    [
        ("kWh", 500, "50.00 + 44.00"),  # 500 x 0.10 + 220 x 0.20
        ("kWh daily", 10, "30.00 + 84.00"),  # 10 x 30 days: 300 x 0.10 + 420 x 0.20
        ("kWh/kW", 100, "50.00 + 44.00"),  # 100 x 5 kW
        ("kWh/kW daily", 2, "30.00 + 84.00"),  # 2 x 5 kW x 30 days
        ("kWh/hp", 50, "50.00 + 44.00"),  # 50 x 10 hp
    ],
)
def test_tiers_end_where_their_unit_says(unit: str, limit: int, expected: str) -> None:
    """720 kWh, 5 kWh in one hour and none in four others."""
    fields = rate(energyratestructure=[[{"max": limit, "rate": 0.10, "unit": unit}, {"rate": 0.20, "unit": unit}]])
    load = hours(at_12="5", at_1="0", at_2="0", at_3="0", at_4="0")
    demand = {"connected_hp": Decimal(10)} if "hp" in unit else {}

    bill = billed(fields, {"intervals": load, **demand}, interval=60)

    assert str(sum(Decimal(part) for part in expected.split(" + "))) == bill["energy"]


def test_a_last_tier_has_no_end() -> None:
    """PySAM bills 500 kWh of 700 here and drops the rest: 500 x 0.10 = 50.00. All 700 are used: 70.00."""
    fields = rate(energyratestructure=[[{"max": 500, "rate": 0.10}]])

    assert {"energy": "70.00", "total": "70.00"} == billed(fields, {"kwh": Decimal(700)})


TWO_LADDERS = rate(
    energyratestructure=[[{"max": 400, "rate": 0.10}, {"rate": 0.20}], [{"max": 600, "rate": 0.30}, {"rate": 0.40}]],
    **HOURS,
)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        # 468 kWh and 252 kWh, each up its own ladder: 400 x 0.10 + 68 x 0.20 + 252 x 0.30
        ("per_period", "129.20"),
        # of 720 kWh 400 lie below both limits, 200 between them, 120 above: period 0 has 468/720 = 0.65 of each
        # 0.65 x (400 x 0.10 + 320 x 0.20) + 0.35 x (600 x 0.30 + 120 x 0.40) = 67.60 + 79.80
        ("pooled_pro_rata", "147.40"),
    ],
)
def test_ladders_over_periods(scope: str, expected: str) -> None:
    """Limits that differ by period, which NREL's program refuses."""
    assert expected == billed(TWO_LADDERS, {"intervals": hours()}, tier_scope=scope)["energy"]


def test_tiers_in_order_of_time() -> None:
    """The 400th kWh is used on 17 June at 16:00, a Sunday; the 600th ends 25 June, a Monday.

    Period 1 takes 12 hours of each of 21 weekdays: 11 weekdays until the 16th (132 hours), so that of the first 400
    hours 268 are of period 0. All of period 1 until the 25th is below its limit of 600: 17 weekdays, 204 hours at
    0.30; the 4 weekdays after, 48 hours, at 0.40. Period 0: 268 x 0.10 + 200 x 0.20.
    26.80 + 40.00 + 61.20 + 19.20
    """
    assert "147.20" == billed(TWO_LADDERS, {"intervals": hours()}, tier_scope="pooled_chronological")["energy"]


def test_unequal_counts_of_tiers_share_a_ladder() -> None:
    """Period 1 has one price: 0.65 x (400 x 0.10 + 320 x 0.20) + 252 x 0.30 = 67.60 + 75.60."""
    structure = [[{"max": 400, "rate": 0.10}, {"rate": 0.20}], [{"rate": 0.30}]]
    fields = rate(energyratestructure=structure, **HOURS)

    assert "143.20" == billed(fields, {"intervals": hours()}, tier_scope="pooled_pro_rata")["energy"]


def test_fuel_adjustments_by_month() -> None:
    """100 kWh at 10 cents, and 3 cents in June alone."""
    fields = rate(fueladjustmentsmonthly=[0] * 5 + [0.03] + [0] * 6)

    assert {"energy": "13.00", "total": "13.00"} == billed(fields, {"kwh": Decimal(100)})
    assert {"energy": "10.00", "total": "10.00"} == billed(fields, {"kwh": Decimal(100)}, JANUARY)


def test_a_day_of_23_hours() -> None:
    """March 2018 in Los Angeles has 743 hours; 22 weekdays x 12 = 264 of period 1: 479 x 0.10 + 264 x 0.30."""
    fields = rate(energyratestructure=[[{"rate": 0.10}], [{"rate": 0.30}]], **HOURS)
    march = (date(2018, 3, 1), date(2018, 4, 1))

    bill = billed(fields, {"intervals": hours(31)[1:]}, march, timezone="America/Los_Angeles")

    assert {"energy": "127.10", "total": "127.10"} == bill
    assert {"interval-count"} == refused(fields, {"intervals": hours(31)}, march, timezone="America/Los_Angeles")


def test_any_read_cycle() -> None:
    """15 June to 15 July has 11 and 10 weekdays, 4 July among them, which URDB does not know: 252 of 720 hours."""
    fields = rate(energyratestructure=[[{"rate": 0.10}], [{"rate": 0.30}]], **HOURS)
    cycle = (date(2018, 6, 15), date(2018, 7, 15))

    assert {"energy": "122.40", "total": "122.40"} == billed(fields, {"intervals": hours()}, cycle)


def test_energy_fed_in_is_refused() -> None:
    """`sell` is not billed, and what is not billed is not billed by chance."""
    fields = rate(energyratestructure=[[{"rate": 0.10, "sell": 0.05}], [{"rate": 0.30}]], **HOURS)

    assert {"out-of-bounds"} == refused(fields, {"intervals": hours(at_12="-1")})


# demand


def test_demand_by_month_and_tier() -> None:
    """7 kW: 5 x 2.00 + 2 x 3.00 in June; 7 x 1.00 in January."""
    structure = [[{"rate": 1}], [{"max": 5, "rate": 2}, {"rate": 3}]]
    fields = rate(flatdemandstructure=structure, flatdemandmonths=SUMMER, flatdemandunit="kW")

    assert "16.00" == billed(fields, {"intervals": hours(at_50="7")})["demand_flat"]
    assert "7.00" == billed(fields, {"intervals": hours(31, at_50="7")}, JANUARY)["demand_flat"]


def test_demand_by_period() -> None:
    """Hour 13 of a Friday is of period 1: 4 kW x 10.00; hour 2 of period 0: 6 kW x 1.00."""
    fields = rate(
        demandratestructure=[[{"rate": 1}], [{"rate": 10}]],
        demandweekdayschedule=[DAY] * 12,
        demandweekendschedule=[NIGHT] * 12,
    )

    assert "46.00" == billed(fields, {"intervals": hours(at_2="6", at_13="4")})["demand_tou"]


def test_demand_over_a_window_of_several_intervals() -> None:
    """Two quarter hours of 3 kWh in one half hour are 12 kW; one of 4 kWh beside one of 1 kWh is 10 kW, not 16."""
    fields = rate(flatdemandstructure=[[{"rate": 1}]], demandwindow=30)
    load = hours(30, 4, at_4="3", at_5="3", at_8="4")

    assert "12.00" == billed(fields, {"intervals": load}, interval=15)["demand_flat"]


def test_a_ratchet_over_the_months_before() -> None:
    """A peak of 10 kW before, of which 60 % are billed at least: 6 kW x 5.00; with 8 kW now, 8 kW."""
    fields = rate(flatdemandstructure=[[{"rate": 5}]], lookbackpercent=0.6, lookbackrange=5)

    before = {"earlier_peak_kw": Decimal(10)}
    assert "30.00" == billed(fields, {"intervals": hours(), **before})["demand_flat"]
    assert "40.00" == billed(fields, {"intervals": hours(at_9="8"), **before})["demand_flat"]


def test_a_ratchet_of_version_7_by_month() -> None:
    """Half of an earlier peak of 10 kW in June, none of it in January: 5 kW and 1 kW x 5.00."""
    fields = rate(flatdemandstructure=[[{"rate": 5}]], demandratchetpercentage=[0] * 5 + [0.5] * 4 + [0] * 3)

    before = {"earlier_peak_kw": Decimal(10)}
    assert "25.00" == billed(fields, {"intervals": hours(), **before})["demand_flat"]
    assert "5.00" == billed(fields, {"intervals": hours(31), **before}, JANUARY)["demand_flat"]


def test_demand_in_kva_and_hp() -> None:
    """12 kVA x 2.00; 40 hp x 1.50."""
    load = [{**one, "kva": Decimal(12)} for one in hours()]

    by_kva = billed(rate(flatdemandstructure=[[{"rate": 2}]], flatdemandunit="kVA"), {"intervals": load}, interval=60)
    by_hp = billed(
        rate(flatdemandstructure=[[{"rate": 1.5}]], flatdemandunit="hp"),
        {"kwh": Decimal(100), "connected_hp": Decimal(40)},
    )

    assert ("24.00", "60.00") == (by_kva["demand_flat"], by_hp["demand_flat"])


def test_coincident_demand_is_an_input_of_its_months() -> None:
    """8 kW at the system's peak x 3.00 in June; in January it is not asked for, and refused."""
    fields = rate(
        coincidentratestructure=[[{"rate": 0}], [{"rate": 3}]],
        coincidentrateschedule=[[1 if month and hour == 17 else 0 for hour in range(24)] for month in SUMMER],
    )
    given = {"kwh": Decimal(100), "coincident_kw_period_1": Decimal(8)}

    assert "24.00" == billed(fields, given)["coincident"]
    assert {"energy": "10.00", "total": "10.00"} == billed(fields, {"kwh": Decimal(100)}, JANUARY)
    assert {"not-needed"} == refused(fields, given, JANUARY)
    assert {"missing-value"} == refused(fields, {"kwh": Decimal(100)})


def test_a_bill_of_two_months_has_no_single_demand() -> None:
    fields = rate(flatdemandstructure=[[{"rate": 5}]])

    assert {"refused-by-rule"} == refused(fields, {"intervals": hours(61)}, (date(2018, 6, 1), date(2018, 8, 1)))


# fixed and least charges


@pytest.mark.parametrize(
    ("amount", "unit", "expected"),
    [
        (9, "$/month", "9.00"),
        (0.5, "$/day", "15.00"),  # 30 days
        (100, "$/year", "8.33"),  # a twelfth
    ],
)
def test_fixed_charges_by_unit(amount: float, unit: str, expected: str) -> None:
    fields = rate(fixedchargefirstmeter=amount, fixedchargeunits=unit)

    assert expected == billed(fields, {"kwh": Decimal(0)})["fixed"]


def test_further_meters() -> None:
    """9.00, and 2 x 4.00 for the second and third meter."""
    fields = rate(fixedchargefirstmeter=9, fixedchargeeaaddl=4, fixedchargeunits="$/month")

    assert "17.00" == billed(fields, {"kwh": Decimal(0), "meters": 3})["fixed"]
    assert "9.00" == billed(fields, {"kwh": Decimal(0)})["fixed"]


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        ({"mincharge": 20, "minchargeunits": "$/month"}, "7.00"),  # 10.00 + 3.00 lack 7.00
        ({"mincharge": 1, "minchargeunits": "$/day"}, "17.00"),  # 30 days lack 17.00
        ({"minmonthlycharge": 20}, "7.00"),
        ({"minmonthlycharge": 5}, None),
    ],
)
def test_least_charges_by_unit(least: dict[str, Any], expected: str | None) -> None:
    """Energy of 10.00 and a fixed charge of 3.00 count towards the least charge."""
    fields = rate(fixedmonthlycharge=3, **least)

    assert expected == billed(fields, {"kwh": Decimal(100)}).get("minimum")


def test_a_least_charge_of_the_year_comes_in_december() -> None:
    """200.00 a year: 150.00 before and 10.00 in December lack 40.00."""
    fields = rate(annualmincharge=200)
    december = (date(2018, 12, 1), date(2019, 1, 1))

    bill = billed(fields, {"kwh": Decimal(100), "charged_before": Decimal(150)}, december)

    assert {"energy": "10.00", "minimum": "40.00", "total": "50.00"} == bill
    assert {"energy": "10.00", "total": "10.00"} == billed(fields, {"kwh": Decimal(100)})


# what cannot be translated stops the import, and says how to go on


MIXED = [{"max": 9, "rate": 1, "unit": "kWh"}, {"max": 10, "rate": 2, "unit": "kWh/kW"}, {"rate": 3}]
NOT_TRANSLATED = [
    ("flatdemandstructure", "each day", {"flatdemandstructure": [[{"rate": 1}]], "flatdemandunit": "kW daily"}),
    ("fixedchargefirstmeter", "`fixedchargeunits` is missing", {"fixedchargefirstmeter": 9}),
    ("lookbackpercent", "0.35 for 35 %", {"lookbackpercent": 60, "lookbackrange": 11}),
    ("energyratestructure", "follow no order", {"energyratestructure": [MIXED]}),
    ("energyratestructure", "MWh", {"energyratestructure": [[{"max": 9, "rate": 1, "unit": "MWh"}, {"rate": 3}]]}),
]


@pytest.mark.parametrize(("field", "why", "fields"), NOT_TRANSLATED)
def test_money_that_cannot_be_translated_stops_the_import(field: str, why: str, fields: dict[str, Any]) -> None:
    text = problem(rate(**fields))

    assert text.startswith(f"not-translated: `{field}` changes money")
    assert why in text
    assert f"--without {field}" in text


@pytest.mark.parametrize(
    ("fields", "said", "code"),
    [
        ({"fixedmonthlycharge": 5, "fixedchargefirstmeter": 6, "fixedchargeunits": "$/month"}, {}, "conflict"),
        ({"minmonthlycharge": 5, "mincharge": 6, "minchargeunits": "$/month"}, {}, "conflict"),
        ({"minmonthlycharge": 6, "mincharge": 6, "minchargeunits": "$/day"}, {}, "conflict"),
        ({"lookbackpercent": 0.5, "lookbackrange": 3, "lookbackmonths": [True] + [False] * 11}, {}, "conflict"),
        ({"lookbackpercent": 0.5, "lookbackrange": 3, "demandratchetpercentage": [0.6] * 12}, {}, "conflict"),
        ({"flatdemandstructure": [[{"rate": 1}]], "demandwindow": 15}, {"interval": 60}, "interval"),
        ({"energyweekdayschedule": [DAY] * 12, "energyweekendschedule": [DAY] * 12}, {}, "shape"),  # no period 1
        ({"energyweekdayschedule": [NIGHT] * 11, "energyweekendschedule": [NIGHT] * 12}, {}, "shape"),
        ({"energyweekdayschedule": [NIGHT] * 12}, {}, "shape"),  # no weekend
        ({"energyratestructure": [[{"max": 9, "rate": 1}, {"max": 8, "rate": 2}, {"rate": 3}]]}, {}, "shape"),
        ({"energyratestructure": [[{"rate": 1}, {"rate": 2}]]}, {}, "shape"),
        ({"energyratestructure": [[{"rate": "ten cents"}]]}, {}, "shape"),
        ({"fueladjustmentsmonthly": [0.1]}, {}, "shape"),
        ({"flatdemandstructure": [[{"rate": 1}], [{"rate": 2}]]}, {}, "shape"),
        ({"energyratestructure": [[{"rate": 1}], [{"rate": 2}]], **HOURS}, {"timezone": None}, "needs-timezone"),
        ({}, {"in_force": None}, "needs-in-force"),
        ({}, {"in_force": "2018"}, "in-force"),
        ({}, {"without": frozenset({"mincharge"})}, "nothing-to-leave-out"),
        ({"name": "电价"}, {}, "no-id"),
    ],
)
def test_problems_of_a_rate(fields: dict[str, Any], said: dict[str, Any], code: str) -> None:
    assert problem(rate(**fields), **said).partition(":")[0] == code


def test_tiers_over_periods_need_a_scope() -> None:
    """The three readings give 129.20, 147.40 and 147.20 above: there is no default."""
    assert problem(TWO_LADDERS).startswith("needs-tier-scope: tiers run over several time-of-use periods in months all")
