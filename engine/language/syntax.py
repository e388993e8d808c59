"""What the slips of typing are, told from the text around them.

Takes the place where the YAML parser stopped, or where something empty or cut in two turned up, and the source text;
gives the problem in the words of the person who wrote the line. Nothing here repairs anything.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

import yaml

from engine.language.nodes import Node, Text
from engine.language.problems import LINE_BREAK, Place, Problem, problem

_CLOSING: Final = {"{": "}", "[": "]"}
_KEY = r"[A-Za-z_][\w.-]*"
_KEY_IN_BRACES = re.compile(rf"(?:^|[{{,])\s*({_KEY})\s*:\s+", re.ASCII)
_KEY_WIDE_COLON = re.compile(rf"\s*(?:-\s+)?{_KEY}\s*(：)", re.ASCII)
_KEY_TIGHT_COLON = re.compile(rf"\s*(?:-\s+)?(({_KEY}):(\S.*?))\s*$", re.ASCII)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")
_WIDE_STRUCTURE = re.compile(r"(?<=[\w\]}\"')])\s*([：，｛｝［］])")

_SIGNS: Final = {
    "\u3000": " ",
    "\u00a0": " ",
    "、": ",",
    "。": ".",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "−": "-",
    "–": "-",
    "—": "-",
    "【": "[",
    "】": "]",
}


class Source:
    """A file's text, and the way from counted characters to places and back."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.starts = [0, *(found.end() for found in LINE_BREAK.finditer(text))]

    def line(self, number: int) -> str:
        """A line by its number from 1, without its end; empty beyond the last."""
        if not 1 <= number <= len(self.starts):
            return ""
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[self.starts[number - 1] : end].rstrip("\r\n")

    def index(self, line: int, column: int) -> int:
        """Position in the text of a line and column from 1."""
        return self.starts[line - 1] + column - 1 if line <= len(self.starts) else len(self.text)

    def span(self, start: int, end: int) -> Place:
        """Place of the characters `start` to `end` (exclusive)."""
        first = bisect_right(self.starts, start)
        last = bisect_right(self.starts, max(start, end - 1))
        return Place(
            self.file, first, start - self.starts[first - 1] + 1, last, max(start, end) - self.starts[last - 1] + 1
        )

    def on_line(self, line: int, start: int, end: int) -> Place:
        """Place of a stretch of one line, by positions from 0."""
        return Place(self.file, line, start + 1, line, end + 1)

    def whole_line(self, line: int) -> Place:
        text = self.line(line)
        return self.on_line(line, len(text) - len(text.lstrip()), len(text.rstrip()))


def half_width(character: str) -> str:
    """The half-width sign, digit or letter for a full-width one; the character itself where there is none."""
    if "\uff01" <= character <= "\uff5e":
        return chr(ord(character) - 0xFEE0)
    return _SIGNS.get(character, character)


def full_width(text: str) -> tuple[int, str, str] | None:
    """The first full-width sign, digit or letter: position, character, the half-width one."""
    for at, character in enumerate(text):
        if not character.isascii() and (replacement := half_width(character)) != character:
            return at, character, replacement
    return None


