"""Which addresses a list of networks blocks, and until when."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rolerabbit.blocklist import Blocklist, normal

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = NOW + timedelta(hours=1)


def blocked(ip: str | None, *networks: str, until: datetime = HOUR) -> bool:
    found = Blocklist()
    found.replace((network, until) for network in networks)
    return found.blocked_until(ip, NOW) is not None


@pytest.mark.parametrize(
    ("ip", "network", "hit"),
    [
        ("198.18.0.1", "198.18.0.1/32", True),
        ("198.18.0.1", "198.18.0.0/15", True),
        ("198.20.0.1", "198.18.0.0/15", False),
        ("1.2.3.4", "0.0.0.0/0", True),
        ("2001:db8::1", "0.0.0.0/0", False),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db9::1", "2001:db8::/32", False),
        ("198.18.0.1", "::ffff:198.18.0.0/111", True),
        ("198.20.0.1", "::ffff:198.18.0.0/111", False),
    ],
)
def test_an_address_is_blocked_by_a_network_that_holds_it(ip: str, network: str, hit: bool) -> None:
    assert blocked(ip, network) is hit


def test_nobody_is_blocked_by_nothing_and_nobody_has_no_address() -> None:
    assert not blocked("198.18.0.1")
    assert not blocked(None, "0.0.0.0/0")


def test_a_block_ends() -> None:
    assert not blocked("198.18.0.1", "198.18.0.1/32", until=NOW)


def test_the_longest_of_several_blocks_counts() -> None:
    found = Blocklist()
    later = HOUR + timedelta(hours=1)
    found.replace([("198.18.0.0/16", HOUR), ("198.18.0.1/32", later), ("198.18.0.1/32", NOW)])
    assert found.blocked_until("198.18.0.1", NOW) == later
    assert found.blocked_until("198.18.0.2", NOW) == HOUR


@given(st.ip_addresses(), st.lists(st.tuples(st.ip_addresses(), st.integers(0, 32)), max_size=8))
@example(ipaddress.ip_address("::ffff:0:0"), [(ipaddress.ip_address("0.0.0.0"), 0)])
def test_it_agrees_with_asking_every_network(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
    pairs: list[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]],
) -> None:
    networks = [normal(ipaddress.ip_network((int(a), n) if a.version == 4 else (a, n), strict=False)) for a, n in pairs]
    meant = getattr(ip, "ipv4_mapped", None) or ip  # an IPv4 address, however it is written
    expected = any(meant.version == network.version and meant in network for network in networks)
    assert blocked(str(ip), *map(str, networks)) is expected
