"""What a frame of rows becomes: `bills`, `lines`, `refused` and `warnings`, as frames of the caller's library.

Rows come in the order of the caller's frame; `row` is the position there, from 0. Amounts are decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dianjia.client.chunking import Opened, Refusal
from dianjia.client.described import RuleSet
from dianjia.client.errors import AnswerBroken
from dianjia.client.frames import Frame, Same
from dianjia.client.groups import Answer, Group, end_to_end, joined
from dianjia.client.values import Coded, Column, Days, Flags, Mask, Scaled, Texts, Whole, picked


@dataclass(frozen=True)
class Bills:
    """What became of the rows of one frame: received = billed + refused.

    Attributes:
        version: content hash of the version of the rate book that billed them.
        received: rows of the frame.
        billed: rows that have a bill.
    """

    version: str
    received: int
    billed: int
    _frame: Frame
    _passing: tuple[str, ...]
    _groups: Mapping[str, Group]  # id of the rule set, with its first day where several share it
    _refused: tuple[Refusal, ...]
    _known: Sequence[RuleSet]  # that the rows name

    @cached_property
    def bills(self) -> Any:
        """One row a bill: `row`, `row_id`, what passes through, `ruleset`, `version`, `period_from`, `period_to`,
        `total`, `ledger_…`, `currency`.
        """
        groups = list(self._groups.values())
        rows = [len(group.positions) for group in groups]
        positions = _joined_rows([group.positions for group in groups])
        order = _order(positions)
        # What the rule sets have, whether or not a row of them has a bill: the columns do not depend on the rows.
        codes = dict.fromkeys(code for one in self._known for code in one.ledgers)
        if groups and not any(group.ledgers for group in groups):
            codes = {}  # totals alone were asked for
        places = max((one.minor_places for one in self._known), default=0)
        money = {
            "total": end_to_end([group.total for group in groups], rows, places),
            **{
                f"ledger_{code}": end_to_end([group.ledgers.get(code) for group in groups], rows, places)
                for code in codes
            },
        }
        kept = positions[order]
        return self._frame.made(
            {
                **self._keys(kept, (*self._passing,)),
                "ruleset": picked(_named([group.ruleset for group in groups], rows), order),
                "version": Coded(np.zeros(len(kept), dtype=np.int64), (self.version,)),
                "period_from": Same("period_from", kept),
                "period_to": Same("period_to", kept),
                **{name: picked(column, order) for name, column in money.items()},
                "currency": picked(_named([group.currency for group in groups], rows), order),
            },
            kept,
        )

    @cached_property
    def lines(self) -> Mapping[str, Any]:
        """Rule set -> its bills' lines: `row`, `row_id`, and a column a line; null where the line does not stand on the
        bill. Where the rule set splits billing periods, a row a part, with `part`, `part_from`, `part_to`. With
        `detail="full"` also `LINE.quantity` and `LINE.price`.
        """
        return {key: self._wide(group) for key, group in self._groups.items()}

    def _wide(self, group: Group) -> Any:
        order = _order(group.rows_of_parts())
        kept = group.rows_of_parts()[order]
        columns: dict[str, Column | Same | Whole] = {**self._keys(kept), **_parts(group, order)}
        for line in group.lines:
            columns[line.id] = picked(line.amounts, order)
            for name, one in (("quantity", line.quantities), ("price", line.prices)):
                if one is not None:
                    columns[f"{line.id}.{name}"] = picked(one, order)
        return self._frame.made(columns, kept)

    def long_lines(self) -> Any:
        """One row for each line of each bill: `row`, `row_id`, `ruleset`, `part`, `line`, `money`, `amount`.

        `money` says whether the line is part of the total. With `detail="full"` also `quantity` and `price`.
        """
        positions: list[Whole] = []
        parts: list[Whole] = []
        at: list[Whole] = []
        moneys: list[Mask] = []
        lines, rulesets = [], []
        amounts: list[Scaled | None] = []
        quantities: list[Scaled | None] = []
        prices: list[Scaled | None] = []
        for key, group in self._groups.items():
            rows, part = group.rows_of_parts(), _part_numbers(group)
            for number, line in enumerate(group.lines):
                shown = np.arange(len(rows)) if line.amounts.given is None else np.flatnonzero(line.amounts.given)
                positions.append(rows[shown])
                parts.append(part[shown])
                at.append(np.full(len(shown), number))
                lines.append(line.id)
                rulesets.append(key)
                moneys.append(np.full(len(shown), line.money))
                amounts.append(_some(line.amounts, shown))
                quantities.append(_some(line.quantities, shown))
                prices.append(_some(line.prices, shown))
        counts = [len(one) for one in positions]
        rows_, part_, line_ = (_joined_rows(one) for one in (positions, parts, at))
        order = np.lexsort((line_, part_, rows_))
        kept = rows_[order]
        columns: dict[str, Column | Same | Whole] = {
            **self._keys(kept),
            "ruleset": picked(_named(rulesets, counts), order),
            "part": part_[order],
            "line": picked(_named(lines, counts), order),
            "money": Flags((np.concatenate(moneys) if moneys else np.zeros(0, dtype=bool))[order]),
            "amount": picked(end_to_end(amounts, counts), order),
        }
        for name, pieces in (("quantity", quantities), ("price", prices)):
            if any(piece is not None for piece in pieces):
                columns[name] = picked(end_to_end(pieces, counts), order)
        return self._frame.made(columns, kept)

    @cached_property
    def refused(self) -> Any:
        """One row for each row without a bill: `row`, `row_id`, `ruleset`, `code`, `field`, `value`, `reason`,
        `remedy`, `at` (the place in the rules).
        """
        return refused_frame(self._frame, self._refused)

    @cached_property
    def warnings(self) -> Any:
        """One row for each warning raised: `row`, `row_id`, `ruleset`, `warning`, `level`, `title`."""
        found = [
            (key, name, rows, *self._words(group.hash, name))
            for key, group in self._groups.items()
            for name, rows in group.warnings.items()
        ]
        counts = [len(rows) for _, _, rows, _, _ in found]
        positions = _joined_rows([rows for _, _, rows, _, _ in found])
        order = _order(positions)
        kept = positions[order]
        return self._frame.made(
            {
                **self._keys(kept),
                "ruleset": picked(_named([self._groups[key].ruleset for key, *_ in found], counts), order),
                "warning": picked(_named([name for _, name, *_ in found], counts), order),
                "level": picked(_named([level for *_, level, _ in found], counts), order),
                "title": picked(_named([title for *_, title in found], counts), order),
            },
            kept,
        )

    @cached_property
    def profiles(self) -> Any:
        """One row for each score and segment of each row with a bill: `row`, `row_id`, `ruleset`, `kind` (score or
        segment), `id`, `value` (of a score), `class` (of a segment), `title` (of the score, or of the class).
        """
        ids, kinds, rulesets = [], [], []
        positions: list[Whole] = []
        values: list[Scaled | None] = []
        classes: list[str] = []
        titles: list[str] = []
        for key, group in self._groups.items():
            known = next((one for one in self._known if one.summary.hash == group.hash), None)
            for name, score in group.scores.items():
                title = known.scores[name].title if known is not None and name in known.scores else ""
                values.append(score)
                classes += [""] * len(score)
                titles += [title] * len(score)
            for name, own in group.segments.items():
                words = known.segments[name].classes if known is not None and name in known.segments else {}
                values.append(None)
                classes += (named := own.texts().tolist())
                titles += [words.get(one, "") for one in named]
            several = len(group.scores) + len(group.segments)
            ids += [*group.scores, *group.segments]
            kinds += ["score"] * len(group.scores) + ["segment"] * len(group.segments)
            rulesets += [self._groups[key].ruleset] * several
            positions += [group.positions] * several
        counts = [len(one) for one in positions]
        rows = _joined_rows(positions)
        order = _order(rows)
        kept = rows[order]
        columns: dict[str, Column | Same | Whole] = {
            **self._keys(kept),
            "ruleset": picked(_named(rulesets, counts), order),
            "kind": picked(_named(kinds, counts), order),
            "id": picked(_named(ids, counts), order),
            "value": picked(end_to_end(values, counts), order),
            "class": picked(texts_of(classes), order),
            "title": picked(texts_of(titles), order),
        }
        return self._frame.made(columns, kept)

    def _words(self, hash_: str, name: str) -> tuple[str, str]:
        """Level and title of a warning."""
        found = [one.warnings[name] for one in self._known if one.summary.hash == hash_ and name in one.warnings]
        return (found[0].level, found[0].title) if found else ("", "")

    def _keys(self, positions: Whole, more: Iterable[str] = ()) -> dict[str, Column | Same | Whole]:
        return {"row": positions, **{name: Same(name, positions) for name in ("row_id", *more)}}


def refused_frame(frame: Frame, refused: Sequence[Refusal]) -> Any:
    """Make the frame of the rows without a bill."""
    positions = np.array([one.row for one in refused], dtype=np.int64)
    texts = {
        name: [getattr(one, name) for one in refused] for name in ("code", "field", "value", "reason", "remedy", "at")
    }
    return frame.made(
        {
            "row": positions,
            "row_id": Same("row_id", positions),
            "ruleset": Same("ruleset", positions),
            **{name: texts_of(values) for name, values in texts.items()},
        },
        positions,
    )


def texts_of(values: Sequence[str]) -> Texts:
    """Make a column of texts."""
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return Texts(array)


def bills_of(opened: Opened, version: str) -> Bills:
    """Put the answers to a frame's chunks together.

    Raises:
        AnswerBroken: a row is neither billed nor refused, or both.
    """
    answers: list[Answer] = opened.answered
    by_hash: dict[tuple[str, str], list[Group]] = {}
    for answer in answers:
        for group in answer.groups:
            by_hash.setdefault((group.ruleset, group.hash), []).append(group)
    keys = {(one.summary.id, one.summary.hash): one.summary.key for one in opened.known}
    groups = {keys.get(which, which[0]): joined(pieces) for which, pieces in sorted(by_hash.items())}
    refused = sorted([*opened.refused, *(one for answer in answers for one in answer.refused)], key=lambda one: one.row)
    billed = sum(len(group.positions) for group in groups.values())
    if billed + len(refused) != opened.frame.rows:
        raise AnswerBroken(f"{opened.frame.rows} rows were given, {billed} billed, {len(refused)} refused")
    return Bills(version, opened.frame.rows, billed, opened.frame, opened.passing, groups, tuple(refused), opened.known)


def _some(column: Scaled | None, rows: Whole) -> Scaled | None:
    return None if column is None else Scaled(column.values[rows], column.places)


def _joined_rows(pieces: Sequence[Whole]) -> Whole:
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int64)


def _order(positions: Whole) -> Whole:
    """Bring rows into the order of the frame; parts of a row stay in theirs."""
    if bool((positions[1:] >= positions[:-1]).all()):
        return np.arange(len(positions))
    return np.argsort(positions, kind="stable")


def _named(names: Sequence[str], counts: Sequence[int]) -> Coded:
    """A name for each of several stretches of rows."""
    distinct = list(dict.fromkeys(names)) or [""]
    at = np.array([distinct.index(name) for name in names], dtype=np.int64)
    return Coded(np.repeat(at, np.array(counts, dtype=np.int64)), tuple(distinct))


def _part_numbers(group: Group) -> Whole:
    """Shape (part,): the number of each part in its row, from 1; 0 where rows have no parts."""
    if group.parts is None:
        return np.zeros(len(group.positions), dtype=np.int64)
    starts = np.cumsum(group.parts) - group.parts
    return np.arange(int(group.parts.sum())) - np.repeat(starts, group.parts) + 1


def _parts(group: Group, order: Whole) -> dict[str, Column | Same | Whole]:
    if group.parts is None:
        return {}
    return {
        "part": _part_numbers(group)[order],
        "part_from": Days(group.part_from[order]),
        "part_to": Days(group.part_to[order]),
    }
