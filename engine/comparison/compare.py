"""Compare what two rate books make of a portfolio, or a new one with stored bills: differences, causes, totals.

    source ──batches──▶ old side, new side ─▶ stages between them ─▶ entries ──▶ files of a folder
                                                                       └──▶ totals ──▶ Comparison

Takes books and a portfolio; gives a `Comparison`, and writes the differences where a folder is named. Memory is bounded
but for 16 bytes a bill. Every row is in one of four groups: both sides bill it, the old alone, the new alone, neither.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from engine.bulk import arrays, row_ids
from engine.bulk.flow import in_order
from engine.bulk.outputs import lay_out
from engine.bulk.overlaps import ACCOUNT
from engine.bulk.partitions import Wanted
from engine.bulk.probe import carried_inputs
from engine.bulk.sources import CUSTOMARY, open_source
from engine.bulk.survey import survey
from engine.bulk.wanted import check_wanted, selection
from engine.comparison.amounts import TooLarge, charges_of, places_of
from engine.comparison.attribution import Attribution, stages_between
from engine.comparison.batches import STORED, Job, compare_batch
from engine.comparison.causes import Cause, Causes
from engine.comparison.dimensions import MONTH, REGION, RULESET
from engine.comparison.part import file_metadata
from engine.comparison.problems import ComparisonProblem
from engine.comparison.sides import Lacking, Side
from engine.comparison.stored import Stored
from engine.comparison.tables import TABLES, Columns, Files, FormatOut, coded
from engine.comparison.totals import VALUES_MAX, Totals, sums_of
from engine.compiler.book import RateBook

Progress = Callable[[int, int | None], None]
BATCH_ROWS: Final = 65_536  # a batch is billed several times, and all of that is held at once
TELLING: Final = ("account", "bill_id", "revision", "scope")


@dataclass(frozen=True, slots=True)
class Options:
    """How a comparison is made.

    Attributes:
        output: folder for the differences; None: totals alone.
        by: columns that totals are told by, besides the rule set; `region` and `month` are made where there is none.
        wanted: which rows are compared.
        pass_through: columns that are meant to be unread.
    """

    output: Path | None = None
    format_out: FormatOut = "parquet"
    by: tuple[str, ...] = ()
    wanted: Wanted = field(default_factory=Wanted)
    pass_through: tuple[str, ...] = ()
    threads: int = 1
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison came to; amounts are whole numbers of `places`."""

    source: str
    old: str  # hash of the rate book, or the folder of stored bills
    new: str
    places: int
    totals: Totals
    causes: tuple[Cause, ...]
    charges: tuple[str, ...]
    titles: Mapping[str, str]  # of rule sets, and of charges as `charge:ID`
    by: tuple[str, ...]
    wanted: Wanted
    rows: Mapping[str, int]  # of the files, by table


def compare(
    old: RateBook | None, new: RateBook, source: Path, options: Options, stored: Path | None = None
) -> Comparison:
    """Compare.

    Args:
        old: the rate book that is compared with; None: stored bills alone are.
        new: the rate book that is compared.
        source: portfolio.
        options: how.
        stored: folder of an earlier run, whose bills take the old side's place. With `old`, what they differ by from
            the bills of those rules is a cause of its own.

    Raises:
        FileProblem: the portfolio cannot be read, or the folder not be written to.
        ComparisonProblem: what is asked for does not fit the books or the file.
    """
    with tempfile.TemporaryDirectory(prefix="dianjia-compare-") as scratch:
        held = None if stored is None else Stored(stored, Path(scratch))
        made = _Comparing(old, new, source, options, held)
        try:
            return made.run(made.job())
        except Lacking:
            return made.run(made.surveyed())
        except TooLarge:
            raise ComparisonProblem("comparison-too-large", str(source), places=made.places) from None


