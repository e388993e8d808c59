"""The plan of a join, as YAML: which files are joined with the bills, by which columns, and what is taken of them.

    input: bills.parquet            # or as --input says
    joins:
      customers:
        file: customers.parquet
        on: [account]               # columns of one name; else {column of the file: column of the bills}
        columns: [voltage, household_size]
      intervals:
        file: intervals.parquet
        on: [meter_id]
        within: {start: [period_from, period_to]}
        list: kwh_intervals
        field: kwh
        order: [start]

Of a file with `columns` a bill has one row or none; of one with `list` all its rows become a list, in their order.
Files are named from the folder of the plan.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from engine.bulk.problems import FileProblem
from engine.language.load import load
from engine.language.nodes import List, Map, Text
from engine.language.problems import ProblemsFound
from engine.language.reading import A_LIST, KEYS_WITH_VALUES, ONE_VALUE, Model, read, wrong_shape


def _text(node: object) -> object:
    if isinstance(node, Text):
        return node
    raise ProblemsFound([wrong_shape(node, ONE_VALUE)])


def _texts(node: object) -> object:
    """A list of texts; one text stands for a list of it."""
    if isinstance(node, Text):
        return (node,)
    if isinstance(node, List):
        return tuple(_text(one) for one in node)
    raise ProblemsFound([wrong_shape(node, A_LIST)])


def _names(node: object) -> object:
    """`[a, b]` as `{a: a, b: b}`."""
    if isinstance(node, Map):
        return {key: _text(value) for key, value in node.items()}
    if isinstance(node, List):
        return {_text(one): one for one in node}
    raise ProblemsFound([wrong_shape(node, A_LIST, KEYS_WITH_VALUES)])


OneText = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Names = Annotated[dict[str, str], BeforeValidator(_names)]


class Join(Model):
    """A file that is joined with the bills.

    `on`, `columns` and `fields` name columns of the file, each with its name in the bills, or as a field of the list.
    """

    what: ClassVar[str] = "a join"

    file: OneText
    on: Names
    columns: Names = {}
    within: dict[str, Texts] = {}
    list_: OneText = Field(default="", alias="list")
    field: OneText = ""
    fields: Names = {}
    order: Texts = ()

    @property
    def many(self) -> bool:
        """Whether a bill has a list of its rows."""
        return bool(self.list_)

    @property
    def taken(self) -> dict[str, str]:
        """What is taken: columns of the file, each with its new name."""
        if self.field:
            return {self.field: self.field}
        return self.fields or self.columns

    @property
    def gives(self) -> list[str]:
        """The columns that the bills get."""
        return [self.list_] if self.many else list(self.columns.values())


class JoinPlan(Model):
    """The files that are joined with the bills."""

    what: ClassVar[str] = "a plan of joins"

    input: Texts = ()
    joins: dict[str, Join]

    @property
    def bills(self) -> list[Path]:
        """Files of the bills, where the plan names them."""
        return [self._path(one) for one in self.input]

    @property
    def files(self) -> list[Path]:
        """The joined files, in the order of the joins."""
        return [self._path(one.file) for one in self.joins.values()]

    def _path(self, name: str) -> Path:
        return Path(self.place.file).absolute().parent / name


def read_plan(path: Path) -> JoinPlan:
    """Read a plan.

    Raises:
        ProblemsFound: it is no YAML, or no such plan; every problem has its line.
        FileProblem: a join takes nothing, or two different things.
    """
    plan = read(JoinPlan, load(path))
    for join in plan.joins.values():
        one_row = bool(join.columns) and not (join.list_ or join.field or join.fields or join.order)
        a_list = bool(join.list_ and join.order and bool(join.field) != bool(join.fields)) and not join.columns
        if one_row == a_list:
            raise FileProblem("join-takes", str(join.place))
        for column, bounds in join.within.items():
            if len(bounds) != 2:
                raise FileProblem("join-within", str(join.place_of("within")), column=column)
    return plan
