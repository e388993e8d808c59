"""`dianjia run`: bill a portfolio to a folder, with a progress bar on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from engine.commands.backend import need_backend
from engine.commands.output import Language, emit, failure, file_failure, table
from engine.commands.rates import compiled_book
from engine.commands.words import words

if TYPE_CHECKING:
    from engine.bulk.overlaps import Overlaps
    from engine.bulk.run import Summary
    from engine.bulk.sinks import Format
    from engine.compiler.book import RateBook
    from engine.evaluator.native import Backend

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How a run reads and writes."""

    pass_through: Sequence[str] = ()
    details: bool = False
    amounts: str = "scaled"
    overwrite: bool = False
    format_out: str = "parquet"
    threads: int | None = None
    backend: Backend = "numpy"


def run(rules: Sequence[Path], source: Path, output: Path, options: Options, format_: str, language: Language) -> None:
    """Bill a portfolio; refused rows are written, and do not fail the run."""
    need_arrow()
    need_backend(options.backend)
    book = compiled_book(rules, language)
    summary = bill_portfolio(book, source, output, options, language)
    if format_ == "json":
        emit(summary.to_json())
    else:
        click.echo(summary_text(summary, language))
        click.echo(f"\n{output}")


def need_arrow() -> None:
    """End the command where portfolio files cannot be read for want of a package."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise failure(
            "dianjia: portfolio files need pyarrow: pip install 'dianjia[files]'",
            "dianjia: 批量文件需要 pyarrow：pip install 'dianjia[files]'",
            2,
        )


def bill_portfolio(book: RateBook, source: Path, output: Path, options: Options, language: Language) -> Summary:
    """Bill a portfolio with a progress bar; a problem of a file ends the command."""
    from engine.bulk import run as bulk
    from engine.bulk.problems import FileProblem

    try:
        with progress(f"{source.name}") as advance:
            return bulk.run(
                book.rulesets,
                source,
                output,
                format_=cast("Format", options.format_out),
                threads=options.threads,
                backend=options.backend,
                pass_through=options.pass_through,
                details=options.details,
                amounts=cast("bulk.Amounts", options.amounts),
                overwrite=options.overwrite,
                progress=advance,
            )
    except FileProblem as found:
        raise file_failure(found, language) from None
    except KeyboardInterrupt:
        raise failure(
            f"{output}: stopped. What was written ends in `.partial` and is no result; run again to begin anew.",
            f"{output}：已停止。已写的文件以 `.partial` 结尾，不是结果；请重新运行。",
            130,
        ) from None


@contextmanager
def progress(title: str) -> Iterator[Progress | None]:
    """A progress bar on standard error where that is a terminal and rich is installed; else nothing."""
    from importlib.util import find_spec

    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def summary_text(summary: Summary, language: Language) -> str:
    """A run as a person reads it: counts, totals by charge and rule set, warnings by level, refusals by code."""
    say = words(language)
    head = [
        [say("received"), f"{summary.rows:,}"],
        [say("billed"), f"{summary.billed:,}"],
        [say("refused"), f"{summary.refused_rows:,}"],
        [say("seconds"), f"{summary.seconds:.2f}"],
        [say("bills a second"), f"{summary.bills_per_second:,.0f}"],
    ]
    if summary.native is not None and summary.native[1]:
        head.append([say("in machine code"), "{:,} / {:,}".format(*summary.native)])
    parts = [table(head, align="<>"), ""]
    if summary.native is not None and not summary.native[1]:
        parts += [_none_native(language), ""]
    rows = []
    for ruleset in summary.rulesets:
        named = f"{ruleset.id}@{ruleset.in_force_from}" if ruleset.in_force_from else ruleset.id
        rows.append([named, "", f"{ruleset.billed:,}", f"{ruleset.total:,f}", ruleset.currency])
        rows += [["", charge, "", f"{amount:,f}", ""] for charge, amount in ruleset.charges.items()]
    headers = [say("rule set"), say("charge"), say("bills"), say("amount"), say("currency")]
    parts.append(table(rows, headers, "<<>>"))
    if summary.warnings:
        rows = [[level, id_, f"{count:,}"] for level, ids in summary.warnings.items() for id_, count in ids.items()]
        parts += ["", table(rows, [say("level"), say("warning"), say("rows")], "<<>")]
    if summary.refused:
        parts += ["", table(_counted(summary.refused), [say("refused"), say("rows")], "<>")]
    if summary.overlaps is not None and summary.overlaps.rows:
        parts += ["", _overlapping(summary.overlaps, language)]
    return "\n".join(parts)


def _none_native(language: Language) -> str:
    """Say why nothing was in machine code though it was asked for."""
    from engine.evaluator.families import NATIVE_ROWS_MIN

    rows = f"{NATIVE_ROWS_MIN:,}"
    if language == "zh":
        return f"没有用机器码：一种结构累计 {rows} 行后才编译，本次均由 numpy 出账。"
    return f"nothing in machine code: numpy bills the first {rows} rows of each structure, and there were no more."


def _overlapping(found: Overlaps, language: Language) -> str:
    """A warning of rows of one account that bill the same days; they were billed."""
    say = words(language)
    count = f"{found.rows:,}"
    head = (
        f"{count} 行与同一户号的另一行计费周期重叠（均已出账）："
        if language == "zh"
        else f"{count} billed rows overlap another row of their account and rule set:"
    )
    rows = [
        [one.account, one.ruleset, one.row_id, one.period, one.other_row_id, one.other_period] for one in found.first
    ]
    headers = [say("account"), say("rule set"), say("row"), say("period"), say("with row"), say("period")]
    return f"{head}\n{table(rows, headers)}"


def _counted(counts: Mapping[str, int]) -> list[list[str]]:
    return [[code, f"{count:,}"] for code, count in counts.items()]
