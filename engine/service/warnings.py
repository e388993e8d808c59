"""The servicer of warnings over time: events in, warnings out.

A chunk of events is answered when the database has it, so that a source which sends again what has no answer loses
nothing and doubles nothing. Warnings are read from the database, whoever wrote them: every process of a server, and the
next server, give the same.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import grpc

from dianjia.warnings.v1 import warnings_pb2 as messages
from dianjia.warnings.v1 import warnings_pb2_grpc as rpc
from engine.language.problems import ProblemsFound, problem
from engine.service.calls import Call, call_of, wrong
from engine.service.metrics import Metrics
from engine.service.paging import read_page, token
from engine.service.warnings_desk import WAKE_SECONDS, Feed, Recorder
from engine.service.warnings_messages import (
    COLLECTION,
    batches,
    instant_us,
    raw_event,
    refuse_text,
    refused_events,
    timestamp,
    wanted,
    warning_message,
)
from engine.warnings.desk import Desk
from engine.warnings.warning import Wanted, WarningRecord

BATCH: Final = 500  # warnings that are read at once
HEARTBEAT_SECONDS: Final = 15.0  # after which a cursor that has moved on is told without a warning
BY_CHARACTERS_MAX: Final = 100
NOTE_CHARACTERS_MAX: Final = 1_000
_FORM: Final = f"{COLLECTION}{{id}}"
_NAME: Final = re.compile(rf"{COLLECTION}([\x21-\x7e]{{1,256}})")
_CURSOR: Final = re.compile(r"[0-9]{1,18}")
_SHOWN: Final = 100  # characters of a name that a message repeats


class WarningServicer(rpc.WarningServiceServicer):
    """Records events and delivers warnings. Threads share it.

    Attributes:
        watching: callers of `WatchWarnings` at this moment.
    """

    def __init__(
        self,
        recorder: Recorder | None,
        reader: Desk | None,
        metrics: Metrics,
        *,
        events_per_chunk: int,
        watches: int,
        response_bytes_max: int,
        closing: Callable[[], bool],
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        """Take what records and what reads.

        Args:
            recorder: None: the server has no registry, and neither events nor warnings.
            reader: reads warnings, likewise.
            metrics: count events and warnings.
            events_per_chunk: at most so many.
            watches: callers that watch at once.
            response_bytes_max: of one message that goes.
            closing: whether the server comes to its end.
            clock: gives the present time [us since 1970-01-01 UTC].
        """
        self._recorder = recorder
        self._reader = reader
        self._feed = None if reader is None else Feed(reader)
        self._metrics = metrics
        self._events_per_chunk = events_per_chunk
        self._watches = watches
        self._bytes_max = response_bytes_max * 3 // 4  # the rest is for what stands around the warnings
        self._closing = closing
        self._clock = clock
        self._lock = threading.Lock()
        self.watching = 0

    @property
    def watermark_seconds(self) -> float | None:
        """Watermark of the last chunk that this process recorded [s since 1970-01-01 UTC]; None: there was none."""
        watermark = 0 if self._recorder is None else self._recorder.watermark
        return watermark / 1e6 if watermark else None

    def RecordEvents(
        self, request_iterator: Iterator[messages.RecordEventsRequest], context: grpc.ServicerContext
    ) -> Iterator[messages.RecordEventsResponse]:
        """Record a stream of chunks."""
        call = call_of(context)
        recorder, _, feed = self._taken()
        due: int | None = None
        for request in _until(request_iterator, lambda: self._check(call)):
            if due is not None and request.sequence != due:
                raise wrong("sequence-broken", "sequence", found=request.sequence, expected=due)
            due = request.sequence + 1
            yield self._recorded(request, call, recorder, feed)

    def WatchWarnings(
        self, request: messages.WatchWarningsRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.WatchWarningsResponse]:
        """Give warnings from a cursor on, until nobody wants any more."""
        call = call_of(context)
        _, reader, feed = self._taken()
        asked = wanted(request.filter)
        with self._one_more_watcher():
            told = at = _start(request, feed.newest(now=True))
            told_at, delivered = float("-inf"), 0
            while True:
                # What is there is found before the newest is asked for: nothing lies between the two unseen.
                newest = feed.newest()
                found = reader.warnings(at, BATCH, asked) if newest > at else []
                at = found[-1].seq if len(found) == BATCH else max(newest, at, found[-1].seq if found else 0)
                for answer in self._batches(found):
                    told, told_at = int(answer.cursor), time.monotonic()
                    delivered += len(answer.warnings)
                    self._metrics.warnings_delivered(len(answer.warnings))
                    call.note(warnings=delivered)
                    yield answer
                if (told != at and time.monotonic() > told_at + HEARTBEAT_SECONDS) or told_at < 0:
                    told, told_at = at, time.monotonic()
                    yield messages.WatchWarningsResponse(cursor=str(at))
                self._check(call)
                if len(found) < BATCH:
                    feed.wait()

    def ListWarnings(
        self, request: messages.ListWarningsRequest, context: grpc.ServicerContext
    ) -> messages.ListWarningsResponse:
        """List warnings, oldest first."""
        call = call_of(context)
        _, reader, _ = self._taken()
        asked = wanted(request.filter, unacknowledged=request.unacknowledged)
        filters = [repr(asked)]
        page = read_page("ListWarnings", filters, request.page_size, request.page_token)
        if page.after and _CURSOR.fullmatch(page.after) is None:
            raise wrong("bad-page", "page_token", value=request.page_token[:_SHOWN])
        found = reader.warnings(int(page.after or "0"), page.size + 1, asked)
        shown = next(batches(found[: page.size], self._bytes_max), [])
        more = len(found) > len(shown)
        call.note(warnings=len(shown))
        return messages.ListWarningsResponse(
            warnings=shown,
            next_page_token=token("ListWarnings", filters, shown[-1].cursor) if more else "",
        )

    def AcknowledgeWarning(
        self, request: messages.AcknowledgeWarningRequest, context: grpc.ServicerContext
    ) -> messages.AcknowledgeWarningResponse:
        """Note that somebody has taken note of a warning."""
        call = call_of(context)
        _, reader, _ = self._taken()
        if not call.principal.name:
            raise ProblemsFound([problem("who-missing", None)])
        refuse_text(request.by, "by", BY_CHARACTERS_MAX)
        refuse_text(request.note, "note", NOTE_CHARACTERS_MAX)
        named = _NAME.fullmatch(request.name)
        if named is None or not reader.warnings(0, 1, Wanted(ids=(named[1],))):
            raise wrong("unknown-resource", "name", value=request.name[:_SHOWN], form=_FORM)
        by = f"{call.principal.name} / {request.by}" if request.by else call.principal.name
        found = reader.acknowledge(named[1], by, self._clock(), request.note)
        call.note(warning=named[1])
        return messages.AcknowledgeWarningResponse(warning=warning_message(found))

    def _recorded(
        self, request: messages.RecordEventsRequest, call: Call, recorder: Recorder, feed: Feed
    ) -> messages.RecordEventsResponse:
        at_most = self._events_per_chunk
        if len(request.events) > at_most:
            raise wrong("too-many-entries", "events", found=len(request.events), at_most=at_most)
        received_at = self._clock()
        until = instant_us(request.complete_until, "complete_until") if request.HasField("complete_until") else None
        done, version = recorder.record([raw_event(one) for one in request.events], received_at, until)
        if done.warnings:
            feed.ring()
        self._metrics.events(done.accepted, done.duplicates, len(done.refused), done.warnings)
        noted = call.noted
        for name, count in (
            ("events", len(request.events)),
            ("accepted", done.accepted),
            ("duplicates", done.duplicates),
            ("events_refused", len(done.refused)),
            ("warnings", done.warnings),
        ):
            before = noted.get(name, 0)
            noted[name] = count + (before if isinstance(before, int) else 0)
        call.note(version=version)
        return messages.RecordEventsResponse(
            sequence=request.sequence,
            accepted=done.accepted,
            duplicates=done.duplicates,
            refused=refused_events(done.refused),
            watermark=timestamp(done.watermark) if done.watermark else None,
            warnings=done.warnings,
            version=version,
        )

    def _batches(self, found: list[WarningRecord]) -> Iterator[messages.WatchWarningsResponse]:
        for some in batches(found, self._bytes_max):
            yield messages.WatchWarningsResponse(warnings=some, cursor=some[-1].cursor)

    def _taken(self) -> tuple[Recorder, Desk, Feed]:
        """What events and warnings need.

        Raises:
            ProblemsFound: `no-registry`.
        """
        if self._recorder is None or self._reader is None or self._feed is None:
            raise ProblemsFound([problem("no-registry", None)])
        return self._recorder, self._reader, self._feed

    def _check(self, call: Call) -> None:
        """Stop for a caller that is gone, and for the end of the server."""
        call.check()
        if self._closing():
            raise ProblemsFound([problem("shutting-down", None)])

    @contextmanager
    def _one_more_watcher(self) -> Iterator[None]:
        with self._lock:
            if self.watching >= self._watches:
                told = {"at_most": self._watches, "what": "watchers", "what_zh": "观察调用"}
                raise ProblemsFound([problem("too-many-calls", None, None, **told)])
            self.watching += 1
        try:
            yield
        finally:
            with self._lock:
                self.watching -= 1


def _start(request: messages.WatchWarningsRequest, newest: int) -> int:
    """After which warning a watch begins.

    Raises:
        ProblemsFound: `bad-cursor`, `cursor-ahead`.
    """
    if not request.cursor:
        return newest if request.only_new else 0
    if _CURSOR.fullmatch(request.cursor) is None:
        raise wrong("bad-cursor", "cursor", value=request.cursor[:_SHOWN])
    if int(request.cursor) > newest:
        raise wrong("cursor-ahead", "cursor", found=int(request.cursor), newest=newest)
    return int(request.cursor)


def _until(
    requests: Iterator[messages.RecordEventsRequest], check: Callable[[], None]
) -> Iterator[messages.RecordEventsRequest]:
    """Give requests as they come, and look now and then whether to stop while none does.

    A thread waits for them in its place, one ahead: gRPC's own wait ends with the call alone.

    Args:
        requests: of the caller.
        check: raises what ends the stream.
    """
    come: queue.Queue[messages.RecordEventsRequest | BaseException | None] = queue.Queue(1)
    left = threading.Event()

    def put(one: messages.RecordEventsRequest | BaseException | None) -> None:
        while not left.is_set():
            try:
                come.put(one, timeout=WAKE_SECONDS)
                return
            except queue.Full:
                continue

    def take() -> None:
        try:
            for one in requests:
                put(one)
            put(None)
        except BaseException as error:  # noqa: BLE001  # it goes to whoever reads the stream
            put(error)

    threading.Thread(target=take, name="events", daemon=True).start()
    try:
        while True:
            check()
            try:
                one = come.get(timeout=WAKE_SECONDS)
            except queue.Empty:
                continue
            if one is None:
                return
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        left.set()
