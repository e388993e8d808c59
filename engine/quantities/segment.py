"""segment: a class given to a customer, by the bands of one number or by the first condition that holds.

The value is the position of the class, from 0; `segment.class` is whether the row is of that class.
"""

from __future__ import annotations

from engine.charges.base import Context, LoweredRefusal
from engine.language.expressions import ZERO, Compare, Expr, Name, number
from engine.language.profile_models import REFUSE, ClassRule, SegmentRule
from engine.quantities.base import Kind, LoweredQuantity
from engine.quantities.limits import KEYS, chosen, conditions, of_band, presence, where


def lower(segment: SegmentRule, context: Context) -> LoweredQuantity:
    """Lower to the position of the class, and one boolean a class."""
    names = [str(one.is_) for one in segment.classes]
    twice = next((one for at, one in enumerate(segment.classes) if names[at] in names[:at]), None)
    if twice is not None:
        first = segment.classes[names.index(str(twice.is_))]
        context.fail("name-twice", twice.is_.place, first.is_.place, name=twice.is_)
    if len(segment.classes) < 2:
        context.fail("one-class", segment.place_of("classes"), None, name=context.name)
    refusals: list[LoweredRefusal] = []
    positions: list[Expr] = [number(at) for at in range(len(names))]
    if segment.by is None:
        value = chosen(_conditions(segment, context), positions)
    else:
        value = _by_bands(segment, context, names, positions, refusals)
    parts: list[tuple[str, Expr]] = []
    for at, name in enumerate(names):
        is_it = Compare("==", Name(context.name), positions[at], place=segment.classes[at].place)
        parts.append((name, is_it))
    return LoweredQuantity(value, tuple(parts), tuple(refusals))


def _conditions(segment: SegmentRule, context: Context) -> list[Expr]:
    for key in ("quantiles_from", "absent_when", "missing"):
        if getattr(segment, key) is not None:
            context.fail("segment-by", segment.place_of(key), None, name=context.name, key=key)
    found: list[Expr] = []
    for at, one in enumerate(segment.classes):
        last = at == len(segment.classes) - 1
        limits = [
            key for key in ("up_to", "below", "up_to_quantile", "below_quantile") if getattr(one, key) is not None
        ]
        if limits or (one.when is None) != last:
            context.fail("class-when", one.place_of(limits[0] if limits else "when"), None, name=context.name)
        if one.when is not None:
            found.append(one.when)
    return found


def _by_bands(
    segment: SegmentRule, context: Context, names: list[str], positions: list[Expr], refusals: list[LoweredRefusal]
) -> Expr:
    assert segment.by is not None
    with_when = next((one for one in segment.classes if one.when is not None), None)
    if with_when is not None:
        context.fail("class-by", with_when.place_of("when"), None, name=context.name)
    present = presence(context, segment.by, segment.absent_when, segment.missing, segment.place, context.name)
    missing: Expr = ZERO
    if present is not None:
        assert segment.missing is not None
        context.define("present", present)
        if str(segment.missing) == REFUSE:
            refusals.append(LoweredRefusal(present, context.name, f"{context.name}: what it goes by is missing"))
        elif str(segment.missing) not in names:
            known = ", ".join(names)
            context.fail("unknown-class", segment.missing.place, None, name=segment.missing, known=known)
        else:
            missing = positions[names.index(str(segment.missing))]
    unit = context.unit_of(segment.by)
    measure = context.define("measure", where(present, segment.by, ZERO))
    banded = banded_classes(segment)
    places = [positions[names.index(str(one.is_))] for one in banded]
    within, rising = conditions(context, banded, measure, segment.quantiles_from, "", unit)
    refusals += rising
    return where(present, of_band(banded, within, places), missing)


def banded_classes(segment: SegmentRule) -> list[ClassRule]:
    """The classes that bands lead to: not one without a limit that `missing` names, beside the last of the others."""
    open_ended = [one for one in segment.classes if all(getattr(one, key) is None for key in KEYS)]
    apart = [one for one in open_ended if str(one.is_) == str(segment.missing) and len(open_ended) > 1]
    return [one for one in segment.classes if one not in apart]


SEGMENT = Kind("segment", SegmentRule, lower)
