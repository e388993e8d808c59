"""GoRules zen: a decision of expressions, evaluated a row at a time, run in an environment of its own.

Its numbers are decimals of 28 digits and its `round` is half away from zero: products and comparisons are exact. Two
steps need care: a quotient has no more than those digits, so the discount is the floor of a quotient in whole fen,
and a root is not exact, so the power factor is estimated and settled by comparing whole squares. It takes rows as
mappings, one call a row; there is no call for columns.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import zen

from benchmarks.sides import spread
from benchmarks.workloads import Columns, Workload


def load(workload: Workload, columns: Columns) -> tuple[Workload, Any, list[dict[str, Any]]]:
    """Write the decision, and the rows as mappings: decimals as the floats that JSON has, whole numbers as such."""
    expressions = [
        {"id": name, "key": name, "value": text}
        for name, text in (RESIDENTIAL if workload.name == "W1" else INDUSTRIAL).items()
    ]
    node = {
        "id": "bill",
        "name": "bill",
        "type": "expressionNode",
        "content": {"expressions": expressions, "inputField": None, "outputPath": None, "passThrough": False},
    }
    ends = [{"id": name, "name": name, "type": f"{name}Node"} for name in ("input", "output")]
    edges = [
        {"id": "in", "sourceId": "input", "targetId": "bill", "type": "edge"},
        {"id": "out", "sourceId": "bill", "targetId": "output", "type": "edge"},
    ]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": [*ends, node], "edges": edges}))
    cells = [
        [value / 10**c.places if c.places else value for value in columns[c.name].tolist()] for c in workload.inputs
    ]
    names = [column.name for column in workload.inputs]
    return workload, decision, [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]


def bill(loaded: Any) -> list[dict[str, Any] | None]:
    """Bill row by row; None where a value leaves its bounds."""
    workload, decision, rows = loaded
    bounds = [(one.name, one.low / 10**one.places, one.high / 10**one.places) for one in workload.inputs]
    claim = workload.claim
    bills: list[dict[str, Any] | None] = []
    for row in rows:
        refused = any(not low <= row[name] <= high for name, low, high in bounds)
        if claim is not None and not refused:
            refused = round(sum(row[name] for name in claim.columns), 2) > claim.high / 100
        bills.append(None if refused else decision.evaluate(row)["result"])
    return bills


def answer(workload: Workload, bills: list[dict[str, Any] | None]) -> Columns:
    """Take amounts as whole fen."""
    kept = np.array([row for row, made in enumerate(bills) if made is not None], dtype=np.int64)
    whole = {
        name: np.array(
            [
                int(made[_named(name)]) if name in workload.flags else round(float(made[_named(name)]) * 100)
                for made in bills
                if made is not None
            ],
            dtype=np.int64,
        )
        for name in workload.outputs
    }
    return spread(workload, whole, kept, len(bills))


def _named(output: str) -> str:
    return output.replace(".", "_")


RESIDENTIAL = {
    "kwh": "kwh_peak + kwh_valley",
    "first_limit": "household_size >= 5 ? 3960 : 2760",
    "second_limit": "household_size >= 5 ? 6000 : 4800",
    "below_first": "min([ytd_kwh + $.kwh, $.first_limit]) - min([ytd_kwh, $.first_limit])",
    "below_second": "min([ytd_kwh + $.kwh, $.second_limit]) - min([ytd_kwh, $.second_limit])",
    "energy_1": "round($.below_first * 0.5283, 2)",
    "energy_2": "round(($.below_second - $.below_first) * 0.5783, 2)",
    "energy_3": "round(($.kwh - $.below_second) * 0.8283, 2)",
    "peak": "on_tou == 1 ? round(kwh_peak * 0.03, 2) : 0",
    "valley": "on_tou == 1 ? -round(kwh_valley * 0.17, 2) : 0",
    "free_quota": "low_income == 1 ? -round(min([$.kwh, 15]) * 0.5283, 2) : 0",
    "total": "$.energy_1 + $.energy_2 + $.energy_3 + $.peak + $.valley + $.free_quota",
    "usage_surge": "$.kwh > last_year_kwh * 1.5",
}

INDUSTRIAL = {
    "kwh": "kwh_sharp + kwh_peak + kwh_flat + kwh_valley",
    "energy_sharp": "round(kwh_sharp * 1.12345678, 2)",
    "energy_peak": "round(kwh_peak * 0.98765432, 2)",
    "energy_flat": "round(kwh_flat * 0.65432109, 2)",
    "energy_valley": "round(kwh_valley * 0.31415926, 2)",
    "energy": "$.energy_sharp + $.energy_peak + $.energy_flat + $.energy_valley",
    "basic": "basic_mode == 0 ? 32 * capacity_kva"
    " : round(max_demand_kw * ($.kwh >= 260 * capacity_kva ? 43.2 : 48), 2)",
    "active": "$.kwh * $.kwh",
    "all": "$.active + kvarh * kvarh",
    "guess": "$.kwh == 0 ? 0 : floor(100 * ($.active / $.all) ^ 0.5)",
    "factor": "40000 * $.active >= (2 * $.guess + 1) * (2 * $.guess + 1) * $.all ? $.guess + 1 : $.guess",
    "below": "$.factor < 70 ? min([15, 10 + (70 - $.factor)]) : 0.5 * (90 - $.factor)",
    "percent": "$.factor < 90 ? $.below : max([-0.75, -0.15 * ($.factor - 90)])",
    "power_factor": "$.kwh == 0 ? 0 : round(($.energy + $.basic) * $.percent * 0.01, 2)",
    "over": "max([0, $.kwh - 1000000])",
    "quantity_discount": "$.over == 0 ? 0 : -floor((200 * $.energy * $.over + 50 * $.kwh) / (100 * $.kwh)) * 0.01",
    "fund_a": "round($.kwh * 0.019, 2)",
    "fund_b": "round($.kwh * 0.0023, 2)",
    "total": "$.energy + $.basic + $.power_factor + $.quantity_discount + $.fund_a + $.fund_b",
}
