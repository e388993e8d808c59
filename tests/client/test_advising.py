"""Frames advised by a real server: accounts stay whole, what is refused is told, and answers are added up once more.

Amounts: see tests/service/advice_rules.py. Of a kWh 0.50 CNY; of a kW of the contract 10 CNY, of one above it 20.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dianjia.advice.v1 import advice_pb2 as messages
from dianjia.client import AnswerBroken, Client, ServiceError
from dianjia.client.advising import advised
from dianjia.type.v1 import type_pb2 as types
from tests.service.advice_rules import ADVICE, SHOP, advice_book
from tests.service.rate_books import in_folder
from tests.service.serving import serving

MONTHS = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Of a server that takes five rows at once."""
    rules = in_folder(tmp_path_factory.mktemp("book"), dict(advice_book()))
    settings = {"rows_per_advice": 5}
    with (
        serving(tmp_path_factory.mktemp("server"), rules=rules, settings=settings) as server,
        Client(server.address) as client,
    ):
        yield client


def columns() -> dict[str, list[Any]]:
    """Months of 1001 and 1002, mixed; 1003 has a row that is refused, 1004 one that cannot even be sent."""
    rows = [
        ("1001", 0, 2000, 100, 80, None),
        ("1002", 0, 500, 50, 50, 20),
        ("1001", 1, 2000, 100, 100, None),
        ("1003", 0, -1, 50, 50, None),
        ("1004", 0, 500, 50, 50, None),
        ("1001", 2, 2000, 100, 60, None),
        ("1004", 1, 500, 50, 50, None),
    ]
    return {
        "row_id": [f"{account}-{month}" for account, month, *_ in rows[:-1]] + [None],
        "account": [one[0] for one in rows],
        "ruleset": [SHOP] * len(rows),
        "period_from": [MONTHS[one[1]] for one in rows],
        "period_to": [MONTHS[one[1] + 1] for one in rows],
        "kwh": [one[2] for one in rows],
        "contract_kw": [one[3] for one in rows],
        "demand_kw": [one[4] for one in rows],
        "spare_kwh": [one[5] for one in rows],
    }


LIBRARIES: list[Any] = [
    pytest.param(lambda given: given, id="lists"),
    pytest.param(pd.DataFrame, id="pandas"),
    pytest.param(pl.DataFrame, id="polars"),
    pytest.param(pa.table, id="arrow"),
]


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_account_is_told_of(client: Client, library: Callable[[Any], Any]) -> None:
    """6,000.00 for 1001 as it is, 5,800.00 with a contract of 80 kW; calls of seven and of six rows are too large."""
    given: dict[str, Any] = columns()
    if library is pd.DataFrame:
        given["spare_kwh"] = pd.array(given["spare_kwh"], dtype="Int64")

    found = client.advise(library(given))

    own = found.advised["1001"]
    assert (own.rows, own.rulesets, own.total, own.currency) == ((0, 2, 5), (SHOP,), Decimal("6000.00"), "CNY")
    best = own.outcome("contract_at_best")
    assert (best.state, best.total, best.saving, best.best, best.now) == (
        *("billed", Decimal("5800.00"), Decimal("200.00")),
        *(Decimal(80), Decimal(100)),
    )
    assert best.bills == (Decimal("1800.00"), Decimal("2200.00"), Decimal("1800.00"))
    assert (best.alternative.kind, best.alternative.best and best.alternative.best.unit) == ("choice", "kW")
    save = found.advised["1002"].outcome("save")
    assert (save.state, save.reason, save.row) == ("not_lawful", "只用了 500 千瓦时", 1)
    assert list(found.advised) == ["1001", "1002"]
    assert {
        name: (one.rows, [(of.row, of.code, of.field) for of in one.refused]) for name, one in found.unadvised.items()
    } == {
        "1003": ((3,), [(3, "out-of-bounds", "kwh")]),
        "1004": ((4, 6), [(6, "missing-value", "row_id")]),
    }
    assert found.received == 7


