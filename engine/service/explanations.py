"""A bill with its working -> a message.

Takes a row and its rule set; gives the bill, and for each of its lines what it was computed from, down to the printed
figure with the line of the rules and the notice that it stands in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import localcontext
from typing import Final

from dianjia.rating.v1 import rating_pb2
from dianjia.type.v1 import type_pb2
from engine.compiler.program import Compiled, Step
from engine.evaluator import decimals
from engine.evaluator.explain import Explanation, FigureRead, LineExplained, Named, explain
from engine.evaluator.explain_lists import several
from engine.evaluator.explain_text import render_text, value_text
from engine.evaluator.reference import Bill, unit_text
from engine.language.problems import Language
from engine.service.calls import wrong
from engine.service.describing import place_message
from engine.service.single import Asked

LANGUAGES: Final[Mapping[int, Language]] = {
    type_pb2.LANGUAGE_UNSPECIFIED: "en",
    type_pb2.LANGUAGE_EN: "en",
    type_pb2.LANGUAGE_ZH: "zh",
}


def language_of(asked: int) -> Language:
    """Give the language that a call asks for.

    Raises:
        ProblemsFound: there is none of this number.
    """
    if asked not in LANGUAGES:
        known = ", ".join(f"{one} ({type_pb2.Language.Name(one)})" for one in type_pb2.Language.values())
        raise wrong("unknown-choice", "language", found=asked, known=known)
    return LANGUAGES[asked]


def explained(asked: Asked, language: Language) -> rating_pb2.ExplainBillResponse:
    """Bill a row and show the working.

    Args:
        asked: the row with its rule set.
        language: of the headings in the page of text, and of the words in shortened lists.

    Raises:
        RowRefused: it has no bill.
    """
    made = asked.billed()
    compiled = asked.ruleset.compiled
    bill = made.to_bill()
    found = explain(compiled, bill)
    response = rating_pb2.ExplainBillResponse(
        lines=(_line(line, language) for line in found.lines),
        inputs=_inputs(compiled, bill, found, language),
        text=render_text(found, language),
        source=found.source,
        standing=found.standing,
    )
    asked.bill(made, response.bill)
    return response


def _inputs(compiled: Compiled, bill: Bill, found: Explanation, language: Language) -> Iterator[rating_pb2.NamedValue]:
    """Give what the row gives, and what its lists do."""
    yield from _named(found.inputs, language)
    with localcontext(decimals.exact()):
        for spec in compiled.program.inputs:
            items = bill.lists.get(spec.type.axis)
            if items is not None and items.given:
                step = Step("input", (), spec.type, name=spec.name)
                unit = unit_text(spec.type.unit) if spec.type.kind == "number" else ""
                shown = several(compiled.program, step, items.values[spec.name])
                yield from _named([Named(spec.name, "", unit, spec.title, shown)], language)


def _line(line: LineExplained, language: Language) -> rating_pb2.LineWorking:
    return rating_pb2.LineWorking(
        line=line.line.id,
        formula=line.formula,
        names=_named(line.names, language),
        before_rounding=line.before,
        place=None if line.place is None else place_message(line.place),
        source=line.source,
        figures=(_figure(figure) for figure in line.figures),
        part=int(line.line.part or 0),
    )


def _named(names: Iterable[Named], language: Language) -> Iterator[rating_pb2.NamedValue]:
    for one in names:
        yield rating_pb2.NamedValue(name=one.name, value=value_text(one, language), unit=one.unit, title=one.title)


def _figure(figure: FigureRead) -> rating_pb2.FigureRead:
    row = f"[{', '.join(figure.row)}]" if figure.row else ""
    return rating_pb2.FigureRead(
        path=f"{figure.path}{row}",
        text=figure.printed,
        unit=figure.unit,
        place=None if figure.place is None else place_message(figure.place),
        source=figure.source,
        standing=figure.standing,
        since="" if figure.since is None else figure.since.isoformat(),
    )
