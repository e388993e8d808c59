"""Ten thousand messages spoilt at random: the server answers each, never fails, and goes on."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from dianjia.rating.v1 import rating_pb2
from dianjia.type.v1 import type_pb2
from engine.evaluator.draw import draw
from engine.evaluator.rows import Rows
from tests.billing import book
from tests.service.asking import household, rating, unscaled
from tests.service.mutating import spoilt_bytes, spoilt_field
from tests.service.sending import chunk_of, joined, row_of, without_floats
from tests.service.serving import RESIDENTIAL, Server, rules_in, serving

MESSAGES = 10_000
AT_ONCE = 12  # calls under way
SECONDS = 60.0
STREAM = "CalculateBills"
SERVICE = "/dianjia.rating.v1.RatingService/"
RULES = {
    "cn.jiangsu.residential": (RESIDENTIAL,),
    "cn.national.special_transformer": (
        "cn/national/special_transformer.ruleset.yaml",
        "cn/national/power_factor.shared.yaml",
    ),
    "us.example.coincident_peak": (
        "us/example/coincident_peak.ruleset.yaml",
        "us/example/may_to_june.csv",
    ),
}
ALLOWED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    rules = rules_in(folder, [file for files in RULES.values() for file in files])
    with serving(folder, rules=rules) as server:
        yield server


@pytest.fixture(scope="module")
def batches() -> Mapping[str, Rows]:
    """Rows of a plain rule set, of one with lists, and of one with intervals and parts."""
    return {name: without_floats(draw(book()[name], 9 if "peak" not in name else 1, 5)) for name in RULES}


@pytest.fixture(scope="module")
def good(server: Server, batches: Mapping[str, Rows]) -> Mapping[str, list[Message]]:
    """Messages to be spoilt, by method."""
    with server.channel() as channel:
        version = rating(channel).CalculateBill(household()).bill.version
    chosen = type_pb2.VersionChoice(version=version)
    chunks = [chunk_of(rows) for rows in batches.values()]
    chunks.append(chunk_of(joined([batches["cn.jiangsu.residential"], batches["cn.jiangsu.residential"]])))
    rows = [row_of(one, at) for one in batches.values() for at in range(len(one))]
    return {
        "CalculateBill": [rating_pb2.CalculateBillRequest(row=row) for row in rows],
        "ExplainBill": [rating_pb2.ExplainBillRequest(row=row, version=chosen) for row in rows],
        "EvaluateWarnings": [rating_pb2.EvaluateWarningsRequest(chunk=chunk) for chunk in chunks],
        "CompareBills": [rating_pb2.CompareBillsRequest(chunk=chunk, after=chosen) for chunk in chunks],
        STREAM: [
            rating_pb2.CalculateBillsRequest(chunk=chunk, detail=detail)
            for chunk in chunks
            for detail in (rating_pb2.DETAIL_FULL, rating_pb2.DETAIL_TOTALS)
        ],
    }


@pytest.mark.slow
def test_no_message_makes_the_server_fail(server: Server, good: Mapping[str, list[Message]]) -> None:
    draw = random.Random(20260101)
    methods = list(good)
    spoilt = [_spoilt(good[methods[at % len(methods)]], draw) for at in range(MESSAGES)]

    with server.channel() as channel:
        calls = {method: _raw(channel, method) for method in methods}
        outcomes: Counter[grpc.StatusCode] = Counter()
        for first in range(0, MESSAGES, AT_ONCE):
            several = range(first, min(first + AT_ONCE, MESSAGES))
            under_way = [(method := methods[at % len(methods)], calls[method](spoilt[at])) for at in several]
            outcomes.update(_ended(method, call) for method, call in under_way)
        after = unscaled(rating(channel).CalculateBill(household()))

    assert after == (5_283, 2, "CNY")
    assert [one for one in server.log() if one.get("event") == "our-fault"][:3] == []
    assert outcomes.keys() <= ALLOWED
    assert outcomes.total() == MESSAGES
    assert min(outcomes[code] for code in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT)) > MESSAGES // 10
    assert server.process.poll() is None


def _spoilt(messages: list[Message], draw: random.Random) -> bytes:
    one = draw.choice(messages)
    how = draw.random()
    if how < 0.02:
        return draw.randbytes(draw.randrange(200))
    if how < 0.5:
        return spoilt_bytes(one.SerializeToString(), draw)
    changed = type(one)()
    changed.CopyFrom(one)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        spoilt_field(changed, draw)
    return changed.SerializeToString()


def _raw(channel: grpc.Channel, method: str) -> Callable[[bytes], Any]:
    """A method that takes bytes and gives the call."""
    if method == STREAM:
        stream: Any = channel.stream_stream(SERVICE + method)
        return lambda data: stream(iter([data]), timeout=SECONDS)
    unary: Any = channel.unary_unary(SERVICE + method)
    return lambda data: unary.future(data, timeout=SECONDS)


def _ended(method: str, call: Any) -> grpc.StatusCode:
    """Read a call's answers to their end, and give its status."""
    if method == STREAM:
        with suppress(grpc.RpcError):
            deque(call, maxlen=0)
    code: grpc.StatusCode = call.code()
    return code
