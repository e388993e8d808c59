"""What a problem's code means to a caller: its gRPC status, whose fault it is, and whether to repeat the call.

The words are in `engine.language.catalogue`; docs/errors.md is written from both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import grpc

from engine.bulk.database_problems import DATABASE_PROBLEMS
from engine.bulk.problems import FILE_PROBLEMS
from engine.language.catalogue import CATALOGUE, DESK, DURABLE, EVENTS, ROWS, SERVICE
from engine.language.catalogue_durable import STOPS
from engine.language.catalogue_service import STARTING


class Fault(StrEnum):
    """Who can mend it."""

    CALLER = "caller"  # the program that calls
    DATA = "data"  # the row
    RULES = "rules"  # who writes the rule sets
    OPERATOR = "operator"  # who runs the server
    OURS = "ours"


class Retry(StrEnum):
    """Whether to repeat the call."""

    NO = "no"  # the same call gives the same answer
    LATER = "later"  # the same call, after a pause
    CHANGED = "once mended"  # the same call, when what the remedy names is done


@dataclass(frozen=True, slots=True)
class Standing:
    """How a code is to be taken."""

    status: grpc.StatusCode
    fault: Fault
    retry: Retry = Retry.NO


_CODE = grpc.StatusCode
_WRONG: Final = Standing(_CODE.INVALID_ARGUMENT, Fault.CALLER)
_ROW: Final = Standing(_CODE.INVALID_ARGUMENT, Fault.DATA)
_RULES: Final = Standing(_CODE.INVALID_ARGUMENT, Fault.RULES)
_STATE: Final = Standing(_CODE.FAILED_PRECONDITION, Fault.CALLER)
_ABSENT: Final = Standing(_CODE.NOT_FOUND, Fault.CALLER)
_DENIED: Final = Standing(_CODE.PERMISSION_DENIED, Fault.CALLER)
_BUSY: Final = Standing(_CODE.RESOURCE_EXHAUSTED, Fault.OPERATOR, Retry.LATER)
_DOWN: Final = Standing(_CODE.UNAVAILABLE, Fault.OPERATOR, Retry.LATER)
_UNKNOWN_CALLER: Final = Standing(_CODE.UNAUTHENTICATED, Fault.CALLER)
_LARGE: Final = Standing(_CODE.RESOURCE_EXHAUSTED, Fault.CALLER, Retry.CHANGED)
_START: Final = Standing(_CODE.FAILED_PRECONDITION, Fault.OPERATOR, Retry.CHANGED)  # no call gets it

# Codes that are not what their part of the catalogue stands for.
_OF_CODES: Final[Mapping[str, Standing]] = {
    "no-price-in-force": Standing(_CODE.FAILED_PRECONDITION, Fault.RULES, Retry.CHANGED),
    "calendar-not-known": Standing(_CODE.FAILED_PRECONDITION, Fault.RULES, Retry.CHANGED),
    "unknown-ruleset": Standing(_CODE.NOT_FOUND, Fault.DATA),
    "version-not-here": _STATE,
    "version-withdrawn": _STATE,
    "no-version-active": Standing(_CODE.FAILED_PRECONDITION, Fault.OPERATOR, Retry.CHANGED),
    "unknown-resource": _ABSENT,
    "token-missing": _UNKNOWN_CALLER,
    "token-unknown": _UNKNOWN_CALLER,
    "scope-missing": _DENIED,
    "too-many-calls": _BUSY,
    "shutting-down": _DOWN,
    "call-over": Standing(_CODE.DEADLINE_EXCEEDED, Fault.CALLER, Retry.LATER),
    "registry-unavailable": _DOWN,
    "no-registry": Standing(_CODE.FAILED_PRECONDITION, Fault.OPERATOR),
    "message-too-large": _LARGE,
    "answer-too-large": _LARGE,
    "runs-not-taken": Standing(_CODE.FAILED_PRECONDITION, Fault.OPERATOR, Retry.CHANGED),
    "path-outside": _DENIED,
    "not-resumable": _STATE,
    "cursor-ahead": _STATE,
    "our-fault": Standing(_CODE.INTERNAL, Fault.OURS),
    "unknown-version": _ABSENT,
    "version-exists": Standing(_CODE.ALREADY_EXISTS, Fault.CALLER),
    "rate-book-fails": _RULES,
    "rate-book-empty": _RULES,
    "test-fails": _RULES,
    "compile-too-long": Standing(_CODE.RESOURCE_EXHAUSTED, Fault.OPERATOR, Retry.CHANGED),
    "compile-too-large": _RULES,
    "author-approves": _DENIED,
    "already-approved": _STATE,
    "not-approved": Standing(_CODE.FAILED_PRECONDITION, Fault.CALLER, Retry.CHANGED),
    "is-withdrawn": _STATE,
    "coverage-lost": Standing(_CODE.FAILED_PRECONDITION, Fault.RULES),
    "request-id-reused": Standing(_CODE.ALREADY_EXISTS, Fault.CALLER),
    "registry-newer": Standing(_CODE.FAILED_PRECONDITION, Fault.OPERATOR, Retry.CHANGED),
    **dict.fromkeys(STARTING, _START),
    **dict.fromkeys([*DESK, *DURABLE, *STOPS], Standing(_CODE.FAILED_PRECONDITION, Fault.OPERATOR, Retry.CHANGED)),
    "complete-until-ahead": _WRONG,
    "warning-not-found": _ABSENT,
}


# Of what stops a recalculation; what is not here is wrong with the input.
_OF_RUNS: Final[Mapping[str, Standing]] = {
    "portfolio-not-found": _ABSENT,
    "run-not-found": _ABSENT,
    "output-not-empty": Standing(_CODE.ALREADY_EXISTS, Fault.CALLER),
    "output-handed-over": Standing(_CODE.FAILED_PRECONDITION, Fault.CALLER),
    "output-unwritable": Standing(_CODE.RESOURCE_EXHAUSTED, Fault.OPERATOR, Retry.CHANGED),
    "run-driven": Standing(_CODE.FAILED_PRECONDITION, Fault.CALLER, Retry.LATER),
    "run-changed": Standing(_CODE.FAILED_PRECONDITION, Fault.OPERATOR, Retry.CHANGED),
    "run-replaced": Standing(_CODE.FAILED_PRECONDITION, Fault.CALLER),
    "run-cancelled": Standing(_CODE.CANCELLED, Fault.CALLER),
    "run-stopped": Standing(_CODE.ABORTED, Fault.OPERATOR, Retry.CHANGED),
    "run-not-finished": _STATE,
    **dict.fromkeys(DATABASE_PROBLEMS, Standing(_CODE.FAILED_PRECONDITION, Fault.OPERATOR, Retry.CHANGED)),
}
_OF_INPUT: Final = Standing(_CODE.INVALID_ARGUMENT, Fault.DATA, Retry.CHANGED)


def run_standing(code: str) -> Standing:
    """How a code that stopped a recalculation is to be taken; KeyError where nothing has it.

    >>> run_standing("portfolio-not-found").status.name, run_standing("portfolio-column-twice").status.name
    ('NOT_FOUND', 'INVALID_ARGUMENT')
    """
    if code not in FILE_PROBLEMS:
        return standing(code)
    return _OF_RUNS.get(code, _OF_INPUT)


def standing(code: str) -> Standing:
    """How a code of the catalogue is to be taken; KeyError where the catalogue lacks it.

    >>> standing("out-of-bounds").status.name, standing("shutting-down").retry.value
    ('INVALID_ARGUMENT', 'later')
    """
    if code in _OF_CODES:
        return _OF_CODES[code]
    if code not in CATALOGUE:
        raise KeyError(code)
    if code in SERVICE:
        return _WRONG
    return _ROW if code in ROWS or code in EVENTS else _RULES
