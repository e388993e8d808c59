"""A batch of rows of many rule sets -> bills: each row goes to the rule set that it names.

Takes rows whose rule sets, periods and ids have been read; gives results with the rows' positions. Rows are brought
together by their rule set's code, so no step looks at rows one by one. Where several rule sets of a book share an id,
each in force on days of its own, a row goes to the one in force on its day.

    names, days ──▶ rule sets ──▶ bins: a rule set, or a family ──▶ columns by bin ──▶ a group a bin

Rule sets that compute the same steps with other numbers are a family, and its rows are billed as they come; only rows
of different structures are moved, each column once (`engine.evaluator.shares`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import END_DAY, FIRST_DAY, Compiled
from engine.evaluator.door_lists import by_row, listed
from engine.evaluator.evaluate import Plans, evaluate
from engine.evaluator.families import Families
from engine.evaluator.family import Family, Members
from engine.evaluator.groups import Dispatched as Dispatched
from engine.evaluator.groups import Group as Group
from engine.evaluator.partition import Partition
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Column, RowProblem, Rows, whole_text
from engine.evaluator.shares import Sent, Share, bins_of, shares

Positions = NDArray[np.int64]


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
    besides: Collection[str] = (),
) -> Dispatched:
    """Bill a batch with the rule sets of a book.

    Args:
        book: rule set id -> rule set; of several that share an id, `id@2026-01-01` or any other key of their own. A row
            names an id, or such a key.
        rows: a batch; `rows.ruleset` holds codes, or texts.
        again: (row,) rows whose id has come before (`engine.evaluator.seen`); they are refused as `duplicate-row`.
        pass_through: columns and lists that a rule set need not read; any other that has a value which it does not
            read refuses the row as `unknown-column`, for it may mean the wrong rule set.
        threads: for the rows of one rule set or family.
        details: also quantities and prices.
        totals_only: only totals; amounts, ledgers and warnings stay empty.
        plans: `Families(book)`, kept from batch to batch; or key of the book -> its plans.
        between: called before each group; raises where nobody waits for the batch any more.
        besides: quantities, by name, that are wanted besides, in `Result.steps`.

    Returns:
        Bills, a group for each rule set or family, and refusals. received = billed + refused.
    """
    refused: list[RowProblem] = []
    families = Families.of(book, plans)
    sent = _sent(families, rows, again, refused)
    groups: list[Group] = []
    for share in shares(families, bins_of(families, sent), sent, rows):
        if between is not None:
            between()
        at, surplus = _without_surplus(share, rows, pass_through)
        refused += surplus
        if at is not None and not len(at):
            continue
        compiled = share.bin.compiled
        result = evaluate(
            compiled,
            share.rows,
            positions=at,
            pass_through=_foreign(share.bin.family, share.rows),
            threads=threads,
            details=details,
            totals_only=totals_only,
            plans=share.bin.plans,
            members=Members(share.bin.family, share.code),
            besides=besides,
        )
        groups.append(share.group(result, rows))
        refused += groups[-1].result.problems
    refused.sort(key=lambda found: found.row)
    done = Dispatched(len(rows), tuple(groups), tuple(refused))
    assert done.billed + len(refused) == len(rows), f"{len(rows)} came, {done.billed} billed, {len(refused)} refused"
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
    keys = [key for key, compiled in book.items() if compiled.id == name] or ([name] if name in book else [])
    if len(keys) < 2 or first is None or end is None:
        return keys[0] if keys else None
    days = np.array([first]), np.array([end])
    return keys[int(np.argmin([_away(book[key], *days)[0] for key in keys]))]


def _sent(families: Families, rows: Rows, again: NDArray[np.bool_] | None, refused: list[RowProblem]) -> Sent:
    """Find each row's rule set; refuse rows that have come before, and those that name none."""
    names, values = _named(rows.ruleset)
    nobody = len(families)
    number = np.full(len(names) + 1, nobody)  # by name, and last for rows that are refused here
    asked: dict[int, None] = {}
    several, unknown = np.zeros((2, len(names) + 1), dtype=bool)
    for at, name in enumerate(names):
        meant = families.meant(name)
        asked |= dict.fromkeys(meant)
        if len(meant) == 1:
            number[at] = meant[0]
        several[at], unknown[at] = len(meant) > 1, not meant
    if again is not None and bool(again.any()):
        values = np.where(again, len(names), values)
        for position in np.flatnonzero(again).tolist():
            row_id = rows.row_id[position]
            refused.append(row_problem(position, row_id, "duplicate-row", "row_id", str(row_id)))
    if unknown.any():
        for position in np.flatnonzero(unknown.take(values)).tolist():
            name = names[int(values[position])]
            code = "unknown-ruleset" if name else "missing-value"
            refused.append(row_problem(position, rows.row_id[position], code, "ruleset", name))
    if not several.any():
        return Sent(values, number, tuple(asked))
    by_row = number.take(values)
    of = np.flatnonzero(several)
    slot = np.full(len(names) + 1, len(of))
    slot[of] = np.arange(len(of))
    by_name = Partition(slot.take(values), len(of))
    for at, start, end in zip(of.tolist(), by_name.offsets[:-1], by_name.offsets[1:], strict=True):
        meant, positions = families.meant(names[at]), by_name.positions[start:end]
        away = np.stack([_days_away(families.rulesets[one], rows, positions) for one in meant])
        by_row[positions] = np.array(meant)[away.argmin(axis=0)]
    return Sent(by_row, np.arange(nobody + 1), tuple(asked))


