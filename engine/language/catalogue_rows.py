"""Why a row is not billed. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

# Why a row is not billed. Placeholders: `field` is the input, `value` what came.
ROWS: Mapping[str, Entry] = {
    "missing-value": Entry(
        "`{field}` is not given.",
        "Give it in every row that needs it; absence never means zero.",
        "没有给出 `{field}`。",
        "请在需要它的每一行给出；缺失不等于零。",
    ),
    "not-a-number": Entry(
        "`{field}` is `{value}`, which is not a number.",
        "Give a decimal number such as `123.45`.",
        "`{field}` 的值 `{value}` 不是数字。",
        "请给出十进制数，例如 `123.45`。",
    ),
    "calendar-not-known": Entry(
        "the type of a day, {item_time}, is not known: no list of holidays reaches it.",
        "Enter that year's list, or its `known_through`, in the calendar; a year without a list has no day types.",
        "不知道 {item_time} 是哪种日类型：节假日表没有覆盖到这一天。",
        "请在日历中录入该年的节假日表，或其 `known_through`；没有表的年份没有日类型。",
    ),
    "out-of-bounds": Entry(
        "`{field}` is {value}, outside {low} to {high}.",
        "Check the reading, or the bounds that the rule set declares.",
        "`{field}` 的值 {value} 不在 {low} 到 {high} 之间。",
        "请核对读数，或规则集声明的范围。",
    ),
    "too-many-places": Entry(
        "`{field}` is {value}, with more than {places} decimals.",
        "Round it to {places} decimals before billing; Dianjia does not round what it is given.",
        "`{field}` 的值 {value} 超过 {places} 位小数。",
        "请在计费前取到 {places} 位小数；电价引擎不对输入作取舍。",
    ),
    "unknown-code": Entry(
        "`{field}` is `{value}`, which is not one of its codes.",
        "Codes: {codes}.",
        "`{field}` 的值 `{value}` 不在代码表中。",
        "代码：{codes}。",
    ),
    "not-needed": Entry(
        "`{field}` is given ({value}) where it is not needed.",
        "Leave it out of this row; it is needed only where `{message}`.",
        "这一行不需要 `{field}`，却给出了 {value}。",
        "请不要给出；只有 `{message}` 时才需要。",
    ),
    "no-price-in-force": Entry(
        "no price of `{field}` is in force on {day}.",
        "Add the notice for that day, or bill the row when it has been published.",
        "{day} 没有有效的 `{field}`。",
        "请补充当日有效的电价文件，或待其公布后再计费。",
    ),
    "period-crosses-change": Entry(
        "the billing period {period_from} to {period_to} crosses the change of {day}.",
        "Divide the row at {day}, with the readings of each part.",
        "计费周期 {period_from} 至 {period_to} 跨过了 {day} 的变更。",
        "请按读数在 {day} 拆分这一行。",
    ),
    "unknown-ruleset": Entry(
        "the rate book has no rule set `{value}`.",
        "Check the row's `ruleset`, or add the rule set to the rate book.",
        "电价册中没有规则集 `{value}`。",
        "请核对此行的 `ruleset`，或把规则集加入电价册。",
    ),
    "duplicate-row": Entry(
        "the row id `{value}` has come before.",
        "Give each row of a run its own `row_id`.",
        "行号 `{value}` 已经出现过。",
        "请给每一行不同的 `row_id`。",
    ),
    "currencies-differ": Entry(
        "`{value}` bills in {currency}, earlier rows of the account in {before}.",
        "Bills in two currencies have no sum. Give the rows of each currency an account of their own.",
        "`{value}` 以 {currency} 计费，该户此前的行以 {before} 计费。",
        "两种货币的账单不能相加。请把每种货币的行分成单独的户号。",
    ),
    "bad-date": Entry(
        "`{field}` is `{value}`, which is not a day that can be billed.",
        "Give a local day from 1990-01-01 to 2099-12-31 as YYYY-MM-DD.",
        "`{field}` 的值 `{value}` 不是可计费的日期。",
        "请给出 1990-01-01 至 2099-12-31 的当地日期，格式 YYYY-MM-DD。",
    ),
    "bad-period": Entry(
        "the billing period ends on {period_to}, not after it begins on {period_from}.",
        "Give `period_to` as the day after the last day billed.",
        "计费周期在 {period_to} 结束，没有晚于开始日 {period_from}。",
        "`period_to` 应是最后计费日的次日。",
    ),
    "period-too-long": Entry(
        "the billing period {period_from} to {period_to} has more than {message} months.",
        "Check the two days; a longer time has to be divided into several rows.",
        "计费周期 {period_from} 至 {period_to} 超过 {message} 个月。",
        "请核对两个日期；更长的时间须拆成几行。",
    ),
    "no-table-cell": Entry(
        "`{field}` has no figure for {value}.",
        "The notice prints none there; check the row's codes.",
        "`{field}` 没有 {value} 的数值。",
        "电价文件此处没有印数；请核对此行的代码。",
    ),
    "divide-by-zero": Entry(
        "`{field}` is 0 in this row and has to divide.",
        "Check the inputs that make up the divisor.",
        "`{field}` 在这一行为 0，不能作除数。",
        "请核对构成除数的输入。",
    ),
    "refused-by-rule": Entry(
        "{message}",
        "The rule set refuses such rows (`{field}`).",
        "{message}",
        "规则集拒绝这样的行（`{field}`）。",
    ),
    "energy-priced-once": Entry(
        "{priced} kWh are priced by `{field}`, and {total} kWh were used.",
        "Each kWh has to be priced exactly once; check the readings by period against the total.",
        "`{field}` 计价 {priced} 千瓦时，而用电量为 {total} 千瓦时。",
        "每千瓦时须且只能计价一次；请核对分时读数与总量。",
    ),
    "binary-float": Entry(
        "`{field}` is {value}, a binary fraction that is no number of {places} decimals.",
        "Give the column as decimals or as whole numbers of the smallest place.",
        "`{field}` 的值 {value} 是二进制小数，不是 {places} 位小数的数。",
        "请用十进制数或最小位的整数给出这一列。",
    ),
    "unknown-column": Entry(
        "the rule set reads no column `{field}`.",
        "Columns that it reads: {known}.",
        "规则集不读取列 `{field}`。",
        "它读取的列：{known}。",
    ),
    "too-many-items": Entry(
        "`{field}` has {found} items, and a row may have {at_most}.",
        "Check the row, or raise `at_most` of the list in the rule set.",
        "`{field}` 有 {found} 项，而每行至多 {at_most} 项。",
        "请核对此行，或调高规则集中该列表的 `at_most`。",
    ),
    "interval-count": Entry(
        "`{field}` has {found} intervals, and its billing period has {expected}.",
        "Give a value for each interval from the first midnight on; days on which the clock changes differ.",
        "`{field}` 有 {found} 个间隔，而计费周期有 {expected} 个。",
        "请从首日零时起为每个间隔给出一项；调整时钟的日子间隔数不同。",
    ),
    "not-a-list": Entry(
        "`{field}` is `{value}`, which is not a list of items.",
        "Give a list with the values of each item by name, or columns of equal length.",
        "`{field}` 的值 `{value}` 不是列表。",
        "请给出列表，各项按名称给值；或给出等长的各列。",
    ),
    "unknown-item-key": Entry(
        "an item of `{field}` has `{value}`, which the list does not declare.",
        "Its items have: {known}.",
        "`{field}` 的一项含有 `{value}`，列表没有声明它。",
        "各项可有：{known}。",
    ),
    "too-many-parts": Entry(
        "the billing period {period_from} to {period_to} is cut into {found} parts, and a row may have {at_most}.",
        "Check the two days; a longer time has to be divided into several rows.",
        "计费周期 {period_from} 至 {period_to} 须切成 {found} 段，而每行至多 {at_most} 段。",
        "请核对两个日期；更长的时间须拆成几行。",
    ),
    "carried-gap": Entry(
        "`{field}` is not given, and the account's rows before {day} leave a gap, overlap, or cross the year.",
        "Give `{field}` in this row, or the account's rows without gap since the last that gives it, cut at the year.",
        "没有给出 `{field}`，而该户号的各行在 {day} 之前有间断、重叠或跨年。",
        "请在此行给出 `{field}`，或补齐自上次给出以来该户号的各行，首尾相接，并在年度起始日分开。",
    ),
    "carried-from-refused": Entry(
        "`{field}` is not given, and an earlier row of the account has no bill.",
        "Mend the earlier row, or give `{field}` in this one.",
        "没有给出 `{field}`，而该户号较早的一行未出账。",
        "请先更正较早的一行，或在此行给出 `{field}`。",
    ),
}
