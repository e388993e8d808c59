"""The sender of webhooks: every wanted warning is told to every endpoint, at least once, in the order of the cursor.

For a server:

    sender = start(read_endpoints(settings.webhooks, os.environ), Database(url))   # returns at once; a thread each
    ...
    sender.stop(settings.grace_seconds)

`read_endpoints` raises ProblemsFound with codes of STARTING. Every process of a server may start one: an endpoint is
told by one sender at a time, and by another when that one dies. The database is the caller's to close, after `stop`.

A warning that is not taken is tried again, each time after twice as long, and put aside as a dead letter after
`Endpoint.tries`; others go on meanwhile. Where an endpoint does not answer at all, or says that it is busy, all of its
warnings wait. Times are arguments but in `Sender`, which reads the clock that it is given.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.compiler.trigger import MICROSECONDS
from engine.language.problems import ProblemsFound
from engine.registry.database import Database
from engine.warnings import kept
from engine.warnings.warning import Wanted, WarningRecord
from engine.warnings.webhook_endpoints import Endpoint
from engine.warnings.webhook_post import Answer, Http, Poster, message
from engine.warnings.webhook_store import WAIT_MAX_US, Deliveries, Message, Progress, Settled

LOG: Final = logging.getLogger("dianjia.webhooks")
AT_ONCE: Final = 50  # warnings that are settled together: a sender that dies repeats as many at most
WAITING_MAX: Final = 100  # of an endpoint; while so many wait for another attempt, no new ones are sent
FIRST_PAUSE_US: Final = MICROSECONDS
LONGEST_PAUSE_US: Final = 3600 * MICROSECONDS
LOOK_SECONDS: Final = 1.0  # between two looks for new warnings
OWNED_SECONDS: Final = 60.0  # that an endpoint stays a sender's without a sign of it
SEED: Final = "dianjia"


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one turn at an endpoint.

    Attributes:
        taken: warnings that it took.
        failed: attempts that failed.
        dead: of them, warnings that were put aside.
        more: there is more to be sent at once.
        next_at: when something is to be tried again [us]; 0: nothing waits.
        reason: why the last attempt failed.
        elsewhere: another sender has the endpoint.
    """

    endpoint: str
    taken: int = 0
    failed: int = 0
    dead: int = 0
    more: bool = False
    next_at: int = 0
    reason: str = ""
    elsewhere: bool = False


