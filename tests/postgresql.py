"""A PostgreSQL of the tests' own: a throw-away cluster on a free port, and a database for each test that asks.

It is started once a session, by the first test that needs it, and never skipped: where the programs are missing and may
be installed they are, elsewhere the test fails and says what to install. PostgreSQL refuses to run as root, so that as
root it is run as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

INSTALLED = Path("/usr/lib/postgresql")  # where Debian keeps a folder for each version
USERS = ("postgres", "nobody")  # who runs it instead of root: the first that there is
TRIES = 5  # another process may take the port between its choice and its use
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # nothing here outlives the session
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "16MB",
    "max_connections": "100",
}


@dataclass(slots=True)
class Cluster:
    """A running PostgreSQL with its data in a folder of its own."""

    programs: Path
    folder: Path
    port: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def start(self) -> None:
        """Start it, again where it was stopped: on the same port then."""
        options = {**SETTINGS, "port": self.port, "unix_socket_directories": self.folder}
        written = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._run("pg_ctl", "start", "--wait", "--log", self.folder / "log", "--options", written, "-D", self.data)

    def stop(self) -> None:
        """Stop it at once: whoever is connected loses the connection."""
        self._run("pg_ctl", "stop", "--wait", "--mode", "fast", "-D", self.data)

    def create_database(self) -> str:
        """Make an empty database and give its URL."""
        import psycopg

        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def url(self, database: str) -> str:
        """The URL of a database."""
        return f"postgresql://dianjia@127.0.0.1:{self.port}/{database}"

    @property
    def data(self) -> Path:
        """The folder that initdb makes."""
        return self.folder / "data"

    def make(self) -> None:
        """Make the data, and start on a free port."""
        self._run("initdb", "-U", "dianjia", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D", self.data)
        for left in reversed(range(TRIES)):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            try:
                self.start()
            except RuntimeError:
                if not left:
                    raise
            else:
                return

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        user = _other_user()
        if user is not None:
            command = ["runuser", "-u", user.pw_name, "--", *command]
        with (self.folder / "said").open("wb") as said:  # a pipe would be held open by what is started
            done = subprocess.run(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, check=False
            )
        if done.returncode != 0:
            log = self.folder / "log"
            told = (self.folder / "said").read_text("utf-8") + (log.read_text("utf-8") if log.exists() else "")
            raise RuntimeError(f"{program} ended with {done.returncode}: {told}")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A PostgreSQL for the whole session."""
    with running() as cluster:
        yield cluster


@pytest.fixture
def postgresql_url(postgresql: Cluster) -> str:
    """An empty database of the test's own."""
    return postgresql.create_database()


@pytest.fixture
def own_postgresql() -> Iterator[Cluster]:
    """A PostgreSQL that the test may stop and start."""
    with running() as cluster:
        yield cluster


@contextmanager
def running() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="dianjia-postgresql-"))
    user = _other_user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    cluster = Cluster(_programs(), folder)
    try:
        cluster.make()
        yield cluster
    finally:
        if (cluster.data / "postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _other_user() -> pwd.struct_passwd | None:
    """Who runs it where the tests are run by root."""
    if os.geteuid() != 0:
        return None
    known = {one.pw_name: one for one in pwd.getpwall()}
    return next(known[name] for name in USERS if name in known)


def _programs() -> Path:
    """The folder of PostgreSQL's programs; they are installed where that is possible."""
    found = _find_programs()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get") is not None:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        subprocess.run(["apt-get", "install", "-y", "-qq", "postgresql"], check=True, env=environment)
        found = _find_programs()
    if found is None:
        pytest.fail("initdb and pg_ctl are not here; install PostgreSQL, on Debian: apt-get install postgresql")
    return found


def _find_programs() -> Path | None:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path is not None else []
    folders += sorted(INSTALLED.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    return next((one for one in folders if (one / "initdb").exists() and (one / "pg_ctl").exists()), None)
