"""Billing periods as written, and the months they count as."""

from __future__ import annotations

from datetime import date

import pytest

from engine.calendars.billing_period import month_days, months_of, read_billing_period
from engine.language.load import load_text
from engine.language.problems import ProblemsFound


def read(written: str) -> tuple[date, date]:
    return read_billing_period(load_text(f"billing_period: {written}\n", "case.yaml")["billing_period"])  # type: ignore[index]  # a mapping


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-01", (date(2026, 1, 1), date(2026, 2, 1))),
        ("2025-12", (date(2025, 12, 1), date(2026, 1, 1))),
        ("2024-02", (date(2024, 2, 1), date(2024, 3, 1))),
        ("{from: 2024-02-29, to: 2024-03-01}", (date(2024, 2, 29), date(2024, 3, 1))),
    ],
)
def test_months_and_days(written: str, expected: tuple[date, date]) -> None:
    assert expected == read(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-13", "billing-period-not-read"),
        ("2026", "billing-period-not-read"),
        ("[2026-01, 2026-02]", "billing-period-not-read"),
        ("{from: 2026-01-01, to: 2026-01-01}", "billing-period-order"),
        ("{from: 2026-02-29, to: 2026-03-01}", "day-not-in-calendar"),
        ("{from: 2026-01-01}", "missing-key"),
    ],
)
def test_what_is_wrong_is_named(written: str, expected: str) -> None:
    with pytest.raises(ProblemsFound) as caught:
        read(written)

    assert [expected] == [found.code for found in caught.value.problems]


@pytest.mark.parametrize(
    ("period_from", "period_to", "months"),
    [
        (date(2026, 1, 1), date(2026, 2, 1), 1),
        (date(2026, 1, 15), date(2026, 2, 15), 1),
        (date(2026, 1, 10), date(2026, 1, 20), 1),
        (date(2025, 12, 20), date(2026, 2, 20), 2),
        (date(2025, 1, 1), date(2026, 1, 1), 12),
        (date(2024, 2, 29), date(2024, 3, 1), 1),
    ],
)
def test_months_counted(period_from: date, period_to: date, months: int) -> None:
    assert months == months_of(period_from, period_to)


def test_a_month_that_is_none() -> None:
    assert month_days("2026-1") is None
