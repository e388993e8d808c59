"""`dianjia runs list|show|cancel|verify|clean`: what the ledger knows of runs, and whether it is so."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from engine.bulk.problems import FileProblem
from engine.bulk.summary import Tally
from engine.commands.output import Language, emit, failure, file_failure, table
from engine.commands.run import open_ledger, run_named, shown_output
from engine.commands.words import filter_text, words
from engine.runs import lock
from engine.runs.alive import is_driven
from engine.runs.folder import COPIES
from engine.runs.ledger import Ledger, PartitionRecord, RunRecord
from engine.runs.verify import Check
from engine.runs.verify import verify as verified


def list_(count: int | None, database: str, format_: str, language: Language) -> None:
    """List runs, newest first."""
    with open_ledger(database) as ledger:
        found = [(one, state_of(ledger, one)) for one in ledger.list(count)]
    if format_ == "json":
        emit([one.to_json() | {"state": state} for one, state in found])
        return
    say = words(language)
    rows = [
        [
            one.id,
            say(state),
            f"{one.rows:,}",
            f"{one.billed:,}",
            f"{one.refused:,}",
            f"{one.partitions_done}/{one.partitions}",
            filter_text(one.filter, language),
            shown_output(one.output),
        ]
        for one, state in found
    ]
    names = ("run", "state", "rows", "billed", "refused", "partitions", "filter", "output")
    click.echo(table(rows, [say(name) for name in names], "<<>>>><<") if rows else _none(language))


def show(run: str, database: str, format_: str, language: Language) -> None:
    """Show a run."""
    with open_ledger(database) as ledger:
        record = _found(ledger, run, language)
        parts, state = list(ledger.records(record.id)), state_of(ledger, record)
    sums = control_sums(parts)
    if format_ == "json":
        emit(
            record.to_json()
            | {"state": state, "control_sums": {id_: dict(one) for id_, one in sums.items()}}
            | {"partitions": [_part_json(one) for one in parts]}
        )
        return
    say = words(language)
    order = record.order
    rows = [
        [say("run"), record.id],
        [say("state"), say(state)],
        *([[say("reason"), record.reason]] if record.reason else []),
        *([[say("input"), ", ".join(order.inputs)]] if order.inputs else []),
        *([[say("join"), order.join]] if order.join else []),
        [say("output"), shown_output(record.output)],
        [say("rate book"), record.book],
        *([[say("filter"), filter_text(record.filter, language)]] if record.filter else []),
        *([[say("mends"), record.refers_to]] if record.refers_to else []),
        [say("begun"), f"{record.created_at:%Y-%m-%d %H:%M:%S} UTC"],
        [say("driven by"), record.driver],
        [say("rows"), f"{record.rows:,}"],
        [say("billed"), f"{record.billed:,}"],
        [say("refused"), f"{record.refused:,}"],
        *([[say("left out"), f"{record.left_out:,}"]] if record.left_out else []),
        [say("partitions"), f"{record.partitions_done}/{record.partitions}"],
        [say("attempts"), f"{record.attempts}"],
        [say("seconds"), f"{record.seconds:.1f}"],
    ]
    click.echo(table(rows))
    lines = [[id_, charge, f"{amount:,}"] for id_, one in sums.items() for charge, amount in one.items()]
    if lines:
        heads = [say("rule set"), say("line"), say("control sum")]
        click.echo("\n" + table(lines, heads, "<<>"))


def cancel(run: str, database: str, format_: str, language: Language) -> None:
    """End a run for good: its driver is asked to; one without a driver is ended here."""
    with open_ledger(database) as ledger:
        record = _found(ledger, run, language)
        with lock.kept_free(Path(record.folder)) as here, ledger.driving(record.id) as elsewhere:
            record = ledger.show(record.id)  # as it is while nobody begins to drive it
            if record.state in ("finished", "cancelled"):
                state = words("zh")(record.state)
                raise failure(f"{record.id}: the run is {record.state} already.", f"{record.id}：此计算{state}。")
            if here and elsewhere:
                ledger.stop(record.id, "cancelled", "cancelled by the operator")
            else:
                ledger.ask_to_stop(record.id)
        record = ledger.show(record.id)
    if format_ == "json":
        emit(record.to_json())
    elif language == "zh":
        click.echo(f"{record.id}：{'已取消' if record.state == 'cancelled' else '已请求取消；当前批次后结束'}")
    else:
        said = "cancelled" if record.state == "cancelled" else "asked to end; its driver does so after this batch"
        click.echo(f"{record.id}: {said}")


def verify(run: str, sample: int, seed: int, database: str, format_: str, language: Language) -> None:
    """Check a run against the ledger; exit code 1 where something differs."""
    with open_ledger(database) as ledger:
        record = _found(ledger, run, language)
        other = run_named(record.output)
        if other not in (record.id, record.output):
            raise failure(
                f"{record.id}: its folder `{shown_output(record.output)}` holds the results of {other} now.\n"
                f"  Verify that: `dianjia runs verify {other}`.",
                f"{record.id}：它的文件夹 `{shown_output(record.output)}` 现在是 {other} 的结果。\n"
                f"  请核对后者：`dianjia runs verify {other}`。",
            )
        try:
            check = verified(ledger, record, sample, seed)
        except FileProblem as found:
            raise file_failure(found, language) from None
    if format_ == "json":
        emit(check.to_json())
    else:
        click.echo(_checked(check, record, language))
    if check.differences:
        raise SystemExit(1)


def clean(run: str, database: str, language: Language) -> None:
    """Delete the copy of a finished run's input."""
    with open_ledger(database) as ledger:
        record = _found(ledger, run, language)
    if record.state not in ("finished", "cancelled"):
        raise file_failure(FileProblem("run-not-finished", record.id, state=record.state, run=record.id), language)
    size = 0
    for name in COPIES:
        folder = Path(record.folder) / name
        size += sum(file.stat().st_size for file in folder.glob("*")) if folder.is_dir() else 0
        shutil.rmtree(folder, ignore_errors=True)
    click.echo(f"{record.id}: {size:,} {'字节' if language == 'zh' else 'bytes'}")


