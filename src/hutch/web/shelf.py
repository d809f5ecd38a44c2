"""The documents that the pages show, read beside the event loop and kept by the hash of their content.

A name of an address is looked up among the known ones and is never a path.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from hutch.commands.context import CommandError, Context, Service
from hutch.commands.documents import base_of, classified, content_of, names
from hutch.commands.lint import lint_paths
from hutch.commands.situation import Situation
from hutch.model.runbook import Runbook
from hutch.runbook.errors import RunbookError
from hutch.runbook.lint import RULES
from hutch.runbook.parse import parse
from hutch.web.present import leaves, prose
from hutch.web.present.runbook import Survey, survey
from hutch.web.present.volume import Drawn, Volume, draw

KEPT_BYTES = 64 * 1024 * 1024
"""Source of the documents that are kept; the one that was asked for longest ago goes first."""

LINTED_BYTES = 200_000
"""A larger document is linted on the command line, not for a list."""

KEPT_SURVEYS = 16
KEPT_PAGES = 32

READERS = 2
"""Documents that are read at a time: reading takes a processor whole."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A document that could not be read, and why; an empty reason: it is being read right now."""

    name: str
    path: Path
    reason: str = ""


@dataclass(slots=True)
class Shelf:
    """The documents of one configuration."""

    context: Context
    kept: OrderedDict[tuple[str, str], Volume] = field(default_factory=OrderedDict)
    surveys: OrderedDict[tuple[str, str, str], Survey] = field(default_factory=OrderedDict)
    pages: OrderedDict[tuple[object, ...], Drawn] = field(default_factory=OrderedDict)
    _reading: dict[str, asyncio.Task[Volume]] = field(default_factory=dict)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(READERS, "hutch-runbooks"))

    async def names(self) -> dict[str, Path]:
        """Every document by name. Looks into the folders, so a new one is there at once."""
        folders, base = self.context.config.runbooks, base_of(self.context)
        return await asyncio.to_thread(_absolute, folders, base)

    async def volume(self, name: str) -> Volume:
        """The document of that name. Raises :class:`CommandError` for an unknown name and for what cannot be read."""
        known = await self.names()
        if name not in known:
            raise CommandError("There is no runbook document of that name.", 2)
        return await self._read(name, known[name])

    async def all(self, within: float) -> list[Volume | Unread]:
        """Every document by name; those that take longer than ``within`` seconds are still being read."""
        known = await self.names()
        tasks = {name: self._task(name, path) for name, path in sorted(known.items())}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=within)
        return [_result(name, known[name], task) for name, task in tasks.items()]

    async def survey(self, volume: Volume, runbook: Runbook, service: Service) -> Survey:
        """Every statement of a runbook made ready for ``service``; kept while neither of them changes."""
        key = (volume.document.hash, runbook.id, service.config.fingerprint())
        if key not in self.surveys:
            loop, mask = asyncio.get_running_loop(), self.context.secrets.mask
            made = await loop.run_in_executor(self._pool, survey, runbook, Situation(service), mask)
            self.surveys[key] = made
            while len(self.surveys) > KEPT_SURVEYS:
                self.surveys.popitem(last=False)
        return self.surveys[key]

    async def drawn(
        self, volume: Volume, runbook: Runbook, known: Mapping[str, Path], service: Service | None, part: int
    ) -> tuple[Drawn, Survey | None]:
        """A part of a runbook as the page shows it for ``service``; kept while nothing of that changes."""
        seen = await self.survey(volume, runbook, service) if service else None
        about = service.config.fingerprint() if service else ""
        key = (volume.name, volume.document.hash, runbook.id, part, about, frozenset(known.items()))
        if key not in self.pages:
            loop = asyncio.get_running_loop()
            self.pages[key] = await loop.run_in_executor(self._pool, draw, volume, runbook, known, seen, part)
            while len(self.pages) > KEPT_PAGES:
                self.pages.popitem(last=False)
        return self.pages[key], seen

    def close(self) -> None:
        """Begin nothing further."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    # -------------------------------------------------------------- reading

    async def _read(self, name: str, path: Path) -> Volume:
        return await asyncio.shield(self._task(name, path))

    def _task(self, name: str, path: Path) -> asyncio.Task[Volume]:
        """One reading for all who ask meanwhile."""
        found = self._reading.get(name)
        if found is None:
            found = self._reading[name] = asyncio.create_task(self._load(name, path), name=f"read {name}")
            found.add_done_callback(lambda done: self._done(name, done))
        return found

    def _done(self, name: str, task: asyncio.Task[Volume]) -> None:
        self._reading.pop(name, None)
        if not task.cancelled():
            task.exception()  # whoever asked has it too; a reading that nobody waited for is no loss

    async def _load(self, name: str, path: Path) -> Volume:
        loop = asyncio.get_running_loop()
        content, digest = await loop.run_in_executor(self._pool, _content, path)
        key = (name, digest)
        if key not in self.kept:
            today = self.context.clock.now().date()
            self._keep(key, await loop.run_in_executor(self._pool, _made, name, path, content, today))
        self.kept.move_to_end(key)
        return self.kept[key]

    def _keep(self, key: tuple[str, str], made: Volume) -> None:
        self.kept[key] = made
        while len(self.kept) > 1 and sum(v.size for v in self.kept.values()) > KEPT_BYTES:
            self.kept.popitem(last=False)


def _absolute(folders: tuple[str, ...], base: Path | None) -> dict[str, Path]:
    """As links between documents lead to them: without ``..``, symbolic links left as they are."""
    return {name: Path(os.path.normpath(path.absolute())) for name, path in names(folders, base).items()}


def _result(name: str, path: Path, task: asyncio.Task[Volume]) -> Volume | Unread:
    if not task.done():
        return Unread(name, path)
    error = task.exception()
    return Unread(name, path, str(error)) if error else task.result()


def _content(path: Path) -> tuple[bytes, str]:
    content = content_of(path)
    return content, hashlib.sha256(content).hexdigest()


def _made(name: str, path: Path, content: bytes, today: date) -> Volume:
    try:
        document = classified(parse(content, str(path)))
    except RunbookError as error:
        raise CommandError(f"{path.name}:{error.line}: {error.message}", 3) from error
    text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    findings = _findings(path, today) if len(content) <= LINTED_BYTES else None
    lines = leaves.body(text, document)
    return Volume(name, path, document, lines, prose.references(text), findings, len(content))


def _findings(path: Path, today: date) -> int | None:
    try:
        return len(lint_paths([path], RULES, today).findings)
    except CommandError:
        return None
