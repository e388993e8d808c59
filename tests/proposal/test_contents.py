"""What is told of a customer, as data: what an alternative sets, whichever rule set or alternative brings it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.advice.advise import advise
from engine.advice.result import AdviceResult
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from engine.evaluator.rows import Column, Rows
from engine.proposal.contents import Setting, contents
from engine.proposal.page import page
from engine.proposal.under import under
from engine.service.describing import alternative

OWN = """\
ruleset: cn.test.own
title: own
source: {standing: example}
in_force: {from: 2025-01-01, until_replaced: true}
version_by: period_from
inputs:
  kwh:  {unit: kWh, places: 0, from: 0, to: 1000000}
  tou:  {type: code, codes: {hourly: by hour, single: one price}}
  meter: {type: code, codes: {old: old meter, new: new meter}}
energy: {not_priced: the test is about something else}
charges:
  all: {kind: formula, amount: "kwh * (0.50[CNY/kWh] if tou == hourly or meter == new else 0.60[CNY/kWh])"}
"""
PLAN = """\
ruleset: cn.test.plan
title: plan
source: {standing: example}
in_force: {from: 2025-01-01, through: 2025-01-31}
version_by: period_from
inputs:
  kwh: {unit: kWh, places: 0, from: 0, to: 1000000}
energy: {not_priced: the test is about something else}
charges:
  all: {kind: formula, amount: "kwh * 0.50[CNY/kWh]"}
"""
LATER = """\
ruleset: cn.test.plan
title: plan
source: {standing: example}
in_force: {from: 2025-02-01, until_replaced: true}
version_by: period_from
inputs:
  kwh:      {unit: kWh, places: 0, from: 0, to: 1000000}
  size:     {type: code, codes: {small: small, large: large size}}
  block_kw: {unit: kW, places: 0, from: 0, to: 100, title: block}
energy: {not_priced: the test is about something else}
charges:
  energy: {kind: formula, amount: "kwh * (0.40[CNY/kWh] if size == large else 1[CNY/kWh])"}
  block:  {kind: formula, amount: "abs(block_kw - 7[kW]) * 1[CNY/kW]"}
"""
ADVICE = """\
advice: cn.test.advice
title: advice
source: {standing: example}
for: [cn.test.own]
in_force: {from: 2025-01-01, until_replaced: true}
alternatives:
  meter:  {title: new meter, kind: measure, set: {meter: new}}
  hours:  {title: by hour, kind: choice, first: [meter], set: {tou: hourly}}
  all:    {title: all of it, kind: choice, first: [hours], set: {kwh: "kwh - min(kwh, 1[kWh])"}}
  plan:
    title: another plan
    kind: plan
    ruleset: cn.test.plan
    set: {size: large}
    best: {input: block_kw, from: "1[kW]", to: "50[kW]", step: 1}
"""


def _asked(folder: Path, name: str, own: str = OWN) -> tuple[RateBook, Rows, AdviceResult]:
    """Ask about one alternative for a customer of January and February 2025."""
    for file, text in (("own.ruleset", own), ("plan.ruleset", PLAN), ("later.ruleset", LATER), ("all.advice", ADVICE)):
        (folder / f"{file}.yaml").write_text(text, encoding="utf-8")
    book = compile_paths([folder])
    days = np.array(["2025-01-01", "2025-02-01", "2025-03-01"], "datetime64[D]").astype(np.int64)
    columns = {
        "kwh": Column(np.array([100, 200])),
        "tou": Column(np.zeros(2, np.int64), codes=("single",)),
        "meter": Column(np.zeros(2, np.int64), codes=("old",)),
    }
    named = Column(np.zeros(2, np.int64), codes=("cn.test.own",))
    rows = Rows(np.array(["one", "two"], object), named, days[:-1], days[1:], columns)
    return book, rows, advise(book, rows, ["a", "a"], only=[name])


def _settings(folder: Path, name: str) -> tuple[RateBook, tuple[Setting, ...]]:
    """What an alternative sets."""
    book, rows, made = _asked(folder, name)

    (told,) = contents(made, book, rows)

    (choice,) = told.choices
    assert choice.total is not None
    return book, choice.settings


def test_what_one_version_of_a_plan_alone_has_is_told(tmp_path: Path) -> None:
    """From February on the plan asks for a size and a block, with their titles: 7 kW costs nothing more."""
    book, found = _settings(tmp_path, "plan")

    assert found == (
        Setting("size", "size", "code", "large size"),
        Setting("block_kw", "block", "best", "7", "", "kW"),
    )
    (advice,) = book.advice["cn.test.own"]
    best = alternative(advice, advice.alternatives["plan"]).best
    assert (best.input, best.title, best.unit, best.places) == ("block_kw", "block", "kW", 0)


def test_what_comes_first_of_what_comes_first_is_told(tmp_path: Path) -> None:
    """All of it builds on the price by hour, and that on a new meter: both choices change."""
    _, found = _settings(tmp_path, "all")

    assert [(one.input, one.kind, one.to) for one in found] == [
        ("meter", "code", "new meter"),
        ("tou", "code", "by hour"),
        ("kwh", "computed", ""),
    ]


def test_no_share_of_bills_that_come_to_nothing(tmp_path: Path) -> None:
    """180.00 for 300 kWh and as much back: 30.00 less is no share of nothing, in the page's first sentence too."""
    own = OWN + '  back: {kind: formula, amount: "-0.60[CNY/kWh] * kwh"}\n'
    book, rows, made = _asked(tmp_path, "meter", own)
    (told,) = contents(made, book, rows)
    (choice,) = told.choices

    written = page(told, under(made.advised[0], book, rows), "en")

    assert (str(told.total), str(choice.saving), choice.percent) == ("0.00", "30.00", None)
    assert "less." in written
    assert "None" not in written.replace("None of", "")
