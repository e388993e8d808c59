"""CPU time of this process and of those that it has started and that still run, all their threads [s].

A side in an environment of its own is a child that waits until it is asked to bill. Counting both is fair to neither's
loss: while one works the other waits, and waiting costs no CPU.
"""

from __future__ import annotations

import time
from pathlib import Path


def cpu_seconds() -> float:
    """Give the CPU seconds used so far. Linux only where there are children."""
    return sum((_of(child) for child in _children()), time.process_time())


def _children() -> list[int]:
    lists = Path("/proc/self/task").glob("*/children")
    return [int(child) for listed in lists for child in listed.read_text(encoding="ascii").split()]


def _of(process: int) -> float:
    """The clock of another process; its number is made as `clock_getcpuclockid` makes it."""
    try:
        return time.clock_gettime(~process << 3 | 2)
    except OSError:
        return 0.0  # it has ended
