"""No field of a rate vanishes: each is billed, kept, told to be nothing, left out, or told to be unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.urdb.fields import ALIASES, FIELDS
from engine.urdb.problems import NotTranslated
from engine.urdb.rate import read_rate
from engine.urdb.report import Entry
from engine.urdb.translate import translate
from tests.urdb.billing import HERE, options

NIGHT = [[0] * 24] * 12
ALL: dict[str, Any] = {
    "label": "0",
    "uri": "https://openei.org/apps/USURDB/rate/view/0",
    "utility": "Example Co",
    "name": "Rate",
    "sector": "Commercial",
    "startdate": 1514764800,
    "enddate": 1546214400,
    "energyratestructure": [[{"rate": 0.1, "adj": 0.01, "sell": 0.05, "unit": "kWh"}]],
    "energyweekdayschedule": NIGHT,
    "energyweekendschedule": NIGHT,
    "fueladjustmentsmonthly": [0.01] * 12,
    "flatdemandstructure": [[{"rate": 2}]],
    "flatdemandmonths": [0] * 12,
    "flatdemandunit": "kW",
    "demandratestructure": [[{"rate": 3}]],
    "demandweekdayschedule": NIGHT,
    "demandweekendschedule": NIGHT,
    "demandrateunit": "kW",
    "demandwindow": 15,
    "demandreactivepowercharge": 0.3,
    "demandratchetpercentage": [0.5] * 12,
    "lookbackpercent": 0.5,
    "lookbackrange": 11,
    "lookbackmonths": [False] * 12,
    "coincidentratestructure": [[{"rate": 1}]],
    "coincidentrateschedule": NIGHT,
    "coincidentrateunit": "kW",
    "fixedchargefirstmeter": 10,
    "fixedchargeeaaddl": 5,
    "fixedchargeunits": "$/month",
    "fixedmonthlycharge": 10,
    "mincharge": 50,
    "minchargeunits": "$/month",
    "minmonthlycharge": 50,
    "annualmincharge": 500,
    "flatratebuy": 0.1,
    "flatratefueladj": 0.01,
    "flatratesell": 0.05,
}
WORDS = {name: f"words of {name}" for name, field in FIELDS.items() if field.kind != "money" and name not in ALL}


def account(fields: dict[str, Any], **said: Any) -> dict[str, Entry]:
    """Translate; gives the entry of each field."""
    entries = translate(read_rate(json.dumps(fields)), options(**{"in_force": None, **said})).entries
    assert len({entry.field for entry in entries}) == len(entries)
    return {entry.field: entry for entry in entries}


def test_the_rate_of_this_test_has_every_field() -> None:
    assert {*ALL, *WORDS} == set(FIELDS)
    assert set(ALIASES.values()) <= set(FIELDS)


def test_every_field_is_told_of() -> None:
    found = account({**ALL, **WORDS, "newfield": 7})

    assert list(found) == [*ALL, *WORDS, "newfield"]
    assert all(entry.text for entry in found.values())
    assert found["newfield"].outcome == "unknown"
    assert {found[name].outcome for name in WORDS} == {"note"}
    money = {name for name, field in FIELDS.items() if field.kind == "money"}
    assert {name for name in money if found[name].outcome != "billed"} == {
        "flatratebuy",  # the structure stands in their place
        "flatratefueladj",
        "flatratesell",  # energy sold is not billed
    }


@given(st.sets(st.sampled_from(sorted({**ALL, **WORDS}))), st.sets(st.sampled_from(sorted(ALL))))
def test_no_subset_of_the_fields_loses_one(chosen: set[str], empty: set[str]) -> None:
    """Whatever a rate has, every field of it has an entry, or the import stops with a problem that says why."""
    named = {"utility": "Example Co", "name": "Rate"}
    fields = {name: value for name, value in {**ALL, **WORDS, **named}.items() if name in chosen or name in named}
    fields |= {name: None for name in empty if name not in named}

    try:
        found = account(fields, in_force="2018-01-01..")
    except NotTranslated:
        return

    assert list(found) == list(fields)


@pytest.mark.parametrize("name", sorted(name for name, field in FIELDS.items() if field.kind == "money"))
def test_a_field_left_out_is_told_of(name: str) -> None:
    """Without a field the rule set has less, or another field says the same; the account says it was left out."""
    if name in ("fixedchargeunits", "minchargeunits") or name.endswith(("weekdayschedule", "weekendschedule")):
        with pytest.raises(NotTranslated, match="is missing"):
            account(ALL, without=frozenset({name}))
        return

    found = account(ALL, without=frozenset({name}))

    assert (found[name].outcome, found[name].text) == ("left_out", "--without: the rule set does not bill it")


@pytest.mark.parametrize("spelling", sorted(ALIASES))
def test_other_spellings_are_the_same_field(spelling: str) -> None:
    """As the database's dump and older versions spell it; the account names it as the file does."""
    name = ALIASES[spelling]
    fields = {spelling if key == name else key: value for key, value in {**ALL, **WORDS}.items()}

    found, plain = account(fields), account({**ALL, **WORDS})

    assert found[spelling].outcome == plain[name].outcome
    assert [entry.text for entry in found.values()] == [entry.text for entry in plain.values()]


@pytest.mark.parametrize("case", sorted(path.name for path in (HERE / "cases").iterdir()))
def test_every_field_of_the_real_rates_is_known(case: str) -> None:
    text = (HERE / "cases" / case / "rate.json").read_text(encoding="utf-8")

    entries = translate(read_rate(text), options(tier_scope="pooled_pro_rata")).entries

    assert [entry.field for entry in entries] == list(json.loads(text))
    assert [entry.field for entry in entries if entry.outcome == "unknown"] == []


def test_what_was_noticed_in_prices_is_told() -> None:
    """A last tier that ends, a tier without a price, a period in no hour, a key that is not known."""
    structure = [[{"max": 5, "rate": 0.1}, {"max": 9}], [{"rate": 1, "colour": "red"}]]

    text = account({**ALL, "energyratestructure": structure})["energyratestructure"].text

    assert "period 0, tier 1 is the last and ends at 9: what lies above is billed at its price" in text
    assert "period 0, tier 1 has neither rate nor adj: priced at 0" in text
    assert "period 1 holds in no hour, and is not billed" in text
    assert "period 1, tier 0: `colour` is not a key of a tier that is known, and is not read" in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**12) | st.decimals(-5, 5, places=2).map(float) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=13) | st.dictionaries(st.sampled_from(["rate", "max", "unit"]), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), JSON, min_size=1, max_size=3))
def test_odd_values_are_told_of_or_stop_the_import(odd: dict[str, Any]) -> None:
    """Whatever stands in a field: an entry for each, or a problem; never an error of Python's."""
    fields = {**ALL, **odd}

    try:
        found = account(fields, in_force="2018-01-01..", tier_scope="per_period")
    except NotTranslated:
        return

    assert list(found) == list(fields)
