"""Tests of an advice file: rows of one customer, and what each alternative is expected to cost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from engine.calendars.billing_period import read_billing_period
from engine.compiler.advice.document import NOW
from engine.compiler.advising import Advice, AdviceCase
from engine.compiler.given import given_value
from engine.language import advice_models as models
from engine.language.nodes import Text
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean

FIELDS: Final = ("saving", "best", "cost")  # of an alternative, besides what it costs over all rows


def attached(
    document: models.Advice, made: Sequence[Advice], rulesets: Collection[str], problems: list[Problem]
) -> list[Advice]:
    """Give each test to the first advice of the rule set that it names.

    Args:
        document: the advice file.
        made: its advice, by rule set.
        rulesets: ids of all rule sets that the file is for; of those not compiled, tests are left out.
        problems: to which what is wrong with a test is added.
    """
    found = list(made)
    for test in document.tests:
        if str(test.ruleset) not in rulesets:
            near, known = did_you_mean(str(test.ruleset), rulesets), ", ".join(sorted(rulesets)) or "-"
            told = {"what": "rule set", "what_zh": "规则集", "name": test.ruleset, "known": known, **near}
            problems.append(problem("advice-test-name", test.ruleset.place, None, **told))
            continue
        at = next((at for at, one in enumerate(found) if one.rewrite.id == str(test.ruleset)), None)
        if at is None:
            continue
        try:
            case = _case(test, found[at])
        except ProblemsFound as bad:
            problems += bad.problems
            continue
        found[at] = replace(found[at], tests=(*found[at].tests, case))
    return found


def _case(test: models.AdviceTest, advice: Advice) -> AdviceCase:
    problems: list[Problem] = []
    inputs = {spec.name for spec in advice.rewrite.program.inputs if "." not in spec.name}
    inputs |= {axis.name for axis in advice.rewrite.program.axes}
    rows = []
    for row in test.rows:
        problems += [one for name in row.given for one in _unknown("input", "输入", name, str(name), inputs)]
        try:
            first, end = read_billing_period(row.billing_period)
            rows.append((first, end, {str(name): given_value(name, node) for name, node in row.given.items()}))
        except ProblemsFound as bad:
            problems += bad.problems
    for path in test.expect:
        name, dot, what = str(path).partition(".")
        if str(path) != NOW:
            problems += _unknown("alternative", "办法", path, name, advice.alternatives)
        if dot and (what not in FIELDS or name == NOW):
            problems += _unknown("figure", "项目", path, what, FIELDS)
    for path in test.not_lawful:
        problems += _unknown("alternative", "办法", path, str(path), advice.alternatives)
    if problems:
        raise ProblemsFound(problems)
    return AdviceCase(
        str(test.name),
        str(test.ruleset),
        tuple(rows),
        {str(path): number.text for path, number in test.expect.items()},
        tuple(map(str, test.not_lawful)),
        {"who": str(test.vouched_by.who), "from": str(test.vouched_by.from_)},
        test.place,
    )


def _unknown(what: str, what_zh: str, at: Text, name: str, known: Collection[str]) -> list[Problem]:
    if name in known:
        return []
    told = {"what": what, "what_zh": what_zh, "name": name, "known": ", ".join(sorted(known)) or "-"}
    return [problem("advice-test-name", at.place, None, **told, **did_you_mean(name, known))]
