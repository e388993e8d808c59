"""The process that compiles: it reads the rate book in its current folder and writes what came of it to its output.

Run as `python -m engine.registry.child SECONDS MEBIBYTES [tests]` by `engine.registry.building`, and by nobody else.
Its parent ends it when the seconds are over; where the parent was ended first, it ends itself a little later. A rate
book that takes more memory than that, by a workbook with one cell at the far end of the sheet for instance, takes none
from bills.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import Final

from engine.cache.packed import pack
from engine.registry.building import OUT_OF_MEMORY, Built, build_here

_LATER: Final = 5  # nice: bills go before a compile
_SECONDS_BEYOND: Final = 5  # that the parent has to end this process


def main() -> None:
    """Compile, and hand over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C ends the parent, and the parent this
    signal.alarm(int(sys.argv[1]) + _SECONDS_BEYOND)
    os.nice(_LATER)
    bytes_max = int(sys.argv[2]) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (bytes_max, bytes_max))
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else is written does not mix with the answer
        try:
            out.write(pack(build_here(tests="tests" in sys.argv[3:]), Built))
        except MemoryError:
            os._exit(OUT_OF_MEMORY)  # whatever else there is to do takes memory


if __name__ == "__main__":
    main()
