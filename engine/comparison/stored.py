"""Bills of an earlier run, found by row id: what they came to, by charge.

Takes the folder of a run: `bills/*.parquet`, `lines/STRUCTURE/*.parquet`, `refused/*.parquet`. Held in memory are 34
bytes a stored bill; amounts by charge lie in temporary files. Where an id was billed twice, the first counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.bulk import row_ids
from engine.bulk.arrays import plain
from engine.bulk.partitions import Wanted
from engine.bulk.problems import FileProblem
from engine.bulk.sources import Batch
from engine.bulk.wanted import cell_test
from engine.comparison.amounts import Mask, Whole, scaled
from engine.comparison.problems import ComparisonProblem
from engine.evaluator.seen import Words

ROWS: Final = 131_072
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_TURN: Final = np.uint64(29)


@dataclass(frozen=True, eq=False)
class Held:
    """What is stored of a batch's rows; shape (row,) each.

    Attributes:
        at: position among the stored bills; -1: there is none.
        has: whether there is a stored bill.
        total, charges: whole numbers of the comparison's places.
        currency: position in `named`.
    """

    at: Whole
    has: Mask
    total: Whole
    charges: Mapping[str, Whole]
    currency: Whole
    named: Sequence[str]
    reasons: Mapping[int, tuple[str, str, str, str]]

    def reason(self, row: int) -> tuple[str, str, str, str]:
        """Why a row has no stored bill: code, field, value, reason."""
        return self.reasons.get(row, ("not-stored", "row_id", "", "no stored bill has this row id"))

    def currencies(self, code: Whole, names: Sequence[str], billed: Mask, row_id: Any) -> Whole:
        """Shape (row,): position in `names` of each row's currency, a stored bill's being its own.

        Args:
            code: likewise, by the rule sets of the rows.
            names: of all currencies.
            billed: (row,) whether there is a new bill.
            row_id: (row,) for a message.

        Raises:
            ComparisonProblem: a bill and the stored one are of two currencies.
        """
        own = np.array([*(names.index(one) for one in self.named), 0], np.int64)[self.currency]
        other = np.flatnonzero(self.has & billed & (own != code))
        if len(other):
            first = int(other[0])
            told = {"old": names[int(own[first])], "new": names[int(code[first])]}
            raise ComparisonProblem("stored-currency", str(row_id[first].as_py()), **told)
        return np.where(self.has, own, code)


class Stored:
    """The bills of a folder."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        """Look at the folder's files; `load` reads them.

        Raises:
            ComparisonProblem: the folder holds no finished run's Parquet files.
        """
        self.folder, self.scratch = folder, scratch
        self.files = sorted(folder.glob("bills/*.parquet"))
        if not self.files or not (folder / "summary.json").is_file():
            raise ComparisonProblem("stored-no-run", str(folder))
        self.lines = sorted(folder.glob("lines/*/*.parquet"))
        self.charges: tuple[str, ...] = tuple(dict.fromkeys(charge for _, charge, _ in self._columns()))
        self.places = max((places for *_, places in self._columns()), default=0)
        total = pq.read_schema(self.files[0]).field("total").type
        self.places = max(self.places, total.scale)
        self.currencies: dict[str, str] = {}
        self._primary: Words = np.zeros(0, np.uint64)
        self._check: Words = np.zeros(0, np.uint64)
        self._total: Whole = np.zeros(0, np.int64)
        self._currency: NDArray[np.int16] = np.zeros(0, np.int16)
        self._named: list[str] = []  # currencies
        self._index: tuple[Words, Whole] = (np.zeros(0, np.uint64), np.zeros(0, np.int64))
        self._amounts: dict[str, Whole] = {}
        self._refused: dict[tuple[int, int], tuple[str, str, str, str]] = {}
        self._met: Mask = np.zeros(0, np.bool_)

    def _columns(self) -> list[tuple[str, str, int]]:
        """Money lines of all tables: column, charge, places."""
        found = []
        for file in self.lines:
            for field in pq.read_schema(file):
                told = {name.decode(): value.decode() for name, value in (field.metadata or {}).items()}
                if told.get("money") == "true":
                    found.append((field.name, told["charge"], int(told["places"])))
        return found

    def load(self, places: int) -> None:
        """Read the bills.

        Args:
            places: of the comparison's amounts.

        Raises:
            FileProblem: a file is damaged.
            ComparisonProblem: a bill's lines do not add up to its total.
        """
        primary, check, total, currency = [], [], [], []
        for table in self._tables(self.files, ["row_id", "ruleset", "total", "currency"]):
            one, other = self._keys(table)
            primary.append(one)
            check.append(other)
            total.append(_whole(table.column("total"), places))
            pairs = table.select(["ruleset", "currency"]).group_by(["ruleset", "currency"]).aggregate([])
            self.currencies |= {str(row["ruleset"]): str(row["currency"]) for row in pairs.to_pylist()}
            texts = table.column("currency").cast(pa.string()).combine_chunks()
            self._named += [one for one in pc.unique(texts).to_pylist() if one not in self._named]
            currency.append(pc.index_in(texts, pa.array(self._named)).to_numpy().astype(np.int16))
        self._primary, self._check = (np.concatenate([np.zeros(0, np.uint64), *one]) for one in (primary, check))
        self._total = np.concatenate([np.zeros(0, np.int64), *total])
        self._currency = np.concatenate([np.zeros(0, np.int16), *currency])
        mixed = _mixed(self._primary, self._check)
        order = np.argsort(mixed, kind="stable")
        self._index = mixed[order], order
        self._met = np.zeros(len(order), np.bool_)
        for number, charge in enumerate(self.charges):
            path = self.scratch / f"{number}.amounts"
            self._amounts[charge] = np.memmap(path, np.int64, "w+", shape=(max(len(order), 1),))
        for file in self.lines:
            self._add(file, places)
        for file in sorted(self.folder.glob("refused/*.parquet")):
            self._take_refused(file)
        sums = np.zeros(len(order), np.int64)
        for amounts in self._amounts.values():
            sums += amounts[: len(order)]
        wrong = np.flatnonzero(sums != self._total)
        if len(wrong):
            raise ComparisonProblem("stored-not-whole", str(self.folder), rows=len(wrong))

    def _tables(self, files: list[Path], columns: list[str] | None) -> Iterator[Any]:
        for file in files:
            try:
                opened = pq.ParquetFile(file, memory_map=True)
                for batch in opened.iter_batches(ROWS, columns=columns):
                    yield pa.Table.from_batches([batch])
            except (OSError, pa.ArrowException) as error:
                raise FileProblem("portfolio-unreadable", str(file), reason=str(error).split("\n")[0]) from error

    def _keys(self, table: Any) -> tuple[Words, Words]:
        return row_ids.keys(row_ids.ids(table.column("row_id"), str(self.folder)))

    def _add(self, file: Path, places: int) -> None:
        """Add the lines of a file to its charges."""
        fields = {
            field.name: {name.decode(): value.decode() for name, value in (field.metadata or {}).items()}
            for field in pq.read_schema(file)
        }
        money = {name: told for name, told in fields.items() if told.get("money") == "true"}
        for table in self._tables([file], ["row_id", *money]):
            at = self._find(*self._keys(table))
            known = at >= 0
            for name, told in money.items():
                values = _line(table.column(name), int(told["places"]), places)
                np.add.at(self._amounts[told["charge"]], at[known], values[known])

    def _take_refused(self, file: Path) -> None:
        for table in self._tables([file], ["row_id", "code", "field", "value", "reason"]):
            keys = zip(*(one.tolist() for one in self._keys(table)), strict=True)
            for key, one in zip(keys, table.to_pylist(), strict=True):
                told = (one["code"], one["field"], one["value"], one["reason"])
                self._refused.setdefault(key, (told[0] or "", told[1] or "", told[2] or "", told[3] or ""))

    def _find(self, primary: Words, check: Words) -> Whole:
        """Positions of ids among the stored bills; -1: not stored."""
        mixed, order = self._index
        if not len(mixed):
            return np.full(len(primary), -1, np.int64)
        place = np.searchsorted(mixed, _mixed(primary, check))
        found = np.full(len(primary), -1, np.int64)
        for further in (1, 0):  # two ids may come to one number, by a chance of 2^-64 for each pair of them
            at = order[np.minimum(place + further, len(mixed) - 1)]
            found = np.where((self._primary[at] == primary) & (self._check[at] == check), at, found)
        return found

    def of(self, batch: Batch, again: Mask) -> Held:
        """Find what is stored of a batch's rows; rows that repeat an id have nothing."""
        at = self._find(*batch.keys)
        at[again] = -1
        if batch.row_id.null_count:
            at[~np.asarray(batch.row_id.is_valid())] = -1
        has = at >= 0
        total = np.where(has, self._total[at], 0) if len(self._total) else np.zeros(batch.size, np.int64)
        charges = {name: np.where(has, of[np.maximum(at, 0)], 0) for name, of in self._amounts.items()}
        currency = np.where(has, self._currency[at] if len(self._currency) else -1, -1).astype(np.int64)
        reasons = {}
        if self._refused:
            for row in np.flatnonzero(~has).tolist():
                told = self._refused.get((int(batch.keys[0][row]), int(batch.keys[1][row])))
                if told is not None:
                    reasons[row] = told
        return Held(at, has, total, charges, currency, self._named, reasons)

    def met(self, held: Held) -> None:
        """Mark stored bills whose rows are in the input."""
        self._met[held.at[held.has]] = True

    def unmet(self, wanted: Wanted) -> Iterator[tuple[Any, Whole]]:
        """Stored bills whose rows are not in the input: tables of them, and their totals.

        Args:
            wanted: of which rows the comparison is; bills of others are left out.

        Raises:
            ComparisonProblem: there are such bills, and it is not known whether they are wanted.
        """
        first = 0
        for table in self._tables(self.files, None):
            at = np.flatnonzero(~self._met[first : first + table.num_rows])
            if len(at) and not wanted.everything:
                at = at[self._wanted(table.take(pa.array(at)), wanted)]
            if len(at):
                yield table.take(pa.array(at)), self._total[first + at]
            first += table.num_rows

    def _wanted(self, table: Any, wanted: Wanted) -> Mask:
        """Which bills have one of the values asked for, and lie on one of the days."""
        found = np.ones(table.num_rows, np.bool_)
        for column, texts in wanted.values.items():
            if column not in table.schema.names:
                known = ", ".join(f"`{name}`" for name in table.schema.names)
                raise ComparisonProblem("stored-only-column", str(self.folder), column=column, known=known)
            found &= cell_test(table.schema.field(column), texts, str(self.folder))(table.column(column))
        if wanted.days is not None:
            first, end = (
                table.column(name).combine_chunks().cast(pa.int32()).to_numpy() for name in ("period_from", "period_to")
            )
            touches = np.zeros(table.num_rows, np.bool_)
            ids = np.array(table.column("ruleset").to_pylist())
            for id_, stretches in wanted.days.items():
                for begins, ends in stretches:
                    touches |= (ids == id_) & (first < ends) & (end > begins)
            found &= touches
        return found


def _mixed(primary: Words, check: Words) -> NDArray[np.uint64]:
    found: NDArray[np.uint64] = (primary ^ ((check << _TURN) | (check >> (np.uint64(64) - _TURN)))) * _ODD
    return found


def _whole(column: Any, places: int) -> Whole:
    """A decimal column as whole numbers of some places."""
    array = plain(column)
    by = 10 ** (places - array.type.scale)
    words = np.frombuffer(array.buffers()[1], np.int64).reshape(-1, 2)[array.offset : array.offset + len(array), 0]
    return scaled(words, by)


def _line(column: Any, own: int, places: int) -> Whole:
    array = plain(column)
    given = np.asarray(array.is_valid())
    if pa.types.is_decimal(array.type):
        values = _whole(array, places)
    else:
        values = scaled(np.asarray(array.fill_null(0)), 10 ** (places - own))
    return np.where(given, values, 0)
