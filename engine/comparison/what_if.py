"""What if a printed number were another? A compiled rate book with some cells of its constants replaced.

Takes a rate book and settings; gives a rate book that bills as if the number had been changed in its file and the
rules compiled again. Nothing is compiled: the cell is replaced, the constants that follow from it are made again, and
what the compiler proved of the old number is proven of the new one (`engine.comparison.proof`). A number for which
that fails is refused with the nearest one that can be had.

A setting holds from its day on until the printed number's next change, or the end of the rule set's days; where its
days end is said by `held`. All cells of the rule set that hold the same printed number change with it, as they would
in its file. `checks:` of tables, which guard typing, are not run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import NoReturn

from engine.calendars.days import END_DAY, day_date, day_number
from engine.comparison.cells import Spot, columns_of, decimal_of, printed_slots, same_number, spots
from engine.comparison.problems import ComparisonProblem
from engine.comparison.proof import Gap, NotProven, refolded, reproven
from engine.comparison.settings import Setting
from engine.compiler.book import RateBook
from engine.compiler.figures import PLAUSIBLE
from engine.compiler.program import Compiled, Constants, Figure, Premises, Version
from engine.language.reading import did_you_mean

STANDING = "what-if"  # of a figure that a setting gives


@dataclass(frozen=True, slots=True)
class Held:
    """The days [first_day, end_day) of a rule set on which a setting holds, and the cells that it replaces."""

    setting: Setting
    key: str
    first_day: int
    end_day: int
    cells: tuple[Spot, ...]


def with_values(book: RateBook, settings: Sequence[Setting]) -> RateBook:
    """The rate book with other numbers; it is another book, with another hash.

    Raises:
        ComparisonProblem: no such rule set or number, a day outside, a number that is implausible or has too many
            places, or one for which the compiled steps are not known to be right.
    """
    by_key: dict[str, list[Held]] = {}
    for one in held(book, settings):
        by_key.setdefault(one.key, []).append(one)
    changed = {key: _changed(book.rulesets[key], found) for key, found in by_key.items()}
    return RateBook({key: changed.get(key, one) for key, one in book.rulesets.items()})


def held(book: RateBook, settings: Sequence[Setting]) -> tuple[Held, ...]:
    """Where settings hold, in their order.

    Raises:
        ComparisonProblem: no such rule set or number, or a day outside.
    """
    found: list[Held] = []
    for setting in settings:
        key = _key(book, setting)
        found += _of(key, book.rulesets[key], setting)
    for at, one in enumerate(found):
        for other in found[:at]:
            apart = one.end_day <= other.first_day or other.end_day <= one.first_day
            if one.key == other.key and not apart and set(one.cells) & set(other.cells):
                day = day_date(max(one.first_day, other.first_day))
                _fail("setting-twice", one.setting, path=one.setting.path, day=day)
    return tuple(found)


def _key(book: RateBook, setting: Setting) -> str:
    day = day_number(setting.first)
    keys = [key for key, one in book.rulesets.items() if setting.ruleset in (one.id, key)]
    if not keys:
        near = did_you_mean(setting.ruleset, sorted({one.id for one in book.rulesets.values()}))
        _fail("setting-ruleset", setting, ruleset=setting.ruleset, **_near(near))
    for key in keys:
        one = book.rulesets[key]
        if one.first_day <= day < _end(one):
            return key
    days = ", ".join(_days(one.first_day, _end(one)) for one in sorted(_of_keys(book, keys), key=_first_day))
    _fail("setting-not-in-force", setting, day=setting.first, days=days)


def _of_keys(book: RateBook, keys: Iterable[str]) -> list[Compiled]:
    return [book.rulesets[key] for key in keys]


def _first_day(one: Compiled) -> int:
    return one.first_day


def _end(one: Compiled) -> int:
    return END_DAY if one.end_day is None else one.end_day


def _days(first: int, end: int) -> str:
    last = "" if end >= END_DAY else day_date(end - 1).isoformat()
    return f"{day_date(first).isoformat()} .. {last}".rstrip()


# which cells


def _of(key: str, compiled: Compiled, setting: Setting) -> list[Held]:
    """Where one setting holds; the cells of a whole column each until their own next change."""
    if compiled.premises == Premises() and any("(" in slot.path for slot in compiled.constants.slots):
        _fail("setting-nothing-kept", setting)
    known = spots(compiled)
    names = named(compiled, setting.path, known)
    if not names:
        _unknown(compiled, setting, known)
    day = day_number(setting.first)
    versions = compiled.constants.versions
    at = next(n for n, version in enumerate(versions) if version.first_day <= day < version.end_day)
    found: dict[tuple[int, int], set[Spot]] = {}
    for name in names:
        spot = known[name][0]
        figure = compiled.constants.figures[at][spot.slot][spot.cell]
        if figure is None:
            continue
        cells = _same(compiled, at, figure)
        end = _until(compiled, at, spot, figure, setting)
        found.setdefault((day, end), set()).update(cells)
    if not found:
        shown = ", ".join(_with_figure(compiled, [spot for name in names for spot in known[name]])) or "-"
        _fail("setting-no-figure", setting, path=setting.path, day=setting.first, days=shown)
    return [
        Held(setting, key, first, end, tuple(sorted(cells, key=lambda one: (one.slot, one.cell))))
        for (first, end), cells in sorted(found.items())
    ]


def named(compiled: Compiled, path: str, known: Mapping[str, tuple[Spot, ...]]) -> tuple[str, ...]:
    """The printed numbers that a path means.

    A path names a number or a cell; a column of a table, which is each of its cells; or a charge's price or limit
    that is looked up in a table, which is each cell that can be found there: `energy.2.price`, and of it one row
    `energy.2.price[below_1kv]`.
    """
    squeezed = {_squeezed(name): name for name in known}
    if _squeezed(path) in squeezed:
        return (squeezed[_squeezed(path)],)
    columns = columns_of(known)
    head, bracket, rest = path.partition("[")
    keys, _, tail = rest.partition("]")
    column = f"{head}{tail}" if bracket else path
    cells = columns.get(column) or _read_by(compiled, column)
    if not bracket:
        return cells
    wanted = _squeezed(keys)
    return tuple(name for name in cells if _squeezed(name.partition("[")[2].partition("]")[0]) == wanted)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _read_by(compiled: Compiled, path: str) -> tuple[str, ...]:
    """The printed numbers of the constant that a charge's price or limit is."""
    slot = _slot_of(compiled, path)
    if slot is None or slot not in printed_slots(compiled):
        return ()
    known = spots(compiled)
    return tuple(name for name, where in known.items() if any(spot.slot == slot for spot in where))


