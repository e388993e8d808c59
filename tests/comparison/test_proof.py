"""What the compiler proved of a number is proven again: the same bounds and the same folded constants come out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.comparison.cells import printed_slots
from engine.comparison.proof import NotProven, refolded, reproven
from engine.compiler.bounds import edge_bounds, part_bounds, step_bounds
from engine.compiler.program import Compiled, Figure, Step
from tests.billing import book


def test_bounds_made_again_are_those_of_the_compiler() -> None:
    """Of every step of every shipped rule set that some constant reaches."""
    for key, compiled in book().items():
        steps = (*compiled.program.steps, *compiled.premises.steps)
        claims = {one.step: one for one in compiled.premises.claims}
        at_most = {axis.name: axis.at_most for axis in compiled.program.axes}
        for at in sorted(_touched(compiled, steps)):
            step = steps[at]
            if step.primitive in ("constant", "cell", "index", "calendar"):
                continue
            found = step_bounds(step, [steps[one].type for one in step.operands], at_most)
            if at in claims:
                claim = claims[at]
                value = steps[claim.of].type
                bounds = (claim.low, claim.high)
                if claim.how == "part_of":
                    bounds = part_bounds(value, steps[claim.by].type)
                elif claim.how != "fixed":
                    bounds = edge_bounds(value, steps[claim.by].type, is_low=claim.how == "from")
                found = max(bounds[0], value.low), min(bounds[1], value.high)

            assert (step.type.low, step.type.high) == found, (key, at, step.primitive)


def _touched(compiled: Compiled, steps: tuple[Step, ...]) -> set[int]:
    """Steps that some constant reaches, by their operands or by what claims their bounds."""
    claims = {one.step: (one.of, one.by) for one in compiled.premises.claims}
    found = {at for at, step in enumerate(steps) if step.primitive in ("constant", "cell")}
    while True:
        more = {
            at
            for at, step in enumerate(steps)
            if at not in found and not found.isdisjoint((*step.operands, *claims.get(at, ())))
        }
        if not more:
            return found
        found |= more


def test_folded_constants_made_again_are_those_of_the_compiler() -> None:
    for key, compiled in book().items():
        for row in compiled.constants.figures:
            assert row == refolded(compiled, row), key


def test_the_same_numbers_prove_the_same_rule_set() -> None:
    for compiled in book().values():
        assert compiled == reproven(compiled, compiled.constants)


def test_premises_hold_of_the_numbers_that_were_compiled() -> None:
    """Even where every bound is made again, as with a number that is moved there and back."""
    for compiled in book().values():
        moved = _all_plus_one(compiled)
        if moved is None:
            continue

        back = reproven(moved, compiled.constants)

        assert compiled.program == back.program


def _all_plus_one(compiled: Compiled) -> Compiled | None:
    """The rule set with each printed number larger by its smallest place; None: not all of them can be."""
    printed = set(printed_slots(compiled))
    rows = []
    for row in compiled.constants.figures:
        more = tuple(tuple(_plus_one(one) for one in cells) if at in printed else cells for at, cells in enumerate(row))
        rows.append(refolded(compiled, more))
    try:
        return reproven(compiled, replace(compiled.constants, figures=tuple(rows)))
    except NotProven:
        return None


def _plus_one(figure: Figure | None) -> Figure | None:
    return None if figure is None else replace(figure, value=figure.value + 1)


@pytest.mark.parametrize("key", ["cn.jiangsu.residential", "cn.hubei.industry_commerce"])
def test_a_rule_set_keeps_what_was_left_out_of_its_program(key: str) -> None:
    compiled = book()[key]

    assert compiled.premises.premises
    assert compiled.premises.folded or compiled.premises.claims
