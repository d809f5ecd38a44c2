"""``python -m bench``: measure and report. Ends with 0 unless a measurement itself breaks, however slow it was."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench import (
    ansible,
    attack,
    blocklist,
    clocks,
    diagnosis,
    ingest,
    letters,
    listeners,
    log,
    logsearch,
    machine,
    pages,
    postgres,
    probes,
    recovery,
    report,
    rollback,
    runbooks,
    start,
    steps,
    waiting,
    workers,
)
from bench.kept import forget, keep, kept
from bench.measure import Figure

FIGURES: Mapping[str, Callable[[bool], Figure]] = {
    "steps": steps.measure,
    "diagnosis": diagnosis.measure,
    "start": start.measure,
    "waiting": waiting.measure,
    "log": log.measure,
    "logsearch": logsearch.measure,
    "ingest": ingest.measure,
    "ansible": ansible.measure,
    "runbooks": runbooks.measure,
    "probes": probes.measure,
    "postgres": postgres.measure,
    "recovery": recovery.measure,
    "workers": workers.measure,
    "clocks": clocks.measure,
    "pages": pages.measure,
    "listeners": listeners.measure,
    "blocklist": blocklist.measure,
    "letters": letters.measure,
    "attack": attack.measure,
    "rollback": rollback.measure,
}
"""What there is to measure; each is told whether it should be quick."""

HERE = Path(__file__).parent
KEPT = HERE.parent / ".hutch-bench"
"""Where the figures of a whole run lie until it has ended."""


def main(words: Sequence[str] | None = None) -> None:
    """Measure what was asked for; a whole run writes the report beside this file."""
    given = arguments().parse_args(words)
    told = machine.describe()
    whole = not given.quick and not given.only
    figures = [_figure(name, given.quick, KEPT if whole else None, given.resume) for name in given.only or FIGURES]
    data = json.dumps(report.as_data(told, figures, given.quick), indent=2, ensure_ascii=False) + "\n"
    page = report.as_page(told, figures, given.quick)
    sys.stdout.write(data if given.json else page)
    folder = given.out or (HERE if whole else None)
    if folder:
        (folder / "charts").mkdir(parents=True, exist_ok=True)
        for name, text in {"report.json": data, "report.md": page, **report.as_charts(figures)}.items():
            (folder / name).write_text(text, encoding="utf-8")
    if whole:
        forget(KEPT)


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ratios of Hutch to bare floors.")
    parser.add_argument("--quick", action="store_true", help="few rounds, small numbers; writes no report by itself")
    parser.add_argument("--only", action="append", choices=list(FIGURES), help="this figure alone; may repeat")
    parser.add_argument("--resume", action="store_true", help="go on with a whole run that was not finished")
    parser.add_argument("--json", action="store_true", help="the data on standard output instead of the page")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write report.md and report.json")
    return parser


def _figure(name: str, quick: bool, folder: Path | None, resume: bool) -> Figure:
    """Measured, or with ``resume`` what an unfinished whole run has kept of it."""
    if folder is None:
        return _measured(name, quick)
    if resume and (found := kept(folder, name)):
        print(f"bench: {name} was measured before", file=sys.stderr, flush=True)
        return found
    keep(folder, figure := _measured(name, quick))
    return figure


def _measured(name: str, quick: bool) -> Figure:
    print(f"bench: {name} …", file=sys.stderr, flush=True)
    busy = machine.load()
    figure = FIGURES[name](quick)
    return replace(figure, facts={**figure.facts, "load average before it": busy})


if __name__ == "__main__":
    main()
