"""`CompareBills`: what another version of the rate book makes of the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.rating.v1.rating_pb2_grpc import RatingServiceStub
from dianjia.type.v1 import type_pb2 as types
from engine.service import comparing
from engine.service.books import LoadedBook, loaded
from engine.service.columns import read_chunk
from tests.registry.books import build_in_process, home
from tests.service.serving import Server, serving
from tests.service.steps import TOKENS, published

JANUARY, FEBRUARY, MARCH = 20_454, 20_485, 20_513  # 2026, in days since 1970-01-01
BEFORE = """\
ruleset: cn.test.home
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
changes: split
calendar:
  timezone: Asia/Shanghai
  seasons: {warm: months 2-9, cold: "months 1, 10-12"}
inputs:
  kwh: {unit: kWh, places: 0, from: 0, to: 1000, split: by_days}
  poor: {type: boolean, default: false}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: "0.5[CNY/kWh] if season == warm else 0.6[CNY/kWh]"}
  gift: {title: 补贴, when: poor, quantity: kwh, price: -0.10}
"""
# The price of the cold season goes up, the gift goes, a fund comes that the poor do not pay; fewer kWh are believed.
AFTER = (
    BEFORE.replace("0.6[", "0.7[")
    .replace("to: 1000", "to: 900")
    .replace(
        "  gift: {title: 补贴, when: poor, quantity: kwh, price: -0.10}",
        "  fund: {when: not poor, quantity: kwh, price: 0.01}",
    )
)
DOLLARS = BEFORE.replace("cn.test.home", "us.test.home").replace("version_by", "currency: USD\nversion_by")


@dataclass(frozen=True, slots=True)
class Compared:
    """A server with two versions."""

    stub: RatingServiceStub
    before: str
    after: str

    def __call__(self, rows: types.Chunk) -> rating.CompareBillsResponse:
        after = types.VersionChoice(version=self.after)
        answer: rating.CompareBillsResponse = self.stub.CompareBills(
            rating.CompareBillsRequest(after=after, chunk=rows)
        )
        return answer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose folder answers."""
    folder = tmp_path_factory.mktemp("server")
    rules = folder / "rules"
    rules.mkdir()
    (rules / "home.ruleset.yaml").write_text(BEFORE, encoding="utf-8")
    (rules / "away.ruleset.yaml").write_text(DOLLARS.replace("CNY", "USD"), encoding="utf-8")
    with serving(folder, rules=rules, tokens=TOKENS) as server:
        yield server


@pytest.fixture(scope="module")
def compared(server: Server) -> Iterator[Compared]:
    with server.channel("wang") as channel:
        files = {
            "home.ruleset.yaml": AFTER.encode(),
            "away.ruleset.yaml": DOLLARS.replace("CNY", "USD").encode(),
        }
        version = published(channel, files).version
        stub = RatingServiceStub(channel)
        (answer,) = stub.CalculateBills(iter([rating.CalculateBillsRequest(chunk=chunk([1]))]))
        yield Compared(stub, answer.version, version)


def chunk(kwh: list[int], poor: list[bool] | None = None, period_to: int = FEBRUARY) -> types.Chunk:
    """Rows of so many kWh; the first eight may be poor."""
    bits = sum(one << at for at, one in enumerate(poor or []))
    return types.Chunk(
        rows=len(kwh),
        row_id_texts=types.Texts(values=[f"r{at}" for at in range(len(kwh))]),
        rulesets=types.Codes(names=["cn.test.home"]),
        period_from=[JANUARY] * len(kwh),
        period_to=[period_to] * len(kwh),
        columns=[
            types.Column(name="kwh", numbers=types.Numbers(values=kwh)),
            types.Column(name="poor", booleans=types.Booleans(bits=bytes([bits]))),
        ],
    )


def with_charges(price: str, kwh: int) -> LoadedBook:
    """A rate book whose bills are sixteen times kWh times a price, for so many kWh at most."""
    whole, _, _ = home(price).decode().partition("tests:")
    more = "".join(f"  more_{number}: {{quantity: kwh, price: {price}}}\n" for number in range(15))
    text = whole.replace("places: 2, from: 0, to: 100000", f"places: 0, from: 0, to: {kwh}") + more
    return loaded(price, build_in_process({"home.ruleset.yaml": text.encode()}).book, {})


def money(unscaled: int, currency: str = "CNY") -> types.Money:
    return types.Money(unscaled=unscaled, places=2, currency=currency)


