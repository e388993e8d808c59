"""Live, batch, the decimals and the desk give the warnings of the oracle; `make fuzz-triggers` compares more."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from engine.compiler.compile import compile_paths
from engine.compiler.trigger import Watch
from tests.oracles import triggers as oracle
from tests.triggers import shipped
from tests.triggers.drawing import draw_until
from tests.triggers.engines import ENGINES, Stream, batch, decimals, expected, live
from tests.triggers.fuzzing import compare

SHIPPED = shipped.shipped()


@pytest.fixture(scope="module")
def watch() -> Watch:
    """The shipped triggers."""
    return compile_paths([shipped.FOLDER]).watch


def test_every_engine_gives_the_warnings_of_the_oracle_on_drawn_rules_and_streams() -> None:
    """Every kind raises and clears, deadlines complete, events come late, twice and under a taken id."""
    done = compare(seed=7, streams=12, events=60, streams_a_file=3)

    assert done.differences == []
    kinds = ("event", "trend", "count", "sequence", "pair", "total")
    wanted = [
        *(f"{kind}, raised" for kind in kinds),
        "completed by a deadline",
        "events refused",
        "events that came again",
    ]
    assert [name for name in wanted if not done.counts[name]] == []
    assert set(done.seconds) == {"compiler", "oracle", *ENGINES}


@pytest.mark.parametrize("it", SHIPPED, ids=lambda it: str(it.id))
def test_the_oracle_meets_what_analysts_expect_of_the_shipped_triggers(it: shipped.Shipped) -> None:
    """Their tests were worked out by hand, so they check the oracle as they check the engine."""
    for test in it.document["trigger_tests"]:
        events, refused, _ = oracle.accepted(shipped.test_events(it, test), it.lateness)
        found = oracle.warnings_of(it.documents, events, shipped.moment(test["until"]))

        names = test.get("triggers", list(it.document["triggers"]))
        told = [one for one in found if one.trigger.partition(":")[2] in names]
        expect = test.get("expect", [])
        assert sorted((one.trigger, one.state, one.account, one.at) for one in told) == sorted(
            (
                f"{it.id}:{one['trigger']}",
                one.get("state", "raised"),
                one.get("account", "1"),
                shipped.moment(one["at"]),
            )
            for one in expect
        ), test["name"]
        assert refused == test.get("refused", {}), test["name"]
        for one in expect:
            at = shipped.moment(one["at"])
            like = [w for w in told if (w.trigger.partition(":")[2], w.at) == (one["trigger"], at)]
            values = {name: _number(text) for name, text in one.get("values", {}).items()}
            keys = tuple(one["keys"].values()) if "keys" in one else None
            assert any(values.items() <= w.values.items() and keys in (None, w.key) for w in like), test["name"]


def _number(text: str) -> oracle.Value:
    return Decimal(text) if text.lstrip("-").replace(".", "", 1).isdigit() else text


@pytest.mark.parametrize("it", SHIPPED, ids=lambda it: str(it.id))
def test_every_engine_gives_the_warnings_of_the_oracle_on_the_shipped_triggers(
    it: shipped.Shipped, watch: Watch
) -> None:
    """Streams of the events of their tests, at the durations that they name, for accounts with one hash."""
    mine = replace(watch, triggers={id_: one for id_, one in watch.triggers.items() if one.ruleset == it.id})
    raised = 0
    for number in range(3):
        random = Random(f"{it.id}/{number}")
        arrivals = shipped.draw_arrivals(random, it, 60)
        stream = Stream(arrivals, it.lateness, draw_until(random, arrivals), number)

        wanted = expected(it.documents, stream)

        assert live(mine, stream) == wanted
        assert batch(mine, stream) == wanted
        assert decimals(mine, stream) == wanted
        raised += len(wanted)
    assert raised > 0
