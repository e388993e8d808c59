"""Requests that are repeated, and what each has to say."""

from __future__ import annotations

import pytest

from engine.registry.content import version_of
from engine.registry.registry import Registry, VersionRecord
from tests.registry.books import HOUR, Clock, book, build_in_process
from tests.registry.office import Office, codes

UNKNOWN = "ab" * 32


def test_a_repeated_request_gets_its_first_answer(office: Office, clock: Clock) -> None:
    """Whatever was done since; and nothing is done twice."""
    registry, other = office.registry, office.approved("0.5000")
    version = version_of(book())

    def steps() -> list[VersionRecord]:
        return [
            registry.publish(book(), who="Li", why="p", request_id="p"),
            registry.approve(version, who="Wang", why="a", request_id="a"),
            registry.activate(version, who="Li", why="x", active_from=None, request_id="x"),
            registry.withdraw(version, who="Wang", reason="w", return_to=other.version, request_id="w"),
        ]

    first = steps()
    rows = registry.history()
    clock.go(HOUR)

    assert first == steps()
    assert rows == registry.history()


def test_a_request_id_stands_for_one_content(office: Office) -> None:
    """Another person, reason, version or step under the same id is refused."""
    registry = office.registry
    record = registry.publish(book(), who="Li", why="p", request_id="1")

    refused = codes(lambda: registry.publish(book(), who="Zhao", why="p", request_id="1"))
    refused += codes(lambda: registry.publish(book(), who="Li", why="q", request_id="1"))
    refused += codes(lambda: registry.publish(book("0.6000"), who="Li", why="p", request_id="1"))
    refused += codes(lambda: registry.approve(record.version, who="Wang", why="p", request_id="1"))

    assert ["request-id-reused"] * 4 == refused


def test_a_request_that_was_refused_may_be_repeated(office: Office) -> None:
    """A refusal keeps nothing."""
    registry, record = office.registry, office.publish()
    refused = codes(lambda: registry.approve(record.version, who="Li", why="", request_id="1"))

    approved = registry.approve(record.version, who="Wang", why="", request_id="1")

    assert (["author-approves"], "Wang") == (refused, approved.approver)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"who": " "}, "who-missing"),
        ({"request_id": ""}, "request-id-missing"),
        ({"reason": "\n"}, "reason-missing"),
        ({"who": "x" * 201}, "field-too-long"),
        ({"request_id": "x" * 101}, "field-too-long"),
        ({"reason": "x" * 10_001}, "field-too-long"),
        ({"reason": "a\0b"}, "field-characters"),
        ({"who": "a\udcffb"}, "field-characters"),
        ({"return_to": ""}, "unknown-version"),
        ({"return_to": UNKNOWN}, "unknown-version"),
    ],
)
def test_what_a_step_needs_is_asked_for(office: Office, said: dict[str, str], code: str) -> None:
    """Before anything is written; also what a database cannot keep."""
    record = office.approved()
    asked = {"who": "Wang", "reason": "r", "return_to": record.version, "request_id": "1", **said}
    who, reason, return_to, request_id = (asked[name] for name in ("who", "reason", "return_to", "request_id"))

    refused = codes(
        lambda: office.registry.withdraw(
            record.version, who=who, reason=reason, return_to=return_to, request_id=request_id
        )
    )

    assert [code] == refused


def test_publications_are_built_only_when_something_may_come_of_it(database_url: str) -> None:
    """A request that was answered, and a version that is there, cost no compile."""
    built = []

    def build(files: dict[str, bytes]) -> object:
        built.append(version_of(files))
        return build_in_process(files)

    registry = Registry(database_url, Clock(), build)  # type: ignore[arg-type]  # what it counts, it builds
    for _ in range(2):
        registry.publish(book(), who="Li", why="", request_id="1")

    refused = codes(lambda: registry.publish(book(), who="Li", why="", request_id="2"))

    registry.close()
    assert (["version-exists"], [version_of(book())]) == (refused, built)
