"""What the problems of charges say. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

CHARGES: Mapping[str, Entry] = {
    "tiers-out-of-order": Entry(
        "the limit {upper} does not rise above the limit {lower} before it.",
        "Write the tiers from the lowest limit to the highest.",
        "上限 {upper} 没有高于前一档的上限 {lower}。",
        "各档按上限从低到高写。",
        "The limit before it",
        "前一档的上限",
    ),
    "tier-without-limit": Entry(
        "a tier before the last has no `up_to`.",
        "Only the last tier is open: write where this one ends.",
        "末档之前的一档没有写 `up_to`。",
        "只有末档不设上限：请写这一档到多少为止。",
    ),
    "last-tier-with-limit": Entry(
        "the last tier has an `up_to`: use above it would have no price.",
        "Leave `up_to` out of the last tier, or add a tier.",
        "末档写了 `up_to`：超过部分没有价格。",
        "请删去末档的 `up_to`，或再加一档。",
    ),
    "before-not-declared": Entry(
        "the annual ladder of `{charge}` does not say what was used before.",
        "Write `before: kwh_year_before`, with an input for this year's use so far.",
        "`{charge}` 的年阶梯没有写此前用量。",
        "请写 `before: kwh_year_before`，并为本年已用电量设一个输入。",
    ),
    "before-not-annual": Entry(
        "`{charge}` has `before` but climbs its ladder per {over}.",
        "Leave `before` out, or write `over: calendar_year`.",
        "`{charge}` 写了 `before`，但阶梯按 {over} 计。",
        "请删去 `before`，或写 `over: calendar_year`。",
    ),
    "year-starts": Entry(
        "`{charge}` does not say in which month its ladder year starts.",
        "Write `year_starts: 12`: a month from 1 to 12.",
        "`{charge}` 没有写阶梯年度从几月开始。",
        "请写 `year_starts: 12`，月份为 1 至 12。",
    ),
    "less-not-always": Entry(
        "`{charge}` takes `{name}` out of its price, and `{name}` is not billed in every row.",
        "Bill it always, with a price of zero for those who are exempt: `price: 0 if exempt else 0.02[CNY/kWh]`.",
        "`{charge}` 从价格中扣除 `{name}`，但 `{name}` 并非每行都计收。",
        "请对所有行计收，免收的用户价格为零：`price: 0 if exempt else 0.02[CNY/kWh]`。",
        "Not always",
        "并非每行",
    ),
    "year-starts-unread": Entry(
        "`{charge}` has `year_starts` but climbs its ladder per {over}.",
        "Leave `year_starts` out, or write `over: ladder_year`.",
        "`{charge}` 写了 `year_starts`，但阶梯按 {over} 计。",
        "请删去 `year_starts`，或写 `over: ladder_year`。",
    ),
    "per-period-before": Entry(
        "`{charge}` climbs a ladder per period and has one `before` for all.",
        "Use `scope: pooled_pro_rata`, or a monthly ladder.",
        "`{charge}` 各时段分别分档，却只有一个 `before`。",
        "请用 `scope: pooled_pro_rata`，或按月分档。",
    ),
    "share-not-declared": Entry(
        "`{charge}` does not say how a tier is shared among periods.",
        "Write `share: kwh(2)` or `share: exact`.",
        "`{charge}` 没有写各时段如何分摊一档电量。",
        "请写 `share: kwh(2)` 或 `share: exact`。",
    ),
    "unknown-tou-period": Entry(
        "`{period}` is not one of the time-of-use periods.",
        "{suggestion}Periods: {known}.",
        "`{period}` 不是这里的时段。",
        "{suggestion_zh}时段：{known}。",
    ),
    "tou-period-not-priced": Entry(
        "the charge `{charge}` leaves out {missing}.",
        "Write it too: every period of the calendar has a quantity and a price, those without use as well.",
        "计费项 `{charge}` 缺少时段 {missing}。",
        "请补上：日历中的每个时段都要有电量和价格，没有用电的也一样。",
    ),
    "tou-price": Entry(
        "the price of `{charge}` is neither a row of a table nor a price for each period.",
        "Write `price: prices.energy_price[scheme, voltage]` or `price: {{peak: 0.9, valley: 0.3}}`.",
        "`{charge}` 的价格既不是表的一行，也不是各时段的价格。",
        "请写 `price: prices.energy_price[scheme, voltage]` 或 `price: {{peak: 0.9, valley: 0.3}}`。",
    ),
    "split-not-declared": Entry(
        "`{charge}` takes funds out of its price but does not say how the parts are rounded.",
        "Write `split: each_rounded`, or `split: whole_rounded` with "
        "`rest_to: {charge}`; they differ in more than half of bills.",
        "`{charge}` 从价格中扣除基金，但没有写如何取整。",
        "请写 `split: each_rounded`，或 `split: whole_rounded` "
        "加 `rest_to: {charge}`；两种算法在一半以上的账单上不同。",
    ),
    "rest-to": Entry(
        "with `whole_rounded` the rest of the whole goes to `{charge}` itself.",
        "Write `rest_to: {charge}`.",
        "`whole_rounded` 时余数归 `{charge}` 本身。",
        "请写 `rest_to: {charge}`。",
    ),
    "fixed-mode": Entry(
        "`{charge}` is always billed by `{mode}` and has prices for {parts}.",
        "Keep `{mode}` only, or let an input choose the mode.",
        "`{charge}` 固定按 `{mode}` 计收，却写了 {parts} 的价格。",
        "请只写 `{mode}`，或者让一个输入项来选方式。",
    ),
    "high-use-of": Entry(
        "`of` needs two formulas, energy and capacity; it has {count}.",
        "Write `of: [kwh, contract_kva]`.",
        "`of` 要写两个公式：电量和容量，现有 {count} 个。",
        "请写 `of: [kwh, contract_kva]`。",
    ),
    "power-factor-standard": Entry(
        "the power-factor standard {standard} has no table.",
        "{suggestion}Standards with a table: {known}.",
        "功率因数标准 {standard} 没有调整表。",
        "{suggestion_zh}有表的标准：{known}。",
        "The charge reads it here",
        "计费项在此读取",
    ),
    "no-power-factor-table": Entry(
        "the charge `{charge}` finds no power-factor table.",
        "Write `uses: [cn.national.power_factor]`, or `bands` named `standard_0_90` and the like.",
        "计费项 `{charge}` 找不到功率因数调整表。",
        "请写 `uses: [cn.national.power_factor]`，或名为 `standard_0_90` 等的 `bands`。",
    ),
    "discount-price-or-percent": Entry(
        "`{charge}` needs `price`, or `percent` with `base`.",
        "Write `price: 0.10`, or `percent: 2` and `base: [energy]`.",
        "`{charge}` 应写 `price`，或 `percent` 加 `base`。",
        "请写 `price: 0.10`，或 `percent: 2` 和 `base: [energy]`。",
    ),
    "free-quota-of": Entry(
        "`{charge}` does not say of what kWh are free.",
        "Write `of: kwh`.",
        "`{charge}` 没有写免费的是哪部分电量。",
        "请写 `of: kwh`。",
    ),
}
