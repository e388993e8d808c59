"""What problems of documents, values, tables, checks and notices say. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

DOCUMENTS: Mapping[str, Entry] = {
    "no-such-file": Entry(
        "there is no file or folder `{path}`.",
        "Check the path and its spelling.",
        "没有文件或文件夹 `{path}`。",
        "请检查路径和拼写。",
    ),
    "no-document-kind": Entry(
        "the file does not say what it is.",
        "{suggestion}Begin with `ruleset: ID`, `notice: ID`, `form: ID`, `shared: ID` or `advice: ID`.",
        "文件没有写明种类。",
        "{suggestion_zh}第一行写 `ruleset: 标识`、`notice: 标识`、`form: 标识`、`shared: 标识` 或 `advice: 标识`。",
    ),
    "document-twice": Entry(
        "a {kind} `{name}` exists already.",
        "Give one of the two another id.",
        "{kind} `{name}` 已经存在。",
        "请给其中一个换标识。",
        "The first one",
        "第一个",
    ),
    "name-twice": Entry(
        "the name `{name}` is taken.",
        "Choose another name; inputs, values, tables, quantities, charges and fills share one list of names.",
        "名字 `{name}` 已被使用。",
        "请换一个名字；输入、数值、表、计费量、计费项和填空共用一套名字。",
        "Taken here",
        "已用于此处",
    ),
    "unknown-form": Entry(
        "there is no form `{name}`.",
        "{suggestion}Forms stand in the folder of rules that is checked, or around it under `rules/`.",
        "没有通用规则 `{name}`。",
        "{suggestion_zh}通用规则应在所检查的文件夹，或其外层的 `rules/` 里。",
    ),
    "unknown-shared": Entry(
        "there is no shared file `{name}`.",
        "{suggestion}Shared files stand in the folder of rules that is checked, or around it under `rules/`.",
        "没有共用文件 `{name}`。",
        "{suggestion_zh}共用文件应在所检查的文件夹，或其外层的 `rules/` 里。",
    ),
    "series-not-read": Entry(
        "no rule set reads the series `{series}`.",
        "{suggestion}A notice is billed by the rule sets whose `fills` name its series.",
        "没有规则集读取系列 `{series}`。",
        "{suggestion_zh}规则集在 `fills` 里写明所用的系列。",
    ),
    "unknown-series": Entry(
        "there is no series of notices `{name}`.",
        "{suggestion}A notice names its series in `series:`; one of limits by quantile is made by `dianjia quantiles`.",
        "没有电价表系列 `{name}`。",
        "{suggestion_zh}电价表用 `series:` 写明所属系列；分位数界限的文件由 `dianjia quantiles` 生成。",
    ),
    "hole-not-filled": Entry(
        "the form's hole `{hole}` is not filled.",
        "Write `{hole}: …` under `fills:`; a calendar may be filled by `calendar:`.",
        "通用规则的空 `{hole}` 没有填。",
        "请在 `fills:` 下写 `{hole}: …`；日历也可以用 `calendar:` 填。",
        "The form asks for it here",
        "通用规则在此要求",
    ),
    "unknown-hole": Entry(
        "the form has no hole `{name}`.",
        "{suggestion}Holes of the form: {known}.",
        "通用规则没有名为 `{name}` 的空。",
        "{suggestion_zh}可填：{known}。",
    ),
    "setting-not-known": Entry(
        "the hole `{setting}` is filled with `{value}`, which the charge `{charge}` does not know.",
        "{suggestion}Words that it knows: {known}.",
        "空 `{setting}` 填了 `{value}`，计费项 `{charge}` 不认识。",
        "{suggestion_zh}可填的词：{known}。",
        "The charge reads it here",
        "计费项在此读取",
    ),
    "missing-source": Entry(
        "`{name}` does not say where it comes from.",
        "Write `source: {{document: …, standing: official | copy | recalled}}` for the whole file; a value, table "
        "or charge may have another of its own.",
        "`{name}` 没有写来源。",
        "请为整个文件写 `source: {{document: …, standing: official | copy | recalled}}`；数值、表、"
        "计费项可另写自己的来源。",
    ),
    "missing-in-force": Entry(
        "`{name}` does not say from which day it is in force.",
        "Write `in_force: {{from: 2026-01-01}}`, with `through:` where it has a last day.",
        "`{name}` 没有写执行日期。",
        "请写 `in_force: {{from: 2026-01-01}}`，有截止日的加 `through:`。",
    ),
    "test-expects": Entry(
        "the test `{name}` should have `expect` or `refused`, one of the two.",
        "Write what the bill shows under `expect:`, or why the row is refused under `refused:`.",
        "测试 `{name}` 应写 `expect` 或 `refused`，二者取一。",
        "账单结果写在 `expect:`，应被拒绝的写 `refused:`。",
    ),
}

FIGURES: Mapping[str, Entry] = {
    "printed-or-dated": Entry(
        "the value `{name}` needs `printed` or `dated`, one of the two.",
        "Write `printed: 0.5283`, or `dated: [{{from: 2026-01-01, printed: 0.5283}}]`.",
        "数值 `{name}` 应写 `printed` 或 `dated`，二者取一。",
        "请写 `printed: 0.5283`，或 `dated: [{{from: 2026-01-01, printed: 0.5283}}]`。",
    ),
    "implausible": Entry(
        "{value} is outside {low} to {high} [{unit}].",
        "Check the unit (fen for yuan, yuan for fen?) and the decimal point; where the number is right, declare "
        "`plausible: {{from: …, to: …}}` to hold it.",
        "{value} 超出 {low} 至 {high} [{unit}]。",
        "请核对单位（分与元写反？）和小数点；数字确实无误的，用 `plausible: {{from: …, to: …}}` 写明包含它的范围。",
        "Declared here",
        "范围写在此处",
    ),
    "rows-or-file": Entry(
        "the table `{name}` needs `rows` or `file`, one of the two.",
        "Write the rows here, or name a CSV or XLSX file beside this one.",
        "表 `{name}` 应写 `rows` 或 `file`，二者取一。",
        "请在此写出各行，或写出旁边的 CSV、XLSX 文件名。",
    ),
    "column-without-unit": Entry(
        "the column `{column}` of table `{table}` has no unit.",
        "Write `unit:` for the table or for the column.",
        "表 `{table}` 的列 `{column}` 没有单位。",
        "请为表或列写 `unit:`。",
    ),
    "band-row": Entry(
        "a band row needs `value`, or `first` and `each`.",
        "Write `{{from: 0.95, to: 1.00, value: -0.75}}` or `{{from: 0.89, to: 0.70, first: 0.5, each: 0.5}}`.",
        "分档表的一行应写 `value`，或写 `first` 与 `each`。",
        "请写 `{{from: 0.95, to: 1.00, value: -0.75}}` 或 `{{from: 0.89, to: 0.70, first: 0.5, each: 0.5}}`。",
    ),
    "band-step": Entry(
        "`from` and `to` do not stand on steps of {step}.",
        "Write both with the decimals of the step.",
        "`from` 与 `to` 不在 {step} 的档上。",
        "请按步长的小数位写两端。",
        "`from`",
        "`from`",
    ),
    "band-step-size": Entry(
        "a step of {step} leads nowhere.",
        "Write how far one number is from the next, for example `step: 0.01`.",
        "步长不能为 {step}。",
        "请写相邻两档之差，例如 `step: 0.01`。",
    ),
    "band-twice": Entry(
        "{number} is in two rows.",
        "Each step belongs to one row: end one row before the next begins.",
        "{number} 出现在两行里。",
        "每一档只属于一行：前一行应在后一行之前结束。",
        "The other row",
        "另一行",
    ),
    "band-gap": Entry(
        "no row gives a value between {lower} and {upper}.",
        "Every step belongs to one row: begin or end one of the two rows there.",
        "{lower} 与 {upper} 之间没有值。",
        "每一档都要写到，且只写一次：请改这两行之一的起止。",
        "The row on the other side",
        "另一侧的行",
    ),
    "notices-overlap": Entry(
        "two notices of the series hold on {day}.",
        "End the earlier one with `through:` on the day before, or correct the day from which this one holds.",
        "同一系列有两份电价表在 {day} 同时执行。",
        "请用 `through:` 让较早的一份在前一天结束，或改正这一份的起始日。",
        "The earlier one",
        "较早的一份",
    ),
    "notice-end": Entry(
        "the notice does not say how long it holds.",
        "Write `through: 2026-01-31`, or `until_replaced: true` where the notice sets no end; one of the two.",
        "电价表没有写执行到何时。",
        "请写 `through: 2026-01-31`；文件没有写截止日的，写 `until_replaced: true`；二者取一。",
    ),
    "notices-gap": Entry(
        "no notice of the series holds from {first} through {last}.",
        "Enter the notice that is missing; where there is none, write `gap_before: true` in this one.",
        "{first} 至 {last} 没有电价表。",
        "请补录缺少的电价表；确实没有的，在这一份写 `gap_before: true`。",
        "The notice before",
        "前一份",
    ),
    "applies-to-differs": Entry(
        "the notice applies to the {applies_to}, the rule set picks the day by {version_by}.",
        "A notice that applies to the reading wants `version_by: reading_day`; others `period_from` or `last_day`.",
        "电价表适用于 {applies_to}，规则集按 {version_by} 取日期。",
        "按抄表日执行的电价表要求 `version_by: reading_day`，其余用 `period_from` 或 `last_day`。",
        "The notice",
        "电价表",
    ),
    "replaces-unknown": Entry(
        "there is no charge `{name}` to replace.",
        "{suggestion}Charges that can be replaced: {known}.",
        "没有可替换的计费项 `{name}`。",
        "{suggestion_zh}可替换：{known}。",
    ),
    "replaces-reason": Entry(
        "`{name}` replaces a charge of the form without saying why.",
        "Write `reason: …` beside `replaces:`.",
        "`{name}` 替换了通用规则的计费项，但没有写原因。",
        "请在 `replaces:` 旁写 `reason: …`。",
    ),
    "notices-differ": Entry(
        "`{name}` has {now} here and {then} in an earlier notice of the series.",
        "Keep keys and units as they were: a rule set reads all notices of a series alike.",
        "`{name}` 在此为 {now}，在同系列较早的电价表中为 {then}。",
        "键和单位请与以前一致：规则集按同样方式读取全系列。",
        "The earlier notice",
        "较早的一份",
    ),
    "check-failed": Entry(
        "check `{check}` fails for row {row}: printed {printed}, computed {computed}.",
        "Compare with the notice. Where the notice prints it so, record it under `except:`: `{{row: [{row}], "
        "printed: {printed}, computed: {computed}, why: …}}`.",
        "校验 `{check}` 在 {row} 不成立：表列 {printed}，算得 {computed}。",
        "请与原件核对。原件确实如此的，写进 `except:`：`{{row: [{row}], printed: {printed}, computed: {computed}, "
        "why: …}}`。",
        "The check",
        "校验",
    ),
    "check-fails-everywhere": Entry(
        "check `{check}` fails in all {count} rows; here printed {printed}, computed {computed}.",
        "One of the values that every row reads is probably mistyped, or belongs to another month: {values}.",
        "校验 `{check}` 在全部 {count} 行都不成立；此处表列 {printed}，算得 {computed}。",
        "多半是各行共用的某个数值输错了，或是别的月份的：{values}。",
        "The check",
        "校验",
    ),
    "check-not-held": Entry(
        "check `{check}` fails for row {row}: {formula} does not hold.",
        "Compare the row with the notice: columns swapped, or a digit mistyped? Where the notice prints it so, "
        "record it under `except:`.",
        "校验 `{check}` 在 {row} 不成立：{formula}。",
        "请与原件核对：列写反了，还是数字输错了？原件确实如此的，写进 `except:`。",
        "The check",
        "校验",
    ),
    "check-divides-by-zero": Entry(
        "check `{check}` divides by zero in row {row}: `{divisor}` is 0.",
        "Compare the row with the notice; or write the check without a division, as a product on the other side.",
        "校验 `{check}` 在 {row} 除以零：`{divisor}` 为 0。",
        "请与原件核对；或把除法改写成另一边的乘法。",
        "The row",
        "该行",
    ),
    "exception-row": Entry(
        "an exception is recorded for a row that the table lacks: {row}.",
        "Correct the row's keys, or delete the exception.",
        "例外所指的行 {row} 不在表中。",
        "请改正键，或删去例外。",
        "The table's keys",
        "表的键",
    ),
    "exception-not-needed": Entry(
        "check `{check}` holds for row {row}; its exception is no longer needed.",
        "Delete the exception.",
        "校验 `{check}` 在 {row} 成立，例外已不需要。",
        "请删去例外。",
        "The row",
        "该行",
    ),
    "exception-differs": Entry(
        "the exception of check `{check}` does not repeat the numbers: printed {printed}, computed {computed}.",
        "Write those two numbers in the exception, if the notice prints them so.",
        "校验 `{check}` 的例外与数字不符：表列 {printed}，算得 {computed}。",
        "若原件如此，请在例外里写这两个数。",
        "The row",
        "该行",
    ),
    "not-in-a-check": Entry(
        "`{formula}` cannot stand in a check of a table.",
        "A check may use columns of the table, values of the file, numbers, `+ - *`, comparisons, `and or not`, "
        "`a if c else b`, min, max, sum, abs, round, divide.",
        "表的校验里不能写 `{formula}`。",
        "校验可用表的列、文件的数值、数字、`+ - *`、比较、`and or not`、`a if c else b`、min、max、sum、abs、"
        "round、divide。",
    ),
    "key-not-known": Entry(
        "`{key}` is none of the codes of `{name}`.",
        "{suggestion}Codes: {known}.",
        "`{key}` 不是 `{name}` 的代码。",
        "{suggestion_zh}代码：{known}。",
    ),
}
