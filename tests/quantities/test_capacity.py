"""capacity_in_service: the published suspensions, days counted in either way, part months, refusals."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles.amounts import half_up
from tests.oracles.capacity_in_service import Stay, kva_billed, thirtieths_billed
from tests.oracles.given import Item, Value
from tests.properties.case import Row
from tests.properties.profile import many
from tests.quantities.measured import measured, one
from tests.quantities.strategies import PERIODS, days_in

D = Decimal
ALWAYS = (date(2000, 1, 1), date(2099, 1, 1))


def transformer(kva: int, first: date = ALWAYS[0], end: date = ALWAYS[1]) -> Item:
    return {"kva": D(kva), "from_day": first, "to_day": end}


def suspension(kva: int, first: date, end: date) -> Item:
    return {"kva": D(kva), "sealed": first, "unsealed": end}


def month(number: int, transformers: list[Item], suspensions: list[Item], *, new: bool = False) -> Row:
    """A calendar month of 2001, a year of no leap day."""
    first, end = date(2001, number, 1), date(2001, number + 1, 1)
    return Row({"transformers": transformers, "suspensions": suspensions, "new_customer": new}, first, end)


@pytest.mark.parametrize(("new", "amount"), [(True, "19450.00"), (False, "14450.00")])
@pytest.mark.parametrize("counts", ["active", "inactive"])
def test_the_published_suspension_of_1000_kva(counts: str, new: bool, amount: str) -> None:
    """1000 + 630 kVA at 15, 1000 sealed on 11 June: 20 days suspended; 15,000 + 9450 - 15,000 × 20/30 × 50 %.

    Source: m.274949.com/4591/t28841077.html. Without the rule of 50 %, dropped in 2016: 14,450.
    """
    sealed = [suspension(1000, date(2001, 6, 11), date(2001, 12, 1))]

    lines = one(f"capacity_{counts}", month(6, [transformer(1000), transformer(630)], sealed, new=new))

    assert not isinstance(lines, str)
    assert D(amount) == lines["exact"]


def test_the_published_rounding_of_billed_capacity() -> None:
    """1000 kVA for 13 days: 433.33 kVA are billed as 433, 6495 yuan and not 6500. Source: biz.doczj.com 1814004304."""
    lines = one("capacity_active", month(6, [transformer(1000, end=date(2001, 6, 14))], []))

    assert {"rounded": D(433 * 15), "exact": D(6500)} == lines


@pytest.mark.parametrize(
    ("number", "days", "active", "inactive"),
    [
        (6, (11, 31), 10, 10),  # thirty days: both ways the same; 31 is the first of July
        (7, (11, 32), 10, 9),  # 10 days in service; or 30 - 21 days suspended
        (7, (1, 31), 1, 0),
        (7, (2, 32), 1, 0),
        (7, (1, 17), 15, 14),
        (2, (11, 29), 10, 12),  # February: 10 days in service; or 30 - 18
        (2, (1, 29), 0, 0),
        (7, (1, 32), 0, 0),
        (7, (20, 32), 19, 30),  # 12 days: too short, but only the first way is asked here
    ],
)
def test_days_counted_in_service_or_suspended(number: int, days: tuple[int, int], active: int, inactive: int) -> None:
    """100 kVA at 15 yuan, by thirtieths: 50 yuan each."""
    first = date(2001, number, 1)
    sealed = suspension(100, first + timedelta(days=days[0] - 1), first + timedelta(days=days[1] - 1))
    if days[1] - days[0] < 15:
        active, inactive = 30, 30
    of = month(number, [transformer(100)], [sealed])

    found = [one(f"capacity_{counts}", of) for counts in ("active", "inactive")]

    assert [D(active * 50), D(inactive * 50)] == [lines["exact"] for lines in found if not isinstance(lines, str)]


def test_a_suspension_of_fifteen_days() -> None:
    """14 days are charged in full; 15 are not, also where only some of them lie in the month."""
    for last, kva in ((24, 100), (25, 50)):
        sealed = [suspension(100, date(2001, 6, 10), date(2001, 6, last))]
        lines = one("capacity_active", month(6, [transformer(100)], sealed))
        assert not isinstance(lines, str)
        assert D(kva * 15) == lines["rounded"]
    over_the_end = [suspension(100, date(2001, 6, 28), date(2001, 7, 13))]
    lines = one("capacity_active", month(6, [transformer(100)], over_the_end))
    assert not isinstance(lines, str)
    assert D(27 * 50) == lines["exact"]


def test_a_replacement_counts_from_its_day() -> None:
    """暂换: 630 kVA until 11 June, 1000 from then on: 630 × 10 + 1000 × 20 = 26,300, / 30 = 876.67, 877 kVA."""
    lines = one(
        "capacity_active", month(6, [transformer(630, end=date(2001, 6, 11)), transformer(1000, date(2001, 6, 11))], [])
    )

    assert {"rounded": D(877 * 15), "exact": D("13150.00")} == lines


@pytest.mark.parametrize(
    ("sealed", "unsealed", "thirtieths"),
    [
        (11, 30, 11),  # the 11th is charged, the 30th is not: 19 days suspended
        (1, 30, 1),
        (2, 11, 30),  # 9 days are fewer than 10
        (2, 12, 20),
    ],
)
def test_the_day_of_sealing_at_the_old_capacity(sealed: int, unsealed: int, thirtieths: int) -> None:
    """Sources disagree on the days themselves: here sealing counts from the next day, unsealing likewise."""
    suspended = [suspension(100, date(2001, 6, sealed), date(2001, 6, unsealed))]

    lines = one("capacity_change_day", month(6, [transformer(100)], suspended))

    assert not isinstance(lines, str)
    assert D(thirtieths * 50) == lines["exact"]


def test_the_day_of_a_change_at_the_old_capacity() -> None:
    """630 kVA up to and with 11 June, 1000 from the 12th: 630 × 11 + 1000 × 19 = 25,930 thirtieths, × 15 / 30."""
    changed = date(2001, 6, 11)

    lines = one("capacity_change_day", month(6, [transformer(630, end=changed), transformer(1000, changed)], []))

    assert not isinstance(lines, str)
    assert D("12965.00") == lines["exact"]


@pytest.mark.parametrize(
    ("transformers", "suspensions"),
    [
        ([transformer(100)], [suspension(101, date(2001, 6, 1), date(2001, 7, 1))]),
        ([transformer(100, date(2001, 6, 2), date(2001, 6, 1))], []),
        ([transformer(100)], [suspension(100, date(2001, 6, 2), date(2001, 6, 1))]),
    ],
)
def test_what_cannot_be(transformers: list[Item], suspensions: list[Item]) -> None:
    """More suspended than stands there; days that end before they begin."""
    assert one("capacity_active", month(6, transformers, suspensions)) == "refused-by-rule billed"


def test_two_suspensions_where_days_are_not_thirtieths() -> None:
    """July has 31 days: of one transformer 31 - 15 - 15 = 1 day is in service; the list may also mean two of them."""
    sealed = [
        suspension(100, date(2001, 7, 1), date(2001, 7, 16)),
        suspension(100, date(2001, 7, 17), date(2001, 8, 1)),
    ]

    assert one("capacity_active", month(7, [transformer(100)], sealed)) == "refused-by-rule billed"
    lines = one("capacity_inactive", month(7, [transformer(100)], sealed))
    assert not isinstance(lines, str)
    assert lines["exact"] == D(0)


@st.composite
def customers(draw: st.DrawFn) -> tuple[Row, list[Stay], list[Stay], Decimal]:
    """Transformers that come and go and are suspended, within a period and around it."""
    period = draw(PERIODS)
    around = days_in(period[0] - timedelta(days=40), period[1] + timedelta(days=40))
    stays: list[list[Stay]] = []
    for most in (4, 3):
        own = []
        for kva in draw(st.lists(st.integers(1, 2000), max_size=most)):
            first, end = sorted((draw(around), draw(around)))
            own.append((D(kva) if most == 4 else D(-(-kva // 5)), first, end))
        stays.append(own)
    new = draw(st.booleans())
    given: dict[str, Value] = {
        "transformers": [{"kva": kva, "from_day": first, "to_day": end} for kva, first, end in stays[0]],
        "suspensions": [{"kva": kva, "sealed": first, "unsealed": end} for kva, first, end in stays[1]],
        "new_customer": new,
    }
    return Row(given, *period), stays[0], stays[1], D("0.5") if new else D(0)


@many
@pytest.mark.parametrize("counts", ["active", "inactive"])
@given(drawn=st.lists(customers(), min_size=6, max_size=20))
def test_capacity_as_the_oracle_counts_days(
    counts: str, drawn: list[tuple[Row, list[Stay], list[Stay], Decimal]]
) -> None:
    """Day by day, month by month; never below nothing."""
    found = measured(f"capacity_{counts}", [row for row, *_ in drawn])

    for (row, installed, suspended, pays), parts in zip(drawn, found, strict=True):
        period = row.period_from, row.period_to
        exact = thirtieths_billed(installed, suspended, period, f"{counts}_days", pays)
        if exact is None:
            assert isinstance(parts, str)
            continue
        assert [{"rounded": kva_billed(exact, period) * 15, "exact": half_up(exact * 15 / 30)}] == parts
