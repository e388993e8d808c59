"""Everything that can run triggers, behind one shape: rules and a stream of events in, what was raised and cleared out.

`decimals` is the engine's reference. `live` is the machine fed as a desk would feed it: events in any order within
their lateness, some twice, in chunks, memories forgotten as soon as the machine says that they are idle. `batch` is the
panel over columns in any order. `desk` is the real one over SQLite. `expected` is what the oracle says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np

from engine.compiler.compile import compile_paths
from engine.compiler.trigger import EventType, Trigger, Watch
from engine.registry.database import Database
from engine.triggers.events import Event, RawEvent, read_event
from engine.triggers.machine import CANNOT_TELL, Machine, Memory, Raised, values_of
from engine.triggers.panel import EventColumns, panel
from engine.triggers.reference import reference_run
from engine.warnings.desk import Desk
from tests.oracles import triggers as oracle
from tests.triggers.drawing import Drawn


@dataclass(frozen=True)
class Stream:
    """Events as they come, and what the oracle makes of that.

    Attributes:
        arrivals: in the order in which they come, some twice, some too late.
        lateness: largest of the rules [us].
        until: everything before has come at the end [us].
        seed: of the chunks in which a desk gets them.
    """

    arrivals: tuple[oracle.Event, ...]
    lateness: int
    until: int
    seed: int

    @property
    def taken(self) -> list[oracle.Event]:
        """The events that are not refused, each once."""
        return oracle.accepted(self.arrivals, self.lateness)[0]

    @property
    def end(self) -> int:
        """Before which everything has come, as told or as lateness says [us]."""
        return max(self.until, oracle.accepted(self.arrivals, self.lateness)[2])

    def without(self, id_: str) -> Stream:
        """The stream without an event, however often it came."""
        return replace(self, arrivals=tuple(one for one in self.arrivals if one.id != id_))

    def chunks(self) -> Iterator[tuple[tuple[oracle.Event, ...], int]]:
        """Give the events in chunks, each with what a source says is complete then [us]; 0: it says nothing."""
        random, at = Random(self.seed), 0
        while at < len(self.arrivals):
            size = random.choice((1, 3, 10, 30))
            left = self.arrivals[at + size :]
            known = min((one.at for one in left), default=self.until) if random.random() < 0.3 else 0
            yield self.arrivals[at : at + size], min(known, self.until)
            at += size
        yield (), self.until


@dataclass(frozen=True, order=True)
class Seen:
    """A warning as any engine gives it; numbers without their last zeros."""

    trigger: str
    account: str
    at: int
    key: tuple[str, ...]
    state: str
    event: str
    region: str
    values: tuple[tuple[str, str], ...]
    id: str


def compiled(drawn: Drawn) -> Watch:
    """Compile drawn files as they lie on a disk."""
    with TemporaryDirectory(prefix="dianjia-fuzz-") as folder:
        for name, text in drawn.files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return compile_paths([folder]).watch


def expected(documents: Sequence[oracle.Document], stream: Stream) -> list[Seen]:
    """Give what the oracle says."""
    return sorted(
        Seen(
            one.trigger,
            one.account,
            one.at,
            one.key,
            one.state,
            one.event,
            one.region,
            tuple(sorted((name, _told(value)) for name, value in one.values.items())),
            one.id,
        )
        for one in oracle.warnings_of(documents, stream.taken, stream.end)
    )


def decimals(watch: Watch, stream: Stream) -> list[Seen]:
    """Run every trigger by the engine's reference."""
    events = read_events(watch.events, stream.taken)
    triggers = watch.triggers.values()
    return _seen(watch, [one for trigger in triggers for one in reference_run(trigger, events, stream.end)])


def batch(watch: Watch, stream: Stream) -> list[Seen]:
    """Run the panel over columns of events, in no order."""
    events = read_events(watch.events, stream.taken)
    Random(stream.seed).shuffle(events)
    by_type = {type_: [one for one in events if one.type == type_.name] for type_ in watch.events.values()}
    columns = [_columns(type_, its) for type_, its in by_type.items() if its]
    return _seen(watch, panel(watch.triggers.values(), columns, stream.end))


def live(watch: Watch, stream: Stream) -> list[Seen]:
    """Run every trigger's machine over events as they come."""
    slots = [_Slots(trigger) for trigger in watch.triggers.values()]
    found: list[Raised] = []
    waiting: dict[str, Event] = {}
    known: set[str] = set()
    regions: dict[str, str] = {}
    watermark = 0
    for chunk, complete_until in stream.chunks():
        for event in read_events(watch.events, chunk):
            if event.id not in known and event.at >= watermark:
                known.add(event.id)
                waiting[event.id] = event
                watermark = max(watermark, event.at - stream.lateness)
        watermark = max(watermark, complete_until)
        found += _released(slots, waiting, regions, watermark)
    return _seen(watch, found)


