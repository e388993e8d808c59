"""A row's refusal in words: codes and parameters become a `RowProblem`.

Takes what the door or a `require` found; gives the problem with its reason in English. Its parameters fill the
catalogue's text in any other language.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.compiler.program import Refusal
from engine.evaluator.rows import RowProblem
from engine.language.problems import Place, headline, placeholders, problem


def row_problem(
    row: int, row_id: object, code: str, field: str, value: str, place: Place | None = None, **parameters: str
) -> RowProblem:
    """Say why a row is refused; a placeholder without a parameter stays empty."""
    filled = {**dict.fromkeys(placeholders(code), ""), **parameters, "field": field, "value": value}
    reason = headline(problem(code, None, None, **filled))
    return RowProblem(row, row_id, code, field, value, reason, place, filled)


def refused_by(refusal: Refusal, row: int, row_id: object, texts: Mapping[str, str]) -> RowProblem:
    """Say why a `require` refuses a row.

    Args:
        refusal: of the `require`.
        row: position in the batch.
        row_id: as the row came.
        texts: the values that the refusal names, as an analyst writes them.
    """
    message = refusal.message
    for name, text in texts.items():
        message = message.replace(f"{{{name}}}", text)
    value = texts.get(refusal.field, ", ".join(f"{name} = {text}" for name, text in texts.items()))
    named = {name: text for name, text in texts.items() if name not in {"field", "value", "message"}}
    return row_problem(row, row_id, refusal.code, refusal.field, value, refusal.place, **named, message=message)
