"""What is told of a step inside its transaction, to whoever keeps something together with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection

from engine.registry.audit import Step


@dataclass(frozen=True, slots=True)
class Taken:
    """A step whose row is written, and whose transaction is still open.

    Attributes:
        number: of its row in the audit trail.
        step: with the whole hash of its version; of an activation with its instant.
        at: when it was taken.
        before: which version answers at the instant of the step without it; None: none does.
    """

    number: int
    step: Step
    at: datetime
    before: str | None


Announce: TypeAlias = Callable[[Connection, Taken], None]
"""Keeps something in the transaction of a step; where it raises, the step is not taken."""
