"""``hutch drill``: break a service on purpose, and measure what Hutch finds and does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hutch.cli.drill_stage import LOAD, TIME_SCALE, standing
from hutch.cli.shell import as_json, emit, quiet_logs, table
from hutch.commands.context import CommandError
from hutch.commands.drills import report
from hutch.commands.drills.catalogue import choose, fault_json, find_faults
from hutch.commands.drills.drill import run_drill
from hutch.commands.drills.kept import HOME
from hutch.commands.drills.lock import only_one
from hutch.commands.drills.result import PASSED, REFUSED, Result
from hutch.commands.drills.stage import FIT_WITHIN, STILL_WITHIN, Stage
from hutch.commands.drills.totals import totals
from hutch.model.event import instant
from hutch.ports import Fault

"""Where the reports are, in the current folder."""

FilePath = click.Path(path_type=Path, dir_okay=False)


@click.group()
def drill() -> None:
    """Break a service on purpose, and score how fast and how exactly Hutch finds and mends it."""


@drill.command("list")
@as_json
def list_(json_out: bool) -> None:
    """Name every installed fault, with the cause and the remedies that must be found; a no-fault has neither."""
    found = [fault_json(fault) for fault in find_faults().values()]
    if json_out:
        emit(found)
        return
    rows = [{**f, "cause": f["cause"] or "no fault", "remedies": _words(f["remedies"])} for f in found]
    table(rows, ["name", "cause", "remedies", "summary"], "No faults are installed.")


@drill.command()
@click.argument("names", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every installed fault and no-fault.")
@click.option("--seed", default=1, show_default=True, help="Decides when each fault comes; the same seed, the same.")
@click.option("--keep", is_flag=True, help="Leave the stage up at the end, until Ctrl-C, and keep its folder.")
@click.option("--ready-file", type=FilePath, help="Use the running platform that wrote this file, not one of our own.")
@click.option("--dir", "home", type=click.Path(path_type=Path, file_okay=False), default=HOME, show_default=True,
              help="Where the report is written; one drill at a time in each.")  # fmt: skip
@as_json
@click.pass_context
def run(
    ctx: click.Context,
    names: tuple[str, ...],
    every: bool,
    seed: int,
    keep: bool,
    ready_file: Path | None,
    home: Path,
    json_out: bool,
) -> None:
    """Run drills one after the other on one service under load, and score them.

    Starts a platform of its own on free ports of 127.0.0.1, with Postgres, the service, its load and Hutch. An
    impersonated person approves the first remedy if it is a right one, and decides nothing else. Progress is told on
    stderr; the table, or the report with --json, is on stdout; report.md and report.json are written to --dir.

    Exit code 0: every drill passed; 3: one failed or was refused.
    """
    chosen = choose(find_faults(), names, every)
    quiet_logs()
    with contextlib.ExitStack() as held:
        what = f"drills {', '.join(f.name for f in chosen)}"
        held.enter_context(only_one(home / "lock", what))
        if ready_file is not None:
            held.enter_context(only_one(ready_file.with_name(f"{ready_file.name}.drill-lock"), what))
        call = Call(chosen, seed, keep, ready_file, home)
        try:
            asyncio.run(call.run())
        except asyncio.CancelledError:  # by SIGINT or SIGTERM
            raise KeyboardInterrupt from None
        finally:
            if call.results:
                call.write()
                click.echo(f"report: {home / 'report.md'}", err=True)
    emit(call.document()) if json_out else _print(call.results)
    ctx.exit(_code(call.results))


@drill.command()
@click.argument("file", type=FilePath, default=HOME / "report.json")
@as_json
@click.pass_context
def score(ctx: click.Context, file: Path, json_out: bool) -> None:
    """Add up a report: FILE is a report.json of `hutch drill run`, by default the last one.

    Exit code 0: every drill passed; 3: one failed or was refused.
    """
    try:
        results = report.results_of(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise CommandError(f"no report at {file}: `hutch drill run` writes one", 2) from error
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be scored: {error}", 2) from error
    emit(totals(results)) if json_out else _print(results)
    ctx.exit(_code(results))


# ------------------------------------------------------------------ running


@dataclass(slots=True)
class Call:
    """One call of ``hutch drill run``: what was asked, and what has come of it so far."""

    faults: Sequence[Fault]
    seed: int
    keep: bool
    ready_file: Path | None
    home: Path
    began: str = field(default_factory=lambda: instant(datetime.now(UTC)))
    results: list[Result] = field(default_factory=list)
    load: dict[str, Any] | None = None

    async def run(self) -> None:
        """Run the drills. Cancelled by SIGTERM and Ctrl-C: what stands is undone then, too."""
        said = Progress(len(self.faults))
        _cancel_once(said)
        async with _folder(self.keep) as folder:
            said("starting the service, its load and Hutch")
            async with standing(folder, self.ready_file, said) as stage:
                await self._drills(stage, said)
                if self.keep:
                    said.now(0, "")
                    said(f"everything stays up for a look: hutch --config {folder / 'hutch.yaml'} …; Ctrl-C ends it")
                    await _until_cancelled()
            self.load = await asyncio.to_thread(_summary, folder / LOAD)

    async def _drills(self, stage: Stage, said: Progress) -> None:
        for number, fault in enumerate(self.faults, 1):
            said.now(number, fault.name)
            ill = bool(self.results) and self.results[-1].verdict == REFUSED
            self.results.append(await run_drill(stage, fault, self.seed, STILL_WITHIN if ill else FIT_WITHIN))
            said(_verdict(self.results[-1]))
            await asyncio.to_thread(self.write)

    def write(self) -> None:
        """The report so far, whole for whoever reads it at this moment."""
        document = self.document()
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for name, content in (("report.json", text), ("report.md", report.markdown(document))):
            made = self.home / f"{name}.new"
            made.write_text(content, encoding="utf-8")
            made.replace(self.home / name)

    def document(self) -> dict[str, Any]:
        """The report so far."""
        platform = "given" if self.ready_file else "own"
        stage = {"platform": platform, "time_scale": TIME_SCALE, "hutch": "in the same process"}
        return report.document(self.results, seed=self.seed, started_at=self.began, stage=stage, load=self.load)


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


# ------------------------------------------------------------------ telling


def _verdict(result: Result) -> str:
    return result.verdict + (f": {'; '.join(result.reasons)}" if result.reasons else "")


def _print(results: Sequence[Result]) -> None:
    table([_columns(report.row(r)) for r in results], [c.replace(" ", "_") for c in report.COLUMNS], "No drills.")
    for result in results:
        for reason in result.reasons:
            click.echo(f"  {result.fault}: {reason}")
    click.echo("")
    for line in report.totals_lines(totals(results)):
        click.echo(line)


def _columns(row: dict[str, str]) -> dict[str, str]:
    return {name.replace(" ", "_"): value for name, value in row.items()}


def _words(found: object) -> str:
    return ", ".join(str(f) for f in found) if isinstance(found, list) else ""


def _code(results: Sequence[Result]) -> int:
    return 0 if all(r.verdict == PASSED for r in results) else 3
