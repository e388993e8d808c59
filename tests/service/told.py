"""What a failed call says: its code, and the values that its words name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from dianjia.rulesets.v1 import rulesets_pb2


@dataclass(frozen=True, slots=True)
class Told:
    """A refusal."""

    status: grpc.StatusCode
    code: str
    parameters: dict[str, str]
    problems: tuple[rulesets_pb2.Problem, ...]
    pause_seconds: float | None  # after which the call may be repeated; None: it is told not to


def told(call: Callable[[], object]) -> Told:
    """Make a call that is to fail, and give what it says."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return told_by(raised.value)


def told_by(error: Any) -> Told:
    """Read the status of a `grpc.RpcError`, which is a call too."""
    status = rpc_status.from_call(error)
    assert status is not None, f"{error.code()}: {error.details()}"
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    pause = None
    problems = []
    for detail in status.details:
        problem = rulesets_pb2.Problem()
        if detail.Unpack(problem):
            problems.append(problem)
        detail.Unpack(info)
        if detail.Unpack(retry):
            pause = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    return Told(error.code(), info.reason.lower().replace("_", "-"), dict(info.metadata), tuple(problems), pause)
