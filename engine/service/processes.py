"""Several processes that share one port: a parent that starts them, starts one again that ends, and stops them all.

The parent binds the port, so that nobody else takes it, and listens on nothing. Each child is a process of its own that
is started, never forked, and listens with SO_REUSEPORT: the kernel gives each new connection to one of them. A child is
told its settings through its standard input, and ends when that does: without its parent it would serve on unseen.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from engine.language.problems import Language, ProblemsFound, problem, render
from engine.service.addresses import bound, why_not
from engine.service.logs import Log
from engine.service.settings import Settings
from engine.service.started import Started

LOOK_SECONDS: Final = 0.05
AGAIN_SECONDS: Final = 1.0  # between two starts of one child
BEYOND_GRACE_SECONDS: Final = 15.0  # after which a child that does not end is killed


@dataclass(slots=True)
class Child:
    """One process."""

    number: int
    process: subprocess.Popen[bytes]
    started_at: float
    first_line: str = ""  # what it has said: it listens, or why it does not


def run_several(
    settings: Settings,
    started: Callable[[Started], None],
    asked: threading.Event,
    hurried: threading.Event,
    listening: threading.Event,
    language: Language,
) -> int:
    """Serve with several processes until somebody asks for the end.

    Args:
        settings: of the server.
        started: is told of the first process, once all answer.
        asked: set by whoever wants the end.
        hurried: set by whoever wants it at once.
        listening: set here: from now on somebody has to stop what runs.
        language: of what children say when they cannot start.

    Returns:
        The exit code; 1: the processes did not start, and one has said why.

    Raises:
        ProblemsFound: `address-taken`, `address-unusable`, `log-file`, `process-fails`.
    """
    with ExitStack() as ending:
        held = ending.enter_context(_hold_port(settings))
        listening.set()  # children do, before long; they are to be stopped with their parent
        settings = settings.model_copy(update={"port": held.getsockname()[1]})
        log = Log(settings.log)
        ending.callback(log.close)
        children = [_start(settings, number, language) for number in range(settings.processes)]
        ending.callback(_kill, children)
        first = _wait_for_all(children, asked)
        if first is None:  # the end came before all of them listened, and some do
            _stop(children, settings.grace_seconds, hurried, log)
            return 0
        if "failed" in first:
            if first["failed"]:
                sys.stderr.write(f"{first['failed']}\n")
                return 1
            raise ProblemsFound([problem("process-fails", None, None, found=first["code"])])
        started(Started(**first["started"]))
        while not asked.wait(LOOK_SECONDS):
            for at, child in enumerate(children):
                if child.process.poll() is not None and time.monotonic() >= child.started_at + AGAIN_SECONDS:
                    log.event("process-ended", number=child.number, code=child.process.returncode)
                    children[at] = _start(settings, child.number, language)
        _stop(children, settings.grace_seconds, hurried, log)
        return 0


def serve_as_child() -> None:
    """Serve as one of several processes: settings come on standard input, what came of it goes to standard output."""
    from engine.service import app

    told = json.loads(sys.stdin.readline())
    asked, hurried, listening = threading.Event(), threading.Event(), threading.Event()
    stop_on_signals(asked, hurried, listening)
    threading.Thread(target=_end_with_parent, args=(asked,), name="parent", daemon=True).start()

    def started(found: Started) -> None:
        listening.set()
        _say({"started": asdict(found)})

    try:
        app.run(Settings(**told["settings"]), started, asked, hurried, number=told["number"], shared_port=True)
    except ProblemsFound as found:
        _say({"failed": "\n\n".join(render(one, told["language"]) for one in found.problems)})
        sys.exit(1)
    finish()


def stop_on_signals(asked: threading.Event, hurried: threading.Event, listening: threading.Event) -> None:
    """Let the first SIGTERM or SIGINT ask for the end, and the second hurry it.

    Before anything listens there is no call to wait for, and the first one ends the process.

    The system may hand a signal to a thread of gRPC's, and Python runs a handler in the main thread alone, which then
    sleeps on. So the handler does nothing: the number of the signal is written to a pipe at once, in whatever thread,
    and a thread that reads it sets the events.
    """
    comes, goes = os.pipe()
    os.set_blocking(goes, False)

    def nothing(_: int, __: object) -> None:
        pass

    def wait() -> None:
        os.read(comes, 1)
        if not listening.is_set():
            os._exit(0)
        asked.set()
        os.read(comes, 1)
        hurried.set()

    threading.Thread(target=wait, name="signals", daemon=True).start()
    signal.signal(signal.SIGTERM, nothing)
    signal.signal(signal.SIGINT, nothing)
    signal.set_wakeup_fd(goes, warn_on_full_buffer=False)


def finish() -> NoReturn:
    """End the process, and do not wait for a thread whose call was cut off."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def _end_with_parent(asked: threading.Event) -> None:
    sys.stdin.read()
    asked.set()


def _hold_port(settings: Settings) -> socket.socket:
    """Bind the port so that only processes that agree to share it can: ours."""
    try:
        held = bound(settings.host, settings.port)
    except OSError as error:
        raise why_not(settings.host, settings.port, error) from None
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return held


def _start(settings: Settings, number: int, language: Language) -> Child:
    paths = [str(Path(path).absolute()) for path in sys.path if path]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "engine.service.processes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,  # Ctrl-C is for the parent, who passes it on
    )
    assert process.stdin is not None
    told = {"settings": settings.model_dump(mode="json"), "number": number, "language": language}
    process.stdin.write(f"{json.dumps(told)}\n".encode())
    process.stdin.flush()
    child = Child(number, process, time.monotonic())
    assert process.stdout is not None
    threading.Thread(target=_listen, args=(child, process.stdout), name=f"process {number}", daemon=True).start()
    return child


def _listen(child: Child, said: IO[bytes]) -> None:
    child.first_line = said.readline().decode() or "-"
    said.read()


def _wait_for_all(children: Sequence[Child], asked: threading.Event) -> dict[str, Any] | None:
    """Wait until every child listens; give what the first of them said, or why one does not. None: nobody waits."""
    while not asked.wait(LOOK_SECONDS):
        for child in children:
            if child.first_line.startswith("-"):
                return {"failed": "", "code": child.process.wait()}
            if child.first_line and "failed" in (said := json.loads(child.first_line)):
                return dict(said)
        if all(child.first_line for child in children):
            return dict(json.loads(children[0].first_line))
    return None


def _stop(children: Sequence[Child], grace_seconds: float, hurried: threading.Event, log: Log) -> None:
    """Pass the wish for the end on, and wait."""
    log.event("stopping-processes", processes=len(children))
    _send(children)
    passed_on = False
    end = time.monotonic() + grace_seconds + BEYOND_GRACE_SECONDS
    while any(child.process.poll() is None for child in children) and time.monotonic() < end:
        if hurried.wait(LOOK_SECONDS) and not passed_on:
            passed_on = True
            _send(children)
            end = min(end, time.monotonic() + BEYOND_GRACE_SECONDS)
        elif passed_on:
            time.sleep(LOOK_SECONDS)


def _send(children: Sequence[Child]) -> None:
    for child in children:
        if child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)


def _kill(children: Sequence[Child]) -> None:
    """Let no child outlive its parent."""
    for child in children:
        if child.process.poll() is None:
            child.process.kill()
        child.process.wait()


if __name__ == "__main__":
    serve_as_child()
