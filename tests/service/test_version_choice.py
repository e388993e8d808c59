"""Which version answers a call: real servers, real streams, versions that come and go meanwhile."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import grpc
import pytest

from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.rating.v1.rating_pb2_grpc import RatingServiceStub
from dianjia.type.v1 import type_pb2 as types
from engine.registry.content import version_of
from tests.service.rate_books import home, in_folder
from tests.service.serving import Server, serving
from tests.service.steps import TOKENS, activate, activated, approved, bill, new_price, published, rows, withdraw
from tests.service.told import told, told_by

DECEMBER, JANUARY = ("2025-12-01", "2026-01-01"), ("2026-01-01", "2026-02-01")
ROWS = 100
STATUS = grpc.StatusCode


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with _server(folder, in_folder(folder / "rules", home())) as found:
        yield found


@pytest.fixture(scope="module")
def wang(server: Server) -> Iterator[grpc.Channel]:
    with server.channel("wang") as found:
        yield found


@pytest.fixture(scope="module")
def li(server: Server) -> Iterator[grpc.Channel]:
    with server.channel("li") as found:
        yield found


def _server(folder: Path, rules: Path) -> AbstractContextManager[Server]:
    return serving(folder, rules=rules, tokens=TOKENS, settings={"follow_seconds": 0.1})


class Stream:
    """A stream that is written to by hand."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._sent: queue.Queue[rating.CalculateBillsRequest | None] = queue.Queue()
        self._answers = RatingServiceStub(channel).CalculateBills(iter(self._sent.get, None))
        self._sequence = 0

    def send(self, version: str = "", allow_withdrawn: bool = False) -> rating.CalculateBillsResponse:
        """Send a chunk and give its answer."""
        choice = types.VersionChoice(version=version, allow_withdrawn=allow_withdrawn) if version else None
        chunk = rows(self._sequence * ROWS, ROWS)
        self._sent.put(rating.CalculateBillsRequest(sequence=self._sequence, chunk=chunk, version=choice))
        self._sequence += 1
        found: rating.CalculateBillsResponse = next(self._answers)
        return found

    def end(self) -> None:
        self._sent.put(None)
        assert list(self._answers) == []


def total(answer: rating.CalculateBillsResponse) -> set[int]:
    """What the rows of a chunk cost; all have the same 100 kWh."""
    (group,) = answer.groups
    return set(group.total.values)


class TestStream:
    def test_finishes_on_the_version_that_it_began_with(
        self, server: Server, wang: grpc.Channel, li: grpc.Channel
    ) -> None:
        """Another version is activated in the middle: the stream goes on as it began, in the answer's own words."""
        before = activated(wang, li, home("0.5100"))
        server.wait_for(lambda: bill(li).version == before)
        stream = Stream(li)
        first = stream.send()
        after = activated(wang, li, home("0.6100"))
        server.wait_for(lambda: bill(li).version == after)

        second = stream.send()
        stream.end()
        another = Stream(li)
        third = another.send()
        another.end()

        assert [one.version for one in (first, second, third)] == [before, before, after]
        assert [total(one) for one in (first, second, third)] == [{5100}, {5100}, {6100}]

    def test_goes_on_after_a_break_with_the_version_that_it_names(
        self, server: Server, wang: grpc.Channel, li: grpc.Channel
    ) -> None:
        before = activated(wang, li)
        server.wait_for(lambda: bill(li).version == before)
        stream = Stream(li)
        named = stream.send().version
        stream.end()
        activated(wang, li)

        resumed = Stream(li)
        found = resumed.send(named)
        resumed.end()

        assert found.version == before

    def test_does_not_go_on_with_another(self, server: Server, wang: grpc.Channel, li: grpc.Channel) -> None:
        """The version was withdrawn in between: the stream that names it ends, and is billed by no other."""
        other, version = activated(wang, li), activated(wang, li)
        server.wait_for(lambda: bill(li).version == version)
        stream = Stream(li)
        named = stream.send().version
        withdraw(li, version, other)
        server.wait_for(lambda: bill(li).version == other)
        goes_on = stream.send().version
        stream.end()

        with pytest.raises(grpc.RpcError) as refused:
            Stream(li).send(named)
        insisting = Stream(li)
        insisted = insisting.send(named, allow_withdrawn=True)
        insisting.end()

        found = told_by(refused.value)
        assert goes_on == version  # it began before the withdrawal
        assert (found.status, found.code) == (STATUS.FAILED_PRECONDITION, "version-withdrawn")
        assert found.parameters["returns_to"] == other
        assert insisted.version == version

    def test_of_a_folder_that_was_changed(self, tmp_path: Path) -> None:
        """The server starts again with other files: the hash that the stream names is gone; nothing takes its place."""
        before = in_folder(tmp_path / "rules", home("0.5000"))
        with _server(tmp_path / "first", before) as server, server.channel("li") as li:
            stream = Stream(li)
            named = stream.send().version
            stream.end()
        in_folder(before, home("0.5001"))
        with _server(tmp_path / "second", before) as server, server.channel("li") as li:
            with pytest.raises(grpc.RpcError) as refused:
                Stream(li).send(named)
            answers = bill(li).version

        found = told_by(refused.value)
        assert named == version_of(home("0.5000"))
        assert (found.status, found.code) == (STATUS.FAILED_PRECONDITION, "version-not-here")
        assert found.parameters["version"] == named
        assert answers == version_of(home("0.5001"))


