"""Sizes of the bars of a proposal's charts: parts of a hundred, of which the page draws SVG that fits any width.

Letters stand beside the drawings and not in them, so that they keep their size on a phone and on paper. A bar's size is
the amount's, to a hundredth of a hundredth; the amount itself stands in the page as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from engine.proposal.bills import Bill, Sum
from engine.proposal.contents import Contents

COLOURS: Final = ("#c2571a", "#e39a4c", "#8a929e", "#1f7a8c", "#5b4a8a", "#b23a5b", "#6b8e3d", "#3d6cb0")
REST: Final = "#c9ced6"
_TICKS: Final = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of a column, in parts of a hundred from the top."""

    y: str
    height: str
    colour: str
    title: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Column:
    """The bills of one period as a column of blocks."""

    bills: tuple[Bill, ...]
    blocks: tuple[Block, ...]
    total: Decimal


@dataclass(frozen=True, slots=True)
class Stack:
    """Columns over a common scale.

    Attributes:
        colours: of each line that has its own, by id; others are drawn together.
        ticks: amounts with a line, and how far from the top.
    """

    columns: tuple[Column, ...]
    colours: dict[str, str]
    ticks: tuple[tuple[Decimal, str], ...]
    zero: str


def stack(of: Contents) -> Stack:
    """Draw the bills as they are, period by period, by their lines: the largest lines in colours of their own."""
    colours = _colours(of.lines)
    periods: dict[object, list[Bill]] = {}
    for bill in of.bills:
        periods.setdefault((bill.period_from, bill.period_to), []).append(bill)
    sums = [_by_colour(bills, of.lines, colours) for bills in periods.values()]
    highest = max(sum((one for _, _, one in parts if one > 0), Decimal(0)) for parts in sums)
    lowest = min(sum((one for _, _, one in parts if one < 0), Decimal(0)) for parts in sums)
    step = _step(highest - lowest)
    top = (highest / step).to_integral_value(ROUND_CEILING) * step
    span = (top - lowest) or Decimal(1)
    columns = []
    for bills, parts in zip(periods.values(), sums, strict=True):
        blocks, up, down = [], Decimal(0), Decimal(0)
        for colour, title, amount in parts:
            if amount > 0:
                up += amount
            y = up if amount > 0 else down
            if amount < 0:
                down += amount
            if amount:
                blocks.append(Block(_part(top - y, span), _part(abs(amount), span), colour, title, amount))
        columns.append(Column(tuple(bills), tuple(blocks), sum((one.total for one in bills), Decimal(0))))
    count = int(span / step)
    ticks = [(top - step * at, _part(step * at, span)) for at in range(count + 1)]
    return Stack(tuple(columns), colours, tuple(ticks), _part(top, span))


def _step(span: Decimal) -> Decimal:
    """A round number of which four or five make the span."""
    if span <= 0:
        return Decimal(1)
    power = Decimal(10) ** (span / 5).adjusted()
    return next(one * power for one in _TICKS if one * power * 5 >= span)


def _colours(lines: Sequence[Sum]) -> dict[str, str]:
    """A colour each for the largest lines, in the order of the bill."""
    largest = sorted(lines, key=lambda one: -abs(one.amount))[: len(COLOURS)]
    named = [one.id for one in lines if one in largest and one.amount]
    return dict(zip(named, COLOURS, strict=False))


def _by_colour(bills: Sequence[Bill], lines: Sequence[Sum], colours: dict[str, str]) -> list[tuple[str, str, Decimal]]:
    own = [
        (colours[one.id], one.title, sum((bill.lines.get(one.id, Decimal(0)) for bill in bills), Decimal(0)))
        for one in lines
        if one.id in colours
    ]
    others = sum(
        (bill.lines.get(one.id, Decimal(0)) for one in lines if one.id not in colours for bill in bills), Decimal(0)
    )
    return [*own, (REST, "", others)]


def _part(amount: Decimal, of: Decimal) -> str:
    """An amount in parts of a hundred of another."""
    return f"{(amount * 100 / of).quantize(Decimal('0.01'))}"


def bar(amount: Decimal, largest: Decimal) -> str:
    """How long a bar is, in parts of a hundred of the longest."""
    return _part(max(amount, Decimal(0)), largest) if largest > 0 else "0"


def pairs(now: Sequence[Decimal], then: Sequence[Decimal]) -> tuple[tuple[str, str], ...]:
    """How high two bars a bill are, in parts of a hundred of the highest of all."""
    highest = max((*now, *then, Decimal(0)))
    return tuple((bar(a, highest), bar(b, highest)) for a, b in zip(now, then, strict=True))
