"""`dianjia demo`: a seeded portfolio over the shipped rules, billed, and one of its bills explained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, cast

import click

from engine.commands.output import Language, complain, emit, file_failure
from engine.commands.rates import compiled_book
from engine.commands.run import How, Options, bill_portfolio, need_runs
from engine.commands.run_summary import summary_text

if TYPE_CHECKING:
    from engine.bulk.partitions import Format
    from engine.bulk.portfolio import Written
    from engine.compiler.book import RateBook

PORTFOLIO = "portfolio.parquet"
LEDGER = "ledger.sqlite"  # the demonstration's own


def demo(
    rows: int,
    seed: int,
    portfolio_only: Path | None,
    output: Path,
    rules: Sequence[Path],
    format_out: str,
    threads: int | None,
    format_: str,
    language: Language,
) -> None:
    """Write a portfolio, bill it, print what it came to, and explain a bill that raised a warning."""
    need_runs()
    if portfolio_only is not None:
        written = _write(portfolio_only, rows, seed, language)
        if format_ == "json":
            emit({"portfolio": str(written.path), "rows": written.rows, "planted": len(written.planted), "seed": seed})
        else:
            click.echo(_written(written.path, written.rows, len(written.planted), language))
        return
    started = perf_counter()
    book = compiled_book(rules, language)
    compiled_in = perf_counter() - started
    portfolio = output / PORTFOLIO
    written = _write(portfolio, rows, seed, language)
    if format_ == "text":
        lines = sum(len(one.program.lines) for one in book.rulesets.values())
        if language == "zh":
            click.echo(f"编译 {len(book.rulesets)} 个规则集（{lines} 种账单行）：{compiled_in:.2f} 秒")
        else:
            click.echo(f"compiled {len(book.rulesets)} rule sets, {lines} kinds of lines, in {compiled_in:.2f} s")
        click.echo(_written(portfolio, written.rows, len(written.planted), language) + "\n")
    options = Options(overwrite=True, format_out=cast("Format", format_out))
    how = How(threads, database=f"sqlite:///{output.absolute() / LEDGER}")
    summary = bill_portfolio(book, rules, [str(portfolio)], str(output), options, how, language)
    planted = len({one.row for one in written.planted})
    if format_ == "json":
        emit({**summary.to_json(), "planted": planted, "seed": seed})
        return
    click.echo(summary_text(summary, language))
    if summary.refused_rows != planted:
        complain(_other_rules(planted, summary.refused_rows, language))
    _explain_one(book, portfolio, output, format_out, language)
    click.echo(f"\n{output}/\ndianjia runs verify {summary.run} --database {how.database}")


def _write(path: Path, rows: int, seed: int, language: Language) -> Written:
    from engine.bulk.portfolio import write_portfolio
    from engine.bulk.problems import FileProblem

    try:
        return write_portfolio(path, rows, seed)
    except FileProblem as found:
        raise file_failure(found, language) from None


def _written(path: Path, rows: int, planted: int, language: Language) -> str:
    if language == "zh":
        return f"{path}：{rows:,} 行，其中有意放入 {planted} 行无法出账的数据"
    return f"{path}: {rows:,} rows, {planted} of them planted so that they cannot be billed"


def _other_rules(planted: int, refused: int, language: Language) -> str:
    """Why another number of rows was refused than was planted: the portfolio is made for the shipped rules."""
    if language == "zh":
        return f"\n有意放入 {planted:,} 行，未出账 {refused:,} 行：所用规则与随附的规则不同"
    return f"\n{planted:,} rows were planted, {refused:,} refused: these rules differ from the shipped ones"


def _explain_one(book: RateBook, portfolio: Path, output: Path, format_out: str, language: Language) -> None:
    """Explain the first bill that raised an amber or red warning, else the first bill."""
    from engine.bulk.single import portfolio_rows
    from engine.commands.asked import Asked
    from engine.commands.one_row import billed
    from engine.evaluator.explain import explain
    from engine.evaluator.explain_text import render_text
    from engine.evaluator.rows import RowProblem

    chosen = _chosen(output, format_out)
    if chosen is None:
        return
    row_id, ruleset = chosen
    for row in portfolio_rows(portfolio, book.of(ruleset), {row_id}, book.rulesets):
        made = billed(Asked(row.compiled, row.row_id, row.period_from, row.period_to, row.values, row.refused))
        if isinstance(made, RowProblem):  # the planted row that repeats its id
            continue
        click.echo(f"\ndianjia explain {ruleset} --input {portfolio} --row {row_id}\n")
        click.echo(render_text(explain(row.compiled, made), language))
        return


def _chosen(output: Path, format_out: str) -> tuple[str, str] | None:
    """Row id and rule set of a bill worth looking at."""
    from engine.bulk.files import opened, tables

    for name in ("warnings", "bills"):
        for path in sorted((output / name).glob(f"*.{format_out}")):
            format_, schema, _ = opened(path)
            for table in tables(path, format_, schema, (), 1_000):
                found = table.select(["row_id", "ruleset"] + (["level"] if name == "warnings" else [])).to_pylist()
                worst = [row for row in found if row.get("level") in ("amber", "red")] or found
                return str(worst[0]["row_id"]), str(worst[0]["ruleset"])
    return None
