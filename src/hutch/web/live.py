"""What happens, as it happens: one loop reads the log for every open page, and only while one is open."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from hutch.commands.board import end_of
from hutch.commands.freeze import frozen_in
from hutch.commands.seen import Shows, everything
from hutch.model.event import Event, instant
from hutch.ports import Store, Wallclock

log = logging.getLogger("hutch.web")

LOOK = 0.5
"""Seconds after which the freeze is looked at again while nothing is written; the store itself says when it grows."""

PAUSE = 0.02
"""Seconds between two reads of a log that grows without end, so that they come in batches."""

ROOM = 500
"""Frames that wait for one client; a slower one is let go, and asks again from where it was."""

REPLAY = 2000
"""Events that a returning client gets one by one; after a longer absence it is told to look at everything anew."""

MOST_CLIENTS = 256
"""Pages that listen at once to one server; a browser has one connection for all its tabs."""

BEAT = 10.0
"""Seconds between two signs of life."""

Still = Callable[[], Awaitable[bool]]


async def always() -> bool:
    """For good."""
    return True


class Full(Exception):
    """Too many listen already."""


class Client:
    """One listener: what waits for it, never more than ``ROOM`` frames. None ends it. ``shows`` says of which streams
    it may hear, ``still`` whether it may go on hearing at all."""

    def __init__(self, position: int, shows: Shows = everything, still: Still = always) -> None:
        self.shows, self.still = shows, still
        self.position = position  # what it had when it joined; the queue holds only what came after
        self.queue: asyncio.Queue[str | None] = asyncio.Queue(ROOM)
        self.given_at = time.monotonic()

    def give(self, frame: str) -> bool:
        """False, and the end, when it has no room."""
        self.given_at = time.monotonic()
        try:
            self.queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.end()
            return False
        return True

    def end(self) -> None:
        """Drop what waits: it will ask again from the last that it got."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """Follows the log and tells the listeners where something happened, never what: pages ask for that."""

    def __init__(self, store: Store, clock: Wallclock, home: Path, learn: Callable[[], Awaitable[None]] | None = None):
        self.store, self.clock, self.home, self._learn = store, clock, home, learn
        self.clients: set[Client] = set()
        self.position = 0
        self._loop: asyncio.Task[None] | None = None
        self._frozen = ""
        self._born = secrets.token_hex(4)
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def joined(self, shows: Shows = everything, still: Still = always) -> AsyncIterator[Client]:
        """A client for as long as the block lasts. Raises :class:`Full`."""
        if len(self.clients) >= MOST_CLIENTS:
            raise Full
        await self._ready()
        client = Client(self.position, shows, still)
        self.clients.add(client)
        try:
            yield client
        finally:
            self.clients.discard(client)

    async def drawing(self) -> int:
        """The position up to which a page that is drawn from now on tells everything."""
        await self._ready()
        return self.position

    def stand(self, position: int, frozen: bool) -> str:
        """Of what a page tells: another word for another process, position or freeze."""
        return f"{self._born}-{int(frozen)}-{position}"

    async def frames(self, client: Client, after: int | None) -> AsyncIterator[str]:
        """Everything for one client, in order: a greeting, what it missed since ``after``, then what comes."""
        stand = self.stand(client.position, bool(self._frozen))
        hello = {"position": client.position, "stand": stand, "now": instant(self.clock.now())}
        yield frame("hello", hello, client.position if after is None else None)
        if after is not None:
            async for missed in self._missed(after, client):
                yield missed
        asked = time.monotonic()
        while True:
            next_frame = await client.queue.get()  # it waits for no longer than until the next beat
            if time.monotonic() - asked > BEAT:
                if not await client.still():
                    return
                asked = time.monotonic()
            if next_frame is None:
                return
            yield next_frame

    def close(self) -> None:
        """Let every client go."""
        self._let_go()
        if self._loop:
            self._loop.cancel()

    def _let_go(self) -> None:
        for client in self.clients:
            client.end()

    async def _missed(self, after: int, client: Client) -> AsyncIterator[str]:
        upto = client.position
        if after > upto or upto - after > REPLAY:
            yield frame("reset", {"position": upto}, upto)
            return
        while after < upto:
            found = [(p, e) for p, e in await self.store.tail(after) if p <= upto]
            if not found:
                return
            await self._ready_to_show([client])
            for after, event in found:
                if client.shows(event.stream):
                    yield told(after, event)

    async def _ready(self) -> None:
        """The loop runs and knows where the log ends now."""
        async with self._starting:
            if self._loop is None or self._loop.done():
                self.position, self._frozen = await end_of(self.store), await frozen_in(self.store, self.home)
                self._loop = asyncio.create_task(self._follow(), name="live pages")
                self._loop.add_done_callback(self._ended)

    def _ended(self, loop: asyncio.Task[None]) -> None:
        """Where the log cannot be read, listeners are let go: they see it, and come back."""
        if not loop.cancelled() and loop.exception():
            log.error("the live pages lost the log: %r", loop.exception())
            self._let_go()

    async def _follow(self) -> None:
        idle = 0
        while idle < 2 or self.clients:  # who joined while it was about to end is not left deaf
            await self.store.wait(self.position, LOOK)
            idle = 0 if self.clients else idle + 1
            grown = await self.store.tail(self.position)
            await self._ready_to_show(self.clients)
            for position, event in grown:
                self._tell(told(position, event), event.stream)
                self.position = position
            self._beat()
            await asyncio.sleep(PAUSE)
            now = await frozen_in(self.store, self.home)
            if now != self._frozen:
                self._frozen = now
                self._tell(frame("state", {"frozen": bool(now)}))

    def _beat(self) -> None:
        """A sign of life for those who were given nothing for a while."""
        late = time.monotonic() - BEAT
        idle = [client for client in self.clients if client.given_at <= late]
        if idle:
            text = ": still here\n" + frame("beat", {"now": instant(self.clock.now())})
            self.clients -= {client for client in idle if not client.give(text)}

    async def _ready_to_show(self, clients: Iterable[Client]) -> None:
        """Whoever may not hear of everything is told only after it is known who may hear of what is new."""
        if self._learn and any(client.shows is not everything for client in clients):
            await self._learn()

    def _tell(self, text: str, stream: str = "") -> None:
        heard = [client for client in self.clients if not stream or client.shows(stream)]
        self.clients -= {client for client in heard if not client.give(text)}


def told(position: int, event: Event) -> str:
    """The frame of one event: where it happened and of which kind, nothing of its content."""
    return frame("change", {"stream": event.stream, "kind": event.kind, "position": position}, position)


def frame(kind: str, data: dict[str, object], position: int | None = None) -> str:
    """One server-sent event."""
    number = "" if position is None else f"id: {position}\n"
    return f"{number}event: {kind}\ndata: {json.dumps(data)}\n\n"
