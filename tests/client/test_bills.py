"""Frames billed by a real server: amounts against the notice, what passes through, what is refused, what comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dianjia.client import Client, Coded, Progress, RowRefused, Scaled, ServiceError
from tests.client.households import RULESET, households, owed
from tests.service.serving import Server, serving

OTHER = "cn.hunan.agriculture"  # splits billing periods where its price changes
FILES = ("cn/jiangsu/residential.ruleset.yaml", "cn/hunan/agriculture.ruleset.yaml")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from tests.service.serving import rules_in

    folder = tmp_path_factory.mktemp("server")
    limits = {"request_bytes_max": 200_000, "response_bytes_max": 200_000}
    with serving(folder / "run", rules=rules_in(folder, FILES), settings=limits) as found:
        yield found


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server.address) as found:
        yield found


def columns() -> dict[str, Any]:
    """Four rows with known bills: 180.50 x 0.5283; 260 x 0.5283 and 1 x 0.5783; two that have none."""
    return {
        "row_id": ["a", "b", "c", "d"],
        "account": ["1001", "1002", "1003", "1004"],
        "ruleset": [RULESET, RULESET, RULESET, "cn.nowhere"],
        "period_from": [date(2026, 9, 1)] * 4,
        "period_to": [date(2026, 10, 1)] * 4,
        "kwh_total": [Decimal("180.50"), Decimal("261.00"), Decimal("-1.00"), Decimal("1.00")],
        "kwh_year_before": [Decimal("0.00"), Decimal("2500.00"), Decimal("0.00"), Decimal("0.00")],
        "kwh_last_year": [None, Decimal("100.00"), None, None],
    }


LIBRARIES: list[Any] = [
    pytest.param(lambda given: given, id="lists"),
    pytest.param(pd.DataFrame, id="pandas"),
    pytest.param(pl.DataFrame, id="polars"),
    pytest.param(pa.table, id="arrow"),
]


def listed(frame: Any, name: str) -> list[Any]:
    """A column of a result as Python's own values."""
    column = frame[name]
    if isinstance(column, Scaled):
        given = np.ones(len(column), dtype=bool) if column.given is None else column.given
        return [value if there else None for value, there in zip(column.decimals(), given.tolist(), strict=True)]
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, method):
            return list(getattr(column, method)())
    raise AssertionError(type(column))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_frame(client: Client, library: Any) -> None:
    """Every library gets its own frames back: bills in the order of the rows, refusals with their reason, warnings."""
    frame = library(columns())

    bills = client.bills(frame, detail="full")

    assert (bills.received, bills.billed) == (4, 2)
    made, lines = bills.bills, bills.lines[RULESET]
    assert type(made) is type(frame)
    assert [0, 1] == listed(made, "row")
    assert ["a", "b"] == listed(made, "row_id")
    assert ["1001", "1002"] == listed(made, "account")
    assert [Decimal("95.36"), Decimal("137.94")] == listed(made, "total")
    assert [Decimal("95.36"), Decimal("137.94")] == listed(made, "ledger_energy")
    assert ["CNY", "CNY"] == listed(made, "currency")
    assert [bills.version] * 2 == listed(made, "version")
    assert [Decimal("95.36"), Decimal("137.36")] == listed(lines, "energy.1")
    assert [Decimal("0.00"), Decimal("0.58")] == listed(lines, "energy.2")
    assert [Decimal("180.50"), Decimal("260.00")] == listed(lines, "energy.1.quantity")
    assert [Decimal("0.5783")] * 2 == listed(lines, "energy.2.price")
    assert [None, None] == listed(lines, "free_quota")
    assert ["c", "d"] == listed(bills.refused, "row_id")
    assert ["out-of-bounds", "unknown-ruleset"] == listed(bills.refused, "code")
    assert ["kwh_total", "ruleset"] == listed(bills.refused, "field")
    assert ["-1.00", "cn.nowhere"] == listed(bills.refused, "value")
    assert ["b"] == listed(bills.warnings, "row_id")
    assert [("usage_surge", "amber", "用电量突增")] == [
        (listed(bills.warnings, "warning")[0], listed(bills.warnings, "level")[0], listed(bills.warnings, "title")[0])
    ]


