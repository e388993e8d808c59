"""`dianjia bill` and `dianjia explain`: single bills, each computed twice, in integers and by columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import click

from engine.commands.asked import read_asked
from engine.commands.one_row import billed
from engine.commands.output import Language, complain, emit, refusal_json, refusal_text, table
from engine.commands.rates import one_ruleset
from engine.commands.words import words
from engine.compiler.profile import Segment, SegmentClass
from engine.compiler.program import Compiled
from engine.evaluator.reference import Bill, BillLine
from engine.evaluator.rows import RowProblem


@dataclass(frozen=True, slots=True)
class Which:
    """The rows that somebody asks for, as typed."""

    ruleset: str
    rules: Sequence[Path]
    period: str | None
    written: Sequence[str]
    file: Path | None
    row_ids: Sequence[str]
    pass_through: Sequence[str]


def bill(which: Which, format_: str, language: Language) -> None:
    """Print the bills that are asked for; exit 1 where one is refused."""
    several = which.file is not None
    _each(
        which,
        format_,
        language,
        lambda compiled, made: bill_json(compiled, made, several),
        lambda compiled, made: bill_text(compiled, made, language, several),
    )


def explain(which: Which, format_: str, language: Language) -> None:
    """Print each bill with its working; exit 1 where one is refused."""
    from engine.evaluator import explain as working
    from engine.evaluator import explain_text

    _each(
        which,
        format_,
        language,
        lambda compiled, made: working.to_json(working.explain(compiled, made)),
        lambda compiled, made: explain_text.render_text(working.explain(compiled, made), language),
    )


def _each(
    which: Which,
    format_: str,
    language: Language,
    as_json: Callable[[Compiled, Bill], dict[str, object]],
    as_text: Callable[[Compiled, Bill], str],
) -> None:
    """Bill the rows that are asked for, and print what is made of each bill, or why there is none."""
    several = which.file is not None
    rate = one_ruleset(which.rules, which.ruleset, language)
    found: list[dict[str, object]] = []
    refused = False
    for asked in read_asked(rate, which.period, which.written, which.file, which.row_ids, which.pass_through, language):
        made = billed(asked)
        if isinstance(made, RowProblem):
            refused = True
            prefix = f"{made.row_id}: " if several else ""
            complain(prefix + refusal_text(made, language))
            if format_ == "json":
                found.append({"refused": refusal_json(made)})
        elif format_ == "json":
            found.append(as_json(asked.compiled, made))
        else:
            click.echo(as_text(asked.compiled, made))
    if format_ == "json":
        emit(found if several else found[0])
    if refused:
        raise SystemExit(1)


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
                "part_from": line.part_from.isoformat(),
                "part_to": line.part_to.isoformat(),
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
        **_profile_json(compiled, made),
    }


def _profile_json(compiled: Compiled, made: Bill) -> dict[str, object]:
    """Scores and classes, where the rule set has any."""
    program = compiled.program
    found: dict[str, object] = {}
    if program.scores:
        found["scores"] = [
            {"score": one.id, "title": one.title, "value": f"{made.scores[one.id]:f}"} for one in program.scores
        ]
    if program.segments:
        found["segments"] = [
            {
                "segment": one.id,
                "title": one.title,
                "class": its.id,
                "class_title": its.title,
                "services": list(its.services),
            }
            for one, its in _classes(compiled, made)
        ]
    return found


def _classes(compiled: Compiled, made: Bill) -> list[tuple[Segment, SegmentClass]]:
    """The segments, each with the class of the bill's customer."""
    return [
        (one, next(its for its in one.classes if its.id == made.segments[one.id])) for one in compiled.program.segments
    ]


def bill_text(compiled: Compiled, made: Bill, language: Language, several: bool) -> str:
    """A bill as a person reads it."""
    say = words(language)
    head = f"{compiled.id}  {compiled.title}".rstrip()
    period = f"{made.period_from.isoformat()}..{made.period_to.isoformat()}"
    rows: list[list[str]] = []
    for (part, from_, to), lines in groupby(made.lines, key=lambda one: (one.part, one.part_from, one.part_to)):
        if part:
            rows.append([f"{say('part')} {part}", f"{from_.isoformat()}..{to.isoformat()}", "", "", ""])
        rows += [_cells(line) for line in lines]
    parts = [f"{made.row_id}: {head}" if several else head, period]
    if compiled.program.lines:  # else it bills nobody, and an empty bill would say that nothing is owed
        rows.append([say("total"), "", "", made.currency, f"{made.total:f}"])
        headers = [say("line"), say("title"), say("quantity"), say("price"), say("amount")]
        parts += ["", table(rows, headers, "<<>>>")]
    scores = [[one.id, one.title, f"{made.scores[one.id]:f}"] for one in compiled.program.scores]
    if scores:
        parts += ["", table(scores, [say("score"), say("title"), say("value")], "<<>")]
    classes = _classes(compiled, made)
    if classes:
        cells = [[one.id, one.title, its.id, its.title, "、".join(its.services)] for one, its in classes]
        headers = [say("segment"), say("title"), say("is"), say("title")]
        parts += ["", table(cells, [*headers, say("services")])]
    for warning in made.warnings:
        parts += ["", f"{warning.level}: {warning.title} ({warning.id}) {warning.message}".rstrip()]
        if warning.causes:
            parts.append(f"  {say('causes')}: {'、'.join(warning.causes)}")
        if warning.action:
            parts.append(f"  {say('action')}: {warning.action}")
    return "\n".join(parts) + "\n" * several


def _cells(line: BillLine) -> list[str]:
    return [
        line.id if line.money else f"({line.id})",
        line.title,
        "" if line.quantity is None else f"{line.quantity:f} {line.quantity_unit}".rstrip(),
        "" if line.price is None else f"{line.price:f} {line.price_unit}".rstrip(),
        f"{line.amount:f}",
    ]
