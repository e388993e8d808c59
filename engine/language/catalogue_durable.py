"""Why durable_rules does not watch triggers: a part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

_BUILT_IN = "The built-in correlator does it: leave the correlator out"
_BUILT_IN_ZH = "内置关联引擎可以做到：不指定关联引擎即可"

DURABLE: Mapping[str, Entry] = {
    "durable-cannot-kind": Entry(
        "durable_rules cannot watch `{trigger}`: a trigger of the kind `{kind}` is no join of two facts.",
        f"{_BUILT_IN}.",
        "durable_rules 不能执行 `{trigger}`：类型为 `{kind}` 的触发器不是两个事实的连接。",
        f"{_BUILT_IN_ZH}。",
    ),
    "durable-cannot-mix": Entry(
        "durable_rules cannot watch `{trigger}`: a condition is more than a field compared with another step's.",
        f"{_BUILT_IN}. Else write what looks at other steps as comparisons of two fields, joined by `and`: "
        "`energy > previous.energy and energy > 100[kWh]`.",
        "durable_rules 不能执行 `{trigger}`：有一个条件不只是把一个字段与另一步骤的一个字段相比较。",
        f"{_BUILT_IN_ZH}。否则，涉及其他步骤的条件请写成两个字段的比较，用 `and` 连接："
        "`energy > previous.energy and energy > 100[kWh]`。",
    ),
    "durable-cannot-join": Entry(
        "durable_rules cannot watch `{trigger}`: a step makes {joins} comparisons with others, at most {most} fit.",
        f"{_BUILT_IN}.",
        "durable_rules 不能执行 `{trigger}`：一个步骤与其他步骤作了 {joins} 次比较，最多 {most} 次。",
        f"{_BUILT_IN_ZH}。",
    ),
    "durable-cannot-compare": Entry(
        "durable_rules cannot watch `{trigger}`: it compares whole numbers alone, and `{field}` is "
        "({here}), `{compared}` ({there}).",
        f"{_BUILT_IN}. Else give both inputs the same `unit` and `places`.",
        "durable_rules 不能执行 `{trigger}`：它只比较整数，而 `{field}` 为（{here}），`{compared}` 为（{there}）。",
        f"{_BUILT_IN_ZH}。否则请让两个输入的 `unit` 和 `places` 相同。",
    ),
    "durable-cannot-hold": Entry(
        "durable_rules cannot watch `{trigger}`: `{field}` may be a number that does not fit 63 bits.",
        f"{_BUILT_IN}, or give the input narrower bounds with `from` and `to`.",
        "durable_rules 不能执行 `{trigger}`：`{field}` 可能是 63 位容纳不下的数。",
        f"{_BUILT_IN_ZH}，或用 `from` 和 `to` 给出更窄的范围。",
    ),
}

STOPS: Mapping[str, Entry] = {
    "durable-not-installed": Entry(
        "durable_rules is not installed for this Python {python}.",
        "Install it with `make install-durable`, or the extra `durable`. Needed: Python 3.11 or 3.12, a C compiler.",
        "当前的 Python {python} 没有安装 durable_rules。",
        "请用 `make install-durable` 安装，或安装附加项 `durable`；需要 C 编译器，以及 Python 3.11 或 3.12。",
    ),
    "durable-stopped": Entry(
        "durable_rules stopped {times} times at the same events: {said}.",
        "Nothing of them was recorded. Send them again with the built-in correlator, which takes over what is known.",
        "durable_rules 在同一批事件上停止了 {times} 次：{said}。",
        "这些事件没有任何一部分被记录。请用内置关联引擎重新发送，它会接着已知的状态继续。",
    ),
}