def _slot_of(compiled: Compiled, path: str) -> int | None:
    """The constant that a name of the program is, more places apart."""
    steps = compiled.program.steps
    at = compiled.program.names.get(path)
    while at is not None and steps[at].primitive in ("rescale", "claim", "spread"):
        at = steps[at].operands[0]
    if at is None or steps[at].primitive not in ("constant", "cell"):
        return None
    slot = steps[at].slot
    recipes = {one.slot: one for one in compiled.premises.folded}
    while slot in recipes and recipes[slot].primitive == "rescale":
        slot = recipes[slot].operands[0].slot
    return slot


def _same(compiled: Compiled, at: int, figure: Figure) -> list[Spot]:
    """Every cell of the rule set that holds the same printed number at a version."""
    row = compiled.constants.figures[at]
    if figure.place is None and figure.standing != STANDING:
        return []
    return [
        Spot(slot, cell)
        for slot in printed_slots(compiled)
        for cell, other in enumerate(row[slot])
        if other is not None and same_number(figure, other) and other.source == figure.source
    ]


def _until(compiled: Compiled, at: int, spot: Spot, figure: Figure, setting: Setting) -> int:
    """The day after the last on which a setting holds."""
    if setting.through is not None:
        return min(day_number(setting.through) + 1, _end(compiled))
    constants = compiled.constants
    end = constants.versions[at].end_day
    for version, row in zip(constants.versions[at + 1 :], constants.figures[at + 1 :], strict=True):
        if version.first_day != end or not same_number(row[spot.slot][spot.cell], figure):
            break
        end = version.end_day
    return min(end, _end(compiled))


def _with_figure(compiled: Compiled, where: Collection[Spot]) -> list[str]:
    """Days on which some of these cells have a number."""
    found: list[tuple[int, int]] = []
    for version, row in zip(compiled.constants.versions, compiled.constants.figures, strict=True):
        if any(row[spot.slot][spot.cell] is not None for spot in where):
            joined = bool(found) and found[-1][1] == version.first_day
            found[-1:] = (
                [(found[-1][0], version.end_day)] if joined else [*found[-1:], (version.first_day, version.end_day)]
            )
    return [_days(first, end) for first, end in found]


