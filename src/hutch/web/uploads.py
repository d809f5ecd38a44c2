"""The parts of a ``multipart/form-data`` body, which is how a browser sends a file. Pure; strict, and bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hutch.web.guard import FORM_BYTES, Refused

BOUNDARY = re.compile(r"""multipart/form-data;\s*boundary=("?)([0-9A-Za-z'()+_,./:=?-]{1,70})\1""", re.IGNORECASE)

DISPOSITION = re.compile(
    r'^content-disposition:[ \t]*form-data;[ \t]*name="([a-z]{1,40})"(?:;[ \t]*filename="([^"\r\n]*)")?',
    re.IGNORECASE | re.MULTILINE,
)

PARTS, HEAD = 20, 4096
"""Parts of a form, and bytes above the content of one."""


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
    line = b"\r\n--" + match[2].encode()
    pieces = (b"\r\n" + body).split(line, PARTS + 2)
    if len(pieces) < 3 or len(pieces) > PARTS + 2 or pieces[0] or not pieces[-1].startswith(b"--"):
        raise _unread()
    found: dict[str, Part] = {}
    for piece in pieces[1:-1]:
        name, part = _part(piece)
        if name in found:
            raise _unread()
        found[name] = part
    return found


def _part(piece: bytes) -> tuple[str, Part]:
    end = piece.find(b"\r\n\r\n", 0, HEAD)
    try:
        head = piece[:end].decode() if end > 0 and piece.startswith(b"\r\n") else ""
    except UnicodeDecodeError as error:
        raise _unread() from error
    match = DISPOSITION.search(head)
    if match is None:
        raise _unread()
    return match[1], Part((match[2] or "").replace("%22", '"'), piece[end + 4 :])


def _unread() -> Refused:
    return Refused("the form cannot be read", 400)
