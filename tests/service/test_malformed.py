"""Messages that are not in one piece: each is refused with the path of its field, and the server goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from dianjia.rating.v1 import rating_pb2, rating_pb2_grpc
from dianjia.type.v1 import type_pb2
from tests.service.asking import household, rating, unscaled
from tests.service.refusals import Refusal, refusal
from tests.service.serving import Server, serving

ROWS = 10
JANUARY, FEBRUARY = 20_454, 20_485  # 2026, in days since 1970-01-01
NAN_BITS = 0x7FF8_0000_0000_0000  # a double that is not a number
LONG = "x" * 201

Change = Callable[[type_pb2.Chunk], object]


@dataclass(frozen=True, slots=True)
class Case:
    """A change to a good chunk, and the whole message that it brings."""

    change: Change
    message: str


def chunk() -> type_pb2.Chunk:
    """Ten households of Jiangsu, the columns of every kind, and a list that no rule set reads in any of them."""
    return type_pb2.Chunk(
        rows=ROWS,
        row_id_numbers=type_pb2.Numbers(values=range(ROWS)),
        rulesets=type_pb2.Codes(names=["cn.jiangsu.residential"]),
        period_from=[JANUARY] * ROWS,
        period_to=[FEBRUARY] * ROWS,
        columns=[
            type_pb2.Column(name="kwh_total", numbers=type_pb2.Numbers(values=[10_000] * ROWS, places=2)),
            type_pb2.Column(name="kwh_year_before", texts=type_pb2.Texts(values=["0"] * ROWS)),
            type_pb2.Column(name="low_income", booleans=type_pb2.Booleans(bits=b"\x00\x00")),
            type_pb2.Column(name="meter", codes=type_pb2.Codes(names=["household", "shared"], positions=[0] * ROWS)),
        ],
        lists=[
            type_pb2.ListColumn(
                name="meters",
                lengths=[0] * ROWS,
                columns=[type_pb2.Column(name="installed", days=type_pb2.Days())],
                given=b"\xff\x03",
            )
        ],
    )


def column(at: int, change: Callable[[type_pb2.Column], object]) -> Change:
    """A change to a column."""
    return lambda of: change(of.columns[at])


def listed(change: Callable[[type_pb2.ListColumn], object]) -> Change:
    """A change to the list."""
    return lambda of: change(of.lists[0])


def items(lengths: list[int], **column: Any) -> Change:
    """A list of these lengths with one column."""

    def change(of: type_pb2.Chunk) -> None:
        del of.lists[0].lengths[:], of.lists[0].columns[:]
        of.lists[0].lengths.extend(lengths)
        of.lists[0].columns.append(type_pb2.Column(name="installed", **column))

    return change


def all_of(*changes: Change) -> Change:
    """Several changes."""
    return lambda of: [change(of) for change in changes]


CASES = {
    "too many rows": Case(
        lambda of: setattr(of, "rows", 65_537),
        "too-many-rows: the chunk has 65537 rows; at most 65536 are billed at once.",
    ),
    "fewer rows than values": Case(
        lambda of: setattr(of, "rows", 9),
        "column-length: `chunk.columns[0].numbers.values` has 10 values; 9 belong there.",
    ),
    "no row ids": Case(
        lambda of: of.ClearField("row_id_numbers"),
        "field-missing: `chunk.row_ids` is not given.",
    ),
    "too few row ids": Case(
        lambda of: of.row_id_numbers.values.pop(),
        "column-length: `chunk.row_id_numbers.values` has 9 values; 10 belong there.",
    ),
    "row ids with places": Case(
        lambda of: setattr(of.row_id_numbers, "places", 2),
        "row-id-places: `chunk.row_id_numbers.places` has 2 decimal places; row ids are whole numbers.",
    ),
    "too few texts for row ids": Case(
        lambda of: of.row_id_texts.values.append("a"),
        "column-length: `chunk.row_id_texts.values` has 1 values; 10 belong there.",
    ),
    "a row id that is too long": Case(
        lambda of: of.row_id_texts.values.extend([*"abc", LONG, *"efghij"]),
        "field-too-long: `chunk.row_id_texts.values[3]` has 201 characters; at most 200 fit.",
    ),
    "no rule sets": Case(
        lambda of: of.ClearField("rulesets"),
        "field-missing: `chunk.rulesets` is not given.",
    ),
    "rule sets without names": Case(
        lambda of: of.rulesets.ClearField("names"),
        "column-length: `chunk.rulesets.positions` has 0 values; 10 belong there.",
    ),
    "two rule sets and no positions": Case(
        lambda of: of.rulesets.names.append("cn.jiangsu.other"),
        "column-length: `chunk.rulesets.positions` has 0 values; 10 belong there.",
    ),
    "a rule set that is named twice": Case(
        lambda of: of.rulesets.names.append("cn.jiangsu.residential"),
        "column-twice: `chunk.rulesets.names` is there twice: `cn.jiangsu.residential`.",
    ),
    "a position of a rule set out of range": Case(
        lambda of: of.rulesets.positions.extend([0] * 9 + [1]),
        "code-position: `chunk.rulesets.positions` has the position 1; there are 1 names.",
    ),
    "too few first days": Case(
        lambda of: of.period_from.pop(),
        "column-length: `chunk.period_from` has 9 values; 10 belong there.",
    ),
    "too many last days": Case(
        lambda of: of.period_to.append(FEBRUARY),
        "column-length: `chunk.period_to` has 11 values; 10 belong there.",
    ),
    "a column without a name": Case(
        column(0, lambda of: setattr(of, "name", "")),
        "field-missing: `chunk.columns[0].name` is not given.",
    ),
    "a name that is too long": Case(
        column(0, lambda of: setattr(of, "name", LONG)),
        "field-too-long: `chunk.columns[0].name` has 201 characters; at most 200 fit.",
    ),
    "a column twice": Case(
        column(3, lambda of: setattr(of, "name", "kwh_total")),
        "column-twice: `chunk.columns[3].name` is there twice: `kwh_total`.",
    ),
    "a column of no kind": Case(
        column(0, lambda of: of.ClearField("numbers")),
        "column-empty: `chunk.columns[0]` holds no kind of values.",
    ),
    "too few numbers": Case(
        column(0, lambda of: of.numbers.values.pop()),
        "column-length: `chunk.columns[0].numbers.values` has 9 values; 10 belong there.",
    ),
    "too many places": Case(
        column(0, lambda of: setattr(of.numbers, "places", 19)),
        "column-places: `chunk.columns[0].numbers.places` has 19 decimal places; 0 to 18 can be read.",
    ),
    "fewer places than none": Case(
        column(0, lambda of: setattr(of.numbers, "places", -1)),
        "column-places: `chunk.columns[0].numbers.places` has -1 decimal places; 0 to 18 can be read.",
    ),
    "too few days": Case(
        column(0, lambda of: of.days.values.extend([0])),
        "column-length: `chunk.columns[0].days.values` has 1 values; 10 belong there.",
    ),
    "too few bits": Case(
        column(2, lambda of: setattr(of.booleans, "bits", b"\x00")),
        "bits-length: `chunk.columns[2].booleans.bits` has 1 bytes; 2 belong there.",
    ),
    "bits past the end": Case(
        column(2, lambda of: setattr(of.booleans, "bits", b"\x00\x04")),
        "column-bits: `chunk.columns[2].booleans.bits` sets bits past the last of 10 values.",
    ),
    "too many bits of what is given": Case(
        column(0, lambda of: setattr(of, "given", b"\xff\x03\x00")),
        "bits-length: `chunk.columns[0].given` has 3 bytes; 2 belong there.",
    ),
    "what is given past the end": Case(
        column(0, lambda of: setattr(of, "given", b"\xff\xff")),
        "column-bits: `chunk.columns[0].given` sets bits past the last of 10 values.",
    ),
    "too few codes": Case(
        column(3, lambda of: of.codes.positions.pop()),
        "column-length: `chunk.columns[3].codes.positions` has 9 values; 10 belong there.",
    ),
    "a position of a code out of range": Case(
        column(3, lambda of: of.codes.positions.__setitem__(4, 4_294_967_295)),
        "code-position: `chunk.columns[3].codes.positions` has the position 4294967295; there are 2 names.",
    ),
    "codes without names": Case(
        column(3, lambda of: of.codes.ClearField("names")),
        "code-position: `chunk.columns[3].codes.positions` has the position 0; there are 0 names.",
    ),
    "a code that is named twice": Case(
        column(3, lambda of: of.codes.names.append("shared")),
        "column-twice: `chunk.columns[3].codes.names` is there twice: `shared`.",
    ),
    "a code that is too long": Case(
        column(3, lambda of: of.codes.names.append(LONG)),
        "field-too-long: `chunk.columns[3].codes.names[2]` has 201 characters; at most 200 fit.",
    ),
    "too many texts": Case(
        column(1, lambda of: of.texts.values.append("0")),
        "column-length: `chunk.columns[1].texts.values` has 11 values; 10 belong there.",
    ),
    "a text that is too long": Case(
        column(1, lambda of: of.texts.values.__setitem__(9, LONG)),
        "field-too-long: `chunk.columns[1].texts.values[9]` has 201 characters; at most 200 fit.",
    ),
    "too many columns": Case(
        lambda of: of.columns.extend(type_pb2.Column(name=str(at)) for at in range(1_000)),
        "too-many-entries: `chunk.columns` has 1005 entries; at most 1000 are read.",
    ),
    "too many lists": Case(
        lambda of: of.lists.extend(type_pb2.ListColumn(name=str(at)) for at in range(1_000)),
        "too-many-entries: `chunk.lists` has 1001 entries; at most 1000 are read.",
    ),
    "a list without a name": Case(
        listed(lambda of: setattr(of, "name", "")),
        "field-missing: `chunk.lists[0].name` is not given.",
    ),
    "a list and a column of one name": Case(
        listed(lambda of: setattr(of, "name", "meter")),
        "column-twice: `chunk.lists[0].name` is there twice: `meter`.",
    ),
    "a column named as that of a list": Case(
        column(0, lambda of: setattr(of, "name", "meters.installed")),
        "column-twice: `chunk.lists[0]` is there twice: `meters.installed`.",
    ),
    "too few lengths": Case(
        listed(lambda of: of.lengths.pop()),
        "column-length: `chunk.lists[0].lengths` has 9 values; 10 belong there.",
    ),
    "lengths that add up to more than there is": Case(
        items([1] * ROWS, days=type_pb2.Days(values=[0] * 9)),
        "column-length: `chunk.lists[0].columns[0].days.values` has 9 values; 10 belong there.",
    ),
    "lengths of 32 bits": Case(
        items([4_294_967_295] * ROWS, codes=type_pb2.Codes(names=["x"])),
        "too-many-entries: `chunk.lists[0].lengths` has 42949672950 entries; at most 1048576 are read.",
    ),
    "items without columns": Case(
        all_of(items([1] * ROWS), listed(lambda of: of.ClearField("columns"))),
        "column-length: `chunk.lists[0].columns` has 0 values; 10 belong there.",
    ),
    "a list's column of no kind": Case(
        items([1] * ROWS),
        "column-empty: `chunk.lists[0].columns[0]` holds no kind of values.",
    ),
    "what is given of a list's column": Case(
        items([1] * ROWS, days=type_pb2.Days(values=[0] * ROWS), given=b"\x01"),
        "bits-length: `chunk.lists[0].columns[0].given` has 1 bytes; 2 belong there.",
    ),
    "a list's column twice": Case(
        listed(lambda of: of.columns.append(of.columns[0])),
        "column-twice: `chunk.lists[0].columns[1].name` is there twice: `installed`.",
    ),
    "which lists are given": Case(
        listed(lambda of: setattr(of, "given", b"\x00")),
        "bits-length: `chunk.lists[0].given` has 1 bytes; 2 belong there.",
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


def bills(
    stub: rating_pb2_grpc.RatingServiceStub, request: rating_pb2.CalculateBillsRequest
) -> list[rating_pb2.CalculateBillsResponse]:
    """Make a stream of one message."""
    return list(stub.CalculateBills(iter([request])))


def test_the_chunk_that_is_changed_is_good(server: Server) -> None:
    with server.channel() as channel:
        (answer,) = bills(rating(channel), rating_pb2.CalculateBillsRequest(chunk=chunk()))

    assert (answer.billed, list(answer.groups[0].total.values)) == (ROWS, [5_283] * ROWS)


@pytest.mark.parametrize("name", CASES)
def test_a_chunk(server: Server, name: str) -> None:
    case, came = CASES[name], chunk()
    case.change(came)

    with server.channel() as channel:
        found = refusal(
            lambda: list(rating(channel).CalculateBills(iter([rating_pb2.CalculateBillsRequest(chunk=came)])))
        )

    assert found == Refusal(grpc.StatusCode.INVALID_ARGUMENT, case.message)


def value(name: str, **kind: Any) -> Callable[[type_pb2.Row], object]:
    """A change to a value of a row."""
    return lambda of: of.values[name].CopyFrom(type_pb2.Value(**kind))


def a_list(**fields: Any) -> Callable[[type_pb2.Row], object]:
    """A list of a row."""
    return lambda of: of.lists.append(type_pb2.ListValue(**fields))


INSTALLED = type_pb2.Column(name="installed", days=type_pb2.Days(values=[0, 1]))

ROW_CASES: dict[str, tuple[Callable[[type_pb2.Row], object], str]] = {
    "a row id that is too long": (
        lambda of: setattr(of, "row_id", LONG),
        "field-too-long: `row.row_id` has 201 characters; at most 200 fit.",
    ),
    "a rule set's name that is too long": (
        lambda of: setattr(of, "ruleset", LONG),
        "field-too-long: `row.ruleset` has 201 characters; at most 200 fit.",
    ),
    "a day that is too long": (
        lambda of: setattr(of, "period_to", LONG),
        "field-too-long: `row.period_to` has 201 characters; at most 200 fit.",
    ),
    "a value of no kind": (value("kwh_total"), 'field-missing: `row.values["kwh_total"]` is not given.'),
    "places": (
        value("kwh_total", number=type_pb2.Decimal(unscaled=1, places=-2_147_483_648)),
        'column-places: `row.values["kwh_total"].number.places` has -2147483648 decimal places; 0 to 18 can be read.',
    ),
    "a text that is too long": (
        value("kwh_total", text=LONG),
        'field-too-long: `row.values["kwh_total"].text` has 201 characters; at most 200 fit.',
    ),
    "too many values": (
        lambda of: [value(str(at), boolean=True)(of) for at in range(1_000)],
        "too-many-entries: `row.values` has 1002 entries; at most 1000 are read.",
    ),
    "a list without a name": (
        a_list(items=2, columns=[INSTALLED]),
        "field-missing: `row.lists[0].name` is not given.",
    ),
    "a list and a value of one name": (
        a_list(name="kwh_total", items=2, columns=[INSTALLED]),
        "column-twice: `row.lists[0].name` is there twice: `kwh_total`.",
    ),
    "too few items": (
        a_list(name="meters", items=3, columns=[INSTALLED]),
        "column-length: `row.lists[0].columns[0].days.values` has 2 values; 3 belong there.",
    ),
    "items of 32 bits": (
        a_list(name="meters", items=4_294_967_295, columns=[type_pb2.Column(codes=type_pb2.Codes(names=["x"]))]),
        "too-many-entries: `row.lists[0].items` has 4294967295 entries; at most 1048576 are read.",
    ),
    "items without columns": (
        a_list(name="meters", items=2),
        "column-length: `row.lists[0].columns` has 0 values; 2 belong there.",
    ),
    "a list's column twice": (
        a_list(name="meters", items=2, columns=[INSTALLED, INSTALLED]),
        "column-twice: `row.lists[0].columns[1].name` is there twice: `installed`.",
    ),
}


@pytest.mark.parametrize("name", ROW_CASES)
def test_a_row(server: Server, name: str) -> None:
    change, message = ROW_CASES[name]
    request = household()
    change(request.row)

    with server.channel() as channel:
        found = refusal(lambda: rating(channel).CalculateBill(request))

    assert found == Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


def test_nothing_asked(server: Server) -> None:
    """Messages without what they are about."""
    with server.channel() as channel:
        stub = rating(channel)
        found = [
            refusal(lambda: stub.CalculateBill(rating_pb2.CalculateBillRequest())),
            refusal(lambda: stub.ExplainBill(rating_pb2.ExplainBillRequest())),
            refusal(lambda: stub.EvaluateWarnings(rating_pb2.EvaluateWarningsRequest())),
            refusal(lambda: stub.CompareBills(rating_pb2.CompareBillsRequest(chunk=chunk()))),
            refusal(lambda: bills(stub, rating_pb2.CalculateBillsRequest())),
        ]

    assert [one.message for one in found] == [
        "field-missing: `row` is not given.",
        "field-missing: `row` is not given.",
        "field-missing: `chunk` is not given.",
        "field-missing: `after.version` is not given.",
        "field-missing: `chunk` is not given.",
    ]


def test_numbers_that_are_no_doubles(server: Server) -> None:
    """The bits of a NaN are a huge whole number: the row is refused, the rows beside it are billed."""
    came = chunk()
    came.columns[0].numbers.values[3] = NAN_BITS

    with server.channel() as channel:
        (answer,) = bills(rating(channel), rating_pb2.CalculateBillsRequest(chunk=came))

    (error,) = answer.row_errors
    assert (answer.billed, error.index, error.code, error.reason) == (
        ROWS - 1,
        3,
        "out-of-bounds",
        "`kwh_total` is 92211202370410905.60, outside 0.00 to 1000000.00.",
    )


def test_a_name_that_the_door_supplies_is_no_column(server: Server) -> None:
    """The days of the period have fields of their own; a column of their name is read by no rule set."""
    came = chunk()
    came.columns.append(type_pb2.Column(name="period_from", days=type_pb2.Days(values=[0] * ROWS)))

    with server.channel() as channel:
        (answer,) = bills(rating(channel), rating_pb2.CalculateBillsRequest(chunk=came))

    assert {(one.code, one.field) for one in answer.row_errors} == {("unknown-column", "period_from")}
    assert len(answer.row_errors) == ROWS


def test_the_server_goes_on(server: Server) -> None:
    """After all that, a bill: 100 kWh at 0.5283."""
    with server.channel() as channel:
        assert unscaled(rating(channel).CalculateBill(household())) == (5_283, 2, "CNY")
    assert [one for one in server.log() if one.get("event") == "our-fault"] == []
