"""The servers beside the service: stopped on purpose, started, restarted, and brought back when they have crashed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from rolerabbit.embedded import EmbeddedError
from rolerabbit.platform.errors import ComponentFailed, NotFound


class Server(Protocol):
    """What an embedded server can do."""

    @property
    def running(self) -> bool:
        """Whether its process is alive."""

    @property
    def pid(self) -> int:
        """Its process id; EmbeddedError when it doesn't run."""

    def start(self) -> object:
        """Start unless it runs; returns once it serves."""

    def stop(self) -> None:
        """Stop and reap."""


class Component:
    """One server by its name. What is done to it is done one after the other, each in a thread.

    ``stopped_on_purpose``: it is meant to be down, and is left so until somebody starts it.
    """

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self.stopped_on_purpose = False
        self.crashes = 0
        self._server = server
        self._lock = threading.Lock()

    @property
    def running(self) -> bool:
        """Whether its process is alive."""
        return self._server.running

    @property
    def pid(self) -> int | None:
        """Its process id; None when it doesn't run."""
        try:
            return self._server.pid
        except EmbeddedError:
            return None

    async def start(self) -> None:
        """Start it unless it runs; ComponentFailed if it doesn't come up."""
        await self._do(self._start)

    async def restart(self) -> None:
        """Stop it if it runs, and start it; ComponentFailed if it doesn't come up."""
        await self._do(self._restart)

    async def stop(self) -> None:
        """Stop it, and leave it stopped."""
        await self._do(self._stop)

    async def revive(self) -> None:
        """Start it again if it has ended unasked; ComponentFailed if it doesn't come up."""
        if not self.running and not self.stopped_on_purpose:
            await self._do(self._revive)

    def describe(self) -> dict[str, Any]:
        """For /status."""
        pid = self.pid
        return {
            "running": pid is not None,
            "pid": pid,
            "stopped_on_purpose": self.stopped_on_purpose,
            "crashes": self.crashes,
        }

    async def _do(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(self._alone, work)
        except EmbeddedError as error:
            raise ComponentFailed(
                f"{self.name} did not come up: {error}", "free what it needs, then start it"
            ) from error

    def _alone(self, work: Callable[[], None]) -> None:
        with self._lock:
            work()

    def _start(self) -> None:
        self.stopped_on_purpose = False
        self._server.start()

    def _restart(self) -> None:
        self.stopped_on_purpose = False
        self._server.stop()
        self._server.start()

    def _stop(self) -> None:
        self.stopped_on_purpose = True
        self._server.stop()

    def _revive(self) -> None:
        if not self._server.running and not self.stopped_on_purpose:
            self.crashes += 1
            self._server.start()


@dataclass(frozen=True, slots=True)
class Components:
    """The platform's servers."""

    postgres: Component
    redis: Component

    def __iter__(self) -> Iterator[Component]:
        return iter((self.postgres, self.redis))

    def named(self, name: str) -> Component:
        """The component of that name, or NotFound naming those that exist."""
        found = next((component for component in self if component.name == name), None)
        if found is None:
            raise NotFound(f"there is no component {name!r}", "use one of: " + ", ".join(c.name for c in self))
        return found

    def describe(self) -> dict[str, Any]:
        """For /status."""
        return {component.name: component.describe() for component in self}
