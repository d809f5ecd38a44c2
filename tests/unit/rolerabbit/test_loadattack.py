"""Where attacks come from and what they try, the same for the same seed; and whom they refuse to attack."""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from rolerabbit.loadattack import HOME, KINDS, V4, V6, Attack, Seen, Sources, asks
from rolerabbit.loadgen import CROWD, LoadError

SPRAY = Attack("http://127.0.0.1:8080", "spraying", 5000, 100, 100)


def tried(attack: Attack, tokens: tuple[str, ...] = ()) -> list[Any]:
    return list(asks(attack, Sources(attack.addresses, attack.seed), tokens))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_attack(kind: Any) -> None:
    attack = replace(SPRAY, kind=kind, addresses=50, seconds=2)
    assert tried(attack, ("a", "b")) == tried(attack, ("a", "b"))
    assert tried(attack, ("a", "b")) != tried(replace(attack, seed=2), ("a", "b"))


def test_attackers_come_from_as_many_networks_as_asked_half_of_each_kind() -> None:
    found = tried(SPRAY)
    addresses = [ipaddress.ip_address(ask[2]["X-Forwarded-For"]) for _, ask in found]
    fourth = {a for a in addresses if a.version == 4}
    sixth = {int(a) >> 64 for a in addresses if a.version == 6}
    assert (len(fourth), len(sixth)) == (2500, 2500)
    assert all(a in (V4 if a.version == 4 else V6) for a in addresses)
    assert not any(a in ipaddress.ip_network(CROWD) for a in fourth)
    assert len({a for a in addresses if a.version == 6}) == 5000  # of a /64 another one each time
    assert ipaddress.ip_address(HOME) not in fourth


def test_each_kind_tries_what_it_is_called_for() -> None:
    spray = Counter((ask[3]["email"], ask[3]["password"]) for _, ask in tried(SPRAY))
    assert (len(spray), len({password for _, password in spray})) == (200, 1)
    one = {ask[3]["email"] for _, ask in tried(replace(SPRAY, kind="one-account", seconds=2))}
    assert len(one) == 1
    brute = {(ask[3]["email"], ask[3]["password"]) for _, ask in tried(replace(SPRAY, kind="brute-force", seconds=2))}
    assert len(brute) == 200
    replayed = {(ask[1], ask[2]["Authorization"]) for _, ask in tried(replace(SPRAY, kind="replay"), ("x", "y", "z"))}
    assert len(replayed) == 12
    exported = {ask[1] for _, ask in tried(replace(SPRAY, kind="exports"), ("x",))}
    assert exported == {"/api/account/export"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://example.com"}, "is not this machine"),
        ({"addresses": 0}, "expected 1 to"),
        ({"addresses": 60_000}, "expected 1 to"),
        ({"busy": 5001}, "5001 busy addresses: expected 0 to 5000"),
        ({"rate": 500, "seconds": 86_400}, "43200000 attempts"),
    ],
)
def test_an_attack_on_others_or_without_bounds_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(LoadError, match=said):
        replace(SPRAY, **change).check()


def test_an_address_counts_as_blocked_by_its_last_answer() -> None:
    seen = Seen()
    for source, status in ((1, 401), (1, 403), (2, 403), (2, 401), (3, 403)):
        seen.answered(source, status)
    report = seen.as_object(SPRAY, 1.0)
    assert (report["tried"], report["blocked"], report["by_status"]) == (3, 2, {"401": 2, "403": 3})
