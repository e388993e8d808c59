"""Calls about versions of the rate book.

Calls that change something carry a `request_id`, made once a call and sent again with each repetition, so that a step
is taken once however often the connection breaks.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from dianjia.client.connection import Connection
from dianjia.client.ratebooks import (
    AuditEntry,
    History,
    RateBook,
    Validation,
    VersionUse,
    entry_of,
    files_of,
    publications,
    rate_book_of,
    use_of,
    validation_of,
)
from dianjia.ratebooks.v1 import ratebooks_pb2 as messages
from dianjia.rulesets.v1 import rulesets_pb2
from dianjia.type.v1 import type_pb2 as types

_PAGE: int = 1_000
_COMPILE_SECONDS: float = 300.0  # publishing compiles the rate book and runs its tests


class RateBooks:
    """Versions of the rate book on a server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._calls = connection.rate_books

    def validate(
        self, given: Path | str | Mapping[str, bytes], *, version: str = "", alone: bool = False
    ) -> Validation:
        """Say what would keep files from being published, added to a version's or `alone`."""
        request = rulesets_pb2.ValidateRuleSetRequest(
            files=[rulesets_pb2.SourceFile(path=path, content=content) for path, content in files_of(given).items()],
            version=types.VersionChoice(version=version),
            alone=alone,
        )
        answer = self._connection.call(self._connection.rule_sets.ValidateRuleSet, request, _COMPILE_SECONDS)
        return validation_of(answer)

    def publish(
        self, given: Path | str | Mapping[str, bytes], why: str, *, request_id: str = "", timeout: float | None = None
    ) -> RateBook:
        """Publish a rate book: a folder, or its files by their paths inside it.

        Args:
            given: the whole rate book.
            why: the notice.
            request_id: to repeat a call of an earlier process; "": a new one.
            timeout: [s]; None: 300, for it is compiled and tested.

        Raises:
            ServiceError: it is refused; `problems` has what is wrong with the rules.
        """
        files, request = files_of(given), request_id or str(uuid.uuid4())
        answer = self._connection.send(
            self._calls.PublishRateBook,
            lambda: publications(files, request, why),
            timeout or _COMPILE_SECONDS,
        )
        return rate_book_of(answer.rate_book)

    def approve(self, version: str, why: str = "", *, request_id: str = "") -> RateBook:
        """Approve a version that somebody else published."""
        request = messages.ApproveRateBookRequest(request_id=_id(request_id), name=_name(version), why=why)
        return rate_book_of(self._connection.call(self._calls.ApproveRateBook, request).rate_book)

    def activate(
        self, version: str, active_from: datetime | str = "", why: str = "", *, request_id: str = ""
    ) -> RateBook:
        """Activate an approved version.

        Args:
            version: content hash.
            active_from: an instant with its offset; "": now.
            why: stays in the audit trail.
            request_id: to repeat a call of an earlier process; "": a new one.

        Raises:
            ValueError: the instant has no offset.
        """
        if isinstance(active_from, datetime):
            if active_from.tzinfo is None:
                raise ValueError(f"{active_from.isoformat()} has no offset; pass an instant with its timezone")
            active_from = active_from.isoformat()
        request = messages.ActivateRateBookRequest(
            request_id=_id(request_id), name=_name(version), active_from=active_from, why=why
        )
        return rate_book_of(self._connection.call(self._calls.ActivateRateBook, request).rate_book)

    def withdraw(self, version: str, reason: str, return_to: str, *, request_id: str = "") -> RateBook:
        """Withdraw a version; `return_to` answers in its place."""
        request = messages.WithdrawRateBookRequest(
            request_id=_id(request_id), name=_name(version), reason=reason, return_to=_name(return_to)
        )
        return rate_book_of(self._connection.call(self._calls.WithdrawRateBook, request).rate_book)

    def get(self, version: str = "active") -> RateBook:
        """Give one version; "active" is the one that answers calls that name none."""
        request = messages.GetRateBookRequest(name=_name(version))
        return rate_book_of(self._connection.call(self._calls.GetRateBook, request).rate_book)

    def all(self) -> Iterator[RateBook]:
        """Give the versions, newest first; pages are asked for as they are needed."""
        request = messages.ListRateBooksRequest(page_size=_PAGE)
        while True:
            page = self._connection.call(self._calls.ListRateBooks, request)
            yield from (rate_book_of(one) for one in page.rate_books)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def history(self, version: str = "") -> History:
        """Give the audit trail, of one version or of all."""
        request = messages.GetHistoryRequest(name=_name(version) if version else "", page_size=_PAGE)
        entries: list[AuditEntry] = []
        holds = True
        while True:
            page = self._connection.call(self._calls.GetHistory, request)
            entries += [entry_of(one) for one in page.entries]
            holds = holds and page.chain_holds
            if not page.next_page_token:
                return History(tuple(entries), holds)
            request.page_token = page.next_page_token

    def uses(self, version: str) -> Iterator[VersionUse]:
        """Give the runs and billing months that a version billed."""
        request = messages.ListVersionUseRequest(name=_name(version), page_size=_PAGE)
        while True:
            page = self._connection.call(self._calls.ListVersionUse, request)
            yield from (use_of(one) for one in page.uses)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def _id(request_id: str) -> str:
    return request_id or str(uuid.uuid4())


def _name(version: str) -> str:
    return f"rateBooks/{version.removeprefix('rateBooks/')}"
