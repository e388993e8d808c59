"""Rule sets whose limits by quantile are not known yet: compiled with other limits in their place, to be measured.

A limit by quantile is a value of a notice. To make the first notice of a series the rule set has to be compiled without
it. So the documents are rewritten: each limit by quantile becomes a number, and a series without notices gets one that
holds nothing. What is measured does not depend on these numbers, unless a measure reads another score whose bands go by
quantile; `Measured.settled` tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from engine.compiler.compile import compile_ruleset
from engine.compiler.library import Library
from engine.compiler.profiles import limits_named_alike
from engine.compiler.program import Compiled, Program, Step
from engine.language.fields import Dated, DatedFigure, Priced, Printed, read
from engine.language.load import load_text
from engine.language.models import Notice, Rules, RuleSet
from engine.language.nodes import NOWHERE
from engine.language.problems import Problem
from engine.language.profile_models import ClassRule, IndicatorRule, PointsBand, ScoreRule, SegmentRule
from engine.quantities.limits import quantile_name
from engine.quantities.segment import banded_classes

Band = TypeVar("Band", PointsBand, ClassRule)
Limits = Mapping[tuple[str, str], Decimal]
"""(series, value of its notice) -> the limit."""

_BEGINNING = date(1900, 1, 1)  # of limits that stand in for those of a notice: before any bill


@dataclass(frozen=True, slots=True)
class Asked:
    """A number whose quantiles are limits.

    Attributes:
        owner: `score.indicator`, or a segment.
        series: of the notices that hold the limits.
        hole: name in `fills` of that series.
        quantiles: as written, each once, in the order of the bands.
    """

    owner: str
    title: str
    series: str
    hole: str
    quantiles: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the notice's values, one a quantile."""
        return tuple(quantile_name(self.owner, one) for one in self.quantiles)

    @property
    def measure(self) -> str:
        """Name of the number."""
        return f"{self.owner}.measure"

    @property
    def present(self) -> str:
        """Name of the boolean that it is there; not known: it always is."""
        return f"{self.owner}.present"


@dataclass(frozen=True, slots=True)
class Measured:
    """A rule set that measures what quantiles are asked of."""

    compiled: Compiled
    asked: tuple[Asked, ...]
    settled: bool  # no number that is measured depends on a limit by quantile


def asked_of(library: Library, ruleset: RuleSet) -> tuple[Asked, ...]:
    """Find the limits by quantile of a rule set, of its form and of the shared files that it uses."""
    found: dict[str, Asked] = {}
    series = {str(name): str(text) for name, text in ruleset.fills.items()}
    for layer in _layers(library, ruleset):
        for owner, title, source, bands in _banded(layer):
            quantiles = tuple(dict.fromkeys(one.text for band in bands if (one := _quantile(band)) is not None))
            if quantiles and source in series:
                found[owner] = Asked(owner, title, series[source], source, quantiles)
    return tuple(found.values())


def measuring(library: Library, ruleset: RuleSet, limits: Limits) -> tuple[Measured | None, list[Problem]]:
    """Compile a rule set with other limits in the place of those by quantile.

    Args:
        library: where its form and shared files are found; notices of its series need not be.
        ruleset: one with limits by quantile.
        limits: that are known; where one is not, the printed limit beside it, or zero.

    Returns:
        The rule set, and the problems that keep it from being compiled.
    """
    alike = limits_named_alike(pair for layer in _layers(library, ruleset) for pair in _models(layer))
    if alike:
        return None, alike
    asked = asked_of(library, ruleset)
    series = {str(name): str(text) for name, text in ruleset.fills.items()}
    rewritten = replace(
        library,
        notices={**library.notices, **{one.series: (_empty(one.series),) for one in asked}},
        forms={name: _rewritten(form, series, limits) for name, form in library.forms.items()},
        shared={name: _rewritten(shared, series, limits) for name, shared in library.shared.items()},
        hashes={**library.hashes, **{f"{one.series}.none": one.series for one in asked}},
        unread={key: problems for key, problems in library.unread.items() if key[0] != "series"},
    )
    compiled, problems = compile_ruleset(rewritten, _rewritten(ruleset, series, limits))
    if compiled is None:
        return None, problems
    return Measured(compiled, asked, _settled(compiled, asked)), problems


def _layers(library: Library, ruleset: RuleSet) -> Iterator[Rules]:
    waiting: list[Rules] = [ruleset]
    if ruleset.follows is not None and str(ruleset.follows) in library.forms:
        waiting.append(library.forms[str(ruleset.follows)])
    seen: set[str] = set()
    while waiting:
        layer = waiting.pop(0)
        yield layer
        for used in layer.uses:
            if str(used) in library.shared and str(used) not in seen:
                seen.add(str(used))
                waiting.append(library.shared[str(used)])


def _models(layer: Rules) -> Iterator[tuple[str, ScoreRule | SegmentRule]]:
    yield from ((str(name), one) for name, one in layer.scores.items())
    yield from ((str(name), one) for name, one in layer.segments.items())


def _banded(layer: Rules) -> Iterator[tuple[str, str, str, Sequence[PointsBand] | Sequence[ClassRule]]]:
    """Owner, title, name of the series' fill, and bands of all that has some."""
    for name, score in layer.scores.items():
        for key, rule in score.indicators.items():
            title = str(rule.title or score.title or "")
            yield f"{name}.{key}", title, str(rule.quantiles_from or ""), rule.bands or []
    for name, segment in layer.segments.items():
        yield str(name), str(segment.title or ""), str(segment.quantiles_from or ""), segment.classes


