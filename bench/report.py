"""The figures as a page and as data. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench import charts
from bench.measure import Figure, Line, Ratio, Spread, significant

Machine = Mapping[str, str | int | float]

PREFACE = (
    "Made by `make bench`. A ratio says how many times its floor something takes; the floor is the bare thing, "
    "measured in the same run right beside it. Each is the median over the rounds, with the values between which the "
    "middle eight tenths lie. Goals are said, not enforced: a time says as much about the machine as about the program."
)

SLOPES = (
    "The slope is the exponent of growth over all sizes that were measured: at 0 size costs nothing, at 1 twice as "
    "much costs twice as much, below 0 there is something to gain."
)

RATIOS = "charts/ratios.svg"


def as_data(machine: Machine, figures: Sequence[Figure], quick: bool) -> dict[str, object]:
    """The object of ``report.json``; keys are stable."""
    return {"machine": dict(machine), "quick": quick, "figures": [figure_data(f) for f in figures]}


def figure_data(figure: Figure) -> dict[str, object]:
    """The object of one figure in ``report.json``."""
    return {
        "name": figure.name,
        "title": figure.title,
        "how": figure.how,
        "ratios": [_ratio_data(r) for r in figure.ratios],
        "facts": dict(figure.facts),
        "lines": [_line_data(line) for line in figure.lines],
    }


def _ratio_data(ratio: Ratio) -> dict[str, object]:
    return {
        "name": ratio.name,
        "floor": ratio.floor,
        "ratio": ratio.value.as_dict(),
        "goal": ratio.goal.most if ratio.goal else None,
        "met": ratio.value.median <= ratio.goal.most if ratio.goal else None,
        "parts": {name: value.as_dict() for name, value in ratio.parts.items()},
    }


def _line_data(line: Line) -> dict[str, object]:
    points = [{line.size: size, line.cost: found.as_dict()} for size, found in line.points]
    return {"name": line.name, "size": line.size, "cost": line.cost, "slope": round(line.slope, 2), "points": points}


def as_charts(figures: Sequence[Figure]) -> dict[str, str]:
    """The pictures that the page shows, by their names beside it."""
    ratios = [(f"{f.title}: {r.name}", r.value, r.goal.most if r.goal else None) for f in figures for r in f.ratios]
    lines = {_chart(f): charts.lines(f.lines) for f in figures if f.lines}
    return {RATIOS: charts.ratios([one for one in ratios if one[1].median > 0]), **lines}


def _chart(figure: Figure) -> str:
    return f"charts/{figure.name}.svg"


def as_page(machine: Machine, figures: Sequence[Figure], quick: bool) -> str:
    """The text of ``report.md``."""
    hasty = ["*A quick run: few rounds, small numbers; it shows that everything can be measured.*", ""] if quick else []
    shown = [f"![Each ratio on a scale of powers of ten, with its goal]({RATIOS})", ""]
    head = [*hasty, *_summary(figures), "", *shown, *_slopes(figures), *_machine(machine), ""]
    lines = ["# Bench report", "", PREFACE, "", *head]
    return "\n".join([*lines, *(line for figure in figures for line in _figure(figure))]).rstrip() + "\n"


def _summary(figures: Sequence[Figure]) -> list[str]:
    rows = [(f"{f.title}: {r.name}", times(r.value), goal(r)) for f in figures for r in f.ratios]
    return table(("what", "ratio", "goal"), rows)


def _slopes(figures: Sequence[Figure]) -> list[str]:
    rows = [(f"{f.title}: {one.name}", *_ends(one), f"{one.slope:.2f}") for f in figures for one in f.lines]
    if not rows:
        return []
    return ["## Cost against size", "", SLOPES, "", *table(("what", "from", "to", "slope"), rows), ""]


def _ends(line: Line) -> tuple[str, str]:
    ends = line.points[0], line.points[-1]
    first, last = (f"{number(found.median)} {line.cost} at {size:,.10g} {line.size}" for size, found in ends)
    return first, last


def _lines(figure: Figure) -> list[str]:
    if not figure.lines:
        return []
    rows = [
        (line.name, f"{size:,.10g} {line.size}", line.cost, *map(number, (found.median, found.p10, found.p90)))
        for line in figure.lines
        for size, found in line.points
    ]
    slopes = "; ".join(f"{line.name}: slope {line.slope:.2f}" for line in figure.lines)
    shown = f"![Cost against size, both in powers of ten. {slopes}]({_chart(figure)})"
    return [shown, "", *table(("line", "size", "cost", "median", "p10", "p90"), rows), ""]


def _machine(machine: Machine) -> list[str]:
    return ["## Machine", "", *table(("what", "value"), [(k, str(v)) for k, v in machine.items()])]


def _figure(figure: Figure) -> list[str]:
    rows = [(r.name, r.floor, times(r.value), str(r.value.samples), goal(r)) for r in figure.ratios]
    lines = [f"## {figure.title}", "", figure.how, "", *table(("what", "floor", "ratio", "rounds", "goal"), rows), ""]
    behind = [(name, *map(number, (s.median, s.p10, s.p90))) for name, s in _parts(figure.ratios)]
    lines += [*table(("measured", "median", "p10", "p90"), behind), "", *_lines(figure)]
    return lines + ([*[f"- {k}: {v}" for k, v in figure.facts.items()], ""] if figure.facts else [])


def _parts(ratios: Iterable[Ratio]) -> list[tuple[str, Spread]]:
    """Every measured quantity once; the name of its ratio goes before it where two share a name."""
    every = [(r.name, name, s) for r in ratios for name, s in r.parts.items()]
    seen = [(name, s) for _, name, s in every]
    twice = {name for name, s in seen if any(n == name and other != s for n, other in seen)}
    return list({f"{r}: {n}" if n in twice else n: s for r, n, s in every}.items())


def times(value: Spread) -> str:
    """``3.1 × (2.8–3.6)``."""
    return f"{value.median:.2f} × ({value.p10:.2f}–{value.p90:.2f})"


def goal(ratio: Ratio) -> str:
    """``goal ≤ 3: met``; a dash where there is none."""
    return ratio.goal.word(ratio.value.median) if ratio.goal else "–"


def number(value: float) -> str:
    """Four significant digits, written out."""
    return f"{significant(value):,.10g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
