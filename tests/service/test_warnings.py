"""Warnings over time as calls: a real server, its database, watchers, and a server that is killed."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import grpc
import pytest

from dianjia.client import Client, Event, Patience, ServiceError
from dianjia.type.v1 import type_pb2 as types
from dianjia.warnings.v1 import warnings_pb2 as messages
from engine.evaluator.refuse import row_problem
from engine.registry.content import version_of
from engine.service.warnings_messages import batches, refused_events
from engine.warnings.warning import WarningRecord
from tests.service.serving import Server, serving, token_of
from tests.service.steps import TOKENS, activated
from tests.service.told import Told, told
from tests.service.watching import (
    DAY,
    SECONDS,
    UNPAID,
    USE,
    WHO,
    bill,
    calls,
    listed,
    recorded,
    rules,
    several,
    told_by_event,
    use,
    watched,
    watching,
)
from tests.triggers.gateway import SECRET, gateway

STATUS = grpc.StatusCode
_RECORD = WarningRecord(
    id="1",
    kind="warning",
    trigger=USE,
    state="raised",
    account="1001",
    keys={},
    at=0,
    event="",
    region="",
    ruleset="",
    level="info",
    recipient="billing",
    title="",
    message="",
    values={},
    causes=(),
    action="",
    place="",
    source="",
)
_ENDPOINT = """\
[gateway]
url = "{url}"
secret_env = "GATEWAY_SECRET"
begins = "beginning"
plain_text = true
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("warnings")
    settings = {"warning_watches": 2, "events_per_chunk": 20, "metrics_port": 0}
    with serving(folder, rules=rules(folder / "rules"), tokens=WHO, settings=settings) as found:
        yield found


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server.address, token=token_of("all")) as found:
        yield found


