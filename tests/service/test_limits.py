"""How much is taken at once: calls, streams, sizes of messages, time. Too much is told so, and nothing hangs."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health_pb2

from dianjia.rating.v1 import rating_pb2
from dianjia.rulesets.v1 import rulesets_pb2
from dianjia.type.v1 import type_pb2
from tests.service.asking import health, household, odd, rating, rule_sets
from tests.service.serving import Server, serving
from tests.service.told import told, told_by

CALLS, STREAMS, WORKERS = 12, 3, 4
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
MIB = 1024 * 1024
WRITTEN_SECONDS = 0.3  # until the lines of calls that have ended stand in the log
LARGE = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"calls": CALLS, "streams": STREAMS, "workers": WORKERS}
    with serving(tmp_path_factory.mktemp("server"), settings=settings, odd=True) as found:
        yield found


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with server.channel(options=LARGE) as found:
        yield found


def chunks(seconds: str, count: int = 1) -> Iterator[rating_pb2.CalculateBillsRequest]:
    for number in range(count):
        chunk = type_pb2.Chunk(rows=10)
        yield rating_pb2.CalculateBillsRequest(sequence=number, chunk=chunk, run="" if number else seconds)


def outcome(call: Callable[[], object]) -> str:
    """What came of a call: OK, or the code of the problem."""
    try:
        call()
    except grpc.RpcError as error:
        return told_by(error).code
    return "OK"


class TestCalls:
    def test_64_clients_at_once(self, server: Server) -> None:
        """Each has a connection of its own; each is answered or told to come again, and the server counts alike."""
        time.sleep(WRITTEN_SECONDS)
        before = len(server.calls("CalculateBill"))
        together = threading.Barrier(64)

        def client(number: int) -> str:
            with server.channel() as channel:
                grpc.channel_ready_future(channel).result(30)
                together.wait(60)
                return outcome(lambda: rating(channel).CalculateBill(odd(f"wait 0.{number % 3 + 2}"), timeout=60))

        with ThreadPoolExecutor(64) as clients:
            found = Counter(clients.map(client, range(64)))
        server.wait_for(lambda: len(server.calls("CalculateBill")) == before + 64)
        logged = Counter(line.get("problem", "OK") for line in server.calls("CalculateBill")[before:])

        assert found.total() == 64
        assert found.keys() == {"OK", "too-many-calls"}
        assert found["OK"] >= CALLS
        assert logged == found

    def test_the_refusal_says_when_to_come_again(self, channel: grpc.Channel) -> None:
        busy = [rating(channel).CalculateBill.future(odd("wait 0.7")) for _ in range(CALLS)]
        time.sleep(0.2)
        began = time.monotonic()

        found = told(lambda: rating(channel).CalculateBill(odd("1"), timeout=30))

        assert time.monotonic() - began < 0.4  # while every thread is busy
        assert (found.status, found.code) == (EXHAUSTED, "too-many-calls")
        assert found.parameters["at_most"] == str(CALLS)
        assert all(call.result().bill.row_id for call in busy)

    def test_afterwards_there_is_room_again(self, channel: grpc.Channel) -> None:
        """What was refused is counted by nothing."""
        found = [outcome(lambda: rating(channel).CalculateBill(odd("1"))) for _ in range(3 * CALLS)]

        assert set(found) == {"OK"}

    def test_calls_that_are_given_up_make_room(self, channel: grpc.Channel) -> None:
        for _ in range(3 * CALLS):
            call = rating(channel).CalculateBill.future(odd("wait 5"))
            call.cancel()
        time.sleep(0.3)

        assert outcome(lambda: rating(channel).CalculateBill(odd("1"), timeout=3)) == "OK"

    def test_health_is_answered_meanwhile(self, channel: grpc.Channel) -> None:
        """Beside as many streams as are allowed."""
        streams = [rating(channel).CalculateBills(chunks("0.6")) for _ in range(STREAMS)]
        time.sleep(0.1)

        answer = health(channel).Check(health_pb2.HealthCheckRequest(), timeout=0.4)

        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert [len(list(stream)) for stream in streams] == [1] * STREAMS


class TestStreams:
    def test_one_more_is_told_so_and_single_calls_go_on(self, server: Server, channel: grpc.Channel) -> None:
        streams = [rating(channel).CalculateBills(chunks("0.6")) for _ in range(STREAMS)]
        time.sleep(0.2)

        found = told(lambda: list(rating(channel).CalculateBills(chunks(""))))
        single = outcome(lambda: rating(channel).CalculateBill(odd("1"), timeout=0.4))

        assert (found.status, found.code) == (EXHAUSTED, "too-many-calls")
        assert found.parameters == {"at_most": str(STREAMS), "what": "streams", "what_zh": "流"}
        assert single == "OK"
        assert [len(list(stream)) for stream in streams] == [1] * STREAMS

    def test_streams_that_are_given_up_make_room(self, server: Server, channel: grpc.Channel) -> None:
        time.sleep(WRITTEN_SECONDS)
        before = len(server.calls("CalculateBills"))
        for _ in range(2):
            streams = [rating(channel).CalculateBills(chunks("0.05", 100)) for _ in range(STREAMS)]
            for stream in streams:
                next(stream)
                stream.cancel()
            server.wait_for(lambda: len(server.calls("CalculateBills")) >= before + STREAMS)
            time.sleep(0.2)

        assert outcome(lambda: list(rating(channel).CalculateBills(chunks("")))) == "OK"
        cancelled = [line for line in server.calls("CalculateBills")[before:] if line["code"] == "CANCELLED"]
        assert len(cancelled) == 2 * STREAMS
        assert {line["problem"] for line in cancelled} == {"call-over"}


class TestTime:
    def test_a_deadline_stops_the_work(self, server: Server, channel: grpc.Channel) -> None:
        """The work would take 20 s; the server gives it up when the caller does, and says so in its log."""
        began = time.monotonic()

        with pytest.raises(grpc.RpcError) as raised:
            rating(channel).CalculateBill(odd("wait 20"), timeout=0.3, metadata=(("x-request-id", "late"),))
        server.wait_for(lambda: any(line.get("caller_request") == "late" for line in server.calls()), seconds=5)

        (line,) = [line for line in server.calls() if line.get("caller_request") == "late"]
        assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert (line["code"], line["problem"]) == ("DEADLINE_EXCEEDED", "call-over")
        assert time.monotonic() - began < 5

    def test_a_cancelled_call_stops_too(self, server: Server, channel: grpc.Channel) -> None:
        call = rating(channel).CalculateBill.future(odd("wait 20"), metadata=(("x-request-id", "gone"),))
        time.sleep(0.2)
        call.cancel()
        server.wait_for(lambda: any(line.get("caller_request") == "gone" for line in server.calls()), seconds=5)

        (line,) = [line for line in server.calls() if line.get("caller_request") == "gone"]
        assert (line["code"], line["problem"]) == ("CANCELLED", "call-over")


class TestSizes:
    def test_a_message_above_4_mib(self, channel: grpc.Channel) -> None:
        request = odd("x" * 4 * MIB)

        found = told(lambda: rating(channel).CalculateBill(request))

        assert (found.status, found.code) == (EXHAUSTED, "message-too-large")
        assert found.parameters == {"found": str(request.ByteSize()), "at_most": str(4 * MIB)}

    def test_a_message_of_exactly_4_mib(self, channel: grpc.Channel) -> None:
        request = odd("x" * (4 * MIB - 10))
        assert request.ByteSize() == 4 * MIB

        answer = rating(channel).CalculateBill(request)

        assert len(answer.bill.row_id) == 4 * MIB - 10

    def test_one_in_a_stream(self, channel: grpc.Channel) -> None:
        """The chunk before it is answered."""

        def requests() -> Iterator[rating_pb2.CalculateBillsRequest]:
            yield rating_pb2.CalculateBillsRequest(sequence=1, chunk=type_pb2.Chunk(rows=1))
            yield rating_pb2.CalculateBillsRequest(run="x" * 5 * MIB)

        stream = rating(channel).CalculateBills(requests())
        first = next(stream)
        found = told(lambda: next(stream))

        assert first.sequence == 1
        assert found.code == "message-too-large"

    def test_a_message_far_above_is_refused_by_grpc(self, channel: grpc.Channel) -> None:
        """Unread, so that it takes no memory."""
        with pytest.raises(grpc.RpcError) as raised:
            rating(channel).CalculateBill(odd("x" * 20 * MIB))

        assert raised.value.code() == EXHAUSTED

    def test_an_answer_above_4_mib(self, channel: grpc.Channel) -> None:
        """It is told before it is sent, whatever the client would take."""
        found = told(lambda: rating(channel).CalculateBill(odd(f"big {5 * MIB}")))

        assert (found.status, found.code) == (EXHAUSTED, "answer-too-large")
        assert found.parameters["at_most"] == str(4 * MIB)

    def test_the_server_goes_on(self, channel: grpc.Channel) -> None:
        assert outcome(lambda: rating(channel).CalculateBill(odd("1"))) == "OK"


def test_a_caller_without_a_token_holds_no_thread(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Calls that never send their message are refused on arrival, and those of others are answered."""
    folder = tmp_path_factory.mktemp("tokens")
    settings = {"workers": 1, "streams": 1}
    with (
        serving(folder, tokens={"billing": "rate read"}, settings=settings) as server,
        server.channel() as stranger,
        server.channel("billing") as billing,
    ):
        silent: grpc.StreamUnaryMultiCallable[bytes, bytes] = stranger.stream_unary(
            "/dianjia.rating.v1.RatingService/CalculateBill"
        )
        quiet = threading.Event()
        held = [silent.future(_nothing(quiet)) for _ in range(20)]
        answers = [rating(billing).CalculateBill(household(), timeout=10) for _ in range(3)]
        codes = [call.code() for call in held]
        quiet.set()
        listed = rule_sets(billing).ListRuleSets(rulesets_pb2.ListRuleSetsRequest(), timeout=10)

    assert len(answers) == 3
    assert codes == [grpc.StatusCode.UNAUTHENTICATED] * 20
    assert listed.total_size == 1


def _nothing(until: threading.Event) -> Iterator[bytes]:
    until.wait(30)
    yield from ()
