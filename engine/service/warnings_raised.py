"""Warnings that rows raise -> a message: those of the rule sets, which look at one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from dianjia.rating.v1 import rating_pb2
from engine.compiler.program import Warning
from engine.evaluator.batch import Group, dispatch
from engine.evaluator.reference import RaisedWarning, filled
from engine.evaluator.rows import Rows, value_text
from engine.evaluator.seen import SeenRows
from engine.service.answers import row_errors
from engine.service.books import LoadedBook
from engine.service.columns import ReadChunk
from engine.service.single import warning_message


def warnings_of(
    loaded: LoadedBook, read: ReadChunk, between: Callable[[], None]
) -> rating_pb2.EvaluateWarningsResponse:
    """Bill a chunk and give the warnings of its rows, ordered by row.

    Args:
        loaded: the version that answers.
        read: the chunk.
        between: called before each rule set; raises where nobody waits for the answer any more.
    """
    rows = read.rows
    done = dispatch(
        loaded.rulesets, rows, again=SeenRows().add(*read.keys), details=True, plans=loaded.plans, between=between
    )
    found = [raised for group in done.groups for raised in _of_group(group, rows)]
    found.sort(key=lambda raised: raised.index)  # stable: of a row in the order of its rule set
    return rating_pb2.EvaluateWarningsResponse(
        version=loaded.version,
        received=done.received,
        billed=done.billed,
        warnings=found,
        row_errors=row_errors(done.refused, rows, loaded.rulesets),
    )


def _of_group(group: Group, rows: Rows) -> Iterator[rating_pb2.RowWarning]:
    for number, warning in enumerate(group.compiled.program.warnings):
        for at in np.flatnonzero(group.result.warnings[warning.id]).tolist():
            index, own = int(group.result.kept[at]), group.own(at)
            yield rating_pb2.RowWarning(
                row_id=str(rows.row_id[index]),
                index=index,
                ruleset=own.id,
                warning=warning_message(_raised(group, own.program.warnings[number], at)),
            )


def _raised(group: Group, warning: Warning, at: int) -> RaisedWarning:
    """Write a warning of one row with the row's values in its message."""
    values, steps = group.result.warning_values[warning.id], group.compiled.program.steps
    texts = {name: value_text(int(values[name][at]), steps[step].type) for name, step in warning.values}
    return RaisedWarning(
        warning.id, warning.title, warning.level, filled(warning.message, texts), warning.causes, warning.action
    )
