"""One call: who makes it, under which number it is logged, and whether it still wants an answer.

The interceptor hands servicers a `Call` in place of gRPC's context; `call_of` gives it back with its type.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import grpc

from engine.evaluator.rows import RowProblem
from engine.language.problems import ProblemsFound, problem


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls."""

    name: str  # "" where nobody says who they are
    scopes: frozenset[str]  # of `engine.service.authentication.SCOPES`


@dataclass(slots=True)
class Call:
    """One call under way.

    Attributes:
        context: gRPC's own.
        principal: who calls.
        request: number under which it is logged; sent back, as the trailing metadata `dianjia-request`, with what
            failed and to whoever sent a number of their own.
        noted: what the log line says besides, set by servicers: version, rows, billed, refused.
    """

    context: grpc.ServicerContext
    principal: Principal
    request: str
    noted: dict[str, object] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """Whatever gRPC asks of a context."""
        return getattr(self.context, name)

    def note(self, **noted: object) -> None:
        """Add to the call's log line."""
        self.noted.update(noted)

    def check(self) -> None:
        """Stop work that nobody waits for: call it between blocks.

        Raises:
            ProblemsFound: `call-over`: the deadline has passed, or the caller is gone.
        """
        if not self.context.is_active():
            raise ProblemsFound([problem("call-over", None)])


def call_of(context: grpc.ServicerContext) -> Call:
    """Give the call that the interceptor made of a context."""
    assert isinstance(context, Call), "the interceptor of calls is missing"
    return cast(Call, context)


class RowRefused(Exception):
    """One row has no bill; the interceptor makes a status of it."""

    def __init__(self, found: RowProblem, ruleset: str) -> None:
        super().__init__(found.reason)
        self.found = found
        self.ruleset = ruleset


def wrong(code: str, field_: str, **parameters: object) -> ProblemsFound:
    """Say what is wrong with a message.

    Args:
        code: of the catalogue.
        field_: path of the message's field: chunk.columns[2].numbers.
        parameters: of the catalogue's entry.
    """
    told: dict[str, object] = {**parameters, "field": field_}
    return ProblemsFound([problem(code, None, None, **told)])
