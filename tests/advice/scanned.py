"""The best value of an input by billing rows at every value: what a search that leaves most of them out has to find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from engine.advice.columns import some_rows, with_columns
from engine.advice.optimum import Target
from engine.compiler.advising import Best
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import evaluate
from engine.evaluator.rows import Column, Whole

ROOT = Path(__file__).resolve().parents[2]


@cache
def book() -> Mapping[str, Compiled]:
    """Compile the rule sets that are searched, once."""
    kinds = [ROOT / f"tests/kinds/basic_charge_{way}.ruleset.yaml" for way in "abcd"]
    national = [ROOT / f"rules/cn/national/{name}.yaml" for name in ("industry_commerce.form", "power_factor.shared")]
    hubei = sorted((ROOT / "rules" / "cn" / "hubei").glob("[ai]*.yaml"))
    return compile_paths([*kinds, ROOT / "tests/kinds/basic_charge.form.yaml", *national, *hubei]).rulesets


def scanned(targets: Sequence[Target], best: Best, low: Whole, high: Whole) -> list[tuple[int, int] | None]:
    """Give the least total of each account and the smallest value that has it; None: every value is refused."""
    found: list[tuple[int, int] | None] = []
    for account, (first, last) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        values = np.arange(first, last + 1) * best.step
        total, lawful = np.zeros(len(values), np.int64), np.ones(len(values), np.bool_)
        for target in targets:
            mine = np.flatnonzero(target.account == account)
            for number, billed, refused in _at_every_value(target, mine, values, best):
                total[number] += billed
                lawful[number] &= not refused
        choices = [(int(total[k]), int(values[k])) for k in np.flatnonzero(lawful).tolist()]
        found.append(min(choices, default=None))
    return found


def _at_every_value(target: Target, rows: Whole, values: Whole, best: Best) -> list[tuple[Whole, Whole, bool]]:
    """Bill rows at every value: (positions of the values, totals, whether they are refused)."""
    of = np.repeat(rows, len(values))
    column = Column(np.tile(values, len(rows)), best.places)
    batch = with_columns(some_rows(target.rows, of), {best.input: column})
    done = evaluate(target.compiled, batch, totals_only=True)
    at = done.kept
    found: list[tuple[Whole, Whole, bool]] = []
    for row in range(len(rows)):
        own = (at >= row * len(values)) & (at < (row + 1) * len(values))
        found.append((at[own] - row * len(values), done.total[own], False))
    bad = np.array([problem.row % len(values) for problem in done.problems], np.int64)
    return [*found, (np.unique(bad), np.zeros(len(np.unique(bad)), np.int64), True)]
