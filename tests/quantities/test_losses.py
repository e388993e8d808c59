"""transformer_loss and line_loss: the published case, part months, tables, formulas, shares."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.oracles import transformer_loss as oracle
from tests.oracles.amounts import half_up
from tests.oracles.given import Value, items, number, word
from tests.oracles.line_loss import line_loss
from tests.oracles.thirtieths import thirtieths
from tests.properties.case import Row, rows_of
from tests.properties.profile import many
from tests.quantities.measured import measured, one
from tests.quantities.strategies import PERIODS, decimals

D = Decimal
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
BANDS = {"one": (400, 560), "two": (430, 640), "three": (460, 720)}  # kWh a month, half and full load
REACTIVE = {"one": (2300, 2900), "two": (2400, 3100), "three": (2500, 3300)}


def k_row(kva: int, kwh: str, iron: str, iron_kvarh: str, **more: Value) -> Row:
    given = {"kva": D(kva), "kwh": D(kwh), "kvarh": D(6000), "iron_kwh": D(iron), "iron_kvarh": D(iron_kvarh)}
    return Row({**given, **more}, JUNE, JULY)


def test_the_published_case_of_400_kva() -> None:
    """15,000 kWh × 1 % = 150, × 2.3 = 345; with iron 300 and 400: 450 kWh and 745 kvarh.

    Source: biz.doczj.com/doc/1814004304.html (its printed "345 + 150 = 450" is a slip for 300 + 150).
    """
    lines = one("transformer_loss_k", k_row(400, "15000", "300", "400"))

    assert not isinstance(lines, str)
    assert (
        (D(450), D(745)) == (lines["active"], lines["reactive"]) == (lines["rounded_active"], lines["rounded_reactive"])
    )


@pytest.mark.parametrize(("kva", "kwh"), [(315, "100"), (314, "150")])
def test_the_percentage_changes_at_315_kva(kva: int, kwh: str) -> None:
    """10,000 kWh × 1 % from 315 kVA, × 1.5 % below."""
    lines = one("transformer_loss_k", k_row(kva, "10000", "0", "0"))

    assert not isinstance(lines, str)
    assert D(kwh) == lines["active"]


def test_where_losses_are_rounded_matters() -> None:
    """Iron 10.5 and copper 10.5: 11 + 11 = 22 each rounded, 21 together; reactive 11 × 2.3 = 25.3, 24.15 together."""
    lines = one("transformer_loss_k", k_row(400, "1050", "10.5", "0"))

    assert not isinstance(lines, str)
    assert [D(22), D(21)] == [lines["rounded_active"], lines["active"]]
    assert [D(25), D(24)] == [lines["rounded_reactive"], lines["reactive"]]


def test_line_loss_is_of_energy_and_transformer_loss() -> None:
    """(40,000 + 1037) × 3 % = 1231.11 kWh; (10,000 + 7200) × 3 % = 516 kvarh.

    A published question (m.examk.com/p/2501671330.html) has P = 41,037 × 1.03 = 42,268.11 and Q = 17,716.
    """
    assert (D("1231.11"), D(516)) == (line_loss(D(40000), D(1037), D(3), 2), line_loss(D(10000), D(7200), D(3), 2))
    # 103,700 × 1 % = 1037 of copper and 400 × 3 % of iron
    lines = one("transformer_loss_k", k_row(400, "40000", "637", "6280", kvarh=D(10000)))

    assert not isinstance(lines, str)
    assert (D(1037), D(7200)) == (lines["active"], lines["reactive"])
    assert (D("1231.11"), D(516)) == (lines["line_active"], lines["line_reactive"])


K_ROWS: SearchStrategy[Row] = rows_of(
    PERIODS,
    kva=st.sampled_from([D(100), D(314), D(315), D(1000)]),
    kwh=decimals(1000000, 2),
    kvarh=decimals(1000000, 2),
    iron_kwh=decimals(1000, 1),
    iron_kvarh=decimals(10000, 1),
)


@many
@given(st.lists(K_ROWS, min_size=6, max_size=20))
def test_the_k_method_as_the_oracle_has_it(rows: list[Row]) -> None:
    """Both ways of rounding, months and parts of months; then the line's loss."""
    for row, parts in zip(rows, measured("transformer_loss_k", rows), strict=True):
        of = {name: number(row.given, name) for name in row.given}
        rate = D("0.01") if of["kva"] >= 315 else D("0.015")
        iron, days = (of["iron_kwh"], of["iron_kvarh"]), thirtieths(row.period_from, row.period_to)
        rounded = oracle.by_k(of["kwh"], iron, rate, D("2.3"), days, each=True)
        together = oracle.by_k(of["kwh"], iron, rate, D("2.3"), days, each=False)
        expected = {
            "rounded_active": rounded[0],
            "rounded_reactive": rounded[1],
            "active": together[0],
            "reactive": together[1],
            "line_active": line_loss(of["kwh"], together[0], D(3), 2),
            "line_reactive": line_loss(of["kvarh"], together[1], D(3), 2),
        }
        assert [expected] == parts


