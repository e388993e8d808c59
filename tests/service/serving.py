"""Start the real server as a process of its own, find its port, call it, read its log, stop it.

A test module starts one in a fixture of its own:

    @pytest.fixture(scope="module")
    def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
        with serving(tmp_path_factory.mktemp("server"), tokens={"wang": "rate read publish"}) as server:
            yield server

    def test_it(server: Server) -> None:
        with server.channel("wang") as channel: ...
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from tests.documents import ROOT

SHIPPED = ROOT / "rules"
RESIDENTIAL = "cn/jiangsu/residential.ruleset.yaml"  # compiles in a moment, reads no other file
START_SECONDS = 90.0  # the shipped rules compile in 3 on an idle core
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files that a server and its clients show each other; `tests.service.certifying` makes them."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


@dataclass(slots=True)
class Server:
    """A server that runs as a process."""

    folder: Path
    process: subprocess.Popen[bytes]
    address: str
    certificates: Certificates | None

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def channel(self, who: str = "", options: Sequence[tuple[str, Any]] = (), *, shows: bool = True) -> grpc.Channel:
        """Open a channel.

        Args:
            who: its calls carry the token of this one of `serving`'s `tokens`; "": none.
            options: of gRPC.
            shows: with TLS, whether it shows the client's certificate.
        """
        if self.certificates is None:
            channel = grpc.insecure_channel(self.address, options=list(options))
        else:
            credentials = grpc.ssl_channel_credentials(
                self.certificates.authority.read_bytes(),
                self.certificates.client_key.read_bytes() if shows else None,
                self.certificates.client.read_bytes() if shows else None,
            )
            channel = grpc.secure_channel(self.address, credentials, options=list(options))
        return grpc.intercept_channel(channel, _Bearer(token_of(who))) if who else channel

    def printed(self) -> str:
        """Return what it has printed for people."""
        return (self.folder / "stdout").read_text(encoding="utf-8")

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of its log; a line that is no JSON fails."""
        return [json.loads(line) for line in self._errors().splitlines()]

    def calls(self, method: str = "") -> list[dict[str, Any]]:
        """Return the lines of calls, of one method: `CalculateBill`."""
        return [one for one in self.log() if "method" in one and one["method"].endswith(method and f"/{method}")]

    def wait_for(self, what: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait until something holds, or fail."""
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, f"it did not come about within {seconds} s\n{self._errors()[-4000:]}"
            time.sleep(0.02)

    def send(self, number: int = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, seconds: float = STOP_SECONDS) -> int:
        """Send a signal, wait for the end, give the exit code."""
        self.send(number)
        return self.ended(seconds)

    def ended(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for the end, give the exit code."""
        return self.process.wait(seconds)

    def _errors(self) -> str:
        return (self.folder / "stderr").read_text(encoding="utf-8")


def token_of(who: str) -> str:
    """The token of a name, for `serving`'s `tokens`."""
    return f"dj_{hashlib.sha256(f'a test token of {who}'.encode()).hexdigest()}"


def write_tokens(file: Path, tokens: Mapping[str, str], expires: str = "") -> Path:
    """Write a file of tokens.

    Args:
        file: where.
        tokens: name -> scopes with blanks between: "rate read".
        expires: RFC 3339, of every token; "": never.
    """
    lines = []
    for name, scopes in tokens.items():
        lines += [
            "[[token]]",
            f'name = "{name}"',
            f'sha256 = "{hashlib.sha256(token_of(name).encode()).hexdigest()}"',
            f"scopes = {json.dumps(scopes.split())}",
            *([f"expires = {expires}"] if expires else []),
            "",
        ]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def rules_in(folder: Path, files: Sequence[str] = (RESIDENTIAL,)) -> Path:
    """Copy shipped rule files, by their paths inside `rules`, to `folder`/rules."""
    for name in files:
        to = folder / "rules" / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SHIPPED / name, to)
    return folder / "rules"


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a server: nothing of the machine's own settings, its state below `folder`.

    What it compiles it keeps where all servers of the session look: see tests/conftest.py.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DIANJIA_", "GRPC_"))}
    below = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": os.environ["SHARED_BY_TESTS"]}
    return {**kept, **below, "PYTHONUNBUFFERED": "1", **(more or {})}


