"""What stands between gRPC and the servicers: every call passes through here, in this order.

    service          on arrival, in gRPC's own thread: is there room, who is it, may they; nothing else is done for
                     those who are not let in, and no thread of the calls' waits for their messages
    unary_unary …    in a thread of the calls': read the message, answer, write the answer; an exception becomes a
                     status; one line of the log, from which the metrics are counted

A method is wrapped once, when it is registered, and messages are read and written here and not by gRPC: so that what
cannot be read is refused in our words, what is too large too, and none of it keeps gRPC's thread from other calls.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from time import perf_counter_ns, thread_time_ns, time
from typing import Any, Final, NoReturn

import grpc
from google.protobuf.message import DecodeError

from engine.language.problems import ProblemsFound, problem
from engine.service.authentication import Tokens
from engine.service.calls import Call, Principal
from engine.service.errors import REQUEST_KEY, STATUS_KEY, Failed, failed, over
from engine.service.limits import Gate
from engine.service.logs import Ended, Log
from engine.service.metrics import Metrics
from engine.service.wire import Written

SCOPE_OF_SERVICE: Final[Mapping[str, str]] = {
    "dianjia.rating.v1.RatingService": "rate",
    "dianjia.advice.v1.AdviceService": "rate",
    "dianjia.rulesets.v1.RuleSetService": "read",
    "dianjia.ratebooks.v1.RateBookService": "read",
    "dianjia.recalculations.v1.RecalculationService": "recalculate",
    "dianjia.warnings.v1.WarningService": "read-warnings",
}
SCOPE_OF_METHOD: Final[Mapping[str, str]] = {
    "PublishRateBook": "publish",
    "ApproveRateBook": "approve",
    "ActivateRateBook": "approve",
    "WithdrawRateBook": "approve",
    "RecordEvents": "record-events",
    "AcknowledgeWarning": "acknowledge",
}
CALLER_REQUEST_KEY: Final = "x-request-id"
CALLER_REQUEST_CHARACTERS_MAX: Final = 200
QUICK_NS: Final = 10_000_000
HELD_SECONDS_MAX: Final = 5.0  # a refusal is not held back longer, whatever becomes of the shutdown

_NOBODY: Final = Principal("", frozenset())


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a servicer, as it was registered."""

    path: str  # /package.Service/Method
    scope: str
    answer: Callable[[Any, Call], Any]
    parse: Callable[[bytes], Any]
    serialize: Callable[[Any], bytes]
    takes_stream: bool
    gives_stream: bool


@dataclass(slots=True)
class Registered:
    """Takes the handlers that `add_…Servicer_to_server` registers, in place of a server."""

    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = field(default_factory=dict)

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """Keep the handlers of a service, by path."""
        for name, handler in method_handlers.items():
            self.handlers[f"/{service_name}/{name}"] = handler

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Leave them: they are the same ones."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a call passes through.

    Attributes:
        tokens: say who calls.
        gate: says whether there is room.
        log: gets a line a call.
        metrics: count rows.
        request_bytes_max: of one message that comes.
        response_bytes_max: of one message that goes.
    """

    tokens: Tokens
    gate: Gate
    log: Log
    metrics: Metrics
    request_bytes_max: int
    response_bytes_max: int


class Chain(grpc.GenericRpcHandler):
    """Lets calls of all servicers in."""

    def __init__(self, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]], parts: Parts) -> None:
        """Wrap handlers.

        Args:
            handlers: path -> handler, of `Registered`.
            parts: what calls pass through.
        """
        self._methods = {path: _method(path, handler) for path, handler in handlers.items()}
        self._parts = parts
        self._prefix = os.urandom(4).hex()  # tells the numbers of several processes apart
        self._count = count(1)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Let a call in, or find out what keeps it out; gRPC asks this of each."""
        method = self._methods.get(handler_call_details.method)
        if method is None:
            return None
        parts = self._parts
        arrival = Arrival(parts, method, f"{self._prefix}-{next(self._count):x}")
        authorization: str | None = None
        for key, value in handler_call_details.invocation_metadata:
            if key == "authorization":
                authorization = str(value)
            elif key == CALLER_REQUEST_KEY:
                arrival.caller_request = str(value)[:CALLER_REQUEST_CHARACTERS_MAX]
        keeps_out = parts.gate.check()
        if keeps_out is None:
            try:
                self._look_at_tokens()
                arrival.principal = principal = parts.tokens.principal(authorization)
                if method.scope not in principal.scopes:
                    raise _lacks(principal, method.scope)
                return arrival
            except ProblemsFound as found:
                keeps_out = found
        # A method that takes a stream: its thread does not wait for a message that may never come.
        refuse: Any = partial(arrival.refuse, keeps_out)
        refuse.experimental_thread_pool = parts.gate.refusing
        return grpc.stream_unary_rpc_method_handler(refuse)

    def _look_at_tokens(self) -> None:
        log = self._parts.log
        try:
            if self._parts.tokens.look():
                log.event("tokens-changed")
        except ProblemsFound as found:
            log.event("tokens-not-changed", problem="tokens-file", why=str(found))


