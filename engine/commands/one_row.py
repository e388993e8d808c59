"""One row twice: in integers, and by columns as a batch of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np

from engine.calendars.days import day_number
from engine.commands.asked import Asked
from engine.compiler.profile import Score, Segment
from engine.compiler.program import AxisSpec, Compiled
from engine.evaluator import decimals
from engine.evaluator.evaluate import evaluate
from engine.evaluator.interpretation import single
from engine.evaluator.reference import Bill
from engine.evaluator.rows import Children, Column, RowProblem, Rows
from engine.evaluator.scalar import Scalar

SHAPE: Final = frozenset({"not-a-list", "unknown-item-key"})  # of a list that columns cannot hold


def billed(asked: Asked) -> Bill | RowProblem:
    """Bill one row in integers and by columns; that the two differ is a fault of the engine and stops the command.

    A refusal is the reference's, which the scalar asks; so is the form of the bill.
    """
    if asked.refused is not None:
        return asked.refused
    compiled = asked.compiled
    made = Scalar(compiled).bill(
        asked.values, period_from=asked.period_from, period_to=asked.period_to, row_id=asked.row_id
    )
    if not isinstance(asked.period_from, date) or not isinstance(asked.period_to, date):
        return made if isinstance(made, RowProblem) else made.to_bill()
    if isinstance(made, RowProblem) and made.code in SHAPE:
        return made
    result = evaluate(compiled, as_batch(asked))
    if isinstance(made, RowProblem):
        assert [found.code for found in result.problems] == [made.code], f"columns: {result.problems}, decimals: {made}"
        return made
    assert len(result.kept) == 1, f"columns: {result.problems}, integers: a bill"
    assert int(result.total[0]) == made.total, f"columns: {result.total[0]}, integers: {made.total}"
    bill = made.to_bill()
    profiled: tuple[Score | Segment, ...] = (*compiled.program.scores, *compiled.program.segments)
    for one in profiled:
        step = compiled.program.names[one.id]
        by_columns = (result.scores if one.id in result.scores else result.segments)[one.id]
        whole = decimals.to_whole(single(bill.parts[-1].values[step]), compiled.program.steps[step].type.places)
        assert int(by_columns[0]) == whole, f"{one.id}: columns: {by_columns[0]}, integers: {whole}"
    return bill


def as_batch(asked: Asked) -> Rows:
    """A batch of one row whose cells are as they came."""
    assert isinstance(asked.period_from, date)
    assert isinstance(asked.period_to, date)
    axes = {axis.name: axis for axis in asked.compiled.program.axes}
    return Rows(
        row_id=np.array([asked.row_id], dtype=object),
        ruleset=Column(np.zeros(1, dtype=np.int64), codes=(asked.compiled.id,)),
        period_from=np.array([day_number(asked.period_from)], dtype=np.int64),
        period_to=np.array([day_number(asked.period_to)], dtype=np.int64),
        columns={name: _cells([value]) for name, value in asked.values.items() if name not in axes},
        children={
            name: _items(asked.compiled, axes[name], value) for name, value in asked.values.items() if name in axes
        },
    )


def _items(compiled: Compiled, axis: AxisSpec, came: object) -> Children:
    """A row's list by columns; its shape was looked at by the door for one row."""
    if came is None:
        return Children(np.zeros(2, dtype=np.int64), {}, np.zeros(1, dtype=bool))
    names = [one.name.partition(".")[2] for one in compiled.program.inputs if one.type.axis == axis.name]
    if isinstance(came, Mapping):
        columns = {str(name): values for name, values in came.items() if values is not None}
        count = max((len(values) for values in columns.values()), default=0)
    else:
        assert isinstance(came, Sequence)
        items = [_item(one, names) for one in came]
        count = len(items)
        columns = {name: [item.get(name) for item in items] for name in names}
    cells = {name: _cells(values) for name, values in columns.items()}
    return Children(np.array([0, count], dtype=np.int64), cells)


def _item(came: object, names: Sequence[str]) -> Mapping[str, object]:
    if came is None:
        return {}
    return came if isinstance(came, Mapping) else {names[0]: came}


def _cells(values: Sequence[object]) -> Column:
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return Column(cells)
