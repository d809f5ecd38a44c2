"""Addresses and networks as they are counted and blocked: IPv4 singly, IPv6 by the /64 that one customer gets. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from hutch.providers.audit.config import Config, Network

WIDEST = {4: 24, 6: 56}
"""The widest network that one block may hold, by IP version, as the length of its prefix."""
CUSTOMER = {4: 32, 6: 64}
"""What is counted and blocked as one."""

# https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-special-registry
_NEVER = tuple(
    (ipaddress.ip_network(text), why)
    for text, why in (
        ("127.0.0.0/8", "is this machine itself"),
        ("::1/128", "is this machine itself"),
        ("0.0.0.0/8", "is no address of a visitor"),
        ("::/128", "is no address of a visitor"),
        ("10.0.0.0/8", "is private: a proxy or a machine of our own"),
        ("172.16.0.0/12", "is private: a proxy or a machine of our own"),
        ("192.168.0.0/16", "is private: a proxy or a machine of our own"),
        ("fc00::/7", "is private: a proxy or a machine of our own"),
        ("169.254.0.0/16", "is link-local: a machine of our own"),
        ("fe80::/10", "is link-local: a machine of our own"),
        ("100.64.0.0/10", "is shared by a provider's customers (RFC 6598)"),
        ("64:ff9b::/96", "stands for the whole IPv4 internet (RFC 6052)"),
        ("2001::/32", "names a Teredo server, not its visitor (RFC 4380)"),
        ("224.0.0.0/3", "is no address of a visitor"),
        ("ff00::/8", "is no address of a visitor"),
    )
)


def network_of(text: str) -> Network:
    """The network to count or block for an address or a CIDR. ``ValueError`` says what it must be.

    >>> str(network_of("2001:db8::7")), str(network_of("198.18.0.7"))
    ('2001:db8::/64', '198.18.0.7/32')
    """
    try:
        found = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor a network such as 198.18.0.0/28") from None
    mapped = found.network_address.ipv4_mapped if isinstance(found, ipaddress.IPv6Network) else None
    if mapped is not None and found.prefixlen >= 96:
        found = ipaddress.IPv4Network((mapped, found.prefixlen - 96), strict=False)
    most = CUSTOMER[found.version]
    return found.supernet(new_prefix=most) if found.prefixlen > most else found


def shown(network: Network | str) -> str:
    """A single IPv4 address without its mask; every other network as CIDR.

    >>> shown("198.18.0.7/32"), shown("2001:db8::/64")
    ('198.18.0.7', '2001:db8::/64')
    """
    return str(network).removesuffix("/32") if "." in str(network) else str(network)


def grown(config: Config, former: int) -> int:
    """Minutes for which a block lasts that is the next after ``former`` ended ones: longer each time, to a bound."""
    most = config.whole("max_block_minutes")
    growth = min(config.number("block_growth") ** min(former, 64), float(most))
    return max(1, min(most, round(config.whole("block_minutes") * growth)))


def refusal(network: Network, protected: Iterable[Network]) -> str:
    """Why this network must not be blocked; empty when it may."""
    if network.prefixlen < WIDEST[network.version]:
        return f"{shown(network)} is wider than /{WIDEST[network.version]}: block what attacks, not its neighbourhood"
    for own in protected:
        if own.version == network.version and own.overlaps(network):
            return f"{shown(network)} is protected: {shown(own)} is listed under services.*.audit.protected"
    why = next((why for never, why in _NEVER if never.version == network.version and never.overlaps(network)), "")
    return f"{shown(network)} {why}" if why else ""
