"""The other end of a comparison: a process in an environment of its own that bills years of hours when asked.

Takes lines of JSON on standard input and answers each with one; the standard library is all it needs. CPU time is
measured in here, around nothing but the calculator's work.

    {"do": "rate", "fields": {...}, "loads": [[kWh of 8,760 hours], ...]}    prepares a calculator, once a rate
    {"do": "bills"}                     -> {"bills": [[{component: amount}, of twelve months], of each meter]}
    {"do": "time", "repeats": 10}       -> {"seconds": CPU seconds of one meter's year}
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol


class Calculator(Protocol):
    """A rate's calculator: what does not change from meter to meter is done when it is made."""

    def year(self, load: Any) -> Any:
        """Bill a year; this is measured."""

    def months(self, billed: Any) -> Sequence[Mapping[str, float]]:
        """Give the amounts of twelve months; this is not measured."""


def serve(
    calculator: Callable[[Mapping[str, Any]], Calculator], load: Callable[[Sequence[float]], Any] = tuple
) -> None:
    """Answer until standard input ends.

    Args:
        calculator: makes one of a rate's fields.
        load: lays a year of hours out as the calculator likes it best; not measured.
    """
    one: Calculator | None = None
    years: list[Any] = []
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "rate":
            one, years = calculator(asked["fields"]), [load(year) for year in asked["loads"]]
            answer: dict[str, Any] = {}
        elif one is None:
            raise ValueError("a rate comes first")
        elif asked["do"] == "bills":
            answer = {"bills": [one.months(one.year(year)) for year in years]}
        else:
            answer = {"seconds": _seconds(one, years, asked["repeats"])}
        print(json.dumps(answer), flush=True)


def _seconds(one: Calculator, years: Sequence[Any], repeats: int) -> float:
    gc.collect()
    gc.disable()
    start = time.process_time()
    for _ in range(repeats):
        for year in years:
            one.year(year)
    taken = time.process_time() - start
    gc.enable()
    return taken / (repeats * len(years))
