"""Reading nodes into models: what each field takes, what it refuses, and that everything is told at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from engine.language.expressions import Name
from engine.language.fields import (
    BoolField,
    Dated,
    DayField,
    FormulaField,
    IdField,
    IntField,
    Model,
    NameField,
    NumberField,
    PricedField,
    Printed,
    TextField,
    UnitField,
    read,
)
from engine.language.load import load_text
from engine.language.nodes import Text
from engine.language.problems import Place, Problem, ProblemsFound, problem, render
from engine.language.scalars import number


class Step(Model):
    what = "a step"

    from_: Annotated[NumberField | None, Field(alias="from")] = None
    price: PricedField


class Everything(Model):
    what = "everything"

    count: IntField = 1
    active: BoolField = False
    first_day: DayField | None = None
    unit: UnitField | None = None
    name: NameField | None = None
    id: IdField | None = None
    title: TextField | None = None
    when: FormulaField | None = None
    level: Literal["low", "high"] = "low"
    steps: list[Step] = []
    prices: dict[NameField, PricedField] | FormulaField | None = None
    columns: list[NameField] | dict[NameField, Step] = []


def problems(text: str, model: type[Model] = Everything) -> list[Problem]:
    with pytest.raises(ProblemsFound) as caught:
        read(model, load_text(text, "a.yaml"))
    return list(caught.value.problems)


def codes(text: str) -> list[str]:
    return [found.code for found in problems(text)]


def test_everything_that_is_well_written() -> None:
    text = """
        count: 12
        active: true
        first_day: 2024-02-29
        unit: fen/kWh
        name: from_1_to_10kv
        id: cn.hubei.agency.2026-01
        title: 电度用电价格
        when: kwh > 100
        level: high
        steps: [{from: -0.50, price: 0.5283}, {price: kwh * 2}, {price: {dated: [{from: 2026-01-01, printed: 1.0}]}}]
        prices: {peak: 0.5583, valley: other.price}
        columns: [a, b]
    """

    model = read(Everything, load_text(text, "a.yaml"))

    assert (model.count, model.active, model.first_day) == (12, True, date(2024, 2, 29))
    assert model.unit is not None
    assert (str(model.unit.unit), model.unit.text) == ("CNY/kWh", "fen/kWh")
    assert (model.name, model.id, model.title) == ("from_1_to_10kv", "cn.hubei.agency.2026-01", "电度用电价格")
    assert model.level == "high"
    first, second, third = model.steps
    assert first.from_ is not None
    assert (first.from_.value, first.from_.places, first.from_.text) == (Decimal("-0.50"), 2, "-0.50")
    assert isinstance(first.price, Printed)
    assert not isinstance(second.price, Printed | Dated)
    assert isinstance(third.price, Dated)
    assert isinstance(model.prices, dict)
    assert model.prices[Text("valley")] == Name("other.price")
    assert model.columns == ["a", "b"]


def test_models_and_their_values_know_their_places() -> None:
    model = read(Everything, load_text("title: x\nsteps:\n  - {from: 1, price: 0.5283}\n", "a.yaml"))

    (step,) = model.steps

    assert step.place == Place("a.yaml", 3, 5, 3, 29)
    assert step.place_of("from") == Place("a.yaml", 3, 6, 3, 10)
    assert isinstance(step.price, Printed)
    assert step.price.place == Place("a.yaml", 3, 22, 3, 28)
    assert model.title is not None
    assert model.title.place.column == 8


def test_all_problems_are_told_at_once_each_at_its_node() -> None:
    found = problems("count: x\nactive: yes\nfirst_day: 2026-1-5\nunit: kwh\nsteps: [{prise: 1}, 5]\nlevel: hihg\n")

    assert [(one.code, one.place and (one.place.line, one.place.column)) for one in found] == [
        ("whole-number-expected", (1, 8)),
        ("true-or-false-expected", (2, 9)),
        ("day-format", (3, 12)),
        ("unknown-unit", (4, 7)),
        ("missing-key", (5, 9)),
        ("unknown-key", (5, 10)),
        ("wrong-shape", (5, 21)),
        ("unknown-word", (6, 8)),
    ]


def test_an_unknown_key_is_told_with_the_nearest_and_with_all() -> None:
    (found,) = problems("cuont: 1")

    allowed = "count, active, first_day, unit, name, id, title, when, level, steps, prices, columns"
    assert render(found, sources=lambda _: "cuont: 1") == (
        "a.yaml:1:1: unknown-key: `cuont` is not a key of everything.\n"
        "    1 | cuont: 1\n"
        "      | ^^^^^\n"
        f"  Write `count`. Keys allowed here: {allowed}."
    )


def test_aliases_are_the_names_that_messages_use() -> None:
    """`from_` is a name of the code; nobody can write it, and nobody is told to."""
    (found,) = problems("steps: [{from_: 1, price: 2}]")

    assert found.parameters["allowed"] == "from, price"
    assert found.parameters["suggestion"] == "Write `from`. "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("columns: 5", "a list or a mapping of keys to values"),
        ("columns: {a: 5}", "a mapping of keys to values"),
        ("steps: {a: 1}", "a list"),
        ("title: [a]", "one value"),
        ("level: {a: 1}", "one value"),
        ("prices: [1]", "a mapping of keys to values or one value"),
        ("steps: [{price: [1]}]", "one value"),
    ],
)
def test_what_may_be_a_list_or_a_mapping_is_told_once(text: str, expected: str) -> None:
    (found,) = problems(text)

    assert (found.code, found.parameters["what"]) == ("wrong-shape", expected)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("columns: [a, 峰]", "name-expected"),
        ("columns: {a: {prise: 1, price: 1}}", "unknown-key"),
        ("prices: {peak: 80%}", "percent-sign"),
        ("prices: a +", "formula-syntax"),
        ("prices: {峰: 1}", "name-expected"),
        ("steps:\n  - price：0.5", "full-width-punctuation"),
        ("steps:\n  - price:0.5", "space-after-colon"),
    ],
)
def test_the_attempt_that_came_further_is_told(text: str, code: str) -> None:
    assert codes(text) == [code]


class Plain(Model):
    size: int = 0


def test_value_not_accepted() -> None:
    """pydantic's own types are not for rules; were one used, its finding would still have a place."""
    (found,) = problems("size: x", Plain)

    assert (found.code, found.place) == ("value-not-accepted", Place("a.yaml", 1, 7, 1, 8))


