"""A program written as Python over whole numbers: one function reads a row, one runs the steps.

Takes a program; gives the text, and what its names stand for. The text is made of our own names (`v12` is the value of
step 12) and whole numbers. Nothing that an analyst writes gets into it: names of inputs, codes, figures and tables are
bound to parameters, and what is told of a refusal or on a bill is looked up beside it.

    def run(first, end, day, bill_from, bill_to, part, parts, i0, i1, i2, k0, k1):
        v2 = i0 + i1  # add
        ...
        return v61, (v61,), lines, raised, (v61, v19, k1)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from engine.compiler import capacity
from engine.compiler.program import ELEMENTWISE_NOT, ROW, Compiled, InputSpec, Program, Step
from engine.evaluator.row_door import OF_BILL, row_inputs
from engine.evaluator.scalar_bounds import certain_bounds
from engine.evaluator.scalar_rules import EXCHANGES, RULES, UNBOUNDED, Bounds, Exchange, whole

SUPPLIED: Final = {
    "period_from": "first",
    "period_to": "end",
    "day": "day",
    "bill_from": "bill_from",
    "bill_to": "bill_to",
    "part": "part",
    "parts": "parts",
}
"""Inputs that the door supplies -> parameters of `run`, in their order."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a parameter of the text stands for."""

    kind: Literal["figure", "cells", "days", "clock"]
    slot: int  # in Constants.slots, Program.calendars or Program.timelines
    absent: int = 0  # figure, cells: what an absent cell reads as
    places: int = 0  # figure, cells: of the step
    axis: str = ""  # clock


@dataclass(frozen=True, slots=True)
class Source:
    """A function as text."""

    text: str
    bound: tuple[Bound, ...]  # its last parameters, in their order
    leaves: tuple[int, ...]  # the steps whose values it gives last
    exchanges: tuple[Exchange, ...]  # over parts, in the order in which it asks; () where it does not ask


@dataclass(frozen=True, slots=True)
class Layout:
    """The parameters of `run` that a row brings."""

    inputs: tuple[InputSpec, ...]  # i0, i1: of the row
    split: tuple[int, ...]  # w0, w1: positions of those that are divided between parts
    lists: tuple[tuple[InputSpec, ...], ...]  # c0, g0, then j0_0, j0_1: by list, in the order of Program.axes

    def parameters(self) -> list[str]:
        """Name them."""
        names = [*SUPPLIED.values(), *(f"i{at}" for at in range(len(self.inputs)))]
        names += [f"w{at}" for at in range(len(self.split))]
        for axis, specs in enumerate(self.lists):
            names += [f"c{axis}", f"g{axis}", *(f"j{axis}_{at}" for at in range(len(specs)))]
        return names


def layout_of(compiled: Compiled) -> Layout:
    """Lay out what a row brings."""
    inputs, program = row_inputs(compiled), compiled.program
    return Layout(
        inputs,
        tuple(at for at, spec in enumerate(inputs) if spec.split),
        tuple(tuple(spec for spec in program.inputs if spec.type.axis == axis.name) for axis in program.axes),
    )


def leaving(program: Program) -> tuple[int, ...]:
    """Give the steps whose values leave the program, each once."""
    found = [program.total, *(step for _, step in program.ledgers)]
    for line in program.lines:
        found += [step for step in (line.amount, line.shown, line.quantity, line.price) if step is not None]
    for warning in program.warnings:
        found += [warning.when, *(step for _, step in warning.values)]
    found += program.profile
    return tuple(dict.fromkeys(found))


def run_source(
    compiled: Compiled, *, every: bool = False, together: bool = False, wanted: Sequence[int] | None = None
) -> Source:
    """Write the function that runs the steps of one part of a row.

    It gives total, ledgers, the lines that are shown, the warnings that are raised, and the values that leave the
    program, as whole numbers; None where a `require` refuses the row.

    Args:
        compiled: the rule set.
        every: give the value of every step and refuse nothing; expressions then rely on no proof of the compiler.
            Else steps that nothing reads are left out.
        together: write a generator that runs in step with the other parts of its row. At a primitive over parts it
            yields its operands and takes the value; last, it yields what it gives.
        wanted: steps whose values leave the program; None: those of its lines, totals and warnings.
    """
    program = compiled.program
    leaves = tuple(range(len(program.steps))) if every else leaving(program) if wanted is None else tuple(wanted)
    roots = frozenset({*leaves, *leaving(program)})
    needed = frozenset(leaves) if every else capacity.live(program, roots | capacity.requirements(program))
    writer = _Writer(compiled, every, together)
    for at in sorted(needed):
        writer.step(at)
    writer.outputs(leaves)
    parameters = [*writer.layout.parameters(), *writer.bound.values()]
    text = "\n".join([f"def run({', '.join(parameters)}):", *(f"    {line}" for line in writer.lines), ""])
    return Source(text, tuple(writer.bound), leaves, tuple(writer.exchanges))


