"""Health and reflection need no token: whoever holds them up holds up no bill."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import grpc
import pytest
from grpc_health.v1 import health_pb2

from engine.service.apart import AT_ONCE_MAX
from engine.service.health import Health
from tests.service.asking import health, odd, rating
from tests.service.serving import Server, serving

CALLS, STREAMS, WORKERS = 12, 3, 4
CHECK = "/grpc.health.v1.Health/Check"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"calls": CALLS, "streams": STREAMS, "workers": WORKERS}
    with serving(tmp_path_factory.mktemp("server"), settings=settings, odd=True, tokens={"wang": "rate"}) as found:
        yield found


def silence(ended: threading.Event) -> Any:
    """Messages of a caller who sends none."""
    ended.wait()
    yield from ()


@pytest.mark.parametrize(
    ("path", "count"),
    [
        pytest.param(CHECK, STREAMS + WORKERS, id="as many checks as there are threads"),
        pytest.param(REFLECTION, CALLS + 1024, id="as many streams as gRPC lets in"),
    ],
)
def test_calls_that_send_no_message_hold_up_no_bill(server: Server, path: str, count: int) -> None:
    """They carry no token; a thread waits for the message of each for as long as its caller likes."""
    ended = threading.Event()

    with server.channel() as stranger, server.channel("wang") as channel:
        held: list[Any] = [stranger.stream_stream(path)(silence(ended)) for _ in range(count)]
        time.sleep(0.5)
        try:
            found = rating(channel).CalculateBill(odd("1"), timeout=10)
        finally:
            for call in held:
                call.cancel()
            ended.set()

    assert "1" == found.bill.row_id


def test_too_many_at_once_are_told_so(server: Server) -> None:
    """And when they are gone, the next is answered."""
    ended = threading.Event()

    with server.channel() as stranger:
        held: list[Any] = [stranger.stream_stream(CHECK)(silence(ended)) for _ in range(AT_ONCE_MAX)]
        time.sleep(0.5)
        found: Any = health(stranger).Check.future(health_pb2.HealthCheckRequest(), timeout=10).exception()
        for call in held:
            call.cancel()
        ended.set()
        server.wait_for(lambda: _serves(stranger))

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == found.code()


def test_a_watcher_that_is_gone_before_it_is_told_takes_no_place() -> None:
    """gRPC calls nobody back for a call that is over: such watchers would fill the places of all."""
    watched = Health(["a"])
    gone = Mock(add_callback=Mock(return_value=False))
    send = Mock()

    watched.Watch(health_pb2.HealthCheckRequest(), gone, send)
    watched.stop_serving()

    assert [] == send.mock_calls


def _serves(channel: grpc.Channel) -> bool:
    try:
        found = health(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    except grpc.RpcError:
        return False
    return bool(found.status == SERVING)
