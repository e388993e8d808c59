"""What comparing a portfolio under two rate books costs, with causes, files and the report.

    python -m benchmarks.comparison             # 1,000,000 bills of the demo's portfolio
    python -m benchmarks.comparison 10000000

The new book is the shipped one with eight numbers changed, in the four rule sets that most rows name. CPU is of all
threads, of the whole command but for compiling the rules, which the cache keeps; memory is the peak of the process.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROWS: Final = 1_000_000
SETTINGS: Final = (
    "cn.guangdong.residential:price[shenzhen].household@2026-01-01=0.6642",
    "cn.guangdong.residential:price[shenzhen].valley@2026-01-01=0.2386",
    "cn.guangdong.residential:tier_uplift.1.price@2026-01-01=0.06",
    "cn.hubei.industry_commerce:prices.energy_price[two_part, from_1_to_20kv].peak@2026-01-01=0.868961",
    "cn.hubei.industry_commerce:prices.renewables@2026-01-01=2.10",
    "cn.jiangsu.residential:valley.price@2026-01-01=-0.1800",
    "cn.sichuan.residential:energy_price@2026-01-01=0.5324",
    "cn.sichuan.residential:second_limit@2026-01-01=300",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU [s] of the two halves, and peak memory [MB]."""

    rows: int
    differences: int
    compare_seconds: float
    report_seconds: float
    memory_mb: float

    @property
    def seconds(self) -> float:
        return self.compare_seconds + self.report_seconds


def measure(rows: int, folder: Path) -> Measured:
    """Write a portfolio, and compare its bills."""
    from engine.bulk.portfolio import write_portfolio
    from engine.cache.compiled import book_and_problems
    from engine.comparison.compare import Options, compare
    from engine.comparison.result import to_json
    from engine.comparison.settings import parse_setting
    from engine.comparison.what_if import with_values

    source = folder / "portfolio.parquet"
    write_portfolio(source, rows, seed=1)
    old, problems = book_and_problems([Path("rules")])
    assert not problems
    began = time.process_time()
    new = with_values(old, [parse_setting(text) for text in SETTINGS])
    made = compare(old, new, source, Options(output=folder / "out", by=("region", "month"), threads=2))
    data = to_json(made)
    (folder / "out" / "comparison.json").write_text(json.dumps(data), encoding="utf-8")
    compared = time.process_time()
    from engine.comparison.report import report  # its import is a part of what it costs

    (folder / "out" / "report.html").write_text(report(data), encoding="utf-8")
    reported = time.process_time()
    (cny,) = data["currencies"]
    assert {one["path"] for one in cny["causes"]} == {text.split(":")[1].split("@")[0] for text in SETTINGS}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(rows, made.rows["differences"], compared - began, reported - compared, memory)


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        found = measure(rows, Path(folder))
    print(f"{found.rows:,} rows, {found.differences:,} differences with their causes")
    print(f"compare  {found.compare_seconds:6.2f} s of CPU")
    print(f"report   {found.report_seconds:6.2f} s of CPU")
    print(f"in all   {found.seconds:6.2f} s of CPU, {found.memory_mb:,.0f} MB at most")


if __name__ == "__main__":
    main()
