"""Which row ids come twice in a run, and which accounts: 64-bit numbers in bounded memory, then on the disk.

    numbers ──▶ a buffer ──full──▶ sorted ──▶ spill/NAME-0001, in 256 buckets by their top bits
                   └───────────────the end──▶ one bucket after another: sorted, equal neighbours

What shares a number may still differ (text beyond 8 bytes is hashed), so numbers found twice are only candidates; who
asks looks at them again. Row ids that ascend from the first row to the last take no memory at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.bulk import row_ids
from engine.bulk.sinks import writing
from engine.evaluator.seen import Words

Whole = NDArray[np.int64]

BUCKETS: Final = 256
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_BUFFER_LEAST: Final = 4_096


def spread(primary: Words) -> Words:
    """Spread primary numbers over the word, one to one, so that those of whole numbers that count up are far apart."""
    return primary * _GOLDEN


def parted(spread_keys: Words, parts: int) -> NDArray[np.uint32]:
    """(row,) which of some equally likely parts a number belongs to."""
    return (((spread_keys >> np.uint64(32)) * np.uint64(parts)) >> np.uint64(32)).astype(np.uint32)


def distinct(keys: Sequence[Words]) -> Words:
    """Give each of some numbers once, sorted. Sorting is several times as fast as numpy's hashing of them."""
    together = np.concatenate(keys)
    together.sort()
    first = np.ones(len(together), dtype=bool)
    np.not_equal(together[1:], together[:-1], out=first[1:])
    return together if first.all() else together[first]


@dataclass(frozen=True, slots=True)
class Repeated:
    """What is known of many numbers."""

    distinct: int
    twice: Words  # those that came more than once, sorted


class KeyStore:
    """Numbers, of which it is asked in the end which came more than once."""

    def __init__(self, folder: Path, name: str, memory: int) -> None:
        """Make an empty store.

        Args:
            folder: for what does not fit into memory; made when it is needed.
            name: of the files there.
            memory: that is used, at most [bytes].
        """
        self._folder, self._name = folder, name
        self._buffer: Words = np.empty(max(memory // 8, _BUFFER_LEAST), dtype=np.uint64)  # pages come when touched
        self._filled = 0
        self._spilled: list[tuple[Path, Whole]] = []  # file, where each bucket begins and the last ends

    def add(self, keys: Words) -> None:
        """Take numbers in, spread as `spread` gives them."""
        while len(keys):
            taken = keys[: len(self._buffer) - self._filled]
            self._buffer[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            keys = keys[len(taken) :]
            if self._filled == len(self._buffer):
                self._spill()

    def repeated(self) -> Repeated:
        """Say which numbers came more than once; the store is empty then."""
        if not self._spilled:
            held = self._buffer[: self._filled]
            held.sort()
            found = _twice(held)
            self._filled = 0
            return found
        if self._filled:
            self._spill()
        self._buffer = np.empty(0, dtype=np.uint64)
        buckets = [_twice(self._bucket(number)) for number in range(BUCKETS)]
        for path, _ in self._spilled:
            path.unlink()
        self._spilled = []
        return Repeated(sum(one.distinct for one in buckets), np.concatenate([one.twice for one in buckets]))

    def _spill(self) -> None:
        held = self._buffer[: self._filled]
        held.sort()
        starts = np.arange(BUCKETS, dtype=np.uint64) << np.uint64(56)
        bounds = np.append(np.searchsorted(held, starts), len(held)).astype(np.int64)
        path = self._folder / f"{self._name}-{len(self._spilled) + 1:04d}"
        with writing(path):
            self._folder.mkdir(parents=True, exist_ok=True)
            held.tofile(path)
        self._spilled.append((path, bounds))
        self._filled = 0

    def _bucket(self, number: int) -> Words:
        parts = []
        for path, bounds in self._spilled:
            first, end = int(bounds[number]), int(bounds[number + 1])
            parts.append(np.fromfile(path, dtype=np.uint64, count=end - first, offset=first * 8))
        keys = np.concatenate(parts)
        keys.sort()
        return keys


def _twice(ordered: Words) -> Repeated:
    same = ordered[1:] == ordered[:-1]
    count = int(np.count_nonzero(same))
    twice = distinct([ordered[1:][same]]) if count else np.zeros(0, dtype=np.uint64)
    return Repeated(len(ordered) - count, twice)


class RowIds:
    """The row ids of a run. As long as they ascend nothing is kept; a row without an id is no concern here."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._last: Any = None  # text or a whole number
        self._ascending = True
        self._rows = 0
        self.unkept = 0  # rows at the beginning of which nothing is kept

    def add(self, ids: Any) -> None:
        """Take the ids of more rows in, as `row_ids.ids` gives them."""
        given = ids.drop_null() if ids.null_count else ids
        if self._ascending and len(given):
            self._ascending = self._ascends(given)
            self._last = given[-1].as_py()
            if not self._ascending:
                self.unkept = self._rows
        if not self._ascending:
            self._keep(given)
        self._rows += len(ids)

    def twice(self, beginning: Callable[[], Iterable[Any]]) -> Words:
        """Say which numbers of ids came more than once.

        Args:
            beginning: reads the ids once more from the first row; called where they ascend at first alone.
        """
        if self._ascending:
            return np.zeros(0, dtype=np.uint64)
        left = self.unkept
        for ids in beginning() if left else ():
            taken = ids.slice(0, left)
            self._keep(taken.drop_null() if taken.null_count else taken)
            left -= len(taken)
            if not left:
                break
        return self._store.repeated().twice

    def _keep(self, given: Any) -> None:
        self._store.add(spread(row_ids.keys(given)[0]))

    def _ascends(self, given: Any) -> bool:
        if self._last is not None and not self._last < given[0].as_py():
            return False
        if pa.types.is_int64(given.type):
            values = np.asarray(given)
            return bool(np.all(values[1:] > values[:-1]))
        return len(given) < 2 or bool(pc.all(pc.less(given.slice(0, len(given) - 1), given.slice(1))).as_py())


@dataclass(frozen=True, slots=True)
class Suspects:
    """Rows whose ids share their number with another row's; shape (row,) each, in the order of the input."""

    primary: Words
    check: Words
    place: Whole  # what the caller says of the row

    def again(self) -> Whole:
        """Give the places of all rows whose id has come before, in no order."""
        order = np.lexsort((np.arange(len(self.primary)), self.check, self.primary))
        p, c = self.primary[order], self.check[order]
        same = np.zeros(len(p), dtype=bool)
        same[1:] = (p[1:] == p[:-1]) & (c[1:] == c[:-1])
        return self.place[order[same]]


def suspects(batches: Iterable[tuple[Any, Whole]], twice: Words) -> Suspects:
    """Collect the rows whose numbers came more than once.

    Args:
        batches: row ids as `row_ids.ids` gives them, and the place of each row.
        twice: the numbers, sorted.
    """
    nothing = np.zeros(0, dtype=np.uint64)
    found: list[tuple[Words, Words, Whole]] = [(nothing, nothing, nothing.astype(np.int64))]
    for ids, place in batches:
        primary, check = row_ids.keys(ids)
        keys = spread(primary)
        at = np.searchsorted(twice, keys)
        open_ = twice.take(at, mode="clip") == keys
        if ids.null_count:
            open_ &= np.asarray(ids.is_valid())
        where = np.flatnonzero(open_)
        found.append((primary[where], np.asarray(check)[where], place[where]))
    return Suspects(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
