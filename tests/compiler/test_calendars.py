"""A calendar that several files make together: holidays of a shared file, hours of the rule set."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.compiler.small import HEAD, compiled, problems, row, totals

SHARED = """\
shared: cn.test.holidays
source: {standing: example}
calendar:
  holidays:
    public: {source: {standing: example}, days: [2024-03-02]}
"""
RULES = (
    HEAD
    + """\
uses: [cn.test.holidays]
calendar:
  timezone: Asia/Shanghai
  holidays:
    own: {source: {standing: example}, days: [2024-03-03]}
  day_types: {holiday: public, quiet: own, workday: rest}
  tou_periods:
    - {months: all, day_types: [holiday, quiet], valley: rest}
    - {months: all, day_types: [workday], peak: [08:00-12:00], valley: rest}
lists:
  load:
    every: 60 minutes
    at_most: 100
    inputs:
      kwh: {unit: kWh, places: 0, from: 0, to: 10}
quantities:
  kwh: sum(load.kwh)
  peak: "sum(load.kwh if load.tou_period == peak else 0)"
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {kind: time_of_use, quantity: {peak: peak, valley: kwh - peak}, price: {peak: 1, valley: 0.5}}
"""
)


def test_holidays_of_a_shared_file(tmp_path: Path) -> None:
    """1 March is a workday: 4 x 1 + 20 x 0.5; the 2nd is in the shared list, the 3rd in the rule set's: 24 x 0.5."""
    of = compiled(tmp_path, RULES, {"holidays.shared.yaml": SHARED})
    items = [{"kwh": Decimal(1)}] * 24

    days = [("2024-03-01", "2024-03-02"), ("2024-03-02", "2024-03-03"), ("2024-03-03", "2024-03-04")]
    found = totals(of, [row(*day, load=items) for day in days])

    assert found == ["14.00", "12.00", "12.00"]


def test_a_list_of_one_name_in_two_files(tmp_path: Path) -> None:
    twice = SHARED.replace("public:", "own:")

    found = problems(tmp_path, RULES.replace("holiday: public, ", ""), {"holidays.shared.yaml": twice})

    assert "name-twice" in found
