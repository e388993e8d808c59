"""The program `dianjia`: the command line, started without what no command uses.

pyarrow imports pandas, where it is installed, as soon as an array is made of numpy: two seconds of processor time in
each process, for nothing. In a process of our own pandas is therefore not found, unless a cluster's library asks for
it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

WANT_PANDAS: Final = ("pyspark", "dask", "distributed")


class _WithoutPandas(MetaPathFinder):
    """Finds no pandas; everything else is left to the finders behind."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname == "pandas" and not any(name in sys.modules for name in WANT_PANDAS):
            raise ModuleNotFoundError("no command uses pandas", name=fullname)
        return None


def leave_pandas_out() -> None:
    """Have pyarrow do without pandas in this process."""
    sys.meta_path.insert(0, _WithoutPandas())


def main() -> None:
    """Run the command line."""
    leave_pandas_out()
    from engine.cli import main as command

    command()


if __name__ == "__main__":
    main()
