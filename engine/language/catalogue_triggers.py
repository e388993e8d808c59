"""What problems of triggers and events say. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

TRIGGERS: Mapping[str, Entry] = {
    "duration-expected": Entry(
        "`{text}` is not a length of time.",
        "{suggestion}Write a whole number and its unit: `30 days`, `12 hours`, `45 minutes`, `90 seconds`, `2 weeks`.",
        "`{text}` 不是时长。",
        "{suggestion_zh}请写整数和单位：`30 days`、`12 hours`、`45 minutes`、`90 seconds`、`2 weeks`。",
    ),
    "duration-range": Entry(
        "`{text}` is longer than 20 years.",
        "Write a shorter time.",
        "`{text}` 超过20年。",
        "请写较短的时长。",
    ),
    "unknown-trigger-kind": Entry(
        "there is no trigger kind `{kind}`.",
        "{suggestion}Kinds: {known}.",
        "没有 `{kind}` 这种触发器。",
        "{suggestion_zh}种类：{known}。",
    ),
    "unknown-event-type": Entry(
        "no event `{name}` is declared.",
        "{suggestion}Declare it under `events:` here or in a file that `uses:` names. Events: {known}.",
        "没有声明事件 `{name}`。",
        "{suggestion_zh}请在本文件的 `events:` 或 `uses:` 所引用的文件中声明。已有事件：{known}。",
    ),
    "event-differs": Entry(
        "the event `{name}` is declared in two places.",
        "Declare it once, in a shared file that both `uses:`.",
        "事件 `{name}` 在两处声明。",
        "请只在一个共享文件中声明，两处都用 `uses:` 引用。",
    ),
    "event-input": Entry(
        "`{key}` says nothing of an event's input.",
        "Leave it out. An input of an event has unit, places, from, to, type, codes, default, optional and title.",
        "`{key}` 不能用于事件的输入。",
        "请删去。事件的输入可写 unit、places、from、to、type、codes、default、optional、title。",
    ),
    "event-name-taken": Entry(
        "`{name}` names something else of an event.",
        "Choose another name: id, event, account, at, region and ruleset are what every event has.",
        "`{name}` 是事件固有的项目。",
        "请另取名称：id、event、account、at、region、ruleset 是每个事件都有的。",
    ),
    "event-lacks-key": Entry(
        "the event `{event}` has no key `{name}`.",
        "{suggestion}Every event that the trigger looks at must carry each key under `each`. Its keys: {known}.",
        "事件 `{event}` 没有键 `{name}`。",
        "{suggestion_zh}触发器所看的每种事件都要有 `each` 中的键。它的键：{known}。",
    ),
    "from-rows-input": Entry(
        "`from_rows`: {what}.",
        "{suggestion}Give each input of the event that has no default, and nothing else. Inputs: {known}. "
        "An event with keys cannot come of a row.",
        "`from_rows`：{what_zh}。",
        "{suggestion_zh}请给出事件中没有默认值的每个输入，不写其他。输入：{known}。带键的事件不能由账单行产生。",
    ),
    "times-range": Entry(
        "`times: {times}` is not from {low} to {high}.",
        "Write a number in that range.",
        "`times: {times}` 不在 {low} 至 {high} 之间。",
        "请写范围内的整数。",
    ),
    "sequence-length": Entry(
        "`steps` lists {steps}.",
        "Write 2 to {high} steps; for one event use `kind: event`.",
        "`steps` 列了 {steps} 步。",
        "请写 2 至 {high} 步；只有一个事件用 `kind: event`。",
    ),
    "step-on": Entry(
        "a step that names both or neither of `on` and `absent`.",
        "Write `on: EVENT` for an event that comes, `absent: EVENT` for one that does not.",
        "步骤要在 `on` 和 `absent` 中写一个。",
        "事件发生写 `on: 事件`，没有发生写 `absent: 事件`。",
    ),
    "side-on": Entry(
        "a side of a pair without its event.",
        "Write `on: EVENT`. That an event does not come is the last step of a `sequence`.",
        "成对事件的一方没有写事件。",
        "请写 `on: 事件`。事件没有发生是 `sequence` 的最后一步。",
    ),
    "absent-not-last": Entry(
        "`absent` before the last step.",
        "Only the last of several steps can be that an event does not come: whether it comes is known at its deadline.",
        "`absent` 不是最后一步。",
        "只有最后一步（且不是第一步）可以是事件没有发生：到期才知道。",
    ),
    "first-step-within": Entry(
        "`within` where no step comes before.",
        "Write `within` at the steps after the first; at a pair beside `one` and `other`.",
        "前面没有步骤，不能写 `within`。",
        "请在第一步之后的步骤写 `within`；成对事件写在 `one`、`other` 旁边。",
    ),
    "step-without-within": Entry(
        "a step that does not say by when.",
        "Write `within: 30 days`, counted from the step before.",
        "步骤没有写期限。",
        "请写 `within: 30 days`，从上一步起算。",
    ),
    "step-without-name": Entry(
        "a step without a name.",
        "Write `as: NAME`; later formulas and the message read its fields as `NAME.FIELD`.",
        "步骤没有名称。",
        "请写 `as: 名称`；后面的公式和消息用 `名称.字段` 引用。",
    ),
    "step-name-taken": Entry(
        "`{name}` is the name of something else.",
        "Choose a name for the step that no value, table or field has.",
        "`{name}` 已是其他名称。",
        "请为步骤取一个与数值、表、字段都不同的名称。",
    ),
    "total-range": Entry(
        "`to: {to}` is no upper end for `{formula}`.",
        "Write a number above zero with at most {places} decimals.",
        "`to: {to}` 不能作为 `{formula}` 的上限。",
        "请写大于零、至多 {places} 位小数的数。",
    ),
    "total-negative": Entry(
        "`{formula}` can be as low as {low}, and is added up.",
        "Add up what cannot be negative: give its input `from: 0`, or write `max(0, {formula})`.",
        "`{formula}` 最低可为 {low}，却要累计。",
        "累计的量不能为负：请为其输入写 `from: 0`，或写 `max(0, {formula})`。",
    ),
    "unknown-step": Entry(
        "no earlier event is called `{step}`.",
        "{advice}",
        "没有名为 `{step}` 的在先事件。",
        "{advice_zh}",
    ),
    "step-field": Entry(
        "the event `{event}`, here `{step}`, has no `{name}`.",
        "{suggestion}It has: {known}.",
        "事件 `{event}`（此处为 `{step}`）没有 `{name}`。",
        "{suggestion_zh}它有：{known}。",
    ),
    "without-charges": Entry(
        "the rule set `{name}` bills nothing: it has triggers and no charges, and {key} as well.",
        "Take {key} out, or add the charges.",
        "规则集 `{name}` 不计费：有触发器、没有计费项，却写了 {key}。",
        "请删去 {key}，或补上计费项。",
    ),
    "trigger-test-name": Entry(
        "there is no {what} `{name}` here.",
        "{suggestion}Known: {known}.",
        "这里没有{what_zh} `{name}`。",
        "{suggestion_zh}已有：{known}。",
    ),
    "trigger-test-event": Entry(
        "an event of a test is a mapping with `event` and `at`.",
        "Write `{{event: usage_recorded, at: 2025-01-31, energy: 100.00}}`; "
        "`id`, `account`, `region`, `ruleset` may be added.",
        "测试的事件要有 `event` 和 `at`。",
        "请写 `{{event: usage_recorded, at: 2025-01-31, energy: 100.00}}`，"
        "还可以写 `id`、`account`、`region`、`ruleset`。",
    ),
    "trigger-test-time": Entry(
        "`{text}` is not a time.",
        "Write `2025-01-31`, `2025-01-31 08:00:00` (local time of the rule set), "
        "or with a zone `2025-01-31T08:00:00+08:00`.",
        "`{text}` 不是时间。",
        "请写 `2025-01-31`、`2025-01-31 08:00:00`（规则集的当地时间），或带时区 `2025-01-31T08:00:00+08:00`。",
    ),
}

EVENTS: Mapping[str, Entry] = {
    "event-line": Entry(
        "the line is no event: {why}.",
        'Write one object a line: `{{"id": "e1", "event": "...", "account": "...", '
        '"at": "2026-01-31T08:00:00+08:00"}}`, and the event\'s keys and values.',
        "该行不是事件：{why_zh}。",
        '每行请写一个对象：`{{"id": "e1", "event": "...", "account": "...", "at": "2026-01-31T08:00:00+08:00"}}`，'
        "以及该事件的键和数值。",
    ),
    "bad-event-id": Entry(
        "`{value}` is not an event's id.",
        "Send text of 1 to 256 characters that no other event has; in JSON it stands in quotes.",
        "`{value}` 不是事件编号。",
        "请发送 1 至 256 个字符、不与其他事件重复的文字；在 JSON 中加引号。",
    ),
    "bad-account": Entry(
        "`{value}` is not an account.",
        "Send text of 1 to 256 characters; in JSON it stands in quotes.",
        "`{value}` 不是户号。",
        "请发送 1 至 256 个字符的文字；在 JSON 中加引号。",
    ),
    "unknown-event": Entry(
        "no event `{value}` is declared.",
        "{suggestion}Events: {known}.",
        "没有声明事件 `{value}`。",
        "{suggestion_zh}已有事件：{known}。",
    ),
    "bad-event-time": Entry(
        "`{value}` is not a time with a zone, in microseconds or coarser.",
        "Send `2026-01-31T08:00:00+08:00`, or whole microseconds since 1970-01-01 UTC.",
        "`{value}` 不是带时区、至多精确到微秒的时间。",
        "请发送 `2026-01-31T08:00:00+08:00`，或自 1970-01-01 UTC 起的整微秒数。",
    ),
    "event-time-range": Entry(
        "the time {value} is not from 2000 to 2099.",
        "Correct the event's time. A whole number is microseconds since 1970-01-01 UTC, not seconds or milliseconds.",
        "时间 {value} 不在 2000 年至 2099 年之间。",
        "请更正事件的时间。整数是自 1970-01-01 UTC 起的微秒数，不是秒或毫秒。",
    ),
    "bad-event-key": Entry(
        "`{field}` is `{value}`.",
        "Send text of 1 to 256 characters; in JSON it stands in quotes.",
        "`{field}` 是 `{value}`。",
        "请发送 1 至 256 个字符的文字；在 JSON 中加引号。",
    ),
    "unknown-event-value": Entry(
        "the event `{value}` has no `{field}`.",
        "{suggestion}It has: {known}.",
        "事件 `{value}` 没有 `{field}`。",
        "{suggestion_zh}它有：{known}。",
    ),
    "event-too-late": Entry(
        "the event of {value} comes too late: everything before {watermark} is settled.",
        "Declare a longer `lateness` for the event, or replay the log with it; nothing was changed by it.",
        "{value} 的事件来得太晚：{watermark} 以前的已经结清。",
        "请为该事件声明更长的 `lateness`，或连同它重放日志；它没有改变任何结果。",
    ),
    "event-id-taken": Entry(
        "another event has the id `{value}`.",
        "Send an event again unchanged, or give a new one an id of its own.",
        "编号 `{value}` 已被另一个事件使用。",
        "重发的事件不得改动；新的事件请用新的编号。",
    ),
    "event-from-the-future": Entry(
        "the event of {value} came at {received}, more than {ahead} before it happens.",
        "Correct the event's time, or the clock that it was written by.",
        "{value} 的事件在 {received} 就收到了，早于发生时间 {ahead} 以上。",
        "请更正事件的时间或记录它的时钟。",
    ),
}
