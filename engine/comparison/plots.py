"""Plots of a comparison as SVG texts: letters stay letters, so that the reader's fonts show them in any language.

Takes the comparison as data; gives SVG without a network, a script or a date, the same for the same data.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

UP: Final = "#c2571a"  # bills that rise
DOWN: Final = "#1f7a8c"  # bills that fall
INK: Final = "#2b2f36"
PALE: Final = "#8a929e"
BARS_MAX: Final = 15
ORDERED_MAX: Final = 36  # three years of months
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
}

Say = Callable[[str], str]


def short_money(value: float) -> str:
    """A number of money with three digits or so: 1.25M, -830k, 12."""
    size = abs(value)
    for least, by, sign in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= least:
            return f"{value / by:,.4g}{sign}"
    return f"{value:,.2f}".removesuffix(".00")


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=3)
    return figure, axes


def _svg(figure: Figure, name: str) -> str:
    target = io.StringIO()
    with warnings.catch_warnings():
        # The font that only measures has no Chinese; the reader's has.
        warnings.simplefilter("ignore")
        with mpl.rc_context({**_SETTINGS, "svg.hashsalt": name}):
            figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = target.getvalue()
    return text[text.index("<svg") :]


def _drawn(make: Callable[[], Figure], name: str) -> str:
    with mpl.rc_context(_SETTINGS):
        return _svg(make(), name)


def change_histogram(of: Mapping[str, Any], say: Say, name: str) -> str:
    """Bills by their change in percent."""

    def make() -> Figure:
        figure, axes = _figure(7.4, 2.7)
        edges, counts = of["percent"], of["bills"]
        middles = [(a + b) / 2 for a, b in pairwise(edges)]
        width = edges[1] - edges[0] if len(edges) > 1 else 1
        axes.bar(middles, counts, width * 0.92, color=[UP if one > 0 else DOWN for one in middles])
        axes.axvline(0, color=PALE, linewidth=0.8)
        axes.set_xlabel(say("change of the bill [%]"))
        axes.set_ylabel(say("bills"))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        return figure

    return _drawn(make, name)


def _bars(names: Sequence[str], amounts: Sequence[float], label: str, name: str) -> str:
    def make() -> Figure:
        figure, axes = _figure(7.4, 0.7 + 0.27 * len(names))
        places = range(len(names))
        axes.barh(places, amounts, 0.7, color=[UP if one > 0 else DOWN for one in amounts])
        axes.set_yticks(places, [_escaped(one) for one in names])
        axes.invert_yaxis()
        axes.spines["left"].set_visible(False)
        axes.tick_params("y", length=0)
        axes.axvline(0, color=PALE, linewidth=0.8)
        axes.xaxis.set_major_formatter(lambda value, _: short_money(value))
        axes.set_xlabel(label)
        axes.margins(x=0.16)
        for at, amount in enumerate(amounts):  # always on the right, where no name of a bar stands
            where = (max(amount, 0), at), (3, 0)
            axes.annotate(short_money(amount), *where, textcoords="offset points", va="center", fontsize=8)
        return figure

    return _drawn(make, name)


def _escaped(text: str) -> str:
    """A dollar sign would begin a formula."""
    return text.replace("$", r"\$")


def largest(rows: Sequence[tuple[str, float]], rest: str) -> list[tuple[str, float]]:
    """The largest of some amounts, and the rest together."""
    changed = [one for one in rows if one[1]]
    ordered = sorted(changed, key=lambda one: -abs(one[1]))
    if len(ordered) <= BARS_MAX:
        return ordered
    return [*ordered[: BARS_MAX - 1], (rest, sum(amount for _, amount in ordered[BARS_MAX - 1 :]))]


def amounts_by(rows: Sequence[tuple[str, float]], currency: str, say: Say, name: str, *, in_order: bool = False) -> str:
    """Differences by some name, the largest first, or in the order given; "" where nothing differs."""
    if not any(amount for _, amount in rows):
        return ""
    shown = list(rows) if in_order and len(rows) <= ORDERED_MAX else largest(rows, say("others"))
    return _bars([one for one, _ in shown], [one for _, one in shown], f"{say('difference')} [{currency}]", name)


def waterfall(rows: Sequence[tuple[str, float]], currency: str, say: Say, name: str) -> str:
    """How charges bring the bills from old to new: each from where the one before ended; "" where nothing differs."""
    steps = [one for one in rows if one[1]]
    if not steps:
        return ""

    def make() -> Figure:
        figure, axes = _figure(7.4, 3.1)
        reached = 0.0
        names = [*(one for one, _ in steps), say("in all")]
        for at, (_, amount) in enumerate(steps):
            axes.bar(at, amount, 0.6, bottom=reached, color=UP if amount > 0 else DOWN)
            edge = max(reached, reached + amount)
            axes.annotate(short_money(amount), (at, edge), (0, 2), textcoords="offset points", ha="center", fontsize=8)
            axes.plot([at - 0.3, at + 1.3], [reached + amount] * 2, color=PALE, linewidth=0.7)
            reached += amount
        axes.bar(len(steps), reached, 0.6, color=INK)
        edge = max(reached, 0)
        axes.annotate(
            short_money(reached), (len(steps), edge), (0, 2), textcoords="offset points", ha="center", fontsize=8
        )
        axes.axhline(0, color=PALE, linewidth=0.8)
        long = max(len(one) for one in names) * len(names) > 80
        slanted = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if long else {}
        axes.set_xticks(range(len(names)), [_escaped(one) for one in names], **slanted)
        axes.yaxis.set_major_formatter(lambda value, _: short_money(value))
        axes.set_ylabel(f"{say('difference')} [{currency}]")
        axes.margins(y=0.14)
        return figure

    return _drawn(make, name)


def by_decile(rows: Sequence[tuple[float, float]], say: Say, name: str) -> str:
    """Change in percent by tenth of the bills; `rows`: old and new sums."""

    def make() -> Figure:
        figure, axes = _figure(7.4, 2.3)
        percent = [(new - old) / abs(old) * 100 if old else 0.0 for old, new in rows]
        axes.bar(range(1, len(rows) + 1), percent, 0.7, color=[UP if one > 0 else DOWN for one in percent])
        axes.axhline(0, color=PALE, linewidth=0.8)
        axes.set_xticks(range(1, len(rows) + 1))
        axes.set_xlabel(say("tenth of the bills, by the old bill"))
        axes.set_ylabel(say("change [%]"))
        return figure

    return _drawn(make, name)


def sweep_plot(steps: Sequence[tuple[float, float, int]], label: str, currency: str, say: Say, name: str) -> str:
    """Revenue effect and bills that rise, over the values of a sweep; `steps`: value, effect, bills."""
    values, revenue, hurt = zip(*steps, strict=True)

    def make() -> Figure:
        figure, axes = _figure(7.4, 3.1)
        axes.plot(values, revenue, marker="o", markersize=4, color=INK)
        axes.axhline(0, color=PALE, linewidth=0.8)
        axes.set_xlabel(_escaped(label))
        axes.set_ylabel(f"{say('revenue effect')} [{currency}]", color=INK)
        axes.yaxis.set_major_formatter(lambda value, _: short_money(value))
        other = axes.twinx()
        other.plot(values, hurt, marker="s", markersize=4, color=UP, linestyle="--")
        other.set_ylabel(say("bills that rise"), color=UP)
        other.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        other.spines["top"].set_visible(False)
        return figure

    return _drawn(make, name)
