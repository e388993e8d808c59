"""Recalculations as calls: a real server, a process of its own for each run, files on the disk."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import grpc
import pyarrow.parquet as pq
import pytest
from google.rpc import code_pb2, error_details_pb2

from dianjia.client import Client, DeadlinePassed, RunState
from dianjia.ratebooks.v1 import ratebooks_pb2 as ratebooks
from dianjia.ratebooks.v1.ratebooks_pb2_grpc import RateBookServiceStub
from dianjia.recalculations.v1 import recalculations_pb2 as messages
from engine.registry.content import version_of
from engine.registry.database import Database
from engine.runs.alive import is_driven
from engine.runs.ledger import Ledger
from engine.runs.order import Order
from engine.runs.queue import Asked, Queue, digest_of
from tests.running import ledger_at
from tests.service.rate_books import RULESET, home, in_folder, request
from tests.service.running import SECONDS, calls, cancel, ended, get, portfolio, resume, start, state, taking, watched
from tests.service.serving import Server, serving, token_of
from tests.service.steps import activated
from tests.service.told import told

STATUS = grpc.StatusCode


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    rules = in_folder(folder / "rules", home("0.50"))
    with taking(folder, rules=rules, settings={"watches": 1}) as found:
        yield found


@pytest.fixture(scope="module")
def operator(server: Server) -> Iterator[grpc.Channel]:
    with server.channel("operator") as found:
        yield found


def order(folder: Path, name: str, source: Path | None = None) -> messages.RecalculationOrder:
    """Bill `source`, else three rows and one that cannot be billed, to out/`name`."""
    source = source or portfolio(folder / "in" / f"{name}.csv", [100, 200, 7, -1])
    return messages.RecalculationOrder(inputs=[str(source)], output=str(folder / "out" / name), pass_through=["region"])


def process_of(server: Server, name: str) -> int:
    """The process that drives a recalculation, once the server's log names it."""
    run = name.removeprefix("recalculations/")

    def begun() -> list[str]:
        said = [str(one.get("message", one)) for one in server.log()]
        return [found[1] for one in said if (found := re.search(rf"{run} begins in process (\d+)", one))]

    server.wait_for(lambda: bool(begun()), SECONDS)
    return int(begun()[-1])


class TestRun:
    def test_it_bills_and_says_what_it_came_to(self, folder: Path, server: Server) -> None:
        """307 kWh at 0.50 CNY are 153.50 CNY; the row of -1 kWh is refused. The version knows of the bills."""
        with Client(server.address, token=token_of("wang")) as wang:
            asked = order(folder, "a")

            began = wang.recalculations.start(asked.inputs, asked.output, pass_through=["region"])
            states: list[RunState] = []
            found = wang.recalculations.wait(began.name, progress=lambda one: states.append(one.state))
            again = next(one for one in wang.recalculations.all() if one.name == began.name)
            uses = list(wang.rate_books.uses(version_of(home("0.50"))))

        assert (began.done, began.started_by, began.version) == (False, "wang", version_of(home("0.50")))
        assert [RunState.FINISHED] == states[-1:]
        assert found.result is not None
        assert (found.done, found.received, found.billed, found.refused) == (True, 4, 3, 1)
        assert (found.result.output, found.result.complete) == (asked.output, True)
        assert {"out-of-bounds": 1} == found.result.refused_by_code
        (total,) = found.result.rule_sets
        assert (total.ruleset, total.bills, total.currency) == (RULESET, 3, "CNY")
        assert (Decimal("153.50"), {"energy": Decimal("153.50")}) == (total.total, total.charges)
        bills = pq.read_table(Path(asked.output) / "bills" / "00000.parquet")
        assert [Decimal("50.00"), Decimal("100.00"), Decimal("3.50")] == bills["total"].to_pylist()
        assert found == again
        assert [(found.name.removeprefix("recalculations/"), "2026-01", 3)] == [
            (one.run, one.billing_month, one.bills) for one in uses
        ]

    def test_what_stops_it_is_an_error_of_its_own(self, folder: Path, operator: grpc.Channel) -> None:
        """The call succeeds; the operation ends with a status that has the details of a call's."""
        began = start(operator, order(folder, "b", folder / "in" / "absent.csv"))

        found = ended(operator, began.name)

        info, words = error_details_pb2.ErrorInfo(), error_details_pb2.LocalizedMessage()
        assert (state(found), found.done, found.error.code) == ("STOPPED", True, code_pb2.NOT_FOUND)
        assert found.error.message.endswith("in/absent.csv: portfolio-not-found: there is no such file.")
        assert found.error.details[0].Unpack(info)
        assert ("PORTFOLIO_NOT_FOUND", "dianjia") == (info.reason, info.domain)
        assert info.metadata["file"] == str(folder / "in" / "absent.csv")
        assert found.error.details[2].Unpack(words)
        assert words.locale == "zh-CN"
        assert "没有这个文件" in words.message
        assert not (folder / "out" / "b").exists()

    def test_a_part_of_the_rows_that_a_version_changed(self, folder: Path, server: Server) -> None:
        """A new price reaches all rows; `only` leaves one. 200 kWh at 0.60 CNY."""
        source = portfolio(folder / "in" / "c" / "1.csv", [100], "north")
        portfolio(folder / "in" / "c" / "2.csv", [200], "south")
        source.with_name("2.csv").write_text(source.with_name("2.csv").read_text().replace("r0,a0", "r9,a9"))
        with server.channel("wang") as wang, server.channel("li") as li, server.channel("operator") as operator:
            version = activated(wang, li, home("0.60"))
            server.wait_for(lambda: _active(wang) == version)
            asked = order(folder, "c", source.parent)
            asked.only.append("region=south")
            asked.affected_since = f"rateBooks/{version_of(home('0.50'))}"

            found = ended(operator, start(operator, asked).name)

        assert (state(found), found.metadata.version) == ("FINISHED", version)
        assert (found.response.billed, found.response.left_out, found.response.complete) == (1, 1, False)
        assert (12000, 2) == (found.response.rule_sets[0].total.unscaled, found.response.rule_sets[0].total.places)
        assert found.metadata.filter.startswith("region=south; affected by ")


