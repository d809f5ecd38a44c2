"""What can go wrong with a store, said so that a person knows what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from hutch.ports import StoreFull

BUSY_SECONDS = 10.0
"""How long a write waits for another process's transaction before it gives up."""


class StoreError(Exception):
    """The store can't be opened, read or written: what is wrong, where, and what to do."""

    def __init__(self, what: str, place: Path | str, remedy: str) -> None:
        super().__init__(f"{place}: {what}; {remedy}")
        self.what, self.place, self.remedy = what, place, remedy


_REASONS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_NOTADB: ("not a database", "name another file, or move this one away to start a new store"),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", "run `hutch verify` on it, then restore it from a backup"),
    sqlite3.SQLITE_BUSY: (
        f"another process has held the store for more than {BUSY_SECONDS:g} s",
        "find that process (`fuser` on the file names it) and try again",
    ),
    sqlite3.SQLITE_READONLY: ("the file can't be written", "make the file and its folder writable for this user"),
    sqlite3.SQLITE_CANTOPEN: ("the file can't be opened", "check that it is a file in a folder this user may write"),
    sqlite3.SQLITE_PERM: ("access denied", "make the file and its folder accessible for this user"),
    sqlite3.SQLITE_IOERR: ("reading or writing the disk failed", "check the disk and its mount, then start again"),
}


def explained(path: Path, error: sqlite3.Error) -> StoreError | StoreFull:
    """The error of SQLite's result code, in words. Codes: https://www.sqlite.org/rescode.html."""
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    code = extended & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(f"{path}: the disk is full, nothing was written; free some space and try again")
    if extended == sqlite3.SQLITE_IOERR_WRITE:  # a quota (EDQUOT) or a bound on the file's size (EFBIG), or the disk
        return StoreFull(
            f"{path}: the disk is full or over its quota, nothing was written; free some space and try again"
        )
    what, remedy = _REASONS.get(code, (f"SQLite says: {error}", "run `hutch verify` on it"))
    return StoreError(what, path, remedy)


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turns what SQLite and the file system raise inside into :class:`StoreError` or :class:`StoreFull`."""
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        raise explained(path, error.orig) from error
    except sqlite3.Error as error:
        raise explained(path, error) from error
    except OSError as error:
        remedy = "name a file in a folder that this user may write"
        raise StoreError(f"can't be used: {error.strerror or error}", path, remedy) from error
