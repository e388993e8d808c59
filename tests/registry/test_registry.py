"""The life of a version, in both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from engine.language.problems import ProblemsFound
from engine.registry.content import read_folder, version_of
from engine.registry.registry import Registry, VersionRecord
from tests.registry.books import HOUR, NOON, Clock, book, home
from tests.registry.office import Office, codes

SHIPPED = Path(__file__).resolve().parent.parent.parent / "rules"


def test_a_version_goes_from_publication_to_withdrawal(office: Office, clock: Clock) -> None:
    """Each step says who, when and why, and is in the record from then on."""
    first = office.activate(office.approved("0.5000"))
    published = office.publish("0.5283")
    clock.go(HOUR)
    office.approve(published)
    clock.go(HOUR)
    december = datetime(2026, 12, 1, tzinfo=timezone(timedelta(hours=8)))
    office.activate(published, december)
    clock.go(HOUR)

    withdrawn = office.withdraw(published, first)

    assert (
        VersionRecord(
            version=version_of(book("0.5283")),
            author="Li",
            published_at=NOON,
            why="at 0.5283",
            approver="Wang",
            approved_at=NOON + HOUR,
            active_from=datetime(2026, 11, 30, 16, tzinfo=UTC),
            returns_to=first.version,
            withdrawn_at=NOON + 3 * HOUR,
            rule_sets=1,
            files=1,
            changed_files=("home.ruleset.yaml",),
        )
        == withdrawn
    )
    assert withdrawn == office.registry.record(published.version)


def test_the_version_of_the_shipped_rules_is_the_hash_of_their_folder(registry: Registry) -> None:
    """Published, read back and hashed again it is the same rate book to the byte."""
    files = read_folder(SHIPPED)

    record = registry.publish(files, who="Li", why="shipped", request_id="1")

    assert version_of(files) == record.version
    assert files == registry.files(record.version)
    assert (len(files), tuple(sorted(files))) == (record.files, record.changed_files)


def test_changed_files_are_told_against_the_version_that_is_active(office: Office) -> None:
    """Not against the one that was published last."""
    old = home(id_="cn.test.old")
    office.activate(office.approved("0.5000", old=old))
    office.publish("0.6000", old=old)

    record = office.publish("0.5000", new=home(id_="cn.test.new"))

    assert ("new.ruleset.yaml", "old.ruleset.yaml") == record.changed_files


def test_while_no_version_is_active_changes_are_told_against_what_answers(registry: Registry) -> None:
    """The folder that the server was started with."""
    answering = book("0.5000", old=home(id_="cn.test.old"))

    record = registry.publish(
        book("0.5000", new=home(id_="cn.test.new")), who="Li", why="", request_id="1", active_files=answering
    )

    assert ("new.ruleset.yaml", "old.ruleset.yaml") == record.changed_files


def test_a_rate_book_that_fails_is_not_published(office: Office) -> None:
    """Problems of the rules and tests that do not hold are told together, and nothing is left behind."""
    files = {"bad.yaml": b"prcie: 1\n", "home.ruleset.yaml": home(total="52.84")}

    with pytest.raises(ProblemsFound) as found:
        office.registry.publish(files, who="Li", why="", request_id="1")

    assert [("no-document-kind", "bad.yaml"), ("test-fails", "home.ruleset.yaml"), ("rate-book-fails", None)] == [
        (one.code, one.place and one.place.file) for one in found.value.problems
    ]
    assert "2" == found.value.problems[-1].parameters["found"]
    assert [] == office.registry.history()


def test_a_rate_book_without_rule_sets_is_not_published(office: Office) -> None:
    """Notices alone bill nobody."""
    notice = (SHIPPED / "cn/hubei/agency_2026-01.notice.yaml").read_bytes()

    refused = codes(lambda: office.registry.publish({"n.yaml": notice}, who="Li", why="", request_id="1"))

    assert ["rate-book-empty"] == refused


def test_a_rate_book_is_published_once(office: Office) -> None:
    """By whomever; the message names who did."""
    first = office.publish()

    with pytest.raises(ProblemsFound) as found:
        office.registry.publish(book(), who="Zhao", why="", request_id="another")

    assert [("version-exists", {"version": first.version, "who": "Li"})] == [
        (one.code, one.parameters) for one in found.value.problems
    ]


@pytest.mark.parametrize("who", ["Li", " li ", "ＬＩ"])
def test_the_author_neither_approves_nor_withdraws(office: Office, who: str) -> None:
    """However the name is written."""
    answers, other = office.approved("0.5000"), office.publish("0.6000")

    refused = codes(lambda: office.registry.approve(other.version, who=who, why="", request_id="a"))
    refused += codes(lambda: office.withdraw(other, answers, who))

    assert ["author-approves", "author-approves"] == refused


def test_a_version_is_approved_once_and_not_after_its_withdrawal(office: Office) -> None:
    """Nor is it activated, withdrawn or returned to then."""
    stays, gone, other = office.approved("0.5000"), office.publish("0.6000"), office.approved("0.7000")
    office.withdraw(gone, stays)

    refused = codes(lambda: office.approve(stays)) + codes(lambda: office.approve(gone))
    refused += codes(lambda: office.activate(gone)) + codes(lambda: office.withdraw(gone, stays))
    refused += codes(lambda: office.withdraw(other, gone))

    assert ["already-approved", "is-withdrawn", "is-withdrawn", "is-withdrawn", "is-withdrawn"] == refused


def test_only_an_approved_version_is_activated_or_returned_to(office: Office) -> None:
    """Nobody has looked at it otherwise; and no version answers in its own place."""
    approved, unapproved = office.approved("0.5000"), office.publish("0.6000")

    refused = codes(lambda: office.activate(unapproved)) + codes(lambda: office.withdraw(approved, unapproved))
    refused += codes(lambda: office.withdraw(approved, approved))

    assert ["not-approved", "not-approved", "returns-to-itself"] == refused


def test_an_activation_lies_in_the_past_by_a_minute_at_most(office: Office) -> None:
    """Clocks differ, and calls take time; more than that would change what was answered."""
    record = office.approved()

    activated = office.activate(record, NOON - timedelta(seconds=60))
    refused = codes(lambda: office.activate(record, NOON - timedelta(seconds=60, microseconds=1)))

    assert NOON - timedelta(seconds=60) == activated.active_from
    assert ["instant-past"] == refused


def test_an_instant_that_cannot_be_kept_is_refused(office: Office) -> None:
    """One without offset is a fault of the program that calls."""
    record = office.approved()

    refused = codes(lambda: office.activate(record, datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-8 * HOUR))))

    assert ["bad-instant"] == refused
    with pytest.raises(ValueError, match="an instant needs its offset"):
        office.activate(record, datetime(2027, 1, 1))


def test_the_schedule_follows_the_steps(office: Office) -> None:
    """An activation from its instant on, a withdrawal at once."""
    old, new = office.approved("0.5000"), office.approved("0.6000")
    schedules = [office.registry.schedule()]
    office.activate(old)
    schedules.append(office.registry.schedule())
    office.activate(new, NOON + 2 * HOUR)
    schedules.append(office.registry.schedule())
    office.withdraw(new, old)
    schedules.append(office.registry.schedule())

    answers = [(one.active(NOON), one.active(NOON + 2 * HOUR), one.next_change(NOON)) for one in schedules]

    assert [
        (None, None, None),
        (old.version, old.version, None),
        (old.version, new.version, NOON + 2 * HOUR),
        (old.version, old.version, None),
    ] == answers
    assert {new.version: old.version} == schedules[-1].withdrawn
    assert {old.version, new.version} == schedules[-1].approved


def test_a_schedule_that_has_not_changed_is_not_read_again(office: Office) -> None:
    """It is the very same value, so that whoever follows sees at a glance that nothing happened."""
    office.activate(office.approved())

    first, second = office.registry.schedule(), office.registry.schedule()

    assert first is second


def test_a_version_that_loses_past_days_is_not_activated(office: Office) -> None:
    """Each rule set that loses days is told with them; days from that of the activation on may go."""
    office.activate(
        office.approved(
            "0.5000",
            gone=home(id_="cn.test.gone", first="2025-01-01", through="2025-12-31"),
            less=home(id_="cn.test.less", first="2025-01-01"),
        )
    )
    new = office.approved("0.6000", less=home(id_="cn.test.less", first="2025-03-01"))

    with pytest.raises(ProblemsFound) as found:
        office.activate(new)

    assert {
        ("coverage-lost", "cn.test.gone", "2025-01-01..2025-12-31"),
        ("coverage-lost", "cn.test.less", "2025-01-01..2025-02-28"),
    } == {(one.code, one.parameters["ruleset"], one.parameters["days"]) for one in found.value.problems}


@pytest.mark.parametrize(
    ("instant", "days"),
    [
        ("2026-02-28T15:59:59+00:00", []),
        ("2026-02-28T16:00:00+00:00", ["2026-02-28"]),
        ("2026-03-01T00:00:00+08:00", ["2026-02-28"]),
        ("2026-03-02T15:59:59+00:00", ["2026-02-28..2026-03-01"]),
    ],
)
def test_days_count_up_to_that_of_the_activation_in_china(
    office: Office, clock: Clock, instant: str, days: list[str]
) -> None:
    """The new rate book bills one rule set through 27 February; in China 1 March begins at 16:00 UTC."""
    clock.instant = datetime(2026, 2, 1, tzinfo=UTC)
    office.activate(office.approved("0.5000", other=home(id_="cn.test.other")))
    new = office.approved("0.6000", other=home(id_="cn.test.other", through="2026-02-27"))
    found = []

    try:
        office.activate(new, datetime.fromisoformat(instant))
    except ProblemsFound as refused:
        found = [one.parameters["days"] for one in refused.problems]

    assert days == found


def test_what_is_planned_to_follow_may_not_lose_days_either(office: Office) -> None:
    """A version with more rule sets is put before one that was planned without them."""
    office.activate(office.approved("0.5000"))
    office.activate(office.approved("0.6000"), NOON + 48 * HOUR)
    between = office.approved("0.7000", more=home(id_="cn.test.more", first="2025-01-01"))

    with pytest.raises(ProblemsFound) as found:
        office.activate(between, NOON + 24 * HOUR)

    (lost,) = found.value.problems
    assert ("coverage-lost", "cn.test.more", between.version) == (
        lost.code,
        lost.parameters["ruleset"],
        lost.parameters["before"],
    )


def test_a_withdrawal_may_return_to_a_version_with_fewer_days(office: Office) -> None:
    """Whoever withdraws has no time for a rate book that bills everything."""
    old = office.activate(office.approved("0.5000"))
    new = office.activate(office.approved("0.6000", more=home(id_="cn.test.more", first="2025-01-01")))

    office.withdraw(new, old)

    assert old.version == office.registry.schedule().active(NOON)
