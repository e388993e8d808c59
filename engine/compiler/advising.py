"""What an advice file compiles to: for one rule set, the alternatives and the program that rewrites a row.

The rewriting program is an ordinary `Compiled` without lines: it takes the rule set's inputs and those that the advice
declares besides, and holds by name whether an alternative is lawful and what it sets. A rewritten row is then billed
like any other, so that the bills behind an advice are the bills that `bill` gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from engine.compiler.program import Compiled, InputSpec
from engine.language.problems import Place


@dataclass(frozen=True, slots=True)
class Change:
    """What an alternative does to one input of the row.

    Exactly one of three: a value computed by the step called `name`; a code, by its word; or the input is left out.

    Attributes:
        name: in `Advice.rewrite.program.names`. The step has the places of the target's input.
        present: name of the boolean that all is there that the value is computed from; "": always.
    """

    input: str
    name: str = ""
    present: str = ""
    code: str = ""
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Best:
    """An input whose value is searched: `low` to `high`, both included, every `step` counted from zero.

    Attributes:
        low: name of the step with the least lawful value of a row; the largest over an account's rows counts.
        high: likewise the most; the smallest over an account's rows counts.
        present: name of the boolean that both can be computed; "": always.
        step: whole number of the input's places.
        places: of the input; low and high may have more.
        title, unit: of the input, which may be one of a plan alone.
    """

    input: str
    low: str
    high: str
    present: str
    step: int
    places: int
    title: str = ""
    unit: str = ""

    def with_places(self, places: int) -> Best:
        """Give the same values in other places, of which none has more; `low` and `high` keep their own."""
        if places == self.places:
            return self
        finer, coarser = 10 ** max(places - self.places, 0), 10 ** max(self.places - places, 0)
        assert self.step % coarser == 0, f"a step of {self.step} at {self.places} places has more than {places}"
        return replace(self, step=self.step * finer // coarser, places=places)


@dataclass(frozen=True, slots=True)
class Needed:
    """Something that an alternative's formulas read and that a row may lack.

    Attributes:
        field: the input, or what has no price on the row's days.
        code: of the problem that a charge which reads it would refuse the row for: `missing-value`.
        met: name of the boolean that it is there.
    """

    field: str
    code: str
    met: str


@dataclass(frozen=True, slots=True)
class Condition:
    text: str
    source: str = ""
    standing: str = ""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One alternative of an advice.

    Attributes:
        kind: `choice` costs nothing but an application, `measure` is work or investment, `plan` another offer.
        first: alternatives whose changes come before its own, in order; each rewrites the row as the one before left
            it.
        ruleset: id of the rule set that bills the rewritten rows; "": the row's own.
        lawful: name of the boolean that a row may be billed so; "": always. All rows of an account have to. False where
            it cannot be computed.
        lawful_present: name of the boolean that it can be computed; "": always.
        otherwise: why not; `values` are the names in its braces with names of steps. Where a row may lack one, the
            step's name with `.present` behind it is that of the boolean that it is there.
        needs: what its formulas read and a row may lack, in the order of the formulas: for telling what is not known.
        cost: name of the step with what it costs once [currency]; "": nothing.
        cost_present: name of the boolean that the cost can be computed; "": always.
    """

    id: str
    title: str
    kind: Literal["choice", "measure", "plan"]
    first: tuple[str, ...] = ()
    ruleset: str = ""
    lawful: str = ""
    lawful_present: str = ""
    otherwise: str = ""
    values: tuple[tuple[str, str], ...] = ()
    changes: tuple[Change, ...] = ()
    best: Best | None = None
    cost: str = ""
    cost_present: str = ""
    how: str = ""
    conditions: tuple[Condition, ...] = ()
    needs: tuple[Needed, ...] = ()
    source: str = ""
    standing: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class AdviceCase:
    """A test that stands in an advice file. Given values are text as written."""

    name: str
    ruleset: str
    rows: tuple[tuple[date, date, Mapping[str, str | tuple[Mapping[str, str], ...]]], ...]
    expect: Mapping[str, str]
    not_lawful: tuple[str, ...]
    vouched_by: Mapping[str, str]
    place: Place


@dataclass(frozen=True, slots=True)
class Advice:
    """The alternatives of one advice file for one rule set of the book (or one version of it).

    Attributes:
        key: of the rule set in the book.
        inputs: those that the advice declares besides the rule set's own.
        rewrite: has the rule set's days and inputs, no lines and no refusals of its own.
        tests: of the file; they stand with the first rule set that they name.
    """

    id: str
    title: str
    key: str
    alternatives: Mapping[str, Alternative]
    inputs: tuple[InputSpec, ...]
    rewrite: Compiled
    tests: tuple[AdviceCase, ...] = ()
    source: str = ""
    standing: str = ""
    place: Place | None = None
