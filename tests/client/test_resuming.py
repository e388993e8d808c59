"""A connection that breaks again and again: every row is billed once, and a step of the registry is taken once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dianjia.client import Client, Patience, Progress, ServiceError, State
from engine.registry.content import version_of
from tests.client.cutting import wire
from tests.client.households import households, owed
from tests.service.rate_books import home
from tests.service.serving import Server, serving, token_of

ROWS = 3_000
TOKENS = {"wang": "rate read publish", "li": "rate read approve", "guest": "read"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), tokens=TOKENS) as found:
        yield found


def every(pieces: int) -> Callable[[bytes], bool]:
    """Break at every so many-th piece, differently each time, and at most twelve times."""
    counts = random.Random(7)
    left = [pieces, 12]

    def cut(_: bytes) -> bool:
        left[0] -= 1
        if left[0] > 0 or left[1] == 0:
            return False
        left[0], left[1] = counts.randrange(3, pieces), left[1] - 1
        return True

    return cut


def test_rows_once(server: Server) -> None:
    """Twelve resets in the middle of a stream: the bills are right, and an id that comes again is refused.

    A server that a stream is resumed on sees the rest of the rows alone, so the client keeps the ids.
    """
    columns = households(ROWS)
    columns["row_id"][ROWS - 1] = 0  # its id came in the first chunk
    seen: list[Progress] = []
    with wire(server.address, every(9)) as broken, Client(broken.address, token=token_of("wang")) as client:
        bills = client.bills(columns, chunk_rows=50, window=3, progress=seen.append)

    found = bills.bills
    assert broken.cuts == 12
    assert seen[-1].resumed >= 6
    assert [owed(number) for number in range(ROWS - 1)] == found["total"].decimals()
    assert list(range(ROWS - 1)) == found["row"].tolist()
    assert [(ROWS - 1, "duplicate-row")] == list(zip(bills.refused["row"], bills.refused["code"], strict=True))
    assert [one.rows for one in seen] == sorted({one.rows for one in seen})
    assert (seen[-1].rows, seen[-1].rows_in_all, seen[-1].refused) == (ROWS, ROWS, 1)


def test_duplicates_are_told_as_the_service_tells_them(server: Server) -> None:
    """The client's words for what it refuses itself are the catalogue's."""
    from engine.language.catalogue import CATALOGUE

    columns = households(4)
    columns["row_id"] = ["a", "b", "a", None]
    columns["period_from"] = ["2026-03-01", "2026-02-31", "2026-03-01", "2026-03-01"]

    with Client(server.address, token=token_of("wang")) as client:
        refused = client.bills(columns).refused

    told = {
        (code, reason, remedy)
        for code, reason, remedy in zip(refused["code"], refused["reason"], refused["remedy"], strict=True)
    }
    assert told == {
        (code, CATALOGUE[code].headline.format(**parameters), CATALOGUE[code].remedy.format(**parameters))
        for code, parameters in (
            ("duplicate-row", {"value": "a"}),
            ("bad-date", {"field": "period_from", "value": "2026-02-31"}),
            ("missing-value", {"field": "row_id"}),
        )
    }


def once(pattern: bytes) -> Callable[[bytes], bool]:
    """Break when an answer with some bytes comes for the first time: the step is taken, and nobody hears of it."""
    left = [1]

    def cut(piece: bytes) -> bool:
        if pattern not in piece or left[0] == 0:
            return False
        left[0] -= 1
        return True

    return cut


def test_each_step_once(server: Server) -> None:
    """Publish, approve, activate, withdraw, each with its answer lost: repeated with its own id, it is one step."""
    first, second = home("0.50"), home("0.60")
    versions = version_of(first), version_of(second)
    later = datetime.now(UTC) + timedelta(days=30)

    def stubborn(who: str, version: str) -> Iterator[Client]:
        with (
            wire(server.address, once(version.encode())) as broken,
            Client(broken.address, token=token_of(who)) as client,
        ):
            yield client
        assert broken.cuts == 1

    steps = []
    for files, version in ((first, versions[0]), (second, versions[1])):
        for client in stubborn("wang", version):
            steps.append(client.rate_books.publish(files, "notice").state)
        for client in stubborn("li", version):
            steps.append(client.rate_books.approve(version, "looked at it").state)
    for client in stubborn("li", versions[0]):
        steps.append(client.rate_books.activate(versions[0], why="due").state)
    for client in stubborn("li", versions[1]):
        steps.append(client.rate_books.activate(versions[1], later, "due").state)
    for client in stubborn("li", versions[1]):
        steps.append(client.rate_books.withdraw(versions[1], "a wrong price", versions[0]).state)

    with Client(server.address, token=token_of("guest")) as client:
        history = client.rate_books.history()
        books = list(client.rate_books.all())
        active = client.rate_books.get()
        own = client.rate_books.history(versions[1])
    published = [State.PUBLISHED, State.APPROVED]
    assert steps == [*published, *published, State.ACTIVE, State.SCHEDULED, State.WITHDRAWN]
    assert [(one.action, one.who, one.version) for one in history.entries] == [
        ("published", "wang", versions[0]),
        ("approved", "li", versions[0]),
        ("published", "wang", versions[1]),
        ("approved", "li", versions[1]),
        ("activated", "li", versions[0]),
        ("activated", "li", versions[1]),
        ("withdrawn", "li", versions[1]),
    ]
    assert history.chain_holds
    assert len({one.request_id for one in history.entries}) == 7
    assert [one.number for one in own.entries] == [3, 4, 6, 7]
    assert [(one.version, one.state) for one in books] == [(versions[1], State.WITHDRAWN), (versions[0], State.ACTIVE)]
    assert (active.version, active.author, active.approver, active.why) == (versions[0], "wang", "li", "notice")


def test_rules_that_fail(server: Server) -> None:
    """What is wrong with the rules comes with its place and remedy, from publishing and from validating."""
    bad = {"cn/test/home.ruleset.yaml": home()["cn/test/home.ruleset.yaml"].replace(b"price: 0.50", b"prcie: 0.50")}

    with Client(server.address, token=token_of("wang")) as client:
        validated = client.rate_books.validate(bad, alone=True)
        with pytest.raises(ServiceError) as raised:
            client.rate_books.publish(bad, "notice")

    assert "unknown-key" in [one.code for one in raised.value.problems]
    assert [one.code for one in validated.problems] == [one.code for one in raised.value.problems]
    place = raised.value.problems[0].place
    assert place is not None
    assert (place.file, place.line) == ("cn/test/home.ruleset.yaml", 13)


def test_wrong_callers(server: Server) -> None:
    """Without a token, with a wrong one, without the scope: told once, not tried again."""
    found = []
    for token in (None, "dj_wrong", token_of("guest")):
        with (
            Client(server.address, token=token, patience=Patience(60.0)) as client,
            pytest.raises(ServiceError) as raised,
        ):
            client.bill("cn.test.home", "2026-01-01", "2026-02-01", {"kwh": 1})
        found.append((raised.value.code, raised.value.status.name, raised.value.again))

    assert found == [
        ("token-missing", "UNAUTHENTICATED", False),
        ("token-unknown", "UNAUTHENTICATED", False),
        ("scope-missing", "PERMISSION_DENIED", False),
    ]
    assert str(raised.value).endswith("Ask whoever runs the server for a token with that scope.")
    assert "请向服务的运维人员索取" in raised.value.failure.words["zh-CN"]
