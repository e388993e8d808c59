"""What the hand-written sides share about the power factor: the table and the exact settling of near ties."""

from __future__ import annotations

import numpy as np

from benchmarks.workloads import Ints


def percent_by_factor() -> Ints:
    """Give the adjustment [0.01 %] for each power factor 0.00 to 1.00 [0.01], standard 0.90, -0.75 % to +15 %."""
    table = []
    for factor in range(101):
        if factor >= 90:
            table.append(-15 * min(factor - 90, 5))
        elif factor >= 70:
            table.append(50 * (90 - factor))
        else:
            table.append(min(1500, 1000 + 100 * (70 - factor)))
    return np.array(table, dtype=np.int64)


def settle(kwh: int, kvarh: int, factor: int) -> int:
    """Settle a power factor [0.01] whose binary value lies on a rounding tie, in whole numbers.

    `factor` is either of the two candidates; both quantities are whole numbers of one place, not both zero.
    """
    while 40_000 * kwh * kwh >= (2 * factor + 1) ** 2 * (kwh * kwh + kvarh * kvarh):
        factor += 1
    while 40_000 * kwh * kwh < (2 * factor - 1) ** 2 * (kwh * kwh + kvarh * kvarh):
        factor -= 1
    return factor
