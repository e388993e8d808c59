"""Columns of a message become columns of the evaluator; what is wrong with a message is in `test_malformed`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dianjia.type.v1 import type_pb2 as types
from engine.evaluator.rows import Column
from engine.evaluator.seen import SeenRows
from engine.service.columns import read_chunk, read_column


def chunk(rows: int, **fields: Any) -> types.Chunk:
    """So many rows of one rule set, of January 2026."""
    given: dict[str, Any] = {
        "row_id_numbers": types.Numbers(values=range(rows)),
        "rulesets": types.Codes(names=["cn.test.home"]),
        "period_from": [20_454] * rows,
        "period_to": [20_485] * rows,
        **fields,
    }
    return types.Chunk(rows=rows, **given)


def said(column: Column) -> tuple[str, list[object], int, list[bool] | None, tuple[str, ...] | None]:
    """A column in plain values."""
    valid = None if column.valid is None else column.valid.tolist()
    return str(column.values.dtype), column.values.tolist(), column.places, valid, column.codes


def test_numbers() -> None:
    column = types.Column(name="kwh", numbers=types.Numbers(values=[-(2**63), 0, 2**63 - 1], places=2))

    assert said(read_column(column, 3, "")) == ("int64", [-(2**63), 0, 2**63 - 1], 2, None, None)


def test_days() -> None:
    column = types.Column(name="since", days=types.Days(values=[0, -1, 20_454]))

    found = read_column(column, 3, "")

    assert found.values.dtype == np.dtype("datetime64[D]")
    assert [str(day) for day in found.values] == ["1970-01-01", "1969-12-31", "2026-01-01"]


def test_booleans() -> None:
    """The lowest bit of the first byte is the first row: 0b01 and 0b10."""
    column = types.Column(name="poor", booleans=types.Booleans(bits=b"\x01\x02"))

    truths = [True, *[False] * 7, False, True]
    assert said(read_column(column, 10, "")) == ("bool", truths, 0, None, None)


def test_codes() -> None:
    column = types.Column(name="kind", codes=types.Codes(names=["b", "a"], positions=[1, 0, 1]))

    found = read_column(column, 3, "")

    assert (found.values.tolist(), found.codes) == ([1, 0, 1], ("b", "a"))


def test_one_code_for_all() -> None:
    column = types.Column(name="kind", codes=types.Codes(names=["a"]))

    found = read_column(column, 3, "")

    assert (found.values.tolist(), found.codes) == ([0, 0, 0], ("a",))


def test_codes_that_do_not_occur_are_left_out_where_there_are_very_many() -> None:
    """To read a name costs more than a row."""
    names = [f"n{at}" for at in range(1_000)]
    column = types.Column(name="kind", codes=types.Codes(names=names, positions=[999, 7, 999]))

    found = read_column(column, 3, "")

    assert found.codes is not None
    assert [found.codes[at] for at in found.values.tolist()] == ["n999", "n7", "n999"]
    assert sorted(found.codes) == ["n7", "n999"]


def test_positions_of_codes_that_are_not_given_count_for_nothing() -> None:
    codes = types.Codes(names=["a"], positions=[0, 4_294_967_295, 0])
    column = types.Column(name="kind", codes=codes, given=b"\x05")

    found = read_column(column, 3, "")

    assert (found.values[[0, 2]].tolist(), found.codes) == ([0, 0], ("a",))
    assert found.valid is not None
    assert found.valid.tolist() == [True, False, True]
    assert 0 <= int(found.values.max()) < 1


def test_texts() -> None:
    column = types.Column(name="kwh", texts=types.Texts(values=["1.50", "", "x"]), given=b"\x05")

    assert said(read_column(column, 3, "")) == ("object", ["1.50", "", "x"], 0, [True, False, True], None)


@pytest.mark.parametrize(
    "column",
    [
        types.Column(name="a", numbers=types.Numbers()),
        types.Column(name="a", days=types.Days()),
        types.Column(name="a", booleans=types.Booleans()),
        types.Column(name="a", codes=types.Codes()),
        types.Column(name="a", texts=types.Texts()),
    ],
)
def test_a_column_without_rows(column: types.Column) -> None:
    assert len(read_column(column, 0, "").values) == 0


def test_lists() -> None:
    """Three rows have two items, none, and one."""
    listed = types.ListColumn(
        name="transformers",
        lengths=[2, 0, 1],
        columns=[types.Column(name="kva", numbers=types.Numbers(values=[315, 400, 500]))],
        given=b"\x05",
    )

    children = read_chunk(chunk(3, lists=[listed])).rows.children["transformers"]

    assert children.offsets.tolist() == [0, 2, 2, 3]
    assert children.columns["kva"].values.tolist() == [315, 400, 500]
    assert children.valid is not None
    assert children.valid.tolist() == [True, False, True]


def test_rule_sets_and_days() -> None:
    rulesets = types.Codes(names=["cn.test.home", "cn.test.plant"], positions=[0, 1, 0])

    rows = read_chunk(chunk(3, rulesets=rulesets, period_from=[-1, 0, 2**31 - 1])).rows

    assert rows.ruleset.codes == ("cn.test.home", "cn.test.plant")
    assert rows.ruleset.values.tolist() == [0, 1, 0]
    assert (str(rows.period_from.dtype), rows.period_from.tolist()) == ("int64", [-1, 0, 2**31 - 1])


@pytest.mark.parametrize(
    "ids",
    [
        types.Chunk(row_id_numbers=types.Numbers(values=[5, 6, 5, -1])),
        types.Chunk(row_id_texts=types.Texts(values=["5", "电", "5", ""])),
        types.Chunk(row_id_texts=types.Texts(values=["a" * 200, "a" * 199, "a" * 200, "b\x00"])),
        types.Chunk(row_id_texts=types.Texts(values=["a", "a\x00", "a", "\x00a"])),
    ],
)
def test_row_ids_are_known_again(ids: types.Chunk) -> None:
    """The third is the first; no two others are alike."""
    asked = chunk(4)
    asked.ClearField("row_id_numbers")
    asked.MergeFrom(ids)

    again = SeenRows().add(*read_chunk(asked).keys)

    assert again.tolist() == [False, False, True, False]
