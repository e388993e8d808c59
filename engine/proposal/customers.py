"""A portfolio file -> the rows of each customer together, as an advice takes them.

A row that has no readable key, names no account, or came before is a reason why its account gets no advice; the rows of
the other accounts are given. Every account of the file is in one of the two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from engine.advice.columns import some_rows
from engine.advice.result import AdviceResult, Unadvised
from engine.advice.rewrite import own_inputs
from engine.bulk.arrays import object_column
from engine.bulk.cells import of_float
from engine.bulk.filling import filled
from engine.bulk.overlaps import SCOPE
from engine.bulk.pieces import chosen_rows
from engine.bulk.probe import carried_inputs
from engine.bulk.problems import FileProblem
from engine.bulk.sources import Batch, Piece, Source, open_source, whole
from engine.bulk.survey import survey
from engine.compiler.book import RateBook
from engine.compiler.program import Compiled
from engine.evaluator.batch import dispatch
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Children, Column, RowProblem, Rows, Whole, day_text

ACCOUNT: Final = "account"
_WHOSE: Final = "Say in `account` whose each row is: the rows of an account are advised on together."
_WHOSE_ZH: Final = "请在 `account` 写明每行的户号：同一户的各行一起测算。"


@dataclass(frozen=True, slots=True)
class Customers:
    """The rows of a file by whom they belong to.

    Attributes:
        rows: of the accounts that can be asked about; `rows.row_id` has the file's ids.
        accounts: (row,) whose each of them is.
        order: every account that was asked about, in the order of first rows.
        refused: those that have a row which no rule set can be asked about.
        scopes: (row,) what of its account each bills; none: the file does not say.
    """

    rows: Rows
    accounts: tuple[str, ...]
    order: tuple[str, ...]
    refused: Mapping[str, Unadvised]
    scopes: tuple[str, ...] = ()

    def joined(self, made: AdviceResult) -> AdviceResult:
        """Give an advice on `rows` with the accounts that could not be asked about, in the file's order."""
        unadvised = self.in_order((*made.unadvised, *self.refused.values()))
        assert len(made.advised) + len(unadvised) == len(self.order), "every account is advised or told why not"
        return replace(made, unadvised=unadvised)

    def in_order(self, some: Sequence[Unadvised]) -> tuple[Unadvised, ...]:
        """Give accounts in the order of their first rows."""
        place = {account: at for at, account in enumerate(self.order)}
        return tuple(sorted(some, key=lambda one: place[one.account]))


class UnknownAccounts(ValueError):
    """The file has no rows of accounts that were asked for."""

    def __init__(self, accounts: Sequence[str]) -> None:
        self.accounts = tuple(accounts)
        super().__init__(f"the file has no rows of {', '.join(self.accounts)}")


def read_customers(
    path: Path, book: RateBook, accounts: Collection[str] = (), pass_through: Collection[str] = ()
) -> Customers:
    """Read the rows of some accounts, or of all.

    Args:
        path: a portfolio: Parquet, CSV or Arrow, with a column `account`.
        book: whose rule sets bill the rows, with what advice reads besides.
        accounts: those that are asked about; none: all.
        pass_through: columns that are meant to be unread.

    Raises:
        FileProblem: the file, or one of its columns, cannot be read.
        UnknownAccounts: it has no row of an account that was asked for.
    """
    source = open_source(path, _reading(book), pass_through)
    if ACCOUNT not in source.schema.names:
        known = ", ".join(f"`{name}`" for name in source.schema.names)
        instead = {"instead": _WHOSE, "instead_zh": _WHOSE_ZH}
        raise FileProblem("portfolio-column-missing", str(path), column=ACCOUNT, known=known, **instead)
    batch = whole(source)
    named = ["" if one is None else str(one) for one in batch.passing[ACCOUNT].to_pylist()]
    unknown = [one for one in dict.fromkeys(accounts) if one not in named]
    if unknown:
        raise UnknownAccounts(unknown)
    wanted = [at for at, name in enumerate(named) if not accounts or name in accounts]
    return _told_apart(book, source, batch, named, wanted)


def _reading(book: RateBook) -> dict[str, Compiled]:
    """Rule sets, and the programs that rewrite their rows: whatever reads a column of the file."""
    return {**book.rulesets, **{f"{one.key} {one.id}": one.rewrite for ones in book.advice.values() for one in ones}}


def _told_apart(book: RateBook, source: Source, batch: Batch, named: Sequence[str], wanted: Sequence[int]) -> Customers:
    ids = batch.row_id.to_pylist()
    problems = {one.row: one for one in batch.refused}
    seen: set[object] = set()
    for at, id_ in enumerate(ids):
        if id_ in seen and id_ is not None:
            problems.setdefault(at, row_problem(at, id_, "duplicate-row", "row_id", str(id_)))
        seen.add(id_)
        if not named[at]:
            problems.setdefault(at, row_problem(at, id_, "missing-value", ACCOUNT, ""))
    rows, positions = _one(batch.pieces)
    rows, positions = _carried(book, source, rows, positions, ids, problems)
    of_account: dict[str, list[int]] = {}
    for at in wanted:
        of_account.setdefault(named[at], []).append(at)
    refused = {
        account: Unadvised(
            account,
            tuple(of),
            tuple(problems[at] for at in of if at in problems),
            tuple(dict.fromkeys(_ruleset(batch.ruleset, at) for at in of)),
        )
        for account, of in of_account.items()
        if any(at in problems for at in of)
    }
    asked = {at for account, of in of_account.items() if account not in refused for at in of}
    kept = np.flatnonzero([int(at) in asked for at in positions])
    rows = chosen_rows(rows, kept)
    texts = np.array([ids[at] for at in positions[kept]] or [], dtype=object)
    accounts = tuple(named[at] for at in positions[kept])
    scopes = batch.passing[SCOPE].to_pylist() if SCOPE in batch.passing else ()
    of_rows = tuple(str(scopes[at] or "") for at in positions[kept]) if scopes else ()
    return Customers(replace(rows, row_id=texts), accounts, tuple(of_account), refused, of_rows)


