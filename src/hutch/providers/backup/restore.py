"""From a place into a scratch database: every file checked and opened, then pg_restore of all tables or of some."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from psycopg import sql

from hutch.places.seal import Key, opened
from hutch.ports import said
from hutch.providers.backup import server, tools
from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.config import Config
from hutch.providers.backup.dump import ARCHIVE, Stopped, ended
from hutch.providers.backup.errors import BackupError, Damaged
from hutch.providers.backup.manifest import Manifest, Stored
from hutch.providers.backup.queries import query
from hutch.providers.backup.scratch import Scratch, scratch
from hutch.providers.backup.stage import stage
from hutch.providers.backup.together import together

FORGETS = 17
"""From this version on pg_restore sets transaction_timeout on every server, also on one that does not know it."""
UNKNOWN_SETTING = 'unrecognized configuration parameter "transaction_timeout"'
TOC = "toc.dat"
"""The table of contents of a dump in a directory."""
_ENTRY = re.compile(r"(?P<number>\d+); \d+ \d+ (?P<what>\S.*)")
_ROWS = "TABLE DATA "
_NEEDLESS = (
    "SEQUENCE SET ", "MATERIALIZED VIEW DATA ", "BLOB ", "BLOBS ", "BLOB METADATA ", "CONSTRAINT ", "FK CONSTRAINT ",
    "CHECK CONSTRAINT ", "INDEX ", "INDEX ATTACH ", "TRIGGER ", "EVENT TRIGGER ", "RULE ", "POLICY ", "ROW SECURITY ",
    "STATISTICS ", "PUBLICATION ", "PUBLICATION TABLE ", "SUBSCRIPTION ", "COMMENT ", "ACL ", "DEFAULT ACL ",
    "DEFAULT ",
)  # fmt: skip
"""Entries that rows can be read without."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup in its scratch database."""

    manifest: Manifest
    database: Scratch


@asynccontextmanager
async def restored(
    config: Config, shelf: Shelf, manifest: Manifest, tables: Sequence[str] = ()
) -> AsyncIterator[Restored]:
    """The backup in a scratch database, which is dropped at the end.

    With ``tables`` (``schema.name``) only their rows come, and only their files are fetched; all tables are there,
    without keys, indexes and triggers. Raises :class:`BackupError`: :class:`Damaged` for a backup that is not as it was
    written, :class:`WrongKey`.
    """
    if unknown := [t for t in tables if manifest.table(t) is None]:
        raise BackupError(f"backup {manifest.id} has no table {', '.join(unknown)}")
    with stage(config.work) as folder:
        async with _beside(scratch(config.scratch_url, config.connect_timeout)) as making:
            programs = await tools.find(config.tools, manifest.tool)
            wanted_of = _Wanted(config, shelf, manifest, programs, folder, tables)
            yield Restored(manifest, await wanted_of.restored(making))


