"""`dianjia publish`, `approve`, `activate`, `withdraw`, `versions`, `history`, `uses`: versions of the rate book.

Each asks a desk, which is a database or a server, shows what came of it, and who must do what next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import click

from engine.bulk.problems import FileProblem
from engine.commands import version_words as words
from engine.commands.output import (
    Language,
    complain,
    emit,
    failure,
    file_failure,
    not_installed,
    problems_json,
    show_problems,
)
from engine.commands.rates import rule_paths
from engine.commands.version_desk import Desk, Unreachable, Version, Where, desk, whole_version
from engine.comparison.problems import ComparisonProblem
from engine.language.problems import Place, Problem, ProblemsFound
from engine.registry.audit import NO_HASH, AuditEntry, hash_of
from engine.registry.content import read_folder
from engine.service.instants import read_instant


@dataclass(frozen=True, slots=True)
class Asked:
    """What every command is told.

    Attributes:
        where: which desk is asked.
        format_: text or json.
        language: of what is shown.
        request_id: of a step; "": one is made up. Repeated with the same one, a step gives its first answer.
    """

    where: Where
    format_: str
    language: Language
    request_id: str = ""

    @property
    def request(self) -> str:
        """The id of this step."""
        return self.request_id or str(uuid4())


def publish(asked: Asked, folder: Path | None, why: str) -> None:
    """Publish a folder; show what it changes against the version that is active."""
    (root,) = rule_paths([] if folder is None else [folder])
    with _desk(asked, root) as at:
        files = read_folder(root)
        first = at.active() is None
        done = at.publish(files, why, asked.request)
        _show(asked, done, lambda done: words.published(done, files, first, asked.language))


def approve(asked: Asked, typed: str, why: str) -> None:
    """Approve a version."""
    with _desk(asked) as at:
        done = at.approve(whole_version(at, typed), why, asked.request)
        _show(asked, done, lambda done: words.approved(done, asked.language))


def activate(asked: Asked, typed: str, from_: str, why: str, comparison: Path | None = None) -> None:
    """Activate a version from an instant, or now."""
    with _desk(asked) as at:
        instant = read_instant(from_) if from_ else None
        done = at.activate(whole_version(at, typed), instant, why, asked.request, comparison)
        _show(asked, done, lambda done: words.activated(done, asked.language))


def withdraw(asked: Asked, typed: str, reason: str, return_to: str) -> None:
    """Withdraw a version and name the one that answers in its place."""
    with _desk(asked) as at:
        done = at.withdraw(whole_version(at, typed), reason, whole_version(at, return_to), asked.request)
        _show(asked, done, lambda done: words.withdrawn(done, asked.language))


def versions(asked: Asked) -> None:
    """Show every version, newest first."""
    with _desk(asked) as at:
        found = list(at.versions())
    if asked.format_ == "json":
        emit([words.version_json(one) for one in found])
    elif found:
        click.echo(words.versions_table(found, asked.language))
    else:
        complain("还没有发布任何版本" if asked.language == "zh" else "no version is published yet")


def history(asked: Asked, typed: str, verify: bool) -> None:
    """Show the audit trail, of a version or of all; exit 1 where its chain of hashes does not hold."""
    with _desk(asked) as at:
        version = whole_version(at, typed) if typed else ""
        found = at.history(version)
        every = found if not version else at.history("") if verify else None
    broken = None if found.chain_holds else 0
    if verify and every is not None:
        broken = broken_at(every.entries, broken)
    if asked.format_ == "json":
        emit({"chain_holds": broken is None, "entries": [words.entry_json(one) for one in found.entries]})
    elif found.entries:
        click.echo(words.history_table(found.entries, asked.language))
    if verify and every is not None and broken is None and asked.format_ != "json":
        last = every.entries[-1].hash if every.entries else NO_HASH
        click.echo(words.verified(len(every.entries), last, None, asked.language))
    if broken is not None:
        complain(words.verified(0, "", broken, asked.language))
        raise SystemExit(1)


def broken_at(entries: Sequence[AuditEntry], otherwise: int | None = None) -> int | None:
    """Give the number of the first row of a whole trail that was changed, or does not follow the one before.

    What keeps the trail is not asked: the hashes are computed here.
    """
    before = NO_HASH
    for number, entry in enumerate(entries, start=1):
        if (entry.number, entry.previous_hash, entry.hash) != (number, before, hash_of(entry)):
            return number
        before = entry.hash
    return otherwise


def uses(asked: Asked, typed: str) -> None:
    """Show what a version billed, by run and billing month."""
    with _desk(asked) as at:
        found = list(at.uses(whole_version(at, typed)))
    if asked.format_ == "json":
        emit([words.use_json(one) for one in found])
    elif found:
        click.echo(words.uses_table(found, asked.language))
    else:
        complain("该版本还没有计费" if asked.language == "zh" else "the version has billed nothing yet")


def _show(asked: Asked, done: Version, text: Callable[[Version], str]) -> None:
    if asked.format_ == "json":
        emit(words.version_json(done))
    else:
        click.echo(text(done))


@contextmanager
def _desk(asked: Asked, folder: Path | None = None) -> Iterator[Desk]:
    """Open a desk; say what is wrong, and end the command, where it refuses.

    Problems of the files of `folder` are shown with their lines.
    """
    try:
        at = desk(asked.where)
    except ModuleNotFoundError as missing:
        raise not_installed(missing, "service" if asked.where.server else "postgresql") from None
    except (ValueError, OSError) as wrong:
        raise failure(f"dianjia: {wrong}", f"dianjia: {wrong}", 2) from None
    try:
        yield at
    except ProblemsFound as found:
        problems = [_in_folder(one, folder) for one in found.problems]
        if asked.format_ == "json":
            emit({"problems": problems_json(problems)})
        else:
            show_problems(problems, asked.language)
        raise SystemExit(1) from None
    except FileProblem as found:
        raise file_failure(found, asked.language) from None
    except ComparisonProblem as found:
        complain(found.render(asked.language))
        raise SystemExit(1) from None
    except Unreachable as found:
        raise failure(f"dianjia: {found}", f"dianjia: {found}") from None
    finally:
        at.close()


def _in_folder(found: Problem, folder: Path | None) -> Problem:
    """Name the files of a rate book as they are found from here."""

    def from_here(place: Place | None) -> Place | None:
        return None if place is None or folder is None else replace(place, file=str(folder / place.file))

    return replace(found, place=from_here(found.place), other=from_here(found.other))
