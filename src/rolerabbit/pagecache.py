"""What everybody may see, kept for some seconds in Redis; forgotten as a whole whenever a portfolio changes.

An entry carries the generation under which its rows were read. A change removes the generation after its commit, so
that nothing read before counts any more, not even what a slow reader stores afterwards. Removing works even when the
memory is full.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from rolerabbit.metrics import Metrics
from rolerabbit.remote import Remote, Unavailable

GENERATION: Final = "rr:generation"
PREFIX: Final = "rr:public:"
MAX_BYTES: Final = 64_000
"""Larger answers are not kept."""
_SEPARATOR: Final = b"\n"


class PageCache:
    """Whole answers by name. ``seconds`` 0 keeps nothing."""

    def __init__(self, remote: Remote, metrics: Metrics, seconds: int) -> None:
        self._remote = remote
        self._metrics = metrics
        self._seconds = seconds
        self._owed = False

    async def through(self, name: str, make: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """What is kept under the name, or what ``make`` gives, which is kept unless it is None."""
        generation, kept = await self._find(name)
        if kept is not None:
            return kept
        made = await make()
        if made is not None and generation is not None and len(made) <= MAX_BYTES:
            await self._keep(name, generation, made)
        return made

    async def changed(self) -> None:
        """Something that may be kept has changed, and is committed. What can't be said to Redis now is owed to it:
        until it is said this process uses nothing that is kept; others at most for ``seconds``."""
        if not self._remote.configured:
            return
        self._owed = True
        try:
            await self._remote.do("DEL", GENERATION)
        except Unavailable:
            return
        self._owed = False

    async def _find(self, name: str) -> tuple[bytes | None, bytes | None]:
        if not (self._seconds and self._remote.configured):
            return None, None
        try:
            if self._owed:
                await self._remote.do("DEL", GENERATION)
                self._owed = False
            generation, entry = await self._remote.do("MGET", GENERATION, self._key(name))
            generation = generation or await self._begin()
        except Unavailable:
            self._metrics.cache_request("unavailable")
            return None, None
        read, _, body = (entry or b"").partition(_SEPARATOR)
        hit = entry is not None and read == generation
        self._metrics.cache_request("hit" if hit else "miss")
        return generation, body if hit else None

    def _key(self, name: str) -> str:
        """Under the time that it is kept for: where that is made shorter, what was kept for longer no longer counts."""
        return f"{PREFIX}{self._seconds}:{name}"

    async def _begin(self) -> bytes:
        mine = secrets.token_hex(8).encode()
        theirs: bytes | None = await self._remote.do("SET", GENERATION, mine, "NX", "GET")
        return theirs or mine

    async def _keep(self, name: str, generation: bytes, body: bytes) -> None:
        try:
            await self._remote.do("SET", self._key(name), generation + _SEPARATOR + body, "EX", self._seconds)
        except Unavailable:
            return
