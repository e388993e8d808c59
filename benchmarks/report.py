"""Measure everything in one run and rewrite the table of `benchmarks/README.md`: `python -m benchmarks.report`."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import ROUNDS, Measurement, measure, sides
from benchmarks.plot import svg
from benchmarks.workloads import WORKLOADS, Workload

HERE = Path(__file__).parent
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
SIZES = (1_000, 100_000, 1_000_000)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code: 1 where any total was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=list(SIZES), help="sizes to measure")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds, all sides in turn ({ROUNDS})")
    parser.add_argument("--side", nargs="+", help="only these sides")
    parser.add_argument("--print-only", action="store_true", help="leave README.md and the plot as they are")
    options = parser.parse_args(arguments)

    contenders = [side for side in sides() if not options.side or side.name in options.side]
    measurements: list[Measurement] = []
    for workload in WORKLOADS.values():
        for rows in options.rows:
            measurements += measure(workload, rows, contenders, options.rounds, _progress)
    text = render(measurements)
    print(text)
    if not options.print_only:
        readme = HERE / "README.md"
        readme.write_text(replace_between(readme.read_text(encoding="utf-8"), text), encoding="utf-8")
        largest = max(options.rows)
        plot = svg([m for m in measurements if m.rows == largest])
        (HERE / "measured.svg").write_text(plot, encoding="utf-8")
    return 1 if any(m.wrong_totals for m in measurements) else 0


def render(measurements: Sequence[Measurement]) -> str:
    """Write the measurements as Markdown: the machine, then a table a workload."""
    parts = [machine()]
    for workload in WORKLOADS.values():
        taken = [m for m in measurements if m.workload == workload.name]
        if taken:
            parts.append(_table(workload, taken))
    return "\n\n".join(parts)


def _table(workload: Workload, taken: Sequence[Measurement]) -> str:
    sizes = sorted({m.rows for m in taken})
    found = {(m.side, m.rows): m for m in taken}
    names = list(dict.fromkeys(m.side for m in taken))
    largest = sizes[-1]
    own = found.get(("dianjia", largest))
    head = ["", *(f"{rows:,} rows" for rows in sizes), "to the engine", "rounds", "wrong totals"]
    lines = [
        f"**{workload.name}, {workload.title}**: ns of CPU a bill",
        "",
        "| " + " | ".join(head) + " |",
        "|---" + "|---:" * (len(head) - 1) + "|",
    ]
    for name in names:
        at_largest = found[name, largest]
        ratio = f"{at_largest.ns_per_row / own.ns_per_row:.2f} ×" if own else ""
        checked = sum(found[name, rows].checked for rows in sizes)
        wrong = sum(found[name, rows].wrong_totals for rows in sizes)
        cells = [
            f"**{at_largest.title}**" if name == "dianjia" else at_largest.title,
            *(f"{found[name, rows].ns_per_row:,.0f}" for rows in sizes),
            ratio,
            f"{at_largest.fastest:,.0f} to {at_largest.slowest:,.0f}",
            f"{wrong} of {checked:,}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine() -> str:
    """Name the machine and the versions, in one sentence."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        model = named.group(1) if named else model
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "duckdb", "polars", "pyarrow"))
    return (
        f"Measured on {model}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {packages}."
    )


def replace_between(text: str, measured: str) -> str:
    """Put `measured` between the two markers of a README."""
    if BEGIN not in text or END not in text:
        raise ValueError(f"README.md needs the lines {BEGIN} and {END}")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n\n{measured}\n\n{END}{after}"


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<70}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
