"""Problems: what is wrong with a rule or a row, as data; and how one is shown.

A problem holds a code, a place and parameters. Its words come from `engine.language.catalogue`, so that the command
line, the service and the page say the same thing, in English or Chinese. Nothing here decides what is a problem.
"""

from __future__ import annotations

import os
import re
import string
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from engine.language.catalogue import CATALOGUE, PHRASES

Language = Literal["en", "zh"]

WIDTH_MAX = 160  # columns of a source line that are shown; a longer line is cut to the part around its mark
LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A stretch of a file. Lines and columns count characters from 1; `end_column` is the first one after it.

    Of a workbook, `file` is `prices.xlsx:Sheet1`, the line is the row and the column is the sheet's column.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. `other` is the second place that it concerns: the first of two equal keys."""

    code: str
    place: Place | None
    parameters: Mapping[str, str]
    other: Place | None = None

    def __str__(self) -> str:
        where = "" if self.place is None else f"{self.place}: "
        return f"{where}{self.code}: {headline(self)}"


class ProblemsFound(ValueError):  # it carries several problems, not one error
    """Everything that one pass found, ordered by place.

    It is a ValueError, so that pydantic collects it beside its own findings when a validator raises it.
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=_order))
        super().__init__("\n".join(str(found) for found in self.problems))


def _order(found: Problem) -> tuple[bool, Place, str, str]:
    place = found.place or Place("", 0, 0, 0, 0)
    return (found.place is None, place, found.code, str(sorted(found.parameters.items())))


def problem(code: str, place: Place | None, other: Place | None = None, **parameters: object) -> Problem:
    """Make a problem whose text can be written.

    Args:
        code: a key of the catalogue.
        place: where it is; None for a row, which has none.
        other: a second place that it concerns.
        parameters: a value for each placeholder of the catalogue's entry; more may be given, for programs to read.

    Raises:
        ValueError: the catalogue lacks the code, or a placeholder has no value.
    """
    if code not in CATALOGUE:
        raise ValueError(f"the catalogue has no problem `{code}`; add an entry to engine/language/catalogue.py")
    missing = placeholders(code) - parameters.keys()
    if missing:
        raise ValueError(f"problem `{code}` needs a value for {', '.join(sorted(missing))}")
    return Problem(code, place, {name: str(value) for name, value in parameters.items()}, other)


@cache
def placeholders(code: str) -> frozenset[str]:
    """Names in braces that the texts of a code use, in any language."""
    entry = CATALOGUE[code]
    texts = (entry.headline, entry.remedy, entry.headline_zh, entry.remedy_zh)
    return frozenset(name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name)


def headline(found: Problem, language: Language = "en") -> str:
    """One sentence that says what is wrong."""
    entry = CATALOGUE[found.code]
    return _filled(entry.headline if language == "en" else entry.headline_zh, found, language)


def remedy(found: Problem, language: Language = "en") -> str:
    """What to write or do instead."""
    entry = CATALOGUE[found.code]
    return _filled(entry.remedy if language == "en" else entry.remedy_zh, found, language)


def _filled(template: str, found: Problem, language: Language) -> str:
    values = {name: visible(value) for name, value in found.parameters.items()}
    if language == "zh":
        values = {name: PHRASES.get(value) or _KIND.sub(_of_kind, value) for name, value in values.items()}
    return " ".join(template.format_map(values).split())


_KIND: Final = re.compile(r"^an? (\w+) (charge|quantity)$")  # how a charge or quantity of a kind is called


def _of_kind(found: re.Match[str]) -> str:
    return f"{found[1]} {'计费项' if found[2] == 'charge' else '计费量'}"


def visible(text: str) -> str:
    """The text on one line, without characters that move the cursor or hide."""
    return "".join(" " if c in "\t\r\n" else "�" if unicodedata.category(c) in _HIDDEN else c for c in text)


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def shown_path(path: str | os.PathLike[str]) -> str:
    """The path as places show it: relative to the current directory where it lies below, with `/`."""
    whole = Path(path).absolute()
    here = Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix()


def read_source(file: str) -> str:
    """Text of a source file, for showing its lines; bytes that are not UTF-8 are shown as a sign."""
    return Path(file).read_bytes().decode("utf-8", errors="replace")


def render(found: Problem, language: Language = "en", sources: Callable[[str], str] = read_source) -> str:
    """A problem as a person reads it: headline, source line, mark, the other place, remedy.

    Args:
        found: the problem.
        language: "en" or "zh".
        sources: gives a file's text by its name; an OSError means that the line is not shown.

    Returns:
        Lines joined by newlines, none at the end.
    """
    lines = [f"{'' if found.place is None else f'{found.place}: '}{found.code}: {headline(found, language)}"]
    if found.place is not None:
        lines += _excerpt(found.place, sources)
    if found.other is not None:
        entry = CATALOGUE[found.code]
        lines.append(f"  {entry.other if language == 'en' else entry.other_zh}: {found.other}")
        lines += _excerpt(found.other, sources)
    advice = remedy(found, language)
    if advice:
        lines.append(f"  {advice}")
    return "\n".join(lines)


def to_json(found: Problem) -> dict[str, object]:
    """The problem for a program to read, with its words in both languages."""
    return {
        "code": found.code,
        "place": _place_json(found.place),
        "other": _place_json(found.other),
        "parameters": dict(found.parameters),
        "headline": headline(found),
        "remedy": remedy(found),
        "headline_zh": headline(found, "zh"),
        "remedy_zh": remedy(found, "zh"),
    }


def _place_json(place: Place | None) -> dict[str, object] | None:
    if place is None:
        return None
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
    }


def _excerpt(place: Place, sources: Callable[[str], str]) -> list[str]:
    """The source line and the carets under it; nothing where the file cannot be read or has no such line."""
    try:
        text = sources(place.file)
    except OSError:
        return []
    if "\0" in text:  # a workbook, not a text
        return []
    lines = LINE_BREAK.split(text.removeprefix("\ufeff"))
    if not 1 <= place.line <= len(lines):
        return []
    line = visible(lines[place.line - 1])
    start = min(place.column - 1, len(line))
    end = place.end_column - 1 if place.end_line == place.line else len(line)
    end = max(start, min(end, len(line)))
    if place.end_line != place.line:
        end = max(start, len(line.rstrip()))
    line, start, end = _window(line, start, end)
    carets = "^" * max(1, columns(line[start:end]))
    return [f"{place.line:>5} | {line}".rstrip(), f"      | {' ' * columns(line[:start])}{carets}"]


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Cut a long line to the part around its mark."""
    if columns(line) <= WIDTH_MAX:
        return line, start, end
    first = max(0, start - WIDTH_MAX // 4)
    last = min(len(line), first + WIDTH_MAX // 2)
    head, tail = ("… " if first else ""), (" …" if last < len(line) else "")
    shift = len(head) - first
    return f"{head}{line[first:last]}{tail}", start + shift, max(min(end, last), start) + shift


def columns(text: str) -> int:
    """Terminal columns that a text takes: a CJK character takes two, a combining mark none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text
    )
