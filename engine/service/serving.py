"""The gRPC server: made, started, and brought to an end without losing a call.

How it ends: health says so first; for a moment whoever comes is let in and not answered, so that no call is on its way
when the listening ends; then they are told `shutting-down`, clients with open connections are told to go elsewhere, and
calls under way have until the grace is over. Streams are stopped between two answers a little before that, in words;
what then is left is cancelled.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from engine.service.addresses import why_not
from engine.service.apart import AT_ONCE_MAX, Apart
from engine.service.health import Health
from engine.service.interceptors import Chain, Registered
from engine.service.limits import Gate
from engine.service.logs import Log
from engine.service.settings import Settings

HELD_SECONDS: Final = 0.1  # how long callers are let in and not answered before the listening ends
STREAMS_STOP_AT: Final = 0.9  # part of the grace after which streams are stopped between two answers
SEND_SECONDS_MAX: Final = 5.0  # for the last answers on their way, and whoever asks what calls there are
REFUSED_MAX: Final = 1_024  # calls beyond `calls` that wait for their refusal; gRPC itself refuses any more
# A message larger than allowed, but not by more than this, is read and refused in our words; others gRPC refuses.
READ_BEYOND: Final = 4


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that listens.

    Attributes:
        server: gRPC's.
        port: on which it listens.
        gate: what comes in passes it.
        health: is told of the end.
    """

    server: grpc.Server
    port: int
    gate: Gate
    health: Health

    def stop(self, grace_seconds: float, hurried: threading.Event, log: Log) -> None:
        """Bring the server to its end.

        Args:
            grace_seconds: that calls under way have.
            hurried: set while this runs: there is no more time.
            log: is told.
        """
        began = time.monotonic()
        log.event("stopping", grace_seconds=grace_seconds, calls=self.gate.workers.under_way)
        self.health.stop_serving()
        self.gate.close(grace_seconds * STREAMS_STOP_AT)
        hurried.wait(HELD_SECONDS)
        stopped = self.server.stop(grace_seconds)
        self.gate.answer_refused()
        self.gate.wait_until_idle(grace_seconds - (time.monotonic() - began), hurried)
        cut_off = self.gate.workers.under_way
        if not cut_off:
            _wait(stopped, min(SEND_SECONDS_MAX, max(grace_seconds, HELD_SECONDS)), hurried)
        self.server.stop(None)
        self.gate.end()
        log.event("stopped", seconds=round(time.monotonic() - began, 3), cut_off=cut_off)


def serve(
    settings: Settings,
    chain: Chain,
    gate: Gate,
    services: Iterable[str],
    credentials: grpc.ServerCredentials | None,
    *,
    shared_port: bool,
) -> Serving:
    """Make a server and let it listen.

    Args:
        settings: of the server.
        chain: answers the calls.
        gate: the chain's.
        services: full names, for health and reflection.
        credentials: None: plain text.
        shared_port: other processes listen on the same port.

    Raises:
        ProblemsFound: `address-taken`, `address-unusable`.
    """
    names = list(services)
    health = Health(names)
    apart = [_health(health, gate)]
    if settings.reflection:
        shown = (*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME)
        apart.append(_reflection(shown, gate))
    server = grpc.server(
        cast(Any, gate.workers),  # gRPC asks for a ThreadPoolExecutor and needs its `submit`
        handlers=[chain, *apart],
        options=_options(settings, shared_port),
        maximum_concurrent_rpcs=settings.calls + REFUSED_MAX + AT_ONCE_MAX * len(apart),
    )
    port = _listen(server, settings, credentials)
    server.start()
    return Serving(server, port, gate, health)


def _health(health: Health, gate: Gate) -> Apart:
    """Tell which service can be called."""
    registered = Registered()
    health_pb2_grpc.add_HealthServicer_to_server(health, cast(Any, registered))
    return Apart(registered.handlers, gate.refusing)


def _reflection(shown: Iterable[str], gate: Gate) -> Apart:
    """Tell which calls there are."""
    registered = Registered()
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(  # type: ignore[no-untyped-call]  # its stubs lack types
        reflection.ReflectionServicer(shown), registered
    )
    return Apart(registered.handlers, gate.refusing)


def _options(settings: Settings, shared_port: bool) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", int(shared_port)),  # alone, a second server on the port must fail and not share it
        ("grpc.max_receive_message_length", settings.request_bytes_max * READ_BEYOND),
        ("grpc.max_send_message_length", settings.response_bytes_max),
        ("grpc.keepalive_time_ms", int(settings.keepalive_seconds * 1000)),
        ("grpc.keepalive_timeout_ms", int(settings.keepalive_timeout_seconds * 1000)),
        ("grpc.http2.min_ping_interval_without_data_ms", int(settings.ping_interval_seconds_min * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
    ]


def _listen(server: grpc.Server, settings: Settings, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials is None:
            return server.add_insecure_port(settings.address)
        return server.add_secure_port(settings.address, credentials)
    except RuntimeError:
        raise why_not(settings.host, settings.port) from None


def _wait(stopped: threading.Event, seconds: float, hurried: threading.Event) -> None:
    """Wait for the last answers to leave."""
    end = time.monotonic() + seconds
    while not stopped.wait(0.01) and time.monotonic() < end and not hurried.is_set():
        pass
