"""Rule sets as the service describes them, and what follows for a column: which kind, how many places.

Takes messages; gives values. Rule sets of one version never change, so each is asked for once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from dianjia.client.alternatives import Alternative, alternative_of
from dianjia.client.plain import day_or_none, decimal_of, decimal_or_none
from dianjia.rulesets.v1 import rulesets_pb2 as messages


class Kind(StrEnum):
    """What a column holds."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    CODE = "code"
    DATE = "date"
    TEXT = "text"  # names a row
    MIXED = "mixed"  # rule sets that read the column disagree


_KINDS: Final = {
    messages.INPUT_KIND_NUMBER: Kind.NUMBER,
    messages.INPUT_KIND_BOOLEAN: Kind.BOOLEAN,
    messages.INPUT_KIND_CODE: Kind.CODE,
    messages.INPUT_KIND_DATE: Kind.DATE,
}


@dataclass(frozen=True, slots=True)
class Input:
    """A named column that a rule set reads; of a list, one that its items have."""

    name: str
    title: str
    kind: Kind
    unit: str
    places: int
    low: Decimal | None
    high: Decimal | None
    required: bool
    default: str  # as an analyst writes it; "" where there is none
    codes: Mapping[str, str]  # code -> title
    carried: bool
    split: bool


@dataclass(frozen=True, slots=True)
class ListInput:
    """A list that a rule set reads."""

    name: str
    title: str
    at_most: int
    required: bool
    interval_minutes: int  # 0: items follow no clock
    inputs: Mapping[str, Input]
    odd_days: Mapping[date, int]  # days of other than 24 hours -> their intervals


@dataclass(frozen=True, slots=True)
class LineDescription:
    """A line that a bill may have."""

    id: str
    charge: str
    title: str
    places: int
    quantity_unit: str
    price_unit: str
    ledger: str
    money: bool  # part of the total
    always_shown: bool


@dataclass(frozen=True, slots=True)
class WarningDescription:
    """A warning that a row may raise."""

    id: str
    title: str
    level: str


@dataclass(frozen=True, slots=True)
class ScoreDescription:
    """A score of a row."""

    id: str
    title: str
    places: int
    indicators: Mapping[str, str]  # name -> title
    source: str
    standing: str


@dataclass(frozen=True, slots=True)
class SegmentDescription:
    """A segment: it puts each row into one class."""

    id: str
    title: str
    classes: Mapping[str, str]  # name -> title, in order
    services: Mapping[str, tuple[str, ...]]  # by class
    source: str
    standing: str


@dataclass(frozen=True, slots=True)
class AdviceDescription:
    """What the customers of a rule set can be advised of, by one advice file."""

    id: str
    title: str
    inputs: Mapping[str, Input]  # that a row may give besides those of the rule set
    alternatives: Mapping[str, Alternative]
    source: str
    standing: str


