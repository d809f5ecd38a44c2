"""Passwords: argon2id, with the library's parameters (RFC 9106, the second recommended set: 64 MB)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from hutch.commands.errors import CommandError

SHORTEST, LONGEST = 12, 256
"""Characters. Length counts, not kinds of characters (NIST SP 800-63B)."""

_HASHER = PasswordHasher(type=Type.ID)
_TURNS = ThreadPoolExecutor(2, "passwords")
"""Each takes 64 MB: many tries at once must not take all memory. Threads belong to no event loop."""


def checked(password: str, name: str) -> str:
    """The password. Raises :class:`CommandError` for one that is easily guessed."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise CommandError(f"a password has {SHORTEST} to {LONGEST} characters; a few words in a row are good", 2)
    if name.lower() in password.lower() or len(set(password)) < 5:
        raise CommandError("that password is easily guessed: it holds the name, or hardly differs within itself", 2)
    return password


async def hashed(password: str) -> str:
    """What is kept of it."""
    return await asyncio.get_running_loop().run_in_executor(_TURNS, _HASHER.hash, password)


async def right(kept: str, password: str) -> bool:
    """Whether it is that password. Without a kept one it takes as long, and is wrong."""
    turn = asyncio.get_running_loop().run_in_executor(_TURNS, _right, kept, password[:LONGEST])
    return await turn and bool(kept)


def stale(kept: str) -> bool:
    """Whether it was hashed with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


def _right(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")
