"""The process that compiles: it reads the rate book in its current folder and writes what came of it to its output.

Run as `python -m engine.registry.child [tests]` by `engine.registry.building`, and by nobody else.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys

from engine.registry.building import build_here

_LATER = 5  # nice: bills go before a compile


def main() -> None:
    """Compile, and hand over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C ends the parent, and the parent this
    os.nice(_LATER)
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else is written does not mix with the answer
        pickle.dump(build_here(tests="tests" in sys.argv[1:]), out, protocol=pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()
