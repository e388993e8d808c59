"""What the problems of quantity kinds say. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

QUANTITIES: Mapping[str, Entry] = {
    "quantity-key-needed": Entry(
        "`{name}` says `{because}` and not `{key}`.",
        "Write `{key}: …` beside it.",
        "`{name}` 写了 `{because}`，但没有写 `{key}`。",
        "请同时写明 `{key}: …`。",
    ),
    "quantity-key-unread": Entry(
        "`{name}` has `{key}`, which is not read beside `{because}`.",
        "Leave `{key}` out.",
        "`{name}` 写了 `{key}`，但有 `{because}` 时不读取它。",
        "请删去 `{key}`。",
    ),
    "quantity-needs-list": Entry(
        "`{key}` of `{name}` is for readings of a list, and these are readings of the row.",
        "Leave `{key}` out, or declare the readings under `lists:` and write `start: readings.start`.",
        "`{name}` 的 `{key}` 只用于列表中的抄表记录，这里的读数属于行。",
        "请删去 `{key}`，或在 `lists:` 中声明抄表记录并写 `start: readings.start`。",
    ),
    "register-digits": Entry(
        "the dial of `{name}` has no such number of digits.",
        "Write how many digits it has before the decimal point, 1 to {most}.",
        "`{name}` 的表盘没有这样的位数。",
        "请写小数点前的位数，1 至 {most}。",
    ),
    "register-rest": Entry(
        "`{name}` has a total and registers of periods, and does not say how they come together.",
        "Write `rest: flat` where a period is the total less the others, or `may_differ: 2[kWh]` where all periods "
        "have registers and the total only checks them; not both.",
        "`{name}` 既有总电量又有各时段电量，但没有说明两者的关系。",
        "某一时段等于总电量减其余时段的，请写 `rest: flat`；各时段都有读数、总电量只作核对的，请写 "
        "`may_differ: 2[kWh]`。二者只写其一。",
    ),
    "register-parts": Entry(
        "billing periods are cut at changes, and `{name}` does not say what of its readings lies in a part.",
        "Write `parts: by_reading` (a meter is read on the day of the change) or `parts: by_days`.",
        "计费周期在变更日分段，但 `{name}` 没有说明读数如何归入各段。",
        "请写 `parts: by_reading`（变更日抄表）或 `parts: by_days`（按天数分摊）。",
    ),
    "register-parts-unread": Entry(
        "`{name}` says how its readings come into parts of a bill, and no billing period is cut into parts here.",
        "Leave `parts` out, or write `changes: split` in the rule set.",
        "`{name}` 说明了读数如何归入各段，但这里的计费周期并不分段。",
        "请删去 `parts`，或在规则集中写 `changes: split`。",
    ),
    "load-band-open": Entry(
        "a band of `{name}` before the last has no `up_to`.",
        "Only the last band is open: write where this one ends.",
        "`{name}` 末段之前的一段没有写 `up_to`。",
        "只有末段不设上限：请写这一段到多少为止。",
    ),
    "load-band-last": Entry(
        "the last band of `{name}` has an `up_to`: a load above it would have no loss.",
        "Leave `up_to` out of the last band, or add a band.",
        "`{name}` 的末段写了 `up_to`：超过部分没有损耗。",
        "请删去末段的 `up_to`，或再加一段。",
    ),
    "loss-share": Entry(
        "the share of `{name}` is neither a percentage nor a part of a whole.",
        "Write `share: {{percent: 30}}`, or `share: {{part: kva, whole: all_kva, places: 4}}`.",
        "`{name}` 的分摊既不是百分数，也不是部分与整体之比。",
        "请写 `share: {{percent: 30}}`，或 `share: {{part: kva, whole: all_kva, places: 4}}`。",
    ),
    "deduction-way": Entry(
        "`{name}` does not say in one way what is taken.",
        "Write one of `fixed` (定量), `percent` (定比) and `meter` (总分).",
        "`{name}` 应只用一种方式说明扣减多少。",
        "请在 `fixed`（定量）、`percent`（定比）、`meter`（总分）中写一种。",
    ),
    "deduction-steps": Entry(
        "`{name}` takes a `{way}` after a `{before}`.",
        "Write fixed quantities first, then percentages, then meters: each is taken from what is left.",
        "`{name}` 的 `{way}` 写在 `{before}` 之后。",
        "请先写定量，再写定比，最后写总分：每一步都从剩余电量中扣减。",
    ),
    "deduction-order": Entry(
        "the order of `{name}` leaves out {missing}.",
        "List every period once: energy is taken from the first, and from the next when it is used up.",
        "`{name}` 的扣减次序缺少 {missing}。",
        "请把每个时段各写一次：先从第一个时段扣减，不足再扣下一个。",
    ),
    "deduction-period": Entry(
        "`{period}` is no period of `{name}`, or it is listed twice.",
        "{suggestion}The periods under `from`: {known}; each once.",
        "`{period}` 不是 `{name}` 的时段，或重复列出。",
        "{suggestion_zh}`from` 中的时段：{known}，各写一次。",
    ),
    "intervals-expected": Entry(
        "`kwh` of `{name}` is no value of intervals.",
        "Declare a list with `every: 15 minutes` and write one of its inputs: `kwh: load.kwh`.",
        "`{name}` 的 `kwh` 不是区间数据。",
        "请声明带 `every: 15 minutes` 的列表，并写其中的输入，如 `kwh: load.kwh`。",
    ),
    "unknown-schedule": Entry(
        "the calendar has no schedule `{name}`.",
        "{suggestion}Schedules: {known}.",
        "日历中没有时段表 `{name}`。",
        "{suggestion_zh}已有的时段表：{known}。",
    ),
    "window-length": Entry(
        "`{name}` cannot have windows of {minutes} minutes over intervals of {every}.",
        "Write a number of minutes that holds whole intervals and divides an hour: {every}, or a multiple up to 60.",
        "`{name}` 的区间为 {every} 分钟，不能取 {minutes} 分钟的需量周期。",
        "请写能容纳整数个区间、并能整除一小时的分钟数：{every}，或其倍数，最多 60。",
    ),
}
