"""What the desk of warnings keeps of an account, and what it takes to keep a million of them.

    python -m benchmarks.triggers_memory                      # 1,000,000 accounts, four triggers: some minutes
    python -m benchmarks.triggers_memory --accounts 50000

Every account has a bill that is not paid, a use, a demand over contract and a low balance, so that each of the four
triggers remembers something of it. Then events of accounts drawn at random are recorded in chunks of a thousand. Told
are the packed bytes of an account, the bytes of its row, the size of the database, and the most memory that the process
had, which does not grow with the accounts.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import func, select

from engine.compiler.trigger import DAY_US
from engine.registry.database import Database
from engine.triggers.events import RawEvent
from engine.warnings.desk import Desk
from engine.warnings.tables import MEMORY
from tests.triggers.four import BEGIN, watch_of

FILLED_BY: Final = 5_000  # events a chunk
STEP: Final = 7_919  # accounts come in an order that is not theirs
TYPES: Final = ("bill_issued", "usage_recorded", "demand_recorded", "balance_reported")


def first_events(accounts: int) -> Iterator[RawEvent]:
    """Four events of each account over twenty days."""
    for turn, type_ in enumerate(TYPES):
        for number in range(accounts):
            account = number * STEP % accounts
            at = BEGIN + turn * 5 * DAY_US + 4 * DAY_US * number // accounts
            yield event(f"{turn}-{account}", type_, account, at, "170")


def event(id_: str, type_: str, account: int, at: int, amount: str) -> RawEvent:
    """One event of an account."""
    keys, values = {}, {"amount": amount}
    match type_:
        case "bill_issued":
            keys = {"bill": f"2025-01-{account:07}"}
        case "usage_recorded":
            values = {"energy": amount}
        case "demand_recorded":
            values = {"demand": amount, "contract": "100"}
        case "balance_reported":
            values = {"balance": "12.34"}
    return RawEvent(id_, type_, f"4403{account:08}", at, values, keys, f"4403{account % 10:02}")


def measure(folder: Path, accounts: int, events: int) -> dict[str, object]:
    """Fill a desk, record so many events more, and tell what that took."""
    file = folder / "desk.sqlite"
    now = BEGIN + 40 * DAY_US
    with closing(Database(f"sqlite:///{file}")) as database, closing(Desk(database, watch_of(folder))) as desk:
        begun_rss = peak_bytes()
        cpu = time.process_time()
        coming = first_events(accounts)
        while chunk := list(islice(coming, FILLED_BY)):
            found = desk.record(chunk, now)
            assert not found.refused, found.refused[0]
        filling = time.process_time() - cpu
        desk.record([], now, complete_until=BEGIN + 21 * DAY_US)
        draw = Random(1)
        cpu, wall = time.process_time(), time.perf_counter()
        for first in range(0, events, 1_000):
            chunk = [
                event(f"x{n}", "usage_recorded", draw.randrange(accounts), BEGIN + 21 * DAY_US + n * 50_000, "99.5")
                for n in range(first, first + 1_000)
            ]
            desk.record(chunk, now, complete_until=chunk[-1].at)  # type: ignore[arg-type]  # whole microseconds
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        status = desk.status()
        with database.reading() as connection:
            longest = connection.execute(select(func.max(func.length(MEMORY.c.packed)))).scalar_one()
            rows = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    return {
        "accounts": status.accounts,
        "triggers": status.triggers,
        "packed_bytes_an_account": round(status.memory_bytes / status.accounts, 1),
        "packed_bytes_max": longest,
        "database_bytes": rows * size,
        "events_in_the_log": status.events,
        "peak_bytes_before": begun_rss,
        "peak_bytes": peak_bytes(),
        "filling_events_a_cpu_second": round(4 * accounts / filling),
        "events_a_cpu_second": round(events / cpu),
        "events_a_second": round(events / wall),
    }


def peak_bytes() -> int:
    """The most memory that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dianjia-triggers-") as folder:
        print(json.dumps(measure(Path(folder), asked.accounts, asked.events), indent=2))


if __name__ == "__main__":
    main()
