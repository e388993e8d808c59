"""Formulas: Python's expression syntax, read with the standard library's `ast` and a closed list of nodes.

Takes the written text of a formula with its place; gives an `Expr`, an immutable tree whose every node knows the
place it came from. Number literals keep their written digits. Nothing is evaluated here, and names are not looked
up: that is the compiler's work.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from fractions import Fraction
from typing import Final

from engine.language.nodes import Text
from engine.language.problems import Place, ProblemsFound, problem
from engine.language.units import DIMENSIONLESS, Unit, parse_unit

ROUNDINGS = ("half_up", "half_even", "up", "down", "floor", "ceiling")

# function -> number of values, whether places and mode follow
FUNCTIONS: Final = {
    "min": (None, False),
    "max": (None, False),
    "sum": (None, False),
    "abs": (1, False),
    "given": (1, False),
    "unrounded": (1, False),
    "day": (3, False),
    "round": (1, True),
    "divide": (2, True),
    "sqrt": (1, True),
    "power_factor": (2, True),
}

_NUMBER = re.compile(r"\d+(\.\d{1,8})?\Z")

# `energy.2.price` is no name in Python: while `ast` reads it, a line's number is written with as many letters.
_NUMBERED = re.compile(r"(?:(?<=[A-Za-z_]\.)|(?<=[A-Za-z_][0-9]\.)|(?<=[A-Za-z_][0-9][0-9]\.))[0-9]+")
_LETTERS = str.maketrans("0123456789", "αβγδεζηθικ")
_DIGITS = str.maketrans("αβγδεζηθικ", "0123456789")


def _as_letters(match: re.Match[str]) -> str:
    return match[0].translate(_LETTERS)


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
    """The smallest of the items."""
    return Call("min", items, place=items[0].place)


def maximum(*items: Expr) -> Expr:
    """The largest of the items."""
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


def factors(expr: Expr) -> list[Expr]:
    """The factors of a product, left to right."""
    if isinstance(expr, Binary) and expr.op == "*":
        return [*factors(expr.left), *factors(expr.right)]
    return [expr]


def parse(text: Text) -> Expr:
    """Read a formula.

    Raises:
        ProblemsFound: the text is not an expression, or holds something that formulas do not have.
    """
    return _Reader(text).read()


_BINARY: Final = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_COMPARE: Final = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


class _Reader:
    def __init__(self, text: Text) -> None:
        self.text = text
        self.source = str(text).strip()
        self.starts: list[int] | None = None

    def read(self) -> Expr:
        if not self.source.isascii():
            bad = next(c for c in self.source if not c.isascii())
            raise self.problem("formula-character", self.text.place, character=bad)
        if "\n" in self.source:
            self.source = " ".join(self.source.split())
        try:
            tree = ast.parse(_NUMBERED.sub(_as_letters, self.source), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self.problem("formula-syntax", self.text.place, formula=self.source) from None
        return self.node(tree.body)

    def problem(self, code: str, place: Place | None, **parameters: object) -> ProblemsFound:
        """What to raise."""
        return ProblemsFound([problem(code, place, None, **parameters)])

    def place(self, node: ast.expr) -> Place:
        whole = self.text.place
        if whole.end_line != whole.line or node.end_col_offset is None or "\n" in str(self.text):
            return whole
        first, end = self.span(node)
        start = whole.column + (1 if self.text.quoted else 0)
        return Place(whole.file, whole.line, start + first, whole.line, start + end)

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Characters of the source that a node covers; `ast` counts bytes of the text with letters for numbers."""
        if self.starts is None:
            coded = _NUMBERED.sub(_as_letters, self.source)
            self.starts = [at for at, letter in enumerate(coded) for _ in letter.encode()] + [len(coded)]
        assert node.end_col_offset is not None
        return self.starts[node.col_offset], self.starts[node.end_col_offset]

    def segment(self, node: ast.expr) -> str:
        first, end = self.span(node)
        return self.source[first:end]

    def node(self, node: ast.expr) -> Expr:  # one case a node of the language
        place = self.place(node)
        match node:
            case ast.Constant():
                return self.literal(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Unary("-", self.node(operand), place=place)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Unary("not", self.node(operand), place=place)
            case ast.BinOp(left=left, op=op, right=right):
                if isinstance(op, ast.Div | ast.FloorDiv | ast.Mod):
                    raise self.problem("division-without-places", place, formula=self.segment(node))
                if type(op) not in _BINARY:
                    raise self.problem("formula-operator", place, formula=self.segment(node))
                return Binary(_BINARY[type(op)], self.node(left), self.node(right), place=place)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                sides = [self.node(side) for side in (left, *comparators)]
                if any(type(op) not in _COMPARE for op in ops):
                    raise self.problem("formula-operator", place, formula=self.segment(node))
                parts = tuple(
                    Compare(_COMPARE[type(op)], sides[i], sides[i + 1], place=place) for i, op in enumerate(ops)
                )
                return parts[0] if len(parts) == 1 else Logic("and", parts, place=place)
            case ast.BoolOp(op=op, values=values):
                word = "and" if isinstance(op, ast.And) else "or"
                return Logic(word, tuple(self.node(value) for value in values), place=place)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return If(self.node(test), self.node(body), self.node(orelse), place=place)
            case ast.Name() | ast.Attribute():
                return self.name(node)
            case ast.Subscript():
                return self.subscript(node, None)
            case ast.Call():
                return self.call(node)
            case _:
                raise self.problem("formula-syntax", place, formula=self.segment(node))

    def literal(self, node: ast.Constant, unit: str | None = None) -> Expr:
        place = self.place(node)
        if isinstance(node.value, bool):
            raise self.problem("formula-boolean", place, formula=self.segment(node))
        written = self.segment(node)
        if not isinstance(node.value, int | float) or not _NUMBER.match(written):
            raise self.problem("formula-number", place, formula=written)
        value = Decimal(written)
        if unit is None:
            return Number(value, place=place)
        parsed, scale = self.unit(unit, place)
        scaled = value * Decimal(scale.numerator) / Decimal(scale.denominator)
        return Number(scaled, parsed, False, place=place)

    def unit(self, text: str, place: Place) -> tuple[Unit, Fraction]:
        return parse_unit(Text(text, place))

    def name(self, node: ast.expr) -> Expr:
        parts: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr.translate(_DIGITS))
            inner = inner.value
        if isinstance(inner, ast.Name):
            return Name(".".join([inner.id, *reversed(parts)]), place=self.place(node))
        if isinstance(inner, ast.Subscript):
            if isinstance(inner.value, ast.Constant) or len(parts) != 1:
                raise self.problem("formula-syntax", self.place(node), formula=self.segment(node))
            return self.subscript(inner, parts[0], outer=node)
        raise self.problem("formula-syntax", self.place(node), formula=self.segment(node))

    def subscript(self, node: ast.Subscript, column: str | None, outer: ast.expr | None = None) -> Expr:
        place = self.place(outer or node)
        if isinstance(node.value, ast.Constant):  # 260[kWh/kVA]
            return self.literal(node.value, self.segment(node.slice))
        if isinstance(node.value, ast.Subscript):  # price[city][meter]
            row = self.subscript(node.value, None)
            if not isinstance(row, Item) or column is not None:
                raise self.problem("formula-syntax", place, formula=self.segment(node))
            return replace(row, column=self.node(node.slice), place=place)
        table = self.name(node.value)
        if not isinstance(table, Name):
            raise self.problem("formula-syntax", place, formula=self.segment(node))
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return Item(table.path, tuple(self.node(item) for item in items), column, place=place)

    def call(self, node: ast.Call) -> Expr:
        place = self.place(node)
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
            raise self.problem(
                "unknown-function", place, name=self.segment(node.func), known=", ".join(sorted(FUNCTIONS))
            )
        word = node.func.id
        count, rounds = FUNCTIONS[word]
        arguments = list(node.args)
        places, mode = None, "half_up"
        if rounds:
            if len(arguments) < 2 + (count or 0):
                raise self.problem("division-without-places", place, formula=self.segment(node))
            mode_node, places_node = arguments.pop(), arguments.pop()
            if not isinstance(mode_node, ast.Name) or mode_node.id not in ROUNDINGS:
                raise self.problem("unknown-rounding", self.place(mode_node), known=", ".join(ROUNDINGS))
            if not isinstance(places_node, ast.Constant) or not re.fullmatch(r"\d", self.segment(places_node)):
                raise self.problem("rounding-places", self.place(places_node), formula=self.segment(node))
            places, mode = int(self.segment(places_node)), mode_node.id
        if (count is not None and len(arguments) != count) or not arguments:
            raise self.problem("argument-count", place, name=word, formula=self.segment(node))
        return Call(word, tuple(self.node(a) for a in arguments), places, mode, place=place)


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
        case Call(function=function, arguments=arguments, places=places, mode=mode):
            items_text = ", ".join(written(argument) for argument in arguments)
            return f"{function}({items_text})" if places is None else f"{function}({items_text}, {places}, {mode})"
        case PartOf(operand=operand):
            return written(operand)
        case _:
            raise AssertionError(type(expr))


def _inner(expr: Expr) -> str:
    return f"({written(expr)})" if isinstance(expr, Binary | Logic | Compare) else written(expr)


def _factor(expr: Expr) -> str:
    additive = isinstance(expr, Binary) and expr.op != "*"
    return f"({written(expr)})" if additive or isinstance(expr, Logic | Compare) else written(expr)
