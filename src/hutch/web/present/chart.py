"""A signal over time as SVG, drawn here and not in the browser: line, threshold, breaches, gaps, marks. Pure.

Colours are classes of ``chart.css`` (no ``style``: the policy forbids it). The text alternative is the title, a
description in words, and a small table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import pairwise

from hutch.model.bins import Bin, Track, merged
from hutch.web.present.words import line, span

WIDTH, HEIGHT = 460, 180
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 16, 26
"""What the axes' words need on each side."""

ROWS = 12
"""Rows of the table beside a chart."""

POINTS = 150
"""Bins that are drawn at most."""

MARKS = 40
"""Marks that are drawn: the newest."""

_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A rule's bound, in the signal's unit: what lies beyond it is a breach."""

    op: str
    value: float
    word: str

    def broken(self, one: Bin) -> bool:
        """Whether any value of a bin is beyond it."""
        worst = one.high if self.op.startswith(">") else one.low
        return self.op in _HOLDS and _HOLDS[self.op](worst, self.value)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: ``kind`` is ``deploy``, ``alert`` or ``event``."""

    at: datetime
    kind: str
    word: str


@dataclass(frozen=True, slots=True)
class Plot:
    """All that a chart shows. ``id`` makes its parts' names unique on a page."""

    id: str
    title: str
    unit: str
    start: datetime
    end: datetime
    track: Track
    thresholds: Sequence[Threshold] = ()
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a while, and the lowest, mean and highest value in it."""

    at: str
    low: str
    mean: str
    high: str
    breach: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The drawing, what it says in words, and its table."""

    svg: str
    says: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Scale:
    """From times and values to places in the drawing."""

    plot: Plot
    low: float
    high: float
    step: float

    def x(self, at: datetime) -> float:
        share = (at - self.plot.start) / (self.plot.end - self.plot.start)
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - min(max(share, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM)


def chart(plot: Plot) -> Chart:
    """The chart of a signal. Every text in it is escaped."""
    plot = replace(plot, track=_drawn(plot))
    scale = _scale(plot)
    says = describe(plot)
    names = f"{plot.id}-title {plot.id}-says"
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{escape(names)}">',
        f'<title id="{escape(plot.id)}-title">{_text(plot.title)}</title>',
        f'<desc id="{escape(plot.id)}-says">{_text(says)}</desc>',
        *_breaches(plot, scale),
        *_grid(plot, scale),
        *(_threshold(t, scale) for t in plot.thresholds),
        *_marks(plot, scale),
        *_band(plot, scale),
        *_line(plot, scale),
        *([] if plot.track.bins else [_label(WIDTH / 2, HEIGHT / 2, "no data", "none", "middle")]),
        "</svg>",
    ]
    return Chart("".join(parts), says, tuple(_rows(plot)))


def _drawn(plot: Plot) -> Track:
    """No more bins than can be told apart; each keeps its lowest and highest value."""
    if len(plot.track.bins) <= POINTS:
        return plot.track
    step = max((plot.end - plot.start) / POINTS, plot.track.step)
    return Track(step, tuple(merged(plot.track.bins, step)))


def _text(text: str) -> str:
    return escape(line(text))


# ------------------------------------------------------------------ the scale


def _scale(plot: Plot) -> _Scale:
    """From zero, where nothing is below it, to the next round number above everything."""
    values = [v for b in plot.track.bins for v in (b.low, b.high)] + [t.value for t in plot.thresholds]
    high, low = max(values, default=1.0), min(values, default=0.0)
    base = min(low, 0.0)
    if plot.unit == "%" and 40 < high <= 100 and base == 0.0:
        return _Scale(plot, base, 100.0, 25.0)
    step = nice((high - base) / 4 or 1.0)
    return _Scale(plot, math.floor(base / step) * step, max(math.ceil(high / step) * step, base + step), step)


