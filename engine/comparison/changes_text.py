"""Changes between two rate books as text for a person, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from engine.comparison.change import Change, from_text, through_text
from engine.comparison.problems import Language

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "parameter": ("number", "数值"),
    "rule": ("rule", "规则"),
    "ruleset-added": ("new rule set", "新增规则集"),
    "ruleset-removed": ("rule set gone", "取消规则集"),
    "in-force": ("days in force", "有效期"),
    "reaches": ("reaches: ", "影响："),
    "warnings alone": ("warnings alone, no bill", "只影响预警，不影响账单"),
    "rows": ("whether rows are billed", "能否出账"),
    "later": ("later bills of the account follow", "同户以后的账单随之变化"),
    "beneath": (
        "the formula stays; what it reads, its rounding or its ledger is another",
        "公式不变；所读的量、取整或账目不同",
    ),
    "none": ("No bill can differ.", "没有会使账单不同的变化。"),
}


def changes_text(changes: Sequence[Change], language: Language = "en") -> str:
    """A block a change: its name and days, what stood there and stands there, what it reaches, where it is written."""
    if not changes:
        return _say("none", language)
    return "\n\n".join("\n  ".join(_block(one, language)) for one in changes)


def _block(change: Change, language: Language) -> list[str]:
    days = ", ".join(_days(first, end) for first, end in change.days)
    lines = [f"{change.id}  [{_say(change.kind, language)}]  {days}"]
    if change.before and change.before == change.after:
        lines.append(f"{change.before}  ({_say('beneath', language)})")
    elif change.before or change.after:
        lines.append(f"{change.before or '-'} -> {change.after or '-'}")
    reached = [", ".join(change.charges)] if change.charges else []
    if not change.bills:
        reached = [_say("warnings alone", language)]
    elif not change.charges and not change.carries:
        reached = [_say("rows", language)]
    if change.carries:
        reached.append(_say("later", language))
    lines.append(_say("reaches", language) + "; ".join(reached))
    places = [place for place in (change.place_before, change.place_after) if place]
    if places:
        lines.append(" -> ".join(dict.fromkeys(places)))
    sources = list(dict.fromkeys(one for one in (change.source_before, change.source_after) if one))
    if sources:
        lines.append(" -> ".join(sources))
    return lines


def _days(first: int, end: int) -> str:
    return f"{from_text(first) or ''} .. {through_text(end) or ''}".strip()


def _say(word: str, language: Language) -> str:
    return _WORDS[word][language == "zh"]
