"""How one platform is set up, from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SUPERUSER_RESERVED = 3
RESERVED = 5
"""Connections kept for roles with pg_use_reserved_connections: operators get in when the service has the rest."""
FIRST_RELEASE = "42"
MAX_REPLICAS = 8
READY_SECONDS = 15.0
"""In which a replica has to be ready, where no other time is given."""
MAX_POOL_SIZE = 200
REDIS_MEMORY = "64mb"
"""What Redis may hold; full, it refuses to store more and never drops what it has."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Ports of 0 take free ones. ``pool_size`` None: what fits even while a deployment runs twice the replicas.
    ``secrets``: variables that replicas are handed from Secrets Manager, with their ids.
    ``ready_within``: seconds that a replica has to become ready."""

    data: Path
    ready_file: Path
    port: int = 0
    app_port: int = 0
    max_connections: int = 40
    replicas: int = 2
    pool_size: int | None = None
    release: str = FIRST_RELEASE
    secrets: Mapping[str, str] = field(default_factory=dict)
    secrets_endpoint: str = ""
    ready_within: float = READY_SECONDS

    @property
    def ordinary_connections(self) -> int:
        """Connections that the service's own role can have at most."""
        return self.max_connections - RESERVED - SUPERUSER_RESERVED

    @property
    def first_pool_size(self) -> int:
        """Connections for each replica's pool.

        >>> Settings(Path("d"), Path("r")).first_pool_size
        8
        """
        return self.pool_size or max(1, self.ordinary_connections // (2 * self.replicas))
