"""How a server ends: calls under way are answered, new ones are told so, and nothing keeps it from ending."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2

from dianjia.rating.v1 import rating_pb2
from dianjia.type.v1 import type_pb2
from tests.documents import ROOT
from tests.service.asking import health, household, odd, rating
from tests.service.serving import SHIPPED, Server, environment, serving
from tests.service.told import told

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def chunks(seconds: str, count: int) -> Iterator[rating_pb2.CalculateBillsRequest]:
    for number in range(count):
        chunk = type_pb2.Chunk(rows=10)
        yield rating_pb2.CalculateBillsRequest(sequence=number, chunk=chunk, run="" if number else seconds)


def stopped(server: Server) -> dict[str, object]:
    """The last line of its log."""
    line = server.log()[-1]
    assert line["event"] == "stopped"
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(tmp_path: Path, number: int) -> None:
    with serving(tmp_path) as server:
        began = time.monotonic()
        code = server.stop(number)

    assert code == 0
    assert time.monotonic() - began < 3
    assert stopped(server)["cut_off"] == 0


def test_before_it_listens_a_signal_ends_it_at_once(tmp_path: Path) -> None:
    """While it compiles the shipped rules there is no call to wait for."""
    command = [sys.executable, str(ROOT / "server.py"), "--port", "0", "--rules", str(SHIPPED)]
    starting = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, text=True)
    database = tmp_path / "state" / "dianjia" / "registry.sqlite"
    end = time.monotonic() + 30
    while not database.exists() and time.monotonic() < end:
        time.sleep(0.01)

    starting.send_signal(signal.SIGTERM)
    printed, _ = starting.communicate(timeout=5)

    assert printed == ""
    assert starting.returncode == 0


def test_under_load_no_call_is_lost(tmp_path: Path) -> None:
    """Sixteen clients call without a pause while the server is told to end.

    Each call is answered, or told UNAVAILABLE; what the log says was answered is what clients were answered, to the
    call.
    """
    found: Counter[str] = Counter()
    counting = threading.Lock()
    ended = threading.Event()

    def client(server: Server) -> None:
        with server.channel() as channel:
            while not ended.is_set():
                try:
                    rating(channel).CalculateBill(household(), timeout=30)
                    outcome = "OK"
                except grpc.RpcError as error:
                    outcome = error.code().name
                    ended.wait(0.01)
                with counting:
                    found[outcome] += 1

    with serving(tmp_path) as server:
        clients = [threading.Thread(target=client, args=(server,)) for _ in range(16)]
        for one in clients:
            one.start()
        time.sleep(1)
        answered_before = found["OK"]
        code = server.stop()
        ended.set()
        for one in clients:
            one.join()
    logged = Counter(line["code"] for line in server.calls("CalculateBill"))

    assert code == 0
    assert answered_before > 50
    assert found.keys() == {"OK", "UNAVAILABLE"}
    assert found["OK"] == logged["OK"]
    assert logged.keys() <= {"OK", "UNAVAILABLE"}


def test_calls_under_way_are_answered_and_new_ones_are_not(tmp_path: Path) -> None:
    """Whoever comes in the moment of the end is told `shutting-down`; later, nobody listens."""
    with serving(tmp_path, odd=True) as server, server.channel() as channel, server.channel() as other:
        grpc.channel_ready_future(other).result(10)
        under_way = rating(channel).CalculateBill.future(odd("stubborn 1.5"))
        time.sleep(0.3)
        server.send()
        time.sleep(0.05)
        found = told(lambda: rating(other).CalculateBill(odd("1"), timeout=10))
        time.sleep(0.3)
        with pytest.raises(grpc.RpcError) as later:
            rating(other).CalculateBill(odd("1"), timeout=10)
        answer = under_way.result()
        code = server.ended()

    assert (found.status, found.code) == (UNAVAILABLE, "shutting-down")
    assert later.value.code() == UNAVAILABLE
    assert answer.bill.row_id == "stubborn 1.5"
    assert code == 0


def test_a_stream_has_time_to_end(tmp_path: Path) -> None:
    with serving(tmp_path, odd=True) as server, server.channel() as channel:
        stream = rating(channel).CalculateBills(chunks("0.2", 8))
        next(stream)
        server.send()
        rest = [answer.sequence for answer in stream]
        code = server.ended()

    assert rest == list(range(1, 8))
    assert (code, stopped(server)["cut_off"]) == (0, 0)


def test_a_stream_that_takes_longer_ends_between_two_answers(tmp_path: Path) -> None:
    """It is told so in words, so that its client goes on elsewhere with the next chunk."""
    with serving(tmp_path, odd=True, settings={"grace_seconds": 3}) as server, server.channel() as channel:
        stream = rating(channel).CalculateBills(chunks("0.2", 100))
        answers = [next(stream).sequence]
        server.send()
        found = told(lambda: answers.extend(answer.sequence for answer in stream))
        code = server.ended()

    assert answers == list(range(len(answers)))
    assert 3 <= len(answers) <= 20
    assert (found.status, found.code) == (UNAVAILABLE, "shutting-down")
    assert code == 0


def test_what_does_not_end_is_cut_off(tmp_path: Path) -> None:
    """A call that asks nobody whether there is time holds the end up no longer than the grace."""
    with serving(tmp_path, odd=True, settings={"grace_seconds": 0.5}) as server, server.channel() as channel:
        call = rating(channel).CalculateBill.future(odd("stubborn 60"))
        time.sleep(0.3)
        began = time.monotonic()
        code = server.stop()
        took = time.monotonic() - began
        status = call.code()

    assert code == 0
    assert took < 5
    assert status in {grpc.StatusCode.CANCELLED, UNAVAILABLE}
    assert stopped(server)["cut_off"] == 1


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, odd=True, settings={"grace_seconds": 60}) as server, server.channel() as channel:
        call = rating(channel).CalculateBill.future(odd("stubborn 50"))
        time.sleep(0.3)
        began = time.monotonic()
        server.send()
        time.sleep(0.5)
        server.send()
        code = server.ended(10)

    assert code == 0
    assert time.monotonic() - began < 10
    assert call.code() in {grpc.StatusCode.CANCELLED, UNAVAILABLE}


def test_health_says_so_first(tmp_path: Path) -> None:
    """Whoever watches hears it while a call is still under way, and does not hold up the end."""
    with serving(tmp_path, odd=True) as server, server.channel() as channel, server.channel() as other:
        watch = health(other).Watch(health_pb2.HealthCheckRequest(service="dianjia.rating.v1.RatingService"))
        first = next(watch).status
        under_way = rating(channel).CalculateBill.future(odd("stubborn 1"))
        time.sleep(0.2)
        server.send()
        second = next(watch).status
        still = not under_way.done()
        rest = list(watch)
        server.ended(10)

    assert (first, second) == (health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING)
    assert still
    assert rest == []
    assert under_way.result().bill.row_id == "stubborn 1"


def test_the_last_lines_of_the_log_are_written(tmp_path: Path) -> None:
    """As many as there were calls, though the server is told to end right behind them."""
    with serving(tmp_path) as server, server.channel() as channel:
        for _ in range(200):
            rating(channel).CalculateBill(household())
        server.stop()

    assert len(server.calls("CalculateBill")) == 200


def test_a_killed_server_leaves_its_port(tmp_path: Path) -> None:
    """Nothing of it stands in the way of the next one, not even connections that ended a moment ago."""
    with serving(tmp_path / "1") as server, server.channel() as channel:
        rating(channel).CalculateBill(household())
        server.stop(signal.SIGKILL)
        with serving(tmp_path / "2", settings={"port": server.port}) as again, again.channel() as other:
            answer = rating(other).CalculateBill(household(), wait_for_ready=True, timeout=20)

    assert again.port == server.port
    assert answer.bill.total.unscaled == 5283
