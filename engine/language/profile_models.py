"""What analysts write about customers: scores with weighted indicators, and segments with their classes.

The lowering is in `engine.quantities.score` and `engine.quantities.segment`: both become ordinary formulas.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from engine.language import scalars
from engine.language.fields import (
    FormulaField,
    Model,
    NameField,
    NumberField,
    PlacesField,
    PricedField,
    Printed,
    Source,
    TextField,
)
from engine.language.nodes import List, Map, Text
from engine.language.problems import ProblemsFound
from engine.language.reading import ONE_VALUE, wrong_shape

Mode = Literal["half_up", "half_even", "up", "down", "floor", "ceiling"]

REFUSE = "refuse"
LEFT_OUT = "left_out"


def _missing(node: Any) -> Any:
    """`refuse`, `left_out`, or points."""
    if isinstance(node, Map | List):
        raise ProblemsFound([wrong_shape(node, ONE_VALUE)])
    if isinstance(node, Text):
        return node if str(node) in (REFUSE, LEFT_OUT) else scalars.number(node)
    return node


MissingField = Annotated[Text | Printed, PlainValidator(_missing), WithJsonSchema({"type": ["string", "number"]})]


class Limit(Model):
    """Where a band ends: one of the four keys, and none for the last band."""

    what = "a band"

    up_to: PricedField | None = None
    below: PricedField | None = None
    up_to_quantile: NumberField | None = None
    below_quantile: NumberField | None = None


class PointsBand(Limit):
    what = "a band of points"

    title: TextField | None = None
    points: PricedField


class IndicatorRule(Model):
    """One indicator of a score: what is measured, the points for it, its weight, and what absence does."""

    what = "an indicator"

    title: TextField | None = None
    measure: FormulaField | None = None
    choice: NameField | None = None
    weight: PricedField
    bands: list[PointsBand] | None = None
    points: dict[NameField, PricedField] | None = None
    quantiles_from: NameField | None = None  # the notice that holds the limits of `..._quantile`
    absent_when: FormulaField | None = None
    missing: MissingField | None = None
    source: Source | None = None


class ScoreRule(Model):
    """A weighted number given to a customer."""

    what = "a score"

    title: TextField | None = None
    places: PlacesField
    round: Mode = "half_up"
    source: Source | None = None
    indicators: dict[NameField, IndicatorRule]


class ClassRule(Limit):
    """A class of a segment, with the services that go with it."""

    what = "a class"

    is_: Annotated[NameField, Field(alias="is")]
    title: TextField | None = None
    when: FormulaField | None = None
    services: list[TextField] | None = None


class SegmentRule(Model):
    """A class given to a customer: by the bands of one number, or the first class whose condition holds."""

    what = "a segment"

    title: TextField | None = None
    by: FormulaField | None = None
    quantiles_from: NameField | None = None
    absent_when: FormulaField | None = None
    missing: NameField | None = None  # a class, or `refuse`
    source: Source | None = None
    classes: list[ClassRule]
