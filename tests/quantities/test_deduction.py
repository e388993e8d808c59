"""deduction: 定量, 定比, 总分, in order and in proportion; what is left and what is taken add up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.compiler.small import HEAD, billed, compiled, problems
from tests.compiler.small import row as small_row
from tests.oracles.amounts import Refused
from tests.oracles.deduction import deducted
from tests.oracles.given import Value, items, number
from tests.oracles.periods import months_of
from tests.properties.case import Row
from tests.properties.profile import many
from tests.quantities.measured import measured, one
from tests.quantities.strategies import decimals

D = Decimal
PERIODS = ("sharp", "peak", "flat", "valley")
ORDER = ("flat", "valley", "peak", "sharp")
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


def row(**given: Value | int) -> Row:
    """A row of June in which everything else is nothing."""
    whole: dict[str, Value] = dict.fromkeys((*PERIODS, "lighting_kwh", "home_share", "ev_peak", "ev_valley"), D(0))
    return Row({**whole, "shops": [], **given}, JUNE, JULY)


def test_the_published_lighting_comes_from_the_flat_period() -> None:
    """Flat 323,700 less 2000 of fixed lighting is 321,700. Source: m.274949.com/2644/t28908703.html."""
    lines = one("deduction_refuse", row(peak=107700, flat=323700, valley=80400, lighting_kwh=2000))

    assert not isinstance(lines, str)
    assert (D(321700), D(80400), D(107700)) == tuple(
        lines[f"power_energy.{name}"] for name in ("flat", "valley", "peak")
    )
    assert (D(509800), D(2000), D(2000)) == (lines["left"], lines["others"], lines["lighting_flat"])


def test_what_the_flat_period_lacks_comes_from_the_next() -> None:
    """90 from 50 flat and 30 valley, then 10 from peak."""
    lines = one("deduction_refuse", row(sharp=5, peak=20, flat=50, valley=30, lighting_kwh=90))

    assert not isinstance(lines, str)
    assert [D(5), D(10), D(0), D(0)] == [lines[f"power_energy.{name}"] for name in PERIODS]


def test_a_percentage_is_of_what_the_fixed_quantity_leaves() -> None:
    """100 less 10 leaves 90; 15 % is 13.5, 14 half up: up to flat 40/90 × 14 = 6.2, valley 60/90: 9.3, peak 14.

    Of flat 6, of valley 9 - 6 = 3, of peak 14 - 9 = 5.
    """
    lines = one("deduction_refuse", row(peak=30, flat=50, valley=20, lighting_kwh=10, home_share=D("0.15")))

    assert not isinstance(lines, str)
    assert [D(0), D(5), D(6), D(3)] == [lines[f"home.{name}"] for name in PERIODS]


@pytest.mark.parametrize(
    ("given", "field", "clipped"),
    [
        ({"lighting_kwh": 101}, "power.lighting", {"others": 100, "left": 0}),
        ({"lighting_kwh": 100}, "", {"others": 100, "left": 0}),
        ({"shops": [{"kwh": D(60)}, {"kwh": D(41)}]}, "power.small", {"others": 100, "left": 0}),
        ({"ev_valley": 21}, "power.ev.valley", {"others": 20, "left": 80}),
        ({"lighting_kwh": 90, "ev_peak": 11}, "power.ev.peak", {"others": 100, "left": 0}),
    ],
)
def test_more_than_there_is(given: Mapping[str, Value], field: str, clipped: Mapping[str, int]) -> None:
    """100 kWh: a sub-meter that measured more refuses the row, or takes what there is where that is declared."""
    of = row(peak=30, flat=50, valley=20, **given)

    refused = one("deduction_refuse", of)
    lines = one("deduction_clip", of)

    assert (f"refused-by-rule {field}" if field else lines) == refused
    assert not isinstance(lines, str)
    assert {name: D(kwh) for name, kwh in clipped.items()} == {name: lines[name] for name in clipped}


@pytest.mark.parametrize(
    ("first", "end", "shares"),
    [
        (date(2026, 2, 1), date(2026, 3, 1), [333, 667]),  # 10 thirtieths, then the other 20
        (date(2026, 2, 11), date(2026, 3, 1), [600]),  # 18 days of no whole month
        (date(2026, 1, 1), date(2026, 3, 1), [1333, 667]),
        (date(2026, 3, 1), date(2026, 4, 1), [1000]),
    ],
)
def test_a_monthly_quantity_over_the_parts_of_a_bill(first: date, end: date, shares: list[int]) -> None:
    """1000 kWh a month: parts have what the rounded thirtieths up to their ends add, 1000 in a month together."""
    (parts,) = measured("deduction_parts", [Row({"kwh": D(10000)}, first, end)])

    assert shares == [part["light"] for part in parts if not isinstance(part, str)]
    assert D(10000) == sum(part["light"] + part["energy"] for part in parts if not isinstance(part, str))


TENTHS = """\
inputs:
  peak: {unit: kWh, places: 1, from: 0, to: 1000}
  flat: {unit: kWh, places: 1, from: 0, to: 1000}
  taken: {unit: kWh, places: 1, from: 0, to: 1000}
quantities:
  power:
    kind: deduction
    from: {peak: peak, flat: flat}
    take:
      others: {meter: taken, how: in_proportion, round: {places: 0}}