class _Writer:
    """Writes steps in their order; what a rule asks for is `engine.evaluator.scalar_rules.Writing`."""

    def __init__(self, compiled: Compiled, every: bool, together: bool) -> None:
        self.program = compiled.program
        self.layout = layout_of(compiled)
        self.lines: list[str] = []
        self.bound: dict[Bound, str] = {}
        self.exchanges: list[Exchange] = []
        self._slots = compiled.constants.slots
        self._every = every
        self._together = together
        self._certain = certain_bounds(compiled.program, compiled.constants)
        self._texts: dict[int, str] = {}  # step -> name or whole number
        self._in_items = False
        self._inputs = self._names()
        self._axes = {axis.name: at for at, axis in enumerate(self.program.axes)}

    def step(self, at: int) -> None:
        """Write a step."""
        step = self.program.steps[at]
        texts = [self._texts[operand] for operand in step.operands]
        if step.primitive in EXCHANGES and self._together:
            self.exchanges.append(EXCHANGES[step.primitive])
            self._assign(at, f"yield ({', '.join(texts)},)", step)
            return
        expression = self._expression(step, texts)
        if step.primitive == "require" and not self._every:
            unless = f"not {expression}" if len(texts) == 1 else f"{texts[1]} and not {texts[0]}"
            self.lines.append(f"if {unless}: return  # step {at}, require")
        elif expression.isidentifier() or expression.strip("()-").isdigit():
            self._texts[at] = expression
            self.lines.append(f"# step {at}, {step.primitive}: {expression}")
        else:
            self._assign(at, expression, step)

    def _assign(self, at: int, expression: str, step: Step) -> None:
        self._texts[at] = f"v{at}"
        self.lines.append(f"v{at} = {expression}  # {step.primitive}")

    def _expression(self, step: Step, texts: Sequence[str]) -> str:
        rule = RULES[step.primitive]
        by_items = step.type.axis != ROW and step.primitive not in {*ELEMENTWISE_NOT, "input", "given"}
        if not by_items:
            return rule(self, step, texts)
        # A literal or constant of the row goes with every item.
        on_list = {
            text: f"x{at}"
            for at, (text, operand) in enumerate(zip(texts, step.operands, strict=True))
            if self.program.steps[operand].type.axis != ROW
        }
        self._in_items = True
        item = rule(self, step, [on_list.get(text, text) for text in texts])
        self._in_items = False
        if not on_list:
            return f"[{item}] * {self.count(step.type.axis)}"
        if len(on_list) == 1:
            ((text, name),) = on_list.items()
            return text if item == name else f"[{item} for {name} in {text}]"
        return f"[{item} for {', '.join(on_list.values())} in zip({', '.join(on_list)})]"

    def outputs(self, leaves: Sequence[int]) -> None:
        """Write what the function gives."""
        program, texts = self.program, self._texts
        always = True
        base: list[str] = []
        for at, line in enumerate(program.lines):
            read = [texts[line.amount], *("None" if one is None else texts[one] for one in (line.quantity, line.price))]
            told = f"({at}, {', '.join(read)})"
            if line.shown is None and always:
                base.append(told)
                continue
            if always:
                self.lines.append(f"lines = [{', '.join(base)}]")
                always = False
            when = "" if line.shown is None else f"if {texts[line.shown]}: "
            self.lines.append(f"{when}lines.append({told})")
        shown = _tuple(base) if always else "tuple(lines)"
        raised = "()"
        for at, warning in enumerate(program.warnings):
            values = _tuple([texts[step] for _, step in warning.values])
            if not at:
                self.lines.append("raised = ()")
                raised = "raised"
            self.lines.append(f"if {texts[warning.when]}: raised += (({at}, {values}),)")
        ledgers = _tuple([texts[step] for _, step in program.ledgers])
        gives = f"{texts[program.total]}, {ledgers}, {shown}, {raised}, {_tuple([texts[step] for step in leaves])}"
        self.lines.append(f"yield {gives}" if self._together else f"return {gives}")

    # ---- what rules ask for

    def bounds(self, step: int) -> Bounds:
        """Bounds that an expression may rely on."""
        if not self._every:
            of = self.program.steps[step].type
            return of.low, of.high
        return self._certain[step] or UNBOUNDED

    def certain(self, step: int) -> tuple[int, int] | None:
        """Bounds in any branch."""
        return self._certain[step]

    def temporary(self) -> str:
        """Name a value within one expression; one that a comprehension holds is slower to read elsewhere."""
        return "y" if self._in_items else "u"

    def figure(self, step: Step) -> str:
        """Name a constant."""
        return self._bind(Bound("figure", step.slot, step.type.low, step.type.places))

    def table(self, step: Step) -> tuple[str, int]:
        """Name a table."""
        if step.primitive == "calendar":
            return self._bind(Bound("days", step.slot)), len(self.program.calendars[step.slot].values)
        bound = Bound("cells", step.slot, step.type.low, step.type.places)
        return self._bind(bound), self._slots[step.slot].cells

    def clock(self, step: Step) -> str:
        """Read a timeline."""
        axis = step.type.axis
        name = self._bind(Bound("clock", step.slot, axis=axis))
        return f"{name}(first, end) if g{self._axes[axis]} else []"

    def input(self, step: Step) -> str:
        """Write an input: a parameter, or what an absent one reads as."""
        if step.name in SUPPLIED:
            return SUPPLIED[step.name]
        name, spec = self._inputs.get(step.name, ("", None))
        if spec is None:
            return whole(step.type.low)
        if spec.default is None and not spec.optional:
            return name
        absent = whole(step.type.low if spec.default is None else spec.default)
        if spec.type.axis == ROW:
            return f"{absent} if {name} is None else {name}"
        return f"[{absent} if x0 is None else x0 for x0 in {name}]"

    def given(self, step: Step) -> str:
        """Write whether an input, or a list, is given."""
        if step.name in self._axes:
            return f"g{self._axes[step.name]}"
        name, spec = self._inputs.get(step.name, ("", None))
        if spec is None:
            return "False"
        return f"{name} is not None" if spec.type.axis == ROW else f"[x0 is not None for x0 in {name}]"

    def count(self, axis: str) -> str:
        """Name the number of items of a list."""
        return f"c{self._axes[axis]}"

    def _bind(self, bound: Bound) -> str:
        letter = {"figure": "k", "cells": "t", "days": "d", "clock": "l"}[bound.kind]
        return self.bound.setdefault(bound, f"{letter}{len(self.bound)}")

    def _names(self) -> dict[str, tuple[str, InputSpec]]:
        """Input -> its parameter and what declares it."""
        layout = self.layout
        found = {spec.name: (f"i{at}", spec) for at, spec in enumerate(layout.inputs)}
        found |= {
            f"{layout.inputs[i].name}{OF_BILL}": (f"w{at}", layout.inputs[i]) for at, i in enumerate(layout.split)
        }
        for axis, specs in enumerate(layout.lists):
            found |= {spec.name: (f"j{axis}_{at}", spec) for at, spec in enumerate(specs)}
        return found


