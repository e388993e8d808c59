"""One row of a message: what it may be written as, and what is refused as a chunk refuses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import grpc
import pytest

from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.rating.v1.rating_pb2_grpc import RatingServiceStub
from dianjia.type.v1 import type_pb2 as types
from tests.service.billed import of_bill, of_error, of_stream
from tests.service.refusals import row_error
from tests.service.serving import Server, serving

YAML = """\
ruleset: cn.test.plant
title: 工厂
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, through: 2026-12-31}
version_by: period_from
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000, title: 电量}
  poor: {type: boolean, default: false}
  voltage: {type: code, codes: {low: 10千伏, high: 35千伏}, default: low}
  since: {type: date, optional: true}
lists:
  meters:
    at_most: 3
    optional: true
    inputs:
      kwh: {unit: kWh, places: 1, from: 0, to: 1000}
      spare: {type: boolean, default: false}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: 0.50, ledger: energy}
  gift: {title: 补贴, when: poor, quantity: kwh, price: -0.10, ledger: gift}
  high: {title: 高压, when: voltage == high, quantity: kwh, price: 0.01}
  late: {title: 迟, when: "given(since) and since > day(2026, 1, 1)", kind: formula, amount: "2.00[CNY]"}
  metered: {title: 表, quantity: "sum(0[kWh] if meters.spare else meters.kwh)", price: 0.10}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    rules = folder / "rules"
    rules.mkdir()
    later = YAML.replace("from: 2026-01-01, through: 2026-12-31", "from: 2027-01-01, until_replaced: true")
    (rules / "plant.ruleset.yaml").write_text(YAML, encoding="utf-8")
    (rules / "plant_2027.ruleset.yaml").write_text(later.replace("price: 0.50", "price: 0.60"), encoding="utf-8")
    with serving(folder, rules=rules) as server:
        yield server


@pytest.fixture(scope="module")
def stub(server: Server) -> Iterator[RatingServiceStub]:
    with server.channel() as channel:
        yield RatingServiceStub(channel)


def row(period_from: str = "2026-01-01", period_to: str = "2026-02-01", **values: types.Value) -> types.Row:
    """A row of 100 kWh."""
    found = types.Row(row_id="1", ruleset="cn.test.plant", period_from=period_from, period_to=period_to)
    for name, value in {"kwh": number(100), **values}.items():
        found.values[name].CopyFrom(value)
    return found


def number(unscaled: int, places: int = 0) -> types.Value:
    return types.Value(number=types.Decimal(unscaled=unscaled, places=places))


def text(value: str) -> types.Value:
    return types.Value(text=value)


def truth(value: bool) -> types.Value:
    return types.Value(boolean=value)


def bill(stub: RatingServiceStub, of: types.Row) -> rating.Bill:
    found: rating.Bill = stub.CalculateBill(rating.CalculateBillRequest(row=of)).bill
    return found


def total(stub: RatingServiceStub, of: types.Row) -> int:
    """The total [0.01 CNY]."""
    return bill(stub, of).total.unscaled


def test_a_whole_bill(stub: RatingServiceStub) -> None:
    """100 kWh x 0.50 = 50.00 less 100 x 0.10 = 10.00."""
    found = bill(stub, row(poor=truth(True)))

    def amount(unscaled: int, places: int = 2) -> types.Decimal:
        return types.Decimal(unscaled=unscaled, places=places)

    def line(id_: str, title: str, value: int, quantity: int, price: tuple[int, int], ledger: str) -> rating.BillLine:
        return rating.BillLine(
            id=id_,
            charge=id_,
            title=title,
            amount=amount(value),
            quantity=amount(quantity),
            quantity_unit="kWh",
            price=amount(*price),
            price_unit="CNY/kWh",
            ledger=ledger,
            money=True,
        )

    metered = line("metered", "表", 0, 0, (10, 2), "other")
    metered.quantity.places = 1
    assert (len(found.version), len(found.ruleset_hash)) == (64, 16)
    assert found == rating.Bill(
        row_id="1",
        ruleset="cn.test.plant",
        version=found.version,
        ruleset_hash=found.ruleset_hash,
        period_from="2026-01-01",
        period_to="2026-02-01",
        total=types.Money(unscaled=4_000, places=2, currency="CNY"),
        lines=[
            line("energy", "电费", 5_000, 10_000, (50, 2), "energy"),
            line("gift", "补贴", -1_000, 10_000, (-10, 2), "gift"),
            metered,
        ],
        ledgers=[
            rating.LedgerAmount(ledger="energy", amount=amount(5_000)),
            rating.LedgerAmount(ledger="gift", amount=amount(-1_000)),
            rating.LedgerAmount(ledger="other", amount=amount(0)),
        ],
    )


