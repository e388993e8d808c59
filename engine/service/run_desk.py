"""Recalculations begin, each in a process of its own, as many at once as the settings allow.

A thread looks once a second, and whenever it is told, whether one waits whose turn it is. The process that it starts is
given the lock of the recalculation, and is not this server's to end: it goes on where the server does not.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from engine.language.problems import ProblemsFound
from engine.runs.queue import Queue, Recalculation
from engine.service.run_paths import Allowed

LOG: Final = logging.getLogger("dianjia.recalculations")
LOOK_SECONDS: Final = 1.0
END_SECONDS: Final = 2.0  # that the thread has to come to its end
_TOLD_CHARACTERS: Final = 8_000  # of what a process said before it failed


@dataclass(slots=True)
class _Child:
    run: str
    process: subprocess.Popen[bytes]
    said: IO[bytes]


class RunDesk:
    """Begins recalculations. Threads share it.

    Attributes:
        allowed: folders that they may use.
    """

    def __init__(
        self, queue: Queue, allowed: Allowed, url: str, rules: Path | None, *, at_once: int, threads: int, resumes: bool
    ) -> None:
        """Begin nothing yet.

        Args:
            queue: of the registry's database.
            allowed: folders that recalculations may use.
            url: of the registry.
            rules: folder that bills while no version is active; None: none.
            at_once: recalculations under way.
            threads: of each.
            resumes: at the start, go on with what was interrupted.
        """
        self.allowed = allowed
        self._queue = queue
        self._told = {"database": url, "rules": "" if rules is None else str(rules.absolute()), "threads": threads}
        self._at_once = at_once
        self._resumes = resumes
        self._children: list[_Child] = []
        self._ended = threading.Event()
        self._look = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="recalculations", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def look(self) -> None:
        """Look now: one was added or ended."""
        self._look.set()

    def close(self) -> None:
        """Begin no more; what is under way goes on."""
        self._ended.set()
        self._look.set()
        self._thread.join(END_SECONDS)

    def _follow(self) -> None:
        answered, resumes = True, self._resumes
        while not self._ended.is_set():
            try:
                if resumes:
                    for run in self._queue.resume_interrupted():
                        LOG.info("the recalculation %s was interrupted and goes on", run)
                    resumes = False
                self._reap()
                while not self._ended.is_set() and self._begin_one():
                    pass
                answered = True
            except ProblemsFound as found:
                if answered:
                    LOG.error("recalculations are not begun: %s", found)
                answered = False
            except Exception:  # whatever it is, rating goes on, and the next look may find it gone
                LOG.exception("recalculations are not begun")
            self._look.wait(LOOK_SECONDS)
            self._look.clear()

    def _begin_one(self) -> bool:
        """Begin the one whose turn it is; give whether there was one."""
        claimed = self._queue.claim(self._at_once, lambda one: self.allowed.takes(one.asked.order))
        if claimed is None:
            return False
        found, lock = claimed
        try:
            self._children.append(self._started(found, lock))
        finally:
            os.close(lock)
        return True

    def _started(self, found: Recalculation, lock: int) -> _Child:
        paths = [str(Path(path).absolute()) for path in sys.path if path]
        said: Any = tempfile.TemporaryFile()  # noqa: SIM115  # read when the process has ended
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.service.recalculating"],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            pass_fds=[lock],
            start_new_session=True,  # Ctrl-C is for the server
        )
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(f"{json.dumps({'run': found.run, **self._told})}\n".encode())
        LOG.info("the recalculation %s begins in process %d", found.run, process.pid)
        return _Child(found.run, process, said)

    def _reap(self) -> None:
        """Take note of processes that have ended."""
        for child in [one for one in self._children if one.process.poll() is not None]:
            self._children.remove(child)
            child.said.seek(0)
            words = child.said.read().decode("utf-8", "replace")[-_TOLD_CHARACTERS:].strip()
            child.said.close()
            code = child.process.returncode
            if code or words:
                LOG.error("the process of the recalculation %s ended with %d: %s", child.run, code, words)
            else:
                LOG.info("the process of the recalculation %s ended", child.run)
