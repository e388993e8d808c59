"""The bills of a finished run, as its folder has them -> amounts of a charge by bill, a column at a time.

`bills` tells which rows are which bills; the tables of lines hold the amounts, wide, a column a line, several rows a
bill where it is made of parts. A charge's amount is the sum of its lines that carry money. Amounts are whole numbers of
a place that the caller names. Nothing here holds more than one charge's amounts at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.bulk.files import damage_named
from engine.runs.adjustment_problems import AdjustmentProblem, first_of

SUMMARY: Final = "summary.json"  # written last: a folder that has it holds a finished run
AMOUNT_MAX: Final = 10**18 - 1  # of one charge of one bill
CHECK_PLACES: Final = 18  # in which amounts go into a bill's check number, whatever the run's own places


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of lines that adds to a charge."""

    table: int  # position among the tables
    name: str
    places: int


@dataclass(frozen=True, slots=True)
class LinesFile:
    """A file of lines, with the bill of each of its rows."""

    path: Path
    bills: NDArray[np.int32]  # (row,) position of its bill
    parts: bool  # a bill may have several rows


@dataclass(frozen=True, slots=True)
class Billed:
    """The bills of one run.

    Attributes:
        name: the run or folder, for messages.
        filter: which part of its input was billed; "": the whole.
        bill_ids: (bill,) texts, each once.
        row_ids: (bill,) texts.
        accounts: (bill,) texts; "" where there are none.
        currencies: (bill,) texts.
        revisions: (bill,) 0 where there are none.
        charges: name -> the columns that add up to it.
        refused: texts of row ids, and the codes why they have no bill.
    """

    name: str
    filter: str
    bill_ids: Any
    row_ids: Any
    accounts: Any
    currencies: Any
    revisions: NDArray[np.int64]
    charges: dict[str, list[Column]]
    tables: list[LinesFile]
    refused: tuple[Any, Any]

    @property
    def places(self) -> int:
        """The most decimal places of any line."""
        return max((one.places for columns in self.charges.values() for one in columns), default=2)

    def amounts(self, charge: str, places: int) -> NDArray[np.int64]:
        """(bill,) a charge's amounts in whole numbers of `places`; 0 where a bill does not have it.

        Raises:
            AdjustmentProblem: `amount-too-large`.
        """
        found = np.zeros(len(self.bill_ids), dtype=np.int64)
        for column in self.charges.get(charge, ()):
            table = self.tables[column.table]
            with damage_named(table.path):
                values = pq.read_table(table.path, columns=[column.name], partitioning=None).column(0)
            whole = _whole(values, column.places)
            by = 10 ** (places - column.places)
            most = int(np.abs(whole).max(initial=0)) if len(whole) else 0
            if most * by > AMOUNT_MAX:
                raise AdjustmentProblem("amount-too-large", self.name, charge=charge, places=places)
            if table.parts:
                np.add.at(found, table.bills, whole * by)
            else:
                found[table.bills] += whole * by
            if int(np.abs(found).max(initial=0)) > AMOUNT_MAX:
                raise AdjustmentProblem("amount-too-large", self.name, charge=charge, places=places)
        return found


def read_billed(folder: Path, name: str, bill_column: str, filter_: str = "") -> Billed:
    """Read which bills a folder has, and where their amounts are.

    Args:
        folder: that a finished run has written.
        name: of the run or folder, for messages.
        bill_column: `bill_id`, or another column that names a bill through all its revisions.
        filter_: which part of its input was billed; "": the whole.

    Raises:
        AdjustmentProblem: the folder holds no finished bills, or a bill is not named, or not alone in its name.
        FileProblem: a file is damaged.
    """
    if not (folder / SUMMARY).is_file():
        raise AdjustmentProblem("bills-not-here", name)
    whole, cut = folder / "bills.parquet", sorted(folder.glob("bills/*.parquet"))
    files = [whole] if whole.is_file() else cut
    if not files:
        raise AdjustmentProblem("bills-not-here", name)
    kept = _Bills(name, bill_column)
    first_of_file: dict[str, tuple[int, Any]] = {}
    for path in files:
        first_of_file["" if path == whole else path.name] = kept.read(path)
    bill_ids = _texts(kept.bill_ids)
    _check_ids(name, bill_column, bill_ids)
    charges: dict[str, list[Column]] = {}
    tables: list[LinesFile] = []
    for path in sorted(folder.glob("lines/**/*.parquet")):
        key = "" if path.parent == folder / "lines" else path.name
        first, row_ids = first_of_file.get(key, (0, pa.array([], pa.string())))
        _add_lines(name, path, first, row_ids, charges, tables)
    return Billed(
        name=name,
        filter=filter_,
        bill_ids=bill_ids,
        row_ids=_texts(kept.row_ids),
        accounts=_texts(kept.accounts),
        currencies=_texts(kept.currencies),
        revisions=np.concatenate([np.zeros(0, np.int64), *kept.revisions]),
        charges=charges,
        tables=tables,
        refused=_refused(folder),
    )


