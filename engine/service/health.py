"""Health as `grpc.health.v1` has it: which service can be called, asked once or watched.

Watching takes no thread. At a shutdown watchers are told so first, and their streams end; gRPC's own servicer leaves
them open, and a server would wait for them until its grace is over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

Send = Callable[[health_pb2.HealthCheckResponse | None], None]

_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN: Final = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
WATCHERS_MAX: Final = 1_000


class Health(health_pb2_grpc.HealthServicer):
    """Tells who asks whether services can be called. Threads share it."""

    def __init__(self, services: Iterable[str]) -> None:
        """Begin with all serving.

        Args:
            services: full names; "" stands for the whole server.
        """
        self._services = ("", *services)
        self._serving = True
        self._watchers: dict[Send, str] = {}
        self._lock = threading.Lock()

    def Check(
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext
    ) -> health_pb2.HealthCheckResponse:
        """Tell once."""
        if request.service not in self._services:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")
        return self._response(request.service)

    def Watch(
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext, send: Send | None = None
    ) -> Any:
        """Tell now and whenever it changes."""
        assert send is not None, "gRPC no longer knows `experimental_non_blocking`"
        with self._lock:
            full = len(self._watchers) >= WATCHERS_MAX
            if not full:
                self._watchers[send] = request.service
        if full:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many watch already")
        if not context.add_callback(partial(self._gone, send)):  # the caller has gone already
            self._gone(send)
            return
        send(self._response(request.service))

    def stop_serving(self) -> None:
        """Say that nothing can be called any more, and end the watching."""
        with self._lock:
            self._serving = False
            watchers, self._watchers = self._watchers, {}
        for send, service in watchers.items():
            send(self._response(service))
            send(None)

    def _response(self, service: str) -> health_pb2.HealthCheckResponse:
        if service not in self._services:
            return health_pb2.HealthCheckResponse(status=_UNKNOWN)
        return health_pb2.HealthCheckResponse(status=_SERVING if self._serving else _NOT_SERVING)

    def _gone(self, send: Send) -> None:
        with self._lock:
            self._watchers.pop(send, None)

    Watch.experimental_non_blocking = True  # type: ignore[attr-defined]  # how gRPC is told
