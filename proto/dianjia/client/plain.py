"""Messages of single values -> Python's own: decimals, days, instants, places in files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from dianjia.client.values import EXACT
from dianjia.type.v1 import type_pb2 as types


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """A stretch of a rule file; lines and columns count from 1."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def decimal_of(message: types.Decimal | types.Money) -> Decimal:
    """Read a decimal number, with all its places."""
    return EXACT.scaleb(Decimal(message.unscaled), -message.places)


def decimal_or_none(message: Any, field: str) -> Decimal | None:
    """Read a decimal number that may be absent."""
    return decimal_of(getattr(message, field)) if message.HasField(field) else None


def day_or_none(text: str) -> date | None:
    """Read an ISO 8601 day; "" is none."""
    return date.fromisoformat(text) if text else None


def instant_or_none(message: Any, field: str) -> datetime | None:
    """Read an instant that may be absent, in UTC."""
    if not message.HasField(field):
        return None
    found: Timestamp = getattr(message, field)
    return found.ToDatetime(tzinfo=UTC)


def place_or_none(message: Any, field: str = "place") -> SourcePlace | None:
    """Read a place in the rules that may be absent."""
    if not message.HasField(field):
        return None
    found: types.SourcePlace = getattr(message, field)
    return SourcePlace(found.file, found.line, found.column, found.end_line, found.end_column)
