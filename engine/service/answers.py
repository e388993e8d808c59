"""A batch that was billed -> the message that answers a chunk.

Takes what `engine.evaluator.batch.dispatch` gives; gives the bytes of a `CalculateBillsResponse`, its columns taken
from numpy's memory as they are (`engine.service.wire`). Amounts leave as they were computed, in whole numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np

from dianjia.rating.v1 import rating_pb2
from dianjia.type.v1 import type_pb2
from engine.calendars.days import day_date
from engine.compiler.profile import Segment
from engine.compiler.program import Compiled, Line, Program
from engine.evaluator.batch import Dispatched, Group
from engine.evaluator.evaluate import Result
from engine.evaluator.refuse import of_item
from engine.evaluator.rows import Array, Mask, RowProblem, Rows
from engine.language.catalogue import CATALOGUE
from engine.language.problems import placeholders, problem, remedy
from engine.service.describing import place_message
from engine.service.wire import Writing, Written

_GROUP: Final = rating_pb2.BillGroup
_LINE: Final = rating_pb2.LineColumn
REMEDY_MAX: Final = 1_000  # characters: a rule set may read so many columns that their names fill a page


def chunk_answer(
    done: Dispatched,
    rows: Rows,
    book: Mapping[str, Compiled],
    *,
    sequence: int,
    version: str,
    between: Callable[[], None] | None = None,
) -> Written:
    """Write the bills of a chunk, and why its other rows have none.

    Args:
        done: the chunk, billed; what it holds (details, totals alone) is what is written.
        rows: the chunk.
        book: the rule sets that billed it.
        sequence: number of the chunk.
        version: of the rate book.
        between: called before each rule set; raises where nobody waits for the answer any more.
    """
    head = rating_pb2.CalculateBillsResponse(
        sequence=sequence, version=version, received=done.received, billed=done.billed
    )
    head.row_errors.extend(row_errors(done.refused, rows, book, sequence))
    answer = Writing(head)
    for group in (one for several in done.groups for one in several.apart()):
        if between is not None:
            between()
        if len(group.result.kept):
            answer.message(rating_pb2.CalculateBillsResponse.GROUPS_FIELD_NUMBER, _group(group, done.received))
    return answer.written()


def row_errors(
    refused: Iterable[RowProblem], rows: Rows, book: Mapping[str, Compiled], sequence: int = 0
) -> Iterable[type_pb2.RowError]:
    """Say why rows of a chunk have no bill, each with the id of the rule set that it names."""
    codes = rows.ruleset.codes or ("",)
    for found in refused:
        key = codes[int(rows.ruleset.values[found.row])]
        error = row_error(found, book[key].id if key in book else key)
        error.sequence = sequence
        error.index = found.row
        yield error


def row_error(found: RowProblem, ruleset: str) -> type_pb2.RowError:
    """Say why a row has no bill."""
    item = found.parameters.get("item", "")
    known = {**found.parameters, "field": of_item(found.field, item), "value": found.value}
    advice = ""
    if found.code in CATALOGUE and not placeholders(found.code) - known.keys():
        advice = remedy(problem(found.code, None, None, **{name: known[name] for name in placeholders(found.code)}))
    return type_pb2.RowError(
        row_id="" if found.row_id is None else str(found.row_id),
        code=found.code,
        field=known["field"],
        value=found.value,
        reason=found.reason,
        remedy=advice if len(advice) <= REMEDY_MAX else f"{advice[: REMEDY_MAX - 1]}…",
        place=None if found.place is None else place_message(found.place),
        ruleset=ruleset,
    )


def _group(group: Group, received: int) -> Writing:
    compiled, result = group.compiled, group.result
    program = compiled.program
    head = _GROUP(ruleset=compiled.id, ruleset_hash=compiled.content_hash, currency=compiled.currency)
    written = Writing(head)
    if len(result.kept) != received:
        written.column(_GROUP.INDEX_FIELD_NUMBER, result.kept.astype("<u4"))
    if result.offsets is not None:
        written.column(_GROUP.PARTS_FIELD_NUMBER, np.diff(result.offsets).astype("<u4"))
        written.column(_GROUP.PART_FROM_FIELD_NUMBER, result.period_from.astype("<i4"))
        written.column(_GROUP.PART_TO_FIELD_NUMBER, result.period_to.astype("<i4"))
    written.message(_GROUP.TOTAL_FIELD_NUMBER, _numbers(result.total, program, program.total))
    for line in program.lines if result.amounts else ():
        written.message(_GROUP.LINES_FIELD_NUMBER, _line(line, program, result))
    for code, step in program.ledgers if result.ledgers else ():
        ledger = Writing(rating_pb2.LedgerColumn(ledger=code))
        ledger.message(rating_pb2.LedgerColumn.AMOUNTS_FIELD_NUMBER, _numbers(result.ledgers[code], program, step))
        written.message(_GROUP.LEDGERS_FIELD_NUMBER, ledger)
    for id_, raised in result.warnings.items():
        at = np.flatnonzero(raised)
        if len(at):
            warning = Writing(rating_pb2.WarningColumn(id=id_))
            warning.column(rating_pb2.WarningColumn.INDEX_FIELD_NUMBER, result.kept.take(at).astype("<u4"))
            written.message(_GROUP.WARNINGS_FIELD_NUMBER, warning)
    for one in program.scores if result.scores else ():
        score = Writing(rating_pb2.ScoreColumn(id=one.id))
        score.message(
            rating_pb2.ScoreColumn.VALUES_FIELD_NUMBER,
            _numbers(result.scores[one.id], program, program.names[one.id]),
        )
        written.message(_GROUP.SCORES_FIELD_NUMBER, score)
    for segment in program.segments if result.segments else ():
        written.message(_GROUP.SEGMENTS_FIELD_NUMBER, _segment(segment, result.segments[segment.id]))
    return written


def _segment(segment: Segment, positions: Array) -> Writing:
    classes = Writing(type_pb2.Codes(names=[one.id for one in segment.classes]))
    if len(segment.classes) > 1:
        classes.column(type_pb2.Codes.POSITIONS_FIELD_NUMBER, positions.astype("<u4"))
    written = Writing(rating_pb2.SegmentColumn(id=segment.id))
    written.message(rating_pb2.SegmentColumn.CLASSES_FIELD_NUMBER, classes)
    return written


def _line(line: Line, program: Program, result: Result) -> Writing:
    head = _LINE(id=line.id, money=line.money)
    shown = result.shown.get(line.id)
    if shown is not None and not shown.all():
        head.shown = bits(shown)
    written = Writing(head)
    written.message(_LINE.AMOUNTS_FIELD_NUMBER, _numbers(result.amounts[line.id], program, line.amount))
    if line.quantity is not None and line.id in result.quantities:
        quantities = _numbers(result.quantities[line.id], program, line.quantity)
        written.message(_LINE.QUANTITIES_FIELD_NUMBER, quantities)
    if line.price is not None and line.id in result.prices:
        written.message(_LINE.PRICES_FIELD_NUMBER, _numbers(result.prices[line.id], program, line.price))
    return written


def _numbers(values: Array, program: Program, step: int) -> Writing:
    return numbers(values, program.steps[step].type.places)


def numbers(values: Array, places: int) -> Writing:
    """Write whole numbers of a column."""
    written = Writing(type_pb2.Numbers(places=places))
    written.column(type_pb2.Numbers.VALUES_FIELD_NUMBER, values)
    return written


def bits(truths: Mask) -> bytes:
    """Pack truths, the first in the lowest bit of the first byte."""
    return np.packbits(truths, bitorder="little").tobytes()


def months_billed(done: Dispatched, rows: Rows) -> Mapping[int, int]:
    """Count bills by the month of the first day billed."""
    found: Counter[int] = Counter()
    for group in done.groups:
        kept = group.result.kept
        found.update(months_of(rows.period_from if len(kept) == len(rows) else rows.period_from[kept]))
    return found


def months_of(days: Array) -> Mapping[int, int]:
    """Count days by month, as year x 12 + month - 1; most batches are of one month.

    >>> months_of(np.array([20454, 20455, 20485]))
    {24312: 2, 24313: 1}
    """
    if not len(days):
        return {}
    first, last = (month_of(int(day)) for day in (days.min(), days.max()))
    if first == last:
        return {first: len(days)}
    months, counts = np.unique(days.astype("datetime64[D]").astype("datetime64[M]"), return_counts=True)
    return dict(zip((months.astype(np.int64) + 1970 * 12).tolist(), counts.tolist(), strict=True))


def month_of(day: int) -> int:
    """Give the month of a day, as year x 12 + month - 1."""
    found = day_date(day)
    return found.year * 12 + found.month - 1
