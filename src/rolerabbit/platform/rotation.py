"""Rotating the service's secrets: a new key that all know, then it signs and all verify, then the old one goes.

Every step starts all replicas anew, since they get their secrets when they start. Not one request is refused on the
way: no replica signs with a key that another one does not know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from rolerabbit import profiles
from rolerabbit.keys import Ring, RingError
from rolerabbit.platform import keyfile
from rolerabbit.platform.errors import BadRequest, ComponentFailed, Conflict
from rolerabbit.platform.keyfile import Keys

CONNECT_SECONDS = 5


class Secrets:
    """The keys of one platform, in `path`; `database_url` tells how much each of them has sealed."""

    def __init__(
        self, path: Path, database_url: str, now: Callable[[], str], write: Callable[[Path, str], None]
    ) -> None:
        self._path, self._database_url, self._now, self._write = path, database_url, now, write
        self.keys = keyfile.load(path, now())
        self._keep(self.keys)

    def environment(self) -> dict[str, str]:
        """What replicas get."""
        return self.keys.environment()

    def started(self) -> None:
        """Every replica was started with the keys as they are now."""
        self._keep(replace(self.keys, in_force=True))

    def give(self, name: str, text: str) -> None:
        """Another ring for a variable, as somebody who keeps it writes it; the next replicas get it. BadRequest."""
        ring = {variable: ring for ring, variable in keyfile.VARIABLES.items()}.get(name)
        if ring is None:
            raise BadRequest(f"there is no variable {name!r} to change", f"use one of: {', '.join(self.environment())}")
        try:
            self._keep(self.keys.given(ring, Ring.parse(text), self._now()))
        except RingError as error:
            raise BadRequest(f"{name}: {error}", "a ring is ID:BASE64, by commas") from error

    async def add(self, name: str, signer: str, restart: Callable[[], Awaitable[None]]) -> None:
        """A new key signs and the old one still verifies. With `signer` only while that key signs: said twice, it is
        done once. What was broken off is gone on with."""
        now = self.keys.signer(name)
        if signer and signer != now:
            await self._in_force(restart)
            return
        if any(key.state == "old" for key in self.keys.ring(name)):
            raise Conflict(f"{name}: the key before {now} still verifies", "retire it before a further one is added")
        self._keep(self.keys.added(name, self._now()))
        await self._in_force(restart)
        self._keep(self.keys.promoted(name, self._now()))
        await self._in_force(restart)

    async def retire(self, name: str, restart: Callable[[], Awaitable[None]]) -> None:
        """Keys that were replaced are off. Conflict while something is sealed by one of them."""
        old = [key.id for key in self.keys.ring(name) if key.state == "old"]
        if name == "encryption" and old:
            left = sum(count for id, count in (await self.sealed()).items() if id in old)
            if left:
                raise Conflict(f"{left} profiles are sealed with {', '.join(old)}", "wait until they are sealed anew")
        self._keep(self.keys.retired(name, self._now()))
        await self._in_force(restart)

    async def sealed(self) -> dict[str, int]:
        """How many profiles each encryption key has sealed. ComponentFailed where the database doesn't tell."""
        return await asyncio.to_thread(self._sealed)

    async def told(self) -> dict[str, Any]:
        """For GET /keys: no values."""
        return {"rings": self.keys.told(), "in_force": self.keys.in_force, "sealed": await self.sealed()}

    def _sealed(self) -> dict[str, int]:
        try:
            with psycopg.connect(self._database_url, connect_timeout=CONNECT_SECONDS) as connection:
                return profiles.by_key(connection)
        except psycopg.Error as error:
            raise ComponentFailed("the database does not tell what is sealed", "see GET /status, try again") from error

    async def _in_force(self, restart: Callable[[], Awaitable[None]]) -> None:
        if not self.keys.in_force:
            await restart()

    def _keep(self, keys: Keys) -> None:
        self._write(self._path, keyfile.dump(keys))
        self.keys = keys
