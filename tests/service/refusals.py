"""What a failed rating call says: its status and message, and what it says of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from grpc_status import rpc_status

from dianjia.type.v1 import type_pb2


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status with its message: `code: headline`."""

    status: grpc.StatusCode
    message: str


def refusal(call: Callable[[], object]) -> Refusal:
    """Make a call that is to fail, and give what it says."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    error: Any = raised.value
    return Refusal(error.code(), error.details())


def row_error(error: Any) -> type_pb2.RowError:
    """Give what a `grpc.RpcError` of a refused row says of it; one without fails."""
    status = rpc_status.from_call(error)
    assert status is not None, f"{error.code()}: {error.details()}"
    found = type_pb2.RowError()
    assert any(detail.Unpack(found) for detail in status.details), f"{error.code()}: {error.details()}"
    return found
