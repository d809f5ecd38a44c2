"""``migrate.down``: take the last versions back, by the files' own way down or the team's tool."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.processes import Ended
from hutch.providers.migrations.actions import at_rest
from hutch.providers.migrations.arguments import Args, Asked, BadArguments, asked
from hutch.providers.migrations.client import Client, MigrationsError
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.look import Picture, look, states_of
from hutch.providers.migrations.marks import unmarked
from hutch.providers.migrations.outcomes import failed, of_run, of_tool
from hutch.providers.migrations.owner import NO_OWNER, Held, Session, only_runner
from hutch.providers.migrations.planning import Part, Plan, by_us, plan_down, there_to_take_back
from hutch.providers.migrations.runner import Work, run_all
from hutch.providers.migrations.tool import run_tool

_UNDO = "migrate.up applies them again; the data that was dropped comes back from a backup alone"


@dataclass(frozen=True, slots=True)
class Down:
    """``args``: ``versions``, which must be the last ones, or ``steps``, how many (1). ``digest``: of what was shown.

    It counts as one that loses data: what a way down drops is gone. ``taken`` remembers which versions ``steps`` meant.
    """

    client: Client
    config: Config
    effect: Effect = Effect.DESTROY
    taken: dict[int, tuple[str, ...]] = field(default_factory=dict, compare=False)

    async def preview(self, args: Args) -> Preview:
        """Which versions, with their statements, and what these lose."""
        try:
            wanted = asked(args)
            plan = await self._plan(wanted, await look(self.client, self.config))
        except (MigrationsError, BadArguments) as error:
            return Preview("can't tell what would be taken back", 0, undo=_UNDO, refused=str(error))
        versions = ", ".join(p.standing.label for p in plan.parts)
        lost = f"; loses data: {'; '.join(plan.loses[:5])}" if plan.loses else "; loses no data that is known"
        summary = f"take back {len(plan.parts)} migrations: {versions}{lost}" if plan.parts else "nothing is applied"
        return Preview(summary, len(plan.parts), plan.items, _UNDO, self._refusal(wanted, plan))

    async def apply(self, args: Args) -> Outcome:
        """Do it, alone. ``hits``: the versions that were applied and no longer are."""
        started = time.monotonic()
        try:
            wanted = asked(args)
            async with only_runner(self.config, own_tool=by_us(self.config)) as session:
                picture = await look(self.client, self.config, session.info.backend_pid)
                plan = await self._plan(wanted, picture)
                if refused := self._refusal(wanted, plan):
                    return failed(f"refused: {refused}", recoverable=bool(picture.busy))
                if not plan.parts:
                    return Outcome(Result.DONE, "nothing is applied: nothing was done")
                self.taken[wanted.steps] = tuple(p.standing.version for p in plan.parts)
                if by_us(self.config):
                    return await self._ours(session, picture, plan, started)
                return await self._theirs(picture, plan, started, session.info.backend_pid)
        except Held as error:
            return failed(f"refused: {error}", recoverable=True)
        except (MigrationsError, BadArguments) as error:
            return failed(str(error), recoverable=isinstance(error, MigrationsError) and str(error) != NO_OWNER)

    async def verify(self, args: Args) -> Verification:
        """Passed once none of the versions is applied; pending while somebody migrates."""
        try:
            wanted, picture = asked(args), await at_rest(self.client, self.config)
        except (MigrationsError, BadArguments) as error:
            return Verification(Verified.UNKNOWN, f"can't tell where the migrations stand: {error}")
        named = wanted.versions or self.taken.get(wanted.steps, ())
        if not named:
            return Verification(Verified.UNKNOWN, "which versions were the last ones before is not known any more")
        left = [s for s in picture.of("applied", "half-applied", "no-file") if s.version in named]
        if not left:
            return Verification(Verified.PASSED, f"not applied any more: {', '.join(named)}")
        lines = tuple(f"{s.state} {s.label}" for s in left)
        if picture.busy:
            return Verification(Verified.PENDING, "a migration is running", (*lines, *picture.busy))
        return Verification(Verified.FAILED, f"{len(left)} migrations are not taken back", lines)

    async def _plan(self, wanted: Asked, picture: Picture) -> Plan:
        return await plan_down(self.config, picture, wanted.versions or (), wanted.steps)

    async def _ours(self, session: Session, picture: Picture, plan: Plan, started: float) -> Outcome:
        keys = [op.key for part in plan.parts for step in part.steps for op in step.ops]
        states = await states_of(self.client, keys)
        work = [self._work(part, there_to_take_back(part, states), picture) for part in plan.parts]
        ran = await run_all(session, work, self.config.tries, "took back")
        return of_run(ran, "took back", len(work), time.monotonic() - started, _undo(ran.done))

    def _work(self, part: Part, steps: Sequence[object], picture: Picture) -> Work:
        assert part.file is not None
        files = list(picture.files.values())
        marks = unmarked(self.config.tool, self.config.table, picture.columns, part.file, files, picture.heads)
        return Work(part.file, tuple(s for s in part.steps if s in steps), tuple(marks), part.together)

    async def _theirs(self, picture: Picture, plan: Plan, started: float, own: int) -> Outcome:
        try:
            ended = await self._commands(picture, plan)
        except OSError as error:
            return failed(f"{self.config.down_command[0]} cannot be started: {error.strerror}")
        done = [] if ended.timed_out else await self._gone(plan, own)
        return of_tool(self.config, ended, done, "took back", time.monotonic() - started, _undo(done))

    async def _commands(self, picture: Picture, plan: Plan) -> Ended:
        """Once where the command takes how far; else once for each version, up to the first that fails."""
        versions = [p.standing.version for p in plan.parts]
        once = any(hole in word for word in self.config.down_command for hole in ("{to}", "{steps}"))
        for number, version in enumerate(versions[-1:] if once else versions, 1):
            values = {"version": version, "to": _before(picture, version), "steps": str(len(versions))}
            ended = await run_tool(self.config, self.config.down_command, values)
            if ended.code or ended.timed_out or once or number == len(versions):
                break
        return ended

    async def _gone(self, plan: Plan, own: int) -> list[str]:
        try:
            picture = await look(self.client, self.config, own)
        except MigrationsError:
            return []
        left = {s.version for s in picture.of("applied", "half-applied", "no-file")}
        return [p.standing.version for p in plan.parts if p.standing.version not in left]

    def _refusal(self, wanted: Asked, plan: Plan) -> str:
        if not self.config.owner_url:
            return NO_OWNER
        if not by_us(self.config) and not self.config.down_command:
            return "services.*.migrations.down_command is not set: set it to the tool's command line that takes back"
        if wanted.digest and plan.digest != wanted.digest and plan.parts and not plan.refused:
            return "the files or the schema are not as they were when it was shown: look again"
        return plan.refused


def _before(picture: Picture, version: str) -> str:
    """The version that is reached when ``version`` is taken back; ``base`` where it is the first."""
    file = picture.files.get(version)
    if file and file.language == "python":
        return file.parents[0] if file.parents else "base"
    versions = [s.version for s in picture.versions]
    at = versions.index(version)
    return versions[at - 1] if at else "0"


def _undo(done: Sequence[str]) -> dict[str, object]:
    return {"action": "migrate.up", "args": {"versions": list(reversed(done))}} if done else {}
