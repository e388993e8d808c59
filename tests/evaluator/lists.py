"""Small programs with lists, clocks and parts, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

from engine.calendars.days import END_DAY, FIRST_DAY, day_number
from engine.compiler.program import (
    BOOLEAN,
    AxisSpec,
    Compiled,
    Constants,
    Figure,
    InputSpec,
    Line,
    Program,
    Refusal,
    Slot,
    Step,
    Timeline,
    Type,
    Version,
    Warning,
    Working,
)
from engine.language.units import parse_unit
from tests.evaluator.programs import CNY, END_2025, FROM_2024, KWH, PLACE, PRICE, compiled, steps_only

KVA = parse_unit("kVA")[0]
LIST = "transformers"
LOAD = "load"

FORWARD = day_number(date(2025, 3, 30))
"""A day of 23 hours, as in Berlin: at 2:00 the clock is put forward to 3:00."""
BACK = day_number(date(2025, 10, 26))
"""A day of 25 hours, as in Berlin: at 3:00 the clock is put back to 2:00."""
UNKNOWN = day_number(date(2025, 12, 25))
"""A day whose type no holiday list decides."""


def on(axis: str, of: Type) -> Type:
    """The same type on a list."""
    return replace(of, axis=axis)


def transformers(at_most: int = 4, *, optional: bool = False) -> tuple[AxisSpec, tuple[InputSpec, ...]]:
    """A list of transformers: kVA without places, a day, and a truth that is false where it is absent."""
    kva = on(LIST, Type("number", KVA, 0, 0, 5000))
    day = on(LIST, Type("date", low=FIRST_DAY, high=END_DAY - 1))
    inputs = (
        InputSpec(f"{LIST}.kva", kva, "容量"),
        InputSpec(f"{LIST}.from_day", day, optional=True),
        InputSpec(f"{LIST}.spare", on(LIST, BOOLEAN), default=0),
    )
    return AxisSpec(LIST, at_most, "变压器", optional), inputs


def hours() -> tuple[Timeline, Timeline]:
    """A clock of hours with a day of 23 and one of 25, and a schedule: peak from 8 to 22, valley else."""
    usual = tuple(60 * hour for hour in range(24))
    short = tuple(minute for minute in usual if minute != 120)
    long = (*usual[:3], *usual[2:])
    days = [{FORWARD: 1, BACK: 2}.get(day, 0) for day in range(FIRST_DAY, END_DAY)]
    clock = Timeline("clock", 60, FIRST_DAY, tuple(days), (usual, short, long))
    periods = tuple(tuple(int(480 <= minute < 1320) for minute in pattern) for pattern in clock.patterns)
    known = [-1 if FIRST_DAY + at == UNKNOWN else position for at, position in enumerate(days)]
    return clock, Timeline("tou_period", 60, FIRST_DAY, tuple(known), periods, ("valley", "peak"))


def load(at_most: int = 2000, *, optional: bool = False) -> tuple[AxisSpec, tuple[InputSpec, ...]]:
    """A load curve by the hour: kWh to 0.1."""
    kwh = on(LOAD, Type("number", KWH, 1, 0, 10_000))
    return AxisSpec(LOAD, at_most, "负荷", optional, 60, 0), (InputSpec(f"{LOAD}.kwh", kwh, "电量"),)


def with_lists(
    steps: Sequence[Step],
    *lists: tuple[AxisSpec, tuple[InputSpec, ...]],
    inputs: Sequence[InputSpec] = (),
    refusals: Sequence[Refusal] = (),
) -> Compiled:
    """Run steps over lists for their values alone; the first step is the total."""
    own = tuple(spec for _, specs in lists for spec in specs)
    rules = steps_only(steps, (*inputs, *own), refusals)
    axes = tuple(axis for axis, _ in lists)
    return replace(rules, program=replace(rules.program, axes=axes, timelines=hours()))


def split_rules(*, changes: Any = "split", days: Sequence[date] = (date(2025, 1, 11),)) -> Compiled:
    """Bill kWh at 0.5000, from 2025-01-11 on at 0.6000, once 1.00 a bill, and warn of more than 90 kWh a bill.

    Energy is divided by days to whole kWh. The tier line bills what all parts together use beyond 50 kWh at 0.1000:
    a part bills what it and the earlier parts use beyond 50, less what the earlier parts used beyond 50.
    """
    kwh = Type("number", KWH, 0, 0, 1000)
    money = Type("number", CNY, 2, 0, 1_000_000)
    price = Type("number", PRICE, 4, 5000, 6000)
    one_to_parts = Type(low=1, high=24)
    steps = (
        Step("input", (), kwh, name="kwh"),  # 0 share of the part
        Step("input", (), kwh, name="kwh@bill"),  # 1
        Step("constant", (), price, slot=0),  # 2
        Step("multiply_round", (0, 2), money),  # 3 energy
        Step("input", (), one_to_parts, name="part"),  # 4
        Step("input", (), one_to_parts, name="parts"),  # 5
        Step("equal", (4, 5), BOOLEAN),  # 6 the last part
        Step("literal", (), replace(money, low=100, high=100), value=100),  # 7
        Step("literal", (), replace(money, low=0, high=0), value=0),  # 8
        Step("select", (6, 7, 8), replace(money, high=100)),  # 9 once a bill
        Step("literal", (), Type(low=0, high=0), value=0),  # 10 one group
        Step("earlier_parts", (0, 10), replace(kwh, high=24_000)),  # 11
        Step("add", (11, 0), replace(kwh, high=25_000)),  # 12 up to and with this part
        Step("literal", (), replace(kwh, low=50, high=50), value=50),  # 13
        Step("maximum", (12, 13), replace(kwh, low=50, high=25_000)),  # 14
        Step("maximum", (11, 13), replace(kwh, low=50, high=24_000)),  # 15
        Step("subtract", (14, 15), replace(kwh, low=-24_000, high=25_000)),  # 16
        Step("claim", (16,), kwh),  # 17 kWh of the part beyond 50
        Step("literal", (), replace(price, low=1000, high=1000), value=1000),  # 18
        Step("multiply_round", (17, 18), money),  # 19 tier
        Step("add", (3, 9), money),  # 20
        Step("add", (20, 19), money),  # 21 total of the part
        Step("literal", (), replace(kwh, low=90, high=90), value=90),  # 22
        Step("less", (22, 1), BOOLEAN),  # 23 more than 90 kWh a bill
        Step("literal", (), replace(kwh, low=60, high=60), value=60),  # 24
        Step("less_equal", (0, 24), BOOLEAN),  # 25
        Step("require", (25,), BOOLEAN, refusal=0),  # 26 no part may have more than 60 kWh
        Step("all_parts", (0,), replace(kwh, high=24_000)),  # 27
    )
    names = ("energy", "once", "beyond")
    lines = tuple(
        Line(name, name, name, amount, shown, quantity, at, "energy", True, Working(name, (), None, ()), place=PLACE)
        for name, amount, shown, quantity, at in zip(
            names, (3, 9, 19), (None, 6, None), (0, None, 17), (2, None, 18), strict=True
        )
    )
    program = Program(
        inputs=(InputSpec("kwh", kwh, "电量", place=PLACE, split=True),),
        steps=steps,
        refusals=(Refusal("refused-by-rule", "kwh", "{kwh} is too much", (("kwh", 0),), PLACE),),
        calendars=(),
        lines=lines,
        total=21,
        ledgers=(("energy", 21),),
        warnings=(Warning("much", "much", "info", 23, "{kwh} kWh", (("kwh", 1),), place=PLACE),),
        names={"kwh": 0, "energy": 3},
    )
    borders = [FROM_2024, *map(day_number, days), END_2025]
    versions = tuple(Version(first, end) for first, end in pairwise(borders))
    prices = [
        Figure(f"0.{5 + at % 2}", 5000 + 1000 * (at % 2), PLACE, "例", "example", None) for at in range(len(versions))
    ]
    figures = tuple(((figure,),) for figure in prices)
    return compiled(
        program,
        Constants((Slot("price", price),), versions, figures),
        change_days=tuple(map(day_number, days)),
        changes=changes,
    )


def load_rules(*, optional: bool = False, at_most: int = 2000) -> Compiled:
    """Bill a load curve at 0.5000, and a fee of 0.10 for each kVA of transformers that are not spare."""
    kwh = Type("number", KWH, 1, 0, 20_000_000)
    kva = Type("number", KVA, 0, 0, 5000)
    money = Type("number", CNY, 2, 0, 1_000_000_000)
    price = Type("number", PRICE, 4, 5000, 5000)
    steps = (
        Step("input", (), load()[1][0].type, name=f"{LOAD}.kwh"),  # 0
        Step("sum_items", (0,), kwh),  # 1
        Step("constant", (), price, slot=0),  # 2
        Step("multiply_round", (1, 2), money),  # 3
        Step("timeline", (), on(LOAD, Type("code", low=-1, high=1, codes=("valley", "peak"))), slot=1),  # 4
        Step("input", (), on(LIST, kva), name=f"{LIST}.kva"),  # 5
        Step("input", (), on(LIST, BOOLEAN), name=f"{LIST}.spare"),  # 6
        Step("literal", (), kva, value=0),  # 7
        Step("select", (6, 7, 5), on(LIST, kva)),  # 8 kVA that is billed
        Step("sum_items", (8,), replace(kva, high=200_000)),  # 9
        Step("literal", (), Type("number", parse_unit("CNY/kVA")[0], 2, 10, 10), value=10),  # 10
        Step("multiply", (9, 10), money),  # 11
        Step("add", (3, 11), replace(money, high=2_000_000_000)),  # 12
        Step("literal", (), on(LIST, BOOLEAN), value=1),  # 13
        Step("literal", (), kva, value=100),  # 14
        Step("less_equal", (14, 5), on(LIST, BOOLEAN)),  # 15 100 kVA or more
        Step("all_items", (15,), BOOLEAN),  # 16
        Step("require", (16,), BOOLEAN, refusal=0),  # 17
    )
    energy = Working("sum(load.kwh) * price", (("load.kwh", 0), ("tou_period", 4), ("price", 2)), None, (0,))
    fee = Working("sum(transformers.kva)", (("transformers.kva", 5), ("billed", 8)), None, ())
    lines = (
        Line("energy", "energy", "电度电费", 3, None, 1, 2, "energy", True, energy, place=PLACE),
        Line("fee", "fee", "基本电费", 11, None, 9, 10, "fee", True, fee, place=PLACE),
    )
    curve, several = load(at_most, optional=optional), transformers(40)
    told = Refusal("refused-by-rule", f"{LIST}.kva", "{transformers.kva} kVA", ((f"{LIST}.kva", 5),), PLACE, (LIST, 15))
    clock, schedule = hours()
    program = Program(
        inputs=(*curve[1], *several[1]),
        steps=steps,
        refusals=(told,),
        calendars=(),
        lines=lines,
        total=12,
        ledgers=(("energy", 3), ("fee", 11)),
        warnings=(),
        axes=(curve[0], several[0]),
        timelines=(clock, schedule),
    )
    figure = Figure("0.5000", 5000, PLACE, "例", "example", None)
    constants = Constants((Slot("energy.price", price),), (Version(FROM_2024, END_2025),), (((figure,),),))
    return compiled(program, constants, change_days=())
