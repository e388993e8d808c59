"""The two bills that every engine is measured on, and their seeded data.

W1 is a residential bill (annual ladder, optional peak and valley, free quota, a warning). W2 is a large
industrial bill (four periods at prices of eight places, two-part, power factor, quantity discount, two funds).
Every item is rounded half away from zero to 0.01 and the total is the sum of the rounded items.

A column is a whole-number int64 array, one entry a row: 41.50 kWh with two places is 4150. Booleans are 0 and 1,
codes are positions. All sides of a measurement take these columns and give back the same kind of columns, and
`refused` beside them: a row with a value outside its bounds, or one that breaks a claim, has no bill; the others do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isqrt

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Columns = Mapping[str, Ints]

REFUSED = "refused"
"""The column of an answer that says which rows have no bill."""


@dataclass(frozen=True, slots=True)
class Input:
    """A column that a bill reads: its decimal places and its bounds, both included, as whole numbers."""

    name: str
    places: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a bill asks of several columns together: their sum is at most `high`."""

    name: str
    columns: tuple[str, ...]
    high: int


@dataclass(frozen=True, slots=True)
class Workload:
    """One bill, its inputs, the items it yields [0.01 yuan] in order, and where its data comes from."""

    name: str
    title: str
    inputs: tuple[Input, ...]
    items: tuple[str, ...]
    flags: tuple[str, ...]  # warnings, 0 or 1
    draw: Callable[[int, np.random.Generator], Columns]
    edges: Callable[[], Columns]
    claim: Claim | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """Every column of an answer but `refused`: the items, `total`, the warnings."""
        return (*self.items, "total", *self.flags)


def columns(workload: Workload, rows: int, seed: int = 20260101) -> Columns:
    """Draw `rows` rows of a workload, the same ones for the same seed; every value is within its bounds."""
    drawn = workload.draw(rows, np.random.default_rng(seed))
    assert not outside(workload, drawn).any()
    return drawn


def in_bounds(workload: Workload, given: Columns) -> bool:
    """Tell whether every value is within its bounds, by one look at the least and the greatest of each column.

    The hand-written numpy sides call this within the measured time; the engine checks at its door, the databases in
    their query. What a claim asks is not looked at here: whoever adds the columns up sees their sum.
    """
    return all(
        not len(given[column.name])
        or (int(given[column.name].min()) >= column.low and int(given[column.name].max()) <= column.high)
        for column in workload.inputs
    )


def outside(workload: Workload, given: Columns) -> Mask:
    """Say which rows are to be refused, shape (row,)."""
    found = np.zeros(len(given[workload.inputs[0].name]), dtype=np.bool_)
    for column in workload.inputs:
        found |= (given[column.name] < column.low) | (given[column.name] > column.high)
    if workload.claim is not None:
        # A value that is refused by itself does not make the sum run over.
        terms = (np.where(found, 0, given[name]) for name in workload.claim.columns)
        found |= sum(terms, np.zeros(len(found), dtype=np.int64)) > workload.claim.high
    return found


def harmless(workload: Workload, given: Columns, refused: Mask) -> Columns:
    """Put the least value in the place of what refused rows hold, so that the other rows can be billed beside them."""
    return {column.name: np.where(refused, column.low, given[column.name]) for column in workload.inputs}


def spoiled(workload: Workload, given: Columns) -> Columns:
    """Plant rows that must be refused, every third one: each bound of each column missed by one, and the claim."""
    planted = {name: values.copy() for name, values in given.items()}
    slips = [(column.name, value) for column in workload.inputs for value in (column.low - 1, column.high + 1)]
    claim = workload.claim
    for number, row in enumerate(range(0, len(given[workload.inputs[0].name]), 3)):
        turn = number % (len(slips) + (claim is not None))
        if turn < len(slips):
            name, value = slips[turn]
            planted[name][row] = value
        elif claim is not None:
            for name in claim.columns:
                planted[name][row] = 0
            planted[claim.columns[0]][row] = claim.high
            planted[claim.columns[-1]][row] = 1
    return planted


def sample(given: Columns, positions: npt.NDArray[np.intp]) -> Columns:
    """Take the rows at `positions` (row,) out of every column."""
    return {name: values[positions] for name, values in given.items()}


def _hundredths(values: Floats) -> Ints:
    return np.floor(values * 100 + 0.5).astype(np.int64)


def _draw_residential(rows: int, draw: np.random.Generator) -> Columns:
    month = np.minimum(draw.lognormal(5.4, 0.6, rows), 4000.0)
    nearly_empty = draw.random(rows) < 0.03
    month = np.where(nearly_empty, draw.uniform(0, 15, rows), month)
    kwh = _hundredths(month)
    kwh_peak = np.floor(kwh * draw.uniform(0.3, 0.9, rows)).astype(np.int64)
    return {
        "kwh_peak": kwh_peak,
        "kwh_valley": kwh - kwh_peak,
        "ytd_kwh": _hundredths(draw.gamma(2, 1200, rows)),
        "last_year_kwh": _hundredths(month * draw.lognormal(0, 0.4, rows)),
        "household_size": draw.integers(1, 8, rows),
        "low_income": (draw.random(rows) < 0.08).astype(np.int64),
        "on_tou": (draw.random(rows) < 0.60).astype(np.int64),
    }


