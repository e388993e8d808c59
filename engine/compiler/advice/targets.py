"""The rule set that bills a rewritten row: which inputs it has, and whether a row can give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.compiler.program import ROW, InputSpec, Type
from engine.language.advice_models import AlternativeRule
from engine.language.nodes import Text
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean


@dataclass(frozen=True, slots=True)
class Offer:
    """One version of a rule set that rewritten rows are billed by."""

    inputs: tuple[InputSpec, ...]
    currency: str
    id: str


@dataclass(frozen=True, slots=True)
class Target:
    """A rule set that bills rewritten rows, with its versions."""

    id: str
    versions: Sequence[Offer]

    def input(self, name: Text) -> InputSpec:
        """The input of that name, as every version declares it; of a row, not of a list.

        Raises:
            ProblemsFound: no version has it, or they differ in what values it takes.
        """
        found = [spec for one in self.versions for spec in one.inputs if spec.name == str(name)]
        if not found:
            known = dict.fromkeys(spec.name for one in self.versions for spec in one.inputs if spec.type.axis == ROW)
            near = did_you_mean(str(name), known)
            told = {"name": name, "ruleset": self.id, "known": ", ".join(known) or "-"}
            raise ProblemsFound([problem("advice-input", name.place, None, **told, **near)])
        first = found[0]
        other = next((spec for spec in found if not alike(spec.type, first.type)), None)
        if other is not None:
            raise ProblemsFound([problem("advice-versions", name.place, other.place, name=name, ruleset=self.id)])
        return first


def alike(one: Type, other: Type) -> bool:
    """Whether a value of one is a value of the other, but for bounds."""
    return (one.kind, one.unit, one.places, one.codes) == (other.kind, other.unit, other.places, other.codes)


def plan_problems(
    name: str, rule: AlternativeRule, currency: str, own: Sequence[InputSpec], versions: Sequence[Offer]
) -> list[Problem]:
    """What keeps every row from being billed by another rule set: inputs that it lacks or takes otherwise.

    Args:
        name: of the alternative.
        rule: as written.
        currency: of the row's rule set.
        own: inputs of the row, those of the advice among them.
        versions: of the other rule set.
    """
    assert rule.ruleset is not None
    place = rule.ruleset.place
    row = {spec.name: spec for spec in own}
    given = {str(one) for one in rule.set_} | ({str(rule.best.input)} if rule.best is not None else set())
    found: dict[tuple[str, str], Problem] = {}
    for version in versions:
        if version.currency != currency:
            told = {"ruleset": version.id, "currency": version.currency, "own": currency}
            found.setdefault(("advice-currency", ""), problem("advice-currency", place, None, **told))
        for spec in version.inputs:
            if spec.type.axis != ROW or spec.name in given:
                continue
            told = {"name": spec.name, "ruleset": version.id, "alternative": name}
            if spec.name not in row:
                if not spec.optional and spec.default is None:
                    one = problem("advice-lacks", place, spec.place, **told)
                    found.setdefault(("advice-lacks", spec.name), one)
            elif not _fits(row[spec.name].type, spec.type):
                one = problem("advice-carried", place, spec.place, **told)
                found.setdefault(("advice-carried", spec.name), one)
    return list(found.values())


def _fits(one: Type, other: Type) -> bool:
    """Whether a row's value may be one that the other rule set takes."""
    if one.kind == other.kind == "code":
        return bool(set(one.codes) & set(other.codes))
    return (one.kind, one.unit) == (other.kind, other.unit)