def nice(size: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten.

    >>> [nice(x) for x in (0.3, 1, 1.7, 21, 60)]
    [0.5, 1.0, 2.0, 25.0, 100.0]
    """
    power = 10.0 ** math.floor(math.log10(size))
    return next(float(n * power) for n in (1, 2, 2.5, 5, 10) if n * power >= size * (1 - 1e-9))


def figure(value: float) -> str:
    """A value for people: ``0.42``, ``12.5``, ``1.2k``, ``3.4M``."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.3g}{letter}"
    return f"{value:.4g}" if abs(value) >= 1000 else f"{value:.3g}"


def with_unit(value: float, unit: str) -> str:
    """``4.2 %``, ``3.4 GB``; a unit that only says what is counted stays beside it too."""
    if unit in ("bytes", "bytes/s"):
        size, letter = next(((s, n) for s, n in _BYTES if abs(value) >= s), (1.0, ""))
        return f"{value / size:.3g} {letter}B{unit.removeprefix('bytes')}"
    return f"{figure(value)} {unit}".strip()


_BYTES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


# ------------------------------------------------------------------ the parts


def _pieces(plot: Plot) -> list[list[Bin]]:
    """The bins, apart where some are missing: a gap is shown as a gap."""
    pieces: list[list[Bin]] = []
    for one in plot.track.bins:
        if pieces and (one.at - pieces[-1][-1].at) <= plot.track.step * 3.5:
            pieces[-1].append(one)
        else:
            pieces.append([one])
    return pieces


def _middle(plot: Plot, one: Bin) -> datetime:
    return one.at + plot.track.step / 2


def _line(plot: Plot, scale: _Scale) -> Iterator[str]:
    for piece in _pieces(plot):
        points = " ".join(f"{scale.x(_middle(plot, b)):.1f},{scale.y(b.mean):.1f}" for b in piece)
        if len(piece) > 1:
            yield f'<polyline class="line" points="{points}"/>'
        else:
            x, y = points.split(",")
            yield f'<circle class="dot-alone" cx="{x}" cy="{y}" r="2"/>'


def _band(plot: Plot, scale: _Scale) -> Iterator[str]:
    """From the lowest to the highest value of each bin, where a bin has several."""
    for piece in _pieces(plot):
        if len(piece) > 1 and any(b.high > b.low for b in piece):
            upper = [f"{scale.x(_middle(plot, b)):.1f},{scale.y(b.high):.1f}" for b in piece]
            lower = [f"{scale.x(_middle(plot, b)):.1f},{scale.y(b.low):.1f}" for b in reversed(piece)]
            yield f'<polygon class="band" points="{" ".join((*upper, *lower))}"/>'


def breaches(plot: Plot) -> list[tuple[datetime, datetime]]:
    """The times in which any threshold was broken; neighbours are one."""
    found: list[tuple[datetime, datetime]] = []
    for one in plot.track.bins:
        if any(t.broken(one) for t in plot.thresholds):
            end = one.at + plot.track.step
            if found and one.at - found[-1][1] <= plot.track.step / 2:
                found[-1] = (found[-1][0], end)
            else:
                found.append((one.at, end))
    return found


def _breaches(plot: Plot, scale: _Scale) -> Iterator[str]:
    for start, end in breaches(plot):
        x, width = scale.x(start), max(scale.x(end) - scale.x(start), 1.0)
        yield f'<rect class="breach" x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}"/>'


LINES = 20
"""Lines of the grid, at the most."""


def _grid(plot: Plot, scale: _Scale) -> Iterator[str]:
    for n in range(min(round((scale.high - scale.low) / scale.step), LINES) + 1):
        value = scale.low + n * scale.step
        y = scale.y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _label(LEFT - 6, y + 4, figure(value), "tick", "end")
    yield _label(LEFT, TOP - 3, plot.unit, "tick", "start")
    for at in times(plot.start, plot.end):
        x = scale.x(at)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 4}"/>'
        yield _label(x, HEIGHT - 8, _clock(at, plot), "tick", "middle")


def times(start: datetime, end: datetime, most: int = 5) -> list[datetime]:
    """Round times between two, at most so many."""
    sizes = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400)
    length = (end - start).total_seconds()
    size = next((s for s in sizes if length / s <= most), sizes[-1])
    begin = math.ceil(start.timestamp() / size) * size
    return [datetime.fromtimestamp(t, UTC) for t in range(begin, math.floor(end.timestamp()) + 1, size)]


def _clock(at: datetime, plot: Plot) -> str:
    length = plot.end - plot.start
    if length > timedelta(days=2):
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M}" if length > timedelta(minutes=6) else f"{at:%H:%M:%S}"


def _threshold(threshold: Threshold, scale: _Scale) -> str:
    y = scale.y(threshold.value)
    ruler = f'<line class="threshold" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return ruler + _label(WIDTH - RIGHT - 2, y - 4, threshold.word, "threshold-word", "end")


def _marks(plot: Plot, scale: _Scale) -> Iterator[str]:
    shown = sorted((m for m in plot.marks if plot.start <= m.at <= plot.end), key=lambda m: m.at)[-MARKS:]
    for mark in shown:
        x, kind = scale.x(mark.at), mark.kind if mark.kind in ("deploy", "alert") else "event"
        yield (
            f'<g class="mark {kind}"><title>{_text(f"{mark.at:%H:%M:%S} {mark.word}")}</title>'
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            f'<path d="M{x - 4:.1f} {TOP} h8 l-4 6 z"/></g>'
        )


def _label(x: float, y: float, text: str, kind: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_text(text)}</text>'


# ------------------------------------------------------------------ in words


def describe(plot: Plot) -> str:
    """What the drawing shows, for those who do not see it."""
    bins = plot.track.bins
    length = span((plot.end - plot.start).total_seconds())
    if not bins:
        return f"No data in the {length} to {plot.end:%H:%M} UTC."
    low, high = min(b.low for b in bins), max(b.high for b in bins)
    said = [
        f"Over the {length} to {plot.end:%H:%M} UTC: last {with_unit(bins[-1].last, plot.unit)}, "
        f"lowest {with_unit(low, plot.unit)}, highest {with_unit(high, plot.unit)}."
    ]
    words = ", ".join(t.word for t in plot.thresholds)
    found = breaches(plot)
    if plot.thresholds:
        times_said = "; ".join(f"{a:%H:%M:%S} to {b:%H:%M:%S}" for a, b in found[:3])
        more = f" and {len(found) - 3} more times" if len(found) > 3 else ""
        said.append(f"Rule {words}: broken {times_said}{more}." if found else f"Rule {words}: not broken.")
    gaps = sum(1 for _ in pairwise(_pieces(plot)))
    said += [f"{gaps} gap{'' if gaps == 1 else 's'} without data."] if gaps else []
    said += [f"{m.word} at {m.at:%H:%M:%S}." for m in plot.marks if m.kind == "deploy" and m.at >= plot.start][:3]
    return " ".join(said)


def _rows(plot: Plot) -> Iterator[Row]:
    length = (plot.end - plot.start) / ROWS
    for one in merged(plot.track.bins, max(length, plot.track.step))[-ROWS:]:
        broken = any(t.broken(one) for t in plot.thresholds)
        at = f"{one.at:%H:%M:%S}" if length < timedelta(minutes=10) else f"{one.at.day} {one.at:%b %H:%M}"
        yield Row(at, figure(one.low), figure(one.mean), figure(one.high), broken)
