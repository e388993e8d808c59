"""Which files of rules are read: those under the paths that were asked for, and those around them.

Where a path lies inside a folder `rules`, the rest of that folder is read too, for forms and notices that the path's
documents refer to; elsewhere the folder `rules` of the current directory, if there is one. Nothing is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.language.problems import ProblemsFound, problem

SUFFIXES = (".yaml", ".yml")


def files_of(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The files under the paths, and the others of the folders `rules` in which the paths lie.

    Raises:
        ProblemsFound: a path is not there.
    """
    asked = files_under(paths)
    resolved = {file.resolve() for file in asked}
    roots = dict.fromkeys(root for root in map(library_root, paths) if root is not None)
    around = [file for root in roots for file in files_under([root]) if file.resolve() not in resolved]
    return asked, around


def files_under(paths: Sequence[Path]) -> list[Path]:
    """YAML files of the paths, sorted; a path that is not there is a problem."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.suffix in SUFFIXES and file.is_file():
                    found[file] = None
        elif path.is_file():
            found[path] = None
        else:
            raise ProblemsFound((problem("no-such-file", None, path=path),))
    return list(found)


def library_root(path: Path) -> Path | None:
    """The nearest folder `rules` at or above a path, else that of the current directory."""
    for parent in [path.resolve(), *path.resolve().parents]:
        if parent.name == "rules" and parent.is_dir():
            return parent
    here = Path("rules")
    return here.resolve() if here.is_dir() else None
