"""`dianjia quantiles`: the notice that limits by quantile are read from, computed from a portfolio."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from engine.calendars.days import day_date, read_day
from engine.commands.output import Language, emit, failure, file_failure, listed, show_problems, table
from engine.commands.words import words
from engine.language.problems import ProblemsFound

if TYPE_CHECKING:
    from engine.bulk.quantiles import SeriesFound
    from engine.compiler.library import Library
    from engine.language.models import RuleSet

DECIMALS_MAX: Final = 8  # of a number in a notice


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured, and the notice that is made of it.

    Attributes:
        rules: folders and files of rules.
        source: the portfolio.
        output: the notice's file; None: it is not written.
        rulesets: only these ids; none: all that have limits by quantile.
        series: the one that is meant, where the rule sets read several.
        notice: its id; "": the series and its first day.
        first: its first day; "": that of the rows.
    """

    rules: Sequence[Path]
    source: Path
    output: Path | None = None
    rulesets: Sequence[str] = ()
    series: str = ""
    notice: str = ""
    first: str = ""
    pass_through: Sequence[str] = ()
    overwrite: bool = False
    threads: int = 1


def quantiles(options: Options, format_: str, language: Language) -> None:
    """Compute the values, write the notice where a file is named, and print what it holds."""
    from engine.bulk import quantiles as measuring
    from engine.bulk.problems import FileProblem

    library, chosen = _chosen(options, language)
    if options.output is not None and options.output.exists() and not options.overwrite:
        raise failure(
            f"dianjia: -o: {options.output} is there already. Say --overwrite to replace it.",
            f"dianjia: -o: {options.output} 已存在。要替换请加 --overwrite。",
            2,
        )
    first = None if not options.first else _day(options.first)
    try:
        found = measuring.quantiles(
            library, chosen, options.source, pass_through=options.pass_through, threads=options.threads
        )
    except ProblemsFound as problems:
        show_problems(problems.problems, language)
        raise SystemExit(1) from None
    except FileProblem as problem:
        raise file_failure(problem, language) from None
    except measuring.NothingMeasured as nothing:
        raise failure(
            f"dianjia: no row of {options.source} gives `{nothing.args[0]}`, so it has no quantiles.",
            f"dianjia: {options.source} 没有一行给出 `{nothing.args[0]}`，无从计算分位数。",
        ) from None
    except measuring.NeverSettled:
        raise failure(
            f"dianjia: after {measuring.PASSES_MAX} passes the limits still change: one depends on itself.",
            f"dianjia: 算了 {measuring.PASSES_MAX} 遍界限仍在变化：有界限取决于自身。",
        ) from None
    one = _one_series(found, options)
    _needs_places(one)
    text = notice_text(one, options, first, language)
    if options.output is not None:
        _write(options.output, text)
    _show(one, options, format_, language)


def _chosen(options: Options, language: Language) -> tuple[Library, dict[str, RuleSet]]:
    from engine.bulk.quantiles import wanted
    from engine.compiler.library import load_library

    try:
        library, problems = load_library(options.rules)
    except ProblemsFound as found:
        show_problems(found.problems, language)
        raise SystemExit(1) from None
    if problems:
        show_problems(ProblemsFound(tuple(problems)).problems, language)
        raise SystemExit(1)
    chosen = wanted(library, options.rulesets)
    if options.series:
        chosen = {
            key: ruleset
            for key, ruleset in chosen.items()
            if options.series in [str(text) for text in ruleset.fills.values()]
        }
    if not chosen:
        raise failure(
            "dianjia: none of these rule sets has limits by quantile (`below_quantile`, `up_to_quantile`).",
            "dianjia: 这些规则集都没有按分位数的界限（`below_quantile`、`up_to_quantile`）。",
            2,
        )
    return library, chosen


def _day(text: str) -> date:
    found = read_day(text)
    if found is None:
        raise failure(
            f"dianjia: --from: `{text}` is no day. Write it as 2026-01-31.",
            f"dianjia: --from: `{text}` 不是日期。请写成 2026-01-31。",
            2,
        )
    return found


