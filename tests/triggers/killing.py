"""Kill the desk with SIGKILL at random moments, start it again, send again, and show that nothing is lost or doubled.

    python -m tests.triggers.killing --events 100000 --kills 50     # a minute; `make kill-triggers`

A stream of events is recorded once undisturbed. Then a process records it, is killed at a moment drawn at random, and
another goes on: it sends what was not acknowledged, and some of what was, or everything from the beginning. At the end
the warnings have to be those of the undisturbed desk, text by text, numbered without holes, and a replay of the log has
to bring the same.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

from engine.compiler.trigger import Watch
from engine.registry.database import Database
from engine.triggers.events import RawEvent
from engine.warnings.desk import Desk
from engine.warnings.warning import WarningRecord
from tests.triggers.four import end, stream, watch_of

CHUNK: Final = 500
SENT_AGAIN: Final = 5  # chunks that were acknowledged, at most
LIVES_MAX: Final = 500
_LOOK: Final = os.WEXITED | os.WNOHANG | os.WNOWAIT


@dataclass
class Report:
    """What came of it."""

    kills: int = 0
    warnings: int = 0
    duplicates: int = 0
    seconds: float = 0.0  # undisturbed
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Sender:
    """Who sends a stream to a desk, and notes what was acknowledged in a file."""

    events: Sequence[RawEvent]
    until: int
    watch: Watch
    url: str
    noted: Path

    @property
    def chunks(self) -> int:
        return -(-len(self.events) // CHUNK)

    def acknowledged(self) -> int:
        return self.noted.stat().st_size if self.noted.exists() else 0

    def send(self, first: int) -> int:
        """Send from a chunk on, to the end; gives how many events were duplicates."""
        duplicates = 0
        with closing(Database(self.url)) as database, closing(Desk(database, self.watch)) as desk:
            for chunk in range(first, self.chunks):
                found = desk.record(self.events[chunk * CHUNK : (chunk + 1) * CHUNK], self.until)
                if found.refused:
                    raise RuntimeError(f"refused: {found.refused[0]}")
                duplicates += found.duplicates
                if chunk >= self.acknowledged():
                    with self.noted.open("ab") as noted:
                        noted.write(b".")
            desk.record([], self.until, complete_until=self.until)
        return duplicates


def kill_desk(
    folder: Path, events: int, kills: int, seed: int = 1, url: str = "", told: Callable[[str], None] = lambda _: None
) -> Report:
    """Kill the desk so many times while it records so many events.

    Args:
        folder: for the rules and the databases.
        events: of the stream.
        kills: at least; the stream is recorded again from the beginning as often as that takes.
        seed: of the stream and the moments.
        url: of an empty database that is killed over; a file of SQLite unless given.
        told: called with a line now and then.
    """
    draw, report = Random(seed), Report()
    accounts = max(20, events // 60)
    watch = watch_of(folder)
    drawn, until = stream(events, accounts, seed), end(events, accounts)
    whole = _Sender(drawn, until, watch, f"sqlite:///{folder / 'undisturbed.sqlite'}", folder / "undisturbed")
    began = time.monotonic()
    whole.send(0)
    report.seconds = time.monotonic() - began
    expected = _kept(whole)
    report.warnings = len(expected)
    killed = _Sender(drawn, until, watch, url or f"sqlite:///{folder / 'killed.sqlite'}", folder / "killed")
    for life in range(LIVES_MAX):
        done, left = killed.acknowledged(), kills - report.kills
        first = 0 if life % 7 == 6 else max(0, min(done, killed.chunks - 1) - draw.randrange(SENT_AGAIN))
        if left <= 0:
            _one_life(killed, first, None, 0.0, report)
            break
        # Each life is to do its share of what is left, or up to twice that, and then part of one more chunk.
        until_chunk = done + draw.randrange(1 + 2 * (killed.chunks - done) // (left + 1))
        until_chunk = min(until_chunk, killed.chunks - 1)
        _one_life(killed, first, until_chunk, draw.uniform(0, 1.5) * report.seconds / killed.chunks, report)
        if report.kills % 10 == 0:
            told(f"{report.kills} kills, {killed.acknowledged()} of {killed.chunks} chunks acknowledged")
    if report.kills < kills:
        report.faults.append(f"{report.kills} kills in {LIVES_MAX} lives, {kills} were to be")
    report.duplicates += killed.send(0)
    found = _kept(killed)
    if found != expected:
        report.faults.append(f"{len(expected)} warnings undisturbed, {len(found)} when killed, or other ones")
    with closing(Database(killed.url)) as database, closing(Desk(database, watch)) as desk:
        status, replayed = desk.status(), desk.replay()
    if status.events != events:
        report.faults.append(f"{status.events} events in the log, {events} were sent")
    if not replayed.equal:
        report.faults.append(f"the log says otherwise: {replayed}")
    return report


def _one_life(sender: _Sender, first: int, until_chunk: int | None, seconds: float, report: Report) -> None:
    """Send in a process of its own, which is killed so many seconds after a chunk was acknowledged; None: it is not."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        try:
            sender.send(first)
        except BaseException as error:  # noqa: BLE001  # whatever happens is told by the exit code
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if until_chunk is not None:
        while sender.acknowledged() < until_chunk and os.waitid(os.P_PID, pid, _LOOK) is None:
            time.sleep(0.001)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    report.kills += status == -signal.SIGKILL
    if status not in (0, -signal.SIGKILL):
        report.faults.append(f"a process ended with {status}")


def _kept(sender: _Sender) -> list[WarningRecord]:
    """Give what a desk keeps, in an order that does not depend on chunks."""
    found: list[WarningRecord] = []
    with closing(Database(sender.url)) as database, closing(Desk(database, sender.watch)) as desk:
        while some := desk.warnings(found[-1].seq if found else 0, 10_000):
            found += some
    if [one.seq for one in found] != list(range(1, len(found) + 1)):
        raise RuntimeError("the numbers of warnings have holes")
    return sorted((replace(one, seq=0) for one in found), key=lambda one: one.id)


def main() -> int:
    """Kill as the command line says; 1 where anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="", help="URL of an empty database, instead of a file of SQLite")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dianjia-killing-") as folder:
        report = kill_desk(
            Path(folder), asked.events, asked.kills, asked.seed, asked.database, lambda line: print(line, flush=True)
        )
    print(
        f"{asked.events:,} events, {report.kills} kills, {report.warnings} warnings, {report.duplicates} events sent "
        f"again at the end; undisturbed {report.seconds:.1f} s; {len(report.faults)} faults"
    )
    for fault in report.faults:
        print(fault)
    return 1 if report.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
