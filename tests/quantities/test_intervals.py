"""intervals: energy by period, the largest window of blocks and sliding, days of other lengths."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import intervals as oracle
from tests.oracles.amounts import Lines, half_up
from tests.oracles.given import Item
from tests.properties.case import Row
from tests.properties.profile import few
from tests.quantities.measured import compiled, measured, measured_by, one, ruleset

D = Decimal
Windows = Literal["block", "sliding"]
SHANGHAI, CHICAGO = "Asia/Shanghai", "America/Chicago"
FIRST, END = date(2026, 6, 1), date(2026, 6, 3)


def tou_period(minute: int) -> str:
    """Of the rule sets' calendar."""
    if 480 <= minute < 660 or 1080 <= minute < 1320:
        return "peak"
    return "flat" if 360 <= minute < 1320 else "valley"


def on_peak(minute: int) -> bool:
    return 1080 <= minute < 1230


def curve(values: dict[int, str], days: int = 2, **flags: Sequence[int]) -> list[Item]:
    """Intervals of a quarter of an hour: nothing but the kWh said by position, and flags of some of them."""
    return [
        {"kwh": D(values.get(at, "0")), **{name: at in where for name, where in flags.items()}}
        for at in range(days * 96)
    ]


def of(load: list[Item]) -> Row:
    return Row({"load": load}, FIRST, END)


def test_a_window_of_an_hour() -> None:
    """10, 20, 30, 40 kWh from 00:30: sliding 100 kWh in the hour to 01:30; blocks to 01:00 and 02:00 have 30 and 70."""
    load = curve({2: "10", 3: "20", 4: "30", 5: "40"})

    found = {windows: one(f"intervals_{windows}", of(load)) for windows in ("block", "sliding")}

    assert not isinstance(found["block"], str)
    assert not isinstance(found["sliding"], str)
    assert (D(70), D(100)) == (found["block"]["kw"], found["sliding"]["kw"])
    assert (D(160), D(160)) == (found["block"]["kw_quarter"], found["sliding"]["kw_quarter"])  # 40 kWh × 4


def test_the_first_window_of_a_bill_is_a_whole_one() -> None:
    """40 kWh in the first quarter: 40 kW in the first hour, and no window ends before."""
    lines = one("intervals_sliding", of(curve({0: "40"})))

    assert not isinstance(lines, str)
    assert (D(40), D(160)) == (lines["kw"], lines["kw_quarter"])


def test_a_window_over_two_periods() -> None:
    """17:15 to 18:15 has 100 kWh, 25 of them on peak: of its last interval's period, or of none where it must be whole.

    The next window that is whole, from 18:00, has 25 + 7 kWh.
    """
    load = curve({69: "25", 70: "25", 71: "25", 72: "25", 75: "7"})

    lines = one("intervals_sliding", of(load))

    assert not isinstance(lines, str)
    assert (D(100), D(75)) == (lines["kw_on_peak"], lines["kw_off_peak"])
    assert (D(32), D(75)) == (lines["kw_whole_on"], lines["kw_whole_off"])


def test_called_intervals() -> None:
    """Called from 18:00 and 23:45: 25 + 4 kWh; the half hours that end with them have 35 × 2 and 4 × 2 kW."""
    load = curve({71: "10", 72: "25", 95: "4", 40: "90"}, called=(72, 95))

    lines = one("intervals_sliding", of(load))

    assert not isinstance(lines, str)
    assert (D(29), D(25)) == (lines["called_kwh"], lines["called_peak"])
    assert (D(70), D(8)) == (lines["called_kw"], lines["called_kw_valley"])


def test_what_is_estimated_and_what_is_missing_is_counted() -> None:
    """A missing interval has the kWh that are declared for it: none."""
    load = curve({0: "1", 1: "2"}, estimated=(0, 5, 7))
    load[1] = {}

    lines = one("intervals_block", of(load))

    assert not isinstance(lines, str)
    assert (D(3), D(1), D(1)) == (lines["estimated"], lines["missing"], lines["all_kwh"])


def test_a_curve_of_another_length_is_refused() -> None:
    assert one("intervals_block", of(curve({})[1:])) == "interval-count load"


