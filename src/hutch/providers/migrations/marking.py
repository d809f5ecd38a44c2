"""``migrate.mark``: note a version as applied, once every object that it declares is there; or as not applied."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.migrations.arguments import Args, BadArguments, flag, version_of
from hutch.providers.migrations.client import Client, MigrationsError
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.expected import Wanted
from hutch.providers.migrations.files import File
from hutch.providers.migrations.look import Picture, expectations, look, states_of
from hutch.providers.migrations.marks import Unmarkable, marked, unmarked
from hutch.providers.migrations.outcomes import failed, of_tool
from hutch.providers.migrations.owner import NO_OWNER, Held, Session, Statement, only_runner, said_by, write
from hutch.providers.migrations.proposal import shown
from hutch.providers.migrations.standing import Standing, is_done
from hutch.providers.migrations.tool import run_tool

SEEN = "say `compared: true` (--compared) once you have compared it with the schema yourself"


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for: ``back``: note it as not applied; ``compared``: a person has looked at what can't be told;
    ``undo``: back to how it was, whatever is there."""

    version: str
    back: bool = False
    compared: bool = False
    undo: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The version as it is: where it stands, and what of it is there and is not."""

    standing: Standing | None
    file: File | None
    there: tuple[Wanted, ...] = ()
    missing: tuple[Wanted, ...] = ()

    @property
    def untold(self) -> list[str]:
        """Statements of which the schema does not tell whether they ran."""
        return [shown(s.text) for s in self.file.steps if not s.checkable] if self.file else []


@dataclass(frozen=True, slots=True)
class Mark:
    """``args``: ``version``; ``back``, ``compared`` and ``undo`` as :class:`Ask` says."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Args) -> Preview:
        """The row, and what was compared."""
        try:
            ask = _ask(args)
            picture = await look(self.client, self.config)
            seen = await self._seen(ask, picture)
            how = self._how(ask, seen, picture)
        except (MigrationsError, BadArguments, Unmarkable) as error:
            return Preview("can't tell what would be marked", 0, refused=str(error))
        items = (*(f"there: {w}" for w in seen.there), *(f"can't be told: {t}" for t in seen.untold))
        label = seen.standing.label if seen.standing else ask.version
        state = "not applied" if ask.back else "applied"
        told = f", {len(seen.untold)} statements can't be told" if seen.untold else ""
        summary = f"note {label} as {state}, {how}: {len(seen.there)} objects are there{told}"
        undo = f"migrate.mark(version: {ask.version}, back: {not ask.back})"
        return Preview(summary, 1, items, undo, self._refusal(ask, seen, picture))

    async def apply(self, args: Args) -> Outcome:
        """Compare once more, alone, and write the row."""
        started = time.monotonic()
        try:
            ask = _ask(args)
            async with only_runner(self.config, own_tool=not self._command(ask)) as session:
                picture = await look(self.client, self.config, session.info.backend_pid)
                seen = await self._seen(ask, picture)
                if refused := self._refusal(ask, seen, picture):
                    return failed(f"refused: {refused}", recoverable=bool(picture.busy))
                if seen.standing and seen.standing.state == _wanted_state(ask):
                    return Outcome(Result.DONE, f"{ask.version} is {_wanted_state(ask)} already: nothing was done")
                if self._command(ask):
                    return await self._theirs(ask, started)
                return await self._ours(session, ask, seen, picture, started)
        except Held as error:
            return failed(f"refused: {error}", recoverable=True)
        except Unmarkable as error:
            return failed(f"refused: {error}")
        except (MigrationsError, BadArguments) as error:
            return failed(str(error), recoverable=isinstance(error, MigrationsError) and str(error) != NO_OWNER)

    async def verify(self, args: Args) -> Verification:
        """Passed once the table says so."""
        try:
            ask = _ask(args)
            picture = await look(self.client, self.config)
        except (MigrationsError, BadArguments) as error:
            return Verification(Verified.UNKNOWN, f"can't tell where the migrations stand: {error}")
        found = next((s for s in picture.versions if s.version == ask.version), None)
        state = found.state if found else "not known"
        noted = state in ("applied", "no-file") if not ask.back else state not in ("applied", "no-file")
        return Verification(Verified.PASSED if noted else Verified.FAILED, f"{ask.version} is {state}")

    async def _seen(self, ask: Ask, picture: Picture) -> Seen:
        standing = next((s for s in picture.versions if s.version == ask.version), None)
        file = picture.files.get(ask.version)
        if file is None:
            return Seen(standing, None)
        state = {s.version: s.state for s in picture.versions}
        expected = expectations(list(picture.files.values()), [file], state)[file.version]
        states = await states_of(self.client, [w.key for w in expected])
        there = tuple(w for w in expected if is_done(w, states))
        return Seen(standing, file, there, tuple(w for w in expected if w not in there))

    def _refusal(self, ask: Ask, seen: Seen, picture: Picture) -> str:
        if not self.config.owner_url:
            return NO_OWNER
        if picture.busy:
            return f"a migration is running: {picture.busy[0]}"
        if seen.standing is None and seen.file is None:
            return f"no migration {ask.version}: `hutch migrate status` shows them"
        if ask.undo or (seen.standing and seen.standing.state == _wanted_state(ask)):
            return ""
        return _back_refused(ask, seen) if ask.back else _mark_refused(ask, seen)

    def _how(self, ask: Ask, seen: Seen, picture: Picture) -> str:
        if self._command(ask):
            return f"by {self.config.mark_command[0]}"
        self._statements(ask, seen, picture)
        return f"by a row of {self.config.table}"

    def _command(self, ask: Ask) -> bool:
        return bool(self.config.mark_command) and not ask.back

    def _statements(self, ask: Ask, seen: Seen, picture: Picture) -> list[Statement]:
        """Raises :class:`Unmarkable`."""
        file = seen.file or File(ask.version, "")
        make = unmarked if ask.back else marked
        return make(
            self.config.tool, self.config.table, picture.columns, file, [*picture.files.values()], picture.heads
        )

    async def _ours(self, session: Session, ask: Ask, seen: Seen, picture: Picture, started: float) -> Outcome:
        try:
            async with session.transaction():
                await write(session, self._statements(ask, seen, picture))
        except psycopg.Error as error:
            lost = session.closed or error.sqlstate is None
            return Outcome(Result.UNKNOWN if lost else Result.FAILED, said_by(error))
        undo = {} if seen.standing and seen.standing.state == "half-applied" and seen.standing.recorded else _undo(ask)
        summary = f"{ask.version} is noted as {_wanted_state(ask)}"
        return Outcome(Result.DONE, summary, seconds=time.monotonic() - started, hits=1, undo=undo)

    async def _theirs(self, ask: Ask, started: float) -> Outcome:
        try:
            ended = await run_tool(self.config, self.config.mark_command, {"version": ask.version})
        except OSError as error:
            return failed(f"{self.config.mark_command[0]} cannot be started: {error.strerror}")
        return of_tool(self.config, ended, [ask.version], "marked", time.monotonic() - started, {})


