"""Households of Jiangsu as columns, and what they owe by the notice: for tests that need many rows and right answers.

first tier up to 2,760 kWh a year 0.5283, second up to 4,800 kWh 0.5783, then 0.8283 CNY/kWh, to the fen
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from dianjia.client import Scaled

RULESET = "cn.jiangsu.residential"


def households(rows: int, first: int = 0) -> dict[str, Any]:
    """Columns of households `first` to `first + rows`, all different, across every tier."""
    numbers = np.arange(first, first + rows, dtype=np.int64)
    return {
        "row_id": numbers,
        "ruleset": RULESET,
        "period_from": "2026-03-01",
        "period_to": "2026-04-01",
        "kwh_total": Scaled(kwh(numbers), 2),
        "kwh_year_before": Scaled(before(numbers), 2),
    }


def kwh(numbers: Any) -> Any:
    """[0.01 kWh] of each household."""
    return numbers * 7919 % 130_000


def before(numbers: Any) -> Any:
    """[0.01 kWh] of each household earlier in the year."""
    return numbers * 104_729 % 700_000


def owed(number: int) -> Decimal:
    """What a household pays [CNY], from the printed prices alone."""
    used, so_far = Decimal(int(kwh(number))) / 100, Decimal(int(before(number))) / 100
    total = Decimal(0)
    for low, high, price in ((0, 2760, "0.5283"), (2760, 4800, "0.5783"), (4800, 10**9, "0.8283")):
        part = max(min(so_far + used, Decimal(high)) - max(so_far, Decimal(low)), Decimal(0))
        total += (part * Decimal(price)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return total
