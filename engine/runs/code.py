"""Which code bills: the hash of the engine's sources and of the releases that compute and read and write for it."""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

_ROOMS = ("language", "calendars", "charges", "quantities", "compiler", "cache", "evaluator", "triggers", "bulk")
_FILES = ("runs/history.py", "runs/row_events.py", "runs/watched.py")  # what a history brings


@cache
def code_hash() -> str:
    """64 hexadecimal digits, the same where bills are made by the same code."""
    root = Path(__file__).parent.parent
    told: list[tuple[str, str]] = [("python", ".".join(map(str, sys.version_info[:2])))]
    told += [("numpy", np.__version__), ("pyarrow", pa.__version__)]
    for room in _ROOMS:
        for file in sorted((root / room).rglob("*.py")):
            told.append(_told(root, file))
    told += [_told(root, root / name) for name in _FILES]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _told(root: Path, file: Path) -> tuple[str, str]:
    return file.relative_to(root).as_posix(), hashlib.sha256(file.read_bytes()).hexdigest()
