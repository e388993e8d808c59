"""The shipped triggers as the oracle reads them: their own tests, and streams drawn from the events of those tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracles import triggers as oracle
from tests.triggers.drawing import ACCOUNTS

FOLDER = Path(__file__).resolve().parent.parent.parent / "rules/cn/national/warnings"
_ZONE = ZoneInfo("Asia/Shanghai")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIXED = ("event", "id", "account", "at", "region", "ruleset")


@dataclass(frozen=True)
class Shipped:
    """A shipped rule set with the files that it uses."""

    id: str
    document: oracle.Document
    documents: tuple[oracle.Document, ...]
    types: dict[str, oracle.Document]

    @property
    def lateness(self) -> int:
        """The largest [us]."""
        return max(oracle.duration(one["lateness"]) for one in self.types.values())

    @property
    def durations(self) -> list[int]:
        """Every length of time that its triggers name [us]."""
        return sorted({oracle.duration(one) for one in _durations(self.document["triggers"])})


def shipped() -> list[Shipped]:
    """Read every shipped rule set with triggers."""
    read = [oracle.read(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))]
    shared = [one for one in read if "shared" in one and "events" in one]
    types: dict[str, oracle.Document] = {}
    for one in shared:
        types |= one["events"]
    return [
        Shipped(one["ruleset"], one, (*shared, one), types | one.get("events", {}))
        for one in read
        if "ruleset" in one and "triggers" in one
    ]


def moment(text: str) -> int:
    """Read a time of a test, local where it has no zone [us]."""
    at = datetime.fromisoformat(text)
    return (at.replace(tzinfo=at.tzinfo or _ZONE) - _EPOCH) // (datetime.resolution)


def test_events(it: Shipped, test: Any) -> list[oracle.Event]:
    """Read the events of a test, in the order in which they stand there."""
    return [_event(it, one, number) for number, one in enumerate(test["events"], 1)]


def _event(it: Shipped, one: Any, number: int) -> oracle.Event:
    type_ = it.types[one["event"]]
    keys = {name: str(one[name]) for name in type_.get("keys", ())}
    values = {name: _value(type_, name, text) for name, text in one.items() if name not in (*_FIXED, *keys)}
    return oracle.Event(
        one.get("id", f"e{number}"),
        one["event"],
        one.get("account", "1"),
        moment(one["at"]),
        values,
        keys,
        one.get("region", ""),
        one.get("ruleset", ""),
    )


def _value(type_: oracle.Document, name: str, text: str) -> oracle.Value:
    spec = type_["inputs"][name]
    if spec.get("type") == "boolean":
        return text == "true"
    return text if "codes" in spec else Decimal(text)


def draw_arrivals(random: Random, it: Shipped, count: int) -> tuple[oracle.Event, ...]:
    """Draw a stream of such events as its tests have: other accounts, times at its durations, other values."""
    known = [event for test in it.document["trigger_tests"] for event in test_events(it, test)]
    pools: dict[tuple[str, str], list[oracle.Value | None]] = {}
    for event in known:
        for name, spec in it.types[event.type]["inputs"].items():
            lacking = [None] if "optional" in spec or "default" in spec else []
            pools.setdefault((event.type, name), [*lacking, *_near(it, event.type, name)]).append(
                event.values.get(name)
            )
    accounts = [*ACCOUNTS[:2], random.choice(ACCOUNTS[2:])]
    kinds = random.sample(sorted({event.type for event in known}), k=min(3, len({event.type for event in known})))
    of = [event for event in known if event.type in kinds]
    steps = [*it.durations, oracle.DAY_US, 30 * oracle.DAY_US]
    at, found = random.choice(known).at, []
    for number in range(count):
        like = random.choice(of)
        if random.random() < 0.7:
            at += random.choice((0, *steps[: len(steps) // 2 + 1])) + random.choice((-1, 0, 0, 1))
        else:
            at += random.randrange(3 * oracle.DAY_US)
        at = min(at, like.at + 700 * oracle.DAY_US)
        values = {name: random.choice(pools[like.type, name]) for name in it.types[like.type]["inputs"]}
        given = {name: value for name, value in values.items() if value is not None}
        found.append(oracle.Event(f"e{number}", like.type, random.choice(accounts), at, given, like.keys, "", it.id))
    late = random.choice((0, it.lateness))
    coming = [(event.at + random.randint(0, late), number, event) for number, event in enumerate(found)]
    coming += [(when + 1, number, event) for when, number, event in coming if random.random() < 0.1]
    return tuple(event for _, _, event in sorted(coming, key=lambda one: one[:2]))


def _near(it: Shipped, type_: str, name: str) -> list[oracle.Value | None]:
    """Values of other fields of the type with the same unit: what a condition compares is then often equal."""
    inputs = it.types[type_]["inputs"]
    spec = inputs[name]
    if "unit" not in spec:
        return []
    alike = {other for other, one in inputs.items() if one.get("unit") == spec["unit"]}
    known = [event for test in it.document["trigger_tests"] for event in test_events(it, test) if event.type == type_]
    step = Decimal(1).scaleb(-int(spec["places"]))
    low, high = Decimal(spec["from"]), Decimal(spec["to"])
    found = {value for event in known for other, value in event.values.items() if other in alike}
    return [
        one
        for one in sorted(one for one in found if isinstance(one, Decimal))
        if low <= one <= high and one % step == 0
    ]


def _durations(node: Any) -> list[str]:
    """Every text below a node that is a length of time."""
    if isinstance(node, dict):
        named = [node[key] for key in ("within", "at_most_apart", "cool_down") if key in node]
        return named + [found for value in node.values() for found in _durations(value)]
    return [found for value in node for found in _durations(value)] if isinstance(node, list) else []
