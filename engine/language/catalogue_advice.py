"""What problems of advice files say. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

ADVICE: Mapping[str, Entry] = {
    "advice-key": Entry(
        "`{key}` says nothing in an advice file.",
        "Leave it out. An advice file declares inputs, values, tables, bands and quantities beside those of its rule "
        "sets, and `alternatives:`; what bills, refuses or warns stands in a rule set.",
        "`{key}` 在办法文件中没有意义。",
        "请删去。办法文件在规则集之外声明 inputs、values、tables、bands、quantities，以及 `alternatives:`；"
        "计费、拒绝和预警写在规则集里。",
    ),
    "advice-for": Entry(
        "no rule set or form `{name}` is found.",
        "{suggestion}Name a rule set, or a form whose rule sets are meant, in files that are given or lie in the same "
        "folder `rules`.",
        "找不到规则集或通用规则 `{name}`。",
        "{suggestion_zh}请写规则集或通用规则的名字；其文件须在给出的路径中，或在同一个 `rules` 文件夹内。",
    ),
    "advice-first": Entry(
        "`first` names `{name}`, and there is no such alternative.",
        "{suggestion}Alternatives of this file: {known}.",
        "`first` 中的 `{name}` 不是本文件的办法。",
        "{suggestion_zh}本文件的办法：{known}。",
    ),
    "advice-first-circle": Entry(
        "alternatives come before each other in a circle: {ring}.",
        "Take one of them out of a `first:`.",
        "办法的先后成了循环：{ring}。",
        "请从某个 `first:` 中去掉一个。",
    ),
    "advice-first-not-set": Entry(
        "`{name}` cannot come first: it has `{key}`.",
        "Only what `set` changes can be built upon. Write `{key}` in the alternative that comes last.",
        "`{name}` 不能排在前面：它有 `{key}`。",
        "只有 `set` 的改动可以叠加。请把 `{key}` 写在最后的办法里。",
        "It is written here",
        "写在此处",
    ),
    "advice-plan": Entry(
        "`{name}` is a plan and names no rule set.",
        "Write `ruleset:`, the rule set that bills the plan; or choose another kind: choice, measure.",
        "`{name}` 是套餐，却没有写规则集。",
        "请写 `ruleset:`，即为套餐计费的规则集；或改用其他种类：choice、measure。",
    ),
    "advice-changes-nothing": Entry(
        "the alternative `{name}` changes nothing.",
        "Write what it sets under `set:`, what is to be at its best under `best:`, or `ruleset:`.",
        "办法 `{name}` 什么也没有改变。",
        "请在 `set:` 下写改动，在 `best:` 下写求优的输入，或写 `ruleset:`。",
    ),
    "advice-ruleset": Entry(
        "no rule set `{name}` is found.",
        "{suggestion}Name one in the files that are given, or in the same folder `rules`.",
        "找不到规则集 `{name}`。",
        "{suggestion_zh}请写给出的文件中，或同一个 `rules` 文件夹内的规则集。",
    ),
    "advice-bills-nobody": Entry(
        "the rule set `{name}` bills nobody.",
        "Name a rule set with charges.",
        "规则集 `{name}` 不计费。",
        "请写有计费项的规则集。",
    ),
    "advice-currency": Entry(
        "`{ruleset}` bills in {currency}, and the row's own rule set in {own}.",
        "Compare plans of one currency.",
        "`{ruleset}` 以 {currency} 计费，而用户原规则集以 {own} 计费。",
        "请比较同一币种的套餐。",
    ),
    "advice-lacks": Entry(
        "`{ruleset}` needs the input `{name}`, which no row has.",
        "Write what it is under `set:` of `{alternative}`.",
        "`{ruleset}` 需要输入 `{name}`，而账单行没有。",
        "请在 `{alternative}` 的 `set:` 下写出它的值。",
        "It is declared here",
        "它在此声明",
    ),
    "advice-carried": Entry(
        "`{name}` means something else in `{ruleset}`: its unit, type or codes differ.",
        "Write what it is there under `set:` of `{alternative}`.",
        "`{name}` 在 `{ruleset}` 中含义不同：单位、类型或代码不一样。",
        "请在 `{alternative}` 的 `set:` 下写出它在那里的值。",
        "It is declared here",
        "它在此声明",
    ),
    "advice-input": Entry(
        "`{ruleset}` has no input `{name}`.",
        "{suggestion}Set an input of the rule set that bills the row. Its inputs: {known}.",
        "`{ruleset}` 没有输入 `{name}`。",
        "{suggestion_zh}只能设置为该行计费的规则集的输入：{known}。",
    ),
    "advice-versions": Entry(
        "versions of `{ruleset}` declare `{name}` with different units, places or codes.",
        "Declare it alike in each version.",
        "`{ruleset}` 的各版本对 `{name}` 的单位、小数位或代码声明不同。",
        "请在各版本中同样声明。",
        "Another version declares it here",
        "另一版本在此声明",
    ),
    "advice-absent": Entry(
        "`{name}` cannot be left out: every row of `{ruleset}` gives it.",
        "Write its value. Only an input with `optional`, `needed_when` or a default can be absent.",
        "`{name}` 不能不填：`{ruleset}` 的每一行都要给出它。",
        "请写出它的值。只有带 `optional`、`needed_when` 或默认值的输入可以不填。",
        "It is declared here",
        "它在此声明",
    ),
    "advice-code": Entry(
        "`{written}` is not a code of `{name}`.",
        "{suggestion}Codes: {known}.",
        "`{written}` 不是 `{name}` 的代码。",
        "{suggestion_zh}代码：{known}。",
        "It is declared here",
        "它在此声明",
    ),
    "advice-kind": Entry(
        "`{name}` is {kind}, and `{formula}` is not.",
        "Write a formula that gives {kind}.",
        "`{name}` 是{kind_zh}，而 `{formula}` 不是。",
        "请写得出{kind_zh}的公式。",
        "It is declared here",
        "它在此声明",
    ),
    "advice-unit": Entry(
        "`{name}` is in [{expected}], and `{formula}` is in [{unit}].",
        "Write a formula in [{expected}]; a number with its unit is written as `260[kWh/kVA]`.",
        "`{name}` 的单位是 [{expected}]，而 `{formula}` 是 [{unit}]。",
        "请写单位为 [{expected}] 的公式；带单位的数写成 `260[kWh/kVA]`。",
        "It is declared here",
        "它在此声明",
    ),
    "advice-places": Entry(
        "`{name}` has {expected} places, and `{formula}` has {places}.",
        "Say how it is rounded: `round({formula}, {expected}, half_up)`.",
        "`{name}` 有 {expected} 位小数，而 `{formula}` 有 {places} 位。",
        "请写明如何取整：`round({formula}, {expected}, half_up)`。",
        "It is declared here",
        "它在此声明",
    ),
    "advice-cost": Entry(
        "a cost is money, and `{formula}` is in [{unit}].",
        "Write a formula in [{currency}]: `12000[{currency}]`, or a value times a quantity.",
        "费用应是金额，而 `{formula}` 的单位是 [{unit}]。",
        "请写单位为 [{currency}] 的公式：`12000[{currency}]`，或数值乘以数量。",
    ),
    "advice-best-input": Entry(
        "`{name}` is no number, and cannot be searched.",
        "Name an input with a unit and places.",
        "`{name}` 不是数，不能求优。",
        "请写有单位和小数位的输入。",
        "It is declared here",
        "它在此声明",
    ),
    "advice-best-and-set": Entry(
        "`{name}` is set and is to be at its best.",
        "Leave it out under `set:`.",
        "`{name}` 既被设置又要求优。",
        "请从 `set:` 中删去。",
        "It is set here",
        "它在此设置",
    ),
    "advice-best-step": Entry(
        "a step of {step} leads nowhere.",
        "Write how far apart the values are that may be chosen: `1`.",
        "步长 {step} 无法前进。",
        "请写可选值之间的间隔，例如 `1`。",
    ),
    "advice-step-places": Entry(
        "`{name}` has {places} places, and a step of {step} has more.",
        "Write a step with at most {places} places.",
        "`{name}` 有 {places} 位小数，而步长 {step} 更细。",
        "请写不超过 {places} 位小数的步长。",
        "It is declared here",
        "它在此声明",
    ),
    "advice-test-name": Entry(
        "a test of advice names the {what} `{name}`, which there is not.",
        "{suggestion}Known here: {known}.",
        "办法的测试写了{what_zh} `{name}`，没有这一项。",
        "{suggestion_zh}可写：{known}。",
    ),
}
