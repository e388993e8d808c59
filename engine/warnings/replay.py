"""A fresh run over the log: whether it brings the warnings that are kept, and memory made anew from it.

The run has a database of its own, a file that goes away, so that it needs no more memory of the process than the desk
does, however many accounts there are.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, select

from engine.compiler.trigger import Watch
from engine.language.problems import ProblemsFound, problem
from engine.registry.database import Database
from engine.triggers.events import time_text
from engine.triggers.machine import Raised, text_of, values_of
from engine.warnings import kept
from engine.warnings.built_in import BuiltIn
from engine.warnings.store import Transaction, in_pages, looking, recording
from engine.warnings.tables import MEMORY, WARNING
from engine.warnings.warning import NewWarning

NAMED: Final = 100  # differences that are told by their ids


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a fresh run over the log came to, beside what is kept.

    Attributes:
        events: that were processed.
        warnings: that the fresh run brought, of the times compared.
        kept: warnings of the present triggers that the desk keeps, of the times compared.
        missing: ids that the fresh run brought and the desk does not keep, the first of them.
        unexpected: ids that the desk keeps and the fresh run did not bring, the first of them.
        different: ids of warnings that both have, with other values or another region, the first of them.
        missing_count: how many there are.
        unexpected_count: likewise.
        different_count: likewise.
        since: from when warnings were compared [us].
        rebuilt: whether the memory of accounts was written anew from it.
    """

    events: int
    warnings: int
    kept: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    different: tuple[str, ...]
    missing_count: int
    unexpected_count: int
    different_count: int
    since: int
    rebuilt: bool

    @property
    def equal(self) -> bool:
        """Whether the fresh run brought exactly the warnings that are kept."""
        return not self.missing_count and not self.unexpected_count and not self.different_count


def replay(database: Database, watch: Watch, since: int, rebuild: bool) -> Replayed:
    """Run afresh over the log and compare.

    Args:
        database: whose log it is.
        watch: the triggers.
        since: compare warnings with at >= since [us]; of a log that lacks its beginning, later ones alone can be.
        rebuild: write the memory of accounts anew from the fresh run.

    Raises:
        ProblemsFound: `log-too-short`: memory cannot be made anew, as the log lacks its beginning.
    """
    with tempfile.TemporaryDirectory(prefix="dianjia-replay-") as folder:
        scratch = Database(f"sqlite:///{Path(folder) / 'replay.sqlite'}")
        try:
            with (recording if rebuild else looking)(database, watch) as ours, recording(scratch, watch) as fresh:
                return _replay(ours, fresh, watch, since, rebuild)
        finally:
            scratch.close()


def _replay(ours: Transaction, fresh: Transaction, watch: Watch, since: int, rebuild: bool) -> Replayed:
    log_from, watermark = ours.state.log_from, ours.state.watermark
    if log_from:
        if rebuild:
            raise ProblemsFound([problem("log-too-short", None, None, value=time_text(log_from))])
        since = max(since, log_from + max((one.horizon for one in watch.triggers.values()), default=0))
    correlator = BuiltIn(watch)
    events = 0
    for page, until in in_pages(ours.events(0, watermark), watermark):
        raised = correlator.process(fresh, page, until)
        kept.add(fresh.connection, fresh.state, [new_warning(watch, one) for one in raised], 0)
        events += len(page)
    counts = [0, 0]  # of the fresh run, kept
    named: dict[str, list[str]] = {"missing": [], "unexpected": [], "different": []}
    differing = dict.fromkeys(named, 0)
    told = merge(_told(fresh.connection, watch, since, 0), _told(ours.connection, watch, since, 1))
    for id_, found in groupby(told, key=itemgetter(0)):
        both = list(found)
        for _, side, _, _ in both:
            counts[side] += 1
        if len(both) == 1:
            name = ("missing", "unexpected")[both[0][1]]
        elif _same(both[0], both[1], regions=not log_from):
            continue
        else:
            name = "different"
        differing[name] += 1
        named[name] += [id_] if len(named[name]) < NAMED else []
    if rebuild:
        ours.connection.execute(delete(MEMORY))
        for accounts in fresh.every_memory():
            ours.save(accounts)
        ours.state.examined = ""
        ours.state.chunks += 1  # a correlator that holds something of its own takes up anew, in other processes too
    return Replayed(
        events=events,
        warnings=counts[0],
        kept=counts[1],
        missing=tuple(named["missing"]),
        unexpected=tuple(named["unexpected"]),
        different=tuple(named["different"]),
        missing_count=differing["missing"],
        unexpected_count=differing["unexpected"],
        different_count=differing["different"],
        since=since,
        rebuilt=rebuild,
    )


_Told = tuple[str, int, str, str]
"""Id of a warning, side that tells it, region, values as JSON."""


def _told(connection: Connection, watch: Watch, since: int, side: int) -> Iterator[_Told]:
    """Give warnings of the present triggers, sorted by their ids."""
    columns = WARNING.c
    query = select(columns.id, columns.trigger, columns.region, columns["values"])
    query = query.where(columns.kind == "warning", columns.at >= since).order_by(columns.id)
    found = connection.execute(query, execution_options={"yield_per": 5_000})
    return ((id_, side, region, values) for id_, trigger, region, values in found if trigger in watch.triggers)


def _same(fresh: _Told, kept_: _Told, regions: bool) -> bool:
    """Whether two records of a warning tell the same; names that only one of them tells are of another text."""
    if regions and fresh[2] != kept_[2]:
        return False
    if fresh[3] == kept_[3]:
        return True
    one, other = json.loads(fresh[3]), json.loads(kept_[3])
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def new_warning(watch: Watch, raised: Raised) -> NewWarning:
    """Give what is to be kept of what a trigger raised or cleared."""
    trigger = watch.triggers[raised.trigger]
    return NewWarning(
        id=raised.id,
        kind="warning",
        trigger=trigger.id,
        state=raised.state,
        account=raised.account,
        keys=dict(zip(trigger.each, raised.key, strict=True)),
        at=raised.at,
        event=raised.event,
        region=raised.region,
        ruleset=trigger.ruleset,
        level=trigger.level,
        recipient=trigger.recipient,
        title=trigger.title,
        message=text_of(trigger, raised),
        values=values_of(trigger, raised),
        causes=trigger.causes,
        action=trigger.action,
        place=f"{trigger.place.file}:{trigger.place.line}",
        source=trigger.source,
    )
