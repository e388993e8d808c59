"""`dianjia run` and `dianjia runs resume`: plan a run, drive it with a progress bar, say what it came to."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from engine.commands.backend import need_backend
from engine.commands.output import (
    LANGUAGE,
    Language,
    complain,
    emit,
    failure,
    file_failure,
    not_installed,
    show_problems,
)
from engine.commands.progress import progress
from engine.commands.rates import compiled_book, rule_paths
from engine.commands.run_summary import show_plan, summary_text
from engine.language.problems import ProblemsFound

if TYPE_CHECKING:
    from engine.bulk.partitions import Amounts, Format, Wanted
    from engine.bulk.summary import Summary
    from engine.compiler.book import RateBook
    from engine.evaluator.native import Backend
    from engine.runs.driver import Despite, Engine
    from engine.runs.ledger import Ledger
    from engine.runs.manifest import Manifest
    from engine.runs.order import Order, PartitionBy

_UNITS: Final[Mapping[str, int]] = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
_LOW_PRIORITY: Final = 10  # of `nice`


@dataclass(frozen=True, slots=True)
class Options:
    """What a run reads, bills and writes; as `engine.runs.order.Order`."""

    pass_through: Sequence[str] = ()
    details: bool = False
    amounts: Amounts = "scaled"
    overwrite: bool = False
    format_out: Format = "parquet"
    backend: Backend = "numpy"
    query: str = ""
    join: Path | None = None
    only: Sequence[str] = ()
    affected_by: tuple[Path, Path] | None = None
    mends: str = ""
    history: Sequence[str] = ()
    since: str = ""
    until: str = ""
    partition_rows: int = 0
    partition_by: PartitionBy = "auto"
    memory: str = ""


@dataclass(frozen=True, slots=True)
class How:
    """What bills a run's partitions, and where its ledger is."""

    threads: int | None = None
    engine: str = "local"
    cluster: str = ""
    priority: str = "normal"
    database: str = ""


def run(
    rules: Sequence[Path],
    sources: Sequence[str],
    output: str,
    options: Options,
    how: How,
    format_: str,
    language: Language,
) -> None:
    """Bill a portfolio; refused rows are written, and do not fail the run."""
    need_runs()
    need_backend(options.backend)
    book = compiled_book(_rules(rules, options), language)
    summary = bill_portfolio(book, rules, sources, output, options, how, language)
    _show(summary, output, format_, language)


def resume(run_: str, despite: Despite, how: How, format_: str, language: Language) -> None:
    """Go on with a run."""
    need_runs()
    from engine.runs import driver

    run_ = run_named(run_)

    def book(paths: Sequence[str]) -> RateBook:
        record = ledger.show(run_)
        if "rules" in despite and record.manifest:  # else nothing is kept yet
            return driver.kept_book(record)
        return compiled_book([Path(one) for one in paths], language)

    with _ledger(how) as ledger, _telling(language), progress(run_) as advance:
        engine = _engine(how, None if advance is None else advance.add)
        watch = driver.Watch(begun=(lambda *_: None) if advance is None else advance.begin)
        with _stopping(ledger, lambda: run_, language):
            summary = driver.resume(
                ledger,
                run_,
                book,
                engine,
                despite=despite,
                wanted=lambda order: _wanted(order.only, _both(order.affected_by), language),
                watch=watch,
            )
        output = ledger.show(run_).output
    _show(summary, output, format_, language)


def dry_run(
    rules: Sequence[Path], sources: Sequence[str], options: Options, how: How, format_: str, language: Language
) -> None:
    """Plan a run, and say what it would bill."""
    need_runs()
    from engine.runs.planning import cut

    book = compiled_book(_rules(rules, options), language)
    with _telling(language), tempfile.TemporaryDirectory(prefix="dianjia-") as folder:
        order = _order(rules, sources, folder, options)
        wanted, filter_ = _wanted(order.only, options.affected_by, language)
        show_plan(cut(order, book, Path(folder), wanted).manifest, bool(filter_), format_, language)


