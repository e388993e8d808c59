"""Write the lists of an explanation: a table of items, or its ends; a value of many items in one line.

Takes what `engine.evaluator.explain_lists` found worth showing and the words of a language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.evaluator.explain_lists import ColumnShown, ListShown, Several
from engine.language.problems import columns


def list_block(shown: ListShown, words: Mapping[str, str]) -> list[str]:
    """Write a list: a line for each item shown, how many are left out, and the sums."""
    head = f"{words['given']}: {shown.name}  {shown.title}".rstrip()
    heading = f"{head}, {_count(shown.count, words)}"
    if not shown.count:
        return [heading]
    timed = any(item.time for item in shown.items)
    rows = [["  " + words["item"], words["begins"] if timed else "", *(_named(one) for one in shown.columns)]]
    rows.append(["", "", *(one.title for one in shown.columns)])
    rows += [[f"  {item.number}", item.time, *item.values] for item in shown.items]
    gap = next((at for at, item in enumerate(shown.items, 1) if item.number != at), len(shown.items) + 1)
    left_out = shown.count - len(shown.items)
    rows += [["  " + words["largest"], item.time, *item.values] for item in shown.largest]
    for period in shown.periods:
        label = f"{period.period} ({_count(period.count, words)})"
        rows.append(["  " + words["by"].format(schedule=period.schedule), label, *period.totals])
    if shown.count > 1 and any(one.total for one in shown.columns):
        rows.append(["  " + words["sum"], "", *(one.total for one in shown.columns)])
    written = aligned(rows, right=range(2, 2 + len(shown.columns)))
    if left_out:
        # The heading and the titles stand before the items.
        written.insert(1 + gap, "  " + words["more"].format(count=left_out))
    return [heading, *(line for line in written if line.strip())]


def several_text(value: Several, unit: str, words: Mapping[str, str]) -> str:
    """Write a value of many items in one line.

    >>> words = {"items": "{count} items", "items:1": "1 item", "sum": "sum", "empty": "empty"}
    >>> several_text(Several(3, ("5", "6", "7"), total="18"), "kWh", words)
    '3 items: 5, 6, 7; sum 18 kWh'
    """
    if not value.count:
        return words["empty"]
    items = [*value.first, *(("…", *value.last) if value.last else ())]
    items = items or [f"{name} {count}" for name, count in value.tally]
    counted = _count(value.count, words)
    if value.whole:
        counted = words["items:of"].format(count=value.count, whole=value.whole)
    text = f"{counted}: {', '.join(items)}"
    return f"{text}; {words['sum']} {value.total} {unit}".rstrip() if value.total and value.count > 1 else text


def _named(column: ColumnShown) -> str:
    name, unit = column.name, column.unit
    return f"{name} [{unit}]" if unit else name


def _count(count: int, words: Mapping[str, str]) -> str:
    return words["items:1"] if count == 1 else words["items"].format(count=count)


def aligned(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Pad the cells of rows to columns, two spaces between them; a CJK character is two columns wide.

    Args:
        rows: texts, as many in each row.
        right: positions of the columns whose cells end together.

    >>> aligned([["峰", "1.00"], ["flat", "20.00"]], right=(1,))
    ['峰     1.00', 'flat  20.00']
    """
    ends = frozenset(right)
    widths = [max((columns(cell) for cell in column), default=0) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - columns(cell))
            if width:
                cells.append(space + cell if at in ends else cell + space)
        lines.append("  ".join(cells).rstrip())
    return lines