energy: {total: peak + flat, priced_by: [energy, others]}
charges:
  energy: {kind: time_of_use, quantity: {peak: power.peak, flat: power.flat}, price: {peak: 1, flat: 2}}
  others: {kind: time_of_use, quantity: {peak: power.others.peak, flat: power.others.flat}, price: {peak: 3, flat: 4}}
"""


@pytest.mark.parametrize(
    ("peak", "flat", "taken", "from_peak", "from_flat"),
    [
        ("0.4", "0.6", "1", "0.4", "0.6"),  # 0.4 is 0, and 1 would be left for the 0.6 of flat: peak gives what it has
        ("0.6", "0.4", "1", "0.6", "0.4"),  # 0.6 is 1, and there are 0.6
        ("3.5", "0.5", "1", "1", "0"),  # 0.875 is 1
        ("2.2", "0.2", "2", "2", "0"),  # 1.83 is 2
        ("0.2", "2.2", "2", "0", "2"),
    ],
)
def test_shares_in_whole_kwh_of_tenths(
    tmp_path: Path, peak: str, flat: str, taken: str, from_peak: str, from_flat: str
) -> None:
    """No period gives more than it has, and together they give what is taken."""
    of = compiled(tmp_path, HEAD + TENTHS)

    (lines,) = billed(of, [small_row(peak=peak, flat=flat, taken=taken)])

    assert not isinstance(lines, str)
    assert lines["others.peak"] == 3 * D(from_peak)
    assert lines["others.flat"] == 4 * D(from_flat)
    assert lines["energy.peak"] == D(peak) - D(from_peak)
    assert lines["energy.flat"] == 2 * (D(flat) - D(from_flat))


@pytest.mark.parametrize(
    ("step", "taken"),
    [
        ("{fixed: taken, round: {places: 0}}", "3"),  # 2.5 is 3
        ("{meter: taken, round: {places: 0, mode: down}}", "2"),
        ("{meter: {peak: taken}, round: {places: 0, mode: half_even}}", "2"),
    ],
)
def test_what_is_taken_is_rounded_however_it_is_written(tmp_path: Path, step: str, taken: str) -> None:
    """Of 10 kWh."""
    of = compiled(tmp_path, HEAD + TENTHS.replace("{meter: taken, how: in_proportion, round: {places: 0}}", step))

    (lines,) = billed(of, [small_row(peak="10", flat="0", taken="2.5")])

    assert not isinstance(lines, str)
    assert (lines["others.peak"], lines["energy.peak"]) == (3 * D(taken), 10 - D(taken))


@pytest.mark.parametrize("step", ["{meter: {}}", "{percent: 5, round: {places: -1}}"])
def test_a_step_that_says_nothing(tmp_path: Path, step: str) -> None:
    """A meter without periods takes nothing; there are no decimals below none."""
    text = HEAD + TENTHS.replace("{meter: taken, how: in_proportion, round: {places: 0}}", step)
    found = problems(tmp_path, text.replace("      others:", "      own: {fixed: taken}\n      others:"))

    assert found == ["nothing-listed" if "meter" in step else "rounding-places"]


ROWS: SearchStrategy[Row] = st.builds(
    lambda given, end: Row(given, JUNE, end),
    st.fixed_dictionaries(
        {
            **{period: decimals(300) | st.just(D(0)) for period in PERIODS},
            "lighting_kwh": decimals(100) | st.just(D(0)),
            "home_share": st.sampled_from([D(0), D("0.01"), D("0.15"), D("0.5"), D("0.99"), D(1)]),
            "ev_peak": decimals(40) | st.just(D(0)),
            "ev_valley": decimals(40) | st.just(D(0)),
            "shops": st.lists(st.fixed_dictionaries({"kwh": decimals(50)}), max_size=4),
        }
    ),
    st.sampled_from([JULY, date(2026, 8, 1)]),
)


@many
@pytest.mark.parametrize("larger", ["refuse", "clip"])
@given(rows=st.lists(ROWS, min_size=6, max_size=20))
def test_deductions_as_the_oracle_takes_them(larger: Literal["refuse", "clip"], rows: list[Row]) -> None:
    """Step by step and period by period; what is left and what was taken are the meter's."""
    for each, parts in zip(rows, measured(f"deduction_{larger}", rows), strict=True):
        of = each.given
        shops = sum((number(shop, "kwh") for shop in items(of, "shops")), D(0))
        fixed = number(of, "lighting_kwh") * months_of(each.period_from, each.period_to)
        home = -number(of, "home_share")
        ev = {"peak": number(of, "ev_peak"), "valley": number(of, "ev_valley")}
        energy = {period: number(of, period) for period in PERIODS}
        steps: list[tuple[str, Decimal | Mapping[str, Decimal], bool]] = [
            ("lighting", fixed, False),
            ("home", home, True),
            ("small", shops, False),
            ("ev", ev, False),
        ]
        expected = deducted(energy, ORDER, steps, clip=larger == "clip")
        if isinstance(expected, Refused):
            assert isinstance(parts, str)
            continue
        left, taken = expected
        assert not isinstance(parts, str)
        (lines,) = parts
        assert left == {period: lines[f"power_energy.{period}"] for period in PERIODS}
        for name in ("home", "small", "ev"):
            assert taken[name] == {period: lines[f"{name}.{period}"] for period in PERIODS}
        assert sum(taken["lighting"].values()) == lines["lighting"]
        assert sum(energy.values()) == lines["left"] + lines["others"]
