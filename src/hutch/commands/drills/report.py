"""The results as a table for the terminal, as Markdown, and as the JSON of a report file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hutch.commands.context import CommandError
from hutch.commands.drills import baseline, spread
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
    seeds: Sequence[int] = (),
    left: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The JSON of a report file; ``stage`` says what the drills ran on, ``load`` is the load's own summary, ``left``
    the drills that were asked for and not run."""
    return {
        "version": VERSION,
        "started_at": started_at,
        "seed": seed,
        "seeds": list(seeds or (seed,)),
        "goals": spread.goals(results),
        "causes": spread.by_cause(results),
        "drills": spread.by_fault(results),
        "baselines": baseline.totals([r.baselines for r in results]),
        "left": [dict(turn) for turn in left],
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


def earlier(path: Path, otherwise: str | None = None) -> tuple[list[Result], str]:
    """The results of a report file, and when they were begun. Raises :class:`CommandError`; where there is no file,
    and ``otherwise`` says when it is begun, there are none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return results_of(data), str(data.get("started_at", ""))
    except FileNotFoundError as error:
        if otherwise is not None:
            return [], otherwise
        raise CommandError(f"no report at {path}: `hutch drill run` writes one", 2) from error
    except (OSError, ValueError, RecursionError) as error:
        said = error if str(error) else type(error).__name__
        raise CommandError(f"{path} cannot be read as a drill report: {said}", 2) from error


# ------------------------------------------------------------------ rows


def row(result: Result) -> dict[str, str]:
    """One line of the table."""
    seconds = result.seconds
    cells = (
        result.fault,
        _marked(" + ".join(c["code"] for c in _causes(result)), result.scores.cause) if result.named else NONE,
        _marked(_objects(result), result.scores.object) if result.named else NONE,
        _marked(_remedy(result), result.scores.remedy) if result.remedy else NONE,
        *(_seconds(value) for value in (seconds.detect, seconds.diagnose, seconds.mitigate)),
        _harm(result),
        result.verdict,
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _marked(text: str, right: bool | None) -> str:
    return f"{text} ✗" if right is False else text


def _causes(result: Result) -> list[Mapping[str, Any]]:
    return [cause for cause in (result.named, *result.also) if cause]


def _objects(result: Result) -> str:
    return " + ".join(f"{c['object']['kind']} {c['object']['id']}" for c in _causes(result))


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
    why = [f"- **{r.fault}** (seed {r.seed}) {r.verdict}: {'; '.join(r.reasons)}" for r in results if r.reasons]
    parts = [
        "# Drills",
        _begun(data),
        "\n".join(f"- {line}" for line in spread.goal_lines(data["goals"])),
        *(["## By drill", _by_drill(data["drills"])] if len(data["seeds"]) > 1 else [_each(results)]),
        *(["## By cause", _by_cause(data["causes"])] if data["causes"] else []),
        *(["## Beside others", _beside(data)] if data["baselines"] else []),
        "## Totals",
        "\n".join(f"- {line}" for line in totals_lines(data["totals"])),
        *(["## What was not right", "\n".join(why)] if why else []),
    ]
    return "\n\n".join(parts) + "\n"


def _begun(data: Mapping[str, Any]) -> str:
    seeds = data["seeds"]
    named = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"
    stage = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in data["stage"].items())
    left = data["left"]
    ended = f" The time was over before {len(left)} of the drills that were asked for." if left else ""
    return f"Started {data['started_at']}, {named}; {stage}.{ended}"


def _each(results: Sequence[Result]) -> str:
    return _table(COLUMNS, [[row(r)[c] for c in COLUMNS] for r in results])


SPREAD_COLUMNS = ("drill", "cause", "runs", "passed", "exact", "name s", "mend s", "harm")


def _by_drill(drills: Sequence[Mapping[str, Any]]) -> str:
    return _table(SPREAD_COLUMNS, [_drill_row(drill) for drill in drills])


def _drill_row(drill: Mapping[str, Any]) -> list[str]:
    cause = drill["cause"] or ("no fault" if drill["no_fault"] else "an alert alone")
    exact = NONE if drill["exact"] is None else f"{drill['exact']} of {drill['runs']}"
    refused = f" ({drill['refused']} refused)" if drill["refused"] else ""
    times = [_range(drill["seconds"][name]) for name in ("diagnose", "mitigate")]
    passed = f"{drill['passed']} of {drill['runs']}"
    return [drill["fault"], cause, f"{drill['runs']}{refused}", passed, exact, *times, str(drill["harm"])]


def _by_cause(causes: Sequence[Mapping[str, Any]]) -> str:
    rows = [[c["cause"], f"{c['exact']} of {c['runs']}", _range(c["seconds"])] for c in causes]
    return _table(("cause", "cause and object exact", "seconds to name it: median (least–most)"), rows)


def _beside(data: Mapping[str, Any]) -> str:
    """Hutch, and each baseline over the same drills."""
    head = ("who looks", "first conclusion exact", "right one among the conclusions", "silent where nothing is broken")
    exact, silent, _ = data["goals"]
    own = ["Hutch", _of(exact), NONE, _of(silent)]
    rows = [[name, *(_of(marks[m]) for m in ("first", "among", "silent"))] for name, marks in data["baselines"].items()]
    about = "\n".join(f"- `{one.name}`: {one.about}" for one in baseline.bundled())
    return f"{_table(head, [own, *rows])}\n\n{about}"


def _range(times: Mapping[str, float | None]) -> str:
    """``4.2 (3.1–9.0)``: the median, the least and the most."""
    if times["median"] is None:
        return NONE
    return f"{times['median']:.1f} ({times['least']:.1f}–{times['most']:.1f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
