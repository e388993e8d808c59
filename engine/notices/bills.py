"""What a comparison says of each account's bills: read from the folder that `dianjia compare --output` wrote.

Takes the folder and the two rate books that it has to be of; gives accounts with money as decimal text. Only accounts
of which a bill changes are there. Amounts of two currencies are never added.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from engine.bulk.problems import FileProblem
from engine.comparison.problems import ComparisonProblem
from engine.compiler.book import RateBook
from engine.notices.accounts import AccountBills, Compared

_JSON: Final = "comparison.json"
_BY: Final = ("account", "currency", "ruleset")
_MONEY: Final = ("old", "new", "difference")
_READ: Final = (*_BY, *_MONEY, "period_from", "period_to")


def read_comparison(folder: Path, old: RateBook, new: RateBook) -> Compared:
    """Read a comparison of two rate books.

    Raises:
        FileProblem: a file of it cannot be read.
        ComparisonProblem: `notice-comparison` it is none, or it has no bills; `notice-books` it is of other books;
            `notice-accounts` its bills name no account.
    """
    try:
        told = json.loads((folder / _JSON).read_text(encoding="utf-8"))
        files = sorted([*folder.glob("bills/*.parquet"), *folder.glob("bills/*.csv")])
        if not isinstance(told, dict) or "files" not in told or not files:
            raise ComparisonProblem("notice-comparison", str(folder))
    except (OSError, ValueError) as error:
        if isinstance(error, ComparisonProblem):
            raise
        raise ComparisonProblem("notice-comparison", str(folder)) from error
    if (told["old"], told["new"]) != (old.hash, new.hash):
        named = {"old": told["old"], "new": told["new"], "old_here": old.hash, "new_here": new.hash}
        raise ComparisonProblem("notice-books", str(folder), **named)
    partial = "" if not told["partial"] else json.dumps(told["partial"], ensure_ascii=False, sort_keys=True)
    return Compared(tuple(_joined(_sums([_table(file) for file in files]))), partial)


def _table(file: Path) -> Any:
    try:
        if file.suffix == ".csv":
            types = {name: pa.string() for name in _BY} | {name: pa.decimal128(19, 6) for name in _MONEY}
            found = pa_csv.read_csv(file, convert_options=pa_csv.ConvertOptions(column_types=types))
        else:
            found = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise FileProblem("portfolio-unreadable", str(file), reason=str(error).split("\n")[0]) from error
    if "account" not in found.schema.names:
        raise ComparisonProblem("notice-accounts", str(file))
    columns = {name: found.column(name) for name in _READ}
    return pa.table({name: one.cast(pa.string()) if name in _BY else one for name, one in columns.items()})


def _sums(tables: list[Any]) -> Iterator[dict[str, Any]]:
    """Sums by account, currency and rule set, in that order; bills without an account are nobody's to be told."""
    whole = pa.concat_tables(tables)
    whole = whole.filter(pc.fill_null(pc.not_equal(whole.column("account"), ""), False))
    asked = [(name, "sum") for name in _MONEY]
    sums = whole.group_by(list(_BY)).aggregate([*asked, ("old", "count"), ("period_from", "min"), ("period_to", "max")])
    for batch in sums.sort_by([(name, "ascending") for name in _BY]).to_batches():
        yield from batch.to_pylist()


def _joined(rows: Iterator[dict[str, Any]]) -> Iterator[AccountBills]:
    """One an account and currency: rows of its rule sets stand beside each other."""
    held: list[dict[str, Any]] = []
    for row in rows:
        if held and (held[0]["account"], held[0]["currency"]) != (row["account"], row["currency"]):
            yield _account(held)
            held = []
        held.append(row)
    if held:
        yield _account(held)


def _account(rows: list[dict[str, Any]]) -> AccountBills:
    def money(name: str) -> str:
        total = sum((row[f"{name}_sum"] for row in rows), Decimal(0))
        places = max(2, -int(total.normalize().as_tuple().exponent))  # no digit is lost, and no zero beyond fen shown
        return f"{total:.{places}f}"

    return AccountBills(
        account=rows[0]["account"],
        currency=rows[0]["currency"],
        rulesets=tuple(row["ruleset"] for row in rows),
        bills=sum(row["old_count"] for row in rows),
        old=money("old"),
        new=money("new"),
        difference=money("difference"),
        period_from=min(row["period_from_min"] for row in rows).isoformat(),
        period_to=max(row["period_to_max"] for row in rows).isoformat(),
    )
