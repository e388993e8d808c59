"""register: published readings, dials that turn over, meters that were changed, parts of a bill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import register as oracle
from tests.oracles.amounts import Refused, half_up
from tests.oracles.given import Item
from tests.properties.case import Row
from tests.properties.profile import few
from tests.quantities.measured import measured, one
from tests.quantities.strategies import decimals

D = Decimal
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
CUTS = (JUNE, date(2026, 6, 11), date(2026, 6, 21), JULY)  # where the rule sets change the price
REFUSED = "refused-by-rule"


def reading(start: str, end: str, first: int = 1, last: int = 31, **more: object) -> Item:
    """One stretch, from one day of June to another; the 31st is the first of July."""
    days = [JULY if day == 31 else date(2026, 6, day) for day in (first, last)]
    item: dict[str, object] = {
        "start": D(start),
        "end": D(end),
        "multiplier": 1,
        "from_day": days[0],
        "to_day": days[1],
    }
    return {**item, **more}  # type: ignore[dict-item]  # a test writes any value


def registers(*items: tuple[str, str, str], multiplier: int = 3000) -> list[Item]:
    """Stretches of the whole month, by register."""
    return [reading(start, end, register=code, multiplier=multiplier, digits=5) for code, start, end in items]


def june(readings: Sequence[Item]) -> Row:
    return Row({"readings": readings}, JUNE, JULY)


def test_the_published_bill_of_5000_kva() -> None:
    """PT 10000/100 × CT 150/5 = 3000: 511,800 kWh in all, peak 107,700, valley 80,400; flat is the rest, 323,700.

    The published 321,700 are less 2000 kWh of lighting: a deduction. Source: m.274949.com/2644/t28908703.html.
    """
    given = registers(("total", "5953.8", "6124.4"), ("peak", "4639.2", "4675.1"), ("valley", "4565.9", "4592.7"))

    lines = one("register", june(given))

    expected = {"sharp": 0, "peak": 107700, "flat": 323700, "valley": 80400}
    assert {f"energy.{name}": D(kwh) for name, kwh in expected.items()} | {"whole": D(511800), "guessed": D(0)} == lines


def test_the_published_reactive_energy() -> None:
    """(3496.5 - 3459.8) × 3000 = 110,100 kvarh; two readings of the row, 100 × 30."""
    given = {"start": D("5953.8"), "end": D("6124.4"), "reactive_start": D("3459.8"), "reactive_end": D("3496.5")}

    lines = one("register_two_readings", Row({**given, "pt": 100, "ct": 30}, JUNE, JULY))

    assert {"energy": D(511800), "reactive_energy": D(110100)} == lines


@pytest.mark.parametrize(
    ("start", "end", "kwh"),
    [
        ("9990", "10", "20"),  # 10,000 - 9990 + 10
        ("9999.9", "0", "0"),  # a tenth, rounded half up to 0
        ("9999.5", "0", "1"),  # a half
        ("0", "9999.9", "10000"),
        ("123", "123", "0"),  # nothing, not a whole turn
        ("500", "499.9", "10000"),  # 9999.9: almost a turn; the start has three digits, the dial four
    ],
)
def test_a_dial_of_four_digits_turns_over(start: str, end: str, kwh: str) -> None:
    """10^digits are added, by the digits of the dial and not of a reading."""
    given = {"start": D(start), "end": D(end), "reactive_start": D(0), "reactive_end": D(0)}

    lines = one("register_two_readings", Row(given, JUNE, JULY))

    assert not isinstance(lines, str)
    assert D(kwh) == lines["energy"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"start": D(10000)}, "end"),  # no dial of four digits shows it
        ({"end": D(10000)}, "end"),
        ({"reactive_end": D("4.9")}, "reactive_end"),  # goes back, and no digits are declared
    ],
)
def test_readings_that_no_meter_shows(changed: Mapping[str, Decimal], field: str) -> None:
    given = {"start": D(1), "end": D(2), "reactive_start": D(5), "reactive_end": D(5)}

    assert f"{REFUSED} {field}" == one("register_two_readings", Row({**given, **changed}, JUNE, JULY))


def test_a_changed_meter() -> None:
    """(12300 - 12000) × 10 by the old meter, (0050 - 0000) × 20 by the new one: 3000 + 1000, the second estimated."""
    more = {"register": "total", "digits": 5}
    given: list[Item] = [
        reading("12000", "12300", 1, 12, multiplier=10, **more),
        reading("0", "50", 12, 31, multiplier=20, estimated=True, **more),
        reading("0", "100", register="peak", digits=5),
        reading("0", "100", register="valley", digits=5),
    ]

    lines = one("register", june(given))

    assert not isinstance(lines, str)
    assert (D(4000), D(3800), D(1000)) == (lines["whole"], lines["energy.flat"], lines["guessed"])


WHOLE = [reading("0", "100", register=code, digits=5) for code in ("peak", "valley")]


@pytest.mark.parametrize(
    ("readings", "field"),
    [
        ([], "readings"),
        ([reading("0", "100", register="total", digits=5), WHOLE[0]], "readings"),  # no valley: absence is not zero
        ([reading("0", "9", register="total", digits=0), *WHOLE], "readings.digits"),
        ([reading("0", "9", register="total", digits=9), *WHOLE], "readings.digits"),
        ([reading("0", "99999.99", register="total", digits=4), *WHOLE], "readings.end"),
        ([reading("0", "300", 1, 1, register="total", digits=5), *WHOLE], "readings.to_day"),
        ([reading("0", "300", 12, 3, register="total", digits=5), *WHOLE], "readings.to_day"),
        ([reading("0", "300", 2, 31, register="total", digits=5), *WHOLE], "readings.from_day"),
        ([reading("0", "300", 1, 30, register="total", digits=5), *WHOLE], "readings"),
        ([reading("0", "199", register="total", digits=5), *WHOLE], "flat"),  # 200 in the periods
    ],
)
def test_readings_that_do_not_make_a_bill(readings: Sequence[Item], field: str) -> None:
    """Every register fills the days of the bill; a total is no less than its parts."""
    assert f"{REFUSED} {field}" == one("register", june(readings))


@pytest.mark.parametrize(("total", "found"), [("104", "106"), ("106", "106"), ("108", "106"), ("109", None)])
def test_a_total_that_only_checks_its_registers(total: str, found: str | None) -> None:
    """33.4, 33.5 and 38.8 are rounded stretch by stretch to 33, 34 and 39: 106. The total may lie 2 kWh off."""
    given: list[Item] = [
        {"register": code, "start": D(0), "end": D(kwh), "multiplier": D(1)}
        for code, kwh in (("total", total), ("peak", "33.4"), ("flat", "33.5"), ("valley", "38.8"))
    ]

    lines = one("register_checked", Row({"readings": given}, JUNE, JULY))

    if found is None:
        assert f"{REFUSED} total" == lines
        return
    assert not isinstance(lines, str)
    periods = sum(lines[f"energy.{name}"] for name in ("peak", "flat", "valley"))
    assert (D(found), D(total)) == (periods, lines["whole"])


def test_a_price_that_changes_on_a_day_of_reading() -> None:
    """Read on the 11th and the 21st: 100, 50 and 30 kWh in the three parts, the last estimated."""
    given = [reading("0", "100", 1, 11), reading("100", "150", 11, 21), reading("150", "180", 21, 31, estimated=True)]

    (parts,) = measured("register_by_reading", [june(given)])

    assert [("100", "0"), ("50", "0"), ("30", "30")] == [
        (f"{part['energy']:.0f}", f"{part['guessed']:.0f}") for part in parts if not isinstance(part, str)
    ]


def test_a_stretch_that_lies_in_two_parts_is_refused() -> None:
    given = [reading("0", "100", 1, 12), reading("100", "150", 12, 31)]

    assert [f"{REFUSED} readings.to_day"] == measured("register_by_reading", [june(given)])


def test_energy_divided_by_days() -> None:
    """100 kWh over 30 days, 10 in each part: 33.3, 66.7 and 100 up to their ends; 33, 67 - 33 = 34, 100 - 67 = 33."""
    (parts,) = measured("register_by_days", [june([reading("0", "100")])])

    assert [D(33), D(34), D(33)] == [part["energy"] for part in parts if not isinstance(part, str)]


@st.composite
def meter_stretches(draw: st.DrawFn) -> list[Item]:
    """Stretches that fill June, and sometimes fail to."""
    inner = draw(st.lists(st.sampled_from([*range(2, 31), 11, 11, 21, 21]), max_size=4, unique=True))
    days = [1, *sorted(inner), 31]
    if draw(st.integers(0, 9)) == 0:
        days[draw(st.sampled_from([0, -1]))] = draw(st.sampled_from([1, 2, 30, 31]))
    found = []
    for first, last in pairwise(days):
        start, end = draw(decimals(999999, 2)), draw(decimals(999999, 2))
        multiplier = draw(st.sampled_from([1, 15, 1000]))
        found.append(reading(str(start), str(end), first, last, multiplier=multiplier, estimated=draw(st.booleans())))
    return found


@few
@given(st.lists(meter_stretches(), min_size=6, max_size=20))
def test_parts_as_the_oracle_divides_them(rows: list[list[Item]]) -> None:
    """By days and by readings; the parts add up to the whole."""
    by_days = measured("register_by_days", [june(row) for row in rows])
    by_reading = measured("register_by_reading", [june(row) for row in rows])

    for row, days, readings in zip(rows, by_days, by_reading, strict=True):
        found = oracle.stretches(row, lambda _: 6)
        if found is None or not oracle.fills(found, JUNE, JULY):
            assert (str, str) == (type(days), type(readings))
            continue
        assert not isinstance(days, str)
        assert oracle.by_days(found, CUTS, 0) == [part["energy"] for part in days]
        assert half_up(sum((each.kwh for each in found), D(0)), 0) == sum(part["energy"] for part in days)
        guessed = [each for each in found if each.estimated]
        assert oracle.by_days(guessed, CUTS, 0) == [part["guessed"] for part in days]
        expected = oracle.by_reading(found, CUTS)
        assert (expected is None) == isinstance(readings, str)
        if expected is not None:
            assert expected == [part["energy"] for part in readings if not isinstance(part, str)]


@st.composite
def register_readings(draw: st.DrawFn) -> list[Item]:
    """Registers of a month, meters changed in it, in any order among the registers."""
    found: list[list[Item]] = []
    codes = draw(
        st.sampled_from([["total", "sharp", "peak", "valley"], ["total", "peak", "valley"], ["total", "peak"]])
    )
    for code in [*codes, "export"]:
        days = [1, *sorted(draw(st.lists(st.integers(2, 30), max_size=2, unique=True))), 31]
        high = 8000 if code == "total" else 900
        own = []
        for first, last in pairwise(days):
            digits = draw(st.sampled_from([4, 5, 6]))
            start = draw(decimals(10**digits - 1, 2))
            end = (start + draw(decimals(high, 2))) % 10**digits
            flags = {"register": code, "digits": digits, "estimated": draw(st.booleans())}
            own.append(reading(str(start), str(end), first, last, multiplier=draw(st.sampled_from([1, 30])), **flags))
        found.append(own)
    merged: list[Item] = []
    while any(found):
        merged.append(draw(st.sampled_from([own for own in found if own])).pop(0))
    return merged


@few
@given(st.lists(register_readings(), min_size=6, max_size=20))
def test_registers_as_the_oracle_measures_them(rows: list[list[Item]]) -> None:
    """Sharp, peak, flat and valley add up to the total; refused where the oracle refuses."""
    found = measured("register", [june(row) for row in rows])

    for row, parts in zip(rows, found, strict=True):
        expected = oracle.with_registers(row, JUNE, JULY)
        if isinstance(expected, Refused):
            assert isinstance(parts, str)
            continue
        assert [expected] == parts
        assert expected["whole"] == sum(kwh for name, kwh in expected.items() if name.startswith("energy."))
