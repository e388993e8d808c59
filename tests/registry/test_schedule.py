"""Which version answers at which instant, against a model that plays the audit trail from its first row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.registry.schedule import Activation, Schedule, Withdrawal, schedule_of

START = datetime(2026, 3, 1, tzinfo=UTC)
VERSIONS = "abcdef"


@dataclass(frozen=True)
class Trail:
    """Rows in the order in which they were written: activations, and withdrawals that return to a version in use."""

    rows: tuple[Activation | Withdrawal, ...]

    def schedule(self) -> Schedule:
        activations = [row for row in self.rows if isinstance(row, Activation)]
        withdrawals = [row for row in self.rows if isinstance(row, Withdrawal)]
        return schedule_of(reversed(activations), withdrawals, VERSIONS)


@st.composite
def trails(draw: st.DrawFn) -> Trail:
    """Draw what a registry may hold: a withdrawn version is neither activated, nor withdrawn, nor returned to again."""
    rows: list[Activation | Withdrawal] = []
    left = list(VERSIONS)
    for number in range(1, draw(st.integers(0, 12)) + 1):
        if len(left) > 1 and draw(st.booleans()):
            gone = draw(st.sampled_from(left))
            left.remove(gone)
            rows.append(Withdrawal(number, gone, draw(st.sampled_from(left))))
        else:
            instant = START + timedelta(hours=draw(st.integers(0, 6)))
            rows.append(Activation(number, draw(st.sampled_from(left)), instant))
    return Trail(tuple(rows))


def model(trail: Trail, at: datetime) -> str | None:
    """Play the rows one after another: the last activation of the latest instant stands, a withdrawal hands it over."""
    latest: datetime | None = None
    answers: str | None = None
    for row in trail.rows:
        if isinstance(row, Activation):
            if row.active_from <= at and (latest is None or row.active_from >= latest):
                latest, answers = row.active_from, row.version
        elif answers == row.version:
            answers = row.returns_to
    return answers


@given(trails(), st.integers(-1, 14))
def test_the_schedule_answers_as_the_trail_is_played(trail: Trail, half_hours: int) -> None:
    """At instants of activations, between them, and before the first."""
    at = START + timedelta(minutes=30) * half_hours

    answers = trail.schedule().active(at)

    assert model(trail, at) == answers


@given(trails(), st.integers(-1, 14))
def test_the_next_change_is_the_first_instant_that_answers_otherwise(trail: Trail, half_hours: int) -> None:
    """Every half hour after it is asked; changes happen at whole hours."""
    after = START + timedelta(minutes=30) * half_hours
    later = [START + timedelta(minutes=30) * number for number in range(half_hours + 1, 20)]
    expected = next((at for at in later if model(trail, at) != model(trail, after)), None)

    found = trail.schedule().next_change(after)

    assert expected == found


@given(trails())
def test_whoever_answers_in_place_of_a_withdrawn_version_is_not_withdrawn(trail: Trail) -> None:
    """Withdrawals are followed to their end."""
    withdrawn = {row.version for row in trail.rows if isinstance(row, Withdrawal)}

    schedule = trail.schedule()

    assert withdrawn == schedule.withdrawn.keys()
    assert not withdrawn & set(schedule.withdrawn.values())


def test_a_planned_activation_of_a_withdrawn_version_leads_to_the_version_it_returns_to() -> None:
    """The instant stands; at it the version answers that the withdrawal names."""
    december = datetime(2026, 12, 1, tzinfo=timezone(timedelta(hours=8)))
    schedule = schedule_of(
        [Activation(1, "a", START), Activation(2, "b", december)], [Withdrawal(3, "b", "c")], ["a", "b", "c"]
    )

    answers = [schedule.active(december - timedelta(microseconds=1)), schedule.active(december)]

    assert ["a", "c"] == answers


def test_of_two_activations_at_one_instant_the_later_row_stands() -> None:
    """In whatever order they are read."""
    both = [Activation(8, "b", START), Activation(7, "a", START)]

    schedule = schedule_of(both, [], ["a", "b"])

    assert "b" == schedule.active(START)


def test_nothing_answers_before_the_first_activation() -> None:
    """An empty schedule answers at no instant, and nothing is planned in it."""
    schedule = Schedule()

    found = (schedule.active(START), schedule.next_change(START), schedule.approved)

    assert (None, None, frozenset()) == found


def test_an_instant_without_offset_is_no_instant() -> None:
    """Nobody knows which one it is, also where the schedule is empty."""
    local = datetime(2026, 3, 1)

    with pytest.raises(ValueError) as found:
        Schedule().active(local)

    assert "an instant needs its offset; came 2026-03-01T00:00:00: pass datetime(..., tzinfo=...)" == str(found.value)
