"""Measure and rewrite the tables of `benchmarks/README.md` and the plot: `make bench-report`.

    python -m benchmarks.report                     # everything, a quarter of an hour; best on an idle machine
    python -m benchmarks.report --only bills        # one section
    python -m benchmarks.report --print-only        # the README stays as it is

A section stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`. One that cannot be measured here, because its
packages are not there, is told of and stays as it is.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.measure import ROUNDS, Measurement, measurable, measure, ratio, sides
from benchmarks.plot import svg
from benchmarks.workloads import WORKLOADS, Workload

HERE = Path(__file__).parent
README = HERE / "README.md"
PLOT = HERE / "measured.svg"
SIZES = (1, 1_000, 100_000, 1_000_000, 10_000_000)
COMPARED = 1_000_000  # the size at which slow sides are timed on a sample, ratios are taken and the plot is drawn
ENGINE = "dianjia"
PACKAGES = ("numpy", "numba", "duckdb", "polars", "pyarrow")
PINNED = ("OpenFisca-Core", "zen-engine", "durable_rules", "NREL-PySAM", "ts-tariffs")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code: 1 where any total of an exact side was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description="Rewrite the tables of README.md.")
    sections = list(SECTIONS)
    told = f"only these sections: {', '.join(sections)}"
    parser.add_argument("--only", nargs="+", choices=sections, default=sections, metavar="SECTION", help=told)
    names = [side.name for side in sides()]
    parser.add_argument("--rows", type=_count, nargs="+", default=list(SIZES), help="sizes of the bills")
    parser.add_argument(
        "--rounds", type=_count, default=ROUNDS, help=f"rounds of the bills, all sides in turn ({ROUNDS})"
    )
    parser.add_argument(
        "--side", nargs="+", choices=names, metavar="SIDE", help=f"only these sides of the bills: {', '.join(names)}"
    )
    parser.add_argument("--print-only", action="store_true", help="leave README.md and the plot as they are")
    options = parser.parse_args(arguments)
    if "bills" in options.only and not measurable(options.side):
        parser.error("; ".join(f"{one.name}: {one.missing}" for one in sides() if one.name in options.side))
    wrong = 0
    for section in options.only:
        try:
            if section == "bills":
                taken = bills(options.rows, options.rounds, options.side)
                wrong = sum(one.wrong_totals for one in taken if one.side.exact)
                text = render(taken)
                if not options.print_only:
                    PLOT.write_text(
                        svg([one for one in taken if one.rows == max(min(options.rows), COMPARED)]), "utf-8"
                    )
            else:
                text = SECTIONS[section]()
        except ImportError as error:
            print(f"{section}: not measured: {error}")
            continue
        _progress("")
        print(f"## {section}\n\n{text}\n", flush=True)
        if not options.print_only:
            written = replace_between(README.read_text(encoding="utf-8"), section, text)
            README.write_text(written, encoding="utf-8")
    return 1 if wrong else 0


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def bills(sizes: Sequence[int], rounds: int, names: Sequence[str] | None) -> list[Measurement]:
    """Measure the sides that can be measured here, each at the sizes that it is fast enough for."""
    taken = []
    for workload in WORKLOADS.values():
        for rows in sizes:
            contenders = [
                side
                for side in measurable(names)
                if workload.name in side.workloads and (rows <= side.rows_max or rows == COMPARED)
            ]
            few = 3 if rows > COMPARED else rounds
            taken += measure(workload, rows, contenders, few, _progress)
    return taken


def render(taken: Sequence[Measurement]) -> str:
    """Write the measurements as Markdown: the machine, a table a workload, and what was not measured."""
    tables = [_table(workload, [one for one in taken if one.workload == name]) for name, workload in WORKLOADS.items()]
    absent = [f"{side.title}: not measured: {side.missing}." for side in sides() if side.missing is not None]
    return "\n\n".join([machine(), *tables, *absent])


def _table(workload: Workload, taken: Sequence[Measurement]) -> str:
    sizes = sorted({one.rows for one in taken})
    found = {(one.side.name, one.rows): one for one in taken}
    compared = COMPARED if COMPARED in sizes else sizes[-1]
    own = found.get((ENGINE, compared))
    head = [
        "",
        *("1 row" if rows == 1 else f"{rows:,} rows" for rows in sizes),
        "to the engine",
        "rounds",
        "wrong totals",
    ]
    lines = [
        f"**{workload.name}, {workload.title}**: ns of CPU a bill; ratio and rounds at {compared:,} rows",
        "",
        "| " + " | ".join(head) + " |",
        "|---" + "|---:" * (len(head) - 1) + "|",
    ]
    for name in dict.fromkeys(one.side.name for one in taken):
        at = found.get((name, compared))
        of_side = [found[name, rows] for rows in sizes if (name, rows) in found]
        title = of_side[0].side.title
        cells = [
            f"**{title}**" if name.startswith(ENGINE) else title,
            *(_ns(found.get((name, rows))) for rows in sizes),
            f"{ratio(at, own):.2f} ×" if own and at else "",
            f"{min(at.rounds):,.0f} to {max(at.rounds):,.0f}" if at else "",
            f"{sum(one.wrong_totals for one in of_side):,} of {sum(one.checked for one in of_side):,}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _ns(one: Measurement | None) -> str:
    if one is None:
        return ""
    return f"{one.ns_per_row:,.1f}" if one.ns_per_row < 100 else f"{one.ns_per_row:,.0f}"


def machine() -> str:
    """Name the machine and the versions, in one sentence."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        model = named.group(1) if named else model
    return (
        f"Measured on {model}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(_releases())}."
    )