def check_numbers(billed: Billed, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """(position,) a number that tells whether two originals of a bill have the same amounts in the same charges.

    It does not depend on decimal places, on charges of zero, on files and on the order of anything.
    """
    found = np.zeros(len(positions), dtype=np.uint64)
    places = billed.places
    for charge in sorted(billed.charges):
        amounts = billed.amounts(charge, places)[positions]
        named = int.from_bytes(hashlib.sha256(charge.encode()).digest()[:8], "big")
        scaled = amounts.view(np.uint64) * np.uint64(10 ** (CHECK_PLACES - places))
        found += np.where(amounts == 0, np.uint64(0), _mixed(scaled ^ np.uint64(named)))
    return found.view(np.int64)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64 (Steele, Lea and Flood, 2014): every bit of the result depends on every bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class _Bills:
    """Columns of `bills`, as its files are read."""

    def __init__(self, name: str, bill_column: str) -> None:
        self._name = name
        self._column = bill_column
        self._rows = 0
        self.bill_ids: list[Any] = []
        self.row_ids: list[Any] = []
        self.accounts: list[Any] = []
        self.currencies: list[Any] = []
        self.revisions: list[NDArray[np.int64]] = []

    def read(self, path: Path) -> tuple[int, Any]:
        """Read a file; gives the position of its first bill, and its row ids."""
        with damage_named(path):
            names = pq.read_schema(path).names
            if self._column not in names:
                known = ", ".join(f"`{one}`" for one in names)
                raise AdjustmentProblem("bill-id-missing", self._name, column=self._column, known=known)
            wanted = {"row_id", self._column, "account", "revision", "currency"} & set(names)
            table = pq.read_table(path, columns=sorted(wanted), partitioning=None)
        first, rows = self._rows, table.num_rows
        self._rows += rows
        nothing = pa.array([""], pa.string()).take(pa.array(np.zeros(rows, np.int32)))
        account = _text(table.column("account")) if "account" in names else nothing
        self.bill_ids.append(_text(table.column(self._column)))
        self.row_ids.append(_text(table.column("row_id")))
        self.accounts.append(pc.fill_null(account, ""))
        self.currencies.append(pc.fill_null(_text(table.column("currency")), ""))
        self.revisions.append(self._revisions(table.column("revision")) if "revision" in names else np.zeros(rows, int))
        return first, table.column("row_id").combine_chunks()

    def _revisions(self, column: Any) -> NDArray[np.int64]:
        try:
            whole = pc.cast(_text(column) if pa.types.is_dictionary(column.type) else column, pa.int64())
        except pa.ArrowInvalid as error:
            raise AdjustmentProblem("bill-revision", self._name, reason=str(error).rstrip(".")) from None
        values: NDArray[np.int64] = pc.fill_null(whole, 0).to_numpy()
        if len(values) and int(values.min()) < 0:
            raise AdjustmentProblem("bill-revision", self._name, reason=f"there is {int(values.min())}")
        return values


def _text(column: Any) -> Any:
    """A column as texts, of any type that names something."""
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values.cast(pa.string())


def _texts(parts: Sequence[Any]) -> Any:
    return pa.concat_arrays(list(parts))


def _check_ids(name: str, column: str, bill_ids: Any) -> None:
    if bill_ids.null_count:
        raise AdjustmentProblem("bill-id-empty", name, column=column, count=bill_ids.null_count)
    counted = pc.value_counts(bill_ids)
    several = counted.filter(pc.greater(counted.field("counts"), 1))
    if len(several):
        count = pc.sum(several.field("counts")).as_py()
        first = first_of(sorted(several.field("values").to_pylist()))
        raise AdjustmentProblem("bill-id-twice", name, column=column, count=count, first=first)


def _add_lines(
    name: str, path: Path, first: int, row_ids: Any, charges: dict[str, list[Column]], tables: list[LinesFile]
) -> None:
    """Note which columns of a file of lines carry money for which charge, and whose its rows are."""
    with damage_named(path):
        schema = pq.read_schema(path)
        own = pq.read_table(path, columns=["row_id"], partitioning=None).column(0).combine_chunks()
    found = pc.index_in(own.cast(row_ids.type), value_set=row_ids)
    if found.null_count:
        raise AdjustmentProblem("lines-without-bill", name, count=found.null_count)
    bills = found.to_numpy() + np.int32(first)
    table = len(tables)
    tables.append(LinesFile(path, bills, "part" in schema.names))
    for field in schema:
        told = {} if field.metadata is None else {key.decode(): text.decode() for key, text in field.metadata.items()}
        if told.get("money") == "true":
            charges.setdefault(told["charge"], []).append(Column(table, field.name, int(told["places"])))


def _whole(values: Any, places: int) -> NDArray[np.int64]:
    """A column of lines as whole numbers of its places; null is zero: the line is not on the bill."""
    zero = pa.scalar(Decimal(0).scaleb(-places) if pa.types.is_decimal(values.type) else 0, values.type)
    filled = pc.fill_null(values, zero).combine_chunks()
    if pa.types.is_decimal(filled.type):
        # of 19 digits at most, so that the lower of the two words holds the number
        words = np.frombuffer(filled.buffers()[1], dtype=np.int64, count=2 * (filled.offset + len(filled)))
        return words[2 * filled.offset :: 2].copy()
    found: NDArray[np.int64] = filled.to_numpy()
    return found


def _refused(folder: Path) -> tuple[Any, Any]:
    ids, codes = [pa.array([], pa.string())], [pa.array([], pa.string())]
    for path in _files(folder, "refused"):
        with damage_named(path):
            table = pq.read_table(path, columns=["row_id", "code"], partitioning=None)
        ids.append(_text(table.column("row_id")))
        codes.append(_text(table.column("code")))
    return _texts(ids), _texts(codes)


def _files(folder: Path, name: str) -> Iterator[Path]:
    whole = folder / f"{name}.parquet"
    if whole.is_file():
        yield whole
    yield from sorted(folder.glob(f"{name}/*.parquet"))
