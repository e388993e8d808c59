"""What shared files read of the rule sets that use them.

Where a rule set, its form or another shared file has an input, a quantity or a value of the name, that one is read, and
has to be of the same kind and unit. Where nobody has, the name becomes an optional input, behind all the others; what
reads it is missing where it is. So one shared file serves rule sets that know more and those that know less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.compiler.infer import Inference
from engine.compiler.inputs import input_type
from engine.compiler.program import ROW, Type
from engine.language.expressions import Name
from engine.language.models import ReadRule
from engine.language.nodes import Text
from engine.language.problems import Place, Problem, problem

WORDS: Final[Mapping[str, str]] = {"boolean": "yes or no", "code": "a code", "date": "a day"}


def unlike(name: Text, rule: ReadRule, declared: Place, inference: Inference) -> Problem | None:
    """That what the rule set has under the name is not of the kind and unit that the shared file reads.

    Raises:
        ProblemsFound: what the rule set has under the name has a problem of its own.
    """
    expected = input_type(str(name), rule.kind, rule.as_input(in_parts=False), name.place)
    type_ = _found(name, inference)
    if type_ is not None and (type_.kind, type_.unit, type_.axis) == (expected.kind, expected.unit, ROW):
        return None
    told = {"found": "no input, quantity or value" if type_ is None else _words(type_), "expected": _words(expected)}
    return problem("reads-differs", declared, name.place, name=name, **told)


def _found(name: Text, inference: Inference) -> Type | None:
    """What the name is; None where it is a list, a table, a charge, or a hole that is filled by no number."""
    scope, path = inference.scope, str(name)
    if path in scope.inputs:
        return scope.inputs[path].spec.type
    if path in scope.constants:
        return Type(unit=scope.constants[path].unit)
    if path not in scope.definitions or scope.definitions[path].charge:
        return None
    inference.lenient = True  # as where the warnings read it
    try:
        return inference.type(inference.value(Name(path, place=name.place)))
    finally:
        inference.lenient = False


def _words(type_: Type) -> str:
    if type_.axis != ROW:
        return "a value of each item"
    return WORDS.get(type_.kind, f"[{type_.unit}]" if str(type_.unit) else "[1]")
