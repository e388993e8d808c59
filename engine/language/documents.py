"""The kinds of rule file, by the key that says which kind it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.language.advice_models import Advice
from engine.language.models import Document, Form, Notice, RuleSet, Shared

DOCUMENTS: Final[Mapping[str, type[Document]]] = {
    "notice": Notice,
    "form": Form,
    "ruleset": RuleSet,
    "shared": Shared,
    "advice": Advice,
}
