"""Where a row goes: rule sets that share an id, keys of their own, and lists that a rule set does not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from engine.compiler.program import Compiled, Version
from engine.evaluator.batch import Dispatched, dispatch, key_at
from engine.evaluator.evaluate import Plans
from engine.evaluator.rows import Children, Column, Rows
from tests.evaluator.builder import END, START, batch
from tests.evaluator.list_programs import Lists

ID = "cn.test.hand"
NEXT = f"{ID}@later"


def flat(price: int, first: int, end: int | None, **more: object) -> Compiled:
    """Bill kWh at so many fen, in force on days of its own."""
    b = Lists()
    amount = b.rounded("multiply_round", (b.input("kwh"), b.constant(price, 2)), 2)
    return b.compiled(amount, [Version(first, end or END)], first_day=first, end_day=end, **more)


def book(**more: object) -> Mapping[str, Compiled]:
    """Two structures of one rule set: at 1 fen for ten days, at 3 fen from the twentieth on; and another rule set."""
    return {
        ID: flat(1, START, START + 10, **more),
        NEXT: flat(3, START + 20, None, **more),
        "cn.test.other": flat(7, START, None, id="cn.test.other"),
    }


def rows_of(names: Sequence[str], firsts: Sequence[int], days: int = 5) -> Rows:
    rows = batch({"kwh": np.full(len(names), 100)}, len(names), START + np.array(firsts), days)
    return replace(rows, ruleset=Column(np.array(names)))


def totals(done: Dispatched) -> dict[int, int]:
    return {
        row: total
        for group in done.groups
        for row, total in zip(group.result.kept.tolist(), group.result.total.tolist(), strict=True)
    }


class TestSharedIds:
    """Several structures of one rule set, each with days of its own."""

    def test_a_row_goes_to_the_one_in_force_on_its_day(self) -> None:
        done = dispatch(book(), rows_of([ID, ID, "cn.test.other", ID, ID], [20, 0, 0, 9, 500]))

        assert totals(done) == {0: 300, 1: 100, 2: 700, 3: 100, 4: 300}
        assert len(done.groups) == 3

    def test_a_day_of_none_is_refused_by_the_nearest(self) -> None:
        """Day 12 is three days after the first structure and eight before the second, day 18 the other way round."""
        done = dispatch(book(), rows_of([ID, ID, ID], [12, 18, -5]))

        days = [str(np.datetime64(START + day, "D")) for day in (12, 18, -5)]
        assert [(one.row, one.code, one.value) for one in done.refused] == [
            (row, "no-price-in-force", day) for row, day in enumerate(days)
        ]

    @pytest.mark.parametrize(
        ("by", "last", "expected"), [("period_from", 9, 100), ("last_day", 19, 300), ("reading_day", 20, 300)]
    )
    def test_each_has_its_own_word_on_which_day_counts(self, by: str, last: int, expected: int) -> None:
        """Eleven days from the ninth on; `last` is the day that picks."""
        done = dispatch(book(version_by=by), rows_of([ID], [9], 11))

        if last in range(10, 20):
            assert [one.code for one in done.refused] == ["no-price-in-force"]
        else:
            assert totals(done) == {0: expected}

    def test_a_row_may_name_the_key(self) -> None:
        done = dispatch(book(), rows_of([NEXT, NEXT, ID], [20, 0, 20]))

        assert totals(done) == {0: 300, 2: 300}
        assert [(one.row, one.code) for one in done.refused] == [(1, "no-price-in-force")]
        assert len([group for group in done.groups if len(group.result.kept)]) == 1

    def test_a_row_of_no_day_is_refused_for_its_days(self) -> None:
        rows = rows_of([ID, ID], [0, 0])
        rows.period_from[0] = np.iinfo(np.int64).min

        done = dispatch(book(), rows)

        assert [(one.row, one.code, one.field) for one in done.refused] == [(0, "missing-value", "period_from")]
        assert totals(done) == {1: 100}

    def test_plans_are_kept_by_key(self) -> None:
        rules = book()
        plans = {key: Plans(compiled) for key, compiled in rules.items()}

        assert totals(dispatch(rules, rows_of([ID, ID], [0, 30]), plans=plans)) == {0: 100, 1: 300}

    def test_a_name_of_neither_is_unknown(self) -> None:
        done = dispatch(book(), rows_of([f"{ID}@never"], [0]))

        assert [(one.code, one.value) for one in done.refused] == [("unknown-ruleset", f"{ID}@never")]


class TestOneRow:
    """`key_at` finds for one row the rule set that a batch gives it to."""

    @pytest.mark.parametrize("by", ["period_from", "last_day", "reading_day"])
    def test_by_its_day(self, by: str) -> None:
        rules = book(version_by=by)
        firsts = [-40, -5, 0, 9, 10, 12, 15, 18, 19, 20, 500]
        done = dispatch(rules, rows_of([ID] * len(firsts), firsts))

        found = [key_at(rules, ID, START + first, START + first + 5) for first in firsts]

        of_batch = {
            row: key
            for group in done.groups
            for row in group.result.kept.tolist()
            for key in rules
            if rules[key] is group.compiled
        }
        assert {row: found[row] for row in of_batch} == of_batch
        assert set(found) == {ID, NEXT}

    def test_by_its_name(self) -> None:
        names = ["cn.test.other", NEXT, "cn.test.none", ""]

        assert [key_at(book(), name, START, START + 5) for name in names] == ["cn.test.other", NEXT, None, None]

    def test_without_a_day(self) -> None:
        """Any of them refuses it."""
        assert key_at(book(), ID, None, START) in (ID, NEXT)


class TestHowMuch:
    def test_totals_alone(self) -> None:
        done = dispatch(book(), rows_of([ID, "cn.test.other"], [0, 0]), totals_only=True)

        assert totals(done) == {0: 100, 1: 700}
        assert [group.result.amounts for group in done.groups] == [{}, {}]

    def test_it_may_stop_between_rule_sets(self) -> None:
        class Over(Exception):
            pass

        asked: list[int] = []

        def between() -> None:
            asked.append(1)
            if len(asked) == 2:
                raise Over

        with pytest.raises(Over):
            dispatch(book(), rows_of([ID, "cn.test.other", ID], [0, 0, 30]), between=between)


class TestForeignColumns:
    """Names that a program knows and no row gives."""

    @pytest.mark.parametrize("name", ["day", "period_from", "meters.kwh", "meters"])
    def test_refuse_the_row(self, name: str) -> None:
        b = Lists()
        b.axis("meters", optional=True)
        amount = b.sum_items(b.item("meters", "kwh"))
        b.input("day")
        rows = replace(batch({}, 2), columns={name: Column(np.array([5, 6]), valid=np.array([True, False]))})

        done = dispatch({ID: b.compiled(amount)}, rows)

        assert [(one.row, one.code, one.field, one.value) for one in done.refused] == [(0, "unknown-column", name, "5")]
        assert totals(done) == {1: 0}


class TestForeignLists:
    """Lists, and columns of lists, that a rule set does not read."""

    def rules(self) -> Mapping[str, Compiled]:
        b = Lists()
        b.axis("meters", optional=True)
        return {ID: b.compiled(b.sum_items(b.item("meters", "kwh")))}

    def rows(self, **children: Children) -> Rows:
        return replace(batch({}, 3), children=children)

    def test_items_of_a_foreign_list_refuse_the_row(self) -> None:
        """An empty list, and one that is not given, say nothing."""
        foreign = Children(np.array([0, 2, 2, 3]), {"kva": Column(np.array([1, 2, 3]))}, np.array([True, True, False]))
        own = Children(np.array([0, 0, 1, 2]), {"kwh": Column(np.array([5, 6]))})

        done = dispatch(self.rules(), self.rows(transformers=foreign, meters=own))

        assert [(one.row, one.code, one.field, one.value) for one in done.refused] == [
            (0, "unknown-column", "transformers", "2")
        ]
        assert totals(done) == {1: 5, 2: 6}

    def test_a_foreign_column_of_its_list_refuses_the_row_where_it_is_given(self) -> None:
        colour = Column(np.array(["", "red", "blue"], object), valid=np.array([False, True, True]))
        own = Children(np.array([0, 1, 1, 3]), {"kwh": Column(np.array([5, 6, 7])), "colour": colour})

        done = dispatch(self.rules(), self.rows(meters=own))

        assert [(one.row, one.field, one.value, one.parameters["item"]) for one in done.refused] == [
            (2, "meters.colour", "red", "1")
        ]
        assert totals(done) == {0: 5, 1: 0}

    def test_what_is_passed_through_is_not_looked_at(self) -> None:
        foreign = Children(np.array([0, 1, 1, 1]), {"kva": Column(np.array([1]))})
        own = Children(np.array([0, 1, 1, 1]), {"kwh": Column(np.array([5])), "colour": Column(np.array([1]))})

        done = dispatch(
            self.rules(), self.rows(transformers=foreign, meters=own), pass_through=["transformers", "meters.colour"]
        )

        assert totals(done) == {0: 5, 1: 0, 2: 0}
