"""Lists at the door: what is refused and how it is told, and which items are let in. Worked by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from engine.compiler.program import Compiled
from engine.evaluator.door import Door, admit
from engine.evaluator.rows import Children, Column, Rows, UnknownColumns
from tests.evaluator.builder import START, batch
from tests.evaluator.list_programs import LONG, SHORT, Lists

LIST = "transformers"


def transformers(*, optional: bool = False, at_most: int = 4) -> Compiled:
    """A list of kVA to whole numbers up to 5000, a share to 0.01 that may be absent, and a truth with a default."""
    b = Lists()
    b.axis(LIST, at_most, optional=optional)
    kva = b.item(LIST, "kva", high=5000)
    b.item(LIST, "share", 2, 0, 100, optional=True)
    b.item(LIST, "spare", kind="boolean", default=0)
    return b.compiled(b.sum_items(kva))


def several(offsets: list[int], kva: list[int], valid: list[bool] | None = None, **more: Column) -> Children:
    """Transformers of some rows."""
    of = None if valid is None else np.array(valid)
    return Children(np.array(offsets), {"kva": Column(np.array(kva)), **more}, of)


def rows_with(children: Children | None, days: int = 28, start: int = START, name: str = LIST) -> Rows:
    count = 1 if children is None else len(children.offsets) - 1
    return replace(batch({}, count, start, days), children={} if children is None else {name: children})


def told(door: Door) -> list[tuple[int, str, str, str, str]]:
    """Row, code, field, value and item of each problem."""
    return [(one.row, one.code, one.field, one.value, one.parameters.get("item", "")) for one in door.problems]


class TestChildren:
    """What a list of columns must be."""

    @pytest.mark.parametrize(
        ("offsets", "message"),
        [
            (np.array([0, 2, 1]), "never run backwards"),
            (np.array([-1, 2]), "begin at 0 or later"),
            (np.array([0, 4]), "a list has one length"),
            (np.array([0, 1], np.int32), "offsets are int64"),
            (np.array([], np.int64), "offsets are int64"),
            (np.array([[0, 1]]), "offsets are int64"),
        ],
    )
    def test_offsets_run_forwards_within_the_items(self, offsets: np.ndarray, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Children(offsets, {"kva": Column(np.array([1, 2, 3]))})

    def test_columns_are_of_one_length(self) -> None:
        with pytest.raises(ValueError, match="spare has 3 items"):
            Children(np.array([0, 2]), {"kva": Column(np.array([1, 2])), "spare": Column(np.array([1, 2, 3]))})

    def test_valid_has_a_truth_a_row(self) -> None:
        with pytest.raises(ValueError, match="valid is bool"):
            Children(np.array([0, 2]), {"kva": Column(np.array([1, 2]))}, np.array([True, False]))

    def test_a_batch_has_a_list_of_each_row(self) -> None:
        with pytest.raises(ValueError, match="transformers has shape"):
            replace(batch({}, 3), children={LIST: several([0, 2], [1, 2])})


class TestGiven:
    """Whether the list is there, and how many items it may have."""

    def test_a_list_that_is_needed_and_not_given_refuses_the_row(self) -> None:
        door = admit(transformers(), rows_with(several([0, 1, 1, 2], [5, 6], [True, False, True])))

        assert told(door) == [(1, "missing-value", LIST, "", "")]
        assert door.lists[LIST].tolist() == [0, 1, 2]
        assert door.inputs["transformers.kva"].tolist() == [5, 6]

    def test_a_batch_without_the_list_gives_it_in_no_row(self) -> None:
        assert told(admit(transformers(), rows_with(None))) == [(0, "missing-value", LIST, "", "")]

    def test_an_optional_list_that_is_not_given_is_empty(self) -> None:
        door = admit(transformers(optional=True), rows_with(several([0, 1, 3], [5, 6, 7], [False, True])))

        assert door.problems == ()
        assert door.given[LIST].tolist() == [False, True]
        assert door.lists[LIST].tolist() == [0, 0, 2]
        assert door.inputs["transformers.kva"].tolist() == [6, 7]

    def test_an_empty_list_is_given(self) -> None:
        door = admit(transformers(), rows_with(several([0, 0], [])))

        assert door.problems == ()
        assert door.given[LIST].tolist() == [True]

    def test_more_items_than_at_most_refuse_the_row(self) -> None:
        door = admit(transformers(at_most=2), rows_with(several([0, 3, 5], [1, 2, 3, 4, 5])))

        assert told(door) == [(0, "too-many-items", LIST, "3", "")]
        assert (door.problems[0].parameters["found"], door.problems[0].parameters["at_most"]) == ("3", "2")
        assert door.inputs["transformers.kva"].tolist() == [4, 5]

    def test_a_list_that_nothing_reads_is_unknown(self) -> None:
        rows = replace(rows_with(several([0, 1], [5])), children={"meters": several([0, 1], [5])})

        with pytest.raises(UnknownColumns, match="`meters`"):
            admit(transformers(optional=True), rows)
        assert admit(transformers(optional=True), rows, pass_through={"meters"}).problems == ()

    def test_a_column_of_the_list_that_nothing_reads_is_unknown(self) -> None:
        rows = rows_with(several([0, 1], [5], colour=Column(np.array([1]))))

        with pytest.raises(UnknownColumns, match=r"`transformers\.colour`"):
            admit(transformers(), rows)
        assert admit(transformers(), rows, pass_through={"transformers.colour"}).problems == ()

    def test_a_column_of_the_row_is_not_a_list(self) -> None:
        rows = replace(batch({LIST: np.array([3])}, 1), children={LIST: several([0, 1], [5])})

        with pytest.raises(UnknownColumns, match=f"reads no `{LIST}`"):
            admit(transformers(), rows)


class TestItems:
    """What is wrong with one item, and which items are let in."""

    def test_the_first_faulty_item_refuses_its_row_and_is_told_by_its_number(self) -> None:
        door = admit(transformers(), rows_with(several([0, 2, 5, 6], [5000, 1, 7, 5001, -1, 9])))

        assert told(door) == [(1, "out-of-bounds", "transformers.kva", "5001", "2")]
        assert door.problems[0].reason == "`transformers[2].kva` is 5001, outside 0 to 5000."
        assert door.inputs["transformers.kva"].tolist() == [5000, 1, 9]
        assert door.lists[LIST].tolist() == [0, 2, 3]

    def test_inputs_are_looked_at_in_declared_order(self) -> None:
        """The second item's kva is told before the first item's share."""
        share = Column(np.array([101, 0]), 2)
        door = admit(transformers(), rows_with(several([0, 2], [1, -1], share=share)))

        assert told(door) == [(0, "out-of-bounds", "transformers.kva", "-1", "2")]

    def test_row_inputs_are_looked_at_first(self) -> None:
        b = Lists()
        b.axis(LIST)
        kva = b.item(LIST, "kva", high=10)
        b.input("kwh", high=10)
        rows = replace(rows_with(several([0, 1], [11])), columns={"kwh": Column(np.array([11]))})

        assert told(admit(b.compiled(b.sum_items(kva)), rows)) == [(0, "out-of-bounds", "kwh", "11", "")]

    def test_an_absent_item_value_is_missing_unless_it_may_be(self) -> None:
        kva = Column(np.array([1, 0, 3]), valid=np.array([True, False, True]))
        door = admit(transformers(), rows_with(Children(np.array([0, 1, 3]), {"kva": kva})))

        assert told(door) == [(1, "missing-value", "transformers.kva", "", "1")]
        assert door.given["transformers.share"].tolist() == [False]
        assert door.inputs["transformers.spare"].tolist() == [False]

    def test_texts_and_decimals_are_read_as_in_the_row(self) -> None:
        """1.5 has too many places for whole kVA; a truth may be written as text."""
        children = Children(
            np.array([0, 2, 3]),
            {
                "kva": Column(np.array([Decimal("2.0"), "30", Decimal("1.5")], object)),
                "spare": Column(np.array(["true", "false", "true"])),
            },
        )
        door = admit(transformers(), rows_with(children))

        assert told(door) == [(1, "too-many-places", "transformers.kva", "1.5", "1")]
        assert door.inputs["transformers.kva"].tolist() == [2, 30]
        assert door.inputs["transformers.spare"].tolist() == [True, False]

    @pytest.mark.parametrize("positions", [[1], [1, 2], [0, 2], [2], [0, 1, 2], []])
    @pytest.mark.parametrize("valid", [None, [True, True, False]])
    @pytest.mark.parametrize("before", [0, 2])
    def test_some_rows_of_a_batch_have_their_items_alone(
        self, positions: list[int], valid: list[bool] | None, before: int
    ) -> None:
        """Items before the first offset and after the last are of other batches."""
        own = [[], [4, 5, 6], [7]]
        offsets = [before + at for at in (0, 0, 3, 4)]
        kva = Column(np.array([*[99999] * before, 4, 5, 6, 7, 99999]))
        rows = rows_with(Children(np.array(offsets), {"kva": kva}, None if valid is None else np.array(valid)))

        door = admit(transformers(optional=True), rows, np.array(positions, np.int64))

        expected = [own[row] if valid is None or valid[row] else [] for row in positions]
        assert door.problems == ()
        assert door.kept.tolist() == positions
        assert door.inputs["transformers.kva"].tolist() == [item for items in expected for item in items]
        assert np.diff(door.lists[LIST]).tolist() == list(map(len, expected))

    def test_items_of_all_rows_are_not_copied(self) -> None:
        children = several([0, 2, 3], [1, 2, 3])

        door = admit(transformers(), rows_with(children))

        assert np.shares_memory(door.inputs["transformers.kva"], children.columns["kva"].values)


class TestIntervals:
    """A list that follows the clock has an item for each hour of its days."""

    def load(self, *, optional: bool = False) -> Compiled:
        b = Lists()
        b.axis("load", 200, optional=optional, hours=True)
        return b.compiled(b.sum_items(b.item("load", "kwh")))

    @pytest.mark.parametrize(
        ("first", "days", "hours"), [(START, 2, 48), (SHORT, 1, 23), (LONG, 2, 49), (SHORT, 3, 72)]
    )
    def test_as_many_as_the_days_have_hours(self, first: int, days: int, hours: int) -> None:
        """A day of 23 hours and one of 25."""
        for given, faults in ((hours, []), (hours - 1, ["interval-count"]), (hours + 1, ["interval-count"])):
            children = Children(np.array([0, given]), {"kwh": Column(np.ones(given, np.int64))})

            door = admit(self.load(), rows_with(children, days, first, "load"))

            assert [one.code for one in door.problems] == faults
            for one in door.problems:
                assert (one.parameters["expected"], one.parameters["found"]) == (str(hours), str(given))
                assert one.value == str(given)

    def test_an_empty_curve_that_is_given_is_short(self) -> None:
        children = Children(np.array([0, 0]), {"kwh": Column(np.zeros(0, np.int64))})

        assert told(admit(self.load(), rows_with(children, 1, name="load"))) == [(0, "interval-count", "load", "0", "")]

    def test_an_optional_curve_may_be_left_out(self) -> None:
        assert admit(self.load(optional=True), rows_with(None)).problems == ()

    def test_too_many_items_are_told_before_their_count(self) -> None:
        children = Children(np.array([0, 201]), {"kwh": Column(np.zeros(201, np.int64))})

        assert [one.code for one in admit(self.load(), rows_with(children, 1, name="load")).problems] == [
            "too-many-items"
        ]

    def test_a_row_of_bad_days_is_refused_for_its_days(self) -> None:
        children = Children(np.array([0, 24]), {"kwh": Column(np.ones(24, np.int64))})

        assert [one.code for one in admit(self.load(), rows_with(children, 0, name="load")).problems] == ["bad-period"]
