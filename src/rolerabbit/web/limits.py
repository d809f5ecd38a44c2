"""Rate limits of the routes: 429 with Retry-After, by address and by account."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final, Literal, NoReturn

import psycopg
from fastapi import HTTPException, Request
from psycopg_pool import PoolTimeout, TooManyRequests

from rolerabbit import stolen, trail
from rolerabbit.addresses import network_of
from rolerabbit.config import Limit
from rolerabbit.limits import Excess
from rolerabbit.web.access import Parts, ip_of, parts_of

Kind = Literal["login", "signup", "reset", "export", "report"]
GUESSING: Final = frozenset({"login", "reset"})
"""Where passing the limit is noted as `BRUTE_FORCE`; elsewhere as `SUSPICIOUS_IP`."""
NOTE_SECONDS: Final = 0.5


async def allow(request: Request, kind: Kind, account: str = "") -> Mapping[str, Limit]:
    """Count one; 429 where the address or the account has done it too often. What was counted, to take it back.

    The address comes first: what it is refused does not count on the account, or anybody could lock its owner out. Who
    tries to log in from where the account is at home meets the limit of the address alone, for the same reason.
    """
    parts = parts_of(request)
    limits = _limits(parts, kind, ip_of(request), account)
    for key, limit in limits.items():
        excess = await parts.limiter.hit({key: limit})
        if excess is not None and not (f"{kind}:account:" in key and await _at_home(request, parts, kind, account)):
            await _refuse(request, parts, kind, excess)
    return limits


@asynccontextmanager
async def attempt(request: Request, kind: Kind, account: str) -> AsyncIterator[None]:
    """As `allow`, but only what ends in 401 counts: who gets in, or meets a failure of ours, has not guessed."""
    limits = await allow(request, kind, account)
    wrong = False
    try:
        yield
    except HTTPException as error:
        wrong = error.status_code == 401
        raise
    finally:
        if not wrong:
            await parts_of(request).limiter.take_back(limits)


def _limits(parts: Parts, kind: Kind, ip: str | None, account: str) -> dict[str, Limit]:
    """By key. Accounts stand in it as a hash: Redis need not know who they are."""
    configured, found = parts.settings.limits, {}
    if ip is not None and f"{kind}_address" in configured:
        found[f"{kind}:address:{network_of(ip)}"] = configured[f"{kind}_address"]
    if account and f"{kind}_account" in configured:
        digest = hashlib.sha256(account.lower().encode("utf-8", "replace")).hexdigest()[:32]
        found[f"{kind}:account:{digest}"] = configured[f"{kind}_account"]
    return {key: parts.steps.stepped(kind, limit) for key, limit in found.items()}


async def _at_home(request: Request, parts: Parts, kind: Kind, account: str) -> bool:
    ip = ip_of(request)
    if kind != "login" or ip is None:
        return False
    async with parts.pool.connection() as connection:
        return await stolen.at_home(connection, account, ip)


async def _refuse(request: Request, parts: Parts, kind: Kind, excess: Excess) -> NoReturn:
    subject = excess.key.split(":")[1]
    parts.metrics.limited(kind, subject)
    if parts.seldom.may(f"limit {excess.key}"):
        await _note(request, parts, kind, subject, excess)
    text = f"too many requests of this kind from this {subject}: try again in {excess.seconds} s"
    raise HTTPException(429, text, {"Retry-After": str(excess.seconds)})


async def _note(request: Request, parts: Parts, kind: Kind, subject: str, excess: Excess) -> None:
    event: trail.SecurityEvent = "BRUTE_FORCE" if kind in GUESSING else "SUSPICIOUS_IP"
    details = {
        "reason": "rate limit",
        "limit": f"RR_LIMIT_{kind.upper()}_{subject.upper()}",
        "allowed": excess.limit.count,
        "seconds": excess.limit.seconds,
    }
    with suppress(psycopg.Error, PoolTimeout, TooManyRequests):
        async with parts.pool.connection(timeout=NOTE_SECONDS) as connection:
            await trail.security(connection, event, None, ip_of(request), details)
