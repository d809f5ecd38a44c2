"""Archives what is due by itself, in one process of a store."""

from __future__ import annotations

import asyncio
import logging

from hutch.commands import archive
from hutch.commands.context import CommandError, Context
from hutch.ports import StoreAway, StoreFull

EVERY = 600.0
"""Seconds between two looks at what is due."""

ACTOR = "policy:archive"
"""In whose name it is done."""

log = logging.getLogger("hutch.archiving")


class Archiving:
    """Looks until it is cancelled; without ``archive.after`` it ends at once."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def run(self) -> None:
        """Look, at its pace."""
        while self.context.config.archive.after:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Archive what is due. What could not be is still due at the next look."""
        try:
            done = await archive.sweep(self.context, ACTOR)
        except (StoreAway, StoreFull, CommandError) as error:
            log.error("nothing is archived: %s", error)
            return
        for one in done:
            if one.why:
                log.info("%s", one.why)
            else:
                log.info("%s lies in an archive now: %s in %s", one.incident, one.archive, one.place)
