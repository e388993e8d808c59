"""The words of what stops files of events, and runs that are given a history. Part of `engine.bulk.problems`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.language.entry import Entry

HISTORY_PROBLEMS: Final[Mapping[str, Entry]] = {
    "events-type-unknown": Entry(
        "it does not say of which type its events are: there is no column `event`, and neither the file nor a folder "
        "that it lies in has the name of an event type.",
        "Add the column `event`, or name the file after one of: {known}.",
        "未写明事件类型：没有 `event` 列，文件名和所在文件夹名也不是事件类型。",
        "请增加 `event` 列，或以下列名称之一命名文件：{known}。",
    ),
    "events-column-unknown": Entry(
        "no event of this file has a key or a value `{column}`.",
        "Rename the column or leave it out. Known: {known}.",
        "此文件的事件没有名为 `{column}` 的键或值。",
        "请改名或去掉这一列。已知：{known}。",
    ),
    "history-no-triggers": Entry(
        "the rate book has no triggers, and a history is for nothing else.",
        "Add rules with `triggers:` to --rules, or leave out --history.",
        "电价册中没有触发规则，历史事件没有用处。",
        "请在 --rules 中加入含 `triggers:` 的规则，或不写 --history。",
    ),
    "history-account": Entry(
        "the rows have no column `account`, and warnings over time are of an account.",
        "Add the column `account`, as the events of the history name it.",
        "数据行没有 `account` 列，而跨期预警按账户判断。",
        "请增加 `account` 列，其写法与历史事件一致。",
    ),
    "history-by-file": Entry(
        "a run with a history spreads its rows by account; `--partition-by given` keeps files as they are.",
        "Leave out --partition-by.",
        "带历史事件的计算按账户划分数据行，不能用 `--partition-by given`。",
        "请去掉 --partition-by。",
    ),
}
