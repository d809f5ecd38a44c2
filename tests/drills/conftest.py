"""The stage of the drills: once for all of them, in a thread with an event loop of its own; the table at the end."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hutch.cli.drill_stage import LOAD, TIME_SCALE, standing
from hutch.commands.drills import report
from hutch.commands.drills.catalogue import find_faults
from hutch.commands.drills.drill import run_drill
from hutch.commands.drills.result import Result
from hutch.commands.drills.stage import Stage

SEED = 1
REPORT = Path(".hutch-drills")
BOUND = 230.0
"""Seconds for one drill: beyond every bound of its parts."""

RESULTS: list[Result] = []


class Staged:
    """The stage, up in its own thread; drills are run on it one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._stage: Future[Stage] = Future()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._stand(),))
        self.told: list[str] = []

    def __enter__(self) -> Staged:
        self._thread.start()
        self._stage.result(BOUND)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(BOUND)
        assert not self._thread.is_alive()
        self._loop.close()

    def run(self, name: str) -> Result:
        """Run one drill; its result is in the table at the end."""
        drill = run_drill(self._stage.result(), find_faults()[name], SEED)
        RESULTS.append(asyncio.run_coroutine_threadsafe(drill, self._loop).result(BOUND))
        return RESULTS[-1]

    async def _stand(self) -> None:
        try:
            async with standing(self._folder, None, self.told.append) as stage:
                self._stage.set_result(stage)
                await self._stop.wait()
        except BaseException as error:
            if self._stage.done():
                raise
            self._stage.set_exception(error)


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    """One service under load, watched by Hutch, for all drills."""
    folder = tmp_path_factory.mktemp("stage")
    began = datetime.now(UTC).isoformat()
    with Staged(folder) as up:
        yield up
    load = json.loads((folder / LOAD).read_text())
    stage = {"platform": "own", "time_scale": TIME_SCALE, "hutch": "in the same process"}
    document = report.document(RESULTS, seed=SEED, started_at=began, stage=stage, load=load)
    REPORT.mkdir(exist_ok=True)
    (REPORT / "report.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    (REPORT / "report.md").write_text(report.markdown(document))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table, and the totals."""
    if not RESULTS:
        return
    document = report.document(RESULTS, seed=SEED, started_at="", stage={})
    terminalreporter.section("drills")
    rows = [list(report.COLUMNS), *([report.row(r)[c] for c in report.COLUMNS] for r in RESULTS)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(report.COLUMNS))]
    for row in rows:
        terminalreporter.write_line("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())
    for line in report.totals_lines(document["totals"]):
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"report: {REPORT / 'report.md'}")
