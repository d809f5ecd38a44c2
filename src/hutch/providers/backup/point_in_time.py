"""Point in time by what a team has for it, pgBackRest or WAL-G: its own command lines, whose output is shown."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.model.event import instant, parse_instant
from hutch.processes import Ended, run_group
from hutch.providers.backup.config import Config
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.tools import DEFAULT_PATH, GRACE

Args = Mapping[str, object]
AREA = "point_in_time"
OUTPUT_LIMIT = 64 * 1024
LOOKING = 120.0
"""Seconds that status and list may take."""
SHOWN = 20
LAST_LINES, WHY = 3, 300
"""What the summary quotes of a tool that failed: so many lines, and no more letters of them."""
NO_UNDO = {
    "backup": "delete the backup with the tool that made it",
    "restore": "none: what was in the place of the restored files is overwritten",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One configured command line; ``{to}`` in it is the time that is wanted."""

    config: Config
    name: str
    words: tuple[str, ...]

    def filled(self, args: Args) -> list[str]:
        """With the time in its place. :class:`BackupError` where it is missing, or is no time."""
        takes = any("{to}" in word for word in self.words)
        if unknown := [n for n in args if not (takes and n == "to")]:
            raise BackupError(f"{AREA}.{self.name} takes {'to' if takes else 'nothing'}, and not {', '.join(unknown)}")
        if not takes:
            return list(self.words)
        try:
            to = re.sub(r"\.\d+", "", instant(parse_instant(str(args["to"])))).replace("T", " ").replace("Z", "+00")
        except (KeyError, ValueError):
            raise BackupError(f"{AREA}.{self.name} needs to: a time such as 2026-01-15T10:00:00Z") from None
        return [word.replace("{to}", to) for word in self.words]

    async def run(self, argv: list[str], seconds: float) -> Ended:
        """To its end. :class:`BackupError` when it cannot be started."""
        with tempfile.TemporaryDirectory(prefix="hutch-", ignore_cleanup_errors=True) as scratch:
            own = {n: os.environ[n] for n in (*self.config.pass_env, "HOME") if n in os.environ}
            base = {"PATH": os.environ.get("PATH", DEFAULT_PATH), "LANG": "C.UTF-8", "TMPDIR": scratch}
            try:
                return await run_group(
                    argv, {**base, **own, **self.config.environment}, scratch, seconds, OUTPUT_LIMIT, GRACE
                )
            except (OSError, ValueError) as error:
                raise BackupError(f"{argv[0]} cannot be started: {error}") from None


@dataclass(frozen=True, slots=True)
class Question:
    """``status`` and ``list``: reads."""

    line: Line

    async def __call__(self, command: Command) -> Outcome:
        """What it says, and how it ended."""
        return await _outcome(self.line, command.args, LOOKING)


@dataclass(frozen=True, slots=True)
class Deed:
    """``backup``, a change, and ``restore``, which overwrites. What the tool says of itself is shown before that."""

    line: Line
    status: Line | None
    effect: Effect

    async def preview(self, args: Args) -> Preview:
        """The command line, and what the tool says of its backups now; it may be needed when that fails."""
        undo = NO_UNDO[self.line.name]
        try:
            argv = self.line.filled(args)
        except BackupError as error:
            return Preview(f"{AREA}.{self.line.name}", 0, undo=undo, refused=str(error))
        told, lines = await self._status()
        return Preview(f"runs {' '.join(argv)}", 1, (told, *lines), undo)

    async def apply(self, args: Args) -> Outcome:
        """Run it, once. One whose time ran out may have done its work: unknown."""
        return await _outcome(self.line, args, self.line.config.timeout)

    async def verify(self, _args: Args) -> Verification:
        """What the tool says now is for a person to judge."""
        told, lines = await self._status()
        return Verification(Verified.UNKNOWN, f"{told}: look, and say", lines, final=True)

    async def _status(self) -> tuple[str, tuple[str, ...]]:
        if self.status is None:
            return "no status is configured", ()
        try:
            seen = await self.status.run(list(self.status.words), LOOKING)
        except BackupError as error:
            return str(error), ()
        lines = seen.output.decode(errors="replace").splitlines()[:SHOWN]
        return f"status of {self.status.words[0]}: exit {seen.code}", tuple(lines)


async def _outcome(line: Line, args: Args, seconds: float) -> Outcome:
    started = time.monotonic()
    try:
        argv = line.filled({k: v for k, v in args.items() if k != "json"})
        ended = await line.run(argv, seconds)
    except BackupError as error:
        return Outcome(Result.FAILED, str(error), seconds=time.monotonic() - started)
    took, output = time.monotonic() - started, ended.output.decode(errors="replace")
    if ended.timed_out:
        return Outcome(Result.UNKNOWN, f"{argv[0]} did not end within {seconds:g} s", output, None, took)
    why = " ".join([line.strip() for line in output.splitlines() if line.strip()][-LAST_LINES:])
    told = f"{argv[0]}: exit {ended.code}{f': {why[:WHY]}' if ended.code and why else ''}"
    return Outcome(Result.DONE if ended.code == 0 else Result.FAILED, told, output, ended.code, took, hits=1)


def questions(config: Config) -> dict[str, Question]:
    """The reads that are configured, by their names."""
    found = {n: Line(config, n, words) for n, words in config.point_in_time.items() if n in ("status", "list")}
    return {f"{AREA}.{name}": Question(line) for name, line in found.items()}


def deeds(config: Config) -> dict[str, Deed]:
    """The actions that are configured, by their names."""
    lines = {n: Line(config, n, words) for n, words in config.point_in_time.items()}
    effects = {"backup": Effect.CHANGE, "restore": Effect.DESTROY}
    found = {n: Deed(lines[n], lines.get("status"), effect) for n, effect in effects.items() if n in lines}
    return {f"{AREA}.{name}": deed for name, deed in found.items()}