class Checked(Model):
    price: NumberField

    def model_post_init(self, context: object) -> None:
        if self.price.value > 3:
            raise ProblemsFound([problem("text-empty", self.place_of("price"))])


class Outer(Model):
    one: Checked
    two: Checked


def test_problems_of_a_models_own_check_come_out_as_they_are() -> None:
    found = problems("one: {price: 4}\ntwo: {price: x}", Outer)

    assert [one.code for one in found] == ["text-empty", "number-expected"]


def test_read_names_the_thing() -> None:
    with pytest.raises(ProblemsFound) as caught:
        read(Everything, load_text("prcie: 1\nsteps: [{prise: 1, price: 1}]", "a.yaml"), "tiered charge")

    assert [found.parameters["what"] for found in caught.value.problems] == ["a tiered charge", "a step"]


NUMBERS = [
    ("0", "0", 0),
    ("-0.00", "0", 2),
    ("0.5283", "0.5283", 4),
    ("0.41170", "0.4117", 5),
    ("010", "10", 0),
    ("-1158.79", "-1158.79", 2),
    ("123456789012345.12345678", "123456789012345.12345678", 8),
]


@pytest.mark.parametrize(("text", "value", "places"), NUMBERS)
def test_numbers_keep_their_digits(text: str, value: str, places: int) -> None:
    printed = number(Text(text))

    assert (printed.value, printed.places, printed.text) == (Decimal(value), places, text)
    assert not (printed.value.is_zero() and printed.value.is_signed())