class TestRecord:
    def test_events_become_warnings_with_all_that_is_known(self, server: Server, client: Client) -> None:
        """1500.00 kWh is above 1000; a bill of 1 March is unpaid 30 days later, which complete_until brings about."""
        done = client.warnings.record([use("a", "1500.00", account="r1", region="south"), bill("a", "12.30")])
        due = client.warnings.record([], complete_until="2026-04-01T00:00:00Z")
        found = list(client.warnings.list(accounts=["r1", "1001"]))

        assert (done.accepted, done.duplicates, done.refused, done.warnings) == (2, 0, (), 0)
        assert (done.watermark, done.version) == (DAY - timedelta(days=3), version_of(watched()))
        assert (due.accepted, due.warnings, due.watermark) == (0, 2, datetime(2026, 4, 1, tzinfo=UTC))
        high, unpaid = found
        assert (high.kind, high.state, high.trigger, high.ruleset) == ("warning", "raised", USE, "cn.test.watch")
        assert (high.account, high.keys, high.at, high.event, high.region) == ("r1", {}, DAY, "use-a", "south")
        assert (high.level, high.recipient, high.title) == ("yellow", "account_manager", "用电过高")
        assert (high.message, high.values) == ("本期 1500.00 千瓦时", {"energy": "1500.00"})
        assert (high.causes, high.action, high.acknowledgement) == (("新设备", "抄错"), "核对读数", None)
        assert high.place == f"cn/test/watch.ruleset.yaml:{_line('  high_use:')}"
        assert high.source
        assert high.recorded_at > high.at
        assert (unpaid.trigger, unpaid.keys, unpaid.event) == (UNPAID, {"bill": "ba"}, "")
        assert (unpaid.at, unpaid.message) == (DAY + timedelta(days=30), "应收 12.30 元，三十日未交")
        assert int(unpaid.cursor) == int(high.cursor) + 1
        server.wait_for(lambda: any(one.get("events") == 2 for one in server.calls("RecordEvents")))
        (line,) = [one for one in server.calls("RecordEvents") if one.get("events") == 2]
        assert (line["accepted"], line["events_refused"], line["principal"]) == (2, 0, "all")

    def test_an_event_that_cannot_be_recorded_holds_up_no_other(self, client: Client) -> None:
        """Twice the same, the same id with another content, too late, unknown, a third decimal, without a time."""
        client.warnings.record([use("b", "1", account="r2", days=60)], complete_until="2026-04-20T00:00:00Z")
        at = DAY + timedelta(days=60)

        done = client.warnings.record(
            [
                use("b", "1", account="r2", days=60),
                use("b", "2", account="r2", days=60),
                use("late", "1", account="r2", days=49.9),
                Event("c", "usage", "r2", at),
                use("d", "1.234", account="r2", days=60),
                Event("e", "usage_recorded", "r2", at, {"energy": 1}, {"bill": "1"}),
                Event("f", "usage_recorded", "r2", at),
                use("g", "1.00", account="r2", days=60),
                use("far", "1", account="r2", days=36_000),
            ]
        )

        assert (done.accepted, done.duplicates) == (1, 1)
        assert [
            ("use-b", "event-id-taken"),
            ("use-late", "event-too-late"),
            ("c", "unknown-event"),
            ("use-d", "too-many-places"),
            ("e", "unknown-event-value"),
            ("f", "missing-value"),
            ("use-far", "event-time-range"),
        ] == [(one.id, one.code) for one in done.refused]
        late = done.refused[1]
        assert (late.field, late.value) == ("at", "2026-04-19T21:36:00Z")
        assert late.reason
        assert late.remedy
        assert any("一" <= sign <= "鿿" for sign in late.reason_zh)
        assert any("一" <= sign <= "鿿" for sign in late.remedy_zh)
        assert done.refused[3].place is not None

    def test_times_and_numbers_that_are_none_refuse_the_event_alone(self, server: Server) -> None:
        """A nanosecond, no time at all, the end of 64 bits, forty decimal places, a value without a kind."""
        right = messages.Event(id="t0", type="usage_recorded", account="r3")
        right.at.FromDatetime((DAY + timedelta(days=61)).replace(tzinfo=None))
        right.values["energy"].number.unscaled = 5
        events = [messages.Event() for _ in range(6)]
        for number, one in enumerate(events):
            one.CopyFrom(right)
            one.id = f"t{number}"
        events[1].at.nanos = 1
        events[2].ClearField("at")
        events[3].at.seconds = 2**63 - 1
        events[4].values["energy"].number.places = 40
        events[5].values["energy"].CopyFrom(types.Value())
        with server.channel("meters") as meters:
            (answer,) = recorded(meters, [messages.RecordEventsRequest(sequence=7, events=events)])

        assert (answer.sequence, answer.accepted) == (7, 1)
        assert [
            (1, "bad-event-time"),
            (2, "bad-event-time"),
            (3, "bad-event-time"),
            (4, "not-a-number"),
            (5, "missing-value"),
        ] == [(one.index, one.code) for one in answer.refused]

    def test_what_is_wrong_with_a_chunk_ends_the_stream(self, server: Server) -> None:
        """Nothing of it is recorded; what was answered before stays."""
        here = datetime(2098, 1, 1, tzinfo=UTC)
        ahead, early = messages.RecordEventsRequest(), messages.RecordEventsRequest()
        ahead.complete_until.FromDatetime(here.replace(tzinfo=None))
        early.complete_until.FromSeconds(1)
        many = messages.RecordEventsRequest(events=[messages.Event()] * 21)
        one, three = messages.RecordEventsRequest(sequence=1), messages.RecordEventsRequest(sequence=3)
        with server.channel("meters") as meters:
            found = [_refused(meters, *asked) for asked in ([ahead], [early], [many], [one, three])]

        assert [
            (STATUS.INVALID_ARGUMENT, "complete-until-ahead"),
            (STATUS.INVALID_ARGUMENT, "field-range"),
            (STATUS.INVALID_ARGUMENT, "too-many-entries"),
            (STATUS.INVALID_ARGUMENT, "sequence-broken"),
        ] == [(refused.status, refused.code) for refused in found]

    def test_a_client_says_what_is_wrong_before_it_sends(self, client: Client) -> None:
        with pytest.raises(ValueError, match="binary float"):
            client.warnings.record([Event("x", "usage_recorded", "1", DAY, {"energy": 0.1})])  # type: ignore[dict-item]  # that is it
        with pytest.raises(ValueError, match="offset"):
            client.warnings.record([Event("x", "usage_recorded", "1", "2026-03-01T00:00:00")])
        with pytest.raises(ValueError, match="account of the event x is 1002; pass text"):
            client.warnings.record([Event("x", "usage_recorded", 1002, DAY)])  # type: ignore[arg-type]  # that is it
        with pytest.raises(ValueError, match="raised, cleared"):
            list(client.warnings.list(states="gone"))


