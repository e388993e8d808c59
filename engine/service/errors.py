"""What a call that fails is told: a `google.rpc.Status` with details, made here and nowhere else.

Takes the exception that ended a call; gives its status. Problems of the catalogue keep their words and parameters; of
anything else the caller learns a number and nothing more, and the log has the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from dianjia.type.v1 import type_pb2
from engine.evaluator.refuse import of_item
from engine.language.catalogue import CATALOGUE, SERVICE
from engine.language.problems import Problem, ProblemsFound, headline, placeholders, problem, remedy
from engine.service.calls import RowRefused
from engine.service.describing import place_message, problem_message
from engine.service.statuses import Retry, standing

DOMAIN: Final = "dianjia"
PROBLEMS_MAX: Final = 100  # of one status; the words say how many there are
TRAILER_BYTES_MAX: Final = 6 * 1024  # gRPC's clients take 8 KiB of trailing metadata unless told otherwise
MESSAGE_CHARACTERS_MAX: Final = 300  # percent-encoded, a Chinese character takes nine bytes
PARAMETER_CHARACTERS_MAX: Final = 300
RETRY_SECONDS: Final = 1
STATUS_KEY: Final = "grpc-status-details-bin"
REQUEST_KEY: Final = "dianjia-request"


@dataclass(frozen=True, slots=True)
class Failed:
    """How a call ended that did not succeed.

    Attributes:
        code: gRPC status.
        problem: code of the catalogue.
        message: `code: headline`.
        details: a `google.rpc.Status`, as bytes; empty where nobody is there to read it.
        ours: the exception is a fault of ours: its traceback belongs in the log.
    """

    code: grpc.StatusCode
    problem: str
    message: str
    details: bytes
    ours: bool


class Timed(Protocol):
    """The part of gRPC's context that says how long a call may take."""

    def time_remaining(self) -> float | None:
        """Seconds until the deadline; None: there is none."""


def failed(error: BaseException, request: str, context: Timed) -> Failed:
    """Say how a call ended, of the exception that ended it.

    Args:
        error: raised by a servicer, or by gRPC when the caller is gone.
        request: number of the call.
        context: tells whether it was the deadline that ended the call.
    """
    match error:
        case RowRefused():
            return _of_row(error)
        case ProblemsFound():
            return _of_problems(error.problems, context)
        case grpc.RpcError() | GeneratorExit():  # gRPC's way to say that nobody waits any longer
            return _of_problems((problem("call-over", None),), context)
    found = _of_problems((problem("our-fault", None, None, request=request),), context)
    return Failed(found.code, found.problem, found.message, found.details, ours=True)


def over(context: Timed) -> grpc.StatusCode:
    """Why a call is over before its work was done."""
    left = context.time_remaining()
    return grpc.StatusCode.DEADLINE_EXCEEDED if left is not None and left <= 0 else grpc.StatusCode.CANCELLED


def status_message(
    code: int, reason: str, message: str, parameters: Mapping[str, str], words: Mapping[str, str]
) -> status_pb2.Status:
    """Write a status that is no call's: it stands inside an answer, and has what the status of a call has.

    Args:
        code: of `google.rpc.Code`.
        reason: code of what is wrong.
        message: one line for people.
        parameters: values that the words name.
        words: for people, by locale.
    """
    status = status_pb2.Status(code=code, message=_cut(message, MESSAGE_CHARACTERS_MAX))
    status.details.add().Pack(_info(reason, dict(parameters)))
    for locale, text in words.items():
        cut = _cut(text, 2 * PARAMETER_CHARACTERS_MAX)
        status.details.add().Pack(error_details_pb2.LocalizedMessage(locale=locale, message=cut))
    return status


def _of_problems(problems: Sequence[Problem], context: Timed) -> Failed:
    """Of several, the one that concerns the call as a whole gives the status; all are among the details."""
    main = next((one for one in problems if one.code in SERVICE and one.place is None), problems[0])
    code = over(context) if main.code == "call-over" else standing(main.code).status
    message = _message(main, len(problems))
    details: list[Message] = [_error_info(main, len(problems))]
    if "field" in main.parameters:
        details.append(_bad_request(main.parameters["field"], headline(main)))
    details += _words(main)
    if len(problems) > 1 or main.place is not None:
        details += [problem_message(one) for one in problems[:PROBLEMS_MAX]]
    return Failed(code, main.code, message, _status(code, message, details), ours=False)


