"""The registry's database goes away under a running server, and comes back: a real PostgreSQL, stopped and started."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc

from dianjia.ratebooks.v1 import ratebooks_pb2 as ratebooks
from dianjia.ratebooks.v1.ratebooks_pb2_grpc import RateBookServiceStub
from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.rating.v1.rating_pb2_grpc import RatingServiceStub
from dianjia.rulesets.v1 import rulesets_pb2 as rulesets
from dianjia.rulesets.v1.rulesets_pb2_grpc import RuleSetServiceStub
from tests.postgresql import Cluster
from tests.service.rate_books import home, in_folder
from tests.service.serving import run_server, serving, write_tokens
from tests.service.steps import TOKENS, activate, activated, approved, bill, published, rows
from tests.service.told import told

DUE_SECONDS = 8.0  # how long before its instant the version is activated: the database is gone by then


def test_everything_known_goes_on(own_postgresql: Cluster, tmp_path: Path) -> None:
    """Bills and streams go on, a planned activation takes effect, steps are to come again; then all is as before."""
    rules = in_folder(tmp_path / "rules", home())
    url = own_postgresql.create_database()
    settings = {"follow_seconds": 0.1}
    with (
        serving(tmp_path / "server", rules=rules, tokens=TOKENS, database=url, settings=settings) as server,
        server.channel("wang") as wang,
        server.channel("li") as li,
    ):
        first = activated(wang, li, home("0.5100"))
        server.wait_for(lambda: bill(li).version == first)
        second = approved(wang, li, home("0.5200"))
        instant = datetime.now(UTC) + timedelta(seconds=DUE_SECONDS)
        activate(li, second, instant.isoformat())
        spare = published(wang).name
        bill(li, second)  # it is compiled by then

        own_postgresql.stop()
        billed = [bill(li) for _ in range(3)]
        streamed = _stream(li, "while it is gone")
        listed = RuleSetServiceStub(li).ListRuleSets(rulesets.ListRuleSetsRequest())
        approve = ratebooks.ApproveRateBookRequest(request_id="once", name=spare, why="looked at it")
        steps = {
            "approve": lambda: RateBookServiceStub(li).ApproveRateBook(approve),
            "list": lambda: RateBookServiceStub(li).ListRateBooks(ratebooks.ListRateBooksRequest()),
            "publish": lambda: published(wang),
            "a version that is not loaded": lambda: bill(li, "0" * 64),
        }
        refused = {name: told(step) for name, step in steps.items()}
        before_the_instant = datetime.now(UTC) < instant
        server.wait_for(lambda: datetime.now(UTC) >= instant + timedelta(milliseconds=20))
        after_the_instant = bill(li)

        own_postgresql.start()
        server.wait_for(lambda: _works(steps["approve"]), 30)
        active = RateBookServiceStub(li).GetRateBook(ratebooks.GetRateBookRequest(name="rateBooks/active")).rate_book
        server.wait_for(lambda: len(_uses(li, first)) == 2, 30)
        uses = _uses(li, first)
        third = activated(wang, li, home("0.5300"))
        server.wait_for(lambda: bill(li).version == third)

    assert before_the_instant, "the machine was too slow for this test to show what it is meant to"
    assert {(one.version, one.total.unscaled) for one in billed} == {(first, 5100)}
    assert (streamed.version, streamed.billed) == (first, 100)
    assert listed.version == first
    assert {name: (found.status, found.code) for name, found in refused.items()} == dict.fromkeys(
        steps, (grpc.StatusCode.UNAVAILABLE, "registry-unavailable")
    )
    assert [name for name, found in refused.items() if not found.pause_seconds] == []
    assert (after_the_instant.version, after_the_instant.total.unscaled) == (second, 5200)
    assert active.version == second
    assert uses["while it is gone"] == 100
    assert uses[""] >= len(billed)


def test_a_server_without_its_database_does_not_start(own_postgresql: Cluster, tmp_path: Path) -> None:
    """Which version is active is not known then, and none is guessed."""
    url = own_postgresql.create_database()
    own_postgresql.stop()
    rules = in_folder(tmp_path / "rules", home())
    tokens = write_tokens(tmp_path / "tokens.toml", TOKENS)

    done = run_server(tmp_path, "--port", "0", "--rules", str(rules), "--database", url, "--tokens", str(tokens))

    assert done.returncode == 1
    assert "registry-silent: the registry postgresql://" in done.stderr
    assert "refused" in done.stderr  # why, as the database's driver says it
    assert "Traceback" not in done.stderr


def _stream(channel: grpc.Channel, run: str) -> rating.CalculateBillsResponse:
    """Bill one chunk of a run."""
    request = rating.CalculateBillsRequest(sequence=0, chunk=rows(0, 100), run=run)
    (found,) = RatingServiceStub(channel).CalculateBills(iter([request]))
    answer: rating.CalculateBillsResponse = found
    return answer


def _works(step: Callable[[], object]) -> bool:
    try:
        step()
    except grpc.RpcError:
        return False
    return True


def _uses(channel: grpc.Channel, version: str) -> dict[str, int]:
    asked = ratebooks.ListVersionUseRequest(name=f"rateBooks/{version}")
    return {one.run: one.bills for one in RateBookServiceStub(channel).ListVersionUse(asked).uses}
