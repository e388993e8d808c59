"""Messages spoilt at random: byte by byte, and field by field."""

from __future__ import annotations

import random
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

WHOLE: Final = (
    0,
    1,
    -1,
    2,
    7,
    18,
    19,
    255,
    65_536,
    65_537,
    2**31 - 1,
    -(2**31),
    2**32 - 1,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
)
TEXTS: Final = (
    "",
    "0",
    "x",
    "NaN",
    "-1e9",
    "2026-02-30",
    "cn.jiangsu.residential",
    "kwh_total",
    "\x00",
    "電" * 300,
    "a" * 64,
)
OCTETS: Final = (b"", b"\x00", b"\xff", b"\xff" * 40, b"\x01\x02\x03")
DEPTH_MAX: Final = 8
BYTES_MAX: Final = 40  # that one change moves


def spoilt_bytes(data: bytes, draw: random.Random) -> bytes:
    """Change a few bytes: turn, leave out, repeat, put in, cut off."""
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 5))):
        at, size = draw.randrange(len(found) + 1), draw.randint(1, BYTES_MAX)
        match draw.randrange(6):
            case 0 if at < len(found):
                found[at] ^= 1 << draw.randrange(8)
            case 1 if at < len(found):
                found[at] = draw.randrange(256)
            case 2:
                del found[at : at + size]
            case 3:
                found[at:at] = found[at : at + size]
            case 4:
                found[at:at] = draw.randbytes(size)
            case 5:
                del found[at:]
    return bytes(found)


def spoilt_field(message: Message, draw: random.Random) -> None:
    """Change one field, here or further down: an odd value, left out, repeated, of another kind."""
    for _ in range(DEPTH_MAX):
        below = [one for one in _messages(message) if one.DESCRIPTOR.fields]
        if not below or draw.random() < 0.25:
            break
        message = draw.choice(below)
    field: Any = draw.choice(message.DESCRIPTOR.fields)
    if draw.random() < 0.15:
        message.ClearField(field.name)
    elif _is_map(field):
        _spoil_map(getattr(message, field.name), draw)
    elif field.is_repeated:
        _spoil_repeated(getattr(message, field.name), field, draw)
    elif field.message_type is not None:
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, _scalar(field, draw))


def _messages(message: Message) -> list[Message]:
    found: list[Message] = []
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if _is_map(field):
            found += value.values() if field.message_type.fields_by_name["value"].message_type is not None else []
        else:
            found += list(value) if field.is_repeated else [value]
    return found


def _is_map(field: Any) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _spoil_map(values: Any, draw: random.Random) -> None:
    name = draw.choice((*values.keys(), *TEXTS))
    if name in values and draw.random() < 0.4:
        del values[name]
    else:
        spoilt_field(values[name], draw)


def _spoil_repeated(values: Any, field: FieldDescriptor, draw: random.Random) -> None:
    count = len(values)
    match draw.randrange(4):
        case 0 if count:
            del values[draw.randrange(count) :]
        case 1 if count:
            values.append(values[draw.randrange(count)])
        case 2 if count and field.message_type is None:
            values[draw.randrange(count)] = _scalar(field, draw)
        case _:
            if field.message_type is None:
                values.append(_scalar(field, draw))
            else:
                spoilt_field(values.add(), draw)


def _scalar(field: FieldDescriptor, draw: random.Random) -> Any:
    """An odd value that the field can hold."""
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return draw.random() < 0.5
        case FieldDescriptor.CPPTYPE_STRING:
            return draw.choice(OCTETS if field.type == FieldDescriptor.TYPE_BYTES else TEXTS)
        case FieldDescriptor.CPPTYPE_INT32 | FieldDescriptor.CPPTYPE_ENUM:
            return draw.choice([one for one in WHOLE if -(2**31) <= one < 2**31])
        case FieldDescriptor.CPPTYPE_UINT32:
            return draw.choice([one for one in WHOLE if 0 <= one < 2**32])
        case FieldDescriptor.CPPTYPE_INT64:
            return draw.choice([one for one in WHOLE if -(2**63) <= one < 2**63])
        case FieldDescriptor.CPPTYPE_UINT64:
            return draw.choice([one for one in WHOLE if 0 <= one < 2**64])
        case kind:
            raise AssertionError(f"{field.full_name} is of kind {kind}")