@pytest.mark.parametrize("library", LIBRARIES)
def test_long_lines(client: Client, library: Any) -> None:
    """The long form has a row for each line that stands on a bill, in the bill's order."""
    made = client.bills(library(columns())).long_lines()

    rows = zip(*(listed(made, name) for name in ("row_id", "line", "amount", "money")), strict=True)
    assert [
        ("a", "energy.1", Decimal("95.36"), True),
        ("a", "energy.2", Decimal("0.00"), True),
        ("a", "energy.3", Decimal("0.00"), True),
        ("b", "energy.1", Decimal("137.36"), True),
        ("b", "energy.2", Decimal("0.58"), True),
        ("b", "energy.3", Decimal("0.00"), True),
    ] == list(rows)


def test_pandas_keeps_the_index(client: Client) -> None:
    """A result lines up with the caller's frame by its index; a row without a bill is left empty."""
    frame = pd.DataFrame(columns(), index=["w", "x", "y", "z"])

    frame["total"] = client.bills(frame).bills["total"]

    assert [Decimal("95.36"), Decimal("137.94")] == frame["total"].tolist()[:2]
    assert [True, True] == frame["total"].isna().tolist()[2:]


def test_pandas_in_arrow_stays_there(client: Client) -> None:
    """Where a frame is kept in Arrow, so are its results."""
    frame = pa.table(columns()).to_pandas(types_mapper=pd.ArrowDtype)

    made = client.bills(frame).bills

    assert pd.ArrowDtype(pa.decimal128(19, 2)) == made["total"].dtype
    assert [Decimal("95.36"), Decimal("137.94")] == made["total"].tolist()


@pytest.mark.parametrize("library", LIBRARIES)
def test_parts(client: Client, library: Any) -> None:
    """A period that a change cuts has a row a part, each with its days; the parts add up to the total.

    17 of 31 days: 548.39 kWh x 0.5287 = 289.93; from 1 April 451.61 kWh x 0.4837 = 218.44.
    """
    frame = library(
        {
            "row_id": [1, 2],
            "ruleset": [OTHER, OTHER],
            "period_from": [date(2026, 3, 15)] * 2,
            "period_to": [date(2026, 4, 15)] * 2,
            "use": ["irrigation"] * 2,
            "voltage": ["below_1kv"] * 2,
            "kwh": [Decimal("1000.00")] * 2,
        }
    )

    bills = client.bills(frame, detail="full")

    lines = bills.lines[OTHER]
    assert [Decimal("508.37")] * 2 == listed(bills.bills, "total")
    assert [0, 0, 1, 1] == listed(lines, "row")
    assert [1, 2, 1, 2] == listed(lines, "part")
    assert [Decimal("289.93"), Decimal("218.44")] * 2 == listed(lines, "energy")
    assert [Decimal("548.39"), Decimal("451.61")] * 2 == listed(lines, "energy.quantity")
    assert ["2026-03-15", "2026-04-01"] == [str(one)[:10] for one in listed(lines, "part_from")[:2]]
    assert ["2026-04-01", "2026-04-15"] == [str(one)[:10] for one in listed(lines, "part_to")[:2]]
    assert [1, 2, 1, 2] == listed(bills.long_lines(), "part")


def test_ten_thousand_rows(client: Client) -> None:
    """Rows of every tier, several chunks, scaled numbers: each total is the notice's."""
    rows = 10_000
    seen: list[Progress] = []

    bills = client.bills(households(rows), chunk_rows=1_500, progress=seen.append)

    assert [owed(number) for number in range(rows)] == bills.bills["total"].decimals()
    assert list(range(rows)) == bills.bills["row"].tolist()
    assert len(seen) == 7
    assert (seen[-1].rows, seen[-1].rows_in_all, seen[-1].billed) == (rows, rows, rows)
    assert seen[-1].seconds > 0


