"""A process that works in a registry beside others: python -m tests.registry.worker URL NAME VERSIONS

It says `ready`, waits for a line, then opens the registry, publishes, approves and activates versions of its own, and
repeats one publication and one approval that all of them make. At the end it says what it was answered, as JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from engine.registry.records import VersionRecord, to_text
from engine.registry.registry import Registry
from tests.registry.books import book, build_in_process, home


def work(url: str, name: str, versions: int) -> dict[str, object]:
    """Take steps."""
    registry = Registry(url, build=build_in_process)
    registry.open()
    shared = registry.publish(book("0.9999"), who="Li", why="all of us", request_id="shared")
    approved = registry.approve(shared.version, who="Wang", why="all of us", request_id="shared approval")
    made: list[VersionRecord] = []
    for number in range(versions):
        files = book(f"0.{number + 1}000", own=home(id_=f"cn.test.{name}", first="2027-01-01"))
        record = registry.publish(files, who=f"Li {name}", why="", request_id=f"{name} publishes {number}")
        registry.approve(record.version, who="Wang", why="", request_id=f"{name} approves {number}")
        made.append(
            registry.activate(
                record.version, who="Wang", why="", active_from=datetime.now(UTC), request_id=f"{name} {number}"
            )
        )
        registry.note_use("v", "run", {24300: 1, 24301: 2}, datetime.now(UTC))
        registry.schedule()
    registry.close()
    return {"shared": to_text(shared), "approved": to_text(approved), "made": [one.version for one in made]}


def main() -> None:
    """Wait for the others, and work."""
    url, name, versions = sys.argv[1:]
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(work(url, name, int(versions))), flush=True)


if __name__ == "__main__":
    main()
