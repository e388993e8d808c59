"""What a comparison comes to for each account."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountBills:
    """The bills of an account that change, in one currency. Amounts are decimal text [currency].

    Attributes:
        rulesets: that bill them, sorted.
        bills: how many there are.
        period_from: the first day billed, YYYY-MM-DD.
        period_to: the day after the last.
    """

    account: str
    currency: str
    rulesets: tuple[str, ...]
    bills: int
    old: str
    new: str
    difference: str
    period_from: str
    period_to: str

    @property
    def signed(self) -> str:
        """The difference with its sign."""
        return self.difference if self.difference.startswith("-") else f"+{self.difference}"


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison says.

    Attributes:
        accounts: by account and currency.
        partial: which part of the portfolio it is of; "": all of it.
    """

    accounts: tuple[AccountBills, ...]
    partial: str
