"""Batches of many rule sets, and the same rows billed by one rule set at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine.compiler.program import Compiled, Program
from engine.evaluator.batch import Dispatched
from engine.evaluator.compare import plain
from engine.evaluator.evaluate import Result, evaluate
from engine.evaluator.items import chosen_items
from engine.evaluator.rows import Array, Children, Column, RowProblem, Rows, Whole
from engine.language.problems import Place


def variant(compiled: Compiled, number: int, key: str = "") -> Compiled:
    """A rule set of the same structure: its versions take turns and begin on other days, and its texts differ."""
    constants, last = compiled.constants, len(compiled.constants.versions)
    turned = [(at + number) % last for at in range(last)]
    moved = {version.first_day: version.first_day + 7 * number for version in constants.versions[1:]}
    versions = tuple(
        replace(
            version,
            first_day=moved.get(version.first_day, version.first_day),
            end_day=moved.get(version.end_day, version.end_day),
            missing=constants.versions[turned[at]].missing,
        )
        for at, version in enumerate(constants.versions)
    )
    return replace(
        compiled,
        id=f"{key or compiled.id}.v{number}",
        content_hash=f"{number:064}",
        place=replace(compiled.place, file=f"{number}/{compiled.place.file}"),
        program=_retold(compiled.program, number),
        constants=replace(constants, versions=versions, figures=tuple(constants.figures[at] for at in turned)),
        change_days=tuple(sorted(moved.get(day, day) for day in compiled.change_days)),
    )


def _retold(program: Program, number: int) -> Program:
    return replace(
        program,
        inputs=tuple(replace(one, place=_elsewhere(one.place, number)) for one in program.inputs),
        axes=tuple(replace(one, place=_elsewhere(one.place, number)) for one in program.axes),
        refusals=tuple(
            replace(one, place=_elsewhere(one.place, number), message=f"{number}: {one.message}")
            for one in program.refusals
        ),
        warnings=tuple(replace(one, message=f"{number}: {one.message}") for one in program.warnings),
    )


def _elsewhere(place: Place | None, number: int) -> Place | None:
    return None if place is None else replace(place, file=f"{number}/{place.file}", line=place.line + number)


def mixed(batches: Sequence[tuple[str, Rows]], order: Whole) -> Rows:
    """Batches behind one another, each of a rule set, and then all rows in an order."""
    parts = [rows for _, rows in batches]
    which = np.repeat(np.arange(len(batches)), [len(rows) for rows in parts])
    names = list(dict.fromkeys(name for rows in parts for name in rows.columns))
    lists = list(dict.fromkeys(name for rows in parts for name in rows.children))
    columns = {name: _joined([(rows.columns.get(name), len(rows)) for rows in parts]) for name in names}
    children = {name: [rows.children.get(name) for rows in parts] for name in lists}
    return Rows(
        row_id=np.array([f"row {at}" for at in order.tolist()], dtype=object),
        ruleset=Column(which[order], codes=tuple(id_ for id_, _ in batches)),
        period_from=np.concatenate([rows.period_from for rows in parts])[order],
        period_to=np.concatenate([rows.period_to for rows in parts])[order],
        columns={name: _some(column, order) for name, column in columns.items()},
        children={name: _lists(of_parts, parts, order) for name, of_parts in children.items()},
    )


def _joined(parts: Sequence[tuple[Column | None, int]]) -> Column:
    known = [column for column, _ in parts if column is not None]
    alike = {(column.values.dtype, column.places, column.codes) for column in known}
    if len(alike) == 1 and known[0].values.dtype != object:
        values = [np.zeros(rows, known[0].values.dtype) if column is None else column.values for column, rows in parts]
        valid = [
            np.full(rows, column is not None) if column is None or column.valid is None else column.valid
            for column, rows in parts
        ]
        every = np.concatenate(valid)
        return Column(np.concatenate(values), known[0].places, None if every.all() else every, known[0].codes)
    cells: list[object] = []
    for column, rows in parts:
        cells += [None] * rows if column is None else plain(column)
    values_ = np.empty(len(cells), dtype=object)
    values_[:] = cells
    return Column(values_)


def _some(column: Column, at: Whole) -> Column:
    valid = None if column.valid is None else column.valid[at]
    return Column(column.values[at], column.places, valid, column.codes)


def _lists(parts: Sequence[Children | None], batches: Sequence[Rows], order: Whole) -> Children:
    """The lists of all rows in an order; a rule set without the list gives none."""
    parts = [None if one is None else one.by_row() for one in parts]
    counts, valid, columns = [], [], []
    names = list(dict.fromkeys(name for one in parts if one is not None for name in one.columns))
    for one, rows in zip(parts, batches, strict=True):
        items = np.zeros(len(rows), np.int64) if one is None else np.diff(one.offsets)
        counts.append(items)
        given = np.full(len(rows), one is not None)
        valid.append(given if one is None or one.valid is None else one.valid)
        columns.append({} if one is None else {n: _some(c, _items(one)) for n, c in one.columns.items()})
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(counts))])
    items, found = chosen_items(offsets, order)
    lengths = [int(one.sum()) for one in counts]
    joined = {
        name: _some(_joined([(of.get(name), length) for of, length in zip(columns, lengths, strict=True)]), items)
        for name in names
    }
    return Children(found, joined, np.concatenate(valid)[order])


def _items(children: Children) -> Whole:
    return np.arange(int(children.offsets[0]), int(children.offsets[-1]))


Told = Mapping[str, object]


def one_at_a_time(book: Mapping[str, Compiled], rows: Rows) -> tuple[dict[int, Told], list[RowProblem]]:
    """What each row is told where its rule set alone bills its rows."""
    bills: dict[int, Told] = {}
    problems: list[RowProblem] = []
    codes = rows.ruleset.codes or ()
    of_lists = {f"{name}.{one}" for name, its in rows.children.items() for one in its.columns}
    unread = {*rows.columns, *rows.children, *of_lists}
    for code in np.unique(rows.ruleset.values).tolist():
        compiled = book[codes[code]]
        own = np.flatnonzero(rows.ruleset.values == code)
        result = evaluate(compiled, rows, positions=own, pass_through=unread, details=True)
        bills |= dict(_told(compiled, result))
        problems += result.problems
    return bills, sorted(problems, key=lambda one: one.row)


def told(done: Dispatched) -> dict[int, Told]:
    """What each row of a batch is told."""
    return {row: of for group in done.groups for part in group.apart() for row, of in _told(part.compiled, part.result)}


def _told(compiled: Compiled, result: Result) -> Iterator[tuple[int, Told]]:
    offsets = np.arange(len(result.total) + 1) if result.offsets is None else result.offsets
    by_part: dict[str, Array] = {
        "version": result.version,
        "from": result.period_from,
        "to": result.period_to,
        **{f"amount {name}": values for name, values in result.amounts.items()},
        **{f"shown {name}": values for name, values in result.shown.items()},
        **{f"quantity {name}": values for name, values in result.quantities.items()},
        **{f"price {name}": values for name, values in result.prices.items()},
    }
    by_row: dict[str, Array] = {
        "total": result.total,
        **{f"ledger {name}": values for name, values in result.ledgers.items()},
        **{f"warning {name}": values for name, values in result.warnings.items()},
        **{f"{w}: {name}": of for w, values in result.warning_values.items() for name, of in values.items()},
    }
    for at, row in enumerate(result.kept.tolist()):
        parts = slice(int(offsets[at]), int(offsets[at + 1]))
        bill: dict[str, object] = {name: values[parts].tolist() for name, values in by_part.items()}
        bill |= {name: values[at].item() for name, values in by_row.items()}
        yield row, {"rule set": compiled.id, "hash": compiled.content_hash, **bill}