def run_server(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to end by itself: for what it says when it cannot start."""
    return subprocess.run(
        [sys.executable, str(ROOT / "server.py"), *arguments],
        cwd=folder,
        env=environment(folder, env),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


@contextmanager
def serving(
    folder: Path,
    *,
    rules: Path | None = None,
    settings: Mapping[str, object] | None = None,
    tokens: Mapping[str, str] | None = None,
    certificates: Certificates | None = None,
    client_certificates: bool = False,
    database: str = "",
    env: Mapping[str, str] | None = None,
    odd: bool = False,
    bare: bool = False,
) -> Iterator[Server]:
    """Run a server on a free port of 127.0.0.1 until the block ends.

    Args:
        folder: an empty folder for its log, its database and what else it needs.
        rules: folder of rules; None: the residential rules of Jiangsu alone, in a copy that a test may change.
        settings: names of settings -> values: {"grace_seconds": 2, "streams": 4}.
        tokens: name -> scopes with blanks between; None: no file of tokens.
        certificates: TLS with these.
        client_certificates: clients must show one (mTLS).
        database: URL; "": SQLite below `folder`.
        env: more of the environment.
        odd: run `tests.service.odd_server`, whose bills do what a row's id says.
        bare: give no argument at all; the port comes from the environment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if rules is None and not bare:
        rules = rules_in(folder)
    asked: dict[str, object] = {"port": 0, "rules": rules, **(settings or {})}
    if tokens is not None:
        asked["tokens"] = write_tokens(folder / "tokens.toml", tokens)
    if certificates is not None:
        asked |= {"tls_certificate": certificates.server, "tls_key": certificates.server_key}
        if client_certificates:
            asked["tls_client_ca"] = certificates.authority
    if database:
        asked["database"] = database
    flags = [text for name, value in asked.items() for text in _flag(name, value)]
    command = [sys.executable, *(["-m", "tests.service.odd_server"] if odd else [str(ROOT / "server.py")]), *flags]
    more = {"PYTHONPATH": str(ROOT), **(env or {})}
    if bare:
        command, more = command[:2], {"DIANJIA_PORT": "0", **more}
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(command, cwd=folder, env=environment(folder, more), stdout=stdout, stderr=stderr)
    try:
        yield Server(folder, process, _address(folder, process), certificates)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def _flag(name: str, value: object) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    return [flag, str(value)]


def _address(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait for the line that says where it listens."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        ended = process.poll() is not None
        said = re.search(r"(?:listens on|正在监听) (\S+:\d+)", (folder / "stdout").read_text(encoding="utf-8"))
        if said is not None:
            return said[1]
        assert not ended, f"the server ended:\n{(folder / 'stderr').read_text(encoding='utf-8')}"
        time.sleep(0.02)
    raise AssertionError(f"no server within {START_SECONDS} s")


@dataclass(frozen=True, slots=True)
class _Details(grpc.ClientCallDetails):
    """A call with its token."""

    method: str
    timeout: float | None
    metadata: tuple[tuple[str, str | bytes], ...]
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _Bearer(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds a token to each call; gRPC's own way needs TLS."""

    def __init__(self, token: str) -> None:
        self._token = token

    def _with(self, details: Any) -> _Details:
        metadata = (*(details.metadata or ()), ("authorization", f"Bearer {self._token}"))
        return _Details(
            details.method,
            details.timeout,
            metadata,
            details.credentials,
            getattr(details, "wait_for_ready", None),
            getattr(details, "compression", None),
        )

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._with(details), request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._with(details), request)

    def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(self._with(details), requests)

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(self._with(details), requests)
