"""Figures of a whole run that was not finished: kept as soon as each is measured, and taken from there by the next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.measure import Figure, Goal, Line, Ratio, Spread
from bench.report import figure_data


def keep(folder: Path, figure: Figure) -> None:
    """Write it, so that it is there whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{figure.name}.half"
    half.write_text(json.dumps(figure_data(figure), ensure_ascii=False), encoding="utf-8")
    half.replace(_file(folder, figure.name))


def kept(folder: Path, name: str) -> Figure | None:
    """What was kept under that name; ``ValueError`` for a file that is not of this version's form."""
    file = _file(folder, name)
    if not file.exists():
        return None
    try:
        return from_data(json.loads(file.read_text(encoding="utf-8")))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file}: not a figure ({error!r}): delete it, and measure anew") from None


def forget(folder: Path) -> None:
    """Nothing is kept any more."""
    for file in folder.glob("*.json"):
        file.unlink()


def from_data(data: Mapping[str, Any]) -> Figure:
    """The figure that :func:`bench.report.figure_data` told, to its four significant digits."""
    ratios = tuple(_ratio(one) for one in data["ratios"])
    return Figure(data["name"], data["title"], data["how"], ratios, data["facts"], tuple(map(_line, data["lines"])))


def _ratio(data: Mapping[str, Any]) -> Ratio:
    goal = None if data["goal"] is None else Goal(data["goal"])
    behind = {name: _spread(one) for name, one in data["parts"].items()}
    return Ratio(data["name"], data["floor"], _spread(data["ratio"]), goal, behind)


def _line(data: Mapping[str, Any]) -> Line:
    size, cost = data["size"], data["cost"]
    return Line(data["name"], size, cost, tuple((point[size], _spread(point[cost])) for point in data["points"]))


def _spread(data: Mapping[str, Any]) -> Spread:
    return Spread(data["median"], data["p10"], data["p90"], data["samples"])


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"
