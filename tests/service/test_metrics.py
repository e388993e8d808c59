"""What Prometheus reads: calls by method and code, their time, rows, streams under way, the version that answers."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dianjia.rating.v1 import rating_pb2
from dianjia.type.v1 import type_pb2
from engine.registry.content import read_folder, version_of
from tests.service.asking import household, rating
from tests.service.serving import Server, run_server, serving

BILL = "/dianjia.rating.v1.RatingService/CalculateBill"
STREAM = "/dianjia.rating.v1.RatingService/CalculateBills"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), settings={"metrics_port": 0}) as found:
        yield found


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with server.channel() as found:
        yield found


def read(server: Server) -> dict[str, float]:
    """Read them as Prometheus does; name and labels -> value."""
    address = re.search(r"http://\S+/metrics", server.printed())
    assert address is not None
    with urllib.request.urlopen(address[0]) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        " ".join([sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))]): sample.value
        for family in families
        for sample in family.samples
    }


def chunk(sequence: int, *kwh: str) -> rating_pb2.CalculateBillsRequest:
    """A chunk of households, one for each number of kWh."""
    texts = type_pb2.Texts
    rows = type_pb2.Chunk(
        rows=len(kwh),
        row_id_texts=texts(values=[f"{sequence}-{at}" for at in range(len(kwh))]),
        rulesets=type_pb2.Codes(names=["cn.jiangsu.residential"]),
        period_from=[20454] * len(kwh),  # 2026-01-01
        period_to=[20485] * len(kwh),
        columns=[
            type_pb2.Column(name="kwh_total", texts=texts(values=kwh)),
            type_pb2.Column(name="kwh_year_before", texts=texts(values=["0"] * len(kwh))),
        ],
    )
    return rating_pb2.CalculateBillsRequest(sequence=sequence, chunk=rows)


def test_calls_are_counted_by_method_and_code(server: Server, channel: grpc.Channel) -> None:
    before = read(server)
    for _ in range(3):
        rating(channel).CalculateBill(household())
    with pytest.raises(grpc.RpcError):
        rating(channel).CalculateBill(household(kwh="-1"))
    ended = f"dianjia_call_seconds_count method={BILL}"
    server.wait_for(lambda: read(server).get(ended, 0) >= before.get(ended, 0) + 4)  # counted with the log's lines
    after = read(server)

    added = {name: value - before.get(name, 0) for name, value in after.items()}
    assert added[f"dianjia_calls_total code=OK method={BILL}"] == 3
    assert added[f"dianjia_calls_total code=INVALID_ARGUMENT method={BILL}"] == 1
    assert added[f"dianjia_call_seconds_count method={BILL}"] == 4
    assert 0 < added[f"dianjia_call_seconds_sum method={BILL}"] < 60


def test_rows_are_counted_while_a_stream_goes_on(server: Server, channel: grpc.Channel) -> None:
    """Two chunks: three rows billed and one refused in the first, one billed in the second."""
    before = read(server)

    def requests() -> Iterator[rating_pb2.CalculateBillsRequest]:
        yield chunk(0, "100", "200", "-5", "300")
        server.wait_for(lambda: rows(server, before) == (3, 1))
        assert read(server)["dianjia_streams_under_way"] == 1
        yield chunk(1, "100")

    answers = list(rating(channel).CalculateBills(requests()))
    server.wait_for(lambda: read(server)["dianjia_streams_under_way"] == 0)

    assert [(one.billed, len(one.row_errors)) for one in answers] == [(3, 1), (1, 0)]
    assert rows(server, before) == (4, 1)


def rows(server: Server, before: dict[str, float]) -> tuple[float, float]:
    """Rows since: billed, refused."""
    after = read(server)
    names = [f"dianjia_rows_total outcome={outcome}" for outcome in ("billed", "refused")]
    billed, refused = (after.get(name, 0) - before.get(name, 0) for name in names)
    return billed, refused


def test_the_version_that_answers(server: Server) -> None:
    version = version_of(read_folder(server.folder / "rules"))

    assert read(server)[f"dianjia_version_info version={version}"] == 1


def test_how_long_ago_the_registry_was_read(server: Server) -> None:
    """It is read every second."""
    ages = []
    for _ in range(5):
        ages.append(read(server)["dianjia_registry_age_seconds"])
        time.sleep(0.3)

    assert all(0 <= age < 5 for age in ages)


def test_they_are_off_unless_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        printed = server.printed()

    assert "metrics" not in printed


def test_a_port_that_is_taken(server: Server, tmp_path: Path) -> None:
    """The message names the flag that is meant."""
    address = re.search(r"http://\S+:(\d+)/metrics", server.printed())
    assert address is not None

    done = run_server(tmp_path, "--port", "0", "--database", "none", "--metrics-port", address[1])

    assert done.returncode == 1
    assert f"address-taken: another process listens on 127.0.0.1:{address[1]}." in done.stderr
    assert "`--metrics-port`" in done.stderr
