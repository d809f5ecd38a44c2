"""Which keys fill the memory: a bounded sample, by prefix, without the parts that name a person or a session."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hutch.providers.redis.client import Client
from hutch.providers.redis.errors import RedisError
from hutch.providers.redis.figures import size

SCAN_COUNT = 200
"""Keys that one SCAN is asked for."""
SAMPLE_KEYS = 1000
"""Keys of one sample at most."""
SAMPLE_SECONDS = 0.5
"""Seconds after which a sample ends with what it has."""
SHOWN = 5
PREFIX_LIMIT = 40

_SEPARATOR = re.compile(r"[:/|.]")
_TELLING = re.compile(r"@|^\d|\d{3}|[0-9a-f]{8}|^.{25,}$|-", re.I)


@dataclass(frozen=True, slots=True)
class Share:
    """What keys of one prefix take in the sample."""

    prefix: str
    keys: int
    bytes: int


def prefix_of(key: bytes) -> str:
    """The part of a key that says what kind of key it is.

    >>> prefix_of(b"session:8f14e45fceea167a5a36dedd4bea2543")
    'session:*'
    >>> prefix_of(b"counter17")
    'counter*'
    """
    text = shown(key)
    first = _SEPARATOR.split(text, maxsplit=1)[0]
    if len(first) < len(text):
        return f"{_plain(first)}{text[len(first)]}*"[:PREFIX_LIMIT]
    stem = re.sub(r"\d.*$", "", text)
    return text if stem == text and not _TELLING.search(text) else f"{stem[:PREFIX_LIMIT]}*"


def name_of(key: bytes) -> str:
    """A key with the parts that look like an identity left out.

    >>> name_of(b"board:weekly"), name_of(b"user:ada@example.com:views")
    ('board:weekly', 'user:*:views')
    """
    text = shown(key)
    return "".join(part if _SEPARATOR.fullmatch(part) else _plain(part) for part in re.split(r"([:/|])", text))


def shown(key: bytes) -> str:
    """A key's bytes as one harmless line."""
    text = key.decode("utf-8", errors="backslashreplace")[:200]
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def shown_lines(answer: object) -> list[str]:
    """The lines of a bulk answer as harmless text."""
    lines = answer.splitlines() if isinstance(answer, bytes) else []
    return [line.decode("utf-8", errors="backslashreplace") for line in lines]


def _plain(part: str) -> str:
    return "*" if _TELLING.search(part) else part


async def largest(client: Client) -> tuple[str, ...]:
    """Lines on the prefixes that take most of the sample; none where the server does not let us look."""
    try:
        return described(await sampled(client))
    except RedisError:
        return ()


def described(shares: Sequence[Share]) -> tuple[str, ...]:
    """The largest ones, each on a line."""
    total, keys = sum(s.bytes for s in shares), sum(s.keys for s in shares)
    return tuple(
        f"{s.prefix}: {s.keys} of {keys} sampled keys, {size(s.bytes)}, {100 * s.bytes / total:.0f} % of their memory"
        for s in sorted(shares, key=lambda s: -s.bytes)[:SHOWN]
    )


async def sampled(client: Client) -> list[Share]:
    """A sample of the keys of the address's database. Raises :class:`RedisError`."""
    deadline = time.monotonic() + SAMPLE_SECONDS
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    cursor: bytes | int = 0
    while sum(counts.values()) < SAMPLE_KEYS and time.monotonic() < deadline:
        cursor, keys = await client.ask("SCAN", cursor, "COUNT", SCAN_COUNT)
        taken = await client.ask_all([("MEMORY", "USAGE", key) for key in keys]) if keys else []
        for key, held in zip(keys, taken, strict=True):
            if isinstance(held, int):  # None: gone by now; an error: MEMORY is closed to us
                counts[prefix_of(key)] += 1
                sizes[prefix_of(key)] += held
        if cursor == b"0":
            break
    return [Share(prefix, count, sizes[prefix]) for prefix, count in counts.items()]
