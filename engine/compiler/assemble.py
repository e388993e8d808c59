"""Validate: a rule set, its form, its shared files and its notices become one namespace.

Takes a `Library` and one rule set; gives an `Assembled`: inputs, constants, tables, quantities, charges, conditions,
with nothing left to look up in other files. Names are unique in it; every hole is filled; what a rule set may not
override is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.charges.base import ChargeModel, Kind
from engine.charges.kinds import kinds
from engine.compiler.constants import ConstantSource
from engine.compiler.figures import (
    TableCheck,
    band_source,
    check_source,
    days,
    notice_sources,
    table_files,
    table_source,
    value_source,
)
from engine.compiler.library import Library
from engine.compiler.program import END_DAY, FIRST_DAY, ROW
from engine.compiler.scope import BUILT_IN, TableSource
from engine.language.fields import Source, read
from engine.language.models import (
    Energy,
    EventRule,
    Form,
    Input,
    ListRule,
    Notice,
    Quantity,
    ReadRule,
    RefuseRule,
    Rules,
    RuleSet,
    Shared,
    WarningRule,
)
from engine.language.nodes import Map, Node, Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.profile_models import ScoreRule, SegmentRule
from engine.language.reading import KEYS_WITH_VALUES, ONE_VALUE, did_you_mean, wrong_shape
from engine.quantities.base import Kind as QuantityKind
from engine.quantities.base import QuantityModel
from engine.quantities.kinds import kinds as quantity_kinds
from engine.quantities.score import SCORE
from engine.quantities.segment import SEGMENT

Measured = QuantityModel | ScoreRule | SegmentRule

RESERVED = (*BUILT_IN, "day")  # a formula's own words: `months` of a price per month is the billing period's


@dataclass(slots=True)
class Namespace:
    """What documents declare together."""

    first_day: int = FIRST_DAY  # the day whose figures a document's own checks look at
    inputs: dict[str, Input] = field(default_factory=dict)
    input_places: dict[str, Place] = field(default_factory=dict)
    lists: dict[str, ListRule] = field(default_factory=dict)
    constants: dict[str, ConstantSource] = field(default_factory=dict)
    tables: dict[str, TableSource] = field(default_factory=dict)
    bands: dict[str, TableSource] = field(default_factory=dict)
    quantities: dict[str, Quantity] = field(default_factory=dict)
    measured: dict[str, tuple[Measured, QuantityKind]] = field(
        default_factory=dict
    )  # what has a kind; scores, segments
    quantity_sources: dict[str, Source | None] = field(default_factory=dict)
    refuse: dict[str, RefuseRule] = field(default_factory=dict)
    charges: dict[str, tuple[ChargeModel, Kind]] = field(default_factory=dict)
    charge_sources: dict[str, Source | None] = field(default_factory=dict)
    warnings: dict[str, WarningRule] = field(default_factory=dict)
    events: dict[Text, EventRule] = field(default_factory=dict)
    triggers: dict[Text, tuple[Node, Source | None]] = field(default_factory=dict)
    checks: list[TableCheck] = field(default_factory=list)
    settings: dict[str, Text] = field(default_factory=dict)
    energy: Energy | None = None
    calendar: Map | None = None
    files: set[str] = field(default_factory=set)
    series: dict[str, str] = field(default_factory=dict)  # hole -> notice series
    names: dict[str, Place] = field(default_factory=dict)
    days: tuple[int, int] = (FIRST_DAY, END_DAY)  # [first, end) on which all of the documents are in force
    broken: set[str] = field(default_factory=set)  # values and tables with problems of their own
    reads: list[tuple[Text, ReadRule]] = field(default_factory=list)  # of shared files
    stand_ins: set[str] = field(default_factory=set)  # optional inputs that only shared files read

    def claim(self, name: Text | str, place: Place, problems: list[Problem]) -> bool:
        """Take a name; a second taker is a problem, and so is one that takes a name that every rule set has."""
        if str(name) in RESERVED:
            problems.append(problem("name-reserved", place, None, text=name))
            return False
        if str(name) in self.names:
            problems.append(problem("name-twice", place, self.names[str(name)], name=name))
            return False
        self.names[str(name)] = place
        return True


@dataclass(slots=True, kw_only=True)
class Assembled(Namespace):
    """One rule set with all that it refers to."""

    ruleset: RuleSet


def assemble(library: Library, ruleset: RuleSet, *beside: Rules) -> tuple[Assembled, list[Problem]]:
    """Bring one rule set together.

    Args:
        library: where its form, shared files and notices are found.
        ruleset: which one.
        beside: documents that declare more for it, without being part of it: advice.

    Returns:
        The namespace and every problem found; with problems it may be incomplete.
    """
    problems: list[Problem] = []
    found = Assembled(ruleset=ruleset, first_day=_first_day(ruleset))
    form = _form(library, ruleset, problems)
    layers = _with_shared(library, [*([] if form is None else [form]), ruleset, *beside], problems)
    if problems:
        return found, problems  # without a document that it refers to, most names of a rule set would be unknown
    for layer in layers:
        found.files |= {layer.place.file, *table_files(layer)}
        _add_layer(found, layer, problems)
    _fill(found, library, form, problems)
    _read(found, layers, problems, in_parts=ruleset.changes == "split")
    return found, problems


def assemble_alone(library: Library, layer: Rules) -> tuple[Namespace, list[Problem]]:
    """What a form or shared file declares, with the shared files that it uses and without the rule sets around it."""
    problems: list[Problem] = []
    found = Namespace()
    layers = _with_shared(library, [layer], problems)
    for one in layers:
        _add_layer(found, one, problems)
    _read(found, layers, problems, in_parts=False)
    return found, problems


def _read(found: Namespace, layers: Sequence[Rules], problems: list[Problem], *, in_parts: bool) -> None:
    """What shared files read and no document has, as optional inputs; all is known by now."""
    for name, rule in (pair for layer in layers if isinstance(layer, Shared) for pair in layer.reads.items()):
        found.reads.append((name, rule))
        if str(name) not in found.names and found.claim(name, name.place, problems):
            found.inputs[str(name)] = rule.as_input(in_parts=in_parts)
            found.input_places[str(name)] = name.place
            found.stand_ins.add(str(name))


def _with_shared(library: Library, layers: Sequence[Rules], problems: list[Problem]) -> list[Rules]:
    """The layers, behind the shared files that they use."""
    found = list(layers)
    for layer in layers:
        for name in layer.uses:
            shared = library.shared.get(str(name))
            if shared is None:
                problems += _unknown(library, "shared", name, library.shared)
            elif all(shared is not known for known in found):
                found.insert(0, shared)
    return found


def _unknown(library: Library, kind: str, name: Text, known: Mapping[str, object]) -> Sequence[Problem]:
    """That there is no such document; or, where there is one that cannot be read, what is wrong with it."""
    unread = library.unread.get((kind, str(name)))
    return unread or [problem(f"unknown-{kind}", name.place, None, name=name, **did_you_mean(str(name), known))]


def _form(library: Library, ruleset: RuleSet, problems: list[Problem]) -> Form | None:
    if ruleset.follows is None:
        return None
    form = library.forms.get(str(ruleset.follows))
    if form is None:
        problems += _unknown(library, "form", ruleset.follows, library.forms)
    return form


def _add_layer(found: Namespace, layer: Rules, problems: list[Problem]) -> None:
    source = layer.source
    problems += check_source(layer)
    if layer.in_force is not None:
        first, end = days(layer.in_force.from_, layer.in_force.through)
        found.days = max(found.days[0], first), min(found.days[1], end)
    for name, given in layer.inputs.items():
        if found.claim(name, name.place, problems):
            found.inputs[str(name)] = given
            found.input_places[str(name)] = name.place
    for name, rule in layer.lists.items():
        if str(name) == ROW:  # the axis of what is of no list
            problems.append(problem("name-reserved", name.place, None, text=name))
        elif found.claim(name, name.place, problems):
            found.lists[str(name)] = rule
            for own, given in rule.inputs.items():
                found.inputs[f"{name}.{own}"] = given
                found.input_places[f"{name}.{own}"] = own.place
    for name, value in layer.values.items():
        if found.claim(name, name.place, problems):
            more = _collect(found.constants, str(name), lambda v=value, n=name: value_source(n, v, source))
            found.broken |= {str(name)} if more else set()
            problems += more
    for name, table in layer.tables.items():
        if found.claim(name, name.place, problems):
            more = _collect(found.tables, str(name), lambda t=table, n=name: table_source(n, t, source))
            found.broken |= {str(name)} if more else set()
            problems += more
    for name, bands in layer.bands.items():
        if found.claim(name, name.place, problems):
            problems += _collect(found.bands, str(name), lambda b=bands, n=name: band_source(n, b, source))
    for name, check in layer.checks.items():
        found.checks.append(TableCheck(str(name), check, "", name.place, found.first_day))
    for name, node in layer.quantities.items():
        if found.claim(name, name.place, problems):
            into = found.measured if _has_kind(node) else found.quantities
            problems += _collect(into, str(name), lambda node=node, n=name: read_quantity(n, node))
            found.quantity_sources[str(name)] = layer.source
    profiled: list[tuple[Text, ScoreRule | SegmentRule, QuantityKind]] = [
        *((name, score, SCORE) for name, score in layer.scores.items()),
        *((name, segment, SEGMENT) for name, segment in layer.segments.items()),
    ]
    for name, rule_, kind_ in profiled:
        if found.claim(name, name.place, problems):
            found.measured[str(name)] = rule_, kind_
            found.quantity_sources[str(name)] = rule_.source or layer.source
    for name, refusal in layer.refuse.items():
        if str(name) in found.refuse:
            problems.append(problem("name-twice", name.place, found.refuse[str(name)].place, name=name))
        found.refuse[str(name)] = refusal
    for name, node in layer.charges.items():
        _charge(found, layer, name, node, problems)
    for name, warning in layer.warnings.items():
        if str(name) in found.warnings:
            problems.append(problem("name-twice", name.place, found.warnings[str(name)].place, name=name))
        found.warnings[str(name)] = warning
    for kind, theirs in (("events", layer.events), ("triggers", layer.triggers)):
        known = {str(one): one.place for one in getattr(found, kind)}
        twice = [name for name in theirs if str(name) in known]
        problems += [problem("name-twice", name.place, known[str(name)], name=name) for name in twice]
    found.events.update(layer.events)
    found.triggers.update({name: (node, source) for name, node in layer.triggers.items()})
    if layer.energy is not None:
        if found.energy is not None:
            problems.append(problem("energy-twice", layer.energy.place, found.energy.place))
        found.energy = layer.energy
    if layer.calendar is not None:
        if not isinstance(layer.calendar, Map):
            problems.append(wrong_shape(layer.calendar, KEYS_WITH_VALUES))
        else:
            found.calendar = _with_calendar(found.calendar, layer.calendar, problems)


def _with_calendar(known: Map | None, more: Map, problems: list[Problem]) -> Map:
    """Calendars of several files as one: each key once, but for lists of holidays, which are named apart.

    So the holidays of a year are entered in one shared file, and each province has its own hours.
    """
    if known is None:
        return more
    joined = Map(more.place)
    joined.update(known)
    places = {str(key): key for key in known}
    for key, value in more.items():
        before = places.get(str(key))
        if before is None:
            joined[key] = value
            continue
        lists = known[before]
        if str(key) != "holidays" or not isinstance(lists, Map) or not isinstance(value, Map):
            problems.append(problem("calendar-twice", key.place, before.place, key=key))
            continue
        named = {str(name): name for name in lists}
        for name in value:
            if str(name) in named:
                problems.append(problem("name-twice", name.place, named[str(name)].place, name=name))
        both = Map(lists.place)
        both.update(lists)
        both.update({name: days for name, days in value.items() if str(name) not in named})
        joined[before] = both
    return joined


def _first_day(ruleset: RuleSet) -> int:
    return FIRST_DAY if ruleset.in_force is None else days(ruleset.in_force.from_, None)[0]


def _collect(into: dict, name: str, make) -> list[Problem]:  # type: ignore[no-untyped-def,type-arg]  # one shape for every dictionary of a namespace
    try:
        into[name] = make()
    except ProblemsFound as found:
        return list(found.problems)
    return []


def _has_kind(node: object) -> bool:
    return isinstance(node, Map) and any(str(key) == "kind" for key in node)


def read_quantity(name: Text, node: object) -> Quantity | tuple[QuantityModel, QuantityKind]:
    """Read a quantity: a formula, or a kind with its model.

    Raises:
        ProblemsFound: it is neither.
    """
    if isinstance(node, Map) and _has_kind(node):
        written = next(value for key, value in node.items() if str(key) == "kind")
        kind = quantity_kinds().get(str(written))
        if kind is None:
            place = written.place if isinstance(written, Text) else name.place
            near, known = did_you_mean(str(written), quantity_kinds()), ", ".join(quantity_kinds())
            raise ProblemsFound([problem("unknown-quantity-kind", place, None, kind=written, known=known, **near)])
        model = read(kind.model, node, f"{written} quantity")
        assert isinstance(model, QuantityModel)
        return model, kind
    if isinstance(node, Text):
        as_map = Map(node.place)
        as_map[Text("formula", node.place)] = node
        node = as_map
    if not isinstance(node, Map):
        raise ProblemsFound([wrong_shape(node, ONE_VALUE, KEYS_WITH_VALUES)])
    return read(Quantity, node, "quantity")


def _charge(found: Namespace, layer: Rules, name: Text, node: object, problems: list[Problem]) -> None:
    if not isinstance(node, Map):
        found.claim(name, name.place, problems)
        problems.append(wrong_shape(node, KEYS_WITH_VALUES))
        return
    written = next((value for key, value in node.items() if str(key) == "kind"), None)
    kind_name = str(written) if isinstance(written, Text) else "flat"
    kind = kinds().get(kind_name)
    if kind is None:
        found.claim(name, name.place, problems)
        problems.append(
            problem(
                "unknown-kind",
                written.place if isinstance(written, Text) else name.place,
                None,
                kind=kind_name,
                known=", ".join(kinds()),
                **did_you_mean(kind_name, kinds()),
            )
        )
        return
    try:
        model = read(kind.model, node, f"a {kind_name} charge")
    except ProblemsFound as bad:
        found.claim(name, name.place, problems)
        # a key that the charge lacks is told at the charge's name
        problems += [replace(one, place=name.place) if one.place == node.place else one for one in bad.problems]
        return
    if str(name) == "total":  # of a bill: what tests and messages call its sum
        problems.append(problem("name-reserved", name.place, None, text=name))
        return
    if model.replaces is not None:
        _replace(found, name, model, problems)
    if not found.claim(name, name.place, problems):
        return
    found.charges[str(name)] = (model, kind)
    found.charge_sources[str(name)] = model.source or layer.source


def _applies(ruleset: RuleSet, notices: Sequence[Notice]) -> list[Problem]:
    """Notices that apply to the day of reading want rule sets that pick their version by it."""
    by_reading = ruleset.version_by == "reading_day"
    differing = [notice for notice in notices if (notice.applies_to == "reading") != by_reading]
    place, version_by = ruleset.place_of("version_by"), ruleset.version_by
    return [
        problem(
            "applies-to-differs",
            place,
            notice.place_of("applies_to"),
            applies_to=notice.applies_to.replace("_", " "),
            version_by=version_by,
        )
        for notice in differing[:1]
    ]


def _replace(found: Namespace, name: Text, model: ChargeModel, problems: list[Problem]) -> None:
    """Take a charge of the form out, for one of the rule set's own; there is no other overriding."""
    replaced = str(model.replaces)
    assert model.replaces is not None
    place = model.replaces.place
    if model.reason is None:
        problems.append(problem("replaces-reason", place, name=name))
    if replaced not in found.charges:
        near, known = did_you_mean(replaced, found.charges), ", ".join(found.charges)
        problems.append(problem("replaces-unknown", place, None, name=replaced, known=known or "-", **near))
        return
    del found.charges[replaced], found.charge_sources[replaced], found.names[replaced]


