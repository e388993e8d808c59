"""Row ids that come again, over any number of batches: what a set of Python's says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dianjia.client.identities import SeenIds
from dianjia.client.values import Column, Scaled, Texts

NUMBERS = st.lists(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 20), max_size=30), max_size=20)
TEXTS = st.lists(st.lists(st.text(max_size=3), max_size=30), max_size=20)


def expected(batches: list[list[object]]) -> list[list[bool]]:
    seen: set[object] = set()
    found = []
    for batch in batches:
        again = []
        for one in batch:
            again.append(one in seen)
            seen.add(one)
        found.append(again)
    return found


def texts(batch: list[str]) -> Column:
    array = np.empty(len(batch), dtype=object)
    array[:] = batch
    return Texts(array)


@given(NUMBERS)
def test_numbers(batches: list[list[int]]) -> None:
    """Whole numbers, in any order."""
    seen = SeenIds()

    found = [seen.again(Scaled(np.array(batch, dtype=np.int64))).tolist() for batch in batches]

    assert expected([list(batch) for batch in batches]) == found


@given(TEXTS)
def test_texts(batches: list[list[str]]) -> None:
    """Texts, in any order."""
    seen = SeenIds()

    found = [seen.again(texts(batch)).tolist() for batch in batches]

    assert expected([list(batch) for batch in batches]) == found


def test_many_ascending() -> None:
    """A million ids that ascend, in batches, and one that came long ago."""
    seen = SeenIds()

    again = [seen.again(Scaled(np.arange(first, first + 10_000))).any() for first in range(0, 1_000_000, 10_000)]
    late = seen.again(Scaled(np.array([123_456, 1_000_000, 1_000_000])))

    assert not any(again)
    assert [True, False, True] == late.tolist()


def test_kinds_are_not_mixed() -> None:
    """Ids of one stream are text or whole numbers, not both: 1 and "1" would be two rows."""
    seen = SeenIds()
    seen.again(Scaled(np.array([1])))

    with pytest.raises(ValueError, match="`row_id` is text in some frames and whole numbers in others"):
        seen.again(texts(["1"]))
