"""Every shipped rule set on drawn rows: CPU time a bill, and the totals against the decimal reference.

    python -m benchmarks.whole_library       # the table of README.md

Rows are drawn as `dianjia test --random` draws them, edges and all; those that can be billed are laid out as a program
has them, whole numbers of the declared places, and repeated until there are enough.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.clock import cpu_seconds
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled, InputSpec
from engine.evaluator.columns import read_column
from engine.evaluator.compare import compare
from engine.evaluator.draw import draw
from engine.evaluator.evaluate import Plans, evaluate
from engine.evaluator.items import chosen_items
from engine.evaluator.rows import Children, Column, Rows, Whole, same

RULES = Path(__file__).resolve().parent.parent / "rules"
DRAWN = 2_000
ROWS = 32_768
COMPARED = 100  # rows drawn for the comparison with the reference, refused ones among them
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """What one rule set takes."""

    ruleset: str
    title: str
    steps: int
    lists: int  # kinds of lists that a row has
    ns_per_bill: float  # CPU, the median of the rounds
    compared: int
    wrong: int


def measure(rows: int = ROWS, rounds: int = ROUNDS, progress: Callable[[str], None] = lambda _: None) -> list[Cost]:
    """Measure every rule set of the shipped rules."""
    costs = []
    rulesets = compile_paths([RULES]).rulesets
    against = compared(rulesets, progress)
    for name, compiled in rulesets.items():
        progress(name)
        batch = billable(compiled, rows)
        costs.append(
            Cost(
                name,
                compiled.title,
                len(compiled.program.steps),
                len(compiled.program.axes),
                _ns_per_bill(compiled, batch, rounds) if batch is not None else float("nan"),
                *against[name],
            )
        )
    return costs


def compared(
    rulesets: Mapping[str, Compiled], progress: Callable[[str], None] = lambda _: None
) -> dict[str, tuple[int, int]]:
    """Compare drawn rows of every rule set with the reference: rows, and rows that differ."""
    found = {}
    for name, compiled in rulesets.items():
        progress(name)
        told = compare(compiled, draw(compiled, COMPARED, seed=2))
        found[name] = (told.rows, told.different)
    return found


def billable(compiled: Compiled, rows: int) -> Rows | None:
    """Draw rows that can be billed, repeated to so many; None: none of those drawn can."""
    drawn = draw(compiled, DRAWN, seed=1)
    kept = evaluate(compiled, drawn).kept
    if not len(kept):
        return None
    specs = {spec.name: spec for spec in compiled.program.inputs}
    at = np.resize(kept, rows)
    columns = {name: _laid_out(specs[name], column, at) for name, column in drawn.columns.items() if name in specs}
    return Rows(
        row_id=np.arange(rows),
        ruleset=Column(same(np.int64(0), rows), codes=(compiled.id,)),
        period_from=drawn.period_from[at],
        period_to=drawn.period_to[at],
        columns=columns,
        children={name: _listed(specs, name, children, at) for name, children in drawn.children.items()},
    )


def _laid_out(spec: InputSpec, column: Column, at: Whole) -> Column:
    """Lay some values of a column out as whole numbers of the declared places."""
    if column.codes is not None:
        return replace(column, values=column.values[at], valid=None if column.valid is None else column.valid[at])
    read = read_column(spec, column)
    valid = None if read.given is None else read.given[at]
    if spec.type.kind == "code":
        return Column(np.asarray(read.values, np.int64)[at], valid=valid, codes=spec.type.codes)
    places = spec.type.places if spec.type.kind == "number" else 0
    return Column(read.values[at], places, valid)


def _listed(specs: dict[str, InputSpec], name: str, children: Children, at: Whole) -> Children:
    items, offsets = chosen_items(children.offsets, at)
    columns = {one: _laid_out(specs[f"{name}.{one}"], column, items) for one, column in children.columns.items()}
    return Children(offsets, columns, None if children.valid is None else children.valid[at])


def _ns_per_bill(compiled: Compiled, batch: Rows, rounds: int) -> float:
    plans = Plans(compiled)
    evaluate(compiled, batch, plans=plans)
    taken = []
    for _ in range(rounds):
        start = cpu_seconds()
        billed = evaluate(compiled, batch, plans=plans)
        taken.append((cpu_seconds() - start) / len(billed.kept) * 1e9)
    return statistics.median(taken)


def render(costs: Sequence[Cost]) -> str:
    """Write the costs as a Markdown table, cheapest first, and their sum in a sentence."""
    known = sorted((cost for cost in costs if cost.ns_per_bill == cost.ns_per_bill), key=lambda one: one.ns_per_bill)
    lines = ["| rule set | steps | lists | ns a bill |", "|---|---:|---:|---:|"]
    lines += [f"| {one.ruleset} | {one.steps} | {one.lists or ''} | {one.ns_per_bill:,.0f} |" for one in known]
    median = statistics.median(one.ns_per_bill for one in known)
    wrong, rows = sum(one.wrong for one in costs), sum(one.compared for one in costs)
    return (
        f"{len(known)} rule sets, {ROWS:,} rows each: median {median:,.0f} ns a bill, "
        f"from {known[0].ns_per_bill:,.0f} to {known[-1].ns_per_bill:,.0f}. "
        f"Rows that differ from the reference: {wrong} of {rows:,}.\n\n" + "\n".join(lines)
    )


if __name__ == "__main__":
    print(render(measure()))
