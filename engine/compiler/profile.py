"""What a program says of a customer besides the bill: scores and segments, as descriptions of named steps.

The numbers are ordinary steps of the program; each is found by its name in `Program.names`. So interpreters need
nothing new, and explanations have the working at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.language.problems import Place


@dataclass(frozen=True, slots=True)
class Band:
    """A band of an indicator, or of a segment that goes by a number.

    Attributes:
        limit: path of its limit, among `Program.names` or `Constants.slots`; "": it is the last.
        holds: whether the limit lies in the band (`up_to`).
        quantile: of a limit by quantile, as written.
    """

    limit: str = ""
    holds: bool = False
    quantile: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator of a score.

    Attributes:
        measure: name of what is measured; of a choice the code input.
        points: name of its points.
        weight: name of its weight.
        present: name of the boolean that it is given; "": always.
        missing: what absence does: `refuse`, `left_out`, or points as text; "": it is never absent.
        bands: in order; (): the measure is the points, or each code has its own.
    """

    id: str
    title: str
    measure: str
    points: str
    weight: str
    present: str = ""
    missing: str = ""
    place: Place | None = None
    source: str = ""
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """A score; `Program.names[id]` is its step."""

    id: str
    title: str
    indicators: tuple[Indicator, ...]
    place: Place | None = None
    source: str = ""
    standing: str = ""


@dataclass(frozen=True, slots=True)
class SegmentClass:
    """A class of a segment; `Program.names["segment.class"]` is the boolean that it is this one."""

    id: str
    title: str
    services: tuple[str, ...] = ()
    place: Place | None = None
    when: str = ""  # the condition as written; "": it goes by a number, or is the last


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment; `Program.names[id]` is the position of the row's class in `classes`, from 0.

    Attributes:
        measure: name of what bands are compared with; "": classes have conditions.
        bands: of the number, one a class, but for a class that absence alone leads to; (): classes have conditions.
    """

    id: str
    title: str
    classes: tuple[SegmentClass, ...]
    measure: str = ""
    place: Place | None = None
    source: str = ""
    standing: str = ""
    bands: tuple[Band, ...] = ()
