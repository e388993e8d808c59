"""Which row ids have come before, over a whole run: two 64-bit numbers a row, and no Python a row.

A row id becomes a primary and a check number. Whole numbers, and text of at most 15 bytes, are told apart exactly:
their two numbers lead back to the id. Longer text is told apart by 128 bits, so that among 10^9 ids the chance that two
different ones are taken for each other is about 10^-21. Memory is 16 bytes a row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

CHUNK_ROWS = 32_768  # ids hashed at once: their bytes stay in cache
EXACT_BYTES = 15  # with the length in the 16th byte, two words hold the id itself

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SECOND = np.uint64(0xD6E8FEB86659FD93)


class SeenRows:
    """The row ids of a run so far, as a few sorted stretches of growing length."""

    def __init__(self) -> None:
        self._stretches: list[tuple[Words, Words]] = []

    def __len__(self) -> int:
        return sum(len(primary) for primary, _ in self._stretches)

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
        if not bool(np.all(primary[1:] > primary[:-1])):
            order = np.argsort(primary, kind="stable")
            p, c = primary[order], check[order]
            if bool(np.any(p[1:] == p[:-1])):
                # Stable over both, so that the first of equal ids stays first and is the one that is kept.
                order = np.lexsort((check, primary))
                p, c = primary[order], check[order]
        else:
            p, c = primary, check
        repeated = np.zeros(len(p), dtype=bool)
        repeated[1:] = (p[1:] == p[:-1]) & (c[1:] == c[:-1])
        for stretch in self._stretches:
            _mark(stretch, p, c, repeated)
        kept = ~repeated
        self._insert(p[kept], c[kept])
        if order is None:
            return repeated
        again[order] = repeated
        return again

    def _insert(self, primary: Words, check: Words) -> None:
        if len(primary) == 0:
            return
        while self._stretches and len(self._stretches[-1][0]) < 2 * len(primary):
            earlier, earlier_check = self._stretches.pop()
            joined, joined_check = np.concatenate([earlier, primary]), np.concatenate([earlier_check, check])
            if not earlier[-1] < primary[0]:
                # Two sorted stretches: numpy's stable sort merges them in one pass.
                order = np.argsort(joined, kind="stable")
                joined, joined_check = joined[order], joined_check[order]
            primary, check = joined, joined_check
        self._stretches.append((primary, check))


def _mark(stretch: tuple[Words, Words], p: Words, c: Words, repeated: NDArray[np.bool_]) -> None:
    """Mark the sorted ids that a stretch holds."""
    primary, check = stretch
    if p[0] > primary[-1] or p[-1] < primary[0]:
        return
    at = np.searchsorted(primary, p)
    open_ = np.flatnonzero(at < len(primary))
    open_ = open_[primary[at[open_]] == p[open_]]
    while len(open_):  # once, but for two ids that share a primary number
        repeated[open_[check[at[open_]] == c[open_]]] = True
        at[open_] += 1
        open_ = open_[at[open_] < len(primary)]
        open_ = open_[primary[at[open_]] == p[open_]]


def keys_of_numbers(row_id: NDArray[np.int64]) -> tuple[Words, Words]:
    """Primary and check numbers of whole-number ids. Ids that ascend keep doing so, which costs no search."""
    primary = row_id.view(np.uint64) ^ np.uint64(1 << 63)
    return primary, np.zeros_like(primary)


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
        if int(lengths.min()) == longest and int(ends[-1] - starts[0]) == longest * len(starts):
            padded[:, :longest] = data[starts[0] : ends[-1]].reshape(len(starts), longest)
        else:
            column = np.arange(longest)
            inside = column < lengths[:, None]
            padded[:, :longest][inside] = data[(starts[:, None] + column)[inside]]
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
