"""Activate and withdraw versions, and keep with each step what customers are to be told of it.

    version that answers, version that comes ──changes──▶ a notice a rule set ─┐
    comparison of these two ──bills──▶ a notice an account ────────────────────┴─▶ `warning`, in the step's transaction

What changes is computed before the step; in its transaction the notices are kept only if what was computed still holds:
where another step came between, everything is computed anew. So a notice is there if and only if its step is, once.
A request that is repeated gets its first answer, and adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from engine.bulk.problems import FileProblem
from engine.comparison.change import Change
from engine.comparison.changes import changes
from engine.comparison.problems import ComparisonProblem
from engine.compiler.book import RateBook
from engine.language.problems import ProblemsFound
from engine.notices import records
from engine.notices.records import Draft
from engine.registry.announcing import Taken
from engine.registry.instants import microseconds
from engine.registry.records import VersionRecord
from engine.registry.registry import Registry
from engine.warnings.kept import announce

if TYPE_CHECKING:
    from engine.notices.accounts import Compared

BookOf = Callable[[str], RateBook]
"""Whole hash of a version -> its compiled rate book. Raises ProblemsFound where there is none."""


class _Moved(Exception):
    """Another step came between what was computed and the step."""


class Announcer:
    """Takes the steps of a registry that customers are told of. Threads may share it."""

    def __init__(self, registry: Registry, book_of: BookOf) -> None:
        """Take the registry, and how its versions are compiled."""
        self._registry = registry
        self._book_of = book_of

    def activate(
        self,
        version: str,
        *,
        who: str,
        why: str,
        active_from: datetime | None,
        request_id: str,
        comparison: Path | None = None,
    ) -> VersionRecord:
        """Activate a version as `Registry.activate` does, with a notice for each rule set that changes.

        Args:
            version: its hash, or the first 8 or more digits.
            who, why, active_from, request_id: as `Registry.activate` has them.
            comparison: folder of `dianjia compare` of the version that answers then with this one; each account whose
                bills change has a notice of its own. It needs the package pyarrow.

        Raises:
            ProblemsFound: as `Registry.activate`.
            FileProblem, ComparisonProblem: as `read_comparison`; `notice-first`: there is nothing to compare with.
        """
        while True:
            draft = self._activating(version, active_from, comparison)
            keep = partial(self._keep_activation, draft)
            try:
                return self._registry.activate(
                    version, who=who, why=why, active_from=active_from, request_id=request_id, announce=keep
                )
            except _Moved:
                continue

    def withdraw(self, version: str, *, who: str, reason: str, return_to: str, request_id: str) -> VersionRecord:
        """Withdraw a version as `Registry.withdraw` does; whoever was told of it is told that it does not hold."""
        while True:
            draft = self._withdrawing(version, return_to)
            keep = partial(self._keep_withdrawal, draft)
            try:
                return self._registry.withdraw(
                    version, who=who, reason=reason, return_to=return_to, request_id=request_id, announce=keep
                )
            except _Moved:
                continue

    def _activating(self, version: str, active_from: datetime | None, comparison: Path | None) -> Draft | None:
        """Compute what an activation changes; None: the registry refuses it, unless something happens meanwhile."""
        try:
            record = self._registry.record(version)
        except ProblemsFound:
            return None
        if not record.approver or record.withdrawn_at is not None:
            return None
        before = self._registry.answering(active_from)
        if before is None:
            first = None if comparison is None else ComparisonProblem("notice-first", str(comparison))
            return Draft(record.version, None, refused=first)
        return self._draft(before, record.version, Draft(record.version, before), comparison)

    def _withdrawing(self, version: str, return_to: str) -> Draft | None:
        try:
            record, instead = self._registry.record(version), self._registry.record(return_to)
        except ProblemsFound:
            return None
        draft = Draft(record.version, instead.version, announced=record.active_from is not None)
        return self._draft(record.version, instead.version, draft, None) if draft.announced else draft

    def _draft(self, before: str, after: str, draft: Draft, comparison: Path | None) -> Draft:
        """Say of two versions what changes from one to the other."""
        if before == after and comparison is None:
            return draft
        try:
            old, new = self._book_of(before), self._book_of(after)
        except ProblemsFound as found:
            # A version of an earlier release that this one does not compile: no reason to keep prices from customers.
            if comparison is not None:
                raise  # without these rules nobody can say what the comparison is of
            return replace(draft, codes=tuple(dict.fromkeys(one.code for one in found.problems)))
        by_ruleset: dict[str, list[Change]] = {}
        for one in changes(old, new):
            if one.bills:
                by_ruleset.setdefault(one.ruleset, []).append(one)
        told = tuple(records.about(id_, some, old, new) for id_, some in by_ruleset.items())
        try:
            return replace(draft, told=told, compared=_compared(comparison, old, new))
        except (FileProblem, ComparisonProblem) as refused:
            return replace(draft, refused=refused)

    def _keep_activation(self, draft: Draft | None, connection: Connection, taken: Taken) -> None:
        if draft is None or (draft.version, draft.other) != (taken.step.version, taken.before):
            raise _Moved
        if draft.refused is not None:
            raise draft.refused
        for some in records.in_lots(records.of_activation(draft, taken)):
            announce(connection, some, microseconds(taken.at))

    def _keep_withdrawal(self, draft: Draft | None, connection: Connection, taken: Taken) -> None:
        if draft is None or (draft.version, draft.other) != (taken.step.version, taken.step.returns_to):
            raise _Moved
        events = records.activations(connection, draft.version)
        if bool(events) != draft.announced:
            raise _Moved
        if not events:
            return
        at = microseconds(taken.at)
        for some in records.in_lots(records.of_withdrawal(draft, taken)):
            announce(connection, some, at)
        for told in records.accounts_told(connection, events):
            announce(connection, [records.account_withdrawn(one, taken) for one in told], at)


def _compared(folder: Path | None, old: RateBook, new: RateBook) -> Compared | None:
    if folder is None:
        return None
    from engine.notices.bills import read_comparison  # pyarrow: who only activates needs none

    return read_comparison(folder, old, new)
