"""Which address a request came from. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from rolerabbit.config import Network

LONGEST = 45
"""Characters of an address (``INET6_ADDRSTRLEN`` less the end)."""

IPV6_NETWORK = 64
"""Of IPv6 one customer has as many bits of an address for itself as this leaves."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


REMEMBERED = 200
"""Characters of an X-Forwarded-For up to which its answer is remembered: visitors come again."""


def client_address(peer: str | None, forwarded: str, trusted: Sequence[Network]) -> str | None:
    """The client of a request from `peer` with the X-Forwarded-For value `forwarded`.

    The header is read from the right and only as long as the hop that wrote an entry is a trusted proxy: everything
    further left is the client's own claim. None where the peer has no address (a Unix socket).
    """
    return Clients(trusted).of(peer, forwarded.encode("latin-1", "replace"))


class Clients:
    """:func:`client_address` for the same trusted proxies again and again, by the header as it came in."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._remembered = lru_cache(maxsize=4096)(self._told)

    def of(self, peer: str | None, forwarded: bytes) -> str | None:
        """The client's address; a header that is long for one is read anew each time, and not kept."""
        told = self._remembered if len(forwarded) <= REMEMBERED else self._told
        return told(peer or "", forwarded)

    def trusts(self, ip: str | None) -> bool:
        """Whether that is one of the trusted proxies itself."""
        found = parsed(ip or "")
        return found is not None and any(found in network for network in self._trusted)

    def _told(self, peer: str, forwarded: bytes) -> str | None:
        return _told(peer, forwarded.decode("latin-1"), self._trusted)


def _told(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str | None:
    current = parsed(peer)
    hops = [part.strip() for part in forwarded.split(",") if part.strip()]
    while current is not None and hops and any(current in network for network in trusted):
        claimed = parsed(hops.pop())
        if claimed is None:
            break
        current = claimed
    return None if current is None else str(current)


def network_of(ip: str) -> str:
    """What counts as one address: of IPv6 the /64, since a single customer has that many.

    >>> network_of("2001:db8::1:2:3:4"), network_of("198.18.0.1")
    ('2001:db8::/64', '198.18.0.1')
    """
    if ipaddress.ip_address(ip).version == 4:
        return ip
    return str(ipaddress.ip_network((ip, IPV6_NETWORK), strict=False))


def parsed(text: str) -> Address | None:
    """The address that a text is, an IPv4 one that is written as IPv6 as what it is; None where it is none."""
    return _parsed(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=4096)
def numbered(text: str) -> tuple[int, int] | None:
    """The version and the number of the address that a text is; None where it is none. Of a known length."""
    found = parsed(text)
    return None if found is None else (found.version, int(found))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found