def _released(
    slots: Iterable[_Slots], waiting: dict[str, Event], regions: dict[str, str], watermark: int
) -> list[Raised]:
    """Process what lies before the watermark, then let deadlines before it pass."""
    found: list[Raised] = []
    for event in sorted((one for one in waiting.values() if one.at < watermark), key=lambda one: one.order):
        del waiting[event.id]
        region = event.region or regions.get(event.account, "")
        if region != regions.get(event.account, ""):  # deadlines before this event have the region of then
            for one in slots:
                found += one.pass_time(event.account, regions, event.at)
        regions[event.account] = region
        for one in slots:
            found += one.take(event, region)
    for one in slots:
        found += one.pass_time(None, regions, watermark)
        one.forget(watermark)
    return found


class _Slots:
    """The memories of one trigger."""

    def __init__(self, trigger: Trigger) -> None:
        self.machine = Machine(trigger)
        self.memories: dict[tuple[str, tuple[str, ...]], tuple[Memory, int]] = {}

    def take(self, event: Event, region: str) -> list[Raised]:
        """Process an event."""
        key = self.machine.key_of(event)
        if key is None:
            return []
        memory, _ = self.memories.get((event.account, key), (self.machine.start, 0))
        after, found = self.machine.on_event(memory, event, key, region)
        self.memories[event.account, key] = after, event.at
        return found

    def pass_time(self, account: str | None, regions: Mapping[str, str], watermark: int) -> list[Raised]:
        """Fire deadlines of one account, or of all."""
        found: list[Raised] = []
        for slot, (memory, at) in self.memories.items():
            due = self.machine.due(memory)
            if account in (None, slot[0]) and 0 < due < watermark:
                after, raised = self.machine.on_watermark(memory, *slot, regions[slot[0]], watermark)
                self.memories[slot] = after, max(at, due)
                found += raised
        return found

    def forget(self, watermark: int) -> None:
        """Forget what no later event needs."""
        for slot, (memory, at) in list(self.memories.items()):
            if self.machine.idle(memory, at, watermark):
                del self.memories[slot]


def desk(watch: Watch, stream: Stream) -> list[Seen]:
    """Record the stream at a desk over SQLite; what it refuses must be what the oracle refuses."""
    received_at = max((one.at for one in stream.arrivals), default=0)
    refused: dict[str, str] = {}
    with TemporaryDirectory(prefix="dianjia-fuzz-") as folder:
        database = Database(f"sqlite:///{folder}/desk.db")
        database.open()
        it = Desk(database, watch, ahead=400 * oracle.DAY_US)
        for chunk, complete_until in stream.chunks():
            recorded = it.record([raw(one) for one in chunk], received_at, complete_until or None)
            refused |= {str(one.row_id): one.code for one in recorded.refused}
        found = [
            Seen(
                one.trigger,
                one.account,
                one.at,
                tuple(one.keys[name] for name in watch.triggers[one.trigger].each),
                one.state,
                one.event,
                one.region,
                tuple(sorted((name, _value(text)) for name, text in one.values.items())),
                one.id,
            )
            for one in it.warnings(limit=10_000)
        ]
        it.close()
        database.close()
    assert refused == oracle.accepted(stream.arrivals, stream.lateness)[1]
    return sorted(found)


Engine = Callable[[Watch, Stream], list[Seen]]

ENGINES: Mapping[str, Engine] = {"decimals": decimals, "live": live, "batch": batch, "desk": desk}


def raw(event: oracle.Event) -> RawEvent:
    """Give an event as a source gives it."""
    return RawEvent(
        event.id, event.type, event.account, event.at, event.values, event.keys, event.region, event.ruleset
    )


def read_events(types: Mapping[str, EventType], events: Iterable[oracle.Event]) -> list[Event]:
    """Read events through the engine's door."""
    found = []
    for event in events:
        read = read_event(types, raw(event))
        assert isinstance(read, Event), read
        found.append(read)
    return found


def _columns(type_: EventType, events: Sequence[Event]) -> EventColumns:
    values = list(zip(*(event.values for event in events), strict=True))
    return EventColumns(
        type=type_.name,
        ids=np.array([event.id for event in events]),
        accounts=np.array([event.account for event in events]),
        at=np.array([event.at for event in events], np.int64),
        values={
            spec.name: np.array([0 if one is None else one for one in column], np.int64)
            for spec, column in zip(type_.inputs, values, strict=True)
        },
        given={
            spec.name: np.array([one is not None for one in column])
            for spec, column in zip(type_.inputs, values, strict=True)
        },
        keys={name: np.array([event.keys[at] for event in events]) for at, name in enumerate(type_.keys)},
        regions=np.array([event.region for event in events]),
        rulesets=np.array([event.ruleset for event in events]),
    )


def _seen(watch: Watch, raised: Iterable[Raised]) -> list[Seen]:
    return sorted(
        Seen(
            one.trigger,
            one.account,
            one.at,
            one.key,
            one.state,
            one.event,
            one.region,
            tuple(sorted((name, _value(text)) for name, text in values_of(watch.triggers[one.trigger], one).items())),
            one.id,
        )
        for one in raised
    )


def _value(text: str) -> str:
    try:
        return f"{Decimal(text).normalize() + 0:f}"
    except ArithmeticError:
        return text


def _told(value: oracle.Value | None) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize() + 0:f}"
    return CANNOT_TELL if value is None else str(value).lower() if isinstance(value, bool) else value
