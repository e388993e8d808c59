"""Rows whose billing period crosses a change: parts in the reference, and the door that cuts them.

Expected shares and amounts are worked out by hand in the comments beside them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars.days import day_number
from engine.compiler.program import Refusal, Step, Type, Version
from engine.evaluator.reference import Bill, Unsound
from engine.evaluator.row_door import Admitted, Fault, admit_row, divided
from engine.evaluator.rows import RowProblem
from tests.alone import alike
from tests.evaluator.lists import LIST, LOAD, load, on, split_rules, transformers, with_lists
from tests.evaluator.programs import JANUARY, literal


def bill(kwh: object, rules: Any = None, **period: Any) -> Bill:
    billed = alike(split_rules() if rules is None else rules, {"kwh": kwh}, **(period or JANUARY))
    assert isinstance(billed, Bill), billed
    return billed


def admitted(row: dict[str, object], rules: Any = None, **period: Any) -> Admitted:
    found = admit_row(split_rules() if rules is None else rules, row, **(period or JANUARY))
    assert isinstance(found, Admitted), found
    return found


# dividing


@pytest.mark.parametrize(
    ("value", "places", "days", "expected"),
    [
        ("100", 0, [10, 21], ["32", "68"]),  # 100 x 10 / 31 = 32.26
        ("100.00", 2, [10, 21], ["32.26", "67.74"]),  # 32.2580
        ("-100", 0, [10, 21], ["-32", "-68"]),
        ("1", 0, [15, 15], ["1", "0"]),  # 0.5 goes away from zero
        ("-1", 0, [15, 15], ["-1", "0"]),
        ("3", 0, [5] * 6, ["1", "1", "1", "0", "0", "0"]),  # 0.5 each, but never more than what is left
        ("-3", 0, [5] * 6, ["-1", "-1", "-1", "0", "0", "0"]),
        ("0", 2, [1, 2], ["0.00", "0.00"]),
        ("12.5", 1, [31], ["12.5"]),
    ],
)
def test_shares_by_days(value: str, places: int, days: list[int], expected: list[str]) -> None:
    assert expected == [str(share) for share in divided(Decimal(value), places, days)]


@given(st.integers(-(10**12), 10**12), st.integers(0, 4), st.lists(st.integers(1, 400), min_size=1, max_size=8))
def test_shares_add_up_and_have_the_sign_of_the_whole(whole: int, places: int, days: list[int]) -> None:
    value = Decimal(whole).scaleb(-places)

    shares = divided(value, places, days)

    assert value == sum(shares)
    assert all(share * whole >= 0 for share in shares)
    assert len(days) == len(shares)


# the door


def test_a_row_is_cut_at_every_change_inside() -> None:
    """January of 2025 is cut at the 11th and the 21st; a change on the first or the last day cuts nothing."""
    days = [date(2025, 1, 1), date(2025, 1, 11), date(2025, 1, 21), date(2025, 2, 1)]
    found = admitted({"kwh": 31}, split_rules(days=days))

    assert [(part.first, part.end, part.version) for part in found.parts] == [
        (day_number(date(2025, 1, 1)), day_number(date(2025, 1, 11)), 1),
        (day_number(date(2025, 1, 11)), day_number(date(2025, 1, 21)), 2),
        (day_number(date(2025, 1, 21)), day_number(date(2025, 2, 1)), 3),
    ]
    # 31 x 10 / 31 = 10, twice; 11 are left
    assert [part.inputs["kwh"] for part in found.parts] == [10, 10, 11]


def test_what_the_door_supplies_to_each_part() -> None:
    first, last = admitted({"kwh": 100}).parts
    days = {name: day_number(date(2025, *day)) for name, day in {"from": (1, 1), "cut": (1, 11), "to": (2, 1)}.items()}

    for part in (first, last):
        assert [part.inputs[name] for name in ("bill_from", "bill_to", "parts", "kwh@bill")] == [
            days["from"],
            days["to"],
            2,
            100,
        ]
    assert [first.inputs[name] for name in ("part", "period_from", "period_to", "day")] == [
        1,
        days["from"],
        days["cut"],
        days["from"],
    ]
    assert [last.inputs[name] for name in ("part", "period_from", "period_to", "day")] == [
        2,
        days["cut"],
        days["to"],
        days["cut"],
    ]


def test_a_row_that_crosses_nothing_is_one_part() -> None:
    found = admitted({"kwh": 100}, period_from="2025-02-01", period_to="2025-03-01")

    assert len(found.parts) == 1
    part = found.parts[0]
    assert [part.inputs[name] for name in ("part", "parts", "kwh", "kwh@bill")] == [1, 1, 100, 100]


def test_an_input_that_is_not_divided_is_given_to_each_part() -> None:
    rules = split_rules()
    program = rules.program
    rules = replace(rules, program=replace(program, inputs=(replace(program.inputs[0], split=False),)))

    assert [part.inputs["kwh"] for part in admitted({"kwh": 50}, rules).parts] == [50, 50]


def test_a_change_is_refused_or_billed_whole_where_the_rules_say_so() -> None:
    refused = admit_row(split_rules(changes="refuse"), {"kwh": 100}, **JANUARY)
    whole = admitted({"kwh": 100}, split_rules(changes="whole"))

    assert isinstance(refused, Fault)
    assert (refused.code, refused.parameters["day"]) == ("period-crosses-change", "2025-01-11")
    assert [[part.version, part.inputs["kwh"]] for part in whole.parts] == [[0, 100]]


def test_a_part_without_a_price_refuses_the_row_and_says_its_day() -> None:
    rules = split_rules()
    old, new = rules.constants.versions
    missing = Version(new.first_day, new.end_day, (Refusal("no-price-in-force", "prices"),))
    rules = replace(rules, constants=replace(rules.constants, versions=(old, missing)))

    found = admit_row(rules, {"kwh": "x"}, **JANUARY)

    assert isinstance(found, Fault)
    assert (found.code, found.field, found.value) == ("no-price-in-force", "prices", "2025-01-11")


def test_a_row_of_too_many_parts_is_refused() -> None:
    """A change a day: 31 parts in January, of 24 at most."""
    days = [date(2025, 1, day) for day in range(1, 32)]

    found = admit_row(split_rules(days=days), {"kwh": 1}, **JANUARY)

    assert isinstance(found, Fault)
    assert (found.code, found.parameters["found"], found.parameters["at_most"]) == ("too-many-parts", "31", "24")


# lists in parts


def _with_lists(cut: date) -> Any:
    rules = with_lists([literal(0)], transformers(), load())
    days = (day_number(cut),)
    return replace(rules, changes="split", change_days=days)


def test_an_interval_list_is_cut_by_the_clock_and_others_are_copied() -> None:
    """29 to 31 March 2025, cut on the 31st: 24 and 23 hours, then 24."""
    curve = [str(at) for at in range(71)]
    row: dict[str, object] = {LOAD: curve, LIST: [{"kva": 315}]}

    found = admitted(row, _with_lists(date(2025, 3, 31)), period_from="2025-03-29", period_to="2025-04-01")

    first, last = (part.lists[LOAD] for part in found.parts)
    assert (first.count, last.count) == (47, 24)
    assert [first.values[f"{LOAD}.kwh"][at] for at in (0, -1)] == [0, 46]
    assert [last.values[f"{LOAD}.kwh"][at] for at in (0, -1)] == [47, 70]
    assert [part.before[LOAD] for part in found.parts] == [0, 47]
    assert [list(part.lists[LIST].values[f"{LIST}.kva"]) for part in found.parts] == [[315], [315]]


def test_the_item_of_a_refusal_is_counted_from_the_start_of_the_row() -> None:
    """The third interval of 31 March is the 50th of the row, and begins at 2:00."""
    kwh = load()[1][0].type
    steps = [
        literal(0),
        Step("input", (), kwh, name=f"{LOAD}.kwh"),
        Step("literal", (), Type(places=1, low=50, high=50), value=50),
        Step("less_equal", (1, 2), on(LOAD, Type("boolean", high=1))),
        Step("all_items", (3,), Type("boolean", high=1)),
        Step("require", (4,), Type("boolean", high=1), refusal=0),
    ]
    told = Refusal("refused-by-rule", f"{LOAD}.kwh", "{item_time}", ((f"{LOAD}.kwh", 1),), None, (LOAD, 3))
    rules = replace(
        with_lists(steps, load(), refusals=[told]), changes="split", change_days=(day_number(date(2025, 3, 31)),)
    )
    curve = ["1.0"] * 49 + ["9.9"] + ["1.0"] * 21

    problem = alike(rules, {LOAD: curve}, period_from="2025-03-29", period_to="2025-04-01")

    assert isinstance(problem, RowProblem)
    assert (problem.parameters["item"], problem.reason, problem.value) == ("50", "2025-03-31 02:00", "9.9")


# bills


def test_a_bill_of_two_parts() -> None:
    """80 kWh over 31 days: 80 x 10 / 31 = 25.8 -> 26 kWh at 0.50 and 54 kWh at 0.60; 30 kWh beyond 50 at 0.10."""
    found = bill(80)

    assert [(line.id, line.part, str(line.amount)) for line in found.lines] == [
        ("energy", "1", "13.00"),
        ("beyond", "1", "0.00"),
        ("energy", "2", "32.40"),
        ("once", "2", "1.00"),
        ("beyond", "2", "3.00"),
    ]
    assert (Decimal("49.40"), {"energy": Decimal("49.40")}) == (found.total, found.ledgers)
    assert [(str(line.part_from), str(line.part_to)) for line in found.lines if line.id == "energy"] == [
        ("2025-01-01", "2025-01-11"),
        ("2025-01-11", "2025-02-01"),
    ]
    assert [found.line("energy", "2").price, found.inputs["kwh"]] == [Decimal("0.6000"), 80]
    assert [[part.version, part.values[27]] for part in found.parts] == [[0, 80], [1, 80]]  # the sum over all parts


def test_a_bill_of_one_part_names_none() -> None:
    """60 kWh at 0.60 and 10 kWh beyond 50 at 0.10, once 1.00."""
    found = bill(60, period_from="2025-02-01", period_to="2025-03-01")

    assert [(line.id, line.part, str(line.amount)) for line in found.lines] == [
        ("energy", "", "36.00"),
        ("once", "", "1.00"),
        ("beyond", "", "1.00"),
    ]


def test_a_period_in_two_bills_the_same_energy() -> None:
    """Two rows that end and begin at the change, with the kWh of the parts, bill the energy of one row."""
    one = bill(80)
    rows = [
        bill(26, period_from="2025-01-01", period_to="2025-01-11"),
        bill(54, period_from="2025-01-11", period_to="2025-02-01"),
    ]

    assert sum(line.amount for line in one.lines if line.id == "energy") == sum(
        row.line("energy").amount for row in rows
    )


def test_the_first_part_that_is_refused_says_why() -> None:
    """No part may have more than 60 kWh: of 100 the second has 68; of 200 the first has 65 (64.5)."""

    def refused(kwh: int) -> str:
        problem = alike(split_rules(), {"kwh": kwh}, **JANUARY)
        assert isinstance(problem, RowProblem)
        return problem.value

    assert ["68", "65"] == [refused(100), refused(200)]


def test_a_warning_is_that_of_the_whole_bill() -> None:
    assert [] == [warning.message for warning in bill(80).warnings]
    even = split_rules(days=[date(2025, 1, 16)])  # 95 x 15 / 31 = 45.97 -> 46, and 49
    assert ["95 kWh"] == [warning.message for warning in bill(95, even).warnings]


@pytest.mark.parametrize(("groups", "expected"), [((1, 1), ["0", "26"]), ((1, 2), ["0", "0"])])
def test_earlier_parts_of_an_equal_group(groups: tuple[int, int], expected: list[str]) -> None:
    """The group is a constant: 1 in the first version, and 1 or 2 in the second."""
    rules = split_rules()
    at = len(rules.program.steps)
    group = Type(low=1, high=2)
    steps = (
        *rules.program.steps,
        Step("constant", (), group, slot=1),
        Step("earlier_parts", (0, at), Type(low=0, high=24_000)),
    )
    constants = rules.constants
    of = [replace(constants.figures[0][0][0], value=number) for number in groups if constants.figures[0][0][0]]
    figures = tuple((*version, (figure,)) for version, figure in zip(constants.figures, of, strict=True))
    slots = (*constants.slots, replace(constants.slots[0], path="group", type=group))
    rules = replace(
        rules,
        program=replace(rules.program, steps=steps),
        constants=replace(constants, slots=slots, figures=figures),
    )

    found = bill(80, rules)

    assert expected == [str(part.values[at + 1]) for part in found.parts]


def test_what_no_part_may_read_spoils_the_sums_over_parts() -> None:
    """A claim that fails in the second part: whoever reads the sum over all parts reads it in the first part too."""
    rules = split_rules()
    at = len(rules.program.steps)
    narrow = Type("number", rules.program.steps[0].type.unit, 0, 0, 40)
    steps = (
        *rules.program.steps,
        Step("claim", (0,), narrow),  # 54 in the second part
        Step("all_parts", (at,), Type(low=0, high=24_000)),
        Step("earlier_parts", (at, 10), Type(low=0, high=24_000)),
    )
    rules = replace(rules, program=replace(rules.program, steps=steps))

    def run(ledger: int) -> Decimal:
        program = replace(rules.program, ledgers=(("x", ledger),))
        return bill(80, replace(rules, program=program)).ledgers["x"]

    assert Decimal(26) == run(at + 2)  # the second part reads the first alone
    with pytest.raises(Unsound, match="no branch"):
        run(at + 1)
