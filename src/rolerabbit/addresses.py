"""Which address a request came from. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from rolerabbit.config import Network

LONGEST = 45
"""Characters of an address (``INET6_ADDRSTRLEN`` less the end)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


REMEMBERED = 200
"""Characters of an X-Forwarded-For up to which its answer is remembered: visitors come again."""


def client_address(peer: str | None, forwarded: str, trusted: Sequence[Network]) -> str | None:
    """The client of a request from `peer` with the X-Forwarded-For value `forwarded`.

    The header is read from the right and only as long as the hop that wrote an entry is a trusted proxy: everything
    further left is the client's own claim. None where the peer has no address (a Unix socket).
    """
    told = _remembered if len(forwarded) <= REMEMBERED else _told
    return told(peer or "", forwarded, tuple(trusted))


def _told(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str | None:
    current = parsed(peer)
    hops = [part.strip() for part in forwarded.split(",") if part.strip()]
    while current is not None and hops and any(current in network for network in trusted):
        claimed = parsed(hops.pop())
        if claimed is None:
            break
        current = claimed
    return None if current is None else str(current)


_remembered = lru_cache(maxsize=4096)(_told)


def parsed(text: str) -> Address | None:
    """The address that a text is, an IPv4 one that is written as IPv6 as what it is; None where it is none."""
    return _parsed(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found
