"""Write scores and classes for people: a table of indicators for each score, and why a class is the row's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from engine.evaluator.explain_items import aligned
from engine.evaluator.explain_profile import (
    BandShown,
    IndicatorExplained,
    LimitShown,
    ScoreExplained,
    SegmentExplained,
)
from engine.language.problems import Language
from engine.language.profile_models import LEFT_OUT

_ENGLISH: Final[Mapping[str, str]] = {
    "scores": "Scores",
    "classes": "Classes",
    "indicator": "indicator",
    "title": "title",
    "value": "value",
    "band": "band",
    "points": "points",
    "weight": "weight",
    "product": "weight × points",
    "rule": "rule",
    "absent": "not given",
    "left out": "left out",
    "sum": "sum",
    "divided": "divided by the weights of those given",
    "rounded": "rounded",
    "quantile": "quantile",
    "source": "source",
    "when": "condition",
    "last": "none of the others",
    "services": "services",
    "official": "official",
    "copy": "copy",
    "recalled": "recalled",
    "derived": "derived",
    "benchmark": "benchmark",
    "example": "example",
}

_CHINESE: Final[Mapping[str, str]] = {
    "scores": "评分",
    "classes": "分群",
    "indicator": "指标",
    "title": "名称",
    "value": "数值",
    "band": "档",
    "points": "分数",
    "weight": "权重",
    "product": "权重 × 分数",
    "rule": "规则",
    "absent": "缺失",
    "left out": "不计",
    "sum": "加权和",
    "divided": "除以已有指标的权重之和",
    "rounded": "取舍后",
    "quantile": "分位数",
    "source": "依据",
    "when": "条件",
    "last": "其余各类均不符合",
    "services": "服务",
    "official": "正式文件",
    "copy": "转载",
    "recalled": "凭记忆",
    "derived": "推算",
    "benchmark": "基准测试",
    "example": "示例",
}

_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {"en": _ENGLISH, "zh": _CHINESE}


def profile_blocks(
    scores: Sequence[ScoreExplained], segments: Sequence[SegmentExplained], language: Language
) -> list[list[str]]:
    """Write scores and classes as blocks of lines; none where there are none."""
    words = _WORDS[language]
    blocks: list[list[str]] = []
    if scores:
        blocks.append([words["scores"]])
        blocks += [_score(one, words) for one in scores]
    if segments:
        blocks.append([words["classes"]])
        blocks += [_segment(one, words) for one in segments]
    return blocks


def _score(one: ScoreExplained, words: Mapping[str, str]) -> list[str]:
    keys = ("indicator", "title", "value", "band", "points", "weight", "product", "rule")
    rows = [["    " + words["indicator"], *(words[key] for key in keys[1:])]]
    rows += [_indicator(each, words) for each in one.indicators]
    pairs = [(words["sum"], one.sum)]
    if one.weights:
        pairs.append((words["divided"], one.weights))
    pairs.append((words["rounded"], one.value))
    for each in one.indicators:
        for limit in () if each.band is None else (each.band.lower, each.band.upper):
            if limit is not None and limit.quantile:
                pairs.append((f"{words['quantile']} {limit.quantile}", _quantile(limit, words)))
    pairs.append((words["rule"], "" if one.place is None else str(one.place)))
    pairs.append((words["source"], _sourced(one.source, one.standing, words)))
    head = f"  {one.id}  {one.title}".rstrip() + f": {one.value}"
    return [head, *aligned(rows, right=(4, 5, 6)), *_pairs(pairs)]


def _indicator(each: IndicatorExplained, words: Mapping[str, str]) -> list[str]:
    if each.absence:
        value, band = words["absent"], words["left out"] if each.absence == LEFT_OUT else ""
    else:
        value = f"{each.value} {each.unit}".rstrip()
        band = each.code_title if each.band is None else band_text(each.band)
    points = "" if each.absence == LEFT_OUT else each.points.value
    rule = "  ".join(text for text in ("" if each.place is None else str(each.place), each.source) if text)
    return [f"    {each.id}", each.title, value, band, points, each.weight.value, each.product, rule]


def band_text(band: BandShown) -> str:
    """Write a band: which of how many it is, and between which limits.

    >>> band_text(BandShown(2, 3, LimitShown("60", False), LimitShown("85", True)))
    '2/3: 60 ≤ x ≤ 85'
    """
    lower = "" if band.lower is None else f"{band.lower.value} {'<' if band.lower.holds else '≤'} "
    upper = "" if band.upper is None else f" {'≤' if band.upper.holds else '<'} {band.upper.value}"
    return f"{band.number}/{band.count}: {lower}x{upper}" + (f"  {band.title}" if band.title else "")


def _quantile(limit: LimitShown, words: Mapping[str, str]) -> str:
    place = "" if limit.place is None else str(limit.place)
    said = (f"{limit.path} = {limit.value}", _sourced(limit.source, limit.standing, words), place)
    return "  ".join(text for text in said if text)


def _segment(one: SegmentExplained, words: Mapping[str, str]) -> list[str]:
    pairs = []
    if one.measure:
        pairs.append((words["value"], f"{one.measure} {one.unit}".rstrip()))
    if one.band is not None:
        pairs.append((words["band"], band_text(one.band)))
        pairs += [
            (f"{words['quantile']} {limit.quantile}", _quantile(limit, words))
            for limit in (one.band.lower, one.band.upper)
            if limit is not None and limit.quantile
        ]
    elif one.when:
        pairs.append((words["when"], one.when))
    else:
        pairs.append((words["when"], words["absent"] if one.by_measure else words["last"]))
    pairs.append((words["services"], "、".join(one.services)))
    pairs.append((words["rule"], "" if one.place is None else str(one.place)))
    pairs.append((words["source"], _sourced(one.source, one.standing, words)))
    head = f"  {one.id}  {one.title}".rstrip() + f": {one.class_}  {one.class_title}".rstrip()
    return [head, *_pairs(pairs)]


def _sourced(source: str, standing: str, words: Mapping[str, str]) -> str:
    known = words.get(standing, standing)
    return f"{source} ({known})" if source and known else source or known


def _pairs(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return aligned([["    " + heading, text] for heading, text in pairs if text])
