"""The drills in pictures: the score of each cause, the time to name it, who else looked, and the calls so far. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hutch.commands.drills import baseline, spread
from hutch.commands.drills.history import Past
from hutch.commands.drills.result import Result
from hutch.web.present.bars import Bar, Part, bars

CALLS = 12
"""Calls in the picture of the history: the newest."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing under its heading, and a line about it."""

    ident: str
    title: str
    about: str
    svg: str


def pictures(results: Sequence[Result], past: Sequence[Past]) -> tuple[Picture, ...]:
    """Those for which there is anything to draw."""
    causes = spread.by_cause(results)
    others = baseline.totals([r.baselines for r in results])
    found = [
        _picture("score", "Score of each cause", "Drills in which cause and object were exact.", _scores(causes)),
        _picture("named", "Seconds to name it", "Median, with the least and the most.", _times(causes)),
        _picture("beside", "Beside others", "First conclusion exact, of the same drills.", _beside(results, others)),
        _picture("quiet", "Silent where nothing is broken", "No-faults that alarmed nobody.", _quiet(results, others)),
        _picture("calls", "The calls so far", "Drills passed in each call, the newest first.", _calls(past)),
    ]
    return tuple(picture for picture in found if picture)


def _picture(ident: str, title: str, about: str, rows: Sequence[Bar]) -> Picture | None:
    return Picture(ident, title, about, bars(f"drills-{ident}", title, rows)) if rows else None


def _scores(causes: Sequence[Mapping[str, Any]]) -> list[Bar]:
    return [_share(cause["cause"], cause["exact"], cause["runs"]) for cause in causes]


def _share(name: str, right: int, of: int) -> Bar:
    """A bar of 100 %, of which the wrong part stands out."""
    parts = (Part("good", right / of, "right"), Part("bad", (of - right) / of, "wrong"))
    return Bar(name, parts, f"{right} of {of}")


def _times(causes: Sequence[Mapping[str, Any]]) -> list[Bar]:
    known = [cause for cause in causes if cause["seconds"]["median"] is not None]
    return [
        Bar(cause["cause"], (Part("plain", cause["seconds"]["median"]),), _span(cause["seconds"])) for cause in known
    ]


def _span(times: Mapping[str, float]) -> str:
    return f"{times['median']:.1f} s ({times['least']:.1f}–{times['most']:.1f})"


def _beside(results: Sequence[Result], others: Mapping[str, Mapping[str, Any]]) -> list[Bar]:
    return _compared(spread.goals(results)[0], {name: marks["first"] for name, marks in others.items()})


def _quiet(results: Sequence[Result], others: Mapping[str, Mapping[str, Any]]) -> list[Bar]:
    return _compared(spread.goals(results)[1], {name: marks["silent"] for name, marks in others.items()})


def _compared(own: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> list[Bar]:
    rows = [("Hutch", own), *others.items()]
    return [_share(name, marks["right"], marks["of"]) for name, marks in rows if marks["of"]]


def _calls(past: Sequence[Past]) -> list[Bar]:
    latest = [call for call in reversed(past) if call.drills][:CALLS]
    return [_share(call.started_at[:16].replace("T", " "), call.passed, call.drills) for call in latest]
