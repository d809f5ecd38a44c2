"""One HTTP request on a connection of its own, with the times of its phases. Bounded; no proxy, no redirect."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

MAX_BODY = 4 * 1024 * 1024
"""Bytes of an answer that are read: a scrape of a large service fits."""

AGENT = "hutch"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``phases`` are seconds since the start: ``lookup connect first_byte total``.

    ``connect`` holds the TLS handshake too, where there is one.
    """

    status: int
    reason: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool
    phases: Mapping[str, float]

    @property
    def text(self) -> str:
        """The body for people; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", errors="replace")

    def header(self, name: str) -> str:
        """The first header of that name in any case of letters, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Unanswered(Exception):
    """No answer. ``kind`` is ``lookup`` ``refused`` ``tls`` ``timeout`` or ``broken``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class _Watch:
    """Notes when each phase ended."""

    start: float = field(default_factory=time.monotonic)
    phases: dict[str, float] = field(default_factory=dict)

    def note(self, phase: str) -> None:
        self.phases[phase] = round(time.monotonic() - self.start, 6)

    def config(self) -> aiohttp.TraceConfig:
        config = aiohttp.TraceConfig()
        config.on_dns_resolvehost_end.append(self._looked_up)
        config.on_connection_create_end.append(self._connected)
        config.on_request_end.append(self._headers)
        return config

    async def _looked_up(self, *_event: object) -> None:
        self.note("lookup")

    async def _connected(self, *_event: object) -> None:
        self.note("connect")

    async def _headers(self, *_event: object) -> None:
        self.note("first_byte")


async def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    timeout: float,
    max_body: int = MAX_BODY,
    data: bytes | None = None,
) -> Answer:
    """Ask once, for exactly this address. Raises :class:`Unanswered`; every status is an answer."""
    watch = _Watch()
    try:
        async with (
            asyncio.timeout(timeout),
            aiohttp.ClientSession(
                trust_env=False,
                trace_configs=[watch.config()],
                headers={"User-Agent": AGENT, "Accept-Encoding": "identity", **(headers or {})},
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as session,
            session.request(method, _exactly(url), data=data, allow_redirects=False) as response,
        ):
            return await _read(response, watch, max_body)
    except TimeoutError as error:
        raise Unanswered("timeout", f"no answer within {timeout:g} s") from error
    except aiohttp.ClientConnectorDNSError as error:
        raise Unanswered("lookup", f"the name {error.host} has no address") from error
    except (aiohttp.ClientSSLError, ssl.SSLError) as error:
        raise Unanswered("tls", f"no TLS connection: {error}") from error
    except aiohttp.ClientConnectorError as error:
        raise Unanswered("refused", f"no connection to {error.host}:{error.port}: {error.os_error.strerror}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unanswered("broken", f"the connection broke: {error or type(error).__name__}") from error


def _exactly(url: str) -> str | URL:
    """An address that is encoded already goes out as it is: nothing in it is taken apart and put together anew."""
    return URL(url, encoded=True) if url.isascii() and url.isprintable() and " " not in url else url


async def _read(response: aiohttp.ClientResponse, watch: _Watch, max_body: int) -> Answer:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(65536):
        parts.append(part)
        size += len(part)
        if size > max_body:
            response.close()
            break
    watch.note("total")
    version = response.version
    return Answer(
        status=response.status,
        reason=response.reason or "",
        version=f"{version.major}.{version.minor}" if version else "1.1",
        headers=tuple((str(key), str(value)) for key, value in response.headers.items()),
        body=b"".join(parts)[:max_body],
        truncated=size > max_body,
        phases=watch.phases,
    )
