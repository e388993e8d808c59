"""Draws rule files with triggers and streams of events, for comparing everything that can run triggers.

A file is text as an analyst would write it, so that the whole way from YAML to warnings is compared. Numbers come from
few choices and times lie at declared durations from earlier ones, a microsecond more or less, so that limits are hit
exactly and often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from tests.oracles import triggers as oracle

ACCOUNTS = ("C554695123", "C884777665", "1", "01", "户号甲")  # the first two have one 32-bit hash in durable_rules
BILLED, OTHER = "cn.fuzz.billed", "cn.fuzz.other"
KINDS = ("event", "trend", "count", "sequence", "pair", "total")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DURATIONS = ("45 minutes", "12 hours", "1 day", "3 days", "10 days", "2 weeks", "30 days", "31 days", "90 days")
_ROUNDINGS = ("half_up", "half_even", "up", "down", "floor", "ceiling")

_KEYS = {"usage": "meter", "demand": "meter", "bill": "bill", "payment": "bill", "balance": ""}
_KEY_VALUES = {"meter": ("m1", "m2"), "bill": ("b1", "b2", "第三张")}


@dataclass(frozen=True)
class _Number:
    """A number that events carry: how it is declared, and the values that come."""

    unit: str
    declared: str
    values: tuple[str, ...]

    @property
    def may_lack(self) -> bool:
        return "optional" in self.declared or "default" in self.declared


_NUMBERS = {
    "usage": {
        "energy": _Number(
            "kWh", "places: 2, from: 0, to: 100000", ("0", "99.99", "100", "100.01", "110", "133.10", "200")
        ),
        "peak": _Number("kWh", "places: 2, from: 0, to: 100000, optional: true", ("0", "50", "100", "100.01")),
        "night": _Number("kWh", "places: 1, from: 0, to: 100000, default: 50", ("0", "50", "99.9")),
    },
    "demand": {
        "kw": _Number("kW", "places: 1, from: 0, to: 10000", ("0", "90", "99.9", "100", "105", "105.1", "210")),
        "contract": _Number("kW", "places: 0, from: 0, to: 10000, optional: true", ("0", "100", "200")),
    },
    "bill": {"amount": _Number("CNY", "places: 2, from: 0, to: 1000000", ("0", "30", "50", "99.99", "100", "300.5"))},
    "payment": {"paid": _Number("CNY", "places: 2, from: -1000000, to: 1000000", ("-30", "0", "30", "50", "100"))},
    "balance": {
        "balance": _Number("CNY", "places: 2, from: -100000, to: 100000", ("-0.01", "0", "29.99", "30", "30.01", "50"))
    },
}
_LIMITS = {
    "kWh": ("0", "50", "99.9", "100", "133.1"),
    "kW": ("0", "100", "105", "0.5"),
    "CNY": ("0", "30", "50", "100"),
}
_OTHERS = {
    "usage": (
        "estimated: {type: boolean, default: false}",
        "state: {type: code, codes: {on: 用电, off: 停电, held: 暂停}}",
    ),
    "payment": ("partial: {type: boolean, optional: true}",),
}
_CHANGED = (
    "1.1 * {other}",
    "{other} * share",
    "round(1.333 * {other}, 1, {mode})",
    "max({other}, 1[{unit}])",
    "({other} if {field} > 0 else {field})",
)
_PLAIN = {
    "usage": (
        "not estimated",
        "state == off",
        "state != held",
        "night > 49.9[kWh]",
        "given(peak) and peak >= 50[kWh]",
        "given(peak) and divide(energy, peak, 1, half_up) > 1",
        "not (given(peak) and divide(energy, peak, 0, down) > 1)",
        "divide(night, energy, 1, half_even) < 0.8",
        "not divide(night, energy, 1, up) < 0.8",
    ),
    "demand": (
        "given(contract) and kw >= contract",
        "not given(contract) or kw > contract * share",
        "given(contract) and divide(kw, contract, 2, half_up) >= 1.05",
        "kw > 100[kW] or divide(kw, max(kw - 90[kW], 0), 1, floor) > 5",
    ),
    "payment": ("given(partial) and partial", "not given(partial) or not partial"),
}
_TOTALS = (
    "total >= {limit}",
    "total == {limit}",
    "total > {limit} and {field} > 0",
    "total * days_in_period > {limit} * 3 * days_passed",
)
_VALUES = {"kWh": ("limit_kwh", "moving_kwh"), "kW": ("limit_kw",), "CNY": ("limit_cny", "moving_cny")}
_QUANTITIES_TEXT = """\
quantities:
  net: {formula: "energy - half"}
  half: "divide(limit_kwh, 2, 1, half_up)"
