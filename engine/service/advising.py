"""Advice: the servicer of `dianjia.advice.v1.AdviceService`.

A call has so many rows at most, is advised a piece of whole accounts at a time, and ends between two pieces where
nobody waits for it any more. Few are under way at once: each holds a thread for as long as some thousand bills.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

import grpc
import numpy as np

from dianjia.advice.v1 import advice_pb2 as messages
from dianjia.advice.v1 import advice_pb2_grpc as rpc
from engine.advice.advise import advise
from engine.advice.columns import some_rows
from engine.advice.result import Unadvised
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Rows, Whole
from engine.evaluator.seen import SeenRows
from engine.language.problems import ProblemsFound, problem
from engine.service.accounts import PIECE_ROWS, Accounts, pieces, read_accounts
from engine.service.advice_messages import AdviceAnswer, rulesets_named
from engine.service.books import Books, LoadedBook
from engine.service.calls import call_of, wrong
from engine.service.columns import COLUMNS_MAX, read_chunk, refuse_long
from engine.service.describing import ALTERNATIVE_KINDS

ROWS_PER_ADVICE: Final = 16_384  # a thousand accounts and more, of twelve months each: some five seconds of computing
ADVICES_MAX: Final = 4  # calls under way at once
_KINDS: Final[Mapping[messages.AlternativeKind.ValueType, str]] = {
    number: word for word, number in ALTERNATIVE_KINDS.items()
}
_KNOWN_MAX: Final = 100  # names that a refusal lists


class AdviceServicer(rpc.AdviceServiceServicer):
    """Advises customers on their own rows."""

    def __init__(
        self,
        books: Books,
        *,
        rows_per_advice: int = ROWS_PER_ADVICE,
        advices: int = ADVICES_MAX,
        piece_rows: int = PIECE_ROWS,
    ) -> None:
        """Serve.

        Args:
            books: which version answers.
            rows_per_advice: at most so many rows a call.
            advices: how many calls may be under way at once.
            piece_rows: rows after which a call looks whether somebody still waits for it.
        """
        self._books = books
        self._rows_per_advice = rows_per_advice
        self._advices = advices
        self._piece_rows = piece_rows
        self._places = threading.BoundedSemaphore(advices)

    def AdviseCustomer(
        self, request: messages.AdviseCustomerRequest, context: grpc.ServicerContext
    ) -> messages.AdviseCustomerResponse:
        """Advise the accounts of a chunk."""
        call = call_of(context)
        loaded = self._books.choose(request.version.version, request.version.allow_withdrawn)
        call.note(version=loaded.version)
        for name in ("chunk", "accounts"):
            if not request.HasField(name):
                raise wrong("field-missing", name)
        kinds = _kinds(request.kinds)
        only = _only(request.only, loaded)
        read = read_chunk(request.chunk, self._rows_per_advice)
        accounts = read_accounts(request.accounts, len(read.rows), "accounts")
        call.note(rows=len(read.rows), accounts=len(accounts.names))
        if not self._places.acquire(blocking=False):
            told = {"at_most": self._advices, "what": "calls for advice", "what_zh": "建议调用"}
            raise ProblemsFound([problem("too-many-calls", None, None, **told)])
        try:
            answer = AdviceAnswer(loaded, read.rows)
            twice = _twice(read.rows, SeenRows().add(*read.keys), accounts)
            for found in twice:
                answer.unadvised(found, np.arange(len(read.rows)))
            left_out = frozenset(accounts.names.index(found.account) for found in twice)
            for positions, names in pieces(accounts, left_out, self._piece_rows):
                call.check()
                _advise(loaded, read.rows, positions, names, only, kinds, answer)
        finally:
            self._places.release()
        response = answer.written()
        call.note(advised=len(response.advised))
        return response


def _advise(
    loaded: LoadedBook,
    rows: Rows,
    positions: Whole,
    names: list[str],
    only: frozenset[str],
    kinds: frozenset[str],
    answer: AdviceAnswer,
) -> None:
    """Advise a piece of a chunk."""
    found = advise(loaded.book, some_rows(rows, positions), names, only=only, kinds=kinds, plans=loaded.plans)
    for one in found.advised:
        answer.advised(one, positions)
    for other in found.unadvised:
        answer.unadvised(other, positions)


def _twice(rows: Rows, again: np.ndarray[tuple[int], np.dtype[np.bool_]], accounts: Accounts) -> list[Unadvised]:
    """Say which accounts have a row whose id has come before: it would be counted twice."""
    found = []
    of_accounts = accounts.rows()
    for at in sorted(accounts.having(again)):
        own = of_accounts[at]
        own = own[np.argsort(rows.period_from[own], kind="stable")]
        problems = tuple(
            row_problem(row, rows.row_id[row], "duplicate-row", "row_id", str(rows.row_id[row]))
            for row in own[again[own]].tolist()
        )
        found.append(Unadvised(accounts.names[at], tuple(own.tolist()), problems, rulesets_named(rows, own)))
    return found


def _kinds(asked: Iterable[messages.AlternativeKind.ValueType]) -> frozenset[str]:
    for at, number in enumerate(asked):
        if number not in _KINDS:
            known = ", ".join(f"{one} ({messages.AlternativeKind.Name(one)})" for one in sorted(_KINDS))
            raise wrong("unknown-choice", f"kinds[{at}]", found=number, known=known)
    return frozenset(_KINDS[number] for number in asked)


def _only(asked: Iterable[str], loaded: LoadedBook) -> frozenset[str]:
    """Read the alternatives that are wanted.

    Raises:
        ProblemsFound: the version declares none of a name.
    """
    names = list(asked)
    if len(names) > COLUMNS_MAX:
        raise wrong("too-many-entries", "only", found=len(names), at_most=COLUMNS_MAX)
    if not names:
        return frozenset()
    declared = {
        name: None
        for several in loaded.book.advice.values()
        for advice in several
        for id_ in advice.alternatives
        for name in (id_, f"{advice.id}:{id_}")
    }
    for at, name in enumerate(names):
        refuse_long(name, f"only[{at}]")
        if name not in declared:
            known = ", ".join(f"`{one}`" for one in islice(declared, _KNOWN_MAX)) or "none"
            raise wrong("unknown-choice", f"only[{at}]", found=f"`{name}`", known=known)
    return frozenset(names)
