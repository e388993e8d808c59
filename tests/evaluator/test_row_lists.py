"""Lists at the door for one row: the ways to give one, defaults, and everything that refuses it, in order."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.evaluator.row_door import Admitted, Fault, admit_row
from engine.language.catalogue import CATALOGUE
from tests.evaluator.lists import LIST, LOAD, load, transformers, with_lists
from tests.evaluator.programs import JANUARY, literal

DAY = {"period_from": "2025-01-01", "period_to": "2025-01-02"}


def admit(came: object, lists: Any = None, **period: Any) -> Admitted | Fault:
    axis, specs = transformers() if lists is None else lists
    return admit_row(with_lists([literal(0)], (axis, specs)), {axis.name: came}, **(period or JANUARY))


def kva(came: object, lists: Any = None) -> tuple[Decimal | None, ...]:
    found = admit(came, lists)
    assert isinstance(found, Admitted), found
    return found.lists[LIST].values[f"{LIST}.kva"]


def refused(came: object, lists: Any = None, **period: Any) -> tuple[str, str, str, str]:
    found = admit(came, lists, **period)
    assert isinstance(found, Fault), found
    assert found.code in CATALOGUE
    return found.code, found.field, found.value, found.parameters.get("item", "")


@pytest.mark.parametrize(
    "came",
    [
        [{"kva": 315}, {"kva": "1000"}],
        ({"kva": Decimal(315), "spare": None}, {"kva": 1000}),
        {"kva": [315, "1000"]},
        {"kva": (315, 1000), "from_day": [None, None], "spare": None},
    ],
)
def test_ways_to_give_a_list(came: object) -> None:
    assert [315, 1000] == list(kva(came))


@pytest.mark.parametrize("came", [[], (), {}, {"kva": []}, {"kva": None}])
def test_an_empty_list_is_given(came: object) -> None:
    found = admit(came)

    assert isinstance(found, Admitted)
    assert (found.lists[LIST].count, found.given[LIST]) == (0, True)


def test_the_values_alone_where_a_list_has_one_input() -> None:
    axis, specs = transformers()

    assert [315, 1000] == list(kva([315, 1000], (axis, specs[:1])))


def test_absent_values_of_items() -> None:
    """A day may be absent; a truth reads as its default, and is not given."""
    found = admit([{"kva": 1, "from_day": "1990-01-02"}, {"kva": 2, "spare": True}])

    assert isinstance(found, Admitted)
    items = found.lists[LIST]
    assert list(items.values[f"{LIST}.from_day"]) == [7306, None]  # 20 years of 365 days, 5 leap days, and one day
    assert list(items.values[f"{LIST}.spare"]) == [0, 1]
    assert items.are_given[f"{LIST}.spare"] == (False, True)


def test_an_optional_list_reads_as_empty() -> None:
    found = admit(None, transformers(optional=True))

    assert isinstance(found, Admitted)
    assert (found.lists[LIST].count, found.given[LIST]) == (0, False)


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (None, ("missing-value", LIST, "", "")),
        ("315", ("not-a-list", LIST, "315", "")),
        (315, ("not-a-list", LIST, "315", "")),
        ({"kva": 315}, ("not-a-list", LIST, "kva: -", "")),
        ({"kva": [1, 2], "spare": [True]}, ("not-a-list", LIST, "kva: 2, spare: 1", "")),
        ([315, 1000], ("not-a-list", LIST, "315", "1")),
        ([{"kva": 1}, "x"], ("not-a-list", LIST, "x", "2")),
        ({"kw": [1]}, ("unknown-item-key", LIST, "kw", "")),
        ([{"kva": 1}, {"kva": 1, "kw": 2}], ("unknown-item-key", LIST, "kw", "2")),
        ([{"kva": 1}] * 5, ("too-many-items", LIST, "5", "")),
        ([{"kva": 1}, {"spare": True}], ("missing-value", f"{LIST}.kva", "", "2")),
        ([{"kva": 1}, None], ("missing-value", f"{LIST}.kva", "", "2")),
        ([{"kva": 1}, {"kva": 5001}], ("out-of-bounds", f"{LIST}.kva", "5001", "2")),
        ([{"kva": "x"}], ("not-a-number", f"{LIST}.kva", "x", "1")),
        ([{"kva": "1.5"}], ("too-many-places", f"{LIST}.kva", "1.5", "1")),
        ([{"kva": 1.0}], ("binary-float", f"{LIST}.kva", "1.0", "1")),
        ([{"kva": 1, "from_day": "2025-02-30"}], ("bad-date", f"{LIST}.from_day", "2025-02-30", "1")),
        ([{"kva": 1, "spare": "yes"}], ("unknown-code", f"{LIST}.spare", "yes", "1")),
    ],
)
def test_lists_that_are_refused(came: object, expected: tuple[str, str, str, str]) -> None:
    assert expected == refused(came)


def test_the_first_input_in_the_order_of_declaration_is_told() -> None:
    """The second item's kVA comes before the first item's day."""
    came = [{"kva": 1, "from_day": "x"}, {"kva": -1}]

    assert ("out-of-bounds", f"{LIST}.kva", "-1", "2") == refused(came)


def test_what_messages_name() -> None:
    many, unknown = admit([{"kva": 1}] * 5), admit({"kw": []})

    assert isinstance(many, Fault)
    assert isinstance(unknown, Fault)
    assert (many.parameters["found"], many.parameters["at_most"]) == ("5", "4")
    assert unknown.parameters["known"] == "from_day, kva, spare"


@pytest.mark.parametrize(
    ("day", "following", "intervals"),
    [("2025-01-01", "2025-01-02", 24), ("2025-03-30", "2025-03-31", 23), ("2025-10-26", "2025-10-27", 25)],
)
def test_an_interval_list_has_one_item_for_each_interval(day: str, following: str, intervals: int) -> None:
    period = {"period_from": day, "period_to": following}

    for count in (intervals - 1, intervals + 1, 0):
        found = admit(["1"] * count, load(), **period)
        assert isinstance(found, Fault)
        assert (found.code, found.field) == ("interval-count", LOAD)
        assert (found.parameters["expected"], found.parameters["found"]) == (str(intervals), str(count))
    assert isinstance(admit(["1"] * intervals, load(), **period), Admitted)


def test_too_many_items_come_before_their_count() -> None:
    assert ("too-many-items", LOAD, "31", "") == refused([1] * 31, load(at_most=30), **DAY)


def test_inputs_of_the_row_are_read_before_lists() -> None:
    axis, specs = transformers()
    row_input = replace(specs[0], name="kva", type=replace(specs[0].type, axis="row"))
    rules = with_lists([literal(0)], (axis, specs), inputs=[row_input])

    found = admit_row(rules, {"kva": -1, LIST: "x"}, **JANUARY)

    assert isinstance(found, Fault)
    assert ("out-of-bounds", "kva") == (found.code, found.field)
