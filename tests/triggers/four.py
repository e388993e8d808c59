"""The four triggers that stateful warnings began with, and a stream of events that sets them off.

RISE3: use up three billing periods running. ARREARS30: a bill unpaid for thirty days. DEMAND2: demand over contract
twice in a year. LOWSURGE: a low balance, then a surge of use within three days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from engine.compiler.compile import compile_paths
from engine.compiler.trigger import DAY_US, Watch
from engine.triggers.events import RawEvent

BEGIN: Final = 1_735_660_800_000_000  # 2025-01-01 in Beijing
_HOUR: Final = DAY_US // 24
LATE: Final = 2 * DAY_US  # the longest lateness declared below

RULES: Final = """\
ruleset: cn.test.four
title: 四个预警
source: {standing: example, note: 供测试}
in_force: {from: 2000-01-01, until_replaced: true}
events:
  usage_recorded:
    title: 用电量
    lateness: 2 days
    inputs: {energy: {unit: kWh, places: 2, from: 0, to: 10000000}}
  bill_issued:
    title: 出账
    lateness: 1 day
    keys: [bill]
    inputs: {amount: {unit: CNY, places: 2, from: 0, to: 10000000}}
  payment_received:
    title: 交费
    lateness: 2 days
    keys: [bill]
    inputs: {amount: {unit: CNY, places: 2, from: 0, to: 10000000}}
  demand_recorded:
    title: 需量
    lateness: 12 hours
    inputs:
      demand: {unit: kW, places: 3, from: 0, to: 10000000}
      contract: {unit: kW, places: 3, from: 0, to: 10000000}
  balance_reported:
    title: 余额
    lateness: 2 hours
    inputs: {balance: {unit: CNY, places: 2, from: -100000, to: 10000000}}
triggers:
  rise3:
    title: 连续三期增长
    kind: trend
    on: usage_recorded
    when: energy > previous.energy
    times: 3
    at_most_apart: 45 days
    level: yellow
    recipient: account_manager
    message: "{previous.energy} → {energy} 千瓦时，连续三期增长"
    causes: [扩产]
    action: 回访
    cool_down: 90 days
  arrears30:
    title: 三十日未交
    kind: sequence
    steps:
      - {as: issued, on: bill_issued, when: amount > 0}
      - {absent: payment_received, when: amount >= issued.amount, within: 30 days}
    keeps: first
    each: [bill]
    level: amber
    recipient: credit_control
    message: "{issued.amount} 元三十日未交"
    causes: [忘记交费]
    action: 电话催费
    clears: {on: payment_received}
  demand2:
    title: 一年内两次超合同需量
    kind: count
    on: demand_recorded
    when: demand > contract
    times: 2
    within: 365 days
    level: amber
    recipient: account_manager
    message: "需量 {demand} 千瓦，合同 {contract} 千瓦"
    causes: [增容未报]
    action: 建议调整合同需量
  lowsurge:
    title: 余额低后用电骤增
    kind: sequence
    steps:
      - {as: low, on: balance_reported, when: "balance < 30[CNY]"}
      - {as: surge, on: usage_recorded, when: "energy > 400[kWh]", within: 3 days}
    keeps: latest
    level: red
    recipient: customer
    message: "余额 {low.balance} 元，用电 {surge.energy} 千瓦时"
    causes: [新增电器]
    action: 短信
    cool_down: 3 days
"""


def watch_of(folder: Path, rules: str = RULES) -> Watch:
    """Compile the four triggers from a file in a folder."""
    (folder / "four.ruleset.yaml").write_text(rules, encoding="utf-8")
    return compile_paths([folder]).watch


def stream(count: int, accounts: int, seed: int = 1, rough: float = 0.3) -> list[RawEvent]:
    """Draw events of accounts in turn, five a month each, in the order in which they come: later ones within lateness.

    `rough`: how often something is out of order, from 0 to 1.
    """
    draw = Random(seed)
    found = [_drawn(draw, number, accounts, rough) for number in range(count)]
    comes = [(event.at + draw.randrange(_LATE[str(event.type)]), number) for number, event in enumerate(found)]
    return [found[number] for _, number in sorted(comes)]


def chunks(events: Sequence[RawEvent], size: int) -> Iterator[Sequence[RawEvent]]:
    """Cut a stream up."""
    return (events[first : first + size] for first in range(0, len(events), size))


def end(count: int, accounts: int) -> int:
    """Give a time after which nothing more comes of a stream, and every deadline has passed [us]."""
    return BEGIN + (count // (5 * accounts) + 4) * 31 * DAY_US


def _drawn(draw: Random, number: int, accounts: int, rough: float) -> Any:
    turn, account = divmod(number, accounts)
    month, kind = divmod(turn, 5)
    odd = draw.random() < rough
    begin = BEGIN + month * 30 * DAY_US
    at = begin + draw.randrange(5 * DAY_US)
    keys = {}
    match kind:
        case 0:
            type_, values = "bill_issued", {"amount": f"{draw.randrange(100, 300)}.07"}
            keys = {"bill": f"{month}"}
        case 1:
            type_, values = "payment_received", {"amount": "50" if odd and draw.random() < 0.5 else "300"}
            keys = {"bill": f"{month}"}
            at = begin + draw.randrange(3 * DAY_US, (50 if odd else 30) * DAY_US)
        case 2:
            type_, values = "balance_reported", {"balance": f"{draw.randrange(-10, 60) if odd else 200}.50"}
        case 3:
            energy = draw.randrange(50_000) if odd else 20_000
            type_, values = "usage_recorded", {"energy": f"{energy // 100}.{energy % 100:02}"}
        case _:
            type_, values = (
                "demand_recorded",
                {"demand": f"{draw.randrange(80, 120) if odd else 80}", "contract": "100"},
            )
    return RawEvent(f"e{number}", type_, f"{account:010}", at, values, keys, f"r{account % 7}")


_LATE: Final = {
    "usage_recorded": 48 * _HOUR,
    "bill_issued": 24 * _HOUR,
    "payment_received": 48 * _HOUR,
    "demand_recorded": 12 * _HOUR,
    "balance_reported": 2 * _HOUR,
}
