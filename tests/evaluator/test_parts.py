"""Rows cut into parts: days, what is divided by them, and what a result holds. Worked by hand, or in `decimal`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from engine.compiler.program import Compiled, Refusal, Type, Version
from engine.evaluator.door import admit
from engine.evaluator.evaluate import Result, evaluate
from engine.evaluator.parts import cut, divided
from engine.evaluator.rows import Children, Column, Rows
from tests.evaluator.builder import END, HERE, START, batch
from tests.evaluator.list_programs import SHORT, Lists, shares

CHANGES = (START + 10, START + 20)
VERSIONS = (Version(START, START + 10), Version(START + 10, START + 20), Version(START + 20, END))


def split(b: Lists, total: int, days: Sequence[int] = CHANGES, **more: Any) -> Compiled:
    """A rule set that splits where its three versions change."""
    return b.compiled(total, VERSIONS, **{"changes": "split", "change_days": tuple(days), **more})


def energy() -> tuple[Lists, int]:
    """Bill kWh, divided by days, at 1, 2 and 3 fen; `kwh` may be negative."""
    b = Lists()
    kwh = b.input("kwh", 0, -(10**6), 10**6)
    b.inputs[-1] = replace(b.inputs[-1], split=True)
    amount = b.rounded("multiply_round", (kwh, b.constant([1, 2, 3], 2)), 2)
    b.line("energy", amount, quantity=kwh)
    return b, amount


def some_rows(kwh: Sequence[int], periods: Sequence[tuple[int, int]]) -> Rows:
    first, end = (np.array(days, np.int64) for days in zip(*periods, strict=True))
    return replace(batch({"kwh": np.array(kwh)}, len(kwh), START + first), period_to=START + end)


DAYS = st.lists(st.integers(1, 400), min_size=1, max_size=24)


class TestDivision:
    """Shares by days."""

    @for_all(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1, max_size=5), DAYS)
    def test_shares_are_those_of_decimal_arithmetic_and_add_up(self, values: list[int], days: list[int]) -> None:
        """Any int64, also where value times days leaves int64; the whole is conserved, the rest is the last part's."""
        borders = np.cumsum([START, *days]).tolist()
        first, end = (np.full(len(values), day) for day in (borders[0], borders[-1]))
        of = cut(first, end, borders[1:-1])

        found = np.array(values) if of is None else divided(np.array(values), of)

        with localcontext() as context:
            context.prec = 60
            expected = [[int(share) for share in shares(Decimal(value), 0, days)] for value in values]
        assert found.reshape(len(values), -1).tolist() == expected
        assert [sum(own) for own in expected] == values

    def test_a_hundred_over_ten_and_twenty_one_days(self) -> None:
        """100 x 10 / 31 is 32.26; to 0.01 kWh 32.26 and 67.74."""
        of = cut(np.array([0]), np.array([31]), [10])
        assert of is not None

        assert divided(np.array([10000]), of).tolist() == [3226, 6774]
        assert divided(np.array([-10000]), of).tolist() == [-3226, -6774]

    def test_a_share_is_never_more_than_is_left(self) -> None:
        """2 over four equal parts: 0.5 is rounded to 1, twice; nothing is left for the third and the last."""
        of = cut(np.array([0]), np.array([40]), [10, 20, 30])
        assert of is not None

        assert divided(np.array([2]), of).tolist() == [1, 1, 0, 0]
        assert divided(np.array([-2]), of).tolist() == [-1, -1, 0, 0]


class TestCut:
    """Where periods are cut."""

    def test_only_changes_strictly_inside_cut(self) -> None:
        first, end = np.array([0, 10, 5, 0, 12]), np.array([10, 20, 25, 30, 14])

        of = cut(first, end, [10, 20])

        assert of is not None
        assert of.counts.tolist() == [1, 1, 3, 3, 1]
        assert of.row.tolist() == [0, 1, 2, 2, 2, 3, 3, 3, 4]
        assert of.first.tolist() == [0, 10, 5, 10, 20, 0, 10, 20, 12]
        assert of.end.tolist() == [10, 20, 10, 20, 25, 10, 20, 30, 14]
        assert of.number.tolist() == [0, 0, 0, 1, 2, 0, 1, 2, 0]

    def test_rows_that_no_change_cuts_are_not_touched(self) -> None:
        assert cut(np.array([0, 10]), np.array([10, 20]), [10]) is None
        assert cut(np.array([0]), np.array([10]), []) is None
        assert cut(np.zeros(0, np.int64), np.zeros(0, np.int64), [10]) is None


