"""The files of a plan of joins, looked at beside the bills: columns that are missing, taken twice or of other types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from engine.bulk.arrays import is_text
from engine.bulk.problems import FileProblem
from engine.runs.inputs import InputFile, expanded, look
from engine.runs.join_plan import Join
from engine.runs.staging import staged_schema

DIGITS_MAX: Final = 38  # of a decimal in DuckDB


@dataclass(frozen=True, slots=True)
class Part:
    """A join that has been looked at."""

    name: str
    join: Join
    files: tuple[InputFile, ...]
    keys: list[tuple[str, str]]  # columns of the file and of the bills
    fields: list[Any]  # what is taken, as pyarrow Fields of the new names
    sources: list[str]  # of what columns of the file

    @property
    def schema(self) -> Any:
        """Of the file."""
        return self.files[0].schema

    @property
    def gives(self) -> list[Any]:
        """The columns that the bills get, as pyarrow Fields."""
        if not self.join.many:
            return self.fields
        inner = pa.field("item", self.fields[0].type, metadata=self.fields[0].metadata)
        return [pa.field(self.join.list_, pa.list_(inner if self.join.field else pa.struct(self.fields)))]

    def bills_columns(self) -> list[str]:
        """The columns of the bills that it compares with."""
        bounds = [bill for both in self.join.within.values() for bill in both]
        return list(dict.fromkeys([*(bill for _, bill in self.keys), *bounds]))

    def file_columns(self) -> list[str]:
        """The columns of the file that are read."""
        keys = [column for column, _ in self.keys]
        return list(dict.fromkeys([*keys, *self.join.within, *self.sources, *self.join.order]))


def part_of(name: str, join: Join, path: Path, bills: Sequence[InputFile]) -> Part:
    """Look at a file and what the plan says of it.

    Raises:
        FileProblem: a column is missing, or of a type that cannot be compared or taken.
    """
    files = look(expanded(path))
    schema, its = files[0].schema, bills[0].schema
    sources, names = list(join.taken), list(join.taken.values())
    for key, columns in (("on", join.on), ("within", join.within), ("order", join.order)):
        _known(columns, schema, path, str(join.place_of(key)))
    _known(sources, schema, path, str(join.place))
    for column, bill in join.on.items():
        _known([bill], its, bills[0].path, str(join.place_of("on")))
        _comparable(schema.field(column), its.field(bill), path, str(join.place_of("on")))
    for column, bounds in join.within.items():
        _known(bounds, its, bills[0].path, str(join.place_of("within")))
        for bill in bounds:
            _days(schema.field(column), its.field(bill), path, str(join.place_of("within")))
    fields = [
        _taken(schema.field(source), new, path, str(join.place)) for source, new in zip(sources, names, strict=True)
    ]
    return Part(name, join, files, list(join.on.items()), fields, sources)


def _known(columns: Sequence[str] | Mapping[str, Any], schema: Any, path: Path, place: str) -> None:
    for column in columns:
        if column not in schema.names:
            known = ", ".join(f"`{name}`" for name in schema.names)
            raise FileProblem("join-column-missing", place, column=column, input=path, known=known)


def _comparable(ours: Any, bill: Any, path: Path, place: str) -> None:
    """Refuse to compare columns of different types, which would match nothing, or what is not meant."""
    if _kind(ours) is None or _kind(ours) != _kind(bill):
        told = {"came": ours.type, "field": bill.name, "found": bill.type}
        raise FileProblem("join-types", place, column=ours.name, input=path, **told)


def _kind(one: Any) -> object:
    type_ = value_type(one.type)
    places = (one.metadata or {}).get(b"places")
    if is_text(type_):
        return "text"
    if pa.types.is_integer(type_):
        return "whole", places
    if pa.types.is_decimal(type_) and type_.precision <= DIGITS_MAX:
        return "decimal", type_.scale
    return "day" if pa.types.is_date32(type_) else None


def _days(ours: Any, bill: Any, path: Path, place: str) -> None:
    """Refuse to look for what is no day, or time without a zone, between days."""
    time = pa.types.is_timestamp(ours.type) and ours.type.tz is None
    if not (time or _kind(ours) in ("day", "text")) or _kind(bill) not in ("day", "text"):
        told = {"came": ours.type, "field": bill.name, "found": bill.type}
        raise FileProblem("join-types", place, column=ours.name, input=path, **told)


def _taken(one: Any, name: str, path: Path, place: str) -> Any:
    """A column as the bills get it: the same type and places, but not as a dictionary."""
    type_ = staged_schema(pa.schema([one.with_type(value_type(one.type))])).field(0).type
    plain_type = pa.types.is_nested(type_) or (pa.types.is_decimal(type_) and type_.precision > DIGITS_MAX)
    if plain_type:
        raise FileProblem("join-column-type", place, column=one.name, input=path, came=one.type)
    return pa.field(name, type_, metadata=one.metadata)


def value_type(type_: Any) -> Any:
    """Give the type of what a dictionary or runs stand for."""
    return type_.value_type if pa.types.is_dictionary(type_) or pa.types.is_run_end_encoded(type_) else type_


def refuse_taken(parts: Sequence[Part], bills: Sequence[InputFile]) -> None:
    """Refuse to overwrite a column of the bills, or of another join.

    Raises:
        FileProblem: two columns would have one name.
    """
    taken = {name: str(bills[0].path) for name in bills[0].schema.names}
    for part in parts:
        for name in part.join.gives:
            if name in taken:
                raise FileProblem("join-column-taken", str(part.join.place), column=name, input=taken[name])
            taken[name] = str(part.files[0].path)
