"""Recalculations as calls of a server, and the portfolios that they bill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc

from dianjia.recalculations.v1 import recalculations_pb2 as messages
from dianjia.recalculations.v1.recalculations_pb2_grpc import RecalculationServiceStub
from tests.service.rate_books import RULESET, request
from tests.service.serving import Server, serving
from tests.service.steps import TOKENS

WHO = {**TOKENS, "operator": "recalculate", "wang": f"{TOKENS['wang']} recalculate"}
SECONDS = 30.0


def calls(channel: grpc.Channel) -> RecalculationServiceStub:
    return RecalculationServiceStub(channel)


def start(
    channel: grpc.Channel, order: messages.RecalculationOrder, request_id: str = "", priority: int = 0
) -> messages.Recalculation:
    """Start a recalculation."""
    asked = messages.StartRecalculationRequest(request_id=request_id or request(), order=order)
    asked.priority = priority  # type: ignore[assignment]  # a number of the enum
    found: messages.Recalculation = calls(channel).StartRecalculation(asked).recalculation
    return found


def resume(channel: grpc.Channel, name: str) -> messages.Recalculation:
    """Go on with a recalculation."""
    asked = messages.StartRecalculationRequest(request_id=request(), resume=name)
    found: messages.Recalculation = calls(channel).StartRecalculation(asked).recalculation
    return found


def get(channel: grpc.Channel, name: str) -> messages.Recalculation:
    found: messages.Recalculation = (
        calls(channel).GetRecalculation(messages.GetRecalculationRequest(name=name)).recalculation
    )
    return found


def watched(channel: grpc.Channel, name: str) -> list[messages.Recalculation]:
    """Everything that is told of a recalculation until nothing goes on."""
    asked = messages.WatchRecalculationRequest(name=name)
    return [one.recalculation for one in calls(channel).WatchRecalculation(asked, timeout=SECONDS)]


def ended(channel: grpc.Channel, name: str) -> messages.Recalculation:
    return watched(channel, name)[-1]


def cancel(channel: grpc.Channel, name: str) -> messages.Recalculation:
    asked = messages.CancelRecalculationRequest(request_id=request(), name=name)
    found: messages.Recalculation = calls(channel).CancelRecalculation(asked).recalculation
    return found


def state(found: messages.Recalculation) -> str:
    """The state in one word: FINISHED."""
    name: str = messages.RecalculationState.Name(found.metadata.state)
    return name.removeprefix("RECALCULATION_STATE_")


def portfolio(file: Path, kwh: Sequence[int], region: str = "north") -> Path:
    """Write a portfolio of `home`'s rule set as CSV: a row for each consumption, of January 2026."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"r{number},a{number},{RULESET},2026-01-01,2026-02-01,{one},{region}" for number, one in enumerate(kwh)]
    head = "row_id,account,ruleset,period_from,period_to,kwh,region"
    file.write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    return file


@contextmanager
def taking(folder: Path, **options: object) -> Iterator[Server]:
    """Run a server that takes recalculations over `folder`/in to `folder`/out."""
    settings: dict[str, object] = {"follow_seconds": 0.1, **options.pop("settings", {})}  # type: ignore[dict-item]  # a mapping
    for name, setting in (("in", "run_inputs"), ("out", "run_outputs")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        settings[setting] = folder / name
    with serving(folder, tokens=WHO, settings=settings, **options) as server:  # type: ignore[arg-type]  # as serving has them
        yield server
