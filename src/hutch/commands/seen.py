"""Who looks by a command, and what a private incident hides from them: every reading of the log passes here.

The name is only that, a name (``HUTCH_ACTOR``, the login): it keeps honest people out of what does not concern them,
and who can read the store's file reads all of it. On the pages people sign in, and the same circle decides there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from hutch.model.circle import CLOSED, circle_of
from hutch.model.event import ARCHIVED, Event
from hutch.ports import Append, Job, Place, Store

viewer: ContextVar[str | None] = ContextVar("viewer", default=None)
"""Who looks. None is Hutch itself, which sees all; a person without a name sees nothing private."""

Shows = Callable[[str], bool]
"""Whether whoever looks may hear of what happens in that stream."""


def everything(_stream: str) -> bool:
    """Shows all that there is."""
    return True


BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
LINKED = "run.linked"

KNOWN_FOR = 1.0
"""Seconds after which it is looked up again which incidents are private; what this process writes is known at once."""


@contextmanager
def seen_as(who: str | None) -> Iterator[None]:
    """Within the block, ``who`` looks."""
    token = viewer.set(who)
    try:
        yield
    finally:
        viewer.reset(token)


def whole(store: Store) -> Store:
    """The log without anything hidden: for what Hutch decides by, never for what is shown."""
    return store.all if isinstance(store, SeenStore) else store


async def hidden(store: Store) -> frozenset[str]:
    """The streams that whoever looks may not see."""
    return await store.hidden() if isinstance(store, SeenStore) else frozenset()


def _runs(events: Sequence[Event]) -> Iterator[str]:
    """The streams of an incident's runs, those too that lie in an archive with it."""
    for event in events:
        told = event.data.get("runs") if event.kind == ARCHIVED else [event.data["run"]] if event.kind == LINKED else ()
        yield from (f"run:{name}" for name in (told if isinstance(told, list | tuple) else ()))


class SeenStore:
    """A store as whoever looks may see it. A private incident, and its runs, are not there for all others."""

    def __init__(self, store: Store) -> None:
        self.all = store
        self._known: Mapping[str, frozenset[str]] = {}
        self._at = float("-inf")

    async def hidden(self) -> frozenset[str]:
        """The streams that whoever looks may not see."""
        who = viewer.get()
        if who is None:
            return frozenset()
        return frozenset(stream for stream, only in (await self._private()).items() if who not in only)

    async def _private(self) -> Mapping[str, frozenset[str]]:
        """Each private stream, with those who may see it."""
        if time.monotonic() - self._at >= KNOWN_FOR:
            at = time.monotonic()
            marks = [e for e in await self.all.since(ARCHIVED, BEGINNING) if e.data.get("private") is True]
            names = list({e.stream: None for e in [*await self.all.since(CLOSED, BEGINNING), *marks]})
            found: dict[str, frozenset[str]] = {}
            for events in await self.all.read_all(names) if names else ():
                circle = circle_of(events)
                if circle and circle.private:
                    found |= dict.fromkeys((events[0].stream, *_runs(events)), circle.people)
            self._known, self._at = found, at
        return self._known

    async def commit(
        self, appends: Sequence[Append], jobs: Sequence[Job] = (), *, done: int | None = None
    ) -> list[Event]:
        """See :class:`hutch.ports.Store`."""
        written = await self.all.commit(appends, jobs, done=done)
        if any(e.stream in self._known or e.kind in (CLOSED, LINKED, ARCHIVED) for e in written):
            self._at = float("-inf")
        return written

    async def read(self, stream: str, after: int = 0) -> list[Event]:
        """Empty for what is hidden, as for an unknown one."""
        return [] if stream in await self.hidden() else await self.all.read(stream, after)

    async def read_all(self, streams: Sequence[str]) -> list[list[Event]]:
        """The same, for many."""
        gone = await self.hidden()
        found = await self.all.read_all(streams)
        return [[] if s in gone else events for s, events in zip(streams, found, strict=True)] if gone else found

    async def streams(self, prefix: str = "") -> list[str]:
        """Without what is hidden."""
        gone = await self.hidden()
        return [s for s in await self.all.streams(prefix) if s not in gone]

    async def since(self, kind: str, at: datetime) -> list[Event]:
        """Without what is hidden."""
        gone = await self.hidden()
        return [e for e in await self.all.since(kind, at) if e.stream not in gone]

    async def tail(self, position: int = 0, limit: int = 1000) -> list[tuple[int, Event]]:
        """Without what is hidden; empty only at the log's end."""
        gone = await self.hidden()
        while found := await self.all.tail(position, limit):
            kept = [(at, e) for at, e in found if e.stream not in gone]
            if kept:
                return kept
            position = found[-1][0]
        return []

    async def places(self, position: int = 0, limit: int = 1000) -> list[Place]:
        """See :class:`hutch.ports.Store`: names and numbers, and nothing of what they say."""
        return await self.all.places(position, limit)

    async def wait(self, position: int, timeout: float) -> None:
        """See :class:`hutch.ports.Store`."""
        await self.all.wait(position, timeout)

    async def erase(self, stream: str, seq: int) -> bool:
        """See :class:`hutch.ports.Store`; False for what is hidden."""
        return stream not in await self.hidden() and await self.all.erase(stream, seq)

    async def positions(self, stream: str) -> list[int]:
        """See :class:`hutch.ports.Store`; none for what is hidden."""
        return [] if stream in await self.hidden() else await self.all.positions(stream)

    async def cut(self, stream: str, upto: int) -> int:
        """See :class:`hutch.ports.Store`; nothing of what is hidden."""
        return 0 if stream in await self.hidden() else await self.all.cut(stream, upto)

    async def put_back(self, rows: Sequence[tuple[int, Event]]) -> int:
        """See :class:`hutch.ports.Store`."""
        return await self.all.put_back(rows)

    async def close(self) -> None:
        """See :class:`hutch.ports.Store`."""
        await self.all.close()
