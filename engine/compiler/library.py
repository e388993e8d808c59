"""Load: folders and files of rules become documents by identifier.

Takes paths; gives a `Library` and the problems found on the way. A document with a problem is left out, the others are
read all the same, so that an analyst sees everything at once. Which files are read is said in `files.py`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.compiler.files import files_of
from engine.language.advice_models import Advice
from engine.language.documents import DOCUMENTS
from engine.language.fields import read
from engine.language.load import load, shown_path
from engine.language.models import Document, Form, Notice, RuleSet, Shared
from engine.language.nodes import Text
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean

_WHICH = re.compile(r"^(notice|series|form|shared|ruleset|advice):[ \t]+[\"']?([\w.-]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Library:
    """Documents by identifier; notices by series, in order of their days."""

    notices: Mapping[str, tuple[Notice, ...]]
    forms: Mapping[str, Form]
    shared: Mapping[str, Shared]
    rulesets: Mapping[str, RuleSet]  # versions of one id by `id@first day`
    hashes: Mapping[str, str]  # file -> SHA-256 of its bytes
    asked: frozenset[str]  # files under the paths that were asked for
    # What keeps a document from being read, by its kind and id; of a notice by `series` and the series' id. Who refers
    # to it is told this, and not that it is not there.
    unread: Mapping[tuple[str, str], tuple[Problem, ...]]
    advice: Mapping[str, Advice]


def load_library(paths: Sequence[Path]) -> tuple[Library, list[Problem]]:
    """Read every document under the paths, and what stands around them in their folder `rules`."""
    asked, around = files_of(paths)
    resolved = {file.resolve() for file in asked}
    problems: list[Problem] = []
    documents: list[Document] = []
    hashes: dict[str, str] = {}
    unread: dict[tuple[str, str], tuple[Problem, ...]] = {}
    for file in [*asked, *around]:
        try:
            document = _dated(read_document(file))
        except ProblemsFound as found:
            if file.resolve() in resolved:
                problems += found.problems
            for name in _names_of(file):
                unread[name] = (*unread.get(name, ()), *found.problems)
            continue
        documents.append(document)
        hashes[document.place.file] = hashlib.sha256(file.read_bytes()).hexdigest()
    library, more = _sort(documents, hashes, frozenset(_name(file) for file in asked), unread)
    return library, problems + more


def _names_of(file: Path) -> list[tuple[str, str]]:
    """Which document a file holds that cannot be read, as far as its lines tell."""
    try:
        text = file.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return []
    found = {match[1]: match[2] for match in _WHICH.finditer(text)}
    if "notice" in found:
        return [("series", found["series"])] if "series" in found else []
    return [(kind, name) for kind, name in found.items() if kind != "series"]


def _dated(document: Document) -> Document:
    """Say of a notice without days that it has none."""
    if isinstance(document, Notice) and document.in_force is None:
        raise ProblemsFound([problem("missing-in-force", document.notice.place, name=document.notice)])
    return document


def _name(file: Path) -> str:
    """The file as places name it."""
    return shown_path(file)


def read_document(file: Path) -> Document:
    """One file: its kind is its first of the keys notice, form, ruleset, shared, advice.

    Raises:
        ProblemsFound: it cannot be read, or a key of it is wrong.
    """
    node = load(file)
    kind = next((str(key) for key in node if str(key) in DOCUMENTS), None)
    if kind is None:
        first = next(iter(node))
        raise ProblemsFound([problem("no-document-kind", first.place, None, **did_you_mean(first, DOCUMENTS))])
    return read(DOCUMENTS[kind], node)


def _begins(notice: Notice) -> date:
    assert notice.in_force is not None
    return notice.in_force.from_


def _sort(
    documents: Sequence[Document],
    hashes: Mapping[str, str],
    asked: frozenset[str],
    unread: Mapping[tuple[str, str], tuple[Problem, ...]],
) -> tuple[Library, list[Problem]]:
    problems: list[Problem] = []
    by_id: dict[tuple[str, str], Document] = {}
    series: dict[str, list[Notice]] = {}
    rulesets: list[RuleSet] = []
    for document in documents:
        kind = type(document).__name__.lower()
        name: Text = getattr(document, kind)
        known = by_id.get((kind, str(name)))
        if isinstance(document, RuleSet):
            same = [one for one in rulesets if str(one.ruleset) == str(name)]
            known = next((one for one in same if _overlap(one, document)), None)
        if known is not None and document.place.file not in asked:
            continue  # what was asked for stands before what lies around it
        if known is not None:
            problems.append(problem("document-twice", name.place, getattr(known, kind).place, kind=kind, name=name))
            continue
        by_id[kind, str(name)] = document
        if isinstance(document, RuleSet):
            rulesets.append(document)
        if isinstance(document, Notice):
            series.setdefault(str(document.series), []).append(document)
    library = Library(
        {name: tuple(sorted(notices, key=_begins)) for name, notices in series.items()},
        {name: d for (kind, name), d in by_id.items() if isinstance(d, Form)},
        {name: d for (kind, name), d in by_id.items() if isinstance(d, Shared)},
        _keyed(rulesets),
        hashes,
        asked,
        unread,
        {name: d for (kind, name), d in by_id.items() if isinstance(d, Advice)},
    )
    return library, problems


def _overlap(one: RuleSet, other: RuleSet) -> bool:
    """Whether two rule sets of one id are in force on one day; one that says nothing of its days is, always."""
    first, second = one.in_force, other.in_force
    if first is None or second is None:
        return True
    ends = [day.through or date.max for day in (first, second)]
    return first.from_ <= ends[1] and second.from_ <= ends[0]


def _keyed(rulesets: Sequence[RuleSet]) -> dict[str, RuleSet]:
    """Rule sets by id; those that are versions of one id by `id@first day`."""
    names = [str(one.ruleset) for one in rulesets]
    return {
        name if names.count(name) == 1 or one.in_force is None else f"{name}@{one.in_force.from_}": one
        for name, one in zip(names, rulesets, strict=True)
    }
