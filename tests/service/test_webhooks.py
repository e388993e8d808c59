"""A server that tells an endpoint of warnings, is killed in the middle, and its successor, which goes on."""

from __future__ import annotations

import json
import signal
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from dianjia.client import Client
from engine.warnings.webhook_signature import read_secret, verify
from tests.service.serving import Server, serving, token_of
from tests.service.watching import DAY, WHO, rules, use
from tests.triggers.gateway import SECRET, dies, gateway, status

COUNT = 120


def test_every_warning_comes_at_least_once(tmp_path: Path) -> None:
    """Killed with a message under way, after 29 were taken; the next one repeats no more than were not settled.

    120 events of 120 accounts, each above the limit: 120 warnings. Each message is signed, and a repeated one is equal.
    """
    running: list[Server] = []
    recorded = threading.Event()  # a source that waits for its answer would have to send again

    def kills_at_30(handler: Any, headers: dict[str, str], body: bytes) -> None:
        if len(told.came) == 30:
            recorded.wait(20)
            running[0].send(signal.SIGKILL)
            running[0].ended()
            dies(handler, headers, body)
        else:
            status(204)(handler, headers, body)

    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    book = rules(tmp_path / "rules")
    with gateway(usual=kills_at_30) as told:
        endpoints = tmp_path / "endpoints.toml"
        written = {
            "url": told.url,
            "secret_file": str(tmp_path / "secret"),
            "levels": ["yellow"],
            "timeout_seconds": 30,
        }
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in written.items()]
        endpoints.write_text(f"[gateway]\n{''.join(lines)}", encoding="utf-8")
        settings = {"webhooks": endpoints}
        with serving(tmp_path / "1", rules=book, tokens=WHO, settings=settings) as server:
            running.append(server)
            with Client(server.address, token=token_of("all")) as client:
                events = [use(number, "2000", account=f"a{number}") for number in range(COUNT)]
                done = client.warnings.record(events, complete_until=DAY + timedelta(days=50))
            recorded.set()
            server.wait_for(lambda: server.process.poll() is not None, 20.0)
        with serving(
            tmp_path / "2",
            rules=book,
            tokens=WHO,
            settings=settings,
            database=f"sqlite:///{tmp_path}/1/state/dianjia/registry.sqlite",
        ) as server:
            server.wait_for(lambda: len(set(told.ids)) == COUNT, 20.0)

    key, bodies = read_secret(SECRET), {headers["webhook-id"]: body for headers, body in told.came}
    assert done.warnings == COUNT
    assert len(told.came) - COUNT <= 30
    assert all(body == bodies[headers["webhook-id"]] for headers, body in told.came)
    assert all(verify(key, headers, body, int(time.time())) for headers, body in told.came)
