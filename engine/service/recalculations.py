"""The servicer of recalculations: starts, shows, watches and cancels runs over files, after google.longrunning.

What is asked for goes into the queue, and where it stands is read from the ledger, so that every process of a server,
and the next server, tell the same. `RunDesk` begins what waits; nothing here bills.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import grpc
from google.protobuf.json_format import MessageToDict

from dianjia.recalculations.v1 import recalculations_pb2 as messages
from dianjia.recalculations.v1 import recalculations_pb2_grpc as rpc
from engine.language.problems import ProblemsFound, problem
from engine.registry.registry import Registry
from engine.runs.queue import Asked, Queue, digest_of
from engine.service.calls import Call, call_of, wrong
from engine.service.paging import read_page, token
from engine.service.ratebooks import COLLECTION as RATE_BOOKS
from engine.service.ratebooks import Following
from engine.service.run_desk import RunDesk
from engine.service.run_messages import (
    AMOUNTS,
    COLLECTION,
    FORMATS,
    PRIORITIES,
    Standing,
    order_of,
    recalculation,
    standing_of,
)

POLL_SECONDS: Final = 0.5  # between two looks at the ledger for whoever watches; all watchers share them
WAKE_SECONDS: Final = 0.1  # after which a watcher notices that nobody listens any more
TEXT_CHARACTERS_MAX: Final = 1_000
ENTRIES_MAX: Final = 1_000
KEPT_MAX: Final = 200  # recalculations that were looked at last
_FORM: Final = f"{COLLECTION}{{run}}"
_RUN: Final = re.compile(r"run-[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_AFTER: Final = re.compile(r"([0-9]{1,18}):(run-[0-9a-f-]{1,30})")
_HIDDEN: Final = re.compile(r"[\x00-\x1f\x7f]")
_SHOWN: Final = 100  # characters of a name that a message repeats
_MEMORY_BYTES_MIN: Final = 300_000_000
_LARGEST: Final = 2**53


class RecalculationServicer(rpc.RecalculationServiceServicer):
    """Starts recalculations and tells of them. Threads share it."""

    def __init__(
        self,
        queue: Queue | None,
        desk: RunDesk | None,
        registry: Registry | None,
        books: Following,
        *,
        watches: int,
        closing: Callable[[], bool],
    ) -> None:
        """Take what is asked and what follows it.

        Args:
            queue: of the registry's database; None: there is none.
            desk: begins what waits; None: this server takes no recalculations, and tells of none.
            registry: of versions.
            books: says which version answers now.
            watches: callers that watch at once.
            closing: whether the server comes to its end.
        """
        self._known = queue
        self._desk = desk
        self._registry = registry
        self._books = books
        self._watches = watches
        self._watching = 0
        self._closing = closing
        self._seen: OrderedDict[str, tuple[float, Standing]] = OrderedDict()
        self._lock = threading.Lock()

    def StartRecalculation(
        self, request: messages.StartRecalculationRequest, context: grpc.ServicerContext
    ) -> messages.StartRecalculationResponse:
        """Let a recalculation wait for its turn."""
        call, (queue, desk) = call_of(context), self._taken()
        who, request_id = _who(call), _request_id(request.request_id)
        priority = _choice(request.priority, PRIORITIES, messages.Priority, "priority")
        # A version that is not named is settled once: the same request repeated later is the same.
        asked = MessageToDict(request, preserving_proto_field_name=True)
        digest = digest_of("resume" if request.WhichOneof("what") == "resume" else "start", who, asked)
        match request.WhichOneof("what"):
            case "order":
                run = queue.enter(self._read(queue, desk, request.order, priority), who, request_id, digest)
            case "resume":
                run = self._run(queue, request.resume, "resume").run
                queue.resume(run, who, request_id, digest, priority)
            case _:
                raise wrong("field-missing", "order")
        call.note(run=run)
        desk.look()
        return messages.StartRecalculationResponse(recalculation=self._told(queue, run))

    def GetRecalculation(
        self, request: messages.GetRecalculationRequest, context: grpc.ServicerContext
    ) -> messages.GetRecalculationResponse:
        """Give a recalculation."""
        queue, _ = self._taken()
        found = self._run(queue, request.name)
        call_of(context).note(run=found.run)
        return messages.GetRecalculationResponse(recalculation=recalculation(found.standing))

    def WatchRecalculation(
        self, request: messages.WatchRecalculationRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.WatchRecalculationResponse]:
        """Give a recalculation whenever it has changed."""
        call, (queue, _) = call_of(context), self._taken()
        with self._one_more_watcher():
            found = self._run(queue, request.name)
            call.note(run=found.run)
            standing, last = found.standing, b""
            while True:
                told = recalculation(standing)
                if (now := told.SerializeToString(deterministic=True)) != last:
                    last = now
                    yield messages.WatchRecalculationResponse(recalculation=told)
                if standing.rests:
                    return
                self._wait(call)
                standing = self._look(queue, found.run)

    def CancelRecalculation(
        self, request: messages.CancelRecalculationRequest, context: grpc.ServicerContext
    ) -> messages.CancelRecalculationResponse:
        """Ask for the end of a recalculation."""
        call, (queue, desk) = call_of(context), self._taken()
        who = _who(call)
        _request_id(request.request_id)
        found = self._run(queue, request.name)
        call.note(run=found.run)
        if not _is_over(found.standing):
            record = found.standing.record
            rests = found.standing.rests
            if found.standing.asked is not None:
                rests = queue.cancel(found.run, who)
            if record is not None and rests:
                queue.ledger.stop(found.run, "cancelled", f"cancelled by {who}")
            elif record is not None:
                queue.ledger.ask_to_stop(found.run)
            desk.look()
        return messages.CancelRecalculationResponse(recalculation=self._told(queue, found.run))

    def ListRecalculations(
        self, request: messages.ListRecalculationsRequest, context: grpc.ServicerContext
    ) -> messages.ListRecalculationsResponse:
        """List recalculations, newest first."""
        call_of(context)
        queue, _ = self._taken()
        page = read_page("ListRecalculations", [], request.page_size, request.page_token)
        after = _AFTER.fullmatch(page.after) if page.after else None
        if page.after and after is None:
            raise wrong("bad-page", "page_token", value=page.after[:_SHOWN])
        found = queue.newest(page.size + 1, None if after is None else (int(after[1]), after[2]))
        shown = found[: page.size]
        runs = [run for _, run in shown]
        asked, records = queue.several(runs), queue.ledger.several(runs)
        more = len(found) > len(shown)
        return messages.ListRecalculationsResponse(
            recalculations=[
                recalculation(standing_of(queue, asked.get(run), records.get(run)))
                for run in runs
                if run in asked or run in records  # struck out since
            ],
            next_page_token=token("ListRecalculations", [], f"{shown[-1][0]}:{shown[-1][1]}") if more else "",
        )

    def _taken(self) -> tuple[Queue, RunDesk]:
        """What recalculations need.

        Raises:
            ProblemsFound: `no-registry`, `runs-not-taken`.
        """
        if self._known is None:
            raise ProblemsFound([problem("no-registry", None)])
        if self._desk is None:
            raise ProblemsFound([problem("runs-not-taken", None)])
        return self._known, self._desk

    def _read(self, queue: Queue, desk: RunDesk, order: messages.RecalculationOrder, priority: int) -> Asked:
        if not order.inputs:
            raise wrong("field-missing", "order.inputs")
        for name in ("inputs", "only", "pass_through"):
            _texts(getattr(order, name), f"order.{name}")
        if not order.output:
            raise wrong("field-missing", "order.output")
        _text(order.output, "order.output")
        _choice(order.format, FORMATS, messages.OutputFormat, "order.format")
        _choice(order.amounts, AMOUNTS, messages.Amounts, "order.amounts")
        _number(order.partition_rows, 1, "order.partition_rows")
        _number(order.memory_bytes, _MEMORY_BYTES_MIN, "order.memory_bytes")
        for at, one in enumerate(order.only):
            column, _, values = one.partition("=")
            if not column.strip() or not values:
                raise wrong("bad-selection", f"order.only[{at}]", value=one[:_SHOWN])
        inputs = [desk.allowed.input(one, f"order.inputs[{at}]") for at, one in enumerate(order.inputs)]
        output = desk.allowed.output(order.output, "order.output")
        mends = self._run(queue, order.mends, "order.mends").run if order.mends else ""
        since = ""
        if order.affected_since:
            since = order.affected_since.removeprefix(RATE_BOOKS)
            if not order.affected_since.startswith(RATE_BOOKS) or _HASH.fullmatch(since) is None:
                told = {"value": order.affected_since[:_SHOWN], "form": f"{RATE_BOOKS}{{version}}"}
                raise wrong("unknown-resource", "order.affected_since", **told)
            self._version(since, allow_withdrawn=True)
        version = self._version(order.version.version, allow_withdrawn=order.version.allow_withdrawn)
        return Asked(order_of(order, inputs, output, mends), version, since, order.overwrite, priority)

    def _version(self, version: str, *, allow_withdrawn: bool) -> str:
        """Settle which version bills; it is compiled later, by the process of the recalculation."""
        if not version:
            return self._books.choose("", allow_withdrawn).version
        if version == self._books.folder_version:
            return version
        assert self._registry is not None, "a queue is in a registry's database"
        if _HASH.fullmatch(version) is None:
            raise ProblemsFound([problem("version-not-here", None, version=version[:64])])
        returns_to = self._registry.record(version).returns_to
        if returns_to and not allow_withdrawn:
            raise ProblemsFound([problem("version-withdrawn", None, version=version, returns_to=returns_to)])
        return version

    def _told(self, queue: Queue, run: str) -> messages.Recalculation:
        standing = _standing(queue, run)
        assert standing is not None, "it was there a moment ago"
        return recalculation(standing)

    def _run(self, queue: Queue, name: str, field: str = "name") -> _Found:
        """Find what is named.

        Raises:
            ProblemsFound: `unknown-resource`.
        """
        run = name.removeprefix(COLLECTION)
        standing = None
        if name.startswith(COLLECTION) and _RUN.fullmatch(run) is not None:
            standing = _standing(queue, run)
        if standing is None:
            raise wrong("unknown-resource", field, value=name[:_SHOWN], form=_FORM)
        return _Found(run, standing)

    def _look(self, queue: Queue, run: str) -> Standing:
        """Where one stands, as it was read at most half a second ago for whoever watches it."""
        with self._lock:
            seen = self._seen.get(run)
            if seen is not None and time.monotonic() < seen[0] + POLL_SECONDS:
                return seen[1]
        standing = _standing(queue, run)
        if standing is None:  # the ledger was put back to an earlier state
            raise wrong("unknown-resource", "name", value=f"{COLLECTION}{run}", form=_FORM)
        with self._lock:
            self._seen[run] = time.monotonic(), standing
            self._seen.move_to_end(run)
            while len(self._seen) > KEPT_MAX:
                self._seen.popitem(last=False)
        return standing

    def _wait(self, call: Call) -> None:
        """Wait for the next look; stop for a caller that is gone, and for the end of the server."""
        until = time.monotonic() + POLL_SECONDS
        while time.monotonic() < until:
            call.check()
            if self._closing():
                raise ProblemsFound([problem("shutting-down", None)])
            time.sleep(WAKE_SECONDS)

    @contextmanager
    def _one_more_watcher(self) -> Iterator[None]:
        with self._lock:
            if self._watching >= self._watches:
                told = {"at_most": self._watches, "what": "watchers", "what_zh": "观察调用"}
                raise ProblemsFound([problem("too-many-calls", None, None, **told)])
            self._watching += 1
        try:
            yield
        finally:
            with self._lock:
                self._watching -= 1


class _Found:
    """A recalculation that was named."""

    __slots__ = ("run", "standing")

    def __init__(self, run: str, standing: Standing) -> None:
        self.run = run
        self.standing = standing


def _standing(queue: Queue, run: str) -> Standing | None:
    asked, record = queue.find(run), queue.ledger.several([run]).get(run)
    return None if asked is None and record is None else standing_of(queue, asked, record)


def _is_over(standing: Standing) -> bool:
    """Whether it ended for good."""
    return standing.state in (messages.RECALCULATION_STATE_FINISHED, messages.RECALCULATION_STATE_CANCELLED)


def _who(call: Call) -> str:
    if not call.principal.name:
        raise ProblemsFound([problem("who-missing", None)])
    return call.principal.name


def _request_id(text: str) -> str:
    if not text:
        raise ProblemsFound([problem("request-id-missing", None)])
    _text(text, "request_id", 100)
    return text


def _texts(found: Sequence[str], field: str) -> None:
    if len(found) > ENTRIES_MAX:
        raise wrong("too-many-entries", field, found=len(found), at_most=ENTRIES_MAX)
    for at, one in enumerate(found):
        _text(one, f"{field}[{at}]")


def _text(text: str, field: str, at_most: int = TEXT_CHARACTERS_MAX) -> None:
    if len(text) > at_most:
        raise wrong("field-too-long", field, found=len(text), at_most=at_most)
    hidden = _HIDDEN.search(text)
    if hidden is not None:
        raise wrong("field-characters", field, found=f"U+{ord(hidden[0]):04X}")


def _choice(value: Any, known: Mapping[Any, Any], enum: Any, field: str) -> Any:
    if value not in known:
        raise wrong("unknown-choice", field, found=value, known=", ".join(enum.keys()))
    return known[value]


def _number(value: int, least: int, field: str) -> None:
    if value and not least <= value <= _LARGEST:
        expected, expected_zh = f"a whole number of at least {least:,}", f"不小于 {least:,} 的整数"
        raise wrong("field-range", field, found=value, expected=expected, expected_zh=expected_zh)
