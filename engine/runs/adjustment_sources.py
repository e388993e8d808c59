"""Find the bills of a run, or of a folder: where they stand, which part of the input they are, by which rate book."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.runs.adjustment_problems import AdjustmentProblem
from engine.runs.billed import SUMMARY
from engine.runs.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Bills:
    """Where bills stand.

    Attributes:
        name: the run, or the folder as it was typed.
        folder: with the Parquet files.
        filter: which part of its input was billed; "": the whole.
        version: of the rate book; "" where it does not matter.
    """

    name: str
    folder: Path
    filter: str = ""
    version: str = ""


def of_run(ledger: Ledger, typed: str) -> Bills:
    """Find the bills of a run in the ledger.

    Raises:
        FileProblem: `run-not-found`.
        AdjustmentProblem: the run is not finished, or its folder now holds another run.
    """
    record = ledger.show(typed)
    if record.state != "finished":
        raise AdjustmentProblem("run-unfinished", record.id, state=record.state, run=record.id)
    folder = Path(record.output)
    other = str(_summary(folder).get("run") or record.id)
    if other != record.id:
        raise AdjustmentProblem("folder-of-another", record.id, folder=folder, other=other)
    return Bills(record.id, folder, record.filter, record.book)


def of_run_or_folder(ledger: Ledger, typed: str) -> Bills:
    """Find the bills of a run, or of the folder of that name: its bills may be older than the ledger.

    Raises:
        FileProblem: it is neither.
    """
    folder = Path(typed)
    if not folder.is_dir():
        return of_run(ledger, typed)
    told = _summary(folder)
    part = "left_out" in told
    return Bills(str(told.get("run") or typed), folder, f"left out: {told['left_out']}" if part else "")


def _summary(folder: Path) -> Mapping[str, Any]:
    try:
        told = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