def _fill(found: Assembled, library: Library, form: Form | None, problems: list[Problem]) -> None:
    """Holes of the form, and the rule set's own notice series and settings."""
    fills = found.ruleset.fills
    holes = {str(hole) for hole in form.holes} if form is not None else set()
    for hole in form.holes if form is not None else []:
        filled = str(hole) in {str(name) for name in fills} or (str(hole) == "calendar" and found.calendar is not None)
        if not filled:
            place = found.ruleset.place_of("fills" if fills else "follows")
            problems.append(problem("hole-not-filled", place, hole.place, hole=hole))
    for name, text in fills.items():
        if form is not None and str(name) not in holes:
            near, known = did_you_mean(name, holes - {str(one) for one in fills}), ", ".join(sorted(holes))
            problems.append(problem("unknown-hole", name.place, None, name=name, known=known or "-", **near))
            continue
        if not found.claim(name, name.place, problems):
            continue
        unread = library.unread.get(("series", str(text)))
        if unread:
            problems += unread
        elif str(text) in library.notices:
            found.series[str(name)] = str(text)
            problems += _applies(found.ruleset, library.notices[str(text)])
            try:
                constants, tables, checks = notice_sources(str(name), library.notices[str(text)])
            except ProblemsFound as bad:
                problems += bad.problems
                continue
            found.constants.update(constants)
            found.tables.update(tables)
            found.checks += checks
            for notice in library.notices[str(text)]:
                found.files |= {notice.place.file, *table_files(notice)}
        elif "." in str(text) and "[" not in text and not str(text).replace(".", "", 1).replace("-", "", 1).isdigit():
            problems += _unknown(library, "series", text, library.notices)
        else:
            found.settings[str(name)] = text
