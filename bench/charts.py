"""The report's pictures: SVG that reads in a light and in a dark scheme, each with a text alternative. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from bench.measure import Line, Spread

WIDTH = 760
ROW = 22
HEIGHT = 300
LEFT, RIGHT, TOP, BOTTOM = 84, 200, 18, 44
NAMES = 330
"""The width of the names beside the ratios."""

COLOURS = ("#2b7de9", "#d9822b", "#29a634", "#9179f2", "#db3737")

STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#555} .grid{stroke:#8886} .goal{stroke:#db3737;stroke-width:2} "
    "@media (prefers-color-scheme:dark){text{fill:#bbb}}"
)

Placed = tuple[str, Spread, float | None]
"""A ratio by its name, with its goal."""


def ratios(found: Sequence[Placed]) -> str:
    """Each ratio as a point with its spread on a scale of powers of ten, a red stroke where its goal is."""
    if not found:
        return _picture(WIDTH, ROW, "No ratios", [])
    every = [value for _, spread, goal in found for value in (spread.p10, spread.p90, goal) if value and value > 0]
    low, high = _decades([*every, 1.0])
    height = TOP + ROW * len(found) + BOTTOM

    def across(value: float) -> float:
        return NAMES + (WIDTH - NAMES - 20) * (log10(value) - low) / (high - low)

    drawn = []
    for power in range(low, high + 1):
        at = across(10.0**power)
        drawn.append(_stroke("grid", (at, TOP), (at, height - BOTTOM)))
        drawn.append(_text(at, height - BOTTOM + 18, f"{10.0**power:,.10g} ×", "middle"))
    for number, (name, spread, goal) in enumerate(found):
        y = TOP + ROW * number + ROW / 2
        colour = COLOURS[0] if goal is None or spread.median <= goal else COLOURS[1]
        drawn.append(_text(NAMES - 8, y + 4, name if len(name) <= 52 else name[:51] + "…", "end"))
        start, end = across(max(spread.p10, 10.0**low)), across(spread.p90)
        drawn.append(f'<path stroke="{colour}" stroke-width="3" d="M{start:.1f} {y}H{end:.1f}"/>')
        drawn.append(f'<circle fill="{colour}" r="4.5" cx="{across(spread.median):.1f}" cy="{y}"/>')
        if goal:
            drawn.append(_stroke("goal", (across(goal), y - 8), (across(goal), y + 8)))
    told = "; ".join(f"{name} {spread.median:.2f}" for name, spread, _ in found)
    return _picture(WIDTH, height, f"Ratios to their floors: {told}", drawn)


@dataclass(frozen=True, slots=True)
class Plane:
    """Where a size and a cost lie, both in powers of ten."""

    sizes: tuple[int, int]
    costs: tuple[int, int]

    def x(self, size: float) -> float:
        """From the left."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (log10(size) - self.sizes[0]) / (self.sizes[1] - self.sizes[0])

    def y(self, cost: float) -> float:
        """From the top."""
        part = (log10(cost) - self.costs[0]) / (self.costs[1] - self.costs[0])
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part

    def grid(self) -> list[str]:
        """A stroke and a number at each power of ten."""
        drawn = []
        for power in range(self.sizes[0], self.sizes[1] + 1):
            x = self.x(10.0**power)
            drawn += [
                _stroke("grid", (x, TOP), (x, HEIGHT - BOTTOM)),
                _text(x, HEIGHT - 26, f"{10**power:,}", "middle"),
            ]
        for power in range(self.costs[0], self.costs[1] + 1):
            y = self.y(10.0**power)
            drawn += [_stroke("grid", (LEFT, y), (WIDTH - RIGHT, y)), _text(LEFT - 8, y + 4, f"{10.0**power:g}", "end")]
        return drawn


def lines(found: Sequence[Line]) -> str:
    """Each line over sizes, both axes in powers of ten; its name and slope stand beside it."""
    sizes = _decades([size for line in found for size, _ in line.points])
    costs = _decades([value for line in found for _, spread in line.points for value in (spread.p10, spread.p90)])
    plane = Plane(sizes, costs)
    drawn = [*plane.grid(), _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, _once(o.size for o in found), "middle")]
    drawn.append(_text(4, TOP - 4, _once(o.cost for o in found), "start"))
    for number, line in enumerate(found):
        colour, y = COLOURS[number % len(COLOURS)], TOP + 16 + 38 * number
        points = [(plane.x(size), plane.y(spread.median)) for size, spread in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        drawn += [f'<circle fill="{colour}" r="4" cx="{x:.1f}" cy="{y:.1f}"/>' for x, y in points]
        drawn.append(f'<circle fill="{colour}" r="4" cx="{WIDTH - RIGHT + 16}" cy="{y - 4}"/>')
        drawn.append(_text(WIDTH - RIGHT + 26, y, line.name, "start"))
        drawn.append(_text(WIDTH - RIGHT + 26, y + 15, f"slope {line.slope:.2f}", "start"))
    told = "; ".join(f"{line.name} ({line.cost} by {line.size}) has a slope of {line.slope:.2f}" for line in found)
    return _picture(WIDTH, HEIGHT, f"Cost against size: {told}", drawn)


def _once(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return low, max(high, low + 1)


def _stroke(kind: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    (x, y), (to_x, to_y) = start, end
    return f'<line class="{kind}" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _picture(width: int, height: int, told: str, drawn: Sequence[str]) -> str:
    body = "\n".join(drawn)
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img">\n<title>{escape(told)}</title>\n'
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )
