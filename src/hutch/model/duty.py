"""What only one process of a store does at a time, and what it says of its work to the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

WATCH = "watch"
"""Judging the rules, and diagnosing."""


STATUS = "status page"
"""Keeping the public page's files."""


def probing(location: str) -> str:
    """Doing the probes of one place."""
    return f"probes@{location}"


class Duties(Protocol):
    """Says which process has a duty. One that ends, however it ends, has it no more after a bounded time."""

    async def hold(self, duty: str, seconds: float) -> bool | None:
        """Take it, or keep it for so many seconds from now; False while another process has it, None where that cannot
        be told."""

    async def release(self, duty: str) -> None:
        """Let another have it at once."""

    async def close(self) -> None:
        """Let go of all."""


class Watches(Protocol):
    """What the process that watches a service saw of it last, for every other one to read."""

    async def keep(self, service: str, at: datetime, data: Mapping[str, Any]) -> None:
        """Put this in the place of what was there. Never raises for the store's sake."""

    async def latest(self, services: Sequence[str] = ()) -> list[Mapping[str, Any]]:
        """What was kept, of these services or of all; nothing where it cannot be read."""

    async def close(self) -> None:
        """Let go of where it is kept."""
