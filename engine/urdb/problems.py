"""What keeps a rate from being translated, as data and as text.

A problem of the file, or an option that is needed. Every problem says what to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class RateProblem:
    """A code of the table below, and what its text names."""

    code: str
    told: Mapping[str, str]


class NotTranslated(Exception):
    """The rate cannot become a rule set as it is; holds every problem that was found."""

    def __init__(self, problems: Sequence[RateProblem]) -> None:
        super().__init__("; ".join(render(problem, "en") for problem in problems))
        self.problems = tuple(problems)


def found(code: str, **told: object) -> RateProblem:
    """Make a problem; KeyError where the table has no such code."""
    assert code in _TEXTS, code
    return RateProblem(code, {name: str(value) for name, value in told.items()})


def fail(code: str, **told: object) -> NotTranslated:
    """Make an exception of one problem, to be raised."""
    return NotTranslated([found(code, **told)])


def short(value: object) -> str:
    """Write a value as JSON does, a number or a text by itself as it stands; a long one is cut."""
    plain = isinstance(value, str | Decimal)
    text = str(value) if plain else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:37] + "..."


def render(problem: RateProblem, language: Language) -> str:
    """Say a problem: its code, what is wrong, and what to do."""
    english, chinese = _TEXTS[problem.code]
    text = chinese if language == "zh" else english
    return f"{problem.code}: {text.format_map(dict(problem.told))}"


_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "not-json": (
        "{why}\n  Pass a rate as JSON: the object itself, or the answer of the API with its `items`.",
        "{why}\n  请提供 JSON 格式的费率：对象本身，或接口返回的含 `items` 的结果。",
    ),
    "key-twice": (
        "`{field}` stands twice in one object; one of the two would be dropped.\n  Remove one.",
        "`{field}` 在同一对象中出现两次，其中一个会丢失。\n  请删去一个。",
    ),
    "no-rate": (
        "the file holds no rate.\n  Pass an object with a rate's fields.",
        "文件中没有费率。\n  请提供含费率字段的对象。",
    ),
    "many-rates": (
        "the file holds {count} rates.\n  Name one with --label: {labels}.",
        "文件中有 {count} 个费率。\n  请用 --label 指明一个：{labels}。",
    ),
    "no-such-label": (
        "no rate of the file has the label `{label}`.\n  The labels are: {labels}.",
        "文件中没有标签为 `{label}` 的费率。\n  现有标签：{labels}。",
    ),
    "same-field": (
        "`{first}` and `{second}` are two names of one field, and differ: {one} and {other}.\n"
        "  Remove one from the file.",
        "`{first}` 与 `{second}` 是同一字段的两个名称，但值不同：{one} 与 {other}。\n  请从文件中删去一个。",
    ),
    "shape": (
        "`{field}`: {why}.\n  Correct the file, or leave the field out: --without {field}",
        "`{field}`：{why}。\n  请改正文件，或略去该字段：--without {field}",
    ),
    "not-translated": (
        "`{field}` changes money and cannot be translated: {why}.\n  Without it the rule set bills less than the "
        "rate does. If that is meant: --without {field}",
        "`{field}` 影响金额，但无法转换：{why}。\n  略去它，规则集就比费率少计。若确要略去：--without {field}",
    ),
    "conflict": (
        "`{field}` and `{other}` say different things: {why}.\n  Leave one out: --without {field} or --without {other}",
        "`{field}` 与 `{other}` 说法不一：{why}。\n  请略去一个：--without {field} 或 --without {other}",
    ),
    "needs-timezone": (
        "the rate has hours or seasons, and URDB does not say in which timezone.\n"
        "  Say it: --timezone America/Los_Angeles, or a zone without daylight saving such as Etc/GMT+8.",
        "费率含时段或季节，URDB 没有说明时区。\n"
        "  请写明：--timezone America/Los_Angeles，或不用夏令时的时区，如 Etc/GMT+8。",
    ),
    "needs-tier-scope": (
        "tiers run over several time-of-use periods in {months}, and URDB does not say how.\n  Say it: --tier-scope "
        "pooled_pro_rata, pooled_chronological or per_period. The three give different bills.",
        "{months} 的阶梯跨多个时段，URDB 没有说明如何计算。\n  请写明：--tier-scope pooled_pro_rata、"
        "pooled_chronological 或 per_period。三者的账单不同。",
    ),
    "needs-in-force": (
        "the rate has no `startdate`.\n  Say when it is in force: --in-force 2018-01-01..2018-12-31, or "
        "--in-force 2018-01-01.. where no end is known.",
        "费率没有 `startdate`。\n"
        "  请写明执行日期：--in-force 2018-01-01..2018-12-31；不知何时结束则写 --in-force 2018-01-01..。",
    ),
    "in-force": (
        "`{text}` is not a range of days.\n  Write --in-force 2018-01-01..2018-12-31, or 2018-01-01.. without an end.",
        "`{text}` 不是日期范围。\n  请写 --in-force 2018-01-01..2018-12-31，或不写结束日：2018-01-01..。",
    ),
    "nothing-to-leave-out": (
        "--without {field}: the rate has no such field.\n  Its fields are: {known}.",
        "--without {field}：费率没有该字段。\n  现有字段：{known}。",
    ),
    "no-id": (
        "no id can be made of the utility `{utility}` and the name `{name}`.\n  Name one: --id us.utility.rate",
        "无法由公司 `{utility}` 和名称 `{name}` 生成 id。\n  请指定：--id us.utility.rate",
    ),
    "interval": (
        "`demandwindow` is {window} minutes, and demand over {interval} minutes is not the same.\n"
        "  Say --interval {window}, or bill on the longer intervals: --without demandwindow",
        "`demandwindow` 为 {window} 分钟，{interval} 分钟的需量与之不同。\n"
        "  请写 --interval {window}，或按较长的间隔计费：--without demandwindow",
    ),
}
