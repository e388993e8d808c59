"""Interval data to five periods and the highest interval: C, and two ways one writes it with numpy.

Every way takes the same int64 column, checks the same bounds and gives the same int64 results: sums of shape
(period, meter) and the highest interval of each meter. `None` where C cannot be built here.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Found = tuple[Ints, Ints]

SOURCE = Path(__file__).parent / "c" / "intervals.c"
FLAGS = ("-O3", "-march=native", "-mprefer-vector-width=512", "-fwrapv", "-shared", "-fPIC")
MISSING = None if shutil.which("gcc") else "gcc is not installed (on Debian: apt-get install gcc)"


@cache
def _library() -> ctypes.CDLL:
    """Build the loops; what is loaded stays when the file is gone."""
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "intervals.so"
        subprocess.run(["gcc", *FLAGS, "-o", built, SOURCE], check=True)
        return ctypes.CDLL(str(built))


def c_loop(values: Ints, period: Ints, periods: int, high: int, *, time_major: bool) -> Callable[[], Found]:
    """Give C as a call without arguments.

    Args:
        values: shape (meter, day, point); with `time_major` (day, point, meter).
        period: shape (point,) the period of each interval of a day.
        periods: how many there are.
        high: an interval's highest value; the lowest is 0.
        time_major: how the values lie.
    """
    loop: Any = getattr(_library(), "by_interval" if time_major else "by_meter")
    loop.restype = ctypes.c_int64
    days, points, meters = values.shape if time_major else (*values.shape[1:], values.shape[0])
    sums, most = np.empty((periods, meters), np.int64), np.empty(meters, np.int64)
    sizes = [ctypes.c_size_t(size) for size in (meters, days, points, periods)]
    given = [ctypes.c_void_p(one.ctypes.data) for one in (values, period)]
    into = [ctypes.c_void_p(one.ctypes.data) for one in (sums, most)]

    def call() -> Found:
        outside = loop(*sizes, *given, ctypes.c_uint64(high), *into)
        assert outside == 0, f"{outside} meters are out of bounds"
        return sums, most

    return call


def masks(values: Ints, period: Ints, periods: int, high: int) -> Found:
    """Sum by masks, (meter, day, point): a column of ones and noughts for each period."""
    assert values.min() >= 0
    assert values.max() <= high
    flat = values.reshape(len(values), -1)
    of = np.tile(period, values.shape[1])
    return np.stack([flat[:, of == one].sum(axis=1) for one in range(periods)]), flat.max(axis=1)


def reduceat(values: Ints, period: Ints, periods: int, high: int) -> Found:
    """Sum stretches of one period, (meter, day, point), then the stretches of each period."""
    assert values.min() >= 0
    assert values.max() <= high
    flat = values.reshape(len(values), -1)
    of = np.tile(period, values.shape[1])
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    stretches = np.add.reduceat(flat, starts, axis=1)
    return np.stack([stretches[:, of[starts] == one].sum(axis=1) for one in range(periods)]), flat.max(axis=1)
