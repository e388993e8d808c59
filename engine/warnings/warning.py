"""Warnings as they are kept and delivered, and which of them somebody asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from engine.compiler.trigger import Level
from engine.triggers.events import time_text

Kind = Literal["warning", "tariff_notice"]
State = Literal["raised", "cleared"]

PAGE_MAX: Final = 10_000  # warnings given at once


@dataclass(frozen=True, slots=True)
class NewWarning:
    """A warning or a tariff notice that is to be kept. Texts are exact; times are [us since 1970-01-01 UTC].

    Attributes:
        id: the same for the same warning however often it is computed; a second one is not kept.
        kind: warning, or tariff_notice.
        trigger: id of the trigger, `ruleset:name`; of a notice "".
        state: raised or cleared; of a notice raised.
        account: "": a notice to everybody of the rule set.
        keys: by name of `each`.
        at: when it came to be, in the time of the events.
        event: id of the event that completed it; "": a deadline did.
        ruleset: of the trigger; of a notice, the one that changes.
        place: FILE:LINE of the trigger.
    """

    id: str
    kind: Kind
    trigger: str
    state: State
    account: str
    keys: Mapping[str, str]
    at: int
    event: str
    region: str
    ruleset: str
    level: Level
    recipient: str
    title: str
    message: str
    values: Mapping[str, str]
    causes: tuple[str, ...]
    action: str
    place: str
    source: str


@dataclass(frozen=True, slots=True)
class WarningRecord(NewWarning):
    """A warning as it is kept.

    Attributes:
        seq: the cursor: 1, 2, 3 ... in the order in which they were kept.
        recorded_at: when it was kept [us].
        acknowledged_at: [us]; None: nobody has.
        acknowledged_by: who; "" likewise.
        note: what they said.
    """

    seq: int = 0
    recorded_at: int = 0
    acknowledged_at: int | None = None
    acknowledged_by: str = ""
    note: str = ""

    def to_json(self) -> dict[str, object]:
        """The warning for a program to read."""
        acknowledged = None
        if self.acknowledged_at is not None:
            acknowledged = {"at": time_text(self.acknowledged_at), "by": self.acknowledged_by, "note": self.note}
        return {
            "id": self.id,
            "cursor": self.seq,
            "kind": self.kind,
            "trigger": self.trigger,
            "state": self.state,
            "account": self.account,
            "keys": dict(self.keys),
            "at": time_text(self.at),
            "event": self.event,
            "region": self.region,
            "ruleset": self.ruleset,
            "level": self.level,
            "recipient": self.recipient,
            "title": self.title,
            "message": self.message,
            "values": dict(self.values),
            "causes": list(self.causes),
            "action": self.action,
            "place": self.place,
            "source": self.source,
            "recorded_at": time_text(self.recorded_at),
            "acknowledged": acknowledged,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which warnings somebody asks for; what is left empty does not matter.

    Attributes:
        since: kept are those with at >= since [us].
        until: and at < until [us]; 0: no end.
        acknowledged: True: only those that were; False: only those that were not.
    """

    regions: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    rulesets: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    ids: tuple[str, ...] = field(default=())
    since: int = 0
    until: int = 0
    acknowledged: bool | None = None
