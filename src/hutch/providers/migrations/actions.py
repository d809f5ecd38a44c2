"""``migrate.up``: the team's own tool applies what is due; what the database has then decides, not its exit code."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.processes import Ended, run_group
from hutch.providers.migrations.client import Client, MigrationsError, masked, password_of
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.look import Picture, look
from hutch.providers.migrations.standing import Standing

VERIFY_LOOKS = 5
VERIFY_GAP = 0.5
"""Seconds between looks, and how many, while a migration that was under way comes to rest."""
OUTPUT_LIMIT = 16 * 1024
"""Bytes of the tool's output that are kept; the last ones."""
GRACE = 5.0
"""Seconds between asking a tool that takes too long to end and ending it."""
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NO_OWNER = "no changes here: services.*.migrations.owner_url is not set; set it to the login that owns the schema"
_UNDO = "the tool's way down, version by version; what a migration dropped comes back from a backup alone"
Args = Mapping[str, object]


class BadArguments(ValueError):
    """The arguments do not say which versions."""


@dataclass(frozen=True, slots=True)
class Up:
    """``args``: ``versions``, those due when it was approved; any other makes it refuse. None: whatever is due."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Args) -> Preview:
        """Which versions the tool would finish and apply."""
        try:
            asked, picture = _versions(args), await look(self.client, self.config)
        except (MigrationsError, BadArguments) as error:
            return Preview("can't tell what would be migrated", 0, undo=_UNDO, refused=str(error))
        due = picture.due
        half = len(picture.of("half-applied"))
        said = f"finish {half} and apply {len(due) - half} migrations with {self.config.command[0]}"
        items = tuple(f"{s.state} {s.version} {s.name}".rstrip() for s in due)
        return Preview(said, len(due), items, _UNDO, self._refusal(asked, picture))

    async def apply(self, args: Args) -> Outcome:
        """Run the tool. ``hits``: the versions that were due and no longer are."""
        started = time.monotonic()
        try:
            asked, before = _versions(args), await look(self.client, self.config)
        except (MigrationsError, BadArguments) as error:
            return Outcome(Result.FAILED, str(error), recoverable=isinstance(error, MigrationsError))
        if refused := self._refusal(asked, before):
            return Outcome(Result.FAILED, f"refused: {refused}", recoverable=bool(before.busy))
        if not before.due:
            return Outcome(Result.DONE, "nothing is due: nothing was done", seconds=time.monotonic() - started)
        try:
            ended = await run_group(
                self.config.command, self._environment(), ".", self.config.command_timeout, OUTPUT_LIMIT, GRACE
            )
        except OSError as error:
            return Outcome(Result.FAILED, f"{self.config.command[0]} cannot be started: {error.strerror}")
        return await self._told(before, ended, time.monotonic() - started)

    async def verify(self, args: Args) -> Verification:
        """Passed once every version is applied and none half-applied; pending while somebody migrates."""
        try:
            asked, picture = _versions(args), await look(self.client, self.config)
            for _ in range(VERIFY_LOOKS if picture.busy else 0):
                await asyncio.sleep(VERIFY_GAP)
                picture = await look(self.client, self.config)
                if not picture.busy:
                    break
        except (MigrationsError, BadArguments) as error:
            return Verification(Verified.UNKNOWN, f"can't tell where the migrations stand: {error}")
        left = [s for s in picture.due if s.state == "half-applied" or asked is None or s.version in asked]
        if not left:
            return Verification(Verified.PASSED, "every migration is applied, none half-way")
        lines = tuple(f"{s.state} {s.version} {s.name}".rstrip() for s in left)
        if picture.busy:
            return Verification(Verified.PENDING, "a migration is running", (*lines, *picture.busy))
        return Verification(Verified.FAILED, f"{len(left)} migrations are not applied", lines)

    async def _told(self, before: Picture, ended: Ended, seconds: float) -> Outcome:
        output = self._masked(_whole_lines(ended))
        if ended.timed_out:
            said = f"not finished after {self.config.command_timeout:g} s: ended"
            return Outcome(Result.UNKNOWN, said, output, ended.code, seconds)
        done = await self._done(before.due)
        last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "no output")
        if ended.code:
            return Outcome(
                Result.FAILED, f"exit {ended.code}: {last[:300]}", output, ended.code, seconds, hits=len(done)
            )
        said = f"applied {', '.join(done)}" if done else f"the tool did nothing: {last[:300]}"
        return Outcome(Result.DONE, said, output, 0, seconds, hits=len(done))

    async def _done(self, due: list[Standing]) -> list[str]:
        try:
            left = {s.version for s in (await look(self.client, self.config)).due}
        except MigrationsError:
            return []
        return [s.version for s in due if s.version not in left]

    def _refusal(self, asked: frozenset[str] | None, picture: Picture) -> str:
        if not self.config.owner_url:
            return NO_OWNER
        if picture.busy:
            return f"a migration is running: {picture.busy[0]}"
        new = [s.version for s in picture.due if asked is not None and s.version not in asked]
        return f"version {new[0]} is due as well and was not named: look again" if new else ""

    def _environment(self) -> dict[str, str]:
        """Small on purpose: nothing of Hutch's own environment but its path, its home and what ``pass_env`` names."""
        passed = {name: os.environ[name] for name in ("HOME", *self.config.pass_env) if name in os.environ}
        small = {"PATH": os.environ.get("PATH", DEFAULT_PATH), "LANG": "C.UTF-8", "TERM": "dumb"}
        return {**small, **passed, **self.config.env, self.config.command_env: self.config.owner_url}

    def _masked(self, output: str) -> str:
        text = masked(output.replace(self.config.owner_url, "•••"))
        password = password_of(self.config.owner_url)
        return text.replace(password, "•••") if password else text


def _whole_lines(ended: Ended) -> str:
    """The output that was kept; a line cut in two could end in half a password that nobody knows any more."""
    text = ended.output.decode("utf-8", errors="replace")
    return text.partition("\n")[2] if ended.left_out else text


def _versions(args: Args) -> frozenset[str] | None:
    named = args.get("versions")
    if named is None:
        return None
    if not isinstance(named, list | tuple) or not all(isinstance(version, str) for version in named):
        raise BadArguments(f"versions must be a list of versions, not {named!r}")
    return frozenset(named)