class TestWatch:
    def test_two_watchers_are_given_what_each_asked_for(self, server: Server, client: Client) -> None:
        """One watches a region, one a level; both are told while they wait. There is no room for a third."""
        north = messages.WarningFilter(regions=["north"])
        amber = messages.WarningFilter(levels=["amber"], kinds=[messages.WARNING_KIND_WARNING])
        events = [
            use("n", "2000", account="w1", days=62, region="north"),
            use("s", "2000", account="w2", days=62, region="south"),
            bill("w", "7.00", account="w3", days=62),
        ]
        with server.channel("desk") as one, server.channel("screen") as other:
            first = watching(one, messages.WatchWarningsRequest(filter=north, only_new=True))
            second = watching(other, messages.WatchWarningsRequest(filter=amber, only_new=True))
            began = [next(first), next(second)]
            crowded = told(lambda: next(watching(other, messages.WatchWarningsRequest())))
            client.warnings.record(events, complete_until=DAY + timedelta(days=100))
            found = [several(first, 1), several(second, 1)]
            first.close()
            second.close()

        assert [[], []] == [list(answer.warnings) for answer in began]
        assert (crowded.status, crowded.code) == (STATUS.RESOURCE_EXHAUSTED, "too-many-calls")
        assert {"use-n": "本期 2000.00 千瓦时"} == told_by_event(found[0])
        assert {"": "应收 7.00 元，三十日未交"} == told_by_event(found[1])

    def test_every_filter(self, server: Server, client: Client) -> None:
        """Values of one list are alternatives; several lists must all fit."""
        days = 101
        client.warnings.record(
            [
                use("f1", "3000", account="f1", days=days, region="east"),
                use("f2", "3000", account="f2", days=days, region="west"),
                bill("f3", "1", account="f3", days=days),
            ],
            complete_until=DAY + timedelta(days=140),
        )

        def accounts(**asked: object) -> list[str]:
            mine = {"accounts": ["f1", "f2", "f3"], **asked}
            return sorted(one.account for one in client.warnings.list(**mine))  # type: ignore[arg-type]  # of any filter

        assert ["f1", "f2", "f3"] == accounts()
        assert ["f1"] == accounts(regions="east")
        assert ["f1", "f2"] == accounts(regions=("east", "west"), levels="yellow")
        assert ["f3"] == accounts(levels=("amber", "red"))
        assert ["f3"] == accounts(recipients="credit_control")
        assert ["f1", "f2"] == accounts(triggers=USE)
        assert ["f1", "f2", "f3"] == accounts(rulesets="cn.test.watch", kinds="warning", states="raised")
        assert [] == accounts(kinds="tariff_notice")
        assert [] == accounts(states="cleared")
        assert [] == accounts(regions="east", triggers=UNPAID)

    def test_it_ends_with_its_deadline_and_goes_on_from_a_cursor(self, server: Server, client: Client) -> None:
        """The warnings before a cursor are not told again; those behind it are, in their order."""
        every = list(client.warnings.list())
        after = list(client.warnings.watch(cursor=every[1].cursor, timeout=0.5))
        with server.channel("screen") as screen:
            request = messages.WatchWarningsRequest(cursor=every[-1].cursor)
            found = watching(screen, request, timeout=0.3)
            answers = [next(found)]
            with pytest.raises(grpc.RpcError) as over:
                next(found)

        assert every[2:] == after
        assert [([], every[-1].cursor)] == [(list(one.warnings), one.cursor) for one in answers]
        assert over.value.code() is STATUS.DEADLINE_EXCEEDED

    @pytest.mark.parametrize(
        ("request_", "code", "field"),
        [
            (messages.WatchWarningsRequest(cursor="x"), "bad-cursor", "cursor"),
            (messages.WatchWarningsRequest(cursor="-1"), "bad-cursor", "cursor"),
            (messages.WatchWarningsRequest(cursor="999999999"), "cursor-ahead", "cursor"),
            (
                messages.WatchWarningsRequest(filter=messages.WarningFilter(levels=["info", "pink"])),
                "unknown-choice",
                "filter.levels[1]",
            ),
            (
                messages.WatchWarningsRequest(filter=messages.WarningFilter(recipients=["me"])),
                "unknown-choice",
                "filter.recipients[0]",
            ),
            (
                messages.WatchWarningsRequest(filter=messages.WarningFilter(kinds=[messages.WARNING_KIND_UNSPECIFIED])),
                "unknown-choice",
                "filter.kinds[0]",
            ),
            (
                messages.WatchWarningsRequest(filter=messages.WarningFilter(regions=["\0"])),
                "field-characters",
                "filter.regions[0]",
            ),
            (
                messages.WatchWarningsRequest(filter=messages.WarningFilter(accounts=["1"] * 1001)),
                "too-many-entries",
                "filter.accounts",
            ),
        ],
    )
    def test_what_nobody_can_watch(
        self, server: Server, request_: messages.WatchWarningsRequest, code: str, field: str
    ) -> None:
        with server.channel("screen") as screen:
            found = told(lambda: next(watching(screen, request_)))

        assert (found.code, found.parameters["field"]) == (code, field)


