"""Making one backup: a snapshot, pg_dump and counting in it, every file sealed and stored, the manifest last."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from hutch.places.folder import CHUNK
from hutch.places.seal import sealed
from hutch.ports import said
from hutch.processes import firm
from hutch.providers.backup import server, tools
from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.config import Config
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.flow import Flow
from hutch.providers.backup.manifest import Manifest, Stored, Table
from hutch.providers.backup.stage import stage

T = TypeVar("T")

ARCHIVE = "dump"
"""What the archive is called: a folder of files, or one file."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: the backup's name, why it is made, and whether pruning must leave it."""

    id: str
    reason: str = ""
    pinned: bool = False


class Stopped(BackupError):
    """Somebody cancelled it."""


async def create(config: Config, shelf: Shelf, wish: Wish, now: Callable[[], datetime]) -> Manifest:
    """Make the backup; its manifest once it is complete. Whatever goes wrong, what was stored of it is deleted again.

    Raises :class:`BackupError`.
    """
    async with server.connected(config.url, config.connect_timeout, config.timeout) as session:
        if not await server.held(session, lock_name(shelf)):
            raise BackupError(f"another backup of {shelf.service} is being made", passing=True)
        await cleaned(shelf)  # whoever began those is gone: the lock is ours
        made = None
        try:
            made = await _created(config, shelf, wish, now, session)
        finally:
            if made is None:  # failed or cancelled
                with firm() as waits:
                    removing = asyncio.ensure_future(asyncio.to_thread(shelf.remove, wish.id))
                    await waits.wait(removing)
                    await removing
        return made


def lock_name(shelf: Shelf) -> str:
    """The lock that whoever makes a backup of the service holds."""
    return f"backup {shelf.service}"


async def cleaned(shelf: Shelf) -> tuple[str, ...]:
    """Delete what was begun and never ended; only while the lock of the service's backups is held."""
    unfinished = (await asyncio.to_thread(shelf.catalogue)).unfinished
    for id_ in unfinished:
        await asyncio.to_thread(shelf.remove, id_)
    return unfinished


async def _created(
    config: Config, shelf: Shelf, wish: Wish, now: Callable[[], datetime], session: server.Session
) -> Manifest:
    known = await server.facts(session)
    programs = await tools.find(config.tools, known.identity.version // 10000)
    with stage(config.work) as folder:
        async with server.snapshot(session, config.lock_timeout) as name:
            at = now()
            flow = Flow(folder / ARCHIVE) if config.format == "custom" else None
            dump = _dumped(config, programs, folder, name, session)
            tables, files = await _piped(shelf, wish.id, flow, dump) if flow else (await dump, [])
        if not flow:
            files = await _stored(shelf, wish.id, folder / ARCHIVE)
    key = shelf.keys.current
    manifest = Manifest(
        wish.id, shelf.service, at, now(), known.identity, config.format, programs.major, key.id if key else "",
        tuple(files), tuple(tables), wish.reason, wish.pinned,
    )  # fmt: skip
    if lacking := await asyncio.to_thread(shelf.lacking, manifest):
        raise BackupError(f"{shelf.place.name} does not hold what was written: {lacking[0]}")
    await asyncio.to_thread(shelf.write, manifest)
    return manifest


async def _dumped(
    config: Config, programs: tools.Tools, folder: Path, snapshot: str, session: server.Session
) -> list[Table]:
    """Dump and count side by side in the same snapshot."""
    login = tools.login(config.url, folder)
    how = [f"--format={config.format}", f"--snapshot={snapshot}", f"--file={folder / ARCHIVE}", "--no-password"]
    how += [f"--lock-wait-timeout={config.lock_timeout * 1000:.0f}"]
    how += [f"--jobs={config.jobs}"] if config.format == "directory" else ["--no-sync"]  # a pipe knows no fsync
    said(f"pg_dump {programs.major} begins, snapshot {snapshot}\n")
    dumping = asyncio.create_task(
        tools.run(programs, "pg_dump", [*how, f"--dbname={login.conninfo}"], login, config.timeout)
    )
    counting = asyncio.create_task(server.tables(session))
    try:
        await asyncio.gather(dumping, counting)
    finally:
        for task in (dumping, counting):
            task.cancel()
        await asyncio.gather(dumping, counting, return_exceptions=True)
    return counting.result()


async def _piped(
    shelf: Shelf, id_: str, flow: Flow, dump: Coroutine[Any, Any, list[Table]]
) -> tuple[list[Table], list[Stored]]:
    """Seal and store the one file while it is written: its clear text never lies on the disk."""
    stop = threading.Event()
    dumping = asyncio.ensure_future(dump)
    dumping.add_done_callback(lambda task: flow.end(whole=not task.cancelled() and task.exception() is None))
    store = asyncio.to_thread(_store, shelf, id_, flow.path.name, flow.chunks(stop))
    storing = asyncio.ensure_future(ended(store, stop))
    try:
        tables, stored = await asyncio.gather(dumping, storing)
        return tables, [stored]
    finally:
        for task in (dumping, storing):
            task.cancel()
        await asyncio.gather(dumping, storing, return_exceptions=True)
        flow.close()


async def _stored(shelf: Shelf, id_: str, archive: Path) -> list[Stored]:
    """Seal and store each file, and delete it here: the disk is needed once."""
    stop = threading.Event()
    names = await asyncio.to_thread(_files, archive)
    stored = []
    try:
        for number, path in enumerate(names, 1):
            said(f"storing {number} of {len(names)}: {path.name}\n")
            stored.append(await ended(asyncio.to_thread(_store, shelf, id_, path.name, _read(path, stop)), stop))
            path.unlink()
    finally:
        stop.set()
    return stored


def _files(archive: Path) -> list[Path]:
    return sorted(p for p in archive.iterdir() if p.is_file())


async def ended(work: Coroutine[Any, Any, T], stop: threading.Event) -> T:
    """What a thread gives. When we are cancelled it is told to stop, and waited for: nothing goes on behind us."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    finally:
        if not task.done():
            stop.set()
            with firm() as waits:
                await waits.wait(task)
                if not task.cancelled():
                    task.exception()  # heard: that it was stopped is no news


def _store(shelf: Shelf, id_: str, file: str, chunks: Iterator[bytes]) -> Stored:
    name, key = f"data/{file}", shelf.keys.current
    counted = Counted(sealed(chunks, key, f"{id_}/{name}") if key else chunks)
    shelf.place.write(shelf.path(id_, name), counted)
    return Stored(name, counted.size, counted.sha256)


def _read(path: Path, stop: threading.Event) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if stop.is_set():
                raise Stopped("the backup was cancelled while it was stored")
            yield chunk


class Counted:
    """Chunks on their way, with the size and SHA-256 of all that went by."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._hash, self.size = chunks, hashlib.sha256(), 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._hash.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        """Of what went by so far, in hex."""
        return self._hash.hexdigest()
