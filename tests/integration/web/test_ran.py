"""The runs of the lists: what the log grew by, and no more, is read again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hutch.model.event import Draft, Event
from hutch.ports import Append
from hutch.testing import FakeClock, MemoryStore
from hutch.web.ran import Runs

STARTED = {"service": "shop", "document": "d#a", "hash": "", "incident": "", "mode": "act",
           "program": {"reads": [], "options": [], "verification": [], "skipped": []}}  # fmt: skip
ENDED = Draft("run.finished", {"outcome": "resolved", "summary": ""})


class Counted(MemoryStore):
    """Counts the journals that are read."""

    def __init__(self) -> None:
        super().__init__(FakeClock(datetime(2026, 1, 15, 10, 0, tzinfo=UTC)))
        self.asked: list[str] = []

    async def read(self, stream: str, after: int = 0) -> list[Event]:
        self.asked.append(stream)
        return await super().read(stream, after)


async def begin(store: Any, name: str) -> None:
    await store.commit([Append(f"run:{name}", (Draft("run.started", {**STARTED, "title": name}),))])


async def test_only_journals_that_grew_are_read_again() -> None:
    store = Counted()
    runs = Runs(store)
    for name in ("one", "two"):
        await begin(store, name)
    await store.commit([Append("incident:INC-1", (Draft("note.added", {"text": "x"}),))])
    assert [(r.title, r.state) for r in await runs.every()] == [("one", "running"), ("two", "running")]
    assert store.asked == ["run:one", "run:two"]
    assert [r.title for r in await runs.every()] == ["one", "two"] and len(store.asked) == 2
    await store.commit([Append("run:one", (ENDED,))])
    await begin(store, "three")
    found = await runs.every()
    assert [(r.title, r.state) for r in found] == [("one", "resolved"), ("two", "running"), ("three", "running")]
    assert store.asked[2:] == ["run:one", "run:three"]