def explain(error: yaml.MarkedYAMLError, source: Source) -> Problem:
    """The problem behind a parser's error, by what the parser says and what stands there."""
    said = str(error.problem or "")
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column) if mark is not None else (1, 0)
    if line > 1 and not source.line(line).strip() and column == 0:  # the end of the file: show its last written line
        last = next((n for n in range(line - 1, 0, -1) if source.line(n).strip()), 1)
        text, here = source.line(last), source.on_line(last, len(source.line(last)), len(source.line(last)) + 1)
    else:
        last, text, here = line, source.line(line), source.on_line(line, column, column + 1)
    sign = text[column : column + 1] if last == line else ""
    context = error.context_mark
    opened = None if context is None else source.on_line(context.line + 1, context.column, context.column + 1)

    if sign == "\t" or (said.startswith("found character") and "\t" in text[: column + 1]):
        at = text.index("\t")
        return problem("tab-character", source.on_line(last, at, at + 1))
    quoted = "quoted scalar" in str(error.context)
    if quoted and opened is not None and ("end of stream" in said or "document indicator" in said):
        return problem("unclosed-quote", opened, quote=source.line(opened.line)[opened.column - 1 : opened.column])
    if quoted:
        return problem("backslash-in-quotes", here)
    if "expected ',' or" in said and opened is not None and sign in tuple(_CLOSING):
        return _own_brackets(source, opened, last, column)
    if wide := _wide_structure(source, last):
        return wide
    if "cannot start any token" in said:
        return problem("text-needs-quotes", here, character=sign)
    if "expected comment or line break" in said and opened is not None:
        character = source.line(opened.line)[opened.column - 1 : opened.column]
        return problem("text-needs-quotes", opened, character=character)
    if "expected ',' or" in said and opened is not None:
        return _inside_brackets(source, opened, last, column if last == line else len(text), sign, here)
    if "mapping values" in said:
        return _second_colon(source, line, column, here)
    if "could not find expected ':'" in said and opened is not None:
        return _without_colon(source, opened.line)
    if "sequence entries" in said:
        return problem("dash-after-key", here)
    if "expected node content" in said:
        return _nothing_here(sign, here)
    if "document start" in said:
        return problem("several-documents", here)
    if "expected key" in said or "expected '-'" in said:
        return _unexpected(text, column, sign, here, source, last)
    return problem("yaml-syntax", here, said=said or "no reason given")


def _wide_structure(source: Source, line: int) -> Problem | None:
    """A full-width sign that was meant as YAML's own, on the line of the error or the written line above."""
    above = next((n for n in range(line - 1, 0, -1) if source.line(n).strip()), line)
    for number in (line, above):
        text = _QUOTED.sub(lambda found: "x" * len(found[0]), source.line(number)).split(" #")[0]
        found = _KEY_WIDE_COLON.match(text)
        if found is None and number == line and re.search(r"[{\[]", text):
            found = _WIDE_STRUCTURE.search(text)
        if found is not None:
            place = source.on_line(number, found.start(1), found.end(1))
            return problem("full-width-punctuation", place, character=found[1], replacement=half_width(found[1]))
    return None


def _inside_brackets(source: Source, opened: Place, line: int, column: int, sign: str, here: Place) -> Problem:
    """Between brackets, something else than a comma or the closing bracket."""
    bracket = source.line(opened.line)[opened.column - 1 : opened.column]
    if opened.line == line and sign == ":":
        return problem("colon-in-text", here)
    if opened.line == line and sign and sign in "]}":
        return problem("stray-bracket", here, bracket=sign)
    if opened.line == line and sign and bracket in _CLOSING and source.line(line)[column - 1 : column] in ('"', "'"):
        return problem("text-after-quotes", here)
    return problem("unclosed-bracket", opened, bracket=bracket, closing=_CLOSING.get(bracket, bracket))


def _own_brackets(source: Source, opened: Place, line: int, column: int) -> Problem:
    """A formula or message whose brackets YAML took for its own; the first of them is at `column`."""
    start = source.index(opened.line, opened.column) + 1 if opened.line == line else source.index(line, 1)
    before = source.text[start : source.index(line, column + 1)]
    braces = source.line(opened.line)[opened.column - 1 : opened.column] == "{"
    keys = list(_KEY_IN_BRACES.finditer(before)) if braces else []
    if keys:
        key, first = keys[-1][1], start + keys[-1].end()
    else:
        key, first = "", start + len(before) - len(re.split(r"[,\[]", before)[-1].lstrip())
    end = _end_of_item(source.text, first)
    text = source.text[first:end].rstrip()
    place = source.span(first, first + len(text))
    if key:
        return problem("formula-in-braces", place, key=key, text=text)
    return problem("formula-in-list", place, text=text)


def split_formula(source: Source, start: int, key: Text | None) -> Problem:
    """A formula that begins at `start` and whose comma inside round brackets YAML took for its own."""
    text = source.text[start : _end_of_item(source.text, start)].rstrip()
    place = source.span(start, start + len(text))
    if key is not None:
        return problem("formula-in-braces", place, key=key, text=text)
    return problem("formula-in-list", place, text=text)


