"""What a failed call says, and what it does not: statuses with details, and nothing of what went wrong inside."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from dianjia.rating.v1 import rating_pb2
from dianjia.rulesets.v1 import rulesets_pb2
from dianjia.type.v1 import type_pb2
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.service.errors import TRAILER_BYTES_MAX, failed
from tests.service.asking import household, odd, rating
from tests.service.serving import Server, serving
from tests.service.told import told, told_by

SECRET = "postgresql://billing:hunter2@db/rates"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="module")
def odd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("odd"), odd=True) as found:
        yield found


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with server.channel() as found:
        yield found


def raised_by(channel: grpc.Channel, request: rating_pb2.CalculateBillRequest) -> Any:
    """Give the error of a call that fails; it is a call too."""
    with pytest.raises(grpc.RpcError) as raised:
        rating(channel).CalculateBill(request)
    return raised.value


def detail(status: status_pb2.Status, kind: type[Any]) -> list[Any]:
    found = []
    for packed in status.details:
        one = kind()
        if packed.Unpack(one):
            found.append(one)
    return found


class TestDetails:
    def test_a_refused_row(self, channel: grpc.Channel) -> None:
        """The row's own error, the field, the words in both languages, and the code for programs."""
        error = raised_by(channel, household("row-7", kwh="-5"))

        status = rpc_status.from_call(error)
        assert status is not None
        (info,) = detail(status, error_details_pb2.ErrorInfo)
        (row,) = detail(status, type_pb2.RowError)
        (bad,) = detail(status, error_details_pb2.BadRequest)
        words = {one.locale: one.message for one in detail(status, error_details_pb2.LocalizedMessage)}
        assert status.message.startswith("out-of-bounds: ")
        assert (info.reason, info.domain) == ("OUT_OF_BOUNDS", "dianjia")
        assert info.metadata["field"] == "kwh_total"
        assert info.metadata["ruleset"] == "cn.jiangsu.residential"
        assert (row.row_id, row.code, row.field, row.value) == ("row-7", "out-of-bounds", "kwh_total", "-5")
        assert row.ruleset == "cn.jiangsu.residential"
        assert row.remedy
        assert [one.field for one in bad.field_violations] == ["kwh_total"]
        assert status.message.removeprefix("out-of-bounds: ") in words["en"]
        assert any("一" <= character <= "龥" for character in words["zh-CN"])
        assert detail(status, error_details_pb2.RetryInfo) == []

    def test_a_field_of_the_message(self, channel: grpc.Channel) -> None:
        error = raised_by(channel, rating_pb2.CalculateBillRequest())

        status = rpc_status.from_call(error)
        assert status is not None
        (bad,) = detail(status, error_details_pb2.BadRequest)
        assert status.message == "field-missing: `row` is not given."
        assert [(one.field, one.description) for one in bad.field_violations] == [("row", "`row` is not given.")]

    def test_every_failed_call_says_its_number(self, channel: grpc.Channel) -> None:
        error = raised_by(channel, rating_pb2.CalculateBillRequest())

        trailing = dict(error.trailing_metadata())
        assert trailing["dianjia-request"]


class Waits:
    """A call without a deadline."""

    def time_remaining(self) -> float | None:
        return None


class TestManyProblems:
    """Of what no server has at hand: a rate book with two hundred problems."""

    def status(self, problems: list[Problem]) -> tuple[status_pb2.Status, bytes]:
        found = failed(ProblemsFound(problems), "1", Waits())
        status = status_pb2.Status()
        status.ParseFromString(found.details)
        return status, found.details

    def problems(self, count: int) -> list[Problem]:
        return [problem("duplicate-key", Place(f"cn/{at}.yaml", 1, 1, 1, 2), key=f"某个键{at}") for at in range(count)]

    def test_the_call_s_own_gives_the_status(self) -> None:
        """The problems behind it are among the details, with their places."""
        own = problem("rate-book-fails", None, found=2)

        status, _ = self.status([*self.problems(2), own])

        listed = detail(status, rulesets_pb2.Problem)
        assert status.message.startswith("rate-book-fails: ")
        assert [(one.code, one.place.file) for one in listed] == [
            ("duplicate-key", "cn/0.yaml"),
            ("duplicate-key", "cn/1.yaml"),
            ("rate-book-fails", ""),
        ]

    def test_as_many_as_fit_and_how_many_there_are(self) -> None:
        """gRPC's clients take 8 KiB of trailing metadata."""
        own = problem("rate-book-fails", None, found=200)

        status, data = self.status([*self.problems(200), own])

        (info,) = detail(status, error_details_pb2.ErrorInfo)
        assert 3 <= len(detail(status, rulesets_pb2.Problem)) < 200
        assert len(data) * 4 / 3 <= TRAILER_BYTES_MAX
        assert info.metadata["problems"] == "201"
        assert "201 problems in all" in status.message

    def test_a_long_value_is_cut(self) -> None:
        status, data = self.status([problem("bad-day", None, None, field="f", value="长" * 5_000)])

        (info,) = detail(status, error_details_pb2.ErrorInfo)
        assert len(info.metadata["value"]) == 300
        assert len(data) * 4 / 3 <= TRAILER_BYTES_MAX