def _draw_industrial(rows: int, draw: np.random.Generator) -> Columns:
    kwh = _hundredths(np.exp(draw.uniform(np.log(5e4), np.log(5e6), rows)))
    shares = np.cumsum(draw.dirichlet((1, 3, 3, 3), rows)[:, :3], axis=1)
    ends = np.floor(shares * kwh[:, None]).astype(np.int64)
    kva = np.maximum(315, np.floor(kwh / 100 / draw.uniform(120, 480, rows))).astype(np.int64)
    power_factor = np.clip(1 - draw.gamma(2, 0.05, rows), 0.5, 1.0)
    return {
        "kwh_sharp": ends[:, 0].copy(),
        "kwh_peak": ends[:, 1] - ends[:, 0],
        "kwh_flat": ends[:, 2] - ends[:, 1],
        "kwh_valley": kwh - ends[:, 2],
        "max_demand_kw": _hundredths(kva * draw.uniform(0.4, 0.95, rows)),
        "kvarh": np.floor(kwh * np.tan(np.arccos(power_factor)) + 0.5).astype(np.int64),
        "capacity_kva": kva,
        "basic_mode": draw.integers(0, 2, rows),
    }


def _product(*choices: list[int]) -> list[Ints]:
    """Every combination of the choices, one flat column for each."""
    return [axis.ravel() for axis in np.meshgrid(*(np.array(c, dtype=np.int64) for c in choices), indexing="ij")]


def _residential_edges() -> Columns:
    """Rows at each tier limit and one step either side, and rows whose items fall on a tie."""
    # 41.50 x 0.03 and 101.50 x 0.03 are ties; 79.38 + 181.59 is exactly 1.5 x 173.98
    peak, valley, ytd, size, low_income, on_tou = _product(
        [0, 1, 4150, 7938, 10150, 1_000_000],
        [0, 50, 1499, 1500, 1501, 18159],
        [0, 275_999, 276_000, 276_001, 395_999, 396_000, 479_999, 480_000, 480_001, 600_000, 10_000_000],
        [1, 4, 5],
        [0, 1],
        [0, 1],
    )
    kwh = peak + valley
    return {
        "kwh_peak": peak,
        "kwh_valley": valley,
        "ytd_kwh": ytd,
        "last_year_kwh": np.where(kwh % 3 == 0, kwh // 3 * 2, kwh),
        "household_size": size,
        "low_income": low_income,
        "on_tou": on_tou,
    }


def _industrial_edges() -> Columns:
    """No use at all, one step of it, the bounds, exact power-factor ties, the discount and the 260 kWh/kVA limits."""
    points = [
        # (kWh, kvarh) in hundredths
        (0, 0),
        (0, 500),
        (1, 0),
        (1, 1),
        (400_000, 300_000),
        (200_000_000, 210_000_000),
        (100_000_000, 0),
        (100_000_001, 50_000_000),
        (99_999_999, 50_000_000),
        (500_000_000, 1_000_000_000),
    ]
    rows: list[tuple[int, int, int, int, int, int, int, int]] = []
    for kwh, kvarh in [*points, *_power_factor_ties()]:
        for sharp, peak, flat in ((0, 0, 0), (kwh // 7, kwh // 3, kwh // 4), (kwh, 0, 0)):
            limit = max(1, min(200_000, kwh // 26_000))
            for kva in {1, 315, limit, min(200_000, limit + 1), 200_000}:
                rows += [
                    (sharp, peak, flat, kwh - sharp - peak - flat, 123_45, kvarh, kva, 0),
                    (sharp, peak, flat, kwh - sharp - peak - flat, 20_000_000, kvarh, kva, 1),
                ]
    table = np.array(rows, dtype=np.int64)
    return {column.name: table[:, position].copy() for position, column in enumerate(W2.inputs)}


def _power_factor_ties() -> list[tuple[int, int]]:
    """For every step of the power factor, kvarh on either side of its rounding tie: the nearest whole numbers."""
    pairs = []
    for kwh in (12_345_678, 499_999_999):
        for step in range(50, 100):
            # P / sqrt(P^2 + Q^2) = (2 step + 1) / 200  <=>  Q^2 = P^2 (200^2 - n^2) / n^2
            n = 2 * step + 1
            kvarh = isqrt(kwh * kwh * (40_000 - n * n) // (n * n))
            pairs += [(kwh, kvarh + shift) for shift in (-1, 0, 1, 2)]
    return pairs


W1 = Workload(
    name="W1",
    title="residential",
    inputs=(
        Input("kwh_peak", 2, 0, 1_000_000),
        Input("kwh_valley", 2, 0, 1_000_000),
        Input("ytd_kwh", 2, 0, 10_000_000),
        Input("last_year_kwh", 2, 0, 10_000_000),
        Input("household_size", 0, 1, 20),
        Input("low_income", 0, 0, 1),
        Input("on_tou", 0, 0, 1),
    ),
    items=("energy.1", "energy.2", "energy.3", "peak", "valley", "free_quota"),
    flags=("usage_surge",),
    draw=_draw_residential,
    edges=_residential_edges,
)

W2 = Workload(
    name="W2",
    title="large industry, two-part",
    inputs=(
        Input("kwh_sharp", 2, 0, 500_000_000),
        Input("kwh_peak", 2, 0, 500_000_000),
        Input("kwh_flat", 2, 0, 500_000_000),
        Input("kwh_valley", 2, 0, 500_000_000),
        Input("max_demand_kw", 2, 0, 20_000_000),
        Input("kvarh", 2, 0, 1_000_000_000),
        Input("capacity_kva", 0, 1, 200_000),
        Input("basic_mode", 0, 0, 1),
    ),
    items=(
        "energy.sharp",
        "energy.peak",
        "energy.flat",
        "energy.valley",
        "basic",
        "power_factor",
        "quantity_discount",
        "fund_a",
        "fund_b",
    ),
    flags=(),
    draw=_draw_industrial,
    edges=_industrial_edges,
    claim=Claim("kwh", ("kwh_sharp", "kwh_peak", "kwh_flat", "kwh_valley"), 500_000_000),
)

WORKLOADS: Mapping[str, Workload] = {"W1": W1, "W2": W2}
