"""One call of ``hutch drill run``: the drills one after the other on one stage, until they or the time end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hutch.cli.drill_stage import LOAD, TIME_SCALE, standing
from hutch.commands.drills import history, report
from hutch.commands.drills.drill import run_drill
from hutch.commands.drills.plan import Pace, Turn, kept, rest
from hutch.commands.drills.result import PASSED, REFUSED, Result
from hutch.commands.drills.stage import FIT_WITHIN, STILL_WITHIN, Stage
from hutch.model.event import instant


@dataclass(slots=True)
class Call:
    """What was asked, and what has come of it so far. ``within`` is in seconds, 0 for no limit; ``results`` begins
    with those of an earlier call that is gone on with. ``api`` is how Hutch deals with the platform."""

    turns: Sequence[Turn]
    within: float
    keep: bool
    ready_file: Path | None
    home: Path
    api: str = "local"
    results: list[Result] = field(default_factory=list)
    began: str = field(default_factory=lambda: instant(datetime.now(UTC)))
    load: dict[str, Any] | None = None
    _pace: Pace = field(default_factory=Pace)
    _clock: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Run the drills. Cancelled by SIGTERM and Ctrl-C: what stands is undone then, too."""
        coming = rest(self.turns, self.results)
        self.results = kept(self.results, coming)
        said = Progress(len(coming))
        _cancel_once(said)
        if not coming:
            said("nothing is left to run: the report holds a result of every drill that was asked for")
            return
        async with _folder(self.keep) as folder:
            said("starting the service, its load and Hutch")
            async with standing(folder, self.ready_file, said, self.api) as stage:
                await self._drills(stage, coming, said)
                if self.keep:
                    said.now(0, "")
                    said(f"everything stays up for a look: hutch --config {folder / 'hutch.yaml'} …; Ctrl-C ends it")
                    await _until_cancelled()
            self.load = await asyncio.to_thread(_summary, folder / LOAD)

    async def _drills(self, stage: Stage, coming: Sequence[Turn], said: Progress) -> None:
        ill = False
        for number, turn in enumerate(coming, 1):
            if not self._pace.fits(turn, self._left()):
                said.now(0, "")
                said(f"the time is over: {len(coming) - number + 1} of {len(coming)} drills were not begun")
                return
            said.now(number, f"{turn.fault.name} seed {turn.seed}")
            began = time.monotonic()
            self.results.append(await run_drill(stage, turn.fault, turn.seed, STILL_WITHIN if ill else FIT_WITHIN))
            self._pace.note(turn.fault.name, time.monotonic() - began)
            ill = self.results[-1].verdict == REFUSED
            said(_verdict(self.results[-1]))
            await asyncio.to_thread(self.write)
            said.now(0, "")
            said(self._far(number, coming))

    def _left(self) -> float | None:
        return self.within - self._spent() if self.within else None

    def _spent(self) -> float:
        return time.monotonic() - self._clock

    def _far(self, number: int, coming: Sequence[Turn]) -> str:
        """How far it is: ``12 of 54, 11 passed; 5:12 of 30:00, about 14:10 more``."""
        passed = sum(result.verdict == PASSED for result in self.results)
        limit = f" of {minutes(self.within)}" if self.within else ""
        more = self._pace.expect(coming[number:])
        shown = min(more, max(self._left() or 0.0, 0.0)) if self.within else more
        count = f"{number} of {len(coming)}; {passed} of {len(self.results)} passed"
        return f"{count}; {minutes(self._spent())}{limit}, about {minutes(shown)} more"

    def write(self) -> None:
        """The report so far, whole for whoever reads it at this moment, and its line in the history."""
        document = self.document()
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        for name, content in (("report.json", text), ("report.md", report.markdown(document))):
            made = self.home / f"{name}.new"
            made.write_text(content, encoding="utf-8")
            made.replace(self.home / name)
        history.note(self.home / history.FILE, document)

    def document(self) -> dict[str, Any]:
        """The report so far."""
        platform = "given" if self.ready_file else "own"
        stage = {"platform": platform, "api": self.api, "time_scale": TIME_SCALE, "hutch": "in the same process"}
        left = [{"fault": turn.fault.name, "seed": turn.seed} for turn in rest(self.turns, self.results)]
        seeds = list(dict.fromkeys(turn.seed for turn in self.turns))
        return report.document(
            self.results, seed=seeds[0], seeds=seeds, left=left, started_at=self.began, stage=stage, load=self.load
        )


def minutes(seconds: float) -> str:
    """Minutes and seconds.

    >>> minutes(312.4)
    '5:12'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _verdict(result: Result) -> str:
    return result.verdict + (f": {'; '.join(result.reasons)}" if result.reasons else "")


def _cancel_once(said: Progress) -> None:
    """Let SIGINT and SIGTERM cancel the current task; a further one does not disturb the undoing."""
    task = asyncio.current_task()
    assert task is not None

    def asked() -> None:
        if task.cancelling():
            said("undoing, and stopping everything: a moment")
        else:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked)


def _summary(path: Path) -> dict[str, Any] | None:
    """The load's own words; None where it was ended before it said them."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


@asynccontextmanager
async def _folder(keep: bool) -> AsyncIterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hutch-drill-"))
    try:
        yield folder
    finally:
        if not keep:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _until_cancelled() -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


class Progress:
    """Lines on stderr, each with the drill that it is about."""

    def __init__(self, of: int) -> None:
        self._of = of
        self._place = ""

    def now(self, number: int, name: str) -> None:
        """What is said from now on is about this drill; 0: about none."""
        self._place = f"[{number}/{self._of}] {name}: " if number else ""

    def __call__(self, text: str) -> None:
        """Say it."""
        click.echo(f"{self._place}{text}", err=True)
