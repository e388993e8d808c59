"""The tests that stand in advice files: rows of one customer, what they cost now and under each alternative.

Takes a rate book and a test of its advice; gives what the advice has otherwise than the test expects. The bills come
from the evaluator that bills every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate
from typing import Final

import numpy as np

from engine.advice.advise import advise
from engine.advice.result import Advised, Outcome, Unadvised
from engine.calendars.days import day_number
from engine.compiler.advising import Advice, AdviceCase
from engine.compiler.book import RateBook
from engine.evaluator.rows import Children, Column, RowProblem, Rows

NOW: Final = "now"
ACCOUNT: Final = "test"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a test expects and does not get."""

    path: str
    expected: str
    got: str


def cases_of(book: RateBook) -> Iterable[tuple[Advice, AdviceCase]]:
    """Every test of the book's advice, with the advice that it is of."""
    for several in book.advice.values():
        for one in several:
            for case in one.tests:
                yield one, case


def run_case(book: RateBook, advice: Advice, case: AdviceCase) -> list[Difference]:
    """Run one test and give what is not as expected.

    Args:
        book: with the advice and the rule set that the test names.
        advice: one of the book's.
        case: one of its tests.
    """
    # the other rule sets of the book are prepared only where a plan asks for them
    rulesets = {key: one for key, one in book.rulesets.items() if one.id == case.ruleset}
    wanted = {one.ruleset for one in advice.alternatives.values()}
    plans = {
        key: one for key, one in {**book.rulesets, **book.plans}.items() if one.id in wanted and key not in rulesets
    }
    small = replace(book, rulesets=rulesets, advice={key: (_same(book, key, advice),) for key in rulesets}, plans=plans)
    named = {path.partition(".")[0] for path in case.expect} - {NOW} | set(case.not_lawful)
    result = advise(small, rows_of(small, case), [ACCOUNT] * len(case.rows), only=sorted(named))
    if not result.advised:
        return [Difference(NOW, case.expect.get(NOW, "billed"), _why(result.unadvised[0]))]
    return list(_differences(advice, case, result.advised[0]))


def _same(book: RateBook, key: str, advice: Advice) -> Advice:
    """The same advice file for another version of the rule set."""
    return next((one for one in book.advice.get(key, ()) if one.id == advice.id), advice)


def _differences(advice: Advice, case: AdviceCase, found: Advised) -> Iterable[Difference]:
    outcomes = {one.alternative: one for one in found.outcomes}
    for path, text in case.expect.items():
        name, _, what = path.partition(".")
        value = found.total if name == NOW else _figure(outcomes[name], what)
        places = found.places
        if what == "best":
            places = outcomes[name].best_places
        if value is None:
            yield Difference(path, text, "-" if name == NOW else _state(outcomes[name]))
        elif Decimal(value).scaleb(-places) != Decimal(text):
            yield Difference(path, text, f"{Decimal(value).scaleb(-places):f}")
    for name in case.not_lawful:
        if outcomes[name].state != "not_lawful":
            yield Difference(name, "not_lawful", _state(outcomes[name]))


def _figure(outcome: Outcome, what: str) -> int | None:
    figures: Mapping[str, int | None] = {
        "": outcome.total,
        "saving": outcome.saving,
        "best": outcome.best,
        "cost": outcome.cost,
    }
    return figures[what]


def _state(outcome: Outcome) -> str:
    """Why an alternative has no such figure."""
    why = outcome.reason or ("" if outcome.problem is None else _told(outcome.problem))
    return f"{outcome.state}: {why}" if why else outcome.state


def _why(one: Unadvised) -> str:
    return "; ".join(map(_told, one.problems)) or "no advice"


def _told(found: RowProblem) -> str:
    return f"{found.code} {found.field}".strip()


def rows_of(book: RateBook, case: AdviceCase) -> Rows:
    """A test's rows in columns, as they are written; a row's id is its number."""
    axes = {axis.name for several in book.advice.values() for one in several for axis in one.rewrite.program.axes}
    given = [values for _, _, values in case.rows]
    names = sorted({name for values in given for name in values})
    return Rows(
        row_id=np.arange(len(given), dtype=np.int64),
        ruleset=Column(np.zeros(len(given), dtype=np.int64), codes=(case.ruleset,)),
        period_from=np.array([day_number(first) for first, _, _ in case.rows], dtype=np.int64),
        period_to=np.array([day_number(end) for _, end, _ in case.rows], dtype=np.int64),
        columns={name: _cells([values.get(name) for values in given]) for name in names if name not in axes},
        children={name: _children([values.get(name) for values in given]) for name in names if name in axes},
    )


def _children(lists: Sequence[object]) -> Children:
    items = [one if isinstance(one, tuple) else () for one in lists]
    offsets = np.array([0, *accumulate(len(one) for one in items)], dtype=np.int64)
    whole = [item for one in items for item in one]
    keys = sorted({key for item in whole for key in item})
    columns = {key: _cells([item.get(key) for item in whole]) for key in keys}
    return Children(offsets, columns, np.array([one is not None for one in lists]))


def _cells(values: Sequence[object]) -> Column:
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return Column(cells)
