"""The token of forms: written otherwise on every page, and only ours is taken."""

from __future__ import annotations

import base64

import pytest

from hutch.web.guard import Refused, Token


def test_every_writing_of_it_is_taken_and_no_two_share_a_part() -> None:
    token = Token()
    written = [token.written() for _ in range(50)]
    for one in written:
        token.check(one)
    pieces = [one[at : at + 8] for one in written for at in range(len(one) - 7)]
    assert len(set(pieces)) == len(pieces)


def test_the_same_secret_makes_the_same_token() -> None:
    Token("of a session").check(Token("of a session").written())


@pytest.mark.parametrize("given", ["", "x", "ä" * 80, "=" * 88, "A" * 86, "A" * 88, "/" * 88, "\0", "A" * 10_000])
def test_what_is_not_ours_is_refused(given: str) -> None:
    with pytest.raises(Refused):
        Token("of a session").check(given)


def test_another_secrets_token_and_a_changed_one_are_refused() -> None:
    token = Token("of a session")
    raw = bytearray(base64.urlsafe_b64decode(token.written()))
    raw[40] ^= 1
    for given in (Token("of another").written(), base64.urlsafe_b64encode(raw).decode(), token.written()[:-4]):
        with pytest.raises(Refused):
            token.check(given)
