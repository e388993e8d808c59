"""Small programs made by hand, for tests of what runs or reads programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from engine.compiler.program import (
    BOOLEAN,
    FIRST_DAY,
    Compiled,
    Constants,
    DayTable,
    Figure,
    InputSpec,
    Line,
    Program,
    Refusal,
    Rounding,
    Slot,
    Step,
    Type,
    Version,
    Warning,
    Working,
)
from engine.language.problems import Place
from engine.language.units import parse_unit

CNY = parse_unit("CNY")[0]
KWH = parse_unit("kWh")[0]
PRICE = parse_unit("CNY/kWh")[0]

PLACE = Place("small.ruleset.yaml", 1, 1, 1, 10)
FROM_2024 = date(2024, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
FROM_2025 = date(2025, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
END_2025 = date(2026, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
JANUARY: dict[str, Any] = {"period_from": date(2025, 1, 1), "period_to": date(2025, 2, 1)}


def compiled(program: Program, constants: Constants, **changes: Any) -> Compiled:
    """Wrap a program as a rule set in force from 2024, its constants changing with 2025."""
    whole = Compiled(
        id="xx.small",
        title="小例",
        place_code="xx",
        customer_class="residential",
        currency="CNY",
        minor_places=2,
        version_by="period_from",
        first_day=FROM_2024,
        end_day=END_2025,
        program=program,
        constants=constants,
        change_days=(FROM_2025,),
        tests=(),
        source="例〔2024〕1号",
        standing="example",
        files=(PLACE.file,),
        content_hash="",
        place=PLACE,
    )
    return replace(whole, **changes)


def two_tiers() -> Compiled:
    """Bill kWh at two prices: up to 100 kWh at 0.5283 (2024: 0.5000), beyond at 0.5783; refuse more than 1,000 kWh.

    Steps are written as a compiler would: kWh to 0.01, prices to 0.0001, amounts to 0.01.
    """
    kwh = Type("number", KWH, 2, 0, 1_000_000)
    price = Type("number", PRICE, 4, 5000, 5783)
    money = Type("number", CNY, 2, 0, 578_300)
    steps = (
        Step("input", (), kwh, name="kwh"),  # 0
        Step("constant", (), Type("number", KWH, 0, 100, 100), slot=0),  # 1 limit
        Step("rescale", (1,), replace(kwh, low=10_000, high=10_000)),  # 2
        Step("minimum", (0, 2), replace(kwh, high=10_000)),  # 3 kWh in the first tier
        Step("subtract", (0, 3), replace(kwh, low=-10_000)),  # 4
        Step("claim", (4,), kwh),  # 5 kWh in the second tier
        Step("constant", (), replace(price, high=5283), slot=1),  # 6
        Step("constant", (), replace(price, low=5783), slot=2),  # 7
        Step("multiply_round", (3, 6), replace(money, high=5283)),  # 8 first line
        Step("multiply_round", (5, 7), money),  # 9 second line
        Step("add", (8, 9), replace(money, high=583_583)),  # 10 total
        Step("literal", (), replace(kwh, low=0, high=0), value=0),  # 11
        Step("less", (11, 5), BOOLEAN),  # 12 second tier is shown
        Step("literal", (), replace(kwh, low=100_000, high=100_000), value=100_000),  # 13
        Step("less_equal", (0, 13), BOOLEAN),  # 14
        Step("require", (14,), BOOLEAN, refusal=0),  # 15
    )
    lines = tuple(
        Line(
            id=f"energy.{tier}",
            charge="energy",
            title=title,
            amount=amount,
            shown=shown,
            quantity=quantity,
            price=at,
            ledger="energy",
            money=True,
            working=Working("quantity * price", (("quantity", quantity), ("price", at)), None, (slot,)),
            place=PLACE,
        )
        for tier, title, amount, shown, quantity, at, slot in (
            (1, "第一档", 8, None, 3, 6, 1),
            (2, "第二档", 9, 12, 5, 7, 2),
        )
    )
    warning = Warning(
        "second_tier", "进入第二档", "yellow", 12, "本月 {kwh} 千瓦时", (("kwh", 0),), ("空调",), "短信", PLACE
    )
    program = Program(
        inputs=(InputSpec("kwh", kwh, "电量", place=PLACE),),
        steps=steps,
        refusals=(Refusal("refused-by-rule", "kwh", "{kwh} 千瓦时太多", (("kwh", 0),), PLACE),),
        calendars=(),
        lines=lines,
        total=10,
        ledgers=(("energy", 10),),
        warnings=(warning,),
        names={"kwh": 0, "energy.1": 8, "energy.2": 9},
    )
    constants = Constants(
        slots=(
            Slot("energy.1.up_to", Type("number", KWH, 0, 100, 100)),
            Slot("energy.1.price", replace(price, high=5283)),
            Slot("energy.2.price", replace(price, low=5783)),
        ),
        versions=(Version(FROM_2024, FROM_2025), Version(FROM_2025, END_2025)),
        figures=tuple(
            (
                (_figure("100", 100, date(2024, 1, 1)),),
                (_figure(text, value, since),),
                (_figure("0.5783", 5783, date(2024, 1, 1)),),
            )
            for text, value, since in (("0.5000", 5000, date(2024, 1, 1)), ("0.5283", 5283, date(2025, 1, 1)))
        ),
    )
    return compiled(program, constants)


def _figure(text: str, value: int, since: date) -> Figure:
    return Figure(text, value, replace(PLACE, line=7), "例〔2024〕1号", "example", since)


def steps_only(steps: Sequence[Step], inputs: Sequence[InputSpec] = (), refusals: Sequence[Refusal] = ()) -> Compiled:
    """Run steps for their values alone; the first is the total."""
    program = Program(
        inputs=tuple(inputs),
        steps=tuple(steps),
        refusals=tuple(refusals),
        calendars=(DayTable("month", FIRST_DAY, tuple(range(100_000))),),
        lines=(),
        total=0,
        ledgers=(),
        warnings=(),
    )
    version = Version(FROM_2024, END_2025)
    slot = Slot("table", Type("number", places=1, low=5, high=70), (("a", "b"), ("x", "y")))
    cells = (
        Figure("0.5", 5, None, "", "", None),
        None,
        Figure("6", 60, None, "", "", None),
        Figure("7", 70, None, "", "", None),
    )
    return compiled(program, Constants((slot,), (version,), ((cells,),)), change_days=())


def literal(value: int, places: int = 0) -> Step:
    """Make a literal of so many whole numbers of its places."""
    return Step("literal", (), Type(places=places, low=value, high=value), value=value)


WIDE = Type(low=-(10**30), high=10**30)


def rounding(primitive: str, operands: tuple[int, ...], places: int, mode: Rounding = Rounding.HALF_UP) -> Step:
    """Make a rounded step with bounds that hold anything."""
    return Step(primitive, operands, replace(WIDE, places=places), mode=mode)
