"""A small portfolio for tests of runs: homes whose bills are 0.5283 CNY a kWh, some rows that are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.bulk.book import HOME, SHOP

ROWS = 12
PARTITION_ROWS = 3  # four partitions
REFUSED = {"r4": "out-of-bounds", "r9": "unknown-ruleset"}
TOTALS = {  # kWh × 0.5283 for homes, × 1.00 for shops, half up to fen
    "r0": "52.83",
    "r1": "101.00",
    "r2": "53.89",
    "r3": "103.00",
    "r5": "105.00",
    "r6": "56.00",
    "r7": "107.00",
    "r8": "57.06",
    "r10": "58.11",
    "r11": "111.00",
}


def table(rows: int = ROWS) -> pa.Table:
    """Row N bills 100 + N kWh in January, of a home where N is even, else of a shop; row 4 and row 9 are refused."""
    rulesets = [SHOP if at % 2 else HOME for at in range(rows)]
    kwh = [Decimal(100 + at) for at in range(rows)]
    if rows > 4:
        kwh[4] = Decimal("100000.01")
    if rows > 9:
        rulesets[9] = "cn.test.none"
    return pa.table(
        {
            "row_id": [f"r{at}" for at in range(rows)],
            "ruleset": rulesets,
            "period_from": [date(2026, 1, 1)] * rows,
            "period_to": [date(2026, 2, 1)] * rows,
            "kwh": pa.array(kwh, pa.decimal128(12, 2)),
            "region": ["south" if at % 3 else "north" for at in range(rows)],
        }
    )


def written(folder: Path, made: pa.Table | None = None) -> Path:
    """The portfolio as a Parquet file."""
    path = folder / "rows.parquet"
    pq.write_table(table() if made is None else made, path)
    return path


def after(rows: int, what: BaseException) -> Callable[[int], None]:
    """What an engine calls with the rows of each batch, and which raises something once so many are done."""
    done = 0

    def advance(batch: int) -> None:
        nonlocal done
        done += batch
        if done >= rows:
            raise what

    return advance
