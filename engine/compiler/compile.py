"""The compiler's passes, in order.

    load       files             -> documents            library.py
    validate   documents         -> one namespace        assemble.py, checks.py
    resolve    namespace         -> formulas, constants  lower.py (charge kinds: engine/charges)
    infer      formulas          -> typed steps          infer.py, outputs.py (builder.py, tables.py)
    plan       steps             -> Program, Constants   plan.py, capacity.py

Each pass takes values and gives values. Problems are collected and told all at once, ordered by place; a rule set with
a problem is not compiled, the others are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.calendars.billing_period import read_billing_period
from engine.calendars.calendar import Calendar
from engine.calendars.days import END_DAY
from engine.calendars.read import read_calendar
from engine.compiler import profiles
from engine.compiler.advice.collect import Advising
from engine.compiler.assemble import Assembled, Namespace, assemble, assemble_alone
from engine.compiler.book import RateBook as RateBook
from engine.compiler.builder import Builder
from engine.compiler.capacity import too_wide
from engine.compiler.checks import run_check
from engine.compiler.figures import notice_sources, table_files
from engine.compiler.given import given_value, items_file
from engine.compiler.infer import Inference
from engine.compiler.library import Library, load_library
from engine.compiler.lower import Resolved, resolve
from engine.compiler.outputs import OutputMaker
from engine.compiler.plan import Planned, plan
from engine.compiler.program import PARTS_MAX, Compiled, TestCase
from engine.compiler.triggers.watch import Watching
from engine.compiler.version_days import first_days, months
from engine.compiler.width import width_problem
from engine.language.models import Document, Notice, RuleSet, Test
from engine.language.problems import Problem, ProblemsFound, problem, shown_path
from engine.language.reading import did_you_mean


def compile_paths(paths: Sequence[Path | str]) -> RateBook:
    """Compile every rule set under the paths.

    Raises:
        ProblemsFound: all problems of all documents, ordered by place.
    """
    book, problems = compile_all(paths)
    if problems:
        raise ProblemsFound(tuple(problems))
    return book


def check_paths(paths: Sequence[Path | str]) -> list[Problem]:
    """All problems of all documents under the paths, ordered by place."""
    _, problems = compile_all(paths)
    return list(ProblemsFound(tuple(problems)).problems)


def compile_all(paths: Sequence[Path | str]) -> tuple[RateBook, list[Problem]]:
    """Compile what can be compiled, and tell the rest."""
    book, problems, _ = compile_and_name(paths)
    return book, problems


def compile_and_name(paths: Sequence[Path | str]) -> tuple[RateBook, list[Problem], frozenset[str]]:
    """Compile what can be compiled, tell the rest, and name the files beside the rules on which it may depend."""
    try:
        library, problems = load_library([Path(path) for path in paths])
    except ProblemsFound as found:
        return RateBook({}), list(found.problems), frozenset()
    compiled: dict[str, Compiled] = {}
    watching = Watching(library)
    for name, ruleset in library.rulesets.items():
        if ruleset.place.file not in library.asked:
            continue
        result, more = compile_ruleset(library, ruleset)
        _tell(problems, more, ruleset.place.file)
        if result is not None:
            compiled[name] = result
        if not more:
            _tell(problems, watching.add(name, ruleset), ruleset.place.file)
    compiled = {key: _succeeded(one, compiled.values()) for key, one in compiled.items()}
    advising = Advising(library, compiled, compile_ruleset)
    _tell(problems, advising.collect(), "")
    used = {file for one in compiled.values() for file in one.files} | watching.files | advising.files
    _tell(problems, _alone(library, library.asked - used), "")
    book = RateBook(dict(sorted(compiled.items())), watching.watch(), advising.advice, advising.plans)
    return book, problems, _beside(library)


def _beside(library: Library) -> frozenset[str]:
    """The files that documents name: tables, and lists that tests give."""
    documents: list[Document] = [*library.forms.values(), *library.shared.values(), *library.rulesets.values()]
    documents += library.advice.values()
    for notices in library.notices.values():
        documents += notices
    files = {file for document in documents for file in table_files(document)}
    for ruleset in library.rulesets.values():
        for test in ruleset.tests:
            named = (items_file(name, node) for name, node in test.given.items())
            files |= {shown_path(path) for path, _ in filter(None, named)}
    for advice in library.advice.values():
        rows = (row.given.items() for test in advice.tests for row in test.rows)
        listed = (items_file(name, node) for given in rows for name, node in given)
        files |= {shown_path(path) for path, _ in filter(None, listed)}
    return frozenset(files)


def _succeeded(compiled: Compiled, others: Iterable[Compiled]) -> Compiled:
    """A version that another one follows needs no successor."""
    if not any(one.id == compiled.id and one.first_day == compiled.end_day for one in others):
        return compiled
    due = tuple(item for item in compiled.replaces_due if item != (compiled.id, compiled.end_day))
    return replace(compiled, replaces_due=due)


def _tell(problems: list[Problem], more: Sequence[Problem], file: str) -> None:
    """Add problems that are not told yet; one of a file that several rule sets share is told for the first of them."""
    told = {(one.code, one.place) for one in problems}
    for one in more:
        shared = one.place is not None and one.place.file != file
        if one not in problems and not (shared and (one.code, one.place) in told):
            problems.append(one)


def _alone(library: Library, files: Collection[str]) -> list[Problem]:
    """Problems of notices, forms and shared files that were asked for and that no compiled rule set has read."""
    problems: list[Problem] = []
    for notices in library.notices.values():
        if any(notice.place.file in files for notice in notices):
            try:
                constants, tables, checks = notice_sources("", notices)
            except ProblemsFound as found:
                problems += found.problems
                continue
            for check in checks:
                problems += run_check(check, tables, constants)
            problems += _series(library, notices[-1])
    for layer in (*library.forms.values(), *library.shared.values()):
        if layer.place.file in files:
            alone, more = assemble_alone(library, layer)
            problems += more
            if alone.calendar is not None and {str(key) for key in alone.calendar} != {"holidays"}:
                _calendar(alone, problems)  # lists of holidays alone are read with the calendars that use them
            for check in alone.checks:
                # what a form's check reads may be declared by the rule sets that follow it
                found_here = run_check(check, alone.tables, alone.constants, alone.broken)
                problems += [one for one in found_here if one.code not in _OPEN]
    return problems


def _series(library: Library, notice: Notice) -> list[Problem]:
    """A series that no rule set reads, and whose name is nearly that of one that is read."""
    read = {str(text) for ruleset in library.rulesets.values() for text in ruleset.fills.values()}
    near = did_you_mean(str(notice.series), [name for name in library.notices if name in read])
    if str(notice.series) in read or not near["suggestion"]:
        return []
    return [problem("series-not-read", notice.series.place, None, series=notice.series, **near)]


_OPEN = ("unknown-name", "unknown-table")


def compile_ruleset(library: Library, ruleset: RuleSet) -> tuple[Compiled | None, list[Problem]]:
    """One rule set through every pass; None without a problem where it bills nobody and only watches."""
    assembled, problems = assemble(library, ruleset)
    if not problems and assembled.triggers and not (assembled.charges or profiles.profiled(assembled)):
        return None, []
    calendar = _calendar(assembled, problems)
    problems += _own_problems(ruleset)
    problems += profiles.limits_named_alike((name, model) for name, (model, _) in assembled.measured.items())
    for check in assembled.checks:
        problems += run_check(check, assembled.tables, assembled.constants, assembled.broken)
    if problems:
        return None, problems
    resolved, problems = resolve(assembled, calendar)
    if problems:
        return None, problems
    first_day, end_day = assembled.days
    planned, problems = _structure(assembled, resolved, first_day, end_day)
    tests = _tests(ruleset, problems)
    if planned is None or problems:
        return None, problems
    return _compiled(library, assembled, resolved, planned, tests, (first_day, end_day)), []


def _calendar(assembled: Namespace, problems: list[Problem]) -> Calendar | None:
    if assembled.calendar is None:
        return None
    try:
        return read_calendar(assembled.calendar)
    except ProblemsFound as found:
        problems += found.problems
        return None


def _own_problems(ruleset: RuleSet) -> list[Problem]:
    """What a rule set must say for itself."""
    problems = []
    if ruleset.in_force is None:
        problems.append(problem("missing-in-force", ruleset.ruleset.place, name=ruleset.ruleset))
    if "version_by" not in ruleset.model_fields_set:
        allowed = ", ".join(one.alias or name for name, one in RuleSet.model_fields.items())
        told = {"key": "version_by", "what": RuleSet.what, "allowed": allowed}
        problems.append(problem("missing-key", ruleset.ruleset.place, None, **told))
    if ruleset.changes == "split" and ruleset.version_by == "reading_day":
        here, there = ruleset.place_of("changes"), ruleset.place_of("version_by")
        problems.append(problem("split-by-reading-day", here, there))
    return problems


def _structure(
    assembled: Assembled, resolved: Resolved, first_day: int, end_day: int
) -> tuple[Planned | None, list[Problem]]:
    """Infer and plan."""
    scope = resolved.scope
    version_days = first_days(resolved, first_day, end_day)
    builder = Builder(len(version_days))
    builder.axes = {name: rule.spec for name, rule in scope.axes.items()}
    inference = Inference(scope, builder, version_days, months())
    maker = OutputMaker(assembled, resolved, inference)
    outputs = maker.make()
    if maker.problems:
        return None, maker.problems
    unread = scope.inputs.keys() - inference.inputs_read
    # what only a shared file would read, and cannot where the rule set knows better, is not asked for
    inputs = {name: rule for name, rule in scope.inputs.items() if name not in unread & assembled.stand_ins}
    resolved = replace(resolved, scope=replace(scope, inputs=inputs))
    unused = [rule.spec for name, rule in inputs.items() if name in unread]
    problems = [problem("unused-input", spec.place, name=spec.name) for spec in unused]
    planned = plan(builder, resolved, outputs, version_days, end_day)
    parts = PARTS_MAX if scope.splits else 1
    wide = [width_problem(planned.program, narrow.step) for narrow in too_wide(planned.program, parts)]
    # what follows from the same input is right once its bounds are
    problems += {one.parameters["name"]: one for one in reversed(wide)}.values()
    return planned, problems


def _tests(ruleset: RuleSet, problems: list[Problem]) -> tuple[TestCase, ...]:
    cases = []
    for test in ruleset.tests:
        try:
            cases.append(_test(test))
        except ProblemsFound as found:
            problems += found.problems
    return tuple(cases)


def _test(test: Test) -> TestCase:
    first, end = read_billing_period(test.billing_period)
    if (test.expect is None and not test.segments) == (test.refused is None):
        raise ProblemsFound((problem("test-expects", test.place_of("name"), name=test.name),))
    refused = None
    if test.refused is not None:
        refused = (str(test.refused.code), str(test.refused.field or ""))
    return TestCase(
        str(test.name),
        first,
        end,
        {str(name): given_value(name, node) for name, node in test.given.items()},
        {str(path): number.text for path, number in (test.expect or {}).items()},
        None if test.warnings is None else tuple(str(name) for name in test.warnings),
        refused,
        {"who": str(test.vouched_by.who), "from": str(test.vouched_by.from_)},
        test.place,
        {str(name): str(one) for name, one in test.segments.items()},
    )


def _compiled(
    library: Library,
    assembled: Assembled,
    resolved: Resolved,
    planned: Planned,
    tests: tuple[TestCase, ...],
    interval: tuple[int, int],
) -> Compiled:
    ruleset = assembled.ruleset
    place_code, _, last = str(ruleset.ruleset).rpartition(".")
    files = tuple(sorted(assembled.files))
    hashes = "".join(sorted(_hash_of(library, file) for file in files))  # of contents: a folder may be moved
    source = ruleset.source
    return Compiled(
        id=str(ruleset.ruleset),
        title=str(ruleset.title or ""),
        place_code=place_code,
        customer_class=str(ruleset.class_ or last),
        currency=str(ruleset.currency),
        minor_places=ruleset.minor_places,
        version_by=ruleset.version_by,
        first_day=interval[0],
        end_day=None if interval[1] == END_DAY else interval[1],
        program=planned.program,
        constants=planned.constants,
        change_days=planned.change_days,
        changes=ruleset.changes,
        tests=tests,
        source=source.label if source is not None else "",
        standing=source.standing if source is not None else "",
        files=files,
        content_hash=hashlib.sha256(hashes.encode()).hexdigest()[:16],
        place=ruleset.place,
        replaces_due=_due(assembled, resolved, interval),
        premises=planned.premises,
    )


def _hash_of(library: Library, file: str) -> str:
    return library.hashes.get(file) or hashlib.sha256(Path(file).read_bytes()).hexdigest()


def _due(assembled: Assembled, resolved: Resolved, interval: tuple[int, int]) -> tuple[tuple[str, int], ...]:
    """What ends: notice series, dated values, charges, the rule set itself; with the day after its last."""
    ends: dict[str, int] = {}
    own = assembled.ruleset.in_force
    if own is not None and own.closed is not None:
        return ()
    if interval[1] != END_DAY:
        ends[str(assembled.ruleset.ruleset)] = interval[1]
    columns = [column for table in resolved.scope.tables.values() for column in table.columns.values()]
    for source in [*resolved.scope.constants.values(), *columns]:
        end = max((piece.end_day for piece in source.pieces), default=END_DAY)
        if end != END_DAY:
            name = assembled.series.get(source.field, source.path)
            ends[name] = max(ends.get(name, 0), end)
    for rule in resolved.charges:
        if rule.days[1] != END_DAY:
            ends[rule.name] = rule.days[1]
    return tuple(sorted(ends.items(), key=lambda item: (item[1], item[0])))
