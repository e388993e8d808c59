"""Advice: what each account pays now, and what it would pay with each lawful alternative, as values and as a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Literal, cast

import numpy as np

from dianjia.advice.v1 import advice_pb2 as messages
from dianjia.client.alternatives import Alternative
from dianjia.client.chunking import Refusal
from dianjia.client.described import Kind, Wanted
from dianjia.client.frames import Frame, Same
from dianjia.client.objects import coded, column_of
from dianjia.client.results import refused_frame, texts_of
from dianjia.client.values import Column, Whole

State = Literal["billed", "unchanged", "not_lawful", "not_known", "refused"]

STATES: Final[Mapping[messages.AlternativeState.ValueType, State]] = {
    messages.ALTERNATIVE_STATE_BILLED: "billed",
    messages.ALTERNATIVE_STATE_UNCHANGED: "unchanged",
    messages.ALTERNATIVE_STATE_NOT_LAWFUL: "not_lawful",
    messages.ALTERNATIVE_STATE_NOT_KNOWN: "not_known",
    messages.ALTERNATIVE_STATE_REFUSED: "refused",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an alternative comes to for an account.

    Attributes:
        alternative: which.
        state: whether it has bills.
        bills: of each row, in the order of the account's `rows`; empty where it has none.
        total: their sum; None where it has none.
        saving: what is paid now less `total`; None likewise.
        cost: what it costs once; None: nothing, or not known.
        best: the best value that was found of `alternative.best`.
        now: the value that it has now, where all rows have the same.
        reason: why it has no bills.
        row: first row of the frame that says why not.
        problem: what refuses that row when it is so rewritten.
    """

    alternative: Alternative
    state: State
    bills: tuple[Decimal, ...]
    total: Decimal | None
    saving: Decimal | None
    cost: Decimal | None
    best: Decimal | None
    now: Decimal | None
    reason: str
    row: int | None
    problem: Refusal | None


@dataclass(frozen=True, slots=True)
class AdvisedAccount:
    """An account with its alternatives: first those with bills, by what they save, largest first.

    Attributes:
        account: its name.
        rows: its rows of the frame, by their first days.
        rulesets: ids of the rule sets that billed them.
        bills: what each is billed as it is.
        total: their sum.
        currency: of every amount.
    """

    account: str
    rows: tuple[int, ...]
    rulesets: tuple[str, ...]
    bills: tuple[Decimal, ...]
    total: Decimal
    currency: str
    outcomes: tuple[Outcome, ...]

    def outcome(self, alternative: str) -> Outcome:
        """Give what an alternative comes to, by its name.

        Raises:
            KeyError: the account has no such alternative.
        """
        found = next((one for one in self.outcomes if one.alternative.id == alternative), None)
        if found is None:
            raise KeyError(alternative)
        return found


@dataclass(frozen=True, slots=True)
class UnadvisedAccount:
    """An account that is not advised.

    Attributes:
        account: its name.
        rows: its rows of the frame.
        refused: those that have no bill; empty where no alternative is declared for its rule sets.
        rulesets: ids of the rule sets that its rows name; empty where a row could not even be sent.
    """

    account: str
    rows: tuple[int, ...]
    refused: tuple[Refusal, ...]
    rulesets: tuple[str, ...]


@dataclass(frozen=True)
class Advice:
    """Advice for the accounts of a frame, in order of their first rows: each is advised or not.

    Attributes:
        version: content hash of the version of the rate book that answered.
        received: rows of the frame.
        advised: by account.
        unadvised: by account.
    """

    version: str
    received: int
    advised: Mapping[str, AdvisedAccount]
    unadvised: Mapping[str, UnadvisedAccount]
    _frame: Frame
    _account: str  # column of the frame

    @cached_property
    def alternatives(self) -> Any:
        """One row for each alternative of each account: `row` (the account's first), the account, `advice`,
        `alternative`, `title`, `kind`, `state`, `paid` (now), `total`, `saving`, `cost`, `currency`, `best`, `unit`,
        `reason`.
        """
        found = [(own, one) for own in self.advised.values() for one in own.outcomes]
        positions = np.array([own.rows[0] for own, _ in found], dtype=np.int64)
        outcomes = [one for _, one in found]
        declared = [one.alternative for one in outcomes]
        columns: dict[str, Column | Same | Whole] = {
            "row": positions,
            self._account: Same(self._account, positions),
            "advice": coded([one.advice for one in declared]),
            "alternative": coded([one.id for one in declared]),
            "title": texts_of([one.title for one in declared]),
            "kind": coded([one.kind for one in declared]),
            "state": coded([one.state for one in outcomes]),
            "paid": _numbers([own.total for own, _ in found]),
            "total": _numbers([one.total for one in outcomes]),
            "saving": _numbers([one.saving for one in outcomes]),
            "cost": _numbers([one.cost for one in outcomes]),
            "currency": coded([own.currency for own, _ in found]),
            "best": _numbers([one.best for one in outcomes]),
            "unit": coded(["" if one.best is None else one.best.unit for one in declared]),
            "reason": texts_of([one.reason for one in outcomes]),
        }
        return self._frame.made(columns, positions)

    @cached_property
    def refused(self) -> Any:
        """One row for each row without a bill, of the accounts that are not advised."""
        refused = [one for own in self.unadvised.values() for one in own.refused]
        return refused_frame(self._frame, sorted(refused, key=lambda one: one.row))


def _numbers(values: list[Decimal] | list[Decimal | None]) -> Column:
    """Make a column of decimals, at the most places that any has."""
    given = cast(list[Decimal | None], values)
    places = max((-int(one.as_tuple().exponent) for one in given if one is not None), default=0)
    return column_of("", given, Wanted(Kind.NUMBER, places))
