"""Bill rows by columns, in decimals and in integers, and tell every difference.

Takes a rule set and a batch; gives counts of what was billed and refused, and where the evaluator or the scalar do not
agree with the reference: in a refusal's code, field, value, item or words, in a part's days and version, in an amount,
a quantity, a price, what is shown, a total, a ledger, a warning; of the scalar, in the value of any step. There is no
tolerance. `compare_random` draws its own rows and uses several processes.
"""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

import numpy as np

from engine.calendars.days import day_date
from engine.compiler.program import Compiled
from engine.evaluator import decimals
from engine.evaluator.draw import draw
from engine.evaluator.evaluate import Plans, Result, evaluate
from engine.evaluator.interpretation import Value, single
from engine.evaluator.native import Backend
from engine.evaluator.reference import Ran, Reference, Unsound
from engine.evaluator.rows import Children, Column, RowProblem, Rows, whole_text
from engine.evaluator.scalar import Number, Scalar, ScalarBill

CHUNK_ROWS: Final = 10_000  # drawn and billed together by one process
KEPT: Final = 20  # differences that are kept in full
NOTHING: Final = "-"
ITEM: Final = ("axis", "item", "item_time")  # parameters that tell an item of a list


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which two interpreters do not agree, with the row that shows it."""

    row_id: str
    period_from: str
    period_to: str
    given: Mapping[str, str]
    path: str  # energy.2, energy.2.quantity, part 2 energy.2, total, ledger fund, warning surge, refused
    by_columns: str  # "" where the scalar differs from the reference
    in_decimals: str
    in_integers: str = ""  # "" where the evaluator differs from the reference


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of billing rows by each interpreter."""

    ruleset: str
    rows: int = 0
    billed: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)  # by code, as the reference says
    lines: Mapping[str, int] = field(default_factory=dict)  # bills, or parts of bills, that show each line
    warnings: Mapping[str, int] = field(default_factory=dict)  # bills that raise each warning
    different: int = 0  # rows with at least one difference
    differences: tuple[Difference, ...] = ()  # of the first such rows

    def and_(self, other: Comparison) -> Comparison:
        """Add the counts of two comparisons of one rule set."""
        return Comparison(
            self.ruleset,
            self.rows + other.rows,
            self.billed + other.billed,
            dict(Counter(self.refused) + Counter(other.refused)),
            _sum(self.lines, other.lines),
            _sum(self.warnings, other.warnings),
            self.different + other.different,
            (self.differences + other.differences)[:KEPT],
        )


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Add counts, those of zero too: a line that no row showed is worth knowing."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


def compare_random(
    compiled: Compiled,
    count: int,
    seed: int,
    *,
    processes: int = 2,
    told: Callable[[int], None] | None = None,
    backend: Backend = "numpy",
) -> Comparison:
    """Draw rows and bill them by each interpreter.

    Args:
        compiled: the rule set.
        count: rows; 1,000,000 take some minutes.
        seed: the same seed draws the same rows, whatever the number of processes.
        processes: 1: in this one. More are spawned, so this may be called from a program with threads.
        told: called with the number of rows after each chunk.
        backend: of the columns.
    """
    sizes = [min(CHUNK_ROWS, count - start) for start in range(0, count, CHUNK_ROWS)]
    tasks = [(seed + at * 1_000_003, size) for at, size in enumerate(sizes)]
    total = Comparison(compiled.id)
    for part in _parts(compiled, tasks, processes, backend):
        total = total.and_(part)
        if told is not None:
            told(part.rows)
    return total


def _parts(compiled: Compiled, tasks: list[tuple[int, int]], processes: int, backend: Backend) -> Iterator[Comparison]:
    if processes == 1 or len(tasks) < 2:
        plans = Plans(compiled, backend)
        for seed, size in tasks:
            yield compare(compiled, draw(compiled, size, seed), plans)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(processes, len(tasks))) as pool:
        yield from pool.imap(_chunk, ((compiled, seed, size, backend) for seed, size in tasks))


