"""The calls of rate books, on a real server: steps, what each refuses, lists and the audit trail."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from dianjia.ratebooks.v1 import ratebooks_pb2 as ratebooks
from dianjia.ratebooks.v1.ratebooks_pb2_grpc import RateBookServiceStub
from engine.registry.content import version_of
from tests.service.rate_books import FILE, home, in_folder, request
from tests.service.serving import Server, serving
from tests.service.steps import (
    TOKENS,
    activate,
    activated,
    approved,
    bill,
    new_price,
    published,
    source_files,
    withdraw,
)
from tests.service.told import told

PUBLISHED, APPROVED, SCHEDULED = (
    ratebooks.RATE_BOOK_STATE_PUBLISHED,
    ratebooks.RATE_BOOK_STATE_APPROVED,
    ratebooks.RATE_BOOK_STATE_SCHEDULED,
)
ACTIVE, SUPERSEDED, WITHDRAWN, FOLDER = (
    ratebooks.RATE_BOOK_STATE_ACTIVE,
    ratebooks.RATE_BOOK_STATE_SUPERSEDED,
    ratebooks.RATE_BOOK_STATE_WITHDRAWN,
    ratebooks.RATE_BOOK_STATE_FOLDER,
)
STATUS = grpc.StatusCode


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    rules = in_folder(folder / "rules", home())
    with serving(folder, rules=rules, tokens=TOKENS, settings={"follow_seconds": 0.1}) as found:
        yield found


@pytest.fixture(scope="module")
def wang(server: Server) -> Iterator[grpc.Channel]:
    with server.channel("wang") as found:
        yield found


@pytest.fixture(scope="module")
def li(server: Server) -> Iterator[grpc.Channel]:
    with server.channel("li") as found:
        yield found


@pytest.fixture(scope="module")
def raw(wang: grpc.Channel) -> str:
    """A version of Wang's that nobody approves."""
    return published(wang).version


@pytest.fixture(scope="module")
def ready(wang: grpc.Channel, li: grpc.Channel) -> str:
    """A version of Wang's that Li approved, and nobody activates or withdraws."""
    return approved(wang, li)


def calls(channel: grpc.Channel) -> RateBookServiceStub:
    return RateBookServiceStub(channel)


def state(channel: grpc.Channel, version: str) -> ratebooks.RateBookState.ValueType:
    return get(channel, version).state


def get(channel: grpc.Channel, version: str) -> ratebooks.RateBook:
    found: ratebooks.RateBook = (
        calls(channel).GetRateBook(ratebooks.GetRateBookRequest(name=f"rateBooks/{version}")).rate_book
    )
    return found


def history(channel: grpc.Channel, version: str = "", size: int = 0) -> list[ratebooks.AuditEntry]:
    found: list[ratebooks.AuditEntry] = []
    token = ""
    while True:
        name = f"rateBooks/{version}" if version else ""
        asked = ratebooks.GetHistoryRequest(name=name, page_size=size, page_token=token)
        page = calls(channel).GetHistory(asked)
        found += page.entries
        token = page.next_page_token
        assert page.chain_holds
        if not token:
            return found


