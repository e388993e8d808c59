"""The accounts of a chunk: whose each row is, and pieces of whole accounts that are advised one after another.

Advice of an account depends on its own rows alone, so a piece gives what the chunk would give. Between two pieces a
call ends that nobody waits for any more, and single bills of other callers have their turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from dianjia.type.v1 import type_pb2
from engine.evaluator.rows import Mask, Whole
from engine.service.calls import wrong
from engine.service.columns import read_codes

PIECE_ROWS: Final = 2_048  # a good hundred accounts of twelve months: a few tenths of a second of computing


@dataclass(frozen=True, slots=True)
class Accounts:
    """Whose each row of a chunk is.

    Attributes:
        names: of the accounts, in order of their first rows.
        of_row: shape (row,) position in `names`.
    """

    names: tuple[str, ...]
    of_row: Whole

    def rows(self) -> list[Whole]:
        """Give the positions of each account's rows."""
        order = np.argsort(self.of_row, kind="stable")
        if not self.names:
            return []
        return np.split(order, np.cumsum(np.bincount(self.of_row, minlength=len(self.names)))[:-1])

    def having(self, rows: Mask) -> frozenset[int]:
        """Give the accounts that have one of some rows, by position in `names`."""
        return frozenset(self.of_row[rows].tolist())


def read_accounts(codes: type_pb2.Codes, count: int, path: str) -> Accounts:
    """Read whose each row is.

    Args:
        codes: as they came.
        count: rows of the chunk.
        path: of the field in its message.

    Raises:
        ProblemsFound: the field is not in one piece, or a row has no account.
    """
    names, positions = read_codes(codes, count, path)
    used, first, of_row = np.unique(positions, return_index=True, return_inverse=True)
    by_first = np.argsort(first, kind="stable")
    place = np.empty(len(used), np.int64)
    place[by_first] = np.arange(len(used))
    ordered = tuple(names[at] for at in used[by_first].tolist())
    if "" in ordered:
        raise wrong("field-missing", f"{path}.names[{names.index('')}]")
    return Accounts(ordered, place[of_row.reshape(-1)])


def pieces(accounts: Accounts, left_out: frozenset[int], rows_max: int) -> Iterator[tuple[Whole, list[str]]]:
    """Cut a chunk into pieces of whole accounts; an account that is longer than a piece is one by itself.

    Args:
        accounts: of the chunk.
        left_out: of them, by position.
        rows_max: of a piece of several accounts.

    Returns:
        Of each piece its rows, by position in the chunk, and the account of each.
    """
    held: list[Whole] = []
    names: list[str] = []
    for at, own in enumerate(accounts.rows()):
        if at in left_out:
            continue
        if held and len(names) + len(own) > rows_max:
            yield np.concatenate(held), names
            held, names = [], []
        held.append(own)
        names += [accounts.names[at]] * len(own)
    if held:
        yield np.concatenate(held), names
