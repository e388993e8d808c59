"""What an advice file has to say for itself, whichever rule set it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from engine.compiler.library import Library
from engine.language.advice_models import Advice, AlternativeRule
from engine.language.models import RuleSet
from engine.language.nodes import Text
from engine.language.problems import Problem, problem
from engine.language.reading import did_you_mean

MEANINGLESS: Final = (
    *("lists", "refuse", "energy", "charges", "warnings", "scores", "segments", "events", "triggers", "calendar"),
    *("minor_places", "currency"),
)
"""Keys of rule sets that say nothing of advice: it bills nobody, and its rows are the rule set's."""

NOW: Final = "now"  # what tests call the bills as they are


def document_problems(document: Advice) -> list[Problem]:
    """Tell what is wrong with an advice file without looking at a rule set."""
    found = []
    for key in MEANINGLESS:
        if key in document.model_fields_set:
            found.append(problem("advice-key", document.place_of(key), None, key=key))
    for name, rule in document.alternatives.items():
        if str(name) == NOW:
            found.append(problem("name-reserved", name.place, None, text=name))
        found += _alternative(name, rule)
        found += _first(document, name, rule)
    return found


def _alternative(name: Text, rule: AlternativeRule) -> Iterable[Problem]:
    if rule.kind == "plan" and rule.ruleset is None:
        yield problem("advice-plan", rule.place_of("kind"), None, name=name)
    if not (rule.set_ or rule.best or rule.first or rule.ruleset):
        yield problem("advice-changes-nothing", name.place, None, name=name)
    if rule.best is not None:
        twice = next((one for one in rule.set_ if str(one) == str(rule.best.input)), None)
        if twice is not None:
            yield problem("advice-best-and-set", rule.best.input.place, twice.place, name=rule.best.input)
        if rule.best.step.value <= 0:
            yield problem("advice-best-step", rule.best.step.place, None, step=rule.best.step.text)


def _first(document: Advice, name: Text, rule: AlternativeRule) -> Iterable[Problem]:
    """What comes first is an alternative of the file, in no circle, that only sets inputs of the row."""
    known = {str(one): other for one, other in document.alternatives.items()}
    for one in rule.first:
        other = known.get(str(one))
        if other is None:
            near = did_you_mean(str(one), known)
            yield problem("advice-first", one.place, None, name=one, known=", ".join(known), **near)
        elif other.ruleset is not None or other.best is not None:
            why = "ruleset" if other.ruleset is not None else "best"
            yield problem("advice-first-not-set", one.place, other.place_of(why), name=one, key=why)
    ring = _ring(known, str(name))
    if ring and str(name) == min(ring):  # told once, for the first of them by name
        yield problem("advice-first-circle", rule.place_of("first"), None, ring=" -> ".join([*ring, ring[0]]))


def _ring(known: Mapping[str, AlternativeRule], start: str) -> list[str]:
    """The alternatives through which one comes before itself; empty: none."""
    waiting = [[start]]
    while waiting:
        path = waiting.pop()
        for one in map(str, known[path[-1]].first):
            if one == start:
                return path
            if one in known and one not in path:
                waiting.append([*path, one])
    return []


def rulesets_of(document: Advice, library: Library, problems: list[Problem]) -> dict[str, RuleSet]:
    """The rule sets that an advice file is for, by their keys: those that it names, and those that follow a form."""
    found: dict[str, RuleSet] = {}
    for name in document.for_:
        wanted = str(name)
        named = {key: one for key, one in library.rulesets.items() if wanted in (str(one.ruleset), str(one.follows))}
        if not named and wanted not in library.forms:
            known = {str(one.ruleset) for one in library.rulesets.values()} | set(library.forms)
            unread = [library.unread.get((kind, wanted), ()) for kind in ("ruleset", "form")]
            told = [one for several in unread for one in several]
            problems += told or [problem("advice-for", name.place, None, name=name, **did_you_mean(wanted, known))]
        found |= named
    return dict(sorted(found.items()))
