"""Rows brought together by bin, in stretches of any length, and numbers found by member and day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiler.program import END_DAY, FIRST_DAY
from engine.evaluator import partition
from engine.evaluator.door_days import Days
from engine.evaluator.member_days import ByDay
from engine.evaluator.memory import Pool
from engine.evaluator.partition import Partition


@pytest.mark.parametrize("stretch", [1, 7, 64, 1000])
@pytest.mark.parametrize("count", [1, 3, 300])
def test_positions_and_columns(stretch: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one stable sort gives them; rows of no bin are left out."""
    monkeypatch.setattr(partition, "STRETCH_ROWS", stretch)
    random = np.random.default_rng(count)
    bins = random.integers(0, count + 1, 500)
    texts = np.array([f"row {at}" for at in range(500)], dtype=object)
    columns = [random.integers(0, 9**9, 500), random.random(500), random.random(500) < 0.5, texts]

    made = Partition(bins, count, Pool())
    moved = made.gathered(columns, [[True] * count] * 4, Pool())

    expected = np.argsort(bins, kind="stable")[: int((bins < count).sum())]
    assert expected.tolist() == made.positions.tolist()
    assert np.bincount(bins, minlength=count + 1)[:count].tolist() == np.diff(made.offsets).tolist()
    for column, found in zip(columns, moved, strict=True):
        assert column.dtype == found.dtype
        assert column[expected].tolist() == found.tolist()


def test_a_bin_gets_the_columns_that_it_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "STRETCH_ROWS", 4)
    bins, column = np.array([1, 0, 1, 0, 1, 0, 0, 1]), np.arange(8)

    (found,) = Partition(bins, 2).gathered([column], [[False, True]], Pool())

    assert found[4:].tolist() == [0, 2, 4, 7]


def test_no_rows() -> None:
    made = Partition(np.zeros(0, np.int64), 3)

    assert made.positions.tolist() == []
    assert made.offsets.tolist() == [0, 0, 0, 0]


STEPS = st.lists(st.tuples(st.integers(0, 400), st.integers(-1, 40_000)), max_size=5)


@given(st.lists(STEPS, min_size=1, max_size=6), st.integers(0, 400), st.integers(0, 60), st.integers(1, 3000))
@settings(max_examples=80, deadline=None)
def test_numbers_by_member_and_day(drawn: list[list[tuple[int, int]]], first: int, span: int, rows: int) -> None:
    """The number of the last step that has begun, by a table and by search."""
    random = np.random.default_rng(rows)
    members = [[(FIRST_DAY, -1), *sorted((FIRST_DAY + day, value) for day, value in steps)] for steps in drawn]
    day = FIRST_DAY + random.integers(first, first + span + 1, rows)
    member = random.integers(0, len(members), rows)

    found = ByDay.of(members).read(member, Days.of(day))
    alone = ByDay.of(members).read(None, Days.of(day))

    def expected(of: int, at: int) -> int:
        begun = [(start, place) for place, (start, _) in enumerate(members[of]) if start <= at]
        return members[of][max(begun)[1]][1]

    assert [expected(*one) for one in zip(member.tolist(), day.tolist(), strict=True)] == found.found.tolist()
    assert [expected(0, at) for at in day.tolist()] == alone.found.tolist()
    assert set(found.found.tolist()) <= set(np.ravel(found.among).tolist())


def test_the_last_day_of_all() -> None:
    by_day = ByDay.of([[(FIRST_DAY, 1)], [(FIRST_DAY, 2), (END_DAY, 3)], [(FIRST_DAY, 4)]])

    for rows in (1, 10_000):
        member, day = np.arange(rows * 3) % 3, np.full(rows * 3, END_DAY)

        assert [1, 3, 4] * rows == by_day.read(member, Days.of(day)).found.tolist()
