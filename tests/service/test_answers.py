"""Bits, months and the words of a refused row; whole answers are in `test_rating_stream`."""

from __future__ import annotations

import numpy as np
import pytest

from dianjia.type.v1 import type_pb2 as types
from engine.evaluator.refuse import row_problem
from engine.language.problems import Place
from engine.service.answers import bits, months_of, numbers, row_error


@pytest.mark.parametrize(
    ("truths", "expected"),
    [([], b""), ([True], b"\x01"), ([False] * 8 + [True], b"\x00\x01"), ([True] * 9, b"\xff\x01")],
)
def test_bits(truths: list[bool], expected: bytes) -> None:
    assert bits(np.array(truths, np.bool_)) == expected


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 2_047, 2_048, 3_000])
def test_numbers_are_those_that_one_would_append(count: int) -> None:
    """Whatever the length, and so the bytes that say it, takes."""
    values = [(-3) ** (at % 39) for at in range(count)]

    found = types.Numbers.FromString(numbers(np.array(values, np.int64), 4).written().data)

    assert found == types.Numbers(values=values, places=4)


def test_numbers_that_do_not_lie_together() -> None:
    """A column of stride 0, and every second number of another."""
    columns = [np.broadcast_to(np.int64(7), (3,)), np.arange(6)[::2]]

    found = [types.Numbers.FromString(numbers(column, 0).written().data) for column in columns]

    assert [list(one.values) for one in found] == [[7, 7, 7], [0, 2, 4]]


def test_months() -> None:
    """31 December 2025, 1 January and 31 January 2026, 1 February 2024: year x 12 + month - 1."""
    days = [20_453, 20_454, 20_484, 19_754]

    found = months_of(np.array(days, np.int64))

    assert found == {2025 * 12 + 11: 1, 2026 * 12: 2, 2024 * 12 + 1: 1}
    assert months_of(np.array(days[1:3], np.int64)) == {2026 * 12: 2}
    assert months_of(np.array([], np.int64)) == {}


class TestRefusedRow:
    def test_of_an_item(self) -> None:
        told = {"low": "0", "high": "10", "item": "3"}
        place = Place("cn/test/home.ruleset.yaml", 4, 3, 4, 9)
        found = row_problem(0, 17, "out-of-bounds", "meters.kwh", "11", place, **told)

        assert row_error(found, "cn.test.home") == types.RowError(
            row_id="17",
            code="out-of-bounds",
            field="meters[3].kwh",
            value="11",
            reason="`meters[3].kwh` is 11, outside 0 to 10.",
            remedy="Check the reading, or the bounds that the rule set declares.",
            place=types.SourcePlace(file="cn/test/home.ruleset.yaml", line=4, column=3, end_line=4, end_column=9),
            ruleset="cn.test.home",
        )

    def test_with_a_remedy_that_would_fill_a_page(self) -> None:
        """A rule set that reads hundreds of columns: their names are cut."""
        known = ", ".join(f"`column_{at}`" for at in range(200))
        found = row_problem(0, "a", "unknown-column", "kwh", "1", None, known=known)

        remedy = row_error(found, "cn.test.home").remedy

        assert remedy.startswith("Columns that it reads: `column_0`, `column_1`")
        assert (len(remedy), remedy[-1]) == (1_000, "…")
