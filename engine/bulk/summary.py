"""What a run came to: counts, totals by charge and rule set, scores and classes, warnings by level, refusals by code.

Sums are exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, TypeVar

import numpy as np

from engine.bulk.money import sums_by
from engine.bulk.over_time import OverTime
from engine.bulk.overlaps import Overlaps
from engine.bulk.profiles import ScoreSummary, SegmentSummary, count_profiles, score_summaries, segment_summaries
from engine.compiler.program import Compiled
from engine.evaluator.batch import Dispatched, Group
from engine.evaluator.rows import RowProblem, day_text

Key = TypeVar("Key")

_LEVELS: Final = ("red", "amber", "yellow", "info")
_BY_ONE: Final = ("billed", "totals", "refused")  # fields of a tally, by what their keys are
_BY_TWO: Final = ("lines", "ledgers", "warnings", "over_time", "scores", "classes")


@dataclass(frozen=True, slots=True)
class RulesetSummary:
    """What a rule set billed."""

    id: str
    in_force_from: str  # where several rule sets share the id: the first day of this one; else ""
    title: str
    version: str
    currency: str
    billed: int
    total: Decimal
    charges: Mapping[str, Decimal]
    lines: Mapping[str, Decimal]
    ledgers: Mapping[str, Decimal]
    scores: tuple[ScoreSummary, ...] = ()
    segments: tuple[SegmentSummary, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """A finished run."""

    source: str
    rows: int
    billed: int
    refused: Mapping[str, int]  # code -> rows
    rulesets: tuple[RulesetSummary, ...]  # that billed a row
    warnings: Mapping[str, Mapping[str, int]]  # level -> warning -> rows
    files: Mapping[str, int]  # -> rows
    line_tables: Mapping[str, Sequence[str]]  # table of lines -> rule sets
    overlaps: Overlaps | None  # None: the file has no column `account`
    seconds: float
    engine: str
    native: tuple[int, int] | None = None  # instructions in machine code, and all, of plans compiled; None: not asked
    left_out: int = 0  # rows that a filter does not select
    run: str = ""  # its id in the ledger
    filter: str = ""  # which rows were to be billed, as a person reads it; "": all
    over_time: OverTime | None = None  # None: no history was given

    @property
    def refused_rows(self) -> int:
        return sum(self.refused.values())

    @property
    def bills_per_second(self) -> float:
        return self.billed / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, object]:
        """The summary for a program to read; money is decimal text."""
        return {
            "run": self.run,
            "input": self.source,
            "rows": self.rows,
            "billed": self.billed,
            **({"filter": self.filter, "left_out": self.left_out} if self.filter or self.left_out else {}),
            "refused": {"rows": self.refused_rows, "by_code": dict(self.refused)},
            "rulesets": [
                {
                    "ruleset": one.id,
                    **({"in_force_from": one.in_force_from} if one.in_force_from else {}),
                    "title": one.title,
                    "version": one.version,
                    "currency": one.currency,
                    "billed": one.billed,
                    "total": f"{one.total:f}",
                    "charges": {name: f"{amount:f}" for name, amount in one.charges.items()},
                    "lines": {name: f"{amount:f}" for name, amount in one.lines.items()},
                    "ledgers": {name: f"{amount:f}" for name, amount in one.ledgers.items()},
                    **({"scores": [score.to_json() for score in one.scores]} if one.scores else {}),
                    **({"segments": [segment.to_json() for segment in one.segments]} if one.segments else {}),
                }
                for one in self.rulesets
            ],
            "warnings": {level: dict(ids) for level, ids in self.warnings.items()},
            **({} if self.over_time is None else {"over_time": self.over_time.to_json()}),
            "files": dict(self.files),
            "line_tables": {name: list(ids) for name, ids in self.line_tables.items()},
            **({} if self.overlaps is None else {"overlaps": self.overlaps.to_json()}),
            "seconds": round(self.seconds, 3),
            "bills_per_second": round(self.bills_per_second),
            "engine": self.engine,
            **({} if self.native is None else {"native": {"instructions": self.native[0], "of": self.native[1]}}),
        }


@dataclass(slots=True)
class Tally:
    """Running counts and sums, of a batch or of a run; sums are whole numbers of Python, which cannot overflow."""

    rows: int = 0
    billed: Counter[str] = field(default_factory=Counter)  # by rule set
    totals: Counter[str] = field(default_factory=Counter)
    lines: Counter[tuple[str, str]] = field(default_factory=Counter)
    ledgers: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    warnings: Counter[tuple[str, str]] = field(default_factory=Counter)  # by level and warning
    over_time: Counter[tuple[str, str]] = field(default_factory=Counter)  # `engine.bulk.over_time.Counts`
    scores: Counter[tuple[str, str]] = field(default_factory=Counter)  # sums; `engine.bulk.profiles.count_profiles`
    classes: Counter[tuple[str, str]] = field(default_factory=Counter)  # by rule set and `segment.class`

    def count(
        self, rows: int, done: Iterable[Dispatched], refused: Sequence[RowProblem], key: Callable[[Compiled], str]
    ) -> None:
        """Take a batch in; what the lines of all parts come to is what the bills come to."""
        self.rows += rows
        self.refused.update(found.code for found in refused)
        for one in done:
            for group in one.groups:
                self._group(group, key)

    def _group(self, group: Group, key: Callable[[Compiled], str]) -> None:
        result, program, of = group.result, group.compiled.program, len(group.members)
        of_parts = group.code if group.code is None or result.offsets is None else group.code[result.row]
        bills = [len(result.total)] if group.code is None else np.bincount(group.code, minlength=of).tolist()
        totals = sums_by(group.code, of, result.total)
        lines = {}
        for line in program.lines:
            amounts, shown = result.amounts[line.id], result.shown.get(line.id)
            lines[line] = sums_by(of_parts, of, amounts if shown is None else np.where(shown, amounts, 0))
        ledgers = {code: sums_by(group.code, of, amounts) for code, amounts in result.ledgers.items()}
        for at, compiled in enumerate(group.members):
            if not bills[at]:
                continue
            id_ = key(compiled)
            self.billed[id_] += bills[at]
            self.totals[id_] += totals[at]
            parts = Decimal(0)
            for line, amounts_of in lines.items():
                self.lines[id_, line.id] += amounts_of[at]
                if line.money:
                    parts += Decimal(amounts_of[at]).scaleb(-program.steps[line.amount].type.places)
            whole = Decimal(totals[at]).scaleb(-program.steps[program.total].type.places)
            assert parts == whole, f"{id_}: lines add up to {parts}, bills to {whole}"
            for code, booked in ledgers.items():
                self.ledgers[id_, code] += booked[at]
        for warning in program.warnings:
            raised = int(np.count_nonzero(result.warnings[warning.id]))
            if raised:
                self.warnings[warning.level, warning.id] += raised
        count_profiles(group, key, self.scores, self.classes)

    def add(self, other: Tally) -> None:
        """Take another tally in."""
        self.rows += other.rows
        for mine, theirs in (
            (self.billed, other.billed),
            (self.totals, other.totals),
            (self.refused, other.refused),
        ):
            _add(mine, theirs)
        for name in _BY_TWO:
            _add(getattr(self, name), getattr(other, name))

    def to_json(self) -> dict[str, object]:
        """The counts and sums for `from_json`; sums are whole numbers of the smallest place."""
        return {
            "rows": self.rows,
            **{name: dict(sorted(getattr(self, name).items())) for name in _BY_ONE},
            **{name: [[*key, value] for key, value in sorted(getattr(self, name).items())] for name in _BY_TWO},
        }

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> Tally:
        """Read what `to_json` gave."""
        tally = Tally(told["rows"])
        for name in _BY_ONE:
            getattr(tally, name).update(told[name])
        for name in _BY_TWO:
            getattr(tally, name).update({(a, b): value for a, b, value in told.get(name, ())})
        return tally

    def check(self) -> None:
        """Assert that no row was lost or doubled."""
        billed, refused = self.billed.total(), self.refused.total()
        assert self.rows == billed + refused, f"{self.rows} rows came, {billed} billed, {refused} refused"

    def summary(
        self,
        book: Mapping[str, Compiled],
        source: str,
        files: Mapping[str, int],
        line_tables: Mapping[str, Sequence[str]],
        overlaps: Overlaps | None,
        seconds: float,
        *,
        native: tuple[int, int] | None = None,
        left_out: int = 0,
        run: str = "",
        filter_: str = "",
        over_time: OverTime | None = None,
    ) -> Summary:
        """Give the counts and sums as decimals."""
        return Summary(
            source=source,
            rows=self.rows + left_out,
            billed=self.billed.total(),
            refused=dict(sorted(self.refused.items())),
            rulesets=tuple(self._ruleset(id_, book[id_]) for id_ in sorted(self.billed)),
            warnings={
                level: {id_: count for (at, id_), count in sorted(self.warnings.items()) if at == level}
                for level in _LEVELS
                if any(at == level for at, _ in self.warnings)
            },
            files=dict(files),
            line_tables={name: ids for name, ids in line_tables.items() if any(self.billed[id_] for id_ in ids)},
            overlaps=overlaps,
            seconds=seconds,
            engine=engine_version(),
            native=native,
            left_out=left_out,
            run=run,
            filter=filter_,
            over_time=over_time,
        )

    def _ruleset(self, id_: str, compiled: Compiled) -> RulesetSummary:
        program = compiled.program

        def money(whole: int, step: int) -> Decimal:
            return Decimal(whole).scaleb(-program.steps[step].type.places)

        lines = {line.id: money(self.lines[id_, line.id], line.amount) for line in program.lines}
        charges: dict[str, Decimal] = {}
        for line in program.lines:
            if line.money:
                charges[line.charge] = charges.get(line.charge, Decimal(0)) + lines[line.id]
        return RulesetSummary(
            id=compiled.id,
            in_force_from="" if id_ == compiled.id else day_text(compiled.first_day),
            title=compiled.title,
            version=compiled.content_hash,
            currency=compiled.currency,
            billed=self.billed[id_],
            total=money(self.totals[id_], program.total),
            charges=charges,
            lines=lines,
            ledgers={code: money(self.ledgers[id_, code], step) for code, step in program.ledgers},
            scores=score_summaries(program, id_, self.billed[id_], self.scores),
            segments=segment_summaries(program, id_, self.classes),
        )


def _add(mine: Counter[Key], theirs: Counter[Key]) -> None:
    """Add counts; unlike `Counter.__add__` and `update` on negatives, sums of either sign are kept."""
    for key, count in theirs.items():
        mine[key] += count


def engine_version() -> str:
    """The installed version of the engine."""
    try:
        return version("dianjia")
    except PackageNotFoundError:
        return "unknown"