class TestListAndAcknowledge:
    def test_pages(self, server: Server, client: Client) -> None:
        """Page after page gives each warning once; a token is of its filter alone."""
        every = list(client.warnings.list())
        assert len(every) > 4
        request = messages.ListWarningsRequest(page_size=2)
        found: list[str] = []
        with server.channel("screen") as screen:
            while True:
                page = calls(screen).ListWarnings(request)
                assert len(page.warnings) <= 2
                found += [one.name for one in page.warnings]
                if not page.next_page_token:
                    break
                last = request.page_token = page.next_page_token
            other = told(lambda: listed(screen, messages.ListWarningsRequest(unacknowledged=True, page_token=last)))

        assert [one.name for one in every] == found
        assert other.code == "bad-page"

    def test_the_first_to_take_note_stays(self, server: Server, client: Client) -> None:
        first = next(client.warnings.list())
        with Client(server.address, token=token_of("desk")) as desk:
            taken = desk.warnings.acknowledge(first.name, by="王", note="已电话通知")
            again = client.warnings.acknowledge(first.name, note="me too")
            left = [one.name for one in desk.warnings.list(unacknowledged=True)]
            with pytest.raises(ServiceError) as unknown:
                desk.warnings.acknowledge("0" * 32)
            with pytest.raises(ServiceError) as long:
                desk.warnings.acknowledge(first.name, note="x" * 1001)

        assert taken.acknowledgement is not None
        assert ("desk / 王", "已电话通知") == (taken.acknowledgement.by, taken.acknowledgement.note)
        assert taken == again == next(client.warnings.list())
        assert first.name not in left
        assert (unknown.value.status, unknown.value.code) == (STATUS.NOT_FOUND, "unknown-resource")
        assert long.value.code == "field-too-long"

    def test_scopes(self, server: Server) -> None:
        with server.channel("screen") as screen, server.channel("meters") as meters, server.channel() as nobody:
            found = [
                told(lambda: recorded(screen, [messages.RecordEventsRequest()])),
                told(lambda: calls(screen).AcknowledgeWarning(messages.AcknowledgeWarningRequest(name="x"))),
                told(lambda: listed(meters)),
                told(lambda: next(watching(meters, messages.WatchWarningsRequest()))),
                told(lambda: listed(nobody)),
            ]

        assert ["scope-missing"] * 4 + ["token-missing"] == [one.code for one in found]


