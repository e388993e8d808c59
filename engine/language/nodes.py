"""What a rule file is once it is read: mappings, lists and texts that know their place.

A scalar stays the text that was written; what it means is for the model's types to say.
"""

from __future__ import annotations

from typing import TypeAlias

from engine.language.problems import Place

NOWHERE = Place("", 0, 0, 0, 0)


class Text(str):
    """A scalar as written, without its quotes.

    `quoted`: it stood in quotes or in a block (`|`, `>`), so it is meant as text.
    """

    __slots__ = ("place", "quoted")

    place: Place
    quoted: bool

    def __new__(cls, value: str, place: Place = NOWHERE, quoted: bool = False) -> Text:
        text = super().__new__(cls, value)
        text.place = place
        text.quoted = quoted
        return text

    def __getnewargs__(self) -> tuple[str, Place, bool]:  # type: ignore[override]  # how pickle makes it again
        return (str(self), self.place, self.quoted)

    def __getstate__(self) -> None:
        return None

    def piece(self, start: int, end: int) -> Place:
        """Place of the characters `start` to `end` (exclusive); the whole place where they cannot be counted."""
        whole = self.place
        quotes = 2 if self.quoted else 0
        if whole.line != whole.end_line or whole.end_column - whole.column != len(self) + quotes:
            return whole
        first = whole.column + quotes // 2
        return Place(whole.file, whole.line, first + start, whole.line, first + end)


class Map(dict[Text, "Node"]):
    """A mapping; its keys keep the order and the places in which they were written."""

    __slots__ = ("place",)

    place: Place

    def __init__(self, place: Place = NOWHERE) -> None:
        super().__init__()
        self.place = place

    def key(self, name: str) -> Text | None:
        """The key as written, with its place."""
        return next((key for key in self if key == name), None)

    def place_of(self, name: str) -> Place:
        """Place of a key; that of the mapping where it lacks the key."""
        key = self.key(name)
        return self.place if key is None else key.place


class List(list["Node"]):
    """A list."""

    __slots__ = ("place",)

    place: Place

    def __init__(self, place: Place = NOWHERE) -> None:
        super().__init__()
        self.place = place


Node: TypeAlias = Text | Map | List
