"""Watches the services: scrapes, computes signals, judges the alert rules, diagnoses, and takes in what fires."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from hutch.commands import alerts, assess
from hutch.commands.archiving import Archiving
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.diagnose import diagnose
from hutch.commands.overseer import Beat, Overseer
from hutch.commands.reminding import Reminding
from hutch.commands.shares import Shares, plain, rest
from hutch.commands.sources import Sources
from hutch.commands.timekeeper import Timekeeper
from hutch.commands.watched import RuleView, SignalView, Watched, watched_json
from hutch.detection import probes, standing
from hutch.detection.catalogue import catalogue, wanted
from hutch.detection.history import History
from hutch.detection.memory import memory, recall
from hutch.detection.rules import BLIND_AFTER, Evaluator, Fired, NoData, Resolved, Transition, holds, threshold
from hutch.detection.signals import SignalSpec, measure_all, scrape_interval
from hutch.model.alert import Alert
from hutch.model.duty import ARCHIVES, OVERSEER, REVIEWS, called, watching
from hutch.ports import StoreAway, StoreFull

GRACE = 1.0
"""Seconds that an evaluation waits at most for sources that were just asked; what comes later counts next time."""

SHORTEST_LOOK = 2.0
"""Seconds between two diagnoses at the least, however short ``diagnose_every`` and the time scale make it."""

TOLD_EVERY = 5.0
"""Seconds after which where the rules stand is kept again, also when nothing changed: so it is seen to be of now."""

DIAGNOSED = frozenset({"deploy.bad_release"})
"""Codes that the diagnosis itself gives, not a provider."""

log = logging.getLogger("hutch.monitor")


@dataclass(slots=True)
class Watch:
    """What is remembered of one service between looks. ``pending`` was seen and is not yet durable."""

    service: Service
    catalogue: Mapping[str, SignalSpec]
    evaluator: Evaluator
    history: History
    sources: Sources
    values: dict[str, float | None] = field(default_factory=dict)
    pending: list[Transition] = field(default_factory=list)
    causes: standing.Standing = field(default_factory=standing.Standing)
    beat: Beat = field(default_factory=lambda: Beat(math.inf))
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)
    told: tuple[object, ...] = ()
    told_at: float = -math.inf
    telling: asyncio.Task[None] | None = None


def _watch(context: Context, service: Service) -> Watch:
    config = context.config
    specs = catalogue(config.signals, service.name)
    rules = [rule for rule in config.rules if rule.condition.signal in specs]
    history = History(wanted=wanted(specs))
    sources = Sources(context, service, history)
    return Watch(service, specs, Evaluator(rules, service.name, config.time_scale, specs), history, sources)


def seen(watch: Watch, now: datetime, by: str = "") -> Watched:
    """What pages and the API show of a service."""
    states = watch.evaluator.states
    views = [
        RuleView(rule, state.word, state.blind_since or state.track.since, threshold(rule, watch.catalogue))
        for rule in watch.evaluator.rules
        for state in (states[rule.name],)
    ]
    signals = tuple(
        SignalView(
            spec.name,
            spec.unit,
            spec.doc,
            watch.values.get(spec.name),
            tuple(view for view in views if view.rule.condition.signal == spec.name),
        )
        for spec in watch.catalogue.values()
    )
    return Watched(watch.service.name, now, signals, dict(watch.sources.troubles), by)


def quorums(watch: Watch) -> dict[str, float | None]:
    """What the rules are judged by that ask for several places to agree: by the latest word of each place."""
    found: dict[str, float | None] = {}
    for rule in (r for r in watch.evaluator.rules if r.quorum):
        probe = dict(watch.catalogue[rule.condition.signal].where).get("probe", "")
        told = probes.round_of(watch.sources.places, probe)
        found[rule.name] = probes.uptime_by_quorum(told, rule.quorum, partial(holds, rule, catalogue=watch.catalogue))
    return found


class Monitor:
    """Watches its share of a context's services until it is cancelled. ``shares`` may be given more to do besides."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.shares = context.vitals.shares = Shares(context.duties, late=lambda: context.vitals.lateness)
        self.watches = {name: _watch(context, service) for name, service in context.services.items()}
        self._used: set[str] = set()
        for name in self.watches:
            self.shares.works[watching(name)] = partial(self._do, name)
        self.shares.works[REVIEWS] = plain(Reminding(context).run)
        self.shares.works[ARCHIVES] = plain(Archiving(context).run)
        self.shares.works[OVERSEER] = rest

    @property
    def every(self) -> timedelta:
        """The time between scrapes: as configured, but often enough for the shortest window."""
        return min(self.context.config.scrape_every, scrape_interval(self.context.config.time_scale))

    @property
    def looks_every(self) -> float | None:
        """Seconds between two diagnoses of a service; None where ``diagnose_every`` is zero: not by itself."""
        wanted = self.context.config.scaled(self.context.config.diagnose_every).total_seconds()
        return max(wanted, SHORTEST_LOOK) if wanted else None

    async def run(self) -> None:
        """Watch what is this process's to watch; returns only when cancelled."""
        overseer = Overseer(self.context, self._beats, self._others, lambda: self.shares.mine(OVERSEER))
        try:
            await asyncio.gather(self.shares.run(), overseer.run())
        finally:
            self.context.board.watched.clear()

    def _beats(self) -> list[Beat]:
        return [self.watches[name].beat for name in self.shares.watched()]

    def _others(self) -> float:
        members = self.shares.roll.members
        return max((member.late for name, member in members.items() if name != self.shares.holder()), default=0.0)

    async def _do(self, name: str, leave: asyncio.Event) -> None:
        """Watch one service, until another process shall."""
        if name in self._used:  # another watched meanwhile: what is remembered here is of before
            self.watches[name] = _watch(self.context, self.context.services[name])
        self._used.add(name)
        watch = self.watches[name]
        await self.restore(watch)
        parts = [plain(Timekeeper(self.context, watch.service).run)(leave)]
        parts += [plain(partial(self._diagnose, watch))(leave)] if self.looks_every is not None else []
        try:
            async with asyncio.TaskGroup() as group:
                for part in (self._watch(watch, leave), *parts):
                    group.create_task(part)
            await self._remember(watch)
        except* (StoreFull, StoreAway) as errors:
            raise errors.exceptions[0] from None
        finally:
            watch.beat.due = math.inf
            await watch.sources.close()
            self.context.board.watched.pop(name, None)

    async def restore(self, watch: Watch) -> None:
        """Go on where another process was a moment ago, and take up the alerts that were firing when Hutch last ended,
        so that their end is noticed too. What was pending fires no later than it would have."""
        if self.context.watches:
            gap, data = self.context.config.scaled(BLIND_AFTER), await self.context.watches.recall(watch.service.name)
            now = self.context.clock.now()
            watch.causes = recall(data, watch.evaluator, watch.history, now, gap) if data else watch.causes
        for alert in await self._unended(watch):
            if not watch.evaluator.resume(alert):  # a cause that stood: the next look that could tell ends it
                watch.causes = replace(watch.causes, firing={**watch.causes.firing, alert.rule: alert})

    async def _unended(self, watch: Watch) -> list[Alert]:
        """What the log says that fires, of all that this service's rules and diagnosis can give."""
        board, store = self.context.board, self.context.store
        codes = {c for n in watch.service.connections for c in self.context.providers[n].codes}
        codes |= DIAGNOSED | self.context.probe_codes
        given = [*watch.evaluator.possible(), *standing.possible(codes, watch.service.name)]
        fingerprints = [alerts.prepared(self.context, alert).fingerprint for alert in given]
        async with board.lock:
            await board.catch_up(store, self.context.clock.now())
            found = await board.firings(store, fingerprints)
        return [known.alert for known in found.values() if known.alert]

    async def _watch(self, watch: Watch, leave: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        watch.beat.due = loop.time()
        while not leave.is_set():
            await self.look(watch)
            self.context.vitals.evaluations += 1
            watch.beat.due = max(watch.beat.due + self.every.total_seconds(), loop.time())
            with suppress(TimeoutError):
                await asyncio.wait_for(leave.wait(), watch.beat.due - loop.time())

    async def look(self, watch: Watch) -> None:
        """Ask the sources once, judge the rules, and take in what changed. A source that hangs holds up nothing."""
        await watch.sources.look(min(GRACE, self.every.total_seconds() / 2))
        now = self.context.clock.now()
        watch.values = measure_all(watch.history, now, self.context.config.time_scale, watch.catalogue)
        watch.pending += watch.evaluator.step(watch.values, now, quorums(watch))
        self.context.board.watched[watch.service.name] = seen(watch, now, called(self.shares.holder()))
        self._tell(watch)
        if self.context.samples and self._mine(watch):
            known = {name: value for name, value in watch.values.items() if value is not None}
            await self.context.samples.record(watch.service.name, now, known)
        await self._take_in_all(watch)
        await self._assess(watch, now)

    async def _assess(self, watch: Watch, now: datetime) -> None:
        """Propose a severity for the service's open incidents from what was just measured."""
        known = assess.figures(self.context, watch.values, quorums(watch))
        if not self._mine(watch) or not known:
            return
        try:
            await assess.watch(self.context, watch.service.name, known)
        except (StoreFull, StoreAway, CommandError) as error:
            log.error("no severity is proposed at %s, it is tried again: %s", now.isoformat(), error)

    def _tell(self, watch: Watch) -> None:
        """Let the other processes know where the rules stand; nothing waits for it."""
        loop, found = asyncio.get_running_loop(), self.context.board.watched[watch.service.name]
        words = tuple((r.rule.name, r.word, r.since) for signal in found.signals for r in signal.rules)
        same = words == watch.told and loop.time() - watch.told_at < TOLD_EVERY
        if not same and (watch.telling is None or watch.telling.done()):
            watch.told, watch.told_at = words, loop.time()
            watch.telling = asyncio.create_task(self._keep(watch, found), name=f"states of {found.service}")

    async def _keep(self, watch: Watch, found: Watched) -> None:
        """What others read, and what whoever watches next goes on from: refused where another watches by now."""
        if self.context.watches:
            longest = self.context.config.scaled(max(spec.window for spec in watch.catalogue.values()))
            kept = memory(watch.evaluator, watch.history, watch.causes, found.at, longest)
            await self.context.watches.keep(found.service, found.at, watched_json(found), kept, self.shares.holder())

    async def _remember(self, watch: Watch) -> None:
        """All that is known at the end of our turn."""
        if watch.telling:
            await watch.telling
        if found := self.context.board.watched.get(watch.service.name):
            await self._keep(watch, found)

    def _mine(self, watch: Watch) -> bool:
        return self.shares.mine(watching(watch.service.name))

    async def _diagnose(self, watch: Watch) -> None:
        while True:
            await self.diagnose(watch)
            await asyncio.sleep(self.looks_every or SHORTEST_LOOK)

    async def diagnose(self, watch: Watch) -> None:
        """Diagnose once; a cause that stands is an alert like any other."""
        found = await diagnose(self.context, watch.service)
        now = self.context.clock.now()
        watch.causes, changes = standing.step(watch.causes, found, now, watch.service.name)
        watch.pending += changes
        await self._take_in_all(watch)

    async def _take_in_all(self, watch: Watch) -> None:
        async with watch.taking:
            while watch.pending and self._mine(watch):
                try:
                    await self._take_in(watch.pending[0])
                except (StoreFull, StoreAway, CommandError) as error:
                    log.error("an alert waits to be taken in, and is tried again: %s", error)
                    return
                watch.pending.pop(0)

    async def _take_in(self, change: Transition) -> None:
        match change:
            case Fired(alert, since):
                await alerts.receive(self.context, [replace(alert, since=since)])
            case Resolved(alert):
                await alerts.receive(self.context, [alert])
            case NoData(rule=name, service=service, since=since):
                log.warning("no data for rule %s of service %s since %s", name, service, since.isoformat())
