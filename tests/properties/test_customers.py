"""Scores and classes of customers from both interpreters equal the independent oracles, refusals included."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.compiler.program import Compiled
from tests.billing import ROOT, book, evaluated, referred, with_quantities
from tests.oracles import portfolio_2025
from tests.oracles.amounts import Refused
from tests.oracles.scores import Answer
from tests.properties.case import Row
from tests.properties.customers import PROFILES, Profile
from tests.properties.profile import many

every_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)


def _compiled(profile: Profile) -> Compiled:
    """The rule set with a line for each score, for the points of its indicators, and for each segment."""
    compiled = book()[profile.ruleset]
    program = compiled.program
    points = [indicator.points for score in program.scores for indicator in score.indicators]
    scores, segments = [one.id for one in program.scores], [one.id for one in program.segments]
    return with_quantities(compiled, [*scores, *segments, *points, *profile.quantities])


def _answers(compiled: Compiled, rows: list[Row]) -> list[Answer | Refused]:
    """Score rows by columns and one by one, which agree, and name the classes."""
    by_columns, one_by_one = evaluated(compiled, rows), referred(compiled, rows)
    assert by_columns == one_by_one
    classes = {one.id: tuple(each.id for each in one.classes) for one in compiled.program.segments}
    return [
        one
        if isinstance(one, Refused)
        else {name: classes[name][int(value)] if name in classes else value for name, value in one.items()}
        for one in by_columns
    ]


@every_profile
def test_scores_equal_the_oracle(profile: Profile) -> None:
    """Evaluator, reference and oracle agree on every score, the points that the oracle names, and every class.

    Every class comes up, in a row that the oracle vouches for.
    """
    compiled = _compiled(profile)
    seen: set[tuple[str, str]] = set()

    @many
    @given(st.lists(profile.rows, min_size=6, max_size=20))
    def property_(rows: list[Row]) -> None:
        for row, answer in zip(rows, _answers(compiled, rows), strict=True):
            vouched = profile.oracle(row.given, row.period_from, row.period_to)
            if isinstance(vouched, Refused):
                assert isinstance(answer, Refused), f"scored, where the oracle refuses: {row}"
                assert answer.codes <= vouched.codes, str(row)
                continue
            assert not isinstance(answer, Refused), f"refused for {answer.codes}, where the oracle scores: {row}"
            assert vouched == {name: answer[name] for name in vouched}, str(row)
            seen.update((name, value) for name, value in vouched.items() if isinstance(value, str))

    property_()

    declared = {(one.id, each.id) for one in compiled.program.segments for each in one.classes}
    assert declared == seen


def test_every_profile_has_an_oracle() -> None:
    """No shipped profile goes without one."""
    shipped = {compiled.id for compiled in book().values() if compiled.id.startswith("cn.national.profiles.")}

    assert shipped == {profile.ruleset for profile in PROFILES}


def test_limits_by_quantile_are_those_of_the_portfolio() -> None:
    """Each limit of the example notice is the nearest rank of its measure in the seeded portfolio."""
    measures = {"consumption_ability_monthly_cny": "monthly_cny"}  # the others are kWh a month and person
    notice = ROOT / "rules" / "cn" / "national" / "profiles" / "portfolio_2025.notice.yaml"
    values = yaml.safe_load(notice.read_text(encoding="utf-8"))["values"]

    limits = {}
    for name in values:
        measure, share = name.split("_q0_")
        limits[name] = portfolio_2025.limit(measures.get(measure, "kwh_per_person"), f"0.{share}")

    assert limits == {name: Decimal(str(value["printed"])) for name, value in values.items()}
    assert len(limits) == 9