def test_chunks_too_large_are_halved(client: Client, server: Server) -> None:
    """The server takes and gives 200 kB a message: chunks are cut until they fit, and nothing is lost or doubled."""
    rows = 12_000

    bills = client.bills(households(rows), detail="full", chunk_rows=rows)

    assert [owed(number) for number in range(rows)] == bills.bills["total"].decimals()
    assert list(range(rows)) == bills.lines[RULESET]["row"].tolist()


def test_too_large_also_in_warnings_and_comparisons(client: Client) -> None:
    """Calls of one message are cut likewise."""
    rows = 12_000
    columns = households(rows)

    warned = client.warnings(columns)
    version = client.ruleset(RULESET).version
    compared = client.compare(columns, "", version)

    assert (warned.received, warned.billed) == (rows, rows)
    assert (compared.received, compared.same) == (rows, rows)
    assert compared.totals["CNY"].before == sum(owed(number) for number in range(rows))
    assert compared.totals["CNY"].bills == rows


def test_one_version(client: Client) -> None:
    """Both sides of a comparison name what they are; a version that is not there is refused."""
    version = client.ruleset(RULESET, files=False).version

    compared = client.compare(columns(), "", version)

    assert (compared.before, compared.after) == (version, version)
    assert (compared.received, compared.same) == (4, 2)
    assert ["out-of-bounds", "unknown-ruleset"] == compared.refused_after["code"].tolist()
    assert [] == compared.differences["row"].tolist()
    with pytest.raises(ServiceError) as raised:
        client.bills(columns(), version="0" * 64)
    assert raised.value.code == "version-not-here"


@pytest.mark.parametrize("library", LIBRARIES)
def test_warnings_with_their_words(client: Client, library: Any) -> None:
    """`warnings` gives the message with the row's values, the causes and what to do."""
    found = client.warnings(library(columns()))

    assert (found.received, found.billed) == (4, 2)
    assert ["b"] == listed(found.warnings, "row_id")
    assert ["本月 261.00 千瓦时，去年同月 100.00 千瓦时"] == listed(found.warnings, "message")
    assert ["新增电器; 抄表差错; 漏电"] == listed(found.warnings, "causes")
    assert ["电话回访，核对表计"] == listed(found.warnings, "action")
    assert ["c", "d"] == listed(found.refused, "row_id")


def test_frames_of_a_stream(client: Client) -> None:
    """Frames come back one by one, as they are ready; an id of an earlier frame is refused in a later one."""
    asked = []

    def frames() -> Iterator[dict[str, Any]]:
        for number in range(20):
            asked.append(number)
            yield households(100, number * 99)  # each begins with the last id of the one before

    stream = client.stream(frames(), window=2)
    first = next(stream)
    ahead = len(asked)
    rest = list(stream)

    assert first.billed == 100
    assert ahead < 20
    assert [99] * 19 == [one.billed for one in rest]
    assert ["duplicate-row"] == rest[0].refused["code"].tolist()
    assert [99] == rest[0].refused["row_id"].tolist()
    assert 1 == len({one.version for one in [first, *rest]})


def test_a_stream_that_feeds_on_its_answers(client: Client) -> None:
    """The next frame may depend on the bills of the one before: answers come without waiting for more frames."""
    totals: list[Decimal] = []

    def frames() -> Iterator[dict[str, Any]]:
        number = 0
        while number < 5:
            if len(totals) == number:
                yield households(1, number)
                number += 1
            time.sleep(0.001)

    for bills in client.stream(frames()):
        totals += bills.bills["total"].decimals()

    assert [owed(number) for number in range(5)] == totals


def test_an_error_of_the_caller_comes_back(client: Client) -> None:
    """What the caller's own iterator raises is raised where its answers are read, after what was complete."""

    def frames() -> Iterator[dict[str, Any]]:
        yield households(10)
        raise LookupError("the cabinet is empty")

    stream = client.stream(frames())

    assert next(stream).billed == 10
    with pytest.raises(LookupError, match="the cabinet is empty"):
        next(stream)


