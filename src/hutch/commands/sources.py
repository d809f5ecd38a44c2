"""What a service's sources give, each at its own pace: one that hangs or answers junk delays no other."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from hutch.commands.context import Context, Service
from hutch.detection import probes
from hutch.detection.catalogue import metric_of
from hutch.detection.history import History
from hutch.effect import classify
from hutch.model.action import Partly, Sample
from hutch.model.config import CustomSignal
from hutch.model.effect import Effect
from hutch.ports import Ask, Connection, Sightings

TIMEOUT = 5.0
"""Seconds after which a number that is asked for is given up this time."""

log = logging.getLogger("hutch.monitor")

Take = Callable[[], Awaitable[Sequence[Sample]]]


class Sources:
    """The sources of one service, and the numbers that its own signals ask for; what they give goes into ``history``.

    ``troubles`` says what is wrong with each one that gives nothing, or less than it should, by its name.
    """

    def __init__(self, context: Context, service: Service, history: History) -> None:
        config = context.config
        self.history = history
        self.now = context.clock.now
        self.mask = context.secrets.mask
        self.troubles: dict[str, str] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._due: dict[str, datetime] = {}
        self._scale = config.time_scale
        connections = list(service.connections.values())
        self._scrapes = {c.target: (c.scrape, c.scrape_within) for c in connections if c.scrape}
        self.places: list[probes.Place] = []
        self._probes = [p for p in config.probes if p.service == service.name]
        if self._probes and context.sightings:
            self._scrapes["probes"] = (self._seen(context.sightings, service.name), TIMEOUT)
        self._signals = [
            (signal, ask)
            for signal in config.signals
            if signal.meant_for(service.name) and (ask := self._asked(signal, connections))
        ]

    async def look(self, grace: float) -> None:
        """Ask all that are due, and return when all have answered, at the latest after ``grace`` seconds.

        What answers later is taken when it comes; nobody is asked again before.
        """
        for name, (take, within) in self._scrapes.items():
            self._begin(name, take, within)
        for signal, ask in self._signals:
            if self._due.get(signal.name, self.now()) <= self.now():
                self._due[signal.name] = self.now() + self._every(signal)
                self._begin(signal.name, self._question(signal, ask))
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), timeout=grace)

    def _seen(self, sightings: Sightings, service: str) -> Take:
        """What the probes saw last, from all places."""

        async def take() -> list[Sample]:
            latest, now = await sightings.latest(service), self.now()
            self.places = probes.standing(self._probes, latest, now, self._scale)
            return probes.samples(self.places, now)

        return take

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _every(self, signal: CustomSignal) -> timedelta:
        return signal.every / self._scale

    def _begin(self, name: str, take: Take, within: float = TIMEOUT) -> None:
        if name not in self._under_way:
            task = asyncio.create_task(self._take(name, take, within), name=f"source {name}")
            self._under_way[name] = task
            task.add_done_callback(lambda done: self._ended(name, done))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        """A source that breaks costs its own word, whatever broke it."""
        self._under_way.pop(name, None)
        error = None if task.cancelled() else task.exception()
        if error:
            self._trouble(name, f"it broke: {type(error).__name__}: {error}")

    async def _take(self, name: str, take: Take, within: float) -> None:
        try:
            samples = await asyncio.wait_for(take(), within)
        except TimeoutError:
            self._trouble(name, f"no answer within {within:g} s")
        except Partly as error:
            self.history.add(error.samples, name)
            self._trouble(name, str(error), "a part only")
        except ValueError as error:
            self._trouble(name, str(error))
        else:
            self.history.add(samples, name)
            self._well(name)

    def _trouble(self, name: str, reason: str, gives: str = "nothing") -> None:
        why = self.mask(reason)
        if self.troubles.get(name) != why:
            log.warning("%s gives %s: %s", name, gives, why)
        self.troubles[name] = why

    def _well(self, name: str) -> None:
        if self.troubles.pop(name, None):
            log.warning("%s answers again", name)

    def _question(self, signal: CustomSignal, ask: Ask) -> Take:
        async def take() -> list[Sample]:
            value = await ask(signal.query)
            known = math.nan if value is None else value  # what a source knows to be none is none at once
            return [Sample(metric_of(signal.name), {}, known, self.now())]

        return take

    def _asked(self, signal: CustomSignal, connections: Sequence[Connection]) -> Ask | None:
        """Who answers it; None, with the trouble noted, where nobody does or may."""
        if signal.kind == "probe":
            return None
        why = refusal(signal)
        found = next((c.ask[signal.kind] for c in connections if signal.kind in c.ask), None)
        if why or found is None:
            self._trouble(signal.name, why or f"the service has no source that answers {signal.kind}")
            return None
        return found


def refusal(signal: CustomSignal) -> str:
    """Why a signal must not be asked for; empty when it may. SQL is judged as in documents: it only reads."""
    if signal.kind != "sql":
        return ""
    verdict = classify("sql", signal.query, [])
    if verdict.effect is Effect.READ and not verdict.sensitive:
        return ""
    word = "shows what is personal or secret" if verdict.effect is Effect.READ else f"is {verdict.effect.word}"
    return f"a signal only reads, and this {word}: {verdict.why}"
