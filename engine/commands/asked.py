"""What somebody asks to be billed: a billing period, and values from `--set`, a JSON file or a portfolio.

A list is an array of objects, an object of arrays, or an array of values where it has one input: in a JSON file as it
is, after `--set NAME=` as JSON text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.calendars.days import read_day
from engine.commands.output import Language, failure, file_failure, listed
from engine.commands.rates import Rate
from engine.evaluator.row_door import row_inputs
from engine.evaluator.rows import RowProblem

if TYPE_CHECKING:
    from engine.compiler.program import Compiled

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_ROW_KEYS: Final = frozenset(
    {"row_id", "ruleset", "period", "period_from", "period_to", "account", "bill_id", "revision"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One row to bill: values as texts (or as a file had them) by the names of inputs and lists."""

    compiled: Compiled
    row_id: object
    period_from: date | str  # text where a file's cell is no day; the bill is then refused with it
    period_to: date | str  # half-open
    values: Mapping[str, object]
    refused: RowProblem | None = None  # why it is not billed, where that is known already


def read_period(text: str) -> tuple[date, date]:
    """Read `2026-01`, or `2026-01-01..2026-02-01` with the day after the last one billed.

    Ends the command where it is neither.
    """
    month = _MONTH.fullmatch(text)
    if month is not None:
        first = date(int(month[1]), int(month[2]), 1)
        return first, (first + timedelta(days=31)).replace(day=1)
    from_, dots, to = text.partition("..")
    first_day, end_day = read_day(from_), read_day(to)
    if not dots or first_day is None or end_day is None:
        raise failure(
            f"dianjia: --period: `{text}` is no billing period.\n"
            "  Write a month, 2026-01, or two days, 2026-01-01..2026-02-01, the second the day after the last billed.",
            f"dianjia: --period: `{text}` 不是计费周期。\n"
            "  请写月份 2026-01，或两个日期 2026-01-01..2026-02-01，后一个是最后一天的次日。",
            2,
        )
    return first_day, end_day


def set_values(compiled: Compiled, written: Sequence[str]) -> dict[str, object]:
    """Read NAME=VALUE texts; a name that is no input ends the command with the nearest ones."""
    values: dict[str, object] = {}
    for text in written:
        name, equals, value = text.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name:
            raise failure(
                f"dianjia: --set: `{text}` is not NAME=VALUE, for example kwh=120.5",
                f"dianjia: --set: `{text}` 不是 名称=值，例如 kwh=120.5",
                2,
            )
        if name in values:
            raise failure(f"dianjia: --set: `{name}` is given twice.", f"dianjia: --set: `{name}` 给了两次。", 2)
        _known(compiled, name, "--set")
        if name in _lists(compiled):
            values[name] = _list(name, value)
        else:
            _plain(compiled, name, value)
            values[name] = value
    return values


def _lists(compiled: Compiled) -> list[str]:
    return [axis.name for axis in compiled.program.axes]


def _list(name: str, text: str) -> object:
    """Read a list that stands behind --set."""
    try:
        came = json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        came = None
    if isinstance(came, list | dict):
        return came
    raise failure(
        f"dianjia: --set: `{name}={text}` is no list.\n"
        f'  Write it as JSON, for example --set \'{name}=[{{"kva": "1000"}}]\', or give a file with --input.',
        f"dianjia: --set: `{name}={text}` 不是列表。\n"
        f'  请写成 JSON，例如 --set \'{name}=[{{"kva": "1000"}}]\'，或用 --input 给出文件。',
        2,
    )


def _plain(compiled: Compiled, name: str, value: str) -> None:
    """Refuse the ways of writing a number that mean different things in different places."""
    spec = next(one for one in compiled.program.inputs if one.name == name)
    if spec.type.kind != "number":
        return
    if "," in value or "，" in value:
        digits = value.replace(",", "").replace("，", "")
        point = value.replace("，", ",").replace(",", ".")
        raise failure(
            f"dianjia: --set: `{name}={value}`: a comma may be a decimal point or stand between thousands.\n"
            f"  Write {name}={digits} or {name}={point}, whichever is meant.",
            f"dianjia: --set: `{name}={value}`: 逗号可能是小数点，也可能是千位分隔。\n"
            f"  请写 {name}={digits} 或 {name}={point}，看指的是哪个。",
            2,
        )
    number = re.match(r"-?[0-9]+(\.[0-9]+)?", value)
    if (
        number is not None
        and number.end() < len(value)
        and re.fullmatch(r"[A-Za-z万千度/]+", value[number.end() :].strip())
    ):
        unit = str(spec.type.unit)
        raise failure(
            f"dianjia: --set: `{name}={value}`: the unit is known.\n  Write {name} in {unit}, without it.",
            f"dianjia: --set: `{name}={value}`: 单位已定。\n  请以 {unit} 为单位写 {name}，不带单位。",
            2,
        )


def _known(compiled: Compiled, name: str, where: str) -> None:
    names = [*(spec.name for spec in row_inputs(compiled)), *_lists(compiled)]
    if name in names:
        return
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    first = f"Did you mean `{near[0]}`? " if near else ""
    first_zh = f"是否指 `{near[0]}`？" if near else ""
    raise failure(
        f"dianjia: {where}: {compiled.id} reads no input `{name}`.\n  {first}It reads {listed(names)}.",
        f"dianjia: {where}: {compiled.id} 没有输入 `{name}`。\n  {first_zh}它的输入：{listed(names)}。",
        2,
    )


