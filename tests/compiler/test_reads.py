"""`reads` of a shared file: what the rule set has is read, and what it has not is an optional input."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import evaluate
from tests.billing import as_rows
from tests.compiler.small import HEAD, compiled, problems, row
from tests.oracles.given import Value

WARN = """\
shared: cn.test.warn
source: {standing: example}
reads:
  kwh:       {unit: kWh, places: 2, from: 0, to: 100000}
  last:      {unit: kWh, places: 2, from: 0, to: 100000}
  installed: {unit: kVA, places: 0, from: 0, to: 1000}
  running:   {unit: kVA, places: 0, from: 0, to: 1000}
values:
  warn_up: {unit: 1, dated: [{from: 2000-01-01, through: 2024-06-30, printed: 2}, {from: 2024-07-01, printed: 3}]}
quantities:
  warn_kva: running if given(running) else installed
warnings:
  up:   {title: 增, level: amber, when: kwh > warn_up * last, message: "本期 {kwh}，上期 {last}"}
  full: {title: 满, level: red, when: "kwh > 10[kWh/kVA] * warn_kva", message: "本期 {kwh}，容量 {warn_kva}"}
"""
USES = HEAD + "uses: [cn.test.warn]\n"
BILLS = """\
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {quantity: kwh, price: 1}
"""
OWN_KWH = "inputs:\n  kwh: {unit: kWh, places: 2, from: 0, to: 500}\n"


def using(folder: Path, ruleset: str) -> Compiled:
    """A rule set that uses the shared file."""
    return compiled(folder, ruleset, {"warn.shared.yaml": WARN})


def raised(of: Compiled, period: str = "2024-03-01", to: str = "2024-04-01", /, **given: Value | str | int) -> set[str]:
    """The warnings that a row raises."""
    result = evaluate(of, as_rows(of, [row(period, to, **given)]))
    assert result.problems == ()
    return {name for name, mask in result.warnings.items() if mask[0]}


def test_a_rule_set_of_nothing_but_warnings_takes_any_row(tmp_path: Path) -> None:
    """It bills nothing; each input is optional, and a warning that lacks one says nothing."""
    of = using(tmp_path, USES)

    assert {spec.name: spec.optional for spec in of.program.inputs} == dict.fromkeys(
        ["kwh", "last", "installed", "running"], True
    )
    assert raised(of) == set()
    assert raised(of, kwh="200.01", last="100") == {"up"}
    assert raised(of, kwh="200", last="100") == set()
    assert raised(of, kwh="200.01") == set()
    assert raised(of, last="100") == set()


def test_what_the_rule_set_has_is_read_and_comes_first(tmp_path: Path) -> None:
    """Its own input keeps its bounds; what nobody has stands behind it."""
    of = using(tmp_path, USES + OWN_KWH + BILLS)

    first = of.program.inputs[0]
    assert [spec.name for spec in of.program.inputs] == ["kwh", "last", "installed", "running"]
    assert (first.optional, first.type.high) == (False, 50000)
    assert raised(of, kwh="401", last="200", installed=41) == {"up"}
    assert raised(of, kwh="411", running=41) == {"full"}


def test_a_quantity_or_a_value_of_the_name_is_read_too(tmp_path: Path) -> None:
    """So a rule set that sums registers gives the sum, and one with a fixed capacity gives that."""
    own = OWN_KWH.replace("kwh:", "kwh_a:") + "  kwh_b: {unit: kWh, places: 2, from: 0, to: 500}\n"
    own += "quantities:\n  kwh: kwh_a + kwh_b\nvalues:\n  running: {unit: kVA, printed: 20}\n"
    of = using(tmp_path, USES + own + BILLS.replace("quantity: kwh", "quantity: kwh_a + kwh_b"))

    # `installed` is not asked for: what runs is known
    assert [spec.name for spec in of.program.inputs] == ["kwh_a", "kwh_b", "last"]
    assert raised(of, kwh_a=100, kwh_b="100.01") == {"full"}
    assert raised(of, kwh_a=100, kwh_b=100) == set()


def test_a_hole_that_is_filled_by_a_number_is_read(tmp_path: Path) -> None:
    """The form uses the shared file; what its rule sets fill in is there as well."""
    form = "form: cn.test.form\nsource: {standing: example}\nuses: [cn.test.warn]\nholes: [running]\n"
    form += OWN_KWH + BILLS
    follows = HEAD + "follows: cn.test.form\nfills:\n  running: 20[kVA]\n"

    of = compiled(tmp_path, follows, {"warn.shared.yaml": WARN, "a.form.yaml": form})

    assert [spec.name for spec in of.program.inputs] == ["kwh", "last"]
    assert raised(of, kwh="200.01") == {"full"}


def test_the_second_of_two_shared_files_reads_what_the_first_does(tmp_path: Path) -> None:
    """One input for both, as long as they mean the same unit by it."""
    more = "shared: cn.test.more\nsource: {standing: example}\nreads:\n"
    more += "  last: {unit: kWh, places: 2, from: 0, to: 10}\n"
    more += "warnings:\n  none_last: {title: 零, level: info, when: last == 0, message: 上期为零}\n"
    uses = HEAD + "uses: [cn.test.warn, cn.test.more]\n"

    of = compiled(tmp_path, uses, {"warn.shared.yaml": WARN, "more.shared.yaml": more})

    assert sorted(spec.name for spec in of.program.inputs) == ["installed", "kwh", "last", "running"]
    assert raised(of, kwh=1, last=0) == {"up", "none_last"}


def test_energy_that_only_warnings_read_is_not_divided_and_needs_no_price(tmp_path: Path) -> None:
    """A rule set of a fee says nothing of energy, and one in parts nothing of how to divide what it does not bill."""
    fee = "changes: split\ncharges:\n  fee:\n    kind: formula\n    per: bill\n    amount: 5[CNY]\n"

    of = using(tmp_path, USES + fee)

    assert not any(spec.split for spec in of.program.inputs)
    assert raised(of, "2024-06-15", "2024-07-15", kwh="300", last="100") == set()
    assert raised(of, "2024-06-15", "2024-07-15", kwh="300.01", last="100") == {"up"}


def test_a_quantity_that_only_a_warning_reads_refuses_rows_out_of_its_bounds(tmp_path: Path) -> None:
    """A warning changes no bill, and does not take the bounds away that the rule set declares."""
    own = OWN_KWH + "quantities:\n  last: {formula: 2 * kwh, to: 100}\n"
    of = using(tmp_path, USES + own + BILLS)

    (problem,) = evaluate(of, as_rows(of, [row(kwh="50.01")])).problems

    assert (problem.code, problem.field) == ("out-of-bounds", "last")


@pytest.mark.parametrize(
    ("when", "message", "found"),
    [
        ("last > 1[kWh]", "{last}", []),
        ("kwh > 1[kWh] and last > 1[kWh]", "{last}", []),
        ("kwh > 1[kWh] and 2 * twice > 1[kWh]", "{last} {twice}", []),
        ("kwh > 1[kWh] or last > 1[kWh]", "{last}", ["message-may-be-absent"]),
        ("kwh > 1[kWh]", "{last}", ["message-may-be-absent"]),
        ("kwh > (last if given(last) else 1[kWh])", "{last}", ["message-may-be-absent"]),
    ],
)
def test_a_message_names_an_optional_input_where_the_condition_has_read_it(
    tmp_path: Path, when: str, message: str, found: list[str]
) -> None:
    """Where the condition can hold without the input, the message would have nothing to show."""
    text = HEAD + OWN_KWH + "  last: {unit: kWh, places: 2, from: 0, to: 500, optional: true}\n" + BILLS
    text += f'quantities:\n  twice: 2 * last\nwarnings:\n  w: {{title: 增, level: info, when: "{when}", '
    text += f'message: "{message}"}}\n'
    if "twice" not in when:
        text = text.replace("quantities:\n  twice: 2 * last\n", "")

    assert problems(tmp_path, text) == found


def test_a_charge_still_has_to_say_what_it_does_without_an_optional_input(tmp_path: Path) -> None:
    """Also where a warning reads the same quantity."""
    text = HEAD + OWN_KWH + "  last: {unit: kWh, places: 2, from: 0, to: 500, optional: true}\n"
    text += "quantities:\n  twice: 2 * last\n" + BILLS.replace("quantity: kwh", "quantity: kwh + 0 * twice")
    text += 'warnings:\n  w: {title: 增, level: info, when: "twice > 1[kWh]", message: 增}\n'

    assert set(problems(tmp_path, text)) == {"may-be-absent"}


def test_the_shipped_rule_sets_have_the_same_warnings() -> None:
    """One line `uses:` brings them all; those of the form are told under the ids that they had."""
    rules = Path(__file__).parents[2] / "rules"
    book = compile_paths([rules / "cn/hubei", rules / "cn/beijing", rules / "cn/national"]).rulesets
    shared = {one.id for one in book["cn.national.warnings.one_row"].program.warnings}

    assert shared == {one.id for one in book["cn.hubei.industry_commerce"].program.warnings}
    assert shared | {"apply_again"} == {one.id for one in book["cn.beijing.residential"].program.warnings}
    assert shared >= {"demand_near_contract", "demand_over_contract", "demand_surcharged", "light_load"}
    assert shared >= {"power_factor_low", "power_factor_near", "usage_up", "usage_down"}
