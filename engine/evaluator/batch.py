"""A batch of rows of many rule sets -> bills: each row goes to the rule set that it names.

Takes rows whose rule sets, periods and ids have been read; gives each rule set's result with the rows' positions. Rows
are grouped by their rule set's code, so no step looks at rows one by one. Where several rule sets of a book share an
id, each in force on days of its own, a row goes to the one in force on its day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import END_DAY, FIRST_DAY, ROW, Compiled
from engine.evaluator.door import supplied
from engine.evaluator.door_lists import listed
from engine.evaluator.evaluate import Plans, Result, evaluate
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Column, RowProblem, Rows, whole_text

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of a batch that one rule set billed; `result.kept` has their positions in the batch."""

    compiled: Compiled
    result: Result


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A batch, billed: each of its rows is in one group's bills or in `refused`, never in both."""

    received: int
    groups: tuple[Group, ...]
    refused: tuple[RowProblem, ...]  # ordered by position in the batch

    @property
    def billed(self) -> int:
        return sum(len(group.result.kept) for group in self.groups)


def dispatch(
    book: Mapping[str, Compiled],
    rows: Rows,
    *,
    again: NDArray[np.bool_] | None = None,
    pass_through: Collection[str] = (),
    threads: int = 1,
    details: bool = False,
    totals_only: bool = False,
    plans: Mapping[str, Plans] | None = None,
    between: Callable[[], None] | None = None,
) -> Dispatched:
    """Bill a batch with the rule sets of a book.

    Args:
        book: rule set id -> rule set; of several that share an id, `id@2026-01-01` or any other key of their own. A row
            names an id, or such a key.
        rows: a batch; `rows.ruleset` holds codes, or texts.
        again: (row,) rows whose id has come before (`engine.evaluator.seen`); they are refused as `duplicate-row`.
        pass_through: columns and lists that a rule set need not read; any other that has a value which it does not
            read refuses the row as `unknown-column`, for it may mean the wrong rule set.
        threads: for one rule set's rows.
        details: also quantities and prices.
        totals_only: only totals; amounts, ledgers and warnings stay empty.
        plans: key of the book -> its plans, kept from batch to batch.
        between: called before each rule set; raises where nobody waits for the batch any more.

    Returns:
        Bills by rule set, and refusals. received = billed + refused.
    """
    received = len(rows)
    refused: list[RowProblem] = []
    todo = np.ones(received, dtype=bool)
    if again is not None and bool(again.any()):
        for position in np.flatnonzero(again).tolist():
            row_id = rows.row_id[position]
            refused.append(row_problem(position, row_id, "duplicate-row", "row_id", str(row_id)))
        todo &= ~again
    sent: list[tuple[str, Positions]] = []
    for name, named in _by_ruleset(rows.ruleset, todo):
        keys = _keys(book, name)
        if keys:
            sent += _by_day(book, keys, rows, named)
        else:
            code = "unknown-ruleset" if name else "missing-value"
            refused += [row_problem(at, rows.row_id[at], code, "ruleset", name) for at in named.tolist()]
    groups: list[Group] = []
    for key, own in _joined(sent):
        compiled = book[key]
        if between is not None:
            between()
        positions, surplus = _without_surplus(compiled, rows, own, pass_through)
        refused += surplus
        if len(positions):
            result = evaluate(
                compiled,
                rows,
                positions=None if len(positions) == received else positions,
                pass_through=_foreign(compiled, rows),
                threads=threads,
                details=details,
                totals_only=totals_only,
                plans=None if plans is None else plans[key],
            )
            groups.append(Group(compiled, result))
            refused += result.problems
    refused.sort(key=lambda found: found.row)
    done = Dispatched(received, tuple(groups), tuple(refused))
    assert done.billed + len(refused) == received, f"{received} rows came, {done.billed} billed, {len(refused)} refused"
    return done


def key_at(book: Mapping[str, Compiled], name: str, first: int | None, end: int | None) -> str | None:
    """Find the rule set that `dispatch` gives one row to.

    Args:
        book: as `dispatch` takes it.
        name: what the row names.
        first: first day billed; None, here and below: it is no day, and any rule set of the name refuses the row.
        end: the day after the last day billed.

    Returns:
        Key of the book; None: no rule set has the name.
    """
    keys = _keys(book, name)
    if len(keys) < 2 or first is None or end is None:
        return keys[0] if keys else None
    days = np.array([first]), np.array([end])
    return keys[int(np.argmin([_away(book[key], *days)[0] for key in keys]))]


def _keys(book: Mapping[str, Compiled], name: str) -> list[str]:
    """Find the rule sets that a row may mean: those of an id, or the one of a key."""
    keys = [key for key, compiled in book.items() if compiled.id == name]
    return keys if keys or name not in book else [name]


def _by_day(
    book: Mapping[str, Compiled], keys: list[str], rows: Rows, positions: Positions
) -> list[tuple[str, Positions]]:
    """Give each row to the rule set that is in force on its day; to the nearest where none is, which refuses it."""
    if len(keys) == 1:
        return [(keys[0], positions)]
    away = np.stack([_days_away(book[key], rows, positions) for key in keys])
    nearest = away.argmin(axis=0)
    return [(key, positions[nearest == at]) for at, key in enumerate(keys) if (nearest == at).any()]


def _days_away(compiled: Compiled, rows: Rows, positions: Positions) -> Positions:
    """How many days before or after a rule set's own each row's day is; 0: it is in force."""
    return _away(compiled, rows.period_from[positions], rows.period_to[positions])


