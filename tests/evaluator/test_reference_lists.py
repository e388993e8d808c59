"""Lists in the reference: every primitive over items on hand examples, bounds of each item, refusals of an item.

Expected values are worked out by hand in the comments beside them.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.compiler.program import BOOLEAN, ELEMENTWISE_NOT, PRIMITIVES, Refusal, Rounding, Step, Type
from engine.evaluator import decimals
from engine.evaluator.compare import plain
from engine.evaluator.interpretation import Value
from engine.evaluator.reference import Bill, Ran, Unsound
from engine.evaluator.rows import RowProblem
from tests.alone import Alike, alike
from tests.evaluator.builder import START
from tests.evaluator.list_programs import Drawn, drawn_batch, drawn_programs, parts_of, worked
from tests.evaluator.lists import LIST, LOAD, load, on, transformers, with_lists
from tests.evaluator.programs import JANUARY, WIDE, literal

ITEMS = on(LIST, WIDE)
KVA = Step("input", (), transformers()[1][0].type, name=f"{LIST}.kva")
DAY: dict[str, Any] = {"period_from": "2025-01-01", "period_to": "2025-01-02"}


def of_items(*kva: object) -> dict[str, object]:
    return {LIST: [{"kva": one} for one in kva]}


def value_of(steps: list[Step], row: dict[str, object], **more: Any) -> Value:
    """Give the last step's value of a row with transformers."""
    billed = alike(with_lists([literal(0), *steps], transformers(), **more), row, **JANUARY)
    assert isinstance(billed, Bill), billed
    return billed.parts[0].values[-1]


