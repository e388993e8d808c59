"""What is tried again and what is not, and answers that do not hold together."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from dianjia.client import AnswerBroken, Client, Patience, ServiceError, VersionGone
from dianjia.rating.v1 import rating_pb2 as rating
from tests.client.scripted import VERSION, Fails, Script, refusing_all, scripted

CODE = grpc.StatusCode
PASSING = [
    Fails(CODE.UNAVAILABLE, "recvmsg:Connection reset by peer"),
    Fails(CODE.UNAVAILABLE, "shutting-down: the server is shutting down.", "SHUTTING_DOWN", 0.01),
    Fails(CODE.RESOURCE_EXHAUSTED, "too-many-calls: as many as it takes.", "TOO_MANY_CALLS", 0.01),
    Fails(CODE.RESOURCE_EXHAUSTED, "Concurrent RPC limit exceeded!"),
    Fails(CODE.INTERNAL, "Received RST_STREAM with error code 2"),
    Fails(CODE.UNKNOWN, "Stream removed"),
    Fails(CODE.CANCELLED, "CANCELLED"),
]
LASTING = [
    Fails(CODE.INVALID_ARGUMENT, "column-length: too short.", "COLUMN_LENGTH"),
    Fails(CODE.FAILED_PRECONDITION, "no-version-active: none.", "NO_VERSION_ACTIVE"),
    Fails(CODE.RESOURCE_EXHAUSTED, "compile-too-long: too long.", "COMPILE_TOO_LONG"),
    Fails(CODE.RESOURCE_EXHAUSTED, "SERVER: Received message larger than max (9 vs. 8)"),
    Fails(CODE.INTERNAL, "our-fault: the server failed.", "OUR_FAULT"),
    Fails(CODE.INTERNAL, "Exception deserializing request!"),
    Fails(CODE.PERMISSION_DENIED, "scope-missing: not you.", "SCOPE_MISSING"),
    Fails(CODE.UNIMPLEMENTED, "Method not found!"),
    Fails(CODE.UNKNOWN, "Exception calling application: 1"),
]


def name(how: Fails) -> str:
    return f"{how.status.name} {how.message[:30]}"


def rows(count: int = 10) -> dict[str, Any]:
    return {
        "row_id": list(range(count)),
        "ruleset": "cn.test.home",
        "period_from": "2026-01-01",
        "period_to": "2026-02-01",
    }


def bill(client: Client) -> str:
    return client.bill("cn.test.home", "2026-01-01", "2026-02-01", {}, row_id="a").row_id


@pytest.mark.parametrize("how", PASSING, ids=name)
def test_what_passes(how: Fails) -> None:
    """A failure that may pass is tried again, in a call and in a stream."""
    script = Script(unary=[how, how], streams=[(2, how), (0, how), (3, how)])

    with scripted(script) as address, Client(address) as client:
        row_id = bill(client)
        bills = client.bills(rows(), chunk_rows=1)

    assert (row_id, script.calls) == ("a", 3)
    assert [0, 2, 2, 5] == [first.sequence for first in script.first]
    assert list(range(10)) == bills.refused["row"].tolist()


@pytest.mark.parametrize("how", LASTING, ids=name)
def test_what_lasts(how: Fails) -> None:
    """A failure that lasts is raised at once, with its code, and nothing is tried again."""
    script = Script(unary=[how], streams=[(0, how)])

    with scripted(script) as address, Client(address) as client:
        with pytest.raises(ServiceError) as one:
            bill(client)
        with pytest.raises(ServiceError) as many:
            client.bills(rows(1))

    assert (script.calls, len(script.first)) == (1, 1)
    for raised in (one.value, many.value):
        assert (raised.status, str(raised)) == (how.status, how.message)
        assert raised.code == how.reason.lower().replace("_", "-")
        assert not raised.again


def test_the_version_is_named_again() -> None:
    """Each stream begins with the hash that the first one was billed by, the run and the detail."""
    again = Fails(CODE.UNAVAILABLE)
    script = Script(streams=[(2, again), (2, again)])

    with scripted(script) as address, Client(address) as client:
        client.bills(rows(), chunk_rows=2, detail="full", run="2026-09")

    assert [(VERSION, rating.DETAIL_FULL, "2026-09")] * 3 == [
        (first.version.version, first.detail, first.run) for first in script.first
    ]


@pytest.mark.parametrize("code", ["VERSION_NOT_HERE", "VERSION_WITHDRAWN"])
def test_version_gone(code: str) -> None:
    """A version that is gone in the middle ends the stream, and no other is asked for."""
    gone = Fails(CODE.FAILED_PRECONDITION, "gone", code)
    script = Script(streams=[(2, Fails(CODE.UNAVAILABLE)), (0, gone)])

    with scripted(script) as address, Client(address) as client, pytest.raises(VersionGone):
        client.bills(rows(), chunk_rows=1)

    assert len(script.first) == 2


def test_pauses() -> None:
    """The server's own pause is kept; patience ends where nothing is answered, and begins anew with an answer."""
    slow = Script(unary=[Fails(CODE.UNAVAILABLE, "", "SHUTTING_DOWN", 0.4)])
    down = Script(unary=[Fails(CODE.UNAVAILABLE)] * 100)
    shaky = Script(streams=[(1, Fails(CODE.UNAVAILABLE))] * 8)

    began = time.monotonic()
    with scripted(slow) as address, Client(address) as client:
        bill(client)
    waited = time.monotonic() - began
    with scripted(down) as address, Client(address, patience=Patience(0.5)) as client, pytest.raises(ServiceError):
        bill(client)
    with scripted(shaky) as address, Client(address, patience=Patience(0.5)) as client:
        bills = client.bills(rows(), chunk_rows=1)

    assert waited >= 0.4
    assert 2 < down.calls < 8
    assert bills.received == 10


