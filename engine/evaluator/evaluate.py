"""Bill a batch: columns in, amounts out, each row billed or refused with its reason.

    door (checks) -> plan (calls and registers) -> run (blocks, threads) -> result

The reference (`engine.evaluator.reference`) gives the same amounts and refuses the same rows, one row at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from engine.compiler.program import ROW, Compiled, Program, Refusal
from engine.evaluator import silence
from engine.evaluator.clock import axis_clock, laid_out, time_text
from engine.evaluator.door import Door, admit
from engine.evaluator.family import Family, Members
from engine.evaluator.items import chosen_items
from engine.evaluator.native import Backend, require_backend
from engine.evaluator.refuse import refused_by
from engine.evaluator.rows import Array, Mask, RowProblem, Rows, Whole, value_text
from engine.evaluator.run import Workers, run
from engine.evaluator.worker import AT_THE_DOOR, NOT_REFUSED, Table

BLOCK_ROWS = 24576  # a register is then 192 KiB, and those in use stay in the second-level cache
# Threads hand the interpreter to each other between numpy calls, and waking one takes as long as a short call.
THREADED_ROWS = 65536


@dataclass(frozen=True)
class Result:
    """The bills of a batch. received = billed + refused, always. Axis `row` holds the billed rows, in batch order.

    Axis `part` holds the parts of the billed rows, those of a row behind one another; where no row has several, it is
    the axis `row`.

    Attributes:
        received: rows that came.
        positions: shape (row,) position in the batch of each billed row; None: every row is billed.
        version: shape (part,) position in `compiled.constants.versions`.
        amounts: line id -> shape (part,) int64, whole numbers of the line's places (`program.steps[line.amount].type`).
            Lines with `money` are what adds up to the total; it says nothing where the line is not shown.
        shown: line id -> shape (part,), of lines that do not always appear.
        total: shape (row,) int64.
        ledgers: ledger code -> shape (row,) int64.
        quantities: line id -> shape (part,) int64; with `details`, of lines that have one.
        prices: likewise.
        warnings: warning id -> shape (row,), whether it is raised: whether a row's last part raises it.
        warning_values: warning id -> name in its message -> shape (row,); with `details`.
        steps: step -> shape (part,); of the names that were asked for besides.
        scores: score id -> shape (row,) int64, whole numbers of the step's places.
        segments: segment id -> shape (row,) int64, positions in its classes.
        problems: one for each refused row, by position in the batch.
        period_from: shape (part,) int64 [day since 1970-01-01], first day of each part.
        period_to: shape (part,) int64 [day since 1970-01-01], the day after its last.
        offsets: shape (row + 1,) int64, first part of each row; None: every row is one part.
    """

    received: int
    positions: Whole | None
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
    period_from: Whole
    period_to: Whole
    offsets: Whole | None = None
    steps: Mapping[int, Array] = field(default_factory=dict)
    scores: Mapping[str, Whole] = field(default_factory=dict)
    segments: Mapping[str, Whole] = field(default_factory=dict)

    @cached_property
    def kept(self) -> Whole:
        """Shape (row,): position in the batch of each billed row."""
        return np.arange(self.received) if self.positions is None else self.positions

    @property
    def row(self) -> Whole:
        """Shape (part,): the row of each part."""
        rows = np.arange(len(self.total))
        return rows if self.offsets is None else np.repeat(rows, np.diff(self.offsets))


@dataclass
class Plans:
    """The plans of one rule set with their scratch, made when first wanted.

    Keep one to bill many batches: a small one then takes a fraction of the time. Threads may share it.

    Attributes:
        backend: `native` has what goes over rows one by one in machine code; results are the same.
        native_rows_min: rows and items of one plan that have to come before it is compiled; numpy bills them.
    """

    compiled: Compiled
    backend: Backend = "numpy"
    native_rows_min: int = 0
    _made: dict[tuple[frozenset[int], Backend], Workers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_backend(self.backend)

    @cached_property
    def alone(self) -> Members:
        """The rule set as the one member of a family, which keeps its days laid out from batch to batch."""
        return Members(Family.alone(self.compiled), None)

    @cached_property
    def asked(self) -> tuple[frozenset[str], ...]:
        """For each warning, the inputs without which it is not raised."""
        return silence.asked(self.compiled.program)

    def of(self, outputs: Iterable[int], backend: Backend | None = None) -> Workers:
        """Give the plan that stores these steps; `backend`: None: that of the plans."""
        key = (frozenset(outputs), backend or self.backend)
        if key not in self._made:
            self._made[key] = Workers(self.compiled.program, self.compiled.constants, *key, self.native_rows_min)
        return self._made[key]

    def native_share(self) -> tuple[int, int]:
        """Count the instructions that are in machine code, and all, of the plans that were compiled."""
        made = [one for workers in self._made.values() for one in workers.natives.values()]
        return sum(one.native for one in made), sum(one.instructions for one in made)


def evaluate(
    compiled: Compiled,
    rows: Rows,
    *,
    positions: Whole | None = None,
    pass_through: Collection[str] = (),
    threads: int = 1,
    block_rows: int | None = None,
    details: bool = False,
    totals_only: bool = False,
    plans: Plans | None = None,
    backend: Backend = "numpy",
    members: Members | None = None,
    besides: Collection[str] = (),
) -> Result:
    """Bill rows of one rule set, or of one family.

    Args:
        compiled: the rule set; of a family its `compiled`.
        rows: a batch.
        positions: shape (row,) ascending positions of the rows to bill; None: all.
        pass_through: columns of the batch that nothing reads.
        threads: of this process.
        block_rows: rows a block; fewer cost more calls, more leave the cache. None: what is best for so many threads.
        details: also quantities, prices and the values in warnings' messages.
        totals_only: only the total; amounts, ledgers, warnings, scores stay empty.
        plans: of this rule set, from an earlier batch.
        backend: where there are no plans, which have their own.
        members: of a family, by row of the batch. Refusals are told by each row's own.
        besides: quantities, by name, that are wanted besides; a rule set that has none of a name gives none.

    Raises:
        UnknownColumns: a column is neither an input nor passed through.
        TooWide: a rule set that the compiler should have refused.
        NoNative: numba is not installed.
        ValueError: an argument is not what it may be: threads, block_rows, backend, plans of another rule set.
    """
    plans = Plans(compiled, backend) if plans is None else plans
    of = plans.alone if members is None else members
    return evaluate_admitted(
        compiled,
        rows,
        admit(compiled, rows, positions, pass_through=pass_through, look=False, members=of),
        threads=threads,
        block_rows=block_rows,
        details=details,
        totals_only=totals_only,
        plans=plans,
        members=members,
        besides=besides,
    )


def evaluate_admitted(
    compiled: Compiled,
    rows: Rows,
    door: Door,
    *,
    threads: int = 1,
    block_rows: int | None = None,
    details: bool = False,
    totals_only: bool = False,
    plans: Plans | None = None,
    members: Members | None = None,
    besides: Collection[str] = (),
) -> Result:
    """Bill what the door let in; as `evaluate`."""
    if block_rows is None:
        block_rows = _block_rows(len(door.version), threads)
    if threads < 1 or block_rows < 1:
        raise ValueError(f"threads and block_rows are 1 or more; came {threads} and {block_rows}")
    if plans is not None and plans.compiled is not compiled:
        raise ValueError(f"the plans are of {plans.compiled.id}; came the rule set {compiled.id}")
    plans = Plans(compiled) if plans is None else plans
    program = compiled.program
    every = _outputs(compiled, details=details, totals_only=totals_only)
    silent = frozenset() if totals_only else silence.silent(plans.asked, rows, door.given)
    outputs = _outputs(compiled, details=details, totals_only=totals_only, silent=silent) if silent else {*every}
    wanted = _named_steps((compiled,) if members is None else members.family.members, besides)
    outputs |= wanted
    table = _table(plans, outputs, door, threads, block_rows)
    problems = door.problems
    columns: Mapping[int, Array] = table.outputs
    version, positions, offsets = door.version, door.positions, door.offsets
    days = (door.inputs["period_from"], door.inputs["period_to"])
    if table.refusal is not None:
        refusal = _of_rows(table.refusal, offsets)
        at = np.flatnonzero(refusal == NOT_REFUSED)
        parts = at
        if offsets is not None:
            parts, offsets = chosen_items(offsets, at)
        positions, version, days = door.kept[at], version[parts], (days[0][parts], days[1][parts])
        columns = {step: values[parts] for step, values in columns.items()}
        found = _turned_away(compiled, rows, door.kept[refusal == AT_THE_DOOR], members)
        found += _problems(plans, rows, door, table.refusal, np.flatnonzero(refusal >= 0), block_rows, members)
        problems = tuple(sorted((*problems, *found), key=lambda one: one.row))
    columns = {**columns, **{step: np.zeros(len(version), _dtype(program, step)) for step in every - outputs}}
    billed = len(version) if offsets is None else len(offsets) - 1
    if len(version) == billed:
        offsets = None
    assert billed + len(problems) == door.received, f"{door.received} came, {billed} billed, {len(problems)} not"
    lines = () if totals_only else program.lines
    warnings = () if totals_only else program.warnings
    return Result(
        received=door.received,
        positions=positions,
        version=version,
        period_from=days[0],
        period_to=days[1],
        offsets=offsets,
        amounts={line.id: columns[line.amount] for line in lines},
        shown={line.id: columns[line.shown] for line in lines if line.shown is not None},
        total=_summed(columns[program.total], offsets),
        ledgers={} if totals_only else {code: _summed(columns[step], offsets) for code, step in program.ledgers},
        quantities={line.id: columns[line.quantity] for line in lines if details and line.quantity is not None},
        prices={line.id: columns[line.price] for line in lines if details and line.price is not None},
        warnings={warning.id: _last(columns[warning.when], offsets) for warning in warnings},
        warning_values={
            warning.id: {name: _last(columns[step], offsets) for name, step in warning.values}
            for warning in warnings
            if details
        },
        problems=problems,
        steps={step: columns[step] for step in wanted},
        scores={}
        if totals_only
        else {one.id: _last(columns[program.names[one.id]], offsets) for one in program.scores},
        segments={}
        if totals_only
        else {one.id: _last(columns[program.names[one.id]], offsets) for one in program.segments},
    )


def _named_steps(members: Iterable[Compiled], names: Collection[str]) -> set[int]:
    """Steps of a row that hold what rule sets call by these names."""
    programs = [one.program for one in members] if names else []
    found = {one.names[name] for one in programs for name in names if name in one.names}
    return {step for step in found if programs[0].steps[step].type.axis == ROW}


def _block_rows(rows: int, threads: int) -> int:
    """How many rows a block has: enough for each thread, as long as there are enough rows."""
    if threads <= 1:
        return BLOCK_ROWS
    return max(BLOCK_ROWS, min(THREADED_ROWS, -(-rows // threads)))


def _of_rows(refusal: Array, offsets: Whole | None) -> Array:
    """The refusal of each row: of those of its parts the first in the order of the program."""
    if offsets is None:
        return refusal
    if (refusal == NOT_REFUSED).all():
        return refusal[: len(offsets) - 1]
    return refusal[_first_refused(refusal, offsets)]


def _turned_away(compiled: Compiled, rows: Rows, positions: Whole, members: Members | None) -> list[RowProblem]:
    """Say what is wrong with rows that have a value out of its bounds: the door looks at them alone."""
    if not len(positions):
        return []
    of_lists = {f"{name}.{one}" for name, children in rows.children.items() for one in children.columns}
    unread = {*rows.columns, *rows.children, *of_lists}
    door = admit(compiled, rows, positions, pass_through=unread, members=members)
    assert len(door.problems) == len(positions), f"{len(positions)} rows out of bounds, {len(door.problems)} refused"
    return list(door.problems)


def _first_refused(refusal: Array, offsets: Whole) -> Whole:
    """The part of each row that is refused first in the order of the program; of a row with none, its first part."""
    parts = len(refusal)
    last = np.int64(np.iinfo(np.int32).max)
    order = np.where(refusal == NOT_REFUSED, last, refusal.astype(np.int64)) * parts + np.arange(parts)
    found: Whole = np.minimum.reduceat(order, offsets[:-1]) % parts
    return found


def _summed(values: Whole, offsets: Whole | None) -> Whole:
    """A value of parts summed over each row."""
    return values if offsets is None else np.add.reduceat(values, offsets[:-1])


def _last(values: Array, offsets: Whole | None) -> Array:
    """A value of each row's last part."""
    return values if offsets is None else values[offsets[1:] - 1]


