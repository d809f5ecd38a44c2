"""The changing login: one connection a change, opened when the change runs and closed after it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from hutch.providers.postgres.client import Client, Session, Table, connected, executed, guarded, limit
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.errors import Kind, PostgresError, login, place

T = TypeVar("T")
NO_OPERATOR = (
    "no changes here: services.*.postgres.operator_url is not set; set it to a login that may end sessions "
    "(pg_signal_backend, pg_monitor, and from version 16 pg_use_reserved_connections)"
)


class Operator:
    """Runs changes under ``operator_url``, each statement in its own transaction; ``url`` names another login."""

    def __init__(self, config: Config, client: Client, url: str = "") -> None:
        self._config = config
        self._client = client
        self._url = url or config.operator_url
        self.where = place(self._url)[0] if self._url else ""
        self.login = login(self._url) if self._url else ""

    @property
    def refusal(self) -> str:
        """Why nothing can be changed; empty when it can."""
        return "" if self._url else NO_OPERATOR

    async def run(self, work: Callable[[Session], Awaitable[T]], seconds: float, lock: float | None = None) -> T:
        """Do ``work`` within time limits, ``lock`` instead of the setting ``lock_timeout``.

        :class:`PostgresError`: with ``sent`` it may have happened all the same.
        """
        async with self._session() as session:
            limits = limit(session, seconds, lock or self._config.lock_timeout, local=False)
            await _unsent(guarded(session, self.where, limits, seconds))
            return await guarded(session, self.where, work(session), seconds)

    async def statement(self, text: str, seconds: float, lock: float | None = None) -> Table:
        """One statement in a transaction of its own. Raises as :meth:`run` does."""
        return await self.run(lambda session: executed(session, text, None), seconds, lock)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        if self.refusal:
            raise PostgresError(Kind.PERMISSION, self.refusal)
        session = await self._connect()
        try:
            yield session
        finally:
            await session.close()

    async def _connect(self) -> Session:
        """A connection; on a full server our own idle reading connections make room for it."""
        try:
            return await connected(self._url, self._config, self.where, autocommit=True)
        except PostgresError as error:
            if error.kind is not Kind.EXHAUSTED:
                raise
            await self._client.make_room()
            return await connected(self._url, self._config, self.where, autocommit=True)


async def _unsent(preparing: Awaitable[None]) -> None:
    """A failure before the change itself was sent is a plain failure."""
    try:
        await preparing
    except PostgresError as error:
        error.sent = False
        raise
