"""`dianjia compare`: what two rate books make of a portfolio, with causes; what if a number were another; sweeps."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from engine.commands.output import Language, complain, emit, failure, file_failure, table
from engine.commands.progress import progress
from engine.commands.rates import compiled_book

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.bulk.partitions import Wanted
    from engine.comparison.compare import Options as Comparing
    from engine.comparison.settings import Setting
    from engine.compiler.book import RateBook

JSON: Final = "comparison.json"
REPORT: Final = "report.html"
CAUSES_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Options:
    """What is compared, and how.

    Attributes:
        rules, against: folders of the old rules and the new ones.
        stored: folder of an earlier run, in place of the old rules' bills.
        settings, sweep: numbers in place of printed ones.
        only: COLUMN=VALUE[,VALUE].
        affected: only rows that the change can reach.
    """

    rules: Sequence[Path]
    against: Sequence[Path]
    source: Path
    output: Path | None = None
    stored: Path | None = None
    settings: Sequence[str] = ()
    sweep: str = ""
    by: Sequence[str] = ()
    only: Sequence[str] = ()
    affected: bool = False
    pass_through: Sequence[str] = ()
    format_out: str = "parquet"
    overwrite: bool = False
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class _Books:
    old: RateBook | None
    new: RateBook
    settings: tuple[Setting, ...]


def compare(options: Options, format_: str, language: Language) -> None:
    """Compare, print what it comes to, and write the differences and the report where a folder is named."""
    _need(options)
    with _problems(language):
        books = _books(options, language)
        comparing = _comparing(options, books)
        data = _sweep(options, books, comparing) if options.sweep else _compare(options, books, comparing)
        if options.output is not None:
            _write(options.output, data, language, sweep=bool(options.sweep))
    if format_ == "json":
        emit(data)
        return
    click.echo(_sweep_text(data, language) if options.sweep else summary_text(data, language))
    if options.output is not None:
        click.echo(f"\n{options.output / REPORT}")


def _need(options: Options) -> None:
    """End the command where it was not said what to compare, or a package is missing."""
    wanted = {"pyarrow": "files"} | ({"jinja2": "report", "matplotlib": "report"} if options.output else {})
    for name, extra in wanted.items():
        if find_spec(name) is None:
            install = f"pip install 'dianjia[{extra}]'"
            raise failure(
                f"dianjia: `{name}` is not installed. Install it: {install}",
                f"dianjia: 未安装 `{name}`。请安装：{install}",
                2,
            )
    if options.sweep and (options.against or options.stored is not None):
        raise failure(
            "dianjia: a sweep changes one number of one rate book.\n  Leave out --against and --stored.",
            "dianjia: 测算只改动一本电价册中的一个数。\n  请去掉 --against 和 --stored。",
            2,
        )
    if options.affected and options.stored is not None and not options.rules:
        raise failure(
            "dianjia: --affected asks what differs between two rate books.\n"
            "  Name the old rules, too, with --rules DIR.",
            "dianjia: --affected 需要比较两本电价册。\n  请同时用 --rules DIR 给出旧规则。",
            2,
        )
    if not options.against and not options.settings and not options.sweep:
        raise failure(
            "dianjia: nothing to compare with.\n  Name the new rules with --against DIR, "
            "or change a number with --set RULESET:PATH@DAY=NUMBER.",
            "dianjia: 没有可比较的对象。\n  请用 --against DIR 给出新规则，"
            "或用 --set 规则集:路径@日期=数值 改动一个数。",
            2,
        )


@contextmanager
def _problems(language: Language) -> Iterator[None]:
    """Say what is wrong with a file or with what was asked, and end the command."""
    from engine.bulk.problems import FileProblem
    from engine.comparison.problems import ComparisonProblem

    try:
        yield
    except FileProblem as found:
        raise file_failure(found, language) from None
    except ComparisonProblem as found:
        complain(found.render(language))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise failure("stopped; there is no result.", "已停止，没有结果。", 130) from None


def _books(options: Options, language: Language) -> _Books:
    from engine.comparison.settings import parse_setting
    from engine.comparison.what_if import with_values

    old = None if options.stored is not None and not options.rules else compiled_book(options.rules, language)
    new = compiled_book(options.against, language) if options.against else old
    if new is None:
        raise failure(
            "dianjia: stored bills are compared with new ones.\n  Name the new rules with --against DIR.",
            "dianjia: 原存账单要与新账单比较。\n  请用 --against DIR 给出新规则。",
            2,
        )
    settings = tuple(parse_setting(text) for text in options.settings)
    return _Books(old, with_values(new, settings) if settings else new, settings)


def _comparing(options: Options, books: _Books) -> Comparing:
    from engine.comparison.compare import Options as Comparing

    return Comparing(
        output=options.output,
        format_out=cast("Any", options.format_out),
        by=tuple(dict.fromkeys(options.by)),
        wanted=_wanted(options, books),
        pass_through=tuple(options.pass_through),
        threads=options.threads or _cores(),
    )


def _wanted(options: Options, books: _Books) -> Wanted:
    from engine.bulk.partitions import Wanted
    from engine.bulk.wanted import parse_only

    try:
        values = parse_only(options.only)
    except ValueError as error:
        raise failure(f"dianjia: --only: {error}", f"dianjia: --only：{error}", 2) from None
    if not options.affected:
        return Wanted(values)
    from engine.comparison.changes import changes
    from engine.comparison.reach import reach

    assert books.old is not None, "`_need` has seen to it"
    new = _set_by_sweep(options, books) if options.sweep else books.new
    return replace(reach(changes(books.old, new), new, books.old), values=values)


def _set_by_sweep(options: Options, books: _Books) -> RateBook:
    """The book with a value of the sweep that it does not have yet: what one value reaches, each of them does."""
    from engine.comparison.changes import changes
    from engine.comparison.settings import parse_sweep
    from engine.comparison.what_if import with_values

    made = (with_values(books.new, settings) for settings in parse_sweep(options.sweep))
    return next((one for one in made if changes(books.new, one)), books.new)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ready(options: Options) -> None:
    """See that the folder is free."""
    from engine.bulk.problems import FileProblem
    from engine.comparison.problems import ComparisonProblem

    folder = options.output
    if folder is None:
        return
    if folder.exists() and not folder.is_dir():
        raise FileProblem("output-not-folder", str(folder))
    if (folder / JSON).exists():
        if not options.overwrite:
            raise ComparisonProblem("comparison-done", str(folder))
        # The summary goes first: wherever this is cut short, none speaks for files that are gone.
        for name in (JSON, REPORT):
            (folder / name).unlink(missing_ok=True)
        for earlier in sorted(folder.glob("*/00000.*")):
            if earlier.parent.name in ("differences", "bills", "unpaired"):
                earlier.unlink()


def _compare(options: Options, books: _Books, comparing: Comparing) -> dict[str, Any]:
    from engine.comparison.compare import compare as made_by
    from engine.comparison.result import to_json

    _ready(options)
    with progress(options.source.name) as bar:
        comparing = comparing if bar is None else replace(comparing, progress=bar.at)
        made = made_by(books.old, books.new, options.source, comparing, options.stored)
    data = to_json(made)
    data["settings"] = [str(one) for one in books.settings]
    if books.old is not None:
        from engine.comparison.changes import changes

        data["changes"] = [one.to_json() for one in changes(books.old, books.new)]
    return data


def _sweep(options: Options, books: _Books, comparing: Comparing) -> dict[str, Any]:
    from engine.comparison.settings import parse_sweep
    from engine.comparison.sweep import sweep, to_json
    from engine.comparison.what_if import with_values

    assert books.old is not None
    _ready(options)
    runs = parse_sweep(options.sweep)
    made = [with_values(books.new, settings) for settings in runs]
    with progress(options.source.name) as bar:
        comparing = comparing if bar is None else replace(comparing, progress=bar.at)
        found, places = sweep(books.old, made, options.source, comparing)
    subject = runs[0][0].subject
    return {
        "input": str(options.source),
        "old": books.old.hash,
        "settings": [str(one) for one in books.settings],
        "partial": _partial(comparing.wanted),
        "sweep": to_json(subject, [one[0].number for one in runs], found, places),
    }


def _partial(wanted: Wanted) -> dict[str, Any] | None:
    from engine.comparison.part import partial

    return partial(wanted)


def _write(folder: Path, data: Mapping[str, Any], language: Language, *, sweep: bool) -> None:
    """Write the page, and last the data, which speaks for all files."""
    from engine.bulk.sinks import PARTIAL, writing
    from engine.comparison.report import report

    if sweep:
        rows = data["sweep"]["steps"][0]["rows"]
        page = report(
            {
                **{name: data[name] for name in ("input", "old", "settings", "partial")},
                "new": "",
                "reasons": {},
                "currencies": [],
                "titles": {},
                "files": {},
                "rows": {"received": sum(rows.values()), **rows},
            },
            data["sweep"],
            language,
        )
    else:
        page = report(data, shown=language)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in ((REPORT, page), (JSON, json.dumps(data, ensure_ascii=False, indent=2) + "\n")):
            partial = folder / (name + PARTIAL)
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)


def summary_text(data: Mapping[str, Any], language: Language) -> str:
    """A comparison as a person reads it: groups, totals, causes, charges."""
    from engine.comparison.words import words

    say = words(language)
    parts = _partial_text(data, language)
    rows = data["rows"]
    if data["partial"] and not rows["received"]:
        parts += [say("no row is selected"), ""]
    heads = [(say(name), f"{rows[name]:,}") for name in ("received", "both", "only_old", "only_new", "neither")]
    parts.append(table([list(one) for one in heads], align="<>"))
    for group, codes in data["reasons"].items():
        parts += ["", table([[code, f"{count:,}"] for code, count in codes.items()], [say(group), say("rows")], "<>")]
    for one in data["currencies"]:
        parts += ["", _currency_text(one, language)]
    return "\n".join(parts)


def _partial_text(data: Mapping[str, Any], language: Language) -> list[str]:
    """Which part of the portfolio was compared; nothing where all of it was."""
    from engine.comparison.words import words

    if not data["partial"]:
        return []
    say, told = words(language), data["partial"]
    parts = [f"{name}={','.join(values)}" for name, values in told["only"].items()]
    parts += [say("rows that the change reaches")] if "affected_rulesets" in told else []
    colon = "：" if language == "zh" else ": "
    return [f"{say('part of the portfolio')}{colon}{'; '.join(parts)}", ""]


def _currency_text(one: Mapping[str, Any], language: Language) -> str:
    from engine.comparison.words import words

    say = words(language)
    heads = [say(name) for name in ("bills", "up", "down", "same", "old", "new", "difference")]

    def cells(row: Mapping[str, Any]) -> list[str]:
        counts = [f"{row[name]:,}" for name in ("bills", "up", "down", "same")]
        return [*counts, *(f"{Decimal(row[name]):,f}" for name in ("old", "new", "difference"))]

    body = [[row["name"], *cells(row)] for row in one["by"]["ruleset"] if row["up"] or row["down"]]
    parts = [table([*body, [one["currency"], *cells(one)]], [say("rule set"), *heads], "<>>>>>>>")]
    for name, rows in one["by"].items():
        if name != "ruleset":
            body = [[row["name"] or "-", *cells(row)] for row in rows]
            parts += ["", table(body, [say(name), *heads], "<>>>>>>>")]
    charges = [[row["name"], *cells(row)] for row in one["charges"] if row["up"] or row["down"]]
    if charges:
        parts += ["", table(charges, [say("charge"), *heads], "<>>>>>>>")]
    causes = sorted(one["causes"], key=lambda row: -abs(Decimal(row["amount"])))
    if causes:
        body = [
            [row["id"], row["before"], row["after"], f"{row['bills']:,}", f"{Decimal(row['amount']):,f}"]
            for row in causes[:CAUSES_SHOWN]
        ]
        parts += ["", table(body, [say("cause"), say("old"), say("new"), say("bills"), say("amount")], "<>>>>")]
        if len(causes) > CAUSES_SHOWN:
            parts.append(f"… {len(causes) - CAUSES_SHOWN}")
    return "\n".join(parts)


def _sweep_text(data: Mapping[str, Any], language: Language) -> str:
    from engine.comparison.words import words

    say = words(language)
    sweep = data["sweep"]
    parts = [*_partial_text(data, language), sweep["setting"]]
    heads = [say(name) for name in ("value", "bills", "up", "down", "old", "new", "difference")]
    for currency in sweep["currencies"]:
        body = []
        for step in sweep["steps"]:
            one = step["currencies"][currency]
            counts = [f"{one[name]:,}" for name in ("bills", "up", "down")]
            body.append([step["value"], *counts, *(f"{Decimal(one[at]):,f}" for at in ("old", "new", "difference"))])
        parts += ["", table(body, [*heads[:-1], f"{heads[-1]} {currency}"], ">>>>>>>")]
    return "\n".join(parts)
