"""The servicer of rate books: the registry's steps as calls. Who calls is who publishes, approves, activates.

Versions are named `rateBooks/{hash}` with the whole hash; `rateBooks/active` is the one that answers now. What a step
needs, and what it refuses, is the registry's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from dianjia.ratebooks.v1 import ratebooks_pb2 as messages
from dianjia.ratebooks.v1 import ratebooks_pb2_grpc as rpc
from engine.compiler.book import RateBook
from engine.language.problems import ProblemsFound, problem
from engine.notices.announcing import Announcer
from engine.registry.registry import AuditEntry, Registry, Schedule, UseRecord, VersionRecord
from engine.service.books import LoadedBook
from engine.service.calls import call_of, wrong
from engine.service.instants import read_instant
from engine.service.paging import Page, read_page, token
from engine.service.sent_files import SentFiles
from engine.service.standing import State, state_of

COLLECTION: Final = "rateBooks/"
ACTIVE: Final = "active"
_FORM: Final = f"{COLLECTION}{{version}}"
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_SHOWN: Final = 100  # characters of a name that a message repeats
_STATES: Final[Mapping[State, messages.RateBookState.ValueType]] = {
    "published": messages.RATE_BOOK_STATE_PUBLISHED,
    "approved": messages.RATE_BOOK_STATE_APPROVED,
    "scheduled": messages.RATE_BOOK_STATE_SCHEDULED,
    "active": messages.RATE_BOOK_STATE_ACTIVE,
    "superseded": messages.RATE_BOOK_STATE_SUPERSEDED,
    "withdrawn": messages.RATE_BOOK_STATE_WITHDRAWN,
    "folder": messages.RATE_BOOK_STATE_FOLDER,
}
_ACTIONS: Final = {
    "published": messages.AUDIT_ACTION_PUBLISHED,
    "approved": messages.AUDIT_ACTION_APPROVED,
    "activated": messages.AUDIT_ACTION_ACTIVATED,
    "withdrawn": messages.AUDIT_ACTION_WITHDRAWN,
}


class Following(Protocol):
    """What the servicer needs of whatever follows the registry: `FollowedBooks`."""

    @property
    def folder_version(self) -> str:
        """The content hash of the folder; "": there is none."""

    @property
    def folder_files(self) -> Mapping[str, bytes]:
        """The folder's files, by path."""

    def choose(self, version: str = "", allow_withdrawn: bool = False) -> LoadedBook:
        """Give a version, ready to bill."""

    def look(self) -> None:
        """Look at the registry now."""


