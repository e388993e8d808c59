"""The checks of tables: formulas over printed rows, in exact decimals, with recorded exceptions.

A check guards the typing; what is billed is the printed number. A row that fails is a problem unless an exception
repeats what is printed and what the formula gives; an exception that is no longer needed is a problem too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from fractions import Fraction
from typing import Final

from engine.compiler.constants import Cell, ConstantSource, piece_at
from engine.compiler.figures import TableCheck, spanned
from engine.compiler.scope import TableSource
from engine.language.expressions import Binary, Call, Compare, Expr, If, Logic, Name, Number, Unary, children, written
from engine.language.models import PrintedException
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean

_CONTEXT = Context(prec=60)
_MODES: Final = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
}


class _DividedByZero(Exception):
    """A check cannot be computed for a row."""

    def __init__(self, divisor: Expr) -> None:
        self.divisor = divisor


def run_check(
    item: TableCheck,
    tables: Mapping[str, TableSource],
    constants: Mapping[str, ConstantSource],
    broken: Collection[str] = (),
) -> list[Problem]:
    """Problems of one check over every row of its table.

    Args:
        item: the check.
        tables: by path.
        constants: values by path.
        broken: tables and values that have problems of their own; what reads them is not checked.
    """
    check = item.check
    if any(name in broken for name in (str(check.of), *_names(check.holds))):
        return []
    table = tables.get(item.prefix + str(check.of))
    if table is None:
        known = [path.removeprefix(item.prefix) for path in tables if path.startswith(item.prefix)]
        return [problem("unknown-table", check.of.place, None, name=check.of, **did_you_mean(check.of, known))]
    if not _is_condition(check.holds):
        return [problem("not-a-condition", check.holds.place, None, formula=written(check.holds))]
    rows: dict[tuple[str, ...], dict[str, Cell]] = {}
    for column, source in table.columns.items():
        piece = piece_at(source, item.day)
        for key, cell in (piece.cells if piece is not None else {}).items():
            row = rows.setdefault(key, {})
            if cell is not None:
                row[column] = cell
    outer: dict[str, Decimal] = {}
    for path, source in constants.items():
        piece = piece_at(source, item.day)
        cell = piece.cells.get(()) if piece is not None else None
        if cell is not None and path.startswith(item.prefix):
            outer[path.removeprefix(item.prefix)] = cell.value
    problems: list[Problem] = []
    exceptions = {tuple(str(text) for text in one.row): one for one in check.except_ or []}
    for key, one in exceptions.items():
        if key not in rows:
            place = spanned(one.row) if one.row else one.place
            problems.append(problem("exception-row", place, table.place, row=", ".join(key)))
    for key, row in rows.items():
        if any(column in table.columns and column not in row for column in _names(check.holds)):
            continue  # the notice prints nothing there, so there is nothing to check
        try:
            problems += _row(item, key, row, outer, exceptions.get(key))
        except ProblemsFound as bad:
            return list(bad.problems)
        except _DividedByZero as bad:
            cell = next((row[name] for name in _names(bad.divisor) if name in row), None)
            told = {"check": item.name, "row": ", ".join(key), "divisor": written(bad.divisor)}
            other = None if cell is None else cell.place
            problems.append(problem("check-divides-by-zero", bad.divisor.place, other, **told))
    return _together(item, problems, len(rows), [name for name in _names(check.holds) if name in outer])


_FAILS: Final = ("check-failed", "exception-differs")
_ROWS_MIN = 3  # from so many rows on, a check that fails in all of them is told once


def _together(item: TableCheck, problems: list[Problem], rows: int, values: list[str]) -> list[Problem]:
    """One problem for all rows where all fail: then a value that every row reads is wrong, and not the rows."""
    failed = [one for one in problems if one.code in _FAILS]
    if rows < _ROWS_MIN or len(failed) < rows or not values:
        return problems
    first = failed[0]
    told = {"check": item.name, "count": rows, "values": ", ".join(dict.fromkeys(values))}
    told |= {name: first.parameters[name] for name in ("printed", "computed")}
    return [
        *(one for one in problems if one.code not in _FAILS),
        problem("check-fails-everywhere", first.place, item.place, **told),
    ]


def _row(
    item: TableCheck,
    key: tuple[str, ...],
    row: Mapping[str, Cell],
    outer: Mapping[str, Decimal],
    exception: PrintedException | None,
) -> list[Problem]:
    """Problems of one row."""
    holds = item.check.holds
    names = {**outer, **{column: cell.value for column, cell in row.items()}}
    label = ", ".join(key)
    part = _failing(holds, names)
    # the row is marked where the first column stands that the formula, or what fails of it, names
    place = next((row[name].place for name in _names(part or holds) if name in row), item.place)
    if part is None:
        if exception is not None:
            return [problem("exception-not-needed", exception.place, place, check=item.name, row=label)]
        return []
    sides = [_evaluate(side, names) for side in (part.left, part.right)] if isinstance(part, Compare) else []
    left, right = (f"{side:f}" for side in sides) if sides else ("", "")
    if exception is not None and sides:
        if sides == [exception.printed.value, exception.computed.value]:
            return []
        told = {"check": item.name, "printed": left, "computed": right}
        return [problem("exception-differs", exception.printed.place, place, **told)]
    if isinstance(part, Compare) and part.op == "==":
        told = {"check": item.name, "row": label, "printed": left, "computed": right}
        return [problem("check-failed", place, item.place, **told)]
    values = f" ({left} {part.op} {right})" if isinstance(part, Compare) else ""
    return [problem("check-not-held", place, item.place, check=item.name, row=label, formula=written(part) + values)]


def _failing(holds: Expr, names: Mapping[str, Decimal]) -> Expr | None:
    """What does not hold: of several conditions joined by `and` the first; None where the formula holds."""
    if isinstance(holds, Logic) and holds.op == "and":
        return next((part for one in holds.items if (part := _failing(one, names)) is not None), None)
    return None if _evaluate(holds, names) else holds


def _is_condition(expr: Expr) -> bool:
    match expr:
        case Compare() | Unary(op="not"):
            return True
        case Logic(items=items):
            return all(map(_is_condition, items))
        case If(then=then, otherwise=otherwise):
            return _is_condition(then) and _is_condition(otherwise)
        case _:
            return False


def _names(expr: Expr) -> list[str]:
    """Names of a formula, in the order in which they are written."""
    found = [expr.path] if isinstance(expr, Name) else []
    for child in children(expr):
        found += _names(child)
    return found


def _evaluate(expr: Expr, names: Mapping[str, Decimal]) -> Decimal:  # one case a node
    match expr:
        case Number(value=value):
            return value
        case Name(path=path):
            if path not in names:
                raise ProblemsFound(
                    (problem("unknown-name", expr.place, None, name=path, **did_you_mean(path, names)),)
                )
            return names[path]
        case Unary(op="-", operand=operand):
            return -_evaluate(operand, names)
        case Unary(operand=operand):
            return Decimal(not _evaluate(operand, names))
        case Binary(op=op, left=left, right=right):
            a, b = _evaluate(left, names), _evaluate(right, names)
            if op == "*":
                return _CONTEXT.multiply(a, b)
            return _CONTEXT.add(a, b) if op == "+" else _CONTEXT.subtract(a, b)
        case Compare(op=op, left=left, right=right):
            a, b = _evaluate(left, names), _evaluate(right, names)
            return Decimal({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[op])
        case Logic(op=op, items=items):
            results = [bool(_evaluate(one, names)) for one in items]
            return Decimal(all(results) if op == "and" else any(results))
        case If(condition=condition, then=then, otherwise=otherwise):
            return _evaluate(then if _evaluate(condition, names) else otherwise, names)
        case Call(function="round", arguments=(inner,), places=places, mode=mode):
            return _evaluate(inner, names).quantize(Decimal(1).scaleb(-(places or 0)), _MODES[mode], _CONTEXT)
        case Call(function="divide", arguments=(top, bottom), places=places, mode=mode):
            divisor = Fraction(_evaluate(bottom, names))
            if not divisor:
                raise _DividedByZero(bottom)
            ratio = Fraction(_evaluate(top, names)) / divisor
            shown = Context(prec=60).divide(Decimal(ratio.numerator), Decimal(ratio.denominator))
            return shown.quantize(Decimal(1).scaleb(-(places or 0)), _MODES[mode], _CONTEXT)
        case Call(function="abs", arguments=(inner,)):
            return abs(_evaluate(inner, names))
        case Call(function="min" | "max" as function, arguments=arguments):
            return (min if function == "min" else max)(_evaluate(one, names) for one in arguments)
        case Call(function="sum", arguments=arguments):
            return sum((_evaluate(one, names) for one in arguments), Decimal(0))
        case _:
            raise ProblemsFound((problem("not-in-a-check", expr.place, formula=written(expr)),))