def state_of(ledger: Ledger, record: RunRecord) -> str:
    """A run's state; `interrupted` where the ledger says that it goes on, and nobody drives it."""
    goes_on = record.state in ("planning", "running")
    return "interrupted" if goes_on and not is_driven(ledger, record) else record.state


def control_sums(parts: Iterable[PartitionRecord]) -> Mapping[str, Counter[str]]:
    """Whole-number sums by rule set and line, of the partitions that are done."""
    found: dict[str, Counter[str]] = {}
    for one in parts:
        if one.done is None:
            continue
        tally = Tally.from_json(one.done.sums)
        for (id_, line), amount in tally.lines.items():
            found.setdefault(id_, Counter())[line] += amount
        for id_, amount in tally.totals.items():
            found.setdefault(id_, Counter())["total"] += amount
    return {id_: found[id_] for id_ in sorted(found)}


def _part_json(one: PartitionRecord) -> dict[str, object]:
    done = one.done
    told: dict[str, object] = {"number": one.partition.number, "rows": one.partition.rows, "attempts": one.attempts}
    if done is None:
        return told | {"state": "pending"}
    files = {name: {"rows": of.rows, "bytes": of.size, "sha256": of.sha256} for name, of in done.files.items()}
    counts = {"billed": done.billed, "refused": done.refused, "left_out": done.left_out}
    return told | {"state": "done", **counts, "files": files}


def _checked(check: Check, record: RunRecord, language: Language) -> str:
    say = words(language)
    whole = record.state == "finished"
    rows = [
        [say("partitions"), f"{check.partitions:,}" if whole else f"{check.partitions:,}/{record.partitions:,}"],
        [say("files"), f"{check.files:,}"],
        [say("bills"), f"{check.bills:,}"],
        [say("lines"), f"{check.lines:,}"],
        [say("billed again"), f"{check.sampled:,}"],
        [say("differences"), f"{len(check.differences):,}"],
    ]
    found = [[one.where, say(one.what), say(one.ledger), say(one.found)] for one in check.differences[:20]]
    heads = [say("where"), say("what"), say("in the ledger"), say("found")]
    parts = [table(rows, align="<>")] + ([table(found, heads)] if found else [])
    if not whole:
        parts.append(
            f"此计算未完成，只核对了已完成的分区。继续：`dianjia runs resume {record.id}`。"
            if language == "zh"
            else f"the run is not finished: what is done was verified. Go on with `dianjia runs resume {record.id}`."
        )
    return "\n\n".join(parts)


def _found(ledger: Ledger, run: str, language: Language) -> RunRecord:
    try:
        return ledger.show(run_named(run))
    except FileProblem as found:
        raise file_failure(found, language) from None


def _none(language: Language) -> str:
    return "台账中没有计算。" if language == "zh" else "the ledger has no runs."
