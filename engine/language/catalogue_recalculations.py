"""Why a recalculation is not taken: a part of `engine.language.catalogue_service`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

RECALCULATIONS: Mapping[str, Entry] = {
    "runs-not-taken": Entry(
        "this server takes no recalculations.",
        "Whoever runs it says which folders they may use: the settings `run_inputs` and `run_outputs`.",
        "该服务器不受理重算。",
        "请由运维人员用设置 `run_inputs` 和 `run_outputs` 指明可用的文件夹。",
    ),
    "path-outside": Entry(
        "`{field}` is `{value}`, which is not within the folders that recalculations may {use}.",
        "Name a whole path, from `/`, within one of the folders of the server's setting `{setting}`.",
        "`{field}` 为 `{value}`，不在重算可{use_zh}的文件夹之内。",
        "请给出以 `/` 开头的完整路径，并位于服务器设置 `{setting}` 的某个文件夹之内。",
    ),
    "field-range": Entry(
        "`{field}` is {found}; it has to be {expected}.",
        "Leave it out for the usual value.",
        "`{field}` 为 {found}，应为{expected_zh}。",
        "不填即为通常的值。",
    ),
    "bad-selection": Entry(
        "`{field}` is `{value}`, which chooses no rows.",
        'Write COLUMN=VALUE or COLUMN=VALUE,VALUE; a value with a comma stands in `"`.',
        "`{field}` 为 `{value}`，不能选出任何行。",
        '请写成 列=值 或 列=值,值；含逗号的值放在 `"` 中。',
    ),
    "not-resumable": Entry(
        "there is nothing to go on with in `recalculations/{run}`: it is {state}.",
        "One that stopped or was interrupted can be resumed; begin a new one otherwise.",
        "`recalculations/{run}` 无可继续：其状态为 {state}。",
        "只有已停止或被中断的重算可以继续；否则请另起一次。",
    ),
}
