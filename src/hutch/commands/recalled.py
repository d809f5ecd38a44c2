"""What is known of the incidents that were looked at lately: of each only what is new is read from the log.

A long incident is folded once, not at each look. What is asked for is always as the log stands.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from hutch.model import incident as model
from hutch.model.archive import RESTORED
from hutch.model.erasure import retold
from hutch.model.event import Event
from hutch.model.incident import Incident
from hutch.model.register import Entry
from hutch.ports import Store
from hutch.review.pins import PINNED, UNPINNED, pinned
from hutch.review.story import Story

MOST = 300
"""Incidents that are remembered."""

LONG = 200
"""Events from which on an incident is remembered when a list shows it; a shorter one is read again with the others."""

KEPT = frozenset({PINNED, UNPINNED, "update.drafted", "update.posted", "alert.fired"})
"""Kinds of event of which more is shown than the incident's state holds."""


@dataclass(frozen=True, slots=True)
class Known:
    """An incident up to the event ``state.seq``. ``kept`` are its events of the kinds :data:`KEPT`, and those that are
    pinned, in order."""

    state: Incident
    kept: tuple[Event, ...]


@dataclass(slots=True)
class Recalled:
    """One for each store."""

    _store: Store | None = None
    _known: OrderedDict[str, Known] = field(default_factory=OrderedDict)

    async def of(self, store: Store, incident_id: str) -> Known | None:
        """The incident as it stands; None for an unknown one. Raises what the store raises."""
        if store is not self._store:
            self._store = store
            self._known.clear()
        stream, before = model.stream_of(incident_id), self._known.get(incident_id)
        new = await store.read(stream, before.state.seq if before else 0)
        if before and any("erased" in event.kind or event.kind == RESTORED for event in new):
            before, new = None, await store.read(stream)
        after = await _advanced(store, stream, before, new) if new else before
        if after and store is self._store:
            self._remember(incident_id, after)
        return after

    async def states(self, store: Store, ids: Sequence[str]) -> list[Incident]:
        """Each of these as it stands, without the unknown ones: the long ones as :meth:`of`, the others in one turn."""
        if store is not self._store:
            self._store = store
            self._known.clear()
        short = [name for name in ids if not self._is_long(name)]
        read = await store.read_all([model.stream_of(name) for name in short]) if short else []
        found: dict[str, Incident | None] = {}
        for name, events in zip(short, read, strict=True):
            found[name] = await self._whole(store, name, events) if len(events) >= LONG else model.fold(events)
        for name in [name for name in ids if name not in found]:
            known = await self.of(store, name)
            found[name] = known.state if known else None
        return [state for name in ids if (state := found[name])]

    async def _whole(self, store: Store, incident_id: str, events: Sequence[Event]) -> Incident | None:
        """The state that all its events make, which is remembered."""
        known = await _advanced(store, model.stream_of(incident_id), None, events)
        if known and store is self._store:
            self._remember(incident_id, known)
        return known.state if known else None

    def _is_long(self, incident_id: str) -> bool:
        known = self._known.get(incident_id)
        return known is not None and known.state.seq >= LONG

    def _remember(self, incident_id: str, found: Known) -> None:
        known = self._known.get(incident_id)
        if known is None or known.state.seq < found.state.seq:
            self._known[incident_id] = found
        self._known.move_to_end(incident_id)
        while len(self._known) > MOST:
            self._known.popitem(last=False)


async def _advanced(store: Store, stream: str, before: Known | None, new: Sequence[Event]) -> Known | None:
    new = new if before else retold(new)
    state = model.fold(new, before.state if before else None)
    if state is None:
        return None
    kept = (*(before.kept if before else ()), *(event for event in new if event.kind in KEPT))
    wanted = set(pinned(kept)) - {ref(event) for event in kept}
    mine = {name for name in wanted if name.startswith(f"{stream}#")}
    if mine:
        whole = retold(await store.read(stream)) if before else new
        kept = tuple(sorted((*kept, *(event for event in whole if ref(event) in mine)), key=lambda event: event.seq))
    return Known(state, kept)


def ref(event: Event) -> str:
    """How a pin names it: ``incident:INC-2026-001#12``."""
    return f"{event.stream}#{event.seq}"


Told = tuple[Story, frozenset[str]]
"""The story of a past incident, and the rules of its alerts."""


@dataclass(slots=True)
class Stories:
    """The stories of past incidents, each as of its last event: what a new one is compared with at each look."""

    most: int = MOST
    _told: OrderedDict[Entry, Told] = field(default_factory=OrderedDict)

    def of(self, one: Entry) -> Told | None:
        """The story, if it is still here."""
        return self._told.get(one)

    def keep(self, one: Entry, told: Told) -> None:
        """Remember it in place of the one that was kept for longest."""
        self._told[one] = told
        while len(self._told) > self.most:
            self._told.popitem(last=False)
