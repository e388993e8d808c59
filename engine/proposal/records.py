"""What is told of customers, for programs: JSON, and a flat table with a record for each alternative of each account.

Amounts are decimal texts in JSON and CSV, decimals in Parquet. An account without advice has a record, too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from engine.advice.result import Unadvised
from engine.evaluator.rows import RowProblem
from engine.proposal.bills import Bill
from engine.proposal.contents import Choice, Contents

NOT_ADVISED: Final = "not_advised"
NOTHING_DECLARED: Final = "nothing-declared"
_MONEY: Final = pa.decimal128(38, 6)
SCHEMA: Final = pa.schema(
    [
        pa.field("account", pa.string()),
        pa.field("rank", pa.int32()),  # from 1 of those that save something
        pa.field("alternative", pa.string()),
        pa.field("advice", pa.string()),
        pa.field("title", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("state", pa.string()),
        pa.field("rows", pa.int32()),
        pa.field("period_from", pa.date32()),
        pa.field("period_to", pa.date32()),
        pa.field("currency", pa.string()),
        pa.field("now", _MONEY),
        pa.field("then", _MONEY),
        pa.field("saving", _MONEY),
        pa.field("percent", pa.decimal128(38, 1)),
        pa.field("best_input", pa.string()),
        pa.field("best", pa.string()),
        pa.field("best_now", pa.string()),
        pa.field("cost", _MONEY),
        pa.field("payback_months", pa.int32()),
        pa.field("row_id", pa.string()),  # that says why not
        pa.field("code", pa.string()),
        pa.field("reason", pa.string()),
    ]
)


def problem_json(found: RowProblem) -> dict[str, object]:
    """Why a row has no bill."""
    told = {"row_id": str(found.row_id), "code": found.code, "field": found.field, "value": found.value}
    return {**told, "reason": found.reason}


def bill_json(bill: Bill) -> dict[str, object]:
    """One bill as it is."""
    return {
        "row_id": bill.row_id,
        "period": {"from": bill.period_from.isoformat(), "to": bill.period_to.isoformat()},
        "total": f"{bill.total:f}",
    }


def choice_json(one: Choice) -> dict[str, object]:
    """One alternative."""
    best = next((setting for setting in one.settings if setting.kind == "best"), None)
    return {
        "alternative": one.id,
        "advice": one.advice,
        "title": one.title,
        "kind": one.kind,
        "state": one.state,
        "rank": one.rank or None,
        "then": _text(one.total),
        "saving": _text(one.saving),
        "percent": _text(one.percent),
        "bills": [f"{amount:f}" for amount in one.bills],
        "best": None
        if best is None or not best.to
        else {"input": best.input, "value": best.to, "now": best.now or None},
        "cost": _text(one.cost),
        "payback_months": one.payback,
        "ruleset": one.ruleset or None,
        "how": one.how,
        "conditions": [
            {"text": condition.text, "source": condition.source, "standing": condition.standing}
            for condition in one.conditions
        ],
        "source": one.source,
        "standing": one.standing,
        "row_id": one.row_id or None,
        "reason": one.reason,
        "problem": None if one.problem is None else problem_json(one.problem),
    }


def contents_json(of: Contents) -> dict[str, object]:
    """One customer."""
    return {
        "account": of.account,
        "currency": of.currency,
        "now": f"{of.total:f}",
        "bills": [bill_json(bill) for bill in of.bills],
        "days_without_bill": [{"from": str(first), "to": str(end)} for first, end in of.without],
        "billed_twice": [[one.row_id, other.row_id] for one, other in of.twice],
        "alternatives": [choice_json(one) for one in of.choices],
    }


def unadvised_json(of: Unadvised) -> dict[str, object]:
    """A customer that gets no advice."""
    code = "" if of.problems else NOTHING_DECLARED
    return {
        "account": of.account,
        "rows": len(of.rows),
        "rulesets": list(of.rulesets),
        "code": code or None,
        "problems": [problem_json(found) for found in of.problems],
    }


def records(advised: Iterable[Contents], unadvised: Sequence[Unadvised]) -> Iterable[Mapping[str, Any]]:
    """Flat records: an alternative of an account each; one without advice has one a reason."""
    for of in advised:
        for one in of.choices:
            yield {**_of_account(of), **_of_choice(one)}
    for left in unadvised:
        told = {"account": left.account, "state": NOT_ADVISED, "rows": len(left.rows)}
        for found in left.problems:
            yield {**told, "row_id": str(found.row_id), "code": found.code, "reason": found.reason}
        if not left.problems:
            named = ", ".join(left.rulesets)
            yield {**told, "code": NOTHING_DECLARED, "reason": f"nothing is declared for {named}"}


def _of_account(of: Contents) -> dict[str, Any]:
    return {
        "account": of.account,
        "rows": len(of.bills),
        "period_from": of.first_day,
        "period_to": of.end_day,
        "currency": of.currency,
        "now": of.total,
    }


def _of_choice(one: Choice) -> dict[str, Any]:
    best = next((setting for setting in one.settings if setting.kind == "best"), None)
    found = one.problem
    return {
        "rank": one.rank or None,
        "alternative": one.id,
        "advice": one.advice,
        "title": one.title,
        "kind": one.kind,
        "state": one.state,
        "then": one.total,
        "saving": one.saving,
        "percent": one.percent,
        "best_input": None if best is None else best.input,
        "best": None if best is None else best.to or None,
        "best_now": None if best is None else best.now or None,
        "cost": one.cost,
        "payback_months": one.payback,
        "row_id": one.row_id or None,
        "code": None if found is None else found.code,
        "reason": (found.reason if found is not None else one.reason) or None,
    }


def to_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Records as CSV."""
    target = io.StringIO()
    writer = csv.DictWriter(target, SCHEMA.names, lineterminator="\n", restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return target.getvalue()


def to_table(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Records as an Arrow table."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMA)


def _cell(value: object) -> object:
    return f"{value:f}" if isinstance(value, Decimal) else "" if value is None else value


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
