"""A frame -> calls for advice, each of whole accounts -> what became of every account.

An account's rows go into one call: its alternatives are ranked over all of them. Calls and answers that are too large
are made again with half of the accounts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np

from dianjia.advice.v1 import advice_pb2 as messages
from dianjia.client.advice import (
    STATES,
    Advice,
    AdvisedAccount,
    Outcome,
    UnadvisedAccount,
)
from dianjia.client.alternatives import Alternative, alternative_of
from dianjia.client.chunking import Cutter, Prepared, Refusal
from dianjia.client.described import Kind, RuleSet, Wanted
from dianjia.client.errors import AnswerBroken, ServiceError, is_too_large
from dianjia.client.frames import Frame, framed
from dianjia.client.groups import refusals
from dianjia.client.messages import codes_message
from dianjia.client.plain import decimal_of, decimal_or_none
from dianjia.client.values import EXACT, Coded, Scaled, Texts, Whole, picked
from dianjia.type.v1 import type_pb2 as types

ADVICE_ROWS: Final = 8_192  # of one call: a second or two of computing
_WHOLE_FRAME: Final = 2**62  # bytes: a frame is cut by accounts, not by size


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of whole accounts, those of an account behind one another.

    Attributes:
        prepared: the rows.
        accounts: shape (row,), names of the accounts with whose each row is.
        starts: shape (account,), first row of each account.
    """

    prepared: Prepared
    accounts: Coded
    starts: Whole

    def halves(self) -> Iterator[Piece]:
        """Cut it in two."""
        middle = int(self.starts[len(self.starts) // 2])
        for rows in (slice(0, middle), slice(middle, len(self.accounts))):
            own = self.starts[(self.starts >= rows.start) & (self.starts < rows.stop)] - rows.start
            accounts = picked(self.accounts, rows)
            assert isinstance(accounts, Coded)
            yield Piece(self.prepared.part(rows), accounts, own)


def with_advice(rule_set: RuleSet) -> RuleSet:
    """Give a rule set with the inputs that its advice reads besides."""
    more = {name: one for advice in rule_set.advice.values() for name, one in advice.inputs.items()}
    return dataclasses.replace(rule_set, inputs={**more, **rule_set.inputs})


def advised(
    frame: Any,
    account: str,
    version: str,
    described: Callable[[Collection[str]], list[RuleSet]],
    ask: Callable[[types.Chunk, types.Codes], messages.AdviseCustomerResponse],
    rows_max: int,
    pass_through: frozenset[str],
) -> Advice:
    """Have the accounts of a frame advised.

    Args:
        frame: of the caller.
        account: the column that says whose each row is.
        version: content hash of the version that answers.
        described: names of rule sets -> those that there are.
        ask: makes one call.
        rows_max: of a call of several accounts.
        pass_through: columns that nobody reads.

    Raises:
        ValueError: the frame has no such column, or a row has no account; and what `bills` raises.
        AnswerBroken: an account is neither advised nor not, or both.
    """
    own = framed(frame)
    if account not in own.names:
        raise ValueError(f"there is no column `{account}`; it says whose each row is")
    names = _accounts(own, account)

    def known(asked: Collection[str]) -> list[RuleSet]:
        return [with_advice(one) for one in described(asked)]

    cutter = Cutter(known, pass_through | {account}, max(own.rows, 1), _WHOLE_FRAME)
    opened, chunks = cutter.opened(frame)
    prepared = list(chunks)
    found: dict[str, AdvisedAccount] = {}
    other: dict[str, UnadvisedAccount] = {}
    unsent: dict[int, list[Refusal]] = {}
    for refusal in opened.refused:
        unsent.setdefault(int(names.positions[refusal.row]), []).append(refusal)
    for at, refused in unsent.items():
        rows = np.flatnonzero(names.positions == at)
        refused.sort(key=lambda one: one.row)
        other[names.names[at]] = UnadvisedAccount(names.names[at], tuple(rows.tolist()), tuple(refused), ())
    for piece in _pieces(prepared, names, frozenset(unsent), rows_max):
        for asked, answer in _asked(piece, ask):
            if answer.version != version:
                raise AnswerBroken(f"the version {version} was asked for, {answer.version} answers")
            _read(asked, answer, found, other)
    order = names.names
    return Advice(
        version,
        own.rows,
        {name: found[name] for name in order if name in found},
        {name: other[name] for name in order if name in other},
        own,
        account,
    )


def _accounts(frame: Frame, name: str) -> Coded:
    """Read whose each row is; accounts in order of their first rows."""
    column = frame.column(name, Wanted(Kind.TEXT), 0, frame.rows)
    if column.given is not None and not bool(column.given.all()):
        raise ValueError(f"row {int(np.flatnonzero(~column.given)[0])} has no `{name}`; each row is somebody's")
    assert isinstance(column, (Scaled, Texts))
    values = column.values if isinstance(column, Scaled) else column.values.astype(str)
    used, first, positions = np.unique(values, return_index=True, return_inverse=True)
    by_first = np.argsort(first, kind="stable")
    place = np.empty(len(used), dtype=np.int64)
    place[by_first] = np.arange(len(used))
    return Coded(place[positions.reshape(-1)], tuple(str(one) for one in used[by_first].tolist()))


def _pieces(prepared: Sequence[Prepared], names: Coded, left_out: frozenset[int], rows_max: int) -> Iterator[Piece]:
    """Bring rows together by account, and cut them between accounts."""
    if not prepared:
        return
    (whole,) = prepared  # a frame is one stretch
    of_row = names.positions[whole.positions]
    order = np.argsort(of_row, kind="stable")
    order = order[~np.isin(of_row[order], list(left_out))]
    ordered = of_row[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    ends = np.append(starts[1:], len(ordered))
    first = 0
    while first < len(starts):
        after = max(int(np.searchsorted(ends, starts[first] + rows_max, side="right")), first + 1)
        rows = order[starts[first] : ends[after - 1]]
        chosen = Prepared(
            whole.opened,
            whole.positions[rows],
            whole.keys.picked(rows),
            {name: picked(one, rows) for name, one in whole.values.items()},
        )
        accounts = Coded(ordered[starts[first] : ends[after - 1]], names.names)
        yield Piece(chosen, accounts, starts[first:after] - starts[first])
        first = after


def _asked(
    piece: Piece, ask: Callable[[types.Chunk, types.Codes], messages.AdviseCustomerResponse]
) -> Iterator[tuple[Piece, messages.AdviseCustomerResponse]]:
    """Ask about a piece; about its halves, where it or the answer is too large."""
    try:
        answer = ask(piece.prepared.message(), codes_message(piece.accounts))
    except ServiceError as error:
        too_large = is_too_large(error.failure) or error.code == "too-many-rows"
        if not too_large or len(piece.starts) == 1:
            raise
    else:
        yield piece, answer
        return
    for half in piece.halves():
        yield from _asked(half, ask)


def _read(
    piece: Piece,
    answer: messages.AdviseCustomerResponse,
    found: dict[str, AdvisedAccount],
    other: dict[str, UnadvisedAccount],
) -> None:
    """Read an answer, each account of which has all its rows and none else's."""
    positions = piece.prepared.positions
    due = {
        piece.accounts.names[int(piece.accounts.positions[start])]: rows
        for start, rows in zip(piece.starts.tolist(), np.split(positions, piece.starts[1:]), strict=True)
    }
    alternatives = [alternative_of(one) for one in answer.alternatives]
    for one in answer.advised:
        rows = _rows(one.account, one.index, positions, due)
        found[one.account] = _advised(one, rows, alternatives, answer, positions)
    for one_ in answer.unadvised:
        rows = _rows(one_.account, one_.index, positions, due)
        refused = refusals(one_.row_errors, positions)
        other[one_.account] = UnadvisedAccount(one_.account, rows, refused, tuple(one_.rulesets))
    if due:
        raise AnswerBroken(f"the answer says nothing of the account `{next(iter(due))}`")


def _rows(account: str, index: Sequence[int], positions: Whole, due: dict[str, Whole]) -> tuple[int, ...]:
    """Take an account that is due."""
    own = due.pop(account, None)
    if own is None:
        raise AnswerBroken(f"the answer tells of the account `{account}`, which was not due")
    rows = [int(positions[at]) for at in index if at < len(positions)]
    if sorted(rows) != sorted(own.tolist()):
        raise AnswerBroken(f"the account `{account}` has other rows in the answer than were sent")
    return tuple(rows)


def _advised(
    message: messages.AdvisedAccount,
    rows: tuple[int, ...],
    alternatives: Sequence[Alternative],
    answer: messages.AdviseCustomerResponse,
    positions: Whole,
) -> AdvisedAccount:
    """Read an account, and add its bills up once more."""
    bills, total = _amounts(message.bills), decimal_of(message.total)
    outcomes = tuple(_outcome(one, alternatives, positions) for one in message.outcomes)
    for summed, several in [(total, bills), *((one.total, one.bills) for one in outcomes if one.total is not None)]:
        if len(several) != len(rows) or _sum(several) != summed:
            raise AnswerBroken(f"the bills of the account `{message.account}` do not add up to their total")
    rulesets = tuple(dict.fromkeys(answer.rule_sets[at].ruleset for at in message.rule_sets))
    return AdvisedAccount(message.account, rows, rulesets, bills, total, message.currency, outcomes)


def _outcome(message: messages.Outcome, alternatives: Sequence[Alternative], positions: Whole) -> Outcome:
    if message.alternative >= len(alternatives):
        raise AnswerBroken(f"an outcome names alternative {message.alternative} of {len(alternatives)}")
    problem = None
    if message.HasField("row_error"):
        (problem,) = refusals([message.row_error], positions)
    if message.HasField("row") and message.row >= len(positions):
        raise AnswerBroken(f"an outcome names row {message.row} of {len(positions)}")
    return Outcome(
        alternatives[message.alternative],
        STATES[message.state],
        _amounts(message.bills),
        decimal_or_none(message, "total"),
        decimal_or_none(message, "saving"),
        decimal_or_none(message, "cost"),
        decimal_or_none(message, "best"),
        decimal_or_none(message, "now"),
        message.reason,
        int(positions[message.row]) if message.HasField("row") else None,
        problem,
    )


def _amounts(numbers: types.Numbers) -> tuple[Decimal, ...]:
    return tuple(EXACT.scaleb(Decimal(one), -numbers.places) for one in numbers.values)


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    found = Decimal(0)
    for one in amounts:
        found = EXACT.add(found, one)
    return found
