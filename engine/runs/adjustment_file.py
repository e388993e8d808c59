"""Files of adjustments: what a billing system loads, as Parquet or CSV, and the lists that belong to it.

A file is written under a temporary name and reaches the disk before the ledger knows of it; it gets its own name after
the ledger's commit. Wherever this is cut short, repeating the command writes the same bytes again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from engine.bulk.money import decimals, exact_sum
from engine.bulk.sinks import PARTIAL, writing
from engine.runs.adjustment_ledger import Batch, Rows
from engine.runs.adjustment_problems import AdjustmentProblem

SUFFIXES: Final = (".parquet", ".csv")
REFUND: Final = "refund"  # 退: the customer gets money back, the amount is below zero
COLLECT: Final = "collect"  # 补: the customer pays more, the amount is above zero
_DIGITS: Final = 18
_GROUP_ROWS: Final = 131_072


def check_output(output: Path) -> None:
    """Refuse a name that says no format.

    Raises:
        AdjustmentProblem: `output-suffix`.
    """
    if output.suffix not in SUFFIXES:
        raise AdjustmentProblem("output-suffix", str(output))


def beside(output: Path, what: str) -> Path:
    """The name of a list that belongs to a file: `july.parquet` -> `july.held.parquet`."""
    return output.with_name(f"{output.stem}.{what}{output.suffix}")


def table_of(batch: Batch, rows: Rows) -> Any:
    """The adjustments as a table."""
    bills, count = rows.bills, len(rows.ids)
    bill_ids = rows.bill_ids.take(bills)
    replaced = pc.binary_join_element_wise(rows.bill_ids, pa.array(rows.replaces).cast(pa.string()), "/").take(bills)
    direction = pa.array([REFUND, COLLECT]).take((rows.amounts > 0).astype(np.int64))

    def same(value: str) -> Any:
        return pa.array([value]).take(np.zeros(count, np.int64))

    columns = {
        "adjustment_id": rows.ids,
        "bill_id": bill_ids,
        "revision": pa.array(rows.revisions[bills]),
        "replaces": replaced,
        "account": _empty_as_null(rows.accounts).take(bills),
        "charge": rows.charges,
        "amount": decimals(rows.amounts, batch.places, _DIGITS),
        "currency": rows.currencies.take(bills),
        "direction": direction,
        "reason": same(batch.reason),
        "reverses": _empty_as_null(rows.reverses),
        "run": same(batch.run),
        "version": same(batch.version),
    }
    told = {
        "dianjia.run": batch.run,
        "dianjia.kind": batch.kind,
        "dianjia.number": str(batch.number),
        "dianjia.complete": str(batch.summary["complete"]).lower(),
        "dianjia.filter": str(batch.summary["filter"]),
        "dianjia.original": batch.original,
        "dianjia.reason_text": batch.reason_text,
    }
    return pa.table(columns).replace_schema_metadata(told)


def sums_of(batch: Batch, rows: Rows) -> list[dict[str, object]]:
    """Sums by currency and charge, both directions apart; money is decimal text."""
    currencies = rows.currencies.take(rows.bills)
    keys = pc.binary_join_element_wise(currencies, rows.charges, "\0").dictionary_encode()
    codes = keys.indices.to_numpy()
    found = []
    for at, key in sorted(enumerate(keys.dictionary.to_pylist()), key=lambda one: str(one[1])):
        amounts = rows.amounts[codes == at]
        currency, charge = key.split("\0")
        refunds, more = amounts[amounts < 0], amounts[amounts > 0]
        found.append(
            {
                "currency": currency,
                "charge": charge,
                REFUND: {"count": len(refunds), "amount": money(exact_sum(refunds), batch.places)},
                COLLECT: {"count": len(more), "amount": money(exact_sum(more), batch.places)},
            }
        )
    return found


def money(whole: int, places: int) -> str:
    """Whole numbers of a place as decimal text."""
    return f"{Decimal(whole).scaleb(-places):f}"


def write_partial(output: Path, table: Any, token: str) -> Path:
    """Write a table under a temporary name, down to the disk; gives that name."""
    partial = partial_of(output, token)
    with writing(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                if output.suffix == ".csv":
                    flat = pa.table([_flat(column) for column in table.columns], table.column_names)
                    pa_csv.write_csv(flat, file, pa_csv.WriteOptions(quoting_style="needed"))
                else:
                    pq.write_table(table, file, row_group_size=_GROUP_ROWS, compression="zstd", compression_level=1)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            abandon(partial)
            raise
    return partial


def partial_of(output: Path, token: str) -> Path:
    """The temporary name of a file."""
    return output.with_name(f"{output.name}.{token}{PARTIAL}")


def abandon(partial: Path) -> None:
    """Take a temporary file away."""
    with suppress(OSError):
        partial.unlink(missing_ok=True)


def place(partial: Path, output: Path) -> None:
    """Give a file its own name."""
    with writing(output):
        partial.replace(output)
        folder = os.open(output.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_list(output: Path, what: str, table: Any, token: str) -> None:
    """Write a list beside a file, where it has rows."""
    if table.num_rows:
        path = beside(output, what)
        place(write_partial(path, table, token), path)


def write_summary(output: Path, batch: Batch) -> None:
    """Write what a file holds beside it."""
    path = output.with_name(output.name + ".summary.json")
    told: Mapping[str, object] = {"file": output.name, "sha256": sha256(output), **batch.summary}
    partial = path.with_name(path.name + PARTIAL)
    with writing(path):
        partial.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)


def sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    with writing(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _empty_as_null(texts: Any) -> Any:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _flat(column: Any) -> Any:
    return column.cast(pa.string()) if pa.types.is_decimal(column.type) else column
