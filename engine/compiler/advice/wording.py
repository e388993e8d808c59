"""Words of an advice file as the compiled advice holds them."""

from __future__ import annotations

from engine.compiler.advising import Condition
from engine.language.advice_models import ConditionRule
from engine.language.fields import Source


def label(source: Source | None) -> tuple[str, str]:
    """What a source is called, and how far it can be trusted."""
    return ("", "") if source is None else (source.label, source.standing)


def condition(rule: ConditionRule) -> Condition:
    """What a customer has to do or to accept."""
    return Condition(str(rule.text), *label(rule.source))
