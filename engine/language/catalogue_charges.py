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
    "rounding-out-of-reach": Entry(
        "`{charge}` rounds to places that cannot be kept.",
        "Write 0 to {most} decimals, in a unit that is a tenth, hundredth, … of the price's: "
        "`{{places: 2, mode: half_up, unit: fen/kWh}}`.",
        "`{charge}` 的取整位数无法保留。",
        "请写 0 到 {most} 位小数，单位为价格单位的十分之一、百分之一等："
        "`{{places: 2, mode: half_up, unit: fen/kWh}}`。",
    ),
    "months-in-use": Entry(
        "`{charge}` has `months_in_use` but climbs its ladder per {over}.",
        "Leave `months_in_use` out: it shortens the limits of a year.",
        "`{charge}` 写了 `months_in_use`，但阶梯按 {over} 计。",
        "请删去 `months_in_use`：它只用于缩减全年的上限。",
    ),
    "across-parts-not-declared": Entry(
        "billing periods are cut into parts here, and `{charge}` does not say how its ladder goes on.",
        "Write `across_parts: continue` (one ladder for the bill), `by_months` or `by_days` (each part its own); "
        "or `per: bill`.",
        "本规则集把计费周期分段，`{charge}` 没有写阶梯如何跨段。",
        "请写 `across_parts: continue`（整张账单一个阶梯）、`by_months` 或 `by_days`（每段各自分档），"
        "或写 `per: bill`。",
    ),
    "across-parts-annual": Entry(
        "the annual ladder of `{charge}` goes on from part to part, and begins anew where a year begins.",
        "Write `across_parts: continue`, without `per: bill`.",
        "`{charge}` 的年阶梯逐段延续，跨年时重新开始。",
        "请写 `across_parts: continue`，不写 `per: bill`。",
    ),
    "limit-places": Entry(
        "`{charge}` divides its limits and does not say to how many decimals.",
        "Write `limit_places: 0`: the limits are rounded half up.",
        "`{charge}` 的上限要做除法，但没有写保留几位小数。",
        "请写 `limit_places: 0`：上限四舍五入。",
    ),
    "whole-across-parts": Entry(
        "`{charge}` prices all use by the tier that it reaches, which a part of a bill does not know.",
        "Write `per: bill`, or give each part its own ladder: `across_parts: by_months`.",
        "`{charge}` 按达到的档次给全部电量定价，而一个分段并不知道整张账单的档次。",
        "请写 `per: bill`，或让每段各自分档：`across_parts: by_months`。",
    ),
    "scope-keys": Entry(
        "`{charge}` does not have what the scope {scope} reads.",
        "`pooled_chronological` reads `intervals: intervals.kwh` and `period: intervals.tou_period`; "
        "the other scopes read `quantity: {{peak: kwh_peak, …}}`.",
        "`{charge}` 缺少 {scope} 所需的内容，或多写了别的。",
        "`pooled_chronological` 读取 `intervals: intervals.kwh` 和 `period: intervals.tou_period`；"
        "其他方式读取 `quantity: {{peak: kwh_peak, …}}`。",
    ),
    "tiers-by-period": Entry(
        "`{charge}` shares each tier among the periods and has different tiers for them.",
        "Write one list of tiers, or `scope: per_period`, or `scope: pooled_chronological`.",
        "`{charge}` 把每一档分摊到各时段，各时段的档次却不同。",
        "请只写一组档次，或用 `scope: per_period`、`scope: pooled_chronological`。",
    ),
    "price-or-components": Entry(
        "`{charge}` needs a `price`, or `components` of which some float; not parts of both.",
        "Write `price: {{peak: 0.9, valley: 0.3}}`, or `components`, `floats`, `ratios` and `round_price` without "
        "`price` and `less`.",
        "`{charge}` 应写 `price`，或写部分浮动的 `components`，不能混用。",
        "请写 `price: {{peak: 0.9, valley: 0.3}}`；或写 `components`、`floats`、`ratios`、`round_price`，"
        "不写 `price` 和 `less`。",
    ),
    "components-need": Entry(
        "the components of `{charge}` make no price without {missing}.",
        "Write `floats: [agency]`, `ratios: {{peak: 1.49, flat: 1, valley: 0.45}}` and "
        "`round_price: {{places: 6, mode: half_up}}`.",
        "`{charge}` 的组成部分还缺 {missing}，得不出价格。",
        "请写 `floats: [agency]`、`ratios: {{peak: 1.49, flat: 1, valley: 0.45}}` 和 "
        "`round_price: {{places: 6, mode: half_up}}`。",
    ),
    "unknown-component": Entry(
        "`{component}` is not a component of the price.",
        "{suggestion}Components: {known}.",
        "`{component}` 不是价格的组成部分。",
        "{suggestion_zh}组成部分：{known}。",
    ),
    "demand-keys": Entry(
        "`{charge}` needs `measured`, and either `price` or `tiers`; with `periods` they stand under each period.",
        "Write `measured: demand_kw` and `price: 36.1`, or `periods: {{peak: {{measured: kw_peak, price: 36.1}}}}`.",
        "`{charge}` 要写 `measured`，以及 `price` 或 `tiers` 之一；有 `periods` 时写在各时段下。",
        "请写 `measured: demand_kw` 和 `price: 36.1`，或 `periods: {{peak: {{measured: kw_peak, price: 36.1}}}}`。",
    ),
    "demand-list": Entry(
        "`{key}` of `{charge}` chooses among the items of a list, and `{formula}` is one value of the row.",
        "Leave `{key}` out, or name a value of a list: `intervals.kw`.",
        "`{charge}` 的 `{key}` 用于从列表中挑选，而 `{formula}` 只是一个值。",
        "请删去 `{key}`，或写列表中的值：`intervals.kw`。",
    ),
    "demand-of-energy": Entry(
        "`{formula}` is energy, and the items of `{list}` follow no clock: no demand can be made of it.",
        "Write `every: 15 minutes` in the list, or name a value in kW.",
        "`{formula}` 是电量，而列表 `{list}` 没有时钟，得不出需量。",
        "请在列表中写 `every: 15 minutes`，或写以 kW 为单位的值。",
    ),
    "ratchet-months": Entry(
        "the ratchet of `{charge}` counts months back and needs both `months` and the `day` of each item.",
        "Write `months: 11` and `day: history.month_from`.",
        "`{charge}` 的追溯需量按月回溯，`months` 和各项的 `day` 都要写。",
        "请写 `months: 11` 和 `day: history.month_from`。",
    ),
    "quantity-or-thirtieths": Entry(
        "a part of `{charge}` needs either `quantity` or `thirtieths`.",
        "Write `quantity: capacity_kva`, or `thirtieths: transformers.kva * thirtieths(from_day, to_day)`.",
        "`{charge}` 的一种方式应写 `quantity` 或 `thirtieths` 之一。",
        "请写 `quantity: capacity_kva`，或 `thirtieths: transformers.kva * thirtieths(from_day, to_day)`。",
    ),
    "per-line-not-declared": Entry(
        "`{charge}` has several lines and does not say whether each has a contract of its own.",
        "Write `per_line: false` (demands and contracts are added first) or `per_line: true`.",
        "`{charge}` 有多路进线，没有写是否每路各自核算。",
        "请写 `per_line: false`（先把需量和合同值相加）或 `per_line: true`。",
    ),
    "per-line-of-a-list": Entry(
        "`{charge}` is billed line by line, and its contract, demand or floor is one value of the row.",
        "Name values of a list, the floor's too: `quantity: lines.contract_kw`; or leave `per_line` out.",
        "`{charge}` 逐路核算，但合同值、需量或下限只是一个值。",
        "请写列表中的值，下限也一样：`quantity: lines.contract_kw`；或删去 `per_line`。",
    ),
    "key-without": Entry(
        "`{charge}` has `{key}` without `{lacking}`.",
        "Write `{example}` too, or leave `{key}` out.",
        "`{charge}` 写了 `{key}`，却没有 `{lacking}`。",
        "请再写 `{example}`，或删去 `{key}`。",
    ),
    "one-of-two": Entry(
        "`{charge}` needs `{first}` or `{second}`, and not both.",
        "Write one of the two.",
        "`{charge}` 应写 `{first}` 或 `{second}`，两者取一。",
        "请只写其中一个。",
    ),
    "round-each-not-declared": Entry(
        "`{charge}` adds up the list `{items}` and does not say whether each item is rounded first.",
        "Write `round_each: true` (each item to money, then the sum) or `round_each: false` (the sum alone).",
        "`{charge}` 对列表 `{items}` 求和，但没有写各项是否先取整。",
        "请写 `round_each: true`（各项先取整再相加）或 `round_each: false`（只对合计取整）。",
    ),
    "round-each-unread": Entry(
        "`{charge}` has `round_each` and adds up no list.",
        "Leave `round_each` out.",
        "`{charge}` 写了 `round_each`，但没有对列表求和。",
        "请删去 `round_each`。",
    ),
    "band-limit": Entry(
        "a band of `{charge}` does not say where it ends, or the last one does.",
        "Each band before the last has `up_to` (holds its limit) or `below` (does not hold it); the last has neither.",
        "`{charge}` 的某一段没有写到哪里为止，或者末段写了。",
        "末段之前的每段写 `up_to`（含上限）或 `below`（不含上限），末段都不写。",
    ),
    "band-figure": Entry(
        "a band of `{charge}` is not priced by `{wanted}`, as a charge with `{since}` is.",
        "Write `{wanted}` in each band, and it alone: `price` goes with `quantity`, `percent` with `base`.",
        "`{charge}` 写了 `{since}`，各段应以 `{wanted}` 计价。",
        "请在每段只写 `{wanted}`：`price` 配 `quantity`，`percent` 配 `base`。",
    ),
    "band-steps": Entry(
        "`steps` stands where `{charge}` cannot go on in steps.",
        "Write it in the last band, with `method: whole`.",
        "`{charge}` 的 `steps` 写在了不能逐级加价的地方。",
        "请写在末段，并用 `method: whole`。",
    ),
    "band-marginal": Entry(
        "`{charge}` bills what lies in each band, so its `quantity` is what the ratio divides.",
        "Write `quantity: kwh` with `ratio: {{of: kwh, per: demand_kw}}`, unrounded; or `method: whole`.",
        "`{charge}` 按各段内的数量计费，`quantity` 应当就是比值的被除数。",
        "请写 `quantity: kwh` 和不取整的 `ratio: {{of: kwh, per: demand_kw}}`；或者 `method: whole`。",
    ),
    "deviation-sides": Entry(
        "`{charge}` prices neither what is over the contract nor what is under it.",
        "Write `over`, `under` or both: `over: {{tolerance_percent: 10, method: marginal, price: 0.05}}`.",
        "`{charge}` 对超用和少用都没有定价。",
        "请写 `over` 和（或）`under`：`over: {{tolerance_percent: 10, method: marginal, price: 0.05}}`。",
    ),
    "option-always": Entry(
        "the option `{name}` of `{charge}` always applies, so that none after it is ever chosen.",
        "Write `when` for it, put it last, or write `choose: largest_reduction`.",
        "`{charge}` 的选项 `{name}` 总是适用，后面的选项永远选不到。",
        "请给它写 `when`，或放在最后，或写 `choose: largest_reduction`。",
    ),
}
