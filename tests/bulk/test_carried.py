"""What a row carries from the account's earlier rows: examples by hand, and a plain walk from row to row."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bulk.carried import Earlier, State, carry
from engine.compiler.program import Carried

EPOCH = date(1970, 1, 1)
YEAR = Carried("sum", "kwh", year_starts=1)
EVER = Carried("sum", "kwh")
MAX = Carried("max", "kw", months=11)
LAST = Carried("last", "kwh")
WHOLES = Carried("remainder", "kwh", whole=100)


@dataclass(frozen=True)
class Read:
    """A row: `given` is the carried input where the row gives it."""

    account: int
    first: date
    end: date
    quantity: int
    given: int | None = None
    needed: bool = True
    refused: bool = False


def month(account: int, year: int, number: int, quantity: int, **more: object) -> Read:
    """A row for a calendar month."""
    end = date(year + number // 12, number % 12 + 1, 1)
    return Read(account, date(year, number, 1), end, quantity, **more)  # type: ignore[arg-type] # the test's own words


def carried(how: Carried, rows: Sequence[Read]) -> list[object]:
    """Give each row's value, its state where it has none, or None where nothing is computed."""
    earlier = Earlier(
        primary=np.array([row.account for row in rows], dtype=np.uint64),
        check=np.array([row.account % 2 for row in rows], dtype=np.uint64),
        period_from=np.array([(row.first - EPOCH).days for row in rows], dtype=np.int64),
        period_to=np.array([(row.end - EPOCH).days for row in rows], dtype=np.int64),
        quantity=np.array([row.quantity for row in rows], dtype=np.int64),
        given=np.array([row.given is not None for row in rows], dtype=bool),
        value=np.array([row.given or 0 for row in rows], dtype=np.int64),
        needed=np.array([row.needed for row in rows], dtype=bool),
        opens=np.full(len(rows), how.opening is not None),
        opening=np.full(len(rows), how.opening or 0),
        refused=np.array([row.refused for row in rows], dtype=bool),
    )
    values, states = carry(how, earlier)
    names: Mapping[int, object] = {State.LEFT: None, State.GAP: "gap", State.REFUSED: "refused", State.NO_OPENING: "no"}
    return [
        value if state == State.COMPUTED else names[state] for value, state in zip(values.tolist(), states, strict=True)
    ]


def with_opening(how: Carried, opening: int) -> Carried:
    return replace(how, opening=opening)


class TestSum:
    def test_of_the_calendar_year(self) -> None:
        """November, December, January, February: 100, 200, 300, 400."""
        rows = [month(1, 2025, 11, 100), month(1, 2025, 12, 200), month(1, 2026, 1, 300), month(1, 2026, 2, 400)]

        assert carried(with_opening(YEAR, 0), rows) == [0, 100, 0, 300]

    def test_of_a_ladder_year_that_begins_in_december(self) -> None:
        rows = [month(1, 2025, 11, 100), month(1, 2025, 12, 200), month(1, 2026, 1, 300), month(1, 2026, 2, 400)]

        assert carried(Carried("sum", "kwh", year_starts=12, opening=7), rows) == [7, 0, 200, 500]

    def test_a_row_that_crosses_the_year(self) -> None:
        """Of 15 December to 15 January nobody knows what belongs to January: the next row cannot be carried to.

        Where a rule set bills periods whole, that row counts for the old year, and the next one begins the new.
        """
        rows = [
            Read(1, date(2025, 11, 15), date(2025, 12, 15), 100, given=50),
            Read(1, date(2025, 12, 15), date(2026, 1, 15), 200),
            Read(1, date(2026, 1, 15), date(2026, 2, 15), 300),
            Read(1, date(2026, 2, 15), date(2026, 3, 15), 400),
        ]

        assert carried(YEAR, rows) == [None, 150, "gap", "refused"]
        assert carried(replace(YEAR, by_first_day=True), rows) == [None, 150, 0, 300]

    def test_a_given_value_is_continued_from(self) -> None:
        rows = [month(1, 2026, 3, 100, given=1000), month(1, 2026, 4, 200), month(1, 2026, 5, 300)]

        assert carried(YEAR, rows) == [None, 1100, 1300]

    def test_the_first_row_needs_an_opening(self) -> None:
        """Without one it cannot be billed, and what follows cannot either, until a year begins."""
        rows = [month(1, 2025, 11, 1), month(1, 2025, 12, 2), month(1, 2026, 1, 3), month(1, 2026, 2, 4)]

        assert carried(YEAR, rows) == ["no", "refused", 0, 3]

    def test_a_gap_and_an_overlap(self) -> None:
        rows = [month(1, 2026, 1, 1), month(1, 2026, 3, 3), month(1, 2026, 4, 4)]
        over = [month(1, 2026, 1, 1), Read(1, date(2026, 1, 31), date(2026, 3, 1), 2)]

        assert carried(YEAR, rows) == [0, "gap", "refused"]
        assert carried(YEAR, over) == [0, "gap"]

    def test_two_rows_of_the_same_days(self) -> None:
        """Neither is before the other, and what follows does not know which counts."""
        rows = [month(1, 2026, 1, 1), month(1, 2026, 1, 1), month(1, 2026, 2, 2)]

        assert carried(YEAR, rows) == ["gap", "gap", "gap"]

    def test_after_a_refused_row(self) -> None:
        rows = [month(1, 2026, 1, 1), month(1, 2026, 2, 2, refused=True), month(1, 2026, 3, 3), month(1, 2026, 4, 4)]

        assert carried(YEAR, rows) == [0, 1, "refused", "refused"]

    def test_accounts_do_not_mix_and_large_sums_are_exact(self) -> None:
        rows = [month(account, 2026, number, 2**61) for number in (1, 2, 3) for account in (1, 2, 3)]

        assert carried(YEAR, rows) == [0, 0, 0, *[2**61] * 3, *[2**62] * 3]

    def test_a_row_that_does_not_need_it_still_counts(self) -> None:
        rows = [month(1, 2026, 1, 1), month(1, 2026, 2, 2, needed=False), month(1, 2026, 3, 3)]

        assert carried(YEAR, rows) == [0, None, 3]