def _chunk(task: tuple[Compiled, int, int, Backend]) -> Comparison:
    compiled, seed, size, backend = task
    return compare(compiled, draw(compiled, size, seed), Plans(compiled, backend))


def compare(compiled: Compiled, rows: Rows, plans: Plans | None = None) -> Comparison:
    """Bill a batch by each interpreter.

    Args:
        compiled: the rule set of every row.
        rows: columns as the evaluator takes them; the others read the same columns value by value.
        plans: of the columns; None: in numpy.
    """
    result = evaluate(compiled, rows, details=True, plans=plans)
    if plans is not None and plans.backend == "native":
        # Where one row is refused, numpy may have billed others too: those that are billed come again by themselves.
        again = evaluate(compiled, rows, positions=result.kept, details=True, plans=plans)
        result = replace(again, received=result.received, positions=result.kept, problems=result.problems)
    outcomes = _Outcomes(compiled, result)
    reference, scalar = Reference(compiled), Scalar(compiled)
    names, columns = list(rows.columns), [plain(column) for column in rows.columns.values()]
    lists = {name: plain_list(compiled, name, children) for name, children in rows.children.items()}
    refused: Counter[str] = Counter()
    different = 0
    kept: list[Difference] = []
    periods = zip(rows.period_from.tolist(), rows.period_to.tolist(), strict=True)
    for at, (first, end) in enumerate(periods):
        row = {name: column[at] for name, column in zip(names, columns, strict=True)}
        row |= {name: of(at) for name, of in lists.items()}
        ran: Ran | RowProblem | str
        try:
            ran = reference.run(row, period_from=first, period_to=end, row_id=rows.row_id[at], position=at)
        except (Unsound, ArithmeticError) as fault:
            ran = f"{type(fault).__name__}: {fault}"
        if isinstance(ran, RowProblem):
            refused[ran.code] += 1
        found: list[tuple[str, ...]] = list(outcomes.differences(at, ran))
        if not isinstance(ran, str):
            # Every other row comes in the scalar's own numbers.
            own = {name: as_numbers(value) for name, value in row.items()} if at % 2 else row
            made = _scalar_bill(scalar, own, first, end, rows.row_id[at], at)
            found += [(path, "", *values) for path, *values in _differing(compiled, ran, made)]
        different += bool(found)
        if found and len(kept) < KEPT:
            given = {name: _written(value) for name, value in row.items() if value is not None}
            days = day_text(first), day_text(end)
            kept += [Difference(str(rows.row_id[at]), *days, given, *one) for one in found]
    shown = {line.id: int(outcomes.shown(line.id).sum()) for line in compiled.program.lines}
    raised = {name: int(mask.sum()) for name, mask in result.warnings.items()}
    billed = len(rows) - sum(refused.values())
    return Comparison(compiled.id, len(rows), billed, dict(refused), shown, raised, different, tuple(kept[:KEPT]))


def _scalar_bill(
    scalar: Scalar, row: Mapping[str, object], first: int, end: int, row_id: object, at: int
) -> tuple[ScalarBill, Ran] | RowProblem | str:
    try:
        made = scalar.bill(row, period_from=first, period_to=end, row_id=row_id, position=at)
        return made if isinstance(made, RowProblem) else (made, made.to_ran())
    except (Unsound, ArithmeticError) as fault:
        return f"{type(fault).__name__}: {fault}"


