"""The documents that analysts write: notice, form, rule set, shared file, as immutable models.

Charges and calendars are kept as nodes with positions; `engine.charges` and `engine.calendars` read them, so that a
new kind of charge needs no change here. Cross-references between documents are checked by the compiler.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.language.fields import (
    BoolField,
    DatedFigure,
    DayField,
    DurationField,
    FormulaField,
    IdField,
    IntField,
    Model,
    NameField,
    NamesField,
    NodeField,
    NumberField,
    Source,
    TextField,
    UnitField,
    check_dated,
)
from engine.language.nodes import Map, Text
from engine.language.problems import ProblemsFound, problem
from engine.language.profile_models import ScoreRule, SegmentRule

Level = Literal["info", "yellow", "amber", "red"]


class InForce(Model):
    """Days as printed, both included."""

    what = "the days in force"

    from_: Annotated[DayField, Field(alias="from")]
    through: DayField | None = None
    until_replaced: BoolField = False
    closed: TextField | None = None  # why nothing follows: `dianjia due` does not ask for a successor

    @model_validator(mode="after")
    def _in_order(self) -> InForce:
        if self.through is not None and self.through < self.from_:
            place = self.place_of("through")
            raise ProblemsFound([problem("through-before-from", place, through=self.through, from_day=self.from_)])
        return self


class Bounds(Model):
    what = "plausible bounds"

    from_: Annotated[NumberField, Field(alias="from")]
    to: NumberField


class Value(Model):
    """A named number of a notice or rule set, with one printed figure or several with dates."""

    what = "a value"

    unit: UnitField
    printed: NumberField | None = None
    dated: list[DatedFigure] | None = None
    title: TextField | None = None
    plausible: Bounds | None = None
    source: Source | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Value:
        found = check_dated(self.dated or [])
        if found:
            raise ProblemsFound(found)
        return self


class TableColumn(Model):
    what = "a column"

    unit: UnitField | None = None
    places: IntField | None = None
    plausible: Bounds | None = None
    title: TextField | None = None


class Table(Model):
    """A price table: inline rows, or a CSV or XLSX file beside the YAML."""

    what = "a table"

    title: TextField | None = None
    unit: UnitField | None = None
    places: IntField | None = None
    plausible: Bounds | None = None
    source: Source | None = None
    keys: list[NameField]
    columns: list[NameField] | dict[NameField, TableColumn]
    rows: list[list[TextField]] | None = None
    file: TextField | None = None
    sheet: TextField | None = None


class PrintedException(Model):
    what = "a printed exception"

    row: list[TextField]
    printed: NumberField
    computed: NumberField
    why: TextField


class Check(Model):
    """A formula over the rows of a table; printed exceptions are recorded beside it."""

    what = "a check"

    title: TextField | None = None
    of: NameField
    holds: FormulaField
    except_: Annotated[list[PrintedException] | None, Field(alias="except")] = None


class BandRow(Model):
    what = "a row of bands"

    from_: Annotated[NumberField, Field(alias="from")]
    to: NumberField
    value: NumberField | None = None
    first: NumberField | None = None
    each: NumberField | None = None


class Bands(Model):
    """A table over the steps of one number, each step covered once.

    A row with `value` gives that value to every step from `from` to `to`, both included. A row with `first` and
    `each` gives `first` to the step `from` and adds `each` with every step towards `to`, upwards or downwards.
    """

    what = "a table of bands"

    title: TextField | None = None
    of: NameField
    step: NumberField
    unit: UnitField
    rows: list[BandRow]
    source: Source | None = None


class CarriedRule(Model):
    """How an input follows from the same account's earlier rows."""

    what = "how an input is carried"

    sum: NameField | None = None
    max: NameField | None = None
    last: NameField | None = None
    remainder: NameField | None = None
    since: Literal["calendar_year", "ladder_year"] | None = None
    year_starts: IntField | None = None
    months: IntField | None = None
    opening: NumberField | None = None


class Input(Model):
    """A named column that a rule set reads."""

    what = "an input"

    type: Literal["decimal", "integer", "boolean", "code", "date"] | None = None
    title: TextField | None = None
    unit: UnitField | None = None
    places: IntField | None = None
    from_: Annotated[NumberField | None, Field(alias="from")] = None
    to: NumberField | None = None
    default: TextField | None = None
    optional: BoolField = False
    needed_when: FormulaField | None = None
    ignored_when: FormulaField | None = None
    codes: dict[NameField, TextField] | None = None
    carried: CarriedRule | None = None
    split: Literal["by_days", "no"] | None = None


class ReadRule(Model):
    """What a shared file reads of the rule set; where the rule set has nothing of the name, an optional input."""

    what = "what a shared file reads"

    type: Literal["decimal", "integer", "boolean", "code", "date"] | None = None
    title: TextField | None = None
    unit: UnitField | None = None
    places: IntField | None = None
    from_: Annotated[NumberField | None, Field(alias="from")] = None
    to: NumberField | None = None
    codes: dict[NameField, TextField] | None = None

    @property
    def kind(self) -> str:
        """What kind of input it is."""
        return self.type or ("code" if self.codes else "decimal")

    def as_input(self, *, in_parts: bool) -> Input:
        """The input that stands in where nobody has the name; of a bill in parts a number is the whole bill's."""
        node = Map(self.place)
        node.update(self._node)
        node[Text("optional", self.place)] = Text("true", self.place)
        if in_parts and self.kind in ("decimal", "integer"):
            node[Text("split", self.place)] = Text("no", self.place)
        return Input.model_validate(node)


