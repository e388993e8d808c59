"""Meter tests and back-billing are formulas: the published answers stand in the rule set."""

from __future__ import annotations

from click.testing import CliRunner

from engine.cli import main
from tests.quantities.measured import HERE


def test_the_published_meter_tests() -> None:
    """Watt-second method, creep, slow meters, current transformers of mixed ratio."""
    done = CliRunner().invoke(main, ["test", str(HERE / "meter_tests.ruleset.yaml")])

    assert (0, "1 rule set, 7 tests, 0 failed\n") == (done.exit_code, done.output)
