"""Password hashes and session tokens."""

from __future__ import annotations

from rolerabbit.passwords import hash_aside, matches, new_token, token_hash


async def test_a_hash_fits_its_password_only() -> None:
    hashed = await hash_aside("a long password")
    assert hashed.startswith("$argon2id$")
    assert await matches(hashed, "a long password")
    assert not await matches(hashed, "another password")


async def test_no_account_and_a_broken_hash_fit_nothing() -> None:
    assert not await matches(None, "a long password")
    assert not await matches("not a hash", "a long password")


def test_a_token_is_kept_as_its_sha256() -> None:
    token = new_token()
    assert token != new_token()
    assert len(token_hash(token)) == 32
    assert token_hash(token) == token_hash(token)
