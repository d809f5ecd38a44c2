"""A text that comes in pieces is masked as if it had come whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.store import masking
from hutch.store.masking import Masking

KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "".join(f"{i:063d}\n" for i in range(20)) + "-----END RSA PRIVATE KEY-----"
MANY_LINES = "first-line-of-it\nsecond-line-of-it\nthird"
SECRETS = ["hunter2-hunter2", "password=correct-horse", "postgres://me:staple-battery@db/x", KEY, MANY_LINES]
PARTS = st.one_of(st.sampled_from([*SECRETS, "\n", " ", "x" * 40, "line\n", "-----", "token"]), st.text(max_size=8))


def secrets() -> EnvironmentSecrets:
    found = EnvironmentSecrets(Path())
    for value in ("hunter2-hunter2", MANY_LINES):
        found.remember(value)
    return found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of a size in which much happens within a short text."""
    monkeypatch.setattr(masking, "HOLD", 2048)
    monkeypatch.setattr(masking, "BATCH", 2200)
    monkeypatch.setattr(masking, "MOST", 8192)


@settings(max_examples=60, deadline=None)
@given(st.lists(PARTS, max_size=120), st.lists(st.integers(1, 900), min_size=1, max_size=20))
def test_as_if_it_had_come_whole(parts: list[str], sizes: list[int]) -> None:
    text, mask = "".join(parts) * 3, secrets().mask
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "HOLD", 2048)
        patch.setattr(masking, "BATCH", 2200)
        stream, given_back, at, turn = Masking(mask), [], 0, 0
        while at < len(text):
            given_back.append(stream.add(text[at : at + sizes[turn % len(sizes)]]))
            at += sizes[turn % len(sizes)]
            turn += 1
        given_back.append(stream.end())
    assert "".join(given_back) == mask(text)


@pytest.mark.parametrize("secret", SECRETS, ids=["value", "assigned", "address", "key", "many lines"])
@pytest.mark.parametrize("line", ["\n", ""], ids=["lines", "one line"])
def test_a_secret_across_every_border(secret: str, line: str) -> None:
    """Wherever the border between two batches falls, nothing of the secret is given back."""
    mask = secrets().mask
    for before in range(masking.BATCH - masking.HOLD - len(secret) - 40, masking.BATCH + 40, 1021):
        text = ("x" * 39 + (line or " ")) * (before // 40) + "y" * (before % 40) + " " + secret + line + " z" * 9000
        stream = Masking(mask)
        found = "".join(stream.add(text[i : i + 4096]) for i in range(0, len(text), 4096)) + stream.end()
        assert found == mask(text)
        assert not any(part in found for part in (secret, secret[:20], secret[-20:]))


def test_a_key_without_an_end_is_not_waited_for_for_ever(small: None) -> None:
    """A quarter of a megabyte (here 8 kB) that never ends is no key."""
    stream = Masking(secrets().mask)
    found = stream.add(KEY.partition("-----END")[0]) + "".join(stream.add("0" * 63 + "\n") for _ in range(400))
    assert stream.held <= masking.MOST + 2200
    assert found.startswith("•••")