class TestOurFault:
    def test_nothing_of_it_is_told(self, odd_server: Server) -> None:
        """The caller gets a number; the log has the rest under it."""
        with odd_server.channel() as channel:
            error = raised_by(channel, odd(f"raise {SECRET}"))
        odd_server.wait_for(lambda: any(one.get("event") == "our-fault" for one in odd_server.log()))

        told_all = f"{error.details()} {error.trailing_metadata()} {error}"
        trailing = dict(error.trailing_metadata())
        (line,) = [one for one in odd_server.log() if one.get("event") == "our-fault"]
        assert error.code() == grpc.StatusCode.INTERNAL
        assert error.details() == f"our-fault: the server failed; its log says how, under {line['request']}."
        assert trailing["dianjia-request"] == line["request"]
        assert not any(word in told_all for word in ("hunter2", "Traceback", "RuntimeError", ".py", "File"))
        assert SECRET in line["traceback"]
        assert "odd_server.py" in line["traceback"]

    def test_nor_in_the_middle_of_a_stream(self, odd_server: Server) -> None:
        """What was answered before stays answered."""

        def requests() -> Iterator[rating_pb2.CalculateBillsRequest]:
            for number in (1, 2):
                chunk = type_pb2.Chunk(rows=1)
                yield rating_pb2.CalculateBillsRequest(sequence=number, chunk=chunk, detail=rating_pb2.DETAIL_TOTALS)

        with odd_server.channel() as channel:
            stream = rating(channel).CalculateBills(requests())
            first = next(stream)
            found = told(lambda: next(stream))
            details = stream.details()

        assert first.sequence == 1
        assert (found.status, found.code) == (grpc.StatusCode.INTERNAL, "our-fault")
        assert "secret" not in f"{details} {stream.trailing_metadata()}"

    def test_standard_error_stays_json(self, odd_server: Server) -> None:
        """No traceback beside the lines: reading the log fails on what is no JSON."""
        with odd_server.channel() as channel:
            raised_by(channel, odd("raise x"))

        assert odd_server.log()


class TestUnreadable:
    def test_bytes_that_are_no_message(self, server: Server, channel: grpc.Channel) -> None:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/dianjia.rating.v1.RatingService/CalculateBill"
        )

        found = told(lambda: call(b"\xff\xff\xff\xff"))

        assert (found.status, found.code) == (grpc.StatusCode.INVALID_ARGUMENT, "message-unreadable")
        assert found.parameters == {"name": "CalculateBillRequest"}

    def test_in_a_stream(self, channel: grpc.Channel) -> None:
        call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            "/dianjia.rating.v1.RatingService/CalculateBills"
        )

        found = told(lambda: list(call(iter([b"\x0a\xff"]))))

        assert found.code == "message-unreadable"

    def test_chance_bytes_to_every_method_are_never_our_fault(self, server: Server, channel: grpc.Channel) -> None:
        """A thousand messages of any bytes, and of bytes that are nearly a message."""
        chance = random.Random(1)
        good = household().SerializeToString()
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/dianjia.rating.v1.RatingService/CalculateBill"
        )

        codes = set()
        for number in range(1000):
            data = bytearray(good if number % 2 else chance.randbytes(chance.randrange(200)))
            for _ in range(chance.randrange(4)):
                if data:
                    data[chance.randrange(len(data))] = chance.randrange(256)
            try:
                call(bytes(data))
            except grpc.RpcError as error:
                codes.add(told_by(error).status)

        assert grpc.StatusCode.INVALID_ARGUMENT in codes
        assert codes & {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE} == set()
        assert [line for line in server.log() if line.get("event") == "our-fault"] == []
