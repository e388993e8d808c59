"""Advise customers: bill their rows as they are and under each lawful alternative, and rank what each would save.

    rows ─▶ bills as they are ─▶ rows by rule set ─▶ each alternative: rewritten, the best value found, billed ─▶ ranked

Every bill comes from the ordinary evaluator; what an alternative does to a row is the rules' (`engine.advice.rewrite`).
All rows of a batch are rewritten and billed at once; one by one, only results are put together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from engine.advice.billing import UNBILLED, Bills, Book, Own, bills_under, total_places
from engine.advice.columns import rows_of
from engine.advice.result import AdviceResult, Advised, Outcome, Unadvised
from engine.advice.rewrite import inputs_read, own_inputs
from engine.compiler.advising import Alternative
from engine.compiler.book import RateBook
from engine.evaluator.batch import dispatch
from engine.evaluator.evaluate import Plans
from engine.evaluator.families import Families
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Array, Column, Mask, RowProblem, Rows


def advise(
    book: RateBook,
    rows: Rows,
    accounts: Sequence[str] | Array,
    *,
    only: Collection[str] = (),
    kinds: Collection[str] = (),
    plans: Mapping[str, Plans] | None = None,
    pass_through: Collection[str] = (),
    threads: int = 1,
) -> AdviceResult:
    """Advise each account.

    Args:
        book: with advice.
        rows: a batch; columns that only advice reads may be among them.
        accounts: shape (row,) whose each row is.
        only: alternatives, as `name` or `advice:name`; none: all.
        kinds: `choice`, `measure`, `plan`; none: all.
        plans: `Families(book.rulesets)`, kept from batch to batch.
        pass_through: columns and lists that nothing reads.
        threads: of this process.

    Returns:
        Every account, advised or not.

    Raises:
        ValueError: there are not as many accounts as rows, or `only` or `kinds` name what no advice has.
    """
    if len(accounts) != len(rows):
        raise ValueError(f"accounts has {len(accounts)} entries, rows {len(rows)}; pass one for each row")
    _check(book, only, kinds)
    return _Advising(book, rows, accounts, Families.of(book.rulesets, plans), set(pass_through), threads).result(
        only, kinds
    )


def _check(book: RateBook, only: Collection[str], kinds: Collection[str]) -> None:
    """Raise where something is asked for that no advice has."""
    every = {(one.id, name) for several in book.advice.values() for one in several for name in one.alternatives}
    known = {name for _, name in every} | {f"{advice}:{name}" for advice, name in every}
    if unknown := sorted(set(only) - known):
        raise ValueError(f"no advice has {', '.join(unknown)}; there are {', '.join(sorted({n for _, n in every}))}")
    if unknown := sorted(set(kinds) - {"choice", "measure", "plan"}):
        raise ValueError(f"kinds are choice, measure and plan; came {', '.join(unknown)}")


class _Advising:
    """One batch being advised. Axis `row` is the batch's."""

    def __init__(
        self,
        book: RateBook,
        rows: Rows,
        accounts: Sequence[str] | Array,
        plans: Families,
        pass_through: set[str],
        threads: int,
    ) -> None:
        self.book = book
        self.rows = rows
        self.threads = threads
        numbers: dict[str, int] = {}
        self.account = np.array([numbers.setdefault(str(one), len(numbers)) for one in accounts], np.int64)
        self.accounts = list(numbers)
        self.keys = list(book.rulesets)
        self.key = np.full(len(rows), -1)
        self.total = np.full(len(rows), UNBILLED)
        self.problems: dict[int, RowProblem] = {}
        rulesets = {**book.rulesets, **book.plans}
        offered = {
            one.ruleset for several in book.advice.values() for its in several for one in its.alternatives.values()
        }
        used = [key for key, one in rulesets.items() if key in book.advice or {key, one.id} & offered]
        self.plans = Book(rulesets, used, plans)
        self._bill(plans, pass_through)
        # the rows of an account lie behind one another, by their first days
        self.order = np.lexsort((np.arange(len(rows)), rows.period_from, self.account))
        counts = np.bincount(self.account, minlength=len(numbers))
        self.offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        self._refuse_second_currencies()

    def _bill(self, plans: Families, pass_through: set[str]) -> None:
        """Bill the rows as they are."""
        besides = {name for several in self.book.advice.values() for one in several for name in own_inputs(one)}
        done = dispatch(
            self.book.rulesets,
            self.rows,
            totals_only=True,
            pass_through=besides | pass_through,
            plans=plans,
            threads=self.threads,
        )
        numbers = {id(compiled): number for number, compiled in enumerate(self.book.rulesets.values())}
        for group in done.groups:
            kept, own = group.result.kept, np.array([numbers[id(one)] for one in group.members])
            self.key[kept] = own[0] if group.code is None else own[group.code]
            self.total[kept] = self.plans.money(group.result.total, total_places(group.compiled))
        self.problems = {one.row: one for one in done.refused}

    def _refuse_second_currencies(self) -> None:
        """Refuse rows that are billed in another currency than the first of their account: such bills have no sum."""
        currencies = [one.currency for one in self.book.rulesets.values()]
        numbers = {one: number for number, one in enumerate(dict.fromkeys(currencies))}
        if len(numbers) < 2 or not len(self.rows):
            return
        of_row = np.array([*(numbers[one] for one in currencies), -1])[self.key]  # -1: no bill
        first = self.order[self.offsets[:-1]][self.account]
        for row in np.flatnonzero((of_row >= 0) & (of_row[first] >= 0) & (of_row != of_row[first])).tolist():
            own, other = (self.book.rulesets[self.keys[self.key[at]]] for at in (row, first[row]))
            told = {"currency": own.currency, "before": other.currency}
            found = row_problem(row, self.rows.row_id[row], "currencies-differ", "ruleset", own.id, **told)
            self.problems[row] = found
        self.key[[row for row, found in self.problems.items() if found.code == "currencies-differ"]] = -1

    @cached_property
    def own(self) -> list[Own]:
        """The rows that may be advised, by the rule set that bills them."""
        found = []
        billed = self._all_of_account(self.key >= 0)[self.account]
        for number, key in enumerate(self.keys):
            advice = self.book.advice.get(key, ())
            at = self.order[((self.key == number) & billed)[self.order]]
            if not advice or not len(at):
                continue
            compiled = self.book.rulesets[key]
            of = [inputs_read(one, compiled) for one in advice]
            specs = {spec.name: spec for several, _ in of for spec in several}
            rows = rows_of(self.rows, at, specs.values(), {name for _, lists in of for name in lists})
            named = Column(np.zeros(len(at), np.int64), codes=(key,))
            found.append(Own(key, compiled, advice, at, replace(rows, ruleset=named), self.account[at]))
        return found

    def _all_of_account(self, holds: Mask) -> Mask:
        """Shape (account,): whether something holds for all rows of it."""
        found: Mask = np.bincount(self.account[holds], minlength=len(self.accounts)) == np.diff(self.offsets)
        return found

    def result(self, only: Collection[str], kinds: Collection[str]) -> AdviceResult:
        """Advise."""
        outcomes: list[list[Outcome]] = [[] for _ in self.accounts]
        billed: dict[str, int] = {}
        offered = np.zeros(len(self.accounts), np.bool_)
        for (advice_id, name), owns in self._alternatives().items():
            alternative = owns[0].of(advice_id).alternatives[name]
            has = np.zeros(len(self.rows), np.bool_)
            for own in owns:
                has[own.at] = True
            of = self._all_of_account(has)
            offered |= of
            if (only and not {name, f"{advice_id}:{name}"} & set(only)) or (kinds and alternative.kind not in kinds):
                continue
            bills = bills_under(self.plans, owns, advice_id, name, of, len(self.rows), self.threads)
            count = self._outcomes(advice_id, alternative, bills, of, outcomes)
            billed[f"{advice_id}:{name}"] = count
        advised, unadvised = [], []
        for number, account in enumerate(self.accounts):
            rows = tuple(self.order[self.offsets[number] : self.offsets[number + 1]].tolist())
            if offered[number]:
                advised.append(self._advised(account, rows, outcomes[number]))
            else:
                unadvised.append(self._unadvised(account, rows))
        return AdviceResult(tuple(advised), tuple(unadvised), billed)

    def _alternatives(self) -> dict[tuple[str, str], list[Own]]:
        """Each alternative, with the rows that it is declared for."""
        found: dict[tuple[str, str], list[Own]] = {}
        for own in self.own:
            for advice in own.advice:
                for name in advice.alternatives:
                    found.setdefault((advice.id, name), []).append(own)
        return found

    def _advised(self, account: str, rows: tuple[int, ...], outcomes: list[Outcome]) -> Advised:
        bills = tuple(self.total[list(rows)].tolist())
        compiled = self.book.rulesets[self.keys[self.key[rows[0]]]]
        return Advised(
            account=account,
            rows=rows,
            keys=tuple(self.keys[number] for number in self.key[list(rows)].tolist()),
            bills=bills,
            total=sum(bills),
            outcomes=tuple(sorted(outcomes, key=_rank)),
            currency=compiled.currency,
            places=self.plans.places,
        )

    def _unadvised(self, account: str, rows: tuple[int, ...]) -> Unadvised:
        problems = tuple(self.problems[row] for row in rows if row in self.problems)
        named = self.rows.ruleset
        rulesets = dict.fromkeys(_text(named, row) for row in rows)
        return Unadvised(account, rows, problems, tuple(rulesets))

    def _outcomes(
        self, advice_id: str, alternative: Alternative, bills: Bills, of: Mask, outcomes: list[list[Outcome]]
    ) -> int:
        """Put the outcomes of an alternative together; gives how many accounts were billed."""
        count = 0
        order, offsets = self.order, self.offsets.tolist()
        totals, now = bills.total[order].tolist(), self.total[order].tolist()
        best, best_now, cost = bills.best.tolist(), bills.now.tolist(), bills.cost.tolist()
        places = bills.places.tolist()
        for number in np.flatnonzero(of).tolist():
            told = bills.why_not.get(number)
            costs = None if cost[number] == UNBILLED else cost[number]
            found = None if best[number] == UNBILLED else best[number]
            was = None if best_now[number] == UNBILLED else best_now[number]
            if told is not None:
                state, row, reason, problem = told
                outcome = Outcome(
                    alternative.id,
                    advice_id,
                    state,
                    best=found if state == "unchanged" else None,
                    now=was if state == "unchanged" else None,
                    cost=costs if state == "unchanged" else None,
                    row=row,
                    reason=reason,
                    problem=problem,
                    best_places=places[number],
                )
            else:
                rows = slice(offsets[number], offsets[number + 1])
                own = tuple(totals[rows])
                total = sum(own)
                saving = sum(now[rows]) - total
                outcome = Outcome(
                    alternative.id,
                    advice_id,
                    "billed",
                    own,
                    total,
                    saving,
                    found,
                    was,
                    costs,
                    best_places=places[number],
                )
                count += 1
            outcomes[number].append(outcome)
        return count


def _rank(outcome: Outcome) -> tuple[int, int, str, str]:
    """Those with bills first, by saving; then the others; ties by id."""
    if outcome.saving is None:
        return (1, 0, outcome.alternative, outcome.advice)
    return (0, -outcome.saving, outcome.alternative, outcome.advice)


def _text(column: Column, row: int) -> str:
    """What a row names as its rule set."""
    if column.valid is not None and not column.valid[row]:
        return ""
    value = column.values[row]
    return column.codes[int(value)] if column.codes is not None else str(value)
