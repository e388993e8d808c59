"""Premises: what was settled from numbers, kept so that a number can be replaced and the rest be proven again.

Takes the builder after inference; gives `Premises` in the program's own counting. Only what some constant decides is
kept: what is so by inputs and days alone stays so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.compiler.builder import Builder
from engine.compiler.program import Claimed, Plausible, Premise, Premises, Step


@dataclass(frozen=True, slots=True)
class Settled:
    """Premises in the builder's counting, and the steps that they need besides those of the program."""

    premises: tuple[Premise, ...]
    claims: tuple[Claimed, ...]
    extra: tuple[int, ...]


def settled(builder: Builder, keep: Sequence[int]) -> Settled:
    """Find what some constant decides.

    Args:
        keep: the program's steps, in order.
    """
    touched: set[int] = set()
    for at, step in enumerate(builder.steps):
        claim = builder.claims.get(at)
        below = [*step.operands, *(() if claim is None else (claim.of, claim.by))]
        if step.primitive in ("constant", "cell") or not touched.isdisjoint(below):
            touched.add(at)
    premises = tuple(one for one in builder.premises if one.a in touched or one.b in touched)
    found = set(keep)
    queue = [step for one in premises for step in (one.a, one.b) if step >= 0]
    queue += _claim_steps(builder, touched.intersection(found))
    while queue:
        at = queue.pop()
        if at not in found:
            found.add(at)
            queue += builder.steps[at].operands
            queue += _claim_steps(builder, touched.intersection({at}))
    claims = tuple(claim for at, claim in sorted(builder.claims.items()) if at in found and at in touched)
    return Settled(premises, claims, tuple(sorted(found.difference(keep))))


def _claim_steps(builder: Builder, steps: Iterable[int]) -> list[int]:
    claims = [builder.claims[at] for at in steps if at in builder.claims]
    return [at for claim in claims for at in (claim.of, claim.by) if at >= 0]


def numbered(
    builder: Builder,
    found: Settled,
    keep: Sequence[int],
    count: int,
    slots: Mapping[int, int],
    extra: Sequence[Step],
) -> Premises:
    """The premises in the program's counting.

    Args:
        keep: the program's first steps, in order.
        count: of the program's steps, with those behind them.
        slots: the builder's constant -> the program's.
        extra: the steps of `found.extra`, moved.
    """
    at = {step: n for n, step in enumerate(keep)} | {step: count + n for n, step in enumerate(found.extra)} | {-1: -1}
    folded = []
    plausible = []
    for old, new in slots.items():
        data = builder.slots[old]
        if data.recipe is not None:
            operands = tuple(replace(one, slot=slots.get(one.slot, -1)) for one in data.recipe.operands)
            folded.append(replace(data.recipe, slot=new, operands=operands))
        if data.plausible is not None:
            low, high = data.plausible
            plausible.append(Plausible(new, f"{low:f}", f"{high:f}"))
    return Premises(
        steps=tuple(extra),
        before=tuple(sum(1 for one in keep if one < step) for step in found.extra),
        premises=tuple(replace(one, a=at[one.a], b=at[one.b]) for one in found.premises),
        claims=tuple(replace(one, step=at[one.step], of=at[one.of], by=at[one.by]) for one in found.claims),
        folded=tuple(folded),
        plausible=tuple(plausible),
    )
