"""The parts of a ``multipart/form-data`` body, which is how a browser sends a file. Strict, and bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from hutch.web.guard import FORM_BYTES, Refused

BOUNDARY = re.compile(r"""multipart/form-data;\s*boundary=("?)([0-9A-Za-z'()+_,./:=?-]{1,70})\1""", re.IGNORECASE)
NAME = re.compile(r"[a-z]{1,40}", re.IGNORECASE)

PARTS, HEADERS, HEADER = 20, 8, 4096
"""Parts of a form; headers of a part; bytes of one header."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field, or a file with the name that the browser gave it."""

    name: str
    data: bytes

    @property
    def text(self) -> str:
        """A field's words. Raises :class:`Refused` for what is no text, or too much."""
        if len(self.data) > FORM_BYTES:
            raise Refused(f"more than {FORM_BYTES // 1024} kB in a field of a form", 413)
        try:
            return self.data.decode().replace("\r\n", "\n").strip()
        except UnicodeDecodeError as error:
            raise _unread() from error


def parts_of(content_type: str, body: bytes) -> dict[str, Part]:
    """By the field's name. Raises :class:`Refused` for anything that no browser sends."""
    match = BOUNDARY.match(content_type)
    if match is None:
        raise Refused("send the form as multipart/form-data", 415)
    read = _Read()
    parser = MultipartParser(
        match[2],
        {
            "on_header_field": read.header_field, "on_header_value": read.header_value, "on_header_end": read.header,
            "on_headers_finished": read.begin, "on_part_data": read.more, "on_part_end": read.end, "on_end": read.close,
        },
        max_header_count=HEADERS,
        max_header_size=HEADER,
    )  # fmt: skip
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise _unread() from error
    if not read.closed or not read.parts:
        raise _unread()
    return read.parts


@dataclass(slots=True)
class _Read:
    """What the parser has told so far."""

    parts: dict[str, Part] = field(default_factory=dict)
    closed: bool = False
    _headers: dict[str, bytes] = field(default_factory=dict)
    _field: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _data: bytearray = field(default_factory=bytearray)
    _named: tuple[str, str] = ("", "")

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
        name, file = _told(options.get(b"name", b"")), _told(options.get(b"filename", b""))
        if kind != b"form-data" or not NAME.fullmatch(name) or name in self.parts or len(self.parts) >= PARTS:
            raise _unread()
        self._named = name, file.replace("%22", '"')

    def more(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def end(self) -> None:
        name, file = self._named
        self.parts[name] = Part(file, bytes(self._data))
        self._data.clear()

    def close(self) -> None:
        self.closed = True


def _told(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _unread() from error


def _unread() -> Refused:
    return Refused("the form cannot be read", 400)
