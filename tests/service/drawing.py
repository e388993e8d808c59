"""Draw rows for a rule set from what `GetRuleSet` says of it, and from nothing else. No import of the engine here."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date

from dianjia.rulesets.v1 import rulesets_pb2 as rulesets
from dianjia.type.v1 import type_pb2 as types

EPOCH = date(1970, 1, 1)
ITEMS_MAX = 4  # of a list that follows no clock


def day_number(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days


def month(described: rulesets.RuleSet, at: int = 0) -> tuple[int, int]:
    """The first day and the day after the last of a whole month in which the rule set is in force, after its first."""
    begins = date.fromisoformat(described.summary.in_force_from or "2026-01-01")
    first = date(begins.year + (begins.month + at) // 12, (begins.month + at) % 12 + 1, 1)
    end = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return (first - EPOCH).days, (end - EPOCH).days


def chunk(described: rulesets.RuleSet, rows: int, first_id: int = 0) -> types.Chunk:
    """Draw rows: values anywhere between the bounds, what need not be given in half of the rows."""
    draw = random.Random(described.summary.name)
    first, end = month(described, draw.randrange(3))
    return types.Chunk(
        rows=rows,
        row_id_numbers=types.Numbers(values=range(first_id, first_id + rows)),
        rulesets=types.Codes(names=[described.summary.name.removeprefix("ruleSets/")]),
        period_from=[first] * rows,
        period_to=[end] * rows,
        columns=[column(one, rows, draw) for one in described.inputs],
        lists=[_list(one, rows, first, end, draw) for one in described.lists],
    )


def column(described: rulesets.Input, count: int, draw: random.Random) -> types.Column:
    """Draw a column of the kind that is described."""
    found = types.Column(name=described.name)
    match described.kind:
        case rulesets.INPUT_KIND_NUMBER:
            found.numbers.places = described.places
            found.numbers.values.extend(_between(described, draw) for _ in range(count))
        case rulesets.INPUT_KIND_DATE:
            found.days.values.extend(_between(described, draw) for _ in range(count))
        case rulesets.INPUT_KIND_BOOLEAN:
            found.booleans.bits = _bits(count, lambda: draw.random() < 0.5)
        case rulesets.INPUT_KIND_CODE:
            found.codes.names.extend(code.code for code in described.codes)
            found.codes.positions.extend(draw.randrange(len(described.codes)) for _ in range(count))
        case kind:
            raise AssertionError(f"{described.name} is of kind {kind}")
    if not described.required:
        found.given = _bits(count, lambda: draw.random() < 0.5)
    return found


def _between(described: rulesets.Input, draw: random.Random) -> int:
    """A value of the input, now and then a bound, often a small one: rules have something against most large ones."""
    low, high = described.low.unscaled, described.high.unscaled
    match draw.randrange(10):
        case 0:
            return low
        case 1:
            return high
        case 2 | 3 | 4 | 5:
            return min(high, max(low, low + draw.randrange(1000 * 10**described.places)))
    return draw.randint(low, high)


def _list(described: rulesets.ListInput, rows: int, first: int, end: int, draw: random.Random) -> types.ListColumn:
    if described.interval_minutes:
        lengths = [_intervals(described, first, end)] * rows
    else:
        lengths = [draw.randint(0, min(ITEMS_MAX, described.at_most)) for _ in range(rows)]
    return types.ListColumn(
        name=described.name,
        lengths=lengths,
        columns=[column(one, sum(lengths), draw) for one in described.inputs],
        given=b"" if described.required else _bits(rows, lambda: draw.random() < 0.5),
    )


def _intervals(described: rulesets.ListInput, first: int, end: int) -> int:
    """How many intervals the days have, those among them on which the clock is changed."""
    odd = {day_number(one.day): one.intervals for one in described.odd_days}
    return sum(odd.get(day, 1440 // described.interval_minutes) for day in range(first, end))


def _bits(count: int, draw: Callable[[], bool]) -> bytes:
    return packed([draw() for _ in range(count)])


def packed(truths: Sequence[bool]) -> bytes:
    """Write truths as bits, from the lowest of each byte."""
    found = bytearray((len(truths) + 7) // 8)
    for at, truth in enumerate(truths):
        found[at // 8] |= truth << at % 8
    return bytes(found)
