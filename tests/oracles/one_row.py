"""Warnings of one row in plain Decimal: which of cn.national.warnings.one_row a row of data raises.

Written from the list of thresholds, not from the rule file: each comparison stands here with its number. What is not
given says nothing.

Thresholds: usage 1.15, 1.30, 2 times and 0.85, 0.70, 0.5 of the month before; 1.30, 2, 0.70, 0.5 of last year; tiers
from nine tenths of a limit; balance 50, 30, 0 yuan; 1 and 30 days overdue; power factor below the standard, less than
0.02 above it, 0.70 to below 0.80; demand 0.9, 1.0 and 1.05 of the contract; 80 % and 100 % of a transformer; 20 % on
average, 30 % at most; 198 V and 235.4 V; 15 % and 25 % of the highest phase; 30 days before a term ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from tests.oracles.amounts import hundred_digits
from tests.oracles.given import Given
from tests.oracles.power_factor import hundredths

D = Decimal


@hundred_digits
def raised(given: Given, period_from: date, period_to: date) -> frozenset[str]:
    """Return the names of the warnings that a row raises; `given` has the shared file's names."""
    numbers = {name: D(value) for name, value in given.items() if isinstance(value, int | D)}
    return frozenset(
        (
            *_usage(numbers),
            *_tiers(numbers),
            *_money(numbers),
            *_power_factor(numbers),
            *_demand(numbers),
            *_transformer(numbers, (period_to - period_from).days),
            *_terms(given, period_to),
            *_electrical(numbers),
            *_signs(numbers),
        )
    )


Numbers = dict[str, Decimal]


def _usage(of: Numbers) -> Iterator[str]:
    now, before, last_year = of.get("kwh"), of.get("kwh_last_month"), of.get("kwh_last_year")
    if now is not None and before is not None:
        up = [("usage_surge", D(2)), ("usage_up", D("1.30")), ("usage_rise", D("1.15"))]
        down = [("usage_drop", D("0.5")), ("usage_down", D("0.70")), ("usage_fall", D("0.85"))]
        yield from next(([name] for name, times in up if now > times * before), [])
        yield from next(([name] for name, times in down if now < times * before), [])
    if now is not None and last_year is not None:
        up = [("year_surge", D(2)), ("year_up", D("1.30"))]
        down = [("year_drop", D("0.5")), ("year_down", D("0.70"))]
        yield from next(([name] for name, times in up if now > times * last_year), [])
        yield from next(([name] for name, times in down if now < times * last_year), [])
    if now == 0:
        yield "zero_use"
    months = of.get("months_zero", D(0))
    if months >= 6:
        yield "empty_house"
    elif months >= 3:
        yield "zero_months"
    if "kwh_peak" in of and "kwh_valley" in of and of["kwh_peak"] > 3 * of["kwh_valley"]:
        yield "peak_valley_high"


def _tiers(of: Numbers) -> Iterator[str]:
    for limit, name in (("tier_1_kwh", "second_tier"), ("tier_2_kwh", "third_tier")):
        if "tier_kwh" not in of or limit not in of:
            continue
        used, most = of["tier_kwh"], of[limit]
        if used * 10 > most * 9 and used <= most:
            yield f"{name}_near"
        if used > most and "kwh" in of and used - of["kwh"] <= most:
            yield name


def _money(of: Numbers) -> Iterator[str]:
    if "balance_cny" in of:
        left = of["balance_cny"]
        ranges = [("balance_negative", D(0)), ("balance_low", D(30)), ("balance_watch", D(50))]
        yield from next(([name] for name, below in ranges if left < below), [])
    if of.get("owed_cny", D(0)) > 0 and of.get("days_overdue", D(0)) >= 1:
        yield "overdue_long" if of["days_overdue"] >= 30 else "overdue"


