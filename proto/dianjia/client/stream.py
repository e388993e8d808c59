"""A stream of chunks that outlives its connection: every chunk is answered once, by one version.

A thread of gRPC's takes chunks from the source and sends them, a bounded number ahead of the answers; the caller's
thread reads the answers. When the connection breaks, a new stream begins with the first chunk that has no answer, names
the version of those that have one, and goes on from there.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Final

import grpc

from dianjia.client.chunking import Prepared
from dianjia.client.connection import Connection, Deadline, Insistence
from dianjia.client.errors import AnswerBroken, VersionGone, failure_of, is_gone, is_too_large
from dianjia.rating.v1 import rating_pb2 as messages
from dianjia.type.v1 import type_pb2 as types

# A server takes 20,000,000 rows in one stream, whose ids it remembers; a longer one goes on in the next.
_ROWS_OF_ONE: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Header:
    """What concerns the whole stream."""

    version: str
    allow_withdrawn: bool
    detail: messages.Detail.ValueType
    run: str

    def fill(self, request: messages.CalculateBillsRequest) -> None:
        """Write it into the first message of a stream."""
        choice = types.VersionChoice(version=self.version, allow_withdrawn=self.allow_withdrawn)
        request.version.CopyFrom(choice)
        request.detail = self.detail
        request.run = self.run


@dataclass(slots=True)
class _Window:
    """Chunks between the source and their answers.

    `changed` guards all but the source, which has a lock of its own, so that answers are taken while a slow source is
    waited for.
    """

    source: Iterator[Prepared]
    limit: int
    changed: threading.Condition = field(default_factory=threading.Condition)
    pulling: threading.Lock = field(default_factory=threading.Lock)
    waiting: deque[Prepared] = field(default_factory=deque)  # sent or about to be, and not answered
    answered: int = 0
    attempt: int = 0
    ended: bool = False  # the source has no more
    failure: BaseException | None = None  # what the source raised

    @property
    def pulled(self) -> int:
        """Chunks that the source gave."""
        return self.answered + len(self.waiting)

    def begin(self) -> int:
        """Start an attempt; the one before sends nothing more."""
        with self.changed:
            self.attempt += 1
            self.changed.notify_all()
            return self.attempt

    def requests(self, attempt: int, header: Header) -> Iterator[messages.CalculateBillsRequest]:
        """What one attempt sends: everything that has no answer, then whatever the source gives, up to a limit."""
        with self.changed:
            sequence = first = self.answered
        rows = 0
        while rows < _ROWS_OF_ONE:
            prepared = self._at(attempt, sequence)
            if prepared is None:
                return
            try:
                request = messages.CalculateBillsRequest(sequence=sequence, chunk=prepared.message())
            except BaseException as error:  # noqa: BLE001 - told to the caller's thread, which raises it
                self._end_before(attempt, sequence, error)
                return
            if sequence == first:
                header.fill(request)
            sequence += 1
            rows += len(prepared.positions)
            yield request

    def _end_before(self, attempt: int, sequence: int, error: BaseException) -> None:
        """Send nothing from a chunk on that cannot be written, such as one with half a character."""
        with self.changed:
            if self.attempt != attempt:
                return
            while self.pulled > sequence:
                self.waiting.pop()
            self.ended, self.failure = True, error
            self.changed.notify_all()

    def _at(self, attempt: int, sequence: int) -> Prepared | None:
        """A chunk by its number, once there is room for it; None: there is none, or the attempt is over."""
        while True:
            with self.changed:
                while (
                    self.attempt == attempt
                    and not self.ended
                    and sequence == self.pulled
                    and len(self.waiting) >= self.limit
                ):
                    self.changed.wait()
                if self.attempt != attempt:
                    return None
                if sequence < self.pulled:
                    return self.waiting[sequence - self.answered]
                if self.ended:
                    return None
            self._pull(attempt, sequence)

    def _pull(self, attempt: int, sequence: int) -> None:
        with self.pulling:
            with self.changed:
                if self.attempt != attempt or self.ended or self.pulled > sequence:
                    return
            try:
                prepared = next(self.source, None)
            except BaseException as error:  # noqa: BLE001 - told to the caller's thread, which raises it
                prepared, self.failure = None, error
            with self.changed:
                if prepared is None:
                    self.ended = True
                else:
                    self.waiting.append(prepared)
                self.changed.notify_all()

    def answer(self, sequence: int) -> Prepared:
        """Take the chunk that an answer is to.

        Raises:
            AnswerBroken: it is not the next one.
        """
        with self.changed:
            if sequence != self.answered or not self.waiting:
                raise AnswerBroken(f"the answer to chunk {sequence} came where that to {self.answered} was due")
            self.answered += 1
            prepared = self.waiting.popleft()
            self.changed.notify_all()
            return prepared

    def halve(self) -> int:
        """Cut in two whatever waits; say how many rows the longest had, 0 where none can be cut."""
        with self.changed:
            self.attempt += 1
            rows = max((len(one.positions) for one in self.waiting), default=0)
            if rows > 1:
                self.waiting = deque(half for one in self.waiting for half in one.halves())
            self.changed.notify_all()
            return rows if rows > 1 else 0

    def finished(self) -> bool:
        """Whether nothing is left to send or to hear; raises what the source raised."""
        with self.changed:
            done = self.ended and not self.waiting
            if done and self.failure is not None:
                raise self.failure
            return done


def answers(
    connection: Connection,
    source: Iterator[Prepared],
    header: Header,
    *,
    window: int,
    deadline: Deadline,
    resumed: Callable[[], None],
    too_large: Callable[[int], None],
) -> Generator[tuple[Prepared, messages.CalculateBillsResponse], None, None]:
    """Send chunks and give each with its answer, in order.

    Args:
        connection: to the server.
        source: gives chunks; gRPC's thread asks it.
        header: names the version, so that no resumed stream is billed by another.
        window: so many chunks may be without an answer.
        deadline: of all of it.
        resumed: called whenever the stream begins again after a failure.
        too_large: called with the rows of a chunk that was too large, or the answer to it; it is sent in two.

    Raises:
        VersionGone: the version is not to be had after a break.
        ServiceError: the server refuses the stream, or does not answer any more.
        AnswerBroken: an answer is not to the chunk that is due, or of another version.
    """
    room = _Window(source, window)
    tries = Insistence(connection.patience, deadline)
    call = None
    try:
        while True:
            call = connection.rating.CalculateBills(
                room.requests(room.begin(), header), timeout=deadline.left(), metadata=connection.metadata
            )
            before = room.answered
            try:
                for response in call:
                    tries.answered()
                    if response.version != header.version:
                        raise AnswerBroken(f"the version {header.version} was asked for, {response.version} answers")
                    yield room.answer(response.sequence), response
                if room.finished():
                    return
                if room.answered == before:
                    raise AnswerBroken("the stream ended without an answer to any chunk")
            except grpc.RpcError as error:
                if room.finished():
                    return
                failure = failure_of(error)
                if is_gone(failure):
                    raise VersionGone(failure) from error
                rows = room.halve() if is_too_large(failure) else 0
                if rows:
                    too_large(rows)
                    continue
                tries.pause(error)
                resumed()
    finally:
        room.begin()
        if call is not None:
            call.cancel()
