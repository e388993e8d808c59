"""durable_rules on the one step of a bill that it can decide: `python -m benchmarks.tier_decisions`.

It has no row in the tables, since it cannot say the bills; what it takes an event is printed beside them.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks import environments

ROOT = Path(__file__).resolve().parent.parent
EVENTS = 5_000
ENVIRONMENT = "durable"


@dataclass(frozen=True, slots=True)
class Decisions:
    """Events decided."""

    events: int
    us_per_event: float  # CPU
    wrong: int


def missing() -> str | None:
    """Say what to type where it cannot be measured; None: it can."""
    return None if environments.missing(ENVIRONMENT) is None else "run `make bench-peers`"


def measure(events: int = EVENTS) -> Decisions:
    """Decide the tier of so many households."""
    done = subprocess.run(
        [environments.python(ENVIRONMENT), "-m", "benchmarks.peers.durable_tiers"],
        input=json.dumps({"events": events}) + "\n",
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    told = json.loads(done.stdout)
    return Decisions(events, told["seconds"] / events * 1e6, told["wrong"])


def render(found: Decisions) -> str:
    """Say it in a sentence."""
    return (
        f"durable_rules decides which of three tiers a household is in at {found.us_per_event:,.0f} µs of CPU an event "
        f"({1e6 / found.us_per_event:,.0f} events a second), {found.wrong} of {found.events:,} wrong; the bills "
        "themselves cannot be written in it."
    )


if __name__ == "__main__":
    print(missing() or render(measure()))
