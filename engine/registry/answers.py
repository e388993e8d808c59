"""First answers by request, so that a request that is repeated does nothing twice."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import Connection, insert, select

from engine.language.problems import ProblemsFound, problem
from engine.registry.audit import Step
from engine.registry.instants import microseconds
from engine.registry.records import VersionRecord, of_text, to_text
from engine.registry.tables import REQUEST


def first_answer(connection: Connection, step: Step) -> VersionRecord | None:
    """Give what the request was answered before; None: it is new.

    Raises:
        ProblemsFound: `request-id-reused`: something else was asked under that id, or somebody else asked.
    """
    query = select(REQUEST.c.digest, REQUEST.c.answer).where(REQUEST.c.request_id == step.request_id)
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    if found.digest != _digest(step):
        raise ProblemsFound([problem("request-id-reused", None, None, request=step.request_id)])
    return of_text(found.answer)


def keep(connection: Connection, step: Step, answer: VersionRecord) -> VersionRecord:
    """Keep the answer to a request, whose row of the audit trail is written.

    Args:
        connection: with the step's transaction.
        step: as it was asked: the version as it was named, the instant only where one was given.
        answer: what is answered, now and whenever it is asked again.
    """
    row = {"request_id": step.request_id, "digest": _digest(step), "answer": to_text(answer)}
    connection.execute(insert(REQUEST).values(row))
    return answer


def _digest(step: Step) -> str:
    instant = None if step.active_from is None else microseconds(step.active_from)
    asked = [step.action, step.who, step.version, step.why, instant, step.returns_to]
    return hashlib.sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()
