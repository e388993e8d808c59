"""Formulas: Python's expression syntax, read with the standard library's `ast` and a closed list of nodes.

Takes the written text of a formula with its place; gives an `Expr`, an immutable tree whose every node knows the
place it came from. Number literals keep their written digits. Nothing is evaluated here, and names are not looked
up: that is the compiler's work.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Final

from engine.language.expressions import Binary, Call, Compare, Expr, If, Item, Logic, Name, Number, Unary
from engine.language.nodes import Text
from engine.language.problems import Place, ProblemsFound, problem
from engine.language.units import Unit, parse_unit

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
    # lists: from the items to the row, and along the items
    "count": (1, False),
    "first": (1, False),
    "last": (1, False),
    "running_sum": (1, False),
    "previous": (1, False),
    # days
    "thirtieths": (2, False),
    "year_end": (1, False),
    "month_start": (1, False),
    "month_end": (1, False),
    "year": (1, False),
    "month": (1, False),
}

# function -> the word for the value that it has where there is no item to take one from, and its name with it
OTHERWISE: Final = {
    "max": ("if_empty", "largest_item"),
    "min": ("if_empty", "smallest_item"),
    "first": ("if_empty", "first_item"),
    "last": ("if_empty", "last_item"),
    "previous": ("first", "previous_item"),
}

_NUMBER = re.compile(r"\d+(\.\d{1,8})?\Z")

# `energy.2.price` is no name in Python: while `ast` reads it, a line's number is written with as many letters.
_ONE_EQUAL: Final = re.compile(r"(?<![<>=!])=(?!=)")
_NUMBERED = re.compile(r"(?:(?<=[A-Za-z_]\.)|(?<=[A-Za-z_][0-9]\.)|(?<=[A-Za-z_][0-9][0-9]\.))[0-9]+")
_LETTERS = str.maketrans("0123456789", "αβγδεζηθικ")
_DIGITS = str.maketrans("αβγδεζηθικ", "0123456789")


def _as_letters(match: re.Match[str]) -> str:
    return match[0].translate(_LETTERS)


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
            equal = _ONE_EQUAL.search(self.source)
            code = "formula-syntax" if equal is None else "formula-equal"
            raise self.problem(code, self.text.place, formula=self.source) from None
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
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
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
        if node.keywords or word in ("first", "last", "previous"):
            word, otherwise = self.otherwise(node, word, place)
            if len(arguments) != 1:
                raise self.problem("argument-count", place, name=node.func.id, formula=self.segment(node))
            arguments.append(otherwise)
        return Call(word, tuple(self.node(a) for a in arguments), places, mode, place=place)

    def otherwise(self, node: ast.Call, word: str, place: Place) -> tuple[str, ast.expr]:
        """The name of a function that takes one item of a list, and the value that stands where there is none."""
        key, name = OTHERWISE.get(word, ("", ""))
        if len(node.keywords) != 1 or node.keywords[0].arg != key:
            if not key:
                raise self.problem("unknown-argument", place, name=word, argument=node.keywords[0].arg)
            raise self.problem("item-otherwise", place, formula=self.segment(node), key=key)
        return name, node.keywords[0].value
