"""What each primitive means in generated Python: the table of rules that `engine.evaluator.scalar_source` writes with.

A rule takes a step and the texts of its operands (a name like `v12`, or a whole number) and gives the text of one
expression. A primitive that takes each item of a list by itself is written for one; the writer puts it in a
comprehension. No rule sees a name, a title or a message of a rule set: texts are made of our names and whole numbers.
The table is keyed by primitive; a test asserts that it lacks none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from engine.compiler.program import Program, Rounding, Step

Texts = Sequence[str]
Bounds = tuple[int | None, int | None]
UNBOUNDED: Final[Bounds] = (None, None)


class Writing(Protocol):
    """What a rule may ask of the writer."""

    program: Program

    def bounds(self, step: int) -> Bounds:
        """Give bounds of a step that may be relied on to choose a shorter expression; None: not known."""

    def certain(self, step: int) -> tuple[int, int] | None:
        """Give the bounds of a step that hold whatever branch is taken, so that a table may be read by them."""

    def temporary(self) -> str:
        """Give a name for a value within one expression."""

    def figure(self, step: Step) -> str:
        """Give the name of a constant at the version that bills."""

    def table(self, step: Step) -> tuple[str, int]:
        """Give the name and the length of a table: the cells of a slot, or the days of a calendar."""

    def clock(self, step: Step) -> str:
        """Give the name of what reads a timeline."""

    def input(self, step: Step) -> str:
        """Write the value of an input."""

    def given(self, step: Step) -> str:
        """Write whether an input is given."""

    def count(self, axis: str) -> str:
        """Give the name of the number of items of a list."""


Rule = Callable[[Writing, Step, Texts], str]


def operator(text: str) -> Rule:
    """Write `a + b`, from ` + `."""
    return lambda _to, _step, texts: text.join(texts)


def call(text: str) -> Rule:
    """Write operands into a text with `{0}`, `{1}`."""
    return lambda _to, _step, texts: text.format(*texts)


def aligned(rule: Rule, *, start: int = 0) -> Rule:
    """Bring operands, from `start` on, to the places of the step. The compiler has: this is no more than certain."""

    def with_places(to: Writing, step: Step, texts: Texts) -> str:
        places = step.type.places
        level = [
            _at_places(to, text, at, places) for text, at in zip(texts[start:], step.operands[start:], strict=True)
        ]
        return rule(to, step, [*texts[:start], *level])

    return with_places


def compared(text: str) -> Rule:
    """Write a comparison of operands of equal places."""

    def rule(to: Writing, step: Step, texts: Texts) -> str:
        places = max(to.program.steps[at].type.places for at in step.operands)
        return text.join(_at_places(to, one, at, places) for one, at in zip(texts, step.operands, strict=True))

    return rule


def level(rule: Rule) -> Rule:
    """See that operands have the places of the step already."""

    def as_it_is(to: Writing, step: Step, texts: Texts) -> str:
        assert all(to.program.steps[at].type.places == step.type.places for at in step.operands), step.primitive
        return rule(to, step, texts)

    return as_it_is


def _at_places(to: Writing, text: str, operand: int, places: int) -> str:
    more = places - to.program.steps[operand].type.places
    assert more >= 0, f"step {operand} has more places than what reads it"
    return f"({text} * {10**more})" if more else text


def _literal(_to: Writing, step: Step, _texts: Texts) -> str:
    return whole(step.value)


def whole(number: int) -> str:
    """Write a whole number; a negative one in brackets, as a power or a product may stand beside it.

    >>> whole(5), whole(-5)
    ('5', '(-5)')
    """
    return str(int(number)) if number >= 0 else f"({int(number)})"


def _constant(to: Writing, step: Step, _texts: Texts) -> str:
    return to.figure(step)


def _cell(to: Writing, step: Step, texts: Texts) -> str:
    return _read(to, step, texts[0], step.operands[0], first=0)


def _calendar(to: Writing, step: Step, texts: Texts) -> str:
    return _read(to, step, texts[0], step.operands[0], first=to.program.calendars[step.slot].first_day)


def _read(to: Writing, step: Step, text: str, position: int, first: int) -> str:
    """Read a table, clamped where its position is not certain to lie within."""
    name, length = to.table(step)
    certain = to.certain(position)
    at = f"{text} - {whole(first)}" if first else text
    if certain is not None and first <= certain[0] and certain[1] < first + length:
        return f"{name}[{at}]"
    return f"cell_at({name}, {at})"


def _index(to: Writing, step: Step, texts: Texts) -> str:
    terms = []
    low, high, known = 0, 0, True
    for text, operand, stride, offset in zip(texts, step.operands, step.strides, step.offsets, strict=True):
        certain = to.certain(operand)
        if certain is None:
            known = False
        else:
            ends = [stride * (end - offset) for end in certain]
            low, high = low + min(ends), high + max(ends)
        term = f"({text} - {whole(offset)})" if offset else text
        terms.append(term if stride == 1 else f"{term} * {whole(stride)}")
    total = " + ".join(terms) or "0"
    if not known or low < step.type.low:
        total = f"max({total}, {whole(step.type.low)})"
    if not known or high > step.type.high:
        total = f"min({total}, {whole(step.type.high)})"
    return total


def _same(_to: Writing, _step: Step, texts: Texts) -> str:
    return texts[0]


def _rescale(to: Writing, step: Step, texts: Texts) -> str:
    more = step.type.places - to.program.steps[step.operands[0]].type.places
    assert more >= 0, "a number is rescaled to more places"
    return f"{texts[0]} * {10**more}" if more else texts[0]


def _multiply(to: Writing, step: Step, texts: Texts) -> str:
    more = step.type.places - sum(to.program.steps[at].type.places for at in step.operands)
    assert more >= 0, "a product has more places than its type"
    return " * ".join([*texts, *([str(10**more)] if more else [])])


def _round(to: Writing, step: Step, texts: Texts) -> str:
    (operand,) = step.operands
    surplus = to.program.steps[operand].type.places - step.type.places
    return _rounded(to, texts[0], to.bounds(operand), surplus, step.mode)


def _multiply_round(to: Writing, step: Step, texts: Texts) -> str:
    a, b = step.operands
    surplus = to.program.steps[a].type.places + to.program.steps[b].type.places - step.type.places
    return _rounded(to, f"{texts[0]} * {texts[1]}", times(to.bounds(a), to.bounds(b)), surplus, step.mode)


def _rounded(to: Writing, text: str, bounds: Bounds, surplus: int, mode: Rounding) -> str:
    """Write a whole number with `surplus` places fewer, rounded; by its sign alone where that is known."""
    if surplus <= 0:
        return f"{text} * {10**-surplus}" if surplus else text
    scale, half = 10**surplus, 5 * 10 ** (surplus - 1)
    low, high = bounds
    below, above = f"{{0}} // {scale}", f"-(-({{0}}) // {scale})"
    positive, negative = {
        Rounding.HALF_UP: (f"({{0}} + {half}) // {scale}", f"-(({half} - {{0}}) // {scale})"),
        Rounding.UP: (above, below),
        Rounding.DOWN: (below, above),
        Rounding.FLOOR: (below, below),
        Rounding.CEILING: (above, above),
        Rounding.HALF_EVEN: (f"quotient_half_even({{0}}, {scale})",) * 2,
    }[mode]
    if positive == negative or (low is not None and low >= 0):
        return positive.format(text)
    if high is not None and high <= 0:
        return negative.format(text)
    name = to.temporary()
    return f"{positive.format(name)} if ({name} := {text}) >= 0 else {negative.format(name)}"


def times(a: Bounds, b: Bounds) -> Bounds:
    """Give the bounds of a product.

    >>> times((-2, 3), (4, 5)), times((0, None), (0, 7)), times((0, None), (-1, 0))
    ((-10, 15), (0, None), (None, 0))
    """
    if None not in (*a, *b):
        ends = [x * y for x in a for y in b if x is not None and y is not None]
        return min(ends), max(ends)
    signs = [_sign(*a), _sign(*b)]
    if 0 in signs:
        return UNBOUNDED
    return (0, None) if signs[0] == signs[1] else (None, 0)


def _sign(low: int | None, high: int | None) -> int:
    return 1 if low is not None and low >= 0 else -1 if high is not None and high <= 0 else 0


def _divide(to: Writing, step: Step, texts: Texts) -> str:
    top, bottom = step.operands
    return _quotient(to, step, texts[0], to.bounds(top), to.program.steps[top].type.places, texts[1], bottom)


def _multiply_divide(to: Writing, step: Step, texts: Texts) -> str:
    a, b, bottom = step.operands
    places = to.program.steps[a].type.places + to.program.steps[b].type.places
    bounds = times(to.bounds(a), to.bounds(b))
    return _quotient(to, step, f"{texts[0]} * {texts[1]}", bounds, places, texts[2], bottom)


def _quotient(to: Writing, step: Step, top: str, bounds: Bounds, places: int, text: str, divisor: int) -> str:
    low, certain = to.bounds(divisor)[0], to.certain(divisor)
    # A divisor of zero reads as one of its smallest place; a `require` beside it refuses the row.
    bottom = text if certain is not None and (certain[0] > 0 or certain[1] < 0) else f"({text} or 1)"
    more = step.type.places - places + to.program.steps[divisor].type.places
    if more > 0:
        top = f"{top} * {10**more}"
    if more < 0:
        bottom = f"{bottom} * {10**-more}"
    positive = bounds[0] is not None and bounds[0] >= 0 and low is not None and low >= 0
    if step.mode is Rounding.HALF_UP and positive and bottom.isidentifier():
        return f"(2 * {top} + {bottom}) // (2 * {bottom})"
    return f"quotient_{step.mode.value}({top}, {bottom})"


ROOT_NAMES: Final[Mapping[Rounding, str]] = {
    Rounding.HALF_UP: "root_half_up",
    Rounding.HALF_EVEN: "root_half_even",
    Rounding.UP: "root_up",
    Rounding.CEILING: "root_up",
    Rounding.DOWN: "root_down",
    Rounding.FLOOR: "root_down",
}


def _sqrt(to: Writing, step: Step, texts: Texts) -> str:
    # Negative only in a branch that is not taken.
    (operand,) = step.operands
    low = to.bounds(operand)[0]
    value = texts[0] if low is not None and low >= 0 else f"max({texts[0]}, 0)"
    more = 2 * step.type.places - to.program.steps[operand].type.places
    top = f"{value} * {10**more}" if more > 0 else value
    return f"{ROOT_NAMES[step.mode]}({top}, {10 ** max(-more, 0)})"


def _power_factor(to: Writing, step: Step, texts: Texts) -> str:
    places = [to.program.steps[operand].type.places for operand in step.operands]
    most = max(places)
    p, q = (text if own == most else f"{text} * {10 ** (most - own)}" for text, own in zip(texts, places, strict=True))
    return f"power_factor({p}, {q}, {10**step.type.places}, {ROOT_NAMES[step.mode]})"


def _require(_to: Writing, _step: Step, texts: Texts) -> str:
    """Write when the row may pass."""
    return texts[0] if len(texts) == 1 else f"({texts[0]} or not {texts[1]})"


def _spread(to: Writing, step: Step, texts: Texts) -> str:
    return f"[{texts[0]}] * {to.count(step.type.axis)}"


def _timeline(to: Writing, step: Step, _texts: Texts) -> str:
    return to.clock(step)


def _previous_item(to: Writing, step: Step, texts: Texts) -> str:
    items, first = texts
    before = first if to.program.steps[step.operands[1]].type.axis == "row" else f"{first}[0]"
    return f"[{before}, *{items}[:-1]] if {items} else []"


RULES: Final[Mapping[str, Rule]] = {
    "input": lambda to, step, _texts: to.input(step),
    "given": lambda to, step, _texts: to.given(step),
    "literal": _literal,
    "constant": _constant,
    "cell": _cell,
    "index": _index,
    "calendar": _calendar,
    "add": aligned(operator(" + ")),
    "subtract": aligned(operator(" - ")),
    "multiply": _multiply,
    "rescale": _rescale,
    "negate": aligned(call("-{0}")),
    "absolute": aligned(call("abs({0})")),
    "minimum": aligned(call("{0} if {0} <= {1} else {1}")),
    "maximum": aligned(call("{0} if {0} >= {1} else {1}")),
    "select": aligned(call("{1} if {0} else {2}"), start=1),
    "round": _round,
    "multiply_round": _multiply_round,
    "divide": _divide,
    "multiply_divide": _multiply_divide,
    "sqrt": _sqrt,
    "power_factor": _power_factor,
    "less": compared(" < "),
    "less_equal": compared(" <= "),
    "equal": compared(" == "),
    "both": operator(" and "),
    "either": operator(" or "),
    "negation": call("not {0}"),
    "claim": aligned(_same),
    "require": _require,
    "spread": level(_spread),
    "sum_items": level(call("sum({0})")),
    "largest_item": level(call("max({0}) if {0} else {1}")),
    "smallest_item": level(call("min({0}) if {0} else {1}")),
    "first_item": level(call("{0}[0] if {0} else {1}")),
    "last_item": level(call("{0}[-1] if {0} else {1}")),
    "all_items": call("all({0})"),
    "running_sum": level(call("list(accumulate({0}))")),
    "previous_item": level(_previous_item),
    "timeline": _timeline,
    # A row of one part; of several, `EXCHANGES` say what each part reads of the others.
    "earlier_parts": call("0"),
    "all_parts": level(_same),
    "largest_part": level(_same),
}


def _earlier(asked: Sequence[tuple[int, ...]]) -> list[int]:
    """Give each part the sum of the value over earlier parts with an equal group."""
    return [sum(value for value, group in asked[:at] if group == own) for at, (_, own) in enumerate(asked)]


Exchange = Callable[[Sequence[tuple[int, ...]]], Sequence[int]]
"""Of a primitive over parts: what each part asks with, its operands, -> the value in each part."""

EXCHANGES: Final[Mapping[str, Exchange]] = {
    "earlier_parts": _earlier,
    "all_parts": lambda asked: [sum(value for (value,) in asked)] * len(asked),
    "largest_part": lambda asked: [max(value for (value,) in asked)] * len(asked),
}