@pytest.mark.parametrize(
    ("text", "code", "suggestion"),
    [
        ("1e3", "number-notation", "1000"),
        ("1.5E-3", "number-notation", "0.0015"),
        ("1_000", "number-notation", "1000"),
        ("+5", "number-notation", "5"),
        (".5", "number-notation", "0.5"),
        ("5.", "number-notation", "5"),
        ("1.14489O", "number-notation", "1.144890"),
        ("0.5l4", "number-notation", "0.514"),
        ("80%", "percent-sign", "80"),
        ("0,5483", "decimal-comma", "0.5483"),
        ("2,760", "thousands-comma", "2760"),
        ("1,234,567.80", "thousands-comma", "1234567.80"),
        ("0.5元", "unit-in-number", "0.5"),
        ("¥0.5", "unit-in-number", "0.5"),
        ("100 kWh", "unit-in-number", "100"),
        ("０.5", "full-width-punctuation", None),
        ("0．5", "full-width-punctuation", None),
        ("8０％", "full-width-punctuation", None),
        ("—", "full-width-punctuation", None),
        ("－", "full-width-punctuation", None),
        ("٣", "number-expected", None),
        ("1 000", "number-expected", None),
        ("0x10", "number-expected", None),
        ("--5", "number-expected", None),
        ("1-10", "number-expected", None),
        ("inf", "number-expected", None),
        ("nan", "number-expected", None),
        ("", "number-expected", None),
        (" 5", "number-expected", None),
        ("5\n", "number-expected", None),
        ("1e999999999", "number-expected", None),
        ("0.123456789", "number-too-fine", None),
        ("1234567890123456", "number-too-long", None),
    ],
)
def test_what_is_not_a_number_is_explained(text: str, code: str, suggestion: str | None) -> None:
    with pytest.raises(ProblemsFound) as caught:
        number(Text(text))

    (found,) = caught.value.problems
    assert (found.code, found.parameters.get("suggestion")) == (code, suggestion)


@pytest.mark.parametrize("text", ["0,5283", "80%", "1_000", "０.5", "0.5.3"])
def test_a_price_that_was_meant_as_a_number_is_not_called_a_formula(text: str) -> None:
    found = problems(f'price: "{text}"', Step)

    assert all(not one.code.startswith("formula") for one in found)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-02-29", "day-not-in-calendar"),
        ("2026-13-01", "day-not-in-calendar"),
        ("2026-00-10", "day-not-in-calendar"),
        ("2026-01-00", "day-not-in-calendar"),
        ("0000-01-01", "day-not-in-calendar"),
        ("2026-1-5", "day-format"),
        ("2026/01/05", "day-format"),
        ("20260105", "day-format"),
        ("2026-01-05T00:00:00", "day-format"),
        ("2026年1月5日", "day-format"),
        ("2026-01", "day-format"),
        ("２０２６-01-05", "day-format"),
        ("tomorrow", "day-format"),
    ],
)
def test_days_are_strict(text: str, code: str) -> None:
    assert codes(f'first_day: "{text}"') == [code]


@given(st.dates())
def test_every_day_reads_back(day: date) -> None:
    model = read(Everything, load_text(f"first_day: {day.isoformat()}", "a.yaml"))

    assert model.first_day == day


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 8))
def test_every_number_reads_back(whole: int, places: int) -> None:
    """A whole number of the smallest place, written out, is the same number with the same places."""
    sign, digits = ("-" if whole < 0 else ""), str(abs(whole)).rjust(places + 1, "0")
    text = f"{sign}{digits[: len(digits) - places]}{'.' if places else ''}{digits[len(digits) - places :]}"

    printed = number(Text(text))

    assert (int(printed.value.scaleb(places)), printed.places) == (whole, places)


@given(st.text(max_size=12) | st.text(alphabet="0123456789.,-+eE_% ０１．，元kWh", max_size=10))
def test_any_text_is_a_number_or_a_problem(text: str) -> None:
    try:
        printed = number(Text(text))
    except ProblemsFound:
        pass
    else:
        assert printed.text == text
        assert text.isascii()
        assert abs(printed.value) < 10**15


@given(
    st.recursive(
        st.sampled_from(["1", "x", "80%", "峰", "a +", "2026-01-01", "true", "", "t[a]", "-"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*Everything.model_fields, "from", "dated", "峰"]), inner, max_size=4)
        ),
        max_leaves=10,
    ).filter(lambda tree: isinstance(tree, dict) and tree)
)
def test_any_tree_is_a_model_or_problems_with_places(tree: object) -> None:
    node = load_text(str(tree).replace("'", '"'), "a.yaml")
    try:
        model = read(Everything, node)
    except ProblemsFound as caught:
        lines = {found.place and found.place.line for found in caught.problems}
        assert lines == {1}
    else:
        assert model.place == node.place