TABLE_ROWS: SearchStrategy[Row] = st.builds(
    lambda row, devices: Row({**row.given, "transformers": devices}, row.period_from, row.period_to),
    rows_of(
        PERIODS,
        shift=st.sampled_from(sorted(BANDS)),
        kwh=decimals(20000, 2),
        full_load=st.sampled_from([D(0), D(10000), D(20000), D(7)]),
        own_kva=decimals(1000),
        all_kva=st.sampled_from([D(0), D(1000), D(1600), D(3)]),
    ),
    st.lists(st.fixed_dictionaries({"fixed_kwh": decimals(1000), "days": decimals(30)}), max_size=6),
)


@many
@given(st.lists(TABLE_ROWS, min_size=6, max_size=20))
def test_a_table_of_loads_as_the_oracle_reads_it(rows: list[Row]) -> None:
    """Bands of load by shift, what lies on a limit, part months, a share of four places, agreed losses of a list."""
    for row, parts in zip(rows, measured("transformer_loss_table", rows), strict=True):
        kwh, full, shift = number(row.given, "kwh"), number(row.given, "full_load"), word(row.given, "shift")
        load = half_up(kwh / full, 5) if full else D(0)
        active, reactive = ((D(idle), *map(D, of[shift])) for idle, of in ((320, BANDS), (2100, REACTIVE)))
        cells = list(zip(active, reactive, strict=True))
        whole = oracle.by_table(load, kwh, cells, thirtieths(row.period_from, row.period_to))
        share = oracle.shared(whole, number(row.given, "own_kva"), number(row.given, "all_kva"))
        agreed = sum((number(one, "fixed_kwh") * number(one, "days") for one in items(row.given, "transformers")), D(0))
        fixed = half_up(half_up(agreed / 30, 2) * D("0.4"), 2)
        expected = {"active": whole[0], "reactive": whole[1], "shared_active": share[0], "shared_reactive": share[1]}
        assert [{**expected, "fixed": fixed}] == parts


def test_the_load_on_a_limit_belongs_to_the_lower_band() -> None:
    """5000 of 10,000 kWh is a load of 0.5: 400 kWh on one shift; 0.50001 is the next band, 560."""
    given: dict[str, Value] = {
        "shift": "one",
        "full_load": D(10000),
        "own_kva": D(1),
        "all_kva": D(1),
        "transformers": [],
    }
    rows = [Row({**given, "kwh": D(kwh)}, JUNE, JULY) for kwh in ("5000", "5000.10")]

    found = measured("transformer_loss_table", rows)

    assert [D(400), D(560)] == [parts[0]["active"] for parts in found if not isinstance(parts, str)]


FORMULA_ROWS: SearchStrategy[Row] = rows_of(
    PERIODS,
    kva=st.sampled_from([D(30), D(315), D(400), D(2500)]),
    kwh=decimals(2000000),
    kvarh=decimals(2000000),
    no_load=decimals(5, 3),
    load_loss=decimals(25, 2),
    current=decimals(0, 4) | st.sampled_from([D("0.0130"), D("0.05")]),
    impedance=st.sampled_from([D("0.04"), D("0.0450"), D("0.08")]),
    in_service=decimals(30),
)


@many
@given(st.lists(FORMULA_ROWS, min_size=6, max_size=20))
def test_the_formulas_as_the_oracle_has_them(rows: list[Row]) -> None:
    """With and without a reactive meter; a transformer in service on no day has no formula."""
    names = ("kva", "no_load", "load_loss", "current", "impedance")
    for row, parts in zip(rows, measured("transformer_loss_formula", rows), strict=True):
        days = int(number(row.given, "in_service"))
        if not days:
            assert parts == "refused-by-rule loss"
            continue
        kwh, kvarh = number(row.given, "kwh"), number(row.given, "kvarh")
        of = oracle.Plate(*(number(row.given, name) for name in names))
        active, reactive = oracle.by_formula(kwh, kvarh, of, D("1.8"), days)
        month = thirtieths(row.period_from, row.period_to)
        no_meter, nothing = oracle.by_formula(kwh, None, of, D(1), month)
        expected = {"active": active, "reactive": reactive}
        assert [{**expected, "no_meter_active": no_meter, "no_meter_reactive": nothing}] == parts


def test_a_small_transformer_by_the_formula() -> None:
    """50 kVA, P0 0.17, Pk 1.15, 10,000 kWh and 6000 kvarh in a month, shift 1.8.

    c = 1.8 × 1.15 × 10⁶ / (720 × 2500) = 1.15 → 1.2; 0.17 × 720 = 122.4 → 122; 1.2 × 136 = 163.2 → 163.
    e = 1.8 × 4 × 10⁴ / (720 × 50) = 2; I0 2 %: 2 × 50 × 720 / 100 = 720; 2 × 136 = 272.
    Without a reactive meter, shift 1: c = 0.6388… → 0.6; (10/0.8)² = 156.25 × 0.6 = 93.75 → 94.
    """
    given = {"kva": D(50), "kwh": D(10000), "kvarh": D(6000), "no_load": D("0.17"), "load_loss": D("1.15")}
    more = {"current": D("0.02"), "impedance": D("0.04"), "in_service": D(30)}

    lines = one("transformer_loss_formula", Row({**given, **more}, JUNE, JULY))

    expected = {"active": D(285), "reactive": D(992), "no_meter_active": D(216), "no_meter_reactive": D(0)}
    assert expected == lines
