"""Is the server kept busy by slow commands: SLOWLOG's newest entries, named without their values, and a PING's time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import ResponseError

from hutch.model.finding import Seen, Status
from hutch.providers.redis.client import Client
from hutch.providers.redis.config import Config
from hutch.providers.redis.errors import Kind, RedisError
from hutch.providers.redis.keys import name_of, shown

ENTRIES = 64
"""Entries that are asked for; the server keeps 128 by default."""
PINGS = 3
SHOWN = 5
_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9._-]{0,40}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One slow command: ``words`` as SLOWLOG has them (the first ones, each cut), ``at`` in the server's seconds."""

    at: int
    seconds: float
    words: tuple[bytes, ...]
    peer: str
    client: str

    @property
    def name(self) -> str:
        """The command's name, nothing that a client made up."""
        first = self.words[0] if self.words else b""
        return first.decode("ascii").upper() if _NAME.fullmatch(first) else "?"

    @classmethod
    def of(cls, raw: Sequence[object]) -> Entry | None:
        """From SLOWLOG GET; None for a form that is not known."""
        match raw:
            case [int(), int(at), int(micros), [*words], *rest]:
                peer, client = (shown(w) if isinstance(w, bytes) else "" for w in (*rest, b"", b"")[:2])
                return cls(at, micros / 1e6, tuple(w for w in words if isinstance(w, bytes)), peer, client)
        return None


async def slow(client: Client, config: Config) -> Seen:
    """The share of the last seconds spent in slow commands. Where SLOWLOG is closed, the PINGs alone are judged."""
    latency = 1000 * min([await client.ping() for _ in range(PINGS)])
    try:
        entries, reason = await _lately(client, config.slow_window), ""
    except RedisError as error:
        if error.kind not in (Kind.DENIED, Kind.COMMAND):
            raise
        entries, reason = [], f"slow commands can't be seen, SLOWLOG is closed to this login: {error}"
    share = min(100.0, 100 * sum(e.seconds for e in entries) / config.slow_window)
    heavy = share >= config.slow_share
    data: dict[str, object] = {"latency": round(latency, 1), "share": round(share, 1), "slowlog": not reason}
    data["slow"] = await _culprit(client, entries) if heavy else None
    status = Status.BAD if heavy else Status.WARN if latency >= config.latency_warn else Status.OK
    said = f"a PING takes {latency:.1f} ms, {share:.0f} % of the last {config.slow_window:g} s went to slow commands"
    return Seen(status, said, data, tuple(map(line, _longest(entries)[:SHOWN])), reason)


async def _lately(client: Client, window: float) -> list[Entry]:
    """Entries that ended in the window, by the server's clock, our own commands left out."""
    now = int((await client.ask("TIME"))[0])
    found = filter(None, map(Entry.of, await client.ask("SLOWLOG", "GET", ENTRIES)))
    return [entry for entry in found if now - entry.at <= window]


def _longest(entries: Sequence[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda e: -e.seconds)


def line(entry: Entry) -> str:
    """One entry without its values.

    >>> line(Entry(0, 1.5, (b"KEYS", b"*secret*"), "198.18.0.1:5000", "web"))
    'KEYS (1 argument) took 1500 ms, from 198.18.0.1:5000 web'
    """
    count = len(entry.words) - 1
    arguments = "1 argument" if count == 1 else f"{count} arguments"
    return f"{entry.name} ({arguments}) took {entry.seconds * 1000:.0f} ms, from {entry.peer} {entry.client}".rstrip()


async def _culprit(client: Client, entries: Sequence[Entry]) -> dict[str, object]:
    """The command that took most of the time, and the key that it worked on where the server can tell."""
    totals: dict[str, float] = {}
    for entry in entries:
        totals[entry.name] = totals.get(entry.name, 0.0) + entry.seconds
    name = max(totals, key=lambda n: totals[n])
    of_it = [e for e in entries if e.name == name]
    longest = _longest(of_it)[0]
    return {
        "command": name,
        "times": len(of_it),
        "seconds": round(totals[name], 3),
        "longest": round(longest.seconds, 3),
        "peer": longest.peer,
        "key": await _key(client, longest),
    }


async def _key(client: Client, entry: Entry) -> str:
    """The first key of a command by the server's own knowledge; nothing where it has none or its words were cut."""
    try:
        [found] = await client.ask_all([("COMMAND", "GETKEYS", *entry.words)])
    except RedisError:
        return ""
    if isinstance(found, ResponseError) or not found or not isinstance(found[0], bytes):
        return ""
    return name_of(found[0])
