"""Answers to chunks -> whole columns: the bills of each rule set, with the rows of the frame that they are of.

Every answer is checked before anything of it is used: each row of the chunk is billed once or refused once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dianjia.client.chunking import Prepared, Refusal
from dianjia.client.errors import AnswerBroken
from dianjia.client.messages import array_of, mask_of, scaled_of
from dianjia.client.plain import place_or_none
from dianjia.client.values import Coded, Mask, Scaled, Whole
from dianjia.rating.v1 import rating_pb2 as messages
from dianjia.type.v1 import type_pb2 as types

_INT64_MAX = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Line:
    """One line of many bills; shapes (part,)."""

    id: str
    money: bool
    amounts: Scaled  # `given`: on which bills the line stands
    quantities: Scaled | None
    prices: Scaled | None


@dataclass(frozen=True, slots=True)
class Group:
    """Bills of one rule set.

    Attributes:
        ruleset: its id.
        hash: content hash of its files.
        currency: of every amount.
        positions: shape (row,): rows of the frame.
        total: shape (row,).
        parts: shape (row,): parts of each row; None: each row is one part.
        part_from, part_to: shape (part,) [day since 1970-01-01]; of a row of one part its billing period.
        lines: in the order of the bill.
        ledgers: code -> shape (row,).
        warnings: name -> rows of the frame that raise it.
        scores: name -> shape (row,).
        segments: name -> shape (row,), names of the classes.
    """

    ruleset: str
    hash: str
    currency: str
    positions: Whole
    total: Scaled
    parts: Whole | None
    part_from: NDArray[np.int32]
    part_to: NDArray[np.int32]
    lines: tuple[Line, ...]
    ledgers: dict[str, Scaled]
    warnings: dict[str, Whole]
    scores: dict[str, Scaled]
    segments: dict[str, Coded]

    @property
    def part_count(self) -> int:
        """Parts of all rows together."""
        return len(self.positions) if self.parts is None else int(self.parts.sum())

    def rows_of_parts(self) -> Whole:
        """Shape (part,): the row of the frame that each part is of."""
        return self.positions if self.parts is None else np.repeat(self.positions, self.parts)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one chunk."""

    groups: tuple[Group, ...]
    refused: tuple[Refusal, ...]
    billed: int


def answer_of(prepared: Prepared, response: messages.CalculateBillsResponse) -> Answer:
    """Read the answer to a chunk.

    Raises:
        AnswerBroken: a row is neither billed nor refused, or both; a column has another length than its rows.
    """
    positions = prepared.positions
    rows = len(positions)
    told = np.zeros(rows, dtype=np.int64)
    groups = []
    for message in response.groups:
        index = array_of(message.index, np.int64) if len(message.index) else np.arange(rows)
        _within(index, rows)
        np.add.at(told, index, 1)
        groups.append(_group(message, prepared, index))
    refused = refusals(response.row_errors, positions)
    np.add.at(told, [error.index for error in response.row_errors], 1)
    billed = sum(len(group.positions) for group in groups)
    counts = (response.received, response.billed, len(refused))
    if counts != (rows, billed, rows - billed) or not bool((told == 1).all()):
        raise AnswerBroken(
            f"chunk {response.sequence}: {rows} rows were sent; the answer counts {response.received} received, "
            f"{response.billed} billed, {len(refused)} refused"
        )
    return Answer(tuple(groups), refused, billed)


def refusals(errors: Iterable[types.RowError], positions: Whole) -> tuple[Refusal, ...]:
    """Read the rows that are not billed.

    Raises:
        AnswerBroken: an index is beyond the chunk.
    """
    found = []
    for error in errors:
        if error.index >= len(positions):
            raise AnswerBroken(f"a refused row has the index {error.index}; {len(positions)} rows were sent")
        place = place_or_none(error)
        found.append(
            Refusal(
                int(positions[error.index]),
                error.code,
                error.field,
                error.value,
                error.reason,
                error.remedy,
                "" if place is None else str(place),
                error.ruleset,
            )
        )
    return tuple(found)


def _within(index: Whole, rows: int) -> None:
    if len(index) and not 0 <= int(index.min()) <= int(index.max()) < rows:
        raise AnswerBroken(f"an index runs from {index.min()} to {index.max()}; {rows} rows were sent")


