"""Import a rate, compile it, and bill loads with both interpreters: amounts by ledger."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.urdb.draft import Options
from engine.urdb.rate import read_rate
from engine.urdb.translate import translate
from engine.urdb.write import document
from tests.billing import evaluated, referred
from tests.oracles.amounts import Lines, Refused
from tests.properties.case import Row

HERE = Path(__file__).resolve().parent
FIRST_DAYS = [*(date(2018, month, 1) for month in range(1, 13)), date(2019, 1, 1)]
INTERPRETERS: Mapping[str, Callable[[Compiled, Sequence[Row]], Sequence[Lines | Refused]]] = {
    "evaluator": evaluated,
    "reference": referred,
}
FIXED_ZONE = "Etc/GMT+8"  # hours without daylight saving, as the saved bills have them


def options(**changes: Any) -> Options:
    """What URDB does not say, as the saved bills read it."""
    said: dict[str, Any] = {"timezone": FIXED_ZONE, "in_force": "2018-01-01..", "minor_places": 6, "kwh_places": 6}
    return Options(**{**said, **changes})


@cache
def imported(text: str, said: Options) -> Compiled:
    """Import a rate from JSON and compile what was written."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rate.ruleset.yaml"
        file.write_text(document(translate(read_rate(text), said).ruleset), encoding="utf-8")
        (compiled,) = compile_paths([file]).rulesets.values()
    return compiled


@cache
def load(name: str) -> tuple[tuple[Decimal, ...], ...]:
    """Read the kWh of a year's hours, month by month."""
    hours = [Decimal(line) for line in (HERE / "loads" / f"{name}.txt").read_text(encoding="utf-8").split()]
    assert len(hours) == 8760
    months, at = [], 0
    for first, end in pairwise(FIRST_DAYS):
        count = (end - first).days * 24
        months.append(tuple(hours[at : at + count]))
        at += count
    return tuple(months)


def year_of(compiled: Compiled, name: str) -> list[Row]:
    """Lay a load out as twelve bills: of intervals, or of the month's kWh where the rule set needs no more."""
    lists = {axis.name for axis in compiled.program.axes}
    inputs = {spec.name for spec in compiled.program.inputs}
    months = load(name)
    rows = []
    for at, hours in enumerate(months):
        given: dict[str, Any] = {"intervals": [{"kwh": kwh} for kwh in hours]} if lists else {"kwh": sum(hours)}
        if "earlier_peak_kw" in inputs:  # of the months before in the same year: peaks of year zero are nothing
            given["earlier_peak_kw"] = max((kwh for month in months[max(0, at - 11) : at] for kwh in month), default=0)
        rows.append(Row(given, FIRST_DAYS[at], FIRST_DAYS[at + 1]))
    return rows


def by_ledger(compiled: Compiled, bill: Lines | Refused) -> dict[str, Decimal]:
    """Add the lines of a bill up by ledger; `total` is the bill's own."""
    assert not isinstance(bill, Refused), f"refused: {bill}"
    ledgers = {line.id: line.ledger for line in compiled.program.lines}
    found = {"total": bill["total"]}
    for line, amount in bill.items():
        if line != "total":
            found[ledgers[line]] = found.get(ledgers[line], Decimal(0)) + amount
    return found
