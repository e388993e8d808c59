"""Units: written, multiplied, printed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.nodes import Text
from engine.language.problems import Place, ProblemsFound
from engine.language.units import DIMENSIONLESS, SYMBOLS, Unit, parse_unit

BASES = sorted({symbol for unit, _ in SYMBOLS.values() for symbol, _ in unit.dims})

units = st.dictionaries(st.sampled_from(BASES), st.integers(-3, 3).filter(bool), max_size=4).map(
    lambda powers: Unit(tuple(sorted(powers.items())))
)


def unit(text: str) -> Unit:
    return parse_unit(text)[0]


@pytest.mark.parametrize(
    ("written", "printed", "scale"),
    [
        ("CNY/kWh", "CNY/kWh", 1),
        ("fen/kWh", "CNY/kWh", Fraction(1, 100)),
        ("CNY/MWh", "CNY/kWh", Fraction(1, 1000)),
        ("MWh", "kWh", 1000),
        ("CNY/kVA/month", "CNY/kVA/month", 1),
        ("kWh/kVA", "kWh/kVA", 1),
        ("kWh/kW", "h", 1),
        ("kW * h", "kWh", 1),
        ("kvar*h", "kvarh", 1),
        ("kWh/month", "kWh/month", 1),
        ("CNY/m3", "CNY/m3", 1),
        ("fen/m3", "CNY/m3", Fraction(1, 100)),
        ("m3/m3", "1", 1),
        ("percent", "1", Fraction(1, 100)),
        ("%", "1", Fraction(1, 100)),
        ("permille", "1", Fraction(1, 1000)),
        ("1/h", "1/h", 1),
        ("h^2", "h^2", 1),
    ],
)
def test_units_as_written_and_as_printed(written: str, printed: str, scale: Fraction) -> None:
    parsed, times = parse_unit(written)

    assert str(parsed) == printed
    assert times == scale


def test_energy_times_price_is_money() -> None:
    assert unit("kWh") * unit("CNY/kWh") == unit("CNY")
    assert unit("kW") * unit("CNY/kW/month") * unit("month") == unit("CNY")
    assert unit("m3") * unit("CNY/m3") == unit("CNY")
    assert unit("CNY") / unit("CNY") == DIMENSIONLESS
    assert unit("kWh") != unit("kvarh")


def test_a_problem_of_a_unit_has_the_place_of_its_text() -> None:
    place = Place("a.yaml", 3, 5, 3, 8)

    with pytest.raises(ProblemsFound) as caught:
        parse_unit(Text("kwh", place))

    assert [(one.code, one.place) for one in caught.value.problems] == [("unknown-unit", place)]


@pytest.mark.parametrize(
    ("written", "code", "suggestion"),
    [
        ("元/万千瓦时", "unit-in-chinese", "CNY/kWh"),
        ("元/立方米", "unit-in-chinese", "CNY/m3"),
        ("万kWh", "unit-of-ten-thousand", "kWh"),
        ("months", "unknown-unit", "Write `month`. "),
        ("KVA", "unknown-unit", "Write `kVA`. "),
        ("yuan", "unknown-unit", ""),
    ],
)
def test_what_to_write_instead(written: str, code: str, suggestion: str) -> None:
    with pytest.raises(ProblemsFound) as caught:
        parse_unit(written)

    (found,) = caught.value.problems
    assert found.code == code
    assert found.parameters["suggestion"] == suggestion


@given(units, units, units)
def test_units_form_a_commutative_group(a: Unit, b: Unit, c: Unit) -> None:
    assert a * b == b * a
    assert (a * b) * c == a * (b * c)
    assert a * DIMENSIONLESS == a
    assert a / a == DIMENSIONLESS
    assert (a / b) * b == a


@given(units, st.integers(-3, 3), st.integers(-3, 3))
def test_powers_add_up(a: Unit, m: int, n: int) -> None:
    assert a**m * a**n == a ** (m + n)
    assert a**0 == DIMENSIONLESS


@given(units)
def test_a_square_has_its_root(a: Unit) -> None:
    assert (a * a).root() == a


def test_what_is_no_square_has_no_root() -> None:
    with pytest.raises(ValueError, match="has no root of degree 2"):
        unit("kWh").root()


@given(units)
def test_reading_a_printed_unit_gives_it_back(a: Unit) -> None:
    assert parse_unit(str(a)) == (a, Fraction(1))


@given(st.text(alphabet="kWh*/^1万元 CNYfen2.-", max_size=12))
def test_any_text_is_a_unit_or_a_problem(text: str) -> None:
    try:
        parsed, scale = parse_unit(text)
    except ProblemsFound:
        pass
    else:
        assert parse_unit(str(parsed))[0] == parsed
        assert scale > 0
