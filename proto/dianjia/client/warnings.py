"""Warnings over time: events recorded, warnings watched, listed and acknowledged; and the warnings that rows raise.

An event may be sent as often as need be: by its id it is recorded once. A warning may come twice; its name tells.
"""

from __future__ import annotations

import contextlib
import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from dianjia.client.chunking import CHUNK_ROWS
from dianjia.client.connection import Connection, Deadline, Insistence
from dianjia.client.errors import AnswerBroken
from dianjia.client.unary import Warnings
from dianjia.client.warning_records import (
    KINDS,
    STATES,
    Event,
    Recorded,
    RefusedEvent,
    WarningRecord,
    event_message,
    recorded_of,
    timestamp_of,
    warning_of,
)
from dianjia.warnings.v1 import warnings_pb2 as messages

Texts = str | Iterable[str]

CHUNK_EVENTS: Final = 1_000
WINDOW_CHUNKS: Final = 4  # under way, without an answer
_PAGE: Final = 1_000


class WarningCalls:
    """Warnings. Called with a frame, it gives those that its rows raise; the rest is about warnings over time.

    Scopes: `rate` and `read` for rows; `record-events`, `read-warnings`, `acknowledge` for the rest.
    """

    def __init__(self, connection: Connection, of_rows: Callable[..., Warnings]) -> None:
        self._connection = connection
        self._calls = connection.warnings
        self._of_rows = of_rows

    def __call__(
        self,
        frame: Any,
        *,
        chunk_rows: int = CHUNK_ROWS,
        version: str = "",
        allow_withdrawn: bool = False,
        pass_through: Iterable[str] = (),
    ) -> Warnings:
        """Give the warnings that the rows of a frame raise, with their words; takes and raises what `bills` does."""
        return self._of_rows(
            frame,
            chunk_rows=chunk_rows,
            version=version,
            allow_withdrawn=allow_withdrawn,
            pass_through=pass_through,
        )

    def record(
        self,
        events: Iterable[Event],
        *,
        complete_until: datetime | str | None = None,
        chunk_events: int = CHUNK_EVENTS,
        timeout: float | None = None,
    ) -> Recorded:
        """Record events, and give what became of all of them; takes and raises what `stream` does."""
        accepted = duplicates = warnings = 0
        refused: list[RefusedEvent] = []
        watermark, version = None, ""
        for one in self.stream(events, complete_until=complete_until, chunk_events=chunk_events, timeout=timeout):
            accepted += one.accepted
            duplicates += one.duplicates
            warnings += one.warnings
            refused += one.refused
            watermark, version = one.watermark, one.version
        return Recorded(accepted, duplicates, tuple(refused), watermark, warnings, version)

    def stream(
        self,
        events: Iterable[Event],
        *,
        complete_until: datetime | str | None = None,
        chunk_events: int = CHUNK_EVENTS,
        window: int = WINDOW_CHUNKS,
        timeout: float | None = None,
    ) -> Iterator[Recorded]:
        """Record events in chunks, and give what became of each as soon as the server has it for good.

        When the connection breaks, chunks without an answer are sent again; events of theirs that the server had
        recorded before the break come back as duplicates.

        Args:
            events: in any order; asked for as they are needed. None at all: the answer has the watermark.
            complete_until: with the last of them, every event that happened before has been sent; None: not said.
            chunk_events: of one chunk.
            window: so many chunks may be without an answer.
            timeout: of all of it [s]; None: no end.

        Raises:
            ValueError: an event cannot be written: a binary float, a time without a zone.
            ServiceError: the server does not take them. `DeadlinePassed` after `timeout`.
        """
        until = None if complete_until is None else timestamp_of(complete_until, "complete_until")
        chunks = _chunks(events, chunk_events, until)
        deadline = Deadline(timeout)
        tries = Insistence(self._connection.patience, deadline)
        waiting: deque[messages.RecordEventsRequest] = deque()
        ended = False
        while not ended or waiting:
            sending: queue.SimpleQueue[messages.RecordEventsRequest | None] = queue.SimpleQueue()
            for request in waiting:
                sending.put(request)
            call = self._calls.RecordEvents(
                iter(sending.get, None), timeout=deadline.left(), metadata=self._connection.metadata
            )
            try:
                while True:
                    while not ended and len(waiting) < window:
                        chunk = next(chunks, None)
                        if chunk is None:
                            ended = True
                            break
                        waiting.append(chunk)
                        sending.put(chunk)
                    if not waiting:
                        sending.put(None)
                        with contextlib.suppress(grpc.RpcError):  # everything has its answer
                            next(call, None)
                        return
                    answer = next(call, None)
                    if answer is None or answer.sequence != waiting[0].sequence:
                        raise AnswerBroken(f"the answer to chunk {waiting[0].sequence} of the events did not come")
                    tries.answered()
                    yield recorded_of(answer, waiting.popleft())
            except grpc.RpcError as error:
                tries.pause(error)
            finally:
                sending.put(None)
                call.cancel()

    def watch(
        self,
        *,
        cursor: str = "",
        only_new: bool = False,
        regions: Texts = (),
        levels: Texts = (),
        recipients: Texts = (),
        rulesets: Texts = (),
        triggers: Texts = (),
        kinds: Texts = (),
        states: Texts = (),
        accounts: Texts = (),
        timeout: float | None = None,
    ) -> Iterator[WarningRecord]:
        """Give warnings from a cursor on, and then whatever is raised, until `timeout` or until nobody asks any more.

        A connection that breaks is opened again, as long as the client's patience lasts, after the last warning that
        was given; what is given is given once, as long as this goes on.

        Args:
            cursor: of the last warning that was dealt with; "": begin with the oldest.
            only_new: without a cursor, leave out what was raised before.
            regions, levels, recipients, rulesets, triggers, kinds, states, accounts: which; nothing stands for all.
            timeout: [s]; None: no end.

        Raises:
            ServiceError: the server does not tell.
        """
        asked = _filter(regions, levels, recipients, rulesets, triggers, kinds, states, accounts)
        request = messages.WatchWarningsRequest(filter=asked, cursor=cursor, only_new=only_new)
        deadline = Deadline(timeout)
        tries = Insistence(self._connection.patience, deadline)
        while True:
            stream = self._calls.WatchWarnings(request, timeout=deadline.left(), metadata=self._connection.metadata)
            try:
                for answer in stream:
                    tries.answered()
                    for one in answer.warnings:
                        yield warning_of(one)
                        request.cursor = one.cursor
                    request.cursor = answer.cursor
            except grpc.RpcError as error:
                if deadline.left() == 0:
                    return
                tries.pause(error)
            finally:
                stream.cancel()

    def list(
        self,
        *,
        unacknowledged: bool = False,
        regions: Texts = (),
        levels: Texts = (),
        recipients: Texts = (),
        rulesets: Texts = (),
        triggers: Texts = (),
        kinds: Texts = (),
        states: Texts = (),
        accounts: Texts = (),
    ) -> Iterator[WarningRecord]:
        """Give the warnings that there are, oldest first; pages are asked for as they are needed.

        Args:
            unacknowledged: those alone of which nobody has taken note.
            regions, levels, recipients, rulesets, triggers, kinds, states, accounts: which; nothing stands for all.
        """
        asked = _filter(regions, levels, recipients, rulesets, triggers, kinds, states, accounts)
        request = messages.ListWarningsRequest(filter=asked, unacknowledged=unacknowledged, page_size=_PAGE)
        while True:
            page = self._connection.call(self._calls.ListWarnings, request)
            yield from (warning_of(one) for one in page.warnings)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def acknowledge(self, name: str, *, by: str = "", note: str = "") -> WarningRecord:
        """Take note of a warning; the first to do so stays.

        Args:
            name: of the warning, as `WarningRecord` has it.
            by: for whom, where the holder of the token passes on what somebody else does.
            note: what they say.
        """
        full = f"warnings/{name.removeprefix('warnings/')}"
        request = messages.AcknowledgeWarningRequest(name=full, by=by, note=note)
        return warning_of(self._connection.call(self._calls.AcknowledgeWarning, request).warning)


