from __future__ import annotations

import pytest

from rolerabbit import seldom
from rolerabbit.seldom import Seldom


def test_each_key_passes_once_in_a_while() -> None:
    now = [100.0]
    once = Seldom(60, lambda: now[0])
    assert [once.may("a"), once.may("a"), once.may("b")] == [True, False, True]
    now[0] += 60
    assert once.may("a")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seldom, "KEPT", 2)
    once = Seldom(60, lambda: 0.0)
    assert [once.may(key) for key in "abca"] == [True, True, True, True]
