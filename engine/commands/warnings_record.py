"""`dianjia warnings record`: events of files go to the desk, some thousand at a time, each chunk in one transaction."""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final

import click

from engine.bulk.event_files import LINES, raw_events
from engine.bulk.problems import FileProblem
from engine.commands.output import (
    Language,
    complain,
    emit,
    failure,
    file_failure,
    refusal_json,
    refusal_text,
    show_problems,
    table,
)
from engine.commands.warnings_desk import now_us, open_desk, shown_time, typed_time, watched, zone_of
from engine.commands.warnings_words import warning_words
from engine.compiler.trigger import EventType, Watch
from engine.evaluator.rows import RowProblem
from engine.language.problems import ProblemsFound
from engine.triggers.event_lines import read_lines
from engine.triggers.events import RawEvent, time_of, time_text
from engine.warnings.correlator import Correlator
from engine.warnings.desk import Desk

CHUNK: Final = 5_000  # events of one transaction
TOLD_MAX: Final = 1_000  # refused events that are kept to be told; all are counted
SHOWN_MAX: Final = 20  # of them, in text
INPUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an event stands."""

    file: str  # "-": standard input
    number: int  # from 1; of JSON Lines the line, else the row
    lines: bool


@dataclass(slots=True)
class Told:
    """What became of the events so far."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    watermark: int = 0
    warnings: int = 0
    problems: list[tuple[Source, RowProblem]] = field(default_factory=list)

    def refuse(self, source: Source, found: RowProblem) -> None:
        """Count a refused event, and keep it while there is room."""
        self.refused += 1
        if len(self.problems) < TOLD_MAX:
            self.problems.append((source, found))


def record(
    files: Sequence[str],
    complete_until: str,
    correlator: str,
    sort: bool,
    rules: Sequence[Path],
    database: str,
    format_: str,
    language: Language,
) -> None:
    """Record events; exit code 1 where any was refused."""
    until = typed_time(complete_until, "--complete-until")
    for name in files:
        if name != INPUT and not Path(name).is_file():
            raise failure(f"dianjia: there is no file `{name}`.", f"dianjia: 没有文件 `{name}`。", 2)
    watch = watched(rules, language)
    told = Told()
    with (
        open_desk(database, language, watch, _correlator(correlator, watch, language)) as desk,
        _telling(language),
    ):
        for chunk in _chunks(_events(watch.events, files, sort, told)):
            _record(desk, chunk, told)
        if until:
            _add(told, desk, [], until)
    _say(told, zone_of(watch), format_, language)
    if told.refused:
        raise SystemExit(1)


def _events(
    types: Mapping[str, EventType], files: Sequence[str], sort: bool, told: Told
) -> Iterator[tuple[Source, RawEvent]]:
    """Events of all files. Several files are read side by side, the earliest event first: read one after the other,
    those of the second would be too late for the first.
    """
    streams = [_of_file(types, name, told) for name in files]
    if sort:
        every = [one for stream in streams for one in stream]
        return iter(sorted(every, key=lambda one: time_of(one[1].at) or 0))
    if len(streams) == 1:
        return streams[0]
    return (one for _, one in heapq.merge(*map(_timed, streams), key=lambda one: one[0]))


def _timed(events: Iterator[tuple[Source, RawEvent]]) -> Iterator[tuple[int, tuple[Source, RawEvent]]]:
    """Events with the latest time of their file so far."""
    latest = 0
    for one in events:
        latest = max(latest, time_of(one[1].at) or 0)
        yield latest, one


def _of_file(types: Mapping[str, EventType], name: str, told: Told) -> Iterator[tuple[Source, RawEvent]]:
    if name == INPUT:
        yield from _lines(types, name, sys.stdin.buffer, told)
    elif name.endswith(LINES):
        with Path(name).open("rb") as file:
            yield from _lines(types, name, file, told)
    else:
        for number, raw in enumerate(raw_events(types, [Path(name)]), 1):
            yield Source(name, number, lines=False), raw


def _lines(types: Mapping[str, EventType], name: str, file: IO[bytes], told: Told) -> Iterator[tuple[Source, RawEvent]]:
    for number, found in read_lines(types, file):
        source = Source(name, number, lines=True)
        if isinstance(found, RowProblem):
            told.refuse(source, found)
        else:
            yield source, found


def _chunks(events: Iterator[tuple[Source, RawEvent]]) -> Iterator[list[tuple[Source, RawEvent]]]:
    chunk = []
    for one in events:
        chunk.append(one)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _record(desk: Desk, chunk: Sequence[tuple[Source, RawEvent]], told: Told) -> None:
    for found in _add(told, desk, [raw for _, raw in chunk], None):
        source = chunk[found.row][0]
        told.refuse(source, replace(found, row=source.number))


def _add(told: Told, desk: Desk, raws: Sequence[RawEvent], until: int | None) -> tuple[RowProblem, ...]:
    done = desk.record(raws, now_us(), until)
    told.accepted += done.accepted
    told.duplicates += done.duplicates
    told.warnings += done.warnings
    told.watermark = done.watermark
    return done.refused


def _say(told: Told, zone: str, format_: str, language: Language) -> None:
    if format_ == "json":
        emit(
            {
                "accepted": told.accepted,
                "duplicates": told.duplicates,
                "refused": told.refused,
                "warnings": told.warnings,
                "watermark": time_text(told.watermark) if told.watermark else None,
                "problems": [_json(*one) for one in sorted(told.problems, key=_place)],
            }
        )
        return
    say = warning_words(language)
    counts = [("accepted", told.accepted), ("duplicates", told.duplicates), ("refused", told.refused)]
    rows = [[say(name), f"{count:,}"] for name, count in (*counts, ("warnings", told.warnings))]
    rows.append([say("watermark"), shown_time(told.watermark, zone)])
    click.echo(table(rows))
    shown = sorted(told.problems, key=_place)[:SHOWN_MAX]
    for source, found in shown:
        row = "" if source.lines else (" 数据第" if language == "zh" else " row ")
        where = f"{source.file}:{row}{source.number}" + ("行" if row and language == "zh" else "")
        id_ = f" `{found.row_id}`" if found.row_id else ""
        complain(f"\n{where}:{id_} {refusal_text(found, language)}")
    left = told.refused - len(shown)
    if left:
        complain(f"\n另有 {left:,} 个被拒绝的事件" if language == "zh" else f"\nand {left:,} more that were refused")


def _place(one: tuple[Source, RowProblem]) -> tuple[str, int]:
    return one[0].file, one[0].number


def _json(source: Source, found: RowProblem) -> dict[str, object]:
    shown = refusal_json(found)
    id_ = shown.pop("row_id")
    return {"file": source.file, "line" if source.lines else "row": source.number, "id": id_, **shown}


def _correlator(name: str, watch: Watch, language: Language) -> Correlator | None:
    """The engine that was asked for; None: the desk's own."""
    if name == "built-in":
        return None
    from engine.warnings.durable import Durable

    try:
        return Durable(watch)
    except ProblemsFound as found:
        show_problems(found.problems, language)
        raise SystemExit(1) from None


@contextmanager
def _telling(language: Language) -> Iterator[None]:
    try:
        yield
    except FileProblem as found:
        raise file_failure(found, language) from None
