"""Answers about many rows that come whole: warnings with their words, and what another version would bill.

Each chunk is one call; the version is settled before the first, so that all are of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from dianjia.client.chunking import Opened, Prepared, Refusal
from dianjia.client.errors import AnswerBroken, ServiceError, is_too_large
from dianjia.client.frames import Frame, Same
from dianjia.client.groups import end_to_end, refusals
from dianjia.client.objects import coded
from dianjia.client.plain import decimal_of
from dianjia.client.results import refused_frame, texts_of
from dianjia.client.values import Column, Scaled, Whole
from dianjia.rating.v1 import rating_pb2 as messages
from dianjia.type.v1 import type_pb2 as types

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Warnings:
    """Warnings of the rows of a frame: received = billed + refused."""

    version: str
    received: int
    billed: int
    _frame: Frame
    _raised: tuple[tuple[int, messages.RowWarning], ...]
    _refused: tuple[Refusal, ...]

    @cached_property
    def warnings(self) -> Any:
        """One row for each warning: `row`, `row_id`, `ruleset`, `warning`, `level`, `title`, `message`, `causes`,
        `action`.
        """
        positions = np.array([row for row, _ in self._raised], dtype=np.int64)
        raised = [(one.ruleset, one.warning) for _, one in self._raised]
        columns: dict[str, Column | Same | Whole] = {
            "row": positions,
            "row_id": Same("row_id", positions),
            "ruleset": coded([ruleset for ruleset, _ in raised]),
            "warning": coded([one.id for _, one in raised]),
            "level": coded([one.level for _, one in raised]),
            "title": texts_of([one.title for _, one in raised]),
            "message": texts_of([one.message for _, one in raised]),
            "causes": texts_of(["; ".join(one.causes) for _, one in raised]),
            "action": texts_of([one.action for _, one in raised]),
        }
        return self._frame.made(columns, positions)

    @cached_property
    def refused(self) -> Any:
        """One row for each row without a bill."""
        return refused_frame(self._frame, self._refused)


def warned(
    opened: Opened, answers: Sequence[tuple[Prepared, messages.EvaluateWarningsResponse]], version: str
) -> Warnings:
    """Put the answers to a frame's chunks together.

    Raises:
        AnswerBroken: an answer is of another version, or its counts do not add up.
    """
    raised: list[tuple[int, messages.RowWarning]] = []
    refused = list(opened.refused)
    billed = 0
    for prepared, answer in answers:
        positions = prepared.positions
        own = refusals(answer.row_errors, positions)
        _agreeing(answer.version, version)
        _adding_up((answer.received, answer.billed + len(own)), len(positions))
        billed += answer.billed
        refused += own
        for one in answer.warnings:
            if one.index >= len(positions):
                raise AnswerBroken(f"a warning has the index {one.index}; {len(positions)} rows were sent")
            raised.append((int(positions[one.index]), one))
    refused.sort(key=lambda one: one.row)
    return Warnings(version, opened.frame.rows, billed, opened.frame, tuple(raised), tuple(refused))


@dataclass(frozen=True, slots=True)
class TotalChange:
    """Sums over the rows that both versions bill, in one currency."""

    before: Decimal
    after: Decimal
    bills: int


@dataclass(frozen=True)
class Comparison:
    """What two versions make of the rows of a frame.

    Attributes:
        before, after: content hashes.
        received: rows of the frame.
        same: rows whose bills are equal, line by line.
        totals: by currency.
    """

    before: str
    after: str
    received: int
    same: int
    totals: Mapping[str, TotalChange]
    _frame: Frame
    _places: int  # of amounts
    _differences: tuple[tuple[int, messages.BillDifference], ...]
    _refused_before: tuple[Refusal, ...]
    _refused_after: tuple[Refusal, ...]

    @cached_property
    def differences(self) -> Any:
        """One row for each row whose bills differ: `row`, `row_id`, `ruleset`, `before`, `after`, `difference`,
        `currency`. `difference` is null between two currencies, and beyond 64 bits.
        """
        positions = np.array([row for row, _ in self._differences], dtype=np.int64)
        found = [one for _, one in self._differences]
        columns: dict[str, Column | Same | Whole] = {
            "row": positions,
            "row_id": Same("row_id", positions),
            "ruleset": coded([one.ruleset for one in found]),
            "before": _amounts([one.before for one in found], self._places),
            "after": _amounts([one.after for one in found], self._places),
            "difference": _amounts(
                [one.difference if one.HasField("difference") else None for one in found], self._places
            ),
            "currency": coded([one.after.currency for one in found]),
        }
        return self._frame.made(columns, positions)

    @cached_property
    def lines(self) -> Any:
        """One row for each line that differs: `row`, `row_id`, `line`, `before`, `after`; null where it is lacking."""
        found = [(row, line) for row, one in self._differences for line in one.lines]
        positions = np.array([row for row, _ in found], dtype=np.int64)
        columns: dict[str, Column | Same | Whole] = {
            "row": positions,
            "row_id": Same("row_id", positions),
            "line": coded([line.id for _, line in found]),
            "before": _amounts([line.before if line.HasField("before") else None for _, line in found], self._places),
            "after": _amounts([line.after if line.HasField("after") else None for _, line in found], self._places),
        }
        return self._frame.made(columns, positions)

    @cached_property
    def refused_before(self) -> Any:
        """One row for each row that the earlier version does not bill."""
        return refused_frame(self._frame, self._refused_before)

    @cached_property
    def refused_after(self) -> Any:
        """One row for each row that the later version does not bill."""
        return refused_frame(self._frame, self._refused_after)


def compared(
    opened: Opened, answers: Sequence[tuple[Prepared, messages.CompareBillsResponse]], before: str, after: str
) -> Comparison:
    """Put the answers to a frame's chunks together.

    Raises:
        AnswerBroken: an answer is of other versions, or its counts do not add up.
    """
    differences: list[tuple[int, messages.BillDifference]] = []
    refused_before, refused_after = list(opened.refused), list(opened.refused)
    totals: dict[str, TotalChange] = {}
    same = 0
    for prepared, answer in answers:
        positions = prepared.positions
        _agreeing(answer.before, before)
        _agreeing(answer.after, after)
        own_before = refusals(answer.refused_before, positions)
        own_after = refusals(answer.refused_after, positions)
        either = {one.row for one in own_before} | {one.row for one in own_after}
        _adding_up((answer.received, answer.same + len(answer.differences) + len(either)), len(positions))
        same += answer.same
        refused_before += own_before
        refused_after += own_after
        differences += [(int(positions[one.index]), one) for one in answer.differences]
        for total in answer.totals:
            so_far = totals.get(total.before.currency, TotalChange(Decimal(0), Decimal(0), 0))
            totals[total.before.currency] = TotalChange(
                so_far.before + decimal_of(total.before),
                so_far.after + decimal_of(total.after),
                so_far.bills + total.bills,
            )
    for found in (refused_before, refused_after):
        found.sort(key=lambda one: one.row)
    return Comparison(
        before,
        after,
        opened.frame.rows,
        same,
        totals,
        opened.frame,
        max((one.minor_places for one in opened.known), default=0),
        tuple(differences),
        tuple(refused_before),
        tuple(refused_after),
    )


def asked_in_pieces(prepared: Prepared, ask: Callable[[Prepared], _Answer]) -> Iterator[tuple[Prepared, _Answer]]:
    """Ask about a chunk; about its halves, where it or the answer is too large.

    Raises:
        ServiceError: what `ask` raises for any other reason, or of a single row.
    """
    try:
        answer = ask(prepared)
    except ServiceError as error:
        if not is_too_large(error.failure) or len(prepared.positions) == 1:
            raise
    else:
        yield prepared, answer
        return
    for half in prepared.halves():
        yield from asked_in_pieces(half, ask)


def _agreeing(came: str, due: str) -> None:
    if came != due:
        raise AnswerBroken(f"the version {due} was asked for, {came} answers")


def _adding_up(counts: tuple[int, int], rows: int) -> None:
    if counts != (rows, rows):
        raise AnswerBroken(f"{rows} rows were sent; the answer counts {counts[0]}, and tells of {counts[1]}")


def _amounts(amounts: Sequence[types.Money | types.Decimal | None], places: int) -> Scaled:
    pieces = [None if one is None else Scaled(np.array([one.unscaled], dtype=np.int64), one.places) for one in amounts]
    return end_to_end(pieces, [1] * len(pieces), places)
