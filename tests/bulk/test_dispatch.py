"""Rows of many rule sets in one batch: each is billed by its own, and comes out as it would alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compiler.program import Compiled
from engine.evaluator.batch import Dispatched, dispatch
from engine.evaluator.rows import Column, Rows
from tests.bulk.book import HOME, SHOP, make_book

NOBODY = "cn.test.nobody"
JANUARY = (20454, 20485)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    return make_book(tmp_path_factory.mktemp("rules"))


def batch(rulesets: list[str | None], kwh: list[int], codes: bool = True) -> Rows:
    """Rows of January; kWh in hundredths."""
    names = (HOME, SHOP, NOBODY)
    column = Column(
        np.array([0 if name is None else names.index(name) for name in rulesets], np.int64),
        valid=np.array([name is not None for name in rulesets], bool),
        codes=names,
    )
    if not codes:
        column = Column(np.array(rulesets, dtype=object))
    count = len(rulesets)
    return Rows(
        row_id=np.arange(count),
        ruleset=column,
        period_from=np.full(count, JANUARY[0], np.int64),
        period_to=np.full(count, JANUARY[1], np.int64),
        columns={"kwh": Column(np.array(kwh, np.int64), places=2)},
    )


def totals(done: Dispatched) -> dict[int, int]:
    return {
        row: total
        for group in done.groups
        for row, total in zip(group.result.kept.tolist(), group.result.total.tolist(), strict=True)
    }


ROW = st.tuples(st.sampled_from([HOME, SHOP, NOBODY, None]), st.integers(-5, 10_000_005))


@pytest.mark.parametrize("codes", [True, False])
@given(rows=st.lists(ROW, max_size=20))
def test_a_batch_is_its_rows_one_by_one(
    codes: bool, book: Mapping[str, Compiled], rows: list[tuple[str | None, int]]
) -> None:
    done = dispatch(book, batch([name for name, _ in rows], [kwh for _, kwh in rows], codes))

    found = totals(done)
    refused = {one.row: (one.code, one.field, one.value) for one in done.refused}
    assert done.received == len(rows) == done.billed + len(refused)
    for at, (name, kwh) in enumerate(rows):
        alone = dispatch(book, batch([name], [kwh], codes))
        assert [found[at]] if at in found else list(totals(alone).values()) == []
        assert [refused[at]] if at in refused else [(one.code, one.field, one.value) for one in alone.refused] == []


@given(rows=st.lists(ROW, min_size=1, max_size=12), seed=st.integers(0, 1000))
def test_permuting_rows_permutes_bills(
    book: Mapping[str, Compiled], rows: list[tuple[str | None, int]], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = [rows[at] for at in order]

    before = totals(dispatch(book, batch([name for name, _ in rows], [kwh for _, kwh in rows])))
    after = totals(dispatch(book, batch([name for name, _ in shuffled], [kwh for _, kwh in shuffled])))

    assert {int(order[at]): total for at, total in after.items()} == before


def test_a_rule_set_that_the_book_lacks(book: Mapping[str, Compiled]) -> None:
    done = dispatch(book, batch([NOBODY, HOME, None], [100, 100, 100]))

    assert [(one.row, one.code, one.value) for one in done.refused] == [
        (0, "unknown-ruleset", NOBODY),
        (2, "missing-value", ""),
    ]
    assert done.refused[0].reason == "the rate book has no rule set `cn.test.nobody`."


def test_rows_that_came_before_are_refused(book: Mapping[str, Compiled]) -> None:
    done = dispatch(book, batch([HOME, HOME], [100, 100]), again=np.array([False, True]))

    assert totals(done) == {0: 53}
    assert [(one.row, one.code, one.field) for one in done.refused] == [(1, "duplicate-row", "row_id")]


def test_a_dictionary_that_holds_a_name_twice(book: Mapping[str, Compiled]) -> None:
    """Joined Arrow dictionaries may."""
    rows = batch([HOME, SHOP, HOME], [100, 100, 100])
    twice = Column(np.array([0, 1, 2], np.int64), codes=(HOME, SHOP, HOME))

    done = dispatch(book, Rows(rows.row_id, twice, rows.period_from, rows.period_to, rows.columns))

    assert sorted(group.compiled.id for group in done.groups) == [HOME, SHOP]
    assert totals(done) == {0: 53, 1: 100, 2: 53}


def test_a_value_that_the_rule_set_does_not_read_may_mean_the_wrong_rule_set(book: Mapping[str, Compiled]) -> None:
    rows = batch([HOME, SHOP, HOME], [100, 100, 100])
    kvarh = Column(np.array([0, 5, 7], np.int64), valid=np.array([False, True, True]))
    rows = Rows(rows.row_id, rows.ruleset, rows.period_from, rows.period_to, {**rows.columns, "kvarh": kvarh})

    strict, lenient = dispatch(book, rows), dispatch(book, rows, pass_through=["kvarh"])

    assert [(one.row, one.code, one.field, one.value) for one in strict.refused] == [
        (2, "unknown-column", "kvarh", "7")
    ]
    assert totals(lenient) == {0: 53, 1: 100, 2: 53}
