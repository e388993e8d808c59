"""What workers of our own on this machine are told by their environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import engine

HOST: Final = "127.0.0.1"
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def environment() -> dict[str, str]:
    """Variables with which a worker finds this engine, and keeps to one thread a library."""
    home = str(Path(engine.__file__).parent.parent)
    path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PYTHONPATH": path, **dict.fromkeys(_ONE_THREAD, "1")}
