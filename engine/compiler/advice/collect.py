"""The advice of a library: each file for each rule set that was compiled, and the rule sets of plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.compiler.advice.cases import attached
from engine.compiler.advice.compile import Offer, compile_advice
from engine.compiler.advice.document import document_problems, rulesets_of
from engine.compiler.advising import Advice
from engine.compiler.library import Library
from engine.compiler.program import Compiled
from engine.language import advice_models as models
from engine.language.models import RuleSet
from engine.language.nodes import Text
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean

Compile = Callable[[Library, RuleSet], tuple[Compiled | None, list[Problem]]]


class Advising:
    """Collects advice, file by file.

    Attributes:
        advice: key of a rule set -> its advice, by the advice's id.
        plans: rule sets of plans that were not asked for, by their keys.
        files: those that were read with a rule set.
    """

    def __init__(self, library: Library, compiled: Mapping[str, Compiled], compile_ruleset: Compile) -> None:
        """Begin.

        Args:
            library: the documents.
            compiled: the rule sets that were asked for and have no problem, by their keys.
            compile_ruleset: compiles another one of the library.
        """
        self.library = library
        self.compiled = compiled
        self.compile_ruleset = compile_ruleset
        self.advice: dict[str, tuple[Advice, ...]] = {}
        self.plans: dict[str, Compiled] = {}
        self.files: set[str] = set()
        self._offers: dict[str, Sequence[Offer]] = {}

    def collect(self) -> list[Problem]:
        """Compile all advice for the rule sets at hand; gives what is wrong with it."""
        problems: list[Problem] = []
        for _, document in sorted(self.library.advice.items()):
            asked = document.place.file in self.library.asked
            named: list[Problem] = []
            rulesets = rulesets_of(document, self.library, named)
            here = [key for key in rulesets if key in self.compiled]
            if not here and not asked:
                continue
            found = [*named, *document_problems(document)]
            if not found:
                found = self._add(document, rulesets, here)
            problems += [one for one in found if one not in problems]
        self.advice = dict(sorted(self.advice.items()))
        self.plans = dict(sorted(self.plans.items()))
        return problems

    def _add(self, document: models.Advice, rulesets: Mapping[str, RuleSet], here: Sequence[str]) -> list[Problem]:
        try:
            offers = self._targets(document)
        except ProblemsFound as found:
            return list(found.problems)
        problems: list[Problem] = []
        made: list[Advice] = []
        # an advice file that is asked for without its rule sets is checked with the first of them
        for key in here or list(rulesets)[:1]:
            one, more = compile_advice(self.library, document, key, rulesets[key], offers)
            told = {(other.code, other.place) for other in problems}
            problems += [other for other in more if (other.code, other.place) not in told]
            if one is not None and key in self.compiled:
                made.append(one)
        made = attached(document, made, {str(one.ruleset) for one in rulesets.values()}, problems)
        for one in made if not problems else ():
            self.advice[one.key] = (*self.advice.get(one.key, ()), one)
            self.files |= set(one.rewrite.files)
        return problems

    def _targets(self, document: models.Advice) -> Mapping[str, Sequence[Offer]]:
        """The rule sets that alternatives name, with their versions."""
        found: dict[str, Sequence[Offer]] = {}
        problems: list[Problem] = []
        for rule in document.alternatives.values():
            if rule.ruleset is not None and str(rule.ruleset) not in found:
                try:
                    found[str(rule.ruleset)] = self._offer(rule.ruleset)
                except ProblemsFound as bad:
                    problems += bad.problems
        if problems:
            raise ProblemsFound(problems)
        return found

    def _offer(self, name: Text) -> Sequence[Offer]:
        """The versions of a rule set that rewritten rows are billed by."""
        wanted = str(name)
        if wanted in self._offers:
            return self._offers[wanted]
        versions = {key: one for key, one in self.library.rulesets.items() if str(one.ruleset) == wanted}
        if not versions:
            near = did_you_mean(wanted, {str(one.ruleset) for one in self.library.rulesets.values()})
            unread = self.library.unread.get(("ruleset", wanted))
            raise ProblemsFound(unread or [problem("advice-ruleset", name.place, None, name=name, **near)])
        found: list[Compiled] = []
        for key, ruleset in versions.items():
            one = self.compiled.get(key)
            if one is None:
                one, problems = self.compile_ruleset(self.library, ruleset)
                if one is None:
                    # without a problem of its own it watches and bills nobody
                    raise ProblemsFound(problems or [problem("advice-bills-nobody", name.place, None, name=name)])
                self.plans[key] = one
            found.append(one)
        self._offers[wanted] = [Offer(one.program.inputs, one.currency, one.id) for one in found]
        return self._offers[wanted]
