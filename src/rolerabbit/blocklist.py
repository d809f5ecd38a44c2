"""Which addresses are blocked now: the active rows of `ip_blocklist` in memory, looked up without a query."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import AsyncConnection

from rolerabbit.addresses import LONGEST, numbered
from rolerabbit.config import Network

MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
_ACTIVE: Final = "SELECT network(ip_address)::text, blocked_until FROM ip_blocklist WHERE blocked_until > now()"
_VERSION: Final = """
SELECT count(*), coalesce(sum(hashtextextended(ip_address::text || blocked_until::text, 0)), 0)::text
FROM ip_blocklist WHERE blocked_until > now()"""


class Blocklist:
    """Networks by version and by the bits that they leave open: a look-up costs one dictionary access for each number
    of bits that occurs, and asks for the time only where something is found."""

    def __init__(self) -> None:
        self._lists: dict[int, tuple[tuple[int, dict[int, datetime]], ...]] = {}
        self._version: object = None

    def replace(self, rows: Iterable[tuple[str, datetime]]) -> None:
        """Take these networks instead; where one stands twice, the later end counts."""
        until: dict[int, dict[int, dict[int, datetime]]] = {}
        for text, end in rows:
            network = normal(ipaddress.ip_network(text, strict=False))
            shift = network.max_prefixlen - network.prefixlen
            known = until.setdefault(network.version, {}).setdefault(shift, {})
            key = int(network.network_address) >> shift
            known[key] = max(end, known.get(key, end))
        self._lists = {version: tuple(found.items()) for version, found in until.items()}

    def blocked_until(self, ip: str | None, now: datetime | None = None) -> datetime | None:
        """When the longest block of this address ends; None where it is not blocked."""
        found = numbered(ip) if ip and len(ip) <= LONGEST else None
        if found is None:
            return None
        version, number = found
        longest = None
        for shift, networks in self._lists.get(version, ()):
            end = networks.get(number >> shift)
            if end is not None and (longest is None or end > longest):
                longest = end
        return longest if longest is not None and longest > (now or datetime.now(UTC)) else None

    async def refresh(self, connection: AsyncConnection[Any]) -> None:
        """Read the table if it has changed."""
        version = await (await connection.execute(_VERSION)).fetchone()
        if version != self._version:
            self.replace(await (await connection.execute(_ACTIVE)).fetchall())
            self._version = version


def normal(network: Network) -> Network:
    """The network itself; of an IPv4 one that is written as IPv6 (`::ffff:a.b.c.d`) the IPv4 one."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(MAPPED):
        return ipaddress.ip_network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network
