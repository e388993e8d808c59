"""Where a version stands at an instant: of what the registry knows, in one word."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from engine.registry.registry import Schedule, VersionRecord

State = Literal["published", "approved", "scheduled", "active", "superseded", "withdrawn", "folder"]


def state_of(record: VersionRecord, schedule: Schedule, at: datetime) -> State:
    """Say where a version stands.

    A version that answers in the place of a withdrawn one is active, whether or not it was ever activated itself.
    """
    if record.withdrawn_at is not None:
        return "withdrawn"
    if schedule.active(at) == record.version:
        return "active"
    later = [one.active_from for one in schedule.activations if one.active_from > at]
    if any(schedule.active(instant) == record.version for instant in later):
        return "scheduled"
    if record.active_from is not None:
        return "superseded"
    return "approved" if record.approver else "published"
