"""What makes two rule sets the same: their structure, and the files that they come from."""

from __future__ import annotations

from pathlib import Path

from tests.compiler.small import NOT_PRICED, compiled, inputs

CHARGE = "charges:\n  energy: {quantity: kwh, price: 0.5, title: a}\n"
TABLE = """\
tables:
  price: {unit: CNY/kWh, keys: [month], columns: [flat], file: price.csv}
charges:
  energy: {quantity: kwh, price: "price[month].flat"}
"""


def structure(folder: Path, text: str) -> str:
    return compiled(folder, text).program.structure


def test_a_new_price_is_no_new_structure(tmp_path: Path) -> None:
    """Bounds of steps follow from the numbers, so they are no part of it."""
    text = inputs() + NOT_PRICED + CHARGE

    before = structure(tmp_path, text)

    assert before == structure(tmp_path, text.replace("price: 0.5, title: a", "price: 0.9, title: b"))


def test_what_is_computed_is_the_structure(tmp_path: Path) -> None:
    """A condition, a bound of an input, a number inside a formula and more places change it."""
    one = inputs() + NOT_PRICED + CHARGE
    others = [
        one.replace("title: a", 'when: "kwh > 5[kWh]"'),
        one.replace("to: 100000", "to: 100001"),
        one.replace("price: 0.5", 'price: "0.5[CNY/kWh]"'),
        one.replace("price: 0.5", "price: 0.55"),
    ]

    found = {structure(tmp_path, each) for each in (one, *others)}

    assert 5 == len(found)


def test_the_content_is_that_of_tables_too(tmp_path: Path) -> None:
    """A price corrected in a CSV makes another rule set."""
    rows = "month,flat\n" + "".join(f"{month},0.5000\n" for month in range(1, 13))
    text = inputs() + NOT_PRICED + TABLE
    before = compiled(tmp_path, text, {"price.csv": rows})

    after = compiled(tmp_path, text, {"price.csv": rows.replace("7,0.5000", "7,0.5001")})

    assert ["price.csv", "small.ruleset.yaml"] == [Path(file).name for file in before.files]
    assert before.content_hash != after.content_hash
