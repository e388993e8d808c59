"""Steps with versions as calls of a server, for tests that need a version somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

import grpc

from dianjia.ratebooks.v1 import ratebooks_pb2 as ratebooks
from dianjia.ratebooks.v1.ratebooks_pb2_grpc import RateBookServiceStub
from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.rating.v1.rating_pb2_grpc import RatingServiceStub
from dianjia.rulesets.v1.rulesets_pb2 import SourceFile
from dianjia.type.v1 import type_pb2 as types
from tests.service.rate_books import RULESET, home, request

# Who may do what, for `serving`'s `tokens`. Two may publish and approve, so that each can approve what the other wrote.
TOKENS = {
    "wang": "rate read publish approve",
    "li": "rate read publish approve",
    "reader": "rate read",
}
_PRICES = count(1000)


def new_price() -> str:
    """A price that no other rate book of this process has."""
    return f"0.{next(_PRICES)}"


def published(channel: grpc.Channel, files: Mapping[str, bytes] | None = None) -> ratebooks.RateBook:
    """Publish a rate book; without files, one with a price of its own."""
    asked = ratebooks.PublishRateBookRequest(
        request_id=request(), why="the notice of a test", files=source_files(files or home(new_price()))
    )
    found: ratebooks.RateBook = RateBookServiceStub(channel).PublishRateBook(iter([asked]), timeout=60).rate_book
    return found


def approved(author: grpc.Channel, approver: grpc.Channel, files: Mapping[str, bytes] | None = None) -> str:
    """Publish and approve a rate book; give its version."""
    name = published(author, files).name
    asked = ratebooks.ApproveRateBookRequest(request_id=request(), name=name, why="looked at it")
    return str(RateBookServiceStub(approver).ApproveRateBook(asked).rate_book.version)


def activated(author: grpc.Channel, approver: grpc.Channel, files: Mapping[str, bytes] | None = None) -> str:
    """Publish, approve and activate a rate book; give its version."""
    version = approved(author, approver, files)
    activate(approver, version)
    return version


def activate(channel: grpc.Channel, version: str, active_from: str = "") -> ratebooks.RateBook:
    """Activate a version."""
    asked = ratebooks.ActivateRateBookRequest(
        request_id=request(), name=f"rateBooks/{version}", active_from=active_from, why="due"
    )
    found: ratebooks.RateBook = RateBookServiceStub(channel).ActivateRateBook(asked).rate_book
    return found


def withdraw(channel: grpc.Channel, version: str, return_to: str) -> ratebooks.RateBook:
    """Withdraw a version."""
    asked = ratebooks.WithdrawRateBookRequest(
        request_id=request(),
        name=f"rateBooks/{version}",
        reason="a wrong price",
        return_to=f"rateBooks/{return_to}",
    )
    found: ratebooks.RateBook = RateBookServiceStub(channel).WithdrawRateBook(asked).rate_book
    return found


def source_files(files: Mapping[str, bytes]) -> list[SourceFile]:
    """Files as messages."""
    return [SourceFile(path=path, content=content) for path, content in files.items()]


def bill(
    channel: grpc.Channel,
    version: str = "",
    allow_withdrawn: bool = False,
    period: tuple[str, str] = ("2026-01-01", "2026-02-01"),
) -> rating.Bill:
    """Bill 100 kWh with the rule set of `home`: 100 times its price."""
    row = types.Row(row_id="1", ruleset=RULESET, period_from=period[0], period_to=period[1])
    row.values["kwh"].text = "100"
    asked = rating.CalculateBillRequest(
        version=types.VersionChoice(version=version, allow_withdrawn=allow_withdrawn), row=row
    )
    found: rating.Bill = RatingServiceStub(channel).CalculateBill(asked).bill
    return found


def rows(first_id: int, count: int) -> types.Chunk:
    """Rows of 100 kWh."""
    return types.Chunk(
        rows=count,
        row_id_numbers=types.Numbers(values=range(first_id, first_id + count)),
        rulesets=types.Codes(names=[RULESET]),
        period_from=[20454] * count,  # 2026-01-01
        period_to=[20485] * count,
        columns=[types.Column(name="kwh", numbers=types.Numbers(values=[100] * count))],
    )
