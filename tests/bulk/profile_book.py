"""A rule set that only says what a customer is: two scores, a class by a number and one by conditions."""

from __future__ import annotations

from typing import Final

CUSTOMER: Final = "cn.test.customer"

CUSTOMER_YAML: Final = """\
ruleset: cn.test.customer
title: 客户评分
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from

inputs:
  nature:        {type: code, codes: {industry: 工业, shop: 商业}, title: 用电性质}
  kwh:           {unit: kWh, places: 2, from: 0, to: 1000000, title: 月均电量}
  kwh_last_year: {unit: kWh, places: 2, from: 0, to: 1000000, optional: true, title: 上年月均电量}
  late:          {type: integer, from: 0, to: 12, optional: true, title: 逾期次数}

scores:
  value:
    title: 客户价值
    places: 1
    source: {standing: example, note: made up for a test}
    indicators:
      kind: {title: 用电性质, choice: nature, weight: 0.2, points: {industry: 100, shop: 70}}
      size:
        title: 月均电量
        measure: kwh
        weight: 0.5
        bands:
          - {title: 小, below: 1000, points: 20}
          - {title: 中, up_to: 5000, points: 60.5}
          - {title: 大, points: 100}
      growth:
        title: 增长率
        measure: "divide(kwh - kwh_last_year, kwh_last_year, 4, half_up)"
        weight: 0.3
        absent_when: kwh_last_year == 0[kWh]
        missing: left_out
        bands:
          - {below: 0, points: 0}
          - {below: 0.1, points: 50}
          - {points: 100}
  credit:
    title: 信用
    places: 0
    indicators:
      late:
        title: 逾期
        measure: late
        weight: 1
        missing: 60
        bands: [{below: 1, points: 100}, {below: 3, points: 60}, {points: 0}]

segments:
  level:
    title: 等级
    by: value
    classes:
      - {below: 60, is: ordinary, title: 普通, services: [95598热线]}
      - {below: 85, is: silver, title: 银牌, services: [95598热线, 客户经理]}
      - {is: gold, title: 金牌, services: [客户经理, 专席]}
  market:
    title: 市场
    classes:
      - {is: star, when: level.gold and credit >= 60, title: 明星}
      - {is: other, title: 其他}
"""
