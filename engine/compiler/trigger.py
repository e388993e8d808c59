"""What a trigger compiles to: what an event of each type does to the little that is remembered of an account.

A trigger looks across time: rising use three periods running, a bill unpaid after thirty days. Its memory of one
account is a handful of whole numbers (`Trigger.remembered`), all zero before the first event. A `Transition` is a
program like that of a rule set: it takes an event and the memory, and gives the memory after it and whether a warning
is raised. The same steps run in numpy over many accounts, alone over one, and in decimals.

Times are whole microseconds since 1970-01-01 UTC; 0 says that there is none. Durations are whole microseconds; a day
of a duration has 24 hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from engine.compiler.program import Compiled, InputSpec, Type
from engine.language.problems import Place

Level = Literal["info", "yellow", "amber", "red"]

MICROSECONDS: Final = 1_000_000
DAY_US: Final = 86_400 * MICROSECONDS
FIRST_AT: Final = 946_684_800 * MICROSECONDS  # 2000-01-01T00:00Z: the earliest time of an event
END_AT: Final = 4_102_444_800 * MICROSECONDS  # 2100-01-01T00:00Z: half-open
AT: Final = Type(low=0, high=END_AT + 3660 * DAY_US)  # of a remembered time or a deadline; 0: none

WAS: Final = "was."
"""What the names of a transition's inputs begin with that hold what is remembered."""


@dataclass(frozen=True, slots=True)
class FromRow:
    """What of a billed row an event's input is: the first of these names that the row's rule set knows."""

    input: str
    names: tuple[str, ...]  # inputs or quantities; `total` is the bill


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event.

    Attributes:
        keys: texts that it carries besides the account, which a trigger may watch one by one (`each: [bill]`).
        inputs: its values.
        lateness: how long after later events it may still come [us].
        rows: not empty: each row of a run is such an event at the end of its billing period.
    """

    name: str
    title: str
    keys: tuple[str, ...]
    inputs: tuple[InputSpec, ...]
    lateness: int
    rows: tuple[FromRow, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """One whole number of a trigger's memory; `low.balance` is the balance of the step named `low`."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Transition:
    """What an event of one type, or a deadline that passes, does to a trigger's memory.

    Attributes:
        event: the event type; "": the deadline.
        compiled: the program. Its inputs are those of the event, `at` [us], and each remembered number under `WAS`.
        keys: positions in `EventType.keys` of the trigger's `each`.
        next: by remembered number the step that holds it afterwards.
        raised: step, whether a warning is raised; -1: none ever is here.
        cleared: step, whether a warning raised before is cleared; -1 likewise.
        values: in the order of `Trigger.values` the step, and the step that says whether it can be computed; -1 there:
            it always can. () where nothing is raised.
    """

    event: str
    compiled: Compiled
    keys: tuple[int, ...]
    next: tuple[int, ...]
    raised: int
    cleared: int
    values: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Join:
    """A condition that compares a field of this event with one of an earlier step's."""

    field: str
    op: Literal["<", "<=", ">", ">=", "==", "!="]
    step: str  # name of the earlier step; "previous"
    other: str  # its field


@dataclass(frozen=True, slots=True)
class PatternStep:
    """A step of a pattern, for engines that have their own way to correlate.

    Attributes:
        name: as declared; "" where there is one step.
        event: its event type.
        absent: the step is that no such event comes.
        within: time after the step before [us]; 0: any.
        own: the program whose step `own_step` says whether the event by itself fits; None: every one does.
        joins: what it must fulfil besides, all of it.
        plain: whether `own` and `joins` say everything; a condition that mixes the two does not.
    """

    name: str
    event: str
    absent: bool = False
    within: int = 0
    own: Compiled | None = None
    own_step: int = -1
    joins: tuple[Join, ...] = ()
    plain: bool = True
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A trigger as it is declared, in plain data."""

    kind: str  # event, trend, count, sequence, pair, total
    steps: tuple[PatternStep, ...]
    times: int = 1
    within: int = 0  # of a count, a pair; the longest gap of a trend [us]
    keeps: Literal["first", "latest", ""] = ""
    unless: PatternStep | None = None
    cool_down: int = 0  # [us]
    clears: PatternStep | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger, ready to watch.

    Attributes:
        id: `ruleset:name`; of a rule set with several versions `ruleset@first day:name`.
        ruleset: id of the rule set.
        own: it watches the accounts of its own rule set alone, as that bills somebody; else every account.
        each: keys of an event by which it watches one by one; (): the account as a whole.
        remembered: the memory of one account, or of one key of it.
        due: position in `remembered` of the next deadline; -1: it has none.
        held: position in `remembered` of whether a warning is raised and not cleared; -1: none is cleared.
        horizon: time after its last event in which the memory may still matter [us]; a held warning keeps it longer.
        transitions: one for each event type that it looks at, by name; last that of the deadline.
        values: names in the message with their types.
        structure: of the memory and the programs without their numbers. Memory of another structure is not read.
    """

    id: str
    ruleset: str
    name: str
    title: str
    kind: str
    level: Level
    recipient: str
    message: str
    causes: tuple[str, ...]
    action: str
    own: bool
    each: tuple[str, ...]
    remembered: tuple[Remembered, ...]
    due: int
    held: int
    horizon: int
    transitions: tuple[Transition, ...]
    values: tuple[tuple[str, Type], ...]
    units: tuple[tuple[str, str], ...]  # name in the message -> its unit, as it is written
    pattern: Pattern
    first_day: int
    end_day: int | None
    timezone: str
    structure: str
    source: str
    standing: str
    place: Place

    def transition(self, event: str) -> Transition | None:
        """Give what an event of a type does; None: the trigger does not look at it."""
        return next((one for one in self.transitions if one.event == event), None)


@dataclass(frozen=True, slots=True)
class TriggerEvent:
    """An event of a trigger's test; values are text as written."""

    event: str
    id: str
    account: str
    at: int  # [us]
    keys: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]
    region: str = ""
    ruleset: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class ExpectedWarning:
    """What a test expects: which trigger, of which account, when; further what is given."""

    trigger: str
    account: str
    at: int  # [us]
    state: Literal["raised", "cleared"]
    keys: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]  # in the message, as text
    message: str = ""


@dataclass(frozen=True, slots=True)
class TriggerCase:
    """A test of triggers that stands in a rule set: events, and every warning that they bring."""

    name: str
    ruleset: str
    triggers: tuple[str, ...]  # ids of those that are looked at
    events: tuple[TriggerEvent, ...]
    until: int  # everything before has come [us]
    expect: tuple[ExpectedWarning, ...]
    refused: tuple[tuple[str, str], ...]  # event id -> problem code
    vouched_by: tuple[tuple[str, str], ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Watch:
    """The triggers of a rate book, the events that they look at, and their tests."""

    events: Mapping[str, EventType] = field(default_factory=dict)
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    tests: tuple[TriggerCase, ...] = ()
    files: tuple[str, ...] = ()
    hash: str = ""  # of everything that they were compiled from; "": there are none
