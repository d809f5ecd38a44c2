"""The figures as a page and as data. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.measure import Figure, Ratio, Spread, significant

Machine = Mapping[str, str | int | float]

PREFACE = (
    "Made by `make bench`. A ratio says how many times its floor something takes; the floor is the bare thing, "
    "measured in the same run right beside it. Each is the median over the rounds, with the values between which the "
    "middle eight tenths lie. Goals are said, not enforced: a time says as much about the machine as about the program."
)


def as_data(machine: Machine, figures: Sequence[Figure], quick: bool) -> dict[str, object]:
    """The object of ``report.json``; keys are stable."""
    return {"machine": dict(machine), "quick": quick, "figures": [_figure_data(f) for f in figures]}


def _figure_data(figure: Figure) -> dict[str, object]:
    return {
        "name": figure.name,
        "title": figure.title,
        "how": figure.how,
        "ratios": [_ratio_data(r) for r in figure.ratios],
        "facts": dict(figure.facts),
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


def as_page(machine: Machine, figures: Sequence[Figure], quick: bool) -> str:
    """The text of ``report.md``."""
    hasty = ["*A quick run: few rounds, small numbers; it shows that everything can be measured.*", ""] if quick else []
    lines = ["# Bench report", "", PREFACE, "", *hasty, *_summary(figures), "", *_machine(machine), ""]
    return "\n".join([*lines, *(line for figure in figures for line in _figure(figure))]).rstrip() + "\n"


def _summary(figures: Sequence[Figure]) -> list[str]:
    rows = [(f"{f.title}: {r.name}", times(r.value), goal(r)) for f in figures for r in f.ratios]
    return table(("what", "ratio", "goal"), rows)


def _machine(machine: Machine) -> list[str]:
    return ["## Machine", "", *table(("what", "value"), [(k, str(v)) for k, v in machine.items()])]


def _figure(figure: Figure) -> list[str]:
    rows = [(r.name, r.floor, times(r.value), str(r.value.samples), goal(r)) for r in figure.ratios]
    lines = [f"## {figure.title}", "", figure.how, "", *table(("what", "floor", "ratio", "rounds", "goal"), rows), ""]
    behind = [(name, *map(number, (s.median, s.p10, s.p90))) for name, s in _parts(figure.ratios)]
    lines += [*table(("measured", "median", "p10", "p90"), behind), ""]
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
