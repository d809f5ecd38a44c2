"""Counts as horizontal bars, drawn here as SVG: each row a name, its parts side by side, and its figure in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from hutch.web.present.words import line

WIDTH, ROW, GAP = 460, 34, 6
"""The drawing's width, a row's height, and the room between bars."""

LETTER = 7
"""Units of a letter at 12 px, roughly."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: its ``tone`` is a class of the style sheet, ``word`` says what it counts."""

    tone: str
    value: float
    word: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: ``figure`` is what stands at its end."""

    name: str
    parts: Sequence[Part]
    figure: str

    @property
    def total(self) -> float:
        """Of all its parts."""
        return sum(p.value for p in self.parts)


def bars(ident: str, title: str, rows: Sequence[Bar]) -> str:
    """The drawing, with all of it in words as its description. Every text is escaped."""
    most = max((r.total for r in rows), default=0.0) or 1.0
    says = "; ".join(f"{line(r.name)}: {_told(r)}" for r in rows) or "nothing to count"
    height = ROW * max(len(rows), 1)
    parts = [
        f'<svg class="chart bars" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{ident}-t {ident}-d">',
        f'<title id="{ident}-t">{escape(line(title))}</title><desc id="{ident}-d">{escape(says)}</desc>',
        *(part for place, row in enumerate(rows) for part in _row(row, place * ROW, most)),
        "</svg>",
    ]
    return "".join(parts)


def _told(row: Bar) -> str:
    return ", ".join(f"{p.value:g} {p.word}" for p in row.parts if p.word and p.value) or row.figure


def _row(row: Bar, top: int, most: float) -> Iterator[str]:
    name = line(row.name)
    letters = (WIDTH - len(row.figure) * LETTER) // LETTER - 2
    shown = name if len(name) <= letters else f"{name[: letters - 1]}…"
    yield f'<text x="0" y="{top + 13}">{escape(shown)}</text>'
    yield f'<text class="figure" x="{WIDTH}" y="{top + 13}" text-anchor="end">{escape(row.figure)}</text>'
    yield f'<rect class="ground" x="0" y="{top + 18}" width="{WIDTH}" height="{ROW - 18 - GAP}" rx="3"/>'
    at = 0.0
    for part in row.parts:
        width = WIDTH * part.value / most
        if width > 0:
            box = f'x="{at:.1f}" y="{top + 18}" width="{width:.1f}" height="{ROW - 18 - GAP}" rx="3"'
            yield f'<rect class="{part.tone}" {box}/>'
        at += width
