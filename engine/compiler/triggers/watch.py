"""The triggers of a library: every rule set's, with the events that they look at and their tests."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.calendars.calendar import Calendar
from engine.calendars.read import read_calendar
from engine.compiler.assemble import assemble
from engine.compiler.library import Library
from engine.compiler.profiles import profiled
from engine.compiler.trigger import EventType, Trigger, TriggerCase, Watch
from engine.compiler.triggers.cases import trigger_cases
from engine.compiler.triggers.compile import ZONE, Place, compile_triggers
from engine.compiler.triggers.event_types import event_types
from engine.language.models import RuleSet
from engine.language.problems import Problem, ProblemsFound, problem


class Watching:
    """Collects triggers, rule set by rule set."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.events: dict[str, EventType] = {}
        self.triggers: dict[str, Trigger] = {}
        self.tests: list[TriggerCase] = []
        self.files: set[str] = set()

    def add(self, key: str, ruleset: RuleSet) -> list[Problem]:
        """Add what one rule set watches; gives what is wrong with it."""
        assembled, problems = assemble(self.library, ruleset)
        if problems or not assembled.triggers:
            return problems
        problems += _bills_nothing(ruleset) if not (assembled.charges or profiled(assembled)) else []
        types = event_types(assembled.events, problems)
        for name, type_ in types.items():
            known = self.events.get(name)
            if known is not None and known.place != type_.place:
                problems.append(problem("event-differs", type_.place, known.place, name=name))
        calendar: Calendar | None = None
        if assembled.calendar is not None:
            try:
                calendar = read_calendar(assembled.calendar)
            except ProblemsFound as bad:
                problems += bad.problems
        if problems:
            return problems
        hashed = "".join(sorted(self.library.hashes.get(file) or _hash(file) for file in assembled.files))
        content = hashlib.sha256(hashed.encode()).hexdigest()[:16]
        at = Place(key, assembled, calendar, types, content, bool(assembled.charges))
        triggers, problems = compile_triggers(at)
        if not problems:
            zone = ZONE if calendar is None else calendar.timezone
            named = {one.name: one for one in triggers}
            self.tests += trigger_cases(ruleset.trigger_tests, key, named, types, zone, problems)
        if problems:
            return problems
        self.events |= types
        self.triggers |= {one.id: one for one in triggers}
        self.files |= assembled.files
        return []

    def watch(self) -> Watch:
        """Give what was collected."""
        if not self.triggers:
            return Watch()
        hashes = (self.library.hashes.get(file) or _hash(file) for file in sorted(self.files))
        whole = hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]
        triggers = dict(sorted(self.triggers.items()))
        return Watch(dict(sorted(self.events.items())), triggers, tuple(self.tests), tuple(sorted(self.files)), whole)


def _bills_nothing(ruleset: RuleSet) -> list[Problem]:
    """What a rule set without charges has no use for."""
    found = []
    for key in ("inputs", "lists", "refuse", "energy", "warnings", "tests"):
        if getattr(ruleset, key):
            place = ruleset.place_of(key)
            found.append(problem("without-charges", place, None, name=ruleset.ruleset, key=f"`{key}`"))
    if ruleset.in_force is None:
        found.append(problem("missing-in-force", ruleset.ruleset.place, name=ruleset.ruleset))
    return found


def _hash(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
