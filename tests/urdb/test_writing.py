"""What is written is what the rule language reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.load import load
from engine.language.nodes import List, Map, Node
from engine.urdb.months import listed, name, seasons
from engine.urdb.rate import read_rate
from engine.urdb.report import lines
from engine.urdb.translate import translate
from engine.urdb.write import Flow, document, one_line
from tests.urdb.billing import options


def plain(node: Node) -> Any:
    """A loaded node as plain texts."""
    if isinstance(node, Map):
        return {str(key): plain(value) for key, value in node.items()}
    return [plain(one) for one in node] if isinstance(node, List) else str(node)


TEXTS = st.text(max_size=40) | st.sampled_from(
    ["yes", "~", "- a", "a: b", "a #b", "'", '"x"', "{a}", "[1]", "-", "1.0", "a:"]
)


@given(TEXTS, TEXTS, TEXTS)
def test_any_text_is_read_back(tmp_path_factory: pytest.TempPathFactory, one: str, two: str, three: str) -> None:
    """On one line, whatever signs it has: as a value, in braces, in a list."""
    file = tmp_path_factory.mktemp("written") / "x.yaml"
    file.write_text(document({"a": one, "b": Flow(c=two, d=[three]), "e": {"f": {"g": one}}}), encoding="utf-8")

    first, second, third = map(one_line, (one, two, three))
    assert plain(load(file)) == {"a": first, "b": {"c": second, "d": [third]}, "e": {"f": {"g": first}}}


@given(TEXTS)
def test_any_words_of_a_rate_stay_comments(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """A description may hold line ends and signs that YAML cannot; it stays behind its `#`."""
    rate = read_rate('{"utility": "E", "name": "R", "label": "0", "fixedmonthlycharge": 1}')
    whole = type(rate)({**rate.values, "description": text}, {**rate.spelled, "description": ("description",)})
    found = translate(whole, options())
    file = tmp_path_factory.mktemp("written") / "x.yaml"

    file.write_text(document(found.ruleset, lines(found.entries)), encoding="utf-8")

    assert next(iter(plain(load(file)))) == "ruleset"


@given(st.sets(st.integers(0, 11), min_size=1))
def test_months_are_read_back(months: set[int]) -> None:
    """`11-4` runs over the year's end."""
    read: set[int] = set()
    for part in ("1-12" if listed(months) == "all" else listed(months)).split(", "):
        first, _, last = part.partition("-")
        month = int(first) - 1
        while True:
            read.add(month % 12)
            if month % 12 == int(last or first) - 1:
                break
            month += 1

    assert read == months


@given(st.lists(st.integers(0, 2), min_size=12, max_size=12))
def test_seasons_cover_the_year_once(keys: list[int]) -> None:
    found = seasons(keys)

    assert sorted(month for season in found for month in season.months) == list(range(12))
    assert len({season.name for season in found}) == len(found)
    assert all(len({keys[month] for month in season.months}) == 1 for season in found)


def test_names_of_seasons() -> None:
    assert ["jun_sep", "oct_may", "jan", "feb_apr_oct"] == [
        name(months) for months in ((5, 6, 7, 8), (9, 10, 11, 0, 1, 2, 3, 4), (0,), (1, 2, 3, 9))
    ]
