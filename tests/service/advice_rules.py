"""A small rate book with advice of every kind, and with a score and a segment: amounts that a head can work out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SHOP: Final = "cn.test.shop"
ADVICE: Final = "cn.test.advice"

_SHOP: Final = """\
ruleset: cn.test.shop
title: 商户
source: {standing: example, note: made up for a test}
in_force: {from: 2020-01-01, until_replaced: true}
version_by: period_from

values:
  price_below: {unit: CNY/kW, printed: 10.00}
  price_above: {unit: CNY/kW, printed: 20.00}

inputs:
  kwh:         {unit: kWh, places: 0, from: 0, to: 100000, title: 用电量}
  contract_kw: {unit: kW, places: 0, from: 0, to: 1000, title: 合同最大需量}
  demand_kw:   {unit: kW, places: 0, from: 0, to: 1000, title: 实际最大需量}

energy: {total: kwh, priced_by: [energy]}

charges:
  energy: {title: 电费, quantity: kwh, price: 0.50, ledger: energy}
  demand:
    title: 需量电费
    kind: formula
    amount: contract_kw * price_below + max(demand_kw - contract_kw, 0) * price_above
    ledger: demand

scores:
  size:
    title: 规模
    places: 1
    indicators:
      use: {title: 用电量, measure: kwh, weight: 0.5, bands: [{below: 1000, points: 20}, {points: 95}]}
      demand: {title: 需量, measure: demand_kw, weight: 0.5, bands: [{up_to: 80, points: 50}, {points: 100}]}

segments:
  level:
    title: 等级
    by: size
    classes:
      - {below: 60, is: ordinary, title: 普通客户}
      - {is: gold, title: 金牌客户, services: [客户经理, 上门服务]}
"""

_OTHER: Final = """\
ruleset: cn.test.other
title: 套餐
source: {standing: example, note: made up for a test}
in_force: {from: 2020-01-01, until_replaced: true}
version_by: period_from

inputs:
  kwh: {unit: kWh, places: 0, from: 0, to: 100000, title: 用电量}

energy: {total: kwh, priced_by: [energy]}

charges:
  energy: {title: 电费, quantity: kwh, price: 1.50, ledger: energy}
"""

_ADVICE: Final = """\
advice: cn.test.advice
title: 降低用电成本的办法
source: {standing: example, note: made up for a test}
for: [cn.test.shop]

inputs:
  spare_kwh: {unit: kWh, places: 0, from: 0, to: 1000, optional: true, title: 可省的电量}

alternatives:
  contract_at_best:
    title: 合同最大需量取最省的值
    kind: choice
    best: {input: contract_kw, from: "0[kW]", to: "1000[kW]", step: 1}
    how: 申请变更合同最大需量
    conditions:
      - {text: 提前15个工作日申请, source: {standing: recalled, note: made up for a test}}
  save:
    title: 省电
    kind: measure
    lawful: kwh >= 1000[kWh]
    otherwise: 只用了 {kwh} 千瓦时
    set: {kwh: "kwh - 100[kWh]"}
    cost: 250[CNY]
  spare:
    title: 停用闲置设备
    kind: measure
    set: {kwh: kwh - spare_kwh}
  other:
    title: 改用套餐
    kind: plan
    ruleset: cn.test.other
"""


def advice_book() -> Mapping[str, bytes]:
    """Give the rate book's files."""
    files = {"shop.ruleset.yaml": _SHOP, "other.ruleset.yaml": _OTHER, "shop.advice.yaml": _ADVICE}
    return {f"cn/test/{name}": text.encode() for name, text in files.items()}
