"""C, one loop a bill (`c/w1.c`, `c/w2.c`), built by gcc when first wanted and called through ctypes.

Exact because every step is a whole number of 64 bits within its bounds; the power factor near a tie is settled in 128
bits. What is out of bounds is found in the same loop by one bit, and only then looked for. Written twice over: as plain
C, whose divisions keep gcc from using vectors, and with the divisions written as products, which it makes eight rows at
a time. It computes one bill and nothing else: no version in force, no reason for a refusal, no other tariff.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.sides import Side, answered
from benchmarks.workloads import REFUSED, Columns, Workload

SOURCES = Path(__file__).parent / "c"
FLAGS = ("-O3", "-march=native", "-fwrapv", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
VECTORS = ("-mprefer-vector-width=512", "-DVECTORS")
MISSING = None if shutil.which("gcc") else "gcc is not installed (on Debian: apt-get install gcc)"


def side() -> Side:
    """Give plain C as a side."""
    return Side("c", "C, gcc -O3 -march=native", partial(_load, ()), _bill, answered, missing=MISSING)


def vectors() -> Side:
    """Give C written for vectors as a side."""
    title = "C, divisions written for AVX-512"
    return Side("c-vectors", title, partial(_load, VECTORS), _bill, answered, missing=MISSING)


@dataclass(frozen=True, slots=True)
class _Loaded:
    rows: int
    bills: dict[str, npt.NDArray[Any]]
    given: Columns  # kept alive for the pointers
    arguments: tuple[Any, ...]
    loop: Any
    refused: Any


@cache
def library(flags: tuple[str, ...]) -> ctypes.CDLL:
    """Build both loops; what is loaded stays when the file is gone."""
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "loops.so"
        sources = [SOURCES / "w1.c", SOURCES / "w2.c"]
        subprocess.run(["gcc", *FLAGS, *flags, "-o", built, *sources, "-lm"], check=True)
        return ctypes.CDLL(str(built))


def _load(flags: tuple[str, ...], workload: Workload, columns: Columns) -> _Loaded:
    built, name = library(flags), workload.name.lower()
    rows = len(columns[workload.inputs[0].name])
    given = {one.name: np.ascontiguousarray(columns[one.name]) for one in workload.inputs}
    bills: dict[str, npt.NDArray[Any]] = {name: np.empty(rows, np.int64) for name in (*workload.items, "total")}
    pointers = [_pointers(list(given.values())), _pointers(list(bills.values()))]
    bills |= {name: np.empty(rows, np.uint8) for name in workload.flags} | {REFUSED: np.zeros(rows, np.uint8)}
    flag = bills[workload.flags[0]].ctypes.data if workload.flags else None
    loop, refused = getattr(built, name), getattr(built, f"{name}_refused")
    arguments = (ctypes.c_size_t(rows), *pointers, ctypes.c_void_p(flag))
    return _Loaded(rows, bills, given, arguments, loop, refused)


def _pointers(arrays: list[npt.NDArray[Any]]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*[values.ctypes.data for values in arrays])


def _bill(loaded: _Loaded) -> Mapping[str, npt.NDArray[Any]]:
    if loaded.loop(*loaded.arguments):
        rows, given = loaded.arguments[:2]
        loaded.refused(rows, given, ctypes.c_void_p(loaded.bills[REFUSED].ctypes.data))
    return loaded.bills
