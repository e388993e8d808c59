"""Which folders of this machine recalculations may read from and write to.

A path is judged by where it really leads: links are followed first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.language.problems import ProblemsFound
from engine.runs.order import Order
from engine.service.calls import wrong

_SHOWN = 200  # characters of a path that a message repeats


@dataclass(frozen=True, slots=True)
class Allowed:
    """Folders that recalculations may use."""

    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]

    def input(self, path: str, field: str) -> str:
        """Give the place that an input really is; the files of a folder are looked at, too.

        Raises:
            ProblemsFound: `path-outside`.
        """
        real = _within(path, self.inputs, field, "read from", "读取", "run_inputs")
        if real.is_dir():
            for file in real.rglob("*"):
                if file.is_symlink() and not _is_below(Path(os.path.realpath(file)), self.inputs):
                    raise _outside(str(file), field, "read from", "读取", "run_inputs")
        return str(real)

    def output(self, path: str, field: str) -> str:
        """Give the place that a folder for results really is.

        Raises:
            ProblemsFound: `path-outside`.
        """
        return str(_within(path, self.outputs, field, "write to", "写入", "run_outputs"))

    def takes(self, order: Order) -> bool:
        """Whether this server may drive what another accepted."""
        return all(_is_below(Path(os.path.realpath(one)), self.inputs) for one in order.inputs) and _is_below(
            Path(os.path.realpath(order.output)), self.outputs
        )


def folders(written: str) -> tuple[Path, ...]:
    """Read folders with `:` between them, as PATH has them."""
    return tuple(Path(os.path.realpath(one)) for one in written.split(os.pathsep) if one)


def _within(path: str, roots: Sequence[Path], field: str, use: str, use_zh: str, setting: str) -> Path:
    real = Path(os.path.realpath(path))
    if not Path(path).is_absolute() or not _is_below(real, roots):
        raise _outside(path, field, use, use_zh, setting)
    return real


def _is_below(path: Path, roots: Iterable[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _outside(path: str, field: str, use: str, use_zh: str, setting: str) -> ProblemsFound:
    return wrong("path-outside", field, value=path[:_SHOWN], use=use, use_zh=use_zh, setting=setting)
