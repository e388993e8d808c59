"""A plan in machine code: what goes over rows one by one becomes a few loops, and what does not stays a numpy call.

Takes a plan; gives its steps in an order in which as many as may stand in one loop do. Loops settle plain rows. One
that is to be refused, lies outside the bounds of an input or too near a tie to tell is computed by the plan's numpy
calls instead, and so is its block where rows are not by themselves: where there are lists, or parts of bills. So the
two backends cannot differ in what they do about such rows.

The rules are not compiled anew: both backends carry out the same instructions, which `engine.evaluator.lower` writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from engine.compiler.program import ROW
from engine.evaluator.homes import Home
from engine.evaluator.instructions import Check, Do, Hold, Load, Store
from engine.evaluator.native_source import Row, Segment, may_loop, segment
from engine.evaluator.plan import Plan, reads

if TYPE_CHECKING:
    from engine.evaluator.native_numba import Loop

Backend = Literal["numpy", "native"]
BACKENDS: Final[tuple[str, ...]] = get_args(Backend)
KIND: Final = "native"  # of what is kept on the disk


class NoNative(Exception):
    """The native backend is asked for where numba is not installed."""

    def __init__(self) -> None:
        super().__init__("the native backend needs numba, which is not installed: pip install 'dianjia[native]'")


def require_backend(name: str) -> None:
    """Raise ValueError unless there is a backend of this name."""
    if name not in BACKENDS:
        raise ValueError(f"backend is {' or '.join(BACKENDS)}; came {name!r}")


@dataclass(frozen=True, slots=True)
class Looped:
    """A segment in machine code."""

    segment: Segment
    call: Loop


@dataclass(frozen=True)
class Native:
    """A plan in machine code.

    Attributes:
        plan: the same in numpy calls, whose constants serve here too.
        steps: loops, and numpy calls, in order.
        registers: values that one step makes and another reads -> where the plan has them.
        given: names that loops read the mask of.
        by_row: one loop does everything, and tells the rows that it may not settle.
        native: instructions that stand in loops.
        instructions: of the plan, which do something.
    """

    plan: Plan
    steps: tuple[Looped | Do, ...]
    registers: Mapping[int, Home]
    given: frozenset[str]
    by_row: bool
    native: int
    instructions: int


def require_native() -> None:
    """Tell whether the native backend can be had.

    Raises:
        NoNative: it cannot.
    """
    if find_spec("numba") is None:
        raise NoNative


def native(plan: Plan, booleans: Collection[str], narrow: Collection[str], cache: Path | None) -> Native:
    """Compile a plan.

    Args:
        plan: of a rule set.
        booleans: inputs that are booleans.
        narrow: inputs that come as other integers than their values are computed on.
        cache: folder for machine code; None: it is not kept.

    Raises:
        NoNative: numba is not installed.
    """
    require_native()
    from engine.evaluator.native_numba import compiled  # takes half a second, and is needed here alone

    loads = {one.out: one for one in plan.instructions if isinstance(one, Load)}
    groups = list(_groups(plan, loads))
    by_row = len(groups) == 1 and groups[0].axis == ROW
    read = Counter(value for group in groups for value in group.reads)
    steps: list[Looped | Do] = []
    registers: dict[int, Home] = {}
    inside = 0
    for group in groups:
        if isinstance(group.what, Do):
            steps.append(group.what)
            home = _home(plan, group.what.out)
            if home.kind == "register":
                registers[group.what.out] = home
            continue
        written = {value for value in group.made if read[value]}
        registers |= {value: _home(plan, value) for value in written}
        loop = segment(plan, group.axis, group.timed, group.what, written, loads, booleans, narrow, by_row=by_row)
        arrays = [(one.rep, one.written) for one in loop.arguments]
        steps.append(Looped(loop, compiled(loop.text, arrays, cache)))
        inside += sum(not isinstance(one, Load) for one in group.what)
    calls = sum(isinstance(one, Do) for one in steps)
    given = frozenset(one.name for one in loads.values() if one.mask)
    return Native(plan, tuple(steps), registers, given, by_row, inside, inside + calls)


@dataclass(frozen=True)
class _Group:
    """A numpy call, or what becomes a loop.

    Attributes:
        made: values that it makes.
        reads: values that others make.
    """

    what: Do | Sequence[Row]
    axis: str
    timed: bool
    made: frozenset[int]
    reads: frozenset[int]


def _groups(plan: Plan, loads: Mapping[int, Load]) -> Iterator[_Group]:
    """Sort instructions into loops that are as long as their operands allow, and numpy calls between them.

    Refusals and stores may change places: a block in which anything is refused is done again.
    """
    # What numpy calls read converted is converted by a loop; a loop converts what it reads itself.
    converted = {
        value
        for one in plan.instructions
        if isinstance(one, Do) and not may_loop(one.call)
        for value in one.operands
        if value in loads and _home(plan, value).kind == "register"
    }
    pending: list[Row] = []
    for one in plan.instructions:
        if isinstance(one, Hold) or (isinstance(one, Load) and one.out not in converted):
            continue
        if not (isinstance(one, Store) and _stands(plan, one)):
            pending.append(one)
    waiting = {one.out for one in pending if isinstance(one, Do | Load)}
    while pending:
        calls = [one for one in pending if _kind(plan, one) is None and waiting.isdisjoint(reads(one))]
        for one in calls:
            assert isinstance(one, Do), "everything else can be in a loop"
            yield _Group(one, "", False, frozenset({one.out}), frozenset(one.operands))
            waiting.remove(one.out)
            pending.remove(one)
        if calls:
            continue
        kind = next(kind for one in pending if waiting.isdisjoint(reads(one)) and (kind := _kind(plan, one)))
        group: list[Row] = []
        made: set[int] = set()
        for one in pending:
            if _kind(plan, one) == kind and waiting.isdisjoint(set(reads(one)) - made):
                group.append(one)
                made.update([one.out] if isinstance(one, Do | Load) else [])
        waiting -= made
        pending = [one for one in pending if not any(one is taken for taken in group)]
        others = frozenset(value for one in group for value in reads(one)) - made
        yield _Group(group, *kind, frozenset(made), others)


def _kind(plan: Plan, one: Row) -> tuple[str, bool] | None:
    """The axis of a loop that an instruction may stand in, and whether it goes over places alone; None: in none."""
    match one:
        case Do() if not may_loop(one.call):
            return None
        case Do() | Load():
            home = _home(plan, one.out)
            return (home.axis, home.timed)
        case Check():
            return (ROW, False)
        case Store():
            return (plan.axes.get(one.step, ROW), False)


def _stands(plan: Plan, one: Store) -> bool:
    """Whether a numpy call makes a value where it is to be stored."""
    home = _home(plan, one.value)
    made = next((do for do in plan.instructions if isinstance(do, Do) and do.out == one.value), None)
    return home.kind == "output" and home.number == one.step and made is not None and not may_loop(made.call)


def _home(plan: Plan, value: int) -> Home:
    return plan.homes[plan.home[value]]