"""
_VALUES_TEXT = """\
values:
  limit_kwh:  {unit: kWh, printed: 100.00}
  moving_kwh:
    unit: kWh
    dated: [{from: 2020-01-01, through: 2025-03-14, printed: 50.0}, {from: 2025-03-15, printed: 110.0}]
  limit_kw:   {unit: kW, printed: 105.0}
  limit_cny:  {unit: fen, printed: 3000}
  moving_cny:
    unit: CNY
    dated:
      - {from: 2020-01-01, through: 2025-02-28, printed: 30.00}
      - {from: 2025-03-01, through: 2025-06-30, printed: 50.00}
      - {from: 2025-07-01, printed: 100.00}
  share:
    unit: percent
    dated: [{from: 2020-01-01, through: 2025-04-30, printed: 110}, {from: 2025-05-01, printed: 50}]
"""


@dataclass(frozen=True)
class Drawn:
    """Rule files by name, the durations that stand in them [us], the event types that their triggers look at."""

    files: dict[str, str]
    durations: tuple[int, ...]
    types: tuple[str, ...]
    lateness: int  # the largest [us]

    @property
    def documents(self) -> list[oracle.Document]:
        """The files as the oracle takes them."""
        return [oracle.read(text) for text in self.files.values()]


def draw_files(random: Random) -> Drawn:
    """Draw two rule sets with triggers, one that watches everybody and one that bills, and their events."""
    types = tuple(random.sample(sorted(_KEYS), random.choice((2, 2, 3))))
    lateness = {name: random.choice(("3 days", "1 day", "10 minutes", "2 weeks")) for name in sorted(_KEYS)}
    kinds = [*KINDS, "sequence", *random.choices(KINDS, k=3)]
    random.shuffle(kinds)
    # the last three are those of the rule set that bills: its quantities are of bills, not of events
    made = [_Trigger(random, kind, types, at < len(kinds) - 3) for at, kind in enumerate(kinds)]
    texts = [f"  t{number}:\n{one.text}" for number, one in enumerate(made)]
    days = random.choice(("{from: 2020-01-01, until_replaced: true}", "{from: 2025-01-10, through: 2025-06-15}"))
    zone = random.choice(("", "calendar: {timezone: America/New_York}\n", "calendar: {timezone: Europe/London}\n"))
    watching = (
        f"ruleset: cn.fuzz.watching\ntitle: 看所有户\nsource: {{standing: example}}\nin_force: {days}\n"
        f"uses: [cn.fuzz.events]\n{zone}{_QUANTITIES_TEXT}{_VALUES_TEXT}triggers:\n{''.join(texts[:-3])}"
    )
    billed = (
        f"ruleset: {BILLED}\ntitle: 计费并预警\nsource: {{standing: example}}\n"
        f"in_force: {{from: 2020-01-01, until_replaced: true}}\nversion_by: period_from\nuses: [cn.fuzz.events]\n"
        f"{_VALUES_TEXT}inputs: {{kwh: {{unit: kWh, places: 2, from: 0, to: 100000}}}}\n"
        "energy: {total: kwh, priced_by: [energy]}\ncharges: {energy: {title: 电度电费, quantity: kwh, price: 0.5}}\n"
        f"triggers:\n{''.join(texts[-3:])}"
    )
    events = "shared: cn.fuzz.events\ntitle: 事件\nsource: {standing: example}\nevents:\n" + "".join(
        _event_text(name, lateness[name]) for name in sorted(_KEYS)
    )
    files = {"events.shared.yaml": events, "watching.ruleset.yaml": watching, "billed.ruleset.yaml": billed}
    durations = {oracle.duration(text) for one in made for text in one.durations}
    return Drawn(files, tuple(sorted(durations)), types, max(map(oracle.duration, lateness.values())))


def _may_be_shown(type_: str) -> list[str]:
    """What else of an event a message may name: truths, codes, and what may be absent."""
    shown = [one.partition(":")[0] for one in _OTHERS.get(type_, ())]
    return shown + [name for name, one in _NUMBERS[type_].items() if "optional" in one.declared]


def _event_text(name: str, lateness: str) -> str:
    keys = f"    keys: [{_KEYS[name]}]\n" if _KEYS[name] else ""
    inputs = [f"      {one}: {{unit: {of.unit}, {of.declared}}}\n" for one, of in _NUMBERS[name].items()]
    inputs += [f"      {one}\n" for one in _OTHERS.get(name, ())]
    return f"  {name}:\n    title: {name}\n    lateness: {lateness}\n{keys}    inputs:\n{''.join(inputs)}"


class _Trigger:
    """One trigger in the making."""

    def __init__(self, random: Random, kind: str, types: Sequence[str], net: bool) -> None:
        self.random, self.types, self.net = random, types, net
        self.durations: list[str] = []
        self.quantities: list[str] = []
        self.used = {str(random.choice(types))}
        lines = getattr(self, f"_{kind}")()
        if random.random() < 0.4:
            lines.append(f"cool_down: {self._duration()}")
        if random.random() < 0.4:
            lines.append(f"clears: {{{self._fit(random.choice(types))}}}")
        keys = {_KEYS[one] for one in self.used}
        if len(keys) == 1 and "" not in keys and random.random() < 0.6:
            key = keys.pop()
            lines.append(f"each: [{key}]")
            if random.random() < 0.3:
                lines = [f"{line} {{{key}}}" if line.startswith("message:") else line for line in lines]
        if self.quantities:
            lines.append(f"quantities: {{{', '.join(self.quantities)}}}")
        lines[:0] = [f"kind: {kind}", f"title: {kind}", "level: yellow", "recipient: customer"]
        self.text = "".join(f"    {line}\n" for line in lines)

    def _duration(self) -> str:
        found = self.random.choice(_DURATIONS)
        self.durations.append(found)
        return found

    # conditions

    def _fields(self, type_: str, optional: bool = False) -> list[tuple[str, str]]:
        """The numbers of an event type, with their units; those that may be absent where they are asked for."""
        found = _NUMBERS[type_].items()
        return [(name, one.unit) for name, one in found if optional or "optional" not in one.declared]

    def _number(self, type_: str, named: dict[str, str]) -> str:
        """Draw a comparison of two numbers; `named`: name before a dot -> event type."""
        random = self.random
        absent = random.random() < 0.15
        field, unit = random.choice(self._fields(type_, absent))
        others = [f"{step}.{name}" for step, its in named.items() for name, u in self._fields(its, absent) if u == unit]
        if others and random.random() < 0.15:
            name = f"rise_{len(self.quantities)}"
            self.quantities.append(f'{name}: "{field} - {random.choice(others)}"')
            return f"{name} {random.choice(('>', '>=', '<'))} {random.choice(('0', '10'))}[{unit}]"
        if field == "energy" and self.net and random.random() < 0.1:
            return f"net {random.choice(('>', '>=', '<', '=='))} 50[kWh]"
        sides = [f"{random.choice(_LIMITS[unit])}[{unit}]", random.choice(_VALUES[unit])]
        sides += others * 3
        other = random.choice(sides)
        if random.random() < 0.25:
            changed = random.choice(_CHANGED)
            other = changed.format(other=other, field=field, unit=unit, mode=random.choice(_ROUNDINGS))
        if others and random.random() < 0.2:
            rise = f"{field} - {random.choice(others)}, abs({random.choice(others)})"
            return f"divide({rise}, 2, {random.choice(_ROUNDINGS)}) >= 0.1"
        if random.random() < 0.15:
            return f"abs({field} - {other}) <= 10[{unit}]"
        return f"{field} {random.choice(('<', '<=', '>', '>=', '==', '!='))} {other}"

    def _plain(self, type_: str) -> str:
        """Draw a condition on what an event carries besides the numbers that are always there."""
        random = self.random
        if type_ in _PLAIN:
            return random.choice(_PLAIN[type_])
        return self._number(type_, {})

    def _when(self, type_: str, named: dict[str, str] | None = None) -> str:
        """Draw a condition."""
        random, first = self.random, self._number(type_, named or {})
        if random.random() < 0.15 and not named:
            return self._plain(type_)
        if random.random() < 0.2:
            return f"{first} {random.choice(('and', 'or'))} ({self._plain(type_)})"
        if random.random() < 0.1:
            return f"not ({first} and ({self._plain(type_)}))"
        return first

    def _fit(self, type_: str, named: dict[str, str] | None = None, key: str = "on") -> str:
        """Draw an event type with or without a condition, as the inside of a mapping."""
        self.used.add(type_)
        when = f', when: "{self._when(type_, named)}"' if self.random.random() < 0.8 else ""
        return f"{key}: {type_}{when}"

    def _message(self, type_: str, *steps: tuple[str, str], here: bool = True) -> str:
        """Draw a message that names some values."""
        random = self.random
        names = [f"{step}.{name}" for step, its in steps for name, _ in self._fields(its)]
        may_be = [f"{step}.{name}" for step, its in steps for name in _may_be_shown(its)]
        if here:
            names += [name for name, _ in self._fields(type_)]
            may_be += _may_be_shown(type_)
        chosen = random.sample(names, min(len(names), random.choice((0, 1, 2, 3))))
        chosen += random.sample(may_be, min(len(may_be), random.choice((0, 0, 1))))
        if len(names) > 1 and random.random() < 0.4:
            units = {name: _NUMBERS[its][name.split(".")[-1]].unit for name, its in self._owners(type_, *steps).items()}
            pairs = [(a, b) for a in names for b in names if a != b and units[a] == units[b]]
            if pairs:
                a, b = random.choice(pairs)
                rounding = random.choice(_ROUNDINGS)
                self.quantities.append(
                    random.choice((f'change: "{a} - {b}"', f'change: "divide({a}, abs({b}), 3, {rounding})"'))
                )
                chosen.append("change")
        if random.random() < 0.2:
            chosen.append("moving_cny")
        return f"message: 数值 {' '.join(f'{{{one}}}' for one in chosen)} 完"

    def _owners(self, type_: str, *steps: tuple[str, str]) -> dict[str, str]:
        found = {name: type_ for name, _ in self._fields(type_)}
        return found | {f"{step}.{name}": its for step, its in steps for name, _ in self._fields(its)}

    # kinds

    def _event(self) -> list[str]:
        (type_,) = self.used
        return [f"on: {type_}", f'when: "{self._when(type_)}"', self._message(type_)]

    def _trend(self) -> list[str]:
        (type_,) = self.used
        named = {"previous": type_} if self.random.random() < 0.8 else None
        lines = [f"on: {type_}", f'when: "{self._when(type_, named)}"', f"times: {self.random.choice((1, 2, 2, 3))}"]
        return [*lines, f"at_most_apart: {self._duration()}", self._message(type_, ("previous", type_))]

    def _count(self) -> list[str]:
        (type_,) = self.used
        lines = [self._fit(type_), f"times: {self.random.choice((2, 2, 3, 4))}", f"within: {self._duration()}"]
        return [*lines[0].split(", ", 1), *lines[1:], self._message(type_)]

    def _sequence(self) -> list[str]:
        random = self.random
        (first,) = self.used
        steps, named = [f"{{as: s0, {self._fit(first)}}}"], {"s0": first}
        count, absent = random.choice((2, 2, 2, 3, 3, 4)), random.random() < 0.65
        for number in range(1, count):
            type_ = random.choice(self.types)
            last = number == count - 1
            key = "absent" if last and absent else "on"
            name = f"as: s{number}, " if key == "on" else ""
            steps.append(f"{{{name}{self._fit(type_, named, key)}, within: {self._duration()}}}")
            if key == "on":
                named[f"s{number}"] = type_
        lines = ["steps:", *(f"  - {step}" for step in steps), f"keeps: {random.choice(('first', 'latest'))}"]
        if random.random() < 0.4:
            type_ = random.choice(self.types)
            lines.append(f"unless: {{{self._fit(type_, {'s0': first})}}}")
        return [*lines, self._message(first, *named.items(), here=False)]

    def _pair(self) -> list[str]:
        random = self.random
        one, other = *self.used, random.choice(self.types)
        lines = [
            f"one: {{as: a, {self._fit(one)}}}",
            f"other: {{as: b, {self._fit(other)}}}",
            f"within: {self._duration()}",
        ]
        absent = random.random() < 0.3
        shared = [(a, b) for a, u in self._fields(one, absent) for b, v in self._fields(other, absent) if u == v]
        if shared and random.random() < 0.8:
            a, b = random.choice(shared)
            sides = random.choice(((f"a.{a}", f"b.{b}"), (f"b.{b}", f"a.{a}")))
            lines.append(f'joined_when: "{sides[0]} {random.choice(("<", "<=", ">", ">=", "==", "!="))} {sides[1]}"')
        return [*lines, self._message(one, ("a", one), ("b", other), here=False)]

    def _total(self) -> list[str]:
        random = self.random
        self.used.clear()
        type_ = random.choice([one for one in self.types if one in ("usage", "demand", "bill")] or ["bill"])
        self.used.add(type_)
        field, unit = random.choice(self._fields(type_))
        of = random.choice((field, field, f"2 * {field}", f"round({field} * 1.15, 1, {random.choice(_ROUNDINGS)})"))
        if type_ == "demand" and random.random() < 0.5:
            of = random.choice((f"divide({field}, kw, 2, half_up) * 30[kW]", "contract"))
        limit = random.choice(("100", "300", "500.5"))
        when = random.choice(_TOTALS).format(limit=f"{limit}[{unit}]", field=field)
        over = random.choice(("month", "month", "year"))
        to = random.choice(("1000", "100000", limit.partition(".")[0]))  # some of what is summed has no decimals
        chosen = random.choice(("{total}", "{total} {days_passed} {days_in_period}", f"{{{field}}}"))
        return [
            f"on: {type_}",
            f'of: "{of}"',
            f"over: {over}",
            *([f"once: {random.choice(('true', 'false'))}"] if random.random() < 0.5 else []),
            f"to: {to}",
            f'when: "{when}"',
            f"message: 累计 {chosen}",
        ]


def draw_events(random: Random, drawn: Drawn, count: int) -> list[oracle.Event]:
    """Draw events of several accounts, each once, in no order."""
    accounts = random.sample(ACCOUNTS, random.choice((2, 3, 4)))
    if random.random() < 0.5:
        accounts[:2] = ACCOUNTS[:2]
    accounts = list(dict.fromkeys(accounts))
    zone = ZoneInfo("Asia/Shanghai")
    start = _us(datetime(2025, random.choice((1, 2, 3, 6, 12)), random.choice((1, 14, 28)), tzinfo=zone))
    times: list[int] = [start]
    found: list[oracle.Event] = []
    steps = [*drawn.durations, oracle.DAY_US, 7 * oracle.DAY_US]
    steps.sort()
    while len(found) < count:
        at = random.choice(times[-12:])
        how = random.random()
        if how < 0.5:
            at += random.choice(steps[: max(2, len(steps) * 2 // 3)]) + random.choice((-1, 0, 0, 0, 1))
        elif how < 0.7:
            at += random.randrange(5 * oracle.DAY_US)
        elif how < 0.75:  # about the midnight on which a number changes
            at = _us(datetime(2025, random.choice((3, 5, 7)), random.choice((1, 15)), tzinfo=zone)) + random.choice(
                (-1, 0)
            )
        elif how < 0.8:
            at = start
        if at > start + 500 * oracle.DAY_US:
            at = start + random.randrange(100 * oracle.DAY_US)
        times.append(at)
        found.append(_draw_event(random, random.choice(drawn.types), f"e{len(found) + 1}", random.choice(accounts), at))
    return found


def _draw_event(random: Random, type_: str, id_: str, account: str, at: int) -> oracle.Event:
    values: dict[str, oracle.Value] = {}
    for name, number in _NUMBERS[type_].items():
        if not number.may_lack or random.random() < 0.7:
            values[name] = Decimal(random.choice(number.values))
    if type_ == "usage":
        values["state"] = random.choice(("on", "off", "held"))
        if random.random() < 0.5:
            values["estimated"] = random.random() < 0.5
    if type_ == "payment" and random.random() < 0.6:
        values["partial"] = random.random() < 0.5
    key = _KEYS[type_]
    keys = {key: random.choice(_KEY_VALUES[key])} if key else {}
    region, ruleset = random.choice(("", "", "nj", "苏州")), random.choice(("", BILLED, BILLED, OTHER))
    return oracle.Event(id_, type_, account, at, values, keys, region, ruleset)


def draw_arrivals(random: Random, drawn: Drawn, count: int) -> tuple[oracle.Event, ...]:
    """Draw a stream: each event at most the lateness after a later one, but for a few; some twice, some changed."""
    events = draw_events(random, drawn, count)
    late = random.choice((0, drawn.lateness // 2, drawn.lateness))
    coming = [(event.at + random.randint(0, late), at, event) for at, event in enumerate(events)]
    if random.random() < 0.3:
        coming = [(when + (random.random() < 0.05) * 3 * drawn.lateness, at, event) for when, at, event in coming]
    again = [one for one in coming if random.random() < 0.1]
    coming += [(when + random.randint(0, 3 * drawn.lateness), at, event) for when, at, event in again]
    changed = [one for one in coming if random.random() < 0.02]
    coming += [(when + 1, at, replace(event, region="另处")) for when, at, event in changed]
    return tuple(event for _, _, event in sorted(coming, key=lambda one: one[:2]))


def draw_until(random: Random, arrivals: Sequence[oracle.Event]) -> int:
    """Draw before which time everything has come: about the last event, or long after it [us]."""
    last = max(event.at for event in arrivals)
    return last + random.choice((0, 1, 10**12, 40 * oracle.DAY_US, 200 * oracle.DAY_US))


def _us(at: datetime) -> int:
    return (at - _EPOCH) // (datetime(1970, 1, 1, microsecond=1) - datetime(1970, 1, 1))