def numbers(*texts: str | int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


# from items to the row


@pytest.mark.parametrize(
    ("primitive", "kva", "expected"),
    [
        ("sum_items", (315, 1000, 50), 1365),
        ("sum_items", (), 0),
        ("largest_item", (315, 1000, 50), 1000),
        ("largest_item", (), 7),
        ("smallest_item", (315, 1000, 50), 50),
        ("smallest_item", (), 7),
        ("first_item", (315, 1000, 50), 315),
        ("first_item", (), 7),
        ("last_item", (315, 1000, 50), 50),
        ("last_item", (), 7),
    ],
)
def test_items_come_to_one_value(primitive: str, kva: tuple[int, ...], expected: int) -> None:
    otherwise = () if primitive == "sum_items" else (2,)

    found = value_of([KVA, literal(7), Step(primitive, (1, *otherwise), WIDE)], of_items(*kva))

    assert Decimal(expected) == found


@pytest.mark.parametrize(("kva", "expected"), [((400, 315), 1), ((400, 314), 0), ((), 1)])
def test_a_condition_on_all_items(kva: tuple[int, ...], expected: int) -> None:
    small = Step("less_equal", (2, 1), on(LIST, BOOLEAN))  # 315 is not more than kva

    assert Decimal(expected) == value_of([KVA, literal(315), small, Step("all_items", (3,), BOOLEAN)], of_items(*kva))


# from the row to items, and along them


def test_a_value_of_the_row_goes_to_each_item() -> None:
    assert numbers(7, 7) == value_of([literal(7), Step("spread", (1,), ITEMS)], of_items(1, 2))
    assert () == value_of([literal(7), Step("spread", (1,), ITEMS)], of_items())


def test_sums_along_a_list() -> None:
    assert numbers(3, 7, 12) == value_of([KVA, Step("running_sum", (1,), ITEMS)], of_items(3, 4, 5))
    assert () == value_of([KVA, Step("running_sum", (1,), ITEMS)], of_items())


def test_the_item_before() -> None:
    spread = [literal(9), Step("spread", (2,), ITEMS)]

    assert numbers(9, 3, 4) == value_of([KVA, *spread, Step("previous_item", (1, 3), ITEMS)], of_items(3, 4, 5))
    assert numbers(9, 3, 4) == value_of([KVA, spread[0], Step("previous_item", (1, 2), ITEMS)], of_items(3, 4, 5))
    assert () == value_of([KVA, *spread, Step("previous_item", (1, 3), ITEMS)], of_items())


# item by item


@pytest.mark.parametrize(
    ("primitive", "expected"),
    [
        ("add", ("5", "8")),
        ("subtract", ("1", "4")),
        ("multiply", ("6", "12")),
        ("minimum", ("2", "2")),
        ("maximum", ("3", "6")),
        ("less", ("0", "0")),
        ("less_equal", ("0", "0")),
        ("equal", ("0", "0")),
    ],
)
def test_two_operands_meet_item_by_item(primitive: str, expected: tuple[str, ...]) -> None:
    """The second operand is a literal of the row, or the same spread over the items."""
    apart = [KVA, literal(2), Step(primitive, (1, 2), ITEMS)]
    together = [KVA, literal(2), Step("spread", (2,), ITEMS), Step(primitive, (1, 3), ITEMS)]

    assert numbers(*expected) == value_of(apart, of_items(3, 6)) == value_of(together, of_items(3, 6))


def test_roundings_round_each_item() -> None:
    # 3 x 0.35 = 1.05 -> 1.1; 5 x 0.35 = 1.75 -> 1.8; 7 / 2 = 3.5 -> 4 half up, 4 half even; 5 / 2 = 2.5 -> 3, 2
    product = Step("multiply_round", (1, 2), replace(ITEMS, places=1))

    assert numbers("1.1", "1.8") == value_of([KVA, literal(35, 2), product], of_items(3, 5))
    for mode, expected in ((Rounding.HALF_UP, (4, 3)), (Rounding.HALF_EVEN, (4, 2))):
        quotient = Step("divide", (1, 2), ITEMS, mode=mode)
        assert numbers(*expected) == value_of([KVA, literal(2), quotient], of_items(7, 5))


def test_each_item_takes_its_own_branch() -> None:
    spare = Step("input", (), on(LIST, BOOLEAN), name=f"{LIST}.spare")
    chosen = Step("select", (2, 3, 1), ITEMS)
    row: dict[str, object] = {LIST: [{"kva": 100, "spare": True}, {"kva": 200}]}

    assert numbers(0, 200) == value_of([KVA, spare, literal(0), chosen], row)


def test_given_is_asked_of_each_item_and_of_the_list() -> None:
    item = Step("given", (), on(LIST, BOOLEAN), name=f"{LIST}.from_day")
    row: dict[str, object] = {LIST: [{"kva": 1, "from_day": "2025-01-05"}, {"kva": 2}]}

    assert numbers(1, 0) == value_of([item], row)
    assert Decimal(1) == value_of([Step("given", (), BOOLEAN, name=LIST)], row)


def test_a_cell_is_found_for_each_item() -> None:
    """0.5 at a, x; 6 at b, x; 7 at b, y; the cell at a, y is absent and reads as the least, 0.5."""
    index = Step("index", (1, 2), on(LIST, Type(high=3)), strides=(2, 1), offsets=(0, 0))
    cell = Step("cell", (3,), on(LIST, Type(places=1, low=5, high=70)), slot=0)

    assert numbers("0.5", "6") == value_of([KVA, literal(0), index, cell], of_items(0, 1))
    assert numbers("0.5", "7") == value_of([KVA, literal(1), index, cell], of_items(0, 1))


def test_elementwise_primitives_have_items_on_a_list() -> None:
    """Whatever is not named otherwise is applied to each item: sources too."""
    literal_on = Step("literal", (), ITEMS, value=5)

    assert numbers(5, 5, 5) == value_of([literal_on], of_items(1, 2, 3))
    assert ELEMENTWISE_NOT < PRIMITIVES.keys()


# the clock


def timeline(**period: Any) -> Value:
    step = Step("timeline", (), on(LOAD, Type(low=-1, high=1)), slot=1)
    days = period or DAY
    hours = {"2025-03-30": 23, "2025-10-26": 25}.get(days["period_from"], 24)
    rules = with_lists([literal(0), step], load())
    billed = alike(rules, {LOAD: {"kwh": [1] * hours}}, **days)
    assert isinstance(billed, Bill), billed
    return billed.parts[0].values[-1]


def test_each_interval_has_its_period() -> None:
    # valley to 8, peak to 22, valley to 24
    assert numbers(*[0] * 8, *[1] * 14, *[0] * 2) == timeline()


def test_days_of_23_and_25_hours() -> None:
    # the hour that is skipped, and the one that comes twice, are of the valley
    assert numbers(*[0] * 7, *[1] * 14, *[0] * 2) == timeline(period_from="2025-03-30", period_to="2025-03-31")
    assert numbers(*[0] * 9, *[1] * 14, *[0] * 2) == timeline(period_from="2025-10-26", period_to="2025-10-27")


def test_a_day_of_unknown_type_reads_minus_one() -> None:
    assert numbers(*[-1] * 24) == timeline(period_from="2025-12-25", period_to="2025-12-26")


def test_a_list_that_is_not_given_has_no_intervals() -> None:
    step = Step("timeline", (), on(LOAD, Type(low=-1, high=1)), slot=1)
    billed = alike(with_lists([literal(0), step], load(optional=True)), {}, **DAY)

    assert isinstance(billed, Bill)
    assert () == billed.parts[0].values[-1]
    assert not billed.given[LOAD]


# refusals


def refused(row: dict[str, object], refusal: Refusal, steps: list[Step], *lists: Any, **period: Any) -> RowProblem:
    rules = with_lists([literal(0), *steps], *(lists or (transformers(),)), refusals=[refusal])
    problem = alike(rules, row, **(period or JANUARY))
    assert isinstance(problem, RowProblem), problem
    return problem


def test_the_first_item_that_fails_is_named() -> None:
    """50 kVA and 30 kVA are below 100: the second item is the first that fails."""
    steps = [
        KVA,
        literal(100),
        Step("less_equal", (2, 1), on(LIST, BOOLEAN)),
        Step("all_items", (3,), BOOLEAN),
        Step("require", (4,), BOOLEAN, refusal=0),
    ]
    told = Refusal(
        "refused-by-rule",
        f"{LIST}.kva",
        "{transformers.kva} kVA in item {item}",
        ((f"{LIST}.kva", 1),),
        None,
        (LIST, 3),
    )

    problem = refused(of_items(315, 50, 30), told, steps)

    assert (problem.code, problem.field, problem.value) == ("refused-by-rule", f"{LIST}.kva", "50")
    assert problem.reason == "50 kVA in item 2"
    assert (problem.parameters["item"], problem.parameters["axis"]) == ("2", LIST)
    assert "item_time" not in problem.parameters


def test_an_interval_that_fails_has_its_local_time() -> None:
    """On the day of 23 hours the third interval begins at 3:00."""
    kwh = load()[1][0].type
    steps = [
        Step("input", (), kwh, name=f"{LOAD}.kwh"),
        Step("literal", (), Type(places=1, low=50, high=50), value=50),
        Step("less_equal", (1, 2), on(LOAD, BOOLEAN)),
        Step("all_items", (3,), BOOLEAN),
        Step("require", (4,), BOOLEAN, refusal=0),
    ]
    told = Refusal("refused-by-rule", f"{LOAD}.kwh", "{item_time}", ((f"{LOAD}.kwh", 1),), None, (LOAD, 3))
    curve = ["1.0", "5.0", "5.1", *["1.0"] * 20]

    problem = refused({LOAD: curve}, told, steps, load(), period_from="2025-03-30", period_to="2025-03-31")

    assert problem.reason == "2025-03-30 03:00"
    assert (problem.parameters["item"], problem.value) == ("3", "5.1")


# what is proven, and where it need not hold


def test_bounds_are_asserted_of_each_item() -> None:
    narrow = Step("multiply", (1, 2), replace(ITEMS, low=0, high=100))

    assert numbers(100, 40) == value_of([KVA, literal(2), narrow], of_items(50, 20))
    with pytest.raises(Unsound, match="outside"):
        value_of([KVA, literal(2), narrow], of_items(50, 51))


def _claimed(*rest: Step) -> list[Step]:
    """kVA less 100, claimed not to be negative; then more steps from 5 on, which may read a condition in 4."""
    below = Step("subtract", (1, 2), replace(ITEMS, low=-100, high=5000))
    claim = Step("claim", (3,), replace(ITEMS, low=0, high=5000))
    holds = Step("less_equal", (2, 1), on(LIST, BOOLEAN))
    return [KVA, literal(100), below, claim, holds, *rest]


def _total_of(steps: list[Step], *kva: int) -> Decimal:
    rules = with_lists([literal(0), *steps], transformers())
    rules = replace(rules, program=replace(rules.program, total=len(steps)))
    billed = alike(rules, of_items(*kva), **JANUARY)
    assert isinstance(billed, Bill)
    return billed.total


def test_an_item_may_fail_its_claim_in_a_branch_that_it_does_not_take() -> None:
    # 200 - 100 = 100 and 50 -> 0; 100 in all
    chosen = Step("select", (5, 4, 6), replace(ITEMS, low=0, high=5000))
    steps = _claimed(literal(0), chosen, Step("sum_items", (7,), WIDE))

    assert Decimal(100) == _total_of(steps, 200, 50)


def test_a_sum_over_an_item_that_fails_its_claim_is_a_fault() -> None:
    with pytest.raises(Unsound, match="no branch"):
        _total_of(_claimed(Step("sum_items", (4,), WIDE)), 200, 50)


@pytest.mark.parametrize(
    ("primitive", "kva"),
    [("first_item", (200, 50)), ("last_item", (50, 200)), ("sum_items", (200, 100)), ("sum_items", ())],
)
def test_only_items_that_are_read_must_be_sound(primitive: str, kva: tuple[int, ...]) -> None:
    otherwise = () if primitive == "sum_items" else (6,)

    assert _total_of(_claimed(literal(7), Step(primitive, (4, *otherwise), WIDE)), *kva) in (100, 0)


@pytest.mark.parametrize(
    ("primitive", "kva"), [("first_item", (50, 200)), ("last_item", (200, 50)), ("largest_item", (200, 50))]
)
def test_an_unsound_item_that_is_read_is_a_fault(primitive: str, kva: tuple[int, ...]) -> None:
    with pytest.raises(Unsound, match="no branch"):
        _total_of(_claimed(literal(7), Step(primitive, (4, 6), WIDE)), *kva)


def test_a_running_sum_is_sound_up_to_the_item_that_fails() -> None:
    # 200 - 100 = 100 stands first; from the second item on nothing may be read
    sums = Step("running_sum", (4,), ITEMS)

    assert Decimal(100) == _total_of(_claimed(literal(7), sums, Step("first_item", (7, 6), WIDE)), 200, 50, 300)
    with pytest.raises(Unsound, match="no branch"):
        _total_of(_claimed(literal(7), sums, Step("last_item", (7, 6), WIDE)), 200, 50, 300)


def test_the_item_after_one_that_fails_reads_it() -> None:
    before = Step("previous_item", (4, 6), ITEMS)

    assert Decimal(100) == _total_of(_claimed(literal(7), before, Step("last_item", (7, 6), WIDE)), 50, 200, 50)
    with pytest.raises(Unsound, match="no branch"):
        _total_of(_claimed(literal(7), before, Step("last_item", (7, 6), WIDE)), 50, 200)


def test_a_condition_that_a_sound_item_fails_is_known_to_fail() -> None:
    """Not all items have more than 500: the first says so, whatever the second is."""
    more = Step("less", (6, 4), on(LIST, BOOLEAN))
    steps = _claimed(literal(500), more, Step("all_items", (7,), BOOLEAN))

    assert Decimal(0) == _total_of(steps, 200, 50)


# properties


@given(st.lists(st.integers(0, 5000), max_size=4))
def test_sums_and_ends_agree_with_python(kva: list[int]) -> None:
    row = of_items(*kva)

    sums = value_of([KVA, Step("running_sum", (1,), ITEMS)], row)

    assert isinstance(sums, tuple)
    assert [sum(kva[: at + 1]) for at in range(len(kva))] == list(sums)
    assert (sums[-1] if sums else 0) == value_of([KVA, Step("sum_items", (1,), WIDE)], row)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    drawn_programs(),
    st.sampled_from(["ragged", "regular", "long", "empty"]),
    st.integers(1, 4),
    st.integers(0, 10**6),
)
def test_any_program_over_lists_and_parts(made: Drawn, shape: str, rows: int, seed: int) -> None:
    """Each step on rows, on items and over parts gives what loops over whole numbers give."""
    rng = np.random.default_rng(seed)
    starts = START + rng.integers(0, 6, rows)
    ends = starts + rng.integers(1, 6, rows)
    came = drawn_batch(made, starts, ends, shape, seed)
    rules = made.compiled()
    columns = {name: plain(column) for name, column in came.columns.items()}
    items = {name: plain(column) for name, column in came.children.columns.items()}
    both = Alike(rules)

    for row, (inputs, are_given) in enumerate(came.rows):
        first, end = int(starts[row]), int(ends[row])
        own = slice(*came.children.offsets[row : row + 2])
        there = came.children.valid is None or came.children.valid[row]
        came_row = {name: column[row] for name, column in columns.items()}
        came_row[made.axis] = {name: column[own] for name, column in items.items()} if there else None
        ran = both.run(came_row, period_from=first, period_to=end)

        assert isinstance(ran, Ran), ran
        expected = worked(rules, parts_of(made, first, end, inputs, are_given))
        for part, values in enumerate(expected):
            for step in made.steps:
                assert values[step] == _wholes(ran.parts[part][step], rules.program.steps[step].type)


def _wholes(value: Value, of: Type) -> object:
    if isinstance(value, tuple):
        return [decimals.to_whole(item, of.places) for item in value]
    return decimals.to_whole(value, of.places)
