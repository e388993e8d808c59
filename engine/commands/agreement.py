"""`dianjia test --random N`: random rows through every interpreter, which must agree to the last digit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from shlex import quote

import click

from engine.commands.output import Language, complain, emit, table
from engine.commands.progress import progress
from engine.commands.words import words
from engine.compiler.program import Compiled
from engine.evaluator.compare import Comparison, Difference, compare_random
from engine.evaluator.native import Backend

SHOWN = 3  # differing rows that are shown of each rule set


def agreement(
    book: Sequence[Compiled], rows: int, seed: int, backend: Backend, format_: str, language: Language
) -> None:
    """Compare; exit 1 where a row differs."""
    processes = os.cpu_count() or 1
    found: list[Comparison] = []
    with progress("rows") as advance:
        done = _Done(rows * len(book), None if advance is None else advance.at)
        for compiled in book:
            found.append(compare_random(compiled, rows, seed, processes=processes, told=done.more, backend=backend))
    if format_ == "json":
        structures = [compiled.program.structure for compiled in book]
        answers = [{"structure": structure, **_json(one)} for structure, one in zip(structures, found, strict=True)]
        emit({"seed": seed, "rulesets": answers})
    else:
        say = words(language)
        cells = []
        for compiled, one in zip(book, found, strict=True):
            counts = (one.rows, one.billed, one.rows - one.billed, one.different)
            cells.append([one.ruleset, compiled.program.structure, *(f"{count:,}" for count in counts)])
        headers = [say(word) for word in ("rule set", "structure", "rows", "billed", "refused", "differences")]
        click.echo(table(cells, headers, "<<>>>>"))
        for one in found:
            for difference in one.differences[:SHOWN]:
                complain(_text(one.ruleset, difference, language))
    if any(one.different for one in found):
        raise SystemExit(1)


@dataclass(slots=True)
class _Done:
    """Counts rows for the progress bar."""

    total: int
    advance: Callable[[int, int | None], None] | None
    rows: int = 0

    def more(self, rows: int) -> None:
        self.rows += rows
        if self.advance is not None:
            self.advance(self.rows, self.total)


def _text(ruleset: str, one: Difference, language: Language) -> str:
    given = " ".join(f"--set {quote(f'{name}={value}')}" for name, value in one.given.items())
    ways = ("列算", "十进制", "整数") if language == "zh" else ("by columns", "in decimals", "in integers")
    values = (one.by_columns, one.in_decimals, one.in_integers)
    said = "; ".join(f"{way} {value}" for way, value in zip(ways, values, strict=True) if value)
    return (
        f"\n{ruleset}: {one.path}: {said}\n  dianjia bill {ruleset} --period {one.period_from}..{one.period_to} {given}"
    )


def _json(one: Comparison) -> dict[str, object]:
    return {
        "ruleset": one.ruleset,
        "rows": one.rows,
        "billed": one.billed,
        "refused": dict(sorted(one.refused.items())),
        "lines": dict(one.lines),
        "warnings": dict(one.warnings),
        "different": one.different,
        "differences": [
            {
                "path": difference.path,
                "period_from": difference.period_from,
                "period_to": difference.period_to,
                "given": dict(difference.given),
                "by_columns": difference.by_columns,
                "in_decimals": difference.in_decimals,
                "in_integers": difference.in_integers,
            }
            for difference in one.differences
        ],
    }