def _active(channel: grpc.Channel) -> str:
    asked = ratebooks.GetRateBookRequest(name="rateBooks/active")
    version: str = RateBookServiceStub(channel).GetRateBook(asked).rate_book.version
    return version


def _over(server: Server) -> int:
    """Calls of watchers that ended before there was no more to tell."""
    ends = [one["code"] for one in server.calls("WatchRecalculation")]
    return sum(one in ("CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED") for one in ends)


class TestOneAfterAnother:
    def test_it_waits_is_watched_and_is_cancelled(self, folder: Path, server: Server, operator: grpc.Channel) -> None:
        """One is under way at once. Who waits is cancelled at once, who is under way a moment later.

        One watcher is let in; whoever is gone, or has no more time, makes room.
        """
        first, second = start(operator, order(folder, "d")), start(operator, order(folder, "e"))
        held = process_of(server, first.name)
        os.kill(held, signal.SIGSTOP)
        with server.channel("operator") as other:
            watching = calls(operator).WatchRecalculation(messages.WatchRecalculationRequest(name=second.name))
            waiting = next(watching).recalculation
            refused = told(lambda: watched(other, first.name))
            watching.cancel()
            with Client(server.address, token=token_of("operator")) as client, pytest.raises(DeadlinePassed):
                client.recalculations.wait(second.name, timeout=1.0)
            server.wait_for(lambda: _over(server) == 3)
            cancelled = [cancel(operator, second.name), cancel(operator, first.name)]
            os.kill(held, signal.SIGCONT)
            server.wait_for(lambda: get(other, first.name).done, SECONDS)
            again = cancel(operator, first.name)

        assert (state(second), state(waiting)) == ("WAITING", "WAITING")
        assert (refused.status, refused.code) == (STATUS.RESOURCE_EXHAUSTED, "too-many-calls")
        assert (state(cancelled[0]), cancelled[0].metadata.cancelled_by) == ("CANCELLED", "operator")
        assert (state(again), again.done, again.error.code) == ("CANCELLED", True, code_pb2.CANCELLED)
        assert not (folder / "out" / "d" / "summary.json").exists()
        assert not (folder / "out" / "e").exists()

    def test_a_repeated_request_is_the_same(self, folder: Path, operator: grpc.Channel) -> None:
        asked, id_ = order(folder, "f"), request()

        first, again = start(operator, asked, id_), start(operator, asked, id_)
        asked.details = True
        other = told(lambda: start(operator, asked, id_))
        cancel(operator, first.name)

        assert first.name == again.name
        assert (other.status, other.code) == (STATUS.ALREADY_EXISTS, "request-id-reused")

    def test_turns(self, tmp_path: Path) -> None:
        """By priority, then age; no more than so many; what nobody holds any more is free again."""
        with ledger_at(tmp_path / "ledger.sqlite") as ledger:
            queue = Queue(ledger)
            ids = [
                queue.enter(
                    Asked(Order((f"/in/{number}",), (), "/out"), "0" * 64, priority=priority),
                    "wang",
                    f"r{number}",
                    digest_of("start", "wang", number),
                )
                for number, priority in enumerate([0, -1, 1, 0])
            ]
            before = [queue.waiting_before(one) for one in ids]
            turns, locks = [], []
            while claimed := queue.claim(2, lambda one: one.asked.order.inputs != ("/in/0",)):
                turns.append(claimed[0].run)
                locks.append(claimed[1])
            os.close(locks.pop())  # its process ends
            after = queue.claim(2, lambda _: True)
            interrupted = queue.resume_interrupted()
            os.close(locks.pop())
            assert after is not None
            os.close(after[1])

        assert [1, 3, 0, 2] == before
        assert [ids[2], ids[3]] == turns
        assert ids[0] == after[0].run
        assert [ids[3]] == interrupted


