"""Bills under one alternative: rows rewritten, the best value found where one is searched, and billed.

Takes the rows of a batch by the rule set that bills them; gives a total for each row of the accounts that may be billed
so, and for every other account the first row that says why not. Axis `row` is the batch's, `account` its accounts'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from engine.advice.columns import some_rows, with_columns
from engine.advice.optimum import Target, cheapest
from engine.advice.result import State
from engine.advice.rewrite import Range, Rewritten, rewrite
from engine.compiler.advising import Advice, Alternative, Best
from engine.compiler.program import Compiled
from engine.evaluator.batch import dispatch, key_at
from engine.evaluator.columns import read_column
from engine.evaluator.evaluate import Plans, evaluate
from engine.evaluator.families import Families
from engine.evaluator.row_door import row_inputs
from engine.evaluator.rows import Column, Mask, RowProblem, Rows, Whole

UNBILLED: Final = np.iinfo(np.int64).min
"""Where there is no amount, or no value."""


class Book:
    """Rule sets and what they have ready from batch to batch.

    Attributes:
        rulesets: by key, with those of plans.
        places: of money, the same for all: the most that any of them has.
    """

    def __init__(self, rulesets: Mapping[str, Compiled], advised: Sequence[str], plans: Families) -> None:
        """`advised`: keys whose customers are advised, and those of the rule sets of plans."""
        self.rulesets = rulesets
        self.places = max((total_places(rulesets[key]) for key in advised), default=0)
        self._plans = plans
        self._rewriting: dict[tuple[str, str], Plans] = {}
        self._targets: dict[str, tuple[Mapping[str, Compiled], Families]] = {}

    def plans(self, key: str) -> Plans:
        """Give the plans of a rule set of the rate book."""
        return self._plans[key]

    def rewriting(self, advice: Advice) -> Plans:
        """Give the plans of an advice's program."""
        return self._rewriting.setdefault((advice.key, advice.id), Plans(advice.rewrite))

    def target(self, id_: str) -> tuple[Mapping[str, Compiled], Families]:
        """Give the rule sets of a plan, which are the versions of one id."""
        if id_ not in self._targets:
            found = {key: one for key, one in self.rulesets.items() if id_ in (one.id, key)}
            self._targets[id_] = found, Families(found)
        return self._targets[id_]

    def money(self, totals: Whole, places: int) -> Whole:
        """Give amounts with the places of all money here; half a unit away from zero where they have more."""
        if places <= self.places:
            whole: Whole = totals * 10 ** (self.places - places)
            return whole
        unit = 10 ** (places - self.places)
        found: Whole = np.sign(totals) * ((2 * np.abs(totals) + unit) // (2 * unit))
        return found


@dataclass(frozen=True)
class Own:
    """The rows that one rule set bills.

    Attributes:
        key: of the rule set.
        advice: what their customers can be advised of.
        at: shape (own row,) positions in the batch, by account and first day.
        rows: those rows.
        account: shape (own row,) whose each is.
    """

    key: str
    compiled: Compiled
    advice: tuple[Advice, ...]
    at: Whole
    rows: Rows
    account: Whole

    def of(self, id_: str) -> Advice:
        """Give the advice of an id."""
        return next(one for one in self.advice if one.id == id_)


WhyNot = tuple[State, int, str, RowProblem | None]  # state, position of the row, reason, problem


@dataclass
class Bills:
    """What came of an alternative.

    Attributes:
        total: shape (row,) `UNBILLED` where it is not billed.
        best: shape (account,) the value found, whole number of `places`.
        now: shape (account,) the value of that input as it is, where every row has the same.
        cost: shape (account,) once.
        places: shape (account,) of `best` and `now`: the most that the rule sets of its rows have of that input.
        why_not: account -> why it has no bills.
    """

    total: Whole
    best: Whole
    now: Whole
    cost: Whole
    places: Whole
    why_not: dict[int, WhyNot] = field(default_factory=dict)


def total_places(compiled: Compiled) -> int:
    """Give the decimal places of a rule set's total."""
    return compiled.program.steps[compiled.program.total].type.places


def bills_under(book: Book, owns: Sequence[Own], advice_id: str, name: str, of: Mask, rows: int, threads: int) -> Bills:
    """Bill rows under an alternative.

    Args:
        book: rule sets.
        owns: rows by rule set; each has the advice.
        advice_id: of the advice.
        name: of the alternative.
        of: shape (account,) those whose rows all have the alternative.
        rows: of the batch.
        threads: of this process.
    """
    best, now, cost = (np.full(len(of), UNBILLED) for _ in range(3))
    found = Bills(np.full(rows, UNBILLED), best, now, cost, np.zeros(len(of), np.int64))
    under = _Under(book, owns, advice_id, name, of, found, threads)
    under.rewrite()
    if under.best is not None:
        under.search()
    under.leave_unchanged()
    under.bill()
    return found


class _Under:
    """One alternative being billed."""

    def __init__(
        self, book: Book, owns: Sequence[Own], advice_id: str, name: str, of: Mask, found: Bills, threads: int
    ) -> None:
        self.book = book
        self.owns = owns
        self.advice = [own.of(advice_id) for own in owns]
        self.alternatives = [advice.alternatives[name] for advice in self.advice]
        # rule sets may differ in the places of the input: values are held in the most that any has
        searched = [one.best for one in self.alternatives if one.best is not None]
        self.best: Best | None = max(searched, key=lambda one: one.places, default=None)
        self.alive = of.copy()
        self.found = found
        self.threads = threads
        self.made: list[Rewritten] = []
        self.unchanged = of.copy()

    @property
    def alternative(self) -> Alternative:
        return self.alternatives[0]

    def rewrite(self) -> None:
        """Make the changes; leave out accounts that may not be billed so, or of which too little is known."""
        for own, advice, alternative in zip(self.owns, self.advice, self.alternatives, strict=True):
            self.made.append(rewrite(advice, alternative, own.compiled, own.rows, self.book.rewriting(advice)))
        self._turn_away("not_lawful", [made.unlawful for made in self.made])
        self._turn_away("not_known", [made.unknown for made in self.made])
        problems = []
        for own, made in zip(self.owns, self.made, strict=True):
            refused = np.zeros(len(own.at), np.bool_)
            refused[list(made.problems)] = True
            problems.append(refused)
        self._turn_away("refused", problems)
        self._costs()

    def _turn_away(self, state: State, flags: Sequence[Mask]) -> None:
        """Leave out accounts of which a row is flagged, each with its first such row."""
        first: dict[int, tuple[int, int, int]] = {}  # account -> first day, number in owns, number in own
        for number, (own, flag) in enumerate(zip(self.owns, flags, strict=True)):
            at = np.flatnonzero(flag & self.alive[own.account])
            accounts, firsts = np.unique(own.account[at], return_index=True)
            for account, row in zip(accounts.tolist(), at[firsts].tolist(), strict=True):
                here = (int(own.rows.period_from[row]), number, row)
                first[account] = min(first.get(account, here), here)
        for account, (_, number, row) in first.items():
            made, own = self.made[number], self.owns[number]
            reason = {"not_lawful": made.reason, "not_known": made.missing}.get(state, lambda _: "")(row)
            problem = made.problems.get(row) if state == "refused" else None
            self._tell(account, state, own, row, reason, problem)

    def _tell(self, account: int, state: State, own: Own, row: int, reason: str, problem: RowProblem | None) -> None:
        at = int(own.at[row])
        problem = None if problem is None else replace(problem, row=at)
        self.found.why_not[account] = (state, at, reason, problem)
        self.alive[account] = False

    def _costs(self) -> None:
        """What the alternative costs: of each of its stages the largest of an account's rows, added up.

        Not known for one row, it is not known: that row's may be the largest.
        """
        total = np.zeros(len(self.alive), np.int64)
        stages = max((len(made.costs) for made in self.made), default=0)
        lacking = np.full(len(self.alive), not stages)
        for stage in range(stages):
            most = np.full(len(self.alive), UNBILLED)
            for own, made in zip(self.owns, self.made, strict=True):
                cost, there, places = made.costs[stage]
                np.maximum.at(most, own.account, self.book.money(cost, places))
                lacking[own.account[~there]] = True
            total += np.where(most == UNBILLED, 0, most)
        self.found.cost[:] = np.where(lacking, UNBILLED, total)

    def search(self) -> None:
        """Find the best value of every account, and set it."""
        best = self.best
        assert best is not None
        low, high = np.full(len(self.alive), UNBILLED), np.full(len(self.alive), np.iinfo(np.int64).max)
        for own, made in zip(self.owns, self.made, strict=True):
            of = made.range
            assert isinstance(of, Range)
            np.maximum.at(low, own.account, of.low)
            np.minimum.at(high, own.account, of.high)
        targets = self._targets(best)
        for target in targets:
            for spec in row_inputs(target.compiled):
                if spec.name == best.input:
                    step = best.with_places(spec.type.places).step
                    low = np.maximum(low, -(-spec.type.low // step))
                    high = np.minimum(high, spec.type.high // step)
        self._turn_away("not_lawful", [(low > high)[own.account] for own in self.owns])
        value = cheapest(targets, self.alive, best, low, high)
        self.found.best[self.alive] = value[self.alive]
        self._now(best)
        for own, made in zip(self.owns, self.made, strict=True):
            column = Column(np.where(self.alive, value, 0)[own.account], best.places)
            made.rows = with_columns(made.rows, {best.input: column})
            same = self.found.best == self.found.now
            self.unchanged &= same
        self._in_own_places(best)

    def _in_own_places(self, best: Best) -> None:
        """Tell the values of each account in its own places, whoever else is in the batch."""
        found = self.found
        for own, alternative in zip(self.owns, self.alternatives, strict=True):
            if alternative.best is not None:
                np.maximum.at(found.places, own.account, alternative.best.places)
        unit = 10 ** (best.places - found.places)
        for values in (found.best, found.now):
            values[:] = np.where(values == UNBILLED, UNBILLED, values // unit)

    def _now(self, best: Best) -> None:
        """The value as it is, where every row of an account has the same."""
        low, high = np.full(len(self.alive), np.iinfo(np.int64).max), np.full(len(self.alive), UNBILLED)
        lacking = np.zeros(len(self.alive), np.bool_)
        for own in self.owns:
            spec = next((one for one in row_inputs(own.compiled) if one.name == best.input), None)
            column = own.rows.columns.get(best.input)
            if spec is None or column is None or spec.type.places > best.places:
                lacking[own.account] = True
                continue
            read = read_column(replace(spec, default=None, optional=True), column)
            if read.given is not None:
                lacking[own.account[~read.given]] = True
            values = read.values * 10 ** (best.places - spec.type.places)
            np.minimum.at(low, own.account, values)
            np.maximum.at(high, own.account, values)
        self.found.now[:] = np.where(~lacking & (low == high), low, UNBILLED)

    def _targets(self, best: Best) -> list[Target]:
        """The rows of accounts still in question, by the rule set that would bill them."""
        found = []
        for own, made in zip(self.owns, self.made, strict=True):
            at = np.flatnonzero(self.alive[own.account])
            rows, account = some_rows(made.rows, at), own.account[at]
            if not self.alternative.ruleset:
                found.append(Target(own.compiled, rows, account))
                continue
            rulesets, _ = self.book.target(self.alternative.ruleset)
            days, of = np.unique(np.stack([rows.period_from, rows.period_to]), axis=1, return_inverse=True)
            of = of.reshape(-1)
            keys = [key_at(rulesets, self.alternative.ruleset, *pair) for pair in days.T.tolist()]
            for key in dict.fromkeys(keys):
                assert key is not None, f"{self.alternative.ruleset} is no rule set of the book"
                these = np.flatnonzero(np.array([one == key for one in keys])[of])
                found.append(Target(rulesets[key], some_rows(rows, these), account[these]))
        return [target for target in found if len(target.rows)]

    def leave_unchanged(self) -> None:
        """Leave out accounts whose rows are so already."""
        for own, made in zip(self.owns, self.made, strict=True):
            self.unchanged[own.account[~made.unchanged]] = False
            if self.alternative.ruleset and self.alternative.ruleset not in (own.compiled.id, own.key):
                self.unchanged[own.account] = False
        for account in np.flatnonzero(self.unchanged & self.alive).tolist():
            self.found.why_not[account] = ("unchanged", -1, "", None)
        self.alive &= ~self.unchanged

    def bill(self) -> None:
        """Bill the rows that are left; an account of which one is refused has none."""
        problems: list[Mapping[int, RowProblem]] = []
        for own, made in zip(self.owns, self.made, strict=True):
            at = np.flatnonzero(self.alive[own.account])
            problems.append(
                self._billed_elsewhere(own, made, at) if self.alternative.ruleset else self._billed(own, made, at)
            )
        flags = []
        for own, made, refused in zip(self.owns, self.made, problems, strict=True):
            made.problems = dict(refused)
            flag = np.zeros(len(own.at), np.bool_)
            flag[list(refused)] = True
            flags.append(flag)
        self._turn_away("refused", flags)
        for own in self.owns:
            self.found.total[own.at[~self.alive[own.account]]] = UNBILLED

    def _billed(self, own: Own, made: Rewritten, at: Whole) -> Mapping[int, RowProblem]:
        """Bill rows by their own rule set; gives why rows are refused, by their number."""
        if not len(at):
            return {}
        rows = made.rows
        result = evaluate(
            own.compiled,
            rows,
            positions=None if len(at) == len(rows) else at,
            pass_through=_foreign(own.compiled, rows),
            threads=self.threads,
            totals_only=True,
            plans=self.book.plans(own.key),
        )
        self.found.total[own.at[result.kept]] = self.book.money(result.total, total_places(own.compiled))
        return {one.row: one for one in result.problems}

    def _billed_elsewhere(self, own: Own, made: Rewritten, at: Whole) -> Mapping[int, RowProblem]:
        """Bill rows by the rule set of a plan."""
        rows = some_rows(made.rows, at)
        named = Column(np.zeros(len(at), np.int64), codes=(self.alternative.ruleset,))
        rulesets, plans = self.book.target(self.alternative.ruleset)
        done = dispatch(
            rulesets,
            replace(rows, ruleset=named),
            pass_through={*rows.columns, *rows.children},
            threads=self.threads,
            totals_only=True,
            plans=plans,
        )
        for group in done.groups:
            totals = self.book.money(group.result.total, total_places(group.compiled))
            self.found.total[own.at[at[group.result.kept]]] = totals
        return {int(at[one.row]): one for one in done.refused}


def _foreign(compiled: Compiled, rows: Rows) -> set[str]:
    """Columns and lists that a rule set does not read."""
    inputs = {spec.name for spec in row_inputs(compiled)}
    lists = {axis.name for axis in compiled.program.axes}
    return {*(rows.columns.keys() - inputs), *(rows.children.keys() - lists)}
