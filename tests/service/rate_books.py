"""Small rate books that compile in a moment, and steps that take them to where a test wants them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final

from engine.registry.building import Builder, Built
from engine.registry.content import version_of
from engine.registry.registry import Registry

FILE: Final = "cn/test/home.ruleset.yaml"
RULESET: Final = "cn.test.home"
AUTHOR: Final = "wang"
APPROVER: Final = "li"

_YAML: Final = """\
ruleset: cn.test.home
title: 居民
source: {{standing: example, note: made up for a test}}
in_force: {{from: {first_day}, until_replaced: true}}
version_by: period_from

inputs:
  kwh: {{unit: kWh, places: 0, from: 0, to: 100000, title: 用电量}}

energy: {{total: kwh, priced_by: [energy]}}

charges:
  energy: {{title: 电费, quantity: kwh, price: {price}, ledger: energy}}
"""

_NUMBERS = count(1)


class Remembering(Builder):
    """Compiles each rate book once for all tests that share it: a process for each takes a second."""

    def __init__(self) -> None:
        super().__init__()
        self._built: dict[tuple[str, bool], Built] = {}

    def __call__(self, files: Mapping[str, bytes], tests: bool = True) -> Built:
        key = version_of(files), tests
        if key not in self._built:
            self._built[key] = super().__call__(files, tests)
        return self._built[key]


def home(price: str = "0.50", first_day: str = "2020-01-01") -> dict[str, bytes]:
    """A rate book of one rule set: kWh times a price."""
    return {FILE: _YAML.format(price=price, first_day=first_day).encode()}


def in_folder(folder: Path, files: dict[str, bytes]) -> Path:
    """Write a rate book to a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def request() -> str:
    """A request id that no other step of this process has."""
    return f"request {next(_NUMBERS)}"


def approved(registry: Registry, files: dict[str, bytes]) -> str:
    """Publish and approve a rate book; give its version."""
    version = registry.publish(files, who=AUTHOR, why="a test", request_id=request()).version
    assert version == version_of(files)
    registry.approve(version, who=APPROVER, why="looked at it", request_id=request())
    return version


def activated(registry: Registry, files: dict[str, bytes], active_from: datetime | None = None) -> str:
    """Publish, approve and activate a rate book; give its version."""
    version = approved(registry, files)
    activate(registry, version, active_from)
    return version


def activate(registry: Registry, version: str, active_from: datetime | None = None) -> None:
    """Activate an approved version."""
    registry.activate(version, who=APPROVER, why="due", active_from=active_from, request_id=request())


def withdraw(registry: Registry, version: str, return_to: str) -> None:
    """Withdraw a version."""
    registry.withdraw(version, who=APPROVER, reason="a wrong price", return_to=return_to, request_id=request())
