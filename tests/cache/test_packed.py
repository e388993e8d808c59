"""Plain values as bytes and back: equal in every part, and nothing else than the type says comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cache.packed import pack, unpack
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_all
from engine.language.nodes import Text
from engine.language.problems import Place, problem
from engine.registry.building import Built
from tests.documents import ROOT


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Leaf:
    number: int
    text: str
    truth: bool
    day: date
    colour: Colour
    closed: Literal["a", "b"]
    maybe: int | None


@dataclass(frozen=True, slots=True)
class Tree:
    leaves: tuple[Leaf, ...]
    pair: tuple[str, int]
    by_name: Mapping[str, Leaf | None]
    either: str | tuple[int, ...]
    numbers: tuple[int, ...]


LEAVES = st.builds(
    Leaf,
    st.integers(),
    st.text(st.characters(codec=None)),
    st.booleans(),
    st.dates(),
    st.sampled_from(Colour),
    st.sampled_from(["a", "b"]),
    st.none() | st.integers(),
)
NUMBERS = st.lists(st.integers(), max_size=5).map(tuple)
TREES = st.builds(
    Tree,
    st.lists(LEAVES, max_size=5).map(tuple),
    st.tuples(st.text(), st.integers()),
    st.dictionaries(st.text(), st.none() | LEAVES, max_size=4),
    st.text() | NUMBERS,
    NUMBERS | st.lists(st.integers(-(2**63), 2**63), min_size=513, max_size=520).map(tuple),
)
LEAF = Leaf(1, "x", True, date(2026, 1, 1), Colour.RED, "a", None)


@given(TREES)
def test_what_is_read_is_what_was_written(tree: Tree) -> None:
    """Numbers of any size, halves of surrogate pairs, empty tuples and mappings."""
    read = unpack(pack(tree, Tree), Tree)

    assert tree == read
    assert _types(tree) == _types(read)


def test_every_rule_set_is_the_same_after_reading() -> None:
    """All that is shipped, all examples; types included, so that no number came back as a truth."""
    folders = [ROOT / "rules", ROOT / "benchmarks" / "rules", ROOT / "tests" / "examples"]
    book, problems = compile_all(folders)
    assert problems == []

    read = unpack(pack(book, RateBook), RateBook)

    assert book == read
    assert list(book.rulesets) == list(read.rulesets)
    assert {k: one.content_hash for k, one in book.rulesets.items()} == {
        k: one.content_hash for k, one in read.rulesets.items()
    }
    assert book.hash == read.hash
    assert all(_types(one) == _types(read.rulesets[key]) for key, one in book.rulesets.items())


def test_problems_of_every_bad_example_come_through() -> None:
    """As the child process that compiles for a server tells its parent."""
    _, problems = compile_all(sorted((ROOT / "tests" / "bad").rglob("*.yaml")))
    built = Built(RateBook({}), tuple(problems), 3)

    assert problems
    assert built == unpack(pack(built, Built), Built)


def test_half_of_a_surrogate_pair_in_a_message_comes_through() -> None:
    """`\\ud800` may be written in YAML, and a message may repeat it."""
    built = Built(RateBook({}), (problem("no-such-file", Place("a", 1, 1, 1, 2), path="\ud800"),), 0)

    assert built == unpack(pack(built, Built), Built)


def test_a_text_with_its_place_becomes_the_text() -> None:
    """It is equal to it."""
    leaf = Leaf(1, Text("x"), True, date(2026, 1, 1), Colour.RED, "a", None)

    read = unpack(pack(leaf, Leaf), Leaf)

    assert leaf == read
    assert str is type(read.text)


@pytest.mark.parametrize(
    "leaf",
    [
        Leaf(True, "x", True, date(2026, 1, 1), Colour.RED, "a", None),
        Leaf(1, "x", 1, date(2026, 1, 1), Colour.RED, "a", None),  # type: ignore[arg-type]  # the wrong type is the point
        Leaf(1, "x", True, date(2026, 1, 1), Colour.RED, "c", None),  # type: ignore[arg-type]  # the wrong type is the point
        Leaf(1, "x", True, date(2026, 1, 1), Colour.RED, "a", 1.0),  # type: ignore[arg-type]  # the wrong type is the point
        Leaf(1, None, True, date(2026, 1, 1), Colour.RED, "a", None),  # type: ignore[arg-type]  # the wrong type is the point
    ],
)
def test_a_value_of_another_type_is_not_written(leaf: Leaf) -> None:
    """It would come back as something else, or not at all."""
    with pytest.raises(ValueError):
        pack(leaf, Leaf)


def test_a_list_where_a_tuple_belongs_is_not_written() -> None:
    """It would come back as a tuple, and not be equal."""
    tree = Tree([LEAF], ("a", 1), {}, "x", ())  # type: ignore[arg-type]  # the wrong type is the point

    with pytest.raises(ValueError) as found:
        pack(tree, Tree)

    assert "list where tuple belongs" == str(found.value)


@dataclass(frozen=True, slots=True)
class Odd:
    value: Fraction


@dataclass(frozen=True, slots=True)
class Ring:
    inner: tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class Unclear:
    value: int | tuple[int, ...]


@pytest.mark.parametrize("form", [Odd, Ring, Unclear])
def test_a_type_that_is_not_plain_is_told(form: type) -> None:
    """A fraction, a ring, a number that might be a position."""
    with pytest.raises(TypeError):
        unpack(b"[]", form)


def _changed(change: Any) -> bytes:
    content = json.loads(pack(LEAF, Leaf))
    change(content)
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b"[" * 100_000,
        _changed(lambda tables: tables.pop()),
        _changed(lambda tables: tables[-1].pop()),
        _changed(lambda tables: tables[-1][1].__setitem__(0, "1")),  # a text where a number belongs
        _changed(lambda tables: tables[-1][1].__setitem__(0, True)),
        _changed(lambda tables: tables[-1][4].__setitem__(0, 7)),  # a day that is not there
        _changed(lambda tables: tables[-1][4].__setitem__(0, -1)),
        _changed(lambda tables: tables[-1][6].__setitem__(0, "c")),  # outside the closed list
        _changed(lambda tables: tables[0][1].__setitem__(0, "2026-13-01")),
        _changed(lambda tables: tables[1][1].__setitem__(0, "green")),
        _changed(lambda tables: tables[-1].__setitem__(1, "AAAA")),  # compressed numbers that are none
        _changed(lambda tables: tables[-1].__setitem__(1, [])),
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    """With a ValueError, whatever they are."""
    with pytest.raises(ValueError):
        unpack(data, Leaf)


def test_bytes_name_no_class_and_no_function(tmp_path: Path) -> None:
    """A pickle that would touch a file does nothing here."""
    touched = tmp_path / "touched"
    bad = f"cpathlib\nPath\n(S'{touched}'\ntR.".encode()

    with pytest.raises(ValueError):
        unpack(bad, RateBook)

    assert not touched.exists()


def _types(value: Any) -> Any:
    """The types of a value and of all that it holds."""
    if is_dataclass(value):
        return type(value), [_types(getattr(value, one.name)) for one in fields(value)]
    if isinstance(value, tuple):
        return tuple, [_types(one) for one in value] if len(value) < 500 else set(map(type, value))
    if isinstance(value, Mapping):
        return "mapping", [(_types(key), _types(one)) for key, one in value.items()]
    return type(value)
