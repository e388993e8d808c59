"""`dianjia bill` and `dianjia explain`: single bills, each computed twice, by columns and in decimals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import click
import numpy as np

from engine.calendars.days import day_number
from engine.commands.asked import Asked, read_asked
from engine.commands.output import Language, complain, emit, refusal_json, refusal_text, table
from engine.commands.rates import one_ruleset
from engine.commands.words import words
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import evaluate
from engine.evaluator.reference import Bill, reference
from engine.evaluator.rows import Column, RowProblem, Rows


def bill(
    ruleset: str,
    rules: Sequence[Path],
    period: str | None,
    written: Sequence[str],
    file: Path | None,
    row_ids: Sequence[str],
    format_: str,
    language: Language,
) -> None:
    """Print the bills that are asked for; exit 1 where one is refused."""
    compiled = one_ruleset(rules, ruleset, language)
    bills: list[dict[str, object]] = []
    refused = False
    for asked in read_asked(compiled, period, written, file, row_ids, language):
        made = billed(compiled, asked)
        if isinstance(made, RowProblem):
            refused = True
            _refuse(made, file is not None, format_, language, bills)
        elif format_ == "json":
            bills.append(bill_json(compiled, made, file is not None))
        else:
            click.echo(bill_text(compiled, made, language, file is not None))
    _finish(bills, refused, file is not None, format_)


def explain(
    ruleset: str,
    rules: Sequence[Path],
    period: str | None,
    written: Sequence[str],
    file: Path | None,
    row_ids: Sequence[str],
    format_: str,
    language: Language,
) -> None:
    """Print each bill with its working; exit 1 where one is refused."""
    from engine.evaluator import explain as working
    from engine.evaluator import explain_text

    compiled = one_ruleset(rules, ruleset, language)
    found: list[dict[str, object]] = []
    refused = False
    for asked in read_asked(compiled, period, written, file, row_ids, language):
        made = billed(compiled, asked)
        if isinstance(made, RowProblem):
            refused = True
            _refuse(made, file is not None, format_, language, found)
            continue
        explanation = working.explain(compiled, made)
        if format_ == "json":
            found.append(working.to_json(explanation))
        else:
            click.echo(explain_text.render_text(explanation, language))
    _finish(found, refused, file is not None, format_)


def _refuse(made: RowProblem, several: bool, format_: str, language: Language, found: list[dict[str, object]]) -> None:
    prefix = f"{made.row_id}: " if several else ""
    complain(prefix + refusal_text(made, language))
    if format_ == "json":
        found.append({"refused": refusal_json(made)})


def _finish(found: list[dict[str, object]], refused: bool, several: bool, format_: str) -> None:
    if format_ == "json":
        emit(found if several else found[0])
    if refused:
        raise SystemExit(1)


def billed(compiled: Compiled, asked: Asked) -> Bill | RowProblem:
    """Bill one row in decimals and by columns; that the two differ is a fault of the engine and stops the command."""
    made = reference(
        compiled, asked.values, period_from=asked.period_from, period_to=asked.period_to, row_id=asked.row_id
    )
    if not isinstance(asked.period_from, date) or not isinstance(asked.period_to, date):
        return made
    result = evaluate(compiled, one_row(compiled, asked))
    if isinstance(made, RowProblem):
        assert [found.code for found in result.problems] == [made.code], f"columns: {result.problems}, decimals: {made}"
        return made
    places = compiled.program.steps[compiled.program.total].type.places
    assert len(result.kept) == 1, f"columns: {result.problems}, decimals: a bill"
    total = Decimal(int(result.total[0])).scaleb(-places)
    assert total == made.total, f"columns: {total}, decimals: {made.total}"
    return made


def one_row(compiled: Compiled, asked: Asked) -> Rows:
    """A batch of one row whose cells are as they came."""
    assert isinstance(asked.period_from, date)
    assert isinstance(asked.period_to, date)
    columns = {}
    for name, value in asked.values.items():
        cell = np.empty(1, dtype=object)
        cell[0] = value
        columns[name] = Column(cell)
    return Rows(
        row_id=np.array([asked.row_id], dtype=object),
        ruleset=Column(np.zeros(1, dtype=np.int64), codes=(compiled.id,)),
        period_from=np.array([day_number(asked.period_from)], dtype=np.int64),
        period_to=np.array([day_number(asked.period_to)], dtype=np.int64),
        columns=columns,
    )


def bill_json(compiled: Compiled, made: Bill, several: bool) -> dict[str, object]:
    """A bill for a program to read: every number is a decimal string."""
    found: dict[str, object] = {"row_id": made.row_id} if several else {}
    return found | {
        "ruleset": made.ruleset,
        "version": compiled.content_hash,
        "period": {"from": made.period_from.isoformat(), "to": made.period_to.isoformat()},
        "lines": [
            {
                "charge": line.id,
                "title": line.title,
                "amount": f"{line.amount:f}",
                "part": line.part,
                "quantity": None if line.quantity is None else f"{line.quantity:f}",
                "unit": line.quantity_unit,
                "price": None if line.price is None else f"{line.price:f}",
                "ledger": line.ledger,
                "money": line.money,
            }
            for line in made.lines
        ],
        "total": f"{made.total:f}",
        "ledgers": {code: f"{amount:f}" for code, amount in made.ledgers.items()},
        "currency": made.currency,
        "warnings": [
            {
                "warning": warning.id,
                "title": warning.title,
                "level": warning.level,
                "message": warning.message,
                "causes": list(warning.causes),
                "action": warning.action,
            }
            for warning in made.warnings
        ],
    }


def bill_text(compiled: Compiled, made: Bill, language: Language, several: bool) -> str:
    """A bill as a person reads it."""
    say = words(language)
    head = f"{compiled.id}  {compiled.title}".rstrip()
    period = f"{made.period_from.isoformat()}..{made.period_to.isoformat()}"
    rows = [
        [
            line.id if line.money else f"({line.id})",
            line.title,
            "" if line.quantity is None else f"{line.quantity:f} {line.quantity_unit}".rstrip(),
            "" if line.price is None else f"{line.price:f} {line.price_unit}".rstrip(),
            f"{line.amount:f}",
        ]
        for line in made.lines
    ]
    rows.append([say("total"), "", "", made.currency, f"{made.total:f}"])
    headers = [say("line"), say("title"), say("quantity"), say("price"), say("amount")]
    parts = [f"{made.row_id}: {head}" if several else head, period, "", table(rows, headers, "<<>>>")]
    for warning in made.warnings:
        parts += ["", f"{warning.level}: {warning.title} ({warning.id}) {warning.message}".rstrip()]
        if warning.causes:
            parts.append(f"  {say('causes')}: {'、'.join(warning.causes)}")
        if warning.action:
            parts.append(f"  {say('action')}: {warning.action}")
    return "\n".join(parts) + "\n" * several