def test_as_a_frame(client: Client) -> None:
    """A row for each alternative of each account, in decimals."""
    given = columns() | {"spare_kwh": pd.array(columns()["spare_kwh"], dtype="Int64")}

    found = client.advise(pd.DataFrame(given), only=["contract_at_best", f"{ADVICE}:spare"])

    table = found.alternatives
    assert table[["row", "account", "alternative", "state"]].values.tolist() == [
        [0, "1001", "contract_at_best", "billed"],
        [0, "1001", "spare", "not_known"],
        [1, "1002", "spare", "billed"],
        [1, "1002", "contract_at_best", "unchanged"],
    ]
    assert table["paid"].tolist() == [Decimal("6000.00")] * 2 + [Decimal("750.00")] * 2
    assert (table["saving"].tolist()[::2], table["best"].tolist()[0]) == ([Decimal("200.00"), Decimal("10.00")], 80)
    assert table["saving"].isna().tolist() == [False, True, False, True]
    assert found.refused[["row", "code"]].values.tolist() == [[3, "out-of-bounds"], [6, "missing-value"]]


def test_bills_have_profiles(client: Client) -> None:
    """97.5 and gold for the month with 100 kW; 35.0 and ordinary for 500 kWh and 50 kW."""
    given = {name: values[1:3] for name, values in columns().items() if name != "spare_kwh"}

    profiles = client.bills(pd.DataFrame(given)).profiles
    bill = client.bill(SHOP, "2026-02-01", "2026-03-01", {"kwh": 2000, "contract_kw": 100, "demand_kw": 100})

    assert profiles[["row", "kind", "id", "class", "title"]].values.tolist() == [
        [0, "score", "size", "", "规模"],
        [0, "segment", "level", "ordinary", "普通客户"],
        [1, "score", "size", "", "规模"],
        [1, "segment", "level", "gold", "金牌客户"],
    ]
    assert profiles["value"].tolist()[::2] == [Decimal("35.0"), Decimal("97.5")]
    assert bill.scores["size"].value == Decimal("97.5")
    assert (bill.segments["level"].class_id, bill.segments["level"].services) == ("gold", ("客户经理", "上门服务"))


def test_an_account_is_never_parted(client: Client) -> None:
    """Six rows of one account are more than the server takes, and there is no half to send."""
    one = [f"r{at}" for at in range(6)]
    given = {
        "row_id": one,
        "account": "1001",
        "ruleset": SHOP,
        "period_from": MONTHS[0],
        "period_to": MONTHS[1],
        "kwh": 500,
        "contract_kw": 50,
        "demand_kw": 50,
    }

    with pytest.raises(ServiceError) as raised:
        client.advise(given)

    assert raised.value.code == "too-many-rows"


def test_a_frame_that_says_nothing_of_accounts(client: Client) -> None:
    given = columns()
    with pytest.raises(ValueError, match="there is no column `customer`"):
        client.advise(given, account="customer")
    with pytest.raises(ValueError, match="kinds are choice, measure, plan; came gift"):
        client.advise(given, kinds=["gift"])  # type: ignore[list-item]  # what a caller without mypy may write
    given["account"][2] = None
    with pytest.raises(ValueError, match="row 2 has no `account`"):
        client.advise(given)


def test_an_answer_that_does_not_hold_together() -> None:
    """An account that is left out, one with somebody else's rows, and bills that are not their total."""
    given = {name: values[:2] for name, values in columns().items() if name != "spare_kwh"}

    def broken(answer: messages.AdviseCustomerResponse) -> str:
        def ask(chunk: types.Chunk, accounts: types.Codes) -> messages.AdviseCustomerResponse:
            return answer

        with pytest.raises(AnswerBroken) as raised:
            advised(given, "account", "v", lambda names: [], ask, 100, frozenset(given))
        return str(raised.value)

    own = messages.AdvisedAccount(account="1001", index=[0], bills=types.Numbers(values=[5]), total=types.Decimal())
    answer = messages.AdviseCustomerResponse(version="v")
    assert broken(messages.AdviseCustomerResponse(version="w")) == "the version v was asked for, w answers"
    assert broken(answer) == "the answer says nothing of the account `1001`"
    answer.advised.append(own)
    assert broken(answer) == "the bills of the account `1001` do not add up to their total"
    own.total.unscaled = 5
    own.index[0] = 1
    assert broken(messages.AdviseCustomerResponse(version="v", advised=[own])) == (
        "the account `1001` has other rows in the answer than were sent"
    )
