"""Bill a batch: columns in, amounts out, each row billed or refused with its reason.

    door (checks) -> plan (calls and registers) -> run (blocks, threads) -> result

The reference (`engine.evaluator.reference`) gives the same amounts and refuses the same rows, one row at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.compiler.program import Compiled
from engine.evaluator.door import Door, admit
from engine.evaluator.refuse import refused_by
from engine.evaluator.rows import Array, Mask, RowProblem, Rows, Whole, value_text
from engine.evaluator.run import Workers, run
from engine.evaluator.worker import NOT_REFUSED, Table

BLOCK_ROWS = 16384  # a register is then 128 KiB, and a program's registers stay in the second-level cache


@dataclass(frozen=True)
class Result:
    """The bills of a batch. received = billed + refused, always. Axis `row` holds the billed rows, in batch order.

    Attributes:
        received: rows that came.
        kept: shape (row,) position in the batch of each billed row.
        version: shape (row,) position in `compiled.constants.versions`.
        amounts: line id -> shape (row,) int64, whole numbers of the line's places (`program.steps[line.amount].type`).
            Lines with `money` are what adds up to the total; it says nothing where the line is not shown.
        shown: line id -> shape (row,), of lines that do not always appear.
        total: shape (row,) int64.
        ledgers: ledger code -> shape (row,) int64.
        quantities: line id -> shape (row,) int64; with `details`, of lines that have one.
        prices: likewise.
        warnings: warning id -> shape (row,), whether it is raised.
        warning_values: warning id -> name in its message -> shape (row,); with `details`.
        problems: one for each refused row, by position in the batch.
    """

    received: int
    kept: Whole
    version: Whole
    amounts: Mapping[str, Whole]
    shown: Mapping[str, Mask]
    total: Whole
    ledgers: Mapping[str, Whole]
    quantities: Mapping[str, Whole]
    prices: Mapping[str, Whole]
    warnings: Mapping[str, Mask]
    warning_values: Mapping[str, Mapping[str, Array]]
    problems: tuple[RowProblem, ...]


@dataclass
class Plans:
    """The plans of one rule set with their scratch, made when first wanted.

    Keep one to bill many batches: a small one then takes a fraction of the time. Threads may share it.
    """

    compiled: Compiled
    _made: dict[frozenset[int], Workers] = field(default_factory=dict)

    def of(self, outputs: Iterable[int]) -> Workers:
        """Give the plan that stores these steps."""
        key = frozenset(outputs)
        if key not in self._made:
            self._made[key] = Workers(self.compiled.program, self.compiled.constants, key)
        return self._made[key]


def evaluate(
    compiled: Compiled,
    rows: Rows,
    *,
    positions: Whole | None = None,
    pass_through: Collection[str] = (),
    threads: int = 1,
    block_rows: int = BLOCK_ROWS,
    details: bool = False,
    totals_only: bool = False,
    plans: Plans | None = None,
) -> Result:
    """Bill rows of one rule set.

    Args:
        compiled: the rule set.
        rows: a batch.
        positions: shape (row,) ascending positions of the rows to bill; None: all.
        pass_through: columns of the batch that nothing reads.
        threads: of this process.
        block_rows: rows a block; fewer cost more calls, more leave the cache.
        details: also quantities, prices and the values in warnings' messages.
        totals_only: only the total; amounts, ledgers and warnings stay empty.
        plans: of this rule set, from an earlier batch.

    Raises:
        UnknownColumns: a column is neither an input nor passed through.
        TooWide: a rule set that the compiler should have refused.
    """
    return evaluate_admitted(
        compiled,
        rows,
        admit(compiled, rows, positions, pass_through=pass_through),
        threads=threads,
        block_rows=block_rows,
        details=details,
        totals_only=totals_only,
        plans=plans,
    )


def evaluate_admitted(
    compiled: Compiled,
    rows: Rows,
    door: Door,
    *,
    threads: int = 1,
    block_rows: int = BLOCK_ROWS,
    details: bool = False,
    totals_only: bool = False,
    plans: Plans | None = None,
) -> Result:
    """Bill what the door let in; as `evaluate`."""
    if threads < 1 or block_rows < 1:
        raise ValueError(f"threads and block_rows are 1 or more; came {threads} and {block_rows}")
    if plans is not None and plans.compiled is not compiled:
        raise ValueError(f"the plans are of {plans.compiled.id}; came the rule set {compiled.id}")
    plans = Plans(compiled) if plans is None else plans
    outputs = _outputs(compiled, details=details, totals_only=totals_only)
    table = _table(plans, outputs, door, None, threads, block_rows)
    billed = table.refusal == NOT_REFUSED
    problems = door.problems
    if billed.all():
        kept, version, columns = door.kept, door.version, table.outputs
    else:
        at = np.flatnonzero(billed)
        kept, version = door.kept[at], door.version[at]
        columns = {step: values[at] for step, values in table.outputs.items()}
        refused = np.flatnonzero(~billed)
        found = _problems(plans, rows, door, table.refusal[refused], refused, block_rows)
        problems = tuple(sorted((*problems, *found), key=lambda one: one.row))
    assert len(kept) + len(problems) == door.received, f"{door.received} came, {len(kept)} billed, {len(problems)} not"
    program = compiled.program
    lines = () if totals_only else program.lines
    warnings = () if totals_only else program.warnings
    return Result(
        received=door.received,
        kept=kept,
        version=version,
        amounts={line.id: columns[line.amount] for line in lines},
        shown={line.id: columns[line.shown] for line in lines if line.shown is not None},
        total=columns[program.total],
        ledgers={} if totals_only else {code: columns[step] for code, step in program.ledgers},
        quantities={line.id: columns[line.quantity] for line in lines if details and line.quantity is not None},
        prices={line.id: columns[line.price] for line in lines if details and line.price is not None},
        warnings={warning.id: columns[warning.when] for warning in warnings},
        warning_values={
            warning.id: {name: columns[step] for name, step in warning.values} for warning in warnings if details
        },
        problems=problems,
    )


def _outputs(compiled: Compiled, *, details: bool, totals_only: bool) -> set[int]:
    """Steps that a result holds."""
    program = compiled.program
    found = {program.total}
    if totals_only:
        return found
    found |= {step for _, step in program.ledgers} | {warning.when for warning in program.warnings}
    for line in program.lines:
        wanted = (line.amount, line.shown, *((line.quantity, line.price) if details else ()))
        found |= {step for step in wanted if step is not None}
    if details:
        found |= {step for warning in program.warnings for _, step in warning.values}
    return found


def _table(plans: Plans, outputs: Iterable[int], door: Door, at: Whole | None, threads: int, block_rows: int) -> Table:
    """Compute steps of the rows admitted, or of some of them."""
    steps = plans.compiled.program.steps
    made = plans.of(outputs)
    dtypes: dict[int, type[np.generic]] = {
        step: np.bool_ if steps[step].type.kind == "boolean" else np.int64 for step in outputs
    }
    inputs, given, version = door.inputs, door.given, door.version
    if at is not None:
        inputs = {name: values[at] for name, values in inputs.items()}
        given = {name: values[at] for name, values in given.items()}
        version = version[at]
    table = Table(len(version), dtypes, made.pool)
    run(made, inputs, given, version, table, threads=threads, block_rows=block_rows)
    return table


def _problems(
    plans: Plans, rows: Rows, door: Door, refusals: Array, refused: Whole, block_rows: int
) -> list[RowProblem]:
    """Say why rows were refused, with the values that the reasons name: those are computed for these rows alone."""
    program = plans.compiled.program
    wanted = {step for which in set(refusals.tolist()) for _, step in program.refusals[which].values}
    values = _table(plans, wanted, door, refused, 1, block_rows).outputs if wanted else {}
    found = []
    for place, (which, row) in enumerate(zip(refusals.tolist(), door.kept[refused].tolist(), strict=True)):
        refusal = program.refusals[which]
        texts = {name: value_text(int(values[step][place]), program.steps[step].type) for name, step in refusal.values}
        found.append(refused_by(refusal, row, rows.row_id[row], texts))
    return found