def pause_us(failures: int, key: str, seed: str = SEED) -> int:
    """How long to wait after so many failures [us]: 1 s, 2 s, 4 s ... an hour, of which a drawn part of half at most
    is left out, so that what failed together does not come again together. The same key draws the same.

    >>> [round(pause_us(failures, "gateway") / 1e6, 1) for failures in (1, 2, 3, 30)]
    [0.6, 1.5, 4.0, 3135.6]
    """
    whole = min(FIRST_PAUSE_US << min(failures - 1, 40), LONGEST_PAUSE_US)
    drawn = random.Random(f"{seed}/{key}/{failures}").randrange(whole // 2 + 1)
    return whole - drawn


class Courier:
    """Tells one endpoint. One thread at a time calls it."""

    def __init__(
        self,
        endpoint: Endpoint,
        deliveries: Deliveries,
        clock: Callable[[], int],
        poster: Poster,
        owner: str,
        seed: str = SEED,
    ) -> None:
        self.endpoint = endpoint
        self._deliveries, self._clock, self._poster = deliveries, clock, poster
        self._owner, self._seed = owner, seed
        self._owned_us = round(max(OWNED_SECONDS, 3 * endpoint.timeout_seconds) * MICROSECONDS)
        self._wanted = Wanted(
            regions=endpoint.regions, levels=endpoint.levels, recipients=endpoint.recipients, kinds=endpoint.kinds
        )
        self._entered = False

    def round(self, ended: Callable[[], bool] = lambda: False) -> Round:
        """Send what is due and what is new, some of it, and write down what came of it.

        Args:
            ended: whether to stop before the next attempt.

        Raises:
            ProblemsFound: `registry-unavailable`.
        """
        endpoint, at = self.endpoint, self._clock()
        progress = self._taken(at)
        if progress is None:
            return Round(endpoint.name, elsewhere=True)
        if at < progress.paused_until <= at + WAIT_MAX_US:
            return Round(endpoint.name, next_at=progress.paused_until, reason=progress.reason)
        head = self._newest()
        due = self._deliveries.due(endpoint.name, at, AT_ONCE)
        limit = AT_ONCE - len(due) if progress.waiting < WAITING_MAX else 0
        fresh = self._kept(progress.cursor, limit) if limit else []
        settled, attempts = self._tell(progress, due, fresh, ended)
        whole = attempts == len(due) + len(fresh)
        if whole and limit and len(fresh) < limit:
            # Others than the wanted ones lie behind the last of these: they need not be looked at again.
            settled = replace(settled, cursor=max(settled.cursor, head))
        changed = attempts or settled.cursor != progress.cursor
        if changed and not self._deliveries.settle(endpoint.name, self._owner, self._clock(), settled):
            return Round(endpoint.name, elsewhere=True)
        dead = [one for one in settled.failed if one.state == "dead"]
        for one in dead:
            LOG.error("%s: the warning %s is a dead letter now: %s", endpoint.name, one.warning, one.reason)
        return Round(
            endpoint.name,
            taken=len(settled.taken),
            failed=len(settled.failed),
            dead=len(dead),
            more=not settled.paused_until and (not whole or len(due) == AT_ONCE or (limit > 0 and len(fresh) == limit)),
            next_at=settled.paused_until or self._deliveries.next_at(endpoint.name),
            reason=settled.reason,
        )

    def enter(self) -> None:
        """Enter the endpoint, if it is new, where it begins.

        Raises:
            ProblemsFound: `registry-unavailable`.
        """
        self._taken(self._clock())

    def leave(self) -> None:
        """Let another sender take the endpoint."""
        self._deliveries.release(self.endpoint.name, self._owner)
        self._poster.close()

    def _taken(self, at: int) -> Progress | None:
        """Take the endpoint for a while; None: another sender has it, and lives."""
        name, until = self.endpoint.name, at + self._owned_us
        found = self._deliveries.take(name, self._owner, at, until, self._begins())
        self._entered = True
        if found is None and _is_gone(owner := self._deliveries.owner(name)):
            self._deliveries.release(name, owner)
            found = self._deliveries.take(name, self._owner, at, until, 0)
        return found

    def _begins(self) -> int:
        """The cursor of an endpoint that was never told of anything."""
        return 0 if self._entered or self.endpoint.begins == "beginning" else self._newest()

    def _newest(self) -> int:
        with self._deliveries.database.reading() as connection:
            found = kept.before(connection, 0, 1, Wanted())
        return found[0].seq if found else 0

    def _kept(self, cursor: int, limit: int) -> list[WarningRecord]:
        with self._deliveries.database.reading() as connection:
            return kept.after(connection, cursor, limit, self._wanted)

    def _tell(
        self, progress: Progress, due: Sequence[Message], fresh: Sequence[WarningRecord], ended: Callable[[], bool]
    ) -> tuple[Settled, int]:
        """Make attempts until all are made, the endpoint is down, or it is time to settle; gives how many were made."""
        cursor, failures, paused, reason = progress.cursor, progress.failures, 0, progress.reason
        taken: list[str] = []
        failed: list[Message] = []
        attempts, began = 0, self._clock()
        for one in (*due, *(self._new(one) for one in fresh)):
            if ended() or self._clock() - began > self._owned_us // 3:
                break
            answer = self._attempt(one)
            attempts += 1
            cursor = max(cursor, one.seq)
            at = self._clock()
            if answer.taken:
                taken.append(one.warning)
                failures, reason = 0, ""
                continue
            reason = answer.reason
            if answer.down:
                failures += 1
                wait = pause_us(failures, self.endpoint.name, self._seed)
                paused = at + max(wait, round(answer.wait_seconds * MICROSECONDS))
            failed.append(self._again(one, answer, at, paused))
            if answer.down:
                break
        return Settled(cursor, taken, failed, failures, paused, reason), attempts

    def _attempt(self, one: Message) -> Answer:
        return self._poster.post(one.warning, one.body.encode(), self._clock() // MICROSECONDS, one.tries + 1)

    def _new(self, warning: WarningRecord) -> Message:
        told = warning.to_json()
        del told["acknowledged"]  # it may change between two attempts, and each sends the same
        body = message(told).decode()
        return Message(self.endpoint.name, warning.id, warning.seq, "waiting", 0, 0, 0, 0, 0, "", body)

    def _again(self, one: Message, answer: Answer, at: int, paused_until: int) -> Message:
        """A warning that was not taken, as it waits for its next attempt, or waits no more."""
        tries = one.tries + 1
        wait = pause_us(tries, f"{one.endpoint}/{one.warning}", self._seed)
        # Where the whole endpoint waits, this one is the first to go when it goes on.
        next_at = paused_until or at + max(wait, round(answer.wait_seconds * MICROSECONDS))
        dead = tries >= self.endpoint.tries
        return replace(
            one,
            state="dead" if dead else "waiting",
            tries=tries,
            first_at=one.first_at or at,
            last_at=at,
            next_at=at if dead else next_at,
            status=answer.status,
            reason=answer.reason,
        )


def _is_gone(owner: str) -> bool:
    """Whether a sender was a process of this machine that is there no more. Of one elsewhere nobody knows that."""
    host, _, rest = owner.partition(":")
    number = rest.partition(":")[0]
    if host != socket.gethostname() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


class Sender:
    """Tells several endpoints, each in a thread of its own, so that a slow one holds up no other."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        database: Database,
        *,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
        poster: Callable[[Endpoint], Poster] = Http,
        seed: str = SEED,
    ) -> None:
        """Begin nothing yet.

        Args:
            endpoints: `engine.warnings.webhook_endpoints.read_endpoints`.
            database: of the registry.
            clock: gives the time [us since 1970].
            poster: makes what messages go by.
            seed: of the drawn parts of pauses.
        """
        owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        deliveries = Deliveries(database)
        self._couriers = [Courier(one, deliveries, clock, poster(one), owner, seed) for one in endpoints]
        self._clock = clock
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._follow, args=(one,), name=f"webhook {one.endpoint.name}", daemon=True)
            for one in self._couriers
        ]

    def start(self) -> None:
        """Begin to send, and to look for new warnings: a new endpoint is told of all that is kept from now on."""
        for courier in self._couriers:
            try:
                courier.enter()
            except ProblemsFound as found:
                LOG.error("%s is told nothing yet: %s", courier.endpoint.name, found)
        for one in self._threads:
            one.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Send no more; attempts under way have so long to end, and are made again by the next sender where not."""
        self._ended.set()
        until = time.monotonic() + seconds
        for one in self._threads:
            if one.ident is not None:
                one.join(max(0.0, until - time.monotonic()))

    def once(self) -> list[Round]:
        """Send all that is due now, to one endpoint after another; gives what came of it, one for each.

        Raises:
            ProblemsFound: `registry-unavailable`.
        """
        found = []
        for courier in self._couriers:
            done = Round(courier.endpoint.name, more=True)
            try:
                while done.more and not self._ended.is_set():
                    one = courier.round(self._ended.is_set)
                    done = replace(
                        one,
                        taken=done.taken + one.taken,
                        failed=done.failed + one.failed,
                        dead=done.dead + one.dead,
                    )
            finally:
                courier.leave()
            found.append(done)
        return found

    def _follow(self, courier: Courier) -> None:
        name, well = courier.endpoint.name, True
        while not self._ended.is_set():
            wait = LOOK_SECONDS
            try:
                done = courier.round(self._ended.is_set)
                if done.failed and well:
                    LOG.warning("%s does not take warnings: %s", name, done.reason)
                elif done.taken and not done.failed and not well:
                    LOG.info("%s takes warnings again", name)
                well = not done.failed if done.failed or done.taken else well
                wait = 0.0 if done.more else LOOK_SECONDS
            except ProblemsFound as found:
                if well:
                    LOG.error("%s is told nothing: %s", name, found)
                well = False
            except Exception:  # whatever it is, other endpoints go on, and the next look may find it gone
                LOG.exception("%s is told nothing", name)
                wait = 10 * LOOK_SECONDS
            self._ended.wait(wait)
        try:
            courier.leave()
        except ProblemsFound as found:
            LOG.error("%s stays this sender's for a while: %s", name, found)


def start(endpoints: Sequence[Endpoint], database: Database) -> Sender:
    """Begin to tell endpoints of warnings; gives what `stop` ends.

    Args:
        endpoints: `engine.warnings.webhook_endpoints.read_endpoints`.
        database: of the registry; open until after `stop`.
    """
    sender = Sender(endpoints, database)
    sender.start()
    return sender