def _away(compiled: Compiled, period_from: Positions, period_to: Positions) -> Positions:
    first, end = (np.clip(days, FIRST_DAY - 1, END_DAY) for days in (period_from, period_to))
    day = {"period_from": first, "last_day": end - 1, "reading_day": end}[compiled.version_by]
    last = END_DAY if compiled.end_day is None else compiled.end_day - 1
    return np.maximum(np.maximum(compiled.first_day - day, day - last), 0)


def _by_ruleset(ruleset: Column, todo: NDArray[np.bool_]) -> list[tuple[str, Positions]]:
    """Rule set names with the positions of their rows, which ascend; "" where none is given."""
    if ruleset.codes is None:
        texts = np.array(["" if value is None else str(value) for value in ruleset.values], dtype=object)
        names_, values = np.unique(texts.astype(str), return_inverse=True)
        names = [str(name) for name in names_]
    else:
        names, values = list(ruleset.codes), ruleset.values
    if ruleset.valid is not None and not bool(ruleset.valid.all()):
        values = np.where(ruleset.valid, values, len(names))
        names.append("")
    if len(names) == 1 and bool(todo.all()):
        return [(names[0], np.arange(len(values), dtype=np.int64))] if len(values) else []
    positions = np.flatnonzero(todo)
    if not len(positions):
        return []
    order = positions[np.argsort(values[positions], kind="stable")]
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ends = np.append(starts[1:], len(order))
    groups = [(names[ordered[start]], order[start:end]) for start, end in zip(starts, ends, strict=True)]
    return _joined(groups)


def _joined(groups: list[tuple[str, Positions]]) -> list[tuple[str, Positions]]:
    """Join groups of one name: a dictionary may hold a text twice, and a row may name an id or a key."""
    if len({name for name, _ in groups}) == len(groups):
        return groups
    joined: dict[str, list[Positions]] = {}
    for name, positions in groups:
        joined.setdefault(name, []).append(positions)
    return [(name, np.sort(np.concatenate(parts))) for name, parts in joined.items()]


def _own(compiled: Compiled) -> tuple[set[str], set[str]]:
    """Names of the columns that a rule set reads from a batch: of its rows, and of its lists with the list's."""
    specs = [spec for spec in compiled.program.inputs if not supplied(spec.name)]
    of_rows = {spec.name for spec in specs if spec.type.axis == ROW}
    return of_rows, {spec.name for spec in specs} - of_rows


def _foreign(compiled: Compiled, rows: Rows) -> list[str]:
    """Name the columns of a batch that a rule set does not read: of the row, lists, and columns of its own lists."""
    of_rows, of_lists = _own(compiled)
    lists = {axis.name for axis in compiled.program.axes}
    found = [name for name in rows.columns if name not in of_rows]
    for name, children in rows.children.items():
        if name in lists:
            found += [f"{name}.{one}" for one in children.columns if f"{name}.{one}" not in of_lists]
        else:
            found.append(name)
    return found


def _without_surplus(
    compiled: Compiled, rows: Rows, positions: Positions, pass_through: Collection[str]
) -> tuple[Positions, list[RowProblem]]:
    """Refuse rows that give a value in a column, or items in a list, that their rule set does not read."""
    foreign = [name for name in _foreign(compiled, rows) if name not in pass_through]
    if not foreign:
        return positions, []
    known = ", ".join(f"`{one}`" for one in sorted(set().union(*_own(compiled))))
    refused: list[RowProblem] = []
    surplus = np.zeros(len(positions), dtype=bool)
    for name in foreign:
        given, told = _given(rows, name, positions)
        for at in np.flatnonzero(given & ~surplus).tolist():
            position = int(positions[at])
            value, item = told(at)
            more = {"known": known, **({"item": str(item)} if item else {})}
            refused.append(row_problem(position, rows.row_id[position], "unknown-column", name, value, None, **more))
        surplus |= given
    return positions[~surplus], refused


def _given(rows: Rows, name: str, positions: Positions) -> tuple[NDArray[np.bool_], Callable[[int], tuple[str, int]]]:
    """Which rows give a column, and what is told of one: its value, and of a list's column the item, from 1."""
    if name in rows.columns:
        column = rows.columns[name]
        return _some(column, positions), lambda at: (_text(column, int(positions[at])), 0)
    axis, _, short = name.partition(".")
    items = listed(rows.children[name if name in rows.children else axis], len(rows), positions)
    if name in rows.children:
        counts = np.diff(items.offsets)
        return counts > 0, lambda at: (str(counts[at]), 0)
    own = items.columns[short]
    given, first = items.faulty(_some(own, slice(None)))
    return given, lambda at: (_text(own, int(first[at])), int(first[at] - items.offsets[at]) + 1)


def _some(column: Column, positions: Positions | slice) -> NDArray[np.bool_]:
    """Where a column has a value, at some positions; of values themselves only objects are looked at."""
    given = (np.ones(len(column.values), dtype=bool) if column.valid is None else column.valid)[positions]
    if column.values.dtype == object:
        given = given & np.array([value is not None for value in column.values[positions].tolist()], dtype=bool)
    return given


def _text(column: Column, position: int) -> str:
    value = column.values[position]
    if column.codes is not None:
        return column.codes[int(value)]
    if column.values.dtype.kind == "b":
        return "true" if value else "false"
    return whole_text(int(value), column.places) if column.places else str(value)
