"""What an alternative does to the bills of one customer: the inputs that it changes, and what each line comes to.

The rows are rewritten as the advice rewrote them, with the best value that it found, and billed by the same evaluator;
that the totals are those of the advice is asserted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

import numpy as np

from engine.advice.columns import rows_of, with_columns
from engine.advice.result import Advised, Outcome
from engine.advice.rewrite import inputs_read, rewrite, stages
from engine.compiler.advising import Advice, Alternative
from engine.compiler.book import RateBook
from engine.compiler.program import Compiled, InputSpec
from engine.evaluator.batch import dispatch
from engine.evaluator.evaluate import Plans
from engine.evaluator.rows import Column, Rows
from engine.proposal.bills import line_ids, money, totals
from engine.proposal.customers import values_of

ADDED: Final = frozenset({"kWh", "kvarh", "m3"})
"""Units of what is used: of several bills the sum counts. Of other inputs the smallest and the largest value do."""


_TOLD: Final = frozenset({"number", "boolean"})
_TRUTH: Final[Mapping[str, str]] = {"true": "1", "false": "0"}


@dataclass(frozen=True, slots=True)
class Span:
    """An input over all bills: its sum, or its smallest and largest value; None where no bill gives it."""

    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A number, or a yes and no as one and zero, that an alternative changes."""

    input: str
    title: str
    unit: str
    kind: Literal["sum", "span", "boolean"]  # sum: of all bills together
    now: Span
    then: Span


@dataclass(frozen=True, slots=True)
class LineChanged:
    """What a line comes to over all bills, now and then; None where it is on no bill."""

    id: str
    title: str
    now: Decimal | None
    then: Decimal | None


@dataclass(frozen=True, slots=True)
class Under:
    """An alternative in numbers; both in the order of the rule set."""

    changed: tuple[Changed, ...]
    lines: tuple[LineChanged, ...]


def under(advised: Advised, book: RateBook, rows: Rows) -> dict[str, Under]:
    """Show what each alternative that is billed does, by `advice:alternative`.

    Args:
        advised: a customer.
        book: that the advice was made with.
        rows: the batch that it has positions in.
    """
    billed = [one for one in advised.outcomes if one.state == "billed"]
    own = [_Own(advised, key, book, rows) for key in dict.fromkeys(advised.keys)]
    return {f"{one.advice}:{one.alternative}": _under(advised, one, own, book) for one in billed}


class _Own:
    """The customer's rows that one rule set bills, as they are."""

    def __init__(self, advised: Advised, key: str, book: RateBook, rows: Rows) -> None:
        at = [row for row, of in zip(advised.rows, advised.keys, strict=True) if of == key]
        self.key, self.compiled, self.at = key, book.rulesets[key], np.array(at, dtype=np.int64)
        self.advice: Mapping[str, Advice] = {one.id: one for one in book.advice[key]}
        specs: dict[str, InputSpec] = {}
        lists: dict[str, None] = {}
        for one in self.advice.values():
            inputs, named = inputs_read(one, self.compiled)
            specs |= {spec.name: spec for spec in inputs}
            lists |= dict.fromkeys(named)
        self.specs = specs
        self.rows = rows_of(rows, self.at, specs.values(), lists)
        self.lines, self.titles, _ = _lines({key: self.compiled}, key, self.rows)


def _under(advised: Advised, outcome: Outcome, own: Sequence[_Own], book: RateBook) -> Under:
    rulesets = {**book.plans, **book.rulesets}
    now: dict[str, Decimal] = {}
    then: dict[str, Decimal] = {}
    titles: dict[str, str] = {}
    values: dict[str, tuple[InputSpec, list[object], list[object]]] = {}
    came: dict[int, Decimal] = {}
    for one in own:
        advice = one.advice[outcome.advice]
        alternative = advice.alternatives[outcome.alternative]
        rewritten = _rewritten(advice, alternative, one, outcome)
        id_ = alternative.ruleset or one.key
        which = {key: of for key, of in rulesets.items() if id_ in (key, of.id)}
        lines, named, sums = _lines(which, id_, rewritten)
        titles |= {**one.titles, **named}
        came |= {int(one.at[position]): total for position, total in sums.items()}
        for target, source in ((now, one.lines), (then, lines)):
            for name, amount in source.items():
                target[name] = target.get(name, Decimal(0)) + amount
        for name in _told(advice, alternative, one.specs):
            before, after = (_cells(rows, name) for rows in (one.rows, rewritten))
            _, earlier, later = values.setdefault(name, (one.specs[name], [], []))
            earlier += before
            later += after
    told = [money(whole, advised.places) for whole in outcome.bills]
    assert [came[row] for row in advised.rows] == told, f"{outcome.alternative}: {came}, advised on {told}"
    lines_ = [LineChanged(name, title, now.get(name), then.get(name)) for name, title in titles.items()]
    changed = [_changed(name, *of) for name, of in values.items()]
    return Under(
        tuple(one for one in changed if one.now != one.then and one.then.low is not None),
        tuple(_of_one_title([one for one in lines_ if one.now or one.then])),
    )


