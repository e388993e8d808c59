"""What the commands of `dianjia warnings` share: the database, the desk, the triggers, times as they are typed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine.calendars.local import zoned_text
from engine.commands.output import Language, failure, show_problems
from engine.commands.rates import compiled_book, known_book
from engine.compiler.trigger import Watch
from engine.language.problems import ProblemsFound
from engine.registry.database import Database
from engine.registry.instants import microseconds, now
from engine.registry.where import registry_url
from engine.triggers.events import time_of
from engine.warnings.correlator import Correlator
from engine.warnings.desk import Desk
from engine.warnings.warning import WarningRecord

ZONE: Final = "Asia/Shanghai"  # of times that belong to no trigger that is known


def now_us() -> int:
    """The present [us since 1970]."""
    return microseconds(now())


@contextmanager
def open_database(url: str, language: Language) -> Iterator[Database]:
    """The database at a URL, "": this user's; problems found inside end the command."""
    try:
        database = Database(registry_url(url) or url)
    except ValueError as error:
        raise failure(f"dianjia: {error}", f"dianjia: {error}", 2) from None
    try:
        yield database
    except ProblemsFound as found:
        show_problems(found.problems, language)
        raise SystemExit(1) from None
    finally:
        database.close()


@contextmanager
def open_desk(
    url: str, language: Language, watch: Watch | None = None, correlator: Correlator | None = None
) -> Iterator[Desk]:
    """The desk of a database; without triggers it can be looked at, and takes no events."""
    with open_database(url, language) as database:
        desk = Desk(database, Watch() if watch is None else watch, correlator)
        try:
            yield desk
        finally:
            desk.close()


def watched(rules: Sequence[Path], language: Language) -> Watch:
    """The triggers of a folder of rules; one without any ends the command."""
    watch = compiled_book(rules, language).watch
    if not watch.triggers:
        raise failure(
            "dianjia: the rules have no triggers, so that no event would bring a warning. docs/warnings.md",
            "dianjia: 规则中没有触发器，任何事件都不会产生预警。见 docs/warnings.md",
            2,
        )
    return watch


def typed_time(written: str, option: str) -> int:
    """Read a time as it is typed [us]; 0: "". What is none ends the command."""
    at = time_of(written) if written else 0
    if at is None:
        raise failure(
            f"dianjia: {option} is `{written}`, which is no time with a zone. Write 2026-01-31T00:00:00+08:00.",
            f"dianjia: {option} 为 `{written}`，不是带时区的时间。请写 2026-01-31T00:00:00+08:00。",
            2,
        )
    return at


def shown_time(at: int, zone: str = ZONE) -> str:
    """A time as a person reads it: local, with how far that is from UTC; "": none."""
    return zoned_text(at, zone) if at else ""


def zones_of(rules: Sequence[Path], warnings: Iterable[WarningRecord] | None = None) -> Mapping[str, str]:
    """The timezones of triggers, by id, as far as the rules are at hand.

    Args:
        rules: as they were named.
        warnings: that are shown; where none of them has a trigger the rules are not read. None: not known yet.
    """
    if warnings is not None and not any(one.trigger for one in warnings):
        return {}
    return {one.id: one.timezone for one in known_book(rules).watch.triggers.values()}


def zone_of(watch: Watch) -> str:
    """The timezone of all triggers, where they have one."""
    zones = {one.timezone for one in watch.triggers.values()}
    return zones.pop() if len(zones) == 1 else ZONE
