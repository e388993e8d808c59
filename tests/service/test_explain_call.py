"""`ExplainBill`: the bill of `CalculateBill`, and for each line what it was computed from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.rating.v1.rating_pb2_grpc import RatingServiceStub
from dianjia.type.v1 import type_pb2 as types
from tests.service.asking import household
from tests.service.refusals import Refusal, refusal, row_error
from tests.service.serving import RESIDENTIAL, SHIPPED, Server, rules_in, serving

SPLIT = """\
ruleset: cn.test.split
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
changes: split
calendar:
  timezone: Asia/Shanghai
  seasons: {warm: months 2-9, cold: "months 1, 10-12"}
inputs:
  kwh: {unit: kWh, places: 0, from: 0, to: 100000, split: by_days}
lists:
  meters:
    at_most: 40
    optional: true
    inputs:
      kwh: {unit: kWh, places: 1, from: 0, to: 1000, title: 表计电量}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: "0.5[CNY/kWh] if season == warm else 0.6[CNY/kWh]"}
  metered: {title: 表计, quantity: sum(meters.kwh), price: 0.10, per: bill}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    rules = rules_in(folder, [RESIDENTIAL])
    (rules / "split.ruleset.yaml").write_text(SPLIT, encoding="utf-8")
    with serving(folder, rules=rules) as server:
        yield server


@pytest.fixture
def stub(server: Server) -> Iterator[RatingServiceStub]:
    with server.channel() as channel:
        yield RatingServiceStub(channel)


def asked(**fields: Any) -> rating.ExplainBillRequest:
    """Ask why 180.50 kWh are 95.36: 180.50 x 0.5283 = 95.35815."""
    return rating.ExplainBillRequest(row=household("7", "180.50").row, **fields)


def line_of_file(text: str) -> int:
    """The line of the shipped file that begins with a text."""
    lines = Path(SHIPPED / RESIDENTIAL).read_text(encoding="utf-8").splitlines()
    return next(at for at, line in enumerate(lines, 1) if line.strip().startswith(text))


def test_the_bill_is_that_of_a_bill_alone(stub: RatingServiceStub) -> None:
    bill = stub.CalculateBill(rating.CalculateBillRequest(row=asked().row)).bill

    answer = stub.ExplainBill(asked())

    assert answer.bill == bill
    assert (bill.total.unscaled, [one.line for one in answer.lines]) == (9_536, [one.id for one in bill.lines])


def test_the_working_of_a_line(stub: RatingServiceStub) -> None:
    """Down to the printed figure, its line in the rules and the document that it stands in."""
    working = stub.ExplainBill(asked()).lines[0]

    names = {one.name: (one.value, one.unit) for one in working.names}
    figures = {one.path: (one.text, one.unit, one.place.line, one.standing) for one in working.figures}
    assert (working.line, working.formula) == ("energy.1", "energy.1.kwh * energy.1.price")
    assert (working.before_rounding, working.part) == ("95.358150", 0)
    assert names["energy.1.kwh"] == ("180.50", "kWh")
    assert names["energy.1.price"] == ("0.5283", "CNY/kWh")
    assert figures["energy.1.up_to"] == ("2760", "kWh", line_of_file("- {title: 第一档"), "copy")
    assert figures["price.first[below_1kv]"] == ("0.5283", "CNY/kWh", line_of_file("- [below_1kv"), "copy")
    assert (working.place.file.endswith(RESIDENTIAL), working.place.line) == (True, line_of_file("- {title: 第一档"))


def test_inputs_with_their_defaults(stub: RatingServiceStub) -> None:
    inputs = {one.name: (one.value, one.unit, one.title) for one in stub.ExplainBill(asked()).inputs}

    assert inputs["kwh_total"] == ("180.50", "kWh", "总电量，普通表填")
    assert inputs["household_size"] == ("1", "person", "经申请登记的家庭人数")
    assert inputs["voltage"] == ("below_1kv", "", "不满1千伏")
    assert inputs["low_income"] == ("false", "", "低保、特困供养或特困职工家庭")
    assert "kwh_peak" not in inputs


def test_where_the_rule_set_comes_from(stub: RatingServiceStub) -> None:
    answer = stub.ExplainBill(asked())

    assert answer.standing == "copy"
    assert answer.source.startswith("江苏省物价局关于试行居民生活用电阶梯式电价的通知")


@pytest.mark.parametrize(
    ("language", "first", "heading"),
    [
        (types.LANGUAGE_UNSPECIFIED, "Bill: 江苏省居民生活用电", "Working"),
        (types.LANGUAGE_EN, "Bill: 江苏省居民生活用电", "Working"),
        (types.LANGUAGE_ZH, "账单: 江苏省居民生活用电", "计算过程"),
    ],
)
def test_a_page_of_text(stub: RatingServiceStub, language: types.Language.ValueType, first: str, heading: str) -> None:
    lines = stub.ExplainBill(asked(language=language)).text.splitlines()

    assert (lines[0], heading in lines) == (first, True)
    assert any("180.50 kWh × 0.5283 CNY/kWh = 95.36 CNY" in line for line in lines)


def test_a_language_that_is_none(stub: RatingServiceStub) -> None:
    found = refusal(lambda: stub.ExplainBill(asked(language=7)))

    said = "unknown-choice: `language` is 7, which stands for nothing here."
    assert found == Refusal(grpc.StatusCode.INVALID_ARGUMENT, said)


def test_a_row_that_is_refused(stub: RatingServiceStub) -> None:
    request = asked()
    request.row.values["kwh_total"].text = "-1"

    with pytest.raises(grpc.RpcError) as raised:
        stub.ExplainBill(request)

    found = row_error(raised.value)
    assert (found.row_id, found.code, found.field, found.value) == ("7", "out-of-bounds", "kwh_total", "-1")


def test_parts_and_lists(stub: RatingServiceStub) -> None:
    """59 kWh from January to February: 31 at 0.60 and 28 at 0.50; a list is shortened, in the language asked for."""
    row = types.Row(row_id="1", ruleset="cn.test.split", period_from="2026-01-01", period_to="2026-03-01")
    row.values["kwh"].number.unscaled = 59
    kwh = types.Column(name="kwh", numbers=types.Numbers(values=range(10, 210, 10), places=1))
    row.lists.add(name="meters", items=20, columns=[kwh])

    english = stub.ExplainBill(rating.ExplainBillRequest(row=row))
    chinese = stub.ExplainBill(rating.ExplainBillRequest(row=row, language=types.LANGUAGE_ZH))

    assert [(one.line, one.part) for one in english.lines if one.line == "energy"] == [("energy", 1), ("energy", 2)]
    assert [(one.part, one.part_to, one.price.unscaled) for one in english.bill.lines if one.id == "energy"] == [
        (1, "2026-02-01", 6),
        (2, "2026-03-01", 5),
    ]
    assert [one.value for one in english.inputs if one.name == "meters.kwh"] == [
        "20 items: 1.0, 2.0, 3.0, …, 18.0, 19.0, 20.0; sum 210.0 kWh"
    ]
    assert [one.value for one in chinese.inputs if one.name == "meters.kwh"] == [
        "20 项: 1.0, 2.0, 3.0, …, 18.0, 19.0, 20.0; 合计 210.0 kWh"
    ]
