"""Who is asking, from where, on which connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import psycopg
from fastapi import HTTPException, Request
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests
from starlette.types import Scope

from rolerabbit import stolen, trail
from rolerabbit.accounts import User, user_of
from rolerabbit.addresses import Clients, network_of
from rolerabbit.blocklist import Blocklist
from rolerabbit.config import Settings
from rolerabbit.faults import PortfolioReads
from rolerabbit.keys import Tokens, Vault
from rolerabbit.limits import Limiter, Windows
from rolerabbit.metrics import Metrics
from rolerabbit.pagecache import PageCache
from rolerabbit.remote import Remote
from rolerabbit.seldom import Seldom
from rolerabbit.steps import Steps

NOTED_EVERY_S: Final = 60.0
"""How often the same refusal of the same address or account is written to the security log."""
HOUR_S: Final = 3600.0
NOTE_S: Final = 0.5
"""Seconds that such a note may wait for a connection."""
NOTES: Final = 30
"""Refused tokens of one network that are looked into in that time."""
NOT_VALID: Final = "this session is not valid: log in again"
RESTRICTED: Final = "this account is restricted for now"
Connection = AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]


@dataclass(frozen=True, slots=True)
class Parts:
    """What one replica is made of; `app.state.parts` of the application."""

    settings: Settings
    pool: Pool
    metrics: Metrics
    reads: PortfolioReads
    remote: Remote
    cache: PageCache
    limiter: Limiter
    tokens: Tokens
    vault: Vault
    clients: Clients
    blocklist: Blocklist = field(default_factory=Blocklist)
    steps: Steps = field(default_factory=Steps)
    seldom: Seldom = field(default_factory=lambda: Seldom(NOTED_EVERY_S))
    hourly: Seldom = field(default_factory=lambda: Seldom(HOUR_S))
    notes: Windows = field(default_factory=Windows)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request on its connection. `user` is None for somebody who is not logged in."""

    connection: Connection
    ip: str | None
    user: User | None


@asynccontextmanager
async def changing(request: Request) -> AsyncIterator[None]:
    """Around a change of portfolios: what is kept of them is forgotten afterwards, unless the change was refused."""
    refused = False
    try:
        yield
    except HTTPException:
        refused = True
        raise
    finally:
        if not refused:
            await parts_of(request).cache.changed()


def parts_of(request: Request) -> Parts:
    """The replica that answers this request."""
    parts: Parts = request.app.state.parts
    return parts


def ip_of(request: Request) -> str | None:
    """The client's address, by the trusted proxies of the settings."""
    return ip_in(request.scope, parts_of(request))


def ip_in(scope: Scope, parts: Parts) -> str | None:
    """As :func:`ip_of`, of what every request begins with: each one is asked for it."""
    client = scope.get("client")
    forwarded = b""
    for name, value in scope["headers"]:
        if name == b"x-forwarded-for":
            forwarded = forwarded + b"," + value if forwarded else value
    return parts.clients.of(client[0] if client else None, forwarded)


def bearer(request: Request) -> str | None:
    """The token of the Authorization header."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


@asynccontextmanager
async def visit(request: Request) -> AsyncIterator[Visit]:
    """A connection for as long as the handler needs one; 401 for a token that is not valid (any more), 403 for an
    account that is restricted altogether."""
    parts, token = parts_of(request), bearer(request)
    if token and not parts.tokens.good(token):
        await _refuse_token(request, token)
    async with parts.pool.connection() as connection:
        user = await user_of(connection, token) if token else None
        if token and user is None:
            await _refuse_token(request, token, connection)
        if token and user is not None:
            await _used(request, connection, token)
        found = Visit(connection, ip_of(request), user)
        if user is not None:
            request.state.user_id = str(user.id)
            parts.metrics.saw(user.id)
            if "all" in user.restrictions:
                await refuse(request, found, user, "restricted", RESTRICTED)
        yield found


async def _used(request: Request, connection: Connection, token: str) -> None:
    parts, ip = parts_of(request), ip_of(request)
    if ip is not None and parts.seldom.may(f"used {network_of(ip)} {hash(token)}"):
        await stolen.used(connection, token, ip)


async def _refuse_token(request: Request, token: str, connection: Connection | None = None) -> NoReturn:
    """401; looked into at most so often for one network, without a connection otherwise."""
    parts, ip = parts_of(request), ip_of(request)
    if ip is not None and parts.notes.count(f"token {network_of(ip)}", NOTED_EVERY_S)[0] <= NOTES:
        with suppress(psycopg.Error, PoolTimeout, TooManyRequests):
            if connection is not None:
                await _note_token(parts, connection, token, ip)
            else:
                async with parts.pool.connection(timeout=NOTE_S) as borrowed:
                    await _note_token(parts, borrowed, token, ip)
    raise HTTPException(401, NOT_VALID, {"WWW-Authenticate": "Bearer"})


async def _note_token(parts: Parts, connection: Connection, token: str, ip: str) -> None:
    """`UNAUTHORIZED_ACCESS` unless it comes from where its owner is. The note is on no account: whoever asks is not its
    owner. A token that nobody ever had is noted once an hour."""
    found = await stolen.suspect(connection, token, ip)
    if found and (found["reason"] != "unknown token" or parts.hourly.may(f"{network_of(ip)} {hash(token)}")):
        await trail.security(connection, "UNAUTHORIZED_ACCESS", None, ip, found)


async def refuse(request: Request, found: Visit, user: User, reason: str, text: str) -> NoReturn:
    """403 with this text, noted as `UNAUTHORIZED_ACCESS` (once a minute for the same account and reason)."""
    if parts_of(request).seldom.may(f"{reason} {user.id}"):
        await trail.security(found.connection, "UNAUTHORIZED_ACCESS", user.id, found.ip, {"reason": reason})
    raise HTTPException(403, text)


@asynccontextmanager
async def user_visit(request: Request) -> AsyncIterator[tuple[Visit, User]]:
    """As `visit`, for users only: 401 for everybody else."""
    async with visit(request) as found:
        if found.user is None:
            raise HTTPException(401, "log in first", {"WWW-Authenticate": "Bearer"})
        yield found, found.user
