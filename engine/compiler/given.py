"""What tests in rule files give for inputs and lists, as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.language.nodes import List, Map, Text
from engine.language.problems import Place, ProblemsFound, problem
from engine.language.tables import read_items

Given = str | tuple[Mapping[str, str], ...]


def given_value(name: Text, node: object) -> Given:
    """What a test gives for an input or a list: text, items, or a CSV file beside the rule set with an item a line."""
    if isinstance(node, Text):
        return str(node)
    if isinstance(node, List):
        wrong = [one for one in node if not isinstance(one, Map)]
        if not wrong:
            return tuple(
                {str(key): str(value) for key, value in item.items()} for item in node if isinstance(item, Map)
            )
    named = items_file(name, node)
    if named is not None:
        return read_items(*named)
    raise ProblemsFound([problem("test-given", name.place, None, name=name)])


def items_file(name: Text, node: object) -> tuple[Path, Place] | None:
    """The CSV file that a test gives for a list, and where it is named."""
    if isinstance(node, Map) and [str(key) for key in node] == ["file"]:
        (file,) = node.values()
        if isinstance(file, Text):
            return Path(name.place.file).parent / str(file), file.place
    return None
