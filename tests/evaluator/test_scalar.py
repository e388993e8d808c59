"""One bill alone: whatever the reference makes of a row, the scalar makes too, in whole numbers.

`tests/alone.py` compares the two; here are programs, forms of numbers and roundings that nothing else draws.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from engine.compiler.program import BOOLEAN, PRIMITIVES, Compiled, InputSpec, Line, Rounding, Step, Type, Working
from engine.evaluator import scalar, scalar_door
from engine.evaluator.compare import as_numbers, compare, plain
from engine.evaluator.draw import draw
from engine.evaluator.reference import Bill, Reference, Unsound
from engine.evaluator.rows import RowProblem
from engine.evaluator.scalar import Number, Scalar, ScalarBill
from engine.evaluator.scalar_bounds import certain_bounds
from engine.evaluator.scalar_rules import EXCHANGES, RULES, Rule
from tests.alone import Alike, alike
from tests.evaluator.builder import START
from tests.evaluator.list_programs import Drawn, drawn_batch, drawn_programs
from tests.evaluator.lists import LIST, LOAD, load, split_rules, transformers, with_lists
from tests.evaluator.programs import JANUARY, WIDE, literal, steps_only, two_tiers

NO_WORKING = Working("", (), None, ())
ITEMS = Type(low=0, high=5000, axis=LIST)


def billed(rules: Compiled, row: dict[str, object], **period: Any) -> ScalarBill:
    """Bill a row that has a bill."""
    made = Scalar(rules).bill(row, **(period or JANUARY))
    assert isinstance(made, ScalarBill), made
    return made


def test_every_primitive_has_a_rule() -> None:
    assert PRIMITIVES.keys() == RULES.keys()
    assert {"earlier_parts", "all_parts", "largest_part"} == EXCHANGES.keys()


# what a bill says


def test_a_bill_in_whole_numbers() -> None:
    # 100 x 0.5283 = 52.83; 50.50 x 0.5783 = 29.20415 -> 29.20; 82.03
    found = billed(two_tiers(), {"kwh": Number(15050, 2)})

    assert (8203, (8203,), ("second_tier",)) == (found.total, found.ledgers, found.warnings)
    assert [("energy.1", 0, 5283, 10000, 5283), ("energy.2", 0, 2920, 5050, 5783)] == [
        (one.line.id, one.part, one.amount, one.quantity, one.price) for one in found.lines
    ]
    assert ["本月 150.50 千瓦时"] == [warning.message for warning in found.messages()]


def test_values_that_leave_the_program_are_found_by_step() -> None:
    made = billed(two_tiers(), {"kwh": Number(15050, 2)})
    values = dict(zip(made.scalar.leaves, made.parts[0].values, strict=True))

    assert {10: 8203, 8: 5283, 3: 10000, 6: 5283, 9: 2920, 12: 1, 5: 5050, 7: 5783, 0: 15050} == values


def test_a_bill_in_parts() -> None:
    # 62 kWh over 10 and 21 days: 20 x 0.5 = 10.00; 42 x 0.6 = 25.20; once 1.00; 12 kWh beyond 50 x 0.1 = 1.20; 37.40
    made = billed(split_rules(), {"kwh": Number(62, 0)})

    assert [
        ("energy", 1, 1000, 20),
        ("beyond", 1, 0, 0),
        ("energy", 2, 2520, 42),
        ("once", 2, 100, None),
        ("beyond", 2, 120, 12),
    ] == [(line.line.id, line.part, line.amount, line.quantity) for line in made.lines]
    assert (3740, Decimal("37.40")) == (made.total, made.to_bill().total)


# forms of a number


FORMS: list[tuple[Number, str | None]] = [
    (Number(15050, 2), None),
    (Number(150500, 3), None),  # a surplus digit that is zero
    (Number(1505, 1), None),
    (Number(150, 0), None),
    (Number(15, -1), None),
    (Number(0, 0), None),
    (Number(0, 50), None),
    (Number(15050 * 10**200, 202), None),
    (Number(150505, 3), "too-many-places"),
    (Number(-1, 2), "out-of-bounds"),
    (Number(1, 99), "too-many-places"),
    (Number(0, 900), "not-a-number"),
    (Number(1, -900), "not-a-number"),
    (Number(10**5000, 2), "not-a-number"),
    (Number(1_000_001, 2), "out-of-bounds"),
    (Number(100_001, 2), "refused-by-rule"),
]


@pytest.mark.parametrize(("came", "code"), FORMS, ids=[str(at) for at in range(len(FORMS))])
def test_a_number_is_the_decimal_that_it_is(came: Number, code: str | None) -> None:
    """Bill or refusal, with its words: that of the equal Decimal."""
    told = Reference(two_tiers()).bill({"kwh": came.decimal()}, **JANUARY)
    made = Scalar(two_tiers()).bill({"kwh": came}, **JANUARY)

    if isinstance(told, RowProblem):
        assert (code, told) == (told.code, made)
    else:
        assert isinstance(made, ScalarBill)
        assert code is None
        assert told == made.to_bill()


@pytest.mark.parametrize("came", [Number(cast("int", 1.5), 2), Number(cast("int", Decimal(1)), 2)])
def test_a_number_of_something_else_is_the_callers_fault(came: Number) -> None:
    with pytest.raises(ValueError, match="two ints") as raised:
        Scalar(two_tiers()).bill({"kwh": came}, **JANUARY)

    assert "came (" in str(raised.value)


KINDS = (
    InputSpec("number", Type(places=2, low=-500, high=500), optional=True),
    InputSpec("truth", BOOLEAN, default=1),
    InputSpec("code", Type("code", high=2, codes=("10", "peak", "低谷")), optional=True),
    InputSpec("day", Type("date", low=0, high=30_000), default=9),
    InputSpec("must", BOOLEAN),
)
ANY_FORM: list[object] = [
    *[
        None,
        True,
        False,
        0,
        1,
        2,
        10,
        -3,
        "",
        "0",
        "1",
        "true",
        "10",
        "peak",
        "低谷",
        "2026-01-31",
        "1.50",
        "+2",
        "1e1",
    ],
    *[Decimal("1.5"), Decimal("1.505"), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+99999999"), Decimal(1)],
    *[Number(1, 0), Number(10, 1), Number(151, 2)],
]


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("came", ANY_FORM, ids=repr)
def test_any_form_of_any_kind(spec: InputSpec, came: object) -> None:
    """What is read, what is absent and what is refused: as the reference reads it."""
    inputs = [replace(one, name=f"a_{one.name}") for one in KINDS]
    steps: list[Step] = []
    for one in inputs:
        steps += [Step("input", (), one.type, name=one.name), Step("given", (), BOOLEAN, name=one.name)]
    row: dict[str, object] = {"a_must": True, f"a_{spec.name}": came}
    plainly = {name: value.decimal() if isinstance(value, Number) else value for name, value in row.items()}
    rules = steps_only([literal(0), *steps], inputs)

    told, made = Reference(rules).bill(plainly, **JANUARY), Scalar(rules).bill(row, **JANUARY)

    assert told == (made if isinstance(made, RowProblem) else made.to_bill())


@pytest.mark.parametrize(
    "came",
    [
        None,
        [],
        {},
        [{"kva": Number(100, 0)}, {"kva": Decimal(315), "from_day": "2025-01-02", "spare": True}],
        {"kva": [Number(1000, 1), 315], "spare": [None, False]},
        {"kva": [Number(1000, 1), 315], "spare": None},
        {"kva": [Number(1, 0)], "spare": [True, False]},
        {"kva": Number(1, 0)},
        {"kw": [1]},
        [None],
        [Number(1, 0)],
        Number(1, 0),
        [{"kva": Number(1001, 1)}],
        [{"kva": Number(5001, 0)}],
        [{"kva": 1}] * 5,
        [{"kw": 1}],
        "text",
    ],
    ids=repr,
)
def test_any_form_of_a_list(came: object) -> None:
    """A list by items or by columns, with the scalar's numbers in it; refused as the reference refuses it."""
    kva = Step("input", (), replace(ITEMS), name=f"{LIST}.kva")
    spare = Step("input", (), replace(BOOLEAN, axis=LIST), name=f"{LIST}.spare")
    steps = [literal(0), kva, spare, Step("sum_items", (1,), Type(high=50_000))]
    for rules in (with_lists(steps, transformers()), with_lists(steps, transformers(optional=True))):
        plainly = scalar_door.plain_row({LIST: came})

        told, made = Reference(rules).bill(plainly, **JANUARY), Scalar(rules).bill({LIST: came}, **JANUARY)

        assert told == (made if isinstance(made, RowProblem) else made.to_bill())


