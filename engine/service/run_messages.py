"""Recalculations as messages: what was asked for, where it stands, how it ended.

Takes rows of the queue and of the ledger; gives `Recalculation`. While a process is about one it is not done, whatever
the ledger says already: the process may have to say why it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration

from dianjia.recalculations.v1 import recalculations_pb2 as messages
from dianjia.type.v1 import type_pb2 as types
from engine.runs.alive import is_driven
from engine.runs.ledger import RunRecord
from engine.runs.order import Order
from engine.runs.queue import Queue, Recalculation
from engine.service.ratebooks import COLLECTION as RATE_BOOKS
from engine.service.ratebooks import timestamp
from engine.service.run_errors import cancelled_status, run_status, stopped_status

COLLECTION: Final = "recalculations/"

WAITING: Final = messages.RECALCULATION_STATE_WAITING
PLANNING: Final = messages.RECALCULATION_STATE_PLANNING
RUNNING: Final = messages.RECALCULATION_STATE_RUNNING
INTERRUPTED: Final = messages.RECALCULATION_STATE_INTERRUPTED
STOPPED: Final = messages.RECALCULATION_STATE_STOPPED
CANCELLED: Final = messages.RECALCULATION_STATE_CANCELLED
FINISHED: Final = messages.RECALCULATION_STATE_FINISHED

FORMATS: Final[Mapping[messages.OutputFormat.ValueType, str]] = {
    messages.OUTPUT_FORMAT_UNSPECIFIED: "parquet",
    messages.OUTPUT_FORMAT_PARQUET: "parquet",
    messages.OUTPUT_FORMAT_CSV: "csv",
    messages.OUTPUT_FORMAT_ARROW: "arrow",
}
AMOUNTS: Final[Mapping[messages.Amounts.ValueType, str]] = {
    messages.AMOUNTS_UNSPECIFIED: "scaled",
    messages.AMOUNTS_SCALED: "scaled",
    messages.AMOUNTS_DECIMAL: "decimal",
}
PRIORITIES: Final[Mapping[messages.Priority.ValueType, int]] = {
    messages.PRIORITY_UNSPECIFIED: 0,
    messages.PRIORITY_LOW: -1,
    messages.PRIORITY_NORMAL: 0,
    messages.PRIORITY_HIGH: 1,
}
_ENDED: Final[Mapping[str, messages.RecalculationState.ValueType]] = {
    "stopped": STOPPED,
    "cancelled": CANCELLED,
    "finished": FINISHED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A recalculation as the queue and the ledger have it; one of them knows it.

    Attributes:
        asked: None: `dianjia run` began it.
        record: None: it is not planned yet, or could not be.
        waiting_before: those that begin before it.
    """

    state: messages.RecalculationState.ValueType
    asked: Recalculation | None
    record: RunRecord | None
    waiting_before: int = 0

    @property
    def rests(self) -> bool:
        """Whether nothing goes on: it is done, or nobody is about it."""
        return self.state in (INTERRUPTED, STOPPED, CANCELLED, FINISHED)


def standing_of(queue: Queue, asked: Recalculation | None, record: RunRecord | None) -> Standing:
    """Say where one stands."""
    state = _state(queue, asked, record)
    if state == INTERRUPTED:  # its process may have come to its end between those looks: what it wrote is there now
        run = _run(Standing(state, asked, record))
        asked, record = queue.find(run), queue.ledger.several([run]).get(run)
        state = _state(queue, asked, record)
    before = 0
    if state == WAITING:
        assert asked is not None
        before = queue.waiting_before(asked.run)
    return Standing(state, asked, record, before)


def _state(
    queue: Queue, asked: Recalculation | None, record: RunRecord | None
) -> messages.RecalculationState.ValueType:
    if asked is not None:
        if asked.state in ("waiting", "cancelled"):
            return WAITING if asked.state == "waiting" else CANCELLED
        if queue.is_alive(asked):
            return RUNNING if record is not None and record.manifest else PLANNING
        if record is None:
            if asked.error is None:
                return INTERRUPTED
            return CANCELLED if asked.error["code"] == "run-cancelled" else STOPPED
    assert record is not None
    if record.state in _ENDED:
        return _ENDED[record.state]
    if not is_driven(queue.ledger, record):
        return INTERRUPTED
    return RUNNING if record.manifest else PLANNING


def recalculation(standing: Standing) -> messages.Recalculation:
    """Write a recalculation."""
    asked, record, state = standing.asked, standing.record, standing.state
    found = messages.Recalculation(
        name=f"{COLLECTION}{_run(standing)}", metadata=_metadata(standing), done=standing.rests and state != INTERRUPTED
    )
    if state == FINISHED:
        assert record is not None
        found.response.CopyFrom(_result(record))
    elif state == CANCELLED:
        found.error.CopyFrom(cancelled_status(_run(standing)))
    elif state == STOPPED:
        own = None if asked is None else asked.error
        if own is not None and (record is None or record.reason == own["text"]):
            found.error.CopyFrom(run_status(own))
        else:
            assert record is not None
            found.error.CopyFrom(stopped_status(record))
    return found


def _run(standing: Standing) -> str:
    if standing.asked is not None:
        return standing.asked.run
    assert standing.record is not None
    return standing.record.id


