"""The events behind a warning: those of its account in the log, as they were written, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from engine.evaluator.decimals import of_whole
from engine.registry.database import Database
from engine.triggers.events import time_text
from engine.warnings.packing import Shape, unpack_event
from engine.warnings.tables import EVENT, SHAPE
from engine.warnings.warning import WarningRecord


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of the log with the names of what it holds; values are text, what is absent is left out."""

    id: str
    type: str
    at: int  # [us]
    keys: dict[str, str]
    values: dict[str, str]
    completed: bool  # it is the one that completed the warning

    def to_json(self) -> dict[str, object]:
        """The event for a program to read."""
        return {
            "id": self.id,
            "event": self.type,
            "at": time_text(self.at),
            **self.keys,
            **self.values,
            "completed": self.completed,
        }


def events_behind(database: Database, warning: WarningRecord, limit: int = 12) -> list[LoggedEvent]:
    """Give the last events of a warning's account up to the warning, at most so many.

    Of a warning that watches by keys, events with other values of these keys are left out; events that the log does not
    have any more are not given.
    """
    if not warning.account:
        return []
    columns = EVENT.c
    query = select(columns.at, columns.id, columns.account, columns.shape, columns.content)
    query = query.where(columns.account == warning.account, columns.at <= warning.at)
    found: list[LoggedEvent] = []
    with database.reading() as connection:
        shapes = {one.number: Shape.from_json(one.type, one.inputs) for one in connection.execute(select(SHAPE))}
        rows = connection.execute(query.order_by(columns.at.desc(), columns.id.desc()).execution_options(yield_per=100))
        for at, id_, account, number, content in rows:
            shape = shapes[number]
            event = unpack_event(at, id_, account, shape, content)
            keys = dict(zip(shape.keys, event.keys, strict=True))
            if any(keys.get(name, value) != value for name, value in warning.keys.items()):
                continue
            values = {
                one.name: one.codes[value] if one.codes else f"{of_whole(value, one.places):f}"
                for one, value in zip(shape.inputs, event.values, strict=True)
                if value is not None
            }
            found.append(LoggedEvent(id_, shape.type, at, keys, values, id_ == warning.event))
            if len(found) == limit:
                break
    return found
