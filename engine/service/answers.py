"""A batch that was billed -> the message that answers a chunk.

Takes what `engine.evaluator.batch.dispatch` gives; gives columns, filled from numpy's memory in one piece: appending
values to a repeated field costs fifty times as much. Amounts leave as they were computed, in whole numbers.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np
from google.protobuf.message import Message

from dianjia.rating.v1 import rating_pb2
from dianjia.type.v1 import type_pb2
from engine.calendars.days import day_date
from engine.compiler.program import Compiled, Program
from engine.evaluator.batch import Dispatched, Group
from engine.evaluator.evaluate import Result
from engine.evaluator.refuse import of_item
from engine.evaluator.rows import Array, Mask, RowProblem, Rows
from engine.language.catalogue import CATALOGUE
from engine.language.problems import placeholders, problem, remedy
from engine.service.describing import place_message

_WIRE_BYTES: Final = 2  # of a length-delimited field, which packed values are
_NUMBERS_TAG: Final = bytes([type_pb2.Numbers.VALUES_FIELD_NUMBER << 3 | _WIRE_BYTES])
_INDEX_TAG: Final = bytes([rating_pb2.BillGroup.INDEX_FIELD_NUMBER << 3 | _WIRE_BYTES])
_PARTS_TAG: Final = bytes([rating_pb2.BillGroup.PARTS_FIELD_NUMBER << 3 | _WIRE_BYTES])
_PART_FROM_TAG: Final = bytes([rating_pb2.BillGroup.PART_FROM_FIELD_NUMBER << 3 | _WIRE_BYTES])
_PART_TO_TAG: Final = bytes([rating_pb2.BillGroup.PART_TO_FIELD_NUMBER << 3 | _WIRE_BYTES])
_RAISED_TAG: Final = bytes([rating_pb2.WarningColumn.INDEX_FIELD_NUMBER << 3 | _WIRE_BYTES])
_VARINT_BITS: Final = 7
_LITTLE: Final = sys.byteorder == "little"
REMEDY_MAX: Final = 1_000  # characters: a rule set may read so many columns that their names fill a page


def chunk_answer(
    done: Dispatched,
    rows: Rows,
    book: Mapping[str, Compiled],
    *,
    sequence: int,
    version: str,
    between: Callable[[], None] | None = None,
) -> rating_pb2.CalculateBillsResponse:
    """Write the bills of a chunk, and why its other rows have none.

    Args:
        done: the chunk, billed; what it holds (details, totals alone) is what is written.
        rows: the chunk.
        book: the rule sets that billed it.
        sequence: number of the chunk.
        version: of the rate book.
        between: called before each rule set; raises where nobody waits for the answer any more.
    """
    answer = rating_pb2.CalculateBillsResponse(
        sequence=sequence, version=version, received=done.received, billed=done.billed
    )
    for group in done.groups:
        if between is not None:
            between()
        if len(group.result.kept):
            _group(answer.groups.add(), group, done.received)
    answer.row_errors.extend(row_errors(done.refused, rows, book, sequence))
    return answer


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


def _group(message: rating_pb2.BillGroup, group: Group, received: int) -> None:
    compiled, result = group.compiled, group.result
    program = compiled.program
    message.ruleset = compiled.id
    message.ruleset_hash = compiled.content_hash
    message.currency = compiled.currency
    if len(result.kept) != received:
        _fill(message, _INDEX_TAG, result.kept.astype("<u4"))
    if result.offsets is not None:
        _fill(message, _PARTS_TAG, np.diff(result.offsets).astype("<u4"))
        _fill(message, _PART_FROM_TAG, result.period_from.astype("<i4"))
        _fill(message, _PART_TO_TAG, result.period_to.astype("<i4"))
    _numbers(message.total, result.total, program, program.total)
    if result.amounts:
        _lines(message, program, result)
    for code, step in program.ledgers if result.ledgers else ():
        _numbers(message.ledgers.add(ledger=code).amounts, result.ledgers[code], program, step)
    for id_, raised in result.warnings.items():
        at = np.flatnonzero(raised)
        if len(at):
            _fill(message.warnings.add(id=id_), _RAISED_TAG, result.kept.take(at).astype("<u4"))


def _lines(message: rating_pb2.BillGroup, program: Program, result: Result) -> None:
    for line in program.lines:
        column = message.lines.add(id=line.id, money=line.money)
        _numbers(column.amounts, result.amounts[line.id], program, line.amount)
        shown = result.shown.get(line.id)
        if shown is not None and not shown.all():
            column.shown = bits(shown)
        if line.quantity is not None and line.id in result.quantities:
            _numbers(column.quantities, result.quantities[line.id], program, line.quantity)
        if line.price is not None and line.id in result.prices:
            _numbers(column.prices, result.prices[line.id], program, line.price)


def bits(truths: Mask) -> bytes:
    """Pack truths, the first in the lowest bit of the first byte."""
    return np.packbits(truths, bitorder="little").tobytes()


def fill_numbers(numbers: type_pb2.Numbers, values: Array, places: int) -> None:
    """Put whole numbers into a column."""
    numbers.places = places
    _fill(numbers, _NUMBERS_TAG, values)


def _numbers(numbers: type_pb2.Numbers, values: Array, program: Program, step: int) -> None:
    fill_numbers(numbers, values, program.steps[step].type.places)


def _fill(message: Message, tag: bytes, values: Array) -> None:
    """Put values into a packed field by merging the bytes that the field has on the wire: the lowest byte first."""
    little = (
        values if _LITTLE and values.flags.c_contiguous else np.ascontiguousarray(values, f"<{values.dtype.str[1:]}")
    )
    message.MergeFromString(b"".join((tag, _varint(little.nbytes), little.data)))


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >> _VARINT_BITS:
        found.append(number & 0x7F | 0x80)
        number >>= _VARINT_BITS
    found.append(number)
    return bytes(found)


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
