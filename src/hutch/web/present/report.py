"""The report as its page shows it: figures, bars, and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hutch.review.report import STAGES, Noise, Report, Spread, Use
from hutch.review.wording import length
from hutch.web.present.bars import Bar, Part, bars
from hutch.web.present.words import line

TONES: Mapping[str, str] = {"SEV-1": "sev1", "SEV-2": "sev2", "SEV-3": "sev3", "SEV-4": "sev4"}
ENDS: Mapping[str, str] = {"kept": "good", "late": "warn", "overdue": "bad", "running": "open"}
"""The colour of a promise by how it ended."""

ROWS_MOST = 12
"""Rows of a chart; the rest is told as one."""

WORDS: Mapping[str, str] = {
    "detect": "Detect", "acknowledge": "Acknowledge", "diagnose": "Diagnose", "mitigate": "Mitigate",
    "resolve": "Resolve",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Time:
    """How long a stage took: median, mean, nine in ten."""

    name: str
    median: str
    mean: str
    most: str
    count: int


@dataclass(frozen=True, slots=True)
class ReportView:
    """All that the page shows."""

    count: int
    open: int
    times: tuple[Time, ...]
    kept: str
    drawings: Mapping[str, str]
    overdue: tuple[str, ...]
    noise: tuple[Noise, ...]
    runbooks: tuple[Use, ...]
    archived: int = 0


def view(found: Report) -> ReportView:
    """The report in words and bars."""
    ends = [(how, number) for ways in found.promises.values() for how, number in ways.items() if how != "running"]
    ended, kept = sum(n for _, n in ends), sum(n for how, n in ends if how == "kept")
    return ReportView(
        len(found.incidents),
        sum(row.open for row in found.incidents),
        tuple(_time(stage, found.times[stage]) for stage in STAGES),
        f"{100 * kept / ended:.0f} %" if ended else "–",
        {
            "severity": _counts("severity", found.by_severity, TONES),
            "service": _counts("service", found.by_service, {}),
            "cause": _counts("cause", found.by_cause, {}),
            "promises": _promises(found.promises),
            "times": _times(found.times),
        },
        tuple(line(name) for name in found.overdue),
        found.noise[:ROWS_MOST],
        found.runbooks[:ROWS_MOST],
        found.archived,
    )


def _time(stage: str, spread: Spread) -> Time:
    told = [length(v) if v is not None else "–" for v in (spread.median, spread.mean, spread.p90)]
    return Time(WORDS[stage], told[0], told[1], told[2], spread.count)


def _counts(what: str, counts: Mapping[str, int], tones: Mapping[str, str]) -> str:
    shown, left = list(counts.items())[:ROWS_MOST], list(counts.items())[ROWS_MOST:]
    rows = [Bar(name, [Part(tones.get(name, "plain"), n)], str(n)) for name, n in shown]
    rest = sum(n for _, n in left)
    return bars(
        f"by-{what}",
        f"Incidents by {what}",
        [*rows, *([Bar("all others", [Part("plain", rest)], str(rest))] if left else [])],
    )


def _promises(promises: Mapping[str, Mapping[str, int]]) -> str:
    rows = [
        Bar(name, [Part(ENDS[how], ways[how], how) for how in ENDS if ways.get(how)], _said(ways))
        for name, ways in promises.items()
    ]
    return bars("promises", "Promises by how they ended", rows)


def _said(ways: Mapping[str, int]) -> str:
    return ", ".join(f"{ways[how]} {how}" for how in ENDS if ways.get(how))


def _times(times: Mapping[str, Spread]) -> str:
    rows = [
        Bar(WORDS[stage], [Part("plain", spread.median)], length(spread.median))
        for stage, spread in times.items()
        if spread.median is not None
    ]
    return bars("times", "Median time to each stage", rows)
