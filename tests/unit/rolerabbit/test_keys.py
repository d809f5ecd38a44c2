"""Key rings: read, signed with, sealed with."""

from __future__ import annotations

import base64

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from rolerabbit.keys import Ring, RingError, Tokens, Unreadable, Vault

KEY = base64.b64encode(b"k" * 32).decode()


def merged(*rings: Ring) -> Ring:
    return Ring({id: key for ring in rings for id, key in ring.keys.items()})


def test_a_ring_reads_what_it_writes_and_never_shows_a_key() -> None:
    ring = merged(Ring.fresh(), Ring.fresh())
    assert Ring.parse(ring.text()) == ring
    assert Ring.parse(ring.text()).first == next(iter(ring.keys))
    assert all(key.hex() not in repr(ring) and repr(key) not in repr(ring) for key in ring.keys.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1 to 8 keys"),
        (KEY, "key 1 has no id"),
        ("A:" + KEY, "key 1 has no id"),
        ("a:no base64!", "key 1 (a) is no base64"),
        ("a:" + base64.b64encode(b"short").decode(), "key 1 (a) has 5 bytes; 32 are needed"),
        (f"a:{KEY},b:x", "key 2 (b) is no base64"),
        (f"a:{KEY},a:{KEY}", "1 to 8 keys with different ids"),
        (",".join(f"k{n}:{KEY}" for n in range(9)), "1 to 8 keys"),
    ],
)
def test_a_wrong_ring_is_refused_without_repeating_it(text: str, said: str) -> None:
    with pytest.raises(RingError) as refused:
        Ring.parse(text)
    assert said in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_new_key_signs_both_verify_and_the_old_one_goes() -> None:
    old, new = Ring.fresh(), Ring.fresh()
    before = Tokens(old).sign("ann")
    both = Tokens(merged(new, old))
    after = both.sign("ann")
    assert both.good(before)
    assert both.good(after)
    assert Tokens(new).good(after)
    assert not Tokens(new).good(before)
    assert not Tokens(old).good(after)
    assert both.sign("ann") != after


def test_what_is_no_token_of_ours_is_refused() -> None:
    tokens, ring = Tokens(Ring.fresh()), Ring.fresh()
    good = tokens.sign("ann")
    head, claims, _ = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    key = OctKey.import_key(ring.keys[ring.first], {"kid": ring.first})
    foreign = jwt.encode({"alg": "HS256", "kid": tokens.ring.first}, {"sub": "ann"}, key)
    other = jwt.encode({"alg": "HS512", "kid": ring.first}, {"sub": "ann"}, key, algorithms=["HS512"])
    for bad in ("", "a.b.c", good[:-2], f"{none}.{claims}.", f"{head}.{claims}.", foreign, other, "é" * 40, "a" * 9999):
        assert not tokens.good(bad)
    assert not Tokens(ring).good(other)


def test_what_is_sealed_opens_with_its_key_for_its_owner_and_as_it_was() -> None:
    old, new = Ring.fresh(), Ring.fresh()
    id, sealed = Vault(old).seal("Elm Street 1", "ann")
    assert id == old.first
    assert b"Elm" not in sealed
    assert Vault(merged(new, old)).open(id, sealed, "ann") == "Elm Street 1"
    with pytest.raises(Unreadable, match="not in the ring"):
        Vault(new).open(id, sealed, "ann")
    for owner, bad in (("bob", sealed), ("ann", sealed[:-1] + bytes([sealed[-1] ^ 1])), ("ann", b"")):
        with pytest.raises(Unreadable, match="not what it was"):
            Vault(old).open(id, bad, owner)
