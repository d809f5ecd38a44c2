"""What is going on now, kept current by following the log: incidents open or watched, silences, planned work.

It is a projection: whoever starts builds it from the log, and every process has one of its own. What is open bounds
it, not what ever was.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hutch.commands.seen import whole
from hutch.commands.watched import Watched
from hutch.model import firing, incident, maintenance, silence
from hutch.model.erasure import KIND as ERASING
from hutch.model.erasure import retold
from hutch.model.event import Event
from hutch.model.firing import Firings
from hutch.model.incident import Incident
from hutch.model.quiet import Maintenance, Silence
from hutch.ports import Place, Store

FIRINGS = 20_000
"""Fingerprints whose state is kept in memory; that of any other is read from the log."""

HELD = 10_000
"""Fingerprints held back that are looked at as soon as what holds them back ends; the others by their job."""

AT_ONCE = 64
"""Streams that are read at the same time."""

STEP = 1000
"""Events that are looked at in one turn."""

INCIDENT, SILENCE, MAINTENANCE, ALERT = "incident:", "silence:", "maintenance:", "alert:"


@dataclass(slots=True)
class Board:
    """One for each store. ``lock`` is held by whoever decides by it and writes."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    position: int | None = None
    incidents: dict[str, Incident] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    maintenance: dict[str, Maintenance] = field(default_factory=dict)  # what people planned
    numbers: dict[int, int] = field(default_factory=dict)  # the highest incident number of a year
    watched: dict[str, Watched] = field(default_factory=dict)  # by service, where this process watches
    held: dict[str, str] = field(default_factory=dict)  # fingerprint -> service
    services: dict[str, set[str]] = field(default_factory=dict)  # the incidents of each
    _over: set[str] = field(default_factory=set)  # resolved, and kept while they are watched
    _firings: OrderedDict[str, Firings] = field(default_factory=OrderedDict)

    def number(self, year: int, after: int = 1) -> str:
        """The incident number that is so many after the last one that is known."""
        return f"INC-{year}-{self.numbers.get(year, 0) + after:03d}"

    def of(self, service: str) -> list[Incident]:
        """The incidents of that service that are open or watched."""
        return [self.incidents[name] for name in self.services.get(service, ())]

    async def catch_up(self, store: Store, now: datetime) -> None:
        """Follow the log to its end, private incidents too. Raises what the store raises."""
        store = whole(store)
        if self.position is None:
            await self._build(store)
        more = True
        while more:
            found = await store.places(self.position or 0, STEP)
            await self._follow(store, [place for place in found if not self._knows(place.stream, place.seq)])
            self.position = found[-1].position if found else self.position
            more = len(found) == STEP
        self._prune(now)

    async def adopt(self, store: Store, written: Iterable[Event]) -> None:
        """Hear what whoever holds the lock wrote just now: it need not be read back."""
        for event in written:
            await self._hear(store, event)

    async def _follow(self, store: Store, fresh: Sequence[Place]) -> None:
        """Hear the events at these places; whatever else stands between them is passed over."""
        wanted = {place.position for place in fresh}
        after = fresh[0].position - 1 if fresh else 0
        while wanted:
            found = await store.tail(after, STEP)
            for after, event in found:
                if after in wanted:
                    await self._hear(store, event)
                    wanted.discard(after)

    def _knows(self, stream: str, seq: int) -> bool:
        """Whether that event was heard, or is nothing that is followed here."""
        if stream.startswith(ALERT):
            firings = self._firings.get(stream.removeprefix(ALERT))
            return firings is not None and firings.seq >= seq
        if stream.startswith(INCIDENT):
            known = self.incidents.get(stream.removeprefix(INCIDENT))
            return known is not None and known.seq >= seq
        return not stream.startswith((SILENCE, MAINTENANCE))

    async def firings(self, store: Store, fingerprints: Iterable[str]) -> dict[str, Firings]:
        """What is known of each; at the log's end when :meth:`catch_up` was just done."""
        store = whole(store)
        wanted = dict.fromkeys(fingerprints)
        unknown = [f for f in wanted if f not in self._firings]
        known = {f: self._firings[f] for f in wanted if f in self._firings} | await _load(store, unknown)
        for state in known.values():
            self._keep(state)
        return known

    async def over(self, store: Store, names: Iterable[str]) -> dict[str, Incident]:
        """Those of these incidents that are over and no longer watched: what still fires in one may end now."""
        unknown = [name for name in dict.fromkeys(names) if name and name not in self.incidents]
        streams = [incident.stream_of(name) for name in unknown]
        folded = map(incident.fold, await store.read_all(streams) if streams else [])
        return {state.id: state for state in folded if state}

    def forget(self, fingerprints: Iterable[str]) -> None:
        """Read these from the log when they are next asked for: somebody else wrote to them."""
        for fingerprint in fingerprints:
            self._firings.pop(fingerprint, None)

    def _keep(self, state: Firings) -> None:
        self._firings[state.fingerprint] = state
        self._firings.move_to_end(state.fingerprint)
        while len(self._firings) > FIRINGS:
            self._firings.popitem(last=False)

    async def _build(self, store: Store) -> None:
        position = await end_of(store)
        names = [name for kind in (INCIDENT, SILENCE, MAINTENANCE) for name in await store.streams(kind)]
        for start in range(0, len(names), AT_ONCE):
            for events in await store.read_all(names[start : start + AT_ONCE]):
                for event in retold(events):
                    await self._hear(store, event)
        self.position = position

    async def _hear(self, store: Store, event: Event) -> None:
        if event.stream.startswith(INCIDENT):
            await self._hear_incident(store, event)
        elif event.stream.startswith(SILENCE):
            found = silence.fold([event], self.silences.get(event.stream))
            if found:
                self.silences[event.stream] = found
        elif event.stream.startswith(MAINTENANCE):
            window = maintenance.fold([event], self.maintenance.get(event.stream))
            if window:
                self.maintenance[event.stream] = window
        elif event.stream.startswith(ALERT):
            self._hear_firing(event)

    async def _hear_incident(self, store: Store, event: Event) -> None:
        name = event.stream.removeprefix(INCIDENT)
        known = self.incidents.get(name)
        if known and event.seq <= known.seq:
            return
        gone = event.kind == ERASING or event.data.get("erased") is True
        if gone or (known is None and event.seq > 1):  # it was over and forgotten, and something happened to it
            found = incident.fold(await store.read(event.stream))
        else:
            found = incident.fold([event], known)
        if found:
            self._put(name, found)

    def _put(self, name: str, state: Incident) -> None:
        self.incidents[name] = state
        self.services.setdefault(state.service, set()).add(name)
        (self._over.discard if state.open else self._over.add)(name)
        self._number(name)

    def _number(self, name: str) -> None:
        _, year, number = name.split("-", 2)
        if year.isdigit() and number.isdigit():
            self.numbers[int(year)] = max(self.numbers.get(int(year), 0), int(number))

    def _hear_firing(self, event: Event) -> None:
        fingerprint = event.stream.removeprefix(ALERT)
        known = self._firings.get(fingerprint)
        if known and known.seq == event.seq - 1 and event.kind != ERASING:
            self._firings[fingerprint] = known = firing.fold([event], known)
        elif known and known.seq < event.seq:
            del self._firings[fingerprint]
            known = None
        self._note_held(fingerprint, event, known)

    def _note_held(self, fingerprint: str, event: Event, known: Firings | None) -> None:
        holds = event.kind == "firing.started" and bool(event.data.get("held"))
        if not holds:
            self.held.pop(fingerprint, None)
        elif known and known.alert and len(self.held) < HELD:
            self.held[fingerprint] = known.alert.service

    def _prune(self, now: datetime) -> None:
        for name in [n for n in self._over if not _watched(self.incidents[n], now)]:
            self._over.discard(name)
            service = self.incidents.pop(name).service
            self.services[service].discard(name)
            if not self.services[service]:
                del self.services[service]
        for stream in [s for s, found in self.silences.items() if found.ends <= now]:
            del self.silences[stream]
        for stream in [s for s, found in self.maintenance.items() if not found.window(now)]:
            del self.maintenance[stream]


def _watched(state: Incident, now: datetime) -> bool:
    return state.watch_until is not None and now < state.watch_until


async def _load(store: Store, fingerprints: Sequence[str]) -> dict[str, Firings]:
    """What the log says of each: a batch is read at once."""
    streams = [firing.stream_of(fingerprint) for fingerprint in fingerprints]
    found = await store.read_all(streams) if streams else []
    return {f: firing.fold(events, Firings(f)) for f, events in zip(fingerprints, found, strict=True)}


async def end_of(store: Store) -> int:
    """The position of the last event: positions only grow, so it is found by halving."""
    low, high = 0, 1
    while await store.tail(high, 1):
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if await store.tail(middle, 1):
            low = middle + 1
        else:
            high = middle
    return low
