"""`dianjia schema`: the JSON Schema of rule files."""

from __future__ import annotations

from engine.commands.output import emit
from engine.compiler.schema import json_schema


def schema() -> None:
    """Print it."""
    emit(json_schema())
