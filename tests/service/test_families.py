"""Rule sets of one structure in a chunk: a row is answered what a chunk of its rule set alone is answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dianjia.rating.v1 import rating_pb2
from engine.compiler.compile import compile_paths
from engine.evaluator.batch import dispatch
from engine.evaluator.rows import Column, Rows
from engine.service.answers import chunk_answer
from engine.service.books import LoadedBook, loaded
from engine.service.columns import ReadChunk, read_chunk
from engine.service.comparing import compared
from engine.service.warnings_raised import warnings_of
from tests.bulk.book import HOME, HOME_YAML
from tests.service.sending import chunk_of

HOMES = (HOME, "cn.test.cabin", "cn.test.manor")
COUNT = 600


def book(folder: Path, *prices: str) -> LoadedBook:
    """Rule sets of one structure, of a price each and of their own words."""
    folder.mkdir()
    for name, price in zip(HOMES, prices, strict=True):
        text = HOME_YAML.replace(HOME, name).replace("0.5283", price).replace("用电 {kwh}", f"{name} {{kwh}}")
        (folder / f"{name}.ruleset.yaml").write_text(text, encoding="utf-8")
    return loaded("v" * 64, compile_paths([folder]), {})


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedBook, LoadedBook]:
    folder = tmp_path_factory.mktemp("books")
    return book(folder / "old", "0.5283", "0.6001", "0.7001"), book(folder / "new", "0.5283", "0.6002", "0.6999")


def chunks() -> dict[str, ReadChunk]:
    """All rows, and those of each rule set."""
    random = np.random.default_rng(3)
    which = random.integers(0, len(HOMES), COUNT)
    rows = Rows(
        row_id=np.arange(COUNT),
        ruleset=Column(which, codes=HOMES),
        period_from=np.full(COUNT, 20_454),
        period_to=np.full(COUNT, 20_485),
        columns={"kwh": Column(random.integers(-20_000, 200_000, COUNT), 2), "low_income": Column(which % 2 == 0)},
    )
    found = {"": read_chunk(chunk_of(rows))}
    for number, name in enumerate(HOMES):
        message = chunk_of(rows)
        message.rulesets.positions[:] = [number] * COUNT
        found[name] = read_chunk(message)
    return found


def _own(read: ReadChunk, name: str) -> set[int]:
    """Which rows name a rule set."""
    codes = read.rows.ruleset.codes or ()
    return {at for at, code in enumerate(read.rows.ruleset.values.tolist()) if codes[code] == name}


def test_bills(books: tuple[LoadedBook, LoadedBook]) -> None:
    """A group for each rule set, under its own name and hash."""
    old, _ = books
    answers = {}
    for name, read in chunks().items():
        done = dispatch(old.rulesets, read.rows, plans=old.plans, details=True)
        written = chunk_answer(done, read.rows, old.rulesets, sequence=1, version=old.version)
        answers[name] = rating_pb2.CalculateBillsResponse.FromString(written.data)
    mixed = answers.pop("")

    assert sorted(group.ruleset for group in mixed.groups) == sorted(HOMES)
    for group in mixed.groups:
        (alone,) = answers[group.ruleset].groups
        places = {row: at for at, row in enumerate(alone.index)}
        at = [places[row] for row in group.index]
        assert group.ruleset_hash == alone.ruleset_hash
        assert list(group.total.values) == [alone.total.values[one] for one in at]
        for line, of in zip(group.lines, alone.lines, strict=True):
            assert (line.id, line.money) == (of.id, of.money)
            assert list(line.amounts.values) == [of.amounts.values[one] for one in at]
    assert mixed.billed == sum(len(group.index) for group in mixed.groups)
    read = chunks()[""]
    refused = {error.index: error for error in mixed.row_errors}
    assert refused
    for name in HOMES:
        errors = {error.index: error for error in answers[name].row_errors}
        assert all(errors[row] == refused[row] for row in refused.keys() & _own(read, name))


def test_warnings(books: tuple[LoadedBook, LoadedBook]) -> None:
    """Each in the words of its own rule set."""
    found = {name: warnings_of(books[0], read, lambda: None) for name, read in chunks().items()}
    mixed = found.pop("")
    read = chunks()[""]

    assert len({warning.ruleset for warning in mixed.warnings}) == len(HOMES)
    for name in HOMES:
        own = _own(read, name)
        expected = [warning for warning in found[name].warnings if warning.index in own]
        assert expected == [warning for warning in mixed.warnings if warning.ruleset == name]
        assert all(warning.warning.message.startswith(name) for warning in expected)


def test_comparison(books: tuple[LoadedBook, LoadedBook]) -> None:
    """Each difference names its row's rule set."""
    found = {name: compared(*books, read, lambda: None) for name, read in chunks().items()}
    mixed = found.pop("")
    read = chunks()[""]

    assert {one.ruleset for one in mixed.differences} == {*HOMES[1:]}
    for name in HOMES:
        own = _own(read, name)
        expected = [one for one in found[name].differences if one.index in own]
        assert expected == [one for one in mixed.differences if one.ruleset == name]