def _end_of_item(text: str, start: int) -> int:
    """Where an item inside braces ends, had its brackets been in quotes: never beyond its line."""
    depth = 0
    for at in range(start, len(text)):
        character = text[at]
        if character in "\r\n":
            return at
        if character in "([{":
            depth += 1
        elif character in ")]}":
            if depth == 0:
                return at
            depth -= 1
        elif character == "," and depth == 0:
            return at
    return len(text)


def lone_key(source: Source, before: Node | None, key: Text) -> Problem:
    """A key without a colon inside braces, after the value `before`: `{price: 0,5483}`, `{source: 426号, 附件1}`."""
    tight = _KEY_TIGHT_COLON.match(key)
    if tight is not None:
        return problem("space-after-colon", key.place, text=tight[1], suggestion=f"{tight[2]}: {tight[3]}")
    if not isinstance(before, Text) or before.quoted:
        return problem("word-in-braces", key.place, key=key)
    start = source.index(before.place.line, before.place.column)
    end = source.index(key.place.end_line, key.place.end_column)
    whole = source.text[start:end]
    place = source.span(start, end)
    if re.fullmatch(r"-?[0-9]+,[0-9.]+", whole):
        if re.fullmatch(r"-?[1-9][0-9]{0,2},[0-9]{3}(\.[0-9]+)?", whole):
            return problem("thousands-comma", place, text=whole, suggestion=whole.replace(",", ""))
        return problem("decimal-comma", place, text=whole, suggestion=whole.replace(",", ".", 1))
    return problem("comma-in-braces", key.place, key=key, suggestion=" ".join(whole.split()))


def key_slip(text: Text) -> Problem | None:
    """A text that was meant as a key and its value: its colon is full-width, or has no space after it."""
    wide, tight = _KEY_WIDE_COLON.match(text), _KEY_TIGHT_COLON.match(text)
    if text.quoted:
        return None
    if wide is not None:
        place = text.piece(wide.start(1), wide.end(1))
        return problem("full-width-punctuation", place, character="：", replacement=":")
    if tight is not None:
        return problem("space-after-colon", text.place, text=tight[1], suggestion=f"{tight[2]}: {tight[3]}")
    return None


def only_text(text: Text) -> Problem:
    """A file that is one text: the colon that would make it a key and a value is missing, tight or full-width."""
    return key_slip(text) or problem("not-a-mapping", text.place)


def _second_colon(source: Source, line: int, column: int, here: Place) -> Problem:
    before = source.line(line)[:column]
    if re.search(r":\s", before):
        return problem("colon-in-text", here)
    above = next((n for n in range(line - 1, 0, -1) if source.line(n).strip()), 0)
    text = source.line(above).split(" #")[0]
    if above and not re.search(r":(\s|$)", text):
        return _without_colon(source, above)
    return problem("bad-indentation", source.whole_line(line))


def _without_colon(source: Source, line: int) -> Problem:
    """A line that should be `key: value` and has no colon with a space after it."""
    text = source.line(line).split(" #")[0]
    tight = _KEY_TIGHT_COLON.match(text)
    if tight is not None:
        place = source.on_line(line, tight.start(1), tight.end(1))
        return problem("space-after-colon", place, text=tight[1], suggestion=f"{tight[2]}: {tight[3]}")
    return problem("missing-colon", source.whole_line(line))


def _nothing_here(sign: str, here: Place) -> Problem:
    if sign == "-":
        return problem("lone-dash", here)
    if sign and sign in "]}":
        return problem("stray-bracket", here, bracket=sign)
    if sign == ":":
        return problem("value-without-key", here)
    if sign == ",":
        return problem("item-without-value", here)
    return problem("yaml-syntax", here, said="a value is expected here")


def _unexpected(text: str, column: int, sign: str, here: Place, source: Source, line: int) -> Problem:
    """The parser wanted the next key or dash of a block."""
    before = text[:column].rstrip()
    if not before:
        return (
            problem("value-without-key", here) if sign == ":" else problem("bad-indentation", source.whole_line(line))
        )
    rest = source.on_line(line, column, len(text.rstrip()))
    if before.endswith(('"', "'")):
        return problem("text-after-quotes", rest)
    if sign and sign in "]}":
        return problem("stray-bracket", here, bracket=sign)
    if before.endswith(("]", "}")):
        return problem("text-after-bracket", rest)
    return problem("yaml-syntax", here, said="the next key is expected here")
