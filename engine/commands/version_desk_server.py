"""Versions that a server keeps: the same steps as calls. The server's token says who takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from dianjia.client.connection import Connection, Patience, credentials
from dianjia.client.errors import Problem as SentProblem
from dianjia.client.errors import ServiceError
from dianjia.ratebooks.v1 import ratebooks_pb2 as messages
from dianjia.rulesets.v1.rulesets_pb2 import SourceFile
from engine.commands.version_desk import History, Unreachable, Version
from engine.language.catalogue import CATALOGUE
from engine.language.problems import Place, Problem, ProblemsFound, placeholders
from engine.registry.audit import Action, AuditEntry
from engine.registry.records import UseRecord
from engine.service.instants import instant_text
from engine.service.standing import State

CALL_SECONDS: Final = 30.0
PUBLISH_SECONDS: Final = 300.0  # the server compiles and tests the whole rate book meanwhile
PATIENCE_SECONDS: Final = 3.0
Word = TypeVar("Word", State, Action)
_PAGE: Final = 1_000
_PIECE: Final = 1 << 20  # bytes of files in one message, but for a file that is larger
_STATES: Final[Mapping[int, State]] = {
    messages.RATE_BOOK_STATE_PUBLISHED: "published",
    messages.RATE_BOOK_STATE_APPROVED: "approved",
    messages.RATE_BOOK_STATE_SCHEDULED: "scheduled",
    messages.RATE_BOOK_STATE_ACTIVE: "active",
    messages.RATE_BOOK_STATE_SUPERSEDED: "superseded",
    messages.RATE_BOOK_STATE_WITHDRAWN: "withdrawn",
    messages.RATE_BOOK_STATE_FOLDER: "folder",
}
_ACTIONS: Final[Mapping[int, Action]] = {
    messages.AUDIT_ACTION_PUBLISHED: "published",
    messages.AUDIT_ACTION_APPROVED: "approved",
    messages.AUDIT_ACTION_ACTIVATED: "activated",
    messages.AUDIT_ACTION_WITHDRAWN: "withdrawn",
}


class ServerDesk:
    """Takes steps through a server."""

    def __init__(self, server: str, token: str, ca: Path | None, cert: Path | None, key: Path | None) -> None:
        """Take the address; nothing is sent yet.

        Raises:
            OSError: a file cannot be read.
        """
        self._server = server
        self._connection = Connection(
            server,
            token=token or None,
            credentials=credentials(False, ca, cert, key),
            timeout=CALL_SECONDS,
            patience=Patience(seconds=PATIENCE_SECONDS),
            options=(),
        )
        self._calls = self._connection.rate_books

    def publish(self, files: Mapping[str, bytes], why: str, request_id: str) -> Version:
        """Publish a rate book, in messages of a MiB."""
        try:
            answer = self._connection.send(
                self._calls.PublishRateBook, lambda: _pieces(files, why, request_id), PUBLISH_SECONDS
            )
        except ServiceError as error:
            raise self._told(error) from error
        return _version(answer.rate_book)

    def approve(self, version: str, why: str, request_id: str) -> Version:
        """Approve a version."""
        request = messages.ApproveRateBookRequest(request_id=request_id, name=_name(version), why=why)
        return _version(self._asked(self._calls.ApproveRateBook, request).rate_book)

    def activate(
        self, version: str, active_from: datetime | None, why: str, request_id: str, comparison: Path | None = None
    ) -> Version:
        """Activate a version from an instant; None: now."""
        assert comparison is None, "the command has seen to it"
        request = messages.ActivateRateBookRequest(
            request_id=request_id,
            name=_name(version),
            active_from="" if active_from is None else instant_text(active_from),
            why=why,
        )
        return _version(self._asked(self._calls.ActivateRateBook, request).rate_book)

    def withdraw(self, version: str, reason: str, return_to: str, request_id: str) -> Version:
        """Withdraw a version."""
        request = messages.WithdrawRateBookRequest(
            request_id=request_id, name=_name(version), reason=reason, return_to=_name(return_to)
        )
        return _version(self._asked(self._calls.WithdrawRateBook, request).rate_book)

    def version(self, version: str) -> Version:
        """Give one version by its whole hash."""
        return _version(
            self._asked(self._calls.GetRateBook, messages.GetRateBookRequest(name=_name(version))).rate_book
        )

    def active(self) -> Version | None:
        """Give the version that answers calls that name none; None: none does."""
        try:
            return self.version("active")
        except ProblemsFound as found:
            if found.problems[0].code != "no-version-active":
                raise
            return None

    def versions(self) -> Iterator[Version]:
        """Give all versions, newest first."""
        page_token = ""
        while True:
            request = messages.ListRateBooksRequest(page_size=_PAGE, page_token=page_token)
            page = self._asked(self._calls.ListRateBooks, request)
            yield from map(_version, page.rate_books)
            page_token = page.next_page_token
            if not page_token:
                return

    def history(self, version: str) -> History:
        """Give the audit trail of a version, or of all."""
        found: list[AuditEntry] = []
        page_token = ""
        while True:
            name = _name(version) if version else ""
            request = messages.GetHistoryRequest(name=name, page_size=_PAGE, page_token=page_token)
            page = self._asked(self._calls.GetHistory, request)
            found += map(_entry, page.entries)
            page_token = page.next_page_token
            if not page_token:
                return History(tuple(found), page.chain_holds)

    def uses(self, version: str) -> Iterator[UseRecord]:
        """Give what a version billed."""
        page_token = ""
        while True:
            request = messages.ListVersionUseRequest(name=_name(version), page_size=_PAGE, page_token=page_token)
            page = self._asked(self._calls.ListVersionUse, request)
            yield from (_use(version, use) for use in page.uses)
            page_token = page.next_page_token
            if not page_token:
                return

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()

    def _asked(self, method: Any, request: Any) -> Any:
        try:
            return self._connection.call(method, request)
        except ServiceError as error:
            raise self._told(error) from error

    def _told(self, error: ServiceError) -> Exception:
        """Make of a status what the registry would have raised here, so that it is said in the language asked for."""
        failure = error.failure
        own = SentProblem(failure.code, None, "", "", "", "", failure.parameters)
        # a status with places lists every problem, the one that it is named after among them
        sent = [one for one in failure.problems if one.code != failure.code or one.place is not None]
        problems = [_problem(one) for one in [own, *sent]]
        known = [one for one in problems if one is not None]
        if problems[0] is None or not known:
            return Unreachable(f"{self._server}: {failure.message or failure.status.name}")
        return ProblemsFound(known)


def _problem(sent: SentProblem) -> Problem | None:
    """A problem as one of ours; None: this release has no words for it."""
    if sent.code not in CATALOGUE or placeholders(sent.code) - sent.parameters.keys():
        return None
    at = sent.place
    place = None if at is None else Place(at.file, at.line, at.column, at.end_line, at.end_column)
    return Problem(sent.code, place, dict(sent.parameters))


def _pieces(files: Mapping[str, bytes], why: str, request_id: str) -> Iterator[messages.PublishRateBookRequest]:
    piece = messages.PublishRateBookRequest(request_id=request_id, why=why)
    size = 0
    for path, content in files.items():
        if size and size + len(content) > _PIECE:
            yield piece
            piece, size = messages.PublishRateBookRequest(), 0
        piece.files.append(SourceFile(path=path, content=content))
        size += len(content)
    yield piece


def _name(version: str) -> str:
    return f"rateBooks/{version}"


def _version(sent: messages.RateBook) -> Version:
    return Version(
        version=sent.version,
        state=_known(_STATES, sent.state),
        author=sent.author,
        published_at=_instant(sent.published_at) if sent.HasField("published_at") else None,
        why=sent.why,
        approver=sent.approver,
        active_from=_instant(sent.active_from) if sent.HasField("active_from") else None,
        returns_to=sent.returns_to,
        rule_sets=sent.rule_sets,
        files=sent.files,
        changed_files=tuple(sent.changed_files),
    )


def _known(words: Mapping[int, Word], number: int) -> Word:
    if number not in words:
        raise Unreachable(f"the server says {number}, which a later release than this one knows")
    return words[number]


def _entry(sent: messages.AuditEntry) -> AuditEntry:
    return AuditEntry(
        number=sent.number,
        at=_instant(sent.at),
        who=sent.who,
        action=_known(_ACTIONS, sent.action),
        version=sent.version,
        why=sent.why,
        active_from=_instant(sent.active_from) if sent.HasField("active_from") else None,
        returns_to=sent.returns_to,
        request_id=sent.request_id,
        previous_hash=sent.previous_hash,
        hash=sent.hash,
    )


def _use(version: str, sent: messages.VersionUse) -> UseRecord:
    year, month = (int(part) for part in sent.billing_month.split("-"))
    return UseRecord(
        version=version,
        run=sent.run,
        month=year * 12 + month - 1,
        bills=sent.bills,
        first_used_at=_instant(sent.first_used_at),
        last_used_at=_instant(sent.last_used_at),
    )


def _instant(sent: Timestamp) -> datetime:
    return sent.ToDatetime(tzinfo=UTC)
