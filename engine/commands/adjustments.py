"""`dianjia runs export`, `acknowledge`, `reverse`: hand over what a run changes, and take in what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from engine.bulk.problems import FileProblem
from engine.commands.output import Language, complain, emit, file_failure, show_problems, table
from engine.commands.run import open_ledger, run_named
from engine.commands.words import filter_text
from engine.language.problems import ProblemsFound
from engine.registry.instants import microseconds, now
from engine.runs import acknowledgements, adjustments, reversals
from engine.runs.adjustment_file import COLLECT, REFUND, beside
from engine.runs.adjustment_sources import of_run, of_run_or_folder
from engine.runs.adjustment_steps import Exported
from engine.runs.ledger import Ledger

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "in_both": ("bills in both", "两边都有的账单"),
    "only_in_run": ("only in the run", "仅在本次计算"),
    "only_in_original": ("only in the original", "仅在原账单"),
    "corrected": ("bills it had corrected", "曾更正的账单"),
    "adjusted": ("adjusted", "退补"),
    "held": ("held back", "暂不导出"),
    "waiting": ("exported earlier, still open", "已导出未回执"),
    "unchanged": ("unchanged", "无变化"),
    "charge": ("charge", "计费项"),
    "currency": ("currency", "币种"),
    REFUND: ("refund", "退"),
    COLLECT: ("collect", "补"),
    "count": ("adjustments", "条数"),
    "posted": ("posted", "已入账"),
    "rejected": ("rejected", "被拒"),
    "known_already": ("known already", "此前已登记"),
    "still_open": ("still open", "尚未回执"),
}


@dataclass(frozen=True, slots=True)
class Export:
    """What `dianjia runs export` was told."""

    run: str
    original: str
    output: Path
    reason: str
    reason_text: str
    bill_column: str
    remaining: bool
    hold_open: bool
    complete: bool
    number: int


def export(told: Export, database: str, format_: str, language: Language) -> None:
    """Export what a run changes in bills already issued."""
    with _ledger(database, language) as ledger:
        wish = adjustments.Wish(
            run=of_run(ledger, run_named(told.run)),
            original=of_run_or_folder(ledger, told.original),
            output=told.output,
            reason=told.reason,
            reason_text=told.reason_text,
            bill_column=told.bill_column,
            remaining=told.remaining,
            hold_open=told.hold_open,
            complete=told.complete,
            number=told.number,
        )
        done = adjustments.export(ledger.database, wish, microseconds(now()))
    _show(done, format_, language)


def reverse(
    run: str, output: Path, remaining: bool, hold: bool, number: int, database: str, format_: str, language: Language
) -> None:
    """Export the opposite of what a run's exports come to."""
    with _ledger(database, language) as ledger:
        wish = reversals.Reversal(ledger.show(run_named(run)).id, output, remaining=remaining, hold=hold, number=number)
        done = reversals.reverse(ledger.database, wish, microseconds(now()))
    _show(done, format_, language)


def acknowledge(files: Sequence[Path], database: str, format_: str, language: Language) -> None:
    """Take in what the billing system did, file after file, each as a whole."""
    for file in files:
        with _ledger(database, language) as ledger:
            done = acknowledgements.acknowledge(ledger.database, file)
        if format_ == "json":
            emit({"file": str(file)} | {name: getattr(done, name) for name in acknowledgements.Acknowledged.__slots__})
            continue
        names = ("posted", "rejected", "known_already", "still_open")
        click.echo(str(file))
        click.echo(table([[_say(name, language), f"{getattr(done, name):,}"] for name in names], align="<>"))
        if done.halves:
            complain(_halves(done.halves, done.runs, language))


def _halves(count: int, runs: Sequence[str], language: Language) -> str:
    named = ", ".join(runs)
    if language == "zh":
        return f"{count:,} 项冲销与原退补只入账了一方；请执行 `dianjia runs reverse RUN --remaining` 补正（{named}）。"
    return (
        f"{count:,} charges of bills have one of an adjustment and its reversal posted alone; "
        f"`dianjia runs reverse RUN --remaining` makes them good ({named})."
    )


def _show(done: Exported, format_: str, language: Language) -> None:
    summary = done.summary
    if format_ == "json":
        emit({"file": str(done.output), "written_again": done.again, **summary})
        return
    rows = [[_say(name, language), f"{count:,}"] for name, count in summary["bills"].items()]
    click.echo(table(rows, align="<>"))
    if summary["sums"]:
        headers = [_say(name, language) for name in ("charge", "currency", "count", REFUND, "count", COLLECT)]
        click.echo("\n" + table([_sums(one) for one in summary["sums"]], headers, "<<>>>>"))
    click.echo(f"\n{done.output}")
    lists = [path for path in (beside(done.output, "held"), beside(done.output, "unmatched")) if path.exists()]
    for path in lists:
        click.echo(path)
    if not summary["complete"]:
        complain(_partial(summary, language))
    if done.again:
        complain("此前已导出，文件按原样重写。" if language == "zh" else "exported before; written again as it was.")


def _sums(one: Mapping[str, Any]) -> list[str]:
    found = [one["charge"], one["currency"]]
    for direction in (REFUND, COLLECT):
        found += [f"{one[direction]['count']:,}", one[direction]["amount"]]
    return found


def _partial(summary: Mapping[str, Any], language: Language) -> str:
    held = summary["bills"]["held"]
    if language == "zh":
        parts = [f"只计算了 {filter_text(summary['filter'], language)}"] if summary["filter"] else []
        parts += [f"{held:,} 张账单暂不导出"] if held else []
        return f"部分导出：{'；'.join(parts)}。"
    parts = [f"the run billed {summary['filter']}"] if summary["filter"] else []
    parts += [f"{held:,} bills are held back"] if held else []
    return f"partial: {'; '.join(parts)}."


def _say(name: str, language: Language) -> str:
    return _WORDS[name][language == "zh"]


@contextmanager
def _ledger(database: str, language: Language) -> Iterator[Ledger]:
    """The ledger; what stops a step ends the command, and has changed nothing."""
    with open_ledger(database) as ledger:
        try:
            yield ledger
        except FileProblem as found:
            raise file_failure(found, language) from None
        except ProblemsFound as found:
            show_problems(found.problems, language)
            raise SystemExit(1) from None