def _mark_refused(ask: Ask, seen: Seen) -> str:
    if seen.file is None:
        return "it has no file, so what it declares can't be compared"
    if seen.missing:
        left = ", ".join(str(w) for w in seen.missing[:5])
        return f"not everything is there: {left}; `hutch migrate status` shows the statements that are left"
    if seen.file.trouble and not ask.compared:
        return f"its file can't be read: {seen.file.trouble}; {SEEN}"
    if (untold := seen.file.untold) and not ask.compared:
        return f"of its file this can't be told: {untold}; {SEEN}"
    return ""


def _back_refused(ask: Ask, seen: Seen) -> str:
    sure = [w for w in seen.there if w.sure]
    if sure:
        return f"some of it is there: {', '.join(str(w) for w in sure[:5])}; take it back first"
    told = seen.file is not None and not seen.file.trouble and not seen.file.untold
    return "" if told or ask.compared else f"its file can't be compared; {SEEN}"


def _wanted_state(ask: Ask) -> str:
    return "pending" if ask.back else "applied"


def _undo(ask: Ask) -> dict[str, object]:
    args = {"version": ask.version, "back": not ask.back, "undo": True}
    return {"action": "migrate.mark", "args": args}


def _ask(args: Args) -> Ask:
    return Ask(version_of(args), flag(args, "back"), flag(args, "compared"), flag(args, "undo"))
