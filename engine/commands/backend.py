"""The option `--backend` of commands that bill by columns."""

from __future__ import annotations

from engine.commands.output import failure
from engine.evaluator.native import Backend, NoNative, require_native


def need_backend(backend: Backend) -> None:
    """End the command where the backend cannot be had for want of a package."""
    if backend == "numpy":
        return
    try:
        require_native()
    except NoNative as missing:
        raise failure(
            f"dianjia: {missing}", "dianjia: native 后端需要 numba，尚未安装：pip install 'dianjia[native]'", 2
        ) from None
