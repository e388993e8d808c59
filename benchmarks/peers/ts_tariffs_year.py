"""ts-tariffs: a year of hours, in an environment of its own (`benchmarks/environments.py`).

It knows hours of the day, no seasons and no weekends, and no tiers within time-of-use periods. So a rate without tiers
is given to it as a meter for each period: the hours of each are chosen once, and a year is their selection, the
charges on each, and the sums by month that make twelve bills of them. Amounts are doubles and are not rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from ts_tariffs import meters, tariffs  # type: ignore[import-not-found]  # is in its own environment

from benchmarks.hours_worker import serve

HOURS = pd.date_range("2018-01-01", periods=8760, freq="h")  # a year that begins on a Monday
MONTH = HOURS.month.to_numpy()
Charge = tuple[str, Any, Any]  # component, the hours that it is of, the tariff
MONTHLY = {"frequency_applied": "month"}


class Year:
    """A rate's charges, and the hours of each."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.charges: list[Charge] = []
        energy, demand = fields["energyratestructure"], fields["demandratestructure"]
        for period, price in enumerate(_prices(energy)):
            chosen = _period(fields, "energy") == period
            self.charges.append(("energy", chosen, _tariff(tariffs.SingleRateTariff, "kWh", rate=price)))
        for period, price in enumerate(_prices(demand)):
            chosen = _period(fields, "demand") == period
            self.charges.append(("demand_tou", chosen, _tariff(tariffs.DemandTariff, "kW", rate=price, **MONTHLY)))
        months = np.array(fields["flatdemandmonths"])
        for season, price in enumerate(_prices(fields["flatdemandstructure"])):
            chosen = months[MONTH - 1] == season
            self.charges.append(("demand_flat", chosen, _tariff(tariffs.DemandTariff, "kW", rate=price, **MONTHLY)))
        if fields["fixedchargeunits"] != "$/day":
            raise ValueError(f"a fixed charge by the day is expected; came {fields['fixedchargeunits']}")
        daily = _tariff(tariffs.ConnectionTariff, "day", rate=fields["fixedchargefirstmeter"], frequency_applied="day")
        self.charges.append(("fixed", np.ones(len(HOURS), dtype=bool), daily))

    def year(self, load: pd.Series) -> list[tuple[str, pd.Series]]:
        billed = []
        for component, chosen, tariff in self.charges:
            meter = meters.MeterData(component, load[chosen], timedelta(hours=1), "kWh")
            charge = tariff.apply(meter).charge_ts
            match component:
                case "energy":
                    charge = charge.groupby(charge.index.month).sum()
                case "fixed":
                    charge = charge["charge"].groupby(charge.index.month).sum()
                case _:
                    charge = charge["max"].droplevel("year")
            billed.append((component, charge))
        return billed

    def months(self, billed: list[tuple[str, pd.Series]]) -> Sequence[Mapping[str, float]]:
        found = []
        for month in range(1, 13):
            amounts: dict[str, float] = {}
            for component, charge in billed:
                amounts[component] = amounts.get(component, 0.0) + float(charge.get(month, 0.0))
            found.append({**amounts, "total": sum(amounts.values())})
        return found


def _tariff(kind: Any, unit: str, **more: Any) -> Any:
    return kind(kind.__name__, kind.__name__, unit, f"USD/{unit}", timedelta(hours=1), None, **more)


def _prices(structure: Sequence[Sequence[Mapping[str, Any]]]) -> list[float]:
    if any(len(tiers) > 1 for tiers in structure):
        raise ValueError("ts-tariffs has no tiers within time-of-use periods")
    return [tiers[0]["rate"] + tiers[0].get("adj", 0) for tiers in structure]


def _period(fields: Mapping[str, Any], of: str) -> Any:
    """The period of each hour of the year."""
    workday, weekend = (np.array(fields[f"{of}{day}schedule"]) for day in ("weekday", "weekend"))
    hour = HOURS.hour.to_numpy()
    return np.where(HOURS.day_of_week.to_numpy() < 5, workday[MONTH - 1, hour], weekend[MONTH - 1, hour])


if __name__ == "__main__":
    serve(Year, lambda load: pd.Series(load, index=HOURS))
