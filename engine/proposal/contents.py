"""What is told of one customer, as data: bills as they are, each alternative with its bills, and what stands behind.

Takes an account's advice and the rows that it is on; gives texts, decimals and days, which the page, JSON and tables
write. Every amount is one that the evaluator gave; only sums, differences and shares of them are made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil
from typing import Final, Literal

from engine.advice.result import AdviceResult, Advised, Outcome, State
from engine.advice.rewrite import stages
from engine.compiler.advising import Advice, Alternative
from engine.compiler.book import RateBook
from engine.compiler.program import Compiled, InputSpec
from engine.evaluator.rows import RowProblem, Rows
from engine.proposal.bills import Bill, Sum, billed_twice, bills_as_they_are, days_between, days_covered, money, sums

Verdict = Literal["saves", "same", "dearer", "not_possible"]
DAYS_A_YEAR: Final = 365
MONTHS_A_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Condition:
    text: str
    source: str
    standing: str


@dataclass(frozen=True, slots=True)
class Setting:
    """What an alternative changes in the customer's data.

    Attributes:
        kind: `code`: another choice, `absent`: no longer said, `computed`: worked out for each bill, `best`: searched.
        to: title of the code, or the value found; "" of what is worked out for each bill.
        now: the value as it is, where every row has the same.
    """

    input: str
    title: str
    kind: Literal["code", "absent", "computed", "best"]
    to: str = ""
    now: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One alternative for the customer.

    Attributes:
        rank: from 1 of those that save something, by saving; 0: another.
        verdict: whether it saves, changes nothing, costs more, or cannot be.
        bills: total of each row, in order; empty where there are none.
        percent: of what is paid now that it saves; None where nothing is paid now.
        source, standing: where they are not those of the whole advice.
        payback: months until the saving has paid the cost, rounded up; None: it costs nothing, or never pays.
        reason: why it cannot be.
        missing: inputs that are not given and would have to be, with their titles.
        problem: what refused a row.
    """

    id: str
    advice: str
    title: str
    kind: str
    state: State
    rank: int
    verdict: Verdict
    total: Decimal | None
    saving: Decimal | None
    percent: Decimal | None
    bills: tuple[Decimal, ...]
    settings: tuple[Setting, ...]
    first: tuple[str, ...]
    ruleset: str
    ruleset_title: str
    cost: Decimal | None
    payback: int | None
    how: str
    conditions: tuple[Condition, ...]
    source: str
    standing: str
    reason: str
    missing: tuple[tuple[str, str], ...]
    problem: RowProblem | None
    row_id: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule set or an advice file that stands behind the figures."""

    id: str
    title: str
    kind: Literal["ruleset", "advice"]
    source: str
    standing: str
    bills: bool  # the customer's bills as they are
    figures: tuple[tuple[str, str], ...] = ()  # sources of its printed numbers, with their standing


@dataclass(frozen=True, slots=True)
class Contents:
    """What is told of one customer.

    Attributes:
        without: days between the first and the last bill that no bill is of, half-open.
        twice: bills of which one begins before another of the same rule set has ended.
    """

    account: str
    currency: str
    places: int
    bills: tuple[Bill, ...]
    total: Decimal
    lines: tuple[Sum, ...]  # as they stand on the bills
    choices: tuple[Choice, ...]  # ranked ones first, then the others by id
    rules: tuple[Rule, ...]
    without: tuple[tuple[date, date], ...] = ()
    twice: tuple[tuple[Bill, Bill], ...] = ()

    @property
    def days(self) -> int:
        """Days that the bills cover, each once."""
        return days_covered(self.bills)

    @property
    def first_day(self) -> date:
        return min(one.period_from for one in self.bills)

    @property
    def end_day(self) -> date:
        """The day after the last."""
        return max(one.period_to for one in self.bills)

    @property
    def best(self) -> Choice | None:
        """The alternative that saves most."""
        return next((one for one in self.choices if one.rank == 1), None)

    def of(self, verdict: Verdict) -> tuple[Choice, ...]:
        return tuple(one for one in self.choices if one.verdict == verdict)


def contents(made: AdviceResult, book: RateBook, rows: Rows, scopes: Sequence[str] = ()) -> Iterator[Contents]:
    """Put together what is told of each customer that is advised.

    Args:
        made: the advice.
        book: that made it.
        rows: the batch that was asked about, in which the advice has positions.
        scopes: (row,) what of its account each bills; none: accounts are billed whole.
    """
    bills, titles = bills_as_they_are(made, book, rows, scopes)
    for advised in made.advised:
        yield _contents(advised, book, [bills[at] for at in advised.rows], titles)


def _contents(
    advised: Advised, book: RateBook, bills: Sequence[Bill], titles: Mapping[str, Mapping[str, str]]
) -> Contents:
    wholes = [money(whole, advised.places) for whole in advised.bills]
    assert [one.total for one in bills] == wholes, f"advised on {wholes}, billed {[one.total for one in bills]}"
    advices = _advices(advised, book)
    days = days_covered(bills)
    choices, rank = [], 0
    for outcome in advised.outcomes:
        saves = outcome.saving is not None and outcome.saving > 0
        rank += saves
        advice = advices[outcome.advice]
        choices.append(_choice(outcome, advice, book, advised, bills, rank if saves else 0, days))
    return Contents(
        account=advised.account,
        currency=advised.currency,
        places=advised.places,
        bills=tuple(bills),
        total=money(advised.total, advised.places),
        lines=tuple(sums(bills, titles)),
        choices=tuple(choices),
        rules=tuple(_rules(bills, choices, advices, book)),
        without=tuple(days_between(bills)),
        twice=tuple(billed_twice(bills, book)),
    )


def _advices(advised: Advised, book: RateBook) -> dict[str, Advice]:
    """The advice of the account's rule sets by id; of several versions that of the first row."""
    found: dict[str, Advice] = {}
    for key in advised.keys:
        for one in book.advice.get(key, ()):
            found.setdefault(one.id, one)
    return found