def bill_portfolio(
    book: RateBook,
    rules: Sequence[Path],
    sources: Sequence[str],
    output: str,
    options: Options,
    how: How,
    language: Language,
) -> Summary:
    """Bill a portfolio with a progress bar; a problem of a file ends the command."""
    from engine.runs import driver

    with _telling(language):
        order = _order(rules, sources, output, options)
    with (
        _ledger(how) as ledger,
        _telling(language),
        progress(", ".join(map(shown_output, order.inputs or [order.join]))) as advance,
    ):
        if order.refers_to:
            order = replace(order, refers_to=ledger.show(run_named(order.refers_to)).id)
        wanted, filter_ = _wanted(order.only, options.affected_by, language)

        begun = ""

        def planned(run_: str, manifest: Manifest) -> None:
            nonlocal begun
            begun = run_
            complain(f"{run_}")
            if filter_ or any(manifest.without.values()):
                show_plan(manifest, bool(filter_), "text", language)

        with _stopping(ledger, lambda: begun, language):
            return driver.begin(
                ledger,
                order,
                book,
                _engine(how, None if advance is None else advance.add),
                wanted=wanted,
                filter_=filter_,
                overwrite=options.overwrite,
                watch=driver.Watch(planned, (lambda *_: None) if advance is None else advance.begin),
            )


def need_runs() -> None:
    """End the command where runs cannot be driven for want of a package."""
    for name in ("pyarrow", "sqlalchemy"):
        if find_spec(name) is None:
            raise not_installed(ModuleNotFoundError(name=name), "runs")


def _order(rules: Sequence[Path], sources: Sequence[str], output: str, options: Options) -> Order:
    from engine.bulk.postgresql_url import is_postgresql
    from engine.runs.order import Order

    if not sources and options.join is None:
        raise failure(
            "dianjia: there is nothing to bill. Name a portfolio with --input, or a plan that names one with --join.",
            "dianjia: 没有要出账的文件。请用 --input 写明，或用 --join 给出写明输入的关联方案。",
            2,
        )
    databases = sum(map(is_postgresql, sources))
    if databases and len(sources) > 1:
        raise click.UsageError("a database is the only --input of a run. Name it alone, or files alone.")
    if options.query and not databases:
        raise click.UsageError("--query reads from a database. Name it: --input postgresql://HOST/NAME.")
    return Order(
        inputs=tuple(_kept(one) if "://" in one else str(Path(one).absolute()) for one in sources),
        rules=tuple(str(path.absolute()) for path in rule_paths(_rules(rules, options))),
        output=_output(output),
        format=options.format_out,
        amounts=options.amounts,
        details=options.details,
        backend=options.backend,
        pass_through=tuple(options.pass_through),
        query=options.query,
        join="" if options.join is None else str(options.join.absolute()),
        only=tuple(options.only),
        affected_by=""
        if options.affected_by is None
        else "\n".join(str(one.absolute()) for one in options.affected_by),
        partition_rows=options.partition_rows,
        partition_by=options.partition_by,
        refers_to=options.mends,
        history=tuple(str(Path(one).absolute()) for one in options.history),
        since=_day("--since", options.since, options),
        until=_day("--until", options.until, options),
        memory=_bytes(options.memory),
    )


def _output(written: str) -> str:
    """An output that is the same from whatever folder the run is gone on with."""
    from engine.bulk.delta_sink import PREFIX, is_delta, location
    from engine.runs.folder import is_folder

    if is_folder(written):
        return str(Path(written).absolute())
    if is_delta(written) and "://" not in written:
        return f"{PREFIX}{Path(location(written)).absolute()}"
    return _kept(written)


def _kept(url: str) -> str:
    """A URL as the ledger keeps it: a password goes to the environment of this process, and is written nowhere."""
    from engine.bulk.postgresql_url import is_postgresql, password_of, without_password

    if not is_postgresql(url):
        return url
    password = password_of(url)
    if password and os.environ.setdefault("PGPASSWORD", password) != password:
        raise click.UsageError("two passwords of PostgreSQL are given. Keep them in ~/.pgpass.")
    return without_password(url)


def _rules(rules: Sequence[Path], options: Options) -> list[Path]:
    """The rules that bill: those named, which can only be the new ones where --affected-by names any."""
    if options.affected_by is None:
        return list(rules)
    new = options.affected_by[1]
    if rules and [one.resolve() for one in rules] != [new.resolve()]:
        named = ", ".join(map(str, rules))
        raise failure(
            f"dianjia: --affected-by bills with the rules of `{new}`; --rules names `{named}`.\n  Leave out --rules.",
            f"dianjia: --affected-by 用 `{new}` 的规则出账，而 --rules 写的是 `{named}`。\n  请去掉 --rules。",
            2,
        )
    return [new]


def _both(affected_by: str) -> tuple[Path, Path] | None:
    """The folders of rules between which bills may differ, as an order keeps them."""
    if not affected_by:
        return None
    old, new = affected_by.split("\n")
    return Path(old), Path(new)


