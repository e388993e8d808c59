"""Properties that hold for every row: rule sets, the rows to draw for them, and oracles; a module for kinds alike."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def modules(prefix: str) -> list[ModuleType]:
    """The modules of this folder whose names begin so, by name: a new one is found without being listed."""
    names = sorted(entry.name for entry in pkgutil.iter_modules(__path__) if entry.name.startswith(prefix))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]
