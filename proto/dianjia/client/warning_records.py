"""Events to record and warnings as they are kept: what messages of them say, in Python's own values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from dianjia.client.errors import AnswerBroken
from dianjia.client.one_row import Single, value_message
from dianjia.client.plain import SourcePlace, instant_or_none, place_or_none
from dianjia.warnings.v1 import warnings_pb2 as messages

KINDS: Final = {
    "warning": messages.WARNING_KIND_WARNING,
    "tariff_notice": messages.WARNING_KIND_TARIFF_NOTICE,
}
STATES: Final = {"raised": messages.WARNING_STATE_RAISED, "cleared": messages.WARNING_STATE_CLEARED}
_KIND_OF: Final = {number: text for text, number in KINDS.items()}
_STATE_OF: Final = {number: text for text, number in STATES.items()}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an account.

    Attributes:
        id: unique over all events.
        type: name of a declared event type.
        account: to whom it happened.
        at: when, with a zone; text is ISO 8601 with its offset.
        values: by declared input; no binary floats.
        keys: texts by declared key.
        region: of the account; "": as it was said last.
        ruleset: that bills the account; "": not said.
    """

    id: str
    type: str
    account: str
    at: datetime | str
    values: Mapping[str, Single] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    ruleset: str = ""


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """Why an event was not recorded."""

    id: str
    code: str  # of docs/errors.md: event-too-late
    field: str
    value: str
    reason: str
    remedy: str
    reason_zh: str
    remedy_zh: str
    place: SourcePlace | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of events. events sent = accepted + duplicates + refused."""

    accepted: int
    duplicates: int
    refused: tuple[RefusedEvent, ...]
    watermark: datetime | None  # no event of an earlier time is taken any more
    warnings: int  # raised or cleared while they were processed
    version: str  # of the rate book whose triggers watched


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That somebody has taken note of a warning."""

    at: datetime
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class WarningRecord:
    """A warning as it is kept. `name` is the same however often it comes; a watch goes on after `cursor`."""

    name: str
    cursor: str
    kind: str
    state: str
    trigger: str
    account: str
    keys: Mapping[str, str]
    at: datetime
    event: str
    region: str
    ruleset: str
    level: str
    recipient: str
    title: str
    message: str
    values: Mapping[str, str]
    causes: tuple[str, ...]
    action: str
    place: str
    source: str
    recorded_at: datetime
    acknowledgement: Acknowledgement | None


def event_message(event: Event) -> messages.Event:
    """Write an event; a value of None is not given.

    Raises:
        ValueError: a name is no text; a value is a binary float or of no kind that an event has; the time has no zone.
    """
    known = {one: getattr(event, one) or "" for one in ("region", "ruleset")}
    named = {"id": event.id, "type": event.type, "account": event.account, **known, **event.keys}
    for name, came in named.items():
        if not isinstance(came, str):  # 1002 and "01002" may be two accounts
            raise ValueError(f"{name} of the event {event.id} is {came!r}; pass text")
    found = messages.Event(
        id=event.id,
        type=event.type,
        account=event.account,
        at=timestamp_of(event.at, f"at of the event {event.id}"),
        keys=event.keys,
        region=event.region,
        ruleset=event.ruleset,
    )
    for name, value in event.values.items():
        if value is not None:
            found.values[name].CopyFrom(value_message(name, value))
    return found


def timestamp_of(at: datetime | str, what: str) -> Timestamp:
    """Write an instant.

    Raises:
        ValueError: it has no zone, or is no instant.
    """
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    if instant.tzinfo is None:
        raise ValueError(f"{what} is {at}, which means another instant on every machine; add its offset: +08:00")
    found = Timestamp()
    found.FromDatetime(instant.astimezone(UTC).replace(tzinfo=None))
    return found


def warning_of(message: messages.Warning) -> WarningRecord:
    """Read a warning."""
    taken = message.acknowledgement
    return WarningRecord(
        name=message.name,
        cursor=message.cursor,
        kind=_KIND_OF.get(message.kind, "unknown"),
        state=_STATE_OF.get(message.state, "unknown"),
        trigger=message.trigger,
        account=message.account,
        keys=dict(message.keys),
        at=message.at.ToDatetime(tzinfo=UTC),
        event=message.event,
        region=message.region,
        ruleset=message.ruleset,
        level=message.level,
        recipient=message.recipient,
        title=message.title,
        message=message.message,
        values={one.name: one.text for one in message.values},
        causes=tuple(message.causes),
        action=message.action,
        place=message.place,
        source=message.source,
        recorded_at=message.recorded_at.ToDatetime(tzinfo=UTC),
        acknowledgement=(
            Acknowledgement(taken.at.ToDatetime(tzinfo=UTC), taken.by, taken.note)
            if message.HasField("acknowledgement")
            else None
        ),
    )


def recorded_of(answer: messages.RecordEventsResponse, request: messages.RecordEventsRequest) -> Recorded:
    """Read what became of a chunk.

    Raises:
        AnswerBroken: not of every event.
    """
    count = answer.accepted + answer.duplicates + len(answer.refused)
    if count != len(request.events):
        raise AnswerBroken(f"{len(request.events)} events were sent, and {count} were answered")
    return Recorded(
        answer.accepted,
        answer.duplicates,
        tuple(
            RefusedEvent(
                one.id,
                one.code,
                one.field,
                one.value,
                one.reason,
                one.remedy,
                one.reason_zh,
                one.remedy_zh,
                place_or_none(one),
            )
            for one in answer.refused
        ),
        instant_or_none(answer, "watermark"),
        answer.warnings,
        answer.version,
    )
