"""What a year of hours is billed by, and on: three rates of the U.S. Utility Rate Database, and meters' loads.

Gives each rate as JSON (for the other calculators) and as the rule set that `dianjia import urdb` makes of it, and
seeded loads as whole thousandths of a kWh, so that every side reads the same numbers. Conventions are those of the
saved bills (`tests/urdb/README.md`): 8,760 hours, 1 January is a Monday, no holidays, no daylight saving; tiers of
several time-of-use periods are pooled and shared pro rata; amounts have 6 decimals, as doubles are not rounded either.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.rows import EPOCH, Children, Column, Rows
from engine.urdb.draft import Options, TierScope
from engine.urdb.rate import read_rate
from engine.urdb.translate import translate
from engine.urdb.write import document

HERE: Final = Path(__file__).resolve().parent
CASES: Final = HERE.parent / "tests" / "urdb" / "cases"
PLACES: Final = 3  # of a load: thousandths of a kWh
HOURS: Final = 8760
FIRST_DAYS: Final = [*(date(2018, month, 1) for month in range(1, 13)), date(2019, 1, 1)]  # 2018 began on a Monday
MONTH_STARTS: Final = np.array([(day - FIRST_DAYS[0]).days * 24 for day in FIRST_DAYS], dtype=np.int64)
HOUR_KWH_MAX, MONTH_KWH_MAX = 1_000, 1_000_000  # narrower than the import's: an exact pro rata share needs the digits

Loads = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate, and what a year of it holds."""

    name: str
    title: str
    file: Path

    @property
    def text(self) -> str:
        """The rate's JSON."""
        return self.file.read_text(encoding="utf-8")

    @property
    def fields(self) -> Mapping[str, Any]:
        """The rate's fields, of URDB's version 8."""
        found: dict[str, Any] = json.loads(self.text)
        return found


RATES: Final = {
    rate.name: rate
    for rate in (
        Rate("sample", "tiers × time-of-use, demand by period in tiers", HERE / "rates" / "nrel_sample.json"),
        Rate("tou-dr-1", "SDG&E TOU-DR-1: tiers × time-of-use", CASES / "toutiered_sdge_toudr1" / "rate.json"),
        Rate("e-19", "PG&E E-19: time-of-use, demand by period", CASES / "demandtou_pge_e19" / "rate.json"),
    )
}


@cache
def compiled(rate: Rate, scope: TierScope = "pooled_pro_rata") -> Compiled:
    """Import a rate as `dianjia import urdb` does, with narrower bounds, and compile it."""
    said = Options(timezone="Etc/GMT+8", in_force="2018-01-01..", minor_places=6, kwh_places=PLACES, tier_scope=scope)
    ruleset: Any = translate(read_rate(rate.text), said).ruleset
    ruleset["lists"]["intervals"]["inputs"]["kwh"]["to"] = HOUR_KWH_MAX
    ruleset["quantities"]["kwh"]["to"] = MONTH_KWH_MAX
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rate.ruleset.yaml"
        file.write_text(document(ruleset), encoding="utf-8")
        (found,) = compile_paths([file]).rulesets.values()
    return found


def loads(meters: int, seed: int = 20_180_101) -> Loads:
    """Draw the loads of commercial meters.

    An open day from eight to six and less at night and on weekends, more in summer afternoons, each meter with a size,
    shift and noise of its own; the largest hour is between some 20 and 250 kWh.

    Returns:
        shape (meter, hour) [0.001 kWh]
    """
    drawn = np.random.default_rng(seed)
    hour = np.arange(HOURS)
    of_day, day = hour % 24, hour // 24
    size = drawn.uniform(15.0, 150.0, (meters, 1))
    middle = drawn.uniform(12.0, 15.0, (meters, 1))
    open_ = np.exp(-(((of_day - middle) / 4.5) ** 2)) * np.where(day % 7 < 5, 1.0, 0.45)
    summer = 0.5 + 0.5 * np.cos((day - 200) / 365 * 2 * np.pi)
    cooling = 0.35 * summer * np.exp(-(((of_day - 16) / 3.0) ** 2))
    noise = drawn.normal(1.0, 0.06, (meters, HOURS)).clip(0.7, 1.4)
    kwh = size * (0.25 + 0.75 * open_ + cooling) * noise
    found: Loads = np.rint(kwh * 10**PLACES).astype(np.int64)
    return found


def rows(rate: Rate, given: Loads, *, by_month: bool = False, scope: TierScope = "pooled_pro_rata") -> Rows:
    """Lay loads out as bills: a row a meter and month, with the list of its hours.

    Args:
        rate: what they are billed by.
        given: shape (meter, hour) [0.001 kWh]
        by_month: January of every meter, then February, as a utility bills; else a meter's year, then the next meter's.
        scope: of the tiers.
    """
    days = np.array([day.toordinal() - EPOCH for day in FIRST_DAYS], dtype=np.int64)
    meters = len(given)
    count = 12 * meters
    if by_month:
        kwh = np.concatenate([given[:, first:end].ravel() for first, end in months()])
        period_from, period_to = np.repeat(days[:-1], meters), np.repeat(days[1:], meters)
    else:
        kwh = given.ravel()
        period_from, period_to = np.tile(days[:-1], meters), np.tile(days[1:], meters)
    offsets = np.concatenate([[0], np.cumsum((period_to - period_from) * 24)]).astype(np.int64)
    return Rows(
        row_id=np.arange(count, dtype=np.int64),
        ruleset=Column(np.zeros(count, dtype=np.int64), codes=(compiled(rate, scope).id,)),
        period_from=period_from,
        period_to=period_to,
        children={"intervals": Children(offsets, {"kwh": Column(kwh, PLACES)})},
    )


def months() -> tuple[tuple[int, int], ...]:
    """Give each month's first hour and the hour after its last."""
    return tuple(pairwise(MONTH_STARTS.tolist()))
