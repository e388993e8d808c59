"""Triggers over a panel: what is measured is right, whichever way the columns lie: `make bench`."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from benchmarks.triggers_batch import By, columns, measure, triggers, until
from engine.triggers.panel import EventColumns, panel

CUSTOMERS = 400  # few, to see that it runs; `python -m benchmarks.triggers_batch` takes a million


@pytest.mark.parametrize("by", ["period", "customer"])
@pytest.mark.benchmark(timer=time.process_time, min_rounds=2, max_time=0.3, disable_gc=True, warmup=False)
def test_triggers(benchmark: Any, by: By) -> None:
    """CPU time of twelve triggers over twelve periods."""
    drawn, chosen, ends = columns(CUSTOMERS, by=by), triggers(), until()

    found = benchmark(lambda: panel(chosen, drawn, ends))

    if not benchmark.disabled:
        seen = sum(len(one.at) for one in drawn for trigger in chosen if trigger.transition(one.type) is not None)
        benchmark.extra_info["ns_per_event"] = benchmark.stats.stats.median / seen * 1e9
    assert len(found) > CUSTOMERS / 2


@pytest.mark.parametrize("by", ["period", "customer"])
def test_what_is_measured(by: By) -> None:
    """The machine finds the same of each customer, and numpy by hand the same rises."""
    found = measure(CUSTOMERS, by=by, rounds=1)

    assert [(one.side, one.triggers, one.wrong) for one in found] == [("triggers", 12, 0), ("limit", 1, 0)]
    assert all(one.checked > 0 for one in found)


def test_events_in_no_order_give_the_same() -> None:
    """What lies as a grid is read as it lies; the same events shuffled, and a few missing, are put in order first."""
    drawn, chosen, ends = columns(60), triggers(), until()
    draw = np.random.default_rng(3)

    shuffled = [taken(one, draw.permutation(len(one.at))) for one in drawn]

    assert list(panel(chosen, shuffled, ends)) == list(panel(chosen, drawn, ends))
    without = [taken(one, np.flatnonzero(draw.random(len(one.at)) < 0.9)) for one in drawn]
    order = [draw.permutation(len(one.at)) for one in without]
    again = [taken(one, some) for one, some in zip(without, order, strict=True)]
    assert list(panel(chosen, again, ends)) == list(panel(chosen, without, ends))


def taken(one: EventColumns, rows: Any) -> EventColumns:
    """Some events of a table, in the order asked for."""

    def texts(column: Any) -> Any:
        if isinstance(column, np.ndarray):
            return column[rows]
        return np.array([column.texts[int(code)] for code in column.codes[rows]], dtype=object)

    return EventColumns(
        one.type,
        np.array([one.ids[int(row)] for row in rows], dtype=object),
        texts(one.accounts),
        one.at[rows],
        {name: values[rows] for name, values in one.values.items()},
        {name: given[rows] for name, given in one.given.items()},
        {name: texts(keys) for name, keys in one.keys.items()},
    )
