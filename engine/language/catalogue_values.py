"""What the problems of keys, values and formulas say. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

# Problems of keys and values: engine.language.fields, engine.language.units
VALUES: Mapping[str, Entry] = {
    "unknown-key": Entry(
        "`{key}` is not a key of {what}.",
        "{suggestion}Keys allowed here: {allowed}.",
        "`{key}` 不是{what}的键。",
        "{suggestion_zh}可用的键：{allowed}。",
    ),
    "missing-key": Entry(
        "{what} needs the key `{key}`.",
        "Add `{key}: …`.",
        "{what}缺少键 `{key}`。",
        "请加上 `{key}: …`。",
    ),
    "wrong-shape": Entry(
        "{what} is expected here, and {found} stands here.",
        "{example}",
        "这里应当是{what_zh}，现在是{found_zh}。",
        "{example_zh}",
    ),
    "nothing-listed": Entry(
        "`{key}` lists nothing.",
        "Write at least one item between the brackets.",
        "`{key}` 里什么也没有。",
        "括号里至少要写一项。",
    ),
    "unknown-word": Entry(
        "`{text}` is not one of the words that may stand here.",
        "{suggestion}Words allowed here: {allowed}.",
        "`{text}` 不是这里可用的词。",
        "{suggestion_zh}可用的词：{allowed}。",
    ),
    "value-not-accepted": Entry(
        "`{text}` cannot stand here: {reason}.",
        "Compare it with the reference page of this key.",
        "`{text}` 不能写在这里：{reason}。",
        "请对照此键的说明页。",
    ),
    "number-expected": Entry(
        "a number is expected here, and `{text}` is none.",
        "Write digits with at most one decimal point, for example `0.5283`.",
        "这里应当是数字，`{text}` 不是。",
        "请写数字，最多一个小数点，例如 `0.5283`。",
    ),
    "number-notation": Entry(
        "`{text}` is not written as notices print numbers.",
        "Write `{suggestion}`: an optional minus, digits, and a point with digits after it.",
        "`{text}` 不是电价文件中数字的写法。",
        "请写 `{suggestion}`：可有负号，数字，小数点及其后的数字。",
    ),
    "percent-sign": Entry(
        "`{text}` has a percent sign; the unit stands apart from the number.",
        "Write `{suggestion}`; the key's unit is percent.",
        "`{text}` 带有百分号，单位与数字要分开写。",
        "请写 `{suggestion}`；此键的单位是百分之一。",
    ),
    "unit-in-number": Entry(
        "`{text}` has a unit in it; the unit stands apart from the number.",
        "Write `{suggestion}`; the unit belongs in the key `unit`.",
        "`{text}` 带有单位，单位与数字要分开写。",
        "请写 `{suggestion}`；单位写在 `unit` 键里。",
    ),
    "number-too-fine": Entry(
        "`{text}` has {places} decimals; at most {limit} are kept.",
        "Write the number as the notice prints it.",
        "`{text}` 有 {places} 位小数，最多保留 {limit} 位。",
        "请按电价文件所印的数字填写。",
    ),
    "number-too-long": Entry(
        "the number has {digits} digits before the point; at most {limit} are kept.",
        "Check it for digits that were typed twice.",
        "数字的整数部分有 {digits} 位，最多 {limit} 位。",
        "请检查是否重复输入。",
    ),
    "whole-number-expected": Entry(
        "a whole number is expected here, and `{text}` is none.",
        "Write digits without a decimal point, for example `6`.",
        "这里应当是整数，`{text}` 不是。",
        "请写不带小数点的数字，例如 `6`。",
    ),
    "true-or-false-expected": Entry(
        "`true` or `false` is expected here, and `{text}` is neither.",
        "Write `{suggestion}`, in small letters.",
        "这里应当是 `true` 或 `false`，`{text}` 不是。",
        "请写 `{suggestion}`（小写）。",
    ),
    "day-format": Entry(
        "`{text}` is not written as a day.",
        "Write {suggestion}: year, month and day, with four, two and two digits.",
        "`{text}` 不是日期的写法。",
        "请写 {suggestion}：年四位、月两位、日两位。",
    ),
    "day-not-in-calendar": Entry(
        "`{text}` is a day that the calendar does not have: {reason}.",
        "Check the month and the day.",
        "日历上没有 `{text}` 这一天：{reason_zh}。",
        "请检查月和日。",
    ),
    "name-expected": Entry(
        "a name is expected here, and `{text}` is none.",
        "Write letters a-z, digits and `_`, a letter first{suggestion}; Chinese belongs in `title`.",
        "这里应当是名字，`{text}` 不是。",
        "名字由字母 a-z、数字和 `_` 组成，以字母开头{suggestion_zh}；中文写在 `title` 里。",
    ),
    "name-reserved": Entry(
        "`{text}` is a word of the formula language and cannot be a name.",
        "Choose another name, for example `{text}_`.",
        "`{text}` 是公式语言的词，不能作名字。",
        "请另起名字，例如 `{text}_`。",
    ),
    "id-expected": Entry(
        "an id is expected here, and `{text}` is none.",
        "Write names joined by dots, for example `cn.jiangsu.residential`.",
        "这里应当是标识，`{text}` 不是。",
        "请写用点连接的名字，例如 `cn.jiangsu.residential`。",
    ),
    "text-empty": Entry(
        "an empty text stands here.",
        "Write the text, or delete the key.",
        "这里的文字是空的。",
        "请写上文字，或删除此键。",
    ),
    "dated-order": Entry(
        "the figures are not in the order of their days: {later} stands before {earlier}.",
        "Write the earliest day first.",
        "数值没有按日期排列：{later} 写在 {earlier} 之前。",
        "请把最早的日期写在最前。",
        "The figure before it",
        "前一个数值",
    ),
    "dated-overlap": Entry(
        "two figures are in force on {day}.",
        "Correct the day from which this one holds, or end the earlier one with `through:` on the day before; "
        "both days of a figure are included.",
        "{day} 有两个数值同时有效。",
        "请改正这一个的起始日，或用 `through:` 让前一个在前一天结束；起止两天都算在内。",
        "The other figure",
        "另一个数值",
    ),
    "through-before-from": Entry(
        "the last day, {through}, comes before the first, {from_day}.",
        "Exchange the two days, or correct one; both are included.",
        "截止日 {through} 早于开始日 {from_day}。",
        "请对调两个日期或改正其一；两天都算在内。",
    ),
    "unknown-unit": Entry(
        "`{word}` is not a unit that Dianjia knows.",
        "{suggestion}Units: {known}.",
        "`{word}` 不是已知的单位。",
        "{suggestion_zh}可用的单位：{known}。",
    ),
    "unit-syntax": Entry(
        "`{text}` cannot be read as a unit.",
        "Write units joined by `*` and `/`, for example `CNY/kVA/month`.",
        "`{text}` 不能读作单位。",
        "请写用 `*` 和 `/` 连接的单位，例如 `CNY/kVA/month`。",
    ),
    "unit-in-chinese": Entry(
        "units are written with their signs, and `{word}` is a Chinese word.",
        "Write `{suggestion}`.",
        "单位要用符号写，`{word}` 是中文。",
        "请写 `{suggestion}`。",
    ),
    "unit-of-ten-thousand": Entry(
        "`{word}` counts in ten thousands, which is easily misread.",
        "Write `{suggestion}`, and move the decimal point of the number by four.",
        "`{word}` 以万为单位，容易看错。",
        "请写 `{suggestion}`，并把数字的小数点移四位。",
    ),
}

# Problems of a formula as text: engine.language.formulas
FORMULAS: Mapping[str, Entry] = {
    "formula-character": Entry(
        "`{character}` cannot stand in a formula.",
        "Write formulas with half-width signs, and names with letters a-z, digits and `_`.",
        "公式里不能有“{character}”。",
        "公式要用半角符号，名字用字母 a-z、数字和 `_`。",
    ),
    "formula-syntax": Entry(
        "`{formula}` cannot be read as a formula.",
        "Check brackets, operators and commas; for example `kwh_peak + kwh_valley`.",
        "`{formula}` 不能读作公式。",
        "请检查括号、运算符和逗号，例如 `kwh_peak + kwh_valley`。",
    ),
    "formula-equal": Entry(
        "`{formula}` has a single `=`.",
        "Write `==` where two things are compared.",
        "`{formula}` 里有单个 `=`。",
        "比较相等请写 `==`。",
    ),
    "formula-boolean": Entry(
        "`{formula}` cannot stand in a formula.",
        "Write a condition: a boolean input's name, or a comparison.",
        "公式里不能写 `{formula}`。",
        "请写条件：布尔输入的名字，或比较式。",
    ),
    "formula-number": Entry(
        "`{formula}` is not written as numbers are written in formulas.",
        "Write digits with at most 8 decimals, for example `0.5283`; codes are written without quotes.",
        "`{formula}` 不是公式中数字的写法。",
        "请写数字，最多 8 位小数，例如 `0.5283`；代码不加引号。",
    ),
    "formula-operator": Entry(
        "`{formula}` uses an operator that formulas do not have.",
        "Formulas have `+ - *`, `< <= > >= == !=`, `and or not`, and `a if c else b`.",
        "`{formula}` 用了公式没有的运算符。",
        "公式可用 `+ - *`、`< <= > >= == !=`、`and or not` 和 `a if c else b`。",
    ),
    "division-without-places": Entry(
        "`{formula}` does not say how its result is rounded.",
        "Write the decimal places and the way of rounding: `divide(a, b, 4, half_up)`, `round(x, 2, half_up)`.",
        "`{formula}` 没有说明结果怎样取舍。",
        "请写明小数位数和取舍方式：`divide(a, b, 4, half_up)`、`round(x, 2, half_up)`。",
    ),
    "unknown-function": Entry(
        "`{name}` is not a function of formulas.",
        "Functions: {known}.",
        "公式没有函数 `{name}`。",
        "可用的函数：{known}。",
    ),
    "unknown-rounding": Entry(
        "this is not a way of rounding.",
        "Write one of: {known}.",
        "这不是取舍方式。",
        "请写其中之一：{known}。",
    ),
    "rounding-places": Entry(
        "`{formula}` wants the number of decimal places here, as one digit.",
        "Write a digit, for example `2`.",
        "`{formula}` 的这里应当是小数位数，一个数字。",
        "请写一个数字，例如 `2`。",
    ),
    "argument-count": Entry(
        "`{name}` does not have the right number of values in `{formula}`.",
        "Compare it with the page of formulas: `min(a, b)`, `abs(x)`, `day(2026, 1, 1)`, `divide(a, b, 4, half_up)`.",
        "`{formula}` 中 `{name}` 的值的个数不对。",
        "请对照公式说明页：`min(a, b)`、`abs(x)`、`day(2026, 1, 1)`、`divide(a, b, 4, half_up)`。",
    ),
}
