"""Prices by period and tier, and the hours of each period, as a rate gives them.

Takes a rate's fields; gives `Structure`, `Schedule` and `Month` values whose shape is checked, or says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from engine.urdb.problems import fail, short
from engine.urdb.rate import billable

MONTHS: Final = 12
HOURS: Final = 24
OPEN: Final = Decimal("1e30")  # converters write 1e37 or more where a tier has no end
TIER_KEYS: Final = ("max", "unit", "rate", "adj", "sell")


@dataclass(frozen=True, slots=True)
class Price:
    """A price as written: the rate, and the adjustment beside it."""

    rate: Decimal
    adj: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.rate + self.adj

    def text(self, unit: str) -> str:
        """Write the price as a number, or as a formula that shows both parts."""
        if not self.adj:
            return digits(self.rate)
        if not self.rate:
            return digits(self.adj)
        sign = "-" if self.adj < 0 else "+"
        return f"{digits(self.rate)}[{unit}] {sign} {digits(abs(self.adj))}[{unit}]"


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of a period's prices; without `max` it is open."""

    max: Decimal | None
    unit: str
    price: Price
    sell: Decimal | None


@dataclass(frozen=True, slots=True)
class Structure:
    """Tiers of each period, and what was noticed in reading them."""

    field: str
    periods: tuple[tuple[Tier, ...], ...]
    remarks: tuple[str, ...]

    def priced(self, used: Sequence[int]) -> bool:
        """Whether a period that is used has a price that is not zero."""
        return any(tier.price.total for period in used for tier in self.periods[period])

    def tiered(self, used: Sequence[int]) -> bool:
        """Whether a period that is used has several tiers."""
        return any(len(self.periods[period]) > 1 for period in used)


def digits(value: Decimal) -> str:
    """Write a number with its digits and without an exponent."""
    return f"{value:f}"


def number(field: str, value: Any) -> Decimal:
    """Read a number, written as one or as a text."""
    if isinstance(value, bool) or not isinstance(value, Decimal | str):
        raise fail("shape", field=field, why=f"`{short(value)}` is no number")
    try:
        read = Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        raise fail("shape", field=field, why=f"`{value}` is no number") from None
    if not billable(read):
        raise fail("shape", field=field, why=f"`{value}` is no number")
    return read


def _optional(field: str, cell: dict[str, Any], key: str) -> Decimal | None:
    return None if cell.get(key) in (None, "") else number(f"{field}", cell[key])


def read_structure(field: str, value: Any, unit: str) -> Structure:
    """Read a list of periods, each a list of tiers; the database's dump wraps a period's tiers in an object.

    Args:
        unit: of limits, where a tier does not say its own.
    """
    if not isinstance(value, list):
        raise fail("shape", field=field, why="periods are a list of lists")
    remarks: list[str] = []
    periods = []
    for p, written in enumerate(value):
        tiers = next(iter(written.values()), None) if isinstance(written, dict) and len(written) == 1 else written
        if not isinstance(tiers, list) or not all(isinstance(cell, dict) for cell in tiers):
            raise fail("shape", field=field, why=f"period {p} is not a list of tiers")
        periods.append(_tiers(field, p, tiers, unit, remarks))
    return Structure(field, tuple(periods), tuple(remarks))


def _tiers(field: str, period: int, cells: Sequence[dict[str, Any]], unit: str, remarks: list[str]) -> tuple[Tier, ...]:
    if not cells:
        remarks.append(f"period {period} has no tier: priced at 0")
    tiers: list[Tier] = []
    for t, cell in enumerate(cells):
        name = f"period {period}, tier {t}"
        for key in cell:
            if key not in TIER_KEYS:
                remarks.append(f"{name}: `{key}` is not a key of a tier that is known, and is not read")
        rate, adj = _optional(field, cell, "rate"), _optional(field, cell, "adj")
        if rate is None and adj is None:
            remarks.append(f"{name} has neither rate nor adj: priced at 0")
        limit = _optional(field, cell, "max")
        if limit is not None and limit >= OPEN:
            limit = None
        if t == len(cells) - 1:
            if limit:
                remarks.append(
                    f"{name} is the last and ends at {digits(limit)}: what lies above is billed at its price"
                )
            limit = None
        elif limit is None:
            raise fail("shape", field=field, why=f"{name} has no `max`, and is not the last")
        elif limit <= (tiers[-1].max or 0 if tiers else 0):
            raise fail("shape", field=field, why=f"{name} ends at {digits(limit)}, which is not above the tier before")
        written = str(cell.get("unit") or unit)
        price = Price(rate or Decimal(0), adj or Decimal(0))
        tiers.append(Tier(limit, written, price, _optional(field, cell, "sell")))
    return tuple(tiers) or (Tier(None, unit, Price(Decimal(0)), None),)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The period of each hour, by month and hour, of weekdays and of weekend days."""

    weekday: tuple[tuple[int, ...], ...]
    weekend: tuple[tuple[int, ...], ...]

    def in_month(self, month: int) -> tuple[int, ...]:
        """Periods that hold in some hour of a month 0 to 11, sorted."""
        return tuple(sorted({*self.weekday[month], *self.weekend[month]}))

    @property
    def used(self) -> tuple[int, ...]:
        return tuple(sorted({period for month in range(MONTHS) for period in self.in_month(month)}))

    @property
    def by_hour(self) -> bool:
        """Whether some month has several periods."""
        return any(len(self.in_month(month)) > 1 for month in range(MONTHS))


def read_hours(field: str, value: Any, periods: int) -> tuple[tuple[int, ...], ...]:
    """Read twelve lists of 24 period numbers, counted from 0."""
    if not isinstance(value, list) or len(value) != MONTHS:
        raise fail("shape", field=field, why="a schedule has twelve lists, one a month")
    months = []
    for month, hours in enumerate(value, 1):
        if not isinstance(hours, list) or len(hours) != HOURS:
            raise fail("shape", field=field, why=f"month {month} has not 24 hours")
        months.append(tuple(whole(field, hour, periods) for hour in hours))
    return tuple(months)


def whole(field: str, value: Any, periods: int) -> int:
    """Read a period's number, which is one of those that are priced."""
    read = number(field, value)
    if read != int(read) or not 0 <= read < periods:
        raise fail("shape", field=field, why=f"period {digits(read)} is not one of the {periods} that have prices")
    return int(read)


def read_months(field: str, value: Any, periods: int) -> tuple[int, ...]:
    """Read twelve period numbers."""
    if not isinstance(value, list) or len(value) != MONTHS:
        raise fail("shape", field=field, why="it has twelve numbers, one a month")
    return tuple(whole(field, month, periods) for month in value)


def one_schedule(periods: int, field: str, structure_field: str) -> Schedule:
    """Give the schedule of a structure without hours: its one period holds always."""
    if periods != 1:
        raise fail("shape", field=structure_field, why=f"it has {periods} periods, and there is no `{field}`")
    row = tuple([(0,) * HOURS] * MONTHS)
    return Schedule(row, row)
