"""A proposal as one HTML page: no network, no script, charts within, for screen, phone and A4 paper.

Takes what is told of a customer (`engine.proposal.contents`); gives text. Each amount stands in the page in a `data`
element that names it, so that it can be read back and checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import ceil
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engine.language.catalogue import CATALOGUE
from engine.language.problems import headline, placeholders, problem
from engine.proposal import charts
from engine.proposal.bills import Bill
from engine.proposal.contents import Choice, Contents, Setting
from engine.proposal.under import Changed, Span, Under
from engine.proposal.words import (
    Language,
    currency_text,
    day_text,
    money_text,
    number_text,
    period_text,
    short_period,
    unit_text,
    words,
)

ACROSS: Final = 4  # ways beside one another in a table of bills: as many as A4 holds
LINES_ACROSS: Final = 10  # lines of a bill beside one another
_SURE: Final = frozenset({"official", "copy", "derived", ""})


def page(of: Contents, under: Mapping[str, Under], language: Language) -> str:
    """Write the page of one customer.

    Args:
        of: what is told.
        under: what each alternative does to the bills, as `engine.proposal.under` gives it.
        language: of the page; titles and conditions are as the rules have them.
    """
    environment = Environment(
        loader=PackageLoader("engine.proposal"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    say = words(language)
    billed = [one for one in of.choices if one.total is not None]
    saves = of.of("saves")
    lines = [one for one in of.lines if any(bill.lines.get(one.id) for bill in of.bills)]
    across = lines[:LINES_ACROSS] if len(lines) > LINES_ACROSS + 1 else lines
    return environment.get_template("proposal.html.j2").render(
        of=of,
        language=language,
        say=say,
        currency=currency_text(of.currency, language),
        figure=_figure,
        number=number_text,
        money=lambda value: money_text(value, of.currency, language),
        tick=lambda value: f"{value:,f}".removesuffix(".00"),
        day=lambda value: day_text(value, language),
        last_day=day_text(of.end_day - timedelta(days=1), language),
        period=lambda bill: period_text(bill.period_from, bill.period_to, language),
        short=lambda column: short_period(column.bills[0].period_from, language),
        bills=_bills_text(len(of.bills), say),
        share=lambda amount: _share(amount, of.total),
        lead=_lead(of, language),
        stack=charts.stack(of),
        bar=charts.bar,
        pairs=lambda choice: charts.pairs([one.total for one in of.bills], choice.bills),
        number_of=lambda choice: next((at for at, one in enumerate(billed, start=1) if one is choice), 0),
        saves=saves,
        largest=max((one.saving or Decimal(0) for one in saves), default=Decimal(0)),
        tables=_tables(billed),
        lines=lines,
        across=across,
        beyond=lines[len(across) :],
        beyond_of=lambda bill: _beyond(bill, [one.id for one in lines[len(across) :]]),
        changes=lambda choice: _changes(choice, under[f"{choice.advice}:{choice.id}"], language),
        moved=lambda choice: [one for one in under[f"{choice.advice}:{choice.id}"].lines if one.now != one.then],
        zero=Decimal(0),
        why=lambda choice: _why(choice, language),
        payback=lambda choice: _months(choice.payback, say),
        repeated=_repeated(of.bills),
        unsure=_unsure(of),
        notes=_notes(of, language),
    )


def _figure(name: str, value: Decimal | int | None, text: str) -> Markup:
    """An amount with its name, for people and for whoever checks the page."""
    if value is None:
        return Markup("")  # nothing is there to be told
    return Markup('<data data-figure="{}" value="{}">{}</data>').format(name, f"{value}", text)


def _bills_text(count: int, say: Callable[..., str]) -> str:
    return say("one bill") if count == 1 else say("bill count", f"{count:,}")


def _months(count: int | None, say: Callable[..., str]) -> str:
    if count is None:
        return "–"
    return say("month") if count == 1 else say("months", f"{count:,}")


def _share(amount: Decimal, total: Decimal) -> str:
    if not total:
        return "–"
    return f"{(amount * 100 / total).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"


def _lead(of: Contents, language: Language) -> str:
    say = words(language)
    told = {
        "bills": _bills_text(len(of.bills), say),
        "first": day_text(of.first_day, language),
        "last": day_text(of.end_day - timedelta(days=1), language),
        "now": money_text(of.total, of.currency, language),
    }
    best = of.best
    if best is None or best.total is None or best.saving is None:
        return say("lead none", **told)
    return say(
        "lead",
        **told,
        title=best.title,
        then=money_text(best.total, of.currency, language),
        saving=money_text(best.saving, of.currency, language),
        share="" if best.percent is None else say("lead share", best.percent),
    )


def _changes(choice: Choice, under: Under, language: Language) -> list[str]:
    """What is other than now: the plan, what comes with it, choices, and numbers."""
    say = words(language)
    texts = [say("set plan", to=choice.ruleset_title or choice.ruleset)] if choice.ruleset else []
    if choice.first:
        texts.append(say("builds on", ("; " if language == "en" else "；").join(choice.first)))
    texts += [_setting(one, language) for one in choice.settings if one.kind in ("code", "best")]
    return [*texts, *(_changed(one, language) for one in under.changed)]


def _setting(one: Setting, language: Language) -> str:
    say = words(language)
    told = {"title": one.title, "to": one.to, "now": one.now, "unit": unit_text(one.unit, language)}
    if one.kind == "best":
        told |= {name: number_text(_short(Decimal(told[name]))) for name in ("to", "now") if told[name]}
    return say("set best now" if one.kind == "best" and one.now else f"set {one.kind}", **told)


def _changed(one: Changed, language: Language) -> str:
    """A number now and then, with its unit."""
    say = words(language)
    told = {"title": one.title, "unit": unit_text(one.unit, language), "to": _span(one.then)}
    if one.kind == "boolean":
        return say("set code", title=one.title, to=say("yes" if one.then.low else "no"))
    if one.now.low is None:
        return say("changed from none", **told)
    return say("changed sum" if one.kind == "sum" else "changed", now=_span(one.now), **told)


def _span(one: Span) -> str:
    assert one.low is not None
    assert one.high is not None
    low, high = (number_text(_short(of)) for of in (one.low, one.high))
    return low if low == high else f"{low}–{high}"


def _short(number: Decimal) -> Decimal:
    """A number that was measured, without noughts behind its last digit."""
    whole = number.to_integral_value()
    return whole if number == whole else number.normalize()


def _why(choice: Choice, language: Language) -> str:
    """Why an alternative cannot be, with the bill that says so where it is about one bill."""
    say = words(language)
    reason = choice.reason
    found = choice.problem
    if found is not None:
        known = {"field": found.field, "value": found.value, **found.parameters}
        reason = found.reason
        if found.code in CATALOGUE and not placeholders(found.code) - known.keys():
            reason = headline(problem(found.code, None, None, **known), language)
    if choice.state == "not_known":
        joined = "、" if language == "zh" else "; "
        return say("not_known", joined.join(title for _, title in choice.missing) or reason)
    return say("refused", reason) if choice.state == "refused" else reason


def _tables(billed: Sequence[Choice]) -> list[Sequence[Choice]]:
    """Ways beside one another, about as many in each table."""
    if not billed:
        return []
    across = ceil(len(billed) / ceil(len(billed) / ACROSS))
    return [billed[at : at + across] for at in range(0, len(billed), across)]


def _beyond(bill: Bill, ids: Sequence[str]) -> Decimal:
    return sum((bill.lines.get(one, Decimal(0)) for one in ids), Decimal(0))


def _repeated(bills: Sequence[Bill]) -> bool:
    """Tell whether two bills are of one period, so that a period alone does not name a bill."""
    periods = [(one.period_from, one.period_to) for one in bills]
    return len(set(periods)) < len(periods)


def _notes(of: Contents, language: Language) -> list[str]:
    """What of the time is not billed, or billed twice."""
    say = words(language)
    without = [say("without", period_text(first, end, language)) for first, end in of.without]
    return [*without, *(say("twice", one.row_id, other.row_id) for one, other in of.twice)]


def _unsure(of: Contents) -> bool:
    """Tell whether anything on the page has a source that was not checked, or is made up."""
    return any(one not in _SURE for one in _standings(of))


def _standings(of: Contents) -> Iterable[str]:
    for rule in of.rules:
        yield rule.standing
        yield from (standing for _, standing in rule.figures)
    for choice in of.choices:
        yield choice.standing
        yield from (one.standing for one in choice.conditions)
