"""One advice file for one rule set: its alternatives, and the program that says what each sets.

    assemble   rule set, advice    -> one namespace        (engine.compiler.assemble)
    resolve    namespace           -> a scope              (engine.compiler.lower)
    infer      alternatives        -> named steps          (here; engine.compiler.infer)
    plan       steps               -> the program          (engine.compiler.plan)

The program has the rule set's inputs, all of them, and those of the advice; it has no lines and no refusals. It bills
nobody, so that charges, warnings and checks of rows are left out, and a billing period is never cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.calendars.days import END_DAY
from engine.calendars.read import read_calendar
from engine.compiler.advice.making import Making
from engine.compiler.advice.targets import Offer as Offer
from engine.compiler.advice.wording import label
from engine.compiler.advising import Advice
from engine.compiler.assemble import Assembled, assemble
from engine.compiler.checks import run_check
from engine.compiler.library import Library
from engine.compiler.lower import resolve
from engine.compiler.plan import Planned
from engine.compiler.program import Compiled
from engine.language import advice_models as models
from engine.language.models import Input, RuleSet
from engine.language.problems import Problem, ProblemsFound

ABSENT = "absent"
PRESENT = ".present"  # behind a step's name: that of the boolean that it can be computed


def compile_advice(
    library: Library, document: models.Advice, key: str, ruleset: RuleSet, offers: Mapping[str, Sequence[Offer]]
) -> tuple[Advice | None, list[Problem]]:
    """Compile an advice file for one rule set.

    Args:
        library: where forms, shared files and notices are found.
        document: the advice file.
        key: of the rule set in its rate book.
        ruleset: which one.
        offers: the rule sets that alternatives name, by id.

    Returns:
        The advice, without its tests, and what is wrong with it. None without a problem: the two are never in force
        together.
    """
    assembled, problems = assemble(library, ruleset, document)
    calendar = None
    if assembled.calendar is not None:
        try:
            calendar = read_calendar(assembled.calendar)
        except ProblemsFound as found:
            problems += found.problems
    for check in assembled.checks:
        if check.place.file == document.place.file:
            problems += run_check(check, assembled.tables, assembled.constants, assembled.broken)
    if problems or assembled.days[0] >= assembled.days[1]:
        return None, problems
    resolved, problems = resolve(_plain(assembled, document), calendar)
    if problems:
        return None, problems
    making = Making(document, key, assembled, resolved, offers)
    alternatives = {}
    for name, rule in document.alternatives.items():
        made = making.alternative(str(name), rule)
        if made is not None:
            alternatives[str(name)] = made
    if making.problems:
        return None, making.problems
    planned, problems = making.planned()
    if problems:
        return None, problems
    source, standing = label(document.source)
    whole = Advice(
        id=str(document.advice),
        title=str(document.title or ""),
        key=key,
        alternatives=alternatives,
        inputs=tuple(rule.spec for name, rule in resolved.scope.inputs.items() if name in making.own),
        rewrite=_rewrite(library, document, assembled, planned),
        source=source,
        standing=standing,
        place=document.place,
    )
    return whole, []


def _plain(assembled: Assembled, document: models.Advice) -> Assembled:
    """The rule set with what bills, refuses or warns left out, its inputs as a row gives them."""
    own = {str(name) for name in document.inputs}
    return replace(
        assembled,
        ruleset=assembled.ruleset.model_copy(update={"changes": "whole"}),
        inputs={name: _input(given, name in own) for name, given in assembled.inputs.items()},
        charges={},
        warnings={},
        refuse={},
        energy=None,
    )


def _input(given: Input, of_advice: bool) -> Input:
    """An input of a row that is not cut; one that only advice reads is asked of nobody."""
    asked = {"optional": True, "needed_when": None, "ignored_when": None} if of_advice and given.default is None else {}
    return given.model_copy(update={"split": None, "carried": None, **asked})


def _rewrite(library: Library, document: models.Advice, assembled: Assembled, planned: Planned) -> Compiled:
    """The program as a rule set without charges has it; its id is the rule set's, so that rows find it."""
    ruleset = assembled.ruleset
    files = tuple(sorted(assembled.files))
    hashes = "".join(sorted(library.hashes.get(file) or _hash(file) for file in files))
    source, standing = label(document.source)
    first, end = assembled.days
    return Compiled(
        id=str(ruleset.ruleset),
        title=str(document.title or ""),
        place_code=str(ruleset.ruleset).rpartition(".")[0],
        customer_class=str(ruleset.class_ or ""),
        currency=str(ruleset.currency),
        minor_places=ruleset.minor_places,
        version_by=ruleset.version_by,
        first_day=first,
        end_day=None if end == END_DAY else end,
        program=planned.program,
        constants=planned.constants,
        change_days=planned.change_days,
        tests=(),
        source=source,
        standing=standing,
        files=files,
        content_hash=hashlib.sha256(hashes.encode()).hexdigest()[:16],
        place=document.place,
        changes="whole",
    )


def _hash(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
