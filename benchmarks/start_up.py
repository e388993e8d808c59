"""What it takes until the first bill: compiling a rule set, compiling all shipped ones, reading them from the cache.

    python -m benchmarks.start_up            # the table of README.md

Each is CPU time of a new process; the compiler itself is imported before. The cache lies in a folder of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
LIBRARY = (
    "import time\nfrom engine.cache.compiled import book_and_problems\nstart = time.process_time()\n"
    "book, problems = book_and_problems(['rules'])\nassert book.rulesets and not problems\n"
    "print(time.process_time() - start)\n"
)
ONE = (
    "import time\nfrom engine.compiler.compile import compile_paths\nstart = time.process_time()\n"
    "compile_paths(['benchmarks/rules/{file}'])\nprint(time.process_time() - start)\n"
)
WHOLE = "import time\nimport engine.cli\nprint(time.process_time())\n"


@dataclass(frozen=True, slots=True)
class Start:
    """One thing to wait for [s of CPU], the median of some new processes."""

    name: str
    title: str
    seconds: float


def measure(rounds: int = ROUNDS) -> list[Start]:
    """Measure all of them."""
    with tempfile.TemporaryDirectory() as folder:
        cached = str(Path(folder) / "cache")
        _run(LIBRARY, cached)  # keeps the library
        wanted = (
            ("import", "importing the command, nothing else", WHOLE, "off"),
            ("w1", "compiling W1", ONE.format(file="w1.ruleset.yaml"), "off"),
            ("w2", "compiling W2", ONE.format(file="w2.ruleset.yaml"), "off"),
            ("library", "compiling all of `rules/`", LIBRARY, "off"),
            ("cached", "reading all of `rules/`, compiled, from the cache", LIBRARY, cached),
        )
        taken: dict[str, list[float]] = {name: [] for name, *_ in wanted}
        for _ in range(rounds):
            for name, _, program, cache in wanted:
                taken[name].append(_run(program, cache))
    return [Start(name, title, statistics.median(taken[name])) for name, title, *_ in wanted]


def _run(program: str, cache: str) -> float:
    environment = {**os.environ, "DIANJIA_CACHE": cache, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)


def render(starts: Sequence[Start]) -> str:
    """Write them as a Markdown table."""
    lines = ["| | CPU |", "|---|---:|", *(f"| {one.title} | {one.seconds * 1000:,.0f} ms |" for one in starts)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(render(measure()))
