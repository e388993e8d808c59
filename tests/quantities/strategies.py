"""What draws rows for quantity kinds: decimals of some places, meters and their stretches, periods."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

PERIODS = st.sampled_from(
    [
        (date(2026, 6, 1), date(2026, 7, 1)),
        (date(2026, 1, 1), date(2026, 2, 1)),
        (date(2026, 2, 1), date(2026, 3, 1)),
        (date(2024, 2, 1), date(2024, 3, 1)),
        (date(2026, 5, 15), date(2026, 6, 15)),
        (date(2026, 5, 27), date(2026, 7, 28)),
        (date(2025, 12, 1), date(2026, 3, 1)),
    ]
)


def decimals(high: int, places: int = 0, low: int = 0) -> SearchStrategy[Decimal]:
    """Draw decimals of so many places, the ends and zero among them."""
    step = 10**places
    edges = st.sampled_from([low * step, high * step, low * step + 1])
    return st.builds(lambda n: Decimal(n).scaleb(-places), st.integers(low * step, high * step) | edges)


def days_in(first: date, end: date) -> SearchStrategy[date]:
    """Draw a day from `first` up to and with `end`."""
    return st.integers(0, (end - first).days).map(lambda days: first + timedelta(days=days))
