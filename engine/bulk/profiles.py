"""Scores and classes of a billed batch as Arrow tables, and what a run comes to: means by score, rows by class.

The table `profiles` has a row for each score and each segment of each bill. Its columns are settled by the rate book
and the file alone, so that every run of them has the same. A rate book without scores and segments has no such table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bulk import row_ids
from engine.bulk.money import decimals, precision_of, sums_by
from engine.bulk.overlaps import ACCOUNT
from engine.bulk.sources import Batch
from engine.compiler.program import Compiled, Program
from engine.evaluator.groups import Group

PROFILES: Final = "profiles"  # the table
SCORE: Final = "score"
SEGMENT: Final = "segment"
KINDS: Final = (SCORE, SEGMENT)
MEAN_PLACES: Final = 2  # of a mean, beyond those of its score
MEAN_ROUNDING: Final = "half_up"
_NAMED: Final = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class ProfileTable:
    """The columns of `profiles`, and the decimal places of its values: those of the score that has most."""

    schema: Any
    places: int


def profile_table(book: Mapping[str, Compiled], row_id: Any) -> ProfileTable | None:
    """Settle the columns; None where no rule set has a score or a segment.

    Args:
        book: rule sets by key.
        row_id: pyarrow Field of the row ids.
    """
    programs = [one.program for one in book.values() if one.program.scores or one.program.segments]
    if not programs:
        return None
    types = [one.steps[one.names[score.id]].type for one in programs for score in one.scores]
    places = max((of.places for of in types), default=0)
    low = min((of.low * 10 ** (places - of.places) for of in types), default=0)
    high = max((of.high * 10 ** (places - of.places) for of in types), default=0)
    fields = [
        row_id,
        pa.field(ACCOUNT, pa.string()),
        pa.field("ruleset", _NAMED),
        pa.field("kind", _NAMED),
        pa.field("id", _NAMED),
        pa.field("value", pa.decimal128(precision_of(low, high), places)),  # null: of a segment
        pa.field("class", _NAMED),  # null: of a score
        pa.field("title", _NAMED),  # of the score, or of the class
    ]
    return ProfileTable(pa.schema(fields), places)


def profile_rows(table: ProfileTable, batch: Batch, group: Group, rulesets: Any, positions: Any) -> Iterator[Any]:
    """Lay out the scores and classes of a group, a table each.

    Args:
        table: from `profile_table`.
        batch: as it was read.
        group: of its billed rows.
        rulesets: (row,) pyarrow Array of their rule sets' ids.
        positions: (row,) of the billed rows in the batch.
    """
    program, result = group.compiled.program, group.result
    if not len(positions) or not (program.scores or program.segments):
        return
    row_id, account = batch.row_id.take(positions), _accounts(batch, positions)
    rows = len(positions)
    schema = table.schema
    for at, score in enumerate(program.scores):
        whole = result.scores[score.id]
        by = 10 ** (table.places - program.steps[program.names[score.id]].type.places)
        value = decimals(whole if by == 1 else whole * by, table.places, schema.field("value").type.precision)
        title = _texts([one.program.scores[at].title for one in group.members], group.code, rows)
        columns = [row_id, account, rulesets, _same(SCORE, rows), _same(score.id, rows), value, _nulls(rows), title]
        yield pa.Table.from_arrays(columns, schema=schema)
    for at, segment in enumerate(program.segments):
        which = result.segments[segment.id]
        nothing = pa.nulls(rows, schema.field("value").type)
        class_ = _texts([one.id for one in segment.classes], which, rows)
        title = _class_titles(group, at, which)
        columns = [row_id, account, rulesets, _same(SEGMENT, rows), _same(segment.id, rows), nothing, class_, title]
        yield pa.Table.from_arrays(columns, schema=schema)


def _accounts(batch: Batch, positions: Any) -> Any:
    if ACCOUNT not in batch.passing:
        return pa.nulls(len(positions), pa.string())
    return row_ids.texts(batch.passing[ACCOUNT]).take(positions)


def _class_titles(group: Group, segment: int, which: NDArray[np.int64]) -> Any:
    """Titles of the rows' classes, as each row's own rule set has them."""
    of_members = [[one.title for one in member.program.segments[segment].classes] for member in group.members]
    classes = len(of_members[0])
    code = which if group.code is None else group.code * classes + which
    return _texts([title for titles in of_members for title in titles], code, len(which))


def _same(text: str, rows: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([text], pa.string()))


def _nulls(rows: int) -> Any:
    return pa.nulls(rows, _NAMED)


def _texts(texts: Sequence[str], code: NDArray[np.int64] | None, rows: int) -> Any:
    """A column of texts by code; None: all have the first. A dictionary names each text once."""
    names = tuple(dict.fromkeys(texts))
    if code is None:
        return _same(texts[0], rows)
    own = np.array([names.index(text) for text in texts], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(own.take(code)), pa.array(names, pa.string()))


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """What a score comes to over the rows of a rule set.

    Attributes:
        mean: sum / rows to `MEAN_PLACES` more places than the score has, rounded `MEAN_ROUNDING`.
    """

    id: str
    title: str
    rows: int
    sum: Decimal
    mean: Decimal

    def to_json(self) -> dict[str, object]:
        """The same for a program to read; numbers are decimal text."""
        return {
            "score": self.id,
            "title": self.title,
            "rows": self.rows,
            "sum": f"{self.sum:f}",
            "mean": f"{self.mean:f}",
            "rounding": MEAN_ROUNDING,
        }


@dataclass(frozen=True, slots=True)
class SegmentSummary:
    """How many rows of a rule set are of each class; classes without rows too."""

    id: str
    title: str
    classes: tuple[tuple[str, str, int], ...]  # class, its title, rows

    def to_json(self) -> dict[str, object]:
        """The same for a program to read."""
        classes = [{"class": id_, "title": title, "rows": rows} for id_, title, rows in self.classes]
        return {"segment": self.id, "title": self.title, "classes": classes}


def count_profiles(
    group: Group,
    key: Callable[[Compiled], str],
    sums: Counter[tuple[str, str]],
    classes: Counter[tuple[str, str]],
) -> None:
    """Add a group's scores up, and count its classes.

    Args:
        group: of billed rows.
        key: of a rule set.
        sums: (key, score) -> whole number of the score's places; added to.
        classes: (key, `segment.class`) -> rows; added to.
    """
    program, result, members = group.compiled.program, group.result, group.members
    if not len(result.total):
        return
    for score in program.scores:
        for member, whole in zip(members, sums_by(group.code, len(members), result.scores[score.id]), strict=True):
            if whole:
                sums[key(member), score.id] += whole
    for segment in program.segments:
        which, count = result.segments[segment.id], len(segment.classes)
        code = which if group.code is None else group.code * count + which
        found = np.bincount(code, minlength=count * len(members)).tolist()
        for at, member in enumerate(members):
            for one, rows in zip(segment.classes, found[at * count : (at + 1) * count], strict=True):
                if rows:
                    classes[key(member), f"{segment.id}.{one.id}"] += rows


def score_summaries(
    program: Program, key: str, rows: int, sums: Mapping[tuple[str, str], int]
) -> tuple[ScoreSummary, ...]:
    """Say what the scores of a rule set come to over its billed rows."""
    found = []
    for score in program.scores if rows else ():
        places = program.steps[program.names[score.id]].type.places
        whole = Decimal(sums.get((key, score.id), 0)).scaleb(-places)
        found.append(ScoreSummary(score.id, score.title, rows, whole, mean(whole, rows, places + MEAN_PLACES)))
    return tuple(found)


def mean(total: Decimal, rows: int, places: int) -> Decimal:
    """The mean of so many rows, rounded half away from zero to some places.

    >>> mean(Decimal("10.0"), 3, 3), mean(Decimal("-0.5"), 4, 2)
    (Decimal('3.333'), Decimal('-0.13'))
    """
    whole = int(total.scaleb(places))
    assert Decimal(whole).scaleb(-places) == total, f"{total} has more than {places} places"
    # 2a + n over 2n, cut, is a over n rounded: nothing is rounded twice.
    rounded = (2 * abs(whole) + rows) // (2 * rows)
    return Decimal(rounded if whole >= 0 else -rounded).scaleb(-places)


def segment_summaries(program: Program, key: str, classes: Mapping[tuple[str, str], int]) -> tuple[SegmentSummary, ...]:
    """Say how many of a rule set's billed rows are of each class."""
    return tuple(
        SegmentSummary(
            segment.id,
            segment.title,
            tuple((one.id, one.title, classes.get((key, f"{segment.id}.{one.id}"), 0)) for one in segment.classes),
        )
        for segment in program.segments
    )
