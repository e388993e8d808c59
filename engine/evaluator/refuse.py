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
    row: int, row_id: object, code: str, field: str, value: str, place: Place | None = None, /, **parameters: str
) -> RowProblem:
    """Say why a row is refused; a placeholder without a parameter stays empty.

    A field of a list is told with its item: `transformers[3].kva`.
    """
    told = {"field": of_item(field, parameters.get("item", "")), "value": value}
    filled = {**dict.fromkeys(placeholders(code), ""), **parameters, **told}
    # A rule's own names are parameters too, and may be those of `problem`.
    reason = headline(problem(code, None, None, **{name: filled[name] for name in placeholders(code)}))
    return RowProblem(row, row_id, code, field, value, reason, place, filled)


def of_item(field: str, item: str) -> str:
    """Name a field of one item of a list.

    >>> of_item("transformers.kva", "3"), of_item("kwh", "3"), of_item("transformers.kva", "")
    ('transformers[3].kva', 'kwh', 'transformers.kva')
    """
    axis, dot, name = field.partition(".")
    return f"{axis}[{item}].{name}" if item and dot else field


def refused_by(
    refusal: Refusal, row: int, row_id: object, texts: Mapping[str, str], item: Mapping[str, str] | None = None
) -> RowProblem:
    """Say why a `require` refuses a row.

    Args:
        refusal: of the `require`.
        row: position in the batch.
        row_id: as the row came.
        texts: the values that the refusal names, as an analyst writes them; those of a list, of the item that fails.
        item: where the condition is on a list, which item fails: `item` counted from 1, `axis`, and of an interval
            list `item_time`. A message may name them.
    """
    message = refusal.message
    more = {} if item is None else item
    for name, text in {**more, **texts}.items():
        message = message.replace(f"{{{name}}}", text)
    axis, number = more.get("axis", ""), more.get("item", "")
    shown = {of_item(name, number) if name.startswith(f"{axis}.") else name: text for name, text in texts.items()}
    value = texts.get(refusal.field, ", ".join(f"{name} = {text}" for name, text in shown.items()))
    named = {name: text for name, text in {**more, **texts}.items() if name not in {"field", "value", "message"}}
    return row_problem(row, row_id, refusal.code, refusal.field, value, refusal.place, **named, message=message)
