"""Alternatives as advice files declare them: what they are called, what the customer does, on which conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from dianjia.advice.v1 import advice_pb2 as messages
from dianjia.client.plain import SourcePlace, place_or_none

AlternativeKind = Literal["choice", "measure", "plan"]

_KINDS: Final[Mapping[messages.AlternativeKind.ValueType, AlternativeKind]] = {
    messages.ALTERNATIVE_KIND_CHOICE: "choice",
    messages.ALTERNATIVE_KIND_MEASURE: "measure",
    messages.ALTERNATIVE_KIND_PLAN: "plan",
}
KINDS: Final = {word: number for number, word in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Condition:
    """What the customer has to do or to accept."""

    text: str
    source: str
    standing: str


@dataclass(frozen=True, slots=True)
class BestInput:
    """An input whose best value is searched."""

    input: str
    title: str
    unit: str
    places: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """An alternative, as its advice file declares it."""

    advice: str  # id of the file
    id: str
    title: str
    kind: AlternativeKind
    ruleset: str  # that bills the rewritten rows; "": each row's own
    best: BestInput | None
    how: str
    conditions: tuple[Condition, ...]
    source: str
    standing: str
    place: SourcePlace | None


def alternative_of(message: messages.Alternative) -> Alternative:
    """Read what an alternative is."""
    best = message.best
    return Alternative(
        message.advice,
        message.id,
        message.title,
        _KINDS[message.kind],
        message.ruleset,
        BestInput(best.input, best.title, best.unit, best.places) if message.HasField("best") else None,
        message.how,
        tuple(Condition(one.text, one.source, one.standing) for one in message.conditions),
        message.source,
        message.standing,
        place_or_none(message),
    )
