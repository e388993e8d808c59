"""Where a version stands: by what it answers, now and later, and not by its latest activation alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from engine.registry.records import VersionRecord
from engine.registry.schedule import Activation, Withdrawal, schedule_of
from engine.service.standing import State, state_of
from tests.registry.books import NOON

DAY = timedelta(days=1)


def approved(version: str, active_from: datetime | None) -> VersionRecord:
    """A version whose latest activation is of that instant."""
    return VersionRecord(version, "wang", NOON, "", "li", NOON, active_from, "", None, 1, 1, ())


@pytest.mark.parametrize(
    ("instants", "latest", "state"),
    [
        pytest.param([], None, "approved", id="never"),
        pytest.param([-3], -3, "superseded", id="before another one"),
        pytest.param([-1], -1, "active", id="after the other one"),
        pytest.param([3], 3, "scheduled", id="later"),
        pytest.param([3, -3], -3, "scheduled", id="later, and by a newer row once before another one"),
        pytest.param([5], 5, "superseded", id="at an instant that a newer row gives to another one"),
    ],
)
def test_an_approved_version(instants: list[int], latest: int | None, state: State) -> None:
    """`mine` beside `other`, which answers since two days and by the newest row again in five."""
    mine = [Activation(number, "mine", NOON + days * DAY) for number, days in enumerate(instants)]
    others = [Activation(10, "other", NOON - 2 * DAY), Activation(11, "other", NOON + 5 * DAY)]
    schedule = schedule_of([*mine, *others], [], ["mine", "other"])

    found = state_of(approved("mine", None if latest is None else NOON + latest * DAY), schedule, NOON)

    assert state == found


def test_a_version_that_a_withdrawn_one_returns_to() -> None:
    """It will answer where the withdrawn one was to."""
    planned = [Activation(1, "gone", NOON + DAY)]
    schedule = schedule_of(planned, [Withdrawal(2, "gone", "mine")], ["mine", "gone"])

    assert "scheduled" == state_of(approved("mine", None), schedule, NOON)
    assert "active" == state_of(approved("mine", None), schedule, NOON + DAY)
