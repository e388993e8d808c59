"""A trigger in plain data, for engines that correlate in their own way (`engine.warnings.durable`).

Takes a step's condition; gives it in two parts: what an event fulfils by itself, as a program, and comparisons with
fields of earlier steps. A condition that mixes the two in another way is not plain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.compiler.program import Compiled
from engine.compiler.scope import Definition
from engine.compiler.trigger import EventType, Join, PatternStep
from engine.compiler.triggers.maker import names_read
from engine.language.expressions import Compare, Expr, Logic, Name, both
from engine.language.problems import Place

_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

Own = Callable[[str, Expr], tuple[Compiled, int]]
"""Event type and condition on its own fields -> program, and its step."""


class Patterns:
    """Takes conditions apart."""

    def __init__(self, definitions: Mapping[str, Definition], types: Mapping[str, EventType], own: Own) -> None:
        self._definitions = definitions
        self._types = types
        self._own = own

    def step(
        self,
        name: str,
        on: object,
        when: Expr | None,
        earlier: Mapping[str, str],
        absent: bool = False,
        within: int = 0,
        place: Place | None = None,
    ) -> PatternStep:
        """Describe a step; `earlier`: steps before it, by name, with their event types."""
        items = () if when is None else when.items if isinstance(when, Logic) and when.op == "and" else (when,)
        alone: list[Expr] = []
        joins: list[Join] = []
        plain = True
        for item in items:
            if not self._looks_back(item, earlier):
                alone.append(item)
                continue
            join = self._join(item, self._types[str(on)], earlier)
            plain = plain and join is not None
            joins += [] if join is None else [join]
        whole = both(*alone)
        own, own_step = (None, -1) if whole is None else self._own(str(on), whole)
        where = place or (when.place if when is not None else None)
        return PatternStep(name, str(on), absent, within, own, own_step, tuple(joins), plain, where)

    def joined(self, when: Expr | None, here: str, there: Mapping[str, str]) -> tuple[tuple[Join, ...], bool]:
        """Take a condition on two sides apart, as seen from one: what is compared, and whether that is all of it."""
        found: list[Join] = []
        for item in () if when is None else when.items if isinstance(when, Logic) and when.op == "and" else (when,):
            if not isinstance(item, Compare) or not isinstance(item.left, Name) or not isinstance(item.right, Name):
                return (), False
            sides, op = (item.left.path.partition("."), item.right.path.partition(".")), item.op
            if sides[0][0] != here:
                sides, op = (sides[1], sides[0]), _TURNED[op]
            if sides[0][0] != here or sides[1][0] not in there:
                return (), False
            found.append(Join(sides[0][2], op, sides[1][0], sides[1][2]))  # type: ignore[arg-type]  # as in `_join`
        return tuple(found), True

    def _looks_back(self, expr: Expr, earlier: Mapping[str, str]) -> bool:
        read = names_read(expr, self._definitions)
        return any(path.partition(".")[0] in earlier for path in read if "." in path)

    def _join(self, expr: Expr, event: EventType, earlier: Mapping[str, str]) -> Join | None:
        """A comparison of a field of this event with one of an earlier step; None: it is none, as with a value."""
        if not isinstance(expr, Compare) or not isinstance(expr.left, Name) or not isinstance(expr.right, Name):
            return None
        here, there, op = expr.left.path, expr.right.path, expr.op
        if here.partition(".")[0] in earlier:
            here, there, op = there, here, _TURNED[op]
        step, dot, other = there.partition(".")
        if not dot or step not in earlier or here not in {spec.name for spec in event.inputs}:
            return None
        return Join(here, op, step, other)  # type: ignore[arg-type]  # of the six signs that a comparison may have
