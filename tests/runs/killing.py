"""Kill runs with SIGKILL at random moments, resume them, and show that nothing is lost, doubled or left behind.

    python -m tests.runs.killing --rows 4000000 --kills 100            # minutes; `make kill-test`
    python -m tests.runs.killing --engine spark --kills 20             # kills workers, too

A portfolio of made-up customers is billed once undisturbed. Then it is billed again and again: a process of the run is
killed at a moment drawn at random, the run is resumed, killed again perhaps, and so on to its end. Each time every row
of the input must be in `bills` or `refused` once, all counts and sums must be those of the undisturbed run, `dianjia
runs verify` must hold, and no temporary file may remain.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.bulk.portfolio import portfolio_batches, schema
from engine.commands.runs import state_of
from engine.registry.database import Database
from engine.runs.ledger import Ledger

ROOT: Final = Path(__file__).resolve().parent.parent.parent
TOLD_OF_THE_RUN: Final = ("run", "seconds", "bills_per_second", "input")  # of a summary: what differs between runs
RESUMES_MAX: Final = 200


@dataclass
class Report:
    """What came of it."""

    runs: int = 0
    kills: int = 0
    of_workers: int = 0
    before_the_ledger: int = 0  # kills so early that there was nothing to resume
    planning: int = 0  # runs found in the state `planning`
    undisturbed_seconds: float = 0.0
    said: str = ""  # on standard error by the last process that ended by itself
    faults: list[str] = field(default_factory=list)


def kill_runs(
    folder: Path,
    rows: int,
    kills: int,
    seed: int = 1,
    *,
    engine: str = "local",
    scattered: bool = False,
    partition_rows: int = 0,
    cache: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Report:
    """Kill runs until so many kills are reached; the run that the last of them hits goes on to its end.

    Args:
        folder: for the portfolio, the ledger and the results.
        rows: of the portfolio.
        kills: in all.
        seed: of the portfolio and the moments.
        engine: local, spark or dask; of the others, workers are killed as often as drivers.
        scattered: rows of an account stand apart, so that the run copies its input by account first.
        partition_rows: of a partition; 0: as the run chooses.
        cache: of compiled rules; None: one of its own.
        told: called with a line after each run.
    """
    draw = Random(seed)
    report = Report()
    bench = _Bench(folder, engine, partition_rows, cache or folder / "cache")
    bench.portfolio(rows, seed, scattered)
    bench.compile()
    began = time.monotonic()
    undisturbed = bench.whole("undisturbed")
    report.undisturbed_seconds = time.monotonic() - began
    ids = bench.row_ids("undisturbed")
    while report.kills < kills:
        name = f"killed-{report.runs}"
        _one(bench, name, draw, report, kills)
        report.runs += 1
        _look(bench, name, undisturbed, ids, report)
        told(f"run {report.runs}: {report.kills} kills so far, {len(report.faults)} faults")
        bench.remove(name)
    return report


class _Bench:
    """A portfolio, a ledger, and the command."""

    def __init__(self, folder: Path, engine: str, partition_rows: int, cache: Path) -> None:
        self.folder, self.engine, self.partition_rows = folder, engine, partition_rows
        self.input = folder / "portfolio.parquet"
        self.database = f"sqlite:///{folder / 'ledger.sqlite'}"
        self.environment = dict(os.environ) | {"DIANJIA_DATABASE": self.database, "DIANJIA_CACHE": str(cache)}

    def portfolio(self, rows: int, seed: int, scattered: bool) -> None:
        """Write the input: customers with two bills each."""
        tables = [pa.Table.from_batches([batch]) for batch in portfolio_batches(rows // 2, seed)]
        half = pa.concat_tables(tables)
        ids = pc.add(half.column("row_id"), rows)
        later = half.set_column(0, schema().field("row_id"), ids)
        if scattered:
            whole = pa.concat_tables([half, later])
        else:
            order = np.repeat(np.arange(half.num_rows), 2)
            order[1::2] += half.num_rows
            whole = pa.concat_tables([half, later]).take(pa.array(order))
        pq.write_table(whole, self.input, compression="zstd", row_group_size=131_072)

    def compile(self) -> None:
        """Let the rules stand in the cache, as a killed run finds them: the undisturbed one says when to kill."""
        self._popen("list", "--rules", str(ROOT / "rules")).communicate()

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Begin a run."""
        options = ["--output", str(self.folder / name), "--rules", str(ROOT / "rules"), "--overwrite"]
        if self.partition_rows:
            options += ["--partition-rows", str(self.partition_rows)]
        return self._popen("run", "--input", str(self.input), *options, *self._driving())

    def resume(self, run: str) -> subprocess.Popen[bytes]:
        """Go on with a run."""
        return self._popen("runs", "resume", run, *self._driving())

    def whole(self, name: str) -> Mapping[str, Any]:
        """Bill to the end; gives what the run came to."""
        process = self.start(name)
        _, error = process.communicate()
        if process.returncode:
            raise RuntimeError(error.decode())
        return self.summary(name)

    def summary(self, name: str) -> Mapping[str, Any]:
        told = json.loads((self.folder / name / "summary.json").read_text(encoding="utf-8"))
        return {key: value for key, value in told.items() if key not in TOLD_OF_THE_RUN}

    def runs(self) -> list[Mapping[str, Any]]:
        """What `dianjia runs list` gives, on connections of its own each time."""
        database = Database(self.database)
        try:
            ledger = Ledger(database)
            return [one.to_json() | {"state": state_of(ledger, one)} for one in ledger.list()]
        finally:
            database.close()

    def verify(self, run: str) -> tuple[int, str]:
        process = self._popen("runs", "verify", run, "--sample", "50")
        said, error = process.communicate()
        return process.returncode, (said + error).decode()

    def row_ids(self, name: str) -> Any:
        """Every row id that the run billed or refused, sorted."""
        parts = []
        for table in ("bills", "refused"):
            for file in sorted((self.folder / name / table).glob("*.parquet")):
                parts.append(pq.read_table(file, columns=["row_id"]).column("row_id"))
        ids = pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.int64())
        return np.sort(ids.to_numpy())

    def left_behind(self, name: str) -> list[str]:
        """Files that no finished run has."""
        every = [file for file in (self.folder / name).rglob("*") if file.is_file()]
        return [str(file) for file in every if file.name.endswith((".partial", ".tmp")) or "spill" in file.parts]

    def remove(self, name: str) -> None:
        subprocess.run(["rm", "-rf", str(self.folder / name)], check=True)

    def _driving(self) -> list[str]:
        return ["--threads", "2", "--engine", self.engine]

    def _popen(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "engine.start", *arguments]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )


