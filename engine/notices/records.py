"""Tariff notices as records of the table of warnings.

A notice belongs to a row of the audit trail: `event` is `history:6`. Its id is the first 32 hexadecimal digits of the
SHA-256 of the JSON of [ruleset or "", "raised", account, [currency], at, event], as a warning's is. Texts are Chinese,
as the rules are; `title_en` and `message_en` of the values say the same in English.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy import Connection, select

from engine.bulk.problems import FileProblem
from engine.comparison.change import Change, from_text, through_text
from engine.comparison.problems import ComparisonProblem
from engine.compiler.book import RateBook
from engine.compiler.trigger import Level
from engine.notices import wording
from engine.notices.accounts import AccountBills, Compared
from engine.registry import audit
from engine.registry.announcing import Taken
from engine.registry.instants import microseconds
from engine.triggers.events import time_text
from engine.warnings.tables import WARNING
from engine.warnings.warning import NewWarning

_LOT: Final = 5_000  # records kept at once
_CUSTOMER: Final = "customer"


@dataclass(frozen=True, slots=True)
class About:
    """What changes in a rule set, and whom it bills.

    Attributes:
        ruleset: its id.
        region: place it stands for: cn.jiangsu.
        place: FILE:LINE of the rule set that comes.
    """

    ruleset: str
    title: str
    region: str
    customer_class: str
    place: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be kept with a step.

    Attributes:
        version: of the step.
        other: of an activation, the version that answers then without it, None: none does; of a withdrawal, the one
            that answers in its place.
        told: what changes, by rule set in order of ids.
        codes: why that cannot be told; (): it can.
        compared: what a comparison says of accounts; None: none was named.
        announced: of a withdrawal: whether the version was ever activated.
        refused: why the comparison cannot be taken. It is raised in the step's transaction, so that a request that is
            repeated still gets its first answer: since then the version that answers is another one.
    """

    version: str
    other: str | None
    told: tuple[About, ...] = ()
    codes: tuple[str, ...] = ()
    compared: Compared | None = None
    announced: bool = True
    refused: FileProblem | ComparisonProblem | None = None


def about(id_: str, some: Sequence[Change], old: RateBook, new: RateBook) -> About:
    """Say of a rule set that changes whom it bills."""
    one = (new.of(id_) or old.of(id_))[-1]
    return About(id_, one.title, one.place_code, one.customer_class, f"{one.place.file}:{one.place.line}", tuple(some))


def of_activation(draft: Draft, taken: Taken) -> Iterator[NewWarning]:
    """The notices of an activation: of rule sets by id, then of accounts."""
    instant = taken.step.active_from or taken.at
    active_from = time_text(microseconds(instant))
    values = {"version": draft.version, "version_before": draft.other or "", "active_from": active_from}
    if draft.codes:
        codes = ", ".join(draft.codes)
        texts = (wording.untold_message(active_from, codes, "zh"), wording.untold_message(active_from, codes, "en"))
        titles = wording.untold_title("zh"), wording.untold_title("en")
        yield _notice(taken, titles=titles, messages=texts, values=values | {"not_told": codes})
    for one in draft.told:
        yield _of_ruleset(
            one,
            taken,
            titles=(wording.ruleset_title(one.title, "zh"), wording.ruleset_title(one.title, "en")),
            messages=(
                wording.ruleset_message(one.title, one.changes, active_from, "zh"),
                wording.ruleset_message(one.title, one.changes, active_from, "en"),
            ),
            values=values,
        )
    if draft.compared is not None:
        if draft.compared.partial:
            values |= {"compared_part": draft.compared.partial}
        regions = {one.ruleset: one.region for one in draft.told}
        for bills in draft.compared.accounts:
            yield _of_account(bills, regions, taken, values)


