"""Finding and listing versions, the audit trail, and what versions billed."""

from __future__ import annotations

import pytest

from engine.registry.registry import Registry, VersionRecord
from tests.registry.books import HOUR, NOON, Clock, book, home
from tests.registry.office import Office, codes

UNKNOWN = "ab" * 32


def test_files_that_versions_share_are_kept_once(office: Office) -> None:
    """Two versions with one file alike: three contents, each version with its own."""
    shared = home(id_="cn.test.shared")
    first, second = office.publish("0.5000", shared=shared), office.publish("0.6000", shared=shared)

    with office.registry._database.reading() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM content").scalar_one()

    assert 3 == kept
    assert book("0.5000", shared=shared) == office.registry.files(first.version)
    assert book("0.6000", shared=shared) == office.registry.files(second.version)


@pytest.mark.parametrize("digits", [8, 9, 63, 64])
def test_a_version_is_found_by_its_first_digits(office: Office, digits: int) -> None:
    """In every step, in capitals too."""
    record, _ = office.publish(), office.publish("0.6000")
    begin = record.version[:digits].upper()

    found = office.registry.resolve(begin)

    assert record.version == found
    assert "Wang" == office.registry.approve(begin, who="Wang", why="", request_id="1").approver


@pytest.mark.parametrize("wrong", ["", UNKNOWN, UNKNOWN[:8], "%" * 8, "_" * 64, "latest", UNKNOWN + "0", "short"])
def test_a_version_that_is_not_there_is_not_found(office: Office, wrong: str) -> None:
    """Nor is one whose name is too short to be one, or holds a sign that searches."""
    office.publish()

    refused = codes(lambda: office.registry.resolve(wrong)) + codes(lambda: office.registry.record(wrong))
    refused += codes(lambda: office.registry.files(wrong)) + codes(lambda: office.registry.history(wrong))

    assert ["unknown-version"] * 4 == refused


def test_versions_are_listed_newest_first_page_by_page(office: Office, clock: Clock) -> None:
    """Each page goes on where the one before ended, whatever happened to a version since."""
    published = []
    for number in range(1, 6):
        published.append(office.publish(f"0.{number}000").version)
        clock.go(-HOUR)  # a clock that is put back does not change the order
    office.approve(office.registry.record(published[2]))

    pages: list[list[VersionRecord]] = [office.registry.records(2)]
    while pages[-1]:
        pages.append(office.registry.records(2, pages[-1][-1].version))

    assert [published[4:2:-1], published[2:0:-1], published[:1], []] == [
        [one.version for one in page] for page in pages
    ]
    assert "Wang" == pages[1][0].approver


def test_history_is_given_in_order_of_all_and_of_one(office: Office) -> None:
    """Page by page, behind a number."""
    first, second = office.approved("0.5000"), office.approved("0.6000")
    office.activate(first)
    registry = office.registry

    found = [
        [(one.number, one.action) for one in registry.history()],
        [(one.number, one.action) for one in registry.history(second.version)],
        [(one.number, one.action) for one in registry.history(first.version, after=1, limit=1)],
        [(one.number, one.action) for one in registry.history(None, after=5)],
    ]

    assert [
        [(1, "published"), (2, "approved"), (3, "published"), (4, "approved"), (5, "activated")],
        [(3, "published"), (4, "approved")],
        [(2, "approved")],
        [],
    ] == found


def test_an_empty_registry_has_nothing_in_it(registry: Registry) -> None:
    """And its chain holds."""
    found = (registry.records(), registry.history(), registry.uses(UNKNOWN), registry.schedule().active(NOON))

    assert ([], [], [], None) == found
    assert registry.chain_holds()


def test_bills_are_counted_by_version_run_and_month(registry: Registry) -> None:
    """Counts add up, the first and the last instant stay, and notes that come late change neither wrongly."""
    march = 2026 * 12 + 2
    registry.note_use("a", "七月", {march: 5, march + 1: 1}, NOON)
    registry.note_use("a", "七月", {march: 7}, NOON - HOUR)
    registry.note_use("a", "", {march: 3_000_000_000}, NOON + HOUR)
    registry.note_use("a", "", {march: 3_000_000_000}, NOON)
    registry.note_use("b", "", {march: 9}, NOON)
    registry.note_use("a", "x\0y", {march: 1}, NOON)
    registry.note_use("a", "", {}, NOON)

    found = registry.uses("a")

    assert [
        ("", march, 6_000_000_000, NOON, NOON + HOUR),
        ("x\ufffdy", march, 1, NOON, NOON),
        ("七月", march, 12, NOON - HOUR, NOON),
        ("七月", march + 1, 1, NOON, NOON),
    ] == [(one.run, one.month, one.bills, one.first_used_at, one.last_used_at) for one in found]


def test_uses_are_given_page_by_page(registry: Registry) -> None:
    """Behind a run and a month: the next month of the run, then the next run."""
    for run in ("b", "a"):
        registry.note_use("v", run, {24311: 1, 24312: 2}, NOON)

    pages = [registry.uses("v", None, 3), registry.uses("v", ("b", 24311), 3)]

    assert [[("a", 24311), ("a", 24312), ("b", 24311)], [("b", 24312)]] == [
        [(one.run, one.month) for one in page] for page in pages
    ]
