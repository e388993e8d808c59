"""Bills from a Dianjia server: one bill, a month of bills in columns, why a bill is what it is.

    from dianjia.client import Client

    with Client("127.0.0.1:50051") as client:
        bill = client.bill("cn.jiangsu.residential", "2026-01-01", "2026-02-01", {...})
        bills = client.bills(frame)

docs/client.md shows all of it. Needs grpcio, protobuf, googleapis-common-protos and numpy; pandas, Polars and Arrow
only where their frames come.
"""

from __future__ import annotations

from dianjia.client.advice import Advice, AdvisedAccount, UnadvisedAccount
from dianjia.client.advice import Outcome as AdviceOutcome
from dianjia.client.alternatives import Alternative
from dianjia.client.answers import Bill, BillLine, Explanation, LineWorking, RaisedWarning
from dianjia.client.client import Client
from dianjia.client.connection import Patience
from dianjia.client.described import Input, ListInput, RuleSet, RuleSetSummary
from dianjia.client.errors import (
    AnswerBroken,
    DeadlinePassed,
    FieldViolation,
    Problem,
    RowRefused,
    ServiceError,
    VersionGone,
)
from dianjia.client.progress import Progress
from dianjia.client.ratebooks import AuditEntry, History, RateBook, State, Validation, VersionUse
from dianjia.client.recalculations import Recalculation, RunError, RunResult, RunState
from dianjia.client.results import Bills
from dianjia.client.unary import Comparison, Warnings
from dianjia.client.values import Coded, Items, Scaled
from dianjia.client.warning_records import Acknowledgement, Event, Recorded, RefusedEvent, WarningRecord

__all__ = [
    "Acknowledgement",
    "Advice",
    "AdviceOutcome",
    "AdvisedAccount",
    "Alternative",
    "AnswerBroken",
    "AuditEntry",
    "Bill",
    "BillLine",
    "Bills",
    "Client",
    "Coded",
    "Comparison",
    "DeadlinePassed",
    "Event",
    "Explanation",
    "FieldViolation",
    "History",
    "Input",
    "Items",
    "LineWorking",
    "ListInput",
    "Patience",
    "Problem",
    "Progress",
    "RaisedWarning",
    "RateBook",
    "Recalculation",
    "Recorded",
    "RefusedEvent",
    "RowRefused",
    "RuleSet",
    "RuleSetSummary",
    "RunError",
    "RunResult",
    "RunState",
    "Scaled",
    "ServiceError",
    "State",
    "UnadvisedAccount",
    "Validation",
    "VersionGone",
    "VersionUse",
    "WarningRecord",
    "Warnings",
]
