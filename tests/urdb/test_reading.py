"""Reading JSON: what the API answers, what older versions and the database's dump hold; nothing dropped in silence."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from engine.urdb.problems import _TEXTS as TEXTS
from engine.urdb.problems import NotTranslated, RateProblem, found, render
from engine.urdb.rate import read_rate
from engine.urdb.translate import translate
from tests.urdb.billing import options


def problem(text: str, label: str | None = None) -> str:
    with pytest.raises(NotTranslated) as caught:
        read_rate(text, label)
    return str(caught.value).splitlines()[0]


@pytest.mark.parametrize(
    "text",
    ['{"name": "A"}', '[{"name": "A"}]', '{"items": [{"name": "A"}]}', '{"items": [{"name": "A"}], "query": {}}'],
)
def test_a_rate_alone_or_in_an_answer(text: str) -> None:
    assert "A" == read_rate(text).values["name"]


def test_numbers_keep_their_digits() -> None:
    """0.10 is not 0.1, and 0.1 is not a binary fraction."""
    values = read_rate('{"a": 0.10, "b": 1e-5, "c": 3}').values

    assert ["0.10", "0.00001", "3"] == [f"{value:f}" for value in values.values()]


def test_one_of_several_rates_is_named() -> None:
    text = '[{"label": "a", "name": "A"}, {"label": "b", "name": "B"}]'

    assert "B" == read_rate(text, "b").values["name"]
    assert "many-rates: the file holds 2 rates." == problem(text)
    assert "no-such-label: no rate of the file has the label `c`." == problem(text, "c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"name": "A"', "not-json: Expecting ',' delimiter: line 1 column 13 (char 12)"),
        ('{"mincharge": NaN}', "not-json: NaN is no number"),
        ('{"mincharge": 1e999999999}', "not-json: 1e999999999 is no number that can be billed"),
        ("[]", "no-rate: the file holds no rate."),
        ('{"a": 5, "a": 6}', "key-twice: `a` stands twice in one object; one of the two would be dropped."),
        ('{"eia": 5, "eiaid": 6}', "same-field: `eia` and `eiaid` are two names of one field, and differ: 5 and 6."),
        (
            '{"energyratestructure": [[{"rate": 0.2}]], "energyratestructure/period0/tier0rate": 0.1}',
            "same-field: `energyratestructure` and `energyratestructure/period0/tier0rate` are two names of one field, "
            'and differ: [[{"rate": "0.2"}]] and [[{"rate": "0.1"}]].',
        ),
        (
            json.dumps({"flatdemandmonths": [0] * 12} | {f"flatdemandmonth{at}": 2 for at in range(1, 13)}),
            "same-field: `flatdemandmonths` and `flatdemandmonth1` are two names of one field, "
            'and differ: ["0", "0", "0", "0", "0", "0", "0", "... and ["1", "1", "1", "1", "1", "1", "1", "....',
        ),
    ],
)
def test_what_is_wrong_with_a_file(text: str, expected: str) -> None:
    assert expected == problem(text)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"foo": 1}, "no-rate: the file holds no rate."),
        (
            {"mincharge": "1e999999999"},
            "shape: `mincharge`: `1e999999999` is no number.",
        ),
        ({"mincharge": True}, "shape: `mincharge`: `true` is no number."),
        (
            {"startdate": 1514764800000},
            "shape: `startdate`: `1514764800000` is neither seconds since 1970 nor a day.",
        ),
        ({"startdate": "2018-13-45"}, "shape: `startdate`: `2018-13-45` is neither seconds since 1970 nor a day."),
    ],
)
def test_what_is_wrong_with_a_rate(fields: dict[str, object], expected: str) -> None:
    with pytest.raises(NotTranslated) as caught:
        translate(read_rate(json.dumps(fields)), options(in_force=None, id="us.a.b"))

    assert expected == str(caught.value).splitlines()[0]


def test_two_spellings_of_one_value_are_both_told_of() -> None:
    rate = read_rate('{"eia": 5, "eiaid": 5}')

    assert ("eia", "eiaid") == rate.spelled["eiaid"]


def _ruleset(fields: dict[str, Any]) -> Any:
    named = {"utility": "Example Co", "name": "Rate", "label": "0"}
    found = translate(read_rate(json.dumps({**named, **fields})), options())
    return found.ruleset


MONTHS = [[1] * 24 if 5 <= month <= 8 else [0] * 24 for month in range(12)]
NEW: dict[str, Any] = {
    "energyratestructure": [[{"max": 500, "rate": 0.1, "adj": 0.01}, {"rate": 0.2}], [{"rate": 0.3}]],
    "energyweekdayschedule": MONTHS,
    "energyweekendschedule": MONTHS,
    "flatdemandstructure": [[{"rate": 2}], [{"rate": 3}]],
    "flatdemandmonths": [0] * 5 + [1] * 4 + [0] * 3,
}


@pytest.mark.parametrize("first", [0, 1])
def test_version_2_and_the_csv_are_put_together(first: int) -> None:
    """Keys that name a period and tier, schedules as 288 digits; version 2 counts from 1, the CSV from 0."""
    digits = "".join(str(period + first) for month in MONTHS for period in month)
    old = {
        f"energyratestructure/period{first}/tier{first}max": 500,
        f"energyratestructure/period{first}/tier{first}rate": 0.1,
        f"energyratestructure/period{first}/tier{first}adjustment": 0.01,
        f"energyratestructure/period{first}/tier{first + 1}rate": 0.2,
        f"energyratestructure/period{first}/tier{first + 2}rate": "",
        f"energyratestructure/period{first + 1}/tier{first}rate": 0.3,
        "energyweekdayschedule": digits,
        "energyweekendschedule": digits,
        f"flatdemandstructure/period{first}/tier{first}rate": 2,
        f"flatdemandstructure/period{first + 1}/tier{first}rate": 3,
        **{f"flatdemandmonth{month + 1}": first + (5 <= month <= 8) for month in range(12)},
    }

    assert _ruleset(NEW) == _ruleset(old)


def test_the_dump_of_the_database() -> None:
    """Its names are in camel case, and a period's tiers stand in an object."""
    old = {
        "energyRateStrux": [{"energyRateTiers": tiers} for tiers in NEW["energyratestructure"]],
        "energyWeekdaySched": MONTHS,
        "energyWeekendSched": MONTHS,
        "flatDemandStrux": [{"flatDemandTiers": tiers} for tiers in NEW["flatdemandstructure"]],
        "flatDemandMonths": NEW["flatdemandmonths"],
    }

    assert _ruleset(NEW) == _ruleset(old)