@pytest.mark.parametrize(
    "kwh", [number(100), number(10_000, 2), number(1_000_000, 4), text("100"), text("+100.00"), text("100.000")]
)
def test_a_number_in_any_form(stub: RatingServiceStub, kwh: types.Value) -> None:
    """Fewer or more places than the input has make no difference where the number has no more."""
    assert total(stub, row(kwh=kwh)) == 5_000


@pytest.mark.parametrize("poor", [truth(True), text("true"), text("1"), number(1)])
def test_a_truth_in_any_form(stub: RatingServiceStub, poor: types.Value) -> None:
    assert total(stub, row(poor=poor)) == 4_000


def test_a_code(stub: RatingServiceStub) -> None:
    """100 x 0.01 = 1.00 more."""
    assert total(stub, row(voltage=text("high"))) == 5_100


@pytest.mark.parametrize("since", [text("2026-01-02"), number(20_455)])
def test_a_day_in_any_form(stub: RatingServiceStub, since: types.Value) -> None:
    assert total(stub, row(since=since)) == 5_200


def with_meters(*columns: types.Column, items: int = 2) -> types.Row:
    found = row()
    found.lists.add(name="meters", items=items, columns=columns)
    return found


KWH = types.Column(name="kwh", numbers=types.Numbers(values=[100, 205], places=1))


def test_a_list(stub: RatingServiceStub) -> None:
    """10.0 and 20.5 kWh at 0.10 are 3.05 more; the spare one is not counted."""
    spare = types.Column(name="spare", booleans=types.Booleans(bits=b"\x01"))

    assert [total(stub, with_meters(*columns)) for columns in ((KWH,), (KWH, spare))] == [5_305, 5_205]


def test_a_list_without_items(stub: RatingServiceStub) -> None:
    assert total(stub, with_meters(items=0)) == 5_000


@pytest.mark.parametrize(
    ("period", "expected"), [(("2026-12-01", "2027-01-01"), 5_000), (("2027-01-01", "2027-02-01"), 6_000)]
)
def test_rule_sets_of_one_id_by_the_day(stub: RatingServiceStub, period: tuple[str, str], expected: int) -> None:
    assert total(stub, row(*period)) == expected


def test_a_key_of_one_of_them(stub: RatingServiceStub) -> None:
    of = row("2027-01-01", "2027-02-01")
    of.ruleset = "cn.test.plant@2027-01-01"

    assert of_bill(bill(stub, of)).total == "60.00"


def changed(change: Callable[[types.Row], object]) -> types.Row:
    found = row()
    change(found)
    return found


