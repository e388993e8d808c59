"""Recalculations on a server: started, watched, waited for, cancelled.

They bill files of the server's machine in a process of their own, and go on whether or not somebody watches.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Literal

import grpc
from google.rpc import error_details_pb2, status_pb2

from dianjia.client.connection import Connection, Deadline, Insistence
from dianjia.client.plain import decimal_of, instant_or_none
from dianjia.recalculations.v1 import recalculations_pb2 as messages

Format = Literal["parquet", "csv", "arrow"]
Amounts = Literal["scaled", "decimal"]
Priority = Literal["low", "normal", "high"]

_PAGE: Final = 1_000
_FORMATS: Final = {
    "parquet": messages.OUTPUT_FORMAT_PARQUET,
    "csv": messages.OUTPUT_FORMAT_CSV,
    "arrow": messages.OUTPUT_FORMAT_ARROW,
}
_AMOUNTS: Final = {"scaled": messages.AMOUNTS_SCALED, "decimal": messages.AMOUNTS_DECIMAL}
_PRIORITIES: Final = {
    "low": messages.PRIORITY_LOW,
    "normal": messages.PRIORITY_NORMAL,
    "high": messages.PRIORITY_HIGH,
}


class RunState(StrEnum):
    """Where a recalculation stands."""

    WAITING = "waiting"
    PLANNING = "planning"
    RUNNING = "running"
    INTERRUPTED = "interrupted"  # its process is gone; `resume` goes on
    STOPPED = "stopped"  # `error` says why; `resume` goes on
    CANCELLED = "cancelled"
    FINISHED = "finished"
    UNKNOWN = "unknown"  # a later release of the service says something else


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a recalculation ended without a result."""

    code: str  # of docs/errors.md: portfolio-not-found
    status: grpc.StatusCode
    message: str
    parameters: Mapping[str, str]
    words: Mapping[str, str]  # what is wrong and what to do, by language: "en", "zh-CN"


@dataclass(frozen=True, slots=True)
class RuleSetTotal:
    """What a rule set billed."""

    ruleset: str
    in_force_from: str
    title: str
    currency: str
    bills: int
    total: Decimal
    charges: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a finished recalculation came to."""

    output: str
    rows: int
    billed: int
    refused: int
    left_out: int
    complete: bool
    refused_by_code: Mapping[str, int]
    rule_sets: tuple[RuleSetTotal, ...]


@dataclass(frozen=True, slots=True)
class Recalculation:
    """A recalculation as it stands. received = billed + refused + left_out."""

    name: str
    state: RunState
    done: bool
    version: str
    inputs: tuple[str, ...]
    output: str
    filter: str
    priority: str
    started_by: str
    cancelled_by: str
    created_at: datetime | None
    finished_at: datetime | None
    waiting_before: int
    rows: int
    received: int
    billed: int
    refused: int
    left_out: int
    partitions: int
    partitions_done: int
    driven: timedelta
    rows_per_second: int
    remaining: timedelta | None
    error: RunError | None
    result: RunResult | None


class Recalculations:
    """Recalculations on a server; the scope `recalculate` is needed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._calls = connection.recalculations

    def start(
        self,
        inputs: Iterable[str],
        output: str,
        *,
        version: str = "",
        allow_withdrawn: bool = False,
        format: Format = "parquet",  # noqa: A002  # the name that the commands have for it
        amounts: Amounts = "scaled",
        details: bool = False,
        overwrite: bool = False,
        pass_through: Iterable[str] = (),
        only: Iterable[str] = (),
        affected_since: str = "",
        mends: str = "",
        partition_rows: int = 0,
        memory_bytes: int = 0,
        priority: Priority = "normal",
        request_id: str = "",
    ) -> Recalculation:
        """Start a recalculation; it is under way, or waits, when this returns.

        Args:
            inputs: files and folders on the server's machine, by their whole paths.
            output: folder for the results there.
            version: content hash of the rate book; "": the active one.
            allow_withdrawn: a withdrawn version bills, too.
            format, amounts: how results are written.
            details: also each line's quantity and price.
            overwrite: replace the results of an earlier run.
            pass_through: columns that are meant to be unread.
            only: COLUMN=VALUE[,VALUE], all of which a row has to meet.
            affected_since: content hash of the version before: bill the rows alone that it may bill otherwise.
            mends: name of the recalculation whose refused rows these are.
            partition_rows: of a unit of work, about; 0: the run chooses.
            memory_bytes: to keep below; 0: not said.
            priority: of those that wait.
            request_id: to repeat a call of an earlier process; "": a new one.

        Raises:
            ServiceError: it is refused: `path-outside`, `runs-not-taken`, …
        """
        order = messages.RecalculationOrder(
            inputs=list(inputs),
            output=output,
            format=_FORMATS[format],
            amounts=_AMOUNTS[amounts],
            details=details,
            overwrite=overwrite,
            pass_through=list(pass_through),
            only=list(only),
            affected_since=f"rateBooks/{affected_since.removeprefix('rateBooks/')}" if affected_since else "",
            mends=_name(mends) if mends else "",
            partition_rows=partition_rows,
            memory_bytes=memory_bytes,
        )
        order.version.version, order.version.allow_withdrawn = version, allow_withdrawn
        return self._start(messages.StartRecalculationRequest(order=order, priority=_PRIORITIES[priority]), request_id)

    def resume(self, name: str, *, priority: Priority = "normal", request_id: str = "") -> Recalculation:
        """Go on with one that stopped or was interrupted."""
        request = messages.StartRecalculationRequest(resume=_name(name), priority=_PRIORITIES[priority])
        return self._start(request, request_id)

    def get(self, name: str) -> Recalculation:
        """Give a recalculation as it stands."""
        request = messages.GetRecalculationRequest(name=_name(name))
        return recalculation_of(self._connection.call(self._calls.GetRecalculation, request).recalculation)

    def watch(self, name: str, *, timeout: float | None = None) -> Iterator[Recalculation]:
        """Give a recalculation now and whenever it has changed, until nothing goes on any more.

        A connection that breaks is opened again, as long as the client's patience lasts.

        Args:
            name: of the recalculation.
            timeout: of all of it [s]; None: no end.

        Raises:
            DeadlinePassed: it goes on after `timeout`.
            ServiceError: the server does not tell.
        """
        request = messages.WatchRecalculationRequest(name=_name(name))
        deadline = Deadline(timeout)
        tries = Insistence(self._connection.patience, deadline)
        last: Recalculation | None = None
        while True:
            stream = self._calls.WatchRecalculation(
                request, timeout=deadline.left(), metadata=self._connection.metadata
            )
            try:
                for answer in stream:
                    tries.answered()
                    found = recalculation_of(answer.recalculation)
                    if found != last:
                        last = found
                        yield found
                return
            except grpc.RpcError as error:
                tries.pause(error)
            finally:
                stream.cancel()

    def wait(
        self, name: str, *, timeout: float | None = None, progress: Callable[[Recalculation], None] | None = None
    ) -> Recalculation:
        """Wait until nothing goes on any more, and give how it stands then; takes and raises what `watch` does.

        Args:
            name: of the recalculation.
            timeout: [s]; None: no end.
            progress: called whenever it has changed.
        """
        found: Recalculation | None = None
        for found in self.watch(name, timeout=timeout):
            if progress is not None:
                progress(found)
        assert found is not None, "the server tells at least once"
        return found

    def cancel(self, name: str, *, request_id: str = "") -> Recalculation:
        """End a recalculation for good; one that is done is left alone."""
        request = messages.CancelRecalculationRequest(request_id=request_id or str(uuid.uuid4()), name=_name(name))
        return recalculation_of(self._connection.call(self._calls.CancelRecalculation, request).recalculation)

    def all(self) -> Iterator[Recalculation]:
        """Give the recalculations, newest first, those of `dianjia run` too; pages are asked for as they are needed."""
        request = messages.ListRecalculationsRequest(page_size=_PAGE)
        while True:
            page = self._connection.call(self._calls.ListRecalculations, request)
            yield from (recalculation_of(one) for one in page.recalculations)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def _start(self, request: messages.StartRecalculationRequest, request_id: str) -> Recalculation:
        request.request_id = request_id or str(uuid.uuid4())
        return recalculation_of(self._connection.call(self._calls.StartRecalculation, request).recalculation)


