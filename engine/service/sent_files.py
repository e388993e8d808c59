"""Files that a caller sends, as a rate book: each path once, and not too many bytes in all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from dianjia.rulesets.v1 import rulesets_pb2 as messages
from engine.language.problems import ProblemsFound, problem
from engine.registry.content import BYTES_MAX, PATH_CHARACTERS_MAX
from engine.service.calls import wrong

FILES_MAX: Final = 10_000  # of a rate book; the shipped one has 77


class SentFiles:
    """The files of one rate book, as they come in. What they are called is checked by `check_files`, at the end."""

    def __init__(self) -> None:
        """Begin with none."""
        self._files: dict[str, bytes] = {}
        self._bytes = 0

    @property
    def files(self) -> Mapping[str, bytes]:
        """Path inside the rate book -> bytes."""
        return self._files

    def take(self, sent: Iterable[messages.SourceFile]) -> None:
        """Add what one message holds; nothing is kept of a rate book that grows too large.

        Raises:
            ProblemsFound: `file-twice`, `rate-book-too-large`, `too-many-entries`, `bad-path`.
        """
        for one in sent:
            if len(one.path) > PATH_CHARACTERS_MAX:
                raise ProblemsFound([problem("bad-path", None, path=one.path[:PATH_CHARACTERS_MAX])])
            if one.path in self._files:
                raise ProblemsFound([problem("file-twice", None, path=one.path[:PATH_CHARACTERS_MAX])])
            self._bytes += len(one.content)
            if self._bytes > BYTES_MAX:
                found = problem("rate-book-too-large", None, found=self._bytes, at_most=BYTES_MAX)
                raise ProblemsFound([found])
            if len(self._files) == FILES_MAX:
                raise wrong("too-many-entries", "files", found=FILES_MAX + 1, at_most=FILES_MAX)
            self._files[one.path] = one.content
