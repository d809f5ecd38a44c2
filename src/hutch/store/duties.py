"""Which process has a duty: by a lock on a file, which ends with the process, or by a lease on Postgres.

The lease goes by the server's clock, so the clocks of the machines need not agree.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, Float, MetaData, Table, Text, delete, func, or_
from sqlalchemy.dialects import postgresql

from hutch.store.aside import Aside
from hutch.store.owner import this_process

log = logging.getLogger("hutch.duties")

metadata = MetaData()
duties = Table(
    "duties",
    metadata,
    Column("duty", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Float(53), nullable=False),  # seconds since 1970, by the server's clock
)


class FileDuties:
    """Implements :class:`hutch.model.duty.Duties` for the processes of one machine, over files in ``home``.

    The kernel lets go of a lock when its process ends, by kill -9 too: another has it at its next try.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._held: dict[str, int] = {}

    async def hold(self, duty: str, seconds: float) -> bool | None:  # noqa: ARG002 - a lock does not run out
        """Take it, or keep it."""
        if duty in self._held:
            return True
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            place = os.open(self._home / f"duty-{duty}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            log.warning("who does %r cannot be told: %s", duty, error.strerror)
            return None
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(place)
            return False
        self._held[duty] = place
        return True

    async def release(self, duty: str) -> None:
        """Let another have it at once."""
        if (place := self._held.pop(duty, None)) is not None:
            os.close(place)

    async def close(self) -> None:
        """Let go of all."""
        for duty in list(self._held):
            await self.release(duty)


class TableDuties(Aside):
    """Implements :class:`hutch.model.duty.Duties` for the processes of many machines, over a table on Postgres."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        super().__init__(engine, metadata, "who has which duty cannot be asked", log)
        self._me = f"{this_process()}:{secrets.token_hex(4)}"
        self._asked: set[str] = set()

    async def hold(self, duty: str, seconds: float) -> bool | None:
        """Take it where nobody has it or its lease ran out, or keep it for so many seconds from now."""
        self._asked.add(duty)
        return await self._try(lambda c: _hold(c, duty, self._me, seconds), None)

    async def release(self, duty: str) -> None:
        """Let another have it at once, where it is ours."""
        self._asked.discard(duty)
        mine = (duties.c.duty == duty) & (duties.c.holder == self._me)
        await self._try(lambda c: c.execute(delete(duties).where(mine)).rowcount, 0)

    async def close(self) -> None:
        """Let go of all."""
        for duty in list(self._asked):
            await self.release(duty)
        await super().close()


def _hold(connection: Connection, duty: str, holder: str, seconds: float) -> bool | None:
    now: Any = func.extract("epoch", func.clock_timestamp())
    new = postgresql.insert(duties).values(duty=duty, holder=holder, until=now + seconds)
    free = or_(duties.c.holder == holder, duties.c.until <= now)
    changed = {"holder": new.excluded.holder, "until": new.excluded.until}
    taken = new.on_conflict_do_update(index_elements=["duty"], set_=changed, where=free).returning(duties.c.holder)
    return connection.execute(taken).first() is not None
