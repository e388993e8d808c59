"""Expressions: what a formula is once it is read, how charge kinds build one, and how one is written out.

Every node is immutable and knows the place that it came from. Nothing is evaluated here, and names are not looked up:
that is the compiler's work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Final

from engine.language.problems import Place
from engine.language.units import DIMENSIONLESS, Unit


@dataclass(frozen=True, slots=True)
class Expr:
    """A node of a formula. Arithmetic between nodes builds larger ones, for the charge kinds' lowering."""

    place: Place | None = field(default=None, compare=False, kw_only=True)

    def __add__(self, other: Expr) -> Expr:
        return Binary("+", self, other, place=self.place)

    def __sub__(self, other: Expr) -> Expr:
        return Binary("-", self, other, place=self.place)

    def __mul__(self, other: Expr) -> Expr:
        return Binary("*", self, other, place=self.place)

    def __neg__(self) -> Expr:
        return Unary("-", self, place=self.place)


@dataclass(frozen=True, slots=True)
class Number(Expr):
    """A literal: `value` in `unit`, already scaled (2.00[fen/kWh] is 0.0200 CNY/kWh). `bare`: no unit was written."""

    value: Decimal
    unit: Unit = DIMENSIONLESS
    bare: bool = True


@dataclass(frozen=True, slots=True)
class Name(Expr):
    path: str


@dataclass(frozen=True, slots=True)
class Item(Expr):
    """A table's cell, `table[keys].column`; without a column, the row."""

    table: str
    keys: tuple[Expr, ...]
    column: str | Expr | None = None


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    op: str  # - not
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    op: str  # + - *
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    op: str  # < <= > >= == !=
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Logic(Expr):
    op: str  # and or
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class If(Expr):
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Call(Expr):
    function: str
    arguments: tuple[Expr, ...]
    places: int | None = None
    mode: str = "half_up"


@dataclass(frozen=True, slots=True)
class PartOf(Expr):
    """`operand`, of which a charge kind knows that it lies between zero and `whole` (a tier's part of the use)."""

    operand: Expr
    whole: Expr


ZERO = Number(Decimal(0))


def number(value: int | str | Decimal, unit: Unit = DIMENSIONLESS) -> Number:
    """A literal that the lowering of a charge kind writes."""
    return Number(Decimal(value), unit, unit == DIMENSIONLESS)


def minimum(*items: Expr) -> Expr:
    """The smallest of the items; one alone is itself."""
    if len(items) == 1:
        return items[0]
    return Call("min", items, place=items[0].place)


def maximum(*items: Expr) -> Expr:
    """The largest of the items; one alone is itself."""
    if len(items) == 1:
        return items[0]
    return Call("max", items, place=items[0].place)


def total(items: list[Expr]) -> Expr:
    """Sum of the items; zero where there are none."""
    result: Expr = items[0] if items else ZERO
    for item in items[1:]:
        result = Binary("+", result, item, place=result.place)
    return result


def rounded(value: Expr, places: int, mode: str = "half_up") -> Expr:
    """The value rounded to places."""
    return Call("round", (value,), places, mode, place=value.place)


def both(*items: Expr | None) -> Expr | None:
    """Conjunction of the conditions that there are."""
    present = tuple(item for item in items if item is not None)
    if not present:
        return None
    return present[0] if len(present) == 1 else Logic("and", present, place=present[0].place)


def children(expr: Expr) -> Iterator[Expr]:
    """The expressions directly beneath one."""
    for item in fields(expr):
        value = getattr(expr, item.name)
        if isinstance(value, Expr):
            yield value
        elif isinstance(value, tuple):
            yield from (one for one in value if isinstance(one, Expr))


def renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """The formula with names replaced by others."""
    if isinstance(expr, Name):
        return replace(expr, path=names.get(expr.path, expr.path))
    changed: dict[str, Any] = {}
    for item in fields(expr):
        value = getattr(expr, item.name)
        if isinstance(value, Expr):
            changed[item.name] = renamed(value, names)
        elif isinstance(value, tuple):
            changed[item.name] = tuple(renamed(one, names) if isinstance(one, Expr) else one for one in value)
    return replace(expr, **changed)


def factors(expr: Expr) -> list[Expr]:
    """The factors of a product, left to right."""
    if isinstance(expr, Binary) and expr.op == "*":
        return [*factors(expr.left), *factors(expr.right)]
    return [expr]


def written(expr: Expr) -> str:
    """The formula as text, for explanations and for reading what a charge kind lowered to."""
    match expr:
        case Number(value=value, unit=unit):
            return f"{value:f}" if unit == DIMENSIONLESS else f"{value:f}[{unit}]"
        case Name(path=path):
            return path
        case Item(table=table, keys=keys, column=column):
            base = f"{table}[{', '.join(written(key) for key in keys)}]"
            if column is None:
                return base
            return f"{base}.{column}" if isinstance(column, str) else f"{base}[{written(column)}]"
        case Unary(op=op, operand=operand):
            return f"not {_inner(operand)}" if op == "not" else f"-{_inner(operand)}"
        case Binary(op=op, left=left, right=right):
            if op == "+" or (op == "-" and not isinstance(right, Binary)):
                right_text = written(right) if op == "+" else _inner(right)
                return f"{written(left)} {op} {right_text}"
            if op == "-":
                return f"{written(left)} - {_inner(right)}"
            return f"{_factor(left)} {op} {_factor(right)}"
        case Compare(op=op, left=left, right=right):
            return f"{written(left)} {op} {written(right)}"
        case Logic(op=op, items=items):
            return f" {op} ".join(_inner(item) for item in items)
        case If(condition=condition, then=then, otherwise=otherwise):
            return f"({written(then)} if {written(condition)} else {written(otherwise)})"
        case Call(function=function, arguments=(item, otherwise)) if function in _ITEMS:
            word, key = _ITEMS[function]
            return f"{word}({written(item)}, {key}={written(otherwise)})"
        case Call(function=function, arguments=arguments, places=places, mode=mode):
            items_text = ", ".join(written(argument) for argument in arguments)
            return f"{function}({items_text})" if places is None else f"{function}({items_text}, {places}, {mode})"
        case PartOf(operand=operand):
            return written(operand)
        case _:
            raise AssertionError(type(expr))


_ITEMS: Final = {
    "largest_item": ("max", "if_empty"),
    "smallest_item": ("min", "if_empty"),
    "first_item": ("first", "if_empty"),
    "last_item": ("last", "if_empty"),
    "previous_item": ("previous", "first"),
}


def _inner(expr: Expr) -> str:
    return f"({written(expr)})" if isinstance(expr, Binary | Logic | Compare) else written(expr)


def _factor(expr: Expr) -> str:
    additive = isinstance(expr, Binary) and expr.op != "*"
    return f"({written(expr)})" if additive or isinstance(expr, Logic | Compare) else written(expr)