ABSENT = types.Column(name="absent", numbers=types.Numbers(values=[1, 2]), given=b"\x00")
REFUSED = {
    "no rule set": changed(lambda of: setattr(of, "ruleset", "")),
    "a rule set that is not there": changed(lambda of: setattr(of, "ruleset", "cn.test.none")),
    "another's day": changed(lambda of: setattr(of, "ruleset", "cn.test.plant@2027-01-01")),
    "before any": row("2025-01-01", "2025-02-01"),
    "a period that ends before it begins": row("2026-02-01", "2026-01-01"),
    "no value": changed(lambda of: of.values.__delitem__("kwh")),
    "a value out of bounds": row(kwh=number(-1, 2)),
    "too many places": row(kwh=number(1, 3)),
    "no number": row(kwh=text("1e3")),
    "a truth for a number": row(kwh=truth(True)),
    "no code": row(voltage=text("20")),
    "a number for a code": row(voltage=number(20)),
    "no truth": row(poor=text("yes")),
    "no day": row(since=text("2026-02-30")),
    "a column that it does not read": row(other=number(150, 2)),
    "a truth that it does not read": row(other=truth(True)),
    "a text that it does not read": row(other=text("x")),
    "what the door supplies": row(day=text("x")),
    "a column in place of a list": row(meters=text("x")),
    "a list's column as a column": changed(lambda of: of.values["meters.kwh"].CopyFrom(number(1))),
    "a list that it does not read": changed(lambda of: of.lists.add(name="other", items=2, columns=[KWH])),
    "a list's column that it does not read": with_meters(
        KWH, types.Column(name="other", texts=types.Texts(values=["x", "y"]))
    ),
    "an item out of bounds": with_meters(types.Column(name="kwh", numbers=types.Numbers(values=[0, -1]))),
    "an item without its value": with_meters(types.Column(name="kwh", numbers=KWH.numbers, given=b"\x01")),
    "days for numbers": with_meters(types.Column(name="kwh", days=types.Days(values=[0, 1]))),
    "days that no calendar has": with_meters(types.Column(name="kwh", days=types.Days(values=[2**31 - 1, 0]))),
    "too many items": with_meters(types.Column(name="kwh", numbers=types.Numbers(values=[0] * 4)), items=4),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_in_a_chunk(stub: RatingServiceStub, name: str) -> None:
    """The same code, field, value and words."""
    of = REFUSED[name]
    (answer,) = stub.CalculateBills(iter([rating.CalculateBillsRequest(chunk=as_chunk(of))]))

    with pytest.raises(grpc.RpcError) as raised:
        bill(stub, of)

    found = row_error(raised.value)
    assert [of_error(found)] == of_stream(answer)
    assert (found.row_id, found.ruleset, found.remedy) == (
        answer.row_errors[0].row_id,
        answer.row_errors[0].ruleset,
        answer.row_errors[0].remedy,
    )


def test_what_is_named_and_not_given_is_no_column(stub: RatingServiceStub) -> None:
    """A list, or its column, that no item gives does not refuse the row."""
    of = with_meters(KWH, ABSENT)
    of.lists.add(name="other", items=0)

    (answer,) = stub.CalculateBills(iter([rating.CalculateBillsRequest(chunk=as_chunk(of))]))

    assert (total(stub, of), list(answer.groups[0].total.values)) == (5_305, [5_305])


@pytest.mark.parametrize(
    ("period", "field"),
    [
        (("", "2026-02-01"), "period_from"),
        (("2026-01-01", ""), "period_to"),
        (("2026-1-1", "2026-02-01"), "period_from"),
    ],
)
def test_days_that_are_none(stub: RatingServiceStub, period: tuple[str, str], field: str) -> None:
    """A chunk cannot hold them."""
    with pytest.raises(grpc.RpcError) as raised:
        bill(stub, row(*period))

    found = row_error(raised.value)
    code = "bad-date" if period[0] == "2026-1-1" else "missing-value"
    assert (found.code, found.field, found.value) == (code, field, "2026-1-1" if code == "bad-date" else "")


def as_chunk(of: types.Row) -> types.Chunk:
    """A row as a chunk of one."""
    days = {day: [_day(getattr(of, day))] for day in ("period_from", "period_to")}
    found = types.Chunk(
        rows=1,
        row_id_texts=types.Texts(values=[of.row_id]),
        rulesets=types.Codes(names=[of.ruleset]),
        period_from=days["period_from"],
        period_to=days["period_to"],
    )
    for name, value in of.values.items():
        column = found.columns.add(name=name)
        match value.WhichOneof("kind"):
            case "number":
                column.numbers.CopyFrom(types.Numbers(values=[value.number.unscaled], places=value.number.places))
            case "boolean":
                column.booleans.bits = bytes([value.boolean])
            case _:
                column.texts.values.append(value.text)
    for one in of.lists:
        found.lists.add(name=one.name, lengths=[one.items], columns=one.columns)
    return found


def _day(written: str) -> int:
    return (date.fromisoformat(written) - date(1970, 1, 1)).days
