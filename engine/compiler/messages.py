"""Warnings as steps, and the values that messages name: of warnings and of refusals.

Takes an `Inference`; names are looked up over the whole bill. A warning is not raised where anything that it reads is
missing, so that it may read an optional input without asking for it, and it never refuses a bill.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from engine.compiler.builder import Builder
from engine.compiler.infer import Inference
from engine.compiler.names import read_input
from engine.compiler.needs import Need, Value, always_read, givens, joined, surely, where_it_holds
from engine.compiler.program import ROW, Warning
from engine.language.expressions import Expr, Name, written
from engine.language.models import WarningRule
from engine.language.nodes import Text
from engine.language.problems import ProblemsFound, problem
from engine.language.reading import did_you_mean

BRACES: Final = re.compile(r"\{([^{}]*)\}")

Values = tuple[tuple[str, int], ...]


def warning(inference: Inference, name: str, rule: WarningRule, held: Collection[int] = ()) -> Warning:
    """A warning: the step that is true where it is raised, and those of the values in its message.

    Args:
        inference: of the rule set.
        name: of the warning.
        rule: as written.
        held: conditions without which a row is refused; a warning need not ask for them again.

    Raises:
        ProblemsFound: what it reads is not known, or is no condition of the row.
    """
    whole = inference.whole
    inference.lenient = whole.lenient = True
    try:
        condition = where_it_holds(inference.builder, whole.condition(rule.when))
        of_row(inference.builder, condition, rule.when)
        values, needs = values_in(inference, rule.message, rule.when, surely_given=always_read(condition))
    finally:
        inference.lenient = whole.lenient = False
    open_needs = [need for need in (*condition.needs, *needs) if need.condition not in held]
    raised = replace(condition, needs=joined(inference.builder, open_needs))
    return Warning(
        name,
        str(rule.title),
        rule.level,
        surely(inference.builder, raised),
        str(rule.message),
        values,
        tuple(str(cause) for cause in rule.causes or []),
        str(rule.action or ""),
        rule.place,
    )


def values_in(
    inference: Inference, message: Text, when: Expr, *, on: str = ROW, surely_given: Collection[str] = ()
) -> tuple[Values, tuple[Need, ...]]:
    """The names in a message's braces with the steps that hold them, and what named formulas need.

    An optional input can be named where `when` makes sure that it is given, or is `surely_given`: absence has no number
    to show. A value of each item can be named where `when` is `on` that list: what is shown is of the item at fault.

    Raises:
        ProblemsFound: a name is not known, may be absent, or is of the items of another list.
    """
    whole, scope = inference.whole, inference.scope
    found: dict[str, int] = {}
    given = givens(when, True) | {*surely_given}
    needs: list[Need] = []
    for match in BRACES.finditer(str(message)):
        name, place = match[1].strip(), message.piece(match.start(1), match.end(1))
        if name in scope.inputs:
            if scope.inputs[name].optional and name not in given:
                raise ProblemsFound([problem("message-may-be-absent", place, when.place, name=name)])
            inference.inputs_read.add(name)
            anywhere = replace(scope.inputs[name], optional=False, needed_when=None)
            value = read_input(whole, anywhere, Name(name))
        elif name in scope.known():
            value = whole.value(Name(name, place=message.place))
            needs += value.needs
        else:
            known, near = ", ".join(scope.inputs), did_you_mean(name, scope.known())
            raise ProblemsFound([problem("message-name", place, None, name=name, known=known, **near)])
        if inference.type(value).axis != on:
            of_row(inference.builder, value, Name(name, place=place))
        found[name] = value.step
    return tuple(found.items()), tuple(needs)


def of_row(builder: Builder, value: Value, expr: Expr | None) -> None:
    """Tell a formula that is a value of each item where the row needs one.

    Raises:
        ProblemsFound: it is.
    """
    axis = builder.type(value.step).axis
    if axis != ROW and expr is not None:
        raise ProblemsFound([problem("list-not-reduced", expr.place, None, formula=written(expr), list=axis)])