def _group(message: messages.BillGroup, prepared: Prepared, index: Whole) -> Group:
    positions, keys, rows = prepared.positions, prepared.keys, len(index)
    parts = array_of(message.parts, np.int64) if len(message.parts) else None
    count = rows if parts is None else int(parts.sum())
    own = positions[index]
    warnings = {}
    for warning in message.warnings:
        raising = array_of(warning.index, np.int64)
        _within(raising, len(positions))
        warnings[warning.id] = positions[raising]
    group = Group(
        message.ruleset,
        message.ruleset_hash,
        message.currency,
        own,
        scaled_of(message.total),
        parts,
        keys.period_from.values[index] if parts is None else array_of(message.part_from, np.int32),
        keys.period_to.values[index] if parts is None else array_of(message.part_to, np.int32),
        tuple(_line(line, count) for line in message.lines),
        {ledger.ledger: scaled_of(ledger.amounts) for ledger in message.ledgers},
        warnings,
        {score.id: scaled_of(score.values) for score in message.scores},
        {segment.id: _classes(segment, rows) for segment in message.segments},
    )
    lengths = [(rows, len(group.total)), *((rows, len(one)) for one in group.ledgers.values())]
    lengths += [(rows, len(score)) for score in group.scores.values()]
    lengths += [(rows, len(classes)) for classes in group.segments.values()]
    if parts is not None:
        lengths += [(rows, len(parts)), (count, len(group.part_from)), (count, len(group.part_to))]
    for line in group.lines:
        found = (line.amounts, line.quantities, line.prices)
        lengths += [(count, len(one)) for one in found if one is not None]
    if any(due != came for due, came in lengths):
        raise AnswerBroken(f"a column of `{message.ruleset}` has another length than its rows")
    return group


def _classes(message: messages.SegmentColumn, rows: int) -> Coded:
    names = tuple(message.classes.names)
    several = len(names) > 1
    positions = array_of(message.classes.positions, np.int64) if several else np.zeros(rows, dtype=np.int64)
    _within(positions, len(names))
    return Coded(positions, names)


def _line(message: messages.LineColumn, count: int) -> Line:
    shown = mask_of(message.shown, count)
    return Line(
        message.id,
        message.money,
        _shown(scaled_of(message.amounts), shown),
        _shown(scaled_of(message.quantities), shown) if message.HasField("quantities") else None,
        _shown(scaled_of(message.prices), shown) if message.HasField("prices") else None,
    )


def _shown(numbers: Scaled, shown: Mask | None) -> Scaled:
    return numbers if shown is None or len(shown) != len(numbers) else Scaled(numbers.values, numbers.places, shown)


def joined(groups: Sequence[Group]) -> Group:
    """Put the bills of one rule set behind one another, chunk by chunk."""
    first = groups[0]
    if len(groups) == 1:
        return first
    counts = [group.part_count for group in groups]
    rows = [len(group.positions) for group in groups]
    parts = None
    if any(group.parts is not None for group in groups):
        parts = np.concatenate(
            [np.ones(len(group.positions), np.int64) if group.parts is None else group.parts for group in groups]
        )
    ids: dict[str, bool] = {line.id: line.money for group in groups for line in group.lines}
    by_id = [{line.id: line for line in group.lines} for group in groups]
    lines = []
    for id_, money in ids.items():
        own = [one.get(id_) for one in by_id]
        lines.append(
            Line(
                id_,
                money,
                end_to_end([None if line is None else line.amounts for line in own], counts),
                _optional([None if line is None else line.quantities for line in own], counts),
                _optional([None if line is None else line.prices for line in own], counts),
            )
        )
    codes = dict.fromkeys(code for group in groups for code in group.ledgers)
    names = dict.fromkeys(name for group in groups for name in group.warnings)
    return Group(
        first.ruleset,
        first.hash,
        first.currency,
        np.concatenate([group.positions for group in groups]),
        end_to_end([group.total for group in groups], rows),
        parts,
        np.concatenate([group.part_from for group in groups]),
        np.concatenate([group.part_to for group in groups]),
        tuple(lines),
        {code: end_to_end([group.ledgers.get(code) for group in groups], rows) for code in codes},
        {name: np.concatenate([group.warnings[name] for group in groups if name in group.warnings]) for name in names},
        {name: end_to_end([group.scores.get(name) for group in groups], rows) for name in first.scores},
        {  # groups of one hash have the same classes
            name: Coded(np.concatenate([group.segments[name].positions for group in groups]), own.names)
            for name, own in first.segments.items()
        },
    )


def _optional(pieces: Sequence[Scaled | None], counts: Sequence[int]) -> Scaled | None:
    return None if all(piece is None for piece in pieces) else end_to_end(pieces, counts)


def end_to_end(pieces: Sequence[Scaled | None], counts: Sequence[int], places_min: int = 0) -> Scaled:
    """Put columns behind one another, at the most places that any has; None is given nowhere.

    Raises:
        AnswerBroken: a number does not fit 64 bits at those places.
    """
    places = max((piece.places for piece in pieces if piece is not None), default=places_min)
    places = max(places, places_min)
    values, given = [], []
    for piece, count in zip(pieces, counts, strict=True):
        if piece is None:
            values.append(np.zeros(count, dtype=np.int64))
            given.append(np.zeros(count, dtype=bool))
            continue
        by = 10 ** (places - piece.places)
        if by > 1 and len(piece) and int(np.abs(piece.values).max()) > _INT64_MAX // by:
            raise AnswerBroken(f"an amount does not fit 64 bits at {places} places")
        values.append(piece.values * by if by > 1 else piece.values)
        given.append(np.ones(count, dtype=bool) if piece.given is None else piece.given)
    every = all(piece is not None and piece.given is None for piece in pieces)
    joined_values = np.concatenate(values) if values else np.zeros(0, dtype=np.int64)
    return Scaled(joined_values, places, None if every else np.concatenate(given))
