"""What goes wrong, as exceptions: the code that docs/errors.md lists, the words, and whether to repeat the call.

The service says it as a `google.rpc.Status` in the call's trailing metadata; a status without one comes from gRPC or
from a proxy in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from dianjia.client.plain import SourcePlace, place_or_none
from dianjia.rulesets.v1 import rulesets_pb2
from dianjia.type.v1 import type_pb2 as types

_M = TypeVar("_M", bound=Message)

_DETAILS: Final = "grpc-status-details-bin"
_REQUEST: Final = "dianjia-request"
_DOMAIN: Final = "dianjia"
# A version that was there when a stream began and is not to be had now.
_GONE: Final = frozenset({"version-not-here", "version-withdrawn"})
_TOO_LARGE: Final = frozenset({"message-too-large", "answer-too-large"})
_LARGER: Final = "larger than max"  # gRPC's own words for a message above a size limit


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request that is wrong."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right in the rules."""

    code: str
    place: SourcePlace | None
    headline: str
    remedy: str
    headline_zh: str
    remedy_zh: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Failure:
    """What a status says.

    Attributes:
        code: of docs/errors.md: `too-many-calls`; "" where the status is not the service's own.
        status: gRPC's.
        message: for people.
        again: whether the same call may succeed later.
        pause_seconds: at least so long before it.
        fields: what is wrong with the request.
        parameters: the values that the message names.
        problems: of the rules, where they are what is wrong.
        row: why the row has no bill, where that is it.
        request: number of the call in the server's log.
        words: what is wrong and what to do, for people: by language, "en" and "zh-CN".
    """

    code: str
    status: grpc.StatusCode
    message: str
    again: bool
    pause_seconds: float
    fields: tuple[FieldViolation, ...]
    parameters: Mapping[str, str]
    problems: tuple[Problem, ...]
    row: types.RowError | None
    request: str
    words: Mapping[str, str]


class ServiceError(Exception):
    """A call failed."""

    def __init__(self, failure: Failure) -> None:
        # The status alone says what is wrong; its details also say what to do about it.
        words = failure.words.get("en", "")
        super().__init__(f"{failure.code}: {words}" if words else failure.message or failure.status.name)
        self.failure = failure

    @property
    def code(self) -> str:
        """The problem's code in docs/errors.md; "" where the status is not the service's own."""
        return self.failure.code

    @property
    def status(self) -> grpc.StatusCode:
        """The status that gRPC has for it."""
        return self.failure.status

    @property
    def again(self) -> bool:
        """Whether the same call may succeed later."""
        return self.failure.again

    @property
    def fields(self) -> tuple[FieldViolation, ...]:
        """What is wrong with the request."""
        return self.failure.fields

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the rules."""
        return self.failure.problems

    @property
    def request(self) -> str:
        """Number of the call in the server's log."""
        return self.failure.request


class RowRefused(ServiceError):
    """The row cannot be billed."""

    def __init__(self, failure: Failure, row: types.RowError) -> None:
        super().__init__(failure)
        self.row_id = row.row_id
        self.ruleset = row.ruleset
        self.field = row.field
        self.value = row.value
        self.reason = row.reason
        self.remedy = row.remedy
        self.place = place_or_none(row)

    def __str__(self) -> str:
        return f"{self.code}: {self.reason} {self.remedy}".rstrip()


class VersionGone(ServiceError):
    """The version that billed the first rows is not to be had any more; no other goes on in its place."""


class DeadlinePassed(ServiceError):
    """The time that was allowed is over."""


class AnswerBroken(Exception):
    """An answer does not hold together: the client keeps the server honest, and uses nothing of it."""


def failure_of(error: grpc.RpcError) -> Failure:
    """Read what a failed call says."""
    call: Any = error  # every error that a call raises is the call too
    status: grpc.StatusCode = call.code()
    trailing: Mapping[str, Any] = dict(call.trailing_metadata() or ())
    details = _details(trailing)
    info = _first(details, error_details_pb2.ErrorInfo)
    ours = info is not None and info.domain == _DOMAIN
    pause = _first(details, error_details_pb2.RetryInfo)
    wrong = _first(details, error_details_pb2.BadRequest)
    message = call.details() or ""
    code = info.reason.lower().replace("_", "-") if info is not None and ours else ""
    return Failure(
        code,
        status,
        message,
        pause is not None if ours else _again(status, message),
        0.0 if pause is None else pause.retry_delay.seconds + pause.retry_delay.nanos / 1e9,
        () if wrong is None else tuple(FieldViolation(one.field, one.description) for one in wrong.field_violations),
        dict(info.metadata) if info is not None and ours else {},
        # A refusal that sums up what follows is not a problem of the rules itself.
        tuple(problem_of(one) for one in _all(details, rulesets_pb2.Problem) if one.code != code),
        _first(details, types.RowError),
        str(trailing.get(_REQUEST, "")),
        {one.locale: one.message for one in _all(details, error_details_pb2.LocalizedMessage)},
    )


def _again(status: grpc.StatusCode, message: str) -> bool:
    """Whether a status that is not the service's own may pass: the server went, a proxy has no other, or it is full.

    A message above a size limit is also RESOURCE_EXHAUSTED, and stays as large as it is. A stream that a dying server
    resets comes as INTERNAL, UNKNOWN or CANCELLED, by which moment it was.
    """
    match status:
        case grpc.StatusCode.UNAVAILABLE:
            return True
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return _LARGER not in message
        case grpc.StatusCode.INTERNAL:
            return "RST_STREAM" in message
        case grpc.StatusCode.UNKNOWN:
            return message == "Stream removed"
        case grpc.StatusCode.CANCELLED:
            return True
    return False


def raised(failure: Failure) -> ServiceError:
    """Make the exception of a failure."""
    if failure.row is not None:
        return RowRefused(failure, failure.row)
    if failure.status is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlinePassed(failure)
    return ServiceError(failure)


def is_gone(failure: Failure) -> bool:
    """Whether a stream can never go on with the version it began with."""
    return failure.status is grpc.StatusCode.FAILED_PRECONDITION and failure.code in _GONE


def is_too_large(failure: Failure) -> bool:
    """Whether fewer rows at once would go through: the message, or the answer to it, is above a size limit."""
    of_grpc = failure.status is grpc.StatusCode.RESOURCE_EXHAUSTED and not failure.code
    return failure.code in _TOO_LARGE or (of_grpc and _LARGER in failure.message)


def problem_of(message: rulesets_pb2.Problem) -> Problem:
    """Read a problem of the rules."""
    return Problem(
        message.code,
        place_or_none(message),
        message.headline,
        message.remedy,
        message.headline_zh,
        message.remedy_zh,
        dict(message.parameters),
    )


def _details(trailing: Mapping[str, Any]) -> list[Any]:
    found = trailing.get(_DETAILS)
    if not isinstance(found, bytes):
        return []
    try:
        return list(status_pb2.Status.FromString(found).details)
    except DecodeError:
        return []


def _all(details: list[Any], kind: type[_M]) -> list[_M]:
    found = []
    for one in details:
        message = kind()
        if one.Unpack(message):
            found.append(message)
    return found


def _first(details: list[Any], kind: type[_M]) -> _M | None:
    return next(iter(_all(details, kind)), None)
