"""``migrate.up``: apply what is due, by the team's own tool or by Hutch; what the database has then decides."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.migrations.arguments import Args, Asked, BadArguments, asked
from hutch.providers.migrations.client import Client, MigrationsError
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.look import Picture, look
from hutch.providers.migrations.marks import marked
from hutch.providers.migrations.outcomes import failed, of_run, of_tool
from hutch.providers.migrations.owner import NO_OWNER, Held, Session, only_runner, write
from hutch.providers.migrations.planning import Part, Plan, by_us, plan_up
from hutch.providers.migrations.queries import query
from hutch.providers.migrations.runner import Work, run_all
from hutch.providers.migrations.tool import run_tool

VERIFY_LOOKS = 5
VERIFY_GAP = 0.5
"""Seconds between looks, and how many, while a migration that was under way comes to rest."""
_UNDO = "migrate.down takes them back, version by version; what a migration dropped comes back from a backup alone"


@dataclass(frozen=True, slots=True)
class Up:
    """``args``: ``versions``, those due when it was approved; any other makes it refuse. None: whatever is due."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Args) -> Preview:
        """Which versions would be finished and applied, with their statements."""
        try:
            wanted, picture = asked(args), await look(self.client, self.config)
            plan = await plan_up(self.client, self.config, picture)
        except (MigrationsError, BadArguments) as error:
            return Preview("can't tell what would be migrated", 0, undo=_UNDO, refused=str(error))
        half = len(picture.of("half-applied"))
        by = "Hutch" if by_us(self.config) else (*self.config.command, "nobody")[0]
        summary = f"finish {half} and apply {len(plan.parts) - half} migrations with {by}"
        if plan.loses:
            summary += f"; loses data: {'; '.join(plan.loses[:3])}"
        return Preview(summary, len(plan.parts), plan.items, _UNDO, self._refusal(wanted, plan))

    async def apply(self, args: Args) -> Outcome:
        """Do it, alone. ``hits``: the versions that were due and no longer are."""
        started = time.monotonic()
        try:
            wanted = asked(args)
            async with only_runner(self.config, own_tool=by_us(self.config)) as session:
                picture = await look(self.client, self.config, session.info.backend_pid)
                plan = await plan_up(self.client, self.config, picture)
                if refused := self._refusal(wanted, plan):
                    return failed(f"refused: {refused}", recoverable=bool(picture.busy))
                if not plan.parts:
                    return Outcome(Result.DONE, "nothing is due: nothing was done", seconds=time.monotonic() - started)
                if by_us(self.config):
                    return await self._ours(session, picture, plan, started)
                return await self._theirs(plan, started, session.info.backend_pid)
        except Held as error:
            return failed(f"refused: {error}", recoverable=True)
        except (MigrationsError, BadArguments) as error:
            return failed(str(error), recoverable=isinstance(error, MigrationsError) and str(error) != NO_OWNER)

    async def verify(self, args: Args) -> Verification:
        """Passed once every version is applied and none half-applied; pending while somebody migrates."""
        try:
            wanted, picture = asked(args), await at_rest(self.client, self.config)
        except (MigrationsError, BadArguments) as error:
            return Verification(Verified.UNKNOWN, f"can't tell where the migrations stand: {error}")
        named = wanted.versions
        left = [s for s in picture.due if s.state == "half-applied" or named is None or s.version in named]
        if not left:
            return Verification(Verified.PASSED, "every migration is applied, none half-way")
        lines = tuple(f"{s.state} {s.label}" for s in left)
        if picture.busy:
            return Verification(Verified.PENDING, "a migration is running", (*lines, *picture.busy))
        return Verification(Verified.FAILED, f"{len(left)} migrations are not applied", lines)

    async def _theirs(self, plan: Plan, started: float, own: int) -> Outcome:
        try:
            ended = await run_tool(self.config, self.config.command)
        except OSError as error:
            return failed(f"{self.config.command[0]} cannot be started: {error.strerror}")
        done = [] if ended.timed_out else await self._done(plan, own)
        return of_tool(self.config, ended, done, "applied", time.monotonic() - started, _undo(done))

    async def _ours(self, session: Session, picture: Picture, plan: Plan, started: float) -> Outcome:
        await write(session, [(query("make_table", self.config.table), {})] if not picture.columns else [])
        work = [self._work(part, picture) for part in plan.parts if part.file]
        ran = await run_all(session, work, self.config.tries, "applied")
        return of_run(ran, "applied", len(work), time.monotonic() - started, _undo(ran.done))

    def _work(self, part: Part, picture: Picture) -> Work:
        assert part.file is not None
        files = list(picture.files.values())
        marks = marked(self.config.tool, self.config.table, picture.columns, part.file, files, picture.heads)
        return Work(part.file, part.steps, tuple(marks), part.together, part.drop_first)

    async def _done(self, plan: Plan, own: int) -> list[str]:
        try:
            left = {s.version for s in (await look(self.client, self.config, own)).due}
        except MigrationsError:
            return []
        return [p.standing.version for p in plan.parts if p.standing.version not in left]

    def _refusal(self, wanted: Asked, plan: Plan) -> str:
        if not self.config.owner_url:
            return NO_OWNER
        if not by_us(self.config) and not self.config.command:
            return (
                "services.*.migrations.command is not set: set it to the tool's command line that applies what is due"
            )
        named = wanted.versions
        new = [p.standing.version for p in plan.parts if named is not None and p.standing.version not in named]
        if new and not plan.refused.startswith("a migration is running"):
            return f"version {new[0]} is due as well and was not named: look again"
        if wanted.digest and plan.digest != wanted.digest and plan.parts and not plan.refused:
            return "the files or the schema are not as they were when it was shown: look again"
        return plan.refused


def _undo(done: list[str]) -> dict[str, object]:
    return {"action": "migrate.down", "args": {"versions": list(reversed(done))}} if done else {}


async def at_rest(client: Client, config: Config) -> Picture:
    """A look, and a few more while somebody migrates. Raises :class:`MigrationsError`."""
    picture = await look(client, config)
    for _ in range(VERIFY_LOOKS if picture.busy else 0):
        await asyncio.sleep(VERIFY_GAP)
        picture = await look(client, config)
        if not picture.busy:
            break
    return picture
