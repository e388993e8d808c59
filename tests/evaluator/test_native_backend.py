"""The native backend: what is compiled and when, where it is kept, and what is said without numba."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import dianjia, workloads
from engine.cli import main
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator import families
from engine.evaluator import native as native_module
from engine.evaluator.batch import dispatch
from engine.evaluator.evaluate import Plans, evaluate
from engine.evaluator.families import NATIVE_ROWS_MIN, Families
from engine.evaluator.native import Looped, NoNative
from engine.evaluator.rows import Column, same
from engine.language.problems import ProblemsFound
from engine.service.settings import read_settings
from tests.evaluator.mixing import told, variant
from tests.evaluator.test_native import assert_same, compiled_plan


def prices(folder: Path, price: str) -> Compiled:
    """W1 with another price on its first tier."""
    text = (dianjia.RULES / "w1.ruleset.yaml").read_text(encoding="utf-8")
    tests = text.index("\ntests:")
    folder.mkdir(exist_ok=True)
    (folder / "w1.ruleset.yaml").write_text(text[:tests].replace("price: 0.5283", f"price: {price}"), encoding="utf-8")
    (compiled,) = compile_paths([folder]).rulesets.values()
    return compiled


def billed_natively(compiled: Compiled) -> Plans:
    _, rows = dianjia._load(workloads.W1, workloads.columns(workloads.W1, 100))
    plans = Plans(compiled, "native")
    ruleset = Column(same(np.int64(0), len(rows)), codes=(compiled.id,))
    assert_same(
        evaluate(compiled, replace(rows, ruleset=ruleset)),
        evaluate(compiled, replace(rows, ruleset=ruleset), plans=plans),
    )
    return plans


def texts(plans: Plans) -> list[str]:
    return [step.segment.text for step in compiled_plan(plans).steps if isinstance(step, Looped)]


def test_machine_code_is_kept_and_shared_by_rule_sets_of_one_structure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prices are parameters; the text holds no word of the rules; without its folder, it is compiled again."""
    monkeypatch.setenv("DIANJIA_CACHE", str(tmp_path / "cache"))
    first = billed_natively(prices(tmp_path / "one", "0.5283"))
    (kept,) = (tmp_path / "cache" / "native").glob("segment_*.py")
    again = billed_natively(prices(tmp_path / "two", "0.6"))

    assert texts(first) == texts(again)
    assert not any(word in texts(first)[0] for word in ("kwh", "income", "0.52", "0.03"))
    assert [kept] == list((tmp_path / "cache" / "native").glob("segment_*.py"))
    (step,) = compiled_plan(again).steps
    assert isinstance(step, Looped)
    dispatcher: Any = step.call
    assert dispatcher.stats.cache_hits

    for file in (tmp_path / "cache" / "native" / "__pycache__").iterdir():
        file.write_bytes(b"half")
    billed_natively(prices(tmp_path / "one", "0.5283"))
    shutil.rmtree(tmp_path / "cache")
    billed_natively(prices(tmp_path / "one", "0.5283"))


