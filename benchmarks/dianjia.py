"""The engine as a side: the rule set in `rules/`, compiled, and its evaluator on one thread, door included."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.sides import Side
from benchmarks.workloads import Columns, Workload
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import Plans, Result, evaluate
from engine.evaluator.rows import Column, Rows

RULES = Path(__file__).parent / "rules"
RULE_SETS = {
    "W1": ("w1.ruleset.yaml", "benchmark.residential"),
    "W2": ("w2.ruleset.yaml", "benchmark.industry"),
}
JANUARY, FEBRUARY = 20_454, 20_485  # first days of January and February 2026, since 1970-01-01


def side() -> Side:
    """Give the engine as a side."""
    return Side("dianjia", "Dianjia", _load, _bill, _answer)


@cache
def compiled(workload: str) -> Compiled:
    """Compile a workload's rule set."""
    file, name = RULE_SETS[workload]
    return compile_paths([RULES / file]).rulesets[name]


def _load(workload: Workload, columns: Columns) -> tuple[Plans, Rows]:
    rule_set = compiled(workload.name)
    rows = len(columns[workload.inputs[0].name])
    kinds = {spec.name: spec.type for spec in rule_set.program.inputs}
    laid_out = {}
    for column in workload.inputs:
        values, type_ = columns[column.name], kinds[column.name]
        if type_.kind == "boolean":
            laid_out[column.name] = Column(values.astype(np.bool_))
        else:
            laid_out[column.name] = Column(values, column.places, codes=type_.codes or None)
    batch = Rows(
        row_id=np.arange(rows, dtype=np.int64),
        ruleset=Column(np.zeros(rows, dtype=np.int64), codes=(rule_set.id,)),
        period_from=np.full(rows, JANUARY, dtype=np.int64),
        period_to=np.full(rows, FEBRUARY, dtype=np.int64),
        columns=laid_out,
    )
    return Plans(rule_set), batch


def _bill(loaded: tuple[Plans, Rows]) -> tuple[Rows, Result]:
    plans, rows = loaded
    return rows, evaluate(plans.compiled, rows, threads=1, plans=plans)


def _answer(workload: Workload, outcome: tuple[Rows, Result]) -> Columns:
    """Take the amounts; a refused row, of which there must be none, reads as a wrong total."""
    rows, result = outcome
    answer = {name: np.full(len(rows), -1, dtype=np.int64) for name in workload.outputs}
    for name in workload.outputs:
        if name == "total":
            answer[name][result.kept] = result.total
        elif name in workload.flags:
            answer[name][result.kept] = result.warnings[name]
        else:
            answer[name][result.kept] = result.amounts[name]
    return answer