def _unknown(compiled: Compiled, setting: Setting, known: Mapping[str, tuple[Spot, ...]]) -> NoReturn:
    path = setting.path
    slot = _slot_of(compiled, path.partition("[")[0])
    recipes = {one.slot: one for one in compiled.premises.folded}
    if slot in recipes:
        parents = sorted(_printed_below(compiled, slot))
        names = [compiled.constants.slots[one].path.partition("[")[0] for one in parents]
        _fail("setting-worked-out", setting, path=path, known=", ".join(f"`{one}`" for one in dict.fromkeys(names)))
    near = did_you_mean(path, [*known, *columns_of(known), *_prices(compiled)])
    _fail("setting-path", setting, path=path, **_near(near))


def _prices(compiled: Compiled) -> list[str]:
    """Names of the program that are a printed constant."""
    printed = printed_slots(compiled)
    return [name for name in compiled.program.names if _slot_of(compiled, name) in printed]


def _printed_below(compiled: Compiled, slot: int) -> set[int]:
    """The printed constants that one follows from."""
    recipes = {one.slot: one for one in compiled.premises.folded}
    found: set[int] = set()
    queue = [slot]
    while queue:
        one = queue.pop()
        if one in recipes:
            queue += [operand.slot for operand in recipes[one].operands if operand.slot >= 0]
        else:
            found.add(one)
    return found


def _near(found: Mapping[str, object]) -> dict[str, object]:
    return {"near": found["suggestion"], "near_zh": found["suggestion_zh"]}


# the change


def _changed(compiled: Compiled, settings: Sequence[Held]) -> Compiled:
    values = [_whole_values(compiled, one) for one in settings]
    try:
        return _with(compiled, settings, values)
    except NotProven as found:
        if len(settings) > 1:  # one by one, where one of them alone is at fault
            for one, value in zip(settings, values, strict=True):
                _alone(compiled, one, value)
        _refuse(compiled, settings[-1], values[-1], found.gap, alone=len(settings) == 1)


def _alone(compiled: Compiled, one: Held, value: Mapping[Spot, int]) -> None:
    try:
        _with(compiled, [one], [value])
    except NotProven as found:
        _refuse(compiled, one, value, found.gap, alone=True)


def _with(compiled: Compiled, settings: Sequence[Held], values: Sequence[Mapping[Spot, int]]) -> Compiled:
    """The rule set with cells replaced.

    Raises:
        NotProven: its steps are not known to be right with them.
    """
    days = {day for one in settings for day in (one.first_day, one.end_day)}
    versions: list[Version] = []
    figures: list[tuple[tuple[Figure | None, ...], ...]] = []
    for version, row in zip(compiled.constants.versions, compiled.constants.figures, strict=True):
        for piece in _cut(version, days):
            versions.append(piece)
            cells = [list(one) for one in row]
            touched = False
            for one, of_each in zip(settings, values, strict=True):
                if one.first_day <= piece.first_day < one.end_day:
                    for spot in one.cells:
                        old = cells[spot.slot][spot.cell]
                        if old is not None:
                            cells[spot.slot][spot.cell] = _figure(one, of_each[spot])
                            touched = True
            made = tuple(map(tuple, cells))
            figures.append(refolded(compiled, made) if touched else row)
    first, end = compiled.first_day, _end(compiled)
    inside = {day for day in days if first < day < end}
    constants = Constants(compiled.constants.slots, tuple(versions), tuple(figures))
    text = "".join(f"{one.setting};" for one in settings)
    return replace(
        reproven(compiled, constants),
        change_days=tuple(sorted({*compiled.change_days, *inside})),
        content_hash=hashlib.sha256(f"{compiled.content_hash};{text}".encode()).hexdigest()[:16],
    )


def _cut(version: Version, days: Iterable[int]) -> list[Version]:
    inside = sorted(day for day in days if version.first_day < day < version.end_day)
    edges = [version.first_day, *inside, version.end_day]
    return [replace(version, first_day=first, end_day=end) for first, end in pairwise(edges)]


def _figure(one: Held, value: int) -> Figure:
    since: date = day_date(one.first_day)
    return Figure(one.setting.number, value, None, f"--set {one.setting}", STANDING, since)


