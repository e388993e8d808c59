"""Scores and segments of a rule set as descriptions: which named steps hold what, and what a reader is told of them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from engine.compiler.assemble import Assembled
from engine.compiler.profile import Band, Indicator, Score, Segment, SegmentClass
from engine.language.expressions import written
from engine.language.fields import Source
from engine.language.problems import Place, Problem, problem
from engine.language.profile_models import ClassRule, IndicatorRule, Limit, PointsBand, ScoreRule, SegmentRule
from engine.quantities.limits import quantile_name
from engine.quantities.segment import banded_classes


def profiled(assembled: Assembled) -> bool:
    """Whether a rule set scores customers or puts them into segments: it needs no charges then."""
    return any(isinstance(model, ScoreRule | SegmentRule) for model, _ in assembled.measured.values())


def scores(assembled: Assembled) -> tuple[Score, ...]:
    """Describe the scores, in the order of their documents."""
    return tuple(
        _score(name, model, assembled.quantity_sources[name])
        for name, (model, _) in assembled.measured.items()
        if isinstance(model, ScoreRule)
    )


def segments(assembled: Assembled) -> tuple[Segment, ...]:
    """Describe the segments, in the order of their documents."""
    return tuple(
        _segment(name, model, assembled.quantity_sources[name])
        for name, (model, _) in assembled.measured.items()
        if isinstance(model, SegmentRule)
    )


def limits_named_alike(models: Iterable[tuple[str, object]]) -> list[Problem]:
    """Limits by quantile of two owners that would be one value of a notice, as of `use.of_gas` and `use_of.gas`."""
    problems = []
    known: dict[tuple[str, str], tuple[str, Place]] = {}
    for owner, quantiles_from, bands in _banded(models):
        for band in bands:
            quantile = band.up_to_quantile or band.below_quantile
            if quantile is None:
                continue
            name = quantile_name(owner, quantile.text)
            first, place = known.setdefault((quantiles_from, name), (owner, quantile.place))
            if first != owner:
                problems.append(problem("name-twice", quantile.place, place, name=name))
    return problems


def _banded(models: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str, Sequence[Limit]]]:
    """Owner, name of the series' fill, and bands, of scores and segments by name."""
    for name, model in models:
        if isinstance(model, ScoreRule):
            for key, rule in model.indicators.items():
                yield f"{name}.{key}", str(rule.quantiles_from or ""), rule.bands or []
        elif isinstance(model, SegmentRule):
            yield name, str(model.quantiles_from or ""), model.classes


def paths(one: Score | Segment, constants: Container[str]) -> Iterator[str]:
    """Names that an explanation reads, besides those of definitions; a limit that is a constant is found among them."""
    bands = one.bands if isinstance(one, Segment) else [band for each in one.indicators for band in each.bands]
    if isinstance(one, Score):
        yield from (each.weight for each in one.indicators)
    yield from (band.limit for band in bands if band.limit and band.limit not in constants)


def _score(name: str, model: ScoreRule, source: Source | None) -> Score:
    found = tuple(_indicator(name, str(key), rule) for key, rule in model.indicators.items())
    return Score(name, str(model.title or ""), found, model.place, *_label(source))


def _indicator(score: str, name: str, rule: IndicatorRule) -> Indicator:
    full = f"{score}.{name}"
    return Indicator(
        id=name,
        title=str(rule.title or ""),
        measure=f"{full}.measure" if rule.choice is None else str(rule.choice),
        points=f"{full}.points",
        weight=f"{full}.weight",
        present="" if rule.missing is None else f"{full}.present",
        missing="" if rule.missing is None else getattr(rule.missing, "text", str(rule.missing)),
        place=rule.place,
        source="" if rule.source is None else rule.source.label,
        bands=_bands(full, rule.quantiles_from, rule.bands or []),
    )


def _segment(name: str, model: SegmentRule, source: Source | None) -> Segment:
    classes = tuple(
        SegmentClass(
            str(one.is_),
            str(one.title or ""),
            tuple(str(text) for text in one.services or []),
            one.place,
            "" if one.when is None else written(one.when),
        )
        for one in model.classes
    )
    measure = "" if model.by is None else f"{name}.measure"
    bands = _bands(name, model.quantiles_from, banded_classes(model)) if measure else ()
    return Segment(name, str(model.title or ""), classes, measure, model.place, *_label(source), bands)


def _bands(owner: str, quantiles_from: object, bands: list[PointsBand] | list[ClassRule]) -> tuple[Band, ...]:
    """Describe bands, each with the path of its limit."""
    found = []
    for k, band in enumerate(bands, 1):
        quantile = band.up_to_quantile or band.below_quantile
        limit = "" if k == len(bands) else f"{owner}.{k}.limit"
        if quantile is not None:
            limit = f"{quantiles_from}.{quantile_name(owner, quantile.text)}"
        holds = band.up_to is not None or band.up_to_quantile is not None
        title = str(band.title or "") if isinstance(band, PointsBand) else ""
        found.append(Band(limit, holds, "" if quantile is None else quantile.text, title))
    return tuple(found)


def _label(source: Source | None) -> tuple[str, str]:
    return ("", "") if source is None else (source.label, source.standing)
