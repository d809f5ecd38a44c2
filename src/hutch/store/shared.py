"""Files that several machines share: in tables of the database beside the log, or evidence in any place of files."""

from __future__ import annotations

import errno
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from hutch.places.errors import PlaceError
from hutch.ports import ArchiveError, Archives, Evidence
from hutch.store.aside import Tables, told

PIECE = 1024 * 1024
"""Bytes of one row."""

_ADDRESS = re.compile(r"[0-9a-f]{64}")

metadata = MetaData()
files = Table(
    "files",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)


class TablePlace(Tables):
    """Implements :class:`hutch.places.Place` in a table: a file is its pieces, written in one transaction."""

    def __init__(self, engine: Callable[[], Engine], name: str) -> None:
        super().__init__(engine, metadata)
        self.name = name

    def folders(self, prefix: str) -> list[str]:
        """What stands between ``prefix/`` and the next slash."""
        return sorted({name.partition("/")[0] for name in self.sizes(prefix)})

    def sizes(self, prefix: str) -> dict[str, int]:
        """The files below ``prefix/``."""
        size = func.sum(func.length(files.c.data))
        mine = files.c.name.startswith(f"{prefix}/", autoescape=True)
        query = select(files.c.name, size).where(mine).group_by(files.c.name)
        with self._said("list", prefix):
            rows = self._within(lambda c: c.execute(query).all())
        return {name.removeprefix(f"{prefix}/"): int(size) for name, size in rows}

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Whole or not at all."""
        data = b"".join(chunks)
        pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)] or [b""]
        rows: list[dict[str, object]] = [
            {"name": name, "number": number, "data": piece} for number, piece in enumerate(pieces)
        ]
        with self._said("write", name):
            self._within(lambda connection: _put(connection, name, rows))

    def read(self, name: str) -> Iterator[bytes]:
        """Piece by piece."""
        query = select(files.c.data).where(files.c.name == name).order_by(files.c.number)
        with self._said("read", name):
            pieces = self._within(lambda c: list(c.scalars(query)))
        if not pieces:
            raise FileNotFoundError(name)
        yield from (bytes(piece) for piece in pieces)

    def remove(self, prefix: str, first: str = "") -> None:  # noqa: ARG002 - all go at once
        """All below ``prefix/``."""
        with self._said("delete", prefix):
            mine = files.c.name.startswith(f"{prefix}/", autoescape=True)
            self._within(lambda c: c.execute(delete(files).where(mine)))

    @contextmanager
    def _said(self, verb: str, name: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise PlaceError(f"cannot {verb} {name} in {self.name}: {told(error)}", passing=True) from None
        finally:
            if self._engine:
                self._engine.dispose()  # files come seldom: no connection waits for the next


def _put(connection: Connection, name: str, rows: list[dict[str, object]]) -> None:
    connection.execute(delete(files).where(files.c.name == name))
    connection.execute(insert(files), rows)


@dataclass(frozen=True, slots=True)
class SharedEvidence:
    """Implements :class:`hutch.ports.Evidence` in a place that all servers reach; what this machine kept in its own
    folder before (``earlier``) is still found there."""

    where: Archives
    most: int
    earlier: Evidence

    @property
    def place(self) -> str:
        """What people call it."""
        return self.where.place

    def put(self, data: bytes) -> str:
        """Keep it; the same content is kept once. Raises ``OSError``."""
        digest = hashlib.sha256(data).hexdigest()
        try:
            if not self.where.names(digest):
                self.where.put(f"{digest}/content", data)
        except ArchiveError as error:
            raise OSError(errno.EIO, str(error)) from error
        return digest

    def opened(self, digest: str) -> IO[bytes] | None:
        """What it holds. Raises :class:`hutch.ports.ArchiveError` where the place cannot be read."""
        _check(digest)
        for name in self.where.names(digest):
            data = self.where.get(name)
            if data is not None and hashlib.sha256(data).hexdigest() == digest:
                return io.BytesIO(data)
        return self.earlier.opened(digest)

    def remove(self, digest: str) -> bool:
        """Take it away, from here too."""
        _check(digest)
        here, names = self.earlier.remove(digest), self.where.names(digest)
        if names:
            self.where.remove(names[0])
        return here or bool(names)


def _check(digest: str) -> None:
    if not _ADDRESS.fullmatch(digest):
        raise ValueError(f"no address of evidence: {digest[:80]!r}")
