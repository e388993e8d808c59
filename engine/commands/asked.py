"""What somebody asks to be billed: a billing period, and values from `--set`, a JSON file or a portfolio."""

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
from engine.commands.output import Language, failure, listed
from engine.evaluator.door import BUILT_IN

if TYPE_CHECKING:
    from engine.compiler.program import Compiled

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_ROW_KEYS: Final = frozenset(
    {"row_id", "ruleset", "period", "period_from", "period_to", "account", "bill_id", "revision"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One row to bill: values as texts (or as a file had them) by input name."""

    row_id: object
    period_from: date | str  # text where a file's cell is no day; the bill is then refused with it
    period_to: date | str  # half-open
    values: Mapping[str, object]


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
            raise failure(f"dianjia: --set: `{text}` is not NAME=VALUE, for example kwh=120.5", 2)
        if name in values:
            raise failure(f"dianjia: --set: `{name}` is given twice.", 2)
        _known(compiled, name, "--set")
        _plain(compiled, name, value)
        values[name] = value
    return values


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
            2,
        )
    number = re.match(r"-?[0-9]+(\.[0-9]+)?", value)
    if (
        number is not None
        and number.end() < len(value)
        and re.fullmatch(r"[A-Za-z万千度/]+", value[number.end() :].strip())
    ):
        unit = str(spec.type.unit)
        raise failure(f"dianjia: --set: `{name}={value}`: the unit is known.\n  Write {name} in {unit}, without it.", 2)


def _known(compiled: Compiled, name: str, where: str) -> None:
    names = [spec.name for spec in compiled.program.inputs if spec.name not in BUILT_IN]
    if name in names:
        return
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    first = f"Did you mean `{near[0]}`? " if near else ""
    raise failure(f"dianjia: {where}: {compiled.id} reads no input `{name}`.\n  {first}It reads {listed(names)}.", 2)


def read_asked(
    compiled: Compiled,
    period: str | None,
    written: Sequence[str],
    file: Path | None,
    row_ids: Sequence[str],
    language: Language,
) -> Iterator[Asked]:
    """Give the rows that are asked for.

    Args:
        compiled: the rule set.
        period: of `--set`, or of a JSON file that names none.
        written: NAME=VALUE; over a JSON file, they replace its values.
        file: JSON (an object of values, or a list of them), or a portfolio: CSV, Parquet, Arrow.
        row_ids: of a portfolio, the rows that are meant; none: all of this rule set.
        language: of problems.
    """
    values = set_values(compiled, written)
    if file is None:
        if period is None:
            raise failure("dianjia: a bill needs its billing period: --period 2026-01", 2)
        yield Asked("1", *read_period(period), values)
    elif file.suffix == ".json":
        wanted = frozenset(row_ids)
        for number, found in enumerate(_json_rows(file), start=1):
            asked = _of_json(compiled, found, str(number), period, values, file)
            if not wanted or str(asked.row_id) in wanted:
                yield asked
    else:
        yield from _of_portfolio(compiled, file, row_ids, period, values, language)


def _json_rows(file: Path) -> list[dict[str, Any]]:
    """Read JSON with numbers as they are written: no binary fraction comes between."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"), parse_float=str, parse_int=str)
    except OSError as error:
        raise failure(f"{file}: file-not-found: {error.strerror}") from None
    except ValueError as error:
        raise failure(
            f'{file}: json-syntax: {error}\n  Write an object such as {{"kwh": "120.50"}}, or a list of them.'
        ) from None
    rows = found if isinstance(found, list) else [found]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise failure(f'{file}: json-shape: Write an object such as {{"kwh": "120.50"}}, or a list of them.')
    return rows


def _of_json(
    compiled: Compiled, found: dict[str, Any], number: str, period: str | None, over: Mapping[str, object], file: Path
) -> Asked:
    values: dict[str, object] = {}
    for name, value in found.items():
        if name in _ROW_KEYS:
            continue
        _known(compiled, name, str(file))
        if isinstance(value, dict | list):
            raise failure(f"{file}: json-shape: `{name}` holds {value!r}. Give one number or text.")
        values[name] = {True: "true", False: "false"}[value] if isinstance(value, bool) else value
    if "period_from" in found and "period_to" in found:
        first, end = read_period(f"{found['period_from']}..{found['period_to']}")
    elif found.get("period") or period:
        first, end = read_period(str(found.get("period") or period))
    else:
        raise failure(
            f"{file}: a bill needs its billing period: `period`, or `period_from` and `period_to`, or --period", 2
        )
    return Asked(found.get("row_id", number), first, end, {**values, **over})


def _of_portfolio(
    compiled: Compiled,
    file: Path,
    row_ids: Sequence[str],
    period: str | None,
    over: Mapping[str, object],
    language: Language,
) -> Iterator[Asked]:
    from engine.bulk.problems import FileProblem
    from engine.bulk.single import portfolio_rows

    if period is not None:
        raise failure("dianjia: --period: the rows of a portfolio have their own billing periods.", 2)
    wanted = set(row_ids)
    try:
        for row in portfolio_rows(file, compiled, wanted):
            wanted.discard(str(row.row_id))
            yield Asked(row.row_id, row.period_from, row.period_to, {**row.values, **over})
    except FileProblem as found:
        raise failure(found.render(language)) from None
    if wanted:
        raise failure(f"{file}: {compiled.id} has no row {listed(sorted(wanted))}.")
