"""What came of `dianjia advise` and `dianjia compare-plans`, as text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from engine.advice.result import Unadvised
from engine.commands.output import Language, listed, refusal_text, table
from engine.proposal.contents import Choice, Contents
from engine.proposal.records import bill_json, choice_json, contents_json, unadvised_json
from engine.proposal.under import Under

ADVISED: Final = ("received", "advised", "not advised")
COMPARED: Final = ("received", "compared", "not compared")
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "bills": ("{} bills", "{} 张账单"),
    "one bill": ("1 bill", "1 张账单"),
    "now": ("now", "现在"),
    "without": ("no bill for {}..{}", "{}..{} 没有账单"),
    "twice": ("{} and {} overlap: what both bill counts twice", "{} 与 {} 的周期重叠：重叠部分算了两次"),
    "alternative": ("alternative", "办法"),
    "title": ("title", "名称"),
    "then": ("then", "改后"),
    "saving": ("saving", "少付"),
    "best": ("best", "最省取值"),
    "cost": ("cost", "一次投入"),
    "months": ("months to pay back", "回收月数"),
    "no bill": ("without a bill", "没有改后账单"),
    "why": ("why", "原因"),
    "unchanged": ("it is so already", "现在就是这样"),
    "not_lawful": ("not open to this customer", "不符合条件"),
    "not_known": ("not given: {}", "缺少：{}"),
    "received": ("accounts received", "收到户数"),
    "advised": ("advised", "已给建议"),
    "not advised": ("not advised", "未给建议"),
    "compared": ("compared", "已比较"),
    "not compared": ("not compared", "未比较"),
    "nothing advised": ("nothing of what was asked for is declared for {}", "{} 没有声明所问的办法"),
    "nothing advised together": (
        "nothing of what was asked for is declared for all of its rule sets: {}",
        "所问的办法没有一种适用于该户的全部规则集：{}",
    ),
    "nothing compared together": (
        "no other plan is declared for all of its rule sets: {}",
        "没有一种其他套餐适用于该户的全部规则集：{}",
    ),
    "nothing compared": ("no other plan is declared for {}", "{} 没有声明可选的其他套餐"),
    "present": ("present", "现行"),
    "plan": ("plan", "套餐"),
    "total": ("total", "电费"),
    "difference": ("less than now", "比现在少"),
    "rule set": ("rule set", "规则集"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What came of all accounts: `len(advised) + len(unadvised)` of them.

    Attributes:
        under: what each alternative does to the bills of an account that is advised, by `advice:alternative`.
    """

    advised: tuple[Contents, ...]
    unadvised: tuple[Unadvised, ...]
    under: Callable[[str], Mapping[str, Under]]

    @property
    def received(self) -> int:
        return len(self.advised) + len(self.unadvised)


def _say(language: Language) -> Callable[..., str]:
    at = 0 if language == "en" else 1
    return lambda name, *told: _WORDS[name][at].format(*told)


def advice_text(told: Told, language: Language) -> str:
    """The advice of all accounts as a person reads it."""
    parts = [_account_text(one, language) for one in told.advised]
    return "\n\n".join([*parts, *_unadvised_text(told, ADVISED, language)])


def _head(of: Contents, language: Language) -> str:
    say = _say(language)
    count = say("one bill") if len(of.bills) == 1 else say("bills", len(of.bills))
    head = f"{of.account}  {of.first_day}..{of.end_day}  {count}  {say('now')} {of.total:,f} {of.currency}"
    without = [say("without", *days) for days in of.without]
    twice = [say("twice", one.row_id, other.row_id) for one, other in of.twice]
    return "\n  ".join([head, *without, *twice])


def _account_text(of: Contents, language: Language) -> str:
    say = _say(language)
    parts = [_head(of, language)]
    billed = [one for one in of.choices if one.total is not None]
    if billed:
        heads = ["", *(say(name) for name in ("alternative", "title", "then", "saving", "best", "cost", "months"))]
        parts.append(table([_billed_cells(one) for one in billed], heads, "><<>>>>>"))
    others = [one for one in of.choices if one.total is None]
    if others:
        rows = [["", one.id, one.title, _why(one, language)] for one in others]
        parts.append(table(rows, ["", say("no bill"), say("title"), say("why")]))
    return "\n\n".join(parts)


def _billed_cells(one: Choice) -> list[str]:
    best = next((setting for setting in one.settings if setting.kind == "best"), None)
    return [
        str(one.rank or ""),
        one.id,
        one.title,
        f"{one.total:,f}",
        f"{one.saving:,f}",
        "" if best is None or not best.to else f"{best.to} {best.unit}",
        f"{one.cost:,f}" if one.cost else "",
        "" if one.payback is None else f"{one.payback:,}",
    ]


