"""What the problems of lists, parts and carried inputs say. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

LISTS: Mapping[str, Entry] = {
    "lists-joined": Entry(
        "this formula reads two lists, `{first}` and `{second}`, whose items do not belong to each other.",
        "Take one of them to the row first: `sum({first}.…)`, `count(…)`, `max(…, if_empty=…)`.",
        "公式同时读取 `{first}` 和 `{second}` 两个列表，它们的项目互不对应。",
        "请先把其中一个汇总到行：`sum({first}.…)`、`count(…)`、`max(…, if_empty=…)`。",
    ),
    "list-at-most": Entry(
        "`at_most` of `{name}` is the most items that a row may have, 1 to {most}.",
        "Write how many items may come, and no more than can happen: it bounds every sum over them.",
        "`{name}` 的 `at_most` 是一行最多的项目数，应为 1 至 {most}。",
        "请写最多可能有多少项；各项之和的范围由它决定。",
    ),
    "interval-length": Entry(
        "`{text}` is no interval length.",
        "Write `every: 15 minutes`: 5, 10, 15, 20, 30 or 60.",
        "`{text}` 不是区间长度。",
        "请写 `every: 15 minutes`：5、10、15、20、30 或 60。",
    ),
    "interval-without-calendar": Entry(
        "the items of `{name}` follow the clock, and there is no calendar to say which.",
        "Add a `calendar` with its `timezone`.",
        "`{name}` 的项目随时钟排列，但没有日历说明时区。",
        "请加上写明 `timezone` 的 `calendar`。",
    ),
    "item-key": Entry(
        "`{key}` is not for the inputs of a list's items.",
        "Say it of the list `{list}` itself or of an input of the row.",
        "`{key}` 不能用于列表项目的输入。",
        "请写在列表 `{list}` 本身，或写在行的输入上。",
    ),
    "carried-how": Entry(
        "`{name}` does not say in one way how it follows from earlier rows.",
        "Write `{{sum: kwh, since: calendar_year}}`, `{{sum: kwh, since: ladder_year, year_starts: 12}}`, "
        "`{{max: peak_kw, months: 11}}`, `{{last: reading}}` or `{{remainder: kwh}}`; `opening` is "
        "for an account's first row.",
        "`{name}` 没有用一种方式说明怎样由较早的行得出。",
        "请写 `{{sum: kwh, since: calendar_year}}`、`{{sum: kwh, since: ladder_year, year_starts: 12}}`、"
        "`{{max: peak_kw, months: 11}}`、`{{last: reading}}` 或 `{{remainder: kwh}}`；`opening` 用于户号的第一行。",
        "The input",
        "该输入",
    ),
    "carried-differs": Entry(
        "`{name}` [{expected}] cannot carry `{of}` [{unit}, {places} places].",
        "Give both the same unit, and the input at least as many places.",
        "`{name}` [{expected}] 不能由 `{of}` [{unit}，{places} 位小数] 结转。",
        "两者单位须相同，输入的小数位数不得更少。",
    ),
    "carried-circle": Entry(
        "`{name}` is carried from `{of}`, which reads `{name}` itself.",
        "Carry what does not depend on it; what is left of whole units is `{{remainder: kwh}}`.",
        "`{name}` 由 `{of}` 结转，而 `{of}` 又读取 `{name}`。",
        "请由与它无关的量结转；整数单位的余数写 `{{remainder: kwh}}`。",
    ),
    "split-unread": Entry(
        "`{name}` says how it is split, and nothing is split.",
        "Leave `split` out, or write `changes: split` in the rule set; it is for numbers of the row.",
        "`{name}` 写了怎样分段，但这里没有分段。",
        "请删去 `split`，或在规则集写 `changes: split`；它只用于行的数值。",
    ),
    "split-not-said": Entry(
        "`{name}` does not say what a part of the billing period has of it.",
        "Write `split: by_days`, or `split: no` where each part has the whole of it.",
        "`{name}` 没有说明计费周期的每一段占多少。",
        "请写 `split: by_days`；若每段都用全量，写 `split: no`。",
    ),
    "split-by-reading-day": Entry(
        "a rule set whose version is that of the reading day does not cut billing periods.",
        "Write `version_by: period_from` or `last_day` beside `changes: split`.",
        "按抄表日取版本的规则集不分段。",
        "请与 `changes: split` 一起写 `version_by: period_from` 或 `last_day`。",
    ),
    "prorate-not-said": Entry(
        "`{charge}` has a price per month and does not say what a part of a month costs.",
        "Write `prorate: thirtieths` (1/30 a day), `prorate: days` (by the bill's days), or `per: bill`.",
        "`{charge}` 的价格按月计，没有说明不足一月怎样收。",
        "请写 `prorate: thirtieths`（每日 1/30）、`prorate: days`（按账单天数）或 `per: bill`。",
    ),
    "prorate-unread": Entry(
        "`{charge}` says how it is prorated, and has no price per month.",
        "Leave `prorate` out, or give the price its unit: `22.6[CNY/kVA/month]`.",
        "`{charge}` 写了怎样折算，但没有按月的价格。",
        "请删去 `prorate`，或给价格写上单位：`22.6[CNY/kVA/month]`。",
    ),
    "per-unread": Entry(
        "`{charge}` says whether it is billed by part, and nothing cuts a billing period into parts.",
        "Leave `per` out, or write `changes: split` in the rule set.",
        "`{charge}` 写了是否按段计收，但计费周期没有分段。",
        "请删去 `per`，或在规则集写 `changes: split`。",
    ),
    "per-not-said": Entry(
        "`{charge}` is a {kind} charge and does not say whether it is billed by part or once a bill.",
        "Write `per: bill`, on the sums of all parts, or `per: part`.",
        "`{charge}` 是 {kind} 计费项，没有说明按段计收还是整张账单计收一次。",
        "请写 `per: bill`（按各段之和）或 `per: part`。",
    ),
    "same-in-parts": Entry(
        "`{formula}` is not divided between the parts of a bill, and `{charge}` would bill all of it in each.",
        "Write `per: bill`, or divide what it reads (`split: by_days`); `per: part` where each part owes it all.",
        "`{formula}` 没有在账单各段之间分开，`{charge}` 会在每一段全额计收。",
        "请写 `per: bill`；或把所读的量分段（`split: by_days`）；确实每段都收时写 `per: part`。",
    ),
    "less-other-parts": Entry(
        "`{charge}` takes the price of `{name}` out of its own, and one is billed once a bill, the other by part.",
        "Write the same `per:` in both; their prices are then those of the same days.",
        "`{charge}` 从价格中扣除 `{name}` 的价格，但两者一个整张账单计收一次，另一个按段计收。",
        "两者请写同样的 `per:`，使所扣的是同一天的价格。",
    ),
    "divided-in-parts": Entry(
        "`{formula}` of `{name}` is not used up day by day, and a part of a bill would have a part of it.",
        "Write `split: no` at the input: each part then has the whole of it.",
        "`{name}` 的 `{formula}` 不是按天用掉的量，账单的一段只会得到它的一部分。",
        "请在输入写 `split: no`：每一段都有其全部。",
    ),
    "windows-in-parts": Entry(
        "`{name}` has sliding windows, and one that lies in two parts of a bill would be seen in neither.",
        "Write `windows: block`, or `changes: refuse` or `whole` in the rule set.",
        "`{name}` 用滑动窗口，而跨账单两段的窗口在哪一段都看不到。",
        "请写 `windows: block`，或在规则集写 `changes: refuse` 或 `whole`。",
    ),
    "month-in-parts": Entry(
        "`{formula}` is per month, and `{charge}` is billed by part: a part is no month.",
        "Write `per: bill`.",
        "`{formula}` 按月计，而 `{charge}` 按段计收：一段不是一个月。",
        "请写 `per: bill`。",
    ),
    "bill-reads-intervals": Entry(
        "`{formula}` is asked of the whole bill, and each part has only the intervals of its own days.",
        "Of a whole bill `sum`, `count`, `max` and `min` of intervals are known; bill the charge by part otherwise.",
        "`{formula}` 要读整张账单，而每一段只有自己日期内的区间。",
        "整张账单可用区间的 `sum`、`count`、`max`、`min`；否则请按段计收。",
    ),
    "not-on-a-list": Entry(
        "`{formula}` wants a value of each item of a list; `{inner}` has one value a row.",
        "{suggestion}Write `list.input`; to add values of a row, give several: `sum(a, b)`.",
        "`{formula}` 需要列表中每个项目的值；`{inner}` 每行只有一个值。",
        "{suggestion_zh}请写 `列表.输入`；行的几个值相加写 `sum(a, b)`。",
    ),
    "item-otherwise": Entry(
        "`{formula}` does not say what it is where there is no item to take.",
        "Write it: `…, {key}=0`.",
        "`{formula}` 没有说明没有项目时的值。",
        "请写明：`…, {key}=0`。",
    ),
    "unknown-argument": Entry(
        "`{name}` has no `{argument}=`.",
        "`if_empty=` is for max, min, first and last of a list; `first=` for previous.",
        "`{name}` 没有 `{argument}=`。",
        "`if_empty=` 用于列表的 max、min、first、last；`first=` 用于 previous。",
    ),
    "list-needs-input": Entry(
        "`{list}` is a list; a formula reads an input of its items.",
        "Write `{list}.…`, or `count({list})` for how many there are.",
        "`{list}` 是列表；公式要读取其项目的某个输入。",
        "请写 `{list}.…`；要项目数写 `count({list})`。",
    ),
    "list-not-reduced": Entry(
        "`{formula}` has a value for each item of `{list}`; one value a row is wanted here.",
        "Take it to the row: `sum(…)`, `count(…)`, `max(…, if_empty=…)`, `first(…, if_empty=…)`.",
        "`{formula}` 对 `{list}` 的每个项目各有一个值；这里每行只要一个值。",
        "请汇总到行：`sum(…)`、`count(…)`、`max(…, if_empty=…)`、`first(…, if_empty=…)`。",
    ),
    "not-a-day": Entry(
        "`{formula}` is not a day.",
        "Give an input of `type: date`, `period_from`, `period_to` or `day(2026, 1, 31)`.",
        "`{formula}` 不是日期。",
        "请用 `type: date` 的输入、`period_from`、`period_to` 或 `day(2026, 1, 31)`。",
    ),
    "unknown-quantity-kind": Entry(
        "`{kind}` is not a kind of quantity.",
        "{suggestion}Kinds: {known}.",
        "`{kind}` 不是计费量的种类。",
        "{suggestion_zh}种类：{known}。",
    ),
    "test-given": Entry(
        "`{name}` is given neither as a value nor as items.",
        "Write `{name}: 100`; for a list `{name}: [{{kwh: 1}}, {{kwh: 2}}]` or `{name}: {{file: items.csv}}`.",
        "`{name}` 既不是一个值，也不是项目。",
        "请写 `{name}: 100`；列表写 `{name}: [{{kwh: 1}}, {{kwh: 2}}]` 或 `{name}: {{file: items.csv}}`。",
    ),
}