def _wanted(only: Sequence[str], affected_by: tuple[Path, Path] | None, language: Language) -> tuple[Wanted, str]:
    """Which rows are meant; and that as a person reads it."""
    from engine.bulk.partitions import Wanted
    from engine.bulk.wanted import parse_only

    try:
        values = parse_only(only)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    said = list(only)
    wanted = Wanted(values)
    if affected_by is not None:
        from engine.comparison.changes import changes
        from engine.comparison.reach import reach

        old, new = (compiled_book([path], language) for path in affected_by)
        wanted = replace(reach(changes(old, new), new, old), values=values)
        said.append(f"affected by {affected_by[0]} -> {affected_by[1]}")
    return wanted, "; ".join(said)


def _day(option: str, written: str, options: Options) -> str:
    from engine.calendars.days import read_day

    if written and not options.history:
        raise click.UsageError(f"{option} is of warnings over time. Name the events with --history.")
    if written and read_day(written) is None:
        raise click.UsageError(f"{option} is a day, written 2026-01-31; came `{written}`.")
    return written


def _bytes(written: str) -> int:
    if not written:
        return 0
    found = re.fullmatch(r"(\d+)\s*([KMG]?)i?B?", written.strip(), re.IGNORECASE)
    if found is None:
        raise failure(
            f"dianjia: `{written}` is no size of memory. Write it as 600MB or 2GB.",
            f"dianjia: `{written}` 不是内存大小。请写成 600MB 或 2GB。",
            2,
        )
    return int(found[1]) * _UNITS[found[2].upper()]


def _engine(how: How, advance: Callable[[int], None] | None) -> Engine:
    if how.priority == "low":
        os.nice(_LOW_PRIORITY)
    if how.engine == "local":
        from engine.runs.engines.local import LocalEngine

        return LocalEngine(how.threads or _cores(), advance)
    from engine.runs.engines import open_engine

    try:
        return open_engine(how.engine, how.cluster, how.threads)
    except ModuleNotFoundError as missing:
        raise not_installed(missing, how.engine) from None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_named(typed: str) -> str:
    """A run as the ledger is asked for it; a folder of results stands for the run that wrote them."""
    try:
        return (Path(typed) / "_run" / "run").read_text(encoding="utf-8").strip() or typed
    except OSError:
        return typed


@contextmanager
def open_ledger(url: str) -> Iterator[Ledger]:
    """The ledger at a URL; "": this user's."""
    from engine.registry.database import Database
    from engine.registry.where import registry_url
    from engine.runs.ledger import Ledger

    try:
        database = Database(registry_url(url) or url)
    except ValueError as error:
        raise failure(f"dianjia: {error}", f"dianjia: {error}", 2) from None
    try:
        yield Ledger(database)
    except ProblemsFound as found:
        context = click.get_current_context(silent=True)
        show_problems(found.problems, "en" if context is None else context.meta.get(LANGUAGE, "en"))
        raise SystemExit(1) from None
    finally:
        database.close()


def _ledger(how: How) -> Any:
    return open_ledger(how.database)


@contextmanager
def _telling(language: Language) -> Iterator[None]:
    """Say what ends a command, and end it; a request to end ends the run so that it can go on."""
    from engine.bulk.problems import FileProblem

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, ended)
    try:
        yield
    except FileProblem as found:
        raise file_failure(found, language) from None
    except ProblemsFound as found:
        show_problems(found.problems, language)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise failure(
            "stopped; what is done stays. `dianjia runs list` shows the run, `dianjia runs resume RUN` goes on.",
            "已停止；已完成的部分保留。用 `dianjia runs list` 查看，用 `dianjia runs resume RUN` 继续。",
            130,
        ) from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _stopping(ledger: Ledger, run_: Callable[[], str], language: Language) -> Iterator[None]:
    """Say of a run that stopped, after why it did, how it goes on."""
    from engine.bulk.problems import FileProblem

    try:
        yield
    except FileProblem as found:
        record = ledger.show(run_()) if run_() else None
        if record is None or record.state != "stopped":
            raise
        ended = file_failure(found, language)
        complain(
            f"已完成的部分保留。排除原因后继续：`dianjia runs resume {record.id}`。"
            if language == "zh"
            else f"what is done stays; when that is mended, `dianjia runs resume {record.id}` goes on."
        )
        raise ended from None


def _show(summary: Summary, output: str, format_: str, language: Language) -> None:
    if format_ == "json":
        emit(summary.to_json())
    else:
        click.echo(summary_text(summary, language))
        click.echo(f"\n{shown_output(output)}")


def shown_output(output: str) -> str:
    """Where results are: a folder below this one by its short name."""
    if "://" in output or output.startswith("delta:"):
        return re.sub(r"//[^@/]*@", "//", output)
    path = Path(output)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else output
