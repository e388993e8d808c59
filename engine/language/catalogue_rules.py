"""What the compiler's problems say: between names, units, bounds and documents. Part of `engine.language.catalogue`."""

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
        "{suggestion}Begin with `ruleset: ID`, `notice: ID`, `form: ID` or `shared: ID`.",
        "文件没有写明种类。",
        "{suggestion_zh}第一行写 `ruleset: 标识`、`notice: 标识`、`form: 标识` 或 `shared: 标识`。",
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
    "unknown-series": Entry(
        "there is no series of notices `{name}`.",
        "{suggestion}A notice names its series in `series:`.",
        "没有电价表系列 `{name}`。",
        "{suggestion_zh}电价表用 `series:` 写明所属系列。",
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
    "check-not-held": Entry(
        "check `{check}` fails for row {row}: {formula} does not hold.",
        "Compare the row with the notice: columns swapped, or a digit mistyped? Where the notice prints it so, "
        "record it under `except:`.",
        "校验 `{check}` 在 {row} 不成立：{formula}。",
        "请与原件核对：列写反了，还是数字输错了？原件确实如此的，写进 `except:`。",
        "The check",
        "校验",
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

INPUTS: Mapping[str, Entry] = {
    "code-without-codes": Entry(
        "the input `{name}` is a code but lists none.",
        "Write `codes: {{single: 单一制, two_part: 两部制}}`.",
        "输入 `{name}` 是代码，但没有列出代码。",
        "请写 `codes: {{single: 单一制, two_part: 两部制}}`。",
    ),
    "input-without-bounds": Entry(
        "the input `{name}` lacks {missing}.",
        "Exact arithmetic needs them: write for example `places: 2, from: 0, to: 500000000`.",
        "输入 `{name}` 缺少 {missing}。",
        "精确计算需要它们，例如 `places: 2, from: 0, to: 500000000`。",
    ),
    "input-unit": Entry(
        "the input `{name}` is in {unit}.",
        "Inputs are in base units: write `unit: {base}`, and its places and bounds to match.",
        "输入 `{name}` 的单位是 {unit}。",
        "输入用基本单位：请写 `unit: {base}`，并相应写小数位和上下限。",
    ),
    "bound-places": Entry(
        "the bound {bound} of `{name}` has more than its {places} decimals.",
        "Write the bound with the input's decimals.",
        "`{name}` 的界限 {bound} 多于 {places} 位小数。",
        "请按输入的小数位写界限。",
    ),
    "bounds-reversed": Entry(
        "`{name}` goes from {low} to {high}.",
        "Write the smaller number in `from`, the larger in `to`.",
        "`{name}` 的范围是 {low} 至 {high}。",
        "`from` 写较小的数，`to` 写较大的数。",
    ),
    "default-not-a-code": Entry(
        "the default `{value}` of `{name}` is none of its codes.",
        "{suggestion}Codes: {known}.",
        "`{name}` 的默认值 `{value}` 不是它的代码。",
        "{suggestion_zh}代码：{known}。",
    ),
    "default-out-of-bounds": Entry(
        "the default {value} of `{name}` is not a number from {low} to {high} with at most {places} decimals.",
        "Write a default that a row could give.",
        "`{name}` 的默认值 {value} 不是 {low} 至 {high} 之间、至多 {places} 位小数的数。",
        "默认值应是一行数据可以给出的值。",
    ),
    "optional-and-needed": Entry(
        "`{name}` is both `optional` and `needed_when`.",
        "Keep `needed_when`: the input is needed there and refused elsewhere.",
        "`{name}` 同时写了 `optional` 和 `needed_when`。",
        "请只留 `needed_when`：该条件下必填，其他情况拒收。",
    ),
    "unused-input": Entry(
        "nothing reads the input `{name}`.",
        "Use it in a formula, or delete it: a value that changes nothing should not be asked for.",
        "输入 `{name}` 没有被使用。",
        "请在公式里使用，或删去：不起作用的值不应要求填写。",
    ),
    "may-be-absent": Entry(
        "`{name}` is optional and may be absent here.",
        "Write `given({name}) and …`, or `… if given({name}) else …`, or declare a `default`.",
        "`{name}` 是选填项，这里可能没有值。",
        "请写 `given({name}) and …`，或 `… if given({name}) else …`，或声明 `default`。",
        "Declared here",
        "声明于此",
    ),
    "given-needs-input": Entry(
        "`{formula}` does not ask for an input.",
        "{suggestion}given() takes the name of an optional input.",
        "`{formula}` 问的不是输入。",
        "{suggestion_zh}given() 里写选填输入的名字。",
    ),
    "always-given": Entry(
        "`{name}` is always given.",
        "Leave given({name}) out; it is for optional inputs without a default.",
        "`{name}` 总有值。",
        "请删去 given({name})；它只用于没有默认值的选填输入。",
    ),
}

TYPES: Mapping[str, Entry] = {
    "unknown-name": Entry(
        "`{name}` is not declared.",
        "{suggestion}Declare it under `inputs`, `values` or `quantities`, or correct its spelling.",
        "`{name}` 没有声明。",
        "{suggestion_zh}请在 `inputs`、`values` 或 `quantities` 里声明，或改正拼写。",
    ),
    "unknown-table": Entry(
        "there is no table `{name}`.",
        "{suggestion}Declare it under `tables`, or correct its spelling.",
        "没有表 `{name}`。",
        "{suggestion_zh}请在 `tables` 里声明，或改正拼写。",
    ),
    "unknown-charge": Entry(
        "there is no charge or ledger code `{name}`.",
        "{suggestion}Charges: {known}.",
        "没有计费项或账目代码 `{name}`。",
        "{suggestion_zh}计费项：{known}。",
    ),
    "unknown-kind": Entry(
        "`{kind}` is not a kind of charge.",
        "{suggestion}Kinds: {known}.",
        "没有 `{kind}` 这种计费项。",
        "{suggestion_zh}种类：{known}。",
    ),
    "unknown-code-in-formula": Entry(
        "`{written}` is not a code of `{name}`.",
        "{suggestion}Codes: {known}.",
        "`{written}` 不是 `{name}` 的代码。",
        "{suggestion_zh}代码：{known}。",
    ),
    "message-name": Entry(
        "the message names `{name}`, which is not declared.",
        "{suggestion}Names that can stand in braces: {known}, and quantities.",
        "提示里的 `{name}` 没有声明。",
        "{suggestion_zh}花括号里可写：{known}，以及计费量。",
    ),
    "cycle": Entry(
        "the formulas go round in a circle: {ring}.",
        "Break the circle: one of them must not use the next.",
        "公式互相引用成环：{ring}。",
        "请拆开：其中一个不能引用下一个。",
    ),
    "unit-mismatch": Entry(
        "`{operator}` joins [{left_unit}] and [{right_unit}].",
        "`{left}` is in [{left_unit}], `{right}` in [{right_unit}]. Write a number "
        "with its unit as `260[kWh/kVA]`; a price times a quantity gives money.",
        "`{operator}` 两边的单位是 [{left_unit}] 和 [{right_unit}]。",
        "`{left}` 的单位是 [{left_unit}]，`{right}` 的单位是 "
        "[{right_unit}]。带单位的数写成 `260[kWh/kVA]`；价格乘以数量得金额。",
    ),
    "figure-unit": Entry(
        "`{formula}` is in [{unit}], where [{expected}] is expected.",
        "Name a value in [{expected}], or write a number without a unit.",
        "`{formula}` 的单位是 [{unit}]，这里应为 [{expected}]。",
        "请用单位为 [{expected}] 的数值，或直接写数。",
    ),
    "amount-unit": Entry(
        "the charge `{charge}` comes out in [{unit}], not in [{currency}].",
        "An amount is a quantity times a price, for example `kwh_peak * price_peak`.",
        "计费项 `{charge}` 的单位是 [{unit}]，不是 [{currency}]。",
        "金额是数量乘以价格，例如 `kwh_peak * price_peak`。",
    ),
    "not-a-quantity": Entry(
        "`{formula}` is {kind}, where a number is needed.",
        "Write a number; a condition chooses between numbers: `a if condition else b`.",
        "`{formula}` 是{kind_zh}，这里需要数。",
        "请写数；条件用来选数：`a if 条件 else b`。",
    ),
    "not-a-condition": Entry(
        "`{formula}` is no condition.",
        "Write a comparison, for example `{formula} > 0`, or a boolean input.",
        "`{formula}` 不是条件。",
        "请写比较，例如 `{formula} > 0`，或布尔输入。",
    ),
    "cannot-compare": Entry(
        "`{left}` and `{right}` cannot be compared in this way.",
        "Numbers and days take < <= == >= >; codes take == and != with one of their codes.",
        "`{left}` 与 `{right}` 不能这样比较。",
        "数和日期可用 < <= == >= >；代码只能用 == 和 != 与它的代码比较。",
    ),
    "branches-differ": Entry(
        "the branches `{then}` and `{otherwise}` are of different kinds.",
        "Both branches should be numbers of one unit, or both conditions.",
        "两个分支 `{then}` 与 `{otherwise}` 的类型不同。",
        "两个分支应同为一种单位的数，或同为条件。",
    ),
    "divisor-below-zero": Entry(
        "`{formula}` may be below zero and cannot divide.",
        "Bound it: a quantity can declare `from: 0`.",
        "`{formula}` 可能小于零，不能作除数。",
        "请加界限：计费量可写 `from: 0`。",
    ),
    "root-below-zero": Entry(
        "`{formula}` may be below zero and has no square root.",
        "Bound it: a quantity can declare `from: 0`.",
        "`{formula}` 可能小于零，不能开方。",
        "请加界限：计费量可写 `from: 0`。",
    ),
    "root-places": Entry(
        "a square root of this number needs at least {places} places.",
        "Write more places: sqrt(x, {places}, half_up).",
        "这个数开方至少要 {places} 位小数。",
        "请写更多小数位：sqrt(x, {places}, half_up)。",
    ),
    "unrounded-needs-charge": Entry(
        "`{formula}` does not name a charge.",
        "{suggestion}unrounded() takes the name of a charge.",
        "`{formula}` 里不是计费项。",
        "{suggestion_zh}unrounded() 里写计费项的名字。",
    ),
    "no-such-day": Entry(
        "`{formula}` is no day of the calendar.",
        "Write year, month, day: day(2026, 1, 31).",
        "`{formula}` 不是日历上的日期。",
        "请写年、月、日：day(2026, 1, 31)。",
    ),
    "table-needs-keys": Entry(
        "`{table}` is a table and needs keys.",
        "Write `{example}`.",
        "`{table}` 是表，要写键。",
        "请写 `{example}`。",
    ),
    "row-needs-column": Entry(
        "`{row}` is a whole row of the table.",
        "Add a column, for example `{row}.{example}`. Columns: {known}.",
        "`{row}` 是表的一整行。",
        "请加列名，例如 `{row}.{example}`。列：{known}。",
    ),
    "table-keys": Entry(
        "the table `{table}` is looked up by {keys}.",
        "Write one key for each of them, in this order: `{table}[{keys}]`.",
        "表 `{table}` 按 {keys} 查找。",
        "请按此顺序各写一个键：`{table}[{keys}]`。",
    ),
    "key-not-a-code": Entry(
        "the key `{key}` of table `{table}` is looked up with something that has no list of values.",
        "Use an input with codes, a boolean, `season` or `month`.",
        "表 `{table}` 的键 `{key}` 用了没有取值列表的量。",
        "请用代码输入、布尔、`season` 或 `month`。",
    ),
    "column-not-in-table": Entry(
        "the table `{table}` has no column `{column}`.",
        "{suggestion}Columns: {known}.",
        "表 `{table}` 没有列 `{column}`。",
        "{suggestion_zh}列：{known}。",
    ),
    "columns-differ": Entry(
        "the columns of `{table}` that a code chooses between have different units.",
        "Give them one unit, or name the column.",
        "`{table}` 中由代码选择的各列单位不同。",
        "请统一单位，或直接写列名。",
    ),
    "too-wide": Entry(
        "a {primitive} to {places} decimals can be too large here for exact arithmetic.",
        "Tighten the bounds of `{name}`, the widest input that goes in; `from` and `to` of a quantity work too.",
        "这里的{primitive_zh}（{places} 位小数）可能过大，无法精确计算。",
        "请收紧 `{name}` 的上下限，它是其中范围最大的输入；计费量的 `from`、`to` 也可以。",
        "Declared here",
        "声明于此",
    ),
    "energy-not-declared": Entry(
        "it is not said which charges price the energy.",
        "Write `energy: {{total: kwh, priced_by: [energy]}}`, or `energy: {{not_priced: why}}`.",
        "没有写明由哪些计费项计收电量。",
        "请写 `energy: {{total: kwh, priced_by: [energy]}}`，或 `energy: {{not_priced: 原因}}`。",
    ),
    "energy-both": Entry(
        "`energy` needs `total` and `priced_by`, or `not_priced` alone.",
        "Write `energy: {{total: kwh, priced_by: [energy]}}`, or `energy: {{not_priced: why}}`.",
        "`energy` 应写 `total` 和 `priced_by`，或只写 `not_priced`。",
        "请写 `energy: {{total: kwh, priced_by: [energy]}}`，或 `energy: {{not_priced: 原因}}`。",
    ),
    "energy-twice": Entry(
        "`energy` is declared twice.",
        "Keep the form's, or the rule set's.",
        "`energy` 声明了两次。",
        "请只留一处。",
        "The first one",
        "第一处",
    ),
    "charge-prices-no-energy": Entry(
        "the charge `{name}` does not price energy.",
        "List charges of the kinds flat, time_of_use, tiered or tiered_time_of_use.",
        "计费项 `{name}` 不计收电量。",
        "请列 flat、time_of_use、tiered 或 tiered_time_of_use 类的计费项。",
    ),
}

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

RULES: Mapping[str, Entry] = {**DOCUMENTS, **FIGURES, **INPUTS, **TYPES, **CHARGES}
