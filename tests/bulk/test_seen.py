"""A row id that has come before is found again: the first of equal ids is kept, in every batch."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluator.seen import SEGMENT, SeenRows, Words, keys_of_numbers, keys_of_objects, keys_of_text


def text_keys(ids: Sequence[str]) -> tuple[Words, Words]:
    """Keys from the buffers of an Arrow array."""
    _, offsets, data = pa.array(ids, pa.string()).buffers()
    ends = np.frombuffer(offsets, np.int32).astype(np.int64)[: len(ids) + 1]
    octets = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return keys_of_text(octets, ends[:-1], ends[1:])


def expected(batches: Sequence[Sequence[object]]) -> list[list[bool]]:
    """What a plain set says."""
    seen: set[object] = set()
    answers: list[list[bool]] = []
    for batch in batches:
        answers.append([])
        for one in batch:
            answers[-1].append(one in seen)
            seen.add(one)
    return answers


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3), max_size=12), max_size=8))
def test_numbers(batches: list[list[int]]) -> None:
    seen = SeenRows()

    found = [seen.add(*keys_of_numbers(np.array(batch, np.int64))).tolist() for batch in batches]

    assert found == expected(batches)


@given(
    st.lists(
        st.lists(
            st.text(max_size=40) | st.sampled_from(["a", "aa", "a" * 15, "a" * 16, "a" * 24]), min_size=1, max_size=12
        ),
        max_size=8,
    )
)
def test_text(batches: list[list[str]]) -> None:
    """Short ids, long ids, ids with a zero byte at the end."""
    seen = SeenRows()

    found = [seen.add(*text_keys(batch)).tolist() for batch in batches]

    assert found == expected(batches)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=20))
def test_keys_do_not_depend_on_the_ids_beside(ids: list[str]) -> None:
    together = text_keys(ids)

    apart = [text_keys([one]) for one in ids]

    assert together[0].tolist() == [int(primary[0]) for primary, _ in apart]
    assert together[1].tolist() == [int(check[0]) for _, check in apart]


def test_objects_have_the_keys_of_their_text() -> None:
    ids = ["甲-1", "b" * 30, ""]

    found = keys_of_objects(np.array(ids, dtype=object))

    assert [found[0].tolist(), found[1].tolist()] == [keys.tolist() for keys in text_keys(ids)]


@pytest.mark.parametrize("checks", [[1, 2, 1], [2, 1, 2], [1, 1, 2]])
def test_two_ids_with_one_primary_number_are_told_apart(checks: list[int]) -> None:
    """It takes about 2^32 ids to meet such a pair, so it is made here by hand."""
    seen = SeenRows()
    primary = np.full(3, 7, np.uint64)

    first = seen.add(primary, np.array(checks, np.uint64)).tolist()
    second = seen.add(primary, np.array([1, 2, 3], np.uint64)).tolist()

    assert first == expected([checks])[0]
    assert second == [True, True, False]


def test_many_batches_are_remembered() -> None:
    """A million ids in batches of uneven size, in random order, twice."""
    ids = np.random.default_rng(5).permutation(np.arange(1_000_000, dtype=np.int64))
    cuts = [0, 10, 5_000, 5_001, 300_000, 700_000, 1_000_000]
    seen = SeenRows()

    fresh = [seen.add(*keys_of_numbers(ids[a:b])).any() for a, b in pairwise(cuts)]
    again = [seen.add(*keys_of_numbers(ids[a:b])).all() for a, b in pairwise(cuts)]

    assert not any(fresh)
    assert all(again)
    assert len(seen) == 1_000_000


def test_many_texts_are_remembered() -> None:
    """Enough for stretches of several segments, merged more than once."""
    ids = [f"row {at}" for at in np.random.default_rng(6).permutation(3 * SEGMENT).tolist()]
    cuts = [0, 10, SEGMENT // 2, 2 * SEGMENT + 5, 3 * SEGMENT]
    seen = SeenRows()

    fresh = [seen.add(*text_keys(ids[a:b])).any() for a, b in pairwise(cuts)]
    again = [seen.add(*text_keys(ids[a:b])).all() for a, b in pairwise(cuts)]

    assert not any(fresh)
    assert all(again)
    assert len(seen) == 3 * SEGMENT


def test_ids_that_count_up_take_no_memory() -> None:
    """Not in order either, once the gaps between them are filled."""
    seen = SeenRows()
    chunks = np.arange(3_000_000, dtype=np.int64).reshape(300, 10_000)

    tracemalloc.start()
    for chunk in (*chunks[::2], *chunks[1::2]):
        seen.add(*keys_of_numbers(chunk))
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(seen) == 3_000_000
    assert held < 100_000
    assert most < 1_000_000


def test_little_more_memory_than_the_ids_take() -> None:
    """16 bytes each, and while two stretches are merged that of ten segments, however many there are."""
    random = np.random.default_rng(7)
    seen = SeenRows()

    tracemalloc.start()
    for _ in range(128):
        primary, check = random.integers(0, 2**64, (2, 32_768), dtype=np.uint64)
        seen.add(primary, check)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 16 * len(seen) * 1.1
    assert most < held + 10 * 16 * SEGMENT


def test_numbers_and_texts_do_not_meet() -> None:
    """The two numbers of a text are those of no whole number, but where it is empty."""
    seen = SeenRows()

    seen.add(*keys_of_numbers(np.arange(10, dtype=np.int64)))
    texts = seen.add(*text_keys([str(at) for at in range(10)]))
    numbers = seen.add(*keys_of_numbers(np.array([3, 11], np.int64)))

    assert not texts.any()
    assert numbers.tolist() == [True, False]
