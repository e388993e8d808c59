"""Whole bills from both interpreters equal the independent oracles, to the last digit, refusals included."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.billing import book, evaluated, referred, without_zeros
from tests.oracles.amounts import Bill, Lines, Refused
from tests.properties import modules, shipped
from tests.properties.case import Case, Row
from tests.properties.profile import batches, few, many

CASES = (*shipped.CASES, *(case for kinds in modules("kinds_") for case in kinds.CASES))
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.ruleset)


def _against_oracle(case: Case, rows: list[Row], billed: list[Lines | Refused]) -> list[Bill]:
    """Compare each row with the oracle, and return the oracle's bills.

    The engine names one reason of a refusal, the oracle all there are.
    """
    bills: list[Bill] = []
    for row, bill in zip(rows, billed, strict=True):
        vouched = case.oracle(row.given, row.period_from, row.period_to)
        if isinstance(vouched, Refused):
            assert isinstance(bill, Refused), (
                f"the engine bills what the oracle refuses for {set(vouched.codes)}: {row}"
            )
            assert bill.codes <= vouched.codes, str(row)
        else:
            assert not isinstance(bill, Refused), (
                f"the engine refuses what the oracle bills, for {set(bill.codes)}: {row}"
            )
            assert without_zeros(vouched) == without_zeros(bill), str(row)
            bills.append(vouched)
    return bills


@every_case
def test_bills_equal_the_oracle(case: Case) -> None:
    """Evaluator, reference and oracle agree on every line, the total and every refusal of every drawn row.

    Every line of the rule set comes up, in a bill that the oracle vouches for.
    """
    compiled = book()[case.ruleset]
    seen: set[str] = set()

    @many
    @given(batches(case))
    def property_(rows: list[Row]) -> None:
        by_columns, one_by_one = evaluated(compiled, rows), referred(compiled, rows)

        assert by_columns == one_by_one
        for vouched in _against_oracle(case, rows, by_columns):
            seen.update(line.partition("@")[0] for line in vouched)

    property_()

    assert {line.id for line in compiled.program.lines if line.money} | {"total"} == seen


@every_case
def test_lines_add_up_to_the_total(case: Case) -> None:
    """The total of a bill is the sum of its lines."""
    compiled = book()[case.ruleset]

    @few
    @given(batches(case))
    def property_(rows: list[Row]) -> None:
        for bill in evaluated(compiled, rows):
            if not isinstance(bill, Refused):
                lines = {line: amount for line, amount in bill.items() if line != "total"}

                assert bill["total"] == sum(lines.values(), Decimal(0))

    property_()


@every_case
def test_a_batch_is_its_rows_one_by_one(case: Case) -> None:
    """What stands beside a row does not change its bill, nor where a block of rows ends."""
    compiled = book()[case.ruleset]

    @few
    @given(batches(case), st.integers(1, 7))
    def property_(rows: list[Row], block_rows: int) -> None:
        together = evaluated(compiled, rows)

        assert together == [bill for row in rows for bill in evaluated(compiled, [row])]
        assert together == evaluated(compiled, rows, block_rows)

    property_()


@every_case
def test_permuting_rows_permutes_bills(case: Case) -> None:
    """The order of rows is the order of bills and changes none."""
    compiled = book()[case.ruleset]

    @few
    @given(batches(case).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(range(len(rows))))))
    def property_(drawn: tuple[list[Row], list[int]]) -> None:
        rows, order = drawn
        billed = evaluated(compiled, rows)

        assert [billed[at] for at in order] == evaluated(compiled, [rows[at] for at in order])

    property_()


def test_every_kind_has_a_case() -> None:
    """No rule set of tests/kinds goes without an oracle, and no case without a rule set.

    Shipped rule sets that have none are made of these kinds; what vouches for them are the tests in their files, and
    both interpreters are compared on each of them (`tests/evaluator/test_compare.py`).
    """
    cases = {case.ruleset for case in CASES}

    assert {name for name in book() if name.startswith("kinds.")} == {name for name in cases if "kinds." in name}
    assert cases <= book().keys()