def _one(bench: _Bench, name: str, draw: Random, report: Report, kills: int) -> None:
    """One run, killed and resumed until it ends by itself, or until there were so many kills."""
    before = {one["run"] for one in bench.runs()}
    process = bench.start(name)
    run = ""
    for _ in range(RESUMES_MAX):
        if not _killed(process, draw, report, kills):
            if process.returncode:
                report.faults.append(f"{name}: ended with {process.returncode}: {report.said}")
            return
        found = [one for one in bench.runs() if one["run"] not in before and one["run"] != run]
        if not run and not found:
            report.before_the_ledger += 1
            process = bench.start(name)
            continue
        run = run or found[0]["run"]
        (one,) = [one for one in bench.runs() if one["run"] == run]
        report.planning += one["state"] == "interrupted" and one["counts"]["partitions"] == 0
        process = bench.resume(run)
    report.faults.append(f"{name}: not finished after {RESUMES_MAX} resumptions")


def _killed(process: subprocess.Popen[bytes], draw: Random, report: Report, kills: int) -> bool:
    """Kill a process of a run at some moment; False: it ended before, or there were so many kills."""
    try:
        moment = _moment(draw, report) if report.kills < kills else None
        report.said = process.communicate(timeout=moment)[1].decode()[-2000:]
        return False
    except subprocess.TimeoutExpired:
        pass
    workers = _descendants(process.pid)
    if workers and draw.random() < 0.5:
        victim = draw.choice(workers)
        report.of_workers += 1
        report.kills += 1
        _kill(victim)
        return _killed(process, draw, report, kills)
    _kill(process.pid)
    process.communicate()
    report.kills += 1
    return True


def _moment(draw: Random, report: Report) -> float:
    """When to kill [s]: mostly while bills are made, often while the run is planned, at times while it starts.

    The undisturbed run says how fast the machine is: where each process died before its first partition, no run would
    ever end.
    """
    return draw.uniform(0.0, report.undisturbed_seconds * draw.choice((0.2, 0.5, 0.9)))


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    """Processes below one, of whatever depth."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        of = parents.get(waiting.pop(), [])
        found += of
        waiting += of
    return found


def _look(bench: _Bench, name: str, undisturbed: Mapping[str, Any], ids: Any, report: Report) -> None:
    """See whether a run that was killed came to what the undisturbed one did."""
    if not (bench.folder / name / "summary.json").exists():
        report.faults.append(f"{name}: has no summary")
        return
    if bench.summary(name) != undisturbed:
        report.faults.append(f"{name}: other counts or sums than the undisturbed run")
    if not np.array_equal(bench.row_ids(name), ids):
        report.faults.append(f"{name}: rows are lost or doubled")
    left = bench.left_behind(name)
    if left:
        report.faults.append(f"{name}: left {left[0]} and {len(left) - 1} more")
    newest = bench.runs()[0]
    if newest["state"] != "finished":
        report.faults.append(f"{name}: the ledger says {newest['state']}")
    code, said = bench.verify(newest["run"])
    if code:
        report.faults.append(f"{name}: {said}")


def main() -> int:
    """Kill runs as the command line says; 1 where anything was lost, doubled or left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=["local", "spark", "dask"], default="local")
    parser.add_argument("--scattered", action="store_true", help="rows of an account stand apart")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dianjia-killing-") as folder:
        report = kill_runs(
            Path(folder),
            asked.rows,
            asked.kills,
            asked.seed,
            engine=asked.engine,
            scattered=asked.scattered,
            told=lambda line: print(line, flush=True),
        )
    print(
        f"{report.runs} runs of {asked.rows:,} rows, {report.kills} kills ({report.of_workers} of workers, "
        f"{report.before_the_ledger} before there was a run, {report.planning} while planning); "
        f"undisturbed {report.undisturbed_seconds:.1f} s; {len(report.faults)} faults"
    )
    for fault in report.faults:
        print(fault)
    return 1 if report.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
