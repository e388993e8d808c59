"""What a trigger is to durable_rules: rules of two facts, and where its memory lies; or why it cannot be said there.

Takes a trigger's `Pattern`; gives a plan that the child process reads (`engine.warnings.durable_child`). A rule joins
what is open of an account with what has come. What an event fulfils by itself is computed here, exactly, and told as a
flag; what the library compares are whole numbers: times, numbers of accounts, and fields of the same decimal places.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from engine.compiler.program import InputSpec
from engine.compiler.trigger import EventType, Join, Pattern, PatternStep, Trigger, Watch
from engine.language.problems import Problem, ProblemsFound, problem

JOINS_MAX: Final = 12  # of a step; the library holds 32 conditions in a join
WHOLE_MAX: Final = 2**62
SIGNS: Final = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte", "==": "", "!=": "$neq"}

Rule = dict[str, Any]
Condition = dict[str, Any]


def durable_problems(watch: Watch) -> list[Problem]:
    """Tell what of the triggers durable_rules cannot do correctly, by name; none: it gives what the built-in gives."""
    return [one for trigger in watch.triggers.values() for one in _problems(trigger, watch)]


def require_durable(watch: Watch) -> None:
    """Refuse triggers that durable_rules cannot do correctly.

    Raises:
        ProblemsFound: `durable-cannot-...`, one for each reason.
    """
    found = durable_problems(watch)
    if found:
        raise ProblemsFound(found)


def _problems(trigger: Trigger, watch: Watch) -> Iterable[Problem]:
    pattern = trigger.pattern
    if pattern.kind not in ("event", "count", "trend", "sequence", "pair"):
        yield problem("durable-cannot-kind", trigger.place, trigger=trigger.id, kind=pattern.kind)
    for step in _steps(pattern):
        where = step.place or trigger.place
        if not step.plain:
            yield problem("durable-cannot-mix", where, trigger=trigger.id)
        if len(step.joins) > JOINS_MAX:
            yield problem("durable-cannot-join", where, trigger=trigger.id, joins=len(step.joins), most=JOINS_MAX)
        for join in step.joins:
            yield from _of_join(trigger, watch, step, join)


def _of_join(trigger: Trigger, watch: Watch, step: PatternStep, join: Join) -> Iterable[Problem]:
    """Whether both fields are whole numbers of one size."""
    here = _input(watch.events[step.event], join.field)
    there = _input(watch.events[_event_of(trigger.pattern, join.step)], join.other)
    other, where = f"{join.step}.{join.other}", step.place or trigger.place
    if _measure(here) != _measure(there):
        told = {"trigger": trigger.id, "field": join.field, "compared": other}
        yield problem("durable-cannot-compare", where, None, here=_said(here), there=_said(there), **told)
    for name, spec in ((join.field, here), (other, there)):
        if max(-spec.type.low, spec.type.high) > WHOLE_MAX:
            yield problem("durable-cannot-hold", where, trigger=trigger.id, field=name)


def plan_of(trigger: Trigger, watch: Watch) -> dict[str, Any]:
    """Give the plan of a trigger that has no problem, as JSON takes it."""
    pattern = trigger.pattern
    at = {one.name: number for number, one in enumerate(trigger.remembered)}
    joins = [join for step in _steps(pattern) for join in step.joins]
    read = {at[name] for join in joins for name in _remembered(join, at)}
    plan: dict[str, Any] = {
        "kind": pattern.kind,
        "size": len(trigger.remembered),
        "on": pattern.steps[0].event if len(pattern.steps) == 1 else "",
        "joined": sorted(read),
        "shown": _shown(pattern, watch),
        "needs": [[_position(watch.events[one.event], join.field) for join in one.joins] for one in flags_of(pattern)],
        "raised_at": at.get("raised_at", -1),
        "cool_down": pattern.cool_down,
        "held": at.get("held", -1),
        "stores": [_stores(watch.events[step.event], step_name, at) for step_name, step in _named(pattern)],
    }
    match pattern.kind:
        case "event":
            plan["rules"] = {"fits": {"all": [{"came": {"$and": [{"came": 1}, {"f0": 1}]}}]}}
        case "count":
            names = [at[f"at_{number}"] for number in range(1, pattern.times)]
            plan |= {"positions": names, "times_at": names[-1:], "apart": pattern.within}
            plan["rules"] = {"full": _rule("open", [], [{"f0": 1}, _within("u0")])}
        case "trend":
            plan |= {"run": at["run"], "previous_at": at["previous_at"], "times": pattern.times}
            plan |= {"times_at": [at["previous_at"]], "apart": pattern.within}
            plan["looks_back"] = bool(pattern.steps[0].joins)
            plan["rules"] = {"goes_on": _step_rule(pattern.steps[0], 0, watch, at, "u0")}
        case "pair":
            plan |= {"times_at": [at[f"{step.name}.at"] for step in pattern.steps], "apart": pattern.within}
            plan["rules"] = {
                f"meets{number}": _step_rule(step, number, watch, at, f"u{1 - number}")
                for number, step in enumerate(pattern.steps)
            }
        case "sequence":
            plan |= {"stage": at["stage"], "stage_at": at["stage_at"], "due": at.get("due", -1)}
            plan |= {"within": [step.within for step in pattern.steps], "latest": pattern.keeps == "latest"}
            plan["rules"] = _sequence(pattern, watch, at)
    if pattern.cool_down:
        plan["rules"]["quiet"] = _rule("calm", [], [{"done": 1}, {"$lt": {"t": {"calm": "q"}}}])
    if pattern.clears is not None:
        flag = len(flags_of(pattern)) - 1
        plan["rules"]["held"] = _rule("calm", [{"h": 1}], [{"done": 1}])
        plan["rules"]["clears"] = _rule("calm", [{"h": 1}], [{"came": 1}, {f"f{flag}": 1}])
    return plan


def _sequence(pattern: Pattern, watch: Watch, at: dict[str, int]) -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    last = len(pattern.steps) - 1
    for stage in range(1, last + 1):
        step = pattern.steps[stage]
        found[f"step{stage}"] = _step_rule(step, stage, watch, at, "u0", {"s": stage})
        if step.absent:
            found["due"] = _rule("open", [{"s": stage}], [{"tick": 1}, {"$gt": {"t": {"open": "u0"}}}])
    ordinary = last - 1 if pattern.steps[last].absent else last
    if ordinary:
        found["expired"] = _rule("open", [{"$lte": {"s": ordinary}}], [{"came": 1}, {"$gt": {"t": {"open": "u0"}}}])
    if pattern.unless is not None:
        found["unless"] = _step_rule(pattern.unless, last + 1, watch, at, "u0")
    return found


def _step_rule(
    step: PatternStep, number: int, watch: Watch, at: dict[str, int], until: str, where: Condition | None = None
) -> Rule:
    """A rule that an event fires that fits a step by itself, comes in time and fulfils its joins."""
    event = watch.events[step.event]
    open_ = [] if where is None else [where]
    joins: list[Condition] = []
    for join in step.joins:
        value, given = f"v{_position(event, join.field)}", at.get(f"{join.step}.{join.other}.given")
        if given is not None:
            open_.append({f"m{given}": 1})
        compared: Condition = {value: {"open": f"m{at[f'{join.step}.{join.other}']}"}}
        joins.append({SIGNS[join.op]: compared} if SIGNS[join.op] else compared)
    return _rule("open", open_, [{f"f{number}": 1}, _within(until), *joins])


def _within(until: str) -> Condition:
    return {"$lte": {"t": {"open": until}}}


def _rule(stands: str, of_it: list[Condition], came: list[Condition]) -> Rule:
    """A rule of what stands of a slot and what came; why the account is compared first and last: `durable_child`."""
    same: Condition = {"a": {stands: "a"}}
    return {
        "all": [
            {stands: {"$and": [{stands: 1}, *of_it]}},
            {"came": {"$and": [same, {"k": {stands: "k"}}, *came, same]}},
        ]
    }


def flags_of(pattern: Pattern) -> tuple[PatternStep, ...]:
    """Give the steps whose flags an event carries: those of the pattern in order, `unless`, and last `clears`."""
    return (*_steps(pattern), *([pattern.clears] if pattern.clears is not None else []))


def _steps(pattern: Pattern) -> list[PatternStep]:
    return [*pattern.steps, *([pattern.unless] if pattern.unless is not None else [])]


def _named(pattern: Pattern) -> list[tuple[str, PatternStep]]:
    """Steps with the name before the dot under which their fields are remembered."""
    return [("previous" if pattern.kind == "trend" else step.name, step) for step in pattern.steps]


def _remembered(join: Join, at: dict[str, int]) -> list[str]:
    path = f"{join.step}.{join.other}"
    return [name for name in (path, f"{path}.given") if name in at]


def _shown(pattern: Pattern, watch: Watch) -> dict[str, list[int]]:
    """By event type the inputs that a join reads."""
    found: dict[str, set[int]] = {step.event: set() for step in _steps(pattern)}
    for step in _steps(pattern):
        found[step.event].update(_position(watch.events[step.event], join.field) for join in step.joins)
    return {event: sorted(numbers) for event, numbers in found.items()}


def _stores(event: EventType, step: str, at: dict[str, int]) -> list[tuple[int, int, int]]:
    """Where the fields of a step are remembered: position, input, position of whether it was given or -1."""
    return [
        (at[f"{step}.{spec.name}"], number, at.get(f"{step}.{spec.name}.given", -1))
        for number, spec in enumerate(event.inputs)
        if f"{step}.{spec.name}" in at
    ]


def _event_of(pattern: Pattern, step: str) -> str:
    return next(one.event for name, one in _named(pattern) if name == step)


def _input(event: EventType, name: str) -> InputSpec:
    return event.inputs[_position(event, name)]


def _measure(spec: InputSpec) -> tuple[object, ...]:
    """What two fields share whose whole numbers mean the same."""
    type_ = spec.type
    return type_.kind, type_.unit, type_.places, type_.codes


def _said(spec: InputSpec) -> str:
    type_ = spec.type
    return f"{type_.unit}, {type_.places}" if type_.kind == "number" else type_.kind


def _position(event: EventType, name: str) -> int:
    return next(number for number, spec in enumerate(event.inputs) if spec.name == name)
