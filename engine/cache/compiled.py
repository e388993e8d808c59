"""Compiled rules, kept on the disk and found again by the content of everything that they were compiled from.

Takes paths; gives what `compile_all` gives, to the last place and digit, sooner: 60 rule sets take two seconds to
compile and a tenth of one to read. Only rules without a problem are kept; with one, everything is compiled each time.
A key is a SHA-256 over

    the engine          the sources of the rooms that compile, and the releases of the packages that they read with
    the YAML files      each one that is read: its name as places show it, its bytes, and whether it was asked for
    the files beside    tables, and lists that tests give, of which the YAML files say the names

so that there are two entries: the YAML files' key has the names of the files beside, theirs together has the book.
Nothing else is read: the compiler knows no day, no timezone of the machine, no environment.

Files may change while they are read. Nothing is kept unless every file was the same, by content and by times, before
the rules were compiled and after. The same goes for the engine: a process whose sources changed since it began might
keep what older code made under the key of newer, so it keeps nothing, and reads nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeVar

from engine.cache.packed import pack, unpack
from engine.cache.store import cache_directory, drop_entry, keep_entry, read_entry
from engine.compiler.book import RateBook as RateBook
from engine.compiler.files import files_of
from engine.language.problems import Problem, ProblemsFound, shown_path

T = TypeVar("T")

KIND: Final = "compiled"
FORMAT: Final = 3
SECONDS_MIN: Final = 0.5  # processor time of a compile that is worth keeping
ROOMS: Final = ("language", "calendars", "charges", "quantities", "compiler", "cache")
# Packages that read what is compiled -> the file of each that names its release; to import them for that takes longer.
_PACKAGES: Final = {
    "openpyxl": "_constants.py",
    "pydantic": "version.py",
    "tzdata": "__init__.py",
    "yaml": "__init__.py",
}
_BEGAN: Final = time.time()  # when this process read the engine's sources
_BEFORE_SECONDS: Final = 2.0  # that reading them may have taken
_TICK_NS: Final = 50_000_000  # by which a file's time may lie before the clock's [ns]


@dataclass(frozen=True, slots=True)
class Beside:
    """What the YAML files name: tables, and lists that tests give, as places show them."""

    files: tuple[str, ...]


def book_and_problems(paths: Sequence[Path | str]) -> tuple[RateBook, list[Problem]]:
    """Give what can be compiled, from the cache or the compiler, and tell the rest."""
    before = _look(paths) if cache_directory() is not None else None
    known = None if before is None or before.key is None else read_kept(before.key, Beside)
    if before is not None and known is not None:
        key = _key_with(before, known)
        kept = None if key is None else read_kept(key, RateBook)
        if kept is not None:
            return kept, []
    from engine.compiler.compile import compile_and_name  # the compiler and all that it stands on: wanted only here

    began, began_ns = time.process_time(), time.time_ns()
    book, problems, files = compile_and_name(paths)
    dear = time.process_time() - began >= SECONDS_MIN
    if before is not None and before.key is not None and dear and not problems:
        beside = Beside(tuple(sorted(files)))
        key = _key_with(before, beside)
        changed = any(_changed_since(Path(file), began_ns) for file in beside.files)
        if key is not None and not changed and _look(paths) == before:
            keep(before.key, beside, Beside)
            keep(key, book, RateBook)
    return book, problems


def packed_book(paths: Sequence[Path | str], book: RateBook) -> bytes:
    """Give a rate book that `book_and_problems` made of some paths as bytes for `unpack`: the cache's, where it has it.

    Whoever reads them compares `RateBook.hash`.
    """
    seen = _look(paths) if cache_directory() is not None else None
    known = None if seen is None or seen.key is None else read_kept(seen.key, Beside)
    key = None if seen is None or known is None else _key_with(seen, known)
    kept = None if key is None else read_entry(KIND, key)
    return pack(book, RateBook) if kept is None else kept


def key_of(what: str, content: Iterable[Sequence[str]], rooms: Sequence[str] = ()) -> str | None:
    """Name something by all that it is made from, besides the engine.

    Args:
        what: it is, so that two things made from the same content have two names.
        content: texts, such as the name of a file and the SHA-256 of its bytes.
        rooms: of the engine that take part, besides those that compile.

    Returns:
        64 hexadecimal digits; None: the engine's sources are not there, or are not those that this process runs.
    """
    engine = _engine([*ROOMS, *rooms])
    if engine is None:
        return None
    told = [what, FORMAT, engine, sys.version_info[:2], *content]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def read_kept(key: str, form: type[T]) -> T | None:
    """Read what was kept under a key; one that cannot be read is taken away."""
    content = read_entry(KIND, key)
    if content is None:
        return None
    try:
        return unpack(content, form)
    except ValueError:
        drop_entry(KIND, key)
        return None


def keep(key: str, value: T, form: type[T]) -> None:
    """Keep a value under a key."""
    keep_entry(KIND, key, pack(value, form))


@dataclass(frozen=True, slots=True)
class _Seen:
    """The YAML files under some paths, and around them, at one moment."""

    key: str | None
    content: tuple[tuple[str, str, str], ...]  # how it is read, its name, the SHA-256 of its bytes
    times: tuple[tuple[int, ...], ...]  # when each was changed, and which it is


def _look(paths: Sequence[Path | str]) -> _Seen | None:
    """Read the YAML files; None: one cannot be read, which is for the compiler to tell."""
    try:
        asked, around = files_of([Path(path) for path in paths])
        every = [*(("asked", file) for file in asked), *(("around", file) for file in around)]
        content = tuple((how, shown_path(file), _digest(file)) for how, file in every)
        times = tuple((at.st_mtime_ns, at.st_ctime_ns, at.st_ino) for at in (file.stat() for _, file in every))
    except (OSError, RuntimeError, ProblemsFound):  # a ring of links is a RuntimeError
        return None
    return _Seen(key_of("beside", content), content, times)


def _key_with(seen: _Seen, beside: Beside) -> str | None:
    """The key of what is compiled from YAML files and the files beside them."""
    return key_of("book", [*seen.content, *(("beside", file, _hash(Path(file))) for file in beside.files)])


def _engine(rooms: Iterable[str]) -> str | None:
    """The SHA-256 of the sources of some rooms, and of what names the releases of packages they read with."""
    root = Path(__file__).parent.parent
    sources = [file for room in rooms for file in sorted((root / room).rglob("*.py"))]
    told: list[tuple[str, str]] = []
    try:
        for file in sources:
            if file.stat().st_ctime > _BEGAN - _BEFORE_SECONDS:
                return None
            told.append((file.relative_to(root).as_posix(), _digest(file)))
    except OSError:
        return None
    if not told:
        return None
    releases = [(package, _release(package, file)) for package, file in sorted(_PACKAGES.items())]
    return hashlib.sha256(json.dumps([told, releases]).encode()).hexdigest()


def _release(package: str, file: str) -> str:
    """The SHA-256 of the file that names a package's release; "": it is not installed."""
    found = find_spec(package)
    folders = [] if found is None else found.submodule_search_locations or []
    return _hash(Path(folders[0]) / file) if folders else ""


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _hash(file: Path) -> str:
    """SHA-256 of a file's bytes; "": it cannot be read."""
    try:
        return _digest(file)
    except (OSError, ValueError):  # a NUL in its name is a ValueError
        return ""


def _changed_since(file: Path, instant_ns: int) -> bool:
    """Whether a file was made or changed after an instant, as far as the clocks of file systems tell."""
    try:
        about = file.stat()
    except (OSError, ValueError):
        return False
    return max(about.st_mtime_ns, about.st_ctime_ns) > instant_ns - _TICK_NS
