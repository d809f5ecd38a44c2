"""A place of archives, a folder or a bucket: each in a folder of its own, sealed where there is a key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hutch.places import Place
from hutch.places.errors import PlaceError
from hutch.places.seal import Ring, opened, sealed
from hutch.ports import ArchiveError

SEALED = ".sealed-"
"""Behind the name of a file that is sealed, before the name of its key."""


@dataclass(frozen=True, slots=True)
class SealedArchives:
    """Implements :class:`hutch.ports.Archives` in ``where``."""

    where: Place
    ring: Ring = field(repr=False)

    @property
    def place(self) -> str:
        """What people call it."""
        return self.where.name

    def put(self, name: str, text: bytes) -> str:
        """Keep it, sealed where there is a key."""
        key = self.ring.current
        stored = f"{name}{SEALED}{key.id}" if key else name
        with _said():
            self.where.write(stored, sealed([text], key, f"archive/{stored}") if key else [text])
        return stored

    def get(self, name: str) -> bytes | None:
        """The clear text of it."""
        with _said():
            try:
                stored = self.where.read(name)
                key = self.ring.find(name.rpartition(SEALED)[2]) if SEALED in name else None
                return b"".join(opened(stored, key, f"archive/{name}") if key else stored)
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> list[str]:
        """The whole files in a folder."""
        with _said():
            return sorted(f"{folder}/{name}" for name in self.where.sizes(folder))

    def remove(self, name: str) -> None:
        """Take it away."""
        with _said():
            self.where.remove(name.rpartition("/")[0])


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except PlaceError as error:
        raise ArchiveError(str(error)) from error