def _ruleset(column: Column, at: int) -> str:
    """What a row names."""
    if column.valid is not None and not column.valid[at]:
        return ""
    value = column.values[at]
    return str(value) if column.codes is None else column.codes[int(value)]


def _carried(
    book: RateBook,
    source: Source,
    rows: Rows,
    positions: Whole,
    ids: Sequence[object],
    problems: dict[int, RowProblem],
) -> tuple[Rows, Whole]:
    """Fill in what rows carry from their accounts' earlier rows, as a run does; `problems` takes what cannot be."""
    named = {_ruleset(rows.ruleset, at) for at in range(len(rows))}
    used = {key: one for key, one in book.rulesets.items() if key in named or one.id in named}
    if not carried_inputs(used):
        return rows, positions
    besides = {name for ones in book.advice.values() for one in ones for name in own_inputs(one)}
    passing = (*source.passing, *source.unread, *besides)
    carriage = survey(book.rulesets, source, 1, passing)
    if carriage is None:
        return rows, positions
    ready = filled(carriage, rows, positions)
    for at, (code, name) in ready.refused.items():
        place, day = int(positions[at]), day_text(int(rows.period_from[at]))
        problems.setdefault(place, row_problem(place, ids[place], code, name, "", None, day=day))
    doomed = chosen_rows(rows, ready.doomed)
    if len(doomed):
        for found in dispatch(carriage.reduced, doomed, pass_through=passing).refused:
            place = int(positions[ready.doomed[found.row]])
            problems.setdefault(place, replace(found, row=place, row_id=ids[place]))
    return ready.rows, positions[ready.kept]


def _one(pieces: Sequence[Piece]) -> tuple[Rows, Whole]:
    """The rows of a batch as one, in its order, with their positions; cells that could not be read as they came."""
    if len(pieces) == 1:
        return pieces[0].rows, pieces[0].positions
    if not pieces:
        nothing = np.zeros(0, dtype=np.int64)
        return Rows(nothing, Column(nothing, codes=()), nothing, nothing), nothing
    positions = np.concatenate([one.positions for one in pieces])
    order = np.argsort(positions, kind="stable")
    all_rows = [one.rows for one in pieces]
    names = dict.fromkeys(name for one in all_rows for name in one.columns)
    lists = dict.fromkeys(name for one in all_rows for name in one.children)
    made = Rows(
        row_id=positions,
        ruleset=_joined([one.ruleset for one in all_rows]),
        period_from=np.concatenate([one.period_from for one in all_rows]),
        period_to=np.concatenate([one.period_to for one in all_rows]),
        columns={name: _joined([one.columns[name] for one in all_rows]) for name in names},
        children={name: _joined_lists([one.children[name].by_row() for one in all_rows]) for name in lists},
    )
    return some_rows(made, order), positions[order]


def _joined(columns: Sequence[Column]) -> Column:
    """Columns behind one another, as Python values."""
    return object_column([value for one in columns for value in values_of(one)])


def _joined_lists(children: Sequence[Children]) -> Children:
    names = dict.fromkeys(name for one in children for name in one.columns)
    columns: dict[str, list[object]] = {name: [] for name in names}
    offsets = [0]
    for one in children:
        first, last = int(one.offsets[0]), int(one.offsets[-1])
        for name in names:
            of = values_of(one.columns[name]) if name in one.columns else [None] * last
            columns[name] += of[first:last]
        offsets += (one.offsets[1:] - first + offsets[-1]).tolist()
    valid = None
    if any(one.valid is not None for one in children):
        rows = [np.ones(len(one.offsets) - 1, dtype=bool) if one.valid is None else one.valid for one in children]
        valid = np.concatenate(rows)
    return Children(np.array(offsets, dtype=np.int64), {n: object_column(v) for n, v in columns.items()}, valid)


def values_of(column: Column) -> list[object]:
    """The cells of a column as Python values, exactly; None where nothing is given."""
    came = column.values.tolist()
    values: list[object] = came
    if column.codes is not None:
        values = [column.codes[at] if 0 <= at < len(column.codes) else None for at in came]
    elif column.values.dtype == np.float64:
        values = [of_float(value) for value in came]
    elif column.places:
        values = [Decimal(value).scaleb(-column.places) for value in came]
    if column.valid is not None:
        values = [value if given else None for value, given in zip(values, column.valid.tolist(), strict=True)]
    return values
