"""A year of hours, twelve bills a meter: the engine, NREL's PySAM and ts-tariffs, in turns.

    python -m benchmarks.environments        # once: PySAM and ts-tariffs, each in an environment of its own
    python -m benchmarks.hours               # the tables; `benchmarks.report --only hours` puts them into README.md
    python -m benchmarks.hours --save        # PySAM's bills of a load, for tests that run without PySAM

Every side starts with a meter's 8,760 hours in memory, laid out as it likes best, and ends with each component of
twelve bills in memory. What depends on the rate alone is done before. CPU time counts, of one process and thread.
The other calculators run in processes of their own; a side whose environment is not there is told of, not measured.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from benchmarks import environments
from benchmarks.hours_rates import FIRST_DAYS, HERE, PLACES, RATES, Loads, Rate, compiled, loads, months, rows
from engine.evaluator.evaluate import Plans, Result, evaluate
from engine.evaluator.reference import Bill, Reference

ROUNDS: Final = 5
ROUND_SECONDS: Final = 0.2  # a side repeats its work within a round until this is reached
METERS: Final = 1_000
ALONE: Final = 10  # meters that are billed one after the other, so that a side does not see the same one again
CHECKED: Final = 3  # meters whose bills are compared, month by month
HALF_A_CENT: Final = Decimal("0.005")
COMPONENTS: Final = ("energy", "demand_flat", "demand_tou", "fixed", "minimum", "total")
BILLS: Final = HERE / "rates" / "pysam_bills.json"
LOAD: Final = HERE.parent / "tests" / "urdb" / "loads" / "com_ssc.txt"

Amounts = Mapping[str, Decimal]  # of one bill, by component


class Year(Protocol):
    """A side with a rate and loads: what is measured, and what it is compared by."""

    def seconds(self, repeats: int) -> float:
        """Bill and give the CPU seconds of one meter's year."""

    def bills(self) -> list[list[Amounts]]:
        """Give the bills of the first `CHECKED` meters, by month."""


@dataclass(frozen=True, slots=True)
class Side:
    """A way to bill a year of hours."""

    name: str
    title: str
    meters: int
    begin: Callable[[Rate, Loads], Year]
    rates: tuple[str, ...] = tuple(RATES)  # that it can express
    missing: Callable[[], str | None] = lambda: None
    tolerance: Decimal = HALF_A_CENT  # of a component


@dataclass(frozen=True, slots=True)
class Measurement:
    """One side with one rate; `missing` says why there is none."""

    rate: str
    side: str
    title: str
    seconds: float = 0.0  # of a meter's year, CPU; median of the rounds
    fastest: float = 0.0
    slowest: float = 0.0
    checked: int = 0  # monthly bills compared with the engine's Decimal reference
    wrong: int = 0  # of them, with any component that differs
    missing: str | None = None

    @property
    def bills_per_second(self) -> float:
        """Monthly bills of one core."""
        return 12 / self.seconds


class Engine:
    """The engine: years of some meters in one call."""

    def __init__(self, rate: Rate, given: Loads, *, meters: int, by_month: bool) -> None:
        self.compiled = compiled(rate)
        self.plans = Plans(self.compiled)
        self.meters, self.by_month, self.count = meters, by_month, len(given)
        self.batches = [rows(rate, given[at : at + meters], by_month=by_month) for at in range(0, len(given), meters)]

    def seconds(self, repeats: int) -> float:
        gc.collect()
        gc.disable()
        start = time.process_time()
        for _ in range(repeats):
            for batch in self.batches:
                evaluate(self.compiled, batch, plans=self.plans)
        taken = time.process_time() - start
        gc.enable()
        return taken / (repeats * self.count)

    def bills(self) -> list[list[Amounts]]:
        found = [self._bills(evaluate(self.compiled, batch, plans=self.plans)) for batch in self.batches[:CHECKED]]
        return [meter for batch in found for meter in batch][:CHECKED]

    def _bills(self, result: Result) -> list[list[Amounts]]:
        assert not result.problems, f"refused: {result.problems[0]}"
        steps = self.compiled.program.steps
        places = {code: steps[step].type.places for code, step in self.compiled.program.ledgers}
        columns = {code: (amounts, places[code]) for code, amounts in result.ledgers.items()}
        columns["total"] = (result.total, steps[self.compiled.program.total].type.places)
        at = np.arange(len(result.kept)).reshape((12, -1) if self.by_month else (-1, 12))
        return [
            [{code: Decimal(int(amounts[row])).scaleb(-p) for code, (amounts, p) in columns.items()} for row in meter]
            for meter in (at.T if self.by_month else at)[:CHECKED].tolist()
        ]