def test_no_patience() -> None:
    """Patience of 0 raises the first failure."""
    script = Script(unary=[Fails(CODE.UNAVAILABLE, "away")])

    with (
        scripted(script) as address,
        Client(address, patience=Patience(0)) as client,
        pytest.raises(ServiceError) as raised,
    ):
        bill(client)

    assert (script.calls, str(raised.value), raised.value.again) == (1, "away", True)


def test_a_chunk_that_is_too_large() -> None:
    """Chunks are halved until they fit; a single row that does not fit is an error."""
    script = Script(streams=[(0, Fails(CODE.RESOURCE_EXHAUSTED, "larger", "ANSWER_TOO_LARGE"))] * 2)
    never = Script(streams=[(0, Fails(CODE.RESOURCE_EXHAUSTED, "larger", "MESSAGE_TOO_LARGE"))] * 20)

    with scripted(script) as address, Client(address) as client:
        bills = client.bills(rows(16), chunk_rows=8)
    with scripted(never) as address, Client(address) as client, pytest.raises(ServiceError) as raised:
        client.bills(rows(16))

    assert [8, 4, 2] == [first.chunk.rows for first in script.first]
    assert list(range(16)) == bills.refused["row"].tolist()
    assert raised.value.code == "message-too-large"
    assert len(never.first) == 5


def test_a_long_run_goes_on_in_another_stream() -> None:
    """A stream that the server ends after some answers is followed by another, until every row has its answer."""
    script = Script(streams=[(3, None), (3, None)])

    with scripted(script) as address, Client(address) as client:
        bills = client.bills(rows(), chunk_rows=1)

    assert [0, 3, 6] == [first.sequence for first in script.first]
    assert list(range(10)) == bills.refused["row"].tolist()


Change = Callable[[rating.CalculateBillsResponse], object]


def billed(answer: rating.CalculateBillsResponse, **columns: Any) -> None:
    """Answer that all rows are billed, with a total of 1.00 each."""
    del answer.row_errors[:]
    answer.billed = answer.received
    group = answer.groups.add(ruleset="cn.test.home", currency="CNY")
    group.total.places = 2
    group.total.values.extend([100] * columns.get("totals", answer.received))
    group.index.extend(columns.get("index", ()))
    for shown in columns.get("lines", ()):
        group.lines.add(id="energy").amounts.values.extend([100] * shown)
    for parts in columns.get("parts", ()):
        group.parts.append(parts)


LIES: list[Any] = [
    pytest.param(lambda answer: answer.row_errors.pop(), "0 billed, 9 refused", id="a row is lacking"),
    pytest.param(lambda answer: setattr(answer.row_errors[1], "index", 0), "10 rows were sent", id="a row twice"),
    pytest.param(lambda answer: setattr(answer.row_errors[1], "index", 10), "has the index 10", id="a row beyond"),
    pytest.param(lambda answer: setattr(answer, "received", 9), "counts 9 received", id="received"),
    pytest.param(lambda answer: setattr(answer, "billed", 1), "1 billed, 10 refused", id="billed"),
    pytest.param(lambda answer: setattr(answer, "version", "b" * 64), "was asked for, bbb", id="another version"),
    pytest.param(lambda answer: setattr(answer, "sequence", 7), "chunk 7 came where that to 0", id="another chunk"),
    pytest.param(lambda answer: billed(answer, totals=9), "another length than its rows", id="a total is lacking"),
    pytest.param(lambda answer: billed(answer, lines=[9]), "another length than its rows", id="a line is short"),
    pytest.param(lambda answer: billed(answer, index=[*range(9), 12]), "an index runs from 0 to 12", id="index beyond"),
    pytest.param(lambda answer: billed(answer, index=[*range(9), 8]), "10 rows were sent", id="index twice"),
    pytest.param(
        lambda answer: billed(answer, parts=[1] * 10), "another length than its rows", id="parts without days"
    ),
]


@pytest.mark.parametrize(("lie", "said"), LIES)
def test_answers_that_do_not_hold_together(lie: Change, said: str) -> None:
    """Received = billed + refused, row by row and by one version, or nothing of the answer is used."""

    def answer(request: rating.CalculateBillsRequest) -> rating.CalculateBillsResponse:
        made = refusing_all(request)
        lie(made)
        return made

    with scripted(Script(answer=answer)) as address, Client(address) as client, pytest.raises(AnswerBroken) as raised:
        client.bills(rows())

    assert said in str(raised.value)


def test_a_server_that_answers_nothing() -> None:
    """A stream that ends at once, again and again, is an error and no endless loop."""
    script = Script(streams=[(0, None)] * 5)

    with scripted(script) as address, Client(address) as client, pytest.raises(AnswerBroken) as raised:
        client.bills(rows())

    assert str(raised.value) == "the stream ended without an answer to any chunk"
