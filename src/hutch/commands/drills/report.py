"""The results as a table for the terminal, as Markdown, and as the JSON of a report file. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hutch.commands.drills.result import Result, from_dict
from hutch.commands.drills.totals import HARMED, SCORED, totals

VERSION = 1
COLUMNS = ("fault", "cause named", "object", "remedy", "detect s", "diagnose s", "mitigate s", "harm", "verdict")
NONE = "–"


class NotAReport(ValueError):
    """The file is not the JSON of a drill report; the text says why."""


def document(
    results: Sequence[Result],
    *,
    seed: int,
    started_at: str,
    stage: Mapping[str, Any],
    load: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The JSON of a report file; ``stage`` says what the drills ran on, ``load`` is the load's own summary."""
    return {
        "version": VERSION,
        "started_at": started_at,
        "seed": seed,
        "stage": dict(stage),
        "results": [r.as_dict() for r in results],
        "totals": totals(results),
        "load": dict(load) if load else None,
    }


def results_of(data: object) -> list[Result]:
    """The results of a report file's JSON. Raises :class:`NotAReport`."""
    if not isinstance(data, dict) or data.get("version") != VERSION or not isinstance(data.get("results"), list):
        raise NotAReport(f"it is no drill report of version {VERSION}")
    try:
        return [from_dict(row) for row in data["results"]]
    except (KeyError, TypeError, ValueError) as error:
        raise NotAReport(f"a result in it is not whole: {error!r}") from error


# ------------------------------------------------------------------ rows


def row(result: Result) -> dict[str, str]:
    """One line of the table."""
    seconds = result.seconds
    cells = (
        result.fault,
        _marked(result.named["code"], result.scores.cause) if result.named else NONE,
        _marked(_object(result.named["object"]), result.scores.object) if result.named else NONE,
        _marked(_remedy(result), result.scores.remedy) if result.remedy else NONE,
        *(_seconds(value) for value in (seconds.detect, seconds.diagnose, seconds.mitigate)),
        _harm(result),
        result.verdict,
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _marked(text: str, right: bool | None) -> str:
    return f"{text} ✗" if right is False else text


def _object(found: Mapping[str, Any]) -> str:
    return f"{found['kind']} {found['id']}"


def _remedy(result: Result) -> str:
    remedy = result.remedy or {}
    return ", ".join(remedy["actions"]) or str(remedy["title"])


def _seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f}"


def _harm(result: Result) -> str:
    parts = [f"{getattr(result.harm, name)} {name.replace('_', ' ')}" for name in HARMED if getattr(result.harm, name)]
    return ", ".join(parts) or "0"


def totals_lines(found: Mapping[str, Any]) -> list[str]:
    """The totals in words."""
    lines = [
        f"{found['drills']} drills: {found['passed']} passed, {found['failed']} failed, {found['refused']} refused"
        f" ({found['faults']} faults and {found['no_faults']} no-faults ran)"
    ]
    names = {"cause": "causes exact", "object": "objects exact", "remedy": "remedies right", "verified": "verified"}
    lines += [f"{names[name]}: {_of(found['right'][name])}" for name in SCORED]
    lines.append(f"false alarms: {found['harm']['false_alarms']}")
    lines += [f"time to {name}: {_spread(times)}" for name, times in found["seconds"].items()]
    harmed = (f"{found['harm'][name]} {name.replace('_', ' ')}" for name in HARMED if name != "false_alarms")
    return [*lines, f"harm: {', '.join(harmed)}"]


def _of(share: Mapping[str, Any]) -> str:
    return f"{share['right']} of {share['of']} ({share['share']:.0%})" if share["of"] else "none"


def _spread(times: Mapping[str, float | None]) -> str:
    if times["median"] is None:
        return "never came to it"
    return f"median {times['median']:.1f} s, 95th percentile {times['p95']:.1f} s"


def markdown(data: Mapping[str, Any]) -> str:
    """The report file for people."""
    results = results_of(data)
    rows = [row(r) for r in results]
    lines = [COLUMNS, ["---"] * len(COLUMNS), *([r[c] for c in COLUMNS] for r in rows)]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    why = [f"- **{r.fault}** {r.verdict}: {'; '.join(r.reasons)}" for r in results if r.reasons]
    stage = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in data["stage"].items())
    parts = [
        "# Drills",
        f"Started {data['started_at']}, seed {data['seed']}; {stage}.",
        "\n".join(table),
        "\n".join(f"- {line}" for line in totals_lines(data["totals"])),
        *(["## What was not right", "\n".join(why)] if why else []),
    ]
    return "\n\n".join(parts) + "\n"
