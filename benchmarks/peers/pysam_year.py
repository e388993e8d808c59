"""NREL's PySAM, `Utilityrate5`: a year of hours, in an environment of its own (`benchmarks/environments.py`).

Its own reader turns the rate into inputs, once; a year is the assignment of the load and `execute`. It always computes
a bill with and one without a generator, and reports of each; its generator is given as nothing. Amounts are doubles and
are not rounded.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from PySAM import Utilityrate5, UtilityRateTools  # type: ignore[import-not-found]  # is in its own environment

from benchmarks.hours_worker import serve

PRO_RATA = 0  # `ur_metering_option`: tiers pool the periods and are shared pro rata
OUTPUTS = {
    "energy": "year1_monthly_ec_charge_without_system",
    "demand_flat": "year1_monthly_dc_fixed_without_system",
    "demand_tou": "year1_monthly_dc_tou_without_system",
    "fixed": "year1_monthly_fixed_without_system",
    "minimum": "year1_monthly_minimum_without_system",
    "total": "year1_monthly_utility_bill_wo_sys",
}


class Year:
    """A model with a rate's inputs, of one year, without a generator."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        rates = UtilityRateTools.URDBv8_to_ElectricityRates(copy.deepcopy(fields)) | {"ur_metering_option": PRO_RATA}
        self.model = Utilityrate5.new()
        self.model.assign(
            {
                "ElectricityRates": {**rates, "rate_escalation": [0]},
                "Lifetime": {"analysis_period": 1, "inflation_rate": 0, "system_use_lifetime_output": 0},
                "SystemOutput": {"gen": [0.0] * 8760, "degradation": [0]},
            }
        )

    def year(self, load: Sequence[float]) -> Any:
        self.model.Load.load = load
        self.model.execute(0)
        return self.model.Outputs

    def months(self, billed: Any) -> Sequence[Mapping[str, float]]:
        columns = {name: getattr(billed, output) for name, output in OUTPUTS.items()}
        return [{name: values[month] for name, values in columns.items()} for month in range(12)]


if __name__ == "__main__":
    serve(Year)