class RateBookServicer(rpc.RateBookServiceServicer):
    """Publishes, approves, activates and withdraws versions, and tells of them."""

    def __init__(self, registry: Registry | None, books: Following) -> None:
        """Take what is changed, and what follows it.

        Args:
            registry: None: every call but those of the folder is refused with `no-registry`.
            books: looks at once where a call changed something.
        """
        self._known = registry
        self._books = books
        # What is compared is loaded: one version answers, the other is about to.
        self._announcer = None if registry is None else Announcer(registry, self._book)

    def PublishRateBook(
        self, request_iterator: Iterator[messages.PublishRateBookRequest], context: grpc.ServicerContext
    ) -> messages.PublishRateBookResponse:
        """Publish the files of a stream of messages."""
        call = call_of(context)
        registry, who = self._registry, _who(call.principal.name)
        sent = SentFiles()
        first = messages.PublishRateBookRequest()
        for number, request in enumerate(request_iterator):
            sent.take(request.files)
            if number == 0:
                first = messages.PublishRateBookRequest(request_id=request.request_id, why=request.why)
                continue
            for field in ("request_id", "why"):
                if getattr(request, field):
                    raise wrong("stream-option-late", field, found=number + 1)
        call.check()
        now = datetime.now(UTC)
        answers = registry.schedule().active(now)
        record = registry.publish(
            sent.files,
            who=who,
            why=first.why,
            request_id=first.request_id,
            active_files=None if answers is not None else self._books.folder_files,
        )
        call.note(version=record.version)
        return messages.PublishRateBookResponse(rate_book=self._told(registry, record))

    def ApproveRateBook(
        self, request: messages.ApproveRateBookRequest, context: grpc.ServicerContext
    ) -> messages.ApproveRateBookResponse:
        """Approve a version."""
        registry, who = self._registry, _who(call_of(context).principal.name)
        version = _version(request.name)
        call_of(context).note(version=version)
        record = registry.approve(version, who=who, why=request.why, request_id=request.request_id)
        self._books.look()
        return messages.ApproveRateBookResponse(rate_book=self._told(registry, record))

    def ActivateRateBook(
        self, request: messages.ActivateRateBookRequest, context: grpc.ServicerContext
    ) -> messages.ActivateRateBookResponse:
        """Activate a version from an instant."""
        registry, who = self._registry, _who(call_of(context).principal.name)
        version = _version(request.name)
        call_of(context).note(version=version)
        record = self._announcing.activate(
            version,
            who=who,
            why=request.why,
            active_from=read_instant(request.active_from) if request.active_from else None,
            request_id=request.request_id,
        )
        self._books.look()
        return messages.ActivateRateBookResponse(rate_book=self._told(registry, record))

    def WithdrawRateBook(
        self, request: messages.WithdrawRateBookRequest, context: grpc.ServicerContext
    ) -> messages.WithdrawRateBookResponse:
        """Withdraw a version."""
        registry, who = self._registry, _who(call_of(context).principal.name)
        version, return_to = _version(request.name), _version(request.return_to, "return_to")
        call_of(context).note(version=version)
        record = self._announcing.withdraw(
            version, who=who, reason=request.reason, return_to=return_to, request_id=request.request_id
        )
        self._books.look()
        return messages.WithdrawRateBookResponse(rate_book=self._told(registry, record))

    def GetRateBook(
        self, request: messages.GetRateBookRequest, context: grpc.ServicerContext
    ) -> messages.GetRateBookResponse:
        """Give one version, or the one that answers now."""
        version = self._books.choose().version if request.name == f"{COLLECTION}{ACTIVE}" else _version(request.name)
        call_of(context).note(version=version)
        return messages.GetRateBookResponse(rate_book=self._rate_book(version))

    def ListRateBooks(
        self, request: messages.ListRateBooksRequest, context: grpc.ServicerContext
    ) -> messages.ListRateBooksResponse:
        """List versions, newest first; in front of them the folder, while it answers and is not published."""
        call_of(context)
        page = read_page("ListRateBooks", [], request.page_size, request.page_token)
        registry, folder = self._known, self._books.folder_version
        if page.after and _HASH.fullmatch(page.after) is None:
            raise wrong("bad-page", "page_token", value=page.after[:_SHOWN])
        found: list[messages.RateBook] = []
        if registry is None:
            return messages.ListRateBooksResponse(rate_books=[self._folder()] if folder else [])
        schedule, now = registry.schedule(), datetime.now(UTC)
        if not page.after and folder and schedule.active(now) is None and not _has(registry, folder):
            found.append(self._folder())
        before = "" if page.after == folder and not _has(registry, folder) else page.after
        records = registry.records(page.size - len(found) + 1, before)
        found += [rate_book(record, schedule, now) for record in records]
        more = len(found) > page.size
        shown = found[: page.size]
        return messages.ListRateBooksResponse(
            rate_books=shown, next_page_token=token("ListRateBooks", [], shown[-1].version) if more else ""
        )

    def GetHistory(
        self, request: messages.GetHistoryRequest, context: grpc.ServicerContext
    ) -> messages.GetHistoryResponse:
        """Give the audit trail, of one version or of all."""
        registry = self._registry
        page = read_page("GetHistory", [request.name], request.page_size, request.page_token)
        version = _version(request.name) if request.name else None
        call_of(context).note(version=version or "")
        if version is not None:
            registry.record(version)
        found = registry.history(version, _number(page), page.size + 1)
        shown = found[: page.size]
        more = len(found) > len(shown)
        return messages.GetHistoryResponse(
            entries=[audit_entry(one) for one in shown],
            next_page_token=token("GetHistory", [request.name], str(shown[-1].number)) if more else "",
            chain_holds=registry.chain_holds(),
        )

    def ListVersionUse(
        self, request: messages.ListVersionUseRequest, context: grpc.ServicerContext
    ) -> messages.ListVersionUseResponse:
        """Give what a version billed, by run and billing month."""
        registry = self._registry
        page = read_page("ListVersionUse", [request.name], request.page_size, request.page_token)
        version = _version(request.name)
        call_of(context).note(version=version)
        if version != self._books.folder_version:
            registry.record(version)
        found = registry.uses(version, _run_and_month(page), page.size + 1)
        shown = found[: page.size]
        last = f"{shown[-1].month}:{shown[-1].run}" if len(found) > len(shown) else ""
        return messages.ListVersionUseResponse(
            uses=[version_use(one) for one in shown],
            next_page_token=token("ListVersionUse", [request.name], last) if last else "",
        )

    @property
    def _registry(self) -> Registry:
        if self._known is None:
            raise ProblemsFound([problem("no-registry", None)])
        return self._known

    @property
    def _announcing(self) -> Announcer:
        if self._announcer is None:
            raise ProblemsFound([problem("no-registry", None)])
        return self._announcer

    def _book(self, version: str) -> RateBook:
        return self._books.choose(version, allow_withdrawn=True).book

    def _told(self, registry: Registry, record: VersionRecord) -> messages.RateBook:
        return rate_book(record, registry.schedule(), datetime.now(UTC))

    def _rate_book(self, version: str) -> messages.RateBook:
        folder = version == self._books.folder_version
        if self._known is None:
            if not folder:
                raise ProblemsFound([problem("no-registry", None)])
            return self._folder()
        if folder and not _has(self._known, version):
            return self._folder()
        return self._told(self._known, self._known.record(version))

    def _folder(self) -> messages.RateBook:
        """Describe the folder that the server was started with."""
        version = self._books.folder_version
        return messages.RateBook(
            name=f"{COLLECTION}{version}",
            version=version,
            state=messages.RATE_BOOK_STATE_FOLDER,
            rule_sets=len(self._books.choose(version).rulesets),
            files=len(self._books.folder_files),
        )