def _outputs(compiled: Compiled, *, details: bool, totals_only: bool, silent: Collection[int] = ()) -> set[int]:
    """Steps that a result holds, but for those of warnings that are silent, by position."""
    program = compiled.program
    found = {program.total}
    if totals_only:
        return found
    warnings = [warning for at, warning in enumerate(program.warnings) if at not in silent]
    found |= {step for _, step in program.ledgers} | {warning.when for warning in warnings}
    found |= set(program.profile)
    for line in program.lines:
        wanted = (line.amount, line.shown, *((line.quantity, line.price) if details else ()))
        found |= {step for step in wanted if step is not None}
    if details:
        found |= {step for warning in warnings for _, step in warning.values}
    return found


def _dtype(program: Program, step: int) -> type[np.generic]:
    return np.bool_ if program.steps[step].type.kind == "boolean" else np.int64


def _table(
    plans: Plans, outputs: Iterable[int], door: Door, threads: int, block_rows: int, backend: Backend | None = None
) -> Table:
    """Compute steps of the rows admitted; `backend`: None: that of the plans."""
    program, steps = plans.compiled.program, plans.compiled.program.steps
    made = plans.of(outputs, backend)
    dtypes = {step: _dtype(program, step) for step in outputs}
    on_lists = {step: steps[step].type.axis for step in outputs if steps[step].type.axis != ROW}
    items = {step: int(door.lists[axis][-1]) for step, axis in on_lists.items()}
    table = Table(len(door.version), dtypes, made.pool, items)
    run(
        made,
        door.inputs,
        door.given,
        door.version,
        table,
        threads=threads,
        block_rows=block_rows,
        lists=door.lists,
        bills=door.offsets,
        unchecked=door.unchecked,
    )
    return table


