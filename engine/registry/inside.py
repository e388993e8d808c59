"""A rate book stands alone: no file of it may name a file outside.

Takes the folder that is to be compiled; gives a problem for each path in it that leads out. It is looked at before
anything is compiled, so that nobody reads another file of the machine by way of a rate book's messages.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.compiler.files import files_under
from engine.language.load import load
from engine.language.nodes import List, Map, Node, Text
from engine.language.problems import Problem, ProblemsFound, problem

_NAMES_A_FILE: Final = "file"  # of a table, and of a list that a test gives


def leading_out(folder: Path) -> list[Problem]:
    """Find paths that lead out of a folder; a file that cannot be read is for the compiler to tell."""
    found: list[Problem] = []
    for file in files_under([folder]):
        try:
            node = load(file)
        except ProblemsFound:
            continue
        inside = file.relative_to(folder).parent.as_posix()
        found += [
            problem("bad-path", path.place, None, path=path) for path in _named(node) if _leads_out(inside, str(path))
        ]
    return found


def _named(node: Node) -> Iterator[Text]:
    """The texts under the keys that name files, wherever they stand."""
    queue: list[Node] = [node]
    while queue:
        one = queue.pop()
        if isinstance(one, List):
            queue += one
        elif isinstance(one, Map):
            for key, value in one.items():
                if isinstance(value, Text):
                    if key == _NAMES_A_FILE:
                        yield value
                else:
                    queue.append(value)


def _leads_out(folder: str, path: str) -> bool:
    whole = posixpath.normpath(posixpath.join(folder, path))
    return whole == ".." or whole.startswith(("../", "/"))
