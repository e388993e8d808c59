"""Why a recalculation stopped, as a `google.rpc.Status` with the details that errors of calls have."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Any, Final

import grpc
from google.rpc import code_pb2, status_pb2

from engine.bulk.problems import FILE_PROBLEMS, FileProblem
from engine.language.problems import headline, problem, remedy
from engine.runs.ledger import RunRecord
from engine.service.errors import status_message
from engine.service.statuses import run_standing

_DENIED: Final = frozenset(os.strerror(one) for one in (errno.EACCES, errno.EPERM, errno.EROFS))


def run_status(error: Mapping[str, Any]) -> status_pb2.Status:
    """Write what `engine.service.recalculating` said.

    Args:
        error: `code`, `file`, `parameters`, `text`.
    """
    code, file = str(error["code"]), str(error["file"])
    parameters = {str(name): str(value) for name, value in error["parameters"].items()}
    words: dict[str, str]
    if code in FILE_PROBLEMS:
        found = FileProblem(code, file, **parameters)
        words = {"en": found.render("en"), "zh-CN": found.render("zh")}
    else:
        main = problem(code, None, None, **parameters)
        words = {"en": f"{headline(main)} {remedy(main)}", "zh-CN": f"{headline(main, 'zh')}{remedy(main, 'zh')}"}
    status = run_standing(code).status
    if code == "output-unwritable" and parameters.get("reason") in _DENIED:
        status = grpc.StatusCode.PERMISSION_DENIED
    first_line = str(error["text"]).split("\n", 1)[0]
    told = {**parameters, **({"file": file} if file else {})}
    return status_message(code_pb2.Code.Value(status.name), code, first_line, told, words)


def stopped_status(record: RunRecord) -> status_pb2.Status:
    """Write of a run that the ledger alone knows why it does not go on."""
    reason = record.reason.split("\n", 1)[0].rstrip(".")
    if record.state == "cancelled":
        found = FileProblem("run-cancelled", record.id)
    else:
        told = {"reason": reason, "done": record.partitions_done, "partitions": record.partitions}
        found = FileProblem("run-stopped", record.id, **told, run=record.id)
    return run_status(found.to_json())


def cancelled_status(run: str) -> status_pb2.Status:
    """Write of a recalculation that was cancelled before anything of it was billed."""
    return run_status(FileProblem("run-cancelled", run).to_json())
