"""Words of a proposal, in Chinese and English: what a customer of a grid company reads.

A sentence has places for what is told in it; titles, conditions and sources are as the rule files have them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

Language = Literal["en", "zh"]

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("How to pay less for electricity", "降低用电成本建议书"),
    "account": ("Account", "户号"),
    "period": ("Period", "计费期间"),
    "tariff": ("Tariff", "执行电价"),
    "through": ("{first} to {last}", "{first}至{last}"),
    "summary": ("In short", "摘要"),
    "bills": ("bills", "账单"),
    "bill count": ("{} bills", "{} 张账单"),
    "one bill": ("1 bill", "1 张账单"),
    "paid now": ("You pay now", "现在的电费"),
    "best saving": ("Largest saving found", "最多可以少付"),
    "best pays": ("You would then pay", "改后的电费"),
    "looked at": ("Ways looked at", "测算的办法"),
    "looked at split": (
        "{saves} would save, {same} change nothing, {dearer} would cost more, {not_possible} not possible",
        "{saves} 项能省钱，{same} 项没有变化，{dearer} 项反而多付，{not_possible} 项办不了",
    ),
    "lead": (
        "Your {bills} from {first} to {last} come to {now}. The way that saves most is “{title}”: the same electricity "
        "would have cost {then}, which is {saving}{share} less.",
        "贵户{first}至{last}共 {bills}，电费合计 {now}。最省的办法是“{title}”：同样的用电只付 {then}，"
        "少付 {saving}{share}。",
    ),
    "lead share": (" ({}%)", "（{}%）"),
    "lead none": (
        "Your {bills} from {first} to {last} come to {now}. None of the ways looked at would have cost less: what you "
        "have now is the cheapest of them.",
        "贵户{first}至{last}共 {bills}，电费合计 {now}。测算的各种办法都不比现在便宜：现行方式已是其中最省的。",
    ),
    "costs": ("What you pay for now", "现在的电费花在哪里"),
    "costs by bill": ("Your bills as they are, and what they are made of", "现在的逐期电费及其构成"),
    "what": ("What for", "项目"),
    "amount": ("Amount", "金额"),
    "share": ("Share", "占比"),
    "total": ("Total", "合计"),
    "others": ("other", "其他"),
    "ways": ("Ways to pay less", "可以省钱的办法"),
    "ways told": (
        "Each way is billed by the rules that your bills follow, on the same use of electricity. Savings are of the "
        "{bills} above, nothing is extrapolated, and savings of several ways do not add up.",
        "每种办法都按计费规则对同样的用电逐期重新计费；节省额只是上述 {bills}的节省，不作外推。"
        "各办法的节省额不能相加。",
    ),
    "no ways": ("None of the ways looked at saves anything.", "测算的办法都不能省钱。"),
    "way": ("Way", "办法"),
    "then": ("Then", "改后"),
    "now": ("Now", "现在"),
    "saving": ("Saving", "少付"),
    "difference": ("Difference", "差额"),
    "more": ("More", "多付"),
    "cost": ("Costs once", "一次投入"),
    "payback": ("Pays back in", "回收期"),
    "month": ("1 month", "1 个月"),
    "months": ("{} months", "{} 个月"),
    "no cost": ("nothing", "无需投入"),
    "payback told": (
        "Months to pay back: what it costs once, divided by the mean saving a month, rounded up.",
        "回收期：一次投入除以平均每月少付的金额，向上取整到月。",
    ),
    "choice": ("on application", "申请即可"),
    "measure": ("work or investment", "需改造或调整用电"),
    "plan": ("another plan", "换套餐"),
    "how": ("What you do", "怎么办"),
    "changes": ("What changes", "改什么"),
    "set code": ("{title}: {to}", "{title}：{to}"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "changed": ("{title}: {now} → {to} {unit}", "{title}：{now} → {to} {unit}"),
    "changed sum": ("{title}, all bills together: {now} → {to} {unit}", "{title}，各期合计：{now} → {to} {unit}"),
    "changed from none": ("{title}: {to} {unit}", "{title}：{to} {unit}"),
    "charges changed": ("Where it saves", "省在哪里"),
    "set best": ("{title}: {to} {unit}, the cheapest value", "{title}：{to} {unit}，为最省的取值"),
    "set best now": (
        "{title}: {to} {unit}, the cheapest value (now {now} {unit})",
        "{title}：{to} {unit}，为最省的取值（现为 {now} {unit}）",
    ),
    "set plan": ("Plan: {to}", "套餐：{to}"),
    "builds on": ("Together with: {}", "同时采用：{}"),
    "conditions": ("Conditions", "条件"),
    "basis": ("Basis", "依据"),
    "source": ("Source", "来源"),
    "bill by bill": ("Bill by bill", "逐期账单"),
    "ways by bill": ("Your bills each way", "各办法下的逐期电费"),
    "bill by bill told": (
        "What each bill is now, and what it would be each way. The numbers above the columns are those of the ways.",
        "每期账单现在多少，各办法下多少。列号即办法的编号。",
    ),
    "dearer": ("Ways that would cost more", "反而多付的办法"),
    "same": ("Ways that change nothing", "没有变化的办法"),
    "same why": ("it is so already", "现在就是这样"),
    "same amount": ("it costs the same", "电费一样"),
    "not possible": ("Ways that are not open to you, and why", "办不了的办法及原因"),
    "why": ("Why not", "原因"),
    "not_known": ("Data is missing: {}", "缺少数据：{}"),
    "refused": ("It cannot be billed: {}", "无法计费：{}"),
    "of row": ("bill {}", "账单 {}"),
    "rules": ("Rules and notices behind these figures", "计费规则与电价文件"),
    "rules told": (
        "Names and conditions are quoted from the rule files in their own language.",
        "名称与条件引自规则文件。",
    ),
    "rule": ("Rules", "规则"),
    "numbers": ("Prices and other numbers", "价格与数值"),
    "official": ("official document", "正式文件"),
    "copy": ("copy of the document", "文件转载"),
    "recalled": ("from memory, the document was not at hand", "凭记忆或转述，未见原文"),
    "derived": ("derived", "推算"),
    "benchmark": ("for tests of speed", "仅供测速"),
    "example": ("illustrative, made up", "示例，非正式数据"),
    "without": (
        "There is no bill for {}: what would be saved there is not counted.",
        "{}没有账单，其间的节省没有计入。",
    ),
    "twice": (
        "The bills {} and {} overlap: what both bill is counted twice.",
        "账单 {} 与 {} 的周期重叠，重叠部分算了两次。",
    ),
    "not official": (
        "Some rules, prices or conditions here are illustrative or were not checked against the document. They are "
        "marked. Check them before you decide.",
        "本建议书中部分规则、价格或条件是示例，或未与原文核对，均已标明。办理前请核实。",
    ),
    "notes": ("How to read this", "说明"),
    "note same use": (
        "The figures are of the use of electricity of the period above. Other use gives other savings.",
        "数字依据上述期间的实际用电。以后用电不同，节省额也不同。",
    ),
    "note equal": (
        "Every bill here, as it is and as it would be, is computed by the same program that computes bills.",
        "本文每张账单，无论现行还是改后，都由出账所用的同一程序计算。",
    ),
    "legend now": ("now", "现在"),
    "legend then": ("then", "改后"),
    "plans": ("Plans", "套餐"),
}

_UNITS: Final[Mapping[str, str]] = {
    "kW": "千瓦",
    "kWh": "千瓦时",
    "kVA": "千伏安",
    "kvar": "千乏",
    "kvarh": "千乏时",
    "CNY": "元",
}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS_WHOLE: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def words(language: Language) -> Callable[..., str]:
    """Give the function that says something: a word or sentence by its name, with what is told in it."""
    at = 0 if language == "en" else 1

    def say(name: str, *told: object, **named: object) -> str:
        return _WORDS[name][at].format(*told, **named)

    return say


def number_text(value: Decimal) -> str:
    """A number as people read it, with commas between thousands.

    >>> number_text(Decimal("-1234567.80"))
    '-1,234,567.80'
    """
    return f"{value:,f}"


def money_text(value: Decimal, currency: str, language: Language) -> str:
    """An amount with its currency.

    >>> money_text(Decimal("1234.50"), "CNY", "zh"), money_text(Decimal("1234.50"), "CNY", "en")
    ('1,234.50 元', '1,234.50 yuan')
    """
    return f"{number_text(value)} {currency_text(currency, language)}"


def currency_text(currency: str, language: Language) -> str:
    """The name of a currency; where none is known its code."""
    if currency != "CNY":
        return currency
    return "元" if language == "zh" else "yuan"


def unit_text(unit: str, language: Language) -> str:
    """A unit as a customer reads it."""
    return _UNITS.get(unit, unit) if language == "zh" else unit


def day_text(day: date, language: Language) -> str:
    """A day in words.

    >>> day_text(date(2026, 1, 31), "zh"), day_text(date(2026, 1, 31), "en")
    ('2026年1月31日', '31 January 2026')
    """
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS_WHOLE[day.month - 1]} {day.year}"


def period_text(first: date, end: date, language: Language) -> str:
    """A billing period, half-open: a month by its name, other days with both ends.

    >>> period_text(date(2026, 2, 1), date(2026, 3, 1), "zh"), period_text(date(2026, 2, 1), date(2026, 3, 1), "en")
    ('2026年2月', 'Feb 2026')
    >>> period_text(date(2026, 2, 5), date(2026, 3, 5), "en")
    '2026-02-05 to 2026-03-04'
    """
    if first.day == 1 and (first + timedelta(days=31)).replace(day=1) == end:
        return f"{first.year}年{first.month}月" if language == "zh" else f"{_MONTHS[first.month - 1]} {first.year}"
    last = end - timedelta(days=1)
    return f"{first.isoformat()}{'至' if language == 'zh' else ' to '}{last.isoformat()}"


def short_period(first: date, language: Language) -> str:
    """What stands below a bar: the month in which a period begins."""
    return f"{first.month}月" if language == "zh" else _MONTHS[first.month - 1]