def test_a_list_of_one_input_may_be_its_values() -> None:
    steps = [
        Step("sum_items", (1,), Type(places=1, high=10**7)),
        Step("input", (), Type(places=1, high=10_000, axis=LOAD), name=f"{LOAD}.kwh"),
    ]
    rules = with_lists([steps[1], replace(steps[0], operands=(0,))], load())
    rules = replace(rules, program=replace(rules.program, total=1))

    assert 31 * 24 * 15 == billed(rules, {LOAD: [Number(15, 1)] * 744}).total
    assert 31 * 24 * 15 == billed(rules, {LOAD: {"kwh": [Number(150, 2)] * 744}}).total


# roundings and signs


def _line(at: int) -> Line:
    return Line(f"step.{at}", f"step{at}", "", at, None, None, None, "", False, NO_WORKING)


def with_lines(rules: Compiled) -> Compiled:
    """The rule set with a line for each step of the row: every one of them leaves the program."""
    steps = enumerate(rules.program.steps)
    lines = tuple(_line(at) for at, step in steps if step.type.axis == "row" and step.primitive != "require")
    return replace(rules, program=replace(rules.program, lines=lines))


BOUNDS = st.sampled_from([(0, 1000), (-1000, 0), (-1000, 1000), (1, 1000), (-1000, -1), (0, 10**25)])


