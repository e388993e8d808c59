"""What problems of inputs, names, types and units say, and all of the compiler. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.catalogue_charges import CHARGES
from engine.language.catalogue_figures import DOCUMENTS, FIGURES
from engine.language.entry import Entry

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
        "`from`",
        "`from`",
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
        "`needed_when`",
        "`needed_when`",
    ),
    "ignored-without-needed": Entry(
        "`{name}` has `ignored_when` without `needed_when`.",
        "Write `needed_when`: where it holds the input is read, and elsewhere `ignored_when` may pass over a value.",
        "`{name}` 写了 `ignored_when`，没有写 `needed_when`。",
        "请写 `needed_when`：该条件下读取此输入；其他情况下才由 `ignored_when` 略过所给的值。",
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
    "listed-twice": Entry(
        "`{name}` counts twice here.",
        "Name it once; a ledger code stands for all its charges.",
        "`{name}` 在这里算了两次。",
        "请只列一次；账目代码代表其下所有计费项。",
        "Listed here",
        "已列于此处",
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
    "message-may-be-absent": Entry(
        "the message names `{name}`, which is optional and may be absent there.",
        "Write `given({name}) and …` in `when`, or leave `{{{name}}}` out of the message.",
        "提示里的 `{name}` 是选填项，那时可能没有值。",
        "请在 `when` 里写 `given({name}) and …`，或在提示里去掉 `{{{name}}}`。",
        "The condition",
        "条件",
    ),
    "cycle": Entry(
        "the formulas go round in a circle: {ring}.",
        "Break the circle: one of them must not use the next.",
        "公式互相引用成环：{ring}。",
        "请拆开：其中一个不能引用下一个。",
    ),
    "unit-mismatch": Entry(
        "`{operator}` joins [{left_unit}] and [{right_unit}].",
        "`{left}` is in [{left_unit}], `{right}` in [{right_unit}]. {advice}",
        "`{operator}` 两边的单位是 [{left_unit}] 和 [{right_unit}]。",
        "`{left}` 的单位是 [{left_unit}]，`{right}` 的单位是 [{right_unit}]。{advice_zh}",
    ),
    "figure-unit": Entry(
        "`{formula}` is in [{unit}], where [{expected}] is expected.",
        "Name a value in [{expected}]; a number inside a formula takes its unit, as in `0.5[{expected}]`.",
        "`{formula}` 的单位是 [{unit}]，这里应为 [{expected}]。",
        "请用单位为 [{expected}] 的数值；公式里的数要带单位，例如 `0.5[{expected}]`。",
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
    "power-factor-below-zero": Entry(
        "`{formula}` may be below zero; a power factor is made of energy that was used.",
        "Bound it: an input or a quantity can declare `from: 0`; of forward and reverse reactive energy add the abs().",
        "`{formula}` 可能小于零；功率因数由用电量算出。",
        "请加界限：输入或计费量可写 `from: 0`；正反向无功各取 abs() 后相加。",
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

RULES: Mapping[str, Entry] = {**DOCUMENTS, **FIGURES, **INPUTS, **TYPES, **CHARGES}
