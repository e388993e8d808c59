"""How events and memories lie in the database: MessagePack, whole numbers of any size exactly.

An event's values are read by the names that they were written with. Where a rate book has changed a type since, a value
of other decimal places is taken over if it is the same number, a code by its text, one of another unit not at all; what
is new has its default, or is absent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple, cast

import msgpack

from engine.compiler.program import InputSpec
from engine.compiler.trigger import EventType
from engine.triggers.events import Event
from engine.triggers.machine import Memory
from engine.warnings.correlator import AccountMemory, Slot

NO_TYPE: Final = "?"  # no name of a declared type; "" is the deadline
_WIDE: Final = 1  # MessagePack's own whole numbers have 64 bits; of others this type has the bytes


class Field(NamedTuple):
    """An input of an event type as its values are written: with so many decimal places, or as places in `codes`."""

    name: str
    places: int = 0
    unit: str = "1"  # what is no number has its kind here
    codes: tuple[str, ...] = ()


class Shape(NamedTuple):
    """Inputs and keys as values of an event type lie in a packed event."""

    type: str
    inputs: tuple[Field, ...]
    keys: tuple[str, ...]

    @staticmethod
    def of(type_: EventType) -> Shape:
        """Give that of an event type as it is now."""
        return Shape(type_.name, tuple(_field(one) for one in type_.inputs), type_.keys)

    def to_json(self) -> str:
        """Inputs and keys, written in one way only."""
        return json.dumps([self.inputs, self.keys], ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def from_json(type_: str, written: str) -> Shape:
        """Read what `to_json` wrote."""
        inputs, keys = json.loads(written)
        fields = (Field(name, places, unit, tuple(codes)) for name, places, unit, codes in inputs)
        return Shape(type_, tuple(fields), tuple(keys))


def packer() -> msgpack.Packer:
    """Give what packs; one thread at a time uses it."""
    return msgpack.Packer(default=_wide, autoreset=True)


def pack_event(packing: msgpack.Packer, event: Event) -> bytes:
    """Pack what an event has besides id, account, time and shape."""
    return cast("bytes", packing.pack((event.values, event.keys, event.region, event.ruleset)))


def unpack_event(at: int, id_: str, account: str, shape: Shape, packed: bytes) -> Event:
    """Read a packed event as it was written.

    Args:
        at: [us].
        id_: of the event.
        account: of the event.
        shape: that it was packed with.
        packed: as `pack_event` gave it.
    """
    values, keys, region, ruleset = _unpack(packed)
    return Event(id_, shape.type, account, at, values, keys, region, ruleset)


def read_again(event: Event, shape: Shape, type_: EventType) -> Event:
    """Read an event of the log as its type is declared now.

    One that has not all that its type requires now is no event of it any more, and of no other: its type is NO_TYPE,
    so that no trigger looks at it, and it is like no event that comes.

    Args:
        event: as it was written.
        shape: that it was written with.
        type_: as it is declared now.
    """
    came = {one.name: (one, value) for one, value in zip(shape.inputs, event.values, strict=True)}
    named = dict(zip(shape.keys, event.keys, strict=True))
    values: list[int | None] = []
    fits = named.keys() >= set(type_.keys)
    for spec in type_.inputs:
        was, value = came.get(spec.name, (None, None))
        now = spec.default
        if was is not None and value is not None:
            now = _taken_over(was, value, _field(spec))
            fits = fits and (now is not None or (spec.optional and spec.default is None))
        fits = fits and (now is not None or spec.optional)
        values.append(now)
    if not fits:
        return replace(event, type=NO_TYPE)
    return replace(event, values=tuple(values), keys=tuple(named[name] for name in type_.keys))


def pack_memory(packing: msgpack.Packer, numbers: Mapping[str, int], memory: AccountMemory) -> bytes:
    """Pack what is remembered of an account; `numbers` are those of the triggers."""
    return cast(
        "bytes", packing.pack([(numbers[slot[0]], slot[1], at, held) for slot, (held, at) in memory.slots.items()])
    )


def unpack_memory(triggers: Mapping[int, str], packed: bytes) -> dict[Slot, tuple[Memory, int]]:
    """Read what is remembered of an account; that of a trigger whose number is not among `triggers` is left out."""
    return {(triggers[number], key): (held, at) for number, key, at, held in _unpack(packed) if number in triggers}


def _unpack(packed: bytes) -> tuple:  # type: ignore[type-arg]  # as it was packed, just above
    return cast("tuple", msgpack.unpackb(packed, use_list=False, ext_hook=_narrow))  # type: ignore[type-arg]  # same


def _field(spec: InputSpec) -> Field:
    type_ = spec.type
    return Field(spec.name, type_.places, str(type_.unit) if type_.kind == "number" else type_.kind, type_.codes)


def _taken_over(was: Field, value: int, now: Field) -> int | None:
    """Give a value as it is written now; None: it cannot be."""
    if was.unit != now.unit:
        return None
    if now.codes:
        code = was.codes[value]
        return now.codes.index(code) if code in now.codes else None
    scale: int = 10 ** abs(now.places - was.places)
    if was.places <= now.places:
        return value * scale
    whole, rest = divmod(value, scale)
    return None if rest else whole


def _wide(value: object) -> msgpack.ExtType:
    assert isinstance(value, int), value
    return msgpack.ExtType(_WIDE, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _narrow(code: int, packed: bytes) -> int:
    assert code == _WIDE, code
    return int.from_bytes(packed, "big", signed=True)