class TestDoor:
    """What the door supplies to each part."""

    def test_each_part_has_its_days_version_and_share(self) -> None:
        """31 days cut at the 10th and 20th: 100 kWh give 32, 32 and 36; the row before is one part."""
        b, total = energy()

        door = admit(split(b, total), some_rows([7, 100], [(0, 5), (0, 31)]))

        assert door.offsets is not None
        assert door.offsets.tolist() == [0, 1, 4]
        assert door.version.tolist() == [0, 0, 1, 2]
        expected = {
            "kwh": [7, 32, 32, 36],
            "kwh@bill": [7, 100, 100, 100],
            "period_from": [START, START, START + 10, START + 20],
            "period_to": [START + 5, START + 10, START + 20, START + 31],
            "day": [START, START, START + 10, START + 20],
            "bill_from": [START] * 4,
            "bill_to": [START + 5, *[START + 31] * 3],
            "part": [1, 1, 2, 3],
            "parts": [1, 3, 3, 3],
        }
        assert {name: door.inputs[name].tolist() for name in expected} == expected

    def test_a_batch_that_no_change_cuts_is_not_copied(self) -> None:
        b, total = energy()
        rows = some_rows([7, 100], [(0, 5), (10, 20)])

        door = admit(split(b, total), rows)

        assert door.offsets is None
        assert np.shares_memory(door.inputs["kwh"], rows.columns["kwh"].values)
        assert door.inputs["kwh@bill"] is door.inputs["kwh"]
        assert door.inputs["bill_from"] is door.inputs["period_from"]
        assert (door.inputs["part"].tolist(), door.inputs["parts"].tolist()) == ([1, 1], [1, 1])

    def test_the_last_day_of_a_part_may_pick_its_version(self) -> None:
        """Versions change a day after the cuts: the day after a part is in the next one's."""
        b, total = energy()
        compiled = split(b, total, version_by="reading_day")

        assert admit(compiled, some_rows([1], [(5, 12)])).version.tolist() == [1, 1]
        assert admit(replace(compiled, version_by="last_day"), some_rows([1], [(5, 12)])).version.tolist() == [0, 1]

    def test_one_part_without_a_price_refuses_the_row_before_its_inputs_are_looked_at(self) -> None:
        b, total = energy()
        missing = Refusal("no-price-in-force", "energy.price", "", (), HERE)
        versions = (VERSIONS[0], replace(VERSIONS[1], missing=(missing,)), VERSIONS[2])
        compiled = replace(split(b, total), constants=replace(split(b, total).constants, versions=versions))

        door = admit(compiled, some_rows([10**9, 100, 10**9], [(0, 31), (0, 10), (20, 25)]))

        day = str(np.datetime64(START + 10, "D"))
        assert [(one.row, one.code, one.field, one.value) for one in door.problems] == [
            (0, "no-price-in-force", "energy.price", day),
            (2, "out-of-bounds", "kwh", "1000000000"),
        ]
        assert door.inputs["kwh"].tolist() == [100]

    def test_too_many_parts_refuse_the_row(self) -> None:
        """Changes on each day: 24 days are 24 parts, 25 are one too many."""
        b, total = energy()
        compiled = split(b, total, tuple(START + day for day in range(60)))

        door = admit(compiled, some_rows([48, 50], [(0, 24), (0, 25)]))

        assert [(one.row, one.code, one.field, one.parameters["found"]) for one in door.problems] == [
            (1, "too-many-parts", "period_to", "25")
        ]
        assert door.inputs["kwh"].tolist() == [2] * 24

    def test_the_whole_period_may_be_billed_by_one_version(self) -> None:
        b, total = energy()

        result = evaluate(split(b, total, changes="whole"), some_rows([100], [(5, 31)]))

        assert (result.total.tolist(), result.version.tolist(), result.offsets) == ([100], [0], None)

    def test_without_a_word_a_change_inside_refuses(self) -> None:
        b, total = energy()

        result = evaluate(split(b, total, changes="refuse"), some_rows([100], [(5, 31)]))

        assert [one.code for one in result.problems] == ["period-crosses-change"]