def test_a_flat_rate_of_version_2() -> None:
    assert {
        "energy": {"title": "Energy", "quantity": "kwh", "price": "0.08[USD/kWh] + 0.01[USD/kWh]", "ledger": "energy"}
    } == _ruleset({"flatratebuy": 0.08, "flatratefueladj": 0.01})["charges"]


@pytest.mark.parametrize(
    "written", [1514764800, "1514764800", "2018-01-01", "2018-01-01 00:00:00", {"$date": "2018-01-01T00:00:00Z"},
                {"$date": 1514764800000}]
)  # fmt: skip
def test_days_in_force(written: Any) -> None:
    """Seconds since 1970 are of a day in UTC; the database's dump has milliseconds in an object."""
    rate = read_rate(
        json.dumps({"utility": "Example Co", "name": "Rate", "startdate": written, "fixedmonthlycharge": 1})
    )

    in_force = translate(rate, options(in_force=None)).ruleset["in_force"]

    assert {"from": "2018-01-01", "until_replaced": True} == in_force


def test_an_end_is_included_and_closes() -> None:
    rate = read_rate('{"utility": "E", "name": "R", "startdate": 1514764800, "enddate": 1546214400, "mincharge": 0}')

    in_force = translate(rate, options(in_force=None)).ruleset["in_force"]

    assert ("2018-01-01", "2018-12-31") == (in_force["from"], in_force["through"])
    assert in_force["closed"]


def test_every_problem_is_said_in_both_languages() -> None:
    """With the same names in braces."""
    told = {
        name: Decimal(1) for name in ("field", "other", "why", "count", "labels", "label", "first", "second", "one")
    }
    told |= {name: Decimal(1) for name in ("months", "text", "known", "utility", "name", "window", "interval")}

    for code in TEXTS:
        made = found(code, **told)
        assert isinstance(made, RateProblem)
        english, chinese = render(made, "en"), render(made, "zh")
        assert english != chinese
        assert "{" not in english + chinese