@settings(max_examples=400, deadline=None)
@for_all(st.data())
def test_every_rounding_for_every_sign(data: st.DataObject) -> None:
    """Rounded primitives of values whose declared bounds tell their sign, or do not."""
    ends = [data.draw(BOUNDS) for _ in range(3)]
    places = data.draw(st.tuples(*[st.integers(0, 3)] * 3))
    types = [Type(places=own, low=low, high=high) for own, (low, high) in zip(places, ends, strict=True)]
    names = ("a", "b", "c")
    steps = [Step("input", (), of, name=name) for name, of in zip(names, types, strict=True)]
    for mode in Rounding:
        of = replace(WIDE, low=-(10**90), high=10**90, places=data.draw(st.integers(0, 5)))
        steps += [
            Step("round", (0,), of, mode=mode),
            Step("multiply_round", (0, 1), of, mode=mode),
            Step("divide", (0, 1), of, mode=mode),
            Step("multiply_divide", (0, 1, 2), of, mode=mode),
            Step("sqrt", (0,), of, mode=mode),
            Step("power_factor", (0, 1), of, mode=mode),
        ]
    rules = with_lines(steps_only(steps, [InputSpec(name, of) for name, of in zip(names, types, strict=True)]))
    both = Alike(rules)

    for _ in range(5):
        row = {
            name: Decimal(data.draw(st.integers(of.low, of.high))).scaleb(-of.places)
            for name, of in zip(names, types, strict=True)
        }
        assert isinstance(both.bill(row, **JANUARY), Bill)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@for_all(drawn_programs(), st.sampled_from(["ragged", "regular", "long", "empty"]), st.integers(0, 10**6))
def test_any_program_with_steps_left_out(made: Drawn, shape: str, seed: int) -> None:
    """What leaves the program is what running every step gives, and each step keeps to its certain bounds."""
    rng = np.random.default_rng(seed)
    starts = START + rng.integers(0, 6, 2)
    ends = starts + rng.integers(1, 6, 2)
    came = drawn_batch(made, starts, ends, shape, seed)
    rules = with_lines(made.compiled())
    columns = {name: plain(column) for name, column in came.columns.items()}
    items = {name: plain(column) for name, column in came.children.columns.items()}
    both = Alike(rules)
    certain = certain_bounds(rules.program, rules.constants)

    for row in range(2):
        own = slice(*came.children.offsets[row : row + 2])
        there = came.children.valid is None or came.children.valid[row]
        given: dict[str, object] = {name: column[row] for name, column in columns.items()}
        given[made.axis] = {name: column[own] for name, column in items.items()} if there else None
        bill = both.bill(given, period_from=int(starts[row]), period_to=int(ends[row]))

        assert isinstance(bill, Bill), bill
        for part in bill.parts:
            for step, value, bounds in zip(rules.program.steps, part.values, certain, strict=True):
                numbers = value if isinstance(value, tuple) else (value,)
                assert bounds is None or all(
                    bounds[0] <= number.scaleb(step.type.places) <= bounds[1] for number in numbers
                )


