"""Rule sets of a version, each asked for once: a version never changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from dianjia.client.connection import Connection
from dianjia.client.described import RuleSet, RuleSetSummary, rule_set_of, summary_of
from dianjia.rulesets.v1 import rulesets_pb2 as messages
from dianjia.type.v1 import type_pb2 as types

_PAGE: int = 1_000
_VERSIONS: int = 8  # kept: a client that runs for months sees many


@dataclass(slots=True)
class _Version:
    summaries: tuple[RuleSetSummary, ...] | None = None
    rule_sets: dict[str, RuleSet] = field(default_factory=dict)  # by key


class KnownRuleSets:
    """What a client has been told of rule sets. Threads may share it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._versions: dict[str, _Version] = {}
        self._lock = threading.Lock()

    def version(self, choice: types.VersionChoice) -> str:
        """Content hash of the version that a choice means now."""
        request = messages.ListRuleSetsRequest(version=choice, page_size=1)
        return self._connection.call(self._connection.rule_sets.ListRuleSets, request).version

    def summaries(
        self, version: str, place: str = "", customer_class: str = "", in_force_on: str = ""
    ) -> tuple[str, list[RuleSetSummary]]:
        """List rule sets, all pages of one version; "" is the active one."""
        request = messages.ListRuleSetsRequest(
            version=types.VersionChoice(version=version),
            place=place,
            customer_class=customer_class,
            in_force_on=in_force_on,
            page_size=_PAGE,
        )
        found: list[RuleSetSummary] = []
        while True:
            page = self._connection.call(self._connection.rule_sets.ListRuleSets, request)
            found += [summary_of(one) for one in page.rule_sets]
            if not page.next_page_token:
                return page.version, found
            request.page_token = page.next_page_token

    def one(self, key: str, version: str, *, files: bool) -> RuleSet:
        """Ask for one rule set."""
        request = messages.GetRuleSetRequest(
            name=f"ruleSets/{key.removeprefix('ruleSets/')}",
            version=types.VersionChoice(version=version),
            without_files=not files,
        )
        answer = self._connection.call(self._connection.rule_sets.GetRuleSet, request)
        return rule_set_of(answer.version, answer.rule_set)

    def named(self, version: str) -> Callable[[Collection[str]], list[RuleSet]]:
        """Give what finds the rule sets of a version that rows name; names that there are not are left out."""

        def found(names: Collection[str]) -> list[RuleSet]:
            own = self._of(version)
            if own.summaries is None:
                own.summaries = tuple(self.summaries(version)[1])
            wanted = set(names)
            keys = [one.key for one in own.summaries if one.id in wanted or one.key in wanted]
            for key in keys:
                if key not in own.rule_sets:
                    own.rule_sets[key] = self.one(key, version, files=False)
            return [own.rule_sets[key] for key in keys]

        return found

    def _of(self, version: str) -> _Version:
        with self._lock:
            if version not in self._versions:
                if len(self._versions) >= _VERSIONS:
                    del self._versions[next(iter(self._versions))]
                self._versions[version] = _Version()
            return self._versions[version]