def _whole_values(compiled: Compiled, one: Held) -> dict[Spot, int]:
    """The setting's number as a whole number of the places of each cell's constant.

    Raises:
        ComparisonProblem: it has more places, or is implausible.
    """
    found: dict[Spot, int] = {}
    limits = {of.slot: (Decimal(of.low), Decimal(of.high)) for of in compiled.premises.plausible}
    for spot in one.cells:
        slot = compiled.constants.slots[spot.slot]
        type_ = slot.type
        scale = _scale(compiled, spot)
        value = one.setting.value * scale
        whole = value.scaleb(type_.places)
        path, text = one.setting.path, one.setting.number
        if whole != int(whole):
            step = (Decimal(1).scaleb(-type_.places) / scale).normalize()
            _fail("setting-places", one.setting, text=text, path=path, step=f"{step:f}")
        low, high = limits.get(spot.slot) or PLAUSIBLE.get(str(type_.unit)) or (value, value)
        if not low <= value <= high:
            shown = {"low": f"{low / scale:f}", "high": f"{high / scale:f}"}
            _fail("setting-implausible", one.setting, text=text, path=path, unit=str(type_.unit) or "1", **shown)
        found[spot] = int(whole)
    return found


def _scale(compiled: Compiled, spot: Spot) -> Decimal:
    """What a printed number of a constant is multiplied by: 0.01 where fen are printed and yuan are billed."""
    places = compiled.constants.slots[spot.slot].type.places
    rows = [row[spot.slot] for row in compiled.constants.figures]
    near = [row[spot.cell] for row in rows] + [figure for row in rows for figure in row]
    for figure in near:
        if figure is not None and figure.value and figure.place is not None:
            scale = (decimal_of(figure, places) / Decimal(figure.text)).normalize()
            return scale if scale * Decimal(figure.text) == decimal_of(figure, places) else Decimal(1)
    return Decimal(1)


def _refuse(compiled: Compiled, one: Held, value: Mapping[Spot, int], gap: Gap, *, alone: bool) -> NoReturn:
    """Say which step is at fault, and the nearest number that can be had."""
    place = "" if gap.step.place is None else f" ({gap.step.place.file}:{gap.step.place.line})"
    advice = advice_zh = ""
    if alone:
        nearest = _nearest(compiled, one, value)
        advice = f"Numbers from {nearest[0]} to {nearest[1]} can be had. "
        advice_zh = f"可以取 {nearest[0]} 至 {nearest[1]}。"
        if nearest[0] == nearest[1]:
            advice, advice_zh = f"In this direction only {nearest[0]} can be had. ", f"这个方向只能取 {nearest[0]}。"
    told = {"reason": f"{gap.reason}{place}", "reason_zh": f"{gap.reason_zh}{place}"}
    path, text = one.setting.path, one.setting.number
    _fail("setting-not-proven", one.setting, text=text, path=path, **told, advice=advice, advice_zh=advice_zh)


def _nearest(compiled: Compiled, one: Held, value: Mapping[Spot, int]) -> tuple[str, str]:
    """The printed number and the last one towards the setting that can be proven, lower one first."""
    spot = one.cells[0]
    type_ = compiled.constants.slots[spot.slot].type
    day = one.first_day
    versions = zip(compiled.constants.versions, compiled.constants.figures, strict=True)
    old = next(row[spot.slot][spot.cell] for version, row in versions if version.first_day <= day < version.end_day)
    assert old is not None
    good, bad = old.value, value[spot]
    while abs(bad - good) > 1:
        middle = (good + bad) // 2
        try:
            _with(compiled, [one], [_at(compiled, one, spot, middle)])
            good = middle
        except NotProven:
            bad = middle
    scale = _scale(compiled, spot)
    low, high = sorted(Decimal(number).scaleb(-type_.places) / scale for number in (old.value, good))
    return f"{low:f}", f"{high:f}"


def _at(compiled: Compiled, one: Held, like: Spot, value: int) -> dict[Spot, int]:
    """A number in the places of each cell's constant."""
    slots = compiled.constants.slots
    places = slots[like.slot].type.places
    return {spot: int(Decimal(value).scaleb(slots[spot.slot].type.places - places)) for spot in one.cells}


def _fail(code: str, setting: Setting, **parameters: object) -> NoReturn:
    raise ComparisonProblem(code, str(setting), **parameters)