class Arrival:
    """A call that came. To gRPC it is the handler of its method: it has what a `grpc.RpcMethodHandler` has."""

    __slots__ = ("at_ns", "billed", "caller_request", "cpu_ns", "method", "parts", "principal", "refused", "request")
    request_deserializer = None
    response_serializer = None

    def __init__(self, parts: Parts, method: Method, request: str) -> None:
        """Note when it came.

        Args:
            parts: what it passes through.
            method: that is called.
            request: our number of it.
        """
        self.parts = parts
        self.method = method
        self.request = request
        self.principal = _NOBODY
        self.caller_request = ""
        self.at_ns = perf_counter_ns()
        self.cpu_ns = 0  # of the thread when it took the call up
        self.billed = 0  # rows that the metrics have already
        self.refused = 0

    @property
    def request_streaming(self) -> bool:
        """Whether the method takes a stream."""
        return self.method.takes_stream

    @property
    def response_streaming(self) -> bool:
        """Whether the method gives a stream."""
        return self.method.gives_stream

    def refuse(self, keeps_out: ProblemsFound, _: object, context: grpc.ServicerContext) -> NoReturn:
        """Say why the call is not let in."""
        self.parts.gate.wait_to_refuse(HELD_SECONDS_MAX)
        self._fail(self._begin(context), keeps_out)

    def unary_unary(self, data: bytes, context: grpc.ServicerContext) -> bytes:
        """Answer a message with a message."""
        call = self._begin(context)
        try:
            answer = self._write(self.method.answer(self._read(data), call))
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes the call's status
            self._fail(call, error)
        self._succeed(call)
        return answer

    def stream_unary(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        """Answer a stream with a message."""
        call = self._begin(context)
        try:
            with self.parts.gate.stream():
                answer = self._write(self.method.answer(self._read_all(requests), call))
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes the call's status
            self._fail(call, error)
        self._succeed(call)
        return answer

    def unary_stream(self, data: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        """Answer a message with a stream."""
        return self._stream(lambda: self._read(data), context)

    def stream_stream(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        """Answer a stream with a stream."""
        return self._stream(lambda: self._read_all(requests), context)

    def _stream(self, read: Callable[[], Any], context: grpc.ServicerContext) -> Iterator[bytes]:
        call = self._begin(context)
        gate = self.parts.gate
        try:
            with gate.stream():
                answers = self.method.answer(read(), call)
                try:
                    for answer in answers:
                        yield self._write(answer)
                        self._count_rows(call)
                        gate.check_patience()
                finally:
                    answers.close()
        except GeneratorExit:  # the caller is gone, and gRPC asks for no more
            self._ended(call, over(context).name, "call-over")
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes the call's status
            self._fail(call, error)
        self._succeed(call)

    def _begin(self, context: grpc.ServicerContext) -> Call:
        self.cpu_ns = thread_time_ns()
        return Call(context, self.principal, self.request)

    def _read(self, data: bytes) -> Any:
        at_most = self.parts.request_bytes_max
        if len(data) > at_most:
            raise ProblemsFound([problem("message-too-large", None, None, found=len(data), at_most=at_most)])
        try:
            return self.method.parse(data)
        except DecodeError:
            name = f"{self.method.path.rpartition('/')[2]}Request"
            raise ProblemsFound([problem("message-unreadable", None, None, name=name)]) from None

    def _read_all(self, requests: Iterator[bytes]) -> Iterator[Any]:
        for data in requests:
            yield self._read(data)

    def _write(self, answer: Any) -> bytes:
        data: bytes = answer.data if isinstance(answer, Written) else self.method.serialize(answer)
        assert type(data) is bytes, "gRPC sends bytes; a call whose answer it cannot send would never end"
        at_most = self.parts.response_bytes_max
        if len(data) > at_most:
            raise ProblemsFound([problem("answer-too-large", None, None, found=len(data), at_most=at_most)])
        return data

    def _succeed(self, call: Call) -> None:
        if self.caller_request:  # who numbers calls is told ours; for all others it would be a tenth of the work
            call.context.set_trailing_metadata(((REQUEST_KEY, self.request),))
        # Of a call that was quick it does not matter whether its caller has just gone.
        if perf_counter_ns() - self.at_ns < QUICK_NS or call.context.is_active():
            self._ended(call, "OK")
        else:
            self._ended(call, over(call.context).name, "call-over")

    def _fail(self, call: Call, error: Exception) -> NoReturn:
        """Give a call its status. Raises what gRPC raises to end a call."""
        found: Failed = failed(error, self.request, call.context)
        if found.ours:
            told = {"request": self.request, "method": self.method.path}
            self.parts.log.event("our-fault", **told, traceback="".join(traceback.format_exception(error)))
        self._ended(call, found.code.name, found.problem)
        call.context.set_trailing_metadata(((REQUEST_KEY, self.request), (STATUS_KEY, found.details)))
        call.context.abort(found.code, found.message)

    def _ended(self, call: Call, code: str, problem_code: str = "") -> None:
        """Leave the line of a call; whoever writes it counts the call, and the rows that are not counted yet."""
        self.parts.log.ended(
            Ended(
                time(),
                self.request,
                self.method.path,
                self.principal.name,
                call.context.peer(),
                code,
                problem_code,
                perf_counter_ns() - self.at_ns,
                thread_time_ns() - self.cpu_ns,
                self.caller_request,
                call.noted,
                self.billed,
                self.refused,
            )
        )

    def _count_rows(self, call: Call) -> None:
        billed, refused = call.noted.get("billed", 0), call.noted.get("refused", 0)
        if isinstance(billed, int) and isinstance(refused, int) and (billed, refused) != (self.billed, self.refused):
            self.parts.metrics.rows(billed - self.billed, refused - self.refused)
            self.billed, self.refused = billed, refused


def scope_of(path: str) -> str:
    """Which scope a method needs.

    >>> scope_of("/dianjia.rating.v1.RatingService/CalculateBill")
    'rate'
    """
    _, service, name = path.split("/")
    return SCOPE_OF_METHOD.get(name, SCOPE_OF_SERVICE[service])


def _method(path: str, handler: grpc.RpcMethodHandler[Any, Any]) -> Method:
    name = f"{'stream' if handler.request_streaming else 'unary'}_{'stream' if handler.response_streaming else 'unary'}"
    assert handler.request_deserializer is not None
    assert handler.response_serializer is not None
    return Method(
        path,
        scope_of(path),
        getattr(handler, name),
        handler.request_deserializer,
        handler.response_serializer,
        handler.request_streaming,
        handler.response_streaming,
    )


def _lacks(principal: Principal, scope: str) -> ProblemsFound:
    if not principal.name:  # what it lacks is a name
        return ProblemsFound([problem("token-missing", None)])
    return ProblemsFound([problem("scope-missing", None, None, who=principal.name, scope=scope)])
