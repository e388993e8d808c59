"""Events a second of CPU that the correlators take: `python -m benchmarks.triggers_live`.

One stream, the four triggers that warnings over time began with (`tests.triggers.four`), in turns:

- the built-in correlator, memories of accounts in this process;
- the same behind the desk: doors, log, memories, warnings and watermark written to SQLite, chunk by chunk;
- durable_rules behind the same two, its process included, and of it that process alone: what the library takes with
  rules and facts, without what this engine does around it.

All must give as many warnings; that they are the same ones is tested in `tests/triggers/durable`. Asked: the built-in
at least five times durable_rules, like with like. CPU is that of all processes; events that come late or twice are part
of the stream.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.clock import cpu_seconds
from engine.compiler.trigger import Watch
from engine.registry.database import Database
from engine.triggers.events import Event, RawEvent, read_event
from engine.warnings.built_in import BuiltIn
from engine.warnings.correlator import Correlator
from engine.warnings.desk import Desk
from engine.warnings.durable import Durable
from engine.warnings.durable_process import installed
from tests.triggers.durable.standing import Held
from tests.triggers.four import chunks, end, stream, watch_of

EVENTS: Final = 20_000
ACCOUNTS: Final = 500
CHUNK: Final = 1_000
ROUNDS: Final = 3
ASKED: Final = 5.0


@dataclass(slots=True)
class Side:
    """One way to take the stream; seconds of CPU by round."""

    name: str
    run: Callable[[], tuple[int, float]]  # -> warnings, CPU seconds of the library's process where there is one
    seconds: list[float]
    alone: list[float]
    warnings: int = -1

    def per_second(self, events: int) -> float:
        """Events a second of CPU, the median of the rounds."""
        return events / statistics.median(self.seconds)


def sides(watch: Watch, raws: Sequence[RawEvent], until: int, folder: Path) -> list[Side]:
    """Give every way that can be measured here."""
    read = [read_event(watch.events, raw) for raw in raws]
    events = sorted((one for one in read if isinstance(one, Event)), key=lambda one: one.order)
    engines: list[tuple[str, Callable[[], Correlator]]] = [("built-in", lambda: BuiltIn(watch))]
    if installed():
        engines.append(("durable_rules", lambda: Durable(watch)))
    found = []
    for name, make in engines:
        found += [
            Side(f"{name}, memory", lambda make=make: in_memory(make(), events, until), [], []),  # type: ignore[misc]  # bound at once
            Side(f"{name}, SQLite", lambda make=make: at_a_desk(make(), watch, raws, until, folder), [], []),  # type: ignore[misc]  # same
        ]
    return found


def in_memory(correlator: Correlator, events: Sequence[Event], until: int) -> tuple[int, float]:
    """Release events in order, chunk by chunk."""
    memories, warnings = Held(), 0
    for first in range(0, len(events), CHUNK):
        last = first + CHUNK >= len(events)
        watermark = until if last else events[first + CHUNK].at
        warnings += len(correlator.process(memories, events[first : first + CHUNK], watermark))
    return warnings, _closed(correlator)


def at_a_desk(
    correlator: Correlator, watch: Watch, raws: Sequence[RawEvent], until: int, folder: Path
) -> tuple[int, float]:
    """Record events as they come, into a new database."""
    with tempfile.TemporaryDirectory(dir=folder) as here:
        database = Database(f"sqlite:///{here}/desk.sqlite")
        desk = Desk(database, watch, correlator)
        for chunk in chunks(raws, CHUNK):
            desk.record(chunk, until)
        desk.record([], until, complete_until=until)
        warnings = desk.status().cursor
        alone = _closed(correlator)
        desk.close()
        database.close()
    return warnings, alone


def _closed(correlator: Correlator) -> float:
    """End a correlator; gives the CPU seconds of its process."""
    before = _ended()
    correlator.close()
    return _ended() - before


def _ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(found: Sequence[Side], rounds: int) -> None:
    """Run the sides in turns.

    Raises:
        AssertionError: one gives more warnings than another.
    """
    for _ in range(rounds):
        for side in found:
            gc.collect()
            start = cpu_seconds() + _ended()
            side.warnings, alone = side.run()
            side.seconds.append(cpu_seconds() + _ended() - start)
            side.alone.append(alone)
    assert len({side.warnings for side in found}) == 1, {side.name: side.warnings for side in found}


def ratios(events: int = EVENTS, accounts: int = ACCOUNTS, rounds: int = ROUNDS) -> dict[str, float] | None:
    """Give the built-in correlator's events a second to durable_rules'; None: that is not installed."""
    with tempfile.TemporaryDirectory(prefix="dianjia-live-") as folder:
        found = sides(watch_of(Path(folder)), stream(events, accounts), end(events, accounts), Path(folder))
        if len(found) == 2:
            return None
        measure(found, rounds)
    memory, desk = (a.per_second(1) / b.per_second(1) for a, b in zip(found[:2], found[2:], strict=True))
    return {"memory": memory, "SQLite": desk}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code: 1 where what is asked is not reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.triggers_live", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="dianjia-live-") as folder:
        watch = watch_of(Path(folder))
        raws = stream(options.events, options.accounts)
        found = sides(watch, raws, end(options.events, options.accounts), Path(folder))
        measure(found, options.rounds)
    print(f"{options.events:,} events of {options.accounts:,} accounts, four triggers, {found[0].warnings:,} warnings")
    for side in found:
        alone = statistics.median(side.alone)
        of_it = f"; its process alone {options.events / alone:,.0f}" if alone > 0 else ""
        print(f"{side.name:>24}: {side.per_second(options.events):>9,.0f} events a second of CPU{of_it}")
    if len(found) == 2:
        print("durable_rules is not measured: run `make install-durable`")
        return 0
    ratios = [a.per_second(1) / b.per_second(1) for a, b in zip(found[:2], found[2:], strict=True)]
    alone = statistics.median(found[2].alone) / statistics.median(found[0].seconds)
    print(
        f"built-in / durable_rules: {ratios[0]:.1f} in memory, {ratios[1]:.1f} with SQLite, {alone:.1f} beside the "
        f"library's process alone; asked: {ASKED}"
    )
    return 0 if ratios[0] >= ASKED else 1


if __name__ == "__main__":
    raise SystemExit(main())
