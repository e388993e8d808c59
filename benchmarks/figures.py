"""What is asked of the engine's speed, and how each figure is measured; `benchmarks.check` measures and compares them.

A figure is one number of a group; a group is measured as a whole, in turns, and counts the wrong totals of what it
bills. Groups come from modules that are imported when they are wanted: one whose packages are missing says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

Progress = Callable[[str], None]


class NotMeasured(Exception):
    """A group cannot be measured here; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a group measured, and the bills that it compared with a reference."""

    values: Mapping[str, float]
    checked: int = 0
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing asked: a number of a group, and the least or the most that it may be; neither: it is only told."""

    name: str
    group: str
    key: str
    least: float | None = None
    most: float | None = None
    unit: str = "×"
    places: int = 2

    def holds(self, value: float) -> bool:
        """Tell whether a measured value is what is asked."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def asked(self) -> str:
        """What is asked, in words."""
        if self.least is not None:
            return f"at least {self.written(self.least)}"
        return "told only" if self.most is None else f"at most {self.written(self.most)}"

    def written(self, value: float) -> str:
        """Write a value with its unit."""
        return f"{value:,.{self.places}f} {self.unit}"


FIGURES = (
    Figure("W1, 1e6 rows, one thread: whole-array numpy to Dianjia", "bills", "W1 numpy-alone", least=2.5),
    Figure("W1: the same, where glibc keeps memory for numpy", "bills", "W1 numpy"),
    Figure("W1: Dianjia to C", "bills", "W1 c", most=4.5),
    Figure("W1: Dianjia to C written for vectors", "bills", "W1 c-vectors"),
    Figure("W1: DuckDB DECIMAL(18, n) to Dianjia", "bills", "W1 duckdb", least=12),
    Figure("W1: native backend to C", "bills", "W1 native", most=2.3),
    Figure("W1: native backend to C written for vectors", "bills", "W1 native c-vectors"),
    Figure("W2, 1e6 rows, one thread: whole-array numpy to Dianjia", "bills", "W2 numpy-alone", least=2),
    Figure("W2: the same, where glibc keeps memory for numpy", "bills", "W2 numpy"),
    Figure("W2: Dianjia to C", "bills", "W2 c", most=3.5),
    Figure("W2: Dianjia to C written for vectors", "bills", "W2 c-vectors"),
    Figure("W2: DuckDB DECIMAL(18, n) to Dianjia", "bills", "W2 duckdb", least=12),
    Figure("W2: native backend to C", "bills", "W2 native", most=1.9),
    Figure("W2: native backend to C written for vectors", "bills", "W2 native c-vectors"),
    Figure("W1, one bill alone, CPU", "one-bill", "W1", most=25, unit="µs", places=1),
    Figure("W2, one bill alone, CPU", "one-bill", "W2", unit="µs", places=1),
    Figure("W1, two threads: wall of one to wall of two", "threads", "W1", least=1.7),
    Figure("W2, two threads: wall of one to wall of two", "threads", "W2", least=1.7),
    Figure("W1, CPU a row, 1e7 rows to 1e5", "growth", "W1", most=1.15),
    Figure("W2, CPU a row, 1e7 rows to 1e5", "growth", "W2", most=1.15),
    Figure("100 rule sets of one structure, rows in any order, to one", "mixed", "shared", most=2.5),
    Figure("40 rule sets of different structures, to one", "mixed", "different", most=4),
    Figure("a year of hours, a meter a call, a core", "hours", "bills", least=10_000, unit="bills/s", places=0),
    Figure("a year of hours, 1,000 meters a call, a core", "hours", "bills, many meters", unit="bills/s", places=0),
    Figure("a year of hours: PySAM to Dianjia, a meter a call", "hours", "pysam", least=50, places=1),
    Figure("a year of hours: PySAM to Dianjia, 1,000 meters a call", "hours", "pysam, many meters", least=50, places=1),
    Figure("96 points x 31 days to five periods and maximum: to C", "intervals", "c", most=3),
    Figure("`dianjia run`, W1, 1e7 rows: peak memory", "memory", "peak", most=1000, unit="MB", places=0),
    Figure("`dianjia run`, W1: a row more", "memory", "a row", unit="bytes", places=0),
    Figure("all of rules/, compiled, read from the cache, CPU", "start-up", "cached", most=0.5, unit="s"),
    Figure("recalculation, W1, 2e7 rows: CPU less the evaluator's to a copy loop", "recalculation", "W1", most=1.5),
    Figure("the same, the demonstration's portfolio", "recalculation", "demo", most=1.5),
    Figure("recalculation, W1: wall of one thread to wall of two", "recalculation", "W1 threads", least=1.6),
    Figure("the same, the demonstration's portfolio", "recalculation", "demo threads", least=1.6),
    Figure("recalculation, W1, 5e7 rows: peak memory", "recalculation-memory", "peak", most=700, unit="MB", places=0),
    Figure("recalculation, 2e7 rows: Spark's wall to local's", "engines", "spark", most=1.8),
    Figure("recalculation, 2e7 rows: Dask's wall to local's", "engines", "dask", most=2.2),
    Figure("bills into PostgreSQL: rows/s to bare COPY's", "postgresql", "in", least=0.8),
    Figure("rows out of PostgreSQL: rows/s to ADBC's", "postgresql", "out", least=0.8),
    Figure("1e6 bills under two rate books, with report, CPU", "comparison", "cpu", most=15, unit="s", places=1),
    Figure("advice, 1,000 customers x 12 months, CPU", "advice", "cpu", most=5, unit="s"),
    Figure("12 triggers, 1e6 customers x 12 periods, CPU", "triggers-batch", "cpu", most=10, unit="s", places=1),
    Figure("scores of 1e6 customers, four highs: to W1 on as many rows", "scores", "four_highs", most=3),
    Figure("the same, the dearest of the shipped scores", "scores", "most"),
    Figure("live events a second of CPU, in memory, to durable_rules'", "triggers-live", "memory", least=5, places=1),
    Figure("the same at a desk, both with SQLite", "triggers-live", "SQLite", places=1),
)


def _bills(progress: Progress) -> Found:
    from benchmarks.measure import measurable, measure, ratio
    from benchmarks.workloads import WORKLOADS

    wanted = ("dianjia", "dianjia-native", "c", "c-vectors", "numpy", "numpy-alone", "duckdb")
    contenders = measurable(wanted)
    values: dict[str, float] = {}
    checked = wrong = 0
    for name, workload in WORKLOADS.items():
        taken = {one.side.name: one for one in measure(workload, 1_000_000, contenders, rounds=15, progress=progress)}
        own, native = taken["dianjia"], taken.get("dianjia-native")
        for other in ("numpy", "numpy-alone", "duckdb"):
            values[f"{name} {other}"] = ratio(taken[other], own)
        for other, key in (("c", "native"), ("c-vectors", "native c-vectors")):
            if other in taken:
                values[f"{name} {other}"] = ratio(own, taken[other])
                if native is not None:
                    values[f"{name} {key}"] = ratio(native, taken[other])
        checked += sum(one.checked for one in taken.values())
        wrong += sum(one.wrong_totals for one in taken.values())
    return Found(values, checked, wrong)


def _one_bill(progress: Progress) -> Found:
    from benchmarks.measure import positions_to_check, reference
    from benchmarks.one_bill import SIDES, cpu_us, rows_of
    from benchmarks.workloads import WORKLOADS, columns

    side, rows = SIDES[0], 2_000
    values: dict[str, float] = {}
    wrong = 0
    for name, workload in WORKLOADS.items():
        progress(f"one bill, {name}")
        values[name] = cpu_us(side, workload)
        bill = side.prepare(workload)
        expected = reference(workload, columns(workload, rows), positions_to_check(rows))["total"].tolist()
        made = [side.total(bill(row)) for row in rows_of(workload, side, rows)]
        wrong += sum(a != b for a, b in zip(expected, made, strict=True))
    return Found(values, rows * len(values), wrong)


def _threads(progress: Progress) -> Found:
    from benchmarks import scaling

    progress("one thread and two")
    return Found({one.workload: one.gain for one in scaling.threads()})


def _growth(progress: Progress) -> Found:
    from benchmarks import scaling

    grown = scaling.growth(progress=progress)
    values = {one.workload: one.most for one in grown}
    return Found(values, sum(one.checked for one in grown), sum(one.wrong_totals for one in grown))


def _memory(progress: Progress) -> Found:
    from benchmarks import memory

    runs = memory.measure(("W1",), progress=progress)
    return Found({"peak": runs[-1].peak_mb, "a row": memory.bytes_a_row(runs, "W1")})


def _start_up(progress: Progress) -> Found:
    from benchmarks import start_up

    progress("new processes")
    return Found({one.name: one.seconds for one in start_up.measure()})


def _hours(progress: Progress) -> Found:
    from benchmarks import hours

    taken = hours.measure(rounds=3, progress=progress)
    own = {one.rate: one for one in taken if one.side == "dianjia"}
    pysam = {one.rate: one for one in taken if one.side == "pysam" and one.missing is None}
    ours = [one for one in taken if one.side.startswith("dianjia")]
    best = {rate: min((one for one in ours if one.rate == rate), key=lambda one: one.seconds) for rate in own}
    values = {"bills": min(one.bills_per_second for one in own.values())}
    values["bills, many meters"] = min(one.bills_per_second for one in best.values())
    if pysam:
        values["pysam"] = min(one.seconds / own[rate].seconds for rate, one in pysam.items())
        values["pysam, many meters"] = min(one.seconds / best[rate].seconds for rate, one in pysam.items())
    return Found(values, sum(one.checked for one in ours), sum(one.wrong for one in ours))


def _mixed(progress: Progress) -> Found:
    from benchmarks import mixed

    progress("rule sets of one structure and of many")
    shared, different = mixed.measure(1_000_000, 3)
    wrong = shared.wrong_totals + different.wrong_totals
    return Found({"shared": shared.ratio, "different": different.ratio}, shared.checked + different.checked, wrong)


def _intervals(progress: Progress) -> Found:
    from benchmarks import intervals

    progress("interval data")
    taken = {one.side: one for one in intervals.measure(rounds=5)}
    orders = [order for order in ("meter", "interval") if f"c-{order}" in taken]
    values = {order: intervals.ratio(taken[f"dianjia-int64-{order}"], taken[f"c-{order}"]) for order in orders}
    if values:
        values["c"] = max(values.values())
    return Found(values, sum(one.checked for one in taken.values()), sum(one.wrong for one in taken.values()))


def _library(progress: Progress) -> Found:
    """Every shipped rule set against the reference; it has no figure but its wrong totals."""
    from benchmarks.whole_library import RULES, compared
    from engine.compiler.compile import compile_paths

    told = compared(compile_paths([RULES]).rulesets, progress).values()
    return Found({}, sum(rows for rows, _ in told), sum(wrong for _, wrong in told))


def _recalculation(progress: Progress) -> Found:
    from benchmarks import recalculation

    values: dict[str, float] = {}
    for one in recalculation.measure(progress=progress):
        values |= {one.portfolio: one.copies, f"{one.portfolio} threads": one.gain}
    return Found(values)


def _recalculation_memory(progress: Progress) -> Found:
    from benchmarks import recalculation

    (one,) = recalculation.measure(50_000_000, 1, ("W1",), progress)
    return Found({"peak": one.peak_mb})


def _engines(progress: Progress) -> Found:
    from benchmarks import engines

    progress("clusters of two workers")
    with TemporaryDirectory(prefix="dianjia-benchmark-") as folder:
        return Found(engines.ratios(engines.measure(20_000_000, 3, Path(folder))))


def _postgresql(progress: Progress) -> Found:
    from benchmarks import postgresql

    progress("a server of PostgreSQL")
    return Found(postgresql.measure())


def _comparison(progress: Progress) -> Found:
    from benchmarks import comparison

    progress("a portfolio under two rate books")
    with TemporaryDirectory(prefix="dianjia-benchmark-") as folder:
        return Found({"cpu": comparison.measure(1_000_000, Path(folder)).seconds})


def _advice(progress: Progress) -> Found:
    from benchmarks import advice

    one = advice.measure(progress=progress)
    return Found({"cpu": one.seconds}, one.checked, one.wrong)


def _triggers_batch(progress: Progress) -> Found:
    from benchmarks import triggers_batch

    triggers, _ = triggers_batch.measure(progress=progress)
    return Found({"cpu": triggers.seconds}, triggers.wrong)


def _scores(progress: Progress) -> Found:
    from benchmarks import scores

    found = {one.ruleset.rpartition(".")[2]: one for one in scores.measure(progress=progress)}
    ratios = {name: one.ratio for name, one in found.items()}
    checked, wrong = sum(one.checked for one in found.values()), sum(one.wrong for one in found.values())
    return Found({"four_highs": ratios["four_highs"], "most": max(ratios.values())}, checked, wrong)


def _triggers_live(progress: Progress) -> Found:
    from benchmarks import triggers_live

    progress("one stream through the built-in correlator and durable_rules")
    measured = triggers_live.ratios()
    if measured is None:
        raise NotMeasured("run `make install-durable`")
    return Found(measured)


GROUPS: Mapping[str, Callable[[Progress], Found]] = {
    "bills": _bills,
    "one-bill": _one_bill,
    "threads": _threads,
    "growth": _growth,
    "mixed": _mixed,
    "hours": _hours,
    "intervals": _intervals,
    "memory": _memory,
    "start-up": _start_up,
    "library": _library,
    "recalculation": _recalculation,
    "recalculation-memory": _recalculation_memory,
    "engines": _engines,
    "postgresql": _postgresql,
    "comparison": _comparison,
    "advice": _advice,
    "triggers-batch": _triggers_batch,
    "triggers-live": _triggers_live,
    "scores": _scores,
}


@cache
def missing(group: str) -> str:
    """Say why a group, or a number of it, has not been measured."""
    if group == "bills":
        from benchmarks.measure import sides

        return "; ".join(f"{side.name}: {side.missing}" for side in sides() if side.missing) or "it was not measured"
    return "run `make bench-peers`" if group == "hours" else "it was not measured"