@dataclass(frozen=True, slots=True)
class RuleSetSummary:
    """A rule set in few words."""

    name: str  # ruleSets/{id}, or ruleSets/{id}@{first day}
    id: str
    title: str
    place: str
    customer_class: str
    currency: str
    in_force_from: date | None
    in_force_through: date | None  # included
    standing: str
    source: str
    hash: str

    @property
    def key(self) -> str:
        """Its id, with its first day where several share the id."""
        return self.name.removeprefix("ruleSets/")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One rule set of a version."""

    version: str
    summary: RuleSetSummary
    inputs: Mapping[str, Input]
    lists: Mapping[str, ListInput]
    lines: Mapping[str, LineDescription]
    warnings: Mapping[str, WarningDescription]
    minor_places: int
    version_by: str  # which day of a billing period chooses prices
    changes: str  # what happens to a billing period that a change cuts: refuse, split or whole
    ledgers: tuple[str, ...]
    files: Mapping[str, bytes]  # path inside the rate book -> content; empty where they were not asked for
    scores: Mapping[str, ScoreDescription]
    segments: Mapping[str, SegmentDescription]
    advice: Mapping[str, AdviceDescription]


def summary_of(message: messages.RuleSetSummary) -> RuleSetSummary:
    """Read a rule set in few words."""
    return RuleSetSummary(
        message.name,
        message.id,
        message.title,
        message.place,
        message.customer_class,
        message.currency,
        day_or_none(message.in_force_from),
        day_or_none(message.in_force_through),
        message.standing,
        message.source,
        message.hash,
    )


def rule_set_of(version: str, message: messages.RuleSet) -> RuleSet:
    """Read a rule set."""
    return RuleSet(
        version,
        summary_of(message.summary),
        {one.name: _input(one) for one in message.inputs},
        {one.name: _list(one) for one in message.lists},
        {
            one.id: LineDescription(
                one.id,
                one.charge,
                one.title,
                one.places,
                one.quantity_unit,
                one.price_unit,
                one.ledger,
                one.money,
                one.always_shown,
            )
            for one in message.lines
        },
        {one.id: WarningDescription(one.id, one.title, one.level) for one in message.warnings},
        message.minor_places,
        message.version_by,
        message.changes,
        tuple(message.ledgers),
        {file.path: file.content for file in message.files},
        {one.id: _score(one) for one in message.scores},
        {one.id: _segment(one) for one in message.segments},
        {one.id: _advice(one) for one in message.advice},
    )


def _input(message: messages.Input) -> Input:
    return Input(
        message.name,
        message.title,
        _KINDS.get(message.kind, Kind.MIXED),
        message.unit,
        message.places,
        decimal_or_none(message, "low"),
        decimal_of(message.high) if message.HasField("high") else None,
        message.required,
        message.default_value,
        {one.code: one.title for one in message.codes},
        message.carried,
        message.split,
    )


def _score(message: messages.ScoreDescription) -> ScoreDescription:
    indicators = {one.id: one.title for one in message.indicators}
    return ScoreDescription(message.id, message.title, message.places, indicators, message.source, message.standing)


def _segment(message: messages.SegmentDescription) -> SegmentDescription:
    return SegmentDescription(
        message.id,
        message.title,
        {one.id: one.title for one in message.classes},
        {one.id: tuple(one.services) for one in message.classes},
        message.source,
        message.standing,
    )


def _advice(message: messages.AdviceDescription) -> AdviceDescription:
    return AdviceDescription(
        message.id,
        message.title,
        {one.name: _input(one) for one in message.inputs},
        {one.id: alternative_of(one) for one in message.alternatives},
        message.source,
        message.standing,
    )


def _list(message: messages.ListInput) -> ListInput:
    odd = {date.fromisoformat(one.day): one.intervals for one in message.odd_days}
    return ListInput(
        message.name,
        message.title,
        message.at_most,
        message.required,
        message.interval_minutes,
        {one.name: _input(one) for one in message.inputs},
        odd,
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a column is to hold.

    Attributes:
        kind: of its values; of a list, TEXT.
        places: decimal places of its numbers: the most that any rule set declares.
        items: of a list, what each item has; None: no list.
    """

    kind: Kind
    places: int = 0
    items: Mapping[str, Wanted] | None = None

    @property
    def described(self) -> str:
        """In words, for a message."""
        if self.items is not None:
            return f"lists of items with {', '.join(f'`{name}`' for name in self.items)}"
        return {
            Kind.NUMBER: "decimal numbers, whole numbers or text",
            Kind.BOOLEAN: "true and false",
            Kind.CODE: "codes, as text",
            Kind.DATE: "days",
            Kind.TEXT: "text or whole numbers",
            Kind.MIXED: "decimal numbers, whole numbers, days, true and false, or text",
        }[self.kind]


def wanted_of(rule_sets: Iterable[RuleSet]) -> dict[str, Wanted]:
    """Say what each column holds that any of some rule sets reads.

    Raises:
        ValueError: a name is a list to one and no list to another: their rows belong into two frames.
    """
    found: dict[str, Wanted] = {}
    for rule_set in rule_sets:
        columns = {name: Wanted(one.kind, one.places) for name, one in rule_set.inputs.items()}
        lists = {
            name: Wanted(Kind.TEXT, 0, {key: Wanted(own.kind, own.places) for key, own in one.inputs.items()})
            for name, one in rule_set.lists.items()
        }
        for name, one in (columns | lists).items():
            found[name] = _joined(name, found[name], one) if name in found else one
    return found


def _joined(name: str, one: Wanted, other: Wanted) -> Wanted:
    if (one.items is None) != (other.items is None):
        raise ValueError(f"`{name}` is a list in one rule set and a value in another; bill their rows apart")
    if one.items is None or other.items is None:
        return Wanted(one.kind if one.kind is other.kind else Kind.MIXED, max(one.places, other.places))
    items = dict(one.items)
    for key, own in other.items.items():
        items[key] = _joined(f"{name}.{key}", items[key], own) if key in items else own
    return Wanted(Kind.TEXT, 0, items)