class Process:
    """Another calculator, in its environment; `benchmarks.hours_worker` says what is spoken."""

    def __init__(self, rate: Rate, given: Loads, *, name: str, bills_days: bool) -> None:
        command = [str(environments.python(name)), "-m", f"benchmarks.peers.{name}_year"]
        self.process = subprocess.Popen(
            command, cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.rate, self.bills_days = rate, bills_days
        self._ask(do="rate", fields=rate.fields, loads=(given[:ALONE] / 10**PLACES).tolist())

    def __del__(self) -> None:
        self.process.kill()
        self.process.communicate()

    def seconds(self, repeats: int) -> float:
        return float(self._ask(do="time", repeats=repeats)["seconds"])

    def bills(self) -> list[list[Amounts]]:
        return [
            [self._of_days(bill, month) for month, bill in enumerate(meter)]
            for meter in self._ask(do="bills")["bills"][:CHECKED]
        ]

    def _of_days(self, bill: Mapping[str, float], month: int) -> Amounts:
        """A bill with the price of a day billed for the days there are, where the side takes 365/12 for all months."""
        found = {component: Decimal(amount) for component, amount in bill.items()}
        fields = self.rate.fields
        if not self.bills_days and fields["fixedchargeunits"] == "$/day":
            more = (FIRST_DAYS[month + 1] - FIRST_DAYS[month]).days - Decimal(365) / 12
            for component in ("fixed", "total"):
                found[component] += more * Decimal(str(fields["fixedchargefirstmeter"]))
        return found

    def _ask(self, **asked: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args!r} ended: its message is above")
        found: dict[str, Any] = json.loads(answer)
        return found


def _engine(name: str, title: str, meters: int, *, by_month: bool = False) -> Side:
    def begin(rate: Rate, given: Loads) -> Year:
        return Engine(rate, given, meters=meters, by_month=by_month)

    return Side(name, title, meters, begin, tolerance=Decimal(0))


def _process(name: str, title: str, *, bills_days: bool, rates: tuple[str, ...] = tuple(RATES)) -> Side:
    def begin(rate: Rate, given: Loads) -> Year:
        return Process(rate, given, name=name, bills_days=bills_days)

    return Side(name, title, 1, begin, rates, lambda: environments.missing(name))


SIDES: Final = (
    _engine("dianjia", "Dianjia, one meter a call", 1),
    _engine("dianjia-meters", f"Dianjia, {METERS:,} meters a call, year after year", METERS),
    _engine("dianjia-months", f"Dianjia, {METERS:,} meters a call, month after month", METERS, by_month=True),
    _process("pysam", "NREL PySAM 7.1.1, `Utilityrate5`", bills_days=False),
    _process("ts_tariffs", "ts-tariffs 3.2.4, a meter for each period", bills_days=True, rates=("e-19",)),
)


def measure(
    rounds: int = ROUNDS,
    rates: Sequence[str] = tuple(RATES),
    meters: int = METERS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Measurement]:
    """Measure every side with every rate, in turns, after comparing its bills.

    Args:
        rounds: of all sides in turn; the median counts.
        rates: names of them.
        meters: that the sides bill which take many a call: all in one, up to `METERS`.
        progress: is told what is being done.
    """
    found = []
    given = loads(meters)
    for rate in (RATES[name] for name in rates):
        progress(f"{rate.name}: the reference")
        expected = reference(rate, given[:CHECKED])
        begun: list[tuple[Side, Year, int]] = []
        for side in SIDES:
            missing = side.missing() if rate.name in side.rates else "it cannot express the rate"
            if missing is not None:
                found.append(Measurement(rate.name, side.name, side.title, missing=missing))
                continue
            progress(f"{rate.name}: {side.name}")
            year = side.begin(rate, given[: ALONE if side.meters == 1 else meters])
            begun.append((side, year, differences(year.bills(), expected, side.tolerance)))
        found += _measured(rate, begun, rounds, meters, progress)
    return found


def _measured(
    rate: Rate,
    begun: Sequence[tuple[Side, Year, int]],
    rounds: int,
    meters: int,
    progress: Callable[[str], None],
) -> list[Measurement]:
    repeats = []
    for side, year, _ in begun:
        of_all = year.seconds(1) * (ALONE if side.meters == 1 else meters)
        repeats.append(max(1, round(ROUND_SECONDS / of_all)))
    taken: list[list[float]] = [[] for _ in begun]
    for turn in range(rounds):
        progress(f"{rate.name}: round {turn + 1} of {rounds}")
        for position, (_, year, _) in enumerate(begun):
            taken[position].append(year.seconds(repeats[position]))
    return [
        Measurement(
            rate.name,
            side.name,
            side.title,
            seconds=statistics.median(samples),
            fastest=min(samples),
            slowest=max(samples),
            checked=12 * CHECKED,
            wrong=wrong,
        )
        for (side, _, wrong), samples in zip(begun, taken, strict=True)
    ]


def reference(rate: Rate, given: Loads) -> list[list[Amounts]]:
    """Bill meters with the engine's Decimal reference, a bill at a time."""
    one = Reference(compiled(rate))
    found = []
    for meter in given.tolist():
        bills: list[Amounts] = []
        for month, (first, end) in enumerate(months()):
            hours = [{"kwh": Decimal(kwh).scaleb(-PLACES)} for kwh in meter[first:end]]
            bill = one.bill({"intervals": hours}, period_from=FIRST_DAYS[month], period_to=FIRST_DAYS[month + 1])
            assert isinstance(bill, Bill), f"refused: {bill}"
            bills.append({**bill.ledgers, "total": bill.total})
        found.append(bills)
    return found


def differences(bills: Sequence[Sequence[Amounts]], expected: Sequence[Sequence[Amounts]], tolerance: Decimal) -> int:
    """Count the monthly bills of which any component differs by more than `tolerance`."""
    return sum(
        any(abs(ours.get(part, Decimal(0)) - theirs.get(part, Decimal(0))) > tolerance for part in COMPONENTS)
        for meter, wanted in zip(bills, expected, strict=True)
        for ours, theirs in zip(meter, wanted, strict=True)
    )


def saved_load() -> Loads:
    """Give the load that PySAM's saved bills are of: `com_ssc`, to thousandths. Shape (1, hour) [0.001 kWh]."""
    hours = np.array(LOAD.read_text(encoding="utf-8").split(), dtype=np.float64)
    found: Loads = np.rint(hours * 10**PLACES).astype(np.int64)[None, :]
    return found


def saved_bills(rate: Rate) -> list[Amounts]:
    """Give PySAM's twelve bills of the saved load, of a day's price for the days there are."""
    saved = json.loads(BILLS.read_text(encoding="utf-8"), parse_float=Decimal)[rate.name]
    return [{component: Decimal(saved[component][month]) for component in COMPONENTS} for month in range(12)]


def save() -> None:
    """Write PySAM's bills of the saved load."""
    found = {}
    for rate in RATES.values():
        (meter,) = Process(rate, saved_load(), name="pysam", bills_days=False).bills()
        found[rate.name] = {part: [float(round(bill[part], 9)) for bill in meter] for part in COMPONENTS}
    written = ",\n".join(
        f' "{rate}": {{\n' + ",\n".join(f'  "{part}": {json.dumps(bills)}' for part, bills in parts.items()) + "\n }"
        for rate, parts in found.items()
    )
    BILLS.write_text("{\n" + written + "\n}\n", encoding="utf-8")


def render(measurements: Sequence[Measurement]) -> str:
    """Write a table a rate, as Markdown."""
    tables = []
    for name in dict.fromkeys(m.rate for m in measurements):
        taken = [m for m in measurements if m.rate == name and m.missing is None]
        pysam = next((m.seconds for m in taken if m.side == "pysam"), None)
        lines = [
            f"**{RATES[name].title}**",
            "",
            "| | bills a second and core | a meter's year, µs | rounds | to PySAM | wrong bills |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for m in taken:
            own = m.side.startswith("dianjia")
            cells = [
                f"**{m.title}**" if own else m.title,
                f"{m.bills_per_second:,.0f}",
                f"{m.seconds * 1e6:,.0f}",
                f"{m.fastest * 1e6:,.0f} to {m.slowest * 1e6:,.0f}",
                f"{pysam / m.seconds:.1f} ×" if pysam else "",
                f"{m.wrong} of {m.checked}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
        missing = [m for m in measurements if m.rate == name and m.missing is not None]
        told = ["", *(f"{m.title}: {m.missing}." for m in missing)] if missing else []
        tables.append("\n".join([*lines, *told]))
    return "\n\n".join(tables)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code: 1 where any bill was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hours", description="Measure a year of hours.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds, all sides in turn ({ROUNDS})")
    parser.add_argument("--rate", nargs="+", choices=list(RATES), default=list(RATES), help="only these rates")
    parser.add_argument("--save", action="store_true", help=f"write PySAM's bills to {Path(BILLS).name}")
    options = parser.parse_args(arguments)
    if options.save:
        save()
        return 0
    measurements = measure(options.rounds, options.rate, progress=_progress)
    print(render(measurements))
    return 1 if any(m.wrong for m in measurements) else 0


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
