"""A rate book with triggers, events for them, and calls of the service about them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import grpc

from dianjia.client import Event
from dianjia.warnings.v1 import warnings_pb2 as messages
from dianjia.warnings.v1.warnings_pb2_grpc import WarningServiceStub
from tests.service.rate_books import home, in_folder

WHO: Final = {
    "meters": "record-events",
    "desk": "read-warnings acknowledge",
    "screen": "read-warnings",
    "all": "record-events read-warnings acknowledge",
}
USE: Final = "cn.test.watch:high_use"
UNPAID: Final = "cn.test.watch:unpaid"
DAY: Final = datetime(2026, 3, 1, tzinfo=UTC)
SECONDS: Final = 30.0

_WATCH: Final = """\
ruleset: cn.test.watch
title: 预警
source: {{standing: example, note: made up for a test}}
in_force: {{from: 2000-01-01, until_replaced: true}}
events:
  usage_recorded:
    title: 用电量
    lateness: 3 days
    inputs: {{energy: {{unit: kWh, places: 2, from: 0, to: 1000000, title: 用电量}}}}
  bill_issued:
    title: 出账
    lateness: 1 day
    keys: [bill]
    inputs: {{amount: {{unit: CNY, places: 2, from: 0, to: 1000000, title: 金额}}}}
  payment_received:
    title: 交费
    lateness: 1 day
    keys: [bill]
    inputs: {{amount: {{unit: CNY, places: 2, from: 0, to: 1000000, title: 金额}}}}
triggers:
  high_use:
    title: 用电过高
    kind: event
    on: usage_recorded
    when: energy > {limit}[kWh]
    level: yellow
    recipient: account_manager
    message: 本期 {{energy}} 千瓦时
    causes: [新设备, 抄错]
    action: 核对读数
    source: {{standing: example, note: made up for a test}}
  unpaid:
    title: 逾期未交
    kind: sequence
    steps:
      - {{as: issued, on: bill_issued}}
      - {{absent: payment_received, within: 30 days}}
    keeps: first
    each: [bill]
    level: amber
    recipient: credit_control
    message: 应收 {{issued.amount}} 元，三十日未交
    causes: []
    action: 催费
    source: {{standing: example, note: made up for a test}}
"""


def watched(limit: int = 1000) -> dict[str, bytes]:
    """A rate book: `high_use` above a limit [kWh], `unpaid` after thirty days."""
    return {**home(), "cn/test/watch.ruleset.yaml": _WATCH.format(limit=limit).encode()}


def rules(folder: Path, limit: int = 1000) -> Path:
    """Write it to a folder."""
    return in_folder(folder, watched(limit))


def use(number: int | str, energy: str, *, account: str = "1001", days: float = 0, region: str = "") -> Event:
    """A consumption so many days after the first of March 2026."""
    at = DAY + timedelta(days=days)
    return Event(f"use-{number}", "usage_recorded", account, at, {"energy": Decimal(energy)}, region=region)


def bill(number: int | str, amount: str, *, account: str = "1001", days: float = 0) -> Event:
    """A bill, likewise."""
    at = DAY + timedelta(days=days)
    values, keys = {"amount": Decimal(amount)}, {"bill": f"b{number}"}
    return Event(f"bill-{number}", "bill_issued", account, at, values, keys)


def calls(channel: grpc.Channel) -> WarningServiceStub:
    return WarningServiceStub(channel)


def recorded(
    channel: grpc.Channel, requests: Iterable[messages.RecordEventsRequest]
) -> list[messages.RecordEventsResponse]:
    """Send chunks, give their answers."""
    return list(calls(channel).RecordEvents(iter(requests), timeout=SECONDS))


def listed(channel: grpc.Channel, request: messages.ListWarningsRequest | None = None) -> list[messages.Warning]:
    """One page of warnings."""
    page = calls(channel).ListWarnings(request or messages.ListWarningsRequest(), timeout=SECONDS)
    return list(page.warnings)


def watching(
    channel: grpc.Channel, request: messages.WatchWarningsRequest, timeout: float = SECONDS
) -> Generator[messages.WatchWarningsResponse, None, None]:
    """A watch; it begins when its first answer is asked for, and ends when it is closed."""
    stream = calls(channel).WatchWarnings(request, timeout=timeout)
    try:
        yield from stream
    finally:
        stream.cancel()


def several(answers: Iterator[messages.WatchWarningsResponse], count: int) -> list[messages.Warning]:
    """So many warnings of a watch, and whatever comes in one answer with them."""
    found: list[messages.Warning] = []
    while len(found) < count:
        found += next(answers).warnings
    return found


def told_by_event(warnings: Iterable[messages.Warning]) -> Mapping[str, str]:
    """Event -> message."""
    return {one.event: one.message for one in warnings}
