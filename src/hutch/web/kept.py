"""Keeps the public page as files in a folder, so that a plain web server goes on showing it when all else is down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from hutch.commands.board import end_of
from hutch.commands.context import CommandError, Context
from hutch.web.site import environment
from hutch.web.status import rendered

LONGEST = 60.0
"""Seconds after which the files are looked at again although nothing was told: the page says of when it is."""

log = logging.getLogger("hutch.status")


class Keeper:
    """Writes the page whenever something was told, and once a minute."""

    def __init__(self, context: Context, folder: Path) -> None:
        self.context, self.folder = context, folder
        self.templates = environment()

    async def run(self) -> None:
        """Until cancelled. A folder that cannot be written is said once, and tried again."""
        position, said = await end_of(self.context.store), ""
        while True:
            said = await self._once(said)
            await self.context.store.wait(position, LONGEST)
            position = await end_of(self.context.store)

    async def _once(self, said: str) -> str:
        try:
            await self.keep()
        except CommandError as error:
            if str(error) != said:
                log.error("%s", error)
            return str(error)
        return ""

    async def keep(self) -> int:
        """Write what differs, the first page last; how many files that were. Raises :class:`CommandError`."""
        found = await rendered(self.context, self.templates)
        return await asyncio.to_thread(write, self.folder, found)


def write(folder: Path, files: Mapping[str, bytes]) -> int:
    """Put each file that differs in its place, whole or not at all. Raises :class:`CommandError`."""
    changed = 0
    try:
        for path in sorted(files, key=lambda name: (name == "index.html", name)):
            changed += _put(folder / path, files[path])
    except OSError as error:
        raise CommandError(f"the status page cannot be kept in {folder}: {error.strerror or error}") from error
    return changed


def _put(path: Path, content: bytes) -> bool:
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.new")
    part.write_bytes(content)
    part.chmod(0o644)
    part.replace(path)
    return True