def _chunks(events: Iterable[Event], size: int, until: Timestamp | None) -> Iterator[messages.RecordEventsRequest]:
    """Cut events into chunks; the last says how far they are complete."""
    if size < 1:
        raise ValueError(f"chunk_events is a whole number above 0; came {size}")
    source = iter(events)
    sequence = 0
    here = list(islice(source, size))
    while here or not sequence:
        following = list(islice(source, size))
        last = None if following else until
        yield messages.RecordEventsRequest(
            sequence=sequence, events=[event_message(one) for one in here], complete_until=last
        )
        here, sequence = following, sequence + 1


def _filter(
    regions: Texts,
    levels: Texts,
    recipients: Texts,
    rulesets: Texts,
    triggers: Texts,
    kinds: Texts,
    states: Texts,
    accounts: Texts,
) -> messages.WarningFilter:
    return messages.WarningFilter(
        regions=_texts(regions),
        levels=_texts(levels),
        recipients=_texts(recipients),
        rulesets=_texts(rulesets),
        triggers=_texts(triggers),
        kinds=[_choice(one, KINDS, "kinds") for one in _texts(kinds)],
        states=[_choice(one, STATES, "states") for one in _texts(states)],
        accounts=_texts(accounts),
    )


def _texts(given: Texts) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _choice(text: str, known: Mapping[str, Any], what: str) -> Any:
    if text not in known:
        raise ValueError(f"`{what}` are {', '.join(known)}; came {text!r}")
    return known[text]
