"""What counts by thirtieths of months, where a bill is cut: the parts of a month have thirty together."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compiler.program import Compiled
from tests.compiler.small import HEAD, NOT_PRICED, billed, compiled, row
from tests.oracles.capacity_in_service import thirtieths_billed
from tests.properties.case import Row
from tests.properties.profile import many

D = Decimal
TURN = "dated: [{from: 2000-01-01, printed: 30}, {from: 2001-03-16, printed: 30.0}, {from: 2001-03-31, printed: 30.00}]"


def test_a_transformer_loses_a_month_in_a_month(tmp_path: Path) -> None:
    """300 kWh a month, March cut at the 11th and the 21st: 10/30, 10/30, and of 11 days the 10/30 that are left."""
    price = (
        "{dated: [{from: 2024-01-01, printed: 1}, {from: 2024-03-11, printed: 1.0}, {from: 2024-03-21, printed: 1.00}]}"
    )
    text = HEAD + "changes: split\nquantities:\n"
    text += "  loss: {kind: transformer_loss, method: fixed, fixed: {active: 300}, round: {places: 0}}\n"
    text += "energy: {total: loss.active, priced_by: [loss_charge]}\n"
    text += f"charges:\n  loss_charge: {{quantity: loss.active, price: {price}}}\n"

    (lines,) = billed(compiled(tmp_path, text), [row()])

    assert not isinstance(lines, str)
    assert [lines[f"loss_charge@{n}"] for n in (1, 2, 3)] == [D(100), D(100), D(100)]


def test_the_31st_by_itself_adds_nothing_to_a_full_month(tmp_path: Path) -> None:
    """90 kWh a month; March until the 30th is 30/30 already, so that the part of one day loses 0."""
    price = "{dated: [{from: 2024-01-01, printed: 1}, {from: 2024-03-31, printed: 1.0}]}"
    text = HEAD + "changes: split\nquantities:\n"
    text += "  loss: {kind: transformer_loss, method: fixed, fixed: {active: 90}, round: {places: 0}}\n"
    text += "energy: {total: loss.active, priced_by: [loss_charge]}\n"
    text += f"charges:\n  loss_charge: {{quantity: loss.active, price: {price}}}\n"

    (lines,) = billed(compiled(tmp_path, text), [row()])

    assert not isinstance(lines, str)
    assert [lines[f"loss_charge@{n}"] for n in (1, 2)] == [D(90), D(0)]


CAPACITY = """\
ruleset: cn.test.small
source: {standing: example}
in_force: {from: 2000-01-01, until_replaced: true}
version_by: period_from
changes: split
lists:
  transformers:
    at_most: 10
    inputs:
      kva: {unit: kVA, places: 0, from: 1, to: 100000}
  suspensions:
    at_most: 10
    inputs:
      kva: {unit: kVA, places: 0, from: 1, to: 100000}
      sealed: {type: date}
      unsealed: {type: date}
quantities:
  billed:
    kind: capacity_in_service
    installed: {kva: transformers.kva}
    suspended:
      kva: suspensions.kva
      from: suspensions.sealed
      to: suspensions.unsealed
      include_start: true
      include_end: false
      at_least: 15
    counts: COUNTS
    round: {places: 0}
values:
  price: {unit: CNY/kVA/month, TURN}
charges:
  basic: {kind: formula, amount: "divide(billed.thirtieths * price, 30, 2, half_up)"}
"""


@pytest.fixture(scope="module", params=["active_days", "inactive_days"])
def capacity(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Compiled, str]:
    """A price that is printed anew on 16 and 31 March 2001, and does not change."""
    text = (CAPACITY + NOT_PRICED).replace("COUNTS", request.param).replace("TURN", TURN)
    return compiled(tmp_path_factory.mktemp("capacity"), text), request.param


@many
@given(data=st.data())
def test_the_parts_come_to_the_bill_that_is_not_cut(capacity: tuple[Compiled, str], data: st.DataObject) -> None:
    """The oracle counts the days of the whole period and knows of no parts; a yuan a kVA and day is exact."""
    of, counts = capacity
    first = date(2001, 2, 1).toordinal() + data.draw(st.integers(0, 50))
    period = date.fromordinal(first), date.fromordinal(first + data.draw(st.integers(1, 70)))
    sealed = period[0].toordinal() + data.draw(st.integers(-40, 70))
    stay = D(400), date.fromordinal(sealed), date.fromordinal(sealed + data.draw(st.integers(0, 90)))

    (lines,) = billed(
        of,
        [
            Row(
                {
                    "transformers": [{"kva": D(1000)}],
                    "suspensions": [{"kva": stay[0], "sealed": stay[1], "unsealed": stay[2]}],
                },
                *period,
            )
        ],
    )

    expected = thirtieths_billed([(D(1000), date(2000, 1, 1), date(2099, 1, 1))], [stay], period, counts, D(0))
    assert not isinstance(lines, str)
    assert expected == lines["total"]
