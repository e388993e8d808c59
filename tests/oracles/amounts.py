"""What every oracle shares: rounding half up, a hundred digits of room, a bill, a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

Lines = dict[str, Decimal]
Bill = Mapping[str, Decimal]

ZERO = Decimal(0)
FEN = 2  # places of an amount in yuan


@dataclass(frozen=True)
class Refused:
    """No bill: the codes of every reason against one. Which of them is named first is not the notice's concern."""

    codes: frozenset[str]


def hundred_digits(function: Callable[P, R]) -> Callable[P, R]:
    """Let `function` compute with 100 digits, so that a sum or product of a bill is never rounded on its way.

    A quotient is cut at 100 digits. That cannot move a rounding to fen: a quotient of two numbers of some thirty
    digits that is not a tie is further from one than 1e-40.
    """

    @wraps(function)
    def wide(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext() as context:
            context.prec = 100
            return function(*args, **kwargs)

    return wide


def half_up(value: Decimal, places: int = FEN) -> Decimal:
    """Return `value` rounded to `places`, a half going away from zero (四舍五入), whichever its sign."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def named(charge: str, lines: Mapping[str, Decimal]) -> Lines:
    """Return the lines of a charge under their bill ids: `energy` and `2` give `energy.2`."""
    return {f"{charge}.{line}": amount for line, amount in lines.items()}


def bill(*parts: Mapping[str, Decimal]) -> Lines:
    """Return the lines of all parts and their sum as `total`; a line may be given once."""
    lines: Lines = {}
    for part in parts:
        for line, amount in part.items():
            assert line not in lines, f"two lines called {line}"
            lines[line] = amount
    return {**lines, "total": sum(lines.values(), ZERO)}
