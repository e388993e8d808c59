"""A small rate book, its parts to be varied, and a build of it in this process: a child process takes half a second."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from engine.registry.building import Built, build_here

NOON: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)

_HOME: Final = """\
ruleset: {id}
title: 居民
source: {{standing: example, note: made up for a test}}
in_force: {{from: {first}, {end}}}
version_by: period_from

inputs:
  kwh: {{unit: kWh, places: 2, from: 0, to: 100000, title: 用电量}}

energy: {{total: kwh, priced_by: [energy]}}

charges:
  energy: {{title: 电费, quantity: kwh, price: {price}}}

tests:
  - name: 100 千瓦时
    vouched_by: {{who: worked by hand, from: 100 times the price}}
    billing_period: {month}
    given: {{kwh: 100}}
    expect: {{energy: {total}, total: {total}}}
"""


def home(
    price: str = "0.5283",
    total: str | None = None,
    id_: str = "cn.test.home",
    first: str = "2026-01-01",
    through: str | None = None,
) -> bytes:
    """A rule set with one price and one test, which holds unless `total` says otherwise."""
    end = "until_replaced: true" if through is None else f"through: {through}, closed: made up"
    expected = total or f"{float(price) * 100:.2f}"
    text = _HOME.format(id=id_, first=first, end=end, price=price, total=expected, month=first[:7])
    return text.encode()


def book(price: str = "0.5283", **more: bytes) -> dict[str, bytes]:
    """A rate book of one rule set, and of further files by name."""
    return {"home.ruleset.yaml": home(price), **{f"{name}.ruleset.yaml": content for name, content in more.items()}}


def build_in_process(files: Mapping[str, bytes]) -> Built:
    """Compile files and run their tests, as the child process does."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules"
        for path, content in files.items():
            file = rules / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        with contextlib.chdir(rules):
            return build_here(tests=True)


class Clock:
    """The present instant, as a test sets it."""

    def __init__(self, instant: datetime = NOON) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        return self.instant

    def go(self, span: timedelta) -> None:
        """Let time pass."""
        self.instant += span
