"""`CalculateBills`: one answer a chunk, in order; what belongs to the stream stands in its first message."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.rating.v1.rating_pb2_grpc import RatingServiceStub
from dianjia.type.v1 import type_pb2 as types
from tests.service.refusals import Refusal, refusal
from tests.service.serving import Server, serving

JANUARY, FEBRUARY, MARCH = 20_454, 20_485, 20_513  # 2026, in days since 1970-01-01
SPLIT = """\
ruleset: cn.test.split
title: 分段
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
changes: split
calendar:
  timezone: Asia/Shanghai
  seasons: {warm: months 2-9, cold: "months 1, 10-12"}
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000, split: by_days}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: "0.5[CNY/kWh] if season == warm else 0.6[CNY/kWh]", ledger: energy}
  much: {title: 大户加价, when: "kwh > 50[kWh]", quantity: kwh, price: 0.01, ledger: more}
warnings:
  much: {title: 多, level: amber, when: "kwh > 50[kWh]", message: "用电 {kwh}"}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two rule sets that takes 100 rows a chunk and 1,000 a stream."""
    folder = tmp_path_factory.mktemp("server")
    settings = {"rows_per_chunk": 100, "rows_per_stream": 1_000}
    with serving(folder, rules=_rules(folder), settings=settings) as server:
        yield server


def _rules(folder: Path) -> Path:
    """Two rule sets that differ in what a change inside the billing period does."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "split.ruleset.yaml").write_text(SPLIT, encoding="utf-8")
    whole = SPLIT.replace("cn.test.split", "cn.test.whole").replace("changes: split", "changes: whole")
    (rules / "whole.ruleset.yaml").write_text(whole.replace("split: by_days", "title: 电量"), encoding="utf-8")
    return rules


@pytest.fixture
def stub(server: Server) -> Iterator[RatingServiceStub]:
    with server.channel() as channel:
        yield RatingServiceStub(channel)


def chunk(
    ids: Sequence[int] | Sequence[str],
    kwh: Sequence[int],
    rulesets: Sequence[str] = ("cn.test.whole",),
    of: Sequence[int] = (),
    period_to: int = FEBRUARY,
) -> types.Chunk:
    """Rows of so many hundredths of a kWh, which begin with January."""
    found = types.Chunk(
        rows=len(ids),
        rulesets=types.Codes(names=rulesets, positions=of),
        period_from=[JANUARY] * len(ids),
        period_to=[period_to] * len(ids),
        columns=[types.Column(name="kwh", numbers=types.Numbers(values=kwh, places=2))],
    )
    if ids and isinstance(ids[0], str):
        found.row_id_texts.values.extend(str(one) for one in ids)
    else:
        found.row_id_numbers.values.extend(int(one) for one in ids)
    return found


def ask(sequence: int, of: types.Chunk, **first: Any) -> rating.CalculateBillsRequest:
    return rating.CalculateBillsRequest(sequence=sequence, chunk=of, **first)


def bills(stub: RatingServiceStub, *requests: rating.CalculateBillsRequest) -> list[rating.CalculateBillsResponse]:
    return list(stub.CalculateBills(iter(requests)))


