"""Read a YAML file into nodes that know their place, refusing what would be read otherwise than it looks.

Takes a path; gives a `Map` of texts, lists and mappings. Scalars stay text: `no`, `1:30`, `010` and `0.41170` arrive
as they were written. Anchors, aliases, tags, merge keys, equal keys, empty values, excess depth and size, several
documents and hidden characters are problems, each with its remedy. Nothing here knows which keys there are.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, cast

import yaml

from engine.language.nodes import List, Map, Node, Text
from engine.language.problems import LINE_BREAK, Place, Problem, ProblemsFound, problem, shown_path
from engine.language.syntax import Source, explain, full_width, lone_key, only_text, split_formula

__all__ = ["List", "Map", "Node", "Text", "decode", "load", "load_text", "shown_path"]

BYTES_MAX = 2 * 1024 * 1024
DEPTH_MAX = 32

PROBLEMS_MAX = 100

# what a syntax problem makes of the rest of its line
_CONSEQUENCES = frozenset(
    {"key-without-value", "word-in-braces", "comma-in-braces", "key-not-text", "value-without-key"}
)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TAG = re.compile(r"!\S*")
# control characters, spaces that are none to YAML, zero-width and direction marks, Unicode's own line ends, BOMs
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u2000-\u200f\u2028-\u202f\u205f-\u2069\ufeff\ufffe\uffff]"
)


def load(path: str | os.PathLike[str]) -> Map:
    """Read a rule file.

    Args:
        path: of the file; places name it relative to the current directory where it lies below.

    Returns:
        The file's one document, a mapping that is not empty.

    Raises:
        ProblemsFound: everything that was found wrong with the file as YAML.
    """
    file = shown_path(path)
    try:
        size = Path(path).stat().st_size
        if size > BYTES_MAX:
            raise ProblemsFound([problem("file-too-large", _start(file), size=size, limit=BYTES_MAX)])
        data = Path(path).read_bytes()
    except OSError as error:
        raise ProblemsFound(
            [problem("file-not-found", _start(file), file=file, reason=error.strerror or "no reason given")]
        ) from None
    if data.startswith(b"\xef\xbb\xbf"):
        raise ProblemsFound([problem("byte-order-mark", _start(file))])
    return load_text(decode(data, file), file)


def load_text(text: str, file: str) -> Map:
    """Read a rule file's text, as `load` does; `file` is the name that places show."""
    if len(text) > BYTES_MAX:
        raise ProblemsFound([problem("file-too-large", _start(file), size=len(text.encode()), limit=BYTES_MAX)])
    source = Source(file, text)
    hidden = [
        problem("invisible-character", source.span(found.start(), found.end()), character=f"U+{ord(found[0]):04X}")
        for found in _HIDDEN.finditer(text)
    ]
    if hidden:
        raise ProblemsFound(hidden)
    return _Builder(source).build()


def decode(data: bytes, file: str) -> str:
    """Bytes of a text file as UTF-8 text.

    Raises:
        ProblemsFound: the bytes are not UTF-8; GBK is recognised.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        first = error.start
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ProblemsFound([problem("not-utf8", _start(file), seems="it looks like UTF-16, Excel's `Unicode Text`")])
    lines = LINE_BREAK.split(data[:first].decode("utf-8"))
    place = Place(file, len(lines), len(lines[-1]) + 1, len(lines), len(lines[-1]) + 2)
    try:
        chinese = re.search("[\u4e00-\u9fff]", data.decode("gb18030")) is not None
    except UnicodeDecodeError:
        chinese = False
    if chinese:
        raise ProblemsFound([problem("gbk-encoding", place)])
    raise ProblemsFound([problem("not-utf8", place, seems=f"byte 0x{data[first]:02X}")])


def _start(file: str) -> Place:
    return Place(file, 1, 1, 1, 1)


def _mark(mark: yaml.Mark | Any) -> yaml.Mark:
    """The parser's mark, which the C parser always sets."""
    return cast(yaml.Mark, mark)


