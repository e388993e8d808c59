"""Decimals are built from whole numbers, and added up, without loss."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bulk.money import decimals, exact_sum, precision_of

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(INT64, st.booleans()), max_size=40), st.integers(0, 6))
def test_decimals_are_the_whole_numbers_with_a_point(rows: list[tuple[int, bool]], places: int) -> None:
    whole = np.array([value for value, _ in rows], np.int64)
    valid = np.array([there for _, there in rows], bool)

    found = decimals(whole, places, 19, valid)

    assert found.to_pylist() == [Decimal(value).scaleb(-places) if there else None for value, there in rows]


@given(st.lists(INT64, max_size=40))
def test_sums_do_not_run_over(values: list[int]) -> None:
    assert exact_sum(np.array(values, np.int64)) == sum(values)


@pytest.mark.parametrize(("bound", "digits"), [(10**18 - 1, 18), (10**18, 19), (-(10**18), 19), (0, 18)])
def test_precision_is_what_databases_hold_in_64_bits_where_it_can_be(bound: int, digits: int) -> None:
    assert precision_of(min(bound, 0), max(bound, 0)) == digits
