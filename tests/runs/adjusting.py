"""Runs made by hand and a billing system that loads adjustments: what the tests of adjustments compare with.

A folder is written as a run writes one, with pyarrow alone. The billing system knows amounts by bill and charge as
decimals, adds what it posts, and never asks the ledger.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.registry.database import Database
from engine.runs.acknowledgements import Acknowledged, acknowledge
from engine.runs.adjustment_sources import Bills
from engine.runs.adjustment_steps import Exported
from engine.runs.adjustments import Wish, export
from engine.runs.reversals import Reversal, reverse

Amounts = Mapping[str, Mapping[str, str]]  # bill -> charge -> decimal text

VERSION = "5" * 64


@dataclass
class Office:
    """A database with its ledger, and a folder for runs and files."""

    database: Database
    folder: Path
    files: int = 0

    def run(self, name: str, amounts: Amounts, **how: Any) -> Bills:
        """Write the folder of a run."""
        folder = self.folder / name
        filter_ = how.pop("filter", "")
        write_run(folder, amounts, **how)
        return Bills(name, folder, filter_, VERSION)

    def path(self, suffix: str = ".parquet") -> Path:
        """A file that is not there yet."""
        self.files += 1
        return self.folder / f"file-{self.files}{suffix}"

    def export(self, run: Bills, original: Bills, **how: Any) -> Exported:
        """Export a run."""
        wish: dict[str, Any] = {"output": self.path(), "reason": "PRICE"} | how
        return export(self.database, Wish(run, original, **wish), 1)

    def reverse(self, run: Bills, **how: Any) -> Exported:
        """Reverse a run."""
        return reverse(self.database, Reversal(run.name, **({"output": self.path()} | how)), 2)

    def acknowledge(self, outcomes: Mapping[str, str]) -> Acknowledged:
        """Acknowledge some adjustments, by id."""
        path = self.path(".csv")
        write_csv(path, ["adjustment_id", "outcome"], outcomes.items())
        return acknowledge(self.database, path)


@dataclass
class BillingSystem:
    """Bills as they stand: what was issued, and every adjustment that was posted."""

    amounts: dict[str, dict[str, Decimal]]
    known: dict[str, dict[str, Any]] = field(default_factory=dict)  # adjustment_id -> row
    outcomes: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def of(amounts: Amounts) -> BillingSystem:
        """One that has issued these bills."""
        return BillingSystem({bill: {name: Decimal(one) for name, one in its.items()} for bill, its in amounts.items()})

    def load(self, file: Path, outcome: Callable[[Mapping[str, Any]], str | None]) -> dict[str, str]:
        """Load a file, post or reject its rows, and leave those for later that have no outcome; gives the outcomes."""
        told: dict[str, str] = {}
        for row in read(file):
            self.known[row["adjustment_id"]] = row
            said = outcome(row)
            if said is not None:
                told |= self.settle(row["adjustment_id"], said)
        return told

    def settle(self, id_: str, outcome: str) -> dict[str, str]:
        """Post or reject an adjustment that was loaded."""
        assert id_ not in self.outcomes
        self.outcomes[id_] = outcome
        row = self.known[id_]
        if outcome == "posted":
            bill = self.amounts[row["bill_id"]]
            bill[row["charge"]] = bill.get(row["charge"], Decimal(0)) + Decimal(row["amount"])
        return {id_: outcome}

    def bills(self) -> dict[str, dict[str, Decimal]]:
        """Amounts that are not zero."""
        return without_zeros(self.amounts)


def posted(_: Mapping[str, Any]) -> str:
    """Post every row."""
    return "posted"


def without_zeros(amounts: Mapping[str, Mapping[str, str | Decimal]]) -> dict[str, dict[str, Decimal]]:
    """Amounts as decimals, without charges of zero."""
    return {bill: {name: Decimal(one) for name, one in its.items() if Decimal(one)} for bill, its in amounts.items()}


def read(file: Path) -> list[dict[str, Any]]:
    """The rows of a file of adjustments."""
    if file.suffix == ".csv":
        with file.open(encoding="utf-8", newline="") as text:
            return [dict(row) for row in csv.DictReader(text)]
    rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return rows


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(header)
        writer.writerows(rows)


def write_run(
    folder: Path,
    amounts: Amounts,
    *,
    partitions: int = 2,
    places: int = 2,
    decimal: bool = False,
    parts: bool = False,
    revision: int | None = None,
    currency: Mapping[str, str] | None = None,
    refused: Mapping[str, str] | None = None,
    whole: bool = False,
    column: str = "bill_id",
    row_ids: Mapping[str, str] | None = None,
) -> None:
    """Write a run's folder: a line `CHARGE.a` with the amount less one, and a line `CHARGE.b` with the one.

    Args:
        folder: made anew.
        amounts: bill -> charge -> decimal text; a charge that a bill does not have is null.
        partitions: files of each kind.
        places: of the lines.
        decimal: lines are decimals, not whole numbers.
        parts: each bill has two rows of lines, the second one with the ones.
        revision: of every bill; None: no such column.
        currency: of bills that are not billed in CNY.
        refused: row id -> code.
        whole: one file of each kind, with its name alone.
        column: that names bills.
        row_ids: bill -> row id; else `r-BILL`.
    """
    ids = row_ids or {}
    names = sorted({name for its in amounts.values() for name in its})
    bills = list(amounts)
    size = -(-len(bills) // partitions) or 1
    for number in range(1 if whole else partitions):
        mine = bills if whole else bills[number * size : (number + 1) * size]
        columns: dict[str, Any] = {
            "row_id": pa.array([ids.get(bill, f"r-{bill}") for bill in mine], pa.string()),
            "account": pa.array([f"a-{bill}" for bill in mine], pa.string()),
            column: pa.array(mine, pa.string()),
        }
        if revision is not None:
            columns["revision"] = pa.array([revision] * len(mine), pa.int32())
        said = currency or {}
        columns["currency"] = pa.array([said.get(bill, "CNY") for bill in mine], pa.string()).dictionary_encode()
        _write(folder, "bills", number, whole, pa.table(columns))
        _write(folder, "lines/cn.somewhere", number, whole, _lines(mine, amounts, names, places, decimal, parts, ids))
        codes = refused or {}
        told = {"row_id": pa.array(list(codes), pa.string()), "code": pa.array(list(codes.values()), pa.string())}
        _write(folder, "refused", number, whole, pa.table(told).slice(0, len(codes) if number == 0 else 0))
    (folder / "summary.json").write_text(json.dumps({"billed": len(bills)}), encoding="utf-8")


def _lines(
    bills: Sequence[str],
    amounts: Amounts,
    names: Sequence[str],
    places: int,
    decimal: bool,
    parts: bool,
    ids: Mapping[str, str],
) -> pa.Table:
    rows = [(bill, part) for bill in bills for part in ((0, 1) if parts else (0,))]
    columns: list[Any] = [pa.array([ids.get(bill, f"r-{bill}") for bill, _ in rows], pa.string())]
    fields = [pa.field("row_id", pa.string())]
    if parts:
        columns.append(pa.array([part + 1 for _, part in rows], pa.int32()))
        fields.append(pa.field("part", pa.int32()))
    for name in names:
        for half in ("a", "b"):
            values: list[Decimal | None] = []
            for bill, part in rows:
                of = amounts[bill].get(name)
                own = None if of is None else Decimal(1) if half == "b" else Decimal(of) - 1
                values.append(None if parts and (part == 0) == (half == "b") else own)
            told = {"charge": name, "money": "true", "places": str(places), "currency": "CNY"}
            type_ = pa.decimal128(18, places) if decimal else pa.int64()
            cells = values if decimal else [None if one is None else int(one.scaleb(places)) for one in values]
            columns.append(pa.array(cells, type_))
            fields.append(pa.field(f"{name}.{half}", type_, metadata=told))
    informing = {"charge": names[0] if names else "energy", "money": "false", "places": "2"}
    columns.append(pa.array([777] * len(rows), pa.int64()))
    fields.append(pa.field("informs", pa.int64(), metadata=informing))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _write(folder: Path, name: str, number: int, whole: bool, table: pa.Table) -> None:
    path = folder / f"{name}.parquet" if whole else folder / name / f"{number:05}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