def _differing(
    compiled: Compiled, ran: Ran | RowProblem, made: tuple[ScalarBill, Ran] | RowProblem | str
) -> Iterator[tuple[str, str, str]]:
    """Give path, value in decimals and value in integers of the first thing in which the scalar differs."""
    in_decimals = _said(ran) if isinstance(ran, RowProblem) else "billed"
    if isinstance(made, str):
        yield "fault", in_decimals, made
    elif isinstance(made, RowProblem):
        if made != ran:
            yield "refused", in_decimals, _said(made)
    elif isinstance(ran, RowProblem):
        yield "refused", in_decimals, "billed"
    elif made[1] != ran:
        if made[1].admitted != ran.admitted:
            yield "read", str(ran.admitted), str(made[1].admitted)
        for part, (values, others) in enumerate(zip(ran.parts, made[1].parts, strict=True), 1):
            for at, (value, other) in enumerate(zip(values, others, strict=True)):
                if value != other:
                    step = compiled.program.steps[at]
                    yield f"part {part} step {at} {step.primitive}", str(value), str(other)
                    return


def as_numbers(value: object) -> object:
    """Give decimals as the scalar's numbers, in lists too."""
    if isinstance(value, Decimal) and value.is_finite():
        sign, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)
        whole = int("".join(map(str, digits)))
        return Number(-whole if sign else whole, -exponent)
    if isinstance(value, dict):
        return {name: as_numbers(one) for name, one in value.items()}
    return [as_numbers(one) for one in value] if isinstance(value, list) else value


def day_text(day: int) -> str:
    """Write a day since 1970-01-01; far outside the calendar, its number."""
    try:
        return day_date(day).isoformat()
    except OverflowError:
        return str(day)


def plain(column: Column) -> list[object]:
    """Give a column's values as one row would give them: decimals, text, truths, days, None."""
    came = column.values.tolist()
    values: list[object] = came
    if column.codes is not None:
        values = [column.codes[at] for at in came]
    elif column.values.dtype.kind == "M":
        values = column.values.astype(np.int64).tolist()
    elif column.values.dtype.kind == "f":
        # The shortest decimal that reads as the same float is the one that was meant.
        values = [Decimal(repr(value)) for value in came]
    elif column.values.dtype.kind in "iu" and column.places:
        values = [Decimal(whole_text(value, column.places)) for value in came]
    if column.valid is None:
        return values
    return [value if there else None for value, there in zip(values, column.valid.tolist(), strict=True)]


def plain_list(compiled: Compiled, name: str, children: Children) -> Callable[[int], object]:
    """Give a list as one row would give it: an interval list by columns, any other by items; None where absent."""
    children = children.by_row()
    columns = {key: plain(column) for key, column in children.columns.items()}
    offsets = children.offsets.tolist()
    valid = None if children.valid is None else children.valid.tolist()
    by_columns = any(axis.name == name and axis.minutes for axis in compiled.program.axes)

    def of(row: int) -> object:
        if valid is not None and not valid[row]:
            return None
        start, end = offsets[row], offsets[row + 1]
        own = {key: column[start:end] for key, column in columns.items()}
        if by_columns:
            return own
        return [{key: column[at] for key, column in own.items()} for at in range(end - start)]

    return of


def _written(value: object) -> str:
    """Write a value as it may be given again; a list as JSON."""
    if not isinstance(value, dict | list):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=lambda one: one if isinstance(one, bool) else str(one))


Values = np.ndarray[tuple[int, ...], np.dtype[np.int64 | np.bool_]]


