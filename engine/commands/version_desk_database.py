"""Versions in a database of one's own: the registry itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from engine.commands.version_desk import History, Version
from engine.compiler.book import RateBook
from engine.language.problems import ProblemsFound
from engine.notices.announcing import Announcer
from engine.registry.building import Builder
from engine.registry.registry import Registry, Schedule, UseRecord, VersionRecord
from engine.registry.where import registry_url
from engine.service.standing import state_of

_PAGE: Final = 500


class DatabaseDesk:
    """Takes steps in a database, in the name of whoever is named."""

    def __init__(self, url: str, by: str) -> None:
        """Take the URL; "" is the registry of this user."""
        self._registry = Registry(registry_url(url) or url)
        self._by = by
        self._announcer = Announcer(self._registry, self._book)

    def publish(self, files: Mapping[str, bytes], why: str, request_id: str) -> Version:
        """Publish a rate book."""
        return self._told(self._registry.publish(files, who=self._by, why=why, request_id=request_id))

    def approve(self, version: str, why: str, request_id: str) -> Version:
        """Approve a version."""
        return self._told(self._registry.approve(version, who=self._by, why=why, request_id=request_id))

    def activate(
        self, version: str, active_from: datetime | None, why: str, request_id: str, comparison: Path | None = None
    ) -> Version:
        """Activate a version from an instant; None: now."""
        record = self._announcer.activate(
            version, who=self._by, why=why, active_from=active_from, request_id=request_id, comparison=comparison
        )
        return self._told(record)

    def withdraw(self, version: str, reason: str, return_to: str, request_id: str) -> Version:
        """Withdraw a version."""
        record = self._announcer.withdraw(
            version, who=self._by, reason=reason, return_to=return_to, request_id=request_id
        )
        return self._told(record)

    def version(self, version: str) -> Version:
        """Give one version by its whole hash."""
        return self._told(self._registry.record(version))

    def active(self) -> Version | None:
        """Give the version that is active; None: none is."""
        found = self._registry.schedule().active(datetime.now(UTC))
        return None if found is None else self.version(found)

    def versions(self) -> Iterator[Version]:
        """Give all versions, newest first."""
        schedule, at = self._registry.schedule(), datetime.now(UTC)
        before = ""
        while records := self._registry.records(_PAGE, before):
            yield from (_version(record, schedule, at) for record in records)
            before = records[-1].version

    def history(self, version: str) -> History:
        """Give the audit trail of a version, or of all."""
        found = list(self._registry.history(version or None, 0, _PAGE))
        while more := self._registry.history(version or None, found[-1].number, _PAGE) if found else []:
            found += more
        return History(tuple(found), self._registry.chain_holds())

    def uses(self, version: str) -> Iterator[UseRecord]:
        """Give what a version billed."""
        after = None
        while found := self._registry.uses(version, after, _PAGE):
            yield from found
            after = (found[-1].run, found[-1].month)

    def close(self) -> None:
        """Let go of the database."""
        self._registry.close()

    def _book(self, version: str) -> RateBook:
        built = Builder()(self._registry.files(version), tests=False)
        if built.problems:  # of an earlier release: a part of it would look as if the rest were gone
            raise ProblemsFound(built.problems)
        return built.book

    def _told(self, record: VersionRecord) -> Version:
        return _version(record, self._registry.schedule(), datetime.now(UTC))


def _version(record: VersionRecord, schedule: Schedule, at: datetime) -> Version:
    return Version(
        version=record.version,
        state=state_of(record, schedule, at),
        author=record.author,
        published_at=record.published_at,
        why=record.why,
        approver=record.approver,
        active_from=record.active_from,
        returns_to=record.returns_to,
        rule_sets=record.rule_sets,
        files=record.files,
        changed_files=record.changed_files,
    )
