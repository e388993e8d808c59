"""Why a call about warnings over time is refused: a part of `engine.language.catalogue_service`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

WARNINGS: Mapping[str, Entry] = {
    "bad-cursor": Entry(
        "`{field}` is `{value}`, which is no cursor of a warning.",
        "Give the `cursor` of an answer as it came, or leave it out to begin with the oldest warning.",
        "`{field}` 为 `{value}`，不是预警的游标。",
        "请原样给出某次回答中的 `cursor`；不填则从最早的预警开始。",
    ),
    "cursor-ahead": Entry(
        "`{field}` is {found}, and the newest warning has {newest}: the database was put back to an earlier state.",
        "Go on after {newest}, or begin with the oldest; the name of a warning tells what has been dealt with before.",
        "`{field}` 为 {found}，而最新的预警为 {newest}：数据库已恢复到较早的状态。",
        "请从 {newest} 之后继续，或从最早的开始；凭预警的 name 可辨认已处理过的预警。",
    ),
}
