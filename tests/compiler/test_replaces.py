"""A rule set may put a charge of its own in the place of one of its form's, and nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.compiler.small import HEAD, compiled, row, totals

FORM = """\
form: cn.test.form
source: {standing: example}
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {quantity: kwh, price: 0.5}
  fund: {quantity: kwh, price: 0.01}
"""


def test_a_charge_that_replaces_the_forms_is_billed_in_its_place(tmp_path: Path) -> None:
    """100 kWh: the form's 50.00 + 1.00 becomes 60.00 + 1.00, not 50.00 + 60.00 + 1.00."""
    plain = HEAD + "follows: cn.test.form\n"
    own = "charges:\n  energy: {quantity: kwh, price: 0.6, replaces: energy, reason: a local price}\n"
    (tmp_path / "plain").mkdir()
    (tmp_path / "own").mkdir()

    before = totals(compiled(tmp_path / "plain", plain, {"form.form.yaml": FORM}), [row(kwh="100")])
    after = totals(compiled(tmp_path / "own", plain + own, {"form.form.yaml": FORM}), [row(kwh="100")])

    assert (["51.00"], ["61.00"]) == (before, after)
