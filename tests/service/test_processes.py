"""Several processes that share one port, started and stopped with one command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.service import processes
from engine.service.settings import Settings
from tests.documents import ROOT
from tests.service.asking import household, rating, unscaled
from tests.service.serving import SHIPPED, Server, environment, run_server, serving

TWO = {"processes": 2}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), settings=TWO) as found:
        yield found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("alone")) as found:
        yield found


def ask(server: Server) -> str:
    """Make a call on a connection of its own; give which process answered it."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    with server.channel(options=options) as channel:
        _, call = rating(channel).CalculateBill.with_call(
            household(), timeout=20, wait_for_ready=True, metadata=(("x-request-id", "which"),)
        )
    return str(dict(call.trailing_metadata() or ())["dianjia-request"])[:8]


def children(server: Server, at_least: int = 2) -> list[int]:
    """Process numbers of those that serve or have served, as their lines say."""

    def found() -> list[int]:
        return [line["process"] for line in server.log() if line.get("event") == "serving"]

    server.wait_for(lambda: len(found()) >= at_least, 60)
    return found()


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_they_share_the_port(server: Server) -> None:
    """Connections come to both."""
    found = {ask(server) for _ in range(60)}

    assert len(found) == 2
    assert f"listens on {server.address} (2 processes)" in server.printed()
    assert len(children(server)) == 2


def test_one_that_dies_is_started_again(tmp_path: Path) -> None:
    """Meanwhile the other answers."""
    with serving(tmp_path, settings=TWO) as server:
        first = children(server)
        os.kill(first[0], signal.SIGKILL)
        meanwhile = ask(server)
        children(server, 3)
        after = {ask(server) for _ in range(60)}
        ended = [line for line in server.log() if line.get("event") == "process-ended"]

    assert meanwhile
    assert len(after) == 2
    assert [line["code"] for line in ended] == [-signal.SIGKILL]


def test_they_end_together(tmp_path: Path) -> None:
    """The parent passes the signal on, waits for both, and leaves none behind."""
    with serving(tmp_path, settings=TWO) as server:
        answered = [unscaled_of(server) for _ in range(10)]
        processes = children(server)
        code = server.stop()

    assert code == 0
    assert answered == [(5283, 2, "CNY")] * 10
    assert [is_alive(process) for process in processes] == [False, False]
    assert [line["event"] for line in server.log() if line.get("event") == "stopped"] == ["stopped"] * 2
    assert len(server.calls("CalculateBill")) == 10


def unscaled_of(server: Server) -> tuple[int, int, str]:
    with server.channel() as channel:
        return unscaled(rating(channel).CalculateBill(household(), timeout=20))


def test_without_their_parent_they_end(tmp_path: Path) -> None:
    """A parent that is killed leaves nobody behind who would go on serving old rules."""
    with serving(tmp_path, settings=TWO) as server:
        processes = children(server)
        server.stop(signal.SIGKILL)
        server.wait_for(lambda: not any(is_alive(process) for process in processes), 20)

    assert len(processes) == 2


class TestTakenPort:
    def start(self, folder: Path, port: int, *more: str) -> str:
        done = run_server(folder, "--port", str(port), "--database", "none", *more)
        assert done.returncode == 1
        assert done.stdout == ""
        return done.stderr

    def test_a_second_server_says_so(self, alone: Server, tmp_path: Path) -> None:
        said = self.start(tmp_path, alone.port)

        assert f"address-taken: another process listens on 127.0.0.1:{alone.port}." in said
        assert "Stop that process, or choose another port: `--port`." in said
        assert "Traceback" not in said

    def test_several_beside_one(self, alone: Server, tmp_path: Path) -> None:
        assert "address-taken" in self.start(tmp_path, alone.port, "--processes", "2")

    def test_one_beside_several(self, server: Server, tmp_path: Path) -> None:
        """Sharing the port is for those that were started together."""
        assert "address-taken" in self.start(tmp_path, server.port)

    def test_several_beside_several(self, server: Server, tmp_path: Path) -> None:
        assert "address-taken" in self.start(tmp_path, server.port, "--processes", "2")

    def test_the_first_goes_on(self, alone: Server, server: Server) -> None:
        found = [unscaled_of(one) for one in (alone, server)]

        assert found == [(5283, 2, "CNY")] * 2

    def test_an_address_of_another_machine(self, tmp_path: Path) -> None:
        """192.0.2.1 is set aside for examples; no machine has it."""
        for more in ((), ("--processes", "2")):
            said = self.start(tmp_path, 0, "--host", "192.0.2.1", "--insecure", *more)

            assert (
                "address-unusable: this machine cannot listen on 192.0.2.1:0: cannot assign requested address." in said
            )


class TestStart:
    def test_what_keeps_them_from_starting_is_said_once(self, tmp_path: Path) -> None:
        rules = tmp_path / "rules"
        rules.mkdir()
        (rules / "a.ruleset.yaml").write_text("ruleset: cn.a\nprcie: 3\n")

        done = run_server(tmp_path, "--port", "0", "--database", "none", "--rules", str(rules), "--processes", "3")

        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.count("a.ruleset.yaml:2:1: unknown-key: `prcie`") == 1

    def test_one_that_dies_before_it_answers(self, tmp_path: Path) -> None:
        """The others are stopped, and the command ends."""
        command = [sys.executable, str(ROOT / "server.py"), "--port", "0", "--processes", "2", "--rules", str(SHIPPED)]
        parent = subprocess.Popen(
            command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        listed = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        end = time.monotonic() + 30
        while len(found := listed.read_text().split()) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(int(found[0]), signal.SIGKILL)
        printed, said = parent.communicate(timeout=60)

        assert (parent.returncode, printed) == (1, "")
        assert "process-fails: a process of the server ended with -9 before it could answer." in said
        assert not any(is_alive(int(process)) for process in found)


def test_each_has_metrics_of_its_own(tmp_path: Path) -> None:
    """On the port that is named, and the ones above it."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]

    with serving(tmp_path, settings={**TWO, "metrics_port": port}) as server:
        for _ in range(20):
            ask(server)
        time.sleep(0.1)
        counts = []
        for number in (0, 1):
            with urllib.request.urlopen(f"http://127.0.0.1:{port + number}/metrics") as answer:
                text = answer.read().decode()
            counts += [float(line.split()[-1]) for line in text.splitlines() if line.startswith("dianjia_calls_total{")]

    assert sum(counts) == 20


def test_an_end_before_all_of_them_listen_cuts_no_call_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first listens and answers a call; the second is not there yet."""
    answered = tmp_path / "answered"
    listens = f"""
import pathlib, signal, time
def end(*_):
    time.sleep(0.3)
    pathlib.Path({str(answered)!r}).touch()
    raise SystemExit
signal.signal(signal.SIGTERM, end)
print('{{"started": {{}}}}', flush=True)
time.sleep(60)
"""
    asked, never = threading.Event(), threading.Event()

    def start(_: Settings, number: int, __: str) -> processes.Child:
        code = "import time; time.sleep(60)" if number else listens
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process.stdout:
            first_line = "" if number else process.stdout.readline().decode()
        asked.set()
        return processes.Child(number, process, time.monotonic(), first_line)

    monkeypatch.setattr(processes, "_start", start)
    code = processes.run_several(
        Settings(port=0, processes=2, log=tmp_path / "log"), lambda _: None, asked, never, never, "en"
    )

    assert (0, True) == (code, answered.exists())
