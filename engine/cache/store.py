"""The cache's folder on the disk: entries that can be had again, so that losing them costs time and nothing else.

Takes a kind, a key and bytes; gives the bytes again, or None. Nothing here raises: a folder that cannot be made, a full
disk, an entry that was cut off or taken away meanwhile are all the same as no entry. What an entry means, and what its
key has to say of where it came from, is for `engine.cache.compiled` and for the evaluator to know.

    $DIANJIA_CACHE, else $XDG_CACHE_HOME/dianjia, else ~/.cache/dianjia      `off`: there is no cache
        compiled/                   a kind; each has a CACHEDIR.TAG, without which nothing in it is ours
            3f9c...e1.entry         `dianjia-cache 1 KIND/KEY SHA-256`, a line, and then what was kept

Whoever can write there can change bills. So the folder is made for its owner alone, and is not used where it belongs to
somebody else (root excepted, who can do anything) or others may write to it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

VARIABLE: Final = "DIANJIA_CACHE"
OFF: Final = "off"
BYTES_MAX: Final = 256 * 1024 * 1024  # of one kind; what was not used for longest goes first
TAG: Final = "CACHEDIR.TAG"  # https://bford.info/cachedir: backups leave such folders out
_TAG_TEXT: Final = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# A cache of Dianjia. It may be deleted at any time; `dianjia cache --clear` does so.\n"
)
_MAGIC: Final = "dianjia-cache 1"
_HEAD_MAX: Final = 512  # bytes of an entry's first line
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_SUFFIX: Final = ".entry"
_TEMPORARY: Final = ".writing-"
_LEFT_SECONDS: Final = 3600.0  # after which a half-written file is nobody's

Refused = Literal["", "off", "other-owner", "others-may-write", "not-there"]


@dataclass(frozen=True, slots=True)
class Found:
    """Where the cache is, or why there is none.

    Attributes:
        path: whole; None: there is no cache.
        refused: "off": somebody wants none; "other-owner", "others-may-write": the folder is not safe; "not-there": it
            cannot be made.
        where: the folder that was looked at; None: none is named.
    """

    path: Path | None
    refused: Refused
    where: Path | None


@dataclass(frozen=True, slots=True)
class Kind:
    """What the cache holds of one kind."""

    name: str
    entries: int
    size: int  # [bytes]


def cache_directory() -> Path | None:
    """Give the folder of the cache, which is there and safe to use; None: there is none."""
    return find_cache().path


def find_cache(environment: Mapping[str, str] = os.environ) -> Found:
    """Find the folder, or make it; say why where there is none."""
    told = environment.get(VARIABLE, "")
    if told.lower() == OFF:
        return Found(None, "off", None)
    where = _where(environment, told)
    if where is None:
        return Found(None, "not-there", None)
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = where.stat()
    except (OSError, ValueError):  # a NUL in its name is a ValueError
        return Found(None, "not-there", where)
    if about.st_uid not in (os.geteuid(), 0):
        return Found(None, "other-owner", where)
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Found(None, "others-may-write", where)
    return Found(where, "", where)


def folder_of(kind: str) -> Path | None:
    """Give the folder of one kind of entries, for whoever keeps files of his own there; None: there is none.

    A folder of that name that is there already and lacks our tag holds something else, and is left alone.
    """
    directory = cache_directory()
    if directory is None:
        return None
    folder = directory / kind
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not _is_ours(folder):
            if any(folder.iterdir()):
                return None
            (folder / TAG).write_text(_TAG_TEXT, encoding="ascii")
    except OSError:
        return None
    return folder


def read_entry(kind: str, key: str) -> bytes | None:
    """Give what was kept; an entry that is not whole is taken away."""
    directory = cache_directory()
    if directory is None:
        return None
    path = _path(directory / kind, key)
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    head, _, content = whole[:_HEAD_MAX].partition(b"\n")
    content = whole[len(head) + 1 :]
    if head != _head(kind, key, content):
        with suppress(OSError):
            path.unlink()
        return None
    with suppress(OSError):
        os.utime(path)  # it was used now
    return content


def keep_entry(kind: str, key: str, content: bytes) -> bool:
    """Keep bytes under a key; say whether they are kept."""
    folder = folder_of(kind)
    if folder is None or len(content) > BYTES_MAX:
        return False
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(_head(kind, key, content) + b"\n")
            file.write(content)
        Path(temporary).replace(_path(folder, key))  # whoever reads meanwhile has the old file or the new one
    except OSError:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
        return False
    _make_room(folder, _path(folder, key))
    return True


def drop_entry(kind: str, key: str) -> None:
    """Take an entry away."""
    directory = cache_directory()
    if directory is not None:
        with suppress(OSError):
            _path(directory / kind, key).unlink()


def kinds() -> list[Kind]:
    """Say what the cache holds, by kind."""
    return [Kind(folder.name, *_measure(folder)) for folder in _folders()]


def left_alone(names: Iterable[str]) -> list[Path]:
    """Find folders of these kinds that hold something and lack our tag: nothing is kept there, and nothing deleted."""
    directory = cache_directory()
    if directory is None:
        return []
    found = []
    for folder in (directory / name for name in names):
        with suppress(OSError):
            if not _is_ours(folder) and any(folder.iterdir()):
                found.append(folder)
    return found


def clear() -> list[Kind]:
    """Delete everything that the cache holds, and say what it was. Files that it did not make stay."""
    found = kinds()
    for folder in _folders():
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _where(environment: Mapping[str, str], told: str) -> Path | None:
    try:
        if told:
            return Path(told).expanduser().absolute()
        base = Path(environment.get("XDG_CACHE_HOME", ""))
        return (base if base.is_absolute() else Path.home() / ".cache") / "dianjia"
    except RuntimeError:  # nobody knows where home is
        return None


def _is_ours(folder: Path) -> bool:
    with suppress(OSError):
        return (folder / TAG).read_bytes() == _TAG_TEXT.encode("ascii")
    return False


def _folders() -> list[Path]:
    """The folders of kinds."""
    directory = cache_directory()
    with suppress(OSError):
        return sorted(folder for folder in directory.iterdir() if _is_ours(folder)) if directory is not None else []
    return []


def _measure(folder: Path) -> tuple[int, int]:
    """How many files there are, and their bytes [bytes]."""
    sizes = []
    for path in folder.rglob("*"):
        with suppress(OSError):
            about = path.stat()
            if stat.S_ISREG(about.st_mode) and path.name != TAG:
                sizes.append(about.st_size)
    return len(sizes), sum(sizes)


def _path(folder: Path, key: str) -> Path:
    if _KEY.fullmatch(key) is None:
        raise ValueError(f"a key is 64 hexadecimal digits, not {key!r}")
    return folder / f"{key}{_SUFFIX}"


def _head(kind: str, key: str, content: bytes) -> bytes:
    return f"{_MAGIC} {kind}/{key} {hashlib.sha256(content).hexdigest()}".encode()


def _make_room(folder: Path, newest: Path) -> None:
    """Delete what was not used for longest, until the kind is within its bytes; and what was left half written."""
    found: list[tuple[float, int, Path]] = []
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(OSError):
                about = path.stat()
                if path.name.startswith(_TEMPORARY):
                    if about.st_mtime < time.time() - _LEFT_SECONDS:
                        path.unlink()
                elif path.suffix == _SUFFIX and path != newest:
                    found.append((about.st_mtime, about.st_size, path))
    with suppress(OSError):
        size = newest.stat().st_size + sum(size for _, size, _ in found)
        for _, own, path in sorted(found):
            if size <= BYTES_MAX:
                return
            with suppress(OSError):
                path.unlink()
            size -= own