class ListRule(Model):
    """What comes many to a row: readings, transformers, events, intervals."""

    what = "a list of items"

    title: TextField | None = None
    at_most: IntField
    optional: BoolField = False
    needed_when: FormulaField | None = None
    every: TextField | None = None
    inputs: dict[NameField, Input]


class Quantity(Model):
    what = "a quantity"

    formula: FormulaField
    title: TextField | None = None
    from_: Annotated[NumberField | None, Field(alias="from")] = None
    to: NumberField | None = None


class Energy(Model):
    """What makes each kWh priced exactly once: the total, and the charges that price it."""

    what = "the energy rule"

    total: FormulaField | None = None
    priced_by: list[NameField] | None = None
    not_priced: TextField | None = None


class RefuseRule(Model):
    what = "a refusal"

    when: FormulaField
    message: TextField
    field: IdField | None = None


class WarningRule(Model):
    what = "a warning"

    title: TextField
    level: Level
    when: FormulaField
    message: TextField
    causes: list[TextField] | None = None
    action: TextField | None = None


class EventRule(Model):
    """A kind of event that triggers look at: what it carries, and how late it may come."""

    what = "an event"

    title: TextField | None = None
    lateness: DurationField
    keys: list[NameField] = []
    inputs: dict[NameField, Input] = {}
    from_rows: dict[NameField, NamesField] | None = None


class Vouched(Model):
    what = "the voucher of a test"

    who: TextField
    from_: Annotated[TextField, Field(alias="from")]


class RefusedTest(Model):
    what = "an expected refusal"

    code: TextField
    field: TextField | None = None


class Test(Model):
    what = "a test"

    __test__ = False

    name: TextField
    vouched_by: Vouched
    billing_period: NodeField
    given: dict[NameField, NodeField] = {}
    expect: dict[TextField, NumberField] | None = None
    warnings: list[NameField] | None = None
    segments: dict[NameField, NameField] = {}
    refused: RefusedTest | None = None


class ExpectedRule(Model):
    """A warning that a test of triggers expects."""

    what = "an expected warning"

    trigger: NameField
    at: TextField
    account: TextField | None = None
    keys: dict[NameField, TextField] = {}
    state: Literal["raised", "cleared"] = "raised"
    values: dict[TextField, TextField] = {}
    message: TextField | None = None


class TriggerTest(Model):
    """Events of a test, and every warning that they bring."""

    what = "a test of triggers"

    name: TextField
    vouched_by: Vouched
    triggers: list[NameField] | None = None
    events: list[NodeField]
    until: TextField
    expect: list[ExpectedRule] = []
    refused: dict[TextField, TextField] = {}


class Document(Model):
    title: TextField | None = None
    source: Source | None = None
    in_force: InForce | None = None
    currency: Literal["CNY", "USD"] = "CNY"
    values: dict[NameField, Value] = {}
    tables: dict[NameField, Table] = {}
    checks: dict[NameField, Check] = {}


class Notice(Document):
    """One published document's values and tables, with the days it is in force."""

    what = "a notice"

    notice: IdField
    series: IdField
    applies_to: Literal["consumption", "reading", "billing_month"] = "consumption"
    gap_before: BoolField = False  # days without a notice before this one are meant


class Rules(Document):
    """What forms and rule sets share."""

    uses: list[IdField] = []
    inputs: dict[NameField, Input] = {}
    lists: dict[NameField, ListRule] = {}
    bands: dict[NameField, Bands] = {}
    quantities: dict[NameField, NodeField] = {}
    refuse: dict[NameField, RefuseRule] = {}
    energy: Energy | None = None
    charges: dict[NameField, NodeField] = {}
    warnings: dict[NameField, WarningRule] = {}
    scores: dict[NameField, ScoreRule] = {}
    segments: dict[NameField, SegmentRule] = {}
    events: dict[NameField, EventRule] = {}
    triggers: dict[NameField, NodeField] = {}
    calendar: NodeField | None = None
    minor_places: IntField = 2


class Form(Rules):
    """A rule set shared by many places, with named holes; bills nobody."""

    what = "a form"

    form: IdField
    holes: list[NameField] = []


class Shared(Rules):
    """Tables, bands, calendar and warnings that several rule sets use."""

    what = "a shared file"

    shared: IdField
    reads: dict[NameField, ReadRule] = {}


class RuleSet(Rules):
    """Everything needed to bill one class of customer in one place; without charges, what watches every account."""

    what = "a rule set"

    ruleset: IdField
    follows: IdField | None = None
    fills: dict[NameField, TextField] = {}
    version_by: Literal["period_from", "last_day", "reading_day"] = "period_from"  # needed where anything is billed
    changes: Literal["refuse", "split", "whole"] = "refuse"
    class_: Annotated[NameField | None, Field(alias="class")] = None
    tests: list[Test] = []
    trigger_tests: list[TriggerTest] = []