class TestBeforeAnythingIsPublished:
    def test_the_folder_is_what_is_active(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        """It is the whole list; its name gives it; its bills are counted; nothing stands in the trail."""
        folder = tmp_path_factory.mktemp("fresh")
        rules = in_folder(folder / "rules", home("0.5000"))
        with serving(folder, rules=rules, tokens=TOKENS) as server, server.channel("li") as channel:
            billed = bill(channel)
            active = get(channel, "active")
            listed = calls(channel).ListRateBooks(ratebooks.ListRateBooksRequest())
            named = get(channel, version_of(home("0.5000")))
            used = calls(channel).ListVersionUse(ratebooks.ListVersionUseRequest(name=active.name))
            trail = history(channel)
            first = published(channel, home("0.5001"))
            whole = calls(channel).ListRateBooks(ratebooks.ListRateBooksRequest()).rate_books
            page = calls(channel).ListRateBooks(ratebooks.ListRateBooksRequest(page_size=1))
            rest = ratebooks.ListRateBooksRequest(page_size=1, page_token=page.next_page_token)
            last = calls(channel).ListRateBooks(rest)

        assert (active.state, active.version, active.rule_sets, active.files) == (
            FOLDER,
            version_of(home("0.5000")),
            1,
            1,
        )
        assert (billed.version, billed.total.unscaled) == (active.version, 5000)
        assert (list(listed.rate_books), named) == ([active], active)
        assert [(one.run, one.billing_month, one.bills) for one in used.uses] == [("", "2026-01", 1)]
        assert trail == []
        assert list(first.changed_files) == [FILE]  # against the folder
        assert [one.version for one in whole] == [active.version, first.version]
        assert [*page.rate_books, *last.rate_books] == list(whole)
        assert last.next_page_token == ""


class TestPublish:
    def test_in_several_messages(self, wang: grpc.Channel) -> None:
        """The first says who and why, the files come in any of them."""
        files = {**home(new_price()), "cn/test/note.csv": b"a,b\n1,2\n"}
        sent = source_files(files)
        first = ratebooks.PublishRateBookRequest(request_id=request(), why="notice 12", files=sent[:1])
        second = ratebooks.PublishRateBookRequest(files=sent[1:])

        found = calls(wang).PublishRateBook(iter([first, second])).rate_book

        assert found.name == f"rateBooks/{version_of(files)}"
        assert (found.state, found.author, found.why) == (PUBLISHED, "wang", "notice 12")
        assert (found.rule_sets, found.files, found.approver) == (1, 2, "")
        assert abs(found.published_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
        assert not found.HasField("active_from")

    def test_what_does_not_compile_is_refused_with_its_lines(self, wang: grpc.Channel) -> None:
        files = home("0,5")

        found = told(lambda: published(wang, files))
        listed = [one.version for one in calls(wang).ListRateBooks(ratebooks.ListRateBooksRequest()).rate_books]

        assert (found.status, found.code) == (STATUS.INVALID_ARGUMENT, "rate-book-fails")
        wrong = next(one for one in found.problems if one.code == "decimal-comma")
        lines = files[FILE].decode().splitlines()
        assert wrong.place.file == FILE
        assert "0,5" in lines[wrong.place.line - 1][wrong.place.column - 1 :]
        assert version_of(files) not in listed

    def test_a_test_that_does_not_hold_is_refused(self, wang: grpc.Channel) -> None:
        files = {FILE: home("0.50")[FILE] + _test("49.99")}

        found = told(lambda: published(wang, files))

        assert found.code == "rate-book-fails"
        assert "test-fails" in [one.code for one in found.problems]

    def test_twice_is_told_who_was_first(self, wang: grpc.Channel, li: grpc.Channel) -> None:
        files = home(new_price())
        published(wang, files)

        found = told(lambda: published(li, files))

        assert (found.status, found.code) == (STATUS.ALREADY_EXISTS, "version-exists")
        assert found.parameters["who"] == "wang"

    def test_what_concerns_the_stream_is_in_its_first_message(self, wang: grpc.Channel) -> None:
        messages = [
            ratebooks.PublishRateBookRequest(request_id=request(), why="x", files=source_files(home(new_price()))),
            ratebooks.PublishRateBookRequest(why="another reason"),
        ]

        found = told(lambda: calls(wang).PublishRateBook(iter(messages)))

        assert (found.code, found.parameters["field"]) == ("stream-option-late", "why")

    @pytest.mark.parametrize(
        ("paths", "code"),
        [(["../a.yaml"], "bad-path"), (["a.yaml", "a.yaml"], "file-twice"), ([], "rate-book-empty")],
    )
    def test_files_are_a_rate_book(self, wang: grpc.Channel, paths: list[str], code: str) -> None:
        files = [file for path in paths for file in source_files({path: b"x"})]
        asked = ratebooks.PublishRateBookRequest(request_id=request(), why="x", files=files)

        found = told(lambda: calls(wang).PublishRateBook(iter([asked])))

        assert found.code == code

    def test_needs_a_request_id(self, wang: grpc.Channel) -> None:
        asked = ratebooks.PublishRateBookRequest(why="x", files=source_files(home()))

        found = told(lambda: calls(wang).PublishRateBook(iter([asked])))

        assert (found.status, found.code) == (STATUS.INVALID_ARGUMENT, "request-id-missing")

    def test_needs_the_scope(self, server: Server) -> None:
        with server.channel("reader") as reader:
            found = told(lambda: published(reader))

        assert (found.status, found.code) == (STATUS.PERMISSION_DENIED, "scope-missing")
        assert found.parameters["scope"] == "publish"

    def test_says_what_changes_against_the_active_version(self, wang: grpc.Channel, li: grpc.Channel) -> None:
        files = {**home(new_price()), "a.csv": b"a\n1\n", "b.csv": b"b\n1\n", "c.csv": b"c\n1\n"}
        activated(wang, li, files)
        changed = {**files, "a.csv": b"a\n2\n", "d.csv": b"d\n1\n"}
        del changed["b.csv"]

        found = published(wang, changed)

        assert list(found.changed_files) == ["a.csv", "b.csv", "d.csv"]


class TestApprove:
    def test_by_somebody_else(self, wang: grpc.Channel, li: grpc.Channel) -> None:
        name = published(wang).name

        found = calls(li).ApproveRateBook(
            ratebooks.ApproveRateBookRequest(request_id=request(), name=name, why="read it")
        )

        assert (found.rate_book.state, found.rate_book.approver) == (APPROVED, "li")

    def test_not_by_the_author(self, wang: grpc.Channel, raw: str) -> None:
        """Whatever scopes the author's token has."""
        asked = ratebooks.ApproveRateBookRequest(request_id=request(), name=f"rateBooks/{raw}", why="it is mine")

        found = told(lambda: calls(wang).ApproveRateBook(asked))

        assert (found.status, found.code) == (STATUS.PERMISSION_DENIED, "author-approves")
        assert state(wang, raw) == PUBLISHED

    def test_once(self, li: grpc.Channel, ready: str) -> None:
        asked = ratebooks.ApproveRateBookRequest(request_id=request(), name=f"rateBooks/{ready}", why="again")

        found = told(lambda: calls(li).ApproveRateBook(asked))

        assert (found.status, found.code) == (STATUS.FAILED_PRECONDITION, "already-approved")

    @pytest.mark.parametrize("name", ["", "rateBooks/", "rateBooks/active", "rateBooks/abcdef0123", "ruleSets/x"])
    def test_a_version_is_named_by_its_whole_hash(self, li: grpc.Channel, name: str) -> None:
        asked = ratebooks.ApproveRateBookRequest(request_id=request(), name=name, why="x")

        found = told(lambda: calls(li).ApproveRateBook(asked))

        assert (found.status, found.code) == (STATUS.NOT_FOUND, "unknown-resource")

    def test_of_a_version_that_is_missing(self, li: grpc.Channel) -> None:
        asked = ratebooks.ApproveRateBookRequest(request_id=request(), name=f"rateBooks/{'0' * 64}", why="x")

        found = told(lambda: calls(li).ApproveRateBook(asked))

        assert (found.status, found.code) == (STATUS.NOT_FOUND, "unknown-version")


class TestActivate:
    def test_now(self, server: Server, wang: grpc.Channel, li: grpc.Channel) -> None:
        """Within a moment it answers calls that name no version; the one before it is superseded."""
        before = activated(wang, li)
        version = approved(wang, li)

        found = activate(li, version)
        server.wait_for(lambda: bill(li).version == version)

        assert found.state == ACTIVE
        assert (state(li, version), state(li, before)) == (ACTIVE, SUPERSEDED)
        assert get(li, "active").version == version

    def test_from_an_instant(self, server: Server, wang: grpc.Channel, li: grpc.Channel) -> None:
        """Until then another answers; the instant is one, whatever offset it is written with."""
        before = activated(wang, li)
        server.wait_for(lambda: bill(li).version == before)
        version = approved(wang, li)
        instant = datetime.now(UTC) + timedelta(seconds=4)

        found = activate(li, version, _with_offset(instant, 8))
        at_once = (state(li, version), bill(li).version)
        server.wait_for(lambda: datetime.now(UTC) > instant + timedelta(milliseconds=20))
        after = (state(li, version), bill(li).version)

        assert found.active_from.ToDatetime(tzinfo=UTC) == instant
        assert at_once == (SCHEDULED, before)
        assert after == (ACTIVE, version)

    def test_of_a_version_that_is_missing(self, li: grpc.Channel) -> None:
        found = told(lambda: activate(li, "0" * 64))

        assert (found.status, found.code) == (STATUS.NOT_FOUND, "unknown-version")

    def test_of_one_that_nobody_approved(self, li: grpc.Channel, raw: str) -> None:
        found = told(lambda: activate(li, raw))

        assert (found.status, found.code) == (STATUS.FAILED_PRECONDITION, "not-approved")

    def test_not_in_the_past(self, li: grpc.Channel, ready: str) -> None:
        hour_ago = datetime.now(UTC) - timedelta(hours=1)

        found = told(lambda: activate(li, ready, _with_offset(hour_ago, 8)))

        assert (found.status, found.code) == (STATUS.INVALID_ARGUMENT, "instant-past")

    @pytest.mark.parametrize(
        "written",
        [
            "2026-12-01",
            "2030-12-01T00:00:00",
            "2030-12-01 00:00:00+08:00",
            "2030-06-31T00:00:00Z",
            "tomorrow",
            "1893456000",
        ],
    )
    def test_an_instant_has_an_offset(self, li: grpc.Channel, written: str) -> None:
        """Without one it would be another instant on every machine."""
        found = told(lambda: activate(li, "0" * 64, written))

        assert (found.status, found.code, found.parameters["value"]) == (
            STATUS.INVALID_ARGUMENT,
            "bad-instant",
            written,
        )

    def test_every_past_period_stays_billed(self, wang: grpc.Channel, li: grpc.Channel) -> None:
        """The active version bills from 2020, the other one from 2021: a year would be lost."""
        activated(wang, li)
        version = approved(wang, li, home(new_price(), first_day="2021-01-01"))

        found = told(lambda: activate(li, version))

        assert (found.status, found.code) == (STATUS.FAILED_PRECONDITION, "coverage-lost")
        assert found.parameters["ruleset"] == "cn.test.home"
        assert found.parameters["days"].startswith("2020-01-01")


class TestWithdraw:
    def test_another_answers_in_its_place(self, server: Server, wang: grpc.Channel, li: grpc.Channel) -> None:
        first, second = activated(wang, li), activated(wang, li)
        server.wait_for(lambda: bill(li).version == second)

        found = withdraw(li, second, first)
        server.wait_for(lambda: bill(li).version == first)

        assert (found.state, found.returns_to) == (WITHDRAWN, first)
        assert (state(li, second), state(li, first)) == (WITHDRAWN, ACTIVE)

    def test_not_by_the_author(self, wang: grpc.Channel, li: grpc.Channel, ready: str) -> None:
        version = approved(wang, li)

        found = told(lambda: withdraw(wang, version, ready))

        assert (found.status, found.code) == (STATUS.PERMISSION_DENIED, "author-approves")

    def test_needs_a_reason_and_another_approved_version(
        self, wang: grpc.Channel, li: grpc.Channel, ready: str, raw: str
    ) -> None:
        version = approved(wang, li)
        without_reason = ratebooks.WithdrawRateBookRequest(
            request_id=request(), name=f"rateBooks/{version}", return_to=f"rateBooks/{ready}"
        )

        found = [
            told(lambda: calls(li).WithdrawRateBook(without_reason)).code,
            told(lambda: withdraw(li, version, version)).code,
            told(lambda: withdraw(li, version, raw)).code,
            told(lambda: withdraw(li, version, "0" * 64)).code,
        ]

        assert found == ["reason-missing", "returns-to-itself", "not-approved", "unknown-version"]

    def test_it_does_not_come_back_and_stays_readable(self, wang: grpc.Channel, li: grpc.Channel, ready: str) -> None:
        version = approved(wang, li)
        withdraw(li, version, ready)

        found = told(lambda: activate(li, version))
        steps = [one.action for one in history(li, version)]

        assert (found.status, found.code) == (STATUS.FAILED_PRECONDITION, "is-withdrawn")
        assert steps == [
            ratebooks.AUDIT_ACTION_PUBLISHED,
            ratebooks.AUDIT_ACTION_APPROVED,
            ratebooks.AUDIT_ACTION_WITHDRAWN,
        ]
        assert get(li, version).why == "the notice of a test"


class TestRepeated:
    def test_a_step_gives_its_first_answer(self, wang: grpc.Channel, li: grpc.Channel) -> None:
        """Whatever has happened to the version since; and nothing is written twice."""
        files = source_files(home(new_price()))
        asked = ratebooks.PublishRateBookRequest(request_id=request(), why="x", files=files)
        first = calls(wang).PublishRateBook(iter([asked])).rate_book
        approve = ratebooks.ApproveRateBookRequest(request_id=request(), name=first.name, why="y")
        second = calls(li).ApproveRateBook(approve).rate_book

        again = calls(wang).PublishRateBook(iter([asked])).rate_book
        once_more = calls(li).ApproveRateBook(approve).rate_book

        assert (again.version, again.author, again.approver) == (first.version, "wang", "")
        assert once_more == second
        assert len(history(li, first.version)) == 2

    def test_with_other_content_it_is_refused(self, wang: grpc.Channel, li: grpc.Channel) -> None:
        name = published(wang).name
        asked = ratebooks.ApproveRateBookRequest(request_id=request(), name=name, why="read it")
        calls(li).ApproveRateBook(asked)
        asked.why = "did not read it"

        found = told(lambda: calls(li).ApproveRateBook(asked))

        assert (found.status, found.code) == (STATUS.ALREADY_EXISTS, "request-id-reused")


class TestLists:
    def test_versions_newest_first_and_in_pages(self, wang: grpc.Channel) -> None:
        """A version that is published between two pages is on none of them, and shifts none."""
        newest = [published(wang).version for _ in range(2)][::-1]

        pages = []
        token = ""
        for _ in range(2):
            asked = ratebooks.ListRateBooksRequest(page_size=1, page_token=token)
            page = calls(wang).ListRateBooks(asked)
            pages += [one.version for one in page.rate_books]
            token = page.next_page_token
            published(wang)

        assert pages == newest

    def test_history_in_pages(self, wang: grpc.Channel, li: grpc.Channel) -> None:
        """Numbered from 1 without a gap, whatever the page."""
        activated(wang, li)
        whole = history(li)

        by_two = history(li, size=2)

        assert [one.number for one in whole] == list(range(1, len(whole) + 1))
        assert by_two == whole

    def test_the_chain_is_what_the_page_says(self, wang: grpc.Channel, li: grpc.Channel, ready: str) -> None:
        """Each hash computed here as docs/service.md says: JSON, sorted keys, no blanks, the hash before."""
        withdraw(li, approved(wang, li), ready)
        activate(li, approved(wang, li))

        before = "0" * 64
        for row in history(li):
            fields = {
                "action": ratebooks.AuditAction.Name(row.action).removeprefix("AUDIT_ACTION_").lower(),
                "active_from": _micro(row.active_from) if row.HasField("active_from") else None,
                "at": _micro(row.at),
                "number": row.number,
                "previous_hash": before,
                "request_id": row.request_id,
                "returns_to": row.returns_to,
                "version": row.version,
                "who": row.who,
                "why": row.why,
            }
            written = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            before = hashlib.sha256(written.encode()).hexdigest()
            assert (row.number, row.hash) == (fields["number"], before)

    def test_use_by_run_and_month(self, li: grpc.Channel, ready: str) -> None:
        for _ in range(3):
            bill(li, ready)

        def counted() -> list[tuple[str, str, int]]:
            asked = ratebooks.ListVersionUseRequest(name=f"rateBooks/{ready}")
            return [(one.run, one.billing_month, one.bills) for one in calls(li).ListVersionUse(asked).uses]

        written_at_once = counted()
        time.sleep(0.5)

        assert [key[:2] for key in written_at_once] == [("", "2026-01")]
        assert counted() == [("", "2026-01", 3)]

    def test_use_of_nothing(self, li: grpc.Channel) -> None:
        asked = ratebooks.ListVersionUseRequest(name=f"rateBooks/{'0' * 64}")

        found = told(lambda: calls(li).ListVersionUse(asked))

        assert found.code == "unknown-version"

    @pytest.mark.parametrize("call", ["ListRateBooks", "GetHistory", "ListVersionUse"])
    def test_a_page_has_at_most_a_thousand(self, li: grpc.Channel, call: str) -> None:
        kinds: dict[str, Any] = {
            "ListRateBooks": ratebooks.ListRateBooksRequest(page_size=1001),
            "GetHistory": ratebooks.GetHistoryRequest(page_size=1001),
            "ListVersionUse": ratebooks.ListVersionUseRequest(name=f"rateBooks/{'0' * 64}", page_size=1001),
        }

        found = told(lambda: getattr(calls(li), call)(kinds[call]))

        assert found.code == "bad-page"

    @pytest.mark.usefixtures("ready")
    def test_a_token_of_one_list_is_none_of_another(self, li: grpc.Channel) -> None:
        first = calls(li).GetHistory(ratebooks.GetHistoryRequest(page_size=1))
        asked = ratebooks.ListRateBooksRequest(page_token=first.next_page_token)

        found = told(lambda: calls(li).ListRateBooks(asked))

        assert (found.code, found.parameters["field"]) == ("bad-page", "page_token")


class TestWithoutATokenFile:
    def test_steps_need_a_name(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        """Without tokens anybody on the machine may rate and read; who takes a step must say who they are."""
        with serving(tmp_path_factory.mktemp("open")) as server, server.channel() as channel:
            steps = [told(lambda: published(channel)), told(lambda: activate(channel, "0" * 64))]
            active = get(channel, "active")

        assert {one.code for one in steps} == {"token-missing"}
        assert active.state == FOLDER


class TestWithoutARegistry:
    def test_the_folder_is_all_there_is(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.mktemp("none")
        with serving(folder, database="none", tokens=TOKENS) as server, server.channel("li") as channel:
            active = get(channel, "active")
            listed = calls(channel).ListRateBooks(ratebooks.ListRateBooksRequest()).rate_books
            refused = [
                told(lambda: published(channel)),
                told(lambda: calls(channel).GetHistory(ratebooks.GetHistoryRequest())),
                told(lambda: get(channel, "0" * 64)),
            ]

        assert active.state == FOLDER
        assert list(listed) == [active]
        assert [one.code for one in refused] == ["no-registry"] * 3


def _test(total: str) -> bytes:
    return (
        "\ntests:\n  - name: 一百度\n    vouched_by: {who: worked by hand, from: 100 × 0.50}\n"
        f"    billing_period: 2026-01\n    given: {{kwh: 100}}\n    expect: {{total: {total}}}\n"
    ).encode()


def _with_offset(instant: datetime, hours: int) -> str:
    text = (instant + timedelta(hours=hours)).replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{text}+{hours:02d}:00"


def _micro(stamp: Any) -> str:
    return str(stamp.ToDatetime(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