def read_asked(
    rate: Rate,
    period: str | None,
    written: Sequence[str],
    file: Path | None,
    row_ids: Sequence[str],
    pass_through: Sequence[str],
    language: Language,
) -> Iterator[Asked]:
    """Give the rows that are asked for, each with the version of the rule set that bills its days.

    Args:
        rate: the rule set.
        period: of `--set`, or of a JSON file that names none.
        written: NAME=VALUE; over a JSON file, they replace its values.
        file: JSON (an object of values, or a list of them), or a portfolio: CSV, Parquet, Arrow.
        row_ids: of a portfolio, the rows that are meant; none: all of this rule set.
        pass_through: of a portfolio, columns that are meant to be unread.
        language: of problems.
    """
    if file is None:
        if period is None:
            raise failure(
                "dianjia: a bill needs its billing period: --period 2026-01",
                "dianjia: 账单需要计费周期：--period 2026-01",
                2,
            )
        days = read_period(period)
        compiled = rate.at(*days)
        yield Asked(compiled, "1", *days, set_values(compiled, written))
    elif file.suffix == ".json":
        wanted = frozenset(row_ids)
        for number, found in enumerate(_json_rows(file), start=1):
            asked = _of_json(rate, found, str(number), period, written, file)
            if not wanted or str(asked.row_id) in wanted:
                yield asked
    else:
        yield from _of_portfolio(rate, file, row_ids, period, written, pass_through, language)


def _json_rows(file: Path) -> list[dict[str, Any]]:
    """Read JSON with numbers as they are written: no binary fraction comes between."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"), parse_float=str, parse_int=str)
    except OSError as error:
        raise failure(
            f"{file}: file-not-found: the file cannot be read ({error.strerror}).\n  Check the path and its spelling.",
            f"{file}: file-not-found: 文件读不出（{error.strerror}）。\n  请检查路径和拼写。",
        ) from None
    except ValueError as error:
        raise failure(
            f'{file}: json-syntax: {error}\n  Write an object such as {{"kwh": "120.50"}}, or a list of them.',
            f'{file}: json-syntax: {error}\n  请写一个对象，例如 {{"kwh": "120.50"}}，或由对象组成的列表。',
        ) from None
    rows = found if isinstance(found, list) else [found]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise failure(
            f'{file}: json-shape: Write an object such as {{"kwh": "120.50"}}, or a list of them.',
            f'{file}: json-shape: 请写一个对象，例如 {{"kwh": "120.50"}}，或由对象组成的列表。',
        )
    return rows


def _of_json(
    rate: Rate, found: dict[str, Any], number: str, period: str | None, written: Sequence[str], file: Path
) -> Asked:
    if "period_from" in found and "period_to" in found:
        first, end = read_period(f"{found['period_from']}..{found['period_to']}")
    elif isinstance(found.get("period"), dict) and found["period"].keys() == {"from", "to"}:  # as bills are printed
        first, end = read_period(f"{found['period']['from']}..{found['period']['to']}")
    elif found.get("period") or period:
        first, end = read_period(str(found.get("period") or period))
    else:
        raise failure(
            f"{file}: a bill needs its billing period: `period`, or `period_from` and `period_to`, or --period",
            f"{file}: 账单需要计费周期：`period`，或 `period_from` 与 `period_to`，或 --period",
            2,
        )
    compiled = rate.at(first, end)
    values: dict[str, object] = {}
    for name, value in found.items():
        if name in _ROW_KEYS:
            continue
        _known(compiled, name, str(file))
        if isinstance(value, dict | list) and name not in _lists(compiled):
            shown = json.dumps(value, ensure_ascii=False)
            raise failure(
                f"{file}: json-shape: `{name}` holds {shown}. Give one number or text.",
                f"{file}: json-shape: `{name}` 的值是 {shown}。请给一个数或文本。",
            )
        values[name] = {True: "true", False: "false"}[value] if isinstance(value, bool) else value
    over = set_values(compiled, written)
    return Asked(compiled, found.get("row_id", number), first, end, {**values, **over})


def _of_portfolio(
    rate: Rate,
    file: Path,
    row_ids: Sequence[str],
    period: str | None,
    written: Sequence[str],
    pass_through: Sequence[str],
    language: Language,
) -> Iterator[Asked]:
    from engine.bulk.problems import FileProblem
    from engine.bulk.single import portfolio_rows

    if period is not None:
        raise failure(
            "dianjia: --period: the rows of a portfolio have their own billing periods.",
            "dianjia: --period: 批量文件的每一行有自己的计费周期。",
            2,
        )
    wanted = set(row_ids)
    try:
        for row in portfolio_rows(file, rate.versions, row_ids, rate.book.rulesets, pass_through):
            wanted.discard(str(row.row_id))
            over = set_values(row.compiled, written)
            refused = None if row.refused is not None and row.refused.field in over else row.refused
            yield Asked(row.compiled, row.row_id, row.period_from, row.period_to, {**row.values, **over}, refused)
    except FileProblem as found:
        raise file_failure(found, language) from None
    if wanted:
        rows = listed(sorted(wanted))
        id_ = rate.versions[0].id
        raise failure(f"{file}: {id_} has no row {rows}.", f"{file}: {id_} 没有 {rows} 这一行。")
