"""A release that waits for others: at every third visit, or seldom; never where only its health is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from rolerabbit import faults
from rolerabbit.faults import WAITS_AT, WAITS_S, Waiting


async def waits(monkeypatch: pytest.MonkeyPatch, fault: str, *paths: str) -> list[bool]:
    """Whether each visit waited before it was passed on."""
    slept: list[float] = []
    answered: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        answered.append(scope["path"])

    async def sleep(seconds: float) -> None:
        assert len(answered) == len(found), "it waits before, not after"
        slept.append(seconds)

    monkeypatch.setattr(faults.asyncio, "sleep", sleep)
    waiting, found = Waiting(app, fault), []
    for path in paths:
        before = len(slept)
        await waiting({"type": "http", "path": path}, None, None)  # type: ignore[arg-type]
        found.append(len(slept) > before)
    assert answered == list(paths) and set(slept) <= {WAITS_S}
    return found


async def test_every_third_visit_waits_and_no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await waits(monkeypatch, "slow", *("/",) * 6) == [False, False, True] * 2
    assert not any(await waits(monkeypatch, "slow", *("/api/health", "/metrics") * 6))


async def test_seldom_is_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    every = WAITS_AT["seldom-slow"]
    assert await waits(monkeypatch, "seldom-slow", *("/",) * every) == [False] * (every - 1) + [True]
