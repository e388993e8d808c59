"""A batch of rows of many rule sets -> bills: each row goes to the rule set that it names.

Takes rows whose rule sets, periods and ids have been read; gives each rule set's result with the rows' positions. Rows
are grouped by their rule set's code, so no step looks at rows one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import Compiled
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
    plans: Mapping[str, Plans] | None = None,
) -> Dispatched:
    """Bill a batch with the rule sets of a book.

    Args:
        book: rule set id -> rule set.
        rows: a batch; `rows.ruleset` holds codes, or texts.
        again: (row,) rows whose id has come before (`engine.evaluator.seen`); they are refused as `duplicate-row`.
        pass_through: columns that a rule set need not read; any other that has a value which it does not read
            refuses the row as `unknown-column`, for it may mean the wrong rule set.
        threads: for one rule set's rows.
        details: also quantities and prices.
        plans: rule set id -> its plans, kept from batch to batch.

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
    groups: list[Group] = []
    for name, positions in _by_ruleset(rows.ruleset, todo):
        compiled = book.get(name)
        if compiled is None:
            code = "unknown-ruleset" if name else "missing-value"
            refused += [row_problem(at, rows.row_id[at], code, "ruleset", name) for at in positions.tolist()]
            continue
        own = {spec.name for spec in compiled.program.inputs}
        foreign = {n: c for n, c in rows.columns.items() if n not in own}
        surplus = {n: c for n, c in foreign.items() if n not in pass_through}
        positions, refused_here = _without_surplus(rows, positions, surplus, own)
        refused += refused_here
        if len(positions):
            result = evaluate(
                compiled,
                rows,
                positions=None if len(positions) == received else positions,
                pass_through=foreign.keys(),
                threads=threads,
                details=details,
                plans=None if plans is None else plans[name],
            )
            groups.append(Group(compiled, result))
            refused += result.problems
    refused.sort(key=lambda found: found.row)
    done = Dispatched(received, tuple(groups), tuple(refused))
    assert done.billed + len(refused) == received, f"{received} rows came, {done.billed} billed, {len(refused)} refused"
    return done


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
    """Join groups of one name: a dictionary may hold a text twice."""
    if len({name for name, _ in groups}) == len(groups):
        return groups
    joined: dict[str, list[Positions]] = {}
    for name, positions in groups:
        joined.setdefault(name, []).append(positions)
    return [(name, np.sort(np.concatenate(parts))) for name, parts in joined.items()]


def _without_surplus(
    rows: Rows, positions: Positions, foreign: Mapping[str, Column], own: Collection[str]
) -> tuple[Positions, list[RowProblem]]:
    """Refuse rows that give a value in a column that their rule set does not read."""
    known = ", ".join(f"`{one}`" for one in sorted(own))
    refused: list[RowProblem] = []
    surplus = np.zeros(len(positions), dtype=bool)
    for name, column in foreign.items():
        given = np.ones(len(positions), dtype=bool) if column.valid is None else column.valid[positions]
        if column.values.dtype == object:
            given = given & np.array([value is not None for value in column.values[positions]], dtype=bool)
        for at in np.flatnonzero(given & ~surplus).tolist():
            position = int(positions[at])
            value = _text(column, position)
            refused.append(row_problem(position, rows.row_id[position], "unknown-column", name, value, known=known))
        surplus |= given
    return positions[~surplus], refused


def _text(column: Column, position: int) -> str:
    value = column.values[position]
    if column.codes is not None:
        return column.codes[int(value)]
    return whole_text(int(value), column.places) if column.places else str(value)