def _problems(
    plans: Plans,
    rows: Rows,
    door: Door,
    refusals: Array,
    refused: Whole,
    block_rows: int,
    members: Members | None,
) -> list[RowProblem]:
    """Say why rows were refused, with the values that the reasons name: those are computed for these rows alone."""
    if not len(refused):
        return []
    program = plans.compiled.program
    refusals = refusals[refused if door.offsets is None else chosen_items(door.offsets, refused)[0]]
    door = door.some(refused)
    numbers = np.arange(len(refused))
    parts = numbers if door.offsets is None else _first_refused(refusals, door.offsets)
    first_parts = numbers if door.offsets is None else door.offsets[:-1]
    wanted = set()
    for which in set(refusals[parts].tolist()):
        refusal = program.refusals[which]
        wanted |= {step for _, step in refusal.values} | ({refusal.items[1]} if refusal.items else set())
    # Of a few rows; other values another time. Nothing is compiled for them.
    values = _table(plans, wanted, door, 1, block_rows, "numpy").outputs if wanted else {}
    found = []
    for number, part in enumerate(parts.tolist()):
        row = int(door.kept[number])
        own = program if members is None else members.own(row).program
        refusal = own.refusals[int(refusals[part])]
        telling = _Telling(program, door, values, int(first_parts[number]), part, refusal)
        found.append(refused_by(refusal, row, rows.row_id[row], telling.texts(), telling.item()))
    return found