def test_no_rows(client: Client) -> None:
    """A frame without rows has no bills, and results with their columns; so has one whose rows are all refused."""
    empty = client.bills(pd.DataFrame(columns()).iloc[:0])
    refused = client.bills({**columns(), "period_from": [None] * 4})

    assert (empty.received, empty.billed, len(empty.bills), empty.lines) == (0, 0, 0, {})
    assert list(empty.bills.columns)[-1] == "currency"
    assert ["missing-value"] * 4 == refused.refused["code"].tolist()
    assert [] == list(client.stream([]))


def test_columns_that_nobody_reads(client: Client) -> None:
    """A column that may be a slip stops the call with the name that is near; what is named passes through."""
    slip = {**columns(), "kwh_totl": [1] * 4}

    with pytest.raises(ValueError) as raised:
        client.bills(slip)
    passed = client.bills(slip, pass_through=["kwh_totl"])
    with pytest.raises(ValueError) as taken:
        client.bills({**columns(), "total": [1] * 4}, pass_through=["total"])
    with pytest.raises(ValueError) as lacking:
        client.bills({name: one for name, one in columns().items() if name != "row_id"})

    assert "`kwh_totl` is read by no rule set of these rows; is `kwh_total` meant?" in str(raised.value)
    assert [1, 1] == passed.bills["kwh_totl"].tolist()
    assert "`total` is a column of the results; rename it" in str(taken.value)
    assert "there is no column `row_id`" in str(lacking.value)


def test_floats_stop_the_call(client: Client) -> None:
    """A column of floats is refused before a row is sent."""
    with pytest.raises(ValueError, match=r"`kwh_total` is a column of float64: binary floats cannot hold"):
        client.bills({**columns(), "kwh_total": np.array([180.5, 1, 1, 1])})


def test_wrong_arguments(client: Client) -> None:
    """Arguments that mean nothing are told at once."""
    for arguments, said in (
        ({"detail": "everything"}, "detail is totals, lines or full; came everything"),
        ({"chunk_rows": 0}, "chunk_rows is a whole number from 1; came 0"),
        ({"window": 0}, "window is a whole number from 1; came 0"),
        ({"timeout": 0}, "timeout is a number of seconds above 0; came 0"),
    ):
        with pytest.raises(ValueError) as raised:
            client.bills(columns(), **arguments)

        assert str(raised.value) == said


def test_totals_alone(client: Client) -> None:
    """`totals` gives totals and no lines."""
    bills = client.bills(columns(), detail="totals")

    assert [Decimal("95.36"), Decimal("137.94")] == bills.bills["total"].decimals()
    assert [] == bills.long_lines()["line"].tolist()
    assert [] == [name for name in bills.bills if name.startswith("ledger_")]


def test_codes_by_position(client: Client) -> None:
    """Coded columns are sent as they are: names that no row uses stay behind."""
    names = (*(f"never_{number}" for number in range(200)), "from_1_to_10kv", "below_1kv")
    voltage = Coded(np.array([200, 201, 0, 0]), names, np.array([True, True, False, False]))

    bills = client.bills({**columns(), "voltage": voltage})

    # 180.50 x 0.5183 = 93.55; 137.94 as below 1 kV
    assert [Decimal("93.55"), Decimal("137.94")] == bills.bills["total"].decimals()


