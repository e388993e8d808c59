"""The bills of customers as they are, with their lines and where their printed numbers come from.

Takes an advice and the rows that it is on; bills those rows as `dianjia bill` does, with the same evaluator. Only sums
are made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from engine.advice.result import AdviceResult
from engine.advice.rewrite import own_inputs
from engine.bulk.pieces import chosen_rows
from engine.calendars.days import day_date
from engine.compiler.book import RateBook
from engine.compiler.program import Compiled
from engine.evaluator.batch import Group, dispatch
from engine.evaluator.rows import Rows


@dataclass(frozen=True, slots=True)
class Bill:
    """One row's bill as it is.

    Attributes:
        scope: what of the account the row bills, where it is billed in pieces.
        lines: id of a line -> its amount; those that are on the bill.
        figures: sources of the printed numbers that its rule set has on its days, with their standing.
    """

    row_id: str
    key: str  # of the book, the rule set
    period_from: date
    period_to: date  # half-open
    total: Decimal
    lines: Mapping[str, Decimal]
    figures: tuple[tuple[str, str], ...] = ()
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """What one line comes to over all rows."""

    id: str
    title: str
    amount: Decimal


def bills_as_they_are(
    made: AdviceResult, book: RateBook, rows: Rows, scopes: Sequence[str] = ()
) -> tuple[dict[int, Bill], dict[str, dict[str, str]]]:
    """Bill the rows of all that are advised as they are: bills by position, and by rule set titles of lines."""
    keys = {at: key for one in made.advised for at, key in zip(one.rows, one.keys, strict=True)}
    order = np.array(sorted(keys), dtype=np.int64)
    besides = {name for ones in book.advice.values() for one in ones for name in own_inputs(one)}
    done = dispatch(book.rulesets, chosen_rows(rows, order), pass_through=besides)
    assert not done.refused, f"what was billed is billed again: {done.refused}"
    titles: dict[str, dict[str, str]] = {}
    bills: dict[int, Bill] = {}
    for group in done.groups:
        for apart in group.apart():
            of = dict(line_ids(apart.compiled).values())
            for position, (total, lines, figures) in totals(apart):
                at = int(order[position])
                titles[keys[at]] = of
                days = day_date(int(rows.period_from[at])), day_date(int(rows.period_to[at]))
                scope = scopes[at] if scopes else ""
                bills[at] = Bill(str(rows.row_id[at]), keys[at], *days, total, lines, figures, scope)
    return bills, titles


def totals(group: Group) -> Iterable[tuple[int, tuple[Decimal, dict[str, Decimal], tuple[tuple[str, str], ...]]]]:
    """Give each row that a rule set billed: its position, total, lines, and sources of its numbers."""
    compiled, result = group.compiled, group.result
    program, ids = compiled.program, line_ids(compiled)
    offsets = np.arange(len(result.total) + 1) if result.offsets is None else result.offsets
    places = program.steps[program.total].type.places
    for at, position in enumerate(result.kept.tolist()):
        parts = range(int(offsets[at]), int(offsets[at + 1]))
        lines: dict[str, Decimal] = {}
        figures: dict[tuple[str, str], None] = {}
        for line in program.lines:
            shown = result.shown.get(line.id)
            there = [part for part in parts if line.money and (shown is None or bool(shown[part]))]
            if there:
                amount = sum(int(result.amounts[line.id][part]) for part in there)
                id_, _ = ids[line.id]
                for part in there:
                    figures |= dict.fromkeys(_figures(compiled, int(result.version[part]), line.working.slots))
                lines[id_] = lines.get(id_, Decimal(0)) + money(amount, program.steps[line.amount].type.places)
        yield position, (money(int(result.total[at]), places), lines, tuple(figures))


def line_ids(compiled: Compiled) -> dict[str, tuple[str, str]]:
    """Lines that carry money with the id and title under which they are told: those of one charge and title as one."""
    found: dict[str, tuple[str, str]] = {}
    first: dict[tuple[str, str], str] = {}
    for line in compiled.program.lines:
        if line.money:
            title = line.title or line.id
            found[line.id] = first.setdefault((line.charge, title), line.id), title
    return found


def _figures(compiled: Compiled, version: int, slots: Iterable[int]) -> Iterable[tuple[str, str]]:
    """Sources of the printed numbers that stand in some constants in a version."""
    for slot in slots:
        for figure in compiled.constants.figures[version][slot]:
            if figure is not None and figure.source:
                yield figure.source, figure.standing


def days_covered(bills: Sequence[Bill]) -> int:
    """Days of some bills, each counted once."""
    covered, reached = 0, date.min
    for one in sorted(bills, key=lambda one: one.period_from):
        first = max(one.period_from, reached)
        covered += max((one.period_to - first).days, 0)
        reached = max(reached, one.period_to)
    return covered


def days_between(bills: Sequence[Bill]) -> Iterable[tuple[date, date]]:
    """Days between the first and the last of some bills that none of them is of, half-open."""
    reached = date.max
    for one in sorted(bills, key=lambda one: one.period_from):
        if one.period_from > reached:
            yield reached, one.period_from
        reached = one.period_to if reached == date.max else max(reached, one.period_to)


def billed_twice(bills: Sequence[Bill], book: RateBook) -> Iterable[tuple[Bill, Bill]]:
    """Bills of one rule set and scope whose periods overlap, as a run tells them: each with one that began before."""
    last: dict[tuple[str, str], Bill] = {}
    for one in sorted(bills, key=lambda one: one.period_from):
        of = book.rulesets[one.key].id, one.scope
        before = last.get(of)
        if before is not None and one.period_from < before.period_to:
            yield before, one
        if before is None or one.period_to > before.period_to:
            last[of] = one


def sums(bills: Sequence[Bill], titles: Mapping[str, Mapping[str, str]]) -> Iterable[Sum]:
    """What each line comes to, in the order of the rule sets that bill."""
    of = {name: title for key in dict.fromkeys(one.key for one in bills) for name, title in titles[key].items()}
    for name, title in of.items():
        amounts = [one.lines[name] for one in bills if name in one.lines]
        if amounts:
            yield Sum(name, title, sum(amounts, Decimal(0)))


def money(whole: int, places: int) -> Decimal:
    """An amount of whole numbers of its smallest place.

    >>> money(-1234, 2)
    Decimal('-12.34')
    """
    return Decimal(whole).scaleb(-places)
