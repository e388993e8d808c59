"""Triggers over many customers at once: `python -m benchmarks.triggers_batch`.

Twelve of the shipped triggers over a panel of a million customers and twelve periods, from integer columns in memory to
warnings in memory: four on use and two on tiers of the year (one event a period), three on demand, one on the power
factor, one on a balance below zero that stays so for a week, one on overdue bills. Each period brings an event of use,
of demand, of the power factor and of the balance; one bill in twenty is overdue. Columns are by period, as twelve
months' files stand behind one another, or by customer.

What is measured ends where each warning has its trigger, account, time and values in columns. Its id, region and
message are made when it is read, some 10 microseconds each, and are not in the figure; nor are events in no order, as
those of a table that is shuffled, which are put in order first and take about five times as long.

Asked: within 10 s of CPU. Beside it, in turns, the limit: numpy written for one trigger alone, three rises in use of
which a warning is due 90 days after the last, over the same columns as a grid; it knows that every customer has every
period. The warnings of a sample of customers are compared with those of the machine, which takes one event at a time.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from benchmarks.allocator import keep_memory
from benchmarks.clock import cpu_seconds
from engine.compiler.compile import compile_paths
from engine.compiler.trigger import DAY_US, Trigger, Watch
from engine.triggers.events import Event
from engine.triggers.layout import Coded
from engine.triggers.machine import Machine, Raised
from engine.triggers.panel import EventColumns, panel

RULES = Path(__file__).resolve().parent.parent / "rules" / "cn" / "national" / "warnings"
NAMES = (
    "usage:rising_use",
    "usage:repeated_drop",
    "usage:surge",
    "usage:no_use",
    "ladder:near_year_limit",
    "ladder:year_forecast",
    "demand:demand_approaches",
    "demand:low_load",
    "demand:over_contract_twice",
    "power_factor:below_standard",
    "balance:below_zero_7_days",
    "arrears:overdue_twice",
)
CUSTOMERS, PERIODS = 1_000_000, 12
CHECKED = 300  # customers that the machine runs, too
ROUNDS = 3
ASKED_SECONDS = 10.0
COOL_DOWN = 90 * DAY_US

Ints = npt.NDArray[np.int64]
By = Literal["period", "customer"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One way to look at the panel."""

    side: str
    triggers: int
    events: int  # that each trigger sees, added up
    seconds: float  # CPU, the median of the rounds
    found: int
    checked: int  # warnings that were compared
    wrong: int


class Ids:
    """Ids of events, made when they are asked for: text in memory for each of them is no part of what is measured."""

    def __init__(self, kind: str, count: int) -> None:
        self._kind, self._count = kind, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> str:
        return f"{self._kind}-{row:09d}"


@cache
def watch() -> Watch:
    """The shipped triggers."""
    return compile_paths([RULES]).watch


def triggers() -> list[Trigger]:
    """The twelve."""
    return [watch().triggers[f"cn.national.warnings.{name}"] for name in NAMES]