def _tuple(texts: Iterable[str]) -> str:
    return f"({''.join(f'{text}, ' for text in texts)})".replace(", )", ",)")


def read_source(inputs: Sequence[InputSpec]) -> str:
    """Write the function that reads the inputs of a row: whole numbers, None where one is absent and may be.

    It gives None where a value is not at once what it should be and `r0`, which looks again, gives nothing either.
    Its parameters are the row; then for each input its name, what reads it in any other form, and its codes.
    """
    found: list[str] = []
    for at, spec in enumerate(inputs):
        found += _READ[spec.type.kind](at, spec)
    parameters = ["row", *(f"{letter}{at}" for at in range(len(inputs)) for letter in "nrt")]
    body = ["get = row.get", *found, f"return {_tuple(f'i{at}' for at in range(len(inputs)))}"]
    return "\n".join([f"def read({', '.join(parameters)}):", *(f"    {line}" for line in body), ""])


def _read_number(at: int, spec: InputSpec) -> list[str]:
    low, high, places = whole(spec.type.low), whole(spec.type.high), int(spec.type.places)
    absent = ["if came is None: i{at} = None", "elif"] if _may_lack(spec) else ["if"]
    *before, begins = absent
    lines = [
        "came = get(n{at})",
        *before,
        f"{begins} type(came) is Number and came.places == {places} and type(i{{at}} := came.unscaled) is int:",
        f"    if not {low} <= i{{at}} <= {high}: return",
        "elif (i{at} := r{at}(came)) is None: return",
    ]
    return [line.replace("{at}", str(at)) for line in lines]


def _read_boolean(at: int, spec: InputSpec) -> list[str]:
    lacks = f" and i{at} is not None" if _may_lack(spec) else ""
    return [
        f"i{at} = get(n{at})",
        f"if i{at} is not True and i{at} is not False{lacks} and (i{at} := r{at}(i{at})) is None: return",
    ]


def _read_code(at: int, spec: InputSpec) -> list[str]:
    lacks = " and came is not None" if _may_lack(spec) else ""
    return [
        f"came = get(n{at})",
        f"i{at} = t{at}.get(came) if type(came) is str else None",
        f"if i{at} is None{lacks} and (i{at} := r{at}(came)) is None: return",
    ]


def _read_date(at: int, spec: InputSpec) -> list[str]:
    lacks = f"i{at} is not None and " if _may_lack(spec) else ""
    return [f"i{at} = get(n{at})", f"if {lacks}(i{at} := r{at}(i{at})) is None: return"]


def _may_lack(spec: InputSpec) -> bool:
    return spec.optional or spec.default is not None


_READ: Final[Mapping[str, Callable[[int, InputSpec], list[str]]]] = {
    "number": _read_number,
    "boolean": _read_boolean,
    "code": _read_code,
    "date": _read_date,
}
