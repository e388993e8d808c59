"""The log beside calls: what it does where nobody takes its lines."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from engine.service import logs
from engine.service.logs import Log


def test_a_reader_who_takes_nothing_does_not_keep_a_server_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe takes 64 KiB; then a write waits for as long as the reader likes."""
    monkeypatch.setattr(logs, "CLOSE_SECONDS", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = Log(pipe)
    for _ in range(100):
        log.event("said", text="x" * 2_000)
    time.sleep(4 * logs.WAIT_SECONDS)

    closing = threading.Thread(target=log.close, daemon=True)
    closing.start()
    closing.join(5)
    ended = not closing.is_alive()
    os.close(reading)

    assert ended
