"""How large a replica is, as its environment says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rolerabbit.config import CACHE_SECONDS, LONGEST_CACHE_SECONDS
from rolerabbit.platform.errors import BadRequest
from rolerabbit.platform.settings import MAX_POOL_SIZE

BOUNDS = {"pool_size": (1, MAX_POOL_SIZE), "cache_seconds": (0, LONGEST_CACHE_SECONDS)}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Connections of a replica's pool, and seconds that it keeps in Redis what everybody may see (0: not at all)."""

    pool_size: int
    cache_seconds: int = CACHE_SECONDS

    def changed(self, wanted: Mapping[str, int | None]) -> Sizes:
        """With those that are given. BadRequest for one that is out of bounds."""
        given = {name: size for name, size in wanted.items() if size is not None}
        for name, size in given.items():
            low, high = BOUNDS[name]
            if not low <= size <= high:
                raise BadRequest(f"{name}={size} is out of bounds", f"choose {low} to {high}")
        return replace(self, **given)

    def as_dict(self) -> dict[str, Any]:
        """By name."""
        return {name: getattr(self, name) for name in BOUNDS}

    @property
    def environment(self) -> dict[str, str]:
        """What a replica is started with.

        >>> Sizes(8).environment
        {'RR_POOL_SIZE': '8', 'RR_CACHE_SECONDS': '5'}
        """
        return {variable(name): str(size) for name, size in self.as_dict().items()}


def variable(size: str) -> str:
    """The variable that sets it.

    >>> variable("pool_size")
    'RR_POOL_SIZE'
    """
    return f"RR_{size.upper()}"
