"""Whether a backup is of this database, and whether the schema went on since it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hutch.providers.backup import server
from hutch.providers.backup.config import Config
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.manifest import Identity, Manifest

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Present:
    """The database as it is now."""

    identity: Identity
    columns: Mapping[str, tuple[str, ...]]


async def present(config: Config) -> Present | None:
    """Look at it; None while it does not answer: a backup is needed most then."""
    try:
        async with server.connected(config.url, config.connect_timeout) as session:
            return Present((await server.facts(session)).identity, await server.columns(session))
    except BackupError:
        return None


def foreign(manifest: Manifest, now: Present | None) -> str:
    """Why the backup is not of this database, and what to do; empty when it may be."""
    differs = manifest.identity.differs(now.identity) if now else ""
    if not differs:
        return ""
    todo = "if this one was set up anew from it, say --foreign (foreign: true)"
    return f"backup {manifest.id} is not of this database: {differs}; {todo}"


def moved_on(manifest: Manifest, now: Present | None) -> str:
    """What the schema has otherwise than when the backup was made, in one line."""
    if now is None:
        return "the database does not answer: its schema was not compared"
    then = {t.name: t.columns for t in manifest.tables}
    both = then.keys() & now.columns.keys()
    parts = (
        ("new", sorted(now.columns.keys() - then.keys())),
        ("gone", sorted(then.keys() - now.columns.keys())),
        ("changed", sorted(n for n in both if then[n] != now.columns[n])),
    )
    said = [f"{word}: {', '.join(names[:SHOWN])}{' …' if len(names) > SHOWN else ''}" for word, names in parts if names]
    return f"older than the schema: tables {'; '.join(said)}" if said else "the schema is the same today"
