"""durable_rules: which tier a household's year is in, an event a household, run in an environment of its own.

It is an engine for patterns of events, and W1 and W2 cannot be said in it: a rule matches and calls Python, and has
no arithmetic but that of its conditions, on binary floats and on whole numbers that divide truncating. So it is
measured on the part that it can decide exactly, in hundredths of a kWh as whole numbers: up to 2,760 kWh the first
tier, up to 4,800 the second, above it the third. What it decides is compared with numpy.

    {"events": 5000}  on standard input  ->  {"seconds": CPU seconds, "wrong": decisions}
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from durable.lang import m, post, ruleset, when_all

FIRST, SECOND = 276_000, 480_000


def decide(kwh: list[int]) -> tuple[float, list[int]]:
    """Post one event each; give CPU seconds and the tiers decided."""
    decided: list[int] = []
    with ruleset("tiers"):

        @when_all(m.kwh <= FIRST)
        def first(_: object) -> None:
            decided.append(1)

        @when_all((m.kwh > FIRST) & (m.kwh <= SECOND))
        def second(_: object) -> None:
            decided.append(2)

        @when_all(m.kwh > SECOND)
        def third(_: object) -> None:
            decided.append(3)

    post("tiers", {"id": -1, "kwh": 0})  # the rules are compiled at the first event
    decided.clear()
    start = time.process_time()
    for number, one in enumerate(kwh):
        post("tiers", {"id": number, "kwh": one})
    return time.process_time() - start, decided


if __name__ == "__main__":
    events = json.loads(sys.stdin.readline())["events"]
    drawn = np.random.default_rng(1).integers(0, 700_000, events)
    seconds, tiers = decide(drawn.tolist())
    expected = 1 + (drawn > FIRST).astype(np.int64) + (drawn > SECOND)
    wrong = events if len(tiers) != events else int((np.array(tiers) != expected).sum())
    print(json.dumps({"seconds": seconds, "wrong": wrong}))
