"""The passes of triggers: a rule set's triggers become transitions.

    read      nodes              -> models of their kinds
    resolve   an event's fields  -> a scope of its own     (engine.compiler.lower)
    watch     kinds              -> typed steps            (maker.py)
    plan      steps              -> programs               (engine.compiler.plan)

The fields of an event take the place of a rule set's inputs; values, tables and the calendar are the rule set's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.calendars.calendar import Calendar
from engine.calendars.days import END_DAY
from engine.compiler.assemble import Assembled
from engine.compiler.builder import Builder
from engine.compiler.capacity import too_wide
from engine.compiler.infer import Inference
from engine.compiler.lower import Resolved, resolve
from engine.compiler.messages import BRACES
from engine.compiler.needs import Value, surely
from engine.compiler.outputs import Outputs
from engine.compiler.plan import Planned, plan
from engine.compiler.program import BOOLEAN, Compiled, InputSpec, Type
from engine.compiler.scope import InputRule
from engine.compiler.trigger import AT, WAS, EventType, Pattern, Remembered, Transition, Trigger
from engine.compiler.triggers.base import Kind, TriggerModel, Watched
from engine.compiler.triggers.kinds import kinds
from engine.compiler.triggers.maker import IS, Maker, names_read
from engine.compiler.triggers.naming import names_in, step_problems
from engine.compiler.triggers.patterns import Patterns
from engine.compiler.version_days import first_days, months
from engine.compiler.width import width_problem
from engine.language.expressions import Expr, Name
from engine.language.fields import Source
from engine.language.models import Quantity
from engine.language.nodes import Map, Node, Text
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.reading import KEYS_WITH_VALUES, Model, did_you_mean, read, wrong_shape

ZONE = "Asia/Shanghai"  # of a rule set that has no calendar


@dataclass(frozen=True, slots=True)
class Place:
    """What the triggers of one rule set have in common."""

    key: str  # of the rule set in its rate book
    assembled: Assembled
    calendar: Calendar | None
    types: Mapping[str, EventType]
    hash: str
    own: bool


def compile_triggers(at: Place) -> tuple[list[Trigger], list[Problem]]:
    """Compile the triggers of one rule set; one with a problem is left out."""
    found: list[Trigger] = []
    problems: list[Problem] = []
    for name, (node, source) in at.assembled.triggers.items():
        try:
            found.append(_Compiling(at, name, node, source).trigger())
        except ProblemsFound as bad:
            problems += [one for one in bad.problems if one not in problems]
    return found, problems


class _Compiling:
    """One trigger on its way."""

    def __init__(self, at: Place, name: Text, node: Node, source: Source | None) -> None:
        self.at = at
        self.name = name
        self.model, self.kind = _read(name, node)
        self.source = self.model.source or source
        self.types = at.types
        self.events = self._events()
        self.steps = self.kind.steps(self.model)
        self.resolved: dict[str, Resolved] = {}
        self.definitions = dict(self.scope_of("").scope.definitions)
        self.check_names()
        self.names = names_in(self.kind, self.model, self._quantities().values())
        self.wanted = self._wanted()
        scope = self.scope_of("").scope
        found = step_problems(self.names, self.steps, self.types, {*scope.constants, *scope.tables})
        if found:
            raise ProblemsFound(found)

    def trigger(self) -> Trigger:
        """Build every transition, and what is said of them together."""
        model, at = self.model, self.at
        hows = [*self.events, *([""] if self.kind.deadline(model) else [])]
        made = [self.built(event) for event in hows]
        memory: dict[str, Remembered] = {}
        for one in made:
            memory |= {name: kept for name, kept in one.maker.memory.items() if name not in memory}
        for one in made:
            for name, kept in memory.items():
                one.maker.was(name, kept.type)
            one.maker.memory = dict(memory)  # in one order, whatever a transition has read first
        order = list(memory)
        transitions = [self.planned(one, order) for one in made]
        raising = next((one for one in made if one.values), None)
        values = () if raising is None else tuple((name, raising.type(value)) for name, value in raising.values.items())
        first, end = at.assembled.days
        remembered = tuple(memory.values())
        matters, cool_down = self.kind.horizon(model), model.cool_down or 0
        source = self.source
        return Trigger(
            id=f"{at.key}:{self.name}",
            ruleset=at.key.partition("@")[0],
            name=str(self.name),
            title=str(model.title),
            kind=self.kind.name,
            level=model.level,
            recipient=model.recipient,
            message=str(model.message),
            causes=tuple(map(str, model.causes)),
            action=str(model.action or ""),
            own=at.own,
            each=tuple(map(str, model.each)),
            remembered=remembered,
            due=order.index("due") if "due" in order else -1,
            held=order.index("held") if "held" in order else -1,
            # what a deadline raises is raised after the last event
            horizon=matters + cool_down if self.kind.deadline(model) else max(matters, cool_down),
            transitions=tuple(transitions),
            values=values,
            units=tuple((name, "" if str(type_.unit) == "1" else str(type_.unit)) for name, type_ in values),
            pattern=self.pattern(),
            first_day=first,
            end_day=None if end == END_DAY else end,
            timezone=ZONE if at.calendar is None else at.calendar.timezone,
            structure=_structure(remembered, transitions),
            source=source.label if source is not None else "",
            standing=source.standing if source is not None else "",
            place=self.name.place,
        )

    # what it looks at

    def _events(self) -> tuple[str, ...]:
        """The event types that it looks at, each once, as they are declared."""
        named = [*self.kind.events(self.model), *([self.model.clears.on] if self.model.clears is not None else [])]
        problems = []
        for name in named:
            if str(name) not in self.types:
                known, near = ", ".join(sorted(self.types)) or "-", did_you_mean(str(name), self.types)
                problems.append(problem("unknown-event-type", name.place, None, name=name, known=known, **near))
                continue
            keys = self.types[str(name)].keys
            for key in self.model.each:
                if str(key) not in keys:
                    told = {"event": str(name), "name": str(key), "known": ", ".join(keys) or "-"}
                    near = did_you_mean(str(key), keys)
                    problems.append(problem("event-lacks-key", key.place, self.types[str(name)].place, **told, **near))
        if problems:
            raise ProblemsFound(problems)
        return tuple(dict.fromkeys(str(name) for name in named))

    def check_names(self) -> None:
        """Names of steps are no one else's, and fields of the events have none that the formulas read otherwise."""
        scope = self.scope_of("").scope
        places = {**self.at.assembled.names, **{str(name): name.place for name in self.model.quantities}}
        inputs = {spec.name: spec.place for event in self.events for spec in self.types[event].inputs}
        twice = [name for name in inputs if name in {*self.definitions, *scope.constants, *scope.tables}]
        if twice:
            raise ProblemsFound([problem("name-twice", places[name], inputs[name], name=name) for name in twice])
        for name, event in self.steps.items():
            fields = {spec.name for spec in self.types[event].inputs}
            taken = name in fields or name in self.definitions or name in self.scope_of("").scope.constants
            if taken or name in self.scope_of("").scope.tables:
                place = next((one for one in _texts(self.model) if str(one) == name), self.name).place
                raise ProblemsFound([problem("step-name-taken", place, None, name=name)])

    def _wanted(self) -> frozenset[str]:
        """Paths that formulas and the message read."""
        read = (names_read(name, self.definitions) for name in self.names)
        return frozenset(path for paths in read for path in paths)

    def scope_of(self, event: str) -> Resolved:
        """What names mean at an event of a type; "": at the deadline."""
        if event not in self.resolved:
            assembled = self.at.assembled
            inputs = {} if not event else {spec.name: spec for spec in self.types[event].inputs}
            plain = replace(
                assembled,
                ruleset=assembled.ruleset.model_copy(update={"changes": "refuse"}),
                inputs={},
                lists={},
                measured={},
                charges={},
                quantities={**assembled.quantities, **self._quantities()},
                warnings={},
                refuse={},
                energy=None,
            )
            resolved, problems = resolve(plain, self.at.calendar)
            if problems:
                raise ProblemsFound(problems)
            rules = {
                name: InputRule(spec, spec.optional and spec.default is None, None, None)
                for name, spec in inputs.items()
            }
            scope = replace(resolved.scope, inputs=rules, definitions=dict(resolved.scope.definitions))
            self.resolved[event] = replace(resolved, scope=scope)
        return self.resolved[event]

    def _quantities(self) -> dict[str, Quantity]:
        found = {}
        for name, node in self.model.quantities.items():
            if str(name) in self.at.assembled.names:
                other = self.at.assembled.names[str(name)]
                raise ProblemsFound([problem("name-twice", name.place, other, name=name)])
            if isinstance(node, Text):
                whole = Map(node.place)
                whole[Text("formula", node.place)] = node
                node = whole
            found[str(name)] = read(Quantity, node, "quantity")
        return found

    # building

    def built(self, event: str) -> _Built:
        """Make the steps of one transition."""
        maker = self.maker(event)
        model, of = self.model, maker.builder
        watched = self.kind.watch(model, maker)
        complete = maker.no if watched.complete is None else watched.complete
        cleared = maker.no
        raised = complete
        if model.clears is not None:
            held = maker.was("held", BOOLEAN)
            cleared = maker.both(held, maker.fits_rule(model.clears))
            still = maker.both(held, maker.negation(cleared))
            raised = maker.both(raised, maker.negation(still))
        if model.cool_down is not None:
            raised_at = maker.was("raised_at", AT)
            raised = maker.both(raised, maker.negation(maker.sooner(raised_at, model.cool_down)))
            maker.keep("raised_at", maker.choose(raised, maker.at, raised_at, AT))
        if model.clears is not None:
            maker.keep("held", maker.either(still, raised))
        values = {} if of.known(raised) is False else self.values(maker, watched)
        return _Built(event, maker, raised, cleared, values)

    def maker(self, event: str) -> Maker:
        """Begin a transition, with a scope and steps of its own."""
        resolved = self.scope_of(event)
        definitions = dict(resolved.scope.definitions)
        scope = replace(resolved.scope, definitions=definitions)
        first, end = self.at.assembled.days
        days = first_days(resolved, first, end)
        inference = Inference(scope, Builder(len(days)), days, months())
        inference.lenient = True
        type_ = self.types[event] if event else None
        return Maker(inference, definitions, type_, self.types, self.wanted)

    def values(self, maker: Maker, watched: Watched) -> dict[str, tuple[int, int]]:
        """The names in the message's braces: steps that hold them, and whether they can be computed."""
        for name, side in watched.names.items():
            if side.here:
                maker.bind_here(name, self.types[side.event])
        found: dict[str, tuple[int, int]] = {}
        message = self.model.message
        known = {*maker.inference.scope.inputs, *maker.definitions, *maker.inference.scope.constants}
        known |= {f"{step}.{spec.name}" for step, of in watched.names.items() for spec in self.types[of.event].inputs}
        known |= {str(key) for key in self.model.each}
        for match in BRACES.finditer(str(message)):
            name, place = match[1].strip(), message.piece(match.start(1), match.end(1))
            if name in map(str, self.model.each):
                continue  # told as it came
            if name not in known:
                told = {"known": ", ".join(sorted(known)), **did_you_mean(name, known)}
                raise ProblemsFound([problem("message-name", place, None, name=name, **told)])
            value = maker.inference.value(Name(name, place=place))
            told_step = surely(maker.builder, Value(maker.yes, value.needs))
            found[name] = value.step, -1 if maker.builder.known(told_step) else told_step
        return found

    def planned(self, one: _Built, order: list[str]) -> Transition:
        """The steps as a program."""
        maker = one.maker
        names = {f"next.{name}": maker.next[name] for name in order}
        names |= {"raised": one.raised, "cleared": one.cleared}
        for name, (step, told) in one.values.items():
            names |= {f"value.{name}": step, **({f"told.{name}": told} if told >= 0 else {})}
        compiled = self.compiled(maker, names, one.event or "deadline")
        at = compiled.program.names
        never = {name for name in ("raised", "cleared") if maker.builder.known(names[name]) is False}
        return Transition(
            one.event,
            compiled,
            tuple(self.types[one.event].keys.index(str(key)) for key in self.model.each) if one.event else (),
            tuple(at[f"next.{name}"] for name in order),
            -1 if "raised" in never else at["raised"],
            -1 if "cleared" in never else at["cleared"],
            tuple(
                (at[f"value.{name}"], at[f"told.{name}"] if told >= 0 else -1) for name, (_, told) in one.values.items()
            ),
        )

    def compiled(self, maker: Maker, names: dict[str, int], what: str) -> Compiled:
        """Plan a program that gives the named steps."""
        at, build = self.at, maker.builder
        inference = maker.inference
        read = [step for step in build.steps if step.primitive == "input"]
        supplied = {step.name: step.type for step in read if step.name.startswith(IS)}
        more = {f"{WAS}{name}": one.type for name, one in maker.memory.items()} | supplied
        rules = {name: InputRule(InputSpec(name, type_), False, None, None) for name, type_ in more.items()}
        resolved = Resolved(replace(inference.scope, inputs={**inference.scope.inputs, **rules}), (), frozenset())
        outputs = Outputs(total=build.literal(0, Type()), names=names)
        planned = plan(build, resolved, outputs, tuple(inference.version_days), at.assembled.days[1])
        wide = [width_problem(planned.program, one.step) for one in too_wide(planned.program, 1)]
        if wide:
            raise ProblemsFound({one.parameters["name"]: one for one in reversed(wide)}.values())
        return self.alone(planned, what)

    def alone(self, planned: Planned, what: str) -> Compiled:
        """A program as a rule set without charges has it."""
        assembled = self.at.assembled
        ruleset = assembled.ruleset
        source = self.source
        return Compiled(
            id=f"{self.at.key}:{self.name}/{what}",
            title=str(self.model.title),
            place_code=self.at.key.rpartition(".")[0],
            customer_class=str(ruleset.class_ or ""),
            currency=str(ruleset.currency),
            minor_places=ruleset.minor_places,
            version_by="period_from",
            first_day=assembled.days[0],
            end_day=None if assembled.days[1] == END_DAY else assembled.days[1],
            program=planned.program,
            constants=planned.constants,
            change_days=(),
            tests=(),
            source=source.label if source is not None else "",
            standing=source.standing if source is not None else "",
            files=tuple(sorted(assembled.files)),
            content_hash=self.at.hash,
            place=self.name.place,
        )

    def pattern(self) -> Pattern:
        """The trigger in plain data."""
        model = self.model
        patterns = Patterns(self.definitions, self.types, self.own)
        clears = None if model.clears is None else patterns.step("", model.clears.on, model.clears.when, {})
        return replace(self.kind.pattern(model, patterns), cool_down=model.cool_down or 0, clears=clears)

    def own(self, event: str, condition: Expr) -> tuple[Compiled, int]:
        """What an event fulfils by itself, as a program."""
        maker = self.maker(event)
        compiled = self.compiled(maker, {"own": maker.holds(condition)}, f"{event}/own")
        return compiled, compiled.program.names["own"]


