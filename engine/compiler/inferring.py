"""What reading names and calling functions see of inference; `engine.compiler.infer.Inference` is it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

from engine.compiler.builder import Builder
from engine.compiler.needs import Value
from engine.compiler.program import DayTable, Type
from engine.compiler.scope import Scope
from engine.language.expressions import Expr
from engine.language.problems import Place

Make = Callable[[Expr], Value]


class Inferring(Protocol):
    """One scope's formulas on their way to one builder's steps."""

    scope: Scope
    builder: Builder
    version_days: Sequence[int]  # first day of each version
    months: DayTable
    inputs_read: set[str]
    definitions: dict[str, Value]
    open: list[str]  # definitions that are being inferred, to tell a ring
    given_here: set[str]  # optional inputs known to be given here
    asked_for: set[str]  # optional inputs that the charge at hand is billed with alone: its formulas need them
    lenient: bool  # what reads an optional input needs it, without being asked to say so
    bill: bool  # whether names mean the whole bill, where billing periods are cut into parts

    @property
    def part(self) -> Inferring:
        """The inference in which names mean a part of the bill; itself where periods are not cut."""

    @property
    def whole(self) -> Inferring:
        """The inference in which names mean the whole bill; itself where periods are not cut."""

    def list_of(self, expr: Expr) -> str:
        """The list that a formula is on, as its names tell; "" where it is a value of the row."""

    def fail(self, code: str, place: Place | None, other: Place | None = None, **parameters: object) -> NoReturn:
        """Raise a problem."""

    def type(self, value: Value) -> Type:
        """Type of the value's step."""

    def value(self, expr: Expr) -> Value:
        """Any expression."""

    def numeric(self, expr: Expr) -> Value:
        """An expression that is a number."""

    def same_unit(
        self, what: str, a: Value, b: Value, place: Place | None, left: Expr | None = None, right: Expr | None = None
    ) -> tuple[Value, Value]:
        """Two values that are to be added, compared or chosen between."""

    def by_size(self, values: Sequence[Value]) -> list[Value]:
        """Constants first, then the narrowest."""

    def choice(self, expr: Expr, condition_expr: Expr, make: Make, then: Expr, otherwise: Expr) -> Value:
        """One of two expressions, each made by `make`."""
