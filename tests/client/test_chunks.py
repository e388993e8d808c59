"""Frames cut into chunks and answers put together again, without a server: what single chunks leave unsaid."""

from __future__ import annotations

from collections import deque
from datetime import date
from typing import Any

import numpy as np
import pytest

from dianjia.client import Client
from dianjia.client.chunking import Cutter, Prepared
from dianjia.client.groups import answer_of
from dianjia.client.results import bills_of
from dianjia.client.stream import _Window
from dianjia.client.unary import compared
from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.type.v1 import type_pb2 as types
from tests.client.scripted import VERSION, Script, scripted


def rows(**columns: Any) -> dict[str, Any]:
    return {
        "row_id": [1, 2],
        "ruleset": "cn.test.home",
        "period_from": "2026-01-01",
        "period_to": "2026-02-01",
        **columns,
    }


def cut(columns: dict[str, Any], chunk_rows: int = 1) -> list[Prepared]:
    _, chunks = Cutter(lambda names: [], frozenset(), chunk_rows).opened(columns)
    return list(chunks)


def day(written: str) -> int:
    return (date.fromisoformat(written) - date(1970, 1, 1)).days


def billed(days: list[str]) -> rating.CalculateBillsResponse:
    """An answer to a chunk of one row: 1.00 for each part, whose days are [days[0], days[1]), [days[1], days[2])."""
    answer = rating.CalculateBillsResponse(version=VERSION, received=1, billed=1)
    group = answer.groups.add(ruleset="cn.test.home", currency="CNY")
    parts = len(days) - 1
    group.total.CopyFrom(types.Numbers(values=[100 * parts], places=2))
    group.lines.add(id="energy").amounts.CopyFrom(types.Numbers(values=[100] * parts, places=2))
    if parts > 1:
        group.parts.append(parts)
        group.part_from.extend(day(one) for one in days[:-1])
        group.part_to.extend(day(one) for one in days[1:])
    return answer


@pytest.mark.parametrize("cut_first", [True, False])
def test_parts_in_some_chunks_alone(cut_first: bool) -> None:
    """Where a change cuts the periods of one chunk and not of another, each part has its days."""
    days = [["2026-03-15", "2026-04-01", "2026-04-15"], ["2026-02-01", "2026-03-01"]]
    days = days if cut_first else days[::-1]
    chunks = cut(rows(period_from=[one[0] for one in days], period_to=[one[-1] for one in days]))
    opened = chunks[0].opened
    opened.answered += [answer_of(one, billed(own)) for one, own in zip(chunks, days, strict=True)]

    lines = bills_of(opened, VERSION).lines["cn.test.home"]

    assert [one for own in days for one in own[:-1]] == [str(one) for one in lines["part_from"]]
    assert [one for own in days for one in own[1:]] == [str(one) for one in lines["part_to"]]
    assert ([1, 2, 1] if cut_first else [1, 1, 2]) == lines["part"].tolist()


@pytest.mark.parametrize("written", ["20260101", "2026-W01-4", "2026-1-1", "２026-01-01"])
def test_days_that_the_service_does_not_read(written: str) -> None:
    """A period is read as the service reads a day, not as Python does."""
    (chunk,) = cut(rows(period_from=["2026-01-01", written]), 2)

    assert [0] == chunk.positions.tolist()
    assert [(1, "bad-date", written)] == [(one.row, one.code, one.value) for one in chunk.opened.refused]


def test_ids_of_64_bits_without_sign() -> None:
    """Where one row id does not fit a whole number of a message, all go as text: a stream has ids of one kind."""
    ids = np.array([7, 2**63, 8], dtype=np.uint64)

    chunks = cut(rows(row_id=ids, period_from=["2026-01-01"] * 3))

    assert [["7"], [str(2**63)], ["8"]] == [list(one.message().row_id_texts.values) for one in chunks]


def test_text_that_cannot_be_written() -> None:
    """Half a character ends the stream with what is wrong, after the answers to the chunks before it."""
    seen: list[int] = []

    with (
        scripted(Script()) as address,
        Client(address) as client,
        pytest.raises(UnicodeEncodeError),
    ):
        client.bills(rows(row_id=["a", "\ud800"]), chunk_rows=1, progress=lambda one: seen.append(one.rows))

    assert [1] == seen


def test_a_short_chunk_before_one_that_is_too_large() -> None:
    """Chunks that wait are cut although the first of them is one row; where all are one row, nothing can be cut."""
    long = cut(rows(row_id=range(9), period_from=["2026-01-01"] * 9), 9)
    window = _Window(iter(()), 8, waiting=deque([*cut(rows())[:1], *long]))

    found = [window.halve() for _ in range(5)]

    assert [9, 5, 3, 2, 0] == found
    assert [1] * 10 == [len(one.positions) for one in window.waiting]


def test_two_currencies_have_no_difference() -> None:
    """100.00 CNY and 14.00 USD differ; by how much is not said."""
    (chunk,) = cut(rows(), 2)
    answer = rating.CompareBillsResponse(before="b", after=VERSION, received=2, same=1)
    answer.differences.add(
        index=1,
        before=types.Money(unscaled=10_000, places=2, currency="CNY"),
        after=types.Money(unscaled=1_400, places=2, currency="USD"),
    )

    found = compared(chunk.opened, [(chunk, answer)], "b", VERSION).differences

    assert ([10_000], [1_400]) == (found["before"].values.tolist(), found["after"].values.tolist())
    assert [False] == found["difference"].given.tolist()
