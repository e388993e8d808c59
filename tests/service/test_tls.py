"""TLS and mTLS: who is let in, and certificates that stop the start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from tests.service.asking import household, rating, unscaled
from tests.service.certifying import certificates
from tests.service.serving import Certificates, Server, run_server, serving

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, made: Certificates) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, certificates=made, client_certificates=True) as found:
        yield found


def refused(channel: grpc.Channel) -> grpc.StatusCode:
    with channel, pytest.raises(grpc.RpcError) as raised:
        rating(channel).CalculateBill(household(), timeout=20)
    code: grpc.StatusCode = raised.value.code()
    return code


class TestMutual:
    def test_who_shows_a_certificate_is_let_in(self, server: Server) -> None:
        with server.channel() as channel:
            answer = rating(channel).CalculateBill(household())

        assert unscaled(answer) == (5283, 2, "CNY")
        assert "mTLS" in server.printed()
        assert f"grpcurl -cert FILE -key FILE {server.address} list" in server.printed()

    def test_who_shows_none_is_not(self, server: Server) -> None:
        assert refused(server.channel(shows=False)) == UNAVAILABLE

    def test_who_shows_one_of_another_authority_is_not(
        self, server: Server, made: Certificates, tmp_path: Path
    ) -> None:
        other = certificates(tmp_path)
        stranger = replace(server, certificates=replace(made, client=other.client, client_key=other.client_key))

        assert refused(stranger.channel()) == UNAVAILABLE

    def test_who_shows_one_that_has_ended_is_not(self, tmp_path: Path) -> None:
        made = certificates(tmp_path / "c", client_days=-1)

        with serving(tmp_path / "s", certificates=made, client_certificates=True) as server:
            code = refused(server.channel())

        assert code == UNAVAILABLE

    def test_plain_text_is_not_understood(self, server: Server) -> None:
        assert refused(grpc.insecure_channel(server.address)) == UNAVAILABLE


def test_a_client_that_trusts_another_authority_goes_away(server: Server, tmp_path: Path) -> None:
    other = certificates(tmp_path)

    code = refused(grpc.secure_channel(server.address, grpc.ssl_channel_credentials(other.authority.read_bytes())))

    assert code == UNAVAILABLE


def test_tls_alone_asks_clients_for_no_certificate(tmp_path: Path, made: Certificates) -> None:
    with serving(tmp_path, certificates=made, tokens={"billing": "rate"}) as server:
        with server.channel("billing", shows=False) as channel:
            answer = rating(channel).CalculateBill(household())
        printed = server.printed()

    assert unscaled(answer) == (5283, 2, "CNY")
    assert "callers   TLS, with a token of" in printed
    assert f"grpcurl {server.address} list" in printed


class TestStart:
    def start(self, folder: Path, made: Certificates, *more: str) -> str:
        files = ["--tls-certificate", str(made.server), "--tls-key", str(made.server_key)]
        done = run_server(folder, "--port", "0", "--database", "none", *files, *more)
        assert done.returncode == 1
        assert done.stdout == ""
        return done.stderr

    def test_a_certificate_that_has_ended(self, tmp_path: Path) -> None:
        """No caller would take it, so the server does not either."""
        made = certificates(tmp_path, server_days=-1)

        said = self.start(tmp_path, made)

        assert said == (
            f"tls-expired: the certificate in {made.server} is not in force today.\n"
            "  Give one that is: no caller would accept it.\n"
        )

    def test_a_file_that_is_not_there(self, tmp_path: Path, made: Certificates) -> None:
        said = self.start(tmp_path, replace(made, server=tmp_path / "none.pem"))

        assert said.startswith(
            f"tls-file: {tmp_path / 'none.pem'} cannot be used for TLS: no such file or directory.\n"
        )

    def test_a_key_of_another(self, tmp_path: Path, made: Certificates) -> None:
        said = self.start(tmp_path, replace(made, server_key=made.client_key))

        assert f"tls-file: {made.client_key} cannot be used for TLS: it holds no key" in said
        assert f"that belongs to {made.server}." in said

    @pytest.mark.parametrize("which", ["server", "authority"])
    def test_what_is_no_certificate(self, tmp_path: Path, made: Certificates, which: str) -> None:
        bad = tmp_path / "bad.pem"
        bad.write_text("not a certificate")
        files = replace(made, **{which: bad})

        said = self.start(tmp_path, files, "--tls-client-ca", str(files.authority))

        assert f"tls-file: {bad} cannot be used for TLS: it holds no certificate in PEM." in said
