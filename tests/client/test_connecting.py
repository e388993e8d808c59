"""How a client connects: TLS, certificates, tokens, many threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dianjia.client import Client, Patience, ServiceError
from tests.client.households import RULESET, households, owed
from tests.service.certifying import certificates
from tests.service.serving import Server, serving, token_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    own = certificates(folder / "certificates")
    with serving(
        folder / "run",
        tokens={"billing": "rate read"},
        certificates=own,
        client_certificates=True,
        settings={"streams": 4},
    ) as found:
        yield found


def test_both_certificates(server: Server) -> None:
    """With the authority, a certificate, its key and a token, as paths or as bytes, calls are answered."""
    own = server.certificates
    assert own is not None
    files = (own.authority, own.client, own.client_key)
    given: list[tuple[Path | str | bytes, ...]] = [
        files,
        tuple(str(file) for file in files),
        tuple(file.read_bytes() for file in files),
    ]

    found = []
    for ca, cert, key in given:
        with Client(server.address, token=token_of("billing"), ca=ca, cert=cert, key=key) as client:
            found.append(client.bills(households(10)).billed)

    assert found == [10, 10, 10]


def test_without_certificates(server: Server) -> None:
    """Without its certificate, or without TLS, a client is told that nobody is there for it."""
    own = server.certificates
    assert own is not None

    found = []
    for ca in (own.authority, None):
        with Client(server.address, token=token_of("billing"), patience=Patience(0.3), ca=ca) as client:
            with pytest.raises(ServiceError) as raised:
                client.rulesets()
            found.append(raised.value.status.name)

    assert found == ["UNAVAILABLE", "UNAVAILABLE"]
    with pytest.raises(ValueError, match="belong together"):
        Client(server.address, cert=own.client)


def test_many_threads(server: Server) -> None:
    """Threads share one client; more streams than the server takes at once wait for their turn."""
    own = server.certificates
    assert own is not None

    with (
        Client(
            server.address, token=token_of("billing"), ca=own.authority, cert=own.client, key=own.client_key
        ) as client,
        ThreadPoolExecutor(12) as threads,
    ):

        def work(number: int) -> list[str]:
            first = number * 1_000
            values = {"kwh_total": "180.50", "kwh_year_before": 0}
            one = client.bill(RULESET, "2026-03-01", "2026-04-01", values)
            bills = client.bills(households(200, first), chunk_rows=50)
            return [str(one.total), *map(str, bills.bills["total"].decimals())]

        found = list(threads.map(work, range(24)))

    assert found == [["95.36", *(str(owed(number * 1_000 + at)) for at in range(200))] for number in range(24)]