class _Telling:
    """What a refusal names, of one part of a row."""

    def __init__(
        self,
        program: Program,
        door: Door,
        values: Mapping[int, Array],
        first_part: int,
        part: int,
        refusal: Refusal,
    ) -> None:
        self.program = program
        self.door = door
        self.values = values
        self.first_part = first_part
        self.part = part
        self.refusal = refusal
        self.failing = 0  # position among all items; what holds for every item is told of the first
        if refusal.items is not None:
            axis, condition = refusal.items
            start, end = (int(at) for at in door.lists[axis][part : part + 2])
            assert start < end, f"{axis} has no item that could fail"
            self.failing = start + int(np.argmin(values[condition][start:end]))

    def texts(self) -> dict[str, str]:
        """The values that the message names."""
        found = {}
        for name, step in self.refusal.values:
            of = self.program.steps[step].type
            at = self.part if of.axis == ROW else self.failing
            found[name] = value_text(int(self.values[step][at]), of)
        return found

    def item(self) -> dict[str, str] | None:
        """Which item fails: its number in the row's list, and the time of an interval."""
        if self.refusal.items is None:
            return None
        axis = next(one for one in self.program.axes if one.name == self.refusal.items[0])
        # The parts of a row share out an interval list; any other list is in each part as a whole.
        first = int(self.door.lists[axis.name][self.first_part if axis.minutes else self.part])
        told = {"item": str(self.failing - first + 1), "axis": axis.name}
        if axis.minutes:
            days = (int(self.door.inputs[name][self.part]) for name in ("period_from", "period_to"))
            clock = axis_clock(self.program, axis, *days)
            interval = self.failing - int(self.door.lists[axis.name][self.part])
            told["item_time"] = time_text(clock, laid_out(self.program.timelines[axis.clock], clock), interval)
        return told