def _of_row(refused: RowRefused) -> Failed:
    found = refused.found
    known = {"field": found.field, "value": found.value, **found.parameters, "ruleset": refused.ruleset}
    main: Problem | None = None
    if found.code in CATALOGUE and not placeholders(found.code) - known.keys():
        main = problem(found.code, None, None, **known)
    code = standing(found.code).status
    message = _cut(f"{found.code}: {found.reason}", MESSAGE_CHARACTERS_MAX)
    row = type_pb2.RowError(
        row_id="" if found.row_id is None else str(found.row_id),
        code=found.code,
        field=of_item(found.field, found.parameters.get("item", "")),
        value=_cut(found.value, PARAMETER_CHARACTERS_MAX),
        reason=_cut(found.reason, PARAMETER_CHARACTERS_MAX),
        remedy="" if main is None else _cut(remedy(main), PARAMETER_CHARACTERS_MAX),
        ruleset=refused.ruleset,
    )
    if found.place is not None:
        row.place.CopyFrom(place_message(found.place))
    told = {name: value for name, value in known.items() if value}
    details: list[Message] = [_info(found.code, told), row]
    if found.field:
        details.append(_bad_request(found.field, found.reason))
    if main is not None:
        details += _words(main)
    return Failed(code, found.code, message, _status(code, message, details), ours=False)


def _message(main: Problem, count: int) -> str:
    words = _cut(f"{main.code}: {headline(main)}", MESSAGE_CHARACTERS_MAX)
    return f"{words} ({count} problems in all)" if count > 1 else words


def _error_info(main: Problem, count: int) -> error_details_pb2.ErrorInfo:
    return _info(main.code, {**main.parameters, **({"problems": str(count)} if count > 1 else {})})


def _info(code: str, parameters: dict[str, str]) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(
        reason=code.upper().replace("-", "_"),
        domain=DOMAIN,
        metadata={name: _cut(value, PARAMETER_CHARACTERS_MAX) for name, value in parameters.items()},
    )


def _bad_request(field: str, description: str) -> error_details_pb2.BadRequest:
    violation = error_details_pb2.BadRequest.FieldViolation(
        field=_cut(field, PARAMETER_CHARACTERS_MAX), description=_cut(description, PARAMETER_CHARACTERS_MAX)
    )
    return error_details_pb2.BadRequest(field_violations=[violation])


def _words(main: Problem) -> Iterator[Message]:
    """When to repeat the call, and the words for people in both languages."""
    if standing(main.code).retry is Retry.LATER:
        yield error_details_pb2.RetryInfo(retry_delay=Duration(seconds=RETRY_SECONDS))
    for locale, text in (
        ("en", f"{headline(main)} {remedy(main)}"),
        ("zh-CN", f"{headline(main, 'zh')}{remedy(main, 'zh')}"),
    ):
        yield error_details_pb2.LocalizedMessage(locale=locale, message=_cut(text, 2 * PARAMETER_CHARACTERS_MAX))


def _status(code: grpc.StatusCode, message: str, details: Sequence[Message]) -> bytes:
    """Pack as many details as fit, the first ones first."""
    status = status_pb2.Status(code=code_pb2.Code.Value(code.name), message=message)
    room = TRAILER_BYTES_MAX - status.ByteSize() - len(message.encode()) * 3
    for detail in details:
        packed = status.details.add()
        packed.Pack(detail)
        room -= packed.ByteSize() * 4 // 3 + 4  # binary metadata travels in base 64
        if room < 0:
            del status.details[-1]
            break
    packed_status: bytes = status.SerializeToString()
    return packed_status


def _cut(text: str, at_most: int) -> str:
    return text if len(text) <= at_most else f"{text[: at_most - 1]}…"
