"""The engine as a side: the rule set in `rules/`, compiled, and its evaluator on one thread, door included."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.sides import Side, spread
from benchmarks.workloads import Columns, Ints, Workload
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import Plans, Result, evaluate
from engine.evaluator.rows import Column, Rows, same

RULES = Path(__file__).parent / "rules"
RULE_SETS = {
    "W1": ("w1.ruleset.yaml", "benchmark.residential"),
    "W2": ("w2.ruleset.yaml", "benchmark.industry"),
}
JANUARY, FEBRUARY = 20_454, 20_485  # first days of January and February 2026, since 1970-01-01


def side() -> Side:
    """Give the engine as a side."""
    return Side("dianjia", "Dianjia", _load, _bill, _answer)


def native() -> Side:
    """Give the engine with its loops compiled by numba as a side."""
    missing = None if importlib.util.find_spec("numba") else "numba is not installed: pip install 'dianjia[native]'"
    return Side("dianjia-native", "Dianjia, native backend", _load_native, _bill, _answer, missing=missing)


@cache
def compiled(workload: str) -> Compiled:
    """Compile a workload's rule set."""
    file, name = RULE_SETS[workload]
    return compile_paths([RULES / file]).rulesets[name]


def _load(workload: Workload, columns: Columns) -> tuple[Plans, Rows]:
    rule_set = compiled(workload.name)
    rows = len(columns[workload.inputs[0].name])
    codes = {spec.name: spec.type.codes or None for spec in rule_set.program.inputs}
    batch = Rows(
        row_id=np.arange(rows, dtype=np.int64),
        ruleset=Column(same(np.int64(0), rows), codes=(rule_set.id,)),
        period_from=same(np.int64(JANUARY), rows),
        period_to=same(np.int64(FEBRUARY), rows),
        columns={one.name: _column(columns[one.name], one.places, codes[one.name]) for one in workload.inputs},
    )
    return Plans(rule_set), batch


def _load_native(workload: Workload, columns: Columns) -> tuple[Plans, Rows]:
    plans, rows = _load(workload, columns)
    return Plans(plans.compiled, backend="native"), rows


def _column(values: Ints, places: int, codes: tuple[str, ...] | None) -> Column:
    if codes is None:
        return Column(values, places)
    # A position that stands for no code is a text that the rule set does not know.
    known = (values >= 0) & (values < len(codes))
    if known.all():
        return Column(values, codes=codes)
    return Column(np.where(known, values, len(codes)), codes=(*codes, "unknown"))


def _bill(loaded: tuple[Plans, Rows]) -> tuple[Rows, Result]:
    plans, rows = loaded
    return rows, evaluate(plans.compiled, rows, threads=1, plans=plans)


def _answer(workload: Workload, outcome: tuple[Rows, Result]) -> Columns:
    rows, result = outcome
    bills = {**result.amounts, **result.warnings, "total": result.total}
    return spread(workload, bills, result.kept, len(rows))
