"""Whatever is exported, acknowledged and reversed in whatever order: what is posted is a version of the bill."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.registry.database import Database
from engine.runs.adjustment_sources import Bills
from tests.runs.adjusting import BillingSystem, Office, read

BILLS = tuple(f"B{number}" for number in range(7))
CHARGES = ("basic", "energy", "fund")
STEPS = 14


@dataclass
class Story:
    """A random sequence of steps on the same bills, with what a billing system makes of it."""

    office: Office
    name: str
    dice: random.Random
    runs: dict[str, tuple[Bills, dict[str, dict[str, str]]]] = field(default_factory=dict)
    last: dict[str, tuple[str, str, list[str]]] = field(
        default_factory=dict
    )  # bill -> run, kind, ids of its last batch
    checked: int = 0

    def __post_init__(self) -> None:
        self.original = self._version()
        self.system = BillingSystem.of(self.original)
        self.first = self.office.run(f"{self.name}-original", self.original)

    def play(self) -> None:
        """Take steps, check after each, then let everything be posted, and check again."""
        self._export()
        for _ in range(STEPS):
            self.dice.choice([self._export, self._settle, self._settle, self._reverse, self._further])()
            self._check()
        self._settle_all()
        self._check()
        self._export()
        self._settle_all()
        self._check()

    def _version(self) -> dict[str, dict[str, str]]:
        return {
            f"{self.name}-{bill}": {
                charge: f"{self.dice.randrange(-500, 20_000) / 100:.2f}"
                for charge in CHARGES
                if self.dice.random() < 0.7
            }
            for bill in BILLS
        }

    def _export(self) -> None:
        version = self._version()
        name = f"{self.name}-{len(self.runs)}"
        run = self.office.run(name, version, places=self.dice.choice([2, 3]), parts=self.dice.random() < 0.3)
        self.runs[name] = (run, version)
        done = self.office.export(run, self.first, hold_open=True)
        counts = done.summary["bills"]
        assert counts["in_both"] == sum(counts[name] for name in ("adjusted", "held", "waiting", "unchanged"))
        self._take(done.output, name, "export")

    def _further(self) -> None:
        name = self.dice.choice(list(self.runs))
        done = self.office.export(self.runs[name][0], self.first, hold_open=True, remaining=True)
        counts = done.summary["bills"]
        assert counts["in_both"] == sum(counts[name] for name in ("adjusted", "held", "waiting", "unchanged"))
        if not done.again:
            self._take(done.output, name, "export")

    def _reverse(self) -> None:
        name = self.dice.choice(list(self.runs))
        done = self.office.reverse(self.runs[name][0], hold=True, remaining=self.dice.random() < 0.7)
        if not done.again:
            self._take(done.output, name, "reverse")

    def _take(self, file: Path, run: str, kind: str) -> None:
        self.system.load(file, lambda _: None)
        by_bill = defaultdict(list)
        for row in read(file):
            by_bill[row["bill_id"]].append(row["adjustment_id"])
        self.last |= {bill: (run, kind, ids) for bill, ids in by_bill.items()}

    def _open(self) -> list[str]:
        return [one for one in self.system.known if one not in self.system.outcomes]

    def _settle(self) -> None:
        mine = [one for one in self._open() if self.dice.random() < 0.6]
        self._acknowledge(mine, 0.75)

    def _settle_all(self) -> None:
        self._acknowledge(self._open(), 1)

    def _acknowledge(self, ids: list[str], share_posted: float) -> None:
        """Post or reject; of a pair, the reversal goes the way of what it reverses, as the file asks."""
        told: dict[str, str] = {}
        for one in ids:
            before = (self.system.known[one]["reverses"] or "").split()
            paired = [self.system.outcomes[of] for of in before if of in self.system.outcomes]
            if len(paired) < len(before):
                continue  # what it reverses is still open
            if "rejected" in paired:
                told |= self.system.settle(one, "rejected")
            else:
                told |= self.system.settle(one, "posted" if self.dice.random() < share_posted else "rejected")
        self.office.acknowledge(told)

    def _check(self) -> None:
        """A bill of which nothing is open stands where the last file that spoke of it wanted it."""
        unsettled = {self.system.known[one]["bill_id"] for one in self._open()}
        for bill, (run, kind, ids) in self.last.items():
            if bill in unsettled:
                continue
            said = {self.system.outcomes[one] for one in ids}
            amounts = {charge: one for charge, one in self.system.amounts[bill].items() if one}
            if kind == "export" and said == {"posted"}:
                wanted = {name: Decimal(one) for name, one in self.runs[run][1][bill].items() if Decimal(one)}
                assert wanted == amounts
                self.checked += 1
            elif kind == "reverse" and (said == {"posted"} or self._went_with_its_pair(ids)):
                assert not self._left_of(run, bill)
                self.checked += 1

    def _went_with_its_pair(self, ids: list[str]) -> bool:
        return all(
            {self.system.outcomes[one]}
            == {self.system.outcomes[of] for of in self.system.known[one]["reverses"].split()}
            for one in ids
        )

    def _left_of(self, run: str, bill: str) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for id_, row in self.system.known.items():
            if (row["run"], row["bill_id"], self.system.outcomes.get(id_)) == (run, bill, "posted"):
                sums[row["charge"]] += row["amount"]
        return {charge: one for charge, one in sums.items() if one}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A ledger in a file of SQLite, and one in PostgreSQL."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    found = Database(url)
    yield found
    found.close()


def test_what_is_posted_is_always_a_version_of_the_bill(database: Database, tmp_path: Path) -> None:
    """Seeded stories in one ledger, each with bills of its own."""
    checked = 0
    ends: list[Any] = []

    for seed in range(6):
        story = Story(Office(database, tmp_path / str(seed)), f"s{seed}", random.Random(seed))
        story.play()
        checked += story.checked
        _, version = list(story.runs.values())[-1]
        wanted = {bill: {n: Decimal(a) for n, a in its.items() if Decimal(a)} for bill, its in version.items()}
        ends.append(wanted == story.system.bills())

    assert all(ends), "the last version, exported and posted with nothing open, is what was posted"
    assert checked > 100
