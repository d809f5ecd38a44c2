"""One warm connection to one server: a server whose clients are used up refuses new ones, and Redis does one thing
at a time anyway. Whoever waits for a command that fails fails with it, so that a dead server is waited for once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Connection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError as LibraryError
from redis.exceptions import ResponseError

from hutch.providers.redis.config import Config
from hutch.providers.redis.errors import Kind, RedisError, asking, connecting

Words = Sequence[str | bytes | int]


class Client:
    """Asks one server as one login. Connects at first use; a lost connection is replaced at the next."""

    def __init__(self, url: str, config: Config) -> None:
        self._config = config
        try:
            self._pool: ConnectionPool = ConnectionPool.from_url(
                url,
                protocol=2,
                retry=Retry(NoBackoff(), 0),
                socket_connect_timeout=config.connect_timeout,
                socket_timeout=config.timeout,
                driver_info=None,
            )
        except (ValueError, TypeError):
            said = "the address can't be read: expected redis://user:password@host:6379/0, rediss:// or unix://"
            raise ValueError(f"redis: {said}") from None
        self.where, self.database = place(self._pool.connection_kwargs)
        self._warm: Connection | None = None
        self._turn = asyncio.Lock()
        self._failed: tuple[float, RedisError] | None = None

    async def info(self) -> Mapping[str, str]:
        """All of INFO by name, as text."""
        return parsed(await self.ask("INFO"))

    async def ask(self, *words: str | bytes | int) -> Any:
        """One reading command's raw answer: bytes, int, list or None. Raises :class:`RedisError`."""
        [answer] = await self.ask_all([words])
        if isinstance(answer, ResponseError):
            raise asking(answer, self.where, self._config.timeout)
        return answer

    async def ask_all(self, commands: Sequence[Words]) -> list[Any]:
        """The answers to several reading commands in one round trip; one that was refused is a ``ResponseError``."""
        return (await self._read(commands))[0]

    async def ping(self) -> float:
        """Seconds that one PING took, without waiting for our own other commands. Raises :class:`RedisError`."""
        [answer], seconds = await self._read([["PING"]])
        if isinstance(answer, ResponseError):
            raise asking(answer, self.where, self._config.timeout)
        return seconds

    async def change(self, *words: str | bytes | int) -> Any:
        """One command that changes something: sent once, never again by itself. Raises :class:`RedisError`."""
        [answer], _ = await self._in_turn([words])
        if isinstance(answer, ResponseError):
            raise asking(answer, self.where, self._config.timeout)
        return answer

    async def alone(self, commands: Sequence[Words], seconds: float) -> list[Any]:
        """The answers on a connection of their own: a person's commands may take long, or change its state."""
        own = await self._connected()
        try:
            return await self._exchanged(own, commands, seconds)
        finally:
            await own.disconnect(nowait=True)

    async def close(self) -> None:
        """Close the connection; the next command would open a new one."""
        warm, self._warm = self._warm, None
        if warm is not None:
            await warm.disconnect(nowait=True)

    async def _read(self, commands: Sequence[Words]) -> tuple[list[Any], float]:
        """Ask; once more on a fresh connection when the server had gone away in between."""
        try:
            return await self._in_turn(commands)
        except RedisError as error:
            if not error.lost:
                raise
            return await self._in_turn(commands)

    async def _in_turn(self, commands: Sequence[Words]) -> tuple[list[Any], float]:
        """The answers, and the seconds they took by themselves."""
        asked = time.monotonic()
        async with self._turn:
            if self._failed and self._failed[0] >= asked:
                raise self._failed[1]
            try:
                warm = await self._opened()
                began = time.monotonic()
                answers = await self._exchanged(warm, commands, self._config.timeout)
            except RedisError as error:
                if not error.lost:
                    self._failed = time.monotonic(), error
                raise
            return answers, time.monotonic() - began

    async def _opened(self) -> Connection:
        """The warm connection; call with its turn held."""
        if self._warm is None or not self._warm.is_connected:
            self._warm = None
            self._warm = await self._connected()
        return self._warm

    async def _connected(self) -> Connection:
        connection: Connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
        except (LibraryError, OSError) as error:
            await connection.disconnect(nowait=True)
            raise connecting(error, self.where) from None
        return connection

    async def _exchanged(self, connection: Connection, commands: Sequence[Words], seconds: float) -> list[Any]:
        try:
            async with asyncio.timeout(seconds):
                await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                return [await _answer(connection, seconds) for _ in commands]
        except (LibraryError, OSError) as error:
            await connection.disconnect(nowait=True)
            raise asking(error, self.where, seconds) from None
        except asyncio.CancelledError:
            await connection.disconnect(nowait=True)
            raise


async def _answer(connection: Connection, seconds: float) -> Any:
    """One answer; an error answer is a value, since the connection is none the worse."""
    try:
        return await connection.read_response(timeout=seconds, disconnect_on_error=False)
    except ResponseError as error:
        return error


def place(settings: Mapping[str, Any]) -> tuple[str, int]:
    """Where the address leads, as ``host:port`` or a socket's path, and which database."""
    where = settings.get("path") or f"{settings.get('host', 'localhost')}:{settings.get('port', 6379)}"
    return str(where), int(settings.get("db", 0))


def parsed(answer: object) -> Mapping[str, str]:
    """INFO's lines by name.

    >>> parsed(b"# Memory\\r\\nused_memory:12\\r\\n")
    {'used_memory': '12'}
    """
    if not isinstance(answer, bytes):
        raise RedisError(Kind.COMMAND, "INFO gave no text: is this a Redis server?")
    pairs = (line.partition(":") for line in answer.decode("utf-8", errors="replace").splitlines() if ":" in line)
    return {name: value for name, _, value in pairs if not name.startswith("#")}