def ends(periods: int) -> Ints:
    """When each billing period ends, in China [us]: a second before the month after it."""
    china = timezone(timedelta(hours=8))
    first = datetime(1970, 1, 1, tzinfo=UTC)
    found = []
    for number in range(1, periods + 1):
        year, month = divmod(number, 12)
        found.append((datetime(2025 + year, month + 1, 1, tzinfo=china) - first) // timedelta(microseconds=1) - 10**6)
    return np.array(found)


def columns(customers: int = CUSTOMERS, periods: int = PERIODS, by: By = "period", seed: int = 1) -> list[EventColumns]:
    """Draw the panel: [period, customer] grids as columns."""
    draw = np.random.default_rng(seed)
    shape = (periods, customers)
    at = np.broadcast_to(ends(periods)[:, None], shape)
    code = np.broadcast_to(np.arange(customers), shape)

    def laid(grid: npt.NDArray[np.int64]) -> Ints:
        return np.ascontiguousarray(grid if by == "period" else grid.T).reshape(-1)

    # Use moves by up to a third from period to period; a customer in a hundred has moved out.
    typical = draw.lognormal(5.3, 0.6, customers) * 100
    use = (typical * draw.uniform(0.75, 1.35, shape)).astype(np.int64)
    use[:, draw.random(customers) < 0.01] = 0
    contract = draw.integers(20, 500, customers)
    demand = (contract * 10_000 * draw.uniform(0.25, 1.07, shape)).astype(np.int64)
    reactive = (use * draw.uniform(0.1, 0.6, shape)).astype(np.int64)
    balance = (draw.uniform(-400, 20_000, shape)).astype(np.int64)
    times, accounts = laid(at), Coded(laid(code), [f"{number:010d}" for number in range(customers)])
    overdue = np.flatnonzero(draw.random(customers * periods) < 0.05)

    def events(
        kind: str, values: dict[str, Ints], given: dict[str, npt.NDArray[np.bool_]] | None = None
    ) -> EventColumns:
        return EventColumns(kind, Ids(kind, len(times)), accounts, times, values, given or {})

    every = np.ones(customers * periods, np.bool_)
    two = {"contract": every, "capacity": ~every}
    told = {
        "demand": laid(demand),
        "contract": laid(np.broadcast_to(contract, shape)),
        "capacity": np.zeros_like(times),
    }
    factor = {"active": laid(use), "reactive": laid(reactive), "standard": np.full(len(times), 90)}
    late = EventColumns(
        "bill_overdue",
        Ids("bill_overdue", len(overdue)),
        Coded(accounts.codes[overdue], accounts.texts),
        times[overdue] + 20 * DAY_US,
        {"owed": laid(use)[overdue]},
        keys={"bill": Coded(np.arange(len(overdue)), [f"b{number}" for number in range(len(overdue))])},
    )
    return [
        events("usage_recorded", {"energy": laid(use)}),
        events("demand_recorded", told, two),
        events("power_factor_recorded", factor),
        events("balance_reported", {"balance": laid(balance)}),
        late,
    ]


def until(periods: int = PERIODS) -> int:
    """Everything before has come [us]."""
    return int(ends(periods)[-1]) + 45 * DAY_US


def limit(drawn: Sequence[EventColumns], periods: int = PERIODS) -> tuple[Ints, Ints]:
    """Find three rises in a row with a cool-down, in numpy for this alone; gives periods and customers."""
    use = drawn[0].values["energy"].reshape(periods, -1)
    at = drawn[0].at.reshape(periods, -1)
    run = np.zeros(use.shape[1], np.int8)
    last = np.zeros(use.shape[1], np.int64)
    found = []
    for period in range(1, periods):
        run = np.where(use[period] > use[period - 1], np.minimum(run + 1, 3), 0).astype(np.int8)
        raised = (run >= 3) & ((last == 0) | (at[period] - last >= COOL_DOWN))
        last[raised] = at[period][raised]
        found.append(np.flatnonzero(raised))
    return np.repeat(np.arange(1, periods), [len(one) for one in found]), np.concatenate(found)


def one_by_one(drawn: Sequence[EventColumns], customers: Sequence[int], ends_at: int) -> list[Raised]:
    """The warnings of some customers by the machine."""
    wanted = set(customers)
    events = []
    for table in drawn:
        codes = table.accounts.codes  # type: ignore[union-attr]  # the benchmark's own are coded
        inputs = watch().events[table.type].inputs
        for row in np.flatnonzero(np.isin(codes, list(wanted))).tolist():
            values = tuple(
                int(table.values[one.name][row]) if one.name not in table.given or table.given[one.name][row] else None
                for one in inputs
            )
            keys = tuple(own.texts[int(own.codes[row])] for own in table.keys.values())  # type: ignore[union-attr]  # as above
            account = table.accounts.texts[int(codes[row])]  # type: ignore[union-attr]  # as above
            events.append(Event(str(table.ids[row]), table.type, account, int(table.at[row]), values, keys))
    events.sort(key=lambda one: one.order)
    found: list[Raised] = []
    for trigger in triggers():
        machine = Machine(trigger)
        memories: dict[tuple[str, tuple[str, ...]], tuple[int, ...]] = {}
        for event in events:
            key = machine.key_of(event)
            if key is not None:
                memory = memories.get((event.account, key), machine.start)
                memories[event.account, key], raised = machine.on_event(memory, event, key, "")
                found += raised
        for (account, key), memory in memories.items():
            found += machine.on_watermark(memory, account, key, "", ends_at)[1]
    return sorted(found, key=lambda one: one.order)


def measure(
    customers: int = CUSTOMERS,
    periods: int = PERIODS,
    by: By = "period",
    rounds: int = ROUNDS,
    threads: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Measured]:
    """Measure the triggers and the limit in turns."""
    keep_memory()
    progress(f"drawing {customers:,} customers × {periods} periods")
    drawn, grid = columns(customers, periods, by), columns(customers, periods, "period")[:1] if by != "period" else None
    ends_at, chosen = until(periods), triggers()
    seconds: dict[str, list[float]] = {"triggers": [], "limit": []}
    for turn in range(rounds):
        progress(f"round {turn + 1} of {rounds}")
        gc.collect()
        start = cpu_seconds()
        found = panel(chosen, drawn, ends_at, threads)
        seconds["triggers"].append(cpu_seconds() - start)
        gc.collect()
        start = cpu_seconds()
        rises = limit(grid or drawn, periods)
        seconds["limit"].append(cpu_seconds() - start)
    seen = sum(len(one.at) for trigger in chosen for one in drawn if trigger.transition(one.type) is not None)
    sample = np.random.default_rng(2).choice(customers, min(CHECKED, customers), replace=False).tolist()
    names = {f"{number:010d}" for number in sample}
    mine = [one for one in found if one.account in names]
    right = one_by_one(drawn, sample, ends_at)
    wrong = len(set(map(_told, mine)) ^ set(map(_told, right))) + abs(len(mine) - len(right))
    of_rises = sum(1 for one in found if one.trigger == chosen[0].id)
    return [
        Measured("triggers", len(chosen), seen, statistics.median(seconds["triggers"]), len(found), len(right), wrong),
        Measured(
            "limit",
            1,
            customers * periods,
            statistics.median(seconds["limit"]),
            len(rises[0]),
            of_rises,
            abs(of_rises - len(rises[0])),
        ),
    ]  # fmt: skip - a table


def _told(one: Raised) -> tuple[object, ...]:
    return (one.trigger, one.state, one.account, one.key, one.at, one.event, one.values)


def render(found: Sequence[Measured]) -> str:
    """Write a Markdown table."""
    lines = ["| | triggers | events seen | CPU [s] | ns an event | warnings | compared | wrong |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---:|")
    for one in found:
        cells = [one.side, f"{one.triggers}", f"{one.events:,}", f"{one.seconds:.2f}"]
        cells += [f"{one.seconds / one.events * 1e9:.1f}", f"{one.found:,}", f"{one.checked:,}", f"{one.wrong}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--by", choices=["period", "customer"], default="period")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    found = measure(given.customers, by=given.by, rounds=given.rounds, threads=given.threads, progress=print)
    print(render(found))
    print(
        f"\nmost memory, the panel's columns in it: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB"
    )
    print(f"asked: {ASKED_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
