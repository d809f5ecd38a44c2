"""Looks at a database's migrations: the tool's table, the files, what the schema has, and who migrates right now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hutch.providers.migrations.client import Client, MigrationsError
from hutch.providers.migrations.config import Config, like
from hutch.providers.migrations.files import Declared, File, read_folders
from hutch.providers.migrations.queries import query
from hutch.providers.migrations.standing import Standing, compared, mark_statement, standings

COMPARED = 50
"""Versions not applied that are compared with the schema; the first ones."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Every version, who migrates right now, and indexes of applied migrations that are invalid."""

    versions: tuple[Standing, ...]
    busy: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()

    def of(self, *states: str) -> list[Standing]:
        """The versions in one of these states."""
        return [version for version in self.versions if version.state in states]

    @property
    def due(self) -> list[Standing]:
        """What the tool has to do: finish, and apply."""
        return self.of("half-applied", "pending")


async def look(client: Client, config: Config) -> Picture:
    """One look. Who migrates is asked last: what it does meanwhile is no trouble. Raises :class:`MigrationsError`."""
    files = await _files(config)
    columns, rows = await _table(client, config)
    found = standings(files, rows)
    by_version = {file.version: file for file in files}
    pairs = [
        (s, by_version[s.version]) for s in found if s.state in ("half-applied", "pending") and s.version in by_version
    ]
    applied = [by_version[s.version] for s in found if s.state == "applied" and s.version in by_version]
    indexes = [d for file in applied for d in file.declares if d.kind == "index"]
    wanted = [d for _, file in pairs[:COMPARED] for d in file.declares]
    states = await _states(client, [*wanted, *indexes])
    judged = {
        s.version: compared(s, file, states, mark_statement(config.table, s, columns)) for s, file in pairs[:COMPARED]
    }
    versions = tuple(judged.get(s.version, s) for s in found)
    invalid = tuple(str(d) for d in indexes if states.get(d) == "invalid")
    return Picture(versions, tuple(await _busy(client, config)), invalid)


async def settled(client: Client, config: Config) -> Picture:
    """A look; a second one after a while where something is half-applied and nobody seems to be at it."""
    first = await look(client, config)
    if first.busy or not first.of("half-applied"):
        return first
    await asyncio.sleep(config.sample_gap)
    return await look(client, config)


async def _files(config: Config) -> list[File]:
    try:
        return await asyncio.to_thread(read_folders, config.folder)
    except OSError as error:
        raise MigrationsError(f"services.*.migrations.folder: {error.filename}: {error.strerror}") from None


async def _table(client: Client, config: Config) -> tuple[Sequence[str], list[dict[str, object]]]:
    """The table's columns and rows; none where the table is not there: nothing was ever applied."""
    found = await client.rows(query("table"), {"table": quoted(config.table)})
    if not found:
        return (), []
    rows = await client.rows(query("rows", config.table))
    return found[0]["columns"], [row["row"] for row in rows]


def quoted(table: str) -> str:
    """The table's name for ``to_regclass``.

    >>> quoted('app.Versions')
    '"app"."Versions"'
    """
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))


async def _states(client: Client, wanted: Iterable[Declared]) -> dict[Declared, str]:
    distinct = list(dict.fromkeys(wanted))
    if not distinct:
        return {}
    params = {
        "kinds": [d.kind for d in distinct],
        "names": [d.name for d in distinct],
        "parts": [d.part for d in distinct],
    }
    return {distinct[row["n"] - 1]: row["state"] for row in await client.rows(query("objects"), params)}


async def _busy(client: Client, config: Config) -> list[str]:
    params = {"runners": [like(pattern) for pattern in config.runners], "lock_key": config.lock_key}
    rows = await client.rows(query("busy"), params)
    return [f"session {row['pid']} {row['application']} {row['does']}" for row in rows]
