"""How much is answered at once: threads, calls under way, streams among them; and the door that a shutdown closes.

Calls wait in a queue for a thread. Streams have threads of their own number, so that single calls find one however many
streams are under way. What is too much is told so at once, by threads that do nothing else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from engine.language.problems import ProblemsFound, problem

REFUSING_THREADS: Final = 2
_LOOK_SECONDS: Final = 0.005


class Workers:
    """Threads that answer calls; what gRPC takes for its thread pool. Knows how many calls it has."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="call")
        self._lock = threading.Lock()
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """Calls that have a thread or wait for one."""
        return self._under_way

    def submit(self, run: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Answer a call."""
        with self._lock:
            self._under_way += 1
        return self._pool.submit(self._answer, run, *arguments)

    def _answer(self, run: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return run(*arguments)
        finally:
            with self._lock:
                self._under_way -= 1

    def end(self) -> None:
        """Take no more; threads that have nothing to do end."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Gate:
    """What may come in. Threads share it.

    Attributes:
        workers: threads that answer calls.
        refusing: threads that tell callers that they are not let in.
    """

    def __init__(self, calls: int, streams: int, workers: int) -> None:
        """Open the gate.

        Args:
            calls: under way and waiting at once.
            streams: under way at once.
            workers: threads for single calls, beside one for each stream.
        """
        self.workers = Workers(streams + workers)
        self.refusing = ThreadPoolExecutor(REFUSING_THREADS, thread_name_prefix="refuse")
        self._calls = calls
        self._streams = streams
        self._streams_under_way = 0
        self._lock = threading.Lock()
        self._closing = False
        self._closed = threading.Event()
        self._patience_ends: float | None = None

    @property
    def streams_under_way(self) -> int:
        """Streams that are being answered."""
        return self._streams_under_way

    @property
    def closing(self) -> bool:
        """Whether the server is coming to its end."""
        return self._closing

    def check(self) -> ProblemsFound | None:
        """Say why one more call is not let in; None: it is."""
        if self._closing:
            return ProblemsFound([problem("shutting-down", None)])
        if self.workers.under_way >= self._calls:
            return _too_many(self._calls, "calls")
        return None

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Count a stream while it is answered.

        Raises:
            ProblemsFound: `too-many-calls`.
        """
        with self._lock:
            if self._streams_under_way >= self._streams:
                raise _too_many(self._streams, "streams")
            self._streams_under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._streams_under_way -= 1

    def check_patience(self) -> None:
        """Ask between the answers of a stream whether a shutdown still has time for it.

        Raises:
            ProblemsFound: `shutting-down`.
        """
        if self._patience_ends is not None and time.monotonic() >= self._patience_ends:
            raise ProblemsFound([problem("shutting-down", None)])

    def close(self, patience_seconds: float) -> None:
        """Let nobody in any more. Who comes is told so when `answer_refused` says that the listening has ended.

        Args:
            patience_seconds: after these, streams end between two answers.
        """
        self._patience_ends = time.monotonic() + patience_seconds
        self._closing = True

    def answer_refused(self) -> None:
        """Tell those who came after the closing."""
        self._closed.set()

    def wait_to_refuse(self, seconds_max: float) -> None:
        """Hold the refusal of a shutdown back until nobody can come any more.

        A caller that repeats its call at once would otherwise come again in the moment in which gRPC stops, and see a
        cancellation that it does not know how to take.
        """
        if self._closing:
            self._closed.wait(seconds_max)

    def wait_until_idle(self, seconds: float, hurried: threading.Event) -> bool:
        """Wait until no call is under way; give whether that came about before time or patience ran out."""
        end = time.monotonic() + seconds
        while self.workers.under_way > 0:
            if time.monotonic() >= end or hurried.is_set():
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def end(self) -> None:
        """Let the threads end."""
        self.workers.end()
        self.refusing.shutdown(wait=False, cancel_futures=True)


def _too_many(at_most: int, what: str) -> ProblemsFound:
    what_zh = {"calls": "调用", "streams": "流"}[what]
    return ProblemsFound([problem("too-many-calls", None, None, at_most=at_most, what=what, what_zh=what_zh)])