class TestLists:
    """Lists of rows that are cut."""

    def bill(self) -> tuple[Compiled, Rows]:
        """Two days of hours cut after the first, which has 23 hours; two transformers; a row that is not cut."""
        b = Lists()
        b.axis("load", 200, hours=True)
        b.axis("transformers", 4)
        kwh, kva = b.item("load", "kwh"), b.item("transformers", "kva")
        energy, capacity = b.sum_items(kwh), b.sum_items(kva)
        b.line("energy", energy)
        b.line("capacity", capacity)
        compiled = split(b, b.sum(energy, capacity), (SHORT + 1,))
        rows = replace(
            batch({}, 2, np.array([START, SHORT])),
            period_to=np.array([START + 1, SHORT + 2]),
            children={
                "load": Children(np.array([0, 24, 71]), {"kwh": Column(np.arange(71))}),
                "transformers": Children(np.array([0, 1, 3]), {"kva": Column(np.array([1, 20, 300]))}),
            },
        )
        return compiled, rows

    def test_a_part_has_the_intervals_of_its_days_and_a_copy_of_other_lists(self) -> None:
        compiled, rows = self.bill()

        door = admit(compiled, rows)

        assert door.lists["load"].tolist() == [0, 24, 47, 71]
        assert door.lists["transformers"].tolist() == [0, 1, 3, 5]
        assert door.inputs["load.kwh"].tolist() == list(range(71))
        assert door.inputs["transformers.kva"].tolist() == [1, 20, 300, 20, 300]

    @pytest.mark.parametrize("block_rows", [1, 2, 100])
    def test_amounts_are_of_parts_and_totals_of_rows(self, block_rows: int) -> None:
        compiled, rows = self.bill()

        result = evaluate(compiled, rows, block_rows=block_rows)

        energy = [sum(range(24)), sum(range(24, 47)), sum(range(47, 71))]
        assert result.amounts["energy"].tolist() == energy
        assert result.amounts["capacity"].tolist() == [1, 320, 320]
        assert result.total.tolist() == [energy[0] + 1, energy[1] + energy[2] + 640]
        assert result.ledgers["energy"].tolist() == result.total.tolist()
        assert result.offsets is not None
        assert result.offsets.tolist() == [0, 1, 3]
        assert result.row.tolist() == [0, 1, 1]
        assert result.period_from.tolist() == [START, SHORT, SHORT + 1]
        assert result.period_to.tolist() == [START + 1, SHORT + 1, SHORT + 2]


class TestResult:
    """What comes of rows that are cut, and of their parts that are refused."""

    def limited(self) -> Compiled:
        """No part may use more than 40 kWh; a bill of more than 90 kWh is warned of."""
        b, total = energy()
        kwh = 0
        b.require(b.holds("less_equal", kwh, b.literal(40)), field="kwh", message="{kwh} kWh", values=(("kwh", kwh),))
        whole = b.step("input", (), Type(low=-(10**6), high=10**6), name="kwh@bill")
        last = b.holds("equal", *(b.step("input", (), Type(low=1, high=24), name=name) for name in ("part", "parts")))
        b.warning("last", last, (("part", kwh),))
        b.warning("much", b.holds("less", b.literal(90), whole), (("kwh", whole),))
        return split(b, total)

    def bill(self, **more: Any) -> Result:
        """The second row's last part, and the fourth row, use too much."""
        periods = [(0, 31), (0, 31), (0, 5), (0, 5), (15, 25)]
        return evaluate(self.limited(), some_rows([100, 130, 40, 41, 3], periods), details=True, **more)

    @pytest.mark.parametrize("block_rows", [1, 2, 3, 100])
    def test_a_row_is_billed_if_all_its_parts_are(self, block_rows: int) -> None:
        """32, 32 and 36 kWh at 1, 2 and 3 fen; 130 kWh are 42, 42 and 46; 3 kWh over 5 and 5 days are 2 and 1."""
        result = self.bill(block_rows=block_rows)

        assert result.kept.tolist() == [0, 2, 4]
        assert result.offsets is not None
        assert result.offsets.tolist() == [0, 3, 4, 6]
        assert result.quantities["energy"].tolist() == [32, 32, 36, 40, 2, 1]
        assert result.amounts["energy"].tolist() == [32, 64, 108, 40, 4, 3]
        assert result.total.tolist() == [204, 40, 7]
        assert result.version.tolist() == [0, 1, 2, 0, 1, 2]
        assert result.warnings["last"].tolist() == [True, True, True]
        assert result.warnings["much"].tolist() == [True, False, False]
        assert result.warning_values["much"]["kwh"].tolist() == [100, 40, 3]
        assert result.warning_values["last"]["part"].tolist() == [36, 40, 1]

    def test_the_first_part_that_is_refused_says_why(self) -> None:
        result = self.bill()

        assert [(one.row, one.code, one.value, one.reason) for one in result.problems] == [
            (1, "refused-by-rule", "42", "42 kWh"),
            (3, "refused-by-rule", "41", "41 kWh"),
        ]

    def test_rows_left_without_parts_are_rows(self) -> None:
        """The only row that is cut is refused."""
        result = evaluate(self.limited(), some_rows([130, 40], [(0, 31), (0, 5)]))

        assert (result.kept.tolist(), result.offsets, result.total.tolist()) == ([1], None, [40])

    def test_a_row_that_is_cut_between_many_that_are_not(self) -> None:
        """Before it rows of the first version alone, behind it of the second: each part has its own price."""
        b, total = energy()
        b.line("before", b.over_parts("earlier_parts", 0, b.literal(0)))
        periods = [*[(0, 5)] * 5000, (5, 15), *[(10, 15)] * 5000]

        result = evaluate(split(b, total), some_rows([10] * 10001, periods), block_rows=1000)

        assert result.total.tolist() == [*[10] * 5000, 5 + 2 * 5, *[20] * 5000]
        assert result.amounts["before"].tolist() == [*[0] * 5001, 5, *[0] * 5000]

    def test_a_batch_of_none(self) -> None:
        result = evaluate(self.limited(), batch({"kwh": np.zeros(0, np.int64)}, 0))

        assert (result.total.tolist(), result.offsets, result.problems) == ([], None, ())

    @for_all(st.integers(-(10**6), 10**6), st.integers(0, 40), st.integers(1, 40))
    def test_the_parts_of_a_divided_input_add_up_to_it(self, kwh: int, first: int, days: int) -> None:
        b, total = energy()

        result = evaluate(split(b, total), some_rows([kwh], [(first, first + days)]), details=True)

        assert result.quantities["energy"].sum() == kwh


