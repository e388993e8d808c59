"""Calls that tests of the server make."""

from __future__ import annotations

from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc

from dianjia.rating.v1 import rating_pb2, rating_pb2_grpc
from dianjia.rulesets.v1 import rulesets_pb2_grpc
from dianjia.type.v1 import type_pb2


def household(row_id: str = "1", kwh: str = "100") -> rating_pb2.CalculateBillRequest:
    """Ask for the bill of a household in Jiangsu: 100 kWh of the first tier at 0.5283 CNY/kWh, 52.83 CNY."""
    return rating_pb2.CalculateBillRequest(
        row=type_pb2.Row(
            row_id=row_id,
            ruleset="cn.jiangsu.residential",
            period_from="2026-01-01",
            period_to="2026-02-01",
            values={"kwh_total": type_pb2.Value(text=kwh), "kwh_year_before": type_pb2.Value(text="0")},
        )
    )


def odd(row_id: str) -> rating_pb2.CalculateBillRequest:
    """Ask `tests.service.odd_server` to do what the id says."""
    return rating_pb2.CalculateBillRequest(row=type_pb2.Row(row_id=row_id))


def rating(channel: grpc.Channel) -> rating_pb2_grpc.RatingServiceStub:
    return rating_pb2_grpc.RatingServiceStub(channel)


def rule_sets(channel: grpc.Channel) -> rulesets_pb2_grpc.RuleSetServiceStub:
    return rulesets_pb2_grpc.RuleSetServiceStub(channel)


def unscaled(response: rating_pb2.CalculateBillResponse) -> tuple[int, int, str]:
    """The total of a bill: whole number, places, currency."""
    total = response.bill.total
    return total.unscaled, total.places, total.currency


def health(channel: grpc.Channel) -> Any:
    """The stub of health; its stubs name no calls."""
    return health_pb2_grpc.HealthStub(channel)