class _Comparing:
    def __init__(
        self, old: RateBook | None, new: RateBook, source: Path, options: Options, stored: Stored | None
    ) -> None:
        self.old, self.new, self.options, self.stored = old, new, options, stored
        self.books = {"new": new} if old is None else {"old": old, "new": new}
        every = [one for book in self.books.values() for one in book.rulesets.values()]
        opened = open_source(source, {str(at): one for at, one in enumerate(every)}, options.pass_through)
        self.source = replace(opened, batch_rows_max=BATCH_ROWS)
        self.places = max([places_of(one) for one in every] + ([] if stored is None else [stored.places]))
        self.currencies = self._currencies()
        charges = dict.fromkeys(charge for one in every for charge in charges_of(one))
        self.charges = tuple(charges | dict.fromkeys(() if stored is None else stored.charges))
        self.regions = {one.id: one.place_code for one in every}
        if stored is not None:
            stored.load(self.places)
            self._check_stored(stored)
        self.telling = tuple(name for name in TELLING if name in self.source.passing and name in CUSTOMARY)
        self._check_by()
        check_wanted(options.wanted, self.source)
        every_key = {key: one for book in self.books.values() for key, one in book.rulesets.items()}
        self.wanted = selection(options.wanted, every_key, self.source)

    def _currencies(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for book in self.books.values():
            for one in book.rulesets.values():
                if found.setdefault(one.id, one.currency) != one.currency:
                    raise ComparisonProblem("comparison-currency", one.id, old=found[one.id], new=one.currency)
        return dict(sorted(found.items()))

    def _check_stored(self, stored: Stored) -> None:
        for id_, currency in sorted(stored.currencies.items()):
            if self.currencies.setdefault(id_, currency) != currency:
                raise ComparisonProblem("comparison-currency", id_, old=currency, new=self.currencies[id_])
            self.regions.setdefault(id_, id_.rpartition(".")[0])

    def _check_by(self) -> None:
        known = {*self.source.passing, REGION, MONTH, *self.source.wanted}
        for name in self.options.by:
            if name not in known:
                listed = ", ".join(f"`{one}`" for one in sorted(known))
                raise ComparisonProblem("comparison-by", str(self.source.path), column=name, known=listed)

    def _passing(self, own: RateBook) -> tuple[str, ...]:
        """Columns that the other book alone reads pass through this one."""
        read = {spec.name for one in own.rulesets.values() for spec in one.program.inputs}
        lists = {axis.name for one in own.rulesets.values() for axis in one.program.axes}
        foreign = [name for name in self.source.wanted if name not in read]
        many = [name for name in self.source.lists if name not in lists]
        items = [
            spec.name
            for book in self.books.values()
            for one in book.rulesets.values()
            for spec in one.program.inputs
            if spec.type.axis != "row" and spec.name not in read
        ]
        return (*self.source.passing, *self.options.pass_through, *foreign, *many, *items)

    def job(self) -> Job:
        """What comparing needs, with nothing carried: where a row lacks something, `Lacking` is raised."""
        has_account = ACCOUNT in self.source.passing
        sides = {
            name: Side(
                book.rulesets,
                self._passing(book),
                carried=carried_inputs(book.rulesets) if has_account else frozenset(),
            )
            for name, book in self.books.items()
        }
        return self._job(sides, carries=False)

    def surveyed(self) -> Job:
        """The same with what rows carry of their account's earlier rows."""
        sides = {}
        for name, book in self.books.items():
            passing = self._passing(book)
            carriage = survey(book.rulesets, self.source, self.options.threads, passing)
            sides[name] = Side(book.rulesets, passing, carriage)
        return self._job(sides, carries="old" in sides and not _carry_alike(sides["old"], sides["new"]))

    def _job(self, sides: Mapping[str, Side], *, carries: bool) -> Job:
        known = Causes()
        if self.stored is not None:
            assert known.number(Cause("", "stored", "")) == STORED
        old, new = sides.get("old"), sides["new"]
        book = {} if old is None else old.book
        stages = stages_between(book, new.book, known, carries=carries)
        new = replace(new, book=stages.new)
        every = (*self.source.passing, *self.source.wanted, *self.source.lists, *new.pass_through)
        items = [spec.name for one in book.values() for spec in one.program.inputs if spec.type.axis != "row"]
        at = {charge: number for number, charge in enumerate(self.charges)}
        attribution = Attribution(stages, at, self.places, (*every, *items))
        row_id = lay_out({}, self.source, "scaled", False).bills.field("row_id")
        nothing = self.source.schema.empty_table()
        fields = tuple(
            nothing.schema.field(name).with_type(_passing_type(nothing.column(name))) for name in self.telling
        )
        return Job(
            old=old,
            new=new,
            early=replace(new, carriage=old.carriage) if carries and old is not None else None,
            stored=self.stored,
            attribution=attribution,
            charges=self.charges,
            causes=tuple(known),
            currencies=self.currencies,
            regions=self.regions,
            by=self.options.by,
            kinds={name: one.kinds for name, one in self.source.wanted.items()},
            telling=self.telling,
            columns=Columns(row_id, fields, self.places),
            wanted=self.wanted,
        )

    def run(self, job: Job) -> Comparison:
        """Compare every batch."""
        options, totals = self.options, Totals()
        files = None
        if options.output is not None:
            told = file_metadata(options.wanted)
            schemas = {name: job.columns.schema(name).with_metadata(told) for name in TABLES}
            files = Files(options.output, options.format_out, schemas)
        try:
            done = 0
            for one in in_order(self.source, partial(compare_batch, job), options.threads):
                totals.add(one.totals)
                self._check_values(totals)
                done += one.size
                if options.progress is not None:
                    options.progress(done, self.source.rows)
                for name in TABLES if files is not None else ():
                    assert files is not None
                    files.write(name, one.tables[name])
            self._unmet(job, totals, files)
            totals.check()
            if files is not None:
                files.finish()
        except BaseException:
            if files is not None:
                files.abandon()
            raise
        return self._comparison(job, totals, {} if files is None else files.rows)

    def _check_values(self, totals: Totals) -> None:
        for (dimension, _), by in totals.sums.items():
            if len(by) > VALUES_MAX and dimension in self.options.by:
                raise ComparisonProblem("comparison-values", dimension, most=VALUES_MAX)

    def _unmet(self, job: Job, totals: Totals, files: Files | None) -> None:
        """Stored bills whose rows are not in the input."""
        if self.stored is None:
            return
        for table, total in self.stored.unmet(self.options.wanted):
            rows = table.num_rows
            totals.rows += rows
            totals.groups["only_old"] += rows
            totals.reasons["only_old", "not-in-input"] += rows
            currencies = [str(one) for one in table.column("currency").to_pylist()]
            names = sorted(set(currencies))
            code = np.array([names.index(one) for one in currencies], np.int64)
            for currency, one in sums_of(code, names, total, np.zeros(rows, np.int64)).items():
                totals.alone.setdefault(("only_old", currency), type(one)()).add(one)
            if files is not None:
                files.write("unpaired", _unmet_table(job, table, total))

    def _comparison(self, job: Job, totals: Totals, rows: Mapping[str, int]) -> Comparison:
        titles: dict[str, str] = {}
        shown: dict[str, set[str]] = {}
        met = {id_ for (dimension, _), by in totals.sums.items() if dimension == RULESET for id_ in by}
        for book in self.books.values():
            for one in book.rulesets.values():
                if one.id in met:
                    titles[one.id] = one.title
                    for line in one.program.lines:
                        shown.setdefault(line.charge, set()).add(line.title)
        # A charge of several lines, or that rule sets call differently, goes by its name in the rules.
        titles |= {f"charge:{name}": min(ones) for name, ones in sorted(shown.items()) if len(ones) == 1}
        old = self.old.hash if self.stored is None and self.old is not None else ""
        return Comparison(
            source=str(self.source.path),
            old=old if self.stored is None else str(self.stored.folder),
            new=self.new.hash,
            places=self.places,
            totals=totals,
            causes=job.causes,
            charges=self.charges,
            titles=titles,
            by=self.options.by,
            wanted=self.options.wanted,
            rows=dict(rows),
        )


def _passing_type(column: Any) -> Any:
    return arrays.passing(column).type


def _carry_alike(old: Side, new: Side) -> bool:
    one, other = old.carriage, new.carriage
    if one is None or other is None:
        return one is other
    if one.columns.keys() != other.columns.keys():
        return False
    return all(
        mine.places == other.columns[name].places
        and np.array_equal(mine.values, other.columns[name].values)
        and np.array_equal(mine.states, other.columns[name].states)
        for name, mine in one.columns.items()
    )


def _unmet_table(job: Job, table: Any, total: Any) -> Any:
    rows = table.num_rows
    schema = job.columns.unpaired
    nothing = np.zeros(rows, np.int32)
    columns = []
    for one in schema:
        if one.name == "row_id":
            named = row_ids.ids(table.column("row_id"), "")
            columns.append(named.cast(one.type))
        elif one.name in job.telling:
            same = one.name in table.schema.names
            columns.append(table.column(one.name).combine_chunks().cast(one.type) if same else pa.nulls(rows, one.type))
        elif one.name == "group":
            columns.append(coded(nothing, ["only_old"]))
        elif one.name in ("ruleset", "currency"):
            texts = [str(value) for value in table.column(one.name).to_pylist()]
            array = pa.array(texts, pa.string())
            columns.append(array if one.name == "ruleset" else array.dictionary_encode().cast(one.type))
        elif one.name in ("period_from", "period_to"):
            columns.append(table.column(one.name).combine_chunks())
        elif one.name == "total":
            columns.append(job.columns.amount(total))
        elif one.name == "code":
            columns.append(coded(nothing, ["not-in-input"]))
        else:
            told = {"field": "row_id", "value": "", "reason": "the input has no row of this id"}
            columns.append(pa.array([told[one.name]] * rows, pa.string()))
    return pa.Table.from_arrays(columns, schema=schema)
