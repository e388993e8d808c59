"""A comparison as plain data, for a program to read and for the report: money is decimal text."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from engine.comparison.compare import Comparison
from engine.comparison.part import partial
from engine.comparison.totals import Sum, deciles, histogram

GROUPS: Final = ("both", "only_old", "only_new", "neither")


def to_json(made: Comparison) -> dict[str, Any]:
    """Everything that a comparison says but for the single differences.

    both + only_old + only_new + neither = received. Amounts stand by currency, and are never added across.
    """
    totals = made.totals
    return {
        "input": made.source,
        "old": made.old,
        "new": made.new,
        "partial": partial(made.wanted),
        "rows": {"received": totals.rows, **{name: totals.groups.get(name, 0) for name in GROUPS}},
        "reasons": {
            group: {code: count for (at, code), count in sorted(totals.reasons.items()) if at == group}
            for group in GROUPS[1:]
            if totals.groups.get(group)
        },
        "currencies": [_currency(made, currency) for currency in totals.currencies],
        "titles": dict(made.titles),
        "files": dict(made.rows),
    }


def _currency(made: Comparison, currency: str) -> dict[str, Any]:
    totals = made.totals

    def money(whole: int) -> str:
        return f"{Decimal(whole).scaleb(-made.places):f}"

    def sums(one: Sum) -> dict[str, Any]:
        counts = {"bills": one.bills, "up": one.up, "down": one.down, "same": one.same}
        amounts = {"old": money(one.old), "new": money(one.new), "difference": money(one.difference)}
        return counts | amounts

    def alone(group: str) -> dict[str, Any]:
        one = totals.alone.get((group, currency), Sum())
        return {"bills": one.bills, "amount": money(one.old + one.new)}

    def named(by: Mapping[str, Sum]) -> list[dict[str, Any]]:
        return [{"name": name, **sums(one)} for name, one in sorted(by.items())]

    tenths = deciles(totals.old.get(currency, ()), totals.differences.get(currency, ()))
    bars = histogram(totals.old.get(currency, ()), totals.differences.get(currency, ()))
    charges = totals.charges.get(currency, {})
    causes = totals.causes.get(currency, {})
    tops = totals.tops.get(currency, [])

    def extreme(told: Mapping[str, Any]) -> dict[str, Any]:
        causes_of: Mapping[int, int] = told["causes"]
        amounts = {name: money(told[name]) for name in ("old", "new", "difference")}
        found = [{"cause": made.causes[at].id, "amount": money(amount)} for at, amount in causes_of.items()]
        return {**told, **amounts, "causes": found}

    return {
        "currency": currency,
        **sums(totals.whole(currency)),
        "only_old": alone("only_old"),
        "only_new": alone("only_new"),
        "revenue_effect": money(
            totals.whole(currency).difference
            + totals.alone.get(("only_new", currency), Sum()).new
            - totals.alone.get(("only_old", currency), Sum()).old
        ),
        "by": {name: named(totals.sums.get((name, currency), {})) for name in ("ruleset", *made.by)},
        "deciles": [{"from": money(one.lowest), "to": money(one.highest), **sums(one.sum)} for one in tenths],
        "histogram": {
            "percent": list(bars.edges),
            "bills": list(bars.counts),
            "same": bars.same,
            "from_zero": bars.from_zero,
        },
        "charges": [{"name": name, **sums(charges[name])} for name in made.charges if name in charges],
        "causes": [
            {**made.causes[at].to_json(), "bills": bills, "amount": money(amount)}
            for at, (bills, amount) in sorted(causes.items())
        ],
        "rise_most": [extreme(one.told) for one in tops if one.difference > 0],
        "fall_most": [extreme(one.told) for one in tops if one.difference < 0],
    }
