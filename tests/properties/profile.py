"""How many batches a property sees. `HYPOTHESIS_PROFILE=thorough` sees twenty times as many as CI."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.properties.case import Case, Row

_TIMES = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1

# Batches are drawn large, since one call of the evaluator bills them all; the health checks count values, not calls. A
# failure names its row, so that nothing need be shrunk: shrinking a batch takes minutes.
_AS_DRAWN = settings(
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

many = settings(_AS_DRAWN, max_examples=24 * _TIMES)
few = settings(_AS_DRAWN, max_examples=8 * _TIMES)


def batches(case: Case) -> SearchStrategy[list[Row]]:
    """Draw the rows of one batch."""
    return st.lists(case.rows, min_size=6, max_size=20)
