"""What can be changed at Supabase: the schema that its REST address knows. What a person must do says where."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.supabase.config import Config
from hutch.providers.supabase.database import Closed, Database
from hutch.providers.supabase.queries import query
from hutch.providers.supabase.rest import Down, served
from hutch.remote import Args, Refused, Silent, applied

EVERY = 0.5
"""Seconds between two looks at the REST address."""


@dataclass(frozen=True, slots=True)
class Reload:
    """``supabase.reload_schema``: PostgREST reads tables, functions and rights anew."""

    database: Database
    config: Config
    effect: Effect = Effect.CHANGE

    async def preview(self, _args: Args) -> Preview:
        """What is told to whom; nobody's request is cut."""
        words = f"tell the REST address of {self.config.project} to read its schema anew; requests go on meanwhile"
        return Preview(words, 1, (f"NOTIFY pgrst on {self.config.target}",), "needs none: it reads what is there")

    @applied
    async def apply(self, _args: Args) -> Outcome:
        """Tell it, once, and answer when it serves, or after ``reloaded`` seconds."""
        try:
            await self.database.tell(query("reload"))
        except Closed as error:
            raise Refused(f"the login for changes may not: {error}") from None
        until, found = time.monotonic() + self.config.reloaded, await self._served()
        while found.verdict is not Verified.PASSED and time.monotonic() < until:
            await asyncio.sleep(EVERY)
            found = await self._served()
        return Outcome(Result.DONE, f"the REST address was told to read its schema anew; {found.summary}", hits=1)

    async def verify(self, _args: Args) -> Verification:
        """Passed when it serves. It gives no sign of having read the schema itself."""
        return await self._served()

    async def _served(self) -> Verification:
        try:
            tables = await served(self.config)
        except Down as error:
            return Verification(Verified.FAILED, str(error))
        except (Refused, Silent) as error:
            return Verification(Verified.UNKNOWN, str(error))
        return Verification(Verified.PASSED, f"it serves {tables} tables and views")


@dataclass(frozen=True, slots=True)
class ByHand:
    """A change for which Supabase has no call that Hutch makes: refused, with the exact place for a person."""

    what: str
    place: str
    effect: Effect = Effect.CHANGE

    async def preview(self, _args: Args) -> Preview:
        """Where a person does it."""
        return Preview(self.what, 0, refused=self._told())

    async def apply(self, _args: Args) -> Outcome:
        """Nothing."""
        return Outcome(Result.FAILED, self._told())

    async def verify(self, _args: Args) -> Verification:
        """It can't be told from here."""
        return Verification(Verified.UNKNOWN, self._told(), final=True)

    def _told(self) -> str:
        return f"a person does it at Supabase, Hutch can't: {self.place}"
