"""Why a customer has a score and a class: of each indicator its value, the band that it falls in, points and weight.

Takes a rule set and a bill of the reference; gives data. `engine.evaluator.explain_profile_text` writes it for people.
What is shown is of the whole bill, as its last part sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.compiler.profile import Band, Indicator, Score, Segment
from engine.compiler.program import Compiled, Figure, Program, Slot
from engine.evaluator import decimals
from engine.evaluator.interpretation import single
from engine.evaluator.reference import Bill, PartValues, step_text, unit_text, with_places
from engine.language.problems import Place
from engine.language.profile_models import LEFT_OUT


@dataclass(frozen=True, slots=True)
class LimitShown:
    """A limit of a band, and the printed figure that it is; of a limit that a formula gives, its value alone."""

    value: str
    holds: bool  # it lies in the band that it ends
    quantile: str = ""  # as written
    path: str = ""
    printed: str = ""
    place: Place | None = None
    source: str = ""
    standing: str = ""


@dataclass(frozen=True, slots=True)
class BandShown:
    """The band that a value falls in."""

    number: int  # from 1
    count: int
    lower: LimitShown | None  # the limit of the band before; None: it is the first
    upper: LimitShown | None  # None: it is the last
    title: str = ""


@dataclass(frozen=True, slots=True)
class FigureShown:
    """A number of a score with its printed figure, where it has one."""

    value: str
    printed: str = ""
    place: Place | None = None
    source: str = ""
    standing: str = ""


@dataclass(frozen=True, slots=True)
class IndicatorExplained:
    """One indicator of a score.

    Attributes:
        value: what was measured, or the word of a code; "" where it is absent.
        code_title: of a code.
        band: None: the measure is the points, or goes by code, or is absent.
        counted: what absence did: `refuse`, `left_out`, `points`; "" where it is there.
        product: weight times points; "" where it is left out.
    """

    id: str
    title: str
    value: str
    unit: str
    code_title: str
    band: BandShown | None
    points: FigureShown
    weight: FigureShown
    absence: str
    product: str
    place: Place | None
    source: str


@dataclass(frozen=True, slots=True)
class ScoreExplained:
    """A score with what leads to it."""

    id: str
    title: str
    value: str
    sum: str  # of weight x points, before it is divided and rounded
    weights: str  # what it is divided by: the weights of the indicators given; "" where all count
    indicators: tuple[IndicatorExplained, ...]
    place: Place | None
    source: str
    standing: str


@dataclass(frozen=True, slots=True)
class SegmentExplained:
    """A class with what leads to it.

    Attributes:
        measure: what is compared with the bands; "" where classes have conditions, or it is absent.
        band: None: classes have conditions, or the measure is absent.
        when: the condition of the class that holds; "": it is the last.
    """

    id: str
    title: str
    class_: str
    class_title: str
    services: tuple[str, ...]
    measure: str
    unit: str
    band: BandShown | None
    when: str
    by_measure: bool  # it goes by a number
    place: Place | None
    source: str
    standing: str


def scores_explained(compiled: Compiled, bill: Bill) -> tuple[ScoreExplained, ...]:
    """Explain the scores of a bill; call it in a context of exact decimals."""
    return tuple(_score(_Row(compiled, bill), one) for one in compiled.program.scores)


def segments_explained(compiled: Compiled, bill: Bill) -> tuple[SegmentExplained, ...]:
    """Explain the classes of a bill; call it in a context of exact decimals."""
    return tuple(_segment(_Row(compiled, bill), one) for one in compiled.program.segments)


class _Row:
    """Named values and printed figures of a bill, as its last part has them."""

    def __init__(self, compiled: Compiled, bill: Bill) -> None:
        self.program: Program = compiled.program
        self.inputs = bill.inputs
        self.part: PartValues = bill.parts[-1]
        self.slots: dict[str, tuple[Slot, Figure | None]] = {
            slot.path: (slot, cells[0])
            for slot, cells in zip(compiled.constants.slots, compiled.constants.figures[self.part.version], strict=True)
            if not slot.keys
        }

    def value(self, name: str) -> Decimal:
        at = self.program.names[name]
        return with_places(single(self.part.values[at]), self.program.steps[at].type.places)

    def figure(self, path: str, value: str = "") -> FigureShown:
        """A number by the path of its constant; the value where it is none."""
        slot, figure = self.slots.get(path, (None, None))
        if slot is None or figure is None:
            return FigureShown(value)
        shown = value or f"{decimals.of_whole(figure.value, slot.type.places):f}"
        return FigureShown(shown, figure.text, figure.place, figure.source, figure.standing)

    def limit(self, band: Band) -> tuple[LimitShown, Decimal] | None:
        """A band's limit as it is shown and as it is compared; None where it cannot be told."""
        slot, figure = self.slots.get(band.limit, (None, None))
        if slot is not None and figure is not None:
            value = decimals.of_whole(figure.value, slot.type.places)
            shown = LimitShown(
                f"{value:f}",
                band.holds,
                band.quantile,
                band.limit,
                figure.text,
                figure.place,
                figure.source,
                figure.standing,
            )
            return shown, value
        if band.limit not in self.program.names:
            return None
        value = self.value(band.limit)
        return LimitShown(f"{value:f}", band.holds, band.quantile, band.limit), value

    def band(self, bands: Sequence[Band], value: Decimal) -> BandShown | None:
        """The first band that a value falls in."""
        lower: LimitShown | None = None
        for number, band in enumerate(bands, 1):
            if number == len(bands):
                return BandShown(number, len(bands), lower, None, band.title)
            found = self.limit(band)
            if found is None:
                return None
            upper, limit = found
            if value < limit or (band.holds and value == limit):
                return BandShown(number, len(bands), lower, upper, band.title)
            lower = upper
        return None


