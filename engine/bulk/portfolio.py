"""A seeded portfolio over the shipped rule sets: bills to come that look real, and a few that cannot be billed.

Takes how many rows and a seed; gives Arrow batches, or a Parquet file written a batch at a time. The same seed gives
the same rows. `dianjia demo` bills it. What is planted is known beforehand, so that refused = planted can be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.bulk.customers import CODES, RULE_SETS, Customers, Drawn
from engine.bulk.money import decimals
from engine.bulk.sinks import writing

BATCH_ROWS: Final = 131_072
PLANTED_TIMES: Final = 3  # each kind of bad row, in a portfolio large enough
ROWS_PER_PLANTED: Final = 40  # fewer bad rows in a small portfolio
FIRST_ID: Final = 1_000_000_000_001
FIRST_ACCOUNT: Final = 3_200_000_000_000

NUMBERS: Final[Mapping[str, int]] = {  # column -> places
    "kwh": 2,
    "kwh_total": 2,
    "kwh_sharp": 2,
    "kwh_peak": 2,
    "kwh_flat": 2,
    "kwh_valley": 2,
    "kvarh": 3,
    "kwh_year_before": 2,
    "kwh_last_year": 2,
    "kwh_last_month": 2,
    "kwh_all_points": 2,
    "demand_kw": 4,
}
WHOLES: Final = ("household_size", "capacity_kva", "contract_kva", "running_kva", "contract_kw")
BOOLEANS: Final = ("on_tou", "low_income", "under_100_kva")
PRECISION: Final = 15
UNKNOWN_RULE_SET: Final = "cn.qinghai.residential"
RULE_SET_IDS: Final = (*(name for name, _, _ in RULE_SETS), UNKNOWN_RULE_SET)


@dataclass(frozen=True, slots=True)
class Planted:
    """A row that cannot be billed, and how it must be refused."""

    row: int  # position in the portfolio
    row_id: int
    code: str
    field: str


@dataclass(frozen=True, slots=True)
class Written:
    """A portfolio file."""

    path: Path
    rows: int
    planted: tuple[Planted, ...]


@dataclass(frozen=True, slots=True)
class _Slip:
    """A kind of bad row: everything that it gives; whole numbers of the column's places, codes by name."""

    code: str
    field: str
    ruleset: str | None
    given: Mapping[str, int | str]
    period: tuple[date, date] = (date(2026, 1, 1), date(2026, 2, 1))
    again: bool = False  # a row whose id was used before


_HOME: Final[Mapping[str, int | str]] = {"city": "shenzhen", "meter": "household", "on_tou": 0, "kwh": 18_650}
_SHOP: Final[Mapping[str, int | str]] = {
    "scheme": "single",
    "voltage": "below_1kv",
    "kwh_sharp": 4_000,
    "kwh_peak": 21_000,
    "kwh_flat": 30_000,
    "kwh_valley": 9_000,
    "under_100_kva": 1,
}
_FACTORY: Final[Mapping[str, int | str]] = {
    **_SHOP,
    "scheme": "two_part",
    "voltage": "from_1_to_20kv",
    "basic_mode": "actual_demand",
    "contract_kva": 800,
    "demand_kw": 4_123_456,
    "under_100_kva": 0,
    "kvarh": 123_000,
}
_SLIPS: Final = (
    _Slip("missing-value", "kwh", "cn.guangdong.residential", {k: v for k, v in _HOME.items() if k != "kwh"}),
    _Slip("out-of-bounds", "kwh", "cn.sichuan.residential", {"user": "household", "on_tou": 0, "kwh": 12_345_678_900}),
    _Slip("out-of-bounds", "kwh", "cn.guangdong.residential", {**_HOME, "kwh": -18_650}),
    _Slip("too-many-places", "kvarh", "cn.hubei.industry_commerce", {**_FACTORY, "kvarh": 123_456}),
    _Slip("unknown-code", "city", "cn.guangdong.residential", {**_HOME, "city": "dongguan"}),
    _Slip("unknown-ruleset", "ruleset", UNKNOWN_RULE_SET, {"kwh": 18_650}),
    _Slip("missing-value", "ruleset", None, {"kwh": 18_650}),
    _Slip(  # before the rule set's first day: a later notice does not change that
        "no-price-in-force",
        "cn.hubei.industry_commerce",
        "cn.hubei.industry_commerce",
        _SHOP,
        (date(2025, 12, 1), date(2026, 1, 1)),
    ),
    _Slip(
        "period-crosses-change",
        "period_to",
        "cn.sichuan.residential",
        {"user": "household", "on_tou": 0, "kwh": 31_000},
        (date(2026, 6, 1), date(2026, 8, 1)),
    ),
    _Slip("bad-period", "period_to", "cn.guangdong.residential", _HOME, (date(2026, 1, 1), date(2026, 1, 1))),
    _Slip("duplicate-row", "row_id", "cn.guangdong.residential", _HOME, again=True),
    _Slip("not-needed", "basic_mode", "cn.hubei.industry_commerce", {**_SHOP, "basic_mode": "capacity"}),
    _Slip(
        "refused-by-rule",
        "kwh",
        "cn.guangdong.residential",
        {**_HOME, "on_tou": 1, "kwh_peak": 6_000, "kwh_flat": 6_000, "kwh_valley": 6_000},
    ),
    _Slip("refused-by-rule", "demand_kw", "cn.hubei.industry_commerce", {**_FACTORY, "demand_kw": 24_123_456}),
    _Slip("no-table-cell", "prices.energy_price", "cn.hubei.industry_commerce", {**_SHOP, "voltage": "at_110kv"}),
)


