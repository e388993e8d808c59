"""A rule set with what draws its rows and what vouches for their bills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.oracles.amounts import Bill, Refused
from tests.oracles.given import Value

Oracle = Callable[[Mapping[str, Value], date, date], Bill | Refused]


@dataclass(frozen=True)
class Row:
    """One row as a billing system sends it; what is None is not given."""

    given: Mapping[str, Value]
    period_from: date
    period_to: date


@dataclass(frozen=True)
class Case:
    """`ruleset` is compiled, `rows` draws its rows, `oracle` bills one."""

    ruleset: str
    rows: SearchStrategy[Row]
    oracle: Oracle


def joined(rows: SearchStrategy[Row], more: SearchStrategy[Mapping[str, Value]]) -> SearchStrategy[Row]:
    """Draw rows that also have what `more` draws: inputs that belong together, as registers do."""
    return st.builds(lambda row, added: Row({**row.given, **added}, row.period_from, row.period_to), rows, more)


def rows_of(period: SearchStrategy[tuple[date, date]], **inputs: SearchStrategy[Value]) -> SearchStrategy[Row]:
    """Draw rows with every input named; an input that draws None is absent."""
    return st.builds(
        lambda days, given: Row({name: value for name, value in given.items() if value is not None}, *days),
        period,
        st.fixed_dictionaries(inputs),
    )