def _score(row: _Row, score: Score) -> ScoreExplained:
    indicators = tuple(_indicator(row, score, one) for one in score.indicators)
    total = sum((Decimal(one.product) for one in indicators if one.product), decimals.ZERO)
    shared = f"{score.id}.weight"
    left_out = any(one.missing == LEFT_OUT for one in score.indicators)
    return ScoreExplained(
        score.id,
        score.title,
        f"{row.value(score.id):f}",
        f"{total:f}",
        f"{row.value(shared):f}" if left_out and shared in row.program.names else "",
        indicators,
        score.place,
        score.source,
        score.standing,
    )


def _indicator(row: _Row, score: Score, one: Indicator) -> IndicatorExplained:
    there = not one.present or one.present not in row.program.names or bool(row.value(one.present))
    path = f"{score.id}.{one.id}"
    spec = next((spec for spec in row.program.inputs if spec.name == one.measure and spec.type.kind == "code"), None)
    value, unit, code_title = "", "", ""
    band: BandShown | None = None
    points = row.figure("", f"{row.value(one.points):f}")
    if there and spec is not None and spec.name in row.inputs:
        code = int(row.inputs[spec.name])
        value = spec.type.codes[code]
        code_title = spec.code_titles[code] if spec.code_titles else ""
        points = row.figure(f"{path}.{value}.points", points.value)
    elif there and one.measure in row.program.names:
        of = row.program.steps[row.program.names[one.measure]].type
        measured = row.value(one.measure)
        value, unit = step_text(measured, of), unit_text(of.unit) if of.kind == "number" else ""
        band = row.band(one.bands, measured) if one.bands else None
        if band is not None:
            points = row.figure(f"{path}.{band.number}.points", points.value)
    elif not there:
        points = row.figure(f"{path}.missing", points.value)
    absence = "" if there else one.missing if one.missing == LEFT_OUT else "points"
    weight = row.figure(one.weight, f"{row.value(one.weight):f}" if one.weight in row.program.names else "")
    product = "" if absence == LEFT_OUT else f"{Decimal(weight.value) * Decimal(points.value):f}"
    return IndicatorExplained(
        one.id, one.title, value, unit, code_title, band, points, weight, absence, product, one.place, one.source
    )


def _segment(row: _Row, segment: Segment) -> SegmentExplained:
    which = segment.classes[int(row.value(segment.id))]
    measure, unit, band = "", "", None
    present = f"{segment.id}.present"
    there = present not in row.program.names or bool(row.value(present))
    if segment.measure in row.program.names and there:
        of = row.program.steps[row.program.names[segment.measure]].type
        value = row.value(segment.measure)
        measure, unit = step_text(value, of), unit_text(of.unit)
        band = row.band(segment.bands, value)
    return SegmentExplained(
        segment.id,
        segment.title,
        which.id,
        which.title,
        which.services,
        measure,
        unit,
        band,
        which.when,
        bool(segment.measure),
        which.place or segment.place,
        segment.source,
        segment.standing,
    )


def score_json(one: ScoreExplained) -> dict[str, object]:
    """Give a score for a program to read; every number is a decimal string."""
    return {
        "id": one.id,
        "title": one.title,
        "value": one.value,
        "sum": one.sum,
        "weights": one.weights or None,
        "indicators": [
            {
                "id": each.id,
                "title": each.title,
                "value": each.value or None,
                "unit": each.unit,
                "code_title": each.code_title,
                "band": _band_json(each.band),
                "points": _figure_json(each.points),
                "weight": _figure_json(each.weight),
                "absent": each.absence or None,
                "weight_times_points": each.product or None,
                "place": _place(each.place),
                "source": each.source,
            }
            for each in one.indicators
        ],
        "place": _place(one.place),
        "source": one.source,
        "standing": one.standing,
    }


def segment_json(one: SegmentExplained) -> dict[str, object]:
    """Give a class for a program to read."""
    return {
        "id": one.id,
        "title": one.title,
        "class": one.class_,
        "class_title": one.class_title,
        "services": list(one.services),
        "value": one.measure or None,
        "unit": one.unit,
        "band": _band_json(one.band),
        "when": one.when or None,
        "place": _place(one.place),
        "source": one.source,
        "standing": one.standing,
    }


def _band_json(band: BandShown | None) -> dict[str, object] | None:
    if band is None:
        return None
    return {
        "band": band.number,
        "of": band.count,
        "title": band.title,
        "lower": _limit_json(band.lower),
        "upper": _limit_json(band.upper),
    }


def _limit_json(limit: LimitShown | None) -> dict[str, object] | None:
    if limit is None:
        return None
    return {
        "value": limit.value,
        "in_the_lower_band": limit.holds,
        "quantile": limit.quantile or None,
        "path": limit.path,
        "printed": limit.printed or None,
        "place": _place(limit.place),
        "source": limit.source,
        "standing": limit.standing,
    }


def _figure_json(figure: FigureShown) -> dict[str, object]:
    return {
        "value": figure.value,
        "printed": figure.printed or None,
        "place": _place(figure.place),
        "source": figure.source,
        "standing": figure.standing,
    }


def _place(place: Place | None) -> str | None:
    return None if place is None else str(place)
