"""Measure every figure that is asked for, and say which hold: `make bench-check`.

    python -m benchmarks.check               # some minutes; best on an idle machine
    python -m benchmarks.check --only bills  # one group; make bench-check ARGUMENTS="--only bills" is the same
    python -m benchmarks.check --write       # and rewrites the table of figures in README.md

A line a figure: what is asked, what was measured, whether it holds. A group with a figure that falls short is measured
once more, since a busy neighbour is the commoner reason; both are shown and the better one counts. Wrong totals are
counted over everything that was billed, and none is allowed. The exit code is 1 where anything falls short, or could
not be measured. It is no part of the tests.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figures import FIGURES, GROUPS, Figure, Found, NotMeasured, missing
from benchmarks.report import README, machine, replace_between

HOLDS, SHORT, ABSENT = "holds", "FALLS SHORT", "NOT MEASURED"


@dataclass(frozen=True, slots=True)
class Line:
    """A figure: what is asked, what was measured, whether it holds."""

    name: str
    asked: str
    measured: str
    state: str

    @property
    def text(self) -> str:
        """As a terminal has it."""
        return f"{self.name:<66}  {self.asked:<24}  {self.measured:<24}  {self.state}"

    @property
    def markdown(self) -> str:
        """As the README has it."""
        return f"| {self.name} | {self.asked} | {self.measured} | {self.state} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description="Measure every figure asked for.")
    groups = list(GROUPS)
    told = f"only these groups: {', '.join(groups)}"
    parser.add_argument("--only", nargs="+", choices=groups, default=groups, metavar="GROUP", help=told)
    parser.add_argument("--once", action="store_true", help="measure nothing twice")
    parser.add_argument("--write", action="store_true", help="rewrite the table of figures in README.md")
    options = parser.parse_args(arguments)
    lines: list[Line] = []
    started = time.monotonic()
    print(machine())
    checked = wrong = 0
    for group in options.only:
        figures = [figure for figure in FIGURES if figure.group == group]
        tries = [_measured(group)]
        if not options.once and any(_state(figure, tries) == SHORT for figure in figures):
            tries.append(_measured(group))
        for figure in figures:
            lines.append(Line(figure.name, figure.asked, _told(figure, tries), _state(figure, tries)))
            print(lines[-1].text, flush=True)
        checked += sum(one.checked for one in tries if isinstance(one, Found))
        wrong += sum(one.wrong for one in tries if isinstance(one, Found))
    lines.append(Line("wrong totals, everything above", "0", f"{wrong:,} of {checked:,}", _says(wrong == 0)))
    print(lines[-1].text)
    short = [line for line in lines if line.state in (SHORT, ABSENT)]
    seconds = time.monotonic() - started
    print(f"{'every figure holds' if not short else f'{len(short)} of {len(lines)} do not hold'}; {seconds:.0f} s")
    if options.write:
        head = "| | asked | measured | |\n|---|---|---|---|\n"
        text = f"{machine()}\n\n{head}" + "\n".join(line.markdown for line in lines)
        README.write_text(replace_between(README.read_text(encoding="utf-8"), "figures", text), encoding="utf-8")
    return 1 if short else 0


def _measured(group: str) -> Found | NotMeasured:
    try:
        return GROUPS[group](lambda text: _progress(f"{group}: {text}"))
    except NotMeasured as reason:
        return reason
    except ImportError as error:
        return NotMeasured(f"{error}")
    finally:
        _progress("")


def _values(figure: Figure, tries: Sequence[Found | NotMeasured]) -> list[float]:
    return [one.values[figure.key] for one in tries if isinstance(one, Found) and figure.key in one.values]


def _state(figure: Figure, tries: Sequence[Found | NotMeasured]) -> str:
    values = _values(figure, tries)
    if figure.least is None and figure.most is None:
        return ""
    if not values:
        return ABSENT
    return _says(any(figure.holds(value) for value in values))


def _says(holds: bool) -> str:
    return HOLDS if holds else SHORT


def _told(figure: Figure, tries: Sequence[Found | NotMeasured]) -> str:
    values = _values(figure, tries)
    if values:
        return ", then ".join(figure.written(value) for value in values)
    return next((str(one) for one in tries if isinstance(one, NotMeasured)), missing(figure.group))


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<78}\r{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
