"""Which numbers and which ids come twice: what a Python dictionary says, from memory and from the disk."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bulk import row_ids
from engine.runs.keys import KeyStore, Suspects, parted, spread, suspects


@pytest.mark.parametrize("memory", [1, 1 << 20])
def test_numbers_that_come_twice(memory: int, tmp_path: Path) -> None:
    """In memory, and spilled in several pieces; small pieces come, and pieces longer than the buffer."""
    draw = np.random.default_rng(20260101)
    pieces = [draw.integers(0, 20_000, size).astype(np.uint64) for size in (1, 0, 9_000, 17, 4_096, 12_000)]
    store = KeyStore(tmp_path / "spill", "rows", memory)
    for piece in pieces:
        store.add(spread(piece))

    found = store.repeated()

    counts = Counter(np.concatenate(pieces).tolist())
    twice = np.array([number for number, count in counts.items() if count > 1], dtype=np.uint64)
    assert found.distinct == len(counts)
    assert found.twice.tolist() == sorted(spread(twice).tolist())
    assert (tmp_path / "spill").exists() == (memory == 1)
    assert not list(tmp_path.glob("spill/*"))


def test_a_disk_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "spill").write_text("a file")
    store = KeyStore(tmp_path / "spill", "rows", 1)

    with pytest.raises(ValueError) as raised:
        store.add(np.arange(10_000, dtype=np.uint64))

    assert "output-unwritable" in str(raised.value)


@given(
    st.lists(st.one_of(st.none(), st.text("ab", max_size=2)), max_size=30),
    st.sets(st.text("ab", max_size=2), min_size=1),
)
def test_ids_that_share_a_number_are_looked_at_again(ids: list[str | None], named: set[str]) -> None:
    """The first of equal ids is not marked, whatever numbers are said to have come twice."""
    twice = np.sort(spread(row_ids.keys(pa.array(sorted(named), pa.string()))[0]))
    half = len(ids) // 2
    batches = [(ids[:half], range(half)), (ids[half:], range(half, len(ids)))]
    given_ = [(pa.array(one, pa.string()), np.array(at, dtype=np.int64)) for one, at in batches]

    found = sorted(suspects(given_, twice).again().tolist())

    assert found == [at for at, id_ in enumerate(ids) if id_ in named and id_ in ids[:at]]


def test_two_ids_of_one_number_are_two_ids() -> None:
    """Only the second number tells them apart."""
    same, checks = np.zeros(4, dtype=np.uint64), np.array([1, 2, 1, 2], dtype=np.uint64)

    assert sorted(Suspects(same, checks, np.arange(4)).again().tolist()) == [2, 3]


def test_numbers_that_count_up_are_parted_evenly() -> None:
    """Also those that count up in steps, as meters of one series do."""
    for step in (1, 2, 8, 10, 1_000, 4_096):
        numbers = pa.array(np.arange(20_000) * step + 10**12)
        counts = np.bincount(parted(spread(row_ids.keys(numbers)[0]), 16), minlength=16)
        assert counts.min() > 1_000
        assert counts.max() < 1_500
