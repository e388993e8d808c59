"""Why the desk of warnings over time refuses something. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.catalogue_durable import STOPS
from engine.language.entry import Entry

DESK: Mapping[str, Entry] = {
    "complete-until-ahead": Entry(
        "events are said to be complete until {value}, more than a day after {received}, when that was said.",
        "Say so once the time has passed: every event before it would be refused from then on.",
        "称 {value} 以前的事件已全部送达，而收到的时间是 {received}，相差一天以上。",
        "请在该时间过后再声明：此后，早于它的事件都会被拒绝。",
    ),
    "warning-not-found": Entry(
        "there is no warning `{value}`.",
        "List the warnings to see their ids.",
        "没有预警 `{value}`。",
        "请列出预警查看其编号。",
    ),
    "snapshot-unreadable": Entry(
        "`{file}` is not a whole snapshot of warnings: {what}.",
        "Write the snapshot again, or take another one.",
        "`{file}` 不是完整的预警快照：{what_zh}。",
        "请重新生成快照，或换用另一份。",
    ),
    "warnings-not-empty": Entry(
        "the database already keeps events or warnings.",
        "Restore into an empty database; what is kept would be mixed with what the snapshot has.",
        "数据库中已有事件或预警。",
        "请恢复到空的数据库；否则已有的内容会与快照混在一起。",
    ),
    "log-too-short": Entry(
        "the log of events lacks those before {value}, and memory cannot be made anew from the rest.",
        "Replay without rebuilding, or restore a snapshot.",
        "事件日志从 {value} 开始：更早的已删除，无法由其余事件重建记忆。",
        "请只重放不重建，或恢复快照。",
    ),
    **STOPS,
}