class TestRefusedItems:
    """A condition on a list is told of the first item that fails it."""

    def rules(self, axis: str, *, hours: bool) -> Compiled:
        """No item may use more than 5; the row's limit is told too."""
        b = Lists()
        b.axis(axis, 200, hours=hours)
        kwh, limit = b.item(axis, "kwh"), b.input("limit", high=9)
        condition = b.on(axis, b.holds("less_equal", kwh, b.spread(axis, limit)))
        message = "item {item}: {kwh} of {limit}" + (" at {item_time}" if hours else "")
        b.require(
            b.step("all_items", (condition,), replace(b.type(condition), axis="row")),
            field=f"{axis}.kwh",
            message=message,
            values=(("kwh", kwh), ("limit", limit), (f"{axis}.kwh", kwh)),
            items=(axis, condition),
        )
        return split(b, b.sum_items(kwh), (SHORT + 1,))

    def rows(self, axis: str, items: Sequence[Sequence[int]], first: int, days: int) -> Rows:
        offsets = np.cumsum([0, *map(len, items)])
        flat = np.array([item for its in items for item in its], np.int64)
        rows = batch({"limit": np.full(len(items), 5)}, len(items), first, days)
        return replace(rows, children={axis: Children(offsets, {"kwh": Column(flat)})})

    def test_by_its_number(self) -> None:
        rows = self.rows("meters", [[1, 2], [5, 6, 7], [], [9]], START, 3)

        result = evaluate(self.rules("meters", hours=False), rows)

        assert [(one.row, one.field, one.value, one.reason) for one in result.problems] == [
            (1, "meters.kwh", "6", "item 2: 6 of 5"),
            (3, "meters.kwh", "9", "item 1: 9 of 5"),
        ]
        assert [one.parameters["axis"] for one in result.problems] == ["meters", "meters"]
        assert result.total.tolist() == [3, 0]

    def test_by_its_number_in_the_row_and_its_time_where_a_part_fails(self) -> None:
        """The day of 23 hours skips 2:00: its fourth item begins at 4:00; the next day's second is the row's 25th."""
        curves = np.ones((2, 47), np.int64)
        curves[0, 24], curves[1, [3, 30]] = 6, 8

        result = evaluate(self.rules("load", hours=True), self.rows("load", curves.tolist(), SHORT, 2), block_rows=1)

        days = [str(np.datetime64(day, "D")) for day in (SHORT, SHORT + 1)]
        assert [(one.row, one.reason) for one in result.problems] == [
            (0, f"item 25: 6 of 5 at {days[1]} 01:00"),
            (1, f"item 4: 8 of 5 at {days[0]} 04:00"),
        ]
