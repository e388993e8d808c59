"""Values that the door leaves to the blocks: the rows refused, and what is told of them, are the door's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import DTypeLike

from engine.compiler.program import BOOLEAN, Compiled, Type
from engine.evaluator.columns import as_it_came
from engine.evaluator.door import admit
from engine.evaluator.evaluate import evaluate
from engine.evaluator.native import Backend
from engine.evaluator.rows import Column, Rows
from tests.evaluator.builder import Builder, batch

CLASSES = ("low", "high")


def four_inputs() -> Compiled:
    """Bill kwh, from 0.10 to 100.00, at one of two prices; nothing reads `spare`."""
    b = Builder()
    kwh = b.input("kwh", 2, 10, 10_000)
    shop = b.input("shop", kind="boolean")
    dear = b.holds("equal", b.input("class", kind="code", codes=CLASSES), b.literal(1))
    b.input("spare", high=9)
    price = b.select(b.step("either", (shop, dear), BOOLEAN), b.literal(9000, 4), b.literal(5000, 4))
    amount = b.price(kwh, price)
    b.line("energy", amount)
    return b.compiled(amount)


def rows_of(kwh: list[int], shop: list[int], spare: list[int], dtype: DTypeLike = np.int64) -> Rows:
    return batch(
        {
            "kwh": Column(np.array(kwh, dtype), 2),
            "shop": Column(np.array(shop, dtype)),
            "class": Column(np.arange(len(kwh)) % 2, codes=CLASSES),
            "spare": Column(np.array(spare, dtype)),
        },
        len(kwh),
    )


VALUES = st.sampled_from([10, 11, 5000, 10_000, 9, 0, -1, -(2**15), 10_001, 2**15 - 1])
ROW = st.tuples(VALUES, st.sampled_from([0, 1, 1, 0, 2, -1]), st.sampled_from([0, 9, 5, 10, -1]))


@settings(deadline=None)
@for_all(st.lists(ROW, min_size=1, max_size=40), st.sampled_from(["i8", "i4", "i2"]), st.sampled_from([1, 2]))
def test_rows_out_of_bounds_are_refused_as_the_door_refuses_them(
    drawn: list[tuple[int, int, int]], dtype: str, threads: int
) -> None:
    compiled = four_inputs()
    kwh, shop, spare = (list(one) for one in zip(*drawn, strict=True))
    rows = rows_of(kwh, shop, spare, dtype)

    got = evaluate(compiled, rows, block_rows=4, threads=threads)

    good = [at for at, row in enumerate(drawn) if 10 <= row[0] <= 10_000 and row[1] in (0, 1) and 0 <= row[2] <= 9]
    assert got.problems == admit(compiled, rows).problems
    assert got.kept.tolist() == good
    fen = [(kwh[at] * (9000 if shop[at] or at % 2 else 5000) + 5000) // 10_000 for at in good]
    assert got.total.tolist() == fen


def test_the_first_thing_that_is_wrong_with_a_row_is_told() -> None:
    """Days before values, values in the order of the inputs, values before what rules refuse."""
    rows = rows_of([9, 10_001, 50, 50], [0, 2, 2, 1], [10, 10, 0, 0])

    got = evaluate(four_inputs(), rows)

    assert [(one.row, one.field, one.code) for one in got.problems] == [
        (0, "kwh", "out-of-bounds"),
        (1, "kwh", "out-of-bounds"),
        (2, "shop", "unknown-code"),
    ]


def test_a_column_that_is_not_looked_at_comes_before_a_later_one_that_is() -> None:
    """`shop` comes as text and is read at the door; kwh is looked at by block, and stands before it."""
    kwh, shop = [9, 50, 50, 9], ["no", "no", "true", "true"]
    rows = rows_of(kwh, [0] * 4, [0] * 4)
    rows = replace(rows, columns={**rows.columns, "shop": Column(np.array(shop))})

    got = evaluate(four_inputs(), rows)

    assert got.problems == admit(four_inputs(), rows).problems
    assert [(one.row, one.field) for one in got.problems] == [(0, "kwh"), (1, "shop"), (3, "kwh")]


NARROW: list[tuple[Backend, str, int, int]] = [
    ("native", "i1", 8, 0),
    ("native", "i2", 16, 0),
    *(
        ("numpy", dtype, bits, beside)
        for dtype in ("i1", "i2", "i4", "i8")
        for bits in (7, 8, 15, 16, 31, 32)
        for beside in (-1, 0)
    ),
]


@pytest.mark.parametrize(("backend", "dtype", "bits", "beside"), NARROW)
def test_numbers_below_zero_in_narrow_columns(backend: Backend, dtype: str, bits: int, beside: int) -> None:
    """Of int8, -1 reads as 255 without its sign, which is less than a bound of 1000."""
    b = Builder()
    kwh = b.input("kwh", 2, 0, 2**bits + beside)
    b.line("kwh", kwh)
    compiled = b.compiled(kwh)
    values = [-1, 0, 5, -128, 127]
    rows = batch({"kwh": Column(np.array(values, dtype), 2)}, len(values))

    got = evaluate(compiled, rows, backend=backend)

    assert [(one.row, one.code, one.value) for one in got.problems] == [
        (0, "out-of-bounds", "-0.01"),
        (3, "out-of-bounds", "-1.28"),
    ]
    assert got.problems == admit(compiled, rows).problems
    assert got.total.tolist() == [0, 5, 127]


def test_a_position_that_the_dictionary_does_not_have_is_a_mistake_of_the_caller() -> None:
    nought = Column(np.zeros(1, np.int64))
    rows = batch(
        {
            "kwh": Column(np.array([50]), 2),
            "shop": nought,
            "spare": nought,
            "class": Column(np.array([2]), codes=CLASSES),
        },
        1,
    )

    with pytest.raises(ValueError, match="a dictionary of 2 texts has no position 2"):
        evaluate(four_inputs(), rows)


@pytest.mark.parametrize(
    ("of", "column", "bounds"),
    [
        (Type(places=2, low=-5, high=9), Column(np.zeros(2, np.int32), 2), (-5, 9)),
        (Type(places=2, high=9), Column(np.zeros(2, np.int64), 1), None),
        (Type(places=2, high=9), Column(np.zeros(2, np.uint64), 2), None),
        (Type(places=2, high=9), Column(np.zeros(2)), None),
        (Type(high=9), Column(np.zeros(2, np.int64), valid=np.array([True, False])), None),
        (Type(high=9), Column(np.zeros(2, np.int64), valid=np.array([True, True])), (0, 9)),
        (Type(kind="date", low=1, high=9), Column(np.zeros(2, np.int64)), (1, 9)),
        (Type(kind="date", low=1, high=9), Column(np.zeros(2, "M8[D]")), None),
        (BOOLEAN, Column(np.zeros(2, np.uint8)), (0, 1)),
        (BOOLEAN, Column(np.zeros(2, np.bool_)), None),
        (Type(kind="code", high=1, codes=CLASSES), Column(np.zeros(2, np.int64), codes=CLASSES), (0, 1)),
        (Type(kind="code", high=1, codes=CLASSES), Column(np.zeros(2, np.int64), codes=CLASSES[::-1]), None),
        (Type(kind="code", high=1, codes=CLASSES), Column(np.zeros(2, np.int64)), None),
    ],
)
def test_what_can_be_computed_on_as_it_came(of: Type, column: Column, bounds: tuple[int, int] | None) -> None:
    assert as_it_came(of, column) == bounds