def amount(unscaled: int) -> types.Decimal:
    return types.Decimal(unscaled=unscaled, places=2)


def test_rows_that_differ(compared: Compared) -> None:
    """100 kWh: 60.00, then 70.00 and a fund of 1.00; poor: 60.00 less 10.00, then 70.00; nothing of nothing."""
    answer = compared(chunk([100, 100, 0], [False, True, False]))

    assert (answer.before, answer.after) == (compared.before, compared.after)
    assert (answer.received, answer.same) == (3, 1)
    assert list(answer.differences) == [
        rating.BillDifference(
            row_id="r0",
            index=0,
            ruleset="cn.test.home",
            before=money(6_000),
            after=money(7_100),
            difference=money(1_100),
            lines=[
                rating.LineDifference(id="energy", before=amount(6_000), after=amount(7_000)),
                rating.LineDifference(id="fund", after=amount(100)),
            ],
        ),
        rating.BillDifference(
            row_id="r1",
            index=1,
            ruleset="cn.test.home",
            before=money(5_000),
            after=money(7_000),
            difference=money(2_000),
            lines=[
                rating.LineDifference(id="energy", before=amount(6_000), after=amount(7_000)),
                rating.LineDifference(id="gift", before=amount(-1_000)),
            ],
        ),
    ]
    assert list(answer.totals) == [rating.TotalDifference(before=money(11_000), after=money(14_100), bills=3)]


def test_lines_are_summed_over_parts(compared: Compared) -> None:
    """59 kWh in January and February: 31 x 0.60 + 28 x 0.50 = 32.60, then 31 x 0.70 + 14.00 and 0.31 + 0.28."""
    (found,) = compared(chunk([59], period_to=MARCH)).differences

    assert list(found.lines) == [
        rating.LineDifference(id="energy", before=amount(3_260), after=amount(3_570)),
        rating.LineDifference(id="fund", after=amount(59)),
    ]
    assert found.difference == money(369)


def test_rows_that_one_side_refuses(compared: Compared) -> None:
    """950 kWh are believed before, 1,001 by neither. rows = same + differ + refused by one + refused by both."""
    answer = compared(chunk([950, 1_001, 100, 0]))

    assert [(one.index, one.row_id, one.code) for one in answer.refused_before] == [(1, "r1", "out-of-bounds")]
    assert [(one.index, one.code, one.reason) for one in answer.refused_after] == [
        (0, "out-of-bounds", "`kwh` is 950, outside 0 to 900."),
        (1, "out-of-bounds", "`kwh` is 1001, outside 0 to 900."),
    ]
    assert (answer.received, answer.same, [one.index for one in answer.differences]) == (4, 1, [2])
    assert [one.bills for one in answer.totals] == [2]


def test_sums_by_currency(compared: Compared) -> None:
    rows = chunk([100, 100, 100])
    rows.rulesets.CopyFrom(types.Codes(names=["cn.test.home", "us.test.home"], positions=[1, 0, 1]))

    answer = compared(rows)

    assert list(answer.totals) == [
        rating.TotalDifference(before=money(6_000), after=money(7_100), bills=1),
        rating.TotalDifference(before=money(12_000, "USD"), after=money(12_000, "USD"), bills=2),
    ]
    assert answer.same == 2


def test_a_difference_that_no_message_holds_is_left_out() -> None:
    """8e18 less -4.8e18: both totals have 64 bits, what lies between them has 65."""
    kwh = 10**15 - 1
    before, after = (with_charges(price, kwh) for price in ("5", "-3"))
    rows = chunk([0])
    del rows.columns[1]
    rows.columns[0].numbers.values[0] = kwh

    answer = comparing.compared(before, after, read_chunk(rows, 1), lambda: None)

    (found,) = answer.differences
    assert (found.before, found.after) == (money(kwh * 100 * 80), money(-kwh * 100 * 48))
    assert not found.HasField("difference")


def test_a_version_with_itself(compared: Compared) -> None:
    chosen = types.VersionChoice(version=compared.after)

    answer = compared.stub.CompareBills(
        rating.CompareBillsRequest(before=chosen, after=chosen, chunk=chunk([1, 2, 3], [True, False, True]))
    )

    assert (answer.before, answer.after, answer.same, len(answer.differences)) == (
        compared.after,
        compared.after,
        3,
        0,
    )
