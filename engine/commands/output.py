"""How commands print: tables aligned in terminal columns, problems, rows that were refused, JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from engine.language.catalogue import CATALOGUE
from engine.language.problems import Problem, columns, headline, placeholders, problem, remedy, render, to_json

if TYPE_CHECKING:
    from engine.bulk.problems import FileProblem
    from engine.evaluator.rows import RowProblem

Language = Literal["en", "zh"]
LANGUAGE: Final = "dianjia.language"  # where the command line keeps it


def table(rows: Iterable[Sequence[str]], headers: Sequence[str] = (), align: str = "") -> str:
    """Lay cells out in columns; a CJK character takes two terminal columns.

    Args:
        rows: cells of each row.
        headers: of the columns; none: no heading.
        align: a `<` or `>` for each column; missing ones are `<`.
    """
    cells = [list(row) for row in rows]
    shown = [list(headers), *cells] if headers else cells
    if not shown:
        return ""
    count = max(len(row) for row in shown)
    widths = [max((columns(row[at]) for row in shown if at < len(row)), default=0) for at in range(count)]
    if headers:
        shown.insert(1, ["-" * width for width in widths])
    lines = []
    for row in shown:
        parts = []
        for at, cell in enumerate(row):
            gap = " " * (widths[at] - columns(cell))
            parts.append(gap + cell if align[at : at + 1] == ">" else cell + gap)
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def counted(number: int, noun: str) -> str:
    """`1 test`, `2 tests`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def emit(value: object) -> None:
    """Print JSON on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def complain(text: str) -> None:
    """Print on standard error."""
    click.echo(text, err=True)


def failure(text: str, text_zh: str, code: int = 1) -> SystemExit:
    """Say what is wrong on standard error, in the language that was asked for; raise what is returned to end."""
    context = click.get_current_context(silent=True)
    complain(text_zh if context is not None and context.meta.get(LANGUAGE) == "zh" else text)
    return SystemExit(code)


def not_installed(missing: ModuleNotFoundError, extra: str) -> SystemExit:
    """Say which extra of the package brings what is missing; raise what is returned to end."""
    install = f"pip install 'dianjia[{extra}]'"
    return failure(
        f"dianjia: `{missing.name}` is not installed. Install it: {install}",
        f"dianjia: 未安装 `{missing.name}`。请安装：{install}",
    )


def file_failure(found: FileProblem, language: Language) -> SystemExit:
    """Say what is wrong with a file; raise what is returned to end the command."""
    # A run knows its files by whole paths; those of this folder are told as they were typed.
    complain(found.render(language).replace(f"{Path.cwd()}{os.sep}", ""))
    return SystemExit(1)


def show_problems(problems: Sequence[Problem], language: Language) -> None:
    """Print problems of the rules on standard error, each as a person reads it."""
    complain("\n\n".join(render(found, language) for found in problems))


def problems_json(problems: Sequence[Problem]) -> list[dict[str, object]]:
    """Problems of the rules for a program to read."""
    return [to_json(found) for found in problems]


def annotation(found: Problem, language: Language) -> str:
    """A problem as a workflow command that GitHub shows beside the line."""
    text = f"{headline(found, language)}\n{remedy(found, language)}".strip()
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    if found.place is None:
        return f"::error title={found.code}::{escaped}"
    place = found.place
    file = place.file.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    where = f"file={file},line={place.line},endLine={place.end_line},col={place.column},endColumn={place.end_column}"
    return f"::error {where},title={found.code}::{escaped}"


def refusal_text(found: RowProblem, language: Language) -> str:
    """Why a row has no bill, as problems of the rules are shown: with the rule's line, and what to do."""
    as_problem = _as_problem(found)
    return f"{found.code}: {found.reason}" if as_problem is None else render(as_problem, language)


def refusal_json(found: RowProblem) -> dict[str, object]:
    """A refused row for a program to read."""
    return {
        "row_id": found.row_id,
        "code": found.code,
        "field": found.field,
        "value": found.value,
        "reason": found.reason,
        "place": None if found.place is None else str(found.place),
    }


def _as_problem(found: RowProblem) -> Problem | None:
    known: Mapping[str, str] = {"field": found.field, "value": found.value, **found.parameters}
    if found.code not in CATALOGUE or placeholders(found.code) - known.keys():
        return None
    return problem(found.code, found.place, None, **known)


def listed(names: Iterable[Any]) -> str:
    """Names in code marks, with commas."""
    return ", ".join(f"`{name}`" for name in names)
