"""OpenFisca-core: each name of a bill a variable with a formula over whole columns, run in an environment of its own.

It cannot be exact. Its numbers are float32, seven digits, whatever a formula does, and a variable has no other type:
amounts above some thousand yuan lose their fen, and a tie is decided by the last binary digit. Its wrong totals are
therefore counted and shown. Rounding is `floor(x * 100 + 0.5)`, as its rules write it. It refuses no row by itself (a
missing input is 0), so the bounds are checked before, with numpy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from openfisca_core.entities import build_entity
from openfisca_core.periods import MONTH
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

from benchmarks.sides import spread
from benchmarks.workloads import Columns, Workload

PERIOD = "2026-01"
CUSTOMER = build_entity("customer", "customers", "A customer", is_person=True)
Values = Any  # (row,) float32


def load(workload: Workload, columns: Columns) -> tuple[Workload, TaxBenefitSystem, dict[str, Values]]:
    """Lay the columns out as float32, and write the variables."""
    system = TaxBenefitSystem([CUSTOMER])
    for column in workload.inputs:
        system.add_variable(_variable(column.name, None))
    for name, formula in (RESIDENTIAL if workload.name == "W1" else INDUSTRIAL).items():
        system.add_variable(_variable(name, formula))
    scaled = {one.name: (columns[one.name] / 10.0**one.places).astype(np.float32) for one in workload.inputs}
    return workload, system, scaled


def bill(loaded: Any) -> tuple[int, Any, dict[str, Values]]:
    """Check, and compute every output."""
    workload, system, columns = loaded
    rows = len(columns[workload.inputs[0].name])
    within = np.ones(rows, dtype=np.bool_)
    for one in workload.inputs:
        values, scale = columns[one.name], 10.0**one.places
        low, high = np.float32(one.low / scale), np.float32(one.high / scale)
        if values.min() < low or values.max() > high:
            within &= (values >= low) & (values <= high)
    if workload.claim is not None:
        within &= sum(columns[name] for name in workload.claim.columns) <= np.float32(workload.claim.high / 100)
    kept = np.arange(rows)
    if not within.all():
        kept = np.flatnonzero(within)
        columns = {name: values[kept] for name, values in columns.items()}
    simulation = SimulationBuilder().build_default_simulation(system, count=len(kept))
    for name, values in columns.items():
        simulation.set_input(name, PERIOD, values)
    return rows, kept, {name: simulation.calculate(_named(name), PERIOD) for name in workload.outputs}


def answer(workload: Workload, outcome: Any) -> Columns:
    """Take amounts as whole fen, the nearest to each."""
    rows, kept, bills = outcome
    whole = {
        name: np.rint(values.astype(np.float64) * (1 if name in workload.flags else 100)).astype(np.int64)
        for name, values in bills.items()
    }
    return spread(workload, whole, kept, rows)


def _named(output: str) -> str:
    return output.replace(".", "_")


def _variable(name: str, formula: Any) -> Any:
    parts = {"value_type": float, "entity": CUSTOMER, "definition_period": MONTH, "label": name}
    if formula is not None:

        def computed(customer: Any, period: Any) -> Values:
            return formula(lambda wanted: customer(wanted, period))

        parts["formula"] = computed
    return type(name, (Variable,), parts)


def _fen(amount: Values) -> Values:
    return np.floor(amount * np.float32(100) + np.float32(0.5)) / np.float32(100)


def _under(limit: str) -> Any:
    return lambda v: np.minimum(v("ytd_kwh") + v("kwh"), v(limit)) - np.minimum(v("ytd_kwh"), v(limit))


def _sum(*names: str) -> Any:
    return lambda v: sum(v(name) for name in names[1:]) + v(names[0])


RESIDENTIAL = {
    "kwh": _sum("kwh_peak", "kwh_valley"),
    "first_limit": lambda v: np.where(v("household_size") >= 5, 3960, 2760),
    "second_limit": lambda v: v("first_limit") + 2040,
    "below_first": _under("first_limit"),
    "below_second": _under("second_limit"),
    "energy_1": lambda v: _fen(v("below_first") * 0.5283),
    "energy_2": lambda v: _fen((v("below_second") - v("below_first")) * 0.5783),
    "energy_3": lambda v: _fen((v("kwh") - v("below_second")) * 0.8283),
    "peak": lambda v: _fen(v("kwh_peak") * 0.03) * v("on_tou"),
    "valley": lambda v: -_fen(v("kwh_valley") * 0.17) * v("on_tou"),
    "free_quota": lambda v: -_fen(np.minimum(v("kwh"), 15) * 0.5283) * v("low_income"),
    "total": _sum("energy_1", "energy_2", "energy_3", "peak", "valley", "free_quota"),
    "usage_surge": lambda v: v("kwh") > v("last_year_kwh") * 1.5,
}


def _percent(v: Any) -> Values:
    factor = np.rint(v("factor") * 100)
    low = np.minimum(15, np.where(factor < 70, 10 + (70 - factor), 0.5 * (90 - factor)))
    return np.where(v("kwh") == 0, 0, np.where(factor < 90, low, np.maximum(-0.75, -0.15 * (factor - 90))))


def _signed_fen(amount: Values) -> Values:
    return np.sign(amount) * _fen(np.abs(amount))


INDUSTRIAL = {
    "kwh": _sum("kwh_sharp", "kwh_peak", "kwh_flat", "kwh_valley"),
    "energy_sharp": lambda v: _fen(v("kwh_sharp") * 1.12345678),
    "energy_peak": lambda v: _fen(v("kwh_peak") * 0.98765432),
    "energy_flat": lambda v: _fen(v("kwh_flat") * 0.65432109),
    "energy_valley": lambda v: _fen(v("kwh_valley") * 0.31415926),
    "energy": _sum("energy_sharp", "energy_peak", "energy_flat", "energy_valley"),
    "by_demand": lambda v: _fen(v("max_demand_kw") * np.where(v("kwh") >= 260 * v("capacity_kva"), 43.2, 48)),
    "basic": lambda v: np.where(v("basic_mode") == 0, 32 * v("capacity_kva"), v("by_demand")),
    "factor": lambda v: _fen(v("kwh") / np.sqrt(np.maximum(v("kwh") ** 2 + v("kvarh") ** 2, 1e-4))),
    "percent": _percent,
    "power_factor": lambda v: _signed_fen((v("energy") + v("basic")) * v("percent") / 100),
    "quantity_discount": lambda v: (
        -_fen(0.02 * v("energy") * np.maximum(0, v("kwh") - 1_000_000) / np.maximum(v("kwh"), 0.01))
    ),
    "fund_a": lambda v: _fen(v("kwh") * 0.019),
    "fund_b": lambda v: _fen(v("kwh") * 0.0023),
    "total": _sum("energy", "basic", "power_factor", "quantity_discount", "fund_a", "fund_b"),
}
