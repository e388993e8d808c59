"""A server as it comes: what it prints, answers and logs, and what may be asked of it besides bills."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from dianjia.rating.v1 import rating_pb2
from engine.registry.content import read_folder, version_of
from engine.service.app import SERVICES
from tests.service.asking import health, household, rating, unscaled
from tests.service.serving import SHIPPED, Server, serving
from tests.service.told import told


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with server.channel() as found:
        yield found


def test_without_arguments_it_serves_the_shipped_rules(tmp_path: Path) -> None:
    """It says where it listens, what answers and how to call it, and does answer."""
    texts = [file.read_text("utf-8") for file in SHIPPED.rglob("*.ruleset.yaml")]
    watching = [text for text in texts if re.search(r"^triggers:", text, re.MULTILINE)]
    billing = [text for text in texts if text not in watching or re.search(r"^charges:", text, re.MULTILINE)]

    with serving(tmp_path, bare=True) as server, server.channel() as channel:
        answer = rating(channel).CalculateBill(household())
        printed = server.printed()
        code = server.stop()

    assert unscaled(answer) == (5283, 2, "CNY")
    assert f"listens on 127.0.0.1:{server.port}" in printed
    assert f"rules     {SHIPPED}\n" in printed
    assert f"version   {version_of(read_folder(SHIPPED))} ({len(billing)} rule sets)" in printed
    assert f"registry  sqlite:///{tmp_path}/state/dianjia/registry.sqlite" in printed
    assert f"grpcurl -plaintext 127.0.0.1:{server.port} list" in printed
    assert code == 0


def test_it_speaks_chinese(tmp_path: Path) -> None:
    with serving(tmp_path, env={"DIANJIA_LANGUAGE": "zh"}, bare=True) as server:
        printed = server.printed()

    assert "正在监听" in printed
    assert "任何人都可计费和读取" in printed


class TestLog:
    def test_a_line_says_who_asked_what_and_what_came_of_it(self, server: Server, channel: grpc.Channel) -> None:
        """The caller's own number of the call stands beside ours, which the answer carries too."""
        began = datetime.now(UTC)

        answer, call = rating(channel).CalculateBill.with_call(household(), metadata=(("x-request-id", "mine-7"),))
        server.wait_for(lambda: any(one.get("caller_request") == "mine-7" for one in server.calls()))

        (line,) = [one for one in server.calls() if one.get("caller_request") == "mine-7"]
        trailing = dict(call.trailing_metadata() or ())
        assert line["request"] == trailing["dianjia-request"]
        assert line["method"] == "/dianjia.rating.v1.RatingService/CalculateBill"
        assert line["principal"] == ""
        assert line["peer"].startswith("ipv4:127.0.0.1:")
        assert line["code"] == "OK"
        assert "problem" not in line
        assert line["version"] == answer.bill.version
        assert 0 < line["cpu_ms"] <= line["ms"] < 10_000
        assert abs(datetime.fromisoformat(line["time"]) - began) < timedelta(seconds=30)

    def test_a_refusal_says_why(self, server: Server, channel: grpc.Channel) -> None:
        found = told(lambda: rating(channel).CalculateBill(household("r-1", kwh="-5")))
        server.wait_for(lambda: any(one.get("problem") == "out-of-bounds" for one in server.calls()))

        (line,) = [one for one in server.calls() if one.get("problem") == "out-of-bounds"]
        assert (found.status, found.code) == (grpc.StatusCode.INVALID_ARGUMENT, "out-of-bounds")
        assert line["code"] == "INVALID_ARGUMENT"

    def test_numbers_of_calls_are_their_own(self, server: Server, channel: grpc.Channel) -> None:
        for _ in range(5):
            rating(channel).CalculateBill(household())
        server.wait_for(lambda: len(server.calls("CalculateBill")) >= 5)

        numbers = [line["request"] for line in server.calls()]
        assert len(numbers) == len(set(numbers))

    def test_it_goes_to_a_file_that_may_be_moved_away(self, tmp_path: Path) -> None:
        """After logrotate has moved the file, lines go to a new one of the old name; none is lost."""
        log = tmp_path / "calls.jsonl"

        with serving(tmp_path / "s", settings={"log": log}) as server, server.channel() as channel:
            rating(channel).CalculateBill(household())
            server.wait_for(lambda: log.read_text("utf-8").count("CalculateBill") == 1)
            log.rename(tmp_path / "calls.jsonl.1")
            rating(channel).CalculateBill(household())
            server.stop()

        assert log.read_text("utf-8").count("CalculateBill") == 1
        assert "stopped" in log.read_text("utf-8").splitlines()[-1]
        assert (tmp_path / "calls.jsonl.1").read_text("utf-8").count("CalculateBill") == 1


class TestHealth:
    @pytest.mark.parametrize("service", ["", *SERVICES])
    def test_each_service_serves(self, channel: grpc.Channel, service: str) -> None:
        answer = health(channel).Check(health_pb2.HealthCheckRequest(service=service))

        assert answer.status == health_pb2.HealthCheckResponse.SERVING

    def test_another_is_not_there(self, channel: grpc.Channel) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            health(channel).Check(health_pb2.HealthCheckRequest(service="no.such"))

        assert raised.value.code() == grpc.StatusCode.NOT_FOUND

    def test_watching_takes_no_thread(self, tmp_path: Path) -> None:
        """More watchers than threads: calls are answered all the same."""
        settings = {"workers": 2, "streams": 1}
        with serving(tmp_path, settings=settings) as server, server.channel() as channel:
            watches = [health(channel).Watch(health_pb2.HealthCheckRequest()) for _ in range(20)]
            first = {next(watch).status for watch in watches}
            answer = rating(channel).CalculateBill(household(), timeout=10)

        assert first == {health_pb2.HealthCheckResponse.SERVING}
        assert unscaled(answer) == (5283, 2, "CNY")


class TestReflection:
    def test_it_tells_which_calls_there_are(self, channel: grpc.Channel) -> None:
        database = ProtoReflectionDescriptorDatabase(channel)

        names = set(database.get_services())
        file = database.FindFileContainingSymbol("dianjia.rating.v1.RatingService")

        assert names == {*SERVICES, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
        assert [method.name for method in file.service[0].method] == [
            method.name for method in rating_pb2.DESCRIPTOR.services_by_name["RatingService"].methods
        ]

    def test_it_can_be_left_out(self, tmp_path: Path) -> None:
        with (
            serving(tmp_path, settings={"reflection": False}) as server,
            server.channel() as channel,
            pytest.raises(grpc.RpcError) as raised,
        ):
            list(ProtoReflectionDescriptorDatabase(channel).get_services())

        assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert "grpcurl" not in server.printed()


def test_a_method_that_is_not_there(channel: grpc.Channel) -> None:
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/dianjia.rating.v1.RatingService/NoSuch")

    with pytest.raises(grpc.RpcError) as raised:
        call(b"")

    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_each_call_can_be_told_from_others_by_its_process(server: Server, channel: grpc.Channel) -> None:
    """The number begins with what this process alone has."""
    for _ in range(2):
        rating(channel).CalculateBill(household())
    server.wait_for(lambda: len(server.calls()) >= 2)

    numbers = [line["request"] for line in server.calls()]

    prefixes = {number[:8] for number in numbers if re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]+", number)}

    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]+", number) for number in numbers)

    assert len(prefixes) == 1
