"""A small roofline plot as SVG (Williams, Waterman, Patterson 2009): what bounds each step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from math import floor, log10
from typing import Any

from graphc.inspect.machine import Peak

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 460.0, 260.0, 58.0, 36.0, 12.0
ROOF, POINT, GRID = "#d6804c", "#4c8dd6", "#8a94a6"


def roofline(entries: Iterable[Any], peak: Peak) -> str:
    """Draw entries (``flops bytes seconds name``): operations per byte against operations per
    second, both logarithmic; the roof is the machine's bandwidth and its arithmetic."""
    points = [(e.flops / e.bytes, e.flops / e.seconds, e) for e in entries
              if e.flops and e.bytes and e.seconds]  # fmt: skip
    ridge = peak.flops / peak.bandwidth
    xs = [ridge / 30, ridge * 10, *(x for x, _, _ in points)]
    ys = [peak.flops / 1e4, peak.flops * 1.5, *(y for _, y, _ in points)]
    scale = _Scale(min(xs), max(xs), min(ys), max(ys))
    body = "".join([*scale.grid(), *_roof(scale, peak, ridge), *_points(scale, points)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:.0f}" height="{HEIGHT:.0f}"'
        f' viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" font-family="sans-serif" font-size="11">'
        f"{body}</svg>"
    )


class _Scale:
    """Logarithmic axes of the picture."""

    def __init__(self, x0: float, x1: float, y0: float, y1: float) -> None:
        self.x0, self.x1 = log10(x0), log10(x1)
        self.y0, self.y1 = log10(y0), log10(y1)

    def x(self, value: float) -> float:
        return LEFT + (log10(value) - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - 10)

    def y(self, value: float) -> float:
        part = (log10(value) - self.y0) / (self.y1 - self.y0)
        return HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)

    def grid(self) -> Iterator[str]:
        for power in range(floor(self.x0) + 1, floor(self.x1) + 1):
            x = self.x(10.0**power)
            yield _line(x, TOP, x, HEIGHT - BOTTOM)
            yield _text(x, HEIGHT - BOTTOM + 14, f"{10.0**power:g}")
        for power in range(floor(self.y0) + 1, floor(self.y1) + 1):
            y = self.y(10.0**power)
            yield _line(LEFT, y, WIDTH - 10, y)
            yield _text(LEFT - 6, y + 4, f"{10.0 ** (power - 9):g}", "end")
        yield _text((LEFT + WIDTH) / 2, HEIGHT - 6, "operations per byte")
        yield _text(4, TOP, "GFLOP/s", "start")


def _roof(scale: _Scale, peak: Peak, ridge: float) -> Iterator[str]:
    left = 10.0**scale.x0
    start = (scale.x(left), scale.y(max(left * peak.bandwidth, 10.0**scale.y0)))
    end = (scale.x(10.0**scale.x1), scale.y(peak.flops))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (start, (scale.x(ridge), end[1]), end))
    yield f'<polyline points="{points}" fill="none" stroke="{ROOF}" stroke-width="2"/>'


def _points(scale: _Scale, points: list[tuple[float, float, Any]]) -> Iterator[str]:
    longest = max((e.seconds for _, _, e in points), default=1.0)
    for x, y, entry in points:
        radius = 3 + 6 * (entry.seconds / longest) ** 0.5
        yield (
            f'<circle cx="{scale.x(x):.1f}" cy="{scale.y(y):.1f}" r="{radius:.1f}" fill="{POINT}"'
            f' fill-opacity="0.5" stroke="{POINT}"><title>{escape(entry.name)}</title></circle>'
        )


def _line(x0: float, y0: float, x1: float, y1: float) -> str:
    return f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke="{GRID}" stroke-opacity="0.3"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="currentColor" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
