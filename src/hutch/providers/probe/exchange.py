"""One HTTP/1.1 request and its answer on an open connection: bounded, whatever the other side sends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import h11

from hutch.providers.probe.dial import Line, Unreached, Watch, told

HEAD = 64 * 1024
"""Bytes of a status line and its headers, at most."""

BODY = 1024 * 1024
"""Bytes of a body that are read and judged."""

PIECE = 64 * 1024

EVENTS = 5000
"""Pieces of an answer that are looked at: one in chunks of a byte each is cut off there."""

INFORMATIONAL = 10
"""Statuses of 1xx before the answer that are put up with."""

BREATH = 64
"""After so many pieces in a row others get a turn."""

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. ``path`` with the query."""

    method: str
    path: str
    headers: tuple[Header, ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``whole`` is False where the body is longer than :data:`BODY`."""

    status: int
    reason: str
    headers: tuple[Header, ...]
    body: bytes = b""
    whole: bool = True

    def header(self, name: str) -> str:
        """The first header of that name, in small letters, or nothing."""
        return next((value for key, value in self.headers if key == name), "")


async def ask(line: Line, request: Request, watch: Watch) -> Answer:
    """The answer to ``request``. Raises :class:`Unreached` where what comes is none; every status is an answer."""
    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD)
    try:
        line.writer.write(_sent(talk, request))
        await line.writer.drain()
        return await _answer(line, talk, watch)
    except h11.RemoteProtocolError as error:
        raise Unreached("broken", f"the answer is no HTTP: {error}") from error
    except (OSError, EOFError) as error:
        raise Unreached("broken", f"the connection broke: {told(error)}") from error


def _sent(talk: h11.Connection, request: Request) -> bytes:
    length: Sequence[Header] = [("Content-Length", str(len(request.body)))] if request.body else []
    head = h11.Request(method=request.method, target=request.path, headers=[*request.headers, *length])
    pieces = [talk.send(head), talk.send(h11.Data(data=request.body)), talk.send(h11.EndOfMessage())]
    return b"".join(p for p in pieces if p)


async def _answer(line: Line, talk: h11.Connection, watch: Watch) -> Answer:
    first = await line.reader.read(PIECE)
    watch.note("first_byte")
    talk.receive_data(first)
    head = await _head(line, talk)
    body = bytearray()
    for number in range(EVENTS):
        event = await _next(line, talk)
        if not isinstance(event, h11.Data):
            return _told(head, bytes(body), whole=True)
        body += event.data
        if len(body) > BODY:
            break
        if number % BREATH == BREATH - 1:
            await asyncio.sleep(0)
    return _told(head, bytes(body[:BODY]), whole=False)


async def _head(line: Line, talk: h11.Connection) -> h11.Response:
    for _ in range(INFORMATIONAL + 1):
        event = await _next(line, talk)
        if isinstance(event, h11.Response):
            return event
        if not isinstance(event, h11.InformationalResponse):
            raise Unreached("broken", "the connection ended before an answer came")
    raise Unreached("broken", f"more than {INFORMATIONAL} answers of 1xx, and none that counts")


async def _next(line: Line, talk: h11.Connection) -> object:
    while (event := talk.next_event()) is h11.NEED_DATA:
        talk.receive_data(await line.reader.read(PIECE))
    return event


def _told(head: h11.Response, body: bytes, *, whole: bool) -> Answer:
    headers = tuple((_text(name), _text(value)) for name, value in head.headers)
    return Answer(head.status_code, _text(head.reason), headers, body, whole)


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")
