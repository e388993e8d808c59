"""What is said of joins of bills with other files: entries of `engine.bulk.problems.FILE_PROBLEMS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.language.catalogue import Entry

JOIN_PROBLEMS: Final[Mapping[str, Entry]] = {
    "join-takes": Entry(
        "the join does not say what is taken of the file.",
        "Write `columns` where a bill has one row of it; or `list` with `order`, and `field` or `fields`.",
        "没有写明从文件中取什么。",
        "一份账单只对应一行时写 `columns`；对应多行时写 `list`、`order`，以及 `field` 或 `fields`。",
    ),
    "join-within": Entry(
        "`within` of `{column}` does not name a first column and an end column of the bills.",
        "Write `within: {{{column}: [period_from, period_to]}}`: from the first on, and before the second.",
        "`{column}` 的 `within` 没有写明账单的起止两列。",
        "请写 `within: {{{column}: [period_from, period_to]}}`：含起始日，不含截止日。",
    ),
    "join-no-bills": Entry(
        "the plan names no bills.",
        "Name their file in the plan as `input`, or with --input.",
        "没有给出账单文件。",
        "请在计划中用 `input` 或用 --input 给出。",
    ),
    "join-column-missing": Entry(
        "there is no column `{column}` in {input}; it has {known}.",
        "Name a column that the file has.",
        "{input} 中没有列 `{column}`；有 {known}。",
        "请写文件中已有的列名。",
    ),
    "join-column-taken": Entry(
        "the column `{column}` would be overwritten: {input} has it already.",
        "Give what is joined another name, for example `columns: {{{column}: joined_{column}}}`.",
        "列 `{column}` 会被覆盖：{input} 中已有这一列。",
        "请给取来的列改名，例如 `columns: {{{column}: joined_{column}}}`。",
    ),
    "join-types": Entry(
        "`{column}` is {came} in {input}, and the bills' `{field}`, which it is compared with, is {found}.",
        "Write both in one type: text, whole numbers, decimals of the same places, or days.",
        "{input} 中 `{column}` 的类型是 {came}，而与之比较的账单列 `{field}` 是 {found}。",
        "请把两列写成同一类型：文本、整数、小数位数相同的小数或日期。",
    ),
    "join-column-type": Entry(
        "`{column}` in {input} is {came}, which cannot be joined.",
        "Write it as text, a whole number, a decimal of at most 38 digits, a day, or true and false.",
        "{input} 中 `{column}` 的类型是 {came}，不能关联。",
        "请写成文本、整数、不超过 38 位的小数、日期或布尔值。",
    ),
    "join-key-twice": Entry(
        "{input} has more than one row of {came}, and a bill takes its columns from one.",
        "Keep one row of each key; name more columns in `on`; or take the rows as a `list`.",
        "{input} 中 {came} 不止一行，而一份账单只能取一行。",
        "请每个键只留一行，或在 `on` 中增加列，或改用 `list`。",
    ),
    "join-stopped": Entry(
        "the join stopped: {reason}.",
        "Give it more memory (--memory) or a work folder with more room; nothing is billed yet.",
        "关联中断：{reason}。",
        "请给更多内存（--memory），或换空间更大的工作文件夹；尚未计费。",
    ),
}
