"""Frames -> the chunks that are sent: columns are checked against what the rule sets read, rows are cut to size.

A row that cannot even be sent (no id, no day, an id that has come before) is refused here, with the service's words,
so that every row of a frame comes back billed or refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dianjia.client.described import Kind, RuleSet, Wanted, wanted_of
from dianjia.client.frames import Frame, framed
from dianjia.client.identities import SeenIds
from dianjia.client.messages import chunk_message, weight
from dianjia.client.objects import coded
from dianjia.client.values import Coded, Column, Days, Mask, Pick, Scaled, Texts, none_given, picked
from dianjia.type.v1 import type_pb2 as types

CHUNK_ROWS: Final = 16_384  # fastest, and 1 to 2 MB
# A server takes messages of 4 MiB unless it is told otherwise.
_CHUNK_BYTES: Final = 3 << 20
KEYS: Final = ("row_id", "ruleset", "period_from", "period_to")
# What portfolios carry along beside the inputs.
PASSING: Final = frozenset({"account", "scope", "bill_id", "revision"})
_MADE: Final = frozenset({"row", "version", "total", "currency", "code", "field", "value", "reason", "remedy", "at"})
_NO_DAY: Final = "Give a local day from 1990-01-01 to 2099-12-31 as YYYY-MM-DD."
_EPOCH: Final = date(1970, 1, 1).toordinal()
# Python also takes 20260101 and 2026-W01-1, which the service refuses.
_WRITTEN_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one row has no bill."""

    row: int  # position in the frame, from 0
    code: str
    field: str
    value: str
    reason: str
    remedy: str
    at: str = ""  # the rule's line: file:line:column
    ruleset: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """What every row has."""

    ids: Scaled | Texts
    rulesets: Coded
    period_from: Days
    period_to: Days

    def columns(self) -> list[Column]:
        """All of it."""
        return [self.ids, self.rulesets, self.period_from, self.period_to]

    def picked(self, pick: Pick) -> Keys:
        """Some rows."""
        ids, rulesets, period_from, period_to = (picked(one, pick) for one in self.columns())
        assert isinstance(ids, (Scaled, Texts))
        assert isinstance(rulesets, Coded)
        assert isinstance(period_from, Days)
        assert isinstance(period_to, Days)
        return Keys(ids, rulesets, period_from, period_to)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk, ready to be sent."""

    opened: Opened
    positions: NDArray[np.int64]  # shape (row,): of its rows in the frame
    keys: Keys
    values: dict[str, Column]

    def message(self) -> types.Chunk:
        """Write it."""
        keys = self.keys
        return chunk_message(keys.ids, keys.rulesets, keys.period_from, keys.period_to, self.values)

    def halves(self) -> list[Prepared]:
        """Cut it in two, where the service finds it, or the answer to it, too large; itself where it has one row."""
        rows = len(self.positions)
        if rows == 1:
            return [self]
        self.opened.halved += 1
        return [self.part(slice(0, rows // 2)), self.part(slice(rows // 2, rows))]

    def part(self, rows: slice) -> Prepared:
        """Some of its rows."""
        values = {name: picked(one, rows) for name, one in self.values.items()}
        return Prepared(self.opened, self.positions[rows], self.keys.picked(rows), values)


@dataclass(slots=True)
class Opened:
    """A frame of which chunks are under way.

    Attributes:
        frame: the rows.
        passing: columns that only come back.
        known: rule sets that its rows name.
        ids_in_text: its row ids are whole numbers of which some are above 63 bits, so that all are sent as text.
        pieces: how many chunks it makes; None: not all are cut.
        halved: how many of them were cut in two.
        refused: rows that were not sent.
        answered: what came of each chunk, in order.
    """

    frame: Frame
    passing: tuple[str, ...]
    known: Sequence[RuleSet]
    ids_in_text: bool = False
    pieces: int | None = None
    halved: int = 0
    refused: list[Refusal] = field(default_factory=list)
    answered: list[Any] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every chunk is answered."""
        return self.pieces is not None and len(self.answered) == self.pieces + self.halved


