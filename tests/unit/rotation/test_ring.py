"""A ring tells by itself where its rotation stands, whoever wrote it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hutch.rotation.ring import NoRing, Ring

NOW = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)
KEY = "A" * 43 + "="
FIRST = Ring.parse(f"k-1234:{KEY}")


def added(ring: Ring, at: datetime = NOW) -> Ring:
    return ring.added(KEY, "0a1b2c3d", at)


def test_a_whole_rotation_and_the_next_one() -> None:
    assert (FIRST.signs, FIRST.new, FIRST.old) == ("k-1234", (), ())
    both = added(FIRST)
    [new] = both.new
    assert (both.signs, new, both.old) == ("k-1234", "k20260131t101500000000-0a1b2c3d", ())
    turned = both.signed()
    assert (turned.signs, turned.new, turned.old) == (new, (), ("k-1234",))
    one = turned.retired()
    assert (one.signs, one.new, one.old) == (new, (), ())
    assert Ring.parse(turned.text()) == turned
    again = added(one, NOW - timedelta(days=1))  # a clock that went back
    assert again.new == ("k20260131t101500000001-0a1b2c3d",)
    assert again.signed().old == (new,)


def test_what_is_retired_is_never_the_key_that_waits() -> None:
    turned = added(FIRST).signed()
    three = added(turned, NOW + timedelta(seconds=1))
    assert (len(three.new), three.old) == (1, ("k-1234",))
    assert three.retired().new == three.new
    assert KEY not in repr(three)


@pytest.mark.parametrize(
    "text",
    ["", "secret-of-somebody", f"k:{KEY},k:{KEY}", "k:short", f"K:{KEY}", f"k {KEY}", f"k:{KEY},x",
     ",".join(f"k{n}:{KEY}" for n in range(9))],
)  # fmt: skip
def test_what_is_no_ring_is_told_without_its_text(text: str) -> None:
    with pytest.raises(NoRing) as told:
        Ring.parse(text)
    assert "it is no ring of 1 to 8 keys" in str(told.value)
    assert "secret-of-somebody" not in str(told.value)
