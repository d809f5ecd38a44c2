"""Where messages by HTTP may go: to the public internet, and into networks that the configuration names.

Judged is each address at the moment at which it is connected to, whatever name led there and whatever else the name
may mean a second later.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Networks = tuple[IPv4Network | IPv6Network, ...]

NEVER: Networks = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "fe80::/10", "ff00::/8",
        "100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32",
    )
)  # fmt: skip
"""No configuration opens these: this network, link-local, many at once, and where clouds hand out credentials."""

TUNNELS: Networks = tuple(ip_network(text) for text in ("2002::/16", "2001::/32"))
"""6to4 and Teredo: public addresses of which the far end is any other."""

INTERNET6, TRANSLATED = IPv6Network("2000::/3"), IPv6Network("64:ff9b::/96")
"""What is given out of IPv6, and IPv4 as a translator (NAT64) writes it."""


def networks_of(given: object) -> Networks:
    """The networks that a setting names. Raises ``ValueError``."""
    found = []
    for text in given if isinstance(given, list | tuple) else ():
        try:
            found.append(ip_network(str(text)))
        except ValueError:
            raise ValueError(f"networks: expected networks such as 10.0.0.0/8, found {str(text)!r}") from None
    return tuple(found)


def may(address: str, networks: Networks) -> bool:
    """Whether something may be sent to an address.

    >>> may("93.184.215.14", ()), may("::ffff:127.0.0.1", ()), may("10.1.2.3", networks_of(["10.0.0.0/8"]))
    (True, False, True)
    """
    found = _written(address)
    if found is None or _within(found, NEVER):
        return False
    return _within(found, networks) or _public(found)


def _written(address: str) -> IPv4Address | IPv6Address | None:
    """The address itself, where it is IPv4 written as IPv6."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return found.ipv4_mapped
        if found in TRANSLATED:
            return IPv4Address(int(found) & 0xFFFFFFFF)
    return found


def _within(address: IPv4Address | IPv6Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address.version == n.version and address in n for n in networks)


def _public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and (address not in INTERNET6 or _within(address, TUNNELS)):
        return False
    return address.is_global


@dataclass(slots=True)
class Door:
    """Gives a socket for an address that may be reached; ``refused`` once it was asked for another."""

    networks: Networks
    refused: bool = False

    def socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """For an address as ``getaddrinfo`` gives it. Raises ``OSError``."""
        family, kind, protocol, _, address = info
        if not may(str(address[0]), self.networks):
            self.refused = True
            raise OSError(errno.EACCES, "the address is refused")
        return socket.socket(family, kind, protocol)