def recalculation_of(message: messages.Recalculation) -> Recalculation:
    """Read a recalculation."""
    told = message.metadata
    return Recalculation(
        name=message.name,
        state=_state(told.state),
        done=message.done,
        version=told.version,
        inputs=tuple(told.order.inputs),
        output=told.order.output,
        filter=told.filter,
        priority={messages.PRIORITY_LOW: "low", messages.PRIORITY_HIGH: "high"}.get(told.priority, "normal"),
        started_by=told.started_by,
        cancelled_by=told.cancelled_by,
        created_at=instant_or_none(told, "created_at"),
        finished_at=instant_or_none(told, "finished_at"),
        waiting_before=told.waiting_before,
        rows=told.rows,
        received=told.received,
        billed=told.billed,
        refused=told.refused,
        left_out=told.left_out,
        partitions=told.partitions,
        partitions_done=told.partitions_done,
        driven=told.driven.ToTimedelta(),
        rows_per_second=told.rows_per_second,
        remaining=told.remaining.ToTimedelta() if told.HasField("remaining") else None,
        error=_error(message.error) if message.HasField("error") else None,
        result=_result(message.response) if message.HasField("response") else None,
    )


def _state(value: Any) -> RunState:
    name = messages.RecalculationState.Name(value) if value in messages.RecalculationState.values() else ""
    text = name.removeprefix("RECALCULATION_STATE_").lower()
    return RunState(text) if text in list(RunState) else RunState.UNKNOWN


def _error(status: status_pb2.Status) -> RunError:
    info, words = error_details_pb2.ErrorInfo(), {}
    for detail in status.details:
        spoken = error_details_pb2.LocalizedMessage()
        if not detail.Unpack(info) and detail.Unpack(spoken):
            words[spoken.locale] = spoken.message
    known = {one.value[0]: one for one in grpc.StatusCode}
    return RunError(
        info.reason.lower().replace("_", "-"),
        known.get(status.code, grpc.StatusCode.UNKNOWN),
        status.message,
        dict(info.metadata),
        words,
    )


def _result(message: messages.RecalculationResult) -> RunResult:
    return RunResult(
        message.output,
        message.rows,
        message.billed,
        message.refused,
        message.left_out,
        message.complete,
        dict(message.refused_by_code),
        tuple(
            RuleSetTotal(
                one.ruleset,
                one.in_force_from,
                one.title,
                one.currency,
                one.bills,
                decimal_of(one.total),
                {charge.charge: decimal_of(charge.amount) for charge in one.charges},
            )
            for one in message.rule_sets
        ),
    )


def _name(name: str) -> str:
    return f"recalculations/{name.removeprefix('recalculations/')}"
