"""Draw measurements as a small SVG: one bar a side, CPU time a bill on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from benchmarks.measure import Measurement

WIDTH = 800
LABEL_WIDTH = 335
BAR_HEIGHT = 16
ROW_HEIGHT = 22
COLOURS = {"dianjia": "#0b7285", "dianjia-native": "#3bc9db"}
INEXACT = "#e8590c"
OTHER = "#adb5bd"


def svg(measurements: Sequence[Measurement]) -> str:
    """Draw one panel a workload, the fastest first."""
    workloads = list(dict.fromkeys(m.workload for m in measurements))
    low = 10 ** math.floor(math.log10(min(m.ns_per_row for m in measurements)))
    high = 10 ** math.ceil(math.log10(max(m.ns_per_row for m in measurements)))
    parts: list[str] = []
    top = 8
    for workload in workloads:
        panel = sorted((m for m in measurements if m.workload == workload), key=lambda m: m.ns_per_row)
        parts.append(
            f'<text x="8" y="{top + 14}" font-weight="bold">{workload}, {panel[0].rows:,} bills: '
            "CPU time a bill, one thread, logarithmic axis; orange: wrong totals</text>"
        )
        top += 26
        bottom = top + ROW_HEIGHT * len(panel)
        parts += _grid(low, high, top, bottom)
        for position, measurement in enumerate(panel):
            parts += _bar(measurement, low, high, top + position * ROW_HEIGHT)
        top = bottom + 30
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        'font-family="sans-serif" font-size="12" role="img">'
    )
    ground = f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>'
    return "\n".join([head, ground, *parts, "</svg>", ""])


def _x(value: float, low: float, high: float) -> float:
    share = math.log10(value / low) / math.log10(high / low)
    return LABEL_WIDTH + share * (WIDTH - LABEL_WIDTH - 70)


def _grid(low: float, high: float, top: int, bottom: int) -> list[str]:
    lines = []
    tick = low
    while tick <= high:
        x = _x(tick, low, high)
        label = f"{tick / 1000:,.0f} µs" if tick >= 1000 else f"{tick:,.0f} ns"
        lines.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#dee2e6"/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle" fill="#868e96">{label}</text>')
        tick *= 10
    return lines


def _written(ns: float) -> str:
    return f"{ns / 1000:,.0f} µs" if ns >= 10_000 else f"{ns:,.1f} ns" if ns < 100 else f"{ns:,.0f} ns"


def _bar(measurement: Measurement, low: float, high: float, top: int) -> list[str]:
    end = _x(measurement.ns_per_row, low, high)
    colour = COLOURS.get(measurement.side.name, OTHER) if measurement.side.exact else INEXACT
    middle = top + BAR_HEIGHT - 4
    return [
        f'<text x="{LABEL_WIDTH - 8}" y="{middle}" text-anchor="end">{escape(measurement.side.title)}</text>',
        f'<rect x="{LABEL_WIDTH}" y="{top}" width="{end - LABEL_WIDTH:.1f}" height="{BAR_HEIGHT}" fill="{colour}"/>',
        f'<text x="{end + 5:.1f}" y="{middle}">{_written(measurement.ns_per_row)}</text>',
    ]
