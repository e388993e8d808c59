"""`dianjia advise` and `dianjia compare-plans`: what customers could pay instead, as text, data, tables and pages."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import click

from engine.commands.output import Language, complain, failure, file_failure, listed
from engine.commands.rates import compiled_book

if TYPE_CHECKING:
    from engine.advice.result import Unadvised
    from engine.commands.advice_words import Told
    from engine.compiler.book import RateBook
    from engine.proposal.contents import Contents

ENDINGS: Final[Mapping[str, str]] = {".json": "json", ".csv": "csv", ".parquet": "parquet"}
_PAGE: Final = ".html"


@dataclass(frozen=True, slots=True)
class Options:
    """Whose rows are looked at, by which rules, and what is written where.

    Attributes:
        rules: files and folders; none: the folder `rules`.
        accounts, only, kinds: none: all.
        proposal: a file for one account, or a folder.
    """

    rules: Sequence[Path]
    source: Path
    accounts: Sequence[str] = ()
    only: Sequence[str] = ()
    kinds: Sequence[str] = ()
    pass_through: Sequence[str] = ()
    output: Path | None = None
    proposal: Path | None = None
    overwrite: bool = False
    threads: int | None = None


def advise(options: Options, format_: str | None, language: Language) -> None:
    """Advise, and print or write what came of it; exit 1 where an account that was named gets no advice."""
    _need(options, format_)
    from engine.commands.advice_words import ADVISED, advice_json, advice_text

    told = _told(options, language)
    if options.proposal is not None:
        _write_pages(options, told, language)
    _give(options, format_, told, language, ADVISED, lambda: advice_text(told, language), lambda: advice_json(told))


def compare_plans(options: Options, format_: str | None, language: Language) -> None:
    """Rank plans, and print or write them; exit 1 where an account that was named has none to compare."""
    _need(options, format_)
    from engine.commands.advice_words import COMPARED, plans_json, plans_text

    told = _told(options, language)
    _give(options, format_, told, language, COMPARED, lambda: plans_text(told, language), lambda: plans_json(told))


def _need(options: Options, format_: str | None) -> None:
    """End the command where a package is missing, or what was asked for cannot be written."""
    wanted = {"pyarrow": "files"} | ({"jinja2": "report"} if options.proposal else {})
    for name, extra in wanted.items():
        if find_spec(name) is None:
            install = f"pip install 'dianjia[{extra}]'"
            raise failure(
                f"dianjia: `{name}` is not installed. Install it: {install}",
                f"dianjia: 未安装 `{name}`。请安装：{install}",
                2,
            )
    if format_ == "parquet" and options.output is None:
        raise failure(
            "dianjia: Parquet is written to a file. Name it with --output FILE.parquet",
            "dianjia: Parquet 要写到文件。请用 --output FILE.parquet 写明",
            2,
        )
    if options.proposal is not None and options.proposal.suffix == _PAGE and len(set(options.accounts)) != 1:
        raise failure(
            f"dianjia: `{options.proposal}` is one page, and a page is of one customer.\n"
            "  Name it with --account, or name a folder.",
            f"dianjia: `{options.proposal}` 是一个页面，一个页面只写一户。\n  请用 --account 写明，或给出文件夹。",
            2,
        )
    for path in (options.output, options.proposal if _is_page(options) else None):
        if path is not None:
            _free(path, options.overwrite)


def _is_page(options: Options) -> bool:
    return options.proposal is not None and options.proposal.suffix == _PAGE


def _free(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise failure(
            f"dianjia: `{path}` is there already. Replace it with --overwrite.",
            f"dianjia: `{path}` 已存在。如要替换，请加 --overwrite。",
        )


def _told(options: Options, language: Language) -> Told:
    from engine.advice.advise import advise as advised
    from engine.commands.advice_words import Told
    from engine.proposal.contents import contents
    from engine.proposal.customers import read_customers
    from engine.proposal.under import under

    book = compiled_book(options.rules, language)
    _known(book, options.only)
    with _problems(options, language):
        customers = read_customers(options.source, book, options.accounts, options.pass_through)
    made = advised(
        book,
        customers.rows,
        customers.accounts,
        only=options.only,
        kinds=options.kinds,
        threads=options.threads or _cores(),
    )
    made = customers.joined(made)
    every = tuple(contents(made, book, customers.rows, customers.scopes))
    asked = {one.account: one for one in made.advised}
    return Told(
        tuple(one for one in every if one.choices),
        customers.in_order((*made.unadvised, *_nothing(every, book))),
        lambda account: under(asked[account], book, customers.rows),
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _nothing(every: Sequence[Contents], book: RateBook) -> Iterator[Unadvised]:
    """Accounts for which nothing of what was asked for is declared."""
    from engine.advice.result import Unadvised

    for one in every:
        if not one.choices:
            named = dict.fromkeys(book.rulesets[bill.key].id for bill in one.bills)
            yield Unadvised(one.account, tuple(range(len(one.bills))), (), tuple(named))


def _known(book: RateBook, only: Sequence[str]) -> None:
    """End the command where an alternative is named that no advice has."""
    every = {(one.id, name) for ones in book.advice.values() for one in ones for name in one.alternatives}
    known = {name for _, name in every} | {f"{advice}:{name}" for advice, name in every}
    unknown = sorted(set(only) - known)
    if unknown:
        names = sorted({name for _, name in every})
        raise failure(
            f"dianjia: --only: no advice has {listed(unknown)}.\n  There are {listed(names)}.",
            f"dianjia: --only: 没有办法 {listed(unknown)}。\n  现有：{listed(names)}。",
            2,
        )


@contextmanager
def _problems(options: Options, language: Language) -> Iterator[None]:
    from engine.bulk.problems import FileProblem
    from engine.proposal.customers import UnknownAccounts

    try:
        yield
    except FileProblem as found:
        raise file_failure(found, language) from None
    except UnknownAccounts as found:
        raise failure(
            f"{options.source}: there is no row of account {listed(found.accounts)}.",
            f"{options.source}: 没有户号 {listed(found.accounts)} 的行。",
        ) from None


def _give(
    options: Options,
    format_: str | None,
    told: Told,
    language: Language,
    names: tuple[str, str, str],
    as_text: Callable[[], str],
    as_json: Callable[[], object],
) -> None:
    """Print or write what came; end with 1 where an account that was named has nothing."""
    from engine.commands.advice_words import counts_text
    from engine.proposal.records import records, to_csv, to_table

    wanted = format_ or ENDINGS.get(options.output.suffix if options.output is not None else "", "text")
    if wanted == "parquet":
        import pyarrow.parquet as pq

        assert options.output is not None, "`_need` has seen to it"
        partial = options.output.with_name(options.output.name + ".partial")
        pq.write_table(to_table(records(told.advised, told.unadvised)), partial)
        partial.replace(options.output)
    else:
        match wanted:
            case "json":
                text = json.dumps(as_json(), ensure_ascii=False, indent=2) + "\n"
            case "csv":
                text = to_csv(records(told.advised, told.unadvised))
            case _:
                text = as_text() + "\n"
        if options.output is None:
            click.echo(text, nl=False)
        else:
            _write(options.output, text)
    if wanted != "text" or options.output is not None:
        complain(counts_text(told, names, language))
    if options.accounts and told.unadvised:
        raise SystemExit(1)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise failure(
            f"dianjia: `{path}` cannot be written ({error.strerror}).",
            f"dianjia: `{path}` 写不了（{error.strerror}）。",
        ) from None


def _write_pages(options: Options, told: Told, language: Language) -> None:
    """Write a page for each account that is advised."""
    from engine.proposal.page import page

    assert options.proposal is not None
    if _is_page(options):
        for one in told.advised:
            _write(options.proposal, page(one, told.under(one.account), language))
        return
    paths = {one.account: options.proposal / f"{quote(one.account, safe=' ')}{_PAGE}" for one in told.advised}
    for path in paths.values():
        _free(path, options.overwrite)
    try:
        options.proposal.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failure(
            f"dianjia: `{options.proposal}` is no folder ({error.strerror}).",
            f"dianjia: `{options.proposal}` 不是文件夹（{error.strerror}）。",
        ) from None
    for one in told.advised:
        _write(paths[one.account], page(one, told.under(one.account), language))
