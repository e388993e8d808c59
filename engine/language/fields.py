"""Field types of the rule language's models: what may stand after a key.

Takes nodes (`Text`, `Map`, `List`) as `load` gives them; gives numbers with their written digits, days, units, names,
formulas. A model is written with these types alone, and `read` tells every problem with its place:

    class Tier(Model):
        title: TextField | None = None
        up_to: PricedField | None = None
        price: PricedField
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from engine.language import scalars
from engine.language.expressions import Expr
from engine.language.formulas import parse
from engine.language.nodes import List, Map, Node, Text
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.reading import ONE_VALUE, Model, read, wrong_shape
from engine.language.scalars import Printed, WrittenUnit

__all__ = [
    "BoolField",
    "Dated",
    "DatedFigure",
    "DayField",
    "DurationField",
    "FormulaField",
    "IdField",
    "IntField",
    "Model",
    "NameField",
    "NamesField",
    "NodeField",
    "NumberField",
    "PlacesField",
    "Priced",
    "PricedField",
    "Printed",
    "Source",
    "Standing",
    "TextField",
    "UnitField",
    "WrittenUnit",
    "check_dated",
    "read",
]

T = TypeVar("T")


def _scalar(convert: Callable[[Text], T]) -> PlainValidator:
    """A validator that wants a text and converts it; defaults of the model's own type pass."""

    def validate(node: Any) -> Any:
        if isinstance(node, Map | List):
            raise ProblemsFound([wrong_shape(node, ONE_VALUE)])
        return convert(node) if isinstance(node, Text) else node

    return PlainValidator(validate)


def _node(node: Any) -> Any:
    return node


def _names(node: Any) -> Any:
    """One name, or a list of names."""
    if isinstance(node, Text):
        return (scalars.name(node),)
    if isinstance(node, List):
        texts = [one for one in node if isinstance(one, Text)]
        if len(texts) < len(node):
            raise ProblemsFound([wrong_shape(one, ONE_VALUE) for one in node if not isinstance(one, Text)])
        return tuple(scalars.name(one) for one in texts)
    if isinstance(node, Map):
        raise ProblemsFound([wrong_shape(node, ONE_VALUE)])
    return node


def _formula(text: Text) -> Expr:
    scalars.refuse_full_width(text)
    return parse(text)


def _places(text: Text) -> int:
    """Decimal places of a rounding, as many as one digit says, as in formulas."""
    places = scalars.whole_number(text)
    if not 0 <= places <= 9:
        raise ProblemsFound([problem("rounding-places", text.place, None, formula=text)])
    return places


_FORMULA_SCHEMA: Final[Mapping[str, Any]] = {"type": ["string", "number", "boolean"]}

NumberField = Annotated[Printed, _scalar(scalars.number), WithJsonSchema({"type": "number"})]
IntField = Annotated[int, _scalar(scalars.whole_number), WithJsonSchema({"type": "integer"})]
PlacesField = Annotated[int, _scalar(_places), WithJsonSchema({"type": "integer"})]
BoolField = Annotated[bool, _scalar(scalars.truth), WithJsonSchema({"type": "boolean"})]
DayField = Annotated[
    date, _scalar(scalars.day), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
]
DurationField = Annotated[
    int,
    _scalar(scalars.duration),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,5} (second|minute|hour|day|week)s?$"}),
]
UnitField = Annotated[WrittenUnit, _scalar(scalars.unit), WithJsonSchema({"type": ["string", "integer"]})]
NameField = Annotated[
    Text, _scalar(scalars.name), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"})
]
NamesField = Annotated[
    tuple[Text, ...],
    PlainValidator(_names),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
IdField = Annotated[
    Text, _scalar(scalars.dotted_id), WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9_.-]*$"})
]
TextField = Annotated[Text, _scalar(scalars.words), WithJsonSchema({"type": ["string", "number", "boolean"]})]
FormulaField = Annotated[Expr, _scalar(_formula), WithJsonSchema(_FORMULA_SCHEMA)]
NodeField = Annotated[Node, PlainValidator(_node), WithJsonSchema({})]

Standing = Literal["official", "copy", "recalled", "derived", "benchmark", "example"]


class Source(Model):
    """Where a rule or a number comes from, and how far that can be trusted."""

    what = "a source"

    document: TextField | None = None
    publisher: TextField | None = None
    url: TextField | None = None
    standing: Standing
    note: TextField | None = None

    @property
    def label(self) -> str:
        return str(self.document or self.publisher or self.url or self.note or "")


class DatedFigure(Model):
    """A printed number and the days on which it holds, both included."""

    what = "a dated figure"

    from_: Annotated[DayField, Field(alias="from")]
    through: DayField | None = None
    printed: NumberField
    source: Source | None = None


class Dated(Model):
    """A number that changes: one figure after another, none on two days at once."""

    what = "a dated value"

    dated: list[DatedFigure]

    @model_validator(mode="after")
    def _in_order(self) -> Dated:
        found = check_dated(self.dated)
        if found:
            raise ProblemsFound(found)
        return self


def check_dated(figures: list[DatedFigure]) -> list[Problem]:
    """Problems of figures that are out of order, overlap, or end before they begin."""
    found: list[Problem] = []
    for figure in figures:
        if figure.through is not None and figure.through < figure.from_:
            place = figure.place_of("through")
            found.append(problem("through-before-from", place, None, through=figure.through, from_day=figure.from_))
    for earlier, later in pairwise(figures):
        here, there = later.place_of("from"), earlier.place_of("from")
        if later.from_ < earlier.from_:
            found.append(problem("dated-order", here, there, earlier=later.from_, later=earlier.from_))
        elif later.from_ == earlier.from_ or (earlier.through is not None and later.from_ <= earlier.through):
            found.append(problem("dated-overlap", here, there, day=later.from_))
    return found


Priced: TypeAlias = Printed | Expr | Dated


def _priced(node: Any) -> Any:
    """A printed number, a formula, or figures with dates."""
    if isinstance(node, Text):
        return scalars.number(node) if scalars.looks_numeric(node) else _formula(node)
    if isinstance(node, Map):
        return read(Dated, node)
    if isinstance(node, List):
        raise ProblemsFound([wrong_shape(node, ONE_VALUE)])
    return node


PricedField = Annotated[
    Printed | Expr | Dated,
    PlainValidator(_priced),
    WithJsonSchema({"anyOf": [_FORMULA_SCHEMA, {"type": "object", "required": ["dated"]}]}),
]
