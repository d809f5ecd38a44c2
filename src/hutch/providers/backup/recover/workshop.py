"""The scratch database between preview, doing and verification: restored once, kept for a while, always dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.config import Config
from hutch.providers.backup.manifest import Manifest
from hutch.providers.backup.restore import Restored, restored


class Workshop:
    """Holds at most one scratch database. One that a killed Hutch left is dropped when the next one is made."""

    def __init__(self, config: Config, shelf: Shelf, keep: float) -> None:
        self._config, self._shelf, self._keep = config, shelf, keep
        self._turn = asyncio.Lock()
        self._held: Restored | None = None
        self._holds: tuple[str, tuple[str, ...]] = ("", ())
        self._stack = AsyncExitStack()
        self._ending: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def at(self, manifest: Manifest, tables: Sequence[str]) -> AsyncIterator[Restored]:
        """The backup with the rows of these tables; ours alone in the block, and kept for a while after it.

        When the block fails the database is dropped at once.
        """
        async with self._turn:
            self._stay()
            kept = False
            try:
                yield await self._restored(manifest, tuple(sorted(tables)))
                kept = True
            finally:
                if not kept:
                    await asyncio.shield(self._drop())
            self._ending = asyncio.create_task(self._later())

    async def close(self) -> None:
        """Drop it now."""
        async with self._turn:
            self._stay()
            await self._drop()

    async def _restored(self, manifest: Manifest, tables: tuple[str, ...]) -> Restored:
        if self._held is None or self._holds != (manifest.id, tables):
            await self._drop()
            self._held = await self._stack.enter_async_context(restored(self._config, self._shelf, manifest, tables))
            self._holds = (manifest.id, tables)
        return self._held

    async def _drop(self) -> None:
        self._held, self._holds = None, ("", ())
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()

    async def _later(self) -> None:
        await asyncio.sleep(self._keep)
        async with self._turn:
            await self._drop()

    def _stay(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
