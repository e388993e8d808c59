"""Which row ids have come before, over a whole run: two 64-bit numbers a row, and no Python a row.

A row id becomes a primary and a check number. Whole numbers, and text of at most 15 bytes, are told apart exactly:
their two numbers lead back to the id. Longer text is told apart by 128 bits, so that among 10^9 ids the chance that two
different ones are taken for each other is about 10^-21. Memory is at most 16 bytes a row, and little more for a moment;
whole numbers are kept as runs without a gap, so that ids which count up take next to none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.evaluator.rows import same

Words = NDArray[np.uint64]
Pair = tuple[Words, Words]
"""Of texts: primary and check numbers, sorted by the first. Of whole numbers: first and last of each run, sorted."""

CHUNK_ROWS = 32_768  # ids hashed at once: their bytes stay in cache
EXACT_BYTES = 15  # with the length in the 16th byte, two words hold the id itself
SEGMENT = 1 << 18  # of a stretch: two stretches are merged segment by segment, so that no second copy of both is made

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SECOND = np.uint64(0xD6E8FEB86659FD93)
_ONE = np.uint64(1)


class SeenRows:
    """The row ids of a run so far, as a few sorted stretches of growing length."""

    def __init__(self) -> None:
        self._texts: list[list[Pair]] = []  # stretches, each in segments that ascend
        self._numbers: list[list[Pair]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, primary: Words, check: Words) -> NDArray[np.bool_]:
        """Take the ids of a batch in.

        Args:
            primary, check: (row,) as `keys_of_numbers` or `keys_of_text` give them.

        Returns:
            (row,) whether the id has come before, in an earlier batch or further up in this one.
        """
        again = np.zeros(len(primary), dtype=bool)
        if len(primary) == 0:
            return again
        order: NDArray[np.intp] | None = None
        p, c = primary, check
        repeated = np.zeros(len(p), dtype=bool)
        if not bool(np.all(primary[1:] > primary[:-1])):
            order = np.argsort(primary, kind="stable")
            p, c = primary[order], check[order]
            if bool(np.any(p[1:] == p[:-1])):
                # Stable over both, so that the first of equal ids stays first and is the one that is kept.
                order = np.lexsort((check, primary))
                p, c = primary[order], check[order]
                repeated[1:] = (p[1:] == p[:-1]) & (c[1:] == c[:-1])
        for stretch in self._texts:
            for segment, rows in _reached(stretch, p):
                _mark_texts(segment, p[rows], c[rows], repeated[rows])
        for stretch in self._numbers:
            for segment, rows in _reached(stretch, p):
                _mark_numbers(segment, p[rows], c[rows], repeated[rows])
        kept = slice(None) if not repeated.any() else ~repeated
        self._insert(p[kept], c[kept])
        if order is None:
            return repeated
        again[order] = repeated
        return again

    def _insert(self, primary: Words, check: Words) -> None:
        if len(primary) == 0:
            return
        self._count += len(primary)
        numbers = not (check[:1] if check.strides == (0,) else check).any()
        stretches = self._numbers if numbers else self._texts
        stretch = [_runs(primary) if numbers else (primary.copy(), check.copy())]
        while stretches and _length(stretches[-1]) < 2 * _length(stretch):
            stretch = list(_merged(stretches.pop(), stretch, numbers))
        stretches.append(stretch)


def _length(stretch: Sequence[Pair]) -> int:
    return sum(len(first) for first, _ in stretch)


def _reached(stretch: Sequence[Pair], p: Words) -> Iterator[tuple[Pair, slice]]:
    """Give the segments of a stretch that may hold some of the sorted ids, with those ids' places.

    Equal primary numbers lie in one segment.
    """
    if len(stretch) == 1:
        yield stretch[0], slice(0, len(p))
        return
    starts = np.searchsorted(p, np.array([first[0] for first, _ in stretch])).tolist()
    for at, (start, end) in enumerate(zip(starts, [*starts[1:], len(p)], strict=True)):
        if start < end:
            yield stretch[at], slice(start, end)


def _mark_texts(segment: Pair, p: Words, c: Words, repeated: NDArray[np.bool_]) -> None:
    """Mark the sorted ids that a segment holds."""
    primary, check = segment
    if p[0] > primary[-1] or p[-1] < primary[0]:
        return
    at = np.searchsorted(primary, p)
    open_ = np.flatnonzero(primary.take(at, mode="clip") == p)
    while len(open_):  # once, but for two ids that share a primary number
        repeated[open_[check[at[open_]] == c[open_]]] = True
        at[open_] += 1
        open_ = open_[at[open_] < len(primary)]
        open_ = open_[primary[at[open_]] == p[open_]]


def _mark_numbers(segment: Pair, p: Words, c: Words, repeated: NDArray[np.bool_]) -> None:
    """Mark the sorted ids that lie in a run."""
    first, last = segment
    if p[0] > last[-1] or p[-1] < first[0]:
        return
    at = np.searchsorted(first, p, side="right")
    before = last.take(at - 1, mode="clip")  # of an id before every run: some last that lies above it
    repeated |= (at > 0) & (p <= before) & (c == 0)


def _runs(primary: Words) -> Pair:
    """Cut sorted whole numbers into runs without a gap."""
    if int(primary[-1] - primary[0]) == len(primary) - 1:
        return primary[:1].copy(), primary[-1:].copy()
    return _joined((primary.copy(), primary.copy()))


def _joined(pair: Pair) -> Pair:
    """Join runs with nothing between them; none overlap."""
    first, last = pair
    apart = first[1:] - last[:-1] != _ONE
    if apart.all():
        return pair
    return first[np.append(True, apart)], last[np.append(apart, True)]


def _merged(one: list[Pair], other: list[Pair], numbers: bool) -> Iterator[Pair]:
    """Merge two stretches into one; their segments are let go one by one."""
    if one[-1][0][-1] < other[0][0][0]:  # ids that count up: there is nothing to sort
        tail, head = one.pop(), other.pop(0)
        together = len(tail[0]) + len(head[0]) <= SEGMENT
        yield from one
        yield from [_concatenated([tail, head], numbers)] if together else [tail, head]
        yield from other
        return
    waiting: list[Pair] = []
    for piece in _pieces(one, other):
        waiting.append(_joined(piece) if numbers else piece)
        if _length(waiting) >= SEGMENT:
            *full, rest = _cut(_concatenated(waiting, numbers))
            yield from full
            waiting = [rest]
    yield from _cut(_concatenated(waiting, numbers))


def _concatenated(pairs: Sequence[Pair], numbers: bool) -> Pair:
    if len(pairs) == 1:
        return pairs[0]
    both = np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])
    return _joined(both) if numbers else both


def _cut(pair: Pair) -> Iterable[Pair]:
    """Cut into segments; equal primary numbers stay together."""
    a, b = pair
    if len(a) <= SEGMENT:
        return [pair]
    found, start = [], 0
    while start < len(a):
        end = min(start + SEGMENT, len(a))
        if end < len(a):
            end = int(np.searchsorted(a, a[end - 1], side="right"))
        found.append((a[start:end].copy(), b[start:end].copy()))
        start = end
    return found


def _pieces(one: list[Pair], other: list[Pair]) -> Iterator[Pair]:
    """Merge two stretches piece by piece; what comes later is larger."""
    one.reverse()
    other.reverse()
    while one and other:
        x, y = one.pop(), other.pop()
        if x[0][-1] > y[0][-1]:
            one, other, x, y = other, one, y, x
        # x ends first; what of y lies beyond its end waits.
        if x[0][-1] < y[0][0]:
            other.append(y)
            yield x
            continue
        cut = int(np.searchsorted(y[0], x[0][-1], side="right"))
        if cut < len(y[0]):
            other.append((y[0][cut:], y[1][cut:]))
        a = np.concatenate([x[0], y[0][:cut]])
        order = np.argsort(a, kind="stable")  # two sorted stretches: numpy's stable sort merges them in one pass
        yield a[order], np.concatenate([x[1], y[1][:cut]])[order]
    yield from reversed(one)
    yield from reversed(other)


def keys_of_numbers(row_id: NDArray[np.int64]) -> tuple[Words, Words]:
    """Primary and check numbers of whole-number ids. Ids that ascend keep doing so, which costs no search."""
    primary = row_id.view(np.uint64) ^ np.uint64(1 << 63)
    return primary, same(np.uint64(0), len(primary))


def keys_of_text(data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[Words, Words]:
    """Primary and check numbers of text ids.

    Args:
        data: the bytes of all ids in one piece.
        starts, ends: (row,) where each id begins and ends in it.
    """
    primary = np.empty(len(starts), dtype=np.uint64)
    check = np.empty(len(starts), dtype=np.uint64)
    for first in range(0, len(starts), CHUNK_ROWS):
        rows = slice(first, first + CHUNK_ROWS)
        primary[rows], check[rows] = _keys(data, starts[rows], ends[rows])
    return primary, check


def keys_of_objects(row_id: NDArray[np.object_]) -> tuple[Words, Words]:
    """Primary and check numbers of ids that are Python texts or whole numbers."""
    texts = [str(value).encode() for value in row_id]
    ends = np.cumsum(np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts)), dtype=np.int64)
    starts = np.concatenate([np.zeros(min(1, len(texts)), dtype=np.int64), ends[:-1]])
    return keys_of_text(np.frombuffer(b"".join(texts), dtype=np.uint8), starts, ends)


def _keys(data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[Words, Words]:
    lengths = ends - starts
    longest = int(lengths.max())
    # Words of 8 bytes; the last byte of the second word is left for the length.
    words = max(2, (longest + 8) // 8)
    padded = np.zeros((len(starts), words * 8), dtype=np.uint8)
    if longest:
        whole = int(ends[-1] - starts[0]) == int(lengths.sum())  # nothing lies between the ids
        if whole and int(lengths.min()) == longest:
            padded[:, :longest] = data[starts[0] : ends[-1]].reshape(len(starts), longest)
        else:
            column = np.arange(longest)
            inside = column < lengths[:, None]
            padded[:, :longest][inside] = (
                data[starts[0] : ends[-1]] if whole else data[(starts[:, None] + column)[inside]]
            )
    padded[:, 15] = np.where(lengths <= EXACT_BYTES, lengths, padded[:, 15])
    view = padded.view(np.uint64)
    first, second = view[:, 0].copy(), view[:, 1].copy()
    if longest > EXACT_BYTES:
        long = lengths > EXACT_BYTES
        # Numbers of long ids begin from their length; a word counts only where the id reaches it, so that the numbers
        # do not depend on the ids beside it.
        a = _mixed(first ^ _mixed(lengths.astype(np.uint64) * _SECOND))
        b = _mixed(second + _mixed(a + _GOLDEN))
        a = _mixed(a ^ b)
        for at in range(2, words):
            reached = lengths > at * 8
            word = view[:, at]
            a = np.where(reached, _mixed(a ^ (word * _SECOND)), a)
            b = np.where(reached, _mixed((b + a) ^ word), b)
        first, second = np.where(long, a, first), np.where(long, b, second)
    # For short ids this can be undone: `second` is the check, and mixing is one to one.
    return _mixed(first ^ _mixed(second + _GOLDEN)), second


def _mixed(words: Words) -> Words:
    """Spread each bit over the word, one to one (the finalizer of splitmix64)."""
    mixed: Words = words ^ (words >> np.uint64(30))
    mixed *= _MIX_1
    mixed ^= mixed >> np.uint64(27)
    mixed *= _MIX_2
    mixed ^= mixed >> np.uint64(31)
    return mixed
