"""A version named by its first digits, where two versions begin alike."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from engine.language.problems import ProblemsFound
from engine.registry.content import version_of
from engine.registry.registry import Registry
from tests.service.rate_books import FILE, Remembering, approved, home


def alike() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Two rate books whose versions share their first 8 digits; among 100,000 books two such are to be expected."""
    seen: dict[str, dict[str, bytes]] = {}
    for number in count():
        files = {FILE: home()[FILE] + f"# {number}\n".encode()}
        digits = version_of(files)[:8]
        if digits in seen:
            return seen[digits], files
        seen[digits] = files
    raise AssertionError


def test_the_digits_that_two_versions_share_name_neither(tmp_path: Path) -> None:
    """`version-ambiguous`; with the digits that tell them apart each is found."""
    registry = Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", build=Remembering())
    first, second = (approved(registry, files) for files in alike())

    with pytest.raises(ProblemsFound) as raised:
        registry.resolve(first[:8])
    found = registry.resolve(first[:16]), registry.resolve(second[:16])
    registry.close()

    (told,) = raised.value.problems
    assert first[:8] == second[:8]
    assert (told.code, dict(told.parameters)) == ("version-ambiguous", {"version": first[:8]})
    assert found == (first, second)
