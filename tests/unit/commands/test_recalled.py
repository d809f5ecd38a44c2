"""An incident that is known is read on from where it was left, and is what reading it all gives."""

from __future__ import annotations

import pytest

from hutch.commands.recalled import LONG, MOST, Recalled, ref
from hutch.model import incident as model
from hutch.model.event import Draft, Event
from hutch.ports import Append
from hutch.review.pins import pinned
from hutch.testing import MemoryStore

STREAM = model.stream_of("INC-2026-001")
DECLARED = Draft(
    "incident.declared",
    {"title": "It is slow", "service": "shop", "severity": "SEV-2", "detected_at": "2026-01-15T10:00:00.000000Z"},
)


class Counting(MemoryStore):
    """Counts the events that are read."""

    events = 0

    async def read(self, stream: str, after: int = 0) -> list[Event]:
        found = await super().read(stream, after)
        self.events += len(found)
        return found


@pytest.fixture
def store() -> Counting:
    return Counting()


async def add(store: MemoryStore, *drafts: Draft) -> None:
    await store.commit([Append(STREAM, drafts)])


async def test_what_is_known_is_not_read_again(store: Counting) -> None:
    recalled = Recalled()
    await add(store, DECLARED, *(Draft("note.added", {"text": str(n)}) for n in range(50)))
    first = await recalled.of(store, "INC-2026-001")
    assert store.events == 51
    await add(store, Draft("incident.acknowledged", {}, "ann"))
    second = await recalled.of(store, "INC-2026-001")
    assert store.events == 52
    assert first and second and second.state == model.fold(await store.read(STREAM))
    assert (first.state.acknowledged_by, second.state.acknowledged_by) == ("", "ann")
    assert await recalled.of(store, "INC-2026-001") == second


async def test_what_is_pinned_later_is_at_hand(store: Counting) -> None:
    recalled = Recalled()
    await add(store, DECLARED, Draft("note.added", {"text": "look here"}))
    await recalled.of(store, "INC-2026-001")
    await add(store, Draft("event.pinned", {"ref": f"{STREAM}#2"}, "ann"))
    known = await recalled.of(store, "INC-2026-001")
    assert known is not None and pinned(known.kept) == (f"{STREAM}#2",)
    assert [ref(event) for event in known.kept] == [f"{STREAM}#2", f"{STREAM}#3"]


async def test_after_an_erasure_it_is_read_anew(store: Counting) -> None:
    recalled = Recalled()
    await add(store, DECLARED, Draft("note.added", {"text": "a"}))
    await recalled.of(store, "INC-2026-001")
    await add(store, Draft("data.erased", {"seq": 2}))
    store.events = 0
    await recalled.of(store, "INC-2026-001")
    assert store.events == 1 + 3


async def test_an_unknown_one_and_another_store(store: Counting) -> None:
    recalled = Recalled()
    assert await recalled.of(store, "INC-2026-001") is None
    await add(store, DECLARED)
    assert await recalled.of(store, "INC-2026-001")
    assert await recalled.of(MemoryStore(), "INC-2026-001") is None


async def test_it_forgets_what_was_asked_for_longest_ago(store: Counting) -> None:
    recalled = Recalled()
    names = [f"INC-2026-{number:03d}" for number in range(1, MOST + 2)]
    await store.commit([Append(model.stream_of(name), (DECLARED,)) for name in names])
    for name in names:
        await recalled.of(store, name)
    store.events = 0
    await recalled.of(store, names[-1])
    assert store.events == 0
    await recalled.of(store, names[0])
    assert store.events == 1


async def test_a_long_one_in_a_list_is_read_once(store: Counting) -> None:
    recalled = Recalled()
    short = model.stream_of("INC-2026-002")
    await store.commit([Append(short, (DECLARED,))])
    await add(store, DECLARED, *(Draft("note.added", {"text": str(n)}) for n in range(LONG)))
    names = ["INC-2026-002", "INC-2026-404", "INC-2026-001"]
    first = await recalled.states(store, names)
    await add(store, Draft("incident.acknowledged", {}, "ann"))
    store.events = 0
    second = await recalled.states(store, names)
    assert store.events == 1 + 1  # the short one, and what is new of the long one
    assert [(s.id, s.acknowledged_by) for s in first] == [("INC-2026-002", ""), ("INC-2026-001", "")]
    assert second == [model.fold(await store.read(short)), model.fold(await store.read(STREAM))]
    assert second[1] and second[1].acknowledged_by == "ann"