class TestOneBill:
    def test_of_a_version_that_is_named(self, wang: grpc.Channel, li: grpc.Channel) -> None:
        """Also of one that nobody has approved: so it is tried out, and the bill says which it was."""
        files = home(new_price())
        version = published(wang, files).version

        found = bill(li, version)

        assert found.version == version

    def test_of_a_withdrawn_version(self, server: Server, wang: grpc.Channel, li: grpc.Channel) -> None:
        version, other = approved(wang, li), approved(wang, li)
        withdraw(li, version, other)

        def refused() -> bool:
            try:
                bill(li, version)
            except grpc.RpcError:
                return True
            return False

        server.wait_for(refused)
        found = told(lambda: bill(li, version))

        assert (found.status, found.code) == (STATUS.FAILED_PRECONDITION, "version-withdrawn")
        assert bill(li, version, allow_withdrawn=True).version == version

    def test_leave_without_a_name(self, li: grpc.Channel) -> None:
        found = told(lambda: bill(li, "", allow_withdrawn=True))

        assert (found.status, found.code) == (STATUS.INVALID_ARGUMENT, "allow-withdrawn-alone")

    @pytest.mark.parametrize("named", ["0" * 64, "0" * 8, "active"])
    def test_of_a_version_that_is_not_here(self, li: grpc.Channel, named: str) -> None:
        found = told(lambda: bill(li, named))

        assert (found.status, found.code) == (STATUS.FAILED_PRECONDITION, "version-not-here")


class TestTwoTimes:
    def test_the_period_chooses_prices_and_the_instant_the_version(
        self, server: Server, wang: grpc.Channel, li: grpc.Channel
    ) -> None:
        """A correction of January's price: December's bills stay, whichever version answers."""
        first = activated(wang, li, home(_from_january("0.60")))
        server.wait_for(lambda: bill(li).version == first)
        before = [bill(li, period=period).total.unscaled for period in (DECEMBER, JANUARY)]
        second = approved(wang, li, home(_from_january("0.61")))

        activate(li, second)
        server.wait_for(lambda: bill(li).version == second)
        after = [bill(li, period=period).total.unscaled for period in (DECEMBER, JANUARY)]
        named = [bill(li, first, period=period).total.unscaled for period in (DECEMBER, JANUARY)]

        assert before == [5000, 6000]
        assert after == [5000, 6100]
        assert named == before


class TestBesideOneAnother:
    def test_each_answer_is_of_one_version(self, server: Server, wang: grpc.Channel, li: grpc.Channel) -> None:
        """Bills asked for without a pause while versions change: each has the price of the version that it names."""
        prices = {}
        for price in ("0.7100", "0.7200", "0.7300"):
            prices[approved(wang, li, home(price))] = price
        answers = []
        for version in prices:
            activate(li, version)
            end = False
            while not end:
                found = bill(li)
                answers.append((found.version, found.total.unscaled))
                end = found.version == version

        expected = {version: int(price.replace("0.", "")) for version, price in prices.items()}
        assert {one for one in answers if one[0] in expected and expected[one[0]] != one[1]} == set()
        assert {version for version, _ in answers} >= set(prices)


def _from_january(price: str) -> str:
    return (
        f"{{dated: [{{from: 2020-01-01, through: 2025-12-31, printed: 0.50}}, {{from: 2026-01-01, printed: {price}}}]}}"
    )
