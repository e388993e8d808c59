"""What a row needs, and where that counts: inputs, bounds of quantities, messages."""

from __future__ import annotations

from pathlib import Path

from tests.compiler.small import NOT_PRICED, compiled, inputs, messages, problems, row, totals

CHARGE = "charges:\n  energy: {quantity: kwh, price: 0.5}\n"


def test_an_input_with_a_default_is_not_missed_where_it_is_needed(tmp_path: Path) -> None:
    """100 x 0.5 = 50.00 and 7 x 1 = 7.00; a value that came is used, and refused where it is not needed."""
    text = (
        inputs("on: {type: boolean}", "more: {unit: kWh, places: 0, from: 0, to: 1000, default: 7, needed_when: on}")
        + NOT_PRICED
        + CHARGE
        + "  extra: {quantity: more, price: 1, when: on}\n"
    )
    rows = [
        row(kwh="100", on=True),
        row(kwh="100", on=True, more="3"),
        row(kwh="100", on=False),
        row(kwh="100", on=False, more="3"),
    ]

    assert ["57.00", "53.00", "50.00", "not-needed"] == totals(compiled(tmp_path, text), rows)


def test_a_condition_guards_what_stands_behind_it(tmp_path: Path) -> None:
    """`x` is read under `on` alone, in `and`, `or` and `if`: 100 x 0.5 = 50.00, 100 x 0.1 = 10.00, 100 / 20 = 5.00."""
    text = (
        inputs("on: {type: boolean}", "x: {unit: kWh, places: 0, from: 0, to: 1000, needed_when: on}")
        + NOT_PRICED
        + """\
quantities:
  share: divide(kwh, x, 2, half_up)
charges:
  energy: {quantity: kwh, price: 0.5, when: "on and x > 10[kWh]"}
  rest: {quantity: kwh, price: 0.1, when: "not on or x > 10[kWh]"}
  by_share: {kind: formula, amount: "share * 1[CNY] if on and x > 0 else 0"}
"""
    )
    rows = [row(kwh="100", on=False), row(kwh="100", on=True, x="20"), row(kwh="100", on=True, x="0")]

    assert ["10.00", "65.00", "0.00"] == totals(compiled(tmp_path, text), rows)
    assert ["missing-value"] == totals(compiled(tmp_path, text), [row(kwh="100", on=True)])


def test_bounds_finer_than_the_value_take_in_what_they_say(tmp_path: Path) -> None:
    """0.01 kWh is not below 0.005: 0.01 x 0.5 = 0.005, half up 0.01. 99.99 x 0.5 = 49.995, half up 50.00."""
    text = (
        inputs()
        + NOT_PRICED
        + """\
quantities:
  used: {formula: kwh, from: 0.005, to: 99.995}
charges:
  energy: {quantity: used, price: 0.5}
"""
    )
    made = compiled(tmp_path, text)
    rows = [row(kwh="0"), row(kwh="0.01"), row(kwh="99.99"), row(kwh="100")]

    assert ["out-of-bounds", "0.01", "50.00", "out-of-bounds"] == totals(made, rows)
    used = made.program.steps[made.program.names["used"]].type
    assert (1, 9999) == (used.low, used.high)


def test_bounds_the_wrong_way_round_are_told(tmp_path: Path) -> None:
    """No row could lie in them."""
    text = inputs() + NOT_PRICED + "quantities:\n  used: {formula: kwh, from: 10, to: 1}\n" + CHARGE

    assert ["bounds-reversed"] == problems(tmp_path, text)


def test_a_quantity_is_held_to_its_bounds_where_nothing_reads_it(tmp_path: Path) -> None:
    """Only bounds count: where the quantity cannot be computed, it has none to keep."""
    text = (
        inputs("on: {type: boolean}", "x: {unit: kWh, places: 0, from: 0, to: 1000, needed_when: on}")
        + NOT_PRICED
        + "quantities:\n  left: {formula: kwh - x, from: 0}\n"
        + CHARGE
    )
    rows = [row(kwh="100", on=False), row(kwh="100", on=True, x="100"), row(kwh="100", on=True, x="101")]

    assert ["50.00", "50.00", "out-of-bounds"] == totals(compiled(tmp_path, text), rows)