class TestMax:
    def test_of_the_months_before(self) -> None:
        """Twelve months at 11: January 2025's peak counts until December, and no longer in January 2026."""
        peaks = [900, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
        rows = [month(1, 2025, at, kw) for at, kw in enumerate(peaks, 1)] + [month(1, 2026, 1, 5)]

        assert carried(with_opening(MAX, 0), rows) == [0, *[900] * 11, 11]

    def test_a_given_value_counts_as_of_the_day_before(self) -> None:
        """Given in March 2025, it has left the 11 months in March 2026 (from 1 April 2025 on)."""
        rows = [month(1, 2025, 3, 10, given=500)]
        rows += [month(1, 2025 + at // 12, at % 12 + 1, 10) for at in range(3, 15)]

        assert carried(MAX, rows) == [None, *[500] * 10, 10, 10]

    def test_the_end_of_a_month_that_is_shorter(self) -> None:
        """One month before 31 March is 28 February: what ended on that day is too old, the day after is not."""
        how = Carried("max", "kw", months=1, opening=0)
        rows = [
            Read(1, date(2026, 2, 1), date(2026, 2, 28), 70),
            Read(1, date(2026, 2, 28), date(2026, 3, 1), 50),
            Read(1, date(2026, 3, 1), date(2026, 3, 31), 20),
            Read(1, date(2026, 3, 31), date(2026, 4, 30), 10),
        ]

        assert carried(how, rows) == [0, 70, 70, 50]


class TestRemainder:
    def test_what_is_left_of_whole_units(self) -> None:
        """Of hundreds: 30, then 30 + 80 = 110 leaves 10, then 10 + 95 = 105 leaves 5."""
        rows = [month(1, 2026, 1, 80), month(1, 2026, 2, 95), month(1, 2026, 3, 1)]

        assert carried(with_opening(WHOLES, 30), rows) == [30, 10, 5]


class TestLast:
    def test_is_of_the_row_before(self) -> None:
        rows = [month(1, 2026, 1, 10, given=3), month(1, 2026, 2, 20), month(1, 2026, 3, 30)]

        assert carried(LAST, rows) == [None, 10, 20]

    def test_a_row_that_is_billed_is_enough(self) -> None:
        """The second row needs nothing, so that it is billed after a gap, and the third follows it."""
        rows = [month(1, 2026, 1, 10), month(1, 2026, 3, 20, needed=False), month(1, 2026, 4, 30)]

        assert carried(LAST, rows) == ["no", None, 20]


def months_before(day: date, months: int) -> date:
    at = day.year * 12 + day.month - 1 - months
    year, number = divmod(at, 12)
    following = date(year + (number + 1) // 12, (number + 1) % 12 + 1, 1)
    return date(year, number + 1, min(day.day, (following - timedelta(1)).day))


def walked(how: Carried, rows: Sequence[Read]) -> list[object]:
    """The same, one row after another, for accounts without two rows that begin on one day."""
    answers: list[object] = [None] * len(rows)
    for account in {row.account for row in rows}:
        of = sorted((at for at, row in enumerate(rows) if row.account == account), key=lambda at: rows[at].first)
        known: list[tuple[date, int]] = []  # end and quantity of what counts
        begun: tuple[date, int] | None = None  # what it began from, and as of when
        trouble, before = "", None
        for at in of:
            row = rows[at]
            follows = before is not None and before.end == row.first
            year = (row.first.year * 12 + row.first.month - how.year_starts) // 12
            year_day = row.first.day == 1 and row.first.month == how.year_starts
            clear = before is None or before.end <= row.first
            of_old = before is not None and (before.first.year * 12 + before.first.month - how.year_starts) // 12 < year
            if row.given is not None:
                known, begun, trouble = [], (row.first, row.given), ""
            elif before is None and how.opening is not None:
                known, begun, trouble = [], (row.first, how.opening), ""
            elif how.how == "sum" and how.year_starts and year_day and clear:
                known, begun, trouble = [], (row.first, 0), ""
            elif how.how == "sum" and how.year_starts and follows and of_old:
                known, begun, trouble = [], None, "gap"
            elif before is None:
                known, begun, trouble = [], None, "no"
            elif not follows:
                known, begun, trouble = [], None, "gap"
            elif how.how == "last" and not row.needed:
                known, begun, trouble = [], None, ""
            asks = row.needed and row.given is None
            if asks and trouble:
                answers[at] = trouble
            elif asks and how.how == "sum":
                assert begun is not None
                answers[at] = begun[1] + sum(quantity for _, quantity in known)
            elif asks and how.how == "remainder":
                assert begun is not None
                answers[at] = (begun[1] + sum(quantity for _, quantity in known)) % how.whole
            elif asks and how.how == "max":
                since = months_before(row.first, how.months)
                window = [quantity for end, quantity in known if end > since]
                if begun is not None and (begun[0] > since or not known):
                    window.append(begun[1])
                answers[at] = max(window)
            elif asks:
                answers[at] = known[-1][1] if known else (begun[1] if begun else None)
            if row.refused or (asks and trouble):
                trouble = "refused"
            elif how.how == "last":
                trouble = ""
            known.append((row.end, row.quantity))
            before = row
    return answers


@st.composite
def histories(draw: st.DrawFn) -> list[Read]:
    """Accounts with rows of uneven length, now and then a gap, a refused row, a value given."""
    rows = []
    for account in range(draw(st.integers(1, 3))):
        day = date(2024, 1, 1) + timedelta(draw(st.integers(0, 500)))
        for _ in range(draw(st.integers(1, 14))):
            length = draw(st.sampled_from([1, 20, 28, 30, 31, 61]))
            rare = draw(st.integers(0, 19))
            rows.append(
                Read(
                    account,
                    day,
                    day + timedelta(length),
                    draw(st.integers(-5, 100)),
                    given=draw(st.integers(0, 300)) if rare == 1 else None,
                    needed=rare != 2,
                    refused=rare == 3,
                )
            )
            day += timedelta(length + (5 if rare == 4 else 0))
    return rows


@pytest.mark.parametrize("how", [YEAR, Carried("sum", "kwh", year_starts=12), EVER, MAX, LAST, WHOLES], ids=str)
@given(rows=histories(), opening=st.sampled_from([None, 0, 40]), seed=st.integers(0, 99))
def test_as_a_walk_from_row_to_row(how: Carried, rows: list[Read], opening: int | None, seed: int) -> None:
    """And the order in which the rows stand does not matter."""
    how = replace(how, opening=opening)
    expected = walked(how, rows)
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)

    shuffled = carried(how, [rows[at] for at in order])

    assert carried(how, rows) == expected
    assert shuffled == [expected[at] for at in order]


def test_no_rows() -> None:
    assert carried(YEAR, []) == []