def _days_away(compiled: Compiled, rows: Rows, positions: Positions) -> Positions:
    """How many days before or after a rule set's own each row's day is; 0: it is in force."""
    return _away(compiled, rows.period_from[positions], rows.period_to[positions])


def _away(compiled: Compiled, period_from: Positions, period_to: Positions) -> Positions:
    first, end = (np.clip(days, FIRST_DAY - 1, END_DAY) for days in (period_from, period_to))
    day = {"period_from": first, "last_day": end - 1, "reading_day": end}[compiled.version_by]
    last = END_DAY if compiled.end_day is None else compiled.end_day - 1
    return np.maximum(np.maximum(compiled.first_day - day, day - last), 0)


def _named(ruleset: Column) -> tuple[list[str], Positions]:
    """Names of rule sets and (row,) which of them each row names; "" where none is given."""
    if ruleset.codes is None:
        texts = np.array(["" if value is None else str(value) for value in ruleset.values], dtype=object)
        names_, values = np.unique(texts.astype(str), return_inverse=True)
        names = [str(name) for name in names_]
    else:
        names, values = list(ruleset.codes), ruleset.values
    if ruleset.valid is not None and not bool(ruleset.valid.all()):
        values = np.where(ruleset.valid, values, len(names))
        names.append("")
    return names, values.astype(np.int64, copy=False)


def _foreign(family: Family, rows: Rows) -> list[str]:
    """Name the columns of a batch that a rule set does not read: of the row, lists, and columns of its own lists."""
    lists = {axis.name for axis in family.compiled.program.axes}
    found = [name for name in rows.columns if name not in family.of_rows]
    for name, children in rows.children.items():
        if name in lists:
            found += [f"{name}.{one}" for one in children.columns if f"{name}.{one}" not in family.of_lists]
        else:
            found.append(name)
    return found


def _without_surplus(
    share: Share, rows: Rows, pass_through: Collection[str]
) -> tuple[Positions | None, list[RowProblem]]:
    """Refuse rows that give a value in a column, or items in a list, that their rule set does not read.

    Returns:
        Which of the share's rows are left, as `Share.at`; and the refusals.
    """
    family = share.bin.family
    foreign = [name for name in _foreign(family, rows) if name not in pass_through and name not in share.unread]
    if not foreign:
        return share.at, []
    positions = share.positions
    known = ", ".join(f"`{one}`" for one in sorted(family.of_rows | family.of_lists))
    refused: list[RowProblem] = []
    surplus = np.zeros(len(positions), dtype=bool)
    for name in foreign:
        given, told = _given(rows, name, positions)
        if not given.any():
            continue
        for at in np.flatnonzero(given & ~surplus).tolist():
            position = int(positions[at])
            value, item = told(at)
            more = {"known": known, **({"item": str(item)} if item else {})}
            refused.append(row_problem(position, rows.row_id[position], "unknown-column", name, value, None, **more))
        surplus |= given
    if not refused:
        return share.at, []
    left = np.flatnonzero(~surplus)
    return left if share.at is None else share.at[left], refused


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
    own = by_row(items.columns[short])
    given, first = items.faulty(_some(own, slice(None)))
    return given, lambda at: (_text(own, int(first[at])), int(first[at] - items.offsets[at]) + 1)


def _some(column: Column, positions: Positions | slice) -> NDArray[np.bool_]:
    """Where a column has a value, at some positions; of values themselves only objects are looked at."""
    if column.valid is None:
        given = np.ones(len(column.values[positions]), dtype=bool)
    else:
        given = column.valid[positions] if isinstance(positions, slice) else column.valid.take(positions)
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
