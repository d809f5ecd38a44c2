"""Looks at a database's migrations: the tool's table, the files, what the schema has, and who migrates right now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hutch.model.pattern import like
from hutch.providers.migrations.client import Client, MigrationsError
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.declared import Key, Op
from hutch.providers.migrations.expected import Wanted, made_by, wanted
from hutch.providers.migrations.files import File, sql_file
from hutch.providers.migrations.folders import Folders, read_folders
from hutch.providers.migrations.listing import rows_of
from hutch.providers.migrations.queries import query
from hutch.providers.migrations.standing import Standing, compared, mark_statements, standings
from hutch.providers.migrations.tool import clean, printed

COMPARED = 50
"""Versions not applied that are compared with the schema; the first ones."""
PRINTED = 3
"""Half-applied versions of scripts whose SQL the tool is asked to print."""
DUE = ("half-applied", "pending")


@dataclass(frozen=True, slots=True)
class Picture:
    """Every version, who migrates right now, indexes of applied migrations that are invalid, and what is wrong with
    the files. ``columns`` are those of the tool's table, empty where it is not there; ``heads`` Alembic's revisions."""

    versions: tuple[Standing, ...]
    busy: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    files: Mapping[str, File] = field(default_factory=dict)
    heads: tuple[str, ...] = ()

    def of(self, *states: str) -> list[Standing]:
        """The versions in one of these states."""
        return [version for version in self.versions if version.state in states]

    @property
    def due(self) -> list[Standing]:
        """What has to be done: finish, and apply."""
        return self.of(*DUE)


async def look(client: Client, config: Config, own: int = 0) -> Picture:
    """One look. Who migrates (``own``: our own session) is asked last: what it does meanwhile is no trouble.

    Raises :class:`MigrationsError`.
    """
    folders = await _folders(config)
    columns, rows = await _recorded(client, config)
    found = standings(folders.files, rows)
    if config.tool == "command":
        found = [replace(s, state="applied") if s.state == "no-file" else s for s in found]
    judged = await _judged(client, config, folders.files, found, columns)
    invalid = await _invalid(client, folders.files, found)
    busy = await _busy(client, config, own)
    by_version = {file.version: file for file in folders.files}
    heads = tuple(str(row["version_num"]) for row in rows if "version_num" in row)
    return Picture(tuple(judged), tuple(busy), invalid, folders.problems, tuple(columns), by_version, heads)


async def settled(client: Client, config: Config) -> Picture:
    """A look; a second one after a while where something is half-applied and nobody seems to be at it."""
    first = await look(client, config)
    if first.busy or not first.of("half-applied"):
        return first
    await asyncio.sleep(config.sample_gap)
    return await look(client, config)


async def _folders(config: Config) -> Folders:
    try:
        return await asyncio.to_thread(read_folders, config.tool, config.folder)
    except OSError as error:
        raise MigrationsError(f"services.*.migrations.folder: {error.filename}: {error.strerror}") from None


async def _recorded(client: Client, config: Config) -> tuple[Sequence[str], list[dict[str, object]]]:
    """The table's columns and rows, or what the tool's own command tells; none where nothing was ever applied."""
    if config.tool == "command":
        text = await printed(config, config.status_command, {})
        return (), rows_of(clean(config, text))
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


# ------------------------------------------------------------------ against the schema


async def _judged(
    client: Client, config: Config, files: Sequence[File], found: Sequence[Standing], columns: Sequence[str]
) -> list[Standing]:
    """The versions, those that are due compared with the schema. One whose file can't be read is left as it is."""
    state = {s.version: s.state for s in found}
    due = [f for f in files if state.get(f.version) in DUE][:COMPARED]
    expected = await asyncio.to_thread(expectations, files, due, state)
    states = await _states(client, [w.key for some in expected.values() for w in some])
    marks = {f.version: f for f in due}

    def one(standing: Standing, file: File, some: Sequence[Wanted]) -> Standing:
        return compared(
            standing, file, some, states, mark_statements(config.tool, config.table, standing, file, columns)
        )

    judged = [one(s, marks[s.version], expected[s.version]) if s.version in marks else s for s in found]
    return await _with_sql(client, config, judged, marks, expected, states)