class _Builder:
    """Builds the tree from the parser's events, with a stack of its own: depth is checked before it can hurt."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.stack: list[Map | List] = []
        self.keys: list[Text | None] = []  # for each mapping on the stack, the key that waits for its value
        self.flow: list[bool] = []  # for each collection on the stack, whether it is written in brackets
        self.root: Node | None = None
        self.documents: list[Place] = []

    def build(self) -> Map:
        try:
            for event in yaml.parse(self.source.text, Loader=yaml.CSafeLoader):
                self.take(event)
        except yaml.MarkedYAMLError as error:
            self.stopped(explain(error, self.source))
        except yaml.YAMLError as error:  # the reader's: a character that YAML does not allow
            self.problems.append(problem("yaml-syntax", _start(self.source.file), said=str(error).splitlines()[0]))
        if self.problems:
            raise ProblemsFound(self.problems)
        if self.root is None or self.root == "":
            raise ProblemsFound([problem("file-empty", _start(self.source.file))])
        if not isinstance(self.root, Map):
            text = self.root if isinstance(self.root, Text) else None
            raise ProblemsFound([problem("not-a-mapping", self.root.place) if text is None else only_text(text)])
        if not self.root:
            raise ProblemsFound([problem("file-empty", _start(self.source.file))])
        return self.root

    def stopped(self, found: Problem) -> None:
        """Note where the parser stopped, unless its cause stands on the same line already."""
        line = None if found.place is None else found.place.line
        before = [one for one in self.problems if one.place is not None and one.place.line == line]
        if all(one.code in _CONSEQUENCES for one in before):
            self.problems = [one for one in self.problems if one not in before] + [found]

    def take(self, event: yaml.Event) -> None:
        """Take one event; what is refused is noted, and the tree is built on so that all of it is shown at once."""
        if isinstance(event, yaml.DocumentStartEvent):
            place = self.place(event)
            if len(self.documents) == 1:
                self.problems.append(problem("several-documents", place, self.documents[0]))
            self.documents.append(place)
            return
        if len(self.documents) > 1 or not isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            return
        if isinstance(event, yaml.CollectionEndEvent):
            self.close(event)
            return
        if len(self.problems) >= PROBLEMS_MAX:
            raise ProblemsFound(self.problems)
        self.refuse_references(event)
        if isinstance(event, yaml.ScalarEvent):
            self.scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self.add(Text(f"*{event.anchor}", self.place(event)))
        elif isinstance(event, yaml.CollectionStartEvent):
            place = self.place(event)
            if len(self.stack) >= DEPTH_MAX:
                raise ProblemsFound([*self.problems, problem("too-deep", place, limit=DEPTH_MAX)])
            collection = Map(place) if isinstance(event, yaml.MappingStartEvent) else List(place)
            self.add(collection)
            self.stack.append(collection)
            self.keys.append(None)
            self.flow.append(bool(event.flow_style))

    def place(self, event: yaml.Event) -> Place:
        start, end = _mark(event.start_mark), _mark(event.end_mark)
        return Place(self.source.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def refuse_references(self, event: yaml.NodeEvent) -> None:
        if isinstance(event, yaml.AliasEvent):
            self.problems.append(problem("alias-used", self.place(event), name=event.anchor))
        elif event.anchor is not None:
            place = self.source.span(
                _mark(event.start_mark).index, _mark(event.start_mark).index + len(event.anchor) + 1
            )
            self.problems.append(problem("anchor-used", place, name=event.anchor))
        tag = getattr(event, "tag", None)
        if tag is not None:
            start = _mark(event.start_mark).index
            written = _TAG.match(self.source.text, start)
            place = self.place(event) if written is None else self.source.span(start, written.end())
            self.problems.append(problem("tag-used", place, tag=written[0] if written else tag))

    def close(self, event: yaml.CollectionEndEvent) -> None:
        collection = self.stack.pop()
        self.keys.pop()
        flow = self.flow.pop()
        start, end = collection.place, _mark(event.end_mark)
        if flow:
            collection.place = Place(start.file, start.line, start.column, end.line + 1, end.column + 1)
        else:  # a block's end is where the next token begins: its first line stands for it
            collection.place = Place(start.file, start.line, start.column, start.line + 1, 1)

    def scalar(self, event: yaml.ScalarEvent) -> None:
        text = Text(event.value, self.place(event), quoted=event.style not in (None, ""))
        parent = self.stack[-1] if self.stack else None
        plain = not text.quoted
        if plain and str(text) in _NULL and isinstance(parent, Map) and self.keys[-1] is not None:
            self.without_value(self.keys[-1], event)
        elif plain and str(text) in _NULL and isinstance(parent, Map):
            self.problems.append(problem("value-without-key", text.place))
        elif plain and str(text) in _NULL and isinstance(parent, List):
            self.problems.append(problem("item-without-value", text.place))
        elif plain and self.flow and self.flow[-1] and text.count("(") > text.count(")"):
            key = self.keys[-1] if isinstance(parent, Map) else None
            self.problems.append(split_formula(self.source, _mark(event.start_mark).index, key))
        self.add(text)

    def without_value(self, key: Text, event: yaml.ScalarEvent) -> None:
        """A key whose value is empty: it was forgotten, or a comma inside braces has cut a text in two."""
        if not key:
            return  # told already: the key itself is missing
        between = self.source.text[
            self.source.index(key.place.end_line, key.place.end_column) : _mark(event.start_mark).index
        ]
        if not self.flow[-1] or ":" in between or str(event.value):
            self.problems.append(problem("key-without-value", key.place, key=key))
            return
        earlier = list(self.stack[-1].values()) if isinstance(self.stack[-1], Map) else []
        before = earlier[-1] if earlier else None
        if isinstance(before, Text) and any(one.place == before.place for one in self.problems):
            return  # already told: the comma stands between a formula's brackets
        if isinstance(before, Text) and before.count("(") > before.count(")"):
            return
        self.problems.append(lone_key(self.source, before, key))

    def add(self, node: Node) -> None:
        """Hang a node into the collection that is open."""
        if not self.stack:
            if self.root is None:
                self.root = node
            return
        parent = self.stack[-1]
        if isinstance(parent, List):
            parent.append(node)
        elif self.keys[-1] is not None:
            parent[self.keys[-1]] = node
            self.keys[-1] = None
        else:
            self.keys[-1] = self.key(parent, node)

    def key(self, parent: Map, node: Node) -> Text:
        if not isinstance(node, Text):
            self.problems.append(problem("key-not-text", node.place))
            return Text("", node.place)
        if node == "<<" and not node.quoted:
            self.problems.append(problem("merge-key", node.place))
        wide = None if node.quoted else full_width(node)
        if wide is not None:
            at, character, replacement = wide
            place = node.piece(at, at + 1)
            self.problems.append(problem("full-width-punctuation", place, character=character, replacement=replacement))
        first = parent.key(node) if node in parent else None
        if first is not None:
            self.problems.append(problem("duplicate-key", node.place, first.place, key=node))
        return node
