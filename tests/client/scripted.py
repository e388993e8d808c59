"""A server that fails and lies by a script: for what the real one does at moments that no test can choose, or never."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.rulesets.v1 import rulesets_pb2 as rulesets

VERSION = "a" * 64
Handlers = dict[str, Any]
Answering = Callable[[rating.CalculateBillsRequest], rating.CalculateBillsResponse]


@dataclass(frozen=True, slots=True)
class Fails:
    """A status: gRPC's own where `reason` is empty, else one of the service."""

    status: grpc.StatusCode
    message: str = ""
    reason: str = ""
    pause_seconds: float | None = None


@dataclass(slots=True)
class Script:
    """What is done, call by call; once it is over, calls are answered.

    Attributes:
        unary: what each single call fails with.
        streams: how many chunks each stream answers, and what it then fails with; None: it ends.
        answer: makes the answer to a chunk.
        first: first message of each stream that came.
        sequences: numbers of all chunks that came.
    """

    unary: list[Fails] = field(default_factory=list)
    streams: list[tuple[int, Fails | None]] = field(default_factory=list)
    answer: Answering = field(default=lambda request: refusing_all(request))
    first: list[rating.CalculateBillsRequest] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    calls: int = 0

    def one(self, request: rating.CalculateBillRequest, context: grpc.ServicerContext) -> rating.CalculateBillResponse:
        self.calls += 1
        if self.unary:
            fail(context, self.unary.pop(0))
        bill = rating.Bill(row_id=request.row.row_id, period_from="2026-01-01", period_to="2026-02-01")
        return rating.CalculateBillResponse(bill=bill)

    def many(
        self, request_iterator: Iterator[rating.CalculateBillsRequest], context: grpc.ServicerContext
    ) -> Iterator[rating.CalculateBillsResponse]:
        answers, then = self.streams.pop(0) if self.streams else (1_000_000, None)
        for number, request in enumerate(request_iterator):
            if number == 0:
                self.first.append(request)
            self.sequences.append(request.sequence)
            if number == answers:
                if then is not None:
                    fail(context, then)
                return
            yield self.answer(request)

    def rule_sets(
        self, request: rulesets.ListRuleSetsRequest, context: grpc.ServicerContext
    ) -> rulesets.ListRuleSetsResponse:
        return rulesets.ListRuleSetsResponse(version=request.version.version or VERSION)


def refusing_all(request: rating.CalculateBillsRequest) -> rating.CalculateBillsResponse:
    """Refuse every row: an answer that any frame can have."""
    answer = rating.CalculateBillsResponse(
        sequence=request.sequence, version=VERSION, received=request.chunk.rows, billed=0
    )
    for index in range(request.chunk.rows):
        answer.row_errors.add(index=index, code="unknown-ruleset", field="ruleset", sequence=request.sequence)
    return answer


def fail(context: grpc.ServicerContext, how: Fails) -> None:
    """End a call with a status."""
    details = []
    if how.reason:
        details.append(error_details_pb2.ErrorInfo(reason=how.reason, domain="dianjia"))
    if how.pause_seconds is not None:
        delay = Duration()
        delay.FromTimedelta(timedelta(seconds=how.pause_seconds))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=how.status.value[0], message=how.message)
    for detail in details:
        packed = Packed()
        packed.Pack(detail)
        status.details.append(packed)
    if details:
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(how.status, how.message)


def _written(message: Message) -> bytes:
    return message.SerializeToString()


@contextmanager
def scripted(script: Script) -> Iterator[str]:
    """Serve a script on a free port; give its address."""
    server = grpc.server(ThreadPoolExecutor(4))
    single, listing = rating.CalculateBillRequest, rulesets.ListRuleSetsRequest
    rating_calls: Handlers = {
        "CalculateBill": grpc.unary_unary_rpc_method_handler(script.one, single.FromString, _written),
        "CalculateBills": grpc.stream_stream_rpc_method_handler(
            script.many, rating.CalculateBillsRequest.FromString, _written
        ),
    }
    listing_calls: Handlers = {
        "ListRuleSets": grpc.unary_unary_rpc_method_handler(script.rule_sets, listing.FromString, _written)
    }
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("dianjia.rating.v1.RatingService", rating_calls),
            grpc.method_handlers_generic_handler("dianjia.rulesets.v1.RuleSetService", listing_calls),
        )
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
