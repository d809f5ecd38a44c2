"""The platform's Redis: an embedded Valkey that keeps nothing on disk, with a password of its own for each start."""

from __future__ import annotations

import secrets

from rolerabbit.embedded import Valkey
from rolerabbit.platform.settings import REDIS_MEMORY, Settings


def server(settings: Settings) -> Valkey:
    """The server, not yet started."""
    return Valkey(
        settings.data / "redis",
        maxmemory=REDIS_MEMORY,
        settings={"maxmemory-policy": "noeviction"},
        password=secrets.token_hex(16),
    )
