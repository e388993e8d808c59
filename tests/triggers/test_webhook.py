"""The sender of webhooks against a real HTTP server that takes, refuses, is slow, is busy, and dies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from engine.language.problems import ProblemsFound
from engine.registry.database import Database
from engine.warnings.webhook import LONGEST_PAUSE_US, WAITING_MAX, Round, Sender, pause_us, start
from engine.warnings.webhook_endpoints import Endpoint, read_endpoints
from engine.warnings.webhook_post import Answer, Http
from engine.warnings.webhook_signature import read_secret, signature, verify
from engine.warnings.webhook_store import Deliveries
from tests.triggers.gateway import (
    AT,
    SECRET,
    Gateway,
    announce,
    dies,
    empty_database,
    endpoint,
    gateway,
    half,
    slow,
    status,
    warning,
)

SECOND = 1_000_000
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = empty_database(tmp_path / "desk.sqlite")
    yield found
    found.close()


@dataclass
class Clock:
    """A time that stands still until it is moved [us]."""

    now: int = AT

    def __call__(self) -> int:
        return self.now


def sending(database: Database, *endpoints: Endpoint, clock: Clock | None = None) -> Sender:
    return Sender(endpoints, database, clock=clock or Clock())


def once(database: Database, *endpoints: Endpoint, clock: Clock | None = None) -> list[Round]:
    return sending(database, *endpoints, clock=clock).once()


def ids(*numbers: int) -> list[str]:
    return [f"{number:032x}" for number in numbers]


class TestSignature:
    def test_the_published_example(self) -> None:
        """Of the Standard Webhooks specification: whatever verifies it, in any language, verifies ours."""
        made = signature([read_secret(SECRET)], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

        assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_what_a_receiver_takes(self) -> None:
        headers = {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
        body = b'{"test": 2432232314}'

        assert verify(KEY, headers, body, 1614265330 + 300)
        assert not verify(KEY, headers, body, 1614265330 + 301)
        assert not verify(KEY, headers, body, 1614265330 - 301)
        assert not verify(KEY, headers, body + b" ", 1614265330)
        assert not verify(KEY, headers | {"webhook-id": "msg_2"}, body, 1614265330)
        assert not verify(KEY, headers | {"webhook-timestamp": "1614265331"}, body, 1614265330)
        assert not verify(KEY, headers | {"webhook-timestamp": "now"}, body, 1614265330)
        assert not verify(KEY[:-1], headers, body, 1614265330)
        assert not verify(KEY, {}, body, 1614265330)

    @pytest.mark.parametrize("written", ["", "secret", "whsec_", "whsec_c2hvcnQ=", SECRET[6:], f"{SECRET}*"])
    def test_what_is_no_secret(self, written: str) -> None:
        with pytest.raises(ValueError, match="a secret is `whsec_` and base64"):
            read_secret(written)


class TestMessages:
    def test_what_is_sent(self, database: Database) -> None:
        """JSON with a signature over id, timestamp and body, and the warning's id as the idempotency key."""
        announce(database, [warning(1)])
        with gateway() as told:
            (done,) = once(database, endpoint(told))

        ((headers, body),) = told.came
        signed = f"{ids(1)[0]}.{AT // SECOND}.".encode() + body
        wanted = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert (done.taken, done.failed, done.next_at, done.reason) == (1, 0, 0, "")
        assert headers["webhook-id"] == headers["idempotency-key"] == ids(1)[0]
        assert headers["webhook-timestamp"] == "1770000000"
        assert headers["webhook-signature"] == f"v1,{wanted}"
        assert headers["webhook-attempt"] == "1"
        assert headers["content-type"] == "application/json; charset=utf-8"
        assert json.loads(body) == {
            "id": ids(1)[0],
            "cursor": 1,
            "kind": "warning",
            "trigger": "cn.test.usage:rising_use",
            "state": "raised",
            "account": "C1",
            "keys": {"meter": "m1"},
            "at": "2026-02-02T02:40:00Z",
            "event": "e1",
            "region": "cn.jiangsu",
            "ruleset": "cn.test.usage",
            "level": "yellow",
            "recipient": "account_manager",
            "title": "连续三期用电增长",
            "message": "第 100.00 → 133.10 千瓦时",
            "values": {"energy": "133.10"},
            "causes": ["新增设备"],
            "action": "联系客户",
            "place": "usage.ruleset.yaml:12",
            "source": "内部规则",
            "recorded_at": "2026-02-02T02:40:00Z",
        }

    def test_two_secrets_while_one_is_changed(self, database: Database) -> None:
        announce(database, [warning(1)])
        other = b"another secret of thirty-two byte"
        with gateway() as told:
            once(database, Endpoint("gateway", told.url, (KEY, other), begins="beginning"))

        ((headers, body),) = told.came
        assert [verify(key, headers, body, AT // SECOND) for key in (KEY, other)] == [True, True]

    def test_in_the_order_of_the_cursor_and_each_once(self, database: Database) -> None:
        announce(database, [warning(number) for number in range(1, 121)])
        with gateway() as told:
            (first,) = once(database, endpoint(told))
            (second,) = once(database, endpoint(told))

        assert (first.taken, second.taken) == (120, 0)
        assert told.ids == ids(*range(1, 121))

    def test_filters(self, database: Database) -> None:
        """Each endpoint has its own; what they leave out is behind the cursor, too."""
        announce(
            database,
            [
                warning(1, region="cn.jiangsu", level="red"),
                warning(2, region="cn.hubei", level="red", recipient="customer"),
                warning(3, region="cn.jiangsu", level="info"),
                warning(4, kind="tariff_notice", level="info", recipient="customer"),
            ],
        )
        with gateway() as one, gateway() as two, gateway() as three:
            done = once(
                database,
                endpoint(one, "one", regions=("cn.jiangsu",), levels=("red", "amber")),
                endpoint(two, "two", recipients=("customer",)),
                endpoint(three, "three", kinds=("tariff_notice",)),
            )

        assert [one.ids, two.ids, three.ids] == [ids(1), ids(2, 4), ids(4)]
        assert [told.taken for told in done] == [1, 2, 1]
        assert [told.cursor for told in Deliveries(database).progress()] == [4, 4, 4]

    def test_a_new_endpoint_is_not_told_of_the_past(self, database: Database) -> None:
        announce(database, [warning(1)])
        with gateway() as told:
            new = endpoint(told, begins="now")
            once(database, new)
            announce(database, [warning(2)])
            once(database, new)

        assert told.ids == ids(2)


class TestFailures:
    def test_a_warning_that_is_refused_is_tried_again_and_others_go_on(self, database: Database) -> None:
        announce(database, [warning(1), warning(2)])
        clock = Clock()
        with gateway(status(500, "no\x07 room")) as told:
            (first,) = once(database, endpoint(told), clock=clock)
            clock.now = first.next_at - 1
            (early,) = once(database, endpoint(told), clock=clock)
            clock.now = first.next_at
            (second,) = once(database, endpoint(told), clock=clock)

        assert told.ids == ids(1, 2, 1)
        assert [headers["webhook-attempt"] for headers, _ in told.came] == ["1", "1", "2"]
        assert told.came[0][1] == told.came[2][1]
        assert (first.taken, first.failed, early.taken, second.taken) == (1, 1, 0, 1)
        assert AT + SECOND // 2 <= first.next_at <= AT + SECOND
        assert [one.waiting for one in Deliveries(database).progress()] == [0]

    def test_a_busy_endpoint_is_left_alone(self, database: Database) -> None:
        """For as long as it asks: in seconds, or until a date."""
        announce(database, [warning(1), warning(2)])
        clock = Clock()
        with gateway(status(429, Retry_After="120")) as told:
            (busy,) = once(database, endpoint(told), clock=clock)
            clock.now += 119 * SECOND
            (paused,) = once(database, endpoint(told), clock=clock)
            clock.now += SECOND
            (again,) = once(database, endpoint(told), clock=clock)

        assert told.ids == ids(1, 1, 2)
        assert (busy.failed, busy.reason, busy.next_at) == (1, "HTTP 429", AT + 120 * SECOND)
        assert (paused.taken, paused.failed, again.taken) == (0, 0, 2)

    def test_a_date_to_come_back_at(self, database: Database) -> None:
        announce(database, [warning(1)])
        until = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
        with gateway(status(503, Retry_After=until)) as told:
            (busy,) = once(database, endpoint(told))

        assert AT + 7_100 * SECOND < busy.next_at <= AT + 7_200 * SECOND

    @pytest.mark.parametrize("asked", ["soon", "-5", "1e400", "99999999999999999999"])
    def test_what_cannot_be_waited_for(self, database: Database, asked: str) -> None:
        announce(database, [warning(1)])
        with gateway(status(503, Retry_After=asked)) as told:
            (busy,) = once(database, endpoint(told))

        assert AT < busy.next_at <= AT + 86_400 * SECOND

    def test_a_slow_endpoint(self, database: Database) -> None:
        """It has the warning perhaps, and gets it again, under the same id."""
        announce(database, [warning(1)])
        clock = Clock()
        with gateway(slow(0.5)) as told:
            (late,) = once(database, endpoint(told, timeout_seconds=0.1), clock=clock)
            clock.now = late.next_at
            (again,) = once(database, endpoint(told), clock=clock)

        assert (late.taken, late.failed, late.reason) == (0, 1, "no answer in time")
        assert (again.taken, told.ids) == (1, ids(1, 1))

    @pytest.mark.parametrize("reaction", [dies, half])
    def test_an_endpoint_that_dies_in_the_middle(self, database: Database, reaction: Any) -> None:
        announce(database, [warning(1), warning(2)])
        clock = Clock()
        with gateway(reaction) as told:
            (broken,) = once(database, endpoint(told), clock=clock)
            clock.now = broken.next_at
            (again,) = once(database, endpoint(told), clock=clock)

        assert (broken.taken, broken.failed, again.taken) == (0, 1, 2)
        assert broken.reason.startswith("the connection broke")
        assert told.ids == ids(1, 1, 2)

    def test_nobody_listens(self, database: Database) -> None:
        announce(database, [warning(number) for number in range(1, 31)])
        with gateway() as told:
            pass
        clock = Clock()
        (first,) = once(database, endpoint(told), clock=clock)
        clock.now = first.next_at
        (second,) = once(database, endpoint(told), clock=clock)

        assert first.reason == "no connection: nobody listens there, or the name is not known"
        assert (first.failed, second.failed) == (1, 1)
        assert second.next_at - clock.now > SECOND // 2
        assert [one.waiting for one in Deliveries(database).progress()] == [1]

    def test_no_redirect_is_followed(self, database: Database) -> None:
        announce(database, [warning(1)])
        with gateway() as other, gateway(status(307, Location=other.url)) as told:
            (done,) = once(database, endpoint(told))

        assert (done.failed, done.reason) == (1, "HTTP 307, a redirect, which is not followed")
        assert other.came == []

    def test_a_host_that_nobody_vouches_for(self, database: Database) -> None:
        """TLS to a server that speaks none: the warning does not go in plain text."""
        announce(database, [warning(1)])
        with gateway() as told:
            told.url = told.url.replace("http://", "https://")
            (done,) = once(database, endpoint(told))

        assert (done.taken, done.failed, told.came) == (0, 1, [])

    def test_an_endpoint_that_refuses_all_keeps_little_waiting(self, database: Database) -> None:
        announce(database, [warning(number) for number in range(1, 301)])
        with gateway(usual=status(500)) as told:
            (done,) = once(database, endpoint(told))

        assert done.failed == WAITING_MAX
        assert [(one.waiting, one.cursor) for one in Deliveries(database).progress()] == [(WAITING_MAX, WAITING_MAX)]


class TestDeadLetters:
    def test_after_so_many_tries(self, database: Database) -> None:
        announce(database, [warning(1), warning(2)])
        clock = Clock()
        with gateway(usual=refusing(1)) as told:
            mine = endpoint(told, tries=3)
            first, second, third, fourth = _rounds(database, mine, clock, 4)

        (dead,) = Deliveries(database).dead()
        assert [one.dead for one in (first, second, third, fourth)] == [0, 0, 1, 0]
        assert told.ids == ids(1, 2, 1, 1)
        assert (dead.warning, dead.tries, dead.status, dead.reason) == (ids(1)[0], 3, 422, "HTTP 422: bad account")
        assert json.loads(dead.body)["account"] == "C1"

    def test_sent_again(self, database: Database) -> None:
        announce(database, [warning(1), warning(2)])
        clock = Clock()
        deliveries = Deliveries(database)
        with gateway(usual=status(422)) as told:
            once(database, endpoint(told, tries=1), clock=clock)
            told.usual = None
            other = deliveries.retry(clock.now, "another")
            count = deliveries.retry(clock.now, "gateway", ids(2)[0])
            (done,) = once(database, endpoint(told, tries=1), clock=clock)

        assert (other, count, done.taken) == (0, 1, 1)
        assert [one.warning for one in deliveries.dead()] == ids(1)
        assert told.ids == ids(1, 2, 2)

    def test_a_clock_that_was_ahead_holds_up_nothing(self, database: Database) -> None:
        """It went a month ahead, the endpoint was away, a sender elsewhere died; then the clock is right again."""
        announce(database, [warning(1), warning(2)])
        clock = Clock(AT + 30 * 86_400 * SECOND)
        refusals = iter([status(422), status(503, Retry_After="86400")])
        with gateway(usual=lambda *asked: next(refusals)(*asked)) as told:
            once(database, endpoint(told), clock=clock)
            Deliveries(database).take("gateway", "elsewhere:1:ab", clock.now, clock.now + 60 * SECOND, 0)
            clock.now = AT
            told.usual = None
            (done,) = once(database, endpoint(told), clock=clock)

        assert (done.elsewhere, done.taken) == (False, 2)


class TestTogether:
    def test_one_sender_at_a_time(self, database: Database) -> None:
        """Another one waits until the first has ended, or has not been heard of for a while."""
        announce(database, [warning(1)])
        clock = Clock()
        with gateway() as told:
            mine = endpoint(told)
            deliveries = Deliveries(database)
            deliveries.take("gateway", "somebody", AT, AT + 60 * SECOND, 0)
            (waits,) = once(database, mine, clock=clock)
            clock.now += 60 * SECOND
            (takes,) = once(database, mine, clock=clock)

        assert (waits.elsewhere, waits.taken, takes.taken) == (True, 0, 1)

    def test_a_sender_that_lost_its_endpoint_writes_nothing(self, database: Database) -> None:
        """The one that took over says where the endpoint stands; the warning may come twice, under one id."""
        announce(database, [warning(1)])
        clock = Clock()
        deliveries = Deliveries(database)

        class Taken:
            """Somebody else takes the endpoint while the message is on its way."""

            def post(self, *_: Any) -> Answer:
                clock.now += 61 * SECOND
                deliveries.take("gateway", "somebody", clock.now, clock.now + 60 * SECOND, 0)
                return Answer(204)

            def close(self) -> None:
                pass

        mine = Endpoint("gateway", "http://127.0.0.1/", (KEY,), begins="beginning")
        (done,) = Sender([mine], database, clock=clock, poster=lambda _: Taken()).once()

        (stands,) = deliveries.progress()
        assert (done.elsewhere, stands.cursor, stands.owner) == (True, 0, "somebody")

    def test_a_sender_that_is_killed_repeats_what_it_has_not_settled(self, database: Database) -> None:
        """At least once: the receiver knows the repetition by its id."""
        announce(database, [warning(1), warning(2)])
        clock = Clock()

        class Killed(Http):
            """Ends the process after the first message has been taken."""

            def post(self, *asked: Any) -> Answer:
                super().post(*asked)
                raise KeyboardInterrupt

        with gateway() as told:
            with pytest.raises(KeyboardInterrupt):
                Sender([endpoint(told)], database, clock=clock, poster=Killed).once()
            (done,) = once(database, endpoint(told), clock=clock)

        assert (told.ids, done.taken) == (ids(1, 1, 2), 2)

    @pytest.mark.parametrize("seed", range(2))
    def test_nothing_is_lost_however_both_sides_fail(self, database: Database, seed: int) -> None:
        """A gateway that fails every other time, in every way, and a sender that is killed again and again.

        Of 30 warnings each is taken at least once, none is given up, and every repetition is the same message.
        """
        drawn, clock, taken = random.Random(seed), Clock(), set[str]()

        refusals = [status(500), status(429), status(503, Retry_After="90"), dies, half]

        def moody(handler: Any, headers: dict[str, str], body: bytes) -> None:
            react = status(204) if drawn.random() < 0.5 else drawn.choice(refusals)
            if react not in refusals:
                taken.add(headers["webhook-id"])
            react(handler, headers, body)

        class Killed(Exception):
            """The process ends."""

        class Mortal(Http):
            def post(self, *asked: Any) -> Answer:
                if drawn.random() < 0.03:
                    raise Killed
                answer = super().post(*asked)
                if drawn.random() < 0.03:
                    raise Killed
                return answer

        announce(database, [warning(number) for number in range(1, 31)])
        deaths = 0
        with gateway(usual=moody) as told:
            mine = endpoint(told, tries=100)
            while True:
                try:
                    (done,) = Sender([mine], database, clock=clock, poster=Mortal).once()
                except Killed:
                    deaths += 1
                    continue
                clock.now = max(clock.now, done.next_at)
                (stands,) = Deliveries(database).progress()
                if stands.cursor == 30 and not stands.waiting:
                    break

        bodies = {headers["webhook-id"]: body for headers, body in told.came}
        assert taken == set(ids(*range(1, 31)))
        assert all(body == bodies[headers["webhook-id"]] for headers, body in told.came)
        assert (deaths > 0, stands.dead) == (True, 0)

    def test_threads_that_follow(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is kept later is sent without being asked for; a slow endpoint holds up no other."""
        monkeypatch.setattr("engine.warnings.webhook.LOOK_SECONDS", 0.02)
        held = threading.Event()

        def waits(handler: Any, headers: dict[str, str], body: bytes) -> None:
            held.wait(20)
            status(204)(handler, headers, body)

        with gateway(waits) as one, gateway() as two:
            sender = start([endpoint(one, "one", timeout_seconds=30.0), endpoint(two, "two")], database)
            announce(database, [warning(1)])
            _until(lambda: two.ids == ids(1))
            announce(database, [warning(2)])
            _until(lambda: two.ids == ids(1, 2))
            held.set()
            _until(lambda: one.ids == ids(1, 2))
            sender.stop()

        assert [(told.taken, told.owner) for told in Deliveries(database).progress()] == [(2, ""), (2, "")]

    def test_in_postgresql(self, postgresql_url: str) -> None:
        database = Database(postgresql_url)
        clock = Clock()
        try:
            announce(database, [warning(1), warning(2)])
            with gateway(usual=refusing(1)) as told:
                _rounds(database, endpoint(told, tries=2), clock, 2)
                told.usual = None
                count = Deliveries(database).retry(clock.now)
                (done,) = once(database, endpoint(told, tries=2), clock=clock)
        finally:
            database.close()

        assert (told.ids, count, done.taken) == (ids(1, 2, 1, 1), 1, 1)


class TestPauses:
    def test_twice_as_long_each_time_with_a_drawn_part(self) -> None:
        pauses = [pause_us(failures, "gateway/1") for failures in range(1, 16)]

        assert all(SECOND << at >= pause >= (SECOND << at) // 2 for at, pause in enumerate(pauses[:11]))
        assert all(LONGEST_PAUSE_US >= pause >= LONGEST_PAUSE_US // 2 for pause in pauses[12:])
        assert pauses == [pause_us(failures, "gateway/1") for failures in range(1, 16)]
        assert pauses != [pause_us(failures, "gateway/2") for failures in range(1, 16)]


def refusing(*numbers: int) -> Any:
    """Refuse some warnings, and take the others."""

    def react(handler: Any, headers: dict[str, str], body: bytes) -> None:
        found = status(422, "bad account") if headers["webhook-id"] in ids(*numbers) else status(204)
        found(handler, headers, body)

    return react


def _rounds(database: Database, mine: Endpoint, clock: Clock, count: int) -> list[Round]:
    """Send several times, each when the next attempt has come."""
    found = []
    for _ in range(count):
        (done,) = once(database, mine, clock=clock)
        found.append(done)
        clock.now = max(clock.now, done.next_at)
    return found


def _until(holds: Any) -> None:
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to be")


def test_what_is_shown_of_an_endpoint_says_nothing_of_its_secret() -> None:
    told = Gateway(url="https://gateway.example/")

    assert repr(endpoint(told)) == "Endpoint('gateway')"


@pytest.mark.parametrize(
    "written",
    [
        f'url = "https://gateway.example/"\nsecret_env = "{SECRET}"',
        f'url = "https://gateway.example/"\nsecret_file = "{SECRET}"',
        f'url = "https://gateway.example/"\nsecret_env = ["{SECRET}"]',
        f'url = "http://gateway.example/hook?key={SECRET[6:]}"\nsecret_env = "KEY"',
        f'url = "ftp://me:{SECRET[6:]}@gateway.example/"\nsecret_env = "KEY"',
    ],
)
def test_what_is_wrong_with_an_endpoint_is_told_without_its_secret(tmp_path: Path, written: str) -> None:
    """Also of one that stands where the name of a variable or a file should."""
    (tmp_path / "endpoints.toml").write_text(f"[gateway]\n{written}\n", encoding="utf-8")

    with pytest.raises(ProblemsFound) as found:
        read_endpoints(tmp_path / "endpoints.toml", {"KEY": SECRET})

    assert "***" in str(found.value)
    assert SECRET[6:] not in str(found.value)