def test_a_plan_is_compiled_when_enough_rows_have_come() -> None:
    """Where many rule sets are billed; reasons of refusals are computed by numpy."""
    columns = {name: values.copy() for name, values in workloads.columns(workloads.W1, NATIVE_ROWS_MIN // 2).items()}
    columns["kwh_peak"][3] = -1
    plans, rows = dianjia._load(workloads.W1, columns)
    own = Families({"w1": plans.compiled}, backend="native").plans(0)

    evaluate(plans.compiled, rows, plans=own)
    few = own.native_share()
    got = evaluate(plans.compiled, rows, plans=own)

    assert few == (0, 0)
    assert own.native_share()[0] > 0
    assert_same(evaluate(plans.compiled, rows), got)


def test_rule_sets_of_one_structure_are_billed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row fetches the figures of its own rule set; which rows are billed, and refused, is the same."""
    monkeypatch.setattr(families, "NATIVE_ROWS_MIN", 0)
    book = {one.id: one for one in (variant(dianjia.compiled("W1"), number) for number in range(3))}
    _, rows = dianjia._load(workloads.W1, workloads.columns(workloads.W1, 600))
    rows = replace(rows, ruleset=Column(np.arange(600) * 7 % 3, codes=tuple(book)))
    rows.columns["kwh_peak"].values[5] = -1
    native = Families(book, backend="native")

    expected, got = dispatch(book, rows), dispatch(book, rows, plans=native)

    assert native.native_share()[0] > 0
    assert expected.refused == got.refused
    assert told(expected) == told(got)


def test_a_run_of_few_rows_says_why_nothing_is_in_machine_code(tmp_path: Path) -> None:
    source = tmp_path / "portfolio.csv"
    source.write_text("row_id,ruleset,period_from,period_to\n1,benchmark.residential,2026-01-01,2026-02-01\n")
    command = ["run", "--rules", str(dianjia.RULES / "w1.ruleset.yaml"), "--input", str(source), "--backend", "native"]

    told = CliRunner().invoke(main, [*command, "--output", str(tmp_path / "en")]).output
    told_zh = CliRunner().invoke(main, [*command, "--output", str(tmp_path / "zh"), "--language", "zh"]).output

    assert "nothing in machine code: numpy bills the first 100,000 rows of each structure, and there were no" in told
    assert "没有用机器码" in told_zh


def test_a_backend_that_there_is_not() -> None:
    compiled = dianjia.compiled("W1")
    for make in (lambda: Plans(compiled, "cuda"), lambda: Families({compiled.id: compiled}, backend="cuda")):  # type: ignore[arg-type]  # the point
        with pytest.raises(ValueError, match="backend is numpy or native; came 'cuda'"):
            make()


class TestWithoutNumba:
    """What is missing, and what to install."""

    @pytest.fixture(autouse=True)
    def missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(native_module, "find_spec", lambda name: None)

    def test_columns(self) -> None:
        plans, rows = dianjia._load(workloads.W1, workloads.columns(workloads.W1, 10))

        with pytest.raises(NoNative, match=r"needs numba, which is not installed: pip install 'dianjia\[native\]'"):
            evaluate(plans.compiled, rows, backend="native")

    @pytest.mark.parametrize("command", [["test"], ["run", "--input", "none.csv", "--output", "none"]])
    def test_commands(self, command: list[str]) -> None:
        found = CliRunner().invoke(main, [*command, "--backend", "native"])

        assert found.exit_code == 2
        assert "pip install 'dianjia[native]'" in found.output

    def test_the_server(self) -> None:
        with pytest.raises(ProblemsFound, match="numba is not installed"):
            read_settings({"backend": "native"})


def test_a_run_tells_how_much_is_in_machine_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "NATIVE_ROWS_MIN", 0)
    rule = dianjia.RULES / "w1.ruleset.yaml"
    row = {"row_id": 1, "ruleset": "benchmark.residential", "period_from": "2026-01-01", "period_to": "2026-02-01"}
    row |= {"kwh_peak": 41.5, "kwh_valley": 58.5, "ytd_kwh": 3000, "last_year_kwh": 60, "household_size": 5}
    row |= {"low_income": "true", "on_tou": "true"}
    source = tmp_path / "portfolio.csv"
    source.write_text(f"{','.join(row)}\n{','.join(map(str, row.values()))}\n")

    output = tmp_path / "bills"
    command = ["run", "--rules", str(rule), "--input", str(source), "--output", str(output), "--backend", "native"]
    found = CliRunner().invoke(main, command)

    assert found.exit_code == 0, found.output
    (line,) = (line for line in found.output.splitlines() if line.startswith("in machine code"))
    native, _, all_ = line.removeprefix("in machine code").split()
    assert native == all_
    assert json.loads((output / "summary.json").read_text())["native"]["of"] == int(all_)
