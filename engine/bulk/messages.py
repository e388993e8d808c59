"""Warnings that rows raise, with the values that their messages name, written a column at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.bulk.money import decimals
from engine.compiler.program import Type
from engine.evaluator.batch import Group
from engine.evaluator.evaluate import evaluate
from engine.evaluator.rows import Rows, day_text

_NAMED: Final = re.compile(r"\{([^{}]+)\}")


def warning_messages(group: Group, rows: Rows) -> Iterator[tuple[int, NDArray[np.int64], Any]]:
    """Give, for each warning of a rule set that a row raises: its position, those rows, and their messages.

    The values in messages are computed for the rows that raise a warning alone, which are few. The rows are told by
    their numbers in the group.
    """
    program, result = group.compiled.program, group.result
    raised = {at: result.warnings[one.id] for at, one in enumerate(program.warnings)}
    speaking = [at for at, one in enumerate(program.warnings) if one.values and bool(raised[at].any())]
    valued: Mapping[str, Mapping[str, NDArray[Any]]] = {}
    any_row = np.zeros(len(result.kept), dtype=bool)
    if speaking:
        any_row = np.logical_or.reduce([raised[at] for at in speaking])
        of_items = {f"{name}.{one}" for name, its in rows.children.items() for one in its.columns}
        again = evaluate(
            group.compiled,
            rows,
            positions=result.kept[any_row],
            pass_through={*rows.columns, *rows.children, *of_items},
            details=True,
            plans=group.plans,
            members=group.of(len(rows)),
        )
        valued = again.warning_values
    for at, one in enumerate(program.warnings):
        mask = raised[at]
        if not bool(mask.any()):
            continue
        types = {name: program.steps[step].type for name, step in one.values}
        for message, own in _by_message(group, at, np.flatnonzero(mask)):
            columns: Mapping[str, NDArray[Any]] = {}
            if at in speaking:
                among = np.searchsorted(np.flatnonzero(any_row), own)
                columns = {name: values[among] for name, values in valued[one.id].items()}
            yield at, own, written(message, columns, types, len(own))


def _by_message(group: Group, warning: int, rows: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Give the messages that some rows' own rule sets have for a warning, each with its rows."""
    messages = [one.program.warnings[warning].message for one in group.members]
    if group.code is None or len(set(messages)) == 1:
        yield messages[0], rows
        return
    texts = list(dict.fromkeys(messages))
    which = np.array([texts.index(message) for message in messages])[group.code[rows]]
    for number, text in enumerate(texts):
        own = rows[which == number]
        if len(own):
            yield text, own


def written(message: str, columns: Mapping[str, NDArray[Any]], types: Mapping[str, Type], rows: int) -> Any:
    """Fill a message's braces for many rows."""
    parts: list[Any] = []
    end = 0
    for found in _NAMED.finditer(message):
        name = found[1]
        if name not in columns:
            continue
        parts += [pa.scalar(message[end : found.start()]), _texts(columns[name], types[name])]
        end = found.end()
    parts.append(pa.scalar(message[end:]))
    if len(parts) == 1:
        return pa.array([message], pa.string()).take(pa.array(np.zeros(rows, np.int64)))
    return pc.binary_join_element_wise(*parts, "")


def _texts(values: NDArray[Any], of: Type) -> Any:
    """Whole numbers of a type as an analyst writes them."""
    match of.kind:
        case "number":
            whole = values.astype(np.int64, copy=False)
            return (pa.array(whole) if of.places == 0 else decimals(whole, of.places, 19)).cast(pa.string())
        case "boolean":
            return pa.array(["false", "true"]).take(pa.array(values.astype(np.int64)))
        case "code":
            return pa.array(of.codes, pa.string()).take(pa.array(values.astype(np.int64)))
        case "date":
            days, inverse = np.unique(values, return_inverse=True)
            return pa.array([day_text(int(day)) for day in days]).take(pa.array(inverse))