def planted(rows: int, seed: int) -> tuple[Planted, ...]:
    """Say which rows of a portfolio cannot be billed, in the order of the rows."""
    return tuple(
        Planted(position, FIRST_ID if slip.again else FIRST_ID + position, slip.code, slip.field)
        for position, slip in _planting(rows, seed)
    )


def write_portfolio(path: Path, rows: int, seed: int) -> Written:
    """Write a portfolio as Parquet, a batch at a time.

    Args:
        path: the file; one that is there is replaced.
        rows: customers.
        seed: the same seed gives the same file.

    Raises:
        FileProblem: the file cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, schema(), compression="zstd", compression_level=1) as writer:
            for batch in portfolio_batches(rows, seed):
                writer.write_batch(batch)
    return Written(path, rows, planted(rows, seed))


def schema() -> Any:
    """The columns of a portfolio: the keys, the account, and the inputs of all shipped rule sets."""
    return pa.schema(
        [
            pa.field("row_id", pa.int64(), nullable=False),
            pa.field("account", pa.string(), nullable=False),
            pa.field("ruleset", _code_type()),
            pa.field("period_from", pa.date32(), nullable=False),
            pa.field("period_to", pa.date32(), nullable=False),
            *(pa.field(name, _code_type()) for name in CODES),
            *(pa.field(name, pa.bool_()) for name in BOOLEANS),
            *(pa.field(name, pa.int64()) for name in WHOLES),
            *(pa.field(name, pa.decimal128(PRECISION, places)) for name, places in NUMBERS.items()),
        ]
    )


def portfolio_batches(rows: int, seed: int) -> Iterator[Any]:
    """Draw a portfolio as Arrow record batches of at most `BATCH_ROWS` rows."""
    slips = _planting(rows, seed)
    for number, start in enumerate(range(0, rows, BATCH_ROWS)):
        size = min(BATCH_ROWS, rows - start)
        page = _Page(start, size)
        page.draw(np.random.default_rng([seed, number]))
        for position, slip in slips:
            if start <= position < start + size:
                page.plant(position - start, slip)
        yield page.batch()


def _planting(rows: int, seed: int) -> list[tuple[int, _Slip]]:
    """Where each slip stands; never in the first row, whose id the duplicate rows repeat."""
    count = min(len(_SLIPS) * PLANTED_TIMES, rows // ROWS_PER_PLANTED)
    if count == 0:
        return []
    positions = np.random.default_rng([seed, 1, 1]).choice(rows - 1, count, replace=False) + 1
    return sorted(
        ((int(position), _SLIPS[k % len(_SLIPS)]) for k, position in enumerate(positions)), key=lambda found: found[0]
    )


class _Page:
    """The columns of one batch while it is drawn."""

    def __init__(self, start: int, size: int) -> None:
        self.size = size
        self.row_id = np.arange(FIRST_ID + start, FIRST_ID + start + size, dtype=np.int64)
        self.account = self.row_id - FIRST_ID + FIRST_ACCOUNT
        self.ruleset = np.zeros(size, dtype=np.int64)
        self.ruleset_given = np.ones(size, dtype=bool)
        self.period_from = np.zeros(size, dtype=np.int64)
        self.period_to = np.zeros(size, dtype=np.int64)
        names = (*CODES, *BOOLEANS, *WHOLES, *NUMBERS)
        self.values = {name: np.zeros(size, dtype=np.int64) for name in names}
        self.given = {name: np.zeros(size, dtype=bool) for name in names}

    def draw(self, generator: np.random.Generator) -> None:
        """Give every row a rule set and the customer to go with it."""
        ends = np.cumsum([share for _, share, _ in RULE_SETS])[:-1]
        self.ruleset[:] = np.searchsorted(ends, generator.random(self.size), side="right")
        for number, (_, _, customers) in enumerate(RULE_SETS):
            positions = np.flatnonzero(self.ruleset == number)
            drawn = customers(generator, len(positions))
            self._place(positions, drawn)

    def _place(self, positions: NDArray[np.intp], drawn: Customers) -> None:
        self.period_from[positions] = _first_days(drawn.month)
        self.period_to[positions] = _first_days(drawn.month + drawn.months)
        for name, column in drawn.inputs.items():
            self._put(name, positions, column)

    def _put(self, name: str, positions: NDArray[np.intp], column: Drawn) -> None:
        if column.given is None:
            self.values[name][positions] = column.values
            self.given[name][positions] = True
        else:
            given = positions[column.given]
            self.values[name][given] = column.values[column.given]
            self.given[name][given] = True

    def plant(self, row: int, slip: _Slip) -> None:
        """Replace a row by one that cannot be billed."""
        if slip.again:
            self.row_id[row] = FIRST_ID
        self.ruleset_given[row] = slip.ruleset is not None
        self.ruleset[row] = 0 if slip.ruleset is None else RULE_SET_IDS.index(slip.ruleset)
        first, end = slip.period
        self.period_from[row], self.period_to[row] = _day(first), _day(end)
        for name in self.values:
            given = slip.given.get(name)
            self.given[name][row] = given is not None
            if given is not None:
                self.values[name][row] = CODES[name].index(given) if isinstance(given, str) else given

    def batch(self) -> Any:
        """Give the columns as one Arrow record batch."""
        arrays = [
            pa.array(self.row_id),
            pa.array(self.account).cast(pa.string()),
            _codes(self.ruleset, self.ruleset_given, RULE_SET_IDS),
            pa.array(self.period_from.astype(np.int32)).cast(pa.date32()),
            pa.array(self.period_to.astype(np.int32)).cast(pa.date32()),
            *(_codes(self.values[name], self.given[name], names) for name, names in CODES.items()),
            *(pa.array(self.values[name] != 0, mask=~self.given[name]) for name in BOOLEANS),
            *(pa.array(self.values[name], mask=~self.given[name]) for name in WHOLES),
            *(decimals(self.values[name], places, PRECISION, self.given[name]) for name, places in NUMBERS.items()),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema())


def _code_type() -> Any:
    return pa.dictionary(pa.int32(), pa.string())


def _codes(positions: NDArray[np.int64], given: NDArray[np.bool_], names: Sequence[str]) -> Any:
    indices = pa.array(positions.astype(np.int32), mask=~given)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def _first_days(month: NDArray[np.int64]) -> NDArray[np.int64]:
    """Days since 1970-01-01 of the first of a month of 2026; 13 is the January after."""
    months = (month - 1 + (2026 - 1970) * 12).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


def _day(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()