def rate_book(record: VersionRecord, schedule: Schedule, at: datetime) -> messages.RateBook:
    """Describe a version as it stands at an instant."""
    return messages.RateBook(
        name=f"{COLLECTION}{record.version}",
        version=record.version,
        state=_STATES[state_of(record, schedule, at)],
        author=record.author,
        published_at=timestamp(record.published_at),
        why=record.why,
        approver=record.approver,
        active_from=None if record.active_from is None else timestamp(record.active_from),
        returns_to=record.returns_to,
        rule_sets=record.rule_sets,
        files=record.files,
        changed_files=record.changed_files,
    )


def audit_entry(entry: AuditEntry) -> messages.AuditEntry:
    """Write a row of the audit trail."""
    return messages.AuditEntry(
        number=entry.number,
        at=timestamp(entry.at),
        who=entry.who,
        action=_ACTIONS[entry.action],
        version=entry.version,
        why=entry.why,
        active_from=None if entry.active_from is None else timestamp(entry.active_from),
        returns_to=entry.returns_to,
        request_id=entry.request_id,
        previous_hash=entry.previous_hash,
        hash=entry.hash,
    )


def version_use(use: UseRecord) -> messages.VersionUse:
    """Write what a version billed in one run and month."""
    year, month = divmod(use.month, 12)
    return messages.VersionUse(
        run=use.run,
        billing_month=f"{year:04d}-{month + 1:02d}",
        bills=use.bills,
        first_used_at=timestamp(use.first_used_at),
        last_used_at=timestamp(use.last_used_at),
    )


def timestamp(instant: datetime) -> Timestamp:
    """Write an instant."""
    found = Timestamp()
    found.FromDatetime(instant.astimezone(UTC).replace(tzinfo=None))
    return found


def _who(name: str) -> str:
    """Who takes a step; an audit trail needs a name.

    Raises:
        ProblemsFound: `who-missing`.
    """
    if not name:
        raise ProblemsFound([problem("who-missing", None)])
    return name


def _version(name: str, field: str = "name") -> str:
    """Read the version of a resource name.

    Raises:
        ProblemsFound: `unknown-resource`.
    """
    version = name.removeprefix(COLLECTION)
    if not name.startswith(COLLECTION) or _HASH.fullmatch(version) is None:
        raise wrong("unknown-resource", field, value=name[:_SHOWN], form=_FORM)
    return version


def _has(registry: Registry, version: str) -> bool:
    """Whether a version is published."""
    try:
        registry.record(version)
    except ProblemsFound as found:
        if found.problems[0].code != "unknown-version":
            raise
        return False
    return True


def _number(page: Page) -> int:
    """The row of the audit trail that came last."""
    return _whole(page.after) if page.after else 0


def _run_and_month(page: Page) -> tuple[str, int] | None:
    """The run and month that came last."""
    if not page.after:
        return None
    month, _, run = page.after.partition(":")
    return run, _whole(month)


def _whole(text: str) -> int:
    """Read a number of a page token, which anybody may have written."""
    if _NUMBER.fullmatch(text) is None:
        raise wrong("bad-page", "page_token", value=text[:_SHOWN])
    return int(text)
