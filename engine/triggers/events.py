"""Events: what came, as whole numbers, or why it is refused.

Takes an event as a file, a message or a test gives it; gives an `Event` that fits its declared type, or a problem.
Nothing is guessed: an input that is not declared, a number with too many decimals, a time without a zone are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from engine.compiler.program import InputSpec
from engine.compiler.trigger import END_AT, FIRST_AT, EventType
from engine.evaluator import decimals
from engine.evaluator.refuse import row_problem
from engine.evaluator.row_values import Fault, fault, read_value, written
from engine.evaluator.rows import RowProblem
from engine.language.reading import did_you_mean

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
TEXT_MAX: Final = 256  # characters of an id, an account or a key
_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,256}")
_FINE: Final = re.compile(r"\.\d{7,}")  # finer than a microsecond


@dataclass(frozen=True, slots=True)
class Event:
    """An event that fits its type.

    Attributes:
        id: unique over all events; a second one of the same id is the same event once more, or refused.
        type: name of its `EventType`.
        account: compared exactly, never by a hash.
        at: when it happened [us since 1970-01-01 UTC].
        values: whole numbers, in the order of `EventType.inputs`; None: absent.
        keys: in the order of `EventType.keys`.
        region: of the account, for filters; "": not said.
        ruleset: that bills the account, for triggers that watch its accounts alone; "": not said.
    """

    id: str
    type: str
    account: str
    at: int
    values: tuple[int | None, ...] = ()
    keys: tuple[str, ...] = ()
    region: str = ""
    ruleset: str = ""

    @property
    def order(self) -> tuple[int, str]:
        """Events of an account happen in the order of their times, at one time in that of their ids."""
        return self.at, self.id


@dataclass(frozen=True, slots=True)
class RawEvent:
    """An event as it came. `at`: a datetime with a zone, text of ISO 8601 with a zone, or whole microseconds."""

    id: object
    type: object
    account: object
    at: object
    values: Mapping[str, object] = field(default_factory=dict)
    keys: Mapping[str, object] = field(default_factory=dict)
    region: object = ""
    ruleset: object = ""


def read_event(types: Mapping[str, EventType], raw: RawEvent, position: int = 0) -> Event | RowProblem:
    """Read an event.

    Args:
        types: by name, those of the rate book.
        raw: as it came.
        position: among those that came with it, for the problem.

    Returns:
        The event, or the first thing that is wrong with it: `bad-event-id`, `bad-account`, `unknown-event`,
        `bad-event-time`, `event-time-range`, `bad-event-key`, `unknown-event-value`, `missing-value`, and what is
        wrong with a value, as of a billed row.
    """
    found = _read(types, raw)
    if isinstance(found, Event):
        return found
    return row_problem(
        position, written(raw.id), found.code, found.field, found.value, found.place, **_told(found.parameters)
    )


def _told(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in parameters.items() if name not in ("field", "value")}


def _read(types: Mapping[str, EventType], raw: RawEvent) -> Event | Fault:
    if not _plain(raw.id):
        return fault("bad-event-id", "id", written(raw.id))
    if not _plain(raw.account):
        return fault("bad-account", "account", written(raw.account))
    type_ = types.get(raw.type) if isinstance(raw.type, str) else None
    if type_ is None:
        came = written(raw.type)
        return fault("unknown-event", "event", came, None, known=", ".join(sorted(types)), **_near(came, types))
    at = time_of(raw.at)
    if at is None:
        return fault("bad-event-time", "at", written(raw.at))
    if not FIRST_AT <= at < END_AT:
        return fault("event-time-range", "at", time_text(at))
    for name in ("region", "ruleset"):
        if getattr(raw, name) != "" and not _plain(getattr(raw, name)):
            return fault("bad-event-key", name, written(getattr(raw, name)))
    keys = []
    for name in type_.keys:
        if not _plain(raw.keys.get(name)):
            return fault("bad-event-key", name, written(raw.keys.get(name, "")))
        keys.append(str(raw.keys[name]))
    names = [spec.name for spec in type_.inputs]
    for name in (*raw.keys, *raw.values):
        if name not in (type_.keys if name in raw.keys else names):
            known = ", ".join((*type_.keys, *names))
            return fault(
                "unknown-event-value", name, type_.name, None, known=known, **_near(name, (*type_.keys, *names))
            )
    values = _values(type_.inputs, raw.values)
    if isinstance(values, Fault):
        return values
    return Event(str(raw.id), type_.name, str(raw.account), at, values, tuple(keys), str(raw.region), str(raw.ruleset))


def _values(inputs: tuple[InputSpec, ...], came: Mapping[str, object]) -> tuple[int | None, ...] | Fault:
    found: list[int | None] = []
    for spec in inputs:
        value = came.get(spec.name)
        if value is None:
            if spec.default is None and not spec.optional:
                return fault("missing-value", spec.name, "", spec.place)
            found.append(spec.default)
            continue
        read = read_value(spec, value)
        if isinstance(read, Fault):
            return read
        found.append(decimals.to_whole(read, spec.type.places))
    return tuple(found)


def _plain(came: object) -> bool:
    return isinstance(came, str) and _TEXT.fullmatch(came) is not None


def _near(text: str, known: Mapping[str, object] | tuple[str, ...]) -> dict[str, str]:
    return {name: str(value) for name, value in did_you_mean(text, known).items()}


def time_of(came: object) -> int | None:
    """Read a time as whole microseconds since 1970-01-01 UTC; None: it is none, has no zone, or is finer than that."""
    if isinstance(came, bool):
        return None
    if isinstance(came, int):
        return came
    if isinstance(came, str):
        if _FINE.search(came):
            return None
        try:
            came = datetime.fromisoformat(came)
        except ValueError:
            return None
    if not isinstance(came, datetime) or came.tzinfo is None:
        return None
    return (came - EPOCH) // MICROSECOND


def time_text(at: int) -> str:
    """Write a time, in UTC; one that no calendar has, as it came.

    >>> time_text(1_700_000_000_000_000), time_text(10**18)
    ('2023-11-14T22:13:20Z', '1000000000000000000')
    """
    try:
        return (EPOCH + at * MICROSECOND).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return str(at)
