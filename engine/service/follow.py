"""Which version answers: follows the registry while the server runs.

Takes a registry, a folder, and what compiles files; is a `Books`. Three things go on at once:

    choose    a call takes the version that answers now; between changes that is one comparison of instants
    poll      a thread reads the registry's schedule every second, and writes what was billed
    prepare   a thread compiles, in another process, what will answer next, before it does

A planned activation takes effect at its instant, whatever the poll does. A version that answers is exchanged as one
reference, so that no call sees parts of two. While the registry does not answer, everything goes on with the schedule
that was read last.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from pathlib import Path
from time import monotonic
from typing import Final, Protocol

from engine.evaluator.native import Backend
from engine.language.problems import ProblemsFound, problem
from engine.registry.building import Built
from engine.registry.content import read_folder, version_of
from engine.registry.instants import now
from engine.registry.registry import Registry
from engine.registry.schedule import Schedule
from engine.service.books import LoadedBook, loaded
from engine.service.shelf import Shelf
from engine.service.uses import Uses

LOG: Final = logging.getLogger("dianjia.versions")
AHEAD: Final = 2  # planned changes that are compiled ahead
CLOSE_SECONDS: Final = 2.0  # that each thread has to come to its end
AGAIN_SECONDS: Final = 10.0  # after which a version that could not be loaded is tried again
_PASSING: Final = ("registry-unavailable", "compile-too-long")  # the same version may be had later
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class Build(Protocol):
    """Compiles files in another process, so that calls go on meanwhile."""

    def __call__(self, files: Mapping[str, bytes], tests: bool = True) -> Built:
        """Compile files and, unless told otherwise, run the tests in them."""


@dataclass(frozen=True, slots=True)
class _Answering:
    """What answers calls that name no version."""

    book: LoadedBook | None
    until: datetime | None  # another version is planned to answer from this instant; None: none is
    awaited: str = ""  # version that answers as soon as it is loaded; with no book, calls wait for it


class FollowedBooks:
    """The versions of a registry, and a folder that answers while none of them is active. Threads share it."""

    def __init__(
        self,
        registry: Registry | None,
        folder: Path | None,
        build: Build,
        *,
        follow_seconds: float = 1.0,
        versions_loaded: int = 4,
        backend: Backend = "numpy",
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Take what is followed; nothing is read before `start`.

        Args:
            registry: None: the folder alone answers.
            folder: of rules; None: without an active version nothing answers.
            build: compiles files.
            follow_seconds: between two looks at the registry.
            versions_loaded: how many to keep ready; what answers now and next is kept whatever their number.
            backend: what bills columns.
            clock: gives the present instant.
        """
        self._registry = registry
        self._folder = folder
        self._build = build
        self._backend = backend
        self._follow_seconds = follow_seconds
        self._clock = clock
        self._shelf = Shelf(versions_loaded, self._load)
        self._uses = None if registry is None else Uses(registry, clock)
        self._folder_files: Mapping[str, bytes] = {}
        self._folder_version = ""
        self._schedule = Schedule()
        self._likely = ""  # version that may be activated at any moment
        self._read_at: float | None = None
        self._answering = _Answering(None, None)
        self._failed: dict[str, float] = {}  # version that could not be loaded -> when it is tried again
        self._switching = threading.Lock()
        self._ended = threading.Event()
        self._look = threading.Event()
        self._missing = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Read the registry, load what answers now, and begin to follow.

        Raises:
            ProblemsFound: the folder, or the active version, does not compile; the registry does not answer: which
                version is active is then not known, and none is guessed.
        """
        if self._folder is not None:
            self._folder_files = read_folder(self._folder)
            self._folder_version = version_of(self._folder_files)
        if self._registry is not None:
            self._registry.open()
            self._read(self._registry)
        wanted = self._wanted(self._clock())
        if wanted:
            self._shelf.take(wanted)
        self._switch()
        if self._registry is not None:
            self._threads = [
                threading.Thread(target=self._follow, name="follow the registry", daemon=True),
                threading.Thread(target=self._prepare, name="prepare versions", daemon=True),
            ]
            for thread in self._threads:
                thread.start()

    def close(self) -> None:
        """Stop following, and write what was billed."""
        self._ended.set()
        self._look.set()
        self._missing.set()
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)  # a compile under way is of no use any more
        if self._uses is not None and not self._uses.flush():
            LOG.error("the registry does not answer: the last counts of bills are not written to it")

    def choose(self, version: str = "", allow_withdrawn: bool = False) -> LoadedBook:
        """Give the version that is named, or the one that is active now.

        A version is named by its whole hash: a program that keeps a shorter one could one day mean two.

        Raises:
            ProblemsFound: `version-not-here`, `version-withdrawn`, `no-version-active`, `allow-withdrawn-alone`,
                `registry-unavailable`.
        """
        if version:
            return self._named(version, allow_withdrawn)
        if allow_withdrawn:
            raise ProblemsFound([problem("allow-withdrawn-alone", None)])
        answering = self._answering
        if answering.until is not None and self._clock() >= answering.until:
            answering = self._switch()
        if answering.book is not None:
            return answering.book
        if answering.awaited:
            return self._shelf.take(answering.awaited)
        raise ProblemsFound([problem("no-version-active", None)])

    def used(self, version: str, run: str, bills: Mapping[int, int]) -> None:
        """Note what a version billed; as `Books` says."""
        if self._uses is not None:
            self._uses.note(version, run, bills)

    def look(self) -> None:
        """Look at the registry now and not at the next second: something was changed through this server."""
        self._look.set()

    @property
    def folder_files(self) -> Mapping[str, bytes]:
        """The folder's files, by path."""
        return self._folder_files

    @property
    def folder_version(self) -> str:
        """The content hash of the folder; "": there is none."""
        return self._folder_version

    @property
    def active_version(self) -> str:
        """The version that answers calls that name none; "": none does."""
        answering = self._answering
        return answering.awaited if answering.book is None else answering.book.version

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that are loaded."""
        return self._shelf.versions()

    @property
    def registry_age_seconds(self) -> float | None:
        """How long ago the registry was read; None: there is none."""
        return None if self._read_at is None else monotonic() - self._read_at

    def _named(self, version: str, allow_withdrawn: bool) -> LoadedBook:
        withdrawn = self._schedule.withdrawn
        if version in withdrawn and not allow_withdrawn:
            instead = withdrawn[version]
            raise ProblemsFound([problem("version-withdrawn", None, version=version, returns_to=instead)])
        if _HASH.fullmatch(version) is None:
            raise ProblemsFound([problem("version-not-here", None, version=version[:64])])
        try:
            return self._shelf.take(version)
        except ProblemsFound as found:
            if found.problems[0].code in _PASSING:
                raise
            raise ProblemsFound([problem("version-not-here", None, version=version)]) from None

    def _wanted(self, at: datetime) -> str:
        """Which version is to answer at an instant; "": none."""
        return self._schedule.active(at) or self._folder_version

    def _switch(self) -> _Answering:
        """Let the version answer whose time it is, if it is loaded; until then the one before it."""
        with self._switching:
            at = self._clock()
            schedule, before = self._schedule, self._answering
            wanted, until = self._wanted(at), schedule.next_change(at)
            found = self._shelf.get(wanted) if wanted else None
            if found is not None or not wanted:
                self._answering = _Answering(found, until)
            elif before.book is not None and before.book.version not in schedule.withdrawn:
                self._answering = _Answering(before.book, until, wanted)
            else:  # a withdrawn version answers nobody who does not name it
                self._answering = _Answering(None, until, wanted)
            now_answers = self._answering.book
            if now_answers is not None and now_answers is not before.book:
                LOG.info("the version %s answers", now_answers.version)
            self._shelf.pin([*self._soon(at), *([] if now_answers is None else [now_answers.version])])
            self._missing.set()  # what answers after this one is to be loaded
            return self._answering

    def _soon(self, at: datetime) -> list[str]:
        """The versions that answer now, after the next planned changes, and likely after that."""
        found = [self._wanted(at)]
        change: datetime | None = at
        for _ in range(AHEAD):
            change = None if change is None else self._schedule.next_change(change)
            if change is not None:
                found.append(self._wanted(change))
        return [version for version in dict.fromkeys([*found, self._likely]) if version]

    def _follow(self) -> None:
        """Look at the registry until the end."""
        assert self._registry is not None
        assert self._uses is not None
        answered = True
        while not self._ended.is_set():
            try:
                self._read(self._registry)
                self._switch()
                self._uses.flush()
                if not answered:
                    LOG.info("the registry answers again")
                answered = True
            except ProblemsFound as found:
                if answered:
                    LOG.error("the registry is not followed: %s", found)
                answered = False
            except Exception:  # whatever it is, rating goes on, and the next look may find it gone
                LOG.exception("the registry is not followed")
                answered = False
            self._missing.set()
            self._look.wait(self._follow_seconds)
            self._look.clear()

    def _read(self, registry: Registry) -> None:
        schedule = registry.schedule()
        if schedule != self._schedule:
            self._likely = _likely(registry, schedule)
        self._schedule = schedule
        self._read_at = monotonic()

    def _prepare(self) -> None:
        """Load what answers now or soon, until the end."""
        while not self._ended.is_set():
            self._missing.wait()
            self._missing.clear()
            for version in self._soon(self._clock()):
                if self._ended.is_set():
                    return
                if self._shelf.get(version) is None and self._worth_trying(version):
                    self._try(version)
                    self._switch()

    def _worth_trying(self, version: str) -> bool:
        return monotonic() >= self._failed.get(version, 0.0)

    def _try(self, version: str) -> None:
        """Load a version; where that fails, what answers now goes on answering."""
        self._failed[version] = monotonic() + AGAIN_SECONDS
        try:
            self._shelf.take(version)
        except ProblemsFound as found:
            LOG.error("the version %s cannot be loaded: %s", version, found)
        except Exception:  # a broken child process, say
            LOG.exception("the version %s cannot be loaded", version)

    def _load(self, version: str) -> LoadedBook:
        """Compile a version in another process and make it ready to bill.

        Raises:
            ProblemsFound: `unknown-version`, `registry-unavailable`, `compile-too-long`; what keeps it from compiling.
        """
        if version == self._folder_version:
            files = self._folder_files
        elif self._registry is None or self._failed.get(version) == inf:
            raise ProblemsFound([problem("version-not-here", None, version=version)])
        else:
            files = self._registry.files(version)
        built = self._build(files, tests=False)
        if built.problems:
            self._failed[version] = inf  # its files do not change, nor does what compiles them
            raise ProblemsFound(built.problems)
        return loaded(version, built.book, files, self._backend)


def _likely(registry: Registry, schedule: Schedule) -> str:
    """The version that was approved last and never activated: whoever activates it expects it to answer at once."""
    activated = {activation.version for activation in schedule.activations}
    waiting = [registry.record(version) for version in schedule.approved - activated - schedule.withdrawn.keys()]
    ordered = sorted(waiting, key=lambda record: (record.approved_at is not None, record.approved_at))
    return ordered[-1].version if ordered else ""