def of_withdrawal(draft: Draft, taken: Taken) -> Iterator[NewWarning]:
    """The notices of a withdrawal, of rule sets; accounts that were told are found in the database."""
    reason = taken.step.why
    values = {"version": draft.version, "returns_to": draft.other or "", "reason": reason, "withdrawn": "true"}
    if draft.codes:
        codes = ", ".join(draft.codes)
        titles = wording.account_withdrawn_title("zh"), wording.account_withdrawn_title("en")
        yield _notice(
            taken, titles=titles, messages=(reason, reason), values=values | {"not_told": codes}, level="yellow"
        )
    for one in draft.told:
        yield _of_ruleset(
            one,
            taken,
            titles=(wording.withdrawn_title(one.title, "zh"), wording.withdrawn_title(one.title, "en")),
            messages=(
                wording.withdrawn_message(one.title, one.changes, reason, "zh"),
                wording.withdrawn_message(one.title, one.changes, reason, "en"),
            ),
            values=values,
            level="yellow",
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What an account was told when a version was activated."""

    account: str
    ruleset: str
    region: str
    values: Mapping[str, str]


def activations(connection: Connection, version: str) -> list[str]:
    """The rows of the audit trail that activated a version, as `event` has them."""
    return [f"history:{one.number}" for one in audit.entries(connection, [version]) if one.action == "activated"]


def accounts_told(connection: Connection, events: Sequence[str]) -> Iterator[list[Told]]:
    """Accounts that were told of steps, some at a time; the last that an account was told of them."""
    after = ""
    columns = (WARNING.c.account, WARNING.c.ruleset, WARNING.c.region, WARNING.c["values"])
    of_steps = (WARNING.c.kind == "tariff_notice", WARNING.c.event.in_(events))
    while True:
        accounts = select(WARNING.c.account).where(*of_steps, WARNING.c.account > after).distinct()
        page = list(connection.execute(accounts.order_by(WARNING.c.account).limit(_LOT)).scalars())
        if not page:
            return
        query = select(*columns).where(*of_steps, WARNING.c.account > after, WARNING.c.account <= page[-1])
        last: dict[tuple[str, str], Told] = {}
        for row in connection.execute(query.order_by(WARNING.c.account, WARNING.c.seq)):
            values: dict[str, str] = json.loads(row[3])
            last[row[0], values["currency"]] = Told(row[0], row[1], row[2], values)
        yield list(last.values())
        after = page[-1]


def account_withdrawn(one: Told, taken: Taken) -> NewWarning:
    """Tell an account that what it was told does not hold."""
    old, new, currency, reason = (one.values["old"], one.values["new"], one.values["currency"], taken.step.why)
    return _notice(
        taken,
        account=one.account,
        ruleset=one.ruleset,
        region=one.region,
        keys={"currency": currency},
        titles=(wording.account_withdrawn_title("zh"), wording.account_withdrawn_title("en")),
        messages=(
            wording.account_withdrawn_message(old, new, currency, reason, "zh"),
            wording.account_withdrawn_message(old, new, currency, reason, "en"),
        ),
        values=dict(one.values) | {"returns_to": taken.step.returns_to, "reason": reason, "withdrawn": "true"},
        level="yellow",
    )


def in_lots(notices: Iterable[NewWarning]) -> Iterator[list[NewWarning]]:
    """Some at a time."""
    left = iter(notices)
    while lot := list(islice(left, _LOT)):
        yield lot


def _of_ruleset(
    one: About,
    taken: Taken,
    *,
    titles: tuple[str, str],
    messages: tuple[str, str],
    values: Mapping[str, str],
    level: Level = "info",
) -> NewWarning:
    first = min(first for change in one.changes for first, _ in change.days)
    end = max(end for change in one.changes for _, end in change.days)
    own = {
        "customer_class": one.customer_class,
        "changes": str(len(one.changes)),
        "first_day": from_text(first) or "",
        "last_day": through_text(end) or "",
    }
    for change in one.changes:
        if change.kind == "parameter":
            own |= {f"{change.path}.old": change.before, f"{change.path}.new": change.after}
    sources = dict.fromkeys(change.source_after or change.source_before for change in one.changes)
    return _notice(
        taken,
        ruleset=one.ruleset,
        region=one.region,
        titles=titles,
        messages=messages,
        values={**values, **own},
        causes=tuple(wording.change_line(change, "zh") for change in one.changes),
        place=one.place,
        source="; ".join(source for source in sources if source),
        level=level,
    )


def _of_account(bills: AccountBills, regions: Mapping[str, str], taken: Taken, values: Mapping[str, str]) -> NewWarning:
    ruleset = bills.rulesets[0] if len(bills.rulesets) == 1 else ""
    own = {name: getattr(bills, name) for name in ("old", "new", "difference", "currency", "period_from", "period_to")}
    return _notice(
        taken,
        account=bills.account,
        ruleset=ruleset,
        region=regions.get(bills.rulesets[0], ""),
        keys={"currency": bills.currency},
        titles=(wording.account_title("zh"), wording.account_title("en")),
        messages=(wording.account_message(bills, "zh"), wording.account_message(bills, "en")),
        values={**values, **own, "bills": str(bills.bills), "rulesets": ", ".join(bills.rulesets)},
    )


def _notice(
    taken: Taken,
    *,
    titles: tuple[str, str],
    messages: tuple[str, str],
    values: Mapping[str, str],
    account: str = "",
    ruleset: str = "",
    region: str = "",
    keys: Mapping[str, str] | None = None,
    causes: tuple[str, ...] = (),
    place: str = "",
    source: str = "",
    level: Level = "info",
) -> NewWarning:
    at, event, named = microseconds(taken.at), f"history:{taken.number}", dict(keys or {})
    told = json.dumps(
        [ruleset, "raised", account, list(named.values()), at, event], ensure_ascii=False, separators=(",", ":")
    )
    return NewWarning(
        id=hashlib.sha256(told.encode()).hexdigest()[:32],
        kind="tariff_notice",
        trigger="",
        state="raised",
        account=account,
        keys=named,
        at=at,
        event=event,
        region=region,
        ruleset=ruleset,
        level=level,
        recipient=_CUSTOMER,
        title=titles[0],
        message=messages[0],
        values={**values, "title_en": titles[1], "message_en": messages[1]},
        causes=causes,
        action="",
        place=place,
        source=source,
    )
