"""What an operator orders: input, rules, output, how; plain data that the ledger keeps for whoever resumes the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.bulk.partitions import Amounts, Format, History, Partition, Slice, Wanted, Work
from engine.evaluator.native import Backend

PartitionBy = Literal["auto", "given", "hash"]


@dataclass(frozen=True, slots=True)
class Order:
    """A recalculation as it was asked for.

    Attributes:
        inputs: files or a folder; or one URL of PostgreSQL, with `query`.
        rules: folders and files of the rate book; said again, and compiled again, when the run is resumed.
        output: folder, URL of PostgreSQL, or `delta:FOLDER`.
        format, amounts, details, backend, pass_through: as of `engine.bulk.partitions.Work`.
        query: SQL, where the input is a database.
        join: file of the plan that joins the bills with other data; "": none.
        only: `COLUMN=VALUE[,VALUE]`, all of which a row has to meet.
        affected_by: what a rate book changed, that selects rows; as a person reads it.
        partition_rows: rows of a partition, about; 0: the run chooses.
        partition_by: how accounts are kept together.
        refers_to: the run whose refused rows these are; "": none.
        memory: [bytes] that the run should keep below; 0: not said.
        history: files and folders of events that came before; (): triggers do not look at the rows.
        since, until: local days, YYYY-MM-DD: of which warnings over time are told first, and up to which everything has
            come; "": the run says them by the periods of its rows.
    """

    inputs: tuple[str, ...]
    rules: tuple[str, ...]
    output: str
    format: Format = "parquet"
    amounts: Amounts = "scaled"
    details: bool = False
    backend: Backend = "numpy"
    pass_through: tuple[str, ...] = ()
    query: str = ""
    join: str = ""
    only: tuple[str, ...] = ()
    affected_by: str = ""
    partition_rows: int = 0
    partition_by: PartitionBy = "auto"
    refers_to: str = ""
    memory: int = 0
    history: tuple[str, ...] = ()
    since: str = ""
    until: str = ""

    def to_json(self) -> str:
        """The order as text."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Order:
        """Read what `to_json` gave."""
        return Order(**_tuples(json.loads(text)))


def work_json(work: Work) -> str:
    """A run's work as text."""
    return json.dumps(asdict(work), ensure_ascii=False, sort_keys=True)


def work_of(text: str) -> Work:
    """Read what `work_json` gave."""
    told = json.loads(text)
    wanted = told.pop("wanted")
    days = wanted["days"]
    history = told.pop("history", None)
    return Work(
        **_tuples(told),
        history=None
        if history is None
        else History(**(history | {"files": tuple((path, rows) for path, rows in history["files"])})),
        wanted=Wanted(
            values={name: tuple(texts) for name, texts in wanted["values"].items()},
            days=None if days is None else {id_: tuple((a, b) for a, b in one) for id_, one in days.items()},
            following=tuple(wanted["following"]),
        ),
    )


def slices_json(partition: Partition) -> str:
    """A partition's rows of the input as text."""
    return json.dumps([[one.path, one.first, one.rows] for one in partition.slices], ensure_ascii=False)


def slices_of(text: str) -> tuple[Slice, ...]:
    """Read what `slices_json` gave."""
    return tuple(Slice(*one) for one in json.loads(text))


def _tuples(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