class TestEnds:
    def test_neither_needs_the_other(self, tmp_path: Path) -> None:
        """A server that dies leaves what is under way; a process that dies is seen, and the next server goes on."""
        rules = in_folder(tmp_path / "rules", home("0.50"))
        with taking(tmp_path, rules=rules, settings={"runs": 2}) as server, server.channel("operator") as operator:
            lone, lost = start(operator, order(tmp_path, "lone")), start(operator, order(tmp_path, "lost"))
            process_of(server, lone.name)
            os.kill(process_of(server, lost.name), signal.SIGKILL)
            interrupted = ended(operator, lost.name)
            server.send(signal.SIGKILL)
            server.ended()
        again = {"run_resume": True}
        with taking(tmp_path, rules=rules, settings=again) as server, server.channel("operator") as operator:
            found = [ended(operator, one.name) for one in (lone, lost)]
            listed = calls(operator).ListRecalculations(messages.ListRecalculationsRequest(page_size=1))
            rest = calls(operator).ListRecalculations(
                messages.ListRecalculationsRequest(page_size=1, page_token=listed.next_page_token)
            )
            refused = told(lambda: resume(operator, lone.name))

        assert (state(interrupted), interrupted.done) == ("INTERRUPTED", False)
        assert ["FINISHED", "FINISHED"] == [state(one) for one in found]
        assert {1} == {one.metadata.attempts for one in found}
        assert [lost.name, lone.name] == [one.recalculations[0].name for one in (listed, rest)]
        assert (refused.status, refused.code) == (STATUS.FAILED_PRECONDITION, "not-resumable")

    def test_in_postgresql_a_stopped_one_goes_on(self, tmp_path: Path, postgresql_url: str) -> None:
        """The input comes late; another process drives it, and the ledger in PostgreSQL has it once."""
        rules = in_folder(tmp_path / "rules", home("0.50"))
        with taking(tmp_path, rules=rules, database=postgresql_url) as server, server.channel("operator") as operator:
            began = start(operator, order(tmp_path, "late", tmp_path / "in" / "late.csv"))
            stopped = ended(operator, began.name)
            portfolio(tmp_path / "in" / "late.csv", [100, 200])
            resume(operator, began.name)
            found = ended(operator, began.name)
            listed = calls(operator).ListRecalculations(messages.ListRecalculationsRequest())

        assert (state(stopped), stopped.error.code) == ("STOPPED", code_pb2.NOT_FOUND)
        assert (state(found), found.response.billed) == ("FINISHED", 2), found.error
        assert [found] == list(listed.recalculations)
        summary = json.loads((tmp_path / "out" / "late" / "summary.json").read_text("utf-8"))
        assert (summary["run"], summary["billed"]) == (began.name.removeprefix("recalculations/"), 2)

    def test_a_driver_on_another_machine_is_seen(self, tmp_path: Path, postgresql_url: str) -> None:
        """PostgreSQL knows who holds the lock of a run, though its folder is not here."""
        database = Database(postgresql_url)
        ledger = Ledger(database)
        run = ledger.create(Order(("/in",), (), "/out"), str(tmp_path / "absent"))
        record = ledger.show(run)

        with ledger.driving(run) as free:
            during = is_driven(ledger, record)
        after = is_driven(ledger, record)
        database.close()

        assert (free, during, after) == (True, True, False)


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"inputs": ["in/a.csv"]}, "path-outside", "order.inputs[0]"),
            ({"inputs": ["{folder}/in/../a.csv"]}, "path-outside", "order.inputs[0]"),
            ({"inputs": ["{folder}/in/link"]}, "path-outside", "order.inputs[0]"),
            ({"inputs": ["{folder}/in/linked"]}, "path-outside", "order.inputs[0]"),
            ({"inputs": ["postgresql://127.0.0.1/bills"]}, "path-outside", "order.inputs[0]"),
            ({"inputs": []}, "field-missing", "order.inputs"),
            ({"output": "{folder}/in/out"}, "path-outside", "order.output"),
            ({"output": "delta:{folder}/out/x"}, "path-outside", "order.output"),
            ({"output": ""}, "field-missing", "order.output"),
            ({"only": ["region"]}, "bad-selection", "order.only[0]"),
            ({"only": ["a=\0"]}, "field-characters", "order.only[0]"),
            ({"partition_rows": -1}, "field-range", "order.partition_rows"),
            ({"memory_bytes": 1}, "field-range", "order.memory_bytes"),
            ({"format": 9}, "unknown-choice", "order.format"),
            ({"mends": "recalculations/run-20260101-000000-0000"}, "unknown-resource", "order.mends"),
            ({"affected_since": "rateBooks/1"}, "unknown-resource", "order.affected_since"),
            ({"version": {"version": "1" * 64}}, "unknown-version", ""),
        ],
    )
    def test_orders(self, folder: Path, operator: grpc.Channel, change: dict, code: str, field: str) -> None:
        """Nothing outside the two folders is named, whatever the path looks like."""
        portfolio(folder / "outside" / "a.csv", [1])
        (folder / "in" / "linked").mkdir(exist_ok=True)
        for link in (folder / "in" / "link", folder / "in" / "linked" / "a.csv"):
            if not link.is_symlink():
                link.symlink_to(folder / "outside" / "a.csv")
        asked = order(folder, "g")
        filled = json.loads(json.dumps(change).replace("{folder}", str(folder)))
        for name in filled:
            asked.ClearField(name)
        asked.MergeFrom(messages.RecalculationOrder(**filled))

        found = told(lambda: start(operator, asked))

        assert (found.code, found.parameters.get("field", "")) == (code, field)

    def test_names_scopes_and_requests(self, folder: Path, server: Server, operator: grpc.Channel) -> None:
        with server.channel("reader") as reader:
            scope = told(lambda: start(reader, order(folder, "h")))
        unknown = told(lambda: get(operator, "recalculations/run-20260101-000000-0000"))
        odd = told(lambda: get(operator, "recalculations/%"))
        bare = told(lambda: calls(operator).StartRecalculation(messages.StartRecalculationRequest(request_id="x")))
        nameless = told(lambda: calls(operator).StartRecalculation(messages.StartRecalculationRequest()))

        assert (scope.status, scope.code) == (STATUS.PERMISSION_DENIED, "scope-missing")
        assert (unknown.status, unknown.code, odd.code) == (STATUS.NOT_FOUND, "unknown-resource", "unknown-resource")
        assert ("field-missing", "request-id-missing") == (bare.code, nameless.code)


def test_a_server_without_folders_takes_none(tmp_path: Path) -> None:
    rules = in_folder(tmp_path / "rules", home())
    with (
        serving(tmp_path, rules=rules, tokens={"operator": "recalculate"}) as server,
        server.channel("operator") as operator,
    ):
        found = told(lambda: start(operator, messages.RecalculationOrder(inputs=["/a"], output="/b")))

    assert (found.status, found.code) == (STATUS.FAILED_PRECONDITION, "runs-not-taken")
