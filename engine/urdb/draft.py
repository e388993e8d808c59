"""A rule set while it is being written: names are made once, and every part may ask for what it reads.

`Draft` holds plain data in the order in which the file shows it. The parts of the translation (`energy`, `demand`,
`fixed`) fill it in; `translate` puts it together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from engine.urdb.months import Season
from engine.urdb.report import Report
from engine.urdb.structures import Price, Schedule, digits
from engine.urdb.write import Flow

TierScope = Literal["pooled_pro_rata", "pooled_chronological", "per_period"]
WEEKEND: Final = ("saturday", "sunday")
LIST: Final = "intervals"
DAYS_MOST: Final = 62  # of a billing period: two months


@dataclass(frozen=True, slots=True)
class Options:
    """What URDB does not say, and how the rule set shall bill."""

    id: str | None = None
    timezone: str | None = None
    tier_scope: TierScope | None = None
    interval: int | None = None  # [min]
    in_force: str | None = None  # FROM..THROUGH
    minor_places: int = 2
    kwh_places: int = 3
    without: frozenset[str] = frozenset()
    label: str | None = None


@dataclass
class Draft:
    """The parts of a rule set, by name."""

    options: Options
    report: Report
    seasons: tuple[Season, ...]  # one: months make no difference
    interval: int  # [min]; 0: bills are of a meter's total
    window: int  # over which demand is measured [min]; the interval, or several
    large: bool  # bounds for large customers
    inputs: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    quantities: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    refuse: dict[str, Any] = field(default_factory=dict)
    charges: dict[str, Any] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    priced_by: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    # what is metered

    def kwh(self) -> str:
        """Name the kWh of the bill, and see that they are there."""
        most = 100_000_000 if self.large else 1_000_000
        if not self.interval:
            bounds = {"unit": "kWh", "places": self.options.kwh_places, "from": 0, "to": most}
            self.inputs.setdefault("kwh", Flow(**bounds, title="Energy of the bill"))
        elif "kwh" not in self.quantities:
            self.column("kwh")
            self.quantities["kwh"] = Flow(formula=f"sum({LIST}.kwh)", **{"from": 0, "to": most})
        return "kwh"

    def kwh_in(self, period: int) -> str:
        """Name the kWh of an energy period."""
        self.kwh()
        return self._quantity(f"kwh_period_{period}", f"sum({LIST}.kwh if {LIST}.tou_period == period_{period} else 0)")

    def peak(self, unit: str, period: int | None = None) -> str:
        """Name the highest demand of the bill, at any hour or in a demand period; `unit` is kW, kVA or hp."""
        name = {"kW": "peak_kw", "kVA": "peak_kva", "hp": "connected_hp"}[unit]
        if unit == "hp":
            self.inputs[name] = Flow(unit=1, places=1, **{"from": 0, "to": 1_000_000}, title="Connected load [hp]")
            return name
        self.column("kwh" if unit == "kW" else "kva")
        if self.window != self.interval:
            return self._windowed(period)
        read = f"{LIST}.{'kwh' if unit == 'kW' else 'kva'}"
        if period is not None:
            name = f"{name}_period_{period}"
            read = f"{read} if {LIST}.demand_period == period_{period} else 0"
        highest = f"max({read}, if_empty=0)"
        times = Decimal(60) / self.interval
        return self._quantity(name, highest if unit == "kVA" else f"{digits(times)}[kW/kWh] * {highest}")

    def _windowed(self, period: int | None) -> str:
        """Name the highest demand over windows of several intervals."""
        demand: dict[str, Any] = {"minutes": self.window, "windows": "block"}
        load = self.quantities.setdefault("load", {"kind": "intervals", "kwh": f"{LIST}.kwh", "demand": demand})
        if period is None:
            return "load.kw"
        load["demand"]["schedule"] = "demand_period"
        return f"load.kw.period_{period}"

    def column(self, name: str) -> None:
        """See that the load has a column."""
        assert self.interval
        unit, title = {"kwh": ("kWh", "Energy of the interval"), "kva": ("kVA", "Apparent power of the interval")}[name]
        most = 100_000 if self.large else 1_000
        bounds = {"unit": unit, "places": self.options.kwh_places, "from": 0, "to": most}
        self.columns.setdefault(name, Flow(**bounds, title=title))

    def _quantity(self, name: str, formula: str) -> str:
        self.quantities.setdefault(name, formula)
        return name

    # months

    def when(self, months: Iterable[int]) -> str | None:
        """Write that a bill is of one of the months; None where it always is."""
        chosen = set(months)
        named = [season.name for season in self.seasons if chosen & set(season.months)]
        assert chosen == {month for season in self.seasons if season.name in named for month in season.months}
        if len(named) == len(self.seasons):
            return None
        return " or ".join(f"season == {name}" for name in named)

    def seasonal(self, table: str, title: str, unit: str, prices: Sequence[Price | None]) -> str:
        """Write a price of which the months have different ones: a number, or a table by season.

        Args:
            prices: of the twelve months; None where the month has none.
        """
        distinct = {price for price in prices if price is not None}
        if len(distinct) == 1:
            return next(iter(distinct)).text(unit)
        adjusted = any(price is not None and price.adj for price in prices)
        rows = []
        for season in self.seasons:
            price = prices[season.months[0]]
            cells = [price.rate, *([price.adj] if adjusted else [])] if price is not None else ["-"] * (1 + adjusted)
            rows.append([season.name, *(digits(cell) if isinstance(cell, Decimal) else cell for cell in cells)])
        columns = ["rate", *(["adjustment"] if adjusted else [])]
        self.tables[table] = {"title": title, "unit": unit, "keys": ["season"], "columns": columns, "rows": rows}
        return " + ".join(f"{table}[season].{column}" for column in columns)

    # charges

    def charge(self, name: str, ledger: str, keys: Mapping[str, Any], when: str | None = None) -> str:
        """Add a charge; gives its name."""
        assert name not in self.charges, f"two charges are called {name}"
        head = {"title": keys["title"]} | ({"kind": keys["kind"]} if "kind" in keys else {})
        rest = {key: value for key, value in keys.items() if key not in head}
        self.charges[name] = {**head, **({"when": when} if when else {}), **rest, "ledger": ledger}
        return name

    def of_one_month(self) -> None:
        """Refuse bills of more than a month: a highest demand is a month's."""
        self.refuse["longer_than_a_month"] = {
            "when": "months > 1[month]",
            "field": "period_to",
            "message": "demand is billed by the month: divide the row",
        }
