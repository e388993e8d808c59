"""Events and warnings as messages.

Takes messages of events, gives what `engine.triggers.events` reads; takes warnings as they are kept and events that
were refused, gives messages. A value that no number can be made of goes on as text, so that the event is refused and
not the call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from dianjia.type.v1 import type_pb2 as types
from dianjia.warnings.v1 import warnings_pb2 as messages
from engine.compiler.trigger import END_AT, FIRST_AT
from engine.evaluator.rows import RowProblem
from engine.language.catalogue import CATALOGUE
from engine.language.problems import headline, placeholders, problem, remedy
from engine.service.calls import wrong
from engine.service.describing import place_message
from engine.triggers.events import RawEvent
from engine.warnings.warning import Wanted, WarningRecord

COLLECTION: Final = "warnings/"
LEVELS: Final = ("info", "yellow", "amber", "red")
RECIPIENTS: Final = (
    "customer",
    "account_manager",
    "billing",
    "credit_control",
    "metering",
    "inspection",
    "dispatch",
)
KINDS: Final = {
    messages.WARNING_KIND_WARNING: "warning",
    messages.WARNING_KIND_TARIFF_NOTICE: "tariff_notice",
}
STATES: Final = {
    messages.WARNING_STATE_RAISED: "raised",
    messages.WARNING_STATE_CLEARED: "cleared",
}
ENTRIES_MAX: Final = 1_000  # of one list of a filter
TEXT_CHARACTERS_MAX: Final = 256
WORDS_BYTES_MAX: Final = 1_000_000  # of one answer; events refused after that many have their code alone
VALUE_CHARACTERS_MAX: Final = 300
_KIND_OF: Final = {text: kind for kind, text in KINDS.items()}
_STATE_OF: Final = {text: state for state, text in STATES.items()}
_PLACES_MAX: Final = 18
_EXACT: Final = Context(prec=40)
_MICROSECONDS: Final = 1_000_000
_SECONDS_MAX: Final = 253_402_300_799  # 9999-12-31T23:59:59Z
_SECONDS_MIN: Final = -62_135_596_800  # 0001-01-01T00:00:00Z
_HIDDEN: Final = re.compile(r"[\x00-\x1f\x7f]")
_SHOWN: Final = 100  # characters of a text that a message repeats


def raw_event(event: messages.Event) -> RawEvent:
    """Read an event; whether it fits its type is for `read_event` to say."""
    given = event.values
    return RawEvent(
        event.id,
        event.type,
        event.account,
        _at(event.at) if event.HasField("at") else "",
        {name: _value(given[name]) for name in given},
        dict(event.keys),
        event.region,
        event.ruleset,
    )


def _at(at: Timestamp) -> int | str:
    """Whole microseconds; else the time as text, which no time is read of."""
    if at.nanos % 1_000 or not 0 <= at.nanos < 1_000_000_000 or not _SECONDS_MIN <= at.seconds <= _SECONDS_MAX:
        return f"{at.seconds} s, {at.nanos} ns"
    return at.seconds * _MICROSECONDS + at.nanos // 1_000


def _value(value: types.Value) -> object:
    """Decimal, truth or text; None: the message holds none, which is the same as if it were not there."""
    match value.WhichOneof("kind"):
        case "number":
            unscaled, places = value.number.unscaled, value.number.places
            if not 0 <= places <= _PLACES_MAX:
                return f"{unscaled} with {places} places"
            return _EXACT.scaleb(Decimal(unscaled), -places) if places else unscaled
        case "boolean":
            return value.boolean
        case "text":
            return value.text
    return None


def timestamp(at: int) -> Timestamp:
    """Write a time [us since 1970-01-01 UTC]."""
    return Timestamp(seconds=at // _MICROSECONDS, nanos=at % _MICROSECONDS * 1_000)


def instant_us(at: Timestamp, field: str) -> int:
    """Read a time that concerns the call [us since 1970-01-01 UTC].

    Raises:
        ProblemsFound: `field-range`.
    """
    found = _at(at)
    if isinstance(found, str) or not FIRST_AT <= found < END_AT:
        told = {
            "found": found if isinstance(found, str) else f"{at.seconds} s",
            "expected": "whole microseconds, from 2000 to 2099",
            "expected_zh": "2000 年至 2099 年之间的整微秒",
        }
        raise wrong("field-range", field, **told)
    return found


def refused_events(refused: Iterable[RowProblem]) -> Iterator[messages.RefusedEvent]:
    """Say why events were not recorded."""
    room = WORDS_BYTES_MAX
    for found in refused:
        one = messages.RefusedEvent(
            index=found.row,
            id=_cut(str(found.row_id), TEXT_CHARACTERS_MAX),
            code=found.code,
            field=_cut(found.field, TEXT_CHARACTERS_MAX),
            value=_cut(found.value, VALUE_CHARACTERS_MAX),
        )
        if room > 0:
            _add_words(one, found)
            room -= one.ByteSize()
        yield one


def _add_words(one: messages.RefusedEvent, found: RowProblem) -> None:
    known = {**found.parameters, "field": found.field, "value": found.value}
    one.reason = _cut(found.reason, VALUE_CHARACTERS_MAX)
    if found.place is not None:
        one.place.CopyFrom(place_message(found.place))
    if found.code in CATALOGUE and not placeholders(found.code) - known.keys():
        main = problem(found.code, None, None, **{name: known[name] for name in placeholders(found.code)})
        one.remedy = _cut(remedy(main), VALUE_CHARACTERS_MAX)
        one.reason_zh = _cut(headline(main, "zh"), VALUE_CHARACTERS_MAX)
        one.remedy_zh = _cut(remedy(main, "zh"), VALUE_CHARACTERS_MAX)


def warning_message(record: WarningRecord) -> messages.Warning:
    """Write a warning."""
    acknowledgement = None
    if record.acknowledged_at is not None:
        acknowledgement = messages.Acknowledgement(
            at=timestamp(record.acknowledged_at), by=record.acknowledged_by, note=record.note
        )
    return messages.Warning(
        name=f"{COLLECTION}{record.id}",
        cursor=str(record.seq),
        kind=_KIND_OF[record.kind],
        state=_STATE_OF[record.state],
        trigger=record.trigger,
        account=record.account,
        keys=record.keys,
        at=timestamp(record.at),
        event=record.event,
        region=record.region,
        ruleset=record.ruleset,
        level=record.level,
        recipient=record.recipient,
        title=record.title,
        message=record.message,
        values=[messages.NamedValue(name=name, text=text) for name, text in record.values.items()],
        causes=record.causes,
        action=record.action,
        place=record.place,
        source=record.source,
        recorded_at=timestamp(record.recorded_at),
        acknowledgement=acknowledgement,
    )


def batches(records: Iterable[WarningRecord], bytes_max: int) -> Iterator[list[messages.Warning]]:
    """Write warnings in several messages, each of at most so many bytes, or of one warning."""
    found: list[messages.Warning] = []
    room = bytes_max
    for record in records:
        one = warning_message(record)
        room -= one.ByteSize() + 8  # how it stands in the answer
        if room < 0 and found:
            yield found
            found, room = [], bytes_max - one.ByteSize()
        found.append(one)
    if found:
        yield found


def wanted(asked: messages.WarningFilter, *, unacknowledged: bool = False) -> Wanted:
    """Read which warnings are meant.

    Raises:
        ProblemsFound: `unknown-choice`, `too-many-entries`, `field-too-long`, `field-characters`.
    """
    for name in ("regions", "levels", "recipients", "rulesets", "triggers", "accounts", "kinds", "states"):
        values = getattr(asked, name)
        if len(values) > ENTRIES_MAX:
            raise wrong("too-many-entries", f"filter.{name}", found=len(values), at_most=ENTRIES_MAX)
    for name in ("regions", "rulesets", "triggers", "accounts"):
        for at, text in enumerate(getattr(asked, name)):
            refuse_text(text, f"filter.{name}[{at}]", TEXT_CHARACTERS_MAX)
    _known(asked.levels, LEVELS, "levels")
    _known(asked.recipients, RECIPIENTS, "recipients")
    return Wanted(
        regions=tuple(asked.regions),
        levels=tuple(asked.levels),
        recipients=tuple(asked.recipients),
        rulesets=tuple(asked.rulesets),
        triggers=tuple(asked.triggers),
        kinds=tuple(_choices(asked.kinds, KINDS, "kinds")),
        states=tuple(_choices(asked.states, STATES, "states")),
        accounts=tuple(asked.accounts),
        acknowledged=False if unacknowledged else None,
    )


def refuse_text(text: str, field: str, at_most: int) -> None:
    """Refuse a text that is too long or holds what is not seen.

    Raises:
        ProblemsFound: `field-too-long`, `field-characters`.
    """
    if len(text) > at_most:
        raise wrong("field-too-long", field, found=len(text), at_most=at_most)
    hidden = _HIDDEN.search(text)
    if hidden is not None:
        raise wrong("field-characters", field, found=f"U+{ord(hidden[0]):04X}")


def _known(values: Sequence[str], known: Sequence[str], name: str) -> None:
    for at, text in enumerate(values):
        if text not in known:
            raise wrong("unknown-choice", f"filter.{name}[{at}]", found=text[:_SHOWN], known=", ".join(known))


def _choices(values: Sequence[int], known: Mapping[Any, str], name: str) -> Iterator[str]:
    for at, value in enumerate(values):
        if value not in known:
            told = ", ".join(f"{number} ({text})" for number, text in known.items())
            raise wrong("unknown-choice", f"filter.{name}[{at}]", found=int(value), known=told)
        yield known[value]


def _cut(text: str, at_most: int) -> str:
    return text if len(text) <= at_most else f"{text[: at_most - 1]}…"