def _choice(
    outcome: Outcome,
    advice: Advice,
    book: RateBook,
    advised: Advised,
    bills: Sequence[Bill],
    rank: int,
    days: int,
) -> Choice:
    alternative = advice.alternatives[outcome.alternative]
    compiled = book.rulesets[advice.key]
    total, saving = outcome.total, outcome.saving
    percent = None
    if saving is not None and advised.total > 0:
        percent = (Decimal(saving) * 100 / Decimal(advised.total)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    own = (alternative.source, alternative.standing) != (advice.source, advice.standing)
    cost = None if outcome.cost is None else money(outcome.cost, advised.places)
    other = _plan(book, alternative.ruleset)
    specs = _specs(advice, compiled, _versions(book, alternative.ruleset))
    return Choice(
        id=outcome.alternative,
        advice=outcome.advice,
        title=alternative.title,
        kind=alternative.kind,
        state=outcome.state,
        rank=rank,
        verdict=_verdict(outcome),
        total=None if total is None else money(total, advised.places),
        saving=None if saving is None else money(saving, advised.places),
        percent=percent,
        bills=tuple(money(one, advised.places) for one in outcome.bills),
        settings=tuple(_settings(outcome, alternative, advice, specs)),
        first=tuple(advice.alternatives[one].title for one in alternative.first),
        ruleset=alternative.ruleset,
        ruleset_title="" if other is None else other.title,
        cost=cost,
        payback=_payback(outcome, days),
        how=alternative.how,
        conditions=tuple(Condition(one.text, one.source, one.standing) for one in alternative.conditions),
        source=alternative.source if own else "",
        standing=alternative.standing if own else "",
        reason=outcome.reason,
        missing=tuple(_missing(outcome, specs)),
        problem=outcome.problem,
        row_id=_row_id(outcome, advised, bills),
    )


def _plan(book: RateBook, id_: str) -> Compiled | None:
    """The rule set of another plan; of several versions the first."""
    return next(iter(_versions(book, id_)), None)


def _versions(book: RateBook, id_: str) -> Sequence[Compiled]:
    """All versions of the rule set of another plan."""
    found = {**book.plans, **book.rulesets}
    return [one for key, one in found.items() if id_ in (key, one.id)] if id_ else []


def _verdict(outcome: Outcome) -> Verdict:
    if outcome.state == "unchanged" or (outcome.saving is not None and outcome.saving == 0):
        return "same"
    if outcome.saving is None:
        return "not_possible"
    return "saves" if outcome.saving > 0 else "dearer"


def _row_id(outcome: Outcome, advised: Advised, bills: Sequence[Bill]) -> str:
    """The first row that says why not."""
    return bills[advised.rows.index(outcome.row)].row_id if outcome.row in advised.rows else ""


def _payback(outcome: Outcome, days: int) -> int | None:
    """Months until the mean saving a month has paid the cost, rounded up; a year has twelve months, and 365 days."""
    if not outcome.cost or not outcome.saving or outcome.saving <= 0 or not days:
        return None
    months = Fraction(days * MONTHS_A_YEAR, DAYS_A_YEAR)
    return ceil(outcome.cost * months / outcome.saving)


def _specs(advice: Advice, compiled: Compiled, others: Sequence[Compiled]) -> dict[str, InputSpec]:
    """The inputs that are named to a customer, by name; of several versions of a plan those of the first."""
    further = [spec for other in reversed(others) for spec in other.program.inputs]
    return {spec.name: spec for spec in (*further, *advice.inputs, *compiled.program.inputs)}


def _missing(outcome: Outcome, specs: Mapping[str, InputSpec]) -> Iterable[tuple[str, str]]:
    if outcome.state == "not_known":
        for name in outcome.reason.split(", "):
            yield name, (specs[name].title if name in specs else "") or name


def _settings(
    outcome: Outcome, alternative: Alternative, advice: Advice, specs: Mapping[str, InputSpec]
) -> Iterable[Setting]:
    changes = {change.input: change for one in stages(advice, alternative) for change in one.changes}
    best = alternative.best
    for one in changes.values():
        spec = specs[one.input]
        title, unit = spec.title or spec.name, str(spec.type.unit)
        if one.absent:
            yield Setting(one.input, title, "absent", unit=unit)
        elif one.code:
            yield Setting(one.input, title, "code", _code_title(spec, one.code))
        elif best is None or one.input != best.input:
            yield Setting(one.input, title, "computed", unit=unit)
    if best is not None:
        spec = specs[best.input]
        title, unit = spec.title or spec.name, str(spec.type.unit)
        found = (outcome.best, outcome.now)
        to, now = ("" if one is None else f"{money(one, outcome.best_places):f}" for one in found)
        yield Setting(best.input, title, "best", to, now, unit)


def _code_title(spec: InputSpec, code: str) -> str:
    titles = dict(zip(spec.type.codes, spec.code_titles, strict=False))
    return titles.get(code) or code


def _rules(
    bills: Sequence[Bill], choices: Sequence[Choice], advices: Mapping[str, Advice], book: RateBook
) -> Iterable[Rule]:
    """What stands behind: rule sets that bill, those of other plans, and the advice."""
    keys = dict.fromkeys(one.key for one in bills)
    for key in keys:
        compiled = book.rulesets[key]
        figures = tuple(dict.fromkeys(figure for one in bills if one.key == key for figure in one.figures))
        yield Rule(compiled.id, compiled.title, "ruleset", compiled.source, compiled.standing, True, figures)
    told = {book.rulesets[key].id for key in keys}
    for choice in choices:
        if choice.ruleset and choice.ruleset not in told and choice.total is not None:
            told.add(choice.ruleset)
            other = _plan(book, choice.ruleset)
            if other is not None:
                yield Rule(other.id, other.title, "ruleset", other.source, other.standing, False)
    for one in advices.values():
        yield Rule(one.id, one.title, "advice", one.source, one.standing, False)