@dataclass(frozen=True, slots=True)
class _Built:
    """A transition's steps before they are planned."""

    event: str
    maker: Maker
    raised: int
    cleared: int
    values: dict[str, tuple[int, int]]

    def type(self, value: tuple[int, int]) -> Type:
        return self.maker.builder.type(value[0])


def _read(name: Text, node: Node) -> tuple[TriggerModel, Kind]:
    if not isinstance(node, Map):
        raise ProblemsFound([wrong_shape(node, KEYS_WITH_VALUES)])
    written = next((value for key, value in node.items() if str(key) == "kind"), None)
    kind = kinds().get(str(written)) if isinstance(written, Text) else None
    if kind is None:
        place = written.place if isinstance(written, Text) else name.place
        near = did_you_mean(str(written or ""), kinds())
        told = {"kind": str(written or ""), "known": ", ".join(kinds())}
        raise ProblemsFound([problem("unknown-trigger-kind", place, None, **told, **near)])
    try:
        model = read(kind.model, node, f"{'an' if kind.name[0] in 'aeiou' else 'a'} {kind.name} trigger")
        kind.check(model)
    except ProblemsFound as bad:
        # a key that the trigger lacks is told at its name
        found = [replace(one, place=name.place) if one.place == node.place else one for one in bad.problems]
        raise ProblemsFound(found) from None
    return model, kind


def _texts(node: object) -> list[Text]:
    """Every text of a model that is a name."""
    found: list[Text] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Text):
            found.append(one)
        elif isinstance(one, (list, tuple)):
            waiting += one
        elif isinstance(one, Model):
            waiting += [getattr(one, name) for name in type(one).model_fields]
    return found


def _structure(remembered: tuple[Remembered, ...], transitions: list[Transition]) -> str:
    """What two triggers share whose memories mean the same."""
    parts = [(one.name, one.type.kind, one.type.places, str(one.type.unit), one.type.codes) for one in remembered]
    programs = [(one.event, one.compiled.program.structure, one.next, one.raised, one.cleared) for one in transitions]
    return hashlib.sha256(repr((parts, programs)).encode()).hexdigest()[:16]
