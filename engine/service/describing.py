"""A rule set as a message: enough for a client to build its columns, and to label what comes back.

Takes compiled rule sets; gives messages. Inputs that the door supplies (the days of the period, its parts) are left
out, for no row gives them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from dianjia.advice.v1 import advice_pb2
from dianjia.rulesets.v1 import rulesets_pb2 as messages
from dianjia.type.v1 import type_pb2 as types
from engine.calendars.days import day_date
from engine.compiler.advising import Advice, Alternative, Best
from engine.compiler.profile import Score, Segment
from engine.compiler.program import FIRST_DAY, AxisSpec, Compiled, InputSpec, Line, Program, Type
from engine.evaluator.row_door import row_inputs
from engine.evaluator.rows import day_text, value_text
from engine.language.problems import Place, Problem, headline, remedy
from engine.language.units import DIMENSIONLESS
from engine.service.books import LoadedBook

COLLECTION: Final = "ruleSets/"
_DAY_MINUTES: Final = 1_440
_KINDS: Final = {
    "number": messages.INPUT_KIND_NUMBER,
    "boolean": messages.INPUT_KIND_BOOLEAN,
    "code": messages.INPUT_KIND_CODE,
    "date": messages.INPUT_KIND_DATE,
}
ALTERNATIVE_KINDS: Final = {
    "choice": advice_pb2.ALTERNATIVE_KIND_CHOICE,
    "measure": advice_pb2.ALTERNATIVE_KIND_MEASURE,
    "plan": advice_pb2.ALTERNATIVE_KIND_PLAN,
}


def summary(key: str, compiled: Compiled) -> messages.RuleSetSummary:
    """Describe a rule set in few words.

    Args:
        key: of the rate book: an id, or `id@first day` where several share one.
        compiled: the rule set.
    """
    through = "" if compiled.end_day is None else (day_date(compiled.end_day) - timedelta(days=1)).isoformat()
    return messages.RuleSetSummary(
        name=f"{COLLECTION}{key}",
        id=compiled.id,
        title=compiled.title,
        place=compiled.place_code,
        customer_class=compiled.customer_class,
        currency=compiled.currency,
        in_force_from="" if compiled.first_day <= FIRST_DAY else day_text(compiled.first_day),
        in_force_through=through,
        standing=compiled.standing,
        source=compiled.source,
        hash=compiled.content_hash,
    )


def rule_set(loaded: LoadedBook, key: str, *, without_files: bool = False) -> messages.RuleSet:
    """Describe a rule set of a version: its inputs, lists, lines, warnings, scores, segments, advice and files."""
    compiled = loaded.rulesets[key]
    program = compiled.program
    return messages.RuleSet(
        summary=summary(key, compiled),
        inputs=[_input(spec, spec.name) for spec in row_inputs(compiled)],
        lists=[_list(program, axis) for axis in program.axes],
        lines=[_line(program, line) for line in program.lines],
        warnings=[messages.WarningDescription(id=one.id, title=one.title, level=one.level) for one in program.warnings],
        minor_places=compiled.minor_places,
        version_by=compiled.version_by,
        changes=compiled.changes,
        ledgers=[code for code, _ in program.ledgers],
        files=() if without_files else _files(loaded, compiled),
        scores=[_score(program, one) for one in program.scores],
        segments=[_segment(one) for one in program.segments],
        advice=[_advice(one) for one in loaded.book.advice.get(key, ())],
    )


def alternative(advice: Advice, one: Alternative) -> advice_pb2.Alternative:
    """Describe an alternative of an advice."""
    return advice_pb2.Alternative(
        advice=advice.id,
        id=one.id,
        title=one.title,
        kind=ALTERNATIVE_KINDS[one.kind],
        ruleset=one.ruleset,
        best=None if one.best is None else _best(one.best),
        how=one.how,
        conditions=[
            advice_pb2.Condition(text=of.text, source=of.source, standing=of.standing) for of in one.conditions
        ],
        source=one.source,
        standing=one.standing,
        place=None if one.place is None else place_message(one.place),
    )


def problem_message(found: Problem) -> messages.Problem:
    """Write a problem of the rules, with its words in both languages."""
    return messages.Problem(
        code=found.code,
        place=None if found.place is None else place_message(found.place),
        other=None if found.other is None else place_message(found.other),
        headline=headline(found),
        remedy=remedy(found),
        headline_zh=headline(found, "zh"),
        remedy_zh=remedy(found, "zh"),
        parameters=dict(found.parameters),
    )


def place_message(place: Place) -> types.SourcePlace:
    """Write a stretch of a file."""
    return types.SourcePlace(
        file=place.file,
        line=place.line,
        column=place.column,
        end_line=place.end_line,
        end_column=place.end_column,
    )


def _input(spec: InputSpec, name: str) -> messages.Input:
    of = spec.type
    bounded = of.kind in ("number", "date")
    return messages.Input(
        name=name,
        title=spec.title,
        kind=_KINDS[of.kind],
        unit=_unit(of),
        places=of.places,
        low=types.Decimal(unscaled=of.low, places=of.places) if bounded else None,
        high=types.Decimal(unscaled=of.high, places=of.places) if bounded else None,
        required=spec.default is None and not spec.optional,
        default_value="" if spec.default is None else value_text(spec.default, of),
        codes=_codes(spec),
        carried=spec.carried is not None,
        split=spec.split,
    )


def _codes(spec: InputSpec) -> Iterator[messages.Code]:
    for at, code in enumerate(spec.type.codes):
        yield messages.Code(code=code, title=spec.code_titles[at] if at < len(spec.code_titles) else "")


def _list(program: Program, axis: AxisSpec) -> messages.ListInput:
    prefix = f"{axis.name}."
    return messages.ListInput(
        name=axis.name,
        title=axis.title,
        at_most=axis.at_most,
        required=not axis.optional,
        interval_minutes=axis.minutes,
        inputs=[_input(spec, spec.name.removeprefix(prefix)) for spec in program.inputs if spec.type.axis == axis.name],
        odd_days=_odd_days(program, axis),
    )


def _odd_days(program: Program, axis: AxisSpec) -> Iterator[messages.OddDay]:
    """Give the days on which the clock of an interval list is put forward or back."""
    if not axis.minutes:
        return
    clock = program.timelines[axis.clock]
    for at, pattern in enumerate(clock.days):
        intervals = len(clock.patterns[pattern])
        if intervals != _DAY_MINUTES // axis.minutes:
            yield messages.OddDay(day=day_text(clock.first_day + at), intervals=intervals)


def _line(program: Program, line: Line) -> messages.LineDescription:
    steps = program.steps
    return messages.LineDescription(
        id=line.id,
        charge=line.charge,
        title=line.title,
        places=steps[line.amount].type.places,
        quantity_unit="" if line.quantity is None else _unit(steps[line.quantity].type),
        price_unit="" if line.price is None else _unit(steps[line.price].type),
        ledger=line.ledger,
        money=line.money,
        always_shown=line.shown is None,
    )


def _score(program: Program, score: Score) -> messages.ScoreDescription:
    return messages.ScoreDescription(
        id=score.id,
        title=score.title,
        places=program.steps[program.names[score.id]].type.places,
        indicators=[
            messages.IndicatorDescription(id=one.id, title=one.title, missing=one.missing, source=one.source)
            for one in score.indicators
        ],
        source=score.source,
        standing=score.standing,
    )


def _segment(segment: Segment) -> messages.SegmentDescription:
    return messages.SegmentDescription(
        id=segment.id,
        title=segment.title,
        classes=[
            messages.ClassDescription(id=one.id, title=one.title, services=one.services) for one in segment.classes
        ],
        source=segment.source,
        standing=segment.standing,
    )


def _advice(advice: Advice) -> messages.AdviceDescription:
    return messages.AdviceDescription(
        id=advice.id,
        title=advice.title,
        inputs=[_input(spec, spec.name) for spec in advice.inputs],
        alternatives=[alternative(advice, one) for one in advice.alternatives.values()],
        source=advice.source,
        standing=advice.standing,
    )


def _best(best: Best) -> advice_pb2.BestInput:
    return advice_pb2.BestInput(input=best.input, title=best.title, unit=best.unit, places=best.places)


def _unit(of: Type) -> str:
    """Write a unit; nothing for what has none."""
    return "" if of.kind != "number" or of.unit == DIMENSIONLESS else str(of.unit)


def _files(loaded: LoadedBook, compiled: Compiled) -> Iterable[messages.SourceFile]:
    """Give the files that a rule set is compiled from, as the version has them."""
    for path in dict.fromkeys(posixpath.normpath(file) for file in compiled.files):
        content = loaded.files.get(path)
        if content is not None:
            yield messages.SourceFile(path=path, content=content)
