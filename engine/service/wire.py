"""Messages written straight to the bytes that they have on the wire, for those whose columns are large.

A column that is put into a protobuf message is copied into it, and copied again when the message is written. Here the
pieces of a message are gathered, its own fields written by protobuf and columns as numpy's memory, and joined once.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

import numpy as np
from google.protobuf.message import Message

from engine.evaluator.rows import Array

_LENGTH_DELIMITED: Final = 2  # how packed values, and messages inside messages, stand on the wire
_VARINT_BITS: Final = 7
_LITTLE: Final = sys.byteorder == "little"


@dataclass(frozen=True, slots=True)
class Written:
    """A message as it stands on the wire."""

    data: bytes


class Writing:
    """A message that is being written. Fields may come in any order, as protobuf reads them so."""

    __slots__ = ("_pieces", "_size")

    def __init__(self, head: Message | None = None) -> None:
        """Begin with fields that protobuf writes."""
        self._pieces: list[bytes | memoryview] = []
        self._size = 0
        if head is not None:
            self._add(head.SerializeToString())

    def column(self, field: int, values: Array) -> None:
        """Write a packed field of fixed width.

        Args:
            field: its number.
            values: shape (row,), of the width that the field has.
        """
        if not (_LITTLE and values.flags.c_contiguous):  # the lowest byte comes first
            values = np.ascontiguousarray(values, f"<{values.dtype.str[1:]}")
        if len(values):
            self._add(_tag(field, values.nbytes))
            self._pieces.append(values.data.cast("B"))
            self._size += values.nbytes

    def message(self, field: int, inner: Writing) -> None:
        """Write a message inside the message."""
        self._add(_tag(field, inner._size))
        self._pieces += inner._pieces
        self._size += inner._size

    def written(self) -> Written:
        """Join the pieces."""
        return Written(b"".join(self._pieces))

    def _add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)


def _tag(field: int, length: int) -> bytes:
    return _varint(field << 3 | _LENGTH_DELIMITED) + _varint(length)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >> _VARINT_BITS:
        found.append(number & 0x7F | 0x80)
        number >>= _VARINT_BITS
    found.append(number)
    return bytes(found)