def _metadata(standing: Standing) -> messages.RecalculationMetadata:
    asked, record = standing.asked, standing.record
    known = asked or record
    assert known is not None
    found = messages.RecalculationMetadata(
        state=standing.state,
        order=_order(asked, record),
        created_at=timestamp(known.created_at),
        changed_at=timestamp(max(one.changed_at for one in (asked, record) if one is not None)),
        waiting_before=standing.waiting_before,
    )
    if asked is not None:
        found.version, found.started_by, found.cancelled_by = asked.asked.version, asked.started_by, asked.cancelled_by
        found.priority = {-1: messages.PRIORITY_LOW, 1: messages.PRIORITY_HIGH}.get(
            asked.asked.priority, messages.PRIORITY_NORMAL
        )
    if record is not None:
        found.filter, found.rows, found.received = record.filter, record.rows, record.received
        found.billed, found.refused, found.left_out = record.billed, record.refused, record.left_out
        found.partitions, found.partitions_done = record.partitions, record.partitions_done
        found.attempts = record.attempts
        found.driven.CopyFrom(_duration(record.seconds))
        if record.finished_at is not None:
            found.finished_at.CopyFrom(timestamp(record.finished_at))
        _pace(found, record)
    return found


def _pace(found: messages.RecalculationMetadata, record: RunRecord) -> None:
    """Rows a second, and the time that the others take at that rate."""
    if not record.received or record.seconds <= 0:
        return
    found.rows_per_second = round(record.received / record.seconds)
    if found.state == RUNNING:
        found.remaining.CopyFrom(_duration((record.rows - record.received) * record.seconds / record.received))


def _order(asked: Recalculation | None, record: RunRecord | None) -> messages.RecalculationOrder:
    if asked is not None:
        order = asked.asked.order
    else:
        assert record is not None
        order = record.order
    found = messages.RecalculationOrder(
        inputs=[shown(one) for one in order.inputs],
        output=shown(order.output),
        format={"csv": messages.OUTPUT_FORMAT_CSV, "arrow": messages.OUTPUT_FORMAT_ARROW}.get(
            order.format, messages.OUTPUT_FORMAT_PARQUET
        ),
        amounts=messages.AMOUNTS_DECIMAL if order.amounts == "decimal" else messages.AMOUNTS_SCALED,
        details=order.details,
        pass_through=order.pass_through,
        only=order.only,
        mends=f"{COLLECTION}{order.refers_to}" if order.refers_to else "",
        partition_rows=order.partition_rows,
        memory_bytes=order.memory,
    )
    if asked is not None:
        found.version.version = asked.asked.version
        found.overwrite = asked.asked.overwrite
        if asked.asked.affected_since:
            found.affected_since = f"{RATE_BOOKS}{asked.asked.affected_since}"
    return found


def shown(place: str) -> str:
    """Write a place without the name and password of whoever connects.

    >>> shown("postgresql://billing:secret@db/rates")
    'postgresql://db/rates'
    """
    scheme, sign, rest = place.partition("://")
    return place if not sign else f"{scheme}://{rest.rpartition('@')[2]}"


def _result(record: RunRecord) -> messages.RecalculationResult:
    told: Mapping[str, Any] = json.loads(record.summary)
    return messages.RecalculationResult(
        output=shown(record.output),
        rows=told["rows"],
        billed=told["billed"],
        refused=told["refused"]["rows"],
        left_out=told.get("left_out", 0),
        complete=record.complete,
        refused_by_code=told["refused"]["by_code"],
        rule_sets=[
            messages.RuleSetTotal(
                ruleset=one["ruleset"],
                in_force_from=one.get("in_force_from", ""),
                title=one["title"],
                currency=one["currency"],
                bills=one["billed"],
                total=decimal(one["total"]),
                charges=[
                    messages.ChargeTotal(charge=name, amount=decimal(text)) for name, text in one["charges"].items()
                ],
            )
            for one in told["rulesets"]
        ],
    )


def decimal(text: str) -> types.Decimal:
    """Write a decimal number, with the places that it has.

    >>> one = decimal("-12.340")
    >>> one.unscaled, one.places
    (-12340, 3)
    """
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    unscaled = int("".join(map(str, digits))) * 10 ** max(exponent, 0)
    return types.Decimal(unscaled=-unscaled if sign else unscaled, places=max(-exponent, 0))


def _duration(seconds: float) -> Duration:
    found = Duration()
    found.FromTimedelta(timedelta(milliseconds=round(seconds * 1_000)))
    return found


def order_of(asked: messages.RecalculationOrder, inputs: list[str], output: str, mends: str) -> Order:
    """Read an order whose paths and names have been looked at."""
    return Order(
        inputs=tuple(inputs),
        rules=(),
        output=output,
        format=FORMATS[asked.format],  # type: ignore[arg-type]  # the table's values are those of Format
        amounts=AMOUNTS[asked.amounts],  # type: ignore[arg-type]  # likewise
        details=asked.details,
        pass_through=tuple(asked.pass_through),
        only=tuple(asked.only),
        partition_rows=asked.partition_rows,
        refers_to=mends,
        memory=asked.memory_bytes,
    )
