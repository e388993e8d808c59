"""Which version answers at which instant: a pure value, made of activations and withdrawals.

An activation names the instant from which a version answers calls that name none. A withdrawal holds from when it is
written, for every instant: whatever the withdrawn version would answer, the version that it returns to answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Activation:
    """A version answers from an instant on. `number` is that of its row of the audit trail."""

    number: int
    version: str
    active_from: datetime


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A version answers no longer; `returns_to` does in its place."""

    number: int
    version: str
    returns_to: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the registry says of versions and instants.

    Attributes:
        activations: ordered by instant; of two at one instant the later row of the audit trail stands last.
        withdrawn: version -> the version that answers in its place, which is not withdrawn.
        approved: versions that may be activated, or were: withdrawn ones among them.
    """

    activations: tuple[Activation, ...] = ()
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    approved: frozenset[str] = frozenset()

    def active(self, at: datetime) -> str | None:
        """Give the version that answers at an instant; None: none does yet.

        Raises:
            ValueError: the instant has no offset.
        """
        if at.utcoffset() is None:
            raise ValueError(f"an instant needs its offset; came {at.isoformat()}: pass datetime(..., tzinfo=...)")
        last = None
        for activation in self.activations:
            if activation.active_from > at:
                break
            last = activation.version
        return None if last is None else self.withdrawn.get(last, last)

    def next_change(self, after: datetime) -> datetime | None:
        """Give the first instant later than `after` at which another version begins to answer; None: none is planned.

        Raises:
            ValueError: the instant has no offset.
        """
        now = self.active(after)
        for activation in self.activations:
            if activation.active_from > after and self.active(activation.active_from) != now:
                return activation.active_from
        return None


def schedule_of(
    activations: Iterable[Activation], withdrawals: Iterable[Withdrawal], approved: Iterable[str]
) -> Schedule:
    """Make the schedule of what the audit trail holds, in any order."""
    ordered = sorted(activations, key=lambda one: (one.active_from, one.number))
    returns = {one.version: one.returns_to for one in withdrawals}
    return Schedule(tuple(ordered), {version: _final(version, returns) for version in returns}, frozenset(approved))


def _final(version: str, returns: Mapping[str, str]) -> str:
    """Follow withdrawals to their end. They cannot run in a circle: none returns to a withdrawn version."""
    for _ in range(len(returns)):
        if version not in returns:
            break
        version = returns[version]
    assert version not in returns, f"withdrawals run in a circle at {version}"
    return version
