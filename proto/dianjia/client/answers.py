"""One bill, and why it is what it is: messages -> values with decimals and days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dianjia.client.plain import SourcePlace, day_or_none, decimal_of, decimal_or_none, place_or_none
from dianjia.rating.v1 import rating_pb2 as messages


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill."""

    id: str  # energy.2
    charge: str
    title: str
    amount: Decimal
    quantity: Decimal | None
    quantity_unit: str
    price: Decimal | None
    price_unit: str
    ledger: str
    part: int  # piece of the billing period, from 1; 0 where no change cuts it
    part_from: date | None
    part_to: date | None
    money: bool  # part of the total; other lines inform


@dataclass(frozen=True, slots=True)
class RaisedWarning:
    """A warning that a row raises."""

    id: str
    title: str
    level: str
    message: str
    causes: tuple[str, ...]
    action: str


@dataclass(frozen=True, slots=True)
class GivenScore:
    """A score of the row."""

    id: str
    title: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class GivenClass:
    """The class of a segment that the row is in."""

    id: str  # of the segment
    title: str
    class_id: str
    class_title: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill. The amounts of the lines with `money` add up to the total."""

    row_id: str
    ruleset: str
    version: str
    ruleset_hash: str
    period_from: date
    period_to: date
    total: Decimal
    currency: str
    lines: tuple[BillLine, ...]
    ledgers: Mapping[str, Decimal]
    warnings: tuple[RaisedWarning, ...]
    scores: Mapping[str, GivenScore]
    segments: Mapping[str, GivenClass]

    def amount(self, line: str) -> Decimal:
        """Amount of a line, by its path; of a period in parts the sum.

        Raises:
            KeyError: the bill has no such line.
        """
        found = [one.amount for one in self.lines if one.id == line]
        if not found:
            raise KeyError(line)
        return sum(found[1:], found[0])


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A name in a formula, and its value."""

    name: str
    value: str
    unit: str
    title: str


@dataclass(frozen=True, slots=True)
class FigureRead:
    """A printed figure that a line read."""

    path: str
    text: str  # as printed
    unit: str
    place: SourcePlace | None
    source: str
    standing: str
    since: date | None


@dataclass(frozen=True, slots=True)
class LineWorking:
    """How one line comes about."""

    line: str
    formula: str
    names: tuple[NamedValue, ...]
    before_rounding: str
    place: SourcePlace | None
    source: str
    figures: tuple[FigureRead, ...]
    part: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A bill with its working."""

    bill: Bill
    lines: tuple[LineWorking, ...]
    inputs: tuple[NamedValue, ...]
    text: str  # all of it as a page for people
    source: str
    standing: str


def bill_of(message: messages.Bill) -> Bill:
    """Read a bill."""
    return Bill(
        message.row_id,
        message.ruleset,
        message.version,
        message.ruleset_hash,
        date.fromisoformat(message.period_from),
        date.fromisoformat(message.period_to),
        decimal_of(message.total),
        message.total.currency,
        tuple(_line(one) for one in message.lines),
        {one.ledger: decimal_of(one.amount) for one in message.ledgers},
        tuple(warning_of(one) for one in message.warnings),
        {one.id: GivenScore(one.id, one.title, decimal_of(one.value)) for one in message.scores},
        {
            one.id: GivenClass(one.id, one.title, one.class_id, one.class_title, tuple(one.services))
            for one in message.segments
        },
    )


def warning_of(message: messages.RaisedWarning) -> RaisedWarning:
    """Read a warning."""
    return RaisedWarning(
        message.id, message.title, message.level, message.message, tuple(message.causes), message.action
    )


def explanation_of(message: messages.ExplainBillResponse) -> Explanation:
    """Read a bill with its working."""
    return Explanation(
        bill_of(message.bill),
        tuple(_working(one) for one in message.lines),
        _named(message.inputs),
        message.text,
        message.source,
        message.standing,
    )


def _line(message: messages.BillLine) -> BillLine:
    return BillLine(
        message.id,
        message.charge,
        message.title,
        decimal_of(message.amount),
        decimal_or_none(message, "quantity"),
        message.quantity_unit,
        decimal_or_none(message, "price"),
        message.price_unit,
        message.ledger,
        message.part,
        day_or_none(message.part_from),
        day_or_none(message.part_to),
        message.money,
    )


def _working(message: messages.LineWorking) -> LineWorking:
    return LineWorking(
        message.line,
        message.formula,
        _named(message.names),
        message.before_rounding,
        place_or_none(message),
        message.source,
        tuple(
            FigureRead(
                one.path,
                one.text,
                one.unit,
                place_or_none(one),
                one.source,
                one.standing,
                day_or_none(one.since),
            )
            for one in message.figures
        ),
        message.part,
    )


def _named(values: Iterable[messages.NamedValue]) -> tuple[NamedValue, ...]:
    return tuple(NamedValue(one.name, one.value, one.unit, one.title) for one in values)
