"""What is kept beside the log as files: evidence by its content, and archives by their name."""

from __future__ import annotations

from typing import IO, Protocol


class Evidence(Protocol):
    """Keeps files by the SHA-256 of what they hold."""

    @property
    def most(self) -> int:
        """Bytes that one may have."""

    @property
    def place(self) -> str:
        """Where it keeps them, for people: of a folder with its machine."""

    def put(self, data: bytes) -> str:
        """Keep it, durable on return; its address. Raises ``OSError``."""

    def opened(self, digest: str) -> IO[bytes] | None:
        """What it holds, as a file; None where it is not there, or is not what its address says any more.
        Raises :class:`ArchiveError` where that cannot be told now."""

    def remove(self, digest: str) -> bool:
        """Take it away for good; False where it was not there."""


class ArchiveError(Exception):
    """An archive can't be written, read or taken away: why, and what to do."""


class Archives(Protocol):
    """A place of archives, sealed where there is a key. Each verb waits, and raises :class:`ArchiveError`."""

    @property
    def place(self) -> str:
        """What people call it; without any secret."""

    def put(self, name: str, text: bytes) -> str:
        """Keep it, durable on return; the name that it has there."""

    def get(self, name: str) -> bytes | None:
        """The text of an archive; None where there is none of that name. Also raises for one that was altered."""

    def names(self, folder: str) -> list[str]:
        """Those in a folder."""

    def remove(self, name: str) -> None:
        """Take it away with the folder that it is in; harmless where it is not there."""
