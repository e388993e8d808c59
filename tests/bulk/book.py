"""Two small rule sets that between them read every kind of column, for tests of files and runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled

HOME: Final = "cn.test.home"
SHOP: Final = "cn.test.shop"

HOME_YAML: Final = """\
ruleset: cn.test.home
title: 居民
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from

inputs:
  kwh:        {unit: kWh, places: 2, from: 0, to: 100000, title: 用电量}
  low_income: {type: boolean, default: false, title: 低保户}
  zone:       {type: code, codes: {north: 北, south: 南}, default: north}
  moved_in:   {type: date, optional: true}

energy: {total: kwh, priced_by: [energy]}

charges:
  energy: {title: 电费, quantity: kwh, price: 0.5283, ledger: energy}
  new_here:
    title: 迁入减免
    kind: formula
    when: given(moved_in) and moved_in > day(2025, 12, 31)
    amount: "0[CNY] - 1[CNY]"
    ledger: aid
  relief:
    title: 困难补贴
    kind: formula
    when: low_income and zone == north
    amount: "0[CNY] - 5[CNY]"
    ledger: aid

warnings:
  much: {title: 用电多, level: amber, when: "kwh > 1000[kWh]", message: "用电 {kwh} 千瓦时，{zone}"}
"""

SHOP_YAML: Final = """\
ruleset: cn.test.shop
title: 商业
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from

inputs:
  kwh:   {unit: kWh, places: 2, from: 0, to: 100000}
  kvarh: {unit: kvarh, places: 0, from: 0, to: 100000, optional: true}

energy: {total: kwh, priced_by: [energy]}

charges:
  energy: {title: 电费, quantity: kwh, price: 1.00, ledger: energy}

warnings:
  reactive: {title: 无功多, level: info, when: "given(kvarh) and kvarh > 10[kvarh]", message: 请装电容器}
"""


def make_book(folder: Path) -> Mapping[str, Compiled]:
    """Compile the two."""
    (folder / "home.ruleset.yaml").write_text(HOME_YAML, encoding="utf-8")
    (folder / "shop.ruleset.yaml").write_text(SHOP_YAML, encoding="utf-8")
    return compile_paths([folder]).rulesets