def expectations(
    files: Sequence[File], due: Sequence[File], state: Mapping[str, str]
) -> dict[str, list[Wanted]]:  # fmt: skip
    """What each of the files that are ``due`` leaves behind, beside what was applied before and after it."""
    wished = {file.version for file in due}
    applied = [_ops([f]) if state.get(f.version) == "applied" and due else [] for f in files]
    found: dict[str, list[Wanted]] = {}
    before: frozenset[Key] = frozenset()
    for number, file in enumerate(files):
        if file.version in wished:
            later = [op for ops in applied[number + 1 :] for op in ops]
            found[file.version] = wanted(file.operations, later, before)
        before = made_by(applied[number], before) if applied[number] else before
    return found


def _ops(files: Iterable[File]) -> list[Op]:
    return [op for file in files for _, op in file.operations]


async def _with_sql(
    client: Client,
    config: Config,
    judged: list[Standing],
    files: Mapping[str, File],
    expected: Mapping[str, Sequence[Wanted]],
    states: Mapping[Key, str],
) -> list[Standing]:
    """What is left of a script as SQL, which its tool prints, where that is configured."""
    half = [
        s for s in judged if s.state == "half-applied" and s.version in files and files[s.version].language != "sql"
    ]
    if not config.sql_command or not half:
        return judged
    said = {
        s.version: await _by_tool(client, config, s, files[s.version], expected[s.version], states)
        for s in half[:PRINTED]
    }
    return [replace(s, by_hand=said.get(s.version, s.by_hand)) for s in judged]


async def _by_tool(
    client: Client,
    config: Config,
    standing: Standing,
    file: File,
    expected: Sequence[Wanted],
    states: Mapping[Key, str],
) -> tuple[str, ...]:
    try:
        text = await sql_printed(client, config, config.sql_command, file)
    except MigrationsError as error:
        return (f"-- its SQL could not be printed: {error}", *standing.by_hand)
    printed_file = _without(config.table, sql_file(file.version, file.name, text))
    sure = {w.key for w in expected}
    mine = [w for w in wanted(printed_file.operations) if w.key in sure]
    marks = [line for line in standing.by_hand if line.startswith("-- alembic stamp")]
    again = compared(replace(standing, done=None), printed_file, mine, states, marks)
    return again.by_hand


async def sql_printed(client: Client, config: Config, command: Sequence[str], file: File, *, back: bool = False) -> str:
    """What the team's tool would send for that script, asked once. Raises :class:`MigrationsError`."""
    span = span_of(file)
    values = {**span, "from": span["to"], "to": span["from"]} if back else span
    key = (*command, *values.values(), *(s.text for s in (*file.steps, *file.steps_down)))
    if key not in client.printed:
        client.printed[key] = await printed(config, command, values)
    return client.printed[key]


def _without(table: str, printed_file: File) -> File:
    """Printed SQL without the tool's own notes: these come once all is there."""
    return replace(printed_file, given=tuple(s for s in printed_file.steps if table not in s.text))


def span_of(file: File) -> dict[str, str]:
    """Where a migration begins and ends, for a command line."""
    return {"from": file.parents[0] if file.parents else "base", "to": file.version, "version": file.version}


async def _invalid(client: Client, files: Sequence[File], found: Sequence[Standing]) -> tuple[str, ...]:
    """Indexes that an applied migration makes and that are not valid."""
    broken = {str(row["name"]) for row in await client.rows(query("invalid"))}
    if not broken:
        return ()
    applied = {s.version for s in found if s.state == "applied"}
    ops = _ops(f for f in files if f.version in applied)
    made = {key for key in made_by(ops) if key.kind == "index" and key.name.rpartition(".")[2].strip('"') in broken}
    return tuple(sorted(map(str, made)))


async def _states(client: Client, keys: Iterable[Key]) -> dict[Key, str]:
    distinct = list(dict.fromkeys(keys))
    if not distinct:
        return {}
    params = {
        "kinds": [k.kind for k in distinct],
        "names": [k.name for k in distinct],
        "parts": [k.part for k in distinct],
    }
    return {distinct[row["n"] - 1]: row["state"] for row in await client.rows(query("objects"), params)}


async def states_of(client: Client, keys: Iterable[Key]) -> dict[Key, str]:
    """Whether these objects are there. Raises :class:`MigrationsError`."""
    return await _states(client, keys)


async def _busy(client: Client, config: Config, own: int) -> list[str]:
    params = {"runners": [like(pattern.lower()) for pattern in config.runners], "lock_key": config.lock_key, "own": own}
    rows = await client.rows(query("busy"), params)
    return [f"session {row['pid']} {row['application']} {row['does']}" for row in rows]