def test_a_warning_is_not_raised_where_its_message_has_no_value(tmp_path: Path) -> None:
    """A value outside its bounds is none; the bill stands, 100 x 0.5 = 50.00."""
    text = (
        inputs("on: {type: boolean}")
        + NOT_PRICED
        + "quantities:\n  small: {formula: kwh, to: 50}\n"
        + CHARGE
        + "  extra: {quantity: small, price: 0, when: on}\n"
        + 'warnings:\n  used: {title: used, level: info, when: "kwh > 10[kWh]", message: "{small}"}\n'
    )
    made = compiled(tmp_path, text)
    rows = [row(kwh="20", on=False), row(kwh="100", on=False)]

    assert ["10.00", "50.00"] == totals(made, rows)
    assert [("20.00",), ()] == [messages(made, one) for one in rows]


def test_a_value_may_be_ignored_only_where_it_is_not_needed(tmp_path: Path) -> None:
    """`ignored_when` alone had no effect: the value was billed."""
    text = (
        inputs("on: {type: boolean}", "x: {unit: kWh, places: 0, from: 0, to: 9, optional: true, ignored_when: on}")
        + NOT_PRICED
        + CHARGE
        + "  extra: {quantity: x if given(x) else 0, price: 1, when: on}\n"
    )

    assert ["ignored-without-needed"] == problems(tmp_path, text)


def test_a_quantity_that_is_a_code_is_compared_with_codes(tmp_path: Path) -> None:
    """The name of another input, under a name of its own."""
    text = (
        inputs("meter: {type: code, codes: {own: O, shared: S}}")
        + NOT_PRICED
        + "quantities:\n  kind: meter\n"
        + "charges:\n  energy: {quantity: kwh, price: 0.5, when: kind == own}\n"
    )
    rows = [row(kwh="1", meter="own"), row(kwh="1", meter="shared")]

    assert ["0.50", "0.00"] == totals(compiled(tmp_path, text), rows)


def test_a_charge_may_read_what_it_is_billed_with(tmp_path: Path) -> None:
    """`when: given(x)` stands before all of a charge's formulas: 300 kWh for 2 t are 150 a tonne, above 100 at 0.10."""
    text = (
        inputs("tonnes: {unit: tonne, places: 0, from: 1, to: 100, optional: true}")
        + NOT_PRICED
        + """\
charges:
  energy: {quantity: kwh, price: 0.5}
  intensity:
    kind: banded
    when: given(tonnes)
    method: whole
    ratio: {of: kwh, per: tonnes}
    quantity: kwh
    bands:
      - {up_to: 100, price: 0}
      - {price: 0.10}
"""
    )

    assert totals(
        compiled(tmp_path, text), [row(kwh="300"), row(kwh="300", tonnes="2"), row(kwh="200", tonnes="2")]
    ) == [
        "150.00",
        "180.00",
        "100.00",
    ]


def test_what_a_charge_is_billed_with_is_needed_by_others(tmp_path: Path) -> None:
    """Another charge that reads its quantity cannot be billed without it."""
    text = inputs("more: {unit: kWh, places: 0, from: 0, to: 100, optional: true}") + NOT_PRICED + (
        "charges:\n  energy: {quantity: kwh, price: 0.5}\n  extra: {quantity: more, price: 1, when: given(more)}\n"
        "  again: {quantity: extra.quantity, price: 2}\n"
    )  # fmt: skip

    assert totals(compiled(tmp_path, text), [row(kwh="2", more="3"), row(kwh="2")]) == ["10.00", "missing-value"]


def test_days_between_two_days_have_a_unit(tmp_path: Path) -> None:
    """10 kW for 6 hours on 31 days are 1860 kWh at 0.5; told by names, before anything is inferred."""
    text = inputs("kw: {unit: kW, places: 0, from: 0, to: 100}") + NOT_PRICED + (
        'charges:\n  energy: {quantity: "kw * (period_to - period_from) * 6[h/day]", price: 0.5}\n'
        "  rest: {quantity: kwh, price: 0}\n"
    )  # fmt: skip

    assert totals(compiled(tmp_path, text), [row(kwh="0", kw="10")]) == ["930.00"]