@dataclass(slots=True)
class Cutter:
    """Cuts frames of one stream.

    Attributes:
        describe: rule set names -> the rule sets that there are.
        pass_through: more columns that only come back.
        chunk_rows: at most so many rows in a chunk.
        seen: row ids of all frames so far.
        unsent: rows refused without being sent, so far.
    """

    describe: Callable[[Collection[str]], list[RuleSet]]
    pass_through: frozenset[str]
    chunk_rows: int = CHUNK_ROWS
    chunk_bytes: int = _CHUNK_BYTES
    seen: SeenIds = field(default_factory=SeenIds)
    unsent: int = 0

    def opened(self, given: Any) -> tuple[Opened, Iterator[Prepared]]:
        """Check a frame's columns; give its chunks, each made when it is asked for.

        Raises:
            ValueError: it is no frame, a column is missing, or one is there that nobody reads.
        """
        frame = framed(given)
        for name in KEYS:
            if name not in frame.names:
                raise ValueError(f"there is no column `{name}`; rows have {', '.join(f'`{one}`' for one in KEYS)}")
        rulesets = _coded(frame.column("ruleset", Wanted(Kind.CODE), 0, frame.rows))
        known = self.describe(_named(rulesets))
        wanted = wanted_of(known)
        passing = self._passing(frame, wanted, any_known=bool(known))
        sent = {name: wanted[name] for name in frame.names if name in wanted and name not in KEYS}
        for name, one in [*sent.items(), ("row_id", _ID), ("period_from", _DAY), ("period_to", _DAY)]:
            frame.column(name, one, 0, 0)
        opened = Opened(frame, passing, known, ids_in_text=_ids_in_text(frame))
        return opened, self._cut(opened, rulesets, sent)

    def shorten(self, rows: int) -> None:
        """Make later chunks no longer than half of one that was too large."""
        self.chunk_rows = max(min(self.chunk_rows, rows // 2), 1)

    def _passing(self, frame: Frame, wanted: dict[str, Wanted], any_known: bool) -> tuple[str, ...]:
        """Columns that only come back.

        Raises:
            ValueError: nobody reads a column, or it has a name that results have.
        """
        found = []
        for name in frame.names:
            if name in KEYS or name in wanted:
                continue
            if name not in PASSING and name not in self.pass_through and any_known:
                near = difflib.get_close_matches(name, wanted, 1)
                hint = f"is `{near[0]}` meant? " if near else ""
                raise ValueError(
                    f"`{name}` is read by no rule set of these rows; {hint}Drop it, or name it in `pass_through`. "
                    f"They read {', '.join(f'`{one}`' for one in sorted(wanted))}"
                )
            if name in _MADE or name.startswith("ledger_"):
                raise ValueError(f"`{name}` is a column of the results; rename it")
            if name in PASSING or name in self.pass_through:
                found.append(name)
        return tuple(found)

    def _cut(self, opened: Opened, rulesets: Coded, sent: dict[str, Wanted]) -> Iterator[Prepared]:
        """Give a frame's chunks. One is held back until there is another, so that the last one is known as such."""
        pieces, start = 0, 0
        held: Prepared | None = None
        while start < opened.frame.rows:
            stop = min(start + self.chunk_rows, opened.frame.rows)
            for prepared in self._stretch(opened, rulesets, sent, start, stop):
                pieces += 1
                if held is not None:
                    yield held
                held = prepared
            start = stop
        opened.pieces = pieces
        if held is not None:
            yield held

    def _stretch(
        self, opened: Opened, rulesets: Coded, sent: dict[str, Wanted], start: int, stop: int
    ) -> Iterator[Prepared]:
        frame = opened.frame
        good = np.ones(stop - start, dtype=bool)

        def refuse(which: Mask, code: str, name: str, told: Callable[[int], tuple[str, str, str]]) -> None:
            for at in np.flatnonzero(which & good).tolist():
                value, reason, remedy = told(at)
                opened.refused.append(Refusal(start + at, code, name, value, reason, remedy))
            good[which] = False

        ids = frame.column("row_id", _ID, start, stop)
        if ids.given is not None:
            refuse(~ids.given, "missing-value", "row_id", partial(_missing, "row_id"))
        days = {}
        for name in ("period_from", "period_to"):
            column = frame.column(name, _DAY, start, stop)
            if column.given is not None:
                refuse(~column.given, "missing-value", name, partial(_missing, name))
            if isinstance(column, Texts):
                parsed = np.array([_day(text) for text in column.values.tolist()], dtype=np.int32)
                refuse(parsed == _UNREAD, "bad-date", name, partial(_bad_date, name, column))
                column = Days(parsed)
            assert isinstance(column, Days)
            days[name] = column
        ids = _identity(ids, in_text=opened.ids_in_text)
        fresh = np.flatnonzero(good)
        again = np.zeros(len(good), dtype=bool)
        again[fresh] = self.seen.again(picked(ids, fresh))
        refuse(again, "duplicate-row", "row_id", partial(_duplicate, ids))
        kept = np.flatnonzero(good)
        self.unsent += stop - start - len(kept)
        if not len(kept):
            return
        whole = slice(0, stop - start) if len(kept) == stop - start else kept
        columns = {name: frame.column(name, one, start, stop) for name, one in sent.items()}
        columns = {name: picked(one, whole) for name, one in columns.items()}
        columns = {name: one for name, one in columns.items() if not none_given(one)}
        own_rulesets = Coded(rulesets.positions[start:stop], rulesets.names)
        keys = Keys(ids, own_rulesets, days["period_from"], days["period_to"]).picked(whole)
        whole_stretch = Prepared(opened, kept + start, keys, columns)
        for part in self._sized([*keys.columns(), *columns.values()], len(kept)):
            yield whole_stretch.part(part)

    def _sized(self, columns: list[Column], rows: int) -> list[slice]:
        """Stretches of rows that fit one message each; a row that fits none goes alone, for the service to judge."""
        each = np.zeros(rows, dtype=np.int64)
        for column in columns:
            each += weight(column)
        ends = np.cumsum(each)
        found, start = [], 0
        while start < rows:
            before = int(ends[start - 1]) if start else 0
            stop = max(int(np.searchsorted(ends, before + self.chunk_bytes, side="right")), start + 1)
            found.append(slice(start, stop))
            start = stop
        return found


_ID: Final = Wanted(Kind.TEXT)
_DAY: Final = Wanted(Kind.DATE)
_UNREAD: Final = np.iinfo(np.int32).min


def _coded(column: Column) -> Coded:
    if isinstance(column, Texts):
        return coded(column.values.tolist())
    assert isinstance(column, Coded)
    if column.given is None:
        return column
    # A row without a rule set has the empty name, and is refused as such.
    return Coded(np.where(column.given, column.positions, len(column.names)), (*column.names, ""))


def _named(rulesets: Coded) -> list[str]:
    """Names that occur."""
    return [rulesets.names[at] for at in np.unique(rulesets.positions).tolist() if rulesets.names[at]]


def _ids_in_text(frame: Frame) -> bool:
    if not isinstance(frame.column("row_id", _ID, 0, 0), Scaled):
        return False
    return isinstance(frame.column("row_id", _ID, 0, frame.rows), Texts)


def _identity(ids: Column, *, in_text: bool) -> Scaled | Texts:
    if isinstance(ids, Scaled):
        return Texts(ids.values.astype(str).astype(object)) if in_text else Scaled(ids.values, 0)
    assert isinstance(ids, Texts)
    return Texts(ids.values)


def _day(text: str) -> int:
    if _WRITTEN_DAY.fullmatch(text) is None:
        return int(_UNREAD)
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        return int(_UNREAD)


def _missing(name: str, at: int) -> tuple[str, str, str]:
    return "", f"`{name}` is not given.", "Give it in every row that needs it; absence never means zero."


def _bad_date(name: str, texts: Texts, at: int) -> tuple[str, str, str]:
    value = texts.values[at]
    return value, f"`{name}` is `{value}`, which is not a day that can be billed.", _NO_DAY


def _duplicate(ids: Scaled | Texts, at: int) -> tuple[str, str, str]:
    value = str(ids.values[at])
    return value, f"the row id `{value}` has come before.", "Give each row of a run its own `row_id`."


def sizes(chunk_rows: int) -> int:
    """Check a number of rows.

    Raises:
        ValueError: it is not above 0.
    """
    if chunk_rows < 1:
        raise ValueError(f"chunk_rows is a whole number from 1; came {chunk_rows}")
    return chunk_rows


def all_frames(cutter: Cutter, frames: Iterable[Any], note: Callable[[Opened], None]) -> Iterator[Prepared]:
    """Cut frames one after another; `note` hears of each before its first chunk."""
    for given in frames:
        opened, chunks = cutter.opened(given)
        note(opened)
        yield from chunks
