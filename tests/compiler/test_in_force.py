"""Days on which a price is in force: who is refused where none is, and who is not."""

from __future__ import annotations

from pathlib import Path

from tests.compiler.small import NOT_PRICED, billed, compiled, inputs, messages, row, totals

NOTICE = """\
notice: cn.test.prices.2024-03
series: cn.test.prices
source: {standing: example}
in_force: {from: 2024-03-01, through: 2024-03-31}
tables:
  price: {unit: fen/kWh, keys: [user], columns: [flat], rows: [[a, 50], [b, 51]]}
"""


def test_a_value_that_is_in_force_on_no_day_is_not_zero(tmp_path: Path) -> None:
    """A sum with such a value was folded to its other side, and billed without it."""
    text = (
        inputs()
        + NOT_PRICED
        + """\
values:
  base: {unit: CNY/kWh, printed: 0.5}
  adder: {unit: CNY/kWh, dated: [{from: 2020-01-01, through: 2020-12-31, printed: 0.1}]}
charges:
  energy: {quantity: kwh, price: base + adder}
"""
    )

    assert ["no-price-in-force"] == totals(compiled(tmp_path, text), [row(kwh="100")])


def test_a_limit_that_no_row_reaches_is_needed_all_the_same(tmp_path: Path) -> None:
    """Bounds prove that the cap never binds, so that no step is left that reads it; after its last day it is not known.

    100 x 0.5 = 50.00, of which 50.00 go back.
    """
    text = (
        inputs()
        + NOT_PRICED
        + """\
values:
  cap: {unit: CNY, dated: [{from: 2020-01-01, through: 2024-12-31, printed: 1000000}]}
charges:
  energy: {quantity: kwh, price: 0.5}
  back: {kind: formula, amount: "-min(energy, cap)"}
"""
    )
    rows = [row(kwh="100"), row("2025-03-01", "2025-04-01", kwh="100")]

    assert ["0.00", "no-price-in-force"] == totals(compiled(tmp_path, text), rows)


def test_a_price_that_begins_later_refuses_those_whom_it_bills(tmp_path: Path) -> None:
    """Customers of the old tariff have their price; 100 x 0.5 = 50.00, 100 x 0.6 = 60.00."""
    text = (
        inputs("on_new: {type: boolean}")
        + NOT_PRICED
        + """\
charges:
  old: {quantity: kwh, price: 0.5, when: not on_new}
  new: {quantity: kwh, price: {dated: [{from: 2025-01-01, printed: 0.6}]}, when: on_new}
"""
    )
    rows = [
        row(kwh="100", on_new=False),
        row(kwh="100", on_new=True),
        row("2025-03-01", "2025-04-01", kwh="100", on_new=True),
    ]
    made = compiled(tmp_path, text)

    assert ["50.00", "no-price-in-force", "60.00"] == totals(made, rows)
    assert ("no price of `new.price` is in force on 2024-03-01.",) == messages(made, rows[1])


def test_a_table_is_needed_in_the_branch_that_reads_it(tmp_path: Path) -> None:
    """User b has a price of its own: 100 x 0.4 = 40.00. User a: 100 x 0.50 = 50.00 in the notice's month."""
    text = (
        inputs("user: {type: code, codes: {a: A, b: B}}")
        + NOT_PRICED
        + """\
fills: {prices: cn.test.prices}
charges:
  energy: {quantity: kwh, price: "prices.price[user].flat if user == a else 0.4[CNY/kWh]"}
"""
    )
    april = ("2024-04-01", "2024-05-01")
    rows = [row(kwh="100", user="a"), row(*april, kwh="100", user="a"), row(*april, kwh="100", user="b")]

    made = compiled(tmp_path, text, {"prices.notice.yaml": NOTICE})

    assert ["50.00", "no-price-in-force", "40.00"] == totals(made, rows)


def test_a_warning_refuses_no_bill(tmp_path: Path) -> None:
    """Its threshold ended before the bill's days: 100 x 0.5 = 50.00, and no warning."""
    text = (
        inputs()
        + NOT_PRICED
        + """\
values:
  much: {unit: kWh, dated: [{from: 2020-01-01, through: 2024-01-31, printed: 10}]}
charges:
  energy: {quantity: kwh, price: 0.5}
warnings:
  high: {title: high, level: info, when: kwh > much, message: "over {much}"}
"""
    )
    rows = [row("2024-01-01", "2024-02-01", kwh="100"), row(kwh="100")]
    made = compiled(tmp_path, text)

    assert ["50.00", "50.00"] == totals(made, rows)
    assert [("over 10",), ()] == [messages(made, one) for one in rows]


def test_a_rule_set_holds_no_longer_than_its_form(tmp_path: Path) -> None:
    """The form ended with February 2024: 100 x 0.5 = 50.00 until then."""
    form = """\
form: cn.test.form
source: {standing: example}
in_force: {from: 2010-01-01, through: 2024-02-29}
holes: [rate]
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {quantity: kwh, price: rate}
"""
    text = inputs().partition("inputs:")[0] + 'follows: cn.test.form\nfills: {rate: "0.5[CNY/kWh]"}\n'
    made = compiled(tmp_path, text, {"small.form.yaml": form})
    february = row("2024-02-01", "2024-03-01", kwh="100")

    assert ["50.00", "no-price-in-force"] == totals(made, [february, row(kwh="100")])


def test_a_charge_ends_on_its_last_day(tmp_path: Path) -> None:
    """100 x 0.5 = 50.00 and 100 x 0.1 = 10.00 through June; the ended charge's price is missed by nobody."""
    text = (
        inputs()
        + NOT_PRICED
        + """\
charges:
  energy: {quantity: kwh, price: 0.5}
  extra:
    quantity: kwh
    price: {dated: [{from: 2024-06-01, through: 2024-06-30, printed: 0.1}]}
    in_force: {from: 2024-06-01, through: 2024-06-30}
"""
    )
    months = [("2024-05-01", "2024-06-01"), ("2024-06-01", "2024-07-01"), ("2024-07-01", "2024-08-01")]
    rows = [row(*month, kwh="100") for month in months]
    made = compiled(tmp_path, text)

    assert ["50.00", "60.00", "50.00"] == totals(made, rows)
    assert ["period-crosses-change"] == totals(made, [row("2024-06-15", "2024-07-15", kwh="100")])
    assert [2, 3, 2] == [len(one) for one in billed(made, rows)]
