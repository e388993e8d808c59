"""Every shipped rule set bills the same to the digit through the library, the service and the command line."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest

from dianjia.rating.v1 import rating_pb2, rating_pb2_grpc
from dianjia.type.v1 import type_pb2
from engine.compiler.program import Compiled
from engine.evaluator.batch import dispatch
from engine.evaluator.draw import draw
from engine.evaluator.rows import Rows
from tests.billing import ROOT, book
from tests.service.asking import rating
from tests.service.billed import Billed, Outcome, Refused, as_run, of_bill, of_error, of_library, of_run, of_stream
from tests.service.refusals import row_error
from tests.service.sending import chunk_of, joined, row_of, without_floats, write_portfolio
from tests.service.serving import SHIPPED, Server, serving

STREAMED = 250  # rows a rule set
TIMED = 40  # of a rule set whose rows have thousands of intervals
SINGLE = 24  # of these, rows that are asked for one by one


@pytest.fixture(scope="module")
def shipped() -> Mapping[str, Compiled]:
    """The shipped rule sets, by key."""
    return {key: one for key, one in book().items() if Path(one.place.file).resolve().is_relative_to(SHIPPED)}


@pytest.fixture(scope="module")
def batches(shipped: Mapping[str, Compiled]) -> Mapping[str, Rows]:
    """Rows of each, by key, a share of them spoilt."""
    found = {}
    for key, compiled in shipped.items():
        timed = any(axis.minutes for axis in compiled.program.axes)
        found[key] = without_floats(draw(compiled, TIMED if timed else STREAMED, 20260101))
    return found


@pytest.fixture(scope="module")
def expected(shipped: Mapping[str, Compiled], batches: Mapping[str, Rows]) -> Mapping[str, list[Outcome]]:
    """What the library makes of the rows."""
    return {key: of_library(dispatch(shipped, rows, details=True)) for key, rows in batches.items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), rules=SHIPPED) as server:
        yield server


def test_something_of_every_kind_is_compared(
    shipped: Mapping[str, Compiled], expected: Mapping[str, list[Outcome]]
) -> None:
    """Every rule set bills rows; there are refusals, parts, lists, warnings."""
    outcomes = [one for made in expected.values() for one in made]
    bills = [one for one in outcomes if isinstance(one, Billed)]

    found = {
        "rule sets that bill": sum(any(isinstance(one, Billed) for one in made) for made in expected.values()),
        "with lists": sum(bool(one.program.axes) for one in shipped.values()),
        "refused for a hundred reasons and more": len({one.reason for one in outcomes if isinstance(one, Refused)})
        > 100,
        "in parts": any(line.part > 1 for one in bills for line in one.lines),
        "with warnings": any(one.warnings for one in bills),
        "with hidden lines": len({len(one.lines) for one in bills if one.ruleset == "cn.jiangsu.residential"}) > 1,
    }

    assert found == {
        "rule sets that bill": 73,
        "with lists": 22,
        "refused for a hundred reasons and more": True,
        "in parts": True,
        "with warnings": True,
        "with hidden lines": True,
    }


def test_a_stream(server: Server, batches: Mapping[str, Rows], expected: Mapping[str, list[Outcome]]) -> None:
    """A chunk of each rule set in one stream, with quantities and prices."""
    requests = [
        rating_pb2.CalculateBillsRequest(sequence=at, chunk=chunk_of(rows, at * STREAMED))
        for at, rows in enumerate(batches.values())
    ]
    requests[0].detail = rating_pb2.DETAIL_FULL

    with server.channel() as channel:
        answers = list(rating(channel).CalculateBills(iter(requests)))

    assert [one.sequence for one in answers] == list(range(len(requests)))
    for key, answer in zip(batches, answers, strict=True):
        assert (key, of_stream(answer)) == (key, expected[key])


def test_rows_of_many_rule_sets_in_one_chunk(
    server: Server, shipped: Mapping[str, Compiled], batches: Mapping[str, Rows]
) -> None:
    """Each group says which rows of the chunk are its own; rows of one rule set lie between those of others."""
    keys = [key for key in batches if key.startswith("cn.") and "residential" in key]
    rows = joined([batches[key] for key in keys])
    wanted = of_library(dispatch(shipped, rows, details=True))

    with server.channel() as channel:
        request = rating_pb2.CalculateBillsRequest(chunk=chunk_of(rows), detail=rating_pb2.DETAIL_FULL)
        (answer,) = rating(channel).CalculateBills(iter([request]))

    assert len(keys) > 5
    assert Counter(group.ruleset for group in answer.groups) == Counter(keys)
    assert of_stream(answer) == wanted


def test_single_calls(server: Server, batches: Mapping[str, Rows], expected: Mapping[str, list[Outcome]]) -> None:
    """A row alone: the same bill, or the same refusal in the same words."""
    with server.channel() as channel:
        stub = rating(channel)
        for key, rows in batches.items():
            for at in range(SINGLE):
                assert (key, at, _single(stub, row_of(rows, at))) == (key, at, expected[key][at])


def _single(stub: rating_pb2_grpc.RatingServiceStub, row: type_pb2.Row) -> Outcome:
    try:
        return of_bill(stub.CalculateBill(rating_pb2.CalculateBillRequest(row=row)).bill)
    except grpc.RpcError as error:
        return of_error(row_error(error))


def test_the_command_line(
    shipped: Mapping[str, Compiled],
    batches: Mapping[str, Rows],
    expected: Mapping[str, list[Outcome]],
    tmp_path: Path,
) -> None:
    """`dianjia run` over one file with the rows of every rule set."""
    file, out = tmp_path / "rows.parquet", tmp_path / "out"
    write_portfolio(file, list(batches.values()))
    command: list[Any] = [sys.executable, "-m", "engine.start", "run", "--rules", SHIPPED, "--input", file]
    command += ["--output", out, "--details", "--amounts", "decimal"]
    places = max(one.program.steps[one.program.total].type.places for one in shipped.values())
    wanted = as_run([one for made in expected.values() for one in made], places)

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (out / "summary.json").exists(), done.stderr
    for at, (one, other) in enumerate(zip(of_run(out, len(wanted)), wanted, strict=True)):
        assert (at, one) == (at, other)
