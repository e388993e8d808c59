"""The child process that holds durable_rules: started, asked, watched and put away.

It may crash, grow or hang: it answers within a time and below a memory cap or is ended, and then everything that it
knew is told to a new one. Nothing is lost with it, as it keeps nothing that is not in the desk's transaction too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from engine.language.problems import ProblemsFound, problem

CHILD: Final = Path(__file__).with_name("durable_child.py")
MEMORY_BYTES: Final = 1 << 30  # address space of the child
ANSWER_SECONDS: Final = 120.0


class ChildEnded(Exception):
    """The child has died, failed or hung; says how."""


def installed() -> bool:
    """Whether durable_rules can be imported by this Python."""
    return find_spec("durable_rules_engine") is not None


def require_installed() -> None:
    """Refuse where durable_rules is not there.

    Raises:
        ProblemsFound: `durable-not-installed`.
    """
    if not installed():
        version = ".".join(str(part) for part in sys.version_info[:2])
        raise ProblemsFound([problem("durable-not-installed", None, python=version)])


class Child:
    """A running child. Whoever starts it closes it."""

    def __init__(
        self,
        plans: Sequence[dict[str, Any]],
        memory_bytes: int = MEMORY_BYTES,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Start it.

        Raises:
            ChildEnded: it did not start.
        """
        self._answer_seconds = answer_seconds
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(CHILD), str(memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self.kilobytes = 0  # peak of its memory, as of its last answer
        try:
            self.ask(plans)
        except ChildEnded:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, told: object) -> dict[str, Any]:
        """Send a line and give the answer.

        Raises:
            ChildEnded: there is none.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Timer(self._answer_seconds, process.kill)
        late.start()
        try:
            process.stdin.write(json.dumps(told, separators=(",", ":")) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        finally:
            hung = not late.is_alive()
            late.cancel()
        if not line.endswith("\n"):
            code = process.wait()
            raise ChildEnded("no answer in time" if hung else f"signal {-code}" if code < 0 else f"exit code {code}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise ChildEnded(str(answer["failed"]))
        self.kilobytes = int(answer["kb"])
        return answer

    def close(self) -> None:
        """End it."""
        process = self._process
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # what was not written yet no longer matters
