"""What the problems of calendars say. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

# Problems of seasons, day types, tou_periods and billing periods: engine.calendars
CALENDARS: Mapping[str, Entry] = {
    "calendar-twice": Entry(
        "`{key}` of the calendar is written in two files.",
        "Leave one of them out; only lists of `holidays` may come from several files.",
        "日历的 `{key}` 写在了两个文件里。",
        "请删去其中一个；只有 `holidays` 的各表可以来自几个文件。",
        "Written first here",
        "先写在这里",
    ),
    "months-not-read": Entry(
        "`{text}` does not name months.",
        "Write `months 5-10`, `months 11-4` (over the year's end), `[7, 8]`, `all` or, in `tou_periods`, `others`.",
        "`{text}` 不是月份的写法。",
        "请写 `months 5-10`、`months 11-4`（跨年）、`[7, 8]`、`all`，或在 `tou_periods` 中写 `others`。",
    ),
    "season-overlap": Entry(
        "months {months} are both in `{first}` and in `{second}`.",
        "Every month belongs to one season; take them out of one.",
        "{months} 月既属于 `{first}` 又属于 `{second}`。",
        "每个月只属于一个季节，请从其中一个去掉。",
        "The other season",
        "另一个季节",
    ),
    "season-gap": Entry(
        "months {months} are in no season.",
        "Every month belongs to one season; add them to one.",
        "{months} 月不属于任何季节。",
        "每个月必须属于一个季节，请补上。",
    ),
    "unknown-timezone": Entry(
        "`{text}` is not a timezone.",
        "Write a name such as `Asia/Shanghai`.",
        "`{text}` 不是时区。",
        "请写时区名，例如 `Asia/Shanghai`。",
    ),
    "day-type-unknown-day": Entry(
        "`{text}` is neither a weekday nor a list under `holidays`.",
        "{suggestion}Write `monday` to `sunday`, `rest`, or one of the lists: {known}.",
        "`{text}` 不是星期几，也不是 `holidays` 中的节假日表。",
        "{suggestion_zh}请写 `monday` 到 `sunday`、`rest`，或节假日表之一：{known}。",
    ),
    "day-type-overlap": Entry(
        "{days} can be both `{first}` and `{second}`.",
        "Take it out of one, or say which comes first: `day_type_precedence: [{second}, {first}]`.",
        "{days} 既是 `{first}` 又是 `{second}`。",
        "请从其中一个去掉，或写明先后：`day_type_precedence: [{second}, {first}]`。",
        "The other day type",
        "另一个日类型",
    ),
    "day-type-gap": Entry(
        "{days} has no day type.",
        "Add it to one, or write `rest` for the day type of all other days.",
        "{days} 没有日类型。",
        "请加到某个日类型，或把其余日子的日类型写成 `rest`。",
    ),
    "rest-twice": Entry(
        "`{second}` is `rest`, and so is `{first}`.",
        "Only one can take what the others leave; write out the other.",
        "`{first}` 和 `{second}` 都写成了 `rest`。",
        "只能有一个取其余部分，请写出另一个。",
        "The other `rest`",
        "另一个 `rest`",
    ),
    "holiday-twice": Entry(
        "the day {day} stands in the list twice.",
        "Keep one of the two.",
        "{day} 在表中出现两次。",
        "请保留一个。",
        "The first one",
        "第一个",
    ),
    "holiday-not-known": Entry(
        "the day {day} is not one of those that the list knows, {first} to {last}.",
        "Correct the day, or `{key}`: outside of these days the list says nothing.",
        "{day} 不在该表所知的 {first} 至 {last} 之内。",
        "请改正日期或 `{key}`：在此之外该表什么也不说明。",
        "Said here",
        "写在这里",
    ),
    "precedence-unknown": Entry(
        "`{text}` is not one of the names that precedence orders.",
        "{suggestion}Names: {known}.",
        "`{text}` 不在可排先后的名字中。",
        "{suggestion_zh}可用的名字：{known}。",
    ),
    "precedence-twice": Entry(
        "`{text}` stands in the order twice.",
        "Keep the place where it belongs.",
        "`{text}` 在先后次序中出现两次。",
        "请只保留应在的位置。",
    ),
    "clock-not-read": Entry(
        "`{text}` is not a stretch of the clock.",
        "Write `08:00-11:30`, `22:00-06:00` over midnight, or `00:00-24:00`; the end is not included.",
        "`{text}` 不是时段的写法。",
        "请写 `08:00-11:30`、跨午夜的 `22:00-06:00` 或 `00:00-24:00`；不含终点。",
    ),
    "tou-overlap": Entry(
        "{hours} is both `{first}` and `{second}`.",
        "Shorten one; or, where one stands inside the other, say which wins: `{order}`.",
        "{hours} 既是 `{first}` 又是 `{second}`。",
        "请缩短其中一个；如果一个包含在另一个里面，请写明先后：`{order}`。",
        "The other hours",
        "另一处时段",
    ),
    "tou-gap": Entry(
        "{hours} belongs to no {schedule}.",
        "Add the hours to a period, or let one take what is left: `flat: rest`.",
        "{hours} 不属于 {schedule} 的任何时段。",
        "请把它加到某个时段，或让一个时段取其余：`flat: rest`。",
    ),
    "tou-months-twice": Entry(
        "months {months}{day_types} are laid out twice.",
        "Take the months or the day types out of one of the two.",
        "{months} 月{day_types_zh}划分了两次。",
        "请从其中一处去掉这些月份或日类型。",
        "The other one",
        "另一处",
    ),
    "tou-months-missing": Entry(
        "months {months}{day_types} are not laid out.",
        "Add them, or write `months: others`.",
        "{months} 月{day_types_zh}没有划分时段。",
        "请补上，或写 `months: others`。",
    ),
    "tou-nothing-left": Entry(
        "the other entries leave no month for `others`.",
        "Delete this entry, or take a month out of the others.",
        "其他各项没有给 `others` 留下月份。",
        "请删除这一项，或从其他项去掉月份。",
    ),
    "tou-no-periods": Entry(
        "the entry names no {schedule}.",
        "Write periods with their hours, for example `peak: [08:00-11:00]` and `flat: rest`.",
        "这一项没有 {schedule} 的时段。",
        "请写时段和钟点，例如 `peak: [08:00-11:00]` 和 `flat: rest`。",
    ),
    "schedule-name-taken": Entry(
        "a schedule cannot be called `{text}`.",
        "Choose another name: `tou_period` is what stands under `tou_periods`, and `clock` is the time of day.",
        "时段表不能叫 `{text}`。",
        "请另起名字：`tou_period` 是 `tou_periods` 下的时段表，`clock` 是钟点。",
    ),
    "schedule-finer-than-interval": Entry(
        "the {schedule} `{period}` begins at {time}, inside an interval of {minutes} minutes.",
        "An interval belongs to one period. {suggestion}",
        "{schedule} 的 `{period}` 从 {time} 开始，落在 {minutes} 分钟的间隔中间。",
        "一个间隔只属于一个时段。{suggestion_zh}",
    ),
    "clock-change-inside-interval": Entry(
        "on {day} the clock of `{timezone}` goes from {before} to {after}, inside an interval of {minutes} minutes.",
        "Each interval lies before or after the change. {suggestion}",
        "{day} 这一天 `{timezone}` 的时钟从 {before} 拨到 {after}，落在 {minutes} 分钟的间隔中间。",
        "每个间隔必须在拨钟之前或之后。{suggestion_zh}",
    ),
    "billing-period-not-read": Entry(
        "`{text}` is not a billing period.",
        "Write a month, `2026-01`, or days, `{{from: 2026-01-15, to: 2026-02-15}}`; the day `to` is not billed.",
        "`{text}` 不是计费周期。",
        "请写月份 `2026-01`，或日期 `{{from: 2026-01-15, to: 2026-02-15}}`；不含 `to` 当日。",
    ),
    "billing-period-order": Entry(
        "the billing period ends on {to_day}, not after it begins on {from_day}.",
        "Write `to` as the day after the last day billed.",
        "计费周期在 {to_day} 结束，没有晚于开始日 {from_day}。",
        "`to` 应是最后计费日的次日。",
        "It begins here",
        "开始日",
    ),
}