def test_a_missing_interval_refuses_a_row_that_does_not_declare_it(tmp_path: Path) -> None:
    """The list's input is needed in every item."""
    text = ruleset("intervals_block").replace(", optional: true", "").replace("    missing: 0\n", "")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("  missing:")) + "\n"
    load = curve({})
    load[7] = {}

    assert ["missing-value load.kwh"] == measured_by(compiled(text, tmp_path), [of(load)])


@pytest.mark.parametrize(
    ("first", "end", "hours"),
    [(date(2026, 3, 8), date(2026, 3, 9), 23), (date(2026, 11, 1), date(2026, 11, 2), 25)],
)
@pytest.mark.parametrize("windows", ["block", "sliding"])
def test_days_of_23_and_25_hours(windows: Windows, first: date, end: date, hours: int, tmp_path: Path) -> None:
    """Blocks are counted by the clock; the hour that comes twice is of one period."""
    text = ruleset(f"intervals_{windows}").replace(SHANGHAI, CHICAGO)
    load: list[Item] = [{"kwh": D(at * 37 % 101)} for at in range(hours * 4)]

    found = measured_by(compiled(text, tmp_path), [Row({"load": load}, first, end)])

    (parts,) = found
    assert [_expected(load, first, end, CHICAGO, windows)] == parts


@st.composite
def curves(draw: st.DrawFn) -> list[Item]:
    """Two days of intervals, most of them nothing in particular."""
    values = draw(st.lists(st.integers(0, 1000000), min_size=192, max_size=192))
    some = draw(st.sets(st.integers(0, 191), max_size=40))
    return [
        {
            "kwh": None if at % 17 == 3 and at in some else D(kwh).scaleb(-2),
            "estimated": at in some,
            "called": kwh % 5 == 0,
        }
        for at, kwh in enumerate(values)
    ]


@few
@pytest.mark.parametrize("windows", ["block", "sliding"])
@given(rows=st.lists(curves(), min_size=3, max_size=6))
def test_curves_as_the_oracle_reads_them(windows: Windows, rows: list[list[Item]]) -> None:
    """Every quantity; the periods add up to the whole."""
    found = measured(f"intervals_{windows}", [of(load) for load in rows])

    for load, parts in zip(rows, found, strict=True):
        lines = _expected(load, FIRST, END, SHANGHAI, windows)
        assert [lines] == parts
        assert lines["all_kwh"] == sum(lines[f"energy.{name}"] for name in ("peak", "flat", "valley"))


def _expected(load: list[Item], first: date, end: date, zone: str, windows: Windows) -> Lines:
    """What the oracle makes of a curve, as the rule sets name it."""
    begins = oracle.begins(first, end, zone)
    kwh = [one_kwh if isinstance(one_kwh := each.get("kwh"), Decimal) else D(0) for each in load]
    called = [bool(each.get("called")) for each in load]

    def energy(period: str = "", *, only_called: bool = False) -> Decimal:
        return oracle.energy(
            kwh, begins, lambda at: (called[at] or not only_called) and period in ("", tou_period(begins[at]))
        )

    def demand(minutes: int, counted: oracle.Counted) -> Decimal:
        return oracle.demand(kwh, begins, minutes, windows, counted)

    def whole(at: int, to: int, on: bool) -> bool:
        return all(on_peak(begins[n]) is on for n in range(at, to + 1))

    lines = {f"energy.{period}": energy(period) for period in ("peak", "flat", "valley")}
    lines |= {"all_kwh": energy(), "called_kwh": energy(only_called=True)}
    lines |= {"called_peak": energy("peak", only_called=True)}
    lines |= {"kw": half_up(demand(60, lambda at, to: True), 1), "kw_quarter": demand(15, lambda at, to: True)}
    lines |= {"kw_on_peak": half_up(demand(60, lambda at, to: on_peak(begins[to])), 1)}
    lines |= {"kw_off_peak": half_up(demand(60, lambda at, to: not on_peak(begins[to])), 1)}
    lines |= {"kw_whole_on": demand(60, lambda at, to: whole(at, to, True))}
    lines |= {"kw_whole_off": demand(60, lambda at, to: whole(at, to, False))}
    lines |= {"called_kw": demand(30, lambda at, to: called[to])}
    lines |= {"called_kw_valley": demand(30, lambda at, to: called[to] and tou_period(begins[to]) == "valley")}
    lines |= {"estimated": D(sum(bool(each.get("estimated")) for each in load))}
    return lines | {"missing": D(sum(each.get("kwh") is None for each in load))}
