"""The example in TypeScript, installed and built as a newcomer would, against a real server."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.compiler.compile import compile_paths
from engine.evaluator.reference import Bill, Reference
from engine.evaluator.rows import RowProblem
from tests.client.households import RULESET, before, kwh
from tests.documents import ROOT
from tests.service.serving import RESIDENTIAL, SHIPPED, Server, serving

EXAMPLE = Path("docs/examples/node")
ROWS = 1_800
FROM, TO = date(2026, 3, 1), date(2026, 4, 1)


def run(command: list[str], folder: Path, timeout: float = 300.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example beside a copy of the protos, as they stand in the repository."""
    assert shutil.which("npm"), "Node and npm are needed: apt-get install nodejs npm"
    root = tmp_path_factory.mktemp("node")
    made = shutil.ignore_patterns("node_modules", "build", "generated")
    shutil.copytree(ROOT / EXAMPLE, root / EXAMPLE, ignore=made)
    for proto in (ROOT / "proto").rglob("*.proto"):
        to = root / proto.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(proto, to)
    for command in (["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], ["npm", "run", "build"]):
        done = run(command, root / EXAMPLE)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return root / EXAMPLE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as found:
        yield found


def household(number: int) -> dict[str, object]:
    """A household as the example makes it up."""
    row: dict[str, object] = {
        "kwh_total": Decimal(int(kwh(number))) / 100,
        "kwh_year_before": Decimal(int(before(number))) / 100,
    }
    if number % 5 == 1:
        row["voltage"] = "from_1_to_10kv"
    if number % 10 == 2:
        row["low_income"] = True
    if number % 7 == 3:
        row["household_size"] = "5"
    if number >= ROWS - 2:
        row["kwh_total"] = Decimal("-1.00")
    return row


def test_bills_as_the_library_does(installed: Path, server: Server) -> None:
    """Every bill that the example prints is, to the digit, what the library makes of the row in decimals."""
    done = run(["npm", "start", "--silent", "--", server.address, str(ROWS)], installed)

    assert (done.returncode, done.stderr) == (0, "")
    said = [line.split() for line in done.stdout.splitlines() if line]
    library = Reference(compile_paths([SHIPPED / RESIDENTIAL]).rulesets[RULESET])
    due, refused, total = [], [], Decimal(0)
    for number in range(ROWS):
        made = library.bill(household(number), period_from=FROM, period_to=TO)
        if isinstance(made, RowProblem):
            refused.append([str(number), made.code, made.field, made.value])
        else:
            due.append([str(number), str(made.total)])
            total += made.total
    assert [line[1:] for line in said if line[0] == "bill"] == due
    assert [line[1:] for line in said if line[0] == "refused"] == refused
    assert len(refused) == 2
    (month,) = [line for line in said if line[0] == "month"]
    assert month[1:3] == [str(total), "CNY"]
    assert len(month[4]) == 64
    seventeenth = library.bill(household(17), period_from=FROM, period_to=TO)
    assert isinstance(seventeenth, Bill)
    assert [line[1:] for line in said if line[0] == "one"] == [["17", str(seventeenth.total), "CNY"]]
    first = said[: len(seventeenth.lines)]
    assert first == [["line", one.id, str(one.amount)] for one in seventeenth.lines]
    assert ["because", "energy.2", "price.second[below_1kv]", "0.5783", "CNY/kWh"] in said


def test_nobody_answers(installed: Path) -> None:
    """Where no server listens the example says so in one line, and ends."""
    done = subprocess.run(
        ["node", "build/main.js", "127.0.0.1:1", str(ROWS)],
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("14 UNAVAILABLE")