class TestSizes:
    def test_answers_are_cut_where_they_grow_too_large(self) -> None:
        """Three warnings of 400 bytes and more: one to an answer of 500 bytes, two to one of 1,000."""
        records = [replace(_RECORD, seq=number, message="x" * 400) for number in (1, 2, 3)]

        def cut(bytes_max: int) -> list[list[str]]:
            return [[one.cursor for one in some] for some in batches(records, bytes_max)]

        assert [["1"], ["2"], ["3"]] == cut(500)
        assert [["1", "2"], ["3"]] == cut(1_000)
        assert [["1", "2", "3"]] == cut(4_000)
        assert [["1"], ["2"], ["3"]] == cut(1)

    def test_of_many_refused_events_the_later_ones_have_their_code_alone(self) -> None:
        """Each has a message of a thousand bytes; a megabyte of words is told, and then the codes."""
        refused = [
            row_problem(at, f"e{at}", "event-too-late", "at", "x" * 300, watermark="y" * 300) for at in range(2000)
        ]

        found = list(refused_events(refused))

        assert [f"e{at}" for at in range(2000)] == [one.id for one in found]
        assert {"event-too-late"} == {one.code for one in found}
        assert found[0].reason_zh
        assert not found[-1].reason
        assert sum(one.ByteSize() for one in found) < 2_000_000

    def test_metrics(self, server: Server, client: Client) -> None:
        address = re.search(r"http://\S+/metrics", server.printed())
        assert address is not None
        client.warnings.record([use("m", "1", account="m", days=200)])

        with urlopen(address[0]) as page:
            text = page.read().decode()

        for name in (
            'dianjia_events_total{outcome="accepted"}',
            'dianjia_events_total{outcome="duplicate"}',
            'dianjia_warnings_total{what="recorded"}',
            'dianjia_warnings_total{what="delivered"}',
            "dianjia_warning_watches_under_way",
            "dianjia_events_watermark_seconds",
        ):
            assert re.search(rf"^{re.escape(name)} [0-9.e+]+$", text, re.MULTILINE), name