class TestAnswers:
    def test_one_a_chunk_in_order(self, stub: RatingServiceStub) -> None:
        """The first number may be any."""
        requests = [ask(at, chunk([at], [1_000])) for at in range(7, 12)]

        answers = bills(stub, *requests)

        assert [(one.sequence, one.received, one.billed) for one in answers] == [(at, 1, 1) for at in range(7, 12)]
        assert len({one.version for one in answers}) == 1

    def test_lines(self, stub: RatingServiceStub) -> None:
        """100 kWh x 0.60 = 60.00 and 100 x 0.01 = 1.00; 50 kWh are not more than 50: 30.00."""
        (answer,) = bills(stub, ask(0, chunk([5, 6], [10_000, 5_000])))

        (group,) = answer.groups
        assert group == rating.BillGroup(
            ruleset="cn.test.whole",
            ruleset_hash=group.ruleset_hash,
            currency="CNY",
            total=types.Numbers(values=[6_100, 3_000], places=2),
            lines=[
                rating.LineColumn(id="energy", amounts=types.Numbers(values=[6_000, 3_000], places=2), money=True),
                rating.LineColumn(
                    id="much", amounts=types.Numbers(values=[100, 0], places=2), money=True, shown=b"\x01"
                ),
            ],
            ledgers=[
                rating.LedgerColumn(ledger="energy", amounts=types.Numbers(values=[6_000, 3_000], places=2)),
                rating.LedgerColumn(ledger="more", amounts=types.Numbers(values=[100, 0], places=2)),
            ],
            warnings=[rating.WarningColumn(id="much", index=[0])],
        )
        assert len(group.ruleset_hash) == 16

    def test_totals(self, stub: RatingServiceStub) -> None:
        (answer,) = bills(stub, ask(0, chunk([5], [10_000]), detail=rating.DETAIL_TOTALS))

        (group,) = answer.groups
        assert list(group.total.values) == [6_100]
        assert (len(group.lines), len(group.ledgers), len(group.warnings)) == (0, 0, 0)

    def test_in_full(self, stub: RatingServiceStub) -> None:
        (answer,) = bills(stub, ask(0, chunk([5], [10_000]), detail=rating.DETAIL_FULL))

        (group,) = answer.groups
        assert group.lines[0] == rating.LineColumn(
            id="energy",
            amounts=types.Numbers(values=[6_000], places=2),
            money=True,
            quantities=types.Numbers(values=[10_000], places=2),
            prices=types.Numbers(values=[6], places=1),
        )

    def test_parts(self, stub: RatingServiceStub) -> None:
        """January and February, 31 and 28 days: 59 kWh are 31 x 0.60 + 28 x 0.50 = 18.60 + 14.00; January is one."""
        rows = chunk([1, 2], [5_900, 1_000], ["cn.test.split"], period_to=MARCH)
        rows.period_to[1] = FEBRUARY

        (answer,) = bills(stub, ask(0, rows))

        (group,) = answer.groups
        assert list(group.parts) == [2, 1]
        assert list(group.part_from) == [JANUARY, FEBRUARY, JANUARY]
        assert list(group.part_to) == [FEBRUARY, MARCH, FEBRUARY]
        assert list(group.total.values) == [3_260, 600]
        assert list(group.lines[0].amounts.values) == [1_860, 1_400, 600]
        assert group.lines[1].shown == b"\x00"

    def test_rule_sets_beside_each_other(self, stub: RatingServiceStub) -> None:
        rows = chunk([1, 2, 3], [1_000, 2_000, 3_000], ["cn.test.split", "cn.test.whole"], [1, 0, 1])

        (answer,) = bills(stub, ask(0, rows))

        found = {one.ruleset: (list(one.index), list(one.total.values)) for one in answer.groups}
        assert found == {"cn.test.whole": ([0, 2], [600, 1_800]), "cn.test.split": ([1], [1_200])}

    def test_a_chunk_without_rows(self, stub: RatingServiceStub) -> None:
        answers = bills(stub, ask(0, types.Chunk()), ask(1, chunk([1], [1_000])))

        assert [(one.received, one.billed, len(one.groups)) for one in answers] == [(0, 0, 0), (1, 1, 1)]

    def test_no_chunk_at_all(self, stub: RatingServiceStub) -> None:
        assert bills(stub) == []


class TestRefusedRows:
    def test_say_which_and_why(self, stub: RatingServiceStub) -> None:
        """The rows beside them are billed."""
        rows = chunk(["a", "b", "c"], [1_000, 10_000_001, 2_000], ["cn.test.whole", "cn.test.none"], [0, 0, 1])

        (answer,) = bills(stub, ask(41, rows))

        place = answer.row_errors[0].place
        assert (answer.received, answer.billed, list(answer.groups[0].index)) == (3, 1, [0])
        assert list(answer.row_errors) == [
            types.RowError(
                row_id="b",
                sequence=41,
                index=1,
                code="out-of-bounds",
                field="kwh",
                value="100000.01",
                reason="`kwh` is 100000.01, outside 0.00 to 100000.00.",
                remedy="Check the reading, or the bounds that the rule set declares.",
                place=place,
                ruleset="cn.test.whole",
            ),
            types.RowError(
                row_id="c",
                sequence=41,
                index=2,
                code="unknown-ruleset",
                field="ruleset",
                value="cn.test.none",
                reason="the rate book has no rule set `cn.test.none`.",
                remedy="Check the row's `ruleset`, or add the rule set to the rate book.",
                ruleset="cn.test.none",
            ),
        ]
        assert (place.file.rpartition("/")[2], place.line) == ("whole.ruleset.yaml", 11)

    def test_an_id_that_came_before(self, stub: RatingServiceStub) -> None:
        """In the chunk, in the chunk before, and far back; each is billed once."""
        answers = bills(
            stub,
            ask(0, chunk([1, 2, 1], [1_000] * 3)),
            ask(1, chunk([3, 4, 5], [1_000] * 3)),
            ask(2, chunk([6, 2, 5], [1_000] * 3)),
        )

        found = [[(one.index, one.code, one.row_id) for one in answer.row_errors] for answer in answers]
        assert found == [[(2, "duplicate-row", "1")], [], [(1, "duplicate-row", "2"), (2, "duplicate-row", "5")]]
        assert [one.billed for one in answers] == [2, 3, 1]

    def test_an_id_of_another_stream(self, stub: RatingServiceStub) -> None:
        """Streams know nothing of each other."""
        twice = [bills(stub, ask(0, chunk([1], [1_000]))) for _ in range(2)]

        assert [answer.billed for (answer,) in twice] == [1, 1]