def _releases() -> list[str]:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    for file in sorted((HERE / "environments").glob("*.txt")):
        pinned = (line.split("==") for line in file.read_text(encoding="utf-8").splitlines() if "==" in line)
        found += [f"{name} {release}" for name, release in pinned if name in PINNED]
    return found


def replace_between(text: str, section: str, measured: str) -> str:
    """Put `measured` between the two markers of a section."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    if begin not in text or end not in text:
        raise ValueError(f"README.md needs the lines {begin} and {end}")
    before, rest = text.split(begin, 1)
    _, after = rest.split(end, 1)
    return f"{before}{begin}\n\n{measured}\n\n{end}{after}"


def _one_bill() -> str:
    from benchmarks import one_bill

    return one_bill.render()


def _library() -> str:
    from benchmarks import whole_library

    return whole_library.render(whole_library.measure(progress=_progress))


def _start_up() -> str:
    from benchmarks import start_up

    return start_up.render(start_up.measure())


def _scaling() -> str:
    from benchmarks import scaling

    return scaling.render(scaling.growth(progress=_progress), scaling.threads())


def _memory() -> str:
    from benchmarks import memory

    return memory.render(memory.measure(progress=_progress))


def _hours() -> str:
    from benchmarks import hours

    return hours.render(hours.measure(progress=_progress))


def _mixed() -> str:
    from benchmarks import mixed

    head = ("", "rule sets", "structures", "rows", "alone, ns", "mixed, ns", "times", "wrong totals")
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for rows in (16_384, 100_000, 1_000_000):
        _progress(f"mixed, {rows:,} rows")
        for one in mixed.measure(rows, 5):
            cells = (
                f"{one.single_ns:.1f} | {one.mixed_ns:.1f} | {one.ratio:.2f} × | {one.wrong_totals} of {one.checked:,}"
            )
            lines.append(f"| {one.name} | {one.rule_sets} | {one.structures} | {one.rows:,} | {cells} |")
    return "\n".join(lines)


def _intervals() -> str:
    from benchmarks import intervals

    lines = ["| | | rows | ns an item | rows a second and core | wrong |", "|---|---" + "|---:" * 4 + "|"]
    for one in intervals.measure():
        cells = f"{one.rows:,} | {one.ns_per_item:.3f} | {one.rows_per_second:,.0f} | {one.wrong} of {one.checked:,}"
        title = f"**{one.title}**" if one.title.startswith("Dianjia") else one.title
        lines.append(f"| {one.workload} | {title} | {cells} |")
    return "\n".join(lines)


def _durable() -> str:
    from benchmarks import tier_decisions

    absent = tier_decisions.missing()
    if absent is not None:
        raise ImportError(absent)
    return tier_decisions.render(tier_decisions.measure())


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<78}\r{text}", end="", file=sys.stderr, flush=True)


SECTIONS: Mapping[str, Callable[[], str]] = {
    "bills": lambda: render(bills(SIZES, ROUNDS, None)),
    "durable": _durable,
    "one-bill": _one_bill,
    "scaling": _scaling,
    "library": _library,
    "start-up": _start_up,
    "memory": _memory,
    "mixed": _mixed,
    "hours": _hours,
    "intervals": _intervals,
}


if __name__ == "__main__":
    raise SystemExit(main())
