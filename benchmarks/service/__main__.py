"""Measure the service beside its twin and say which figures hold: `python -m benchmarks.service`."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from benchmarks.dianjia import compiled
from benchmarks.service import load
from benchmarks.service.processes import Served, dianjia, echo
from benchmarks.service.requests import CHUNK_ROWS, chunk_bytes, month, single
from engine.evaluator.evaluate import Plans, evaluate
from engine.evaluator.rows import Rows

CALLS_A_TURN = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report."""

    name: str
    asked: str
    measured: str
    holds: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code: 1 where a figure falls short."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000, help="rows a stream, for CPU a row")
    parser.add_argument("--memory-rows", type=int, default=10_000_000, help="rows of the stream that memory is seen in")
    parser.add_argument("--calls", type=int, default=6_000, help="single bills, for CPU a call")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of streams, both servers in turn")
    parser.add_argument("--only", nargs="+", choices=["stream", "single", "beside", "memory"])
    options = parser.parse_args(arguments)
    chosen = options.only or ["stream", "single", "beside", "memory"]
    given = month()
    common, singles = chunk_bytes(given), [single(given, row) for row in range(1_000)]
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder, dianjia(Path(folder)) as ours:
        answer, bill = Path(folder) / "answer", Path(folder) / "bill"
        answer.write_bytes(load.first_answer(ours.target, common))
        bill.write_bytes(load.one(ours.target, singles[0]))
        with echo(answer, bill) as twin:
            if "stream" in chosen:
                figures.append(_stream(ours, twin, common, options.rows, options.rounds))
            if "single" in chosen:
                figures.append(_single(ours, twin, singles, options.calls))
            if "beside" in chosen:
                figures.append(_beside(ours, common, singles))
        if "memory" in chosen:
            figures.append(_memory(ours, common, options.memory_rows))
    for figure in figures:
        print(figure.name, f"  asked    {figure.asked}", f"  measured {figure.measured}", sep="\n")
        print("  holds" if figure.holds else "  FALLS SHORT")
    return 0 if all(figure.holds for figure in figures) else 1


def _stream(ours: Served, twin: Served, common: bytes, rows: int, rounds: int) -> Figure:
    chunks = max(1, rows // CHUNK_ROWS)
    cost: dict[str, list[float]] = {"ours": [], "twin": [], "evaluator": []}
    for _ in range(rounds):
        for name, served in (("ours", ours), ("twin", twin)):
            before = served.cpu_seconds()
            billed = load.streamed(served.target, common, CHUNK_ROWS, chunks)
            assert billed == chunks * CHUNK_ROWS, f"{name} answered {billed} rows of {chunks * CHUNK_ROWS}"
            cost[name].append((served.cpu_seconds() - before) / billed * 1e9)
        cost["evaluator"].append(_evaluator(chunks))
    found = {name: statistics.median(values) for name, values in cost.items()}
    allowed = found["twin"] + 1.3 * found["evaluator"]
    return Figure(
        f"CalculateBills, W1, {chunks * CHUNK_ROWS:,} rows in chunks of {CHUNK_ROWS:,}: server CPU a row",
        f"at most the echo's + 1.3 x the evaluator's: {allowed:.0f} ns",
        f"{found['ours']:.0f} ns (echo {found['twin']:.0f}, evaluator {found['evaluator']:.0f};"
        f" echo + {(found['ours'] - found['twin']) / found['evaluator']:.2f} x the evaluator's); {_spread(cost)}",
        found["ours"] <= allowed,
    )


def _evaluator(chunks: int) -> float:
    """CPU a row of the evaluator by itself, on the same chunks [ns]."""
    from benchmarks.dianjia import side
    from benchmarks.workloads import WORKLOADS

    loaded: tuple[Plans, Rows] = side().load(WORKLOADS["W1"], month())
    plans, rows = loaded
    evaluate(compiled("W1"), rows, plans=plans)
    before = time.process_time()
    for _ in range(chunks):
        evaluate(compiled("W1"), rows, plans=plans)
    return (time.process_time() - before) / (chunks * CHUNK_ROWS) * 1e9


def _single(ours: Served, twin: Served, singles: Sequence[bytes], calls: int) -> Figure:
    """Both servers in turn, 100 calls at a time, so that what else the machine does meets both alike."""
    cost: dict[str, list[float]] = {"ours": [], "twin": []}
    with load.asking(ours.target) as ask_ours, load.asking(twin.target) as ask_twin:
        both = (("ours", ours, ask_ours), ("twin", twin, ask_twin))
        for turn in range(-4, max(1, calls // CALLS_A_TURN)):
            for name, served, ask in both:
                before = served.thread_cpu_seconds()
                for request in singles[:CALLS_A_TURN]:
                    ask(request)
                if turn >= 0:  # the first ones warm up
                    cost[name].append((served.thread_cpu_seconds() - before) / CALLS_A_TURN * 1e6)
    found = {name: statistics.median(values) for name, values in cost.items()}
    more = statistics.median(a - b for a, b in zip(cost["ours"], cost["twin"], strict=True))
    return Figure(
        f"CalculateBill, W1, {calls:,} calls one after another: server CPU a call",
        "at most the echo's + 150 us",
        f"{found['ours']:.0f} us (echo {found['twin']:.0f}; median of the differences {more:.0f} us); {_spread(cost)}",
        more <= 150,
    )


def _beside(ours: Served, common: bytes, singles: Sequence[bytes]) -> Figure:
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(3):
        alone.append(load.p99_ms(ours.target, singles, clients=16, calls=150))
        with load.bulk_beside(ours.target, common, CHUNK_ROWS):
            beside.append(load.p99_ms(ours.target, singles, clients=16, calls=150))
    first, second = statistics.median(alone), statistics.median(beside)
    return Figure(
        "16 clients asking for single bills one after another, p99, alone and beside one bulk stream",
        f"under 3 x alone: {3 * first:.0f} ms",
        f"{second:.0f} ms beside the stream, {first:.0f} ms alone: {second / first:.2f} x",
        second < 3 * first,
    )


def _memory(ours: Served, common: bytes, rows: int) -> Figure:
    chunks = max(1, rows // CHUNK_ROWS)
    idle = ours.resident_mib()
    billed = load.streamed(ours.target, common, CHUNK_ROWS, chunks)
    most = ours.resident_mib("VmHWM")
    return Figure(
        f"CalculateBills, W1, one stream of {billed:,} rows: memory of the server",
        "less than 300 MiB more than idle",
        f"{most:.0f} MiB at most, {idle:.0f} MiB idle: {most - idle:.0f} MiB more",
        billed == chunks * CHUNK_ROWS and most - idle < 300,
    )


def _spread(cost: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {min(values):.0f} to {max(values):.0f}" for name, values in cost.items())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except grpc.RpcError as error:
        sys.exit(f"the server answered {error}")