def test_the_largest_of_all_parts() -> None:
    rules = split_rules()
    kwh = rules.program.steps[0].type
    largest = Step("largest_part", (0,), kwh)
    steps = (*rules.program.steps, largest)
    rules = with_lines(replace(rules, program=replace(rules.program, steps=steps)))

    bill = alike(rules, {"kwh": 62}, **JANUARY)

    assert isinstance(bill, Bill)
    assert [Decimal(42)] * 2 == [part.values[-1] for part in bill.parts]


# a fault of ours


def test_a_difference_is_found_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a scalar that cuts instead of rounding half up, the comparison must speak."""
    rules = cast("MutableMapping[str, Rule]", RULES)
    monkeypatch.setitem(rules, "multiply_round", lambda _to, _step, texts: f"{texts[0]} * {texts[1]} // 10000")

    found = compare(two_tiers(), draw(two_tiers(), 500, 1))

    assert found.different > 50
    first = found.differences[0]
    assert ("part 1 step 8 multiply_round", "") == (first.path, first.by_columns)
    assert Decimal(first.in_decimals) - Decimal(first.in_integers) == Decimal("0.01")


def test_a_refusal_that_the_reference_does_not_share_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scalar_door, "spans_of", lambda *_: None)

    with pytest.raises(Unsound, match=r"the reference bills 5\.28"):
        Scalar(two_tiers()).bill({"kwh": Number(10, 0)}, **JANUARY)


def test_a_bill_that_running_every_step_does_not_confirm_is_a_fault() -> None:
    made = billed(two_tiers(), {"kwh": Number(10, 0)})

    with pytest.raises(Unsound, match="every step"):
        made._replace(total=made.total + 1).to_bill()
    with pytest.raises(Unsound, match="every step"):
        made._replace(parts=(made.parts[0]._replace(lines=()),)).to_bill()


# what is shared


def test_threads_share_a_scalar() -> None:
    """Many threads bill with one that has written nothing yet."""
    rules = split_rules()
    rows: list[dict[str, object]] = [{"kwh": Number(at % 80, 0)} for at in range(400)]
    expected = [billed(rules, row).to_bill() for row in rows]
    one = Scalar(rules)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda row: one.bill(row, **JANUARY), rows))

    assert expected == [bill.to_bill() for bill in made if isinstance(bill, ScalarBill)]


def test_a_new_price_needs_no_new_text() -> None:
    """Versions, and rule sets of one structure, run one compiled text with constants of their own."""
    rules = two_tiers()
    cells = rules.constants.figures[1]
    dearer = (*cells[:2], (replace(cells[2][0], value=6783),))  # type: ignore[type-var]  # the cell is there
    other = replace(rules, constants=replace(rules.constants, figures=(rules.constants.figures[0], dearer)))
    before = scalar._compiled.cache_info().misses

    # 52.83 + 50 x 0.5783 = 81.745 -> 81.75; 52.83 + 50 x 0.6783 = 86.745 -> 86.75
    totals = [billed(one, {"kwh": 150}).total for one in (rules, other)]
    totals.append(billed(rules, {"kwh": 10}, period_from="2024-05-01", period_to="2024-06-01").total)

    assert [8175, 8675, 500] == totals
    assert scalar._compiled.cache_info().misses <= before + 2


def test_numbers_for_decimals() -> None:
    assert [Number(150, 2), Number(-5, 1), Number(1, -1), {"a": Number(0, 0)}, "1.5"] == as_numbers(
        [Decimal("1.50"), Decimal("-0.5"), Decimal("1E+1"), {"a": Decimal(0)}, "1.5"]
    )
