"""What an advice says: for each account its bills as they are, each alternative with its bills, and what is refused.

Money is whole numbers of the currency's smallest place. Rows are positions in the batch that was asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.evaluator.rows import RowProblem

State = Literal["billed", "unchanged", "not_lawful", "not_known", "refused"]
"""billed: its bills are there. unchanged: it sets nothing that is not so already. not_lawful: `lawful` does not hold in
some row. not_known: something that it is computed from is not given. refused: a row so rewritten is refused."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One alternative for one account.

    Attributes:
        alternative: its id.
        advice: id of the advice file.
        state: whether there are bills.
        bills: total of each row, in the order of `Advised.rows`; empty where it is not billed.
        total: their sum; None where it is not billed.
        saving: what is paid now less `total`; None where it is not billed.
        best: the value found of the input that is to be at its best, whole number of `best_places`.
        now: the value of that input as it is, where every row has the same.
        cost: what the alternative costs once; None where that is nothing, or not known for every row.
        row: position of the first row that says why not; -1: none.
        reason: not lawful: `Alternative.otherwise` with its values, "" where no value of `best` is lawful; not known:
            the inputs that are missing, with commas; else "".
        problem: what refused the row.
        best_places: decimal places of `best` and `now`: the most that the rule sets of the account's rows have.
    """

    alternative: str
    advice: str
    state: State
    bills: tuple[int, ...] = ()
    total: int | None = None
    saving: int | None = None
    best: int | None = None
    now: int | None = None
    cost: int | None = None
    row: int = -1
    reason: str = ""
    problem: RowProblem | None = None
    best_places: int = 0


@dataclass(frozen=True, slots=True)
class Advised:
    """One account's advice.

    Attributes:
        account: as given.
        rows: positions of its rows, by their first days.
        keys: of the book, the rule set that billed each row.
        bills: total of each row as it is billed now.
        total: their sum.
        outcomes: those with bills first, by saving, largest first; ties by id; then the others by id.
        currency, places: of money.
    """

    account: str
    rows: tuple[int, ...]
    keys: tuple[str, ...]
    bills: tuple[int, ...]
    total: int
    outcomes: tuple[Outcome, ...]
    currency: str
    places: int


@dataclass(frozen=True, slots=True)
class Unadvised:
    """An account that gets no advice: a row of it has no bill, its bills are in two currencies, or nothing is declared.

    Attributes:
        problems: of its rows that are refused, or in another currency; empty where there is nothing to advise.
        rulesets: what its rows name.
    """

    account: str
    rows: tuple[int, ...]
    problems: tuple[RowProblem, ...]
    rulesets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdviceResult:
    """Every account that came is advised or not: `len(advised) + len(unadvised)` accounts, in order of first rows."""

    advised: tuple[Advised, ...]
    unadvised: tuple[Unadvised, ...]
    billed: Mapping[str, int]  # how often each alternative was billed, by `advice:alternative`