class _Outcomes:
    """The evaluator's result, by row, beside the reference's."""

    def __init__(self, compiled: Compiled, result: Result) -> None:
        self.program = compiled.program
        self.result = result
        self.billed = {row: at for at, row in enumerate(result.kept.tolist())}
        self.problems = {problem.row: problem for problem in result.problems}
        self.offsets = None if result.offsets is None else result.offsets.tolist()
        self.parts = [(path, step, shown, column.tolist()) for path, step, shown, column in self._columns_of_parts()]
        self.rows = [(path, step, shown, column.tolist()) for path, step, shown, column in self._columns_of_rows()]
        self.spans = list(
            zip(result.period_from.tolist(), result.period_to.tolist(), result.version.tolist(), strict=True)
        )

    def shown(self, line_id: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Give which bills, or parts of bills, show a line."""
        mask = self.result.shown.get(line_id)
        return np.ones(len(self.result.version), np.bool_) if mask is None else mask

    def _columns_of_parts(self) -> Iterator[tuple[str, int, int | None, Values]]:
        """Give each column by part: its path, its step, the step that says whether it counts."""
        result, program = self.result, self.program
        for line in program.lines:
            if line.shown is not None:
                yield f"{line.id} shown", line.shown, None, result.shown[line.id]
            yield line.id, line.amount, line.shown, result.amounts[line.id]
            if line.quantity is not None:
                yield f"{line.id}.quantity", line.quantity, line.shown, result.quantities[line.id]
            if line.price is not None:
                yield f"{line.id}.price", line.price, line.shown, result.prices[line.id]

    def _columns_of_rows(self) -> Iterator[tuple[str, int, int | None, Values]]:
        """Give each column by row. Money is summed over parts; a warning, score or segment is that of the last."""
        result, program = self.result, self.program
        for score in program.scores:
            yield f"score {score.id}", program.names[score.id], None, result.scores[score.id]
        for segment in program.segments:
            yield f"segment {segment.id}", program.names[segment.id], None, result.segments[segment.id]
        for warning in program.warnings:
            yield f"warning {warning.id}", warning.when, None, result.warnings[warning.id]
            for name, step in warning.values:
                values = result.warning_values[warning.id][name]
                yield f"warning {warning.id} {{{name}}}", step, warning.when, values

    def differences(self, row: int, ran: Ran | RowProblem | str) -> Iterator[tuple[str, str, str]]:
        """Give path, value by columns and value in decimals of all that differs in a row."""
        problem, at = self.problems.get(row), self.billed.get(row)
        by_columns = "billed" if problem is None else _said(problem)
        if isinstance(ran, str):
            yield "fault", by_columns, ran
        elif isinstance(ran, RowProblem):
            if by_columns != _said(ran):
                yield "refused", by_columns, _said(ran)
        elif at is None:
            yield "refused", by_columns, "billed"
        else:
            yield from self._billed(at, ran)

    def _billed(self, at: int, ran: Ran) -> Iterator[tuple[str, str, str]]:
        start, end = (at, at + 1) if self.offsets is None else self.offsets[at : at + 2]
        spans = [(part.first, part.end, part.version) for part in ran.admitted.parts]
        if self.spans[start:end] != spans:
            yield "parts", str(self.spans[start:end]), str(spans)
            return
        for number, values in enumerate(ran.parts):
            before = f"part {number + 1} " if len(ran.parts) > 1 else ""
            for path, by_columns, in_decimals in self._values(self.parts, start + number, values):
                yield before + path, by_columns, in_decimals
        yield from self._values(self.rows, at, ran.parts[-1])
        sums = [("total", self.program.total, self.result.total)]
        sums += [(f"ledger {code}", step, self.result.ledgers[code]) for code, step in self.program.ledgers]
        for path, step, column in sums:
            places = self.program.steps[step].type.places
            value = sum((single(values[step]) for values in ran.parts), decimals.ZERO)
            if decimals.to_whole(value, places) != column[at]:
                yield path, whole_text(int(column[at]), places), f"{value:f}"

    def _values(
        self, columns: Sequence[tuple[str, int, int | None, list[int]]], at: int, values: Sequence[Value]
    ) -> Iterator[tuple[str, str, str]]:
        for path, step, condition, column in columns:
            if condition is not None and not values[condition]:
                continue
            of, value = self.program.steps[step].type, single(values[step])
            whole = decimals.to_whole(value, of.places)
            if whole != column[at]:
                yield path, whole_text(int(column[at]), of.places), f"{value:f}"


def _said(problem: RowProblem) -> str:
    item = "".join(f" {name} {problem.parameters[name]}" for name in ITEM if name in problem.parameters)
    return f"{problem.code} {problem.field}{item} {problem.value or NOTHING}: {problem.reason}"
