"""Warnings that a batch cannot raise, as it lacks a column that they read: they are not computed.

A rule set that uses shared warnings has an optional column for each thing that they read; most batches bring few of
them. A warning is raised only where what it reads is given, so that it says nothing of a batch without the column.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.compiler.program import ROW, Program
from engine.evaluator.rows import Mask, Rows


def asked(program: Program) -> tuple[frozenset[str], ...]:
    """For each warning of a program, the inputs without which it is not raised."""
    return tuple(_asked(program, warning.when) for warning in program.warnings)


def silent(asked_of: tuple[frozenset[str], ...], rows: Rows, given: Mapping[str, Mask]) -> frozenset[int]:
    """Positions of the warnings that no row of the batch raises.

    Args:
        asked_of: as `asked` gives it.
        rows: the batch.
        given: name -> shape (part,) whether a row gives the input; of a column that the batch lacks, alike in all.
    """
    absent = {name for name in frozenset().union(*asked_of) - rows.columns.keys() if not given[name][:1].any()}
    return frozenset(at for at, names in enumerate(asked_of) if not absent.isdisjoint(names))


def _asked(program: Program, when: int) -> frozenset[str]:
    found, open_steps = set(), [when]
    while open_steps:
        step = program.steps[open_steps.pop()]
        if step.primitive == "both":
            open_steps += step.operands
        elif step.primitive == "given" and step.type.axis == ROW and step.name not in _lists(program):
            found.add(step.name)
    return frozenset(found)


def _lists(program: Program) -> set[str]:
    return {axis.name for axis in program.axes}
