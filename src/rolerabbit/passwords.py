"""Passwords by argon2id and session tokens by SHA-256."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's Password Storage Cheat Sheet gives m=7 MiB, t=5, p=1 as equal to its heavier choices: least memory, one core.
_HASHER: Final = PasswordHasher(time_cost=5, memory_cost=7168, parallelism=1)
_NOBODY: Final = _HASHER.hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    """Some 10 to 30 ms of one core; `hash_aside` keeps that off the event loop."""
    return _HASHER.hash(password)


async def hash_aside(password: str) -> str:
    """`hash_password` in a thread."""
    return await asyncio.to_thread(hash_password, password)


async def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. An unknown account (`None`) takes as long as a wrong password."""
    fits = await asyncio.to_thread(_verify, password_hash or _NOBODY, password)
    return fits and password_hash is not None


def new_token() -> str:
    """256 random bits for a bearer token."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What the database keeps of a token; a token has enough entropy to need no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
