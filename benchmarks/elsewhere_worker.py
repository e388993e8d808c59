"""The other end of `benchmarks.elsewhere`: runs a peer's three functions in the environment that has its packages.

    python -m benchmarks.elsewhere_worker benchmarks.peers.openfisca_core keep

Reads lines (`load WORKLOAD FOLDER`, `bill`, `answer FOLDER`) and writes `done` after each. The module has `load`,
`bill` and `answer`, which are those of a side, or gives a `side`. `keep`: glibc keeps what is given back
(`benchmarks.allocator`); `as-it-is`: it does what it always does.
"""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.allocator import keep_memory
from benchmarks.workloads import WORKLOADS


def main(module: str, memory: str) -> None:
    """Serve until the input ends."""
    peer: Any = importlib.import_module(module)
    peer = peer.side() if hasattr(peer, "side") else peer
    loaded: Any = None
    outcome: Any = None
    workload = WORKLOADS["W1"]
    if memory == "keep":
        keep_memory()
    gc.disable()  # as in the measuring process
    for line in sys.stdin:
        match line.split(maxsplit=2):
            case ["load", name, folder]:
                workload = WORKLOADS[name]
                columns = {one.name: np.load(Path(folder.strip()) / f"{one.name}.npy") for one in workload.inputs}
                loaded = peer.load(workload, columns)
            case ["bill"]:
                outcome = peer.bill(loaded)
            case ["answer", folder]:
                for column, values in peer.answer(workload, outcome).items():
                    np.save(Path(folder.strip()) / f"{column}.npy", values)
                gc.collect()
            case _:
                raise ValueError(f"`{line.strip()}` is no line of this protocol")
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
