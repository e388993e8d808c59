"""What the files of a run's input were when it was planned, so that a change between then and a resumption is noticed.

A file whose size, time of change and inode are the same is taken to be the same; else its SHA-256 decides, so that a
copy, or a file that was only touched, does not stop a run. What is given is plain data that the ledger keeps as JSON.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.bulk.problems import FileProblem
from engine.runs.inputs import expanded

Fingerprint = Mapping[str, Any]
"""An input, a file or folder, with its files: path, size [bytes], mtime_ns, inode, sha256."""


def fingerprint(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Take the fingerprints of files and folders, whose files are read from end to end.

    Raises:
        FileProblem: a file cannot be read, or changes while it is; a folder holds none.
    """
    return [{"input": str(path.absolute()), "files": [_taken(file) for file in expanded(path)]} for path in paths]


def changed(old: Sequence[Fingerprint], thorough: bool = False) -> list[tuple[str, str]]:
    """Say which files are no longer what they were.

    Args:
        old: as `fingerprint` gave it.
        thorough: hash every file, also those of the same size, time and inode.

    Returns:
        Path, and `missing`, `added` (to a folder), `size` or `content`; none: all files are the same.
    """
    found: list[tuple[str, str]] = []
    for one in old:
        for file in one["files"]:
            what = _change(file, thorough)
            if what:
                found.append((file["path"], what))
        if Path(one["input"]).is_dir():
            known = {file["path"] for file in one["files"]}
            now = [str(path) for path in _now(Path(one["input"]))]
            found += [(path, "added") for path in now if path not in known]
    return found


class Unchanged:
    """Looks whether files are what they were, by size, time and inode; asked for a few of them, time and again."""

    def __init__(self, old: Sequence[Fingerprint], despite: bool = False) -> None:
        """Take what the files were.

        Args:
            old: as `fingerprint` gave it.
            despite: they may have changed since; what they are now counts.
        """
        files = [file for one in old for file in one["files"]]
        if despite:
            self._known = {file["path"]: _stat(file["path"]) for file in files}
        else:
            # One of the same content that was copied back counts as it is now.
            same = {file["path"]: (file["size"], file["mtime_ns"], file["inode"]) for file in files}
            self._known = {
                file["path"]: same[file["path"]] if _change(file, False) else _stat(file["path"]) for file in files
            }

    def fault(self, paths: Sequence[str]) -> str:
        """The first of some files that is another one by now; "": none. Files that were not asked for are the same."""
        return next((path for path in paths if path in self._known and _stat(path) != self._known[path]), "")


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _now(folder: Path) -> list[Path]:
    try:
        return expanded(folder)
    except FileProblem:
        return []


def _change(file: Mapping[str, Any], thorough: bool) -> str:
    path = Path(file["path"])
    try:
        stat = path.stat()
    except OSError:
        return "missing"
    if stat.st_size != file["size"]:
        return "size"
    if not thorough and (stat.st_mtime_ns, stat.st_ino) == (file["mtime_ns"], file["inode"]):
        return ""
    return "" if _digest(path) == file["sha256"] else "content"


def _taken(path: Path) -> dict[str, Any]:
    try:
        before = path.stat()
    except OSError:
        raise FileProblem("portfolio-not-found", str(path)) from None
    digest = _digest(path)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FileProblem("portfolio-unreadable", str(path), reason="it was written to while it was read")
    stat = {"size": after.st_size, "mtime_ns": after.st_mtime_ns, "inode": after.st_ino}
    return {"path": str(path), **stat, "sha256": digest}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileProblem("portfolio-unreadable", str(path), reason=error.strerror or str(error)) from error
