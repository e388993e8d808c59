"""Problems of scores and segments."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

PROFILES: Mapping[str, Entry] = {
    "weights-not-one": Entry(
        "The weights of `{name}` add up to {sum}, not to 1.",
        "Give weights that add up to exactly 1; a percentage of 30 is written 0.30.",
        "`{name}` 各指标的权重之和为 {sum}，不等于 1。",
        "各指标的权重之和须恰为 1；30% 写作 0.30。",
    ),
    "weight-not-positive": Entry(
        "The weight of `{name}` is not above zero.",
        "Give a weight above zero, or leave the indicator out.",
        "`{name}` 的权重不大于零。",
        "权重须大于零；不计分的指标请删去。",
    ),
    "measure-or-choice": Entry(
        "The indicator `{name}` has to have one of `measure` and `choice`.",
        "Write `measure: FORMULA` for a number, or `choice: INPUT` for an input with codes.",
        "指标 `{name}` 须写 `measure` 或 `choice` 之一。",
        "数值指标写 `measure: 公式`；按代码给分的写 `choice: 输入项`。",
    ),
    "choice-points": Entry(
        "The indicator `{name}`: `points` belongs to `choice`, `bands` to `measure`.",
        "Write `points: {{code: number}}` with `choice`; with `measure` write `bands`, "
        "or neither where it is the points.",
        "指标 `{name}`：`points` 与 `choice` 同写，`bands` 与 `measure` 同写。",
        "用 `choice` 时写 `points: {{代码: 分数}}`；用 `measure` 时写 `bands`，本身即为分数的两者都不写。",
    ),
    "points-by-code": Entry(
        "The points of `{name}` have to name every code of `{choice}`, and no other: {codes}.",
        "Write one number of points for each of {codes}; `{choice}` has to be an input of type `code`.",
        "`{name}` 的分数须写全 `{choice}` 的各个代码，且不多写：{codes}。",
        "请为 {codes} 各写一个分数；`{choice}` 须是 `code` 类型的输入项。",
    ),
    "missing-not-said": Entry(
        "`{name}` may be absent ({inputs}), and it is not said what that does.",
        "Write `missing: refuse`, `missing: left_out` (its weight goes to the others), or a number of points; "
        "of a segment a class.",
        "`{name}` 可能缺失（{inputs}），没有写明缺失时如何处理。",
        "请写 `missing: refuse`（拒绝）、`missing: left_out`（不计，权重归其余指标）或一个分数；分群写一个类名。",
    ),
    "missing-unread": Entry(
        "`{name}` is never absent, so `missing` says nothing.",
        "Leave `missing` out, or make the input that it is about `optional: true`.",
        "`{name}` 不会缺失，`missing` 没有作用。",
        "请删去 `missing`；所指的输入项若可不填，请写 `optional: true`。",
    ),
    "profile-band-limit": Entry(
        "Band {band} of `{name}` has to have one limit, and the last band none.",
        "Write one of `up_to`, `below`, `up_to_quantile`, `below_quantile` in each band but the last.",
        "`{name}` 的第 {band} 档须有一个界限，末档没有界限。",
        "除末档外，每档写 `up_to`、`below`、`up_to_quantile`、`below_quantile` 之一。",
    ),
    "quantile-range": Entry(
        "The quantile {quantile} does not lie between 0 and 1.",
        "Write a share such as 0.25 for the lowest quarter.",
        "分位数 {quantile} 不在 0 与 1 之间。",
        "请写 0.25 一类的比例，表示最低的四分之一。",
    ),
    "quantiles-from": Entry(
        "The limit of `{name}` at the quantile {quantile} needs a notice that holds it.",
        "Write `quantiles_from: NAME`, and in the rule set `fills: {{NAME: SERIES}}`; "
        "`dianjia quantiles` makes the notice.",
        "`{name}` 在分位数 {quantile} 处的界限须取自一份文件。",
        "请写 `quantiles_from: 名称`，并在规则集写 `fills: {{名称: 文件系列}}`；文件由 `dianjia quantiles` 生成。",
    ),
    "quantile-not-there": Entry(
        "No notice of `{series}` holds `{value}`, the limit of `{name}` at the quantile {quantile}.",
        "`dianjia quantiles RULES PORTFOLIO -o FILE.notice.yaml` makes it, and has to again where a quantile is new.",
        "`{series}` 的文件里没有 `{value}`，即 `{name}` 在分位数 {quantile} 处的界限。",
        "文件由 `dianjia quantiles 规则 客户文件 -o 文件.notice.yaml` 生成；分位数改写以后要重新生成。",
    ),
    "quantiles-not-filled": Entry(
        "`quantiles_from` of `{name}` names `{hole}`, and `fills` has no such entry.",
        "{suggestion}The rule set says of what series of notices it is: `fills: {{NAME: SERIES}}`.",
        "`{name}` 的 `quantiles_from` 写的 `{hole}`，`fills` 里没有。",
        "{suggestion_zh}规则集写明取自哪个文件系列：`fills: {{名称: 文件系列}}`。",
    ),
    "quantiles-unread": Entry(
        "`quantiles_from` of `{name}` is read by no band.",
        "Leave it out, or write `below_quantile` or `up_to_quantile` in a band.",
        "`{name}` 的 `quantiles_from` 没有哪一档用到。",
        "请删去，或在某一档写 `below_quantile`、`up_to_quantile`。",
    ),
    "one-class": Entry(
        "The segment `{name}` has fewer than two classes.",
        "Write at least two classes; the last takes what is left.",
        "分群 `{name}` 不足两类。",
        "请至少写两类，末类收其余。",
    ),
    "segment-by": Entry(
        "The segment `{name}` has no `by`, so `{key}` says nothing.",
        "Write `by: FORMULA` with limits in the classes, or leave `{key}` out.",
        "分群 `{name}` 没有 `by`，`{key}` 没有作用。",
        "请写 `by: 公式` 并在各类写界限，或删去 `{key}`。",
    ),
    "class-when": Entry(
        "Each class of `{name}` but the last has to have `when`, the last has none, and limits belong to `by`.",
        "Write `when: CONDITION` in each class but the last; or write `by: FORMULA` and limits.",
        "`{name}` 除末类外每类须有 `when`，末类没有；界限须与 `by` 同用。",
        "除末类外每类写 `when: 条件`；或写 `by: 公式` 和界限。",
    ),
    "class-by": Entry(
        "The classes of `{name}` go by a number, and one of them has `when`.",
        "Write limits (`below`, `up_to`) in the classes, or leave `by` out and write `when` in each.",
        "`{name}` 按数值分类，其中一类写了 `when`。",
        "请在各类写界限（`below`、`up_to`），或删去 `by` 而每类写 `when`。",
    ),
    "unknown-class": Entry(
        "`{name}` is no class of this segment: {known}.",
        "Write one of {known}, or `refuse`.",
        "`{name}` 不是本分群的类：{known}。",
        "请写 {known} 之一，或 `refuse`。",
    ),
    "score-unit": Entry(
        "The score `{name}` has the unit {unit}; points have none.",
        "Give an indicator bands with points, or divide its measure by a number of its own unit.",
        "评分 `{name}` 带有单位 {unit}；分数没有单位。",
        "请为指标写各档分数，或将度量除以同单位的数。",
    ),
}
