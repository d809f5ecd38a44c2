"""Which address a request came from. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from rolerabbit.config import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(peer: str | None, forwarded: str, trusted: Sequence[Network]) -> str | None:
    """The client of a request from `peer` with the X-Forwarded-For value `forwarded`.

    The header is read from the right and only as long as the hop that wrote an entry is a trusted proxy: everything
    further left is the client's own claim. None where the peer has no address (a Unix socket).
    """
    current = _address(peer or "")
    hops = [part.strip() for part in forwarded.split(",") if part.strip()]
    while current is not None and hops and any(current in network for network in trusted):
        claimed = _address(hops.pop())
        if claimed is None:
            break
        current = claimed
    return None if current is None else str(current)


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found