@asynccontextmanager
async def _beside(manager: AbstractAsyncContextManager[Scratch]) -> AsyncIterator[asyncio.Task[Scratch]]:
    """Enter it while other things are done; it is left at the end, however that comes."""
    async with AsyncExitStack() as stack:
        making = asyncio.create_task(stack.enter_async_context(manager))
        try:
            yield making
        finally:
            await asyncio.wait({making})  # what was begun is dropped, too
            if not making.cancelled():
                making.exception()  # heard: whoever waits for it raises it, and who failed before has said why


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be restored of a backup; without ``tables`` all of it."""

    config: Config
    shelf: Shelf
    manifest: Manifest
    programs: tools.Tools
    folder: Path
    tables: Sequence[str]

    async def restored(self, making: asyncio.Task[Scratch]) -> Scratch:
        """Every byte that is needed is checked before the first row is restored."""
        if not self.tables:
            archive = await fetched(self.shelf, self.manifest, self.folder)
            restore = _Restore(
                self.config, self.programs, archive, self._fit(await asyncio.shield(making)), self.folder
            )
            restore.begins()
            await restore.run(*restore.jobs)
        elif self.manifest.format == "directory":
            restore = await self._in_files(making)
        else:
            archive = await fetched(self.shelf, self.manifest, self.folder)
            lines = await tools.entries(self.programs, archive, tools.login("", self.folder))
            restore = await self._shaped(archive, making, lines)
            await restore.rows()
        return restore.database

    async def _in_files(self, making: asyncio.Task[Scratch]) -> _Restore:
        """The tables are made while their files are still fetched: they are in the table of contents alone."""
        toc = [f for f in self.manifest.files if Path(f.name).name == TOC]
        archive = await fetched(self.shelf, replace(self.manifest, files=tuple(toc)), self.folder)
        lines = await tools.entries(self.programs, archive, tools.login("", self.folder))
        numbers = files_of(lines, self.tables)
        needed = tuple(f for f in self.manifest.files if Path(f.name).name.partition(".")[0] in numbers)
        data = fetched(self.shelf, replace(self.manifest, files=needed), self.folder)
        restore, _ = await together(self._shaped(archive, making, lines), data)
        await restore.rows()
        return restore

    async def _shaped(self, archive: Path, making: asyncio.Task[Scratch], lines: Sequence[str]) -> _Restore:
        """The tables, in the scratch database once there is one."""
        database = self._fit(await asyncio.shield(making))
        restore = _Restore(self.config, self.programs, archive, database, self.folder)
        await restore.shape(wanted(lines, self.tables), self.tables)
        return restore

    def _fit(self, database: Scratch) -> Scratch:
        """:class:`BackupError` where the scratch server is older than the backup."""
        mine, there = database.version // 10000, self.manifest.identity.version // 10000
        if mine < there:
            raise BackupError(
                f"backup {self.manifest.id} is of Postgres {there}, and the scratch server is {mine}: name a newer one"
                " by scratch_url"
            )
        return database


async def fetched(shelf: Shelf, manifest: Manifest, folder: Path) -> Path:
    """The archive in ``folder``, every byte of it checked."""
    key = shelf.keys.find(manifest.key_id) if manifest.key_id else None
    archive, stop = folder / ARCHIVE, threading.Event()
    if manifest.format == "directory":
        archive.mkdir(mode=0o700, exist_ok=True)
    for number, file in enumerate(manifest.files, 1):
        said(f"fetching {number} of {len(manifest.files)}: {file.name}, {file.size} bytes\n")
        name = Path(file.name).name
        to = archive / name if manifest.format == "directory" else archive
        await ended(asyncio.to_thread(_fetch, shelf, manifest.id, file, key, to, stop), stop)
    return archive


def _fetch(shelf: Shelf, id_: str, file: Stored, key: Key | None, to: Path, stop: threading.Event) -> None:
    stored = _checked(shelf.place.read(shelf.path(id_, file.name)), file, stop)
    try:
        with to.open("xb") as out:
            for chunk in opened(stored, key, f"{id_}/{file.name}") if key else stored:
                out.write(chunk)
    except FileNotFoundError:
        raise Damaged(f"{file.name} of backup {id_} is missing in {shelf.place.name}") from None
    except OSError as error:
        raise BackupError(f"cannot write {to}: {error.strerror} (setting work)", passing=True) from None


def _checked(chunks: Iterable[bytes], file: Stored, stop: threading.Event) -> Iterator[bytes]:
    """The stored bytes, compared with the manifest at the end."""
    seen, size = hashlib.sha256(), 0
    for chunk in chunks:
        if stop.is_set():
            raise Stopped("it was cancelled while it was fetched")
        seen.update(chunk)
        size += len(chunk)
        yield chunk
    if size != file.size:
        raise Damaged(f"{file.name} has {size} bytes and not {file.size}: it is cut short or altered")
    if seen.hexdigest() != file.sha256:
        raise Damaged(f"{file.name} is altered: its SHA-256 is not that of the manifest")


@dataclass(frozen=True, slots=True)
class _Restore:
    """pg_restore, from an archive into a scratch database."""

    config: Config
    programs: tools.Tools
    archive: Path
    database: Scratch
    folder: Path

    def begins(self) -> None:
        """Say so."""
        said(f"pg_restore {self.programs.major} begins, into {self.database.name}\n")

    @property
    def _mismatched(self) -> bool:
        return self.programs.major >= FORGETS > self.database.version // 10000

    @property
    def jobs(self) -> list[str]:
        """How many at once; several do not count their errors."""
        return [] if self._mismatched else [f"--jobs={self.config.jobs}"]

    async def run(self, *more: str) -> None:
        """Once."""
        login = tools.login(self.database.url, self.folder)
        how = ["--no-owner", "--no-privileges", "--no-password", *([] if self._mismatched else ["--exit-on-error"])]
        argv = [*how, *more, f"--dbname={login.conninfo}", str(self.archive)]
        harmless = UNKNOWN_SETTING if self._mismatched else ""
        await tools.run(self.programs, "pg_restore", argv, login, self.config.timeout, harmless)

    async def shape(self, lines: Sequence[str], tables: Sequence[str]) -> None:
        """The tables alone, from those lines of the table of contents."""
        self.begins()
        await asyncio.to_thread(self._list.write_text, "\n".join(lines) + "\n", encoding="utf-8")
        await self.run(f"--use-list={self._list}", "--section=pre-data")
        await _unlogged(self.config, self.database, tables)

    async def rows(self) -> None:
        """The rows of those lines."""
        await self.run(*self.jobs, f"--use-list={self._list}", "--section=data")

    @property
    def _list(self) -> Path:
        return self.folder / "wanted.list"


async def _unlogged(config: Config, database: Scratch, tables: Sequence[str]) -> None:
    """Rows that are dropped again soon need no write-ahead log: a third of the time that they take to come."""
    async with server.connected(database.url, config.connect_timeout) as session:
        found = await session.execute(query("unlogged_candidates", tables=sql.Literal(list(tables))))
        for row in await found.fetchall():
            table = sql.Identifier(row["schema"], row["name"])
            await session.execute(sql.SQL("ALTER TABLE {} SET UNLOGGED").format(table))


def wanted(lines: Iterable[str], tables: Sequence[str]) -> list[str]:
    """The entries of a table of contents that bring the rows of ``tables``, and of all else only what rows need.

    >>> wanted(["1; 0 2 TABLE DATA public a me", "2; 0 3 TABLE DATA public b me"], ["public.a"])
    ['1; 0 2 TABLE DATA public a me']
    """
    return [line for line in lines if _wanted(line, tables)]


def _wanted(line: str, tables: Sequence[str]) -> bool:
    found = _ENTRY.match(line)
    if found is None:
        return True
    if found["what"].startswith(_ROWS):
        return _is_of(found["what"].removeprefix(_ROWS), tables)
    return not found["what"].startswith(_NEEDLESS)


def _is_of(named: str, tables: Sequence[str]) -> bool:
    """Whether ``schema name owner`` is of one of the tables; the list writes a line break as a space."""
    spaced = [" ".join(re.split(r"[\r\n]", table.replace(".", " ", 1))) for table in tables]
    return any(named.startswith(f"{table} ") for table in spaced)


def files_of(lines: Iterable[str], tables: Sequence[str]) -> frozenset[str]:
    """The numbers of the entries that hold the rows of ``tables``: what their files in a directory are called.

    >>> sorted(files_of(["1; 0 2 TABLE DATA public a me", "2; 0 3 TABLE DATA public b me"], ["public.a"]))
    ['1']
    """
    matches = [m for line in lines if (m := _ENTRY.match(line)) and m["what"].startswith(_ROWS)]
    return frozenset(m["number"] for m in matches if _is_of(m["what"].removeprefix(_ROWS), tables))
