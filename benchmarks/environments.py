"""Environments of the calculators compared with: each in a virtual environment of its own, with pinned packages.

    python -m benchmarks.environments                # all of them
    python -m benchmarks.environments pysam          # one

`environments/NAME.txt` beside this file pins the packages of NAME, all of them. An environment is made again when its
file or the Python changes. Nothing is installed where the engine runs; a side without its environment says so.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
PINNED: Final = HERE / "environments"
MADE: Final = HERE.parent / ".bench-venvs"


def names() -> tuple[str, ...]:
    """Give the environments that there are files for."""
    return tuple(sorted(file.stem for file in PINNED.glob("*.txt")))


def python(name: str) -> Path:
    """Give an environment's Python; it is there once the environment is made."""
    return MADE / name / "bin" / "python"


def missing(name: str) -> str | None:
    """Say what to type where an environment is not there, or not of the pinned packages; None: it is there."""
    if _stamp(name).is_file() and python(name).exists():
        return None
    return f"the environment `{name}` is not there: run `python -m benchmarks.environments {name}`"


def make(name: str) -> None:
    """Make an environment with the pinned packages, unless it is there."""
    if missing(name) is None:
        return
    MADE.mkdir(exist_ok=True)
    (MADE / ".gitignore").write_text("*\n", encoding="utf-8")
    venv.create(MADE / name, clear=True, with_pip=True)
    pinned = PINNED / f"{name}.txt"
    pip = [str(python(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--requirement", str(pinned)], check=True)
    _stamp(name).touch()


def _told(name: str, error: subprocess.CalledProcessError) -> str:
    """Say that an environment was not made, and how to try again."""
    step = "its packages could not be installed" if "--requirement" in error.cmd else "Python could not make it"
    again = f"python -m benchmarks.environments {name}"
    return f"{name}: not there, {step}; what it said stands above. To try again: `{again}`"


def _stamp(name: str) -> Path:
    """The file that says which packages and which Python an environment was made of."""
    wanted = (PINNED / f"{name}.txt").read_bytes() + sys.version.encode()
    return MADE / name / f"made-of-{hashlib.sha256(wanted).hexdigest()[:16]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code: 1 where an environment could not be made."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.environments", description="Make the environments.")
    parser.add_argument("name", nargs="*", help=f"which: {', '.join(names())}; all if none")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.name) - set(names()))
    if unknown:
        parser.error(f"there is no environment {', '.join(unknown)}; there are {', '.join(names())}")
    failed = False
    for name in options.name or names():
        try:
            make(name)
        except subprocess.CalledProcessError as error:
            failed = True
            print(_told(name, error), file=sys.stderr)
        else:
            print(f"{name}: {python(name)}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
