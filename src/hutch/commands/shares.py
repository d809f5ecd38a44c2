"""Does this process's share of what only one process of a store does at a time, beside any number of others.

Every second each tells that it lives, sees who else does and who has what, and comes by itself to the same plan as all
others (:mod:`hutch.model.sharing`): it hands over in order what another shall have, and takes what it shall have once
nobody has it. Whoever has something may write for as long as its heart surely beats, by a clock of its own that never
steps and that began before the heart was put off. A store that cannot be reached takes a duty from nobody: the work
goes on, and writes nothing, until the store says who has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hutch.model.duty import Duties, Roll, kind, service_of
from hutch.model.sharing import plan
from hutch.ports import StoreAway, StoreFull

LEASE = 6.0
"""Seconds after which a process that was killed has nothing any more; as long as a job's."""

TURN = 1.0
"""Seconds between two beats."""

IN_ORDER = 3.0
"""Seconds in which what is handed over ends in order; then it is broken off."""

Work = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Goes on until it is cancelled, and ends soon and in order once the event is set: another shall go on with it."""

log = logging.getLogger("hutch.duties")


def plain(run: Callable[[], Awaitable[None]]) -> Work:
    """Work that needs no time to end in order."""

    async def work(leave: asyncio.Event) -> None:
        doing, left = asyncio.ensure_future(run()), asyncio.ensure_future(leave.wait())
        try:
            await asyncio.wait([doing, left], return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                await doing
        finally:
            await _ended([doing, left])

    return work


async def rest(leave: asyncio.Event) -> None:
    """Work that is done elsewhere, by whoever asks whether it is ours."""
    await leave.wait()


@dataclass(slots=True)
class _Part:
    """What is done at present. ``over``: handing it over, or breaking it off, is under way."""

    leave: asyncio.Event
    task: asyncio.Task[None]
    over: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Shares:
    """The share of this process. ``works`` is all that it could do, by duties; without ``duties`` it does it all."""

    duties: Duties | None = None
    works: dict[str, Work] = field(default_factory=dict)
    late: Callable[[], float] = lambda: 0.0
    roll: Roll = field(default_factory=Roll)
    _parts: dict[str, _Part] = field(default_factory=dict)
    _running: bool = False
    _until: float = 0.0
    _heard: float = 0.0
    _cut: float = 0.0

    def mine(self, duty: str) -> bool:
        """Whether it is surely ours at this moment."""
        if self.duties is None:
            return True
        return duty in self._parts and asyncio.get_running_loop().time() < self._until

    def holder(self) -> str:
        """The name under which we have what we have; empty where nobody asks for it."""
        return self.roll.me

    def watched(self) -> list[str]:
        """The services that this process watches."""
        return sorted(filter(None, map(service_of, self._parts)))

    @property
    def watching(self) -> bool:
        """Whether this process judges rules, or would if there were any."""
        able = any(map(service_of, self.works))
        return bool(self.watched()) if able else self._running and (self.duties is None or bool(self.roll.me))

    @property
    def stands_by(self) -> bool:
        """Whether others watch all that there is."""
        services = [duty for duty in self.works if service_of(duty)]
        return self._running and bool(services) and not self.watched() and all(map(self.roll.has, services))

    async def run(self) -> None:
        """Do our share until cancelled; anew where the store was away or full for too long. Any other error of a work
        ends this too."""
        self._running = True
        try:
            if self.duties is None:
                for duty in self.works:
                    self._begin(duty)
            while True:
                if self.duties is not None:
                    await self._round(self.duties)
                await self._pause()
        finally:
            self._running = False
            await self._end()

    async def _round(self, duties: Duties) -> None:
        began = asyncio.get_running_loop().time()
        roll = await duties.beat(list(self.works), self.late(), LEASE)
        if roll is None:
            return
        if self._heard and began - self._heard > LEASE:
            self._cut = began  # nobody else could beat either, it may be: they have as long to come back
        self._heard, self.roll, self._until = began, roll, began + LEASE
        await self._drop([duty for duty in self._parts if roll.has(duty) != roll.me])
        if roll.dead and (not self._cut or began - self._cut >= LEASE):
            await duties.bury(roll.dead, LEASE)
        await self._share(duties, roll)

    async def _share(self, duties: Duties, roll: Roll) -> None:
        """Hand over what others shall have, and take what is free of what we shall have."""
        meant = set(_meant(roll))
        for duty in self._parts.keys() - meant:
            self._hand_over(duties, duty)
        free = {d for d in meant - self._parts.keys() if roll.has(d) in ("", roll.me)}
        ours = {duty for duty in free if roll.has(duty)}
        last = {d: roll.leases[d].holder if d in roll.leases else "" for d in free - ours}
        for duty in sorted(ours | (await duties.take(last) if last else frozenset())):
            self._begin(duty)

    def _begin(self, duty: str) -> None:
        log.info("this process does %r now", duty)
        leave = asyncio.Event()
        self._parts[duty] = _Part(leave, asyncio.create_task(self.works[duty](leave), name=duty))

    def _hand_over(self, duties: Duties, duty: str) -> None:
        part = self._parts[duty]
        if part.over is None:
            log.info("another process shall do %r; it is handed over", duty)
            part.leave.set()
            part.over = asyncio.create_task(self._handed_over(duties, duty, part), name=f"hand over {duty}")

    async def _handed_over(self, duties: Duties, duty: str, part: _Part) -> None:
        await asyncio.wait([part.task], timeout=IN_ORDER)
        await _ended([part.task])
        if self._parts.get(duty) is part:
            del self._parts[duty]
            await duties.release([duty])

    async def _drop(self, lost: Collection[str]) -> None:
        """Another has these, or may have them: break them off."""
        parts = [self._parts.pop(duty) for duty in lost]
        if lost:
            log.warning("another process does %s now", ", ".join(map(repr, sorted(lost))))
        await _ended([task for part in parts for task in (part.task, part.over) if task])

    async def _pause(self) -> None:
        """Until the next beat, or until a work breaks: one whose store was away or full begins anew."""
        tasks = [part.task for part in self._parts.values() if not part.task.done()]
        if tasks:
            timeout = None if self.duties is None else TURN
            await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_EXCEPTION)
        elif self.duties is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(TURN)
        for duty, error in list(self._broken()):
            if not isinstance(error, StoreFull | StoreAway):
                raise error
            log.error("%r begins anew: %s", duty, error)
            await asyncio.sleep(TURN)
            self._begin(duty)

    def _broken(self) -> Iterator[tuple[str, BaseException]]:
        for duty, part in self._parts.items():
            if part.over is None and part.task.done() and not part.task.cancelled() and (e := part.task.exception()):
                yield duty, e

    async def _end(self) -> None:
        parts = list(self._parts.values())
        for part in parts:
            part.leave.set()
        tasks = [task for part in parts for task in (part.task, part.over) if task]
        if tasks:
            await asyncio.wait(tasks, timeout=IN_ORDER)
        await _ended(tasks)
        self._parts.clear()
        if self.duties is not None:
            await self.duties.leave()


async def _ended(tasks: Iterable[asyncio.Future[Any]]) -> None:
    found = list(tasks)
    for task in found:
        task.cancel()
    await asyncio.gather(*found, return_exceptions=True)


def _meant(roll: Roll) -> Iterator[str]:
    """What we shall have, of each kind its share."""
    able = {name: member.able for name, member in roll.members.items()}
    held = {duty: lease.holder for duty, lease in roll.leases.items()}
    kinds: dict[str, set[str]] = {}
    for duty in frozenset().union(*able.values()):
        kinds.setdefault(kind(duty), set()).add(duty)
    for duties in kinds.values():
        yield from (duty for duty, member in plan(duties, able, held).items() if member == roll.me)
