"""Every code of a call or of the registry: what it means to a caller, and that some test brings it about."""

from __future__ import annotations

import re
from functools import cache

import grpc
import pytest

from engine.language.catalogue import CATALOGUE, SERVICE
from engine.language.catalogue_service import STARTING
from engine.service.statuses import Fault, Retry, standing
from tests.documents import ROOT

PLACES = ("service", "registry", "client", "cli")


@cache
def written() -> str:
    """All tests of the service, the registry, the client and the commands, but this one."""
    files = [file for place in PLACES for file in sorted((ROOT / "tests" / place).rglob("*.py"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.name != "test_statuses.py")


@pytest.mark.parametrize("code", sorted(SERVICE))
def test_some_test_brings_it_about(code: str) -> None:
    """A text scan: the code stands in a test that says what leads to it."""
    assert re.search(rf"(?<![\w-]){re.escape(code)}(?![\w-])", written()), f"no test mentions `{code}`"


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_it_has_a_standing(code: str) -> None:
    """None is OK, UNKNOWN or UNIMPLEMENTED: those are gRPC's own."""
    found = standing(code)

    assert found.status not in {grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED}


def test_what_is_to_be_repeated() -> None:
    """A caller repeats these as they are, after a pause; of all others the same call gets the same answer."""
    assert {code for code in CATALOGUE if standing(code).retry is Retry.LATER} == {
        "too-many-calls",
        "shutting-down",
        "call-over",
        "registry-unavailable",
    }


def test_internal_is_our_fault_alone() -> None:
    assert [code for code in CATALOGUE if standing(code).status is grpc.StatusCode.INTERNAL] == ["our-fault"]
    assert [code for code in CATALOGUE if standing(code).fault is Fault.OURS] == ["our-fault"]


def test_the_start_is_the_operator_s() -> None:
    assert {standing(code).fault for code in STARTING} == {Fault.OPERATOR}


def test_a_code_that_is_none() -> None:
    with pytest.raises(KeyError):
        standing("no-such-code")