def _why(one: Choice, language: Language) -> str:
    say = _say(language)
    if one.problem is not None:
        return f"{one.row_id}: {refusal_text(one.problem, language).splitlines()[0]}"
    match one.state:
        case "not_known":
            return say("not_known", ", ".join(f"{title} ({name})" for name, title in one.missing) or one.reason)
        case "unchanged":
            return say("unchanged")
        case _:
            return one.reason or say("not_lawful")


def _unadvised_text(told: Told, names: tuple[str, str, str], language: Language) -> list[str]:
    """Why accounts get nothing, and how many accounts came and went where."""
    say = _say(language)
    parts = []
    for left in told.unadvised:
        reasons = [f"{found.row_id}: {refusal_text(found, language).splitlines()[0]}" for found in left.problems]
        if not reasons:
            together = " together" if len(left.rulesets) > 1 else ""
            reasons = [say(f"nothing {names[1]}{together}", listed(left.rulesets))]
        parts.append("\n".join([f"{left.account or '-'}  {say(names[2])}", *(f"  {one}" for one in reasons)]))
    return [*parts, counts_text(told, names, language)]


def counts_text(told: Told, names: tuple[str, str, str], language: Language) -> str:
    """How many accounts came, and how many of them went each way."""
    say = _say(language)
    counts = (told.received, len(told.advised), len(told.unadvised))
    return table([[say(name), f"{count:,}"] for name, count in zip(names, counts, strict=True)], align="<>")


def advice_json(told: Told) -> dict[str, object]:
    """The advice of all accounts for a program to read."""
    return {
        "received": told.received,
        "advised": len(told.advised),
        "not_advised": len(told.unadvised),
        "accounts": [contents_json(one) for one in told.advised],
        "unadvised": [unadvised_json(one) for one in told.unadvised],
    }


@dataclass(frozen=True, slots=True)
class _Ranked:
    """A plan among those that an account may have."""

    rank: int
    present: bool
    plan: str
    title: str
    total: Decimal
    saving: Decimal
    alternative: str


def _ranked(of: Contents) -> list[_Ranked]:
    """The present plan and the others, the cheapest first; of equal ones the present one, then by name."""
    own = [rule for rule in of.rules if rule.bills]
    title = " + ".join(one.title or one.id for one in own)
    plans = [_Ranked(0, True, ", ".join(one.id for one in own), title, of.total, of.total - of.total, "")]
    for one in of.choices:
        if one.total is not None:
            plans.append(_Ranked(0, False, one.ruleset, one.title, one.total, of.total - one.total, one.id))
    plans.sort(key=lambda one: (one.total, not one.present, one.alternative))
    return [replace(one, rank=at) for at, one in enumerate(plans, start=1)]


def plans_text(told: Told, language: Language) -> str:
    """The plans of all accounts as a person reads them."""
    say = _say(language)
    parts = []
    for of in told.advised:
        heads = ["", say("plan"), say("title"), f"{say('total')} {of.currency}", say("difference"), ""]
        rows = [
            [str(one.rank), one.plan, one.title, f"{one.total:,f}", f"{one.saving:,f}", say("present") * one.present]
            for one in _ranked(of)
        ]
        text = [_head(of, language), table(rows, heads, "><<>><")]
        others = [one for one in of.choices if one.total is None and one.state != "unchanged"]
        if others:
            text.append(table([["", one.id, one.title, _why(one, language)] for one in others]))
        parts.append("\n\n".join(text))
    return "\n\n".join([*parts, *_unadvised_text(told, COMPARED, language)])


def plans_json(told: Told) -> dict[str, object]:
    """The plans of all accounts for a program to read."""
    return {
        "received": told.received,
        "compared": len(told.advised),
        "not_compared": len(told.unadvised),
        "accounts": [
            {
                "account": of.account,
                "currency": of.currency,
                "bills": [bill_json(bill) for bill in of.bills],
                "plans": [
                    {
                        "rank": one.rank,
                        "present": one.present,
                        "alternative": one.alternative or None,
                        "ruleset": one.plan,
                        "title": one.title,
                        "total": f"{one.total:f}",
                        "saving": f"{one.saving:f}",
                    }
                    for one in _ranked(of)
                ],
                "without_bill": [choice_json(one) for one in of.choices if one.total is None],
            }
            for of in told.advised
        ],
        "not_compared_accounts": [unadvised_json(one) for one in told.unadvised],
    }
