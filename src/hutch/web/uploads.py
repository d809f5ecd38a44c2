"""The parts of a ``multipart/form-data`` body, which is how a browser sends a file. Strict, bounded, read as it comes:
fields in memory, files on the disk where nothing of them has a name, so that a crash leaves none of them behind.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from hutch.commands.context import Context
from hutch.web.guard import FORM_BYTES, Refused, pieces

BOUNDARY = re.compile(r"""multipart/form-data;\s*boundary=("?)([0-9A-Za-z'()+_,./:=?-]{1,70})\1""", re.IGNORECASE)
NAME = re.compile(r"[a-z]{1,40}", re.IGNORECASE)

PARTS, HEADERS, HEADER = 20, 8, 4096
"""Parts of a form; headers of a part; bytes of one header."""

AT_ONCE = 8
"""Files that come in at the same time."""


class Uploads:
    """Where files that come in lie until they are kept. ``folder`` is on the disk of the store, ``most`` bounds one."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most
        self._coming, self._alone = 0, asyncio.Lock()

    @classmethod
    def of(cls, context: Context) -> Uploads:
        """Beside the store."""
        return cls(context.home, context.evidence.most if context.evidence else 0)

    @property
    def too_long(self) -> str:
        """What is said of a file that is longer."""
        return (
            f"more than the {self.most} bytes that evidence_kept allows; nothing was attached: attach the part that "
            "matters, or note where the whole is kept"
        )

    @asynccontextmanager
    async def form(self, request: Request) -> AsyncIterator[dict[str, Part]]:
        """The parts of a form by their names. Raises :class:`Refused` for anything that no browser sends."""
        with self._place(), closing(Reader(request.headers.get("content-type", ""), self.folder)) as reader:
            with _on_disk():
                async for piece in pieces(request, self.most + FORM_BYTES, self.too_long):
                    reader.feed(piece)
            yield reader.end()

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[IO[bytes]]:
        """The whole body as a file."""
        with self._place(), nameless(self.folder) as file:
            with _on_disk():
                async for piece in pieces(request, self.most, self.too_long):
                    file.write(piece)
            yield file

    @asynccontextmanager
    async def whole(self, given: IO[bytes] | bytes | None) -> AsyncIterator[bytes]:
        """All of a file, one at a time in memory: what is secret in a text is masked before it is kept.

        Raises :class:`Refused` for one that is too long.
        """
        async with self._alone:
            data = given if isinstance(given, bytes) else await asyncio.to_thread(_read, given, self.most + 1)
            if len(data) > self.most:
                raise Refused(self.too_long, 413)
            yield data

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._coming >= AT_ONCE:
            raise Refused("too many files come in at this moment: try again in a minute", 503)
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refused(f"the file cannot be kept: {error.strerror or error}; nothing was attached", 507) from error


def _read(file: IO[bytes] | None, most: int) -> bytes:
    if file is None:
        return b""
    file.seek(0)
    return file.read(most)


def nameless(folder: Path) -> IO[bytes]:
    """A file that is gone when it is closed, however that comes."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)


@dataclass(slots=True)
class Part:
    """A field, or a ``file`` with the name that the browser gave it."""

    name: str
    data: bytearray = field(default_factory=bytearray)
    file: IO[bytes] | None = None
    size: int = 0

    def more(self, data: bytes) -> None:
        """What comes next of it. Raises :class:`Refused` for a field that is too long."""
        self.size += len(data)
        if self.file:
            self.file.write(data)
            return
        self.data += data
        if self.size > FORM_BYTES:
            raise Refused(f"more than {FORM_BYTES // 1024} kB in a field of a form", 413)

    @property
    def text(self) -> str:
        """A field's words. Raises :class:`Refused` for what is no text."""
        try:
            return self.data.decode().replace("\r\n", "\n").strip()
        except UnicodeDecodeError as error:
            raise _unread() from error


class Reader:
    """Reads a form piece by piece. Raises :class:`Refused` as soon as it is known to be none."""

    def __init__(self, content_type: str, folder: Path) -> None:
        match = BOUNDARY.match(content_type)
        if match is None:
            raise Refused("send the form as multipart/form-data", 415)
        self._read = read = _Told(folder)
        self._parser = MultipartParser(
            match[2],
            {
                "on_header_field": read.header_field, "on_header_value": read.header_value,
                "on_header_end": read.header, "on_headers_finished": read.begin, "on_part_data": read.more,
                "on_end": read.close,
            },
            max_header_count=HEADERS,
            max_header_size=HEADER,
        )  # fmt: skip

    def feed(self, piece: bytes) -> None:
        """What came next."""
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _unread() from error

    def end(self) -> dict[str, Part]:
        """The parts by their names."""
        try:
            self._parser.finalize()
        except FormParserError as error:
            raise _unread() from error
        if not self._read.closed or not self._read.parts:
            raise _unread()
        return dict(self._read.parts)

    def close(self) -> None:
        """Nothing of it is left."""
        for part in self._read.parts.values():
            if part.file:
                part.file.close()


@dataclass(slots=True)
class _Told:
    """What the parser has told so far."""

    folder: Path
    parts: dict[str, Part] = field(default_factory=dict)
    closed: bool = False
    _headers: dict[str, bytes] = field(default_factory=dict)
    _field: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _part: Part = field(default_factory=lambda: Part(""))

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def begin(self) -> None:
        """A part's headers are over: its name must be one that a form of ours has, once."""
        kind, options = parse_options_header(self._headers.get("content-disposition", b""))
        self._headers = {}
        name, called = _told(options.get(b"name", b"")), _told(options.get(b"filename", b""))
        if kind != b"form-data" or not NAME.fullmatch(name) or name in self.parts or len(self.parts) >= PARTS:
            raise _unread()
        file = nameless(self.folder) if b"filename" in options else None
        self._part = self.parts[name] = Part(called.replace("%22", '"'), file=file)

    def more(self, data: bytes, start: int, end: int) -> None:
        self._part.more(data[start:end])

    def close(self) -> None:
        self.closed = True


def _told(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _unread() from error


def _unread() -> Refused:
    return Refused("the form cannot be read", 400)