class TestEnds:
    def test_a_watcher_outlives_a_killed_server(self, tmp_path: Path) -> None:
        """Killed in the middle of a stream; the next server goes on, nothing is lost or told twice.

        400 events of 400 accounts in chunks of 20, each above the limit: 400 warnings, once each, in order.
        Then the server is told to stop: a quiet source and a watcher are told so at once.
        """
        book, count = rules(tmp_path / "rules"), 400
        found: list[str] = []
        source = [use(number, "2000", account=f"a{number}", days=number / 10) for number in range(count)]
        killed = threading.Event()

        def events(server: Server) -> Iterator[Event]:
            for number, one in enumerate(source):
                if number == count // 2:
                    server.send(signal.SIGKILL)
                    server.ended()
                    killed.set()
                yield one

        def watch(client: Client) -> None:
            for one in client.warnings.watch(timeout=SECONDS):
                found.append(one.event)
                if one.event == "use-last":
                    return

        with serving(tmp_path / "1", rules=book, tokens=WHO) as server:
            database = f"sqlite:///{tmp_path}/1/state/dianjia/registry.sqlite"
            patient = Patience(SECONDS, longest_pause_seconds=0.2)
            client = Client(server.address, token=token_of("all"), patience=patient)
            watcher = threading.Thread(target=watch, args=(client,), daemon=True)
            watcher.start()
            sums: list[int] = []

            def record() -> None:
                done = client.warnings.record(events(server), complete_until=DAY + timedelta(days=50), chunk_events=20)
                sums.extend((done.accepted + done.duplicates, len(done.refused)))

            recording = threading.Thread(target=record, daemon=True)
            recording.start()
            assert killed.wait(SECONDS)
            port = server.port
        settings = {"port": port, "grace_seconds": 20}
        with serving(tmp_path / "2", rules=book, tokens=WHO, settings=settings, database=database) as server:
            recording.join(SECONDS)
            last = [use("last", "2000", account="z", days=60)]
            client.warnings.record(last, complete_until=DAY + timedelta(days=70))
            watcher.join(SECONDS)
            with server.channel("all") as channel:
                waiting = watching(channel, messages.WatchWarningsRequest(only_new=True))
                next(waiting)
                quiet = threading.Event()
                source_of_none = calls(channel).RecordEvents(_held(quiet))
                next(source_of_none)
                server.send()
                ends = [told(lambda: next(source_of_none)), told(lambda: next(waiting))]
                quiet.set()
                code = server.ended(10.0)  # of the 20 s of grace
        client.close()

        assert [count, 0] == sums
        assert [*(one.id for one in source), "use-last"] == found
        assert [(STATUS.UNAVAILABLE, "shutting-down")] * 2 == [(one.status, one.code) for one in ends]
        assert code == 0

    def test_several_processes_record_and_watch_as_one(self, tmp_path: Path) -> None:
        """Eight connections to two processes send the same events at once; each event is recorded and told once.

        An endpoint is told of each warning, too, by one of the processes.
        """
        count, clients = 40, 8
        source = [use(number, "2000", account=f"a{number % 7}", days=number / 100) for number in range(count)]
        done: list[tuple[int, int, int]] = []

        def record(server: Server) -> None:
            own = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own
            with Client(server.address, token=token_of("all"), options=own) as client:
                found = client.warnings.record(source, chunk_events=8)
                done.append((found.accepted, found.duplicates, len(found.refused)))

        endpoints = tmp_path / "webhooks.toml"
        settings = {"processes": 2, "webhooks": endpoints}
        with ExitStack() as ending:
            told_to = ending.enter_context(gateway())
            endpoints.write_text(_ENDPOINT.format(url=told_to.url), encoding="utf-8")
            book, env = rules(tmp_path / "rules"), {"GATEWAY_SECRET": SECRET}
            server = ending.enter_context(serving(tmp_path, rules=book, tokens=WHO, settings=settings, env=env))
            threads = [threading.Thread(target=record, args=(server,)) for _ in range(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(SECONDS)
            with Client(server.address, token=token_of("all")) as client:
                client.warnings.record([], complete_until=DAY + timedelta(days=50))
                kept = list(client.warnings.list())
            with server.channel("screen") as screen:
                told_ = [one.event for one in several(watching(screen, messages.WatchWarningsRequest()), count)]
            server.wait_for(lambda: len(server.calls("RecordEvents")) == clients + 1)
            peers = {one["peer"] for one in server.calls("RecordEvents")}
            server.wait_for(lambda: len(told_to.ids) >= count, SECONDS)

        assert (count, count * (clients - 1), 0) == tuple(sum(column) for column in zip(*done, strict=True))
        assert [one.id for one in source] == [one.event for one in kept] == told_
        assert [one.name for one in kept] == [f"warnings/{one}" for one in told_to.ids]
        assert len(peers) == clients + 1


class TestVersions:
    def test_a_version_that_is_activated_watches_from_then_on(self, tmp_path: Path) -> None:
        """The folder warns above 1000 kWh, the version above 500: 700.00 kWh are told after the activation alone.

        A trigger whose memory has the same form goes on with it: an earlier bill is still due.
        """
        who = {**TOKENS, **WHO}
        settings = {"follow_seconds": 0.1}
        with (
            serving(tmp_path, rules=rules(tmp_path / "rules"), tokens=who, settings=settings) as server,
            server.channel("wang") as wang,
            server.channel("li") as li,
            Client(server.address, token=token_of("all")) as client,
        ):
            before = client.warnings.record([use(1, "700.00"), bill(1, "3.00")], complete_until=DAY + timedelta(days=2))
            version = activated(wang, li, watched(500))
            server.wait_for(lambda: client.warnings.record([]).version == version)
            after = client.warnings.record([use(2, "700.00", days=3)], complete_until=DAY + timedelta(days=60))
            found = [(one.trigger, one.event) for one in client.warnings.list()]

        assert (version_of(watched()), 0) == (before.version, before.warnings)
        assert (version, 2) == (after.version, after.warnings)
        assert [(USE, "use-2"), (UNPAID, "")] == found


def test_a_server_without_a_registry_has_none(tmp_path: Path) -> None:
    """Neither events nor warnings."""
    with (
        serving(tmp_path, rules=rules(tmp_path / "rules"), tokens=WHO, database="none") as server,
        server.channel("all") as channel,
    ):
        found = [_refused(channel, messages.RecordEventsRequest()), told(lambda: listed(channel))]

    assert [(STATUS.FAILED_PRECONDITION, "no-registry")] * 2 == [(one.status, one.code) for one in found]


def _refused(channel: grpc.Channel, *requests: messages.RecordEventsRequest) -> Told:
    return told(lambda: recorded(channel, requests))


def _held(until: threading.Event) -> Iterator[messages.RecordEventsRequest]:
    """One chunk without events, and then none for long."""
    yield messages.RecordEventsRequest()
    until.wait(SECONDS)


def _line(text: str) -> int:
    """Number of a line of the rule set, from 1."""
    return watched()["cn/test/watch.ruleset.yaml"].decode().splitlines().index(text) + 1