def _quantile(band: PointsBand | ClassRule) -> Printed | None:
    return band.up_to_quantile or band.below_quantile


L = TypeVar("L", bound=Rules)


def _rewritten(layer: L, series: Mapping[str, str], limits: Limits) -> L:
    """A document with a number in the place of each limit by quantile."""
    scores = {name: _score(str(name), score, series, limits) for name, score in layer.scores.items()}
    segments = {name: _segment(str(name), one, series, limits) for name, one in layer.segments.items()}
    return layer.model_copy(update={"scores": scores, "segments": segments})


def _score(name: str, score: ScoreRule, series: Mapping[str, str], limits: Limits) -> ScoreRule:
    indicators: dict[object, IndicatorRule] = {}
    for key, rule in score.indicators.items():
        bands = rule.bands
        if bands is not None and rule.quantiles_from is not None:
            bands = _bands(f"{name}.{key}", bands, series.get(str(rule.quantiles_from), ""), limits)
        indicators[key] = rule.model_copy(update={"bands": bands, "quantiles_from": None})
    return score.model_copy(update={"indicators": indicators})


def _segment(name: str, segment: SegmentRule, series: Mapping[str, str], limits: Limits) -> SegmentRule:
    classes = segment.classes
    if segment.quantiles_from is not None:
        banded = banded_classes(segment)
        found = iter(_bands(name, banded, series.get(str(segment.quantiles_from), ""), limits))
        classes = [next(found) if one in banded else one for one in classes]
    return segment.model_copy(update={"classes": classes, "quantiles_from": None})


def _bands(owner: str, bands: Sequence[Band], series: str, limits: Limits) -> list[Band]:
    """Bands with numbers for limits; one that is not known is the limit beside it, so that limits do not fall."""
    known: list[Priced | None] = []
    for band in bands:
        quantile = _quantile(band)
        if quantile is None:
            known.append(band.up_to if band.up_to is not None else band.below)
        else:
            found_before = limits.get((series, quantile_name(owner, quantile.text)))
            known.append(None if found_before is None else _dated(found_before))
    before: Priced | None = next((one for one in known if one is not None), None)
    found = []
    for band, own in zip(bands, known, strict=True):
        before = own if own is not None else before
        if _quantile(band) is None:
            found.append(band)
            continue
        key = "up_to" if band.up_to_quantile is not None else "below"
        # Printed limits have to rise; of figures with days no more is asked than that they do not fall.
        limit = _dated(before.value) if isinstance(before, Printed) else before or _dated(Decimal(0))
        found.append(band.model_copy(update={key: limit, "up_to_quantile": None, "below_quantile": None}))
    return found


def _dated(value: Decimal) -> Dated:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    printed = Printed(f"{value:f}", value, max(-exponent, 0), NOWHERE)
    return Dated.model_construct(dated=[DatedFigure.model_construct(from_=_BEGINNING, printed=printed)])


def _empty(series: str) -> Notice:
    head = f"notice: {series}.none\nseries: {series}\nsource: {{standing: example}}\n"
    text = f"{head}in_force: {{from: {_BEGINNING}, until_replaced: true}}\n"
    return read(Notice, load_text(text, f"{series}.none"))


def _settled(compiled: Compiled, asked: Sequence[Asked]) -> bool:
    """Whether what is measured, and which rows are refused, is the same for all limits by quantile."""
    program = compiled.program
    owners = "|".join(re.escape(one.owner) for one in asked)
    limit = re.compile(rf"(^|[(, ])({owners})\.[0-9]+\.limit\b")  # or folded into another constant
    slots = {at for at, slot in enumerate(compiled.constants.slots) if limit.search(slot.path)}
    if not _tried(compiled, asked):
        return False
    of_limits = _above(program, lambda step: step.primitive == "constant" and step.slot in slots)
    of_rows = _above(program, lambda step: step.primitive in ("input", "given"))
    roots = {program.names[name] for one in asked for name in (one.measure, one.present) if name in program.names}
    # Whether limits fall is asked too, of no row: those that stand in do not.
    roots |= {at for at, step in enumerate(program.steps) if step.primitive == "require" and at in of_rows}
    return roots.isdisjoint(of_limits)


def _tried(compiled: Compiled, asked: Sequence[Asked]) -> bool:
    """Whether rows are compared with each limit: a band that no row can be in is left out by the compiler."""
    program, slots = compiled.program, compiled.constants.slots
    for one in asked:
        paths = {slot.path for slot in slots if re.fullmatch(rf"{re.escape(one.owner)}\.[0-9]+\.limit", slot.path)}
        if len(paths) < len(one.quantiles):
            return False
        for path in paths:
            own = re.compile(rf"(^|[(, ]){re.escape(path)}\b")
            of_path = {
                at
                for at, step in enumerate(program.steps)
                if step.primitive == "constant" and own.search(slots[step.slot].path)
            }
            if not any(
                step.primitive != "constant" and not of_path.isdisjoint(step.operands) for step in program.steps
            ):
                return False
    return True


def _above(program: Program, starts: Callable[[Step], bool]) -> frozenset[int]:
    """Certain steps, and all that read them."""
    found: set[int] = set()
    for at, step in enumerate(program.steps):
        if starts(step) or not found.isdisjoint(step.operands):
            found.add(at)
    return frozenset(found)