def _one_series(found: Sequence[SeriesFound], options: Options) -> SeriesFound:
    meant = [one for one in found if options.series in ("", one.series)]
    if len(meant) == 1:
        return meant[0]
    known = listed(one.series for one in found)
    raise failure(
        f"dianjia: these rule sets read several series: {known}. Name one: --series ID",
        f"dianjia: 这些规则集读取多个文件系列：{known}。请指明：--series ID",
        2,
    )


def _needs_places(one: SeriesFound) -> None:
    """End the command where a value has more decimals than a notice may print."""
    for value in one.values:
        exponent = value.value.as_tuple().exponent
        assert isinstance(exponent, int)
        if -exponent > DECIMALS_MAX:
            raise failure(
                f"dianjia: `{value.owner}` has {-exponent} decimals, and a notice at most {DECIMALS_MAX}.\n"
                "  Round it in the rules: `round(x, 4, half_up)`.",
                f"dianjia: `{value.owner}` 有 {-exponent} 位小数，文件中最多 {DECIMALS_MAX} 位。\n"
                "  请在规则中取舍：`round(x, 4, half_up)`。",
            )


def notice_text(one: SeriesFound, options: Options, first: date | None, language: Language) -> str:
    """Write the notice.

    Args:
        one: its values.
        options: what it is called, and the portfolio's name.
        first: day from which it is in force; None: the first day of the rows.
        language: of its comment and titles.
    """
    day = first or day_date(one.first_day)
    days = f"{day_date(one.first_day)}..{day_date(one.end_day)}"
    if language == "zh":
        head = "# 由 dianjia quantiles 从一批客户算出。换一批客户，另建一份文件。"
        title, document = "客户分位数", f"{options.source.name}：{one.rows} 行，{days}"
        note = "最近秩：至少有这么大比例的行不超过它的最小值；未出账的行不计"
    else:
        head = "# Computed from a portfolio by dianjia quantiles. Of another portfolio, make another file."
        title, document = "quantiles of a portfolio", f"{options.source.name}: {one.rows} rows, {days}"
        note = "nearest rank: the smallest value that at least the share of the rows do not exceed; no refused rows"
    width = max(len(value.name) for value in one.values) + 1
    lines = [
        head,
        f"notice: {options.notice or f'{one.series}_{day}'}",
        f"series: {one.series}",
        f"title: {title}",
        "source:",
        f"  document: {_quoted(document)}",
        "  standing: derived",
        f"  note: {_quoted(note)}",
        f"in_force: {{from: {day}, until_replaced: true}}",
        "",
        "values:",
    ]
    for value in one.values:
        unit = str(value.unit) or "1"
        entry = f"{{title: {_quoted(f'{value.title} {value.quantile}'.strip())}, unit: {_quoted(unit)}, "
        lines.append(f"  {value.name + ':':<{width}} {entry}printed: {value.value:f}}}  # {value.rows}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text as YAML takes it, whatever is in it."""
    return json.dumps(text, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise failure(f"dianjia: -o: {path}: {error.strerror}.", f"dianjia: -o: {path}：{error.strerror}。") from None


def _show(one: SeriesFound, options: Options, format_: str, language: Language) -> None:
    if format_ == "json":
        values = [
            {
                "value": value.name,
                "of": value.owner,
                "quantile": value.quantile,
                "limit": f"{value.value:f}",
                "unit": str(value.unit),
                "rows": value.rows,
            }
            for value in one.values
        ]
        file = None if options.output is None else str(options.output)
        emit({"series": one.series, "rows": one.rows, "refused": one.refused, "values": values, "file": file})
        return
    say = words(language)
    cells = [
        [value.name, value.title, value.quantile, f"{value.value:f} {value.unit}".removesuffix(" 1"), f"{value.rows:,}"]
        for value in one.values
    ]
    headers = [say("value"), say("title"), say("quantile"), say("limit"), say("rows")]
    click.echo(table(cells, headers, "<<>>>"))
    click.echo(f"\n{one.series}: {say('rows')} {one.rows:,}, {say('refused')} {one.refused:,}")
    if options.output is not None:
        click.echo(str(options.output))