def _of_one_title(lines: Sequence[LineChanged]) -> Iterable[LineChanged]:
    """Tell lines of one title as one, where one of them is on the bills now and another then."""
    for one in lines:
        same = [other for other in lines if other.title == one.title]
        apart = all(sum(getattr(other, side) is not None for other in same) <= 1 for side in ("now", "then"))
        if not apart or len(same) == 1:
            yield one
        elif one is same[0]:
            now, then = (
                next((of for other in same if (of := getattr(other, side)) is not None), None)
                for side in ("now", "then")
            )
            yield LineChanged(one.id, one.title, now, then)


def _rewritten(advice: Advice, alternative: Alternative, own: _Own, outcome: Outcome) -> Rows:
    made = rewrite(advice, alternative, own.compiled, own.rows, Plans(advice.rewrite)).rows
    best = alternative.best
    if best is None:
        return made
    assert outcome.best is not None, "what is billed at its best has a value"
    return with_columns(made, {best.input: Column(np.full(len(made), outcome.best), outcome.best_places)})


def _told(advice: Advice, alternative: Alternative, specs: Mapping[str, InputSpec]) -> list[str]:
    """Inputs that are numbers, or yes and no, and that the alternative sets; the best value is told by itself."""
    named = [change.input for one in stages(advice, alternative) for change in one.changes if not change.absent]
    best = "" if alternative.best is None else alternative.best.input
    return [one for one in dict.fromkeys(named) if one != best and one in specs and specs[one].type.kind in _TOLD]


def _cells(rows: Rows, name: str) -> list[object]:
    return values_of(rows.columns[name]) if name in rows.columns else [None] * len(rows)


def _changed(name: str, spec: InputSpec, before: Sequence[object], after: Sequence[object]) -> Changed:
    unit = str(spec.type.unit)
    added = unit in ADDED
    kind: Literal["sum", "span", "boolean"] = "sum" if added else "span"
    if spec.type.kind == "boolean":
        kind, default = "boolean", None if spec.default is None else bool(spec.default)
        before = [default if one is None else one for one in before]
    return Changed(name, spec.title or name, unit, kind, _span(before, added), _span(after, added))


def _span(values: Sequence[object], added: bool) -> Span:
    # What is true or false may come as a word of a table of texts.
    told = (str(one).lower() if isinstance(one, bool | str) else one for one in values if one is not None)
    numbers = [Decimal(_TRUTH.get(str(one), str(one))) for one in told]
    if not numbers:
        return Span(None, None)
    together = sum(numbers, Decimal(0))
    return Span(together, together) if added else Span(min(numbers), max(numbers))


def _lines(
    rulesets: Mapping[str, Compiled], id_: str, rows: Rows
) -> tuple[dict[str, Decimal], dict[str, str], dict[int, Decimal]]:
    """Bill rows by a rule set: sums and titles of lines, and the total of each row."""
    named = Column(np.zeros(len(rows), np.int64), codes=(id_,))
    done = dispatch(rulesets, replace(rows, ruleset=named), pass_through={*rows.columns, *rows.children})
    assert not done.refused, f"what was billed is billed again: {done.refused}"
    sums: dict[str, Decimal] = {}
    titles: dict[str, str] = {}
    of_rows: dict[int, Decimal] = {}
    for group in done.groups:
        for apart in group.apart():
            titles |= dict(line_ids(apart.compiled).values())
            for position, (total, lines, _) in totals(apart):
                of_rows[position] = total
                for name, amount in lines.items():
                    sums[name] = sums.get(name, Decimal(0)) + amount
    return sums, titles, of_rows
