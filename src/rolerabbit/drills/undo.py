"""The ways back: one function for each kind of change that outlives a fault's process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg
import redis

from rolerabbit.drills import (
    air,
    archive,
    busy_cache,
    cache,
    calm,
    components,
    full_disk,
    halfmade,
    hunger,
    indexes,
    logins,
    migrations,
    neglect,
    numbers,
    outside,
    overload,
    pages,
    releases,
    security,
    upkeep,
)
from rolerabbit.drills.errors import FaultError
from rolerabbit.drills.records import Records, leftovers
from rolerabbit.drills.service import Service
from rolerabbit.platform.client import ClientError

HOW: Final[Mapping[str, Callable[[Service, Mapping[str, Any]], None]]] = {
    "edge": outside.undo_edge,
    "component": components.undo_component,
    "admin": security.undo_admin,
    "attack": security.undo_attack,
    "portfolios": security.undo_portfolios,
    "archiver": archive.undo_archiver,
    "archive": indexes.undo_archive,
    "index": indexes.undo_index,
    "half-made": halfmade.undo_half_made,
    "migration": migrations.undo_migration,
    "pending": migrations.undo_pending,
    "running": migrations.undo_running,
    "sequence": upkeep.undo_sequence,
    "slot": upkeep.undo_slot,
    "junk": cache.undo_junk,
    "cache_settings": busy_cache.undo_cache_settings,
    "events": air.undo_events,
    "ledgers": numbers.undo_ledgers,
    "database": pages.undo_database,
    "password": logins.undo_password,
    "role": logins.undo_role,
    "disk": full_disk.undo_disk,
    "temp_tablespaces": full_disk.undo_temp_tablespaces,
    "saved": overload.undo_saved,
    "scale": overload.undo_scale,
    "pages": hunger.undo_pages,
    "visits": neglect.undo_visits,
    "release": releases.undo_release,
    "import": calm.undo_import,
    "resting-slot": calm.undo_resting_slot,
}
"""Each looks first, and does nothing where somebody else has undone the change already."""


def undo(service: Service, records: Records) -> int:
    """Undo what the record says, the last change first; how many steps. FaultError keeps the rest on record."""
    done = 0
    while steps := records.steps:
        step = steps[-1]
        try:
            HOW[step["how"]](service, step)
        except (psycopg.Error, redis.RedisError, ClientError, OSError, KeyError) as error:
            raise FaultError(
                f"{records.name}: undoing {step} failed: {error!r}; `rolerabbit fault undo` tries again"
            ) from error
        records.drop_last()
        done += 1
    return done


def undo_leftovers(service: Service) -> dict[str, int]:
    """Undo what killed faults left behind: steps by fault."""
    return {records.name: undo(service, records) for records in leftovers(service.data_dir)}
