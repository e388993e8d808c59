"""Which row ids have come before, over all the rows that one stream sends.

The service looks for them too, but when a stream is resumed it sees only the rest of the rows; the client sees them
all. Memory is 8 bytes a row for whole numbers and 16 for text. Text is told apart by 128 bits: among 10^9 ids the
chance that two different ones are taken for each other is about 10^-21.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dianjia.client.values import Column, Mask, Scaled, Texts

_Words = NDArray[np.int64]
# Ids of a stretch are merged with the one before once they are half as many: each id is sorted a few times, and a
# search looks at a few stretches.
_GROWTH = 2


class SeenIds:
    """The row ids of a stream so far."""

    def __init__(self) -> None:
        self._stretches: list[tuple[_Words, _Words | None]] = []  # sorted; of texts with a second word
        self._kind: type | None = None

    def again(self, ids: Column) -> Mask:
        """Take the ids of some rows in; say of each whether it has come before, there or further up.

        Raises:
            ValueError: some ids are text, and those before were whole numbers.
        """
        if not len(ids):
            return np.zeros(0, dtype=bool)
        if self._kind is not None and type(ids) is not self._kind:
            raise ValueError("`row_id` is text in some frames and whole numbers in others; give one kind")
        self._kind = type(ids)
        first, second = _words(ids)
        again = np.zeros(len(first), dtype=bool)
        ascending = bool((first[1:] > first[:-1]).all())
        order = None if ascending else _order(first, second)
        if order is not None:
            first, second = first[order], None if second is None else second[order]
            same = first[1:] == first[:-1]
            repeated = np.concatenate([[False], same if second is None else same & (second[1:] == second[:-1])])
        else:
            repeated = np.zeros(len(first), dtype=bool)
        for stretch in self._stretches:
            repeated |= _within(stretch, first, second)
        self._take(first[~repeated], None if second is None else second[~repeated])
        again[slice(None) if order is None else order] = repeated
        return again

    def _take(self, first: _Words, second: _Words | None) -> None:
        while self._stretches and len(first) and len(self._stretches[-1][0]) < _GROWTH * len(first):
            earlier, earlier_second = self._stretches.pop()
            ascending = bool(earlier[-1] < first[0])
            first = np.concatenate([earlier, first])
            second = None if second is None or earlier_second is None else np.concatenate([earlier_second, second])
            if not ascending:
                order = _order(first, second)
                first, second = first[order], None if second is None else second[order]
        if len(first):
            self._stretches.append((first, second))


def _order(first: _Words, second: _Words | None) -> NDArray[np.intp]:
    """Sort by both words; of equal ids the one that came first stays first, and is the one that is billed."""
    return np.argsort(first, kind="stable") if second is None else np.lexsort((second, first))


def _within(stretch: tuple[_Words, _Words | None], first: _Words, second: _Words | None) -> Mask:
    known, known_second = stretch
    found = np.zeros(len(first), dtype=bool)
    if first[0] > known[-1] or first[-1] < known[0]:
        return found
    at = np.searchsorted(known, first)
    inside = np.flatnonzero(at < len(known))
    inside = inside[known[at[inside]] == first[inside]]
    if second is None or known_second is None:
        found[inside] = True
        return found
    while len(inside):  # once, but for two texts that share a first word
        found[inside[known_second[at[inside]] == second[inside]]] = True
        at[inside] += 1
        inside = inside[at[inside] < len(known)]
        inside = inside[known[at[inside]] == first[inside]]
    return found


def _words(ids: Column) -> tuple[_Words, _Words | None]:
    if isinstance(ids, Scaled):
        return ids.values, None
    assert isinstance(ids, Texts)
    texts = ids.values.tolist()
    count = len(texts)
    # Python's own hash of texts is keyed anew in each process, so nobody can choose ids that collide.
    first = np.fromiter((hash(text) for text in texts), dtype=np.int64, count=count)
    second = np.fromiter((hash(text + "\x00") for text in texts), dtype=np.int64, count=count)
    return first, second