class TestBreaks:
    @pytest.mark.parametrize("second", [0, 2, 18_446_744_073_709_551_615])
    def test_a_number_out_of_order(self, stub: RatingServiceStub, second: int) -> None:
        """What came before is answered."""
        answers: list[int] = []
        requests = [ask(0, chunk([1], [1_000])), ask(second, chunk([2], [1_000]))]

        found = refusal(lambda: answers.extend(one.sequence for one in stub.CalculateBills(iter(requests))))

        message = f"sequence-broken: chunk {second} came where 1 was due."
        assert (found, answers) == (Refusal(grpc.StatusCode.INVALID_ARGUMENT, message), [0])

    @pytest.mark.parametrize(
        ("field", "option"),
        [
            ("version", {"version": types.VersionChoice()}),
            ("detail", {"detail": rating.DETAIL_LINES}),
            ("run", {"run": "again"}),
        ],
    )
    def test_an_option_that_comes_late(self, stub: RatingServiceStub, field: str, option: dict[str, Any]) -> None:
        found = refusal(lambda: bills(stub, ask(0, chunk([1], [1_000])), ask(1, chunk([2], [1_000]), **option)))

        said = f"stream-option-late: `{field}` is set in chunk 1; it belongs to the first message of a stream."
        assert found.message == said

    def test_row_ids_of_two_kinds(self, stub: RatingServiceStub) -> None:
        found = refusal(lambda: bills(stub, ask(0, chunk([1], [1_000])), ask(1, chunk(["1"], [1_000]))))

        said = "row-ids-mixed: `chunk.row_id_texts` came after chunks whose row ids are whole numbers."
        assert found == Refusal(grpc.StatusCode.INVALID_ARGUMENT, said)

    def test_more_rows_than_a_chunk_may_have(self, stub: RatingServiceStub) -> None:
        found = refusal(lambda: bills(stub, ask(0, chunk(range(101), [1_000] * 101))))

        assert found.message == "too-many-rows: the chunk has 101 rows; at most 100 are billed at once."

    def test_more_rows_than_a_stream_may_have(self, stub: RatingServiceStub) -> None:
        requests = [ask(at, chunk(range(at * 100, at * 100 + 100), [1_000] * 100)) for at in range(11)]

        found = refusal(lambda: bills(stub, *requests))

        assert found.message == "stream-too-long: the stream has more than 1000 rows."

    def test_a_detail_that_is_none(self, stub: RatingServiceStub) -> None:
        found = refusal(lambda: bills(stub, ask(0, chunk([1], [1_000]), detail=9)))

        assert found.message == "unknown-choice: `detail` is 9, which stands for nothing here."

    def test_a_name_of_a_run_that_is_too_long(self, stub: RatingServiceStub) -> None:
        found = refusal(lambda: bills(stub, ask(0, chunk([1], [1_000]), run="x" * 201)))

        assert found.message == "field-too-long: `run` has 201 characters; at most 200 fit."


def test_the_server_reads_no_further_than_it_is_read(tmp_path: Path) -> None:
    """A caller that sends and does not read is held back after a few chunks, however many are to come."""
    rows, to_come = 16_384, 400
    sent = [0]

    def requests() -> Iterator[rating.CalculateBillsRequest]:
        for at in range(to_come):
            one = ask(at, chunk(range(at * rows, (at + 1) * rows), [10_000] * rows))
            if at == 0:
                one.detail = rating.DETAIL_FULL
            sent[0] = at + 1
            yield one

    with serving(tmp_path, rules=_rules(tmp_path)) as server, server.channel() as channel:
        call = RatingServiceStub(channel).CalculateBills(requests())
        held = _settled(sent)
        read = [next(call).sequence for _ in range(60)]
        more = _settled(sent)
        call.cancel()

    assert read == list(range(60))
    assert held < 60  # at 0.5 MB a chunk and 1.2 MB an answer
    assert more > held


def _settled(count: Sequence[int]) -> int:
    """Wait until a count stands still for a second, and give it."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 1.0:
        if count[0] != last:
            last, since = count[0], time.monotonic()
        time.sleep(0.02)
    return last
