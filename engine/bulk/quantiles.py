"""The quantiles of a portfolio that limits of scores and segments go by, as the values of a notice.

    rule sets ─▶ with other limits ─▶ rows, billed ─▶ each measure ─▶ nearest rank ─▶ values of a notice

Nearest rank: the smallest of the measured values that at least the given share of them do not exceed. A row counts
once, in each measure that it gives; one that is refused counts nowhere. Where a measure depends on another score's
limits by quantile, the portfolio is measured again with those found, until none changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.bulk.flow import in_order
from engine.bulk.sources import Batch, Source, open_source
from engine.bulk.versions import by_day
from engine.compiler.library import Library
from engine.compiler.program import Compiled
from engine.compiler.quantiles import Asked, Measured, asked_of, measuring
from engine.evaluator.batch import Dispatched, dispatch
from engine.evaluator.families import Families
from engine.evaluator.groups import Group
from engine.language.models import RuleSet
from engine.language.problems import Problem, ProblemsFound
from engine.language.units import Unit

PASSES_MAX: Final = 10  # over the portfolio: a limit that depends on itself may never come to rest
Whole = NDArray[np.int64]


class NothingMeasured(ValueError):
    """No row gives a number whose quantiles are asked; `args[0]` names it."""


class NeverSettled(ValueError):
    """Limits by quantile still change after `PASSES_MAX` passes."""


@dataclass(frozen=True, slots=True)
class Quantile:
    """A value of the notice."""

    name: str
    owner: str
    title: str
    quantile: str  # as written
    value: Decimal
    unit: Unit
    rows: int  # that give the measure


@dataclass(frozen=True, slots=True)
class SeriesFound:
    """The values of one series."""

    series: str
    values: tuple[Quantile, ...]
    rows: int  # of its rule sets that count
    refused: int  # of them
    first_day: int  # of the rows that count [day since 1970-01-01]
    end_day: int  # the day after their last


@dataclass(slots=True)
class _Values:
    """What was measured of one owner: whole numbers of some places."""

    asked: Asked
    unit: Unit
    places: int
    parts: list[Whole] = field(default_factory=list)


@dataclass(slots=True)
class _Rows:
    """Rows of one series that count."""

    billed: int = 0
    refused: int = 0
    first: int | None = None
    end: int | None = None


def wanted(library: Library, ids: Collection[str] = ()) -> dict[str, RuleSet]:
    """The rule sets that were asked for and have limits by quantile, by key of the book; `ids`: only these."""
    return {
        key: ruleset
        for key, ruleset in library.rulesets.items()
        if ruleset.place.file in library.asked
        and (not ids or str(ruleset.ruleset) in ids)
        and asked_of(library, ruleset)
    }


def quantiles(
    library: Library,
    rulesets: Mapping[str, RuleSet],
    source: Path,
    *,
    pass_through: Sequence[str] = (),
    threads: int = 1,
) -> tuple[SeriesFound, ...]:
    """Compute the limits by quantile of some rule sets from a portfolio.

    Args:
        library: of their documents.
        rulesets: by key of the book, from `wanted`; rows of others do not count.
        source: a portfolio, as `engine.bulk.sources` reads.
        pass_through: columns that are meant to be unread.
        threads: that bill.

    Raises:
        ProblemsFound: a rule set cannot be compiled.
        FileProblem: the file cannot be read.
        NothingMeasured: no row gives a number.
        NeverSettled: limits depend on themselves.
    """
    limits: dict[tuple[str, str], Decimal] = {}
    for _ in range(PASSES_MAX):
        made = _compiled(library, rulesets, limits)
        found = _measured(made, source, pass_through, threads)
        now = {(one.series, value.name): value.value for one in found for value in one.values}
        if now == limits or all(one.settled for one in made.values()):
            return found
        limits = now
    raise NeverSettled


def _compiled(
    library: Library, rulesets: Mapping[str, RuleSet], limits: Mapping[tuple[str, str], Decimal]
) -> dict[str, Measured]:
    made: dict[str, Measured] = {}
    problems: list[Problem] = []
    for key, ruleset in rulesets.items():
        one, more = measuring(library, ruleset, limits)
        problems += [problem for problem in more if problem not in problems]
        if one is not None:
            made[key] = one
    if problems:
        raise ProblemsFound(tuple(problems))
    return made


def _measured(
    made: Mapping[str, Measured], path: Path, pass_through: Sequence[str], threads: int
) -> tuple[SeriesFound, ...]:
    """Measure the rows of a portfolio once."""
    book = {key: one.compiled for key, one in made.items()}
    source = open_source(path, book, pass_through)
    values = _owners(made)
    rows = {one.series: _Rows() for measured in made.values() for one in measured.asked}
    of = {id(one.compiled): one for one in made.values()}
    ids: dict[str, set[str]] = {}  # id -> the series that its versions read
    for measured in made.values():
        ids.setdefault(measured.compiled.id, set()).update(each.series for each in measured.asked)
    for batch, done in _billed(made, book, source, pass_through, threads):
        for piece, one in zip(batch.pieces, done, strict=True):
            for group in one.groups:
                for own in group.apart():
                    compiled, positions = own.members[0], piece.positions[own.result.kept]
                    _take(of[id(compiled)], own, values)
                    for series in {each.series for each in of[id(compiled)].asked}:
                        _count(rows[series], batch, positions)
            for refused in one.refused:
                for series in ids.get(_ruleset(batch, int(piece.positions[refused.row])), ()):
                    rows[series].refused += 1
        for refused in batch.refused:
            for series in ids.get(_ruleset(batch, refused.row), ()):
                rows[series].refused += 1
    return tuple(_found(series, one, values) for series, one in sorted(rows.items()))


def _owners(made: Mapping[str, Measured]) -> dict[tuple[str, str], _Values]:
    """What is measured, by series and owner; rule sets of one series that measure the same are taken together."""
    found: dict[tuple[str, str], _Values] = {}
    for one in made.values():
        program = one.compiled.program
        for asked in one.asked:
            of = program.steps[program.names[asked.measure]].type
            known = found.setdefault((asked.series, asked.owner), _Values(asked, of.unit, of.places))
            known.places = max(known.places, of.places)
    return found


def _billed(
    made: Mapping[str, Measured],
    book: Mapping[str, Compiled],
    source: Source,
    pass_through: Sequence[str],
    threads: int,
) -> Iterator[tuple[Batch, list[Dispatched]]]:
    plans = Families(book)
    names = frozenset(name for each in made.values() for one in each.asked for name in (one.measure, one.present))

    def work(batch: Batch, again: NDArray[np.bool_]) -> tuple[Batch, list[Dispatched]]:
        pieces = tuple(replace(piece, rows=by_day(book, piece.rows)) for piece in batch.pieces)
        done = [
            dispatch(
                book,
                piece.rows,
                again=again[piece.positions],
                pass_through=(*source.passing, *pass_through),
                plans=plans,
                besides=names,
            )
            for piece in pieces
        ]
        return replace(batch, pieces=pieces), done

    yield from in_order(source, work, threads)


def _take(measured: Measured, group: Group, values: Mapping[tuple[str, str], _Values]) -> None:
    """Take in what the rows of one rule set measure, as their last part sees it."""
    program, result = measured.compiled.program, group.result
    last: slice | Whole = slice(None) if result.offsets is None else result.offsets[1:] - 1
    for asked in measured.asked:
        into = values[asked.series, asked.owner]
        step = program.names[asked.measure]
        whole = result.steps[step][last] * 10 ** (into.places - program.steps[step].type.places)
        if asked.present in program.names:
            whole = whole[result.steps[program.names[asked.present]][last].astype(bool)]
        into.parts.append(np.array(whole, dtype=np.int64))


def _count(rows: _Rows, batch: Batch, positions: Whole) -> None:
    if not len(positions):
        return
    rows.billed += len(positions)
    first, end = int(batch.period_from[positions].min()), int(batch.period_to[positions].max())
    rows.first = first if rows.first is None else min(first, rows.first)
    rows.end = end if rows.end is None else max(end, rows.end)


def _ruleset(batch: Batch, position: int) -> str:
    if batch.ruleset.valid is not None and not batch.ruleset.valid[position]:
        return ""
    return (batch.ruleset.codes or ("",))[int(batch.ruleset.values[position])]


def _found(series: str, rows: _Rows, values: Mapping[tuple[str, str], _Values]) -> SeriesFound:
    found: list[Quantile] = []
    for (of, owner), one in values.items():
        if of != series:
            continue
        whole = np.sort(np.concatenate([*one.parts, np.zeros(0, np.int64)]))
        if not len(whole):
            raise NothingMeasured(owner)
        for name, quantile in zip(one.asked.names, one.asked.quantiles, strict=True):
            value = Decimal(int(whole[rank(len(whole), quantile)])).scaleb(-one.places)
            found.append(Quantile(name, owner, one.asked.title, quantile, value, one.unit, len(whole)))
    assert rows.first is not None
    assert rows.end is not None
    return SeriesFound(series, tuple(found), rows.billed, rows.refused, rows.first, rows.end)


def rank(count: int, quantile: str) -> int:
    """Position, from 0, of a quantile among so many values in order: the nearest rank.

    >>> [rank(10, quantile) for quantile in ("0.05", "0.25", "0.3", "0.999")]
    [0, 2, 2, 9]
    """
    share = Fraction(quantile) * count
    return max(-(-share.numerator // share.denominator) - 1, 0)
