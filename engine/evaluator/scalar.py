"""One bill alone, fast: a program run as generated Python over whole numbers.

The third interpreter. It knows the way to a bill and no other: where its door or a `require` says no, the reference is
asked with the same row, so that a refusal has one wording. Takes the values of one row; gives a bill whose amounts are
whole numbers, or why there is none. What a bill in decimals says, with the value of every step, is worked out when it
is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import date
from functools import cache, cached_property, lru_cache
from itertools import accumulate
from types import FunctionType
from typing import Any, Final, NamedTuple

from engine.compiler.program import Compiled, Line
from engine.evaluator import scalar_arithmetic, scalar_door
from engine.evaluator.reference import Bill, RaisedWarning, Ran, Reference, filled
from engine.evaluator.rows import RowProblem, value_text
from engine.evaluator.scalar_arithmetic import QUOTIENTS, ROOTS
from engine.evaluator.scalar_door import Number as Number
from engine.evaluator.scalar_door import Span
from engine.evaluator.scalar_ran import ran_of
from engine.evaluator.scalar_rules import Exchange
from engine.evaluator.scalar_source import Bound, Layout, Source, layout_of, read_source, run_source
from engine.evaluator.soundness import Unsound

LineValues = tuple[int, int, int | None, int | None]
"""A shown line: its position in Program.lines; amount, quantity and price as whole numbers of their steps' places."""
Raised = tuple[int, tuple[Any, ...]]
"""A raised warning: its position in Program.warnings, and the values that its message names."""


class ScalarPart(NamedTuple):
    """One part of a row; a row whose billing period crosses no change is one."""

    first: int  # [day since 1970-01-01]
    end: int  # half-open
    version: int
    lines: tuple[LineValues, ...]  # that are shown
    values: tuple[Any, ...]  # of the steps in `Scalar.leaves`; what no branch took, or no line shows, may mean nothing
    came: tuple[Any, ...]  # what the steps were run with


class ScalarLine(NamedTuple):
    """A shown line with what declares it."""

    line: Line
    part: int  # from 1; 0 where the row is one part
    amount: int  # whole numbers of the places of the line's steps
    quantity: int | None
    price: int | None


