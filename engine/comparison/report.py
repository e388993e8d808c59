"""A comparison as one HTML page: no network, plots within, English and Chinese, for screen and paper.

Takes the comparison as data (`engine.comparison.result`); gives text. Both languages are in the page; the reader
switches, and what is printed is what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from engine.comparison import plots
from engine.comparison.dimensions import MONTH
from engine.comparison.words import LANGUAGES, Language, words

ROWS_MAX: Final = 60  # of a table; the rest is in the data


def report(data: Mapping[str, Any], sweep: Mapping[str, Any] | None = None, shown: Language = "zh") -> str:
    """Write the page.

    Args:
        data: `engine.comparison.result.to_json`.
        sweep: `engine.comparison.sweep.to_json`, where the comparison is one of several.
        shown: the language that the page opens in.
    """
    environment = Environment(
        loader=PackageLoader("engine.comparison"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("report.html.j2")
    pages = [_page(data, sweep, language) for language in LANGUAGES]
    return template.render(pages=pages, data=data, shown=shown)


def _page(data: Mapping[str, Any], sweep: Mapping[str, Any] | None, language: Language) -> dict[str, Any]:
    say = words(language)
    title = _titles(data["titles"])
    parts = [_part(one, data, title, say, language) for one in data["currencies"]]
    return {
        "language": language,
        "say": say,
        "title": title,
        "money": _money,
        "whole": lambda value: f"{value:,}",
        "percent": _percent,
        "parts": parts,
        "sweep": None if sweep is None else _sweep(sweep, say, language),
        "rows_max": ROWS_MAX,
        "cause": lambda one: _cause(one, say),
    }


def _titles(titles: Mapping[str, str]) -> Callable[[str], str]:
    return lambda name: titles.get(name) or name.removeprefix("charge:")


def _part(
    one: Mapping[str, Any],
    data: Mapping[str, Any],
    title: Callable[[str], str],
    say: Callable[[str], str],
    language: str,
) -> dict[str, Any]:
    """What is told of one currency."""
    currency = one["currency"]

    def name(of: str) -> str:
        return f"{currency}-{of}-{language}"

    def differences(rows: Sequence[Mapping[str, Any]], titled: Callable[[str], str]) -> list[tuple[str, float]]:
        return [(titled(row["name"]), float(Decimal(row["difference"]))) for row in rows]

    charges = differences(one["charges"], lambda at: title(f"charge:{at}"))
    causes = [(_cause_short(row), float(Decimal(row["amount"]))) for row in one["causes"]]
    by = {
        dimension: plots.amounts_by(
            differences(rows, (lambda at: title(at)) if dimension == "ruleset" else (lambda at: at or say("(none)"))),
            currency,
            say,
            name(f"by-{dimension}"),
            in_order=dimension == MONTH,
        )
        for dimension, rows in one["by"].items()
    }
    tenths = [(float(Decimal(row["old"])), float(Decimal(row["new"]))) for row in one["deciles"]]
    return {
        **one,
        "histogram_plot": plots.change_histogram(one["histogram"], say, name("histogram"))
        if one["histogram"]["bills"]
        else "",
        "waterfall_plot": plots.waterfall(charges, currency, say, name("waterfall")),
        "causes_plot": plots.amounts_by(causes, currency, say, name("causes")),
        "by_plots": by,
        "deciles_plot": plots.by_decile(tenths, say, name("deciles")) if any(old != new for old, new in tenths) else "",
        "causes_by_size": sorted(one["causes"], key=lambda row: -abs(Decimal(row["amount"]))),
        "charges_changed": [row for row in one["charges"] if row["up"] or row["down"]],
        "dimensions": {
            dimension: list(rows)
            if dimension == MONTH
            else sorted(rows, key=lambda row: (-abs(Decimal(row["difference"])), row["name"]))
            for dimension, rows in one["by"].items()
        },
    }


def _sweep(sweep: Mapping[str, Any], say: Callable[[str], str], language: str) -> dict[str, Any]:
    made = []
    for currency in sweep["currencies"]:
        by = [(one["value"], one["currencies"][currency]) for one in sweep["steps"]]
        steps = [(float(Decimal(value)), float(Decimal(one["difference"])), int(one["up"])) for value, one in by]
        made.append(plots.sweep_plot(steps, sweep["setting"], currency, say, f"sweep-{currency}-{language}"))
    return {**sweep, "plots": made}


def _cause(one: Mapping[str, Any], say: Callable[[str], str]) -> str:
    """A cause in words."""
    path, kind = one["path"], one["kind"]
    if kind == "figure":
        return f"{path}  {one['before'] or '–'} → {one['after'] or '–'} {one['unit']}"
    return {
        "figures": f"{path} ({say('several numbers')})",
        "rule": f"{say('rule')}: {path}" if path else say("rule"),
        "days": say("days that cut a bill"),
        "carried": f"{say('earlier bills')}: {path}",
        "stored": say("the stored bill is another"),
    }[kind]


def _cause_short(one: Mapping[str, Any]) -> str:
    last = str(one["ruleset"]).split(".", 1)[-1]
    path = one["path"] or one["kind"]
    return f"{last} {path}" if last else path


def _money(text: str) -> str:
    value = Decimal(text)
    return f"{value:,.2f}" if value == value.quantize(Decimal("0.01")) else f"{value:,f}"


def _percent(part: str | int, whole: str | int) -> str:
    base = Decimal(whole)
    if not base:
        return "–"
    return f"{Decimal(part) / abs(base) * 100:+.2f}%" if Decimal(part) else "0.00%"
