"""What analysts write to have customers advised: lawful alternatives to how they are billed now."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.language.fields import (
    FormulaField,
    IdField,
    Model,
    NameField,
    NodeField,
    NumberField,
    Source,
    TextField,
)
from engine.language.models import Rules, Vouched


class ConditionRule(Model):
    """What a customer has to do or to accept: notice periods, minimum terms."""

    what = "a condition"

    text: TextField
    source: Source | None = None


class BestRule(Model):
    """An input whose best value is searched: every step from `from` to `to`, one value for all rows of an account."""

    what = "what is to be at its best"

    input: NameField
    from_: Annotated[FormulaField, Field(alias="from")]
    to: FormulaField
    step: NumberField


class AlternativeRule(Model):
    """One lawful alternative: another rule set, other inputs, or both."""

    what = "an alternative"

    title: TextField
    kind: Literal["choice", "measure", "plan"]
    lawful: FormulaField | None = None
    otherwise: TextField | None = None  # why not, where it is not lawful; may name `{inputs}` and `{quantities}`
    first: list[NameField] = []
    ruleset: IdField | None = None
    set_: Annotated[dict[NameField, NodeField], Field(alias="set")] = {}
    best: BestRule | None = None
    cost: FormulaField | None = None  # once, in the rule set's currency; the largest of an account's rows counts
    how: TextField | None = None  # what the customer does
    conditions: list[ConditionRule] = []
    source: Source | None = None


class AdviceRow(Model):
    what = "a row of a test"

    billing_period: NodeField
    given: dict[NameField, NodeField] = {}


class AdviceTest(Model):
    """A test of advice: rows of one customer, what they cost now, and what each alternative costs."""

    what = "a test of advice"

    __test__ = False

    name: TextField
    vouched_by: Vouched
    ruleset: IdField
    rows: list[AdviceRow]
    # `now`; `NAME` what the alternative costs over all rows; `NAME.saving`; `NAME.best` the value found; `NAME.cost`
    expect: dict[TextField, NumberField] = {}
    not_lawful: list[NameField] = []


class Advice(Rules):
    """Alternatives for the customers of some rule sets, or of all that follow a form."""

    what = "an advice file"

    advice: IdField
    for_: Annotated[list[IdField], Field(alias="for")]
    alternatives: dict[NameField, AlternativeRule]
    tests: list[AdviceTest] = []
