"""Problems as data, as text in two languages, and as JSON."""

from __future__ import annotations

import json
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.catalogue import CATALOGUE, Entry
from engine.language.problems import Place, Problem, ProblemsFound, columns, problem, render, to_json

PLACE = Place("a.yaml", 2, 5, 2, 8)


def names(*texts: str) -> set[str]:
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_entry_speaks_both_languages(code: str) -> None:
    """Headline and remedy in English and Chinese; the Chinese is Chinese; only names that the English has, or `_zh`."""
    entry = CATALOGUE[code]

    english = names(entry.headline, entry.remedy)
    chinese = names(entry.headline_zh, entry.remedy_zh)

    assert entry.headline
    assert entry.remedy
    assert {name.removesuffix("_zh") for name in chinese} <= english
    assert all(
        any("\u4e00" <= c <= "\u9fff" for c in text) or "{" in text for text in (entry.headline_zh, entry.remedy_zh)
    )


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_entry_keeps_the_house_style(code: str) -> None:
    """Kebab-case codes; a sentence begins small after the code's colon and ends with a full stop; no blame."""
    entry: Entry = CATALOGUE[code]

    words = f"{entry.headline} {entry.remedy}".lower().split()

    assert code == code.lower().replace("_", "-")
    assert entry.headline.endswith((".", "}"))
    assert not {"invalid", "illegal", "wrong", "error:", "traceback", "none-type", "dict", "str"} & set(words)


def test_a_problem_needs_its_parameters() -> None:
    """A message with a hole in it is the fault of the engine, told when it is made."""
    with pytest.raises(ValueError, match="`duplicate-key` needs a value for key"):
        problem("duplicate-key", PLACE)

    with pytest.raises(ValueError, match="no problem `no-such-code`"):
        problem("no-such-code", PLACE)


def test_render_marks_the_place_under_its_characters() -> None:
    """A Chinese character takes two columns of a terminal, so the mark is set by columns and not by characters."""
    text = "title: x\n电价:\t0，5\nend"
    found = problem("duplicate-key", Place("a.yaml", 2, 4, 2, 7), key="0，5")

    shown = render(found, sources={"a.yaml": text}.__getitem__)

    assert shown.splitlines()[:3] == [
        "a.yaml:2:4: duplicate-key: `0，5` is written twice here.",
        "    2 | 电价: 0，5",
        "      |      ^^^^",
    ]


def test_render_in_chinese() -> None:
    found = problem("duplicate-key", PLACE, Place("a.yaml", 1, 1, 1, 3), key="ab")

    shown = render(found, "zh", {"a.yaml": "ab: 1\n    abc"}.__getitem__)

    assert shown == (
        "a.yaml:2:5: duplicate-key: `ab` 在这里写了两次。\n"
        "    2 |     abc\n"
        "      |     ^^^\n"
        "  第一次写在这里: a.yaml:1:1\n"
        "    1 | ab: 1\n"
        "      | ^^\n"
        "  请保留一个，或给这一个另起名字。"
    )


def test_render_of_a_row_and_of_a_file_that_is_gone() -> None:
    """A row has no place in a file; a file that cannot be read has no line to show."""
    row = problem("missing-value", None, field="kwh")
    gone = problem("file-empty", Place("/nowhere/a.yaml", 1, 1, 1, 1))

    assert render(row).splitlines()[0] == "missing-value: `kwh` is not given."
    assert len(render(gone).splitlines()) == 2


def test_a_long_line_is_cut_around_its_mark() -> None:
    text = "x" * 5000 + "HERE" + "y" * 5000
    found = problem("file-empty", Place("a.yaml", 1, 5001, 1, 5005))

    _, line, mark, _ = render(found, sources=lambda _: text).splitlines()

    assert len(line) < 200
    assert line[mark.index("^") : mark.rindex("^") + 1] == "HERE"


def test_what_hides_in_a_message_is_shown() -> None:
    """Escape sequences and direction marks of a rule file do not reach the terminal."""
    found = problem("unknown-function", PLACE, None, name="\x1b[31m\u202elog", known="abs")

    shown = render(found, sources=lambda _: "\x1b[2J\n\u202e")

    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_problems_are_ordered_by_place() -> None:
    later = problem("file-empty", Place("a.yaml", 10, 1, 10, 2))
    earlier = problem("file-empty", Place("a.yaml", 9, 7, 9, 8))
    row = problem("missing-value", None, field="kwh")

    found = ProblemsFound([row, later, earlier])

    assert found.problems == (earlier, later, row)


def test_json_holds_everything() -> None:
    found = problem("duplicate-key", PLACE, Place("a.yaml", 1, 1, 1, 3), key="ab")

    data = json.loads(json.dumps(to_json(found)))

    assert data["code"] == "duplicate-key"
    assert data["place"] == {"file": "a.yaml", "line": 2, "column": 5, "end_line": 2, "end_column": 8}
    assert data["other"]["line"] == 1
    assert data["headline"] == "`ab` is written twice here."
    assert data["headline_zh"] == "`ab` 在这里写了两次。"
    assert data["parameters"] == {"key": "ab"}


@given(st.text(), st.integers(0, 50), st.integers(0, 300), st.integers(0, 50), st.integers(0, 300))
def test_render_shows_any_place_of_any_text(text: str, line: int, column: int, end_line: int, end_column: int) -> None:
    """Places beyond the text, empty or turned round never break the message that should help."""
    found = Problem("file-empty", Place("a.yaml", line, column, end_line, end_column), {})

    shown = render(found, sources=lambda _: text)

    assert not any(unicodedata.category(c) == "Cc" for c in shown if c != "\n")


@given(st.text(alphabet="ab电价，", max_size=20))
def test_columns_count_wide_characters_twice(text: str) -> None:
    wide = sum(text.count(c) for c in "电价，")

    assert columns(text) == len(text) + wide
