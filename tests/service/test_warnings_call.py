"""`EvaluateWarnings`: which rows of a chunk raise which warning, with their values in the message."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.rating.v1.rating_pb2_grpc import RatingServiceStub
from dianjia.type.v1 import type_pb2 as types
from tests.service.serving import Server, serving

JANUARY, FEBRUARY = 20_454, 20_485  # 2026, in days since 1970-01-01


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def stub(server: Server) -> Iterator[RatingServiceStub]:
    with server.channel() as channel:
        yield RatingServiceStub(channel)


def chunk(kwh: list[int], a_year_ago: list[int], this_year: list[int]) -> types.Chunk:
    """Households of Jiangsu by hundredths of a kWh."""
    columns = {"kwh_total": kwh, "kwh_last_year": a_year_ago, "kwh_year_before": this_year}
    return types.Chunk(
        rows=len(kwh),
        row_id_texts=types.Texts(values=[f"h{at}" for at in range(len(kwh))]),
        rulesets=types.Codes(names=["cn.jiangsu.residential"]),
        period_from=[JANUARY] * len(kwh),
        period_to=[FEBRUARY] * len(kwh),
        columns=[
            types.Column(name=name, numbers=types.Numbers(values=values, places=2)) for name, values in columns.items()
        ],
    )


def test_ordered_by_row(stub: RatingServiceStub) -> None:
    """151 kWh is over 1.5 x 100; 49 is under half of 100, and with 2,500 of the year before over 0.9 x 2,760."""
    rows = chunk([15_100, 10_000, 4_900, -1], [10_000] * 4, [0, 0, 250_000, 0])

    answer = stub.EvaluateWarnings(rating.EvaluateWarningsRequest(chunk=rows))

    found = [(one.index, one.row_id, one.ruleset, one.warning.id, one.warning.level) for one in answer.warnings]
    assert found == [
        (0, "h0", "cn.jiangsu.residential", "usage_surge", "amber"),
        (2, "h2", "cn.jiangsu.residential", "usage_drop", "yellow"),
        (2, "h2", "cn.jiangsu.residential", "next_tier", "info"),
    ]
    assert (answer.received, answer.billed, len(answer.version)) == (4, 3, 64)
    assert [(one.index, one.row_id, one.code, one.field) for one in answer.row_errors] == [
        (3, "h3", "out-of-bounds", "kwh_total")
    ]


def test_in_full(stub: RatingServiceStub) -> None:
    """As the rule set's file has it."""
    (found,) = stub.EvaluateWarnings(rating.EvaluateWarningsRequest(chunk=chunk([15_100], [10_000], [0]))).warnings

    assert found.warning == rating.RaisedWarning(
        id="usage_surge",
        title="用电量突增",
        level="amber",
        message="本月 151.00 千瓦时，去年同月 100.00 千瓦时",
        causes=["新增电器", "抄表差错", "漏电"],
        action="电话回访，核对表计",
    )


def test_as_a_single_bill_has_them(stub: RatingServiceStub) -> None:
    rows = chunk([4_900], [10_000], [250_000])
    row = types.Row(row_id="h0", ruleset="cn.jiangsu.residential", period_from="2026-01-01", period_to="2026-02-01")
    for column in rows.columns:
        row.values[column.name].number.unscaled = column.numbers.values[0]
        row.values[column.name].number.places = 2

    of_chunk = [one.warning for one in stub.EvaluateWarnings(rating.EvaluateWarningsRequest(chunk=rows)).warnings]
    of_bill = list(stub.CalculateBill(rating.CalculateBillRequest(row=row)).bill.warnings)

    assert of_chunk == of_bill
    assert len(of_bill) == 2


def test_a_row_that_comes_twice(stub: RatingServiceStub) -> None:
    rows = chunk([15_100] * 2, [10_000] * 2, [0] * 2)
    rows.row_id_texts.values[1] = "h0"

    answer = stub.EvaluateWarnings(rating.EvaluateWarningsRequest(chunk=rows))

    assert [one.index for one in answer.warnings] == [0]
    assert [(one.index, one.code) for one in answer.row_errors] == [(1, "duplicate-row")]