def _power_factor(of: Numbers) -> Iterator[str]:
    if "kwh" not in of or "kvarh" not in of:
        return
    factor = hundredths(of["kwh"], of["kvarh"])
    if factor is None:  # neither kWh nor kvarh
        return
    if "power_factor_standard" in of:
        above = factor - of["power_factor_standard"] * 100
        if above < 0:
            yield "power_factor_low"
        elif above < 2:
            yield "power_factor_near"
    if 70 <= factor < 80:
        yield "power_factor_70_80"


def _demand(of: Numbers) -> Iterator[str]:
    if "demand_kw" in of and "contract_kw" in of:
        steps = [("demand_surcharged", 105), ("demand_over_contract", 100), ("demand_near_contract", 90)]
        share = of["demand_kw"] * 100
        yield from next(([name] for name, percent in steps if share > percent * of["contract_kw"]), [])
    if "demand_kw" in of and "capacity_kva" in of and of["demand_kw"] < D("0.626") * of["capacity_kva"]:
        yield "demand_better"
    if of.get("response_times", D(0)) >= 10:
        yield "response_frequent"


def _transformer(of: Numbers, days: int) -> Iterator[str]:
    in_service = of.get("running_kva", of.get("contract_kva"))
    if in_service is not None and "demand_kw" in of:
        if of["demand_kw"] > in_service > 0:
            yield "demand_over_capacity"
        if of["demand_kw"] * 10 < in_service * 3:
            yield "idle_capacity"
    if in_service and "load_kva" in of:
        if of["load_kva"] >= in_service:
            yield "transformer_overloaded"
        elif of["load_kva"] * 5 >= in_service * 4:
            yield "transformer_heavy"
    if "kwh" not in of:
        return
    if "contract_kva" in of and of["kwh"] * 5 < of["contract_kva"] * 24 * days:
        yield "light_load"
    if in_service and of["kwh"] == 0:
        yield "transformer_no_load"
    if in_service and of["kwh"] > in_service * 24 * days * D("1.2"):
        yield "use_beyond_capacity"


def _terms(given: Given, period_to: date) -> Iterator[str]:
    last_day = period_to - timedelta(days=1)
    temporary, suspended = given.get("temporary_through"), given.get("suspended_through")
    if isinstance(temporary, date):
        if temporary < last_day:
            yield "temporary_over"
        elif temporary < period_to + timedelta(days=30):
            yield "temporary_ends"
    if isinstance(suspended, date) and last_day <= suspended < period_to + timedelta(days=30):
        yield "suspension_ends"


def _electrical(of: Numbers) -> Iterator[str]:
    phases = [of[name] for name in ("current_a", "current_b", "current_c") if name in of]
    if len(phases) == 3:
        apart, highest = max(phases) - min(phases), max(phases)
        if apart * 4 > highest:
            yield "unbalanced_much"
        elif apart * 20 > highest * 3:
            yield "unbalanced"
    if of.get("voltage_min_kv", D(1)) < D("0.198"):
        yield "voltage_low"
    if of.get("voltage_max_kv", D(0)) > D("0.2354"):
        yield "voltage_high"


def _signs(of: Numbers) -> Iterator[str]:
    share = None
    if "kwh" in of and "kwh_last_month" in of:
        share = of["kwh"], of["kwh_last_month"]
    if "total_start" in of and "total_end" in of and of["total_end"] < of["total_start"]:
        yield "register_backwards"
    if of.get("kwh_reverse", D(0)) > 0:
        yield "reverse_energy"
    if of.get("cover_opened_times", D(0)) > 0:
        yield "cover_opened"
        if share is not None and share[0] * 2 < share[1]:
            yield "cover_and_drop"
    if of.get("voltage_lost_hours", D(0)) >= 1:
        yield "voltage_lost"
        if share is not None and share[0] * 10 < share[1] * 7:
            yield "voltage_lost_and_drop"
    if of.get("current_lost_hours", D(0)) >= 1:
        yield "current_lost"
    if of.get("phase_deviation", D(0)) > D("0.1"):
        yield "phase_deviates"
