"""Tariff notices in words, Chinese or English: the wording of `dianjia changes`, a line a change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.comparison.change import Change, from_text, through_text
from engine.comparison.problems import Language
from engine.notices.accounts import AccountBills

_SHOWN_MAX: Final = 12  # changes in a message; all of them are in `causes`
_RULE: Final[dict[str, tuple[str, str]]] = {
    "rule": ("rule of {path}", "{path} 的计算方法"),
    "in-force": ("days in force", "有效期"),
    "ruleset-added": ("new rule set", "新增规则集"),
    "ruleset-removed": ("rule set gone", "取消规则集"),
}


def change_line(change: Change, language: Language) -> str:
    """One change: what it is, the old number and the new one, its days, its notice and document."""
    zh = language == "zh"
    named = _RULE.get(change.kind, ("{path}", "{path}"))[zh].format(path=change.path)
    days = ("、" if zh else ", ").join(_days(first, end, zh) for first, end in change.days)
    numbers = f"{change.before or '-'} → {change.after or '-'}"
    sources = dict.fromkeys(one for one in (change.source_before, change.source_after) if one)
    told = " → ".join(sources)
    if zh:
        return f"{named}：{numbers}（{days}）" + (f"；{told}" if told else "")
    return f"{named}: {numbers} ({days})" + (f"; {told}" if told else "")


def ruleset_title(title: str, language: Language) -> str:
    """Of a notice of a rule set that changes."""
    return f"电价调整：{title}" if language == "zh" else f"tariff change: {title}"


def ruleset_message(title: str, changes: Sequence[Change], active_from: str, language: Language) -> str:
    """What changes, and from when calls are answered so."""
    lines = [change_line(one, language) for one in changes[:_SHOWN_MAX]]
    left = len(changes) - len(lines)
    if language == "zh":
        head = f"{title}有 {len(changes)} 处变化，新版本自 {active_from} 起答复。"
        more = [f"另有 {left} 处，见原因一栏"] if left else []
        return "\n".join([head, *lines, *more])
    head = f"{title}: {len(changes)} changes; the new version answers from {active_from}."
    more = [f"{left} more, under causes"] if left else []
    return "\n".join([head, *lines, *more])


def withdrawn_title(title: str, language: Language) -> str:
    """Of a notice that what was announced does not hold."""
    return f"电价调整撤回：{title}" if language == "zh" else f"tariff change withdrawn: {title}"


def withdrawn_message(title: str, changes: Sequence[Change], reason: str, language: Language) -> str:
    """That the change does not hold, why, and what holds in its place."""
    lines = [change_line(one, language) for one in changes[:_SHOWN_MAX]]
    if language == "zh":
        return "\n".join([f"{title}此前通知的调整已撤回：{reason}。现按下列恢复：", *lines])
    return "\n".join([f"{title}: the change told of before is withdrawn: {reason}. In its place:", *lines])


def account_title(language: Language) -> str:
    """Of a notice to one account."""
    return "电价调整对您账单的影响" if language == "zh" else "what the tariff change does to your bill"


def account_message(one: AccountBills, language: Language) -> str:
    """The account's bills before and after, in money."""
    days = f"{one.period_from} .. {one.period_to}"
    if language == "zh":
        return (
            f"按新规则计算，{days} 的 {one.bills} 张账单共 {one.new} {one.currency}，"
            f"原为 {one.old} {one.currency}，相差 {one.signed} {one.currency}。"
        )
    bills = "1 bill" if one.bills == 1 else f"{one.bills} bills"
    return (
        f"{bills} of {days} come to {one.new} {one.currency} by the new rules, "
        f"{one.old} {one.currency} before: a difference of {one.signed} {one.currency}."
    )


def account_withdrawn_title(language: Language) -> str:
    """Of a notice to one account that it was told of a change that does not hold."""
    return "电价调整撤回" if language == "zh" else "tariff change withdrawn"


def account_withdrawn_message(old: str, new: str, currency: str, reason: str, language: Language) -> str:
    """That what was said of the account's bills does not hold."""
    if language == "zh":
        return f"此前通知的账单变化（{old} → {new} {currency}）已撤回：{reason}。"
    return f"what was said of your bills ({old} → {new} {currency}) does not hold: {reason}."


def untold_title(language: Language) -> str:
    """Of a notice whose changes cannot be computed."""
    return "电价调整" if language == "zh" else "tariff change"


def untold_message(active_from: str, codes: str, language: Language) -> str:
    """That a version answers, and why what it changes is not told."""
    if language == "zh":
        return f"新版本自 {active_from} 起答复；变化内容无法列出（{codes}）。"
    return f"a new version answers from {active_from}; what it changes cannot be told ({codes})."


def _days(first: int, end: int, zh: bool) -> str:
    begins, ends = from_text(first), through_text(end)
    if ends is None:
        return (f"自 {begins} 起" if zh else f"from {begins}") if begins else ("一直" if zh else "always")
    return f"{begins or ''} .. {ends}".strip()
