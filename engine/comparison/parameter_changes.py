"""Numbers that differ between two rule sets: printed ones by table column, and constants that no document prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.comparison.cells import Spot, printed_slots, shown, spots
from engine.comparison.change import Change, Days, merged, place_text
from engine.comparison.two_versions import TwoVersions
from engine.compiler.program import Compiled, Figure

CELLS_SHOWN: Final = 3  # of a table


@dataclass(frozen=True, slots=True)
class _Cell:
    """A printed number that is in both rule sets, wherever it stands in each."""

    name: str
    old: tuple[Spot, ...]
    new: tuple[Spot, ...]


_Differing = tuple[tuple[int, int], Figure | None, Figure | None]  # on these days, the old one and the new one


def parameter_changes(two: TwoVersions) -> list[Change]:
    """Printed numbers that differ, one change a single value or a table column."""
    known = spots(two.old), spots(two.new)
    renamed = _renamed(known) if two.alike else {}
    by_path: dict[str, list[_Cell]] = {}
    for name, where in known[0].items():
        there = known[1].get(renamed.get(name, name))
        if there is not None:
            path = two.new.constants.slots[there[0].slot].path.partition("[")[0]
            by_path.setdefault(path, []).append(_Cell(name, where, there))
    found = (_parameter(two, path, cells) for path, cells in by_path.items())
    printed = [one for one in found if one is not None]
    return [*printed, *_unprinted(two, merged(days for one in printed for days in one.days))]


def _renamed(known: tuple[Mapping[str, tuple[Spot, ...]], Mapping[str, tuple[Spot, ...]]]) -> dict[str, str]:
    """Old name -> new name of numbers that rule sets of one structure read at the same place under other names."""
    by_spot = {where[0]: name for name, where in known[1].items()}
    found = {}
    for name, where in known[0].items():
        other = by_spot.get(where[0])
        if name not in known[1] and other is not None and other not in known[0]:
            found[name] = other
    return found


def _parameter(two: TwoVersions, path: str, cells: Sequence[_Cell]) -> Change | None:
    differing = [(cell, list(_differing(two, cell.old[0], cell.new[0]))) for cell in cells]
    differing = [(cell, own) for cell, own in differing if own]
    if not differing:
        return None
    _, one, other = differing[0][1][0]
    old = {spot.slot for cell, _ in differing for spot in cell.old}
    new = {spot.slot for cell, _ in differing for spot in cell.new}
    reached = two.slices[0].reached(old), two.slices[1].reached(new)
    texts = _texts(two, differing, alone=len(cells) == 1)
    absent = any(one is None or other is None for _, own in differing for _, one, other in own)  # rows are refused
    return Change(
        ruleset=two.new.id,
        kind="parameter",
        path=path,
        days=merged(days for _, own in differing for days, _, _ in own),
        charges=tuple(dict.fromkeys([*reached[0].charges, *reached[1].charges])),
        before=texts[0],
        after=texts[1],
        source_before="" if one is None else one.source,
        source_after="" if other is None else other.source,
        place_before="" if one is None else place_text(one.place),
        place_after="" if other is None else place_text(other.place),
        carries=any(one.carries for one in reached) or (absent and two.takes_over),
        bills=any(one.bills for one in reached) or absent,
        follows=two.follows,
    )


def _differing(two: TwoVersions, old: Spot, new: Spot) -> Iterator[_Differing]:
    """Stretches of days on which two cells hold different numbers, and what they hold."""
    types = two.old.constants.slots[old.slot].type, two.new.constants.slots[new.slot].type
    for stretch in two.stretches:
        one = two.old.constants.figures[stretch.old][old.slot][old.cell]
        other = two.new.constants.figures[stretch.new][new.slot][new.cell]
        if one is None or other is None:
            if one is not other:
                yield stretch.days, one, other
            continue
        same = one.value * 10 ** types[1].places == other.value * 10 ** types[0].places
        if not same or types[0].unit != types[1].unit:
            yield stretch.days, one, other


def _texts(
    two: TwoVersions, differing: Sequence[tuple[_Cell, Sequence[_Differing]]], *, alone: bool
) -> tuple[str, str]:
    """What the first cells that differ hold, in the old book and in the new one, and how many more there are."""
    sides: tuple[list[str], list[str]] = ([], [])
    for cell, own in differing[:CELLS_SHOWN]:
        label = "" if alone else f"{cell.name}: "
        befores = dict.fromkeys(_text(two.old, cell.old[0], one) for _, one, _ in own)
        afters = dict.fromkeys(_text(two.new, cell.new[0], one) for _, _, one in own)
        sides[0].append(label + "; ".join(befores))
        sides[1].append(label + "; ".join(afters))
    more = len(differing) - CELLS_SHOWN
    rest = [f"+{more}"] if more > 0 else []
    return ", ".join([*sides[0], *rest]), ", ".join([*sides[1], *rest])


def _text(compiled: Compiled, spot: Spot, figure: Figure | None) -> str:
    """A figure with its unit and the day from which it holds."""
    type_ = compiled.constants.slots[spot.slot].type
    unit = f" {type_.unit}" if str(type_.unit) else ""
    since = "" if figure is None or figure.since is None else f" ({figure.since.isoformat()})"
    return f"{shown(figure, type_.places)}{'' if figure is None else unit}{since}"


def _unprinted(two: TwoVersions, told: Days) -> list[Change]:
    """Constants that no document prints: a charge's days in force, and what follows from numbers in formulas.

    Args:
        told: days on which printed numbers differ; what differs on them follows from these.
    """
    found = []
    printed = set(printed_slots(two.old)), set(printed_slots(two.new))
    slots = two.old.constants.slots, two.new.constants.slots
    paths = {slot.path: at for at, slot in enumerate(slots[1])}
    for at, slot in enumerate(slots[0]):
        other = at if two.alike else paths.get(slot.path, -1)
        if at in printed[0] or other < 0 or other in printed[1] or slot.cells != slots[1][other].cells:
            continue
        stretches = [
            days
            for cell in range(slot.cells)
            for days, _, _ in _differing(two, Spot(at, cell), Spot(other, cell))
            if not any(first <= days[0] and days[1] <= end for first, end in told)
        ]
        if stretches:
            reached = two.slices[0].reached({at}), two.slices[1].reached({other})
            change = Change(
                two.new.id,
                "rule",
                slot.path.removesuffix(".in_force"),
                merged(stretches),
                tuple(dict.fromkeys([*reached[0].charges, *reached[1].charges])),
                carries=any(one.carries for one in reached) or two.takes_over,
                follows=two.follows,
            )
            found.append(change)
    return found