def test_one_bill(client: Client) -> None:
    """One bill has decimals and days, lines with quantity and price, ledgers and warnings."""
    values = {"kwh_total": Decimal("261"), "kwh_year_before": 2500, "kwh_last_year": "100.00", "low_income": False}

    bill = client.bill(RULESET, date(2026, 9, 1), "2026-10-01", values, row_id="b")

    assert (bill.row_id, bill.total, bill.currency) == ("b", Decimal("137.94"), "CNY")
    assert (bill.period_from, bill.period_to) == (date(2026, 9, 1), date(2026, 10, 1))
    assert [(one.id, one.amount, one.quantity, one.price) for one in bill.lines] == [
        ("energy.1", Decimal("137.36"), Decimal("260.00"), Decimal("0.5283")),
        ("energy.2", Decimal("0.58"), Decimal("1.00"), Decimal("0.5783")),
        ("energy.3", Decimal("0.00"), Decimal("0.00"), Decimal("0.8283")),
    ]
    assert bill.amount("energy.2") == Decimal("0.58")
    assert bill.ledgers["energy"] == Decimal("137.94")
    assert [(one.id, one.level) for one in bill.warnings] == [("usage_surge", "amber")]


def test_one_row_refused(client: Client) -> None:
    """A row that cannot be billed says which field, what came, why, and what to do."""
    with pytest.raises(RowRefused) as raised:
        client.bill(RULESET, "2026-09-01", "2026-10-01", {"kwh_total": -1, "kwh_year_before": 0}, row_id="c")

    refused = raised.value
    assert (refused.code, refused.field, refused.value, refused.row_id) == ("out-of-bounds", "kwh_total", "-1", "c")
    assert refused.reason == "`kwh_total` is -1, outside 0.00 to 1000000.00."
    assert refused.remedy.startswith("Check the reading")
    assert (refused.ruleset, refused.status.name, refused.again) == (RULESET, "INVALID_ARGUMENT", False)
    assert refused.request != ""


def test_floats_of_one_row(client: Client) -> None:
    """A binary float is refused before it is sent."""
    with pytest.raises(ValueError, match="`kwh_total` is a binary float"):
        client.bill(RULESET, "2026-09-01", "2026-10-01", {"kwh_total": 1.5})


def test_explanation(client: Client) -> None:
    """An explanation leads from the amount to the printed price, the rule's line and the notice, in either language."""
    values = {"kwh_total": 261, "kwh_year_before": 2500}

    told = client.explain(RULESET, "2026-09-01", "2026-10-01", values)
    in_chinese = client.explain(RULESET, "2026-09-01", "2026-10-01", values, language="zh")

    second = told.lines[1]
    assert told.bill.total == Decimal("137.94")
    assert (second.line, second.before_rounding) == ("energy.2", "0.578300")
    assert [one.text for one in second.figures if one.path.startswith("price")] == ["0.5783"]
    assert second.place is not None
    assert second.place.file == FILES[0]
    assert "江苏省" in second.source
    assert ("kwh_total", "261.00") in [(one.name, one.value) for one in told.inputs]
    assert "账单" in in_chinese.text
    assert "账单" not in told.text


def test_rule_sets(client: Client) -> None:
    """Rule sets are listed with filters; one of them says what its rows need and what its bills have."""
    assert [one.id for one in client.rulesets(place="cn.jiangsu")] == [RULESET]
    assert [one.id for one in client.rulesets(customer_class="agriculture", in_force_on=date(2026, 1, 1))] == [OTHER]
    assert client.rulesets(in_force_on="2000-01-01") == []

    found = client.ruleset(RULESET)

    kwh, voltage = found.inputs["kwh_total"], found.inputs["voltage"]
    assert (kwh.kind, kwh.unit, kwh.places, kwh.low, kwh.high) == (
        "number",
        "kWh",
        2,
        Decimal("0.00"),
        Decimal("1000000.00"),
    )
    assert (voltage.codes, voltage.default) == ({"below_1kv": "不满1千伏", "from_1_to_10kv": "1-10千伏"}, "below_1kv")
    assert list(found.lines)[:3] == ["energy.1", "energy.2", "energy.3"]
    assert found.warnings["usage_surge"].level == "amber"
    assert found.files[FILES[0]].startswith("# 江苏居民".encode())
    with pytest.raises(ServiceError) as raised:
        client.ruleset("cn.nowhere")
    assert (raised.value.code, raised.value.status.name) == ("unknown-resource", "NOT_FOUND")
    assert [one.field for one in raised.value.fields] == ["name"]
