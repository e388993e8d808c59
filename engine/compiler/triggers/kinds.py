"""The trigger kinds, found by name: each module of this folder that ends in `KIND`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import engine.compiler.triggers
from engine.compiler.triggers.base import Kind


@cache
def kinds() -> Mapping[str, Kind]:
    """Kind name -> kind, sorted by name."""
    found: dict[str, Kind] = {}
    for module in sorted(entry.name for entry in pkgutil.iter_modules(engine.compiler.triggers.__path__)):
        kind = getattr(importlib.import_module(f"engine.compiler.triggers.{module}"), "KIND", None)
        if kind is not None:
            found[kind.name] = kind
    return MappingProxyType(found)
