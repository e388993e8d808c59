"""What a rate book is made of: files by path, and the hash that names them.

Takes folders or bytes; gives files by their path inside the rate book, and the version, which is a hash of all of them
and so the same wherever the folder lies. Nothing here compiles.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from engine.language.problems import ProblemsFound, problem

SUFFIXES: Final = frozenset({".yaml", ".yml", ".csv", ".xlsx"})
BYTES_MAX: Final = 32 * 1024 * 1024  # of a rate book; the shipped one has 0.6 MB
PATH_CHARACTERS_MAX: Final = 200
NAME_BYTES_MAX: Final = 255  # of a folder or file, as file systems have it
_LOCKED: Final = "~$"  # Excel's mark on the file that lies beside a workbook while it is open
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\]")


def version_of(files: Mapping[str, bytes]) -> str:
    """Name a rate book by its content.

    Args:
        files: path inside the rate book -> bytes.

    Returns:
        SHA-256, 64 hexadecimal digits, over a line for each path in sorted order: the path, NUL, the SHA-256 of its
        bytes in hexadecimal digits, a newline.

    >>> version_of({"a.yaml": b"ruleset: a"})[:16]
    '69e8ab2af4f31f2c'
    """
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path}\0{content_hash(files[path])}\n".encode())
    return whole.hexdigest()


def content_hash(content: bytes) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read the files of a rate book: rules, and the tables and lists beside them. Anything else is left out.

    Raises:
        ProblemsFound: there is no such folder.
    """
    if not folder.is_dir():
        raise ProblemsFound([problem("no-such-file", None, None, path=folder)])
    found = {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(_LOCKED) and file.is_file()
    }
    return dict(sorted(found.items()))


def check_files(files: Mapping[str, bytes]) -> None:
    """See that files can be a rate book, before anything is done with them.

    Raises:
        ProblemsFound: `bad-path`, `rate-book-too-large`, `rate-book-empty`.
    """
    problems = [problem("bad-path", None, None, path=path) for path in _bad_paths(files)]
    size = sum(len(content) for content in files.values())
    if size > BYTES_MAX:
        problems.append(problem("rate-book-too-large", None, None, found=size, at_most=BYTES_MAX))
    if not files:
        problems.append(problem("rate-book-empty", None, None))
    if problems:
        raise ProblemsFound(problems)


def changed(files: Mapping[str, str], before: Mapping[str, str]) -> tuple[str, ...]:
    """Name the files that one of two rate books lacks, or has with other content.

    Args:
        files: path -> hash of its content.
        before: likewise.
    """
    return tuple(sorted(path for path in files.keys() | before.keys() if files.get(path) != before.get(path)))


def _bad_paths(paths: Iterable[str]) -> list[str]:
    """Paths that lead out of a rate book, are written in two ways, or are another file's folder."""
    known = set(paths)
    return [path for path in sorted(known) if not _is_plain(path) or _below_a_file(path, known)]


def _is_plain(path: str) -> bool:
    pieces = path.split("/")
    try:
        path.encode()
    except UnicodeEncodeError:  # a name on the disk that is not UTF-8
        return False
    return (
        len(path) <= PATH_CHARACTERS_MAX
        and _FORBIDDEN.search(path) is None
        and not {"", ".", ".."} & set(pieces)
        and all(len(piece.encode()) <= NAME_BYTES_MAX for piece in pieces)
        and PurePosixPath(path).suffix.lower() in SUFFIXES
    )


def _below_a_file(path: str, known: set[str]) -> bool:
    return any(str(parent) in known for parent in PurePosixPath(path).parents)
