"""Files that are bytes -> a rate book with its problems, in a child process with a time limit.

The child begins as a process of its own, with no thread and no lock of its parent's, so that a compile takes nothing
from bills under way but a processor. Its current folder holds the files and nothing else: places name them as the rate
book does, `cn/jiangsu/residential.yaml`.

What is loaded to answer calls, with no tests to run, stands in the cache afterwards: a server that is started again
begins to answer without a child. What callers send to be tried is never kept.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.cache.compiled import KIND, key_of, read_kept
from engine.cache.packed import unpack
from engine.cache.store import keep_entry
from engine.compiler.book import RateBook
from engine.language.problems import Problem, ProblemsFound, problem
from engine.registry.content import check_files, version_of

OUT_OF_MEMORY: Final = 12  # how the child ends that has too little
_FOLDER: Final = "rules"  # so called, it is the whole library to the compiler, which looks no further up


@dataclass(frozen=True, slots=True)
class Built:
    """A rate book as it was compiled.

    Attributes:
        book: its rule sets; those that have a problem are not there.
        problems: what keeps it from being published, ordered by place: of the rules, and tests that do not hold.
        tests: how many tests were run.
    """

    book: RateBook
    problems: tuple[Problem, ...]
    tests: int


class Builder:
    """Compiles rate books, each in a child process of its own; threads may share it."""

    def __init__(self, seconds_max: float = 120.0, at_once: int = 2, memory_mib_max: int = 4 * 1024) -> None:
        """Set the limits.

        Args:
            seconds_max: that a rate book may take [s].
            at_once: so many are compiled at the same time, with tests and without; others wait, and their time does
                not run.
            memory_mib_max: that a rate book may take [MiB]; the shipped one takes 220.
        """
        self._memory_mib_max = memory_mib_max
        self._seconds_max = seconds_max
        # Who has tests run is a caller; who does not, loads what answers next, and does not stand behind callers.
        self._turns = {tests: threading.BoundedSemaphore(at_once) for tests in (True, False)}

    def __call__(self, files: Mapping[str, bytes], tests: bool = True) -> Built:
        """Compile files and, unless told otherwise, run the tests in them.

        Args:
            files: path inside the rate book -> bytes.
            tests: False where they were run before, when the version was published.

        Raises:
            ProblemsFound: `bad-path`, `rate-book-too-large`, `rate-book-empty`: nothing was compiled;
                `compile-too-long`, `compile-too-large`.
        """
        check_files(files)
        if tests:
            return unpack(self._compiled(files, tests), Built)
        key = key_of("files", [(version_of(files),)], rooms=("registry",))
        kept = None if key is None else read_kept(key, Built)
        if kept is not None:
            return kept
        output = self._compiled(files, tests)
        built = unpack(output, Built)
        if key is not None and not built.problems and key == key_of("files", [(version_of(files),)], ("registry",)):
            keep_entry(KIND, key, output)
        return built

    def _compiled(self, files: Mapping[str, bytes], tests: bool) -> bytes:
        """Compile files in a folder of their own."""
        with self._turns[tests], tempfile.TemporaryDirectory(prefix="dianjia-") as whole:
            folder = Path(whole) / _FOLDER
            folder.mkdir()
            for path, content in files.items():
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            return self._run(folder, tests)

    def _run(self, folder: Path, tests: bool) -> bytes:
        seconds = math.ceil(self._seconds_max)
        limits = [str(seconds), str(self._memory_mib_max)]
        command = [sys.executable, "-P", "-m", "engine.registry.child", *limits, *(["tests"] if tests else [])]
        paths = [str(Path(path).absolute()) for path in sys.path if path]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._seconds_max,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ProblemsFound([problem("compile-too-long", None, None, seconds=seconds)]) from None
        if done.returncode == OUT_OF_MEMORY:
            raise ProblemsFound([problem("compile-too-large", None, None, mebibytes=self._memory_mib_max)])
        if done.returncode != 0:
            last = done.stderr.decode(errors="replace")[-4000:]
            raise RuntimeError(f"the process that compiles ended with {done.returncode}: {last}")
        return done.stdout


def build(files: Mapping[str, bytes], tests: bool = True) -> Built:
    """Compile files as `Builder` does, with its usual limits."""
    return Builder()(files, tests)


def build_here(tests: bool) -> Built:
    """Compile the rate book in the current folder; what the child process does."""
    from engine.compiler.compile import compile_all
    from engine.registry.inside import leading_out

    out = leading_out(Path())
    if out:
        return Built(RateBook({}), ProblemsFound(out).problems, 0)
    book, problems = compile_all([Path()])
    count = 0
    if tests:
        # all interpreters: a quarter of a second to import
        from engine.registry.rule_tests import failing_advice_tests, failing_tests, failing_trigger_tests

        for compiled in book.rulesets.values():
            problems += failing_tests(compiled)
            count += len(compiled.tests)
        problems += failing_trigger_tests(book.watch)
        count += len(book.watch.tests)
        problems += failing_advice_tests(book)
        count += sum(len(one.tests) for several in book.advice.values() for one in several)
    return Built(book, ProblemsFound(problems).problems, count)
