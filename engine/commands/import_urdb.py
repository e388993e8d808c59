"""`dianjia import urdb`: a rate of the U.S. Utility Rate Database as a rule set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from engine.commands.output import Language, complain, counted, emit, failure, show_problems
from engine.urdb.draft import Options as Options
from engine.urdb.problems import NotTranslated, render
from engine.urdb.rate import read_rate
from engine.urdb.report import WORDS, Entry, lines
from engine.urdb.translate import Translation, translate
from engine.urdb.write import document

LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
HEADING: Final = "Imported by `dianjia import urdb`. What became of each field of the rate:"


def import_urdb(
    source: Path, output: Path | None, overwrite: bool, options: Options, format_: str, language: Language
) -> None:
    """Translate the rate, write the rule set, compile it, and give account of every field on standard error."""
    if output is not None and output.exists() and not overwrite:
        raise failure(
            f"dianjia: {output} is there already. Replace it: --overwrite",
            f"dianjia: {output} 已存在。要替换请加 --overwrite",
            2,
        )
    try:
        text = source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise failure(
            f"{source}: not-read: the file cannot be read ({error.strerror}).\n  Check the path and its spelling.",
            f"{source}: not-read: 文件读不出（{error.strerror}）。\n  请检查路径和拼写。",
        ) from None
    except UnicodeDecodeError:
        raise failure(
            f"{source}: not-read: the text is not UTF-8.\n  Save it again with the encoding UTF-8.",
            f"{source}: not-read: 文本不是 UTF-8 编码。\n  请另存为 UTF-8。",
        ) from None
    try:
        found = translate(read_rate(text, options.label), options)
    except NotTranslated as error:
        text, text_zh = ("\n\n".join(f"{source}: {render(one, say)}" for one in error.problems) for say in LANGUAGES)
        raise failure(text, text_zh) from None
    written = ruleset_text(found)
    if output is None:
        click.echo(written, nl=False)
    else:
        output.write_text(written, encoding="utf-8")
    if format_ == "json":
        emit_account(found, output)
    else:
        complain("\n".join([*lines(found.entries), *found.remarks, _counts(found.entries)]))
    if output is not None:
        _compile(output, language)


def ruleset_text(found: Translation) -> str:
    """Write a rule set as YAML, under the account of every field."""
    return document(found.ruleset, [HEADING, "", *lines(found.entries), *found.remarks])


def emit_account(found: Translation, output: Path | None) -> None:
    """Give the account to a program: on standard output, or on standard error where that holds the rule set."""
    account = {
        "ruleset": found.ruleset["ruleset"],
        "fields": [{"field": one.field, "outcome": one.outcome, "text": one.text} for one in found.entries],
        "remarks": list(found.remarks),
    }
    if output is not None:
        emit(account)
    else:
        complain(json.dumps(account, ensure_ascii=False, indent=2))


def _counts(entries: tuple[Entry, ...]) -> str:
    outcomes = [entry.outcome for entry in entries]
    shown = ", ".join(f"{outcomes.count(one)} {word}" for one, word in WORDS.items() if one in outcomes)
    return f"{counted(len(entries), 'field')}: {shown}"


def _compile(output: Path, language: Language) -> None:
    """Compile what was written: a rule set that does not compile does not leave in silence."""
    from engine.compiler.compile import compile_all

    _, found = compile_all([output])
    if found:
        show_problems(found, language)
        raise SystemExit(1)
