"""``migrate.reset`` and ``migrate.seed``: empty a database and fill it with made-up data. For development alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.migrations.arguments import Args
from hutch.providers.migrations.client import Client, MigrationsError
from hutch.providers.migrations.config import DEVELOPMENT, Config
from hutch.providers.migrations.look import look, quoted
from hutch.providers.migrations.outcomes import failed, of_tool
from hutch.providers.migrations.owner import NO_OWNER, Held, only_runner
from hutch.providers.migrations.queries import query
from hutch.providers.migrations.tool import run_tool


@dataclass(frozen=True, slots=True)
class Develop:
    """Runs one of the two command lines, if the configuration says that this database is for development."""

    client: Client
    config: Config
    word: str  # reset, seed
    effect: Effect

    @property
    def _command(self) -> Sequence[str]:
        return self.config.reset_command if self.word == "reset" else self.config.seed_command

    async def preview(self, _args: Args) -> Preview:
        """What runs, and where."""
        lost = "; everything in it is lost" if self.word == "reset" else ""
        summary = f"{self.word} {self.client.target} by {(*self._command, 'nobody')[0]}{lost}"
        return Preview(summary, 1, (" ".join(self._command),), "none: make a backup first", self._refusal())

    async def apply(self, _args: Args) -> Outcome:
        """Run it, alone."""
        started = time.monotonic()
        if refused := self._refusal():
            return failed(f"refused: {refused}")
        try:
            async with only_runner(self.config):
                ended = await run_tool(self.config, self._command)
        except OSError as error:
            return failed(f"{self._command[0]} cannot be started: {error.strerror}")
        except MigrationsError as error:
            return failed(str(error), recoverable=isinstance(error, Held))
        return of_tool(self.config, ended, [self.client.target], self.word, time.monotonic() - started, {})

    async def verify(self, _args: Args) -> Verification:
        """Empty after a reset: no version is applied. Filled after a seed: some table holds rows."""
        try:
            if self.word == "reset":
                left = len((await look(self.client, self.config)).of("applied", "half-applied", "no-file"))
                said = f"{left} migrations are still noted as applied" if left else "no migration is applied"
                return Verification(Verified.FAILED if left else Verified.PASSED, said)
            [row] = await self.client.rows(query("filled"), {"table": quoted(self.config.table)})
        except MigrationsError as error:
            return Verification(Verified.UNKNOWN, str(error))
        said = "tables hold rows" if row["holds"] else "every table is empty"
        return Verification(Verified.PASSED if row["holds"] else Verified.FAILED, said)

    def _refusal(self) -> str:
        if self.config.environment != DEVELOPMENT:
            where = f"services.*.migrations.environment is {self.config.environment!r}"
            return f"{self.word} is for development alone: {where}"
        if not self._command:
            return f"services.*.migrations.{self.word}_command is not set"
        return "" if self.config.owner_url else NO_OWNER
