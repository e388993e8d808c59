"""Triggers as the compiler leaves them: what is remembered, for how long, and what makes two of them the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.compiler.compile import compile_all
from engine.compiler.trigger import DAY_US, Join, Trigger, Watch

HEAD = """
ruleset: cn.test.watch
source: {standing: example}
in_force: {from: 2026-01-01, until_replaced: true}
values:
  low: {unit: CNY, printed: 30}
events:
  used: {lateness: 3 days, inputs: {energy: {unit: kWh, places: 2, from: 0, to: 100000}}}
  told: {lateness: 1 day, keys: [bill], inputs: {amount: {unit: CNY, places: 2, from: 0, to: 100000}}}
  paid: {lateness: 5 days, keys: [bill], inputs: {amount: {unit: CNY, places: 2, from: 0, to: 100000}}}
triggers:
"""
SAID = "    title: 例\n    level: red\n    recipient: billing\n"
TREND = f"""
  rising:
{SAID}
    kind: trend
    on: used
    when: energy > previous.energy
    times: 3
    at_most_apart: 45 days
    message: "{{previous.energy}} {{energy}}"
"""
UNPAID = f"""
  unpaid:
{SAID}
    kind: sequence
    each: [bill]
    keeps: first
    steps:
      - {{as: issued, on: told, when: amount > low}}
      - {{absent: paid, when: amount == issued.amount and amount > low, within: 30 days}}
    message: "{{issued.amount}}"
    cool_down: 10 days
"""
COUNT = f"""
  twice:
{SAID}
    kind: count
    on: used
    when: "energy > 100[kWh]"
    times: 3
    within: 365 days
    message: "{{energy}}"
    clears: {{on: used, when: "energy < 10[kWh]"}}
"""


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """A trend, an absence by bill, a count that is cleared."""
    return compiled(tmp_path, HEAD + TREND + UNPAID + COUNT)


def compiled(folder: Path, text: str) -> Watch:
    """Compile one file."""
    (folder / "watch.ruleset.yaml").write_text(text, "utf-8")
    book, problems = compile_all([folder])
    assert [] == [str(one) for one in problems]
    return book.watch


def remembered(trigger: Trigger) -> list[str]:
    """Names of what is remembered."""
    return [one.name for one in trigger.remembered]


def test_what_is_remembered_is_a_few_numbers(watch: Watch) -> None:
    """A trend keeps the event before, a sequence its stage, a count the times of all matches but the last."""
    rising, unpaid, twice = (watch.triggers[f"cn.test.watch:{name}"] for name in ("rising", "unpaid", "twice"))

    assert ["previous_at", "run", "previous.energy"] == remembered(rising)
    assert ["stage", "stage_at", "due", "issued.amount", "raised_at"] == remembered(unpaid)
    assert ["at_1", "at_2", "held"] == remembered(twice)
    assert (2, -1) == (unpaid.due, unpaid.held)
    assert (-1, 2) == (twice.due, twice.held)


def test_how_long_it_matters(watch: Watch) -> None:
    """45 days of the trend; 30 days to the deadline and 10 of cool-down behind it; a year of the count."""
    horizons = [one.horizon // DAY_US for one in watch.triggers.values()]

    assert [45, 365, 40] == horizons  # in the order of their names: rising, twice, unpaid


def test_each_transition_names_its_keys_and_its_deadline_is_last(watch: Watch) -> None:
    """`each: [bill]` is the first key of both events."""
    unpaid = watch.triggers["cn.test.watch:unpaid"]

    assert [("told", (0,)), ("paid", (0,)), ("", ())] == [(one.event, one.keys) for one in unpaid.transitions]
    assert [-1, -1] == [one.raised for one in unpaid.transitions[:2]]  # a warning is raised at the deadline alone


def test_a_pattern_says_what_is_asked_of_an_event_alone_and_what_of_two(watch: Watch) -> None:
    """`amount > low` is of the payment by itself, `amount == issued.amount` of it and the bill."""
    first, last = watch.triggers["cn.test.watch:unpaid"].pattern.steps

    assert (first.name, first.event, first.joins, first.own is not None) == ("issued", "told", (), True)
    assert (last.absent, last.within // DAY_US, last.plain) == (True, 30, True)
    assert (Join("amount", "==", "issued", "amount"),) == last.joins


def test_a_new_number_leaves_the_memory_as_it_is(watch: Watch, tmp_path: Path) -> None:
    """30 CNY become 50; a trend of 4 is another structure than one of 3."""
    dearer = compiled(tmp_path, (HEAD + TREND + UNPAID + COUNT).replace("printed: 30", "printed: 50"))
    longer = compiled(
        tmp_path, (HEAD + TREND + UNPAID + COUNT).replace("times: 3\n    at_most", "times: 4\n    at_most")
    )

    def structures(of: Watch) -> dict[str, str]:
        return {name: one.structure for name, one in of.triggers.items()}

    assert structures(watch) == structures(dearer)
    assert watch.hash != dearer.hash
    changed = {name for name, one in structures(longer).items() if one != structures(watch)[name]}
    assert {"cn.test.watch:rising"} == changed


def test_the_standing_of_a_trigger_is_its_own_or_that_of_its_file(tmp_path: Path) -> None:
    """A source of the trigger stands before that of the rule set."""
    own = TREND + "    source: {standing: recalled, note: 自记}\n"

    found = compiled(tmp_path, HEAD + own + COUNT).triggers

    assert ["recalled", "example"] == [one.standing for one in found.values()]


def test_a_rule_set_that_bills_watches_its_own_customers(tmp_path: Path) -> None:
    """The shop is billed, and its trigger reads the shop's own price table."""
    shop = """
ruleset: cn.test.shop
source: {standing: example}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
energy: {total: kwh, priced_by: [energy]}
values:
  price: {unit: CNY/kWh, printed: 0.5}
events:
  used: {lateness: 3 days, inputs: {energy: {unit: kWh, places: 2, from: 0, to: 100000}}}
charges:
  energy: {quantity: kwh, price: price}
triggers:
  dear:
    title: 例
    kind: event
    on: used
    when: energy * price > 50[CNY]
    level: red
    recipient: customer
    message: "{energy}"
"""
    (tmp_path / "shop.ruleset.yaml").write_text(shop, "utf-8")

    book, problems = compile_all([tmp_path])

    assert [] == problems
    assert ["cn.test.shop"] == list(book.rulesets)
    assert [("cn.test.shop:dear", True)] == [(name, one.own) for name, one in book.watch.triggers.items()]


def test_a_message_that_names_what_is_not_there_is_told_with_its_place(tmp_path: Path) -> None:
    """At a deadline there is no event whose fields could be named."""
    text = HEAD + UNPAID.replace('"{issued.amount}"', '"{amount}"')
    (tmp_path / "watch.ruleset.yaml").write_text(text, "utf-8")

    _, problems = compile_all([tmp_path])

    assert [("message-name", "amount")] == [(one.code, one.parameters["name"]) for one in problems]
    place = problems[0].place
    assert place is not None
    assert text.splitlines()[place.line - 1].strip() == 'message: "{amount}"'
