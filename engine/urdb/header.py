"""The head of a rule set: id, title, source, days in force, class of customers."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from engine.urdb.draft import Options
from engine.urdb.problems import fail
from engine.urdb.rate import Rate
from engine.urdb.report import Report, said
from engine.urdb.write import Flow, one_line

_LEGAL: Final = re.compile(r"\b(co|company|corp|corporation|inc|llc|ltd)\b|\(utility company\)", re.IGNORECASE)
_RANGE: Final = re.compile(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)?")
_CLASSES: Final = ("residential", "commercial", "industrial", "lighting")


def head(rate: Rate, report: Report, options: Options) -> dict[str, Any]:
    """Give the keys that stand before the calendar."""
    utility, name = str(rate.get("utility") or ""), str(rate.get("name") or "")
    title = ", ".join(part for part in (utility, name) if part)
    report.say("header", "title and id", "utility", "name")
    data: dict[str, Any] = {
        "ruleset": options.id or _id(utility, name),
        "title": title or options.id,
        "source": _source(rate, report, utility),
        "in_force": _in_force(rate, report, options),
        "version_by": "period_from",
    }
    sector = str(rate.get("sector") or "").lower()
    if sector in _CLASSES:
        data["class"] = sector
        report.say("header", "class of customers", "sector")
    return {**data, "currency": "USD", "minor_places": options.minor_places}


def _id(utility: str, name: str) -> str:
    parts = [_slug(_LEGAL.sub(" ", utility)), _slug(name)]
    if not all(parts):
        raise fail("no-id", utility=utility, name=name)
    return ".".join(["us", *parts])


def _slug(text: str) -> str:
    """Letters, digits and `_`, beginning with a letter."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    slug = "_".join(re.findall(r"[a-z0-9]+", plain))
    return f"r_{slug}" if slug[:1].isdigit() else slug


def _source(rate: Rate, report: Report, utility: str) -> dict[str, Any]:
    label = rate.get("label")
    uri = rate.get("uri") or (f"https://openei.org/apps/USURDB/rate/view/{label}" if label else None)
    report.say("header", "source", "label", "uri")
    source: dict[str, Any] = {
        "document": f"U.S. Utility Rate Database, rate {label}" if label else "a rate in URDB's form"
    }
    if utility:
        source["publisher"] = utility
    if uri:
        source["url"] = str(uri)
    sheet = rate.get("source")
    report.say("note", f"tariff sheet: {said(sheet)}", "source")
    note = "imported from URDB; the head of the file says what became of each field"
    return {
        **source,
        "standing": "copy",
        "note": f"{note}; tariff sheet: {one_line(str(sheet))}" if sheet else note,
    }


def _in_force(rate: Rate, report: Report, options: Options) -> Flow:
    """The days in force: those asked for, else the rate's own."""
    if options.in_force is not None:
        match = _RANGE.fullmatch(options.in_force)
        if match is None:
            raise fail("in-force", text=options.in_force)
        for field in ("startdate", "enddate"):
            if rate.get(field) is not None:
                told = f"{_day(field, rate.get(field)).isoformat()}; --in-force {options.in_force} stands in its place"
                report.say("not_billed", told, field)
        return _days(match[1], match[2])
    if rate.get("startdate") is None:
        raise fail("needs-in-force")
    first = _day("startdate", rate.get("startdate"))
    last = _day("enddate", rate.get("enddate")) if rate.get("enddate") is not None else None
    report.say("header", f"first day in force: {first.isoformat()}, the day in UTC", "startdate")
    if last is not None:
        report.say("header", f"last day in force: {last.isoformat()}, the day in UTC", "enddate")
    return _days(first.isoformat(), last.isoformat() if last is not None else None)


def _days(first: str, last: str | None) -> Flow:
    if last is None:
        return Flow(**{"from": first}, until_replaced=True)
    return Flow(**{"from": first}, through=last, closed="what replaces it is another rate of the database")


def _day(field: str, value: Any) -> date:
    """Read seconds since 1970, a day, or the database dump's `{"$date": ...}`."""
    inner = value.get("$date") if isinstance(value, dict) else value
    if isinstance(inner, str) and re.fullmatch(r"\d{9,}", inner):
        inner = Decimal(inner)
    with suppress(ValueError, OverflowError, OSError):  # of a day that no calendar has
        if isinstance(inner, Decimal) and inner == int(inner):
            seconds = int(inner) // 1000 if isinstance(value, dict) else int(inner)
            return datetime.fromtimestamp(seconds, UTC).date()
        return date.fromisoformat(str(inner)[:10])
    raise fail("shape", field=field, why=f"`{inner}` is neither seconds since 1970 nor a day")
