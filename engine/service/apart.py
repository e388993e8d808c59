"""Calls for which nobody needs a token, health and reflection: on threads of their own, and not many at once.

A thread of gRPC's waits for the message of a call, which a caller may never send. Whoever holds these threads up holds
up no bill.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NoReturn

import grpc

THREADS: Final = 4
AT_ONCE_MAX: Final = 64  # calls of one service that have a thread or wait for one
_KINDS: Final[Mapping[str, Callable[..., grpc.RpcMethodHandler[Any, Any]]]] = {
    "unary_unary": grpc.unary_unary_rpc_method_handler,
    "unary_stream": grpc.unary_stream_rpc_method_handler,
    "stream_stream": grpc.stream_stream_rpc_method_handler,
}


class Apart(grpc.GenericRpcHandler):
    """Lets calls of one service in, beside those that have to show a token."""

    def __init__(self, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]], refusing: ThreadPoolExecutor) -> None:
        """Give the calls their threads.

        Args:
            handlers: path -> handler, of `Registered`.
            refusing: threads that tell callers that they are not let in.
        """
        self._threads = _Threads()
        self._handlers = {path: self._on_threads(handler) for path, handler in handlers.items()}
        full: Any = partial(_refuse)  # its thread waits for no message
        full.experimental_thread_pool = refusing
        self._full: grpc.RpcMethodHandler[Any, Any] = grpc.stream_unary_rpc_method_handler(full)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Let a call in, unless there are too many; gRPC asks this of each."""
        handler = self._handlers.get(handler_call_details.method)
        if handler is not None and self._threads.under_way >= AT_ONCE_MAX:
            return self._full
        return handler

    def _on_threads(self, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        kind = next(kind for kind in _KINDS if getattr(handler, kind) is not None)
        behaviour = getattr(handler, kind)
        answer: Any = partial(behaviour)
        answer.experimental_thread_pool = self._threads
        answer.experimental_non_blocking = getattr(behaviour, "experimental_non_blocking", False)
        return _KINDS[kind](answer, handler.request_deserializer, handler.response_serializer)


class _Threads(ThreadPoolExecutor):
    """A few threads that know how many calls they have: gRPC takes nothing but a thread pool."""

    def __init__(self) -> None:
        super().__init__(THREADS, thread_name_prefix="apart")
        self.under_way = 0
        self._counting = threading.Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Answer a call."""
        with self._counting:
            self.under_way += 1
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _: Future[Any]) -> None:
        with self._counting:
            self.under_way -= 1


def _refuse(_: Iterator[bytes], context: grpc.ServicerContext) -> NoReturn:
    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many ask this at once")