class ScalarBill(NamedTuple):
    """What a row comes to, in whole numbers."""

    scalar: Scalar
    row_id: object
    period_from: int  # [day since 1970-01-01]
    period_to: int  # half-open
    total: int  # of the places of Program.total
    ledgers: tuple[int, ...]  # in the order of Program.ledgers
    parts: tuple[ScalarPart, ...]
    raised: tuple[Raised, ...]

    @property
    def compiled(self) -> Compiled:
        """The rule set that billed it."""
        return self.scalar.compiled

    @property
    def version(self) -> int:
        """That of the first part."""
        return self.parts[0].version

    @property
    def lines(self) -> tuple[ScalarLine, ...]:
        """The lines that are shown, part by part."""
        declared, several = self.compiled.program.lines, len(self.parts) > 1
        return tuple(
            ScalarLine(declared[at], number if several else 0, amount, quantity, price)
            for number, part in enumerate(self.parts, 1)
            for at, amount, quantity, price in part.lines
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Ids of the warnings that the row raises."""
        declared = self.compiled.program.warnings
        return tuple(declared[at].id for at, _ in self.raised)

    def messages(self) -> tuple[RaisedWarning, ...]:
        """Give the warnings that the row raises with their messages."""
        program = self.compiled.program
        found = []
        for at, values in self.raised:
            one = program.warnings[at]
            texts = {}
            for (name, step), value in zip(one.values, values, strict=True):
                number = (value[0] if value else 0) if isinstance(value, list) else value
                texts[name] = value_text(int(number), program.steps[step].type)
            message = filled(one.message, texts)
            found.append(RaisedWarning(one.id, one.title, one.level, message, one.causes, one.action, one.place))
        return tuple(found)

    def to_ran(self) -> Ran:
        """Give the value of every step in decimals, as `Reference.run` does.

        Raises:
            Unsound: the steps come to something else when nothing is left out. A fault of the engine.
        """
        return self.scalar.every_step(self)

    def to_bill(self) -> Bill:
        """Give the bill in decimals, as `reference` does."""
        return self.scalar.reference.bill_of(self.to_ran(), self.row_id)


Outcome = tuple[int, tuple[int, ...], tuple[LineValues, ...], tuple[Raised, ...], tuple[Any, ...]]
"""Total, ledgers, shown lines, raised warnings, values of the steps that leave."""
Run = Callable[..., Any]


class Scalar:
    """A rule set made ready to bill rows one by one; threads may share it.

    Made in no time: what it runs is written when it first bills. Two threads may then write it at once, and alike.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled

    def bill(
        self,
        row: Mapping[str, object],
        *,
        period_from: date | str | int,
        period_to: date | str | int,
        row_id: object = "",
        position: int = 0,
    ) -> ScalarBill | RowProblem:
        """Bill one row.

        Args:
            row: as `reference` takes it; numbers may be `Number`.
            period_from: first day billed, as a date, `2026-01-01` or days since 1970-01-01.
            period_to: the day after the last day billed.
            row_id: names the row to whoever sent it.
            position: of the row in its batch.

        Returns:
            The bill, or the problem that `reference` tells of the same row.

        Raises:
            Unsound: the reference bills what this refuses. A fault of the engine.
        """
        first = period_from if type(period_from) is int else scalar_door.day_number(period_from)
        end = period_to if type(period_to) is int else scalar_door.day_number(period_to)
        periods, read, simple = self._ready
        period = periods(first, end)
        if period is not None:
            came = read(row)
            if came is not None:
                spans, day, version, run = period
                if simple and run is not None:
                    came = (first, end, day, first, end, 1, 1, *came)
                    outcome = run(*came)
                    if outcome is not None:
                        total, ledgers, lines, raised, values = outcome
                        # Tuples are made as such: the classes' own way takes twice as long.
                        part = _new(ScalarPart, (first, end, version, lines, values, came))
                        made: ScalarBill = _new(ScalarBill, (self, row_id, first, end, total, ledgers, (part,), raised))
                        return made
                else:
                    bill = self._in_parts(row, row_id, came, spans)
                    if bill is not None:
                        return bill
        return self._refused(row, period_from, period_to, row_id, position)

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """The steps whose values `ScalarPart.values` holds, in its order."""
        return self._source().leaves

    @cached_property
    def reference(self) -> Reference:
        """The reference of the same rule set: it tells of refusals, and makes a bill of decimals."""
        return Reference(self.compiled)

    @property
    def source(self) -> str:
        """The generated Python that reads a row and runs the steps of one part."""
        return f"{read_source(self._layout.inputs)}\n\n{self._source().text}"

    def steps(self, wanted: Sequence[int]) -> Callable[[int], Run]:
        """Give what runs a program for the values of some steps: by version, a function of what a row brings.

        Its parameters are first day and end of the period, the day that picks the version, first day and end of the
        bill, part and parts, and the inputs in the order of the program. It gives the values last.
        """
        source = run_source(self.compiled, wanted=wanted)
        return cache(lambda version: _bound(source.text, [self._value(bound, version) for bound in source.bound]))

    def every_step(self, bill: ScalarBill) -> Ran:
        """Run every step of a bill's parts, and give their values in decimals; see `ScalarBill.to_ran`."""
        ran = self._run([part.came for part in bill.parts], [part.version for part in bill.parts], every=True)
        told = [(part.lines, part.version) for part in bill.parts]
        if ran is None or (bill.total, bill.ledgers, bill.raised) != _summed(ran):
            raise Unsound(f"{self.compiled.id}: {bill.total} is {ran} when every step is run")
        if told != [(lines, part.version) for (_, _, lines, _, _), part in zip(ran, bill.parts, strict=True)]:
            raise Unsound(f"{self.compiled.id}: lines {told} are {ran} when every step is run")
        came = [(part.came, part.version, values) for part, (*_, values) in zip(bill.parts, ran, strict=True)]
        return ran_of(self.compiled, self._layout, came)

    def _in_parts(
        self, row: Mapping[str, object], row_id: object, came: tuple[Any, ...], spans: Sequence[Span]
    ) -> ScalarBill | None:
        """Bill a row that has lists, or several parts, or what is divided between parts."""
        whole = spans[0].first, spans[-1].end
        lists: list[scalar_door.List] = []
        for one in self._lists:
            items = one.read(row.get(one.axis.name), *whole)
            if items is None:
                return None
            lists.append(items)
        brought = list(scalar_door.parts_of(came, lists, spans, self._layout.split, self._lists))
        outcomes = self._run(brought, [span.version for span in spans], every=False)
        if outcomes is None:
            return None
        total, ledgers, raised = _summed(outcomes)
        parts = tuple(
            ScalarPart(span.first, span.end, span.version, lines, values, own)
            for span, own, (_, _, lines, _, values) in zip(spans, brought, outcomes, strict=True)
        )
        return ScalarBill(self, row_id, *whole, total, ledgers, parts, raised)

    def _run(self, brought: Sequence[tuple[Any, ...]], versions: Sequence[int], *, every: bool) -> list[Outcome] | None:
        """Run the steps of each part; None where a `require` refuses one."""
        exchanges = self._source(every, True).exchanges if len(brought) > 1 else ()
        if not exchanges:
            runs = [self._function(version, every)(*own) for version, own in zip(versions, brought, strict=True)]
            return None if any(one is None for one in runs) else runs
        running = [self._function(at, every, True)(*own) for at, own in zip(versions, brought, strict=True)]
        return _in_step(running, exchanges)

    def _refused(
        self, row: Mapping[str, object], period_from: Any, period_to: Any, row_id: object, position: int
    ) -> RowProblem:
        """Have the reference say why a row is refused."""
        told = self.reference.bill(
            scalar_door.plain_row(row), period_from=period_from, period_to=period_to, row_id=row_id, position=position
        )
        if isinstance(told, RowProblem):
            return told
        raise Unsound(f"{self.compiled.id}: the reference bills {told.total} for a row that has no bill in integers")

    # ---- made once

    @cached_property
    def _ready(self) -> tuple[Callable[[Any, Any], Any], Callable[[Mapping[str, object]], Any], bool]:
        """What every bill needs: the parts of a billing period, what reads a row, whether rows are always one piece."""
        layout = self._layout
        bound: list[object] = []
        for spec in layout.inputs:
            bound += [spec.name, scalar_door.reader(spec), {code: at for at, code in enumerate(spec.type.codes)}]
        read = _bound(read_source(layout.inputs), bound)
        return lru_cache(scalar_door.PERIODS_KEPT)(self._period), read, not layout.split and not layout.lists

    def _period(self, first: int | None, end: int | None) -> tuple[tuple[Span, ...], int, int, Run | None] | None:
        """Cut a billing period; of one part, its day, its version and what runs it."""
        spans = scalar_door.spans_of(self.compiled, first, end)
        if spans is None:
            return None
        version = spans[0].version
        return spans, spans[0].day, version, self._function(version) if len(spans) == 1 else None

    @cached_property
    def _layout(self) -> Layout:
        return layout_of(self.compiled)

    @cached_property
    def _lists(self) -> tuple[scalar_door.ListReader, ...]:
        return scalar_door.list_readers(self.compiled.program)

    @cached_property
    def _source(self) -> Callable[..., Source]:
        return cache(lambda every=False, together=False: run_source(self.compiled, every=every, together=together))

    @cached_property
    def _function(self) -> Callable[..., Run]:
        """Version, and as `run_source` -> what runs the steps with the constants of that version."""

        @cache
        def function(version: int, every: bool = False, together: bool = False) -> Run:
            source = self._source(every, together)
            return _bound(source.text, [self._value(bound, version) for bound in source.bound])

        return function

    def _value(self, bound: Bound, version: int) -> object:
        """Give what a parameter of the text stands for, at a version."""
        program, constants = self.compiled.program, self.compiled.constants
        if bound.kind == "days":
            return program.calendars[bound.slot].values
        if bound.kind == "clock":
            axis = next(axis for axis in program.axes if axis.name == bound.axis)
            return scalar_door.clock(program, axis, bound.slot)
        by = 10 ** (bound.places - constants.slots[bound.slot].type.places)
        cells = constants.figures[version][bound.slot]
        values = tuple(bound.absent if figure is None else figure.value * by for figure in cells)
        return values[0] if bound.kind == "figure" else values


def _summed(outcomes: Sequence[Outcome]) -> tuple[int, tuple[int, ...], tuple[Raised, ...]]:
    """Add up money over parts; warnings are those of the last."""
    totals, ledgers, _, raised, _ = zip(*outcomes, strict=True)
    return sum(totals), tuple(map(sum, zip(*ledgers, strict=True))), raised[-1]


def _in_step(running: Sequence[Generator[Any, Any, None]], exchanges: Sequence[Exchange]) -> list[Outcome] | None:
    """Run parts in step with each other: each waits where it asks, until all have asked."""
    try:
        asked = [next(part) for part in running]
        for exchange in exchanges:
            asked = [part.send(answer) for part, answer in zip(running, exchange(asked), strict=True)]
    except StopIteration:  # a `require` ends the part that it refuses
        return None
    return asked


_NAMES: Final = {
    "Number": Number,
    "accumulate": accumulate,
    "cell_at": scalar_arithmetic.cell_at,
    "power_factor": scalar_arithmetic.power_factor,
    **{function.__name__: function for function in (*QUOTIENTS.values(), *ROOTS.values())},
}
"""What generated text may call."""


def _bound(text: str, values: Sequence[object]) -> Run:
    """Bind the last parameters of a generated function, as defaults: they cost nothing at a call."""
    function = _compiled(text)
    return FunctionType(function.__code__, function.__globals__, function.__name__, tuple(values))


@lru_cache(maxsize=1024)
def _compiled(text: str) -> FunctionType:
    """Compile generated text; rule sets and versions of one structure share it."""
    names: dict[str, Any] = dict(_NAMES)
    # The text holds names of ours and whole numbers, and nothing of a rule file: see `engine.evaluator.scalar_source`.
    exec(compile(text, "<generated from a program>", "exec"), names)  # noqa: S102  # a program becomes Python here alone
    function = names["run"] if "run" in names else names["read"]
    assert isinstance(function, FunctionType)
    return function


_new: Final[Callable[..., Any]] = tuple.__new__
